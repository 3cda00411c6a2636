#pragma once
/// The sections that every daemon's configuration has. Safe defaults; secrets by file reference; unknown keys
/// are errors.
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "latchkey/base/config.h"
#include "latchkey/base/ids.h"
#include "latchkey/bind/admin_server.h"
#include "latchkey/bind/http_server.h"
#include "latchkey/secure_env/software.h"
#include "latchkey/tls/endpoint.h"

namespace latchkey::daemon {

/// [[listen]]
struct ListenConfig {
  bind::ListenerOptions options;
  std::vector<std::string> originators;  ///< trusted listeners: whom it may carry
};

/// [[tls.trust]]: one file of trust anchors and how strictly chains to them are judged.
struct TrustConfig {
  std::string file;
  pki::TrustOptions options;
};

/// [tls]
struct TlsConfig {
  std::string certificate;  ///< PEM, leaf first; empty: PSK only
  std::string private_key;  ///< handle in the Secure Environment
  std::vector<TrustConfig> trust;
  std::vector<std::string> crls;  ///< files
  tls::ServerOptions server;
};

struct DaemonConfig {
  std::string state_dir;  ///< 0700; encrypted keys, database, PSK table
  secure_env::SoftwareOptions secure_environment;
  TlsConfig tls;
  std::vector<ListenConfig> listeners;
  bind::HttpLimits http;
  std::optional<bind::AdminOptions> admin;
  std::string decision_log;  ///< file; empty: memory only
  bool log_debug = false, log_json = false;
  std::chrono::milliseconds drain{10'000};  ///< after SIGTERM
};

/// Reads the common sections; problems go into the reader.
[[nodiscard]] DaemonConfig read_common(ConfigReader& reader);

// Readers of identifiers that record a problem against the key when they do not parse.
[[nodiscard]] std::optional<SpId> read_sp_id(ConfigReader& reader, std::string_view key);
[[nodiscard]] std::optional<Fqdn> read_fqdn(ConfigReader& reader, std::string_view key);
[[nodiscard]] std::optional<CseId> read_cse_id(ConfigReader& reader, std::string_view key, const SpId& home,
                                               bool required);
[[nodiscard]] std::optional<AeId> read_ae_id(ConfigReader& reader, std::string_view key, const SpId& home);
[[nodiscard]] std::vector<EntityId> read_entities(ConfigReader& reader, std::string_view key,
                                                  const SpId& home);

}  // namespace latchkey::daemon
