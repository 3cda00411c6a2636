#pragma once
/// What the messages of dynamic and of distributed authorization have in common. Every refusal is
/// bad_request; those of a nested reader stand behind a dot: ".orid[1]: ...".
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json_reader.h"
#include "latchkey/codec/dynamic_authorization.h"
#include "text.h"

namespace latchkey::codec {

inline constexpr std::size_t kIdOctets = 1024, kAddressOctets = 2048;

[[nodiscard]] inline Refusal below(std::string_view name, Refusal refusal) {
  return named("." + std::string(name), std::move(refusal));
}

[[nodiscard]] inline tl::unexpected<Refusal> missing(std::string_view name) {
  return refuse(below(name, {Rsc::bad_request, "missing"}));
}

/// Calls `read(name, value)` for each member; it answers whether it knows the name.
template <class Read>
[[nodiscard]] Outcome<void> read_members(const json::object& object, Read read) {
  for (const auto& entry : object) {
    const std::string_view name = entry.key();
    Outcome<bool> known = read(name, entry.value());
    if (known && !*known) known = bad_form("unknown member");
    if (!known) return refuse(below(shown(name), std::move(known).error()));
  }
  return {};
}
template <class Read>
[[nodiscard]] Outcome<void> read_members(const json::value& value, Read read) {
  if (!value.is_object()) return bad_form("not an object");
  return read_members(value.get_object(), std::move(read));
}

/// For use inside read_members.
template <class T, class U>
[[nodiscard]] Outcome<bool> put(T& target, Outcome<U> read) {
  if (auto done = assign(target, std::move(read)); !done) return refuse(std::move(done).error());
  return true;
}

template <class T, class Read>
[[nodiscard]] Outcome<std::vector<T>> read_list(const json::value& value, std::size_t most, Read read) {
  if (!value.is_array()) return bad_form("not an array");
  const auto& array = value.get_array();
  if (array.empty()) return bad_form("empty");
  if (array.size() > most) return bad_form("more than " + std::to_string(most) + " entries");
  std::vector<T> out;
  out.reserve(array.size());
  for (std::size_t k = 0; k < array.size(); ++k) {
    auto entry = read(array[k]);
    if (!entry) return refuse(named("[" + std::to_string(k) + "]", std::move(entry).error()));
    out.push_back(std::move(*entry));
  }
  return out;
}

/// The one member of pc, an object; the refusal names it.
[[nodiscard]] Outcome<const json::object*> unwrap(const json::value& pc, std::string_view element);

/// Absolute, and written exactly as this software writes it: equal ids are equal texts (docs/decisions/0010).
[[nodiscard]] Outcome<EntityId> read_entity(const json::value& value);
/// m2m:roleID, m2m:tokenID.
[[nodiscard]] Outcome<std::string> read_scoped_id(const json::value& value);
[[nodiscard]] Outcome<std::vector<std::string>> read_scoped_ids(const json::value& value, std::size_t most);
[[nodiscard]] Outcome<std::string> read_jwt(const json::value& value);
/// A resource address.
[[nodiscard]] Outcome<std::string> read_address(const json::value& value);
[[nodiscard]] Outcome<Operation> read_operation(const json::value& value);
[[nodiscard]] Outcome<std::uint32_t> read_type(const json::value& value);

/// originatorIP.
[[nodiscard]] Outcome<std::array<std::uint8_t, 16>> read_ip(const json::value& value);
[[nodiscard]] json::object ip_json(const std::array<std::uint8_t, 16>& ip);
/// originatorLocation.
[[nodiscard]] Outcome<OriginatorLocation> read_location(const json::value& value);
[[nodiscard]] json::object location_json(const OriginatorLocation& location);
/// setOfAcrs by its frame: the rules themselves are compiled and judged by the authorization library.
[[nodiscard]] Outcome<json::value> read_privileges(const json::value& value);

}  // namespace latchkey::codec
