#include "information.h"

#include <algorithm>

#include "app_rules.h"
#include "latchkey/base/bytes.h"
#include "latchkey/codec/dynamic_authorization.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::cse {

namespace {

constexpr std::size_t kTokensKept = 10'000;
constexpr std::size_t kHoldersMax = 10'000, kHeldTokensMax = 16;
constexpr std::size_t kQuestionsOfOneRequest = 16;
constexpr std::size_t kQuestionsMax = 1'000;  // of repositories and DAS servers, unanswered

std::vector<authz::Authority> authorities_of(const authz::TokenTrust& trust) {
  std::vector<authz::Authority> authorities;
  for (const auto& issuer : trust.issuers) authorities.push_back(issuer.authority);
  return authorities;
}

/// RETRIEVE of the <role> or <token> resources below a repository's CSEBase with this id (and holder).
RequestPrimitive question_to_repository(const std::string& repository, codec::Ty type, const std::string& id,
                                        const std::string& holder) {
  RequestPrimitive request;
  request.op = codec::Operation::retrieve;
  request.to = repository;
  request.rcn = codec::ResultContent::children;
  codec::FilterCriteria filter;
  filter.types = {static_cast<std::uint32_t>(type)};
  filter.attributes = {{type == codec::Ty::rol ? "rlid" : "tkid", id}};
  if (type == codec::Ty::rol) filter.attributes.emplace_back("tkhd", holder);
  filter.level = 1;
  request.fc = std::move(filter);
  return request;
}

/// The resources of that type in the answer to such a question.
std::vector<json::object> resources_in(const json::value& pc, codec::Ty type) {
  std::vector<json::object> found;
  const auto* const outer = pc.if_object();
  if (outer == nullptr || outer->size() != 1) return found;
  const auto* const base = outer->begin()->value().if_object();
  const auto element = codec::resource_type(static_cast<std::uint32_t>(type))->element;
  const auto* const list = base != nullptr ? base->if_contains(element) : nullptr;
  if (list == nullptr || !list->is_array()) return found;
  for (const auto& entry : list->get_array())
    if (entry.is_object()) found.push_back(entry.get_object());
  return found;
}

}  // namespace

/// One request whose evidence is being put together.
struct PolicyInformation::Gathering {
  std::optional<EntityId> originator;
  std::vector<std::string> pips;
  TimePoint now;
  Done done;
  std::shared_ptr<Evidence> evidence = std::make_shared<Evidence>();
  std::vector<codec::LocalTokenId> assigned;
  std::optional<EvidenceRefused> refused;  // the first defect decides
  std::size_t questions = 0;               // to repositories and DAS servers so far
  std::size_t open = 1;                    // questions without answer, and collect() itself

  void refuse(std::string reason, bool missing = false) {
    if (refused) return;
    refused = EvidenceRefused{{Rsc::originator_has_no_privilege, "a token of the request is not valid here"},
                              std::move(reason),
                              missing};
  }
};

PolicyInformation::PolicyInformation(Core& core, DasClient& das, PointClient& points)
    : core_(core),
      das_(das),
      points_(points),
      verifier_(core.options.cse_id, *this),
      shelf_(kTokensKept, "lt" + to_hex(crypto::random_bytes(4)) + "-") {
  core_.tree.token_gone = [this](const std::string& token_id) { remember_gone(token_id); };
}

PolicyInformation::~PolicyInformation() { core_.tree.token_gone = nullptr; }

Status PolicyInformation::configure(authz::TokenTrust trust) {
  auto authorities = authorities_of(trust);
  if (auto configured = verifier_.configure(std::move(trust)); !configured) return configured;
  authorities_ = std::move(authorities);
  shelf_.clear();
  held_.clear();
  confirmed_.clear();
  return {};
}

std::optional<std::string> PolicyInformation::normalise(const ResourceAddress& address) const {
  const auto& own = core_.options.cse_id;
  if (address.scope != ResourceAddress::Scope::cse_relative && address.cse != own.stem()) return std::nullopt;
  if (address.scope == ResourceAddress::Scope::absolute && address.sp != own.sp().fqdn().folded())
    return std::nullopt;
  std::string name;
  for (const auto& segment : address.segments) {
    if (!name.empty()) name += '/';
    name += name.empty() && segment == "-" ? core_.options.cse_base_name : segment;
  }
  return name.empty() ? core_.options.cse_base_name : name;
}

authz::Checked<std::shared_ptr<const authz::Token>> PolicyInformation::admit(std::string_view jwt,
                                                                             const EntityId& originator,
                                                                             const EntityId& das) {
  auto token = verifier_.verify(jwt, originator, core_.clock.now());
  if (!token) return token;
  if ((*token)->issuer != das)
    return authz::reject(authz::Defect::issuer, "not the DAS Server that was asked", (*token)->token_id);
  static_cast<void>(shelf_.keep(*token));
  confirm(*token);
  if (held_.size() >= kHoldersMax) held_.clear();  // they are asked for again
  auto& held = held_[to_string(originator)];
  std::erase_if(held, [&](const auto& other) { return other->token_id == (*token)->token_id; });
  if (held.size() >= kHeldTokensMax) held.erase(held.begin());
  held.push_back(*token);
  return token;
}

std::shared_ptr<const Evidence> PolicyInformation::with_held(const EntityId& originator,
                                                             std::shared_ptr<const Evidence> known) {
  if (held_.empty()) return known;
  const auto found = held_.find(to_string(originator));
  if (found == held_.end()) return known;
  std::erase_if(found->second,
                [now = core_.clock.now()](const auto& token) { return token->not_after <= now; });
  if (found->second.empty()) {
    held_.erase(found);
    return known;
  }
  auto more = known != nullptr ? std::make_shared<Evidence>(*known) : std::make_shared<Evidence>();
  for (const auto& token : found->second)
    if (!must_ask(*token, core_.clock.now()) && std::ranges::find(more->tokens, token) == more->tokens.end())
      more->tokens.push_back(token);
  return more;
}

bool PolicyInformation::needed(const RequestPrimitive& request,
                               const std::optional<EntityId>& originator) const {
  return !request.tkns.empty() || !request.tids.empty() || !request.ltids.empty() || !request.rids.empty() ||
         (originator && !unconfirmed(*originator).empty());
}

// Whether what was issued is still valid (decision 0031).

/// A token of an issuer whose tokens are checked, and not confirmed lately.
bool PolicyInformation::must_ask(const authz::Token& token, TimePoint now) const {
  const auto& checks = core_.options.token_checks;
  const auto check = std::ranges::find(checks, token.issuer, &CseOptions::TokenCheck::issuer);
  if (check == checks.end()) return false;
  const auto confirmed = confirmed_.find(token.token_id);
  return confirmed == confirmed_.end() || confirmed->second + check->age <= now;
}

/// Its <token> was here and was taken away.
bool PolicyInformation::deleted(const authz::Token& token, TimePoint now) const {
  return gone_.contains(token.token_id) && core_.tree.find_token(token.token_id, now) == nullptr;
}

void PolicyInformation::remember_gone(const std::string& token_id) {
  if (!gone_.insert(token_id).second) return;
  gone_in_order_.push_back(token_id);
  if (gone_in_order_.size() <= kTokensKept) return;
  gone_.erase(gone_in_order_.front());
  gone_in_order_.pop_front();
}

void PolicyInformation::confirm(const Token& token) {
  if (confirmed_.size() >= kTokensKept) confirmed_.clear();  // they are asked for again
  confirmed_.insert_or_assign(token->token_id, core_.clock.now());
}

std::vector<TokenShelf::Token> PolicyInformation::unconfirmed(const EntityId& originator) const {
  std::vector<Token> out;
  if (held_.empty() || core_.options.token_checks.empty()) return out;
  const auto held = held_.find(to_string(originator));
  if (held == held_.end()) return out;
  const auto now = core_.clock.now();
  for (const auto& token : held->second)
    if (token->not_after > now && must_ask(*token, now)) out.push_back(token);
  return out;
}

bool PolicyInformation::proves(std::string_view jwt, const authz::Token& token, const Gathering& gathering) {
  const auto other = verifier_.verify(jwt, *gathering.originator, gathering.now);
  return other && (*other)->token_id == token.token_id;
}

/// Where its domain keeps tokens, or its DAS Server, still has it. A <token> here may be one that nobody
/// could read when it was made, so its name alone says nothing.
void PolicyInformation::ask_whether_valid(const GatheringPtr& gathering, const Token& token,
                                          UniqueFunction<void(bool)> done) {
  const auto* const stored = core_.tree.find_token(token->token_id, gathering->now);
  if (stored != nullptr && proves(stored->text("tkob"), *token, *gathering)) {
    confirm(token);
    return done(true);
  }
  fetch(gathering, codec::Ty::tk, token->token_id,
        [this, gathering, token, done = std::move(done)](const Found& found) mutable {
          const bool valid = std::ranges::any_of(found, [&](const json::object& entry) {
            const auto* const jwt = entry.if_contains("tkob");
            return jwt != nullptr && jwt->is_string() && proves(jwt->get_string(), *token, *gathering);
          });
          if (valid) confirm(token);
          done(valid);
        });
}

/// What a DAS Server gave and does not know any more is nobody's any more.
void PolicyInformation::confirm_held(const GatheringPtr& gathering) {
  for (const auto& token : unconfirmed(*gathering->originator))
    ask_whether_valid(gathering, token, [this, gathering, token](bool valid) {
      if (valid) return;
      const auto held = held_.find(to_string(*gathering->originator));
      if (held != held_.end()) std::erase(held->second, token);
    });
}

tl::expected<std::shared_ptr<const Evidence>, std::string> PolicyInformation::suppose(
    const EntityId& originator, const Hypothetical& question) {
  auto evidence = std::make_shared<Evidence>();
  for (const auto& role : question.roles) evidence->roles.push_back({role, "the question"});
  for (const auto& jwt : question.tokens) {
    auto token = verifier_.verify(jwt, originator, question.time.value_or(core_.clock.now()));
    if (!token) return tl::unexpected(to_string(token.error(), "token"));
    evidence->tokens.push_back(*std::move(token));
  }
  return within_subscription(originator, {}, with_held(originator, std::move(evidence)));
}

std::shared_ptr<const Evidence> PolicyInformation::within_subscription(
    const EntityId& originator, const std::optional<CredentialId>& credential,
    std::shared_ptr<const Evidence> known) const {
  const auto* const ae = std::get_if<AeId>(&originator);
  if (known == nullptr || known->empty() || ae == nullptr || core_.tree.find_ae(*ae) == nullptr) return known;
  auto permitted = app_rule_roles(core_.tree, credential, ae->stem());
  if (permitted == known->permitted_roles) return known;
  auto limited = std::make_shared<Evidence>(*known);
  limited->permitted_roles = std::move(permitted);
  return limited;
}

void PolicyInformation::collect(const Request& request, std::vector<std::string> pips, Done done) {
  const auto& primitive = request.primitive();
  const auto gathering = std::make_shared<Gathering>();
  gathering->done = std::move(done);
  gathering->pips = std::move(pips);
  gathering->now = core_.clock.now();
  if (!request.originator) {
    gathering->refuse("tokens and roles need an originator");
    return finish(*gathering);
  }
  gathering->originator = request.originator;
  confirm_held(gathering);
  for (const auto& jwt : primitive.tkns) take_token(gathering, jwt);
  for (const auto& local_id : primitive.ltids) take_local_id(gathering, local_id);
  for (const auto& token_id : primitive.tids) take_token_id(gathering, token_id);
  for (const auto& role_id : primitive.rids) take_role_id(gathering, role_id);
  finish(*gathering);
}

/// 7.3.2.3 steps 6.1.1 to 6.1.3.
void PolicyInformation::take_token(const GatheringPtr& gathering, std::string_view jwt) {
  auto token = verifier_.verify(jwt, *gathering->originator, gathering->now);
  if (!token) return gathering->refuse(to_string(token.error(), "token"));
  accept(gathering, *token);
}

/// Step 6.1.4, and whatever its issuer has said of it since.
void PolicyInformation::accept(const GatheringPtr& gathering, const Token& token) {
  const auto take = [this, gathering, token] {
    if (auto local_id = shelf_.keep(token); !local_id.empty())
      gathering->assigned.push_back({std::move(local_id), token->token_id});
    gathering->evidence->tokens.push_back(token);
  };
  if (deleted(*token, gathering->now))
    return gathering->refuse("token " + token->token_id + " was deleted here", true);
  if (!must_ask(*token, gathering->now)) return take();
  ask_whether_valid(gathering, token, [gathering, token, take](bool valid) {
    if (valid) return take();
    gathering->refuse("token " + token->token_id + " is not confirmed by where its domain keeps tokens",
                      true);
  });
}

void PolicyInformation::take_local_id(const GatheringPtr& gathering, const std::string& local_id) {
  auto token = shelf_.by_local_id(*gathering->originator, local_id);
  if (token == nullptr)
    return gathering->refuse("ltids: a Local-Token-ID that is not known for this originator");
  const auto valid = authz::TokenVerifier::check_content(*token, *gathering->originator, gathering->now);
  if (!valid) return gathering->refuse(to_string(valid.error(), "token"));
  accept(gathering, token);
}

/// From the shelf, from a <token> here, or from where the domain keeps it.
void PolicyInformation::take_token_id(const GatheringPtr& gathering, const std::string& token_id) {
  if (const auto known = shelf_.by_id(token_id); known != nullptr) {
    const auto valid = authz::TokenVerifier::check_content(*known, *gathering->originator, gathering->now);
    if (!valid) return gathering->refuse(to_string(valid.error(), "token"));
    return accept(gathering, known);
  }
  if (const auto* const stored = core_.tree.find_token(token_id, gathering->now); stored != nullptr)
    return take_token(gathering, stored->text("tkob"));
  fetch(gathering, codec::Ty::tk, token_id, [this, gathering, token_id](const Found& found) {
    for (const auto& entry : found) {
      const auto* const jwt = entry.if_contains("tkob");
      if (jwt == nullptr || !jwt->is_string()) continue;
      const auto token = verifier_.verify(jwt->get_string(), *gathering->originator, gathering->now);
      if (!token) return gathering->refuse(to_string(token.error(), "token"));
      if ((*token)->token_id == token_id) confirm(*token);  // it has just been handed out
      accept(gathering, *token);
    }
    const auto has_it = [&](const auto& token) { return token->token_id == token_id; };
    if (std::ranges::none_of(gathering->evidence->tokens, has_it))
      gathering->refuse("tids: token " + token_id + " could not be retrieved", true);
  });
}

/// 7.4.3 step 4: a role that does not count is passed over.
bool PolicyInformation::take_role(Gathering& gathering, const json::object& attributes,
                                  const std::string& source) {
  const auto role = authz::read_role(attributes);
  if (!role || !authz::check_role(*role, *gathering.originator, gathering.now, authorities_)) return false;
  gathering.evidence->roles.push_back({role->role_id, source});
  return true;
}

void PolicyInformation::take_role_id(const GatheringPtr& gathering, const std::string& role_id) {
  for (const auto* const role : core_.tree.roles(role_id, to_string(*gathering->originator), gathering->now))
    if (take_role(*gathering, role->attributes, role->ri)) return;
  fetch(gathering, codec::Ty::rol, role_id, [gathering, role_id, this](const Found& found) {
    for (const auto& role : found) {
      const auto* const named = role.if_contains("rlid");
      if (named == nullptr || !named->is_string() || named->get_string() != role_id) continue;
      if (take_role(*gathering, role, "<role> of its repository")) return;
    }
  });
}

/// Requests that need the same of a repository or DAS Server at the same time ask once.
void PolicyInformation::fetch(const GatheringPtr& gathering, codec::Ty type, const std::string& id,
                              Waiter waiter) {
  ++gathering->open;
  const std::string holder = to_string(*gathering->originator);
  const auto* const repository = repository_of(id);
  auto pips = repository == nullptr ? gathering->pips : std::vector<std::string>();
  std::string question = (type == codec::Ty::rol ? holder : std::string()) + "\n" + id;
  // What one asked before another came may be older than what a PIP has acknowledged since (decision 0019).
  if (!pips.empty()) question += "\n" + std::to_string(++pip_questions_);
  // One request must not become hundreds.
  const bool too_many = ++gathering->questions > kQuestionsOfOneRequest;
  if (too_many || (asked_.size() >= kQuestionsMax && !asked_.contains(question))) {
    waiter({});
    return finish(*gathering);
  }
  auto& waiting = asked_[question];
  waiting.push_back([gathering, waiter = std::move(waiter)](const Found& found) mutable {
    waiter(found);
    finish(*gathering);
  });
  if (waiting.size() > 1) return;
  if (repository != nullptr) return ask_repository(question, *repository, type, id, holder);
  if (!pips.empty()) return ask_pips(question, std::move(pips), type, id, *gathering->originator);
  const auto* const das = type == codec::Ty::tk ? das_.of_domain(id) : nullptr;
  if (das == nullptr) return answer(question, {});
  ask_das(question, *das, *gathering->originator, id);
}

const CseOptions::Repository* PolicyInformation::repository_of(const std::string& scoped_id) const {
  const auto id = KeyId::parse(scoped_id);
  if (!id) return nullptr;
  const auto& all = core_.options.repositories;
  const auto found = std::ranges::find(all, id->issuer(), &CseOptions::Repository::domain);
  return found != all.end() ? &*found : nullptr;
}

void PolicyInformation::ask_repository(const std::string& question, const CseOptions::Repository& repository,
                                       codec::Ty type, const std::string& id, const std::string& holder) {
  core_.router->send(repository.cse_base, core_.options.cse_id.absolute(),
                     question_to_repository(repository.cse_base, type, id, holder),
                     core_.options.consultation_timeout,
                     [this, question, type](const Result<ResponsePrimitive>& response) {
                       const bool found = response && response->rsc == Rsc::ok;
                       answer(question, found ? resources_in(response->pc, type) : Found());
                     });
}

/// 6.2.2 steps 006 and 007. What it says is looked at as if it stood here.
void PolicyInformation::ask_pips(const std::string& question, std::vector<std::string> pips, codec::Ty type,
                                 const std::string& id, const EntityId& originator) {
  codec::InformationRequest request{.originator = originator};
  (type == codec::Ty::rol ? request.role_ids : request.token_ids) = {id};
  points_.ask(std::move(pips), std::move(request),
              [this, question, type](PointClient::Answer<codec::InformationResponse> given) {
                auto& response = given.response;
                if (!response) return answer(question, {});
                answer(question, type == codec::Ty::rol ? response->roles : response->tokens);
              });
}

/// 7.3.2.3 step 5: the DAS Server hands out the token of this id.
void PolicyInformation::ask_das(const std::string& question, const DasClient::Server& das,
                                const EntityId& originator, const std::string& token_id) {
  codec::DasRequest request{.originator = originator};
  request.token_ids = {token_id};
  das_.ask(das, request, [this, question](const Result<codec::DasResponse>& response) {
    Found found;
    if (response)
      for (const auto& token : response->tokens) found.push_back({{"tkob", token}});
    answer(question, found);
  });
}

void PolicyInformation::answer(const std::string& question, const Found& found) {
  const auto waiting = asked_.extract(question);
  if (waiting.empty()) return;
  for (auto& waiter : waiting.mapped()) waiter(found);
}

void PolicyInformation::finish(Gathering& gathering) {
  if (--gathering.open > 0) return;
  auto done = std::move(gathering.done);
  if (gathering.refused) return done(tl::unexpected(std::move(*gathering.refused)));
  if (!gathering.assigned.empty())
    gathering.evidence->assigned = codec::to_local_token_ids(gathering.assigned);
  done(std::shared_ptr<const Evidence>(std::move(gathering.evidence)));
}

}  // namespace latchkey::cse
