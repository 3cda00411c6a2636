// Public key identifiers of RFC 6920 (TS-0003 10.1.2).
#include "latchkey/pki/public_key_id.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cover.h"

namespace latchkey::pki {
namespace {

using latchkey::test::cover;

// Any octets will do: what is hashed is not parsed.
const Bytes kSpki(91, 0x30);

TEST(PublicKeyId, IsTheDigestInThreeLengths) {
  cover({"10.1.2-01", "10.1.2-T01"});
  const auto whole = PublicKeyId::of(kSpki);
  EXPECT_TRUE(whole.matches(kSpki));
  const auto text = whole.text();
  ASSERT_TRUE(text.starts_with("ni:///sha-256;")) << text;
  EXPECT_EQ(PublicKeyId::parse(text), whole);
  const auto digest = *from_base64url(std::string_view(text).substr(14));
  for (const auto& [name, octets] : {std::pair{"sha-256-128", 16U}, std::pair{"sha-256-120", 15U}}) {
    const auto shorter =
        PublicKeyId::parse(std::string(name) + ";" + to_base64url(ByteView(digest).first(octets)));
    ASSERT_TRUE(shorter) << shorter.error().detail;
    EXPECT_TRUE(shorter->matches(kSpki));
    EXPECT_TRUE(shorter->text().starts_with(std::string("ni:///") + name + ";"));
    auto other = kSpki;
    other.back() ^= 1U;
    EXPECT_FALSE(shorter->matches(other));
  }
}

TEST(PublicKeyId, MalformedOnesAreRefused) {
  const auto digest = to_base64url(Bytes(32, 1));
  const std::vector<std::string> malformed{"",
                                           digest,
                                           "sha-1;" + digest,
                                           "sha-256-128;" + digest,
                                           "sha-256;",
                                           "sha-256;" + digest + "A",
                                           "ni://example/sha-256;" + digest,
                                           "sha-256;???"};
  for (const auto& text : malformed) EXPECT_FALSE(PublicKeyId::parse(text)) << text;
  EXPECT_TRUE(PublicKeyId::parse("sha-256;" + digest));
}

}  // namespace
}  // namespace latchkey::pki
