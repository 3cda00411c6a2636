#pragma once
/// Reads single JSON values into types. Every refusal is bad_request without the name of the member, which
/// the caller that knows it puts in front (see named).
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/time.h"
#include "latchkey/codec/status.h"

namespace latchkey::codec {

/// The largest integer that every store and peer keeps exactly.
inline constexpr std::uint64_t kIntegerMax = std::numeric_limits<std::int64_t>::max();

[[nodiscard]] Outcome<bool> read_boolean(const boost::json::value& value);
[[nodiscard]] Outcome<std::uint64_t> read_integer(const boost::json::value& value, std::uint64_t least,
                                                  std::uint64_t most);
/// Text without control characters, at most `octets`.
[[nodiscard]] Outcome<std::string> read_text(const boost::json::value& value, std::size_t octets);
/// The same, and not empty.
[[nodiscard]] Outcome<std::string> read_name(const boost::json::value& value, std::size_t octets);
[[nodiscard]] Outcome<TimePoint> read_timestamp(const boost::json::value& value);
/// m2m:absRelTimestamp: text, or a JSON number of milliseconds.
[[nodiscard]] Outcome<TimePoint> read_abs_rel_timestamp(const boost::json::value& value, TimePoint now);
/// Array of names without blanks, which separate the entries where a list is written as one text.
[[nodiscard]] Outcome<std::vector<std::string>> read_names(const boost::json::value& value,
                                                           std::size_t entries, std::size_t octets);

/// eventCat: 2 immediate, 3 best effort, 4 latest, 100 to 999 by the provider (TS-0004 6.3.4.2.12).
[[nodiscard]] Outcome<std::uint64_t> read_event_category(const boost::json::value& value);

/// The array of JSON strings that a list is written as.
[[nodiscard]] boost::json::array to_array(const std::vector<std::string>& list);

/// The number that `text` is, all of it, decimal digits only.
[[nodiscard]] std::optional<std::uint64_t> parse_integer(std::string_view text) noexcept;

/// Puts the member's name in front of a refusal: "fc.crb: not a timestamp".
[[nodiscard]] inline Refusal named(std::string_view name, Refusal refusal) {
  const bool deeper =
      !refusal.detail.empty() && (refusal.detail.front() == '.' || refusal.detail.front() == '[');
  refusal.detail = std::string(name) + (deeper ? "" : ": ") + refusal.detail;
  return refusal;
}

[[nodiscard]] inline tl::unexpected<Refusal> bad_form(std::string detail) {
  return refuse(Rsc::bad_request, std::move(detail));
}

/// For a reader whose refusal alone matters.
template <class T>
[[nodiscard]] Outcome<void> without_value(Outcome<T> read) {
  if (!read) return refuse(std::move(read).error());
  return {};
}

/// Stores what was read, or passes the refusal on.
template <class T, class U>
[[nodiscard]] Outcome<void> assign(T& target, Outcome<U> read) {
  if (!read) return refuse(std::move(read).error());
  target = std::move(*read);
  return {};
}
/// The same for a narrower integer or an enumeration; the reader has checked the range.
template <class T>
[[nodiscard]] Outcome<void> assign_as(std::optional<T>& target, Outcome<std::uint64_t> read) {
  if (!read) return refuse(std::move(read).error());
  target = static_cast<T>(*read);
  return {};
}

}  // namespace latchkey::codec
