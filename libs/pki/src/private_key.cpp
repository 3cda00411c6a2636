#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>

#include "certificate_impl.h"

namespace latchkey::pki {
namespace {

constexpr std::size_t kPemOctetsMax = 16U << 10U;

using ContextPtr = OsslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestPtr = OsslPtr<EVP_MD_CTX, EVP_MD_CTX_free>;

/// Gives libcrypto the passphrase; without one it must fail rather than ask on a terminal.
int passphrase_for(char* buffer, int size, int /*writing*/, void* user) {
  const auto* passphrase = static_cast<const SecretBytes*>(user);
  if (passphrase == nullptr || size < 0 || passphrase->size() > static_cast<std::size_t>(size)) return -1;
  const ByteView octets = passphrase->reveal();
  std::ranges::copy(octets, buffer);
  return static_cast<int>(octets.size());
}

/// 10.1.1.1: named curve secp256r1; private and public part belong together.
Status check_key(EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t size = 0;
  if (EVP_PKEY_is_a(key, "EC") != 1 || EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) != 1 ||
      std::string_view(group.data(), size) != SN_X9_62_prime256v1) {
    ERR_clear_error();
    return fail(ErrorCode::invalid_argument, "10.1.1.1: key is not on secp256r1");
  }
  const ContextPtr context(EVP_PKEY_CTX_new(key, nullptr));
  if (!context || EVP_PKEY_check(context.get()) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::invalid_argument, "private key is damaged or has no public part that fits");
  }
  return {};
}

}  // namespace

PrivateKey::PrivateKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;
PrivateKey::~PrivateKey() = default;  // libcrypto clears the private number when it frees the key

Result<PrivateKey> PrivateKey::generate() {
  KeyPtr key(EVP_EC_gen(SN_X9_62_prime256v1));
  if (!key) return fail(ErrorCode::internal, "key generation: " + ossl_error());
  return PrivateKey(std::make_unique<Impl>(Impl{std::move(key)}));
}

Result<PrivateKey> PrivateKey::from_pem(const SecretBytes& pem, const SecretBytes* passphrase) {
  if (pem.size() > kPemOctetsMax) return fail(ErrorCode::limit, "key file larger than 16 KiB");
  const BioPtr in = memory_reader(pem.reveal());
  // The callback only reads the passphrase; its parameter is not const for historic reasons.
  KeyPtr key(
      PEM_read_bio_PrivateKey(in.get(), nullptr, passphrase_for, const_cast<SecretBytes*>(passphrase)));
  if (!key) {
    return fail(ErrorCode::invalid_argument,
                "no private key in the PEM text, or a wrong passphrase: " + ossl_error());
  }
  if (auto status = check_key(key.get()); !status) return fail(status.error());
  // 10.1.1.1: what we hand out has an uncompressed point, whatever form the file had.
  if (EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") !=
      1) {
    return fail(ErrorCode::internal, "public point: " + ossl_error());
  }
  return PrivateKey(std::make_unique<Impl>(Impl{std::move(key)}));
}

SecretBytes PrivateKey::to_pem() const {
  const BioPtr out(BIO_new(BIO_s_secmem()));  // cleared when freed
  if (!out || PEM_write_bio_PKCS8PrivateKey(out.get(), impl_->key.get(), nullptr, nullptr, 0, nullptr,
                                            nullptr) != 1) {
    broken_invariant("a private key cannot be encoded");
  }
  return SecretBytes::copy_of(written(out.get()));
}

Bytes PrivateKey::public_spki() const { return to_der<i2d_PUBKEY>(impl_->key.get()); }

bool PrivateKey::matches(const Certificate& certificate) const { return public_spki() == certificate.spki(); }

Result<Bytes> PrivateKey::sign(ByteView data) const {
  const DigestPtr context(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, impl_->key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, data.data(), data.size()) != 1) {
    return fail(ErrorCode::internal, "signature: " + ossl_error());
  }
  Bytes signature(size);
  if (EVP_DigestSign(context.get(), signature.data(), &size, data.data(), data.size()) != 1) {
    return fail(ErrorCode::internal, "signature: " + ossl_error());
  }
  signature.resize(size);
  return signature;
}

}  // namespace latchkey::pki
