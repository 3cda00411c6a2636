/// latchkey-das: the DAS Server and Authorization Authority as a daemon.
#include <cstdio>

#include "config.h"
#include "daemon.h"
#include "latchkey/das/admin.h"
#include "latchkey/das/association.h"
#include "latchkey/das/repository.h"

namespace {

using namespace latchkey;

int refuse(const Error& error) {
  std::fprintf(stderr, "latchkey-das: %s\n", error.detail.c_str());
  return 1;
}

std::string metrics(const das::Das& das) {
  const auto counters = das.counters();
  return "latchkey_das_requests_total " + std::to_string(counters.requests) +
         "\nlatchkey_das_granted_total " + std::to_string(counters.granted) +
         "\nlatchkey_das_refused_total " + std::to_string(counters.denied) + "\nlatchkey_das_records " +
         std::to_string(counters.records) + "\nlatchkey_das_assignments " +
         std::to_string(counters.assignments) + "\n";
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

int serve(app::DasConfig config, const std::string& file) {
  auto opened = daemon::Daemon::open(std::move(config.common), "das");
  if (!opened) return refuse(opened.error());
  auto& daemon = **opened;
  const auto home = config.das->home;
  const auto* const name = std::get_if<Fqdn>(&config.das->id);
  const auto host = name != nullptr ? name->text() : std::string();
  Repository repository(daemon, *config.in_cse);
  if (auto ready = repository.configure(config.repository); !ready) return refuse(ready.error());
  config.das->store_failed = [&daemon](const Error& error) {
    daemon.stop("the store failed: " + error.detail);
  };
  auto das = das::Das::open(std::move(*config.das), daemon.store(), daemon.environment(), daemon.reactor(),
                            system_clock(), daemon.audit(), &repository);
  if (!das) return refuse(das.error());

  das::AssociationKeys keys(daemon.environment(), system_clock());
  das::AssociationCertificates certificates(home, *config.in_cse);
  auto load_keys = [&]() -> Status {
    auto table = secure_env::PskTable::load(daemon.psk_table_file(), home);
    if (!table) return fail(table.error());
    keys.set_table(std::move(*table));
    return {};
  };
  if (auto loaded = load_keys(); !loaded) return refuse(loaded.error());

  auto reload = [&]() -> Status {
    // The keys whatever the configuration says: a slip in it must not keep a removed key alive.
    auto keys_loaded = load_keys();
    std::vector<ConfigProblem> problems;
    auto renewed = app::read_das_config(file, problems);
    if (!daemon::report(problems) || !renewed.das)
      return fail(ErrorCode::invalid_argument,
                  "the configuration or the policy has problems, both stay as they were" +
                      (keys_loaded ? std::string() : "; " + keys_loaded.error().detail));
    if (auto replaced = (*das)->replace(std::move(*renewed.das)); !replaced) return replaced;
    if (auto connected = repository.configure(renewed.repository); !connected) return connected;
    return keys_loaded;
  };
  // Whoever may reach a loopback port may look; only the owner of the socket may change.
  const bool changes = daemon.config().admin && !daemon.config().admin->unix_path.empty();
  auto served = daemon.serve(
      {.handler = das->get(),
       .mapper = &certificates,
       .psk = &keys,
       .home = home,
       .host_fqdn = host,
       .still_valid = [&](const tls::SecurityContext& context) { return keys.still_valid(context); },
       .reload = reload,
       .metrics = [&] { return metrics(**das); },
       .admin =
           [&](bind::AdminServer& admin) {
             das::add_routes(admin, **das, home, daemon.audit(), system_clock(), changes);
           }});
  if (!served) return refuse(served.error());
  return daemon.run();
}

}  // namespace

int main(int argc, char** argv) {
  return daemon::with_arguments(argc, argv, "latchkey-das",
                                "Dynamic Authorization Server (oneM2M TS-0003 7.3, 7.4)",
                                [](const daemon::Arguments& arguments) {
                                  std::vector<ConfigProblem> problems;
                                  auto config = app::read_das_config(arguments.config, problems);
                                  if (!daemon::report(problems) || !config.das || !config.in_cse) return 1;
                                  if (arguments.mode == daemon::Mode::check) return 0;
                                  if (arguments.mode == daemon::Mode::backup)
                                    return daemon::backup(config.common, "das", arguments.backup);
                                  return serve(std::move(config), arguments.config);
                                });
}
