#pragma once
/// Where the key-encryption key (KEK) comes from.
#include <cstdint>

#include "latchkey/secure_env/software.h"

namespace latchkey::secure_env {

inline constexpr std::size_t kKekBytes = 32;
inline constexpr std::size_t kPassphraseBytesMin = 8;
inline constexpr std::size_t kPassphraseBytesMax = 1024;

/// What the source holds: the key itself, or a passphrase to be stretched with the salt of the key file.
enum class KekKind : std::uint8_t { key = 1, passphrase = 2 };

struct KekSource {
  KekKind kind = KekKind::key;
  SecretBytes octets;
  /// The KEK; some 100 ms for a passphrase (scrypt).
  [[nodiscard]] SecretBytes key(ByteView salt) const;
};

/// Reads the one source that `options` name. `invalid_argument` for none or two, for a source inside the
/// folder (symbolic links resolved) and for malformed content; `denied` for a file that others may use.
[[nodiscard]] Result<KekSource> read_kek(const SoftwareOptions& options);

}  // namespace latchkey::secure_env
