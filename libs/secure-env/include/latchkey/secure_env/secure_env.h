#pragma once
/// The Secure Environment (TS-0003 6.3): the only holder of long-term secrets. Daemons ask it to do, not to
/// hand over, wherever the algorithm allows. This header is the interface; the software plug-in is in
/// software.h.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/bytes.h"
#include "latchkey/base/error.h"
#include "latchkey/base/ids.h"
#include "latchkey/base/secret.h"

namespace latchkey::secure_env {

/// TS-0003 6.3.2: how well the environment resists; a plug-in states its own.
enum class ProtectionLevel : std::uint8_t { none = 0, low = 1, medium = 2, high = 3 };

/// Names a secret inside the environment; meaningless elsewhere, safe to log.
struct KeyHandle {
  std::string name;  ///< letters, digits, '.', '_', '-', '@'; 1 to 255 octets
  friend bool operator==(const KeyHandle&, const KeyHandle&) = default;
};

/// As the rule of `name` says.
[[nodiscard]] bool is_valid(const KeyHandle& handle) noexcept;

/// Whose use a stored key is bound to; a wrong use is refused (denied).
struct KeyAttributes {
  std::optional<Suid> suid;                  ///< TS-0004 m2m:suid; a PSK is released only for its use
  std::optional<std::int64_t> expires_unix;  ///< seconds UTC; after it the key is expired
};

/// A secret on its way into an environment.
struct NewKey {
  KeyHandle handle;
  KeyAttributes attributes;
  SecretBytes secret;
};

class SecureEnvironment {
 public:
  SecureEnvironment() = default;
  SecureEnvironment(const SecureEnvironment&) = delete;
  SecureEnvironment& operator=(const SecureEnvironment&) = delete;
  virtual ~SecureEnvironment() = default;

  [[nodiscard]] virtual ProtectionLevel protection_level() const noexcept = 0;

  /// Stores a secret durably before it returns. conflict if the handle is taken. Thread-safe, may block on
  /// disk.
  [[nodiscard]] virtual Status store(const KeyHandle& handle, const KeyAttributes& attributes,
                                     SecretBytes&& secret) = 0;
  /// As store(), but a key of that handle makes way, in one step: at no moment, and after no failure, is
  /// there none.
  [[nodiscard]] virtual Status replace(const KeyHandle& handle, const KeyAttributes& attributes,
                                       SecretBytes&& secret) = 0;
  /// All or none; a plug-in that can makes it one write to the disk.
  [[nodiscard]] virtual Status store_all(std::vector<NewKey>&& keys);
  [[nodiscard]] virtual Status remove(const KeyHandle& handle) = 0;
  [[nodiscard]] virtual std::vector<KeyHandle> list() const = 0;
  /// Takes over what another process (the CLI) has changed, removals too: a daemon calls it on SIGHUP. On an
  /// error what is in memory stays. Thread-safe.
  [[nodiscard]] virtual Status reload() { return {}; }

  /// A copy of a key for a TLS-PSK handshake: no TLS library takes a PSK by reference, so it must be handed
  /// over. Refused (denied) unless the key's SUID has use `use`; expired and not_found as they say. From
  /// memory, no disk. Thread-safe.
  [[nodiscard]] virtual Result<SecretBytes> use_as_psk(const KeyHandle& handle, Suid::Use use,
                                                       std::int64_t now_unix) const = 0;
  /// PEM of a private key for the TLS engine, under the same rules; plug-ins that can sign inside refuse it.
  [[nodiscard]] virtual Result<SecretBytes> use_as_private_key(const KeyHandle& handle) const = 0;
  /// HMAC-SHA-256 with a key that stays inside (all derivations of 10.3 are made of it).
  [[nodiscard]] virtual Result<SecretBytes> hmac(const KeyHandle& handle, ByteView data) const = 0;

  /// Encrypts a secret for keeping outside (a database row), bound to `context` (AES-256-GCM, random nonce).
  /// Thread-safe.
  [[nodiscard]] virtual Result<Bytes> seal(std::string_view context, const SecretBytes& secret) const = 0;
  /// authentication error if the blob, its context or the key-encryption key is another.
  [[nodiscard]] virtual Result<SecretBytes> unseal(std::string_view context, ByteView sealed) const = 0;
};

}  // namespace latchkey::secure_env
