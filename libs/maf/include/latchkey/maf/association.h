#pragma once
#include "latchkey/tls/association.h"

namespace latchkey::maf {

/// Whom a MAF's TLS endpoint admits (TS-0003 8.8.2.2): the clients it knows, by Km (SUID 11, 21), and every
/// client certificate but raw keys (8.1.2.4 against table 10.1.3-1).
inline constexpr tls::Admission kAdmission{"a MAF", tls::kMasterCredential, true};

}  // namespace latchkey::maf
