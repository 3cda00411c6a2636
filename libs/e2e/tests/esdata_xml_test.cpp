// ESData with XML security: what differs from JOSE, and attacks on what XML does not protect.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "keys.h"
#include "latchkey/e2e/esdata.h"
#include "latchkey/xmlsec/encryption.h"
#include "latchkey/xmlsec/signature.h"
#include "world.h"

namespace latchkey::e2e {
namespace {

using crypto::KeyKind;
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

std::shared_ptr<const SecretBytes> octets(std::size_t size) {
  return std::make_shared<const SecretBytes>(test::secret(size));
}
EsDataSigner mic(int suid = 15) {
  return {credential("mic", suid), jose::SigningKey(octets(64), SignatureAlg::hs256)};
}
EsDataSigner signature(std::string kid = "sig") {
  return {credential(std::move(kid), 45), jose::SigningKey(key_pair(), SignatureAlg::es256)};
}
EsDataRecipient wraps(int suid = 14) {
  return {credential("aes", suid), jose::EncryptionKey(octets(16), KeyAlg::a128kw, Enc::a256gcm)};
}
EsDataRecipient direct() {
  return {credential("dir", 14), jose::EncryptionKey(octets(32), KeyAlg::dir, Enc::a256gcm)};
}
EsDataRecipient to_certificate() {
  return {credential("ec", 44),
          jose::EncryptionKey(key_pair(KeyKind::p384).public_key(), KeyAlg::ecdh_es_a256kw, Enc::a256gcm)};
}
EsDataSourceConfig xml(std::vector<EsDataSigner> signers, std::vector<EsDataRecipient> recipients) {
  const auto security_class = signers.empty()      ? EsDataClass::encryption_only
                              : recipients.empty() ? EsDataClass::signature_only
                                                   : EsDataClass::sign_then_encrypt;
  return {.security_class = security_class,
          .form = EsDataForm::xml,
          .signers = std::move(signers),
          .recipients = std::move(recipients)};
}
EsDataPolicy everything() {
  return {
      .classes = {EsDataClass::encryption_only, EsDataClass::signature_only, EsDataClass::sign_then_encrypt},
      .forms = {EsDataForm::xml, EsDataForm::xml_base64},
      .signatures = {SignatureAlg::hs256, SignatureAlg::es256, SignatureAlg::es256_brainpool_p256r1,
                     SignatureAlg::es256_frp256v1},
      .key_algs = {KeyAlg::dir, KeyAlg::a128kw, KeyAlg::ecdh_es_a256kw},
      .encs = {Enc::a256gcm},
      .source_verified = false};
}
std::vector<EsDataVerifier> verifiers() {
  return {{credential("mic", 15), jose::VerificationKey(octets(64), {SignatureAlg::hs256})},
          {credential("sig", 45), jose::VerificationKey(key_pair().public_key(), {SignatureAlg::es256})},
          {credential("sig2", 45), jose::VerificationKey(key_pair().public_key(), {SignatureAlg::es256})}};
}
std::vector<EsDataOpener> openers() {
  return {{credential("aes", 14), jose::DecryptionKey(octets(16), {KeyAlg::a128kw}, {Enc::a256gcm})},
          {credential("dir", 14), jose::DecryptionKey(octets(32), {KeyAlg::dir}, {Enc::a256gcm})},
          {credential("ec", 44),
           jose::DecryptionKey(key_pair(KeyKind::p384), {KeyAlg::ecdh_es_a256kw}, {Enc::a256gcm})}};
}
std::unique_ptr<EsDataTarget> target(const EsDataPolicy& policy = everything()) {
  return EsDataTarget::make(policy, verifiers(), openers()).value();
}
std::string protect(EsDataSourceConfig config, std::string_view payload = kPayload) {
  const auto made = EsDataSource::make(std::move(config));
  EXPECT_TRUE(made) << (made ? "" : made.error().detail);
  const auto text = (*made)->protect(as_bytes(payload), kNow);
  EXPECT_TRUE(text) << (text ? "" : text.error().detail);
  return text.value_or("");
}
EsDataDefect defect(const EsDataResult<EsDataOpened>& result) {
  EXPECT_FALSE(result);
  if (!result) {
    EXPECT_EQ(result.error().detail.find("temperature"), std::string::npos);
  }
  return result ? EsDataDefect{} : result.error().defect;
}
EsDataResult<EsDataOpened> open(std::string_view text, const EsDataPolicy& policy = everything()) {
  return target(policy)->open(EsDataForm::xml, text, kNow);
}
std::string changed(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}
constexpr const char* kType = " Type=\"http://www.w3.org/2001/04/xmlenc#Element\"";

TEST(XmlNested, SeveralSignaturesAndRecipients) {
  cover({"8.5.2.4-01", "8.5.2.4-02", "8.5.2.4-03", "8.5.2.4-04", "8.5.3.4-01", "8.5.3.1-T01"});
  auto config = xml({signature(), signature("sig2")}, {wraps(), to_certificate()});
  config.media_type = "application/json";
  const auto text = protect(std::move(config));
  const auto seen = inspect_esdata(EsDataForm::xml, text).value();
  EXPECT_EQ(seen.at("kind"), "XML-Encryption");
  EXPECT_EQ(seen.at("nested"), true);
  EXPECT_EQ(seen.at("recipients").at(1).at("header").at("kid"), "ec");
  for (const auto& opener : openers()) {
    if (opener.credential.kid == "dir") continue;
    const auto reads = EsDataTarget::make(everything(), verifiers(), {opener}).value();
    const auto opened = reads->open(EsDataForm::xml, text, kNow);
    ASSERT_TRUE(opened) << opened.error().detail;
    EXPECT_EQ(as_text(opened->payload.reveal()), kPayload);
    EXPECT_EQ(opened->verified.size(), 2U);
    EXPECT_EQ(opened->media_type, "application/json");
    EXPECT_TRUE(opened->non_repudiation);
  }
  // The plaintext is the signed envelope, and stands alone.
  const auto sealed = xmlsec::parse_sealed(text).value();
  const auto inside = xmlsec::open(sealed, 0, openers()[0].key).value();
  EXPECT_EQ(xmlsec::parse_signed(as_text(inside.reveal()))->signatures.size(), 2U);
}

// Type says that there is a signature inside, and nothing protects it.
TEST(XmlNested, ClassesAreNotConfusedByWhatNothingProtects) {
  const auto nested = protect(xml({signature()}, {wraps()}));
  ASSERT_TRUE(open(nested));
  // Without Type it would be a payload that the shared key vouches for.
  EXPECT_EQ(defect(open(changed(nested, kType, ""))), EsDataDefect::header);
  const auto plain = protect(xml({}, {wraps()}));
  EXPECT_EQ(defect(open(changed(plain, "<xenc:EncryptedData", std::string("<xenc:EncryptedData") + kType))),
            EsDataDefect::header);
  // And a source does not make the one that would be taken for the other.
  const auto inner = protect(xml({signature()}, {}));
  const auto source = EsDataSource::make(xml({}, {wraps()})).value();
  EXPECT_THAT(source->protect(as_bytes(inner), kNow).error().detail, HasSubstr("nested"));
}

TEST(XmlNested, AMicIsNoSignatureOfOne) {
  EXPECT_FALSE(EsDataSource::make(xml({mic()}, {wraps()})));
  const auto inner = protect(xml({mic()}, {}));
  const auto key = xmlsec::ContentKey::make({{wraps().key, "aes"}}).value();
  EXPECT_EQ(defect(open(key.seal(as_bytes(inner), true).value())), EsDataDefect::wrong_use);
}

TEST(XmlEncryption, DirectModeIsForASingleKeyAndItsUsesAreCounted) {
  cover({"8.5.2.2.1-01", "8.5.2.2.1-02", "8.5.2.2.1-03", "8.5.2.2.1-08", "8.5.2.2.1-T01", "8.5.3.2-T01"});
  EXPECT_FALSE(EsDataSource::make(xml({}, {direct(), wraps()})));
  auto config = xml({}, {direct()});
  config.uses_before = kContentKeyUsesMax - 1;
  const auto source = EsDataSource::make(std::move(config)).value();
  const auto text = source->protect(as_bytes(kPayload), kNow);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("<ds:KeyInfo><ds:KeyName>dir</ds:KeyName></ds:KeyInfo>"));
  EXPECT_EQ(source->uses(), kContentKeyUsesMax);
  EXPECT_EQ(source->protect(as_bytes(kPayload), kNow).error().code, ErrorCode::limit);
  const auto opened = open(*text);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->verified.at(0).kid, "dir");
}

TEST(XmlEncryption, AContentKeyIsUsedAsOftenAsConfigured) {
  cover({"8.5.2.2.1-04"});
  auto config = xml({}, {wraps()});
  config.content_key_uses = 2;
  const auto source = EsDataSource::make(std::move(config)).value();
  std::set<Bytes> keys, ivs;
  for (int i = 0; i < 4; ++i) {
    const auto seen = xmlsec::parse_sealed(source->protect(as_bytes(kPayload), kNow).value()).value();
    keys.insert(seen.recipients.at(0).encrypted_key);
    ivs.insert(seen.iv);
  }
  EXPECT_EQ(keys.size(), 2U);
  EXPECT_EQ(ivs.size(), 4U);
}

TEST(XmlEncryption, HasNoPlaceForAssociatedData) {
  const auto source = EsDataSource::make(xml({}, {wraps()})).value();
  EXPECT_EQ(source->protect(as_bytes("a"), kNow, as_bytes("b")).error().code, ErrorCode::invalid_argument);
}

TEST(XmlEncryption, WhatIsOfSeveralProvesNoSource) {
  const auto text = protect(xml({}, {wraps(), to_certificate()}));
  auto policy = everything();
  policy.source_verified = true;
  EXPECT_EQ(defect(open(text, policy)), EsDataDefect::source);
  const auto opened = open(text);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->verified.empty());
  EXPECT_EQ(opened->media_type, std::nullopt);
}

TEST(XmlTarget, PolicyHoldsBeforeAKeyIsUsed) {
  const auto sealed = protect(xml({}, {wraps()}));
  const auto mac = protect(xml({mic()}, {}));
  struct Row {
    const char* name;
    std::function<void(EsDataPolicy&)> change;
    const std::string& text;
    EsDataDefect defect;
  };
  const std::vector<Row> rows = {
      {"form",
       [](auto& p) {
         p.forms = {EsDataForm::compact, EsDataForm::json};
       },
       sealed, EsDataDefect::form},
      {"class", [](auto& p) { p.classes = {EsDataClass::signature_only}; }, sealed,
       EsDataDefect::security_class},
      {"key_alg", [](auto& p) { p.key_algs = {KeyAlg::dir}; }, sealed, EsDataDefect::algorithm},
      {"enc", [](auto& p) { p.encs = {Enc::a128gcm}; }, sealed, EsDataDefect::algorithm},
      {"signature", [](auto& p) { p.signatures = {SignatureAlg::es256}; }, mac, EsDataDefect::algorithm},
      {"needed", [](auto& p) { p.signatures_needed = 2; }, mac, EsDataDefect::unknown_credential},
      {"default_forms", [](auto& p) { p.forms = EsDataPolicy{}.forms; }, mac, EsDataDefect::form},
  };
  for (const auto& row : rows) {
    auto policy = everything();
    row.change(policy);
    EXPECT_EQ(defect(open(row.text, policy)), row.defect) << row.name;
    const auto preview = target(policy)->preview(EsDataForm::xml, row.text, kNow);
    ASSERT_TRUE(preview) << row.name;
    EXPECT_EQ(preview->defect, row.defect) << row.name;
  }
  EXPECT_EQ(target()->preview(EsDataForm::xml, sealed, kNow), std::nullopt);
  EXPECT_EQ(target()->preview(EsDataForm::xml, mac, kNow), std::nullopt);
}

TEST(XmlTarget, KeysAgainstTheirSuidExpiredAndUnknown) {
  const auto sealed = protect(xml({}, {wraps()}));
  const auto with = [&](EsDataCredential it) {
    return EsDataTarget::make(
               everything(), {},
               {{std::move(it), jose::DecryptionKey(octets(16), {KeyAlg::a128kw}, {Enc::a256gcm})}})
        .value()
        ->open(EsDataForm::xml, sealed, kNow);
  };
  EXPECT_TRUE(with(credential("aes", 14)));
  EXPECT_EQ(defect(with(credential("aes", 15))), EsDataDefect::wrong_use);
  EXPECT_EQ(defect(with(credential("aes", 13))), EsDataDefect::wrong_use);
  EXPECT_EQ(defect(with(credential("bes", 14))), EsDataDefect::unknown_credential);
  auto old = credential("aes", 14);
  old.end = kNow;
  EXPECT_EQ(defect(with(old)), EsDataDefect::expired_credential);
  EXPECT_FALSE(EsDataSource::make(xml({mic(14)}, {})));
  EXPECT_FALSE(EsDataSource::make(xml({}, {wraps(15)})));
}

TEST(XmlTarget, TheCurveOfTheKeyDecidesWhatTheIdentifierMeans) {
  cover({"8.5.3.3-T10", "8.5.3.3-T11"});
  for (const auto& [kind, alg] : {std::pair{KeyKind::p256, SignatureAlg::es256},
                                  std::pair{KeyKind::brainpool_p256r1, SignatureAlg::es256_brainpool_p256r1},
                                  std::pair{KeyKind::frp256v1, SignatureAlg::es256_frp256v1}}) {
    const auto text = protect(xml({{credential("s", 45), jose::SigningKey(key_pair(kind), alg)}}, {}));
    const auto reads = [&](KeyKind of, jose::Permitted<SignatureAlg> policy_algs,
                           jose::Permitted<SignatureAlg> key_algs) {
      auto policy = everything();
      policy.signatures = policy_algs;
      return EsDataTarget::make(
                 policy, {{credential("s", 45), jose::VerificationKey(key_pair(of).public_key(), key_algs)}},
                 {})
          .value()
          ->open(EsDataForm::xml, text, kNow);
    };
    const jose::Permitted all = {SignatureAlg::es256, SignatureAlg::es256_brainpool_p256r1,
                                 SignatureAlg::es256_frp256v1};
    const auto opened = reads(kind, {alg}, {alg});
    ASSERT_TRUE(opened) << opened.error().detail;
    EXPECT_TRUE(opened->non_repudiation);
    for (const auto other :
         {SignatureAlg::es256, SignatureAlg::es256_brainpool_p256r1, SignatureAlg::es256_frp256v1}) {
      if (other == alg) continue;
      EXPECT_EQ(defect(reads(kind, {other}, all)), EsDataDefect::algorithm) << "policy";
      EXPECT_EQ(defect(reads(kind, all, {other})), EsDataDefect::algorithm) << "key";
    }
    for (const auto other : {KeyKind::p256, KeyKind::brainpool_p256r1, KeyKind::frp256v1})
      if (other != kind) {
        EXPECT_EQ(defect(reads(other, all, all)), EsDataDefect::integrity) << "another curve";
      }
    // JOSE has no name for the two.
    auto compact = xml({{credential("s", 45), jose::SigningKey(key_pair(kind), alg)}}, {});
    compact.form = EsDataForm::compact;
    EXPECT_EQ(EsDataSource::make(compact).has_value(), alg == SignatureAlg::es256);
  }
}

TEST(XmlTarget, AWrongSignatureOfAKnownKeyRefusesTheWhole) {
  cover({"8.5.2.3.1-06", "8.5.2.3.1-07", "8.5.2.3.1-08", "8.5.2.3.1-09"});
  const auto text = protect(xml({mic(), signature(), signature("stranger")}, {}));
  const auto opened = open(text);
  ASSERT_TRUE(opened) << opened.error().detail;
  EXPECT_EQ(opened->verified.size(), 2U);
  const auto first = text.find("<ds:SignatureValue>") + 19;
  for (const auto& [at, wanted] :
       {std::pair{first, false}, std::pair{text.find("<ds:SignatureValue>", first) + 19, false},
        std::pair{text.rfind("<ds:SignatureValue>") + 19, true}}) {
    auto other = text;
    other[at] = other[at] == 'A' ? 'B' : 'A';
    EXPECT_EQ(open(other).has_value(), wanted) << at;
  }
  // Nor does one key count twice.
  const auto twice = protect(xml({signature(), signature()}, {}));
  EXPECT_EQ(defect(open(twice)), EsDataDefect::header);
}

TEST(XmlTarget, AnyFlippedBitIsRefused) {
  const auto reads = target();
  for (const auto& config : {xml({}, {direct()}), xml({mic()}, {}), xml({signature()}, {wraps()})}) {
    const auto text = protect(config);
    for (std::size_t i = 0; i < text.size(); ++i)
      for (unsigned bit = 0; bit < 8; ++bit) {
        auto other = text;
        other[i] = static_cast<char>(static_cast<unsigned char>(other[i]) ^ (1U << bit));
        ASSERT_FALSE(reads->open(EsDataForm::xml, other, kNow)) << i << " " << bit << "\n" << other;
      }
  }
}

TEST(XmlTarget, DefectsOfForm) {
  const auto text = protect(xml({mic()}, {}));
  EXPECT_EQ(defect(open("")), EsDataDefect::form);
  EXPECT_EQ(defect(open("<!DOCTYPE x>" + text)), EsDataDefect::form);
  EXPECT_EQ(defect(open(changed(text, "URI=\"#payload\"", "URI=\"http://x/\""))), EsDataDefect::header);
  EXPECT_EQ(defect(open(changed(text, " Encoding", " encoding"))), EsDataDefect::form);
  EXPECT_EQ(defect(open(changed(text, "eyJ0", "eyJ1"))), EsDataDefect::integrity);
  EXPECT_EQ(defect(target()->open(EsDataForm::xml_base64, text, kNow)), EsDataDefect::form);
  EXPECT_EQ(defect(target()->open(EsDataForm::xml, std::string(kEsDataOctetsMax + 1, ' '), kNow)),
            EsDataDefect::form);
  EXPECT_TRUE(target()->open(EsDataForm::xml_base64, to_base64(as_bytes(text)), kNow));
  EXPECT_EQ(guess_form(to_base64(as_bytes(text))), EsDataForm::xml_base64);
}

TEST(XmlTarget, IdentifiersOfTheTextOnRequest) {
  auto policy = everything();
  const auto text =
      changed(changed(protect(xml({}, {wraps()})), "kw-aes128", "kwaes128"), "aes256-gcm", "aes256gcm");
  EXPECT_EQ(defect(open(text, policy)), EsDataDefect::algorithm);
  policy.printed_identifiers = true;
  EXPECT_TRUE(open(text, policy));
}

}  // namespace
}  // namespace latchkey::e2e
