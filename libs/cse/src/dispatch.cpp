/// The receiver's pipeline from routing on (TS-0004 7.2.2.2).
#include <algorithm>

#include "access.h"
#include "end_to_end.h"
#include "procedures.h"

namespace latchkey::cse {

namespace {

using codec::Operation;
using codec::refuse;

/// What this CSE does not offer as the hosting CSE (TS-0004 7.3.2.1).
Outcome<void> check_offered(const RequestPrimitive& primitive) {
  using enum codec::ResponseMode;
  if (primitive.rt == non_blocking_synch || primitive.rt == non_blocking_asynch) {
    return refuse(Rsc::non_blocking_synch_request_not_supported, "rt: only blocking requests are offered");
  }
  if (primitive.oet) return refuse(Rsc::not_implemented, "oet: not offered");
  return {};
}

Outcome<void> check_attribute_address(const RequestPrimitive& primitive, const ResourceAddress& address) {
  if (address.attribute.empty() || primitive.op == Operation::retrieve) return {};
  return refuse(Rsc::bad_request, "to: one attribute can be retrieved only");
}

bool expired(const Core& core, const Resource& resource) {
  return resource.expires && *resource.expires <= core.clock.now();
}

void fan_out(Core& core, Request&& request, Target target, Respond respond) {
  if (core.groups->passed_on(request.primitive(), *target.resource)) {
    return core.refuse(request,
                       {Rsc::group_request_identifier_exists, "gid: this request was fanned out here before"},
                       std::move(respond));
  }
  const auto op = operation_of(request.primitive());
  const auto child_type = request.primitive().op == Operation::create ? request.primitive().ty : std::nullopt;
  if (!core.access->permits(request, target, op, child_type)) {
    return core.refuse(request,
                       {Rsc::originator_has_no_privilege, "no privilege on the members of the group"},
                       std::move(respond));
  }
  core.groups->handle(std::move(request), *target.resource, std::move(target.suffix), std::move(respond));
}

void run(Core& core, Request&& request, Target target, Respond respond) {
  if (target.child == VirtualChild::fan_out) {
    return fan_out(core, std::move(request), std::move(target), std::move(respond));
  }
  switch (request.primitive().op) {
    case Operation::create:
      return create(core, std::move(request), target, std::move(respond));
    case Operation::retrieve:
      return retrieve(core, std::move(request), target, std::move(respond));
    case Operation::update:
      return update(core, std::move(request), target, std::move(respond));
    case Operation::del:
      return remove(core, std::move(request), target, std::move(respond));
    case Operation::notify:
      return notify(core, std::move(request), target, std::move(respond));
  }
}

}  // namespace

void Core::dispatch(Request&& request, Respond respond) {
  const auto& primitive = request.primitive();
  auto address = ResourceAddress::parse(primitive.to);
  if (!address)
    return refuse(request, {Rsc::bad_request, "to: " + address.error().detail}, std::move(respond));
  if (!tree.hosts(*address))
    return router->forward(std::move(request), *std::move(address), std::move(respond));
  auto offered = check_offered(primitive);
  if (offered) offered = check_attribute_address(primitive, *address);
  if (!offered) return refuse(request, std::move(offered).error(), std::move(respond));
  const bool writes = primitive.op != Operation::retrieve && primitive.op != Operation::notify;
  if (failed_ && writes) {
    return refuse(request, {Rsc::internal_server_error, "the store has failed"}, std::move(respond));
  }
  auto target = tree.resolve(*address);
  request.seen = std::max(request.seen, target.seen);
  if (target.resource == nullptr || expired(*this, *target.resource)) {
    return refuse(request, {Rsc::not_found, "to: no such resource"}, std::move(respond));
  }
  if (end_to_end != nullptr && EndToEnd::takes(request, target))
    return end_to_end->handle(std::move(request), std::move(respond));
  if (authorization->defer(request, target, respond)) return;
  run(*this, std::move(request), std::move(target), std::move(respond));
}

}  // namespace latchkey::cse
