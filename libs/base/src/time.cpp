#include "latchkey/base/time.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace latchkey {
namespace {

namespace chrono = std::chrono;

/// Four digits of a year is what both text forms can hold.
constexpr TimePoint kEarliest = chrono::sys_days(chrono::year(0) / 1 / 1);
constexpr TimePoint kLatest =
    TimePoint(chrono::sys_days(chrono::year(10000) / 1 / 1)) - chrono::microseconds(1);

struct Civil {
  int year, month, day, hour, minute, second, micros;
};

Civil civil(TimePoint time) {
  time = std::min(std::max(time, kEarliest), kLatest);
  const auto days = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date(days);
  const chrono::hh_mm_ss clock(time - days);
  return {int(date.year()),
          static_cast<int>(unsigned(date.month())),
          static_cast<int>(unsigned(date.day())),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          static_cast<int>(clock.subseconds().count())};
}

/// `value` with leading zeros into `out`; every event and resource carries a time, and printf takes longer.
void put_digits(std::string& out, std::size_t at, std::size_t count, int value) {
  for (std::size_t i = at + count; i > at; --i) {
    out[i - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

/// ",f" with one to six digits, as microseconds; the empty text is 0.
std::optional<chrono::microseconds> fraction(std::string_view text) {
  if (text.empty()) return chrono::microseconds(0);
  if (text.front() != ',' || text.size() < 2 || text.size() > 7) return std::nullopt;
  auto value = digits(text, 1, text.size() - 1);
  if (!value) return std::nullopt;
  for (std::size_t scale = text.size(); scale < 7; ++scale) *value *= 10;
  return chrono::microseconds(*value);
}

class SystemClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override {
    return chrono::floor<chrono::microseconds>(chrono::system_clock::now());
  }
};

}  // namespace

std::string format_timestamp(TimePoint time) {
  const Civil t = civil(time);
  std::string out = "YYYYMMDDThhmmss";
  put_digits(out, 0, 4, t.year);
  put_digits(out, 4, 2, t.month);
  put_digits(out, 6, 2, t.day);
  put_digits(out, 9, 2, t.hour);
  put_digits(out, 11, 2, t.minute);
  put_digits(out, 13, 2, t.second);
  return out;
}

std::string format_log_time(TimePoint time) {
  const Civil t = civil(time);
  std::string out = "YYYY-MM-DDThh:mm:ss.uuuuuuZ";
  put_digits(out, 0, 4, t.year);
  put_digits(out, 5, 2, t.month);
  put_digits(out, 8, 2, t.day);
  put_digits(out, 11, 2, t.hour);
  put_digits(out, 14, 2, t.minute);
  put_digits(out, 17, 2, t.second);
  put_digits(out, 20, 6, t.micros);
  return out;
}

Result<TimePoint> parse_timestamp(std::string_view text) {
  constexpr std::size_t kWhole = 15;  // YYYYMMDDThhmmss
  const auto year = digits(text, 0, 4), month = digits(text, 4, 2), day = digits(text, 6, 2);
  const auto hour = digits(text, 9, 2), minute = digits(text, 11, 2), second = digits(text, 13, 2);
  if (!year || !month || !day || !hour || !minute || !second || text[8] != 'T') {
    return fail(ErrorCode::invalid_argument, "timestamp is not YYYYMMDDThhmmss");
  }
  const auto rest = fraction(text.substr(kWhole));
  if (!rest) return fail(ErrorCode::invalid_argument, "fraction of a timestamp is not ',' and 1 to 6 digits");
  const chrono::year_month_day date(chrono::year(*year), chrono::month(static_cast<unsigned>(*month)),
                                    chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) {
    return fail(ErrorCode::invalid_argument, "timestamp names no existing date and time");
  }
  return chrono::sys_days(date) + chrono::hours(*hour) + chrono::minutes(*minute) + chrono::seconds(*second) +
         *rest;
}

Result<TimePoint> parse_abs_rel_timestamp(std::string_view text, TimePoint now) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos)
    return parse_timestamp(text);
  std::int64_t milliseconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), milliseconds);
  const auto room = chrono::floor<chrono::milliseconds>(kLatest - std::min(now, kLatest)).count();
  if (error != std::errc() || milliseconds > room) {
    return fail(ErrorCode::invalid_argument, "relative timestamp ends after the year 9999");
  }
  return now + chrono::milliseconds(milliseconds);
}

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace latchkey
