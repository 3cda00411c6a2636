/// Provisioned Symmetric Key association (TS-0003 8.2.2.1, 9.1; TR-0038 7.1.2), end to end.
#include <gmock/gmock.h>

#include <filesystem>

#include "support/world.h"

namespace latchkey::association {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kLockId = "AE123456789012-Lock@in.provider.com";
constexpr const char* kLockKey = "1a2b3c4d5e6f7a8b";
constexpr const char* kOtherKey = "12345678abcdefab";

class PskAssociation : public Association {
 protected:
  /// B without any certificate: nothing but the table is configured.
  EntityB& b() {
    if (!b_) b_ = std::make_unique<EntityB>(ground, EntityB::Options{.id = mn_cse()});
    return *b_;
  }
  std::shared_ptr<client::SaeCredential> lock_key() const { return kpsa(kLockId, kLockKey, mn_cse()); }

 private:
  std::unique_ptr<EntityB> b_;
};

TEST_F(PskAssociation, BothEndsTieTheSessionToTheConfiguredIdentities) {
  cover({"8.2.1-01", "8.2.1-02", "8.2.1-03", "8.2.1-T01", "8.2.1-T02", "8.2.1-T03", "8.2.1-T09", "8.2.2.1-01",
         "8.2.2.1-05", "8.2.2.1-07", "8.2.2.1-09", "8.2.2.1-T01", "9.1.2.1.1-T01"});
  ASSERT_TRUE(b().add_key(kLockId, EntityId(ae_id("/mn-cse-123456/Clock-AE1")), kLockKey));
  EntityA a(b(), lock_key(), "Clock-AE1");
  EXPECT_EQ(a.register_ae(), "registered as Clock-AE1");
  ASSERT_TRUE(b().latest());
  EXPECT_EQ(b().latest()->framework, tls::Framework::provisioned_symmetric_key);
  EXPECT_EQ(b().latest()->identity, EntityId(ae_id("/mn-cse-123456/Clock-AE1")));
  EXPECT_EQ(b().latest()->psk_identity, kLockId);
  EXPECT_EQ(b().latest()->cipher_suite_id, tls::kPskAes128CbcSha256);
  ASSERT_TRUE(a.ae.context());
  EXPECT_EQ(a.ae.context()->identity, EntityId(mn_cse()));
  const auto accepted = ground.tape.events("B", AuditEventId::handshake_accepted);
  ASSERT_EQ(accepted.size(), 1U);
  EXPECT_EQ(accepted.front().operation, "accept") << "Entity B is the TLS server";
  EXPECT_EQ(ground.tape.events("A", AuditEventId::handshake_accepted).at(0).operation, "connect");
}

TEST_F(PskAssociation, MessagesOfTheSessionBelongToThatIdentityAlone) {
  cover({"8.2.2.1-03", "8.2.2.1-08"});
  ASSERT_TRUE(b().add_key(kLockId, EntityId(ae_id("/mn-cse-123456/Clock-AE1")), kLockKey));
  EntityA a(b(), lock_key(), "Clock-AE1");
  ASSERT_EQ(a.register_ae(), "registered as Clock-AE1");
  EXPECT_EQ(a.retrieve("Clock-AE1"), "2000") << "known";
  EXPECT_EQ(a.retrieve("Clock-AE2"), "4106") << "another originator";
  EntityA other(b(), lock_key(), "Clock-AE2");
  EXPECT_THAT(other.register_ae(), HasSubstr("4106")) << "nor may it register as another";
}

TEST_F(PskAssociation, ACseIsKnownByTheCseIdThatWasConfiguredWithItsKey) {
  cover({"8.2.2.1-01", "8.2.2.1-03", "8.2.1-T03", "9.1.1.1-T01"});
  EntityB in(ground, {.id = in_cse()});
  ASSERT_TRUE(in.add_key("mn@in.provider.com", EntityId(mn_cse()), kLockKey));
  EntityA a(in, kpsa("mn@in.provider.com", kLockKey));
  EXPECT_EQ(a.register_cse(cse_id("/mn-cse-9")), "4106") << "not the CSE-ID of the key";
  EXPECT_EQ(a.register_cse(mn_cse()), "2001");
  EXPECT_EQ(in.latest()->identity, EntityId(mn_cse()));
}

TEST_F(PskAssociation, ServerThatDoesNotHoldTheKeyIsNotEntityB) {
  cover({"8.2.2.1-02", "8.2.2.1-04", "8.2.2.1-07"});
  // Another CSE at the address of B knows the identifier, but not the key.
  ASSERT_TRUE(b().add_key(kLockId, EntityId(ae_id("/mn-cse-123456/Clock-AE1")), kOtherKey));
  EntityA a(b(), lock_key(), "Clock-AE1");
  EXPECT_THAT(a.register_ae(), StartsWith("authentication: "));
  EXPECT_EQ(a.ae.context(), nullptr);
  EXPECT_EQ(b().requests(), 0U) << "nothing of A was said to it";
  EXPECT_TRUE(ground.tape.events("A", AuditEventId::handshake_accepted).empty());
}

TEST_F(PskAssociation, ClientWithAnotherKeyOrIdentifierIsNotEntityA) {
  cover({"8.2.2.1-04", "8.2.2.1-08", "8.2.2.1-T01"});
  ASSERT_TRUE(b().add_key(kLockId, EntityId(ae_id("/mn-cse-123456/Clock-AE1")), kLockKey));
  EntityA wrong_key(b(), kpsa(kLockId, kOtherKey, mn_cse()), "Clock-AE1");
  EXPECT_THAT(wrong_key.register_ae(), StartsWith("authentication: "));
  EXPECT_THAT(b().refusals(), Contains(HasSubstr("did not verify")));
  EntityA wrong_id(b(), kpsa("AE123456789012-lock@in.provider.com", kLockKey, mn_cse()), "Clock-AE1");
  EXPECT_THAT(wrong_id.register_ae(), StartsWith("authentication: "))
      << "a KpsaID keeps its letter case (10.5)";
  EXPECT_THAT(b().refusals(), Contains(HasSubstr("unknown psk_identity")));
  EXPECT_EQ(b().requests(), 0U);
}

TEST_F(PskAssociation, KpsaThatEndsEndsTheAssociation) {
  ASSERT_TRUE(b().add_key(kLockId, EntityId(ae_id("/mn-cse-123456/Clock-AE1")), kLockKey,
                          ground.clock.now() + std::chrono::hours(1)));
  EntityA a(b(), lock_key(), "Clock-AE1");
  ASSERT_EQ(a.register_ae(), "registered as Clock-AE1");
  ground.clock.advance(std::chrono::hours(2));
  EXPECT_THAT(a.retrieve(), StartsWith("4107")) << "in the session that stands";
  a.ae.disconnect();
  EXPECT_THAT(a.retrieve(), StartsWith("authentication: ")) << "and in a new one";
  EXPECT_THAT(b().refusals(), Contains(HasSubstr("has expired")));
}

TEST_F(PskAssociation, IdentityThatIsNotConfiguredComesFromTheAppRulesAtRegistration) {
  cover({"8.2.1-T05", "8.2.1-T10", "8.2.2.1-03", "8.2.2.1-10", "TR-7.1.2-08"});
  EntityB in(ground, {.id = in_cse()});
  ASSERT_TRUE(in.add_key(kLockId, std::nullopt, kLockKey));
  EntityA early(in, kpsa(kLockId, kLockKey), "Cone");
  EXPECT_THAT(early.register_ae(), StartsWith("authentication: ")) << "no rule is there yet";
  EXPECT_THAT(in.refusals(), Contains(HasSubstr("no serviceSubscribedAppRule applies")));

  in.add_rule(std::string("12-") + kLockId, {"Cone", "Ctwo"});
  EntityA third(in, kpsa(kLockId, kLockKey), "Cthree");
  EXPECT_THAT(third.register_ae(), HasSubstr("4106"));
  EntityA two(in, kpsa(kLockId, kLockKey), "Ctwo");
  EXPECT_EQ(two.register_ae(), "registered as Ctwo");
  ASSERT_TRUE(in.latest()->credential_id);
  EXPECT_EQ(in.latest()->credential_id->text(), std::string("12-") + kLockId);
  EXPECT_FALSE(in.latest()->identity);
  EntityA any(in, kpsa(kLockId, kLockKey));
  EXPECT_EQ(any.register_ae(), "registered as Cone") << "IdA is determined by the registration";

  EntityA stranger(in, kpsa("other@in.provider.com", kLockKey), "Cone");
  ASSERT_TRUE(in.add_key("other@in.provider.com", std::nullopt, kLockKey));
  EXPECT_THAT(stranger.register_ae(), StartsWith("authentication: ")) << "the rule is for another credential";
}

TEST_F(PskAssociation, AeIdThatBAssignedStaysWithItsCredential) {
  cover({"8.2.1-T06"});
  EntityB in(ground, {.id = in_cse()});
  ASSERT_TRUE(in.add_key(kLockId, EntityId(ae_id("/in-cse/Cassigned")), kLockKey));
  EntityA a(in, kpsa(kLockId, kLockKey));
  EXPECT_EQ(a.register_ae(), "registered as Cassigned")
      << "A leaves its AE-ID to B, B knows it by the Credential-ID";
  a.ae.disconnect();
  EXPECT_EQ(a.retrieve(), "2000");
  EXPECT_EQ(in.latest()->identity, EntityId(ae_id("/in-cse/Cassigned"))) << "in later associations too";
}

TEST_F(PskAssociation, NeedsNoCertificateAndNoMaf) {
  cover({"9.1.2.1.2-T01", "TR-5-06"});
  // b() has neither own certificate nor trust anchor nor MAF.
  ASSERT_TRUE(b().add_key(kLockId, EntityId(ae_id("/mn-cse-123456/Clock-AE1")), kLockKey));
  EntityA a(b(), lock_key(), "Clock-AE1");
  EXPECT_EQ(a.register_ae(), "registered as Clock-AE1");

  // With certificates B needs the anchors of Entity A.
  const auto endpoint = tls::ServerEndpoint::make({}, Hierarchy::instance().cse(mn_cse()), nullptr, home(),
                                                  nullptr, &b().keys, b().audit, ground.clock);
  ASSERT_FALSE(endpoint);
  EXPECT_THAT(endpoint.error().detail, HasSubstr("no trust store"));
  EntityB with(
      ground,
      {.name = "with", .own = Hierarchy::instance().cse(in_cse()), .trust = Hierarchy::instance().trust()});
  EntityA mn(with, certificate(Hierarchy::instance().cse(mn_cse())));
  EXPECT_EQ(mn.register_cse(mn_cse()), "2001") << "nor do certificates need a MAF";

  // Keys of a MAF are of no use to a CSE that has none.
  EntityA phone(b(),
                kpsa("FF15D84E3E38D6974B0EB3E5606C85FE@myMAF.provider.org", std::string(64, 'a'), mn_cse()),
                "Cphone");
  EXPECT_THAT(phone.register_ae(), StartsWith("authentication: "));
  EXPECT_THAT(b().refusals(), Contains(HasSubstr("no configured MAF")));
}

TEST_F(PskAssociation, SuitesOfBothEndsMustHaveOneInCommon) {
  cover({"TR-7.1.2-01", "TR-7.1.2-05", "TR-7.1.2-07", "8.2.2.1-06"});
  const auto offered = lock_key()->options();
  ASSERT_TRUE(offered);
  EXPECT_THAT(offered->suites.suites, testing::ElementsAre(tls::kPskAes128CbcSha256))
      << "AE: TLS_PSK_WITH_AES_128_CBC_SHA256, and nothing that it has no credential for";
  auto options = with_certificates(mn_cse());
  options.suites.suites = {tls::kEcdheEcdsaAes128CbcSha256};
  EntityB certificates_only(ground, options);
  ASSERT_TRUE(certificates_only.add_key(kLockId, EntityId(ae_id("/mn-cse-123456/Clock-AE1")), kLockKey));
  EntityA refused(certificates_only, lock_key(), "Clock-AE1");
  EXPECT_THAT(refused.register_ae(), StartsWith("authentication: "));
  EXPECT_THAT(certificates_only.refusals(), Contains(HasSubstr("no common cipher suite")));

  EntityB psk_only(ground, {.name = "psk only", .id = mn_cse(), .suites = {{tls::kPskAes128CbcSha256}}});
  ASSERT_TRUE(psk_only.add_key(kLockId, EntityId(ae_id("/mn-cse-123456/Clock-AE1")), kLockKey));
  EntityA served(psk_only, lock_key(), "Clock-AE1");
  EXPECT_EQ(served.register_ae(), "registered as Clock-AE1");
}

TEST_F(PskAssociation, ConfigurationOfBIsTakenFromItsOwnerOnly) {
  cover({"9.1.2.1.2-01"});
  namespace fs = std::filesystem;
  // The table of keys and identities: a file that others may write is not believed.
  ASSERT_TRUE(b().add_key(kLockId, EntityId(ae_id("/mn-cse-123456/Clock-AE1")), kLockKey));
  fs::permissions(b().station.table_file(), fs::perms::group_write, fs::perm_options::add);
  const auto table = secure_env::PskTable::load(b().station.table_file(), home());
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, ErrorCode::denied);

  // App rules come in requests: of the administrator in its own association, and of nobody else.
  EntityB in(ground, {.name = "in", .id = in_cse()});
  in.add_rule("12-*", {"Cone"});
  ASSERT_TRUE(in.add_key(kLockId, EntityId(ae_id("/in-cse/Cone")), kLockKey));
  EntityA a(in, kpsa(kLockId, kLockKey), "Cone");
  ASSERT_EQ(a.register_ae(), "registered as Cone");
  const auto asked = a.ae.create("-", static_cast<std::uint32_t>(Ty::asar), "m2m:asar",
                                 {{"apci", codec::json::array{"12-*"}},
                                  {"aai", codec::json::array{"N*"}},
                                  {"aae", codec::json::array{"C*"}}});
  ASSERT_TRUE(asked) << asked.error().detail;
  EXPECT_EQ(asked->rsc, Rsc::originator_has_no_privilege);
}

}  // namespace
}  // namespace latchkey::association
