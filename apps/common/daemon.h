#pragma once
/// What every daemon does around its protocol: state, secure environment, endpoint, listeners, admin,
/// signals.
#include <functional>
#include <memory>
#include <string>

#include "daemon_config.h"
#include "latchkey/base/audit.h"
#include "latchkey/store/store.h"

namespace latchkey::daemon {

/// Arguments `--config FILE [--check] [--backup FILE] [--version]`. `body` gets the file and the mode; its
/// value is the exit status: 0, 1 failed or refused, 2 wrong usage.
enum class Mode { run, check, backup };
struct Arguments {
  std::string config, backup;
  Mode mode = Mode::run;
};
int with_arguments(int argc, char** argv, const std::string& name, const std::string& description,
                   const std::function<int(const Arguments&)>& body);

/// Prints every problem with file, line and key; true if there was none.
[[nodiscard]] bool report(const std::vector<ConfigProblem>& problems);

/// Copies the database, also while a daemon uses it. Exit status.
int backup(const DaemonConfig& config, const std::string& application, const std::string& file);

class Daemon {
 public:
  /// Locks and opens the state directory. Errors are fit to print.
  [[nodiscard]] static Result<std::unique_ptr<Daemon>> open(DaemonConfig config,
                                                            const std::string& application);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  [[nodiscard]] bind::Reactor& reactor() noexcept { return reactor_; }
  [[nodiscard]] AuditLog& audit() noexcept { return *audit_; }
  [[nodiscard]] store::Store& store() noexcept { return *store_; }
  [[nodiscard]] secure_env::SecureEnvironment& environment() noexcept { return *environment_; }
  [[nodiscard]] const DaemonConfig& config() const noexcept { return config_; }
  [[nodiscard]] const std::shared_ptr<const tls::OwnCertificate>& own() const noexcept { return own_; }
  [[nodiscard]] const std::shared_ptr<const pki::TrustStore>& trust() const noexcept { return trust_; }
  [[nodiscard]] std::string psk_table_file() const { return config_.state_dir + "/psk.tsv"; }

  struct Role {
    bind::RequestHandler* handler = nullptr;
    tls::CertificateMapper* mapper = nullptr;
    tls::PskSource* psk = nullptr;
    std::optional<SpId> home;
    std::string host_fqdn;                                           ///< MAF: see bind::ListenerOptions
    std::function<Status(const tls::SecurityContext&)> still_valid;  ///< after a reload
    /// SIGHUP, after certificates and trust anchors: reads what the role has of its own.
    std::function<Status()> reload;
    std::function<std::string()> metrics;           ///< Prometheus text
    std::function<void(bind::AdminServer&)> admin;  ///< further routes
  };
  /// Opens the listeners; prints one line per listener.
  [[nodiscard]] Status serve(Role role);
  /// Until SIGTERM has drained, or stop(). Returns the exit status.
  int run();
  /// Fail-stop: ends run() with status 1 after the answers that wait have been sent.
  void stop(const std::string& why);

 private:
  explicit Daemon(DaemonConfig config) : config_(std::move(config)) {}
  void reload();
  [[nodiscard]] Status reload_own();
  [[nodiscard]] Status reload_trust();
  [[nodiscard]] Status start_admin();

  DaemonConfig config_;
  bind::Reactor reactor_;
  std::unique_ptr<AuditLog> audit_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<secure_env::SecureEnvironment> environment_;
  std::shared_ptr<const tls::OwnCertificate> own_;
  std::shared_ptr<const pki::TrustStore> trust_;
  std::unique_ptr<tls::ServerEndpoint> endpoint_;
  std::unique_ptr<bind::HttpServer> server_;
  std::unique_ptr<bind::AdminServer> admin_;
  Role role_;
  int status_ = 0;
  bool ready_ = false;
};

}  // namespace latchkey::daemon
