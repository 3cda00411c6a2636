#pragma once
/// Time as TS-0004 writes it, and a clock that can be injected.
#include <chrono>
#include <string>
#include <string_view>

#include "latchkey/base/error.h"

namespace latchkey {

using TimePoint = std::chrono::sys_time<std::chrono::microseconds>;

/// m2m:timestamp, "YYYYMMDDThhmmss", UTC (TS-0004 6.3.3). Sub-seconds are dropped.
[[nodiscard]] std::string format_timestamp(TimePoint time);
/// Accepts an optional fraction ",f" of one to six digits; anything else is invalid_argument.
[[nodiscard]] Result<TimePoint> parse_timestamp(std::string_view text);
/// m2m:absRelTimestamp: a timestamp, or a non-negative number of milliseconds counted from `now`.
[[nodiscard]] Result<TimePoint> parse_abs_rel_timestamp(std::string_view text, TimePoint now);
/// RFC 3339 with microseconds and Z, for logs.
[[nodiscard]] std::string format_log_time(TimePoint time);

/// Source of UTC wall-clock time. Implementations are thread-safe.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
};

/// The operating system's clock; one instance for the process.
[[nodiscard]] const Clock& system_clock();

/// A clock that a test sets. Not thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimePoint start) : now_(start) {}
  [[nodiscard]] TimePoint now() const override { return now_; }
  void set(TimePoint time) { now_ = time; }
  void advance(std::chrono::microseconds by) { now_ += by; }

 private:
  TimePoint now_;
};

}  // namespace latchkey
