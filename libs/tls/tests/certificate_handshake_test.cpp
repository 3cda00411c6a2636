#include "latchkey/crypto/crypto.h"
#include "support/bare_peer.h"
#include "support/world.h"

namespace latchkey::tls::test {
namespace {

class CertificateHandshake : public World {
 protected:
  /// A handshake against a server that uses `trust`.
  void run(ServerEndpoint& endpoint, ClientOptions options) {
    server_session = endpoint.accept("192.0.2.9:1");
    client_session = client(std::move(options));
    pump(*client_session, *server_session);
  }
  std::unique_ptr<ServerEndpoint> endpoint_with(std::shared_ptr<const OwnCertificate> own,
                                                std::shared_ptr<const pki::TrustStore> trust) {
    return *ServerEndpoint::make({}, std::move(own), std::move(trust), home(), &mapper, nullptr, server_audit,
                                 clock);
  }
  std::unique_ptr<Session> server_session;
  std::unique_ptr<Session> client_session;
};

TEST_F(CertificateHandshake, AssociatesTheCseIdsOfBothCertificates) {
  cover({"8.2.2.2-06", "8.2.2.2-07", "8.2.2.2-08", "8.2.2.2-09", "8.2.2.2-10", "8.2.2.2-11", "10.2.1-01",
         "10.2.3-01", "10.2.3-02", "10.2.3-T01", "TR-7.1.3-04", "TR-7.1.3-06", "TR-7.1.3-07"});
  auto endpoint = this->endpoint();
  run(*endpoint, certificate_options());
  ASSERT_EQ(server_session->state(), Session::State::established) << server_session->failure();
  ASSERT_EQ(client_session->state(), Session::State::established) << client_session->failure();
  const auto& at_server = *server_session->context();
  EXPECT_EQ(at_server.framework, Framework::certificate);
  EXPECT_EQ(at_server.identity, EntityId(mn_cse()));
  EXPECT_EQ(at_server.cipher_suite_id, 0xc023);
  EXPECT_EQ(at_server.server_name, "in-cse.my.m2mprovider.org");
  EXPECT_TRUE(at_server.psk_identity.empty());
  EXPECT_EQ(at_server.certificate_sha256, to_hex(crypto::sha256(mn_cse_identity().own->chain.front().der())));
  EXPECT_EQ(at_server.valid_until, mn_cse_identity().own->chain.front().not_after());
  EXPECT_EQ(client_session->context()->identity, EntityId(in_cse()));
  ASSERT_EQ(server_session->peer_chain().size(), 2U);
  EXPECT_EQ(server_session->peer_chain().front().der(), mn_cse_identity().own->chain.front().der());
  const AuditEvent event = only_event(server_audit);
  EXPECT_EQ(event.id, AuditEventId::handshake_accepted);
  EXPECT_EQ(event.originator, mn_cse().absolute());
  EXPECT_EQ(event.target, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256");
}

TEST_F(CertificateHandshake, AssociatesTheAbsoluteAeIdOfAnAeIdCertificate) {
  cover({"8.2.2.2-12"});
  static const Identity lock = TestPki::instance().ae(lock_ae());
  auto endpoint = this->endpoint();
  run(*endpoint, certificate_options(lock));
  ASSERT_EQ(server_session->state(), Session::State::established) << server_session->failure();
  EXPECT_EQ(server_session->context()->identity, EntityId(lock_ae()));
}

TEST_F(CertificateHandshake, OneEndpointServesBothFrameworks) {
  cover({"10.2.1-05"});
  auto endpoint = this->endpoint();
  run(*endpoint, certificate_options());
  EXPECT_EQ(server_session->context()->cipher_suite_id, 0xc023);
  run(*endpoint, psk_options());
  EXPECT_EQ(server_session->context()->cipher_suite_id, 0x00ae);
}

TEST_F(CertificateHandshake, AnExpiredCertificateIsRefused) {
  static const Identity brief = TestPki::instance().cse(mn_cse(), std::chrono::days(1));
  auto endpoint = this->endpoint();
  clock.advance(std::chrono::days(2));
  run(*endpoint, certificate_options(brief));
  EXPECT_EQ(server_session->state(), Session::State::failed);
  EXPECT_EQ(only_event(server_audit).id, AuditEventId::handshake_refused);
  EXPECT_NE(server_session->failure().find("expired"), std::string::npos) << server_session->failure();
  expect_refused(*client_session, client_audit, "alert 45 CERTIFICATE_EXPIRED");
}

TEST_F(CertificateHandshake, AClientCertificateOfAnUntrustedRootIsRefused) {
  auto endpoint = this->endpoint();
  run(*endpoint, certificate_options(stranger_identity()));
  EXPECT_EQ(server_session->state(), Session::State::failed);
  expect_refused(*client_session, client_audit, "alert 48 UNKNOWN_CA");
  EXPECT_EQ(mapper.mapped, 0);
}

TEST_F(CertificateHandshake, AServerOfAnUntrustedRootIsRefused) {
  auto endpoint = this->endpoint();
  auto options = certificate_options();
  options.trust = TestPki::instance().stranger_trust();
  run(*endpoint, std::move(options));
  EXPECT_EQ(client_session->state(), Session::State::failed);
  EXPECT_EQ(only_event(client_audit).id, AuditEventId::handshake_refused);
  expect_refused(*server_session, server_audit, "alert 48 UNKNOWN_CA");
}

TEST_F(CertificateHandshake, ARevokedCertificateIsRefused) {
  const Identity revoked = TestPki::instance().cse(mn_cse());
  const auto trust = TestPki::instance().trust_with({TestPki::instance().crl(revoked.own->chain.front())});
  auto endpoint = endpoint_with(in_cse_identity().own, trust);
  run(*endpoint, certificate_options(revoked));
  EXPECT_NE(server_session->failure().find("revoked"), std::string::npos) << server_session->failure();
  expect_refused(*client_session, client_audit, "alert 44 CERTIFICATE_REVOKED");
}

TEST_F(CertificateHandshake, AServerThatIsNotTheConfiguredCseIsRefused) {
  cover({"8.2.2.2-04", "TR-7.1.3-05", "TR-A.3-10"});
  auto endpoint = this->endpoint();
  auto options = certificate_options();
  options.check_server = expects_cse(mn_cse());
  run(*endpoint, std::move(options));
  expect_refused(*client_session, client_audit, "does not name //my.m2mprovider.org/mn-cse-123456");
  expect_refused(*server_session, server_audit, "alert 42 BAD_CERTIFICATE");
}

TEST_F(CertificateHandshake, AClientThatTheMapperRefusesGetsAccessDenied) {
  auto endpoint = this->endpoint();
  mapper.refusal = "CSE is not on the list";
  run(*endpoint, certificate_options());
  expect_refused(*server_session, server_audit, "CSE is not on the list");
  expect_refused(*client_session, client_audit, "alert 49 ACCESS_DENIED");
}

TEST_F(CertificateHandshake, AContextThatHasExpiredIsRefused) {
  auto endpoint = this->endpoint();
  mapper.valid_until = clock.now();
  run(*endpoint, certificate_options());
  expect_refused(*server_session, server_audit, "credential expired at");
  EXPECT_NE(client_session->failure().find("alert 45"), std::string::npos);
  mapper.valid_until = clock.now() + std::chrono::hours(1);
  run(*endpoint, certificate_options());
  ASSERT_TRUE(server_session->context());
  EXPECT_EQ(server_session->context()->valid_until, mapper.valid_until);
}

TEST_F(CertificateHandshake, AClientWithoutCertificateIsRefused) {
  auto endpoint = this->endpoint();
  auto options = certificate_options();
  options.credential = std::monostate{};
  run(*endpoint, std::move(options));
  expect_refused(*server_session, server_audit, "the peer gave no certificate");
  EXPECT_EQ(client_session->state(), Session::State::failed);
}

TEST_F(CertificateHandshake, AClientWithoutCertificateIsAnonymousWhereThatIsAllowed) {
  auto endpoint = this->endpoint({.require_client_certificate = false});
  auto options = certificate_options();
  options.credential = std::monostate{};
  run(*endpoint, std::move(options));
  ASSERT_EQ(server_session->state(), Session::State::established) << server_session->failure();
  EXPECT_EQ(server_session->context()->framework, Framework::none);
  EXPECT_FALSE(server_session->context()->identity);
  // One that has a certificate is still judged by it.
  run(*endpoint, certificate_options(stranger_identity()));
  EXPECT_EQ(server_session->state(), Session::State::failed);
}

TEST_F(CertificateHandshake, AKnownChainIsVerifiedOnce) {
  auto endpoint = this->endpoint();
  for (int i = 0; i < 3; ++i) {
    run(*endpoint, certificate_options());
    ASSERT_EQ(server_session->state(), Session::State::established);
  }
  // The mapper is asked each time: what a certificate stands for may change.
  EXPECT_EQ(mapper.mapped, 3);
  mapper.refusal = "no longer";
  run(*endpoint, certificate_options());
  EXPECT_EQ(server_session->state(), Session::State::failed);
}

TEST_F(CertificateHandshake, AKnownChainIsForgottenWhenItExpires) {
  static const Identity brief = TestPki::instance().cse(mn_cse(), std::chrono::days(1));
  auto endpoint = this->endpoint();
  run(*endpoint, certificate_options(brief));
  ASSERT_EQ(server_session->state(), Session::State::established) << server_session->failure();
  clock.set(brief.own->chain.front().not_after() + std::chrono::seconds(1));
  EXPECT_EQ(endpoint->recheck(*server_session).error().code, ErrorCode::expired);
  run(*endpoint, certificate_options(brief));
  EXPECT_EQ(server_session->state(), Session::State::failed);
}

TEST_F(CertificateHandshake, RecheckFollowsAReload) {
  const Identity revoked = TestPki::instance().cse(mn_cse());
  auto endpoint = this->endpoint();
  run(*endpoint, certificate_options(revoked));
  ASSERT_EQ(server_session->state(), Session::State::established);
  EXPECT_TRUE(endpoint->recheck(*server_session));

  const auto with_crl = TestPki::instance().trust_with({TestPki::instance().crl(revoked.own->chain.front())});
  ASSERT_TRUE(endpoint->replace(in_cse_identity().own, with_crl));
  const auto refused = endpoint->recheck(*server_session);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("revoked"), std::string::npos);

  ASSERT_TRUE(endpoint->replace(in_cse_identity().own, TestPki::instance().stranger_trust()));
  EXPECT_EQ(endpoint->recheck(*server_session).error().code, ErrorCode::authentication);
  run(*endpoint, certificate_options());
  EXPECT_NE(client_session->failure().find("alert 48"), std::string::npos);

  ASSERT_TRUE(endpoint->replace(in_cse_identity().own, TestPki::instance().trust()));
  run(*endpoint, certificate_options());
  EXPECT_EQ(server_session->state(), Session::State::established);
}

TEST_F(CertificateHandshake, RecheckOfAPskSessionLooksAtItsExpiryOnly) {
  SecurityContext context;
  context.valid_until = clock.now() + std::chrono::hours(1);
  keys.add("short@x.org", lock_key(), context);
  auto endpoint = this->endpoint();
  run(*endpoint, psk_options("short@x.org"));
  EXPECT_TRUE(endpoint->recheck(*server_session));
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(endpoint->recheck(*server_session).error().code, ErrorCode::expired);
  auto idle = endpoint->accept("p:1");
  EXPECT_EQ(endpoint->recheck(*idle).error().code, ErrorCode::unavailable);
}

TEST_F(CertificateHandshake, ReplacedCredentialsServeLaterHandshakesOnly) {
  const Identity renewed = TestPki::instance().cse(in_cse());
  auto endpoint = this->endpoint();
  auto started = endpoint->accept("p:1");
  ASSERT_TRUE(endpoint->replace(renewed.own, TestPki::instance().trust()));
  auto first = client(certificate_options());
  pump(*first, *started);
  ASSERT_EQ(first->state(), Session::State::established) << first->failure();
  EXPECT_EQ(first->peer_chain().front().der(), in_cse_identity().own->chain.front().der());
  run(*endpoint, certificate_options());
  EXPECT_EQ(client_session->peer_chain().front().der(), renewed.own->chain.front().der());
}

TEST_F(CertificateHandshake, CredentialsThatDoNotFitTogetherAreConfigurationErrors) {
  auto key = *pki::PrivateKey::generate();
  const auto mismatched =
      std::make_shared<OwnCertificate>(OwnCertificate{in_cse_identity().own->chain, std::move(key)});
  const auto trust = TestPki::instance().trust();
  const auto make = [&](std::shared_ptr<const OwnCertificate> own,
                        std::shared_ptr<const pki::TrustStore> anchors, CertificateMapper* map) {
    return ServerEndpoint::make({}, std::move(own), std::move(anchors), home(), map, nullptr, server_audit,
                                clock);
  };
  EXPECT_EQ(make(mismatched, trust, &mapper).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(make(nullptr, trust, &mapper).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(make(in_cse_identity().own, nullptr, &mapper).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(make(in_cse_identity().own, trust, nullptr).error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(make(in_cse_identity().own, trust, &mapper));
  auto endpoint = this->endpoint();
  EXPECT_FALSE(endpoint->replace(mismatched, trust));
  auto options = certificate_options();
  options.check_server = nullptr;
  EXPECT_EQ(connect(std::move(options), client_audit, clock).error().code, ErrorCode::invalid_argument);
  options = certificate_options();
  options.trust = nullptr;
  EXPECT_EQ(connect(std::move(options), client_audit, clock).error().code, ErrorCode::invalid_argument);
}

TEST_F(CertificateHandshake, WorksWhenOctetsComeOneByOne) {
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("p:1");
  auto client = this->client(certificate_options());
  for (int round = 0; round < 6; ++round) {
    for (const std::uint8_t octet : client->take_output()) server->receive(ByteView(&octet, 1));
    for (const std::uint8_t octet : server->take_output()) client->receive(ByteView(&octet, 1));
  }
  EXPECT_EQ(server->state(), Session::State::established) << server->failure();
}

}  // namespace
}  // namespace latchkey::tls::test
