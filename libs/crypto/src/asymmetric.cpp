// Signatures, key agreement and key wrapping over the keys of keys.h.
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <climits>

#include "latchkey/crypto/crypto.h"
#include "latchkey/crypto/keys.h"
#include "native.h"

namespace latchkey::crypto {
namespace {

using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Deleter<EVP_CIPHER_CTX_free>>;

constexpr std::size_t kMaxHash = 64;
constexpr std::size_t kMaxCoordinate = 66;

const EVP_MD* algorithm(Hash hash) {
  static const std::array<const EVP_MD*, 3> fetched = {EVP_MD_fetch(nullptr, "SHA256", nullptr),
                                                       EVP_MD_fetch(nullptr, "SHA384", nullptr),
                                                       EVP_MD_fetch(nullptr, "SHA512", nullptr)};
  const EVP_MD* const found = fetched.at(static_cast<std::size_t>(hash));
  must(found != nullptr, "libcrypto offers no SHA-2");
  return found;
}

struct Digest {
  std::array<std::uint8_t, kMaxHash> octets{};
  std::size_t size = 0;
};

Digest digest_of(Hash hash, ByteView data) {
  thread_local const DigestContext context(EVP_MD_CTX_new());
  Digest out;
  unsigned size = 0;
  must(context != nullptr && EVP_DigestInit_ex2(context.get(), algorithm(hash), nullptr) == 1 &&
           EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1 &&
           EVP_DigestFinal_ex(context.get(), out.octets.data(), &size) == 1,
       "SHA-2");
  out.size = size;
  return out;
}

PkeyContext context_for(EVP_PKEY* key) {
  PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  must(context != nullptr, "key context");
  return context;
}

/// r || s to the DER that libcrypto reads. The numbers are limited by their width, so they fit.
Bytes der_of(ByteView raw) {
  const std::size_t half = raw.size() / 2;
  const Signature signature(ECDSA_SIG_new());
  must(signature != nullptr, "ECDSA signature");
  BIGNUM* const r = BN_bin2bn(raw.data(), static_cast<int>(half), nullptr);
  BIGNUM* const s = BN_bin2bn(raw.data() + half, static_cast<int>(half), nullptr);
  must(r != nullptr && s != nullptr && ECDSA_SIG_set0(signature.get(), r, s) == 1, "ECDSA signature");
  std::uint8_t* at = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &at);
  must(size > 0, "ECDSA signature");
  Bytes out(at, at + size);
  OPENSSL_free(at);
  return out;
}

Bytes raw_of(ByteView der, std::size_t half) {
  const std::uint8_t* at = der.data();
  const Signature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  must(signature != nullptr, "ECDSA signature");
  Bytes out(2 * half);
  must(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out.data(), static_cast<int>(half)) > 0 &&
           BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out.data() + half, static_cast<int>(half)) > 0,
       "ECDSA signature");
  return out;
}

bool set_pkcs1(EVP_PKEY_CTX* context, Hash hash) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
         EVP_PKEY_CTX_set_signature_md(context, algorithm(hash)) == 1;
}

bool set_oaep(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_oaep_md(context, algorithm(Hash::sha256)) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, algorithm(Hash::sha256)) == 1;
}

const EVP_CIPHER* wrap_algorithm(std::size_t key_size) {
  static const std::array<const EVP_CIPHER*, 3> fetched = {
      EVP_CIPHER_fetch(nullptr, "AES-128-WRAP", nullptr), EVP_CIPHER_fetch(nullptr, "AES-192-WRAP", nullptr),
      EVP_CIPHER_fetch(nullptr, "AES-256-WRAP", nullptr)};
  return key_size == 16 ? fetched[0] : key_size == 24 ? fetched[1] : key_size == 32 ? fetched[2] : nullptr;
}

/// `out` has room for in.size() + 8 octets; the octets written, or 0.
std::size_t wrap_operation(const EVP_CIPHER* cipher, ByteView key, ByteView in, std::uint8_t* out,
                           bool wrap) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  must(context != nullptr, "AES key wrap");
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  int size = 0;
  int rest = 0;
  if (EVP_CipherInit_ex2(context.get(), cipher, key.data(), nullptr, wrap ? 1 : 0, nullptr) != 1 ||
      EVP_CipherUpdate(context.get(), out, &size, in.data(), static_cast<int>(in.size())) != 1 ||
      EVP_CipherFinal_ex(context.get(), out + size, &rest) != 1)
    return 0;
  return static_cast<std::size_t>(size) + static_cast<std::size_t>(rest);
}

constexpr std::size_t kMaxWrapped = 64UL * 1024UL;

}  // namespace

Bytes digest(Hash hash, ByteView data) {
  const Digest digested = digest_of(hash, data);
  return {digested.octets.begin(), digested.octets.begin() + static_cast<std::ptrdiff_t>(digested.size)};
}

Result<Bytes> ecdsa_sign(const PrivateKey& key, Hash hash, ByteView data) {
  const std::size_t half = coordinate_bytes(key.kind());
  if (half == 0) return fail(ErrorCode::unsupported, "ECDSA with an RSA key");
  const Digest digested = digest_of(hash, data);
  const PkeyContext context = context_for(key.native());
  std::array<std::uint8_t, 2 * kMaxCoordinate + 16> der{};
  std::size_t size = der.size();
  must(EVP_PKEY_sign_init(context.get()) == 1 &&
           EVP_PKEY_sign(context.get(), der.data(), &size, digested.octets.data(), digested.size) == 1,
       "ECDSA");
  return raw_of(ByteView(der).first(size), half);
}

Status ecdsa_verify(const PublicKey& key, Hash hash, ByteView data, ByteView signature) {
  const std::size_t half = coordinate_bytes(key.kind());
  if (half == 0) return fail(ErrorCode::unsupported, "ECDSA with an RSA key");
  if (signature.size() != 2 * half) return fail(ErrorCode::authentication, "ECDSA signature of wrong length");
  const Digest digested = digest_of(hash, data);
  const Bytes der = der_of(signature);
  const PkeyContext context = context_for(key.native());
  must(EVP_PKEY_verify_init(context.get()) == 1, "ECDSA");
  if (EVP_PKEY_verify(context.get(), der.data(), der.size(), digested.octets.data(), digested.size) != 1)
    return fail(ErrorCode::authentication, "the signature does not verify");
  return {};
}

Result<Bytes> rsa_sign(const PrivateKey& key, Hash hash, ByteView data) {
  if (key.kind() != KeyKind::rsa)
    return fail(ErrorCode::unsupported, "RSA signature with an elliptic-curve key");
  const Digest digested = digest_of(hash, data);
  const PkeyContext context = context_for(key.native());
  Bytes out(kMaxRsaBits / 8);
  std::size_t size = out.size();
  must(EVP_PKEY_sign_init(context.get()) == 1 && set_pkcs1(context.get(), hash) &&
           EVP_PKEY_sign(context.get(), out.data(), &size, digested.octets.data(), digested.size) == 1,
       "RSA signature");
  out.resize(size);
  return out;
}

Status rsa_verify(const PublicKey& key, Hash hash, ByteView data, ByteView signature) {
  if (key.kind() != KeyKind::rsa)
    return fail(ErrorCode::unsupported, "RSA signature with an elliptic-curve key");
  const Digest digested = digest_of(hash, data);
  const PkeyContext context = context_for(key.native());
  must(EVP_PKEY_verify_init(context.get()) == 1 && set_pkcs1(context.get(), hash), "RSA signature");
  if (EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digested.octets.data(),
                      digested.size) != 1)
    return fail(ErrorCode::authentication, "the signature does not verify");
  return {};
}

Result<Bytes> rsa_oaep_encrypt(const PublicKey& key, const SecretBytes& secret) {
  if (key.kind() != KeyKind::rsa) return fail(ErrorCode::unsupported, "RSA-OAEP with an elliptic-curve key");
  const PkeyContext context = context_for(key.native());
  Bytes out(kMaxRsaBits / 8);
  std::size_t size = out.size();
  must(EVP_PKEY_encrypt_init(context.get()) == 1 && set_oaep(context.get()), "RSA-OAEP");
  const ByteView octets = secret.reveal();
  if (EVP_PKEY_encrypt(context.get(), out.data(), &size, octets.data(), octets.size()) != 1)
    return fail(ErrorCode::limit, "the secret is too long for RSA-OAEP with this key");
  out.resize(size);
  return out;
}

Result<SecretBytes> rsa_oaep_decrypt(const PrivateKey& key, ByteView encrypted) {
  if (key.kind() != KeyKind::rsa) return fail(ErrorCode::unsupported, "RSA-OAEP with an elliptic-curve key");
  const PkeyContext context = context_for(key.native());
  SecretBytes out(kMaxRsaBits / 8);
  std::size_t size = out.size();
  must(EVP_PKEY_decrypt_init(context.get()) == 1 && set_oaep(context.get()), "RSA-OAEP");
  if (EVP_PKEY_decrypt(context.get(), out.reveal_writable().data(), &size, encrypted.data(),
                       encrypted.size()) != 1)
    return fail(ErrorCode::authentication, "the encrypted key does not open");
  return out.first(size);
}

Result<SecretBytes> ecdh(const PrivateKey& own, const PublicKey& peer) {
  if (own.kind() == KeyKind::rsa || own.kind() != peer.kind())
    return fail(ErrorCode::invalid_argument, "the keys are not on one curve");
  const PkeyContext context = context_for(own.native());
  SecretBytes out(coordinate_bytes(own.kind()));
  std::size_t size = out.size();
  if (EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), peer.native()) != 1 ||
      EVP_PKEY_derive(context.get(), out.reveal_writable().data(), &size) != 1 || size != out.size())
    return fail(ErrorCode::invalid_argument, "the keys do not agree on a secret");
  return out;
}

SecretBytes concat_kdf(const SecretBytes& shared, ByteView other_info, std::size_t size) {
  SecretBytes out(size);
  SecretBytes input(4 + shared.size() + other_info.size());
  const std::span<std::uint8_t> octets = input.reveal_writable();
  std::ranges::copy(shared.reveal(), octets.begin() + 4);
  std::ranges::copy(other_info, octets.begin() + static_cast<std::ptrdiff_t>(4 + shared.size()));
  for (std::size_t at = 0, counter = 1; at < size; ++counter) {
    for (std::size_t i = 0; i < 4; ++i) octets[i] = static_cast<std::uint8_t>(counter >> (24 - 8 * i));
    Sha256 block = sha256(input.reveal());
    const std::size_t part = std::min(block.size(), size - at);
    std::copy_n(block.begin(), part, out.reveal_writable().begin() + static_cast<std::ptrdiff_t>(at));
    wipe(block.data(), block.size());
    at += part;
  }
  return out;
}

Result<Bytes> aes_key_wrap(const SecretBytes& key, const SecretBytes& secret) {
  const EVP_CIPHER* const cipher = wrap_algorithm(key.size());
  if (cipher == nullptr) return fail(ErrorCode::invalid_argument, "AES key wrap with a key of wrong length");
  if (secret.size() < 16 || secret.size() % 8 != 0 || secret.size() > kMaxWrapped)
    return fail(ErrorCode::invalid_argument, "AES key wrap of a secret of wrong length");
  Bytes out(secret.size() + 16);
  const std::size_t size = wrap_operation(cipher, key.reveal(), secret.reveal(), out.data(), true);
  must(size == secret.size() + 8, "AES key wrap");
  out.resize(size);
  return out;
}

Result<SecretBytes> aes_key_unwrap(const SecretBytes& key, ByteView wrapped) {
  const EVP_CIPHER* const cipher = wrap_algorithm(key.size());
  if (cipher == nullptr) return fail(ErrorCode::invalid_argument, "AES key wrap with a key of wrong length");
  if (wrapped.size() < 24 || wrapped.size() % 8 != 0 || wrapped.size() > kMaxWrapped)
    return fail(ErrorCode::authentication, "the wrapped key does not open");
  SecretBytes out(wrapped.size() + 8);
  const std::size_t size = wrap_operation(cipher, key.reveal(), wrapped, out.reveal_writable().data(), false);
  if (size != wrapped.size() - 8) return fail(ErrorCode::authentication, "the wrapped key does not open");
  return out.first(size);
}

Bytes hmac(Hash hash, const SecretBytes& key, ByteView data) {
  thread_local const std::unique_ptr<EVP_MAC, Deleter<EVP_MAC_free>> mac(
      EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  const std::unique_ptr<EVP_MAC_CTX, Deleter<EVP_MAC_CTX_free>> context(EVP_MAC_CTX_new(mac.get()));
  must(context != nullptr, "HMAC");
  // OSSL_PARAM takes a pointer to char that it does not change.
  std::array<char, 8> name{};
  std::ranges::copy(std::string_view(hash == Hash::sha256   ? "SHA256"
                                     : hash == Hash::sha384 ? "SHA384"
                                                            : "SHA512"),
                    name.begin());
  const std::array<OSSL_PARAM, 2> parameters = {OSSL_PARAM_construct_utf8_string("digest", name.data(), 0),
                                                OSSL_PARAM_construct_end()};
  // An empty key must not be a null pointer: that means "the key set before".
  constexpr std::uint8_t none = 0;
  const ByteView octets = key.reveal();
  Bytes out(hash_bytes(hash));
  std::size_t size = 0;
  must(EVP_MAC_init(context.get(), octets.empty() ? &none : octets.data(), octets.size(),
                    parameters.data()) == 1 &&
           EVP_MAC_update(context.get(), data.data(), data.size()) == 1 &&
           EVP_MAC_final(context.get(), out.data(), &size, out.size()) == 1,
       "HMAC");
  return out;
}

}  // namespace latchkey::crypto
