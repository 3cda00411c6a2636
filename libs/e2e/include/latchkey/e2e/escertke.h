#pragma once
/// End-to-End Certificate-based Key Establishment (TS-0003 8.7): a mutual TLS 1.2 handshake whose four
/// flights are the ESCertKE Messages, carried in Notify primitives. No I/O: octets in, octets out. Not
/// thread-safe; an initiator or terminator belongs to one thread.
#include <boost/json/value.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "latchkey/base/audit.h"
#include "latchkey/base/ids.h"
#include "latchkey/base/secret.h"
#include "latchkey/base/time.h"
#include "latchkey/codec/primitive.h"
#include "latchkey/pki/certificate.h"
#include "latchkey/pki/public_key_id.h"
#include "latchkey/tls/endpoint.h"

namespace latchkey::e2e {

inline constexpr std::size_t kEsCertKeOctetsMax = 64U << 10U;  ///< of one message

/// What an end-point is provisioned with (8.7.2.2 A, 8.1.2.3) and judges the other by.
struct EsCertKeCredentials {
  std::shared_ptr<const tls::OwnCertificate> own;  ///< no chain: raw keys only
  std::shared_ptr<const pki::TrustStore> trust;    ///< nullptr: raw keys only
  SpId home;
  std::optional<CseId> in_cse = {};  ///< of the domain; nullopt at an end-point that knows none
  bool annex_b = false;              ///< names of TR-0038 Annex B count
};

/// The other end-point as configured (8.7.2.2 B): whom its CSE-ID or AE-ID certificate must name, or which
/// device certificate or raw public key stands for it. With a raw key nothing else of it counts, and both
/// ends present raw keys (docs/decisions/0042).
struct EsCertKePeer {
  EntityId id;
  std::optional<M2mDeviceId> device = {};
  std::optional<pki::PublicKeyId> raw_key = {};
};

struct EsCertKeOptions {
  tls::SuitePolicy suites = {.suites = {tls::kEcdheEcdsaAes128CbcSha256}};  ///< 10.2.3
  std::chrono::seconds time{60};                                            ///< from message 1 to message 4
  std::size_t open_handshakes = 1024;                                       ///< of a terminating end-point
  std::chrono::seconds raw_key_lifetime{std::chrono::hours(24 * 365)};      ///< of a key that raw keys gave
};

/// What a procedure that succeeded leaves at both ends (8.7.2.2 C.2, 10.3.1).
struct PairwiseE2EKey {
  std::string id;   ///< pairwiseE2EKeyID: 32 upper-case hex digits
  SecretBytes key;  ///< pairwiseE2EKey: 32 octets
  EntityId peer;    ///< as its certificate proved
  TimePoint end;    ///< of the path of the other's certificate, or raw_key_lifetime
};

/// The ESCertKE Initiating End-Point. message_3() and finish() are called once each, in this order; after a
/// failure nothing more is.
class EsCertKeInitiator {
 public:
  /// invalid_argument: credentials that no handshake can use.
  [[nodiscard]] static Result<EsCertKeInitiator> start(const EsCertKeCredentials& credentials,
                                                       EsCertKePeer terminating, AuditSink& audit,
                                                       const Clock& clock,
                                                       const EsCertKeOptions& options = {});
  EsCertKeInitiator(EsCertKeInitiator&&) noexcept;
  EsCertKeInitiator& operator=(EsCertKeInitiator&&) noexcept;
  ~EsCertKeInitiator();

  /// C.1 a: the ClientHello.
  [[nodiscard]] const Bytes& message_1() const noexcept;
  /// C.1 e. authentication: another's certificate, or none that is trusted; expired: too late;
  /// invalid_argument: not a whole message 2. Then alert() tells the other end.
  [[nodiscard]] Result<Bytes> message_3(ByteView message_2);
  /// C.1 i and C.2. Errors as of message_3().
  [[nodiscard]] Result<PairwiseE2EKey> finish(ByteView message_4);
  /// The TLS alert of a failure, to be sent instead of message 3; empty when there is none.
  [[nodiscard]] const Bytes& alert() const noexcept;

 private:
  struct Impl;
  explicit EsCertKeInitiator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The ESCertKE Terminating End-Point: one open handshake for each initiator, for a limited time; a new
/// message 1 replaces it.
class EsCertKeTerminator {
 public:
  /// Who may establish a key with us (8.7.2.2 B); nullopt: nobody of that name.
  using Authorized = std::function<std::optional<EsCertKePeer>(const EntityId& initiator)>;

  /// invalid_argument: credentials that no handshake can use. `audit` and `clock` must outlive it.
  [[nodiscard]] static Result<EsCertKeTerminator> make(const EsCertKeCredentials& credentials,
                                                       Authorized authorized, AuditSink& audit,
                                                       const Clock& clock, EsCertKeOptions options = {});
  EsCertKeTerminator(EsCertKeTerminator&&) noexcept;
  EsCertKeTerminator& operator=(EsCertKeTerminator&&) noexcept;
  ~EsCertKeTerminator();

  struct Answer {
    Bytes message;                           ///< message 2 or 4; the alert of a failure, if there is one
    std::optional<PairwiseE2EKey> key = {};  ///< with message 4
    std::optional<Error> failure = {};       ///< for the log; a peer is told the alert alone
  };
  /// C.1 c and g: message 1 or 3, or the alert that ends a procedure. `initiator` is the From of the Notify
  /// request. Failures: denied (not authorized), authentication, expired or not_found (no message 1 before),
  /// limit (too many open handshakes), invalid_argument (not a whole message).
  [[nodiscard]] Answer receive(const EntityId& initiator, ByteView message);
  /// SIGHUP: later handshakes use these. invalid_argument, and nothing changes: as make().
  [[nodiscard]] Status replace(std::shared_ptr<const tls::OwnCertificate> own,
                               std::shared_ptr<const pki::TrustStore> trust);
  /// Handshakes that wait for message 3.
  [[nodiscard]] std::size_t open() const noexcept;

 private:
  struct Impl;
  explicit EsCertKeTerminator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Whether it begins a procedure: a ClientHello. Says nothing of the rest.
[[nodiscard]] bool is_escertke_message_1(ByteView message) noexcept;
/// pc of a Notify request or response with `sit` 6: eckm, at most kEsCertKeOctetsMax, and nothing else
/// beside. bad_request naming the member; other types too.
[[nodiscard]] codec::Outcome<Bytes> read_escertke_message(const boost::json::value& pc);
[[nodiscard]] boost::json::value escertke_security_info(ByteView message);

}  // namespace latchkey::e2e
