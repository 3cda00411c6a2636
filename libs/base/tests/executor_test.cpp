#include "latchkey/base/executor.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace latchkey {
namespace {

using namespace std::chrono_literals;

TEST(ManualExecutor, RunsPostedInOrderAndWhatTheyPost) {
  ManualExecutor executor;
  std::string order;
  executor.post([&] {
    order += 'a';
    executor.post([&] { order += 'c'; });
  });
  executor.post([&] { order += 'b'; });
  EXPECT_EQ(order, "") << "nothing runs within post()";
  EXPECT_EQ(executor.run_posted(), 3U);
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(executor.run_posted(), 0U);
}

TEST(ManualExecutor, FiresTimersInOrderOfTime) {
  ManualExecutor executor;
  std::string order;
  executor.after(30ms, [&] { order += 'c'; });
  executor.after(10ms, [&] { order += 'a'; });
  executor.after(10ms, [&] { order += 'b'; });
  executor.advance(9ms);
  EXPECT_EQ(order, "");
  executor.advance(1ms);
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(executor.pending_timers(), 1U);
  executor.advance(1h);
  EXPECT_EQ(order, "abc");
}

TEST(ManualExecutor, TimerSetByATimerCountsFromItsOwnTime) {
  ManualExecutor executor;
  int fired = 0;
  executor.after(10ms, [&] { executor.after(10ms, [&] { ++fired; }); });
  executor.advance(19ms);
  EXPECT_EQ(fired, 0);
  executor.advance(1ms);
  EXPECT_EQ(fired, 1);
}

TEST(ManualExecutor, CancelledTimerDoesNotFire) {
  ManualExecutor executor;
  int fired = 0;
  const auto first = executor.after(10ms, [&] { ++fired; });
  Executor::TimerId second{};
  executor.after(5ms, [&] { executor.cancel(second); });
  second = executor.after(6ms, [&] { ++fired; });
  executor.cancel(first);
  executor.cancel(first);
  executor.cancel(Executor::TimerId::none);
  executor.advance(1s);
  EXPECT_EQ(fired, 0);
  EXPECT_EQ(executor.pending_timers(), 0U);
}

TEST(UniqueFunction, OwnsWhatCannotBeCopied) {
  UniqueFunction<int(int)> add = [owned = std::make_unique<int>(40)](int more) { return *owned + more; };
  UniqueFunction<int(int)> moved = std::move(add);
  EXPECT_FALSE(add);  // NOLINT(bugprone-use-after-move): the state of the source is what is tested
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved(2), 42);
}

}  // namespace
}  // namespace latchkey
