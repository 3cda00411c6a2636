// What a decision and a compiled policy may cost: no allocation, little memory. Times are in bench/pdp.cpp.
#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdlib>
#include <new>
#include <string>

#include "policy_generator.h"
#include "support.h"

namespace {
// Of this thread, between any two reads.
thread_local std::size_t allocations = 0;
thread_local std::ptrdiff_t live_octets = 0;
}  // namespace

void* operator new(std::size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  ++allocations;
  live_octets += static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
  return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept {
  if (memory != nullptr) live_octets -= static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { operator delete(memory); }

namespace latchkey::authz::test {
namespace {

/// One rule for each of `count` AEs, with ids of a usual length.
boost::json::value exact_rules(int count) {
  boost::json::array rules;
  for (int i = 0; i < count; ++i) {
    const auto id = "/mn-cse-" + std::to_string(i % 50) + "/Clock-" + std::to_string(100'000 + i);
    rules.push_back(boost::json::object{{"acor", boost::json::array{id.c_str()}}, {"acop", 34}});
  }
  return boost::json::object{{"acr", std::move(rules)}};
}

TEST(Cost, deciding_allocates_nothing) {
  Generator generator(99);
  for (int i = 0; i < 2'000; ++i) {
    const auto policy = generator.policy(20, false);
    const auto set = compiled(policy);
    const std::array sets{set.get()};
    const RandomGroups groups(1);
    const auto request = generator.request(groups);
    const auto before = allocations;
    const auto decision = decide(request->context(), sets);
    EXPECT_EQ(allocations, before) << to_string(decision.reason);
  }
}

TEST(Cost, a_rule_with_an_exact_id_takes_less_than_200_octets) {
  for (const int count : {100, 1'000, 10'000}) {
    const auto policy = exact_rules(count);
    const auto before = live_octets;
    const auto set = RuleSet::compile(policy, host().sp, host().cse);
    ASSERT_TRUE(set);
    const auto per_rule = static_cast<double>(live_octets - before) / count;
    RecordProperty("octets_per_rule_of_" + std::to_string(count), std::to_string(per_rule));
    EXPECT_LT(per_rule, 200) << count << " rules";
  }
}

TEST(Cost, neither_does_one_of_a_policy_of_three) {
  const auto policy = exact_rules(3);
  constexpr int kPolicies = 1'000;
  std::vector<std::shared_ptr<const RuleSet>> sets(kPolicies);
  const auto before = live_octets;
  for (auto& set : sets) set = *RuleSet::compile(policy, host().sp, host().cse);
  EXPECT_LT(static_cast<double>(live_octets - before) / (3 * kPolicies), 200);
}

TEST(Cost, repeated_originators_and_conditions_are_kept_once) {
  boost::json::array rules(10'000,
                           json(R"({"acor":["all"],"acop":2,"acco":[{"actw":["* * 8-17 * * 1-5 *"]}]})"));
  const boost::json::value policy = boost::json::object{{"acr", std::move(rules)}};
  const auto before = live_octets;
  const auto set = RuleSet::compile(policy, host().sp, host().cse);
  ASSERT_TRUE(set);
  EXPECT_LT(static_cast<double>(live_octets - before) / 10'000, 30);
}

}  // namespace
}  // namespace latchkey::authz::test
