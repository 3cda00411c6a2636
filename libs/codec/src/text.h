#pragma once
/// Small checks of text that all parts of the codec share.
#include <algorithm>
#include <boost/json/string.hpp>
#include <string>
#include <string_view>

namespace latchkey::codec {

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_alnum(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
[[nodiscard]] constexpr bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
}
[[nodiscard]] inline bool has_control(std::string_view text) noexcept {
  return std::ranges::any_of(text, is_control);
}
[[nodiscard]] inline bool has_blank_or_control(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char c) { return c == ' ' || is_control(c); });
}

/// A name from outside as it may stand in a refusal: printable ASCII, at most 64 octets.
[[nodiscard]] std::string shown(std::string_view name);

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

[[nodiscard]] inline std::string_view view(const boost::json::string& text) noexcept {
  return {text.data(), text.size()};
}

}  // namespace latchkey::codec
