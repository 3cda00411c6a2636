// Rand objects, the session key derived of them, and how they travel.
#include <gmock/gmock.h>

#include <boost/json/parse.hpp>
#include <set>

#include "world.h"

namespace latchkey::e2e {
namespace {

using test::at;
using test::cover;
using test::octets;

const TimePoint kNow = at("20261128T120000");
constexpr const char* kReceiver =
    R"({"esri":"U-rcv1","esrv":"r00112233445566778899aabbccddeeff","esrx":"20300101T000000","esks":[1],"espa":[10,12]})";
constexpr const char* kOriginator =
    R"({"esri":"U-org1","esrv":"rffeeddccbbaa99887766554433221100","esrx":"20291231T000000","esk":1,"espa":[12]})";

ReceiverRandObject receiver(const std::string& text = kReceiver) {
  return ReceiverRandObject::read(json::parse(text), kNow).value();
}
OriginatorRandObject originator(const std::string& text = kOriginator) {
  return OriginatorRandObject::read(json::parse(text), kNow).value();
}

/// An object of our own choices, computed by another implementation: e2e-and-dynamic-authorization.md 3.3.
TEST(Vector, SessionKeyAndEsPrimObject) {
  cover({"10.3.8.2-T01", "8.4.3.2-T01", "8.4.3.2-T02", "8.4.3.2-12", "8.4.3.2-13", "8.4.2-33"});
  EXPECT_EQ(as_text(receiver().octets()), kReceiver);
  EXPECT_EQ(as_text(originator().octets()), kOriginator);
  const auto key =
      crypto::derive_session_esprim_key(test::secret(32), receiver().octets(), originator().octets());
  EXPECT_EQ(to_hex(key.reveal()), "D4B227C4F4CA9E05120B9FF3C5ABC40A0EF15013B3BDFFEA67B100D1C711AC1E");
  const std::string expected =
      "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiSzFAbWFmLmV4YW1wbGUuY29tIiwib3JpIjoiVS1vcmcxIiwicnJpIj"
      "oiVS1yY3YxIn0..AAAAAAAAAAAAAAAA.ucmKg_28OZo.YRi8EYGCGM-QUDqj_x3CIQ";
  const auto header = jose::direct_header(
      jose::Enc::a256gcm, {{"kid", "K1@maf.example.com"}, {"ori", "U-org1"}, {"rri", "U-rcv1"}});
  EXPECT_EQ(jose::seal_direct(header, key, Bytes(12), as_bytes(R"({"op":2})")).value(), expected);
  const auto opened = jose::open_direct(jose::split_jwe(expected).value(), key);
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(opened->plaintext.reveal()), R"({"op":2})");
  EXPECT_EQ(opened->iv, Bytes(12));
}

TEST(Vector, PairwiseKeyOfKc) {
  cover({"8.4.2-49", "8.4.2-T03"});
  EXPECT_EQ(to_hex(crypto::derive_pairwise_esprim_key(Kc(test::secret(32))).reveal()),
            "3B263D4E3B20F2DC9646C5DEF3524B45BA45BD8E98D56797E8D40EE7E2134552");
}

TEST(RandObject, MembersAsTheTablesHaveThem) {
  cover({"8.4.3.1.1-T01", "8.4.3.1.2-T01"});
  EXPECT_EQ(receiver().id(), "U-rcv1");
  EXPECT_EQ(receiver().end(), at("20300101T000000"));
  EXPECT_THAT(receiver().key_gen_algs(), ::testing::ElementsAre(1));
  EXPECT_THAT(receiver().protocol_and_algs(), ::testing::ElementsAre(10, 12));
  EXPECT_TRUE(receiver().offers(jose::Enc::a128gcm));
  EXPECT_FALSE(receiver().offers(jose::Enc::a192gcm));
  EXPECT_TRUE(originator().offers(jose::Enc::a256gcm));
}

TEST(RandObject, OursAreFreshAndSayWhetherTheyAreShared) {
  cover({"8.4.2-06", "8.4.2-07", "8.4.2-08", "8.4.2-09", "8.4.2-10", "8.4.2-11", "8.4.2-22", "8.4.2-23",
         "8.4.2-24", "8.4.2-25", "8.4.2-28", "8.4.2-30"});
  const std::array encs{jose::Enc::a256gcm, jose::Enc::a128gcm};
  std::set<std::string> ids, values;
  for (int i = 0; i < 200; ++i) {
    const auto shared = ReceiverRandObject::make(true, kNow, encs);
    const auto own = ReceiverRandObject::make(false, kNow, encs);
    const auto other = OriginatorRandObject::make(kNow, encs);
    EXPECT_TRUE(shared.shared());
    EXPECT_FALSE(own.shared());
    EXPECT_FALSE(other.shared());
    for (const RandObject* object : std::initializer_list<const RandObject*>{&shared, &own, &other}) {
      ids.insert(object->id());
      const std::string value(object->members().at("esrv").get_string());
      EXPECT_EQ(value.size(), 33U);  // a letter and 128 bits in hexadecimal
      EXPECT_EQ(value.find_first_not_of("0123456789abcdef", 1), std::string::npos);
      values.insert(value);
    }
  }
  EXPECT_EQ(ids.size(), 600U);
  EXPECT_EQ(values.size(), 600U);
  const auto made = ReceiverRandObject::make(true, kNow + std::chrono::milliseconds(1'900), encs);
  EXPECT_EQ(made.end(), kNow + std::chrono::seconds(1)) << "sub-seconds do not travel";
  EXPECT_THAT(made.protocol_and_algs(), ::testing::ElementsAre(12, 10));
}

TEST(RandObject, WhatWasReceivedStaysAsItCame) {
  // Another order of members, and one that a later release added.
  const std::string text =
      R"({"esrx":"20300101T000000","espa":[12],"new":{"a":[1,2]},"esks":[1],"esrv":"rABCDEFGHIJKLMNOPQRSTU","esri":"x"})";
  EXPECT_EQ(as_text(receiver(text).octets()), text);
  EXPECT_EQ(as_text(receiver(" " + text + "\n").octets()), text) << "white space does not travel";
}

TEST(RandObject, OriginatorMayListItsOneAlgorithm) {
  EXPECT_THAT(
      originator(
          R"({"esri":"a","esrv":"rABCDEFGHIJKLMNOPQRSTU","esrx":"20300101T000000","esks":[1],"espa":[12]})")
          .key_gen_algs(),
      ::testing::ElementsAre(1));
}

TEST(RandObject, RelativeExpiryCountsFromReceipt) {
  EXPECT_EQ(
      receiver(R"({"esri":"a","esrv":"rABCDEFGHIJKLMNOPQRSTU","esrx":"60000","esks":[1],"espa":[12]})").end(),
      kNow + std::chrono::minutes(1));
}

struct Bad {
  const char* name;
  const char* member;  ///< replaced
  const char* value;   ///< JSON; empty: left out
  const char* named;
};
class BadReceiverObject : public ::testing::TestWithParam<Bad> {};
TEST_P(BadReceiverObject, IsRefused) {
  json::object members = json::parse(kReceiver).get_object();
  if (*GetParam().value == 0)
    members.erase(GetParam().member);
  else
    members[GetParam().member] = json::parse(GetParam().value);
  const auto read = ReceiverRandObject::read(members, kNow);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().rsc, codec::Rsc::bad_request);
  EXPECT_THAT(read.error().detail, ::testing::HasSubstr(GetParam().named));
}
INSTANTIATE_TEST_SUITE_P(
    Members, BadReceiverObject,
    ::testing::Values(
        Bad{"no_id", "esri", "", "esri: missing"}, Bad{"id_is_number", "esri", "7", "esri"},
        Bad{"id_empty", "esri", "\"\"", "esri"}, Bad{"id_begins_with_digit", "esri", "\"1a\"", "esri"},
        Bad{"id_with_blank", "esri", "\"a b\"", "esri"},
        Bad{"id_of_65", "esri", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
            "esri"},
        Bad{"no_value", "esrv", "", "esrv: missing"},
        Bad{"value_of_21", "esrv", "\"rABCDEFGHIJKLMNOPQRST\"", "esrv"},
        Bad{"value_of_65", "esrv", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
            "esrv"},
        Bad{"no_expiry", "esrx", "", "esrx: missing"}, Bad{"expiry_no_time", "esrx", "\"tomorrow\"", "esrx"},
        Bad{"expiry_is_number", "esrx", "60000", "esrx"}, Bad{"no_esks", "esks", "", "esks: missing"},
        Bad{"esks_no_list", "esks", "1", "esks"}, Bad{"esks_empty", "esks", "[]", "esks"},
        Bad{"esks_of_text", "esks", "[\"1\"]", "esks"}, Bad{"no_espa", "espa", "", "espa: missing"},
        Bad{"espa_of_17", "espa", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "espa"},
        Bad{"espa_negative", "espa", "[-1]", "espa"}, Bad{"espa_fraction", "espa", "[10.0]", "espa"}),
    [](const auto& row) { return row.param.name; });

TEST(RandObject, BadOriginatorObjects) {
  json::object members = json::parse(kOriginator).get_object();
  members["esks"] = json::array{1};
  EXPECT_THAT(OriginatorRandObject::read(members, kNow).error().detail, ::testing::HasSubstr("beside esk"));
  members.erase("esk");
  members["esks"] = json::array{1, 1};
  EXPECT_THAT(OriginatorRandObject::read(members, kNow).error().detail,
              ::testing::HasSubstr("more than one"));
  members.erase("esks");
  EXPECT_THAT(OriginatorRandObject::read(members, kNow).error().detail, ::testing::HasSubstr("esk: missing"));
  EXPECT_FALSE(OriginatorRandObject::read(json::array{}, kNow));
  members = json::parse(kOriginator).get_object();
  members["x"] = std::string(kRandObjectOctetsMax, 'x');
  EXPECT_THAT(OriginatorRandObject::read(members, kNow).error().detail, ::testing::HasSubstr("octets"));
}

TEST(SecInfo, ReadsWhatItWrites) {
  cover({"8.4.3.1.3-T01"});
  const E2eSecInfo info{.features = {Suid::from(13).value(), Suid::from(44).value()},
                        .certificates = {octets(40)},
                        .shared = receiver()};
  const auto read = read_sec_info(to_json(info), kNow);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->features, info.features);
  EXPECT_EQ(read->certificates, info.certificates);
  EXPECT_EQ(read->shared, info.shared);
}

TEST(SecInfo, EsPrimIsToldByAnySuidOfIts) {
  for (const int suid : {13, 23, 33, 43})
    EXPECT_TRUE(read_sec_info(json::value{{"esf", {suid}}}, kNow)->supports_esprim()) << suid;
  for (const int suid : {12, 14, 15, 44, 999})
    EXPECT_FALSE(read_sec_info(json::value{{"esf", {suid}}}, kNow)->supports_esprim()) << suid;
}

TEST(SecInfo, BadForms) {
  for (const auto& [text, named] : std::initializer_list<std::pair<const char*, const char*>>{
           {"[]", "esi"},
           {"{}", "esf"},
           {R"({"esf":13})", "esf"},
           {R"({"esf":["13"]})", "esf"},
           {R"({"esf":[13],"escert":"AA=="})", "escert"},
           {R"({"esf":[13],"escert":["AA"]})", "escert"},
           {R"({"esf":[13],"escert":[1]})", "escert"},
           {R"({"esf":[13],"esro":{"esri":"1"}})", "esro.esri"}}) {
    const auto read = read_sec_info(json::parse(text), kNow);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().detail, ::testing::HasSubstr(named)) << text;
  }
}

TEST(SecurityInfo, ReadsWhatItWrites) {
  const auto asked = read_esprim_message(to_security_info(RandObjectRequest{}), kNow);
  ASSERT_TRUE(asked);
  EXPECT_TRUE(std::holds_alternative<RandObjectRequest>(*asked));
  const auto given = read_esprim_message(to_security_info(receiver()), kNow);
  ASSERT_TRUE(given);
  EXPECT_EQ(std::get<ReceiverRandObject>(*given), receiver());
  const auto object = read_esprim_message(to_security_info(EsPrimObject{"a..b.c.d"}), kNow);
  ASSERT_TRUE(object);
  EXPECT_EQ(std::get<EsPrimObject>(*object).text, "a..b.c.d");
}

TEST(SecurityInfo, BadForms) {
  for (const char* text :
       {"null", "{}", R"({"m2m:seci":{"sit":1}})", R"({"m2m:seci":{"sit":6,"eckm":"AA=="}})",
        R"({"m2m:seci":{"sit":5}})", R"({"m2m:seci":{"sit":5,"epo":7}})",
        R"({"m2m:seci":{"sit":3,"epo":"a"}})", R"({"m2m:seci":{"sit":4,"ero":{}}})",
        R"({"m2m:seci":{"sit":5,"epo":"a","ero":{}}})", R"({"m2m:seci":{"epo":"a"}})"}) {
    const auto read = read_esprim_message(json::parse(text), kNow);
    EXPECT_FALSE(read) << text;
    if (!read) {
      EXPECT_FALSE(read.error().detail.empty()) << text;
    }
  }
}

}  // namespace
}  // namespace latchkey::e2e
