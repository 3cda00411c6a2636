// Compact JWS and JWE against RFC 7520, and against every way in which a text may be wrong.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>

#include "key_agreement.h"
#include "latchkey/crypto/crypto.h"
#include "latchkey/jose/jwe.h"
#include "latchkey/jose/jws.h"
#include "vectors.h"

namespace latchkey::jose {
namespace {

namespace json = boost::json;

using test::b64;
using test::load;
using test::shared;
using test::text;

std::shared_ptr<const SecretBytes> random_key(std::size_t size) {
  return shared(crypto::random_secret(size));
}
std::string plain(const Result<SecretBytes>& opened) {
  return opened ? std::string(as_text(opened->reveal())) : "";
}

const Permitted<KeyAlg> kAllKeyAlgs = {
    KeyAlg::dir,          KeyAlg::a128kw,         KeyAlg::a192kw,         KeyAlg::a256kw,
    KeyAlg::rsa_oaep_256, KeyAlg::ecdh_es_a128kw, KeyAlg::ecdh_es_a192kw, KeyAlg::ecdh_es_a256kw};
const Permitted<Enc> kAllEncs = {Enc::a128gcm, Enc::a192gcm, Enc::a256gcm};
const Permitted<SignatureAlg> kAllSignatures = {
    SignatureAlg::hs256, SignatureAlg::hs384, SignatureAlg::hs512, SignatureAlg::rs256, SignatureAlg::rs384,
    SignatureAlg::rs512, SignatureAlg::es256, SignatureAlg::es384, SignatureAlg::es512};

void expect_verifies(const json::value& vector, const VerificationKey& key) {
  const std::string compact = text(vector.at("output"), "compact");
  const auto jws = parse_jws(compact);
  ASSERT_TRUE(jws);
  EXPECT_EQ(as_text(jws->payload), text(vector.at("input"), "payload"));
  EXPECT_TRUE(key.verify(*jws));
}

TEST(Rfc7520, Section4_1Rs256) {
  const auto vector = load("4_1.rsa_v15_signature");
  const json::value& jwk = vector.at("input").at("key");
  expect_verifies(
      vector, {crypto::PublicKey::from_modulus(b64(jwk, "n"), b64(jwk, "e")).value(), {SignatureAlg::rs256}});
}

TEST(Rfc7520, Section4_2Ps384IsNoAlgorithmOfTs0003) {
  const auto vector = load("4_2.rsa-pss_signature");
  const json::value& jwk = vector.at("input").at("key");
  const auto jws = parse_jws(text(vector.at("output"), "compact")).value();
  const VerificationKey key(crypto::PublicKey::from_modulus(b64(jwk, "n"), b64(jwk, "e")).value(),
                            kAllSignatures);
  EXPECT_EQ(key.verify(jws).error().code, ErrorCode::unsupported);
}

TEST(Rfc7520, Section4_3Es512) {
  const auto vector = load("4_3.ecdsa_signature");
  expect_verifies(vector, {point_of_jwk(vector.at("input").at("key")).value(), {SignatureAlg::es512}});
}

TEST(Rfc7520, Section4_4Hs256) {
  const auto vector = load("4_4.hmac-sha2_integrity_protection");
  const auto key = shared(SecretBytes::take(b64(vector.at("input").at("key"), "k")));
  expect_verifies(vector, {key, {SignatureAlg::hs256}});
  const json::object header{{"kid", vector.at("signing").at("protected").at("kid")}};
  EXPECT_EQ(SigningKey(key, SignatureAlg::hs256)
                .sign(header, as_bytes(text(vector.at("input"), "payload")))
                .value(),
            text(vector.at("output"), "compact"));
}

void expect_opens(const json::value& vector, const DecryptionKey& key) {
  const std::string compact = text(vector.at("output"), "compact");
  const auto jwe = parse_jwe(compact);
  ASSERT_TRUE(jwe);
  EXPECT_EQ(plain(key.open(*jwe)), text(vector.at("input"), "plaintext"));
}

TEST(Rfc7520, Section5_4EcdhEsWithA128Kw) {
  const auto vector = load("5_4.key_agreement_with_key_wrapping_using_ecdh-es_and_aes-keywrap_with_aes-gcm");
  const json::value& jwk = vector.at("input").at("key");
  auto key = crypto::PrivateKey::from_scalar(crypto::KeyKind::p384, SecretBytes::take(b64(jwk, "d")),
                                             b64(jwk, "x"), b64(jwk, "y"));
  expect_opens(vector, {std::move(*key), {KeyAlg::ecdh_es_a128kw}, {Enc::a128gcm}});
}

TEST(Rfc7520, Section5_6Direct) {
  const auto vector = load("5_6.direct_encryption_using_aes-gcm");
  const auto key = shared(SecretBytes::take(b64(vector.at("input").at("key"), "k")));
  expect_opens(vector, {key, {KeyAlg::dir}, {Enc::a128gcm}});
}

TEST(Rfc7520, Section5_8A128Kw) {
  const auto vector = load("5_8.key_wrap_using_aes-keywrap_with_aes-gcm");
  const auto key = shared(SecretBytes::take(b64(vector.at("input").at("key"), "k")));
  expect_opens(vector, {key, {KeyAlg::a128kw}, {Enc::a128gcm}});
}

TEST(Rfc7520, Section5_2RsaOaepWithSha1IsNoAlgorithmOfTs0003) {
  const auto vector = load("5_2.key_encryption_using_rsa-oaep_with_aes-gcm");
  const DecryptionKey key(crypto::PrivateKey::generate_rsa(2048), kAllKeyAlgs, kAllEncs);
  EXPECT_EQ(key.open(parse_jwe(text(vector.at("output"), "compact")).value()).error().code,
            ErrorCode::unsupported);
}

TEST(Rfc7520, Section5_9CompressedContentIsRefused) {
  const auto vector = load("5_9.compressed_content");
  EXPECT_EQ(parse_jwe(text(vector.at("output"), "compact")).error().code, ErrorCode::unsupported);
}

struct SignatureCase {
  SignatureAlg alg;
  crypto::KeyKind kind;
};
class EachSignature : public testing::TestWithParam<SignatureCase> {};
INSTANTIATE_TEST_SUITE_P(Jws, EachSignature,
                         testing::Values(SignatureCase{SignatureAlg::es256, crypto::KeyKind::p256},
                                         SignatureCase{SignatureAlg::es384, crypto::KeyKind::p384},
                                         SignatureCase{SignatureAlg::es512, crypto::KeyKind::p521}));

TEST_P(EachSignature, VerifiesAndFitsOneCurveOnly) {
  const crypto::PrivateKey pair = crypto::PrivateKey::generate(GetParam().kind);
  const std::string compact =
      SigningKey(pair, GetParam().alg).sign({{"typ", "JWT"}}, as_bytes("claims")).value();
  const Jws jws = parse_jws(compact).value();
  EXPECT_EQ(jws.header.typ, "JWT");
  EXPECT_TRUE(VerificationKey(pair.public_key(), {GetParam().alg}).verify(jws));
  const auto other = GetParam().kind == crypto::KeyKind::p256 ? crypto::KeyKind::p384 : crypto::KeyKind::p256;
  const VerificationKey another(crypto::PrivateKey::generate(other).public_key(), kAllSignatures);
  EXPECT_EQ(another.verify(jws).error().code, ErrorCode::unsupported);
  EXPECT_EQ(SigningKey(crypto::PrivateKey::generate(other), GetParam().alg).sign({}, {}).error().code,
            ErrorCode::unsupported);
}

TEST(Jws, HmacAndRsaInAllSizes) {
  const auto secret = random_key(64);
  const crypto::PrivateKey rsa = crypto::PrivateKey::generate_rsa(2048);
  for (const SignatureAlg alg : {SignatureAlg::hs256, SignatureAlg::hs384, SignatureAlg::hs512}) {
    const std::string compact = SigningKey(secret, alg).sign({}, as_bytes("data")).value();
    EXPECT_TRUE(VerificationKey(secret, {alg}).verify(parse_jws(compact).value()));
    EXPECT_EQ(VerificationKey(random_key(64), {alg}).verify(parse_jws(compact).value()).error().code,
              ErrorCode::authentication);
  }
  for (const SignatureAlg alg : {SignatureAlg::rs256, SignatureAlg::rs384, SignatureAlg::rs512}) {
    const std::string compact = SigningKey(rsa, alg).sign({}, as_bytes("data")).value();
    EXPECT_TRUE(VerificationKey(rsa.public_key(), {alg}).verify(parse_jws(compact).value()));
  }
}

TEST(Jws, TheKeyAndNotTheHeaderSaysWhichAlgorithm) {
  const crypto::PrivateKey pair = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  const std::string compact = SigningKey(pair, SignatureAlg::es256).sign({}, as_bytes("data")).value();
  const VerificationKey other(pair.public_key(), {SignatureAlg::rs256});
  EXPECT_EQ(other.verify(parse_jws(compact).value()).error().code, ErrorCode::unsupported);
  // The public key as an HMAC secret: the oldest confusion of all.
  const auto as_secret = shared(SecretBytes::take(pair.public_key().spki()));
  const std::string forged = SigningKey(as_secret, SignatureAlg::hs256).sign({}, as_bytes("data")).value();
  const VerificationKey all(pair.public_key(), kAllSignatures);
  EXPECT_EQ(all.verify(parse_jws(forged).value()).error().code, ErrorCode::unsupported);
}

TEST(Jws, UnsecuredAndUnknownAlgorithmsNeverVerify) {
  const VerificationKey key(random_key(64), kAllSignatures);
  const std::string none = to_base64url(as_bytes(R"({"alg":"none"})")) + ".ZGF0YQ.";
  EXPECT_EQ(parse_jws(none).error().code, ErrorCode::invalid_argument);
  for (const std::string_view alg : {"none", "None", "hs256", "ES256K", "EdDSA", ""}) {
    const std::string header = R"({"alg":")" + std::string(alg) + "\"}";
    const std::string compact = to_base64url(as_bytes(header)) + ".ZGF0YQ.AAAA";
    EXPECT_EQ(key.verify(parse_jws(compact).value()).error().code, ErrorCode::unsupported) << alg;
  }
}

TEST(Jws, CurvesOfXmlSignatureAreNotOfJose) {
  for (const auto& [alg, kind] :
       {std::pair{SignatureAlg::es256_brainpool_p256r1, crypto::KeyKind::brainpool_p256r1},
        std::pair{SignatureAlg::es256_frp256v1, crypto::KeyKind::frp256v1}}) {
    const auto pair = crypto::PrivateKey::generate(kind);
    const SigningKey key(pair, alg);
    EXPECT_EQ(key.sign({}, as_bytes("a")).error().code, ErrorCode::unsupported);
    EXPECT_EQ(signature_alg(to_string(alg)), std::nullopt);
    EXPECT_EQ(named_signature_alg(to_string(alg)), alg);
    // Nor by a header that says so, nor as ES256.
    const auto raw = key.signature("input").value();
    const VerificationKey verifies(pair.public_key(), {alg, SignatureAlg::es256});
    EXPECT_TRUE(verifies.verify(alg, "input", raw));
    EXPECT_TRUE(verifies.fits(alg));
    EXPECT_FALSE(verifies.fits(SignatureAlg::es256));
    for (const auto name : {to_string(alg), std::string_view("ES256")})
      EXPECT_EQ(verifies.verify(Header::of({{"alg", name}}).value(), "input", raw).error().code,
                ErrorCode::unsupported);
  }
}

TEST(Jws, AShortHmacKeyIsRefused) {
  EXPECT_EQ(SigningKey(random_key(31), SignatureAlg::hs256).sign({}, {}).error().code,
            ErrorCode::unsupported);
  EXPECT_TRUE(SigningKey(random_key(32), SignatureAlg::hs256).sign({}, {}));
  EXPECT_EQ(SigningKey(random_key(47), SignatureAlg::hs384).sign({}, {}).error().code,
            ErrorCode::unsupported);
}

/// Every change of one character anywhere makes the text unreadable or the key refuse it.
template <class Accepts>
void expect_no_change_passes(const std::string& compact, Accepts accepts) {
  ASSERT_TRUE(accepts(compact));
  for (std::size_t i = 0; i < compact.size(); ++i) {
    for (const char c : {'A', 'b', '9', '_', '.', '=', ' ', '+', '\n', '\0', '\x80'}) {
      if (compact[i] == c) continue;
      std::string changed = compact;
      changed[i] = c;
      EXPECT_FALSE(accepts(changed)) << "position " << i << " to " << static_cast<int>(c);
    }
    std::string shorter = compact;
    shorter.erase(i, 1);
    EXPECT_FALSE(accepts(shorter)) << "without position " << i;
  }
  for (const char c : {'=', '.', ' ', 'A', '\n'}) {
    EXPECT_FALSE(accepts(compact + c));
    EXPECT_FALSE(accepts(c + compact));
  }
  EXPECT_FALSE(accepts(""));
}

TEST(Jws, NoChangedTextVerifies) {
  const auto secret = random_key(32);
  const VerificationKey key(secret, {SignatureAlg::hs256});
  expect_no_change_passes(
      SigningKey(secret, SignatureAlg::hs256).sign({{"kid", "k"}}, as_bytes("payload")).value(),
      [&](const std::string& compact) {
        const auto jws = parse_jws(compact);
        return jws && key.verify(*jws).has_value();
      });
}

TEST(Jwe, NoChangedTextOpens) {
  const auto secret = random_key(16);
  const DecryptionKey key(secret, kAllKeyAlgs, kAllEncs);
  for (const KeyAlg alg : {KeyAlg::dir, KeyAlg::a128kw})
    expect_no_change_passes(
        EncryptionKey(secret, alg, Enc::a128gcm).seal({{"kid", "k"}}, as_bytes("payload")).value(),
        [&](const std::string& compact) {
          const auto jwe = parse_jwe(compact);
          return jwe && key.open(*jwe).has_value();
        });
}

TEST(Jwe, EveryAlgorithmOpensWhatItSealed) {
  for (const Enc enc : {Enc::a128gcm, Enc::a192gcm, Enc::a256gcm}) {
    const auto direct = random_key(key_bytes(enc));
    const std::string sealed = EncryptionKey(direct, KeyAlg::dir, enc).seal({}, as_bytes("text")).value();
    EXPECT_EQ(plain(DecryptionKey(direct, {KeyAlg::dir}, {enc}).open(parse_jwe(sealed).value())), "text");
    for (const auto& [alg, size] :
         {std::pair{KeyAlg::a128kw, 16U}, {KeyAlg::a192kw, 24U}, {KeyAlg::a256kw, 32U}}) {
      const auto wrapping = random_key(size);
      const std::string text = EncryptionKey(wrapping, alg, enc).seal({}, as_bytes("text")).value();
      EXPECT_EQ(plain(DecryptionKey(wrapping, {alg}, {enc}).open(parse_jwe(text).value())), "text");
    }
    for (const KeyAlg alg : {KeyAlg::ecdh_es_a128kw, KeyAlg::ecdh_es_a192kw, KeyAlg::ecdh_es_a256kw})
      for (const auto kind : {crypto::KeyKind::p256, crypto::KeyKind::p384, crypto::KeyKind::p521}) {
        const auto pair = crypto::PrivateKey::generate(kind);
        const std::string text =
            EncryptionKey(pair.public_key(), alg, enc).seal({}, as_bytes("text")).value();
        EXPECT_EQ(plain(DecryptionKey(pair, {alg}, {enc}).open(parse_jwe(text).value())), "text");
        const DecryptionKey another(crypto::PrivateKey::generate(kind), {alg}, {enc});
        EXPECT_EQ(another.open(parse_jwe(text).value()).error().code, ErrorCode::authentication);
      }
  }
  const auto rsa = crypto::PrivateKey::generate_rsa(2048);
  const std::string text =
      EncryptionKey(rsa.public_key(), KeyAlg::rsa_oaep_256, Enc::a256gcm).seal({}, as_bytes("text")).value();
  EXPECT_EQ(plain(DecryptionKey(rsa, {KeyAlg::rsa_oaep_256}, {Enc::a256gcm}).open(parse_jwe(text).value())),
            "text");
}

TEST(Jwe, AWrongContentKeyIsAnsweredLikeAWrongTag) {
  const auto secret = random_key(16);
  const DecryptionKey key(secret, kAllKeyAlgs, kAllEncs);
  const std::string sealed =
      EncryptionKey(secret, KeyAlg::a128kw, Enc::a128gcm).seal({}, as_bytes("text")).value();
  Jwe wrong_key = parse_jwe(sealed).value();
  wrong_key.encrypted_key[0] ^= 1U;
  Jwe wrong_tag = parse_jwe(sealed).value();
  wrong_tag.sealed.back() ^= 1U;
  Jwe no_key = parse_jwe(sealed).value();
  no_key.encrypted_key.clear();
  // A content key of another length than enc wants, wrapped with the right key.
  Jwe short_key = parse_jwe(sealed).value();
  short_key.encrypted_key = crypto::aes_key_wrap(*secret, crypto::random_secret(32)).value();
  for (const Jwe* jwe : {&wrong_key, &wrong_tag, &no_key, &short_key}) {
    const auto opened = key.open(*jwe);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::authentication);
    EXPECT_EQ(opened.error().detail, "the JWE does not open");
  }
}

TEST(Jwe, TheKeyPermitsAlgorithms) {
  const auto secret = random_key(16);
  const Jwe jwe = parse_jwe(EncryptionKey(secret, KeyAlg::a128kw, Enc::a128gcm).seal({}, {}).value()).value();
  EXPECT_EQ(DecryptionKey(secret, {KeyAlg::dir}, kAllEncs).open(jwe).error().code, ErrorCode::unsupported);
  EXPECT_EQ(DecryptionKey(secret, kAllKeyAlgs, {Enc::a256gcm}).open(jwe).error().code,
            ErrorCode::unsupported);
  EXPECT_EQ(DecryptionKey(random_key(32), kAllKeyAlgs, kAllEncs).open(jwe).error().code,
            ErrorCode::unsupported);
  const DecryptionKey ec(crypto::PrivateKey::generate(crypto::KeyKind::p256), kAllKeyAlgs, kAllEncs);
  EXPECT_EQ(ec.open(jwe).error().code, ErrorCode::unsupported);
  EXPECT_EQ(EncryptionKey(secret, KeyAlg::a256kw, Enc::a128gcm).seal({}, {}).error().code,
            ErrorCode::unsupported);
  EXPECT_EQ(EncryptionKey(secret, KeyAlg::dir, Enc::a256gcm).seal({}, {}).error().code,
            ErrorCode::unsupported);
}

TEST(Jwe, AnEphemeralKeyOffTheCurveIsRefusedWithoutAHint) {
  const auto pair = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  const DecryptionKey key(pair, kAllKeyAlgs, kAllEncs);
  const std::string sealed =
      EncryptionKey(pair.public_key(), KeyAlg::ecdh_es_a128kw, Enc::a128gcm).seal({}, {}).value();
  Jwe jwe = parse_jwe(sealed).value();
  ASSERT_TRUE(key.open(jwe));
  jwe.header.members.at("epk").as_object()["y"] = jwe.header.members.at("epk").at("x");
  EXPECT_EQ(key.open(jwe).error().detail, "the JWE does not open");
  jwe.header.members.erase("epk");
  EXPECT_EQ(key.open(jwe).error().detail, "the JWE does not open");
}

std::string with_header(std::string_view header) {
  return to_base64url(as_bytes(header)) + "..AAAAAAAAAAAAAAAA.AA.AAAAAAAAAAAAAAAAAAAAAA";
}

TEST(Header, WhatIsWrongIsRefusedWithItsReason) {
  const struct {
    std::string_view header;
    ErrorCode code;
    std::string_view reason;
  } cases[] = {
      {R"([])", ErrorCode::invalid_argument, "no object"},
      {R"({"alg":"dir","alg":"none","enc":"A128GCM"})", ErrorCode::invalid_argument, "alg"},
      {R"({"enc":"A128GCM"})", ErrorCode::invalid_argument, "without alg"},
      {R"({"alg":1,"enc":"A128GCM"})", ErrorCode::invalid_argument, "alg is no text"},
      {R"({"alg":"dir"})", ErrorCode::invalid_argument, "without enc"},
      {R"({"alg":"dir","enc":["A128GCM"]})", ErrorCode::invalid_argument, "enc is no text"},
      {R"({"alg":"dir","enc":"A128GCM","kid":7})", ErrorCode::invalid_argument, "kid is no text"},
      {R"({"alg":"dir","enc":"A128GCM","crit":["b64"]})", ErrorCode::unsupported, "critical"},
      {R"({"alg":"dir","enc":"A128GCM","crit":[]})", ErrorCode::unsupported, "critical"},
      {R"({"alg":"dir","enc":"A128GCM","zip":"DEF"})", ErrorCode::unsupported, "compressed"},
      {R"({"alg":"dir","enc":"A128GCM")", ErrorCode::invalid_argument, "JOSE header"},
      {R"({"alg":"dir","enc":"A128GCM"} )"
       "\xff",
       ErrorCode::invalid_argument, "JOSE header"},
  };
  for (const auto& item : cases) {
    const auto jwe = parse_jwe(with_header(item.header));
    ASSERT_FALSE(jwe) << item.header;
    EXPECT_EQ(jwe.error().code, item.code) << item.header;
    EXPECT_NE(jwe.error().detail.find(item.reason), std::string::npos) << jwe.error().detail;
  }
  EXPECT_TRUE(parse_jwe(
      with_header(R"({"alg":"dir","enc":"A128GCM","x-private":{"a":[1]},"jku":"https://evil.example"})")));
}

TEST(Header, LimitsHoldOnBothSides) {
  const auto secret = random_key(32);
  const std::string compact =
      SigningKey(secret, SignatureAlg::hs256).sign({{"kid", "k"}}, Bytes(100)).value();
  EXPECT_TRUE(parse_jws(compact, {.octets = compact.size(), .header_octets = compact.find('.')}));
  EXPECT_EQ(parse_jws(compact, {.octets = compact.size() - 1}).error().code, ErrorCode::limit);
  EXPECT_EQ(parse_jws(compact, {.header_octets = compact.find('.') - 1}).error().code, ErrorCode::limit);
}

TEST(Header, DeepHeadersEndInAnError) {
  std::string header =
      R"({"alg":"dir","enc":"A128GCM","x":)" + std::string(1000, '[') + std::string(1000, ']') + "}";
  EXPECT_FALSE(parse_jwe(with_header(header)));
}

}  // namespace
}  // namespace latchkey::jose
