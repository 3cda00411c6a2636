/// The openssl command as a second opinion on what we write and on what we accept.
#include "cli.h"
#include "forge.h"
#include "latchkey/pki/authority.h"

namespace latchkey::pki::test {
namespace {

using std::chrono::days;
using ::testing::HasSubstr;
using ::testing::Not;

class OpensslCli : public ::testing::Test {
 protected:
  void SetUp() override {
    subject.flavour = Flavour::cse_id;
    subject.domain_name = fqdn("in-cse.my.m2mprovider.org");
    folder.write("root.pem", root.certificate().to_pem());
    folder.write("ca.pem", ca.certificate().to_pem());
  }
  Authority::Issued issue(const std::string& name) {
    auto issued = ca.issue(subject, key.public_spki(), days(30)).value();
    folder.write(name, issued.certificate.to_pem());
    return issued;
  }

  TempFolder folder;
  Authority root =
      Authority::create_root(folder.path("root"), "Root",
                             {{"my.m2mprovider.org"}, {"my.m2mprovider.org"}, {"0.2.481.1"}}, days(100))
          .value();
  /// Without arcs, since libcrypto rejects every otherName below a constraint on one (error 51).
  Authority ca =
      Authority::create_intermediate(folder.path("ca"), root, "CA",
                                     {{"my.m2mprovider.org"}, {"my.m2mprovider.org"}, {}}, days(50))
          .value();
  PrivateKey key = PrivateKey::generate().value();
  SubjectRequest subject;
};

TEST_F(OpensslCli, verifies_what_we_issue_in_strict_mode) {
  cover({"10.1.1.1-02", "10.1.1.3-01"});
  issue("leaf.pem");
  const auto outcome = folder.run("openssl verify -x509_strict -CAfile root.pem -untrusted ca.pem leaf.pem");
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("leaf.pem: OK"));
}

TEST_F(OpensslCli, shows_the_profile_of_a_leaf) {
  cover({"10.1.1.1-03", "10.1.1.1-04", "10.1.1.1-05", "10.1.1.1-06", "10.1.1.3-03", "10.1.1.7-02"});
  issue("leaf.pem");
  const auto text = folder.run("openssl x509 -in leaf.pem -noout -text").output;
  EXPECT_THAT(text, HasSubstr("Version: 3"));
  EXPECT_THAT(text, HasSubstr("Signature Algorithm: ecdsa-with-SHA256"));
  EXPECT_THAT(text, HasSubstr("NIST CURVE: P-256"));
  EXPECT_THAT(text, HasSubstr("                    04:"));  // uncompressed
  EXPECT_THAT(text, HasSubstr("X509v3 Key Usage: critical\n                Digital Signature\n"));
  EXPECT_THAT(text, HasSubstr("DNS:in-cse.my.m2mprovider.org"));
  EXPECT_THAT(text, HasSubstr("CA:FALSE"));
}

TEST_F(OpensslCli, shows_critical_name_constraints_of_a_ca) {
  cover({"8.1.2.2-02"});
  const auto text = folder.run("openssl x509 -in root.pem -noout -text").output;
  EXPECT_THAT(text, HasSubstr("X509v3 Name Constraints: critical"));
  EXPECT_THAT(text, HasSubstr("DNS:my.m2mprovider.org"));
  EXPECT_THAT(text, HasSubstr("URI:my.m2mprovider.org"));
  EXPECT_THAT(
      text,
      HasSubstr("X509v3 Key Usage: critical\n                Digital Signature, Certificate Sign, CRL Sign"));
  EXPECT_THAT(text, HasSubstr("CA:TRUE, pathlen:1"));
}

TEST_F(OpensslCli, shows_an_ae_id_as_uri) {
  cover({"10.1.1.5-02"});
  subject = {};
  subject.flavour = Flavour::ae_id;
  subject.ae_id = ae_id("/in-cse/CAE1");
  issue("leaf.pem");
  EXPECT_THAT(folder.run("openssl x509 -in leaf.pem -noout -ext subjectAltName").output,
              HasSubstr("URI:m2m://my.m2mprovider.org/in-cse/CAE1"));
  EXPECT_EQ(folder.run("openssl verify -x509_strict -CAfile root.pem -untrusted ca.pem leaf.pem").status, 0);
}

TEST_F(OpensslCli, shows_a_device_as_other_name_by_arcs) {
  cover({"10.1.1.4.1-03"});
  auto devices =
      Authority::create_intermediate(folder.path("d"), root, "D", {{}, {}, {"0.2.481.1.100"}}, days(50))
          .value();
  subject = {};
  subject.flavour = Flavour::device;
  subject.device_id = device_id("0.2.481.1.100.3030.10011");
  folder.write("leaf.pem", devices.issue(subject, key.public_spki(), days(30)).value().certificate.to_pem());
  EXPECT_THAT(
      folder
          .run(
              "openssl asn1parse -in leaf.pem -strparse $(openssl asn1parse -in leaf.pem | grep -A1 'Subject "
              "Alternative Name' | grep 'OCTET STRING' -A0 || true; openssl asn1parse -in leaf.pem | grep "
              "-A2 "
              "'Subject Alternative Name' | grep 'OCTET STRING' | cut -d: -f1)")
          .output,
      HasSubstr("100.3030.10011"));
}

TEST_F(OpensslCli, reads_our_crl_and_finds_the_revoked) {
  cover({"8.1.2.2-03"});
  const auto issued = issue("leaf.pem");
  folder.write("crl.pem", ca.write_crl(days(7)).value());
  const std::string verify =
      "openssl verify -crl_check -CAfile root.pem -untrusted ca.pem -CRLfile crl.pem leaf.pem";
  EXPECT_EQ(folder.run(verify).status, 0);
  ASSERT_TRUE(ca.revoke(issued.certificate.serial_hex(), "keyCompromise"));
  folder.write("crl.pem", ca.write_crl(days(7)).value());
  EXPECT_THAT(folder.run(verify).output, HasSubstr("certificate revoked"));
  const auto text = folder.run("openssl crl -in crl.pem -noout -text").output;
  EXPECT_THAT(text, HasSubstr("X509v3 CRL Number: \n                2"));
  EXPECT_THAT(text, HasSubstr("Key Compromise"));
}

TEST_F(OpensslCli, reads_our_request) {
  cover({"10.1.4-01", "10.1.4-02"});
  folder.write("request.pem", make_request(key, subject).value());
  const auto outcome = folder.run("openssl req -in request.pem -verify -noout -text");
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("DNS:in-cse.my.m2mprovider.org"));
}

TEST_F(OpensslCli, request_made_by_it_is_signed_if_its_names_are_right) {
  cover({"10.1.4-01", "10.1.4-02", "10.1.4-T01"});
  const auto request = [this](const std::string& extension) {
    const auto outcome = folder.run(
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -subj /CN=x " +
        extension + " -out r.pem");
    EXPECT_EQ(outcome.status, 0) << outcome.output;
    return ca.sign_request(folder.read("r.pem"), Flavour::cse_id, days(30));
  };
  expect_ok(request("-addext subjectAltName=DNS:mn-cse-123456.in-cse.my.m2mprovider.org"));
  expect_refused(request(""), ErrorCode::invalid_argument, "no subjectAltName");
  expect_refused(request("-addext subjectAltName=DNS:a.my.m2mprovider.org,DNS:b.my.m2mprovider.org"),
                 ErrorCode::invalid_argument, "exactly one");
  expect_refused(request("-addext subjectAltName=DNS:a.my.m2mprovider.org,email:a@b.example"),
                 ErrorCode::invalid_argument, "exactly one");
  expect_refused(request("-addext 'subjectAltName=DNS:*.my.m2mprovider.org'"), ErrorCode::invalid_argument,
                 "dNSName");
  expect_refused(request("-addext subjectAltName=DNS:in-cse.other.org"), ErrorCode::invalid_argument,
                 "constraints");
  // What else it asks for is not granted.
  const auto greedy =
      request("-addext subjectAltName=DNS:a.my.m2mprovider.org -addext basicConstraints=CA:TRUE");
  expect_ok(greedy);
  EXPECT_FALSE(greedy->certificate.is_ca());
}

TEST_F(OpensslCli, request_for_another_curve_is_refused) {
  cover({"10.1.1.1-03", "10.1.4-01"});
  const auto outcome = folder.run(
      "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout k.pem -subj /CN=x "
      "-addext subjectAltName=DNS:a.my.m2mprovider.org -out r.pem");
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  expect_refused(ca.sign_request(folder.read("r.pem"), Flavour::cse_id, days(30)),
                 ErrorCode::invalid_argument, "secp256r1");
}

TEST_F(OpensslCli, certificates_that_it_makes_by_the_profile_are_accepted) {
  cover({"10.1.1.3-01", "8.1.2.2-01"});
  const auto outcome = folder.run(R"(
openssl ecparam -name prime256v1 -genkey -noout -out root.key
openssl req -new -x509 -key root.key -subj /CN=r -days 100 -out r.pem -config <(printf '[req]\ndistinguished_name=d\n[d]\n') \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,digitalSignature,keyCertSign,cRLSign \
  -addext 'nameConstraints=critical,permitted;DNS:my.m2mprovider.org,permitted;URI:my.m2mprovider.org'
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -subj /CN=x -out leaf.csr
printf 'keyUsage=digitalSignature\nsubjectAltName=URI:m2m://my.m2mprovider.org/Slock\n' > ext
openssl x509 -req -in leaf.csr -CA r.pem -CAkey root.key -CAcreateserial -days 10 -extfile ext -out leaf.pem
)");
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  const auto anchor = Certificate::chain_from_pem(folder.read("r.pem")).value();
  const auto leaf = Certificate::chain_from_pem(folder.read("leaf.pem")).value();
  const auto store = TrustStore::make({{anchor.front(), {}}}, {}).value();
  const auto verified = store->verify(leaf, system_clock().now(), home_sp());
  expect_ok(verified);
  EXPECT_EQ(verified->identity.ae_id, ae_id("/Slock"));
}

TEST_F(OpensslCli, inspection_agrees_on_serial_and_subject) {
  subject.common_name = "IN-CSE";
  const auto issued = issue("leaf.pem");
  const auto serial = folder.run("openssl x509 -in leaf.pem -noout -serial").output;
  EXPECT_EQ(serial, "serial=" + issued.certificate.serial_hex() + "\n");
  const auto text = inspect({issued.certificate}, false);
  EXPECT_THAT(text, HasSubstr("certificate 1 of 1\n"));
  EXPECT_THAT(text, HasSubstr("subject: CN=IN-CSE"));
  EXPECT_THAT(text, HasSubstr("flavour: cse-id"));
  EXPECT_THAT(text, Not(HasSubstr("broken_rules")));
  const auto json = inspect({issued.certificate}, true);
  EXPECT_THAT(json, HasSubstr(R"("serial":")" + issued.certificate.serial_hex() + "\""));
  EXPECT_THAT(json, HasSubstr(R"("broken_rules":[])"));
  EXPECT_THAT(inspect({ca.certificate()}, false),
              HasSubstr("name_constraints: permitted DNS:my.m2mprovider.org"));
}

TEST_F(OpensslCli, inspection_shows_no_control_characters_of_names) {
  // dNSName "a\x1b[31m": 82 06 61 1b 5b 33 31 6d
  const auto odd = forge(cse_spec().with("subjectAltName", "DER:30088206611b5b33316d")).certificate();
  for (const bool json : {false, true}) {
    const auto text = inspect({odd}, json);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_THAT(text, HasSubstr("a?[31m"));
  }
}

}  // namespace
}  // namespace latchkey::pki::test
