#include "latchkey/bind/reactor.h"

#include <boost/asio/post.hpp>
#include <csignal>
#include <string>
#include <utility>

#include "latchkey/base/log.h"
#include "reactor_impl.h"

namespace latchkey::bind {
namespace {

/// Runs one turn of the loop. A task that throws (memory is short) costs itself, not the daemon.
template <class Turn>
std::size_t guarded(Turn&& turn) {
  try {
    return turn();
  } catch (const std::exception& error) {
    log::error("reactor", std::string("a task failed: ") + error.what());
    return 1;
  }
}

}  // namespace

Reactor::Impl::Impl()
    : work(io.get_executor()), wake(io.get_executor()), terminate_signals(io), hangup_signals(io) {}

void Reactor::Impl::arm() {
  if (timers.empty() || (armed_for && *armed_for <= timers.begin()->first)) return;
  armed_for = timers.begin()->first;
  wake.expires_at(*armed_for);
  wake.async_wait([this](const boost::system::error_code& error) {
    if (!error) fire();
  });
}

void Reactor::Impl::fire() {
  armed_for.reset();
  const auto now = std::chrono::steady_clock::now();
  // A task may add timers that are due at once; those wait for the next turn, so that sockets get theirs.
  const std::uint64_t newest = last_id;
  while (!timers.empty() && timers.begin()->first <= now &&
         static_cast<std::uint64_t>(timers.begin()->second.id) <= newest) {
    Timer timer = std::move(timers.begin()->second);
    timers.erase(timers.begin());
    by_id.erase(static_cast<std::uint64_t>(timer.id));
    guarded([&timer] {
      timer.task();
      return std::size_t{1};
    });
  }
  arm();
}

void Reactor::Impl::await_signals(asio::signal_set& signals, std::function<void()>& callback) {
  signals.async_wait([this, &signals, &callback](const boost::system::error_code& error, int) {
    if (error) return;
    await_signals(signals, callback);
    callback();
  });
}

Reactor::Reactor() : impl_(std::make_unique<Impl>()) {}

Reactor::~Reactor() {
  // What a task owns may cancel timers when it goes, while the maps are still whole.
  auto timers = std::exchange(impl_->timers, {});
  impl_->by_id.clear();
  timers.clear();
}

void Reactor::run() {
  // run() of Asio returns at stop() only, for the work guard keeps it going.
  while (!impl_->io.stopped()) {
    guarded([this] { return impl_->io.run(); });
  }
  impl_->io.restart();
}

bool Reactor::run_until(const std::function<bool()>& done, std::chrono::milliseconds limit) {
  const SteadyTime until = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (impl_->io.stopped() || std::chrono::steady_clock::now() >= until) break;
    guarded([&] { return impl_->io.run_one_until(until); });
  }
  if (impl_->io.stopped()) impl_->io.restart();
  return done();
}

void Reactor::stop() { impl_->io.stop(); }

void Reactor::post(Task task) { asio::post(impl_->io, std::move(task)); }

Executor::TimerId Reactor::after(std::chrono::milliseconds delay, Task task) {
  const auto id = TimerId{++impl_->last_id};
  const auto at =
      impl_->timers.emplace(std::chrono::steady_clock::now() + delay, Impl::Timer{id, std::move(task)});
  impl_->by_id.emplace(static_cast<std::uint64_t>(id), at);
  impl_->arm();
  return id;
}

void Reactor::cancel(TimerId timer) {
  const auto found = impl_->by_id.find(static_cast<std::uint64_t>(timer));
  if (found == impl_->by_id.end()) return;
  const auto at = found->second;
  impl_->by_id.erase(found);
  // The task may own what cancels another timer: it goes after the maps are whole again.
  const Impl::Timer dropped = std::move(at->second);
  impl_->timers.erase(at);
}

void Reactor::on_terminate(std::function<void()> callback) {
  impl_->on_terminate = std::move(callback);
  boost::system::error_code ignored;
  impl_->terminate_signals.add(SIGTERM, ignored);
  impl_->terminate_signals.add(SIGINT, ignored);
  impl_->terminate_signals.cancel(ignored);
  impl_->await_signals(impl_->terminate_signals, impl_->on_terminate);
}

void Reactor::on_hangup(std::function<void()> callback) {
  impl_->on_hangup = std::move(callback);
  boost::system::error_code ignored;
  impl_->hangup_signals.add(SIGHUP, ignored);
  impl_->hangup_signals.cancel(ignored);
  impl_->await_signals(impl_->hangup_signals, impl_->on_hangup);
}

}  // namespace latchkey::bind
