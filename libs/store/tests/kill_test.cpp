// kill -9 of a writing process: every acknowledged batch is there after the next start.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "numbered_writer.h"
#include "temp_folder.h"

namespace latchkey::store {
namespace {

constexpr const char* kFolderVariable = "LATCHKEY_TEST_KILL_FOLDER";
constexpr int kReportFd = 3;

SqliteOptions options_for(const std::string& folder) {
  return {.folder = folder, .application = "test", .schema_version = 1, .migrations = {}, .vfs = {}};
}

/// The writing process: goes on from what it finds, and reports the number of each batch when it is
/// acknowledged.
TEST(KilledWriter, DISABLED_child) {
  const char* folder = std::getenv(kFolderVariable);
  ASSERT_NE(folder, nullptr) << "runs only as the child of the tests below";
  auto store = open_sqlite(options_for(folder));
  ASSERT_TRUE(store) << store.error().detail;
  std::uint64_t next = test::survivors_of(**store).count;
  for (;; ++next) {
    (*store)->commit(test::numbered_batch(next, 300), [next](Status status) {
      if (!status || ::write(kReportFd, &next, sizeof next) != static_cast<ssize_t>(sizeof next))
        std::abort();
    });
    while ((*store)->queue_depth() > 64) std::this_thread::yield();
  }
}

class Child {
 public:
  explicit Child(const std::string& folder) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe(ends), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      if (ends[1] == kReportFd || ::dup2(ends[1], kReportFd) == kReportFd) {
        ::setenv(kFolderVariable, folder.c_str(), 1);
        ::unsetenv("GTEST_OUTPUT");
        ::execl("/proc/self/exe", "child", "--gtest_filter=KilledWriter.DISABLED_child",
                "--gtest_also_run_disabled_tests", "--gtest_brief=1", nullptr);
      }
      ::_exit(127);
    }
    ::close(ends[1]);
    reports_ = ends[0];
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill();
    ::close(reports_);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// The next acknowledged number; false at the end of the reports.
  bool next(std::uint64_t& number) const {
    return ::read(reports_, &number, sizeof number) == static_cast<ssize_t>(sizeof number);
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  int reports_ = -1;
};

TEST(KilledWriter, loses_nothing_it_acknowledged) {
  const test::TempFolder folder;
  std::mt19937 random(20);
  std::uint64_t before = 0;
  for (int round = 0; round < 12; ++round) {
    std::uint64_t acknowledged = before;  // how many batches are known to be durable
    {
      Child child(folder.state());
      // Some rounds end among the first commits, others after a random number of them, at any moment of the
      // next ones.
      const std::uint64_t until = before + 1 + random() % 1500;
      std::uint64_t number = 0;
      while (child.next(number)) {
        EXPECT_EQ(number, acknowledged) << "answers come in the order of the commits";
        acknowledged = number + 1;
        if (acknowledged >= until) break;
      }
      ASSERT_GE(acknowledged, until) << "the child ended by itself";
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
      child.kill();
      while (child.next(number)) acknowledged = number + 1;  // what it said before it died
    }
    auto store = open_sqlite(options_for(folder.state()));
    ASSERT_TRUE(store) << store.error().detail;
    const auto found = test::survivors_of(**store);
    EXPECT_GE(found.count, acknowledged);
    EXPECT_FALSE(found.torn);
    EXPECT_FALSE(found.gaps);
    before = found.count;
  }
}

TEST(SecondProcess, is_locked_out_by_the_pid_of_the_first) {
  const test::TempFolder folder;
  Child child(folder.state());
  std::uint64_t number = 0;
  ASSERT_TRUE(child.next(number));
  const auto store = open_sqlite(options_for(folder.state()));
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::conflict);
  EXPECT_THAT(store.error().detail, ::testing::HasSubstr("in use by process " + std::to_string(child.pid())));
  child.kill();
  EXPECT_TRUE(open_sqlite(options_for(folder.state()))) << "the lock of a dead process does not hold";
}

TEST(SecondProcess, can_make_a_backup_while_the_first_writes) {
  const test::TempFolder folder;
  Child child(folder.state());
  std::uint64_t number = 0;
  while (number < 200) ASSERT_TRUE(child.next(number));
  const std::string copy_folder = folder.path() + "/copy";
  std::filesystem::create_directory(copy_folder);
  std::filesystem::permissions(copy_folder, std::filesystem::perms::owner_all);
  const auto copied = backup_sqlite(folder.state(), "test", copy_folder + "/latchkey.db");
  ASSERT_TRUE(copied) << copied.error().detail;
  child.kill();
  auto store = open_sqlite(options_for(copy_folder));
  ASSERT_TRUE(store) << store.error().detail;
  const auto found = test::survivors_of(**store);
  EXPECT_GT(found.count, 200U);
  EXPECT_FALSE(found.torn);
  EXPECT_FALSE(found.gaps);
}

}  // namespace
}  // namespace latchkey::store
