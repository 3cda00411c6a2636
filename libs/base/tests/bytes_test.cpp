#include "latchkey/base/bytes.h"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

std::string text(const Result<Bytes>& bytes) {
  return bytes ? std::string(as_text(*bytes)) : "error: " + bytes.error().detail;
}

TEST(Hex, WritesUpperCaseAndReadsBoth) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0x0F, 0xAB, 0xFF}), "000FABFF");
  EXPECT_EQ(to_hex({}), "");
  EXPECT_EQ(from_hex("000fABfF").value(), (Bytes{0x00, 0x0F, 0xAB, 0xFF}));
  EXPECT_EQ(from_hex("").value(), Bytes());
}

TEST(Hex, EveryCharacterIsADigitOrRefused) {
  for (int c = 0; c < 256; ++c) {
    const std::string pair = {'0', static_cast<char>(c)};
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    const auto bytes = from_hex(pair);
    ASSERT_EQ(bytes.has_value(), digit) << c;
    if (digit) {
      EXPECT_EQ(bytes->front(), std::stoi(pair, nullptr, 16));
    } else {
      EXPECT_EQ(bytes.error().code, ErrorCode::invalid_argument);
    }
  }
}

TEST(Hex, OddLengthIsRefused) {
  const auto bytes = from_hex("ABC");
  ASSERT_FALSE(bytes.has_value());
  EXPECT_EQ(bytes.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(bytes.error().detail.find("odd"), std::string::npos);
}

struct Pair {
  std::string plain, encoded;
};

// RFC 4648 section 10.
TEST(Base64, VectorsOfRfc4648) {
  for (const Pair& p : {Pair{"", ""}, Pair{"f", "Zg=="}, Pair{"fo", "Zm8="}, Pair{"foo", "Zm9v"},
                        Pair{"foob", "Zm9vYg=="}, Pair{"fooba", "Zm9vYmE="}, Pair{"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(to_base64(as_bytes(p.plain)), p.encoded);
    EXPECT_EQ(text(from_base64(p.encoded)), p.plain);
    const std::string unpadded = p.encoded.substr(0, p.encoded.find('='));
    EXPECT_EQ(to_base64url(as_bytes(p.plain)), unpadded);
    EXPECT_EQ(text(from_base64url(unpadded)), p.plain);
  }
}

TEST(Base64, AlphabetsDifferInTwoCharacters) {
  const Bytes bytes = {0xFB, 0xFF, 0xBF};
  EXPECT_EQ(to_base64(bytes), "+/+/");
  EXPECT_EQ(to_base64url(bytes), "-_-_");
  EXPECT_FALSE(from_base64("-_-_").has_value());
  EXPECT_FALSE(from_base64url("+/+/").has_value());
}

TEST(Base64, DecodeOfEncodeIsTheSame) {
  Bytes bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(from_base64(to_base64(bytes)).value(), bytes);
    EXPECT_EQ(from_base64url(to_base64url(bytes)).value(), bytes);
    EXPECT_EQ(from_hex(to_hex(bytes)).value(), bytes);
    bytes.push_back(static_cast<std::uint8_t>(i * 37));
  }
}

struct BadText {
  const char* name;
  const char* text;
  const char* reason;
};
class Base64Refuses : public testing::TestWithParam<BadText> {};
INSTANTIATE_TEST_SUITE_P(Defects, Base64Refuses,
                         testing::Values(BadText{"missing_padding", "Zg", "padding"},
                                         BadText{"line_break", "Zm9v\nYg=", "alphabet"},
                                         BadText{"padding_inside", "Zg==Zg==", "alphabet"},
                                         BadText{"three_pads", "Z===", "alphabet"},
                                         BadText{"only_pads", "====", "alphabet"},
                                         BadText{"stray_bits", "Zh==", "stray bits"},
                                         BadText{"stray_bits_two", "Zm9=", "stray bits"},
                                         BadText{"space", "Zm9 ", "alphabet"}),
                         [](const auto& bad) { return bad.param.name; });
TEST_P(Base64Refuses, WithInvalidArgument) {
  const auto bytes = from_base64(GetParam().text);
  ASSERT_FALSE(bytes.has_value());
  EXPECT_EQ(bytes.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(bytes.error().detail.find(GetParam().reason), std::string::npos) << bytes.error().detail;
}

TEST(Base64Url, RefusesPaddingAndImpossibleLength) {
  EXPECT_FALSE(from_base64url("Zg==").has_value());
  EXPECT_FALSE(from_base64url("Zm9vY").has_value());
  EXPECT_FALSE(from_base64url("Zh").has_value()) << "stray bits";
}

}  // namespace
}  // namespace latchkey
