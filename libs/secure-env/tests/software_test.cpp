// The software plug-in: what it releases and to whom, what it leaves on the disk, and what survives a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <thread>

#include "latchkey/base/time.h"
#include "latchkey/crypto/crypto.h"
#include "temp_folder.h"

namespace latchkey::secure_env {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kPem =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n";

class SoftwareTest : public ::testing::Test {
 protected:
  void SetUp() override { environment_ = folder_.open(); }
  void reopen() {
    environment_.reset();
    environment_ = folder_.open();
  }
  TempFolder folder_;
  std::unique_ptr<SecureEnvironment> environment_;
};

TEST_F(SoftwareTest, states_a_low_protection_level) {
  EXPECT_EQ(environment_->protection_level(), ProtectionLevel::low);
}

TEST_F(SoftwareTest, keeps_secrets_with_their_attributes) {
  ASSERT_TRUE(environment_->store({"a"}, {suid(12), 1000}, secret("one")));
  ASSERT_TRUE(environment_->store({"b"}, {suid(11), {}}, secret(std::string("\0\xff", 2))));
  reopen();
  EXPECT_THAT(environment_->list(), ElementsAre(KeyHandle{"a"}, KeyHandle{"b"}));
  EXPECT_EQ(revealed(environment_->use_as_psk({"a"}, Suid::Use::saef, 1000)), "one");
  EXPECT_EQ(revealed(environment_->use_as_psk({"b"}, Suid::Use::maf, 0)), std::string("\0\xff", 2));
}

TEST_F(SoftwareTest, refuses_a_handle_that_is_taken_and_keeps_the_first) {
  ASSERT_TRUE(environment_->store({"a"}, {suid(12), {}}, secret("one")));
  EXPECT_EQ(environment_->store({"a"}, {suid(12), {}}, secret("two")).error().code, ErrorCode::conflict);
  EXPECT_EQ(revealed(environment_->use_as_psk({"a"}, Suid::Use::saef, 0)), "one");
}

TEST_F(SoftwareTest, replaces_in_one_step_and_keeps_the_old_if_the_new_cannot_be_stored) {
  ASSERT_TRUE(environment_->replace({"a"}, {suid(12), {}}, secret("one"))) << "also where there was none";
  ASSERT_TRUE(environment_->replace({"a"}, {suid(11), 1000}, secret("two")));
  EXPECT_EQ(environment_->replace({"a"}, {suid(12), {}}, secret("")).error().code,
            ErrorCode::invalid_argument);
  reopen();
  EXPECT_EQ(revealed(environment_->use_as_psk({"a"}, Suid::Use::maf, 0)), "two");
  EXPECT_EQ(environment_->use_as_psk({"a"}, Suid::Use::maf, 1001).error().code, ErrorCode::expired);
  EXPECT_THAT(environment_->list(), ElementsAre(KeyHandle{"a"}));
}

TEST_F(SoftwareTest, stores_many_or_none) {
  const auto keys = [](const char* second) {
    std::vector<NewKey> made;
    made.push_back({{"x"}, {suid(12), {}}, secret("1")});
    made.push_back({{second}, {suid(12), {}}, secret("2")});
    return made;
  };
  EXPECT_EQ(environment_->store_all(keys("x")).error().code, ErrorCode::conflict);
  EXPECT_EQ(environment_->store_all(keys("not a handle")).error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(environment_->list(), ElementsAre());
  EXPECT_TRUE(environment_->store_all(keys("y")));
  reopen();
  EXPECT_THAT(environment_->list(), ElementsAre(KeyHandle{"x"}, KeyHandle{"y"}));
}

TEST_F(SoftwareTest, removes_for_good) {
  ASSERT_TRUE(environment_->store({"a"}, {suid(12), {}}, secret("one")));
  ASSERT_TRUE(environment_->remove({"a"}));
  EXPECT_EQ(environment_->remove({"a"}).error().code, ErrorCode::not_found);
  EXPECT_EQ(environment_->use_as_psk({"a"}, Suid::Use::saef, 0).error().code, ErrorCode::not_found);
  reopen();
  EXPECT_THAT(environment_->list(), ElementsAre());
}

TEST_F(SoftwareTest, limits_handles_and_secrets) {
  for (const std::string& good : {std::string(255, 'a'), std::string("A.z_0-9@x")}) {
    EXPECT_TRUE(environment_->store({good}, {}, secret("s"))) << good;
  }
  for (const std::string& bad : {std::string(), std::string(256, 'a'), std::string("a b"), std::string("a/b"),
                                 std::string("a\0b", 3), std::string("\xc3\xa9")}) {
    EXPECT_EQ(environment_->store({bad}, {}, secret("s")).error().code, ErrorCode::invalid_argument) << bad;
  }
  EXPECT_TRUE(environment_->store({"largest"}, {}, SecretBytes(64 * 1024)));
  EXPECT_EQ(environment_->store({"larger"}, {}, SecretBytes(64 * 1024 + 1)).error().code,
            ErrorCode::invalid_argument);
  EXPECT_EQ(environment_->store({"empty"}, {}, SecretBytes()).error().code, ErrorCode::invalid_argument);
}

// ---- release only for the use

struct UseCase {
  int suid;
  Suid::Use use;
  bool released;
};
class PskUse : public SoftwareTest, public ::testing::WithParamInterface<UseCase> {};
TEST_P(PskUse, must_be_that_of_the_suid) {
  const auto& p = GetParam();
  ASSERT_TRUE(environment_->store({"k"}, {suid(p.suid), {}}, secret("psk")));
  const auto released = environment_->use_as_psk({"k"}, p.use, 0);
  ASSERT_EQ(released.has_value(), p.released);
  if (!released) {
    EXPECT_EQ(released.error().code, ErrorCode::denied);
    EXPECT_THAT(released.error().detail, HasSubstr("another use"));
  }
}
INSTANTIATE_TEST_SUITE_P(
    Suids, PskUse,
    ::testing::Values(UseCase{12, Suid::Use::saef, true}, UseCase{22, Suid::Use::saef, true},
                      UseCase{32, Suid::Use::saef, true}, UseCase{11, Suid::Use::maf, true},
                      UseCase{21, Suid::Use::maf, true}, UseCase{10, Suid::Use::mef, true},
                      UseCase{12, Suid::Use::maf, false}, UseCase{11, Suid::Use::saef, false},
                      UseCase{13, Suid::Use::saef, false}, UseCase{10, Suid::Use::saef, false},
                      UseCase{14, Suid::Use::saef, false}));

TEST_F(SoftwareTest, releases_no_key_without_a_suid_as_psk) {
  ASSERT_TRUE(environment_->store({"k"}, {}, secret("psk")));
  EXPECT_EQ(environment_->use_as_psk({"k"}, Suid::Use::saef, 0).error().code, ErrorCode::denied);
}

TEST_F(SoftwareTest, releases_a_key_until_its_expiry_and_not_after) {
  ASSERT_TRUE(environment_->store({"k"}, {suid(12), 1000}, secret("psk")));
  EXPECT_TRUE(environment_->use_as_psk({"k"}, Suid::Use::saef, 999));
  EXPECT_TRUE(environment_->use_as_psk({"k"}, Suid::Use::saef, 1000));
  EXPECT_EQ(environment_->use_as_psk({"k"}, Suid::Use::saef, 1001).error().code, ErrorCode::expired);
}

TEST_F(SoftwareTest, releases_only_private_keys_as_private_keys) {
  ASSERT_TRUE(environment_->store({"key"}, {}, secret(kPem)));
  ASSERT_TRUE(environment_->store({"raw"}, {}, secret("0123456789abcdef")));
  ASSERT_TRUE(environment_->store({"psk"}, {suid(12), {}}, secret(kPem)));
  ASSERT_TRUE(environment_->store({"old"}, {{}, 1000}, secret(kPem)));
  EXPECT_EQ(revealed(environment_->use_as_private_key({"key"})), kPem);
  EXPECT_EQ(environment_->use_as_private_key({"raw"}).error().code, ErrorCode::denied);
  EXPECT_EQ(environment_->use_as_private_key({"psk"}).error().code, ErrorCode::denied);
  EXPECT_EQ(environment_->use_as_private_key({"old"}).error().code, ErrorCode::expired);
  EXPECT_EQ(environment_->use_as_private_key({"none"}).error().code, ErrorCode::not_found);
}

TEST_F(SoftwareTest, computes_hmac_inside) {
  ASSERT_TRUE(environment_->store({"k"}, {suid(13), {}}, secret("key")));
  ASSERT_TRUE(environment_->store({"old"}, {suid(13), 1000}, secret("key")));
  // HMAC-SHA-256, key "key", from the well-known pangram example.
  const auto mac = environment_->hmac({"k"}, as_bytes("The quick brown fox jumps over the lazy dog"));
  ASSERT_TRUE(mac);
  EXPECT_EQ(to_hex(mac->reveal()), "F7BC83F430538424B13298E6AA6FB143EF4D59A14946175997479DBC2D1A3CD8");
  EXPECT_EQ(environment_->hmac({"old"}, as_bytes("x")).error().code, ErrorCode::expired);
  EXPECT_EQ(environment_->hmac({"none"}, as_bytes("x")).error().code, ErrorCode::not_found);
}

// ---- seal, unseal

TEST_F(SoftwareTest, unseals_what_it_sealed_in_the_same_context_also_after_reopening) {
  for (const std::size_t size : {0U, 1U, 32U, 4096U}) {
    const SecretBytes original = crypto::random_secret(size);
    const auto sealed = environment_->seal("row 7", original);
    ASSERT_TRUE(sealed);
    reopen();
    const auto opened = environment_->unseal("row 7", *sealed);
    ASSERT_TRUE(opened) << opened.error().detail;
    EXPECT_TRUE(*opened == original);
    EXPECT_EQ(environment_->unseal("row 8", *sealed).error().code, ErrorCode::authentication);
    EXPECT_EQ(environment_->unseal("", *sealed).error().code, ErrorCode::authentication);
  }
}

TEST_F(SoftwareTest, seals_the_same_secret_differently_each_time) {
  EXPECT_NE(environment_->seal("c", secret("s")).value(), environment_->seal("c", secret("s")).value());
}

TEST_F(SoftwareTest, rejects_a_sealed_secret_with_any_flipped_bit_or_cut_off) {
  const auto sealed = environment_->seal("c", secret("secret")).value();
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    auto changed = sealed;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_EQ(environment_->unseal("c", changed).error().code, ErrorCode::authentication) << "bit " << bit;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_EQ(environment_->unseal("c", ByteView(sealed).first(size)).error().code,
              ErrorCode::authentication);
  }
}

TEST_F(SoftwareTest, rejects_a_secret_sealed_by_another_environment) {
  const TempFolder other;
  EXPECT_EQ(other.open()->unseal("c", environment_->seal("c", secret("s")).value()).error().code,
            ErrorCode::authentication);
}

// ---- the file

TEST_F(SoftwareTest, leaves_nothing_in_clear_on_the_disk) {
  const std::string value = "THIS-IS-THE-SECRET-VALUE";
  ASSERT_TRUE(environment_->store({"name-of-the-handle"}, {suid(12), {}}, secret(value)));
  const auto hex = to_hex(as_bytes(value));
  for (const auto& entry : fs::recursive_directory_iterator(folder_.state())) {
    const auto content = read_file(entry.path());
    EXPECT_THAT(content, Not(HasSubstr(value))) << entry.path();
    EXPECT_THAT(content, Not(HasSubstr(hex))) << entry.path();
    EXPECT_THAT(content, Not(HasSubstr("name-of-the-handle"))) << entry.path();
    EXPECT_THAT(content, Not(HasSubstr(std::string(32, 'K'))))
        << "the key-encryption key in " << entry.path();
  }
}

TEST_F(SoftwareTest, never_writes_the_same_file_twice) {
  ASSERT_TRUE(environment_->store({"a"}, {}, secret("s")));
  const auto first = read_file(folder_.keys());
  ASSERT_TRUE(environment_->remove({"a"}));
  ASSERT_TRUE(environment_->store({"a"}, {}, secret("s")));
  const auto second = read_file(folder_.keys());
  ASSERT_EQ(first.size(), second.size());
  EXPECT_NE(first.substr(25), second.substr(25)) << "a nonce used twice";
}

TEST_F(SoftwareTest, with_another_kek_is_an_authentication_error) {
  ASSERT_TRUE(environment_->store({"a"}, {}, secret("s")));
  write_file(folder_.kek(), std::string(31, 'K') + "L");
  const auto refused = open_software(folder_.options());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::authentication);
  EXPECT_THAT(refused.error().detail, HasSubstr("keys.lks"));
}

// Every octet: magic, kind, salt, nonce, keys, tag.
TEST_F(SoftwareTest, rejects_a_file_with_any_flipped_bit) {
  ASSERT_TRUE(environment_->store({"a"}, {suid(12), 1000}, secret("s")));
  const auto good = read_file(folder_.keys());
  for (std::size_t at = 0; at < good.size(); ++at) {
    auto bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    write_file(folder_.keys(), bad);
    const auto refused = open_software(folder_.options());
    ASSERT_FALSE(refused) << "octet " << at;
    EXPECT_EQ(refused.error().code, ErrorCode::authentication) << "octet " << at;
  }
}

TEST_F(SoftwareTest, rejects_a_file_that_is_cut_off_or_longer) {
  ASSERT_TRUE(environment_->store({"a"}, {suid(12), 1000}, secret("s")));
  const auto good = read_file(folder_.keys());
  for (std::size_t size = 0; size < good.size(); ++size) {
    write_file(folder_.keys(), good.substr(0, size));
    EXPECT_EQ(open_software(folder_.options()).error().code, ErrorCode::authentication) << size;
  }
  write_file(folder_.keys(), good + "x");
  EXPECT_EQ(open_software(folder_.options()).error().code, ErrorCode::authentication);
  write_file(folder_.keys(), good);
  EXPECT_TRUE(open_software(folder_.options()));
}

TEST_F(SoftwareTest, refuses_a_file_or_folder_that_is_open_to_others) {
  for (const unsigned mode : {0601U, 0602U, 0604U, 0610U, 0620U, 0640U}) {
    fs::permissions(folder_.keys(), static_cast<fs::perms>(mode));
    EXPECT_EQ(open_software(folder_.options()).error().code, ErrorCode::denied) << mode;
  }
  fs::permissions(folder_.keys(), static_cast<fs::perms>(0600));
  for (const unsigned mode : {0701U, 0702U, 0704U, 0710U, 0720U, 0740U}) {
    fs::permissions(folder_.state(), static_cast<fs::perms>(mode));
    EXPECT_EQ(open_software(folder_.options()).error().code, ErrorCode::denied) << mode;
  }
  fs::permissions(folder_.state(), static_cast<fs::perms>(0700));
  EXPECT_TRUE(open_software(folder_.options()));
}

TEST_F(SoftwareTest, makes_its_files_for_the_owner_whatever_the_umask) {
  const auto previous = ::umask(0);
  ASSERT_TRUE(environment_->store({"a"}, {}, secret("s")));
  ::umask(previous);
  EXPECT_EQ(fs::status(folder_.keys()).permissions(), static_cast<fs::perms>(0600));
}

TEST_F(SoftwareTest, says_when_the_disk_refuses_and_keeps_what_it_had) {
  ASSERT_TRUE(environment_->store({"a"}, {suid(12), {}}, secret("s")));
  fs::create_directory(folder_.keys() + ".new");  // in the place of the temporary file
  EXPECT_FALSE(environment_->store({"b"}, {suid(12), {}}, secret("s")));
  EXPECT_EQ(environment_->use_as_psk({"b"}, Suid::Use::saef, 0).error().code, ErrorCode::not_found);
  fs::remove(folder_.keys() + ".new");
  reopen();
  EXPECT_THAT(environment_->list(), ElementsAre(KeyHandle{"a"}));
}

// ---- two processes, threads, crashes

TEST_F(SoftwareTest, finds_a_key_that_another_process_has_stored) {
  auto cli = folder_.open();
  ASSERT_TRUE(cli->store({"new"}, {suid(12), {}}, secret("s")));
  EXPECT_EQ(revealed(environment_->use_as_psk({"new"}, Suid::Use::saef, 0)), "s");
}

TEST_F(SoftwareTest, drops_on_reload_what_another_process_has_removed) {
  ASSERT_TRUE(environment_->store({"a"}, {suid(12), {}}, secret("s")));
  ASSERT_TRUE(folder_.open()->remove({"a"}));
  ASSERT_TRUE(environment_->reload());
  EXPECT_EQ(environment_->use_as_psk({"a"}, Suid::Use::saef, 0).error().code, ErrorCode::not_found);
}

TEST_F(SoftwareTest, loses_no_change_of_two_processes) {
  auto cli = folder_.open();
  ASSERT_TRUE(environment_->store({"a"}, {}, secret("s")));
  ASSERT_TRUE(cli->store({"b"}, {}, secret("s")));
  ASSERT_TRUE(environment_->store({"c"}, {}, secret("s")));
  EXPECT_EQ(cli->store({"c"}, {}, secret("s")).error().code, ErrorCode::conflict);
  reopen();
  EXPECT_THAT(environment_->list(), ElementsAre(KeyHandle{"a"}, KeyHandle{"b"}, KeyHandle{"c"}));
}

TEST_F(SoftwareTest, keeps_what_is_in_memory_when_the_file_goes_bad) {
  ASSERT_TRUE(environment_->store({"a"}, {suid(12), {}}, secret("s")));
  write_file(folder_.keys(), "garbage");
  EXPECT_EQ(environment_->reload().error().code, ErrorCode::authentication);
  EXPECT_TRUE(environment_->use_as_psk({"a"}, Suid::Use::saef, 0));
  EXPECT_FALSE(environment_->store({"b"}, {}, secret("s"))) << "and writes nothing over it";
  EXPECT_EQ(read_file(folder_.keys()), "garbage");
}

TEST_F(SoftwareTest, serves_threads) {
  ASSERT_TRUE(environment_->store({"k"}, {suid(12), {}}, secret("s")));
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string own = "own" + std::to_string(t);
      for (int i = 0; i < 10; ++i) {
        if (!environment_->store({own}, {suid(12), {}}, secret("s"))) ++wrong;
        for (int n = 0; n < 50; ++n) {
          if (!environment_->use_as_psk({"k"}, Suid::Use::saef, 0)) ++wrong;
          if (!environment_->unseal("c", environment_->seal("c", secret("s")).value())) ++wrong;
        }
        if (!environment_->remove({own})) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_THAT(environment_->list(), ElementsAre(KeyHandle{"k"}));
}

TEST(KilledSoftware, has_every_key_it_said_was_stored) {
  const TempFolder folder;
  { ASSERT_NE(folder.open(), nullptr); }
  std::mt19937 random(3);
  int stored = 0;
  for (int round = 0; round < 10; ++round) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto environment = open_software(folder.options());
      for (int next = stored; environment && next < stored + 10000; ++next) {
        if (!(*environment)
                 ->store({"k" + std::to_string(next)}, {suid(12), {}},
                         secret("value" + std::to_string(next))))
          break;
        if (::write(ends[1], &next, sizeof next) != static_cast<ssize_t>(sizeof next)) break;
      }
      ::_exit(1);
    }
    ::close(ends[1]);
    int acknowledged = stored - 1, number = 0;
    const int until = stored + static_cast<int>(random() % 12);
    while (acknowledged < until &&
           ::read(ends[0], &number, sizeof number) == static_cast<ssize_t>(sizeof number))
      acknowledged = number;
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
    ::kill(child, SIGKILL);
    while (::read(ends[0], &number, sizeof number) == static_cast<ssize_t>(sizeof number))
      acknowledged = number;
    ::waitpid(child, nullptr, 0);
    ::close(ends[0]);
    ASSERT_GE(acknowledged, until);
    auto environment = folder.open();
    ASSERT_NE(environment, nullptr);
    stored = static_cast<int>(environment->list().size());
    EXPECT_GE(stored, acknowledged + 1);
    for (int i = 0; i < stored; ++i) {
      EXPECT_EQ(revealed(environment->use_as_psk({"k" + std::to_string(i)}, Suid::Use::saef, 0)),
                "value" + std::to_string(i));
    }
  }
}

}  // namespace
}  // namespace latchkey::secure_env
