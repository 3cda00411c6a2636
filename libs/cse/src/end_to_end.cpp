#include "end_to_end.h"

#include <algorithm>
#include <utility>

#include "latchkey/base/log.h"
#include "latchkey/codec/dynamic_authorization.h"
#include "latchkey/e2e/security_info.h"
#include "originator.h"
#include "trail.h"

namespace latchkey::cse {

namespace {

constexpr std::chrono::seconds kLookAgain{60};

constexpr std::size_t kKeysOfOneMax = 4;

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
/// (6.1.2.2.1), and what is hosted elsewhere has another Receiver (decision 0023).
Outcome<void> check_inner(const Core& core, const RequestPrimitive& primitive) {
  if (auto valid = codec::check_request(primitive, core.clock.now()); !valid) return valid;
  if (is_registration(primitive))
    return codec::refuse(Rsc::security_association_required,
                         "a registration needs an association of the registree's own");
  const auto address = ResourceAddress::parse(primitive.to);
  if (address && !core.tree.hosts(*address))
    return codec::refuse(Rsc::bad_request, "to: not of the CSE that the request was protected for");
  return {};
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

EndToEnd::EndToEnd(Core& core, EndToEndOptions options) : core_(core), options_(std::move(options)) {}
EndToEnd::~EndToEnd() { core_.executor.cancel(timer_); }

Result<std::unique_ptr<EndToEnd>> EndToEnd::make(Core& core, EndToEndOptions options) {
  std::unique_ptr<EndToEnd> made(new EndToEnd(core, std::move(options)));
  if (auto prepared = made->prepare(); !prepared) return fail(prepared.error());
  return made;
}

Status EndToEnd::prepare() {
  auto receiver = e2e::EsPrimReceiver::make(options_.esprim);
  if (!receiver) return fail(receiver.error());
  receiver_ = std::move(*receiver);
  esprim_ = std::make_unique<e2e::EsPrimEndpoint>(*receiver_);
  if (auto added = provision(std::exchange(options_.keys, {})); !added) return added;
  if (!options_.certificates) return {};
  const auto authorized = [this](const EntityId& initiator) -> std::optional<e2e::EsCertKePeer> {
    const auto found = std::ranges::find(options_.initiators, initiator, &e2e::EsCertKePeer::id);
    return found == options_.initiators.end() ? std::nullopt : std::optional(*found);
  };
  auto terminator =
      e2e::EsCertKeTerminator::make(*options_.certificates, authorized, core_.audit, core_.clock);
  if (!terminator) return fail(terminator.error());
  escertke_.emplace(std::move(*terminator));
  return {};
}

Status EndToEnd::provision(std::vector<e2e::PairwiseEsPrimKey::Shared> keys) {
  const auto stays = [&](const std::string& id) {
    return std::ranges::any_of(keys, [&](const auto& key) { return key->id() == id; });
  };
  for (const auto& id : std::exchange(provisioned_, {}))
    if (!stays(id)) receiver_->remove_key(id);
  for (auto& key : keys) {
    provisioned_.push_back(key->id());
    if (auto added = receiver_->add_key(std::move(key)); !added) return added;
  }
  return {};
}

void EndToEnd::start(std::function<void()> published) {
  published_ = std::move(published);
  publish();
}

void EndToEnd::publish() {
  e2e::E2eSecInfo info;
  for (const int suid : {13, 23}) info.features.push_back(*Suid::from(suid));
  if (options_.maf_keys != nullptr) info.features.push_back(*Suid::from(33));
  if (escertke_) info.features.push_back(*Suid::from(43));
  info.shared = receiver_->shared_object(core_.clock.now());
  auto esi = e2e::to_json(info);
  Resource& base = *core_.tree.base();
  if (const auto* const known = base.attributes.if_contains("esi"); known == nullptr || *known != esi) {
    core_.change(base, {{"esi", std::move(esi)}});
    published_();
  }
  timer_ = core_.executor.after(kLookAgain, [this] { publish(); });
}

bool EndToEnd::takes(const Request& request, const Target& target) {
  if (request.primitive().op != codec::Operation::notify || !target.resource->is(codec::Ty::cse_base))
    return false;
  const auto* const pc = request.primitive().pc.if_object();
  return pc != nullptr && pc->contains(codec::kSecurityInfo);
}

void EndToEnd::handle(Request&& outer, Respond respond) {
  const auto type = codec::security_info_type(outer.primitive().pc);
  if (!type) return core_.refuse(outer, type.error(), std::move(respond));
  switch (*type) {
    case codec::SecurityInfoType::rand_object_request:
    case codec::SecurityInfoType::esprim_object:
      return open(std::move(outer), false, std::move(respond));
    case codec::SecurityInfoType::escertke_message:
      return establish(outer, std::move(respond));
    default:
      return core_.refuse(outer, {Rsc::bad_request, "m2m:seci.sit: nothing that a CSE is asked"},
                          std::move(respond));
  }
}

// ---- ESPrim ----

void EndToEnd::open(Request&& outer, bool fetched, Respond respond) {
  auto handled = esprim_->handle(outer.primitive(), core_.clock.now());
  if (!handled)
    return core_.refuse(outer, {Rsc::bad_request, "pc: no message of ESPrim"}, std::move(respond));
  if (auto* const inner = std::get_if<e2e::EsPrimEndpoint::Inner>(&*handled))
    return decide(std::move(outer), std::move(*inner), std::move(respond));
  if (auto* const answered = std::get_if<e2e::EsPrimEndpoint::Answer>(&*handled))
    return answer(outer, std::move(*answered), respond);
  if (fetched || options_.maf_keys == nullptr)
    return answer(outer, e2e::EsPrimEndpoint::unknown_key(outer.primitive()), respond);
  fetch(std::get<e2e::EsPrimReceiver::FetchKey>(*handled).kc_id, std::move(outer), std::move(respond));
}

/// 8.4.2 C.6a: the object is opened when the MAF has answered.
void EndToEnd::fetch(const KeyId& id, Request&& outer, Respond respond) {
  const auto name = id.text(), source = outer.in.peer.substr(0, outer.in.peer.rfind(':'));
  options_.maf_keys->find(name, source,
                          [weak = std::weak_ptr<EndToEnd*>(self_), outer = std::move(outer),
                           respond = std::move(respond)](Result<std::shared_ptr<const MafKey>> key) mutable {
                            const auto alive = weak.lock();
                            if (!alive) return;
                            EndToEnd& self = **alive;
                            if (!key || !self.add(**key))
                              return self.answer(outer, e2e::EsPrimEndpoint::unknown_key(outer.primitive()),
                                                 respond);
                            self.open(std::move(outer), true, std::move(respond));
                          });
}

bool EndToEnd::add(const MafKey& key) {
  if (!key.source) return false;  // nobody whom a From could name
  auto pairwise = pairwise_key(key, options_.esprim.self);
  if (!pairwise) log::warning("cse", "key " + key.id.text() + ": " + pairwise.error().detail);
  return pairwise && add(*std::move(pairwise));
}

bool EndToEnd::add(e2e::PairwiseEsPrimKey::Shared key) {
  auto& own = obtained_[to_string(key->peer())];
  std::erase(own, key->id());
  own.push_back(key->id());
  if (own.size() > kKeysOfOneMax) {
    receiver_->remove_key(own.front());
    own.pop_front();
  }
  const auto added = receiver_->add_key(std::move(key));
  if (!added) log::warning("cse", added.error().detail);
  return added.has_value();
}

void EndToEnd::decide(Request&& outer, e2e::EsPrimEndpoint::Inner inner, Respond respond) {
  auto request = inner_request(outer, inner);
  auto finish = [weak = std::weak_ptr<EndToEnd*>(self_), outer = std::move(outer), context = inner.context,
                 respond = std::move(respond)](ResponsePrimitive response) mutable {
    const auto alive = weak.lock();
    if (!alive) return;
    EndToEnd& self = **alive;
    self.answer(outer, self.esprim_->answer(outer.primitive(), context, response, self.core_.clock.now()),
                respond);
  };
  if (auto valid = check_inner(core_, request.primitive()); !valid)
    return core_.refuse(request, std::move(valid).error(), std::move(finish));
  core_.dispatch(std::move(request), std::move(finish));
}

void EndToEnd::answer(const Request& outer, e2e::EsPrimEndpoint::Answer answer, Respond& respond) {
  if (answer.refusal) {
    ++core_.counters.refused_originator;
    record(core_, AuditEventId::originator_refused, outer,
           "ESPrim: " + std::string(e2e::to_string(answer.refusal->defect)) + ": " + answer.refusal->detail,
           answer.refusal->rsc());
  }
  respond(std::move(answer.outer));
}

// ---- ESCertKE ----

void EndToEnd::establish(const Request& outer, Respond respond) {
  if (!escertke_ || !outer.originator)
    return core_.refuse(outer, {Rsc::not_implemented, "m2m:seci: no keys are established here"},
                        std::move(respond));
  const auto message = e2e::read_escertke_message(outer.primitive().pc);
  if (!message) return core_.refuse(outer, message.error(), std::move(respond));
  auto answered = escertke_->receive(*outer.originator, *message);
  auto response = response_to(outer.primitive(), answered.failure ? Rsc::bad_request : Rsc::ok);
  if (!answered.message.empty()) response.pc = e2e::escertke_security_info(answered.message);
  if (answered.failure) {
    ++core_.counters.refused_originator;
    record(core_, AuditEventId::originator_refused, outer, answered.failure->detail, response.rsc);
  }
  if (answered.key) keep(std::move(*answered.key));
  respond(std::move(response));
}

void EndToEnd::keep(e2e::PairwiseE2EKey key) {
  auto made = e2e::PairwiseEsPrimKey::from_secret(
      {.id = key.id, .peer = key.peer, .suid = *Suid::from(43), .end = key.end}, std::move(key.key));
  if (made) static_cast<void>(add(*std::move(made)));
}

}  // namespace latchkey::cse
