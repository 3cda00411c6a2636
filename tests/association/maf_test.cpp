/// MAF-based association (TS-0003 8.2.2.3, 8.8, 9.1; TR-0038 7.1.4): Entity A gets Kc from a MAF, B fetches
/// it.
#include <gmock/gmock.h>

#include "support/world.h"

namespace latchkey::association {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kPhone = "0.2.481.1.100.3030.10011";
constexpr const char* kAdmin = "mytrustenabler.org";
constexpr const char* kKmId = "0011223344556677@in.provider.com";
constexpr const char* kKm = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

Hierarchy& pki() { return Hierarchy::instance(); }
EntityId phone_id() { return EntityId(*M2mDeviceId::parse(kPhone)); }
EntityId phone_ae() { return EntityId(ae_id("/in-cse/Cphone")); }

class MafAssociation : public Association {
 protected:
  /// B's way to the MAF: its own certificate. The MAF serves `clients`, and B.
  void start(std::vector<maf::MafClientPolicy> clients, EntityB::Options options = with_certificates(),
             OwnPtr maf_certificate = pki().fqdn(maf_fqdn()), bool suid_11_at_maf = false) {
    clients.push_back({.client = EntityId(options.id)});
    maf_node =
        std::make_unique<MafNode>(ground, std::move(clients), std::move(maf_certificate), suid_11_at_maf);
    b = std::make_unique<EntityB>(ground, options);
    b->trust_maf(maf_fqdn(),
                 maf_client(ground, *maf_node, options.id, by_certificate(pki().cse(options.id)), b->audit));
  }
  /// The phone that the MAF knows by its device certificate, and of which it knows the AE-ID.
  static maf::MafClientPolicy phone(std::optional<EntityId> entity = phone_ae()) {
    return {.client = phone_id(), .entity = std::move(entity)};
  }
  client::MafCredentialOptions source(MafCredential credential, EntityId self = phone_id(), int suid = 32,
                                      std::optional<EntityId> target = {}) {
    client::MafCredentialOptions options{
        .maf = maf_client(ground, *maf_node, std::move(self), std::move(credential), a_audit),
        .admin_fqdn = kAdmin,
        .server = target ? *target : EntityId(b->options.id),
        .suid = *Suid::from(suid),
        .registration = {},
        .home = home()};
    options.on_key = [this](const client::RegisteredKey& key) { keys.push_back(key.id); };
    return options;
  }
  std::shared_ptr<client::SaeCredential> kc(client::MafCredentialOptions options) {
    return client::maf_key(std::move(options), ground.clock);
  }
  /// A key at the MAF as another program may register it, used as PSK towards B.
  std::shared_ptr<client::SaeCredential> registered(int suid, const EntityId& target) {
    auto client = maf_client(ground, *maf_node, phone_id(), by_certificate(pki().device(kPhone)), a_audit);
    std::optional<Result<client::MafRegistration>> registration;
    client->register_client(
        kAdmin, ground.clock.now() + std::chrono::hours(24), {},
        [&](Result<client::MafRegistration> result) { registration.emplace(std::move(result)); });
    ground.reactor.run_until([&] { return registration.has_value(); }, std::chrono::seconds(60));
    if (!registration || !*registration) return nullptr;
    std::optional<Result<client::RegisteredKey>> key;
    client->register_key({.registration_id = (*registration)->id,
                          .admin_fqdn = kAdmin,
                          .expires = ground.clock.now() + std::chrono::hours(1),
                          .suid = *Suid::from(suid),
                          .targets = {target},
                          .labels = {},
                          .value = {}},
                         [&](Result<client::RegisteredKey> result) { key.emplace(std::move(result)); });
    ground.reactor.run_until([&] { return key.has_value(); }, std::chrono::seconds(60));
    if (!key || !*key) {
      ADD_FAILURE() << (key ? key->error().detail : "no answer");
      return nullptr;
    }
    keys.push_back((*key)->id);
    return kpsa((*key)->id.text(), to_hex((*key)->key.bytes().reveal()));
  }

  Tape::Sink a_audit{ground.tape, "A"};
  std::unique_ptr<MafNode> maf_node;
  std::unique_ptr<EntityB> b;
  std::vector<KeyId> keys;  ///< what A registered
};

TEST_F(MafAssociation, BFetchesKcAndTheIdentityOfAFromTheMaf) {
  cover({"8.2.1-T07",  "8.2.1-T02",   "8.2.2.3-01", "8.2.2.3-03", "8.2.2.3-04",  "8.2.2.3-05",
         "8.2.2.3-06", "8.2.2.3-08",  "8.2.2.3-09", "8.2.2.3-10", "8.2.2.3-11",  "8.2.2.3-12",
         "8.2.2.3-13", "8.2.2.3-14",  "8.2.2.3-15", "8.2.2.3-16", "8.2.2.3-T01", "9.1.1.1-01",
         "9.1.1.2-01", "9.1.2.2-T01", "8.8.1-06",   "8.8.1-07",   "8.8.1-T01"});
  start({phone()});
  EntityA a(*b, kc(source(by_certificate(pki().device(kPhone)))), "Cphone");
  EXPECT_EQ(a.register_ae(), "registered as Cphone");
  ASSERT_EQ(keys.size(), 1U);
  ASSERT_TRUE(b->latest());
  EXPECT_EQ(b->latest()->framework, tls::Framework::maf);
  EXPECT_EQ(b->latest()->identity, phone_ae());
  EXPECT_EQ(b->latest()->psk_identity, keys.front().text()) << "RelativeKeyID@MAF-FQDN";
  EXPECT_EQ(keys.front().issuer(), maf_fqdn());
  EXPECT_TRUE(keys.front().relative_key_id());
  EXPECT_EQ(b->latest()->cipher_suite_id, tls::kPskAes128CbcSha256);
  ASSERT_TRUE(b->latest()->valid_until) << "Kc Lifetime";
  EXPECT_LE(*b->latest()->valid_until, ground.clock.now() + std::chrono::hours(24 * 7));
  ASSERT_TRUE(a.ae.context());
  EXPECT_EQ(a.ae.context()->identity, EntityId(in_cse()));
}

TEST_F(MafAssociation, KcIdGoesToBFirstThenBAsksThenBothAuthenticate) {
  cover({"8.2.1-T11", "8.2.2.3-05", "8.2.2.3-11"});
  start({phone()});
  EntityA a(*b, kc(source(by_certificate(pki().device(kPhone)))), "Cphone");
  ASSERT_EQ(a.register_ae(), "registered as Cphone");
  EXPECT_THAT(ground.tape.order({AuditEventId::handshake_accepted, AuditEventId::key_registered,
                                 AuditEventId::key_fetch_started, AuditEventId::key_retrieved,
                                 AuditEventId::key_fetch_ok}),
              ElementsAre("MAF: handshake_accepted", "A: handshake_accepted", "MAF: key_registered",
                          "B: key_fetch_started",  // KcID has come, the handshake waits
                          "MAF: handshake_accepted", "B: handshake_accepted", "MAF: key_retrieved",
                          "B: key_fetch_ok",  //
                          "B: handshake_accepted", "A: handshake_accepted"));
}

TEST_F(MafAssociation, AIsKnownByKmWhereNoIdentityIsConfigured) {
  cover({"8.2.1-T05", "8.2.1-T10", "8.2.2.3-01", "8.2.2.3-17", "9.1.1.2-02", "9.1.1.2-T01"});
  start({phone(std::nullopt)});
  auto credential = [&] { return kc(source(by_km(kKmId, kKm))); };
  EntityA too_early(*b, credential(), "Cphone");
  EXPECT_THAT(too_early.register_ae(), StartsWith("authentication: ")) << "the MAF has no Km of this client";
  ASSERT_TRUE(maf_node->add_km(kKmId, phone_id(), kKm));
  EntityA unknown(*b, credential(), "Cphone");
  EXPECT_THAT(unknown.register_ae(), StartsWith("authentication: ")) << "no rule for this Km";
  EXPECT_THAT(b->refusals(), Contains(HasSubstr("no serviceSubscribedAppRule applies")));

  b->add_rule(std::string("11-") + kKmId, {"Cphone"});
  EntityA a(*b, credential(), "Cphone");
  EXPECT_EQ(a.register_ae(), "registered as Cphone");
  ASSERT_TRUE(b->latest()->credential_id);
  EXPECT_EQ(b->latest()->credential_id->text(), std::string("11-") + kKmId);
  EXPECT_FALSE(b->latest()->identity);
  EXPECT_EQ(b->latest()->framework, tls::Framework::maf);
}

TEST_F(MafAssociation, MafWithAnotherKmIsNotTheMafOfA) {
  cover({"9.1.1.2-T01", "8.8.2.2-04"});
  start({phone()});
  ASSERT_TRUE(maf_node->add_km(kKmId, phone_id(), std::string(64, 'a')));
  EntityA a(*b, kc(source(by_km(kKmId, kKm))), "Cphone");
  EXPECT_THAT(a.register_ae(), StartsWith("authentication: "));
  EXPECT_TRUE(keys.empty());
}

TEST_F(MafAssociation, MafWithoutTheConfiguredCertificateIsNotTrusted) {
  cover({"8.2.2.3-05", "8.8.2.2-06", "9.1.1.1-01"});
  start({phone()}, with_certificates(), pki().cse(in_cse()));
  EntityA a(*b, kc(source(by_certificate(pki().device(kPhone)))), "Cphone");
  EXPECT_THAT(a.register_ae(), HasSubstr("does not name mymaf.provider.org"));
  EntityA b_asks(*b, kpsa("FF15D84E3E38D6974B0EB3E5606C85FE@myMAF.provider.org", kKm), "Cphone");
  EXPECT_THAT(b_asks.register_ae(), StartsWith("authentication: ")) << "B does not take a key from it either";
  EXPECT_THAT(b->refusals(), Contains(HasSubstr("does not name mymaf.provider.org")));
  EntityA wrong_anchor(*b, kc(source(by_certificate(pki().device(kPhone), pki().stranger_trust()))),
                       "Cphone");
  EXPECT_THAT(wrong_anchor.register_ae(), StartsWith("authentication: "));
  EXPECT_TRUE(ground.tape.events("MAF", AuditEventId::key_registered).empty());
}

TEST_F(MafAssociation, ClientThatTheMafDoesNotServeGetsNoKey) {
  cover({"8.2.2.3-01", "8.8.2.2-07"});
  start({phone()});
  const std::string stranger = "0.2.481.1.100.3030.10012";
  EntityA a(*b, kc(source(by_certificate(pki().device(stranger)), EntityId(*M2mDeviceId::parse(stranger)))),
            "Cphone");
  EXPECT_THAT(a.register_ae(), HasSubstr("not served here"));
  EntityA impostor(*b, kc(source(by_certificate(pki().device(stranger)))), "Cphone");
  EXPECT_THAT(impostor.register_ae(), HasSubstr("From is not the identity")) << "claims to be the phone";
  EXPECT_TRUE(ground.tape.events("MAF", AuditEventId::key_registered).empty());
}

TEST_F(MafAssociation, CseThatTheMafDoesNotServeGetsNoKey) {
  cover({"9.1.1.2-01", "9.1.2.2-T01", "8.2.2.3-03"});
  start({phone()});
  MafNode without_b(ground, {phone()});
  b->trust_maf(maf_fqdn(),
               maf_client(ground, without_b, in_cse(), by_certificate(pki().cse(in_cse())), b->audit));
  EntityA a(*b, kc(source(by_certificate(pki().device(kPhone)))), "Cphone");
  EXPECT_THAT(a.register_ae(), StartsWith("authentication: "));
  EXPECT_THAT(b->refusals(), Contains(HasSubstr("not served here")));
}

TEST_F(MafAssociation, MafReleasesKcToItsTargetOnly) {
  cover({"8.2.2.3-T01", "8.2.2.3-06"});
  start({phone()});
  const auto credential = registered(32, EntityId(mn_cse()));  // IdB was another CSE
  ASSERT_TRUE(credential);
  EntityA a(*b, credential, "Cphone");
  EXPECT_THAT(a.register_ae(), StartsWith("authentication: "));
  EXPECT_THAT(b->refusals(), Contains(HasSubstr("not among the targets")));
  EXPECT_TRUE(ground.tape.events("MAF", AuditEventId::key_retrieved).empty());
}

TEST_F(MafAssociation, KeyForAnotherUseMakesNoAssociation) {
  cover({"8.2.2.3-07", "8.2.2.3-12", "8.8.2.8-01"});
  start({phone()});
  const auto esprim = registered(33, EntityId(in_cse()));
  ASSERT_TRUE(esprim);
  EntityA a(*b, esprim, "Cphone");
  EXPECT_THAT(a.register_ae(), StartsWith("authentication: "));
  EXPECT_THAT(b->refusals(), Contains(HasSubstr("another use (SUID 33)")));
  EXPECT_EQ(b->requests(), 0U);
  // Nor does A itself use such a key for an association.
  EntityA own(*b, kc(source(by_certificate(pki().device(kPhone)), phone_id(), 33)), "Cphone");
  EXPECT_THAT(own.register_ae(), HasSubstr("SUID 33 is not that of a MAF-based association"));
  EXPECT_EQ(keys.size(), 1U);
}

TEST_F(MafAssociation, SuidOfTr0038PassesWhereBothEndsAllowIt) {
  auto options = with_certificates();
  options.accept_suid_11_as_32 = true;
  start({phone()}, options, pki().fqdn(maf_fqdn()), true);
  EntityA a(*b, kc(source(by_certificate(pki().device(kPhone)), phone_id(), 11)), "Cphone");
  EXPECT_EQ(a.register_ae(), "registered as Cphone");
}

TEST_F(MafAssociation, SuidOfTr0038IsRefusedByACseWithoutTheSwitch) {
  start({phone()}, with_certificates(), pki().fqdn(maf_fqdn()), true);
  EntityA a(*b, kc(source(by_certificate(pki().device(kPhone)), phone_id(), 11)), "Cphone");
  EXPECT_THAT(a.register_ae(), StartsWith("authentication: "));
  EXPECT_THAT(b->refusals(), Contains(HasSubstr("another use (SUID 11)")));
}

TEST_F(MafAssociation, KcServesUntilItsEndAndThenNoMore) {
  cover({"8.2.2.3-18"});
  start({phone()});
  auto options = source(by_certificate(pki().device(kPhone)));
  options.key_lifetime = std::chrono::hours(2);
  options.margin = std::chrono::seconds(0);
  EntityA a(*b, kc(std::move(options)), "Cphone");
  ASSERT_EQ(a.register_ae(), "registered as Cphone");
  ground.clock.advance(std::chrono::hours(1));
  a.ae.disconnect();
  EXPECT_EQ(a.retrieve(), "2000") << "a fresh handshake with the same Kc";
  EXPECT_EQ(keys.size(), 1U);
  EXPECT_EQ(ground.tape.events("B", AuditEventId::key_fetch_started).size(), 1U) << "which B still holds";
  ground.clock.advance(std::chrono::hours(1));
  a.ae.disconnect();
  EXPECT_EQ(a.retrieve(), "2000");
  EXPECT_EQ(keys.size(), 2U) << "another MAF Handshake brought another Kc";
  EXPECT_NE(keys.at(0), keys.at(1));
}

TEST_F(MafAssociation, HandshakeWithAnEndedKcFails) {
  cover({"8.2.2.3-18"});
  start({phone()});
  const auto credential = registered(32, EntityId(in_cse()));
  ASSERT_TRUE(credential);
  EntityA a(*b, credential, "Cphone");
  ASSERT_EQ(a.register_ae(), "registered as Cphone");
  ground.clock.advance(std::chrono::hours(1));
  EXPECT_THAT(a.retrieve(), StartsWith("4107")) << "in the session that stands";
  a.ae.disconnect();
  EXPECT_THAT(a.retrieve(), StartsWith("authentication: "));
}

TEST_F(MafAssociation, ACseIsKnownByTheCseIdThatTheMafAuthenticated) {
  cover({"8.2.2.3-15", "8.2.2.3-16", "8.2.1-T03"});
  start({{.client = EntityId(mn_cse())}});
  EntityA mn(*b, kc(source(by_certificate(pki().cse(mn_cse())), EntityId(mn_cse()))));
  EXPECT_EQ(mn.register_cse(mn_cse()), "2001");
  EXPECT_EQ(b->latest()->identity, EntityId(mn_cse()));
}

TEST_F(MafAssociation, MafTakesTheClientFlavoursOf8831) {
  cover({"8.8.3.1-05"});
  const auto ae = ae_id("/in-cse/Capp");
  start({phone(), {.client = EntityId(mn_cse())}, {.client = EntityId(ae)}});
  struct Case {
    OwnPtr own;
    EntityId id;
  };
  const auto handshake = [&](const Case& one) {
    auto client = maf_client(ground, *maf_node, one.id, by_certificate(one.own), a_audit);
    std::optional<Result<void>> done;
    client->handshake([&](Result<void> result) { done.emplace(std::move(result)); });
    ground.reactor.run_until([&] { return done.has_value(); }, std::chrono::seconds(60));
    return done && *done;
  };
  EXPECT_TRUE(handshake({pki().device(kPhone), phone_id()}));
  EXPECT_TRUE(handshake({pki().cse(mn_cse()), EntityId(mn_cse())}));
  EXPECT_TRUE(handshake({pki().ae(ae), EntityId(ae)}));
  const auto refused = maf_node->refusals().size();
  EXPECT_EQ(refused, 0U);
}

}  // namespace
}  // namespace latchkey::association
