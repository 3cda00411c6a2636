#pragma once
/// Validates oneM2M JWTs (TS-0003 7.3.2.5, 7.3.2.6.3) for one hosting CSE, and keeps those that passed.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/authz/defect.h"
#include "latchkey/authz/grants.h"
#include "latchkey/authz/role.h"
#include "latchkey/authz/token.h"
#include "latchkey/jose/jwe.h"
#include "latchkey/jose/jws.h"

namespace latchkey::authz {

class TrustIndex;

/// The ESData security classes of 7.3.2.6.2.
enum class TokenClass : std::uint8_t { unsecured, signature_only, encryption_only, sign_then_encrypt };
[[nodiscard]] std::string_view to_string(TokenClass token_class) noexcept;

/// A symmetric key that one issuer and this CSE alone share.
struct SharedKey {
  std::shared_ptr<const SecretBytes> secret;
  jose::Permitted<jose::KeyAlg> algs;  ///< `dir` and the AES key wraps; others never fit
  jose::Permitted<jose::Enc> encs;
};

/// What the operator says about an issuer (7.3.2.6.3: provided "in a secure manner"). Algorithms are
/// permitted key by key.
struct TrustedIssuer {
  Authority authority;
  jose::Permitted<TokenClass> classes;  ///< unsecured is for isolated test networks
  std::map<std::string, jose::VerificationKey> verification_keys;  ///< by kid
  std::map<std::string, SharedKey> shared_keys;                    ///< by kid; see TokenTrust::own_keys
};
struct TokenTrust {
  std::vector<TrustedIssuer> issuers;
  /// Private keys of this CSE by kid. Anybody can encrypt to one, so that they serve sign-then-encrypt only
  /// (TS-0003 8.5.1; docs/decisions/0011).
  std::map<std::string, jose::DecryptionKey> own_keys;
};

/// Thread-safe. Does no I/O. The cost of a cached token does not grow with their number.
class TokenVerifier {
 public:
  struct Limits {
    std::size_t token_octets = kTokenOctetsMax;
    std::size_t cached_tokens = 10'000;
    std::size_t cached_octets = 16UL * 1024UL * 1024UL;  ///< of their texts
  };
  /// `names` must outlive this. Trusts nobody until configure().
  TokenVerifier(CseId hosting_cse, const ResourceNames& names, const Limits& limits);
  TokenVerifier(CseId hosting_cse, const ResourceNames& names)
      : TokenVerifier(std::move(hosting_cse), names, Limits{}) {}
  ~TokenVerifier();
  TokenVerifier(const TokenVerifier&) = delete;
  TokenVerifier& operator=(const TokenVerifier&) = delete;

  /// Replaces all trust and forgets every token: what verify() begins afterwards knows the new trust only.
  /// invalid_argument, and nothing changes: an issuer twice or without a domain, a class without a key that
  /// it needs, a `kid` that is empty, longer than 256 octets, used for two decryption keys, or for
  /// verification by more than four issuers.
  [[nodiscard]] Status configure(TokenTrust trust);

  /// Security, then content (7.3.2.5): the token is authentic, of a valid issuer, for this CSE, held by
  /// exactly `originator` and within its period at `now`. A token that passes is kept until it expires, then
  /// only holder and period are looked at again. The oldest make room.
  [[nodiscard]] Checked<std::shared_ptr<const Token>> verify(std::string_view jwt, const EntityId& originator,
                                                             TimePoint now);
  /// The content checks alone, for a token that the caller kept under a Token-ID or Local-Token-ID. It does
  /// not see that configure() was called: the caller drops such tokens then.
  [[nodiscard]] static Checked<void> check_content(const Token& token, const EntityId& originator,
                                                   TimePoint now);
  /// The claims of an authentic token, whoever holds it and for whichever CSE and time it is: what fills a
  /// <token> resource.
  [[nodiscard]] Checked<TokenClaimSet> authenticate(std::string_view jwt) const;
  [[nodiscard]] std::size_t cached() const;

 private:
  struct State;
  [[nodiscard]] Checked<std::shared_ptr<const Token>> validate(const TrustIndex& trust, std::string_view jwt,
                                                               const EntityId& originator,
                                                               TimePoint now) const;
  void keep(const TrustIndex& trust, std::string_view jwt, std::shared_ptr<const Token> token);
  void forget(std::string_view jwt);
  CseId hosting_cse_;
  const ResourceNames& names_;
  Limits limits_;
  std::unique_ptr<State> state_;
};

}  // namespace latchkey::authz
