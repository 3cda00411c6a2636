#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <tuple>
#include <utility>

#include "json_members.h"
#include "latchkey/authz/policy.h"
#include "rule_set_impl.h"

namespace latchkey::authz {
namespace {

constexpr std::size_t kRulesMax = 100'000;
constexpr std::size_t kOriginatorsMax = 1'000'000;  ///< in all rules together
constexpr std::uint32_t kOperationsMax = 63;

/// What a rule asks beyond its originators: if `a` asks no more than `b` and allows no less, `b` never
/// decides alone.
struct Demand {
  std::uint32_t rule;
  std::uint32_t conditions;
  bool authenticated;
  std::uint8_t operations;
};

/// Of the rules that name one originator, drops those that cannot change a decision or its reason, and puts
/// those that ask least first. A rule that asks nothing makes redundant every other whose operations it
/// allows; among rules with the same conditions one without acaf does so for those with it. What remains is
/// bounded by the different conditions, not by the number of rules.
std::vector<std::uint32_t> without_redundant_rules(std::vector<Demand> demands) {
  std::ranges::stable_sort(demands, {},
                           [](const Demand& d) { return std::tuple(d.conditions, d.authenticated); });
  std::vector<std::uint32_t> kept;
  std::uint8_t unconditional = 0;     // operations allowed without any demand
  std::uint8_t authenticated = 0;     // ... or to an authenticated originator
  std::uint8_t open = 0, closed = 0;  // the same two within the current conditions
  for (std::size_t i = 0; i < demands.size(); ++i) {
    const auto& d = demands[i];
    if (i == 0 || demands[i - 1].conditions != d.conditions) open = closed = 0;
    const unsigned covered = d.authenticated ? unsigned{unconditional} | authenticated | open | closed
                                             : unsigned{unconditional} | open;
    if ((d.operations & ~covered) == 0) continue;
    kept.push_back(d.rule);
    auto& here = d.authenticated ? closed : open;
    here = static_cast<std::uint8_t>(here | d.operations);
    if (d.conditions != 0) continue;
    auto& anywhere = d.authenticated ? authenticated : unconditional;
    anywhere = static_cast<std::uint8_t>(anywhere | d.operations);
  }
  return kept;
}

class Compiler {
 public:
  Compiler(const SpId& home, const std::optional<CseId>& hosting_cse)
      : home_(home), hosting_cse_(hosting_cse) {}

  codec::Outcome<std::unique_ptr<const RuleSet::Impl>> compile(const boost::json::value& acrs) {
    const auto object = read_object(acrs, "setOfAcrs", {"acr"});
    if (!object) return codec::refuse(object.error());
    const auto* acr = (*object)->if_contains("acr");
    if (acr != nullptr) {
      if (auto read = read_rules(*acr); !read) return codec::refuse(read.error());
    }
    return finish();
  }

 private:
  codec::Outcome<void> read_rules(const boost::json::value& acr) {
    const auto* list = acr.if_array();
    if (list == nullptr) return bad_member("acr", "is not a list");
    if (list->size() > kRulesMax)
      return bad_member("acr", "has more than " + std::to_string(kRulesMax) + " rules");
    rules_.reserve(list->size());
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (auto read = read_rule((*list)[i], element("acr", i)); !read) return read;
    }
    return {};
  }

  codec::Outcome<void> read_rule(const boost::json::value& acr, const std::string& where) {
    const auto object = read_object(acr, where, {"acor", "acop", "acco", "acaf", "acod"});
    if (!object) return codec::refuse(object.error());
    Rule rule;
    if (auto read = read_originators(**object, where, rule); !read) return read;
    const auto* acop = (*object)->if_contains("acop");
    if (acop == nullptr) return bad_member(member(where, "acop"), "is missing");
    const auto operations = read_number(*acop, member(where, "acop"), 1, kOperationsMax);
    if (!operations) return codec::refuse(operations.error());
    rule.operations = static_cast<std::uint8_t>(*operations);
    if (const auto* acaf = (*object)->if_contains("acaf")) {
      if (!acaf->is_bool()) return bad_member(member(where, "acaf"), "is neither true nor false");
      rule.authenticated = acaf->get_bool();
    }
    const auto conditions = read_conditions(**object, where);
    if (!conditions) return codec::refuse(conditions.error());
    rule.conditions = *conditions;
    rules_.push_back(rule);
    return {};
  }

  codec::Outcome<void> read_originators(const boost::json::object& rule_object, const std::string& where,
                                        Rule& rule) {
    const auto path = member(where, "acor");
    const auto* acor = rule_object.if_contains("acor");
    if (acor == nullptr) return bad_member(path, "is missing");
    const auto list = read_list(*acor, path, kOriginatorsMax - rule_originators_.size());
    if (!list) return codec::refuse(list.error());
    std::vector<OriginatorIndex::EntryId> entries;
    for (std::size_t i = 0; i < (*list)->size(); ++i) {
      const auto entry = read_originator((**list)[i], element(path, i));
      if (!entry) return codec::refuse(entry.error());
      entries.push_back(*entry);
    }
    // The order of a list means nothing (7.1.3: a set), so repeated entries can go.
    std::ranges::sort(entries);
    entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
    rule.first_originator = static_cast<std::uint32_t>(rule_originators_.size());
    rule.originator_count = static_cast<std::uint32_t>(entries.size());
    rule_originators_.insert(rule_originators_.end(), entries.begin(), entries.end());
    return {};
  }

  codec::Outcome<OriginatorIndex::EntryId> read_originator(const boost::json::value& entry,
                                                           const std::string& where) {
    const auto text = read_text(entry, where);
    if (!text) return codec::refuse(text.error());
    const auto originator = classify_originator(*text, home_, hosting_cse_);
    if (!originator) return bad_member(where, originator.error().detail);
    return index_.add(*originator);
  }

  /// Rules with the same conditions share them.
  codec::Outcome<std::uint32_t> read_conditions(const boost::json::object& rule, const std::string& where) {
    const auto* acco = rule.if_contains("acco");
    const auto* acod = rule.if_contains("acod");
    if (acco == nullptr && acod == nullptr) return std::uint32_t{0};
    auto key = (acco != nullptr ? boost::json::serialize(*acco) : "") + "\n" +
               (acod != nullptr ? boost::json::serialize(*acod) : "");
    const auto [known, added] =
        conditions_.try_emplace(std::move(key), static_cast<std::uint32_t>(impl_->conditions.size() + 1));
    if (!added) return known->second;
    Conditions conditions;
    if (acco != nullptr) {
      auto contexts = read_contexts(*acco, where);
      if (!contexts) return codec::refuse(contexts.error());
      conditions.contexts = std::move(*contexts);
      if (std::ranges::any_of(conditions.contexts, &Context::asks_location)) impl_->asks_location = true;
    }
    if (acod != nullptr) {
      auto details = read_object_details(*acod, where);
      if (!details) return codec::refuse(details.error());
      conditions.details = std::move(*details);
    }
    impl_->conditions.push_back(std::move(conditions));
    return known->second;
  }

  std::unique_ptr<const RuleSet::Impl> finish() {
    std::vector<std::vector<Demand>> demands(index_.size());
    for (std::uint32_t i = 0; i < rules_.size(); ++i) {
      const auto& rule = rules_[i];
      for (std::uint32_t k = 0; k < rule.originator_count; ++k)
        demands[rule_originators_[rule.first_originator + k]].push_back(
            {i, rule.conditions, rule.authenticated, rule.operations});
    }
    std::vector<std::vector<std::uint32_t>> rules_of_entry(demands.size());
    for (std::size_t entry = 0; entry < demands.size(); ++entry)
      rules_of_entry[entry] = without_redundant_rules(std::move(demands[entry]));
    index_.finish(rules_of_entry);
    pack();
    return std::move(impl_);
  }

  void pack() {
    Packer packer(rules_.size() * sizeof(Rule) + rule_originators_.size() * sizeof(OriginatorIndex::EntryId) +
                  index_.octets());
    impl_->rules = packer.put(rules_);
    impl_->rule_originators = packer.put(rule_originators_);
    impl_->index = index_.pack(packer);
    impl_->block = packer.take();
    impl_->conditions.shrink_to_fit();
  }

  const SpId& home_;
  const std::optional<CseId>& hosting_cse_;
  std::unique_ptr<RuleSet::Impl> impl_ = std::make_unique<RuleSet::Impl>();
  std::vector<Rule> rules_;
  std::vector<OriginatorIndex::EntryId> rule_originators_;
  OriginatorIndexBuilder index_;
  std::unordered_map<std::string, std::uint32_t> conditions_;
};

}  // namespace

codec::Outcome<std::shared_ptr<const RuleSet>> RuleSet::compile(const boost::json::value& acrs,
                                                                const SpId& home,
                                                                const std::optional<CseId>& hosting_cse) {
  try {
    auto impl = Compiler(home, hosting_cse).compile(acrs);
    if (!impl) return codec::refuse(std::move(impl.error()));
    return std::make_shared<const RuleSet>(std::move(*impl));
  } catch (const std::exception&) {
    // Only memory can run out here.
    return codec::refuse(codec::Rsc::internal_server_error, "the access control rules cannot be compiled");
  }
}

RuleSet::RuleSet(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
RuleSet::~RuleSet() = default;
std::size_t RuleSet::rule_count() const noexcept { return impl_->rules.size(); }
std::vector<std::string> RuleSet::groups() const {
  std::vector<std::string> groups;
  for (const auto entry : impl_->index.groups()) groups.emplace_back(impl_->index.text(entry));
  return groups;
}

std::string_view to_string(Op op) noexcept {
  switch (op) {
    case Op::create:
      return "CREATE";
    case Op::retrieve:
      return "RETRIEVE";
    case Op::update:
      return "UPDATE";
    case Op::del:
      return "DELETE";
    case Op::notify:
      return "NOTIFY";
    case Op::discover:
      return "DISCOVER";
  }
  return "unknown operation";
}

}  // namespace latchkey::authz
