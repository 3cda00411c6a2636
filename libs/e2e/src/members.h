#pragma once
/// Reads members of JSON objects; refusals name the member and never repeat a value.
#include <algorithm>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "latchkey/codec/status.h"

namespace latchkey::e2e {

[[nodiscard]] inline tl::unexpected<codec::Refusal> refuse_member(std::string_view name,
                                                                  std::string_view why) {
  return codec::refuse(codec::Rsc::bad_request, std::string(name) + ": " + std::string(why));
}

/// For a reader that calls one of a member: "esro.esri: ...".
[[nodiscard]] inline tl::unexpected<codec::Refusal> refuse_within(std::string_view name,
                                                                  codec::Refusal refusal) {
  refusal.detail = std::string(name) + "." + refusal.detail;
  return codec::refuse(std::move(refusal));
}

[[nodiscard]] inline std::optional<std::string_view> text_member(const boost::json::object& members,
                                                                 std::string_view name) {
  const boost::json::value* const value = members.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return std::string_view(value->get_string());
}

[[nodiscard]] inline std::optional<std::int64_t> integer(const boost::json::value& value, std::int64_t least,
                                                         std::int64_t most) {
  // What was parsed is signed where it fits; what was made here may be unsigned.
  if (value.is_uint64() && value.get_uint64() >= static_cast<std::uint64_t>(least) &&
      value.get_uint64() <= static_cast<std::uint64_t>(most))
    return static_cast<std::int64_t>(value.get_uint64());
  if (!value.is_int64() || value.get_int64() < least || value.get_int64() > most) return {};
  return value.get_int64();
}

/// The ASCII part of xs:NCName.
[[nodiscard]] inline bool is_ncname(std::string_view text) noexcept {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto other = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
  return !text.empty() && letter(text.front()) && std::ranges::all_of(text, other);
}

}  // namespace latchkey::e2e
