#include "issuers.h"

namespace latchkey::das {

Result<std::shared_ptr<const Issuers>> Issuers::make(const DasOptions& options,
                                                     const secure_env::SecureEnvironment& environment) {
  const auto pem = environment.use_as_private_key({options.signing_key});
  if (!pem) return fail("signing key " + options.signing_key, pem.error());
  const auto key = crypto::PrivateKey::from_pem(*pem);
  if (!key) return fail("signing key " + options.signing_key, key.error());
  if (key->kind() != crypto::KeyKind::p256)
    return fail(ErrorCode::unsupported, "signing key " + options.signing_key + ": ES256 needs a P-256 key");
  const authz::Authority self{options.id, options.domains};
  const authz::SignatureOnly signature{options.kid, jose::SigningKey(*key, jose::SignatureAlg::es256)};
  std::shared_ptr<Issuers> out(new Issuers(authz::TokenIssuer(self, signature)));
  for (const auto& cse : options.hosting_cses) {
    if (!cse.encryption) continue;
    const auto alg = cse.encryption->key.kind() == crypto::KeyKind::rsa ? jose::KeyAlg::rsa_oaep_256
                                                                        : jose::KeyAlg::ecdh_es_a256kw;
    authz::SignThenEncrypt both{signature, cse.encryption->kid,
                                jose::EncryptionKey(cse.encryption->key, alg, jose::Enc::a256gcm)};
    out->encrypting_.emplace(cse.id, authz::TokenIssuer(self, std::move(both)));
  }
  return std::shared_ptr<const Issuers>(std::move(out));
}

Result<std::string> Issuers::issue(const authz::TokenClaimSet& claims,
                                   const std::optional<CseId>& cse) const {
  const auto own = cse ? encrypting_.find(*cse) : encrypting_.end();
  return own == encrypting_.end() ? plain_.issue(claims) : own->second.issue(claims);
}

}  // namespace latchkey::das
