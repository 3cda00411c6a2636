#include "location_policy.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "latchkey/base/log.h"
#include "latchkey/codec/formats.h"
#include "records.h"

namespace latchkey::cse {

namespace {

using codec::refuse;
using codec::Ty;

constexpr std::uint64_t kNetworkBased = 1;
constexpr std::uint64_t kPositionFix = 1;
constexpr std::chrono::milliseconds kPeriodMin{10'000};
constexpr std::size_t kWaitingMax = 64;    ///< for one answer of the location server
constexpr std::uint64_t kInstances = 100;  ///< of a container; its creator may choose otherwise
/// Of the CSE's own policies the latest place alone is kept: it records no movements.
constexpr std::uint64_t kOwnInstances = 1;

/// locationUpdatePeriod: the first of the list counts (TS-0004 7.4.10.2.1); zero: none.
std::chrono::milliseconds period_of(const json::object& attributes) {
  const auto* const list = attributes.if_contains("lou");
  if (list == nullptr || !list->is_array() || list->get_array().empty()) return {};
  return codec::parse_duration(std::string_view(list->get_array().front().get_string()))
      .value_or(std::chrono::milliseconds(0));
}

Outcome<void> check_period(const json::object& attributes) {
  const auto period = period_of(attributes);
  if (period.count() == 0 || period >= kPeriodMin) return {};
  return refuse(Rsc::bad_request, "pc.m2m:lcp.lou: shorter than 10 s");
}

Outcome<void> check_information_type(const json::object& attributes) {
  const auto* const type = attributes.if_contains("lit");
  if (type == nullptr || type->to_number<std::uint64_t>() == kPositionFix) return {};
  return refuse(Rsc::not_implemented, "pc.m2m:lcp.lit: geofence events are not offered");
}

/// Nobody learns where somebody else is but the administrator: the location server knows only this CSE.
Outcome<void> check_target(const Core& core, const Request& request, const json::object& attributes) {
  const auto* const target = attributes.if_contains("lot");
  if (target == nullptr)
    return refuse(Rsc::bad_request, "pc.m2m:lcp.lot: missing for a network-based location");
  if (request.administrator) return {};
  const auto id = parse_entity_id(std::string_view(target->get_string()), core.options.cse_id.sp());
  if (request.originator && id && *id == *request.originator) return {};
  return refuse(Rsc::originator_has_no_privilege, "pc.m2m:lcp.lot: not the originator");
}

Outcome<void> check_server(const LocationServer& server, json::object& attributes) {
  const auto* const named = attributes.if_contains("lor");
  // A CSE that went to whatever server it is told could be aimed at others.
  if (named != nullptr && named->get_string() != server.options().url)
    return refuse(Rsc::bad_request, "pc.m2m:lcp.lor: not the location server of this CSE");
  attributes["lor"] = json::string(server.options().url);
  return {};
}

std::string status_of(const Result<codec::Fix>& fix) {
  if (fix) return "Retrieved";
  return std::string("Error: ") + to_string(fix.error().code);
}

Rsc rsc_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::denied:
      return Rsc::receiver_has_no_privilege;
    case ErrorCode::unavailable:
    case ErrorCode::expired:
    case ErrorCode::authentication:
      return Rsc::target_not_reachable;
    default:
      return Rsc::internal_server_error;
  }
}

}  // namespace

LocationPolicies* location_policies(const Core& core) noexcept {
  auto* const information = core.options.location;
  // Only the CSE keeps records.
  return information == nullptr ? nullptr : static_cast<LocationPolicies*>(information->records());
}

namespace {

/// Each may ask the location server again and again, for ever.
Outcome<void> check_number(const Core& core, const Request& request) {
  if (request.administrator || !request.originator) return {};
  const auto most = core.options.location->options().policies_per_originator;
  if (location_policies(core)->count_of(to_string(*request.originator)) < most) return {};
  return refuse(Rsc::not_acceptable, "pc.m2m:lcp: this originator has " + std::to_string(most) +
                                         " location policies, which is the limit");
}

}  // namespace

Outcome<void> check_location_policy(const Core& core, const Request& request, json::object& attributes) {
  if (attributes.at("los").to_number<std::uint64_t>() != kNetworkBased)
    return refuse(Rsc::not_implemented, "pc.m2m:lcp.los: only network-based is offered");
  auto* const information = core.options.location;
  if (information == nullptr || information->server() == nullptr)
    return refuse(Rsc::not_implemented, "pc.m2m:lcp.los: no location server is configured");
  if (auto type = check_information_type(attributes); !type) return type;
  if (auto target = check_target(core, request, attributes); !target) return target;
  if (auto few = check_number(core, request); !few) return few;
  if (auto server = check_server(*information->server(), attributes); !server) return server;
  if (auto period = check_period(attributes); !period) return period;
  const auto* const name = attributes.if_contains("lon");
  if (name != nullptr && core.tree.base()->by_name.contains(std::string_view(name->get_string())))
    return refuse(Rsc::conflict, "pc.m2m:lcp.lon: in use");
  attributes["lit"] = kPositionFix;
  attributes["lost"] = "NotRetrieved";
  return {};
}

Outcome<void> check_location_changes(const json::object& changes) {
  if (auto type = check_information_type(changes); !type) return type;
  return check_period(changes);
}

void make_location_container(Core& core, Resource& policy, std::uint64_t sequence, store::Batch& batch) {
  Resource& parent = *core.tree.base();
  auto container = std::make_unique<Resource>();
  container->ty = static_cast<std::uint32_t>(Ty::cnt);
  container->ri = core.tree.new_id(container->ty, batch);
  const auto wanted = std::string(policy.text("lon"));
  // The name was free when the request was checked; between then and now is nothing but `policy` itself.
  container->rn = wanted.empty() || parent.by_name.contains(wanted) ? container->ri : wanted;
  container->created_by = policy.created_by;
  const bool own = policy.created_by == core.options.cse_id.absolute();
  const auto now = format_timestamp(core.clock.now());
  container->attributes = {{"ty", container->ty},
                           {"ri", container->ri},
                           {"pi", parent.ri},
                           {"rn", container->rn},
                           {"ct", now},
                           {"lt", now},
                           {"st", 0},
                           {"cni", 0},
                           {"cbs", 0},
                           {"li", policy.ri},
                           {"mni", own ? kOwnInstances : kInstances}};
  for (const std::string_view name : {"et", "acpi"}) {
    if (const auto* const value = policy.attributes.if_contains(name)) container->attributes[name] = *value;
  }
  const Resource& stored = core.tree.insert(std::move(container), &parent, sequence, batch);
  core.tree.update(policy, {{"loi", json::string(stored.ri)}}, sequence, batch);
}

LocationPolicies::LocationPolicies(Core& core, LocationInformation& information)
    : core_(core), information_(information) {
  information_.keep_records(this);
}

LocationPolicies::~LocationPolicies() {
  information_.keep_records(nullptr);
  for (const auto& [ri, entry] : entries_) core_.executor.cancel(entry.timer);
}

void LocationPolicies::start() {
  std::vector<Resource*> policies, orphans;
  for (Resource* child = core_.tree.base()->children.first; child != nullptr; child = child->next) {
    if (child->is(Ty::lcp)) policies.push_back(child);
    const auto link = child->is(Ty::cnt) ? child->text("li") : std::string_view();
    if (!link.empty() && core_.tree.find(link) == nullptr) orphans.push_back(child);
  }
  for (auto* const policy : policies) attach(*policy);
  for (auto* const orphan : orphans) core_.remove(*orphan, std::nullopt);
}

std::optional<EntityId> LocationPolicies::target_of(const Resource& policy) const {
  const auto target = policy.text("lot");
  const auto id = target.starts_with('/') ? parse_entity_id(target, core_.options.cse_id.sp())
                                          : fail(ErrorCode::not_found, "");
  return id ? std::optional(*id) : std::nullopt;
}

void LocationPolicies::attach(Resource& policy) {
  auto& entry = entries_[policy.ri];
  entry.creator = policy.created_by;
  ++by_creator_[entry.creator];
  if (policy.created_by == core_.options.cse_id.absolute()) own_[std::string(policy.text("lot"))] = policy.ri;
  entry.period = period_of(policy.attributes);
  schedule(policy.ri, entry);
  if (entry.period.count() > 0) position(policy, [](const Outcome<void>&) {});
}

std::size_t LocationPolicies::count_of(const std::string& creator) const noexcept {
  const auto found = by_creator_.find(creator);
  return found == by_creator_.end() ? 0 : found->second;
}

void LocationPolicies::changed(Resource& policy) {
  auto& entry = entries_[policy.ri];
  core_.executor.cancel(entry.timer);
  entry.period = period_of(policy.attributes);
  schedule(policy.ri, entry);
}

void LocationPolicies::schedule(const std::string& ri, Entry& entry) {
  if (entry.period.count() == 0) return;
  entry.timer = core_.executor.after(entry.period, [this, ri] {
    const auto* const policy = core_.tree.find(ri);
    if (policy != nullptr) position(*policy, [](const Outcome<void>&) {});
    if (const auto found = entries_.find(ri); found != entries_.end()) schedule(ri, found->second);
  });
}

void LocationPolicies::detach(const Resource& policy) {
  const auto found = entries_.find(policy.ri);
  if (found == entries_.end()) return;
  core_.executor.cancel(found->second.timer);
  auto waiting = std::move(found->second.waiting);
  if (const auto count = by_creator_.find(found->second.creator); --count->second == 0)
    by_creator_.erase(count);
  entries_.erase(found);
  const auto target = target_of(policy);
  if (const auto own = own_.find(std::string(policy.text("lot")));
      own != own_.end() && own->second == policy.ri) {
    own_.erase(own);
    if (target) information_.forget(*target);
  }
  core_.executor.post([alive = std::weak_ptr(self_), container = std::string(policy.text("loi")),
                       waiting = std::move(waiting)]() mutable {
    for (auto& done : waiting) done(refuse(Rsc::not_found, "the location policy is gone"));
    const auto self = alive.lock();
    auto* const resource = self ? (*self)->core_.tree.find(container) : nullptr;
    if (resource != nullptr && !(*self)->core_.failed()) (*self)->core_.remove(*resource, std::nullopt);
  });
}

// Positioning.

const Resource* LocationPolicies::positions_at_retrieval(const Resource& container) const {
  const auto link = container.text("li");
  if (link.empty()) return nullptr;
  const auto* const policy = core_.tree.find(link);
  const bool on_demand = policy != nullptr && policy->is(Ty::lcp) &&
                         period_of(policy->attributes).count() == 0 && information_.server() != nullptr;
  return on_demand ? policy : nullptr;
}

void LocationPolicies::position(const Resource& policy, Done done) {
  auto& entry = entries_[policy.ri];
  if (entry.waiting.size() >= kWaitingMax || information_.server() == nullptr)
    return done(refuse(Rsc::target_not_reachable, "the location server cannot be asked now"));
  entry.waiting.push_back(std::move(done));
  if (std::exchange(entry.asking, true)) return;
  const auto target = target_of(policy);
  const auto address = target ? information_.address_of(*target) : std::string(policy.text("lot"));
  information_.server()->locate(
      address, [alive = std::weak_ptr(self_), ri = policy.ri](const Result<codec::Fix>& fix) {
        if (const auto self = alive.lock()) (*self)->positioned(ri, fix);
      });
}

void LocationPolicies::positioned(const std::string& ri, const Result<codec::Fix>& fix) {
  const auto found = entries_.find(ri);
  auto* const policy = core_.tree.find(ri);
  if (found == entries_.end() || policy == nullptr) return;
  found->second.asking = false;
  auto waiting = std::exchange(found->second.waiting, {});
  if (fix) {
    if (const auto target = target_of(*policy)) information_.learn(*target, *fix);
  }
  store(*policy, fix);
  for (auto& done : waiting) {
    if (fix) {
      done({});
    } else {
      done(refuse(rsc_of(fix.error().code), fix.error().detail));
    }
  }
}

void LocationPolicies::store(Resource& policy, const Result<codec::Fix>& fix) {
  if (core_.failed()) return;
  if (const auto status = status_of(fix); policy.text("lost") != status)
    core_.change(policy, {{"lost", json::string(status)}});
  const auto* const container = core_.tree.find(policy.text("loi"));
  if (!fix || container == nullptr) return;
  RequestPrimitive request;
  request.op = codec::Operation::create;
  request.to = core_.tree.path(*container);
  request.ty = static_cast<std::uint32_t>(Ty::cin);
  request.pc = json::object{{"m2m:cin", json::object{{"cnf", "application/json:0"},
                                                     {"con", json::serialize(codec::to_json(*fix))}}}};
  send(std::move(request));
}

/// A request of the CSE itself goes the way of all others, so that events, limits and records are the same.
void LocationPolicies::send(RequestPrimitive primitive) {
  primitive.from = core_.options.cse_id.absolute();
  primitive.rqi = "location-" + std::to_string(++requests_);
  primitive.rvi = "3";
  Request request;
  request.in.primitive = std::move(primitive);
  request.in.security = std::make_shared<const tls::SecurityContext>();
  request.in.received = core_.clock.now();
  request.originator = core_.options.cse_id;
  request.rq_authn = true;
  request.administrator = true;
  core_.dispatch(std::move(request), [](const ResponsePrimitive& response) {
    if (response.rsc != Rsc::created)
      log::warning("cse", "a location is not recorded: " + std::string(codec::to_string(response.rsc)));
  });
}

// For decisions.

void LocationPolicies::needed(const EntityId& originator) {
  const auto id = to_string(originator);
  if (own_.contains(id) || core_.failed()) return;
  RequestPrimitive request;
  request.op = codec::Operation::create;
  request.to = core_.options.cse_base_name;
  request.ty = static_cast<std::uint32_t>(Ty::lcp);
  // F.2.1: from the network, of the Originator; the rest is policy of the CSE.
  request.pc = json::object{{"m2m:lcp", json::object{{"los", kNetworkBased}, {"lot", json::string(id)}}}};
  send(std::move(request));
}

void LocationPolicies::obtained(const EntityId& originator, const Result<codec::Fix>& fix) {
  const auto own = own_.find(to_string(originator));
  auto* const policy = own == own_.end() ? nullptr : core_.tree.find(own->second);
  if (policy != nullptr) store(*policy, fix);
}

}  // namespace latchkey::cse
