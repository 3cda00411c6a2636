#pragma once
/// From a credential to an identity (TS-0003 8.2.1, 8.2.2.1-8.2.2.3): what a CSE's TLS endpoint asks.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "latchkey/base/audit.h"
#include "latchkey/base/executor.h"
#include "latchkey/base/unique_function.h"
#include "latchkey/cse/maf_keys.h"
#include "latchkey/secure_env/psk_table.h"
#include "latchkey/tls/endpoint.h"

namespace latchkey::cse {

/// AE-IDs that serviceSubscribedAppRules give a credential; see Cse::allowed_ae_ids.
using AppRules = std::function<std::vector<AeId>(const CredentialId&)>;

/// PSKs of a CSE: the lookup table, and the keys of configured MAFs (8.2.2.3). Reactor's thread.
class KeySource final : public tls::PskSource {
 public:
  /// References outlive this object.
  KeySource(MafKeyOptions options, const secure_env::SecureEnvironment& environment, const Clock& clock,
            AuditSink& audit);
  ~KeySource() override;
  void set_table(std::shared_ptr<const secure_env::PskTable> table);
  void set_app_rules(AppRules rules);
  /// Whose keys count beside those of the table.
  [[nodiscard]] MafKeys& maf_keys() noexcept;

  void find(std::string_view identity, std::string_view source, Answer answer) override;

  /// After a reload: whether the key behind an established session is still known, and still that of the same
  /// entity; removed and replaced keys are not.
  [[nodiscard]] Status still_valid(const tls::SecurityContext& context) const;
  /// Whether an entry of the table stands for this AE-ID (it is bound to a credential).
  [[nodiscard]] bool binds(const AeId& id) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// Identity of a verified client certificate (8.2.2.2): CSE-ID or AE-ID from the certificate; a device
/// certificate by its Credential-ID and the app rules; every other flavour is refused.
class ClientCertificates final : public tls::CertificateMapper {
 public:
  /// `in_cse`: IN-CSE of this CSE's domain (for public domain names of MN-CSEs). `annex_b`: TR-0038 Annex B
  /// names count.
  ClientCertificates(SpId home, CseId in_cse, bool annex_b)
      : home_(std::move(home)), in_cse_(std::move(in_cse)), annex_b_(annex_b) {}
  void set_app_rules(AppRules rules) { rules_ = std::move(rules); }
  [[nodiscard]] Result<tls::SecurityContext> map(const pki::TrustStore::Verified& peer) override;

 private:
  SpId home_;
  CseId in_cse_;
  bool annex_b_;
  AppRules rules_;
};

}  // namespace latchkey::cse
