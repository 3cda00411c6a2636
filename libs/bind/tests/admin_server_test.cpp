#include "latchkey/bind/admin_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/harness.h"

namespace latchkey::bind::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Admin {
  Admin() {
    server.route("GET", "/healthz", [this](const AdminRequest& request) {
      requests.push_back(request);
      return AdminResponse{.body = "ok\n"};
    });
    server.route("GET", "/broken",
                 [](const AdminRequest&) -> AdminResponse { throw std::runtime_error("secret"); });
    server.route("GET", "/split",
                 [](const AdminRequest&) { return AdminResponse{.content_type = "a\r\nX: y"}; });
    server.route("POST", "/reload",
                 [](const AdminRequest&) { return AdminResponse{.status = 503, .body = "no\n"}; });
  }
  Reactor reactor;
  AdminServer server{reactor};
  std::vector<AdminRequest> requests;
  TemporaryFolder folder;
  std::string path = folder.file("admin.sock");
};

TEST(AdminServer, AnswersCurlOverItsUnixSocket) {
  Admin admin;
  ASSERT_TRUE(admin.server.listen({.unix_path = admin.path}));
  const auto curl = [&](const std::string& url) {
    return run_program(admin.reactor,
                       {"curl", "-sS", "-i", "--unix-socket", admin.path, "http://admin" + url});
  };
  const std::string answer = curl("/healthz?a=b+c&d=%26");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\nok\n"));
  ASSERT_EQ(admin.requests.size(), 1U);
  EXPECT_EQ(admin.requests[0].method, "GET");
  EXPECT_EQ(admin.requests[0].path, "/healthz");
  EXPECT_EQ(admin.requests[0].query, (std::map<std::string, std::string>{{"a", "b c"}, {"d", "&"}}));
  EXPECT_EQ(admin.requests[0].peer_uid, ::geteuid());
  EXPECT_THAT(curl("/other"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(curl("/reload"), StartsWith("HTTP/1.1 405 "));
}

TEST(AdminServer, AFailingHandlerCostsItsRequestOnly) {
  Admin admin;
  ASSERT_TRUE(admin.server.listen({.unix_path = admin.path}));
  RawPeer peer(admin.reactor, admin.path);
  const std::string failed = peer.send("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n").answer();
  EXPECT_THAT(failed, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(failed, testing::Not(HasSubstr("secret")));
  EXPECT_THAT(peer.send("GET /split HTTP/1.1\r\nHost: a\r\n\r\n").answer(), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(peer.send("POST /reload HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").answer(),
              StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(peer.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").answer(), StartsWith("HTTP/1.1 200 "));
}

TEST(AdminServer, RefusesMalformedRequests) {
  Admin admin;
  ASSERT_TRUE(admin.server.listen({.unix_path = admin.path}));
  for (const char* target : {"/healthz?a=%zz", "/healthz?=b", "/healthz?a=1&a=2"}) {
    RawPeer peer(admin.reactor, admin.path);
    EXPECT_THAT(peer.send("GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n").answer(),
                StartsWith("HTTP/1.1 400 "))
        << target;
  }
  RawPeer peer(admin.reactor, admin.path);
  EXPECT_THAT(peer.send("nonsense\r\n\r\n").until_end(), StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(admin.requests.empty());
}

TEST(AdminServer, OnTcpNeedsLoopbackHostAndNoOrigin) {
  Admin admin;
  const auto port = admin.server.listen({.address = "127.0.0.1", .hosts = {"localhost"}});
  ASSERT_TRUE(port) << port.error().detail;
  const auto ask = [&](const std::string& lines) {
    return RawPeer(admin.reactor, *port).send("GET /healthz HTTP/1.1\r\n" + lines + "\r\n").answer();
  };
  EXPECT_THAT(ask("Host: localhost:" + std::to_string(*port) + "\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask("Host: evil.example\r\n"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(ask("Host: localhost\r\nOrigin: http://localhost\r\n"), StartsWith("HTTP/1.1 403 "));
}

TEST(AdminServer, RefusesOtherListeners) {
  Admin admin;
  const auto code = [&](AdminOptions options) {
    const auto result = admin.server.listen(std::move(options));
    return result ? ErrorCode::internal : result.error().code;
  };
  EXPECT_EQ(code({}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({.unix_path = admin.path, .address = "127.0.0.1"}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({.address = "0.0.0.0", .hosts = {"a"}}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({.address = "127.0.0.1"}), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace latchkey::bind::test
