#include "token_support.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "latchkey/crypto/crypto.h"

namespace latchkey::authz::test {

namespace bj = boost::json;
using jose::Enc;
using jose::KeyAlg;
using jose::SignatureAlg;

EntityId entity(std::string_view text) { return parse_entity_id(text, host().sp).value(); }
TimePoint noon() { return parse_timestamp("20240229T120000").value(); }

std::optional<std::string> Names::normalise(const ResourceAddress& address) const {
  const auto& own = *host().cse;
  if (!address.sp.empty() && address.sp != own.sp().fqdn().folded()) return std::nullopt;
  if (!address.cse.empty() && address.cse != own.stem()) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < address.segments.size(); ++i) {
    const auto& segment = address.segments[i];
    if (i > 0) out += '/';
    out += i == 0 && segment == "in-name" ? "-" : segment;
  }
  return out;
}
const Names& names() {
  static const Names instance;
  return instance;
}

bj::object base_claims() {
  return bj::parse(R"({"tkvr":"1.0.0","jti":"1@das.example","iss":"//home.example/Sdas",
      "azp":"//home.example/in-cse/Cphone","nbf":1709204400,"exp":1709211600})")
      .as_object();
}
TokenClaimSet base_claim_set() {
  return {.version = "1.0.0",
          .token_id = "1@das.example",
          .holder = entity(kPhone),
          .issuer = entity(kDas),
          .not_before = parse_timestamp("20240229T110000").value(),
          .not_after = parse_timestamp("20240229T130000").value(),
          .token_name = {},
          .audience = {},
          .permissions = {},
          .extension = {}};
}

const crypto::PrivateKey& das_key() {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  return key;
}
const crypto::PrivateKey& cse_key() {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  return key;
}
std::shared_ptr<const SecretBytes> shared_secret() {
  static const auto secret = std::make_shared<const SecretBytes>(crypto::random_secret(32));
  return secret;
}

TrustedIssuer das(jose::Permitted<TokenClass> classes, std::string_view id) {
  return {.authority = {.id = entity(id), .domains = {Fqdn::parse(kDomain).value()}},
          .classes = classes,
          .verification_keys = {{"das-1", {das_key().public_key(), {SignatureAlg::es256}}}},
          .shared_keys = {
              {"shared-1",
               {.secret = shared_secret(), .algs = {KeyAlg::a256kw, KeyAlg::dir}, .encs = {Enc::a256gcm}}}}};
}
TokenTrust trust(jose::Permitted<TokenClass> classes) {
  return {.issuers = {das(classes)},
          .own_keys = {{"cse-1", jose::DecryptionKey(cse_key(), {KeyAlg::ecdh_es_a256kw}, {Enc::a256gcm})}}};
}

Verifier::Verifier(jose::Permitted<TokenClass> classes, const Limits& limits)
    : Verifier(trust(classes), limits) {}
Verifier::Verifier(TokenTrust trusted, const Limits& limits) : TokenVerifier(*host().cse, names(), limits) {
  const auto ok = configure(std::move(trusted));
  EXPECT_TRUE(ok) << ok.error().detail;
}

bj::object jose_header() { return {{"typ", "JWT"}, {"kid", "das-1"}}; }
std::string sign(const bj::object& claims, bj::object header) {
  return sign_text(bj::serialize(claims), std::move(header));
}
std::string sign_text(std::string_view claims, bj::object header) {
  return jose::SigningKey(das_key(), SignatureAlg::es256).sign(std::move(header), as_bytes(claims)).value();
}
std::string encrypt(std::string_view plaintext, bj::object header) {
  return jose::EncryptionKey(shared_secret(), KeyAlg::a256kw, Enc::a256gcm)
      .seal(std::move(header), as_bytes(plaintext))
      .value();
}
std::string unsecured(const bj::object& claims) {
  return join(R"({"alg":"none","typ":"JWT"})", bj::serialize(claims), "");
}
std::string join(std::string_view header, std::string_view payload, std::string_view signature) {
  return to_base64url(as_bytes(header)) + "." + to_base64url(as_bytes(payload)) + "." +
         to_base64url(as_bytes(signature));
}

Rejection rejection(TokenVerifier& verifier, std::string_view jwt, std::string_view originator,
                    TimePoint now) {
  auto token = verifier.verify(jwt, entity(originator), now);
  if (!token) return std::move(token.error());
  ADD_FAILURE() << "accepted";
  return {};
}

}  // namespace latchkey::authz::test
