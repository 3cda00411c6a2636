#pragma once
/// Random policies and requests over a small vocabulary, so that they meet often.
#include <boost/json/value.hpp>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "latchkey/authz/pdp.h"
#include "support.h"

namespace latchkey::authz::test {

/// Membership drawn once per group and originator; some groups are unknown. Pure afterwards.
class RandomGroups final : public GroupMembership {
 public:
  explicit RandomGroups(std::uint64_t seed) : seed_(seed) {}
  [[nodiscard]] std::optional<bool> is_member(std::string_view group,
                                              const EntityId& originator) const override;

 private:
  std::uint64_t seed_;
};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  /// {"acr":[...]} of 0 to `most_rules` valid rules.
  [[nodiscard]] boost::json::value policy(int most_rules, bool with_groups = true);
  [[nodiscard]] boost::json::value rule(bool with_groups = true);
  [[nodiscard]] std::unique_ptr<Request> request(const GroupMembership& groups);
  [[nodiscard]] bool chance(int percent) { return below(100) < percent; }
  [[nodiscard]] int below(int limit) { return std::uniform_int_distribution(0, limit - 1)(random_); }

 private:
  [[nodiscard]] std::string pick(const std::vector<std::string>& from);
  [[nodiscard]] std::string with_wildcards(std::string segment);
  [[nodiscard]] std::string entity(bool wildcards);
  [[nodiscard]] std::string originator_entry(bool with_groups);
  [[nodiscard]] std::string field(int least, int most, int typical);
  [[nodiscard]] std::string window();
  [[nodiscard]] boost::json::value context();
  [[nodiscard]] boost::json::value details();

  std::mt19937_64 random_;
};

}  // namespace latchkey::authz::test
