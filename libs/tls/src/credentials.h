#pragma once
/// GnuTLS credentials, made once and shared: parsing keys and chains for every handshake would cost more than
/// the handshake itself.
#include <gnutls/gnutls.h>

#include <memory>
#include <span>

#include "latchkey/base/bytes.h"
#include "latchkey/tls/endpoint.h"

namespace latchkey::tls {

/// Owner of certificate credentials. Immutable once made, so sessions share it.
class CertificateCredentials {
 public:
  /// `own` may be null (a client without certificate). `ca_names` become the issuer names of a
  /// CertificateRequest. The verify function hands the peer's list to SessionImpl. invalid_argument when key
  /// and certificate do not belong together or GnuTLS cannot read them.
  [[nodiscard]] static Result<std::shared_ptr<const CertificateCredentials>> make(
      const OwnCertificate* own, std::span<const pki::Certificate> ca_names);
  /// For clients: as above, remembered for as long as `own` lives. Thread-safe.
  [[nodiscard]] static Result<std::shared_ptr<const CertificateCredentials>> for_client(
      const std::shared_ptr<const OwnCertificate>& own);
  ~CertificateCredentials();
  CertificateCredentials(const CertificateCredentials&) = delete;
  CertificateCredentials& operator=(const CertificateCredentials&) = delete;

  [[nodiscard]] gnutls_certificate_credentials_t get() const noexcept { return credentials_; }

 private:
  explicit CertificateCredentials(gnutls_certificate_credentials_t credentials) : credentials_(credentials) {}
  gnutls_certificate_credentials_t credentials_;
};

/// The process's PSK credentials: they hold no key but a callback that asks the session (SessionImpl).
[[nodiscard]] gnutls_psk_server_credentials_t psk_server_credentials();
[[nodiscard]] gnutls_psk_client_credentials_t psk_client_credentials();

/// A copy that GnuTLS frees. The datum is left alone when memory is short.
[[nodiscard]] bool copy_to_datum(ByteView octets, gnutls_datum_t& datum) noexcept;

}  // namespace latchkey::tls
