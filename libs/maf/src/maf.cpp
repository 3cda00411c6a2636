#include "latchkey/maf/maf.h"

#include <algorithm>

#include "latchkey/base/log.h"
#include "procedures.h"

namespace latchkey::maf {

namespace {

constexpr std::chrono::seconds kExpireEvery{10};
constexpr std::size_t kExpireAtOnce = 1'000;

}  // namespace

/// Owns the records; hands each request to its procedure and answers when the change is durable.
struct Maf::Impl {
  Impl(MafOptions given, store::Store& s, const secure_env::SecureEnvironment& environment, Executor& e,
       const Clock& c, AuditSink& a)
      : options(std::move(given)),
        store(s),
        executor(e),
        clock(c),
        audit(a),
        procedures(options, registry, environment, clock) {}

  MafOptions options;
  store::Store& store;
  Executor& executor;
  const Clock& clock;
  AuditSink& audit;
  Registry registry;
  Procedures procedures;
  std::uint64_t requests = 0, refused = 0;
  bool store_failed = false;
  Executor::TimerId timer{};
  std::shared_ptr<Impl*> self = std::make_shared<Impl*>(this);  // expires with us: late commits find nobody

  ~Impl() { executor.cancel(timer); }

  void schedule_expiry() {
    timer = executor.after(kExpireEvery, [this] {
      store::Batch batch;
      registry.expire(clock.now(), kExpireAtOnce, batch);
      if (!batch.empty()) commit(std::move(batch), [](bool) {});
      schedule_expiry();
    });
  }

  /// `then` runs on the reactor's thread with true when the batch is durable.
  void commit(store::Batch batch, UniqueFunction<void(bool)> then) {
    store.commit(std::move(batch), [weak = std::weak_ptr<Impl*>(self), &executor = executor,
                                    then = std::move(then)](Status status) mutable {
      executor.post([weak, status = std::move(status), then = std::move(then)]() mutable {
        const auto alive = weak.lock();
        if (!alive) return;
        if (!status) (*alive)->fail_stop(status.error());
        then(status.has_value());
      });
    });
  }

  // Memory is ahead of the disk now: nothing may be answered from it as if it were kept.
  void fail_stop(const Error& error) {
    if (store_failed) return;
    store_failed = true;
    log::error("maf", "store failed, refusing all requests: " + error.detail);
    audit.record({.id = AuditEventId::store_failure, .time = clock.now(), .reason = error.detail});
    if (options.store_failed) options.store_failed(error);
  }

  void record(const Call& call, const Answer& answer) {
    audit.record({.id = answer.event,
                  .time = clock.now(),
                  .originator = call.client,
                  .peer = call.request.peer,
                  .operation = std::string(codec::to_string(call.request.primitive.op)),
                  .target = call.request.primitive.to,
                  .credential_id = call.request.security->credential_id
                                       ? call.request.security->credential_id->text()
                                       : call.request.security->psk_identity,
                  .reason = answer.reason,
                  .status = static_cast<int>(answer.response.rsc)});
  }
};

Maf::Maf(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Maf::~Maf() = default;

Result<std::unique_ptr<Maf>> Maf::open(MafOptions options, store::Store& store,
                                       const secure_env::SecureEnvironment& environment, Executor& executor,
                                       const Clock& clock, AuditSink& audit) {
  auto impl = std::make_unique<Impl>(std::move(options), store, environment, executor, clock, audit);
  if (auto loaded = impl->registry.load(store); !loaded)
    return fail("loading the MAF's records", loaded.error());
  impl->schedule_expiry();
  return std::make_unique<Maf>(std::move(impl));
}

void Maf::replace_policies(MafOptions options) {
  options.store_failed = std::move(impl_->options.store_failed);  // whom to tell and to ask is no policy
  options.master_key = std::move(impl_->options.master_key);
  impl_->options = std::move(options);
}

Maf::Counters Maf::counters() const {
  return {.requests = impl_->requests,
          .refused = impl_->refused,
          .registrations = impl_->registry.client_count(),
          .keys = impl_->registry.key_count()};
}

void Maf::handle(bind::IncomingRequest request, bind::Respond respond) {
  auto& maf = *impl_;
  ++maf.requests;
  Call call{.request = std::move(request), .client = {}, .identity = nullptr, .policy = nullptr};
  Answer answer;
  if (maf.store_failed) {
    answer = refusal(call, codec::Rsc::internal_server_error, "the MAF's store has failed");
  } else if (maf.store.queue_depth() > maf.options.store_queue_limit) {
    answer = refusal(call, codec::Rsc::internal_server_error, "overloaded, try again later");
  } else {
    answer = maf.procedures.run(call);
  }
  codec::wipe(call.request.primitive.pc);  // what was refused may hold a key
  if (!codec::is_success(answer.response.rsc)) ++maf.refused;
  maf.record(call, answer);
  if (answer.changes.empty()) {
    respond(std::move(answer.response));
    return;
  }
  maf.commit(std::move(answer.changes), [response = std::move(answer.response), call = std::move(call),
                                         respond = std::move(respond)](bool durable) mutable {
    respond(durable ? std::move(response)
                    : refusal(call, codec::Rsc::internal_server_error, "not stored").response);
  });
}

}  // namespace latchkey::maf
