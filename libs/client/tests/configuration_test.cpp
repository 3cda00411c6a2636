/// 8.8.3.2 and 8.8.3.3: the configurations that a stakeholder provisions.
#include "latchkey/client/configuration.h"

#include <gtest/gtest.h>

#include "cover.h"
#include "support/maf_world.h"

namespace latchkey::client::test {
namespace {

using latchkey::test::cover;

const TimePoint kNow = *parse_timestamp("20171113T110000");

Result<MafClientRegistrationConfiguration> client_configuration(const std::string& text) {
  return parse_client_registration_configuration(text, kNow);
}
Result<MafKeyRegistrationConfiguration> key_configuration(const std::string& text) {
  return parse_key_registration_configuration(text, home(), kNow);
}

TEST(ClientRegistrationConfiguration, whole) {
  cover({"8.8.3.2-T01"});
  const auto whole = client_configuration(
      R"({"et":"20181113T110000","lbl":["a","b"],"fq":"myMAF.provider.org","adfq":"mytrustenabler.org",)"
      R"("hpt":8444,"cpt":5684,"wpt":65535})");
  ASSERT_TRUE(whole) << whole.error().detail;
  EXPECT_EQ(whole->expires, *parse_timestamp("20181113T110000"));
  EXPECT_EQ(whole->labels, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(whole->maf, maf_fqdn());
  EXPECT_EQ(whole->admin.text(), kAdmin);
  EXPECT_EQ(whole->http_port, 8444);
  EXPECT_EQ(whole->coap_port, 5684);
  EXPECT_EQ(whole->websocket_port, 65535);
}

TEST(ClientRegistrationConfiguration, least) {
  cover({"8.8.3.2-T01"});
  const auto least = client_configuration(R"({"fq":"myMAF.provider.org","adfq":"mytrustenabler.org"})");
  ASSERT_TRUE(least);
  EXPECT_FALSE(least->expires || least->http_port || least->coap_port || least->websocket_port);
  EXPECT_TRUE(least->labels.empty());
}

struct BadText {
  const char* name;
  const char* text;
  const char* reason;
  ErrorCode code = ErrorCode::invalid_argument;
};
class BadClientConfiguration : public testing::TestWithParam<BadText> {};
INSTANTIATE_TEST_SUITE_P(
    Table_8_8_3_2_1, BadClientConfiguration,
    testing::Values(BadText{"no_fqdn", R"({"adfq":"a.org"})", "fq"},
                    BadText{"no_admin", R"({"fq":"maf.a.org"})", "adfq"},
                    BadText{"admin_no_fqdn", R"({"fq":"maf.a.org","adfq":"https://a.org"})", "adfq"},
                    BadText{"port_0", R"({"fq":"maf.a.org","adfq":"a.org","hpt":0})", "hpt"},
                    BadText{"port_too_large", R"({"fq":"maf.a.org","adfq":"a.org","cpt":65536})", "cpt"},
                    BadText{"port_as_text", R"({"fq":"maf.a.org","adfq":"a.org","wpt":"1"})", "wpt"},
                    BadText{"labels_no_list", R"({"fq":"maf.a.org","adfq":"a.org","lbl":"x"})", "lbl"},
                    BadText{"label_no_text", R"({"fq":"maf.a.org","adfq":"a.org","lbl":[1]})", "lbl"},
                    BadText{"expiry_no_time", R"({"fq":"maf.a.org","adfq":"a.org","et":"soon"})", "et"},
                    BadText{"expired", R"({"fq":"maf.a.org","adfq":"a.org","et":"20171113T110000"})", "et",
                            ErrorCode::expired},
                    BadText{"unknown_member", R"({"fq":"maf.a.org","adfq":"a.org","ftp":21})", "ftp"},
                    BadText{"no_object", "[]", "object"}, BadText{"no_json", "{", "JSON"},
                    BadText{"twice", R"({"fq":"maf.a.org","fq":"maf.b.org","adfq":"a.org"})", "twice"}),
    [](const auto& one) { return one.param.name; });

TEST_P(BadClientConfiguration, is_refused) {
  cover({"8.8.3.2-T01"});
  EXPECT_TRUE(fails_with(client_configuration(GetParam().text), GetParam().code, GetParam().reason));
}

TEST(ClientRegistrationConfiguration, size_is_limited) {
  const std::string start = R"({"fq":"maf.a.org","adfq":"a.org","lbl":[")", end = R"("]})";
  const std::size_t most = (64U << 10U) - start.size() - end.size();
  EXPECT_TRUE(client_configuration(start + std::string(most, 'x') + end));
  EXPECT_FALSE(client_configuration(start + std::string(most + 1, 'x') + end));
}

TEST(KeyRegistrationConfiguration, whole_and_least) {
  cover({"8.8.3.3-T01"});
  const auto whole =
      key_configuration(R"({"et":"20181113T110000","lbl":["a"],"adfq":"mytrustenabler.org","suid":34,)"
                        R"("tgis":["//my.m2mprovider.org/in-cse","//my.m2mprovider.org/Sother"]})");
  ASSERT_TRUE(whole) << whole.error().detail;
  EXPECT_EQ(whole->expires, *parse_timestamp("20181113T110000"));
  EXPECT_EQ(whole->labels, std::vector<std::string>{"a"});
  EXPECT_EQ(whole->admin.text(), kAdmin);
  EXPECT_EQ(whole->suid.value(), 34);
  EXPECT_EQ(whole->targets, (std::vector<EntityId>{id(kInCse), id("//my.m2mprovider.org/Sother")}));
  const auto least = key_configuration(R"({"adfq":"mytrustenabler.org","suid":32})");
  ASSERT_TRUE(least);
  EXPECT_FALSE(least->expires);
  EXPECT_TRUE(least->labels.empty() && least->targets.empty());
}

class BadKeyConfiguration : public testing::TestWithParam<BadText> {};
INSTANTIATE_TEST_SUITE_P(
    Table_8_8_3_3_1, BadKeyConfiguration,
    testing::Values(BadText{"no_admin", R"({"suid":32})", "adfq"},
                    BadText{"no_suid", R"({"adfq":"a.org"})", "suid"},
                    BadText{"suid_unassigned", R"({"adfq":"a.org","suid":31})", "31"},
                    BadText{"suid_no_integer", R"({"adfq":"a.org","suid":32.5})", "suid"},
                    BadText{"target_no_id", R"({"adfq":"a.org","suid":32,"tgis":["?"]})", "tgis"},
                    BadText{"target_no_text", R"({"adfq":"a.org","suid":32,"tgis":[1]})", "tgis"},
                    BadText{"targets_no_list", R"({"adfq":"a.org","suid":32,"tgis":{}})", "tgis"},
                    BadText{"unknown_member", R"({"adfq":"a.org","suid":32,"kv":"00"})", "kv"}),
    [](const auto& one) { return one.param.name; });

TEST_P(BadKeyConfiguration, is_refused) {
  cover({"8.8.3.3-T01"});
  EXPECT_TRUE(fails_with(key_configuration(GetParam().text), GetParam().code, GetParam().reason));
}

TEST(ClientConfiguration, the_entry_for_stakeholder_and_use_is_found) {
  cover({"8.8.3.3-T01"});
  const std::string text =
      R"({"mafKeyRegCfg":[{"adfq":"a.org","suid":32,"lbl":["1"]},{"adfq":"b.org","suid":33,"lbl":["2"]},)"
      R"({"adfq":"b.org","suid":32,"lbl":["3"]}],"other":1})";
  const auto find = [&](const std::string& from, const char* admin, int suid) {
    return key_registration_configuration(from, *Fqdn::parse(admin), *Suid::from(suid), home(), kNow);
  };
  EXPECT_EQ(find(text, "b.org", 32)->labels, std::vector<std::string>{"3"});
  EXPECT_TRUE(fails_with(find(text, "a.org", 33), ErrorCode::not_found, "stakeholder"));
  EXPECT_TRUE(fails_with(find(R"({"other":1})", "a.org", 32), ErrorCode::not_found, ""));
  EXPECT_TRUE(fails_with(find("\"text\"", "a.org", 32), ErrorCode::not_found, ""));
  EXPECT_TRUE(find(R"({"mafKeyRegCfg":{"adfq":"a.org","suid":32}})", "A.org", 32));
}

}  // namespace
}  // namespace latchkey::client::test
