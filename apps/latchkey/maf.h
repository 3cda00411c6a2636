#pragma once
/// What the commands below `latchkey maf` share: whom to ask, and one session for the life of a command.
#include "cli.h"
#include "latchkey/client/blocking.h"
#include "latchkey/client/maf_client.h"

namespace latchkey::cli {

struct MafOptions {
  ConnectionOptions connection;
  std::string fqdn, client, admin, registration, key_id, key_out;
  std::vector<std::string> targets, labels;
  int suid = 32;
  unsigned seconds = 7 * 24 * 3600;

  void add_to(CLI::App& app);
  [[nodiscard]] std::chrono::milliseconds limit() const {
    return std::chrono::milliseconds(connection.timeout_ms);
  }
  [[nodiscard]] TimePoint expires() const { return system_clock().now() + std::chrono::seconds(seconds); }
};

/// One client on one reactor for the life of a command.
struct MafSession {
  bind::Reactor reactor;
  NoAudit audit;
  std::unique_ptr<client::MafClient> maf;
  std::optional<SpId> home;

  [[nodiscard]] Status open(MafOptions& options);
  template <class T, class Start>
  [[nodiscard]] Result<T> ask(const MafOptions& options, Start start) {
    return client::blocking<T>(reactor, options.limit() * 2, std::move(start));
  }
};

void add_maf_end_to_end(CLI::App& maf, int& status);

}  // namespace latchkey::cli
