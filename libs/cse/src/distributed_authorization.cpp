#include "distributed_authorization.h"

#include <algorithm>
#include <array>

#include "access.h"
#include "information.h"

namespace latchkey::cse {

namespace {

using codec::Ty;

std::string address_of(const Core& core, const Target& target) {
  auto address = core.tree.sp_relative_path(*target.resource);
  if (target.child == VirtualChild::fan_out) address += "/fopt";
  return address;
}

/// What the service subscription does not permit is not passed on: the PDP does not know the subscription.
bool permitted(const Evidence& evidence, const std::string& role) {
  return !evidence.permitted_roles ||
         std::ranges::find(*evidence.permitted_roles, role) != evidence.permitted_roles->end();
}
bool permitted(const Evidence& evidence, const authz::Token& token) {
  return std::ranges::all_of(token.permissions, [&](const auto& permission) {
    return std::ranges::all_of(permission.role_ids,
                               [&](const auto& role) { return permitted(evidence, role); });
  });
}

/// Tokens by their text where the request brought it, the others by Token-ID.
void add_evidence(codec::DecisionRequest& question, const Request& request) {
  if (request.evidence == nullptr) return;
  const auto& evidence = *request.evidence;
  for (const auto& role : request.primitive().rids)
    if (permitted(evidence, role)) question.role_ids.push_back(role);
  const auto& texts = request.primitive().tkns;
  for (std::size_t i = 0; i < evidence.tokens.size(); ++i) {
    if (!permitted(evidence, *evidence.tokens[i])) continue;
    if (i < texts.size())
      question.tokens.push_back(texts[i]);
    else
      question.token_ids.push_back(evidence.tokens[i]->token_id);
  }
  for (auto* const list : {&question.role_ids, &question.tokens, &question.token_ids})
    if (list->size() > codec::kInformationMax) list->resize(codec::kInformationMax);
}

codec::DecisionRequest question_about(const Core& core, const Request& request, std::string target) {
  const auto& primitive = request.primitive();
  codec::DecisionRequest question{.target = std::move(target), .originator = *request.originator};
  question.operation = primitive.op;
  question.created_type = primitive.op == codec::Operation::create ? primitive.ty : std::nullopt;
  if (primitive.fc) question.filter_usage = primitive.fc->usage;
  question.request_time = request.in.received != TimePoint() ? request.in.received : core.clock.now();
  question.location = known_place(request);
  question.ip = own_address(request);
  add_evidence(question, request);
  return question;
}

std::shared_ptr<Elsewhere> about(const Request& request, const Target& target) {
  const auto& primitive = request.primitive();
  auto out = std::make_shared<Elsewhere>();
  out->ri = target.resource->ri;
  out->op = operation_of(primitive);
  out->child_type = primitive.op == codec::Operation::create ? primitive.ty : std::nullopt;
  return out;
}

/// A PDP cannot be told that an originator is not authenticated, and takes it as one that is (decision 0032).
/// The policies of a PRP are evaluated here, where rq_authn is known.
std::vector<std::string> pdps_for(const Core& core, const Request& request,
                                  std::span<const Resource* const> policies) {
  return request.rq_authn ? points_for(core.options, PointKind::pdp, policies) : std::vector<std::string>();
}

/// The CSE that hosts a point: bare AE-ID-Stems in its policies are AEs of that CSE.
std::optional<CseId> host_of(const std::string& point, const SpId& home) {
  const auto address = ResourceAddress::parse(point);
  if (!address || address->cse.empty()) return std::nullopt;
  if (address->sp.empty()) {
    auto id = CseId::from_stem(home, address->cse);
    return id ? std::optional(*std::move(id)) : std::nullopt;
  }
  auto sp = Fqdn::parse(address->sp);
  auto id = sp ? CseId::from_stem(SpId(*std::move(sp)), address->cse) : Result<CseId>(fail(sp.error()));
  return id ? std::optional(*std::move(id)) : std::nullopt;
}

/// All of them or none: what cannot be read might have been meant to say more.
void take_policies(Elsewhere& known, const SpId& home, const std::string& point,
                   const codec::PolicyResponse& response) {
  const auto host = host_of(point, home);
  known.failed = true;
  if (!host) {
    known.said = "its address has no CSE-ID";
    return;
  }
  for (std::size_t i = 0; i < response.policies.size(); ++i) {
    auto set = authz::RuleSet::compile(response.policies[i], host->sp(), *host);
    if (!set) {
      known.sets.clear();
      known.said = "policy " + std::to_string(i) + " cannot be read: " + set.error().detail;
      return;
    }
    known.sets.push_back(*std::move(set));
    known.names.push_back("policy " + std::to_string(i) + " of the PRP " + point);
  }
  known.failed = false;
  known.said = "its policies do not permit";
}

/// Who only says who it is takes no place from who has shown it.
std::string requester_of(const Request& request) {
  return (request.rq_authn ? "" : "?") + to_string(*request.originator);
}

}  // namespace

bool DistributedAuthorization::concerns(const Request& request, const Target& target) const {
  const auto& options = core_.options;
  if (options.pdps.addresses.empty() && options.prps.addresses.empty()) return false;
  if (!request.originator || decided_here(*target.resource)) return false;
  const auto policies = core_.access->policies(target);
  return !pdps_for(core_, request, policies).empty() ||
         !points_for(options, PointKind::prp, policies).empty();
}

void DistributedAuthorization::ask(const Request& request, const Target& target, Done done) {
  const auto policies = core_.access->policies(target);
  auto pdps = pdps_for(core_, request, policies);
  auto prps = points_for(core_.options, PointKind::prp, policies);
  auto known = about(request, target);
  auto address = address_of(core_, target);
  if (pdps.empty())
    return add_policies(std::move(known), std::move(prps), std::move(address), requester_of(request),
                        std::move(done));
  auto question = question_about(core_, request, address);
  client_.ask(
      std::move(pdps), std::move(question),
      [this, known, prps = std::move(prps), address = std::move(address), requester = requester_of(request),
       done = std::move(done)](PointClient::Answer<codec::DecisionResponse> answer) mutable {
        known->point = "the PDP " + answer.point;
        known->permit = answer.response && answer.response->permit;
        known->said = !answer.response ? answer.response.error().detail : known->permit ? "PERMIT" : "DENY";
        if (known->permit || prps.empty()) return done(std::move(known));
        add_policies(std::move(known), std::move(prps), std::move(address), std::move(requester),
                     std::move(done));
      });
}

void DistributedAuthorization::add_policies(std::shared_ptr<Elsewhere> known, std::vector<std::string> prps,
                                            std::string address, std::string requester, Done done) {
  client_.ask(std::move(prps), codec::PolicyRequest{std::move(address)}, std::move(requester),
              [this, known = std::move(known),
               done = std::move(done)](PointClient::Answer<codec::PolicyResponse> answer) mutable {
                known->point = "the PRP " + answer.point;
                if (answer.response) {
                  take_policies(*known, core_.options.cse_id.sp(), answer.point, *answer.response);
                } else {
                  known->failed = answer.response.error().code != ErrorCode::not_found;
                  known->said = answer.response.error().detail;
                }
                done(std::move(known));
              });
}

}  // namespace latchkey::cse
