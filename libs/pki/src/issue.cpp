#include "issue.h"

#include <openssl/pem.h>

#include <algorithm>
#include <array>

#include "latchkey/crypto/crypto.h"
#include "profile.h"

namespace latchkey::pki {
namespace {

constexpr std::size_t kSerialOctets = 16;
constexpr std::size_t kCommonNameMax = 64;  // ub-common-name of RFC 5280
constexpr std::chrono::minutes kClockSkew{5};
constexpr std::chrono::days kLifetimeMax{36'500};

tl::unexpected<Error> invalid(std::string what) { return fail(ErrorCode::invalid_argument, std::move(what)); }
tl::unexpected<Error> internal() { return fail(ErrorCode::internal, "certificate: " + ossl_error()); }

std::time_t to_time(TimePoint time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

/// Positive, of 16 octets without a leading zero: 126 random bits cannot be guessed and do not meet twice.
bool set_random_serial(X509* x509) {
  Bytes serial = crypto::random_bytes(kSerialOctets);
  serial.front() = static_cast<std::uint8_t>((serial.front() & 0x3fU) | 0x40U);
  const BignumPtr number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x509)) != nullptr;
}

bool set_common_name(X509_NAME* name, const std::string& common_name) {
  return common_name.empty() ||
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1;
}

bool add_extension(X509* x509, int nid, void* value, bool critical) {
  return value != nullptr && X509_add1_ext_i2d(x509, nid, value, critical ? 1 : 0, X509V3_ADD_DEFAULT) == 1;
}

bool add_basic_constraints(X509* x509, std::optional<int> path_length) {
  const OsslPtr<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free> basic(BASIC_CONSTRAINTS_new());
  if (!basic) return false;
  if (path_length) {
    basic->ca = 0xff;
    basic->pathlen = ASN1_INTEGER_new();
    if (basic->pathlen == nullptr || ASN1_INTEGER_set(basic->pathlen, *path_length) != 1) return false;
  }
  return add_extension(x509, NID_basic_constraints, basic.get(), true);
}

bool add_key_usage(X509* x509, std::initializer_list<int> bits) {
  const OsslPtr<ASN1_BIT_STRING, ASN1_BIT_STRING_free> usage(ASN1_BIT_STRING_new());
  if (!usage) return false;
  for (const int bit : bits) {
    if (ASN1_BIT_STRING_set_bit(usage.get(), bit, 1) != 1) return false;
  }
  return add_extension(x509, NID_key_usage, usage.get(), true);
}

bool add_extended_key_usage(X509* x509, std::initializer_list<int> purposes) {
  const OsslPtr<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free> usage(sk_ASN1_OBJECT_new_null());
  for (const int purpose : purposes) {
    if (!usage || sk_ASN1_OBJECT_push(usage.get(), OBJ_nid2obj(purpose)) <= 0) return false;
  }
  return add_extension(x509, NID_ext_key_usage, usage.get(), false);
}

/// RFC 5280 4.2.1.2 (1): SHA-1 of the key as an index, not for security.
bool add_key_identifiers(X509* x509, const Certificate* issuer) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_pubkey_digest(x509, EVP_sha1(), digest.data(), &size) != 1) return false;
  const StringPtr own(ASN1_OCTET_STRING_new());
  if (!own || ASN1_STRING_set(own.get(), digest.data(), static_cast<int>(size)) != 1 ||
      !add_extension(x509, NID_subject_key_identifier, own.get(), false)) {
    return false;
  }
  const OsslPtr<AUTHORITY_KEYID, AUTHORITY_KEYID_free> authority(AUTHORITY_KEYID_new());
  const ASN1_OCTET_STRING* of_issuer =
      issuer == nullptr ? own.get() : X509_get0_subject_key_id(native(*issuer));
  if (of_issuer == nullptr) return true;  // an issuer without identifier is found by its name
  if (!authority) return false;
  authority->keyid = ASN1_OCTET_STRING_dup(of_issuer);
  return add_extension(x509, NID_authority_key_identifier, authority.get(), false);
}

/// Key, names, serial number and times: what all certificates share.
Result<X509Ptr> blank(const std::string& common_name, const Bytes& spki, const Signer& signer, TimePoint now,
                      std::chrono::days lifetime) {
  if (lifetime <= std::chrono::days(0) || lifetime > kLifetimeMax)
    return invalid("lifetime is not 1 to 36500 days");
  if (common_name.size() > kCommonNameMax) return invalid("common name longer than 64 octets");
  const unsigned char* cursor = spki.data();
  const OsslPtr<X509_PUBKEY, X509_PUBKEY_free> key(
      d2i_X509_PUBKEY(nullptr, &cursor, static_cast<long>(spki.size())));
  ERR_clear_error();
  if (!key || cursor != spki.data() + spki.size()) return invalid("no SubjectPublicKeyInfo");
  if (const auto defect = public_key_defect(key.get())) return invalid(*defect);

  TimePoint from = now - kClockSkew;
  const TimePoint until = now + lifetime;
  if (signer.certificate != nullptr) {
    from = std::max(from, signer.certificate->not_before());
    if (until > signer.certificate->not_after()) return invalid("lifetime goes past that of the CA");
  }
  X509Ptr x509(X509_new());
  if (!x509 || X509_set_version(x509.get(), X509_VERSION_3) != 1 || !set_random_serial(x509.get()) ||
      X509_set_pubkey(x509.get(), X509_PUBKEY_get0(key.get())) != 1 ||
      ASN1_TIME_set(X509_getm_notBefore(x509.get()), to_time(from)) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(x509.get()), to_time(until)) == nullptr) {
    return internal();
  }
  X509_NAME* subject = X509_get_subject_name(x509.get());
  if (!set_common_name(subject, common_name)) {
    ERR_clear_error();
    return invalid("common name is not UTF-8 text");
  }
  const X509_NAME* issuer =
      signer.certificate == nullptr ? subject : X509_get_subject_name(native(*signer.certificate));
  if (X509_set_issuer_name(x509.get(), issuer) != 1) return internal();
  return x509;
}

/// Signs, and judges the outcome by the rules that every verifier applies: a defect here is the caller's
/// input.
Result<Certificate> sign(X509Ptr x509, const Signer& signer) {
  if (X509_sign(x509.get(), native(*signer.key), EVP_sha256()) <= 0) return internal();
  auto certificate = Certificate::from_der(to_der<i2d_X509>(x509.get()));
  if (!certificate) return certificate;
  const auto violations = certificate->profile_violations();
  if (!violations.empty()) return invalid(violations.front());
  return certificate;
}

}  // namespace

Result<Certificate> build_ca(const CaTemplate& ca, const Bytes& spki, const Signer& signer, TimePoint now,
                             std::chrono::days lifetime) {
  if (ca.common_name.empty()) return invalid("a CA needs a common name");
  const auto constraints = name_constraints(*ca.constraints);
  if (!constraints) return fail(constraints.error());
  auto x509 = blank(ca.common_name, spki, signer, now, lifetime);
  if (!x509) return fail(x509.error());
  // keyUsage bits 0, 5, 6: digitalSignature (10.1.1.1 asks it of all certificates), keyCertSign, cRLSign.
  if (!add_basic_constraints(x509->get(), ca.path_length) || !add_key_usage(x509->get(), {0, 5, 6}) ||
      !add_key_identifiers(x509->get(), signer.certificate) ||
      !add_extension(x509->get(), NID_name_constraints, constraints->get(), true)) {
    return internal();
  }
  return sign(*std::move(x509), signer);
}

Result<Certificate> build_leaf(const SubjectRequest& subject, const Bytes& spki, const Signer& signer,
                               TimePoint now, std::chrono::days lifetime) {
  const auto names = subject_names(subject);
  if (!names) return fail(names.error());
  auto x509 = blank(subject.common_name, spki, signer, now, lifetime);
  if (!x509) return fail(x509.error());
  // An FQDN certificate authenticates a function as TLS server only (8.1.2.1).
  const bool server_only = subject.flavour == Flavour::fqdn;
  const bool purposes = server_only ? add_extended_key_usage(x509->get(), {NID_server_auth})
                                    : add_extended_key_usage(x509->get(), {NID_server_auth, NID_client_auth});
  // RFC 5280 4.2.1.6: subjectAltName is critical when it alone names the subject. keyUsage bit 0:
  // digitalSignature.
  if (!purposes || !add_basic_constraints(x509->get(), std::nullopt) || !add_key_usage(x509->get(), {0}) ||
      !add_key_identifiers(x509->get(), signer.certificate) ||
      !add_extension(x509->get(), NID_subject_alt_name, names->get(), subject.common_name.empty())) {
    return internal();
  }
  const auto& constraints = signer.certificate->impl().constraints;
  const SubjectNames read = read_names(names->get());
  const Flavour flavour = classify(read, server_only);
  if (!constraints || !constraints->constrains(flavour, read)) {
    return invalid("8.1.2.2: this CA does not constrain names of a " + std::string(to_string(flavour)) +
                   " certificate");
  }
  if (auto status = constraints->check_names(names->get()); !status) {
    return invalid("8.1.2.2: outside the name constraints of this CA: " + status.error().detail);
  }
  return sign(*std::move(x509), signer);
}

}  // namespace latchkey::pki
