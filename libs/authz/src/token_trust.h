#pragma once
/// The trust of a verifier, checked and indexed by key (TS-0003 7.3.2.6.3). Immutable, shared between
/// verifications.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "latchkey/authz/token_verifier.h"

namespace latchkey::authz {

struct VerificationEntry {
  const TrustedIssuer* issuer;
  const jose::VerificationKey* key;
};
struct DecryptionEntry {
  const TrustedIssuer* issuer;  ///< whose shared key it is; nullptr: a private key of this CSE
  jose::DecryptionKey key;
};

class TrustIndex {
 public:
  /// The errors of TokenVerifier::configure.
  [[nodiscard]] static Result<std::shared_ptr<const TrustIndex>> make(TokenTrust trust);
  TrustIndex(const TrustIndex&) = delete;
  TrustIndex& operator=(const TrustIndex&) = delete;
  ~TrustIndex() = default;

  [[nodiscard]] const TrustedIssuer* issuer(const EntityId& id) const;
  /// Some issuer permits this class.
  [[nodiscard]] bool permits(TokenClass token_class) const noexcept;
  /// Issuers choose their kids by themselves, so that a few may choose the same.
  [[nodiscard]] std::vector<VerificationEntry> verification(const std::string& kid) const;
  [[nodiscard]] const DecryptionEntry* decryption(const std::string& kid) const;

 private:
  explicit TrustIndex(TokenTrust&& trust) : trust_(std::move(trust)) {}
  Status index_issuer(const TrustedIssuer& issuer);
  Status index_shared_keys(const TrustedIssuer& issuer);

  TokenTrust trust_;  ///< the maps below point into it
  std::multimap<std::string, VerificationEntry> verification_;
  std::map<std::string, DecryptionEntry> decryption_;
};

}  // namespace latchkey::authz
