/// pollingChannel (TS-0001 9.6.21, 10.2.5.13-14; TS-0004 7.4.21-22).
#include <charconv>
#include <map>
#include <set>
#include <unordered_map>

#include "core.h"

namespace latchkey::cse {

namespace {

constexpr std::string_view kRqiPrefix = "poll";

/// The connection that a poll came over. One that never had a connection (a test) does not depart.
bind::Departure departure_of(const std::weak_ptr<bind::Channel>& connection) {
  const std::weak_ptr<bind::Channel> none;
  const bool never = !connection.owner_before(none) && !none.owner_before(connection);
  if (never) return bind::Departure::none;
  const auto channel = connection.lock();
  return channel != nullptr ? channel->departure() : bind::Departure::lost;
}

/// A request for the owner of the channel, until its answer comes or its time ends.
struct Pending {
  RequestPrimitive request;  // under an rqi of our own: the senders' may collide
  std::string sender_rqi;
  PollingChannels::Done done;
  Executor::TimerId timer{};
  bool told = false;  // to somebody, who may answer
  /// The connection it went over. Reset when the peer is known to have received it.
  std::weak_ptr<bind::Channel> told_over{};
};

struct HeldPoll {
  Request request;
  Respond respond;
  Executor::TimerId timer{};
};

struct Channel {
  std::set<std::uint64_t> queue;  // those to be told, oldest first
  std::map<std::uint64_t, Pending> pending;
  std::optional<HeldPoll> poll;  // one at a time: a newer poll ends the older
};

std::string rqi_of(std::uint64_t number) { return std::string(kRqiPrefix) + std::to_string(number); }

std::optional<std::uint64_t> number_of(std::string_view rqi) {
  if (!rqi.starts_with(kRqiPrefix)) return std::nullopt;
  rqi.remove_prefix(kRqiPrefix.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(rqi.data(), rqi.data() + rqi.size(), number);
  return error == std::errc{} && end == rqi.data() + rqi.size() ? std::optional(number) : std::nullopt;
}

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
    if (gone.poll) refuse_later(std::move(*gone.poll), {Rsc::not_found, "the polling channel was deleted"});
    for (auto& [number, pending] : gone.pending)
      later([done = std::move(pending.done)]() mutable {
        done(fail(ErrorCode::unavailable, "the polling channel was deleted"));
      });
  }

  void poll(Request&& request, Resource& channel, Respond respond) override {
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
    if (const auto connection = request.in.channel.lock()) watch(*connection, owner);
    state.poll.emplace(HeldPoll{std::move(request), std::move(respond), timer});
    hand_out(state);
    park(state);
  }

  void notify_response(Request&& request, Resource& channel, Respond respond) override {
    const auto& pc = request.primitive().pc;
    const auto* content = pc.is_object() ? pc.get_object().if_contains("m2m:rsp") : nullptr;
    if (content == nullptr)
      return core_.refuse(request, {Rsc::bad_request, "pc: the answer m2m:rsp is expected"},
                          std::move(respond));
    auto response = codec::response_from_json(*content, {});
    if (!response) return core_.refuse(request, response.error(), std::move(respond));
    auto& state = channels_[channel.parent->ri];
    const auto number = number_of(response->rqi);
    const auto found = number ? state.pending.find(*number) : state.pending.end();
    if (found == state.pending.end() || !found->second.told)
      return core_.refuse(request,
                          {Rsc::bad_request, "m2m:rsp.rqi: no request of that id waits for an answer"},
                          std::move(respond));
    auto pending = std::move(found->second);
    state.pending.erase(found);
    state.queue.erase(*number);  // it may have been taken back meanwhile
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
    const auto number = ++last_number_;
    Pending pending{.request = std::move(request), .sender_rqi = {}, .done = std::move(done)};
    pending.sender_rqi = std::exchange(pending.request.rqi, rqi_of(number));
    pending.timer =
        core_.executor.after(timeout, [this, owner_ri = found->first, number] { expire(owner_ri, number); });
    state.pending.emplace(number, std::move(pending));
    state.queue.insert(number);
    hand_out(state);
    return true;
  }

 private:
  [[nodiscard]] Resource* registree(const EntityId& target) const {
    if (const auto* ae = std::get_if<AeId>(&target)) return core_.tree.find_ae(*ae);
    if (const auto* cse = std::get_if<CseId>(&target)) return core_.tree.find_cse(*cse);
    return nullptr;
  }

  /// Nobody is told over a connection whose peer has left: it would be told to nobody.
  void hand_out(Channel& state) {
    if (!state.poll) return;
    if (departure_of(state.poll->request.in.channel) != bind::Departure::none)
      return end_poll(state, {Rsc::request_timeout, "the connection of the poll has ended"});
    if (state.queue.empty()) return;
    auto& pending = state.pending.at(*state.queue.begin());
    state.queue.erase(state.queue.begin());
    pending.told = true;
    pending.told_over = state.poll->request.in.channel;
    auto poll = std::move(*state.poll);
    state.poll.reset();
    core_.executor.cancel(poll.timer);
    json::object content;
    content["m2m:rqp"] = codec::to_json(pending.request);
    // At once, so that "told" means handed to the connection. Callers touch nothing of ours after this.
    core_.answer(poll.request, response_to(poll.request.primitive(), Rsc::ok, std::move(content)),
                 std::move(poll.respond));
  }

  /// Pollers wait most of the time: as many as there are channels must not keep others out.
  static void park(const Channel& state) {
    if (!state.poll) return;
    if (const auto connection = state.poll->request.in.channel.lock()) connection->park();
  }

  /// What went over a connection that was lost before the answer came may never have arrived: the next poll
  /// gets it again. Whoever ended its connection in order has received it.
  static void take_back_lost(Channel& state) {
    for (auto& [number, pending] : state.pending) {
      const auto departure = departure_of(pending.told_over);
      if (departure == bind::Departure::none) continue;
      pending.told_over = {};
      if (departure == bind::Departure::lost) state.queue.insert(number);
    }
  }

  void watch(bind::Channel& connection, const std::string& owner) {
    connection.watch([this, alive = std::weak_ptr<Channels*>(self_), owner] {
      if (alive.expired()) return;
      const auto found = channels_.find(owner);
      if (found == channels_.end()) return;
      take_back_lost(found->second);
      hand_out(found->second);
    });
  }

  void end_poll(Channel& state, codec::Refusal refusal) {
    if (!state.poll) return;
    auto poll = std::move(*state.poll);
    state.poll.reset();
    core_.executor.cancel(poll.timer);
    refuse_later(std::move(poll), std::move(refusal));
  }

  /// Polls that end, and what waits for a channel that goes, are answered in turns of their own: the answers
  /// may lead to other requests, and whoever ends them is in the middle of something.
  void later(Task task) {
    core_.executor.post([alive = std::weak_ptr<Channels*>(self_), task = std::move(task)]() mutable {
      if (!alive.expired()) task();
    });
  }

  void refuse_later(HeldPoll poll, codec::Refusal refusal) {
    later([this, poll = std::move(poll), refusal = std::move(refusal)]() mutable {
      core_.refuse(poll.request, refusal, std::move(poll.respond));
    });
  }

  void expire(const std::string& owner, std::uint64_t number) {
    const auto channel = channels_.find(owner);
    if (channel == channels_.end()) return;
    auto& state = channel->second;
    const auto found = state.pending.find(number);
    if (found == state.pending.end()) return;
    auto done = std::move(found->second.done);
    state.pending.erase(found);
    state.queue.erase(number);
    done(fail(ErrorCode::expired, "no answer over the polling channel in time"));
  }

  void cancel_timers(Channel& state) {
    if (state.poll) core_.executor.cancel(state.poll->timer);
    for (auto& [number, pending] : state.pending) core_.executor.cancel(pending.timer);
  }

  Core& core_;
  std::unordered_map<std::string, Channel> channels_;  // by ri of the owner
  std::uint64_t last_number_ = 0;
  std::shared_ptr<Channels*> self_ = std::make_shared<Channels*>(this);  // a connection may outlive us
};

}  // namespace

std::unique_ptr<PollingChannels> make_polling_channels(Core& core) {
  return std::make_unique<Channels>(core);
}

}  // namespace latchkey::cse
