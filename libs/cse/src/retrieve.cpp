#include "content.h"
#include "filter.h"
#include "latchkey/codec/resource_types.h"
#include "location_policy.h"
#include "procedures.h"

namespace latchkey::cse {

namespace {

using codec::refuse;
using codec::ResultContent;

json::array references(const Core& core, const Listing& listing, AddressForm form) {
  json::array refs;
  refs.reserve(listing.found.size());
  for (const Resource* const resource : listing.found)
    refs.push_back(reference_to(core.tree, *resource, form));
  return refs;
}

void set_status(const Request& request, bool partial, std::uint64_t offset, ResponsePrimitive& response) {
  const auto& fc = request.primitive().fc;
  if (partial) {
    response.cnst = 1;
    response.cnot = static_cast<std::uint32_t>(offset);
  } else if (fc && (fc->limit || fc->offset)) {
    response.cnst = 2;
  }
}

/// TS-0004 7.3.3.14. The target itself needs no privilege: only resources with DISCOVER are named.
void discover(Core& core, Request&& request, const Resource& target, Respond respond) {
  const auto listing = list_descendants(core, request, target, authz::Op::discover);
  request.seen = std::max(request.seen, listing.seen);
  const auto form = address_form(request.primitive());
  auto response = response_to(request.primitive(), Rsc::ok);
  if (request.primitive().rcn == ResultContent::child_references) {
    response.pc = json::object{{"m2m:rrl", json::object{{"rrf", references(core, listing, form)}}}};
  } else {
    json::array uris;
    for (const Resource* const found : listing.found)
      uris.push_back(json::string(address_of(core.tree, *found, form)));
    response.pc = json::object{{"m2m:uril", std::move(uris)}};
  }
  set_status(request, listing.partial, listing.next_offset, response);
  core.answer(request, std::move(response), std::move(respond));
}

/// A RETRIEVE of some attributes only (atrl, or '#' in the address).
Outcome<json::object> selected(const Resource& resource, const std::vector<std::string>& names) {
  const auto* const type = codec::resource_type(resource.ty);
  json::object some;
  for (const auto& name : names) {
    if (type == nullptr || codec::attribute(*type, name) == nullptr) {
      return refuse(Rsc::bad_request, "atrl: no attribute " + name.substr(0, 64));
    }
    if (const auto* const value = resource.attributes.if_contains(name)) some[name] = *value;
  }
  return some;
}

std::vector<std::string> wanted_attributes(const RequestPrimitive& primitive) {
  auto names = primitive.atrl;
  const auto hash = primitive.to.find('#');
  if (hash != std::string::npos) names.push_back(primitive.to.substr(hash + 1));
  return names;
}

bool shows_children(ResultContent rcn) noexcept {
  return rcn == ResultContent::attributes_and_children ||
         rcn == ResultContent::attributes_and_child_references || rcn == ResultContent::child_references ||
         rcn == ResultContent::children;
}

}  // namespace

Resource* addressed(const Target& target) noexcept {
  if (target.child == VirtualChild::latest) return target.resource->instances.last;
  if (target.child == VirtualChild::oldest) return target.resource->instances.first;
  return target.resource;
}

Outcome<void> check_retrievable(const Target& target) {
  const bool instance = target.child != VirtualChild::none || target.resource->is(codec::Ty::cin);
  const Resource* const container =
      target.child == VirtualChild::none ? target.resource->parent : target.resource;
  if (instance && container->flag("disr")) {
    return refuse(Rsc::operation_not_allowed,
                  "the container lets nobody retrieve or delete instances (disr)");
  }
  return {};
}

Outcome<void> check_conditions(const Request& request, const Resource& resource) {
  const auto& fc = request.primitive().fc;
  if (!fc || Filter(*fc).matches(resource)) return {};
  return refuse(Rsc::not_found, "fc: the target does not match");
}

void fill_content(Core& core, Request& request, const Resource& resource, ResponsePrimitive& response) {
  using enum ResultContent;
  const auto rcn = request.primitive().rcn.value_or(attributes);
  const auto form = address_form(request.primitive());
  request.seen = std::max(request.seen, resource.changed);
  if (rcn == nothing) return;
  if (!shows_children(rcn)) {
    response.pc = representation_of(core, request, resource);
    return;
  }
  if (rcn == attributes_and_children || rcn == children) {
    json::object shown = rcn == children ? json::object() : resource.attributes;
    const bool partial = nest_descendants(core, request, resource, shown);
    response.pc = wrapped(resource, std::move(shown));
    const auto& fc = request.primitive().fc;
    const std::uint64_t shown_max =
        std::min<std::uint64_t>(fc && fc->limit ? *fc->limit : UINT32_MAX, core.options.results_max);
    set_status(request, partial, (fc ? fc->offset.value_or(0) : 0) + shown_max, response);
    return;
  }
  const auto listing = list_descendants(core, request, resource, authz::Op::retrieve);
  request.seen = std::max(request.seen, listing.seen);
  auto refs = references(core, listing, form);
  if (rcn == child_references) {
    response.pc = json::object{{"m2m:rrl", json::object{{"rrf", std::move(refs)}}}};
  } else {
    json::object shown = resource.attributes;
    shown["ch"] = std::move(refs);
    response.pc = wrapped(resource, std::move(shown));
  }
  set_status(request, listing.partial, listing.next_offset, response);
}

namespace {

void retrieve_permitted(Core& core, Request&& request, const Target& target, Respond respond) {
  // Whether a container is empty is nobody's business who may not read it.
  Resource* const resource = addressed(target);
  if (resource == nullptr) {
    core.subscriptions->on_event({.kind = EventKind::retrieve_empty,
                                  .subject = target.resource,
                                  .operation = codec::Operation::retrieve,
                                  .originator = &request.originator,
                                  .sequence = target.resource->changed});
    return core.refuse(request, {Rsc::not_found, "the container holds no instance"}, std::move(respond));
  }
  if (target.child == VirtualChild::polling_uri) {
    return core.polling->poll(std::move(request), *target.resource, std::move(respond));
  }
  const auto rcn = request.primitive().rcn.value_or(ResultContent::attributes);
  auto allowed = check_retrievable(target);
  if (allowed && rcn == ResultContent::original_resource) {
    allowed = refuse(Rsc::bad_request, "rcn: the target is not an announced resource");
  }
  // Of a result with children the conditions choose the children.
  if (allowed && !shows_children(rcn)) allowed = check_conditions(request, *resource);
  if (!allowed) return core.refuse(request, std::move(allowed).error(), std::move(respond));
  auto response = response_to(request.primitive(), Rsc::ok);
  if (const auto names = wanted_attributes(request.primitive()); !names.empty()) {
    auto some = selected(*resource, names);
    if (!some) return core.refuse(request, std::move(some).error(), std::move(respond));
    response.pc = wrapped(*resource, *std::move(some));
    request.seen = std::max(request.seen, resource->changed);
  } else {
    fill_content(core, request, *resource, response);
  }
  core.answer(request, std::move(response), std::move(respond));
}

/// TS-0004 7.4.27.2.2: the latest place is the one now.
void position_and_retrieve(Core& core, const Resource& policy, Request&& request, const Target& target,
                           Respond respond) {
  auto shared = std::make_shared<std::pair<Request, Respond>>(std::move(request), std::move(respond));
  location_policies(core)->position(policy, [&core, shared, ri = target.resource->ri](Outcome<void> done) {
    auto& [asked, answer] = *shared;
    Resource* const container = core.tree.find(ri);
    if (done && container == nullptr) done = refuse(Rsc::not_found, "the container is gone");
    if (!done) return core.refuse(asked, std::move(done).error(), std::move(answer));
    retrieve_permitted(core, std::move(asked), {.resource = container, .child = VirtualChild::latest},
                       std::move(answer));
  });
}

}  // namespace

void retrieve(Core& core, Request&& request, const Target& target, Respond respond) {
  if (request.primitive().is_discovery())
    return discover(core, std::move(request), *target.resource, std::move(respond));
  if (!core.access->permits(request, target, authz::Op::retrieve)) {
    return core.refuse(request, {Rsc::originator_has_no_privilege, "no privilege to retrieve"},
                       std::move(respond));
  }
  auto* const policies = target.child == VirtualChild::latest ? location_policies(core) : nullptr;
  const auto* const policy =
      policies != nullptr ? policies->positions_at_retrieval(*target.resource) : nullptr;
  if (policy != nullptr)
    return position_and_retrieve(core, *policy, std::move(request), target, std::move(respond));
  retrieve_permitted(core, std::move(request), target, std::move(respond));
}

}  // namespace latchkey::cse
