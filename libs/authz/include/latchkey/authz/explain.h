#pragma once
/// Why a request was permitted or denied, in sentences for people: for audit events and `latchkey authz
/// explain`.
#include <span>
#include <string>

#include "latchkey/authz/pdp.h"
#include "latchkey/authz/policy.h"

namespace latchkey::authz {

/// One sentence on a decision, short enough for an audit event: "denied: acp-lock rule 2: the contexts of the
/// rule do not fit". `set_names` are the names of the sets that were given to decide(), in the same order; a
/// set without a name is called by its index. `role_names` are those of the roles of the request, as
/// Grants::role_names() gives them: "permitted by acp-lock rule 2 through role a@x of token 12@x". Pure,
/// thread-safe.
[[nodiscard]] std::string summarize(const Decision& decision, std::span<const std::string> set_names,
                                    std::span<const std::string> role_names = {});

/// The whole evaluation: first line the summary, then one line for each rule with everything that it lacked,
/// by the parts of TS-0003 7.1.5. Decides by itself, and asks `context.groups` about every group that is
/// named. At most 1,000 rules are listed, the last line then counts the rest. Never repeats a role or an id
/// that the request did not bring or the policy does not name. Pure, thread-safe.
[[nodiscard]] std::string explain(const RequestContext& context, std::span<const RuleSet* const> sets,
                                  std::span<const std::string> set_names,
                                  std::span<const std::string> role_names = {});

}  // namespace latchkey::authz
