#pragma once
/// The compiled form of a set of access control rules.
#include <cstdint>
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
  std::vector<Rule> rules;             ///< as they stand in the resource
  std::vector<Conditions> conditions;  ///< [0] is empty
  std::vector<OriginatorIndex::EntryId> rule_originators;
  /// For each entry the rules that can decide a request of its originators; see without_redundant_rules().
  OriginatorIndex index;
  std::vector<std::string> groups;
  bool asks_location = false;  ///< some rule has a country or a circle
};

[[nodiscard]] inline bool res_ops(const Rule& rule, Op operation) noexcept {
  return (rule.operations & static_cast<std::uint8_t>(operation)) != 0;
}
/// Table 7.1.5-1.
[[nodiscard]] inline bool res_authn(const Rule& rule, bool rq_authn) noexcept {
  return !rule.authenticated || rq_authn;
}

}  // namespace latchkey::authz
