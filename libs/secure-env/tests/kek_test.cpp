// Where the key-encryption key may come from, and which sources are refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temp_folder.h"

namespace latchkey::secure_env {
namespace {

using namespace test;
using ::testing::HasSubstr;

constexpr std::string_view kHexKey =
    "4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4B4B";  // 32 times 'K'

Error refusal(const SoftwareOptions& options) {
  const auto opened = open_software(options);
  EXPECT_FALSE(opened);
  return opened ? Error{} : opened.error();
}

TEST(KekFile, as_octets_and_as_hex_is_the_same_key) {
  const TempFolder folder;
  ASSERT_TRUE(folder.open()->store({"k"}, {suid(12), {}}, secret("value")));
  for (const std::string& text :
       {std::string(kHexKey), std::string(kHexKey) + "\n", std::string(kHexKey) + "\r\n"}) {
    write_file(folder.kek(), text);
    auto environment = folder.open();
    EXPECT_EQ(revealed(environment->use_as_psk({"k"}, Suid::Use::saef, 0)), "value");
  }
}

TEST(KekFile, of_another_form_is_refused_without_repeating_it) {
  const std::string hex(kHexKey);
  for (const std::string& bad : {std::string(), std::string(31, 'K'), std::string(33, 'K'), hex.substr(1),
                                 hex + "4b", "zz" + hex.substr(2), hex + " ", std::string(1000, 'K')}) {
    const TempFolder folder;
    write_file(folder.kek(), bad);
    const auto error = refusal(folder.options());
    EXPECT_EQ(error.code, ErrorCode::invalid_argument) << bad.size();
    EXPECT_THAT(error.detail, HasSubstr("must hold 32 octets or 64 hex digits"));
    EXPECT_THAT(error.detail, ::testing::Not(HasSubstr("KKKK")));
  }
}

TEST(KekFile, that_is_missing_or_no_file_is_refused) {
  const TempFolder folder;
  fs::remove(folder.kek());
  EXPECT_EQ(refusal(folder.options()).code, ErrorCode::not_found);
  fs::create_directory(folder.kek());
  EXPECT_EQ(refusal(folder.options()).code, ErrorCode::invalid_argument);
  fs::remove(folder.kek());
  ASSERT_EQ(::mkfifo(folder.kek().c_str(), 0600), 0);
  EXPECT_EQ(refusal(folder.options()).code, ErrorCode::invalid_argument) << "must not wait for a writer";
}

class KekMode : public ::testing::TestWithParam<unsigned> {};
TEST_P(KekMode, for_others_than_the_owner_is_denied) {
  const TempFolder folder;
  write_file(folder.kek(), std::string(32, 'K'), GetParam());
  const auto error = refusal(folder.options());
  EXPECT_EQ(error.code, ErrorCode::denied);
  EXPECT_THAT(error.detail, HasSubstr("for its owner only"));
}
INSTANTIATE_TEST_SUITE_P(Bits, KekMode,
                         ::testing::Values(0601U, 0602U, 0604U, 0610U, 0620U, 0640U, 0644U, 0440U));

TEST(KekFile, readable_by_its_owner_is_enough) {
  const TempFolder folder;
  write_file(folder.kek(), std::string(32, 'K'), 0400);
  EXPECT_NE(folder.open(), nullptr);
}

TEST(KekFile, of_another_user_is_denied) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make one";
  const TempFolder folder;
  ASSERT_EQ(::chown(folder.kek().c_str(), 12345, 12345), 0);
  const auto error = refusal(folder.options());
  EXPECT_EQ(error.code, ErrorCode::denied);
  EXPECT_THAT(error.detail, HasSubstr("neither to this user nor to root"));
}

// Whoever copies the state folder must not get the key with it, however the configuration spells the path.
TEST(KekInsideTheFolder, is_refused_by_any_path) {
  const TempFolder folder;
  fs::create_directory(folder.state());
  fs::permissions(folder.state(), fs::perms::owner_all);
  fs::create_directory(folder.state() + "/deeper");
  write_file(folder.state() + "/kek", std::string(32, 'K'));
  write_file(folder.state() + "/deeper/kek", std::string(32, 'K'));
  fs::create_symlink(folder.state() + "/kek", folder.path() + "/link-to-file");
  fs::create_directory_symlink(folder.state(), folder.path() + "/link-to-folder");
  for (const char* path :
       {"/state/kek", "/state/deeper/kek", "/state/../state/kek", "/link-to-file", "/link-to-folder/kek"}) {
    for (const bool passphrase : {false, true}) {
      auto options = folder.options();
      (passphrase ? options.passphrase_file : options.kek_file) = folder.path() + path;
      if (passphrase) options.kek_file.clear();
      const auto error = refusal(options);
      EXPECT_EQ(error.code, ErrorCode::invalid_argument) << path;
      EXPECT_THAT(error.detail, HasSubstr("lies inside"));
    }
  }
  auto options = folder.options();
  options.folder = folder.path() + "/link-to-folder";
  options.kek_file = folder.state() + "/kek";
  EXPECT_EQ(refusal(options).code, ErrorCode::invalid_argument) << "the folder by a link";
  // A name that only begins like the folder's is not inside it.
  options = folder.options();
  options.kek_file = folder.path() + "/state-kek";
  write_file(options.kek_file, std::string(32, 'K'));
  EXPECT_TRUE(open_software(options));
}

TEST(KekSource, must_be_exactly_one) {
  const TempFolder folder;
  write_file(folder.path() + "/pass", "correct horse");
  auto none = folder.options();
  none.kek_file.clear();
  EXPECT_THAT(refusal(none).detail, HasSubstr("exactly one"));
  auto two = folder.options();
  two.passphrase_file = folder.path() + "/pass";
  EXPECT_EQ(refusal(two).code, ErrorCode::invalid_argument);
  two = folder.options();
  two.credential_name = "kek";
  EXPECT_EQ(refusal(two).code, ErrorCode::invalid_argument);
}

class Passphrase : public ::testing::Test {
 protected:
  SoftwareOptions with(std::string_view text) {
    write_file(folder_.path() + "/pass", text);
    return {.folder = folder_.state(),
            .kek_file = {},
            .passphrase_file = folder_.path() + "/pass",
            .credential_name = {}};
  }
  TempFolder folder_;
};

TEST_F(Passphrase, opens_what_it_closed_with_or_without_a_newline) {
  auto environment = open_software(with("correct horse"));
  ASSERT_TRUE(environment) << environment.error().detail;
  ASSERT_TRUE((*environment)->store({"k"}, {suid(12), {}}, secret("value")));
  environment = open_software(with("correct horse\n"));
  ASSERT_TRUE(environment) << environment.error().detail;
  EXPECT_EQ(revealed((*environment)->use_as_psk({"k"}, Suid::Use::saef, 0)), "value");
}

TEST_F(Passphrase, that_is_wrong_is_an_authentication_error) {
  ASSERT_TRUE(open_software(with("correct horse")));
  EXPECT_EQ(refusal(with("correct horsf")).code, ErrorCode::authentication);
  EXPECT_EQ(refusal(folder_.options()).code, ErrorCode::authentication)
      << "a key file does not open it either";
}

TEST_F(Passphrase, has_a_shortest_and_a_longest_length) {
  EXPECT_EQ(refusal(with("seven77")).code, ErrorCode::invalid_argument);
  EXPECT_EQ(refusal(with("seven77\n")).code, ErrorCode::invalid_argument);
  EXPECT_FALSE(open_software(with(std::string(1025, 'p'))));
  EXPECT_TRUE(open_software(with("eight888")));
  fs::remove(folder_.keys());
  EXPECT_TRUE(open_software(with(std::string(1024, 'p'))));
}

TEST_F(Passphrase, in_a_file_for_others_is_denied) {
  const auto options = with("correct horse");
  fs::permissions(options.passphrase_file, static_cast<fs::perms>(0640));
  EXPECT_EQ(refusal(options).code, ErrorCode::denied);
}

class Credential : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(folder_.path() + "/credentials");
    ::setenv("CREDENTIALS_DIRECTORY", (folder_.path() + "/credentials").c_str(), 1);
    write_file(folder_.path() + "/credentials/kek", std::string(32, 'K'), 0440);
  }
  void TearDown() override { ::unsetenv("CREDENTIALS_DIRECTORY"); }
  SoftwareOptions named(std::string name) {
    return {
        .folder = folder_.state(), .kek_file = {}, .passphrase_file = {}, .credential_name = std::move(name)};
  }
  TempFolder folder_;
};

TEST_F(Credential, of_systemd_is_the_same_as_a_key_file) {
  ASSERT_TRUE(folder_.open()->store({"k"}, {suid(12), {}}, secret("value")));
  auto environment = open_software(named("kek"));
  ASSERT_TRUE(environment) << environment.error().detail;
  EXPECT_EQ(revealed((*environment)->use_as_psk({"k"}, Suid::Use::saef, 0)), "value");
}

TEST_F(Credential, that_leads_elsewhere_or_is_missing_is_refused) {
  EXPECT_EQ(refusal(named("../kek")).code, ErrorCode::invalid_argument);
  EXPECT_EQ(refusal(named("..")).code, ErrorCode::invalid_argument);
  EXPECT_EQ(refusal(named("other")).code, ErrorCode::not_found);
  fs::permissions(folder_.path() + "/credentials/kek", static_cast<fs::perms>(0444));
  EXPECT_EQ(refusal(named("kek")).code, ErrorCode::denied);
  ::unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_THAT(refusal(named("kek")).detail, HasSubstr("CREDENTIALS_DIRECTORY"));
}

TEST(CreateKekFile, makes_a_random_one_for_the_owner_and_overwrites_nothing) {
  const TempFolder folder;
  const auto previous = ::umask(0);
  ASSERT_TRUE(create_kek_file(folder.path() + "/one"));
  ASSERT_TRUE(create_kek_file(folder.path() + "/two"));
  ::umask(previous);
  EXPECT_EQ(fs::status(folder.path() + "/one").permissions(), static_cast<fs::perms>(0600));
  const auto one = read_file(folder.path() + "/one");
  EXPECT_EQ(one.size(), 32U);
  EXPECT_NE(one, read_file(folder.path() + "/two"));
  const auto again = create_kek_file(folder.path() + "/one");
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
  EXPECT_EQ(read_file(folder.path() + "/one"), one);
  auto options = folder.options();
  options.kek_file = folder.path() + "/one";
  EXPECT_TRUE(open_software(options));
}

}  // namespace
}  // namespace latchkey::secure_env
