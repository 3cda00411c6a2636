#pragma once
/// Primitives over OpenSSL libcrypto: algorithms fetched once, contexts reused per thread. All functions are
/// thread-safe.
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "latchkey/base/bytes.h"
#include "latchkey/base/secret.h"

namespace latchkey::crypto {

using Sha256 = std::array<std::uint8_t, 32>;

[[nodiscard]] Sha256 sha256(ByteView data);
/// RFC 2104 over SHA-256; any key length.
[[nodiscard]] SecretBytes hmac_sha256(const SecretBytes& key, ByteView data);
[[nodiscard]] SecretBytes hmac_sha256(ByteView key, ByteView data);

/// From the DRBG of libcrypto; a failure aborts the process (no caller can go on without randomness).
void random_fill(std::span<std::uint8_t> out);
[[nodiscard]] Bytes random_bytes(std::size_t size);
[[nodiscard]] SecretBytes random_secret(std::size_t size);

inline constexpr std::size_t kGcmNonceBytes = 12;
inline constexpr std::size_t kGcmTagBytes = 16;
/// AES-GCM with a 16, 24 or 32 octet key; the result is ciphertext followed by the 16-octet tag.
[[nodiscard]] Result<Bytes> aes_gcm_seal(const SecretBytes& key, ByteView nonce, ByteView aad,
                                         ByteView plaintext);
/// authentication error on any mismatch; nothing of the plaintext is then returned.
[[nodiscard]] Result<SecretBytes> aes_gcm_open(const SecretBytes& key, ByteView nonce, ByteView aad,
                                               ByteView sealed);

/// scrypt (RFC 7914), N=2^15, r=8, p=1: a key-encryption key from a passphrase.
[[nodiscard]] SecretBytes scrypt(const SecretBytes& passphrase, ByteView salt, std::size_t size);

/// Unicode Normalization Form KC of UTF-8 text (TS-0003 10.3); invalid UTF-8 is invalid_argument.
[[nodiscard]] Result<std::string> nfkc(std::string_view utf8);

}  // namespace latchkey::crypto
