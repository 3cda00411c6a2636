// Copies of a store that is in use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "faulty_disk.h"
#include "numbered_writer.h"
#include "temp_folder.h"

namespace latchkey::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

SqliteOptions options_for(const std::string& folder, std::string vfs = {}) {
  return {
      .folder = folder, .application = "test", .schema_version = 1, .migrations = {}, .vfs = std::move(vfs)};
}

/// A folder in which a copy can be opened as a store.
std::string copy_folder(const test::TempFolder& folder, const std::string& name) {
  const std::string path = folder.path() + "/" + name;
  fs::create_directory(path);
  fs::permissions(path, fs::perms::owner_all);
  return path;
}

TEST(Backup, while_writing_is_one_moment_of_the_store) {
  const test::TempFolder folder;
  auto store = open_sqlite(options_for(folder.state()));
  ASSERT_TRUE(store);
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> acknowledged = 0;
  std::thread writer([&] {
    for (std::uint64_t i = 0; !stop; ++i) {
      (*store)->commit(test::numbered_batch(i, 300),
                       [&](Status status) { acknowledged += status ? 1U : 0U; });
      while ((*store)->queue_depth() > 32) std::this_thread::yield();
    }
  });
  for (int copy = 0; copy < 5; ++copy) {
    const auto target = copy_folder(folder, "copy" + std::to_string(copy));
    while (acknowledged < 100U * static_cast<unsigned>(copy + 1)) std::this_thread::yield();
    const std::uint64_t before = acknowledged;
    const auto copied = backup_sqlite(folder.state(), "test", target + "/latchkey.db");
    EXPECT_TRUE(copied) << copied.error().detail;
    auto opened = open_sqlite(options_for(target));
    EXPECT_TRUE(opened) << opened.error().detail;
    if (!opened) continue;
    const auto found = test::survivors_of(**opened);
    EXPECT_GE(found.count, before);
    EXPECT_FALSE(found.torn);
    EXPECT_FALSE(found.gaps);
  }
  stop = true;
  writer.join();
}

TEST(Backup, is_for_the_owner_only) {
  const test::TempFolder folder;
  auto store = open_sqlite(options_for(folder.state()));
  ASSERT_TRUE(store);
  const std::string file = folder.path() + "/copy.db";
  const auto previous = ::umask(0);
  ASSERT_TRUE(backup_sqlite(folder.state(), "test", file));
  ::umask(previous);
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
}

TEST(Backup, overwrites_nothing_and_follows_no_link) {
  const test::TempFolder folder;
  auto store = open_sqlite(options_for(folder.state()));
  ASSERT_TRUE(store);
  const std::string file = folder.path() + "/precious";
  std::ofstream(file) << "mine";
  fs::create_symlink(folder.path() + "/elsewhere", folder.path() + "/link");
  const auto refused = backup_sqlite(folder.state(), "test", file);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(fs::file_size(file), 4U);
  EXPECT_EQ(backup_sqlite(folder.state(), "test", folder.path() + "/link").error().code, ErrorCode::conflict);
  EXPECT_FALSE(fs::exists(folder.path() + "/elsewhere"));
  EXPECT_EQ(backup_sqlite(folder.state(), "test", folder.path() + "/no/such/folder").error().code,
            ErrorCode::io);
}

TEST(Backup, that_fails_leaves_no_file_and_the_store_goes_on) {
  const test::TempFolder folder;
  test::FaultyDisk disk(1);
  auto store = open_sqlite(options_for(folder.state(), disk.vfs()));
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->commit_and_wait(test::numbered_batch(0, 3000)));
  disk.fail_writes_at(1, SQLITE_FULL);
  const std::string file = folder.path() + "/copy.db";
  const auto refused = backup_sqlite(folder.state(), "test", file, disk.vfs());
  disk.heal();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::io);
  EXPECT_THAT(refused.error().detail, HasSubstr("backup to " + file));
  EXPECT_FALSE(fs::exists(file));
  EXPECT_TRUE((*store)->commit_and_wait(test::numbered_batch(1, 300)));
}

TEST(BackupOfAFolder, refuses_what_is_not_ours) {
  const test::TempFolder folder;
  EXPECT_EQ(backup_sqlite(folder.state(), "test", folder.path() + "/copy.db").error().code, ErrorCode::io);
  { ASSERT_TRUE(open_sqlite(options_for(folder.state()))); }
  EXPECT_EQ(backup_sqlite(folder.state(), "other", folder.path() + "/copy.db").error().code,
            ErrorCode::conflict);
  EXPECT_FALSE(fs::exists(folder.path() + "/copy.db"));
  EXPECT_TRUE(backup_sqlite(folder.state(), "test", folder.path() + "/copy.db"))
      << "also when no daemon runs";
}

}  // namespace
}  // namespace latchkey::store
