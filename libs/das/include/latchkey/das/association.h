#pragma once
#include "latchkey/tls/association.h"

namespace latchkey::das {

/// Whom a DAS Server's TLS endpoint admits (TS-0003 8.2.1): Hosting CSEs and originators, by Kpsa (SUID 12,
/// 22), AE-ID or CSE-ID certificate. A device is neither.
inline constexpr tls::Admission kAdmission{"a DAS Server", tls::kProvisionedKey, false};

}  // namespace latchkey::das
