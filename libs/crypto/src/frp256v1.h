#pragma once
/// FRP256v1 of ANSSI (JORF n° 0241 of 16 October 2011), whose object identifier libcrypto does not know.
#include <openssl/evp.h>

#include <optional>

#include "latchkey/base/bytes.h"
#include "latchkey/base/secret.h"

namespace latchkey::crypto::frp256v1 {

inline constexpr std::size_t kCoordinateBytes = 32;

/// Octets, most significant first. The cofactor is 1.
struct Parameters {
  Bytes p, a, b, order;
  Bytes generator;  ///< uncompressed point
};
[[nodiscard]] const Parameters& parameters();

/// Whether every parameter of a key with explicit ones is that of the curve: another generator would make
/// signatures verify that nobody with the key has made.
[[nodiscard]] bool holds(const EVP_PKEY* key);

/// SubjectPublicKeyInfo that names the curve (RFC 5480); the point is x || y.
[[nodiscard]] Bytes spki(ByteView point);
[[nodiscard]] std::optional<Bytes> point_of_spki(ByteView der);

/// The scalar of a PKCS#8 PEM that names the curve; nullopt for any other text.
[[nodiscard]] std::optional<SecretBytes> scalar_of_pkcs8(ByteView pem);
/// x || y of the point that belongs to a scalar; nullopt if there is none.
[[nodiscard]] std::optional<Bytes> point_of(const SecretBytes& scalar);

}  // namespace latchkey::crypto::frp256v1
