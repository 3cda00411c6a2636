#include "token_opening.h"

#include <algorithm>
#include <utility>

#include "latchkey/base/bytes.h"
#include "latchkey/base/secret.h"

namespace latchkey::authz {
namespace {

using Claims = Checked<TokenClaimSet>;

/// What kept jose from reading a text.
tl::unexpected<Rejection> unreadable(Error&& error) {
  const auto defect = error.code == ErrorCode::limit         ? Defect::too_large
                      : error.code == ErrorCode::unsupported ? Defect::header
                                                             : Defect::malformed;
  return reject(defect, std::move(error.detail));
}
/// What kept a key from verifying or opening one.
tl::unexpected<Rejection> unproven(Error&& error) {
  return reject(error.code == ErrorCode::unsupported ? Defect::algorithm : Defect::signature,
                std::move(error.detail));
}

/// 7.3.2.6.2: typ is "JWT" in every header, cty only where a JWS is inside.
Checked<void> check_header(const jose::Header& header, bool nested) {
  if (header.typ != "JWT") return reject(Defect::header, "typ is not JWT");
  if (nested ? header.cty != "JWT" : header.cty.has_value())
    return reject(Defect::header, nested ? "cty is not JWT" : "cty stands in a token without a JWS inside");
  return {};
}

/// The claims, and whether the issuer that vouches for them may say what they say.
Claims claims_of(const TrustedIssuer& issuer, std::string_view text) {
  auto claims = read_jwt_claims(text);
  if (!claims) return claims;
  if (claims->issuer != issuer.authority.id)
    return reject(Defect::issuer, "the key is that of " + to_string(issuer.authority.id), claims->token_id);
  if (!speaks_for(issuer.authority, claims->token_id))
    return reject(Defect::domain, "of the token id", claims->token_id);
  for (const auto& permission : claims->permissions) {
    if (!std::ranges::all_of(permission.role_ids,
                             [&](const auto& role) { return speaks_for(issuer.authority, role); }))
      return reject(Defect::domain, "of a role", claims->token_id);
  }
  return claims;
}

/// One JWT on its way to claims.
class Opening {
 public:
  Opening(const TrustIndex& trust, std::size_t octets_max) : trust_(trust) { limits_.octets = octets_max; }

  Claims run(std::string_view jwt) const {
    if (jwt.size() > limits_.octets)
      return reject(Defect::too_large, "more than " + std::to_string(limits_.octets) + " octets");
    const auto dots = std::ranges::count(jwt, '.');
    if (dots == 4) return encrypted(jwt);
    if (dots != 2) return reject(Defect::malformed, "neither a compact JWS nor a compact JWE");
    return jwt.ends_with('.') ? unsecured(jwt) : signed_by_issuer(jwt, nullptr);
  }

 private:
  /// `outer`: the key that opened the JWE around it, if there was one.
  Claims signed_by_issuer(std::string_view text, const DecryptionEntry* outer) const {
    const auto token_class = outer != nullptr ? TokenClass::sign_then_encrypt : TokenClass::signature_only;
    auto jws = jose::parse_jws(text, limits_);
    if (!jws) return unreadable(std::move(jws.error()));
    if (auto ok = check_header(jws->header, false); !ok) return reject(std::move(ok.error()));
    if (!jws->header.kid) return reject(Defect::unknown_key, "the JWS has no kid");
    auto found = trust_.verification(*jws->header.kid);
    if (found.empty()) return reject(Defect::unknown_key, "no issuer has the kid of the JWS");
    std::erase_if(found, [&](const VerificationEntry& entry) {
      const bool opened_it = outer == nullptr || outer->issuer == nullptr || outer->issuer == entry.issuer;
      return !entry.issuer->classes.has(token_class) || !opened_it;
    });
    Claims out = reject(Defect::token_class, std::string(to_string(token_class)));
    for (const auto& entry : found) {
      auto verified = entry.key->verify(*jws);
      if (verified) return claims_of(*entry.issuer, as_text(jws->payload));
      out = unproven(std::move(verified.error()));
    }
    return out;
  }

  Claims encrypted(std::string_view text) const {
    auto jwe = jose::parse_jwe(text, limits_);
    if (!jwe) return unreadable(std::move(jwe.error()));
    const bool nested = jwe->header.cty.has_value();
    const auto token_class = nested ? TokenClass::sign_then_encrypt : TokenClass::encryption_only;
    if (auto ok = check_header(jwe->header, nested); !ok) return reject(std::move(ok.error()));
    if (!jwe->header.kid) return reject(Defect::unknown_key, "the JWE has no kid");
    const auto* const entry = trust_.decryption(*jwe->header.kid);
    if (entry == nullptr) return reject(Defect::unknown_key, "there is no key with the kid of the JWE");
    // TS-0003 8.5.1: what is encrypted to a public key does not say who did it.
    if (!nested && entry->issuer == nullptr)
      return reject(Defect::token_class, "encryption only, to a key that everybody may encrypt to");
    if (entry->issuer != nullptr ? !entry->issuer->classes.has(token_class) : !trust_.permits(token_class))
      return reject(Defect::token_class, std::string(to_string(token_class)));
    auto plaintext = entry->key.open(*jwe);
    if (!plaintext) return unproven(std::move(plaintext.error()));
    const auto inner = as_text(plaintext->reveal());
    return nested ? signed_by_issuer(inner, entry) : claims_of(*entry->issuer, inner);
  }

  Claims unsecured(std::string_view text) const {
    if (!trust_.permits(TokenClass::unsecured)) return reject(Defect::token_class, "unsecured");
    const auto first = text.find('.');
    auto header = jose::Header::parse(text.substr(0, first), limits_);
    if (!header) return unreadable(std::move(header.error()));
    if (header->alg != "none") return reject(Defect::malformed, "a JWS without a signature");
    if (auto ok = check_header(*header, false); !ok) return reject(std::move(ok.error()));
    auto payload = from_base64url(text.substr(first + 1, text.size() - first - 2));
    if (!payload) return unreadable(std::move(payload.error()));
    const auto claims = read_jwt_claims(as_text(*payload));
    if (!claims) return claims;
    const auto* const issuer = trust_.issuer(claims->issuer);
    if (issuer == nullptr) return reject(Defect::issuer, "of an unsecured token");
    if (!issuer->classes.has(TokenClass::unsecured)) return reject(Defect::token_class, "unsecured");
    return claims_of(*issuer, as_text(*payload));
  }

  const TrustIndex& trust_;
  jose::Limits limits_;
};

}  // namespace

Claims open_token(const TrustIndex& trust, std::string_view jwt, std::size_t octets_max) {
  return Opening(trust, octets_max).run(jwt);
}

}  // namespace latchkey::authz
