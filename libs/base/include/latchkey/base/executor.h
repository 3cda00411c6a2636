#pragma once
/// The one thread that owns a daemon's protocol state, seen from libraries that do no I/O of their own.
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "latchkey/base/unique_function.h"

namespace latchkey {

using Task = UniqueFunction<void()>;

class Executor {
 public:
  enum class TimerId : std::uint64_t { none = 0 };

  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  virtual ~Executor() = default;

  /// Runs `task` later on the executor's thread, in order of posting. Callable from any thread.
  virtual void post(Task task) = 0;
  /// Runs `task` once after `delay`, on the executor's thread. Callable from the executor's thread only.
  virtual TimerId after(std::chrono::milliseconds delay, Task task) = 0;
  /// Drops a timer that has not fired; an unknown id is ignored. Executor's thread only.
  virtual void cancel(TimerId timer) = 0;
};

/// For tests: runs posted tasks and timers only when told to. Not thread-safe.
class ManualExecutor final : public Executor {
 public:
  void post(Task task) override;
  TimerId after(std::chrono::milliseconds delay, Task task) override;
  void cancel(TimerId timer) override;
  /// Runs everything posted, including what it posts in turn; returns how many ran.
  std::size_t run_posted();
  /// Moves time forward, firing due timers in order and running what they post.
  void advance(std::chrono::milliseconds by);
  [[nodiscard]] std::size_t pending_timers() const { return timers_.size(); }

 private:
  struct Timer {
    TimerId id{};
    Task task;
  };
  std::vector<Task> posted_;
  std::multimap<std::chrono::milliseconds, Timer> timers_;
  std::chrono::milliseconds now_{0};
  std::uint64_t next_ = 1;
};

}  // namespace latchkey
