#include "authorization_config.h"

#include <algorithm>
#include <array>

namespace latchkey::app {

namespace {

struct Kind {
  std::string_view name;
  cse::CseOptions::AuthorizationPoints cse::CseOptions::*points;
  bool cse::CseOptions::*offers;
};
constexpr std::array<Kind, 3> kKinds{{{"pdp", &cse::CseOptions::pdps, &cse::CseOptions::offers_pdp},
                                      {"prp", &cse::CseOptions::prps, &cse::CseOptions::offers_prp},
                                      {"pip", &cse::CseOptions::pips, &cse::CseOptions::offers_pip}}};

/// Of another CSE than ours, which is named by its CSE-ID.
bool names_another(const ResourceAddress& address, const CseId& own) {
  if (address.scope == ResourceAddress::Scope::cse_relative) return false;
  const bool home = address.sp.empty() || address.sp == own.sp().fqdn().folded();
  return !home || address.cse != own.stem();
}

void read_points(ConfigReader& in, const Kind& kind, cse::CseOptions& options) {
  for (auto& text : in.texts(kind.name)) {
    const auto address = ResourceAddress::parse(text);
    if (!address || address->segments.empty() || !names_another(*address, options.cse_id))
      in.problem(kind.name, "must be addresses of resources on other CSEs, \"/CSE/...\"");
    else
      (options.*kind.points).addresses.push_back(std::move(text));
  }
}

/// The kinds that a list names, each once.
std::vector<const Kind*> read_kinds(ConfigReader& in, std::string_view key) {
  std::vector<const Kind*> kinds;
  for (const auto& name : in.texts(key)) {
    const auto* const kind = std::ranges::find(kKinds, name, &Kind::name);
    if (kind == kKinds.end())
      in.problem(key, "must be of \"pdp\", \"prp\", \"pip\"");
    else if (std::ranges::find(kinds, kind) != kinds.end())
      in.problem(key, "names " + name + " twice");
    else
      kinds.push_back(kind);
  }
  return kinds;
}

void read_target(ConfigReader& in, cse::CseOptions& options) {
  cse::CseOptions::ForeignTarget target{.resources = in.required_text("resources"),
                                        .policies = in.texts("policies")};
  const auto own = options.cse_id.sp_relative() + "/";
  if (!target.resources.empty() && (!target.resources.starts_with('/') || target.resources.starts_with(own)))
    in.problem("resources", "must begin with the CSE-ID of another CSE");
  const auto is_address = [](const auto& policy) { return ResourceAddress::parse(policy).has_value(); };
  if (target.policies.empty() || !std::ranges::all_of(target.policies, is_address))
    in.problem("policies", "must be addresses of one <accessControlPolicy> or more");
  options.foreign_targets.push_back(std::move(target));
}

}  // namespace

void read_authorization(ConfigReader& in, cse::CseOptions& options) {
  for (const auto& kind : kKinds) read_points(in, kind, options);
  for (const auto* const kind : read_kinds(in, "default")) {
    (options.*kind->points).by_default = true;
    if ((options.*kind->points).addresses.empty())
      in.problem("default", "there is no " + std::string(kind->name) + " to ask");
  }
  for (const auto* const kind : read_kinds(in, "offer")) options.*kind->offers = true;
  for (auto& target : in.tables("target")) read_target(target, options);
  if (!options.foreign_targets.empty() && !options.offers_pdp && !options.offers_prp)
    in.problem("target", "nobody asks: offer \"pdp\" or \"prp\"");
}

}  // namespace latchkey::app
