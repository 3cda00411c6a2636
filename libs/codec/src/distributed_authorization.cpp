#include "latchkey/codec/distributed_authorization.h"

#include <algorithm>
#include <array>

#include "authorization_members.h"
#include "latchkey/codec/formats.h"

namespace latchkey::codec {

std::string_view to_string(AuthorizationStatus status) noexcept {
  using enum AuthorizationStatus;
  switch (status) {
    case ok:
      return "OK";
    case not_applicable:
      return "NOT_APPLICABLE";
    case missing_attribute:
      return "MISSING_ATTRIBUTE";
    case syntax_error:
      return "SYNTAX_ERROR";
    case processing_error:
      break;
  }
  return "PROCESSING_ERROR";
}

namespace {

constexpr std::uint64_t kPermit = 1, kDeny = 2, kPermitOverrides = 1;

json::value content(std::string_view element, json::object members) {
  json::object pc;
  pc[element] = std::move(members);
  return pc;
}

/// Reads the one element of pc; refusals begin with its name.
template <class T, class Read>
Outcome<T> read_element(const json::value& pc, std::string_view element, Read read) {
  const auto members = unwrap(pc, element);
  if (!members) return refuse(members.error());
  Outcome<T> out = read(**members);
  if (!out) return refuse(named(element, std::move(out).error()));
  return out;
}

Outcome<FilterUsage> read_filter_usage(const json::value& value) {
  const auto number = read_integer(value, 1, 3);
  if (!number) return refuse(number.error());
  return static_cast<FilterUsage>(*number);
}

Outcome<std::vector<std::string>> read_ids(const json::value& value) {
  return read_scoped_ids(value, kInformationMax);
}

Outcome<std::vector<std::string>> read_tokens(const json::value& value) {
  return read_list<std::string>(value, kInformationMax, read_jwt);
}

// ---- answers

/// What a resource has besides, where whole resources are answered (TS-0004 7.3.3.13).
bool is_common(std::string_view name) {
  constexpr std::array<std::string_view, 10> kCommon{"ty", "ri", "rn",  "pi",   "ct",
                                                     "lt", "et", "lbl", "acpi", "daci"};
  return std::ranges::find(kCommon, name) != kCommon.end();
}

/// Members of an answer that are not its own: common ones, and those that repeat the request word by word.
Outcome<bool> pass_over(std::string_view name, const json::value& value, const json::value& request) {
  if (is_common(name)) return true;
  const auto* const asked = request.get_object().begin()->value().get_object().if_contains(name);
  if (asked == nullptr) return false;
  if (*asked != value) return bad_form("of another request");
  return true;
}

Outcome<AuthorizationStatus> read_status(const json::value& value) {
  const auto number = read_integer(value, 1, 5);
  if (!number) return refuse(number.error());
  return static_cast<AuthorizationStatus>(*number);
}

Outcome<bool> read_permission(const json::value& value) {
  const auto number = read_integer(value, kPermit, kDeny);
  if (!number) return refuse(number.error());
  return *number == kPermit;
}

Outcome<json::value> read_policy(const json::value& value) {
  json::value privileges;
  auto read = read_members(value, [&](std::string_view name, const json::value& member) -> Outcome<bool> {
    if (name == "pv") return put(privileges, read_privileges(member));
    return false;
  });
  if (!read) return refuse(std::move(read).error());
  if (privileges.is_null()) return missing("pv");
  return privileges;
}

Outcome<std::vector<json::object>> read_resources(const json::value& value) {
  return read_list<json::object>(value, kInformationMax, [](const json::value& entry) {
    return entry.is_object() ? Outcome<json::object>(entry.get_object()) : bad_form("not an object");
  });
}

/// With another status than OK an answer carries nothing.
Outcome<AuthorizationStatus> check_status(const std::optional<AuthorizationStatus>& status,
                                          std::string_view result, bool has_result) {
  if (!status) return missing("sus");
  if (*status != AuthorizationStatus::ok && has_result)
    return refuse(below(result, {Rsc::bad_request, "does not go with this sus"}));
  return *status;
}

// ---- requests

Outcome<EntityId> read_originator(const json::object& members) {
  const auto* const from = members.if_contains("fr");
  if (from == nullptr) return missing("fr");
  auto originator = read_entity(*from);
  if (!originator) return refuse(below("fr", std::move(originator).error()));
  return originator;
}

Outcome<DecisionRequest> decision_request(const json::object& members) {
  auto originator = read_originator(members);
  if (!originator) return refuse(std::move(originator).error());
  DecisionRequest out{.target = {}, .originator = *std::move(originator)};
  std::optional<Operation> operation;
  auto read = read_members(members, [&](std::string_view name, const json::value& value) -> Outcome<bool> {
    if (name == "to") return put(out.target, read_address(value));
    if (name == "fr") return true;
    if (name == "op") return put(operation, read_operation(value));
    if (name == "rrt") return put(out.created_type, read_type(value));
    if (name == "fu") return put(out.filter_usage, read_filter_usage(value));
    if (name == "rids") return put(out.role_ids, read_ids(value));
    if (name == "tids") return put(out.token_ids, read_ids(value));
    if (name == "tkns") return put(out.tokens, read_tokens(value));
    if (name == "rtm") return put(out.request_time, read_timestamp(value));
    if (name == "olo") return put(out.location, read_location(value));
    if (name == "oip") return put(out.ip, read_ip(value));
    return false;
  });
  if (!read) return refuse(std::move(read).error());
  if (out.target.empty()) return missing("to");
  if (!operation) return missing("op");
  out.operation = *operation;
  return out;
}

Outcome<PolicyRequest> policy_request(const json::object& members) {
  PolicyRequest out;
  auto read = read_members(members, [&](std::string_view name, const json::value& value) -> Outcome<bool> {
    if (name == "to") return put(out.target, read_address(value));
    return false;
  });
  if (!read) return refuse(std::move(read).error());
  if (out.target.empty()) return missing("to");
  return out;
}

Outcome<InformationRequest> information_request(const json::object& members) {
  auto originator = read_originator(members);
  if (!originator) return refuse(std::move(originator).error());
  InformationRequest out{.originator = *std::move(originator)};
  auto read = read_members(members, [&](std::string_view name, const json::value& value) -> Outcome<bool> {
    if (name == "fr") return true;
    if (name == "rids") return put(out.role_ids, read_ids(value));
    if (name == "tids") return put(out.token_ids, read_ids(value));
    return false;
  });
  if (!read) return refuse(std::move(read).error());
  return out;
}

Outcome<DecisionResponse> decision_response(const json::object& members, const json::value& request) {
  std::optional<bool> permit;
  std::optional<AuthorizationStatus> status;
  auto read = read_members(members, [&](std::string_view name, const json::value& value) -> Outcome<bool> {
    if (name == "dec") return put(permit, read_permission(value));
    if (name == "sus") return put(status, read_status(value));
    return pass_over(name, value, request);
  });
  if (!read) return refuse(std::move(read).error());
  const auto said = check_status(status, "dec", permit.value_or(false));
  if (!said) return refuse(said.error());
  if (*said == AuthorizationStatus::ok && !permit) return missing("dec");
  return DecisionResponse{.status = *said, .permit = permit.value_or(false)};
}

Outcome<PolicyResponse> policy_response(const json::object& members, const json::value& request) {
  PolicyResponse out;
  std::optional<AuthorizationStatus> status;
  std::optional<std::uint64_t> algorithm;
  auto read = read_members(members, [&](std::string_view name, const json::value& value) -> Outcome<bool> {
    if (name == "ps")
      return put(out.policies, read_list<json::value>(value, kRetrievedPoliciesMax, read_policy));
    if (name == "ca") return put(algorithm, read_integer(value, kPermitOverrides, kPermitOverrides));
    if (name == "sus") return put(status, read_status(value));
    return pass_over(name, value, request);
  });
  if (!read) return refuse(std::move(read).error());
  const auto said = check_status(status, "ps", !out.policies.empty());
  if (!said) return refuse(said.error());
  out.status = *said;
  if (out.status != AuthorizationStatus::ok) return out;
  if (out.policies.empty()) return missing("ps");
  if (!algorithm) return missing("ca");
  return out;
}

Outcome<InformationResponse> information_response(const json::object& members, const json::value& request) {
  InformationResponse out;
  std::optional<AuthorizationStatus> status;
  auto read = read_members(members, [&](std::string_view name, const json::value& value) -> Outcome<bool> {
    if (name == "m2m:rol") return put(out.roles, read_resources(value));
    if (name == "m2m:tk") return put(out.tokens, read_resources(value));
    if (name == "sus") return put(status, read_status(value));
    return pass_over(name, value, request);
  });
  if (!read) return refuse(std::move(read).error());
  const auto result = out.roles.empty() ? "m2m:tk" : "m2m:rol";
  const auto said = check_status(status, result, !out.roles.empty() || !out.tokens.empty());
  if (!said) return refuse(said.error());
  out.status = *said;
  return out;
}

json::array resource_array(const std::vector<json::object>& resources) {
  json::array out;
  for (const auto& resource : resources) out.emplace_back(resource);
  return out;
}

}  // namespace

Outcome<DecisionRequest> read_decision_request(const json::value& pc) {
  return read_element<DecisionRequest>(pc, kAuthorizationDecision, decision_request);
}

json::value to_content(const DecisionRequest& request) {
  json::object out{{"to", request.target},
                   {"fr", to_string(request.originator)},
                   {"op", static_cast<std::uint8_t>(request.operation)}};
  if (request.created_type) out["rrt"] = *request.created_type;
  if (request.filter_usage) out["fu"] = static_cast<std::uint8_t>(*request.filter_usage);
  if (!request.role_ids.empty()) out["rids"] = to_array(request.role_ids);
  if (!request.token_ids.empty()) out["tids"] = to_array(request.token_ids);
  if (!request.tokens.empty()) out["tkns"] = to_array(request.tokens);
  if (request.request_time) out["rtm"] = timestamp_text(*request.request_time);
  if (request.location) out["olo"] = location_json(*request.location);
  if (request.ip) out["oip"] = ip_json(*request.ip);
  return content(kAuthorizationDecision, std::move(out));
}

Outcome<DecisionResponse> read_decision_response(const json::value& pc, const DecisionRequest& request) {
  return read_element<DecisionResponse>(pc, kAuthorizationDecision, [&](const json::object& members) {
    return decision_response(members, to_content(request));
  });
}

json::value to_content(const DecisionResponse& response) {
  json::object out{{"sus", static_cast<std::uint8_t>(response.status)}};
  if (response.status == AuthorizationStatus::ok) out["dec"] = response.permit ? kPermit : kDeny;
  return content(kAuthorizationDecision, std::move(out));
}

Outcome<PolicyRequest> read_policy_request(const json::value& pc) {
  return read_element<PolicyRequest>(pc, kAuthorizationPolicy, policy_request);
}

json::value to_content(const PolicyRequest& request) {
  return content(kAuthorizationPolicy, {{"to", request.target}});
}

Outcome<PolicyResponse> read_policy_response(const json::value& pc, const PolicyRequest& request) {
  return read_element<PolicyResponse>(pc, kAuthorizationPolicy, [&](const json::object& members) {
    return policy_response(members, to_content(request));
  });
}

json::value to_content(const PolicyResponse& response) {
  json::object out{{"sus", static_cast<std::uint8_t>(response.status)}};
  if (response.status != AuthorizationStatus::ok) return content(kAuthorizationPolicy, std::move(out));
  json::array policies;
  for (const auto& privileges : response.policies) policies.emplace_back(json::object{{"pv", privileges}});
  out["ps"] = std::move(policies);
  out["ca"] = kPermitOverrides;
  return content(kAuthorizationPolicy, std::move(out));
}

Outcome<InformationRequest> read_information_request(const json::value& pc) {
  return read_element<InformationRequest>(pc, kAuthorizationInformation, information_request);
}

json::value to_content(const InformationRequest& request) {
  json::object out{{"fr", to_string(request.originator)}};
  if (!request.role_ids.empty()) out["rids"] = to_array(request.role_ids);
  if (!request.token_ids.empty()) out["tids"] = to_array(request.token_ids);
  return content(kAuthorizationInformation, std::move(out));
}

Outcome<InformationResponse> read_information_response(const json::value& pc,
                                                       const InformationRequest& request) {
  return read_element<InformationResponse>(pc, kAuthorizationInformation, [&](const json::object& members) {
    return information_response(members, to_content(request));
  });
}

json::value to_content(const InformationResponse& response) {
  json::object out{{"sus", static_cast<std::uint8_t>(response.status)}};
  if (!response.roles.empty()) out["m2m:rol"] = resource_array(response.roles);
  if (!response.tokens.empty()) out["m2m:tk"] = resource_array(response.tokens);
  return content(kAuthorizationInformation, std::move(out));
}

}  // namespace latchkey::codec
