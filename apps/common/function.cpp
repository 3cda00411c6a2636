#include "function.h"

namespace latchkey::daemon {

std::string metric_lines(std::string_view prefix,
                         std::initializer_list<std::pair<std::string_view, std::uint64_t>> metrics) {
  std::string out;
  for (const auto& [name, value] : metrics)
    out += std::string(prefix) + std::string(name) + " " + std::to_string(value) + "\n";
  return out;
}

Status all_done(std::initializer_list<Status> done) {
  std::optional<Error> failed;
  for (const auto& one : done) {
    if (one) continue;
    failed = failed ? Error{failed->code, failed->detail + "; " + one.error().detail} : one.error();
  }
  return failed ? Status(fail(*failed)) : Status();
}

Association::Association(Daemon& daemon, const tls::Admission& admission, SpId home, CseId in_cse)
    : daemon_(daemon),
      home_(home),
      keys_(admission, daemon.environment(), system_clock()),
      certificates_(admission, std::move(home), std::move(in_cse)) {}

Status Association::load() {
  auto table = secure_env::PskTable::load(daemon_.psk_table_file(), home_);
  if (!table) return fail(table.error());
  table_ = std::move(*table);
  keys_.set_table(table_);
  return {};
}

Result<SecretBytes> Association::key_of(std::string_view identity, Suid::Use use) const {
  const auto* const entry = table_ != nullptr ? table_->find(identity) : nullptr;
  if (entry == nullptr) return fail(ErrorCode::not_found, "no such identity in the lookup table");
  const auto now = std::chrono::floor<std::chrono::seconds>(system_clock().now()).time_since_epoch().count();
  if (entry->expires_unix && *entry->expires_unix <= now)
    return fail(ErrorCode::expired, "the key has expired");
  return daemon_.environment().use_as_psk(entry->key, use, now);
}

Daemon::Role Association::role(bind::RequestHandler& handler, std::string host_fqdn) {
  return {.handler = &handler,
          .mapper = &certificates_,
          .psk = &keys_,
          .home = home_,
          .host_fqdn = std::move(host_fqdn),
          .still_valid = [this](const tls::SecurityContext& context) { return keys_.still_valid(context); },
          .reload = {},
          .metrics = {},
          .admin = {}};
}

}  // namespace latchkey::daemon
