/// latchkey-das: the DAS Server and Authorization Authority as a daemon.

#include "config.h"
#include "function.h"
#include "latchkey/das/admin.h"
#include "latchkey/das/association.h"
#include "latchkey/das/repository.h"

namespace {

using namespace latchkey;

std::string metrics(const das::Das& das) {
  const auto counters = das.counters();
  return daemon::metric_lines("latchkey_das_", {{"requests_total", counters.requests},
                                                {"granted_total", counters.granted},
                                                {"refused_total", counters.denied},
                                                {"records", counters.records},
                                                {"assignments", counters.assignments}});
}

Result<std::shared_ptr<client::SaeCredential>> credential(daemon::Daemon& daemon,
                                                          const app::RepositoryConfig& config,
                                                          const CseId& in_cse) {
  if (config.psk_identity.empty()) {
    if (!daemon.own() || !daemon.trust())
      return fail(ErrorCode::unsupported, "no certificate or no trust anchor is configured");
    return client::certificate(
        {.own = daemon.own(),
         .trust = daemon.trust(),
         .home = config.cse.sp(),
         .server = config.cse,
         .server_in_cse = config.cse == in_cse ? std::nullopt : std::optional(in_cse)});
  }
  auto identity = KeyId::parse(config.psk_identity);
  if (!identity) return fail(identity.error());
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(system_clock().now().time_since_epoch()).count();
  auto key = daemon.environment().use_as_psk({config.psk_key}, Suid::Use::saef, now);
  if (!key) return fail("key " + config.psk_key, key.error());
  return client::provisioned_key(std::move(*identity), Kpsa(std::move(*key)), config.cse, config.cse.sp());
}

/// The repository as the configuration has it now.
class Repository final : public bind::RequestSender {
 public:
  Repository(daemon::Daemon& daemon, CseId in_cse) : daemon_(daemon), in_cse_(std::move(in_cse)) {}

  /// On an error the old connection stays.
  Status configure(const std::optional<app::RepositoryConfig>& config) {
    if (!config) {
      ae_.reset();
      return {};
    }
    auto proof = credential(daemon_, *config, in_cse_);
    if (!proof) return fail("repository", proof.error());
    client::AeOptions options{.registrar = config->cse};
    options.cse_base_name = config->base_name;
    options.peer.address = config->address;
    options.peer.port = config->port;
    const auto name =
        config->cse.public_domain_name(config->cse == in_cse_ ? std::nullopt : std::optional(in_cse_));
    options.peer.host = name ? name->text() : config->address;
    options.credential = std::move(*proof);
    options.app_id = "Ndas";
    options.requested_stem = config->ae_stem;
    ae_ = std::make_unique<das::RepositoryAe>(daemon_.reactor(), std::move(options), daemon_.audit(),
                                              system_clock());
    return {};
  }
  void send(codec::RequestPrimitive request, std::chrono::milliseconds timeout, Done done) override {
    if (ae_) return ae_->send(std::move(request), timeout, std::move(done));
    daemon_.reactor().post([done = std::move(done)]() mutable {
      done(fail(ErrorCode::unavailable, "no repository is configured"));
    });
  }

 private:
  daemon::Daemon& daemon_;
  CseId in_cse_;
  std::unique_ptr<das::RepositoryAe> ae_;
};

Result<int> serve(app::DasConfig config, const std::string& file) {
  auto opened = daemon::Daemon::open(std::move(config.common), "das");
  if (!opened) return fail(opened.error());
  auto& daemon = **opened;
  const auto home = config.das->home;
  const auto* const name = std::get_if<Fqdn>(&config.das->id);
  const auto host = name != nullptr ? name->text() : std::string();
  Repository repository(daemon, *config.in_cse);
  if (auto ready = repository.configure(config.repository); !ready) return fail(ready.error());
  config.das->store_failed = [&daemon](const Error& error) {
    daemon.stop("the store failed: " + error.detail);
  };
  auto secured = app::load_secured_requests(config.secured_requests, config.das->id, daemon.environment());
  if (!secured) return fail("secured_requests", secured.error());
  config.das->secured_requests = *std::move(secured);
  auto das = das::Das::open(std::move(*config.das), daemon.store(), daemon.environment(), daemon.reactor(),
                            system_clock(), daemon.audit(), &repository);
  if (!das) return fail(das.error());

  daemon::Association association(daemon, das::kAdmission, home, *config.in_cse);
  if (auto loaded = association.load(); !loaded) return fail(loaded.error());

  auto renew = [&]() -> Status {
    std::vector<ConfigProblem> problems;
    auto renewed = app::read_das_config(file, problems);
    if (!daemon::report(problems) || !renewed.complete())
      return fail(ErrorCode::invalid_argument,
                  "the configuration or the policy has problems, both stay as they were");
    auto keys = app::load_secured_requests(renewed.secured_requests, renewed.das->id, daemon.environment());
    if (!keys) return fail("secured_requests", keys.error());
    renewed.das->secured_requests = *std::move(keys);
    if (auto replaced = (*das)->replace(std::move(*renewed.das)); !replaced) return replaced;
    return repository.configure(renewed.repository);
  };
  // Whoever may reach a loopback port may look; only the owner of the socket may change.
  const bool changes = daemon.config().admin && !daemon.config().admin->unix_path.empty();
  auto role = association.role(**das, host);
  role.reload = [&] { return association.reload(renew); };
  role.metrics = [&] { return metrics(**das); };
  role.admin = [&](bind::AdminServer& admin) {
    das::add_routes(admin, **das, home, daemon.audit(), system_clock(), changes);
  };
  auto served = daemon.serve(std::move(role));
  if (!served) return fail(served.error());
  return daemon.run();
}

}  // namespace

int main(int argc, char** argv) {
  return daemon::serve_configured(
      argc, argv, {"latchkey-das", "Dynamic Authorization Server (oneM2M TS-0003 7.3, 7.4)", "das"},
      app::read_das_config, serve);
}
