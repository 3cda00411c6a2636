#pragma once
/// The psk-lookup-table of TR-0038 7.1.2: entity id, psk identity, key handle. The keys are in the Secure Environment.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/secure_env/secure_env.h"

namespace latchkey::secure_env {

struct PskEntry {
  std::optional<EntityId> entity;  ///< nullopt: identity is found by Credential-ID (8.2.1)
  KeyId identity;                  ///< KpsaID or KmID
  KeyHandle key;
  Suid suid;                       ///< 12, 22 (SAEF) for a CSE; 11, 21 for a MAF
  std::optional<std::int64_t> expires_unix;
};

/// A table file (`psk.tsv` in state_dir: entity TAB psk-identity TAB key-handle TAB suid [TAB expiry]), '#' comments.
/// Immutable once loaded, shared as a snapshot, replaced on reload. find() is O(1) and thread-safe.
class PskTable {
 public:
  /// A missing file is an empty table. Every bad line is named with file, line and reason, in one error.
  [[nodiscard]] static Result<std::shared_ptr<const PskTable>> load(const std::string& file, const SpId& home);
  [[nodiscard]] const PskEntry* find(std::string_view identity) const;
  [[nodiscard]] const std::vector<PskEntry>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

 private:
  std::vector<PskEntry> entries_;
  struct Index;
  std::shared_ptr<const Index> index_;
  std::uint64_t generation_ = 0;
};

/// What `latchkey psk add|import|remove` do: key into the environment first, then the table line, so that a crash leaves
/// at worst an unused key. `min_bits` refuses short keys (invalid_argument; TR-0038's 64-bit examples need 64).
[[nodiscard]] Status psk_add(SecureEnvironment& environment, const std::string& table_file, const SpId& home, std::optional<EntityId> entity,
                             const KeyId& identity, Suid suid, std::optional<std::int64_t> expires_unix, SecretBytes&& key, unsigned min_bits);
[[nodiscard]] Status psk_remove(SecureEnvironment& environment, const std::string& table_file, const SpId& home, const KeyId& identity);
/// Import file (0600 required): entity TAB psk-identity TAB key-hex TAB suid [TAB expiry timestamp]; '-' for no entity.
/// All lines are checked before the first is applied. Returns how many were added.
[[nodiscard]] Result<std::size_t> psk_import(SecureEnvironment& environment, const std::string& table_file, const SpId& home,
                                             const std::string& import_file, unsigned min_bits);

}  // namespace latchkey::secure_env
