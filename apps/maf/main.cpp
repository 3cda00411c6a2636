/// latchkey-maf: the M2M Authentication Function as a daemon.
#include <cstdio>

#include "config.h"
#include "daemon.h"
#include "latchkey/maf/association.h"

namespace {

using namespace latchkey;

int refuse(const Error& error) {
  std::fprintf(stderr, "latchkey-maf: %s\n", error.detail.c_str());
  return 1;
}

std::string metrics(const maf::Maf& maf) {
  const auto counters = maf.counters();
  return "latchkey_maf_requests_total " + std::to_string(counters.requests) +
         "\nlatchkey_maf_refused_total " + std::to_string(counters.refused) +
         "\nlatchkey_maf_registrations " + std::to_string(counters.registrations) + "\nlatchkey_maf_keys " +
         std::to_string(counters.keys) + "\n";
}

int serve(app::MafConfig config, const std::string& file) {
  auto opened = daemon::Daemon::open(std::move(config.common), "maf");
  if (!opened) return refuse(opened.error());
  auto& daemon = **opened;
  const auto home = config.maf->home;
  const auto fqdn = config.maf->fqdn.text();
  config.maf->store_failed = [&daemon](const Error& error) {
    daemon.stop("the store failed: " + error.detail);
  };
  auto maf = maf::Maf::open(std::move(*config.maf), daemon.store(), daemon.environment(), daemon.reactor(),
                            system_clock(), daemon.audit());
  if (!maf) return refuse(maf.error());

  maf::MasterCredentials keys(daemon.environment(), system_clock());
  maf::ClientCertificates certificates(home, *config.in_cse);
  auto load_keys = [&]() -> Status {
    auto table = secure_env::PskTable::load(daemon.psk_table_file(), home);
    if (!table) return fail(table.error());
    keys.set_table(std::move(*table));
    return {};
  };
  if (auto loaded = load_keys(); !loaded) return refuse(loaded.error());

  auto served = daemon.serve(
      {.handler = maf->get(),
       .mapper = &certificates,
       .psk = &keys,
       .home = home,
       .host_fqdn = fqdn,
       .still_valid = [&](const tls::SecurityContext& context) { return keys.still_valid(context); },
       .reload = [&]() -> Status {
         // The keys whatever the configuration says: a slip in it must not keep a removed key alive.
         auto keys_loaded = load_keys();
         std::vector<ConfigProblem> problems;
         auto renewed = app::read_maf_config(file, problems);
         if (!daemon::report(problems) || !renewed.maf)
           return fail(ErrorCode::invalid_argument,
                       "the configuration has problems, policies stay as they were" +
                           (keys_loaded ? std::string() : "; " + keys_loaded.error().detail));
         (*maf)->replace_policies(std::move(*renewed.maf));
         return keys_loaded;
       },
       .metrics = [&] { return metrics(**maf); },
       .admin = {}});
  if (!served) return refuse(served.error());
  return daemon.run();
}

}  // namespace

int main(int argc, char** argv) {
  return daemon::with_arguments(argc, argv, "latchkey-maf",
                                "M2M Authentication Function (oneM2M TS-0003 8.8)",
                                [](const daemon::Arguments& arguments) {
                                  std::vector<ConfigProblem> problems;
                                  auto config = app::read_maf_config(arguments.config, problems);
                                  if (!daemon::report(problems) || !config.maf || !config.in_cse) return 1;
                                  if (arguments.mode == daemon::Mode::check) return 0;
                                  if (arguments.mode == daemon::Mode::backup)
                                    return daemon::backup(config.common, "maf", arguments.backup);
                                  return serve(std::move(config), arguments.config);
                                });
}
