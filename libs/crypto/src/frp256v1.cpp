#include "frp256v1.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <memory>

#include "native.h"

namespace latchkey::crypto::frp256v1 {
namespace {

using Number = std::unique_ptr<BIGNUM, Deleter<BN_clear_free>>;

/// 1.2.250.1.223.101.256.1
constexpr std::array<std::uint8_t, 10> kOid = {0x2A, 0x81, 0x7A, 0x01, 0x81, 0x5F, 0x65, 0x82, 0x00, 0x01};
/// SubjectPublicKeyInfo up to the coordinates: id-ecPublicKey, the curve, an uncompressed point.
constexpr std::array<std::uint8_t, 29> kSpkiStart = {
    0x30, 0x5B, 0x30, 0x15, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x0A,
    0x2A, 0x81, 0x7A, 0x01, 0x81, 0x5F, 0x65, 0x82, 0x00, 0x01, 0x03, 0x42, 0x00, 0x04};

Bytes hex(std::string_view text) {
  auto octets = from_hex(text);
  must(octets.has_value(), "curve parameter");
  return std::move(*octets);
}

Number number(ByteView octets) {
  Number out(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
  must(out != nullptr, "number");
  return out;
}

bool has_number(const EVP_PKEY* key, const char* name, const Number& wanted) {
  BIGNUM* value = nullptr;
  const bool there = EVP_PKEY_get_bn_param(key, name, &value) == 1;
  const Number owner(value);
  return there && BN_cmp(value, wanted.get()) == 0;
}

Number one() { return number(std::array<std::uint8_t, 1>{1}); }

}  // namespace

const Parameters& parameters() {
  static const Parameters all = {
      .p = hex("F1FD178C0B3AD58F10126DE8CE42435B3961ADBCABC8CA6DE8FCF353D86E9C03"),
      .a = hex("F1FD178C0B3AD58F10126DE8CE42435B3961ADBCABC8CA6DE8FCF353D86E9C00"),
      .b = hex("EE353FCA5428A9300D4ABA754A44C00FDFEC0C9AE4B1A1803075ED967B7BB73F"),
      .order = hex("F1FD178C0B3AD58F10126DE8CE42435B53DC67E140D2BF941FFDD459C6D655E1"),
      .generator = hex("04"
                       "B6B3D4C356C139EB31183D4749D423958C27D2DCAF98B70164C97A2DD98F5CFF"
                       "6142E0F7C8B204911F9271F0F3ECEF8C2701C307E8E4C9E183115A1554062CFB")};
  return all;
}

bool holds(const EVP_PKEY* key) {
  const Parameters& wanted = parameters();
  Bytes generator(wanted.generator.size());
  std::size_t size = 0;
  return has_number(key, OSSL_PKEY_PARAM_EC_P, number(wanted.p)) &&
         has_number(key, OSSL_PKEY_PARAM_EC_A, number(wanted.a)) &&
         has_number(key, OSSL_PKEY_PARAM_EC_B, number(wanted.b)) &&
         has_number(key, OSSL_PKEY_PARAM_EC_ORDER, number(wanted.order)) &&
         has_number(key, OSSL_PKEY_PARAM_EC_COFACTOR, one()) &&
         EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_EC_GENERATOR, generator.data(),
                                         generator.size(), &size) == 1 &&
         size == generator.size() && generator == wanted.generator;
}

Bytes spki(ByteView point) {
  Bytes out(kSpkiStart.begin(), kSpkiStart.end());
  out.insert(out.end(), point.begin(), point.end());
  return out;
}

std::optional<Bytes> point_of_spki(ByteView der) {
  if (der.size() != kSpkiStart.size() + 2 * kCoordinateBytes ||
      !std::ranges::equal(der.first(kSpkiStart.size()), kSpkiStart))
    return {};
  const ByteView point = der.subspan(kSpkiStart.size());
  return Bytes(point.begin(), point.end());
}

std::optional<SecretBytes> scalar_of_pkcs8(ByteView pem) {
  const std::unique_ptr<BIO, Deleter<BIO_free_all>> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  must(bio != nullptr, "memory BIO");
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, Deleter<PKCS8_PRIV_KEY_INFO_free>> info(
      PEM_read_bio_PKCS8_PRIV_KEY_INFO(bio.get(), nullptr, nullptr, nullptr));
  const X509_ALGOR* algorithm = nullptr;
  const std::uint8_t* octets = nullptr;
  int size = 0;
  if (info == nullptr || PKCS8_pkey_get0(nullptr, &octets, &size, &algorithm, info.get()) != 1) return {};
  const ASN1_OBJECT* kind = nullptr;
  int type = 0;
  const void* curve = nullptr;
  X509_ALGOR_get0(&kind, &type, &curve, algorithm);
  if (OBJ_obj2nid(kind) != NID_X9_62_id_ecPublicKey || type != V_ASN1_OBJECT) return {};
  const auto* const oid = static_cast<const ASN1_OBJECT*>(curve);
  if (!std::ranges::equal(ByteView(OBJ_get0_data(oid), OBJ_length(oid)), kOid)) return {};
  // ECPrivateKey (RFC 5915): version 1, then the scalar. What may follow belongs to it or is wrong.
  constexpr std::array<std::uint8_t, 5> start = {0x02, 0x01, 0x01, 0x04, kCoordinateBytes};
  const ByteView key(octets, static_cast<std::size_t>(size));
  const std::size_t header = key.size() > 1 && key[1] == 0x81 ? 3 : 2;
  if (key.size() < header + start.size() + kCoordinateBytes || key[0] != 0x30 ||
      key[header - 1] != key.size() - header || !std::ranges::equal(key.subspan(header, start.size()), start))
    return {};
  return SecretBytes::copy_of(key.subspan(header + start.size(), kCoordinateBytes));
}

std::optional<Bytes> point_of(const SecretBytes& scalar) {
  const Parameters& curve = parameters();
  const std::unique_ptr<EC_GROUP, Deleter<EC_GROUP_free>> group(
      EC_GROUP_new_curve_GFp(number(curve.p).get(), number(curve.a).get(), number(curve.b).get(), nullptr));
  must(group != nullptr, "FRP256v1");
  const std::unique_ptr<EC_POINT, Deleter<EC_POINT_free>> point(EC_POINT_new(group.get()));
  must(point != nullptr &&
           EC_POINT_oct2point(group.get(), point.get(), curve.generator.data(), curve.generator.size(),
                              nullptr) == 1 &&
           EC_GROUP_set_generator(group.get(), point.get(), number(curve.order).get(), one().get()) == 1,
       "FRP256v1");
  const Number factor(BN_secure_new());
  must(factor != nullptr &&
           BN_bin2bn(scalar.reveal().data(), static_cast<int>(scalar.size()), factor.get()) != nullptr,
       "scalar");
  Bytes out(1 + 2 * kCoordinateBytes);
  if (BN_is_zero(factor.get()) || BN_cmp(factor.get(), EC_GROUP_get0_order(group.get())) >= 0 ||
      EC_POINT_mul(group.get(), point.get(), factor.get(), nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, out.data(), out.size(),
                         nullptr) != out.size())
    return {};
  out.erase(out.begin());
  return out;
}

}  // namespace latchkey::crypto::frp256v1
