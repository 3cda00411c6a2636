#include "latchkey/codec/dynamic_authorization.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>

#include "json_reader.h"
#include "latchkey/codec/formats.h"
#include "text.h"

namespace latchkey::codec {
namespace {

constexpr std::size_t kIdOctets = 1024, kAddressOctets = 2048, kNameOctets = 256, kNcNameOctets = 64;
constexpr std::size_t kAudienceMax = 256;
constexpr std::uint64_t kTypeMax = 65'535;
constexpr double kRadiusMax = 20'037'509;  // metres: half the circumference of the Earth
constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/// Refusals of a nested reader stand behind a dot: ".orid[1]: ...".
Refusal below(std::string_view name, Refusal refusal) {
  return named("." + std::string(name), std::move(refusal));
}

/// Calls `read(name, value)` for each member; it answers whether it knows the name.
template <class Read>
Outcome<void> read_members(const json::value& value, Read read) {
  if (!value.is_object()) return bad_form("not an object");
  for (const auto& entry : value.get_object()) {
    const std::string_view name = entry.key();
    Outcome<bool> known = read(name, entry.value());
    if (known && !*known) known = bad_form("unknown member");
    if (!known) return refuse(below(shown(name), std::move(known).error()));
  }
  return {};
}

/// For use inside read_members.
template <class T, class U>
Outcome<bool> put(T& target, Outcome<U> read) {
  if (auto done = assign(target, std::move(read)); !done) return refuse(std::move(done).error());
  return true;
}

Outcome<bool> release_3() { return refuse(Rsc::not_implemented, "a Release 3 member, not offered"); }

tl::unexpected<Refusal> missing(std::string_view name) {
  return refuse(below(name, {Rsc::bad_request, "missing"}));
}

template <class T, class Read>
Outcome<std::vector<T>> read_list(const json::value& value, std::size_t most, Read read) {
  if (!value.is_array()) return bad_form("not an array");
  const auto& array = value.get_array();
  if (array.empty()) return bad_form("empty");
  if (array.size() > most) return bad_form("more than " + std::to_string(most) + " entries");
  std::vector<T> out;
  out.reserve(array.size());
  for (std::size_t k = 0; k < array.size(); ++k) {
    auto entry = read(array[k]);
    if (!entry) return refuse(named("[" + std::to_string(k) + "]", std::move(entry).error()));
    out.push_back(std::move(*entry));
  }
  return out;
}

/// Absolute, and written exactly as this software writes it: equal ids are equal texts (docs/decisions/0010).
Outcome<EntityId> read_entity(const json::value& value) {
  constexpr auto kForm = "not an absolute CSE-ID or AE-ID";
  const auto text = read_name(value, kIdOctets);
  if (!text) return refuse(text.error());
  if (!text->starts_with("//")) return bad_form(kForm);
  const auto sp = SpId::parse(std::string_view(*text).substr(0, text->find('/', 2)));
  auto id = sp ? parse_entity_id(*text, *sp) : Result<EntityId>(fail(sp.error()));
  const bool kind = id && (std::holds_alternative<CseId>(*id) || std::holds_alternative<AeId>(*id));
  if (!kind || to_string(*id) != *text) return bad_form(kForm);
  return std::move(*id);
}

/// m2m:roleID, m2m:tokenID.
Outcome<std::string> read_scoped_id(const json::value& value) {
  auto text = read_name(value, kIdOctets);
  if (text && !KeyId::parse(*text)) return bad_form("not of the form id@FQDN");
  return text;
}

Outcome<std::vector<std::string>> read_scoped_ids(const json::value& value, std::size_t most) {
  return read_list<std::string>(value, most, read_scoped_id);
}

Outcome<std::string> read_jwt(const json::value& value) {
  if (!value.is_string() || !is_dyn_auth_jwt(view(value.get_string())))
    return bad_form("not a compact JWS or JWE of at most " + std::to_string(kJwtOctetsMax) + " octets");
  return std::string(view(value.get_string()));
}

Outcome<std::vector<std::string>> read_jwts(const json::value& value) {
  return read_list<std::string>(value, kDasTokensMax, read_jwt);
}

Outcome<std::string> read_address(const json::value& value) {
  auto text = read_name(value, kAddressOctets);
  if (text && !ResourceAddress::parse(*text)) return bad_form("not a resource address");
  return text;
}

Outcome<Operation> read_operation(const json::value& value) {
  const auto number = read_integer(value, 1, 5);
  if (!number) return refuse(number.error());
  return static_cast<Operation>(*number);
}

Outcome<std::uint32_t> read_type(const json::value& value) {
  const auto number = read_integer(value, 1, kTypeMax);
  if (!number) return refuse(number.error());
  return static_cast<std::uint32_t>(*number);
}

// ---- originatorIP, originatorLocation

using Ip = std::array<std::uint8_t, 16>;

Outcome<Ip> read_ip_text(const json::value& value, bool v4) {
  const auto text = read_name(value, INET6_ADDRSTRLEN);
  if (!text) return refuse(text.error());
  Ip out{};
  if (v4) std::ranges::copy(kMapped, out.begin());
  auto* const at = out.data() + (v4 ? kMapped.size() : 0);
  if (inet_pton(v4 ? AF_INET : AF_INET6, text->c_str(), at) != 1)
    return bad_form(v4 ? "not an IPv4 address" : "not an IPv6 address");
  return out;
}

Outcome<Ip> read_ip(const json::value& value) {
  if (!value.is_object() || value.get_object().size() != 1) return bad_form("not exactly one of ip4 and ip6");
  const auto& entry = *value.get_object().begin();
  const std::string_view name = entry.key();
  if (name != "ip4" && name != "ip6") return bad_form("not exactly one of ip4 and ip6");
  auto ip = read_ip_text(entry.value(), name == "ip4");
  if (!ip) return refuse(below(name, std::move(ip).error()));
  return ip;
}

json::object ip_json(const Ip& ip) {
  const bool v4 = std::equal(kMapped.begin(), kMapped.end(), ip.begin());
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v4 ? AF_INET : AF_INET6, ip.data() + (v4 ? kMapped.size() : 0), text.data(), text.size());
  return {{v4 ? "ip4" : "ip6", text.data()}};
}

Outcome<double> read_real(const json::value& value, double least, double most) {
  double out = std::nan("");
  if (value.is_double()) out = value.get_double();
  if (value.is_int64()) out = static_cast<double>(value.get_int64());
  if (value.is_uint64()) out = static_cast<double>(value.get_uint64());
  if (!(out >= least && out <= most)) return bad_form("not a number in range");
  return out;
}

Outcome<std::string> read_country(const json::value& value) {
  if (!value.is_array() || value.get_array().size() != 1) return bad_form("not a list of one country");
  auto text = read_text(value.get_array().front(), 2);
  if (!text || text->size() != 2 || !std::ranges::all_of(*text, [](char c) { return c >= 'A' && c <= 'Z'; }))
    return bad_form("not an ISO 3166-1 code of two capital letters");
  return text;
}

Outcome<std::array<double, 3>> read_circle(const json::value& value) {
  if (!value.is_array() || value.get_array().size() != 3)
    return bad_form("not the three numbers latitude, longitude, radius");
  constexpr std::array<std::pair<double, double>, 3> kRanges{{{-90, 90}, {-180, 180}, {0, kRadiusMax}}};
  std::array<double, 3> out{};
  for (std::size_t k = 0; k < 3; ++k) {
    const auto number = read_real(value.get_array()[k], kRanges[k].first, kRanges[k].second);
    if (!number) return refuse(named("[" + std::to_string(k) + "]", number.error()));
    out[k] = *number;
  }
  return out;
}

Outcome<OriginatorLocation> read_location(const json::value& value) {
  OriginatorLocation out;
  auto read = read_members(value, [&](std::string_view name, const json::value& member) -> Outcome<bool> {
    if (name == "accc") return put(out.country, read_country(member));
    if (name == "accr") return put(out.circle, read_circle(member));
    return false;
  });
  if (!read) return refuse(std::move(read).error());
  if (out.country.has_value() == out.circle.has_value()) return bad_form("not exactly one of accc and accr");
  return out;
}

json::object location_json(const OriginatorLocation& location) {
  if (location.country) return {{"accc", json::array{*location.country}}};
  const auto circle = location.circle.value_or(std::array<double, 3>{});
  return {{"accr", json::array{circle[0], circle[1], circle[2]}}};
}

// ---- dasResponse

/// The rules themselves are compiled and judged by the authorization library.
Outcome<json::value> read_privileges(const json::value& value) {
  if (!value.is_object()) return bad_form("not an object");
  const auto& object = value.get_object();
  const auto* const rules = object.if_contains("acr");
  if (rules == nullptr) return bad_form(".acr: missing");
  if (object.size() != 1) return bad_form("holds more than acr");
  if (!rules->is_array()) return bad_form(".acr: not an array");
  if (rules->get_array().size() > kGrantedRulesMax)
    return bad_form(".acr: more than " + std::to_string(kGrantedRulesMax) + " entries");
  if (!std::ranges::all_of(rules->get_array(), [](const auto& rule) { return rule.is_object(); }))
    return bad_form(".acr: holds what is not an object");
  return value;
}

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

/// The one member of pc, an object; the refusal names it.
Outcome<const json::object*> unwrap(const json::value& pc, std::string_view element) {
  const bool one = pc.is_object() && pc.get_object().size() == 1;
  const auto* const found = one ? pc.get_object().if_contains(element) : nullptr;
  if (found == nullptr || !found->is_object()) return refuse(named(element, {Rsc::bad_request, "missing"}));
  return &found->get_object();
}

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
  std::optional<Ip> ip;
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
