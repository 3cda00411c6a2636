#pragma once
/// What authentication yields (TS-0003 8.2.1): made in one place, carried, never rebuilt.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "latchkey/base/ids.h"
#include "latchkey/base/time.h"

namespace latchkey::tls {

enum class Framework : std::uint8_t { none, provisioned_symmetric_key, certificate, maf, trusted_listener };
[[nodiscard]] std::string_view to_string(Framework framework) noexcept;

/// Immutable after the handshake, shared by every request of the session; `revoked()` is the only thing that
/// changes.
struct SecurityContext {
  Framework framework = Framework::none;
  /// The peer's one identity: a CSE-ID, an AE-ID, a device id or an FQDN (MAF and MEF clients). Empty:
  /// allowed_ae_ids decides, or nothing is known but the credential.
  std::optional<EntityId> identity{};
  std::vector<AeId> allowed_ae_ids{};           ///< device certificate: any of these (8.2.1)
  std::optional<CredentialId> credential_id{};  ///< 10.4
  std::string psk_identity{};                   ///< as presented; empty for certificates
  std::string key_handle{};                ///< of a provisioned key: which one of that psk_identity it was
  std::string certificate_sha256{};        ///< hex fingerprint of the peer's leaf; empty for PSK
  std::string cipher_suite{};              ///< "TLS_PSK_WITH_AES_128_CBC_SHA256"
  std::uint16_t cipher_suite_id = 0;       ///< 0x00ae
  std::string server_name{};               ///< SNI
  std::optional<TimePoint> valid_until{};  ///< expiry of key or certificate path; checked on every request
};
using SecurityContextPtr = std::shared_ptr<const SecurityContext>;

}  // namespace latchkey::tls
