#include "latchkey/client/configuration.h"

#include <algorithm>
#include <array>

#include "mmaf_reading.h"

namespace latchkey::client {

namespace {

constexpr std::size_t kTextMax = 64U << 10U;
constexpr std::string_view kHttpPort = mmaf::kHttpPort, kCoapPort = mmaf::kCoapPort,
                           kWebsocketPort = mmaf::kWebsocketPort;

Result<json::value> parsed(std::string_view given) {
  auto value = codec::parse_json(given, {.octets = kTextMax});
  if (!value) return fail(ErrorCode::invalid_argument, value.error().detail);
  return std::move(*value);
}

Result<json::object> object_with(json::value value, std::span<const std::string_view> known) {
  if (!value.is_object()) return fail(ErrorCode::invalid_argument, "not an object");
  for (const auto& member : value.get_object())
    if (std::ranges::find(known, std::string_view(member.key())) == known.end())
      return fail(ErrorCode::invalid_argument, std::string(member.key()) + ": unknown");
  return std::move(value.get_object());
}

Result<Fqdn> fqdn_of(const json::object& object, std::string_view name) {
  auto fqdn = Fqdn::parse(text(object, name));
  if (!fqdn) return fail(std::string(name), fqdn.error());
  return fqdn;
}

/// 12.4.2 types a port as unsignedByte, which holds none: 16 bits it is.
Status read_port(std::optional<std::uint16_t>& port, const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) return {};
  if (!value->is_int64() || value->get_int64() < 1 || value->get_int64() > 65'535)
    return fail(ErrorCode::invalid_argument, std::string(name) + ": not a port number");
  port = static_cast<std::uint16_t>(value->get_int64());
  return {};
}

template <class Configuration>
Status read_common(Configuration& out, const json::object& object, TimePoint now) {
  if (object.contains("et")) {
    const auto expires = future_expiry(object, now);
    if (!expires) return fail(expires.error());
    out.expires = *expires;
  }
  auto labels = labels_of(object);
  if (!labels) return fail(labels.error());
  if (*labels) out.labels = std::move(**labels);
  return {};
}

Result<MafKeyRegistrationConfiguration> key_configuration_of(json::value value, const SpId& home,
                                                             TimePoint now) {
  constexpr std::array<std::string_view, 5> kKnown{"et", "lbl", mmaf::kAdminFqdn, mmaf::kSuid,
                                                   mmaf::kTargets};
  const auto object = object_with(std::move(value), kKnown);
  if (!object) return fail(object.error());
  auto admin = fqdn_of(*object, mmaf::kAdminFqdn);
  if (!admin) return fail(admin.error());
  const auto suid = suid_of(*object);
  if (!suid) return fail(suid.error());
  auto targets = targets_of(*object, home);
  if (!targets) return fail(targets.error());
  MafKeyRegistrationConfiguration out{
      .expires = {}, .labels = {}, .admin = std::move(*admin), .suid = *suid, .targets = std::move(*targets)};
  if (auto common = read_common(out, *object, now); !common) return fail(common.error());
  return out;
}

}  // namespace

Result<MafClientRegistrationConfiguration> parse_client_registration_configuration(std::string_view given,
                                                                                   TimePoint now) {
  constexpr std::array<std::string_view, 7> kKnown{"et",      "lbl",     mmaf::kFqdn,   mmaf::kAdminFqdn,
                                                   kHttpPort, kCoapPort, kWebsocketPort};
  auto value = parsed(given);
  if (!value) return fail(value.error());
  const auto object = object_with(std::move(*value), kKnown);
  if (!object) return fail(object.error());
  auto maf = fqdn_of(*object, mmaf::kFqdn);
  if (!maf) return fail(maf.error());
  auto admin = fqdn_of(*object, mmaf::kAdminFqdn);
  if (!admin) return fail(admin.error());
  MafClientRegistrationConfiguration out{.expires = {},
                                         .labels = {},
                                         .maf = std::move(*maf),
                                         .admin = std::move(*admin),
                                         .http_port = {},
                                         .coap_port = {},
                                         .websocket_port = {}};
  if (auto common = read_common(out, *object, now); !common) return fail(common.error());
  for (const auto& [name, port] : {std::pair(kHttpPort, &out.http_port), std::pair(kCoapPort, &out.coap_port),
                                   std::pair(kWebsocketPort, &out.websocket_port)})
    if (auto read = read_port(*port, *object, name); !read) return fail(read.error());
  return out;
}

Result<MafKeyRegistrationConfiguration> parse_key_registration_configuration(std::string_view given,
                                                                             const SpId& home,
                                                                             TimePoint now) {
  auto value = parsed(given);
  if (!value) return fail(value.error());
  return key_configuration_of(std::move(*value), home, now);
}

void apply(const MafClientRegistrationConfiguration& configuration, MafClientOptions& options) {
  options.maf = configuration.maf;
  options.peer.host = configuration.maf.text();
  if (configuration.http_port) options.peer.port = *configuration.http_port;
}

Result<MafKeyRegistrationConfiguration> key_registration_configuration(std::string_view client_configuration,
                                                                       const Fqdn& admin, Suid suid,
                                                                       const SpId& home, TimePoint now) {
  auto value = parsed(client_configuration);
  if (!value) return fail(value.error());
  auto* found =
      value->is_object() ? value->get_object().if_contains(mmaf::kKeyRegistrationConfiguration) : nullptr;
  if (found == nullptr) return fail(ErrorCode::not_found, "no key registration configuration");
  const auto list = found->is_array() ? std::move(found->get_array()) : json::array{std::move(*found)};
  for (const auto& entry : list) {
    auto configuration = key_configuration_of(entry, home, now);
    if (!configuration) return fail(std::string(mmaf::kKeyRegistrationConfiguration), configuration.error());
    if (configuration->admin == admin && configuration->suid == suid) return configuration;
  }
  return fail(ErrorCode::not_found, "no key registration configuration for this stakeholder and SUID");
}

}  // namespace latchkey::client
