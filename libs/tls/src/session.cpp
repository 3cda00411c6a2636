#include "session.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "key_log.h"

namespace latchkey::tls {
namespace {

constexpr std::size_t kRecordPlaintextMax = 1U << 14U;
constexpr std::size_t kExportOctetsMax = 1024;
constexpr int kWarningsMax = 16;  ///< warning alerts in a row that a peer may send
constexpr std::array<std::uint8_t, 3> kClientHelloRecordStart = {0x16, 0x03, 0x03};

/// GnuTLS writes 0x0303 into the record header of a ClientHello. TR-0038 A.2 and RFC 5246 E.1 have 0x0301,
/// which the oldest peers and boxes between understand too; the header is in no transcript.
void soften_client_hello_version(Bytes& out) {
  if (out.size() > 2 &&
      std::equal(kClientHelloRecordStart.begin(), kClientHelloRecordStart.end(), out.begin())) {
    out[2] = 0x01;
  }
}

/// Stands where GnuTLS would have its own, which writes to the file that SSLKEYLOGFILE names: an environment
/// must not make a daemon give its keys away.
int keep_keys(gnutls_session_t, const char*, const gnutls_datum_t*) { return 0; }

}  // namespace

SessionImpl::SessionImpl(unsigned role, AuditSink& audit, const Clock& clock, std::string peer,
                         const EndpointLimits& limits)
    : audit_(audit),
      clock_(clock),
      peer_(std::move(peer)),
      limits_(limits),
      client_((role & GNUTLS_CLIENT) != 0) {
  // A ticket would let a peer come back without its PSK being looked up (RFC 5077): none are made or taken.
  const unsigned flags =
      role | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS | (client_ ? GNUTLS_FORCE_CLIENT_CERT : 0U);
  if (gnutls_init(&tls_, flags) != 0) broken_invariant("no memory for a TLS session");
  gnutls_session_set_ptr(tls_, this);
  gnutls_session_set_keylog_function(tls_, keep_keys);
  gnutls_transport_set_ptr(tls_, this);
  gnutls_transport_set_pull_function(tls_, pull);
  gnutls_transport_set_vec_push_function(tls_, push);
  gnutls_handshake_set_max_packet_length(tls_, limits_.handshake_octets);
}

SessionImpl::~SessionImpl() {
  gnutls_deinit(tls_);
  wipe(plain_.data(), plain_.size());
}

SessionImpl& SessionImpl::of(gnutls_session_t session) noexcept {
  return *static_cast<SessionImpl*>(gnutls_session_get_ptr(session));
}

int SessionImpl::give_psk(std::string_view, gnutls_datum_t&) { return -1; }
int SessionImpl::give_client_psk(gnutls_datum_t&, gnutls_datum_t&) { return -1; }

// --- transport ---

ssize_t SessionImpl::pull(gnutls_transport_ptr_t self, void* to, std::size_t size) {
  auto& session = *static_cast<SessionImpl*>(self);
  const bool handshaking = session.state_ == State::handshaking;
  if (handshaking && session.handshake_octets_ >= session.limits_.handshake_octets) {
    gnutls_transport_set_errno(session.tls_, EIO);
    return -1;
  }
  ByteView from = ByteView(session.inbox_).subspan(session.pulled_, session.released_ - session.pulled_);
  const bool buffered = !from.empty();
  if (!buffered) from = session.view_;
  if (from.empty()) {
    gnutls_transport_set_errno(session.tls_, EAGAIN);
    return -1;
  }
  size = std::min(size, from.size());
  std::memcpy(to, from.data(), size);
  if (buffered) {
    session.pulled_ += size;
  } else {
    session.view_ = session.view_.subspan(size);
  }
  if (handshaking) session.handshake_octets_ += size;
  return static_cast<ssize_t>(size);
}

ssize_t SessionImpl::push(gnutls_transport_ptr_t self, const giovec_t* parts, int count) {
  auto& session = *static_cast<SessionImpl*>(self);
  const std::span<const giovec_t> all(parts, static_cast<std::size_t>(count));
  std::size_t total = 0;
  for (const giovec_t& part : all) total += part.iov_len;
  if (session.out_.capacity() < session.out_.size() + total) {
    session.out_.reserve(std::max(session.out_.size() + total, 2 * session.out_.size()));
  }
  for (const giovec_t& part : all) {
    const auto* data = static_cast<const std::uint8_t*>(part.iov_base);
    session.out_.insert(session.out_.end(), data, data + part.iov_len);
  }
  if (session.client_ && !session.begun_) soften_client_hello_version(session.out_);
  session.begun_ = true;
  return static_cast<ssize_t>(total);
}

void SessionImpl::receive(ByteView ciphertext) {
  if (ciphertext.empty()) return;
  begun_ = true;
  if (state_ == State::handshaking || state_ == State::waiting_for_key) {
    receive_handshake(ciphertext);
  } else if (state_ == State::established) {
    view_ = ciphertext;
    decrypt();
  }
  view_ = {};
}

// --- handshake ---

void SessionImpl::drive() {
  for (int warnings = 0;;) {
    const std::size_t before = handshake_octets_;
    const int result = gnutls_handshake(tls_);
    if (result == GNUTLS_E_SUCCESS) return establish();
    // GnuTLS pauses after each piece of a message that is split over records, though more has come.
    const bool more = pulled_ < released_ || !view_.empty();
    if (result == GNUTLS_E_AGAIN && more && handshake_octets_ > before) continue;
    if (result == GNUTLS_E_AGAIN) {
      over_limit();
      return;
    }
    if (gnutls_error_is_fatal(result) == 0 && ++warnings <= kWarningsMax) continue;
    if (noted_) return refuse(*std::exchange(noted_, std::nullopt));
    if (over_limit()) return;
    return refuse(refusal_for(tls_, result));
  }
}

bool SessionImpl::over_limit() {
  const std::size_t octets = handshake_octets_ + inbox_.size() - pulled_;
  const bool over = octets > limits_.handshake_octets || handshake_octets_ == limits_.handshake_octets;
  if (over && (state_ == State::handshaking || state_ == State::waiting_for_key)) {
    refuse({GNUTLS_A_RECORD_OVERFLOW,
            "handshake of more than " + std::to_string(limits_.handshake_octets) + " octets"});
  }
  return over;
}

int SessionImpl::verify_peer() {
  unsigned count = 0;
  const gnutls_datum_t* list = gnutls_certificate_get_peers(tls_, &count);
  std::array<ByteView, ChainCache::kChainCertificatesMax + 1> presented;
  const std::size_t kept = list == nullptr ? 0 : std::min<std::size_t>(count, presented.size());
  for (std::size_t i = 0; i < kept; ++i) presented[i] = {list[i].data, list[i].size};
  noted_ = judge_chain(std::span<const ByteView>(presented).first(kept));
  return noted_ ? -1 : 0;
}

void SessionImpl::establish() {
  auto context = conclude();
  if (context) {
    if (auto finished = finish_context(*context); !finished) context = fail(finished.error());
  }
  if (!context) return refuse({GNUTLS_A_ACCESS_DENIED, context.error().detail});
  context_ = std::make_shared<const SecurityContext>(*std::move(context));
  state_ = State::established;
  if (key_log_is_open()) write_key_log(key_log_line());
  audit(AuditEventId::handshake_accepted, {});
  gnutls_credentials_clear(tls_);
  forget_handshake();
  // Data may have come right behind the Finished; mostly nothing has, and asking GnuTLS for it costs.
  if (pulled_ < released_ || !view_.empty() || gnutls_record_check_pending(tls_) > 0) return decrypt();
  drop_buffers();
}

Status SessionImpl::finish_context(SecurityContext& context) const {
  const Suite* suite = negotiated_suite(tls_);
  if (suite == nullptr) return fail(ErrorCode::internal, "a suite outside the policy was negotiated");
  context.cipher_suite = suite->name;
  context.cipher_suite_id = suite->id;
  context.server_name = server_name_;
  if (chain_) {
    context.certificate_sha256 = chain_->leaf_sha256;
    const TimePoint path = chain_->verified.valid_until;
    context.valid_until = context.valid_until ? std::min(*context.valid_until, path) : path;
  }
  if (context.valid_until && *context.valid_until <= now()) {
    return fail(ErrorCode::expired, "credential expired at " + format_timestamp(*context.valid_until));
  }
  return {};
}

void SessionImpl::refuse(Refusal refusal) {
  if (refusal.alert) gnutls_alert_send(tls_, GNUTLS_AL_FATAL, *refusal.alert);
  state_ = State::failed;
  failure_ = std::move(refusal.reason);
  explain(failure_);
  audit(AuditEventId::handshake_refused, failure_);
  forget_handshake();
  drop_buffers();
}

void SessionImpl::abandon(std::string reason) {
  if (state_ == State::handshaking || state_ == State::waiting_for_key) {
    if (begun_) return refuse({std::nullopt, std::move(reason)});
    state_ = State::failed;
    failure_ = std::move(reason);
  } else if (state_ == State::established) {
    break_off(std::nullopt, std::move(reason));
  }
}

void SessionImpl::audit(AuditEventId id, std::string reason) const {
  AuditEvent event;
  event.id = id;
  event.time = now();
  event.peer = peer_;
  event.operation = client_ ? "connect" : "accept";
  event.reason = std::move(reason);
  if (const Suite* suite = negotiated_suite(tls_)) event.target = suite->name;
  if (context_ && context_->identity) event.originator = to_string(*context_->identity);
  if (context_ && context_->credential_id) {
    event.credential_id = context_->credential_id->text();
  } else {
    event.credential_id = psk_identity();
  }
  if (event.credential_id.empty() && chain_) event.credential_id = chain_->leaf_sha256;
  audit_.record(std::move(event));
}

// --- established ---

void SessionImpl::decrypt() {
  std::array<std::uint8_t, kRecordPlaintextMax>
      buffer;  // NOLINT: written by gnutls_record_recv before it is read
  for (int warnings = 0;;) {
    const ssize_t got = gnutls_record_recv(tls_, buffer.data(), buffer.size());
    if (got > 0) {
      append_plain({buffer.data(), static_cast<std::size_t>(got)});
      wipe(buffer.data(), static_cast<std::size_t>(got));  // it may have held a key, as may plain_
      continue;
    }
    if (got == 0) return close();  // the peer's close_notify
    if (got == GNUTLS_E_AGAIN) break;
    if (got == GNUTLS_E_REHANDSHAKE) {
      // The identity of a session never changes: no renegotiation, from either side (RFC 5746 section 4.5).
      gnutls_alert_send(tls_, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
      audit(AuditEventId::session_closed_by_policy, "renegotiation");
      return break_off(std::nullopt, "the peer asked for a renegotiation");
    }
    const int error = static_cast<int>(got);
    if (gnutls_error_is_fatal(error) == 0 && ++warnings <= kWarningsMax) continue;
    Refusal refusal = refusal_for(tls_, error);
    return break_off(refusal.alert, std::move(refusal.reason));
  }
  // All octets are with GnuTLS now; an idle session keeps no buffer of its own.
  drop_buffers();
}

void SessionImpl::append_plain(ByteView octets) {
  if (plain_.size() + octets.size() > plain_.capacity()) {
    // By hand, so that the buffer that is given up is wiped.
    Bytes larger;
    larger.reserve(std::max(plain_.size() + octets.size(), 2 * plain_.capacity()));
    larger.assign(plain_.begin(), plain_.end());
    wipe(plain_.data(), plain_.size());
    plain_ = std::move(larger);
  }
  plain_.insert(plain_.end(), octets.begin(), octets.end());
}

void SessionImpl::break_off(std::optional<gnutls_alert_description_t> alert, std::string reason) {
  if (alert) gnutls_alert_send(tls_, GNUTLS_AL_FATAL, *alert);
  state_ = State::failed;
  failure_ = std::move(reason);
  drop_buffers();
}

void SessionImpl::drop_buffers() {
  inbox_ = {};
  released_ = 0;
  pulled_ = 0;
  view_ = {};
}

std::size_t SessionImpl::read(std::span<std::uint8_t> out) {
  const std::size_t size = std::min(out.size(), plain_.size() - plain_read_);
  std::copy_n(plain_.begin() + static_cast<std::ptrdiff_t>(plain_read_), size, out.begin());
  plain_read_ += size;
  if (plain_read_ == plain_.size()) {
    wipe(plain_.data(), plain_.size());
    plain_ = {};
    plain_read_ = 0;
  }
  return size;
}

Status SessionImpl::write(ByteView plaintext) {
  if (state_ != State::established) return fail(ErrorCode::unavailable, "TLS session is not established");
  while (!plaintext.empty()) {
    const ssize_t sent =
        gnutls_record_send(tls_, plaintext.data(), std::min(plaintext.size(), kRecordPlaintextMax));
    if (sent <= 0) {
      std::string reason = gnutls_strerror(static_cast<int>(sent));
      break_off(std::nullopt, reason);
      return fail(ErrorCode::io, "TLS write: " + std::move(reason));
    }
    plaintext = plaintext.subspan(static_cast<std::size_t>(sent));
  }
  return {};
}

void SessionImpl::close() {
  if (state_ != State::established) return abandon("closed before the handshake was done");
  gnutls_bye(tls_, GNUTLS_SHUT_WR);
  state_ = State::closed;
  drop_buffers();
}

Result<SecretBytes> SessionImpl::export_key(std::string_view label, std::size_t size) const {
  if (state_ != State::established) return fail(ErrorCode::unavailable, "TLS session is not established");
  if (label.empty() || size == 0 || size > kExportOctetsMax) {
    return fail(ErrorCode::invalid_argument, "exporter: empty label, or size outside 1 to 1024");
  }
  // RFC 7627 section 6.2: without extended master secret two sessions may be steered to one exporter value.
  if ((gnutls_session_get_flags(tls_) & GNUTLS_SFLAGS_EXT_MASTER_SECRET) == 0) {
    return fail(ErrorCode::denied, "extended master secret was not negotiated");
  }
  SecretBytes key(size);
  const int error = gnutls_prf_rfc5705(tls_, label.size(), label.data(), 0, nullptr, size,
                                       reinterpret_cast<char*>(key.reveal_writable().data()));
  if (error != 0) return fail(ErrorCode::io, std::string("exporter: ") + gnutls_strerror(error));
  return key;
}

std::string SessionImpl::key_log_line() const {
  gnutls_datum_t random{};
  gnutls_datum_t master{};
  gnutls_session_get_random(tls_, &random, nullptr);
  gnutls_session_get_master_secret(tls_, &master);
  return "CLIENT_RANDOM " + to_hex({random.data, random.size}) + " " + to_hex({master.data, master.size});
}

}  // namespace latchkey::tls
