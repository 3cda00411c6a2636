#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <utility>

#include "issue.h"

namespace latchkey::pki {
namespace {

constexpr std::chrono::days kNextUpdateMax{3'650};

constexpr std::array<std::pair<std::string_view, int>, 8> kReasons{
    {{"unspecified", CRL_REASON_UNSPECIFIED},
     {"keyCompromise", CRL_REASON_KEY_COMPROMISE},
     {"cACompromise", CRL_REASON_CA_COMPROMISE},
     {"affiliationChanged", CRL_REASON_AFFILIATION_CHANGED},
     {"superseded", CRL_REASON_SUPERSEDED},
     {"cessationOfOperation", CRL_REASON_CESSATION_OF_OPERATION},
     {"privilegeWithdrawn", CRL_REASON_PRIVILEGE_WITHDRAWN},
     {"aACompromise", CRL_REASON_AA_COMPROMISE}}};

TimePtr asn1_time(TimePoint time) {
  return TimePtr(
      ASN1_TIME_set(nullptr, std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count()));
}

IntegerPtr asn1_integer(std::uint64_t value) {
  IntegerPtr integer(ASN1_INTEGER_new());
  if (integer && ASN1_INTEGER_set_uint64(integer.get(), value) != 1) integer.reset();
  return integer;
}

bool set_serial(X509_REVOKED* entry, const std::string& serial_hex) {
  BIGNUM* parsed = nullptr;
  const int digits = BN_hex2bn(&parsed, serial_hex.c_str());
  const BignumPtr number(parsed);
  if (digits <= 0 || static_cast<std::size_t>(digits) != serial_hex.size()) return false;
  const IntegerPtr serial(BN_to_ASN1_INTEGER(number.get(), nullptr));
  return serial && X509_REVOKED_set_serialNumber(entry, serial.get()) == 1;
}

/// RFC 5280 5.3.1: "unspecified" is said by leaving the reason out.
bool set_reason(X509_REVOKED* entry, std::string_view reason) {
  const auto code = revocation_reason(reason);
  if (!code || *code == CRL_REASON_UNSPECIFIED) return true;
  const OsslPtr<ASN1_ENUMERATED, ASN1_ENUMERATED_free> value(ASN1_ENUMERATED_new());
  return value && ASN1_ENUMERATED_set(value.get(), *code) == 1 &&
         X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

bool add_entry(X509_CRL* crl, const std::string& serial_hex, const Revocation& revocation) {
  RevokedPtr entry(X509_REVOKED_new());
  const TimePtr time = asn1_time(revocation.time);
  if (!entry || !time || !set_serial(entry.get(), serial_hex) ||
      X509_REVOKED_set_revocationDate(entry.get(), time.get()) != 1 ||
      !set_reason(entry.get(), revocation.reason) || X509_CRL_add0_revoked(crl, entry.get()) != 1) {
    return false;
  }
  static_cast<void>(entry.release());
  return true;
}

bool add_authority_key_identifier(X509_CRL* crl, const Certificate& issuer) {
  const ASN1_OCTET_STRING* key_id = X509_get0_subject_key_id(native(issuer));
  if (key_id == nullptr) return true;
  const OsslPtr<AUTHORITY_KEYID, AUTHORITY_KEYID_free> authority(AUTHORITY_KEYID_new());
  if (!authority) return false;
  authority->keyid = ASN1_OCTET_STRING_dup(key_id);
  return X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, authority.get(), 0, X509V3_ADD_DEFAULT) ==
         1;
}

}  // namespace

std::optional<int> revocation_reason(std::string_view name) {
  const auto found = std::ranges::find(kReasons, name, &std::pair<std::string_view, int>::first);
  if (found == kReasons.end()) return std::nullopt;
  return found->second;
}

Result<std::string> build_crl(const Signer& signer, std::uint64_t number,
                              const std::map<std::string, Revocation>& revoked, TimePoint now,
                              std::chrono::days next_update) {
  if (next_update <= std::chrono::days(0) || next_update > kNextUpdateMax) {
    return fail(ErrorCode::invalid_argument, "next update is not in 1 to 3650 days");
  }
  const CrlPtr crl(X509_CRL_new());
  const TimePtr from = asn1_time(now);
  const TimePtr until = asn1_time(now + next_update);
  const IntegerPtr crl_number = asn1_integer(number);
  bool done =
      crl && from && until && crl_number && X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) == 1 &&
      X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(native(*signer.certificate))) == 1 &&
      X509_CRL_set1_lastUpdate(crl.get(), from.get()) == 1 &&
      X509_CRL_set1_nextUpdate(crl.get(), until.get()) == 1 &&
      X509_CRL_add1_ext_i2d(crl.get(), NID_crl_number, crl_number.get(), 0, X509V3_ADD_DEFAULT) == 1 &&
      add_authority_key_identifier(crl.get(), *signer.certificate);
  for (const auto& [serial, revocation] : revoked) done = done && add_entry(crl.get(), serial, revocation);
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!done || X509_CRL_sort(crl.get()) != 1 ||
      X509_CRL_sign(crl.get(), native(*signer.key), EVP_sha256()) <= 0 || !out ||
      PEM_write_bio_X509_CRL(out.get(), crl.get()) != 1) {
    return fail(ErrorCode::internal, "CRL: " + ossl_error());
  }
  return std::string(as_text(written(out.get())));
}

}  // namespace latchkey::pki
