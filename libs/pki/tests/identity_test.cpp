/// Matching of certified names (TS-0003 8.1.2.5, 8.2.1; TS-0001 6.5.1.1).
#include "forge.h"

namespace latchkey::pki::test {
namespace {

CertifiedIdentity dns_identity(std::vector<std::string> names, Flavour flavour = Flavour::cse_id) {
  CertifiedIdentity identity;
  identity.flavour = flavour;
  identity.dns_names = std::move(names);
  return identity;
}

const CseId kIn = cse_id("/in-cse");
const CseId kMn = cse_id("/mn-cse-123456");

TEST(NamesCse, exact_public_domain_name_matches) {
  cover({"8.1.2.5-02", "8.1.2.5-T03", "10.1.1.7-02"});
  EXPECT_TRUE(names_cse(dns_identity({"in-cse.my.m2mprovider.org"}), kIn, std::nullopt, false));
  EXPECT_TRUE(names_cse(dns_identity({"IN-CSE.my.m2mprovider.org"}), kIn, std::nullopt, false));
  EXPECT_TRUE(names_cse(dns_identity({"mn-cse-123456.in-cse.my.m2mprovider.org"}), kMn, kIn, false));
  EXPECT_TRUE(names_cse(dns_identity({"localhost", "in-cse.my.m2mprovider.org"}), kIn, std::nullopt, false));
}

struct Near {
  const char* name;
  const char* dns;
};
class NamesCseNot : public ::testing::TestWithParam<Near> {};
TEST_P(NamesCseNot, what_is_only_like_it) {
  cover({"8.1.2.5-02", "8.1.2.5-T03"});
  EXPECT_FALSE(names_cse(dns_identity({GetParam().dns}), kIn, std::nullopt, true));
}
INSTANTIATE_TEST_SUITE_P(Clause_8_1_2_5, NamesCseNot,
                         ::testing::Values(Near{"domain_of_the_sp", "my.m2mprovider.org"},
                                           Near{"below_it", "x.in-cse.my.m2mprovider.org"},
                                           Near{"shorter", "n-cse.my.m2mprovider.org"},
                                           Near{"longer", "in-cse2.my.m2mprovider.org"},
                                           Near{"another_sp", "in-cse.other.org"},
                                           Near{"wildcard", "*.my.m2mprovider.org"},
                                           Near{"annex_b_other_stem", "my.m2mprovider.org/in-cse2"},
                                           Near{"annex_b_other_case", "my.m2mprovider.org/IN-CSE"},
                                           Near{"annex_b_other_host", "other.org/in-cse"}, Near{"empty", ""}),
                         CaseName());

TEST(NamesCse, annex_b_form_matches_only_with_the_switch) {
  const auto identity = dns_identity({"my.m2mprovider.org/in-cse"});
  EXPECT_TRUE(names_cse(identity, kIn, std::nullopt, true));
  EXPECT_FALSE(names_cse(identity, kIn, std::nullopt, false));
}

TEST(NamesCse, certificate_of_another_flavour_authenticates_no_cse) {
  cover({"8.1.2.1-T04", "8.1.2.1-T05"});
  for (const auto flavour :
       {Flavour::ae_id, Flavour::device, Flavour::node_id, Flavour::unknown, Flavour::ca}) {
    const auto identity = dns_identity({"in-cse.my.m2mprovider.org"}, flavour);
    EXPECT_FALSE(names_cse(identity, kIn, std::nullopt, true)) << to_string(flavour);
    EXPECT_FALSE(certified_cse_id(identity, home_sp(), kIn, true)) << to_string(flavour);
    EXPECT_FALSE(names_fqdn(identity, fqdn("in-cse.my.m2mprovider.org"))) << to_string(flavour);
  }
}

TEST(CertifiedCseId, is_read_from_the_public_domain_name) {
  cover({"8.1.2.1-T04"});
  EXPECT_EQ(certified_cse_id(dns_identity({"in-cse.my.m2mprovider.org"}), home_sp(), std::nullopt, false),
            kIn);
  EXPECT_EQ(
      certified_cse_id(dns_identity({"mn-cse-123456.in-cse.my.m2mprovider.org"}), home_sp(), kIn, false),
      kMn);
  EXPECT_EQ(certified_cse_id(dns_identity({"localhost", "in-cse.my.m2mprovider.org"}), home_sp(), kIn, false),
            kIn);
}

TEST(CertifiedCseId, two_levels_need_the_right_in_cse) {
  const auto identity = dns_identity({"mn-cse-123456.in-cse.my.m2mprovider.org"});
  EXPECT_FALSE(certified_cse_id(identity, home_sp(), std::nullopt, false));
  EXPECT_FALSE(certified_cse_id(identity, home_sp(), cse_id("/other-in"), false));
  EXPECT_FALSE(certified_cse_id(dns_identity({"a.b.in-cse.my.m2mprovider.org"}), home_sp(), kIn, false));
}

TEST(CertifiedCseId, two_cse_ids_in_one_certificate_are_none) {
  EXPECT_FALSE(certified_cse_id(dns_identity({"a.my.m2mprovider.org", "b.my.m2mprovider.org"}), home_sp(),
                                kIn, false));
  EXPECT_EQ(
      certified_cse_id(dns_identity({"a.my.m2mprovider.org", "a.my.m2mprovider.org"}), home_sp(), kIn, false),
      cse_id("/a"));
}

TEST(CertifiedCseId, another_sp_or_the_sp_itself_is_none) {
  for (const char* name : {"in-cse.other.org", "my.m2mprovider.org", "evilmy.m2mprovider.org", "localhost"}) {
    EXPECT_FALSE(certified_cse_id(dns_identity({name}), home_sp(), kIn, true)) << name;
  }
}

TEST(CertifiedCseId, annex_b_form_counts_only_with_the_switch) {
  const auto identity = dns_identity({"my.m2mprovider.org/mn-cse-123456"});
  EXPECT_EQ(certified_cse_id(identity, home_sp(), kIn, true), kMn);
  EXPECT_FALSE(certified_cse_id(identity, home_sp(), kIn, false));
  EXPECT_FALSE(certified_cse_id(dns_identity({"other.org/mn-cse-123456"}), home_sp(), kIn, true));
}

TEST(CertifiedCseId, server_certificate_of_a_function_is_no_cse) {
  cover({"8.1.2.1-T06"});
  const auto verified = Pki().verify(fqdn_spec());
  ASSERT_TRUE(verified.has_value());
  EXPECT_FALSE(certified_cse_id(verified->identity, home_sp(), std::nullopt, true));
  EXPECT_TRUE(names_fqdn(verified->identity, fqdn("maf.my.m2mprovider.org")));
}

TEST(NamesFqdn, exact_domain_name_or_uri_matches) {
  cover({"8.1.2.5-T05", "8.1.2.5-02", "10.1.1.6-02"});
  const auto maf = fqdn("maf.my.m2mprovider.org");
  EXPECT_TRUE(names_fqdn(dns_identity({"MAF.my.m2mprovider.org"}, Flavour::fqdn), maf));
  EXPECT_TRUE(names_fqdn(dns_identity({"maf.my.m2mprovider.org"}), maf));
  EXPECT_FALSE(names_fqdn(dns_identity({"x.maf.my.m2mprovider.org"}, Flavour::fqdn), maf));
  EXPECT_FALSE(names_fqdn(dns_identity({"my.m2mprovider.org"}, Flavour::fqdn), maf));
  EXPECT_FALSE(names_fqdn(dns_identity({"*.my.m2mprovider.org"}, Flavour::fqdn), maf));
  const auto by_uri = Pki(root_spec().with("nameConstraints", "critical,permitted;URI:.my.m2mprovider.org"),
                          ca_spec().with("nameConstraints", "critical,permitted;URI:.my.m2mprovider.org"))
                          .verify(fqdn_spec().with("subjectAltName", "URI:maf.my.m2mprovider.org"));
  expect_ok(by_uri);
  EXPECT_TRUE(names_fqdn(by_uri->identity, maf));
}

TEST(NamesFqdn, certificate_for_tls_clients_authenticates_no_function) {
  auto identity = dns_identity({"maf.my.m2mprovider.org"});
  identity.server_auth = false;
  EXPECT_FALSE(names_fqdn(identity, fqdn("maf.my.m2mprovider.org")));
}

TEST(NamesDevice, any_of_its_hardware_identifiers_matches) {
  cover({"8.1.2.5-T02", "8.1.2.5-02", "10.1.1.4.1-03"});
  const auto verified = Pki().verify(device_spec().with(
      "subjectAltName", "otherName:0.2.481.1;UTF8:100.3030.1,otherName:0.2.481.1;UTF8:100 3030 2"));
  expect_ok(verified);
  EXPECT_TRUE(names_device(verified->identity, device_id("0.2.481.1.100.3030.1")));
  EXPECT_TRUE(names_device(verified->identity, device_id("0 2 481 1 100 3030 2")));
  EXPECT_FALSE(names_device(verified->identity, device_id("0.2.481.1.100.3030.3")));
  EXPECT_FALSE(names_device(verified->identity, device_id("0.2.481.1.100.3030.1.1")));
}

TEST(AeIdentity, is_compared_without_its_scheme) {
  cover({"8.1.2.5-T04", "8.1.2.5-02", "10.1.1.5-02"});
  const Pki pki;
  const auto id_of = [&pki](const std::string& uri) {
    return pki.verify(ae_spec().with("subjectAltName", "URI:" + uri))->identity.ae_id;
  };
  EXPECT_EQ(id_of("m2m://my.m2mprovider.org/in-cse/CAE1"), ae_id("/in-cse/CAE1"));
  EXPECT_EQ(id_of("M2M://my.m2mprovider.org/in-cse/CAE1"), ae_id("/in-cse/CAE1"));
  EXPECT_EQ(id_of("//my.m2mprovider.org/in-cse/CAE1"), ae_id("/in-cse/CAE1"));
  EXPECT_EQ(id_of("m2m://my.m2mprovider.org/Slock"), ae_id("/Slock"));
  EXPECT_NE(id_of("m2m://my.m2mprovider.org/in-cse/Cae1"), ae_id("/in-cse/CAE1"));
  EXPECT_NE(id_of("m2m://my.m2mprovider.org/in-cse/CAE12"), ae_id("/in-cse/CAE1"));
}

}  // namespace
}  // namespace latchkey::pki::test
