#pragma once
/// Asymmetric keys and key wrapping over OpenSSL libcrypto, for JOSE, XML security and certificates of peers
/// (TS-0003 8.5.3). Keys are immutable and shared; every function is thread-safe.
#include <cstdint>
#include <memory>
#include <string_view>

#include "latchkey/base/bytes.h"
#include "latchkey/base/secret.h"

struct evp_pkey_st;

namespace latchkey::crypto {

enum class Hash : std::uint8_t { sha256, sha384, sha512 };
[[nodiscard]] std::size_t hash_bytes(Hash hash) noexcept;
[[nodiscard]] Bytes digest(Hash hash, ByteView data);

/// FRP256v1 is the curve of ANSSI (1.2.250.1.223.101.256.1), which libcrypto does not know by name.
enum class KeyKind : std::uint8_t { rsa, p256, p384, p521, brainpool_p256r1, frp256v1 };
/// Octets of one coordinate; 0 for RSA.
[[nodiscard]] std::size_t coordinate_bytes(KeyKind kind) noexcept;

/// RSA keys shorter than this are refused (TS-0003 8.5.3.3 names no size; NIST SP 800-131A does), longer ones
/// than kMaxRsaBits too: a verification costs with the square of the size.
inline constexpr int kMinRsaBits = 2048;
inline constexpr int kMaxRsaBits = 8192;

/// A public key: RSA of 2048 to 8192 bits, or a point on one of the curves of KeyKind.
class PublicKey {
 public:
  /// DER SubjectPublicKeyInfo. invalid_argument: not one, or trailing octets; unsupported: another kind.
  /// Explicit curve parameters are taken only if every one of them is that of FRP256v1.
  [[nodiscard]] static Result<PublicKey> from_spki(ByteView der);
  /// "-----BEGIN PUBLIC KEY-----".
  [[nodiscard]] static Result<PublicKey> from_pem(std::string_view pem);
  /// Affine coordinates of exactly coordinate_bytes(kind) octets; a point off the curve is invalid_argument.
  [[nodiscard]] static Result<PublicKey> from_point(KeyKind curve, ByteView x, ByteView y);

  /// RSA modulus and exponent, big-endian, as a JWK has them.
  [[nodiscard]] static Result<PublicKey> from_modulus(ByteView modulus, ByteView exponent);

  [[nodiscard]] KeyKind kind() const noexcept { return kind_; }
  [[nodiscard]] Bytes spki() const;
  /// x || y, empty for RSA.
  [[nodiscard]] Bytes point() const;

  [[nodiscard]] evp_pkey_st* native() const noexcept { return key_.get(); }

 private:
  friend class PrivateKey;
  PublicKey(std::shared_ptr<evp_pkey_st> key, KeyKind kind) noexcept : key_(std::move(key)), kind_(kind) {}
  static Result<PublicKey> adopt(std::shared_ptr<evp_pkey_st> key);
  std::shared_ptr<evp_pkey_st> key_;
  KeyKind kind_;
};

class PrivateKey {
 public:
  /// PKCS#8 or traditional PEM, unencrypted. invalid_argument without repeating anything of the text. Keys on
  /// FRP256v1 in PKCS#8, by the name of the curve or with its parameters.
  [[nodiscard]] static Result<PrivateKey> from_pem(const SecretBytes& pem);
  /// A scalar with its point, as a JWK has them; invalid_argument unless they belong together.
  [[nodiscard]] static Result<PrivateKey> from_scalar(KeyKind curve, const SecretBytes& d, ByteView x,
                                                      ByteView y);
  [[nodiscard]] static PrivateKey generate(KeyKind curve);
  /// `bits` from kMinRsaBits to kMaxRsaBits. Takes a second or so.
  [[nodiscard]] static PrivateKey generate_rsa(int bits);

  [[nodiscard]] KeyKind kind() const noexcept { return public_.kind(); }
  [[nodiscard]] const PublicKey& public_key() const noexcept { return public_; }
  /// PKCS#8 PEM; on FRP256v1 with the parameters of the curve, as openssl reads it.
  [[nodiscard]] SecretBytes pem() const;
  [[nodiscard]] evp_pkey_st* native() const noexcept { return public_.native(); }

 private:
  explicit PrivateKey(PublicKey pair) noexcept : public_(std::move(pair)) {}
  [[nodiscard]] static PrivateKey generate_on_parameters(KeyKind curve);
  PublicKey public_;  ///< the pair: libcrypto keeps both halves in one object
};

/// r || s, each of coordinate_bytes octets (RFC 7518 3.4; XML Signature uses the same form). unsupported for
/// RSA.
[[nodiscard]] Result<Bytes> ecdsa_sign(const PrivateKey& key, Hash hash, ByteView data);
/// authentication error on any mismatch, length included.
[[nodiscard]] Status ecdsa_verify(const PublicKey& key, Hash hash, ByteView data, ByteView signature);

/// RSASSA-PKCS1-v1_5 (RFC 8017 8.2). unsupported for other keys.
[[nodiscard]] Result<Bytes> rsa_sign(const PrivateKey& key, Hash hash, ByteView data);
[[nodiscard]] Status rsa_verify(const PublicKey& key, Hash hash, ByteView data, ByteView signature);

/// RSAES-OAEP with SHA-256 and MGF1 with SHA-256 (RFC 7518 4.3).
[[nodiscard]] Result<Bytes> rsa_oaep_encrypt(const PublicKey& key, const SecretBytes& secret);
/// authentication error, the same for every cause.
[[nodiscard]] Result<SecretBytes> rsa_oaep_decrypt(const PrivateKey& key, ByteView encrypted);

/// The x coordinate of the shared point. invalid_argument unless both are on one curve.
[[nodiscard]] Result<SecretBytes> ecdh(const PrivateKey& own, const PublicKey& peer);
/// NIST SP 800-56A single-step KDF with SHA-256 over any OtherInfo.
[[nodiscard]] SecretBytes concat_kdf(const SecretBytes& shared, ByteView other_info, std::size_t size);

/// RFC 3394 with a key of 16, 24 or 32 octets; `secret` a multiple of 8 octets, at least 16.
[[nodiscard]] Result<Bytes> aes_key_wrap(const SecretBytes& key, const SecretBytes& secret);
[[nodiscard]] Result<SecretBytes> aes_key_unwrap(const SecretBytes& key, ByteView wrapped);

/// RFC 2104 over any of the hashes; hmac_sha256 is the faster way to the first.
[[nodiscard]] Bytes hmac(Hash hash, const SecretBytes& key, ByteView data);

}  // namespace latchkey::crypto
