#include "latchkey/base/time.h"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

using namespace std::chrono_literals;

TimePoint at(int year, unsigned month, unsigned day, std::chrono::microseconds rest = 0us) {
  return std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day)) +
         rest;
}

TEST(Timestamp, WritesAndReadsUtc) {
  const TimePoint time = at(2026, 11, 24, 19h + 5min + 9s);
  EXPECT_EQ(format_timestamp(time), "20261124T190509");
  EXPECT_EQ(parse_timestamp("20261124T190509").value(), time);
  EXPECT_EQ(format_timestamp(time + 999999us), "20261124T190509") << "sub-seconds are dropped";
  EXPECT_EQ(format_timestamp(at(1969, 12, 31, 23h + 59min + 59s + 1us)), "19691231T235959")
      << "also before 1970";
}

TEST(Timestamp, ReadsAFractionOfOneToSixDigits) {
  const TimePoint whole = at(2026, 1, 2, 3h + 4min + 5s);
  EXPECT_EQ(parse_timestamp("20260102T030405,5").value(), whole + 500ms);
  EXPECT_EQ(parse_timestamp("20260102T030405,05").value(), whole + 50ms);
  EXPECT_EQ(parse_timestamp("20260102T030405,123456").value(), whole + 123456us);
}

TEST(Timestamp, KnowsLeapYears) {
  EXPECT_TRUE(parse_timestamp("20240229T000000").has_value());
  EXPECT_FALSE(parse_timestamp("20260229T000000").has_value());
  EXPECT_FALSE(parse_timestamp("21000229T000000").has_value());
}

struct BadText {
  const char* name;
  const char* text;
  const char* reason;
};
class TimestampRefuses : public testing::TestWithParam<BadText> {};
INSTANTIATE_TEST_SUITE_P(Defects, TimestampRefuses,
                         testing::Values(BadText{"empty", "", "YYYYMMDDThhmmss"},
                                         BadText{"date_only", "20261124", "YYYYMMDDThhmmss"},
                                         BadText{"small_t", "20261124t190509", "YYYYMMDDThhmmss"},
                                         BadText{"zone", "20261124T190509Z", "fraction"},
                                         BadText{"rfc3339", "2026-11-24T19:05:09Z", "YYYYMMDDThhmmss"},
                                         BadText{"month_13", "20261324T190509", "existing"},
                                         BadText{"month_0", "20260024T190509", "existing"},
                                         BadText{"day_32", "20261132T190509", "existing"},
                                         BadText{"hour_24", "20261124T240000", "existing"},
                                         BadText{"minute_60", "20261124T006000", "existing"},
                                         BadText{"second_60", "20261231T235960", "existing"},
                                         BadText{"comma_without_digit", "20261124T190509,", "fraction"},
                                         BadText{"seven_digits", "20261124T190509,1234567", "fraction"},
                                         BadText{"dot_fraction", "20261124T190509.5", "fraction"},
                                         BadText{"sign", "+2026112T190509", "YYYYMMDDThhmmss"},
                                         BadText{"space", " 20261124T190509", "YYYYMMDDThhmmss"}),
                         [](const auto& bad) { return bad.param.name; });
TEST_P(TimestampRefuses, WithInvalidArgument) {
  const auto time = parse_timestamp(GetParam().text);
  ASSERT_FALSE(time.has_value());
  EXPECT_EQ(time.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(time.error().detail.find(GetParam().reason), std::string::npos) << time.error().detail;
}

TEST(AbsRelTimestamp, NumberIsMillisecondsFromNow) {
  const TimePoint now = at(2026, 11, 24);
  EXPECT_EQ(parse_abs_rel_timestamp("0", now).value(), now);
  EXPECT_EQ(parse_abs_rel_timestamp("1500", now).value(), now + 1500ms);
  EXPECT_EQ(parse_abs_rel_timestamp("20261124T190509", now).value(), at(2026, 11, 24, 19h + 5min + 9s));
  EXPECT_EQ(parse_abs_rel_timestamp("20261125", now).value(), now + 20261125ms)
      << "no T: a number, not a date";
}

TEST(AbsRelTimestamp, BothSidesOfTheYear9999) {
  const TimePoint now = at(9999, 12, 31);
  EXPECT_EQ(parse_abs_rel_timestamp("86399999", now).value(), now + 86399999ms);
  EXPECT_FALSE(parse_abs_rel_timestamp("86400000", now).has_value());
  for (const char* bad : {"-1", "+1", "1.5", "", " 1", "1 ", "9223372036854775807", "9223372036854775808",
                          "99999999999999999999999"}) {
    const auto time = parse_abs_rel_timestamp(bad, now);
    ASSERT_FALSE(time.has_value()) << bad;
    EXPECT_EQ(time.error().code, ErrorCode::invalid_argument);
  }
}

TEST(LogTime, IsRfc3339WithMicroseconds) {
  EXPECT_EQ(format_log_time(at(2026, 1, 2, 3h + 4min + 5s + 7us)), "2026-01-02T03:04:05.000007Z");
  EXPECT_EQ(format_log_time(TimePoint::max()), "9999-12-31T23:59:59.999999Z")
      << "clamped to what the form holds";
  EXPECT_EQ(format_log_time(TimePoint::min()), "0000-01-01T00:00:00.000000Z");
}

TEST(Clock, SystemClockGoesForwardAndManualClockStands) {
  const TimePoint before = system_clock().now();
  EXPECT_LE(before, system_clock().now());
  EXPECT_GT(before, at(2024, 1, 1));
  ManualClock clock(at(2026, 1, 1));
  clock.advance(2s);
  EXPECT_EQ(clock.now(), at(2026, 1, 1, 2s));
  clock.set(at(2027, 1, 1));
  EXPECT_EQ(clock.now(), at(2027, 1, 1));
}

}  // namespace
}  // namespace latchkey
