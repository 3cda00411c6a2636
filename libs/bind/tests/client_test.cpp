/// The client against our server, and against peers that misbehave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "latchkey/bind/http_client.h"
#include "support/fake_peer.h"
#include "support/harness.h"

namespace latchkey::bind::test {
namespace {

using codec::Operation;
using codec::RequestPrimitive;
using codec::ResponsePrimitive;
using codec::Rsc;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

constexpr milliseconds kTimeout{5'000};

RequestPrimitive request(int id, Operation op = Operation::retrieve) {
  RequestPrimitive request;
  request.op = op;
  request.to = "cse/a";
  request.from = "CAdmin";
  request.rqi = std::to_string(id);
  request.rvi = "3";
  return request;
}

/// "2000" for an answer, the error code and text else.
std::string text_of(const Result<ResponsePrimitive>& answer) {
  if (answer) return std::to_string(static_cast<int>(answer->rsc));
  return std::string(to_string(answer.error().code)) + ": " + answer.error().detail;
}

struct Client {
  Client(Reactor& loop, PeerOptions options)
      : reactor(loop),
        client(std::make_unique<HttpClient>(loop, std::move(options), audit, system_clock())) {}
  Client(Reactor& loop, std::uint16_t port, std::size_t connections = 4)
      : Client(loop, PeerOptions{.address = "127.0.0.1", .port = port, .connections = connections}) {}

  void send(RequestPrimitive primitive, milliseconds timeout = kTimeout) {
    const std::size_t place = answers.size();
    answers.emplace_back();
    client->send(std::move(primitive), timeout, [this, place](Result<ResponsePrimitive> answer) {
      EXPECT_EQ(answers[place], "") << "answered twice";
      answers[place] = text_of(answer);
      if (answer) last = *std::move(answer);
    });
  }
  std::string wait(std::size_t place) {
    drive(reactor, [&] { return !answers[place].empty(); });
    return answers[place];
  }
  std::string ask(RequestPrimitive primitive, milliseconds timeout = kTimeout) {
    send(std::move(primitive), timeout);
    return wait(answers.size() - 1);
  }

  Reactor& reactor;
  AuditRecorder audit;
  std::unique_ptr<HttpClient> client;
  std::vector<std::string> answers;
  ResponsePrimitive last;
};

std::string ok(int id) {
  return "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nX-M2M-RI: " + std::to_string(id) +
         "\r\nContent-Length: 0\r\n\r\n";
}

TEST(HttpClient, CarriesPrimitivesToOurServerAndBack) {
  PlainServer server;
  server.handler.answer = [](const IncomingRequest& incoming) {
    ResponsePrimitive response;
    response.rsc = Rsc::created;
    response.rqi = incoming.primitive.rqi;
    response.rvi = "3";
    response.content_location = "/cse/x";
    response.pc = incoming.primitive.pc;
    return response;
  };
  Client client(server.reactor, server.port);
  RequestPrimitive create = request(1, Operation::create);
  create.to = "//sp.example/cse";
  create.ty = 3;
  create.pc = codec::json::object{{"m2m:cnt", codec::json::object{{"rn", "x"}}}};
  const RequestPrimitive sent = create;
  EXPECT_EQ(client.ask(create), "2001");
  EXPECT_EQ(server.handler.requests.at(0).primitive, sent);
  EXPECT_EQ(client.last.content_location, "/cse/x");
  EXPECT_EQ(client.last.pc, sent.pc);
  EXPECT_EQ(client.last.rqi, "1");
}

TEST(HttpClient, ReusesItsConnection) {
  PlainServer server;
  Client client(server.reactor, server.port);
  for (int id = 0; id < 5; ++id) EXPECT_EQ(client.ask(request(id)), "2000");
  EXPECT_EQ(server.server->counters().connections_total, 1U);
}

TEST(HttpClient, QueuesAboveItsConnections) {
  PlainServer server;
  server.handler.hold = true;
  Client client(server.reactor, server.port, 2);
  for (int id = 0; id < 6; ++id) client.send(request(id));
  for (int id = 0; id < 6; ++id) {
    ASSERT_TRUE(drive(server.reactor, [&] { return !server.handler.waiting.empty(); }));
    drive_for(server.reactor, milliseconds(3));
    EXPECT_LE(server.handler.waiting.size(), 2U);
    server.handler.release();
  }
  for (std::size_t place = 0; place < 6; ++place) EXPECT_EQ(client.wait(place), "2000");
  EXPECT_EQ(server.server->counters().connections_total, 2U);
}

TEST(HttpClient, RefusesMoreThanItsQueueHolds) {
  PlainServer server;
  server.handler.hold = true;
  Client client(server.reactor, {.address = "127.0.0.1", .port = server.port, .connections = 1, .queue = 2});
  for (int id = 0; id < 3; ++id) client.send(request(id));
  EXPECT_EQ(client.answers[2], "") << "never from within send()";
  EXPECT_THAT(client.wait(2), StartsWith("unavailable: too many"));
  EXPECT_EQ(client.answers[0], "");
}

TEST(HttpClient, ResolvesHostNames) {
  PlainServer server;
  Client client(server.reactor, {.address = "localhost", .port = server.port});
  EXPECT_EQ(client.ask(request(1)), "2000");
  Client unknown(server.reactor, {.address = "no-such-host.invalid", .port = 1});
  EXPECT_THAT(unknown.ask(request(1)), StartsWith("unavailable: no-such-host.invalid:1: "));
}

TEST(HttpClient, SpeaksOverAUnixSocket) {
  PlainServer server;
  TemporaryFolder folder;
  ASSERT_TRUE(
      server.server->listen({.name = "u", .kind = ListenerKind::trusted_unix, .address = folder.file("s")}));
  Client client(server.reactor, {.address = folder.file("s")});
  EXPECT_EQ(client.ask(request(1)), "2000");
  EXPECT_EQ(server.handler.requests.at(0).listener, ListenerKind::trusted_unix);
}

TEST(HttpClient, APeerThatIsNotThereIsUnavailable) {
  Reactor reactor;
  std::uint16_t port = 0;
  { port = FakePeer(reactor).port; }
  Client client(reactor, port);
  client.send(request(1));
  client.send(request(2));
  EXPECT_THAT(client.wait(0), StartsWith("unavailable: 127.0.0.1:"));
  EXPECT_THAT(client.wait(1), StartsWith("unavailable: "));
  FakePeer late(reactor);
  Status connected = fail(ErrorCode::internal, "not called");
  client.client->connect([&](Status status) { connected = std::move(status); });
  EXPECT_TRUE(drive(reactor, [&] { return !connected && connected.error().code == ErrorCode::unavailable; }));
}

TEST(HttpClient, SendsTheHeadersOfTheBinding) {
  Reactor reactor;
  FakePeer peer(reactor);
  Client client(
      reactor,
      {.address = "127.0.0.1", .port = peer.port, .host = "in-cse.example:8443", .path_prefix = "/onem2m/"});
  client.send(request(7));
  EXPECT_EQ(
      peer.request(),
      "GET /onem2m/cse/a HTTP/1.1\r\nHost: in-cse.example:8443\r\nX-M2M-Origin: CAdmin\r\nX-M2M-RI: 7\r\n"
      "X-M2M-RVI: 3\r\nAccept: application/json\r\n\r\n");
  peer.answer(ok(7));
  EXPECT_EQ(client.wait(0), "2000");
}

TEST(HttpClient, ABareHttpStatusIsMapped) {
  Reactor reactor;
  FakePeer peer(reactor);
  Client client(reactor, peer.port);
  client.send(request(1, Operation::notify));
  peer.request();
  peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok");
  EXPECT_EQ(client.wait(0), "2000");
  client.send(request(2, Operation::notify));
  peer.request();
  peer.answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(client.wait(1), "4004");
}

TEST(HttpClient, SkipsInterimAnswers) {
  Reactor reactor;
  FakePeer peer(reactor);
  Client client(reactor, peer.port);
  client.send(request(1));
  peer.request();
  peer.answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok(1));
  EXPECT_EQ(client.wait(0), "2000");
}

TEST(HttpClient, AnAnswerMayArriveOctetByOctetOrChunkedOrUntilTheEnd) {
  Reactor reactor;
  FakePeer peer(reactor);
  Client client(reactor, peer.port);
  client.send(request(1));
  peer.request();
  const std::string head = "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nContent-Type: application/json\r\n";
  for (const char octet : head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\n") {
    peer.answer(std::string_view(&octet, 1));
    drive_for(reactor, milliseconds(0));
  }
  EXPECT_EQ(client.wait(0), "2000");
  EXPECT_EQ(client.last.pc, (codec::json::object{{"a", 1}}));
  client.send(request(2));
  peer.request();
  peer.answer(head + "\r\n{\"b\":1}");
  peer.end();
  EXPECT_EQ(client.wait(1), "2000");
  EXPECT_EQ(client.last.pc, (codec::json::object{{"b", 1}}));
}

TEST(HttpClient, NoAnswerInTimeIsExpiredAndTheConnectionIsNotUsedAgain) {
  Reactor reactor;
  FakePeer peer(reactor);
  Client client(reactor, peer.port);
  client.send(request(1), milliseconds(50));
  peer.request();
  EXPECT_THAT(client.wait(0), StartsWith("expired: "));
  client.send(request(2));
  EXPECT_THAT(peer.request(1), HasSubstr("X-M2M-RI: 2\r\n"));
  peer.answer(ok(1), 0);
  peer.answer(ok(2), 1);
  EXPECT_EQ(client.wait(1), "2000");
}

TEST(HttpClient, ARequestExpiresInTheQueueToo) {
  Reactor reactor;
  FakePeer peer(reactor);
  Client client(reactor, peer.port, 1);
  client.send(request(1));
  client.send(request(2), milliseconds(30));
  EXPECT_THAT(client.wait(1), StartsWith("expired: "));
  peer.request();
  peer.answer(ok(1));
  EXPECT_EQ(client.wait(0), "2000");
}

struct BadAnswer {
  const char* name;
  std::string octets;
  const char* reason;
};
class BadAnswers : public testing::TestWithParam<BadAnswer> {};
TEST_P(BadAnswers, AreErrorsAndEndTheConnection) {
  Reactor reactor;
  FakePeer peer(reactor);
  Client client(reactor, peer.port);
  client.send(request(1));
  peer.request();
  peer.answer(GetParam().octets);
  EXPECT_THAT(client.wait(0), StartsWith("invalid_argument: answer: "));
  EXPECT_THAT(client.answers[0], HasSubstr(GetParam().reason));
  client.send(request(2));
  EXPECT_THAT(peer.request(1), HasSubstr("X-M2M-RI: 2\r\n"));
  peer.answer(ok(2), 1);
  EXPECT_EQ(client.wait(1), "2000");
}
INSTANTIATE_TEST_SUITE_P(
    Peers, BadAnswers,
    testing::Values(
        BadAnswer{"no_http", "SSH-2.0-x\r\n\r\n", "version"},
        BadAnswer{"to_another_request", ok(2), "X-M2M-RI"},
        BadAnswer{"two_lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                  "Content-Length"},
        BadAnswer{"endless_header", "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'a'), "header"},
        BadAnswer{"large_body", "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", "content"},
        BadAnswer{"upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "upgrade"}),
    [](const testing::TestParamInfo<BadAnswer>& bad) { return std::string(bad.param.name); });

TEST(HttpClient, OctetsBehindAnAnswerAreNotTakenForTheNextOne) {
  Reactor reactor;
  FakePeer peer(reactor);
  Client client(reactor, peer.port);
  client.send(request(1));
  peer.request();
  peer.answer(ok(1) + ok(2));
  EXPECT_EQ(client.wait(0), "2000");
  client.send(request(2));
  EXPECT_THAT(peer.request(1), HasSubstr("X-M2M-RI: 2\r\n"));
}

// --- connections that were kept too long

TEST(Stale, AKeptConnectionThatEndedIsReplacedWithoutHarm) {
  Reactor reactor;
  FakePeer peer(reactor);
  Client client(reactor, peer.port);
  client.send(request(1));
  peer.request();
  peer.answer(ok(1));
  EXPECT_EQ(client.wait(0), "2000");
  peer.end();
  client.send(request(2));  // before the loop has seen the end
  const std::string repeated = peer.request(1);
  EXPECT_THAT(repeated, HasSubstr("X-M2M-RI: 2\r\n"));
  peer.answer(ok(2), 1);
  EXPECT_EQ(client.wait(1), "2000");
}

TEST(Stale, ACreateIsNotSentTwice) {
  Reactor reactor;
  FakePeer peer(reactor);
  Client client(reactor, peer.port);
  client.send(request(1));
  peer.request();
  peer.answer(ok(1));
  EXPECT_EQ(client.wait(0), "2000");
  client.send(request(2, Operation::create));
  EXPECT_THAT(peer.request(), HasSubstr("POST"));
  peer.end();
  EXPECT_THAT(client.wait(1), StartsWith("unavailable: "));
  EXPECT_EQ(peer.connections(), 1U);
}

TEST(Stale, ARetrieveIsRepeatedOnceOnly) {
  Reactor reactor;
  FakePeer peer(reactor);
  Client client(reactor, peer.port);
  client.send(request(1));
  peer.request();
  peer.answer(ok(1));
  EXPECT_EQ(client.wait(0), "2000");
  client.send(request(2));
  peer.request();
  peer.end(0);
  peer.request(1);
  peer.end(1);
  EXPECT_THAT(client.wait(1), StartsWith("unavailable: "));
  EXPECT_EQ(peer.connections(), 2U);
}

TEST(Stale, NothingIsRepeatedOnceAnAnswerHasBegun) {
  Reactor reactor;
  FakePeer peer(reactor);
  Client client(reactor, peer.port);
  client.send(request(1));
  peer.request();
  peer.answer(ok(1));
  EXPECT_EQ(client.wait(0), "2000");
  client.send(request(2));
  peer.request();
  peer.answer("HTTP/1.1 200");
  drive_for(reactor, milliseconds(5));
  peer.end();
  EXPECT_THAT(client.wait(1), StartsWith("unavailable: "));
}

TEST(HttpClient, ClosesIdleConnections) {
  PlainServer server;
  Client client(server.reactor, {.address = "127.0.0.1", .port = server.port, .idle_time = milliseconds(50)});
  EXPECT_EQ(client.ask(request(1)), "2000");
  EXPECT_TRUE(drive(server.reactor, [&] { return server.server->counters().connections_open == 0; }));
  EXPECT_EQ(client.ask(request(2)), "2000");
}

TEST(HttpClient, DisconnectFailsWhatIsUnderWayAndTheNextRequestConnectsAnew) {
  PlainServer server;
  server.handler.hold = true;
  Client client(server.reactor, server.port, 1);
  client.send(request(1));
  ASSERT_TRUE(drive(server.reactor, [&] { return !server.handler.waiting.empty(); }));
  client.client->disconnect();
  EXPECT_THAT(client.wait(0), StartsWith("unavailable: disconnected"));
  server.handler.hold = false;
  EXPECT_EQ(client.ask(request(2)), "2000");
  EXPECT_EQ(server.server->counters().connections_total, 2U);
}

TEST(HttpClient, AClientThatGoesAnswersWhatWasAsked) {
  PlainServer server;
  server.handler.hold = true;
  Client client(server.reactor, server.port, 1);
  client.send(request(1));
  client.send(request(2));
  drive_for(server.reactor, milliseconds(10));
  client.client.reset();
  EXPECT_THAT(client.wait(0), StartsWith("unavailable: "));
  EXPECT_THAT(client.wait(1), StartsWith("unavailable: "));
}

TEST(HttpClient, AnAnswerMaySendAndDestroy) {
  PlainServer server;
  Client client(server.reactor, server.port, 1);
  bool second = false;
  client.client->send(request(1), kTimeout, [&](Result<ResponsePrimitive>) {
    client.client->send(request(2), kTimeout, [&](Result<ResponsePrimitive> answer) {
      second = answer.has_value();
      client.client.reset();
    });
  });
  EXPECT_TRUE(drive(server.reactor, [&] { return second; }));
  EXPECT_EQ(client.client, nullptr);
}

TEST(HttpClient, WhatCannotBeWrittenIsRefusedBeforeItIsSent) {
  PlainServer server;
  Client client(server.reactor, server.port);
  RequestPrimitive bad = request(1);
  bad.from = "CAdmin\r\nX-M2M-Origin: CEvil";
  EXPECT_THAT(client.ask(bad), StartsWith("invalid_argument: X-M2M-Origin"));
  EXPECT_EQ(server.server->counters().connections_total, 0U);
}

TEST(HttpClient, WithoutTlsThereIsNoKeyAndNoContext) {
  PlainServer server;
  Client client(server.reactor, server.port, 1);
  EXPECT_EQ(client.client->export_key("EXPORTER-oneM2M-Connection", 48).error().code, ErrorCode::unavailable);
  bool connected = false;
  client.client->connect([&](Status status) { connected = status.has_value(); });
  ASSERT_TRUE(drive(server.reactor, [&] { return connected; }));
  EXPECT_EQ(client.client->export_key("EXPORTER-oneM2M-Connection", 48).error().code, ErrorCode::denied);
  EXPECT_EQ(client.client->context(), nullptr);
}

}  // namespace
}  // namespace latchkey::bind::test
