/// Text formats (TS-0004 6.3.3, 6.3.4).
#include "latchkey/codec/formats.h"

#include <gtest/gtest.h>

#include "support/matchers.h"
#include "text.h"

namespace latchkey::codec {
namespace {

using std::chrono::milliseconds;
using test::expect_refused;

TEST(ParseDuration, reads_every_unit) {
  const std::map<std::string, std::int64_t> durations{{"PT30S", 30'000},
                                                      {"PT0S", 0},
                                                      {"PT0.5S", 500},
                                                      {"PT1.0625S", 1'062},
                                                      {"PT2M", 120'000},
                                                      {"PT1H", 3'600'000},
                                                      {"P1D", 86'400'000},
                                                      {"P1M", 2'592'000'000},
                                                      {"P1Y", 31'536'000'000},
                                                      {"P1DT1H1M1S", 90'061'000},
                                                      {"P1Y2M3DT4H5M6.789S", 36'993'906'789},
                                                      {"PT999999999S", 999'999'999'000}};
  for (const auto& [text, expected] : durations) {
    const auto duration = parse_duration(text);
    ASSERT_TRUE(duration) << text;
    EXPECT_EQ(*duration, milliseconds(expected)) << text;
  }
}

TEST(ParseDuration, refuses_everything_else) {
  for (const char* text :
       {"",       "P",      "PT",    "30",    "30S",           "P30S",    "PT30",   "PTS",    "P1DT",
        "PT1S1M", "PT1S1S", "P1D1Y", "-PT1S", "PT-1S",         "PT1.S",   "PT.5S",  "PT1.5M", "P1.5D",
        "PT1,5S", "PT1S ",  " PT1S", "pt1s",  "PT1000000000S", "P10001Y", "PT1H30", "PTT1S",  "P1W"}) {
    expect_refused(parse_duration(text), Rsc::bad_request, "not a duration");
  }
}

TEST(ParseContentInfo, reads_its_parts) {
  const auto info = parse_content_info("application/jose+json:1:2");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->media_type, "application/jose+json");
  EXPECT_EQ(info->encoding, 1);
  EXPECT_EQ(info->security, 2);
  EXPECT_EQ(parse_content_info("text/plain:2")->security, 0);
}

TEST(ParseContentInfo, refuses_everything_else) {
  for (const char* text :
       {"", ":", ":0", "text/plain", "text/plain:", "text/plain:x", "text/plain:00",
        "text/plain:0:", "text/plain:0:1:2", "text:0", "/plain:0", "text/:0", "a/b/c:0", "text/pl ain:0"}) {
    EXPECT_FALSE(parse_content_info(text)) << text;
  }
}

TEST(TimestampText, keeps_the_fraction_and_only_that) {
  const TimePoint time = test::tr0038_time();
  EXPECT_EQ(timestamp_text(time), "20171113T110000");
  EXPECT_EQ(timestamp_text(time + milliseconds(500)), "20171113T110000,5");
  EXPECT_EQ(timestamp_text(time + std::chrono::microseconds(1)), "20171113T110000,000001");
  EXPECT_EQ(timestamp_text(time + std::chrono::microseconds(120'300)), "20171113T110000,1203");
}

TEST(IsUtf8, follows_rfc_3629) {
  for (const char* text : {"", "a", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(text)) << ::testing::PrintToString(text);
  }
  for (const char* text :
       {"\x80", "\xC1\xBF", "\xC2", "\xC2\x7F", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xEF\xBF",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82\x41", "a\xff"}) {
    EXPECT_FALSE(is_utf8(text)) << ::testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace latchkey::codec
