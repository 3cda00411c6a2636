/// Certificate-based association (TS-0003 8.1.2, 8.2.2.2, 9.1; TR-0038 7.1.3), end to end.
#include <gmock/gmock.h>

#include "support/world.h"

namespace latchkey::association {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kDevice = "0.2.481.1.100.3030.10011";

Hierarchy& pki() { return Hierarchy::instance(); }

class CertificateAssociation : public Association {
 protected:
  CertificateAssociation() : in(ground, with_certificates()) {}
  /// A server at B's place that shows another certificate.
  std::string reach(OwnPtr shown, const CseId& expected = in_cse(), TrustPtr trust = pki().trust()) {
    EntityB b(ground, {.name = "other", .own = std::move(shown), .trust = pki().trust()});
    EntityA a(b, certificate(pki().cse(mn_cse()), expected, std::move(trust)));
    auto outcome = a.register_cse(mn_cse());
    EXPECT_EQ(b.requests(), outcome == "2001" ? 1U : 0U) << "a server that is not B is told nothing";
    EXPECT_EQ(a.ae.context() != nullptr, outcome == "2001");
    return outcome;
  }
  EntityB in;
};

TEST_F(CertificateAssociation, CsesAreKnownByTheCseIdsOfTheirCertificates) {
  cover({"8.1.2.3-01", "8.1.2.3-02", "8.1.2.4-01", "8.1.2.4-02", "8.2.1-T03", "8.2.1-T04", "8.2.2.2-01",
         "8.2.2.2-02", "8.2.2.2-09", "8.2.2.2-11", "9.1.1.1-T01", "9.1.2.1.1-T01", "TR-7.1.3-05",
         "TR-7.1.3-07"});
  EntityA mn(in, certificate(pki().cse(mn_cse())));
  EXPECT_EQ(mn.register_cse(cse_id("/mn-cse-9")), "4106") << "not the CSE-ID that was certified";
  EXPECT_EQ(mn.register_cse(mn_cse()), "2001");
  EXPECT_EQ(in.latest()->framework, tls::Framework::certificate);
  EXPECT_EQ(in.latest()->identity, EntityId(mn_cse()));
  EXPECT_EQ(in.latest()->cipher_suite_id, tls::kEcdheEcdsaAes128CbcSha256);
  ASSERT_TRUE(mn.ae.context());
  EXPECT_EQ(mn.ae.context()->identity, EntityId(in_cse()));
}

TEST_F(CertificateAssociation, AnAeIsKnownByTheAbsoluteAeIdOfItsCertificate) {
  cover({"8.1.2.3-03", "8.2.1-T03", "8.2.1-T04", "8.2.2.2-12"});
  EntityA ae(in, certificate(pki().ae(ae_id("/in-cse/Cphone"))), "Cphone");
  EXPECT_EQ(ae.register_ae(), "registered as Cphone");
  EXPECT_EQ(in.latest()->identity, EntityId(ae_id("/in-cse/Cphone")));
  EntityA other(in, certificate(pki().ae(ae_id("/in-cse/Cphone"))), "Cother");
  EXPECT_THAT(other.register_ae(), HasSubstr("4106"));
  EntityA cse(in, certificate(pki().ae(ae_id("/in-cse/Cphone"))));
  EXPECT_NE(cse.register_cse(mn_cse()), "2001") << "an AE-ID certificate authenticates an AE only";
}

TEST_F(CertificateAssociation, ADeviceActsForTheAeIdsThatItsCredentialIdIsAllowed) {
  cover({"8.2.1-T03", "8.2.1-T05", "8.2.1-T10", "8.2.2.2-10", "8.2.2.2-13"});
  EntityA early(in, certificate(pki().device(kDevice)), "Cone");
  EXPECT_THAT(early.register_ae(), StartsWith("authentication: "));
  EXPECT_THAT(in.refusals(), Contains(HasSubstr("no serviceSubscribedAppRule applies")));

  in.add_rule(std::string("31-") + kDevice, {"Cone", "Ctwo"});
  EntityA one(in, certificate(pki().device(kDevice)), "Cone");
  EXPECT_EQ(one.register_ae(), "registered as Cone");
  EntityA two(in, certificate(pki().device(kDevice)), "Ctwo");
  EXPECT_EQ(two.register_ae(), "registered as Ctwo") << "one device, several AEs";
  ASSERT_TRUE(in.latest()->credential_id);
  EXPECT_EQ(in.latest()->credential_id->text(), std::string("31-") + kDevice);
  EXPECT_THAT(in.latest()->allowed_ae_ids,
              testing::ElementsAre(ae_id("/in-cse/Cone"), ae_id("/in-cse/Ctwo")));
  EXPECT_FALSE(in.latest()->identity) << "no particular AE";
  EntityA three(in, certificate(pki().device(kDevice)), "Cthree");
  EXPECT_THAT(three.register_ae(), HasSubstr("4106")) << "not on the list";
  EntityA stranger(in, certificate(pki().device("0.2.481.1.100.3030.10012")), "Cone");
  EXPECT_THAT(stranger.register_ae(), StartsWith("authentication: ")) << "the rule is for another device";
}

TEST_F(CertificateAssociation, NodesAndFunctionsAreNoEntityA) {
  // 8.1.2.4 names device, CSE-ID and AE-ID certificates for Entity A.
  EntityA node(in, certificate(pki().node("m2mnode://my.m2mprovider.org/node7")), "Cone");
  EXPECT_THAT(node.register_ae(), StartsWith("authentication: "));
  EXPECT_THAT(in.refusals(), Contains(HasSubstr("CSE-ID, AE-ID and device certificates only")));
  EntityA function(in, certificate(pki().fqdn(maf_fqdn())), "Cone");
  EXPECT_THAT(function.register_ae(), StartsWith("authentication: "));
  EXPECT_THAT(in.refusals(), Contains(HasSubstr("does not permit a TLS client")));
  EXPECT_EQ(in.requests(), 0U);
}

TEST_F(CertificateAssociation, AServerWithAnotherNameIsNotEntityB) {
  cover({"8.1.2.5-02", "8.2.2.2-03", "8.2.2.2-04"});
  EXPECT_EQ(reach(pki().cse(in_cse())), "2001");
  EXPECT_THAT(reach(pki().cse(cse_id("/in-cse2"))), HasSubstr("does not name //my.m2mprovider.org/in-cse"));
  EXPECT_THAT(reach(pki().cse(mn_cse())), HasSubstr("does not name"));
  EXPECT_THAT(reach(pki().cse(in_cse()), cse_id("/in-cse2")), HasSubstr("does not name"))
      << "A expects another";
}

TEST_F(CertificateAssociation, AServerWithAnotherFlavourThanConfiguredIsNotEntityB) {
  cover({"8.1.2.1-T05", "8.1.2.4-01", "8.2.2.2-03"});
  EXPECT_THAT(reach(pki().ae(ae_id("/in-cse/Capp"))), HasSubstr("does not name")) << "AE-ID certificate";
  EXPECT_THAT(reach(pki().device(kDevice)), HasSubstr("does not name")) << "device certificate";
  EXPECT_THAT(reach(pki().node("m2mnode://my.m2mprovider.org/in-cse")), HasSubstr("does not name"));
  EXPECT_THAT(reach(pki().fqdn(maf_fqdn())), HasSubstr("does not name")) << "FQDN certificate of a MAF";
}

TEST_F(CertificateAssociation, ADeviceCertificateOfEntityBStandsForTheCseOfTheDevice) {
  cover({"8.1.2.1-T02", "8.1.2.4-T02", "8.1.2.5-T02"});
  const auto reach_device = [&](OwnPtr shown, std::string_view expected, TrustPtr trust) {
    EntityB b(ground, {.name = "device", .id = mn_cse(), .own = std::move(shown), .trust = pki().trust()});
    EntityA a(b,
              client::certificate({.own = pki().ae(ae_id("/mn-cse-123456/Clock")),
                                   .trust = std::move(trust),
                                   .home = home(),
                                   .server = mn_cse(),
                                   .server_in_cse = in_cse(),
                                   .server_device = *M2mDeviceId::parse(expected)}),
              "Clock");
    auto outcome = a.register_ae();
    if (a.ae.context()) {
      EXPECT_EQ(a.ae.context()->identity, EntityId(mn_cse()));
    }
    return outcome;
  };
  EXPECT_EQ(reach_device(pki().device(kDevice), kDevice, pki().trust()), "registered as Clock");
  EXPECT_THAT(reach_device(pki().device("0.2.481.1.100.3030.10012"), kDevice, pki().trust()),
              HasSubstr("does not name 0.2.481.1.100.3030.10011"));
  EXPECT_THAT(reach_device(pki().cse(mn_cse()), kDevice, pki().trust()), HasSubstr("does not name"))
      << "the CSE-ID certificate is another flavour than configured";
  EXPECT_THAT(reach_device(pki().device(kDevice), kDevice, pki().stranger_trust()),
              StartsWith("authentication: "));

  // As Entity A the same certificate stands for no particular AE: only what its Credential-ID is allowed.
  EntityA adn(in, certificate(pki().device(kDevice)), "Cone");
  EXPECT_THAT(adn.register_ae(), StartsWith("authentication: "));
  EXPECT_THAT(in.refusals(), Contains(HasSubstr("no serviceSubscribedAppRule applies")));
}

TEST_F(CertificateAssociation, AServerOfAnotherTrustAnchorIsNotEntityB) {
  cover({"8.1.2.4-01", "8.1.2.5-03", "8.2.2.2-02"});
  EXPECT_THAT(reach(pki().stranger(in_cse())), StartsWith("authentication: "));
  EXPECT_THAT(reach(pki().cse(in_cse()), in_cse(), pki().stranger_trust()), StartsWith("authentication: "));
  EXPECT_THAT(ground.tape.events("A", AuditEventId::handshake_refused).at(0).reason, HasSubstr("8.1.2.2"));
  const auto without = certificate(pki().cse(mn_cse()), in_cse(), nullptr);
  EntityA a(in, without);
  EXPECT_THAT(a.register_cse(mn_cse()), HasSubstr("trust store"))
      << "A that trusts nobody connects to nobody";
}

TEST_F(CertificateAssociation, AClientOfAnotherTrustAnchorIsNotEntityA) {
  cover({"8.1.2.4-02", "8.2.2.2-05", "9.1.2.1.2-T01"});
  EntityA mn(in, certificate(pki().stranger(mn_cse())));
  EXPECT_THAT(mn.register_cse(mn_cse()), StartsWith("authentication: "));
  EXPECT_THAT(in.refusals(), Contains(HasSubstr("8.1.2.2")));
  EXPECT_EQ(in.requests(), 0U);
  EntityB other(ground, {.name = "other", .own = pki().cse(in_cse()), .trust = pki().stranger_trust()});
  EntityA ours(other, certificate(pki().cse(mn_cse())));
  EXPECT_THAT(ours.register_cse(mn_cse()), StartsWith("authentication: ")) << "B has the anchors of others";
}

TEST_F(CertificateAssociation, TheOwnerOfTheCertificateHoldsItsPrivateKey) {
  cover({"8.1.2.3-01", "8.2.2.2-01"});
  const auto real = pki().cse(mn_cse());
  const auto thief = std::make_shared<const tls::OwnCertificate>(
      tls::OwnCertificate{real->chain, *pki::PrivateKey::generate()});
  EntityA mn(in, certificate(thief));
  EXPECT_NE(mn.register_cse(mn_cse()), "2001");
  EXPECT_EQ(in.requests(), 0U);
  const auto endpoint =
      tls::ServerEndpoint::make({}, thief, pki().trust(), home(), nullptr, &in.keys, in.audit, ground.clock);
  EXPECT_FALSE(endpoint) << "nor can B serve with it";
}

TEST_F(CertificateAssociation, SuitesOfBothEndsMustHaveOneInCommon) {
  cover({"TR-7.1.3-01", "TR-7.1.3-06", "8.2.2.2-08"});
  const auto offered = certificate(pki().cse(mn_cse()))->options();
  ASSERT_TRUE(offered);
  EXPECT_THAT(offered->suites.suites, testing::ElementsAre(tls::kEcdheEcdsaAes128CbcSha256))
      << "MN-CSE: TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256";
  auto options = with_certificates();
  options.suites.suites = {tls::kPskAes128CbcSha256};
  EntityB psk_only(ground, options);
  EntityA refused(psk_only, certificate(pki().cse(mn_cse())));
  EXPECT_THAT(refused.register_cse(mn_cse()), StartsWith("authentication: "));
  options.name = "certificates only";
  options.suites.suites = {tls::kEcdheEcdsaAes128CbcSha256};
  EntityB certificates_only(ground, options);
  EntityA served(certificates_only, certificate(pki().cse(mn_cse())));
  EXPECT_EQ(served.register_cse(mn_cse()), "2001");
}

}  // namespace
}  // namespace latchkey::association
