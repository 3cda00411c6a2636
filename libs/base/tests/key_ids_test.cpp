// Identifiers of keys and credentials: TS-0003 10.3.4, 10.3.5, 10.4, 10.5, 10.6, 12.3.2.1; SUID:
// TS-0004 6.3.4.2.39.
#include <gtest/gtest.h>

#include <set>

#include "cover.h"
#include "latchkey/base/bytes.h"
#include "latchkey/base/ids.h"

namespace latchkey {
namespace {

using test::cover;

Fqdn maf() { return Fqdn::parse("myMAF.provider.org").value(); }
template <class T>
bool refused(const Result<T>& result) {
  return !result && result.error().code == ErrorCode::invalid_argument && !result.error().detail.empty();
}

TEST(KeyId, IsRelativePartAtFqdn) {
  cover({"10.5-01", "10.6-01"});
  const auto id = KeyId::parse("AE123456789012-Lock@in.provider.com").value();
  EXPECT_EQ(id.relative(), "AE123456789012-Lock");
  EXPECT_EQ(id.issuer(), Fqdn::parse("in.provider.com").value());
  EXPECT_EQ(id.text(), "AE123456789012-Lock@in.provider.com");
  EXPECT_EQ(KeyId::make("AE123456789012-Lock", Fqdn::parse("in.provider.com").value()).value(), id);
  for (const char* bad : {"", "@", "AE1", "AE1@", "@in.provider.com", "AE1@in.provider.com@x.org",
                          "AE1@localhost", "AE1@in_x.com", "AE1@in.provider.com/x", "AE1@in.provider.com.",
                          "AE1 @in.provider.com", "AE1@ in.provider.com"}) {
    EXPECT_TRUE(refused(KeyId::parse(bad))) << bad;
  }
}

TEST(KeyId, RelativePartIsLettersDigitsDotUnderscoreDash) {
  cover({"10.5-T01", "10.6-T01"});
  for (int c = 0; c < 256; ++c) {
    const std::string relative = std::string("a") + static_cast<char>(c);
    const bool allowed = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                         c == '.' || c == '_' || c == '-';
    EXPECT_EQ(KeyId::make(relative, maf()).has_value(), allowed) << c;
    EXPECT_EQ(KeyId::parse(relative + "@in.provider.com").has_value(), allowed) << c;
  }
}

TEST(KeyId, BothSidesOfTheLengthLimits) {
  EXPECT_TRUE(KeyId::make(std::string(127, 'a'), maf()).has_value());
  EXPECT_TRUE(refused(KeyId::make(std::string(128, 'a'), maf())));
  const std::string label(63, 'b');
  const auto issuer = Fqdn::parse(label + "." + label + "." + std::string(59, 'c')).value();  // 187 octets
  EXPECT_TRUE(KeyId::make(std::string(67, 'a'), issuer).has_value()) << "255 octets";
  EXPECT_TRUE(refused(KeyId::make(std::string(68, 'a'), issuer)));
}

TEST(KeyId, KmIdIgnoresTheCaseOfTheRelativePart) {
  cover({"10.6-02"});
  const auto id = [](const char* text) { return KeyId::parse(text).value(); };
  EXPECT_TRUE(same_km_id(id("Km-1.a_B@maf.example"), id("kM-1.A_b@MAF.example")));
  EXPECT_FALSE(same_km_id(id("Km-1@maf.example"), id("Km-2@maf.example")));
  EXPECT_FALSE(same_km_id(id("Km-1@maf.example"), id("Km-1@other.example")));
  EXPECT_FALSE(id("Km-1@maf.example") == id("km-1@maf.example"))
      << "10.5 says nothing of the kind for KpsaID";
  EXPECT_TRUE(id("Km-1@maf.example") == id("Km-1@MAF.example"));
}

Bytes key_octets() { return from_hex("ff15d84e3e38d6974b0eb3e5606c85fe").value(); }

TEST(KeyId, KeIdIsHexOfTheRelativeKeyIdAtTheMef) {
  cover({"10.3.4-01", "10.3.4-T01"});
  EXPECT_EQ(KeyId::from_octets(key_octets(), Fqdn::parse("mef.provider.org").value()).value().text(),
            "FF15D84E3E38D6974B0EB3E5606C85FE@mef.provider.org");
}

TEST(KeyId, MafKeyIdentifierIsHexOfTheKcIdAtTheMaf) {
  cover({"10.3.5-01", "10.3.5-T01"});
  const auto id = KeyId::from_octets(key_octets(), maf()).value();
  EXPECT_EQ(id.text(), "FF15D84E3E38D6974B0EB3E5606C85FE@myMAF.provider.org");
  EXPECT_EQ(id.relative_key_id(), "FF15D84E3E38D6974B0EB3E5606C85FE");
  EXPECT_EQ(KeyId::parse("ff15d84e3e38d6974b0eb3e5606c85fe@myMAF.provider.org").value().relative_key_id(),
            id.relative_key_id());
}

TEST(KeyId, RelativeKeyIdHas16Octets) {
  for (const std::size_t size : {0U, 15U, 17U, 32U})
    EXPECT_TRUE(refused(KeyId::from_octets(Bytes(size), maf()))) << size;
  for (const char* other :
       {"AE1@maf.example", "FF15D84E3E38D6974B0EB3E5606C85F@maf.example",
        "FF15D84E3E38D6974B0EB3E5606C85FE00@maf.example", "FF15D84E3E38D6974B0EB3E5606C85FG@maf.example"}) {
    EXPECT_EQ(KeyId::parse(other).value().relative_key_id(), std::nullopt) << other;
  }
}

TEST(CredentialId, IsTypeDashValue) {
  cover({"10.4-T01"});
  const auto id = CredentialId::parse("10-thiskey@mymef.com").value();
  EXPECT_EQ(id.type(), CredentialType::kpm);
  EXPECT_EQ(id.value(), "thiskey@mymef.com");
  EXPECT_EQ(id.text(), "10-thiskey@mymef.com");
  EXPECT_EQ(CredentialId::make(CredentialType::kpm, "thiskey@mymef.com").value(), id);
  EXPECT_EQ(CredentialId::parse("12-a-b-c@x.org").value().value(), "a-b-c@x.org")
      << "only the first dash divides";
  for (int c = 0; c < 256; ++c) {
    const bool allowed = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                         c == '.' || c == '_' || c == '-' || c == '@';
    EXPECT_EQ(CredentialId::parse(std::string("12-a") + static_cast<char>(c)).has_value(), allowed) << c;
  }
}

TEST(CredentialId, TypesOfTable12321) {
  const std::set<int> assigned = {10, 11, 12, 13, 14, 15, 16, 30, 31, 32, 33, 41, 42, 43, 44, 51, 52, 53, 54};
  for (int type = 0; type < 300; ++type) {
    const auto id = CredentialId::parse(std::to_string(type) + "-x");
    ASSERT_EQ(id.has_value(), assigned.contains(type)) << type;
    if (id) {
      EXPECT_EQ(static_cast<int>(id->type()), type);
      EXPECT_EQ(id->text(), std::to_string(type) + "-x");
    }
  }
}

TEST(CredentialId, OfADeviceCertificateIsTheDottedOid) {
  const auto device = M2mDeviceId::parse("0 2 481 1 100 3030 10011").value();
  EXPECT_EQ(CredentialId::make(CredentialType::device_certificate, device.dotted()).value().text(),
            "31-0.2.481.1.100.3030.10011");
  EXPECT_TRUE(refused(CredentialId::make(CredentialType::device_certificate, device.spaced())))
      << "a space is not in the alphabet";
}

TEST(CredentialId, DefectsAreRefused) {
  for (const char* bad : {"", "-", "12", "12-", "-x", "1-x", "012-x", "+12-x", " 12-x", "12 -x", "0x0c-x",
                          "12x-y", "112-x", "268-x", "ab-x"}) {
    EXPECT_TRUE(refused(CredentialId::parse(bad))) << bad;
  }
  EXPECT_TRUE(CredentialId::parse("12-" + std::string(255, 'v')).has_value());
  EXPECT_TRUE(refused(CredentialId::parse("12-" + std::string(256, 'v'))));
}

TEST(Suid, AssignedValuesOnly) {
  const std::set<std::int64_t> assigned = {10, 11, 12, 13, 14, 15, 21, 22, 23, 24, 25,
                                           32, 33, 34, 35, 40, 41, 42, 43, 44, 45};
  for (std::int64_t value = -60; value < 600; ++value)
    EXPECT_EQ(Suid::from(value).has_value(), assigned.contains(value)) << value;
  for (const std::int64_t far : {std::int64_t{256} + 32, INT64_MIN, INT64_MAX})
    EXPECT_TRUE(refused(Suid::from(far))) << far;
}

TEST(Suid, TensAreTheOriginAndUnitsTheUse) {
  const auto suid = Suid::from(32).value();
  EXPECT_EQ(suid.origin(), Suid::Origin::maf);
  EXPECT_EQ(suid.use(), Suid::Use::saef);
  EXPECT_EQ(Suid::from(11).value().use(), Suid::Use::maf);
  EXPECT_EQ(Suid::from(21).value().origin(), Suid::Origin::rspf);
  EXPECT_EQ(Suid::from(45).value().use(), Suid::Use::esdata_signature);
}

}  // namespace
}  // namespace latchkey
