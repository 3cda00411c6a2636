#include "latchkey/e2e/peer_certificates.h"

#include <algorithm>

#include "end_point.h"
#include "latchkey/e2e/security_info.h"

namespace latchkey::e2e {
namespace {

Suid certificate_suid(Suid::Use use) {
  return Suid::from(use == Suid::Use::esdata_encryption ? 44 : 45).value();
}

}  // namespace

Result<PeerCertificates::Trusted> PeerCertificates::raw(const EntityId& end_point, Suid::Use use,
                                                        const Bytes& spki) const {
  const bool known = std::ranges::any_of(config_.raw_keys, [&](const RawKey& key) {
    return key.owner == end_point && key.use == use && key.spki == spki;
  });
  if (!known) return fail(ErrorCode::not_found, "raw key that is not configured for this end-point and use");
  auto key = crypto::PublicKey::from_spki(spki);
  if (!key) return fail(std::move(key.error()));
  return Trusted{std::move(*key), {.kid = {}, .suid = certificate_suid(use), .owner = end_point}};
}

bool PeerCertificates::names(const pki::CertifiedIdentity& identity, const EntityId& end_point) const {
  const bool device = std::ranges::any_of(config_.devices, [&](const Device& it) {
    return it.owner == end_point && pki::names_device(identity, it.device);
  });
  return device || names_end_point(identity, end_point, config_.in_cse, config_.annex_b);
}

Result<PeerCertificates::Trusted> PeerCertificates::certified(const EntityId& end_point, Suid::Use use,
                                                              const std::vector<pki::Certificate>& chain,
                                                              TimePoint now) const {
  if (config_.trust == nullptr) return fail(ErrorCode::not_found, "no trust anchor is configured");
  const auto verified = config_.trust->verify(chain, now, config_.home);
  if (!verified) return fail(verified.error());
  if (!names(verified->identity, end_point))
    return fail(ErrorCode::not_found, "certificate of another than " + to_string(end_point));
  if (use == Suid::Use::esdata_encryption && !verified->leaf.may_encrypt())
    return fail(ErrorCode::denied, "key usage: a key for verifying signatures");
  auto key = crypto::PublicKey::from_spki(verified->leaf.spki());
  if (!key) return fail(std::move(key.error()));
  return Trusted{
      std::move(*key),
      {.kid = {}, .suid = certificate_suid(use), .owner = end_point, .end = verified->valid_until}};
}

Result<PeerCertificates::Trusted> PeerCertificates::find(const EntityId& end_point, Suid::Use use,
                                                         std::span<const Bytes> candidates, std::string kid,
                                                         TimePoint now) const {
  if (use != Suid::Use::esdata_encryption && use != Suid::Use::esdata_signature)
    return fail(ErrorCode::invalid_argument, "use: ESData encryption or signature");
  if (candidates.size() > kEndToEndCertificatesMax)
    return fail(ErrorCode::invalid_argument,
                "more than " + std::to_string(kEndToEndCertificatesMax) + " certificates");
  std::vector<pki::Certificate> leaves, authorities;
  std::string reasons;
  const auto note = [&](const Error& error) { reasons += (reasons.empty() ? "" : "; ") + error.detail; };
  const auto found = [&](Trusted&& trusted) {
    trusted.credential.kid = std::move(kid);
    return std::move(trusted);
  };
  for (const Bytes& der : candidates) {
    if (auto certificate = pki::Certificate::from_der(der)) {
      (certificate->is_ca() ? authorities : leaves).push_back(std::move(*certificate));
      continue;
    }
    auto trusted = raw(end_point, use, der);
    if (trusted) return found(std::move(*trusted));
    note(trusted.error());
  }
  for (const pki::Certificate& leaf : leaves) {
    std::vector<pki::Certificate> chain{leaf};
    chain.insert(chain.end(), authorities.begin(), authorities.end());
    auto trusted = certified(end_point, use, chain, now);
    if (trusted) return found(std::move(*trusted));
    note(trusted.error());
  }
  return fail(ErrorCode::not_found, "no certificate is trusted to be of " + to_string(end_point) +
                                        (reasons.empty() ? "" : ": " + reasons));
}

}  // namespace latchkey::e2e
