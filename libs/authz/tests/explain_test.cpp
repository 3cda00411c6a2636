#include "latchkey/authz/explain.h"

#include <gtest/gtest.h>

#include <array>
#include <sstream>
#include <string>
#include <vector>

#include "policy_generator.h"
#include "support.h"

namespace latchkey::authz::test {
namespace {

const std::vector<std::string> kNames{"acp-lock"};

std::vector<std::string> lines(std::string_view policy, const Request& request) {
  const auto set = compiled(policy);
  const std::array sets{set.get()};
  std::istringstream text(explain(request.context(), sets, kNames));
  std::vector<std::string> out;
  for (std::string line; std::getline(text, line);) out.push_back(line);
  return out;
}

TEST(Explain, says_for_each_rule_what_it_lacked) {
  const auto* policy = R"({"acr":[
    {"acor":["/mn/C1","admin@r.example","far.example","grp1","/mn-*"],"acop":3},
    {"acor":["all"],"acop":2,"acaf":true},
    {"acor":["/in-cse/Cphone"],"acop":6,"acco":[{"actw":["* * 1 * * * *"],"acip":{"ipv4":["10.0.0.0/8"]}},{"aclr":{"accc":["KR"]}}]}]})";
  const auto got = lines(policy, Request("/in-cse/Cphone").from_ip("192.0.2.1"));
  const std::vector<std::string> want{
      "denied: acp-lock rule 2: the contexts of the rule do not fit",
      "acp-lock rule 0: it does not name //home.example/in-cse/Cphone (but //home.example/mn/C1, role "
      "admin@r.example, domain far.example, group grp1, //home.example/mn-*), "
      "and the members of a group are not known",
      "acp-lock rule 1: it asks for an authenticated originator, and this one is not",
      "acp-lock rule 2: context 0 does not fit: 2024-02-29T12:00:00.000000Z is in no time window, the source "
      "address is in no network; "
      "context 1 does not fit: the country of the originator is not known"};
  EXPECT_EQ(got, want);
}

TEST(Explain, lists_everything_one_rule_lacked) {
  const auto got = lines(R"({"acr":[{"acor":["/mn/C1"],"acop":2,"acaf":true,"acod":[{"chty":[3]}]}]})",
                         Request("/mn/C2").creating(4));
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0], "denied: no rule names the originator");
  EXPECT_EQ(got[1],
            "acp-lock rule 0: it does not name //home.example/mn/C2 (but //home.example/mn/C1); it does not "
            "allow CREATE (but RETRIEVE); "
            "it asks for an authenticated originator, and this one is not; it does not cover the creation of "
            "type 4 under this target");
}

TEST(Explain, names_the_rule_that_permits) {
  const auto got =
      lines(R"({"acr":[{"acor":["/mn/C2"],"acop":2},{"acor":["all"],"acop":2}]})", Request("/mn/C1"));
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[0], "permitted by acp-lock rule 1");
  EXPECT_EQ(got[2], "acp-lock rule 1: permits");
}

TEST(Explain, requests_without_policy_or_originator) {
  EXPECT_EQ(explain(Request("/x").context(), {}, {}), "denied: no policy applies\n");
  const auto set = compiled(R"({"acr":[]})");
  const std::array<const RuleSet*, 2> sets{set.get(), nullptr};
  EXPECT_EQ(explain(Request("").context(), sets, {}),
            "denied: the request has no originator\npolicy 0: has no rule\npolicy 1: not available\n");
}

TEST(Explain, object_details_and_unknown_attributes) {
  const auto* policy = R"({"acr":[{"acor":["all"],"acop":1,"acod":[{"ty":2,"chty":[3]}]},
                                  {"acor":["all"],"acop":1,"acco":[{"acip":{"ipv6":["::/0"]},"aclr":{"accr":[0,0,5]}}]}]})";
  const auto other_target = lines(policy, Request("/x").target(3).creating(3).from_place(1, 1));
  EXPECT_EQ(other_target[1], "acp-lock rule 0: it concerns other targets than type 3");
  EXPECT_EQ(other_target[2],
            "acp-lock rule 1: context 0 does not fit: the source address is not known, the place of the "
            "originator is outside the region");
  EXPECT_EQ(lines(policy, Request("/x", Op::create).target(2))[1],
            "acp-lock rule 0: the type to be created is not known");
}

TEST(Explain, long_lists_are_cut) {
  const auto names =
      lines(R"({"acr":[{"acor":["/a","/b","/c","/d","/e","/f","/g"],"acop":1}]})", Request("/x", Op::create));
  EXPECT_NE(names[1].find("//home.example/e, and 2 more)"), std::string::npos) << names[1];
  std::string many = R"({"acr":[)";
  for (int i = 0; i < 1002; ++i) many += std::string(i == 0 ? "" : ",") + R"({"acor":["/a"],"acop":1})";
  const auto rules = lines(many + "]}", Request("/x"));
  ASSERT_EQ(rules.size(), 1002U);
  EXPECT_EQ(rules.back(), "and 2 more rules");
}

TEST(Explain, agrees_with_the_decision) {
  Generator generator(4711);
  const RandomGroups groups(4711);
  for (int i = 0; i < 3'000; ++i) {
    const auto policy = generator.policy(5);
    const auto request = generator.request(groups);
    const auto set = compiled(policy);
    const std::array sets{set.get()};
    const auto text = explain(request->context(), sets, kNames);
    EXPECT_EQ(text.find(": permits\n") != std::string::npos, decide(request->context(), sets).permit) << text;
  }
}

}  // namespace
}  // namespace latchkey::authz::test
