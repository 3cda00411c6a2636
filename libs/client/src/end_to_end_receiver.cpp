#include "latchkey/client/end_to_end_receiver.h"

#include <algorithm>
#include <utility>

#include "latchkey/base/log.h"
#include "latchkey/client/end_to_end_credential.h"
#include "latchkey/e2e/established_key.h"

namespace latchkey::client {

namespace {

using codec::RequestPrimitive;
using codec::ResponsePrimitive;
using codec::Rsc;

constexpr std::chrono::seconds kLookAgain{60}, kTryAgain{5};
constexpr std::string_view kRegistrar = "registrar";  // the one hop of a polling channel

}  // namespace

EndToEndReceiver::EndToEndReceiver(EndToEndReceiverOptions options, AeId self, Executor& executor,
                                   const Clock& clock)
    : options_(std::move(options)), self_id_(std::move(self)), executor_(executor), clock_(clock) {}
EndToEndReceiver::~EndToEndReceiver() { executor_.cancel(timer_); }

Result<std::unique_ptr<EndToEndReceiver>> EndToEndReceiver::make(EndToEndReceiverOptions options,
                                                                 Executor& executor, AuditSink& audit,
                                                                 const Clock& clock) {
  const auto* const self = std::get_if<AeId>(&options.end_point.esprim.self);
  if (self == nullptr) return fail(ErrorCode::invalid_argument, "self: no AE-ID");
  if (!options.inner) return fail(ErrorCode::invalid_argument, "inner: nobody acts on what is opened");
  auto end_point = e2e::NotifiedEndPoint::make(options.end_point, audit, clock);
  if (!end_point) return fail(std::move(end_point.error()));
  auto id = *self;
  std::unique_ptr<EndToEndReceiver> made(
      new EndToEndReceiver(std::move(options), std::move(id), executor, clock));
  made->end_point_ = std::move(*end_point);
  return made;
}

void EndToEndReceiver::handle(RequestPrimitive request, bind::Respond respond) {
  auto originator = originator_of(request.from);
  notified(std::move(request), std::move(originator), kRegistrar, std::move(respond));
}

void EndToEndReceiver::handle(bind::IncomingRequest request, bind::Respond respond) {
  const auto& identity = request.security->identity;
  const auto hop = identity ? to_string(*identity) : request.peer.substr(0, request.peer.rfind(':'));
  auto originator = originator_of(request.primitive.from);
  if (!vouches(identity, originator)) originator.reset();
  notified(std::move(request.primitive), std::move(originator), hop, std::move(respond));
}

/// Whoever speaks for itself, and the CSE through which all others reach us.
bool EndToEndReceiver::vouches(const std::optional<EntityId>& hop,
                               const std::optional<EntityId>& originator) const {
  if (!hop || !originator) return false;
  const auto registrar = options_.registrar ? options_.registrar : self_id_.registrar();
  return *hop == *originator || (registrar && *hop == EntityId(*registrar));
}

void EndToEndReceiver::notified(RequestPrimitive outer, std::optional<EntityId> originator,
                                std::string_view hop, bind::Respond respond) {
  if (!e2e::NotifiedEndPoint::takes(outer)) {
    if (options_.other) return options_.other(std::move(outer), std::move(respond));
    return respond(codec::refusal_response(
        outer, {Rsc::operation_not_allowed, "this end-point takes protected primitives alone"}));
  }
  auto handled = end_point_->handle({.outer = outer, .originator = originator, .hop = hop});
  go_on(std::move(outer), std::move(handled), std::move(respond));
}

void EndToEndReceiver::go_on(RequestPrimitive outer, e2e::NotifiedEndPoint::Handled handled,
                             bind::Respond respond) {
  if (auto* const inner = std::get_if<e2e::EsPrimEndpoint::Inner>(&handled))
    return decide(std::move(outer), std::move(*inner), std::move(respond));
  if (auto* const ready = std::get_if<e2e::NotifiedEndPoint::Answer>(&handled))
    return answer(outer, std::move(*ready), respond);
  const auto kc_id = std::get<e2e::EsPrimReceiver::FetchKey>(handled).kc_id;
  if (!options_.fetch_key || fetching_ >= options_.fetches)
    return answer(outer, end_point_->unknown_key(outer), respond);
  fetch(kc_id, std::move(outer), std::move(respond));
}

/// 8.4.2 C.6a.1 to C.6a.6.
void EndToEndReceiver::fetch(const KeyId& kc_id, RequestPrimitive outer, bind::Respond respond) {
  ++fetching_;
  options_.fetch_key(kc_id, [weak = std::weak_ptr<EndToEndReceiver*>(self_), kc_id, outer = std::move(outer),
                             respond = std::move(respond)](Result<RetrievedKey> key) mutable {
    const auto alive = weak.lock();
    if (!alive) return;
    EndToEndReceiver& self = **alive;
    --self.fetching_;
    if (!key || !self.take(kc_id, *std::move(key)))
      return self.answer(outer, self.end_point_->unknown_key(outer), respond);
    auto handled = self.end_point_->opened(outer);
    self.go_on(std::move(outer), std::move(handled), std::move(respond));
  });
}

/// Only a key for ESPrim with us, whose source the MAF names, speaks for anybody.
bool EndToEndReceiver::take(const KeyId& kc_id, RetrievedKey&& key) {
  const bool ours = std::ranges::find(key.targets, EntityId(self_id_)) != key.targets.end();
  if (key.suid.value() != 33 || !ours || !key.source_entity || key.expires <= clock_.now()) return false;
  if (!key.end_to_end) {
    auto pairwise = e2e::PairwiseEsPrimKey::from_kc(kc_id, key.key, *key.source_entity, key.expires);
    return pairwise && end_point_->obtain(*std::move(pairwise));
  }
  // Ke2e_master, of which the MAF says what is made (8.6.2).
  const auto credential = credential_of(std::move(key), kc_id, self_id_.sp());
  auto pairwise = credential ? credential->esprim_key(self_id_) : fail(credential.error());
  return pairwise && end_point_->obtain(*std::move(pairwise));
}

void EndToEndReceiver::decide(RequestPrimitive outer, e2e::EsPrimEndpoint::Inner inner,
                              bind::Respond respond) {
  auto finish = [weak = std::weak_ptr<EndToEndReceiver*>(self_), outer = std::move(outer),
                 context = inner.context, rqi = inner.request.rqi,
                 respond = std::move(respond)](ResponsePrimitive response) mutable {
    const auto alive = weak.lock();
    if (!alive) return;
    response.rqi = rqi;
    EndToEndReceiver& self = **alive;
    self.answer(outer, self.end_point_->answer(outer, context, response), respond);
  };
  if (auto valid = codec::check_request(inner.request, clock_.now()); !valid)
    return finish(codec::refusal_response(inner.request, valid.error()));
  options_.inner(std::move(inner.request), inner.originator, std::move(finish));
}

void EndToEndReceiver::answer(const RequestPrimitive& outer, e2e::NotifiedEndPoint::Answer answer,
                              bind::Respond& respond) {
  if (answer.refusal && options_.refused) options_.refused(outer, answer.outer.rsc, *answer.refusal);
  if (answer.established) {
    auto pairwise = e2e::pairwise_esprim_key(*answer.established);
    const auto kept = pairwise ? end_point_->obtain(*std::move(pairwise)) : fail(pairwise.error());
    if (!kept) log::warning("ae", "a key that was established is not kept: " + kept.error().detail);
    if (options_.established) options_.established(*answer.established);
  }
  respond(std::move(answer.outer));
}

/// From as our registrar writes it: absolute, SP-relative, or the stem of another AE there.
std::optional<EntityId> EndToEndReceiver::originator_of(const std::string& from) const {
  if (auto id = parse_entity_id(from, self_id_.sp()); from.starts_with('/') && id) return std::move(*id);
  const auto registrar = self_id_.registrar();
  if (!registrar) return {};
  auto id = AeId::from_stem(from, *registrar);
  return id ? std::optional<EntityId>(std::move(*id)) : std::nullopt;
}

// ---- e2eSecInfo ----

void EndToEndReceiver::publish(Ae& ae) {
  ae_ = &ae;
  published_ = nullptr;
  executor_.cancel(timer_);
  publish_again();
}

void EndToEndReceiver::publish_again() {
  const codec::json::value esi = e2e::to_json(end_point_->sec_info());
  timer_ = executor_.after(kLookAgain, [this] { publish_again(); });
  if (esi == published_) return;
  RequestPrimitive request;
  request.op = codec::Operation::update;
  request.to = ae_->resource();
  codec::json::object pc;
  pc["m2m:ae"] = codec::json::object{{"esi", esi}};
  request.pc = std::move(pc);
  ae_->send(std::move(request), [weak = std::weak_ptr<EndToEndReceiver*>(self_),
                                 esi](Result<ResponsePrimitive> response) {
    const auto alive = weak.lock();
    if (!alive) return;
    EndToEndReceiver& self = **alive;
    if (response && codec::is_success(response->rsc)) {
      self.published_ = esi;
      return;
    }
    log::warning("ae",
                 "e2eSecInfo was not published: " +
                     (response ? std::string(codec::to_string(response->rsc)) : response.error().detail));
    self.executor_.cancel(self.timer_);
    self.timer_ = self.executor_.after(kTryAgain, [&self] { self.publish_again(); });
  });
}

}  // namespace latchkey::client
