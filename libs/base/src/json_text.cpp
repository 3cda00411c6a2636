#include "json_text.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace latchkey {
namespace {

/// Length of the well-formed UTF-8 sequence at the front of `text` (Unicode table 3-7), 0 if there is none.
std::size_t utf8_sequence(std::string_view text) {
  const auto at = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto tail = [at](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && at(1) < 0xA0;
    const bool surrogate = first == 0xED && at(1) > 0x9F;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && at(1) < 0x90;
    const bool beyond = first == 0xF4 && at(1) > 0x8F;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

void append_control(std::string& out, unsigned char c) {
  char escape[8];
  const int size = std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
  out.append(escape, static_cast<std::size_t>(size));
}

/// How many octets at the front stand for themselves: nearly all of nearly every text.
std::size_t plain_octets(std::string_view text) {
  const auto* const end = std::find_if(text.data(), text.data() + text.size(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet < 0x20 || octet >= 0x7F || c == '"' || c == '\\';
  });
  return static_cast<std::size_t>(end - text.data());
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (true) {
    const std::size_t plain = plain_octets(text);
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::size_t size = utf8_sequence(text);
    const auto c = static_cast<unsigned char>(text.front());
    if (size == 0) {
      out += "\\ufffd";
    } else if (c < 0x20 || c == 0x7F) {
      append_control(out, c);
    } else if (c == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0) {
      append_control(out, static_cast<unsigned char>(text[1]));  // U+0080 to U+009F steer terminals too
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  out += '"';
}

}  // namespace latchkey
