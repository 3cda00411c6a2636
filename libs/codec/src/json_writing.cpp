#include <array>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "latchkey/codec/primitive.h"

/// Boost.JSON writes in pieces that may stop anywhere, which costs several times what the octets do. Values
/// are as deep as parse_json let them be, so recursion is safe.
namespace latchkey::codec {
namespace {

constexpr bool needs_escape(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kShort = "\bb\ff\nn\rr\tt\"\"\\\\";
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '\\';
  for (std::size_t i = 0; i < kShort.size(); i += 2) {
    if (kShort[i] == c) {
      out += kShort[i + 1];
      return;
    }
  }
  const auto octet = static_cast<unsigned char>(c);
  ((out += "u00") += kHex[octet >> 4U]) += kHex[octet & 15U];
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!needs_escape(text[i])) continue;
    out.append(text, begin, i - begin);
    append_escaped(out, text[i]);
    begin = i + 1;
  }
  out.append(text, begin);
  out += '"';
}

template <class Integer>
void append_integer(std::string& out, Integer number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_array(std::string& out, const json::array& array) {
  char before = '[';
  for (const auto& entry : array) {
    out += std::exchange(before, ',');
    append_text(out, entry);
  }
  out += array.empty() ? "[]" : "]";
}

}  // namespace

void append_text(std::string& out, const json::object& value) {
  char before = '{';
  for (const auto& member : value) {
    out += std::exchange(before, ',');
    append_string(out, member.key());
    out += ':';
    append_text(out, member.value());
  }
  out += value.empty() ? "{}" : "}";
}

void append_text(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      out += "null";
      return;
    case json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      return;
    case json::kind::int64:
      return append_integer(out, value.get_int64());
    case json::kind::uint64:
      return append_integer(out, value.get_uint64());
    case json::kind::double_:  // rare, and the reader must see that it is one
      out += json::serialize(value);
      return;
    case json::kind::string:
      return append_string(out, value.get_string());
    case json::kind::array:
      return append_array(out, value.get_array());
    case json::kind::object:
      return append_text(out, value.get_object());
  }
}

std::string to_text(const json::value& value) {
  std::string out;
  append_text(out, value);
  return out;
}

}  // namespace latchkey::codec
