/// Certification path validation (TS-0003 8.1.2.2, 8.1.2.5; RFC 5280 6.1).
#include <openssl/pem.h>

#include "forge.h"

namespace latchkey::pki::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Path, good_chain_of_every_flavour_proves_its_identity) {
  cover({"8.1.2.1-T04", "8.1.2.1-T05", "8.1.2.1-T06", "8.1.2.2-01", "8.1.2.5-01"});
  const Pki pki;
  for (const auto flavour :
       {Flavour::cse_id, Flavour::ae_id, Flavour::device, Flavour::node_id, Flavour::fqdn}) {
    const auto verified = pki.verify(leaf_spec(flavour));
    expect_ok(verified);
    if (!verified) continue;
    EXPECT_EQ(verified->identity.flavour, flavour);
    EXPECT_THAT(verified->warnings, IsEmpty());
  }
  EXPECT_THAT(pki.verify(cse_spec())->identity.dns_names, ElementsAre("in-cse.my.m2mprovider.org"));
  EXPECT_EQ(pki.verify(ae_spec())->identity.ae_id, ae_id("/in-cse/CAE1"));
  EXPECT_EQ(pki.verify(device_spec())->identity.device_id, device_id("0 2 481 1 100 3030 10011"));
  EXPECT_THAT(pki.verify(node_spec())->identity.node_ids, ElementsAre("m2mnode://my.m2mprovider.org/node7"));
  EXPECT_THAT(pki.verify(fqdn_spec())->identity.dns_names, ElementsAre("maf.my.m2mprovider.org"));
}

TEST(Path, valid_until_is_the_earliest_end_of_the_path) {
  const Pki pki;
  EXPECT_EQ(pki.verify(cse_spec())->valid_until, kNow + std::chrono::hours(24));
  Spec short_ca = ca_spec();
  short_ca.until = std::chrono::hours(3);
  EXPECT_EQ(Pki(root_spec(), short_ca).verify(cse_spec())->valid_until, kNow + std::chrono::hours(3));
  Spec short_root = root_spec();
  short_root.until = std::chrono::hours(2);
  EXPECT_EQ(Pki(short_root).verify(cse_spec())->valid_until, kNow + std::chrono::hours(2));
}

TEST(Path, unknown_root_is_refused) {
  cover({"8.1.2.2-01", "8.1.2.5-03"});
  const Pki pki, other;
  const auto leaf = forge(cse_spec(), &other.ca);
  expect_refused(pki.verify({leaf.certificate(), other.ca.certificate(), other.root.certificate()}),
                 ErrorCode::authentication, "certificate");
}

TEST(Path, self_signed_leaf_is_refused) {
  expect_refused(Pki().verify({forge(cse_spec()).certificate()}), ErrorCode::authentication, "self");
}

TEST(Path, missing_intermediate_is_refused) {
  const Pki pki;
  expect_refused(pki.verify({forge(cse_spec(), &pki.ca).certificate()}), ErrorCode::authentication,
                 "unable to get");
}

TEST(Path, root_in_the_chain_and_its_absence_are_the_same) {
  const Pki pki;
  const auto leaf = forge(cse_spec(), &pki.ca).certificate();
  expect_ok(pki.verify({leaf, pki.ca.certificate()}));
  expect_ok(pki.verify({leaf, pki.ca.certificate(), pki.root.certificate()}));
  expect_ok(pki.verify({leaf, pki.root.certificate(), pki.ca.certificate()}));
}

TEST(Path, any_flipped_bit_is_rejected) {
  cover({"8.1.2.2-01", "8.1.2.5-03"});
  const Pki pki;
  const auto der = forge(cse_spec(), &pki.ca).der();
  const auto ca = pki.ca.certificate();
  const auto store = TrustStore::make({{pki.root.certificate(), {}}}, {}).value();
  for (std::size_t bit = 0; bit < der.size() * 8; bit += 5) {
    Bytes flipped = der;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    const auto certificate = Certificate::from_der(flipped);
    if (!certificate) continue;
    EXPECT_FALSE(store->verify({*certificate, ca}, kNow, home_sp())) << bit;
  }
}

TEST(Path, signature_by_another_key_of_the_same_name_is_refused) {
  const Pki pki, twin;
  const auto leaf = forge(cse_spec().with("authorityKeyIdentifier", ""), &twin.ca);
  expect_refused(pki.verify(leaf), ErrorCode::authentication, "signature");
}

TEST(Path, leaf_outside_its_time_is_expired) {
  cover({"8.1.2.2-01", "8.1.2.5-03"});
  Pki pki;
  const auto leaf = forge(cse_spec(), &pki.ca);
  pki.now =
      kNow + std::chrono::hours(24) - std::chrono::seconds(1);  // libcrypto counts the last second as past
  expect_ok(pki.verify(leaf));
  pki.now += std::chrono::seconds(1);
  expect_refused(pki.verify(leaf), ErrorCode::expired, "expired");
  pki.now = kNow - std::chrono::hours(1);
  expect_ok(pki.verify(leaf));
  pki.now -= std::chrono::seconds(1);
  expect_refused(pki.verify(leaf), ErrorCode::expired, "not yet valid");
}

TEST(Path, intermediate_and_anchor_outside_their_time_are_expired) {
  cover({"8.1.2.2-01"});
  Spec old_ca = ca_spec();
  old_ca.until = -std::chrono::seconds(1);
  expect_refused(Pki(root_spec(), old_ca).verify(cse_spec()), ErrorCode::expired, "CN=intermediate");
  Spec old_root = root_spec();
  old_root.until = -std::chrono::seconds(1);
  expect_refused(Pki(old_root).verify(cse_spec()), ErrorCode::expired, "CN=root");
}

TEST(Path, intermediate_that_is_no_ca_is_refused) {
  cover({"8.1.2.2-01"});
  const Pki pki;
  const auto end_entity = forge(cse_spec(), &pki.ca);
  const auto leaf = forge(cse_spec(), &end_entity);
  expect_refused(pki.verify({leaf.certificate(), end_entity.certificate(), pki.ca.certificate()}),
                 ErrorCode::authentication, "CA");
}

TEST(Path, path_length_of_the_issuer_is_kept) {
  cover({"8.1.2.2-01"});
  const Pki pki;  // the intermediate has path length 0
  const auto below = forge(ca_spec(), &pki.ca);
  Spec deeper = ca_spec();
  deeper.cn = "deeper";
  const auto second = forge(deeper, &pki.ca);
  const auto leaf = forge(cse_spec(), &second);
  expect_refused(pki.verify({leaf.certificate(), second.certificate(), pki.ca.certificate()}),
                 ErrorCode::authentication, "path length");
}

TEST(Path, unknown_critical_extension_is_refused) {
  cover({"8.1.2.2-01", "10.1.1.1-02"});
  const Pki pki;
  expect_refused(pki.verify(cse_spec().also("1.2.3.4", "critical,ASN1:NULL")), ErrorCode::authentication,
                 "critical extension");
  expect_ok(pki.verify(cse_spec().also("1.2.3.4", "ASN1:NULL")));
  const Pki odd(root_spec(), ca_spec().also("1.2.3.4", "critical,ASN1:NULL"));
  expect_refused(odd.verify(cse_spec()), ErrorCode::authentication, "critical extension");
}

TEST(Path, policy_that_is_required_and_missing_is_refused) {
  const Pki strict(root_spec(), ca_spec().also("policyConstraints", "critical,requireExplicitPolicy:0"));
  expect_refused(strict.verify(cse_spec()), ErrorCode::authentication, "policy");
}

TEST(Path, ca_as_leaf_identifies_nobody) {
  const Pki pki;
  expect_refused(pki.verify({pki.ca.certificate()}), ErrorCode::authentication, "identifies no entity");
  expect_refused(pki.verify({pki.root.certificate()}), ErrorCode::authentication, "identifies no entity");
}

TEST(Path, empty_and_overlong_chains_are_refused) {
  const Pki pki;
  expect_refused(pki.verify(std::vector<Certificate>{}), ErrorCode::authentication, "no certificate");
  std::vector<Certificate> chain(10, pki.ca.certificate());
  chain.front() = forge(cse_spec(), &pki.ca).certificate();
  expect_ok(pki.verify(chain));
  chain.push_back(pki.ca.certificate());
  expect_refused(pki.verify(chain), ErrorCode::authentication, "more than 10");
}

TEST(Path, extended_key_usage_says_which_end_it_may_be) {
  const Pki pki;
  const auto both = pki.verify(cse_spec());
  EXPECT_TRUE(both->identity.server_auth && both->identity.client_auth);
  const auto client = pki.verify(cse_spec().also("extendedKeyUsage", "clientAuth"));
  EXPECT_TRUE(!client->identity.server_auth && client->identity.client_auth);
  const auto server = pki.verify(fqdn_spec());
  EXPECT_TRUE(server->identity.server_auth && !server->identity.client_auth);
  expect_refused(pki.verify(cse_spec().also("extendedKeyUsage", "codeSigning")), ErrorCode::authentication,
                 "no TLS");
}

TEST(Anchor, may_be_an_intermediate) {
  const Pki pki;
  const auto store = TrustStore::make({{pki.ca.certificate(), {}}}, {}).value();
  expect_ok(store->verify({forge(cse_spec(), &pki.ca).certificate()}, kNow, home_sp()));
}

TEST(Anchor, leaf_or_tampered_root_is_no_anchor) {
  const Pki pki;
  expect_refused(TrustStore::make({{forge(cse_spec(), &pki.ca).certificate(), {}}}, {}),
                 ErrorCode::invalid_argument, "no CA certificate");
  auto der = pki.root.der();
  der.back() = static_cast<std::uint8_t>(der.back() ^ 1U);
  expect_refused(TrustStore::make({{Certificate::from_der(der).value(), {}}}, {}),
                 ErrorCode::invalid_argument, "bad signature");
}

TEST(Anchor, none_trusts_nobody) {
  const Pki pki;
  const auto store = TrustStore::make({}, {}).value();
  EXPECT_FALSE(
      store->verify({forge(cse_spec(), &pki.ca).certificate(), pki.ca.certificate()}, kNow, home_sp()));
}

TEST(Anchor, options_belong_to_their_anchor_alone) {
  const Pki strict(root_spec(), ca_spec().with("nameConstraints", ""));
  Spec other = root_spec();
  other.cn = "other root";
  const Pki lenient(other, ca_spec().with("nameConstraints", ""));
  const auto store =
      TrustStore::make(
          {{strict.root.certificate(), {}},
           {lenient.root.certificate(), {.annex_b_certificates = false, .require_name_constraints = false}}},
          {})
          .value();
  expect_ok(store->verify({forge(cse_spec(), &lenient.ca).certificate(), lenient.ca.certificate()}, kNow,
                          home_sp()));
  expect_refused(
      store->verify({forge(cse_spec(), &strict.ca).certificate(), strict.ca.certificate()}, kNow, home_sp()),
      ErrorCode::authentication, "8.1.2.2");
}

TEST(TrustStore, generation_changes_with_every_make) {
  const auto first = TrustStore::make({}, {}).value();
  const auto second = TrustStore::make({}, {}).value();
  EXPECT_NE(first->generation(), second->generation());
}

struct CrlCase {
  const char* name;
  CrlSpec crl;
  const char* want;  ///< empty: accepted
};
class Crl : public ::testing::TestWithParam<CrlCase> {};

TEST_P(Crl, tells_the_status_of_a_leaf) {
  cover({"8.1.2.2-03", "8.1.2.5-03"});
  Pki pki;
  pki.crls = {forge_crl(GetParam().crl, pki.ca)};
  const auto verified = pki.verify(cse_spec());
  if (std::string(GetParam().want).empty()) {
    expect_ok(verified);
  } else {
    expect_refused(verified, ErrorCode::authentication, GetParam().want);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Clause_8_1_2_2, Crl,
    ::testing::Values(CrlCase{"empty", {}, ""}, CrlCase{"another_serial", {.revoked = {"20"}}, ""},
                      CrlCase{"revoked", {.revoked = {"1f"}}, "revoked"},
                      CrlCase{"last_second", {.until = std::chrono::seconds(0)}, ""},
                      CrlCase{"expired", {.until = -std::chrono::seconds(1)}, "has expired"},
                      CrlCase{"expired_but_lists_it",
                              {.revoked = {"1f"}, .until = -std::chrono::seconds(1)},
                              "has expired"},
                      CrlCase{"first_second", {.from = std::chrono::seconds(0)}, ""},
                      CrlCase{"from_the_future", {.from = std::chrono::seconds(1)}, "from the future"},
                      CrlCase{"without_next_update", {.next_update = false}, "no next update"},
                      CrlCase{"sha1", {.digest = EVP_sha1()}, "not signed by it"},
                      CrlCase{"partial", {.partial = true}, "not complete"}),
    CaseName());

TEST(CrlOf, other_issuer_says_nothing_of_this_one) {
  Pki pki;
  pki.crls = {forge_crl({.revoked = {"1f"}}, pki.root)};
  expect_ok(pki.verify(cse_spec()));
}

TEST(CrlOf, root_revokes_an_intermediate) {
  cover({"8.1.2.2-03"});
  Pki pki;
  pki.crls = {forge_crl({.revoked = {"02"}}, pki.root)};
  expect_refused(pki.verify(cse_spec()), ErrorCode::authentication, "'CN=intermediate' serial 02 is revoked");
}

TEST(CrlOf, same_name_but_another_key_is_refused) {
  Pki pki;
  const Pki twin;
  pki.crls = {forge_crl({}, twin.ca)};
  expect_refused(pki.verify(cse_spec()), ErrorCode::authentication, "not signed by it");
}

TEST(CrlOf, issuer_without_crl_sign_is_refused) {
  Pki pki(root_spec(), ca_spec().with("keyUsage", "critical,digitalSignature,keyCertSign"));
  pki.crls = {forge_crl({}, pki.ca)};
  expect_refused(pki.verify(cse_spec()), ErrorCode::authentication, "not signed by it");
}

TEST(CrlOf, issuer_counts_by_its_newest) {
  Pki pki;
  pki.crls = {forge_crl({.revoked = {"1f"}, .from = -std::chrono::minutes(5)}, pki.ca),
              forge_crl({.from = -std::chrono::minutes(9)}, pki.ca)};
  expect_refused(pki.verify(cse_spec()), ErrorCode::authentication, "revoked");
  std::swap(pki.crls[0], pki.crls[1]);
  expect_refused(pki.verify(cse_spec()), ErrorCode::authentication, "revoked");
}

TEST(CrlOf, absent_issuer_is_refused_only_where_a_crl_is_required) {
  cover({"8.1.2.2-03"});
  Pki pki;
  pki.options.require_crl = true;
  expect_refused(pki.verify(cse_spec()), ErrorCode::authentication, "no CRL");
  pki.crls = {forge_crl({}, pki.ca)};
  expect_refused(pki.verify(cse_spec()), ErrorCode::authentication, "'CN=intermediate': 8.1.2.2: no CRL");
  pki.crls.push_back(forge_crl({}, pki.root));
  expect_ok(pki.verify(cse_spec()));
}

TEST(CrlOf, octets_that_are_no_crl_are_an_invalid_argument) {
  const Pki pki;
  const auto der = forge_crl({}, pki.ca);
  auto trailing = der;
  trailing.push_back(0);
  for (const Bytes& bad : {Bytes{}, Bytes{'x'}, Bytes(der.begin(), der.end() - 1), trailing}) {
    expect_refused(TrustStore::make({{pki.root.certificate(), {}}}, {bad}), ErrorCode::invalid_argument,
                   "CRL 1");
  }
}

TEST(CrlOf, pem_is_read_as_der_is) {
  Pki pki;
  const auto der = forge_crl({.revoked = {"1f"}}, pki.ca);
  const unsigned char* cursor = der.data();
  const CrlPtr crl(d2i_X509_CRL(nullptr, &cursor, static_cast<long>(der.size())));
  const BioPtr out(BIO_new(BIO_s_mem()));
  ASSERT_EQ(PEM_write_bio_X509_CRL(out.get(), crl.get()), 1);
  const auto pem = written(out.get());
  pki.crls = {Bytes(pem.begin(), pem.end())};
  expect_refused(pki.verify(cse_spec()), ErrorCode::authentication, "revoked");
}

}  // namespace
}  // namespace latchkey::pki::test
