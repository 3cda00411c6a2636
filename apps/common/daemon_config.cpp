#include "daemon_config.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace latchkey::daemon {

namespace {

constexpr std::array<std::pair<std::string_view, bind::ListenerKind>, 4> kKinds{
    {{"secure", bind::ListenerKind::secure},
     {"plain", bind::ListenerKind::plain},
     {"trusted-unix", bind::ListenerKind::trusted_unix},
     {"trusted-tcp", bind::ListenerKind::trusted_tcp}}};

bool is_loopback(std::string_view address) { return address == "::1" || address.starts_with("127."); }

ListenConfig read_listener(ConfigReader& in) {
  ListenConfig out;
  auto& options = out.options;
  options.name = in.required_text("name");
  const auto kind = in.text("kind", "secure");
  const auto known = std::ranges::find(kKinds, std::string_view(kind),
                                       &std::pair<std::string_view, bind::ListenerKind>::first);
  if (known == kKinds.end())
    in.problem("kind", "must be secure, plain, trusted-unix or trusted-tcp");
  else
    options.kind = known->second;
  const bool unix_socket = options.kind == bind::ListenerKind::trusted_unix;
  options.address = unix_socket ? in.path("path", "") : in.text("address", "0.0.0.0");
  if (unix_socket && options.address.empty()) in.problem("path", "is missing");
  if (!unix_socket) options.port = static_cast<std::uint16_t>(in.integer("port", 0, 0, 65535));
  options.path_prefix = in.text("path_prefix", "");
  const bool insecure = in.boolean("insecure", false);
  if (options.kind == bind::ListenerKind::plain && !is_loopback(options.address) && !insecure)
    in.problem("address", "a listener without TLS must be on loopback, or say insecure = true");
  if (options.kind == bind::ListenerKind::trusted_tcp) {
    if (!is_loopback(options.address)) in.problem("address", "a trusted listener must be on loopback");
    options.hosts = in.texts("hosts");
    if (options.hosts.empty()) in.problem("hosts", "an exact list of Host values is needed");
  }
  if (unix_socket)
    for (const auto& uid : in.texts("uids")) {
      std::uint32_t value = 0;
      const auto [end, error] = std::from_chars(uid.data(), uid.data() + uid.size(), value);
      if (error != std::errc{} || end != uid.data() + uid.size())
        in.problem("uids", "'" + uid + "' is no user id");
      else
        options.uids.push_back(value);
    }
  if (unix_socket || options.kind == bind::ListenerKind::trusted_tcp) {
    out.originators = in.texts("originators");
    if (out.originators.empty()) in.problem("originators", "a trusted listener must list whom it may carry");
  }
  return out;
}

void read_tls(ConfigReader& in, TlsConfig& out) {
  out.certificate = in.path("certificate", "");
  out.private_key = in.text("private_key", "");
  if (out.certificate.empty() != out.private_key.empty())
    in.problem("private_key", "certificate and private_key go together");
  for (auto& trust : in.tables("trust")) {
    TrustConfig one;
    one.file = trust.path("file", "");
    if (one.file.empty()) trust.problem("file", "is missing");
    one.options.annex_b_certificates = trust.boolean("annex_b_certificates", false);
    one.options.require_name_constraints = trust.boolean("require_name_constraints", true);
    out.trust.push_back(std::move(one));
  }
  for (const auto& crl : in.texts("crls")) out.crls.push_back(crl);
  if (in.has("suites")) {
    out.server.suites.suites.clear();
    for (const auto& text : in.texts("suites")) {
      std::uint16_t suite = 0;
      const auto [end, error] = std::from_chars(text.data() + (text.starts_with("0x") ? 2 : 0),
                                                text.data() + text.size(), suite, 16);
      if (error != std::errc{} || end != text.data() + text.size() || tls::suite_name(suite).empty())
        in.problem("suites", "'" + text + "' is no known suite such as 0xc023");
      else
        out.server.suites.suites.push_back(suite);
    }
  }
  out.server.psk_reveal_unknown = in.boolean("psk_reveal_unknown", false);
  out.server.limits.handshake_time = in.duration("handshake_time", out.server.limits.handshake_time);
}

template <class T>
std::optional<T> parsed(ConfigReader& reader, std::string_view key, Result<T> result) {
  if (result) return std::move(*result);
  reader.problem(key, result.error().detail);
  return std::nullopt;
}

}  // namespace

DaemonConfig read_common(ConfigReader& reader) {
  DaemonConfig out;
  if (auto state = reader.table("state")) {
    out.state_dir = state->path("dir", "");
    if (out.state_dir.empty()) state->problem("dir", "is missing");
    out.secure_environment.folder = out.state_dir;
    out.secure_environment.kek_file = state->path("kek_file", "");
    out.secure_environment.passphrase_file = state->path("passphrase_file", "");
    out.secure_environment.credential_name = state->text("kek_credential", "");
    const int sources = !out.secure_environment.kek_file.empty() +
                        !out.secure_environment.passphrase_file.empty() +
                        !out.secure_environment.credential_name.empty();
    if (sources != 1)
      state->problem("kek_file", "exactly one of kek_file, passphrase_file and kek_credential is needed");
    out.decision_log = state->path("decision_log", "");
  } else {
    reader.problem("state", "the section is missing");
  }
  if (auto section = reader.table("tls")) read_tls(*section, out.tls);
  for (auto& listener : reader.tables("listen")) out.listeners.push_back(read_listener(listener));
  if (out.listeners.empty()) reader.problem("listen", "at least one [[listen]] is needed");
  if (auto limits = reader.table("limits")) {
    auto size = [&](std::string_view key, std::size_t& value, std::int64_t most) {
      value = static_cast<std::size_t>(limits->integer(key, static_cast<std::int64_t>(value), 1, most));
    };
    size("connections", out.http.connections, 1'000'000);
    size("handshakes", out.http.handshakes, 1'000'000);
    size("handshakes_per_source", out.http.handshakes_per_source, 1'000'000);
    size("requests_in_flight", out.http.requests_in_flight, 1'000'000);
    size("primitive_octets", out.http.primitive.octets, 64 << 20);
    out.http.header_time = limits->duration("header_time", out.http.header_time);
    out.http.body_time = limits->duration("body_time", out.http.body_time);
    out.http.idle_time = limits->duration("idle_time", out.http.idle_time);
  }
  if (auto admin = reader.table("admin")) {
    bind::AdminOptions options;
    options.unix_path = admin->path("path", "");
    options.address = admin->text("address", "");
    options.port = static_cast<std::uint16_t>(admin->integer("port", 0, 0, 65535));
    options.hosts = admin->texts("hosts");
    if (options.unix_path.empty() == options.address.empty())
      admin->problem("path", "either path (unix socket) or address is needed");
    if (!options.address.empty() && !is_loopback(options.address))
      admin->problem("address", "the admin listener must be on loopback");
    out.admin = std::move(options);
  }
  if (auto log = reader.table("log")) {
    out.log_debug = log->boolean("debug", false);
    out.log_json = log->boolean("json", false);
  }
  return out;
}

std::optional<SpId> read_sp_id(ConfigReader& reader, std::string_view key) {
  const auto text = reader.required_text(key);
  if (text.empty()) return std::nullopt;
  return parsed(reader, key, SpId::parse(text));
}

std::optional<Fqdn> read_fqdn(ConfigReader& reader, std::string_view key) {
  const auto text = reader.required_text(key);
  if (text.empty()) return std::nullopt;
  return parsed(reader, key, Fqdn::parse(text));
}

std::optional<CseId> read_cse_id(ConfigReader& reader, std::string_view key, const SpId& home,
                                 bool required) {
  const auto text = required ? reader.required_text(key) : reader.text(key, "");
  if (text.empty()) return std::nullopt;
  return parsed(reader, key, CseId::parse(text, home));
}

std::optional<AeId> read_ae_id(ConfigReader& reader, std::string_view key, const SpId& home) {
  const auto text = reader.text(key, "");
  if (text.empty()) return std::nullopt;
  return parsed(reader, key, AeId::parse(text, home));
}

std::vector<EntityId> read_entities(ConfigReader& reader, std::string_view key, const SpId& home) {
  std::vector<EntityId> out;
  for (const auto& text : reader.texts(key))
    if (auto id = parsed(reader, key, parse_entity_id(text, home))) out.push_back(std::move(*id));
  return out;
}

}  // namespace latchkey::daemon
