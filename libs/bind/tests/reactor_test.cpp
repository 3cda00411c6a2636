#include "latchkey/bind/reactor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

namespace latchkey::bind {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

TEST(Reactor, RunsPostedTasksInOrder) {
  Reactor reactor;
  std::vector<int> ran;
  for (int i = 1; i <= 3; ++i) reactor.post([&ran, i] { ran.push_back(i); });
  EXPECT_TRUE(ran.empty());
  EXPECT_TRUE(reactor.run_until([&] { return ran.size() == 3; }, milliseconds(5000)));
  EXPECT_THAT(ran, ElementsAre(1, 2, 3));
}

TEST(Reactor, TimersFireInOrderOfTimeOnce) {
  Reactor reactor;
  std::vector<int> ran;
  reactor.after(milliseconds(20), [&] { ran.push_back(2); });
  reactor.after(milliseconds(5), [&] { ran.push_back(1); });
  reactor.after(milliseconds(30), [&] { ran.push_back(3); });
  EXPECT_TRUE(reactor.run_until([&] { return ran.size() == 3; }, milliseconds(5000)));
  reactor.run_until([] { return false; }, milliseconds(30));
  EXPECT_THAT(ran, ElementsAre(1, 2, 3));
}

TEST(Reactor, ACancelledTimerDoesNotFire) {
  Reactor reactor;
  bool cancelled_ran = false;
  bool other_ran = false;
  const auto timer = reactor.after(milliseconds(5), [&] { cancelled_ran = true; });
  reactor.after(milliseconds(15), [&] { other_ran = true; });
  reactor.cancel(timer);
  reactor.cancel(timer);
  reactor.cancel(Executor::TimerId{12345});
  EXPECT_TRUE(reactor.run_until([&] { return other_ran; }, milliseconds(5000)));
  EXPECT_FALSE(cancelled_ran);
}

TEST(Reactor, ATimerMayStartAndCancelTimers) {
  Reactor reactor;
  int ran = 0;
  const auto later = reactor.after(milliseconds(10), [&] { ran += 100; });
  reactor.after(milliseconds(1), [&] {
    reactor.cancel(later);
    reactor.after(milliseconds(0), [&] { ++ran; });
  });
  EXPECT_TRUE(reactor.run_until([&] { return ran == 1; }, milliseconds(5000)));
  reactor.run_until([] { return false; }, milliseconds(20));
  EXPECT_EQ(ran, 1);
}

TEST(Reactor, ATaskThatThrowsCostsItselfOnly) {
  Reactor reactor;
  bool ran = false;
  reactor.post([] { throw std::runtime_error("out of memory"); });
  reactor.after(milliseconds(1), [] { throw std::runtime_error("out of memory"); });
  reactor.after(milliseconds(2), [&] { ran = true; });
  EXPECT_TRUE(reactor.run_until([&] { return ran; }, milliseconds(5000)));
}

TEST(Reactor, RunEndsAtStopFromAnotherThread) {
  Reactor reactor;
  std::thread other([&] { reactor.stop(); });
  reactor.run();
  other.join();
  bool ran = false;
  reactor.post([&] { ran = true; });
  EXPECT_TRUE(reactor.run_until([&] { return ran; }, milliseconds(5000)));
}

TEST(Reactor, RunUntilGivesUpAtTheLimit) {
  Reactor reactor;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(reactor.run_until([] { return false; }, milliseconds(20)));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(20));
}

TEST(Reactor, SignalsArriveAsTasks) {
  Reactor reactor;
  int terminated = 0;
  int hung_up = 0;
  reactor.on_terminate([&] { ++terminated; });
  reactor.on_hangup([&] { ++hung_up; });
  std::raise(SIGTERM);
  EXPECT_TRUE(reactor.run_until([&] { return terminated == 1; }, milliseconds(5000)));
  std::raise(SIGINT);
  std::raise(SIGHUP);
  EXPECT_TRUE(reactor.run_until([&] { return terminated == 2 && hung_up == 1; }, milliseconds(5000)));
}

TEST(Reactor, WhatWasNotRunIsDestroyedWithIt) {
  auto owned = std::make_shared<int>(1);
  {
    Reactor reactor;
    reactor.post([owned] {});
    reactor.after(milliseconds(1000), [owned] {});
    EXPECT_EQ(owned.use_count(), 3);
  }
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace latchkey::bind
