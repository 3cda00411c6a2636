#pragma once
/// The TLS 1.2 endpoint (TS-0003 10.2) without I/O: octets in, octets out. GnuTLS behind pimpl.
/// A Session belongs to one thread; an Endpoint is used from one thread, and its credentials are replaced as
/// snapshots.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "latchkey/base/audit.h"
#include "latchkey/base/bytes.h"
#include "latchkey/base/ids.h"
#include "latchkey/base/secret.h"
#include "latchkey/base/time.h"
#include "latchkey/base/unique_function.h"
#include "latchkey/pki/certificate.h"
#include "latchkey/tls/security_context.h"

namespace latchkey::tls {

inline constexpr std::uint16_t kPskAes128CbcSha256 = 0x00ae;         ///< 10.2.2
inline constexpr std::uint16_t kEcdheEcdsaAes128CbcSha256 = 0xc023;  ///< 10.2.3
[[nodiscard]] std::string_view suite_name(std::uint16_t suite) noexcept;

/// Exactly these suites are offered or accepted, in this order. Others that the policy knows:
/// 0xc02b (ECDHE-ECDSA-AES128-GCM), 0x00a8 (PSK-AES128-GCM); an unknown one is a configuration error.
struct SuitePolicy {
  std::vector<std::uint16_t> suites = {kEcdheEcdsaAes128CbcSha256, kPskAes128CbcSha256};
};

/// Key and identity that a PSK identity stands for.
struct PskCredential {
  SecretBytes key;
  SecurityContext context;  ///< framework, identity, credential_id, valid_until filled in by the source
};
/// Where a server gets PSKs from. Called on the endpoint's thread.
class PskSource {
 public:
  PskSource() = default;
  PskSource(const PskSource&) = delete;
  PskSource& operator=(const PskSource&) = delete;
  virtual ~PskSource() = default;
  using Answer = UniqueFunction<void(Result<PskCredential>)>;
  /// Answers at once or later (a fetch from a MAF), on the endpoint's thread, exactly once. An error makes
  /// the handshake go on with a random key, so that identities cannot be enumerated; its text is the audit
  /// reason. `source` is the peer's address, for limits per source.
  virtual void find(std::string_view identity, std::string_view source, Answer answer) = 0;
};

/// Makes the SecurityContext of a verified peer certificate (8.2.2.2), or refuses the handshake. Answers at
/// once. Called on the endpoint's thread after the chain has been verified against the trust store.
class CertificateMapper {
 public:
  CertificateMapper() = default;
  CertificateMapper(const CertificateMapper&) = delete;
  CertificateMapper& operator=(const CertificateMapper&) = delete;
  virtual ~CertificateMapper() = default;
  [[nodiscard]] virtual Result<SecurityContext> map(const pki::TrustStore::Verified& peer) = 0;
};

/// One's own certificate chain and key. The key is given to GnuTLS, which keeps it in memory.
struct OwnCertificate {
  std::vector<pki::Certificate> chain;  ///< leaf first
  pki::PrivateKey key;
};

struct EndpointLimits {
  std::chrono::milliseconds handshake_time{15'000};  ///< enforced by the owner of the socket
  std::size_t handshake_octets = 64U << 10U;         ///< received before the handshake is done
  std::size_t psk_identity_octets = 255;
  std::size_t waiting_key_fetches = 4096;  ///< sessions that wait for a key at once
};

struct ServerOptions {
  SuitePolicy suites{};
  EndpointLimits limits{};
  bool psk_reveal_unknown = false;  ///< alert 115 instead of a random key
  bool require_client_certificate = true;
  std::size_t chain_cache_entries = 4096;
};

class Session;

/// Server side: holds credentials and policies shared by its sessions.
class ServerEndpoint {
 public:
  /// `own`, `trust` and `mapper` may be null when only PSK is served; `psk` null when only certificates are.
  [[nodiscard]] static Result<std::unique_ptr<ServerEndpoint>> make(
      ServerOptions options, std::shared_ptr<const OwnCertificate> own,
      std::shared_ptr<const pki::TrustStore> trust, SpId home, CertificateMapper* mapper, PskSource* psk,
      AuditSink& audit, const Clock& clock);
  ~ServerEndpoint();
  ServerEndpoint(const ServerEndpoint&) = delete;
  ServerEndpoint& operator=(const ServerEndpoint&) = delete;

  /// SIGHUP: later handshakes use these; verified chains of the old trust store are forgotten.
  [[nodiscard]] Status replace(std::shared_ptr<const OwnCertificate> own,
                               std::shared_ptr<const pki::TrustStore> trust);
  /// Whether the certificate of an established session would still be accepted now (reload, CRL, expiry).
  [[nodiscard]] Status recheck(const Session& session);
  /// `peer` is "address:port", for audit and limits.
  [[nodiscard]] std::unique_ptr<Session> accept(std::string peer);

  struct Impl;
  [[nodiscard]] Impl& impl() noexcept { return *impl_; }
  explicit ServerEndpoint(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

/// What a client proves itself with.
struct ClientPsk {
  std::string identity;
  SecretBytes key;
};
struct ClientOptions {
  SuitePolicy suites{};
  EndpointLimits limits{};
  std::string server_name{};  ///< SNI; names that no SNI may carry ('/', '_') are left out
  std::variant<std::monostate, ClientPsk, std::shared_ptr<const OwnCertificate>> credential{};
  std::shared_ptr<const pki::TrustStore> trust{};  ///< for certificates
  SpId home;
  /// The server's identity that must be proven (8.2.2.2): called with the verified certificate, returns its
  /// context or refuses. With a PSK the configured identity `expected` is associated after the handshake
  /// (8.2.2.1).
  std::function<Result<SecurityContext>(const pki::TrustStore::Verified&)> check_server{};
  std::optional<EntityId> expected{};
};
[[nodiscard]] Result<std::unique_ptr<Session>> connect(ClientOptions options, AuditSink& audit,
                                                       const Clock& clock);

/// One connection. The owner moves octets: receive() what the socket gave, send what take_output() returns
/// after every call, watch state(). Everything is non-blocking.
class Session {
 public:
  enum class State : std::uint8_t { handshaking, waiting_for_key, established, closed, failed };

  explicit Session(std::unique_ptr<struct SessionImpl> impl);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] State state() const noexcept;
  /// Ciphertext from the peer. Drives the handshake; afterwards makes plaintext available to read().
  void receive(ByteView ciphertext);
  /// Client: produces the ClientHello. Server: nothing to do.
  void start();
  /// Ciphertext for the peer; empty when there is none.
  [[nodiscard]] Bytes take_output();
  /// Plaintext into `out`; 0 when none is waiting.
  [[nodiscard]] std::size_t read(std::span<std::uint8_t> out);
  /// unavailable unless established. Plaintext of any length.
  [[nodiscard]] Status write(ByteView plaintext);
  /// Sends close_notify.
  void close();
  /// The owner gives up: the connection ended without close_notify, or the handshake took too long. A
  /// handshake that was not done is audited as refused with this reason; state() is failed. Destroying a
  /// session does the same.
  void abandon(std::string reason);
  /// Called when a waiting session goes on (key arrived) and output or state may have changed. Owner's
  /// thread.
  void on_progress(UniqueFunction<void()> callback);

  /// Why it failed, for audit and log; empty unless failed.
  [[nodiscard]] const std::string& failure() const noexcept;
  /// Set once established. Null before.
  [[nodiscard]] SecurityContextPtr context() const noexcept;
  /// Peer's verified chain, empty for PSK.
  [[nodiscard]] const std::vector<pki::Certificate>& peer_chain() const noexcept;
  /// RFC 5705 without context. Refused (denied) unless extended master secret was negotiated (RFC 7627).
  [[nodiscard]] Result<SecretBytes> export_key(std::string_view label, std::size_t size) const;
  /// Test-only key log line "CLIENT_RANDOM <hex> <hex>" (TR-0038 A.2); opens a capture in Wireshark.
  [[nodiscard]] std::string key_log_line() const;

 private:
  std::unique_ptr<struct SessionImpl> impl_;
};

}  // namespace latchkey::tls
