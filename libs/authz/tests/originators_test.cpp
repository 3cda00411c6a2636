// TS-0003 7.1.3: who is a member of accessControlOriginators.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "cover.h"
#include "support.h"

namespace latchkey::authz::test {
namespace {

bool names(std::string_view entry, std::string_view originator) {
  return decide_both(policy_for(entry), Request(originator)).permit;
}

/// A row of table 7.1.3-2: an entry, originators that it means, and some that it does not.
struct Row {
  const char* name;
  const char* id;  ///< requirement
  const char* entry;
  std::vector<const char*> members, others;
};
class Table_7_1_3_2 : public ::testing::TestWithParam<Row> {};

TEST_P(Table_7_1_3_2, matches_its_meaning_only) {
  const auto& row = GetParam();
  latchkey::test::cover({row.id, "7.1.3-T07"});
  for (const auto* member : row.members)
    EXPECT_TRUE(names(row.entry, member)) << row.entry << " means " << member;
  for (const auto* other : row.others)
    EXPECT_FALSE(names(row.entry, other)) << row.entry << " does not mean " << other;
}

INSTANTIATE_TEST_SUITE_P(
    rows, Table_7_1_3_2,
    ::testing::Values(Row{"absolute_cse",
                          "7.1.3-T09",
                          "//m2msp.org/myCSEID",
                          {"//m2msp.org/myCSEID", "//M2MSP.org/myCSEID"},
                          {"//m2msp.org/mycseid", "//m2msp.org/myCSEID2", "//other.org/myCSEID", "/myCSEID",
                           "//m2msp.org/myCSEID/C9886"}},
                      Row{"absolute_cse_any_sp",
                          "7.1.3-T10",
                          "//*/myCSEID",
                          {"//m2msp.org/myCSEID", "//other.example/myCSEID", "/myCSEID"},
                          {"//m2msp.org/myCSE", "//m2msp.org/xmyCSEID", "//m2msp.org/myCSEID/C9886"}},
                      Row{"absolute_cse_prefix_any_sp",
                          "7.1.3-T11",
                          "//*/myCSE*",
                          {"//m2msp.org/myCSE", "//m2msp.org/myCSEID", "/myCSE7"},
                          {"//m2msp.org/yourCSE", "//m2msp.org/myCSEID/C9886", "//m2msp.org/S988",
                           "//m2msp.org/myCS"}},
                      Row{"relative_cse",
                          "7.1.3-T12",
                          "/myCSEID",
                          {"/myCSEID", "//home.example/myCSEID"},
                          {"//m2msp.org/myCSEID", "/myCSEID1", "/myCSEID/C9886"}},
                      Row{"relative_cse_prefix",
                          "7.1.3-T13",
                          "/myCSE*",
                          {"/myCSE", "/myCSEID", "//home.example/myCSE-9"},
                          {"//m2msp.org/myCSEID", "/otherCSE", "/myCSEID/C9886"}},
                      Row{"absolute_s_type_ae",
                          "7.1.3-T14",
                          "//m2msp.org/S988",
                          {"//m2msp.org/S988"},
                          {"//m2msp.org/S9886", "//m2msp.org/S98", "//other.org/S988", "/S988",
                           "//m2msp.org/myCSEID/C988"}},
                      Row{"absolute_c_type_ae_any_sp",
                          "7.1.3-T15",
                          "//*/myCSEID/C9886",
                          {"//m2msp.org/myCSEID/C9886", "/myCSEID/C9886"},
                          {"//m2msp.org/myCSE/C9886", "//m2msp.org/myCSEID/C98", "//m2msp.org/myCSEID"}},
                      Row{"absolute_c_type_ae_any_cse",
                          "7.1.3-T16",
                          "//*/myCSE*/C9886",
                          {"//m2msp.org/myCSEID/C9886", "/myCSE/C9886"},
                          {"//m2msp.org/yourCSE/C9886", "//m2msp.org/myCSEID/C9887", "//m2msp.org/myCSE9",
                           "//m2msp.org/S988"}},
                      Row{"relative_ae",
                          "7.1.3-T17",
                          "/myCSEID/C9886",
                          {"/myCSEID/C9886", "//home.example/myCSEID/C9886"},
                          {"//m2msp.org/myCSEID/C9886", "/myCSEID/C98866", "/myCSEID"}},
                      Row{"relative_ae_prefix",
                          "7.1.3-T18",
                          "/myCSEID/C98*",
                          {"/myCSEID/C98", "/myCSEID/C9886"},
                          {"/myCSEID/C97", "/myCSE/C9886", "//m2msp.org/myCSEID/C9886", "/myCSEID"}},
                      Row{"relative_ae_prefix_any_cse",
                          "7.1.3-T19",
                          "/myCSE*/C98*",
                          {"/myCSE/C98", "/myCSEID/C9886"},
                          {"/yourCSE/C9886", "/myCSEID/C97", "//m2msp.org/myCSEID/C9886", "/myCSEID"}},
                      Row{"relative_s_type_prefix",
                          "7.1.3-T20",
                          "/SmyAE*",
                          {"/SmyAE", "/SmyAE2", "//home.example/SmyAE-3"},
                          {"/SyourAE", "//m2msp.org/SmyAE2", "/in-cse/CmyAE2"}}),
    [](const auto& tested) { return tested.param.name; });

TEST(Originators, a_wildcard_may_stand_anywhere_in_a_segment_and_more_than_once) {
  latchkey::test::cover({"7.1.3-T07"});
  EXPECT_TRUE(names("//*.example/a*b*c", "//home.example/a--b--c"));
  EXPECT_TRUE(names("//*.example/a*b*c", "/abc"));
  EXPECT_TRUE(names("/*x*x", "/axbxx"));
  EXPECT_TRUE(names("/**", "/anything"));
  EXPECT_FALSE(names("/*x*x", "/axbxc"));
  EXPECT_FALSE(names("//*.example/a*b*c", "//home.example.org/abc"));
}

TEST(Originators, a_wildcard_ends_at_the_next_slash) {
  latchkey::test::cover({"7.1.3-T07", "7.1.3-T11"});
  EXPECT_TRUE(names("/*/C*", "/mn/C1"));
  EXPECT_FALSE(names("/*", "/mn/C1"));
  EXPECT_FALSE(names("/*/C*", "/mn"));
  EXPECT_FALSE(names("//*/C1", "/mn/C1"));
}

TEST(Originators, all_means_every_identity_but_not_its_absence) {
  latchkey::test::cover({"7.1.3-T02"});
  for (const auto* originator :
       {"/in-cse", "//far.example/mn/C1", "/S1", "0.2.481.1.100.3030.10011", "device.example.org"})
    EXPECT_TRUE(names("all", originator)) << originator;
  EXPECT_FALSE(names("all", ""));
  EXPECT_FALSE(names("ALL", "/in-cse"));
}

TEST(Originators, empty_originator_matches_nothing) {
  latchkey::test::cover({"7.1.2-T02"});
  for (const auto* entry : {"all", "//home.example", "/*", "//*/*", "admin@roles.example", "group1"}) {
    Request request("");
    request.roles({"admin@roles.example"}).authenticated(true);
    const auto decision = decide_both(policy_for(entry), request);
    EXPECT_FALSE(decision.permit) << entry;
    EXPECT_EQ(decision.reason, Reason::no_originator);
  }
}

TEST(Originators, sp_domain_covers_all_its_aes_and_cses) {
  latchkey::test::cover({"7.1.3-T06"});
  for (const auto* entry : {"//m2m.sp.example", "m2m.sp.example", "//M2M.SP.Example"}) {
    EXPECT_TRUE(names(entry, "//m2m.sp.example/in-cse"));
    EXPECT_TRUE(names(entry, "//m2m.sp.example/S1"));
    EXPECT_TRUE(names(entry, "//m2m.sp.example/mn/C1"));
    EXPECT_FALSE(names(entry, "//sp.example/in-cse"));
    EXPECT_FALSE(names(entry, "//sub.m2m.sp.example/in-cse"));
    EXPECT_FALSE(names(entry, "/in-cse"));
    EXPECT_FALSE(names(entry, "m2m.sp.example")) << "an FQDN is neither an AE-ID nor a CSE-ID";
  }
}

TEST(Originators, stems_belong_to_the_hosting_cse_or_its_sp) {
  EXPECT_TRUE(names("Cphone", "/in-cse/Cphone"));
  EXPECT_FALSE(names("Cphone", "/mn-cse/Cphone"));
  EXPECT_TRUE(names("Cph*", "/in-cse/Cphone"));
  EXPECT_TRUE(names("Slock", "//home.example/Slock"));
  EXPECT_FALSE(names("Slock", "//far.example/Slock"));
  EXPECT_TRUE(names("C1.2", "/in-cse/C1.2")) << "a dot does not make a stem a domain";
}

TEST(Originators, c_stem_without_a_hosting_cse_is_refused) {
  const auto set = RuleSet::compile(policy_for("Cphone"), host().sp);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().rsc, codec::Rsc::bad_request);
  EXPECT_NE(set.error().detail.find("acr[0].acor[0]"), std::string::npos) << set.error().detail;
  EXPECT_TRUE(RuleSet::compile(policy_for("Slock"), host().sp));
}

TEST(Originators, role_matches_a_role_that_the_originator_holds) {
  latchkey::test::cover({"7.1.2-T03", "7.1.3-T02"});
  const auto policy = policy_for("door-admin@roles.sp.example");
  EXPECT_TRUE(decide_both(policy, Request("/in-cse/C1").roles({"x@y.example", "door-admin@roles.sp.example"}))
                  .permit);
  EXPECT_FALSE(decide_both(policy, Request("/in-cse/C1").roles({"x@y.example"})).permit);
  EXPECT_FALSE(decide_both(policy, Request("/in-cse/C1").roles({"door-admin@roles.sp.exampl"})).permit);
  EXPECT_FALSE(decide_both(policy, Request("/in-cse/C1")).permit);
}

TEST(Originators, a_role_that_looks_like_an_id_names_no_entity) {
  // Kinds are kept apart: a role text equal to an entity text must not match it.
  const auto entity = policy_for("/mn");
  EXPECT_FALSE(
      decide_both(entity, Request("/other").roles({"home.example/mn", "/mn", "//home.example/mn"})).permit);
  EXPECT_FALSE(decide_both(policy_for("all"), Request("").roles({"all"})).permit);
}

class Members final : public GroupMembership {
 public:
  [[nodiscard]] std::optional<bool> is_member(std::string_view group,
                                              const EntityId& originator) const override {
    ++asked;
    const auto known = members.find(std::string(group));
    if (known == members.end()) return std::nullopt;
    return known->second == to_string(originator);
  }
  std::map<std::string, std::string> members;
  mutable int asked = 0;
};

TEST(Groups, members_of_a_named_group_match) {
  latchkey::test::cover({"7.1.3-T02"});
  Members members;
  for (const auto* group : {"grp1", "cse-in/grp1", "-/grp1", "/in-cse/grp1", "/in-cse/cse-in/grp1",
                            "//far.example/mn/grp1", "//far.example/mn/base/Cgroup"}) {
    members.members = {{group, "//home.example/in-cse/C1"}};
    const auto set = compiled(policy_for(group));
    EXPECT_EQ(set->groups(), std::vector<std::string>{group});
    EXPECT_TRUE(decide_both(policy_for(group), Request("/in-cse/C1").groups(members)).permit) << group;
    EXPECT_FALSE(decide_both(policy_for(group), Request("/in-cse/C2").groups(members)).permit) << group;
  }
}

TEST(Groups, unknown_membership_denies) {
  latchkey::test::cover({"7.1.4-03"});
  const Members nobody_knows;
  EXPECT_FALSE(decide_both(policy_for("grp1"), Request("/in-cse/C1").groups(nobody_knows)).permit);
  EXPECT_FALSE(decide_both(policy_for("grp1"), Request("/in-cse/C1")).permit);
}

TEST(Groups, are_asked_only_where_no_cheaper_entry_decides) {
  Members members;
  members.members = {{"grp1", "//home.example/in-cse/C1"}};
  const auto* policy =
      R"({"acr":[{"acor":["grp1"],"acop":2},{"acor":["/in-cse/C1"],"acop":2},{"acor":["grp1"],"acop":4}]})";
  const auto set = compiled(policy);
  const std::array sets{set.get()};
  EXPECT_TRUE(decide(Request("/in-cse/C1").groups(members).context(), sets).permit);
  EXPECT_EQ(members.asked, 0);
  EXPECT_FALSE(decide(Request("/in-cse/C1", Op::del).groups(members).context(), sets).permit);
  EXPECT_EQ(members.asked, 0) << "no rule with the group allows the operation";
  EXPECT_TRUE(decide(Request("/in-cse/C1", Op::update).groups(members).context(), sets).permit);
  EXPECT_EQ(members.asked, 1);
}

TEST(Originators, one_list_mixes_all_kinds) {
  latchkey::test::cover({"7.1.3-T02"});
  Members members;
  members.members = {{"grp1", "//home.example/in-cse/Cmember"}};
  const auto* policy =
      R"({"acr":[{"acor":["far.example","/mn","/mn/C1","/in-*/Cw*","r@i.example","grp1","/mn"],"acop":2}]})";
  for (const auto* originator : {"//far.example/x", "/mn", "/mn/C1", "/in-cse/Cw", "/in-cse/Cmember"})
    EXPECT_TRUE(decide_both(policy, Request(originator).groups(members)).permit) << originator;
  EXPECT_TRUE(decide_both(policy, Request("/z").groups(members).roles({"r@i.example"})).permit);
  EXPECT_FALSE(decide_both(policy, Request("/z").groups(members)).permit);
}

}  // namespace
}  // namespace latchkey::authz::test
