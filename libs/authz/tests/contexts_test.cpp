// TS-0003 7.1.3 and 7.1.5: accessControlContexts.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "conditions.h"
#include "cover.h"
#include "support.h"

namespace latchkey::authz::test {
namespace {

std::string with_contexts(std::string_view acco) {
  return R"({"acr":[{"acor":["all"],"acop":2,"acco":)" + std::string(acco) + "}]}";
}
bool in_window(std::string_view window, std::string_view timestamp) {
  return decide_both(with_contexts(R"([{"actw":[")" + std::string(window) + R"("]}])"),
                     Request("/x").at(timestamp))
      .permit;
}
bool in_network(std::string_view member, std::string_view network, std::string_view address) {
  const auto acco = R"([{"acip":{")" + std::string(member) + R"(":[")" + std::string(network) + R"("]}}])";
  return decide_both(with_contexts(acco), Request("/x").from_ip(address)).permit;
}

struct Window {
  const char* name;
  const char* window;
  std::vector<const char*> inside, outside;
};
class TimeWindows : public ::testing::TestWithParam<Window> {};
TEST_P(TimeWindows, contain_what_all_seven_fields_contain) {
  latchkey::test::cover({"7.1.3-T22", "7.1.5-T13"});
  const auto& c = GetParam();
  for (const auto* time : c.inside)
    EXPECT_TRUE(in_window(c.window, time)) << c.window << " contains " << time;
  for (const auto* time : c.outside)
    EXPECT_FALSE(in_window(c.window, time)) << c.window << " does not contain " << time;
}
INSTANTIATE_TEST_SUITE_P(
    fields, TimeWindows,
    ::testing::Values(
        Window{"always",
               "* * * * * * *",
               {"20000101T000000", "20240229T235959", "99991231T235959"},
               {"19991231T235959"}},
        Window{"second", "30 * * * * * *", {"20240229T120030"}, {"20240229T120029", "20240229T120031"}},
        Window{"minutes",
               "* 0-29 * * * * *",
               {"20240229T120000", "20240229T122959"},
               {"20240229T123000", "20240229T115959"}},
        Window{"office_hours",
               "* * 8-17 * * 1-5 *",
               {"20240229T080000", "20240229T175959"},
               {"20240229T075959", "20240229T180000", "20240302T120000", "20240303T120000"}},
        Window{"sunday_is_0",
               "* * * * * 0 *",
               {"20240303T000000", "20240303T235959"},
               {"20240302T235959", "20240304T000000"}},
        Window{"saturday_is_6", "* * * * * 6 *", {"20240302T120000"}, {"20240303T120000", "20240301T120000"}},
        Window{"leap_day",
               "* * * 29 2 * *",
               {"20240229T000000", "20280229T000000"},
               {"20230228T000000", "20240228T235959", "20240301T000000"}},
        Window{
            "last_values", "59 59 23 31 12 * *", {"20241231T235959"}, {"20241231T235958", "20241230T235959"}},
        Window{"every_15th_minute",
               "* */15 * * * * *",
               {"20240229T120000", "20240229T121559", "20240229T124500"},
               {"20240229T120100", "20240229T121600"}},
        Window{"every_2nd_day_counts_from_1",
               "* * * */2 * * *",
               {"20240201T120000", "20240229T120000"},
               {"20240202T120000"}},
        Window{"every_4th_year_counts_from_2000",
               "* * * * * * */4",
               {"20000101T000000", "20240229T000000"},
               {"20250101T000000"}},
        Window{"list_of_numbers_and_ranges",
               "* * 0,6-8,23 * * * *",
               {"20240229T003000", "20240229T070000", "20240229T235959"},
               {"20240229T010000", "20240229T090000", "20240229T220000"}},
        Window{"day_and_weekday_must_both_fit",
               "* * * 1 * 1 *",
               {"20240401T120000"},
               {"20240301T120000", "20240408T120000"}},
        Window{"year_range",
               "* * * * * * 2024-2025,2030",
               {"20240101T000000", "20251231T235959", "20300601T000000"},
               {"20231231T235959", "20260101T000000"}},
        Window{"several_blanks", "*  *   12 * * * *", {"20240229T120000"}, {"20240229T130000"}}),
    [](const auto& tested) { return tested.param.name; });

TEST(Contexts, one_of_several_windows_is_enough) {
  latchkey::test::cover({"7.1.3-T22", "7.1.5-T13"});
  const auto policy = with_contexts(R"([{"actw":["* * 1 * * * *","* * 12 * * * *"]}])");
  EXPECT_TRUE(decide_both(policy, Request("/x").at("20240229T120000")).permit);
  EXPECT_FALSE(decide_both(policy, Request("/x").at("20240229T110000")).permit);
}

TEST(Contexts, ipv4_networks) {
  latchkey::test::cover({"7.1.3-T24", "7.1.5-T14"});
  EXPECT_TRUE(in_network("ipv4", "192.0.2.0/24", "192.0.2.255"));
  EXPECT_FALSE(in_network("ipv4", "192.0.2.0/24", "192.0.3.0"));
  EXPECT_TRUE(in_network("ipv4", "192.0.2.77/24", "192.0.2.1")) << "bits behind the prefix do not count";
  EXPECT_TRUE(in_network("ipv4", "192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(in_network("ipv4", "192.0.2.1", "192.0.2.2"));
  EXPECT_TRUE(in_network("ipv4", "192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(in_network("ipv4", "192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(in_network("ipv4", "172.16.0.0/12", "172.31.255.255"));
  EXPECT_FALSE(in_network("ipv4", "172.16.0.0/12", "172.32.0.0"));
  EXPECT_TRUE(in_network("ipv4", "192.0.2.1/32", "192.0.2.1"));
  EXPECT_TRUE(in_network("ipv4", "0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(in_network("ipv4", "0.0.0.0/0", "2001:db8::1"));
}

TEST(Contexts, ipv6_networks) {
  latchkey::test::cover({"7.1.3-T24", "7.1.5-T14"});
  EXPECT_TRUE(in_network("ipv6", "2001:db8::/32", "2001:db8:ffff::1"));
  EXPECT_FALSE(in_network("ipv6", "2001:db8::/32", "2001:db9::1"));
  EXPECT_TRUE(in_network("ipv6", "2001:db8::/33", "2001:db8:7fff::"));
  EXPECT_FALSE(in_network("ipv6", "2001:db8::/33", "2001:db8:8000::"));
  EXPECT_TRUE(in_network("ipv6", "2001:DB8::1", "2001:db8::1"));
  EXPECT_FALSE(in_network("ipv6", "2001:db8::1/128", "2001:db8::2"));
  EXPECT_TRUE(in_network("ipv6", "::/0", "2001:db8::1"));
  EXPECT_FALSE(in_network("ipv6", "::/0", "192.0.2.1")) << "IPv6 only";
  EXPECT_TRUE(in_network("ipv6", "::ffff:192.0.2.0/120", "192.0.2.9"));
}

TEST(Contexts, either_address_family_is_enough) {
  latchkey::test::cover({"7.1.3-T24", "7.1.5-T14"});
  const auto policy = with_contexts(R"([{"acip":{"ipv4":["192.0.2.0/24"],"ipv6":["2001:db8::/32"]}}])");
  EXPECT_TRUE(decide_both(policy, Request("/x").from_ip("192.0.2.1")).permit);
  EXPECT_TRUE(decide_both(policy, Request("/x").from_ip("2001:db8::1")).permit);
  EXPECT_FALSE(decide_both(policy, Request("/x").from_ip("192.0.3.1")).permit);
}

TEST(Contexts, unknown_address_or_location_denies) {
  latchkey::test::cover({"7.1.4-03", "7.1.5-T12"});
  for (const auto* acco : {R"([{"acip":{"ipv4":["0.0.0.0/0"],"ipv6":["::/0"]}}])",
                           R"([{"aclr":{"accc":["KR"]}}])", R"([{"aclr":{"accr":[0,0,20037509]}}])"}) {
    const auto decision = decide_both(with_contexts(acco), Request("/x"));
    EXPECT_FALSE(decision.permit) << acco;
    EXPECT_EQ(decision.reason, Reason::context);
  }
  EXPECT_FALSE(
      decide_both(with_contexts(R"([{"aclr":{"accc":["KR"]}}])"), Request("/x").from_place(37.5, 127))
          .permit);
  EXPECT_FALSE(
      decide_both(with_contexts(R"([{"aclr":{"accr":[0,0,20037509]}}])"), Request("/x").from_country("KR"))
          .permit);
}

TEST(Contexts, country_code) {
  latchkey::test::cover({"7.1.3-T23", "7.1.5-T15"});
  const auto policy = with_contexts(R"([{"aclr":{"accc":["KR","DE"]}}])");
  EXPECT_TRUE(decide_both(policy, Request("/x").from_country("KR")).permit);
  EXPECT_TRUE(decide_both(policy, Request("/x").from_country("DE")).permit);
  EXPECT_FALSE(decide_both(policy, Request("/x").from_country("FR")).permit);
  EXPECT_FALSE(decide_both(policy, Request("/x").from_country("kr")).permit);
}

TEST(Contexts, great_circle_distances_are_those_of_the_sphere) {
  latchkey::test::cover({"7.1.3-T23"});
  constexpr double kQuarter = 6'371'008.8 * 3.14159265358979323846 / 2;
  EXPECT_NEAR(great_circle_metres(0, 0, 0, 90), kQuarter, 1e-3);
  EXPECT_NEAR(great_circle_metres(-90, 0, 90, 77), 2 * kQuarter, 1e-3);
  EXPECT_NEAR(great_circle_metres(0, 179.5, 0, -179.5), kQuarter / 90, 1e-3) << "across the date line";
  // Nashville and Los Angeles airports: the worked example of the haversine, 2886.45 km on a sphere of 6371
  // km or 2887.26 of 6372.8.
  EXPECT_NEAR(great_circle_metres(36.12, -86.67, 33.94, -118.40), 2'886'448, 100);
  EXPECT_DOUBLE_EQ(great_circle_metres(52.5, 13.4, 52.5, 13.4), 0);
}

TEST(Contexts, circle) {
  latchkey::test::cover({"7.1.3-T23", "7.1.5-T15"});
  // One degree of latitude is 111195 m.
  const auto policy = with_contexts(R"([{"aclr":{"accr":[37.5,127.0,111190]}}])");
  EXPECT_TRUE(decide_both(policy, Request("/x").from_place(37.5, 127)).permit);
  EXPECT_TRUE(decide_both(policy, Request("/x").from_place(38.4999, 127)).permit);
  EXPECT_FALSE(decide_both(policy, Request("/x").from_place(38.5, 127)).permit);
  EXPECT_TRUE(decide_both(policy, Request("/x").from_place(37.5, 128.2)).permit)
      << "meridians are closer there";
  EXPECT_FALSE(decide_both(policy, Request("/x").from_place(37.5, 128.3)).permit);
  const auto whole_earth = with_contexts(R"([{"aclr":{"accr":[0,0,20037509]}}])");
  EXPECT_TRUE(decide_both(whole_earth, Request("/x").from_place(-0.0, 180)).permit);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [latitude, longitude] : {std::pair{nan, 0.0}, {0.0, nan}, {90.5, 0.0}, {0.0, -180.5}})
    EXPECT_FALSE(decide_both(whole_earth, Request("/x").from_place(latitude, longitude)).permit)
        << latitude << " " << longitude;
}

TEST(Contexts, all_components_of_one_context_must_hold) {
  latchkey::test::cover({"7.1.5-T12"});
  const auto policy =
      with_contexts(R"([{"actw":["* * 12 * * * *"],"acip":{"ipv4":["10.0.0.0/8"]},"aclr":{"accc":["KR"]}}])");
  const auto permits = [&](std::string_view time, std::string_view address, std::string_view country) {
    return decide_both(policy, Request("/x").at(time).from_ip(address).from_country(country)).permit;
  };
  EXPECT_TRUE(permits("20240229T120000", "10.0.0.1", "KR"));
  EXPECT_FALSE(permits("20240229T130000", "10.0.0.1", "KR"));
  EXPECT_FALSE(permits("20240229T120000", "11.0.0.1", "KR"));
  EXPECT_FALSE(permits("20240229T120000", "10.0.0.1", "DE"));
}

TEST(Contexts, one_context_is_enough_but_parts_of_two_are_not) {
  latchkey::test::cover({"7.1.5-T11", "7.1.5-T12"});
  const auto policy = with_contexts(R"([{"actw":["* * 12 * * * *"],"acip":{"ipv4":["10.0.0.0/8"]}},
                                        {"actw":["* * 20 * * * *"],"acip":{"ipv4":["192.0.2.0/24"]}}])");
  EXPECT_TRUE(decide_both(policy, Request("/x").at("20240229T120000").from_ip("10.0.0.1")).permit);
  EXPECT_TRUE(decide_both(policy, Request("/x").at("20240229T200000").from_ip("192.0.2.1")).permit);
  EXPECT_FALSE(decide_both(policy, Request("/x").at("20240229T120000").from_ip("192.0.2.1")).permit);
}

TEST(Contexts, an_absent_component_is_true) {
  latchkey::test::cover({"7.1.3-T04", "7.1.5-T11", "7.1.5-T12"});
  EXPECT_TRUE(decide_both(R"({"acr":[{"acor":["all"],"acop":2}]})", Request("/x")).permit);
  EXPECT_TRUE(decide_both(with_contexts("[{}]"), Request("/x")).permit);
  EXPECT_TRUE(
      decide_both(with_contexts(R"([{"actw":["* * 12 * * * *"]}])"), Request("/x").at("20240229T120000"))
          .permit)
      << "neither address nor location is known, and neither is asked for";
}

}  // namespace
}  // namespace latchkey::authz::test
