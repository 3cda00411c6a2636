#pragma once
/// `latchkey <noun> <verb>`: what the nouns share. Exit 0 success, 1 refused or failed, 2 wrong usage.
#include <CLI/CLI.hpp>
#include <string>

#include "latchkey/base/error.h"
#include "latchkey/base/secret.h"
#include "latchkey/client/ae.h"
#include "latchkey/e2e/escertke.h"
#include "latchkey/secure_env/software.h"

namespace latchkey::cli {

inline bool json_output = false;  ///< --json

/// Prints the failure for people (or as JSON) and gives exit status 1.
int failed(const Error& error);
/// Prints one JSON value, or `text` without --json.
void print(const codec::json::value& value, const std::string& text);
inline int result(const Status& status) { return status ? 0 : failed(status.error()); }

/// At most 1 MiB; "-" is standard input.
[[nodiscard]] Result<std::string> read_text(const std::string& path);
/// As read_text, into a secret; a file must be owner-only.
[[nodiscard]] Result<SecretBytes> read_secret(const std::string& path);
/// Hex digits in an owner-only file or on standard input.
[[nodiscard]] Result<SecretBytes> read_hex_secret(const std::string& path);
/// Creates with the given mode; never overwrites.
[[nodiscard]] Status write_new(const std::string& path, std::string_view content, unsigned mode);

/// Percent-encoding for a query.
[[nodiscard]] std::string url_encoded(std::string_view text);
/// GET or POST without content over the unix socket of a daemon's admin listener; the body of a 200 answer.
/// denied with status and first line of any other.
[[nodiscard]] Result<std::string> admin_request(const std::string& socket_path, const std::string& method,
                                                const std::string& target);

/// Decision and handshake events matter to daemons; a command line shows its answer only.
class NoAudit final : public AuditSink {
 public:
  void record(AuditEvent) override {}
};

/// `--kek` or `--passphrase-file`, as the daemon's configuration has it; open_software() wants exactly one.
void add_environment(CLI::App& app, secure_env::SoftwareOptions& environment);

enum class Scheme : std::uint8_t { https, http, unix_socket };

/// How to reach and authenticate to a CSE or MAF.
struct ConnectionOptions {
  std::string url;  ///< https://address:port, http://address:port, or unix:PATH
  std::string sp = "//my.m2mprovider.org";
  std::string server;                  ///< CSE-ID or FQDN that the server must prove
  std::string in_cse;                  ///< IN-CSE of the domain when the server is an MN-CSE
  std::string psk_identity, psk_file;  ///< KpsaID and the file of the key in hex
  std::string certificate, key, trust;
  bool annex_b = false;
  unsigned timeout_ms = 15'000;

  void add_to(CLI::App& app);
  [[nodiscard]] Result<SpId> home() const;
  /// Upper or lower case. invalid_argument for any other scheme, and for credentials without https.
  [[nodiscard]] Result<Scheme> scheme() const;
  [[nodiscard]] Result<bind::PeerOptions> peer() const;
  /// nullptr for a connection without TLS.
  [[nodiscard]] Result<std::shared_ptr<client::SaeCredential>> credential() const;
  /// peer() with credential().
  [[nodiscard]] Result<bind::PeerOptions> hop() const;
  /// --trust.
  [[nodiscard]] Result<std::shared_ptr<const pki::TrustStore>> anchors() const;
  /// --cert, --key, --trust, --in-cse.
  [[nodiscard]] Result<e2e::EsCertKeCredentials> certificates() const;
};

void add_pki(CLI::App& app, int& status);
void add_psk(CLI::App& app, int& status);
void add_request(CLI::App& app, int& status);
void add_maf(CLI::App& app, int& status);
void add_escertke(CLI::App& app, int& status);
void add_authz(CLI::App& app, int& status);
void add_das(CLI::App& app, int& status);
void add_e2e(CLI::App& app, int& status);
/// `latchkey esdata certificate`.
void add_peer_key(CLI::App& esdata, int& status);
void add_listen(CLI::App& app, int& status);
/// `latchkey completion bash` and `latchkey man`, both from the definitions of `app`.
void add_documents(CLI::App& app, int& status);

}  // namespace latchkey::cli
