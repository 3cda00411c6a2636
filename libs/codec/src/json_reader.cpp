#include "json_reader.h"

#include <charconv>

#include "text.h"

namespace latchkey::codec {

namespace json = boost::json;

namespace {

std::optional<std::uint64_t> unsigned_of(const json::value& value) noexcept {
  if (value.is_uint64()) return value.get_uint64();
  if (value.is_int64() && value.get_int64() >= 0) return static_cast<std::uint64_t>(value.get_int64());
  return std::nullopt;
}

}  // namespace

Outcome<bool> read_boolean(const json::value& value) {
  if (!value.is_bool()) return bad_form("not a boolean");
  return value.get_bool();
}

Outcome<std::uint64_t> read_integer(const json::value& value, std::uint64_t least, std::uint64_t most) {
  const auto number = unsigned_of(value);
  if (number && *number >= least && *number <= most) return *number;
  std::string range = most == kIntegerMax ? "of at least " + std::to_string(least)
                                          : "from " + std::to_string(least) + " to " + std::to_string(most);
  return bad_form("not an integer " + range);
}

Outcome<std::string> read_text(const json::value& value, std::size_t octets) {
  if (!value.is_string()) return bad_form("not a string");
  const auto text = view(value.get_string());
  if (text.size() > octets) return bad_form("longer than " + std::to_string(octets) + " octets");
  if (has_control(text)) return bad_form("holds a control character");
  return std::string(text);
}

Outcome<std::string> read_name(const json::value& value, std::size_t octets) {
  auto text = read_text(value, octets);
  if (text && text->empty()) return bad_form("empty");
  return text;
}

Outcome<TimePoint> read_timestamp(const json::value& value) {
  if (value.is_string()) {
    if (const auto time = parse_timestamp(view(value.get_string()))) return *time;
  }
  return bad_form("not a timestamp YYYYMMDDThhmmss");
}

Outcome<TimePoint> read_abs_rel_timestamp(const json::value& value, TimePoint now) {
  if (const auto number = unsigned_of(value)) {
    if (const auto time = parse_abs_rel_timestamp(std::to_string(*number), now)) return *time;
  } else if (value.is_string()) {
    if (const auto time = parse_abs_rel_timestamp(view(value.get_string()), now)) return *time;
  }
  return bad_form("neither a timestamp nor a number of milliseconds");
}

Outcome<std::vector<std::string>> read_names(const json::value& value, std::size_t entries,
                                             std::size_t octets) {
  if (!value.is_array()) return bad_form("not an array");
  const auto& array = value.get_array();
  if (array.size() > entries) return bad_form("more than " + std::to_string(entries) + " entries");
  std::vector<std::string> names;
  names.reserve(array.size());
  for (std::size_t k = 0; k < array.size(); ++k) {
    auto name = read_name(array[k], octets);
    if (name && has_blank_or_control(*name)) name = bad_form("holds a blank");
    if (!name) return refuse(named("[" + std::to_string(k) + "]", std::move(name).error()));
    names.push_back(std::move(*name));
  }
  return names;
}

Outcome<std::uint64_t> read_event_category(const json::value& value) {
  auto number = read_integer(value, 2, 999);
  if (number && *number > 4 && *number < 100) return bad_form("not an event category (2 to 4, 100 to 999)");
  return number;
}

json::array to_array(const std::vector<std::string>& list) {
  json::array out;
  out.reserve(list.size());
  for (const auto& text : list) out.emplace_back(text);
  return out;
}

std::optional<std::uint64_t> parse_integer(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

}  // namespace latchkey::codec
