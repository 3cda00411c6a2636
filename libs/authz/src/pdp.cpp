#include "latchkey/authz/pdp.h"

#include <algorithm>

#include "rule_set_impl.h"

namespace latchkey::authz {
namespace {

/// How far `rule`, which names the originator, comes: Reason::rule if it permits, else the first part that is
/// FALSE, in the order in which the reasons rank.
Reason evaluate(const RuleSet::Impl& set, const Rule& rule, const RequestContext& request) noexcept {
  if (!res_ops(rule, request.operation)) return Reason::operation;
  if (!res_authn(rule, request.rq_authn)) return Reason::authentication;
  const auto& conditions = set.conditions_of(rule);
  if (!conditions.res_ctxts(request)) return Reason::context;
  if (!conditions.res_objd(request)) return Reason::object_details;
  return Reason::rule;
}

/// One decision over several sets. Permit-overrides: the first rule that permits ends it.
class Evaluation {
 public:
  explicit Evaluation(const RequestContext& request) : request_(request), subject_(*request.originator) {
    decision_.reason = Reason::originator;
  }

  /// True if a rule of this set permits.
  bool run(std::size_t set_index, const RuleSet::Impl& set) {
    return set.index.visit(subject_, request_.roles, [&](OriginatorIndex::EntryId entry) {
      for (const auto rule : set.index.rules(entry)) {
        if (take(set, set_index, entry, rule)) return true;
      }
      return false;
    });
  }

  /// The same for the rules that name groups. Membership is asked last, and only where the rest of a rule
  /// permits.
  bool run_groups(std::size_t set_index, const RuleSet::Impl& set) {
    if (request_.groups == nullptr) return false;
    for (const auto entry : set.index.groups()) {
      for (const auto rule : set.index.rules(entry)) {
        if (evaluate(set, set.rules[rule], request_) != Reason::rule) continue;
        // 7.1.4: a membership that cannot be determined does not match.
        if (!request_.groups->is_member(set.index.text(entry), *request_.originator).value_or(false)) break;
        decision_ = {true, Reason::rule, set_index, rule, kNoRole};
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] const Decision& decision() const noexcept { return decision_; }

 private:
  /// True if the rule, which names the originator by `entry`, permits.
  bool take(const RuleSet::Impl& set, std::size_t set_index, OriginatorIndex::EntryId entry,
            std::uint32_t rule) noexcept {
    const auto reason = evaluate(set, set.rules[rule], request_);
    if (reason != Reason::rule && reason <= decision_.reason) return false;
    decision_ = {reason == Reason::rule, reason, set_index, rule, role_of(set.index, entry)};
    return decision_.permit;
  }

  [[nodiscard]] std::size_t role_of(const OriginatorIndex& index,
                                    OriginatorIndex::EntryId entry) const noexcept {
    if (index.kind(entry) != OriginatorKind::role) return kNoRole;
    const auto at = std::ranges::find(request_.roles, index.text(entry));
    return static_cast<std::size_t>(at - request_.roles.begin());
  }

  const RequestContext& request_;
  Subject subject_;
  Decision decision_;
};

}  // namespace

std::string_view to_string(Reason reason) noexcept {
  switch (reason) {
    case Reason::rule:
      return "permitted by a rule";
    case Reason::no_policy:
      return "no policy applies";
    case Reason::no_originator:
      return "the request has no originator";
    case Reason::originator:
      return "no rule names the originator";
    case Reason::operation:
      return "no rule allows the originator the operation";
    case Reason::authentication:
      return "the rule asks for an authenticated originator";
    case Reason::context:
      return "the contexts of the rule do not fit";
    case Reason::object_details:
      return "the rule does not cover this child type under this target";
  }
  return "unknown reason";
}

Decision decide(const RequestContext& context, std::span<const RuleSet* const> sets) {
  if (sets.empty()) return {};
  if (context.originator == nullptr) return {.permit = false, .reason = Reason::no_originator};
  Evaluation evaluation(context);
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if (sets[i] != nullptr && evaluation.run(i, sets[i]->impl())) return evaluation.decision();
  }
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if (sets[i] != nullptr && evaluation.run_groups(i, sets[i]->impl())) return evaluation.decision();
  }
  return evaluation.decision();
}

std::vector<std::string> roles_that_permit(const RequestContext& context,
                                           std::span<const RuleSet* const> sets, std::size_t limit) {
  std::vector<std::string> roles;
  const auto take = [&](const OriginatorIndex& index, OriginatorIndex::EntryId entry) {
    if (index.kind(entry) != OriginatorKind::role || roles.size() >= limit) return;
    if (std::ranges::find(roles, index.text(entry)) == roles.end()) roles.emplace_back(index.text(entry));
  };
  for (const auto* const set : sets) {
    if (set == nullptr) continue;
    const auto& impl = set->impl();
    for (const auto& rule : impl.rules) {
      if (evaluate(impl, rule, context) != Reason::rule) continue;
      for (std::uint32_t k = 0; k < rule.originator_count; ++k)
        take(impl.index, impl.rule_originators[rule.first_originator + k]);
    }
  }
  return roles;
}

}  // namespace latchkey::authz
