/// The certificate profiles of TS-0003 10.1.1: for each rule a certificate that keeps it and one that breaks
/// it.
#include <algorithm>

#include "forge.h"

namespace latchkey::pki::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::array kChained{Flavour::cse_id, Flavour::ae_id, Flavour::device, Flavour::node_id,
                              Flavour::fqdn};

/// A leaf of every flavour with this defect is refused for `part`, and its intermediate CA with the same
/// defect too.
template <class Defect>
void refuse_on_whole_path(Defect defect, const std::string& part) {
  const Pki pki;
  for (const auto flavour : kChained) {
    SCOPED_TRACE(to_string(flavour));
    expect_refused(pki.verify(defect(leaf_spec(flavour))), ErrorCode::authentication, part);
    const Pki with_bad_ca(root_spec(), defect(ca_spec()));
    expect_refused(with_bad_ca.verify(leaf_spec(flavour)), ErrorCode::authentication, part);
    const Pki with_bad_root(defect(root_spec()));
    expect_refused(with_bad_root.verify(leaf_spec(flavour)), ErrorCode::authentication, part);
  }
}

Spec with_key(Spec spec, KeyKind key) {
  spec.key = key;
  return spec;
}

TEST(Profile_10_1_1, conforming_certificates_break_nothing) {
  cover({"10.1.1.1-01", "10.1.1.3-01", "10.1.1.4.1-01", "10.1.1.4.2-01"});
  const Pki pki;
  for (const auto flavour : kChained) {
    EXPECT_THAT(forge(leaf_spec(flavour), &pki.ca).certificate().profile_violations(), IsEmpty())
        << to_string(flavour);
    expect_ok(pki.verify(leaf_spec(flavour)));
  }
  EXPECT_THAT(pki.ca.certificate().profile_violations(), IsEmpty());
  EXPECT_THAT(pki.root.certificate().profile_violations(), IsEmpty());
}

TEST(PublicKey_10_1_1_1, p384_is_refused) {
  cover({"10.1.1.1-03", "10.1.1.3-02", "10.1.1.4.1-02", "10.1.1.4.2-02", "10.1.1.5-01", "10.1.1.6-01",
         "10.1.1.7-01", "10.1.1.8-01"});
  refuse_on_whole_path([](const Spec& spec) { return with_key(spec, KeyKind::p384); },
                       "namedCurve secp256r1");
}

TEST(PublicKey_10_1_1_1, rsa_leaf_is_refused) {
  cover({"10.1.1.1-03"});
  expect_refused(Pki().verify(with_key(cse_spec(), KeyKind::rsa)), ErrorCode::authentication,
                 "namedCurve secp256r1");
}

TEST(PublicKey_10_1_1_1, explicit_parameters_of_the_same_curve_are_refused) {
  cover({"10.1.1.1-03"});
  EXPECT_FALSE(Pki().verify(with_key(cse_spec(), KeyKind::p256_explicit)).has_value());
  EXPECT_THAT(forge(with_key(cse_spec(), KeyKind::p256_explicit)).certificate().profile_violations(),
              Contains(HasSubstr("namedCurve secp256r1")));
}

TEST(PublicKey_10_1_1_1, compressed_point_is_refused) {
  cover({"10.1.1.1-04", "10.1.1.3-02", "10.1.1.4.1-02", "10.1.1.4.2-02", "10.1.1.5-01", "10.1.1.6-01",
         "10.1.1.7-01", "10.1.1.8-01"});
  refuse_on_whole_path([](const Spec& spec) { return with_key(spec, KeyKind::p256_compressed); },
                       "uncompressed");
}

TEST(PublicKey_10_1_1_1, point_beside_the_curve_is_refused) {
  auto der = forge(cse_spec()).der();
  const auto spki = Certificate::from_der(der).value().spki();
  const auto found = std::ranges::search(der, spki);
  ASSERT_FALSE(found.empty());
  der[static_cast<std::size_t>(found.end() - der.begin()) - 1] ^= 1U;
  EXPECT_THAT(Certificate::from_der(der).value().profile_violations(),
              Contains(HasSubstr("no point of secp256r1")));
}

TEST(Signature_10_1_1_3, sha384_is_refused) {
  cover({"10.1.1.1-05", "10.1.1.3-03", "10.1.1.4.1-02", "10.1.1.4.2-02", "10.1.1.5-01", "10.1.1.6-01",
         "10.1.1.7-01", "10.1.1.8-01"});
  refuse_on_whole_path(
      [](Spec spec) {
        spec.digest = EVP_sha384();
        return spec;
      },
      "not signed with ECDSA and SHA-256");
}

TEST(Signature_10_1_1_3, sha1_is_refused) {
  cover({"10.1.1.1-05", "10.1.1.3-03"});
  Spec spec = cse_spec();
  spec.digest = EVP_sha1();
  expect_refused(Pki().verify(spec), ErrorCode::authentication, "not signed with ECDSA and SHA-256");
}

TEST(Signature_10_1_1_3, rsa_ca_is_refused) {
  cover({"10.1.1.3-03", "10.1.1.1-03"});
  const Pki pki(with_key(root_spec(), KeyKind::rsa));
  expect_refused(pki.verify(cse_spec()), ErrorCode::authentication, "10.1.1");
}

TEST(KeyUsage_10_1_1_1, absent_is_refused) {
  cover({"10.1.1.1-06", "10.1.1.3-02", "10.1.1.4.1-02", "10.1.1.4.2-02", "10.1.1.5-01", "10.1.1.6-01",
         "10.1.1.7-01", "10.1.1.8-01"});
  refuse_on_whole_path([](const Spec& spec) { return spec.with("keyUsage", ""); }, "no key usage");
}

TEST(KeyUsage_10_1_1_1, leaf_without_digital_signature_is_refused) {
  cover({"10.1.1.1-06"});
  const Pki pki;
  for (const auto flavour : kChained) {
    expect_refused(pki.verify(leaf_spec(flavour).with("keyUsage", "critical,keyAgreement")),
                   ErrorCode::authentication, "lacks digitalSignature");
  }
  expect_ok(pki.verify(cse_spec().with("keyUsage", "digitalSignature,keyAgreement")));
}

TEST(KeyUsage_10_1_1_1, ca_without_digital_signature_is_accepted_with_a_warning) {
  const Pki pki(root_spec(), ca_spec().with("keyUsage", "critical,keyCertSign,cRLSign"));
  const auto verified = pki.verify(cse_spec());
  expect_ok(verified);
  EXPECT_THAT(verified->warnings, Contains(HasSubstr("lacks digitalSignature")));
  EXPECT_THAT(pki.ca.certificate().profile_violations(), Contains(HasSubstr("lacks digitalSignature")));
}

TEST(KeyUsage_10_1_1_1, ca_without_key_cert_sign_is_refused) {
  cover({"10.1.1.1-02"});
  const Pki pki(root_spec(), ca_spec().with("keyUsage", "critical,digitalSignature"));
  EXPECT_FALSE(pki.verify(cse_spec()).has_value());
  EXPECT_THAT(pki.ca.certificate().profile_violations(), Contains(HasSubstr("lacks keyCertSign")));
}

TEST(KeyUsage_10_1_1_1, key_cert_sign_in_a_leaf_is_refused) {
  cover({"10.1.1.1-02"});
  expect_refused(Pki().verify(cse_spec().with("keyUsage", "critical,digitalSignature,keyCertSign")),
                 ErrorCode::authentication, "no CA");
}

struct FormCase {
  const char* name;
  Spec spec;
  const char* want;
};
class Rfc5280 : public ::testing::TestWithParam<FormCase> {};

TEST_P(Rfc5280, defect_is_refused) {
  cover({"10.1.1.1-02"});
  const Pki pki;
  const auto leaf = forge(GetParam().spec, &pki.ca);
  EXPECT_FALSE(pki.verify(leaf).has_value());
  EXPECT_THAT(leaf.certificate().profile_violations(), Contains(HasSubstr(GetParam().want)));
}

Spec numbered(const std::string& serial) {
  Spec spec = cse_spec();
  spec.serial = serial;
  return spec;
}
Spec old_version() {
  Spec spec = cse_spec();
  spec.version = X509_VERSION_1;
  return spec;
}

INSTANTIATE_TEST_SUITE_P(
    Clause_10_1_1_1, Rfc5280,
    ::testing::Values(
        FormCase{"version_1", old_version(), "not version 3"},
        FormCase{"negative_serial", numbered("-1f"), "serial number"},
        FormCase{"zero_serial", numbered("00"), "serial number"},
        FormCase{"serial_of_21_octets", numbered("01" + std::string(40, '0')), "serial number"},
        FormCase{"extension_twice", cse_spec().also("keyUsage", "digitalSignature"), "is there twice"},
        FormCase{"names_twice", cse_spec().also("subjectAltName", "DNS:x.my.m2mprovider.org"), "twice"},
        FormCase{"damaged_names", cse_spec().with("subjectAltName", "DER:3003820561"), "damaged"},
        FormCase{"damaged_purposes", cse_spec().also("extendedKeyUsage", "DER:05"), "damaged"}),
    CaseName());

TEST(Rfc5280, serial_of_20_octets_is_accepted) {
  expect_ok(Pki().verify(numbered("01" + std::string(38, '0'))));
}

TEST(Rfc5280, basic_constraints_of_a_ca_that_are_not_critical_are_a_warning) {
  const Pki pki(root_spec(), ca_spec().with("basicConstraints", "CA:TRUE,pathlen:0"));
  const auto verified = pki.verify(cse_spec());
  expect_ok(verified);
  EXPECT_THAT(verified->warnings, Contains(HasSubstr("basicConstraints")));
}

struct NameCase {
  const char* name;
  const char* names;
  const char* want;
  const char* covers;
};
class LeafNames : public ::testing::TestWithParam<NameCase> {};

TEST_P(LeafNames, defect_is_refused) {
  RecordProperty("covers", GetParam().covers);
  // Without constraints, so that the profile alone decides.
  Pki pki(root_spec().with("nameConstraints", ""), ca_spec().with("nameConstraints", ""));
  pki.options.require_name_constraints = false;
  expect_refused(pki.verify(cse_spec().with("subjectAltName", GetParam().names)), ErrorCode::authentication,
                 GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Clauses_10_1_1_4_to_8, LeafNames,
    ::testing::Values(
        NameCase{"no_names", "", "no subjectAltName",
                 "10.1.1.7-02 10.1.1.5-02 10.1.1.6-02 10.1.1.8-02 10.1.1.4.1-03"},
        NameCase{"only_mail", "email:a@b.example", "no subjectAltName", "10.1.1.4.1-03"},
        NameCase{"device_arcs_that_are_no_device", "otherName:0.2.481.1;UTF8:100", "no subjectAltName",
                 "10.1.1.4.1-03"},
        NameCase{"cse_and_ae", "DNS:in-cse.my.m2mprovider.org,URI:m2m://my.m2mprovider.org/Slock",
                 "more than one flavour", "8.1.2.1-T04 8.1.2.1-T05"},
        NameCase{"two_ae_ids",
                 "URI:m2m://my.m2mprovider.org/in-cse/CAE1,URI:m2m://my.m2mprovider.org/in-cse/CAE2",
                 "not exactly one AE-ID", "10.1.1.5-02 8.1.2.1-T05"},
        NameCase{"ae_relative_to_its_sp", "URI:m2m:/in-cse/CAE1", "not the full representation",
                 "10.1.1.5-02"},
        NameCase{"ae_without_stem", "URI:m2m://my.m2mprovider.org/", "not the full representation",
                 "10.1.1.5-02"},
        NameCase{"cse_id_as_uri", "URI:m2m://my.m2mprovider.org/in-cse", "not the full representation",
                 "10.1.1.5-02"},
        NameCase{"ae_with_query", "URI:m2m://my.m2mprovider.org/in-cse/CAE1?x", "not the full representation",
                 "10.1.1.5-02"},
        NameCase{"ae_with_user", "URI:m2m://a@my.m2mprovider.org/in-cse/CAE1", "not the full representation",
                 "10.1.1.5-02"},
        NameCase{"ae_with_port", "URI:m2m://my.m2mprovider.org:80/in-cse/CAE1", "not the full representation",
                 "10.1.1.5-02"},
        NameCase{"wildcard_in_cse_name", "DNS:*.my.m2mprovider.org", "10.1.1.7: wildcard", "10.1.1.7-03"},
        NameCase{"wildcard_beside_cse_name", "DNS:in-cse.my.m2mprovider.org,DNS:*.my.m2mprovider.org",
                 "10.1.1.7: wildcard", "10.1.1.7-03"},
        NameCase{"wildcard_in_ae_stem", "URI:m2m://my.m2mprovider.org/in-cse/C*", "10.1.1.5: wildcard",
                 "10.1.1.5-04"},
        NameCase{"wildcard_in_ae_host", "URI:m2m://*.m2mprovider.org/in-cse/CAE1", "10.1.1.5: wildcard",
                 "10.1.1.5-04"},
        NameCase{"wildcard_in_node_id", "URI:urn:x:*", "10.1.1.8: wildcard", "10.1.1.8-03"},
        NameCase{"underscore_in_domain_name", "DNS:in_cse.my.m2mprovider.org", "no domain name",
                 "10.1.1.7-02"},
        NameCase{"trailing_dot", "DNS:in-cse.my.m2mprovider.org.", "no domain name", "10.1.1.7-02"},
        NameCase{"annex_b_path", "DNS:my.m2mprovider.org/in-cse",
                 "10.1.1.7: dNSName 'my.m2mprovider.org/in-cse'", "10.1.1.7-02"},
        NameCase{"path_of_two_segments", "DNS:my.m2mprovider.org/in-cse/x", "no domain name", "10.1.1.7-02"}),
    CaseName());

TEST(LeafNames, wildcard_in_an_fqdn_certificate_is_refused) {
  cover({"10.1.1.6-03"});
  expect_refused(Pki().verify(fqdn_spec().with("subjectAltName", "DNS:*.my.m2mprovider.org")),
                 ErrorCode::authentication, "10.1.1.6: wildcard");
}

TEST(LeafNames, zero_octet_in_a_domain_name_does_not_cut_it) {
  // dNSName "in-cse.my.m2mprovider.org\0.evil.org"
  std::string hex = "696e2d6373652e6d792e6d326d70726f76696465722e6f7267002e6576696c2e6f7267";
  const std::string der = "DER:3025" + ("8223" + hex);
  expect_refused(Pki().verify(cse_spec().with("subjectAltName", der)), ErrorCode::authentication,
                 "no domain name");
}

TEST(LeafNames, single_label_beside_the_domain_name_does_no_harm) {
  const Pki pki(
      root_spec().with("nameConstraints",
                       "critical,permitted;DNS:my.m2mprovider.org,permitted;DNS:localhost"),
      ca_spec().with("nameConstraints", "critical,permitted;DNS:my.m2mprovider.org,permitted;DNS:localhost"));
  expect_ok(pki.verify(cse_spec().with("subjectAltName", "DNS:localhost,DNS:in-cse.my.m2mprovider.org")));
}

TEST(LeafNames, several_domain_names_are_of_one_flavour) {
  const auto verified =
      Pki().verify(cse_spec().with("subjectAltName", "DNS:in-cse.my.m2mprovider.org,DNS:my.m2mprovider.org"));
  expect_ok(verified);
  EXPECT_EQ(verified->identity.dns_names.size(), 2U);
}

}  // namespace
}  // namespace latchkey::pki::test
