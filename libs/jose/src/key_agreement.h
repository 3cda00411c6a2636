#pragma once
/// How a content encryption key reaches the recipient (RFC 7518 4).
#include <boost/json/object.hpp>

#include "latchkey/base/secret.h"
#include "latchkey/jose/algorithms.h"

namespace latchkey::jose {

/// The public key of a JWK `{"kty": "EC", "crv", "x", "y"}`.
[[nodiscard]] Result<crypto::PublicKey> point_of_jwk(const boost::json::value& jwk);
[[nodiscard]] boost::json::object jwk_of_point(const crypto::PublicKey& key);

/// A fresh ephemeral key and the wrapping key agreed with it, for an ECDH-ES+AxxxKW algorithm.
struct Agreement {
  SecretBytes wrapping_key;
  boost::json::object epk;
};
[[nodiscard]] Result<Agreement> agree_as_sender(const crypto::PublicKey& recipient, KeyAlg alg);
/// The same wrapping key from `epk`, `apu` and `apv` of the header.
[[nodiscard]] Result<SecretBytes> agree_as_recipient(const crypto::PrivateKey& own, KeyAlg alg,
                                                     const boost::json::object& header);

/// Octets of the key of an AES key wrap, alone or after ECDH; 0 for other algorithms.
[[nodiscard]] std::size_t wrapping_key_bytes(KeyAlg alg) noexcept;
[[nodiscard]] bool is_ecdh(KeyAlg alg) noexcept;

}  // namespace latchkey::jose
