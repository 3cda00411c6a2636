#include "latchkey/crypto/crypto.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <array>
#include <climits>
#include <vector>

#include "native.h"

namespace latchkey::crypto {
namespace {

using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Deleter<EVP_CIPHER_CTX_free>>;

// Fetching an algorithm takes locks and searches providers, so it is done once and kept for the life of the
// process.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  must(fetched != nullptr, "libcrypto offers no SHA-256");
  return fetched;
}

/// `index` 0, 1, 2 for keys of 16, 24, 32 octets.
const EVP_CIPHER* gcm_algorithm(std::size_t index) {
  static const std::array<const EVP_CIPHER*, 3> fetched = {EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr),
                                                           EVP_CIPHER_fetch(nullptr, "AES-192-GCM", nullptr),
                                                           EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)};
  must(fetched.at(index) != nullptr, "libcrypto offers no AES-GCM");
  return fetched.at(index);
}

EVP_MD_CTX* thread_digest() {
  thread_local const DigestContext context(EVP_MD_CTX_new());
  must(context != nullptr, "SHA-256 context");
  return context.get();
}

/// SHA-256(head || tail) into `out`; `tail` may be `out`.
void digest(ByteView head, ByteView tail, std::uint8_t* out) {
  EVP_MD_CTX* const context = thread_digest();
  must(EVP_DigestInit_ex2(context, sha256_algorithm(), nullptr) == 1 &&
           EVP_DigestUpdate(context, head.data(), head.size()) == 1 &&
           EVP_DigestUpdate(context, tail.data(), tail.size()) == 1 &&
           EVP_DigestFinal_ex(context, out, nullptr) == 1,
       "SHA-256");
}

constexpr std::size_t kSha256Block = 64;
using Pad = std::array<std::uint8_t, kSha256Block>;

constexpr std::array<std::uint8_t, 32> kZeroKey{};

}  // namespace

Sha256 sha256(ByteView data) {
  Sha256 out{};
  digest(data, {}, out.data());
  return out;
}

// RFC 2104 by hand over the digest: EVP_MAC keeps the key in its context, and costs twice as much once that
// is overwritten after each use.
SecretBytes hmac_sha256(ByteView key, ByteView data) {
  SecretBytes out(sizeof(Sha256));
  std::uint8_t* const octets = out.reveal_writable().data();
  Pad pad{};
  if (key.size() > pad.size()) {
    digest(key, {}, pad.data());
  } else {
    std::copy(key.begin(), key.end(), pad.begin());
  }
  for (std::uint8_t& octet : pad) octet ^= 0x36U;
  digest(pad, data, octets);
  for (std::uint8_t& octet : pad) octet ^= 0x36U ^ 0x5CU;
  digest(pad, out.reveal(), octets);
  wipe(pad.data(), pad.size());
  // The context still holds the result, which may be a key: a new start overwrites it.
  must(EVP_DigestInit_ex2(thread_digest(), sha256_algorithm(), nullptr) == 1, "SHA-256");
  return out;
}

SecretBytes hmac_sha256(const SecretBytes& key, ByteView data) { return hmac_sha256(key.reveal(), data); }

void random_fill(std::span<std::uint8_t> out) {
  must(RAND_bytes_ex(nullptr, out.data(), out.size(), 0) == 1, "the random generator of libcrypto failed");
}

Bytes random_bytes(std::size_t size) {
  Bytes out(size);
  random_fill(out);
  return out;
}

SecretBytes random_secret(std::size_t size) {
  SecretBytes out(size);
  must(RAND_priv_bytes_ex(nullptr, out.reveal_writable().data(), size, 0) == 1,
       "the random generator of libcrypto failed");
  return out;
}

namespace {

/// One AES-GCM operation in one direction on this thread's context for the key length. The key schedule in
/// the context is overwritten when the operation ends, however it ends.
class GcmOperation {
 public:
  GcmOperation(std::size_t index, bool seal) : context_(thread_context(index)), seal_(seal) {}
  GcmOperation(const GcmOperation&) = delete;
  GcmOperation& operator=(const GcmOperation&) = delete;
  ~GcmOperation() { must(init(kZeroKey, std::span(kZeroKey).first(kGcmNonceBytes)), "AES-GCM"); }

  bool start(ByteView key, ByteView nonce, ByteView aad) {
    int size = 0;
    return init(key, nonce) && (aad.empty() || update(nullptr, size, aad));
  }
  /// `out` has room for `in`.
  bool text(std::uint8_t* out, ByteView in) {
    int size = 0;
    return in.empty() || (update(out, size, in) && static_cast<std::size_t>(size) == in.size());
  }
  bool finish_seal(std::uint8_t* tag) {
    int size = 0;
    return EVP_EncryptFinal_ex(context_, tag, &size) == 1 &&
           EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kGcmTagBytes), tag) == 1;
  }
  bool finish_open(ByteView tag) {
    std::array<std::uint8_t, kGcmTagBytes> expected{};
    std::array<std::uint8_t, kGcmTagBytes> unused{};
    std::copy(tag.begin(), tag.end(), expected.begin());
    int size = 0;
    return EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kGcmTagBytes),
                               expected.data()) == 1 &&
           EVP_DecryptFinal_ex(context_, unused.data(), &size) == 1;
  }

 private:
  static EVP_CIPHER_CTX* thread_context(std::size_t index) {
    thread_local const std::array<CipherContext, 3> contexts = {bound_context(0), bound_context(1),
                                                                bound_context(2)};
    return contexts.at(index).get();
  }
  /// The algorithm is bound once: naming it again would make libcrypto free and build its inner state each
  /// time.
  static CipherContext bound_context(std::size_t index) {
    CipherContext made(EVP_CIPHER_CTX_new());
    must(made != nullptr &&
             EVP_CipherInit_ex2(made.get(), gcm_algorithm(index), nullptr, nullptr, 1, nullptr) == 1,
         "AES-GCM context");
    return made;
  }
  bool init(ByteView key, ByteView nonce) {
    return EVP_CipherInit_ex2(context_, nullptr, key.data(), nonce.data(), seal_ ? 1 : 0, nullptr) == 1;
  }
  bool update(std::uint8_t* out, int& size, ByteView in) {
    return EVP_CipherUpdate(context_, out, &size, in.data(), static_cast<int>(in.size())) == 1;
  }

  EVP_CIPHER_CTX* context_;
  bool seal_;
};

/// The index of the algorithm for the key length, once key, nonce and sizes are known to be acceptable.
Result<std::size_t> check_gcm(const SecretBytes& key, ByteView nonce, ByteView aad, ByteView text) {
  if (key.size() != 16 && key.size() != 24 && key.size() != 32)
    return fail(ErrorCode::invalid_argument, "AES key is not of 16, 24 or 32 octets");
  if (nonce.size() != kGcmNonceBytes)
    return fail(ErrorCode::invalid_argument, "AES-GCM nonce is not of 12 octets");
  if (aad.size() > INT_MAX || text.size() > INT_MAX)
    return fail(ErrorCode::limit, "AES-GCM input of 2 GiB or more");
  return key.size() / 8 - 2;
}

}  // namespace

Result<Bytes> aes_gcm_seal(const SecretBytes& key, ByteView nonce, ByteView aad, ByteView plaintext) {
  const auto index = check_gcm(key, nonce, aad, plaintext);
  if (!index) return fail(index.error());
  Bytes out(plaintext.size() + kGcmTagBytes);
  GcmOperation operation(*index, true);
  must(operation.start(key.reveal(), nonce, aad) && operation.text(out.data(), plaintext) &&
           operation.finish_seal(out.data() + plaintext.size()),
       "AES-GCM");
  return out;
}

Result<SecretBytes> aes_gcm_open(const SecretBytes& key, ByteView nonce, ByteView aad, ByteView sealed) {
  const auto index = check_gcm(key, nonce, aad, sealed);
  if (!index) return fail(index.error());
  if (sealed.size() < kGcmTagBytes)
    return fail(ErrorCode::authentication, "sealed octets are shorter than a tag");
  const ByteView ciphertext = sealed.first(sealed.size() - kGcmTagBytes);
  SecretBytes out(ciphertext.size());
  GcmOperation operation(*index, false);
  if (!operation.start(key.reveal(), nonce, aad) ||
      !operation.text(out.reveal_writable().data(), ciphertext) ||
      !operation.finish_open(sealed.last(kGcmTagBytes))) {
    return fail(ErrorCode::authentication, "sealed octets do not verify");
  }
  return out;
}

SecretBytes scrypt(const SecretBytes& passphrase, ByteView salt, std::size_t size) {
  constexpr std::uint64_t n = 1U << 15U, r = 8, p = 1;
  constexpr std::uint64_t memory_max = 64ULL * 1024ULL * 1024ULL;  // twice what these parameters need
  SecretBytes out(size);
  // With a null pointer libcrypto would only check the parameters.
  const auto* const octets = passphrase.empty() ? kZeroKey.data() : passphrase.reveal().data();
  must(size == 0 || EVP_PBE_scrypt(reinterpret_cast<const char*>(octets), passphrase.size(), salt.data(),
                                   salt.size(), n, r, p, memory_max, out.reveal_writable().data(), size) == 1,
       "scrypt");
  return out;
}

Result<std::string> nfkc(std::string_view utf8) {
  constexpr std::size_t octets_max = 64UL * 1024UL;
  constexpr std::size_t expansion = 18;  // the most any character grows (UAX 15, of U+FDFA)
  if (utf8.size() > octets_max) return fail(ErrorCode::limit, "text of more than 64 KiB to normalise");
  const bool ascii =
      std::all_of(utf8.begin(), utf8.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii) return std::string(utf8);  // its own normal form

  UErrorCode error = U_ZERO_ERROR;
  std::vector<UChar> wide(utf8.size() + 1);
  int32_t wide_size = 0;
  u_strFromUTF8(wide.data(), static_cast<int32_t>(wide.size()), &wide_size, utf8.data(),
                static_cast<int32_t>(utf8.size()), &error);
  if (U_FAILURE(error) != 0) return fail(ErrorCode::invalid_argument, "text is not UTF-8");

  const UNormalizer2* const normalizer = unorm2_getNFKCInstance(&error);
  must(U_SUCCESS(error) != 0, "ICU has no NFKC data");
  std::vector<UChar> normal(static_cast<std::size_t>(wide_size) * expansion + 1);
  const int32_t normal_size = unorm2_normalize(normalizer, wide.data(), wide_size, normal.data(),
                                               static_cast<int32_t>(normal.size()), &error);
  must(U_SUCCESS(error) != 0, "NFKC");

  std::string out(static_cast<std::size_t>(normal_size) * 3 + 1, '\0');
  int32_t out_size = 0;
  u_strToUTF8(out.data(), static_cast<int32_t>(out.size()), &out_size, normal.data(), normal_size, &error);
  must(U_SUCCESS(error) != 0, "UTF-8");
  out.resize(static_cast<std::size_t>(out_size));
  return out;
}

}  // namespace latchkey::crypto
