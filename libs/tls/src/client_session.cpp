#include "client_key_exchange.h"
#include "credentials.h"
#include "session.h"

namespace latchkey::tls {
namespace {

constexpr std::size_t kClientChainEntries = 1024;

/// Servers that this process knows. One cache for all clients, since every connection brings its own options.
ChainCache& known_servers() {
  static ChainCache cache(kClientChainEntries);
  return cache;
}

class ClientSession final : public SessionImpl {
 public:
  ClientSession(ClientOptions options, AuditSink& audit, const Clock& clock)
      : SessionImpl(GNUTLS_CLIENT, audit, clock, options.server_name, options.limits),
        options_(std::move(options)) {}

  /// Sets suites, credentials and SNI.
  [[nodiscard]] Status prepare();
  void start() override { drive(); }
  [[nodiscard]] int give_client_psk(gnutls_datum_t& identity, gnutls_datum_t& key) override;

 protected:
  void receive_handshake(ByteView ciphertext) override {
    view_ = ciphertext;
    drive();
  }
  [[nodiscard]] std::optional<Refusal> judge_chain(std::span<const ByteView> presented) override;
  [[nodiscard]] Result<SecurityContext> conclude() override;
  [[nodiscard]] std::string_view psk_identity() const noexcept override { return psk_identity_; }
  void forget_handshake() override;

 private:
  [[nodiscard]] Status set_certificate_credentials();

  ClientOptions options_;
  std::string psk_identity_;
  std::shared_ptr<const CertificateCredentials> credentials_;
  std::optional<SecurityContext> server_;
};

Status ClientSession::prepare() {
  const auto* psk = std::get_if<ClientPsk>(&options_.credential);
  auto suites = usable_suites(options_.suites, psk != nullptr, psk == nullptr);
  if (!suites) return fail(std::move(suites).error());
  const auto priority = priority_for(*suites);
  if (!priority) return fail(priority.error());
  gnutls_priority_set(tls(), *priority);
  if (psk == nullptr) {
    if (auto set = set_certificate_credentials(); !set) return set;
  } else {
    if (auto checked = check_psk_identity(psk->identity, limits().psk_identity_octets); !checked)
      return checked;
    if (psk->key.empty()) return fail(ErrorCode::invalid_argument, "empty PSK");
    psk_identity_ = psk->identity;
    gnutls_credentials_set(tls(), GNUTLS_CRD_PSK, psk_client_credentials());
  }
  // TS-0003 10.2.1: SNI names the authority, where the name is one that SNI can carry.
  if (is_sni_host_name(options_.server_name)) {
    server_name_ = options_.server_name;
    gnutls_server_name_set(tls(), GNUTLS_NAME_DNS, server_name_.data(), server_name_.size());
  }
  return {};
}

Status ClientSession::set_certificate_credentials() {
  if (!options_.trust || !options_.check_server) {
    return fail(ErrorCode::invalid_argument,
                "a client with certificates needs a trust store and check_server");
  }
  std::shared_ptr<const OwnCertificate> own;
  if (const auto* held = std::get_if<std::shared_ptr<const OwnCertificate>>(&options_.credential)) {
    if (*held == nullptr) return fail(ErrorCode::invalid_argument, "no own certificate");
    own = *held;
  }
  auto credentials = CertificateCredentials::for_client(own);
  if (!credentials) return fail(std::move(credentials).error());
  credentials_ = *std::move(credentials);
  gnutls_credentials_set(tls(), GNUTLS_CRD_CERTIFICATE, credentials_->get());
  return {};
}

int ClientSession::give_client_psk(gnutls_datum_t& identity, gnutls_datum_t& key) {
  const auto* psk = std::get_if<ClientPsk>(&options_.credential);
  if (psk == nullptr || !copy_to_datum(as_bytes(psk->identity), identity)) return -1;
  if (copy_to_datum(psk->key.reveal(), key)) return 0;
  gnutls_free(identity.data);
  return -1;
}

std::optional<Refusal> ClientSession::judge_chain(std::span<const ByteView> presented) {
  if (!options_.trust) return Refusal{GNUTLS_A_UNKNOWN_CA, "no trust anchors for server certificates"};
  auto verified = known_servers().verify(presented, *options_.trust, now(), options_.home);
  if (!verified) return Refusal{alert_for_chain(verified.error()), verified.error().detail};
  chain_ = *std::move(verified);
  if (auto refusal = refusal_for_use(chain_->verified, true)) return refusal;
  // TS-0003 8.2.2.2: the certificate must prove the identity that was configured for Entity B.
  auto server = options_.check_server(chain_->verified);
  if (!server) return Refusal{GNUTLS_A_BAD_CERTIFICATE, server.error().detail};
  server_ = *std::move(server);
  return std::nullopt;
}

Result<SecurityContext> ClientSession::conclude() {
  if (server_) {
    SecurityContext context = *std::move(server_);
    if (context.framework == Framework::none) context.framework = Framework::certificate;
    return context;
  }
  if (psk_identity_.empty()) return fail(ErrorCode::authentication, "the server gave no certificate");
  // TS-0003 8.2.2.1: the session belongs to the identity that was configured with this key.
  SecurityContext context;
  context.framework = Framework::provisioned_symmetric_key;
  context.identity = options_.expected;
  context.psk_identity = psk_identity_;
  if (auto id = CredentialId::make(CredentialType::kpsa_or_kc, psk_identity_))
    context.credential_id = *std::move(id);
  return context;
}

void ClientSession::forget_handshake() {
  options_.credential = std::monostate{};
  options_.trust.reset();
  options_.check_server = nullptr;
  server_.reset();
  credentials_.reset();
}

}  // namespace

Result<std::unique_ptr<Session>> connect(ClientOptions options, AuditSink& audit, const Clock& clock) {
  auto session = std::make_unique<ClientSession>(std::move(options), audit, clock);
  if (auto prepared = session->prepare(); !prepared) return fail("tls", prepared.error());
  return std::make_unique<Session>(std::move(session));
}

}  // namespace latchkey::tls
