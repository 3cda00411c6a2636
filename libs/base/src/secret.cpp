#include "latchkey/base/secret.h"

#include <algorithm>
#include <cstring>

#include "hex.h"

namespace latchkey {
namespace {

/// The value of a hex digit or -1, without a branch or table index that depends on it: the digit may be of a
/// key.
int hex_value(char c) noexcept {
  const int x = static_cast<unsigned char>(c);
  const int lower = x | 0x20;
  const int is_digit = ((('0' - 1) - x) & (x - ('9' + 1))) >> 8;           // -1 or 0
  const int is_letter = ((('a' - 1) - lower) & (lower - ('f' + 1))) >> 8;  // -1 or 0
  return (is_digit & (x - '0' + 1)) + (is_letter & (lower - 'a' + 11)) - 1;
}

}  // namespace

Status decode_hex(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() % 2 != 0) return fail(ErrorCode::invalid_argument, "odd number of hex digits");
  if (out.size() * 2 != text.size()) broken_invariant("decode_hex: wrong size of the output");
  int bad = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    bad |= high | low;  // negative as soon as one is
    out[i] = static_cast<std::uint8_t>((high & 0x0F) << 4 | (low & 0x0F));
  }
  if (bad < 0) return fail(ErrorCode::invalid_argument, "character that is no hex digit");
  return {};
}

void wipe(void* data, std::size_t size) noexcept {
  if (size > 0) explicit_bzero(data, size);
}

bool constant_time_equal(ByteView a, ByteView b) noexcept {
  if (a.size() != b.size()) return false;
  volatile std::uint8_t difference = 0;  // volatile: no early exit may be derived
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

SecretBytes::SecretBytes(std::size_t size)
    : data_(size > 0 ? new std::uint8_t[size]() : nullptr), size_(size) {}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  SecretBytes out(bytes.size());
  std::copy(bytes.begin(), bytes.end(), out.data_);
  return out;
}

SecretBytes SecretBytes::take(Bytes&& bytes) {
  SecretBytes out = copy_of(bytes);
  wipe(bytes.data(), bytes.size());
  bytes.clear();
  return out;
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  SecretBytes given(std::move(other));  // self-move leaves the value as it was
  std::swap(data_, given.data_);
  std::swap(size_, given.size_);
  return *this;
}

SecretBytes::~SecretBytes() {
  wipe(data_, size_);
  delete[] data_;
}

Result<SecretBytes> secret_from_hex(std::string_view text) {
  SecretBytes out(text.size() / 2);
  if (auto status = decode_hex(text, out.reveal_writable()); !status) return fail(std::move(status.error()));
  return out;
}

}  // namespace latchkey
