/// Another implementation of HTTP at the other end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/harness.h"

namespace latchkey::bind::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Curl {
  std::string operator()(std::vector<std::string> more, const std::string& path = "/~/cse/a") {
    std::vector<std::string> arguments = {
        "curl", "-sS",         "-i", "-m",          "10", "-H", "X-M2M-Origin: CAdmin",
        "-H",   "X-M2M-RI: 1", "-H", "X-M2M-RVI: 3"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.push_back("http://127.0.0.1:" + std::to_string(server.port) + path);
    return run_program(server.reactor, arguments);
  }
  PlainServer server;
};

TEST(Curl, EveryOperation) {
  Curl curl;
  const std::string json = "Content-Type: application/json";
  EXPECT_THAT(curl({}), StartsWith("HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nX-M2M-RI: 1\r\nX-M2M-RVI: 3\r\n"));
  EXPECT_THAT(curl({"-X", "DELETE"}), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(curl({"-X", "PUT", "-H", json, "-d", "{\"m2m:cnt\":{}}"}), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(curl({"-H", json + ";ty=3", "-d", "{\"m2m:cnt\":{}}"}), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(curl({"-H", "Content-Type: application/vnd.onem2m-ntfy+json", "-d", "{\"m2m:sgn\":{}}"}),
              StartsWith("HTTP/1.1 200"));
  const std::vector<codec::Operation> expected = {codec::Operation::retrieve, codec::Operation::del,
                                                  codec::Operation::update, codec::Operation::create,
                                                  codec::Operation::notify};
  ASSERT_EQ(curl.server.handler.requests.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(curl.server.handler.requests[i].primitive.op, expected[i]);
}

TEST(Curl, ALargeBodyAsksForContinue) {
  Curl curl;
  TemporaryFolder folder;
  const std::string file =
      folder.write("body", "{\"m2m:cin\":{\"con\":\"" + std::string(1'040'000, 'a') + "\"}}");
  EXPECT_THAT(curl({"-X", "PUT", "-H", "Content-Type: application/json", "-H", "Expect: 100-continue",
                    "--data-binary", "@" + file}),
              HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_EQ(curl.server.handler.requests.size(), 1U);
}

TEST(Curl, AChunkedBody) {
  Curl curl;
  EXPECT_THAT(curl({"-X", "PUT", "-H", "Content-Type: application/json", "-H", "Transfer-Encoding: chunked",
                    "-d", "{\"m2m:cnt\":{}}"}),
              HasSubstr("HTTP/1.1 200 OK"));
}

TEST(Curl, MethodsThatAreNotMapped) {
  Curl curl;
  for (const char* method : {"OPTIONS", "PATCH", "TRACE"})
    EXPECT_THAT(curl({"-X", method}), StartsWith("HTTP/1.1 405 ")) << method;
  EXPECT_THAT(curl({"-I"}), StartsWith("HTTP/1.1 405 "));
}

TEST(Curl, AnUpgradeToHttp2IsIgnored) {
  Curl curl;
  EXPECT_THAT(curl({"--http2"}), StartsWith("HTTP/1.1 200 OK"));
}

TEST(Curl, SeveralRequestsOverOneConnection) {
  Curl curl;
  const std::string url = "http://127.0.0.1:" + std::to_string(curl.server.port) + "/cse/b";
  curl({url, url});
  EXPECT_EQ(curl.server.handler.requests.size(), 3U);
  EXPECT_EQ(curl.server.server->counters().connections_total, 1U);
}

}  // namespace
}  // namespace latchkey::bind::test
