#include "latchkey/codec/resource_types.h"
#include "procedures.h"
#include "trail.h"

namespace latchkey::cse {

namespace {

using codec::refuse;

Outcome<void> check_delete(const Request& request, const Target& target, const Resource& resource) {
  if (resource.is(codec::Ty::cse_base) || target.child == VirtualChild::polling_uri) {
    return refuse(Rsc::operation_not_allowed, "this resource cannot be deleted by request");
  }
  if (auto retrievable = check_retrievable(target); !retrievable) return retrievable;
  return check_conditions(request, resource);
}

}  // namespace

void remove(Core& core, Request&& request, const Target& target, Respond respond) {
  if (!core.access->permits(request, target, authz::Op::del)) {
    return core.refuse(request, {Rsc::originator_has_no_privilege, "no privilege to delete"},
                       std::move(respond));
  }
  Resource* const resource = addressed(target);
  if (resource == nullptr) {
    return core.refuse(request, {Rsc::not_found, "the container holds no instance"}, std::move(respond));
  }
  if (auto allowed = check_delete(request, target, *resource); !allowed) {
    return core.refuse(request, std::move(allowed).error(), std::move(respond));
  }
  auto response = response_to(request.primitive(), Rsc::deleted);
  // Who may not read the resource does not read it by deleting it.
  if (request.primitive().rcn && core.access->would_permit(request, *resource, authz::Op::retrieve))
    fill_content(core, request, *resource, response);
  if (resource->is(codec::Ty::ae) || resource->is(codec::Ty::csr)) {
    record(core, AuditEventId::deregistration, request, resource->ri, Rsc::deleted);
  }
  const auto sequence = core.remove(*resource, request.originator);
  core.answer_written(request, sequence, std::move(response), std::move(respond));
}

}  // namespace latchkey::cse
