/// Session keys leave the process only through open_key_log() (TR-0038 A.2), never through the environment.
#include "latchkey/tls/key_log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "support/world.h"

namespace latchkey::tls::test {
namespace {

/// GnuTLS looks at its environment once and a key log stays open: each case runs in a process of its own.
class KeyLog : public World {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    file_ = testing::TempDir() + "key-log-" + std::to_string(getpid());
    ::unlink(file_.c_str());
  }
  void TearDown() override { ::unlink(file_.c_str()); }

  std::string content() const {
    std::ifstream in(file_);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  /// One handshake; the line that its client would log.
  std::string line_of_handshake() {
    const auto server_side = endpoint();
    const auto server = server_side->accept("p:1");
    const auto peer = client(psk_options());
    pump(*peer, *server);
    return peer->state() == Session::State::established ? peer->key_log_line() : std::string();
  }

  std::string file_;
};

TEST_F(KeyLog, EnvironmentCannotAskForIt) {
  EXPECT_EXIT(
      {
        ::setenv("SSLKEYLOGFILE", file_.c_str(), 1);
        const bool done = !line_of_handshake().empty();
        ::_exit(done && ::access(file_.c_str(), F_OK) != 0 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(KeyLog, OneLinePerSessionAndEnd) {
  EXPECT_EXIT(
      {
        bool good = open_key_log(file_).has_value();
        const std::string line = line_of_handshake() + "\n";
        good = good && content() == line + line;  // both ends are in this process
        struct stat info {};
        good = good && ::stat(file_.c_str(), &info) == 0 && (info.st_mode & 0777U) == 0600U;
        ::unlink(file_.c_str());
        ::_exit(good ? 0 : 1);
      },
      testing::ExitedWithCode(0), "test only: the keys of every session are written");
}

TEST_F(KeyLog, FileThatCannotBeWrittenIsAnError) {
  const auto opened = open_key_log("/nowhere/at/all");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::io);
  EXPECT_NE(opened.error().detail.find("/nowhere/at/all"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::tls::test
