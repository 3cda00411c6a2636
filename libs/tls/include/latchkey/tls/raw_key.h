#pragma once
/// TLS 1.2 with raw public keys on both sides (RFC 7250; TS-0003 10.1.1.2, 10.2.3), without I/O: for a
/// handshake between two ends that know each other's key, as that of ESCertKE.
#include <functional>
#include <memory>

#include "latchkey/tls/endpoint.h"

namespace latchkey::tls {

struct RawKeyOptions {
  /// Suites with certificates; others are left out.
  SuitePolicy suites{.suites = {kEcdheEcdsaAes128CbcSha256}};
  EndpointLimits limits{};
  /// The key alone is used, whatever certificate goes with it.
  std::shared_ptr<const OwnCertificate> own;
  /// Who holds the key with this SubjectPublicKeyInfo (DER), or a refusal. That the peer holds it is proved
  /// by the handshake.
  std::function<Result<SecurityContext>(ByteView spki)> judge;
  std::string peer{};  ///< for audit
};

/// invalid_argument: no own key, nobody to judge, no suite. Neither side accepts anything but a raw key.
[[nodiscard]] Result<std::unique_ptr<Session>> connect_raw(RawKeyOptions options, AuditSink& audit,
                                                           const Clock& clock);
[[nodiscard]] Result<std::unique_ptr<Session>> accept_raw(RawKeyOptions options, AuditSink& audit,
                                                          const Clock& clock);

}  // namespace latchkey::tls
