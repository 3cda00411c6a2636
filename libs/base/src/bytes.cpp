#include "latchkey/base/bytes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "hex.h"

namespace latchkey {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using DecodeTable = std::array<std::int8_t, 256>;

constexpr DecodeTable decode_table(std::string_view alphabet) {
  DecodeTable table{};
  table.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  return table;
}

/// The four characters of three octets, the last of which may be zeros that are not there.
void encode_group(std::uint32_t group, const char* alphabet, char* out) {
  out[0] = alphabet[group >> 18U];
  out[1] = alphabet[group >> 12U & 0x3FU];
  out[2] = alphabet[group >> 6U & 0x3FU];
  out[3] = alphabet[group & 0x3FU];
}

std::string encode_base64(ByteView bytes, std::string_view alphabet, bool padded) {
  std::string out((bytes.size() + 2) / 3 * 4, '=');
  const std::uint8_t* in = bytes.data();
  char* to = out.data();
  std::size_t left = bytes.size();
  for (; left >= 3; left -= 3, in += 3, to += 4)
    encode_group(std::uint32_t{in[0]} << 16U | std::uint32_t{in[1]} << 8U | in[2], alphabet.data(), to);
  if (left == 0) return out;
  std::array<char, 4> last{};
  encode_group(std::uint32_t{in[0]} << 16U | (left == 2 ? std::uint32_t{in[1]} << 8U : 0U), alphabet.data(),
               last.data());
  std::copy_n(last.begin(), left + 1, to);
  if (!padded) out.resize(out.size() - (3 - left));
  return out;
}

/// `text` without padding. One octet string has one text: bits left over in the last character must be zero.
Result<Bytes> decode_base64(std::string_view text, const DecodeTable& table) {
  if (text.size() % 4 == 1) return fail(ErrorCode::invalid_argument, "base64 of impossible length");
  Bytes out(text.size() * 3 / 4);
  const auto value = [&](std::size_t at) -> std::int32_t {
    return table[static_cast<unsigned char>(text[at])];
  };
  std::int32_t bad = 0;  // negative as soon as one value is
  std::size_t at = 0;
  std::uint8_t* to = out.data();
  for (; at + 4 <= text.size(); at += 4, to += 3) {
    const std::int32_t a = value(at), b = value(at + 1), c = value(at + 2), d = value(at + 3);
    bad |= a | b | c | d;
    to[0] = static_cast<std::uint8_t>(a << 2 | b >> 4);
    to[1] = static_cast<std::uint8_t>(b << 4 | c >> 2);
    to[2] = static_cast<std::uint8_t>(c << 6 | d);
  }
  std::int32_t stray = 0;
  if (at < text.size()) {
    const bool three = text.size() - at == 3;
    const std::int32_t a = value(at), b = value(at + 1), c = three ? value(at + 2) : 0;
    bad |= a | b | c;
    to[0] = static_cast<std::uint8_t>(a << 2 | b >> 4);
    if (three) to[1] = static_cast<std::uint8_t>(b << 4 | c >> 2);
    stray = three ? c & 0x03 : b & 0x0F;
  }
  if (bad < 0) return fail(ErrorCode::invalid_argument, "character outside the base64 alphabet");
  if (stray != 0) return fail(ErrorCode::invalid_argument, "base64 with stray bits at the end");
  return out;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    out += digits[byte >> 4U];
    out += digits[byte & 0x0FU];
  }
  return out;
}

Result<Bytes> from_hex(std::string_view text) {
  Bytes out(text.size() / 2);
  if (auto status = decode_hex(text, out); !status) return fail(std::move(status.error()));
  return out;
}

std::string to_base64(ByteView bytes) { return encode_base64(bytes, kBase64, true); }

Result<Bytes> from_base64(std::string_view text) {
  static constexpr DecodeTable table = decode_table(kBase64);
  if (text.size() % 4 != 0) return fail(ErrorCode::invalid_argument, "base64 without padding");
  for (int pads = 0; pads < 2 && text.ends_with('='); ++pads) text.remove_suffix(1);
  return decode_base64(text, table);
}

std::string to_base64url(ByteView bytes) { return encode_base64(bytes, kBase64Url, false); }

Result<Bytes> from_base64url(std::string_view text) {
  static constexpr DecodeTable table = decode_table(kBase64Url);
  return decode_base64(text, table);
}

}  // namespace latchkey
