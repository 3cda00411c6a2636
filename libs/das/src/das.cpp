#include "latchkey/das/das.h"

#include <algorithm>

#include "authority.h"
#include "issuers.h"
#include "latchkey/base/log.h"
#include "latchkey/codec/dynamic_authorization.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::das {

namespace {

using codec::DasRequest;
using codec::DasResponse;
using codec::Outcome;
using codec::refuse;
using codec::Rsc;
using Kind = Issued::Kind;

constexpr std::chrono::seconds kExpireEvery{10};
constexpr std::size_t kExpireAtOnce = 1'000;
constexpr std::size_t kDrawnOctets = 16;  // no id can be guessed

std::string drawn_id() { return to_hex(crypto::random_bytes(kDrawnOctets)); }

/// One request on its way; `identity` is who the session proved, never what From says alone.
struct Call {
  bind::IncomingRequest request;
  const EntityId* identity = nullptr;
  const HostingCse* cse = nullptr;  ///< whose resource is asked for
  std::optional<DasRequest> asked;
  std::optional<e2e::SecuredRequest> secured;  ///< what `asked` came in
  bool direct = false;
};

struct Answer {
  codec::ResponsePrimitive response;
  store::Batch changes;
  AuditEventId event = AuditEventId::token_refused;
  std::string reason;
};

Answer refusal(const Call& call, Rsc rsc, std::string why) {
  Answer out;
  out.response = codec::refusal_response(call.request.primitive, {rsc, why});
  out.reason = std::move(why);
  return out;
}

/// What is wrong with a secured request stands in the log alone.
Answer secured_refusal(const Call& call, codec::Refusal refused) {
  Answer out;
  out.response =
      codec::refusal_response(call.request.primitive, {refused.rsc, "not accepted by this DAS Server"});
  out.reason = std::move(refused.detail);
  return out;
}

/// Unique for its source only.
std::string name_of(const e2e::SecuredRequest& request) {
  return request.source.absolute() + " " + request.id;
}

codec::ResponsePrimitive ok_response(const Call& call, codec::json::value pc) {
  codec::ResponsePrimitive out;
  out.rsc = Rsc::ok;
  out.rqi = call.request.primitive.rqi;
  out.rvi = call.request.primitive.rvi;
  out.pc = std::move(pc);
  return out;
}

/// No reason on the wire: whoever asks learns nothing of the policies.
Answer denial(const Call& call, std::string why) {
  Answer out;
  out.response = call.direct ? ok_response(call, codec::to_security_info(DasResponse{}))
                             : codec::refusal_response(call.request.primitive,
                                                       {Rsc::originator_has_no_privilege, "not granted"});
  out.reason = std::move(why);
  return out;
}

/// A point that is known only within some radius is not known.
std::optional<authz::Location> location_of(const DasRequest& request) {
  if (!request.originator_location) return std::nullopt;
  authz::Location out;
  out.country = request.originator_location->country;
  const auto& circle = request.originator_location->circle;
  if (circle && (*circle)[2] == 0) out.coordinates = std::pair((*circle)[0], (*circle)[1]);
  return out;
}

codec::TokenSummary summary_of(const Issued& token) {
  codec::TokenSummary out{.token_id = token.id,
                          .not_before = token.issued,
                          .not_after = token.not_after,
                          .name = {},
                          .audience = {}};
  if (!token.name.empty()) out.name = token.name;
  if (!token.cse.empty()) out.audience = {token.cse};
  return out;
}

}  // namespace

struct Das::Impl {
  Impl(DasOptions given, std::shared_ptr<const Issuers> i, store::Store& s,
       const secure_env::SecureEnvironment& se, Executor& e, const Clock& c, AuditSink& a,
       bind::RequestSender* repository)
      : options(std::move(given)),
        issuers(std::move(i)),
        store(s),
        environment(se),
        executor(e),
        clock(c),
        audit(a),
        authority({.options = options,
                   .ledger = ledger,
                   .executor = e,
                   .clock = c,
                   .audit = a,
                   .repository = repository,
                   .issue_token = [this](const Assignment& assignment) { return role_token(assignment); },
                   .commit = [this](store::Batch batch,
                                    Task then) { commit(std::move(batch), std::move(then)); }}) {}
  ~Impl() { executor.cancel(timer); }

  DasOptions options;
  std::shared_ptr<const Issuers> issuers;
  store::Store& store;
  const secure_env::SecureEnvironment& environment;
  Executor& executor;
  const Clock& clock;
  AuditSink& audit;
  Ledger ledger;
  Authority authority;
  std::uint64_t requests = 0, granted = 0, denied = 0;
  bool store_failed = false;
  Executor::TimerId timer{};
  std::shared_ptr<Impl*> self = std::make_shared<Impl*>(this);  // expires with us: late commits find nobody

  // ---- durability

  void schedule_expiry() {
    timer = executor.after(kExpireEvery, [this] {
      store::Batch batch;
      ledger.expire(clock.now(), kExpireAtOnce, batch);
      if (!batch.empty()) commit(std::move(batch), [] {});
      schedule_expiry();
    });
  }

  /// `then` runs on the executor's thread when the batch is durable; `otherwise` when it is not.
  void commit(
      store::Batch batch, Task then, Task otherwise = [] {}) {
    store.commit(std::move(batch),
                 [weak = std::weak_ptr<Impl*>(self), &executor = executor, then = std::move(then),
                  otherwise = std::move(otherwise)](Status status) mutable {
                   executor.post([weak, status = std::move(status), then = std::move(then),
                                  otherwise = std::move(otherwise)]() mutable {
                     const auto alive = weak.lock();
                     if (!alive) return;
                     if (status) return then();
                     (*alive)->fail_stop(status.error());
                     otherwise();
                   });
                 });
  }

  /// For the administrator, who waits.
  Status commit_now(store::Batch batch) {
    auto done = store.commit_and_wait(std::move(batch));
    if (!done) fail_stop(done.error());
    return done;
  }

  // Memory is ahead of the disk now: nothing may be answered from it as if it were kept.
  void fail_stop(const Error& error) {
    if (store_failed) return;
    store_failed = true;
    log::error("das", "store failed, refusing all requests: " + error.detail);
    audit.record({.id = AuditEventId::store_failure, .time = clock.now(), .reason = error.detail});
    if (options.store_failed) options.store_failed(error);
  }

  void record(const Call& call, const Answer& answer) {
    const auto& security = *call.request.security;
    audit.record(
        {.id = answer.event,
         .time = clock.now(),
         .originator = call.asked ? to_string(call.asked->originator) : call.request.primitive.from,
         .peer = call.request.peer,
         .operation =
             std::string(codec::to_string(call.asked ? call.asked->operation : call.request.primitive.op)),
         .target = call.asked ? call.asked->target.value_or("") : call.request.primitive.to,
         .credential_id = security.credential_id ? security.credential_id->text() : security.psk_identity,
         .reason = answer.reason,
         .status = static_cast<int>(answer.response.rsc)});
  }

  // ---- who asks, and for what

  Outcome<void> identify(Call& call) const {
    const auto& security = *call.request.security;
    if (call.request.listener != bind::ListenerKind::secure || security.framework == tls::Framework::none)
      return refuse(Rsc::security_association_required,
                    "a DAS Server answers inside an authenticated TLS session only");
    if (!security.identity)
      return refuse(Rsc::originator_has_not_registered, "the TLS session proved no AE-ID or CSE-ID");
    if (security.valid_until && *security.valid_until <= clock.now())
      return refuse(Rsc::security_association_required, "the credential of this session has expired");
    call.identity = &*security.identity;
    const auto from = parse_entity_id(call.request.primitive.from, options.home);
    if (!from || *from != *call.identity)
      return refuse(Rsc::originator_has_no_privilege, "From is not the identity of this TLS session");
    return {};
  }

  /// "-", as a URL that names the server alone has it; absolute, SP-relative or as a stem; "//<FQDN>/-" for
  /// an issuer that is a name.
  bool is_own_address(std::string_view to) const {
    if (to == "-") return true;
    if (const auto* ae = std::get_if<AeId>(&options.id))
      return to == ae->absolute() || to == ae->sp_relative() || to == ae->stem();
    if (const auto* cse = std::get_if<CseId>(&options.id))
      return to == cse->absolute() || to == cse->sp_relative();
    const auto name = "//" + to_string(options.id) + "/-";
    return to == name || to == name + "/";
  }

  Outcome<void> read(Call& call) const {
    const auto& request = call.request.primitive;
    if (auto valid = codec::check_request(request, clock.now()); !valid) return valid;
    if (request.op != codec::Operation::notify)
      return refuse(Rsc::operation_not_allowed, "a DAS Server is asked by NOTIFY");
    if (!is_own_address(request.to)) return refuse(Rsc::not_found, "not the address of this DAS Server");
    if (codec::is_secured_token_request(request.pc)) return {};  // see open
    auto message = codec::read_das_message(request.pc, clock.now());
    if (!message) return refuse(message.error());
    auto* const asked = std::get_if<DasRequest>(&*message);
    if (asked == nullptr)
      return refuse(Rsc::bad_request, "m2m:seci.sit: a DAS Server is asked, not answered");
    call.asked = std::move(*asked);
    return {};
  }

  /// 7.3.2.3 step 3: "applies ESData to extract". What comes out is the word of the CSE that secured it.
  Outcome<void> open(Call& call) const {
    if (options.secured_requests == nullptr)
      return refuse(Rsc::not_implemented, "this DAS Server has no keys for secured requests");
    const auto sdr = codec::read_secured_token_request(call.request.primitive.pc);
    if (!sdr) return refuse(sdr.error());
    auto secured = options.secured_requests->open(*sdr, clock.now());
    if (!secured) return refuse(std::move(secured).error());
    auto asked = codec::read_das_request(secured->request, clock.now());
    if (!asked) return refuse(Rsc::originator_has_no_privilege, "sdr: dreq" + asked.error().detail);
    if (ledger.used(name_of(*secured)))
      return refuse(Rsc::originator_has_no_privilege, "sdr: a token was issued for it before");
    if (hosting(secured->source) == nullptr)
      return refuse(Rsc::originator_has_no_privilege, "sdr: iss is no CSE that the DAS Server answers");
    if (asked->originator != *call.identity)
      return refuse(Rsc::originator_has_no_privilege,
                    "sdr: made for " + to_string(asked->originator) + ", not for who brings it");
    call.asked = std::move(*asked);
    call.secured = std::move(*secured);
    return {};
  }

  const HostingCse* hosting(const CseId& id) const {
    const auto found = std::ranges::find(options.hosting_cses, id, &HostingCse::id);
    return found == options.hosting_cses.end() ? nullptr : &*found;
  }

  /// The target in absolute form; relative ones belong to the CSE that asks, or to the provider of the
  /// originator.
  std::optional<ResourceAddress> target_of(const Call& call, const SpId& sp,
                                           const std::optional<CseId>& cse) const {
    if (!call.asked->target) return std::nullopt;
    auto address = ResourceAddress::parse(*call.asked->target);
    if (!address || !address->attribute.empty()) return std::nullopt;
    if (address->scope == ResourceAddress::Scope::cse_relative) {
      if (!cse) return std::nullopt;
      address->cse = cse->stem();
    }
    if (address->scope != ResourceAddress::Scope::absolute) address->sp = sp.fqdn().folded();
    address->scope = ResourceAddress::Scope::absolute;
    return *address;
  }

  static bool belongs_to(const ResourceAddress& address, const CseId& cse) {
    return address.sp == cse.sp().fqdn().folded() && address.cse == cse.stem();
  }

  // ---- the two flows

  Answer run(Call& call) {
    if (auto ok = identify(call); !ok) return refusal(call, ok.error().rsc, ok.error().detail);
    if (auto ok = read(call); !ok) return refusal(call, ok.error().rsc, ok.error().detail);
    if (!call.asked) {
      if (auto ok = open(call); !ok) return secured_refusal(call, ok.error());
      auto answer = secured(call);
      answer.reason = "secured by " + call.secured->source.absolute() + ": " + answer.reason;
      return answer;
    }
    // A CSE that asks for itself does so as an originator.
    const auto* const cse = std::get_if<CseId>(call.identity);
    call.direct = cse != nullptr && call.asked->originator != *call.identity;
    return call.direct ? direct(call, *cse) : indirect(call);
  }

  Answer direct(Call& call, const CseId& asking) {
    call.cse = hosting(asking);
    if (call.cse == nullptr)
      return refusal(call, Rsc::originator_has_no_privilege,
                     "this CSE is not one that the DAS Server answers");
    auto target = target_of(call, asking.sp(), asking);
    if (target && !belongs_to(*target, asking))
      return refusal(call, Rsc::originator_has_no_privilege, "trid: not a resource of the CSE that asks");
    // 7.3.2.3 step 5. Beside a target the ids only tell what the originator has (table 7.3.2.2-1).
    if (!call.asked->token_ids.empty() && !call.asked->target) return retrieve(call);
    Query query = query_of(call, std::move(target));
    query.ip = call.asked->originator_ip;
    query.location = location_of(*call.asked);
    query.target_type = call.asked->target_type;
    return decide(call, std::move(query));
  }

  /// The originator itself asks: what it says of its address, its place or the type of the target proves
  /// nothing.
  Answer indirect(Call& call) {
    if (call.asked->originator != *call.identity)
      return refusal(call, Rsc::originator_has_no_privilege,
                     "or: not the originator that the TLS session proved");
    const auto* const ae = std::get_if<AeId>(call.identity);
    const auto& sp = ae != nullptr ? ae->sp() : std::get<CseId>(*call.identity).sp();
    auto target = target_of(call, sp, std::nullopt);
    if (!target) return refusal(call, Rsc::bad_request, "trid: must be an absolute or SP-relative address");
    const auto cse = std::ranges::find_if(options.hosting_cses,
                                          [&](const auto& entry) { return belongs_to(*target, entry.id); });
    if (cse == options.hosting_cses.end())
      return denial(call, "trid names no CSE for which tokens are issued");
    call.cse = &*cse;
    if (cse->only_secured_requests)
      return denial(call, "about resources of this CSE one asks with what it secured");
    Query query = query_of(call, std::move(target));
    query.ip = call.request.peer_ip;
    query.tokens_only = true;
    return decide(call, std::move(query));
  }

  /// The same, but what is said of the request are facts: its Hosting CSE saw them.
  Answer secured(Call& call) {
    const auto& source = call.secured->source;
    call.cse = hosting(source);
    auto target = target_of(call, source.sp(), source);
    if (!target || !belongs_to(*target, source))
      return denial(call, "trid: not a resource of the CSE that secured the request");
    Query query = query_of(call, std::move(target));
    query.ip = call.asked->originator_ip ? call.asked->originator_ip : call.request.peer_ip;
    query.location = location_of(*call.asked);
    query.target_type = call.asked->target_type;
    query.tokens_only = true;
    return decide(call, std::move(query));
  }

  Query query_of(const Call& call, std::optional<ResourceAddress> target) const {
    if (target && !target->segments.empty() && target->segments.front() == "-")
      target->segments.front() = call.cse->base_name;
    return {.originator = &call.asked->originator,
            .operation = call.asked->operation,
            .target = std::move(target),
            .now = clock.now(),
            .proposed_end = call.asked->proposed_end,
            .useful_roles = call.asked->roles_from_acps};
  }

  Answer decide(Call& call, Query query) {
    if (ledger.size() >= options.records_max) return denial(call, "no room for further records");
    const auto holder = to_string(call.asked->originator);
    // A role counts if we assigned it: what a request says of it is a claim.
    std::vector<std::string> roles;
    for (const auto& role : call.asked->originator_roles)
      if (ledger.holds_role(holder, role, query.now)) roles.push_back(role);
    query.roles = roles;
    const auto verdict = options.policy->decide(
        query, [&](const std::string& grant) { return ledger.live(grant, holder, query.now); });
    if (verdict.grant == nullptr) return denial(call, verdict.reason);
    if (verdict.grant->gives == Gift::policy &&
        ledger.recalled(verdict.grant->name, holder, query.target ? query.target->text() : "", query.now))
      return denial(call, "grant " + verdict.grant->name +
                              ": a policy of it was recalled and would not have ended yet");
    return verdict.grant->gives == Gift::policy ? give_policy(call, query, verdict)
                                                : give_token(call, query, verdict);
  }

  static Issued issued_for(const Call& call, const Query& query, const Verdict& verdict) {
    return {.id = {},
            .grant = verdict.grant->name,
            .holder = to_string(call.asked->originator),
            .cse = call.cse->id.absolute(),
            .target = query.target ? query.target->text() : std::string(),
            .issued = std::chrono::floor<std::chrono::seconds>(query.now),
            .not_after = verdict.end,
            .roles = {},
            .name = {},
            .jwt = {}};
  }

  static std::string in_words(const Verdict& verdict, const Issued& issued) {
    return verdict.reason + ": " + issued.id + " until " + format_timestamp(issued.not_after);
  }

  /// 7.3.2.2 step 3.1: dynamicACPInfo.
  Answer give_policy(const Call& call, const Query& query, const Verdict& verdict) {
    auto issued = issued_for(call, query, verdict);
    issued.kind = Kind::policy;
    issued.id = "policy-" + drawn_id();
    DasResponse response;
    response.acp = codec::DynamicAcpInfo{
        .privileges = granted_privileges(*verdict.grant, call.asked->originator), .end = verdict.end};
    Answer out;
    out.event = AuditEventId::policy_granted;
    out.reason = in_words(verdict, issued);
    out.response = ok_response(call, codec::to_security_info(response));
    ledger.put(std::move(issued), out.changes);
    return out;
  }

  Answer give_token(const Call& call, const Query& query, const Verdict& verdict) {
    auto issued = issued_for(call, query, verdict);
    issued.id = drawn_id() + "@" + options.domains.front().folded();
    issued.roles = verdict.roles;
    issued.name = verdict.grant->token_name;
    authz::TokenPermission permission{
        .resource_ids = verdict.grant->granted_resources, .privileges = {}, .role_ids = verdict.roles};
    if (verdict.grant->granted_operations != 0) {
      if (permission.resource_ids.empty()) permission.resource_ids = {issued.target};
      permission.privileges = granted_privileges(*verdict.grant, call.asked->originator);
    }
    auto jwt = sign(issued, call.asked->originator, std::move(permission), call.cse->id);
    if (!jwt) {
      log::error("das", "grant " + verdict.grant->name + ": " + jwt.error().detail);
      return denial(call, verdict.reason + ": the token cannot be made: " + jwt.error().detail);
    }
    issued.jwt = std::move(*jwt);
    Answer out;
    out.event = AuditEventId::token_issued;
    out.reason = in_words(verdict, issued);
    out.response = ok_response(call, token_content(call, issued, verdict.grant->hand_out));
    ledger.put(std::move(issued), out.changes);
    if (call.secured) ledger.use(name_of(*call.secured), call.secured->end, out.changes);
    return out;
  }

  static codec::json::value token_content(const Call& call, const Issued& token, bool hand_out) {
    if (call.direct) return codec::to_security_info(DasResponse{.acp = {}, .tokens = {token.jwt}});
    codec::TokenGrant grant{.summaries = {summary_of(token)}, .tokens = {}};
    if (hand_out) grant.tokens = {token.jwt};
    return codec::to_content(grant);
  }

  /// 7.3.2.2 step 3.1: holder is the originator, audience the Hosting CSE alone.
  Result<std::string> sign(const Issued& issued, const EntityId& holder, authz::TokenPermission permission,
                           const std::optional<CseId>& cse) const {
    authz::TokenClaimSet claims{.token_id = issued.id,
                                .holder = holder,
                                .issuer = options.id,
                                .not_before = issued.issued,
                                .not_after = issued.not_after,
                                .token_name = {},
                                .audience = {},
                                .permissions = {},
                                .extension = {}};
    if (!issued.name.empty()) claims.token_name = issued.name;
    if (cse) claims.audience = {cse->absolute()};
    claims.permissions.push_back(std::move(permission));
    return issuers->issue(claims, cse);
  }

  /// 7.4.2.3 step 1.
  Result<Issued> role_token(const Assignment& assignment) const {
    const auto holder = parse_entity_id(assignment.holder, options.home);
    if (!holder) return fail(holder.error());
    Issued out{.id = drawn_id() + "@" + options.domains.front().folded(),
               .kind = Kind::token,
               .grant = {},
               .holder = assignment.holder,
               .cse = {},
               .target = {},
               .issued = assignment.not_before,
               .not_after = assignment.not_after,
               .roles = {assignment.role_id},
               .name = assignment.name,
               .jwt = {}};
    auto jwt =
        sign(out, *holder, {.resource_ids = {}, .privileges = {}, .role_ids = out.roles}, std::nullopt);
    if (!jwt) return fail(jwt.error());
    out.jwt = std::move(*jwt);
    audit.record({.id = AuditEventId::token_issued,
                  .time = clock.now(),
                  .originator = out.holder,
                  .target = assignment.role_id,
                  .reason = assignment.id + ": " + out.id + " until " + format_timestamp(out.not_after)});
    return out;
  }

  /// 7.3.2.3 step 5: those that are valid now, for this originator and this CSE.
  Answer retrieve(const Call& call) const {
    const auto holder = to_string(call.asked->originator);
    const auto cse = call.cse->id.absolute();
    DasResponse response;
    std::string given, withheld;
    for (const auto& id : call.asked->token_ids) {
      const auto* const token = ledger.issued(id, clock.now());
      const bool valid = token != nullptr && token->kind == Kind::token && !token->revoked &&
                         token->holder == holder && (token->cse.empty() || token->cse == cse) &&
                         response.tokens.size() < codec::kDasTokensMax;
      (valid ? given : withheld) += " " + id;
      if (valid) response.tokens.push_back(token->jwt);
    }
    if (response.denies())
      return denial(call, "none of the token ids is valid for this originator:" + withheld);
    Answer out;
    out.event = AuditEventId::token_retrieved;
    out.reason = "handed out" + given + (withheld.empty() ? "" : "; withheld" + withheld);
    out.response = ok_response(call, codec::to_security_info(response));
    return out;
  }
};

Das::Das(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Das::~Das() = default;

Result<std::unique_ptr<Das>> Das::open(DasOptions options, store::Store& store,
                                       const secure_env::SecureEnvironment& environment, Executor& executor,
                                       const Clock& clock, AuditSink& audit,
                                       bind::RequestSender* repository) {
  auto issuers = Issuers::make(options, environment);
  if (!issuers) return fail(issuers.error());
  auto impl = std::make_unique<Impl>(std::move(options), std::move(*issuers), store, environment, executor,
                                     clock, audit, repository);
  if (auto loaded = impl->ledger.load(store); !loaded)
    return fail("loading the records of the DAS", loaded.error());
  impl->schedule_expiry();
  impl->authority.resume();
  return std::make_unique<Das>(std::move(impl));
}

Status Das::replace(DasOptions options) {
  auto issuers = Issuers::make(options, impl_->environment);
  if (!issuers) return fail(issuers.error());
  if (options.id != impl_->options.id || options.domains != impl_->options.domains)
    return fail(ErrorCode::conflict, "identity and domains change with a restart only");
  options.store_failed = std::move(impl_->options.store_failed);  // whom to tell is no policy
  impl_->options = std::move(options);
  impl_->issuers = std::move(*issuers);
  return {};
}

void Das::handle(bind::IncomingRequest request, bind::Respond respond) {
  auto& das = *impl_;
  ++das.requests;
  Call call{.request = std::move(request), .asked = {}};
  Answer answer;
  if (das.store_failed) {
    answer = refusal(call, Rsc::internal_server_error, "the store of the DAS Server has failed");
  } else if (das.store.queue_depth() > das.options.store_queue_limit) {
    answer = refusal(call, Rsc::internal_server_error, "overloaded, try again later");
  } else {
    answer = das.run(call);
  }
  ++(answer.event == AuditEventId::token_refused ? das.denied : das.granted);
  das.record(call, answer);
  if (answer.changes.empty()) return respond(std::move(answer.response));
  // Answered when it is kept: what somebody has, we know of, whatever happens to us.
  auto shared = std::make_shared<bind::Respond>(std::move(respond));
  auto failed = refusal(call, Rsc::internal_server_error, "not stored").response;
  das.commit(
      std::move(answer.changes),
      [shared, response = std::move(answer.response)]() mutable { (*shared)(std::move(response)); },
      [shared, failed = std::move(failed)]() mutable { (*shared)(std::move(failed)); });
}

std::vector<const Issued*> Das::issued(std::string_view holder) const {
  return impl_->ledger.list(holder, impl_->clock.now());
}

Status Das::revoke(const std::string& id) {
  auto& das = *impl_;
  const auto now = das.clock.now();
  const auto* const found = das.ledger.issued(id, now);
  if (found == nullptr) return fail(ErrorCode::not_found, "nothing that is valid has this id");
  for (const auto& [other, assignment] : das.ledger.assignments())
    if (assignment.token_id == id)
      return fail(ErrorCode::conflict, "is the token of " + other + ": revoke that");
  store::Batch batch;
  if (das.ledger.revoke(id, batch)) {
    das.audit.record(
        {.id = found->kind == Kind::token ? AuditEventId::token_revoked : AuditEventId::admin_action,
         .time = now,
         .originator = found->holder,
         .target = found->target,
         .reason = "revoked " + id});
  }
  if (const auto* assigned = das.ledger.assignment(id);
      assigned != nullptr && assigned->step != Assignment::Step::withdrawn) {
    auto changed = *assigned;
    if (!changed.token_id.empty()) das.ledger.revoke(changed.token_id, batch);
    changed.step = changed.token_id.empty() ? Assignment::Step::delete_role : Assignment::Step::delete_token;
    das.ledger.put(std::move(changed), batch);
  }
  if (batch.empty()) return {};
  if (auto done = das.commit_now(std::move(batch)); !done) return done;
  das.authority.run(id);
  return {};
}

Result<std::string> Das::assign(const Wish& wish) {
  auto& das = *impl_;
  const auto now = das.clock.now();
  if (!das.options.repository) return fail(ErrorCode::unavailable, "no repository is configured");
  const auto refused = [&](const Error& error) {
    das.audit.record({.id = AuditEventId::role_refused,
                      .time = now,
                      .originator = to_string(wish.holder),
                      .target = wish.role_id,
                      .reason = error.detail});
    return fail(error);
  };
  if (das.ledger.size() >= das.options.records_max)
    return refused({ErrorCode::limit, "no room for further records"});
  const auto end = das.options.policy->assignable(wish.role_id, wish.holder, now, wish.lifetime);
  if (!end) return refused(end.error());
  Assignment assignment{.id = "role-" + drawn_id(),
                        .role_id = wish.role_id,
                        .holder = to_string(wish.holder),
                        .name = wish.name,
                        .not_before = std::chrono::floor<std::chrono::seconds>(now),
                        .not_after = *end,
                        .token_id = {},
                        .with_token = wish.with_token,
                        .step = Assignment::Step::create_role,
                        .reason = {}};
  Issued role{.id = assignment.id,
              .kind = Kind::role,
              .grant = {},
              .holder = assignment.holder,
              .cse = {},
              .target = {},
              .issued = assignment.not_before,
              .not_after = assignment.not_after,
              .roles = {assignment.role_id},
              .name = assignment.name,
              .jwt = {}};
  const auto id = assignment.id;
  store::Batch batch;
  das.ledger.put(std::move(role), batch);
  das.ledger.put(std::move(assignment), batch);
  if (auto done = das.commit_now(std::move(batch)); !done) return fail(done.error());
  das.authority.run(id);
  return id;
}

const Assignment* Das::assignment(const std::string& id) const { return impl_->ledger.assignment(id); }

std::vector<const Assignment*> Das::assignments() const {
  std::vector<const Assignment*> out;
  for (const auto& [id, assignment] : impl_->ledger.assignments()) out.push_back(&assignment);
  return out;
}

Das::Counters Das::counters() const {
  return {.requests = impl_->requests,
          .granted = impl_->granted,
          .denied = impl_->denied,
          .records = impl_->ledger.size(),
          .assignments = impl_->ledger.assignments().size()};
}

}  // namespace latchkey::das
