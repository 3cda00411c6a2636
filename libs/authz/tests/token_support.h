#pragma once
/// A token issuer, a CSE that trusts it, and tokens that are wrong in one thing.
#include <boost/json/object.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "latchkey/authz/grants.h"
#include "latchkey/authz/token_issuer.h"
#include "latchkey/authz/token_verifier.h"
#include "latchkey/crypto/keys.h"
#include "support.h"

namespace latchkey::authz::test {

inline constexpr std::string_view kDas = "//home.example/Sdas";
inline constexpr std::string_view kPhone = "//home.example/in-cse/Cphone";
inline constexpr std::string_view kDomain = "das.example";

[[nodiscard]] EntityId entity(std::string_view text);
/// 12:00 on 29 February 2024, in the middle of the period of base_claims().
[[nodiscard]] TimePoint noon();

/// Strips the SP and the CSE of its own; "-" and "in-name" are the CSEBase.
class Names final : public ResourceNames {
 public:
  [[nodiscard]] std::optional<std::string> normalise(const ResourceAddress& address) const override;
};
[[nodiscard]] const Names& names();

/// Token 1@das.example of the DAS for the phone, 11:00 to 13:00, with only the mandatory claims.
[[nodiscard]] boost::json::object base_claims();
[[nodiscard]] TokenClaimSet base_claim_set();

/// Keys that live as long as the process.
[[nodiscard]] const crypto::PrivateKey& das_key();                 ///< P-256
[[nodiscard]] const crypto::PrivateKey& cse_key();                 ///< P-256
[[nodiscard]] std::shared_ptr<const SecretBytes> shared_secret();  ///< 32 octets

/// "das-1" verifies ES256, "shared-1" is the shared secret for A256KW and `dir`.
[[nodiscard]] TrustedIssuer das(jose::Permitted<TokenClass> classes, std::string_view id = kDas);
/// The DAS above, and "cse-1" as own key of the CSE.
[[nodiscard]] TokenTrust trust(jose::Permitted<TokenClass> classes);

/// A verifier of /in-cse that trusts the DAS.
class Verifier : public TokenVerifier {
 public:
  explicit Verifier(jose::Permitted<TokenClass> classes, const Limits& limits = {});
  explicit Verifier(TokenTrust trust, const Limits& limits = {});
};

[[nodiscard]] boost::json::object jose_header();  ///< typ and kid of a signed token
[[nodiscard]] std::string sign(const boost::json::object& claims, boost::json::object header = jose_header());
[[nodiscard]] std::string sign_text(std::string_view claims, boost::json::object header = jose_header());
/// Encrypted with the shared secret, A256KW and A256GCM.
[[nodiscard]] std::string encrypt(std::string_view plaintext, boost::json::object header);
/// alg none.
[[nodiscard]] std::string unsecured(const boost::json::object& claims);
/// Three parts as they are given.
[[nodiscard]] std::string join(std::string_view header, std::string_view payload, std::string_view signature);

/// The rejection at noon, for the phone unless said otherwise.
[[nodiscard]] Rejection rejection(TokenVerifier& verifier, std::string_view jwt,
                                  std::string_view originator = kPhone, TimePoint now = noon());

}  // namespace latchkey::authz::test
