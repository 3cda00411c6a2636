/// From a provisioned key or a certificate to an identity (TS-0003 8.2.1, 8.8.2.2): who is admitted, which
/// key is given, and which sessions a changed table ends.
#include "latchkey/tls/association.h"

#include <gtest/gtest.h>

#include "state_folder.h"

namespace latchkey::tls {
namespace {

const SpId kHome = *SpId::parse("//my.m2mprovider.org");
const KeyId kId = *KeyId::parse("lock@myMAF.provider.org");
constexpr Admission kMaf{"a MAF", kMasterCredential, true};
constexpr Admission kDas{"a DAS Server", kProvisionedKey, false};
constexpr const char* kCse = "/mn-cse-123456";
constexpr const char* kAe = "/mn-cse-123456/Clock-AE1";
constexpr const char* kDevice = "0.2.481.1.100.3030.10011";

class TableKeysTest : public testing::Test {
 protected:
  void add(const char* entity, int suid = 11, std::optional<std::int64_t> expires = {}) {
    const auto id = entity == nullptr ? std::optional<EntityId>() : *parse_entity_id(entity, kHome);
    const auto added =
        secure_env::psk_add(*environment_, folder_.table_file(), kHome, id, kId, *Suid::from(suid), expires,
                            *secret_from_hex("00112233445566778899aabbccddeeff"), 128);
    ASSERT_TRUE(added) << added.error().detail;
    load();
  }
  void remove() {
    ASSERT_TRUE(secure_env::psk_remove(*environment_, folder_.table_file(), kHome, kId));
    load();
  }
  static Result<PskCredential> find(TableKeys& keys) {
    std::optional<Result<PskCredential>> out;
    keys.find(kId.text(), "192.0.2.1", [&](Result<PskCredential> found) { out.emplace(std::move(found)); });
    EXPECT_TRUE(out);
    return std::move(*out);
  }
  SecurityContext context() {
    auto found = find(maf_);
    EXPECT_TRUE(found) << found.error().detail;
    return found ? std::move(found->context) : SecurityContext();
  }
  static ErrorCode refusal(const Result<PskCredential>& found) {
    return found ? ErrorCode::internal : found.error().code;
  }
  static std::string refusal(const Status& status) { return status ? "" : status.error().detail; }

  latchkey::test::StateFolder folder_;
  ManualClock clock_{*parse_timestamp("20261124T120000")};
  std::unique_ptr<secure_env::SecureEnvironment> environment_ = folder_.open_environment();
  TableKeys maf_{kMaf, *environment_, clock_}, das_{kDas, *environment_, clock_};

 private:
  void load() {
    const auto table = *secure_env::PskTable::load(folder_.table_file(), kHome);
    maf_.set_table(table);
    das_.set_table(table);
  }
};

TEST_F(TableKeysTest, a_key_comes_with_identity_credential_and_lifetime) {
  const auto until = std::chrono::floor<std::chrono::seconds>(clock_.now()) + std::chrono::hours(1);
  add(kDevice, 11, until.time_since_epoch().count());
  const auto found = find(maf_);
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->key, *secret_from_hex("00112233445566778899aabbccddeeff"));
  EXPECT_EQ(found->context.framework, Framework::provisioned_symmetric_key);
  EXPECT_EQ(found->context.identity, *parse_entity_id(kDevice, kHome));
  EXPECT_EQ(found->context.credential_id->text(), "11-lock@myMAF.provider.org");
  EXPECT_EQ(found->context.psk_identity, kId.text());
  EXPECT_EQ(found->context.valid_until, TimePoint(until));
  clock_.set(until);
  EXPECT_EQ(refusal(find(maf_)), ErrorCode::expired);
}

TEST_F(TableKeysTest, a_key_serves_its_use_alone) {
  for (const auto suid : {11, 21, 12, 22}) {
    add(kCse, suid);
    const bool of_maf = suid % 10 == 1;
    EXPECT_EQ(find(maf_).has_value(), of_maf) << suid;
    EXPECT_EQ(find(das_).has_value(), !of_maf) << suid;
    remove();
  }
  EXPECT_EQ(refusal(find(maf_)), ErrorCode::not_found);
  TableKeys none(kMaf, *environment_, clock_);
  EXPECT_EQ(refusal(find(none)), ErrorCode::not_found) << "no table yet";
}

TEST_F(TableKeysTest, who_is_admitted) {
  for (const auto* entity : {kCse, kAe, kDevice, static_cast<const char*>(nullptr)}) {
    add(entity, 12);
    const bool admitted = entity == kCse || entity == kAe;
    EXPECT_EQ(refusal(find(das_)), admitted ? ErrorCode::internal : ErrorCode::denied);
    remove();
    add(entity, 11);
    EXPECT_EQ(refusal(find(maf_)), entity != nullptr ? ErrorCode::internal : ErrorCode::denied);
    remove();
  }
}

TEST_F(TableKeysTest, a_key_that_stays_keeps_its_sessions) {
  add(kCse);
  EXPECT_TRUE(maf_.still_valid(context()));
  EXPECT_TRUE(maf_.still_valid({.framework = Framework::certificate})) << "not of the table";
}

TEST_F(TableKeysTest, a_key_that_was_removed_ends_its_sessions) {
  add(kCse);
  const auto before = context();
  remove();
  EXPECT_NE(refusal(maf_.still_valid(before)).find("removed"), std::string::npos);
}

TEST_F(TableKeysTest, a_key_imported_anew_or_for_somebody_else_ends_the_sessions_of_the_one_before) {
  for (const auto* successor : {"/other-cse", kCse}) {
    add(kCse);
    const auto before = context();
    remove();
    add(successor);
    EXPECT_NE(refusal(maf_.still_valid(before)).find("replaced"), std::string::npos) << successor;
    EXPECT_TRUE(maf_.still_valid(context()));
    remove();
  }
}

pki::TrustStore::Verified verified(pki::CertifiedIdentity identity) {
  // The leaf itself is not looked at: names and validity were read by the trust store.
  return {.leaf = pki::Certificate(nullptr),
          .identity = std::move(identity),
          .valid_until = *parse_timestamp("20270101T000000"),
          .warnings = {}};
}

TEST(EntityCertificatesTest, identity_by_flavour) {
  const auto in_cse = *CseId::parse("/in-cse", kHome);
  for (const auto& admission : {kMaf, kDas}) {
    EntityCertificates mapper(admission, kHome, in_cse);
    const auto cse = mapper.map(verified(
        {.flavour = pki::Flavour::cse_id, .dns_names = {"mn-cse-123456.in-cse.my.m2mprovider.org"}}));
    ASSERT_TRUE(cse) << cse.error().detail;
    EXPECT_EQ(cse->identity, *parse_entity_id(kCse, kHome));
    EXPECT_EQ(cse->framework, Framework::certificate);
    EXPECT_EQ(cse->valid_until, *parse_timestamp("20270101T000000"));
    const auto ae = mapper.map(verified({.flavour = pki::Flavour::ae_id, .ae_id = *AeId::parse(kAe, kHome)}));
    ASSERT_TRUE(ae);
    EXPECT_EQ(ae->identity, *parse_entity_id(kAe, kHome));
    EXPECT_FALSE(mapper.map(verified({.flavour = pki::Flavour::fqdn, .dns_names = {"a.provider.org"}})));
    EXPECT_FALSE(mapper.map(verified({.flavour = pki::Flavour::cse_id, .dns_names = {"elsewhere.org"}})));
  }
}

TEST(EntityCertificatesTest, a_device_is_a_client_of_a_maf_and_of_nobody_else) {
  const auto in_cse = *CseId::parse("/in-cse", kHome);
  const auto device = verified({.flavour = pki::Flavour::device, .device_id = *M2mDeviceId::parse(kDevice)});
  const auto client = EntityCertificates(kMaf, kHome, in_cse).map(device);
  ASSERT_TRUE(client);
  EXPECT_EQ(client->identity, *parse_entity_id(kDevice, kHome));
  EXPECT_EQ(client->credential_id->text(), "31-" + std::string(kDevice));
  const auto refused = EntityCertificates(kDas, kHome, in_cse).map(device);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::denied);
  EXPECT_EQ(refused.error().detail, "a DAS Server accepts AE-ID and CSE-ID certificates only");
}

}  // namespace
}  // namespace latchkey::tls
