#pragma once
/// The way of the notifications of one subscription (TS-0001 10.2.10.7): batched, limited in their rate,
/// counted, sent.
#include <deque>
#include <memory>

#include "subscription.h"

namespace latchkey::cse {

/// A NOTIFY with this content, from this CSE.
[[nodiscard]] RequestPrimitive notify_request(const Core& core, json::object content);
/// Sends it to `target` on behalf of `owner`; counts and logs a failure. `done` hears whether it arrived.
void send_notification(Core& core, std::weak_ptr<void> core_alive, const std::string& target,
                       const std::string& owner, RequestPrimitive request,
                       UniqueFunction<void(bool arrived)> done);

/// Reactor's thread. Kept alive by events on their way to it; what it holds back is given up with its
/// subscription (TS-0004 7.4.8.2.4).
class Outbox : public std::enable_shared_from_this<Outbox> {
 public:
  /// `core_alive` ends with the core.
  Outbox(Core& core, std::weak_ptr<void> core_alive, const Resource& subscription)
      : core_(core),
        core_alive_(std::move(core_alive)),
        ri_(subscription.ri),
        owner_(subscription.created_by) {}
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  ~Outbox();

  /// The policies of the subscription, when it is made and whenever it was changed.
  void follow(const Subscription& subscription);
  /// Whether one more notification may be sent before those under way are known to have arrived (exc).
  [[nodiscard]] bool open() const noexcept;
  /// m2m:sgn of an event that is durable.
  void put(json::object signal);
  /// The subscription goes: nothing is held back any more, neither what comes (the event that ends it) nor
  /// what has been waiting.
  void close();

 private:
  /// One Notify request.
  struct Letter {
    json::object content;
    std::uint64_t events = 1;
  };
  void gather(json::object signal);
  void flush();
  void limit(Letter letter);
  void next_window();
  void send(Letter letter);
  void settled(bool arrived);

  Core& core_;
  const std::weak_ptr<void> core_alive_;
  const std::string ri_, owner_;
  std::vector<std::string> targets_;
  std::optional<BatchPolicy> batch_policy_;
  std::optional<RatePolicy> rate_policy_;
  bool latest_ = false;
  std::optional<std::uint32_t> category_;
  std::optional<std::uint64_t> left_;  ///< exc
  std::uint64_t under_way_ = 0;        ///< Notify requests without an answer
  bool closed_ = false;
  std::deque<json::object> batch_;
  Executor::TimerId batch_timer_{};
  std::deque<Letter> limited_;  ///< those for later windows
  std::uint64_t sent_in_window_ = 0;
  Executor::TimerId window_timer_{};
};

}  // namespace latchkey::cse
