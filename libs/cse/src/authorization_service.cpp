#include "authorization_service.h"

#include <algorithm>

#include "access.h"
#include "pattern.h"
#include "procedures.h"
#include "trail.h"

namespace latchkey::cse {

using codec::AuthorizationStatus;
using codec::refuse;
using codec::Ty;

namespace {

/// What `to` of a question means to this CSE: a resource of its own, or policies for one of another.
struct Subject {
  Target hosted;  ///< resource null: of another CSE, or not there
  std::vector<const Resource*> policies;
  std::uint64_t seen = 0;  ///< what is not there any more
};

/// SP-relative within our own SP, as the configuration writes it.
std::string foreign_address(const Core& core, const ResourceAddress& address) {
  auto plain = address;
  if (plain.sp == core.options.cse_id.sp().fqdn().folded()) {
    plain.scope = ResourceAddress::Scope::sp_relative;
    plain.sp.clear();
  }
  return plain.text();
}

bool expired(const Core& core, const Resource& resource) {
  return resource.expires && *resource.expires <= core.clock.now();
}

void add_foreign_policies(const Core& core, const std::string& address, Subject& subject) {
  for (const auto& entry : core.options.foreign_targets) {
    if (!matches_pattern(entry.resources, address, Reach::whole)) continue;
    for (const auto& reference : entry.policies) {
      const auto target = core.tree.resolve(reference);
      const auto* const policy = target.resource;
      subject.seen = std::max(subject.seen, target.seen);
      if (policy == nullptr || !policy->is(Ty::acp) || expired(core, *policy)) continue;
      if (std::ranges::find(subject.policies, policy) == subject.policies.end())
        subject.policies.push_back(policy);
    }
  }
}

/// A CSE-relative address would mean a resource of whoever asks to him, and one of ours to us.
Outcome<Subject> subject_of(const Core& core, std::string_view element, const std::string& to) {
  const auto address = ResourceAddress::parse(to);
  if (!address || address->scope == ResourceAddress::Scope::cse_relative)
    return refuse(Rsc::bad_request, std::string(element) + ".to: must name the CSE of the resource");
  Subject subject;
  if (!core.tree.hosts(*address)) {
    add_foreign_policies(core, foreign_address(core, *address), subject);
    return subject;
  }
  auto target = core.tree.resolve(*address);
  subject.seen = target.seen;
  if (target.resource == nullptr || expired(core, *target.resource) || decided_here(*target.resource))
    return subject;
  subject.policies = core.access->policies(target);
  subject.hosted = std::move(target);
  return subject;
}

std::shared_ptr<const authz::Location> place(const codec::OriginatorLocation& location) {
  authz::Location out;
  out.country = location.country;
  if (location.circle) out.coordinates = {(*location.circle)[0], (*location.circle)[1]};
  return std::make_shared<const authz::Location>(std::move(out));
}

/// The request that the question is about, as if it had come here.
Request imagined(const Request& asker, const codec::DecisionRequest& question, TimePoint now) {
  Request out;
  out.in.security = asker.in.security;
  out.in.peer = asker.in.peer;
  out.in.received = question.request_time.value_or(now);
  out.in.peer_ip = question.ip;
  out.originator = question.originator;
  out.rq_authn = true;  // decision 0019
  auto& primitive = out.in.primitive;
  primitive.op = question.operation;
  primitive.to = question.target;
  primitive.from = to_string(question.originator);
  if (question.operation == codec::Operation::create) primitive.ty = question.created_type;
  if (question.filter_usage) primitive.fc.emplace().usage = question.filter_usage;
  primitive.rids = question.role_ids;
  primitive.tids = question.token_ids;
  primitive.tkns = question.tokens;
  // A circle says where the originator may be: the place is known if it is a point.
  const bool known =
      question.location && (!question.location->circle || (*question.location->circle)[2] == 0);
  if (known) out.location = place(*question.location);
  return out;
}

}  // namespace

bool is_offered(const CseOptions& options, std::uint32_t ty) noexcept {
  switch (static_cast<Ty>(ty)) {
    case Ty::auds:
      return options.offers_pdp;
    case Ty::aupy:
      return options.offers_prp;
    case Ty::auif:
      return options.offers_pip;
    default:
      return true;
  }
}

bool is_authorization_point(const Resource& resource) noexcept {
  return resource.is(Ty::auds) || resource.is(Ty::aupy) || resource.is(Ty::auif);
}

bool is_question(const json::value& pc) noexcept {
  const auto* const outer = pc.if_object();
  if (outer == nullptr || outer->size() != 1 || !outer->begin()->value().is_object()) return true;
  const auto& members = outer->begin()->value().get_object();
  return members.empty() ||
         !std::ranges::all_of(members, [](const auto& member) { return is_common(member.key()); });
}

Outcome<void> check_point_creation(const Core& core, const Request& request, std::uint32_t ty) {
  if (!is_offered(core.options, ty))
    return refuse(Rsc::not_implemented, "ty: this CSE does not decide, hold policies or inform for others");
  if (codec::resource_type(ty) != nullptr && ty >= static_cast<std::uint32_t>(Ty::auds) &&
      ty <= static_cast<std::uint32_t>(Ty::auif) && !request.administrator)
    return refuse(Rsc::originator_has_no_privilege, "created by the administrator alone");
  return {};
}

void AuthorizationService::answer(Request&& request, const Resource& point, Respond respond) {
  if (!is_offered(core_.options, point.ty))
    return core_.refuse(request, {Rsc::not_implemented, "no longer offered here"}, std::move(respond));
  if (point.is(Ty::auds)) return decide(std::move(request), std::move(respond));
  if (point.is(Ty::aupy)) return give_policies(std::move(request), std::move(respond));
  give_information(std::move(request), std::move(respond));
}

/// The UPDATE response carries what was found and nothing besides (TS-0004 7.4.43.2.3).
void AuthorizationService::reply(const Request& request, json::value pc, Respond respond) {
  auto response = response_to(request.primitive(), Rsc::updated);
  if (request.primitive().rcn != codec::ResultContent::nothing) response.pc = std::move(pc);
  core_.answer(request, std::move(response), std::move(respond));
}

// ---- PDP

struct AuthorizationService::Case {
  Request asker;
  Request about;
  EntityId originator;  ///< of `about`
  Respond respond;
};

void AuthorizationService::decide(Request&& request, Respond respond) {
  const auto question = codec::read_decision_request(request.primitive().pc);
  if (!question) return core_.refuse(request, question.error(), std::move(respond));
  if (auto subject = subject_of(core_, codec::kAuthorizationDecision, question->target); !subject)
    return core_.refuse(request, std::move(subject).error(), std::move(respond));
  auto about = imagined(request, *question, core_.clock.now());
  collect(std::make_shared<Case>(Case{.asker = std::move(request),
                                      .about = std::move(about),
                                      .originator = question->originator,
                                      .respond = std::move(respond)}));
}

/// Steps 006 and 007.
void AuthorizationService::collect(const CasePtr& open) {
  if (!information_.needed(open->about.primitive(), open->about.originator)) return retrieve_policies(open);
  const auto subject = subject_of(core_, {}, open->about.primitive().to);
  const auto policies = subject ? subject->policies : std::vector<const Resource*>();
  information_.collect(
      open->about, points_for(core_.options, PointKind::pip, policies), [this, open](auto collected) {
        if (collected) {
          open->about.evidence = *std::move(collected);
          return retrieve_policies(open);
        }
        const codec::DecisionResponse none{.status = collected.error().missing
                                                         ? AuthorizationStatus::missing_attribute
                                                         : AuthorizationStatus::syntax_error};
        record(core_, AuditEventId::access_denied, open->about,
               "as PDP of another CSE: " + collected.error().reason, Rsc::originator_has_no_privilege);
        reply(open->asker, codec::to_content(none), std::move(open->respond));
      });
}

/// Steps 004 and 005.
void AuthorizationService::retrieve_policies(const CasePtr& open) {
  const auto& about = open->about;
  open->about.evidence = information_.within_subscription(
      open->originator, {}, information_.with_held(open->originator, about.evidence));
  const auto subject = subject_of(core_, {}, about.primitive().to);
  auto prps =
      subject ? points_for(core_.options, PointKind::prp, subject->policies) : std::vector<std::string>();
  if (prps.empty()) return conclude(open);
  auto known = std::make_shared<Elsewhere>();
  if (subject->hosted.resource != nullptr) known->ri = subject->hosted.resource->ri;
  known->op = operation_of(about.primitive());
  known->child_type = about.primitive().ty;
  distributed_.add_policies(std::move(known), std::move(prps), about.primitive().to,
                            to_string(open->originator),
                            [this, open](std::shared_ptr<const Elsewhere> found) {
                              open->about.elsewhere = std::move(found);
                              conclude(open);
                            });
}

/// Steps 008 and 009. What has changed since the question came counts.
void AuthorizationService::conclude(const CasePtr& open) {
  auto& about = open->about;
  const auto subject = subject_of(core_, {}, about.primitive().to);
  const auto* const elsewhere = about.elsewhere.get();
  codec::DecisionResponse response{.status = AuthorizationStatus::not_applicable};
  std::string reason = "nothing applies to the target";
  const bool retrieved = elsewhere != nullptr && !elsewhere->sets.empty();
  if (subject && (subject->hosted.resource != nullptr || !subject->policies.empty() || retrieved)) {
    auto judgement = core_.access->judge(about, subject->hosted, subject->policies);
    response = {.status = AuthorizationStatus::ok, .permit = judgement.permit};
    reason = std::move(judgement.reason);
  }
  // A policy that could not be had might have permitted.
  if (elsewhere != nullptr && elsewhere->failed && !response.permit) {
    response = {.status = AuthorizationStatus::processing_error};
    reason = elsewhere->point + ": " + elsewhere->said;
  }
  record(core_, response.permit ? AuditEventId::access_permitted : AuditEventId::access_denied, about,
         "as PDP of another CSE: " + reason, response.permit ? Rsc::ok : Rsc::originator_has_no_privilege);
  open->asker.seen = std::max({open->asker.seen, about.seen, subject ? subject->seen : 0});
  reply(open->asker, codec::to_content(response), std::move(open->respond));
}

// ---- PRP

void AuthorizationService::give_policies(Request&& request, Respond respond) {
  const auto question = codec::read_policy_request(request.primitive().pc);
  if (!question) return core_.refuse(request, question.error(), std::move(respond));
  const auto subject = subject_of(core_, codec::kAuthorizationPolicy, question->target);
  if (!subject) return core_.refuse(request, subject.error(), std::move(respond));
  codec::PolicyResponse response{.status = AuthorizationStatus::not_applicable, .policies = {}};
  request.seen = std::max(request.seen, subject->seen);
  for (const auto* const policy : subject->policies) {
    request.seen = std::max(request.seen, policy->changed);
    const auto* const privileges = policy->attributes.if_contains("pv");
    if (privileges != nullptr) response.policies.push_back(*privileges);
  }
  const bool any = !response.policies.empty();
  if (any) response.status = AuthorizationStatus::ok;
  // What the requester could not read is not sent in part.
  if (any && !codec::read_policy_response(codec::to_content(response), *question))
    response = {.status = AuthorizationStatus::processing_error, .policies = {}};
  reply(request, codec::to_content(response), std::move(respond));
}

// ---- PIP

namespace {

json::object shown(const Resource& resource) {
  auto attributes = resource.attributes;
  attributes.erase("acpi");
  attributes.erase("daci");
  return attributes;
}

}  // namespace

void AuthorizationService::give_information(Request&& request, Respond respond) {
  const auto question = codec::read_information_request(request.primitive().pc);
  if (!question) return core_.refuse(request, question.error(), std::move(respond));
  const auto holder = to_string(question->originator);
  const auto now = core_.clock.now();
  codec::InformationResponse response{.status = AuthorizationStatus::ok, .roles = {}, .tokens = {}};
  const auto give = [&](const Resource& resource) {
    auto& list = resource.is(Ty::rol) ? response.roles : response.tokens;
    if (list.size() >= codec::kInformationMax) return;
    request.seen = std::max(request.seen, resource.changed);
    list.push_back(shown(resource));
  };
  for (const auto& role_id : question->role_ids)
    for (const auto* const role : core_.tree.roles(role_id, holder, now)) give(*role);
  for (const auto& token_id : question->token_ids) {
    const auto* const token = core_.tree.find_token(token_id, now);
    if (token != nullptr && token->text("tkhd") == holder) give(*token);
  }
  if (question->role_ids.empty() && question->token_ids.empty())
    for (const auto* const held : core_.tree.held_by(holder, now)) give(*held);
  if (response.roles.empty() && response.tokens.empty())
    response.status = AuthorizationStatus::not_applicable;
  reply(request, codec::to_content(response), std::move(respond));
}

}  // namespace latchkey::cse
