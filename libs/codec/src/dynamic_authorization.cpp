#include "latchkey/codec/dynamic_authorization.h"

#include <algorithm>

#include "authorization_members.h"
#include "json_reader.h"
#include "latchkey/codec/formats.h"
#include "text.h"

namespace latchkey::codec {
namespace {

constexpr std::size_t kNameOctets = 256, kNcNameOctets = 64;
constexpr std::size_t kAudienceMax = 256;

Outcome<bool> release_3() { return refuse(Rsc::not_implemented, "a Release 3 member, not offered"); }

Outcome<std::vector<std::string>> read_jwts(const json::value& value) {
  return read_list<std::string>(value, kDasTokensMax, read_jwt);
}

// ---- dasResponse

Outcome<DynamicAcpInfo> read_acp_info(const json::value& value, TimePoint now) {
  DynamicAcpInfo out;
  auto read = read_members(value, [&](std::string_view name, const json::value& member) -> Outcome<bool> {
    if (name == "gp") return put(out.privileges, read_privileges(member));
    if (name == "pl") return put(out.end, read_abs_rel_timestamp(member, now));
    return false;
  });
  if (!read) return refuse(std::move(read).error());
  return out;
}

// ---- securityInfo

Outcome<SecurityInfoType> type_of(const json::object& info) {
  const auto* const sit = info.if_contains("sit");
  if (sit == nullptr) return missing("sit");
  const auto number = read_integer(*sit, 1, 8);
  if (!number) return refuse(below("sit", number.error()));
  if (*number > 6) return refuse(Rsc::not_implemented, ".sit: a Release 3 type, not offered");
  return static_cast<SecurityInfoType>(*number);
}

/// The element that `sit` promises, alone.
Outcome<const json::value*> message_of(const json::object& info, std::string_view element) {
  for (const auto& entry : info) {
    if (entry.key() != "sit" && entry.key() != element)
      return refuse(below(shown(entry.key()), {Rsc::bad_request, "does not belong to this sit"}));
  }
  const auto* const found = info.if_contains(element);
  if (found == nullptr) return missing(element);
  return found;
}

Outcome<DasMessage> read_message(const json::object& info, TimePoint now) {
  const auto type = type_of(info);
  if (!type) return refuse(type.error());
  const bool request = *type == SecurityInfoType::das_request;
  if (!request && *type != SecurityInfoType::das_response)
    return bad_form(".sit: not a message of dynamic authorization");
  const std::string_view element = request ? "dreq" : "dres";
  const auto message = message_of(info, element);
  if (!message) return refuse(message.error());
  const auto read = [&](auto outcome) -> Outcome<DasMessage> {
    if (!outcome) return refuse(below(element, std::move(outcome).error()));
    return DasMessage(std::move(*outcome));
  };
  return request ? read(read_das_request(**message, now)) : read(read_das_response(**message, now));
}

// ---- parts of tqf and ati

Outcome<std::string> read_das_uri(const json::value& value) {
  auto text = read_name(value, kAddressOctets);
  if (text && !is_point_of_access(*text)) return bad_form("not an address of a binding");
  return text;
}

bool is_nc_name(std::string_view text) noexcept {
  const auto starts = [](char c) { return c == '_' || (is_alnum(c) && !is_digit(c)); };
  return !text.empty() && text.size() <= kNcNameOctets && starts(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

Outcome<std::string> read_local_id(const json::value& value) {
  auto text = read_text(value, kNcNameOctets);
  if (text && !is_nc_name(*text)) return bad_form("not an NCName");
  return text;
}

Outcome<LocalTokenId> read_assignment(const json::value& value) {
  LocalTokenId out;
  auto read = read_members(value, [&](std::string_view name, const json::value& member) -> Outcome<bool> {
    if (name == "lti") return put(out.local_id, read_local_id(member));
    if (name == "tkid") return put(out.token_id, read_scoped_id(member));
    return false;
  });
  if (!read) return refuse(std::move(read).error());
  if (out.local_id.empty()) return missing("lti");
  if (out.token_id.empty()) return missing("tkid");
  return out;
}

Outcome<DasInfo> read_das_info(const json::value& value, TimePoint now) {
  DasInfo out;
  auto read = read_members(value, [&](std::string_view name, const json::value& member) -> Outcome<bool> {
    if (name == "uri") return put(out.uri, read_das_uri(member));
    if (name == "dreq") return put(out.request, read_das_request(member, now));
    if (name == "sdr") return put(out.secured_request, read_jwt(member));
    return false;
  });
  if (!read) return refuse(std::move(read).error());
  if (out.uri.empty()) return missing("uri");
  return out;
}

/// {"<member>": list} and nothing else.
Outcome<const json::value*> only_member(const json::value& value, std::string_view name) {
  if (!value.is_object()) return bad_form("not an object");
  const auto* const found = value.get_object().if_contains(name);
  if (found == nullptr) return missing(name);
  if (value.get_object().size() != 1) return bad_form("holds more than " + std::string(name));
  return found;
}

}  // namespace

bool is_dyn_auth_jwt(std::string_view text) noexcept {
  if (text.size() > kJwtOctetsMax) return false;
  const auto dots = std::ranges::count(text, '.');
  if (dots != 2 && dots != 4) return false;
  for (std::ptrdiff_t part = 0; part <= dots; ++part) {
    const auto end = std::min(text.find('.'), text.size());
    const auto octets = text.substr(0, end);
    const bool may_be_empty = dots == 2 ? part == 2 : part == 1;
    if (octets.empty() && !may_be_empty) return false;
    if (!std::ranges::all_of(octets, [](char c) { return is_alnum(c) || c == '-' || c == '_'; }))
      return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

Outcome<DasRequest> read_das_request(const json::value& dreq, TimePoint now) {
  std::optional<EntityId> originator;
  std::optional<Operation> operation;
  std::optional<std::uint32_t> target_type;
  std::optional<std::array<std::uint8_t, 16>> ip;
  std::optional<OriginatorLocation> location;
  std::optional<TimePoint> request_time, proposed_end;
  std::optional<std::string> target;
  std::vector<std::string> roles, roles_from_acps, token_ids;
  auto read = read_members(dreq, [&](std::string_view name, const json::value& value) -> Outcome<bool> {
    if (name == "or") return put(originator, read_entity(value));
    if (name == "trt") return put(target_type, read_type(value));
    if (name == "op") return put(operation, read_operation(value));
    if (name == "oip") return put(ip, read_ip(value));
    if (name == "olo") return put(location, read_location(value));
    if (name == "orid") return put(roles, read_scoped_ids(value, kDasRolesMax));
    if (name == "rts") return put(request_time, read_abs_rel_timestamp(value, now));
    if (name == "trid") return put(target, read_address(value));
    if (name == "ppl") return put(proposed_end, read_abs_rel_timestamp(value, now));
    if (name == "rfa") return put(roles_from_acps, read_scoped_ids(value, kDasRolesMax));
    if (name == "tids") return put(token_ids, read_scoped_ids(value, kDasTokenIdsMax));
    if (name == "asi") return release_3();
    return false;
  });
  if (!read) return refuse(std::move(read).error());
  if (!originator) return missing("or");
  if (!operation) return missing("op");
  return DasRequest{.originator = std::move(*originator),
                    .target_type = target_type,
                    .operation = *operation,
                    .originator_ip = ip,
                    .originator_location = std::move(location),
                    .originator_roles = std::move(roles),
                    .request_time = request_time,
                    .target = std::move(target),
                    .proposed_end = proposed_end,
                    .roles_from_acps = std::move(roles_from_acps),
                    .token_ids = std::move(token_ids)};
}

json::object to_json(const DasRequest& request) {
  json::object out{{"or", to_string(request.originator)},
                   {"op", static_cast<std::uint8_t>(request.operation)}};
  if (request.target_type) out["trt"] = *request.target_type;
  if (request.originator_ip) out["oip"] = ip_json(*request.originator_ip);
  if (request.originator_location) out["olo"] = location_json(*request.originator_location);
  if (!request.originator_roles.empty()) out["orid"] = to_array(request.originator_roles);
  if (request.request_time) out["rts"] = timestamp_text(*request.request_time);
  if (request.target) out["trid"] = *request.target;
  if (request.proposed_end) out["ppl"] = timestamp_text(*request.proposed_end);
  if (!request.roles_from_acps.empty()) out["rfa"] = to_array(request.roles_from_acps);
  if (!request.token_ids.empty()) out["tids"] = to_array(request.token_ids);
  return out;
}

Outcome<DasResponse> read_das_response(const json::value& dres, TimePoint now) {
  DasResponse out;
  auto read = read_members(dres, [&](std::string_view name, const json::value& value) -> Outcome<bool> {
    if (name == "dai") return put(out.acp, read_acp_info(value, now));
    if (name == "tkns") return put(out.tokens, read_jwts(value));
    if (name == "asri") return release_3();
    return false;
  });
  if (!read) return refuse(std::move(read).error());
  return out;
}

json::object to_json(const DasResponse& response) {
  json::object out;
  if (response.acp) {
    json::object info;
    if (!response.acp->privileges.is_null()) info["gp"] = response.acp->privileges;
    if (response.acp->end) info["pl"] = timestamp_text(*response.acp->end);
    out["dai"] = std::move(info);
  }
  if (!response.tokens.empty()) out["tkns"] = to_array(response.tokens);
  return out;
}

Outcome<SecurityInfoType> security_info_type(const json::value& pc) {
  const auto info = unwrap(pc, kSecurityInfo);
  if (!info) return refuse(info.error());
  auto type = type_of(**info);
  if (!type) return refuse(named(kSecurityInfo, std::move(type).error()));
  return type;
}

Outcome<DasMessage> read_das_message(const json::value& pc, TimePoint now) {
  const auto info = unwrap(pc, kSecurityInfo);
  if (!info) return refuse(info.error());
  auto message = read_message(**info, now);
  if (!message) return refuse(named(kSecurityInfo, std::move(message).error()));
  return message;
}

namespace {

json::value security_info(SecurityInfoType type, std::string_view element, json::object message) {
  json::object info{{"sit", static_cast<std::uint8_t>(type)}};
  info[element] = std::move(message);
  json::object pc;
  pc[kSecurityInfo] = std::move(info);
  return pc;
}

}  // namespace

json::value to_security_info(const DasRequest& request) {
  return security_info(SecurityInfoType::das_request, "dreq", to_json(request));
}

json::value to_security_info(const DasResponse& response) {
  return security_info(SecurityInfoType::das_response, "dres", to_json(response));
}

Outcome<std::vector<DasInfo>> read_token_request_info(const json::value& tqf, TimePoint now) {
  const auto list = only_member(tqf, "dasi");
  if (!list) return refuse(list.error());
  auto read = read_list<DasInfo>(**list, kDasInfosMax,
                                 [&](const json::value& entry) { return read_das_info(entry, now); });
  if (!read) return refuse(below("dasi", std::move(read).error()));
  return read;
}

json::object to_token_request_info(const std::vector<DasInfo>& das) {
  json::array list;
  for (const auto& entry : das) {
    json::object info{{"uri", entry.uri}};
    if (entry.request) info["dreq"] = to_json(*entry.request);
    if (!entry.secured_request.empty()) info["sdr"] = entry.secured_request;
    list.emplace_back(std::move(info));
  }
  return {{"dasi", std::move(list)}};
}

json::value token_question(const DasInfo& das) {
  if (das.secured_request.empty()) return das.request ? to_security_info(*das.request) : json::value();
  json::object pc;
  pc[kTokenRequest] = json::object{{"sdr", das.secured_request}};
  return pc;
}

bool is_secured_token_request(const json::value& pc) noexcept {
  return pc.is_object() && pc.get_object().contains(kTokenRequest);
}

Outcome<std::string> read_secured_token_request(const json::value& pc) {
  const auto request = unwrap(pc, kTokenRequest);
  if (!request) return refuse(request.error());
  std::string secured;
  auto read = read_members(**request, [&](std::string_view name, const json::value& value) -> Outcome<bool> {
    if (name == "sdr") return put(secured, read_jwt(value));
    return false;
  });
  if (read && secured.empty()) read = missing("sdr");
  if (!read) return refuse(named(kTokenRequest, std::move(read).error()));
  return secured;
}

Outcome<std::vector<LocalTokenId>> read_local_token_ids(const json::value& ati) {
  const auto list = only_member(ati, "ltia");
  if (!list) return refuse(list.error());
  auto read = read_list<LocalTokenId>(**list, kLocalTokenIdsMax, read_assignment);
  if (!read) return refuse(below("ltia", std::move(read).error()));
  for (std::size_t k = 0; k < read->size(); ++k) {
    const auto same = [&](const auto& other) { return other.local_id == (*read)[k].local_id; };
    if (std::any_of(read->begin(), read->begin() + static_cast<std::ptrdiff_t>(k), same))
      return bad_form(".ltia[" + std::to_string(k) + "].lti: stands twice");
  }
  return read;
}

json::object to_local_token_ids(const std::vector<LocalTokenId>& assignments) {
  json::array list;
  for (const auto& entry : assignments)
    list.emplace_back(json::object{{"lti", entry.local_id}, {"tkid", entry.token_id}});
  return {{"ltia", std::move(list)}};
}

Outcome<TokenSummary> read_token_summary(const json::value& summary) {
  TokenSummary out;
  std::optional<TimePoint> not_before, not_after;
  auto read = read_members(summary, [&](std::string_view name, const json::value& value) -> Outcome<bool> {
    if (name == "tkid") return put(out.token_id, read_scoped_id(value));
    if (name == "tknb") return put(not_before, read_timestamp(value));
    if (name == "tkna") return put(not_after, read_timestamp(value));
    if (name == "tknm") return put(out.name, read_text(value, kNameOctets));
    if (name == "tkau") return put(out.audience, read_names(value, kAudienceMax, kIdOctets));
    return false;
  });
  if (!read) return refuse(std::move(read).error());
  if (out.token_id.empty()) return missing("tkid");
  if (!not_before) return missing("tknb");
  if (!not_after) return missing("tkna");
  out.not_before = *not_before;
  out.not_after = *not_after;
  return out;
}

json::object to_json(const TokenSummary& summary) {
  json::object out{{"tkid", summary.token_id},
                   {"tknb", format_timestamp(summary.not_before)},
                   {"tkna", format_timestamp(summary.not_after)}};
  if (summary.name) out["tknm"] = *summary.name;
  if (!summary.audience.empty()) out["tkau"] = to_array(summary.audience);
  return out;
}

Outcome<TokenGrant> read_token_grant(const json::value& pc) {
  const auto grant = unwrap(pc, kTokenGrant);
  if (!grant) return refuse(grant.error());
  TokenGrant out;
  auto read = read_members(**grant, [&](std::string_view name, const json::value& value) -> Outcome<bool> {
    if (name == "tks")
      return put(out.summaries, read_list<TokenSummary>(value, kDasTokensMax, read_token_summary));
    if (name == "tkns") return put(out.tokens, read_jwts(value));
    return false;
  });
  if (read && out.summaries.empty()) read = missing("tks");
  if (read && !out.tokens.empty() && out.tokens.size() != out.summaries.size())
    read = bad_form(".tkns: not as many as tks");
  if (!read) return refuse(named(kTokenGrant, std::move(read).error()));
  return out;
}

json::value to_content(const TokenGrant& grant) {
  json::array summaries;
  for (const auto& summary : grant.summaries) summaries.emplace_back(to_json(summary));
  json::object out{{"tks", std::move(summaries)}};
  if (!grant.tokens.empty()) out["tkns"] = to_array(grant.tokens);
  json::object pc;
  pc[kTokenGrant] = std::move(out);
  return pc;
}

}  // namespace latchkey::codec
