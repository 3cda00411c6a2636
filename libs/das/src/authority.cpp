#include "authority.h"

#include <algorithm>

#include "latchkey/authz/role.h"
#include "latchkey/base/log.h"
#include "latchkey/codec/resource_types.h"

namespace latchkey::das {

namespace {

namespace json = boost::json;
using codec::Operation;
using codec::Rsc;
using Step = Assignment::Step;

constexpr std::chrono::milliseconds kTimeout{15'000};
constexpr std::chrono::seconds kRetryFirst{2}, kRetryLongest{300};

EntityId entity(const std::string& absolute, const SpId& home) { return *parse_entity_id(absolute, home); }

/// The part of a Token-ID before '@', as a resourceName.
std::string token_name(const Assignment& assignment) {
  return "token-" + assignment.token_id.substr(0, assignment.token_id.find('@'));
}

json::value content(std::string_view element, json::object attributes) {
  json::object pc;
  pc[element] = std::move(attributes);
  return pc;
}

/// The address by which a CSE of `home` knows an AE or CSE.
std::string address_of(const EntityId& holder, const SpId& home) {
  if (const auto* ae = std::get_if<AeId>(&holder); ae != nullptr && ae->sp() == home)
    return ae->sp_relative();
  if (const auto* cse = std::get_if<CseId>(&holder); cse != nullptr && cse->sp() == home)
    return cse->sp_relative();
  return to_string(holder);
}

bool is_deletion(Step step) { return step == Step::delete_role || step == Step::delete_token; }
bool is_creation(Step step) { return step == Step::create_role || step == Step::create_token; }

/// After a crash a step is done again: what it made is there, or what it removed is gone.
bool succeeded(Step step, Rsc rsc) {
  return codec::is_success(rsc) || (is_creation(step) && rsc == Rsc::conflict) ||
         (is_deletion(step) && rsc == Rsc::not_found);
}

/// Worth another try; 4106: the sender registers anew before it.
bool is_passing(Rsc rsc) {
  return rsc == Rsc::internal_server_error || rsc == Rsc::target_not_reachable ||
         rsc == Rsc::request_timeout || rsc == Rsc::originator_has_not_registered;
}

std::string in_words(const codec::ResponsePrimitive& response) {
  std::string out =
      std::to_string(static_cast<int>(response.rsc)) + " " + std::string(codec::to_string(response.rsc));
  if (!response.pc.is_object()) return out;
  const auto* debug = response.pc.get_object().if_contains("m2m:dbg");
  if (debug != nullptr && debug->is_string()) out += ": " + std::string(debug->get_string()).substr(0, 256);
  return out;
}

}  // namespace

Authority::~Authority() {
  for (const auto& [id, timer] : timers_) world_.executor.cancel(timer);
}

void Authority::resume() {
  std::vector<std::string> ids;
  for (const auto& [id, assignment] : world_.ledger.assignments()) ids.push_back(id);
  for (const auto& id : ids) run(id);
}

void Authority::run(const std::string& id) {
  const auto* const assignment = world_.ledger.assignment(id);
  if (assignment == nullptr || assignment->settled() || busy_.contains(id)) return;
  if (world_.repository == nullptr || !world_.options.repository) return;
  if (const auto timer = timers_.find(id); timer != timers_.end()) {
    world_.executor.cancel(timer->second);
    timers_.erase(timer);
  }
  busy_.insert(id);
  // 7.4.2.3 step 1: issued once, and recorded before anybody sees it.
  if (assignment->step == Step::create_token && assignment->token_id.empty()) return issue(*assignment);
  world_.repository->send(
      request_for(*assignment), kTimeout,
      [weak = std::weak_ptr<Authority*>(self_), id, step = assignment->step](Response response) {
        if (const auto alive = weak.lock()) (*alive)->answered(id, step, std::move(response));
      });
}

void Authority::issue(Assignment assignment) {
  auto token = world_.issue_token(assignment);
  if (!token) {
    busy_.erase(assignment.id);
    assignment.reason = "token: " + token.error().detail;
    record(AuditEventId::role_refused, assignment, assignment.reason, 0);
    assignment.step = Step::refused;
    return keep(std::move(assignment));
  }
  assignment.token_id = token->id;
  store::Batch batch;
  const auto id = assignment.id;
  world_.ledger.put(std::move(*token), batch);
  world_.ledger.put(std::move(assignment), batch);
  world_.commit(std::move(batch), [this, id] {
    busy_.erase(id);
    run(id);
  });
}

Authority::Step Authority::after(const Assignment& assignment) const {
  const auto told = world_.options.repository->notify_holder ? Step::notify : Step::assigned;
  switch (assignment.step) {
    case Step::create_role:
      return assignment.with_token ? Step::create_token : told;
    case Step::create_token:
      return Step::link_token;
    case Step::link_token:
      return told;
    case Step::delete_token:
      return Step::delete_role;
    case Step::delete_role:
      return Step::withdrawn;
    default:
      return Step::assigned;
  }
}

codec::RequestPrimitive Authority::request_for(const Assignment& assignment) const {
  const auto& repository = *world_.options.repository;
  const auto role_address = repository.parent + "/" + assignment.id;
  const auto token_address = repository.parent + "/" + token_name(assignment);
  authz::Role role{.role_id = assignment.role_id,
                   .issuer = world_.options.id,
                   .holder = entity(assignment.holder, world_.options.home),
                   .not_before = assignment.not_before,
                   .not_after = assignment.not_after,
                   .role_name = assignment.name.empty() ? std::nullopt : std::optional(assignment.name),
                   .token_link = {}};
  const auto create = [&](codec::Ty type, std::string_view element, const std::string& name,
                          json::object attributes) {
    codec::RequestPrimitive request;
    request.op = Operation::create;
    request.to = repository.parent;
    request.ty = static_cast<std::uint32_t>(type);
    attributes["rn"] = name;
    attributes["et"] = format_timestamp(assignment.not_after);
    if (!repository.acpi.empty()) {
      json::array acpi;
      for (const auto& id : repository.acpi) acpi.emplace_back(id);
      attributes["acpi"] = std::move(acpi);
    }
    request.pc = content(element, std::move(attributes));
    return request;
  };
  codec::RequestPrimitive request;
  switch (assignment.step) {
    case Step::create_role:  // 7.4.2.2 step 3
      return create(codec::Ty::rol, "m2m:rol", assignment.id, authz::role_attributes(role));
    case Step::create_token: {  // 7.4.2.3 step 2
      const auto* token = world_.ledger.issued(assignment.token_id, TimePoint{});
      return create(codec::Ty::tk, "m2m:tk", token_name(assignment),
                    {{"tkid", assignment.token_id}, {"tkob", token != nullptr ? token->jwt : std::string()}});
    }
    case Step::link_token:  // 7.4.2.3 step 5
      request.op = Operation::update;
      request.to = role_address;
      request.pc = content("m2m:rol", {{"rltl", token_address}});
      return request;
    case Step::notify:  // 7.4.2.3 step 6a
      request.op = Operation::notify;
      request.to = address_of(role.holder, world_.options.home);
      if (assignment.with_token) role.token_link = token_address;
      request.pc = content("m2m:rol", authz::role_attributes(role));
      return request;
    case Step::delete_token:
      request.op = Operation::del;
      request.to = token_address;
      return request;
    default:
      request.op = Operation::del;
      request.to = role_address;
      return request;
  }
}

void Authority::answered(const std::string& id, Step step, Response response) {
  busy_.erase(id);
  const auto* const found = world_.ledger.assignment(id);
  if (found == nullptr) return;             // its time has passed
  if (found->step != step) return run(id);  // withdrawn meanwhile
  if (!response && step != Step::notify) return retry(id, response.error().detail);
  if (response && is_passing(response->rsc) && step != Step::notify) return retry(id, in_words(*response));
  failures_.erase(id);
  Assignment assignment = *found;
  const int status = response ? static_cast<int>(response->rsc) : 0;
  assignment.reason = response && succeeded(step, response->rsc) ? ""
                      : response                                 ? in_words(*response)
                                                                 : response.error().detail;
  // Whether the holder listens is its own affair: the role is assigned all the same.
  if (assignment.reason.empty() || step == Step::notify) {
    if (step == Step::create_role) record(AuditEventId::role_assigned, assignment, "", status);
    if (step == Step::delete_role) record(AuditEventId::role_revoked, assignment, "", status);
    if (!assignment.reason.empty()) assignment.reason = "the holder was not told: " + assignment.reason;
    assignment.step = after(assignment);
  } else {
    assignment.reason = std::string(to_string(step)) + ": " + assignment.reason;
    record(AuditEventId::role_refused, assignment, assignment.reason, status);
    assignment.step = Step::refused;
  }
  keep(std::move(assignment));
}

void Authority::keep(Assignment assignment) {
  store::Batch batch;
  const auto id = assignment.id;
  // A <role> that the repository does not keep is not held.
  if (assignment.step == Step::refused && assignment.reason.starts_with("create_role"))
    world_.ledger.revoke(id, batch);
  world_.ledger.put(std::move(assignment), batch);
  world_.commit(std::move(batch), [this, id] { run(id); });
}

void Authority::retry(const std::string& id, std::string reason) {
  const auto count = std::min(failures_[id]++, 8U);
  const auto delay = std::min(kRetryFirst * (1U << count), kRetryLongest);
  log::warning("das",
               "assignment " + id + ": " + reason + "; again in " + std::to_string(delay.count()) + " s");
  timers_[id] = world_.executor.after(delay, [this, id] {
    timers_.erase(id);
    run(id);
  });
}

void Authority::record(AuditEventId event, const Assignment& assignment, std::string reason, int status) {
  world_.audit.record({.id = event,
                       .time = world_.clock.now(),
                       .originator = assignment.holder,
                       .target = assignment.role_id,
                       .reason = assignment.id + (reason.empty() ? "" : ": " + reason),
                       .status = status});
}

}  // namespace latchkey::das
