#pragma once
/// Public key identifiers (TS-0003 10.1.2): how a configuration names a raw public key.
#include <string>
#include <string_view>

#include "latchkey/base/bytes.h"
#include "latchkey/base/error.h"

namespace latchkey::pki {

/// The digest of a SubjectPublicKeyInfo under RFC 6920: "sha-256;BASE64URL", with sha-256-128 and sha-256-120
/// as shorter forms, with or without "ni:///" before it. Immutable.
class PublicKeyId {
 public:
  /// invalid_argument: another hash, or a digest of another length.
  [[nodiscard]] static Result<PublicKeyId> parse(std::string_view text);
  /// The longest form (10.1.2 recommends it).
  [[nodiscard]] static PublicKeyId of(ByteView spki);
  /// 10.1.2 steps 1 and 2.
  [[nodiscard]] bool matches(ByteView spki) const;
  /// "ni:///sha-256;..."
  [[nodiscard]] std::string text() const;
  friend bool operator==(const PublicKeyId&, const PublicKeyId&) noexcept = default;

 private:
  explicit PublicKeyId(Bytes digest) : digest_(std::move(digest)) {}
  Bytes digest_;  ///< 32, 16 or 15 octets; the length names the algorithm
};

}  // namespace latchkey::pki
