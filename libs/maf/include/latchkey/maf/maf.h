#pragma once
/// The M2M Authentication Function without sockets: TS-0003 8.8.2.2 to 8.8.2.10 over Mmaf resources
/// (TS-0032); also as Trust Enabling Function for end-to-end security (8.6).
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "latchkey/base/audit.h"
#include "latchkey/base/executor.h"
#include "latchkey/base/ids.h"
#include "latchkey/bind/request.h"
#include "latchkey/e2e/security_profile.h"
#include "latchkey/secure_env/secure_env.h"
#include "latchkey/store/store.h"

namespace latchkey::maf {

/// What the operator says of one client: who its credential is, and for which stakeholders it may register.
struct MafClientPolicy {
  EntityId client;                 ///< as authenticated: device id, AE-ID, CSE-ID (or by KmID in `km_id`)
  std::optional<EntityId> entity;  ///< AE-ID or CSE-ID that is returned to targets (8.2.1)
  std::vector<std::string> admin_fqdns;     ///< empty: any configured stakeholder
  std::vector<EntityId> default_targets;    ///< supplied when a key registration names none
  std::vector<EntityId> permitted_targets;  ///< empty: any
  std::string configuration;  ///< JSON for client configuration retrieval (8.8.2.4); empty: none
  /// 8.6.2, table 9.2.3.2-1: what it demands of end-to-end credentials, as source and as target.
  std::optional<e2e::SecurityProfile> profile = {};
  std::vector<Suid> features = {};  ///< SUIDs that it supports as a target (e2eSecInfo); empty: not known
};

struct MafOptions {
  Fqdn fqdn;  ///< MAF-FQDN
  SpId home;
  std::vector<std::string> admin_fqdns;  ///< administrating stakeholders served
  std::vector<MafClientPolicy> clients;
  bool unknown_clients = false;       ///< serve authenticated clients that no policy names
  bool accept_suid_11_as_32 = false;  ///< TR-0038 compatibility (design section 7)
  std::chrono::seconds registration_max{std::chrono::hours(24 * 366)};
  std::chrono::seconds key_max{std::chrono::hours(24 * 31)};
  std::size_t keys_per_client = 1'000;
  std::size_t registrations_max = 1'000'000;
  std::size_t store_queue_limit = 10'000;
  /// Km by the KmID of a session, for end-to-end credentials (8.6.2); not_found and so on. Empty: they are
  /// made of what the session exports. Called on the reactor's thread.
  std::function<Result<SecretBytes>(std::string_view km_id)> master_key = {};
  /// A commit failed: memory is ahead of the disk. Called once; the daemon stops (fail-stop). May be empty.
  std::function<void(const Error&)> store_failed;
};

class Maf final : public bind::RequestHandler {
 public:
  /// Loads registrations and keys (key values sealed by the environment). References outlive the MAF.
  [[nodiscard]] static Result<std::unique_ptr<Maf>> open(MafOptions options, store::Store& store,
                                                         const secure_env::SecureEnvironment& environment,
                                                         Executor& executor, const Clock& clock,
                                                         AuditSink& audit);
  ~Maf() override;
  void handle(bind::IncomingRequest request, bind::Respond respond) override;
  /// SIGHUP: new policies; registrations of clients that are no longer served are refused from now on.
  void replace_policies(MafOptions options);

  struct Counters {
    std::uint64_t requests = 0, refused = 0;
    std::size_t registrations = 0, keys = 0;
  };
  [[nodiscard]] Counters counters() const;

  struct Impl;
  explicit Maf(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::maf
