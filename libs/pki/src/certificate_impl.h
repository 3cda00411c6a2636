#pragma once
/// What Certificate and PrivateKey hold behind their pimpl. Private to this library.
#include <memory>
#include <string>
#include <vector>

#include "constraints.h"
#include "latchkey/pki/certificate.h"
#include "ossl.h"

namespace latchkey::pki {

struct Certificate::Impl {
  X509Ptr x509;
  Bytes der, spki;
  SubjectNames names;
  Flavour flavour = Flavour::unknown;
  bool ca = false;
  /// Extended key usage (RFC 5280 4.2.1.12): absent means both.
  bool server_auth = true, client_auth = true;
  std::optional<ConstraintSet> constraints;
  /// Why an extension that we rely on does not parse; such a certificate is never accepted.
  std::string broken_extension;
};

struct PrivateKey::Impl {
  KeyPtr key;
};

/// The certificate's own, non-const for libcrypto, whose readers are thread-safe but not const-correct.
inline X509* native(const Certificate& certificate) { return certificate.impl().x509.get(); }
inline EVP_PKEY* native(const PrivateKey& key) { return key.impl().key.get(); }

/// Builds the Certificate around an object that libcrypto made. The extensions are read once, here.
Result<Certificate> adopt(X509Ptr x509);

TimePoint to_time_point(const ASN1_TIME* time);

}  // namespace latchkey::pki
