#include "latchkey/authz/location_demand.h"

#include <algorithm>

#include "rule_set_impl.h"

namespace latchkey::authz {
namespace {

bool asks_location(const RuleSet* set) noexcept { return set != nullptr && set->impl().asks_location; }

/// Collects over the rules that name the originator and fit the request but for the place.
class Collector {
 public:
  explicit Collector(const RequestContext& request) : request_(request), subject_(*request.originator) {}

  void run(const RuleSet::Impl& set) {
    set.index.visit(subject_, request_.roles, [&](OriginatorIndex::EntryId entry) {
      take_all(set, entry);
      return false;
    });
    if (request_.groups == nullptr) return;
    for (const auto entry : set.index.groups()) {
      if (request_.groups->is_member(set.index.text(entry), *request_.originator).value_or(false))
        take_all(set, entry);
    }
  }
  [[nodiscard]] LocationDemand take() { return std::move(demand_); }

 private:
  void take_all(const RuleSet::Impl& set, OriginatorIndex::EntryId entry) {
    for (const auto number : set.index.rules(entry)) {
      const auto& rule = set.rules[number];
      const auto& conditions = set.conditions_of(rule);
      if (!res_ops(rule, request_.operation) || !res_authn(rule, request_.rq_authn) ||
          !conditions.res_objd(request_))
        continue;
      for (const auto& context : conditions.contexts) take(context);
    }
  }

  void take(const Context& context) {
    if (!context.asks_location() || !context.res_time(request_.rq_time) || !context.res_ip(request_.rq_ip))
      return;
    const auto& place = request_.rq_loc;
    if (!context.countries.empty()) {
      if (!place || !place->country) demand_.country = true;
    } else if (!place || !is_inside(*place, *context.circle)) {
      auto& circles = demand_.circles;
      if (std::ranges::find(circles, *context.circle) == circles.end()) circles.push_back(*context.circle);
    }
  }

  const RequestContext& request_;
  Subject subject_;
  LocationDemand demand_;
};

}  // namespace

LocationDemand location_demand(const RequestContext& context, std::span<const RuleSet* const> sets) {
  if (context.originator == nullptr || std::ranges::none_of(sets, asks_location)) return {};
  if (decide(context, sets).permit) return {};
  Collector collector(context);
  for (const auto* const set : sets) {
    if (asks_location(set)) collector.run(set->impl());
  }
  return collector.take();
}

}  // namespace latchkey::authz
