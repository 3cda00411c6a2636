// Who may open a store, and what is refused at the start.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "latchkey/store/store.h"
#include "temp_folder.h"

namespace latchkey::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

SqliteOptions options_for(const std::string& folder, int version = 1) {
  return {.folder = folder, .application = "cse", .schema_version = version, .migrations = {}, .vfs = {}};
}

Batch put(std::string_view key, std::string value) {
  Batch batch;
  batch.put("res", key, std::move(value));
  return batch;
}

void make_store(const test::TempFolder& folder, int records = 1, int version = 1) {
  auto store = open_sqlite(options_for(folder.state(), version));
  ASSERT_TRUE(store) << store.error().detail;
  for (int i = 0; i < records; ++i) (*store)->commit(put(std::to_string(i), std::string(300, 'v')), {});
  ASSERT_TRUE((*store)->commit_and_wait({}));
}

void run_sql(const std::string& file, const char* sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
}

unsigned mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777U;
}

TEST(OpenStore, makes_the_folder_and_its_files_for_the_owner_only) {
  const test::TempFolder folder;
  const auto previous = ::umask(0);
  auto store = open_sqlite(options_for(folder.state()));
  ASSERT_TRUE(store) << store.error().detail;
  ASSERT_TRUE((*store)->commit_and_wait(put("k", "v")));
  ::umask(previous);
  EXPECT_EQ(mode_of(folder.state()), 0700U);
  for (const auto& entry : fs::directory_iterator(folder.state()))
    EXPECT_EQ(mode_of(entry.path()), 0600U) << entry.path();
}

class FolderMode : public ::testing::TestWithParam<unsigned> {};
TEST_P(FolderMode, open_to_others_is_denied) {
  const test::TempFolder folder;
  ASSERT_EQ(::mkdir(folder.state().c_str(), 0700), 0);
  ASSERT_EQ(::chmod(folder.state().c_str(), GetParam()), 0);
  const auto store = open_sqlite(options_for(folder.state()));
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::denied);
  EXPECT_THAT(store.error().detail, HasSubstr("must have mode 0700"));
}
INSTANTIATE_TEST_SUITE_P(Bits, FolderMode,
                         ::testing::Values(0701U, 0702U, 0704U, 0710U, 0720U, 0740U, 0755U, 0777U));

TEST(OpenStore, refuses_a_folder_of_another_user) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make one";
  const test::TempFolder folder;
  ASSERT_EQ(::mkdir(folder.state().c_str(), 0700), 0);
  ASSERT_EQ(::chown(folder.state().c_str(), 12345, 12345), 0);
  const auto store = open_sqlite(options_for(folder.state()));
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::denied);
  EXPECT_THAT(store.error().detail, HasSubstr("another user"));
}

TEST(OpenStore, refuses_a_file_where_the_folder_should_be_and_a_missing_parent) {
  const test::TempFolder folder;
  std::ofstream(folder.state()) << "x";
  EXPECT_EQ(open_sqlite(options_for(folder.state())).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(open_sqlite(options_for(folder.path() + "/no/such")).error().code, ErrorCode::not_found);
  EXPECT_EQ(open_sqlite(options_for("")).error().code, ErrorCode::invalid_argument);
}

TEST(OpenStore, refuses_options_that_name_no_application_or_version) {
  const test::TempFolder folder;
  auto options = options_for(folder.state());
  options.application.clear();
  EXPECT_EQ(open_sqlite(options).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(open_sqlite(options_for(folder.state(), 0)).error().code, ErrorCode::invalid_argument);
}

TEST(OpenStore, refuses_a_second_holder_until_the_first_is_gone) {
  const test::TempFolder folder;
  auto first = open_sqlite(options_for(folder.state()));
  ASSERT_TRUE(first);
  const auto second = open_sqlite(options_for(folder.state()));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_THAT(second.error().detail, HasSubstr("process " + std::to_string(::getpid())));
  first->reset();
  EXPECT_TRUE(open_sqlite(options_for(folder.state())));
}

TEST(OpenStore, refuses_a_newer_schema_and_leaves_it_alone) {
  const test::TempFolder folder;
  make_store(folder, 1, 3);
  const auto older_program = open_sqlite(options_for(folder.state(), 2));
  ASSERT_FALSE(older_program);
  EXPECT_EQ(older_program.error().code, ErrorCode::unsupported);
  EXPECT_THAT(older_program.error().detail, HasSubstr("schema version 3"));
  EXPECT_TRUE(open_sqlite(options_for(folder.state(), 3)));
}

TEST(OpenStore, refuses_the_database_of_another_application) {
  const test::TempFolder folder;
  make_store(folder);
  auto options = options_for(folder.state());
  options.application = "maf";
  const auto store = open_sqlite(options);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::conflict);
  EXPECT_THAT(store.error().detail, HasSubstr("application 'maf'"));
}

TEST(OpenStore, refuses_a_foreign_sqlite_file_and_does_not_change_it) {
  const test::TempFolder folder;
  ASSERT_EQ(::mkdir(folder.state().c_str(), 0700), 0);
  run_sql(folder.database(), "CREATE TABLE t(x)");
  const auto read = [&] {
    std::ifstream in(folder.database(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const auto before = read();
  EXPECT_EQ(open_sqlite(options_for(folder.state())).error().code, ErrorCode::conflict);
  EXPECT_EQ(read(), before);
}

TEST(OpenStore, refuses_a_file_that_is_no_database) {
  const test::TempFolder folder;
  ASSERT_EQ(::mkdir(folder.state().c_str(), 0700), 0);
  std::ofstream(folder.database()) << std::string(8192, 'x');
  const auto store = open_sqlite(options_for(folder.state()));
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::io);
  EXPECT_THAT(store.error().detail, HasSubstr(folder.database()));
}

TEST(OpenStore, refuses_a_damaged_tree_and_a_cut_off_file) {
  for (const bool cut : {false, true}) {
    const test::TempFolder folder;
    make_store(folder, 500);
    if (cut) {
      fs::resize_file(folder.database(), fs::file_size(folder.database()) / 2);
    } else {
      std::fstream file(folder.database(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(4096 * 3);
      file << std::string(4096, '\xa5');
    }
    const auto store = open_sqlite(options_for(folder.state()));
    ASSERT_FALSE(store) << "cut=" << cut;
    EXPECT_EQ(store.error().code, ErrorCode::io);
  }
}

TEST(OpenStore, refuses_our_database_without_its_table) {
  const test::TempFolder folder;
  make_store(folder);
  run_sql(folder.database(), "ALTER TABLE records RENAME TO elsewhere");
  EXPECT_EQ(open_sqlite(options_for(folder.state())).error().code, ErrorCode::io);
}

TEST(OpenStore, refuses_a_vfs_that_does_not_exist) {
  const test::TempFolder folder;
  auto options = options_for(folder.state());
  options.vfs = "no such vfs";
  EXPECT_EQ(open_sqlite(options).error().code, ErrorCode::io);
}

// ---- migrations

Migration append(int from, const char* text) {
  return {.from = from, .apply = [text](Store& store, Batch& batch) -> Status {
            const auto old = store.get("res", "k");
            if (!old) return fail(old.error());
            batch.put("res", "k", *old + text);
            return {};
          }};
}

class Migrations : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = open_sqlite(options_for(folder_.state(), 1));
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->commit_and_wait(put("k", "1")));
  }
  Result<std::unique_ptr<Store>> open(int version, std::vector<Migration> migrations) {
    auto options = options_for(folder_.state(), version);
    options.migrations = std::move(migrations);
    return open_sqlite(std::move(options));
  }
  test::TempFolder folder_;
};

TEST_F(Migrations, run_in_order_each_on_the_result_of_the_one_before) {
  {
    auto store = open(3, {append(2, "3"), append(1, "2")});
    ASSERT_TRUE(store) << store.error().detail;
    EXPECT_EQ((*store)->get("res", "k").value(), "123");
  }
  auto again = open(3, {append(2, "3"), append(1, "2")});
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->get("res", "k").value(), "123") << "a migration runs once";
}

TEST_F(Migrations, that_are_missing_are_named) {
  const auto store = open(3, {append(1, "2")});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::unsupported);
  EXPECT_THAT(store.error().detail, HasSubstr("no migration from schema version 2"));
}

TEST_F(Migrations, that_fail_change_nothing_and_can_be_tried_again) {
  const Migration failing{.from = 1, .apply = [](Store&, Batch& batch) -> Status {
                            batch.put("res", "k", "half");
                            return fail(ErrorCode::internal, "no good");
                          }};
  const auto store = open(2, {failing});
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().detail, HasSubstr("migration from schema version 1: no good"));
  auto again = open(2, {append(1, "2")});
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->get("res", "k").value(), "12");
}

TEST_F(Migrations, cannot_commit_by_themselves) {
  ErrorCode code{};
  auto store = open(2, {{.from = 1, .apply = [&](Store& reading, Batch&) -> Status {
                           code = reading.commit_and_wait(put("x", "y")).error().code;
                           return {};
                         }}});
  ASSERT_TRUE(store);
  EXPECT_EQ(code, ErrorCode::conflict);
  EXPECT_EQ((*store)->get("res", "x").error().code, ErrorCode::not_found);
}

TEST(FreshStore, starts_at_the_newest_version_without_migrations) {
  const test::TempFolder folder;
  bool ran = false;
  auto options = options_for(folder.state(), 2);
  options.migrations = {{.from = 1, .apply = [&](Store&, Batch&) -> Status {
                           ran = true;
                           return {};
                         }}};
  ASSERT_TRUE(open_sqlite(options));
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace latchkey::store
