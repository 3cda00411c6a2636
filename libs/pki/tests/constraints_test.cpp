/// Name constraints of CA certificates (TS-0003 8.1.2.2, 10.1.1.4.2, 10.1.1.5; RFC 5280 4.2.1.10).
#include "constraints.h"

#include "forge.h"

namespace latchkey::pki::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Judged {
  const char* name;
  const char* constraint;  ///< in the issuing CA
  const char* names;       ///< of the leaf
  const char* want;        ///< empty: accepted
  const char* covers = "8.1.2.2-02";
};
class Constraint : public ::testing::TestWithParam<Judged> {
 protected:
  /// Waived, so that only what is in the certificates decides.
  static Pki waived(const Spec& root, const Spec& ca) {
    Pki pki(root, ca);
    pki.options = {.annex_b_certificates = true, .require_name_constraints = false};
    return pki;
  }
};

TEST_P(Constraint, of_the_issuer_is_judged) {
  RecordProperty("covers", GetParam().covers);
  const auto pki = waived(root_spec().with("nameConstraints", ""),
                          ca_spec().with("nameConstraints", GetParam().constraint));
  const auto verified = pki.verify(cse_spec().with("subjectAltName", GetParam().names));
  if (std::string(GetParam().want).empty()) return expect_ok(verified);
  expect_refused(verified, ErrorCode::authentication, GetParam().want);
}

TEST_P(Constraint, of_the_trust_anchor_counts_too) {
  RecordProperty("covers", GetParam().covers);
  const auto pki = waived(root_spec().with("nameConstraints", GetParam().constraint),
                          ca_spec().with("nameConstraints", ""));
  const auto verified = pki.verify(cse_spec().with("subjectAltName", GetParam().names));
  if (std::string(GetParam().want).empty()) return expect_ok(verified);
  expect_refused(verified, ErrorCode::authentication, GetParam().want);
}

#define DNS_SP "permitted;DNS:my.m2mprovider.org"
#define URI_SP "permitted;URI:my.m2mprovider.org"
#define ARC "permitted;otherName:0.2.481.1;UTF8:100"

INSTANTIATE_TEST_SUITE_P(
    DomainNames, Constraint,
    ::testing::Values(
        Judged{"the_domain_itself", DNS_SP, "DNS:my.m2mprovider.org", ""},
        Judged{"below_the_domain", DNS_SP, "DNS:a.b.my.m2mprovider.org", ""},
        Judged{"other_letter_case", DNS_SP, "DNS:In-Cse.My.M2MProvider.Org", ""},
        Judged{"another_domain", DNS_SP, "DNS:evil.example", "not within a permitted"},
        Judged{"longer_label_with_same_end", DNS_SP, "DNS:evilmy.m2mprovider.org", "not within a permitted"},
        Judged{"parent_domain", DNS_SP, "DNS:m2mprovider.org", "not within a permitted"},
        Judged{"one_good_one_bad", DNS_SP, "DNS:a.my.m2mprovider.org,DNS:evil.example", "evil.example"},
        Judged{"annex_b_path_below_host", DNS_SP, "DNS:my.m2mprovider.org/in-cse", ""},
        Judged{"annex_b_path_elsewhere", DNS_SP, "DNS:evil.example/in-cse", "not within a permitted"},
        Judged{"domain_in_the_path", DNS_SP, "DNS:evil.example/my.m2mprovider.org", "not within a permitted"},
        Judged{"exact_path", "permitted;DNS:my.m2mprovider.org/in-cse", "DNS:my.m2mprovider.org/in-cse", ""},
        Judged{"another_path", "permitted;DNS:my.m2mprovider.org/in-cse", "DNS:my.m2mprovider.org/in-cse2",
               "not within a permitted"},
        Judged{"path_missing", "permitted;DNS:my.m2mprovider.org/in-cse", "DNS:my.m2mprovider.org",
               "not within a permitted"},
        Judged{"leading_dot_below", "permitted;DNS:.m2mprovider.org", "DNS:my.m2mprovider.org", ""},
        Judged{"leading_dot_itself", "permitted;DNS:.m2mprovider.org", "DNS:m2mprovider.org",
               "not within a permitted"},
        Judged{"excluded_inside", "excluded;DNS:my.m2mprovider.org", "DNS:a.my.m2mprovider.org",
               "within an excluded"},
        Judged{"excluded_outside", "excluded;DNS:my.m2mprovider.org", "DNS:a.example", ""},
        Judged{"excluded_wins", DNS_SP ",excluded;DNS:x.my.m2mprovider.org", "DNS:x.my.m2mprovider.org",
               "within an excluded"},
        Judged{"second_of_two_permitted", DNS_SP ",permitted;DNS:other.org", "DNS:a.other.org", ""}),
    CaseName());

INSTANTIATE_TEST_SUITE_P(
    Uris, Constraint,
    ::testing::Values(
        Judged{"same_host", URI_SP, "URI:m2m://my.m2mprovider.org/in-cse/CAE1", "", "10.1.1.5-03"},
        Judged{"same_host_without_scheme", URI_SP, "URI://my.m2mprovider.org/in-cse/CAE1", "", "10.1.1.5-03"},
        Judged{"other_letter_case_of_host", URI_SP, "URI:m2m://MY.m2mprovider.org/in-cse/CAE1", "",
               "10.1.1.5-03"},
        Judged{"another_host", URI_SP, "URI:m2m://evil.example/in-cse/CAE1", "not within a permitted",
               "10.1.1.5-03 8.1.2.2-02"},
        Judged{"another_host_without_scheme", URI_SP, "URI://evil.example/in-cse/CAE1",
               "not within a permitted", "10.1.1.5-03 8.1.2.2-02"},
        Judged{"host_below", URI_SP, "URI:m2m://a.my.m2mprovider.org/in-cse/CAE1", "not within a permitted",
               "10.1.1.5-03"},
        Judged{"host_in_the_path", URI_SP, "URI:m2m://evil.example/my.m2mprovider.org/CAE1",
               "not within a permitted", "10.1.1.5-03"},
        Judged{"leading_dot_below", "permitted;URI:.m2mprovider.org",
               "URI:m2m://my.m2mprovider.org/in-cse/CAE1", "", "10.1.1.5-03"},
        Judged{"leading_dot_itself", "permitted;URI:.m2mprovider.org",
               "URI:m2m://m2mprovider.org/in-cse/CAE1", "not within a permitted", "10.1.1.5-03"},
        Judged{"no_host", URI_SP, "URI:urn:x:node7", "no domain name"},
        Judged{"user_before_the_host", URI_SP, "URI:x://evil.example@my.m2mprovider.org/", "no domain name"},
        Judged{"user_that_looks_like_the_host", URI_SP, "URI:x://my.m2mprovider.org:x@evil.example/",
               "no domain name"},
        Judged{"host_with_port", URI_SP, "URI:x://my.m2mprovider.org:8443/", ""},
        Judged{"excluded_host", "excluded;URI:my.m2mprovider.org", "URI:m2m://my.m2mprovider.org/in-cse/CAE1",
               "within an excluded"},
        Judged{"no_host_under_exclusion", "excluded;URI:my.m2mprovider.org", "URI:urn:x:node7",
               "no domain name"}),
    CaseName());

INSTANTIATE_TEST_SUITE_P(
    DeviceArcs, Constraint,
    ::testing::Values(
        Judged{"inside", ARC, "otherName:0.2.481.1;UTF8:100.3030.10011", ""},
        Judged{"inside_by_spaces", ARC, "otherName:0.2.481.1;UTF8:100 3030 10011", ""},
        Judged{"longer_number", ARC, "otherName:0.2.481.1;UTF8:1003.30.10011", "not within a permitted"},
        Judged{"another_manufacturer", ARC, "otherName:0.2.481.1;UTF8:101.3030.10011",
               "not within a permitted"},
        Judged{"another_type_id", ARC, "otherName:0.2.481.2;UTF8:100.3030.10011", "not within a permitted"},
        Judged{"arcs_split_elsewhere", ARC, "DNS:a.example,otherName:0.2.481;UTF8:1.100.3030.10011",
               "not within a permitted"},
        Judged{"whole_type_id",
               "permitted;otherName:0.2.481.1;UTF8:", "otherName:0.2.481.1;UTF8:7.3030.10011", ""},
        Judged{"oid_value_inside", "permitted;otherName:2.999.481.1;OID:1.2",
               "otherName:2.999.481.1;OID:1.2.3", ""},
        Judged{"oid_value_outside", "permitted;otherName:2.999.481.1;OID:1.2",
               "otherName:2.999.481.1;OID:1.3.3", "not within a permitted"},
        Judged{"excluded", "excluded;otherName:0.2.481.1;UTF8:100.3030",
               "otherName:0.2.481.1;UTF8:100.3030.10011", "within an excluded"},
        Judged{"name_that_is_no_arc", ARC, "otherName:0.2.481.1;UTF8:100.3030.1,otherName:1.2.3.4;UTF8:user",
               "no OID arc"},
        Judged{"domain_name_beside_arcs", ARC, "DNS:in-cse.my.m2mprovider.org", ""}),
    CaseName());

INSTANTIATE_TEST_SUITE_P(
    OtherForms, Constraint,
    ::testing::Values(
        Judged{"mail_outside", "permitted;email:good.example", "DNS:a.example,email:a@bad.example",
               "permitted subtree"},
        Judged{"mail_inside", "permitted;email:good.example", "DNS:a.example,email:a@good.example", ""},
        Judged{"address_outside", "permitted;IP:10.0.0.0/255.0.0.0", "DNS:a.example,IP:11.0.0.1",
               "permitted subtree"},
        Judged{"address_inside", "permitted;IP:10.0.0.0/255.0.0.0", "DNS:a.example,IP:10.0.0.1", ""},
        Judged{"critical_unknown_form", "critical,permitted;RID:1.2.3", "DNS:a.example", "not supported"},
        Judged{"unknown_form_that_is_not_present", "permitted;RID:1.2.3", "DNS:a.example", ""},
        Judged{"unknown_form_that_is_present", "permitted;RID:1.2.3", "DNS:a.example,RID:1.2.3",
               "not supported"},
        Judged{"critical_otherName_of_others", "critical,permitted;otherName:1.2.3.4;INTEGER:1",
               "DNS:a.example", "no OID arc"},
        // SEQUENCE { [0] { SEQUENCE { [2] "a.example", [0] minimum 1 } } }
        Judged{"minimum", "DER:3012a010300e8209612e6578616d706c65800101", "DNS:a.example", "minimum"},
        // SEQUENCE {}
        Judged{"no_subtree", "DER:3000", "DNS:a.example", "without any subtree"}),
    CaseName());

TEST(ConstraintOf, ca_without_the_extension_is_refused) {
  cover({"8.1.2.2-02"});
  for (const auto flavour :
       {Flavour::cse_id, Flavour::ae_id, Flavour::device, Flavour::fqdn, Flavour::node_id}) {
    SCOPED_TRACE(to_string(flavour));
    const Pki ca(root_spec(), ca_spec().with("nameConstraints", ""));
    expect_refused(ca.verify(leaf_spec(flavour)), ErrorCode::authentication,
                   "'CN=intermediate': 8.1.2.2: CA certificate without name constraints");
    const Pki root(root_spec().with("nameConstraints", ""), ca_spec());
    expect_refused(root.verify(leaf_spec(flavour)), ErrorCode::authentication,
                   "'CN=root': 8.1.2.2: CA certificate without name constraints");
  }
}

TEST(ConstraintOf, ca_may_be_waived_for_its_anchor) {
  Pki pki(root_spec().with("nameConstraints", ""), ca_spec().with("nameConstraints", ""));
  pki.options.require_name_constraints = false;
  const auto verified = pki.verify(cse_spec());
  expect_ok(verified);
  EXPECT_THAT(verified->warnings, IsEmpty());
}

TEST(ConstraintOf, issuer_must_cover_ae_ids) {
  cover({"10.1.1.5-03"});
  const Pki pki(root_spec(), ca_spec().with("nameConstraints", "critical," DNS_SP));
  expect_refused(pki.verify(ae_spec()), ErrorCode::authentication, "'CN=intermediate': 10.1.1.5");
  expect_ok(pki.verify(cse_spec()));
}

TEST(ConstraintOf, some_ca_must_cover_the_names_of_the_leaf) {
  cover({"8.1.2.2-02"});
  const Pki uris_only(root_spec().with("nameConstraints", "critical," URI_SP),
                      ca_spec().with("nameConstraints", "critical," URI_SP));
  expect_refused(uris_only.verify(cse_spec()), ErrorCode::authentication, "do not cover names of a cse-id");
  expect_refused(uris_only.verify(fqdn_spec()), ErrorCode::authentication, "do not cover names of a fqdn");
  expect_refused(uris_only.verify(device_spec()), ErrorCode::authentication,
                 "do not cover names of a device");
  const Pki by_root(root_spec(), ca_spec().with("nameConstraints", "critical," URI_SP));
  expect_ok(by_root.verify(cse_spec()));
}

TEST(ConstraintOf, empty_subtree_constrains_nothing) {
  cover({"8.1.2.2-02"});
  // SEQUENCE { [0] { SEQUENCE { [2] "" } } }
  const Pki pki(root_spec().with("nameConstraints", "critical,DER:3006a00430028200"),
                ca_spec().with("nameConstraints", "critical,DER:3006a00430028200"));
  expect_refused(pki.verify(cse_spec()), ErrorCode::authentication, "do not cover");
}

TEST(ConstraintOf, ca_is_enforced_without_being_critical) {
  cover({"8.1.2.2-02"});
  const Pki pki(root_spec(), ca_spec().with("nameConstraints", "permitted;DNS:other.org"));
  expect_refused(pki.verify(cse_spec()), ErrorCode::authentication, "not within a permitted");
  const Pki good(root_spec(), ca_spec().with("nameConstraints", DNS_SP));
  const auto verified = good.verify(cse_spec());
  expect_ok(verified);
  EXPECT_THAT(verified->warnings, Contains(HasSubstr("not critical")));
}

TEST(ConstraintOf, annex_b_switch_does_not_open_constraints) {
  Pki pki;
  pki.options.annex_b_certificates = true;
  expect_refused(pki.verify(cse_spec().with("subjectAltName", "DNS:evil.example/in-cse")),
                 ErrorCode::authentication, "not within a permitted");
}

TEST(ConstraintOf, root_binds_an_intermediate_that_claims_more) {
  cover({"8.1.2.2-02"});
  const Pki pki(root_spec(), ca_spec().with("nameConstraints", "critical,permitted;DNS:evil.example"));
  expect_refused(pki.verify(cse_spec().with("subjectAltName", "DNS:evil.example")), ErrorCode::authentication,
                 "name constraints of 'CN=root'");
}

TEST(ConstraintOf, flood_of_names_is_refused_quickly) {
  std::string subtrees = "critical";
  for (int i = 0; i < 500; ++i) subtrees += ",permitted;DNS:d" + std::to_string(i) + ".example";
  std::string names = "DNS:a.d0.example";
  for (int i = 0; i < 500; ++i) names += ",DNS:a.d499.example";
  Pki pki(root_spec().with("nameConstraints", ""), ca_spec().with("nameConstraints", subtrees));
  pki.options.require_name_constraints = false;
  expect_refused(pki.verify(cse_spec().with("subjectAltName", names)), ErrorCode::authentication,
                 "too many names");
}

}  // namespace
}  // namespace latchkey::pki::test
