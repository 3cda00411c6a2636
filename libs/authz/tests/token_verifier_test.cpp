// Validation of oneM2M JWTs (TS-0003 7.3.2.5, 7.3.2.6.2, 7.3.2.6.3): classes, headers, keys, content.
#include "latchkey/authz/token_verifier.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "cover.h"
#include "latchkey/crypto/crypto.h"
#include "token_support.h"

namespace latchkey::authz::test {
namespace {

namespace bj = boost::json;
using jose::Enc;
using jose::KeyAlg;
using jose::SignatureAlg;
using latchkey::test::cover;

const jose::Permitted<TokenClass> kSigned{TokenClass::signature_only};
const jose::Permitted<TokenClass> kEncrypted{TokenClass::encryption_only};
const jose::Permitted<TokenClass> kNested{TokenClass::sign_then_encrypt};
const jose::Permitted<TokenClass> kUnsecured{TokenClass::unsecured};

bj::object with(bj::object object, const char* member, bj::value value) {
  object[member] = std::move(value);
  return object;
}
bj::object without(bj::object object, const char* member) {
  object.erase(member);
  return object;
}
bj::object jwe_header() { return {{"typ", "JWT"}, {"kid", "shared-1"}}; }
bj::object nested_header() { return with(jwe_header(), "cty", "JWT"); }
std::string claims_text() { return bj::serialize(base_claims()); }

void expect_accepted(TokenVerifier& verifier, std::string_view jwt) {
  const auto token = verifier.verify(jwt, entity(kPhone), noon());
  ASSERT_TRUE(token) << to_string(token.error(), "token");
  EXPECT_EQ((*token)->token_id, "1@das.example");
  EXPECT_EQ((*token)->issuer, entity(kDas));
  EXPECT_EQ((*token)->holder, entity(kPhone));
}
void expect_rejected(TokenVerifier& verifier, std::string_view jwt, Defect defect, std::string_view detail) {
  const auto got = rejection(verifier, jwt);
  EXPECT_EQ(got.defect, defect) << to_string(got, "token");
  EXPECT_NE(got.detail.find(detail), std::string::npos) << got.detail;
}

TEST(TokenClasses, signature_only_is_verified) {
  cover({"7.3.2.5-T01", "7.3.2.4-01", "7.3.2.6.3-07", "7.3.2.3-06"});
  Verifier verifier(kSigned);
  expect_accepted(verifier, sign(base_claims()));
  auto flipped = sign(base_claims());
  flipped[flipped.size() - 5] = flipped[flipped.size() - 5] == 'A' ? 'B' : 'A';
  expect_rejected(verifier, flipped, Defect::signature, "");
  expect_rejected(verifier,
                  join(R"({"alg":"ES256","typ":"JWT","kid":"das-1"})", claims_text(), std::string(64, 'x')),
                  Defect::signature, "");
}

TEST(TokenClasses, encryption_only_is_decrypted) {
  cover({"7.3.2.5-T01", "7.3.2.4-01"});
  Verifier verifier(kEncrypted);
  expect_accepted(verifier, encrypt(claims_text(), jwe_header()));
  auto flipped = encrypt(claims_text(), jwe_header());
  flipped[flipped.size() - 5] = flipped[flipped.size() - 5] == 'A' ? 'B' : 'A';
  expect_rejected(verifier, flipped, Defect::signature, "does not open");
}

TEST(TokenClasses, sign_then_encrypt_is_decrypted_and_verified) {
  cover({"7.3.2.5-T01", "7.3.2.4-01"});
  Verifier verifier(kNested);
  expect_accepted(verifier, encrypt(sign(base_claims()), nested_header()));
  auto forged = sign(base_claims());
  forged[forged.size() - 5] = forged[forged.size() - 5] == 'A' ? 'B' : 'A';
  expect_rejected(verifier, encrypt(forged, nested_header()), Defect::signature, "");
  const jose::EncryptionKey to_cse(cse_key().public_key(), KeyAlg::ecdh_es_a256kw, Enc::a256gcm);
  expect_accepted(verifier,
                  to_cse.seal(with(nested_header(), "kid", "cse-1"), as_bytes(sign(base_claims()))).value());
}

TEST(TokenClasses, unsecured_only_where_it_is_configured) {
  cover({"7.3.2.4-01", "7.3.2.6.3-09"});
  Verifier open(kUnsecured);
  expect_accepted(open, unsecured(base_claims()));
  Verifier usual({TokenClass::signature_only, TokenClass::encryption_only, TokenClass::sign_then_encrypt});
  expect_rejected(usual, unsecured(base_claims()), Defect::token_class, "unsecured");
  expect_rejected(open, unsecured(with(base_claims(), "iss", "//home.example/Sother")), Defect::issuer, "");
}

TEST(TokenClasses, unsecured_for_one_issuer_is_not_for_another) {
  auto two = trust(kUnsecured);
  two.issuers.push_back(
      {.authority = {.id = entity("//home.example/Sstrict"), .domains = {Fqdn::parse(kDomain).value()}},
       .classes = kSigned,
       .verification_keys = {{"s", {das_key().public_key(), {SignatureAlg::es256}}}},
       .shared_keys = {}});
  Verifier verifier(std::move(two));
  expect_rejected(verifier, unsecured(with(base_claims(), "iss", "//home.example/Sstrict")),
                  Defect::token_class, "unsecured");
}

TEST(TokenClasses, one_that_is_not_permitted_to_the_issuer_is_discarded) {
  cover({"7.3.2.6.3-09"});
  const auto signed_token = sign(base_claims());
  const auto encrypted = encrypt(claims_text(), jwe_header());
  const auto nested = encrypt(signed_token, nested_header());
  for (const auto& [classes, tokens] : {std::pair{kSigned, std::vector{encrypted, nested}},
                                        std::pair{kEncrypted, std::vector{signed_token, nested}},
                                        std::pair{kNested, std::vector{signed_token, encrypted}}}) {
    Verifier verifier(classes);
    for (const auto& token : tokens) expect_rejected(verifier, token, Defect::token_class, "");
  }
}

TEST(TokenClasses, encryption_to_a_public_key_does_not_say_who_did_it) {
  Verifier verifier({TokenClass::encryption_only, TokenClass::sign_then_encrypt});
  const jose::EncryptionKey to_cse(cse_key().public_key(), KeyAlg::ecdh_es_a256kw, Enc::a256gcm);
  expect_rejected(verifier, to_cse.seal(with(jwe_header(), "kid", "cse-1"), as_bytes(claims_text())).value(),
                  Defect::token_class, "everybody");
}

TEST(TokenHeaders, of_a_signed_token) {
  cover({"7.3.2.6.2-13", "7.3.2.6.2-14"});
  Verifier verifier(kSigned);
  expect_rejected(verifier, sign(base_claims(), without(jose_header(), "typ")), Defect::header, "typ");
  expect_rejected(verifier, sign(base_claims(), with(jose_header(), "typ", "jwt")), Defect::header, "typ");
  expect_rejected(verifier, sign(base_claims(), with(jose_header(), "cty", "JWT")), Defect::header, "cty");
  expect_rejected(verifier, sign(base_claims(), with(jose_header(), "cty", "")), Defect::header, "cty");
}

TEST(TokenHeaders, of_an_encrypted_token) {
  cover({"7.3.2.6.2-11", "7.3.2.6.2-12"});
  Verifier verifier({TokenClass::encryption_only, TokenClass::sign_then_encrypt});
  expect_rejected(verifier, encrypt(claims_text(), without(jwe_header(), "typ")), Defect::header, "typ");
  expect_rejected(verifier, encrypt(claims_text(), with(jwe_header(), "cty", "json")), Defect::header, "cty");
  // With cty a JWS must be inside.
  expect_rejected(verifier, encrypt(claims_text(), nested_header()), Defect::malformed, "");
}

TEST(TokenHeaders, of_a_nested_token) {
  cover({"7.3.2.6.2-15", "7.3.2.6.2-16", "7.3.2.6.2-17"});
  Verifier verifier({TokenClass::encryption_only, TokenClass::sign_then_encrypt});
  const auto inner = sign(base_claims());
  expect_rejected(verifier, encrypt(inner, without(nested_header(), "typ")), Defect::header, "typ");
  expect_rejected(verifier, encrypt(sign(base_claims(), without(jose_header(), "typ")), nested_header()),
                  Defect::header, "typ");
  expect_rejected(verifier, encrypt(inner, jwe_header()), Defect::claims, "");
  expect_rejected(verifier, encrypt(sign(base_claims(), with(jose_header(), "cty", "JWT")), nested_header()),
                  Defect::header, "cty");
}

TEST(TokenHeaders, critical_extensions_and_compression_are_refused) {
  Verifier verifier({TokenClass::signature_only, TokenClass::encryption_only});
  expect_rejected(verifier, sign(base_claims(), with(jose_header(), "crit", bj::array{"exp"})),
                  Defect::header, "critical");
  expect_rejected(verifier, sign(base_claims(), with(jose_header(), "crit", bj::array{})), Defect::header,
                  "critical");
  expect_rejected(verifier, encrypt(claims_text(), with(jwe_header(), "zip", "DEF")), Defect::header,
                  "compressed");
}

TEST(MalformedTokens, are_no_dynAuthJWT) {
  cover({"7.3.2.6.3-08"});
  Verifier verifier({TokenClass::signature_only, TokenClass::encryption_only, TokenClass::unsecured});
  const auto good = sign(base_claims());
  const std::string header = R"({"alg":"ES256","typ":"JWT","kid":"das-1"})";
  for (const auto& text : {std::string(), std::string("."), std::string(".."), std::string("...."),
                           std::string("a.b.c"), good + ".", good + "=", " " + good, good + "\n",
                           claims_text(), "Bearer " + good, join("{}", claims_text(), "x"),
                           join("[]", claims_text(), "x"), join(R"({"alg":1})", claims_text(), "x"),
                           join(header.substr(0, header.size() - 1) + R"(,"kid":"x"})", claims_text(), "x"),
                           join(header, claims_text(), "")})
    EXPECT_EQ(rejection(verifier, text).defect, Defect::malformed) << text;
}

TEST(MalformedTokens, oversized) {
  Verifier verifier(kSigned);
  expect_rejected(verifier, std::string(kTokenOctetsMax + 1, 'a'), Defect::too_large, "65536 octets");
  EXPECT_EQ(rejection(verifier, std::string(kTokenOctetsMax, 'a')).defect, Defect::malformed);
  // The header has a limit of its own.
  const auto long_header = R"({"alg":"ES256","typ":"JWT","x":")" + std::string(9'000, 'x') + R"("})";
  expect_rejected(verifier, join(long_header, claims_text(), "x"), Defect::too_large, "header");
}

TEST(MalformedTokens, deeply_nested_header) {
  Verifier verifier(kSigned);
  const auto deep = R"({"alg":"ES256","x":)" + std::string(2'000, '[') + std::string(2'000, ']') + "}";
  EXPECT_EQ(rejection(verifier, join(deep, claims_text(), "x")).defect, Defect::malformed);
}

TEST(AlgorithmConfusion, never_chosen_by_the_header) {
  cover({"7.3.2.6.3-09"});
  Verifier verifier(kSigned);
  // The public key as an HMAC secret.
  const auto spki = das_key().public_key().spki();
  const jose::SigningKey hmac(std::make_shared<const SecretBytes>(SecretBytes::copy_of(spki)),
                              SignatureAlg::hs256);
  expect_rejected(verifier, hmac.sign(jose_header(), as_bytes(claims_text())).value(), Defect::algorithm, "");
  for (const auto* const alg : {"none", "NONE", "es256", "ES384", "RS256", "PS256", "HS256", "EdDSA"}) {
    const auto header = R"({"alg":")" + std::string(alg) + R"(","typ":"JWT","kid":"das-1"})";
    expect_rejected(verifier, join(header, claims_text(), std::string(64, 'x')), Defect::algorithm, "");
  }
  // A key in the header is not looked at.
  const auto own = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  const auto jwt = jose::SigningKey(own, SignatureAlg::es256)
                       .sign(with(jose_header(), "jwk", bj::object{{"kty", "EC"}}), as_bytes(claims_text()))
                       .value();
  expect_rejected(verifier, jwt, Defect::signature, "");
}

TEST(AlgorithmConfusion, of_encryption) {
  Verifier verifier({TokenClass::encryption_only, TokenClass::sign_then_encrypt});
  const auto sealed = [](KeyAlg alg, Enc enc) {
    return jose::EncryptionKey(shared_secret(), alg, enc).seal(jwe_header(), as_bytes(claims_text())).value();
  };
  expect_accepted(verifier, sealed(KeyAlg::dir, Enc::a256gcm));
  expect_rejected(verifier, sealed(KeyAlg::a256kw, Enc::a128gcm), Defect::algorithm, "enc");
  const jose::EncryptionKey to_cse(cse_key().public_key(), KeyAlg::ecdh_es_a256kw, Enc::a256gcm);
  expect_rejected(verifier, to_cse.seal(jwe_header(), as_bytes(claims_text())).value(), Defect::algorithm,
                  "");
}

TEST(AlgorithmConfusion, an_unsecured_token_inside_an_encrypted_one) {
  Verifier verifier({TokenClass::sign_then_encrypt, TokenClass::unsecured});
  expect_rejected(verifier, encrypt(unsecured(base_claims()), nested_header()), Defect::malformed,
                  "without a signature");
}

TEST(TokenKeys, kid_is_needed_and_must_be_known) {
  Verifier verifier({TokenClass::signature_only, TokenClass::encryption_only});
  expect_rejected(verifier, sign(base_claims(), without(jose_header(), "kid")), Defect::unknown_key,
                  "no kid");
  expect_rejected(verifier, sign(base_claims(), with(jose_header(), "kid", "das-2")), Defect::unknown_key,
                  "no issuer");
  expect_rejected(verifier, encrypt(claims_text(), without(jwe_header(), "kid")), Defect::unknown_key,
                  "no kid");
  expect_rejected(verifier, encrypt(claims_text(), with(jwe_header(), "kid", "x")), Defect::unknown_key,
                  "no key");
}

/// The DAS, and another issuer with keys of its own under the same kid or another one.
TokenTrust with_rival(const std::string& kid, const crypto::PrivateKey& key) {
  auto out = trust({TokenClass::signature_only, TokenClass::sign_then_encrypt});
  out.issuers.push_back(
      {.authority = {.id = entity("//rival.example/Sdas"), .domains = {Fqdn::parse("rival.example").value()}},
       .classes = {TokenClass::signature_only, TokenClass::sign_then_encrypt},
       .verification_keys = {{kid, {key.public_key(), {SignatureAlg::es256}}}},
       .shared_keys = {}});
  return out;
}

TEST(TokenIssuers, a_key_of_another_issuer_does_not_speak_for_this_one) {
  cover({"7.3.2.5-T03", "7.3.2.2-12"});
  const auto key = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  Verifier verifier(with_rival("rival-1", key));
  const auto by_rival = [&](const bj::object& claims, const char* kid) {
    return jose::SigningKey(key, SignatureAlg::es256)
        .sign(with(jose_header(), "kid", kid), as_bytes(bj::serialize(claims)))
        .value();
  };
  const auto got = rejection(verifier, by_rival(base_claims(), "rival-1"));
  EXPECT_EQ(got.defect, Defect::issuer);
  EXPECT_EQ(got.detail, "the key is that of //rival.example/Sdas");
  EXPECT_EQ(got.id, "1@das.example");
  expect_rejected(verifier, by_rival(base_claims(), "das-1"), Defect::signature, "");
  // Nor does it name tokens of the other's domain.
  const auto own = with(base_claims(), "iss", "//rival.example/Sdas");
  expect_rejected(verifier, by_rival(own, "rival-1"), Defect::domain, "token id");
  EXPECT_TRUE(
      verifier.verify(by_rival(with(own, "jti", "1@rival.example"), "rival-1"), entity(kPhone), noon()));
}

TEST(TokenIssuers, may_choose_the_same_kid) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  Verifier verifier(with_rival("das-1", key));
  expect_accepted(verifier, sign(base_claims()));
  const auto claims = with(with(base_claims(), "iss", "//rival.example/Sdas"), "jti", "1@rival.example");
  const auto jwt =
      jose::SigningKey(key, SignatureAlg::es256).sign(jose_header(), as_bytes(bj::serialize(claims))).value();
  EXPECT_TRUE(verifier.verify(jwt, entity(kPhone), noon()));
}

TEST(TokenIssuers, a_shared_key_of_another_issuer_does_not_wrap_a_signed_token) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  Verifier verifier(with_rival("rival-1", key));
  const auto claims = with(with(base_claims(), "iss", "//rival.example/Sdas"), "jti", "1@rival.example");
  const auto inner = jose::SigningKey(key, SignatureAlg::es256)
                         .sign(with(jose_header(), "kid", "rival-1"), as_bytes(bj::serialize(claims)))
                         .value();
  expect_rejected(verifier, encrypt(inner, nested_header()), Defect::token_class, "");
}

TEST(TokenIssuers, assign_roles_of_their_own_domain_only) {
  Verifier verifier(kSigned);
  const auto granting = [](const char* role) {
    return sign(
        with(base_claims(), "tkps", bj::object{{"pm", bj::array{bj::object{{"rids", bj::array{role}}}}}}));
  };
  EXPECT_TRUE(verifier.verify(granting("guest@das.example"), entity(kPhone), noon()));
  expect_rejected(verifier, granting("admin@roles.example"), Defect::domain, "role");
  expect_rejected(verifier, granting("admin@sub.das.example"), Defect::domain, "role");
}

TEST(TokenContent, the_holder_is_exactly_the_originator) {
  cover({"7.3.2.5-T02", "7.3.2.3-07", "7.3.2.3-09", "7.3.2.2-14"});
  Verifier verifier(kSigned);
  const auto jwt = sign(base_claims());
  for (const auto* const other :
       {"//home.example/in-cse/Cphone2", "//home.example/in-cse", "//home.example/Sphone",
        "//other.example/in-cse/Cphone", "//home.example/mn-cse/Cphone", "//home.example/in-cse/Cphon"}) {
    EXPECT_EQ(rejection(verifier, jwt, other).defect, Defect::holder) << other;
  }
  expect_accepted(verifier, jwt);
  // Out of the cache as well.
  EXPECT_EQ(rejection(verifier, jwt, "//home.example/in-cse/Cphone2").defect, Defect::holder);
}

TEST(TokenContent, a_cse_may_be_the_holder) {
  Verifier verifier(kSigned);
  const auto jwt = sign(with(base_claims(), "azp", "//home.example/mn-cse"));
  EXPECT_TRUE(verifier.verify(jwt, entity("/mn-cse"), noon()));
}

TEST(TokenContent, the_period_includes_its_begin_and_excludes_its_end) {
  cover({"7.3.2.5-T04", "7.3.2.3-07", "7.3.2.3-10", "7.3.2.2-15"});
  const auto jwt = sign(base_claims());
  const auto begin = base_claim_set().not_before, end = base_claim_set().not_after;
  const std::chrono::microseconds tick(1);
  for (const bool warm : {false, true}) {
    Verifier verifier(kSigned);
    if (warm) expect_accepted(verifier, jwt);
    EXPECT_EQ(rejection(verifier, jwt, kPhone, begin - tick).defect, Defect::not_yet_valid);
    EXPECT_TRUE(verifier.verify(jwt, entity(kPhone), begin));
    EXPECT_TRUE(verifier.verify(jwt, entity(kPhone), end - tick));
    const auto got = rejection(verifier, jwt, kPhone, end);
    EXPECT_EQ(got.defect, Defect::expired);
    EXPECT_EQ(to_string(got, "token"), "token 1@das.example: expired (at 2024-02-29T13:00:00.000000Z)");
  }
}

TEST(TokenContent, a_non_empty_audience_holds_the_hosting_cse) {
  cover({"7.3.2.5-T05", "7.3.2.3-07", "7.3.2.3-08", "7.3.2.2-13"});
  Verifier verifier(kSigned);
  const auto aimed = [](bj::array audience) { return sign(with(base_claims(), "aud", std::move(audience))); };
  expect_accepted(verifier, aimed({"//home.example/in-cse"}));
  expect_accepted(verifier, aimed({"//other.example/x", "//home.example/in-*"}));
  const auto got = rejection(verifier, aimed({"//home.example/mn-cse", "//other.example/in-cse"}));
  EXPECT_EQ(got.defect, Defect::audience);
  EXPECT_EQ(got.id, "1@das.example");
}

TEST(TokenContent, rules_that_do_not_compile_are_named) {
  cover({"7.3.2.6.3-11"});
  Verifier verifier(kSigned);
  const auto jwt = sign(with(base_claims(), "tkps",
                             json(R"({"pm":[{"ris":["a"],"pv":{"acr":[{"acor":["all"],"acop":64}]}}]})")));
  const auto got = rejection(verifier, jwt);
  EXPECT_EQ(got.defect, Defect::claims);
  EXPECT_EQ(got.detail, "tkps.pm[0].pv: acr[0].acop is not an integer from 1 to 63");
}

TEST(TokenRejections, repeat_nothing_of_the_token) {
  const std::string secret = "Xq7sEcReT";
  for (const auto* const member :
       {"tkvr", "jti", "iss", "azp", "nbf", "exp", "tknm", "aud", "tkps", "tkex"}) {
    for (const bj::value& value : {bj::value(secret + std::string(20'000, 'x')), bj::value(bj::array{secret}),
                                   bj::value(bj::object{{"pm", secret}})}) {
      Verifier verifier({TokenClass::signature_only, TokenClass::encryption_only});
      const auto claims = with(base_claims(), member, value);
      EXPECT_EQ(to_string(rejection(verifier, sign(claims)), "token").find(secret), std::string::npos)
          << member;
    }
  }
  Verifier verifier(kSigned);
  const auto jwt = sign_text("{\"jti\":\"" + secret);
  EXPECT_EQ(to_string(rejection(verifier, jwt), "token").find(secret), std::string::npos);
}

TEST(TokenAuthentication, gives_the_claims_whoever_holds_it_and_for_whichever_cse) {
  cover({"7.3.2.6.3-10"});
  const Verifier verifier(kSigned);
  const auto claims = with(with(base_claims(), "aud", bj::array{"//other.example/cse"}), "tknm", "a name");
  const auto got = verifier.authenticate(sign(claims));
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(jwt_claims(*got), claims);
  EXPECT_EQ(verifier.authenticate(unsecured(claims)).error().defect, Defect::token_class);
}

}  // namespace
}  // namespace latchkey::authz::test
