#pragma once
/// Whose the public keys of others are (TS-0003 8.5.2.2.4.1, 8.5.2.3.2.1).
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "latchkey/crypto/keys.h"
#include "latchkey/e2e/esdata.h"
#include "latchkey/pki/certificate.h"

namespace latchkey::e2e {

/// What an end-point is configured with about others, and what it makes of certificates that it finds in an
/// e2eSecInfo or is sent: nothing is believed for where it stood (8.5.2.2.4.2, 8.5.2.3.2.2). Immutable,
/// thread-safe.
class PeerCertificates {
 public:
  /// Raw Public Key Certificate: the key itself says nothing, so the configuration says whose it is and for
  /// which use.
  struct RawKey {
    EntityId owner;
    Suid::Use use;  ///< esdata_encryption or esdata_signature
    Bytes spki;     ///< DER SubjectPublicKeyInfo
  };
  /// Device Certificate: it names a piece of hardware, the configuration says which end-point that is.
  struct Device {
    M2mDeviceId device;
    EntityId owner;
  };
  struct Config {
    std::shared_ptr<const pki::TrustStore> trust;  ///< nullptr: raw keys only
    SpId home;
    std::optional<CseId> in_cse = {};  ///< IN-CSE of the domain, for the names of other CSEs
    bool annex_b = false;
    std::vector<RawKey> raw_keys = {};
    std::vector<Device> devices = {};
  };
  explicit PeerCertificates(Config config) : config_(std::move(config)) {}

  struct Trusted {
    crypto::PublicKey key;
    EsDataCredential credential;  ///< SUID 44 or 45; it ends with the certificate's path
  };
  /// The key of `end_point` for `use`: the first of `candidates` (DER certificates, with the CA certificates
  /// of their paths among them, or raw SubjectPublicKeyInfo) that is trusted to be of exactly this AE or CSE
  /// and whose key usage permits it. `kid` is how envelopes name it. not_found: none, with the reason of
  /// each; invalid_argument: another use, more than kEndToEndCertificatesMax candidates.
  [[nodiscard]] Result<Trusted> find(const EntityId& end_point, Suid::Use use,
                                     std::span<const Bytes> candidates, std::string kid, TimePoint now) const;

 private:
  [[nodiscard]] Result<Trusted> raw(const EntityId& end_point, Suid::Use use, const Bytes& spki) const;
  [[nodiscard]] Result<Trusted> certified(const EntityId& end_point, Suid::Use use,
                                          const std::vector<pki::Certificate>& chain, TimePoint now) const;
  [[nodiscard]] bool names(const pki::CertifiedIdentity& identity, const EntityId& end_point) const;
  Config config_;
};

}  // namespace latchkey::e2e
