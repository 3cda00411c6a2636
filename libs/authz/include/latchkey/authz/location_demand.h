#pragma once
/// Which places the rules about an originator ask for (TS-0003 7.1.3, Annex F.0), so that nobody obtains a
/// location that no rule asks for.
#include <span>
#include <vector>

#include "latchkey/authz/pdp.h"

namespace latchkey::authz {

/// What a decision lacks. Empty: its result stands, whatever the place of the originator is.
struct LocationDemand {
  bool country = false;
  std::vector<Circle> circles;  ///< each once, in the order of the rules
  bool point = false;           ///< the coordinates themselves, for somebody else who decides
  [[nodiscard]] bool empty() const noexcept { return !country && !point && circles.empty(); }
};

/// What is not known in `context.rq_loc` and could turn the denial of decide() into a permit (F.2.1 step 2:
/// rules that are about the request originator). Of rules without a location it costs one look at each set.
/// Pure, thread-safe, cannot fail, keeps no reference.
[[nodiscard]] LocationDemand location_demand(const RequestContext& context,
                                             std::span<const RuleSet* const> sets);

}  // namespace latchkey::authz
