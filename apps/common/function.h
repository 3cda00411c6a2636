#pragma once
/// The shape that the daemons share: from a command line to a configuration, and from the lookup table to the
/// endpoint of a function that is no CSE.
#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "daemon.h"
#include "latchkey/tls/association.h"

namespace latchkey::daemon {

struct Program {
  std::string name, description;
  std::string application;  ///< of the database
};

/// main() of a daemon. `read` reads a configuration, which says with complete() whether it can be served;
/// `serve` runs with it until the end and returns the exit status, or what kept it from starting.
template <class Config>
int serve_configured(int argc, char** argv, const Program& program,
                     Config (*read)(const std::string& file, std::vector<ConfigProblem>& problems),
                     Result<int> (*serve)(Config config, const std::string& file)) {
  return with_arguments(argc, argv, program.name, program.description, [&](const Arguments& arguments) {
    std::vector<ConfigProblem> problems;
    auto config = read(arguments.config, problems);
    if (!report(problems) || !config.complete()) return 1;
    if (arguments.mode == Mode::check) return 0;
    if (arguments.mode == Mode::backup) return backup(config.common, program.application, arguments.backup);
    const auto status = serve(std::move(config), arguments.config);
    if (!status) std::fprintf(stderr, "%s: %s\n", program.name.c_str(), status.error().detail.c_str());
    return status.value_or(1);
  });
}

/// "<prefix><name> <value>" a line, as Prometheus reads them.
[[nodiscard]] std::string metric_lines(
    std::string_view prefix, std::initializer_list<std::pair<std::string_view, std::uint64_t>> metrics);

/// Of things that were done each by itself: an error that tells of all that failed, if one did.
[[nodiscard]] Status all_done(std::initializer_list<Status> done);

/// Provisioned keys and certificates of a MAF or a DAS Server.
class Association {
 public:
  /// `daemon` outlives this object.
  Association(Daemon& daemon, const tls::Admission& admission, SpId home, CseId in_cse);
  /// Reads the lookup table; on an error the one before stays.
  [[nodiscard]] Status load();
  /// load() and then `renew`, whatever became of the first: a slip in a configuration must not keep a removed
  /// key alive.
  template <class Renew>
  [[nodiscard]] Status reload(const Renew& renew) {
    return all_done({load(), renew()});
  }
  /// The key of an entry of the lookup table, for derivations (8.6.2). not_found; denied for another use;
  /// expired.
  [[nodiscard]] Result<SecretBytes> key_of(std::string_view identity, Suid::Use use) const;
  /// Fills in what the endpoint asks.
  [[nodiscard]] Daemon::Role role(bind::RequestHandler& handler, std::string host_fqdn);

 private:
  Daemon& daemon_;
  SpId home_;
  std::shared_ptr<const secure_env::PskTable> table_;
  tls::TableKeys keys_;
  tls::EntityCertificates certificates_;
};

}  // namespace latchkey::daemon
