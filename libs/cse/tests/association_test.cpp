/// From a credential to an identity (TS-0003 8.2.1, 8.2.2.1, 8.2.2.3): table, app rules, keys of MAFs.
#include "latchkey/cse/association.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "cover.h"
#include "latchkey/secure_env/software.h"

namespace latchkey::cse {
namespace {

using latchkey::test::cover;

const SpId kHome = *SpId::parse("//my.m2mprovider.org");

class KeySourceTest : public testing::Test {
 protected:
  KeySourceTest() {
    char pattern[] = "/tmp/latchkey-keys-XXXXXX";
    folder_ = mkdtemp(pattern);
    std::filesystem::create_directory(folder_ + "/state");
    std::filesystem::permissions(folder_ + "/state", std::filesystem::perms::owner_all);
    EXPECT_TRUE(secure_env::create_kek_file(folder_ + "/kek"));
    environment_ = *secure_env::open_software({.folder = folder_ + "/state", .kek_file = folder_ + "/kek"});
    keys_ = std::make_unique<KeySource>(KeySourceOptions{.self = *CseId::parse("/mn-cse-123456", kHome)},
                                        *environment_, clock_, audit_);
  }
  ~KeySourceTest() override { std::filesystem::remove_all(folder_); }

  void add(const char* identity, const char* entity, int suid = 12,
           std::optional<std::int64_t> expires = {}) {
    std::optional<EntityId> id;
    if (entity != nullptr) id = *parse_entity_id(entity, kHome);
    const auto added =
        secure_env::psk_add(*environment_, folder_ + "/state/psk.tsv", kHome, id, *KeyId::parse(identity),
                            *Suid::from(suid), expires, *secret_from_hex("1a2b3c4d5e6f7a8b"), 64);
    ASSERT_TRUE(added) << added.error().detail;
    keys_->set_table(*secure_env::PskTable::load(folder_ + "/state/psk.tsv", kHome));
  }
  Result<tls::PskCredential> find(std::string_view identity) {
    std::optional<Result<tls::PskCredential>> out;
    keys_->find(identity, "192.0.2.1:5",
                [&](Result<tls::PskCredential> answer) { out.emplace(std::move(answer)); });
    EXPECT_TRUE(out.has_value());
    return out ? std::move(*out) : Result<tls::PskCredential>(fail(ErrorCode::internal, "no answer"));
  }
  static std::string reason(const Result<tls::PskCredential>& result) {
    return result ? "found" : result.error().detail;
  }

  std::string folder_;
  ManualClock clock_{*parse_timestamp("20261124T120000")};
  AuditRecorder audit_;
  std::unique_ptr<secure_env::SecureEnvironment> environment_;
  std::unique_ptr<KeySource> keys_;
};

TEST_F(KeySourceTest, table_row_gives_key_and_identity) {
  cover({"TR-7.1.2-08", "8.2.2.1-09"});
  add("AE123456789012-Lock@in.provider.com", "/mn-cse-123456/Clock-AE1");
  const auto found = find("AE123456789012-Lock@in.provider.com");
  ASSERT_TRUE(found) << reason(found);
  EXPECT_EQ(to_string(*found->context.identity), "//my.m2mprovider.org/mn-cse-123456/Clock-AE1");
  EXPECT_EQ(found->context.framework, tls::Framework::provisioned_symmetric_key);
  EXPECT_EQ(found->context.credential_id->text(), "12-AE123456789012-Lock@in.provider.com");
  EXPECT_EQ(found->key, *secret_from_hex("1a2b3c4d5e6f7a8b"));
  EXPECT_TRUE(keys_->binds(*AeId::parse("/mn-cse-123456/Clock-AE1", kHome)));
  EXPECT_FALSE(keys_->binds(*AeId::parse("/mn-cse-123456/Cother", kHome)));
}

TEST_F(KeySourceTest, without_an_identity_the_app_rules_decide) {
  cover({"8.2.2.1-10"});
  add("lock@in.provider.com", nullptr);
  EXPECT_NE(reason(find("lock@in.provider.com")).find("serviceSubscribedAppRule"), std::string::npos)
      << "no rule refuses the handshake";
  keys_->set_app_rules([](const CredentialId& credential) {
    return credential.text() == "12-lock@in.provider.com"
               ? std::vector<AeId>{*AeId::parse("/mn-cse-123456/Cruled", kHome)}
               : std::vector<AeId>{};
  });
  const auto found = find("lock@in.provider.com");
  ASSERT_TRUE(found) << reason(found);
  EXPECT_FALSE(found->context.identity);
  ASSERT_EQ(found->context.allowed_ae_ids.size(), 1U);
}

TEST_F(KeySourceTest, key_for_another_use_and_ended_key_are_refused) {
  add("km@in.provider.com", "/mn-cse-123456/Ckm", 11);
  EXPECT_FALSE(find("km@in.provider.com"));
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
  add("old@in.provider.com", "/mn-cse-123456/Cold", 12, now);
  EXPECT_FALSE(find("old@in.provider.com"));
  add("young@in.provider.com", "/mn-cse-123456/Cyoung", 12, now + 1);
  EXPECT_TRUE(find("young@in.provider.com"));
}

TEST_F(KeySourceTest, nobody_but_configured_mafs_is_asked) {
  EXPECT_NE(reason(find("FF15D84E3E38D6974B0EB3E5606C85FE@myMAF.provider.org")).find("no configured MAF"),
            std::string::npos);
  EXPECT_NE(reason(find("no identity at all")).find("unknown"), std::string::npos);
  EXPECT_TRUE(audit_.events().empty()) << "no fetch was begun";
}

TEST_F(KeySourceTest, removed_key_ends_its_sessions) {
  add("a@in.provider.com", "/mn-cse-123456/Ca");
  auto context = find("a@in.provider.com")->context;
  EXPECT_TRUE(keys_->still_valid(context));
  ASSERT_TRUE(secure_env::psk_remove(*environment_, folder_ + "/state/psk.tsv", kHome,
                                     *KeyId::parse("a@in.provider.com")));
  keys_->set_table(*secure_env::PskTable::load(folder_ + "/state/psk.tsv", kHome));
  EXPECT_FALSE(keys_->still_valid(context));
  EXPECT_FALSE(find("a@in.provider.com"));
}

pki::TrustStore::Verified verified(pki::CertifiedIdentity identity) {
  // The leaf itself is not looked at by the mapper: names and validity were read by the trust store.
  return {.leaf = pki::Certificate(nullptr),
          .identity = std::move(identity),
          .valid_until = *parse_timestamp("20270101T000000"),
          .warnings = {}};
}

TEST(ClientCertificatesTest, identity_by_flavour) {
  cover({"8.2.2.2-11", "8.2.2.2-12", "8.2.2.2-13"});
  const auto in_cse = *CseId::parse("/in-cse", kHome);
  ClientCertificates mapper(kHome, in_cse, false);
  pki::CertifiedIdentity cse{.flavour = pki::Flavour::cse_id,
                             .dns_names = {"mn-cse-123456.in-cse.my.m2mprovider.org"}};
  auto mapped = mapper.map(verified(cse));
  ASSERT_TRUE(mapped) << mapped.error().detail;
  EXPECT_EQ(to_string(*mapped->identity), "//my.m2mprovider.org/mn-cse-123456");

  pki::CertifiedIdentity ae{.flavour = pki::Flavour::ae_id, .ae_id = *AeId::parse("/in-cse/Capp", kHome)};
  EXPECT_EQ(to_string(*mapper.map(verified(ae))->identity), "//my.m2mprovider.org/in-cse/Capp");

  pki::CertifiedIdentity device{.flavour = pki::Flavour::device,
                                .device_id = *M2mDeviceId::parse("0.2.481.1.100.3030.10011")};
  EXPECT_FALSE(mapper.map(verified(device))) << "no rule, no session";
  mapper.set_app_rules([](const CredentialId& credential) {
    EXPECT_EQ(credential.text(), "31-0.2.481.1.100.3030.10011");
    return std::vector<AeId>{*AeId::parse("/in-cse/Cphone", kHome)};
  });
  mapped = mapper.map(verified(device));
  ASSERT_TRUE(mapped);
  EXPECT_EQ(mapped->allowed_ae_ids.size(), 1U);

  pki::CertifiedIdentity fqdn{.flavour = pki::Flavour::fqdn, .dns_names = {"host.my.m2mprovider.org"}};
  EXPECT_FALSE(mapper.map(verified(fqdn))) << "an FQDN certificate is no client of a CSE";
}

}  // namespace
}  // namespace latchkey::cse
