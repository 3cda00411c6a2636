/// latchkey-cse: IN-, MN- or ASN-CSE as a daemon.
#include <cstdio>

#include "config.h"
#include "daemon.h"
#include "explain.h"
#include "latchkey/cse/association.h"
#include "peers.h"

namespace {

using namespace latchkey;

int refuse(const Error& error) {
  std::fprintf(stderr, "latchkey-cse: %s\n", error.detail.c_str());
  return 1;
}

std::string metrics(const cse::Cse& cse) {
  const auto counters = cse.counters();
  std::string out;
  auto line = [&](const char* metric, std::uint64_t value) {
    out += std::string("latchkey_cse_") + metric + " " + std::to_string(value) + "\n";
  };
  line("requests_total", counters.requests);
  line("permitted_total", counters.permitted);
  line("denied_total", counters.denied);
  line("refused_originator_total", counters.refused_originator);
  line("notifications_total", counters.notifications);
  line("notifications_failed_total", counters.notifications_failed);
  line("forwarded_total", counters.forwarded);
  line("resources", counters.resources);
  return out;
}

int serve(app::CseConfig config) {
  auto opened = daemon::Daemon::open(config.common, "cse");
  if (!opened) return refuse(opened.error());
  auto& daemon = **opened;
  const auto home = config.cse->cse_id.sp();
  app::CsePeers peers(config, daemon);
  cse::KeySource keys({.self = config.cse->cse_id, .accept_suid_11_as_32 = config.accept_suid_11_as_32},
                      daemon.environment(), system_clock(), daemon.audit());
  cse::ClientCertificates certificates(home, *config.in_cse, config.annex_b());
  for (const auto& maf : config.mafs) keys.add_maf(maf.fqdn, peers.maf(maf));
  auto load_keys = [&]() -> Status {
    auto table = secure_env::PskTable::load(daemon.psk_table_file(), home);
    if (!table) return fail(table.error());
    keys.set_table(std::move(*table));
    return {};
  };
  if (auto loaded = load_keys(); !loaded) return refuse(loaded.error());

  auto trust = app::load_token_trust(config.tokens, daemon.environment());
  if (!trust) return refuse(trust.error());
  auto options = *config.cse;
  options.token_trust = *std::move(trust);
  options.bound_to_credential = [&keys](const AeId& id) { return keys.binds(id); };
  options.store_failed = [&daemon](const Error& error) { daemon.stop("the store failed: " + error.detail); };
  auto cse = cse::Cse::open(std::move(options), daemon.store(), daemon.reactor(), system_clock(),
                            daemon.audit(), peers);
  if (!cse) return refuse(cse.error());
  auto reload = [&]() -> Status {
    auto issuers = app::load_token_trust(config.tokens, daemon.environment());
    if (!issuers) return fail(issuers.error());
    if (auto trusted = (*cse)->trust(*std::move(issuers)); !trusted) return trusted;
    return load_keys();
  };
  auto rules = [&cse](const CredentialId& credential) { return (*cse)->allowed_ae_ids(credential); };
  keys.set_app_rules(rules);
  certificates.set_app_rules(rules);

  auto served = daemon.serve(
      {.handler = cse->get(),
       .mapper = &certificates,
       .psk = &keys,
       .home = home,
       .host_fqdn = {},
       .still_valid = [&](const tls::SecurityContext& context) { return keys.still_valid(context); },
       .reload = reload,
       .metrics = [&] { return metrics(**cse); },
       .admin =
           [&](bind::AdminServer& admin) {
             admin.route("GET", "/explain",
                         [&](const bind::AdminRequest& request) { return app::explain(**cse, request); });
           }});
  if (!served) return refuse(served.error());
  if (config.cse->registrar) (*cse)->start_registration();
  return daemon.run();
}

}  // namespace

int main(int argc, char** argv) {
  return daemon::with_arguments(argc, argv, "latchkey-cse",
                                "Common Services Entity (oneM2M TS-0001, TS-0003)",
                                [](const daemon::Arguments& arguments) {
                                  std::vector<ConfigProblem> problems;
                                  auto config = app::read_cse_config(arguments.config, problems);
                                  if (!daemon::report(problems) || !config.cse || !config.in_cse) return 1;
                                  if (arguments.mode == daemon::Mode::check) return 0;
                                  if (arguments.mode == daemon::Mode::backup)
                                    return daemon::backup(config.common, "cse", arguments.backup);
                                  return serve(std::move(config));
                                });
}
