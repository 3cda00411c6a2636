#include "daemon_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

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

/// A limit of zero would end everything at once.
std::chrono::milliseconds read_time(ConfigReader& in, std::string_view key,
                                    std::chrono::milliseconds fallback) {
  const auto value = in.duration(key, fallback);
  if (value > std::chrono::milliseconds(0)) return value;
  in.problem(key, "must be more than 0");
  return fallback;
}

bool is_inside(const std::string& file, const std::string& folder) {
  std::error_code error;
  const auto inner = std::filesystem::weakly_canonical(file, error);
  const auto outer = std::filesystem::weakly_canonical(folder, error);
  if (error || outer.empty()) return false;  // opening it says why
  const auto step = inner.lexically_relative(outer);
  return !step.empty() && *step.begin() != "..";
}

std::optional<std::uint16_t> suite_of(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  std::uint16_t suite = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), suite, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (tls::suite_name(suite) == "unknown") return std::nullopt;
  return suite;
}

void read_suites(ConfigReader& in, std::vector<std::uint16_t>& out) {
  out.clear();
  const auto texts = in.texts("suites");
  if (texts.empty()) in.problem("suites", "must name at least one suite");
  for (const auto& text : texts) {
    const auto suite = suite_of(text);
    if (!suite)
      in.problem("suites", "'" + text + "' is no known suite such as 0xc023");
    else if (std::ranges::find(out, *suite) != out.end())
      in.problem("suites", "'" + text + "' is named twice");
    else
      out.push_back(*suite);
  }
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
  out.crls = in.paths("crls");
  if (in.has("suites")) read_suites(in, out.server.suites.suites);
  out.server.psk_reveal_unknown = in.boolean("psk_reveal_unknown", false);
  out.server.limits.handshake_time = read_time(in, "handshake_time", out.server.limits.handshake_time);
}

void read_state(ConfigReader& in, DaemonConfig& out) {
  auto& environment = out.secure_environment;
  out.state_dir = in.path("dir", "");
  if (out.state_dir.empty()) in.problem("dir", "is missing");
  environment.folder = out.state_dir;
  environment.kek_file = in.path("kek_file", "");
  environment.passphrase_file = in.path("passphrase_file", "");
  environment.credential_name = in.text("kek_credential", "");
  const int sources = !environment.kek_file.empty() + !environment.passphrase_file.empty() +
                      !environment.credential_name.empty();
  if (sources != 1)
    in.problem("kek_file", "exactly one of kek_file, passphrase_file and kek_credential is needed");
  // Who gets the folder, from a backup say, must not get the key to it.
  for (const auto& [key, file] : {std::pair("kek_file", environment.kek_file),
                                  std::pair("passphrase_file", environment.passphrase_file)})
    if (!file.empty() && is_inside(file, out.state_dir)) in.problem(key, "must be outside of state.dir");
  out.decision_log = in.path("decision_log", "");
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
    read_state(*state, out);
  } else {
    reader.problem("state", "the section is missing");
  }
  if (auto section = reader.table("tls")) read_tls(*section, out.tls);
  out.http.handshake_time = out.tls.server.limits.handshake_time;  // the server owns the sockets
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
    out.http.header_time = read_time(*limits, "header_time", out.http.header_time);
    out.http.body_time = read_time(*limits, "body_time", out.http.body_time);
    out.http.idle_time = read_time(*limits, "idle_time", out.http.idle_time);
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
