#pragma once
/// The compiled form of a set of access control rules.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "conditions.h"
#include "latchkey/authz/pdp.h"
#include "latchkey/authz/policy.h"
#include "originator_index.h"

namespace latchkey::authz {

struct Rule {
  std::uint32_t conditions = 0;        ///< index; 0 asks nothing
  std::uint32_t first_originator = 0;  ///< its entries in `rule_originators`
  std::uint32_t originator_count = 0;
  std::uint8_t operations = 0;  ///< acop
  bool authenticated = false;   ///< acaf
};

struct RuleSet::Impl {
  std::span<const Rule> rules;  ///< as they stand in the resource
  std::span<const OriginatorIndex::EntryId> rule_originators;
  /// For each entry the rules that can decide a request of its originators; see without_redundant_rules().
  OriginatorIndex index;
  std::vector<Conditions> conditions;        ///< of the rules that ask something: Rule::conditions less 1
  bool asks_location = false;                ///< some rule has a country or a circle
  std::unique_ptr<const std::byte[]> block;  ///< of all arrays but `conditions`

  [[nodiscard]] const Conditions& conditions_of(const Rule& rule) const noexcept {
    static const Conditions none;
    return rule.conditions == 0 ? none : conditions[rule.conditions - 1];
  }
};

[[nodiscard]] inline bool res_ops(const Rule& rule, Op operation) noexcept {
  return (rule.operations & static_cast<std::uint8_t>(operation)) != 0;
}
/// Table 7.1.5-1.
[[nodiscard]] inline bool res_authn(const Rule& rule, bool rq_authn) noexcept {
  return !rule.authenticated || rq_authn;
}

}  // namespace latchkey::authz
