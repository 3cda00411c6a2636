#include "server_session.h"

#include <gnutls/crypto.h>

#include <algorithm>

namespace latchkey::tls {
namespace {

constexpr std::size_t kRandomKeyOctets = 32;
constexpr std::size_t kServerNameOctetsMax = 255;

/// For audit: outside octets are shown, never passed on raw.
std::string printable(std::string_view text, std::size_t octets_max) {
  std::string shown(text.substr(0, octets_max));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return shown;
}

/// "address:port" without the port.
std::string_view address_of(std::string_view peer) { return peer.substr(0, peer.rfind(':')); }

}  // namespace

ServerSession::ServerSession(std::shared_ptr<ServerCore> core, std::string peer)
    : SessionImpl(GNUTLS_SERVER, core->audit, core->clock, std::move(peer), core->options.limits),
      core_(std::move(core)),
      credentials_(core_->credentials),
      reader_(core_->options.limits.handshake_octets) {
  // Until the ClientHello has chosen: GnuTLS cannot even send an alert without a priority.
  if (const auto priority = priority_for(std::span(core_->suites).first(1)))
    gnutls_priority_set(tls(), *priority);
  if (credentials_->certificate) {
    gnutls_credentials_set(tls(), GNUTLS_CRD_CERTIFICATE, credentials_->certificate->get());
    const bool required = core_->options.require_client_certificate;
    const bool asked = credentials_->trust && core_->mapper != nullptr;
    gnutls_certificate_server_set_request(
        tls(), required ? GNUTLS_CERT_REQUIRE : (asked ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_IGNORE));
  }
  if (core_->psk != nullptr) gnutls_credentials_set(tls(), GNUTLS_CRD_PSK, psk_server_credentials());
}

ServerSession::~ServerSession() {
  leave_waiting();
  *alive_ = nullptr;
}

void ServerSession::receive_handshake(ByteView ciphertext) {
  inbox_.insert(inbox_.end(), ciphertext.begin(), ciphertext.end());
  if (over_limit() || state_ != State::handshaking) return;
  advance();
}

void ServerSession::advance() {
  while (state_ == State::handshaking && !reader_.encrypted()) {
    const auto next = next_record(ByteView(inbox_).subspan(released_));
    if (!next) return refuse({GNUTLS_A_DECODE_ERROR, next.error().detail});
    if (!*next) break;
    held_ = (*next)->size;
    if (auto refusal = look_at(**next)) return refuse(*std::move(refusal));
    if (key_needed_) find_key();
    if (state_ != State::handshaking) return;
    released_ += std::exchange(held_, 0);
    if (suite_ != nullptr && !hello_passed_) {
      // The suite must be settled at both ends before anything behind the ClientHello is judged.
      hello_passed_ = true;
      drive();
    }
  }
  if (state_ != State::handshaking) return;
  if (reader_.encrypted()) released_ = inbox_.size();
  drive();
}

std::optional<Refusal> ServerSession::look_at(const Record& record) {
  const auto messages = reader_.follow(record);
  if (!messages) return Refusal{GNUTLS_A_RECORD_OVERFLOW, messages.error().detail};
  for (const HandshakeMessage& message : *messages) {
    std::optional<Refusal> refusal;
    if (message.type == kClientHello) {
      if (messages->size() > 1 || reader_.within_message()) {
        return Refusal{GNUTLS_A_UNEXPECTED_MESSAGE, "ClientHello shares its record with another message"};
      }
      refusal = begin(message.body);
    } else if (suite_ == nullptr) {
      return Refusal{GNUTLS_A_UNEXPECTED_MESSAGE, "handshake does not begin with a ClientHello"};
    } else if (message.type == kClientKeyExchange && suite_->key_exchange == KeyExchange::psk) {
      refusal = read_identity(message.body);
    }
    if (refusal) return refusal;
  }
  return std::nullopt;
}

std::optional<Refusal> ServerSession::begin(ByteView client_hello) {
  if (suite_ != nullptr) return Refusal{GNUTLS_A_UNEXPECTED_MESSAGE, "second ClientHello"};
  auto hello = parse_client_hello(client_hello);
  if (!hello) return Refusal{GNUTLS_A_DECODE_ERROR, hello.error().detail};
  if (hello->server_name) {
    server_name_ = printable(*hello->server_name, kServerNameOctetsMax);
    // GnuTLS ends such a handshake without a word; the ClientHello is part of the transcript, so nothing can
    // be cut out.
    if (!has_host_name_characters(*hello->server_name)) {
      return Refusal{GNUTLS_A_UNRECOGNIZED_NAME, "SNI is no host name: '" + server_name_ + "'"};
    }
  }
  if (!hello->offers_tls12) return Refusal{GNUTLS_A_PROTOCOL_VERSION, "the peer does not offer TLS 1.2"};
  return choose_suite(*hello);
}

std::optional<Refusal> ServerSession::choose_suite(const ClientHello& hello) {
  const auto chosen = std::find_if(core_->suites.begin(), core_->suites.end(), [&](const Suite* suite) {
    return std::find(hello.suites.begin(), hello.suites.end(), suite->id) != hello.suites.end();
  });
  if (chosen == core_->suites.end()) return Refusal{GNUTLS_A_HANDSHAKE_FAILURE, "no common cipher suite"};
  // One suite alone: GnuTLS cannot combine its parts into one that the policy does not name, nor reorder
  // them.
  const auto priority = priority_for(std::span(&*chosen, 1));
  if (!priority) return Refusal{GNUTLS_A_INTERNAL_ERROR, priority.error().detail};
  gnutls_priority_set(tls(), *priority);
  suite_ = *chosen;
  return std::nullopt;
}

std::optional<Refusal> ServerSession::read_identity(ByteView client_key_exchange) {
  if (key_needed_ || key_ready_) return Refusal{GNUTLS_A_UNEXPECTED_MESSAGE, "second ClientKeyExchange"};
  auto identity = parse_psk_identity(client_key_exchange);
  if (!identity) return Refusal{GNUTLS_A_DECODE_ERROR, identity.error().detail};
  identity_ = *std::move(identity);
  shown_identity_ = printable(identity_, limits().psk_identity_octets);
  key_needed_ = true;
  return std::nullopt;
}

// --- the key ---

void ServerSession::find_key() {
  key_needed_ = false;
  if (auto checked = check_psk_identity(identity_, limits().psk_identity_octets); !checked) {
    return take_key(fail(checked.error()));
  }
  if (core_->psk == nullptr) return take_key(fail(ErrorCode::unavailable, "the endpoint is closed"));
  state_ = State::waiting_for_key;
  counted_waiting_ = true;
  ++core_->waiting;
  finding_ = true;
  core_->psk->find(identity_, address_of(peer()),
                   [alive = std::weak_ptr<ServerSession*>(alive_)](Result<PskCredential> answer) {
                     if (const auto self = alive.lock(); self && *self != nullptr)
                       (*self)->answered(std::move(answer));
                   });
  finding_ = false;
  // Keys that are at hand are served however many sessions wait for a remote one.
  if (state_ == State::waiting_for_key && core_->waiting > limits().waiting_key_fetches) {
    refuse({GNUTLS_A_INTERNAL_ERROR,
            "more than " + std::to_string(limits().waiting_key_fetches) + " sessions wait for a key"});
  }
}

void ServerSession::answered(Result<PskCredential> answer) {
  if (state_ != State::waiting_for_key) return;
  leave_waiting();
  state_ = State::handshaking;
  take_key(std::move(answer));
  if (finding_) return;
  if (state_ == State::handshaking) {
    released_ += std::exchange(held_, 0);
    advance();
  }
  notify();
}

void ServerSession::take_key(Result<PskCredential> answer) {
  if (!answer) {
    psk_refusal_ = std::move(answer).error().detail;
  } else if (answer->key.empty()) {
    psk_refusal_ = "the key source gave an empty key";
  } else if (answer->context.valid_until && *answer->context.valid_until <= now()) {
    psk_refusal_ = "key expired at " + format_timestamp(*answer->context.valid_until);
  } else {
    psk_ = *std::move(answer);
  }
  key_ready_ = true;
  if (!psk_ && psk_refusal_.empty()) psk_refusal_ = "key refused";
  if (!psk_ && core_->options.psk_reveal_unknown) {
    refuse({GNUTLS_A_UNKNOWN_PSK_IDENTITY, std::exchange(psk_refusal_, {})});
  }
}

int ServerSession::give_psk(std::string_view identity, gnutls_datum_t& key) {
  if (!key_ready_ || identity != identity_) return -1;
  if (psk_) return copy_to_datum(psk_->key.reveal(), key) ? 0 : -1;
  // RFC 4279 section 2: an unknown identity looks like a wrong key, so that identities cannot be listed.
  SecretBytes random(kRandomKeyOctets);
  if (gnutls_rnd(GNUTLS_RND_KEY, random.reveal_writable().data(), random.size()) != 0) return -1;
  return copy_to_datum(random.reveal(), key) ? 0 : -1;
}

void ServerSession::leave_waiting() {
  if (std::exchange(counted_waiting_, false)) --core_->waiting;
}

void ServerSession::notify() {
  auto callback = std::exchange(on_progress_, {});
  if (!callback) return;
  // The owner may destroy this session inside the callback; the token then says so.
  const std::shared_ptr<ServerSession*> alive = alive_;
  callback();
  if (*alive != nullptr && !on_progress_) on_progress_ = std::move(callback);
}

// --- the outcome ---

std::optional<Refusal> ServerSession::judge_chain(std::span<const ByteView> presented) {
  if (presented.empty() && !core_->options.require_client_certificate) return std::nullopt;
  if (!credentials_->trust || core_->mapper == nullptr) {
    return Refusal{GNUTLS_A_UNKNOWN_CA, "no trust anchors for client certificates"};
  }
  auto verified = core_->chains.verify(presented, *credentials_->trust, now(), core_->home);
  if (!verified) return Refusal{alert_for_chain(verified.error()), verified.error().detail};
  chain_ = *std::move(verified);
  if (auto refusal = refusal_for_use(chain_->verified, false)) return refusal;
  auto mapped = core_->mapper->map(chain_->verified);
  if (!mapped) return Refusal{GNUTLS_A_ACCESS_DENIED, mapped.error().detail};
  if (mapped->valid_until && *mapped->valid_until <= now()) {
    return Refusal{GNUTLS_A_CERTIFICATE_EXPIRED,
                   "credential expired at " + format_timestamp(*mapped->valid_until)};
  }
  mapped_ = *std::move(mapped);
  return std::nullopt;
}

Result<SecurityContext> ServerSession::conclude() {
  SecurityContext context;
  if (suite_->key_exchange == KeyExchange::psk) {
    // A random key cannot have matched; nothing but a found credential makes a context.
    if (!psk_) return fail(ErrorCode::authentication, "no key was found for the psk_identity");
    context = std::move(psk_->context);
    context.psk_identity = identity_;
    if (context.framework == Framework::none) context.framework = Framework::provisioned_symmetric_key;
  } else if (mapped_) {
    context = *std::move(mapped_);
    if (context.framework == Framework::none) context.framework = Framework::certificate;
  } else if (core_->options.require_client_certificate) {
    return fail(ErrorCode::authentication, "the client's certificate was not judged");
  }
  return context;
}

void ServerSession::explain(std::string& reason) const {
  if (!psk_refusal_.empty()) reason = psk_refusal_ + " (then: " + reason + ")";
}

void ServerSession::forget_handshake() {
  leave_waiting();
  psk_.reset();
  mapped_.reset();
  credentials_.reset();
  identity_ = {};
}

}  // namespace latchkey::tls
