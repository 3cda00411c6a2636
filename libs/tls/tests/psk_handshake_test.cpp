#include "support/bare_peer.h"
#include "support/world.h"

namespace latchkey::tls::test {
namespace {

class PskHandshake : public World {};

TEST_F(PskHandshake, AssociatesTheConfiguredIdentitiesAtBothEnds) {
  cover({"8.2.2.1-04", "8.2.2.1-05", "8.2.2.1-06", "8.2.2.1-07", "8.2.2.1-08", "8.2.2.1-09", "8.2.2.1-T01",
         "10.2.1-01", "10.2.1-03", "10.2.2-01", "10.2.2-02", "10.2.2-T02", "TR-7.1.2-03", "TR-7.1.2-06"});
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("192.0.2.7:50000");
  auto client = this->client(psk_options());
  pump(*client, *server);

  ASSERT_EQ(server->state(), Session::State::established) << server->failure();
  ASSERT_EQ(client->state(), Session::State::established) << client->failure();
  const auto& at_server = *server->context();
  EXPECT_EQ(at_server.framework, Framework::provisioned_symmetric_key);
  EXPECT_EQ(at_server.identity, EntityId(lock_ae()));
  EXPECT_EQ(at_server.psk_identity, kLockId);
  EXPECT_EQ(at_server.credential_id->text(), std::string("12-") + kLockId);
  EXPECT_EQ(at_server.cipher_suite_id, 0x00ae);
  EXPECT_EQ(at_server.cipher_suite, "TLS_PSK_WITH_AES_128_CBC_SHA256");
  EXPECT_EQ(at_server.server_name, "mn-cse-123456.my.m2mprovider.org");
  EXPECT_TRUE(at_server.certificate_sha256.empty());
  EXPECT_TRUE(server->peer_chain().empty());
  EXPECT_EQ(client->context()->identity, EntityId(mn_cse()));
  EXPECT_EQ(client->context()->cipher_suite_id, 0x00ae);
  EXPECT_EQ(keys.asked, std::vector<std::string>{kLockId});
  EXPECT_EQ(keys.sources, std::vector<std::string>{"192.0.2.7"});
}

TEST_F(PskHandshake, IsAuditedWithPeerCredentialAndSuiteAndNoSecret) {
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("192.0.2.7:50000");
  auto client = this->client(psk_options());
  pump(*client, *server);
  const AuditEvent event = only_event(server_audit);
  EXPECT_EQ(event.id, AuditEventId::handshake_accepted);
  EXPECT_EQ(event.peer, "192.0.2.7:50000");
  EXPECT_EQ(event.originator, lock_ae().absolute());
  EXPECT_EQ(event.credential_id, std::string("12-") + kLockId);
  EXPECT_EQ(event.target, "TLS_PSK_WITH_AES_128_CBC_SHA256");
  EXPECT_EQ(to_json(event).find(kLockKeyHex), std::string::npos);
  EXPECT_EQ(only_event(client_audit).id, AuditEventId::handshake_accepted);
}

TEST_F(PskHandshake, CarriesDataOfAnyLengthBothWays) {
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options());
  pump(*client, *server);
  for (const std::size_t size : {1UL, 16384UL, 16385UL, 300'000UL}) {
    const std::string text(size, 'x');
    ASSERT_TRUE(client->write(as_bytes(text)));
    ASSERT_TRUE(server->write(as_bytes(text)));
    pump(*client, *server);
    EXPECT_EQ(read_all(*server), text);
    EXPECT_EQ(read_all(*client), text);
  }
}

TEST_F(PskHandshake, WorksWhenOctetsComeOneByOne) {
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options());
  for (int round = 0; round < 6; ++round) {
    for (const std::uint8_t octet : client->take_output()) server->receive(ByteView(&octet, 1));
    for (const std::uint8_t octet : server->take_output()) client->receive(ByteView(&octet, 1));
  }
  ASSERT_EQ(server->state(), Session::State::established) << server->failure();
  ASSERT_TRUE(client->write(as_bytes("ping")));
  for (const std::uint8_t octet : client->take_output()) server->receive(ByteView(&octet, 1));
  EXPECT_EQ(read_all(*server), "ping");
}

TEST_F(PskHandshake, WorksWithAnIdentityOfTheLimit) {
  const std::string longest = std::string(240, 'k') + "@in.example.com";
  ASSERT_EQ(longest.size(), 255U);
  keys.add(longest, lock_key(), {});
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options(longest));
  pump(*client, *server);
  EXPECT_EQ(server->state(), Session::State::established) << server->failure();
  EXPECT_FALSE(connect(psk_options(longest + "m"), client_audit, clock));
}

TEST_F(PskHandshake, AWrongKeyIsRefused) {
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options(kLockId, *secret_from_hex("1a2b3c4d5e6f7a8c")));
  pump(*client, *server);
  expect_refused(*server, server_audit, "the keys of the two sides differ");
  EXPECT_EQ(only_event(server_audit).credential_id, kLockId);
  expect_refused(*client, client_audit, "alert 20 BAD_RECORD_MAC");
}

TEST_F(PskHandshake, AnUnknownIdentityLooksLikeAWrongKeyToThePeer) {
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options("nobody@in.provider.com"));
  pump(*client, *server);
  expect_refused(*server, server_audit, "unknown psk_identity");
  EXPECT_EQ(only_event(server_audit).credential_id, "nobody@in.provider.com");
  expect_refused(*client, client_audit, "alert 20 BAD_RECORD_MAC");
}

TEST_F(PskHandshake, AnUnknownIdentityIsToldWhereTheOperatorWantsIt) {
  auto endpoint = this->endpoint({.psk_reveal_unknown = true});
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options("nobody@in.provider.com"));
  pump(*client, *server);
  expect_refused(*server, server_audit, "unknown psk_identity");
  expect_refused(*client, client_audit, "alert 115");
}

TEST_F(PskHandshake, AnExpiredKeyIsRefused) {
  cover({"8.2.2.3-18"});
  SecurityContext context;
  context.framework = Framework::maf;
  context.valid_until = clock.now();
  keys.add("expired@maf.example", lock_key(), context);
  context.valid_until = clock.now() + std::chrono::seconds(1);
  keys.add("valid@maf.example", lock_key(), context);
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options("expired@maf.example"));
  pump(*client, *server);
  expect_refused(*server, server_audit, "key expired at");
  expect_refused(*client, client_audit, "alert 20");

  auto second = endpoint->accept("p:1");
  auto fresh = this->client(psk_options("valid@maf.example"));
  pump(*fresh, *second);
  EXPECT_EQ(second->state(), Session::State::established);
  EXPECT_EQ(second->context()->framework, Framework::maf);
}

TEST_F(PskHandshake, AnEmptyKeyIsRefused) {
  keys.add("empty@x.org", SecretBytes(), {});
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("p:1");
  BarePeer client(GNUTLS_CLIENT, kBarePsk);
  client.use_psk("empty@x.org", Bytes{0});
  client.run(*server);
  expect_refused(*server, server_audit, "empty key");
}

TEST_F(PskHandshake, IdentitiesThatCouldBeCutOffOrMistakenAreNeverLookedUp) {
  auto endpoint = this->endpoint();
  const std::string with_nul = std::string(kLockId) + std::string("\0x", 2);
  for (const std::string& identity : {with_nul, std::string("caf\xc3\xa9@x.org"), std::string(256, 'a')}) {
    auto server = endpoint->accept("p:1");
    BarePeer client(GNUTLS_CLIENT, kBarePsk);
    const SecretBytes key = lock_key();
    client.use_psk(identity, {key.reveal().begin(), key.reveal().end()});
    client.run(*server);
    EXPECT_EQ(server->state(), Session::State::failed);
    EXPECT_NE(server->failure().find("psk_identity"), std::string::npos) << server->failure();
    EXPECT_EQ(client.alert(), GNUTLS_A_BAD_RECORD_MAC);
  }
  EXPECT_TRUE(keys.asked.empty());
  for (const AuditEvent& event : server_audit.events()) {
    EXPECT_LE(event.credential_id.size(), 255U);
    for (const char c : event.credential_id) EXPECT_TRUE(c >= ' ' && c <= '~');
  }
}

TEST_F(PskHandshake, ResumptionIsNotOfferedSoThatEveryHandshakeAsksForTheKey) {
  auto endpoint = this->endpoint();
  gnutls_datum_t data{};
  for (int round = 0; round < 2; ++round) {
    auto server = endpoint->accept("p:1");
    BarePeer client(GNUTLS_CLIENT, kBarePsk);
    const SecretBytes key = lock_key();
    client.use_psk(kLockId, {key.reveal().begin(), key.reveal().end()});
    if (data.data != nullptr) gnutls_session_set_data(client.session(), data.data, data.size);
    client.run(*server);
    ASSERT_EQ(server->state(), Session::State::established) << server->failure();
    EXPECT_EQ(gnutls_session_is_resumed(client.session()), 0);
    EXPECT_EQ(gnutls_session_get_flags(client.session()) & GNUTLS_SFLAGS_SESSION_TICKET, 0U);
    gnutls_free(data.data);
    gnutls_session_get_data2(client.session(), &data);
  }
  gnutls_free(data.data);
  EXPECT_EQ(keys.asked.size(), 2U);
}

TEST_F(PskHandshake, TheOptionalGcmSuiteWorksOnlyWhereItIsNamed) {
  auto endpoint = this->endpoint({.suites = {{0x00a8}}});
  auto server = endpoint->accept("p:1");
  auto options = psk_options();
  options.suites = {{0x00ae, 0x00a8}};
  auto client = this->client(std::move(options));
  pump(*client, *server);
  ASSERT_EQ(server->state(), Session::State::established) << server->failure();
  EXPECT_EQ(server->context()->cipher_suite, "TLS_PSK_WITH_AES_128_GCM_SHA256");

  auto second = endpoint->accept("p:1");
  auto cbc = this->client(psk_options());
  pump(*cbc, *second);
  EXPECT_NE(second->failure().find("no common cipher suite"), std::string::npos);
}

TEST_F(PskHandshake, TheServersOrderOfSuitesDecides) {
  auto endpoint = this->endpoint({.suites = {{0x00a8, 0xc023, 0x00ae}}});
  auto server = endpoint->accept("p:1");
  auto options = psk_options();
  options.suites = {{0x00ae, 0x00a8}};
  auto client = this->client(std::move(options));
  pump(*client, *server);
  ASSERT_TRUE(server->context());
  EXPECT_EQ(server->context()->cipher_suite_id, 0x00a8);
}

TEST_F(PskHandshake, AServerOfPskAloneNeedsNoCertificate) {
  auto made = ServerEndpoint::make({}, nullptr, nullptr, home(), nullptr, &keys, server_audit, clock);
  ASSERT_TRUE(made) << made.error().detail;
  auto server = (*made)->accept("p:1");
  auto client = this->client(psk_options());
  pump(*client, *server);
  EXPECT_EQ(server->state(), Session::State::established);
  auto second = (*made)->accept("p:1");
  auto with_certificate = this->client(certificate_options());
  pump(*with_certificate, *second);
  EXPECT_NE(second->failure().find("no common cipher suite"), std::string::npos);
}

TEST_F(PskHandshake, AClientWithoutKeyOrIdentityIsRefusedBeforeItBegins) {
  EXPECT_EQ(connect(psk_options(kLockId, SecretBytes()), client_audit, clock).error().code,
            ErrorCode::invalid_argument);
  EXPECT_FALSE(connect(psk_options(""), client_audit, clock));
  auto options = psk_options();
  options.suites = {{0xc023}};
  EXPECT_FALSE(connect(std::move(options), client_audit, clock));
}

}  // namespace
}  // namespace latchkey::tls::test
