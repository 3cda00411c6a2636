#include "latchkey/authz/explain.h"

#include <algorithm>
#include <array>
#include <vector>

#include "rule_set_impl.h"

namespace latchkey::authz {
namespace {

constexpr std::size_t kRulesListedMax = 1'000;
constexpr std::size_t kOriginatorsListedMax = 5;
constexpr std::array kOperations{Op::create, Op::retrieve, Op::update, Op::del, Op::notify, Op::discover};

std::string name_of(std::size_t set, std::span<const std::string> names) {
  return set < names.size() ? names[set] : "policy " + std::to_string(set);
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const auto& part : parts) out.append(out.empty() ? "" : separator).append(part);
  return out;
}

std::string operations_of(const Rule& rule) {
  std::vector<std::string> allowed;
  for (const auto operation : kOperations) {
    if (res_ops(rule, operation)) allowed.emplace_back(to_string(operation));
  }
  return joined(allowed, ", ");
}

/// An entry of acor in a form that a reader of the policy recognises.
std::string entry_text(const OriginatorIndex& index, OriginatorIndex::EntryId entry) {
  const auto text = std::string(index.text(entry));
  switch (index.kind(entry)) {
    case OriginatorKind::all:
      return "all";
    case OriginatorKind::role:
      return "role " + text;
    case OriginatorKind::domain:
      return "domain " + text;
    case OriginatorKind::group:
      return "group " + text;
    case OriginatorKind::entity:
      break;
  }
  return "//" + text;
}

/// What one rule lacked for one request, part by part of 7.1.5.
class RuleReport {
 public:
  RuleReport(const RuleSet::Impl& set, const Rule& rule, const RequestContext& request)
      : set_(set), rule_(rule), request_(request) {
    originator();
    if (!res_ops(rule, request.operation))
      lack("it does not allow " + std::string(to_string(request.operation)) + " (but " + operations_of(rule) +
           ")");
    if (!res_authn(rule, request.rq_authn))
      lack("it asks for an authenticated originator, and this one is not");
    const auto& conditions = set.conditions_of(rule);
    if (!conditions.res_ctxts(request)) contexts(conditions.contexts);
    if (!conditions.res_objd(request)) details(conditions.details);
  }
  [[nodiscard]] std::string text() const { return lacks_.empty() ? "permits" : joined(lacks_, "; "); }

 private:
  void lack(std::string sentence) { lacks_.push_back(std::move(sentence)); }

  void originator() {
    if (request_.originator == nullptr) return lack("the request has no originator");
    const Subject subject(*request_.originator);
    std::vector<std::string> names;
    bool unknown_group = false;
    for (std::uint32_t k = 0; k < rule_.originator_count; ++k) {
      const auto entry = set_.rule_originators[rule_.first_originator + k];
      if (set_.index.kind(entry) == OriginatorKind::group) {
        const auto member = request_.groups == nullptr
                                ? std::nullopt
                                : request_.groups->is_member(set_.index.text(entry), *request_.originator);
        if (member.value_or(false)) return;
        unknown_group = unknown_group || !member;
      } else if (set_.index.covers(entry, subject, request_.roles)) {
        return;
      }
      if (names.size() < kOriginatorsListedMax) names.push_back(entry_text(set_.index, entry));
    }
    if (rule_.originator_count > names.size())
      names.push_back("and " + std::to_string(rule_.originator_count - names.size()) + " more");
    lack("it does not name " + to_string(*request_.originator) + " (but " + joined(names, ", ") + ")" +
         (unknown_group ? ", and the members of a group are not known" : ""));
  }

  void contexts(const std::vector<Context>& contexts) {
    for (std::size_t i = 0; i < contexts.size(); ++i) {
      std::vector<std::string> missing;
      if (!contexts[i].res_time(request_.rq_time))
        missing.push_back(format_log_time(request_.rq_time) + " is in no time window");
      if (!contexts[i].res_ip(request_.rq_ip))
        missing.emplace_back(request_.rq_ip ? "the source address is in no network"
                                            : "the source address is not known");
      if (!contexts[i].res_loc(request_.rq_loc)) missing.push_back(location(contexts[i]));
      lack("context " + std::to_string(i) + " does not fit: " + joined(missing, ", "));
    }
  }

  [[nodiscard]] std::string location(const Context& context) const {
    const bool known = request_.rq_loc &&
                       (context.countries.empty() ? is_inside(*request_.rq_loc, *context.circle).has_value()
                                                  : request_.rq_loc->country.has_value());
    const std::string what =
        context.countries.empty() ? "the place of the originator" : "the country of the originator";
    return what + (known ? " is outside the region" : " is not known");
  }

  void details(const std::vector<ObjectDetails>& details) {
    if (!request_.child_type) return lack("the type to be created is not known");
    const bool target_fits = std::ranges::any_of(details, [&](const ObjectDetails& detail) {
      return (!detail.type || *detail.type == request_.target_type) && detail.res_specialization(request_);
    });
    if (!target_fits)
      return lack("it concerns other targets than type " + std::to_string(request_.target_type));
    lack("it does not cover the creation of type " + std::to_string(*request_.child_type) +
         " under this target");
  }

  const RuleSet::Impl& set_;
  const Rule& rule_;
  const RequestContext& request_;
  std::vector<std::string> lacks_;
};

}  // namespace

std::string summarize(const Decision& decision, std::span<const std::string> set_names,
                      std::span<const std::string> role_names) {
  auto where = name_of(decision.set, set_names) + " rule " + std::to_string(decision.rule);
  if (decision.role < role_names.size()) where += " through " + role_names[decision.role];
  if (decision.permit) return "permitted by " + where;
  // Up to here no rule stands out.
  if (decision.reason <= Reason::originator) return "denied: " + std::string(to_string(decision.reason));
  return "denied: " + where + ": " + std::string(to_string(decision.reason));
}

std::string explain(const RequestContext& context, std::span<const RuleSet* const> sets,
                    std::span<const std::string> set_names, std::span<const std::string> role_names) {
  std::string out = summarize(decide(context, sets), set_names, role_names) + "\n";
  std::size_t listed = 0, left_out = 0;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const auto name = name_of(i, set_names);
    if (sets[i] == nullptr) {
      out += name + ": not available\n";
      continue;
    }
    const auto& set = sets[i]->impl();
    if (set.rules.empty()) out += name + ": has no rule\n";
    for (std::size_t k = 0; k < set.rules.size(); ++k) {
      if (listed == kRulesListedMax) {
        left_out += set.rules.size() - k;
        break;
      }
      out +=
          name + " rule " + std::to_string(k) + ": " + RuleReport(set, set.rules[k], context).text() + "\n";
      ++listed;
    }
  }
  if (left_out > 0) out += "and " + std::to_string(left_out) + " more rules\n";
  return out;
}

}  // namespace latchkey::authz
