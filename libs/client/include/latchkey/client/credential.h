#pragma once
/// What an AE or CSE proves itself with towards its registrar, by the three frameworks of TS-0003 8.2.2.
#include <functional>
#include <memory>

#include "latchkey/client/maf_client.h"
#include "latchkey/tls/endpoint.h"

namespace latchkey::client {

/// Gives the TLS options for a new connection. Reactor's thread.
class SaeCredential {
 public:
  SaeCredential() = default;
  SaeCredential(const SaeCredential&) = delete;
  SaeCredential& operator=(const SaeCredential&) = delete;
  virtual ~SaeCredential() = default;
  /// Makes sure that the credential can be used now (MAF-based: fetches a key, or a new one when the old one
  /// ends within `margin`); then options() is valid. At once for the other two.
  virtual void prepare(UniqueFunction<void(Status)> done) = 0;
  [[nodiscard]] virtual Result<tls::ClientOptions> options() = 0;
  /// The server refused this credential: MAF-based drops the key, here and at the MAF, so that the next
  /// prepare() gets a new one.
  virtual void refused() = 0;
  /// Changes when prepare() brought another credential: sessions made with the old one are then ended by the
  /// client.
  [[nodiscard]] virtual std::uint64_t generation() const = 0;
};

/// 8.2.2.1: identity (KpsaID) and Kpsa; the session belongs to `server` afterwards.
[[nodiscard]] std::shared_ptr<SaeCredential> provisioned_key(KeyId identity, Kpsa key, EntityId server,
                                                             SpId home);

struct CertificateCredentialOptions {
  std::shared_ptr<const tls::OwnCertificate> own;
  std::shared_ptr<const pki::TrustStore> trust;
  SpId home;
  EntityId server;                     ///< CSE-ID that the server's certificate must name, or a MAF's FQDN
  std::optional<CseId> server_in_cse;  ///< for the public domain name of an MN-CSE
  bool annex_b = false;
  /// 8.1.2.4: the server has a device certificate with this hardware identifier; it stands for `server`, the
  /// CSE that runs on the device.
  std::optional<M2mDeviceId> server_device{};
};
/// 8.2.2.2: exact match of the configured identity with the certificate; nothing else is accepted.
[[nodiscard]] std::shared_ptr<SaeCredential> certificate(CertificateCredentialOptions options);

struct MafCredentialOptions {
  std::shared_ptr<MafClient> maf;
  std::string admin_fqdn;
  EntityId server;                              ///< target of the key, IdB
  Suid suid;                                    ///< 32
  std::optional<MafRegistration> registration;  ///< of an earlier run, if the application kept it
  SpId home;
  std::chrono::seconds registration_lifetime{std::chrono::hours(24 * 365)};
  std::chrono::seconds key_lifetime{std::chrono::hours(24 * 7)};
  /// A key that ends sooner is replaced before it is used; at most a quarter of the life it was given.
  std::chrono::seconds margin{60};
  /// 8.8.2.4: ask the MAF for the client configuration at each registration and apply its key registration
  /// configuration for `admin_fqdn` and `suid` (client/configuration.h). None there: the values above.
  bool configured_by_maf = false;
  std::function<void(const RegisteredKey&)>
      on_key;  ///< tells the application (never the key itself to a log)
};
/// 8.2.2.3: registers with the MAF, registers a key, uses it as PSK until it ends, then registers another.
[[nodiscard]] std::shared_ptr<SaeCredential> maf_key(MafCredentialOptions options, const Clock& clock);

}  // namespace latchkey::client
