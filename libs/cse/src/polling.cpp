/// pollingChannel (TS-0001 9.6.21, 10.2.5.13-14; TS-0004 7.4.21-22).
#include <deque>
#include <unordered_map>

#include "core.h"
#include "latchkey/base/log.h"

namespace latchkey::cse {

namespace {

/// A request for the owner of the channel, until its answer comes or its time ends.
struct Pending {
  RequestPrimitive request;  // under an rqi of our own: the senders' may collide
  std::string sender_rqi;
  PollingChannels::Done done;
  Executor::TimerId timer{};
  bool handed_out = false;
  std::weak_ptr<bind::Channel>
      handed_to{};  // the connection it went over; if that dies first, it is told again
};

struct HeldPoll {
  Request request;
  Respond respond;
  Executor::TimerId timer{};
};

/// A poll whose connection has gone would swallow a request. One that never had a connection (a test) is not
/// gone.
bool is_gone(const std::weak_ptr<bind::Channel>& connection) {
  const std::weak_ptr<bind::Channel> none;
  const bool never = !connection.owner_before(none) && !none.owner_before(connection);
  return !never && connection.expired();
}

struct Channel {
  std::deque<std::string> queue;  // rqi of those not handed out yet, oldest first
  std::unordered_map<std::string, Pending> pending;
  std::optional<HeldPoll> poll;  // one at a time: a newer poll ends the older
};

class Channels final : public PollingChannels {
 public:
  explicit Channels(Core& core) : core_(core) {}

  ~Channels() override {
    for (auto& [owner, channel] : channels_) cancel_timers(channel);
  }

  void attach(Resource& channel) override { channels_.try_emplace(channel.parent->ri); }

  void detach(Resource& channel) override {
    const auto found = channels_.find(channel.parent->ri);
    if (found == channels_.end()) return;
    auto gone = std::move(found->second);
    channels_.erase(found);
    cancel_timers(gone);
    if (gone.poll)
      core_.refuse(gone.poll->request, {Rsc::not_found, "the polling channel was deleted"},
                   std::move(gone.poll->respond));
    for (auto& [rqi, pending] : gone.pending)
      pending.done(fail(ErrorCode::unavailable, "the polling channel was deleted"));
  }

  void poll(Request request, Resource& channel, Respond respond) override {
    const auto owner = channel.parent->ri;
    auto& state = channels_[owner];
    end_poll(state, {Rsc::request_timeout, "another poll of this channel took over"});
    take_back_lost(state);
    auto wait = core_.options.polling_timeout;
    if (const auto until = request.primitive().rqet)
      wait =
          std::min(wait, std::chrono::duration_cast<std::chrono::milliseconds>(*until - core_.clock.now()));
    const auto timer = core_.executor.after(std::max(wait, std::chrono::milliseconds(1)), [this, owner] {
      const auto found = channels_.find(owner);
      if (found != channels_.end())
        end_poll(found->second, {Rsc::request_timeout, "no request arrived in time"});
    });
    state.poll.emplace(HeldPoll{std::move(request), std::move(respond), timer});
    hand_out(state);
  }

  void notify_response(Request request, Resource& channel, Respond respond) override {
    const auto& pc = request.primitive().pc;
    const auto* content = pc.is_object() ? pc.get_object().if_contains("m2m:rsp") : nullptr;
    if (content == nullptr)
      return core_.refuse(request, {Rsc::bad_request, "pc: the answer m2m:rsp is expected"},
                          std::move(respond));
    auto response = codec::response_from_json(*content, {});
    if (!response) return core_.refuse(request, response.error(), std::move(respond));
    auto& state = channels_[channel.parent->ri];
    const auto found = state.pending.find(response->rqi);
    if (found == state.pending.end() || !found->second.handed_out)
      return core_.refuse(request,
                          {Rsc::bad_request, "m2m:rsp.rqi: no request of that id waits for an answer"},
                          std::move(respond));
    auto pending = std::move(found->second);
    state.pending.erase(found);
    core_.executor.cancel(pending.timer);
    response->rqi = pending.sender_rqi;
    core_.answer(request, response_to(request.primitive(), Rsc::ok), std::move(respond));
    pending.done(std::move(*response));
  }

  [[nodiscard]] bool deliver(const EntityId& target, RequestPrimitive& request,
                             std::chrono::milliseconds timeout, Done& done) override {
    const auto* owner = registree(target);
    const auto found = owner == nullptr ? channels_.end() : channels_.find(owner->ri);
    if (found == channels_.end()) return false;
    auto& state = found->second;
    if (state.pending.size() >= core_.options.pending_notifications_per_target) {
      done(fail(ErrorCode::limit, "too many requests wait on the polling channel"));
      return true;
    }
    const auto rqi = "poll" + std::to_string(++last_rqi_);
    Pending pending{std::move(request), {}, std::move(done), {}, false};
    pending.sender_rqi = std::exchange(pending.request.rqi, rqi);
    pending.timer =
        core_.executor.after(timeout, [this, owner_ri = found->first, rqi] { expire(owner_ri, rqi); });
    state.pending.emplace(rqi, std::move(pending));
    state.queue.push_back(rqi);
    hand_out(state);
    return true;
  }

 private:
  [[nodiscard]] Resource* registree(const EntityId& target) const {
    if (const auto* ae = std::get_if<AeId>(&target)) return core_.tree.find_ae(*ae);
    if (const auto* cse = std::get_if<CseId>(&target)) return core_.tree.find_cse(*cse);
    return nullptr;
  }

  void hand_out(Channel& state) {
    if (!state.poll) return;
    if (is_gone(state.poll->request.in.channel)) {
      core_.executor.cancel(state.poll->timer);
      state.poll.reset();
      return;
    }
    while (!state.queue.empty()) {
      const auto found = state.pending.find(state.queue.front());
      state.queue.pop_front();
      if (found == state.pending.end()) continue;  // timed out meanwhile
      found->second.handed_out = true;
      found->second.handed_to = state.poll->request.in.channel;
      auto poll = std::move(*state.poll);
      state.poll.reset();
      core_.executor.cancel(poll.timer);
      json::object content;
      content["m2m:rqp"] = codec::to_json(found->second.request);
      return core_.answer(poll.request, response_to(poll.request.primitive(), Rsc::ok, std::move(content)),
                          std::move(poll.respond));
    }
  }

  /// What went over a connection that died before the answer came may never have arrived: the next poll gets
  /// it again.
  static void take_back_lost(Channel& state) {
    for (auto& [rqi, pending] : state.pending) {
      if (!pending.handed_out || !is_gone(pending.handed_to)) continue;
      pending.handed_out = false;
      state.queue.push_front(rqi);
    }
  }

  void end_poll(Channel& state, codec::Refusal refusal) {
    if (!state.poll) return;
    auto poll = std::move(*state.poll);
    state.poll.reset();
    core_.executor.cancel(poll.timer);
    core_.refuse(poll.request, std::move(refusal), std::move(poll.respond));
  }

  void expire(const std::string& owner, const std::string& rqi) {
    const auto channel = channels_.find(owner);
    if (channel == channels_.end()) return;
    const auto found = channel->second.pending.find(rqi);
    if (found == channel->second.pending.end()) return;
    auto done = std::move(found->second.done);
    channel->second.pending.erase(found);
    done(fail(ErrorCode::expired, "no answer over the polling channel in time"));
  }

  void cancel_timers(Channel& state) {
    if (state.poll) core_.executor.cancel(state.poll->timer);
    for (auto& [rqi, pending] : state.pending) core_.executor.cancel(pending.timer);
  }

  Core& core_;
  std::unordered_map<std::string, Channel> channels_;  // by ri of the owner
  std::uint64_t last_rqi_ = 0;
};

}  // namespace

std::unique_ptr<PollingChannels> make_polling_channels(Core& core) {
  return std::make_unique<Channels>(core);
}

}  // namespace latchkey::cse
