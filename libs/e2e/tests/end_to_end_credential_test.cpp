// End-to-end credentials of a TEF (TS-0003 8.6, 9.2.3, 10.3.6): made by both ends, used for ESData and
// ESPrim.
#include "latchkey/e2e/end_to_end_credential.h"

#include <gmock/gmock.h>

#include "latchkey/crypto/crypto.h"
#include "world.h"

namespace latchkey::e2e {
namespace {

using crypto::Hash;
using test::at;
using test::cover;
using test::entity;
using test::kLock;
using test::kPhone;
using ::testing::HasSubstr;

const TimePoint kNow = at("20261128T120000");
constexpr const char* kOther = "//sp.example/mn-cse";
constexpr const char* kKeyId = "00112233445566778899AABBCCDDEEFF@maf.example";

Suid suid(int value) { return Suid::from(value).value(); }
SecurityProfile profile(Strength messages, Strength integrity, Strength confidentiality,
                        std::optional<ProtectionClass> protection = {}) {
  return {.strengths = {messages, messages, integrity, confidentiality}, .protection = protection};
}
constexpr auto kSeparate = ProtectionClass::separate_keys;
const SecurityProfile kMessages = profile(Strength::medium, Strength::none, Strength::none);
const SecurityProfile kData = profile(Strength::none, Strength::medium, Strength::medium);
const SecurityProfile kDataLow = profile(Strength::none, Strength::low, Strength::low);
const SecurityProfile kDataSeparate = profile(Strength::none, Strength::medium, Strength::medium, kSeparate);
const SecurityProfile kMic = profile(Strength::none, Strength::medium, Strength::none);

EndToEndCredential credential(const SecurityProfile& wanted, int use,
                              std::vector<EntityId> targets = {entity(kLock)}, std::uint8_t first = 0) {
  auto parameters = make_parameters(wanted, suid(use), MasterOrigin::source).value();
  auto master = test::secret(crypto::hash_bytes(parameters.choice.hash), first);
  auto made = EndToEndCredential::make({.id = KeyId::parse(kKeyId).value(),
                                        .source = entity(kPhone),
                                        .targets = std::move(targets),
                                        .suid = suid(use),
                                        .end = kNow + std::chrono::hours(1),
                                        .parameters = std::move(parameters)},
                                       std::move(master));
  EXPECT_TRUE(made) << (made ? "" : made.error().detail);
  return std::move(*made);
}

// --- parameters

TEST(Parameters, TravelAsJson) {
  cover({"9.2.3.1-02", "9.2.3.1-T02", "9.2.3.3-T02"});
  for (const auto& [wanted, use] : {std::pair{kMessages, 33}, std::pair{kData, 34}, std::pair{kDataLow, 34},
                                    std::pair{kDataSeparate, 34}, std::pair{kMic, 35}}) {
    auto parameters = make_parameters(wanted, suid(use), MasterOrigin::exported).value();
    parameters.scope = "doors";
    EXPECT_EQ(read_end_to_end_parameters(to_json(parameters)).value(), parameters);
  }
  auto wanted = profile(Strength::high, Strength::none, Strength::none, kSeparate);
  const auto parameters = make_parameters(wanted, suid(33), MasterOrigin::source).value();
  const auto members = to_json(parameters);
  EXPECT_EQ(read_end_to_end_parameters(members).value(), parameters);
  EXPECT_EQ(members.at("hash"), "HMAC-SHA-512");
  EXPECT_EQ(members.at("keys"),
            (json::value{{"msgAuth", {{"alg", "HMAC-SHA-512"}, {"lbl", "E2E Message Authentication Key"}}},
                         {"msgConf", {{"alg", "AES-256"}, {"lbl", "E2E Message Confidentiality Key"}}}}));
}

TEST(Parameters, ASaltIsFreshAndMayBeMissing) {
  cover({"9.2.3.1-T02"});
  const auto one = make_parameters(kData, suid(34), MasterOrigin::source).value();
  const auto two = make_parameters(kData, suid(34), MasterOrigin::source).value();
  EXPECT_EQ(one.salt.size(), kSaltOctets);
  EXPECT_NE(one.salt, two.salt);
  auto members = to_json(one);
  members.erase("salt");
  EXPECT_TRUE(read_end_to_end_parameters(members).value().salt.empty());
}

TEST(Parameters, WhatIsWrongIsRefused) {
  cover({"9.2.3.1-02"});
  const auto members = to_json(make_parameters(kDataSeparate, suid(34), MasterOrigin::source).value());
  const auto refused = [&](const char* name, const json::value& value) {
    auto changed = members;
    if (value.is_null())
      changed.erase(name);
    else
      changed[name] = value;
    const auto read = read_end_to_end_parameters(changed);
    EXPECT_FALSE(read) << name << " " << json::value(changed);
    return read ? std::string() : read.error().detail;
  };
  for (const auto* name : {"org", "ptc", "cls", "hash", "keys", "nlt"}) {
    EXPECT_THAT(refused(name, nullptr), HasSubstr(name));
    EXPECT_THAT(refused(name, false), HasSubstr(name));
    EXPECT_THAT(refused(name, "other"), HasSubstr(name));
  }
  EXPECT_THAT(refused("nlt", 0), HasSubstr("nlt"));
  EXPECT_THAT(refused("salt", json::string(130, '0')), HasSubstr("salt"));
  EXPECT_THAT(refused("salt", "xy"), HasSubstr("salt"));
  EXPECT_THAT(refused("scp", json::string(257, 'x')), HasSubstr("scp"));
  EXPECT_THAT(refused("more", 1), HasSubstr("unknown"));
  EXPECT_THAT(refused("keys", json::object{}), HasSubstr("none is used"));
  const auto key = [](const char* alg, const char* label) {
    return json::object{{"alg", alg}, {"lbl", label}};
  };
  constexpr const char* kConf = "E2E Attribute Confidentiality Key";
  EXPECT_THAT(refused("keys", {{"attConf", key("AES-128", kConf)}}), HasSubstr("algorithm"));
  EXPECT_THAT(refused("keys", {{"attAuth", key("HMAC-SHA-512", "E2E Attribute Authenticity Key")}}),
              HasSubstr("algorithm"));
  EXPECT_THAT(refused("keys", {{"attConf", key("AES-256", "E2E Message Confidentiality Key")}}),
              HasSubstr("label"));
  EXPECT_THAT(refused("keys", {{"extra", key("AES-256", kConf)}}), HasSubstr("four keys"));
  EXPECT_THAT(refused("keys", {{"attConf", "AES-256"}}), HasSubstr("four keys"));
  EXPECT_THAT(refused("keys", {{"msgAuth", key("HMAC-SHA-512", "E2E Message Authentication Key")}}),
              HasSubstr("HMAC-SHA-512"));
  auto aead = members;
  aead["cls"] = "aead";
  EXPECT_THAT(read_end_to_end_parameters(aead).error().detail, HasSubstr("AEAD"));
}

// --- masters

TEST(Master, OfKmAndOfWhatWasExported) {
  cover({"8.6.2-07", "8.6.2-T03", "10.3.6.1-01", "10.3.6.1-02", "10.3.6.1-T01"});
  auto parameters = make_parameters(kData, suid(34), MasterOrigin::master_credential).value();
  const auto km = test::secret(32, 7);
  EXPECT_EQ(extract_master(parameters, km), crypto::hmac_sha256(parameters.salt, km.reveal()));
  // Kpsa by 10.3.3 of what stands for Ke, for the id of the source in NFKC.
  const auto master = extract_master_from_exported(parameters, test::secret(32, 9), entity(kPhone)).value();
  const std::string input =
      std::string("oneM2M Enrolment Key to Provisioned Secure Connection Key derivation") + kPhone;
  const auto kpsa = crypto::hmac_sha256(test::secret(32, 9), as_bytes(input));
  EXPECT_EQ(master, crypto::hmac_sha256(parameters.salt, kpsa.reveal()));
  EXPECT_FALSE(master == extract_master_from_exported(parameters, test::secret(32, 9), entity(kLock)).value())
      << "the source enters";
  EXPECT_EQ(extract_master_from_exported(parameters, test::secret(32, 9),
                                         EntityId(M2mDeviceId::parse("0.2.481.1.100.3030.10011").value()))
                .error()
                .code,
            ErrorCode::invalid_argument);
}

TEST(Master, OfRandomOctetsOrOfKe) {
  cover({"8.6.3-T01", "10.3.6.1-T01"});
  const auto parameters = make_parameters(kData, suid(34), MasterOrigin::source).value();
  const auto one = generate_master(parameters);
  EXPECT_EQ(one.size(), 32U);
  EXPECT_FALSE(one == generate_master(parameters));
  const Ke ke(test::secret(32, 3));
  const auto of_ke = generate_master(parameters, ke, entity(kPhone)).value();
  EXPECT_EQ(of_ke,
            crypto::hmac_sha256(parameters.salt, crypto::derive_kpsa(ke, kPhone).value().bytes().reveal()));
}

TEST(Credential, IsWhole) {
  cover({"9.2.3.3-T01"});
  const auto good = credential(kData, 34, {entity(kLock), entity(kOther)});
  EXPECT_EQ(good.attributes().targets.size(), 2U);
  const auto make = [](const SecurityProfile& wanted, int chosen_for, int use, std::vector<EntityId> targets,
                       std::size_t octets, EntityId source) {
    auto parameters = make_parameters(wanted, suid(chosen_for), MasterOrigin::source).value();
    const auto made = EndToEndCredential::make({.id = KeyId::parse(kKeyId).value(),
                                                .source = std::move(source),
                                                .targets = std::move(targets),
                                                .suid = suid(use),
                                                .end = kNow,
                                                .parameters = std::move(parameters)},
                                               test::secret(octets));
    EXPECT_FALSE(made);
    return made ? std::string() : made.error().detail;
  };
  const auto lock = entity(kLock), phone = entity(kPhone);
  EXPECT_THAT(make(kData, 34, 35, {lock}, 32, phone), HasSubstr("SUID 35"));
  EXPECT_THAT(make(kData, 34, 33, {lock}, 32, phone), HasSubstr("SUID 33"));
  EXPECT_THAT(make(kMessages, 33, 34, {lock}, 32, phone), HasSubstr("SUID 34"));
  EXPECT_THAT(make(kData, 34, 32, {lock}, 32, phone), HasSubstr("SUID 32"));
  EXPECT_THAT(make(kData, 34, 34, {lock}, 31, phone), HasSubstr("length"));
  EXPECT_THAT(make(kData, 34, 34, {}, 32, phone), HasSubstr("Target"));
  EXPECT_THAT(make(kMessages, 33, 33, {lock, entity(kOther)}, 32, phone), HasSubstr("exactly one"));
  EXPECT_THAT(make(kData, 34, 34, {Fqdn::parse("maf.example").value()}, 32, phone), HasSubstr("Target"));
  EXPECT_THAT(make(kData, 34, 34, {lock}, 32, Fqdn::parse("maf.example").value()), HasSubstr("Source"));
}

// --- ESData

struct Way {
  const char* name;
  SecurityProfile profile;
  int use;
  const char* content_info;
};
class Data : public ::testing::TestWithParam<Way> {};

std::string why(const EsDataResult<EsDataOpened>& opened) {
  return opened ? "opened" : std::string(to_string(opened.error().defect));
}

TEST_P(Data, OfTheSourceIsOpenedByTheTarget) {
  cover({"8.6.1.2-T01", "8.6.3-T02", "9.2.3.1-T03", "9.2.3.3-T03"});
  const Way& way = GetParam();
  const auto ours = credential(way.profile, way.use);
  const auto wrong = credential(way.profile, way.use, {entity(kLock)}, 1);
  for (const auto form : {EsDataForm::compact, EsDataForm::json, EsDataForm::json_base64}) {
    auto source = ours.data_source("application/json", form).value();
    const auto text = source.protect(as_bytes("{\"t\":21}"), kNow).value();
    const auto again = source.protect(as_bytes("{\"t\":21}"), kNow).value();
    EXPECT_EQ(text == again, way.use == 35) << "an IV for each use";
    EXPECT_EQ(source.content_info(),
              std::string(way.content_info) + ":0:" + std::to_string(static_cast<int>(form)));
    const auto opened = ours.data_target(entity(kLock), false)->open(form, text, kNow);
    ASSERT_TRUE(opened) << why(opened) << ": " << opened.error().detail;
    EXPECT_EQ(as_text(opened->payload.reveal()), "{\"t\":21}");
    EXPECT_EQ(opened->media_type, "application/json");
    ASSERT_EQ(opened->verified.size(), 1U);
    EXPECT_EQ(opened->verified.front().owner, entity(kPhone));
    EXPECT_EQ(key_ids_of_esdata(text), std::vector{KeyId::parse(kKeyId).value()});
    EXPECT_EQ(why(wrong.data_target(entity(kLock), false)->open(form, text, kNow)), "integrity");
    auto changed = text;
    changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(ours.data_target(entity(kLock), false)->open(form, changed, kNow));
  }
}
INSTANTIATE_TEST_SUITE_P(Profiles, Data,
                         ::testing::Values(Way{"aead", kData, 34, "application/json"},
                                           Way{"aead_low", kDataLow, 34, "application/json"},
                                           Way{"separate_keys", kDataSeparate, 34, "application/jose"},
                                           Way{"mic", kMic, 35, "application/json"}),
                         [](const auto& way) { return std::string(way.param.name); });

TEST(DataCredential, SaysWhichAlgorithms) {
  cover({"9.2.3.3-T02"});
  const auto header = [](const SecurityProfile& wanted) {
    auto source = credential(wanted, 34).data_source("").value();
    return inspect_esdata(EsDataForm::compact, source.protect(as_bytes("x"), kNow).value()).value();
  };
  const auto alg = [](const json::object& seen, const char* list, const char* name) {
    return std::string(seen.at(list).as_array().at(0).at("header").at(name).as_string());
  };
  EXPECT_EQ(alg(header(kDataLow), "recipients", "enc"), "A192GCM");
  EXPECT_EQ(alg(header(kData), "recipients", "enc"), "A256GCM");
  EXPECT_EQ(alg(header(kDataSeparate), "signatures", "alg"), "HS256");
}

TEST(DataCredential, SeparateKeysAreBothNeeded) {
  cover({"9.2.3.3-01", "9.2.3.3-T02"});
  const auto both = credential(kDataSeparate, 34);
  const auto text = both.data_source("").value().protect(as_bytes("x"), kNow).value();
  // What stands under the MIC is an envelope; alone it is not accepted, nor is a payload in its place.
  const auto payload =
      from_base64url(text.substr(text.find('.') + 1, text.rfind('.') - text.find('.') - 1)).value();
  const std::string inner(as_text(payload));
  ASSERT_EQ(std::ranges::count(inner, '.'), 4);
  const auto target = both.data_target(entity(kLock), false).value();
  EXPECT_EQ(why(target.open(EsDataForm::compact, inner, kNow)), "security class");
  const auto keys = crypto::expand_ke2e(test::secret(32));
  const jose::SigningKey mac(std::make_shared<const SecretBytes>(keys.att_auth.duplicate()),
                             jose::SignatureAlg::hs256);
  const auto forged = [&](json::object header, std::string_view content) {
    header["kid"] = kKeyId;
    return target.open(EsDataForm::compact, mac.sign(std::move(header), as_bytes(content)).value(), kNow);
  };
  EXPECT_EQ(why(forged({{"cty", "JOSE"}}, inner)), "opened") << "the key is that of 10.3.6.2";
  EXPECT_EQ(why(forged({}, inner)), "form");
  EXPECT_EQ(why(forged({{"cty", "JOSE"}}, "x")), "form");
  // The encryption key is another one than that of the MIC.
  const jose::EncryptionKey wrapped(std::make_shared<const SecretBytes>(keys.att_auth.duplicate()),
                                    jose::KeyAlg::a256kw, jose::Enc::a256gcm);
  EXPECT_EQ(why(forged({{"cty", "JOSE"}}, wrapped.seal({{"kid", kKeyId}}, as_bytes("x")).value())),
            "integrity");
  const jose::EncryptionKey right(std::make_shared<const SecretBytes>(keys.att_conf.duplicate()),
                                  jose::KeyAlg::a256kw, jose::Enc::a256gcm);
  EXPECT_EQ(why(forged({{"cty", "JOSE"}}, right.seal({{"kid", kKeyId}}, as_bytes("x")).value())), "opened");
}

TEST(DataCredential, OfSeveralTargetsProvesNoSource) {
  cover({"8.6.3-01"});
  const auto shared = credential(kData, 34, {entity(kLock), entity(kOther)});
  const auto text = shared.data_source("").value().protect(as_bytes("x"), kNow).value();
  for (const auto* who : {kLock, kOther}) {
    EXPECT_EQ(why(shared.data_target(entity(who), false)->open(EsDataForm::compact, text, kNow)),
              "source not verified");
    const auto opened = shared.data_target(entity(who), true)->open(EsDataForm::compact, text, kNow);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->verified.empty());
  }
}

TEST(DataCredential, IsForItsTargetsItsUseAndItsTime) {
  const auto ours = credential(kData, 34);
  EXPECT_EQ(ours.data_target(entity(kOther), true).error().code, ErrorCode::denied);
  EXPECT_EQ(ours.data_target(entity(kPhone), true).error().code, ErrorCode::denied);
  EXPECT_EQ(credential(kMessages, 33).data_source("").error().code, ErrorCode::denied);
  EXPECT_EQ(credential(kMessages, 33).data_target(entity(kLock), true).error().code, ErrorCode::denied);
  auto source = ours.data_source("").value();
  const auto text = source.protect(as_bytes("x"), kNow).value();
  const auto end = kNow + std::chrono::hours(1);
  EXPECT_EQ(source.protect(as_bytes("x"), end).error().code, ErrorCode::expired);
  const auto target = ours.data_target(entity(kLock), false).value();
  EXPECT_TRUE(target.open(EsDataForm::compact, text, end - std::chrono::seconds(1)));
  EXPECT_EQ(why(target.open(EsDataForm::compact, text, end)), "expired credential");
  auto xml = kData;
  xml.protocol = ProtectionProtocol::xml;
  EXPECT_EQ(credential(xml, 34).data_source("").error().code, ErrorCode::unsupported);
}

// --- ESPrim

TEST(MessageCredential, ProtectsAnExchange) {
  cover({"8.6.1.2-T01", "9.2.3.1-T03", "9.2.3.3-T03", "10.3.6.2-T02"});
  const auto ours = credential(kMessages, 33);
  test::World world;
  ASSERT_TRUE(world.receiver->add_key(ours.esprim_key(entity(kLock)).value()));
  EsPrimOriginatorConfig config{.receiver_address = "/lock-cse"};
  ours.apply(config);
  EXPECT_EQ(config.object_lifetime, kNonceLifetime) << "freshness lasts no longer than provisioned";
  EXPECT_THAT(config.encs, ::testing::ElementsAre(jose::Enc::a256gcm));
  world.originator = EsPrimOriginator::make(config, ours.esprim_key(entity(kPhone)).value()).value();
  world.must_exchange();
  EXPECT_EQ(key_id_of_esprim(world.objects.front(), world.now).value().text(), kKeyId);
  ASSERT_EQ(world.executed.size(), 1U);
  // One key for both protections: Ke2e_msg_conf (10.3.6.2 note 1).
  const auto keys = crypto::expand_ke2e(test::secret(32));
  const auto pairwise = ours.esprim_key(entity(kLock)).value();
  EXPECT_EQ(pairwise->session_key({}, {}).value(), crypto::derive_session_esprim_key(keys.msg_conf, {}, {}));
  EXPECT_EQ(pairwise->peer(), entity(kPhone));
  EXPECT_EQ(pairwise->suid(), suid(33));
  EXPECT_EQ(pairwise->end(), kNow + std::chrono::hours(1));
}

TEST(MessageCredential, LowStrengthTakesTheShorterKeyToo) {
  EsPrimOriginatorConfig config;
  credential(profile(Strength::low, Strength::none, Strength::none), 33).apply(config);
  EXPECT_THAT(config.encs, ::testing::ElementsAre(jose::Enc::a256gcm, jose::Enc::a192gcm));
}

TEST(MessageCredential, WhatItIsNotFor) {
  const auto ours = credential(kMessages, 33);
  EXPECT_EQ(ours.esprim_key(entity(kOther)).error().code, ErrorCode::denied);
  EXPECT_EQ(credential(kData, 34).esprim_key(entity(kLock)).error().code, ErrorCode::denied);
  const auto separate = credential(profile(Strength::high, Strength::none, Strength::none, kSeparate), 33);
  EXPECT_EQ(separate.master().size(), 64U);
  EXPECT_EQ(separate.esprim_key(entity(kLock)).error().code, ErrorCode::unsupported);
}

TEST(KeyIds, OfWhatIsNoEnvelope) {
  for (const auto* text : {"", "x", "a.b.c", "{}", "a.b.c.d.e", "e30=", "{\"payload\":1}"})
    EXPECT_TRUE(key_ids_of_esdata(text).empty()) << text;
  EXPECT_FALSE(key_id_of_esprim("a..b.c.d", kNow));
}

}  // namespace
}  // namespace latchkey::e2e
