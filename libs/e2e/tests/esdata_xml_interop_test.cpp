// ESData in XML against the xmlsec1 command, and where it has no algorithm against python3-cryptography:
// every algorithm of tables 8.5.3.2-1, 8.5.3.2-2 and 8.5.3.3-1, both directions.
#include <algorithm>
#include <map>

#include "keys.h"
#include "latchkey/e2e/esdata.h"
#include "peer.h"
#include "world.h"

namespace latchkey::e2e {
namespace {

using crypto::KeyKind;
using jose::Enc;
using jose::KeyAlg;
using jose::SignatureAlg;
using test::Folder;
using test::key_pair;
using test::run;

const TimePoint kNow = test::at("20261128T120000");
constexpr const char* kPayload = "23 degrees, < & a quotation mark: \"";
const std::string kReference = std::string(LATCHKEY_TEST_DATA) + "/xmlenc_reference.py";

std::string pem(KeyKind kind) { return std::string(as_text(key_pair(kind).pem().reveal())); }
std::shared_ptr<const SecretBytes> secret(std::size_t size) {
  return std::make_shared<const SecretBytes>(test::secret(size, 3));
}
std::string octets(std::size_t size) {
  const auto all = test::octets(size, 3);
  return std::string(as_text(all));
}
EsDataCredential credential(bool symmetric, int use, std::string kid = "k") {
  return {.kid = std::move(kid), .suid = Suid::from((symmetric ? 10 : 40) + use).value()};
}
std::string protect(EsDataSourceConfig config) {
  config.form = EsDataForm::xml;
  const auto source = EsDataSource::make(std::move(config));
  EXPECT_TRUE(source) << (source ? "" : source.error().detail);
  return (*source)->protect(as_bytes(kPayload), kNow).value();
}
std::string opened(EsDataPolicy policy, std::vector<EsDataVerifier> verifiers,
                   std::vector<EsDataOpener> openers, const std::string& text) {
  policy.forms = {EsDataForm::xml};
  policy.source_verified = false;
  const auto target = EsDataTarget::make(policy, std::move(verifiers), std::move(openers)).value();
  const auto result = target->open(EsDataForm::xml, text, kNow);
  return result ? std::string(as_text(result->payload.reveal())) : result.error().detail;
}

std::vector<std::string> xmlsec1(std::vector<std::string> words, std::vector<std::string> more = {}) {
  words.insert(words.begin(), "xmlsec1");
  for (const char* element : {"Object", "KeyInfo"})
    for (const auto& word :
         {std::string("--id-attr:Id"), "http://www.w3.org/2000/09/xmldsig#:" + std::string(element)})
      words.push_back(word);
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

struct SignatureRow {
  SignatureAlg alg;
  std::optional<KeyKind> key;  ///< none: symmetric
  const char *uri, *digest;
};
class XmlSignature : public ::testing::TestWithParam<SignatureRow> {
 protected:
  SignatureAlg alg() const { return GetParam().alg; }
  bool symmetric() const { return !GetParam().key; }
  /// The key as the command takes it, for signing and for verifying.
  std::vector<std::string> key_words(const Folder& folder, bool signs) const {
    if (symmetric()) return {"--hmackey:k", folder.write("key", octets(64))};
    if (signs) return {"--privkey-pem:k", folder.write("key", pem(*GetParam().key))};
    const auto public_key = run({"openssl", "pkey", "-pubout"}, pem(*GetParam().key));
    EXPECT_EQ(public_key.status, 0) << public_key.output;
    return {"--pubkey-pem:k", folder.write("key", public_key.output)};
  }
  std::string sign() const {
    auto key = symmetric() ? jose::SigningKey(secret(64), alg())
                           : jose::SigningKey(key_pair(*GetParam().key), alg());
    return protect({.security_class = EsDataClass::signature_only,
                    .signers = {{credential(symmetric(), 5), key}},
                    .media_type = "text/plain"});
  }
  std::string verify(const std::string& text) const {
    auto key = symmetric() ? jose::VerificationKey(secret(64), {alg()})
                           : jose::VerificationKey(key_pair(*GetParam().key).public_key(), {alg()});
    return opened({.classes = {EsDataClass::signature_only}, .signatures = {alg()}},
                  {{credential(symmetric(), 5), key}}, {}, text);
  }
};

TEST_P(XmlSignature, IsVerifiedByXmlsec1) {
  const Folder folder;
  auto words = key_words(folder, false);
  words.insert(words.begin(), "--verify");
  const auto text = sign();
  const auto verified = run(xmlsec1(words, {folder.write("in.xml", text)}), "");
  EXPECT_EQ(verified.status, 0) << verified.output << text;
  auto other = text;
  const auto at = other.find("</ds:Object>") - 6;
  other[at] = other[at] == 'A' ? 'B' : 'A';
  EXPECT_NE(run(xmlsec1(words, {folder.write("other.xml", other)}), "").status, 0);
}

TEST_P(XmlSignature, OfXmlsec1IsVerified) {
  const Folder folder;
  auto words = key_words(folder, true);
  words.insert(words.begin(), "--sign");
  for (const auto* canonical :
       {"http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11"}) {
    const std::string form(canonical);
    const std::string reference = "<Transforms><Transform Algorithm=\"" + form +
                                  "\"/></Transforms>\n  <DigestMethod Algorithm=\"" + GetParam().digest +
                                  "\"/><DigestValue/></Reference>\n";
    const std::string file = folder.write(
        "template.xml",
        "<?xml version=\"1.0\"?>\n<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\" "
        "xmlns:unused=\"urn:unused\">\n <SignedInfo><CanonicalizationMethod Algorithm=\"" +
            form + "\"/>\n <SignatureMethod Algorithm=\"" + GetParam().uri + "\"/><Reference URI=\"#data\">" +
            reference + "<Reference URI=\"#who\">" + reference +
            "</SignedInfo>\n <SignatureValue/>\n <KeyInfo Id=\"who\">\n <KeyName>k</KeyName></KeyInfo>\n"
            " <Object Id=\"data\">23 degrees, &lt; &amp; a quotation mark: &#34;</Object>\n</Signature>\n");
    const auto made = run(xmlsec1(words, {file}), "");
    ASSERT_EQ(made.status, 0) << made.output;
    EXPECT_EQ(verify(made.output), kPayload) << canonical << made.output;
  }
}

constexpr const char* kSha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
constexpr const char* kSha384 = "http://www.w3.org/2001/04/xmldsig-more#sha384";
constexpr const char* kSha512 = "http://www.w3.org/2001/04/xmlenc#sha512";
INSTANTIATE_TEST_SUITE_P(
    Table, XmlSignature,
    ::testing::Values(
        SignatureRow{SignatureAlg::hs256, {}, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", kSha256},
        SignatureRow{SignatureAlg::hs384, {}, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha384", kSha384},
        SignatureRow{SignatureAlg::hs512, {}, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512", kSha512},
        SignatureRow{SignatureAlg::rs256, KeyKind::rsa, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                     kSha256},
        SignatureRow{SignatureAlg::rs384, KeyKind::rsa, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
                     kSha384},
        SignatureRow{SignatureAlg::rs512, KeyKind::rsa, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
                     kSha512},
        SignatureRow{SignatureAlg::es256, KeyKind::p256,
                     "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", kSha256},
        SignatureRow{SignatureAlg::es384, KeyKind::p384,
                     "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", kSha384},
        SignatureRow{SignatureAlg::es512, KeyKind::p521,
                     "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", kSha512},
        SignatureRow{SignatureAlg::es256_brainpool_p256r1, KeyKind::brainpool_p256r1,
                     "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", kSha256},
        SignatureRow{SignatureAlg::es256_frp256v1, KeyKind::frp256v1,
                     "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", kSha256}),
    [](const auto& row) {
      std::string name(to_string(row.param.alg));
      std::erase(name, '-');
      return name;
    });

struct EncryptionRow {
  KeyAlg alg;
  std::size_t octets;  ///< 0: those of enc
  const char* wrap;    ///< part of the identifier; nullptr: direct
};
class XmlEncryption : public ::testing::TestWithParam<std::tuple<EncryptionRow, Enc>> {
 protected:
  const EncryptionRow& row() const { return std::get<0>(GetParam()); }
  Enc enc() const { return std::get<1>(GetParam()); }
  std::size_t size() const { return row().octets != 0 ? row().octets : jose::key_bytes(enc()); }
  std::string bits() const { return std::to_string(jose::key_bytes(enc()) * 8); }
};

TEST_P(XmlEncryption, IsOpenedByXmlsec1) {
  const Folder folder;
  const auto text =
      protect({.security_class = EsDataClass::encryption_only,
               .recipients = {{credential(true, 4), jose::EncryptionKey(secret(size()), row().alg, enc())}}});
  const auto plain = run({"xmlsec1", "--decrypt", "--aeskey:k", folder.write("key", octets(size())),
                          folder.write("in.xml", text)},
                         "");
  EXPECT_EQ(plain.status, 0) << text;
  EXPECT_EQ(plain.output, kPayload);
}

TEST_P(XmlEncryption, OfXmlsec1IsOpened) {
  const Folder folder;
  std::string info = "<ds:KeyName>k</ds:KeyName>";
  if (row().wrap != nullptr)
    info = "<EncryptedKey><EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#" +
           std::string(row().wrap) + "\"/>\n<ds:KeyInfo>" + info +
           "</ds:KeyInfo><CipherData><CipherValue/></CipherData></EncryptedKey>";
  const auto file = folder.write(
      "template.xml",
      "<EncryptedData xmlns=\"http://www.w3.org/2001/04/xmlenc#\" "
      "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" MimeType=\"text/plain\">\n<EncryptionMethod "
      "Algorithm=\"http://www.w3.org/2009/xmlenc11#aes" +
          bits() + "-gcm\"/>\n<ds:KeyInfo>" + info +
          "</ds:KeyInfo>\n<CipherData><CipherValue/></CipherData></EncryptedData>\n");
  std::vector<std::string> words{"xmlsec1",       "--encrypt",
                                 "--binary-data", folder.write("data", kPayload),
                                 "--aeskey:k",    folder.write("key", octets(size()))};
  if (row().wrap != nullptr) {
    words.push_back("--session-key");
    words.push_back("aes-" + bits());
  }
  words.push_back(file);
  const auto made = run(words, "");
  ASSERT_EQ(made.status, 0) << made.output;
  EXPECT_EQ(
      opened({.classes = {EsDataClass::encryption_only}, .key_algs = {row().alg}, .encs = {enc()}}, {},
             {{credential(true, 4), jose::DecryptionKey(secret(size()), {row().alg}, {enc()})}}, made.output),
      kPayload)
      << made.output;
}

template <class Row>
std::string name_of(const ::testing::TestParamInfo<std::tuple<Row, Enc>>& info) {
  std::string name = std::string(to_string(std::get<0>(info.param).alg)) + "_" +
                     std::string(to_string(std::get<1>(info.param)));
  std::ranges::replace_if(
      name, [](char c) { return c == '-' || c == '+'; }, '_');
  return name;
}
const auto kEveryEnc = ::testing::Values(Enc::a128gcm, Enc::a192gcm, Enc::a256gcm);
INSTANTIATE_TEST_SUITE_P(Table, XmlEncryption,
                         ::testing::Combine(::testing::Values(EncryptionRow{KeyAlg::dir, 0, nullptr},
                                                              EncryptionRow{KeyAlg::a128kw, 16, "kw-aes128"},
                                                              EncryptionRow{KeyAlg::a192kw, 24, "kw-aes192"},
                                                              EncryptionRow{KeyAlg::a256kw, 32, "kw-aes256"}),
                                            kEveryEnc),
                         name_of<EncryptionRow>);

struct PairRow {
  KeyAlg alg;
  KeyKind key;
};
class XmlEncryptionToKeyPairs : public ::testing::TestWithParam<std::tuple<PairRow, Enc>> {};
TEST_P(XmlEncryptionToKeyPairs, PythonCryptography) {
  const auto& [row, enc] = GetParam();
  const Folder folder;
  const auto key = folder.write("key", pem(row.key));
  const auto text =
      protect({.security_class = EsDataClass::encryption_only,
               .recipients = {{credential(false, 4),
                               jose::EncryptionKey(key_pair(row.key).public_key(), row.alg, enc)}}});
  EXPECT_EQ(run({"/usr/bin/python3", kReference, "open", key}, text).output, kPayload);
  const auto made = run({"/usr/bin/python3", kReference, "seal", std::string(to_string(enc)),
                         std::string(to_string(row.alg)), "k", key},
                        kPayload);
  ASSERT_EQ(made.status, 0) << made.output;
  EXPECT_EQ(
      opened({.classes = {EsDataClass::encryption_only}, .key_algs = {row.alg}, .encs = {enc}}, {},
             {{credential(false, 4), jose::DecryptionKey(key_pair(row.key), {row.alg}, {enc})}}, made.output),
      kPayload)
      << made.output;
}
INSTANTIATE_TEST_SUITE_P(Table, XmlEncryptionToKeyPairs,
                         ::testing::Combine(::testing::Values(PairRow{KeyAlg::rsa_oaep_256, KeyKind::rsa},
                                                              PairRow{KeyAlg::ecdh_es_a128kw, KeyKind::p256},
                                                              PairRow{KeyAlg::ecdh_es_a192kw, KeyKind::p384},
                                                              PairRow{KeyAlg::ecdh_es_a256kw, KeyKind::p521}),
                                            kEveryEnc),
                         name_of<PairRow>);

// Opened, then verified, both by the command.
TEST(XmlNested, Xmlsec1OpensWhatIsSignedAndVerifiesIt) {
  const Folder folder;
  const auto text = protect(
      {.security_class = EsDataClass::sign_then_encrypt,
       .signers = {{credential(false, 5), jose::SigningKey(key_pair(KeyKind::p256), SignatureAlg::es256)}},
       .recipients = {{credential(true, 4), jose::EncryptionKey(secret(16), KeyAlg::a128kw, Enc::a256gcm)}}});
  const auto inner = run(
      {"xmlsec1", "--decrypt", "--aeskey:k", folder.write("aes", octets(16)), folder.write("in.xml", text)},
      "");
  ASSERT_EQ(inner.status, 0) << inner.output;
  const auto key = folder.write("key", run({"openssl", "pkey", "-pubout"}, pem(KeyKind::p256)).output);
  const auto verified =
      run(xmlsec1({"--verify", "--pubkey-pem:k", key}, {folder.write("inner.xml", inner.output)}), "");
  EXPECT_EQ(verified.status, 0) << verified.output << inner.output;
}

TEST(XmlSeveralSignatures, EachIsVerifiedByXmlsec1) {
  const Folder folder;
  const auto text =
      protect({.security_class = EsDataClass::signature_only,
               .signers = {{credential(true, 5, "m"), jose::SigningKey(secret(64), SignatureAlg::hs256)},
                           {credential(false, 5, "s"),
                            jose::SigningKey(key_pair(KeyKind::p384), SignatureAlg::es384)}}});
  const auto file = folder.write("in.xml", text);
  const auto key = folder.write("key", run({"openssl", "pkey", "-pubout"}, pem(KeyKind::p384)).output);
  for (const auto* which : {"(//*[local-name()='Signature'])[1]", "(//*[local-name()='Signature'])[2]"}) {
    const auto verified = run(xmlsec1({"--verify", "--hmackey:m", folder.write("mac", octets(64)),
                                       "--pubkey-pem:s", key, "--node-xpath", which},
                                      {file}),
                              "");
    EXPECT_EQ(verified.status, 0) << which << verified.output << text;
  }
}

}  // namespace
}  // namespace latchkey::e2e
