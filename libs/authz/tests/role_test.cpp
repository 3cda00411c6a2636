// <role> resources as evidence (TS-0003 7.4.3 step 4).
#include "latchkey/authz/role.h"

#include <gtest/gtest.h>

#include <boost/json/object.hpp>

#include "cover.h"
#include "token_support.h"

namespace latchkey::authz::test {
namespace {

namespace bj = boost::json;
using latchkey::test::cover;

bj::object attributes() {
  return json(
             R"({"rlid":"guest@das.example","tkis":"//home.example/Sdas","tkhd":"//home.example/in-cse/Cphone",
                  "tknb":"20240229T110000","tkna":"20240229T130000","rlnm":"guest","rltl":"/in-cse/token7",
                  "ty":31,"ri":"role7","pi":"in-cse","ct":"20240101T000000"})")
      .as_object();
}
Role role() { return read_role(attributes()).value(); }
std::vector<Authority> authorities() {
  return {{.id = entity("//home.example/Sother"), .domains = {Fqdn::parse("other.example").value()}},
          {.id = entity(kDas), .domains = {Fqdn::parse(kDomain).value()}}};
}
std::optional<Defect> defect(const Role& r, std::string_view originator = kPhone, TimePoint now = noon()) {
  const auto ok = check_role(r, entity(originator), now, authorities());
  if (ok) return std::nullopt;
  EXPECT_EQ(ok.error().id, r.role_id);
  return ok.error().defect;
}

TEST(Roles, attributes_there_and_back) {
  const auto r = role();
  EXPECT_EQ(r.role_id, "guest@das.example");
  EXPECT_EQ(r.issuer, entity(kDas));
  EXPECT_EQ(r.holder, entity(kPhone));
  EXPECT_EQ(r.not_before, base_claim_set().not_before);
  EXPECT_EQ(r.not_after, base_claim_set().not_after);
  EXPECT_EQ(r.role_name, "guest");
  EXPECT_EQ(r.token_link, "/in-cse/token7");
  auto own = attributes();
  for (const auto* const general : {"ty", "ri", "pi", "ct"}) own.erase(general);
  EXPECT_EQ(role_attributes(r), own);
}

TEST(Roles, a_valid_one_counts) {
  cover({"7.4.3-04"});
  EXPECT_EQ(defect(role()), std::nullopt);
}

TEST(Roles, of_no_authorization_authority_do_not_count) {
  cover({"7.4.3-04"});
  auto r = role();
  r.issuer = entity("//home.example/Sthief");
  EXPECT_EQ(defect(r), Defect::issuer);
  EXPECT_EQ(check_role(role(), entity(kPhone), noon(), {}).error().defect, Defect::issuer);
}

TEST(Roles, of_a_domain_of_another_authority_do_not_count) {
  auto r = role();
  r.role_id = "guest@other.example";
  EXPECT_EQ(defect(r), Defect::domain);
  r.issuer = entity("//home.example/Sother");
  EXPECT_EQ(defect(r), std::nullopt);
}

TEST(Roles, of_another_holder_do_not_count) {
  cover({"7.4.3-04"});
  EXPECT_EQ(defect(role(), "//home.example/in-cse/Cphone2"), Defect::holder);
  EXPECT_EQ(defect(role(), "//home.example/in-cse"), Defect::holder);
  EXPECT_EQ(defect(role(), "//other.example/in-cse/Cphone"), Defect::holder);
}

TEST(Roles, count_from_not_before_until_not_after) {
  cover({"7.4.3-04"});
  const std::chrono::microseconds tick(1);
  EXPECT_EQ(defect(role(), kPhone, role().not_before - tick), Defect::not_yet_valid);
  EXPECT_EQ(defect(role(), kPhone, role().not_before), std::nullopt);
  EXPECT_EQ(defect(role(), kPhone, role().not_after - tick), std::nullopt);
  EXPECT_EQ(defect(role(), kPhone, role().not_after), Defect::expired);
}

struct BadAttribute {
  const char* name;
  const char* member;
  const char* value;  ///< JSON; nullptr: missing
  const char* reason;
};
class BadRoles : public ::testing::TestWithParam<BadAttribute> {};

TEST_P(BadRoles, is_refused_and_named) {
  auto bad = attributes();
  bad.erase(GetParam().member);
  if (GetParam().value != nullptr) bad[GetParam().member] = json(GetParam().value);
  const auto got = read_role(bad);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().defect, Defect::claims);
  EXPECT_EQ(got.error().detail, GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    Attributes, BadRoles,
    ::testing::Values(
        BadAttribute{"no_role_id", "rlid", nullptr, "rlid is missing"},
        BadAttribute{"no_issuer", "tkis", nullptr, "tkis is missing"},
        BadAttribute{"no_holder", "tkhd", nullptr, "tkhd is missing"},
        BadAttribute{"no_not_before", "tknb", nullptr, "tknb is missing"},
        BadAttribute{"no_not_after", "tkna", nullptr, "tkna is missing"},
        BadAttribute{"role_id_without_domain", "rlid", R"("guest")", "rlid is not of the form id@FQDN"},
        BadAttribute{"relative_holder", "tkhd", R"("/in-cse/Cphone")", "tkhd is no absolute CSE-ID or AE-ID"},
        BadAttribute{"number_as_time", "tknb", "1709204400", "tknb is not a string"},
        BadAttribute{"no_such_day", "tkna", R"("20240230T000000")", "tkna is no timestamp"},
        BadAttribute{"empty_period", "tkna", R"("20240229T110000")", "tkna is not later than tknb"},
        BadAttribute{"empty_name", "rlnm", R"("")", "rlnm is empty"},
        BadAttribute{"token_link_list", "rltl", "[]", "rltl is not a string"}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace latchkey::authz::test
