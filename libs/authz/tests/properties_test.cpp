// Properties of the decision that people rely on by name.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cover.h"
#include "policy_generator.h"

namespace latchkey::authz::test {
namespace {

constexpr int kCases = 5'000;
constexpr std::uint64_t kSeed = 20'240'229;

class Property : public ::testing::Test {
 protected:
  Generator generator{kSeed};
  const RandomGroups groups{kSeed};
  [[nodiscard]] bool permits(const boost::json::value& policy, const Request& request) const {
    const auto set = compiled(policy);
    const std::array sets{set.get()};
    return decide(request.context(), sets).permit;
  }
};

TEST_F(Property, deny_by_default) {
  latchkey::test::cover({"7.1.4-03", "7.1.5-T02"});
  const auto empty = compiled(R"({"acr":[]})");
  const std::array<const RuleSet*, 3> sets{empty.get(), nullptr, empty.get()};
  for (int i = 0; i < kCases; ++i) {
    const auto request = generator.request(groups);
    EXPECT_FALSE(decide(request->context(), {}).permit);
    EXPECT_FALSE(decide(request->context(), sets).permit);
  }
}

TEST_F(Property, permit_overrides) {
  latchkey::test::cover({"7.1.5-T02", "7.1.5-T03"});
  for (int i = 0; i < kCases; ++i) {
    const auto a = generator.policy(3), b = generator.policy(3);
    const auto set_a = compiled(a), set_b = compiled(b);
    const std::array both{set_a.get(), set_b.get()}, swapped{set_b.get(), set_a.get()};
    const auto request = generator.request(groups);
    const bool want = permits(a, *request) || permits(b, *request);
    EXPECT_EQ(decide(request->context(), both).permit, want);
    EXPECT_EQ(decide(request->context(), swapped).permit, want) << "the order of policies means nothing";
  }
}

TEST_F(Property, adding_a_rule_never_revokes) {
  latchkey::test::cover({"7.1.5-T03"});
  for (int i = 0; i < kCases; ++i) {
    auto policy = generator.policy(5);
    const auto request = generator.request(groups);
    const bool before = permits(policy, *request);
    auto& rules = policy.at("acr").as_array();
    rules.insert(rules.begin() + generator.below(static_cast<int>(rules.size()) + 1), generator.rule());
    if (before) {
      EXPECT_TRUE(permits(policy, *request));
    }
  }
}

TEST_F(Property, order_and_repetition_of_rules_mean_nothing) {
  latchkey::test::cover({"7.1.5-T03"});
  for (int i = 0; i < kCases; ++i) {
    auto policy = generator.policy(5);
    const auto request = generator.request(groups);
    const bool before = permits(policy, *request);
    auto& rules = policy.at("acr").as_array();
    if (!rules.empty()) rules.push_back(rules.front());
    std::reverse(rules.begin(), rules.end());
    EXPECT_EQ(permits(policy, *request), before);
  }
}

TEST_F(Property, empty_originator_matches_nothing) {
  latchkey::test::cover({"7.1.2-T02"});
  for (int i = 0; i < kCases; ++i) {
    const auto policy = generator.policy(5);
    Request nobody("", Op::retrieve);
    nobody.roles({"admin@roles.example", "user@roles.example"}).authenticated(true).groups(groups);
    EXPECT_FALSE(permits(policy, nobody));
  }
}

TEST_F(Property, an_unknown_attribute_never_permits_more) {
  latchkey::test::cover({"7.1.4-03", "7.1.5-T12"});
  for (int i = 0; i < kCases; ++i) {
    const auto policy = generator.policy(5);
    const auto request = generator.request(groups);
    RequestContext less = request->context();
    switch (generator.below(5)) {
      case 0:
        less.rq_ip.reset();
        break;
      case 1:
        less.rq_loc.reset();
        break;
      case 2:
        less.roles = {};
        break;
      case 3:
        less.groups = nullptr;
        break;
      default:
        less.rq_authn = false;
        break;
    }
    const auto set = compiled(policy);
    const std::array sets{set.get()};
    if (decide(less, sets).permit) {
      EXPECT_TRUE(decide(request->context(), sets).permit);
    }
  }
}

}  // namespace
}  // namespace latchkey::authz::test
