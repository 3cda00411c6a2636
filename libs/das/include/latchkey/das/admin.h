#pragma once
/// The administrator's side of a DAS Server, for the admin listener: what `latchkey das` talks to.
#include "latchkey/bind/admin_server.h"
#include "latchkey/das/das.h"

namespace latchkey::das {

/// GET /issued[?holder=ID], GET /assignments[?id=ID]: one JSON object a line, never with a token in it. And
/// if `changes`: POST /assign?role=ID&holder=ID[&seconds=N][&token=1][&name=TEXT], which answers the
/// assignment's id, and POST /revoke?id=ID. Refusals are 400, 403, 404, 409 or 503 with one sentence. `das`
/// and `home` outlive the server; every change is an admin_action event.
void add_routes(bind::AdminServer& admin, Das& das, const SpId& home, AuditSink& audit, const Clock& clock,
                bool changes);

// The same without a listener.
[[nodiscard]] bind::AdminResponse list_issued(const Das& das, const bind::AdminRequest& request);
[[nodiscard]] bind::AdminResponse list_assignments(const Das& das, const bind::AdminRequest& request);
[[nodiscard]] bind::AdminResponse assign(Das& das, const SpId& home, const bind::AdminRequest& request);
[[nodiscard]] bind::AdminResponse revoke(Das& das, const bind::AdminRequest& request);

}  // namespace latchkey::das
