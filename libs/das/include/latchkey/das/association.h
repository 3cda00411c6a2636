#pragma once
/// From a credential to the identity of a Hosting CSE or an originator (TS-0003 8.2.1): what the DAS Server's
/// TLS endpoint asks.
#include <memory>

#include "latchkey/secure_env/psk_table.h"
#include "latchkey/tls/endpoint.h"

namespace latchkey::das {

/// Kpsa by KpsaID from the lookup table (SUID 12, 22). An entry without an AE-ID or CSE-ID is refused:
/// whoever asks a DAS is somebody. Reactor's thread; references outlive this object.
class AssociationKeys final : public tls::PskSource {
 public:
  AssociationKeys(const secure_env::SecureEnvironment& environment, const Clock& clock)
      : environment_(environment), clock_(clock) {}
  void set_table(std::shared_ptr<const secure_env::PskTable> table) { table_ = std::move(table); }
  void find(std::string_view identity, std::string_view source, Answer answer) override;
  /// After a reload: whether the key behind an established session is still in the table, for the same
  /// entity.
  [[nodiscard]] Status still_valid(const tls::SecurityContext& context) const;

 private:
  [[nodiscard]] Result<tls::PskCredential> look_up(std::string_view identity) const;

  const secure_env::SecureEnvironment& environment_;
  const Clock& clock_;
  std::shared_ptr<const secure_env::PskTable> table_;
};

/// AE-ID and CSE-ID certificates (8.1.2.4).
class AssociationCertificates final : public tls::CertificateMapper {
 public:
  AssociationCertificates(SpId home, CseId in_cse) : home_(std::move(home)), in_cse_(std::move(in_cse)) {}
  [[nodiscard]] Result<tls::SecurityContext> map(const pki::TrustStore::Verified& peer) override;

 private:
  SpId home_;
  CseId in_cse_;
};

}  // namespace latchkey::das
