#include "authorization_members.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>

namespace latchkey::codec {

namespace {

using Ip = std::array<std::uint8_t, 16>;

constexpr std::uint64_t kTypeMax = 65'535;
constexpr double kRadiusMax = 20'037'509;  // metres: half the circumference of the Earth
constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

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

}  // namespace

Outcome<const json::object*> unwrap(const json::value& pc, std::string_view element) {
  const bool one = pc.is_object() && pc.get_object().size() == 1;
  const auto* const found = one ? pc.get_object().if_contains(element) : nullptr;
  if (found == nullptr || !found->is_object()) return refuse(named(element, {Rsc::bad_request, "missing"}));
  return &found->get_object();
}

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

}  // namespace latchkey::codec
