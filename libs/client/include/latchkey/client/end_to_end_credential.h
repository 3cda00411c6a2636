#pragma once
/// End-to-end credentials by way of a MAF that is a Trust Enabling Function (TS-0003 8.6): what a source asks
/// for and registers, and what comes of it at both ends. No I/O: MafClient sends.
#include <optional>
#include <string>
#include <vector>

#include "latchkey/client/maf_client.h"

namespace latchkey::client {

/// What a source wants for one profile.
struct EndToEndOrder {
  std::string registration_id, admin_fqdn;
  TimePoint expires{};
  std::vector<EntityId> targets;
  std::vector<std::string> labels = {};
  e2e::SecurityProfile profile;
  /// e2eSecInfo of targets, where it was read (8.6.2 a, 8.6.3 d): what a target lacks is not asked for.
  std::vector<e2e::E2eSecInfo> capabilities = {};
  /// 8.6.3: the source makes the keys. Of Ke if there is one, else at random.
  bool source_generated = false;
  std::optional<Ke> ke = {};
  std::optional<EntityId> source = {};  ///< AE-ID or CSE-ID of this end, for keys of Ke
};

/// One registration for each use that the profile needs; of ESPrim one for each target (8.8.2.7).
/// invalid_argument: a profile that demands nothing, no target; unsupported: what a target lacks.
[[nodiscard]] Result<std::vector<KeyRegistrationRequest>> key_requests(const EndToEndOrder& order);

/// The credential of the source. `self`: AE-ID or CSE-ID that this client stands for, unless the MAF knows.
/// invalid_argument: no end-to-end key.
[[nodiscard]] Result<e2e::EndToEndCredential> credential_of(RegisteredKey&& key, const EntityId& self);
/// The credential of a target that asked the MAF for `id`.
[[nodiscard]] Result<e2e::EndToEndCredential> credential_of(RetrievedKey&& key, const KeyId& id,
                                                            const SpId& home);

}  // namespace latchkey::client
