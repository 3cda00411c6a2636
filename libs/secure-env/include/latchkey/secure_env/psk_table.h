#pragma once
/// The psk-lookup-table of TR-0038 7.1.2: entity id, psk identity, key handle. The keys are in the Secure
/// Environment.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/secure_env/secure_env.h"

namespace latchkey::secure_env {

struct PskEntry {
  std::optional<EntityId> entity;  ///< nullopt: identity is found by Credential-ID (8.2.1)
  KeyId identity;                  ///< KpsaID, KmID or pairwiseESPrimKeyID
  KeyHandle key;
  Suid suid;  ///< 12, 22 (SAEF), 13, 23 (ESPrim) for a CSE; 11, 21 for a MAF
  std::optional<std::int64_t> expires_unix;
};

inline constexpr std::size_t kPskFileBytesMax = 64U << 20U;  ///< table and import file
inline constexpr std::size_t kPskLineBytesMax = 2048;
inline constexpr std::size_t kPskIdentityBytesMax = 255;
inline constexpr std::size_t kPskBytesMax = 64;

/// A table file (`psk.tsv` in state_dir: entity TAB psk-identity TAB key-handle TAB suid [TAB expiry]), '#'
/// comments,
/// '-' for no entity, expiry as m2m:timestamp. Entities are CSE-IDs, AE-IDs and device ids: a bare name would
/// be an FQDN, which no originator is, and is refused. Identities and handles are unique in a table.
/// Immutable once loaded, shared as a snapshot, replaced on reload. find() is O(1) and thread-safe.
class PskTable {
 public:
  /// A missing file is an empty table; `denied` if others than its owner (we or root) may write it. One bad
  /// line refuses the whole file: invalid_argument naming every bad line with file, line and reason (of more
  /// than 1000 the first 1000).
  [[nodiscard]] static Result<std::shared_ptr<const PskTable>> load(const std::string& file,
                                                                    const SpId& home);
  /// The content of a table file; `name` stands for the file in errors. Pure.
  [[nodiscard]] static Result<std::shared_ptr<const PskTable>> parse(std::string_view text,
                                                                     const std::string& name,
                                                                     const SpId& home);
  /// `identity` as a peer sent it, any octets; nullptr if there is none. Its FQDN is compared without case,
  /// its relative part too for a KmID (SUID 11, 21; TS-0003 10.6) but not for a KpsaID (10.5). Does not look
  /// at expiry.
  [[nodiscard]] const PskEntry* find(std::string_view identity) const;
  [[nodiscard]] const std::vector<PskEntry>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

 private:
  std::vector<PskEntry> entries_;
  struct Index;
  std::shared_ptr<const Index> index_;
  std::uint64_t generation_ = 0;
};

/// What `latchkey psk add|import|remove` do: key into the environment first, then the table line, so that a
/// crash leaves at worst an unused key; removal the other way round. The table is replaced as a whole,
/// comments stay; two processes take turns. conflict if the identity is there already. A key has at most
/// kPskBytesMax octets; `min_bits` refuses short keys (invalid_argument; TR-0038's 64-bit examples need 64).
[[nodiscard]] Status psk_add(SecureEnvironment& environment, const std::string& table_file, const SpId& home,
                             std::optional<EntityId> entity, const KeyId& identity, Suid suid,
                             std::optional<std::int64_t> expires_unix, SecretBytes&& key, unsigned min_bits);
[[nodiscard]] Status psk_remove(SecureEnvironment& environment, const std::string& table_file,
                                const SpId& home, const KeyId& identity);
/// Import file (0600 required): entity TAB psk-identity TAB key-hex TAB suid [TAB expiry timestamp]; '-' for
/// no entity. All lines are checked before the first is applied, and all bad ones are named
/// (invalid_argument), never with a key; all are applied or none. Returns how many were added.
[[nodiscard]] Result<std::size_t> psk_import(SecureEnvironment& environment, const std::string& table_file,
                                             const SpId& home, const std::string& import_file,
                                             unsigned min_bits);

}  // namespace latchkey::secure_env
