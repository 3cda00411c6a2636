#pragma once
/// GET /explain of the admin listener: the query of `latchkey authz explain`.
#include "latchkey/bind/admin_server.h"
#include "latchkey/cse/cse.h"

namespace latchkey::app {

/// originator, operation, target; optional ty, authenticated (true, false), time (YYYYMMDDThhmmss, UTC), ip,
/// country, at (latitude,longitude), roles (separated by commas), token. 400 names what cannot be read, also
/// an unknown field.
[[nodiscard]] bind::AdminResponse explain(const cse::Cse& cse, const bind::AdminRequest& request);

}  // namespace latchkey::app
