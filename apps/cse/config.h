#pragma once
/// latchkey-cse: sections [cse], [[peer]] and [[maf]] beside the common ones.
#include "daemon_config.h"
#include "end_to_end.h"
#include "latchkey/cse/cse.h"
#include "location_config.h"
#include "token_config.h"

namespace latchkey::app {

/// [[peer]]: how another CSE is reached and what proves it; its address is apart from its identity.
struct PeerConfig {
  CseId id;
  std::string address;
  std::uint16_t port = 0;
  std::string psk_identity, psk_key;  ///< KpsaID and handle of Kpsa; both empty: certificates
};
/// [[maf]]: a MAF whose keys this CSE accepts.
struct MafConfig {
  Fqdn fqdn;
  std::string address;
  std::uint16_t port = 0;
};

struct CseConfig {
  daemon::DaemonConfig common;
  std::optional<cse::CseOptions> cse;  ///< nullopt: problems were found
  std::optional<CseId> in_cse;         ///< IN-CSE of the domain; an IN-CSE's own id
  std::vector<PeerConfig> peers;
  std::vector<MafConfig> mafs;
  TokenConfig tokens;
  std::optional<LocationConfig> location;    ///< nullopt: no place is ever known
  std::optional<EndToEndConfig> end_to_end;  ///< nullopt: not offered
  bool accept_suid_11_as_32 = false;
  bool plain_notifications =
      false;  ///< http:// notification targets; any AE could else aim the CSE at local services
  [[nodiscard]] bool annex_b() const;  ///< any trust anchor admits TR-0038 Annex B certificates
  [[nodiscard]] bool complete() const { return cse.has_value() && in_cse.has_value(); }
};
[[nodiscard]] CseConfig read_cse_config(const std::string& file, std::vector<ConfigProblem>& problems);

}  // namespace latchkey::app
