// Policies that are refused with BAD_REQUEST (4000), each naming the member that is wrong.
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>

#include "cover.h"
#include "support.h"

namespace latchkey::authz::test {
namespace {

struct Bad {
  const char* name;
  std::string acrs;
  const char* member;  ///< begin of the detail
  const char* part;    ///< part of the reason
};
class BadPolicy : public ::testing::TestWithParam<Bad> {};

TEST_P(BadPolicy, is_a_bad_request_that_names_the_member) {
  const auto& c = GetParam();
  const auto refused = refusal(c.acrs);
  EXPECT_EQ(refused.rsc, codec::Rsc::bad_request);
  EXPECT_TRUE(refused.detail.starts_with(std::string(c.member) + " ")) << refused.detail;
  EXPECT_NE(refused.detail.find(c.part), std::string::npos) << refused.detail;
}

std::string rule(const std::string& members) {
  return R"({"acr":[{"acor":["/ok"],"acop":2},{)" + members + "}]}";
}
std::string acor(const std::string& entry) { return rule(R"("acor":["all",")" + entry + R"("],"acop":2)"); }
std::string with(const std::string& member) { return rule(R"("acor":["all"],"acop":2,)" + member); }
std::string window(const std::string& text) { return with(R"("acco":[{"actw":[")" + text + R"("]}])"); }
std::string v4(const std::string& text) { return with(R"("acco":[{"acip":{"ipv4":[")" + text + R"("]}}])"); }
std::string v6(const std::string& text) { return with(R"("acco":[{"acip":{"ipv6":[")" + text + R"("]}}])"); }
std::string region(const std::string& aclr) { return with(R"("acco":[{"aclr":)" + aclr + "}]"); }
std::string details(const std::string& members) { return with(R"("acod":[{)" + members + "}]"); }
const auto name_of = [](const auto& tested) { return tested.param.name; };

INSTANTIATE_TEST_SUITE_P(
    shape, BadPolicy,
    ::testing::Values(
        Bad{"not_an_object", "[]", "setOfAcrs", "object"}, Bad{"null", "null", "setOfAcrs", "object"},
        Bad{"unknown_member_of_set", R"({"acr":[],"acrs":[]})", "setOfAcrs.acrs", "not known"},
        Bad{"acr_not_a_list", R"({"acr":{}})", "acr", "list"},
        Bad{"rule_not_an_object", R"({"acr":["all"]})", "acr[0]", "object"},
        Bad{"unknown_member_of_rule", with(R"("aca":["con"])"), "acr[1].aca", "not known"},
        Bad{"unprintable_member_is_not_repeated", with(R"("a\u0007b":1)"), "acr[1]", "unknown member"},
        Bad{"acor_missing", rule(R"("acop":2)"), "acr[1].acor", "missing"},
        Bad{"acor_empty", rule(R"("acor":[],"acop":2)"), "acr[1].acor", "empty"},
        Bad{"acor_not_a_list", rule(R"("acor":"all","acop":2)"), "acr[1].acor", "list"},
        Bad{"acor_entry_not_a_string", rule(R"("acor":["all",7],"acop":2)"), "acr[1].acor[1]", "string"},
        Bad{"acop_missing", rule(R"("acor":["all"])"), "acr[1].acop", "missing"},
        Bad{"acop_zero", rule(R"("acor":["all"],"acop":0)"), "acr[1].acop", "1 to 63"},
        Bad{"acop_64", rule(R"("acor":["all"],"acop":64)"), "acr[1].acop", "1 to 63"},
        Bad{"acop_negative", rule(R"("acor":["all"],"acop":-1)"), "acr[1].acop", "1 to 63"},
        Bad{"acop_huge", rule(R"("acor":["all"],"acop":18446744073709551615)"), "acr[1].acop", "1 to 63"},
        Bad{"acop_fraction", rule(R"("acor":["all"],"acop":2.0)"), "acr[1].acop", "integer"},
        Bad{"acop_text", rule(R"("acor":["all"],"acop":"2")"), "acr[1].acop", "integer"},
        Bad{"acaf_number", with(R"("acaf":1)"), "acr[1].acaf", "true nor false"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    originator, BadPolicy,
    ::testing::Values(Bad{"empty", acor(""), "acr[1].acor[1]", "empty"},
                      Bad{"lone_star", acor("*"), "acr[1].acor[1]", "'*'"},
                      Bad{"lone_slash", acor("/"), "acr[1].acor[1]", "empty segment"},
                      Bad{"two_slashes", acor("//"), "acr[1].acor[1]", "domain"},
                      Bad{"sp_without_stem", acor("//sp.example/"), "acr[1].acor[1]", "empty segment"},
                      Bad{"empty_cse_segment", acor("//sp.example//C1"), "acr[1].acor[1]", "empty segment"},
                      Bad{"star_in_sp_domain", acor("//*.example"), "acr[1].acor[1]", "does not apply"},
                      Bad{"star_in_bare_domain", acor("*.sp.example"), "acr[1].acor[1]", "does not apply"},
                      Bad{"star_in_group_id", acor("/in-cse/grp*"), "acr[1].acor[1]",
                          "CSE-IDs and AE-IDs only"},
                      Bad{"star_in_long_group_id", acor("//sp.example/*/base/grp"), "acr[1].acor[1]",
                          "CSE-IDs and AE-IDs only"},
                      Bad{"star_in_role", acor("*@roles.example"), "acr[1].acor[1]", "Role-ID"},
                      Bad{"star_in_role_issuer", acor("admin@*.example"), "acr[1].acor[1]", "issuer"},
                      Bad{"role_without_local_part", acor("@roles.example"), "acr[1].acor[1]", "Role-ID"},
                      Bad{"role_without_issuer", acor("admin@"), "acr[1].acor[1]", "issuer"},
                      Bad{"blank_in_id", acor("/my cse"), "acr[1].acor[1]", "character"},
                      Bad{"control_in_id", acor("/a\\u0000b"), "acr[1].acor[1]", "character"},
                      Bad{"underscore_in_sp", acor("//my_sp.example/x"), "acr[1].acor[1]", "SP domain"},
                      Bad{"attribute_of_a_group", acor("/in-cse/grp1#mid"), "acr[1].acor[1]", "attribute"},
                      Bad{"too_long", acor("/" + std::string(2048, 'a')), "acr[1].acor[1]", "2048"},
                      Bad{"segment_too_long", acor("/" + std::string(256, 'a')), "acr[1].acor[1]", "255"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    context, BadPolicy,
    ::testing::Values(
        Bad{"acco_empty", with(R"("acco":[])"), "acr[1].acco", "empty"},
        Bad{"acco_object", with(R"("acco":{})"), "acr[1].acco", "list"},
        Bad{"unknown_member", with(R"("acco":[{"time":[]}])"), "acr[1].acco[0].time", "not known"},
        Bad{"actw_empty", with(R"("acco":[{"actw":[]}])"), "acr[1].acco[0].actw", "empty"},
        Bad{"actw_number", with(R"("acco":[{"actw":[1]}])"), "acr[1].acco[0].actw[0]", "string"},
        Bad{"six_fields", window("* * * * * *"), "acr[1].acco[0].actw[0]", "6 fields"},
        Bad{"eight_fields", window("* * * * * * * *"), "acr[1].acco[0].actw[0]", "8 fields"},
        Bad{"no_field", window(""), "acr[1].acco[0].actw[0]", "0 fields"},
        Bad{"second_60", window("60 * * * * * *"), "acr[1].acco[0].actw[0]", "second"},
        Bad{"minute_60", window("* 60 * * * * *"), "acr[1].acco[0].actw[0]", "minute"},
        Bad{"hour_24", window("* * 24 * * * *"), "acr[1].acco[0].actw[0]", "hour"},
        Bad{"day_0", window("* * * 0 * * *"), "acr[1].acco[0].actw[0]", "day of month"},
        Bad{"day_32", window("* * * 32 * * *"), "acr[1].acco[0].actw[0]", "day of month"},
        Bad{"month_0", window("* * * * 0 * *"), "acr[1].acco[0].actw[0]", "month"},
        Bad{"month_13", window("* * * * 13 * *"), "acr[1].acco[0].actw[0]", "month"},
        Bad{"weekday_7", window("* * * * * 7 *"), "acr[1].acco[0].actw[0]", "day of week"},
        Bad{"year_1999", window("* * * * * * 1999"), "acr[1].acco[0].actw[0]", "year"},
        Bad{"year_10000", window("* * * * * * 10000"), "acr[1].acco[0].actw[0]", "year"},
        Bad{"range_backwards", window("* * 17-8 * * * *"), "acr[1].acco[0].actw[0]", "hour"},
        Bad{"range_open", window("* * 8- * * * *"), "acr[1].acco[0].actw[0]", "hour"},
        Bad{"step_0", window("*/0 * * * * * *"), "acr[1].acco[0].actw[0]", "second"},
        Bad{"step_missing", window("*/ * * * * * *"), "acr[1].acco[0].actw[0]", "second"},
        Bad{"comma_at_the_end", window("1, * * * * * *"), "acr[1].acco[0].actw[0]", "second"},
        Bad{"name_of_a_day", window("* * * * * MON *"), "acr[1].acco[0].actw[0]", "day of week"},
        Bad{"tab_as_blank", window("*\\t* * * * * *"), "acr[1].acco[0].actw[0]", "6 fields"},
        Bad{"sign", window("+1 * * * * * *"), "acr[1].acco[0].actw[0]", "second"},
        Bad{"window_too_long", window(std::string(257, '*')), "acr[1].acco[0].actw[0]", "256"},
        Bad{"acip_empty", with(R"("acco":[{"acip":{}}])"), "acr[1].acco[0].acip", "neither"},
        Bad{"acip_list", with(R"("acco":[{"acip":["10.0.0.1"]}])"), "acr[1].acco[0].acip", "object"},
        Bad{"ipv4_empty", with(R"("acco":[{"acip":{"ipv4":[]}}])"), "acr[1].acco[0].acip.ipv4", "empty"},
        Bad{"ipv4_33", v4("10.0.0.0/33"), "acr[1].acco[0].acip.ipv4[0]", "/32"},
        Bad{"ipv4_no_suffix", v4("10.0.0.0/"), "acr[1].acco[0].acip.ipv4[0]", "IPv4"},
        Bad{"ipv4_suffix_not_decimal", v4("10.0.0.0/0x8"), "acr[1].acco[0].acip.ipv4[0]", "IPv4"},
        Bad{"ipv4_suffix_padded", v4("10.0.0.0/08"), "acr[1].acco[0].acip.ipv4[0]", "IPv4"},
        Bad{"ipv4_three_parts", v4("10.0.0/8"), "acr[1].acco[0].acip.ipv4[0]", "IPv4"},
        Bad{"ipv4_octet_256", v4("10.0.0.256/8"), "acr[1].acco[0].acip.ipv4[0]", "IPv4"},
        Bad{"ipv4_is_ipv6", v4("::1"), "acr[1].acco[0].acip.ipv4[0]", "IPv4"},
        Bad{"ipv4_with_nul", v4("10.0.0.1\\u0000x"), "acr[1].acco[0].acip.ipv4[0]", "IPv4"},
        Bad{"ipv6_129", v6("2001:db8::/129"), "acr[1].acco[0].acip.ipv6[0]", "/128"},
        Bad{"ipv6_is_ipv4", v6("10.0.0.1"), "acr[1].acco[0].acip.ipv6[0]", "IPv6"},
        Bad{"ipv6_two_gaps", v6("1::2::3"), "acr[1].acco[0].acip.ipv6[0]", "IPv6"},
        Bad{"ipv6_zone", v6("fe80::1%eth0"), "acr[1].acco[0].acip.ipv6[0]", "IPv6"},
        Bad{"aclr_empty", region("{}"), "acr[1].acco[0].aclr", "exactly one"},
        Bad{"aclr_both", region(R"({"accc":["KR"],"accr":[0,0,1]})"), "acr[1].acco[0].aclr", "exactly one"},
        Bad{"country_lower", region(R"({"accc":["kr"]})"), "acr[1].acco[0].aclr.accc[0]", "ISO 3166"},
        Bad{"country_three", region(R"({"accc":["KR","KOR"]})"), "acr[1].acco[0].aclr.accc[1]", "ISO 3166"},
        Bad{"circle_two_numbers", region(R"({"accr":[1,2]})"), "acr[1].acco[0].aclr.accr", "three"},
        Bad{"latitude_91", region(R"({"accr":[91,0,1]})"), "acr[1].acco[0].aclr.accr[0]", "90"},
        Bad{"longitude_181", region(R"({"accr":[0,-181,1]})"), "acr[1].acco[0].aclr.accr[1]", "180"},
        Bad{"radius_negative", region(R"({"accr":[0,0,-1]})"), "acr[1].acco[0].aclr.accr[2]", "0 to"},
        Bad{"radius_beyond_earth", region(R"({"accr":[0,0,20037510]})"), "acr[1].acco[0].aclr.accr[2]",
            "20037509"},
        Bad{"radius_text", region(R"({"accr":[0,0,"1"]})"), "acr[1].acco[0].aclr.accr[2]", "number"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    object_details, BadPolicy,
    ::testing::Values(
        Bad{"acod_empty", with(R"("acod":[])"), "acr[1].acod", "empty"},
        Bad{"chty_missing", details(R"("ty":2)"), "acr[1].acod[0].chty", "missing"},
        Bad{"chty_empty", details(R"("chty":[])"), "acr[1].acod[0].chty", "empty"},
        Bad{"chty_number", details(R"("chty":3)"), "acr[1].acod[0].chty", "list"},
        Bad{"chty_entry_0", details(R"("chty":[3,0])"), "acr[1].acod[0].chty[1]", "1 to 65535"},
        Bad{"chty_entry_65536", details(R"("chty":[65536])"), "acr[1].acod[0].chty[0]", "1 to 65535"},
        Bad{"ty_text", details(R"("ty":"2","chty":[3])"), "acr[1].acod[0].ty", "integer"},
        Bad{"ty_list", details(R"("ty":[2],"chty":[3])"), "acr[1].acod[0].ty", "integer"},
        Bad{"unknown_member", details(R"("chty":[3],"rn":"x")"), "acr[1].acod[0].rn", "not known"},
        Bad{"mgmtObj_without_specialization", details(R"("ty":13,"chty":[3])"), "acr[1].acod[0].spid",
            "missing"},
        Bad{"flexContainer_without_specialization", details(R"("ty":28,"chty":[3])"), "acr[1].acod[0].spid",
            "missing"},
        Bad{"spid_empty", details(R"("spid":"","chty":[3])"), "acr[1].acod[0].spid", "1 to 1024"},
        Bad{"spid_and_spty", details(R"("spid":"a","spty":{"cnd":"a"},"chty":[3])"), "acr[1].acod[0].spty",
            "beside spid"},
        Bad{"spty_empty", details(R"("spty":{},"chty":[3])"), "acr[1].acod[0].spty", "exactly one"},
        Bad{"spty_both", details(R"("spty":{"cnd":"a","mgd":1001},"chty":[3])"), "acr[1].acod[0].spty",
            "exactly one"},
        Bad{"mgd_text", details(R"("spty":{"mgd":"1001"},"chty":[3])"), "acr[1].acod[0].spty.mgd",
            "integer"}),
    name_of);

TEST(BadPolicies, specialization_is_required_for_mgmtObj_and_flexContainer_only) {
  latchkey::test::cover({"7.1.5-02"});
  EXPECT_EQ(refusal(details(R"("ty":13,"chty":[3])")).rsc, codec::Rsc::bad_request);
  EXPECT_EQ(refusal(details(R"("ty":28,"chty":[3])")).rsc, codec::Rsc::bad_request);
  EXPECT_EQ(compiled(details(R"("ty":2,"chty":[3])"))->rule_count(), 2U);
  EXPECT_EQ(compiled(details(R"("ty":13,"spid":"1001","chty":[3])"))->rule_count(), 2U);
}

TEST(BadPolicies, mandatory_members_of_a_rule) {
  latchkey::test::cover({"7.1.3-T02", "7.1.3-T03", "7.1.3-T04", "7.1.3-T27"});
  EXPECT_EQ(refusal(rule(R"("acop":2)")).rsc, codec::Rsc::bad_request);
  EXPECT_EQ(refusal(rule(R"("acor":["all"])")).rsc, codec::Rsc::bad_request);
  EXPECT_EQ(refusal(details(R"("ty":2)")).rsc, codec::Rsc::bad_request);
  EXPECT_EQ(compiled(rule(R"("acor":["all"],"acop":2)"))->rule_count(), 2U)
      << "contexts, details and flag are optional";
}

TEST(BadPolicies, wildcards_do_not_apply_to_domains_groups_and_roles) {
  latchkey::test::cover({"7.1.3-T08"});
  for (const auto* entry : {"//*.example", "*.example", "grp*", "/in-cse/grp*", "base/*/grp",
                            "ad*@roles.example", "admin@*.example"})
    EXPECT_EQ(refusal(acor(entry)).rsc, codec::Rsc::bad_request) << entry;
}

boost::json::value rules(std::size_t count) {
  boost::json::array list(count, json(R"({"acor":["all"],"acop":2})"));
  boost::json::object acrs;
  acrs["acr"] = std::move(list);
  return acrs;
}

TEST(Limits, number_of_rules) {
  EXPECT_EQ(compiled(rules(100'000))->rule_count(), 100'000U);
  const auto set = RuleSet::compile(rules(100'001), host().sp, host().cse);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().rsc, codec::Rsc::bad_request);
  EXPECT_NE(set.error().detail.find("more than 100000 rules"), std::string::npos) << set.error().detail;
}

TEST(Limits, octets_of_an_entry_and_of_a_segment) {
  EXPECT_EQ(compiled(acor("/" + std::string(255, 'a')))->rule_count(), 2U);
  std::string longest = "a";  // a group id of 2048 octets
  while (longest.size() < 2048) longest += longest.size() % 64 == 0 ? '/' : 'a';
  EXPECT_EQ(compiled(acor(longest))->groups().size(), 1U);
}

}  // namespace
}  // namespace latchkey::authz::test
