#include <malloc.h>

#include <functional>

#include "support/world.h"

namespace latchkey::tls::test {
namespace {

class Memory : public World {
 protected:
  /// Heap octets for each established server session, its client being gone.
  std::size_t per_idle_session(ServerEndpoint& endpoint, const std::function<ClientOptions()>& options) {
    constexpr std::size_t kSessions = 200;
    const auto establish = [&] {
      auto server = endpoint.accept("192.0.2.7:50000");
      auto client = this->client(options());
      pump(*client, *server);
      EXPECT_TRUE(client->write(as_bytes("x")));
      pump(*client, *server);
      EXPECT_EQ(read_all(*server), "x");
      return server;
    };
    std::vector<std::unique_ptr<Session>> sessions;
    sessions.reserve(kSessions);
    sessions.push_back(establish());  // caches fill
    const std::size_t before = mallinfo2().uordblks;
    while (sessions.size() < kSessions) sessions.push_back(establish());
    return (mallinfo2().uordblks - before) / (kSessions - 1);
  }
};

TEST_F(Memory, AnIdleSessionTakesLessThanTwentyKibioctets) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's allocator does not count";
#endif
  auto endpoint = this->endpoint();
  const std::size_t psk = per_idle_session(*endpoint, [] { return psk_options(); });
  const std::size_t certificate = per_idle_session(*endpoint, [] { return certificate_options(); });
  RecordProperty("psk_octets", static_cast<int>(psk));
  RecordProperty("certificate_octets", static_cast<int>(certificate));
  EXPECT_GT(psk, 1000U);
  EXPECT_LT(psk, 20U << 10U);
  EXPECT_LT(certificate, 20U << 10U);
}

}  // namespace
}  // namespace latchkey::tls::test
