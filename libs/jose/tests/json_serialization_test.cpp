// The JSON serializations against RFC 7520 4.6 to 4.8 and 5.10 to 5.13, and against every way in which they
// may be wrong.
#include "latchkey/jose/json_serialization.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <set>
#include <string>

#include "key_agreement.h"
#include "latchkey/crypto/crypto.h"
#include "vectors.h"

namespace latchkey::jose {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

using test::b64;
using test::load;
using test::shared;
using test::text;

std::shared_ptr<const SecretBytes> octets(std::size_t size, std::uint8_t value = 7) {
  return shared(SecretBytes::copy_of(Bytes(size, value)));
}
constexpr Permitted<Enc> kAllEncs = {Enc::a128gcm, Enc::a192gcm, Enc::a256gcm};

void expect_verifies(const json::value& vector, std::size_t index, const VerificationKey& key,
                     bool alg_protected) {
  for (const char* form : {"json", "json_flat"}) {
    if (!vector.at("output").as_object().contains(form)) continue;
    const auto jws = parse_json_jws(json::serialize(vector.at("output").at(form)));
    ASSERT_TRUE(jws) << jws.error().detail;
    EXPECT_EQ(as_text(jws->payload), text(vector.at("input"), "payload"));
    const auto& signature = jws->signatures.at(index);
    EXPECT_EQ(signature.alg_protected, alg_protected);
    EXPECT_TRUE(key.verify(signature.header, signature.signing_input, signature.signature)) << form;
  }
}

TEST(Rfc7520Json, Section4_6ProtectingSpecificHeaderFields) {
  const auto vector = load("4_6.protecting_specific_header_fields");
  expect_verifies(vector, 0,
                  {shared(SecretBytes::take(b64(vector.at("input").at("key"), "k"))), {SignatureAlg::hs256}},
                  true);
}
TEST(Rfc7520Json, Section4_7ProtectingContentOnly) {
  const auto vector = load("4_7.protecting_content_only");
  expect_verifies(vector, 0,
                  {shared(SecretBytes::take(b64(vector.at("input").at("key"), "k"))), {SignatureAlg::hs256}},
                  false);
}
TEST(Rfc7520Json, Section4_8MultipleSignatures) {
  const auto vector = load("4_8.multiple_signatures");
  const auto& keys = vector.at("input").at("key").as_array();
  expect_verifies(
      vector, 0,
      {crypto::PublicKey::from_modulus(b64(keys[0], "n"), b64(keys[0], "e")).value(), {SignatureAlg::rs256}},
      true);
  expect_verifies(vector, 1, {point_of_jwk(keys[1]).value(), {SignatureAlg::es512}}, false);
  expect_verifies(vector, 2, {shared(SecretBytes::take(b64(keys[2], "k"))), {SignatureAlg::hs256}}, true);
}

void expect_opens(const std::string& name, bool enc_protected) {
  const auto vector = load(name);
  const DecryptionKey key(shared(SecretBytes::take(b64(vector.at("input").at("key"), "k"))), {KeyAlg::a128kw},
                          {Enc::a128gcm});
  for (const char* form : {"json", "json_flat"}) {
    const auto jwe = parse_json_jwe(json::serialize(vector.at("output").at(form)));
    ASSERT_TRUE(jwe) << jwe.error().detail;
    EXPECT_EQ(jwe->enc_protected, enc_protected);
    const auto plain = open_json(*jwe, 0, key);
    ASSERT_TRUE(plain) << form;
    EXPECT_EQ(as_text(plain->reveal()), text(vector.at("input"), "plaintext"));
    if (vector.at("input").as_object().contains("aad")) {
      EXPECT_EQ(as_text(jwe->aad), text(vector.at("input"), "aad"));
    }
  }
}
TEST(Rfc7520Json, Section5_10AdditionalAuthenticatedData) {
  expect_opens("5_10.including_additional_authentication_data", true);
}
TEST(Rfc7520Json, Section5_11ProtectingSpecificHeaderFields) {
  expect_opens("5_11.protecting_specific_header_fields", true);
}
TEST(Rfc7520Json, Section5_12ProtectingContentOnly) { expect_opens("5_12.protecting_content_only", false); }
TEST(Rfc7520Json, Section5_13IsOfNoAlgorithmOfTs0003) {
  EXPECT_FALSE(parse_json_jwe(
      json::serialize(load("5_13.encrypting_to_multiple_recipients").at("output").at("json"))));
}

const crypto::PrivateKey& ec() {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  return key;
}
const crypto::PrivateKey& rsa() {
  static const auto key = crypto::PrivateKey::generate_rsa(2048);
  return key;
}

TEST(JsonJws, SeveralSignaturesOfOnePayload) {
  const SigningKey first(ec(), SignatureAlg::es256), second(octets(32), SignatureAlg::hs256);
  const std::array signers{JsonSigner{&first, {{"kid", "a"}}}, JsonSigner{&second, {{"kid", "b"}}}};
  const auto made = sign_json(signers, as_bytes("payload"));
  ASSERT_TRUE(made);
  const auto jws = parse_json_jws(*made);
  ASSERT_TRUE(jws) << jws.error().detail << *made;
  EXPECT_EQ(as_text(jws->payload), "payload");
  ASSERT_EQ(jws->signatures.size(), 2U);
  EXPECT_EQ(jws->signatures[0].header.kid, "a");
  EXPECT_EQ(jws->signatures[1].header.kid, "b");
  const VerificationKey of_first(ec().public_key(), {SignatureAlg::es256});
  const VerificationKey of_second(octets(32), {SignatureAlg::hs256});
  const auto verify = [&](const VerificationKey& key, const JsonJws& in, std::size_t i) {
    return key.verify(in.signatures[i].header, in.signatures[i].signing_input, in.signatures[i].signature)
        .has_value();
  };
  EXPECT_TRUE(verify(of_first, *jws, 0));
  EXPECT_TRUE(verify(of_second, *jws, 1));
  EXPECT_FALSE(verify(of_second, *jws, 0));
  for (const auto& signature : jws->signatures) EXPECT_TRUE(signature.alg_protected);
  const auto one = parse_json_jws(sign_json(std::span(signers).first(1), as_bytes("payload")).value());
  ASSERT_TRUE(one);
  EXPECT_TRUE(verify(of_first, *one, 0));
  EXPECT_FALSE(sign_json({}, as_bytes("payload")));
}

std::vector<ContentKey::Recipient> recipients() {
  std::vector<ContentKey::Recipient> out;
  out.push_back({EncryptionKey(octets(16, 1), KeyAlg::a128kw, Enc::a192gcm), {{"kid", "aes"}}});
  out.push_back({EncryptionKey(rsa().public_key(), KeyAlg::rsa_oaep_256, Enc::a192gcm), {{"kid", "rsa"}}});
  out.push_back({EncryptionKey(ec().public_key(), KeyAlg::ecdh_es_a256kw, Enc::a192gcm), {{"kid", "ec"}}});
  return out;
}
std::vector<DecryptionKey> openers() {
  return {DecryptionKey(octets(16, 1), {KeyAlg::a128kw}, kAllEncs),
          DecryptionKey(rsa(), {KeyAlg::rsa_oaep_256}, kAllEncs),
          DecryptionKey(ec(), {KeyAlg::ecdh_es_a256kw}, kAllEncs)};
}

TEST(JsonJwe, SeveralRecipientsOfOneCiphertext) {
  const auto key = ContentKey::make(recipients());
  ASSERT_TRUE(key) << key.error().detail;
  for (const bool with_aad : {false, true}) {
    const auto made = with_aad ? key->seal_json({{"cty", "text/plain"}}, as_bytes("secret"), as_bytes("seen"))
                               : key->seal_json({{"cty", "text/plain"}}, as_bytes("secret"));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->find("secret"), std::string::npos);
    const auto jwe = parse_json_jwe(*made);
    ASSERT_TRUE(jwe) << jwe.error().detail << *made;
    ASSERT_EQ(jwe->recipients.size(), 3U);
    EXPECT_TRUE(jwe->enc_protected);
    EXPECT_EQ(as_text(jwe->aad), with_aad ? "seen" : "");
    const auto keys = openers();
    for (std::size_t i = 0; i < 3; ++i) {
      const auto plain = open_json(*jwe, i, keys[i]);
      ASSERT_TRUE(plain) << i;
      EXPECT_EQ(as_text(plain->reveal()), "secret");
      EXPECT_EQ(jwe->recipients[i].header.cty, "text/plain");
      EXPECT_FALSE(open_json(*jwe, (i + 1) % 3, keys[i]));
    }
  }
}

TEST(JsonJwe, OneContentKeyForManyPayloads) {
  std::vector<ContentKey::Recipient> one;
  one.push_back({EncryptionKey(ec().public_key(), KeyAlg::ecdh_es_a128kw, Enc::a128gcm), {{"kid", "ec"}}});
  const auto key = ContentKey::make(std::move(one)).value();
  const DecryptionKey opener(ec(), {KeyAlg::ecdh_es_a128kw}, kAllEncs);
  std::set<Bytes> ivs, wrapped;
  for (int i = 0; i < 10; ++i) {
    const auto compact = parse_jwe(key.seal_compact({}, as_bytes("secret")).value());
    ASSERT_TRUE(compact);
    ivs.insert(compact->iv);
    wrapped.insert(compact->encrypted_key);
    EXPECT_TRUE(open_json(parse_json_jwe(key.seal_json({}, as_bytes("secret")).value()).value(), 0, opener));
  }
  EXPECT_EQ(ivs.size(), 10U);
  EXPECT_EQ(wrapped.size(), 1U);
}

TEST(JsonJwe, DirIsForASingleKey) {
  std::vector<ContentKey::Recipient> list;
  list.push_back({EncryptionKey(octets(32), KeyAlg::dir, Enc::a256gcm), {{"kid", "d"}}});
  const auto key = ContentKey::make(std::move(list));
  ASSERT_TRUE(key);
  const auto jwe = parse_json_jwe(key->seal_json({}, as_bytes("secret")).value());
  ASSERT_TRUE(jwe);
  EXPECT_TRUE(open_json(*jwe, 0, DecryptionKey(octets(32), {KeyAlg::dir}, {Enc::a256gcm})));
  std::vector<ContentKey::Recipient> two;
  two.push_back({EncryptionKey(octets(32), KeyAlg::dir, Enc::a256gcm), {}});
  two.push_back({EncryptionKey(octets(32), KeyAlg::a256kw, Enc::a256gcm), {}});
  EXPECT_THAT(ContentKey::make(std::move(two)).error().detail, HasSubstr("single"));
}

TEST(JsonJwe, RecipientsThatDoNotFit) {
  EXPECT_FALSE(ContentKey::make({}));
  std::vector<ContentKey::Recipient> list;
  list.push_back({EncryptionKey(octets(16), KeyAlg::a128kw, Enc::a128gcm), {}});
  list.push_back({EncryptionKey(octets(16), KeyAlg::a128kw, Enc::a256gcm), {}});
  EXPECT_THAT(ContentKey::make(std::move(list)).error().detail, HasSubstr("different enc"));
  std::vector<ContentKey::Recipient> wrong;
  wrong.push_back({EncryptionKey(octets(16), KeyAlg::a256kw, Enc::a128gcm), {}});
  EXPECT_EQ(ContentKey::make(std::move(wrong)).error().code, ErrorCode::unsupported);
  EXPECT_FALSE(ContentKey::make(recipients())->seal_compact({}, as_bytes("x")));
}

TEST(JsonJwe, AnyChangedCharacterIsRefused) {
  const auto key = ContentKey::make(recipients()).value();
  const std::string made = key.seal_json({}, as_bytes("secret"), as_bytes("seen")).value();
  const DecryptionKey opener(octets(16, 1), {KeyAlg::a128kw}, kAllEncs);
  // Another recipient's part, and the names of unknown members, are of no account to this one.
  const auto own = json::parse(made).as_object();
  for (const char* member : {"protected", "aad", "iv", "ciphertext", "tag"}) {
    const std::string value = text(own, member);
    for (std::size_t i = 0; i < value.size(); ++i) {
      auto changed = own;
      auto& target = changed[member].as_string();
      target[i] = target[i] == 'A' ? 'B' : 'A';
      if (std::string_view(target) == value) continue;
      const auto jwe = parse_json_jwe(json::serialize(changed));
      EXPECT_FALSE(jwe && open_json(*jwe, 0, opener)) << member << " " << i;
    }
  }
}

struct Bad {
  const char* name;
  const char* json;
  ErrorCode code;
  const char* named;
};
class BadJws : public ::testing::TestWithParam<Bad> {};
TEST_P(BadJws, IsRefused) {
  const auto read = parse_json_jws(GetParam().json);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, GetParam().code) << read.error().detail;
  EXPECT_THAT(read.error().detail, HasSubstr(GetParam().named));
}
// eyJhbGciOiJIUzI1NiJ9 is {"alg":"HS256"}
INSTANTIATE_TEST_SUITE_P(
    Forms, BadJws,
    ::testing::Values(
        Bad{"no_json", "x", ErrorCode::invalid_argument, "JSON"},
        Bad{"list", "[]", ErrorCode::invalid_argument, "no object"},
        Bad{"no_payload", R"({"protected":"eyJhbGciOiJIUzI1NiJ9","signature":"AA"})",
            ErrorCode::invalid_argument, "payload"},
        Bad{"payload_is_number", R"({"payload":1,"protected":"eyJhbGciOiJIUzI1NiJ9","signature":"AA"})",
            ErrorCode::invalid_argument, "payload"},
        Bad{"payload_padded", R"({"payload":"AA==","protected":"eyJhbGciOiJIUzI1NiJ9","signature":"AA"})",
            ErrorCode::invalid_argument, "payload"},
        Bad{"no_signature", R"({"payload":"AA","protected":"eyJhbGciOiJIUzI1NiJ9"})",
            ErrorCode::invalid_argument, "signature"},
        Bad{"empty_signature", R"({"payload":"AA","protected":"eyJhbGciOiJIUzI1NiJ9","signature":""})",
            ErrorCode::invalid_argument, "signature"},
        Bad{"no_alg", R"({"payload":"AA","header":{"kid":"a"},"signature":"AA"})",
            ErrorCode::invalid_argument, "alg"},
        Bad{"alg_twice",
            R"({"payload":"AA","protected":"eyJhbGciOiJIUzI1NiJ9","header":{"alg":"HS256"},"signature":"AA"})",
            ErrorCode::invalid_argument, "two parts"},
        Bad{"member_twice",
            R"({"payload":"AA","payload":"AA","protected":"eyJhbGciOiJIUzI1NiJ9","signature":"AA"})",
            ErrorCode::invalid_argument, "twice"},
        Bad{"both_forms",
            R"({"payload":"AA","protected":"eyJhbGciOiJIUzI1NiJ9","signature":"AA","signatures":[{"protected":"eyJhbGciOiJIUzI1NiJ9","signature":"AA"}]})",
            ErrorCode::invalid_argument, "at once"},
        Bad{"no_signatures", R"({"payload":"AA","signatures":[]})", ErrorCode::invalid_argument,
            "signatures"},
        Bad{"signatures_of_text", R"({"payload":"AA","signatures":["AA"]})", ErrorCode::invalid_argument,
            "signatures"},
        Bad{"seventeen", R"({"payload":"AA","signatures":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]})",
            ErrorCode::limit, "16"},
        Bad{"crit_unprotected",
            R"({"payload":"AA","protected":"eyJhbGciOiJIUzI1NiJ9","header":{"crit":["x"]},"signature":"AA"})",
            ErrorCode::unsupported, "critical"},
        Bad{"b64_unprotected",
            R"({"payload":"AA","protected":"eyJhbGciOiJIUzI1NiJ9","header":{"b64":false},"signature":"AA"})",
            ErrorCode::unsupported, "not encoded"},
        Bad{"header_is_text",
            R"({"payload":"AA","protected":"eyJhbGciOiJIUzI1NiJ9","header":"x","signature":"AA"})",
            ErrorCode::invalid_argument, "header"},
        Bad{"empty_protected_object",
            R"({"payload":"AA","protected":"e30","header":{"alg":"HS256"},"signature":"AA"})",
            ErrorCode::invalid_argument, "empty"}),
    [](const auto& row) { return row.param.name; });

class BadJwe : public ::testing::TestWithParam<Bad> {};
TEST_P(BadJwe, IsRefused) {
  const auto read = parse_json_jwe(GetParam().json);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, GetParam().code) << read.error().detail;
  EXPECT_THAT(read.error().detail, HasSubstr(GetParam().named));
}
// eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0 is {"alg":"dir","enc":"A128GCM"}
#define REST R"("iv":"AAAAAAAAAAAAAAAA","ciphertext":"AA","tag":"AAAAAAAAAAAAAAAAAAAAAA"})"
#define PROTECTED R"({"protected":"eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0",)"
INSTANTIATE_TEST_SUITE_P(
    Forms, BadJwe,
    ::testing::Values(
        Bad{"no_json", "", ErrorCode::invalid_argument, "JSON"},
        Bad{"no_alg", "{" REST, ErrorCode::invalid_argument, "alg"},
        Bad{"no_enc", R"({"unprotected":{"alg":"dir"},)" REST, ErrorCode::invalid_argument, "enc"},
        Bad{"enc_in_two_parts", PROTECTED R"("unprotected":{"enc":"A128GCM"},)" REST,
            ErrorCode::invalid_argument, "two parts"},
        Bad{"kid_in_two_parts", PROTECTED R"("unprotected":{"kid":"a"},"header":{"kid":"a"},)" REST,
            ErrorCode::invalid_argument, "two parts"},
        Bad{"both_forms", PROTECTED R"("encrypted_key":"AA","recipients":[{}],)" REST,
            ErrorCode::invalid_argument, "at once"},
        Bad{"no_recipients", PROTECTED R"("recipients":[],)" REST, ErrorCode::invalid_argument, "recipients"},
        Bad{"different_enc",
            R"({"unprotected":{"alg":"dir"},"recipients":[{"header":{"enc":"A128GCM"}},{"header":{"enc":"A256GCM"}}],)" REST,
            ErrorCode::invalid_argument, "different enc"},
        Bad{"zip", PROTECTED R"("header":{"zip":"DEF"},)" REST, ErrorCode::unsupported, "compressed"},
        Bad{"no_ciphertext", PROTECTED R"("iv":"AAAAAAAAAAAAAAAA","tag":"AAAAAAAAAAAAAAAAAAAAAA"})",
            ErrorCode::invalid_argument, "ciphertext"},
        Bad{"short_iv", PROTECTED R"("iv":"AAAA","ciphertext":"AA","tag":"AAAAAAAAAAAAAAAAAAAAAA"})",
            ErrorCode::invalid_argument, "IV"},
        Bad{"short_tag", PROTECTED R"("iv":"AAAAAAAAAAAAAAAA","ciphertext":"AA","tag":"AAAA"})",
            ErrorCode::invalid_argument, "tag"},
        Bad{"aad_is_number", PROTECTED R"("aad":1,)" REST, ErrorCode::invalid_argument, "aad"},
        Bad{"key_with_blank", PROTECTED R"("encrypted_key":"A A",)" REST, ErrorCode::invalid_argument,
            "encrypted_key"}),
    [](const auto& row) { return row.param.name; });

TEST(JsonLimits, LengthIsCheckedBeforeAnythingIsRead) {
  EXPECT_EQ(parse_json_jws(std::string(100, 'x'), {.octets = 99}).error().code, ErrorCode::limit);
  EXPECT_EQ(parse_json_jwe(std::string(100, 'x'), {.octets = 99}).error().code, ErrorCode::limit);
}

}  // namespace
}  // namespace latchkey::jose
