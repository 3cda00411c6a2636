#include "explain.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "latchkey/base/time.h"

namespace latchkey::app {

namespace {

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<authz::IpAddress> address(const std::string& text) {
  authz::IpAddress ip{};
  if (::inet_pton(AF_INET6, text.c_str(), ip.data()) == 1) return ip;
  ip[10] = ip[11] = 0xff;
  return ::inet_pton(AF_INET, text.c_str(), ip.data() + 12) == 1 ? std::optional(ip) : std::nullopt;
}

std::optional<std::pair<double, double>> coordinates(std::string_view text) {
  const auto comma = text.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const auto latitude = number<double>(text.substr(0, comma)),
             longitude = number<double>(text.substr(comma + 1));
  if (!latitude || !longitude || !(std::abs(*latitude) <= 90) || !(std::abs(*longitude) <= 180))
    return std::nullopt;
  return std::pair(*latitude, *longitude);
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

authz::Location& location_of(cse::Hypothetical& out) {
  return out.location ? *out.location : out.location.emplace();
}

/// False: the value cannot be read, or there is no such field.
bool take(cse::Hypothetical& out, const std::string& name, const std::string& value) {
  if (name == "originator") return (out.originator = value, true);
  if (name == "operation") return (out.operation = value, true);
  if (name == "target") return (out.target = value, true);
  if (name == "ty") return (out.child_type = number<std::uint32_t>(value)).has_value();
  if (name == "ip") return (out.ip = address(value)).has_value();
  if (name == "roles") return (out.roles = split(value), true);
  if (name == "token") return (out.tokens = {value}, true);
  if (name == "country") return (location_of(out).country = value, value.size() == 2);
  if (name == "at") return (location_of(out).coordinates = coordinates(value)).has_value();
  if (name == "authenticated") {
    out.authenticated = value == "true";
    return value == "true" || value == "false";
  }
  if (name != "time") return false;
  const auto time = parse_timestamp(value);
  if (time) out.time = *time;
  return time.has_value();
}

}  // namespace

bind::AdminResponse explain(const cse::Cse& cse, const bind::AdminRequest& request) {
  cse::Hypothetical question;
  for (const auto& [name, value] : request.query) {
    if (!take(question, name, value)) return {.status = 400, .body = name + ": cannot be read\n"};
  }
  return {.body = cse.explain(question) + "\n"};
}

}  // namespace latchkey::app
