#include "http_text.h"

#include <gtest/gtest.h>

namespace latchkey::bind {
namespace {

TEST(PercentDecode, DecodesOnceAndBothCases) {
  EXPECT_EQ(percent_decode("a%2fb%2Fc"), "a/b/c");
  EXPECT_EQ(percent_decode("%2541"), "%41");
  EXPECT_EQ(percent_decode(""), "");
}

TEST(PercentDecode, RefusesBrokenEscapes) {
  for (const char* text : {"%", "%4", "a%4", "%4g", "%g4", "%%41"})
    EXPECT_EQ(percent_decode(text), std::nullopt) << text;
}

TEST(PercentEncode, WhatItWritesDecodesToTheSame) {
  std::string all;
  for (int octet = 0; octet < 256; ++octet) all += static_cast<char>(octet);
  std::string encoded;
  percent_encode(encoded, all, "/:");
  EXPECT_TRUE(is_field_text(encoded));
  EXPECT_EQ(percent_decode(encoded), all);
}

TEST(FieldText, ControlsAndOuterBlanksAreRefused) {
  EXPECT_TRUE(is_field_text(""));
  EXPECT_TRUE(is_field_text("0 2 481 1 100 3030 10011"));
  for (const char* text : {"a\r", "a\nb", "a\tb", " a", "a ", "a\x7f", "\xc3\xa4"})
    EXPECT_FALSE(is_field_text(text)) << text;
  EXPECT_FALSE(is_field_text(std::string_view("a\0b", 3)));
}

TEST(ParseContentType, ReadsTypeParameter) {
  const auto type = parse_content_type("application/vnd.onem2m-res+json; ty=3");
  ASSERT_TRUE(type);
  EXPECT_EQ(type->media_type, "application/vnd.onem2m-res+json");
  EXPECT_EQ(type->ty, "3");
}

TEST(ParseContentType, AcceptsTheWaysClientsWriteIt) {
  for (const char* text :
       {"application/json;ty=4", "application/json; ty=4", "application/json;TY=\"4\"",
        "application/json ; charset=UTF-8 ; ty=4", "application/json; ty = 4", "application/json;ty=4;"}) {
    const auto type = parse_content_type(text);
    ASSERT_TRUE(type) << text;
    EXPECT_EQ(type->ty, "4") << text;
  }
}

TEST(ParseContentType, RefusesWhatIsMalformed) {
  for (const char* text : {"", "json", "application/", "/json", "application/json; ty",
                           "application/json; ty=", "application/json; ty=3; ty=4", "application json",
                           "application/json; =3"}) {
    EXPECT_FALSE(parse_content_type(text)) << text;
  }
}

TEST(MediaOf, KnowsTheJsonFormsOnly) {
  EXPECT_EQ(media_of("application/json"), Media::json);
  EXPECT_EQ(media_of("Application/VND.oneM2M-res+JSON"), Media::onem2m_resource);
  EXPECT_EQ(media_of("application/vnd.onem2m-ntfy+json"), Media::onem2m_notification);
  for (const char* text :
       {"application/xml", "application/vnd.onem2m-res+xml", "application/cbor", "text/plain"}) {
    EXPECT_EQ(media_of(text), std::nullopt) << text;
  }
}

struct AcceptCase {
  const char* text;
  std::optional<Media> media;
};
class ParseAccept : public testing::TestWithParam<AcceptCase> {};
TEST_P(ParseAccept, ChoosesByQualityThenOwnOrder) {
  const Acceptable acceptable = parse_accept(GetParam().text);
  EXPECT_FALSE(acceptable.malformed);
  EXPECT_EQ(acceptable.media, GetParam().media);
}
INSTANTIATE_TEST_SUITE_P(
    Rfc9110_12_5_1, ParseAccept,
    testing::Values(
        AcceptCase{"*/*", Media::json}, AcceptCase{"application/*", Media::json},
        AcceptCase{"application/json", Media::json},
        AcceptCase{"application/vnd.onem2m-res+json", Media::onem2m_resource},
        AcceptCase{"application/xml, application/json;q=0.5", Media::json},
        AcceptCase{"application/json;q=0.1, application/vnd.onem2m-res+json;q=0.9", Media::onem2m_resource},
        AcceptCase{"application/json;q=0, */*", Media::onem2m_resource},
        AcceptCase{" , application/json,", Media::json}, AcceptCase{"application/xml", std::nullopt},
        AcceptCase{"application/cbor, text/*", std::nullopt},
        AcceptCase{"application/json;q=0", std::nullopt}, AcceptCase{"*/*;q=0.000", std::nullopt}));

TEST(ParseAccept, RefusesWhatIsMalformed) {
  for (const char* text :
       {"json", "application/json;q=2", "application/json;q=0.1234", "application/json;q=x", "a b/c"}) {
    EXPECT_TRUE(parse_accept(text).malformed) << text;
  }
}

TEST(ParseDecimal, TakesWholeNumbersOnly) {
  EXPECT_EQ(parse_decimal("0"), 0U);
  EXPECT_EQ(parse_decimal("9999999999"), 9'999'999'999U);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1a", "0x1", "12345678901"})
    EXPECT_EQ(parse_decimal(text), std::nullopt) << text;
}

}  // namespace
}  // namespace latchkey::bind
