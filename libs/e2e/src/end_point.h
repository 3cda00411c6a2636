#pragma once
/// Whose a certificate is that its issuers vouch for.
#include "latchkey/pki/certificate.h"

namespace latchkey::e2e {

/// 8.1.2.5: whether an AE-ID or CSE-ID certificate is this end-point's. `in_cse` and `annex_b` as for
/// pki::names_cse. Pure.
inline bool names_end_point(const pki::CertifiedIdentity& certified, const EntityId& end_point,
                            const std::optional<CseId>& in_cse, bool annex_b) {
  if (const auto* const ae = std::get_if<AeId>(&end_point)) return certified.ae_id == *ae;
  const auto* const cse = std::get_if<CseId>(&end_point);
  return cse != nullptr && pki::names_cse(certified, *cse, in_cse, annex_b);
}

}  // namespace latchkey::e2e
