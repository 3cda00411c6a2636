// ESData against python3-jwcrypto and the jose command: every algorithm, both serializations, both
// directions.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>

#include "latchkey/e2e/esdata.h"
#include "peer.h"
#include "world.h"

namespace latchkey::e2e {
namespace {

using jose::Enc;
using jose::KeyAlg;
using jose::SignatureAlg;
using test::Folder;
using test::run;

const TimePoint kNow = test::at("20261128T120000");
constexpr const char* kPayload = "23 degrees, and a quotation mark: \"";
const std::string kJwcrypto = std::string(LATCHKEY_TEST_DATA) + "/jwcrypto_esdata.py";

crypto::PrivateKey generate(std::string_view kind) {
  if (kind == "rsa") return crypto::PrivateKey::generate_rsa(2048);
  return crypto::PrivateKey::generate(kind == "p256"   ? crypto::KeyKind::p256
                                      : kind == "p384" ? crypto::KeyKind::p384
                                                       : crypto::KeyKind::p521);
}
const crypto::PrivateKey& pair(const std::string& kind) {
  static std::map<std::string, crypto::PrivateKey> keys;
  const auto found = keys.find(kind);
  return found != keys.end() ? found->second : keys.emplace(kind, generate(kind)).first->second;
}
EsDataCredential credential(const std::string& kid, bool symmetric, int use) {
  return {.kid = kid, .suid = Suid::from((symmetric ? 10 : 40) + use).value()};
}
std::string base64url(ByteView octets) { return to_base64url(octets); }

/// A key of the table in the forms of all three implementations.
struct KeyOf {
  std::string kind;  ///< rsa, p256, p384, p521, or octets of a symmetric key
  [[nodiscard]] bool symmetric() const { return kind.front() >= '0' && kind.front() <= '9'; }
  [[nodiscard]] Bytes octets() const { return test::octets(std::stoul(kind), 3); }
  [[nodiscard]] std::shared_ptr<const SecretBytes> secret() const {
    return std::make_shared<const SecretBytes>(SecretBytes::copy_of(octets()));
  }
  [[nodiscard]] std::string file() const {
    return symmetric() ? to_hex(octets()) : std::string(as_text(pair(kind).pem().reveal()));
  }
  /// For the jose command; of key pairs the curves only.
  [[nodiscard]] std::string jwk(const std::string& alg, const std::string& kid) const {
    json::object out{{"kid", kid}};
    if (!alg.empty()) out["alg"] = alg;
    if (symmetric()) {
      out["kty"] = "oct";
      out["k"] = base64url(octets());
      return json::serialize(out);
    }
    const Folder folder;
    const auto ran = run({"/usr/bin/python3", "-c",
                          "import sys; from jwcrypto import jwk; "
                          "print(jwk.JWK.from_pem(sys.stdin.buffer.read()).export())"},
                         file());
    EXPECT_EQ(ran.status, 0) << ran.output;
    const auto exported = json::parse(ran.output);
    for (const auto& [name, value] : exported.get_object())
      if (name != "kid") out[name] = value;
    return json::serialize(out);
  }
};

struct Case {
  std::string alg, key;
  friend void PrintTo(const Case& row, std::ostream* out) { *out << row.alg; }
};

class Encryption : public ::testing::TestWithParam<std::tuple<Case, Enc>> {
 protected:
  const Case& row() const { return std::get<0>(GetParam()); }
  Enc enc() const { return std::get<1>(GetParam()); }
  KeyOf key() const { return {row().key == "enc" ? std::to_string(jose::key_bytes(enc())) : row().key}; }
  KeyAlg alg() const { return *jose::key_alg(row().alg); }
  std::string seal(EsDataForm form) const {
    const auto it = key();
    auto encryption = it.symmetric() ? jose::EncryptionKey(it.secret(), alg(), enc())
                                     : jose::EncryptionKey(pair(it.kind).public_key(), alg(), enc());
    auto source = EsDataSource::make({.security_class = EsDataClass::encryption_only,
                                      .form = form,
                                      .recipients = {{credential("k", it.symmetric(), 4), encryption}}});
    EXPECT_TRUE(source);
    return (*source)->protect(as_bytes(kPayload), kNow).value();
  }
  std::string open(EsDataForm form, const std::string& text) const {
    const auto it = key();
    auto decryption = it.symmetric() ? jose::DecryptionKey(it.secret(), {alg()}, {enc()})
                                     : jose::DecryptionKey(pair(it.kind), {alg()}, {enc()});
    const auto target = EsDataTarget::make({.classes = {EsDataClass::encryption_only},
                                            .key_algs = {alg()},
                                            .encs = {enc()},
                                            .source_verified = false},
                                           {}, {{credential("k", it.symmetric(), 4), decryption}});
    const auto opened = (*target)->open(form, text, kNow);
    return opened ? std::string(as_text(opened->payload.reveal())) : opened.error().detail;
  }
};

TEST_P(Encryption, Jwcrypto) {
  const Folder folder;
  const auto key_file = folder.write("key", key().file());
  for (const auto& [form, name] :
       {std::pair{EsDataForm::compact, "compact"}, std::pair{EsDataForm::json, "json"}}) {
    const auto opened = run({"/usr/bin/python3", kJwcrypto, "open", key_file}, seal(form));
    EXPECT_EQ(opened.output, kPayload) << name;
    const auto sealed = run({"/usr/bin/python3", kJwcrypto, "seal", std::string(to_string(enc())), name,
                             row().alg, "k", key_file},
                            kPayload);
    ASSERT_EQ(sealed.status, 0) << sealed.output;
    EXPECT_EQ(open(form, sealed.output), kPayload) << name;
  }
}

/// jose 11 of Debian 12 is built without RSA-OAEP.
class EncryptionOfJose : public Encryption {};

TEST_P(EncryptionOfJose, JoseCommand) {
  const Folder folder;
  const auto key_file = folder.write("key", key().jwk(row().alg == "dir" ? "" : row().alg, "k"));
  for (const auto& [form, name] :
       {std::pair{EsDataForm::compact, "compact"}, std::pair{EsDataForm::json, "json"}}) {
    const auto opened = run({"jose", "jwe", "dec", "-i", "-", "-k", key_file, "-O", "-"}, seal(form));
    EXPECT_EQ(opened.output, kPayload) << name;
    const json::object header{{"protected", {{"alg", row().alg}, {"enc", to_string(enc())}, {"kid", "k"}}}};
    std::vector<std::string> command{"jose", "jwe",    "enc", "-i", json::serialize(header), "-I", "-",
                                     "-k",   key_file, "-o",  "-"};
    if (form == EsDataForm::compact) command.insert(command.begin() + 3, "-c");
    const auto sealed = run(command, kPayload);
    ASSERT_EQ(sealed.status, 0) << sealed.output;
    std::string text = sealed.output;
    if (text.ends_with('\n')) text.pop_back();
    EXPECT_EQ(open(form, text), kPayload) << name << text;
  }
}

std::string encryption_name(const ::testing::TestParamInfo<std::tuple<Case, Enc>>& info) {
  std::string name = std::get<0>(info.param).alg + "_" + std::string(to_string(std::get<1>(info.param)));
  std::ranges::replace_if(
      name, [](char c) { return c == '-' || c == '+'; }, '_');
  return name;
}
const auto kEveryEnc = ::testing::Values(Enc::a128gcm, Enc::a192gcm, Enc::a256gcm);
INSTANTIATE_TEST_SUITE_P(
    Table, Encryption,
    ::testing::Combine(::testing::Values(Case{"dir", "enc"}, Case{"A128KW", "16"}, Case{"A192KW", "24"},
                                         Case{"A256KW", "32"}, Case{"RSA-OAEP-256", "rsa"},
                                         Case{"ECDH-ES+A128KW", "p256"}, Case{"ECDH-ES+A192KW", "p384"},
                                         Case{"ECDH-ES+A256KW", "p521"}),
                       kEveryEnc),
    encryption_name);
INSTANTIATE_TEST_SUITE_P(
    Table, EncryptionOfJose,
    ::testing::Combine(::testing::Values(Case{"dir", "enc"}, Case{"A128KW", "16"}, Case{"A192KW", "24"},
                                         Case{"A256KW", "32"}, Case{"ECDH-ES+A128KW", "p256"},
                                         Case{"ECDH-ES+A192KW", "p384"}, Case{"ECDH-ES+A256KW", "p521"}),
                       kEveryEnc),
    encryption_name);

class Signature : public ::testing::TestWithParam<Case> {
 protected:
  SignatureAlg alg() const { return *jose::signature_alg(GetParam().alg); }
  std::string sign(EsDataForm form) const {
    const KeyOf it{GetParam().key};
    auto key = it.symmetric() ? jose::SigningKey(it.secret(), alg()) : jose::SigningKey(pair(it.kind), alg());
    auto source = EsDataSource::make({.security_class = EsDataClass::signature_only,
                                      .form = form,
                                      .signers = {{credential("k", it.symmetric(), 5), key}}});
    EXPECT_TRUE(source);
    return (*source)->protect(as_bytes(kPayload), kNow).value();
  }
  std::string verify(EsDataForm form, const std::string& text) const {
    const KeyOf it{GetParam().key};
    auto key = it.symmetric() ? jose::VerificationKey(it.secret(), {alg()})
                              : jose::VerificationKey(pair(it.kind).public_key(), {alg()});
    const auto target = EsDataTarget::make({.classes = {EsDataClass::signature_only}, .signatures = {alg()}},
                                           {{credential("k", it.symmetric(), 5), key}}, {});
    const auto opened = (*target)->open(form, text, kNow);
    return opened ? std::string(as_text(opened->payload.reveal())) : opened.error().detail;
  }
};

TEST_P(Signature, Jwcrypto) {
  const Folder folder;
  const auto key_file = folder.write("key", KeyOf{GetParam().key}.file());
  for (const auto& [form, name] :
       {std::pair{EsDataForm::compact, "compact"}, std::pair{EsDataForm::json, "json"}}) {
    EXPECT_EQ(run({"/usr/bin/python3", kJwcrypto, "verify", key_file}, sign(form)).output, kPayload) << name;
    const auto made =
        run({"/usr/bin/python3", kJwcrypto, "sign", name, GetParam().alg, "k", key_file}, kPayload);
    ASSERT_EQ(made.status, 0) << made.output;
    EXPECT_EQ(verify(form, made.output), kPayload) << name;
  }
}

TEST_P(Signature, JoseCommand) {
  const Folder folder;
  const auto key_file = folder.write("key", KeyOf{GetParam().key}.jwk(GetParam().alg, "k"));
  for (const auto& [form, name] :
       {std::pair{EsDataForm::compact, "compact"}, std::pair{EsDataForm::json, "json"}}) {
    EXPECT_EQ(run({"jose", "jws", "ver", "-i", "-", "-k", key_file, "-O", "-"}, sign(form)).output, kPayload)
        << name;
    const json::object header{{"protected", {{"alg", GetParam().alg}, {"kid", "k"}}}};
    std::vector<std::string> command{
        "jose", "jws", "sig", "-I", "-", "-k", key_file, "-s", json::serialize(header), "-o", "-"};
    if (form == EsDataForm::compact) command.insert(command.begin() + 3, "-c");
    const auto made = run(command, kPayload);
    ASSERT_EQ(made.status, 0) << made.output;
    std::string text = made.output;
    if (text.ends_with('\n')) text.pop_back();
    EXPECT_EQ(verify(form, text), kPayload) << name << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, Signature,
                         ::testing::Values(Case{"HS256", "32"}, Case{"HS384", "48"}, Case{"HS512", "64"},
                                           Case{"RS256", "rsa"}, Case{"RS384", "rsa"}, Case{"RS512", "rsa"},
                                           Case{"ES256", "p256"}, Case{"ES384", "p384"},
                                           Case{"ES512", "p521"}),
                         [](const auto& row) { return row.param.alg; });

TEST(SeveralRecipients, EachPeerOpensItsPartAndTheOtherWay) {
  const Folder folder;
  const KeyOf aes{"16"}, curve{"p256"};
  auto source = EsDataSource::make(
      {.security_class = EsDataClass::encryption_only,
       .form = EsDataForm::json,
       .recipients = {
           {credential("a", true, 4), jose::EncryptionKey(aes.secret(), KeyAlg::a128kw, Enc::a256gcm)},
           {credential("b", false, 4),
            jose::EncryptionKey(pair("p256").public_key(), KeyAlg::ecdh_es_a128kw, Enc::a256gcm)}}});
  const auto text = (*source)->protect(as_bytes(kPayload), kNow).value();
  for (const auto& key : {aes, curve}) {
    EXPECT_EQ(run({"/usr/bin/python3", kJwcrypto, "open", folder.write("pem", key.file())}, text).output,
              kPayload);
    EXPECT_EQ(
        run({"jose", "jwe", "dec", "-i", "-", "-k", folder.write("jwk", key.jwk("", "x")), "-O", "-"}, text)
            .output,
        kPayload);
  }
  const auto theirs =
      run({"/usr/bin/python3", kJwcrypto, "seal", "A256GCM", "json", "A128KW", "a",
           folder.write("a", aes.file()), "ECDH-ES+A128KW", "b", folder.write("b", curve.file())},
          kPayload);
  ASSERT_EQ(theirs.status, 0) << theirs.output;
  const EsDataPolicy policy{.classes = {EsDataClass::encryption_only},
                            .key_algs = {KeyAlg::a128kw, KeyAlg::ecdh_es_a128kw},
                            .encs = {Enc::a256gcm},
                            .source_verified = false};
  const auto first = EsDataTarget::make(
      policy, {},
      {{credential("a", true, 4), jose::DecryptionKey(aes.secret(), {KeyAlg::a128kw}, {Enc::a256gcm})}});
  const auto second =
      EsDataTarget::make(policy, {},
                         {{credential("b", false, 4),
                           jose::DecryptionKey(pair("p256"), {KeyAlg::ecdh_es_a128kw}, {Enc::a256gcm})}});
  for (const auto* target : {&first, &second}) {
    const auto opened = (**target)->open(EsDataForm::json, theirs.output, kNow);
    ASSERT_TRUE(opened) << opened.error().detail;
    EXPECT_EQ(as_text(opened->payload.reveal()), kPayload);
  }
}

TEST(SeveralSignatures, EachPeerVerifiesItsPartAndTheOtherWay) {
  const Folder folder;
  const KeyOf mac{"32"}, curve{"p256"};
  auto source = EsDataSource::make(
      {.security_class = EsDataClass::signature_only,
       .form = EsDataForm::json,
       .signers = {{credential("a", true, 5), jose::SigningKey(mac.secret(), SignatureAlg::hs256)},
                   {credential("b", false, 5), jose::SigningKey(pair("p256"), SignatureAlg::es256)}}});
  const auto text = (*source)->protect(as_bytes(kPayload), kNow).value();
  for (const auto& key : {mac, curve}) {
    EXPECT_EQ(run({"/usr/bin/python3", kJwcrypto, "verify", folder.write("pem", key.file())}, text).output,
              kPayload);
    EXPECT_EQ(
        run({"jose", "jws", "ver", "-i", "-", "-k", folder.write("jwk", key.jwk("", "x")), "-O", "-"}, text)
            .output,
        kPayload);
  }
  const auto theirs = run({"/usr/bin/python3", kJwcrypto, "sign", "json", "HS256", "a",
                           folder.write("a", mac.file()), "ES256", "b", folder.write("b", curve.file())},
                          kPayload);
  ASSERT_EQ(theirs.status, 0) << theirs.output;
  const auto target = EsDataTarget::make(
      {.classes = {EsDataClass::signature_only},
       .signatures = {SignatureAlg::hs256, SignatureAlg::es256},
       .signatures_needed = 2},
      {{credential("a", true, 5), jose::VerificationKey(mac.secret(), {SignatureAlg::hs256})},
       {credential("b", false, 5), jose::VerificationKey(pair("p256").public_key(), {SignatureAlg::es256})}},
      {});
  const auto opened = (*target)->open(EsDataForm::json, theirs.output, kNow);
  ASSERT_TRUE(opened) << opened.error().detail;
  EXPECT_EQ(opened->verified.size(), 2U);
}

}  // namespace
}  // namespace latchkey::e2e
