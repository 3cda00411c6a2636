#include "resource.h"

namespace latchkey::cse {

std::string_view Resource::text(std::string_view name) const noexcept {
  const auto* const value = attributes.if_contains(name);
  const auto* const string = value != nullptr ? value->if_string() : nullptr;
  return string != nullptr ? std::string_view(*string) : std::string_view();
}

std::uint64_t Resource::number(std::string_view name, std::uint64_t fallback) const noexcept {
  const auto* const value = attributes.if_contains(name);
  if (value == nullptr) return fallback;
  if (const auto* const natural = value->if_uint64()) return *natural;
  const auto* const integer = value->if_int64();
  return integer != nullptr && *integer >= 0 ? static_cast<std::uint64_t>(*integer) : fallback;
}

bool Resource::flag(std::string_view name, bool fallback) const noexcept {
  const auto* const value = attributes.if_contains(name);
  const auto* const boolean = value != nullptr ? value->if_bool() : nullptr;
  return boolean != nullptr ? *boolean : fallback;
}

const boost::json::array* Resource::list(std::string_view name) const noexcept {
  const auto* const value = attributes.if_contains(name);
  return value != nullptr ? value->if_array() : nullptr;
}

}  // namespace latchkey::cse
