#include "token_trust.h"

#include <algorithm>
#include <utility>

namespace latchkey::authz {
namespace {

constexpr std::size_t kKidOctetsMax = 256;
constexpr std::size_t kIssuersPerKidMax = 4;  ///< each costs one more verification of a forged token

tl::unexpected<Error> bad(std::string what) { return fail(ErrorCode::invalid_argument, std::move(what)); }
tl::unexpected<Error> bad(const TrustedIssuer& issuer, std::string_view what) {
  return bad("token issuer " + to_string(issuer.authority.id) + " " + std::string(what));
}

bool is_kid(const std::string& kid) noexcept { return !kid.empty() && kid.size() <= kKidOctetsMax; }

/// Every class that is permitted has a key that it can be used with.
Status check_classes(const TrustedIssuer& issuer, bool has_own_keys) {
  const auto& classes = issuer.classes;
  if ((classes.has(TokenClass::signature_only) || classes.has(TokenClass::sign_then_encrypt)) &&
      issuer.verification_keys.empty())
    return bad(issuer, "may sign, but has no verification key");
  if (classes.has(TokenClass::encryption_only) && issuer.shared_keys.empty())
    return bad(issuer, "may encrypt only, but has no shared key");
  if (classes.has(TokenClass::sign_then_encrypt) && issuer.shared_keys.empty() && !has_own_keys)
    return bad(issuer, "may sign and encrypt, but there is no decryption key");
  return {};
}

}  // namespace

Result<std::shared_ptr<const TrustIndex>> TrustIndex::make(TokenTrust trust) {
  const std::shared_ptr<TrustIndex> index(new TrustIndex(std::move(trust)));
  for (const auto& [kid, key] : index->trust_.own_keys) {
    if (!is_kid(kid)) return bad("a decryption key has no kid of 1 to 256 octets");
    index->decryption_.emplace(kid, DecryptionEntry{nullptr, key});
  }
  for (const auto& issuer : index->trust_.issuers) {
    if (index->issuer(issuer.authority.id) != &issuer) return bad(issuer, "is named twice");
    if (auto ok = index->index_issuer(issuer); !ok) return fail(std::move(ok.error()));
  }
  return std::shared_ptr<const TrustIndex>(index);
}

Status TrustIndex::index_issuer(const TrustedIssuer& issuer) {
  if (std::holds_alternative<M2mDeviceId>(issuer.authority.id))
    return bad(issuer, "is neither a CSE, an AE nor an FQDN");
  if (issuer.authority.domains.empty()) return bad(issuer, "has no domain");
  if (auto ok = check_classes(issuer, !trust_.own_keys.empty()); !ok) return ok;
  for (const auto& [kid, key] : issuer.verification_keys) {
    if (!is_kid(kid)) return bad(issuer, "has a verification key without a kid of 1 to 256 octets");
    if (verification_.count(kid) == kIssuersPerKidMax)
      return bad(issuer, "has a kid that four other issuers have");
    verification_.emplace(kid, VerificationEntry{&issuer, &key});
  }
  return index_shared_keys(issuer);
}

Status TrustIndex::index_shared_keys(const TrustedIssuer& issuer) {
  for (const auto& [kid, key] : issuer.shared_keys) {
    if (!is_kid(kid) || key.secret == nullptr)
      return bad(issuer, "has a shared key without octets or without a kid of 1 to 256 octets");
    const DecryptionEntry entry{&issuer, jose::DecryptionKey(key.secret, key.algs, key.encs)};
    if (!decryption_.emplace(kid, entry).second)
      return bad(issuer, "has a decryption key whose kid another one has");
  }
  return {};
}

const TrustedIssuer* TrustIndex::issuer(const EntityId& id) const {
  const auto at = std::ranges::find_if(
      trust_.issuers, [&](const TrustedIssuer& issuer) { return issuer.authority.id == id; });
  return at != trust_.issuers.end() ? &*at : nullptr;
}

bool TrustIndex::permits(TokenClass token_class) const noexcept {
  return std::ranges::any_of(trust_.issuers,
                             [&](const TrustedIssuer& issuer) { return issuer.classes.has(token_class); });
}

std::vector<VerificationEntry> TrustIndex::verification(const std::string& kid) const {
  std::vector<VerificationEntry> out;
  const auto [first, last] = verification_.equal_range(kid);
  for (auto at = first; at != last; ++at) out.push_back(at->second);
  return out;
}

const DecryptionEntry* TrustIndex::decryption(const std::string& kid) const {
  const auto at = decryption_.find(kid);
  return at != decryption_.end() ? &at->second : nullptr;
}

}  // namespace latchkey::authz
