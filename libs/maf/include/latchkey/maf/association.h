#pragma once
/// From a credential to a MAF client's identity (TS-0003 8.8.2.2): what the MAF's TLS endpoint asks.
#include <memory>

#include "latchkey/secure_env/psk_table.h"
#include "latchkey/tls/endpoint.h"

namespace latchkey::maf {

/// Km by KmID from the lookup table (SUID 11, 21). An entry without an entity is refused: the MAF knows its
/// clients. Reactor's thread; references outlive this object.
class MasterCredentials final : public tls::PskSource {
 public:
  MasterCredentials(const secure_env::SecureEnvironment& environment, const Clock& clock)
      : environment_(environment), clock_(clock) {}
  void set_table(std::shared_ptr<const secure_env::PskTable> table) { table_ = std::move(table); }
  void find(std::string_view identity, std::string_view source, Answer answer) override;
  /// After a reload: whether the key behind an established session is still in the table, for the same
  /// client.
  [[nodiscard]] Status still_valid(const tls::SecurityContext& context) const;

 private:
  [[nodiscard]] Result<tls::PskCredential> look_up(std::string_view identity) const;

  const secure_env::SecureEnvironment& environment_;
  const Clock& clock_;
  std::shared_ptr<const secure_env::PskTable> table_;
};

/// Every client flavour but raw keys (8.1.2.4 against table 10.1.3-1): device, CSE-ID, AE-ID.
class ClientCertificates final : public tls::CertificateMapper {
 public:
  ClientCertificates(SpId home, CseId in_cse) : home_(std::move(home)), in_cse_(std::move(in_cse)) {}
  [[nodiscard]] Result<tls::SecurityContext> map(const pki::TrustStore::Verified& peer) override;

 private:
  SpId home_;
  CseId in_cse_;
};

}  // namespace latchkey::maf
