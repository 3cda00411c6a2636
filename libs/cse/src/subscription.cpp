#include "subscription.h"

#include <algorithm>
#include <array>

#include "latchkey/codec/formats.h"

namespace latchkey::cse {

namespace {

bool contains(const auto& list, const auto& wanted) { return std::ranges::find(list, wanted) != list.end(); }

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

const json::object* object_of(const json::object& attributes, std::string_view name) {
  const auto* value = attributes.if_contains(name);
  return value != nullptr ? value->if_object() : nullptr;
}

std::optional<std::uint64_t> number(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_number() ? std::optional(value->to_number<std::uint64_t>())
                                                : std::nullopt;
}

/// The codec has seen to its form.
std::chrono::milliseconds duration(const json::object& object, std::string_view name,
                                   std::string_view fallback) {
  const auto* value = object.if_contains(name);
  const auto text = value != nullptr && value->is_string() ? std::string_view(value->get_string()) : fallback;
  return codec::parse_duration(text).value_or(std::chrono::milliseconds(0));
}

Outcome<void> check_policies(const json::object& attributes) {
  // pn speaks of schedules, psn and nsp of kept notifications, gpi and nfu of subscriptions by way of a
  // group.
  for (const std::string_view name : {"psn", "pn", "nsp", "gpi", "nfu"})
    if (attributes.contains(name))
      return codec::refuse(Rsc::not_implemented, std::string(name) + ": not offered");
  const auto* rate = object_of(attributes, "rl");
  if (rate != nullptr && !(rate->contains("mnn") && rate->contains("tww")))
    return codec::refuse(Rsc::bad_request, "rl: a limit needs both mnn and tww");
  return {};
}

Outcome<void> check_events(const Resource& subject, const json::object& criteria) {
  if (criteria.contains("net") && criteria.contains("om"))
    return codec::refuse(Rsc::bad_request, "enc: net and om exclude each other");
  for (const auto& condition : criteria)
    if (!contains(std::array<std::string_view, 3>{"net", "atr", "chty"}, std::string_view(condition.key())))
      return codec::refuse(Rsc::not_implemented, "enc." + std::string(condition.key()) + ": not offered");
  for (const auto event : numbers(criteria, "net")) {
    if (event < net_update || event > net_empty_retrieved)
      return codec::refuse(Rsc::not_implemented, "enc.net: only 1 to 5 are offered");
    if (event == net_empty_retrieved && !subject.is(codec::Ty::cnt))
      return codec::refuse(Rsc::bad_request, "enc.net: 5 is an event of a container");
  }
  const auto* type = codec::resource_type(subject.ty);
  for (const auto child : numbers(criteria, "chty"))
    if (type == nullptr || !contains(type->children, child))
      return codec::refuse(Rsc::bad_request,
                           "enc.chty: " + std::to_string(child) + " is no child of this resource");
  return {};
}

}  // namespace

std::vector<std::string> targets_of(const json::object& attributes) {
  return texts(attributes.if_contains("nu"));
}

Outcome<void> check_subscription(const Resource& subject, const json::object& attributes) {
  if (targets_of(attributes).empty())
    return codec::refuse(Rsc::bad_request, "nu: at least one notification target is needed");
  if (auto offered = check_policies(attributes); !offered) return offered;
  const auto nct = number(attributes, "nct").value_or(nct_all);
  if (nct < nct_all || nct > nct_resource_id)
    return codec::refuse(Rsc::not_implemented, "nct: only 1, 2 and 3 are offered");
  const auto* criteria = object_of(attributes, "enc");
  if (criteria == nullptr) return {};
  if (auto sound = check_events(subject, *criteria); !sound) return sound;
  const auto events = numbers(*criteria, "net");
  if (nct == nct_modified && std::ranges::any_of(events, [](auto event) { return event != net_update; }))
    return codec::refuse(Rsc::bad_request, "nct: modified attributes go with net 1 only");
  return {};
}

Subscription read_subscription(Resource& resource) {
  const auto& attributes = resource.attributes;
  Subscription out;
  out.resource = &resource;
  if (const auto* criteria = object_of(attributes, "enc")) {
    out.events = numbers(*criteria, "net");
    out.child_types = numbers(*criteria, "chty");
    out.attributes = texts(criteria->if_contains("atr"));
  }
  if (out.events.empty()) out.events = {net_update};
  out.content = resource.number("nct", nct_all);
  out.targets = targets_of(attributes);
  out.expires_after = number(attributes, "exc");
  if (const auto* batch = object_of(attributes, "bn"))
    out.batch = {.number = number(*batch, "num"), .duration = duration(*batch, "dur", kBatchDuration)};
  if (const auto* rate = object_of(attributes, "rl"))
    out.rate = {.number = number(*rate, "mnn").value_or(1), .window = duration(*rate, "tww", "PT0S")};
  out.latest = resource.flag("ln");
  if (const auto category = number(attributes, "nec")) out.category = static_cast<std::uint32_t>(*category);
  if (out.latest) out.category = kLatest;
  return out;
}

std::uint64_t net_of(EventKind kind) noexcept {
  switch (kind) {
    case EventKind::update:
      return net_update;
    case EventKind::remove:
      return net_delete;
    case EventKind::create_child:
      return net_child_created;
    case EventKind::remove_child:
      return net_child_deleted;
    case EventKind::retrieve_empty:
      return net_empty_retrieved;
  }
  return 0;
}

bool matches(const Subscription& subscription, const ResourceEvent& event) {
  if (!contains(subscription.events, net_of(event.kind))) return false;
  if (event.child != nullptr && !subscription.child_types.empty() &&
      !contains(subscription.child_types, std::uint64_t{event.child->ty}))
    return false;
  return event.kind != EventKind::update || subscription.attributes.empty() ||
         std::ranges::any_of(subscription.attributes,
                             [&](const auto& name) { return event.modified->contains(name); });
}

}  // namespace latchkey::cse
