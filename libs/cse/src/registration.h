#pragma once
/// Registration of AEs and CSEs (TS-0001 10.2.2, TS-0004 7.4.4.2.1, 7.4.5.2.1). These checks take the place
/// of the policy decision of a CREATE.
#include "core.h"

namespace latchkey::cse {

/// What goes before the check of the representation: parent 4108, association and application rules 4107,
/// 4126, 4128, stem in use 4117, 4105, stem that we cannot vouch for 5001. Yields the AE-ID; the request's
/// originator becomes that AE.
[[nodiscard]] Outcome<AeId> admit_ae(Core& core, Request& request, const Resource& parent);

/// No association 4107, not a CSE or an ASN-CSE 4005, registered already 4117, parent 4108.
[[nodiscard]] Outcome<CseId> admit_cse(Core& core, const Request& request, const Resource& parent);

/// csi must be From, as `own` reads it (4000); it is filled in when absent.
[[nodiscard]] Outcome<void> check_cse_id(const CseId& cse, const CseId& own, json::object& attributes);

}  // namespace latchkey::cse
