#include "revocation.h"

#include <openssl/pem.h>

#include "certificate_impl.h"

namespace latchkey::pki {
namespace {

constexpr std::size_t kCrlOctetsMax = 16U << 20U;

/// A CRL that is complete for its issuer and signed by it. An extension marked critical that we do not know
/// may change its meaning (RFC 5280 5.2): delta and partial CRLs carry one, and so do not count.
bool is_complete(const X509_CRL* crl) {
  for (int i = 0; i < X509_CRL_get_ext_count(crl); ++i) {
    if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i)) != 0) return false;
  }
  return true;
}

bool signed_by(X509_CRL* crl, const Certificate& issuer) {
  X509* x509 = native(issuer);
  const bool may_sign =
      (X509_get_extension_flags(x509) & EXFLAG_KUSAGE) == 0 || (X509_get_key_usage(x509) & KU_CRL_SIGN) != 0;
  const bool good = may_sign && X509_CRL_get_signature_nid(crl) == NID_ecdsa_with_SHA256 &&
                    X509_CRL_verify(crl, X509_get0_pubkey(x509)) == 1;
  ERR_clear_error();
  return good;
}

/// Unknown critical entry extensions (RFC 5280 5.3) would change what an entry says.
bool has_critical_entry_extension(const X509_REVOKED* entry) {
  for (int i = 0; i < X509_REVOKED_get_ext_count(entry); ++i) {
    if (X509_EXTENSION_get_critical(X509_REVOKED_get_ext(entry, i)) != 0) return true;
  }
  return false;
}

tl::unexpected<Error> refuse(const Certificate& issuer, const std::string& what) {
  return fail(ErrorCode::authentication, "8.1.2.2: CRL of '" + issuer.subject() + "' " + what);
}

}  // namespace

Result<std::vector<CrlPtr>> read_crls(ByteView octets) {
  if (octets.size() > kCrlOctetsMax) return fail(ErrorCode::limit, "CRL larger than 16 MiB");
  std::vector<CrlPtr> crls;
  const unsigned char* cursor = octets.data();
  if (CrlPtr der(d2i_X509_CRL(nullptr, &cursor, static_cast<long>(octets.size()))); der) {
    if (cursor != octets.data() + octets.size())
      return fail(ErrorCode::invalid_argument, "octets behind a CRL");
    crls.push_back(std::move(der));
    return crls;
  }
  ERR_clear_error();
  const BioPtr in = memory_reader(octets);
  while (CrlPtr crl{PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr)})
    crls.push_back(std::move(crl));
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string cause = ossl_error();
  if (!at_end || crls.empty()) return fail(ErrorCode::invalid_argument, "no CRL: " + cause);
  return crls;
}

Result<RevocationStatus> check_revocation(const std::vector<CrlPtr>& crls, const Certificate& certificate,
                                          const Certificate& issuer, TimePoint now) {
  X509_CRL* newest = nullptr;
  bool held = false;
  for (const auto& crl : crls) {
    if (X509_NAME_cmp(X509_CRL_get_issuer(crl.get()), X509_get_subject_name(native(issuer))) != 0) continue;
    held = true;
    if (!is_complete(crl.get()) || !signed_by(crl.get(), issuer)) continue;
    if (newest == nullptr || to_time_point(X509_CRL_get0_lastUpdate(newest)) <
                                 to_time_point(X509_CRL_get0_lastUpdate(crl.get()))) {
      newest = crl.get();
    }
  }
  if (!held) return RevocationStatus::no_crl;
  if (newest == nullptr) return refuse(issuer, "is not signed by it, or is not complete");
  if (now < to_time_point(X509_CRL_get0_lastUpdate(newest))) return refuse(issuer, "is from the future");
  const ASN1_TIME* next = X509_CRL_get0_nextUpdate(newest);
  if (next == nullptr) return refuse(issuer, "says no next update");
  if (now > to_time_point(next))
    return refuse(issuer, "has expired at " + format_timestamp(to_time_point(next)));
  X509_REVOKED* entry = nullptr;
  if (X509_CRL_get0_by_cert(newest, &entry, native(certificate)) == 0) return RevocationStatus::good;
  if (has_critical_entry_extension(entry)) return refuse(issuer, "has an entry that cannot be read");
  return fail(ErrorCode::authentication, "8.1.2.2: certificate '" + certificate.subject() + "' serial " +
                                             certificate.serial_hex() + " is revoked");
}

}  // namespace latchkey::pki
