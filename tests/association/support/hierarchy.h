#pragma once
/// The certificates of a service provider's domain, made once per process with libs/pki: a root, an issuing
/// CA below it, and another root that nobody trusts.
#include <memory>
#include <string>

#include "latchkey/pki/authority.h"
#include "latchkey/tls/endpoint.h"
#include "state_folder.h"

namespace latchkey::association {

[[nodiscard]] const SpId& home();
[[nodiscard]] CseId cse_id(std::string_view text);
[[nodiscard]] AeId ae_id(std::string_view text);
[[nodiscard]] CseId in_cse();
[[nodiscard]] CseId mn_cse();
[[nodiscard]] Fqdn maf_fqdn();

using OwnPtr = std::shared_ptr<const tls::OwnCertificate>;
using TrustPtr = std::shared_ptr<const pki::TrustStore>;

class Hierarchy {
 public:
  static Hierarchy& instance();

  [[nodiscard]] OwnPtr cse(const CseId& id) { return issue(issuing_, cse_names(id)); }
  [[nodiscard]] OwnPtr ae(const AeId& id);
  [[nodiscard]] OwnPtr device(std::string_view id);
  [[nodiscard]] OwnPtr node(const std::string& uri);
  /// For a TLS server only, as FQDN certificates are (8.1.2.1).
  [[nodiscard]] OwnPtr fqdn(const Fqdn& name);
  /// Of the root that nobody trusts.
  [[nodiscard]] OwnPtr stranger(const CseId& id) { return issue(stranger_, cse_names(id)); }

  [[nodiscard]] TrustPtr trust() const { return trust_; }
  [[nodiscard]] TrustPtr stranger_trust() const { return stranger_trust_; }

 private:
  Hierarchy();
  static pki::SubjectRequest cse_names(const CseId& id);
  static OwnPtr issue(pki::Authority& authority, const pki::SubjectRequest& subject);

  latchkey::test::TemporaryFolder folder_;
  pki::Authority root_, issuing_, stranger_;
  TrustPtr trust_, stranger_trust_;
};

}  // namespace latchkey::association
