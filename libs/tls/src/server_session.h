#pragma once
/// The server's half of a handshake: suite and SNI from the ClientHello, the PSK from a PskSource that may
/// take its time, the client's chain from the trust store and the mapper.
#include <memory>
#include <optional>
#include <string>

#include "client_key_exchange.h"
#include "credentials.h"
#include "session.h"

namespace latchkey::tls {

/// What reload replaces as a whole.
struct ServerCredentials {
  std::shared_ptr<const OwnCertificate> own;
  std::shared_ptr<const pki::TrustStore> trust;
  std::shared_ptr<const CertificateCredentials> certificate;  ///< null when only PSK is served
};

/// Shared by an endpoint and its sessions, which may outlive it. Endpoint's thread only.
struct ServerCore {
  ServerOptions options;
  std::vector<const Suite*> suites;
  SpId home;
  CertificateMapper* mapper;  ///< null once the endpoint is gone
  PskSource* psk;             ///< likewise
  AuditSink& audit;
  const Clock& clock;
  std::shared_ptr<const ServerCredentials> credentials;
  ChainCache chains;
  std::size_t waiting = 0;  ///< sessions in waiting_for_key
};

class ServerSession final : public SessionImpl {
 public:
  ServerSession(std::shared_ptr<ServerCore> core, std::string peer);
  ~ServerSession() override;

  [[nodiscard]] int give_psk(std::string_view identity, gnutls_datum_t& key) override;

 protected:
  void receive_handshake(ByteView ciphertext) override;
  [[nodiscard]] std::optional<Refusal> judge_chain(std::span<const ByteView> presented) override;
  [[nodiscard]] Result<SecurityContext> conclude() override;
  [[nodiscard]] std::string_view psk_identity() const noexcept override { return shown_identity_; }
  void explain(std::string& reason) const override;
  void forget_handshake() override;

 private:
  /// Passes on complete records one by one, stopping where a key has to be found first.
  void advance();
  /// Reads the clear messages that `record` completes.
  [[nodiscard]] std::optional<Refusal> look_at(const Record& record);
  [[nodiscard]] std::optional<Refusal> begin(ByteView client_hello);
  [[nodiscard]] std::optional<Refusal> choose_suite(const ClientHello& hello);
  [[nodiscard]] std::optional<Refusal> read_identity(ByteView client_key_exchange);
  void find_key();
  void answered(Result<PskCredential> answer);
  void take_key(Result<PskCredential> answer);
  void leave_waiting();
  void notify();

  std::shared_ptr<ServerCore> core_;
  std::shared_ptr<const ServerCredentials> credentials_;
  HandshakeReader reader_;
  const Suite* suite_ = nullptr;  ///< chosen from the ClientHello
  bool hello_passed_ = false;     ///< GnuTLS has the ClientHello and has answered it
  std::size_t held_ = 0;  ///< octets of the record with the ClientKeyExchange, while its key is being found
  bool key_needed_ = false;
  bool key_ready_ = false;
  bool finding_ = false;  ///< PskSource::find is on the stack
  bool counted_waiting_ = false;
  std::string identity_;        ///< psk_identity as presented
  std::string shown_identity_;  ///< the same for people, printable and not longer than the limit
  std::optional<PskCredential> psk_;
  std::string psk_refusal_;  ///< why the handshake goes on with a random key
  std::optional<SecurityContext> mapped_;
  /// By it an answer that comes late, or a callback that returns, finds out whether this session is still
  /// there: null once it is destroyed.
  std::shared_ptr<ServerSession*> alive_ = std::make_shared<ServerSession*>(this);
};

}  // namespace latchkey::tls
