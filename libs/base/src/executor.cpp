#include "latchkey/base/executor.h"

#include <algorithm>
#include <utility>

namespace latchkey {

void ManualExecutor::post(Task task) { posted_.push_back(std::move(task)); }

Executor::TimerId ManualExecutor::after(std::chrono::milliseconds delay, Task task) {
  const auto id = static_cast<TimerId>(next_++);
  timers_.emplace(now_ + std::max(delay, std::chrono::milliseconds(0)), Timer{id, std::move(task)});
  return id;
}

void ManualExecutor::cancel(TimerId timer) {
  std::erase_if(timers_, [timer](const auto& entry) { return entry.second.id == timer; });
}

std::size_t ManualExecutor::run_posted() {
  std::size_t ran = 0;
  while (!posted_.empty()) {
    for (Task& task : std::exchange(posted_, {})) {
      task();
      ++ran;
    }
  }
  return ran;
}

void ManualExecutor::advance(std::chrono::milliseconds by) {
  const auto until = now_ + by;
  run_posted();
  while (!timers_.empty() && timers_.begin()->first <= until) {
    auto due = timers_.extract(timers_.begin());
    now_ = due.key();
    due.mapped().task();
    run_posted();
  }
  now_ = until;
}

}  // namespace latchkey
