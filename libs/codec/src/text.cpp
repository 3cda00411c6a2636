#include "text.h"

#include <cstdint>

namespace latchkey::codec {
namespace {

/// Octets of the sequence that starts with `lead`, and the bounds of its second octet (RFC 3629 section 4).
struct Sequence {
  std::size_t size = 0;  ///< 0: no sequence starts so
  std::uint8_t low = 0x80, high = 0xbf;
};

Sequence sequence(std::uint8_t lead) noexcept {
  if (lead < 0x80) return {1};
  if (lead >= 0xc2 && lead <= 0xdf) return {2};
  if (lead == 0xe0) return {3, 0xa0, 0xbf};
  if (lead == 0xed) return {3, 0x80, 0x9f};
  if (lead >= 0xe1 && lead <= 0xef) return {3};
  if (lead == 0xf0) return {4, 0x90, 0xbf};
  if (lead >= 0xf1 && lead <= 0xf3) return {4};
  if (lead == 0xf4) return {4, 0x80, 0x8f};
  return {};
}

}  // namespace

std::string shown(std::string_view name) {
  constexpr std::size_t kOctets = 64;
  std::string out(name.substr(0, kOctets));
  for (char& c : out) {
    if (is_control(c) || static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return name.size() > kOctets ? out + "..." : out;
}

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const Sequence form = sequence(static_cast<std::uint8_t>(text[at]));
    if (form.size == 0 || form.size > text.size() - at) return false;
    for (std::size_t k = 1; k < form.size; ++k) {
      const auto octet = static_cast<std::uint8_t>(text[at + k]);
      const bool fits = k == 1 ? octet >= form.low && octet <= form.high : (octet & 0xc0U) == 0x80;
      if (!fits) return false;
    }
    at += form.size;
  }
  return true;
}

}  // namespace latchkey::codec
