#include "latchkey/e2e/notified_end_point.h"

#include <algorithm>
#include <utility>

#include "latchkey/codec/dynamic_authorization.h"
#include "rate_limit.h"

namespace latchkey::e2e {
namespace {

using codec::RequestPrimitive;
using codec::Rsc;
using codec::SecurityInfoType;

NotifiedEndPoint::Answer refuse(const RequestPrimitive& outer, const codec::Refusal& refusal) {
  return {.outer = codec::refusal_response(outer, refusal), .refusal = refusal.detail};
}

/// As the rest of the system sheds load: nothing has been done, and later it may be.
NotifiedEndPoint::Answer shed(const RequestPrimitive& outer, std::string why) {
  return {
      .outer = codec::refusal_response(outer, {Rsc::internal_server_error, "overloaded, try again later"}),
      .refusal = std::move(why)};
}

NotifiedEndPoint::Answer answer_of(EsPrimEndpoint::Answer&& answer) {
  NotifiedEndPoint::Answer out{.outer = std::move(answer.outer)};
  if (answer.refusal)
    out.refusal = "ESPrim: " + std::string(to_string(answer.refusal->defect)) + ": " + answer.refusal->detail;
  return out;
}

}  // namespace

NotifiedEndPoint::NotifiedEndPoint(NotifiedEndPointConfig config, const Clock& clock)
    : config_(std::move(config)),
      clock_(clock),
      objects_(std::make_unique<RateLimit>(config_.objects_of_hop)),
      handshakes_(std::make_unique<RateLimit>(config_.handshakes_of_initiator)) {}
NotifiedEndPoint::~NotifiedEndPoint() = default;

Result<std::unique_ptr<NotifiedEndPoint>> NotifiedEndPoint::make(NotifiedEndPointConfig config,
                                                                 AuditSink& audit, const Clock& clock) {
  std::unique_ptr<NotifiedEndPoint> made(new NotifiedEndPoint(std::move(config), clock));
  if (auto prepared = made->prepare(audit); !prepared) return fail(std::move(prepared.error()));
  return made;
}

Status NotifiedEndPoint::prepare(AuditSink& audit) {
  if (config_.keys_of_one == 0) return fail(ErrorCode::invalid_argument, "keys_of_one: 0");
  for (const Rate& rate : {config_.objects_of_hop, config_.handshakes_of_initiator})
    if (!(rate.per_second > 0) || !(rate.burst >= 1))
      return fail(ErrorCode::invalid_argument, "a rate that never lets anything pass");
  if (config_.published.size() > kEndToEndCertificatesMax)
    return fail(ErrorCode::invalid_argument, "published: too many certificates");
  auto receiver = EsPrimReceiver::make(config_.esprim);
  if (!receiver) return fail(std::move(receiver.error()));
  receiver_ = std::move(*receiver);
  esprim_.emplace(*receiver_);
  if (auto added = provision(std::exchange(config_.keys, {})); !added) return added;
  if (!config_.certificates) return {};
  const auto authorized = [this](const EntityId& initiator) -> std::optional<EsCertKePeer> {
    const auto found = std::ranges::find(config_.initiators, initiator, &EsCertKePeer::id);
    return found == config_.initiators.end() ? std::nullopt : std::optional(*found);
  };
  auto terminator =
      EsCertKeTerminator::make(*config_.certificates, authorized, audit, clock_, config_.escertke);
  if (!terminator) return fail(std::move(terminator.error()));
  escertke_.emplace(std::move(*terminator));
  return {};
}

// ---- keys ----

Status NotifiedEndPoint::provision(std::vector<PairwiseEsPrimKey::Shared> keys) {
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

Result<std::vector<std::string>> NotifiedEndPoint::obtain(PairwiseEsPrimKey::Shared key) {
  auto& own = obtained_[to_string(key->peer())];
  std::erase(own, key->id());
  own.push_back(key->id());
  std::vector<std::string> made_way;
  for (; own.size() > config_.keys_of_one; own.pop_front()) {
    receiver_->remove_key(own.front());
    made_way.push_back(std::move(own.front()));
  }
  if (auto added = receiver_->add_key(std::move(key)); !added) {
    own.pop_back();
    return fail(std::move(added.error()));
  }
  return made_way;
}

Status NotifiedEndPoint::replace(std::shared_ptr<const tls::OwnCertificate> own,
                                 std::shared_ptr<const pki::TrustStore> trust) {
  if (own != nullptr && own->chain.size() > kEndToEndCertificatesMax)
    return fail(ErrorCode::invalid_argument, "published: too many certificates");
  if (escertke_)
    if (auto replaced = escertke_->replace(own, std::move(trust)); !replaced) return replaced;
  if (config_.published.empty() || own == nullptr) return {};
  config_.published.clear();
  for (const auto& certificate : own->chain) config_.published.push_back(certificate.der());
  return {};
}

bool NotifiedEndPoint::authorizes(const EntityId& initiator) const {
  return escertke_ &&
         std::ranges::find(config_.initiators, initiator, &EsCertKePeer::id) != config_.initiators.end();
}

E2eSecInfo NotifiedEndPoint::sec_info() {
  E2eSecInfo info;
  for (const int suid : {13, 23}) info.features.push_back(*Suid::from(suid));
  if (!config_.esprim.mafs.empty()) info.features.push_back(*Suid::from(33));
  if (escertke_) info.features.push_back(*Suid::from(43));
  info.certificates = config_.published;
  info.shared = receiver_->shared_object(clock_.now());
  return info;
}

// ---- what is notified ----

bool NotifiedEndPoint::takes(const RequestPrimitive& request) {
  const auto* const pc = request.pc.if_object();
  return request.op == codec::Operation::notify && pc != nullptr && pc->contains(codec::kSecurityInfo);
}

NotifiedEndPoint::Handled NotifiedEndPoint::handle(const Notified& notified) {
  const auto type = codec::security_info_type(notified.outer.pc);
  if (!type) return refuse(notified.outer, type.error());
  switch (*type) {
    case SecurityInfoType::rand_object_request:
    case SecurityInfoType::esprim_object:
      if (!objects_->take(notified.hop, clock_.now()))
        return shed(notified.outer, "ESPrim: more objects than this hop may bring in a second");
      return esprim(notified.outer);
    case SecurityInfoType::escertke_message:
      return escertke(notified);
    default:
      return refuse(notified.outer, {Rsc::bad_request, "m2m:seci.sit: nothing that an end-point is asked"});
  }
}

NotifiedEndPoint::Handled NotifiedEndPoint::esprim(const RequestPrimitive& outer) {
  auto handled = esprim_->handle(outer, clock_.now());
  if (!handled) return refuse(outer, {Rsc::bad_request, "pc: no message of ESPrim"});
  if (auto* const answered = std::get_if<EsPrimEndpoint::Answer>(&*handled))
    return answer_of(std::move(*answered));
  if (auto* const fetch = std::get_if<EsPrimReceiver::FetchKey>(&*handled)) return std::move(*fetch);
  return std::move(std::get<EsPrimEndpoint::Inner>(*handled));
}

NotifiedEndPoint::Handled NotifiedEndPoint::opened(const RequestPrimitive& outer) {
  auto handled = esprim(outer);
  if (std::holds_alternative<EsPrimReceiver::FetchKey>(handled)) return unknown_key(outer);
  return handled;
}

NotifiedEndPoint::Answer NotifiedEndPoint::unknown_key(const RequestPrimitive& outer) const {
  return answer_of(EsPrimEndpoint::unknown_key(outer));
}

NotifiedEndPoint::Answer NotifiedEndPoint::answer(const RequestPrimitive& outer, const EsPrimContext& context,
                                                  const codec::ResponsePrimitive& inner) {
  return answer_of(esprim_->answer(outer, context, inner, clock_.now()));
}

NotifiedEndPoint::Answer NotifiedEndPoint::escertke(const Notified& notified) {
  const auto& outer = notified.outer;
  if (!escertke_ || !notified.originator)
    return refuse(outer, {Rsc::not_implemented, "m2m:seci: no keys are established here"});
  const auto message = read_escertke_message(outer.pc);
  if (!message) return refuse(outer, message.error());
  // Only those that are authorized cost anything, and each of them has a bucket of its own.
  const auto& initiator = *notified.originator;
  if (is_escertke_message_1(*message) && authorizes(initiator) &&
      !handshakes_->take(to_string(initiator), clock_.now()))
    return shed(outer, "ESCertKE: more handshakes than " + to_string(initiator) + " may begin");
  auto answered = escertke_->receive(initiator, *message);
  const bool overloaded = answered.failure && answered.failure->code == ErrorCode::limit;
  if (overloaded) return shed(outer, std::move(answered.failure->detail));
  Answer out;
  out.outer.rsc = answered.failure ? Rsc::bad_request : Rsc::ok;
  out.outer.rqi = outer.rqi;
  out.outer.rvi = outer.rvi;
  if (!answered.message.empty()) out.outer.pc = escertke_security_info(answered.message);
  if (answered.failure) out.refusal = std::move(answered.failure->detail);
  out.established = std::move(answered.key);
  return out;
}

}  // namespace latchkey::e2e
