// What is acknowledged survives power loss; what a failing disk refuses stops the store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "faulty_disk.h"
#include "numbered_writer.h"
#include "sqlite_store.h"
#include "temp_folder.h"

namespace latchkey::store {
namespace {

using ::testing::HasSubstr;

SqliteOptions options_for(const std::string& folder, std::string vfs = {}) {
  return {
      .folder = folder, .application = "test", .schema_version = 1, .migrations = {}, .vfs = std::move(vfs)};
}

struct Outcome {
  std::uint64_t acknowledged = 0;
  test::Survivors found;
  [[nodiscard]] bool lost() const { return found.count < acknowledged; }
};

/// Commits with many in flight until the power goes, then opens what is left on a disk that works.
Outcome run_until_power_loss(std::uint32_t seed, std::uint64_t cut_at, const Tuning& tuning) {
  const test::TempFolder folder;
  test::FaultyDisk disk(seed);
  Outcome outcome;
  {
    auto store = open_sqlite_tuned(options_for(folder.state(), disk.vfs()), tuning);
    if (!store) {
      ADD_FAILURE() << store.error().detail;
      return outcome;
    }
    disk.cut_power_at(cut_at);
    std::atomic<std::uint64_t> acknowledged = 0;
    for (std::uint64_t i = 0; !disk.power_is_off(); ++i) {
      (*store)->commit(test::numbered_batch(i, 700),
                       [&](Status status) { acknowledged += status ? 1U : 0U; });
      if (i % 16 == 15) static_cast<void>((*store)->commit_and_wait({}));
    }
    store->reset();
    outcome.acknowledged = acknowledged;
  }
  const std::string after = folder.path() + "/after";
  disk.restore_into(after);
  auto store = open_sqlite(options_for(after));
  EXPECT_TRUE(store) << "seed " << seed << ", cut at " << cut_at << ": " << store.error().detail;
  if (store) outcome.found = test::survivors_of(**store);
  return outcome;
}

/// Several checkpoints a run, each of several commits; the cut falls anywhere in them.
constexpr int kCheckpointPages = 400;
std::uint64_t cut_of(std::uint32_t seed) { return 20 + std::mt19937(seed)() % 6000; }

TEST(PowerLoss, takes_nothing_that_was_acknowledged) {
  std::uint64_t acknowledged = 0;
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    const auto outcome = run_until_power_loss(
        seed, cut_of(seed), {.flush_each_commit = true, .checkpoint_pages = kCheckpointPages});
    EXPECT_FALSE(outcome.lost()) << "seed " << seed << ": " << outcome.acknowledged << " acknowledged, "
                                 << outcome.found.count << " found";
    EXPECT_FALSE(outcome.found.torn) << "seed " << seed;
    EXPECT_FALSE(outcome.found.gaps) << "seed " << seed;
    acknowledged += outcome.acknowledged;
  }
  EXPECT_GT(acknowledged, 1000U) << "the runs must have something to lose";
}

// The proof that the test above can fail: the same runs without a flush per commit.
TEST(PowerLoss, is_seen_by_this_test_when_commits_are_not_flushed) {
  int lossy = 0;
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    const auto outcome = run_until_power_loss(
        seed, cut_of(seed), {.flush_each_commit = false, .checkpoint_pages = kCheckpointPages});
    lossy += outcome.lost() ? 1 : 0;
  }
  EXPECT_GE(lossy, 8);
}

TEST(PowerLoss, while_the_store_is_made_leaves_one_that_opens) {
  for (std::uint32_t cut = 1; cut <= 30; ++cut) {
    const test::TempFolder folder;
    test::FaultyDisk disk(cut);
    disk.cut_power_at(cut);
    static_cast<void>(open_sqlite(options_for(folder.state(), disk.vfs())));
    const std::string after = folder.path() + "/after";
    disk.restore_into(after);
    const auto store = open_sqlite(options_for(after));
    EXPECT_TRUE(store) << "cut at " << cut << ": " << store.error().detail;
  }
}

// ---- a disk that fails

struct Fault {
  const char* name;
  bool flush;
  int code;
};
class DiskFault : public ::testing::TestWithParam<Fault> {};

TEST_P(DiskFault, stops_the_store_and_loses_nothing_acknowledged) {
  const test::TempFolder folder;
  test::FaultyDisk disk(1);
  auto opened = open_sqlite(options_for(folder.state(), disk.vfs()));
  ASSERT_TRUE(opened) << opened.error().detail;
  Store& store = **opened;
  if (GetParam().flush) {
    disk.fail_flushes_at(20, GetParam().code);
  } else {
    disk.fail_writes_at(200, GetParam().code);
  }

  std::uint64_t acknowledged = 0;
  Status failure;
  while (failure) {
    failure = store.commit_and_wait(test::numbered_batch(acknowledged, 300));
    acknowledged += failure ? 1U : 0U;
  }
  EXPECT_EQ(failure.error().code, ErrorCode::io);
  EXPECT_THAT(failure.error().detail, HasSubstr("SQLite"));
  EXPECT_GT(acknowledged, 5U);

  disk.heal();  // a disk that works again changes nothing: what is in memory may differ from what is on it
  const auto later = store.commit_and_wait(test::numbered_batch(acknowledged, 300));
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, ErrorCode::unavailable);
  EXPECT_THAT(later.error().detail, HasSubstr("earlier commit failed"));

  opened->reset();
  auto again = open_sqlite(options_for(folder.state(), disk.vfs()));
  ASSERT_TRUE(again) << again.error().detail;
  const auto found = test::survivors_of(**again);
  EXPECT_GE(found.count, acknowledged);
  EXPECT_LE(found.count, acknowledged + 1) << "the batch that failed may be there, nothing behind it";
  EXPECT_FALSE(found.torn);
}
INSTANTIATE_TEST_SUITE_P(Codes, DiskFault,
                         ::testing::Values(Fault{"disk_full", false, SQLITE_FULL},
                                           Fault{"write_error", false, SQLITE_IOERR_WRITE},
                                           Fault{"flush_error", true, SQLITE_IOERR_FSYNC}),
                         [](const auto& test) { return test.param.name; });

TEST(DiskFull, fails_all_that_is_in_flight) {
  const test::TempFolder folder;
  test::FaultyDisk disk(1);
  auto store = open_sqlite(options_for(folder.state(), disk.vfs()));
  ASSERT_TRUE(store);
  disk.fail_writes_at(1, SQLITE_FULL);
  int io = 0, unavailable = 0, other = 0;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    (*store)->commit(test::numbered_batch(i, 100), [&](Status status) {
      if (status) return void(++other);
      ++(status.error().code == ErrorCode::io ? io : unavailable);
    });
  }
  store->reset();
  EXPECT_GT(io, 0);
  EXPECT_GT(unavailable, 0);
  EXPECT_EQ(io + unavailable, 3000);
  EXPECT_EQ(other, 0);
}

TEST(DiskFull, during_a_checkpoint_stops_the_store_but_loses_nothing) {
  const test::TempFolder folder;
  test::FaultyDisk disk(1);
  std::uint64_t acknowledged = 0;
  {
    auto store = open_sqlite_tuned(options_for(folder.state(), disk.vfs()),
                                   {.flush_each_commit = true, .checkpoint_pages = 60});
    ASSERT_TRUE(store);
    disk.fail_flushes_at(2, SQLITE_IOERR_FSYNC, "latchkey.db");  // only a checkpoint flushes it
    while ((*store)->commit_and_wait(test::numbered_batch(acknowledged, 3000))) ++acknowledged;
    disk.heal();
  }
  auto store = open_sqlite(options_for(folder.state(), disk.vfs()));
  ASSERT_TRUE(store) << store.error().detail;
  EXPECT_GT(acknowledged, 10U);
  EXPECT_GE(test::survivors_of(**store).count, acknowledged);
}

}  // namespace
}  // namespace latchkey::store
