/// latchkey-cse: IN-, MN- or ASN-CSE as a daemon.
#include "config.h"
#include "explain.h"
#include "function.h"
#include "latchkey/cse/association.h"
#include "location.h"
#include "peers.h"

namespace {

using namespace latchkey;

std::string metrics(const cse::Cse& cse) {
  const auto counters = cse.counters();
  return daemon::metric_lines("latchkey_cse_", {{"requests_total", counters.requests},
                                                {"permitted_total", counters.permitted},
                                                {"denied_total", counters.denied},
                                                {"refused_originator_total", counters.refused_originator},
                                                {"notifications_total", counters.notifications},
                                                {"notifications_failed_total", counters.notifications_failed},
                                                {"forwarded_total", counters.forwarded},
                                                {"resources", counters.resources}});
}

Result<int> serve(app::CseConfig config, const std::string&) {
  auto opened = daemon::Daemon::open(config.common, "cse");
  if (!opened) return fail(opened.error());
  auto& daemon = **opened;
  const auto home = config.cse->cse_id.sp();
  app::CsePeers peers(config, daemon);
  cse::KeySource keys({.self = config.cse->cse_id, .accept_suid_11_as_32 = config.accept_suid_11_as_32},
                      daemon.environment(), system_clock(), daemon.audit());
  cse::ClientCertificates certificates(home, *config.in_cse, config.annex_b());
  cse::MafKeys pairwise_keys({.self = config.cse->cse_id, .suid = *Suid::from(33)}, system_clock(),
                             daemon.audit());
  for (const auto& maf : config.mafs) {
    keys.maf_keys().add(maf.fqdn, peers.maf(maf));
    pairwise_keys.add(maf.fqdn, peers.maf(maf));
  }
  std::shared_ptr<const secure_env::PskTable> table;
  auto load_keys = [&]() -> Status {
    auto loaded = secure_env::PskTable::load(daemon.psk_table_file(), home);
    if (!loaded) return fail(loaded.error());
    table = *std::move(loaded);
    keys.set_table(table);
    return {};
  };
  if (auto loaded = load_keys(); !loaded) return fail(loaded.error());

  std::unique_ptr<app::CseLocation> location;
  if (config.location) {
    auto opened_location = app::CseLocation::open(*config.location, home, daemon);
    if (!opened_location) return fail(opened_location.error());
    location = std::move(*opened_location);
  }
  auto trust = app::load_token_trust(config.tokens, daemon.environment());
  if (!trust) return fail(trust.error());
  auto options = *config.cse;
  options.token_trust = *std::move(trust);
  for (std::size_t k = 0; k < config.tokens.das.size(); ++k) {
    const auto& das = config.tokens.das[k];
    if (!das.securing) continue;
    auto keys_for_das = app::load_securing(*das.securing, daemon.environment());
    auto source =
        keys_for_das ? e2e::SecuredRequestSource::make(
                           {.self = options.cse_id, .das = das.server.id, .lifetime = das.securing->lifetime},
                           *std::move(keys_for_das))
                     : fail(keys_for_das.error());
    if (!source) return fail("secured_requests of das " + to_string(das.server.id), source.error());
    options.das_servers[k].secured_requests = *std::move(source);
  }
  const auto das_servers = options.das_servers;
  if (location != nullptr) options.location = &location->information();
  if (config.end_to_end) {
    auto end_to_end = app::end_to_end_options(*config.end_to_end, config.cse->cse_id, *config.in_cse,
                                              config.annex_b(), *table, daemon);
    if (!end_to_end) return fail(end_to_end.error());
    options.end_to_end = *std::move(end_to_end);
    for (const auto& maf : config.mafs) options.end_to_end->end_point.esprim.mafs.push_back(maf.fqdn);
    if (!config.mafs.empty()) options.end_to_end->maf_keys = &pairwise_keys;
  }
  options.bound_to_credential = [&keys](const AeId& id) { return keys.binds(id); };
  options.store_failed = [&daemon](const Error& error) { daemon.stop("the store failed: " + error.detail); };
  auto cse = cse::Cse::open(std::move(options), daemon.store(), daemon.reactor(), system_clock(),
                            daemon.audit(), peers);
  if (!cse) return fail(cse.error());
  auto load_issuers = [&]() -> Status {
    auto issuers = app::load_token_trust(config.tokens, daemon.environment());
    return issuers ? (*cse)->trust(*std::move(issuers)) : fail(issuers.error());
  };
  auto load_securing = [&]() -> Status {
    for (std::size_t k = 0; k < das_servers.size(); ++k) {
      if (das_servers[k].secured_requests == nullptr) continue;
      auto anew = app::load_securing(*config.tokens.das[k].securing, daemon.environment());
      if (!anew) return fail(anew.error());
      if (auto done = das_servers[k].secured_requests->configure(*std::move(anew)); !done) return done;
    }
    return {};
  };
  auto load_pairwise_keys = [&]() -> Status {
    if (!config.end_to_end) return {};
    auto pairwise = app::pairwise_keys(*table, daemon.environment());
    return pairwise ? (*cse)->provision(*std::move(pairwise)) : fail(pairwise.error());
  };
  auto renew_certificate = [&]() -> Status {
    return config.end_to_end ? (*cse)->renew(daemon.own(), daemon.trust()) : Status();
  };
  // Each by itself: what cannot be read must not keep the rest as it was.
  auto reload = [&]() -> Status {
    return daemon::all_done({load_keys(), load_pairwise_keys(), load_issuers(), load_securing(),
                             renew_certificate(), location != nullptr ? location->reload() : Status()});
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
  if (!served) return fail(served.error());
  if (config.cse->registrar) (*cse)->start_registration();
  return daemon.run();
}

}  // namespace

int main(int argc, char** argv) {
  return daemon::serve_configured(argc, argv,
                                  {"latchkey-cse", "Common Services Entity (oneM2M TS-0001, TS-0003)", "cse"},
                                  app::read_cse_config, serve);
}
