#pragma once
/// Turns an asynchronous call into a blocking one by running the reactor: for command lines and simple
/// devices.
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "latchkey/base/error.h"
#include "latchkey/bind/reactor.h"

namespace latchkey::client {

/// `start` receives a callback taking Result<T>. expired when nothing came within `limit`; a later answer is
/// dropped. Not to be called from the reactor's thread while it runs.
template <class T, class Start>
[[nodiscard]] Result<T> blocking(bind::Reactor& reactor, std::chrono::milliseconds limit, Start start) {
  auto slot = std::make_shared<std::optional<Result<T>>>();
  start([slot](Result<T> result) { slot->emplace(std::move(result)); });
  if (!reactor.run_until([&] { return slot->has_value(); }, limit))
    return fail(ErrorCode::expired, "no answer in time");
  return std::move(**slot);
}

}  // namespace latchkey::client
