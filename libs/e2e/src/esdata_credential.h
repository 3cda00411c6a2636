#pragma once
#include "latchkey/e2e/esdata.h"

namespace latchkey::e2e {

/// What holds for a credential wherever it is used. `symmetric`: the kind of its key.
[[nodiscard]] Status check_credential(const EsDataCredential& credential, bool symmetric);
/// x5, and in a nested envelope also the x4 that TS-0004 6.3.4.2.39 names for it; there certificates only
/// (8.5.2.4).
[[nodiscard]] Status check_signature_use(const EsDataCredential& credential, bool nested);
/// x4.
[[nodiscard]] Status check_encryption_use(const EsDataCredential& credential);
[[nodiscard]] inline bool expired(const EsDataCredential& credential, TimePoint now) noexcept {
  return credential.end && now >= *credential.end;
}

}  // namespace latchkey::e2e
