#pragma once
/// The Token Issuer of the DAS for each CSE that it issues to (TS-0003 7.3.2.6.3).
#include <map>

#include "latchkey/authz/token_issuer.h"
#include "latchkey/das/das.h"

namespace latchkey::das {

/// Immutable; made anew when keys or CSEs change.
class Issuers {
 public:
  /// Takes the signing key out of the environment. not_found, or unsupported for another key than P-256.
  [[nodiscard]] static Result<std::shared_ptr<const Issuers>> make(
      const DasOptions& options, const secure_env::SecureEnvironment& environment);
  /// Signed, and encrypted if `cse` has a key for that; nullopt: for whichever CSE, signed.
  [[nodiscard]] Result<std::string> issue(const authz::TokenClaimSet& claims,
                                          const std::optional<CseId>& cse) const;

 private:
  explicit Issuers(authz::TokenIssuer plain) : plain_(std::move(plain)) {}
  authz::TokenIssuer plain_;
  std::map<CseId, authz::TokenIssuer> encrypting_;
};

}  // namespace latchkey::das
