#pragma once
/// The rules of TS-0003 10.1.1 that no library checks by itself. Private to this library.
#include <optional>
#include <string>
#include <vector>

#include "latchkey/pki/certificate.h"
#include "ossl.h"

namespace latchkey::pki {

struct Violation {
  enum class Weight {
    refuse,         ///< such a certificate is not accepted
    annex_b,        ///< accepted only with annex_b_certificates (design section 7)
    unconstrained,  ///< accepted where name constraints are waived, or with annex_b_certificates
    advise,         ///< a defect that takes nothing from security: accepted with a warning
  };
  Weight weight = Weight::refuse;
  std::string text;  ///< "10.1.1.1: ..."
};

/// Which rule of 10.1.1.1 a public key breaks: P-256 as named curve, uncompressed, a point of the curve.
std::optional<std::string> public_key_defect(const X509_PUBKEY* spki);

/// Every rule of 10.1.1 and 8.1.2.2 that the certificate breaks by itself.
std::vector<Violation> violations_of(const Certificate& certificate);

}  // namespace latchkey::pki
