#include "consultation.h"

#include <algorithm>

#include "access.h"
#include "latchkey/base/log.h"
#include "trail.h"

namespace latchkey::cse {

namespace {

constexpr std::chrono::seconds kDenialKept{2};
constexpr std::size_t kDenialsMax = 10'000;
constexpr std::size_t kDynamicPoliciesMax = 100;  // of one resource
constexpr std::chrono::hours kDefaultPolicyLifetime{1};
constexpr std::uint8_t kRetrieveUpdateDelete = 2 + 4 + 8;

bool passed(const Resource& consultation, TimePoint now) {
  const auto* const end = consultation.attributes.if_contains("dal");
  if (end == nullptr) return false;
  const auto time = parse_timestamp(std::string_view(end->get_string()));
  return !time || *time <= now;
}

std::vector<std::string> roles_of(const Evidence* evidence) {
  std::vector<std::string> roles;
  if (evidence == nullptr) return roles;
  for (const auto& role : evidence->roles) roles.push_back(role.role_id);
  for (const auto& token : evidence->tokens)
    for (const auto& permission : token->permissions)
      for (const auto& role : permission.role_ids)
        if (std::ranges::find(roles, role) == roles.end()) roles.push_back(role);
  if (evidence->permitted_roles)
    std::erase_if(roles, [&](const auto& role) {
      return std::ranges::find(*evidence->permitted_roles, role) == evidence->permitted_roles->end();
    });
  if (roles.size() > codec::kDasRolesMax) roles.resize(codec::kDasRolesMax);
  return roles;
}

std::vector<std::string> token_ids_of(const Evidence* evidence) {
  std::vector<std::string> ids;
  if (evidence == nullptr) return ids;
  for (const auto& token : evidence->tokens)
    if (ids.size() < codec::kDasTokenIdsMax) ids.push_back(token->token_id);
  return ids;
}

}  // namespace

/// What is asked, kept while the answer is on its way: the resource may go meanwhile.
struct Consultation::Question {
  Request request;
  EntityId das;
  std::string governed;  ///< ri
  std::optional<TimePoint> lifetime;
  std::chrono::seconds policy_lifetime_max;
};

/// daci of the target, of the nearest resource above it that has one, or the default of the CSE (procedures
/// 12). What is named but not there, switched off or past its time is nobody.
const Resource* Consultation::consultation_of(const Resource& target, Use use) const {
  const auto now = core_.clock.now();
  const auto live = [&](std::string_view address) -> const Resource* {
    const auto found = core_.tree.resolve(address);
    const auto* const resource = found.child == VirtualChild::none ? found.resource : nullptr;
    if (resource == nullptr || !resource->is(codec::Ty::dac)) return nullptr;
    const bool expired = resource->expires && *resource->expires <= now;
    if (expired || passed(*resource, now)) return nullptr;
    // Switched off means that the CSE asks nobody; an originator may still be told whom to ask.
    return use == Use::direct && !resource->flag("dae") ? nullptr : resource;
  };
  for (const Resource* at = &target; at != nullptr; at = at->parent) {
    const auto* const named = at->list("daci");
    if (named == nullptr) continue;
    for (const auto& entry : *named)
      if (const auto* const found = live(std::string_view(entry.get_string())); found != nullptr)
        return found;
    return nullptr;
  }
  return core_.options.default_consultation.empty() ? nullptr : live(core_.options.default_consultation);
}

const DasClient::Server* Consultation::server_of(const Resource* consultation) const {
  const auto* const points = consultation != nullptr ? consultation->list("dap") : nullptr;
  if (points == nullptr) return nullptr;
  for (const auto& point : *points)
    if (const auto* const server = das_.at(std::string_view(point.get_string())); server != nullptr)
      return server;
  return nullptr;
}

namespace {

std::string key_of(const Request& request, const Resource& governed) {
  return to_string(*request.originator) + "\n" + governed.ri + "\n" +
         std::to_string(static_cast<int>(operation_of(request.primitive()))) + "\n" +
         std::to_string(request.primitive().ty.value_or(0));
}

}  // namespace

const DasClient::Server* Consultation::server_for(const Request& request, const Target& target) const {
  // A policy answers to its own selfPrivileges, a channel to its owner: nobody else can grant them.
  if (!request.originator || target.resource->is(codec::Ty::acp) || target.resource->is(codec::Ty::pch))
    return nullptr;
  if (core_.options.das_servers.empty()) return nullptr;
  const auto* const server = server_of(consultation_of(*target.resource, Use::direct));
  if (server == nullptr) return nullptr;
  const auto denied = denied_.find(key_of(request, governed_by(*target.resource)));
  return denied != denied_.end() && denied->second > core_.clock.now() ? nullptr : server;
}

codec::DasRequest Consultation::question(const Request& request, const Target& target,
                                         const DasClient::Server& server,
                                         const std::vector<std::string>& roles) const {
  codec::DasRequest asked{.originator = *request.originator};
  asked.target_type = target.resource->ty;
  asked.operation = request.primitive().op;
  asked.originator_ip = own_address(request);
  asked.originator_location = known_place(request);
  asked.originator_roles = roles_of(request.evidence.get());
  asked.request_time = request.in.received != TimePoint() ? request.in.received : core_.clock.now();
  asked.target = core_.tree.sp_relative_path(*target.resource);
  for (const auto& role : roles)
    if (das_.of_domain(role) == &server) asked.roles_from_acps.push_back(role);
  asked.token_ids = token_ids_of(request.evidence.get());
  return asked;
}

void Consultation::consult(const Request& request, const Target& target, const DasClient::Server& server,
                           Task done) {
  const auto& governed = governed_by(*target.resource);
  const auto key = key_of(request, governed);
  auto& waiting = waiting_[key];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  const auto* const consultation = consultation_of(*target.resource, Use::direct);
  const auto end = consultation != nullptr && consultation->attributes.contains("dal")
                       ? parse_timestamp(consultation->text("dal"))
                       : fail(ErrorCode::not_found, "");
  auto asked = std::make_shared<Question>(Question{.request = request.with(request.primitive()),
                                                   .das = server.id,
                                                   .governed = governed.ri,
                                                   .lifetime = end ? std::optional(*end) : std::nullopt,
                                                   .policy_lifetime_max = server.policy_lifetime_max});
  auto dreq = question(request, target, server, core_.access->permitting_roles(request, target));
  dreq.proposed_end = asked->lifetime;
  das_.ask(server, dreq, [this, key, asked](const Result<codec::DasResponse>& response) {
    if (!response || response->denies()) remember_denial(key);
    take(*asked, response);
    const auto waiters = waiting_.extract(key);
    if (!waiters.empty())
      for (auto& waiter : waiters.mapped()) waiter();
  });
}

void Consultation::remember_denial(const std::string& key) {
  if (denied_.size() >= kDenialsMax) denied_.clear();
  denied_[key] = core_.clock.now() + kDenialKept;
}

/// Step 4.1.
void Consultation::take(const Question& asked, const Result<codec::DasResponse>& response) {
  std::string reason = "DAS Server " + to_string(asked.das) + ": ";
  if (!response) {
    reason += "no answer that counts: " + response.error().detail;
  } else if (response->denies()) {
    reason += "denied";
  } else {
    if (response->acp) reason += grant(asked, *response->acp) + ". ";
    for (const auto& jwt : response->tokens) {
      const auto token = information_.admit(jwt, *asked.request.originator, asked.das);
      reason += token ? "token " + (*token)->token_id + ". " : to_string(token.error(), "token") + ". ";
    }
  }
  const bool granted = response && !response->denies();
  record(core_, AuditEventId::das_consulted, asked.request, std::move(reason),
         granted ? Rsc::ok : Rsc::originator_has_no_privilege);
}

/// Step 4.1.2: an <accessControlPolicy> below the target that governs it until its end. Says what came of it.
std::string Consultation::grant(const Question& asked, const codec::DynamicAcpInfo& granted) {
  Resource* const target = core_.tree.find(asked.governed);
  if (target == nullptr) return "a policy for a resource that is gone";
  if (granted.privileges.is_null()) return "a policy without privileges";
  const auto now = core_.clock.now();
  auto end = granted.end.value_or(now + kDefaultPolicyLifetime);
  if (asked.lifetime) end = std::min(end, *asked.lifetime);
  end = std::min<TimePoint>(end, now + asked.policy_lifetime_max);
  if (target->expires) end = std::min(end, *target->expires);
  if (end <= now) return "a policy that has ended already";
  if (core_.tree.dynamic_policies(*target).size() >= kDynamicPoliciesMax ||
      core_.tree.size() >= core_.options.resources_max)
    return "a policy for which there is no room";
  const auto& own = core_.options.cse_id;
  json::object privileges{
      {"pv", granted.privileges},
      {"pvs", json::object{{"acr", json::array{json::object{{"acor", json::array{own.absolute()}},
                                                            {"acop", kRetrieveUpdateDelete}}}}}}};
  if (auto valid = check_policy(privileges, own); !valid)
    return "a policy that cannot be read: " + valid.error().detail;

  const auto sequence = core_.begin();
  store::Batch batch;
  auto policy = std::make_unique<Resource>();
  policy->ty = static_cast<std::uint32_t>(codec::Ty::acp);
  policy->ri = policy->rn = core_.tree.new_id(policy->ty, batch);
  policy->dynamic = true;
  const auto time = format_timestamp(now);
  policy->attributes = {{"ty", policy->ty},           {"ri", policy->ri}, {"pi", target->ri},
                        {"rn", policy->rn},           {"ct", time},       {"lt", time},
                        {"et", format_timestamp(end)}};
  for (auto& member : privileges) policy->attributes[member.key()] = std::move(member.value());
  auto said = "policy " + policy->ri + " until " + format_log_time(end);
  core_.tree.insert(std::move(policy), target, sequence, batch);
  core_.commit(sequence, std::move(batch));
  return said;
}

/// 7.3.2.3 step 2.2. What should be secured and cannot be is not told at all.
std::optional<codec::DasInfo> Consultation::info_for(const DasClient::Server& server,
                                                     codec::DasRequest asked) const {
  codec::DasInfo info{.uri = server.point_of_access, .request = {}, .secured_request = {}};
  if (server.secured_requests == nullptr) {
    info.request = std::move(asked);
    return info;
  }
  auto secured = server.secured_requests->protect(codec::to_json(asked), core_.clock.now());
  if (!secured) {
    log::error("cse", "nothing can be secured for DAS Server " + to_string(server.id) + ": " +
                          secured.error().detail);
    return std::nullopt;
  }
  info.secured_request = *std::move(secured);
  return info;
}

json::value Consultation::token_request_information(const Request& request, const Target& target) const {
  if (!request.originator) return nullptr;
  const auto roles = core_.access->permitting_roles(request, target);
  std::vector<const DasClient::Server*> servers;
  const auto add = [&](const DasClient::Server* server) {
    if (server != nullptr && std::ranges::find(servers, server) == servers.end()) servers.push_back(server);
  };
  add(server_of(consultation_of(*target.resource, Use::indirect)));
  for (const auto& role : roles) add(das_.of_domain(role));
  if (servers.empty()) return nullptr;
  std::vector<codec::DasInfo> infos;
  for (const auto* const server : servers) {
    if (infos.size() == codec::kDasInfosMax) break;
    if (auto info = info_for(*server, question(request, target, *server, roles)))
      infos.push_back(*std::move(info));
  }
  if (infos.empty()) return nullptr;
  return codec::to_token_request_info(infos);
}

}  // namespace latchkey::cse
