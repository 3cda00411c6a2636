#pragma once
/// MAF client: the procedures of TS-0003 8.8.2.2 to 8.8.2.10 over Mmaf (TS-0032, HTTP and JSON as in
/// TR-0038 7.1.4).
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "latchkey/base/ids.h"
#include "latchkey/base/secret.h"
#include "latchkey/base/time.h"
#include "latchkey/bind/http_client.h"
#include "latchkey/e2e/end_to_end_credential.h"

namespace latchkey::client {

/// 8.8.2.3: what the MAF keeps of a client.
struct MafRegistration {
  std::string id;  ///< mafClientRegID, e.g. "macr000001"
  TimePoint expires{};
  std::string admin_fqdn;
  std::string client_id;                 ///< MAF Client ID as the MAF sees it
  std::optional<KeyId> assigned_key_id;  ///< KmID, when Km was provisioned remotely
  std::vector<std::string> labels{};
};
/// 8.8.2.5: what an update changed; absent: not asked for, or the MAF says nothing of it.
struct MafRegistrationChange {
  std::optional<TimePoint> expires;
  std::optional<std::vector<std::string>> labels;
  std::optional<KeyId> assigned_key_id;  ///< of a new Km
};

struct KeyRegistrationRequest {
  std::string registration_id;  ///< parent mafClientReg
  std::string admin_fqdn;
  TimePoint expires{};
  Suid suid;
  std::vector<EntityId> targets;  ///< AE-IDs and CSE-IDs; empty: the MAF supplies them
  std::vector<std::string> labels;
  std::optional<SecretBytes> value;  ///< nullopt: exported from this TLS session (10.3.1)
  /// An end-to-end credential that the MAF makes as TEF (8.6.2), without `value`. Members that demand nothing
  /// leave it to the profiles that the operator has.
  std::optional<e2e::SecurityProfile> profile = {};
  /// One that the source made (8.6.3): `value` is Ke2e_master.
  std::optional<e2e::EndToEndParameters> parameters = {};
};
/// 8.8.2.7: what the source holds afterwards.
struct RegisteredKey {
  KeyId id;  ///< RelativeKeyID@MAF-FQDN (10.3.5)
  Kc key;
  TimePoint expires{};
  Suid suid;
  std::vector<EntityId> targets;
  std::vector<std::string> labels{};
  /// Of an end-to-end credential: `key` is Ke2e_master, and the MAF says whom it takes the source for.
  std::optional<e2e::EndToEndParameters> end_to_end = {};
  std::optional<EntityId> source_entity = {};
};
/// 8.8.2.9: what an update changed; absent as in MafRegistrationChange.
struct KeyChange {
  std::optional<TimePoint> expires;
  std::optional<std::vector<std::string>> labels;
  std::optional<std::vector<EntityId>> targets;
};
/// 8.8.2.8: what a target receives for the RelativeKeyID it asked for.
struct RetrievedKey {
  Kc key;
  TimePoint expires{};
  Suid suid;
  std::string source;  ///< Source MAF Client ID (cr)
  std::optional<EntityId>
      source_entity;  ///< AE-ID or CSE-ID of the source, when the MAF was provided with it (8.2.1)
  std::optional<KeyId> source_km_id;  ///< else the KmID it authenticated with, if symmetric
  std::vector<EntityId> targets;
  std::string admin_fqdn;
  std::vector<std::string> labels{};
  std::optional<e2e::EndToEndParameters> end_to_end = {};  ///< then `key` is Ke2e_master (8.6)
};

/// 8.8.2.2, 8.8.3.1: Master Credential and Master Credential Identifier (10.6) shared with the MAF.
struct MasterCredential {
  KeyId id;
  Km key;
};

struct MafClientOptions {
  Fqdn maf;  ///< MAF-FQDN, the authority; `address` of the peer is configured apart
  SpId home;
  EntityId client_id;      ///< From
  bind::PeerOptions peer;  ///< connections is forced to 1: the exporter belongs to the session
  std::chrono::milliseconds timeout{10'000};
  /// The handshake uses Km, whatever `peer.credentials` says; nullopt: those, which are a certificate then
  /// (client::certificate with the MAF-FQDN as server).
  std::optional<MasterCredential> master{};
};

/// One thread (the reactor's). Every answer is checked: client ID, adminFQDN, SUID unchanged, expiry in the
/// future (8.3.9.9). Callbacks come exactly once, with `unavailable` when the client is destroyed before the
/// answer comes. A KmID that the MAF assigns is used from the next session on (8.8.2.3, 8.8.2.5).
class MafClient {
 public:
  MafClient(bind::Reactor& reactor, MafClientOptions options, AuditSink& audit, const Clock& clock);
  ~MafClient();
  template <class T>
  using Done = UniqueFunction<void(Result<T>)>;

  void handshake(Done<void> done);  ///< 8.8.2.2
  void register_client(std::string admin_fqdn, TimePoint expires, std::vector<std::string> labels,
                       Done<MafRegistration> done);  ///< 8.8.2.3
  /// The registration of an earlier run, among one's own below <MAFBase>; not_found if there is none.
  void find_registration(std::string admin_fqdn, Done<MafRegistration> done);
  void client_configuration(std::string registration_id, Done<std::string> done);  ///< 8.8.2.4, JSON text
  /// 8.8.2.5; invalid_argument unless there is something to update.
  void update_registration(std::string registration_id, std::optional<TimePoint> expires,
                           std::optional<std::vector<std::string>> labels, Done<MafRegistrationChange> done);
  void deregister_client(std::string registration_id, Done<void> done);  ///< 8.8.2.6
  /// 8.8.2.7. Without a value of its own it exports from the session the request went over; a session whose
  /// exporter was used already is closed and a new one made first (one exported key a session), when what was
  /// asked before has been answered. invalid_argument for a number or kind of targets that the SUID excludes,
  /// and for an end-to-end credential without what it needs. With `profile` the answer must meet it.
  void register_key(KeyRegistrationRequest request, Done<RegisteredKey> done);
  void retrieve_key(std::string relative_key_id, Done<RetrievedKey> done);  ///< 8.8.2.8
  /// 8.8.2.9; invalid_argument unless there is something to update, or for an empty list of targets.
  void update_key(std::string relative_key_id, std::optional<TimePoint> expires,
                  std::optional<std::vector<std::string>> labels,
                  std::optional<std::vector<EntityId>> targets, Done<KeyChange> done);
  void deregister_key(std::string relative_key_id, Done<void> done);  ///< 8.8.2.10
  [[nodiscard]] tls::SecurityContextPtr context() const;
  void disconnect();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace latchkey::client
