#pragma once
/// What authorization points on other CSEs said about one request (TS-0003 6.2.2).
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "latchkey/authz/pdp.h"

namespace latchkey::cse {

/// Immutable. It holds for this target and this operation of the request that asked, and for nothing else.
struct Elsewhere {
  std::string ri;  ///< of the target
  authz::Op op{};
  std::optional<std::uint32_t> child_type;
  std::string point;    ///< "the PDP /in-cse/cse/pdp"
  std::string said;     ///< what it answered, or why that does not count
  bool permit = false;  ///< a PDP permitted
  bool failed = false;  ///< what it would have said is not known
  /// Policies of a PRP, and a name of each for reasons.
  std::vector<std::shared_ptr<const authz::RuleSet>> sets;
  std::vector<std::string> names;

  [[nodiscard]] std::vector<const authz::RuleSet*> views() const {
    std::vector<const authz::RuleSet*> views;
    views.reserve(sets.size());
    for (const auto& set : sets) views.push_back(set.get());
    return views;
  }
};

}  // namespace latchkey::cse
