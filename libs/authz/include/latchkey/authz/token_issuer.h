#pragma once
/// Makes oneM2M JWTs: the Token Issuer of TS-0003 7.3.2.6.3.
#include <memory>
#include <string>
#include <variant>

#include "latchkey/authz/role.h"
#include "latchkey/authz/token.h"
#include "latchkey/jose/jwe.h"
#include "latchkey/jose/jws.h"

namespace latchkey::authz {

/// ESData security class, algorithm and credential of the tokens for one CSE.
struct Unsecured {};
struct SignatureOnly {
  std::string kid;
  jose::SigningKey key;
};
/// With a symmetric key that issuer and CSE alone share: to a public key anybody can encrypt.
struct EncryptionOnly {
  std::string kid;
  std::shared_ptr<const SecretBytes> secret;
  jose::KeyAlg alg;
  jose::Enc enc;
};
struct SignThenEncrypt {
  SignatureOnly inner;
  std::string kid;
  jose::EncryptionKey key;
};
using TokenProtection = std::variant<Unsecured, SignatureOnly, EncryptionOnly, SignThenEncrypt>;

/// Immutable, thread-safe.
class TokenIssuer {
 public:
  TokenIssuer(Authority authority, TokenProtection protection)
      : authority_(std::move(authority)), protection_(std::move(protection)) {}

  /// The JWT of these claims. invalid_argument: another issuer than this one, a token or role of a domain for
  /// which it does not speak, claims that no reader would accept, rules that do not compile; limit: longer
  /// than kTokenOctetsMax; unsupported: the algorithm does not fit the key.
  [[nodiscard]] Result<std::string> issue(const TokenClaimSet& claims) const;

 private:
  Authority authority_;
  TokenProtection protection_;
};

}  // namespace latchkey::authz
