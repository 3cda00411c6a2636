#include "location_config.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace latchkey::app {

namespace {

bool is_loopback(std::string_view address) { return address == "::1" || address.starts_with("127."); }

std::chrono::seconds read_seconds(ConfigReader& in, std::string_view key, std::chrono::seconds fallback) {
  const auto time = std::chrono::duration_cast<std::chrono::seconds>(in.duration(key, fallback));
  if (time.count() < 1) in.problem(key, "must be at least 1s");
  return time;
}

/// Scheme, host and port of the URL, against what is said of the connection.
void read_server(ConfigReader& in, LocationConfig& out) {
  const auto url = in.text("url", "");
  if (url.empty()) return;
  const bool secure = url.starts_with("https://");
  if (!secure && !url.starts_with("http://")) return in.problem("url", "must begin with https:// or http://");
  const auto begin = url.find("//") + 2;
  out.host = url.substr(begin, url.find('/', begin) - begin);
  const auto name = out.host.substr(0, out.host.find(':'));
  out.address = in.text("address", name);
  out.port = static_cast<std::uint16_t>(in.integer("port", secure ? 443 : 80, 1, 65535));
  if (secure) {
    auto fqdn = Fqdn::parse(name);
    if (!fqdn) return in.problem("url", "its host must be an FQDN, which the server's certificate names");
    out.server_name = *std::move(fqdn);
  } else if (!is_loopback(out.address)) {
    return in.problem("url", "http:// is for a server on loopback only");
  }
  out.server.url = url;
  while (out.server.url.ends_with('/')) out.server.url.pop_back();
  out.server.timeout = in.duration("timeout", out.server.timeout);
  out.server.accuracy = static_cast<double>(in.integer("accuracy", 500, 1, 100'000));
  out.server.watch_time = read_seconds(in, "watch_time", out.server.watch_time);
  out.server.watch_frequency = read_seconds(in, "watch_frequency", out.server.watch_frequency);
}

void read_callback(ConfigReader& in, LocationConfig& out) {
  out.server.notify_url = in.text("notify_url", "");
  out.notify_address = in.text("notify_address", "");
  out.notify_port = static_cast<std::uint16_t>(in.integer("notify_port", 0, 0, 65535));
  const bool all = !out.server.notify_url.empty() && !out.notify_address.empty() && out.notify_port != 0;
  const bool none = out.server.notify_url.empty() && out.notify_address.empty() && out.notify_port == 0;
  if (!all && !none) in.problem("notify_url", "notify_url, notify_address and notify_port go together");
  if (all && out.server.url.empty()) in.problem("notify_url", "without url nobody calls back");
  if (all && !out.server_name && !is_loopback(out.notify_address))
    in.problem("notify_address", "must be on loopback, as the location server is");
}

std::optional<double> number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void read_country(ConfigReader& in, LocationConfig& out) {
  const auto code = in.required_text("code");
  if (code.size() != 2 || !std::ranges::all_of(code, [](char c) { return c >= 'A' && c <= 'Z'; }))
    in.problem("code", "must be two capital letters (ISO 3166-1)");
  const auto area = in.texts("area");
  constexpr std::array kMost{90.0, 180.0, 20'037'509.0};
  std::array<double, 3> values{};
  bool whole = area.size() == values.size();
  for (std::size_t i = 0; whole && i < values.size(); ++i) {
    const auto value = number(area[i]);
    whole = value && *value >= (i == 2 ? 0 : -kMost[i]) && *value <= kMost[i];
    values[i] = value.value_or(0);
  }
  if (!whole) return in.problem("area", "must be [latitude, longitude, radius in metres] as texts");
  out.options.countries.push_back({code, {values[0], values[1], values[2]}});
}

void read_terminal(ConfigReader& in, const SpId& home, LocationConfig& out) {
  const auto entity = in.required_text("entity");
  const auto address = in.required_text("address");
  if (entity.empty() || address.empty()) return;
  const auto id = parse_entity_id(entity, home);
  if (!id) return in.problem("entity", id.error().detail);
  if (!out.options.terminals.emplace(to_string(*id), address).second) in.problem("entity", "is named twice");
}

}  // namespace

LocationConfig read_location(ConfigReader& in, const SpId& home) {
  LocationConfig out;
  out.countries = in.path("countries", "");
  read_server(in, out);
  read_callback(in, out);
  out.options.age_max = read_seconds(in, "age_limit", out.options.age_max);
  out.options.retry = read_seconds(in, "retry", out.options.retry);
  out.options.originators_max = static_cast<std::size_t>(in.integer("originators", 10'000, 1, 1'000'000));
  out.options.questions_max = static_cast<std::size_t>(in.integer("questions", 64, 1, 10'000));
  out.options.policies_per_originator = static_cast<std::size_t>(in.integer("policies", 10, 0, 10'000));
  for (auto& country : in.tables("country")) read_country(country, out);
  for (auto& terminal : in.tables("terminal")) read_terminal(terminal, home, out);
  return out;
}

}  // namespace latchkey::app
