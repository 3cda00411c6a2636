#include "trail.h"

namespace latchkey::cse {

void record(const Core& core, AuditEventId id, const Request& request, std::string reason, Rsc rsc) {
  const auto& security = *request.in.security;
  AuditEvent event;
  event.id = id;
  event.time = core.clock.now();
  event.originator = request.originator ? to_string(*request.originator) : request.primitive().from;
  event.peer = request.in.peer;
  event.operation = codec::to_string(request.primitive().op);
  event.target = request.primitive().to;
  event.credential_id = request.end_to_end       ? "ESPrim"
                        : security.credential_id ? security.credential_id->text()
                                                 : security.psk_identity;
  event.reason = std::move(reason);
  event.status = static_cast<int>(rsc);
  core.audit.record(std::move(event));
}

}  // namespace latchkey::cse
