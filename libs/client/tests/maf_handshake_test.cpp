/// 8.8.2.2 and 8.8.3.1: both ends of the MAF handshake, with Km and with certificates, over TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cover.h"
#include "support/maf_world.h"

namespace latchkey::client::test {
namespace {

using latchkey::test::cover;
using testing::ElementsAre;

TEST(MafHandshake, psk_identity_is_km_id_and_psk_is_km) {
  cover({"8.8.2.2-01", "8.8.2.2-02", "8.8.2.2-03", "8.8.2.2-04", "8.8.1-01", "8.8.3.1-01", "8.8.3.1-02",
         "8.8.3.1-03"});
  MafWorld world;
  const auto client = world.by_km();
  ASSERT_TRUE(world.register_client(*client)) << "the keys agree";
  EXPECT_THAT(world.psk->presented, ElementsAre(kLockKmId));
  const auto& security = *world.observer.last().security;
  EXPECT_EQ(security.framework, tls::Framework::provisioned_symmetric_key);
  EXPECT_EQ(security.cipher_suite_id, tls::kPskAes128CbcSha256);
  EXPECT_EQ(security.identity, id(kLock)) << "the MAF knows whose Km it is";
  EXPECT_EQ(security.psk_identity, kLockKmId);
  ASSERT_TRUE(client->context());
  EXPECT_EQ(client->context()->identity, EntityId(maf_fqdn()));
}

TEST(MafHandshake, another_km_under_the_same_km_id_fails) {
  cover({"8.8.2.2-04", "8.8.3.1-03"});
  MafWorld world;
  std::string other = kLockKm;
  other.back() = '0';
  const auto client = world.by_km(kLock, kLockKmId, other.c_str());
  EXPECT_TRUE(fails_with(world.handshake(*client), ErrorCode::authentication, ""));
  EXPECT_TRUE(world.observer.requests.empty());
}

TEST(MafHandshake, unknown_km_id_fails) {
  cover({"8.8.2.2-03"});
  MafWorld world;
  const auto client = world.by_km(kLock, "nobody@myMAF.provider.org");
  EXPECT_TRUE(fails_with(world.handshake(*client), ErrorCode::authentication, ""));
  EXPECT_THAT(world.psk->presented, ElementsAre("nobody@myMAF.provider.org"));
}

TEST(MafHandshake, a_km_for_another_use_is_not_released) {
  cover({"8.8.3.1-03"});
  MafWorld world;
  world.add_km(kMnCse, "saef@myMAF.provider.org", kLockKm, 12);
  const auto client = world.by_km(kMnCse, "saef@myMAF.provider.org");
  EXPECT_TRUE(fails_with(world.handshake(*client), ErrorCode::authentication, ""));
}

/// 8.8.3.1: a device, an AE-ID or a CSE-ID certificate; the MAF is an FQDN certificate.
class EveryFlavour : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Clause_8_8_3_1, EveryFlavour, testing::Values(kPhone, kLock, kInCse, kMnCse));

TEST_P(EveryFlavour, certificates_authenticate_both_ends) {
  cover({"8.8.2.2-01", "8.8.2.2-05", "8.8.2.2-06", "8.8.2.2-07", "8.8.1-01", "8.8.3.1-01", "8.8.3.1-02",
         "8.8.3.1-05"});
  MafWorld world;
  const auto client = world.by_certificate(GetParam());
  const auto registration = world.register_client(*client);
  ASSERT_TRUE(registration) << registration.error().detail;
  const auto& security = *world.observer.last().security;
  EXPECT_EQ(security.framework, tls::Framework::certificate);
  EXPECT_EQ(security.cipher_suite_id, tls::kEcdheEcdsaAes128CbcSha256);
  EXPECT_EQ(security.identity, id(GetParam()));
  ASSERT_TRUE(client->context());
  EXPECT_EQ(client->context()->identity, EntityId(maf_fqdn()));
  EXPECT_TRUE(world.psk->presented.empty());
}

TEST(MafHandshake, the_maf_refuses_a_client_certificate_of_a_stranger) {
  cover({"8.8.2.2-07", "8.8.3.1-05"});
  MafWorld world;
  const auto client = world.by_certificate(kLock, {.own = TestPki::instance().issue(id(kLock), true)});
  EXPECT_FALSE(world.register_client(*client));
  EXPECT_TRUE(world.observer.requests.empty());
}

TEST(MafHandshake, the_maf_refuses_a_function_as_client) {
  cover({"8.8.3.1-05"});
  MafWorld world;
  const auto client =
      world.by_certificate(kLock, {.own = TestPki::instance().issue(*Fqdn::parse("other.provider.org"))});
  EXPECT_FALSE(world.register_client(*client));
  EXPECT_TRUE(world.observer.requests.empty());
}

/// What a path that verifies may not be used for, whatever the TLS layer lets through.
TEST(MafHandshake, the_maf_maps_device_ae_id_and_cse_id_certificates_only) {
  cover({"8.8.3.1-05", "8.8.2.2-07"});
  tls::EntityCertificates mapper(maf::kAdmission, home(), in_cse());
  const auto leaf = TestPki::instance().issue(id(kLock))->chain.front();
  const auto map = [&](pki::CertifiedIdentity identity) {
    return mapper.map({.leaf = leaf, .identity = std::move(identity), .valid_until = {}, .warnings = {}});
  };
  using pki::Flavour;
  for (const auto flavour : {Flavour::fqdn, Flavour::node_id, Flavour::raw, Flavour::ca, Flavour::unknown})
    EXPECT_TRUE(fails_with(map({.flavour = flavour, .dns_names = {kMafName}}), ErrorCode::denied, "only"))
        << pki::to_string(flavour);
  for (const auto flavour : {Flavour::device, Flavour::ae_id, Flavour::cse_id})
    EXPECT_TRUE(fails_with(map({.flavour = flavour}), ErrorCode::authentication, "names no"))
        << pki::to_string(flavour);
  EXPECT_TRUE(map({.flavour = Flavour::ae_id, .ae_id = std::get<AeId>(id(kLock))}));
}

TEST(MafHandshake, the_client_refuses_a_maf_below_another_anchor) {
  cover({"8.8.2.2-06"});
  MafWorld world(TestPki::instance().issue(maf_fqdn(), true));
  const auto client = world.by_certificate(kLock);
  EXPECT_TRUE(fails_with(world.handshake(*client), ErrorCode::authentication, ""));
  EXPECT_TRUE(world.observer.requests.empty());
}

TEST(MafHandshake, the_client_refuses_a_maf_of_another_name) {
  cover({"8.8.2.2-06"});
  MafWorld world(TestPki::instance().issue(*Fqdn::parse("yourMAF.provider.org")));
  const auto client = world.by_certificate(kLock);
  EXPECT_TRUE(fails_with(world.handshake(*client), ErrorCode::authentication, ""));
  EXPECT_TRUE(world.observer.requests.empty());
}

TEST(MafHandshake, the_client_refuses_a_cse_in_place_of_the_maf) {
  cover({"8.8.2.2-06"});
  MafWorld world(TestPki::instance().issue(in_cse()));
  const auto client = world.by_certificate(kLock);
  EXPECT_TRUE(fails_with(world.handshake(*client), ErrorCode::authentication, ""));
}

TEST(MafHandshake, letter_case_of_the_maf_name_does_not_matter) {
  MafWorld world;
  const auto client = world.by_certificate(kLock, {.maf = *Fqdn::parse("MYmaf.Provider.ORG")});
  EXPECT_TRUE(world.handshake(*client));
}

TEST(MafHandshake, a_lost_session_is_made_anew) {
  MafWorld world;
  const auto client = world.by_km();
  ASSERT_TRUE(world.register_client(*client));
  client->disconnect();
  EXPECT_FALSE(client->context());
  ASSERT_TRUE(world.register_client(*client, "other.org"));
  EXPECT_THAT(world.psk->presented, ElementsAre(kLockKmId, kLockKmId));
}

/// 8.8.2.3, 8.8.2.5: `aski` in the answer, as a MAF gives it for a remotely provisioned Km.
std::function<void(codec::ResponsePrimitive&)> assigning(const char* km_id) {
  return [km_id](codec::ResponsePrimitive& response) {
    response.pc.as_object().begin()->value().as_object()["aski"] = km_id;
  };
}

TEST(MafHandshake, km_id_assigned_at_registration_is_used_hereafter) {
  cover({"8.8.2.3-09", "8.8.1-03"});
  MafWorld world;
  world.add_km(kLock, "assigned@myMAF.provider.org", kLockKm, 21);
  world.observer.change = assigning("assigned@myMAF.provider.org");
  const auto client = world.by_km();
  const auto registration = world.register_client(*client);
  ASSERT_TRUE(registration) << registration.error().detail;
  EXPECT_EQ(registration->assigned_key_id, *KeyId::parse("assigned@myMAF.provider.org"));
  client->disconnect();
  ASSERT_TRUE(world.handshake(*client));
  EXPECT_THAT(world.psk->presented, ElementsAre(kLockKmId, "assigned@myMAF.provider.org"));
}

TEST(MafHandshake, km_id_assigned_at_an_update_is_used_hereafter) {
  cover({"8.8.2.5-09"});
  MafWorld world;
  world.add_km(kLock, "renewed@myMAF.provider.org", kLockKm, 21);
  const auto client = world.by_km();
  const auto registration = world.register_client(*client);
  ASSERT_TRUE(registration);
  world.observer.change = assigning("renewed@myMAF.provider.org");
  const auto change = world.ask<MafRegistrationChange>([&](auto done) {
    client->update_registration(registration->id, {}, std::vector<std::string>{"a"}, std::move(done));
  });
  ASSERT_TRUE(change) << change.error().detail;
  EXPECT_EQ(change->assigned_key_id, *KeyId::parse("renewed@myMAF.provider.org"));
  client->disconnect();
  ASSERT_TRUE(world.handshake(*client));
  EXPECT_EQ(world.psk->presented.back(), "renewed@myMAF.provider.org");
}

TEST(MafHandshake, a_km_id_that_is_none_is_refused) {
  MafWorld world;
  world.observer.change = assigning("no key id");
  const auto client = world.by_km();
  EXPECT_TRUE(fails_with(world.register_client(*client), ErrorCode::invalid_argument, "aski"));
  client->disconnect();
  ASSERT_TRUE(world.handshake(*client));
  EXPECT_EQ(world.psk->presented.back(), kLockKmId);
}

}  // namespace
}  // namespace latchkey::client::test
