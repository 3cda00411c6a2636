#include "support/hierarchy.h"

#include <stdexcept>

namespace latchkey::association {

namespace {

pki::NameConstraints constraints() {
  return {.dns = {"my.m2mprovider.org", "provider.org"},
          .uri_hosts = {"my.m2mprovider.org"},
          .device_arcs = {"0.2.481.1.100"}};
}

}  // namespace

const SpId& home() {
  static const SpId sp = *SpId::parse("//my.m2mprovider.org");
  return sp;
}
CseId cse_id(std::string_view text) { return *CseId::parse(text, home()); }
AeId ae_id(std::string_view text) { return *AeId::parse(text, home()); }
CseId in_cse() { return cse_id("/in-cse"); }
CseId mn_cse() { return cse_id("/mn-cse-123456"); }
Fqdn maf_fqdn() { return *Fqdn::parse("myMAF.provider.org"); }

Hierarchy& Hierarchy::instance() {
  static Hierarchy made;
  return made;
}

Hierarchy::Hierarchy()
    : root_(
          *pki::Authority::create_root(folder_.file("root"), "Root", constraints(), std::chrono::days(3650))),
      issuing_(*pki::Authority::create_intermediate(folder_.file("issuing"), root_, "Issuing", constraints(),
                                                    std::chrono::days(1000))),
      stranger_(*pki::Authority::create_root(folder_.file("stranger"), "Stranger", constraints(),
                                             std::chrono::days(3650))),
      trust_(*pki::TrustStore::make({{root_.certificate(), {}}}, {})),
      stranger_trust_(*pki::TrustStore::make({{stranger_.certificate(), {}}}, {})) {}

pki::SubjectRequest Hierarchy::cse_names(const CseId& id) {
  pki::SubjectRequest subject;
  subject.flavour = pki::Flavour::cse_id;
  subject.domain_name = *id.public_domain_name(id == in_cse() ? std::nullopt : std::optional(in_cse()));
  return subject;
}

OwnPtr Hierarchy::ae(const AeId& id) {
  pki::SubjectRequest subject;
  subject.flavour = pki::Flavour::ae_id;
  subject.ae_id = id;
  return issue(issuing_, subject);
}

OwnPtr Hierarchy::device(std::string_view id) {
  pki::SubjectRequest subject;
  subject.flavour = pki::Flavour::device;
  subject.device_id = *M2mDeviceId::parse(id);
  return issue(issuing_, subject);
}

OwnPtr Hierarchy::node(const std::string& uri) {
  pki::SubjectRequest subject;
  subject.flavour = pki::Flavour::node_id;
  subject.node_id = uri;
  return issue(issuing_, subject);
}

OwnPtr Hierarchy::fqdn(const Fqdn& name) {
  pki::SubjectRequest subject;
  subject.flavour = pki::Flavour::fqdn;
  subject.domain_name = name;
  return issue(issuing_, subject);
}

OwnPtr Hierarchy::issue(pki::Authority& authority, const pki::SubjectRequest& subject) {
  auto key = *pki::PrivateKey::generate();
  const auto issued = authority.issue(subject, key.public_spki(), std::chrono::days(100));
  if (!issued) throw std::runtime_error(issued.error().detail);
  return std::make_shared<const tls::OwnCertificate>(
      tls::OwnCertificate{*pki::Certificate::chain_from_pem(issued->chain_pem), std::move(key)});
}

}  // namespace latchkey::association
