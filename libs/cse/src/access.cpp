#include "access.h"

#include <algorithm>
#include <array>

#include "authorization_points.h"
#include "elsewhere.h"
#include "information.h"
#include "latchkey/authz/explain.h"
#include "latchkey/base/log.h"
#include "latchkey/codec/resource_types.h"
#include "trail.h"

namespace latchkey::cse {

namespace {

constexpr std::size_t kPermittingRolesMax = 100;  // as many as a DAS Server is told

bool has_own_policy(const Resource& resource) {
  const auto* const type = codec::resource_type(resource.ty);
  return type != nullptr && type->has_acpi;
}

/// A policy answers to its selfPrivileges: privileges of a token are something else (7.3.2.5 step 3).
Privileges privileges_of(const Resource& target) {
  return target.is(codec::Ty::acp) ? Privileges::no : Privileges::yes;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// Also where none of their rules stands out.
std::string with_policies(std::string text, const Verdict& verdict, const Governing& governing) {
  const bool names_rule = verdict.permit || verdict.decision.reason > authz::Reason::originator;
  return names_rule || governing.names.empty() ? text : text + " (" + joined(governing.names) + ")";
}

/// Roles that the service subscription of the originator does not permit; "": none.
std::string roles_outside(const Evidence* evidence) {
  if (evidence == nullptr || !evidence->permitted_roles) return {};
  std::string text;
  const auto look_at = [&](const std::string& role) {
    const auto& permitted = *evidence->permitted_roles;
    if (std::ranges::find(permitted, role) == permitted.end()) text += (text.empty() ? "" : ", ") + role;
  };
  for (const auto& role : evidence->roles) look_at(role.role_id);
  for (const auto& token : evidence->tokens)
    for (const auto& permission : token->permissions) std::ranges::for_each(permission.role_ids, look_at);
  return text.empty() ? text : "outside its service subscription: role " + text;
}

/// What another CSE said belongs to the reason, whatever came of it.
std::string with_elsewhere(std::string text, const Request& request) {
  if (const auto* const elsewhere = request.elsewhere.get(); elsewhere != nullptr)
    text.append("; ").append(elsewhere->point).append(": ").append(elsewhere->said);
  return text;
}

std::string permitted_elsewhere(const Verdict& verdict, const Elsewhere& elsewhere) {
  if (elsewhere.permit) return "permitted by " + elsewhere.point;
  return authz::summarize(verdict.decision, elsewhere.names,
                          verdict.grants ? verdict.grants->role_names() : std::vector<std::string>());
}

bool is_about(const Elsewhere& elsewhere, const Resource& target, const authz::RequestContext& context) {
  return elsewhere.ri == target.ri && elsewhere.op == context.operation &&
         elsewhere.child_type == context.child_type;
}

std::string reason_of(const Verdict& verdict, const Governing& governing) {
  if (verdict.fixed != nullptr) return verdict.fixed;
  if (!verdict.grants)
    return with_policies(authz::summarize(verdict.decision, governing.names), verdict, governing);
  auto names = governing.names;
  verdict.grants->append_names(names);
  return with_policies(authz::summarize(verdict.decision, names, verdict.grants->role_names()), verdict,
                       governing);
}

/// For explain: nobody is asked now.
std::string asked_elsewhere(const CseOptions& options, const Target& target,
                            std::span<const Resource* const> policies) {
  if (decided_here(*target.resource)) return {};
  std::string text;
  for (const auto kind : {PointKind::pdp, PointKind::prp})
    for (const auto& point : points_for(options, kind, policies))
      text += "What is denied here is asked of the " + std::string(to_string(kind)) + " " + point +
              (kind == PointKind::pdp ? ", for an authenticated originator.\n" : ".\n");
  return text;
}

std::string whole_reason(const Request& request, const Verdict& verdict, const Governing& governing) {
  if (verdict.from_elsewhere) return permitted_elsewhere(verdict, *request.elsewhere);
  auto reason = reason_of(verdict, governing);
  if (verdict.permit) return reason;
  if (const auto outside = roles_outside(request.evidence.get()); !outside.empty()) reason += "; " + outside;
  return with_elsewhere(std::move(reason), request);
}

}  // namespace

authz::Op operation_of(const RequestPrimitive& primitive) noexcept {
  switch (primitive.op) {
    case codec::Operation::create:
      return authz::Op::create;
    case codec::Operation::retrieve:
      return primitive.is_discovery() ? authz::Op::discover : authz::Op::retrieve;
    case codec::Operation::update:
      return authz::Op::update;
    case codec::Operation::del:
      return authz::Op::del;
    case codec::Operation::notify:
      return authz::Op::notify;
  }
  return authz::Op::notify;
}

std::optional<codec::OriginatorLocation> known_place(const Request& request) {
  if (request.location == nullptr) return std::nullopt;
  const auto& place = *request.location;
  if (place.coordinates)
    return codec::OriginatorLocation{.country = {},
                                     .circle = {{place.coordinates->first, place.coordinates->second, 0}}};
  if (place.country) return codec::OriginatorLocation{.country = place.country, .circle = {}};
  return std::nullopt;
}

Outcome<void> check_policy(const json::object& attributes, const CseId& own) {
  for (const std::string_view name : {"pv", "pvs"}) {
    const auto* const rules = attributes.if_contains(name);
    if (rules == nullptr) continue;
    if (auto set = authz::RuleSet::compile(*rules, own.sp(), own); !set) {
      auto refusal = std::move(set).error();
      refusal.detail = "pc.m2m:acp." + std::string(name) + ": " + refusal.detail;
      return codec::refuse(std::move(refusal));
    }
  }
  return {};
}

std::optional<authz::IpAddress> own_address(const Request& request) noexcept {
  const auto* const security = request.in.security.get();
  const bool forwarded = security != nullptr && security->identity &&
                         std::holds_alternative<CseId>(*security->identity) &&
                         request.originator != security->identity;
  return forwarded ? std::nullopt : request.in.peer_ip;
}

const Resource& governed_by(const Resource& resource) noexcept {
  const Resource* at = &resource;
  while (!has_own_policy(*at) && at->parent != nullptr) at = at->parent;
  return *at;
}

std::string entity_of(const Resource& resource, const CseId& own) {
  if (resource.is(codec::Ty::ae)) {
    const auto id = AeId::from_stem(resource.ri, own);
    return id ? id->absolute() : std::string();
  }
  if (!resource.is(codec::Ty::csr)) return {};
  const auto id = CseId::parse(resource.text("csi"), own.sp());
  return id ? id->absolute() : std::string();
}

// Policies.

const PolicyEnforcement::Compiled& PolicyEnforcement::compiled(const Resource& policy) {
  const auto [at, added] = compiled_.try_emplace(&policy);
  if (!added) return at->second;
  const auto compile = [&](std::string_view name) -> std::shared_ptr<const authz::RuleSet> {
    const auto* const rules = policy.attributes.if_contains(name);
    if (rules == nullptr) return nullptr;
    auto set = authz::RuleSet::compile(*rules, core_.options.cse_id.sp(), core_.options.cse_id);
    if (set) return *std::move(set);
    // It was checked when it was stored: a policy that cannot be read any more permits nothing.
    log::error("cse", "policy " + policy.ri + " cannot be read: " + set.error().detail);
    return nullptr;
  };
  at->second = {compile("pv"), compile("pvs")};
  return at->second;
}

void PolicyEnforcement::add(Governing& governing, const Resource& policy, const authz::RuleSet* set) const {
  if (set == nullptr) return;
  governing.sets.push_back(set);
  governing.policies.push_back(&policy);
  governing.names.push_back(policy.ri);
  governing.until = std::min(governing.until, policy.expires.value_or(TimePoint::max()));
}

void PolicyEnforcement::add_policies(Governing& governing, const boost::json::array& references, bool self) {
  for (const auto& reference : references) {
    if (!reference.is_string()) continue;
    const auto target = core_.tree.resolve(std::string_view(reference.get_string()));
    governing.seen = std::max(governing.seen, target.seen);
    // A policy that is missing, expired or hosted elsewhere contributes nothing.
    const auto* const policy = live(target, codec::Ty::acp);
    if (policy == nullptr) continue;
    const auto& sets = compiled(*policy);
    add(governing, *policy, (self ? sets.self_privileges : sets.privileges).get());
  }
}

/// The policies that acpi refers to. Kept if every reference leads to one: a name then means this policy
/// until the policy goes, while one that leads nowhere may mean something tomorrow.
std::shared_ptr<const Governing> PolicyEnforcement::referenced_by(const Resource& resource) {
  const auto generation = core_.tree.policy_generation();
  if (const auto& kept = resource.governing;
      kept != nullptr && kept->generation == generation &&
      (kept->until == TimePoint::max() || core_.clock.now() < kept->until))
    return kept;
  auto found = std::make_shared<Governing>();
  const auto* const references = resource.list("acpi");
  if (references == nullptr || references->empty()) {
    found->only = resource.created_by;
    return found;
  }
  add_policies(*found, *references, false);
  if (found->policies.size() < references->size()) return found;
  found->seen = 0;
  found->generation = generation;
  resource.governing = found;
  return found;
}

/// What has expired counts as deleted (TS-0001 9.6.1.3.1), also before the timer has removed it.
const Resource* PolicyEnforcement::live(const Target& target, codec::Ty type) const {
  const auto* const resource = target.resource;
  if (resource == nullptr || target.child != VirtualChild::none || !resource->is(type)) return nullptr;
  return resource->expires && *resource->expires <= core_.clock.now() ? nullptr : resource;
}

/// Procedures 3.1.
std::shared_ptr<const Governing> PolicyEnforcement::governing(const Resource& target, VirtualChild child) {
  const Resource* at = &target;
  if (at->is(codec::Ty::acp)) {
    auto own = std::make_shared<Governing>();
    add(*own, *at, compiled(*at).self_privileges.get());
    return own;
  }
  // TS-0001 9.6.21: a polling channel belongs to its parent alone.
  if (at->is(codec::Ty::pch)) {
    auto owner = std::make_shared<Governing>();
    owner->only = entity_of(*at->parent, core_.options.cse_id);
    // Whoever polls takes what is meant for the owner, and answers in its name.
    owner->strictly = child == VirtualChild::polling_uri;
    return owner;
  }
  if (child == VirtualChild::fan_out) {
    if (const auto* const members = at->list("macp"); members != nullptr && !members->empty()) {
      auto of_members = std::make_shared<Governing>();
      add_policies(*of_members, *members, false);
      return of_members;
    }
  }
  at = &governed_by(*at);
  auto referenced = referenced_by(*at);
  const auto granted = core_.tree.dynamic_policies(*at);
  return granted.empty() ? referenced : with_granted(*referenced, granted);
}

/// What a DAS Server has granted stands beside the policies that the resource names, and beside the default.
std::shared_ptr<const Governing> PolicyEnforcement::with_granted(const Governing& referenced,
                                                                 const std::vector<Resource*>& granted) {
  auto all = std::make_shared<Governing>(referenced);
  for (auto* const policy : granted)
    if (live({.resource = policy}, codec::Ty::acp) != nullptr)
      add(*all, *policy, compiled(*policy).privileges.get());
  return all;
}

void PolicyEnforcement::forget(const Resource& resource) {
  compiled_.erase(&resource);
  members_.erase(&resource);
}

// Decisions.

authz::RequestContext PolicyEnforcement::context(const Request& request, const Resource& target, authz::Op op,
                                                 std::optional<std::uint32_t> child_type) const {
  authz::RequestContext context;
  context.originator = request.originator ? &*request.originator : nullptr;
  context.operation = op;
  context.rq_authn = request.rq_authn;
  context.rq_time = request.in.received != TimePoint() ? request.in.received : core_.clock.now();
  context.rq_ip = request.in.peer_ip;
  if (request.location != nullptr) context.rq_loc = *request.location;
  context.target_type = target.ty;
  context.child_type = child_type;
  context.groups = this;
  return context;
}

std::optional<authz::Grants> PolicyEnforcement::grants_for(const Request& request,
                                                           const Resource& target) const {
  if (request.evidence == nullptr || request.evidence->empty()) return std::nullopt;
  authz::Grants grants;
  const auto path = core_.tree.path(target);
  const std::array<std::string_view, 2> names{path, target.ri};
  if (request.evidence->permitted_roles) grants.limit_roles(*request.evidence->permitted_roles);
  for (const auto& token : request.evidence->tokens) grants.add(token, names);
  for (const auto& role : request.evidence->roles) grants.add_role(role.role_id, role.source);
  return grants;
}

/// What another CSE said counts beside the policies here, where privileges of tokens do too.
Verdict PolicyEnforcement::judge(const Request& request, const Governing& governing, const Resource& target,
                                 authz::RequestContext context, Privileges privileges) const {
  auto verdict = judge_here(request, governing, target, context, privileges);
  const auto* const elsewhere = request.elsewhere.get();
  if (verdict.permit || elsewhere == nullptr || privileges == Privileges::no || governing.strictly ||
      !is_about(*elsewhere, target, context))
    return verdict;
  if (!elsewhere->permit) {
    if (verdict.grants) context.roles = verdict.grants->roles();
    const auto decision = authz::decide(context, elsewhere->views());
    if (!decision.permit) return verdict;
    verdict.decision = decision;
  }
  verdict.permit = verdict.from_elsewhere = true;
  verdict.fixed = nullptr;
  return verdict;
}

Verdict PolicyEnforcement::judge_here(const Request& request, const Governing& governing,
                                      const Resource& target, authz::RequestContext context,
                                      Privileges privileges) const {
  if (request.administrator && !governing.strictly) return {true, "administrator", {}, {}};
  auto grants = governing.strictly ? std::nullopt : grants_for(request, target);
  if (governing.only) {
    // The empty id of the CSE itself matches nobody.
    const bool same =
        request.originator && !governing.only->empty() && to_string(*request.originator) == *governing.only;
    if (same) return {true, "creator or owner", {}, {}};
    if (!grants && governing.sets.empty()) return {false, "no policy: creator or owner only", {}, {}};
  }
  if (!grants) {
    const auto decision = authz::decide(context, governing.sets);
    return {decision.permit, nullptr, decision, {}};
  }
  context.roles = grants->roles();
  auto sets = governing.sets;
  if (privileges == Privileges::yes) sets.insert(sets.end(), grants->sets().begin(), grants->sets().end());
  const auto decision = authz::decide(context, sets);
  return {decision.permit, nullptr, decision, std::move(grants)};
}

namespace {

/// The answer depends on what was read for it.
void see(Request& request, const Resource& target, const Governing& governing) {
  request.seen = std::max({request.seen, governing.seen, target.changed});
  for (const auto* const policy : governing.policies) request.seen = std::max(request.seen, policy->changed);
}

}  // namespace

bool PolicyEnforcement::enforce(Request& request, const Resource& target, const Governing& governing,
                                const Verdict& verdict) {
  see(request, target, governing);
  ++(verdict.permit ? core_.counters.permitted : core_.counters.denied);
  record(core_, verdict.permit ? AuditEventId::access_permitted : AuditEventId::access_denied, request,
         whole_reason(request, verdict, governing),
         verdict.permit ? Rsc::ok : Rsc::originator_has_no_privilege);
  return verdict.permit;
}

bool PolicyEnforcement::permits(Request& request, const Target& target, authz::Op op,
                                std::optional<std::uint32_t> child_type) {
  const auto found = governing(*target.resource, target.child);
  return enforce(request, *target.resource, *found,
                 judge(request, *found, *target.resource, context(request, *target.resource, op, child_type),
                       privileges_of(*target.resource)));
}

bool PolicyEnforcement::would_permit(const Request& request, const Resource& target, authz::Op op,
                                     std::optional<std::uint32_t> child_type) {
  const auto found = governing(target, VirtualChild::none);
  return judge(request, *found, target, context(request, target, op, child_type), privileges_of(target))
      .permit;
}

bool PolicyEnforcement::would_permit(const Request& request, const Target& target) {
  const auto& primitive = request.primitive();
  const auto child_type = primitive.op == codec::Operation::create ? primitive.ty : std::nullopt;
  const auto found = governing(*target.resource, target.child);
  return judge(request, *found, *target.resource,
               context(request, *target.resource, operation_of(primitive), child_type),
               privileges_of(*target.resource))
      .permit;
}

authz::LocationDemand PolicyEnforcement::location_demand(const Request& request, const Target& target) {
  const auto& primitive = request.primitive();
  const auto child_type = primitive.op == codec::Operation::create ? primitive.ty : std::nullopt;
  const auto found = governing(*target.resource, target.child);
  const auto asked = context(request, *target.resource, operation_of(primitive), child_type);
  const auto grants = found->strictly ? std::nullopt : grants_for(request, *target.resource);
  const auto* const elsewhere = request.elsewhere.get();
  if (!grants && elsewhere == nullptr) return authz::location_demand(asked, found->sets);
  auto with_grants = asked;
  auto sets = found->sets;
  if (elsewhere != nullptr) {
    const auto views = elsewhere->views();
    sets.insert(sets.end(), views.begin(), views.end());
  }
  if (grants) with_grants.roles = grants->roles();
  if (grants && privileges_of(*target.resource) == Privileges::yes)
    sets.insert(sets.end(), grants->sets().begin(), grants->sets().end());
  return authz::location_demand(with_grants, sets);
}

std::vector<std::string> PolicyEnforcement::permitting_roles(const Request& request, const Target& target) {
  const auto& primitive = request.primitive();
  const auto child_type = primitive.op == codec::Operation::create ? primitive.ty : std::nullopt;
  const auto found = governing(*target.resource, target.child);
  return authz::roles_that_permit(context(request, *target.resource, operation_of(primitive), child_type),
                                  found->sets, kPermittingRolesMax);
}

bool PolicyEnforcement::permits_policy_change(Request& request, const Resource& target) {
  Governing found;
  const auto* const references = target.list("acpi");
  if (references == nullptr || references->empty()) {
    found.only = target.created_by;
  } else {
    add_policies(found, *references, true);
  }
  return enforce(request, target, found,
                 judge(request, found, target, context(request, target, authz::Op::update, std::nullopt),
                       Privileges::no));
}

std::vector<const Resource*> PolicyEnforcement::policies(const Target& target) {
  return governing(*target.resource, target.child)->policies;
}

Access::Judgement PolicyEnforcement::judge(Request& request, const Target& target,
                                           const std::vector<const Resource*>& policies) {
  const auto& primitive = request.primitive();
  const auto child_type = primitive.op == codec::Operation::create ? primitive.ty : std::nullopt;
  const auto op = operation_of(primitive);
  Governing of_policies;
  for (const auto* const policy : policies) add(of_policies, *policy, compiled(*policy).privileges.get());
  const Resource elsewhere;  // neither id nor type: rules that ask for its type do not match
  const bool hosted = target.resource != nullptr;
  const auto found = hosted ? governing(*target.resource, target.child) : nullptr;
  const auto& governs = hosted ? *found : of_policies;
  const auto& resource = hosted ? *target.resource : elsewhere;
  const auto verdict =
      judge(request, governs, resource, context(request, resource, op, child_type), privileges_of(resource));
  see(request, resource, governs);
  return {verdict.permit, whole_reason(request, verdict, governs)};
}

std::string PolicyEnforcement::explain(const Request& request, const Target& target, authz::Op op,
                                       std::optional<std::uint32_t> child_type) {
  const auto found = governing(*target.resource, target.child);
  auto asked = context(request, *target.resource, op, child_type);
  const auto verdict = judge(request, *found, *target.resource, asked, privileges_of(*target.resource));
  std::string text =
      "The target is " + core_.tree.path(*target.resource) + " (" + target.resource->ri + "). ";
  if (found->only) {
    text += found->only->empty() ? "No policy applies; it belongs to the CSE itself.\n"
                                 : "No policy applies; only " + *found->only + " has access.\n";
  } else {
    text += found->names.empty() ? "None of the policies it refers to can be read.\n"
                                 : "It is governed by " + joined(found->names) + ".\n";
  }
  text += request.rq_authn ? "The originator counts as authenticated.\n"
                           : "The originator does not count as authenticated.\n";
  if (const auto outside = roles_outside(request.evidence.get()); !outside.empty())
    text += "Does not count, being " + outside + ".\n";
  if (!verdict.permit) text += asked_elsewhere(core_.options, target, found->policies);
  if (verdict.fixed != nullptr)
    return text + (verdict.permit ? "permitted: " : "denied: ") + verdict.fixed + "\n";
  auto sets = found->sets;
  auto names = found->names;
  if (verdict.grants) {
    asked.roles = verdict.grants->roles();
    if (privileges_of(*target.resource) == Privileges::yes)
      sets.insert(sets.end(), verdict.grants->sets().begin(), verdict.grants->sets().end());
    verdict.grants->append_names(names);
  }
  return text + authz::explain(asked, sets, names);
}

// Groups as originators (PIP).

const GroupMembers& PolicyEnforcement::members(const Resource& group) const {
  auto& known = members_[&group];
  if (known.changed == group.changed) return known;
  known = {};
  known.changed = group.changed;
  const auto* const mid = group.list("mid");
  if (mid == nullptr) return known;
  const auto& own = core_.options.cse_id;
  for (const auto& entry : *mid) {
    const std::string_view text(entry.get_string());
    const auto id = text.starts_with('/') ? parse_entity_id(text, own.sp()) : fail(ErrorCode::not_found, "");
    if (id) {
      known.ids.insert(to_string(*id));
    } else {
      known.addresses.emplace_back(text);
    }
  }
  return known;
}

std::optional<bool> PolicyEnforcement::is_member(std::string_view group_id,
                                                 const EntityId& originator) const {
  const auto* const group = live(core_.tree.resolve(group_id), codec::Ty::grp);
  if (group == nullptr) return std::nullopt;
  const std::string id = to_string(originator);
  // Level by level, each group once: groups may list themselves and each other, in several forms.
  std::unordered_set<const Resource*> asked{group};
  std::vector<const Resource*> level{group}, below;
  const auto is_it = [&](const std::string& address) {
    const auto target = core_.tree.resolve(address);
    if (target.resource == nullptr) return false;
    const auto* const next = live(target, codec::Ty::grp);
    if (next == nullptr) return entity_of(*target.resource, core_.options.cse_id) == id;
    if (asked.insert(next).second) below.push_back(next);
    return false;
  };
  for (std::uint32_t depth = 0; depth <= kNestedGroupsMax && !level.empty(); ++depth) {
    below.clear();
    for (const auto* const one : level) {
      const auto& known = members(*one);
      if (known.ids.contains(id) || std::ranges::any_of(known.addresses, is_it)) return true;
    }
    level.swap(below);
  }
  return level.empty() ? std::optional(false) : std::nullopt;
}

}  // namespace latchkey::cse
