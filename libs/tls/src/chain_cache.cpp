#include "chain_cache.h"

#include <cstring>

namespace latchkey::tls {
namespace {

void append_integer(Bytes& to, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(value >> shift));
}

/// Lengths stand before the parts, so that no two lists give the same octets.
crypto::Sha256 digest_of(std::span<const ByteView> presented, std::uint64_t generation, const SpId& home) {
  const std::string& sp = home.fqdn().folded();
  std::size_t size = 16 + sp.size();
  for (const ByteView der : presented) size += 8 + der.size();
  Bytes text;
  text.reserve(size);
  append_integer(text, generation);
  append_integer(text, sp.size());
  text.insert(text.end(), sp.begin(), sp.end());
  for (const ByteView der : presented) {
    append_integer(text, der.size());
    text.insert(text.end(), der.begin(), der.end());
  }
  return crypto::sha256(text);
}

Result<VerifiedChainPtr> verify_anew(std::span<const ByteView> presented, const pki::TrustStore& trust,
                                     TimePoint now, const SpId& home) {
  std::vector<pki::Certificate> chain;
  chain.reserve(presented.size());
  for (const ByteView der : presented) {
    auto certificate = pki::Certificate::from_der(der);
    if (!certificate) return fail("peer's certificate", std::move(certificate).error());
    chain.push_back(*std::move(certificate));
  }
  auto verified = trust.verify(chain, now, home);
  if (!verified) return fail(std::move(verified).error());
  std::string leaf_sha256 = to_hex(crypto::sha256(presented.front()));
  return std::make_shared<const VerifiedChain>(
      VerifiedChain{std::move(chain), *std::move(verified), std::move(leaf_sha256), now});
}

}  // namespace

std::size_t ChainCache::HashDigest::operator()(const Digest& digest) const noexcept {
  std::size_t value = 0;
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

Result<VerifiedChainPtr> ChainCache::verify(std::span<const ByteView> presented, const pki::TrustStore& trust,
                                            TimePoint now, const SpId& home) {
  if (presented.empty() || presented.size() > kChainCertificatesMax) {
    return fail(ErrorCode::invalid_argument,
                "chain of " + std::to_string(presented.size()) + " certificates");
  }
  const Digest digest = digest_of(presented, trust.generation(), home);
  if (auto known = find(digest, now)) return known;
  auto fresh = verify_anew(presented, trust, now, home);
  if (fresh) keep(digest, *fresh);
  return fresh;
}

VerifiedChainPtr ChainCache::find(const Digest& digest, TimePoint now) const {
  const std::lock_guard lock(mutex_);
  const auto found = chains_.find(digest);
  if (found == chains_.end()) return nullptr;
  const VerifiedChain& chain = *found->second;
  // A clock that was set back may lie before notBefore: verify again.
  const bool fresh =
      now >= chain.checked_at && now - chain.checked_at <= kAgeMax && now < chain.verified.valid_until;
  return fresh ? found->second : nullptr;
}

void ChainCache::keep(const Digest& digest, VerifiedChainPtr chain) {
  if (entries_ == 0) return;
  const std::lock_guard lock(mutex_);
  const auto [at, inserted] = chains_.insert_or_assign(digest, std::move(chain));
  if (!inserted) return;
  order_.push_back(digest);
  if (order_.size() > entries_) {
    chains_.erase(order_.front());
    order_.pop_front();
  }
}

void ChainCache::clear() {
  const std::lock_guard lock(mutex_);
  chains_.clear();
  order_.clear();
}

std::size_t ChainCache::size() const {
  const std::lock_guard lock(mutex_);
  return chains_.size();
}

}  // namespace latchkey::tls
