#pragma once
/// [location] of latchkey-cse: where the places of originators come from (TS-0003 Annex F).
#include <optional>
#include <string>

#include "latchkey/base/config.h"
#include "latchkey/cse/location.h"

namespace latchkey::app {

struct LocationConfig {
  std::string countries;              ///< database file; empty: addresses tell no country
  cse::LocationServerOptions server;  ///< url empty: no location server
  std::optional<Fqdn> server_name;    ///< what its certificate must name; nullopt: http on loopback
  std::string host;                   ///< Host header: the authority of the URL
  std::string address;                ///< where it is reached, apart from its name
  std::uint16_t port = 0;
  std::string notify_address;  ///< of the listener that it calls back; empty: areas are not watched
  std::uint16_t notify_port = 0;
  cse::LocationOptions options;
};

/// Reads one [location] table; problems go into the reader. `home` completes ids of entities.
[[nodiscard]] LocationConfig read_location(ConfigReader& in, const SpId& home);

}  // namespace latchkey::app
