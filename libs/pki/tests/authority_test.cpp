/// The certificate authority in a folder (TS-0003 10.1, 8.1.2.2).
#include "latchkey/pki/authority.h"

#include <openssl/pem.h>
#include <sys/stat.h>

#include <set>
#include <thread>

#include "certificate_impl.h"
#include "cli.h"
#include "forge.h"

namespace latchkey::pki::test {
namespace {

using std::chrono::days;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const NameConstraints kWanted{{"my.m2mprovider.org"}, {"my.m2mprovider.org"}, {"0.2.481.1.100"}};

SubjectRequest subject(Flavour flavour) {
  SubjectRequest request;
  request.flavour = flavour;
  switch (flavour) {
    case Flavour::cse_id:
      request.domain_name = cse_id("/in-cse").public_domain_name(std::nullopt).value();
      break;
    case Flavour::fqdn:
      request.domain_name = fqdn("maf.my.m2mprovider.org");
      break;
    case Flavour::ae_id:
      request.ae_id = ae_id("/in-cse/CAE1");
      break;
    case Flavour::device:
      request.device_id = device_id("0.2.481.1.100.3030.10011");
      break;
    default:
      request.node_id = "m2mnode://my.m2mprovider.org/node7";
  }
  return request;
}

class AuthorityTest : public ::testing::Test {
 protected:
  [[nodiscard]] TrustStore::Verified verify(const Authority::Issued& issued,
                                            std::vector<Bytes> crls = {}) const {
    return try_verify(issued, std::move(crls)).value();
  }
  [[nodiscard]] Result<TrustStore::Verified> try_verify(const Authority::Issued& issued,
                                                        std::vector<Bytes> crls) const {
    const auto store = TrustStore::make({{root.certificate(), {}}}, std::move(crls)).value();
    return store->verify(Certificate::chain_from_pem(issued.chain_pem).value(), system_clock().now(),
                         home_sp());
  }
  [[nodiscard]] mode_t mode(const std::string& name) const {
    struct stat info {};
    EXPECT_EQ(::stat(folder.path(name).c_str(), &info), 0) << name;
    return info.st_mode & 07777U;
  }

  TempFolder folder;
  Authority root = Authority::create_root(folder.path("root"), "Root", kWanted, days(3650)).value();
  Authority ca = Authority::create_intermediate(folder.path("ca"), root, "CA", kWanted, days(1825)).value();
  PrivateKey key = PrivateKey::generate().value();
};

TEST_F(AuthorityTest, issues_every_flavour_so_that_it_verifies) {
  cover({"10.1.1.1-01", "10.1.1.3-01", "10.1.1.4.1-03", "10.1.1.5-02", "10.1.1.6-02", "10.1.1.7-02",
         "10.1.1.8-02"});
  for (const auto flavour :
       {Flavour::cse_id, Flavour::fqdn, Flavour::ae_id, Flavour::device, Flavour::node_id}) {
    const auto issued = ca.issue(subject(flavour), key.public_spki(), days(365));
    expect_ok(issued);
    EXPECT_THAT(issued->certificate.profile_violations(), IsEmpty());
    const auto verified = verify(*issued);
    EXPECT_EQ(verified.identity.flavour, flavour);
    EXPECT_THAT(verified.warnings, IsEmpty());
    EXPECT_TRUE(key.matches(issued->certificate));
  }
}

TEST_F(AuthorityTest, writes_names_as_design_and_decision_0004_say) {
  cover({"10.1.1.7-02", "10.1.1.5-02", "10.1.1.4.1-03"});
  const auto names = [this](const SubjectRequest& request) {
    return ca.issue(request, key.public_spki(), days(365)).value().certificate.names();
  };
  EXPECT_THAT(names(subject(Flavour::cse_id)).dns, ElementsAre("in-cse.my.m2mprovider.org"));
  auto middle = subject(Flavour::cse_id);
  middle.domain_name = cse_id("/mn-cse-123456").public_domain_name(cse_id("/in-cse")).value();
  EXPECT_THAT(names(middle).dns, ElementsAre("mn-cse-123456.in-cse.my.m2mprovider.org"));
  EXPECT_THAT(names(subject(Flavour::ae_id)).uris, ElementsAre("m2m://my.m2mprovider.org/in-cse/CAE1"));
  auto assigned = subject(Flavour::ae_id);
  assigned.ae_id = ae_id("/Sxyz");
  EXPECT_THAT(names(assigned).uris, ElementsAre("m2m://my.m2mprovider.org/Sxyz"));
  EXPECT_THAT(names(subject(Flavour::device)).device_ids, ElementsAre(device_id("0.2.481.1.100.3030.10011")));
}

TEST_F(AuthorityTest, ca_certificates_carry_critical_name_constraints) {
  cover({"8.1.2.2-02", "10.1.1.5-03"});
  for (const auto* authority : {&root, &ca}) {
    X509* x509 = native(authority->certificate());
    const int at = X509_get_ext_by_NID(x509, NID_name_constraints, -1);
    ASSERT_GE(at, 0);
    EXPECT_EQ(X509_EXTENSION_get_critical(X509_get_ext(x509, at)), 1);
    EXPECT_THAT(authority->certificate().profile_violations(), IsEmpty());
  }
}

TEST_F(AuthorityTest, ca_without_any_constraint_is_not_made) {
  cover({"8.1.2.2-02"});
  expect_refused(Authority::create_root(folder.path("other"), "R", {}, days(1)), ErrorCode::invalid_argument,
                 "8.1.2.2");
  expect_refused(Authority::create_intermediate(folder.path("other"), root, "R", {}, days(1)),
                 ErrorCode::invalid_argument, "8.1.2.2");
}

TEST_F(AuthorityTest, constraint_beyond_the_parent_is_refused) {
  const auto refused = [this](const NameConstraints& wanted) {
    expect_refused(Authority::create_intermediate(folder.path("x"), root, "X", wanted, days(1)),
                   ErrorCode::invalid_argument, "beyond those of the parent");
  };
  refused({{"evil.example"}, {}, {}});
  refused({{"m2mprovider.org"}, {}, {}});
  refused({{}, {"evil.example"}, {}});
  refused({{}, {}, {"0.2.481.1.101"}});
  refused({{}, {}, {"0.2.481.1"}});
  expect_ok(Authority::create_intermediate(folder.path("narrow"), root, "X",
                                           {{"in-cse.my.m2mprovider.org"}, {}, {"0.2.481.1.100.3030"}},
                                           days(1)));
}

TEST_F(AuthorityTest, damaged_constraint_is_refused) {
  for (const NameConstraints& wanted :
       {NameConstraints{{"*.a.example"}, {}, {}}, NameConstraints{{""}, {}, {}},
        NameConstraints{{"a b"}, {}, {}}, NameConstraints{{}, {"m2m://a.example"}, {}},
        NameConstraints{{}, {}, {"0.2.481"}}, NameConstraints{{}, {}, {"0.2.481.1.x"}}}) {
    expect_refused(Authority::create_root(folder.path("x"), "X", wanted, days(1)),
                   ErrorCode::invalid_argument, "name constraint");
  }
}

TEST_F(AuthorityTest, intermediate_makes_no_further_ca) {
  expect_refused(Authority::create_intermediate(folder.path("x"), ca, "X", kWanted, days(1)),
                 ErrorCode::invalid_argument, "path length");
}

TEST_F(AuthorityTest, names_outside_its_constraints_are_refused) {
  cover({"8.1.2.2-02"});
  auto cse = subject(Flavour::cse_id);
  cse.domain_name = fqdn("in-cse.other.org");
  expect_refused(ca.issue(cse, key.public_spki(), days(1)), ErrorCode::invalid_argument,
                 "outside the name constraints");
  auto ae = subject(Flavour::ae_id);
  ae.ae_id = AeId::parse("//other.org/in-cse/CAE1", home_sp()).value();
  expect_refused(ca.issue(ae, key.public_spki(), days(1)), ErrorCode::invalid_argument,
                 "outside the name constraints");
  auto device = subject(Flavour::device);
  device.device_id = device_id("0.2.481.1.101.3030.1");
  expect_refused(ca.issue(device, key.public_spki(), days(1)), ErrorCode::invalid_argument,
                 "outside the name constraints");
}

TEST_F(AuthorityTest, flavour_that_it_does_not_constrain_is_refused) {
  cover({"10.1.1.5-03"});
  auto domains = Authority::create_intermediate(folder.path("dns"), root, "D",
                                                {{"my.m2mprovider.org"}, {}, {}}, days(10))
                     .value();
  expect_ok(domains.issue(subject(Flavour::cse_id), key.public_spki(), days(1)));
  expect_refused(domains.issue(subject(Flavour::ae_id), key.public_spki(), days(1)),
                 ErrorCode::invalid_argument, "does not constrain names of a ae-id");
  expect_refused(domains.issue(subject(Flavour::device), key.public_spki(), days(1)),
                 ErrorCode::invalid_argument, "does not constrain names of a device");
}

TEST_F(AuthorityTest, lifetime_past_its_own_is_refused) {
  expect_ok(ca.issue(subject(Flavour::cse_id), key.public_spki(), days(1824)));
  expect_refused(ca.issue(subject(Flavour::cse_id), key.public_spki(), days(1826)),
                 ErrorCode::invalid_argument, "lifetime");
  expect_refused(ca.issue(subject(Flavour::cse_id), key.public_spki(), days(0)), ErrorCode::invalid_argument,
                 "lifetime");
  expect_refused(ca.issue(subject(Flavour::cse_id), key.public_spki(), days(-1)), ErrorCode::invalid_argument,
                 "lifetime");
  expect_refused(Authority::create_intermediate(folder.path("x"), root, "X", kWanted, days(3651)),
                 ErrorCode::invalid_argument, "lifetime");
}

TEST_F(AuthorityTest, key_of_another_kind_is_refused) {
  cover({"10.1.1.1-03", "10.1.1.1-04"});
  for (const auto kind : {KeyKind::p384, KeyKind::rsa, KeyKind::p256_compressed, KeyKind::p256_explicit}) {
    Spec spec = cse_spec();
    spec.key = kind;
    expect_refused(ca.issue(subject(Flavour::cse_id), forge(spec).certificate().spki(), days(1)),
                   ErrorCode::invalid_argument, "10.1.1.1");
  }
  expect_refused(ca.issue(subject(Flavour::cse_id), {}, days(1)), ErrorCode::invalid_argument,
                 "SubjectPublicKeyInfo");
  auto trailing = key.public_spki();
  trailing.push_back(0);
  expect_refused(ca.issue(subject(Flavour::cse_id), trailing, days(1)), ErrorCode::invalid_argument,
                 "SubjectPublicKeyInfo");
}

TEST_F(AuthorityTest, missing_or_foreign_names_are_refused) {
  for (const auto flavour :
       {Flavour::cse_id, Flavour::fqdn, Flavour::ae_id, Flavour::device, Flavour::node_id}) {
    SubjectRequest empty;
    empty.flavour = flavour;
    expect_refused(ca.issue(empty, key.public_spki(), days(1)), ErrorCode::invalid_argument, "needed");
    auto foreign = subject(flavour);
    if (flavour == Flavour::ae_id) {
      foreign.domain_name = fqdn("a.my.m2mprovider.org");
    } else {
      foreign.ae_id = ae_id("/in-cse/CAE1");
    }
    expect_refused(ca.issue(foreign, key.public_spki(), days(1)), ErrorCode::invalid_argument,
                   "names beside");
  }
  for (const auto flavour : {Flavour::raw, Flavour::ca, Flavour::unknown}) {
    SubjectRequest none;
    none.flavour = flavour;
    expect_refused(ca.issue(none, key.public_spki(), days(1)), ErrorCode::invalid_argument,
                   "no certificate of flavour");
  }
}

TEST_F(AuthorityTest, node_id_that_means_something_else_or_has_a_wildcard_is_refused) {
  cover({"10.1.1.8-03"});
  for (const char* uri : {"m2m://my.m2mprovider.org/in-cse/CAE1", "//my.m2mprovider.org/x", "node7",
                          "x://a/*", "x:a b", ":x", "maf.my.m2mprovider.org"}) {
    SubjectRequest node;
    node.flavour = Flavour::node_id;
    node.node_id = uri;
    expect_refused(ca.issue(node, key.public_spki(), days(1)), ErrorCode::invalid_argument, "no Node-ID");
  }
}

TEST_F(AuthorityTest, serial_numbers_are_16_random_octets) {
  std::set<std::string> seen;
  for (int i = 0; i < 20; ++i) {
    const auto serial =
        ca.issue(subject(Flavour::cse_id), key.public_spki(), days(1)).value().certificate.serial_hex();
    EXPECT_EQ(serial.size(), 32U);
    EXPECT_TRUE(seen.insert(serial).second);
    EXPECT_THAT(folder.read("ca/index.jsonl"), HasSubstr(serial));
  }
}

TEST_F(AuthorityTest, common_name_of_64_characters_is_the_longest) {
  auto request = subject(Flavour::cse_id);
  request.common_name = std::string(64, 'x');
  expect_ok(ca.issue(request, key.public_spki(), days(1)));
  request.common_name += 'x';
  expect_refused(ca.issue(request, key.public_spki(), days(1)), ErrorCode::invalid_argument, "common name");
  request.common_name = "\xff";
  expect_refused(ca.issue(request, key.public_spki(), days(1)), ErrorCode::invalid_argument, "common name");
}

TEST_F(AuthorityTest, files_have_the_modes_of_their_contents) {
  EXPECT_EQ(mode("ca"), 0700U);
  EXPECT_EQ(mode("ca/ca.key"), 0600U);
  EXPECT_EQ(mode("ca/index.jsonl"), 0600U);
  EXPECT_THAT(folder.read("ca/ca.pem"), HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_FALSE(std::filesystem::exists(folder.path("ca/ca.key.new")));
}

TEST_F(AuthorityTest, second_authority_in_a_folder_is_a_conflict) {
  const auto before = folder.read("root/ca.key");
  expect_refused(Authority::create_root(folder.path("root"), "R", kWanted, days(1)), ErrorCode::conflict,
                 "already");
  expect_refused(Authority::create_intermediate(folder.path("ca"), root, "R", kWanted, days(1)),
                 ErrorCode::conflict, "already");
  EXPECT_EQ(folder.read("root/ca.key"), before);
}

TEST_F(AuthorityTest, folder_without_its_certificate_is_begun_anew) {
  std::filesystem::remove(folder.path("ca/ca.pem"));  // as a crash before the last rename leaves it
  folder.write("ca/ca.key.new", "half a key");
  auto again = Authority::create_intermediate(folder.path("ca"), root, "CA", kWanted, days(100));
  expect_ok(again);
  expect_ok(again->issue(subject(Flavour::cse_id), key.public_spki(), days(1)));
  EXPECT_EQ(mode("ca/ca.key"), 0600U);
}

TEST_F(AuthorityTest, opens_and_goes_on) {
  auto opened = Authority::open(folder.path("ca")).value();
  EXPECT_EQ(opened.certificate().der(), ca.certificate().der());
  const auto verified = verify(opened.issue(subject(Flavour::ae_id), key.public_spki(), days(1)).value());
  EXPECT_EQ(verified.identity.ae_id, ae_id("/in-cse/CAE1"));
}

TEST_F(AuthorityTest, open_refuses_what_it_cannot_trust) {
  expect_refused(Authority::open(folder.path("nowhere")), ErrorCode::not_found, "nowhere");
  std::filesystem::permissions(folder.path("ca/ca.key"), std::filesystem::perms(0640));
  expect_refused(Authority::open(folder.path("ca")), ErrorCode::denied, "0600");
  std::filesystem::permissions(folder.path("ca/ca.key"), std::filesystem::perms(0600));
  folder.write("ca/ca.key", folder.read("root/ca.key"));
  expect_refused(Authority::open(folder.path("ca")), ErrorCode::invalid_argument, "not the key");
}

TEST_F(AuthorityTest, revoked_certificate_is_refused_by_the_next_crl) {
  cover({"8.1.2.2-03"});
  const auto good = ca.issue(subject(Flavour::cse_id), key.public_spki(), days(30)).value();
  const auto bad = ca.issue(subject(Flavour::ae_id), key.public_spki(), days(30)).value();
  ASSERT_TRUE(ca.revoke(bad.certificate.serial_hex(), "keyCompromise"));
  const auto crl = ca.write_crl(days(7)).value();
  EXPECT_EQ(folder.read("ca/crl.pem"), crl);
  const Bytes octets_of_crl(crl.begin(), crl.end());
  expect_ok(try_verify(good, {octets_of_crl}));
  expect_refused(try_verify(bad, {octets_of_crl}), ErrorCode::authentication, "revoked");
  // A second process, opened afterwards, knows of it.
  auto opened = Authority::open(folder.path("ca")).value();
  EXPECT_EQ(opened.revoke(bad.certificate.serial_hex(), "superseded").error().code, ErrorCode::conflict);
}

TEST_F(AuthorityTest, root_revokes_an_intermediate_that_it_made) {
  const auto issued = ca.issue(subject(Flavour::cse_id), key.public_spki(), days(30)).value();
  std::string serial = ca.certificate().serial_hex();
  std::ranges::transform(serial, serial.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  ASSERT_TRUE(root.revoke(serial, "cACompromise"));
  const auto crl = root.write_crl(days(7)).value();
  expect_refused(try_verify(issued, {Bytes(crl.begin(), crl.end())}), ErrorCode::authentication, "revoked");
}

TEST_F(AuthorityTest, revoke_refuses_unknown_serials_and_reasons) {
  EXPECT_EQ(ca.revoke("1234", "keyCompromise").error().code, ErrorCode::not_found);
  const auto issued = ca.issue(subject(Flavour::cse_id), key.public_spki(), days(30)).value();
  EXPECT_EQ(ca.revoke(issued.certificate.serial_hex(), "boredom").error().code, ErrorCode::invalid_argument);
  for (const int next : {0, -1, 3651}) EXPECT_FALSE(ca.write_crl(days(next)));
}

TEST_F(AuthorityTest, crl_numbers_go_up_and_survive_a_lost_crl) {
  ASSERT_TRUE(ca.write_crl(days(7)));
  ASSERT_TRUE(ca.write_crl(days(7)));
  EXPECT_EQ(folder.read("ca/crlnumber"), "2\n");
  std::filesystem::remove(folder.path("ca/crl.pem"));
  ASSERT_TRUE(ca.write_crl(days(7)));
  EXPECT_EQ(folder.read("ca/crlnumber"), "3\n");
  folder.write("ca/crlnumber", "x");
  expect_refused(ca.write_crl(days(7)), ErrorCode::invalid_argument, "crlnumber");
}

TEST_F(AuthorityTest, damaged_index_stops_it) {
  const auto issued = ca.issue(subject(Flavour::cse_id), key.public_spki(), days(30)).value();
  const auto whole = folder.read("ca/index.jsonl");
  for (const std::string& bad :
       {whole.substr(0, whole.size() / 2), std::string("{}\n"), std::string("[]\n"),
        std::string(R"({"event":"revoked","serial":"AA","time":"20260101T000000"})")}) {
    folder.write("ca/index.jsonl", bad);
    expect_refused(ca.write_crl(days(7)), ErrorCode::invalid_argument, "index.jsonl line 1");
    expect_refused(ca.issue(subject(Flavour::cse_id), key.public_spki(), days(30)),
                   ErrorCode::invalid_argument, "index.jsonl line 1");
  }
}

TEST_F(AuthorityTest, several_at_once_lose_nothing) {
  constexpr int kEach = 10;
  const auto work = [this] {
    auto mine = Authority::open(folder.path("ca")).value();
    for (int i = 0; i < kEach; ++i)
      expect_ok(mine.issue(subject(Flavour::cse_id), key.public_spki(), days(1)));
  };
  std::thread first(work), second(work);
  first.join();
  second.join();
  const auto index = folder.read("ca/index.jsonl");
  EXPECT_EQ(std::ranges::count(index, '\n'), 2 * kEach);
}

TEST_F(AuthorityTest, request_is_signed_for_its_own_names_and_key) {
  cover({"10.1.4-01", "10.1.4-02", "10.1.4-T01"});
  for (const auto flavour :
       {Flavour::cse_id, Flavour::fqdn, Flavour::ae_id, Flavour::device, Flavour::node_id}) {
    SCOPED_TRACE(to_string(flavour));
    const auto csr = make_request(key, subject(flavour)).value();
    const auto issued = ca.sign_request(csr, flavour, days(30));
    expect_ok(issued);
    const auto verified = verify(*issued);
    EXPECT_EQ(verified.identity.flavour, flavour);
    EXPECT_EQ(issued->certificate.spki(), key.public_spki());
  }
}

TEST_F(AuthorityTest, request_for_another_flavour_is_refused) {
  cover({"10.1.4-02", "10.1.4-T01"});
  const auto csr = make_request(key, subject(Flavour::ae_id)).value();
  expect_refused(ca.sign_request(csr, Flavour::cse_id, days(30)), ErrorCode::invalid_argument,
                 "ae-id certificate, not for");
  const auto cse = make_request(key, subject(Flavour::cse_id)).value();
  expect_refused(ca.sign_request(cse, Flavour::ae_id, days(30)), ErrorCode::invalid_argument,
                 "not for ae-id");
  expect_refused(ca.sign_request(cse, Flavour::device, days(30)), ErrorCode::invalid_argument,
                 "not for device");
}

TEST_F(AuthorityTest, request_with_a_changed_octet_is_refused) {
  cover({"10.1.4-01"});
  const auto csr = make_request(key, subject(Flavour::cse_id)).value();
  const BioPtr in = memory_reader(as_bytes(csr));
  const RequestPtr request(PEM_read_bio_X509_REQ(in.get(), nullptr, nullptr, nullptr));
  auto der = to_der<i2d_X509_REQ>(request.get());
  const std::string_view name = "in-cse";
  const auto found = std::ranges::search(der, as_bytes(name));
  ASSERT_FALSE(found.empty());
  *found.begin() = 'x';
  const auto pem =
      "-----BEGIN CERTIFICATE REQUEST-----\n" + to_base64(der) + "\n-----END CERTIFICATE REQUEST-----\n";
  expect_refused(ca.sign_request(pem, Flavour::cse_id, days(30)), ErrorCode::authentication,
                 "does not verify");
}

TEST_F(AuthorityTest, text_that_is_no_request_is_refused) {
  for (const auto& bad : {std::string(), std::string("hello"), ca.certificate().to_pem()}) {
    expect_refused(ca.sign_request(bad, Flavour::cse_id, days(30)), ErrorCode::invalid_argument,
                   "no certificate signing");
  }
  expect_refused(ca.sign_request(std::string((16U << 10U) + 1, 'x'), Flavour::cse_id, days(30)),
                 ErrorCode::limit, "16 KiB");
}

}  // namespace
}  // namespace latchkey::pki::test
