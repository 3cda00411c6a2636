#pragma once
/// JSON of the OMA RESTful Network API for Terminal Location 1.0, as far as TS-0004 Annex F (Release 3: Annex
/// G) uses it towards a location server. Pure functions, thread-safe.
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/time.h"
#include "latchkey/codec/status.h"

namespace latchkey::codec {

/// LocationInfo: where a terminal was at `time`.
struct Fix {
  double latitude = 0, longitude = 0;  ///< degrees
  double accuracy = 0;                 ///< metres around them
  TimePoint time;                      ///< of the measurement
  friend bool operator==(const Fix&, const Fix&) = default;
};

struct TerminalLocation {
  std::string address;  ///< locationTargetID (TS-0004 Table F.2.2-2)
  std::string status;   ///< locationRetrievalStatus: Retrieved, NotRetrieved, Error
  std::optional<Fix> fix;
  friend bool operator==(const TerminalLocation&, const TerminalLocation&) = default;
};

/// enteringLeavingCriteria.
enum class Crossing : std::uint8_t { entering, leaving };
[[nodiscard]] std::string_view to_string(Crossing crossing) noexcept;

/// CircleNotificationSubscription: tell us when the terminal crosses the circle in this direction.
struct CircleSubscription {
  std::string address;
  double latitude = 0, longitude = 0;  ///< degrees
  double radius = 0;                   ///< metres
  Crossing crossing = Crossing::entering;
  std::string notify_url, callback_data;
  std::chrono::seconds duration{0};   ///< the server ends the subscription after it
  std::chrono::seconds frequency{0};  ///< at least between two notifications
  double accuracy = 0;                ///< metres that the tracking needs
};

/// SubscriptionNotification, or SubscriptionCancellationNotification.
struct AreaNotification {
  std::string callback_data;
  std::optional<Crossing> crossing;
  std::vector<TerminalLocation> terminals;
  bool final = false;  ///< nothing follows: the last one, or the server has cancelled
  friend bool operator==(const AreaNotification&, const AreaNotification&) = default;
};

/// {"terminalLocationList": ...}: the entry for `address`, which must be there. Refusals (bad_request) name
/// the member. Numbers and booleans may be texts and a list of one its element, as servers write that convert
/// from XML.
[[nodiscard]] Outcome<TerminalLocation> read_terminal_location(const boost::json::value& content,
                                                               std::string_view address);
[[nodiscard]] Outcome<AreaNotification> read_area_notification(const boost::json::value& content);
/// Path, without scheme and host, of the subscription that was made: resourceURL of
/// {"circleNotificationSubscription":
/// ...} or {"resourceReference": ...}.
[[nodiscard]] Outcome<std::string> read_subscription_path(const boost::json::value& content);

[[nodiscard]] boost::json::value to_json(const CircleSubscription& subscription);
/// LocationInfo, as it stands in the content of an instance (TS-0004 7.4.10.2.1 step 6).
[[nodiscard]] boost::json::value to_json(const Fix& fix);
/// The reverse; refusals (bad_request) name the member.
[[nodiscard]] Outcome<Fix> read_fix(const boost::json::value& location_info);

/// xs:dateTime with a time zone; more than microseconds are dropped.
[[nodiscard]] Outcome<TimePoint> parse_date_time(std::string_view text);

}  // namespace latchkey::codec
