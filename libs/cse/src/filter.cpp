#include "filter.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <map>

#include "content.h"
#include "latchkey/codec/formats.h"
#include "pattern.h"

namespace latchkey::cse {

namespace {

using Condition = std::function<bool(const Resource&)>;

bool value_matches(std::string_view pattern, const json::value& value) {
  if (value.is_string()) return matches_pattern(pattern, value.get_string(), Reach::whole);
  if (value.is_array()) {
    return std::ranges::any_of(value.get_array(),
                               [&](const auto& entry) { return value_matches(pattern, entry); });
  }
  return !value.is_object() && matches_pattern(pattern, json::serialize(value), Reach::whole);
}

bool attribute_matches(const Resource& resource, std::string_view name,
                       const std::vector<std::string>& patterns) {
  const auto* const value = resource.attributes.if_contains(name);
  return value != nullptr &&
         std::ranges::any_of(patterns, [&](const auto& pattern) { return value_matches(pattern, *value); });
}

enum class Order : std::uint8_t { before, after };

/// Timestamps of this format sort like the times they stand for.
void add_time(std::vector<Condition>& to, const std::optional<TimePoint>& time, std::string_view name,
              Order order) {
  if (!time) return;
  to.push_back([limit = codec::timestamp_text(*time), name, order](const Resource& resource) {
    const auto value = resource.text(name);
    return !value.empty() && (order == Order::before ? value < limit : value > limit);
  });
}

/// `least` to below `end` of an attribute that the resource has.
void add_number(std::vector<Condition>& to, std::string_view name, std::uint64_t least, std::uint64_t end) {
  to.push_back([=](const Resource& resource) {
    if (!resource.attributes.contains(name)) return false;
    const auto value = resource.number(name);
    return value >= least && value < end;
  });
}

bool content_type_matches(const Resource& resource, const std::vector<std::string>& wanted) {
  const auto info = codec::parse_content_info(resource.text("cnf"));
  return std::ranges::any_of(wanted, [&](const auto& type) {
    return type == resource.text("cnf") || (info && type == info->media_type);
  });
}

void add_lists(std::vector<Condition>& to, const codec::FilterCriteria& fc) {
  if (!fc.labels.empty()) {
    to.push_back([labels = fc.labels](const Resource& resource) {
      return attribute_matches(resource, "lbl", labels);
    });
  }
  if (!fc.types.empty()) {
    to.push_back([types = fc.types](const Resource& resource) {
      return std::ranges::find(types, resource.ty) != types.end();
    });
  }
  if (!fc.content_types.empty()) {
    to.push_back([types = fc.content_types](const Resource& resource) {
      return content_type_matches(resource, types);
    });
  }
  std::map<std::string, std::vector<std::string>> attributes;
  for (const auto& [name, pattern] : fc.attributes) attributes[name].push_back(pattern);
  for (auto& [name, patterns] : attributes) {
    to.push_back([name = name, patterns = std::move(patterns)](const Resource& resource) {
      return attribute_matches(resource, name, patterns);
    });
  }
}

bool is_live(const Resource& resource, TimePoint now) { return !resource.expires || *resource.expires > now; }

constexpr std::uint32_t kNestedLevelsMax = 32;

}  // namespace

Filter::Filter(const codec::FilterCriteria& fc) : any_(fc.any) {
  add_time(conditions_, fc.created_before, "ct", Order::before);
  add_time(conditions_, fc.created_after, "ct", Order::after);
  add_time(conditions_, fc.modified_since, "lt", Order::after);
  add_time(conditions_, fc.unmodified_since, "lt", Order::before);
  add_time(conditions_, fc.expire_before, "et", Order::before);
  add_time(conditions_, fc.expire_after, "et", Order::after);
  if (fc.state_tag_smaller) add_number(conditions_, "st", 0, *fc.state_tag_smaller);
  if (fc.state_tag_bigger) add_number(conditions_, "st", *fc.state_tag_bigger + 1, UINT64_MAX);
  if (fc.size_above) add_number(conditions_, "cs", *fc.size_above, UINT64_MAX);
  if (fc.size_below) add_number(conditions_, "cs", 0, *fc.size_below);
  add_lists(conditions_, fc);
}

bool Filter::matches(const Resource& resource) const {
  const auto holds = [&](const Condition& condition) { return condition(resource); };
  if (conditions_.empty()) return true;
  return any_ ? std::ranges::any_of(conditions_, holds) : std::ranges::all_of(conditions_, holds);
}

Listing list_descendants(Core& core, const Request& request, const Resource& root, authz::Op op) {
  const auto criteria = request.primitive().fc.value_or(codec::FilterCriteria{});
  const Filter filter(criteria);
  const auto limit = std::min<std::uint64_t>(criteria.limit.value_or(UINT32_MAX), core.options.results_max);
  const std::uint64_t offset = criteria.offset.value_or(0);
  const auto now = core.clock.now();
  Listing listing{.found = {}, .partial = false, .next_offset = 0, .seen = root.changed};

  struct Place {
    const Resource* resource;
    std::uint32_t level;
  };
  std::vector<Place> stack;
  const auto push_children = [&](const Resource& parent, std::uint32_t level) {
    if (criteria.level && level > *criteria.level) return;
    for (const auto* list : {&parent.instances, &parent.children}) {
      for (const Resource* child = list->last; child != nullptr; child = child->previous)
        stack.push_back({child, level});
    }
  };
  push_children(root, 1);
  while (!stack.empty()) {
    const auto [resource, level] = stack.back();
    stack.pop_back();
    if (!is_live(*resource, now)) continue;
    push_children(*resource, level + 1);
    listing.seen = std::max(listing.seen, resource->changed);
    if (!filter.matches(*resource) || !core.access->would_permit(request, *resource, op)) continue;
    if (listing.found.size() == limit) {
      listing.partial = true;
      break;
    }
    if (++listing.next_offset > offset) listing.found.push_back(resource);
  }
  return listing;
}

namespace {

struct Nesting {
  Core& core;
  Request& request;
  Filter filter;
  std::uint64_t left;  ///< how many more resources may be shown
  std::uint64_t skip;
  TimePoint now;
  bool partial = false;
};

bool shows(Nesting& nesting, const Resource& resource) {
  nesting.request.seen = std::max(nesting.request.seen, resource.changed);
  return is_live(resource, nesting.now) && nesting.filter.matches(resource) &&
         nesting.core.access->would_permit(nesting.request, resource, authz::Op::retrieve);
}

void nest(Nesting& nesting, const Resource& parent, json::object& into, std::uint32_t levels) {
  if (levels == 0) return;
  for (const auto* list : {&parent.children, &parent.instances}) {
    // What the container lets nobody retrieve cannot be had by way of the container either
    // (TS-0004 7.4.7.2.2).
    if (list == &parent.instances && parent.flag("disr")) continue;
    for (const Resource* child = list->first; child != nullptr; child = child->next) {
      if (!shows(nesting, *child)) continue;
      if (nesting.left == 0) {
        nesting.partial = true;
        return;
      }
      // What was shown before still leads to what was not: it is shown again around it.
      const bool skipped = nesting.skip > 0;
      --(skipped ? nesting.skip : nesting.left);
      json::object below;
      nest(nesting, *child, below, levels - 1);
      if (skipped && below.empty()) continue;
      json::object shown = child->attributes;
      for (auto& member : below) shown[member.key()] = std::move(member.value());
      auto& array = into[element_of(*child)];
      if (!array.is_array()) array = json::array();
      array.get_array().push_back(std::move(shown));
    }
  }
}

}  // namespace

bool nest_descendants(Core& core, Request& request, const Resource& root, json::object& into) {
  const auto criteria = request.primitive().fc.value_or(codec::FilterCriteria{});
  Nesting nesting{
      .core = core,
      .request = request,
      .filter = Filter(criteria),
      .left = std::min<std::uint64_t>(criteria.limit.value_or(UINT32_MAX), core.options.results_max),
      .skip = criteria.offset.value_or(0),
      .now = core.clock.now()};
  nest(nesting, root, into, std::min(criteria.level.value_or(kNestedLevelsMax), kNestedLevelsMax));
  return nesting.partial;
}

}  // namespace latchkey::cse
