// The claim set of a token: table 7.3.2.6.2-1 forwards and backwards, and every way in which one may be
// wrong.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "cover.h"
#include "token_support.h"

namespace latchkey::authz::test {
namespace {

namespace bj = boost::json;
using latchkey::test::cover;

/// Every member there is.
TokenClaimSet full_claim_set() {
  auto claims = base_claim_set();
  claims.token_name = "front door";
  claims.audience = {"//home.example/in-cse", "//*.example/mn-*"};
  claims.permissions = {{.resource_ids = {"/in-cse/lock1", "//home.example/in-cse/-/lock"},
                         .privileges = json(R"({"acr":[{"acor":["all"],"acop":34}]})"),
                         .role_ids = {"guest@das.example"}},
                        {.resource_ids = {}, .privileges = {}, .role_ids = {"owner@das.example"}}};
  claims.extension = R"({"any":"thing"})";
  return claims;
}

bj::object full_jwt_claims() {
  return json(R"({"tkvr":"1.0.0","jti":"1@das.example","iss":"//home.example/Sdas",
    "azp":"//home.example/in-cse/Cphone","nbf":1709204400,"exp":1709211600,"tknm":"front door",
    "aud":["//home.example/in-cse","//*.example/mn-*"],
    "tkps":{"pm":[{"ris":["/in-cse/lock1","//home.example/in-cse/-/lock"],
                   "pv":{"acr":[{"acor":["all"],"acop":34}]},"rids":["guest@das.example"]},
                  {"rids":["owner@das.example"]}]},
    "tkex":"{\"any\":\"thing\"}"})")
      .as_object();
}

TEST(TokenClaims, table_7_3_2_6_2_1_from_claim_set_to_jwt) {
  cover({"7.3.2.6.2-01",  "7.3.2.6.2-02",  "7.3.2.6.2-03",  "7.3.2.6.2-04",  "7.3.2.6.2-05",  "7.3.2.6.2-06",
         "7.3.2.6.2-07",  "7.3.2.6.2-08",  "7.3.2.6.2-09",  "7.3.2.6.2-10",  "7.3.2.6.2-T01", "7.3.2.6.2-T02",
         "7.3.2.6.2-T03", "7.3.2.6.2-T04", "7.3.2.6.2-T05", "7.3.2.6.2-T06", "7.3.2.6.2-T07", "7.3.2.6.2-T08",
         "7.3.2.6.2-T09", "7.3.2.6.2-T10", "7.3.2.4-T02",   "7.3.2.6.3-04"});
  EXPECT_EQ(jwt_claims(full_claim_set()), full_jwt_claims());
}

TEST(TokenClaims, table_7_3_2_6_2_1_reversed) {
  cover({"7.3.2.6.3-10", "7.3.2.4-T01", "7.3.2.4-T02"});
  const auto read = read_jwt_claims(bj::serialize(full_jwt_claims()));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(*read, full_claim_set());
}

TEST(TokenClaims, mandatory_members_alone_are_enough_and_optional_ones_are_not_written) {
  EXPECT_EQ(jwt_claims(base_claim_set()), base_claims());
  const auto read = read_jwt_claims(bj::serialize(base_claims()));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(*read, base_claim_set());
}

TEST(TokenClaims, attributes_of_a_token_resource_have_short_names_and_iso_8601_times) {
  const auto attributes = token_attributes(full_claim_set());
  EXPECT_EQ(attributes.at("tknb"), "20240229T110000");
  EXPECT_EQ(attributes.at("tkna"), "20240229T130000");
  EXPECT_EQ(attributes.at("tkid"), "1@das.example");
  EXPECT_EQ(attributes.at("tkis").as_string(), kDas);
  EXPECT_EQ(attributes.at("tkhd").as_string(), kPhone);
  EXPECT_EQ(attributes.at("vr"), "1.0.0");
  EXPECT_EQ(attributes.at("tkau"), full_jwt_claims().at("aud"));
  EXPECT_EQ(attributes.at("tkps"), full_jwt_claims().at("tkps"));
}

TEST(TokenClaims, fractions_of_a_second_are_cut) {
  auto claims = base_claim_set();
  claims.not_before += std::chrono::microseconds(999'999);
  EXPECT_EQ(jwt_claims(claims), base_claims());
}

TEST(TokenClaims, both_names_of_the_version_are_read_but_not_together) {
  auto claims = base_claims();
  claims.erase("tkvr");
  claims["vr"] = "2a";
  EXPECT_EQ(read_jwt_claims(bj::serialize(claims)).value().version, "2a");
  claims["tkvr"] = "2a";
  EXPECT_NE(read_jwt_claims(bj::serialize(claims)).error().detail.find("tkvr and vr"), std::string::npos);
}

TEST(TokenClaims, one_audience_may_stand_as_text) {
  auto claims = base_claims();
  claims["aud"] = "//home.example/in-cse";
  EXPECT_EQ(read_jwt_claims(bj::serialize(claims)).value().audience,
            std::vector<std::string>{"//home.example/in-cse"});
}

TEST(TokenClaims, claims_of_other_specifications_are_ignored) {
  auto claims = base_claims();
  claims["iat"] = 1;
  claims["https://example.org/x"] = bj::object{{"y", nullptr}};
  EXPECT_EQ(read_jwt_claims(bj::serialize(claims)).value(), base_claim_set());
}

struct BadClaim {
  const char* name;
  const char* member;
  const char* value;  ///< JSON; nullptr: the member is missing
  const char* reason;
};
class BadClaims : public ::testing::TestWithParam<BadClaim> {};

TEST_P(BadClaims, is_refused_and_named) {
  cover({"7.3.2.6.3-10"});
  auto claims = full_jwt_claims();
  claims.erase(GetParam().member);
  if (GetParam().value != nullptr) claims[GetParam().member] = json(GetParam().value);
  const auto read = read_jwt_claims(bj::serialize(claims));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().defect, Defect::claims);
  EXPECT_NE(read.error().detail.find(GetParam().reason), std::string::npos) << read.error().detail;
}

INSTANTIATE_TEST_SUITE_P(
    Table_7_3_2_6_2_1, BadClaims,
    ::testing::Values(
        BadClaim{"no_version", "tkvr", nullptr, "tkvr is missing"},
        BadClaim{"no_token_id", "jti", nullptr, "jti is missing"},
        BadClaim{"no_issuer", "iss", nullptr, "iss is missing"},
        BadClaim{"no_holder", "azp", nullptr, "azp is missing"},
        BadClaim{"no_not_before", "nbf", nullptr, "nbf is missing"},
        BadClaim{"no_not_after", "exp", nullptr, "exp is missing"},
        BadClaim{"empty_version", "tkvr", R"("")", "tkvr is empty"},
        BadClaim{"numeric_version", "tkvr", "1", "tkvr is not a string"},
        BadClaim{"token_id_without_issuer", "jti", R"("1")", "jti is not of the form id@FQDN"},
        BadClaim{"token_id_with_line_feed", "jti", R"("1\n@das.example")", "jti is not of the form"},
        BadClaim{"sp_relative_holder", "azp", R"("/in-cse/Cphone")", "azp is no absolute CSE-ID or AE-ID"},
        BadClaim{"holder_with_wildcard", "azp", R"("//home.example/in-cse/C*")", "azp is no absolute"},
        BadClaim{"holder_in_another_spelling", "azp", R"("//HOME.example/in-cse/Cphone")",
                 "azp is no absolute"},
        BadClaim{"holder_fqdn", "azp", R"("phone.example")", "azp is no absolute"},
        BadClaim{"list_of_holders", "azp", R"(["//home.example/in-cse/Cphone"])", "azp is not a string"},
        BadClaim{"null_holder", "azp", "null", "azp is not a string"},
        BadClaim{"issuer_device_id", "iss", R"("0.2.481.1.100.3030.10011")", "iss is neither"},
        BadClaim{"issuer_fqdn_in_upper_case", "iss", R"("DAS.example")", "iss is neither"},
        BadClaim{"date_as_text", "nbf", R"("1709204400")", "nbf is no whole number of seconds"},
        BadClaim{"date_as_iso_8601", "exp", R"("20240229T130000")", "exp is no whole number of seconds"},
        BadClaim{"negative_date", "nbf", "-1", "nbf is no whole number of seconds"},
        BadClaim{"fractional_date", "exp", "1709211600.5", "exp is no whole number of seconds"},
        BadClaim{"date_in_exponent_form", "exp", "1.7e9", "exp is no whole number of seconds"},
        BadClaim{"date_beyond_9999", "exp", "253402300800", "exp is no whole number of seconds"},
        BadClaim{"date_beyond_63_bits", "exp", "18446744073709551615", "exp is no whole number of seconds"},
        BadClaim{"empty_period", "exp", "1709204400", "exp is not later than nbf"},
        BadClaim{"empty_audience", "aud", "[]", "aud is an empty list"},
        BadClaim{"sp_relative_audience", "aud", R"(["/in-cse"])", "aud[0] is no absolute CSE-ID"},
        BadClaim{"ae_in_audience", "aud", R"(["//home.example/in-cse/Cx"])", "aud[0] is no absolute CSE-ID"},
        BadClaim{"sp_as_audience", "aud", R"(["//home.example"])", "aud[0] is no absolute CSE-ID"},
        BadClaim{"number_in_audience", "aud", "[1]", "aud[0] is not a string"},
        BadClaim{"empty_token_name", "tknm", R"("")", "tknm is empty"},
        BadClaim{"extension_object", "tkex", "{}", "tkex is not a string"},
        BadClaim{"permission_list_without_pm", "tkps", "[]", "tkps is not an object"},
        BadClaim{"unknown_member_of_permissions", "tkps", R"({"pn":[]})", "tkps.pn is not known"},
        BadClaim{"unknown_member_of_a_permission", "tkps", R"({"pm":[{"rids":["a@das.example"],"acco":[]}]})",
                 "tkps.pm[0].acco is not known"},
        BadClaim{"privileges_without_resources", "tkps", R"({"pm":[{"pv":{"acr":[]}}]})",
                 "tkps.pm[0] has privileges without resourceIDs"},
        BadClaim{"privileges_with_no_resource", "tkps", R"({"pm":[{"ris":[],"pv":{"acr":[]}}]})",
                 "tkps.pm[0].ris is an empty list"},
        BadClaim{"privileges_null", "tkps", R"({"pm":[{"ris":["/in-cse/a"],"pv":null}]})",
                 "tkps.pm[0].pv is not an object"},
        BadClaim{"grant_of_nothing", "tkps", R"({"pm":[{"ris":["/in-cse/a"]}]})",
                 "tkps.pm[0] has neither privileges nor roleIDs"},
        BadClaim{"resource_with_attribute", "tkps",
                 R"({"pm":[{"ris":["/in-cse/a#b"],"rids":["a@das.example"]}]})",
                 "tkps.pm[0].ris[0] is no resource id"},
        BadClaim{"resource_with_dots", "tkps",
                 R"({"pm":[{"ris":["/in-cse/../a"],"rids":["a@das.example"]}]})",
                 "tkps.pm[0].ris[0] is no resource id"},
        BadClaim{"role_without_issuer", "tkps", R"({"pm":[{"rids":["admin"]}]})",
                 "tkps.pm[0].rids[0] is not of the form id@FQDN"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(TokenClaimLimits, both_sides_of_each) {
  const auto texts = [](std::size_t count, const std::string& text) {
    return bj::array(count, bj::value(text));
  };
  const auto ok = [](const bj::object& claims) { return read_jwt_claims(bj::serialize(claims)).has_value(); };
  const auto with = [](const char* member, bj::value value) {
    auto claims = base_claims();
    claims[member] = std::move(value);
    return claims;
  };
  const auto permissions = [&](const bj::object& element, std::size_t count) {
    return with("tkps", bj::object{{"pm", bj::array(count, bj::value(element))}});
  };
  const auto permission = [&](const bj::object& element) { return permissions(element, 1); };
  const bj::object role{{"rids", bj::array{"a@das.example"}}};
  EXPECT_TRUE(ok(with("tknm", bj::string(kTokenNameOctetsMax, 'x'))));
  EXPECT_FALSE(ok(with("tknm", bj::string(kTokenNameOctetsMax + 1, 'x'))));
  EXPECT_TRUE(ok(with("tkex", bj::string(kTokenExtensionOctetsMax, 'x'))));
  EXPECT_FALSE(ok(with("tkex", bj::string(kTokenExtensionOctetsMax + 1, 'x'))));
  EXPECT_TRUE(ok(with("aud", texts(kTokenAudienceMax, "//a.example/b"))));
  EXPECT_FALSE(ok(with("aud", texts(kTokenAudienceMax + 1, "//a.example/b"))));
  EXPECT_TRUE(ok(permissions(role, kTokenPermissionsMax)));
  EXPECT_FALSE(ok(permissions(role, kTokenPermissionsMax + 1)));
  EXPECT_TRUE(ok(permission({{"rids", texts(kTokenRoleIdsMax, "a@das.example")}})));
  EXPECT_FALSE(ok(permission({{"rids", texts(kTokenRoleIdsMax + 1, "a@das.example")}})));
  EXPECT_TRUE(
      ok(permission({{"ris", texts(kTokenResourceIdsMax, "a")}, {"rids", texts(1, "a@das.example")}})));
  EXPECT_FALSE(
      ok(permission({{"ris", texts(kTokenResourceIdsMax + 1, "a")}, {"rids", texts(1, "a@das.example")}})));
  EXPECT_TRUE(ok(with("exp", 253'402'300'799)));
}

TEST(BadClaimSets, other_texts_than_one_object) {
  for (const auto* const text : {"", "[]", "null", "{", "{} {}", R"({"tkvr":"\ud800"})"}) {
    const auto read = read_jwt_claims(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().defect, Defect::claims) << text;
  }
}

TEST(BadClaimSets, a_claim_twice) {
  auto text = bj::serialize(base_claims());
  text.insert(1, R"("azp":"//home.example/in-cse/Cthief",)");
  const auto read = read_jwt_claims(text);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().detail.find("'azp' stands twice"), std::string::npos) << read.error().detail;
}

TEST(BadClaimSets, nested_deeper_than_a_rule_needs) {
  // The deepest claim there is: one coordinate of a location region.
  auto claims = base_claims();
  claims["tkps"] = json(
      R"({"pm":[{"ris":["a"],"pv":{"acr":[{"acor":["all"],"acop":2,"acco":[{"aclr":{"accr":[0,0,5]}}]}]}}]})");
  EXPECT_TRUE(read_jwt_claims(bj::serialize(claims)));
  for (const std::size_t lists : {12U, 30'000U}) {
    const auto text = R"({"x":)" + std::string(lists, '[') + std::string(lists, ']') + "}";
    const auto read = read_jwt_claims(text);
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().detail.find("deeper than 12"), std::string::npos) << read.error().detail;
  }
}

TEST(Audience, wildcards_stand_within_the_sp_or_the_stem) {
  cover({"7.3.2.3-08"});
  const auto cse = CseId::from_stem(SpId::parse("//home.example").value(), "in-cse").value();
  for (const auto* const entry : {"//home.example/in-cse", "//home.example/in-*", "//home.example/*",
                                  "//*/in-cse", "//*.example/*", "//HOME.example/in-cse"})
    EXPECT_TRUE(audience_covers(entry, cse)) << entry;
  for (const auto* const entry :
       {"//home.example/mn-*", "//other.example/*", "//home.example/in-cse*x", "//home.example/IN-CSE", "//*",
        "*", "/in-cse", "in-cse", "//home.example", "//home.example/in-cse/*", ""})
    EXPECT_FALSE(audience_covers(entry, cse)) << entry;
}

}  // namespace
}  // namespace latchkey::authz::test
