#include "latchkey/cse/cse.h"

#include <unordered_set>
#include <utility>

#include "access.h"
#include "app_rules.h"
#include "base_resources.h"
#include "core.h"
#include "dynamic_authorization.h"
#include "end_to_end.h"
#include "explain.h"
#include "latchkey/base/log.h"
#include "location_policy.h"
#include "originator.h"
#include "registrar.h"
#include "trail.h"

namespace latchkey::cse {

/// The requests that are being answered, by originator and rqi (TS-0004 7.3.2.1).
using InProgress = std::unordered_set<std::string>;

/// Held by a request until its answer leaves, or it is given up.
class Progress {
 public:
  Progress() = default;
  Progress(std::shared_ptr<InProgress> all, std::string id) : all_(std::move(all)), id_(std::move(id)) {}
  Progress(Progress&&) noexcept = default;
  Progress& operator=(Progress&&) = delete;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { end(); }
  void end() {
    if (const auto all = std::exchange(all_, nullptr)) all->erase(id_);
  }

 private:
  std::shared_ptr<InProgress> all_;
  std::string id_;
};

struct Cse::Impl {
  Impl(CseOptions options, store::Store& store, Executor& executor, const Clock& clock, AuditSink& audit,
       Peers& peers)
      : core(std::move(options), store, executor, clock, audit, peers) {
    core.access = std::make_unique<PolicyEnforcement>(core);
    core.subscriptions = make_subscriptions(core);
    core.groups = make_groups(core);
    core.polling = make_polling_channels(core);
    core.router = make_router(core);
    core.authorization = std::make_unique<DynamicAuthorization>(core);
    if (core.options.location != nullptr)
      location = std::make_unique<LocationPolicies>(core, *core.options.location);
  }

  [[nodiscard]] Status start() {
    if (auto trusted = core.authorization->trust(std::exchange(core.options.token_trust, {})); !trusted)
      return fail("issuers of tokens", trusted.error());
    if (auto loaded = core.tree.load(core.store); !loaded)
      return fail("loading the resources", loaded.error());
    if (auto prepared = prepare_base(core); !prepared) return fail("preparing the CSEBase", prepared.error());
    ResourceTree::for_each_descendant(*core.tree.base(), [&](Resource& resource) {
      if (resource.is(codec::Ty::sub)) core.subscriptions->attach(resource);
      if (resource.is(codec::Ty::pch)) core.polling->attach(resource);
    });
    if (location != nullptr) location->start();
    if (core.options.end_to_end) {
      auto made = EndToEnd::make(core, *std::exchange(core.options.end_to_end, {}));
      if (!made) return fail("end-to-end security", made.error());
      core.end_to_end = std::move(*made);
      core.end_to_end->start([this] {
        if (registrar != nullptr) registrar->refresh();
      });
    }
    core.tree.remote_cses_changed = [this] {
      if (registrar != nullptr) registrar->descendants_changed();
    };
    core.schedule_expiry();
    return {};
  }

  void refuse_originator(Request& request, codec::Refusal refusal, Respond respond) {
    ++core.counters.refused_originator;
    record(core, AuditEventId::originator_refused, request, refusal.detail, refusal.rsc);
    core.refuse(request, std::move(refusal), std::move(respond));
  }

  /// nullopt: this originator waits for the answer to another request of the same rqi. Whoever leaves its id
  /// to us cannot be told from others.
  [[nodiscard]] std::optional<Progress> begin(const Request& request) const {
    if (!request.originator) return Progress();
    auto id = to_string(*request.originator) + "\n" + request.primitive().rqi;
    if (!in_progress->insert(id).second) return std::nullopt;
    return Progress(in_progress, std::move(id));
  }

  Core core;
  std::unique_ptr<LocationPolicies> location;
  std::unique_ptr<Registrar> registrar;
  std::shared_ptr<InProgress> in_progress = std::make_shared<InProgress>();  // answers may outlive us
};

namespace {

/// Nothing is read of a request that comes to an IN-CSE without an association (6.1.2.2.1).
bool needs_no_reading(const Core& core, const bind::IncomingRequest& request) {
  return core.options.type == CseType::in && request.listener == bind::ListenerKind::plain;
}

Outcome<void> check_load(const Core& core, const RequestPrimitive& primitive) {
  if (primitive.op != codec::Operation::create || core.writes_waiting() <= core.options.store_queue_limit)
    return {};
  return codec::refuse(Rsc::internal_server_error, "overloaded, try again later");
}

}  // namespace

Cse::Cse(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cse::~Cse() = default;

Result<std::unique_ptr<Cse>> Cse::open(CseOptions options, store::Store& store, Executor& executor,
                                       const Clock& clock, AuditSink& audit, Peers& peers) {
  if (options.type == CseType::in && options.registrar) {
    return fail(ErrorCode::invalid_argument, "an IN-CSE has no registrar");
  }
  if (options.registrar == options.cse_id)
    return fail(ErrorCode::invalid_argument, "a CSE cannot be its own registrar");
  auto impl = std::make_unique<Impl>(std::move(options), store, executor, clock, audit, peers);
  if (auto started = impl->start(); !started) return fail(started.error());
  return std::make_unique<Cse>(std::move(impl));
}

void Cse::handle(bind::IncomingRequest incoming, bind::Respond respond) {
  auto& core = impl_->core;
  ++core.counters.requests;
  Request request;
  request.in = std::move(incoming);
  if (!needs_no_reading(core, request.in)) {
    auto valid = check_load(core, request.primitive());
    if (valid) valid = codec::check_request(request.primitive(), core.clock.now());
    if (!valid) return core.refuse(request, std::move(valid).error(), std::move(respond));
  }
  if (auto identified = identify(core, request); !identified) {
    return impl_->refuse_originator(request, std::move(identified).error(), std::move(respond));
  }
  auto progress = impl_->begin(request);
  if (!progress) {
    return core.refuse(request, {Rsc::bad_request, "rqi: a request of this id is still being answered"},
                       std::move(respond));
  }
  core.dispatch(std::move(request), [progress = *std::move(progress),
                                     respond = std::move(respond)](ResponsePrimitive response) mutable {
    progress.end();
    respond(std::move(response));
  });
}

void Cse::start_registration() {
  auto& impl = *impl_;
  if (!impl.core.options.registrar || impl.registrar != nullptr) return;
  impl.registrar = std::make_unique<Registrar>(impl.core, *impl.core.options.registrar);
  impl.registrar->start();
}

Status Cse::trust(authz::TokenTrust issuers) { return impl_->core.authorization->trust(std::move(issuers)); }

Status Cse::provision(std::vector<e2e::PairwiseEsPrimKey::Shared> keys) {
  if (impl_->core.end_to_end == nullptr)
    return fail(ErrorCode::unsupported, "end-to-end security is not offered");
  return impl_->core.end_to_end->provision(std::move(keys));
}

Status Cse::renew(std::shared_ptr<const tls::OwnCertificate> own,
                  std::shared_ptr<const pki::TrustStore> trust) {
  if (impl_->core.end_to_end == nullptr) return {};
  return impl_->core.end_to_end->renew(std::move(own), std::move(trust));
}

std::vector<AeId> Cse::allowed_ae_ids(const CredentialId& credential) const {
  return app_rule_ae_ids(impl_->core.tree, credential);
}

std::string Cse::explain(const Hypothetical& request) const { return explain_decision(impl_->core, request); }

Cse::Counters Cse::counters() const {
  auto counters = impl_->core.counters;
  counters.resources = impl_->core.tree.size();
  return counters;
}

}  // namespace latchkey::cse
