#include "json_members.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>

namespace latchkey::authz {
namespace {

std::optional<std::uint64_t> unsigned_value(const boost::json::value& value) noexcept {
  if (value.is_uint64()) return value.get_uint64();
  if (value.is_int64() && value.get_int64() >= 0) return static_cast<std::uint64_t>(value.get_int64());
  return std::nullopt;
}

}  // namespace

codec::Outcome<const boost::json::object*> read_object(const boost::json::value& value,
                                                       const std::string& where,
                                                       std::initializer_list<std::string_view> known) {
  const auto* object = value.if_object();
  if (object == nullptr) return bad_member(where, "is not an object");
  for (const auto& entry : *object) {
    const std::string_view name(entry.key().data(), entry.key().size());
    if (std::ranges::find(known, name) != known.end()) continue;
    // A name from outside goes into the answer only if it is short and plain.
    const bool plain =
        name.size() <= 32 && std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
    return bad_member(plain ? member(where, name) : where, plain ? "is not known" : "has an unknown member");
  }
  return object;
}

codec::Outcome<const boost::json::array*> read_list(const boost::json::value& value, const std::string& where,
                                                    std::size_t most) {
  const auto* list = value.if_array();
  if (list == nullptr) return bad_member(where, "is not a list");
  if (list->empty()) return bad_member(where, "is an empty list");
  if (list->size() > most) return bad_member(where, "has more than " + std::to_string(most) + " elements");
  return list;
}

codec::Outcome<std::string_view> read_text(const boost::json::value& value, const std::string& where) {
  const auto* text = value.if_string();
  if (text == nullptr) return bad_member(where, "is not a string");
  return std::string_view(text->data(), text->size());
}

codec::Outcome<std::uint32_t> read_number(const boost::json::value& value, const std::string& where,
                                          std::uint32_t least, std::uint32_t most) {
  const auto number = unsigned_value(value);
  if (!number || *number < least || *number > most)
    return bad_member(where,
                      "is not an integer from " + std::to_string(least) + " to " + std::to_string(most));
  return static_cast<std::uint32_t>(*number);
}

}  // namespace latchkey::authz
