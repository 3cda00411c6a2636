#pragma once
/// latchkey-das: sections [das], [[hosting_cse]] and [repository] beside the common ones, and the policy
/// file.
#include "daemon_config.h"
#include "latchkey/das/das.h"

namespace latchkey::app {

/// [repository]: how the CSE that keeps <role> and <token> resources is reached.
struct RepositoryConfig {
  CseId cse;
  std::string base_name, address, ae_stem;
  std::uint16_t port = 0;
  std::string psk_identity, psk_key;  ///< KpsaID and handle of the key; empty: the daemon's certificate
};

struct DasConfig {
  daemon::DaemonConfig common;
  std::optional<das::DasOptions> das;  ///< nullopt: problems were found
  std::optional<CseId> in_cse;  ///< IN-CSE of the domain, for public domain names of CSE-ID certificates
  std::optional<RepositoryConfig> repository;
  [[nodiscard]] bool complete() const { return das.has_value() && in_cse.has_value(); }
};
/// `problems` names everything that is wrong, in the policy file too, with file, key and line.
[[nodiscard]] DasConfig read_das_config(const std::string& file, std::vector<ConfigProblem>& problems);

}  // namespace latchkey::app
