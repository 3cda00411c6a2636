#include "latchkey/crypto/keys.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "frp256v1.h"
#include "latchkey/crypto/crypto.h"
#include "native.h"

namespace latchkey::crypto {
namespace {

using Pkey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

struct CurveName {
  KeyKind kind;
  const char* name;  ///< as libcrypto calls the group; nullptr: it does not know it
  std::size_t coordinate;
};
constexpr std::array<CurveName, 5> kCurves = {{{KeyKind::p256, "prime256v1", 32},
                                               {KeyKind::p384, "secp384r1", 48},
                                               {KeyKind::p521, "secp521r1", 66},
                                               {KeyKind::brainpool_p256r1, "brainpoolP256r1", 32},
                                               {KeyKind::frp256v1, nullptr, frp256v1::kCoordinateBytes}}};

const CurveName* curve(KeyKind kind) noexcept {
  for (const CurveName& entry : kCurves)
    if (entry.kind == kind) return &entry;
  return nullptr;
}

std::optional<KeyKind> curve_of(const EVP_PKEY* key) {
  std::array<char, 64> name{};
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name.data(), name.size(), nullptr) != 1)
    return frp256v1::holds(key) ? std::optional(KeyKind::frp256v1) : std::nullopt;
  for (const CurveName& entry : kCurves)
    if (entry.name != nullptr && std::string_view(name.data()) == entry.name) return entry.kind;
  return {};
}

/// No passphrase is ever asked for at a terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Bio memory(ByteView bytes) {
  Bio bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  must(bio != nullptr, "memory BIO");
  return bio;
}

constexpr std::size_t kMaxPem = 32UL * 1024UL;

/// The parts of a key on their way into libcrypto.
class ParameterList {
 public:
  ParameterList() : builder_(OSSL_PARAM_BLD_new()) { must(builder_ != nullptr, "key parameters"); }

  /// The curve by its name, or by its parameters where libcrypto has no name for it.
  void add_curve(const CurveName& entry) {
    if (entry.name != nullptr) {
      must(OSSL_PARAM_BLD_push_utf8_string(builder_.get(), OSSL_PKEY_PARAM_GROUP_NAME, entry.name, 0) == 1,
           "key parameters");
      return;
    }
    const frp256v1::Parameters& curve_parameters = frp256v1::parameters();
    must(OSSL_PARAM_BLD_push_utf8_string(builder_.get(), OSSL_PKEY_PARAM_EC_FIELD_TYPE, "prime-field", 0) ==
                 1 &&
             OSSL_PARAM_BLD_push_octet_string(builder_.get(), OSSL_PKEY_PARAM_EC_GENERATOR,
                                              curve_parameters.generator.data(),
                                              curve_parameters.generator.size()) == 1,
         "key parameters");
    add_number(OSSL_PKEY_PARAM_EC_P, curve_parameters.p);
    add_number(OSSL_PKEY_PARAM_EC_A, curve_parameters.a);
    add_number(OSSL_PKEY_PARAM_EC_B, curve_parameters.b);
    add_number(OSSL_PKEY_PARAM_EC_ORDER, curve_parameters.order);
    add_number(OSSL_PKEY_PARAM_EC_COFACTOR, std::array<std::uint8_t, 1>{1});
  }
  Status add_point(KeyKind kind, ByteView x, ByteView y) {
    const CurveName* const entry = curve(kind);
    if (entry == nullptr) return fail(ErrorCode::invalid_argument, "RSA keys have no point");
    if (x.size() != entry->coordinate || y.size() != entry->coordinate)
      return fail(ErrorCode::invalid_argument, "coordinate of wrong length");
    point_.push_back(4);  // uncompressed, SEC 1 2.3.3
    point_.insert(point_.end(), x.begin(), x.end());
    point_.insert(point_.end(), y.begin(), y.end());
    add_curve(*entry);
    must(OSSL_PARAM_BLD_push_octet_string(builder_.get(), OSSL_PKEY_PARAM_PUB_KEY, point_.data(),
                                          point_.size()) == 1,
         "key parameters");
    return {};
  }
  void add_number(const char* name, ByteView octets) {
    numbers_.emplace_back(BN_secure_new());
    BIGNUM* const number = numbers_.back().get();
    must(number != nullptr && BN_bin2bn(octets.data(), static_cast<int>(octets.size()), number) != nullptr &&
             OSSL_PARAM_BLD_push_BN(builder_.get(), name, number) == 1,
         "key parameters");
  }
  /// nullptr if the parts make no key.
  [[nodiscard]] EVP_PKEY* key(const char* type, int selection) const {
    const std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>> parameters(
        OSSL_PARAM_BLD_to_param(builder_.get()));
    const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    must(parameters != nullptr && context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1,
         "key from parts");
    EVP_PKEY* key = nullptr;
    return EVP_PKEY_fromdata(context.get(), &key, selection, parameters.get()) == 1 ? key : nullptr;
  }

 private:
  std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>> builder_;
  std::vector<std::unique_ptr<BIGNUM, Deleter<BN_clear_free>>> numbers_;  // the builder refers to them
  Bytes point_;
};

}  // namespace

std::size_t hash_bytes(Hash hash) noexcept {
  return hash == Hash::sha256 ? 32 : hash == Hash::sha384 ? 48 : 64;
}

std::size_t coordinate_bytes(KeyKind kind) noexcept {
  const CurveName* const entry = curve(kind);
  return entry == nullptr ? 0 : entry->coordinate;
}

Result<PublicKey> PublicKey::adopt(std::shared_ptr<evp_pkey_st> key) {
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
    const int bits = EVP_PKEY_get_bits(key.get());
    if (bits < kMinRsaBits || bits > kMaxRsaBits)
      return fail(ErrorCode::unsupported, "RSA key of " + std::to_string(bits) + " bits");
    return PublicKey(std::move(key), KeyKind::rsa);
  }
  if (EVP_PKEY_is_a(key.get(), "EC") != 1)
    return fail(ErrorCode::unsupported, "key neither RSA nor elliptic curve");
  const std::optional<KeyKind> kind = curve_of(key.get());
  if (!kind) return fail(ErrorCode::unsupported, "key on an unknown curve");
  return PublicKey(std::move(key), *kind);
}

Result<PublicKey> PublicKey::from_spki(ByteView der) {
  if (der.size() > kMaxPem) return fail(ErrorCode::invalid_argument, "public key of excessive length");
  if (const auto point = frp256v1::point_of_spki(der))
    return from_point(KeyKind::frp256v1, ByteView(*point).first(frp256v1::kCoordinateBytes),
                      ByteView(*point).last(frp256v1::kCoordinateBytes));
  const std::uint8_t* at = der.data();
  Pkey key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  if (key == nullptr || at != der.data() + der.size())
    return fail(ErrorCode::invalid_argument, "not a SubjectPublicKeyInfo");
  return adopt({key.release(), EVP_PKEY_free});
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  if (pem.size() > kMaxPem) return fail(ErrorCode::invalid_argument, "public key of excessive length");
  const Bio bio = memory(as_bytes(pem));
  std::uint8_t* der = nullptr;
  long size = 0;
  if (PEM_bytes_read_bio(&der, &size, nullptr, PEM_STRING_PUBLIC, bio.get(), no_passphrase, nullptr) != 1)
    return fail(ErrorCode::invalid_argument, "not a public key in PEM");
  const Bytes octets(der, der + size);
  OPENSSL_free(der);
  return from_spki(octets);
}

Result<PublicKey> PublicKey::from_point(KeyKind kind, ByteView x, ByteView y) {
  ParameterList list;
  if (auto added = list.add_point(kind, x, y); !added) return fail(std::move(added.error()));
  EVP_PKEY* const key = list.key("EC", EVP_PKEY_PUBLIC_KEY);
  if (key == nullptr) return fail(ErrorCode::invalid_argument, "the point is not on the curve");
  return PublicKey({key, EVP_PKEY_free}, kind);
}

Result<PublicKey> PublicKey::from_modulus(ByteView modulus, ByteView exponent) {
  if (modulus.size() > kMaxRsaBits / 8 + 1 || exponent.size() > 8)
    return fail(ErrorCode::unsupported, "RSA key of excessive length");
  ParameterList list;
  list.add_number(OSSL_PKEY_PARAM_RSA_N, modulus);
  list.add_number(OSSL_PKEY_PARAM_RSA_E, exponent);
  EVP_PKEY* const key = list.key("RSA", EVP_PKEY_PUBLIC_KEY);
  if (key == nullptr) return fail(ErrorCode::invalid_argument, "not an RSA key");
  return adopt({key, EVP_PKEY_free});
}

Bytes PublicKey::spki() const {
  if (kind_ == KeyKind::frp256v1) return frp256v1::spki(point());
  std::uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(native(), &der);
  must(size > 0, "SubjectPublicKeyInfo");
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

Bytes PublicKey::point() const {
  const std::size_t size = coordinate_bytes(kind_);
  if (size == 0) return {};
  Bytes octets(1 + 2 * size);
  std::size_t written = 0;
  must(EVP_PKEY_get_octet_string_param(native(), OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, octets.data(),
                                       octets.size(), &written) == 1 &&
           written == octets.size(),
       "public point");
  octets.erase(octets.begin());
  return octets;
}

Result<PrivateKey> PrivateKey::from_pem(const SecretBytes& pem) {
  if (pem.size() > kMaxPem) return fail(ErrorCode::invalid_argument, "private key of excessive length");
  const Bio bio = memory(pem.reveal());
  Pkey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) {
    const auto scalar = frp256v1::scalar_of_pkcs8(pem.reveal());
    if (!scalar) return fail(ErrorCode::invalid_argument, "not an unencrypted private key in PEM");
    const auto point = frp256v1::point_of(*scalar);
    if (!point) return fail(ErrorCode::invalid_argument, "a scalar outside the order of its curve");
    return from_scalar(KeyKind::frp256v1, *scalar, ByteView(*point).first(frp256v1::kCoordinateBytes),
                       ByteView(*point).last(frp256v1::kCoordinateBytes));
  }
  auto pair = PublicKey::adopt({key.release(), EVP_PKEY_free});
  if (!pair) return fail(std::move(pair.error()));
  return PrivateKey(std::move(*pair));
}

Result<PrivateKey> PrivateKey::from_scalar(KeyKind kind, const SecretBytes& d, ByteView x, ByteView y) {
  ParameterList list;
  if (auto added = list.add_point(kind, x, y); !added) return fail(std::move(added.error()));
  if (d.size() != coordinate_bytes(kind)) return fail(ErrorCode::invalid_argument, "scalar of wrong length");
  list.add_number(OSSL_PKEY_PARAM_PRIV_KEY, d.reveal());
  Pkey key(list.key("EC", EVP_PKEY_KEYPAIR));
  const PkeyContext context(key == nullptr ? nullptr
                                           : EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (context == nullptr || EVP_PKEY_pairwise_check(context.get()) != 1)
    return fail(ErrorCode::invalid_argument, "the private key does not belong to the point");
  return PrivateKey(PublicKey({key.release(), EVP_PKEY_free}, kind));
}

PrivateKey PrivateKey::generate_on_parameters(KeyKind kind) {
  ParameterList list;
  list.add_curve(*curve(kind));
  const Pkey parameters(list.key("EC", EVP_PKEY_KEY_PARAMETERS));
  must(parameters != nullptr, "curve parameters");
  const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, parameters.get(), nullptr));
  EVP_PKEY* key = nullptr;
  must(context != nullptr && EVP_PKEY_keygen_init(context.get()) == 1 &&
           EVP_PKEY_keygen(context.get(), &key) == 1,
       "key generation");
  return PrivateKey(PublicKey({key, EVP_PKEY_free}, kind));
}

PrivateKey PrivateKey::generate(KeyKind kind) {
  const CurveName* const entry = curve(kind);
  must(entry != nullptr, "a curve is needed");
  if (entry->name == nullptr) return generate_on_parameters(kind);
  EVP_PKEY* const key = EVP_EC_gen(entry->name);
  must(key != nullptr, "key generation");
  return PrivateKey(PublicKey({key, EVP_PKEY_free}, kind));
}

PrivateKey PrivateKey::generate_rsa(int bits) {
  must(bits >= kMinRsaBits && bits <= kMaxRsaBits, "RSA size");
  EVP_PKEY* const key = EVP_RSA_gen(static_cast<unsigned>(bits));
  must(key != nullptr, "key generation");
  return PrivateKey(PublicKey({key, EVP_PKEY_free}, KeyKind::rsa));
}

SecretBytes PrivateKey::pem() const {
  const Bio bio(BIO_new(BIO_s_secmem()));
  must(bio != nullptr &&
           PEM_write_bio_PKCS8PrivateKey(bio.get(), native(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
       "private key in PEM");
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return SecretBytes::copy_of(as_bytes({text, static_cast<std::size_t>(size)}));
}

}  // namespace latchkey::crypto
