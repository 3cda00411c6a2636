// ESData: every protection option of table 8.5.2.1-1, every algorithm of tables 8.5.3.2-3, -4 and 8.5.3.3-2,
// and what a target refuses.
#include "latchkey/e2e/esdata.h"

#include <gmock/gmock.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <set>

#include "keys.h"
#include "latchkey/codec/formats.h"
#include "world.h"

namespace latchkey::e2e {
namespace {

using jose::Enc;
using jose::KeyAlg;
using jose::SignatureAlg;
using test::at;
using test::cover;
using test::credential;
using test::key_pair;
using ::testing::HasSubstr;

const TimePoint kNow = at("20261128T120000");
constexpr const char* kPayload = R"({"temperature":21})";

std::shared_ptr<const SecretBytes> octets(std::size_t size, std::uint8_t first = 0) {
  return std::make_shared<const SecretBytes>(test::secret(size, first));
}

constexpr jose::Permitted<SignatureAlg> kSignatures = {
    SignatureAlg::hs256, SignatureAlg::hs384, SignatureAlg::hs512, SignatureAlg::rs256, SignatureAlg::rs384,
    SignatureAlg::rs512, SignatureAlg::es256, SignatureAlg::es384, SignatureAlg::es512};
constexpr jose::Permitted<KeyAlg> kKeyAlgs = {
    KeyAlg::dir,          KeyAlg::a128kw,         KeyAlg::a192kw,         KeyAlg::a256kw,
    KeyAlg::rsa_oaep_256, KeyAlg::ecdh_es_a128kw, KeyAlg::ecdh_es_a192kw, KeyAlg::ecdh_es_a256kw};
constexpr jose::Permitted<Enc> kEncs = {Enc::a128gcm, Enc::a192gcm, Enc::a256gcm};

EsDataPolicy everything() {
  return {
      .classes = {EsDataClass::encryption_only, EsDataClass::signature_only, EsDataClass::sign_then_encrypt},
      .forms = {EsDataForm::compact, EsDataForm::json, EsDataForm::json_base64, EsDataForm::xml,
                EsDataForm::xml_base64},
      .signatures = kSignatures,
      .key_algs = kKeyAlgs,
      .encs = kEncs,
      .source_verified = false};
}

EsDataSigner mic(std::string kid = "mic", int suid = 15, SignatureAlg alg = SignatureAlg::hs256) {
  return {credential(std::move(kid), suid), jose::SigningKey(octets(64), alg)};
}
EsDataSigner signature(std::string kid = "sig", int suid = 45) {
  return {credential(std::move(kid), suid), jose::SigningKey(key_pair(), SignatureAlg::es256)};
}
EsDataRecipient wraps(std::string kid = "aes", int suid = 14) {
  return {credential(std::move(kid), suid), jose::EncryptionKey(octets(16), KeyAlg::a128kw, Enc::a256gcm)};
}
EsDataRecipient direct(std::string kid = "dir", int suid = 14) {
  return {credential(std::move(kid), suid), jose::EncryptionKey(octets(32), KeyAlg::dir, Enc::a256gcm)};
}
EsDataRecipient to_certificate(std::string kid = "ec", int suid = 44) {
  return {credential(std::move(kid), suid), jose::EncryptionKey(key_pair(crypto::KeyKind::p384).public_key(),
                                                                KeyAlg::ecdh_es_a256kw, Enc::a256gcm)};
}
std::vector<EsDataVerifier> verifiers() {
  return {{credential("mic", 15), jose::VerificationKey(octets(64), kSignatures)},
          {credential("tef", 35), jose::VerificationKey(octets(64), kSignatures)},
          {credential("sig", 45), jose::VerificationKey(key_pair().public_key(), kSignatures)},
          {credential("sig44", 44), jose::VerificationKey(key_pair().public_key(), kSignatures)}};
}
std::vector<EsDataOpener> openers() {
  return {{credential("aes", 14), jose::DecryptionKey(octets(16), kKeyAlgs, kEncs)},
          {credential("tef", 34), jose::DecryptionKey(octets(16), kKeyAlgs, kEncs)},
          {credential("dir", 14), jose::DecryptionKey(octets(32), kKeyAlgs, kEncs)},
          {credential("ec", 44), jose::DecryptionKey(key_pair(crypto::KeyKind::p384), kKeyAlgs, kEncs)}};
}
std::unique_ptr<EsDataTarget> target(const EsDataPolicy& policy = everything()) {
  return EsDataTarget::make(policy, verifiers(), openers()).value();
}
std::unique_ptr<EsDataSource> source(EsDataSourceConfig config) {
  auto made = EsDataSource::make(std::move(config));
  EXPECT_TRUE(made) << (made ? "" : made.error().detail);
  return std::move(*made);
}
std::string protect(EsDataSourceConfig config) {
  const auto text = source(std::move(config))->protect(as_bytes(kPayload), kNow);
  EXPECT_TRUE(text) << (text ? "" : text.error().detail);
  return text.value_or("");
}
EsDataSourceConfig encryption(EsDataForm form, std::vector<EsDataRecipient> recipients) {
  return {.security_class = EsDataClass::encryption_only, .form = form, .recipients = std::move(recipients)};
}
EsDataSourceConfig signing(EsDataForm form, std::vector<EsDataSigner> signers) {
  return {.security_class = EsDataClass::signature_only, .form = form, .signers = std::move(signers)};
}
EsDataSourceConfig nested(EsDataForm form, EsDataForm inner, std::vector<EsDataSigner> signers,
                          std::vector<EsDataRecipient> recipients) {
  return {.security_class = EsDataClass::sign_then_encrypt,
          .form = form,
          .inner_form = inner,
          .signers = std::move(signers),
          .recipients = std::move(recipients)};
}
EsDataDefect defect(const EsDataResult<EsDataOpened>& result) {
  EXPECT_FALSE(result);
  if (!result) {
    EXPECT_FALSE(result.error().detail.empty());
    EXPECT_EQ(result.error().detail.find("temperature"), std::string::npos);
  }
  return result ? EsDataDefect{} : result.error().defect;
}

struct Option {
  const char* name;
  std::function<EsDataSourceConfig(EsDataForm)> config;
  const char* covers;
  EsDataClass security_class;
  std::vector<std::string> verified;
  bool non_repudiation;
};
class Options : public ::testing::TestWithParam<std::tuple<Option, EsDataForm>> {};
TEST_P(Options, Table_8_5_2_1_1) {
  const auto& [option, form] = GetParam();
  cover({option.covers, "8.5.3.1-T01"});
  const std::string text = protect(option.config(form));
  EXPECT_EQ(guess_form(text), form);
  const auto opened = target()->open(form, text, kNow);
  ASSERT_TRUE(opened) << opened.error().detail;
  EXPECT_EQ(as_text(opened->payload.reveal()), kPayload);
  EXPECT_EQ(opened->security_class, option.security_class);
  std::vector<std::string> verified;
  for (const auto& one : opened->verified) verified.push_back(one.kid);
  EXPECT_EQ(verified, option.verified);
  EXPECT_EQ(opened->non_repudiation, option.non_repudiation);
  EXPECT_EQ(target()->preview(form, text, kNow), std::nullopt);
  // The policy that has the other classes only does not open it, and knows before it uses a key.
  auto policy = everything();
  policy.classes = {};
  for (const auto other :
       {EsDataClass::encryption_only, EsDataClass::signature_only, EsDataClass::sign_then_encrypt})
    if (other != option.security_class) policy.classes.add(other);
  EXPECT_EQ(defect(target(policy)->open(form, text, kNow)), EsDataDefect::security_class);
  EXPECT_EQ(target(policy)->preview(form, text, kNow)->defect, EsDataDefect::security_class);
  // And the one that wants to know who made it opens it if somebody verified it.
  policy = everything();
  policy.source_verified = true;
  EXPECT_EQ(target(policy)->open(form, text, kNow).has_value(), !option.verified.empty());
}
std::string option_name(const ::testing::TestParamInfo<std::tuple<Option, EsDataForm>>& info) {
  constexpr std::array names{"", "compact", "json", "base64", "xml", "xml_base64"};
  return std::string(std::get<0>(info.param).name) + "_" +
         names.at(static_cast<std::size_t>(std::get<1>(info.param)));
}
INSTANTIATE_TEST_SUITE_P(
    Table, Options,
    ::testing::Combine(
        ::testing::Values(
            Option{"encryption_with_provisioned_key",
                   [](EsDataForm f) { return encryption(f, {wraps()}); },
                   "8.5.2.1-T01",
                   EsDataClass::encryption_only,
                   {"aes"},
                   false},
            Option{"encryption_with_provisioned_key_directly",
                   [](EsDataForm f) { return encryption(f, {direct()}); },
                   "8.5.2.1-T01",
                   EsDataClass::encryption_only,
                   {"dir"},
                   false},
            Option{"encryption_with_tef_key",
                   [](EsDataForm f) { return encryption(f, {wraps("tef", 34)}); },
                   "8.5.2.1-T02",
                   EsDataClass::encryption_only,
                   {"tef"},
                   false},
            Option{"encryption_to_certificate",
                   [](EsDataForm f) { return encryption(f, {to_certificate()}); },
                   "8.5.2.1-T03",
                   EsDataClass::encryption_only,
                   {},
                   false},
            Option{"mic_with_provisioned_key",
                   [](EsDataForm f) { return signing(f, {mic()}); },
                   "8.5.2.1-T04",
                   EsDataClass::signature_only,
                   {"mic"},
                   false},
            Option{"mic_with_tef_key",
                   [](EsDataForm f) { return signing(f, {mic("tef", 35)}); },
                   "8.5.2.1-T05",
                   EsDataClass::signature_only,
                   {"tef"},
                   false},
            Option{"signature",
                   [](EsDataForm f) { return signing(f, {signature()}); },
                   "8.5.2.1-T06",
                   EsDataClass::signature_only,
                   {"sig"},
                   true},
            Option{"nested",
                   [](EsDataForm f) { return nested(f, EsDataForm::compact, {signature()}, {wraps()}); },
                   "8.5.2.1-T07",
                   EsDataClass::sign_then_encrypt,
                   {"sig"},
                   true},
            Option{
                "nested_json_inside",
                [](EsDataForm
                       f) { return nested(f, EsDataForm::json, {signature("sig44", 44)}, {to_certificate()}); },
                "8.5.2.1-T07",
                EsDataClass::sign_then_encrypt,
                {"sig44"},
                true}),
        ::testing::Values(EsDataForm::compact, EsDataForm::json, EsDataForm::json_base64, EsDataForm::xml,
                          EsDataForm::xml_base64)),
    option_name);

TEST(Algorithms, Signatures) {
  cover({"8.5.3.3-T12", "8.5.3.3-T13", "8.5.3.3-T14", "8.5.3.3-T15", "8.5.3.3-T16", "8.5.3.3-T17",
         "8.5.3.3-T18", "8.5.3.3-T19", "8.5.3.3-T20"});
  struct Row {
    const char* alg;
    SignatureAlg value;
    const crypto::PrivateKey* key;
  };
  for (const auto& [name, alg, key] :
       {Row{"HS256", SignatureAlg::hs256, nullptr}, Row{"HS384", SignatureAlg::hs384, nullptr},
        Row{"HS512", SignatureAlg::hs512, nullptr},
        Row{"RS256", SignatureAlg::rs256, &key_pair(crypto::KeyKind::rsa)},
        Row{"RS384", SignatureAlg::rs384, &key_pair(crypto::KeyKind::rsa)},
        Row{"RS512", SignatureAlg::rs512, &key_pair(crypto::KeyKind::rsa)},
        Row{"ES256", SignatureAlg::es256, &key_pair()},
        Row{"ES384", SignatureAlg::es384, &key_pair(crypto::KeyKind::p384)},
        Row{"ES512", SignatureAlg::es512, &key_pair(crypto::KeyKind::p521)}})
    for (const auto form : {EsDataForm::compact, EsDataForm::json}) {
      const auto cred = credential("k", key != nullptr ? 45 : 15);
      const auto text = protect(signing(
          form, {{cred, key != nullptr ? jose::SigningKey(*key, alg) : jose::SigningKey(octets(64), alg)}}));
      const auto verification = key != nullptr ? jose::VerificationKey(key->public_key(), {alg})
                                               : jose::VerificationKey(octets(64), {alg});
      const auto reads = EsDataTarget::make(everything(), {{cred, verification}}, {}).value();
      const auto opened = reads->open(form, text, kNow);
      ASSERT_TRUE(opened) << name << opened.error().detail;
      EXPECT_EQ(as_text(opened->payload.reveal()), kPayload);
      EXPECT_EQ(inspect_esdata(form, text)->at("signatures").at(0).at("header").at("alg"), name);
      auto policy = everything();
      policy.signatures = alg == SignatureAlg::es256 ? jose::Permitted{SignatureAlg::es384}
                                                     : jose::Permitted{SignatureAlg::es256};
      const auto other = EsDataTarget::make(policy, {{cred, verification}}, {}).value();
      EXPECT_EQ(defect(other->open(form, text, kNow)), EsDataDefect::algorithm) << name;
    }
}

TEST(Algorithms, EncryptionOfContentKeysAndContent) {
  cover({"8.5.3.2-T12", "8.5.3.2-T13", "8.5.3.2-T14", "8.5.3.2-T15", "8.5.3.2-T16", "8.5.3.2-T17",
         "8.5.3.2-T18", "8.5.3.2-T19", "8.5.3.2-T20", "8.5.3.2-T21", "8.5.3.2-T22", "8.5.2.2.1-05",
         "8.5.2.2.1-10"});
  struct Row {
    const char* name;
    KeyAlg alg;
    std::size_t octets;  ///< 0: asymmetric; 1: those of enc
    const crypto::PrivateKey* key = nullptr;
  };
  for (const auto& [name, alg, size, key] :
       {Row{"dir", KeyAlg::dir, 1}, Row{"A128KW", KeyAlg::a128kw, 16}, Row{"A192KW", KeyAlg::a192kw, 24},
        Row{"A256KW", KeyAlg::a256kw, 32},
        Row{"RSA-OAEP-256", KeyAlg::rsa_oaep_256, 0, &key_pair(crypto::KeyKind::rsa)},
        Row{"ECDH-ES+A128KW", KeyAlg::ecdh_es_a128kw, 0, &key_pair()},
        Row{"ECDH-ES+A192KW", KeyAlg::ecdh_es_a192kw, 0, &key_pair(crypto::KeyKind::p384)},
        Row{"ECDH-ES+A256KW", KeyAlg::ecdh_es_a256kw, 0, &key_pair(crypto::KeyKind::p521)}})
    for (const auto& [enc_name, enc] :
         {std::pair{"A128GCM", Enc::a128gcm}, std::pair{"A192GCM", Enc::a192gcm},
          std::pair{"A256GCM", Enc::a256gcm}})
      for (const auto form : {EsDataForm::compact, EsDataForm::json}) {
        const auto secret = octets(size == 1 ? jose::key_bytes(enc) : size);
        const auto cred = credential("k", key != nullptr ? 44 : 14);
        const auto text =
            protect(encryption(form, {{cred, key != nullptr ? jose::EncryptionKey(key->public_key(), alg, enc)
                                                            : jose::EncryptionKey(secret, alg, enc)}}));
        const auto decryption = key != nullptr ? jose::DecryptionKey(*key, {alg}, {enc})
                                               : jose::DecryptionKey(secret, {alg}, {enc});
        const auto reads = EsDataTarget::make(everything(), {}, {{cred, decryption}}).value();
        const auto opened = reads->open(form, text, kNow);
        ASSERT_TRUE(opened) << name << " " << enc_name << " " << opened.error().detail;
        EXPECT_EQ(as_text(opened->payload.reveal()), kPayload);
        const auto seen = inspect_esdata(form, text).value().at("recipients").at(0).at("header");
        EXPECT_EQ(seen.at("alg"), name);
        EXPECT_EQ(seen.at("enc"), enc_name);
        EXPECT_EQ(seen.at("kid"), "k");
        auto policy = everything();
        policy.key_algs = alg == KeyAlg::dir ? jose::Permitted{KeyAlg::a128kw} : jose::Permitted{KeyAlg::dir};
        EXPECT_EQ(
            defect(EsDataTarget::make(policy, {}, {{cred, decryption}}).value()->open(form, text, kNow)),
            EsDataDefect::algorithm);
        policy = everything();
        policy.encs = {};
        EXPECT_EQ(
            defect(EsDataTarget::make(policy, {}, {{cred, decryption}}).value()->open(form, text, kNow)),
            EsDataDefect::algorithm);
      }
}

TEST(Encryption, SeveralRecipientsAndAssociatedData) {
  cover({"8.5.2.2.1-04", "8.5.2.2.1-06", "8.5.2.2.1-07", "8.5.2.2.1-09", "8.5.2.2.1-11", "8.5.2.2.1-02"});
  const auto text = source(encryption(EsDataForm::json, {wraps(), wraps("tef", 34), to_certificate()}))
                        ->protect(as_bytes(kPayload), kNow, as_bytes("room 7"));
  ASSERT_TRUE(text);
  for (const auto& opener : openers()) {
    if (opener.credential.kid == "dir") continue;
    const auto reads = EsDataTarget::make(everything(), {}, {opener}).value();
    const auto opened = reads->open(EsDataForm::json, *text, kNow);
    ASSERT_TRUE(opened) << opener.credential.kid << opened.error().detail;
    EXPECT_EQ(as_text(opened->payload.reveal()), kPayload);
    EXPECT_EQ(as_text(opened->aad), "room 7");
    EXPECT_EQ(opened->opened_with->kid, opener.credential.kid);
    EXPECT_TRUE(opened->verified.empty()) << "each recipient could have made it";
  }
  auto changed = json::parse(*text).get_object();
  changed["aad"] = to_base64url(as_bytes("room 8"));
  EXPECT_EQ(defect(target()->open(EsDataForm::json, json::serialize(changed), kNow)),
            EsDataDefect::integrity);
}

TEST(Encryption, DirectModeIsForASingleSymmetricKey) {
  cover({"8.5.2.2.1-01", "8.5.2.2.1-02", "8.5.2.2.1-03", "8.5.2.2.1-08", "8.5.2.2.1-T01"});
  EXPECT_THAT(EsDataSource::make(encryption(EsDataForm::json, {direct(), wraps()})).error().detail,
              HasSubstr("8.5.2.2.1"));
  auto reused = encryption(EsDataForm::json, {direct()});
  reused.content_key_uses = 2;
  EXPECT_FALSE(EsDataSource::make(std::move(reused)));
  // And somebody else's envelope of that kind.
  const auto seen = json::parse(protect(encryption(EsDataForm::json, {direct()}))).get_object();
  auto members =
      json::parse(as_text(from_base64url(std::string_view(seen.at("protected").get_string())).value()))
          .get_object();
  EXPECT_FALSE(seen.contains("encrypted_key"));
  EXPECT_EQ(members.at("kid"), "dir");
  members.erase("alg");
  members.erase("kid");
  auto forged = seen;
  forged["protected"] = to_base64url(as_bytes(json::serialize(members)));
  forged["recipients"] = json::array{json::object{{"header", {{"alg", "dir"}, {"kid", "dir"}}}},
                                     json::object{{"header", {{"alg", "A128KW"}, {"kid", "x"}}}}};
  EXPECT_EQ(defect(target()->open(EsDataForm::json, json::serialize(forged), kNow)),
            EsDataDefect::direct_mode);
}

TEST(Encryption, UsesOfAKeyAreCountedAndBounded) {
  cover({"8.5.2.2.1-T01"});
  auto config = encryption(EsDataForm::compact, {direct()});
  config.uses_before = kContentKeyUsesMax - 2;
  auto made = source(std::move(config));
  EXPECT_TRUE(made->protect(as_bytes("a"), kNow));
  EXPECT_EQ(made->uses(), kContentKeyUsesMax - 1);
  EXPECT_TRUE(made->protect(as_bytes("a"), kNow));
  EXPECT_EQ(made->protect(as_bytes("a"), kNow).error().code, ErrorCode::limit);
  EXPECT_EQ(made->uses(), kContentKeyUsesMax);
}

TEST(Encryption, AContentKeyIsUsedAsOftenAsConfigured) {
  cover({"8.5.2.2.1-04"});
  auto config = encryption(EsDataForm::json, {wraps()});
  config.content_key_uses = 3;
  auto made = source(std::move(config));
  std::vector<std::string> wrapped;
  std::set<std::string> ivs;
  for (int i = 0; i < 7; ++i) {
    const auto seen = json::parse(made->protect(as_bytes(kPayload), kNow).value()).get_object();
    wrapped.emplace_back(seen.at("encrypted_key").get_string());
    ivs.emplace(seen.at("iv").get_string());
  }
  EXPECT_EQ(ivs.size(), 7U);
  EXPECT_EQ(wrapped[0], wrapped[2]);
  EXPECT_NE(wrapped[2], wrapped[3]);
  EXPECT_EQ(wrapped[3], wrapped[5]);
  EXPECT_NE(wrapped[5], wrapped[6]);
}

TEST(Signatures, SeveralOfOnePayload) {
  cover({"8.5.2.3.1-01", "8.5.2.3.1-02", "8.5.2.3.1-03", "8.5.2.3.1-04", "8.5.2.3.1-05", "8.5.2.3.1-06",
         "8.5.2.3.1-07", "8.5.2.3.1-08", "8.5.2.3.1-09"});
  const auto text = protect(signing(EsDataForm::json, {mic(), signature(), signature("stranger")}));
  const auto opened = target()->open(EsDataForm::json, text, kNow);
  ASSERT_TRUE(opened);
  ASSERT_EQ(opened->verified.size(), 2U) << "one is of nobody we know";
  EXPECT_TRUE(opened->non_repudiation);
  auto policy = everything();
  policy.signatures_needed = 2;
  EXPECT_TRUE(target(policy)->open(EsDataForm::json, text, kNow));
  policy.signatures_needed = 3;
  EXPECT_EQ(defect(target(policy)->open(EsDataForm::json, text, kNow)), EsDataDefect::unknown_credential);
  // A signature of a known key that does not verify refuses the whole, whatever others say.
  auto changed = json::parse(text).get_object();
  auto& value = changed["signatures"].get_array()[1].get_object()["signature"].get_string();
  value[5] = value[5] == 'A' ? 'B' : 'A';
  EXPECT_EQ(defect(target()->open(EsDataForm::json, json::serialize(changed), kNow)),
            EsDataDefect::integrity);
  // Nor does one key count twice.
  changed = json::parse(text).get_object();
  auto& list = changed["signatures"].get_array();
  list[2] = list[1];
  EXPECT_EQ(defect(target()->open(EsDataForm::json, json::serialize(changed), kNow)), EsDataDefect::header);
}

TEST(Nested, SignedFirstThenEncrypted) {
  cover({"8.5.2.4-01", "8.5.2.4-02", "8.5.2.4-03", "8.5.2.4-04", "8.5.3.4-01"});
  auto config = nested(EsDataForm::json, EsDataForm::json, {signature(), signature("sig44", 44)},
                       {wraps(), to_certificate()});
  config.media_type = "application/json";
  const auto text = protect(std::move(config));
  EXPECT_EQ(inspect_esdata(EsDataForm::json, text)->at("nested"), true);
  const auto opened = target()->open(EsDataForm::json, text, kNow);
  ASSERT_TRUE(opened) << opened.error().detail;
  EXPECT_EQ(opened->verified.size(), 2U);
  EXPECT_EQ(opened->opened_with->kid, "aes");
  EXPECT_EQ(opened->media_type, "application/json");
  // The plaintext is the signed envelope.
  const auto outer = jose::parse_json_jwe(text).value();
  const auto inside = jose::open_json(outer, 0, openers()[0].key).value();
  EXPECT_TRUE(jose::parse_json_jws(as_text(inside.reveal())));
}

TEST(Nested, AMicIsNoSignatureOfOne) {
  EXPECT_THAT(
      EsDataSource::make(nested(EsDataForm::compact, EsDataForm::compact, {mic()}, {wraps()})).error().detail,
      HasSubstr("8.5.2.4"));
  // Made by somebody else.
  const auto inner = protect(signing(EsDataForm::compact, {mic()}));
  auto outer = encryption(EsDataForm::compact, {wraps()});
  outer.media_type = "JOSE";
  const auto text = source(std::move(outer))->protect(as_bytes(inner), kNow);
  EXPECT_EQ(defect(target()->open(EsDataForm::compact, *text, kNow)), EsDataDefect::wrong_use);
}

TEST(Nested, ACtyThatNothingProtectsDecidesNothing) {
  // An envelope with several recipients, to one of which somebody adds what hides that it is nested.
  auto seen = json::parse(protect(encryption(EsDataForm::json, {wraps(), to_certificate()}))).get_object();
  seen["unprotected"] = json::object{{"cty", "JOSE"}};
  const auto opened = target()->open(EsDataForm::json, json::serialize(seen), kNow);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->security_class, EsDataClass::encryption_only);
}

TEST(Nested, AnEncryptedEnvelopeInsideIsNoSignature) {
  auto outer = encryption(EsDataForm::compact, {wraps()});
  outer.media_type = "JOSE";
  const auto inner = protect(encryption(EsDataForm::compact, {wraps()}));
  const auto text = source(std::move(outer))->protect(as_bytes(inner), kNow);
  EXPECT_EQ(defect(target()->open(EsDataForm::compact, *text, kNow)), EsDataDefect::form);
}

struct Wrong {
  const char* name;
  EsDataSourceConfig config;
  const char* named;
};
TEST(Source, WhatTheClausesForbid) {
  std::vector<Wrong> rows;
  rows.push_back({"no_signer", signing(EsDataForm::json, {}), "without a signer"});
  rows.push_back({"no_recipient", encryption(EsDataForm::json, {}), "without a recipient"});
  auto both = signing(EsDataForm::json, {mic()});
  both.recipients = {wraps()};
  rows.push_back({"signature_with_recipient", std::move(both), "with a recipient"});
  auto other = encryption(EsDataForm::json, {wraps()});
  other.signers = {mic()};
  rows.push_back({"encryption_with_signer", std::move(other), "with a signer"});
  rows.push_back(
      {"two_in_compact", encryption(EsDataForm::compact, {wraps(), to_certificate()}), "single recipient"});
  rows.push_back(
      {"two_signatures_in_compact", signing(EsDataForm::compact, {mic(), signature()}), "single signature"});
  rows.push_back({"two_inside_compact",
                  nested(EsDataForm::json, EsDataForm::compact, {signature("a"), signature("b")}, {wraps()}),
                  "single signature"});
  rows.push_back({"base64_inside",
                  nested(EsDataForm::json, EsDataForm::json_base64, {signature()}, {wraps()}), "inner_form"});
  rows.push_back(
      {"mic_with_encryption_suid", signing(EsDataForm::json, {mic("m", 14)}), "not for signatures"});
  rows.push_back({"mic_with_esprim_suid", signing(EsDataForm::json, {mic("m", 13)}), "not for signatures"});
  rows.push_back(
      {"signature_with_44_alone", signing(EsDataForm::json, {signature("s", 44)}), "not for signatures"});
  rows.push_back({"encryption_with_signature_suid", encryption(EsDataForm::json, {wraps("a", 15)}),
                  "not for encryption"});
  rows.push_back({"encryption_to_a_signature_certificate",
                  encryption(EsDataForm::json, {to_certificate("c", 45)}), "not for encryption"});
  rows.push_back(
      {"certificate_suid_of_a_secret", encryption(EsDataForm::json, {wraps("a", 44)}), "kind of its key"});
  rows.push_back(
      {"provisioned_suid_of_a_key_pair", signing(EsDataForm::json, {signature("s", 15)}), "kind of its key"});
  rows.push_back({"kid_with_blank", signing(EsDataForm::json, {mic("a b")}), "kid"});
  auto never = encryption(EsDataForm::json, {wraps()});
  never.content_key_uses = 0;
  rows.push_back({"no_uses", std::move(never), "content_key_uses"});
  for (auto& row : rows) {
    const auto made = EsDataSource::make(std::move(row.config));
    ASSERT_FALSE(made) << row.name;
    EXPECT_EQ(made.error().code, ErrorCode::invalid_argument) << row.name;
    EXPECT_THAT(made.error().detail, HasSubstr(row.named)) << row.name;
  }
  EXPECT_EQ(EsDataSource::make(encryption(EsDataForm::json,
                                          {{credential("a", 14),
                                            jose::EncryptionKey(octets(16), KeyAlg::a256kw, Enc::a128gcm)}}))
                .error()
                .code,
            ErrorCode::unsupported);
}

TEST(Source, ExpiredCredentialsAreNotUsed) {
  cover({"8.5.2.2.2-01"});
  auto recipient = wraps();
  recipient.credential.end = kNow;
  EXPECT_EQ(source(encryption(EsDataForm::json, {recipient}))->protect(as_bytes("a"), kNow).error().code,
            ErrorCode::expired);
  auto signer = mic();
  signer.credential.end = kNow + std::chrono::seconds(1);
  EXPECT_TRUE(source(signing(EsDataForm::json, {signer}))->protect(as_bytes("a"), kNow));
}

TEST(Source, AssociatedDataGoesWithEncryptionInJson) {
  EXPECT_FALSE(source(signing(EsDataForm::json, {mic()}))->protect(as_bytes("a"), kNow, as_bytes("b")));
  EXPECT_FALSE(
      source(encryption(EsDataForm::compact, {wraps()}))->protect(as_bytes("a"), kNow, as_bytes("b")));
}

TEST(Target, KeysForAnotherUseAndExpiredOnes) {
  const auto text = protect(encryption(EsDataForm::compact, {wraps()}));
  const auto with = [](EsDataCredential it) {
    return EsDataTarget::make(everything(), {},
                              {{std::move(it), jose::DecryptionKey(octets(16), kKeyAlgs, kEncs)}})
        .value();
  };
  EXPECT_EQ(defect(with(credential("aes", 15))->open(EsDataForm::compact, text, kNow)),
            EsDataDefect::wrong_use);
  EXPECT_EQ(defect(with(credential("aes", 13))->open(EsDataForm::compact, text, kNow)),
            EsDataDefect::wrong_use);
  auto old = credential("aes", 14);
  old.end = kNow;
  EXPECT_EQ(defect(with(old)->open(EsDataForm::compact, text, kNow)), EsDataDefect::expired_credential);
  EXPECT_EQ(defect(with(credential("other", 14))->open(EsDataForm::compact, text, kNow)),
            EsDataDefect::unknown_credential);
  const auto mic_text = protect(signing(EsDataForm::compact, {mic()}));
  const auto verifies =
      EsDataTarget::make(everything(),
                         {{credential("mic", 14), jose::VerificationKey(octets(64), kSignatures)}}, {})
          .value();
  EXPECT_EQ(defect(verifies->open(EsDataForm::compact, mic_text, kNow)), EsDataDefect::wrong_use);
}

TEST(Target, TheKeysOwnAlgorithmsHoldToo) {
  const auto text = protect(encryption(EsDataForm::compact, {wraps()}));
  const auto narrow =
      EsDataTarget::make(
          everything(), {},
          {{credential("aes", 14), jose::DecryptionKey(octets(16), {KeyAlg::a128kw}, {Enc::a128gcm})}})
          .value();
  EXPECT_EQ(defect(narrow->open(EsDataForm::compact, text, kNow)), EsDataDefect::algorithm);
}

TEST(Target, AnyFlippedBitOfACompactEnvelopeIsRefused) {
  for (const auto& config :
       {encryption(EsDataForm::compact, {wraps()}), signing(EsDataForm::compact, {mic()}),
        nested(EsDataForm::compact, EsDataForm::compact, {signature()}, {direct()})}) {
    const auto text = protect(config);
    const auto reads = target();
    for (std::size_t i = 0; i < text.size(); ++i)
      for (unsigned bit = 0; bit < 8; ++bit) {
        auto changed = text;
        changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ (1U << bit));
        ASSERT_FALSE(reads->open(EsDataForm::compact, changed, kNow)) << i << " " << bit;
      }
  }
}

TEST(Target, AWrongContentKeyAndAWrongTagLookTheSame) {
  const auto text = protect(encryption(EsDataForm::compact, {wraps()}));
  const auto break_part = [&](int part) {
    std::string changed = text;
    std::size_t at = 0;
    for (int i = 0; i < part; ++i) at = changed.find('.', at) + 1;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    return target()->open(EsDataForm::compact, changed, kNow).error();
  };
  const auto key = break_part(1), cipher = break_part(3), tag = break_part(4);
  EXPECT_EQ(key.defect, EsDataDefect::integrity);
  EXPECT_EQ(key.detail, tag.detail);
  EXPECT_EQ(key.detail, cipher.detail);
}

TEST(Target, FormsAreNotMixed) {
  const auto text = protect(encryption(EsDataForm::json, {wraps()}));
  EXPECT_EQ(defect(target()->open(EsDataForm::compact, text, kNow)), EsDataDefect::form);
  EXPECT_EQ(defect(target()->open(EsDataForm::json_base64, text, kNow)), EsDataDefect::form);
  EXPECT_EQ(defect(target()->open(EsDataForm::json, "", kNow)), EsDataDefect::form);
  EXPECT_EQ(defect(target()->open(EsDataForm::json, std::string(kEsDataOctetsMax + 1, ' '), kNow)),
            EsDataDefect::form);
  EXPECT_EQ(defect(target()->open(EsDataForm::json_base64, std::string(kEsDataOctetsMax + 1, 'A'), kNow)),
            EsDataDefect::form);
  auto policy = everything();
  policy.forms = {EsDataForm::compact};
  EXPECT_EQ(defect(target(policy)->open(EsDataForm::json, text, kNow)), EsDataDefect::form);
}

TEST(Target, HeadersThatNothingProtects) {
  auto seen = json::parse(protect(encryption(EsDataForm::json, {wraps(), to_certificate()}))).get_object();
  auto members =
      json::parse(as_text(from_base64url(std::string_view(seen.at("protected").get_string())).value()))
          .get_object();
  seen["unprotected"] = json::object{{"enc", members.at("enc")}};
  seen.erase("protected");
  EXPECT_EQ(defect(target()->open(EsDataForm::json, json::serialize(seen), kNow)), EsDataDefect::header);
  EXPECT_EQ(defect(target()->open(EsDataForm::json,
                                  R"({"payload":"AA","header":{"alg":"HS256","kid":"mic"},"signature":"AA"})",
                                  kNow)),
            EsDataDefect::header);
  EXPECT_EQ(defect(target()->open(
                EsDataForm::compact,
                to_base64url(as_bytes(R"({"alg":"HS256","kid":"mic","crit":["x"]})")) + ".AA.AA", kNow)),
            EsDataDefect::header);
  EXPECT_EQ(defect(target()->open(EsDataForm::compact,
                                  to_base64url(as_bytes(R"({"alg":"none","kid":"mic"})")) + ".AA.AA", kNow)),
            EsDataDefect::algorithm);
}

TEST(Target, AnHmacIsNeverComputedWithAPublicKey) {
  const auto spki = key_pair().public_key().spki();
  const auto key = std::make_shared<const SecretBytes>(SecretBytes::copy_of(spki));
  const auto forged =
      jose::SigningKey(key, SignatureAlg::hs256).sign({{"kid", "sig"}}, as_bytes(kPayload)).value();
  EXPECT_EQ(defect(target()->open(EsDataForm::compact, forged, kNow)), EsDataDefect::algorithm);
}

TEST(Target, AnEmptyPolicyAcceptsNothing) {
  const auto text = protect(signing(EsDataForm::compact, {mic()}));
  EXPECT_EQ(defect(target({})->open(EsDataForm::compact, text, kNow)), EsDataDefect::security_class);
  EXPECT_EQ(defect(EsDataTarget::make(everything(), {}, {}).value()->open(EsDataForm::compact, text, kNow)),
            EsDataDefect::unknown_credential);
}

TEST(Target, BadCredentials) {
  auto twice = verifiers();
  twice.push_back(verifiers()[0]);
  EXPECT_THAT(EsDataTarget::make(everything(), twice, {}).error().detail, HasSubstr("twice"));
  EXPECT_FALSE(EsDataTarget::make(everything(), {},
                                  {{credential("a", 44), jose::DecryptionKey(octets(16), kKeyAlgs, kEncs)}}));
}

TEST(ContentInfo, NamesPayloadAndForm) {
  const auto text = content_info("application/json", 0, EsDataForm::compact);
  EXPECT_EQ(text, "application/json:0:1");
  const auto read = codec::parse_content_info(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->security, 1);
  EXPECT_EQ(content_info("text/plain", 1, EsDataForm::json_base64), "text/plain:1:3");
  EXPECT_EQ(content_info("application/xml", 1, EsDataForm::xml), "application/xml:1:4");
  EXPECT_EQ(codec::parse_content_info(content_info("application/xml", 1, EsDataForm::xml_base64))->security,
            5);
}

TEST(Inspect, ShowsWhatAnybodyCanSee) {
  const auto text = protect(encryption(EsDataForm::json, {wraps(), to_certificate()}));
  const auto seen = inspect_esdata(EsDataForm::json, text).value();
  EXPECT_EQ(seen.at("kind"), "JWE");
  EXPECT_EQ(seen.at("ciphertextOctets"), std::string(kPayload).size());
  EXPECT_EQ(seen.at("recipients").as_array().size(), 2U);
  EXPECT_EQ(json::serialize(seen).find("temperature"), std::string::npos);
  EXPECT_FALSE(inspect_esdata(EsDataForm::json, "{}"));
  EXPECT_EQ(guess_form("x"), std::nullopt);
}

}  // namespace
}  // namespace latchkey::e2e
