#include "latchkey/tls/raw_key.h"

#include <gnutls/abstract.h>

#include "session.h"
#include "suites.h"

namespace latchkey::tls {
namespace {

int verify_raw(gnutls_session_t session) { return SessionImpl::of(session).verify_peer(); }

gnutls_datum_t datum(ByteView octets) {
  // GnuTLS takes input data by pointers to non-const; it does not write through them.
  return {const_cast<std::uint8_t*>(octets.data()), static_cast<unsigned>(octets.size())};  // NOLINT
}

struct FreeCredentials {
  void operator()(gnutls_certificate_credentials_t it) const noexcept {
    gnutls_certificate_free_credentials(it);
  }
};
using Credentials = std::unique_ptr<std::remove_pointer_t<gnutls_certificate_credentials_t>, FreeCredentials>;

Result<Credentials> credentials_of(const pki::PrivateKey& key) {
  gnutls_certificate_credentials_t made = nullptr;
  if (const int error = gnutls_certificate_allocate_credentials(&made); error != 0)
    return fail(ErrorCode::io, gnutls_strerror(error));
  Credentials credentials(made);
  gnutls_certificate_set_verify_function(made, verify_raw);
  const Bytes spki = key.public_spki();
  const SecretBytes pem = key.to_pem();
  // The one form for both: the public key is in PEM as well.
  const std::string public_pem =
      "-----BEGIN PUBLIC KEY-----\n" + to_base64(ByteView(spki)) + "\n-----END PUBLIC KEY-----\n";
  const gnutls_datum_t public_text = datum(as_bytes(public_pem)), secret_text = datum(pem.reveal());
  const int set = gnutls_certificate_set_rawpk_key_mem(made, &public_text, &secret_text, GNUTLS_X509_FMT_PEM,
                                                       nullptr, GNUTLS_KEY_DIGITAL_SIGNATURE, nullptr, 0, 0);
  if (set < 0) return fail(ErrorCode::invalid_argument, std::string("own key: ") + gnutls_strerror(set));
  return credentials;
}

struct FreePriority {
  void operator()(gnutls_priority_t it) const noexcept { gnutls_priority_deinit(it); }
};

/// As priority_for(), with raw keys in the place of certificates.
Result<gnutls_priority_t> raw_priority(const std::vector<const Suite*>& suites) {
  std::string text =
      "NONE:+COMP-NULL:+SIGN-ECDSA-SHA256:+GROUP-SECP256R1:+VERS-TLS1.2:+ECDHE-ECDSA:+CTYPE-CLI-RAWPK:"
      "+CTYPE-SRV-RAWPK";
  for (const Suite* suite : suites) text.append(":").append(suite->cipher);
  gnutls_priority_t made = nullptr;
  if (const int error = gnutls_priority_init(&made, text.c_str(), nullptr); error != 0)
    return fail(ErrorCode::io, "GnuTLS refuses the priority " + text + ": " + gnutls_strerror(error));
  return made;
}

class RawKeySession final : public SessionImpl {
 public:
  RawKeySession(bool client, RawKeyOptions options, AuditSink& audit, const Clock& clock)
      : SessionImpl((client ? GNUTLS_CLIENT : GNUTLS_SERVER) | GNUTLS_ENABLE_RAWPK, audit, clock,
                    options.peer, options.limits),
        client_(client),
        options_(std::move(options)) {}

  [[nodiscard]] Status prepare() {
    if (options_.own == nullptr) return fail(ErrorCode::invalid_argument, "no own key");
    if (!options_.judge) return fail(ErrorCode::invalid_argument, "nobody judges the key of the peer");
    auto suites = usable_suites(options_.suites, false, true);
    if (!suites) return fail(std::move(suites).error());
    auto priority = raw_priority(*suites);
    if (!priority) return fail(std::move(priority).error());
    priority_.reset(*priority);
    gnutls_priority_set(tls(), priority_.get());
    auto credentials = credentials_of(options_.own->key);
    if (!credentials) return fail(std::move(credentials).error());
    credentials_ = *std::move(credentials);
    gnutls_credentials_set(tls(), GNUTLS_CRD_CERTIFICATE, credentials_.get());
    if (!client_) gnutls_certificate_server_set_request(tls(), GNUTLS_CERT_REQUIRE);
    return {};
  }
  void start() override {
    if (client_) drive();
  }

 protected:
  void receive_handshake(ByteView ciphertext) override {
    view_ = ciphertext;
    drive();
  }
  [[nodiscard]] std::optional<Refusal> judge_chain(std::span<const ByteView> presented) override {
    // Where no raw key was agreed on, what is presented is something else.
    if (gnutls_certificate_type_get2(tls(), GNUTLS_CTYPE_PEERS) != GNUTLS_CRT_RAWPK || presented.size() != 1)
      return Refusal{GNUTLS_A_UNSUPPORTED_CERTIFICATE, "the peer presents no raw public key"};
    auto judged = options_.judge(presented.front());
    if (!judged) return Refusal{GNUTLS_A_BAD_CERTIFICATE, judged.error().detail};
    context_of_peer_ = *std::move(judged);
    return std::nullopt;
  }
  [[nodiscard]] Result<SecurityContext> conclude() override {
    if (!context_of_peer_) return fail(ErrorCode::authentication, "the peer's key was not judged");
    return *std::move(context_of_peer_);
  }
  [[nodiscard]] std::string_view psk_identity() const noexcept override { return {}; }
  void forget_handshake() override {
    options_.own.reset();
    options_.judge = nullptr;
    context_of_peer_.reset();
    credentials_.reset();
  }

 private:
  const bool client_;
  RawKeyOptions options_;
  std::unique_ptr<std::remove_pointer_t<gnutls_priority_t>, FreePriority> priority_;
  Credentials credentials_;
  std::optional<SecurityContext> context_of_peer_;
};

Result<std::unique_ptr<Session>> make(bool client, RawKeyOptions options, AuditSink& audit,
                                      const Clock& clock) {
  auto session = std::make_unique<RawKeySession>(client, std::move(options), audit, clock);
  if (auto prepared = session->prepare(); !prepared) return fail("tls", prepared.error());
  return std::make_unique<Session>(std::move(session));
}

}  // namespace

Result<std::unique_ptr<Session>> connect_raw(RawKeyOptions options, AuditSink& audit, const Clock& clock) {
  return make(true, std::move(options), audit, clock);
}
Result<std::unique_ptr<Session>> accept_raw(RawKeyOptions options, AuditSink& audit, const Clock& clock) {
  return make(false, std::move(options), audit, clock);
}

}  // namespace latchkey::tls
