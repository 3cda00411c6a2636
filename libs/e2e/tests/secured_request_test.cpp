// securedDasRequest (TS-0003 7.3.2.3): every protection that proves its source, and what a DAS Server
// refuses.
#include "latchkey/e2e/secured_request.h"

#include <gmock/gmock.h>

#include <boost/json/parse.hpp>

#include "world.h"

namespace latchkey::e2e {
namespace {

using codec::Rsc;
using jose::Enc;
using jose::KeyAlg;
using jose::SignatureAlg;
using test::at;
using test::cover;
using ::testing::HasSubstr;

const TimePoint kNow = at("20261128T120000");
const SpId kSp = *SpId::parse("//sp.example");
const CseId kCse = *CseId::parse("/mn-cse", kSp), kOther = *CseId::parse("/other", kSp);
const EntityId kDas = *parse_entity_id("das.sp.example", kSp);
const json::object kRequest =
    json::parse(R"({"or":"//sp.example/mn-cse/Csitter","op":2,"rfa":["family@das.sp.example"]})").as_object();

const crypto::PrivateKey& cse_key() {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  return key;
}
const crypto::PrivateKey& das_key() {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  return key;
}
std::shared_ptr<const SecretBytes> shared_key(std::uint8_t first = 0) {
  return std::make_shared<const SecretBytes>(test::secret(32, first));
}
EsDataCredential credential(std::string kid, int suid, std::optional<EntityId> owner = {}) {
  return {.kid = std::move(kid), .suid = Suid::from(suid).value(), .owner = std::move(owner)};
}

EsDataSourceConfig signed_and_encrypted() {
  return {
      .security_class = EsDataClass::sign_then_encrypt,
      .signers = {{credential("cse-1", 45), jose::SigningKey(cse_key(), SignatureAlg::es256)}},
      .recipients = {{credential("das-1", 44),
                      jose::EncryptionKey(das_key().public_key(), KeyAlg::ecdh_es_a256kw, Enc::a256gcm)}}};
}
EsDataSourceConfig encrypted() {
  return {.security_class = EsDataClass::encryption_only,
          .recipients = {
              {credential("shared-1", 14), jose::EncryptionKey(shared_key(), KeyAlg::a256kw, Enc::a256gcm)}}};
}
EsDataSourceConfig only_signed() {
  auto config = signed_and_encrypted();
  config.security_class = EsDataClass::signature_only;
  config.recipients.clear();
  return config;
}

EsDataPolicy policy(jose::Permitted<EsDataClass> classes = {EsDataClass::encryption_only,
                                                            EsDataClass::signature_only,
                                                            EsDataClass::sign_then_encrypt}) {
  return {.classes = classes,
          .signatures = {SignatureAlg::es256},
          .key_algs = {KeyAlg::ecdh_es_a256kw, KeyAlg::a256kw},
          .encs = {Enc::a256gcm}};
}
std::vector<EsDataVerifier> verifiers() {
  std::vector<EsDataVerifier> out;
  out.push_back(
      {credential("cse-1", 45, kCse), jose::VerificationKey(cse_key().public_key(), {SignatureAlg::es256})});
  return out;
}
std::vector<EsDataOpener> openers(const CseId& sharing = kCse) {
  std::vector<EsDataOpener> out;
  out.push_back(
      {credential("das-1", 44), jose::DecryptionKey(das_key(), {KeyAlg::ecdh_es_a256kw}, {Enc::a256gcm})});
  out.push_back({credential("shared-1", 14, sharing),
                 jose::DecryptionKey(shared_key(), {KeyAlg::a256kw}, {Enc::a256gcm})});
  return out;
}
std::shared_ptr<const SecuredRequestTarget> target(const EsDataPolicy& accepted = policy(),
                                                   const CseId& sharing = kCse) {
  return SecuredRequestTarget::make({.self = kDas}, accepted, verifiers(), openers(sharing)).value();
}
std::string protect(EsDataSourceConfig config, const CseId& self = kCse, const EntityId& das = kDas,
                    std::chrono::seconds lifetime = std::chrono::minutes(5)) {
  return SecuredRequestSource::make({.self = self, .das = das, .lifetime = lifetime}, std::move(config))
      .value()
      ->protect(kRequest, kNow)
      .value();
}
/// A payload that no source of ours would write, protected as it would.
std::string protect_text(std::string_view payload, EsDataSourceConfig config = signed_and_encrypted()) {
  return EsDataSource::make(std::move(config)).value()->protect(as_bytes(payload), kNow).value();
}
/// Good claims, one of them replaced by this JSON text.
std::string claims_with(std::string_view name, const std::string& text) {
  const auto now = kNow.time_since_epoch().count() / 1'000'000;
  json::object claims{{"iss", "//sp.example/mn-cse"},
                      {"aud", "das.sp.example"},
                      {"jti", "j1"},
                      {"iat", now},
                      {"exp", now + 60},
                      {"dreq", kRequest}};
  if (!name.empty()) claims[name] = json::parse(text);
  return codec::to_text(claims);
}

void expect_refused(const codec::Outcome<SecuredRequest>& opened, Rsc rsc, const char* why) {
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().rsc, rsc);
  EXPECT_THAT(opened.error().detail, HasSubstr(why));
}

TEST(SecuredRequest, comes_out_for_the_das_server_as_it_went_in) {
  cover({"7.3.2.3-02"});
  for (const auto& config : {signed_and_encrypted(), encrypted(), only_signed()}) {
    const auto sdr = protect(config);
    const auto opened = target()->open(sdr, kNow);
    ASSERT_TRUE(opened) << opened.error().detail;
    EXPECT_EQ(opened->source, kCse);
    EXPECT_EQ(opened->target, kDas);
    EXPECT_EQ(opened->request, kRequest);
    EXPECT_EQ(opened->end, kNow + std::chrono::minutes(5));
    EXPECT_NE(target()->open(protect(config), kNow)->id, opened->id) << "no two are the same";
  }
}

TEST(SecuredRequest, cannot_be_read_on_the_way) {
  for (const auto& config : {signed_and_encrypted(), encrypted()}) {
    const auto sdr = protect(config);
    std::string seen;
    std::string_view rest(sdr);
    while (!rest.empty()) {
      const auto end = std::min(rest.find('.'), rest.size());
      const auto part = from_base64url(rest.substr(0, end));
      ASSERT_TRUE(part);
      seen += as_text(*part);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    EXPECT_EQ(seen.find("family"), std::string::npos);
    EXPECT_EQ(seen.find("sitter"), std::string::npos);
  }
}

TEST(SecuredRequest, any_changed_character_is_refused) {
  const auto sdr = protect(signed_and_encrypted());
  for (std::size_t at = 0; at < sdr.size(); at += 7) {
    auto changed = sdr;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(target()->open(changed, kNow)) << at;
  }
}

TEST(SecuredRequest, is_for_one_das_server) {
  const auto other = *parse_entity_id("other.sp.example", kSp);
  expect_refused(target()->open(protect(signed_and_encrypted(), kCse, other), kNow),
                 Rsc::originator_has_no_privilege, "aud");
}

TEST(SecuredRequest, is_by_the_cse_that_it_names) {
  expect_refused(target()->open(protect(signed_and_encrypted(), kOther), kNow),
                 Rsc::originator_has_no_privilege, "iss is not whose key");
  expect_refused(target()->open(protect(encrypted(), kOther), kNow), Rsc::originator_has_no_privilege,
                 "iss is not whose key");
  // The key of another CSE around what this one signed.
  auto mixed = signed_and_encrypted();
  mixed.recipients = encrypted().recipients;
  EXPECT_TRUE(target()->open(protect(mixed), kNow));
  expect_refused(target(policy(), kOther)->open(protect(mixed), kNow), Rsc::originator_has_no_privilege,
                 "key of another CSE");
}

TEST(SecuredRequest, of_a_stranger_is_refused) {
  auto stranger = signed_and_encrypted();
  stranger.signers = {
      {credential("cse-1", 45),
       jose::SigningKey(crypto::PrivateKey::generate(crypto::KeyKind::p256), SignatureAlg::es256)}};
  expect_refused(target()->open(protect(stranger), kNow), Rsc::originator_has_no_privilege, "integrity");
  stranger.signers.front().credential.kid = "unknown";
  expect_refused(target()->open(protect(stranger), kNow), Rsc::originator_has_no_privilege,
                 "unknown credential");
  // To a public key anybody can encrypt.
  auto anybody = signed_and_encrypted();
  anybody.security_class = EsDataClass::encryption_only;
  anybody.signers.clear();
  expect_refused(target()->open(protect(anybody), kNow), Rsc::originator_has_no_privilege, "source");
  expect_refused(target()->open("a.b.c.d.e", kNow), Rsc::bad_request, "form");
  expect_refused(target()->open("", kNow), Rsc::bad_request, "form");
  expect_refused(target()->open(R"({"payload":""})", kNow), Rsc::bad_request, "form");
}

TEST(SecuredRequest, of_a_class_or_algorithm_outside_the_policy_is_refused) {
  const auto only_encrypted = policy({EsDataClass::encryption_only});
  expect_refused(target(only_encrypted)->open(protect(signed_and_encrypted()), kNow),
                 Rsc::originator_has_no_privilege, "security class");
  expect_refused(target(only_encrypted)->open(protect(only_signed()), kNow), Rsc::originator_has_no_privilege,
                 "security class");
  EXPECT_TRUE(target(only_encrypted)->open(protect(encrypted()), kNow));
  auto weaker = policy();
  weaker.encs = {Enc::a128gcm};
  expect_refused(target(weaker)->open(protect(encrypted()), kNow), Rsc::originator_has_no_privilege,
                 "algorithm");
}

TEST(SecuredRequest, holds_for_its_time_only) {
  const auto sdr = protect(signed_and_encrypted());
  EXPECT_TRUE(target()->open(sdr, kNow + std::chrono::seconds(299)));
  expect_refused(target()->open(sdr, kNow + std::chrono::seconds(300)), Rsc::originator_has_no_privilege,
                 "expired");
  EXPECT_TRUE(target()->open(sdr, kNow - kSecuredRequestSkew));
  expect_refused(target()->open(sdr, kNow - kSecuredRequestSkew - std::chrono::seconds(1)),
                 Rsc::originator_has_no_privilege, "future");
  EXPECT_TRUE(target()->open(protect(encrypted(), kCse, kDas, std::chrono::minutes(10)), kNow));
  expect_refused(target()->open(protect(encrypted(), kCse, kDas, std::chrono::seconds(601)), kNow),
                 Rsc::originator_has_no_privilege, "longer");
}

TEST(SecuredRequest, has_these_claims_and_no_others) {
  EXPECT_TRUE(target()->open(protect_text(claims_with("", "")), kNow));
  const auto now = std::to_string(kNow.time_since_epoch().count() / 1'000'000);
  const std::vector<std::pair<const char*, std::string>> bad_claims = {
      {"iss", R"("/mn-cse")"},
      {"iss", R"("//sp.example/mn-cse/C1")"},
      {"iss", "null"},
      {"aud", R"("/das")"},
      {"aud", R"(["das.sp.example"])"},
      {"jti", R"("")"},
      {"jti", R"("a b")"},
      {"jti", '"' + std::string(65, 'a') + '"'},
      {"jti", "1"},
      {"iat", R"("now")"},
      {"iat", "-1"},
      {"iat", "1.5"},
      {"exp", now},
      {"exp", "253402300800"},
      {"dreq", R"("x")"},
      {"dreq", "[]"},
      {"crit", "1"}};
  for (const auto& [name, value] : bad_claims)
    expect_refused(target()->open(protect_text(claims_with(name, value)), kNow),
                   Rsc::originator_has_no_privilege, "sdr: ");
  for (const auto* text : {"", "[]", "{}", "null", R"({"iss":1,"iss":2})"})
    EXPECT_FALSE(read_secured_request(text)) << text;
  EXPECT_TRUE(read_secured_request(claims_with("jti", '"' + std::string(64, 'a') + '"')));
  // A token is none: the same keys may sign both.
  EXPECT_FALSE(target()->open(
      protect_text(R"({"iss":"//sp.example/mn-cse","jti":"t1@sp.example","exp":4102444800})"), kNow));
}

TEST(SecuredRequest, is_not_made_or_taken_with_unfit_keys) {
  const auto source = [](EsDataSourceConfig config,
                         std::chrono::seconds lifetime = std::chrono::seconds(60)) {
    return SecuredRequestSource::make({.self = kCse, .das = kDas, .lifetime = lifetime}, std::move(config));
  };
  auto direct = encrypted();
  direct.recipients = {{credential("k", 14), jose::EncryptionKey(shared_key(), KeyAlg::dir, Enc::a256gcm)}};
  EXPECT_FALSE(source(direct));
  auto in_json = encrypted();
  in_json.form = EsDataForm::json;
  EXPECT_FALSE(source(in_json));
  EXPECT_FALSE(source(encrypted(), std::chrono::seconds(0)));
  EXPECT_FALSE(source(encrypted(), std::chrono::hours(1) + std::chrono::seconds(1)));
  EXPECT_TRUE(source(encrypted(), std::chrono::hours(1)));

  const auto made = [](EsDataPolicy accepted, std::vector<EsDataVerifier> v, std::vector<EsDataOpener> o) {
    return SecuredRequestTarget::make({.self = kDas}, accepted, std::move(v), std::move(o)).has_value();
  };
  auto anybody = policy();
  anybody.source_verified = false;
  EXPECT_FALSE(made(anybody, verifiers(), openers()));
  auto of_nobody = verifiers();
  of_nobody.front().credential.owner.reset();
  EXPECT_FALSE(made(policy(), of_nobody, openers()));
  auto shared_with_nobody = openers();
  shared_with_nobody.back().credential.owner.reset();
  EXPECT_FALSE(made(policy(), verifiers(), shared_with_nobody));
}

TEST(SecuredRequest, goes_on_with_new_keys_or_with_the_old_ones) {
  auto source = SecuredRequestSource::make({.self = kCse, .das = kDas}, encrypted()).value();
  EXPECT_FALSE(source->configure({}));
  EXPECT_TRUE(target()->open(source->protect(kRequest, kNow).value(), kNow));
  EXPECT_TRUE(source->configure(signed_and_encrypted()));
  const auto now_signed = source->protect(kRequest, kNow).value();
  EXPECT_FALSE(target(policy({EsDataClass::encryption_only}))->open(now_signed, kNow));
  EXPECT_TRUE(target()->open(now_signed, kNow));
}

}  // namespace
}  // namespace latchkey::e2e
