// TS-0003 7.1.4: for any inputs the compiled decision is that of the reference algorithm, transcribed in
// literal_7_1_5.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <iostream>
#include <random>

#include "cover.h"
#include "policy_generator.h"

namespace latchkey::authz::test {
namespace {

/// LATCHKEY_SEED repeats a run; otherwise every run is another.
std::uint64_t seed() {
  const char* given = std::getenv("LATCHKEY_SEED");
  const auto value = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "LATCHKEY_SEED=" << value << '\n';
  return value;
}

/// LATCHKEY_DIFFERENTIAL=N makes a run N times as long: CI takes a minute, a night takes millions of cases.
int times_as_long() {
  const char* given = std::getenv("LATCHKEY_DIFFERENTIAL");
  return given != nullptr ? std::max(1, std::atoi(given)) : 1;
}

std::string shown(const std::vector<boost::json::value>& policies, const RequestContext& request) {
  std::string out = request.originator == nullptr ? "nobody" : to_string(*request.originator);
  out += " " + std::string(to_string(request.operation));
  for (const auto& policy : policies) out += "\n" + boost::json::serialize(policy);
  return out;
}

struct Case {
  std::vector<boost::json::value> policies;
  std::vector<std::shared_ptr<const RuleSet>> owned;
  std::vector<const RuleSet*> sets;
};

Case draw(Generator& generator, bool with_groups) {
  Case out;
  for (int i = generator.below(4); i > 0; --i) {
    out.policies.push_back(generator.policy(generator.chance(10) ? 40 : 5, with_groups));
    out.owned.push_back(compiled(out.policies.back()));
    out.sets.push_back(out.owned.back().get());
  }
  return out;
}

void compare(const Case& drawn, const Request& request, bool with_groups, std::size_t& permits) {
  const auto& context = request.context();
  const auto decision = decide(context, drawn.sets);
  ASSERT_EQ(decision.permit, literal::permit(drawn.policies, context, host()))
      << shown(drawn.policies, context);
  ASSERT_EQ(decision.permit, decision.reason == Reason::rule);
  if (decision.permit) {
    ++permits;
    ASSERT_TRUE(
        literal::res_acr(drawn.policies.at(decision.set).at("acr").at(decision.rule), context, host()))
        << shown(drawn.policies, context);
  }
  if (!with_groups) {
    ASSERT_EQ(decision.reason, literal::reason(drawn.policies, context, host()))
        << shown(drawn.policies, context);
  }
}

void run(int cases, int requests_per_case, bool with_groups) {
  Generator generator(seed());
  const RandomGroups groups(7);
  std::size_t permits = 0;
  for (int i = 0; i < cases && !::testing::Test::HasFailure(); ++i) {
    const auto drawn = draw(generator, with_groups);
    for (int k = 0; k < requests_per_case; ++k)
      compare(drawn, *generator.request(groups), with_groups, permits);
  }
  const auto total = static_cast<std::size_t>(cases) * static_cast<std::size_t>(requests_per_case);
  std::cout << permits << " of " << total << " permitted\n";
  EXPECT_GT(permits, total / 20) << "the generator no longer meets its policies";
  EXPECT_LT(permits, total * 19 / 20);
}

TEST(Differential, decision_equals_the_literal_algorithm) {
  latchkey::test::cover({"7.1.4-01", "7.1.4-02", "7.1.4-03", "7.1.5-T02", "7.1.5-T03", "7.1.5-T04"});
  run(10'000 * times_as_long(), 10, true);
}

TEST(Differential, reason_of_a_denial_is_the_furthest_part_that_a_rule_reached) { run(2'000, 10, false); }

}  // namespace
}  // namespace latchkey::authz::test
