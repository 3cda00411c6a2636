#pragma once
/// What an administrating stakeholder provisions to a MAF client (TS-0003 8.8.3.2, 8.8.3.3), from JSON.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/client/maf_client.h"

namespace latchkey::client {

/// mafClientRegCfg, sec:clientRegCfg (12.4.2). A port that is absent: the protocol is not offered.
struct MafClientRegistrationConfiguration {
  std::optional<TimePoint> expires;
  std::vector<std::string> labels;
  Fqdn maf;  ///< fqdn, also MAF-ID
  Fqdn admin;
  std::optional<std::uint16_t> http_port, coap_port, websocket_port;
};

/// mafKeyRegCfg, sec:keyRegCfg (12.4.3).
struct MafKeyRegistrationConfiguration {
  std::optional<TimePoint> expires;
  std::vector<std::string> labels;
  Fqdn admin;
  Suid suid;
  std::vector<EntityId> targets;  ///< empty: none given
};

/// At most 64 KiB of JSON text. Errors: invalid_argument naming the member (missing, malformed or unknown),
/// expired when expirationTime is not after `now`. Thread-safe.
[[nodiscard]] Result<MafClientRegistrationConfiguration> parse_client_registration_configuration(
    std::string_view text, TimePoint now);
[[nodiscard]] Result<MafKeyRegistrationConfiguration> parse_key_registration_configuration(
    std::string_view text, const SpId& home, TimePoint now);

/// Takes MAF-FQDN and, if there is one, the HTTP port over into the options of a client.
void apply(const MafClientRegistrationConfiguration& configuration, MafClientOptions& options);

/// 8.8.2.4: the key registration configuration for `admin` and `suid` in a MAF client configuration, which
/// holds one or a list of them as member "mafKeyRegCfg"; other members are the application's. not_found when
/// there is none for them; otherwise as parse_key_registration_configuration.
[[nodiscard]] Result<MafKeyRegistrationConfiguration> key_registration_configuration(
    std::string_view client_configuration, const Fqdn& admin, Suid suid, const SpId& home, TimePoint now);

}  // namespace latchkey::client
