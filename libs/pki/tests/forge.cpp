#include "forge.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <stdexcept>

namespace latchkey::pki::test {
namespace {

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string(what) + ": " + ossl_error());
}

std::time_t at(std::chrono::seconds offset) {
  return std::chrono::floor<std::chrono::seconds>(kNow + offset).time_since_epoch().count();
}

std::shared_ptr<EVP_PKEY> make_key(KeyKind kind) {
  KeyPtr key;
  switch (kind) {
    case KeyKind::p384:
      key.reset(EVP_EC_gen("P-384"));
      break;
    case KeyKind::rsa:
      key.reset(EVP_RSA_gen(2048));
      break;
    default:
      key.reset(EVP_EC_gen("P-256"));
  }
  must(key != nullptr, "key");
  if (kind == KeyKind::p256_compressed) {
    must(EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                        "compressed") == 1,
         "form");
  }
  if (kind == KeyKind::p256_explicit) {
    must(EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_ENCODING, "explicit") == 1, "encoding");
  }
  return {key.release(), EVP_PKEY_free};
}

void add_extensions(X509* x509, X509* issuer, const Spec& spec) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  for (const auto& [name, value] : spec.extensions) {
    const ExtensionPtr extension(X509V3_EXT_nconf(nullptr, &context, name.c_str(), value.c_str()));
    must(extension != nullptr, (name + " = " + value).c_str());
    must(X509_add_ext(x509, extension.get(), -1) == 1, "extension");
  }
}

BignumPtr hex_number(const std::string& hex) {
  BIGNUM* number = nullptr;
  must(BN_hex2bn(&number, hex.c_str()) > 0, "serial");
  return BignumPtr(number);
}

}  // namespace

Spec Spec::with(const std::string& name, const std::string& value) const {
  Spec out = *this;
  std::erase_if(out.extensions, [&name](const auto& extension) { return extension.first == name; });
  return value.empty() ? out : out.also(name, value);
}

Spec Spec::also(const std::string& name, const std::string& value) const {
  Spec out = *this;
  out.extensions.emplace_back(name, value);
  return out;
}

Bytes Entity::der() const { return to_der<i2d_X509>(x509.get()); }
Certificate Entity::certificate() const { return Certificate::from_der(der()).value(); }
std::string Entity::pem() const { return certificate().to_pem(); }

std::string Entity::key_pem() const {
  const BioPtr out(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1, "key");
  return std::string(as_text(written(out.get())));
}

Entity forge(const Spec& spec, const Entity* issuer) {
  X509Ptr x509(X509_new());
  Entity entity;
  entity.key = make_key(spec.key);
  const BignumPtr serial = hex_number(spec.serial);
  must(X509_set_version(x509.get(), spec.version) == 1, "version");
  must(BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(x509.get())) != nullptr, "serial");
  must(X509_set_pubkey(x509.get(), entity.key.get()) == 1, "public key");
  must(ASN1_TIME_set(X509_getm_notBefore(x509.get()), at(spec.from)) != nullptr, "time");
  must(ASN1_TIME_set(X509_getm_notAfter(x509.get()), at(spec.until)) != nullptr, "time");
  X509_NAME* subject = X509_get_subject_name(x509.get());
  if (!spec.cn.empty()) {
    must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(spec.cn.c_str()), -1, -1, 0) == 1,
         "CN");
  }
  must(X509_set_issuer_name(x509.get(),
                            issuer == nullptr ? subject : X509_get_subject_name(issuer->x509.get())) == 1,
       "issuer");
  add_extensions(x509.get(), issuer == nullptr ? x509.get() : issuer->x509.get(), spec);
  must(X509_sign(x509.get(), issuer == nullptr ? entity.key.get() : issuer->key.get(), spec.digest) > 0,
       "sign");
  entity.x509 = {x509.release(), X509_free};
  return entity;
}

Bytes forge_crl(const CrlSpec& spec, const Entity& issuer) {
  const CrlPtr crl(X509_CRL_new());
  const TimePtr from(ASN1_TIME_set(nullptr, at(spec.from)));
  const TimePtr until(ASN1_TIME_set(nullptr, at(spec.until)));
  must(X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) == 1, "version");
  must(X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.x509.get())) == 1, "issuer");
  must(X509_CRL_set1_lastUpdate(crl.get(), from.get()) == 1, "time");
  if (spec.next_update) must(X509_CRL_set1_nextUpdate(crl.get(), until.get()) == 1, "time");
  for (const auto& hex : spec.revoked) {
    RevokedPtr entry(X509_REVOKED_new());
    const IntegerPtr serial(BN_to_ASN1_INTEGER(hex_number(hex).get(), nullptr));
    must(X509_REVOKED_set_serialNumber(entry.get(), serial.get()) == 1, "serial");
    must(X509_REVOKED_set_revocationDate(entry.get(), from.get()) == 1, "time");
    must(X509_CRL_add0_revoked(crl.get(), entry.release()) == 1, "entry");
  }
  if (spec.partial) {
    const OsslPtr<ISSUING_DIST_POINT, ISSUING_DIST_POINT_free> point(ISSUING_DIST_POINT_new());
    point->onlyCA = 0xff;
    must(X509_CRL_add1_ext_i2d(crl.get(), NID_issuing_distribution_point, point.get(), 1,
                               X509V3_ADD_DEFAULT) == 1,
         "IDP");
  }
  must(X509_CRL_sort(crl.get()) == 1 && X509_CRL_sign(crl.get(), issuer.key.get(), spec.digest) > 0, "sign");
  return to_der<i2d_X509_CRL>(crl.get());
}

Spec root_spec() {
  Spec spec;
  spec.cn = "root";
  spec.serial = "01";
  spec.extensions = {{"basicConstraints", "critical,CA:TRUE"},
                     {"keyUsage", "critical,digitalSignature,keyCertSign,cRLSign"},
                     {"subjectKeyIdentifier", "hash"},
                     {"nameConstraints", kConstraints}};
  spec.until = std::chrono::hours(24 * 365);
  return spec;
}

Spec ca_spec() {
  Spec spec = root_spec()
                  .with("basicConstraints", "critical,CA:TRUE,pathlen:0")
                  .also("authorityKeyIdentifier", "keyid");
  spec.cn = "intermediate";
  spec.serial = "02";
  spec.until = std::chrono::hours(24 * 30);
  return spec;
}

namespace {
Spec leaf_with(const std::string& names) {
  Spec spec;
  spec.extensions = {{"basicConstraints", "critical,CA:FALSE"},
                     {"keyUsage", "critical,digitalSignature"},
                     {"subjectKeyIdentifier", "hash"},
                     {"authorityKeyIdentifier", "keyid"},
                     {"subjectAltName", names}};
  return spec;
}
}  // namespace

Spec cse_spec() { return leaf_with("DNS:in-cse.my.m2mprovider.org"); }
Spec ae_spec() { return leaf_with("URI:m2m://my.m2mprovider.org/in-cse/CAE1"); }
Spec device_spec() { return leaf_with("otherName:0.2.481.1;UTF8:100.3030.10011"); }
Spec node_spec() { return leaf_with("URI:m2mnode://my.m2mprovider.org/node7"); }
Spec fqdn_spec() { return leaf_with("DNS:maf.my.m2mprovider.org").also("extendedKeyUsage", "serverAuth"); }

Spec leaf_spec(Flavour flavour) {
  switch (flavour) {
    case Flavour::ae_id:
      return ae_spec();
    case Flavour::device:
      return device_spec();
    case Flavour::node_id:
      return node_spec();
    case Flavour::fqdn:
      return fqdn_spec();
    default:
      return cse_spec();
  }
}

Pki::Pki(const Spec& root_of, const Spec& ca_of)
    : root(forge(root_of)), ca(forge(ca_of, &root)), home(home_sp()) {}

Result<TrustStore::Verified> Pki::verify(const Entity& leaf) const {
  return verify(std::vector{leaf.certificate(), ca.certificate()});
}

Result<TrustStore::Verified> Pki::verify(const std::vector<Certificate>& chain) const {
  const auto store = TrustStore::make({{root.certificate(), options}}, crls);
  if (!store) return fail(store.error());
  return (*store)->verify(chain, now, home);
}

}  // namespace latchkey::pki::test
