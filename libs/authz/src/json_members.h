#pragma once
/// Strict reading of the members of a rule. A refusal is bad_request and names the member by its path.
#include <boost/json/value.hpp>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "latchkey/codec/status.h"

namespace latchkey::authz {

inline constexpr std::size_t kListEntriesMax = 10'000;

[[nodiscard]] inline tl::unexpected<codec::Refusal> bad_member(const std::string& where,
                                                               std::string_view what) {
  return codec::refuse(codec::Rsc::bad_request, where + " " + std::string(what));
}
[[nodiscard]] inline std::string member(const std::string& where, std::string_view name) {
  return where + "." + std::string(name);
}
[[nodiscard]] inline std::string element(const std::string& where, std::size_t index) {
  return where + "[" + std::to_string(index) + "]";
}

/// An object whose members are all among `known`.
[[nodiscard]] codec::Outcome<const boost::json::object*> read_object(
    const boost::json::value& value, const std::string& where, std::initializer_list<std::string_view> known);
/// An array of 1 to `most` elements.
[[nodiscard]] codec::Outcome<const boost::json::array*> read_list(const boost::json::value& value,
                                                                  const std::string& where,
                                                                  std::size_t most = kListEntriesMax);
[[nodiscard]] codec::Outcome<std::string_view> read_text(const boost::json::value& value,
                                                         const std::string& where);
[[nodiscard]] codec::Outcome<std::uint32_t> read_number(const boost::json::value& value,
                                                        const std::string& where, std::uint32_t least,
                                                        std::uint32_t most);

}  // namespace latchkey::authz
