// psk add, remove and import: keys and table together, also when the process dies in between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "cover.h"
#include "latchkey/secure_env/psk_table.h"
#include "temp_folder.h"

namespace latchkey::secure_env {
namespace {

using namespace test;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const SpId kHome = SpId::parse("//in.provider.com").value();
constexpr std::string_view kKeyHex = "000102030405060708090a0b0c0d0e0f";

KeyId id(std::string_view text) { return KeyId::parse(text).value(); }

/// Passes everything on, and ends the process or fails when keys have been stored.
class Interrupted final : public SecureEnvironment {
 public:
  enum class How { dies_after, fails_before };
  Interrupted(SecureEnvironment& inner, How how) : inner_(inner), how_(how) {}
  ProtectionLevel protection_level() const noexcept override { return inner_.protection_level(); }
  Status store(const KeyHandle&, const KeyAttributes&, SecretBytes&&) override {
    return fail(ErrorCode::internal, "not used");
  }
  Status replace(const KeyHandle&, const KeyAttributes&, SecretBytes&&) override {
    return fail(ErrorCode::internal, "not used");
  }
  Status store_all(std::vector<NewKey>&& keys) override {
    if (how_ == How::fails_before) return fail(ErrorCode::io, "the disk is full");
    static_cast<void>(inner_.store_all(std::move(keys)));
    ::_exit(7);
  }
  Status remove(const KeyHandle& handle) override {
    if (how_ == How::dies_after) ::_exit(7);
    return inner_.remove(handle);
  }
  std::vector<KeyHandle> list() const override { return inner_.list(); }
  Result<SecretBytes> use_as_psk(const KeyHandle& h, Suid::Use u, std::int64_t n) const override {
    return inner_.use_as_psk(h, u, n);
  }
  Result<SecretBytes> use_as_private_key(const KeyHandle& h) const override {
    return inner_.use_as_private_key(h);
  }
  Result<SecretBytes> hmac(const KeyHandle& h, ByteView d) const override { return inner_.hmac(h, d); }
  Result<Bytes> seal(std::string_view c, const SecretBytes& s) const override { return inner_.seal(c, s); }
  Result<SecretBytes> unseal(std::string_view c, ByteView s) const override { return inner_.unseal(c, s); }

 private:
  SecureEnvironment& inner_;
  How how_;
};

class PskEdit : public ::testing::Test {
 protected:
  void SetUp() override { environment_ = folder_.open(); }
  Status add(std::string_view identity, std::string_view hex = kKeyHex, int suid_value = 12,
             unsigned min_bits = 128) {
    return psk_add(*environment_, folder_.table(), kHome, {}, id(identity), suid(suid_value), {},
                   secret_from_hex(hex).value(), min_bits);
  }
  Result<std::size_t> import(std::string_view text, unsigned min_bits = 128, unsigned mode = 0600) {
    const auto file = folder_.path() + "/import.tsv";
    write_file(file, text, mode);
    return psk_import(*environment_, folder_.table(), kHome, file, min_bits);
  }
  std::shared_ptr<const PskTable> table() const {
    auto loaded = PskTable::load(folder_.table(), kHome);
    EXPECT_TRUE(loaded) << loaded.error().detail;
    return loaded ? *loaded : PskTable::parse({}, "", kHome).value();
  }
  std::string key_of(std::string_view identity, Suid::Use use = Suid::Use::saef) const {
    const auto snapshot = table();
    const auto* entry = snapshot->find(identity);
    if (entry == nullptr) return "not in the table";
    const auto key = environment_->use_as_psk(entry->key, use, 0);
    return key ? to_hex(key->reveal()) : "error: " + key.error().detail;
  }
  TempFolder folder_;
  std::unique_ptr<SecureEnvironment> environment_;
};

TEST_F(PskEdit, an_added_key_is_found_and_released_for_its_use) {
  const auto entity = parse_entity_id("/mn-cse/Clock", kHome).value();
  ASSERT_TRUE(psk_add(*environment_, folder_.table(), kHome, entity, id("a@x.example"), suid(12), 1893456000,
                      secret_from_hex(kKeyHex).value(), 128));
  const auto snapshot = table();
  const auto* entry = snapshot->find("a@x.example");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->entity.value(), entity);
  EXPECT_EQ(entry->expires_unix, 1893456000);
  EXPECT_EQ(key_of("a@x.example"), "000102030405060708090A0B0C0D0E0F");
  EXPECT_EQ(environment_->use_as_psk(entry->key, Suid::Use::maf, 0).error().code, ErrorCode::denied);
  EXPECT_EQ(environment_->use_as_psk(entry->key, Suid::Use::saef, 1893456001).error().code,
            ErrorCode::expired);
}

TEST_F(PskEdit, the_table_holds_no_key) {
  ASSERT_TRUE(add("a@x.example"));
  ASSERT_TRUE(import("-\tb@x.example\tf0f1f2f3f4f5f6f7f8f9fafbfcfdfeff\t12\n"));
  const auto text = read_file(folder_.table());
  EXPECT_THAT(text, AllOf(Not(HasSubstr(kKeyHex)), Not(HasSubstr("000102030405060708090A0B0C0D0E0F")),
                          Not(HasSubstr("f0f1f2f3"))));
  EXPECT_EQ(fs::status(folder_.table()).permissions(), static_cast<fs::perms>(0600));
}

TEST_F(PskEdit, an_identity_that_is_there_is_a_conflict) {
  ASSERT_TRUE(add("a@x.example"));
  ASSERT_TRUE(add("m@maf.example", kKeyHex, 11));
  EXPECT_EQ(add("a@X.example").error().code, ErrorCode::conflict);
  EXPECT_EQ(add("M@maf.example", kKeyHex, 11).error().code, ErrorCode::conflict) << "10.6: no case";
  EXPECT_TRUE(add("A@x.example")) << "10.5: case counts";
  EXPECT_EQ(environment_->list().size(), 3U) << "no key is left of what was refused";
}

TEST_F(PskEdit, keys_have_a_shortest_and_a_longest_length) {
  EXPECT_EQ(add("a@x.example", "00112233445566778899aabbccddee", 12, 128).error().code,
            ErrorCode::invalid_argument);
  EXPECT_TRUE(add("a@x.example", kKeyHex, 12, 128));
  EXPECT_TRUE(add("b@x.example", std::string(128, 'a'), 12, 128));
  const auto longer = add("c@x.example", std::string(130, 'a'), 12, 128);
  ASSERT_FALSE(longer);
  EXPECT_THAT(longer.error().detail, HasSubstr("longer than 64 octets"));
  EXPECT_FALSE(
      psk_add(*environment_, folder_.table(), kHome, {}, id("d@x.example"), suid(12), {}, SecretBytes(), 0))
      << "no key at all";
}

TEST_F(PskEdit, only_uses_of_a_psk_handshake_are_taken) {
  for (const int value : {10, 13, 14, 32, 42})
    EXPECT_EQ(add("a@x.example", kKeyHex, value).error().code, ErrorCode::invalid_argument) << value;
  for (const int value : {11, 12, 21, 22})
    EXPECT_TRUE(add("a" + std::to_string(value) + "@x.example", kKeyHex, value)) << value;
  EXPECT_EQ(psk_add(*environment_, folder_.table(), kHome, Fqdn::parse("host.example").value(),
                    id("z@x.example"), suid(12), {}, secret_from_hex(kKeyHex).value(), 128)
                .error()
                .code,
            ErrorCode::invalid_argument);
}

TEST_F(PskEdit, comments_and_other_lines_stay) {
  write_file(folder_.table(), "# locks of the first floor\n-\told@x.example\told-handle\t12");
  ASSERT_TRUE(add("a@x.example"));
  ASSERT_TRUE(add("b@x.example"));
  ASSERT_TRUE(psk_remove(*environment_, folder_.table(), kHome, id("a@x.example")));
  EXPECT_THAT(read_file(folder_.table()),
              ::testing::StartsWith(
                  "# locks of the first floor\n-\told@x.example\told-handle\t12\n-\tb@x.example\tb."));
  EXPECT_EQ(table()->entries().size(), 2U);
}

TEST_F(PskEdit, a_removed_key_is_gone_from_both) {
  ASSERT_TRUE(add("a@x.example"));
  ASSERT_TRUE(psk_remove(*environment_, folder_.table(), kHome, id("a@x.example")));
  EXPECT_EQ(table()->find("a@x.example"), nullptr);
  EXPECT_THAT(environment_->list(), IsEmpty());
  EXPECT_EQ(psk_remove(*environment_, folder_.table(), kHome, id("a@x.example")).error().code,
            ErrorCode::not_found);
}

TEST_F(PskEdit, a_new_key_for_an_old_identity_has_another_handle) {
  ASSERT_TRUE(add("a@x.example"));
  const auto old_handle = table()->find("a@x.example")->key;
  ASSERT_TRUE(psk_remove(*environment_, folder_.table(), kHome, id("a@x.example")));
  ASSERT_TRUE(add("a@x.example", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"));
  EXPECT_NE(table()->find("a@x.example")->key, old_handle) << "a daemon may still hold the old key under it";
}

TEST_F(PskEdit, nothing_is_changed_in_a_table_that_has_a_bad_line) {
  write_file(folder_.table(), "bad\n");
  EXPECT_THAT(add("a@x.example").error().detail, HasSubstr("psk.tsv:1:"));
  EXPECT_THAT(import("-\tb@x.example\tf0f1f2f3f4f5f6f7f8f9fafbfcfdfeff\t12\n").error().detail,
              HasSubstr("psk.tsv:1:"));
  EXPECT_FALSE(psk_remove(*environment_, folder_.table(), kHome, id("a@x.example")));
  EXPECT_EQ(read_file(folder_.table()), "bad\n");
  EXPECT_THAT(environment_->list(), IsEmpty());
}

// ---- import

TEST_F(PskEdit, the_example_of_tr_0038_is_taken_when_64_bits_are_allowed) {
  latchkey::test::cover({"TR-7.1.2-03", "TR-7.1.2-04", "TR-7.1.2-05"});
  const std::string_view example =
      "# Table 7.1.2-2\n"
      "/mn-cse-123456/Clock-AE1\tAE123456789012-Lock@in.provider.com\t1a2b3c4d5e6f7a8b\t12\n"
      "/mn-cse-123456/Clock-AE2\tAE123456789015-Lock@in.provider.com\t12345678abcdefab\t12\n";
  const auto refused = import(example, 128);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(refused.error().detail, AllOf(HasSubstr("import.tsv:2: key: 64 bits, at least 128"),
                                            HasSubstr("import.tsv:3:"), Not(HasSubstr("1a2b3c"))));
  EXPECT_FALSE(import(example, 65));
  ASSERT_EQ(import(example, 64).value(), 2U);
  EXPECT_EQ(key_of("AE123456789012-Lock@in.provider.com"), "1A2B3C4D5E6F7A8B");
  EXPECT_EQ(key_of("AE123456789015-Lock@in.provider.com"), "12345678ABCDEFAB");
  const auto snapshot = table();
  EXPECT_EQ(to_string(snapshot->find("AE123456789012-Lock@in.provider.com")->entity.value()),
            "//in.provider.com/mn-cse-123456/Clock-AE1");
  EXPECT_EQ(to_string(snapshot->find("AE123456789015-Lock@in.provider.com")->entity.value()),
            "//in.provider.com/mn-cse-123456/Clock-AE2");
}

TEST_F(PskEdit, an_import_checks_all_lines_before_the_first_is_applied) {
  ASSERT_TRUE(add("there@x.example"));
  const auto before = read_file(folder_.table());
  const auto refused = import(
      "-\tgood@x.example\t000102030405060708090a0b0c0d0e0f\t12\n"
      "-\tthere@x.example\t000102030405060708090a0b0c0d0e0f\t12\n"
      "-\tgood@x.example\t000102030405060708090a0b0c0d0e0f\t12\n"
      "-\todd@x.example\tdeadbeefdeadbeefdeadbeefdeadbeefd\t12\n"
      "-\tnothex@x.example\tdeadbeefdeadbeefdeadbeefdeadbeeg\t12\n"
      "-\tshort@x.example\tdeadbeef\t12\n"
      "-\tsuid@x.example\tdeadbeefdeadbeefdeadbeefdeadbeef\t13\n"
      "host.example\tentity@x.example\tdeadbeefdeadbeefdeadbeefdeadbeef\t12\n"
      "-\tempty@x.example\t\t12\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  const auto& detail = refused.error().detail;
  EXPECT_THAT(detail, Not(HasSubstr("import.tsv:1:")));
  for (const char* named :
       {"import.tsv:2: psk-identity", "import.tsv:3: psk-identity", "import.tsv:4: key", "import.tsv:5: key",
        "import.tsv:6: key", "import.tsv:7: suid", "import.tsv:8: entity", "import.tsv:9: key"}) {
    EXPECT_THAT(detail, HasSubstr(named));
  }
  EXPECT_THAT(detail, Not(HasSubstr("deadbeef"))) << "no key in a message";
  EXPECT_EQ(read_file(folder_.table()), before);
  EXPECT_EQ(environment_->list().size(), 1U);
}

TEST_F(PskEdit, an_import_file_must_be_for_its_owner_only) {
  const std::string_view good = "-\ta@x.example\t000102030405060708090a0b0c0d0e0f\t12\n";
  for (const unsigned mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0601U})
    EXPECT_EQ(import(good, 128, mode).error().code, ErrorCode::denied) << mode;
  EXPECT_EQ(import(good, 128, 0400).value(), 1U);
  EXPECT_EQ(psk_import(*environment_, folder_.table(), kHome, folder_.path() + "/none", 128).error().code,
            ErrorCode::not_found);
}

TEST_F(PskEdit, an_empty_import_adds_nothing) {
  EXPECT_EQ(import("# nothing\n\n").value(), 0U);
  EXPECT_FALSE(fs::exists(folder_.table()));
}

TEST_F(PskEdit, ten_thousand_keys_are_imported_in_one_write) {
  std::string text;
  for (int i = 0; i < 10000; ++i)
    text += "-\tAE" + std::to_string(i) + "@x.example\t000102030405060708090a0b0c0d0e0f\t12\n";
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(import(text).value(), 10000U);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20))
      << "about 0.2 s are usual; sanitizers take longer";
  EXPECT_EQ(key_of("AE9999@x.example"), "000102030405060708090A0B0C0D0E0F");
}

// ---- crashes and failures

TEST_F(PskEdit, death_between_key_and_table_leaves_an_unused_key_and_a_table_that_loads) {
  ASSERT_TRUE(add("first@x.example"));
  const pid_t child = ::fork();
  if (child == 0) {
    Interrupted dying(*environment_, Interrupted::How::dies_after);
    static_cast<void>(psk_add(dying, folder_.table(), kHome, {}, id("a@x.example"), suid(12), {},
                              secret_from_hex(kKeyHex).value(), 128));
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(WEXITSTATUS(status), 7);
  environment_ = folder_.open();
  EXPECT_EQ(environment_->list().size(), 2U);
  EXPECT_EQ(table()->find("a@x.example"), nullptr);
  EXPECT_EQ(table()->entries().size(), 1U);
  EXPECT_TRUE(add("a@x.example")) << "doing it again works";
  EXPECT_EQ(key_of("a@x.example"), "000102030405060708090A0B0C0D0E0F");
}

TEST_F(PskEdit, death_in_a_removal_leaves_no_line_without_its_key) {
  ASSERT_TRUE(add("a@x.example"));
  const pid_t child = ::fork();
  if (child == 0) {
    Interrupted dying(*environment_, Interrupted::How::dies_after);
    static_cast<void>(psk_remove(dying, folder_.table(), kHome, id("a@x.example")));
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(table()->find("a@x.example"), nullptr);
}

TEST_F(PskEdit, an_environment_that_refuses_leaves_the_table_alone) {
  Interrupted failing(*environment_, Interrupted::How::fails_before);
  const auto refused = psk_add(failing, folder_.table(), kHome, {}, id("a@x.example"), suid(12), {},
                               secret_from_hex(kKeyHex).value(), 128);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::io);
  EXPECT_FALSE(fs::exists(folder_.table()));
}

TEST_F(PskEdit, a_table_that_cannot_be_written_leaves_no_key) {
  fs::create_directory(folder_.table() + ".new");  // in the place of the temporary file
  EXPECT_FALSE(add("a@x.example"));
  EXPECT_THAT(environment_->list(), IsEmpty());
}

TEST_F(PskEdit, additions_at_the_same_time_are_all_kept) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 5; ++i) EXPECT_TRUE(add("AE" + std::to_string(t * 10 + i) + "@x.example"));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(table()->entries().size(), 20U);
  EXPECT_EQ(environment_->list().size(), 20U);
}

}  // namespace
}  // namespace latchkey::secure_env
