/// latchkey-cse: IN-, MN- or ASN-CSE as a daemon.
#include <algorithm>
#include <array>
#include <cstdio>

#include "config.h"
#include "daemon.h"
#include "explain.h"
#include "latchkey/cse/association.h"
#include "location.h"
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
  std::shared_ptr<const secure_env::PskTable> table;
  auto load_keys = [&]() -> Status {
    auto loaded = secure_env::PskTable::load(daemon.psk_table_file(), home);
    if (!loaded) return fail(loaded.error());
    table = *std::move(loaded);
    keys.set_table(table);
    return {};
  };
  if (auto loaded = load_keys(); !loaded) return refuse(loaded.error());

  std::unique_ptr<app::CseLocation> location;
  if (config.location) {
    auto opened_location = app::CseLocation::open(*config.location, home, daemon);
    if (!opened_location) return refuse(opened_location.error());
    location = std::move(*opened_location);
  }
  auto trust = app::load_token_trust(config.tokens, daemon.environment());
  if (!trust) return refuse(trust.error());
  auto options = *config.cse;
  options.token_trust = *std::move(trust);
  if (location != nullptr) options.location = &location->information();
  if (config.end_to_end) {
    auto end_to_end = app::end_to_end_options(*config.end_to_end, config.cse->cse_id, *config.in_cse,
                                              config.annex_b(), *table, daemon);
    if (!end_to_end) return refuse(end_to_end.error());
    options.end_to_end = *std::move(end_to_end);
  }
  options.bound_to_credential = [&keys](const AeId& id) { return keys.binds(id); };
  options.store_failed = [&daemon](const Error& error) { daemon.stop("the store failed: " + error.detail); };
  auto cse = cse::Cse::open(std::move(options), daemon.store(), daemon.reactor(), system_clock(),
                            daemon.audit(), peers);
  if (!cse) return refuse(cse.error());
  auto load_issuers = [&]() -> Status {
    auto issuers = app::load_token_trust(config.tokens, daemon.environment());
    return issuers ? (*cse)->trust(*std::move(issuers)) : fail(issuers.error());
  };
  auto load_pairwise_keys = [&]() -> Status {
    if (!config.end_to_end) return {};
    auto pairwise = app::pairwise_keys(*table, daemon.environment());
    return pairwise ? (*cse)->provision(*std::move(pairwise)) : fail(pairwise.error());
  };
  // Each by itself: what cannot be read must not keep the rest as it was.
  auto reload = [&]() -> Status {
    const std::array done{load_keys(), load_pairwise_keys(), load_issuers(),
                          location != nullptr ? location->reload() : Status()};
    const auto failed = std::ranges::find_if(done, [](const Status& status) { return !status; });
    return failed == done.end() ? Status() : *failed;
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
       .metrics = [&] { return metrics(**cse) + (location != nullptr ? location->metrics() : ""); },
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
