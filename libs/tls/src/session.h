#pragma once
/// What server and client sessions share: GnuTLS over octets in memory, the states, audit and failure.
#include <gnutls/gnutls.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chain_cache.h"
#include "latchkey/tls/endpoint.h"
#include "suites.h"

namespace latchkey::tls {

/// Why a handshake is refused and what the peer is told. No alert: the peer has sent one, or is gone.
struct Refusal {
  std::optional<gnutls_alert_description_t> alert;
  std::string reason;
};
/// The alert for what pki::TrustStore::verify said of a peer's chain (RFC 5246 7.2.2).
[[nodiscard]] gnutls_alert_description_t alert_for_chain(const Error& error) noexcept;
/// RFC 5280 4.2.1.12, by TS-0003 10.1.1.1: an extended key usage admits the peer's part in this handshake.
/// Without the extension every part is admitted.
[[nodiscard]] std::optional<Refusal> refusal_for_use(const pki::TrustStore::Verified& peer, bool as_server);
/// Reason and alert for a GnuTLS error of a handshake.
[[nodiscard]] Refusal refusal_for(gnutls_session_t session, int error);

struct SessionImpl {
 public:
  /// `role`: GNUTLS_SERVER or GNUTLS_CLIENT. `audit` and `clock` outlive the session.
  SessionImpl(unsigned role, AuditSink& audit, const Clock& clock, std::string peer,
              const EndpointLimits& limits);
  SessionImpl(const SessionImpl&) = delete;
  SessionImpl& operator=(const SessionImpl&) = delete;
  virtual ~SessionImpl();

  [[nodiscard]] static SessionImpl& of(gnutls_session_t session) noexcept;

  // What Session forwards.
  virtual void start() {}
  void receive(ByteView ciphertext);
  [[nodiscard]] Bytes take_output() { return std::exchange(out_, {}); }
  [[nodiscard]] std::size_t read(std::span<std::uint8_t> out);
  [[nodiscard]] Status write(ByteView plaintext);
  void close();
  void abandon(std::string reason);
  void on_progress(UniqueFunction<void()> callback) { on_progress_ = std::move(callback); }
  [[nodiscard]] Session::State state() const noexcept { return state_; }
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  [[nodiscard]] const SecurityContextPtr& context() const noexcept { return context_; }
  [[nodiscard]] const VerifiedChainPtr& chain() const noexcept { return chain_; }
  [[nodiscard]] Result<SecretBytes> export_key(std::string_view label, std::size_t size) const;
  [[nodiscard]] std::string key_log_line() const;

  // What GnuTLS asks for during a handshake; a non-zero answer ends it.
  [[nodiscard]] int verify_peer();
  [[nodiscard]] virtual int give_psk(std::string_view identity, gnutls_datum_t& key);
  [[nodiscard]] virtual int give_client_psk(gnutls_datum_t& identity, gnutls_datum_t& key);

 protected:
  using State = Session::State;

  /// Octets of the peer while the handshake is not done.
  virtual void receive_handshake(ByteView ciphertext) = 0;
  /// Judges the peer's certificates, leaf first, and keeps the context they give.
  [[nodiscard]] virtual std::optional<Refusal> judge_chain(std::span<const ByteView> presented) = 0;
  /// The context of the session that GnuTLS has just established, but for what finish_context() fills in.
  [[nodiscard]] virtual Result<SecurityContext> conclude() = 0;
  /// The presented psk_identity, for audit; empty with certificates.
  [[nodiscard]] virtual std::string_view psk_identity() const noexcept = 0;
  /// Puts a cause that lies before the failure into its reason.
  virtual void explain(std::string&) const {}
  /// Keys and credentials that only the handshake needs.
  virtual void forget_handshake() = 0;

  /// Runs the handshake as far as the released octets go.
  void drive();
  void refuse(Refusal refusal);
  /// True once more octets came in than EndpointLimits allows; the session is then refused.
  bool over_limit();
  void audit(AuditEventId id, std::string reason) const;
  [[nodiscard]] gnutls_session_t tls() const noexcept { return tls_; }
  [[nodiscard]] TimePoint now() const { return clock_.now(); }

  const EndpointLimits& limits() const noexcept { return limits_; }
  const std::string& peer() const noexcept { return peer_; }

  State state_ = State::handshaking;
  std::string server_name_;  ///< SNI, sent or received
  VerifiedChainPtr chain_;
  UniqueFunction<void()> on_progress_;
  bool begun_ = false;        ///< an octet of the handshake was sent or received
  Bytes inbox_;               ///< from the peer, not yet taken by GnuTLS
  std::size_t released_ = 0;  ///< of inbox_, what GnuTLS may take
  ByteView view_;             ///< octets of the receive() that runs, taken after inbox_

 private:
  static ssize_t pull(gnutls_transport_ptr_t self, void* to, std::size_t size);
  static ssize_t push(gnutls_transport_ptr_t self, const giovec_t* parts, int count);
  void establish();
  [[nodiscard]] Status finish_context(SecurityContext& context) const;
  void decrypt();
  void break_off(std::optional<gnutls_alert_description_t> alert, std::string reason);
  void append_plain(ByteView octets);
  void drop_buffers();

  AuditSink& audit_;
  const Clock& clock_;
  const std::string peer_;
  const EndpointLimits limits_;
  gnutls_session_t tls_ = nullptr;
  const bool client_;
  std::size_t pulled_ = 0;            ///< of inbox_
  std::size_t handshake_octets_ = 0;  ///< taken by GnuTLS before the handshake was done
  Bytes out_;
  Bytes plain_;
  std::size_t plain_read_ = 0;
  std::string failure_;
  SecurityContextPtr context_;
  std::optional<Refusal> noted_;  ///< by a callback inside GnuTLS, taken when it returns
};

}  // namespace latchkey::tls
