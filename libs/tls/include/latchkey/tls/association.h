#pragma once
/// From a provisioned key or a certificate to the identity of a peer (TS-0003 8.2.1, 8.2.2.1, 8.2.2.2): what
/// the endpoint of a MAF or of a DAS Server asks; they differ by an Admission. A CSE, which also knows keys
/// of MAFs and app rules, builds on the functions.
#include <memory>
#include <string_view>

#include "latchkey/secure_env/psk_table.h"
#include "latchkey/tls/endpoint.h"

namespace latchkey::tls {

/// Which keys of the lookup table are taken, and under which Credential-ID they stand (10.4).
struct KeyUse {
  Suid::Use use;
  CredentialType type;
  std::string_view name;  ///< "KmID"
};
inline constexpr KeyUse kMasterCredential{Suid::Use::maf, CredentialType::km, "KmID"};
inline constexpr KeyUse kProvisionedKey{Suid::Use::saef, CredentialType::kpsa_or_kc, "KpsaID"};

/// Key and context of a table entry. Its entity, if any, is the identity; who may have none or which is the
/// caller's. denied for another use, expired after the lifetime of key or entry. Views in, values out.
[[nodiscard]] Result<PskCredential> provisioned_credential(const secure_env::PskEntry& entry,
                                                           const KeyUse& use,
                                                           const secure_env::SecureEnvironment& environment,
                                                           const Clock& clock);
/// After a reload: not_found unless the key behind an established session is still in the table, the same and
/// for the same entity. Sessions that no provisioned key made are not looked at. `table` may be null: empty.
[[nodiscard]] Status still_valid(const SecurityContext& context, const secure_env::PskTable* table);

/// Whom a server that is no CSE admits.
struct Admission {
  std::string_view server;  ///< for refusals: "a MAF"
  KeyUse keys;
  bool devices;  ///< M2M-Device-IDs besides AE-IDs and CSE-IDs
};

/// Keys of the lookup table by psk_identity. An entry without an entity that is admitted is refused.
/// Reactor's thread; references outlive this object.
class TableKeys final : public PskSource {
 public:
  TableKeys(const Admission& admission, const secure_env::SecureEnvironment& environment, const Clock& clock)
      : admission_(admission), environment_(environment), clock_(clock) {}
  void set_table(std::shared_ptr<const secure_env::PskTable> table) { table_ = std::move(table); }
  void find(std::string_view identity, std::string_view source, Answer answer) override;
  [[nodiscard]] Status still_valid(const SecurityContext& context) const {
    return tls::still_valid(context, table_.get());
  }

 private:
  [[nodiscard]] Result<PskCredential> look_up(std::string_view identity) const;

  const Admission admission_;
  const secure_env::SecureEnvironment& environment_;
  const Clock& clock_;
  std::shared_ptr<const secure_env::PskTable> table_;
};

/// AE-ID and CSE-ID certificates, and device certificates where devices are admitted (8.1.2.4). Every other
/// flavour is refused (denied).
class EntityCertificates final : public CertificateMapper {
 public:
  /// `in_cse`: of the domain, for public domain names of CSE-ID certificates.
  EntityCertificates(const Admission& admission, SpId home, CseId in_cse)
      : admission_(admission), home_(std::move(home)), in_cse_(std::move(in_cse)) {}
  [[nodiscard]] Result<SecurityContext> map(const pki::TrustStore::Verified& peer) override;

 private:
  [[nodiscard]] Status identify(const pki::CertifiedIdentity& certified, SecurityContext& context) const;

  const Admission admission_;
  SpId home_;
  CseId in_cse_;
};

}  // namespace latchkey::tls
