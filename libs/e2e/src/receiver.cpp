#include "latchkey/e2e/receiver.h"

#include <algorithm>
#include <mutex>

#include "plaintext.h"
#include "receiver_state.h"

namespace latchkey::e2e {

struct EsPrimReceiver::State {
  explicit State(const EsPrimReceiverConfig& config) : memory(config) {}
  std::mutex mutex;
  ReceiverMemory memory;  ///< guarded by mutex
};

namespace {

Status check(const EsPrimReceiverConfig& config) {
  const auto bad = [](const char* what) { return fail(ErrorCode::invalid_argument, what); };
  if (!std::holds_alternative<AeId>(config.self) && !std::holds_alternative<CseId>(config.self))
    return bad("self: neither AE-ID nor CSE-ID");
  if (config.encs.empty() || config.encs.size() > 3) return bad("encs: not of 1 to 3 algorithms");
  if (config.refresh_ahead >= config.shared_lifetime) return bad("refresh_ahead: not below shared_lifetime");
  if (config.unshared_lifetime < std::chrono::seconds(4)) return bad("unshared_lifetime: below 4 s");
  if (std::min({config.keys, config.receiver_objects - 1, config.unused_per_requester, config.sessions,
                config.sessions_per_key, config.requests_per_session, config.requests}) == 0)
    return bad("a bound of 0; receiver_objects is at least 2");
  return {};
}

EsPrimRefusal of_error(const Error& error) {
  return {error.code == ErrorCode::authentication ? EsPrimDefect::tag : EsPrimDefect::form, error.detail};
}

EsPrimResult<codec::RequestPrimitive> read_inner(const SecretBytes& plaintext, InnerFormat format,
                                                 TimePoint now, const codec::PrimitiveLimits& limits) {
  auto value = read_plaintext(plaintext, format, limits);
  if (!value) return refuse(EsPrimDefect::inner, value.error().detail);
  auto request = codec::request_from_json(std::move(*value), now, limits);
  if (!request) return refuse(EsPrimDefect::inner, request.error().detail);
  return std::move(*request);
}

/// The key that a MAF may know.
std::optional<KeyId> kc_id(std::string_view kid, const std::vector<Fqdn>& mafs) {
  auto id = KeyId::parse(kid);
  if (!id || !id->relative_key_id() || std::ranges::find(mafs, id->issuer()) == mafs.end()) return {};
  return std::move(*id);
}

}  // namespace

Result<std::unique_ptr<EsPrimReceiver>> EsPrimReceiver::make(EsPrimReceiverConfig config) {
  if (auto valid = check(config); !valid) return fail(std::move(valid.error()));
  return std::unique_ptr<EsPrimReceiver>(new EsPrimReceiver(std::move(config)));
}

EsPrimReceiver::EsPrimReceiver(EsPrimReceiverConfig config)
    : config_(std::move(config)), state_(std::make_unique<State>(config_)) {}
EsPrimReceiver::~EsPrimReceiver() = default;

Status EsPrimReceiver::add_key(PairwiseEsPrimKey::Shared key) {
  const std::lock_guard lock(state_->mutex);
  return state_->memory.add_key(std::move(key));
}

void EsPrimReceiver::remove_key(std::string_view id) {
  const std::lock_guard lock(state_->mutex);
  state_->memory.remove_key(id);
}

std::optional<ReceiverRandObject> EsPrimReceiver::shared_object(TimePoint now) {
  if (!config_.share) return {};
  const std::lock_guard lock(state_->mutex);
  state_->memory.purge(now);
  return state_->memory.shared_object(now);
}

ReceiverRandObject EsPrimReceiver::issue(std::string_view requester, TimePoint now) {
  const std::lock_guard lock(state_->mutex);
  state_->memory.purge(now);
  return state_->memory.issue(requester, now);
}

EsPrimReceiver::OpenResult EsPrimReceiver::open(std::string_view object,
                                                std::optional<std::string_view> outer_from, TimePoint now) {
  const auto parts = jose::split_jwe(object, {.octets = kEsPrimOctetsMax});
  if (!parts) return EsPrimRefusal{EsPrimDefect::form, parts.error().detail};
  std::optional<Known> known;
  {
    const std::lock_guard lock(state_->mutex);
    state_->memory.purge(now);
    known = state_->memory.known(parts->header, now);
  }
  std::optional<EsPrimHeader> header;
  if (!known) {
    auto read = EsPrimHeader::read(parts->header, now);
    if (!read) return std::move(read.error());
    header = std::move(*read);
    const std::lock_guard lock(state_->mutex);
    auto resolved = state_->memory.resolve(*header, now);
    if (!resolved && resolved.error().defect == EsPrimDefect::unknown_key)
      if (auto kc = kc_id(header->kid, config_.mafs)) return FetchKey{std::move(*kc)};
    if (!resolved) return std::move(resolved.error());
    known = std::move(*resolved);
  }
  const auto opened = known->live->session->open(*parts, known->enc);
  if (!opened) return of_error(opened.error());
  const auto format = inner_format(known->cty);
  if (!format) return EsPrimRefusal{EsPrimDefect::format, "cty is neither of JSON nor of CBOR"};
  auto inner = read_inner(opened->plaintext, *format, now, config_.primitive);
  if (!inner) return std::move(inner.error());
  // 7.2.2 steps 3 and 4, and the same for the primitive outside, which hops have looked at.
  const EntityId& peer = known->live->session->pairwise().peer();
  if (!names_entity(inner->from, peer, config_.self))
    return EsPrimRefusal{EsPrimDefect::impersonation, "inner From is not the owner of the key"};
  if (outer_from && !names_entity(*outer_from, peer, config_.self))
    return EsPrimRefusal{EsPrimDefect::impersonation, "outer From is not the owner of the key"};
  {
    const std::lock_guard lock(state_->mutex);
    auto admitted = state_->memory.admit(*known, parts->header, header, inner->rqi);
    if (!admitted) return std::move(admitted.error());
  }
  return Opened{.request = std::move(*inner),
                .originator = peer,
                .context = EsPrimContext(known->live->session, known->enc, *format)};
}

EsPrimResult<std::string> EsPrimReceiver::seal(const EsPrimContext& context,
                                               const codec::ResponsePrimitive& response, TimePoint now) {
  if (context.session_ == nullptr) return refuse(EsPrimDefect::sealing, "no request was opened");
  Session& session = *context.session_;
  if (session.end() <= now) return refuse(EsPrimDefect::sealing, "the session has ended");
  std::optional<ReceiverRandObject> next;
  {
    const std::lock_guard lock(state_->mutex);
    next = state_->memory.successor(session.rri(), now);
  }
  const Plaintext inner(codec::to_json(response), context.format_, response.confidential);
  auto text = next
                  ? session.seal(session.header(context.enc_, context.format_, "rro", *next), context.enc_,
                                 inner.octets())
                  : session.seal(session.header(context.enc_, context.format_), context.enc_, inner.octets());
  if (!text) return refuse(EsPrimDefect::sealing, text.error().detail);
  return std::move(*text);
}

EsPrimReceiver::Counts EsPrimReceiver::counts() const {
  const std::lock_guard lock(state_->mutex);
  return state_->memory.counts();
}

}  // namespace latchkey::e2e
