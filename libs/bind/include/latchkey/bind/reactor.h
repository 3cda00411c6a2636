#pragma once
/// The event loop of a daemon or client: one thread that owns all protocol state (Asio behind pimpl).
#include <functional>
#include <memory>

#include "latchkey/base/executor.h"

namespace latchkey::bind {

class Reactor final : public Executor {
 public:
  Reactor();
  ~Reactor() override;
  /// Runs until stop(); the calling thread becomes the executor's thread.
  void run();
  /// Runs until `done` returns true or `limit` has passed; returns done(). For blocking clients and tests.
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds limit);
  void stop();  ///< thread-safe
  void post(Task task) override;
  TimerId after(std::chrono::milliseconds delay, Task task) override;
  void cancel(TimerId timer) override;
  /// SIGTERM and SIGINT, SIGHUP as tasks on the reactor's thread.
  void on_terminate(std::function<void()> callback);
  void on_hangup(std::function<void()> callback);

  struct Impl;
  [[nodiscard]] Impl& impl() noexcept { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::bind
