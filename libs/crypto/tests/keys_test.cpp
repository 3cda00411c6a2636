// Project Wycheproof's vectors for signatures, key agreement and key wrapping, and what they do not say.
#include "latchkey/crypto/keys.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <tuple>

#include "latchkey/crypto/crypto.h"
#include "vector_file.h"

namespace latchkey::crypto {
namespace {

namespace json = boost::json;

json::value load(const std::string& name) {
  std::ifstream in(std::string(LATCHKEY_TEST_DATA) + "/wycheproof/" + name);
  return json::parse(std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>()));
}
std::string text(const json::value& object, const char* member) {
  return std::string(object.at(member).as_string());
}
Bytes hex(const json::value& object, const char* member) { return from_hex(text(object, member)).value(); }
Bytes b64(const json::value& object, const char* member) {
  return from_base64url(text(object, member)).value();
}

struct Counts {
  int valid = 0, invalid = 0;
};

template <class Check>
Counts for_each(const std::string& file, Check&& check) {
  Counts counts;
  const json::value vectors = load(file);
  for (const json::value& group : vectors.at("testGroups").as_array())
    for (const json::value& test : group.at("tests").as_array()) {
      SCOPED_TRACE("tcId " + std::to_string(test.at("tcId").as_int64()) + " " + text(test, "comment"));
      const bool valid = text(test, "result") == "valid";
      ++(valid ? counts.valid : counts.invalid);
      check(group, test, valid);
    }
  return counts;
}

TEST(Wycheproof, EcdsaP256WithSha256AsRAndS) {
  const Counts counts =
      for_each("ecdsa_secp256r1_sha256_p1363.json", [](const auto& group, const auto& test, bool valid) {
        const auto key = PublicKey::from_spki(hex(group, "publicKeyDer")).value();
        EXPECT_EQ(ecdsa_verify(key, Hash::sha256, hex(test, "msg"), hex(test, "sig")).has_value(), valid);
      });
  EXPECT_GT(counts.valid, 50);
  EXPECT_GT(counts.invalid, 50);
}

TEST(Wycheproof, EcdhP256) {
  const Counts counts =
      for_each("ecdh_secp256r1_webcrypto.json", [](const auto&, const auto& test, bool valid) {
        const json::value& own = test.at("private");
        const json::value& peer = test.at("public");
        const auto key = PrivateKey::from_scalar(KeyKind::p256, SecretBytes::take(b64(own, "d")),
                                                 b64(own, "x"), b64(own, "y"));
        ASSERT_TRUE(key);
        const bool p256 = text(peer, "crv") == "P-256";
        const auto point = p256 ? PublicKey::from_point(KeyKind::p256, b64(peer, "x"), b64(peer, "y"))
                                : Result<PublicKey>(fail(ErrorCode::unsupported, "another curve"));
        const auto shared = point ? ecdh(*key, *point) : Result<SecretBytes>(fail(point.error()));
        ASSERT_EQ(shared.has_value(), valid);
        if (valid) {
          EXPECT_EQ(*shared, SecretBytes::take(hex(test, "shared")));
        }
      });
  EXPECT_GT(counts.valid, 50);
  EXPECT_GT(counts.invalid, 0);
}

TEST(Wycheproof, RsaOaepWithSha256) {
  const Counts counts =
      for_each("rsa_oaep_2048_sha256_mgf1sha256.json", [](const auto& group, const auto& test, bool valid) {
        if (!text(test, "label").empty()) return;  // JOSE and XML use no label
        const auto key =
            PrivateKey::from_pem(SecretBytes::copy_of(as_bytes(text(group, "privateKeyPem")))).value();
        const auto opened = rsa_oaep_decrypt(key, hex(test, "ct"));
        ASSERT_EQ(opened.has_value(), valid);
        if (valid) {
          EXPECT_EQ(*opened, SecretBytes::take(hex(test, "msg")));
        } else {
          EXPECT_EQ(opened.error().code, ErrorCode::authentication);
          EXPECT_EQ(opened.error().detail, "the encrypted key does not open");
        }
      });
  EXPECT_GT(counts.valid, 5);
  EXPECT_GT(counts.invalid, 10);
}

TEST(Wycheproof, AesKeyWrap) {
  const Counts counts = for_each("aes_wrap.json", [](const auto&, const auto& test, bool valid) {
    const auto key = SecretBytes::take(hex(test, "key"));
    const Bytes wrapped = hex(test, "ct");
    const auto opened = aes_key_unwrap(key, wrapped);
    if (valid) {
      ASSERT_TRUE(opened);
      const auto secret = SecretBytes::take(hex(test, "msg"));
      EXPECT_EQ(*opened, secret);
      EXPECT_EQ(aes_key_wrap(key, secret).value(), wrapped);
    } else if (text(test, "result") == "invalid") {
      EXPECT_FALSE(opened);
    }
  });
  EXPECT_GT(counts.valid, 20);
  EXPECT_GT(counts.invalid, 50);
}

class EveryCurve : public testing::TestWithParam<KeyKind> {};
INSTANTIATE_TEST_SUITE_P(Keys, EveryCurve,
                         testing::Values(KeyKind::p256, KeyKind::p384, KeyKind::p521,
                                         KeyKind::brainpool_p256r1, KeyKind::frp256v1));

TEST_P(EveryCurve, SignsAndVerifiesAndNoChangedOctetPasses) {
  const PrivateKey key = PrivateKey::generate(GetParam());
  const Bytes data = random_bytes(100);
  Bytes signature = ecdsa_sign(key, Hash::sha256, data).value();
  ASSERT_EQ(signature.size(), 2 * coordinate_bytes(GetParam()));
  EXPECT_TRUE(ecdsa_verify(key.public_key(), Hash::sha256, data, signature));
  EXPECT_FALSE(ecdsa_verify(key.public_key(), Hash::sha384, data, signature));
  EXPECT_FALSE(ecdsa_verify(PrivateKey::generate(GetParam()).public_key(), Hash::sha256, data, signature));
  for (std::uint8_t& octet : signature) {
    octet ^= 1U;
    EXPECT_FALSE(ecdsa_verify(key.public_key(), Hash::sha256, data, signature));
    octet ^= 1U;
  }
  signature.push_back(0);
  EXPECT_FALSE(ecdsa_verify(key.public_key(), Hash::sha256, data, signature));
}

TEST_P(EveryCurve, BothSidesAgree) {
  const PrivateKey a = PrivateKey::generate(GetParam());
  const PrivateKey b = PrivateKey::generate(GetParam());
  EXPECT_EQ(ecdh(a, b.public_key()).value(), ecdh(b, a.public_key()).value());
}

TEST_P(EveryCurve, KeysSurviveTheirTextForms) {
  const PrivateKey key = PrivateKey::generate(GetParam());
  const auto again = PrivateKey::from_pem(key.pem()).value();
  EXPECT_EQ(again.kind(), GetParam());
  EXPECT_EQ(again.public_key().spki(), key.public_key().spki());
  const Bytes point = key.public_key().point();
  const std::size_t half = point.size() / 2;
  const auto copy =
      PublicKey::from_point(GetParam(), ByteView(point).first(half), ByteView(point).last(half)).value();
  EXPECT_EQ(copy.spki(), key.public_key().spki());
  EXPECT_EQ(PublicKey::from_spki(copy.spki()).value().point(), point);
}

TEST_P(EveryCurve, PointsOffTheCurveAndScalarsOfAnotherPointAreRefused) {
  const PrivateKey key = PrivateKey::generate(GetParam());
  Bytes point = key.public_key().point();
  const std::size_t half = point.size() / 2;
  const auto scalar = PrivateKey::from_scalar(GetParam(), random_secret(half), ByteView(point).first(half),
                                              ByteView(point).last(half));
  EXPECT_FALSE(scalar);
  point.back() ^= 1U;
  const auto off = PublicKey::from_point(GetParam(), ByteView(point).first(half), ByteView(point).last(half));
  ASSERT_FALSE(off);
  EXPECT_EQ(off.error().code, ErrorCode::invalid_argument);
  EXPECT_FALSE(
      PublicKey::from_point(GetParam(), ByteView(point).first(half - 1), ByteView(point).last(half)));
}

// Signatures that the formulas of the books give (data/curves/ecdsa_reference.py).
TEST(Curves, SignaturesOfAnIndependentComputationVerify) {
  for (const auto& [curve, kind] :
       {std::pair{"FRP256v1", KeyKind::frp256v1}, std::pair{"brainpoolP256r1", KeyKind::brainpool_p256r1}}) {
    const auto vectors = latchkey::test::vectors_of("curves/ecdsa_curves.vec", curve);
    ASSERT_EQ(vectors.size(), 6U);
    for (const auto& it : vectors) {
      SCOPED_TRACE(it.name);
      const auto& [d, x, y, message, signature] =
          std::tie(it.fields[0], it.fields[1], it.fields[2], it.fields[3], it.fields[4]);
      const auto key = PrivateKey::from_scalar(kind, SecretBytes::copy_of(d), x, y);
      ASSERT_TRUE(key) << key.error().detail;
      EXPECT_TRUE(ecdsa_verify(key->public_key(), Hash::sha256, message, signature));
      EXPECT_FALSE(ecdsa_verify(key->public_key(), Hash::sha256, as_bytes("another"), signature));
      for (const auto other : {KeyKind::p256, KeyKind::frp256v1, KeyKind::brainpool_p256r1})
        if (other != kind) {
          EXPECT_FALSE(PublicKey::from_point(other, x, y));
        }
    }
  }
}

SecretBytes file(const char* name) {
  std::ifstream in(std::string(LATCHKEY_TEST_DATA) + "/curves/" + name);
  return SecretBytes::copy_of(
      as_bytes(std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>())));
}

TEST(Curves, Frp256v1ByNameAndByItsParameters) {
  const auto explicit_one = PrivateKey::from_pem(file("frp256v1_explicit.pem"));
  const auto named = PrivateKey::from_pem(file("frp256v1_named.pem"));
  const auto public_one = PublicKey::from_pem(as_text(file("frp256v1_explicit.pub").reveal()));
  ASSERT_TRUE(explicit_one && named && public_one);
  EXPECT_EQ(explicit_one->kind(), KeyKind::frp256v1);
  EXPECT_EQ(public_one->kind(), KeyKind::frp256v1);
  EXPECT_EQ(named->public_key().point(), explicit_one->public_key().point());
  EXPECT_EQ(public_one->point(), named->public_key().point());
  const Bytes signature = ecdsa_sign(*named, Hash::sha256, as_bytes("m")).value();
  EXPECT_TRUE(ecdsa_verify(*public_one, Hash::sha256, as_bytes("m"), signature));
  // RFC 5480: certificates name the curve. 1.2.250.1.223.101.256.1 stands in it.
  const Bytes spki = public_one->spki();
  EXPECT_NE(to_hex(spki).find("060A2A817A01815F65820001"), std::string::npos);
  EXPECT_EQ(PublicKey::from_spki(spki).value().point(), public_one->point());
  const std::string pem = "-----BEGIN PUBLIC KEY-----\n" + to_base64(spki) + "\n-----END PUBLIC KEY-----\n";
  EXPECT_EQ(PublicKey::from_pem(pem).value().kind(), KeyKind::frp256v1);
}

// With a generator of his own, anybody makes signatures for the key of another (CVE-2020-0601).
TEST(Curves, ParametersWithAnotherGeneratorAreRefused) {
  const auto pair = PrivateKey::from_pem(file("frp256v1_other_generator.pem"));
  ASSERT_FALSE(pair);
  EXPECT_EQ(pair.error().code, ErrorCode::unsupported);
  const auto key = PublicKey::from_pem(as_text(file("frp256v1_other_generator.pub").reveal()));
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, ErrorCode::unsupported);
}

TEST(Curves, BrokenTextsOfFrp256v1) {
  const auto good = file("frp256v1_named.pem");
  const std::string text(as_text(good.reveal()));
  const auto begin = text.find('\n') + 1;
  const auto der = from_base64(text.substr(begin, 64) + text.substr(begin + 65, 28)).value();
  const auto as_pem = [](ByteView octets) {
    return SecretBytes::copy_of(
        as_bytes("-----BEGIN PRIVATE KEY-----\n" + to_base64(octets) + "\n-----END PRIVATE KEY-----\n"));
  };
  ASSERT_TRUE(PrivateKey::from_pem(as_pem(der)));
  for (std::size_t at = 0; at < der.size() - 32; ++at) {  // everything but the scalar
    if (at == 4) continue;  // the version of PKCS#8, which libcrypto does not look at
    auto changed = der;
    changed[at] ^= 0x40U;
    EXPECT_FALSE(PrivateKey::from_pem(as_pem(changed))) << at;
  }
  auto zero = der;
  std::fill(zero.end() - 32, zero.end(), 0);
  EXPECT_FALSE(PrivateKey::from_pem(as_pem(zero)));
  auto beyond = der;
  std::fill(beyond.end() - 32, beyond.end(), 0xFF);
  EXPECT_FALSE(PrivateKey::from_pem(as_pem(beyond)));
  auto spki = PrivateKey::from_pem(as_pem(der))->public_key().spki();
  spki.back() ^= 1U;
  EXPECT_EQ(PublicKey::from_spki(spki).error().code, ErrorCode::invalid_argument);
}

TEST(Keys, KeysOfDifferentCurvesDoNotAgree) {
  EXPECT_FALSE(ecdh(PrivateKey::generate(KeyKind::p256),
                    PrivateKey::generate(KeyKind::brainpool_p256r1).public_key()));
}

TEST(Keys, RsaSignsWrapsAndRefusesAnotherKeysWork) {
  const PrivateKey key = PrivateKey::generate_rsa(2048);
  const Bytes data = random_bytes(50);
  for (const Hash hash : {Hash::sha256, Hash::sha384, Hash::sha512}) {
    Bytes signature = rsa_sign(key, hash, data).value();
    EXPECT_TRUE(rsa_verify(key.public_key(), hash, data, signature));
    signature[10] ^= 1U;
    EXPECT_FALSE(rsa_verify(key.public_key(), hash, data, signature));
  }
  const SecretBytes secret = random_secret(32);
  EXPECT_EQ(rsa_oaep_decrypt(key, rsa_oaep_encrypt(key.public_key(), secret).value()).value(), secret);
  EXPECT_EQ(rsa_oaep_encrypt(key.public_key(), random_secret(200)).error().code, ErrorCode::limit);
  EXPECT_EQ(ecdsa_sign(key, Hash::sha256, data).error().code, ErrorCode::unsupported);
  EXPECT_EQ(ecdsa_verify(key.public_key(), Hash::sha256, data, Bytes(64)).error().code,
            ErrorCode::unsupported);
  const PrivateKey ec = PrivateKey::generate(KeyKind::p256);
  EXPECT_EQ(rsa_sign(ec, Hash::sha256, data).error().code, ErrorCode::unsupported);
  EXPECT_EQ(rsa_verify(ec.public_key(), Hash::sha256, data, Bytes(256)).error().code, ErrorCode::unsupported);
  EXPECT_EQ(rsa_oaep_decrypt(ec, Bytes(256)).error().code, ErrorCode::unsupported);
}

TEST(Keys, WeakGiantAndForeignKeysAreRefused) {
  Bytes modulus(128, 0xFF);  // 1024 bits
  EXPECT_EQ(PublicKey::from_modulus(modulus, Bytes{1, 0, 1}).error().code, ErrorCode::unsupported);
  modulus.resize(1025, 0xFF);
  EXPECT_EQ(PublicKey::from_modulus(modulus, Bytes{1, 0, 1}).error().code, ErrorCode::unsupported);
  modulus.resize(256);
  EXPECT_TRUE(PublicKey::from_modulus(modulus, Bytes{1, 0, 1}));
  // SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 10.1).
  const auto ed25519 =
      from_hex("302a300506032b657003210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1")
          .value();
  EXPECT_EQ(PublicKey::from_spki(ed25519).error().code, ErrorCode::unsupported);
  Bytes trailing = PrivateKey::generate(KeyKind::p256).public_key().spki();
  trailing.push_back(0);
  EXPECT_EQ(PublicKey::from_spki(trailing).error().code, ErrorCode::invalid_argument);
  EXPECT_FALSE(PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
  EXPECT_FALSE(PrivateKey::from_pem(SecretBytes::copy_of(as_bytes("no key"))));
  EXPECT_FALSE(PublicKey::from_spki({}));
}

TEST(Keys, KeyWrapRefusesLengthsOutsideRfc3394) {
  EXPECT_FALSE(aes_key_wrap(random_secret(15), random_secret(16)));
  EXPECT_FALSE(aes_key_wrap(random_secret(16), random_secret(8)));
  EXPECT_FALSE(aes_key_wrap(random_secret(16), random_secret(17)));
  EXPECT_FALSE(aes_key_unwrap(random_secret(16), Bytes(16)));
  EXPECT_FALSE(aes_key_unwrap(random_secret(16), Bytes{}));
}

TEST(Keys, ConcatKdfOfRfc7518AppendixC) {
  const auto z =
      SecretBytes::take(Bytes{158, 86, 217, 29,  129, 113, 53,  211, 114, 131, 66,  131, 191, 132, 38,  156,
                              251, 49, 110, 163, 218, 128, 106, 72,  246, 218, 167, 121, 140, 254, 144, 196});
  const Bytes other = {0,   0,   0,  7,   65, 49, 50, 56, 71, 67,  77, 0, 0, 0, 5,  65,
                       108, 105, 99, 101, 0,  0,  0,  3,  66, 111, 98, 0, 0, 0, 128};
  EXPECT_EQ(to_base64url(concat_kdf(z, other, 16).reveal()), "VqqN6vgjbSBcIijNcacQGg");
  // Longer than one hash: the first block stays, the second differs.
  const SecretBytes longer = concat_kdf(z, other, 48);
  EXPECT_EQ(longer.first(16), concat_kdf(z, other, 16));
  EXPECT_NE(to_hex(longer.reveal().last(16)), to_hex(longer.reveal().first(16)));
}

TEST(Keys, HmacAgreesWithRfc4231AndWithTheFasterWay) {
  const auto key = SecretBytes::copy_of(as_bytes("Jefe"));
  const ByteView data = as_bytes("what do ya want for nothing?");
  EXPECT_EQ(
      to_hex(hmac(Hash::sha384, key, data)),
      "AF45D2E376484031617F78D2B58A6B1B9C7EF464F5A01B47E42EC3736322445E8E2240CA5E69E2C78B3239ECFAB21649");
  EXPECT_EQ(to_hex(hmac(Hash::sha512, key, data)),
            "164B7A7BFCF819E2E395FBE73B56E0A387BD64222E831FD610270CD7EA2505549758BF75C05A994A6D034F65F8F0E6FD"
            "CAEAB1A34D4A6B4B636E070A38BCE737");
  EXPECT_EQ(SecretBytes::take(hmac(Hash::sha256, key, data)), hmac_sha256(key, data));
  EXPECT_EQ(hmac(Hash::sha256, SecretBytes(), data).size(), 32U);
}

}  // namespace
}  // namespace latchkey::crypto
