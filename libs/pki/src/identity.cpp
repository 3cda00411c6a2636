#include <algorithm>

#include "latchkey/pki/certificate.h"
#include "names.h"

namespace latchkey::pki {
namespace {

bool equal_fold(std::string_view name, const Fqdn& expected) {
  const auto fqdn = Fqdn::parse(name);
  return fqdn && *fqdn == expected;
}

bool has_domain_names(const CertifiedIdentity& identity) {
  return identity.flavour == Flavour::cse_id || identity.flavour == Flavour::fqdn;
}

/// The labels in front of `domain`, without the dot; empty when there are none or the name is elsewhere.
std::string_view labels_before(std::string_view name, const Fqdn& domain) {
  const auto fqdn = Fqdn::parse(name);
  if (!fqdn || *fqdn == domain || !fqdn->is_within(domain)) return {};
  return name.substr(0, name.size() - domain.text().size() - 1);
}

std::optional<CseId> cse_of_domain_name(std::string_view name, const SpId& home,
                                        const std::optional<CseId>& in_cse) {
  std::string_view labels = labels_before(name, home.fqdn());
  if (labels.find('.') != std::string_view::npos) {
    if (!in_cse || in_cse->sp() != home) return std::nullopt;
    const auto in_name = in_cse->public_domain_name(std::nullopt);
    if (!in_name) return std::nullopt;
    labels = labels_before(name, *in_name);
  }
  if (labels.empty() || labels.find('.') != std::string_view::npos) return std::nullopt;
  auto cse = CseId::from_stem(home, labels);
  if (!cse) return std::nullopt;
  return *std::move(cse);
}

std::optional<CseId> cse_of_annex_b_name(std::string_view name, const SpId& home) {
  const auto parts = annex_b_name(name);
  if (!parts || parts->host != home.fqdn()) return std::nullopt;
  auto cse = CseId::from_stem(home, parts->stem);
  if (!cse) return std::nullopt;
  return *std::move(cse);
}

}  // namespace

bool names_cse(const CertifiedIdentity& identity, const CseId& cse, const std::optional<CseId>& in_cse,
               bool annex_b) {
  if (!has_domain_names(identity)) return false;
  const auto expected = cse.public_domain_name(in_cse);
  return std::ranges::any_of(identity.dns_names, [&](const std::string& name) {
    if (expected && equal_fold(name, *expected)) return true;
    return annex_b && cse_of_annex_b_name(name, cse.sp()) == cse;
  });
}

bool names_fqdn(const CertifiedIdentity& identity, const Fqdn& fqdn) {
  if (!has_domain_names(identity) || !identity.server_auth) return false;
  const auto same = [&fqdn](const std::string& name) { return equal_fold(name, fqdn); };
  return std::ranges::any_of(identity.dns_names, same) || std::ranges::any_of(identity.uri_fqdns, same);
}

bool names_device(const CertifiedIdentity& identity, const M2mDeviceId& device) {
  return identity.flavour == Flavour::device &&
         std::ranges::find(identity.device_ids, device) != identity.device_ids.end();
}

std::optional<CseId> certified_cse_id(const CertifiedIdentity& identity, const SpId& home,
                                      const std::optional<CseId>& in_cse, bool annex_b) {
  if (identity.flavour != Flavour::cse_id) return std::nullopt;
  std::optional<CseId> found;
  for (const auto& name : identity.dns_names) {
    auto cse = cse_of_domain_name(name, home, in_cse);
    if (!cse && annex_b) cse = cse_of_annex_b_name(name, home);
    if (!cse) continue;
    if (found && *found != *cse) return std::nullopt;  // 8.2.1: a single CSE-ID
    found = std::move(cse);
  }
  return found;
}

}  // namespace latchkey::pki
