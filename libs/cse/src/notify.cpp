#include "access.h"
#include "latchkey/codec/resource_types.h"
#include "procedures.h"

namespace latchkey::cse {

namespace {

/// The request of another CSE whether the subscriber `cr` may have this target notified; nullptr: no such.
const json::object* verification_in(const Request& request) {
  const auto* const pc = request.primitive().pc.if_object();
  const auto* const signal = pc != nullptr ? pc->if_contains("m2m:sgn") : nullptr;
  const auto* const members = signal != nullptr ? signal->if_object() : nullptr;
  const auto* const asked = members != nullptr ? members->if_contains("vrq") : nullptr;
  return asked != nullptr && asked->is_bool() && asked->get_bool() ? members : nullptr;
}

/// NOTIFY privilege, for a verification also that of the subscriber (TS-0004 7.5.1.2.3).
Outcome<void> check_privilege(Core& core, Request& request, const Target& target) {
  const auto* const verification = verification_in(request);
  if (!core.access->permits(request, target, authz::Op::notify))
    return codec::refuse(
        verification != nullptr ? Rsc::subscription_host_has_no_privilege : Rsc::originator_has_no_privilege,
        "no privilege to notify");
  if (verification == nullptr) return {};
  const auto* const creator = verification->if_contains("cr");
  if (creator == nullptr || !creator->is_string()) return {};
  Request subscriber = request.with({});
  subscriber.administrator = false;
  subscriber.rq_authn = false;  // we have only the word of the CSE that asks
  const auto id = parse_entity_id(std::string_view(creator->get_string()), core.options.cse_id.sp());
  subscriber.originator = id ? std::optional(*id) : std::nullopt;
  if (core.access->would_permit(subscriber, *target.resource, authz::Op::notify)) return {};
  return codec::refuse(Rsc::subscription_creator_has_no_privilege,
                       "the subscriber has no privilege to notify");
}

/// A notification to this CSE itself (TS-0004 7.5.1.1): it subscribes to nothing and sends no request that
/// is answered later; what it takes as security information went to EndToEnd.
codec::Refusal refusal_of_base(const Request& request) {
  const auto* const pc = request.primitive().pc.if_object();
  const auto has = [&](std::string_view name) { return pc != nullptr && pc->contains(name); };
  if (has("m2m:seci")) return {Rsc::not_implemented, "pc.m2m:seci: not offered"};
  if (has("m2m:sgn") || has("m2m:agn"))
    return {Rsc::operation_not_allowed, "pc: this CSE has no subscription that this could be for"};
  if (has("m2m:rsp")) return {Rsc::bad_request, "pc.m2m:rsp: no request of this CSE waits for it"};
  return {Rsc::bad_request, "pc: not the content of a notification"};
}

}  // namespace

void notify(Core& core, Request&& request, const Target& target, Respond respond) {
  if (auto permitted = check_privilege(core, request, target); !permitted)
    return core.refuse(request, std::move(permitted).error(), std::move(respond));
  Resource& resource = *target.resource;
  if (target.child == VirtualChild::polling_uri)
    return core.polling->notify_response(std::move(request), resource, std::move(respond));
  if (target.child != VirtualChild::none)
    return core.refuse(request, {Rsc::operation_not_allowed, "this resource takes no notification"},
                       std::move(respond));
  if (resource.is(codec::Ty::cse_base))
    return core.refuse(request, refusal_of_base(request), std::move(respond));
  if (!resource.is(codec::Ty::ae) && !resource.is(codec::Ty::csr))
    return core.refuse(request, {Rsc::operation_not_allowed, "this resource takes no notification"},
                       std::move(respond));
  core.router->notify(std::move(request), resource, std::move(respond));
}

}  // namespace latchkey::cse
