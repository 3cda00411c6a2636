/// Km by KmID (TS-0003 8.8.2.2): which key is given, and which sessions a changed table ends.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "latchkey/maf/association.h"
#include "latchkey/secure_env/software.h"

namespace latchkey::maf {
namespace {

const SpId kHome = *SpId::parse("//my.m2mprovider.org");
const KeyId kKmId = *KeyId::parse("lock-km@myMAF.provider.org");

class MasterCredentialsTest : public testing::Test {
 protected:
  MasterCredentialsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "latchkey-km-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::filesystem::create_directory(folder_ + "/state");
    std::filesystem::permissions(folder_ + "/state", std::filesystem::perms::owner_all);
    EXPECT_TRUE(secure_env::create_kek_file(folder_ + "/kek"));
    environment_ = *secure_env::open_software({.folder = folder_ + "/state", .kek_file = folder_ + "/kek"});
    keys_ = std::make_unique<MasterCredentials>(*environment_, clock_);
  }
  ~MasterCredentialsTest() override { std::filesystem::remove_all(folder_); }

  void add(const char* entity) {
    ASSERT_TRUE(secure_env::psk_add(*environment_, table(), kHome, *parse_entity_id(entity, kHome), kKmId,
                                    *Suid::from(11), {}, *secret_from_hex("00112233445566778899aabbccddeeff"),
                                    128));
    load();
  }
  void remove() {
    ASSERT_TRUE(secure_env::psk_remove(*environment_, table(), kHome, kKmId));
    load();
  }
  tls::SecurityContext context() {
    tls::SecurityContext out;
    keys_->find(kKmId.text(), "192.0.2.1", [&](Result<tls::PskCredential> found) {
      ASSERT_TRUE(found) << found.error().detail;
      out = std::move(found->context);
    });
    return out;
  }
  static std::string refusal(const Status& status) { return status ? "" : status.error().detail; }

  std::unique_ptr<MasterCredentials> keys_;

 private:
  std::string table() const { return folder_ + "/psk.tsv"; }
  void load() { keys_->set_table(*secure_env::PskTable::load(table(), kHome)); }

  std::string folder_;
  ManualClock clock_{*parse_timestamp("20261124T120000")};
  std::unique_ptr<secure_env::SecureEnvironment> environment_;
};

TEST_F(MasterCredentialsTest, a_key_that_stays_keeps_its_sessions) {
  add("/mn-cse-123456");
  EXPECT_TRUE(keys_->still_valid(context()));
}

TEST_F(MasterCredentialsTest, a_key_that_was_removed_ends_its_sessions) {
  add("/mn-cse-123456");
  const auto before = context();
  remove();
  EXPECT_NE(refusal(keys_->still_valid(before)).find("removed"), std::string::npos);
}

TEST_F(MasterCredentialsTest, a_key_imported_anew_or_for_somebody_else_ends_the_sessions_of_the_one_before) {
  for (const auto* successor : {"/other-cse", "/mn-cse-123456"}) {
    add("/mn-cse-123456");
    const auto before = context();
    remove();
    add(successor);
    EXPECT_NE(refusal(keys_->still_valid(before)).find("replaced"), std::string::npos) << successor;
    EXPECT_TRUE(keys_->still_valid(context()));
    remove();
  }
}

}  // namespace
}  // namespace latchkey::maf
