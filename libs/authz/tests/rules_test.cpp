// TS-0003 7.1.5: the parts of one rule and how rules and policies combine.
#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>

#include "cover.h"
#include "support.h"

namespace latchkey::authz::test {
namespace {

constexpr std::array kOperations{Op::create, Op::retrieve, Op::update, Op::del, Op::notify, Op::discover};

TEST(Operations, each_bit_allows_its_operation_and_no_other) {
  latchkey::test::cover({"7.1.2-T04", "7.1.3-T03", "7.1.5-T10"});
  for (unsigned acop = 1; acop <= 63; ++acop) {
    const auto policy = json(R"({"acr":[{"acor":["all"],"acop":)" + std::to_string(acop) + "}]}");
    for (const auto operation : kOperations) {
      const bool want = (acop & static_cast<unsigned>(operation)) != 0;
      const auto decision = decide_both(policy, Request("/in-cse/C1", operation));
      EXPECT_EQ(decision.permit, want) << acop << " " << to_string(operation);
      EXPECT_EQ(decision.reason, want ? Reason::rule : Reason::operation);
    }
  }
}

TEST(Operations, discover_is_not_retrieve) {
  latchkey::test::cover({"7.1.3-T03"});
  EXPECT_FALSE(decide_both(R"({"acr":[{"acor":["all"],"acop":2}]})", Request("/x", Op::discover)).permit);
  EXPECT_FALSE(decide_both(R"({"acr":[{"acor":["all"],"acop":32}]})", Request("/x", Op::retrieve)).permit);
}

struct Authn {
  const char* name;
  const char* row;
  const char* flag;
  bool rq_authn, want;
};
class Table_7_1_5_1 : public ::testing::TestWithParam<Authn> {};
TEST_P(Table_7_1_5_1, res_authn) {
  const auto& c = GetParam();
  latchkey::test::cover({c.row, "7.1.5-01", "7.1.3-T05"});
  const std::string policy = std::string(R"({"acr":[{"acor":["all"],"acop":63)") + c.flag + "}]}";
  const auto decision = decide_both(policy, Request("/in-cse/C1").authenticated(c.rq_authn));
  EXPECT_EQ(decision.permit, c.want);
  EXPECT_EQ(decision.reason, c.want ? Reason::rule : Reason::authentication);
}
INSTANTIATE_TEST_SUITE_P(
    rows, Table_7_1_5_1,
    ::testing::Values(Authn{"flag_set_authenticated", "7.1.5-T05", R"(,"acaf":true)", true, true},
                      Authn{"flag_set_not_authenticated", "7.1.5-T06", R"(,"acaf":true)", false, false},
                      Authn{"flag_clear_authenticated", "7.1.5-T07", R"(,"acaf":false)", true, true},
                      Authn{"flag_clear_not_authenticated", "7.1.5-T08", R"(,"acaf":false)", false, true},
                      Authn{"flag_absent_authenticated", "7.1.5-T07", "", true, true},
                      Authn{"flag_absent_not_authenticated", "7.1.5-T08", "", false, true}),
    [](const auto& tested) { return tested.param.name; });

TEST(Combination, all_parts_of_one_rule_must_hold) {
  latchkey::test::cover({"7.1.5-T04"});
  const auto* policy =
      R"({"acr":[{"acor":["/mn/C1"],"acop":1,"acaf":true,"acco":[{"acip":{"ipv4":["10.0.0.0/8"]}}],
                                   "acod":[{"chty":[4]}]}]})";
  EXPECT_TRUE(
      decide_both(policy, Request("/mn/C1").authenticated(true).from_ip("10.1.2.3").creating(4)).permit);
  EXPECT_EQ(decide_both(policy, Request("/mn/C2").authenticated(true).from_ip("10.1.2.3").creating(4)).reason,
            Reason::originator);
  EXPECT_EQ(decide_both(policy, Request("/mn/C1").authenticated(true).from_ip("10.1.2.3")).reason,
            Reason::operation);
  EXPECT_EQ(decide_both(policy, Request("/mn/C1").from_ip("10.1.2.3").creating(4)).reason,
            Reason::authentication);
  EXPECT_EQ(decide_both(policy, Request("/mn/C1").authenticated(true).from_ip("11.1.2.3").creating(4)).reason,
            Reason::context);
  EXPECT_EQ(decide_both(policy, Request("/mn/C1").authenticated(true).from_ip("10.1.2.3").creating(3)).reason,
            Reason::object_details);
}

TEST(Combination, parts_of_different_rules_do_not_add_up) {
  latchkey::test::cover({"7.1.5-T03", "7.1.5-T04"});
  const auto* policy = R"({"acr":[{"acor":["/mn/C1"],"acop":2},{"acor":["/mn/C2"],"acop":8}]})";
  EXPECT_FALSE(decide_both(policy, Request("/mn/C1", Op::del)).permit);
  EXPECT_FALSE(decide_both(policy, Request("/mn/C2", Op::retrieve)).permit);
  EXPECT_TRUE(decide_both(policy, Request("/mn/C2", Op::del)).permit);
}

TEST(Combination, permit_overrides) {
  latchkey::test::cover({"7.1.5-T02", "7.1.5-T03", "7.1.5-T21", "7.1.4-02"});
  const auto* policy =
      R"({"acr":[{"acor":["/mn/C1"],"acop":4},{"acor":["all"],"acop":2,"acaf":true},{"acor":["/mn/C*"],"acop":2}]})";
  const auto decision = decide_both(policy, Request("/mn/C1"));
  EXPECT_TRUE(decision.permit) << "what the first two rules lack does not outweigh the third";
  EXPECT_EQ(decision.rule, 2U);
  EXPECT_FALSE(decide_both(policy, Request("/mn/C1", Op::del)).permit);
}

TEST(Combination, one_permitting_policy_among_many_is_enough) {
  latchkey::test::cover({"7.1.5-T02", "7.1.4-02"});
  const auto none = compiled(R"({"acr":[]})");
  const auto other = compiled(R"({"acr":[{"acor":["/mn/C2"],"acop":63}]})");
  const auto wrong_operation = compiled(R"({"acr":[{"acor":["/mn/C1"],"acop":1}]})");
  const auto right = compiled(R"({"acr":[{"acor":["/x"],"acop":2},{"acor":["/mn/C1"],"acop":2}]})");
  const std::array<const RuleSet*, 5> sets{none.get(), other.get(), nullptr, wrong_operation.get(),
                                           right.get()};
  const Request request("/mn/C1");
  const auto decision = decide(request.context(), sets);
  EXPECT_TRUE(decision.permit);
  EXPECT_EQ(decision.set, 4U);
  EXPECT_EQ(decision.rule, 1U);
  const auto denied = decide(request.context(), std::span(sets).first(4));
  EXPECT_FALSE(denied.permit);
  EXPECT_EQ(denied.reason, Reason::operation);
  EXPECT_EQ(denied.set, 3U) << "the rule that came furthest";
}

TEST(Combination, no_policy_denies) {
  latchkey::test::cover({"7.1.4-03"});
  const Request request("/mn/C1");
  const auto decision = decide(request.context(), {});
  EXPECT_FALSE(decision.permit);
  EXPECT_EQ(decision.reason, Reason::no_policy);
  EXPECT_EQ(decide_both(R"({"acr":[]})", request).reason, Reason::originator);
  EXPECT_EQ(decide_both("{}", request).reason, Reason::originator);
}

TEST(Combination, rules_with_and_without_contexts_mix_in_one_set) {
  latchkey::test::cover({"7.1.3-T01", "7.1.3-T04"});
  const auto* policy =
      R"({"acr":[{"acor":["/mn/C1"],"acop":63,"acco":[{"acip":{"ipv4":["10.0.0.0/8"]}}]},{"acor":["/mn/C1"],"acop":2}]})";
  EXPECT_TRUE(decide_both(policy, Request("/mn/C1")).permit) << "the pair admits any context";
  EXPECT_FALSE(decide_both(policy, Request("/mn/C1", Op::update)).permit);
  EXPECT_TRUE(decide_both(policy, Request("/mn/C1", Op::update).from_ip("10.0.0.1")).permit);
}

TEST(ObjectDetails, restrict_the_type_to_be_created) {
  latchkey::test::cover({"7.1.2-T05", "7.1.3-T27", "7.1.5-T20"});
  const auto* policy = R"({"acr":[{"acor":["all"],"acop":63,"acod":[{"chty":[3,4]},{"chty":[23]}]}]})";
  for (const std::uint32_t child : {3U, 4U, 23U})
    EXPECT_TRUE(decide_both(policy, Request("/x").creating(child)).permit);
  for (const std::uint32_t child : {1U, 2U, 9U, 10003U}) {
    const auto decision = decide_both(policy, Request("/x").creating(child));
    EXPECT_FALSE(decision.permit);
    EXPECT_EQ(decision.reason, Reason::object_details);
  }
}

TEST(ObjectDetails, create_without_a_known_child_type_is_denied) {
  latchkey::test::cover({"7.1.4-03"});
  EXPECT_FALSE(
      decide_both(R"({"acr":[{"acor":["all"],"acop":1,"acod":[{"chty":[3]}]}]})", Request("/x", Op::create))
          .permit);
}

TEST(ObjectDetails, concern_create_only) {
  latchkey::test::cover({"7.1.3-T29", "7.1.5-T16"});
  const auto* policy = R"({"acr":[{"acor":["all"],"acop":63,"acod":[{"ty":2,"chty":[3]}]}]})";
  for (const auto operation : kOperations) {
    Request request("/x", operation);
    request.target(3);
    EXPECT_EQ(decide_both(policy, request).permit, operation != Op::create) << to_string(operation);
  }
}

TEST(ObjectDetails, a_rule_without_them_covers_every_child_type) {
  latchkey::test::cover({"7.1.3-T29"});
  for (const std::uint32_t child : {1U, 3U, 28U, 10009U})
    EXPECT_TRUE(decide_both(R"({"acr":[{"acor":["all"],"acop":1}]})", Request("/x").target(2).creating(child))
                    .permit);
}

TEST(ObjectDetails, resource_type_is_that_of_the_target) {
  latchkey::test::cover({"7.1.3-T25", "7.1.3-T28", "7.1.5-T17", "7.1.5-T18"});
  const auto* policy =
      R"({"acr":[{"acor":["all"],"acop":1,"acod":[{"ty":2,"chty":[3]},{"ty":3,"chty":[4]}]}]})";
  EXPECT_TRUE(decide_both(policy, Request("/x").target(2).creating(3)).permit);
  EXPECT_TRUE(decide_both(policy, Request("/x").target(3).creating(4)).permit);
  EXPECT_FALSE(decide_both(policy, Request("/x").target(2).creating(4)).permit)
      << "parts of two details do not add up";
  EXPECT_FALSE(decide_both(policy, Request("/x").target(5).creating(3)).permit);
}

TEST(ObjectDetails, specialization_is_that_of_the_target) {
  latchkey::test::cover({"7.1.3-T26", "7.1.3-T28", "7.1.5-T17", "7.1.5-T19"});
  for (const auto* details : {R"({"ty":28,"spid":"org.example.door","chty":[3]})",
                              R"({"ty":28,"spty":{"cnd":"org.example.door"},"chty":[3]})",
                              R"({"spid":"org.example.door","chty":[3]})"}) {
    const auto policy = std::string(R"({"acr":[{"acor":["all"],"acop":1,"acod":[)") + details + "]}]}";
    EXPECT_TRUE(decide_both(policy, Request("/x").target(28, "org.example.door").creating(3)).permit);
    EXPECT_FALSE(decide_both(policy, Request("/x").target(28, "org.example.doo").creating(3)).permit);
    EXPECT_FALSE(decide_both(policy, Request("/x").target(28).creating(3)).permit)
        << "an unknown one is a mismatch";
    EXPECT_FALSE(decide_both(policy, Request("/x").target(28, "org.example.door").creating(4)).permit);
  }
}

TEST(ObjectDetails, specialization_is_that_of_the_content_too_where_it_gives_one) {
  latchkey::test::cover({"7.1.5-03"});
  const auto* const policy =
      R"({"acr":[{"acor":["all"],"acop":1,"acod":[{"ty":28,"spid":"org.example.door","chty":[3,28]}]}]})";
  const auto permits = [&](std::uint32_t type, std::string_view definition) {
    Request request("/x");
    request.target(28, "org.example.door").creating(type).defining(definition);
    return decide_both(policy, request).permit;
  };
  EXPECT_TRUE(permits(28, "org.example.door"));
  EXPECT_FALSE(permits(28, "org.example.lamp"));
  EXPECT_TRUE(permits(3, "")) << "this type has no definition";
  EXPECT_FALSE(decide_both(policy, Request("/x").target(1).creating(28).defining("org.example.door")).permit)
      << "nor does the Content stand for the target";
}

TEST(ObjectDetails, a_management_definition_is_compared_as_its_number) {
  latchkey::test::cover({"7.1.3-T26"});
  for (const auto* details :
       {R"({"ty":13,"spid":"1001","chty":[23]})", R"({"ty":13,"spty":{"mgd":1001},"chty":[23]})"}) {
    const auto policy = std::string(R"({"acr":[{"acor":["all"],"acop":1,"acod":[)") + details + "]}]}";
    EXPECT_TRUE(decide_both(policy, Request("/x").target(13, "1001").creating(23)).permit);
    EXPECT_FALSE(decide_both(policy, Request("/x").target(13, "1002").creating(23)).permit);
  }
}

TEST(Reasons, have_a_text_each) {
  for (int i = 0; i <= static_cast<int>(Reason::object_details); ++i) {
    EXPECT_FALSE(to_string(static_cast<Reason>(i)).empty());
    EXPECT_NE(to_string(static_cast<Reason>(i)), "unknown reason");
  }
}

}  // namespace
}  // namespace latchkey::authz::test
