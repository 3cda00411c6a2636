#include "latchkey/e2e/established_key.h"

#include "latchkey/crypto/crypto.h"

namespace latchkey::e2e {
namespace {

constexpr std::string_view kEsDataLabel = "oneM2M pairwiseE2EKey to ESData key derivation";

}  // namespace

Result<PairwiseEsPrimKey::Shared> pairwise_esprim_key(const PairwiseE2EKey& key) {
  return PairwiseEsPrimKey::from_secret(
      {.id = key.id, .peer = key.peer, .suid = *Suid::from(43), .end = key.end},
      SecretBytes::copy_of(key.key.reveal()));
}

Result<EstablishedEsDataKey> esdata_key(const PairwiseE2EKey& key, Suid::Use use) {
  if (use != Suid::Use::esdata_encryption && use != Suid::Use::esdata_signature)
    return fail(ErrorCode::invalid_argument, "use: ESData encryption or signature");
  const Suid suid = *Suid::from(use == Suid::Use::esdata_encryption ? 14 : 15);
  const std::string input = std::string(kEsDataLabel) + std::to_string(suid.value());
  return EstablishedEsDataKey{
      {.kid = key.id, .suid = suid, .owner = key.peer, .end = key.end},
      std::make_shared<const SecretBytes>(crypto::hmac_sha256(key.key, as_bytes(input)))};
}

}  // namespace latchkey::e2e
