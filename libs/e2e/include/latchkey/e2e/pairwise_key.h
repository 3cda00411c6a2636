#pragma once
/// pairwiseESPrimKey: what two end-points share, and who the other one is (TS-0003 8.4.2 A, 7.2.2 step 0).
#include <memory>
#include <optional>
#include <string>

#include "latchkey/base/ids.h"
#include "latchkey/base/secret.h"
#include "latchkey/base/time.h"
#include "latchkey/secure_env/secure_env.h"

namespace latchkey::e2e {

inline constexpr std::size_t kPairwiseIdOctetsMax = 255;
inline constexpr std::size_t kPairwiseOctetsMin = 16;

/// What is known of a pairwise key beside the key.
struct PairwiseAttributes {
  std::string id;                     ///< pairwiseESPrimKeyID, `kid`: printable ASCII without blanks
  EntityId peer;                      ///< AE-ID or CSE-ID of the other end-point
  Suid suid;                          ///< 13, 23, 33 or 43
  std::optional<TimePoint> end = {};  ///< pairwiseESPrimKeyLifetime; nullopt: never expires
};

/// Immutable, thread-safe. Shared as shared_ptr<const PairwiseEsPrimKey>.
class PairwiseEsPrimKey {
 public:
  using Shared = std::shared_ptr<const PairwiseEsPrimKey>;

  /// A key as it is: pre-provisioned, by RSPF, by ESCertKE. invalid_argument: an id, peer or SUID that cannot
  /// be one of ESPrim, fewer than 128 bits.
  [[nodiscard]] static Result<Shared> from_secret(PairwiseAttributes attributes, SecretBytes&& key);
  /// A key that stays in its Secure Environment. denied if it is there for another use, not_found, expired.
  [[nodiscard]] static Result<Shared> from_environment(
      PairwiseAttributes attributes, std::shared_ptr<const secure_env::SecureEnvironment> environment,
      secure_env::KeyHandle handle, TimePoint now);
  /// MAF ESPrim Framework: the id is KcID, the end that of Kc, the SUID 33.
  [[nodiscard]] static Result<Shared> from_kc(const KeyId& kc_id, const Kc& kc, EntityId peer, TimePoint end);

  [[nodiscard]] const std::string& id() const noexcept { return attributes_.id; }
  [[nodiscard]] const EntityId& peer() const noexcept { return attributes_.peer; }
  [[nodiscard]] Suid suid() const noexcept { return attributes_.suid; }
  [[nodiscard]] std::optional<TimePoint> end() const noexcept { return attributes_.end; }
  [[nodiscard]] bool expired(TimePoint now) const noexcept {
    return attributes_.end && now >= *attributes_.end;
  }

  /// 10.3.8.2. Only a Secure Environment can fail.
  [[nodiscard]] Result<SecretBytes> session_key(ByteView receiver_rand, ByteView originator_rand) const;

 private:
  explicit PairwiseEsPrimKey(PairwiseAttributes&& attributes) : attributes_(std::move(attributes)) {}
  PairwiseAttributes attributes_;
  SecretBytes key_;  ///< empty: in environment_
  std::shared_ptr<const secure_env::SecureEnvironment> environment_;
  secure_env::KeyHandle handle_;
};

/// 7.2.2 step 3: whether a From parameter names exactly this entity, in a form that an end-point `receiver`
/// may see: absolute; SP-relative of its own service provider; a bare stem of an AE that is registered to it.
[[nodiscard]] bool names_entity(std::string_view from, const EntityId& entity, const EntityId& receiver);

}  // namespace latchkey::e2e
