#pragma once
/// What the bindings need of the event loop and no one else sees.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>
#include <unordered_map>

#include "latchkey/bind/reactor.h"

namespace latchkey::bind {

namespace asio = boost::asio;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Timers share one operating-system timer, so that a timer per request costs a map entry and no system call
/// unless it is the earliest of all.
struct Reactor::Impl {
  struct Timer {
    TimerId id{};
    Task task;
  };
  using Timers = std::multimap<SteadyTime, Timer>;

  Impl();
  void arm();
  void fire();
  void await_signals(asio::signal_set& signals, std::function<void()>& callback);

  // Before `io`, since handlers that go with it may own what cancels a timer.
  Timers timers;
  std::unordered_map<std::uint64_t, Timers::iterator> by_id;
  std::uint64_t last_id = 0;
  std::optional<SteadyTime> armed_for;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                             asio::io_context::executor_type>
      wake;
  asio::signal_set terminate_signals;
  asio::signal_set hangup_signals;
  std::function<void()> on_terminate, on_hangup;
};

}  // namespace latchkey::bind
