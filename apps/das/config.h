#pragma once
/// latchkey-das: sections [das], [[hosting_cse]] and [repository] beside the common ones, and the policy
/// file.
#include "daemon_config.h"
#include "jose_keys.h"
#include "latchkey/das/das.h"

namespace latchkey::app {

/// [repository]: how the CSE that keeps <role> and <token> resources is reached.
struct RepositoryConfig {
  CseId cse;
  std::string base_name, address, ae_stem;
  std::uint16_t port = 0;
  std::string psk_identity, psk_key;  ///< KpsaID and handle of the key; empty: the daemon's certificate
};

/// [secured_requests], [[hosting_cse.request_key]], [[hosting_cse.request_shared_key]]: what secured requests
/// are opened with (TS-0003 7.3.2.3 step 3).
struct SecuredRequestsConfig {
  struct OfCse {
    CseId cse;
    daemon::JoseKeyConfig key;
  };
  std::vector<daemon::JoseKeyConfig> own_keys;
  std::vector<OfCse> verification_keys, shared_keys;
  jose::Permitted<e2e::EsDataClass> classes;
  std::chrono::seconds lifetime_max{600};
};
/// Reads the key files, and the keys from the environment; nullptr: none are configured. Errors name file or
/// handle.
[[nodiscard]] Result<std::shared_ptr<const e2e::SecuredRequestTarget>> load_secured_requests(
    const SecuredRequestsConfig& config, const EntityId& self,
    const secure_env::SecureEnvironment& environment);

struct DasConfig {
  daemon::DaemonConfig common;
  std::optional<das::DasOptions> das;  ///< nullopt: problems were found
  std::optional<CseId> in_cse;  ///< IN-CSE of the domain, for public domain names of CSE-ID certificates
  std::optional<RepositoryConfig> repository;
  SecuredRequestsConfig secured_requests;
  [[nodiscard]] bool complete() const { return das.has_value() && in_cse.has_value(); }
};
/// `problems` names everything that is wrong, in the policy file too, with file, key and line.
[[nodiscard]] DasConfig read_das_config(const std::string& file, std::vector<ConfigProblem>& problems);

}  // namespace latchkey::app
