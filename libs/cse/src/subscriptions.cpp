/// subscription: verification, events, notifications (TS-0001 9.6.8, 10.2.10; TS-0004 7.4.8, 7.5.1).
#include <algorithm>
#include <array>
#include <unordered_map>

#include "core.h"
#include "latchkey/base/log.h"

namespace latchkey::cse {

namespace {

constexpr std::chrono::milliseconds kNotifyTimeout{10'000};

/// notificationEventType (TS-0004 6.3.4.2.19).
enum Net : std::uint64_t { net_update = 1, net_delete = 2, net_child_created = 3, net_child_deleted = 4 };
/// notificationContentType.
enum Nct : std::uint64_t { nct_all = 1, nct_modified = 2, nct_resource_id = 3 };

/// A subscription as events need it: read once per change, not per event.
struct Subscription {
  Resource* resource = nullptr;
  std::vector<std::uint64_t> events;
  std::vector<std::uint64_t> child_types;  ///< chty; empty: every type
  std::vector<std::string> attributes;     ///< atr: an update must touch one of them; empty: any
  std::uint64_t content = nct_all;
  std::vector<std::string> targets;
  std::optional<std::uint64_t> remaining;  ///< exc; counted here at once, stored after
};

std::vector<std::uint64_t> numbers(const json::object& object, std::string_view name) {
  std::vector<std::uint64_t> out;
  const auto* value = object.if_contains(name);
  if (value != nullptr && value->is_array())
    for (const auto& entry : value->get_array())
      if (entry.is_number()) out.push_back(entry.to_number<std::uint64_t>());
  return out;
}

std::vector<std::string> texts(const json::value* value) {
  std::vector<std::string> out;
  if (value != nullptr && value->is_array())
    for (const auto& entry : value->get_array())
      if (entry.is_string()) out.emplace_back(entry.get_string());
  return out;
}

const json::object* criteria_of(const json::object& attributes) {
  const auto* enc = attributes.if_contains("enc");
  return enc != nullptr && enc->is_object() ? &enc->get_object() : nullptr;
}

bool contains(const auto& list, const auto& wanted) { return std::ranges::find(list, wanted) != list.end(); }

class Notifier final : public Subscriptions {
 public:
  explicit Notifier(Core& core) : core_(core) {}

  // ---- before CREATE and UPDATE ----

  void verify(const Request& request, const Resource& subject, const json::object& attributes,
              Done done) override {
    if (auto sound = check(attributes); !sound) return done(std::move(sound));
    if (!core_.access->would_permit(request, subject, authz::Op::retrieve) && !request.administrator)
      return done(codec::refuse(Rsc::originator_has_no_privilege,
                                "a subscriber must be permitted to RETRIEVE what it subscribes to"));
    auto round = std::make_shared<Verification>();
    round->done = std::move(done);
    for (const auto& target : texts(attributes.if_contains("nu")))
      if (!is_originator(target, request)) round->targets.push_back(target);
    if (round->targets.empty()) return round->done({});

    json::object signal{{"vrq", true}, {"sur", core_.tree.sp_relative_path(subject)}};
    if (request.originator) signal["cr"] = to_string(*request.originator);
    round->waiting = round->targets.size();
    for (const auto& target : round->targets) {
      core_.router->send(
          target, notification(json::object{{"m2m:sgn", signal}}), kNotifyTimeout,
          [round, target](Result<ResponsePrimitive> response) {
            if (!round->refusal) round->refusal = verdict(target, response);
            if (--round->waiting == 0)
              round->done(round->refusal ? Outcome<void>(codec::refuse(*round->refusal)) : Outcome<void>());
          });
    }
  }

  // ---- life of a subscription ----

  void attach(Resource& subscription) override { of_[subscription.parent].push_back(read(subscription)); }

  void changed(Resource& subscription) override {
    for (auto& entry : of_[subscription.parent])
      if (entry.resource == &subscription) entry = read(subscription);
  }

  void detach(Resource& subscription, std::uint64_t sequence) override {
    const auto found = of_.find(subscription.parent);
    if (found != of_.end()) {
      std::erase_if(found->second, [&](const auto& entry) { return entry.resource == &subscription; });
      if (found->second.empty()) of_.erase(found);
    }
    if (const auto su = subscription.text("su"); !su.empty()) {
      json::object signal{{"sud", true}, {"sur", core_.tree.sp_relative_path(subscription)}};
      send_when_durable(sequence, std::string(su), json::object{{"m2m:sgn", std::move(signal)}});
    }
  }

  // ---- events ----

  void on_event(const ResourceEvent& event) override {
    const auto found = of_.find(event.subject);
    if (found == of_.end()) return;
    for (auto& subscription : found->second)
      if (wants(subscription, event)) notify(subscription, event);
  }

 private:
  struct Verification {
    std::vector<std::string> targets;
    std::size_t waiting = 0;
    std::optional<codec::Refusal> refusal;
    Done done;
  };

  /// T4 7.4.8: combinations that mean nothing, and what is not offered here.
  static Outcome<void> check(const json::object& attributes) {
    if (texts(attributes.if_contains("nu")).empty())
      return codec::refuse(Rsc::bad_request, "nu: at least one notification target is needed");
    for (const std::string_view name : {"bn", "rl", "psn", "pn", "nsp", "gpi", "nfu"})
      if (attributes.contains(name))
        return codec::refuse(Rsc::not_implemented, std::string(name) + ": not offered");
    const auto* content = attributes.if_contains("nct");
    const auto nct = content != nullptr && content->is_number() ? content->to_number<std::uint64_t>()
                                                                : std::uint64_t{nct_all};
    if (nct < nct_all || nct > nct_resource_id)
      return codec::refuse(Rsc::not_implemented, "nct: only 1, 2 and 3 are offered");
    const auto* criteria = criteria_of(attributes);
    if (criteria == nullptr) return {};
    if (criteria->contains("net") && criteria->contains("om"))
      return codec::refuse(Rsc::bad_request, "enc: net and om exclude each other");
    for (const auto& condition : *criteria)
      if (!contains(std::array<std::string_view, 3>{"net", "atr", "chty"}, std::string_view(condition.key())))
        return codec::refuse(Rsc::not_implemented, "enc." + std::string(condition.key()) + ": not offered");
    const auto events = numbers(*criteria, "net");
    for (const auto event : events)
      if (event < net_update || event > net_child_deleted)
        return codec::refuse(Rsc::not_implemented, "enc.net: only 1 to 4 are offered");
    if (nct == nct_modified && std::ranges::any_of(events, [](auto event) { return event != net_update; }))
      return codec::refuse(Rsc::bad_request, "nct: modified attributes go with net 1 only");
    return {};
  }

  static Subscription read(Resource& resource) {
    Subscription out;
    out.resource = &resource;
    if (const auto* criteria = criteria_of(resource.attributes)) {
      out.events = numbers(*criteria, "net");
      out.child_types = numbers(*criteria, "chty");
      out.attributes = texts(criteria->if_contains("atr"));
    }
    if (out.events.empty()) out.events = {net_update};
    out.content = resource.number("nct", nct_all);
    out.targets = texts(resource.attributes.if_contains("nu"));
    if (resource.attributes.contains("exc")) out.remaining = resource.number("exc");
    return out;
  }

  /// The originator knows what it asks for: its own address among nu is not asked.
  [[nodiscard]] bool is_originator(std::string_view target, const Request& request) const {
    if (!request.originator) return false;
    if (const auto id = parse_entity_id(target, core_.options.cse_id.sp()); id && *id == *request.originator)
      return true;
    const auto found = core_.tree.resolve(target);
    if (found.resource == nullptr || found.child != VirtualChild::none || !found.resource->is(codec::Ty::ae))
      return false;
    const auto ae = AeId::from_stem(found.resource->ri, core_.options.cse_id);
    return ae && EntityId(*ae) == *request.originator;
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

  [[nodiscard]] RequestPrimitive notification(json::object content) const {
    RequestPrimitive out;
    out.op = codec::Operation::notify;
    out.from = core_.options.cse_id.sp_relative();
    out.pc = std::move(content);
    return out;
  }

  static std::uint64_t net_of(EventKind kind) {
    switch (kind) {
      case EventKind::update:
        return net_update;
      case EventKind::remove:
        return net_delete;
      case EventKind::create_child:
        return net_child_created;
      case EventKind::remove_child:
        return net_child_deleted;
    }
    return 0;
  }

  [[nodiscard]] bool wants(const Subscription& subscription, const ResourceEvent& event) const {
    if (!contains(subscription.events, net_of(event.kind)) || subscription.remaining == 0U) return false;
    if (event.child != nullptr && !subscription.child_types.empty() &&
        !contains(subscription.child_types, std::uint64_t{event.child->ty}))
      return false;
    if (event.kind == EventKind::update && !subscription.attributes.empty() &&
        std::ranges::none_of(subscription.attributes,
                             [&](const auto& name) { return event.modified->contains(name); }))
      return false;
    return still_permitted(*subscription.resource, *event.subject);
  }

  /// Who may no longer read the resource no longer hears of it, whatever it was permitted when it subscribed.
  [[nodiscard]] bool still_permitted(const Resource& subscription, const Resource& subject) const {
    if (subscription.created_by.empty()) return true;  // the CSE's own
    auto creator = parse_entity_id(subscription.created_by, core_.options.cse_id.sp());
    if (!creator) return false;
    Request request;
    request.administrator = core_.options.administrator && *creator == EntityId(*core_.options.administrator);
    request.originator = std::move(*creator);
    request.in.received = core_.clock.now();
    request.rq_authn = is_associated(*request.originator);
    return request.administrator || core_.access->would_permit(request, subject, authz::Op::retrieve);
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

  void notify(Subscription& subscription, const ResourceEvent& event) {
    auto& resource = *subscription.resource;
    json::object signal;
    signal["nev"] = json::object{{"rep", representation(subscription, event)}, {"net", net_of(event.kind)}};
    signal["sur"] = core_.tree.sp_relative_path(resource);
    if (const auto* creator = resource.attributes.if_contains("cr")) signal["cr"] = *creator;
    for (const auto& target : subscription.targets)
      send_when_durable(event.sequence, target, json::object{{"m2m:sgn", signal}});
    if (subscription.remaining) count_down(subscription);
  }

  /// exc: counts at once, so that a burst is not told more often than asked; the resource follows when the
  /// tree may change.
  void count_down(Subscription& subscription) {
    const auto left = --*subscription.remaining;
    core_.executor.post(
        [this, alive = std::weak_ptr<Notifier*>(self_), ri = subscription.resource->ri, left] {
          if (alive.expired()) return;
          auto* resource = core_.tree.find(ri);
          if (resource == nullptr) return;
          if (left == 0)
            core_.remove(*resource, std::nullopt);
          else
            core_.change(*resource, json::object{{"exc", left}});
        });
  }

  void send_when_durable(std::uint64_t sequence, std::string target, json::object content) {
    core_.when_durable(sequence, [this, alive = std::weak_ptr<Notifier*>(self_), target = std::move(target),
                                  content = std::move(content)]() mutable {
      if (alive.expired()) return;
      ++core_.counters.notifications;
      core_.router->send(target, notification(std::move(content)), kNotifyTimeout,
                         [this, alive, target](Result<ResponsePrimitive> response) {
                           if (alive.expired() || (response && codec::is_success(response->rsc))) return;
                           ++core_.counters.notifications_failed;
                           log::warning("cse", "notification to " + target + " failed: " +
                                                   (response ? std::to_string(static_cast<int>(response->rsc))
                                                             : response.error().detail));
                         });
    });
  }

  Core& core_;
  std::unordered_map<const Resource*, std::vector<Subscription>> of_;  // by the subscribed-to resource
  std::shared_ptr<Notifier*> self_ = std::make_shared<Notifier*>(this);
};

}  // namespace

std::unique_ptr<Subscriptions> make_subscriptions(Core& core) { return std::make_unique<Notifier>(core); }

}  // namespace latchkey::cse
