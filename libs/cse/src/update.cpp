#include <algorithm>

#include "access.h"
#include "authorization_points.h"
#include "authorization_resources.h"
#include "authorization_service.h"
#include "containers.h"
#include "content.h"
#include "latchkey/codec/resource_types.h"
#include "location_policy.h"
#include "procedures.h"
#include "records.h"

namespace latchkey::cse {

namespace {

using codec::refuse;
using codec::Ty;

/// Whether the content touches acpi, and whether it touches anything else. The content is not yet checked:
/// who may not update at all shall not learn what is wrong with it.
struct Touched {
  bool policies = false, others = false;
};
Touched touched_by(const json::value& pc) {
  Touched touched;
  const auto* const outer = pc.if_object();
  if (outer == nullptr || outer->empty() || !outer->begin()->value().is_object()) return {false, true};
  for (const auto& member : outer->begin()->value().get_object()) {
    (member.key() == "acpi" ? touched.policies : touched.others) = true;
  }
  if (!touched.policies) touched.others = true;
  return touched;
}

/// Procedures 3.3: acpi answers to pvs, everything else to pv.
bool may_update(Core& core, Request& request, const Target& target, Touched touched) {
  if (touched.policies && core.access->permits_policy_change(request, *target.resource)) return true;
  return touched.others && core.access->permits(request, target, authz::Op::update);
}

/// TS-0004 7.3.3.4: children may not outlive their parent.
Outcome<void> check_children_expire_first(const Resource& resource, const json::object& changes) {
  const auto time = expiration_of(changes);
  if (!time) return {};
  for (const auto* list : {&resource.children, &resource.instances}) {
    for (const Resource* child = list->first; child != nullptr; child = child->next) {
      if (child->expires && *child->expires > *time)
        return refuse(Rsc::bad_request, "et: before that of a child");
    }
  }
  return {};
}

/// The attributes as they would be.
json::object merged(const Resource& resource, const json::object& changes) {
  json::object all = resource.attributes;
  for (const auto& member : changes) {
    if (member.value().is_null()) {
      all.erase(member.key());
    } else {
      all[member.key()] = member.value();
    }
  }
  return all;
}

Outcome<void> check_changes(const Core& core, const Resource& resource, Touched touched,
                            json::object& changes) {
  if (touched.policies && touched.others) {
    return refuse(Rsc::bad_request, "acpi: must be the only attribute of an UPDATE");
  }
  if (auto known = check_policy_references(core, changes); !known) return known;
  if (changes.contains("et") && resource.parent != nullptr) {
    if (auto fits = fit_expiration(core, *resource.parent, changes); !fits) return fits;
    if (auto last = check_children_expire_first(resource, changes); !last) return last;
  }
  if (resource.is(Ty::lcp)) return check_location_changes(changes);
  if (resource.is(Ty::acp)) {
    if (auto points = check_points(core.options, merged(resource, changes)); !points) return points;
    return check_policy(changes, core.options.cse_id);
  }
  if (resource.is(Ty::dac)) return check_consultation(core.options, changes);
  return {};
}

/// Lowered limits hold at once.
void fit_container(Core& core, Resource& container, std::uint64_t sequence, store::Batch& batch) {
  const bool too_many = container.instances.count > container.number("mni", UINT64_MAX);
  const bool too_large = container.number("cbs") > container.number("mbs", UINT64_MAX);
  if (too_many || too_large) make_room(core, container, 0, false, sequence, batch);
}

void refresh_users(Core& core, Resource& resource) {
  if (resource.is(Ty::acp) || resource.is(Ty::grp)) core.access->forget(resource);
  if (resource.is(Ty::sub)) core.subscriptions->changed(resource);
  if (auto* const policies = location_policies(core); resource.is(Ty::lcp) && policies != nullptr)
    policies->changed(resource);
}

/// Content by rcn (TS-0004 7.3.3.13): 9 shows what changed, deleted attributes as null. Who may not read the
/// resource is shown no more than that.
codec::Content updated_content(const Core& core, const Request& request, const Resource& resource,
                               json::object changes) {
  using enum codec::ResultContent;
  switch (request.primitive().rcn.value_or(attributes)) {
    case nothing:
      return {};
    case modified_attributes:
      return wrapped(resource, std::move(changes));
    default:
      if (!core.access->would_permit(request, resource, authz::Op::retrieve))
        return wrapped(resource, std::move(changes));
      return representation_of(core, request, resource);
  }
}

void apply(Core& core, const Request& request, std::string_view ri, json::object changes, Respond respond) {
  Resource* const resource = core.tree.find(ri);
  if (resource == nullptr)
    return core.refuse(request, {Rsc::not_found, "the resource is gone"}, std::move(respond));
  const auto* const type = codec::resource_type(resource->ty);
  if (type != nullptr && codec::attribute(*type, "st") != nullptr) changes["st"] = resource->number("st") + 1;
  changes["lt"] = format_timestamp(core.clock.now());
  const auto sequence = core.begin();
  store::Batch batch;
  core.tree.update(*resource, changes, sequence, batch);
  if (resource->is(Ty::cnt)) fit_container(core, *resource, sequence, batch);
  refresh_users(core, *resource);
  core.subscriptions->on_event({.kind = EventKind::update,
                                .subject = resource,
                                .child = nullptr,
                                .modified = &changes,
                                .operation = codec::Operation::update,
                                .originator = &request.originator,
                                .sequence = sequence});
  core.commit(sequence, std::move(batch));
  auto response = response_to(request.primitive(), Rsc::updated);
  response.pc = updated_content(core, request, *resource, std::move(changes));
  core.answer_written(request, sequence, std::move(response), std::move(respond));
}

struct Pending {
  Request request;
  std::string ri;
  json::object changes;
  Respond respond;
};

/// A subscription that asks for something else is verified as at CREATE.
void verify_subscription(Core& core, const Resource& subscription, Pending pending) {
  const auto all = merged(subscription, pending.changes);
  auto shared = std::make_shared<Pending>(std::move(pending));
  core.subscriptions->verify(
      shared->request, *subscription.parent, &subscription, all, [&core, shared](Outcome<void> verified) {
        if (!verified)
          return core.refuse(shared->request, std::move(verified).error(), std::move(shared->respond));
        apply(core, shared->request, shared->ri, std::move(shared->changes), std::move(shared->respond));
      });
}

void validate_group(Core& core, const Resource& group, Pending pending) {
  auto shared = std::make_shared<Pending>(std::move(pending));
  auto changes = std::exchange(shared->changes, {});
  core.groups->validate(
      shared->request, &group, std::move(changes), [&core, shared](Outcome<json::object> valid) {
        if (!valid) return core.refuse(shared->request, std::move(valid).error(), std::move(shared->respond));
        apply(core, shared->request, shared->ri, *std::move(valid), std::move(shared->respond));
      });
}

Outcome<json::object> changes_of(Core& core, Request& request, const Target& target) {
  const Resource& resource = *target.resource;
  const auto touched = touched_by(request.primitive().pc);
  if (!may_update(core, request, target, touched)) {
    return refuse(Rsc::originator_has_no_privilege, "no privilege to update");
  }
  const auto* const type = codec::resource_type(resource.ty);
  if (type == nullptr || target.child != VirtualChild::none) {
    return refuse(Rsc::operation_not_allowed, "this resource cannot be updated");
  }
  auto changes = codec::check_update(*type, std::move(request.in.primitive.pc));
  if (!changes) return changes;
  if (auto holds = check_conditions(request, resource); !holds) return refuse(std::move(holds).error());
  if (auto checked = check_changes(core, resource, touched, *changes); !checked)
    return refuse(std::move(checked).error());
  return changes;
}

}  // namespace

namespace {

/// Who may ask is not who may change: the resource itself is the administrator's (TS-0003 7.5.5 of Release
/// 3).
void update_point(Core& core, Request&& request, const Target& target, Respond respond) {
  if (!core.access->permits(request, target, authz::Op::update))
    return core.refuse(request, {Rsc::originator_has_no_privilege, "no privilege to ask"},
                       std::move(respond));
  core.authorization->answer(std::move(request), *target.resource, std::move(respond));
}

bool is_others(const Request& request) {
  return !request.administrator && touched_by(request.primitive().pc).others;
}

}  // namespace

void update(Core& core, Request&& request, const Target& target, Respond respond) {
  const Resource& resource = *target.resource;
  if (is_authorization_point(resource)) {
    if (is_question(request.primitive().pc))
      return update_point(core, std::move(request), target, std::move(respond));
    if (is_others(request))
      return core.refuse(request, {Rsc::originator_has_no_privilege, "changed by the administrator alone"},
                         std::move(respond));
  }
  auto changes = changes_of(core, request, target);
  if (!changes) return core.refuse(request, std::move(changes).error(), std::move(respond));
  Pending pending{std::move(request), resource.ri, *std::move(changes), std::move(respond)};
  const bool asks_otherwise = !std::ranges::all_of(
      pending.changes, [](const auto& member) { return is_common(std::string_view(member.key())); });
  if (resource.is(Ty::sub) && asks_otherwise) return verify_subscription(core, resource, std::move(pending));
  if (resource.is(Ty::grp)) return validate_group(core, resource, std::move(pending));
  apply(core, pending.request, pending.ri, std::move(pending.changes), std::move(pending.respond));
}

}  // namespace latchkey::cse
