/// subscription: verification, events, notifications (TS-0001 9.6.8, 10.2.10; TS-0004 7.4.8, 7.5.1).
#include <algorithm>
#include <unordered_map>

#include "access.h"
#include "outbox.h"

namespace latchkey::cse {

namespace {

constexpr std::chrono::milliseconds kVerifyTimeout{10'000};

class Notifier final : public Subscriptions {
 public:
  explicit Notifier(Core& core) : core_(core) {}

  // ---- before CREATE and UPDATE ----

  void verify(const Request& request, const Resource& subject, const Resource* subscription,
              const json::object& attributes, Done done) override {
    if (auto sound = check_subscription(subject, attributes); !sound) return done(std::move(sound));
    // Also of who changes a subscription: it could else be pointed at a target of one's own.
    if (!core_.access->would_permit(request, subject, authz::Op::retrieve))
      return done(codec::refuse(Rsc::originator_has_no_privilege,
                                "a subscriber must be permitted to RETRIEVE what it subscribes to"));
    const auto known =
        subscription != nullptr ? targets_of(subscription->attributes) : std::vector<std::string>();
    auto round = std::make_shared<Verification>();
    round->done = std::move(done);
    for (const auto& target : targets_of(attributes)) {
      if (std::ranges::find(known, target) != known.end() || is_originator(target, request)) continue;
      if (!may_name(request, target))
        return round->done(codec::refuse(Rsc::subscription_creator_has_no_privilege,
                                         "nu: no privilege to notify " + target));
      round->targets.push_back(target);
    }
    if (const auto* su = attributes.if_contains("su");
        su != nullptr && su->is_string() && subscription == nullptr) {
      const std::string_view target(su->get_string());
      if (!is_originator(target, request) && !may_name(request, target))
        return round->done(codec::refuse(Rsc::subscription_creator_has_no_privilege,
                                         "su: no privilege to notify " + std::string(target)));
    }
    if (round->targets.empty()) return round->done({});
    ask(request, subject, round);
  }

  // ---- life of a subscription ----

  void attach(Resource& subscription) override {
    auto outbox = std::make_shared<Outbox>(core_, std::weak_ptr<void>(self_), subscription);
    Entry entry{read_subscription(subscription), std::move(outbox)};
    entry.outbox->follow(entry.subscription);
    of_[subscription.parent].push_back(std::move(entry));
  }

  void changed(Resource& subscription) override {
    for (auto& entry : of_[subscription.parent]) {
      if (entry.subscription.resource != &subscription) continue;
      entry.subscription = read_subscription(subscription);
      entry.outbox->follow(entry.subscription);
    }
  }

  void detach(Resource& subscription, std::uint64_t sequence) override {
    const auto found = of_.find(subscription.parent);
    if (found != of_.end()) {
      std::erase_if(found->second, [&](auto& entry) {
        const bool same = entry.subscription.resource == &subscription;
        if (same) entry.outbox->close();
        return same;
      });
      if (found->second.empty()) of_.erase(found);
    }
    const std::string su(subscription.text("su"));
    if (su.empty()) return;
    json::object signal{{"sud", true}, {"sur", core_.tree.sp_relative_path(subscription)}};
    core_.when_durable(sequence, [&core = core_, alive = std::weak_ptr<void>(self_), su,
                                  owner = subscription.created_by, signal = std::move(signal)]() mutable {
      if (alive.expired()) return;
      auto request = notify_request(core, json::object{{"m2m:sgn", std::move(signal)}});
      send_notification(core, alive, su, owner, std::move(request), [](bool) {});
    });
  }

  // ---- events ----

  void on_event(const ResourceEvent& event) override {
    const auto found = of_.find(event.subject);
    if (found == of_.end()) return;
    for (auto& entry : found->second)
      if (matches(entry.subscription, event) && entry.outbox->open() &&
          still_permitted(entry.subscription, event))
        tell(entry, event);
  }

 private:
  struct Entry {
    Subscription subscription;
    std::shared_ptr<Outbox> outbox;
  };
  struct Verification {
    std::vector<std::string> targets;
    std::size_t waiting = 0;
    std::optional<codec::Refusal> refusal;
    Done done;
  };

  void ask(const Request& request, const Resource& subject, const std::shared_ptr<Verification>& round) {
    json::object signal{{"vrq", true}, {"sur", core_.tree.sp_relative_path(subject)}};
    if (request.originator) signal["cr"] = to_string(*request.originator);
    const auto owner = request.originator ? to_string(*request.originator) : std::string();
    round->waiting = round->targets.size();
    for (const auto& target : round->targets) {
      core_.router->send(
          target, owner, notify_request(core_, json::object{{"m2m:sgn", signal}}), kVerifyTimeout,
          [round, target](Result<ResponsePrimitive> response) {
            if (!round->refusal) round->refusal = verdict(target, response);
            if (--round->waiting == 0)
              round->done(round->refusal ? Outcome<void>(codec::refuse(*round->refusal)) : Outcome<void>());
          });
    }
  }

  /// TS-0004 7.5.1.2.3: we host this target ourselves, so it is for us to see whether the subscriber may have
  /// it notified. Others are asked.
  [[nodiscard]] bool may_name(const Request& request, std::string_view target) const {
    const auto found = core_.tree.resolve(target);
    return found.resource == nullptr ||
           core_.access->would_permit(request, *found.resource, authz::Op::notify);
  }

  /// The originator knows what it asks for: its own address among nu is not asked.
  [[nodiscard]] bool is_originator(std::string_view target, const Request& request) const {
    if (!request.originator) return false;
    const auto& own = core_.options.cse_id;
    if (const auto id = parse_entity_id(target, own.sp()); id && *id == *request.originator) return true;
    const auto found = core_.tree.resolve(target);
    return found.resource != nullptr && found.child == VirtualChild::none &&
           entity_of(*found.resource, own) == to_string(*request.originator);
  }

  static std::optional<codec::Refusal> verdict(const std::string& target,
                                               const Result<ResponsePrimitive>& response) {
    if (!response)
      return codec::Refusal{Rsc::subscription_verification_initiation_failed,
                            target + ": " + response.error().detail};
    if (codec::is_success(response->rsc)) return std::nullopt;
    if (response->rsc == Rsc::subscription_creator_has_no_privilege ||
        response->rsc == Rsc::subscription_host_has_no_privilege)
      return codec::Refusal{response->rsc, target + " refused the subscription"};
    return codec::Refusal{Rsc::subscription_verification_initiation_failed,
                          target + " answered " + std::to_string(static_cast<int>(response->rsc))};
  }

  /// Who may no longer read a resource no longer hears of it, whatever it was permitted when it subscribed;
  /// nor of a child that it may not read.
  [[nodiscard]] bool still_permitted(const Subscription& subscription, const ResourceEvent& event) const {
    const auto& resource = *subscription.resource;
    if (resource.created_by.empty()) return true;  // the CSE's own
    auto creator = parse_entity_id(resource.created_by, core_.options.cse_id.sp());
    if (!creator) return false;
    Request request;
    request.administrator = core_.options.administrator && *creator == EntityId(*core_.options.administrator);
    request.originator = std::move(*creator);
    request.in.received = core_.clock.now();
    request.rq_authn = is_associated(*request.originator);
    const auto may_read = [&](const Resource& shown) {
      return core_.access->would_permit(request, shown, authz::Op::retrieve);
    };
    return may_read(*event.subject) && (event.child == nullptr || may_read(*event.child));
  }

  [[nodiscard]] bool is_associated(const EntityId& id) const {
    if (const auto* ae = std::get_if<AeId>(&id))
      if (const auto* resource = core_.tree.find_ae(*ae)) return resource->associated;
    const auto* cse = std::get_if<CseId>(&id);
    return cse != nullptr && core_.tree.find_cse(*cse) != nullptr;
  }

  [[nodiscard]] json::object representation(const Subscription& subscription,
                                            const ResourceEvent& event) const {
    const auto& shown = event.child != nullptr ? *event.child : *event.subject;
    json::object out;
    if (subscription.content == nct_resource_id) {
      out["m2m:uri"] = core_.tree.sp_relative_path(shown);
      return out;
    }
    const auto* type = codec::resource_type(shown.ty);
    const bool modified = subscription.content == nct_modified && event.modified != nullptr;
    out[type != nullptr ? type->element : std::string_view("m2m:res")] =
        modified ? *event.modified : shown.attributes;
    return out;
  }

  void tell(const Entry& entry, const ResourceEvent& event) {
    const auto& resource = *entry.subscription.resource;
    json::object signal;
    signal["nev"] =
        json::object{{"rep", representation(entry.subscription, event)}, {"net", net_of(event.kind)}};
    signal["sur"] = core_.tree.sp_relative_path(resource);
    // In full, as in the verification: to others a stem is somebody else.
    if (resource.attributes.contains("cr")) signal["cr"] = json::string(resource.created_by);
    core_.when_durable(event.sequence, [alive = std::weak_ptr<void>(self_), outbox = entry.outbox,
                                        signal = std::move(signal)]() mutable {
      if (!alive.expired()) outbox->put(std::move(signal));
    });
  }

  Core& core_;
  std::unordered_map<const Resource*, std::vector<Entry>> of_;  // by the subscribed-to resource
  std::shared_ptr<Notifier*> self_ = std::make_shared<Notifier*>(this);
};

}  // namespace

std::unique_ptr<Subscriptions> make_subscriptions(Core& core) { return std::make_unique<Notifier>(core); }

}  // namespace latchkey::cse
