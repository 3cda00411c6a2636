/// Trusted listeners (the same-device case of TS-0003 7.1.2): who may connect, and what a web page cannot do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>

#include "support/harness.h"

namespace latchkey::bind::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string kGet = "GET /cse HTTP/1.1\r\nHost: x\r\nX-M2M-Origin: CAdmin\r\nX-M2M-RI: 1\r\n";

struct UnixServer {
  UnixServer()
      : server(std::make_unique<HttpServer>(reactor, HttpLimits{}, handler, audit, system_clock())) {}
  Result<std::uint16_t> listen(std::vector<std::uint32_t> uids = {}) {
    ListenerOptions options;
    options.name = "local";
    options.kind = ListenerKind::trusted_unix;
    options.address = path;
    options.uids = std::move(uids);
    return server->listen(std::move(options));
  }
  Reactor reactor;
  AuditRecorder audit;
  TestHandler handler;
  TemporaryFolder folder;
  std::string path = folder.file("cse.sock");
  std::unique_ptr<HttpServer> server;
};

TEST(TrustedUnix, CarriesRequestsOfItsOwnUser) {
  UnixServer server;
  ASSERT_TRUE(server.listen());
  EXPECT_THAT(RawPeer(server.reactor, server.path).send(kGet + "\r\n").answer(), StartsWith("HTTP/1.1 200"));
  const IncomingRequest& request = server.handler.requests.at(0);
  EXPECT_EQ(request.listener, ListenerKind::trusted_unix);
  EXPECT_EQ(request.security->framework, tls::Framework::trusted_listener);
  EXPECT_FALSE(request.security->identity);
  EXPECT_EQ(request.peer, "unix:uid=" + std::to_string(::geteuid()));
  EXPECT_EQ(request.peer_ip, std::nullopt);
}

TEST(TrustedUnix, TheSocketFileIsForItsOwnerOnlyAndGoesWithTheServer) {
  UnixServer server;
  ASSERT_TRUE(server.listen());
  struct stat info {};
  ASSERT_EQ(::stat(server.path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  server.server.reset();
  EXPECT_NE(::stat(server.path.c_str(), &info), 0);
}

TEST(TrustedUnix, AnotherUserIsRefusedAndAudited) {
  UnixServer server;
  ASSERT_TRUE(server.listen({::geteuid() + 1}));
  EXPECT_EQ(RawPeer(server.reactor, server.path).send(kGet + "\r\n").until_end(), "");
  EXPECT_TRUE(server.handler.requests.empty());
  const auto events = server.audit.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].id, AuditEventId::handshake_refused);
  EXPECT_THAT(events[0].reason, HasSubstr("user"));
}

TEST(TrustedUnix, AListedUserIsAdmitted) {
  UnixServer server;
  ASSERT_TRUE(server.listen({::geteuid() + 1, ::geteuid()}));
  EXPECT_THAT(RawPeer(server.reactor, server.path).send(kGet + "\r\n").answer(), StartsWith("HTTP/1.1 200"));
}

TEST(TrustedUnix, AStaleSocketFileIsReplaced) {
  UnixServer server;
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  server.path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(socket);
  EXPECT_TRUE(server.listen());
}

TEST(TrustedUnix, ASocketThatIsInUseIsLeftAlone) {
  UnixServer first;
  ASSERT_TRUE(first.listen());
  UnixServer second;
  second.path = first.path;
  const auto refused = second.listen();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  second.server.reset();
  EXPECT_THAT(RawPeer(first.reactor, first.path).send(kGet + "\r\n").answer(), StartsWith("HTTP/1.1 200"));
}

TEST(TrustedUnix, AFileThatIsNoSocketIsLeftAlone) {
  UnixServer server;
  std::ofstream(server.path) << "precious";
  const auto refused = server.listen();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("no socket"));
  std::string text;
  std::ifstream(server.path) >> text;
  EXPECT_EQ(text, "precious");
}

TEST(TrustedUnix, APathThatNoSocketCanHaveIsRefused) {
  UnixServer server;
  server.path = "/" + std::string(200, 'a');
  EXPECT_FALSE(server.listen());
}

TEST(TrustedTcp, TheHostMustBeListedExactly) {
  PlainServer server({}, ListenerKind::trusted_tcp);
  const auto ask = [&](const std::string& host) {
    return server.ask("GET /cse HTTP/1.1\r\nHost: " + host +
                      "\r\nX-M2M-Origin: CAdmin\r\nX-M2M-RI: 1\r\n\r\n");
  };
  EXPECT_THAT(ask("127.0.0.1:" + std::to_string(server.port)), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(server.handler.requests.at(0).security->framework, tls::Framework::trusted_listener);
  for (const std::string host : {"evil.example", "127.0.0.1:1", "127.0.0.1.evil.example", "localhost", ""}) {
    const std::string answer = ask(host);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 Forbidden\r\nX-M2M-RSC: 4106\r\n")) << host;
    EXPECT_THAT(answer, HasSubstr("Host"));
  }
  EXPECT_EQ(server.handler.requests.size(), 1U);
}

TEST(TrustedTcp, ARequestOfAWebPageIsRefused) {
  PlainServer server({}, ListenerKind::trusted_tcp);
  const std::string answer = server.ask(
      "GET /cse HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n"
      "X-M2M-Origin: CAdmin\r\nX-M2M-RI: 1\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 Forbidden\r\nX-M2M-RSC: 4106\r\n"));
  EXPECT_THAT(answer, HasSubstr("Origin"));
  EXPECT_TRUE(server.handler.requests.empty());
}

TEST(TrustedTcp, ASecondHostDoesNotHelp) {
  PlainServer server({}, ListenerKind::trusted_tcp);
  const std::string answer = server.ask(
      "GET /cse HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n"
      "X-M2M-Origin: CAdmin\r\nX-M2M-RI: 1\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403"));
}

}  // namespace
}  // namespace latchkey::bind::test
