#pragma once
/// Two AEs, a container of the first, and a notification target on the web.
#include "world.h"

namespace latchkey::cse::test {

inline constexpr const char* kUrl = "http://127.0.0.1:9/n";

class Messaging : public testing::Test {
 protected:
  void SetUp() override {
    world.register_ae("Cone", "one");
    world.register_ae("Ctwo", "two");
    expect(world.create("Cone", "-/one", Ty::cnt, R"({"m2m:cnt":{"rn":"box"}})"), Rsc::created);
    world.peers.urls[kUrl];
  }
  static void expect(const ResponsePrimitive& response, Rsc rsc) {
    EXPECT_EQ(response.rsc, rsc) << World::debug(response);
  }
  FakePeer& target() { return world.peers.urls[kUrl]; }
  ResponsePrimitive subscribe(const std::string& rest, const std::string& nu = kUrl) {
    return world.create("Cone", "-/one/box", Ty::sub,
                        R"({"m2m:sub":{"rn":"s","nu":[")" + nu + R"("])" + rest + "}}");
  }
  void put(const std::string& value) {
    expect(world.create("Cone", "-/one/box", Ty::cin, R"({"m2m:cin":{"con":")" + value + R"("}})"),
           Rsc::created);
  }
  static std::string sent(const FakePeer& peer, std::size_t index) {
    return codec::to_text(peer.received.at(index).pc);
  }

  World world;
};

}  // namespace latchkey::cse::test
