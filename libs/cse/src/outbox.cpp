#include "outbox.h"

#include <algorithm>
#include <utility>

#include "latchkey/base/log.h"

namespace latchkey::cse {

namespace {

constexpr std::chrono::milliseconds kNotifyTimeout{10'000};

}  // namespace

RequestPrimitive notify_request(const Core& core, json::object content) {
  RequestPrimitive out;
  out.op = codec::Operation::notify;
  out.from = core.options.cse_id.sp_relative();
  out.pc = std::move(content);
  return out;
}

void send_notification(Core& core, std::weak_ptr<void> core_alive, const std::string& target,
                       const std::string& owner, RequestPrimitive request,
                       UniqueFunction<void(bool arrived)> done) {
  ++core.counters.notifications;
  core.router->send(target, owner, std::move(request), kNotifyTimeout,
                    [&core, core_alive = std::move(core_alive), target,
                     done = std::move(done)](Result<ResponsePrimitive> response) mutable {
                      if (core_alive.expired()) return;
                      const bool arrived = response && codec::is_success(response->rsc);
                      if (!arrived) {
                        ++core.counters.notifications_failed;
                        log::warning("cse", "notification to " + target + " failed: " +
                                                (response ? std::to_string(static_cast<int>(response->rsc))
                                                          : response.error().detail));
                      }
                      done(arrived);
                    });
}

Outbox::~Outbox() {
  core_.executor.cancel(batch_timer_);
  core_.executor.cancel(window_timer_);
}

void Outbox::follow(const Subscription& subscription) {
  targets_ = subscription.targets;
  latest_ = subscription.latest;
  category_ = subscription.category;
  left_ = subscription.expires_after;
  batch_policy_ = subscription.batch;
  rate_policy_ = subscription.rate;
  if (!batch_policy_) flush();
  if (!rate_policy_) next_window();
}

bool Outbox::open() const noexcept { return !left_ || under_way_ < *left_; }

void Outbox::put(json::object signal) {
  if (batch_policy_ && !closed_) return gather(std::move(signal));
  limit({.content = {{"m2m:sgn", std::move(signal)}}});
}

// Batches (bn).

void Outbox::gather(json::object signal) {
  batch_.push_back(std::move(signal));
  const auto most = core_.options.pending_notifications_per_target;
  if (batch_.size() >= std::min<std::uint64_t>(batch_policy_->number.value_or(most), most)) return flush();
  if (batch_.size() > 1) return;
  batch_timer_ = core_.executor.after(batch_policy_->duration, [weak = weak_from_this()] {
    if (const auto outbox = weak.lock()) outbox->flush();
  });
}

/// With latestNotify a batch is a way to take samples: its last event stands for all (TS-0001 10.2.10.7).
void Outbox::flush() {
  core_.executor.cancel(std::exchange(batch_timer_, {}));
  if (batch_.empty()) return;
  auto batch = std::exchange(batch_, {});
  if (latest_) return limit({.content = {{"m2m:sgn", std::move(batch.back())}}});
  const auto events = batch.size();
  json::array signals;
  for (auto& signal : batch) signals.push_back(std::move(signal));
  limit({.content = {{"m2m:agn", json::object{{"m2m:sgn", std::move(signals)}}}}, .events = events});
}

// Windows (rl): one follows the other as long as there is something to send.

void Outbox::limit(Letter letter) {
  if (!rate_policy_ || closed_) return send(std::move(letter));
  if (limited_.empty() && sent_in_window_ < rate_policy_->number) {
    sent_in_window_ += letter.events;
    if (window_timer_ == Executor::TimerId::none) {
      window_timer_ = core_.executor.after(rate_policy_->window, [weak = weak_from_this()] {
        if (const auto outbox = weak.lock()) outbox->next_window();
      });
    }
    return send(std::move(letter));
  }
  if (latest_) limited_.clear();
  limited_.push_back(std::move(letter));
  if (limited_.size() <= core_.options.pending_notifications_per_target) return;
  limited_.pop_front();
  ++core_.counters.notifications_failed;
  log::warning("cse", "notification of " + ri_ + " dropped: more than its rate wait");
}

void Outbox::next_window() {
  core_.executor.cancel(std::exchange(window_timer_, {}));
  sent_in_window_ = 0;
  for (auto& letter : std::exchange(limited_, {})) limit(std::move(letter));
}

// Sending, and counting what arrived (exc).

void Outbox::send(Letter letter) {
  if (!open() && !closed_) return;
  auto request = notify_request(core_, std::move(letter.content));
  request.ec = category_;
  ++under_way_;
  struct Round {
    std::size_t waiting;
    bool arrived = false;
  };
  auto round = std::make_shared<Round>(Round{.waiting = targets_.size()});
  const auto targets = targets_;
  for (const auto& target : targets) {
    send_notification(core_, core_alive_, target, owner_, request,
                      [weak = weak_from_this(), round](bool arrived) {
                        round->arrived = round->arrived || arrived;
                        const auto outbox = weak.lock();
                        if (--round->waiting == 0 && outbox) outbox->settled(round->arrived);
                      });
  }
}

/// TS-0004 7.5.1.2.2, steps 5 and 7. The resource follows when the tree may change.
void Outbox::settled(bool arrived) {
  --under_way_;
  if (!arrived || !left_ || closed_) return;
  const auto left = --*left_;
  core_.executor.post([&core = core_, alive = core_alive_, ri = ri_, left] {
    if (alive.expired()) return;
    auto* resource = core.tree.find(ri);
    if (resource == nullptr) return;
    if (left == 0)
      core.remove(*resource, std::nullopt);
    else
      core.change(*resource, json::object{{"exc", left}});
  });
}

void Outbox::close() {
  closed_ = true;
  batch_.clear();
  limited_.clear();
  core_.executor.cancel(std::exchange(batch_timer_, {}));
  core_.executor.cancel(std::exchange(window_timer_, {}));
}

}  // namespace latchkey::cse
