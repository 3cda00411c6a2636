#include "latchkey/base/bytes.h"

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

std::string encode_base64(ByteView bytes, std::string_view alphabet, bool padded) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16U |
                                static_cast<std::uint32_t>(bytes[i + 1]) << 8U | bytes[i + 2];
    for (const unsigned shift : {18U, 12U, 6U, 0U}) out += alphabet[group >> shift & 0x3FU];
  }
  const std::size_t rest = bytes.size() - i;
  if (rest > 0) {
    std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16U;
    if (rest == 2) group |= static_cast<std::uint32_t>(bytes[i + 1]) << 8U;
    out += alphabet[group >> 18U & 0x3FU];
    out += alphabet[group >> 12U & 0x3FU];
    if (rest == 2) out += alphabet[group >> 6U & 0x3FU];
    if (padded) out.append(3 - rest, '=');
  }
  return out;
}

/// `text` without padding. One octet string has one text: bits left over in the last character must be zero.
Result<Bytes> decode_base64(std::string_view text, const DecodeTable& table) {
  if (text.size() % 4 == 1) return fail(ErrorCode::invalid_argument, "base64 of impossible length");
  Bytes out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::int8_t value = table[static_cast<unsigned char>(c)];
    if (value < 0) return fail(ErrorCode::invalid_argument, "character outside the base64 alphabet");
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<std::uint8_t>(bits >> count));
      bits &= (1U << count) - 1U;
    }
  }
  if (bits != 0) return fail(ErrorCode::invalid_argument, "base64 with stray bits at the end");
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
