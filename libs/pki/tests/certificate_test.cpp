/// Reading of certificates, and the flavours of TS-0003 8.1.2.1.
#include <gmock/gmock.h>

#include "forge.h"
#include "names.h"

namespace latchkey::pki::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Certificate leaf_of(const Spec& spec) {
  static const Pki pki;
  return forge(spec, &pki.ca).certificate();
}
Certificate named(const std::string& names) { return leaf_of(cse_spec().with("subjectAltName", names)); }

struct FlavourCase {
  const char* name;
  const char* names;
  Flavour want;
};
class Flavours : public ::testing::TestWithParam<FlavourCase> {};

TEST_P(Flavours, follow_from_subject_alternative_names) {
  EXPECT_EQ(named(GetParam().names).flavour(), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Clause_8_1_2_1, Flavours,
    ::testing::Values(
        FlavourCase{"public_domain_name", "DNS:in-cse.my.m2mprovider.org", Flavour::cse_id},
        FlavourCase{"annex_b_path", "DNS:my.m2mprovider.org/in-cse", Flavour::cse_id},
        FlavourCase{"uri_of_c_type_ae", "URI:m2m://my.m2mprovider.org/in-cse/CAE1", Flavour::ae_id},
        FlavourCase{"uri_of_s_type_ae", "URI:m2m://my.m2mprovider.org/Slock", Flavour::ae_id},
        FlavourCase{"uri_without_scheme", "URI://my.m2mprovider.org/in-cse/CAE1", Flavour::ae_id},
        FlavourCase{"hardware_identifier", "otherName:0.2.481.1;UTF8:100.3030.10011", Flavour::device},
        FlavourCase{"two_hardware_identifiers",
                    "otherName:0.2.481.1;UTF8:100.3030.1,otherName:0.2.481.1;UTF8:100.3030.2",
                    Flavour::device},
        FlavourCase{"hardware_identifier_and_node_uri", "otherName:0.2.481.1;UTF8:100.3030.1,URI:urn:x:node7",
                    Flavour::device},
        FlavourCase{"node_uri", "URI:urn:x:node7", Flavour::node_id},
        FlavourCase{"bare_fqdn_as_uri", "URI:maf.provider.org", Flavour::fqdn},
        FlavourCase{"mail_only", "email:a@my.m2mprovider.org", Flavour::unknown},
        FlavourCase{"mail_beside_domain_name", "DNS:in-cse.my.m2mprovider.org,email:a@my.m2mprovider.org",
                    Flavour::cse_id},
        FlavourCase{"otherName_of_others", "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user", Flavour::unknown},
        FlavourCase{"domain_name_and_ae",
                    "DNS:in-cse.my.m2mprovider.org,URI:m2m://my.m2mprovider.org/in-cse/CAE1",
                    Flavour::unknown},
        FlavourCase{"domain_name_and_device",
                    "DNS:in-cse.my.m2mprovider.org,otherName:0.2.481.1;UTF8:100.3030.1", Flavour::unknown},
        FlavourCase{"ae_and_device",
                    "URI:m2m://my.m2mprovider.org/in-cse/CAE1,otherName:0.2.481.1;UTF8:100.3030.1",
                    Flavour::unknown}),
    CaseName());

TEST(Flavours, domain_name_for_a_tls_server_only_is_an_fqdn_certificate) {
  EXPECT_EQ(leaf_of(fqdn_spec()).flavour(), Flavour::fqdn);
  EXPECT_EQ(leaf_of(fqdn_spec().with("extendedKeyUsage", "serverAuth,clientAuth")).flavour(),
            Flavour::cse_id);
}

TEST(Flavours, common_name_is_never_a_name) {
  Spec spec = cse_spec().with("subjectAltName", "");
  spec.cn = "in-cse.my.m2mprovider.org";
  EXPECT_EQ(leaf_of(spec).flavour(), Flavour::unknown);
}

TEST(Flavours, ca_is_ca_whatever_its_names) {
  EXPECT_EQ(Pki().ca.certificate().flavour(), Flavour::ca);
  EXPECT_EQ(to_string(Flavour::ca), "ca");
  EXPECT_EQ(to_string(Flavour::cse_id), "cse-id");
  EXPECT_EQ(to_string(Flavour::unknown), "unknown");
}

TEST(DeviceName, value_is_read_as_utf8_text_oid_or_relative_oid) {
  // 10.1.1.4.1 gives the value no type (decision 0004).
  const auto want = device_id("0.2.481.1.100.3030.10011");
  EXPECT_THAT(named("otherName:0.2.481.1;UTF8:100.3030.10011").names().device_ids, ElementsAre(want));
  EXPECT_THAT(named("otherName:0.2.481.1;UTF8:100 3030 10011").names().device_ids, ElementsAre(want));
  EXPECT_THAT(named("otherName:2.999.481.1;OID:1.2.3").names().device_ids,
              ElementsAre(device_id("2.999.481.1.1.2.3")));
}

TEST(DeviceName, value_is_read_as_relative_oid) {
  const Bytes der{0x0d, 0x05, 0x64, 0x97, 0x56, 0xce, 0x1b};  // 100.3030.10011
  const auto read = [](Bytes octets_of_value) {
    const unsigned char* cursor = octets_of_value.data();
    OTHERNAME name{OBJ_txt2obj("0.2.481.1", 1),
                   d2i_ASN1_TYPE(nullptr, &cursor, static_cast<long>(octets_of_value.size()))};
    auto arcs = other_name_arcs(name);
    ASN1_OBJECT_free(name.type_id);
    ASN1_TYPE_free(name.value);
    return arcs ? arcs->value : std::vector<std::uint32_t>{};
  };
  EXPECT_THAT(read(der), ElementsAre(100, 3030, 10011));
  EXPECT_THAT(read({0x0d, 0x02, 0x64, 0x97}), IsEmpty()) << "unfinished arc";
  EXPECT_THAT(read({0x0d, 0x02, 0x80, 0x01}), IsEmpty()) << "padded arc";
  EXPECT_THAT(read({0x0d, 0x06, 0x91, 0x80, 0x80, 0x80, 0x80, 0x00}), IsEmpty()) << "arc beyond 32 bits";
}

TEST(DeviceName, other_values_are_no_device) {
  EXPECT_THAT(named("otherName:0.2.481.1;UTF8:100.3030.x").names().device_ids, IsEmpty());
  EXPECT_THAT(named("otherName:0.2.481.1;UTF8:100.3030").names().device_ids, IsEmpty());
  EXPECT_THAT(named("otherName:0.2.481;UTF8:1.100.3030.10011").names().device_ids, IsEmpty());
  EXPECT_THAT(named("otherName:0.2.481.1.100;UTF8:3030.10011").names().device_ids, IsEmpty());
  EXPECT_THAT(named("otherName:0.2.481.1;INTEGER:100").names().device_ids, IsEmpty());
}

TEST(Certificate, tells_what_it_holds) {
  const Pki pki;
  const auto leaf = forge(cse_spec().with("subjectAltName", "DNS:a.example,URI:urn:x:1,IP:10.0.0.1"), &pki.ca)
                        .certificate();
  EXPECT_EQ(leaf.subject(), "CN=leaf");
  EXPECT_EQ(leaf.issuer(), "CN=intermediate");
  EXPECT_EQ(leaf.serial_hex(), "1F");
  EXPECT_EQ(leaf.not_before(), kNow - std::chrono::hours(1));
  EXPECT_EQ(leaf.not_after(), kNow + std::chrono::hours(24));
  EXPECT_FALSE(leaf.is_ca());
  EXPECT_TRUE(pki.ca.certificate().is_ca());
  EXPECT_THAT(leaf.names().dns, ElementsAre("a.example"));
  EXPECT_THAT(leaf.names().uris, ElementsAre("urn:x:1"));
  EXPECT_THAT(leaf.names().other, ElementsAre(HasSubstr("10.0.0.1")));
  EXPECT_EQ(leaf.spki().size(), 91U);  // P-256, named curve, uncompressed
}

TEST(Certificate, octets_and_text_come_back_as_they_were) {
  const auto der = forge(cse_spec()).der();
  const auto certificate = Certificate::from_der(der).value();
  EXPECT_EQ(certificate.der(), der);
  const auto chain = Certificate::chain_from_pem(certificate.to_pem() + Pki().ca.pem()).value();
  ASSERT_EQ(chain.size(), 2U);
  EXPECT_EQ(chain.front().der(), der);
}

TEST(Certificate, trailing_octets_are_refused) {
  auto der = forge(cse_spec()).der();
  der.push_back(0);
  expect_refused(Certificate::from_der(der), ErrorCode::invalid_argument, "not DER");
}

TEST(Certificate, truncated_is_refused) {
  const auto der = forge(cse_spec()).der();
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(Certificate::from_der(ByteView(der).first(size))) << size;
  }
}

TEST(Certificate, indefinite_length_is_not_der) {
  auto der = forge(cse_spec()).der();
  ASSERT_EQ(der[1], 0x82);
  Bytes ber{0x30, 0x80};
  ber.insert(ber.end(), der.begin() + 4, der.end());
  ber.insert(ber.end(), {0, 0});
  expect_refused(Certificate::from_der(ber), ErrorCode::invalid_argument, "not DER");
}

TEST(Certificate, size_limit_is_16_kib) {
  // ECDSA signatures differ in length by a few octets: made again until the size fits.
  const auto of_size = [](std::size_t size) {
    std::size_t filler = size - 600;
    for (;;) {
      const auto der = forge(cse_spec().with("nsComment", std::string(filler, 'x'))).der();
      if (der.size() == size) return der;
      filler += size - der.size();
    }
  };
  expect_ok(Certificate::from_der(of_size(16U << 10U)));
  expect_refused(Certificate::from_der(of_size((16U << 10U) + 1)), ErrorCode::limit, "16 KiB");
}

TEST(ChainFromPem, at_most_ten_certificates) {
  const auto pem = forge(cse_spec()).pem();
  std::string ten;
  for (int i = 0; i < 10; ++i) ten += pem;
  EXPECT_EQ(Certificate::chain_from_pem(ten).value().size(), 10U);
  expect_refused(Certificate::chain_from_pem(ten + pem), ErrorCode::limit, "more than 10");
}

TEST(ChainFromPem, key_and_comment_beside_the_certificate_are_passed_over) {
  const auto entity = forge(cse_spec());
  EXPECT_EQ(Certificate::chain_from_pem("a comment\n" + entity.key_pem() + entity.pem()).value().size(), 1U);
}

TEST(ChainFromPem, damaged_text_is_refused) {
  const auto pem = forge(cse_spec()).pem();
  expect_refused(Certificate::chain_from_pem(""), ErrorCode::invalid_argument, "no certificate");
  expect_refused(Certificate::chain_from_pem("hello"), ErrorCode::invalid_argument, "no certificate");
  expect_refused(Certificate::chain_from_pem(pem.substr(0, pem.size() / 2)), ErrorCode::invalid_argument,
                 "damaged");
  std::string broken = pem;
  broken[100] = '!';
  expect_refused(Certificate::chain_from_pem(pem + broken), ErrorCode::invalid_argument, "damaged");
  expect_refused(Certificate::chain_from_pem(std::string(1U << 20U, 'x')), ErrorCode::limit, "too large");
}

TEST(Certificate, control_characters_of_a_subject_do_not_reach_a_log_line) {
  Spec spec = cse_spec();
  spec.cn = "leaf\nforged line";
  EXPECT_EQ(forge(spec).certificate().subject().find('\n'), std::string::npos);
}

}  // namespace
}  // namespace latchkey::pki::test
