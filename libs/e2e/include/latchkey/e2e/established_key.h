#pragma once
/// What a key that ESCertKE established is used for (TS-0003 8.7.1): ESPrim (8.4.2 A) and ESData (8.5.2.2.2).
#include <memory>

#include "latchkey/e2e/escertke.h"
#include "latchkey/e2e/esdata.h"
#include "latchkey/e2e/pairwise_key.h"

namespace latchkey::e2e {

/// pairwiseESPrimKey: the key as it is, SUID 43. The key is copied.
[[nodiscard]] Result<PairwiseEsPrimKey::Shared> pairwise_esprim_key(const PairwiseE2EKey& key);

struct EstablishedEsDataKey {
  EsDataCredential credential;  ///< a provisioned symmetric key: SUID 14 or 15, of the other end-point
  std::shared_ptr<const SecretBytes> key;  ///< 32 octets: A256KW, dir with A256GCM, HS256
};
/// A key for ESData, derived so that no key serves two purposes (docs/decisions/0041): HMAC-SHA-256(
/// pairwiseE2EKey, "oneM2M pairwiseE2EKey to ESData key derivation" || SUID). `use`: esdata_encryption or
/// esdata_signature; invalid_argument for any other.
[[nodiscard]] Result<EstablishedEsDataKey> esdata_key(const PairwiseE2EKey& key, Suid::Use use);

}  // namespace latchkey::e2e
