#include "latchkey/das/policy.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <set>

#include "latchkey/base/glob.h"

namespace latchkey::das {

namespace {

namespace json = boost::json;
using authz::Op;

constexpr std::array<std::pair<std::string_view, Op>, 6> kOperations{{{"create", Op::create},
                                                                      {"retrieve", Op::retrieve},
                                                                      {"update", Op::update},
                                                                      {"delete", Op::del},
                                                                      {"notify", Op::notify},
                                                                      {"discover", Op::discover}}};

Op op_of(codec::Operation operation) {
  switch (operation) {
    case codec::Operation::create:
      return Op::create;
    case codec::Operation::update:
      return Op::update;
    case codec::Operation::del:
      return Op::del;
    case codec::Operation::notify:
      return Op::notify;
    case codec::Operation::retrieve:
      break;
  }
  return Op::retrieve;
}

json::array to_array(const std::vector<std::string>& texts) {
  json::array out;
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

std::uint32_t read_operations(ConfigReader& in, std::string_view key) {
  std::uint32_t mask = 0;
  for (const auto& text : in.texts(key)) {
    const auto known = std::ranges::find(kOperations, text, [](const auto& entry) { return entry.first; });
    if (known == kOperations.end())
      in.problem(key, "'" + text + "' is not one of create, retrieve, update, delete, notify, discover");
    else
      mask |= static_cast<std::uint32_t>(known->second);
  }
  return mask;
}

std::vector<std::uint32_t> read_types(ConfigReader& in) {
  std::vector<std::uint32_t> out;
  for (const auto& text : in.texts("resource_types")) {
    std::uint32_t type = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), type);
    if (error != std::errc{} || end != text.data() + text.size() || type == 0 || type > 65'535)
      in.problem("resource_types", "'" + text + "' is no number of a resource type");
    else
      out.push_back(type);
  }
  return out;
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "latitude longitude radius", in degrees and metres.
json::value read_circle(ConfigReader& in, const std::string& text) {
  json::array out;
  std::string_view rest(text);
  while (!rest.empty()) {
    const auto blank = std::min(rest.find(' '), rest.size());
    const auto value = number(rest.substr(0, blank));
    if (!value) break;
    out.emplace_back(*value);
    rest.remove_prefix(std::min(blank + 1, rest.size()));
  }
  if (!rest.empty() || out.size() != 3) in.problem("circle", "must be 'latitude longitude radius-in-metres'");
  return out;
}

/// The one accessControlContexts element of a grant; null: no condition.
json::value read_contexts(ConfigReader& in) {
  json::object out;
  if (const auto windows = in.texts("windows"); !windows.empty()) out["actw"] = to_array(windows);
  json::array v4, v6;
  for (const auto& network : in.texts("networks"))
    (network.find(':') == std::string::npos ? v4 : v6).emplace_back(network);
  json::object networks;
  if (!v4.empty()) networks["ipv4"] = std::move(v4);
  if (!v6.empty()) networks["ipv6"] = std::move(v6);
  if (!networks.empty()) out["acip"] = std::move(networks);
  const auto countries = in.texts("countries");
  const auto circle = in.text("circle", "");
  if (!countries.empty() && !circle.empty()) in.problem("circle", "does not go together with countries");
  if (!countries.empty())
    out["aclr"] = json::object{{"accc", to_array(countries)}};
  else if (!circle.empty())
    out["aclr"] = json::object{{"accr", read_circle(in, circle)}};
  if (out.empty()) return nullptr;
  return json::array{std::move(out)};
}

/// The compiler of rules names members of the rule; the operator wants the key that he wrote.
std::string_view key_of(std::string_view detail, std::string_view originators_key) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kKeys{{{".actw", "windows"},
                                                                                {".acip", "networks"},
                                                                                {".accc", "countries"},
                                                                                {".accr", "circle"},
                                                                                {".acop", "operations"}}};
  for (const auto& [member, key] : kKeys)
    if (detail.find(member) != std::string_view::npos) return key;
  return originators_key;
}

std::shared_ptr<const authz::RuleSet> compile(ConfigReader& in, std::string_view originators_key,
                                              const std::vector<std::string>& originators,
                                              std::uint32_t operations, const json::value& contexts,
                                              const SpId& home) {
  json::object rule{{"acor", to_array(originators)}, {"acop", operations}};
  if (!contexts.is_null()) rule["acco"] = contexts;
  auto rules = authz::RuleSet::compile(json::object{{"acr", json::array{std::move(rule)}}}, home);
  if (!rules) {
    in.problem(key_of(rules.error().detail, originators_key), rules.error().detail);
    return nullptr;
  }
  // A <group> cannot be asked for its members from here: an entry that never matches is a mistake of the
  // operator.
  for (const auto& group : (*rules)->groups())
    in.problem(originators_key, "'" + group + "' is no AE-ID, CSE-ID, Role-ID, SP domain or 'all'");
  return std::move(*rules);
}

std::chrono::seconds read_lifetime(ConfigReader& in) {
  if (!in.has("lifetime")) {
    in.problem("lifetime", "is missing");
    return {};
  }
  const auto given = std::chrono::floor<std::chrono::seconds>(in.duration("lifetime", std::chrono::hours(1)));
  if (given < std::chrono::seconds(1) || given > kLifetimeMax)
    in.problem("lifetime", "must be from 1s to 366d");
  return given;
}

bool may_speak_for(const Policy::Scope& scope, std::string_view role_id) {
  const auto id = KeyId::parse(role_id);
  return id && std::ranges::find(scope.domains, id->issuer()) != scope.domains.end();
}

void read_gift(ConfigReader& in, const Policy::Scope& scope, std::uint32_t operations, Grant& out) {
  const auto gives = in.required_text("gives");
  if (!gives.empty() && gives != "policy" && gives != "token") in.problem("gives", "must be policy or token");
  out.gives = gives == "token" ? Gift::token : Gift::policy;
  out.granted_operations = read_operations(in, "granted_operations");
  out.granted_resources = in.texts("granted_resources");
  out.granted_roles = in.texts("granted_roles");
  out.hand_out = in.boolean("hand_out", true);
  out.token_name = in.text("token_name", "");
  if (out.gives == Gift::policy) {
    if (!in.has("granted_operations")) out.granted_operations = operations;
    for (const auto* key : {"granted_resources", "granted_roles", "hand_out", "token_name"})
      if (in.has(key)) in.problem(key, "is of grants that give a token only");
    return;
  }
  if (out.granted_operations == 0 && out.granted_roles.empty())
    in.problem("gives", "a token needs granted_operations or granted_roles");
  if (out.granted_operations == 0 && !out.granted_resources.empty() && out.granted_roles.empty())
    in.problem("granted_resources", "needs granted_operations or granted_roles");
  for (const auto& role : out.granted_roles)
    if (!may_speak_for(scope, role))
      in.problem("granted_roles", "'" + role + "' is of no domain of this DAS");
  for (const auto& resource : out.granted_resources)
    if (!ResourceAddress::parse(resource))
      in.problem("granted_resources", "'" + resource + "' is no resource address");
}

Grant read_grant(ConfigReader& in, const Policy::Scope& scope) {
  Grant out;
  out.name = in.required_text("name");
  const auto originators = in.texts("originators");
  if (originators.empty()) in.problem("originators", "at least one is needed");
  const auto operations = read_operations(in, "operations");
  if (operations == 0) in.problem("operations", "at least one is needed");
  out.contexts = read_contexts(in);
  if (!originators.empty() && operations != 0)
    out.conditions = compile(in, "originators", originators, operations, out.contexts, scope.home);
  const auto targets = in.texts("targets");
  if (targets.empty() || targets.size() > kTargetsMax)
    in.problem("targets", "from 1 to " + std::to_string(kTargetsMax) + " are needed");
  for (const auto& text : targets) {
    auto pattern = TargetPattern::parse(text, scope.home);
    if (pattern)
      out.targets.push_back(std::move(*pattern));
    else
      in.problem("targets", "'" + text + "' " + pattern.error().detail);
  }
  out.target_types = read_types(in);
  out.lifetime = read_lifetime(in);
  out.live_max = static_cast<std::size_t>(in.integer("live_max", 1, 1, 1'000));
  read_gift(in, scope, operations, out);
  return out;
}

AssignableRole read_role(ConfigReader& in, const Policy::Scope& scope) {
  AssignableRole out;
  out.role_id = in.required_text("id");
  if (!out.role_id.empty() && !may_speak_for(scope, out.role_id))
    in.problem("id", "is of no domain of this DAS");
  const auto holders = in.texts("holders");
  if (holders.empty())
    in.problem("holders", "at least one is needed");
  else
    out.holders =
        compile(in, "holders", holders, static_cast<std::uint32_t>(Op::retrieve), nullptr, scope.home);
  out.lifetime = read_lifetime(in);
  return out;
}

/// What a request still lacks for a grant; empty: nothing. `stage` tells how far it came.
struct Lack {
  int stage = 0;
  std::string what;
};

bool targets_match(const Grant& grant, const Query& query) {
  return query.target && std::ranges::any_of(grant.targets, [&](const auto& pattern) {
           return pattern.matches(*query.target);
         });
}

Lack lack_of_conditions(const Grant& grant, const Query& query) {
  const authz::RequestContext context{.originator = query.originator,
                                      .roles = query.roles,
                                      .operation = op_of(query.operation),
                                      .rq_authn = true,
                                      .rq_time = query.now,
                                      .rq_ip = query.ip,
                                      .rq_loc = query.location,
                                      .target_type = query.target_type.value_or(0)};
  const std::array<const authz::RuleSet*, 1> sets{grant.conditions.get()};
  const auto decision = authz::decide(context, sets);
  if (decision.permit) return {};
  switch (decision.reason) {
    case authz::Reason::operation:
      return {4, "does not cover the operation"};
    case authz::Reason::context:
      return {5, "time, network or location do not fit, or are not known"};
    default:
      return {3, "does not name the originator or a role that it holds"};
  }
}

std::vector<std::string> helpful_roles(const Grant& grant, const Query& query) {
  if (query.useful_roles.empty()) return grant.granted_roles;
  std::vector<std::string> out;
  for (const auto& role : grant.granted_roles)
    if (std::ranges::find(query.useful_roles, role) != query.useful_roles.end()) out.push_back(role);
  return out;
}

Lack lack_of(const Grant& grant, const Query& query, const Verdict& verdict) {
  if (query.tokens_only && grant.gives == Gift::policy)
    return {1, "gives a policy, which only a Hosting CSE can ask for"};
  if (!targets_match(grant, query)) return {1, "does not name the target"};
  const bool type_fits = grant.target_types.empty() ||
                         (query.target_type && std::ranges::find(grant.target_types, *query.target_type) !=
                                                   grant.target_types.end());
  if (!type_fits) return {2, "type of the target does not fit, or is not known"};
  if (auto lack = lack_of_conditions(grant, query); lack.stage != 0) return lack;
  if (grant.granted_operations == 0 && verdict.roles.empty()) return {6, "none of its roles would help"};
  if (verdict.end <= query.now) return {7, "the proposed lifetime has passed"};
  return {};
}

}  // namespace

Result<TargetPattern> TargetPattern::parse(std::string_view text, const SpId& home) {
  TargetPattern out;
  out.below_ = text.ends_with("/**");
  if (out.below_) text.remove_suffix(3);
  // A wildcard is not of the alphabet of an address: a letter stands for it while the form is checked.
  std::string plain(text);
  std::ranges::replace(plain, '*', 'x');
  const auto form = ResourceAddress::parse(plain);
  if (!form || form->scope == ResourceAddress::Scope::cse_relative || !form->attribute.empty())
    return fail(ErrorCode::invalid_argument, "is no address that begins with '/' and names a CSE");
  const bool absolute = form->scope == ResourceAddress::Scope::absolute;
  text.remove_prefix(absolute ? 2 : 1);
  std::vector<std::string> parts;
  for (bool more = true; more;) {
    const auto slash = text.find('/');
    parts.emplace_back(text.substr(0, slash));
    more = slash != std::string_view::npos;
    if (more) text.remove_prefix(slash + 1);
  }
  if (std::ranges::any_of(parts, [](const auto& part) { return part.find("**") != std::string::npos; }))
    return fail(ErrorCode::invalid_argument, "has '**' elsewhere than as last segment");
  auto rest = parts.begin();
  out.sp_ = absolute ? form->sp : home.fqdn().folded();
  if (absolute && rest->find('*') != std::string::npos)
    return fail(ErrorCode::invalid_argument, "has a wildcard in the service provider");
  if (absolute) ++rest;
  if (rest == parts.end()) return fail(ErrorCode::invalid_argument, "names no CSE");
  out.cse_ = std::move(*rest++);
  out.segments_.assign(std::make_move_iterator(rest), std::make_move_iterator(parts.end()));
  return out;
}

bool TargetPattern::matches(const ResourceAddress& address) const {
  if (address.sp != sp_ || !glob(cse_, address.cse)) return false;
  const auto have = address.segments.size(), want = segments_.size();
  if (below_ ? have <= want : have != want) return false;
  for (std::size_t k = 0; k < want; ++k)
    if (!glob(segments_[k], address.segments[k])) return false;
  return true;
}

std::shared_ptr<const Policy> Policy::read(ConfigReader& in, const Scope& scope) {
  auto out = std::make_shared<Policy>();
  std::set<std::string> names;
  auto grants = in.tables("grant");
  if (grants.size() > kGrantsMax) in.problem("grant", "more than " + std::to_string(kGrantsMax));
  for (auto& table : grants) {
    auto grant = read_grant(table, scope);
    if (!grant.name.empty() && !names.insert(grant.name).second) table.problem("name", "stands twice");
    out->grants_.push_back(std::move(grant));
  }
  std::set<std::string> ids;
  auto roles = in.tables("role");
  if (roles.size() > kRolesMax) in.problem("role", "more than " + std::to_string(kRolesMax));
  for (auto& table : roles) {
    auto role = read_role(table, scope);
    if (!role.role_id.empty() && !ids.insert(role.role_id).second) table.problem("id", "stands twice");
    out->roles_.push_back(std::move(role));
  }
  return out;
}

std::shared_ptr<const Policy> Policy::load(const std::string& file, const Scope& scope,
                                           std::vector<ConfigProblem>& problems) {
  auto reader = ConfigReader::from_file(file);
  auto policy = read(reader, scope);
  problems = reader.finish();
  return problems.empty() ? policy : nullptr;
}

Verdict Policy::decide(const Query& query, const std::function<std::size_t(const std::string&)>& live) const {
  Lack furthest{0, "no grant names the target"};
  const auto whole_now = std::chrono::floor<std::chrono::seconds>(query.now);
  for (const auto& grant : grants_) {
    Verdict verdict{.grant = &grant,
                    .end = whole_now + grant.lifetime,
                    .roles = helpful_roles(grant, query),
                    .reason = {}};
    if (query.proposed_end)
      verdict.end =
          std::min<TimePoint>(verdict.end, std::chrono::floor<std::chrono::seconds>(*query.proposed_end));
    auto lack = lack_of(grant, query, verdict);
    if (lack.stage == 0 && live(grant.name) >= grant.live_max)
      lack = {8, "the originator has as many live gifts of it as it allows"};
    if (lack.stage == 0) {
      verdict.reason = "grant " + grant.name;
      return verdict;
    }
    if (lack.stage > furthest.stage && lack.stage > 1)
      furthest = {lack.stage, "grant " + grant.name + ": " + lack.what};
  }
  return {.grant = nullptr, .end = {}, .roles = {}, .reason = std::move(furthest.what)};
}

Result<TimePoint> Policy::assignable(std::string_view role_id, const EntityId& holder, TimePoint now,
                                     std::optional<std::chrono::seconds> wish) const {
  const auto role = std::ranges::find(roles_, role_id, &AssignableRole::role_id);
  if (role == roles_.end()) return fail(ErrorCode::denied, "no [[role]] of the policy has this id");
  const std::array<const authz::RuleSet*, 1> sets{role->holders.get()};
  if (!authz::decide({.originator = &holder, .operation = Op::retrieve, .rq_authn = true, .rq_time = now},
                     sets)
           .permit)
    return fail(ErrorCode::denied, "the role may not be assigned to " + to_string(holder));
  const auto lifetime = wish ? std::min(*wish, role->lifetime) : role->lifetime;
  if (lifetime < std::chrono::seconds(1))
    return fail(ErrorCode::invalid_argument, "the lifetime is shorter than 1 s");
  return TimePoint(std::chrono::floor<std::chrono::seconds>(now) + lifetime);
}

json::value granted_privileges(const Grant& grant, const EntityId& originator) {
  json::object rule{{"acor", json::array{to_string(originator)}}, {"acop", grant.granted_operations}};
  if (!grant.contexts.is_null()) rule["acco"] = grant.contexts;
  return json::object{{"acr", json::array{std::move(rule)}}};
}

}  // namespace latchkey::das
