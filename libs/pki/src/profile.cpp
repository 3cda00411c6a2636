#include "profile.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "certificate_impl.h"

namespace latchkey::pki {
namespace {

constexpr std::size_t kUncompressedP256Octets = 65;
constexpr std::uint8_t kUncompressedForm = 0x04;
constexpr std::size_t kSerialOctetsMax = 20;

using Violations = std::vector<Violation>;
using enum Violation::Weight;

/// RFC 5280 4.1, 4.2, as far as a reader depends on it.
void check_form(const Certificate& certificate, Violations& out) {
  X509* x509 = native(certificate);
  if (X509_get_version(x509) != X509_VERSION_3)
    out.push_back({refuse, "10.1.1.1: RFC 5280 4.1.2.1: not version 3"});
  const ASN1_INTEGER* serial = X509_get0_serialNumber(x509);
  const auto digits = octets(serial);
  const bool zero = std::ranges::all_of(digits, [](std::uint8_t octet) { return octet == 0; });
  if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER || zero || digits.size() > kSerialOctetsMax) {
    out.push_back(
        {refuse, "10.1.1.1: RFC 5280 4.1.2.2: serial number is not positive or longer than 20 octets"});
  }
  if (X509_NAME_entry_count(X509_get_issuer_name(x509)) == 0) {
    out.push_back({refuse, "10.1.1.1: RFC 5280 4.1.2.4: no issuer name"});
  }
  std::set<std::string> seen;
  for (int i = 0; i < X509_get_ext_count(x509); ++i) {
    const std::string id = dotted(X509_EXTENSION_get_object(X509_get_ext(x509, i)));
    if (!seen.insert(id).second)
      out.push_back({refuse, "10.1.1.1: RFC 5280 4.2: extension " + id + " is there twice"});
  }
  if (!certificate.impl().broken_extension.empty()) {
    out.push_back({refuse, "10.1.1.1: RFC 5280 4.2: damaged " + certificate.impl().broken_extension});
  }
}

void check_key_usage(const Certificate& certificate, Violations& out) {
  X509* x509 = native(certificate);
  if ((X509_get_extension_flags(x509) & EXFLAG_KUSAGE) == 0) {
    out.push_back({annex_b, "10.1.1.1: no key usage extension"});
    return;
  }
  const std::uint32_t usage = X509_get_key_usage(x509);
  if ((usage & KU_DIGITAL_SIGNATURE) == 0) {
    // A CA key signs certificates, which keyCertSign says; what a leaf signs is the handshake.
    out.push_back({certificate.is_ca() ? advise : refuse, "10.1.1.1: key usage lacks digitalSignature"});
  }
  if (certificate.is_ca() && (usage & KU_KEY_CERT_SIGN) == 0) {
    out.push_back({refuse, "10.1.1.1: RFC 5280 4.2.1.3: key usage of a CA lacks keyCertSign"});
  }
  if (!certificate.is_ca() && (usage & KU_KEY_CERT_SIGN) != 0) {
    out.push_back({refuse, "10.1.1.1: RFC 5280 4.2.1.9: keyCertSign in a certificate that is no CA"});
  }
}

void check_ca(const Certificate& certificate, Violations& out) {
  X509* x509 = native(certificate);
  const int basic = X509_get_ext_by_NID(x509, NID_basic_constraints, -1);
  if (basic >= 0 && X509_EXTENSION_get_critical(X509_get_ext(x509, basic)) == 0) {
    out.push_back({advise, "10.1.1.1: RFC 5280 4.2.1.9: basicConstraints of a CA is not critical"});
  }
  const auto& constraints = certificate.impl().constraints;
  if (!constraints) {
    out.push_back({unconstrained, "8.1.2.2: CA certificate without name constraints"});
  } else if (!constraints->critical()) {
    out.push_back({advise, "8.1.2.2: RFC 5280 4.2.1.10: name constraints are not critical"});
  }
}

/// The clause that a leaf of this flavour answers to.
std::string_view clause_of(Flavour flavour) {
  switch (flavour) {
    case Flavour::device:
      return "10.1.1.4.1: ";
    case Flavour::ae_id:
      return "10.1.1.5: ";
    case Flavour::fqdn:
      return "10.1.1.6: ";
    case Flavour::cse_id:
      return "10.1.1.7: ";
    case Flavour::node_id:
      return "10.1.1.8: ";
    default:
      return "8.1.2.1: ";
  }
}

void check_domain_name(const std::string& dns, std::string_view clause, Violations& out) {
  if (annex_b_name(dns)) {
    out.push_back({annex_b, "10.1.1.7: dNSName '" + dns +
                                "' is the form of TR-0038 Annex B, not a public domain name"});
  } else if (!Fqdn::parse(dns) && !Fqdn::parse(dns + ".x")) {  // a single label ("localhost") does no harm
    out.push_back({refuse, std::string(clause) + "dNSName '" + printable(dns) + "' is no domain name"});
  }
}

void check_leaf_names(const Certificate& certificate, Violations& out) {
  const auto& names = certificate.names();
  const std::string clause(clause_of(certificate.flavour()));
  if (certificate.flavour() == Flavour::unknown) {
    const bool none = names.dns.empty() && names.uris.empty() && names.device_ids.empty();
    out.push_back({refuse, clause + (none ? "no subjectAltName that identifies the subject"
                                          : "names of more than one flavour")});
  }
  for (const auto* list : {&names.dns, &names.uris}) {
    for (const auto& name : *list) {
      if (name.find('*') != std::string::npos)
        out.push_back({refuse, clause + "wildcard in '" + printable(name) + "'"});
    }
  }
  for (const auto& dns : names.dns) {
    if (dns.find('*') == std::string::npos) check_domain_name(dns, clause, out);
  }
  if (certificate.flavour() != Flavour::ae_id) return;
  if (names.uris.size() != 1) out.push_back({refuse, clause + "not exactly one AE-ID"});
  for (const auto& uri : names.uris) {
    if (!ae_id_of(uri))
      out.push_back(
          {refuse, clause + "URI '" + printable(uri) + "' is not the full representation of an AE-ID"});
  }
}

}  // namespace

std::optional<std::string> public_key_defect(const X509_PUBKEY* spki) {
  ASN1_OBJECT* algorithm = nullptr;
  const unsigned char* point = nullptr;
  int point_size = 0;
  X509_ALGOR* identifier = nullptr;
  if (X509_PUBKEY_get0_param(&algorithm, &point, &point_size, &identifier, spki) != 1)
    return "10.1.1.1: no public key";
  const void* parameters = nullptr;
  int parameters_type = 0;
  X509_ALGOR_get0(nullptr, &parameters_type, &parameters, identifier);
  const bool named_p256 = OBJ_obj2nid(algorithm) == NID_X9_62_id_ecPublicKey &&
                          parameters_type == V_ASN1_OBJECT &&
                          OBJ_obj2nid(static_cast<const ASN1_OBJECT*>(parameters)) == NID_X9_62_prime256v1;
  if (!named_p256) return "10.1.1.1: public key is not id-ecPublicKey with namedCurve secp256r1";
  if (static_cast<std::size_t>(point_size) != kUncompressedP256Octets || point[0] != kUncompressedForm) {
    return "10.1.1.1: public key is not in the uncompressed format";
  }
  if (X509_PUBKEY_get0(spki) == nullptr) {
    ERR_clear_error();
    return "10.1.1.1: public key is no point of secp256r1";
  }
  return std::nullopt;
}

std::vector<Violation> violations_of(const Certificate& certificate) {
  Violations out;
  X509* x509 = native(certificate);
  check_form(certificate, out);
  if (auto defect = public_key_defect(X509_get_X509_PUBKEY(x509)))
    out.push_back({refuse, *std::move(defect)});
  if (X509_get_signature_nid(x509) != NID_ecdsa_with_SHA256) {
    out.push_back({refuse, "10.1.1.3: not signed with ECDSA and SHA-256"});
  }
  check_key_usage(certificate, out);
  if (certificate.is_ca()) {
    check_ca(certificate, out);
  } else {
    check_leaf_names(certificate, out);
  }
  if (!certificate.impl().server_auth && !certificate.impl().client_auth && !certificate.is_ca()) {
    out.push_back({refuse, "10.1.1.1: RFC 5280 4.2.1.12: extended key usage permits no TLS"});
  }
  return out;
}

}  // namespace latchkey::pki
