#pragma once
/// What <role>, <token> and <dynamicAuthorizationConsultation> must be before they are stored
/// (TS-0004 7.4.40, 7.4.41, 7.4.43; TS-0003 7.4.2).
#include "core.h"

namespace latchkey::cse {

/// A role that could ever count: ids, period. 4000 names the attribute.
[[nodiscard]] Outcome<void> check_role(const json::object& attributes);
/// The claims of the token become its attributes; 4000 for a copy that says something else, and for a token
/// that is not authentic. Of a token that this CSE has no key for only its form is known: then no copies.
[[nodiscard]] Outcome<void> complete_token(const Authorization& authorization, json::object& attributes);
/// dap (if given) must name a DAS Server of the operator: another one would have no effect.
[[nodiscard]] Outcome<void> check_consultation(const CseOptions& options, const json::object& attributes);

}  // namespace latchkey::cse
