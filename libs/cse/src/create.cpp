#include <algorithm>
#include <tuple>

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
#include "registration.h"
#include "subscription.h"
#include "trail.h"

namespace latchkey::cse {

namespace {

using codec::refuse;
using codec::ResourceTypeSpec;
using codec::Ty;

/// A resource on its way into the tree. Verification of a subscription and of group members takes time, so
/// the parent is named, not pointed at.
struct Draft {
  std::string parent;
  const ResourceTypeSpec* type = nullptr;
  json::object attributes;
  std::string ri;    ///< AE: its stem; else chosen at the end
  std::string name;  ///< resourceName when the originator gives none; empty: the ri
  bool associated = false;

  [[nodiscard]] bool is(Ty ty) const noexcept { return type->ty == static_cast<std::uint32_t>(ty); }
};

bool is_registration(std::uint32_t ty) noexcept {
  return ty == static_cast<std::uint32_t>(Ty::ae) || ty == static_cast<std::uint32_t>(Ty::csr);
}

Outcome<const ResourceTypeSpec*> offered_type(const Core& core, std::uint32_t ty, const Target& target) {
  if (target.child != VirtualChild::none) {
    return refuse(Rsc::operation_not_allowed, "nothing can be created here");
  }
  const auto* const type = codec::resource_type(ty);
  if (type == nullptr) return refuse(Rsc::not_implemented, "ty: " + std::to_string(ty) + " is not offered");
  if (!type->api_create) {
    return refuse(Rsc::operation_not_allowed, std::string(type->long_name) + " cannot be created by request");
  }
  if (type->in_only && core.options.type != CseType::in) {
    return refuse(Rsc::operation_not_allowed, std::string(type->long_name) + " exists on an IN-CSE only");
  }
  const auto* const parent = codec::resource_type(target.resource->ty);
  if (parent != nullptr && std::ranges::find(parent->children, ty) != parent->children.end()) return type;
  if (ty == static_cast<std::uint32_t>(Ty::sub)) {
    return refuse(Rsc::target_not_subscribable, "this resource has no subscriptions");
  }
  return refuse(Rsc::invalid_child_resource_type, "ty: no child of this resource");
}

/// TS-0001 9.6.21: one channel for each registree, created by itself.
Outcome<void> check_channel(const Core& core, const Request& request, const Resource& parent) {
  if (!request.originator || entity_of(parent, core.options.cse_id) != to_string(*request.originator)) {
    return refuse(Rsc::originator_has_no_privilege, "a polling channel is created by its owner");
  }
  for (const Resource* child = parent.children.first; child != nullptr; child = child->next) {
    if (child->is(Ty::pch)) return refuse(Rsc::conflict, "there is a polling channel already");
  }
  return {};
}

/// An entry of nu that is the originator itself.
bool names(const Core& core, std::string_view target, const EntityId& originator) {
  const auto found = core.tree.resolve(target);
  if (found.resource != nullptr)
    return entity_of(*found.resource, core.options.cse_id) == to_string(originator);
  const auto id = target.starts_with('/') ? parse_entity_id(target, core.options.cse_id.sp())
                                          : fail(ErrorCode::not_found, "");
  return id && *id == originator;
}

/// TS-0004 7.4.8: the subscription tells its targets who made it, unless that is themselves.
bool needs_creator(const Core& core, const Request& request, const json::object& attributes) {
  const auto* const targets = attributes.if_contains("nu");
  if (targets == nullptr || !targets->is_array() || !request.originator) return true;
  return !std::ranges::all_of(targets->get_array(), [&](const auto& target) {
    return target.is_string() && names(core, std::string_view(target.get_string()), *request.originator);
  });
}

void set_creator(const Core& core, const Request& request, Draft& draft) {
  const bool asked = draft.attributes.contains("cr");
  if (!asked && !(draft.is(Ty::sub) && needs_creator(core, request, draft.attributes))) return;
  draft.attributes["cr"] = request.primitive().from;
}

Outcome<void> check_authorization_resource(const Core& core, Draft& draft) {
  if (draft.is(Ty::acp)) {
    if (auto points = check_points(core.options, draft.attributes); !points) return points;
    return check_policy(draft.attributes, core.options.cse_id);
  }
  if (draft.is(Ty::rol)) return check_role(draft.attributes);
  if (draft.is(Ty::tk)) return complete_token(*core.authorization, draft.attributes);
  if (draft.is(Ty::dac)) return check_consultation(core.options, draft.attributes);
  return {};
}

/// What holds for every type (TS-0004 7.3.3.3).
Outcome<void> complete(const Core& core, const Request& request, const Resource& parent, Draft& draft) {
  if (const auto* const rn = draft.attributes.if_contains("rn")) {
    if (parent.by_name.contains(std::string_view(rn->get_string()))) {
      return refuse(Rsc::conflict, "rn: in use below this parent");
    }
  }
  if (auto fits = fit_expiration(core, parent, draft.attributes); !fits) return fits;
  if (auto known = check_policy_references(core, draft.attributes); !known) return known;
  if (auto sound = check_authorization_resource(core, draft); !sound) return sound;
  if (draft.is(Ty::lcp)) {
    if (auto offered = check_location_policy(core, request, draft.attributes); !offered) return offered;
  }
  if (draft.is(Ty::cin)) {
    if (auto fits = check_fit(parent, content_size(draft.attributes["con"])); !fits) return fits;
  }
  set_creator(core, request, draft);
  return {};
}

void set_initial_values(const Core& core, const Resource& parent, Draft& draft) {
  auto& attributes = draft.attributes;
  if (draft.is(Ty::cnt)) {
    attributes["cni"] = attributes["cbs"] = 0;
    attributes["st"] = 0;
  }
  if (draft.is(Ty::sub)) {
    if (!attributes.contains("nct")) attributes["nct"] = 1;
    auto* const batch = attributes.if_contains("bn");
    if (batch != nullptr && !batch->get_object().contains("dur"))
      batch->get_object()["dur"] = json::string(kBatchDuration);
  }
  if (!draft.is(Ty::cin)) return;
  attributes["cs"] = content_size(attributes["con"]);
  attributes["st"] = parent.number("st");
  // mia bounds the age of an instance whatever et asks.
  if (!parent.attributes.contains("mia")) return;
  const std::chrono::seconds age(
      static_cast<std::int64_t>(std::min<std::uint64_t>(parent.number("mia"), INT32_MAX)));
  const auto oldest = core.clock.now() + age;
  if (oldest < expiration_of(attributes).value_or(TimePoint::max()))
    attributes["et"] = format_timestamp(oldest);
}

std::string free_name(Core& core, const Resource& parent, const Draft& draft, const std::string& ri,
                      store::Batch& batch) {
  std::string name = draft.name.empty() ? ri : draft.name;
  while (parent.by_name.contains(name)) name = core.tree.new_id(draft.type->ty, batch);
  return name;
}

std::unique_ptr<Resource> build(Core& core, const Request& request, const Resource& parent, Draft&& draft,
                                store::Batch& batch) {
  auto resource = std::make_unique<Resource>();
  resource->ty = draft.type->ty;
  resource->ri = draft.ri.empty() ? core.tree.new_id(draft.type->ty, batch) : draft.ri;
  const auto* const given = draft.attributes.if_contains("rn");
  resource->rn = given != nullptr ? std::string(given->get_string())
                                  : free_name(core, parent, draft, resource->ri, batch);
  resource->created_by = request.originator ? to_string(*request.originator) : std::string();
  resource->associated = draft.associated;
  const std::string now = format_timestamp(core.clock.now());
  resource->attributes = {{"ty", resource->ty}, {"ri", resource->ri}, {"pi", parent.ri},
                          {"rn", resource->rn}, {"ct", now},          {"lt", now}};
  if (draft.is(Ty::ae)) resource->attributes["aei"] = resource->ri;
  for (auto& member : draft.attributes) resource->attributes[member.key()] = std::move(member.value());
  return resource;
}

/// Content by rcn (TS-0004 7.3.3.11): 9 leaves out what the originator has sent itself, `given`.
codec::Content created_content(const Core& core, const Request& request, const Resource& created,
                               const json::object& given) {
  using enum codec::ResultContent;
  const auto uri = [&] { return address_of(core.tree, created, address_form(request.primitive())); };
  switch (request.primitive().rcn.value_or(attributes)) {
    case nothing:
      return {};
    case address:
      return json::object{{"m2m:uri", uri()}};
    case address_and_attributes: {
      auto shown = wrapped(created, created.attributes);
      shown["uri"] = uri();
      return json::object{{"m2m:rce", std::move(shown)}};
    }
    case modified_attributes: {
      json::object assigned;
      for (const auto& member : created.attributes) {
        const auto* const sent = given.if_contains(member.key());
        if (sent == nullptr || *sent != member.value()) assigned[member.key()] = member.value();
      }
      return wrapped(created, std::move(assigned));
    }
    default:
      return representation_of(core, request, created);
  }
}

void attach(Core& core, Resource& created) {
  if (created.is(Ty::sub)) core.subscriptions->attach(created);
  if (created.is(Ty::pch)) core.polling->attach(created);
  if (created.is(Ty::lcp)) location_policies(core)->attach(created);
}

/// The last step: everything was permitted and checked, but for what may have changed since.
void finish(Core& core, const Request& request, Draft&& draft, Respond respond) {
  Resource* const parent = core.tree.find(draft.parent);
  if (parent == nullptr)
    return core.refuse(request, {Rsc::not_found, "the parent is gone"}, std::move(respond));
  json::object given;
  if (request.primitive().rcn == codec::ResultContent::modified_attributes) given = draft.attributes;
  if (auto completed = complete(core, request, *parent, draft); !completed) {
    return core.refuse(request, std::move(completed).error(), std::move(respond));
  }
  const auto sequence = core.begin();
  store::Batch batch;
  if (draft.is(Ty::cin))
    make_room(core, *parent, content_size(draft.attributes["con"]), true, sequence, batch);
  set_initial_values(core, *parent, draft);
  Resource& created =
      core.tree.insert(build(core, request, *parent, std::move(draft), batch), parent, sequence, batch);
  if (created.is(Ty::lcp)) make_location_container(core, created, sequence, batch);
  core.subscriptions->on_event({.kind = EventKind::create_child,
                                .subject = parent,
                                .child = &created,
                                .modified = nullptr,
                                .operation = codec::Operation::create,
                                .originator = &request.originator,
                                .sequence = sequence});
  // After the event: a subscription does not tell of its own creation.
  attach(core, created);
  core.commit(sequence, std::move(batch));
  if (is_registration(created.ty))
    record(core, AuditEventId::registration_ok, request, created.ri, Rsc::created);
  auto response =
      response_to(request.primitive(), Rsc::created, created_content(core, request, created, given));
  response.content_location = address_of(core.tree, created, address_form(request.primitive()));
  core.answer_written(request, sequence, std::move(response), std::move(respond));
}

/// Steps that take time go on with `finish` when they are done.
void verify_and_finish(Core& core, Request&& request, const Resource& parent, Draft&& draft,
                       Respond respond) {
  if (draft.is(Ty::sub)) {
    auto shared = std::make_shared<std::tuple<Request, Draft, Respond>>(std::move(request), std::move(draft),
                                                                        std::move(respond));
    const auto& [sent, drafted, unused] = *shared;
    return core.subscriptions->verify(
        sent, parent, nullptr, drafted.attributes, [&core, shared](Outcome<void> verified) {
          auto& [req, dra, res] = *shared;
          if (!verified) return core.refuse(req, std::move(verified).error(), std::move(res));
          finish(core, req, std::move(dra), std::move(res));
        });
  }
  if (draft.is(Ty::grp)) {
    auto attributes = std::exchange(draft.attributes, {});
    auto shared = std::make_shared<std::tuple<Request, Draft, Respond>>(std::move(request), std::move(draft),
                                                                        std::move(respond));
    return core.groups->validate(std::get<Request>(*shared), nullptr, std::move(attributes),
                                 [&core, shared](Outcome<json::object> valid) {
                                   auto& [req, dra, res] = *shared;
                                   if (!valid)
                                     return core.refuse(req, std::move(valid).error(), std::move(res));
                                   dra.attributes = *std::move(valid);
                                   finish(core, req, std::move(dra), std::move(res));
                                 });
  }
  finish(core, request, std::move(draft), std::move(respond));
}

/// Steps 7 and 8 (TS-0004 7.2.2.2).
Outcome<Draft> draft_of(Core& core, Request& request, const Target& target) {
  const std::uint32_t ty = request.primitive().ty.value_or(0);
  Resource& parent = *target.resource;
  Draft draft;
  draft.parent = parent.ri;
  std::optional<CseId> cse;
  if (ty == static_cast<std::uint32_t>(Ty::ae)) {
    auto id = admit_ae(core, request, parent);
    if (!id) return refuse(std::move(id).error());
    draft.ri = id->stem();
    draft.associated = request.associated.has_value();
  } else if (ty == static_cast<std::uint32_t>(Ty::csr)) {
    auto id = admit_cse(core, request, parent);
    if (!id) return refuse(std::move(id).error());
    cse = *std::move(id);
    draft.name = cse->stem();
  } else if (!core.access->permits(request, target, authz::Op::create, ty)) {
    return refuse(Rsc::originator_has_no_privilege, "no privilege to create");
  }
  auto type = offered_type(core, ty, target);
  if (!type) return refuse(std::move(type).error());
  draft.type = *type;
  if (auto may = check_point_creation(core, request, ty); !may) return refuse(std::move(may).error());
  if (draft.is(Ty::pch)) {
    if (auto own = check_channel(core, request, parent); !own) return refuse(std::move(own).error());
  }
  auto attributes = codec::check_create(**type, std::move(request.in.primitive.pc), request.primitive().rvi);
  if (!attributes) return refuse(std::move(attributes).error());
  draft.attributes = *std::move(attributes);
  if (cse) {
    if (auto same = check_cse_id(*cse, draft.attributes); !same) return refuse(std::move(same).error());
  }
  return draft;
}

}  // namespace

void create(Core& core, Request&& request, const Target& target, Respond respond) {
  if (core.tree.size() >= core.options.resources_max) {
    return core.refuse(request, {Rsc::internal_server_error, "no room for another resource"},
                       std::move(respond));
  }
  auto draft = draft_of(core, request, target);
  if (!draft) {
    if (is_registration(request.primitive().ty.value_or(0))) {
      record(core, AuditEventId::registration_refused, request, draft.error().detail, draft.error().rsc);
    }
    return core.refuse(request, std::move(draft).error(), std::move(respond));
  }
  verify_and_finish(core, std::move(request), *target.resource, *std::move(draft), std::move(respond));
}

}  // namespace latchkey::cse
