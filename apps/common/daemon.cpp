#include "daemon.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "credentials.h"
#include "function.h"
#include "latchkey/base/log.h"
#include "latchkey/base/process.h"

namespace latchkey::daemon {

int with_arguments(int argc, char** argv, const std::string& name, const std::string& description,
                   const std::function<int(const Arguments&)>& body) {
  Arguments arguments;
  bool check = false;
  CLI::App app(description, name);
  app.set_version_flag("--version", name + " " LATCHKEY_VERSION);
  app.add_option("--config", arguments.config, "configuration file (TOML)")
      ->required()
      ->check(CLI::ExistingFile);
  auto* check_flag =
      app.add_flag("--check", check, "validate the configuration, name every problem, and exit");
  app.add_option("--backup", arguments.backup,
                 "copy the database to this file, also while the daemon runs, and exit")
      ->excludes(check_flag);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  arguments.mode = check ? Mode::check : arguments.backup.empty() ? Mode::run : Mode::backup;
  return body(arguments);
}

bool report(const std::vector<ConfigProblem>& problems) {
  for (const auto& problem : problems) std::fprintf(stderr, "%s\n", to_string(problem).c_str());
  return problems.empty();
}

int backup(const DaemonConfig& config, const std::string& application, const std::string& file) {
  const auto done = store::backup_sqlite(config.state_dir, application, file);
  if (!done) std::fprintf(stderr, "backup: %s\n", done.error().detail.c_str());
  return done ? 0 : 1;
}

Result<std::unique_ptr<Daemon>> Daemon::open(DaemonConfig config, const std::string& application) {
  log::configure(config.log_debug ? log::Level::debug : log::Level::info, config.log_json);
  hide_memory();
  std::signal(SIGPIPE, SIG_IGN);
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(config)));
  auto store = store::open_sqlite({.folder = daemon->config_.state_dir,
                                   .application = application,
                                   .schema_version = 1,
                                   .migrations = {},
                                   .vfs = {}});
  if (!store) return fail("state directory", store.error());
  daemon->store_ = std::move(*store);
  auto environment = secure_env::open_software(daemon->config_.secure_environment);
  if (!environment) return fail("Secure Environment", environment.error());
  daemon->environment_ = std::move(*environment);
  auto own = load_own(daemon->config_.tls, *daemon->environment_);
  if (!own) return fail("own certificate", own.error());
  daemon->own_ = std::move(*own);
  auto trust = load_trust(daemon->config_.tls);
  if (!trust) return fail("trust anchors", trust.error());
  daemon->trust_ = std::move(*trust);
  auto audit = AuditLog::open({.path = daemon->config_.decision_log});
  if (!audit) return fail("decision log", audit.error());
  daemon->audit_ = std::move(*audit);
  return daemon;
}

Daemon::~Daemon() = default;

Status Daemon::serve(Role role) {
  role_ = std::move(role);
  auto endpoint = tls::ServerEndpoint::make(config_.tls.server, own_, trust_, *role_.home, role_.mapper,
                                            role_.psk, *audit_, system_clock());
  if (!endpoint) return fail("TLS endpoint", endpoint.error());
  endpoint_ = std::move(*endpoint);
  server_ =
      std::make_unique<bind::HttpServer>(reactor_, config_.http, *role_.handler, *audit_, system_clock());
  for (const auto& listener : config_.listeners) {
    auto options = listener.options;
    if (options.kind == bind::ListenerKind::secure) options.endpoint = endpoint_.get();
    options.host_fqdn = role_.host_fqdn;
    const auto address = options.address;
    const auto name = options.name;
    const auto port = server_->listen(std::move(options));
    if (!port) return fail("listener " + name, port.error());
    log::info("daemon",
              "listener " + name + " on " + address + (*port == 0 ? "" : ":" + std::to_string(*port)));
  }
  if (config_.admin)
    if (auto started = start_admin(); !started) return started;
  reactor_.on_terminate([this] {
    log::info("daemon", "draining");
    ready_ = false;
    server_->drain(config_.drain, [this] { reactor_.stop(); });
  });
  reactor_.on_hangup([this] { reload(); });
  ready_ = true;
  return {};
}

Status Daemon::start_admin() {
  admin_ = std::make_unique<bind::AdminServer>(reactor_);
  admin_->route("GET", "/healthz", [](const auto&) { return bind::AdminResponse{.body = "ok\n"}; });
  admin_->route("GET", "/readyz", [this](const auto&) {
    return ready_ ? bind::AdminResponse{.body = "ready\n"}
                  : bind::AdminResponse{.status = 503, .body = "not ready\n"};
  });
  admin_->route("GET", "/metrics", [this](const auto&) {
    const auto counters = server_->counters();
    return bind::AdminResponse{
        .content_type = "text/plain; version=0.0.4",
        .body = metric_lines("latchkey_", {{"connections_open", counters.connections_open},
                                           {"connections_total", counters.connections_total},
                                           {"handshakes_failed_total", counters.handshakes_failed},
                                           {"http_requests_total", counters.requests},
                                           {"http_shed_total", counters.shed},
                                           {"http_malformed_total", counters.malformed},
                                           {"store_queue_depth", store_->queue_depth()},
                                           {"audit_dropped_total", audit_->dropped()}}) +
                (role_.metrics ? role_.metrics() : "")};
  });
  admin_->route("GET", "/decisions", [this](const bind::AdminRequest& request) {
    auto matches = [&](const AuditEvent& event) {
      for (const auto& [key, value] : request.query) {
        if (key == "originator" && event.originator != value) return false;
        if (key == "target" && event.target != value) return false;
        if (key == "event" && to_string(event.id) != value) return false;
      }
      return true;
    };
    std::string body;
    for (const auto& event : audit_->query(matches, 1000)) body += to_json(event) + "\n";
    return bind::AdminResponse{.content_type = "application/x-ndjson", .body = std::move(body)};
  });
  if (role_.admin) role_.admin(*admin_);
  const auto port = admin_->listen(*config_.admin);
  if (!port) return fail("admin listener", port.error());
  return {};
}

// Each part by itself: what cannot be read is left as it was, and said; it keeps nothing else from being
// taken over. One damaged CRL must not keep a removed key alive.
void Daemon::reload() {
  bool complete = true;
  auto check = [&](const std::string& what, const Status& done) {
    if (done) return;
    complete = false;
    log::error("daemon", "reload: " + what + ": " + done.error().detail);
    audit_->record({.id = AuditEventId::configuration_refused,
                    .time = system_clock().now(),
                    .reason = what + ": " + done.error().detail});
  };
  check("Secure Environment", environment_->reload());
  check("own certificate", reload_own());
  check("trust anchors", reload_trust());
  if (role_.reload) check("role", role_.reload());
  server_->recheck_sessions(role_.still_valid);
  audit_->reopen();
  if (!complete) return;
  audit_->record({.id = AuditEventId::credential_reloaded, .time = system_clock().now(), .reason = "SIGHUP"});
  log::info("daemon", "credentials, trust anchors, CRLs and policies reloaded");
}

Status Daemon::reload_own() {
  auto own = load_own(config_.tls, *environment_);
  if (!own) return fail(own.error());
  if (auto replaced = endpoint_->replace(*own, trust_); !replaced) return replaced;
  own_ = std::move(*own);
  return {};
}

Status Daemon::reload_trust() {
  auto trust = load_trust(config_.tls);
  if (!trust) return fail(trust.error());
  if (auto replaced = endpoint_->replace(own_, *trust); !replaced) return replaced;
  trust_ = std::move(*trust);
  return {};
}

int Daemon::run() {
  reactor_.run();
  return status_;
}

void Daemon::stop(const std::string& why) {
  log::error("daemon", "stopping: " + why);
  status_ = 1;
  ready_ = false;
  server_->drain(std::chrono::seconds(1), [this] { reactor_.stop(); });
}

}  // namespace latchkey::daemon
