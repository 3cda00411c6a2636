#pragma once
/// Keys that MAFs distribute to this CSE (TS-0003 8.8.2.8), for one use of them.
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "latchkey/base/audit.h"
#include "latchkey/base/unique_function.h"
#include "latchkey/client/maf_client.h"

namespace latchkey::cse {

/// MAF Key Retrieval (8.8.2.8) of one RelativeKeyID, upper case. `done` is called exactly once, on the
/// reactor's thread.
using FetchKey = std::function<void(const std::string& relative_key_id,
                                    UniqueFunction<void(Result<client::RetrievedKey>)> done)>;

struct MafKeyOptions {
  CseId self;                           ///< must be among a key's targets
  Suid suid = *Suid::from(32);          ///< 32: TLS (8.2.2.3); 33: ESPrim (8.4.2)
  bool accept_suid_11_as_32 = false;    ///< TR-0038 compatibility (decision 0002)
  std::size_t fetches_per_source = 32;  ///< waiting for a MAF at once, per address
  std::size_t fetches = 1'024;          ///< in all
  std::size_t cached_keys = 10'000;
  std::chrono::seconds negative_cache{10};  ///< a key that was refused is not asked for again so soon
};

/// A key that may be used now, and whose it is.
struct MafKey {
  KeyId id;
  Kc key;
  TimePoint end{};
  /// What the MAF was provided with, else an AE-ID or CSE-ID that the source authenticated as.
  std::optional<EntityId> source;
  std::optional<CredentialId> credential_id;               ///< of what the source authenticated with (10.4)
  std::optional<e2e::EndToEndParameters> end_to_end = {};  ///< then `key` is Ke2e_master (8.6)
};

/// Only the FQDNs of configured MAFs are ever contacted, only for a RelativeKeyID of 32 hex digits, once per
/// key however many wait for it. Reactor's thread.
class MafKeys {
 public:
  /// `clock` and `audit` outlive it.
  MafKeys(MafKeyOptions options, const Clock& clock, AuditSink& audit);
  ~MafKeys();
  MafKeys(const MafKeys&) = delete;
  MafKeys& operator=(const MafKeys&) = delete;
  void add(const Fqdn& maf, FetchKey fetch);
  void add(const Fqdn& maf, std::shared_ptr<client::MafClient> client);

  using Answer = UniqueFunction<void(Result<std::shared_ptr<const MafKey>>)>;
  /// Answers at once or later, exactly once. not_found: no key of a configured MAF; denied: for another use
  /// or target; expired; limit; and what the MAF answers. `source`: the address for which it is asked.
  void find(std::string_view id, std::string_view source, Answer answer);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace latchkey::cse
