/// A peer that leaves while its request is held: the handler hears of it, and how the peer left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/harness.h"
#include "support/messages.h"

namespace latchkey::bind::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Departing : public testing::Test {
 protected:
  /// The connection of the next request that the handler gets.
  std::shared_ptr<Channel> send(RawPeer& peer) {
    const auto before = server.handler.requests.size();
    peer.send(request_text("GET /a"));
    EXPECT_TRUE(drive(server.reactor, [&] { return server.handler.requests.size() > before; }));
    return server.handler.requests.back().channel.lock();
  }
  void watch(Channel& channel) {
    channel.watch([this] { ++told; });
  }
  bool wait_for(int count) {
    return drive(server.reactor, [&] { return told == count; });
  }

  PlainServer server;
  int told = 0;
};

TEST_F(Departing, a_reset_is_told_at_once_and_lost) {
  server.handler.hold = true;
  auto peer = server.peer();
  const auto channel = send(peer);
  watch(*channel);
  EXPECT_EQ(channel->departure(), Departure::none);
  peer.vanish();
  EXPECT_TRUE(wait_for(1));
  EXPECT_EQ(channel->departure(), Departure::lost);
  server.handler.release();
  drive_for(server.reactor, std::chrono::milliseconds(5));
  EXPECT_EQ(told, 1) << "once";
}

TEST_F(Departing, one_that_ends_its_side_is_told_of_and_still_answered) {
  server.handler.hold = true;
  auto peer = server.peer();
  const auto channel = send(peer);
  watch(*channel);
  peer.end_sending();
  EXPECT_TRUE(wait_for(1));
  EXPECT_EQ(channel->departure(), Departure::orderly);
  server.handler.release();
  EXPECT_THAT(peer.until_end(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Departing, one_that_has_its_answer_leaves_in_order) {
  auto peer = std::make_unique<RawPeer>(server.peer());
  const auto channel = send(*peer);
  watch(*channel);
  EXPECT_THAT(peer->answer(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(told, 0) << "an answer is no departure";
  peer.reset();
  EXPECT_TRUE(wait_for(1));
  EXPECT_EQ(channel->departure(), Departure::orderly);
}

TEST_F(Departing, an_answer_that_meets_nobody_is_lost) {
  server.handler.hold = true;
  auto peer = std::make_unique<RawPeer>(server.peer());
  const auto channel = send(*peer);
  watch(*channel);
  peer.reset();              // the end is on its way,
  server.handler.release();  // and so is the answer
  EXPECT_TRUE(wait_for(1));
  EXPECT_EQ(channel->departure(), Departure::lost);
}

TEST_F(Departing, the_last_watch_counts) {
  auto peer = server.peer();
  bool first = false;
  const auto channel = send(peer);
  channel->watch([&] { first = true; });
  peer.answer();
  watch(*channel);
  peer.vanish();
  EXPECT_TRUE(wait_for(1));
  EXPECT_FALSE(first);
}

TEST_F(Departing, a_watch_goes_with_the_connection_when_the_server_ends_it) {
  auto peer = server.peer();
  auto channel = send(peer);
  peer.answer();
  watch(*channel);
  channel.reset();
  server.server.reset();
  EXPECT_TRUE(wait_for(1)) << "who waits for the peer hears that it will not come";
}

TEST(DepartedRequests, take_no_place_of_others) {
  HttpLimits limits;
  limits.requests_in_flight = 2;
  PlainServer server(limits);
  server.handler.hold = true;
  for (std::size_t i = 1; i <= 6; ++i) {
    auto peer = server.peer();
    peer.send(request_text("GET /slow"));
    ASSERT_TRUE(drive(server.reactor, [&] { return server.handler.waiting.size() == i; }))
        << "the requests of those who left are counted for ever";
    peer.vanish();
    ASSERT_TRUE(drive(server.reactor, [&] { return server.server->counters().connections_open == 0; }));
  }
  while (!server.handler.waiting.empty()) server.handler.release();
  server.handler.hold = false;
  EXPECT_THAT(server.ask(request_text("GET /a")), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(server.server->counters().shed, 0U);
}

}  // namespace
}  // namespace latchkey::bind::test
