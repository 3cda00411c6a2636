#include "latchkey/e2e/originator.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "latchkey/e2e/security_info.h"
#include "plaintext.h"
#include "session.h"

namespace latchkey::e2e {
namespace {

constexpr std::string_view kRequestType = "vnd.onem2m-preq";

Error of_refusal(const EsPrimRefusal& refusal) {
  return {ErrorCode::authentication, std::string(to_string(refusal.defect)) + ": " + refusal.detail};
}

}  // namespace

struct EsPrimOriginator::State {
  struct Current {
    std::shared_ptr<Session> session;
    jose::Enc enc = jose::Enc::a256gcm;
    std::uint64_t requests = 0;
    bool received = false;  ///< an answer came, so that the Receiver has the originator object
  };

  std::mutex mutex;
  std::optional<ReceiverRandObject> receiver_object;  ///< guarded by mutex
  std::optional<Current> current;                     ///< guarded by mutex

  void take(const ReceiverRandObject& object) {
    const std::lock_guard lock(mutex);
    if (receiver_object && *receiver_object == object) return;
    receiver_object = object;
    current.reset();
  }
  /// What the Receiver refused, unless another exchange has replaced it already.
  void drop_receiver_object(std::string_view id) {
    const std::lock_guard lock(mutex);
    if (!receiver_object || receiver_object->id() != id) return;
    receiver_object.reset();
    current.reset();
  }
  void drop_session(const Session& session) {
    const std::lock_guard lock(mutex);
    if (current && current->session.get() == &session) current.reset();
  }
  void confirm(const Session& session) {
    const std::lock_guard lock(mutex);
    if (current && current->session.get() == &session) current->received = true;
  }
  [[nodiscard]] bool ready(TimePoint now, std::chrono::seconds answer_time) {
    const std::lock_guard lock(mutex);
    return receiver_object && receiver_object->end() - answer_time > now;
  }
};

Result<std::shared_ptr<EsPrimOriginator>> EsPrimOriginator::make(EsPrimOriginatorConfig config,
                                                                 PairwiseEsPrimKey::Shared key) {
  if (config.encs.empty()) return fail(ErrorCode::invalid_argument, "encs: no algorithm");
  if (config.receiver_address.empty()) return fail(ErrorCode::invalid_argument, "receiver_address: empty");
  return std::shared_ptr<EsPrimOriginator>(new EsPrimOriginator(std::move(config), std::move(key)));
}

EsPrimOriginator::EsPrimOriginator(EsPrimOriginatorConfig config, PairwiseEsPrimKey::Shared key)
    : config_(std::move(config)), key_(std::move(key)), state_(std::make_unique<State>()) {}
EsPrimOriginator::~EsPrimOriginator() = default;

namespace {

/// B.2g: those of ours that the Receiver offers, in our order.
std::vector<jose::Enc> common(const std::vector<jose::Enc>& ours, const ReceiverRandObject& receiver) {
  std::vector<jose::Enc> out;
  std::ranges::copy_if(ours, std::back_inserter(out), [&](jose::Enc enc) { return receiver.offers(enc); });
  return out;
}

struct ToSeal {
  std::shared_ptr<Session> session;
  jose::Enc enc = jose::Enc::a256gcm;
  bool with_object = true;
};

}  // namespace

EsPrimExchange::EsPrimExchange(std::shared_ptr<EsPrimOriginator> originator, codec::RequestPrimitive inner)
    : originator_(std::move(originator)), inner_(std::move(inner)) {}

bool EsPrimExchange::allowed(Step step, Event event) noexcept {
  // Rows: step; columns: start, sec_info, answer.
  constexpr std::array<std::array<bool, 3>, 6> table = {{
      {true, false, false},   // created
      {false, true, false},   // sec_info
      {false, false, true},   // rand_object
      {false, false, true},   // sent
      {false, false, false},  // finished
      {false, false, false},  // failed
  }};
  return table.at(static_cast<std::size_t>(step)).at(static_cast<std::size_t>(event));
}

EsPrimExchange::Action EsPrimExchange::fail_with(Error error, std::optional<codec::Rsc> rsc) {
  step_ = Step::failed;
  return Failed{std::move(error), rsc};
}

EsPrimExchange::Action EsPrimExchange::unexpected() const {
  return Failed{{ErrorCode::conflict, "not expected in this step of the exchange"}, {}};
}

EsPrimExchange::Action EsPrimExchange::start(TimePoint now) {
  if (!allowed(step_, Event::start)) return unexpected();
  if (originator_->state_->ready(now, originator_->config_.answer_time)) return send(now);
  step_ = Step::sec_info;
  return RetrieveSecInfo{};
}

EsPrimExchange::Action EsPrimExchange::on_sec_info(const json::value* esi, TimePoint now) {
  if (!allowed(step_, Event::sec_info)) return unexpected();
  if (esi == nullptr)
    return fail_with({ErrorCode::unsupported, "the Receiver has no e2eSecInfo: no ESPrim there"});
  auto info = read_sec_info(*esi, now);
  if (!info) return fail_with({ErrorCode::invalid_argument, "e2eSecInfo: " + info.error().detail});
  // B.2c.1
  if (!info->supports_esprim())
    return fail_with({ErrorCode::unsupported, "the Receiver's e2eSecInfo lists no ESPrim"});
  if (!info->shared || info->shared->end() - originator_->config_.answer_time <= now)
    return ask_rand_object();
  originator_->state_->take(*info->shared);
  return send(now);
}

EsPrimExchange::Action EsPrimExchange::ask_rand_object() {
  step_ = Step::rand_object;
  return Send{outer(to_security_info(RandObjectRequest{}))};
}

codec::RequestPrimitive EsPrimExchange::outer(json::value&& pc) const {
  codec::RequestPrimitive out;
  out.op = codec::Operation::notify;
  out.to = originator_->config_.receiver_address;
  out.from = inner_.from;
  out.rvi = inner_.rvi;
  out.pc = std::move(pc);
  // TS-0004 7.6.2: what hops may see of how to treat it.
  out.rqet = inner_.rqet;
  out.rset = inner_.rset;
  out.ec = inner_.ec;
  out.da = inner_.da;
  return out;
}

EsPrimExchange::Action EsPrimExchange::send(TimePoint now) {
  const auto& config = originator_->config_;
  auto& state = *originator_->state_;
  if (originator_->key_->expired(now))
    return fail_with({ErrorCode::expired, "the pairwiseESPrimKey has expired"});
  const auto usable = [&]() -> EsPrimResult<ToSeal> {
    const std::lock_guard lock(state.mutex);
    if (!state.receiver_object)
      return refuse(EsPrimDefect::unknown_receiver_object, "another exchange has dropped it");
    const bool renew = !state.current || state.current->session->end() - config.answer_time <= now ||
                       state.current->requests >= config.requests_per_session;
    if (renew) {
      const auto encs = common(config.encs, *state.receiver_object);
      if (encs.empty()) return refuse(EsPrimDefect::algorithms, "no algorithm in common with the Receiver");
      const auto end = std::min(state.receiver_object->end(), now + config.object_lifetime);
      auto session = Session::establish(originator_->key_, *state.receiver_object,
                                        OriginatorRandObject::make(end, encs), now, kRequestType);
      if (!session) return tl::unexpected(session.error());
      state.current = EsPrimOriginator::State::Current{.session = std::move(*session), .enc = encs.front()};
    }
    ++state.current->requests;
    return ToSeal{state.current->session, state.current->enc, !state.current->received};
  }();
  if (!usable) return fail_with(of_refusal(usable.error()));
  session_ = usable->session;
  const auto format = originator_->config_.format;
  const Plaintext inner(codec::to_json(inner_), format, inner_.confidential);
  // C.3: the whole object as long as this may be the first that the Receiver gets.
  auto text = usable->with_object
                  ? session_->seal(session_->header(usable->enc, format, "oro", session_->originator()),
                                   usable->enc, inner.octets())
                  : session_->seal(session_->header(usable->enc, format), usable->enc, inner.octets());
  if (!text) return fail_with(std::move(text.error()));
  step_ = Step::sent;
  return Send{outer(to_security_info(EsPrimObject{std::move(*text)}))};
}

EsPrimExchange::Action EsPrimExchange::on_answer(const codec::ResponsePrimitive& outer, TimePoint now) {
  if (!allowed(step_, Event::answer)) return unexpected();
  if (!codec::is_success(outer.rsc)) return on_refusal(outer.rsc, now);
  auto message = read_esprim_message(outer.pc, now);
  if (!message) return fail_with({ErrorCode::invalid_argument, "answer: " + message.error().detail});
  if (step_ == Step::rand_object) {
    const auto* object = std::get_if<ReceiverRandObject>(&*message);
    if (object == nullptr)
      return fail_with({ErrorCode::invalid_argument, "the answer brings no receiverESPrimRandObject"});
    if (object->end() <= now)
      return fail_with({ErrorCode::expired, "the receiverESPrimRandObject has expired"});
    originator_->state_->take(*object);
    return send(now);
  }
  const auto* object = std::get_if<EsPrimObject>(&*message);
  if (object == nullptr) return fail_with({ErrorCode::invalid_argument, "the answer is no ESPrim Object"});
  return open(object->text, now);
}

EsPrimExchange::Action EsPrimExchange::on_refusal(codec::Rsc rsc, TimePoint now) {
  Error error{ErrorCode::denied, "the Receiver answered " + std::string(codec::to_string(rsc))};
  if (step_ != Step::sent) return fail_with(std::move(error), rsc);
  if (rsc == codec::Rsc::esprim_unknown_recv_rand_id && !renewed_receiver_object_) {
    renewed_receiver_object_ = true;
    originator_->state_->drop_receiver_object(session_->rri());
    return ask_rand_object();
  }
  if (rsc == codec::Rsc::esprim_unknown_orig_rand_id && !renewed_originator_object_) {
    renewed_originator_object_ = true;
    originator_->state_->drop_session(*session_);
    return send(now);
  }
  return fail_with(std::move(error), rsc);
}

EsPrimExchange::Action EsPrimExchange::open(std::string_view object, TimePoint now) {
  const auto discard = [&](EsPrimDefect defect, std::string detail) {
    return fail_with(of_refusal({defect, std::move(detail)}));
  };
  const auto parts = jose::split_jwe(object, {.octets = kEsPrimOctetsMax});
  if (!parts) return discard(EsPrimDefect::form, parts.error().detail);
  const auto header = EsPrimHeader::read(parts->header, now);
  if (!header) return fail_with(of_refusal(header.error()));
  // C.11a
  if (header->kid != session_->pairwise().id() || header->ori != session_->ori() ||
      header->rri != session_->rri())
    return discard(EsPrimDefect::header, "kid, ori and rri are not those of the request");
  if (session_->end() <= now)
    return discard(EsPrimDefect::expired_originator_object, "the session has expired");
  if (header->oro) return discard(EsPrimDefect::header, "oro: sent by Originators only");
  if (!session_->permits(header->enc)) return discard(EsPrimDefect::algorithms, "enc is not in espa");
  const auto opened = session_->open(*parts, header->enc);
  if (!opened)
    return discard(opened.error().code == ErrorCode::authentication ? EsPrimDefect::tag : EsPrimDefect::form,
                   opened.error().detail);
  const auto format = inner_format(header->cty);
  if (!format) return discard(EsPrimDefect::format, "cty is neither of JSON nor of CBOR");
  const auto& limits = originator_->config_.primitive;
  const auto value = read_plaintext(opened->plaintext, *format, limits);
  if (!value) return discard(EsPrimDefect::inner, value.error().detail);
  auto response = codec::response_from_json(*value, limits);
  if (!response) return discard(EsPrimDefect::inner, response.error().detail);
  if (response->rqi != inner_.rqi) return discard(EsPrimDefect::replayed, "the answer is to another request");
  originator_->state_->confirm(*session_);
  // 8.4.3.2 1.1: recorded once the tag has proved it.
  if (header->rro && header->rro->end() > now) originator_->state_->take(*header->rro);
  step_ = Step::finished;
  return Finished{std::move(*response)};
}

}  // namespace latchkey::e2e
