#pragma once
/// Certificate status by CRL (TS-0003 8.1.2.2, RFC 5280 6.3). Private to this library.
#include <vector>

#include "latchkey/base/error.h"
#include "latchkey/pki/certificate.h"
#include "ossl.h"

namespace latchkey::pki {

/// DER, or one or more in PEM. invalid_argument for anything else; at most 16 MiB.
Result<std::vector<CrlPtr>> read_crls(ByteView octets);

enum class RevocationStatus { good, no_crl };

/// Looks `certificate` up in the newest of `crls` that `issuer` signed. authentication: revoked, or the CRLs
/// held of this issuer cannot tell (none signed by it, outside its time at `now`, partial). no_crl: none of
/// this issuer is held.
Result<RevocationStatus> check_revocation(const std::vector<CrlPtr>& crls, const Certificate& certificate,
                                          const Certificate& issuer, TimePoint now);

}  // namespace latchkey::pki
