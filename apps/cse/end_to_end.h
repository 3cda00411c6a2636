#pragma once
/// [end_to_end] of latchkey-cse: protected primitives and key establishment (TS-0003 8.4, 8.7). Pairwise keys
/// stand in the PSK table with the SUIDs of ESPrim, their identity being the pairwiseESPrimKeyID.
#include <vector>

#include "daemon.h"
#include "latchkey/cse/cse.h"
#include "latchkey/secure_env/psk_table.h"

namespace latchkey::app {

struct EndToEndConfig {
  bool share_rand_object = true;
  std::chrono::seconds rand_object_lifetime{3'600};
  bool establish_keys = false;
  bool publish_certificate = false;
  e2e::Rate objects_of_hop, handshakes_of_initiator;
  std::vector<e2e::EsCertKePeer> initiators;
};
[[nodiscard]] EndToEndConfig read_end_to_end(ConfigReader& in, const SpId& home);

/// Keys of the table with SUID 13 or 23 and an entity. Errors name the key.
[[nodiscard]] Result<std::vector<e2e::PairwiseEsPrimKey::Shared>> pairwise_keys(
    const secure_env::PskTable& table, const secure_env::SecureEnvironment& environment);
/// unsupported: keys are to be established without a certificate of one's own. The environment outlives what
/// is made of this.
[[nodiscard]] Result<cse::EndToEndOptions> end_to_end_options(const EndToEndConfig& config, const CseId& self,
                                                              const CseId& in_cse, bool annex_b,
                                                              const secure_env::PskTable& table,
                                                              daemon::Daemon& daemon);

}  // namespace latchkey::app
