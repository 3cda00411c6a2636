#include "latchkey/pki/certificate.h"

#include <openssl/pem.h>

#include <algorithm>
#include <ctime>

#include "certificate_impl.h"
#include "profile.h"

namespace latchkey::pki {
namespace {

constexpr std::size_t kCertificateOctetsMax = 16U << 10U;
constexpr std::size_t kChainMax = 10;
constexpr std::size_t kChainTextMax = kChainMax * (kCertificateOctetsMax / 3 * 4 + 4096);

std::string name_text(const X509_NAME* name) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  // RFC 2253, with UTF-8 as it stands; control characters stay escaped, so that a log line cannot be forged.
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return {};
  return std::string(as_text(written(out.get())));
}

/// d2i of one extension. An extension that is there twice or does not parse makes the certificate unusable.
template <class T>
T* extension(X509* x509, int nid, int* critical, std::string& broken) {
  int state = -1;
  auto* value = static_cast<T*>(X509_get_ext_d2i(x509, nid, &state, nullptr));
  if (value == nullptr && state != -1) broken = OBJ_nid2ln(nid);
  if (critical != nullptr) *critical = state;
  return value;
}

void read_extended_key_usage(Certificate::Impl& impl) {
  const OsslPtr<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free> usage(
      extension<EXTENDED_KEY_USAGE>(impl.x509.get(), NID_ext_key_usage, nullptr, impl.broken_extension));
  if (!usage) return;
  impl.server_auth = impl.client_auth = false;
  for (int i = 0; i < sk_ASN1_OBJECT_num(usage.get()); ++i) {
    const int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(usage.get(), i));
    impl.server_auth |= nid == NID_server_auth || nid == NID_anyExtendedKeyUsage;
    impl.client_auth |= nid == NID_client_auth || nid == NID_anyExtendedKeyUsage;
  }
}

void read_extensions(Certificate::Impl& impl) {
  X509* x509 = impl.x509.get();
  impl.ca = (X509_get_extension_flags(x509) & EXFLAG_CA) != 0;
  const NamesPtr names(extension<GENERAL_NAMES>(x509, NID_subject_alt_name, nullptr, impl.broken_extension));
  impl.names = read_names(names.get());
  int critical = 0;
  ConstraintsPtr constraints(
      extension<NAME_CONSTRAINTS>(x509, NID_name_constraints, &critical, impl.broken_extension));
  if (constraints) impl.constraints.emplace(std::move(constraints), critical == 1);
  read_extended_key_usage(impl);
  if ((X509_get_extension_flags(x509) & EXFLAG_INVALID) != 0 && impl.broken_extension.empty()) {
    impl.broken_extension = "extensions";
  }
  // Only a server certificate can prove an FQDN: a function is authenticated as TLS server (8.1.2.1).
  impl.flavour = impl.ca ? Flavour::ca : classify(impl.names, impl.server_auth && !impl.client_auth);
}

}  // namespace

std::string_view to_string(Flavour flavour) noexcept {
  switch (flavour) {
    case Flavour::raw:
      return "raw";
    case Flavour::device:
      return "device";
    case Flavour::node_id:
      return "node-id";
    case Flavour::cse_id:
      return "cse-id";
    case Flavour::ae_id:
      return "ae-id";
    case Flavour::fqdn:
      return "fqdn";
    case Flavour::ca:
      return "ca";
    case Flavour::unknown:
      break;
  }
  return "unknown";
}

TimePoint to_time_point(const ASN1_TIME* time) {
  std::tm utc{};
  if (ASN1_TIME_to_tm(time, &utc) != 1) return TimePoint{};  // the epoch: long past
  return TimePoint(std::chrono::seconds(timegm(&utc)));
}

Result<Certificate> adopt(X509Ptr x509) {
  auto impl = std::make_shared<Certificate::Impl>();
  impl->der = to_der<i2d_X509>(x509.get());
  impl->spki = to_der<i2d_X509_PUBKEY>(X509_get_X509_PUBKEY(x509.get()));
  impl->x509 = std::move(x509);
  if (impl->der.empty() || impl->spki.empty()) {
    return fail(ErrorCode::invalid_argument, "certificate cannot be encoded: " + ossl_error());
  }
  // Makes libcrypto cache the extensions now, so that later readers in several threads only read.
  X509_check_purpose(impl->x509.get(), -1, 0);
  read_extensions(*impl);
  ERR_clear_error();
  return Certificate(std::move(impl));
}

Result<Certificate> Certificate::from_der(ByteView der) {
  if (der.size() > kCertificateOctetsMax) return fail(ErrorCode::limit, "certificate larger than 16 KiB");
  const unsigned char* cursor = der.data();
  X509Ptr x509(d2i_X509(nullptr, &cursor, static_cast<long>(der.size())));
  if (!x509) return fail(ErrorCode::invalid_argument, "no certificate: " + ossl_error());
  auto certificate = adopt(std::move(x509));
  // Trailing octets and BER that is no DER: two encodings of one certificate must not both pass.
  if (certificate && !std::ranges::equal(certificate->der(), der)) {
    return fail(ErrorCode::invalid_argument, "certificate is not DER, or is followed by other octets");
  }
  return certificate;
}

Result<std::vector<Certificate>> Certificate::chain_from_pem(std::string_view pem) {
  if (pem.size() > kChainTextMax) return fail(ErrorCode::limit, "certificate file too large");
  std::vector<Certificate> chain;
  const BioPtr in = memory_reader(as_bytes(pem));
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(in.get(), &name, &header, &data, &size) != 1) break;
    const OsslPtr<char, [](char* p) { OPENSSL_free(p); }> name_owner(name), header_owner(header);
    const OsslPtr<unsigned char, [](unsigned char* p) { OPENSSL_free(p); }> data_owner(data);
    const std::string_view label(name);
    if (label != PEM_STRING_X509 && label != PEM_STRING_X509_OLD) continue;  // a key or parameters beside it
    if (chain.size() == kChainMax) return fail(ErrorCode::limit, "more than 10 certificates in a chain");
    auto certificate = from_der({data, static_cast<std::size_t>(size)});
    if (!certificate) return fail("certificate " + std::to_string(chain.size() + 1), certificate.error());
    chain.push_back(*std::move(certificate));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string cause = ossl_error();
  if (!at_end) return fail(ErrorCode::invalid_argument, "damaged PEM: " + cause);
  if (chain.empty()) return fail(ErrorCode::invalid_argument, "no certificate in the PEM text");
  return chain;
}

const Bytes& Certificate::der() const noexcept { return impl_->der; }
const Bytes& Certificate::spki() const noexcept { return impl_->spki; }
const SubjectNames& Certificate::names() const noexcept { return impl_->names; }
bool Certificate::is_ca() const noexcept { return impl_->ca; }
bool Certificate::may_encrypt() const noexcept {
  X509* x509 = impl_->x509.get();
  if ((X509_get_extension_flags(x509) & EXFLAG_KUSAGE) == 0) return true;
  return (X509_get_key_usage(x509) & (KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT)) != 0;
}
Flavour Certificate::flavour() const noexcept { return impl_->flavour; }

std::string Certificate::to_pem() const {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_X509(out.get(), impl_->x509.get()) != 1) return {};
  return std::string(as_text(written(out.get())));
}

std::string Certificate::subject() const { return name_text(X509_get_subject_name(impl_->x509.get())); }
std::string Certificate::issuer() const { return name_text(X509_get_issuer_name(impl_->x509.get())); }

std::string Certificate::serial_hex() const {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(impl_->x509.get());
  const auto value = octets(serial);
  const char* sign = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER ? "-" : "";
  return sign + (value.empty() ? std::string("00") : to_hex(value));
}

TimePoint Certificate::not_before() const { return to_time_point(X509_get0_notBefore(impl_->x509.get())); }
TimePoint Certificate::not_after() const { return to_time_point(X509_get0_notAfter(impl_->x509.get())); }

std::vector<std::string> Certificate::profile_violations() const {
  std::vector<std::string> texts;
  for (auto& violation : violations_of(*this)) texts.push_back(std::move(violation.text));
  return texts;
}

}  // namespace latchkey::pki
