/// The server by raw sockets: what TS-0009 and RFC 9112 demand of it, and what bad peers cost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cover.h"
#include "support/harness.h"
#include "support/messages.h"

namespace latchkey::bind::test {
namespace {

using codec::Rsc;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string get(int id, const std::string& more = {}) {
  return "GET /cse HTTP/1.1\r\nHost: h\r\nX-M2M-Origin: CAdmin\r\nX-M2M-RI: " + std::to_string(id) + "\r\n" +
         more + "\r\n";
}
std::string id_line(int id) { return "X-M2M-RI: " + std::to_string(id) + "\r\n"; }

HttpLimits quick() {
  HttpLimits limits;
  limits.handshake_time = limits.header_time = limits.body_time = milliseconds(150);
  limits.idle_time = milliseconds(300);
  return limits;
}

TEST(HttpServer, CarriesARequestAndItsAnswer) {
  PlainServer server;
  server.handler.answer = [](const IncomingRequest& request) {
    codec::ResponsePrimitive response;
    response.rsc = Rsc::created;
    response.rqi = request.primitive.rqi;
    response.content_location = "/cse/cnt1";
    response.pc = codec::json::object{{"m2m:cnt", codec::json::object{{"ri", "cnt1"}}}};
    return response;
  };
  const auto answer =
      server.ask(request_text("POST /~/cse", "Content-Type: application/json;ty=3\r\n", "{\"m2m:cnt\":{}}"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 201 Created\r\nX-M2M-RSC: 2001\r\nX-M2M-RI: 1\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Location: /cse/cnt1\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n{\"m2m:cnt\":{\"ri\":\"cnt1\"}}"));
  ASSERT_EQ(server.handler.requests.size(), 1U);
  EXPECT_EQ(server.handler.requests[0].primitive.to, "/cse");
  EXPECT_EQ(server.handler.requests[0].primitive.ty, 3U);
}

TEST(HttpServer, APlainListenerGivesNoIdentity) {
  PlainServer server;
  server.ask(get(1));
  ASSERT_EQ(server.handler.requests.size(), 1U);
  const IncomingRequest& request = server.handler.requests[0];
  ASSERT_TRUE(request.security);
  EXPECT_EQ(request.security->framework, tls::Framework::none);
  EXPECT_FALSE(request.security->identity);
  EXPECT_EQ(request.listener, ListenerKind::plain);
  EXPECT_EQ(request.listener_name, "test");
}

TEST(HttpServer, TellsTheSourceAddressOfTheRequest) {
  latchkey::test::cover({"7.1.2-T11"});
  PlainServer server;
  server.ask(get(1));
  const IncomingRequest& request = server.handler.requests.at(0);
  EXPECT_THAT(request.peer, StartsWith("127.0.0.1:"));
  const std::array<std::uint8_t, 16> loopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  EXPECT_EQ(request.peer_ip, loopback);
}

TEST(HttpServer, AChannelWithoutTlsExportsNoKey) {
  PlainServer server;
  auto peer = server.peer();
  peer.send(get(1)).answer();
  peer.send(get(2)).answer();
  const auto first = server.handler.requests.at(0).channel.lock();
  const auto second = server.handler.requests.at(1).channel.lock();
  ASSERT_TRUE(first);
  EXPECT_EQ(first, second);
  const auto key = first->export_key("EXPORTER-oneM2M-Connection", 48);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, ErrorCode::denied);
  auto other = server.peer();
  other.send(get(3)).answer();
  EXPECT_NE(server.handler.requests.at(2).channel.lock()->id(), first->id());
}

TEST(HttpServer, PipelinedRequestsAreAnsweredInOrderOneAtATime) {
  PlainServer server;
  server.handler.hold = true;
  auto peer = server.peer();
  peer.send(get(1) + get(2) + get(3));
  for (int id = 1; id <= 3; ++id) {
    ASSERT_TRUE(drive(server.reactor, [&] { return !server.handler.waiting.empty(); }));
    drive_for(server.reactor, milliseconds(5));
    EXPECT_EQ(server.handler.waiting.size(), 1U);
    server.handler.release();
    EXPECT_THAT(peer.answer(), HasSubstr(id_line(id)));
  }
}

TEST(HttpServer, APipelinedRequestIsNotHandledFromWithinAnotherOne) {
  PlainServer server;
  server.handler.hold = true;
  auto first = server.peer();
  first.send(get(1) + get(2));
  ASSERT_TRUE(drive(server.reactor, [&] { return !server.handler.waiting.empty(); }));
  server.handler.hold = false;
  int inside = 0;
  server.handler.answer = [&](const IncomingRequest& request) {
    EXPECT_EQ(inside++, 0) << request.primitive.rqi << " runs in the middle of another request";
    // As a poll that takes over ends the one before.
    if (!server.handler.waiting.empty()) server.handler.release();
    --inside;
    codec::ResponsePrimitive response;
    response.rsc = codec::Rsc::ok;
    return response;
  };
  auto second = server.peer();
  EXPECT_THAT(second.send(get(3)).answer(), HasSubstr(id_line(3)));
  EXPECT_THAT(first.answer(), HasSubstr(id_line(1)));
  EXPECT_THAT(first.answer(), HasSubstr(id_line(2)));
}

TEST(HttpServer, ThousandPipelinedRequestsAreAllAnswered) {
  PlainServer server;
  std::string all;
  for (int id = 1; id <= 1000; ++id) all += get(id);
  auto peer = server.peer();
  peer.send(all);
  for (int id = 1; id <= 1000; ++id) ASSERT_THAT(peer.answer(), HasSubstr(id_line(id)));
}

TEST(HttpServer, ARequestMayArriveOctetByOctet) {
  PlainServer server;
  auto peer = server.peer();
  for (const char octet : request_text("PUT /a", "Content-Type: application/json\r\n", "{\"m2m:x\":{}}")) {
    peer.send(std::string_view(&octet, 1));
    drive_for(server.reactor, milliseconds(0));
  }
  EXPECT_THAT(peer.answer(), StartsWith("HTTP/1.1 200 OK"));
}

TEST(HttpServer, KeepAliveFollowsVersionAndConnection) {
  PlainServer server;
  EXPECT_THAT(server.peer().send(get(1, "Connection: close\r\n")).until_end(),
              HasSubstr("\r\nConnection: close\r\n"));
  std::string old = get(2);
  old.replace(old.find("HTTP/1.1"), 8, "HTTP/1.0");
  EXPECT_THAT(server.peer().send(old).until_end(), HasSubstr("\r\nConnection: close\r\n"));
  auto peer = server.peer();
  EXPECT_THAT(peer.send(get(3)).answer(), Not(HasSubstr("Connection:")));
  EXPECT_THAT(peer.send(get(4)).answer(), HasSubstr(id_line(4)));
}

TEST(HttpServer, APeerMayEndItsSideBehindItsLastRequest) {
  PlainServer server;
  server.handler.hold = true;
  auto peer = server.peer();
  peer.send(get(1) + get(2)).end_sending();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(drive(server.reactor, [&] { return !server.handler.waiting.empty(); }));
    drive_for(server.reactor, milliseconds(5));
    server.handler.release();
  }
  const std::string all = peer.until_end();
  EXPECT_THAT(all, HasSubstr(id_line(1)));
  EXPECT_THAT(all, HasSubstr(id_line(2)));
  EXPECT_TRUE(drive(server.reactor, [&] { return server.server->counters().connections_open == 0; }));
}

TEST(HttpServer, EmptyLinesBeforeARequestAreIgnored) {
  PlainServer server;
  EXPECT_THAT(server.ask("\r\n\r\n" + get(1)), StartsWith("HTTP/1.1 200"));
}

// --- Expect: 100-continue (RFC 9110 10.1.1)

TEST(Expect, TheBodyIsAskedForWhenTheHeadIsAcceptable) {
  PlainServer server;
  auto peer = server.peer();
  const std::string text =
      request_text("PUT /a", "Content-Type: application/json\r\nExpect: 100-continue\r\n", "{\"m2m:x\":{}}");
  const auto body = text.find("\r\n\r\n") + 4;
  peer.send(text.substr(0, body));
  ASSERT_TRUE(drive(server.reactor, [&] {
    peer.poll();
    return !peer.received().empty();
  }));
  EXPECT_EQ(peer.received(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(server.handler.requests.empty());
  peer.send(text.substr(body));
  EXPECT_EQ(peer.answer(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(peer.answer(), StartsWith("HTTP/1.1 200 OK"));
}

TEST(Expect, ABodyThatIsThereAlreadyIsNotAskedFor) {
  PlainServer server;
  EXPECT_THAT(server.ask(request_text("PUT /a", "Content-Type: application/json\r\nExpect: 100-continue\r\n",
                                      "{\"m2m:x\":{}}")),
              StartsWith("HTTP/1.1 200 OK"));
}

TEST(Expect, AnUnacceptableHeadIsAnsweredInsteadAndTheConnectionEnds) {
  PlainServer server;
  const std::string text =
      request_text("PUT /a", "Content-Type: application/xml\r\nExpect: 100-continue\r\n", "<a/>");
  const std::string answer = server.peer().send(text.substr(0, text.find("\r\n\r\n") + 4)).until_end();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 415 "));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
}

TEST(Expect, AnythingElseIs417) {
  PlainServer server;
  const std::string answer = server.peer().send(get(1, "Expect: a-miracle\r\n")).until_end();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 417 "));
  EXPECT_THAT(answer, HasSubstr("X-M2M-RSC: 4000"));
}

// --- bad input

TEST(BadInput, WhatIsMalformedGets400With4000AndAReason) {
  PlainServer server;
  for (const auto& [text, reason] : std::vector<std::pair<std::string, std::string>>{
           {"nonsense\r\n\r\n", "message"},
           {"POST /a HTTP/1.1\r\nHost: h\r\nX-M2M-RI: 7\r\nContent-Length: 3\r\nTransfer-Encoding: "
            "chunked\r\n\r\n",
            "Transfer-Encoding"},
           {get(1, "X-Folded: a\r\n b\r\n"), "obs-fold"}}) {
    const std::string answer = server.peer().send(text).until_end();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\nX-M2M-RSC: 4000\r\n")) << text;
    EXPECT_THAT(answer, HasSubstr("{\"m2m:dbg\":\""));
    EXPECT_THAT(answer, HasSubstr(reason));
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  }
  EXPECT_EQ(server.server->counters().malformed, 3U);
  EXPECT_TRUE(server.handler.requests.empty());
}

TEST(BadInput, NothingBehindAMalformedMessageIsTakenForARequest) {
  PlainServer server;
  const std::string answer =
      server.peer()
          .send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n" + get(1))
          .until_end();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer, Not(HasSubstr("200 OK")));
  EXPECT_TRUE(server.handler.requests.empty());
}

TEST(BadInput, ARequestThatCannotBeMappedLeavesTheConnectionUsable) {
  PlainServer server;
  auto peer = server.peer();
  EXPECT_THAT(peer.send(get(1, "X-M2M-OT: x\r\n")).answer(), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(peer.send(request_text("POST /a", "Content-Type: text/plain;ty=3\r\n", "<a/>")).answer(),
              StartsWith("HTTP/1.1 415 "));
  EXPECT_THAT(peer.send(request_text("PATCH /a", "Content-Type: application/json\r\n", "{}")).answer(),
              HasSubstr("X-M2M-RSC: 4005"));
  EXPECT_THAT(peer.send(get(2, "Accept: text/html\r\n")).answer(),
              StartsWith("HTTP/1.1 406 Not Acceptable\r\nX-M2M-RSC: 5207"));
  EXPECT_THAT(peer.send(get(3)).answer(), StartsWith("HTTP/1.1 200 OK"));
  EXPECT_EQ(server.handler.requests.size(), 1U);
}

TEST(BadInput, HeadIs405WithoutBody) {
  PlainServer server;
  auto peer = server.peer();
  const std::string answer = peer.send(request_text("HEAD /a") + get(2)).answer();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(answer, HasSubstr("Allow: GET, POST, PUT, DELETE"));
  EXPECT_THAT(answer, testing::EndsWith("Content-Length: 0\r\n\r\n"));
  EXPECT_THAT(peer.answer(), HasSubstr(id_line(2)));
}

TEST(BadInput, AnAnswerThatWouldBreakTheHeaderBecomes5000) {
  PlainServer server;
  server.handler.answer = [](const IncomingRequest&) {
    codec::ResponsePrimitive response;
    response.rsc = Rsc::ok;
    response.content_location = "/a\r\nX-M2M-RSC: 2001";
    return response;
  };
  const std::string answer = server.ask(get(1));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 Internal Server Error\r\nX-M2M-RSC: 5000\r\nX-M2M-RI: 1\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("2001")));
}

TEST(BadInput, ARequestThatTheHandlerDropsGets5000) {
  PlainServer server;
  server.handler.drop = true;
  EXPECT_THAT(server.ask(get(1)), HasSubstr("X-M2M-RSC: 5000\r\nX-M2M-RI: 1\r\n"));
}

// --- limits

TEST(Limits, BodyOfTheLimitPassesOneMoreGets413) {
  HttpLimits limits;
  limits.primitive.octets = 100;
  PlainServer server(limits);
  const std::string body = "{\"m2m:x\":\"" + std::string(88, 'a') + "\"}";
  ASSERT_EQ(body.size(), 100U);
  EXPECT_THAT(server.ask(request_text("PUT /a", "Content-Type: application/json\r\n", body)),
              StartsWith("HTTP/1.1 200"));
  const std::string over = server.peer()
                               .send(request_text("PUT /a", "Content-Type: application/json\r\n", body + " "))
                               .until_end();
  EXPECT_THAT(over, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(over, HasSubstr("X-M2M-RI: 1\r\n"));
  EXPECT_THAT(over, HasSubstr("100 octets"));
}

TEST(Limits, AnUploadThatIsRefusedStillGetsItsAnswer) {
  HttpLimits limits;
  limits.primitive.octets = 100;
  PlainServer server(limits);
  const std::string over =
      server.peer()
          .send(request_text("PUT /a", "Content-Type: application/json\r\n", std::string(4'000'000, 'a')))
          .until_end();
  EXPECT_THAT(over, StartsWith("HTTP/1.1 413 "));
}

TEST(Limits, AHeaderThatNeverEndsGets431) {
  PlainServer server;
  EXPECT_THAT(server.peer().send("GET /a HTTP/1.1\r\nX: " + std::string(20'000, 'a')).until_end(),
              StartsWith("HTTP/1.1 431 "));
}

TEST(Limits, RequestsInFlightAboveTheLimitAreShed) {
  HttpLimits limits;
  limits.requests_in_flight = 2;
  PlainServer server(limits);
  server.handler.hold = true;
  auto first = server.peer();
  auto second = server.peer();
  auto third = server.peer();
  first.send(get(1));
  second.send(get(2));
  ASSERT_TRUE(drive(server.reactor, [&] { return server.handler.waiting.size() == 2; }));
  const std::string shed = third.send(get(3)).answer();
  EXPECT_THAT(shed, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(shed, HasSubstr("\r\nRetry-After: 1\r\n"));
  EXPECT_THAT(shed, HasSubstr(id_line(3)));
  EXPECT_EQ(server.handler.requests.size(), 2U);
  EXPECT_EQ(server.server->counters().shed, 1U);
  server.handler.release();
  EXPECT_THAT(first.answer(), HasSubstr(id_line(1)));
  third.send(get(4));
  EXPECT_TRUE(drive(server.reactor, [&] { return server.handler.requests.size() == 3; }));
}

TEST(Limits, AParkedRequestKeepsNobodyOut) {
  HttpLimits limits;
  limits.requests_in_flight = 1;
  PlainServer server(limits);
  server.handler.hold = true;
  auto poller = server.peer();
  auto other = server.peer();
  poller.send(get(1));
  ASSERT_TRUE(drive(server.reactor, [&] { return server.handler.waiting.size() == 1; }));
  server.handler.requests.front().channel.lock()->park();
  other.send(get(2));
  ASSERT_TRUE(drive(server.reactor, [&] { return server.handler.waiting.size() == 2; }));
  EXPECT_EQ(server.server->counters().shed, 0U);
  // Its answer gives back nothing a second time: there is still one place only.
  server.handler.release();
  EXPECT_THAT(poller.answer(), HasSubstr(id_line(1)));
  EXPECT_THAT(poller.send(get(3)).answer(), StartsWith("HTTP/1.1 503 "));
}

TEST(Limits, ConnectionsAboveTheLimitAreClosedAtOnce) {
  HttpLimits limits;
  limits.connections = 2;
  PlainServer server(limits);
  auto first = server.peer();
  auto second = server.peer();
  first.send(get(1)).answer();
  second.send(get(2)).answer();
  EXPECT_EQ(server.peer().until_end(), "");
  EXPECT_THAT(first.send(get(3)).answer(), HasSubstr(id_line(3)));
  EXPECT_EQ(server.server->counters().connections_open, 2U);
}

TEST(Limits, ASlowHeaderGets408) {
  PlainServer server(quick());
  auto peer = server.peer();
  peer.send("GET /a HTTP/1.1\r\n");
  const std::string answer = peer.until_end();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(answer, HasSubstr("X-M2M-RSC: 4008"));
}

TEST(Limits, AHeaderThatTricklesGetsNoMoreTime) {
  PlainServer server(quick());
  auto peer = server.peer();
  const auto begin = std::chrono::steady_clock::now();
  peer.send("GET /a HTTP/1.1\r\n");
  while (!peer.ended() && std::chrono::steady_clock::now() - begin < std::chrono::seconds(10)) {
    peer.send("X: y\r\n");
    drive_for(server.reactor, milliseconds(10));
    peer.poll();
  }
  EXPECT_THAT(peer.received(), StartsWith("HTTP/1.1 408 "));
}

TEST(Limits, ASlowBodyGets408) {
  PlainServer server(quick());
  const std::string text = request_text("PUT /a", "Content-Type: application/json\r\n", "{\"m2m:x\":{}}");
  EXPECT_THAT(server.peer().send(text.substr(0, text.size() - 1)).until_end(), StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(server.handler.requests.empty());
}

TEST(Limits, AnIdleConnectionIsClosed) {
  PlainServer server(quick());
  auto peer = server.peer();
  peer.send(get(1)).answer();
  EXPECT_EQ(peer.until_end(), "");
  EXPECT_EQ(server.peer().until_end(), "");
}

TEST(Limits, APeerThatDoesNotReadItsAnswerIsCutOff) {
  PlainServer server(quick());
  server.handler.answer = [](const IncomingRequest& request) {
    codec::ResponsePrimitive response;
    response.rsc = Rsc::ok;
    response.rqi = request.primitive.rqi;
    response.pc = codec::json::object{{"m2m:cin", std::string(8'000'000, 'a')}};
    return response;
  };
  auto peer = server.peer();
  peer.send(get(1) + get(2));
  EXPECT_TRUE(drive(server.reactor, [&] { return server.server->counters().connections_total == 1; }));
  EXPECT_TRUE(drive(server.reactor, [&] { return server.server->counters().connections_open == 0; }));
  EXPECT_EQ(server.handler.requests.size(), 1U) << "the second waits until the first is read";
}

TEST(Limits, ALargeAnswerArrivesWhole) {
  PlainServer server;
  server.handler.answer = [](const IncomingRequest& request) {
    codec::ResponsePrimitive response;
    response.rsc = Rsc::ok;
    response.rqi = request.primitive.rqi;
    response.pc = codec::json::object{{"m2m:cin", std::string(8'000'000, 'a')}};
    return response;
  };
  auto peer = server.peer();
  peer.send(get(1) + get(2));
  EXPECT_GT(peer.answer().size(), 8'000'000U);
  EXPECT_THAT(peer.answer(), HasSubstr(id_line(2)));
}

// --- peers that vanish

TEST(Vanish, MidHeaderMidBodyAndMidAnswerCostNothingButThemselves) {
  PlainServer server;
  server.handler.hold = true;
  const std::string text = request_text("PUT /a", "Content-Type: application/json\r\n", "{\"m2m:x\":{}}");
  for (std::size_t i = 0; i < 50; ++i) {
    auto header = server.peer();
    auto body = server.peer();
    auto answer = server.peer();
    header.send(text.substr(0, 30));
    body.send(text.substr(0, text.size() - 5));
    answer.send(text);
    ASSERT_TRUE(drive(server.reactor, [&] { return server.handler.requests.size() == i + 1; }));
    header.vanish();
    body.vanish();
    answer.vanish();
  }
  EXPECT_TRUE(drive(server.reactor, [&] { return server.server->counters().connections_open == 0; }));
  while (!server.handler.waiting.empty()) server.handler.release();
  server.handler.hold = false;
  EXPECT_THAT(server.ask(get(1)), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(server.handler.requests[0].channel.expired());
}

TEST(Vanish, AnsweringAfterTheServerIsGoneIsHarmless) {
  PlainServer server;
  server.handler.hold = true;
  auto peer = server.peer();
  peer.send(get(1));
  ASSERT_TRUE(drive(server.reactor, [&] { return !server.handler.waiting.empty(); }));
  server.server.reset();
  server.handler.release();
  EXPECT_EQ(peer.until_end(), "");
}

TEST(Flood, AThousandHalfOpenConnectionsDoNotKeepAGoodClientOut) {
  PlainServer server;
  std::vector<RawPeer> flood;
  for (int i = 0; i < 1000; ++i) {
    flood.push_back(server.peer());
    if (i % 2 == 0) flood.back().send("GET /");
    if (i % 50 == 0) drive_for(server.reactor, milliseconds(1));
  }
  EXPECT_THAT(server.ask(get(1)), StartsWith("HTTP/1.1 200"));
  EXPECT_LE(server.server->counters().connections_open, 201U)
      << "200 half-open ones of one source, and the good one";
  flood[0].poll();
  EXPECT_TRUE(flood[0].ended()) << "the oldest go first";
  flood[999].poll();
  EXPECT_FALSE(flood[999].ended());
}

TEST(Flood, HalfOpenConnectionsOfAllSourcesAreLimitedToo) {
  HttpLimits limits;
  limits.handshakes = 10;
  PlainServer server(limits);
  std::vector<RawPeer> flood;
  for (int i = 0; i < 20; ++i) flood.push_back(server.peer());
  ASSERT_TRUE(drive(server.reactor, [&] { return server.server->counters().connections_total == 20; }));
  EXPECT_EQ(server.server->counters().connections_open, 10U);
}

// --- drain

TEST(Drain, AnswersWhatIsInFlightAndClosesTheRest) {
  PlainServer server;
  auto idle = server.peer();
  idle.send(get(1)).answer();
  server.handler.hold = true;
  auto busy = server.peer();
  busy.send(get(2));
  ASSERT_TRUE(drive(server.reactor, [&] { return !server.handler.waiting.empty(); }));
  bool drained = false;
  server.server->drain(std::chrono::seconds(10), [&] { drained = true; });
  EXPECT_EQ(idle.until_end(), "");
  EXPECT_FALSE(drained);
  server.handler.release();
  const std::string last = busy.until_end();
  EXPECT_THAT(last, HasSubstr(id_line(2)));
  EXPECT_THAT(last, HasSubstr("Connection: close"));
  busy.vanish();
  idle.vanish();
  EXPECT_TRUE(drive(server.reactor, [&] { return drained; }));
  EXPECT_EQ(RawPeer(server.reactor, server.port).until_end(), "");
}

TEST(Drain, CutsOffAtTheLimit) {
  PlainServer server;
  server.handler.hold = true;
  auto busy = server.peer();
  busy.send(get(1));
  ASSERT_TRUE(drive(server.reactor, [&] { return !server.handler.waiting.empty(); }));
  bool drained = false;
  server.server->drain(milliseconds(30), [&] { drained = true; });
  EXPECT_TRUE(drive(server.reactor, [&] { return drained; }));
  EXPECT_EQ(busy.until_end(), "");
}

TEST(Drain, WithoutConnectionsIsDoneAtOnce) {
  PlainServer server;
  bool drained = false;
  server.server->drain(std::chrono::seconds(10), [&] { drained = true; });
  EXPECT_TRUE(drive(server.reactor, [&] { return drained; }));
}

// --- listeners

TEST(Listen, RefusesWhatItCannotBind) {
  PlainServer server;
  const auto code = [&](ListenerOptions options) {
    options.name = "bad";
    const auto result = server.server->listen(std::move(options));
    return result ? "ok" : std::string(to_string(result.error().code)) + ": " + result.error().detail;
  };
  EXPECT_THAT(code({.kind = ListenerKind::plain, .address = "localhost"}), HasSubstr("no IP address"));
  EXPECT_THAT(code({.kind = ListenerKind::plain, .address = "127.0.0.1", .port = server.port}),
              HasSubstr("bind"));
  EXPECT_THAT(code({.kind = ListenerKind::secure, .address = "127.0.0.1"}), HasSubstr("no TLS endpoint"));
  EXPECT_THAT(code({.kind = ListenerKind::trusted_tcp, .address = "0.0.0.0", .hosts = {"a"}}),
              HasSubstr("no loopback"));
  EXPECT_THAT(code({.kind = ListenerKind::trusted_tcp, .address = "127.0.0.1"}), HasSubstr("no Host"));
  EXPECT_THAT(code({.kind = ListenerKind::trusted_unix, .address = "127.0.0.1"}), HasSubstr("path"));
}

}  // namespace
}  // namespace latchkey::bind::test
