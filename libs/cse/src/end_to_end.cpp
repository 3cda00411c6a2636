#include "end_to_end.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <utility>

#include "latchkey/base/log.h"
#include "latchkey/e2e/established_key.h"
#include "latchkey/e2e/security_info.h"
#include "originator.h"
#include "trail.h"

namespace latchkey::cse {

namespace {

constexpr std::chrono::seconds kLookAgain{60};
constexpr std::string_view kSpace = "pairwise";  // of the store: keys by ESCertKE

/// The request inside, in the name of whom its key proves (7.2.2 step 5). What the hop that brought it is
/// entitled to does not count for it; the association stays that of the hop, and so does its address.
Request inner_request(const Request& outer, e2e::EsPrimEndpoint::Inner& inner) {
  Request request;
  request.in = outer.in;
  request.in.primitive = std::move(inner.request);
  request.originator = std::move(inner.originator);
  request.rq_authn = true;  // 7.1.2
  request.end_to_end = true;
  return request;
}

/// What is not opened to whoever has a key: a registration is that of an association of the registree's own
/// (6.1.2.2.1). What is hosted elsewhere the router refuses.
Outcome<void> check_inner(const Core& core, const RequestPrimitive& primitive) {
  if (auto valid = codec::check_request(primitive, core.clock.now()); !valid) return valid;
  if (is_registration(primitive))
    return codec::refuse(Rsc::security_association_required,
                         "a registration needs an association of the registree's own");
  return {};
}

/// Whose association brought a request; on a listener without, its address.
std::string hop_of(const Request& request) {
  const auto& identity = request.in.security->identity;
  return identity ? to_string(*identity) : request.in.peer.substr(0, request.in.peer.rfind(':'));
}

std::int64_t seconds_of(TimePoint time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

/// What a stored key is bound to: none of it can be changed without the key being lost.
std::string seal_context(const std::string& id, const std::string& peer, std::int64_t end) {
  return "pairwiseE2EKey " + id + " " + peer + " " + std::to_string(end);
}

/// A Kc, or a Ke2e_master with which the MAF says what is made of it (8.6.2).
Result<e2e::PairwiseEsPrimKey::Shared> pairwise_key(const MafKey& key, const EntityId& self) {
  if (!key.end_to_end) return e2e::PairwiseEsPrimKey::from_kc(key.id, key.key, *key.source, key.end);
  const auto credential = e2e::EndToEndCredential::make({.id = key.id,
                                                         .source = *key.source,
                                                         .targets = {self},
                                                         .suid = *Suid::from(33),
                                                         .end = key.end,
                                                         .parameters = *key.end_to_end},
                                                        key.key.bytes().duplicate());
  if (!credential) return fail(credential.error());
  return credential->esprim_key(self);
}

}  // namespace

/// A key as the store has it.
struct EndToEnd::Kept {
  std::string id, peer;
  std::int64_t end = 0;
  std::uint64_t number = 0;
  Bytes sealed;

  static std::optional<Kept> read(std::string_view id, std::string_view record) {
    boost::system::error_code error;
    const json::value value = json::parse(record, error);
    const auto* const members = error ? nullptr : value.if_object();
    if (members == nullptr) return {};
    const auto* const peer = members->if_contains("p");
    const auto* const end = members->if_contains("e");
    const auto* const number = members->if_contains("n");
    const auto* const sealed = members->if_contains("k");
    if (peer == nullptr || !peer->is_string() || end == nullptr || !end->is_int64() || number == nullptr ||
        !number->is_int64() || sealed == nullptr || !sealed->is_string())
      return {};
    auto octets = from_base64(std::string_view(sealed->get_string()));
    if (!octets) return {};
    return Kept{std::string(id), std::string(peer->get_string()), end->get_int64(),
                static_cast<std::uint64_t>(number->get_int64()), std::move(*octets)};
  }
  [[nodiscard]] std::string record() const {
    return codec::to_text(
        json::object{{"p", peer}, {"e", end}, {"n", number}, {"k", to_base64(ByteView(sealed))}});
  }
};

EndToEnd::EndToEnd(Core& core, EndToEndOptions options) : core_(core), options_(std::move(options)) {}
EndToEnd::~EndToEnd() { core_.executor.cancel(timer_); }

Result<std::unique_ptr<EndToEnd>> EndToEnd::make(Core& core, EndToEndOptions options) {
  std::unique_ptr<EndToEnd> made(new EndToEnd(core, std::move(options)));
  auto end_point = e2e::NotifiedEndPoint::make(std::move(made->options_.end_point), core.audit, core.clock);
  if (!end_point) return fail(std::move(end_point.error()));
  made->end_point_ = std::move(*end_point);
  if (auto restored = made->restore(); !restored) return fail(std::move(restored.error()));
  return made;
}

Status EndToEnd::provision(std::vector<e2e::PairwiseEsPrimKey::Shared> keys) {
  return end_point_->provision(std::move(keys));
}

Status EndToEnd::renew(std::shared_ptr<const tls::OwnCertificate> own,
                       std::shared_ptr<const pki::TrustStore> trust) {
  return end_point_->replace(std::move(own), std::move(trust));
}

void EndToEnd::start(std::function<void()> published) {
  published_ = std::move(published);
  look_again();
}

void EndToEnd::look_again() {
  publish();
  forget_expired();
  timer_ = core_.executor.after(kLookAgain, [this] { look_again(); });
}

void EndToEnd::publish() {
  auto esi = e2e::to_json(end_point_->sec_info());
  Resource& base = *core_.tree.base();
  if (const auto* const known = base.attributes.if_contains("esi"); known != nullptr && *known == esi) return;
  core_.change(base, {{"esi", std::move(esi)}});
  published_();
}

bool EndToEnd::takes(const Request& request, const Target& target) {
  return target.resource->is(codec::Ty::cse_base) && e2e::NotifiedEndPoint::takes(request.primitive());
}

void EndToEnd::handle(Request&& outer, Respond respond) {
  const auto hop = hop_of(outer);
  auto handled = end_point_->handle({.outer = outer.primitive(), .originator = outer.originator, .hop = hop});
  go_on(std::move(outer), std::move(handled), std::move(respond));
}

void EndToEnd::go_on(Request&& outer, e2e::NotifiedEndPoint::Handled handled, Respond respond) {
  if (auto* const inner = std::get_if<e2e::EsPrimEndpoint::Inner>(&handled))
    return decide(std::move(outer), std::move(*inner), std::move(respond));
  if (auto* const ready = std::get_if<e2e::NotifiedEndPoint::Answer>(&handled))
    return answer(outer, std::move(*ready), std::move(respond));
  if (options_.maf_keys == nullptr)
    return answer(outer, end_point_->unknown_key(outer.primitive()), std::move(respond));
  const auto id = std::get<e2e::EsPrimReceiver::FetchKey>(handled).kc_id;
  fetch(id, std::move(outer), std::move(respond));
}

// ---- ESPrim ----

/// 8.4.2 C.6a: the object is opened when the MAF has answered.
void EndToEnd::fetch(const KeyId& id, Request&& outer, Respond respond) {
  const auto name = id.text(), source = outer.in.peer.substr(0, outer.in.peer.rfind(':'));
  options_.maf_keys->find(name, source,
                          [weak = std::weak_ptr<EndToEnd*>(self_), outer = std::move(outer),
                           respond = std::move(respond)](Result<std::shared_ptr<const MafKey>> key) mutable {
                            const auto alive = weak.lock();
                            if (!alive) return;
                            EndToEnd& self = **alive;
                            if (!key || !self.obtain(**key))
                              return self.answer(outer, self.end_point_->unknown_key(outer.primitive()),
                                                 std::move(respond));
                            auto handled = self.end_point_->opened(outer.primitive());
                            self.go_on(std::move(outer), std::move(handled), std::move(respond));
                          });
}

bool EndToEnd::obtain(const MafKey& key) {
  if (!key.source) return false;  // nobody whom a From could name
  auto pairwise = pairwise_key(key, core_.options.cse_id);
  if (!pairwise) {
    log::warning("cse", "key " + key.id.text() + ": " + pairwise.error().detail);
    return false;
  }
  const auto made_way = end_point_->obtain(*std::move(pairwise));
  if (!made_way) {
    log::warning("cse", made_way.error().detail);
    return false;
  }
  store::Batch batch;
  for (const auto& id : *made_way) forget(id, batch);
  if (!batch.empty()) core_.commit(core_.begin(), std::move(batch));
  return true;
}

void EndToEnd::decide(Request&& outer, e2e::EsPrimEndpoint::Inner inner, Respond respond) {
  auto request = inner_request(outer, inner);
  auto finish = [weak = std::weak_ptr<EndToEnd*>(self_), outer = std::move(outer), context = inner.context,
                 respond = std::move(respond)](ResponsePrimitive response) mutable {
    const auto alive = weak.lock();
    if (!alive) return;
    EndToEnd& self = **alive;
    self.answer(outer, self.end_point_->answer(outer.primitive(), context, response), std::move(respond));
  };
  if (auto valid = check_inner(core_, request.primitive()); !valid)
    return core_.refuse(request, std::move(valid).error(), std::move(finish));
  core_.dispatch(std::move(request), std::move(finish));
}

void EndToEnd::answer(const Request& outer, e2e::NotifiedEndPoint::Answer answer, Respond respond) {
  if (answer.refusal) {
    ++core_.counters.refused_originator;
    record(core_, AuditEventId::originator_refused, outer, *answer.refusal, answer.outer.rsc);
  }
  if (!answer.established) return respond(std::move(answer.outer));
  core_.answer_written(outer, keep(*answer.established), std::move(answer.outer), std::move(respond));
}

// ---- keys that were established ----

/// The other end-point uses the key when message 4 has come: by then it has to survive us.
std::uint64_t EndToEnd::keep(const e2e::PairwiseE2EKey& key) {
  auto pairwise = e2e::pairwise_esprim_key(key);
  const auto made_way = pairwise ? end_point_->obtain(*std::move(pairwise)) : fail(pairwise.error());
  if (!made_way) {
    log::warning("cse", "a key that was established is not kept: " + made_way.error().detail);
    return 0;
  }
  if (options_.environment == nullptr) return 0;
  store::Batch batch;
  for (const auto& id : *made_way) forget(id, batch);
  Kept kept{key.id, to_string(key.peer), seconds_of(key.end), ++last_kept_, {}};
  auto sealed = options_.environment->seal(seal_context(kept.id, kept.peer, kept.end), key.key);
  if (sealed) {
    kept.sealed = std::move(*sealed);
    batch.put(kSpace, kept.id, kept.record());
    kept_[kept.id] = key.end;
  } else {
    log::warning("cse", "a key that was established ends with this process: " + sealed.error().detail);
  }
  const auto sequence = core_.begin();
  core_.commit(sequence, std::move(batch));
  return sequence;
}

void EndToEnd::forget(const std::string& id, store::Batch& batch) {
  if (kept_.erase(id) != 0) batch.remove(kSpace, id);
}

void EndToEnd::forget_expired() {
  store::Batch batch;
  for (auto kept = kept_.begin(); kept != kept_.end();) {
    const auto& [id, end] = *kept++;
    if (end <= core_.clock.now()) forget(std::string(id), batch);
  }
  if (!batch.empty()) core_.commit(core_.begin(), std::move(batch));
}

/// Oldest first, so that the newest of one end-point are kept again. What has ended, or is of somebody who
/// may no longer establish keys, goes.
Status EndToEnd::restore() {
  if (options_.environment == nullptr) return {};
  std::vector<Kept> found;
  store::Batch gone;
  auto scanned = core_.store.scan(kSpace, [&](std::string_view id, std::string_view record) {
    if (auto kept = Kept::read(id, record))
      found.push_back(std::move(*kept));
    else
      gone.remove(kSpace, id);
    return true;
  });
  if (!scanned) return scanned;
  std::ranges::sort(found, {}, &Kept::number);
  for (auto& kept : found) {
    last_kept_ = kept.number;
    if (!restore(kept, gone)) gone.remove(kSpace, kept.id);
  }
  return gone.empty() ? Status() : core_.store.commit_and_wait(std::move(gone));
}

bool EndToEnd::restore(Kept& kept, store::Batch& gone) {
  const auto peer = parse_entity_id(kept.peer, core_.options.cse_id.sp());
  const TimePoint end{std::chrono::seconds(kept.end)};
  if (!peer || !end_point_->authorizes(*peer) || end <= core_.clock.now()) return false;
  auto key = options_.environment->unseal(seal_context(kept.id, kept.peer, kept.end), kept.sealed);
  if (!key) {
    log::error("cse", "pairwise key " + kept.id + " cannot be read: " + key.error().detail);
    return false;
  }
  auto pairwise = e2e::PairwiseEsPrimKey::from_secret(
      {.id = kept.id, .peer = *peer, .suid = *Suid::from(43), .end = end}, std::move(*key));
  if (!pairwise) return false;
  const auto made_way = end_point_->obtain(*std::move(pairwise));
  if (!made_way) return false;
  kept_[kept.id] = end;
  for (const auto& id : *made_way) forget(id, gone);
  return true;
}

}  // namespace latchkey::cse
