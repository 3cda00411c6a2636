#include "latchkey/bind/web_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/harness.h"

namespace latchkey::bind::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Web {
  Web() {
    ListenerOptions listener;
    listener.name = "web";
    listener.kind = ListenerKind::plain;
    listener.address = "127.0.0.1";
    port = server.listen(std::move(listener)).value();
  }
  static HttpLimits limits() {
    HttpLimits limits;
    limits.primitive.octets = 64;
    return limits;
  }
  RawPeer peer() { return RawPeer(reactor, port); }

  Reactor reactor;
  AuditRecorder audit;
  std::vector<WebRequest> requests;
  WebAnswer answer;
  WebServer server{reactor, limits(),
                   [this](WebRequest request, WebServer::Respond respond) {
                     requests.push_back(std::move(request));
                     respond(answer);
                   },
                   audit, system_clock()};
  std::uint16_t port = 0;
};

TEST(WebServer, TakesARequestThatIsNoPrimitive) {
  Web web;
  auto peer = web.peer();
  peer.send(
      "POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: "
      "7\r\n\r\n{\"a\":1}");
  ASSERT_TRUE(drive(web.reactor, [&] {
    peer.poll();
    return peer.received().ends_with("\r\n\r\n");
  }));
  const std::string answer = peer.take();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(answer, testing::Not(HasSubstr("Content-Length")));
  ASSERT_EQ(web.requests.size(), 1U);
  EXPECT_EQ(web.requests[0].method, "POST");
  EXPECT_EQ(web.requests[0].target, "/a?b=c");
  EXPECT_EQ(web.requests[0].content_type, "application/json");
  EXPECT_EQ(web.requests[0].body, "{\"a\":1}");
  EXPECT_EQ(web.requests[0].security->framework, tls::Framework::none);

  web.answer = {.status = 200, .content_type = "application/json", .body = "{}"};
  EXPECT_THAT(peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").answer(),
              testing::AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), testing::EndsWith("\r\n\r\n{}")))
      << "on the same connection";
  web.answer = {.status = 200, .content_type = "a\r\nX: y", .body = "{}"};
  EXPECT_THAT(peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").answer(), StartsWith("HTTP/1.1 500 "));
}

TEST(WebServer, RefusesWhatIsTooLargeOrNoHttp) {
  Web web;
  EXPECT_THAT(web.peer().send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65\r\n\r\n").answer(),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(web.peer().send("nonsense\r\n\r\n").answer(), StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(web.requests.empty());
}

TEST(WebServer, ListensWithoutTlsOnLoopbackOnly) {
  Web web;
  for (const auto* address : {"0.0.0.0", "192.0.2.1", "host.example"}) {
    ListenerOptions listener;
    listener.name = "web";
    listener.kind = ListenerKind::plain;
    listener.address = address;
    const auto port = web.server.listen(std::move(listener));
    ASSERT_FALSE(port) << address;
    EXPECT_THAT(port.error().detail, HasSubstr("loopback"));
  }
}

}  // namespace
}  // namespace latchkey::bind::test
