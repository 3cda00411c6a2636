#pragma once
/// Chains that were verified a moment ago, so that a peer that comes again costs one SHA-256 instead of path
/// validation.
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "latchkey/crypto/crypto.h"
#include "latchkey/pki/certificate.h"

namespace latchkey::tls {

/// A peer's chain with what its verification yielded. Shared by all sessions of that peer; immutable.
struct VerifiedChain {
  std::vector<pki::Certificate> chain;  ///< as presented, leaf first
  pki::TrustStore::Verified verified;
  std::string leaf_sha256;  ///< upper-case hex
  TimePoint checked_at{};
};
using VerifiedChainPtr = std::shared_ptr<const VerifiedChain>;

/// Keyed by SHA-256 over the presented DER list, the trust store's generation and the home SP. Only successes
/// are kept, the oldest goes when full. Thread-safe.
class ChainCache {
 public:
  /// A hit is not older than this, so that a CRL whose next update passes is noticed though nothing was
  /// reloaded.
  static constexpr std::chrono::minutes kAgeMax{5};
  static constexpr std::size_t kChainCertificatesMax = 10;

  explicit ChainCache(std::size_t entries) : entries_(entries) {}

  /// TrustStore::verify of the presented list, or what it said before. More than ten certificates, or one
  /// that does not parse: invalid_argument.
  [[nodiscard]] Result<VerifiedChainPtr> verify(std::span<const ByteView> presented,
                                                const pki::TrustStore& trust, TimePoint now,
                                                const SpId& home);
  void clear();
  [[nodiscard]] std::size_t size() const;

 private:
  using Digest = crypto::Sha256;
  struct HashDigest {
    std::size_t operator()(const Digest& digest) const noexcept;
  };
  [[nodiscard]] VerifiedChainPtr find(const Digest& digest, TimePoint now) const;
  void keep(const Digest& digest, VerifiedChainPtr chain);

  const std::size_t entries_;
  mutable std::mutex mutex_;
  std::unordered_map<Digest, VerifiedChainPtr, HashDigest> chains_;
  std::deque<Digest> order_;  ///< oldest first
};

}  // namespace latchkey::tls
