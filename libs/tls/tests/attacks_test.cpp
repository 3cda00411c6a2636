/// What a hostile or broken peer may try, each named after the defect.
#include <algorithm>

#include "support/bare_peer.h"
#include "support/world.h"

namespace latchkey::tls::test {
namespace {

class Attack : public World {
 protected:
  void give_lock_key(BarePeer& peer) {
    const SecretBytes key = lock_key();
    peer.use_psk(kLockId, {key.reveal().begin(), key.reveal().end()});
  }
  /// What the server does with `octets` on a fresh connection.
  std::unique_ptr<Session> offer(ByteView octets) {
    endpoint_ = endpoint({.limits = limits});
    auto server = endpoint_->accept("203.0.113.5:4242");
    server->receive(octets);
    return server;
  }
  EndpointLimits limits;
  std::unique_ptr<ServerEndpoint> endpoint_;
};

TEST_F(Attack, PlainGarbage) {
  for (const std::string_view text : {"GET / HTTP/1.1\r\n\r\n", "\xff", "SSH-2.0-x\r\n"}) {
    const auto server = offer(as_bytes(text));
    EXPECT_EQ(server->state(), Session::State::failed);
    EXPECT_NE(server->failure().find("not a TLS record"), std::string::npos);
  }
  EXPECT_EQ(server_audit.events().size(), 3U);
  EXPECT_EQ(server_audit.events().front().peer, "203.0.113.5:4242");
}

TEST_F(Attack, RandomHandshakeBodies) {
  Bytes octets{22, 3, 1, 0, 60, 1, 0, 0, 56};
  for (std::size_t i = 0; i < 56; ++i) octets.push_back(static_cast<std::uint8_t>(i * 37));
  expect_refused(*offer(octets), server_audit, "ClientHello: malformed");
}

TEST_F(Attack, OversizedClientHello) {
  limits.handshake_octets = 4096;
  Bytes header{22, 3, 1, 0x20, 0x00, 1, 0x00, 0x1f, 0xfc};
  Bytes octets = header;
  octets.resize(5 + 0x2000, 0);
  expect_refused(*offer(octets), server_audit, "more than 4096 octets");
}

TEST_F(Attack, AClientHelloThatAnnouncesMoreThanIsTaken) {
  limits.handshake_octets = 4096;
  expect_refused(*offer(Bytes{22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff}), server_audit, "at most 4096 are taken");
}

TEST_F(Attack, AHandshakeThatNeverEnds) {
  limits.handshake_octets = 4096;
  auto endpoint = this->endpoint({.limits = limits});
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options());
  server->receive(client->take_output());
  // Warning alerts keep a naive server busy for ever.
  const Bytes warning{21, 3, 3, 0, 2, 1, 90};
  for (int i = 0; i < 2000 && server->state() == Session::State::handshaking; ++i) server->receive(warning);
  EXPECT_EQ(server->state(), Session::State::failed);
}

TEST_F(Attack, AHandshakeThatDoesNotBeginWithAClientHello) {
  expect_refused(*offer(Bytes{22, 3, 3, 0, 8, 16, 0, 0, 4, 0, 2, 'i', 'd'}), server_audit,
                 "does not begin with a ClientHello");
}

TEST_F(Attack, AClientKeyExchangeInTheRecordOfTheClientHello) {
  auto client = this->client(psk_options());
  Bytes hello = client->take_output();
  const Bytes exchange{16, 0, 0, 4, 0, 2, 'i', 'd'};
  hello.insert(hello.end(), exchange.begin(), exchange.end());
  const std::size_t length = hello.size() - 5;
  hello[3] = static_cast<std::uint8_t>(length >> 8U);
  hello[4] = static_cast<std::uint8_t>(length);
  expect_refused(*offer(hello), server_audit, "shares its record");
}

TEST_F(Attack, ASecondClientHello) {
  auto client = this->client(psk_options());
  Bytes hello = client->take_output();
  const Bytes again = hello;
  hello.insert(hello.end(), again.begin(), again.end());
  expect_refused(*offer(hello), server_audit, "second ClientHello");
}

TEST_F(Attack, ASecondClientKeyExchange) {
  LateKeys late;
  auto endpoint = this->endpoint({}, &late);
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options());
  server->receive(client->take_output());
  client->receive(server->take_output());
  Bytes flight = client->take_output();
  const std::size_t record = 5U + (static_cast<std::size_t>(flight[3]) << 8U | flight[4]);
  const Bytes exchange(flight.begin(), flight.begin() + static_cast<std::ptrdiff_t>(record));
  flight.insert(flight.begin(), exchange.begin(), exchange.end());
  server->receive(flight);
  EXPECT_EQ(late.waiting.size(), 1U);
  late.answer_all(lock_key());
  expect_refused(*server, server_audit, "second ClientKeyExchange");
}

TEST_F(Attack, AnEarlyChangeCipherSpec) {
  auto client = this->client(psk_options());
  Bytes octets = client->take_output();
  const Bytes change{20, 3, 3, 0, 1, 1};
  octets.insert(octets.end(), change.begin(), change.end());
  const auto server = offer(octets);
  EXPECT_EQ(server->state(), Session::State::failed);
  EXPECT_TRUE(keys.asked.empty());
}

TEST_F(Attack, WrongSuites) {
  cover({"10.2.1-04"});
  auto endpoint = this->endpoint();
  for (const char* priority :
       {"NONE:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:+VERS-TLS1.2:+PSK:+AES-256-CBC:+AES-128-CBC:+SHA1",
        "NONE:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:+VERS-TLS1.2:+ECDHE-PSK:+AES-128-CBC:+SHA256",
        "NONE:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:+VERS-TLS1.2:+RSA:+AES-128-CBC:+SHA256:+CTYPE-ALL"}) {
    auto server = endpoint->accept("p:1");
    BarePeer client(GNUTLS_CLIENT, priority);
    give_lock_key(client);
    client.run(*server);
    EXPECT_NE(server->failure().find("no common cipher suite"), std::string::npos) << server->failure();
    EXPECT_EQ(client.alert(), GNUTLS_A_HANDSHAKE_FAILURE);
  }
}

TEST_F(Attack, OldAndNewVersions) {
  cover({"10.2.1-01"});
  auto endpoint = this->endpoint();
  for (const char* priority : {"NORMAL:-VERS-ALL:+VERS-TLS1.3:+PSK:%DISABLE_TLS13_COMPAT_MODE",
                               "NORMAL:-VERS-ALL:+VERS-TLS1.1:+PSK:+SHA1:+AES-128-CBC"}) {
    auto server = endpoint->accept("p:1");
    BarePeer client(GNUTLS_CLIENT, priority);
    give_lock_key(client);
    client.run(*server);
    EXPECT_NE(server->failure().find("does not offer TLS 1.2"), std::string::npos) << server->failure();
    EXPECT_EQ(client.alert(), GNUTLS_A_PROTOCOL_VERSION);
  }
}

TEST_F(Attack, AnSniThatIsNoHostName) {
  // GnuTLS clients refuse such names, so one is written over a name of the same length.
  for (const std::string_view bad : {"my.example_m2mprovider.org", "my.example/m2mprovider.org"}) {
    auto options = psk_options();
    options.server_name = "my.example.m2mprovider.org";
    auto client = this->client(std::move(options));
    Bytes hello = client->take_output();
    const std::string_view good = "my.example.m2mprovider.org";
    const auto at = std::search(hello.begin(), hello.end(), good.begin(), good.end());
    ASSERT_NE(at, hello.end());
    std::copy(bad.begin(), bad.end(), at);
    auto server = offer(hello);
    EXPECT_NE(server->failure().find("SNI is no host name: '" + std::string(bad)), std::string::npos);
    client->receive(server->take_output());
    EXPECT_NE(client->failure().find("alert 112"), std::string::npos) << client->failure();
  }
}

TEST_F(Attack, OurClientLeavesOutANameThatSniCannotCarry) {
  auto options = psk_options();
  options.server_name = "my.example_m2mprovider.org";
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("p:1");
  auto client = this->client(std::move(options));
  pump(*client, *server);
  ASSERT_EQ(server->state(), Session::State::established) << server->failure();
  EXPECT_TRUE(server->context()->server_name.empty());
}

TEST_F(Attack, RenegotiationByTheClient) {
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("p:1");
  BarePeer client(GNUTLS_CLIENT, kBarePsk);
  give_lock_key(client);
  client.run(*server);
  ASSERT_EQ(server->state(), Session::State::established);
  EXPECT_EQ(client.handshake(), GNUTLS_E_AGAIN);
  client.run(*server);
  EXPECT_EQ(server->state(), Session::State::failed);
  EXPECT_NE(server->failure().find("renegotiation"), std::string::npos) << server->failure();
  EXPECT_EQ(gnutls_alert_get(client.session()), GNUTLS_A_NO_RENEGOTIATION);
  EXPECT_EQ(server_audit.events().back().id, AuditEventId::session_closed_by_policy);
}

TEST_F(Attack, RenegotiationByTheServer) {
  BarePeer server(GNUTLS_SERVER, kBarePsk);
  give_lock_key(server);
  auto client = this->client(psk_options());
  server.run(*client);
  ASSERT_EQ(client->state(), Session::State::established) << client->failure();
  ASSERT_EQ(gnutls_rehandshake(server.session()), 0);
  client->receive(server.take_output());
  EXPECT_EQ(client->state(), Session::State::failed);
  EXPECT_NE(client->failure().find("renegotiation"), std::string::npos);
}

TEST_F(Attack, ExportWithoutExtendedMasterSecret) {
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("p:1");
  BarePeer client(GNUTLS_CLIENT, (std::string(kBarePsk) + ":%NO_SESSION_HASH").c_str());
  give_lock_key(client);
  client.run(*server);
  ASSERT_EQ(server->state(), Session::State::established) << server->failure();
  ASSERT_EQ(gnutls_session_get_flags(client.session()) & GNUTLS_SFLAGS_EXT_MASTER_SECRET, 0U);
  const auto key = server->export_key("EXPORTER-oneM2M-Connection", 48);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, ErrorCode::denied);
  EXPECT_NE(key.error().detail.find("extended master secret"), std::string::npos);
}

TEST_F(Attack, ConnectionsThatEndDuringTheHandshake) {
  auto endpoint = this->endpoint();
  auto client = this->client(psk_options());
  const Bytes hello = client->take_output();
  for (const std::size_t size : {std::size_t{1}, std::size_t{5}, hello.size() - 1, hello.size()}) {
    auto server = endpoint->accept("p:1");
    server->receive(ByteView(hello).first(size));
    EXPECT_EQ(server->state(), Session::State::handshaking);
    server->abandon("connection ended");
    EXPECT_EQ(server->state(), Session::State::failed);
  }
  EXPECT_EQ(server_audit.events().size(), 4U);
  { auto probe = endpoint->accept("p:1"); }  // never sent an octet
  EXPECT_EQ(server_audit.events().size(), 4U);
}

TEST_F(Attack, ATruncatedStreamIsNotAClosedOne) {
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options());
  pump(*client, *server);
  ASSERT_TRUE(client->write(as_bytes("half")));
  pump(*client, *server);
  server->abandon("connection ended without close_notify");
  EXPECT_EQ(server->state(), Session::State::failed);
  EXPECT_EQ(read_all(*server), "half");

  auto second = endpoint->accept("p:1");
  auto polite = this->client(psk_options());
  pump(*polite, *second);
  ASSERT_TRUE(polite->write(as_bytes("all")));
  polite->close();
  pump(*polite, *second);
  EXPECT_EQ(second->state(), Session::State::closed);
  EXPECT_EQ(read_all(*second), "all");
  EXPECT_EQ(second->write(as_bytes("x")).error().code, ErrorCode::unavailable);
}

TEST_F(Attack, AFinishedThatDoesNotVerifyIsRejectedByEitherEnd) {
  cover({"TR-A.2-04", "TR-A.2-06"});
  auto endpoint = this->endpoint();
  for (const bool by_client : {true, false}) {
    auto server = endpoint->accept("p:1");
    auto client = this->client(psk_options());
    server->receive(client->take_output());
    client->receive(server->take_output());
    Bytes flight = client->take_output();
    if (by_client) flight.back() ^= 1;
    server->receive(flight);
    flight = server->take_output();
    if (!by_client) flight.back() ^= 1;
    client->receive(flight);
    EXPECT_EQ((by_client ? server : client)->state(), Session::State::failed);
    EXPECT_EQ((by_client ? server : client)->context(), nullptr);
    EXPECT_NE(client->state(), Session::State::established);
  }
}

TEST_F(Attack, AnyFlippedBitOfARecordIsRejected) {
  auto endpoint = this->endpoint();
  auto probe = endpoint->accept("p:1");
  auto writer = this->client(psk_options());
  pump(*writer, *probe);
  ASSERT_TRUE(writer->write(as_bytes("open the door")));
  const std::size_t size = writer->take_output().size();
  for (std::size_t at = 5; at < size; at += 7) {
    auto server = endpoint->accept("p:1");
    auto client = this->client(psk_options());
    pump(*client, *server);
    ASSERT_TRUE(client->write(as_bytes("open the door")));
    Bytes record = client->take_output();
    record[at] ^= 0x10;
    server->receive(record);
    EXPECT_EQ(server->state(), Session::State::failed) << at;
    EXPECT_EQ(read_all(*server), "") << at;
  }
}

TEST_F(Attack, ARepeatedRecordIsRejected) {
  auto endpoint = this->endpoint();
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options());
  pump(*client, *server);
  ASSERT_TRUE(client->write(as_bytes("unlock")));
  const Bytes record = client->take_output();
  server->receive(record);
  EXPECT_EQ(read_all(*server), "unlock");
  server->receive(record);
  EXPECT_EQ(server->state(), Session::State::failed);
  EXPECT_EQ(read_all(*server), "");
}

TEST_F(Attack, OurClientTakesNoSuiteItDidNotOffer) {
  BarePeer server(GNUTLS_SERVER,
                  "NONE:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:+VERS-TLS1.2:+ECDHE-PSK:+AES-256-CBC:+SHA1");
  give_lock_key(server);
  auto client = this->client(psk_options());
  server.run(*client);
  EXPECT_NE(client->state(), Session::State::established);
}

TEST_F(Attack, OurClientLimitsWhatAServerMaySend) {
  auto options = psk_options();
  options.limits.handshake_octets = 2048;
  auto client = this->client(std::move(options));
  (void)client->take_output();
  const Bytes warning{21, 3, 3, 0, 2, 1, 90};
  for (int i = 0; i < 1000 && client->state() == Session::State::handshaking; ++i) client->receive(warning);
  EXPECT_EQ(client->state(), Session::State::failed);
}

}  // namespace
}  // namespace latchkey::tls::test
