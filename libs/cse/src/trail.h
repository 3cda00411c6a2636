#pragma once
/// Audit events of the CSE.
#include "core.h"

namespace latchkey::cse {

/// Who (From, or the identity), over what connection and credential, wanted what, and what came of it.
void record(const Core& core, AuditEventId id, const Request& request, std::string reason, Rsc rsc);

}  // namespace latchkey::cse
