/// latchkey-maf: the M2M Authentication Function as a daemon.

#include "config.h"
#include "function.h"
#include "latchkey/maf/association.h"

namespace {

using namespace latchkey;

std::string metrics(const maf::Maf& maf) {
  const auto counters = maf.counters();
  return daemon::metric_lines("latchkey_maf_", {{"requests_total", counters.requests},
                                                {"refused_total", counters.refused},
                                                {"registrations", counters.registrations},
                                                {"keys", counters.keys}});
}

Result<int> serve(app::MafConfig config, const std::string& file) {
  auto opened = daemon::Daemon::open(std::move(config.common), "maf");
  if (!opened) return fail(opened.error());
  auto& daemon = **opened;
  const auto home = config.maf->home;
  const auto fqdn = config.maf->fqdn.text();
  config.maf->store_failed = [&daemon](const Error& error) {
    daemon.stop("the store failed: " + error.detail);
  };
  daemon::Association association(daemon, maf::kAdmission, home, *config.in_cse);
  if (auto loaded = association.load(); !loaded) return fail(loaded.error());
  config.maf->master_key = [&association](std::string_view km_id) {
    return association.key_of(km_id, Suid::Use::maf);
  };
  auto maf = maf::Maf::open(std::move(*config.maf), daemon.store(), daemon.environment(), daemon.reactor(),
                            system_clock(), daemon.audit());
  if (!maf) return fail(maf.error());

  auto renew = [&]() -> Status {
    std::vector<ConfigProblem> problems;
    auto renewed = app::read_maf_config(file, problems);
    if (!daemon::report(problems) || !renewed.complete())
      return fail(ErrorCode::invalid_argument, "the configuration has problems, policies stay as they were");
    (*maf)->replace_policies(std::move(*renewed.maf));
    return {};
  };
  auto role = association.role(**maf, fqdn);
  role.reload = [&] { return association.reload(renew); };
  role.metrics = [&] { return metrics(**maf); };
  auto served = daemon.serve(std::move(role));
  if (!served) return fail(served.error());
  return daemon.run();
}

}  // namespace

int main(int argc, char** argv) {
  return daemon::serve_configured(argc, argv,
                                  {"latchkey-maf", "M2M Authentication Function (oneM2M TS-0003 8.8)", "maf"},
                                  app::read_maf_config, serve);
}
