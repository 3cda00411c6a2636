// Security profiles (TS-0003 8.6, tables 9.2.3.2-1 and 9.2.3.3-1): what a demand becomes, what a target
// lacks, what does not go together.
#include "latchkey/e2e/security_profile.h"

#include <gmock/gmock.h>

#include "latchkey/e2e/end_to_end_credential.h"
#include "world.h"

namespace latchkey::e2e {
namespace {

using crypto::EndToEndKey;
using crypto::Hash;
using test::at;
using test::cover;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Suid suid(int value) { return Suid::from(value).value(); }
SecurityProfile profile(Strength msg_auth, Strength msg_conf, Strength att_auth, Strength att_conf,
                        std::optional<ProtectionClass> protection = {}) {
  return {.strengths = {msg_auth, msg_conf, att_auth, att_conf}, .protection = protection};
}
constexpr Strength kNone = Strength::none, kLow = Strength::low, kMedium = Strength::medium,
                   kHigh = Strength::high;
constexpr auto kAead = ProtectionClass::aead, kSeparate = ProtectionClass::separate_keys;

struct Row {
  const char* name;
  int suid;
  std::optional<ProtectionClass> demand;
  Strength authenticity, confidentiality;
  ProtectionClass protection;
  Hash hash;
  std::optional<Hash> hmac;
  std::optional<unsigned> aes;
};

class Choice : public ::testing::TestWithParam<Row> {};

TEST_P(Choice, IsThatOfTheTable) {
  cover({"8.6.2-02", "8.6.3-02", "9.2.3.2-T01", "9.2.3.3-01", "9.2.3.3-T02"});
  const Row& row = GetParam();
  const bool messages = row.suid == 33;
  const auto wanted = messages ? profile(row.authenticity, row.confidentiality, kNone, kNone, row.demand)
                               : profile(kNone, kNone, row.authenticity, row.confidentiality, row.demand);
  const auto chosen = choose(wanted, suid(row.suid));
  ASSERT_TRUE(chosen) << chosen.error().detail;
  EXPECT_EQ(chosen->protocol, ProtectionProtocol::jose);
  EXPECT_EQ(chosen->protection, row.protection);
  EXPECT_EQ(chosen->hash, row.hash);
  EXPECT_EQ(messages ? chosen->message_authenticity : chosen->attribute_authenticity, row.hmac);
  EXPECT_EQ(messages ? chosen->message_confidentiality : chosen->attribute_confidentiality, row.aes);
  EXPECT_FALSE(messages ? chosen->attribute_authenticity : chosen->message_authenticity);
  EXPECT_FALSE(messages ? chosen->attribute_confidentiality : chosen->message_confidentiality);
}

constexpr std::optional<Hash> kNoHmac;
constexpr std::optional<unsigned> kNoAes;
INSTANTIATE_TEST_SUITE_P(
    Table_9_2_3_3, Choice,
    ::testing::Values(
        Row{"msg_low", 33, {}, kLow, kLow, kAead, Hash::sha256, kNoHmac, 192},
        Row{"msg_medium", 33, {}, kMedium, kLow, kAead, Hash::sha256, kNoHmac, 256},
        Row{"msg_high", 33, kAead, kNone, kHigh, kAead, Hash::sha256, kNoHmac, 256},
        Row{"msg_separate_low", 33, kSeparate, kLow, kLow, kSeparate, Hash::sha256, Hash::sha256, 192},
        Row{"msg_separate_high", 33, kSeparate, kHigh, kMedium, kSeparate, Hash::sha512, Hash::sha512, 256},
        Row{"msg_mac_alone", 33, kSeparate, kMedium, kNone, kSeparate, Hash::sha256, Hash::sha256, kNoAes},
        Row{"att_low", 34, {}, kLow, kLow, kAead, Hash::sha256, kNoHmac, 192},
        Row{"att_stronger_integrity", 34, {}, kHigh, kLow, kAead, Hash::sha256, kNoHmac, 256},
        Row{"att_integrity_by_aead", 34, kAead, kLow, kNone, kAead, Hash::sha256, kNoHmac, 192},
        Row{"att_separate", 34, kSeparate, kHigh, kLow, kSeparate, Hash::sha256, Hash::sha256, 192},
        Row{"att_separate_high", 34, kSeparate, kLow, kHigh, kSeparate, Hash::sha256, Hash::sha256, 256},
        Row{"mic", 35, {}, kLow, kNone, kSeparate, Hash::sha256, Hash::sha256, kNoAes},
        Row{"mic_high", 35, kSeparate, kHigh, kNone, kSeparate, Hash::sha256, Hash::sha256, kNoAes}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Choose, WhatKeysOfAUseCannotGive) {
  const auto why = [](const SecurityProfile& wanted, int use) {
    const auto chosen = choose(wanted, suid(use));
    EXPECT_FALSE(chosen);
    EXPECT_EQ(chosen.error().code, ErrorCode::invalid_argument);
    return chosen ? std::string() : chosen.error().detail;
  };
  EXPECT_THAT(why(profile(kNone, kNone, kLow, kLow), 33), HasSubstr("no protection of messages"));
  EXPECT_THAT(why(profile(kLow, kLow, kNone, kNone), 34), HasSubstr("no protection of attributes"));
  EXPECT_THAT(why(profile(kNone, kNone, kLow, kLow), 35), HasSubstr("confidential"));
  EXPECT_THAT(why(profile(kNone, kNone, kLow, kNone, kAead), 35), HasSubstr("AEAD"));
  EXPECT_THAT(why(profile(kNone, kNone, kLow, kNone, kSeparate), 34), HasSubstr("confidentiality"));
  EXPECT_THAT(why(profile(kLow, kLow, kLow, kLow), 32), HasSubstr("not end-to-end"));
}

// 8.6.2 a, c and 8.6.3 d: e2eSecInfo of the target.
TEST(Choose, TakesCapabilitiesOfTargetsIntoAccount) {
  cover({"8.6.1.2-01", "8.6.2-03", "8.6.3-03"});
  const auto wanted = profile(kLow, kLow, kLow, kLow);
  const E2eSecInfo data{.features = {suid(34)}, .certificates = {}, .shared = {}};
  const auto messages = [](std::vector<jose::Enc> encs) {
    return E2eSecInfo{.features = {suid(33)},
                      .certificates = {},
                      .shared = ReceiverRandObject::make(true, at("20261128T120000"), encs)};
  };
  EXPECT_TRUE(choose(wanted, suid(34), std::array{data, data}));
  const auto lacks = choose(wanted, suid(34), std::array{data, messages({jose::Enc::a256gcm})});
  ASSERT_FALSE(lacks);
  EXPECT_EQ(lacks.error().code, ErrorCode::unsupported);
  EXPECT_THAT(lacks.error().detail, HasSubstr("SUID 34"));
  // The shortest key that is long enough and that all offer.
  EXPECT_EQ(choose(wanted, suid(33), std::array{messages({jose::Enc::a192gcm})})->message_confidentiality,
            192U);
  EXPECT_EQ(choose(wanted, suid(33), std::array{messages({jose::Enc::a128gcm, jose::Enc::a256gcm})})
                ->message_confidentiality,
            256U);
  const auto weak =
      choose(profile(kHigh, kHigh, kNone, kNone), suid(33), std::array{messages({jose::Enc::a192gcm})});
  ASSERT_FALSE(weak);
  EXPECT_THAT(weak.error().detail, HasSubstr("strong enough"));
}

TEST(Uses, EachThatIsNeeded) {
  const auto of = [](const SecurityProfile& wanted) { return uses_of(wanted); };
  EXPECT_THAT(of({}), IsEmpty());
  EXPECT_THAT(of(profile(kLow, kNone, kNone, kNone)), ElementsAre(Suid::Use::esprim));
  EXPECT_THAT(of(profile(kNone, kNone, kHigh, kLow)), ElementsAre(Suid::Use::esdata_encryption));
  EXPECT_THAT(of(profile(kNone, kNone, kHigh, kNone)), ElementsAre(Suid::Use::esdata_signature));
  EXPECT_THAT(of(profile(kNone, kNone, kHigh, kNone, kAead)), ElementsAre(Suid::Use::esdata_encryption));
  EXPECT_THAT(of(profile(kLow, kLow, kLow, kLow)),
              ElementsAre(Suid::Use::esprim, Suid::Use::esdata_encryption));
}

TEST(Combine, MeetsBoth) {
  auto a = profile(kLow, kHigh, kNone, kMedium), b = profile(kMedium, kLow, kLow, kNone, kAead);
  a.nonce_lifetime = std::chrono::seconds(60);
  b.nonce_lifetime = std::chrono::seconds(30);
  b.scope = "of b";
  const auto both = combine(a, b);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->strengths, (std::array{kMedium, kHigh, kLow, kMedium}));
  EXPECT_EQ(both->protection, kAead);
  EXPECT_EQ(both->nonce_lifetime, std::chrono::seconds(30));
  EXPECT_EQ(both->scope, "of b");
  a.protection = kSeparate;
  EXPECT_THAT(combine(a, b).error().detail, HasSubstr("classes"));
  a.protection.reset();
  a.protocol = ProtectionProtocol::jose;
  b.protocol = ProtectionProtocol::xml;
  EXPECT_THAT(combine(a, b).error().detail, HasSubstr("protocols"));
}

TEST(Satisfies, NothingLessThanDemanded) {
  const auto given = choose(profile(kNone, kNone, kMedium, kMedium), suid(34)).value();
  EXPECT_TRUE(satisfies(given, profile(kHigh, kHigh, kNone, kNone), suid(34)))
      << "of messages it says nothing";
  EXPECT_TRUE(satisfies(given, profile(kNone, kNone, kNone, kHigh), suid(34)));
  const auto why = [&](const ProtectionChoice& choice, const SecurityProfile& wanted, int use) {
    const auto met = satisfies(choice, wanted, suid(use));
    EXPECT_FALSE(met);
    return met ? std::string() : met.error().detail;
  };
  EXPECT_THAT(why(given, profile(kNone, kNone, kLow, kLow, kSeparate), 34), HasSubstr("class"));
  const auto shorter = choose(profile(kNone, kNone, kNone, kLow), suid(34)).value();
  EXPECT_THAT(why(shorter, profile(kNone, kNone, kNone, kMedium), 34), HasSubstr("longer"));
  const auto unsigned_one = choose(profile(kNone, kNone, kNone, kHigh, kSeparate), suid(34)).value();
  EXPECT_THAT(why(unsigned_one, profile(kNone, kNone, kLow, kLow), 34), HasSubstr("authenticity"));
  const auto mic = choose(profile(kNone, kNone, kLow, kNone), suid(35)).value();
  EXPECT_THAT(why(mic, profile(kNone, kNone, kNone, kLow), 35), HasSubstr("confidential"));
  auto xml = profile(kNone, kNone, kLow, kLow);
  xml.protocol = ProtectionProtocol::xml;
  EXPECT_THAT(why(given, xml, 34), HasSubstr("protocol"));
  const auto hmac256 = choose(profile(kLow, kNone, kNone, kNone, kSeparate), suid(33)).value();
  EXPECT_THAT(why(hmac256, profile(kHigh, kNone, kNone, kNone), 33), HasSubstr("authenticity"));
}

TEST(ProfileText, IsReadFromAConfiguration) {
  const auto read = [](std::string_view text, std::vector<ConfigProblem>& problems) {
    auto in = ConfigReader::from_text(text, "profile.toml");
    auto out = read_security_profile(in);
    problems = in.finish();
    return out;
  };
  std::vector<ConfigProblem> problems;
  const auto full = read(R"(
message_authentication = "low"
message_confidentiality = "high"
attribute_integrity = "none"
attribute_confidentiality = "medium"
class = "non-aead"
protocol = "xml"
scope = "readings of the meter"
nonce_lifetime = "90s"
)",
                         problems);
  EXPECT_THAT(problems, IsEmpty());
  auto wanted = profile(kLow, kHigh, kNone, kMedium, kSeparate);
  wanted.protocol = ProtectionProtocol::xml;
  wanted.scope = "readings of the meter";
  wanted.nonce_lifetime = std::chrono::seconds(90);
  EXPECT_EQ(full, wanted);
  EXPECT_EQ(read("", problems), SecurityProfile{});
  for (const auto* bad : {"attribute_integrity = \"strong\"", "class = \"GCM\"", "protocol = \"cms\"",
                          "nonce_lifetime = \"25h\"", "nonce_lifetime = \"500ms\"", "scope = \"a\\u0001\"",
                          "attribute_authenticity = \"low\""}) {
    static_cast<void>(read(bad, problems));
    EXPECT_EQ(problems.size(), 1U) << bad;
  }
}

TEST(ProfileText, TravelsAsJson) {
  auto wanted = profile(kLow, kNone, kHigh, kMedium, kAead);
  wanted.protocol = ProtectionProtocol::jose;
  wanted.scope = "doors";
  wanted.nonce_lifetime = std::chrono::seconds(5);
  EXPECT_EQ(read_security_profile(to_json(wanted)).value(), wanted);
  EXPECT_EQ(read_security_profile(to_json(SecurityProfile{})).value(), SecurityProfile{});
  EXPECT_EQ(read_security_profile(json::object{}).value(), SecurityProfile{});
  for (const json::object& bad :
       {json::object{{"prf", {{"msgAuth", "huge"}}}}, json::object{{"prf", {{"dataAuth", "low"}}}},
        json::object{{"prf", {{"msgAuth", 1}}}}, json::object{{"prf", "low"}}, json::object{{"cls", "gcm"}},
        json::object{{"ptc", 1}}, json::object{{"scp", std::string(257, 'a')}}, json::object{{"nlt", 0}},
        json::object{{"nlt", 86'401}}, json::object{{"nlt", "60"}}, json::object{{"salt", "00"}}})
    EXPECT_EQ(read_security_profile(bad).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace latchkey::e2e
