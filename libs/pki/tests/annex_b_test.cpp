/// Certificates of TR-0038 Annex B, made by its own commands: refused with the rule named, or let in by the
/// switch.
#include "cli.h"
#include "forge.h"
#include "latchkey/pki/authority.h"

namespace latchkey::pki::test {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

std::string data_file(const std::string& name) {
  std::ifstream in(LATCHKEY_TEST_DATA "/" + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

class AnnexB : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempFolder>();
    folder_->write("annex-b.cnf", data_file("annex-b.cnf"));
    const auto outcome = folder_->run(data_file("annex-b.sh"));
    ASSERT_EQ(outcome.status, 0) << outcome.output;
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static Certificate read(const std::string& name) {
    return Certificate::chain_from_pem(folder_->read(name)).value().front();
  }
  static Result<TrustStore::Verified> verify(const Certificate& leaf, TrustOptions options) {
    const auto store = TrustStore::make({{read("demoCA/cacert.pem"), options}}, {}).value();
    return store->verify({leaf}, system_clock().now(), home_sp());
  }

  static std::unique_ptr<TempFolder> folder_;
  const Certificate in_cse = read("demoCA/newcerts/01.pem");
  const Certificate mn_cse = read("demoCA/newcerts/02.pem");
};
std::unique_ptr<TempFolder> AnnexB::folder_;

TEST_F(AnnexB, is_refused_without_the_switch_and_the_rule_is_named) {
  cover({"10.1.1.7-02", "10.1.1.1-06", "8.1.2.2-02"});
  expect_refused(verify(in_cse, {}), ErrorCode::authentication, "10.1.1.1: no key usage");
  // Every rule it breaks, for `pki inspect`.
  EXPECT_THAT(in_cse.profile_violations(),
              Contains(HasSubstr("10.1.1.7: dNSName 'my.m2mprovider.org/in-cse'")));
  EXPECT_THAT(in_cse.profile_violations(), Contains(HasSubstr("10.1.1.1: no key usage")));
  EXPECT_THAT(read("demoCA/cacert.pem").profile_violations(),
              Contains(HasSubstr("8.1.2.2: CA certificate without")));
}

TEST_F(AnnexB, waived_name_constraints_alone_do_not_let_it_in) {
  expect_refused(verify(in_cse, {.annex_b_certificates = false, .require_name_constraints = false}),
                 ErrorCode::authentication, "10.1.1.1");
}

TEST_F(AnnexB, is_accepted_by_the_switch_with_a_warning_for_each_rule) {
  const auto verified = verify(in_cse, {.annex_b_certificates = true});
  expect_ok(verified);
  EXPECT_THAT(verified->warnings, Contains(HasSubstr("10.1.1.7")));
  EXPECT_THAT(verified->warnings, Contains(HasSubstr("no key usage")));
  EXPECT_THAT(verified->warnings, Contains(HasSubstr("8.1.2.2: CA certificate without name constraints")));
  EXPECT_THAT(verified->warnings, Each(HasSubstr("admitted by annex_b_certificates")));
  EXPECT_EQ(verified->identity.flavour, Flavour::cse_id);
}

TEST_F(AnnexB, names_the_cses_of_the_guide) {
  const auto in = verify(in_cse, {.annex_b_certificates = true}).value().identity;
  const auto mn = verify(mn_cse, {.annex_b_certificates = true}).value().identity;
  EXPECT_EQ(certified_cse_id(in, home_sp(), std::nullopt, true), cse_id("/in-cse"));
  EXPECT_EQ(certified_cse_id(mn, home_sp(), cse_id("/in-cse"), true), cse_id("/mn-cse-123456"));
  EXPECT_TRUE(names_cse(in, cse_id("/in-cse"), std::nullopt, true));
  EXPECT_FALSE(names_cse(in, cse_id("/mn-cse-123456"), std::nullopt, true));
  EXPECT_FALSE(names_cse(in, cse_id("/in-cse"), std::nullopt, false));
}

TEST_F(AnnexB, keys_of_the_guide_are_read) {
  const auto pem = folder_->read("in_cse_key.pem");  // begins with EC PARAMETERS
  const auto key = PrivateKey::from_pem(SecretBytes::copy_of(as_bytes(pem)));
  expect_ok(key);
  EXPECT_TRUE(key->matches(in_cse));
}

TEST_F(AnnexB, switch_opens_nothing_else) {
  // An Annex B root, and leaves that its switch does not speak of.
  Spec root = root_spec().with("keyUsage", "").with("nameConstraints", "");
  Pki pki(root, ca_spec());
  pki.options.annex_b_certificates = true;
  expect_ok(pki.verify(cse_spec()));
  expect_refused(pki.verify(cse_spec().with("subjectAltName", "DNS:*.my.m2mprovider.org/in-cse")),
                 ErrorCode::authentication, "wildcard");
  expect_refused(pki.verify(cse_spec().with("keyUsage", "keyAgreement")), ErrorCode::authentication,
                 "digitalSignature");
  Spec sha384 = cse_spec();
  sha384.digest = EVP_sha384();
  expect_refused(pki.verify(sha384), ErrorCode::authentication, "SHA-256");
  Spec p384 = cse_spec();
  p384.key = KeyKind::p384;
  expect_refused(pki.verify(p384), ErrorCode::authentication, "secp256r1");
}

TEST_F(AnnexB, inspection_tells_what_lets_it_in) {
  const auto text = inspect({in_cse, read("demoCA/cacert.pem")}, false);
  EXPECT_THAT(text, HasSubstr("dns: my.m2mprovider.org/in-cse"));
  EXPECT_THAT(text, HasSubstr("[refused unless annex_b_certificates]"));
  EXPECT_THAT(text, HasSubstr("[refused unless waived for its trust anchor]"));
}

}  // namespace
}  // namespace latchkey::pki::test
