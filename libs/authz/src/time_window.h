#pragma once
/// accessControlTimeWindow: the extended crontab of TS-0004 m2m:scheduleEntry (TS-0003 7.1.3).
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "latchkey/base/error.h"
#include "latchkey/base/time.h"

namespace latchkey::authz {

/// A point in time as the seven fields see it, UTC.
struct CivilTime {
  unsigned second = 0, minute = 0, hour = 0;
  unsigned day = 1, month = 1, weekday = 0;  ///< weekday: 0 is Sunday
  int year = 2000;
};
[[nodiscard]] CivilTime civil_time(TimePoint time) noexcept;

/// One time window: "second minute hour day-of-month month day-of-week year", blank-separated. A field is
/// `*`, `*/n` (every n-th value, counted from the least one of the field; years from 2000), or a list of
/// numbers and ranges `a-b`. All fields must match. Immutable value.
class TimeWindow {
 public:
  /// At most 256 octets. Anything but the syntax above is invalid_argument; the detail names the field.
  [[nodiscard]] static Result<TimeWindow> parse(std::string_view text);
  [[nodiscard]] bool contains(const CivilTime& time) const noexcept;

 private:
  struct Years {
    int from, to, step;
  };
  TimeWindow() = default;
  std::array<std::uint64_t, 6> fields_{};  ///< bit n: value n; second to day of week
  std::vector<Years> years_;
};

}  // namespace latchkey::authz
