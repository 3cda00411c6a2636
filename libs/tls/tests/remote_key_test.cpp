/// The key is fetched from a MAF while the handshake waits (TS-0003 8.2.2.3).
#include "support/bare_peer.h"
#include "support/world.h"

namespace latchkey::tls::test {
namespace {

constexpr const char* kKcId = "FF15D84E3E38D6974B0EB3E5606C85FE@myMAF.provider.org";

class RemoteKey : public World {
 protected:
  LateKeys late;
};

TEST_F(RemoteKey, TheHandshakeWaitsForTheMafAndThenGoesOn) {
  cover({"8.2.2.3-08", "8.2.2.3-09", "8.2.2.3-13", "TR-7.1.4-07"});
  auto endpoint = this->endpoint({}, &late);
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options(kKcId));
  int progress = 0;
  server->on_progress([&] { ++progress; });
  pump(*client, *server);
  ASSERT_EQ(server->state(), Session::State::waiting_for_key);
  EXPECT_EQ(client->state(), Session::State::handshaking);
  ASSERT_EQ(late.waiting.size(), 1U);
  EXPECT_EQ(late.waiting.front().first, kKcId);

  late.answer_all(lock_key());
  EXPECT_EQ(progress, 1);
  pump(*client, *server);
  ASSERT_EQ(server->state(), Session::State::established) << server->failure();
  EXPECT_EQ(server->context()->framework, Framework::maf);
  EXPECT_EQ(client->state(), Session::State::established);
}

TEST_F(RemoteKey, TwoHundredHandshakesWaitOnOneThread) {
  auto endpoint = this->endpoint({}, &late);
  std::vector<std::unique_ptr<Session>> servers;
  std::vector<std::unique_ptr<Session>> clients;
  for (int i = 0; i < 200; ++i) {
    servers.push_back(endpoint->accept("192.0.2.1:" + std::to_string(i)));
    clients.push_back(this->client(psk_options(kKcId)));
    pump(*clients.back(), *servers.back());
    ASSERT_EQ(servers.back()->state(), Session::State::waiting_for_key);
  }
  EXPECT_EQ(late.waiting.size(), 200U);
  late.answer_all(lock_key());
  for (std::size_t i = 0; i < servers.size(); ++i) {
    pump(*clients[i], *servers[i]);
    ASSERT_EQ(servers[i]->state(), Session::State::established) << servers[i]->failure();
    ASSERT_EQ(clients[i]->state(), Session::State::established);
  }
}

TEST_F(RemoteKey, OctetsThatComeWhileWaitingAreHeld) {
  auto endpoint = this->endpoint({}, &late);
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options(kKcId));
  server->receive(client->take_output());
  client->receive(server->take_output());
  for (const std::uint8_t octet : client->take_output()) server->receive(ByteView(&octet, 1));
  ASSERT_EQ(server->state(), Session::State::waiting_for_key);
  EXPECT_TRUE(server->take_output().empty());
  late.answer_all(lock_key());
  EXPECT_EQ(server->state(), Session::State::established) << server->failure();
}

TEST_F(RemoteKey, AClientKeyExchangeInPiecesIsFetchedOnce) {
  auto endpoint = this->endpoint({}, &late);
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options(kKcId));
  server->receive(client->take_output());
  client->receive(server->take_output());
  // Split the first record (ClientKeyExchange) into two records, which RFC 5246 6.2.1 allows.
  Bytes flight = client->take_output();
  const std::size_t length = static_cast<std::size_t>(flight[3]) << 8U | flight[4];
  const std::size_t cut = 20;
  Bytes split{22, 3, 3, 0, static_cast<std::uint8_t>(cut)};
  split.insert(split.end(), flight.begin() + 5, flight.begin() + 5 + static_cast<std::ptrdiff_t>(cut));
  const std::size_t rest = length - cut;
  const Bytes header{22, 3, 3, static_cast<std::uint8_t>(rest >> 8U), static_cast<std::uint8_t>(rest)};
  split.insert(split.end(), header.begin(), header.end());
  split.insert(split.end(), flight.begin() + 5 + static_cast<std::ptrdiff_t>(cut), flight.end());
  server->receive(split);
  ASSERT_EQ(server->state(), Session::State::waiting_for_key) << server->failure();
  EXPECT_EQ(late.waiting.size(), 1U);
  late.answer_all(lock_key());
  EXPECT_EQ(server->state(), Session::State::established) << server->failure();
}

TEST_F(RemoteKey, ARefusalOfTheMafLooksLikeAWrongKey) {
  auto endpoint = this->endpoint({}, &late);
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options(kKcId));
  pump(*client, *server);
  auto answer = std::move(late.waiting.front().second);
  answer(fail(ErrorCode::denied, "MAF answered 4103"));
  pump(*client, *server);
  expect_refused(*server, server_audit, "MAF answered 4103");
  expect_refused(*client, client_audit, "alert 20");
}

TEST_F(RemoteKey, ALateRefusalIsToldWhereTheOperatorWantsIt) {
  auto endpoint = this->endpoint({.psk_reveal_unknown = true}, &late);
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options(kKcId));
  int progress = 0;
  server->on_progress([&] { ++progress; });
  pump(*client, *server);
  auto answer = std::move(late.waiting.front().second);
  answer(fail(ErrorCode::not_found, "unknown key"));
  EXPECT_EQ(progress, 1);
  pump(*client, *server);
  expect_refused(*client, client_audit, "alert 115");
}

TEST_F(RemoteKey, ASessionThatIsGoneDoesNotMindTheAnswer) {
  auto endpoint = this->endpoint({}, &late);
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options(kKcId));
  pump(*client, *server);
  ASSERT_EQ(server->state(), Session::State::waiting_for_key);
  server.reset();
  EXPECT_NE(only_event(server_audit).reason.find("dropped"), std::string::npos);
  late.answer_all(lock_key());
  EXPECT_EQ(server_audit.events().size(), 1U);
}

TEST_F(RemoteKey, TheOwnerMayDestroyTheSessionWhenItMovesOn) {
  auto endpoint = this->endpoint({}, &late);
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options(kKcId));
  server->on_progress([&] { server.reset(); });
  pump(*client, *server);
  late.answer_all(lock_key());
  EXPECT_EQ(server, nullptr);
}

TEST_F(RemoteKey, TheEndpointMayGoBeforeItsSessions) {
  auto endpoint = this->endpoint({}, &late);
  auto waiting = endpoint->accept("p:1");
  auto fresh = endpoint->accept("p:2");
  auto client = this->client(psk_options(kKcId));
  pump(*client, *waiting);
  endpoint.reset();
  late.answer_all(lock_key());
  pump(*client, *waiting);
  EXPECT_EQ(waiting->state(), Session::State::established);
  auto second = this->client(psk_options(kKcId));
  pump(*second, *fresh);
  EXPECT_NE(fresh->failure().find("endpoint is closed"), std::string::npos) << fresh->failure();
}

TEST_F(RemoteKey, AbandonedWhileWaitingIsAuditedOnceAndFreesItsPlace) {
  auto endpoint = this->endpoint({.limits = {.waiting_key_fetches = 1}}, &late);
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options(kKcId));
  pump(*client, *server);
  server->abandon("handshake took longer than 15 s");
  expect_refused(*server, server_audit, "longer than 15 s");
  late.answer_all(lock_key());
  EXPECT_EQ(server->state(), Session::State::failed);

  auto second = endpoint->accept("p:2");
  auto other = this->client(psk_options(kKcId));
  pump(*other, *second);
  EXPECT_EQ(second->state(), Session::State::waiting_for_key);
}

TEST_F(RemoteKey, OnlySoManySessionsWait) {
  auto endpoint = this->endpoint({.limits = {.waiting_key_fetches = 2}}, &late);
  std::vector<std::unique_ptr<Session>> servers;
  std::vector<std::unique_ptr<Session>> clients;
  for (int i = 0; i < 3; ++i) {
    servers.push_back(endpoint->accept("p:1"));
    clients.push_back(this->client(psk_options(kKcId)));
    pump(*clients.back(), *servers.back());
  }
  EXPECT_EQ(servers[0]->state(), Session::State::waiting_for_key);
  EXPECT_EQ(servers[1]->state(), Session::State::waiting_for_key);
  expect_refused(*servers[2], server_audit, "more than 2 sessions wait for a key");
  EXPECT_NE(clients[2]->failure().find("alert 80"), std::string::npos) << clients[2]->failure();
}

TEST_F(RemoteKey, OctetsBeyondTheLimitEndTheWait) {
  auto endpoint = this->endpoint({.limits = {.handshake_octets = 2000}}, &late);
  auto server = endpoint->accept("p:1");
  auto client = this->client(psk_options(kKcId));
  pump(*client, *server);
  ASSERT_EQ(server->state(), Session::State::waiting_for_key);
  server->receive(Bytes(1500, 0));
  ASSERT_EQ(server->state(), Session::State::waiting_for_key);
  server->receive(Bytes(1500, 0));
  expect_refused(*server, server_audit, "handshake of more than 2000 octets");
}

TEST_F(RemoteKey, UnderACertificateSuiteTheEcdhPointIsNoIdentity) {
  auto endpoint = this->endpoint({}, &late);
  auto server = endpoint->accept("p:1");
  auto client = this->client(certificate_options());
  pump(*client, *server);
  EXPECT_EQ(server->state(), Session::State::established) << server->failure();
  EXPECT_TRUE(late.waiting.empty());
}

}  // namespace
}  // namespace latchkey::tls::test
