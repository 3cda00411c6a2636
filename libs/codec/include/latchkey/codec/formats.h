#pragma once
/// Text formats inside attributes and parameters (TS-0004 6.3.3, 6.3.4). All functions are pure and
/// thread-safe.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "latchkey/base/time.h"
#include "latchkey/codec/status.h"

namespace latchkey::codec {

/// m2m:contentInfo, "type/subtype:encoding[:security]".
struct ContentInfo {
  std::string media_type;     ///< "type/subtype"
  std::uint8_t encoding = 0;  ///< m2m:encodingType: 0 plain, 1 base64 of a string, 2 base64 of octets
  std::uint8_t security = 0;  ///< m2m:contentSecurity, 0 to 5
};
/// bad_request on any other form.
[[nodiscard]] Outcome<ContentInfo> parse_content_info(std::string_view text);

/// xs:duration as batchNotify and rateLimit use it ("PT30S", "P1DT0.5S"). A year counts 365 days, a month 30.
/// Negative durations, values of more than nine digits and other forms are bad_request.
[[nodiscard]] Outcome<std::chrono::milliseconds> parse_duration(std::string_view text);

/// m2m:timestamp as format_timestamp of base writes it, with the fraction ",f" where the time has one, so
/// that a time passes through a primitive unchanged.
[[nodiscard]] std::string timestamp_text(TimePoint time);

/// An entry of m2m:poaList: an URI of a binding (http, coap, mqtt, ws and their secure forms), or
/// host[:port].
[[nodiscard]] bool is_point_of_access(std::string_view text) noexcept;

/// A resourceName that a client may choose: letters, digits, '-', '.', '_', 1 to 255 octets, and none of the
/// names with a meaning in an address ("-", ".", "..", and the virtual resources la, ol, fopt, sfop, pcu,
/// ntsr).
[[nodiscard]] bool is_resource_name(std::string_view text) noexcept;

}  // namespace latchkey::codec
