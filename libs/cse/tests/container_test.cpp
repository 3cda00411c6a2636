/// Containers and instances (procedures 7; TS-0001 9.6.6, TS-0004 7.4.6, 7.4.7).
#include "support/world.h"

namespace latchkey::cse::test {
namespace {

class Containers : public testing::Test {
 protected:
  void SetUp() override { world.register_ae("C1", "one"); }
  void make(std::string_view attributes) {
    const auto made =
        world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"box")" + std::string(attributes) + "}}");
    ASSERT_EQ(made.rsc, Rsc::created) << World::debug(made);
  }
  ResponsePrimitive add(std::string_view content) {
    return world.create("C1", "-/one/box", Ty::cin,
                        R"({"m2m:cin":{"con":")" + std::string(content) + R"("}})");
  }
  std::string latest() { return World::text(world.retrieve("C1", "-/one/box/la"), "con"); }
  std::string oldest() { return World::text(world.retrieve("C1", "-/one/box/ol"), "con"); }
  std::int64_t number(std::string_view name) {
    return World::number(world.retrieve("C1", "-/one/box"), name);
  }
  World world;
};

TEST_F(Containers, count_instances_and_octets) {
  make("");
  EXPECT_EQ(number("cni"), 0);
  EXPECT_EQ(number("cbs"), 0);
  const auto first = add("open");
  EXPECT_EQ(World::number(first, "cs"), 4);
  EXPECT_EQ(World::number(first, "st"), 1);
  const auto second = add("closed");
  EXPECT_EQ(World::number(second, "st"), 2);
  EXPECT_EQ(number("cni"), 2);
  EXPECT_EQ(number("cbs"), 10);
  EXPECT_EQ(number("st"), 2);
  EXPECT_EQ(world.remove("C1", World::text(first, "ri")).rsc, Rsc::deleted);
  EXPECT_EQ(number("cni"), 1);
  EXPECT_EQ(number("cbs"), 6);
}

TEST_F(Containers, latest_and_oldest) {
  make("");
  EXPECT_EQ(world.retrieve("C1", "-/one/box/la").rsc, Rsc::not_found);
  EXPECT_EQ(world.remove("C1", "-/one/box/ol").rsc, Rsc::not_found);
  for (const char* content : {"a", "b", "c"}) add(content);
  EXPECT_EQ(latest(), "c");
  EXPECT_EQ(oldest(), "a");
  EXPECT_EQ(world.remove("C1", "-/one/box/la").rsc, Rsc::deleted);
  EXPECT_EQ(world.remove("C1", "-/one/box/ol").rsc, Rsc::deleted);
  EXPECT_EQ(latest(), "b");
  EXPECT_EQ(oldest(), "b");
  world.start();
  EXPECT_EQ(latest(), "b") << "the order is kept over a restart";
}

TEST_F(Containers, the_oldest_make_room_for_the_number) {
  make(R"(,"mni":2)");
  for (const char* content : {"a", "b"}) add(content);
  EXPECT_EQ(oldest(), "a");
  add("c");
  EXPECT_EQ(oldest(), "b");
  EXPECT_EQ(latest(), "c");
  EXPECT_EQ(number("cni"), 2);
}

TEST_F(Containers, the_oldest_make_room_for_the_octets) {
  make(R"(,"mbs":10)");
  add("1234");
  add("567890");
  EXPECT_EQ(number("cni"), 2) << "exactly full";
  add("x");
  EXPECT_EQ(number("cni"), 2);
  EXPECT_EQ(number("cbs"), 7);
  add("1234567890");
  EXPECT_EQ(number("cni"), 1);
  EXPECT_EQ(add("12345678901").rsc, Rsc::not_acceptable) << "larger than the container";
  EXPECT_EQ(number("cni"), 1) << "and nothing was evicted for it";
}

TEST_F(Containers, lowered_limits_hold_at_once) {
  make("");
  for (const char* content : {"a", "b", "c", "d"}) add(content);
  EXPECT_EQ(world.update("C1", "-/one/box", R"({"m2m:cnt":{"mni":2}})").rsc, Rsc::updated);
  EXPECT_EQ(number("cni"), 2);
  EXPECT_EQ(oldest(), "c");
  EXPECT_EQ(world.update("C1", "-/one/box", R"({"m2m:cnt":{"mbs":1}})").rsc, Rsc::updated);
  EXPECT_EQ(oldest(), "d");
}

TEST_F(Containers, the_age_of_instances_is_bounded) {
  make(R"(,"mia":60)");
  EXPECT_EQ(World::text(add("a"), "et"), "20240601T120100");
  const auto asked =
      world.create("C1", "-/one/box", Ty::cin, R"({"m2m:cin":{"con":"x","et":"20240601T120010"}})");
  EXPECT_EQ(World::text(asked, "et"), "20240601T120010");
  world.clock.advance(std::chrono::seconds(60));
  EXPECT_EQ(world.retrieve("C1", "-/one/box").rsc, Rsc::ok);
  world.executor.advance(std::chrono::seconds(60));
  EXPECT_EQ(number("cni"), 0);
}

TEST_F(Containers, disabled_retrieval) {
  make("");
  const auto instance = World::text(add("a"), "ri");
  EXPECT_EQ(world.update("C1", "-/one/box", R"({"m2m:cnt":{"disr":true}})").rsc, Rsc::updated);
  for (const std::string& to : {std::string("-/one/box/la"), std::string("-/one/box/ol"), instance}) {
    EXPECT_EQ(world.retrieve("C1", to).rsc, Rsc::operation_not_allowed) << to;
    EXPECT_EQ(world.remove("C1", to).rsc, Rsc::operation_not_allowed) << to;
  }
  EXPECT_EQ(world.retrieve("C1", "-/one/box").rsc, Rsc::ok);
}

TEST_F(Containers, disabled_retrieval_has_no_way_round) {
  make(R"(,"disr":true)");
  add("secret");
  ASSERT_EQ(world.create("C1", "-/one/box", Ty::cnt, R"({"m2m:cnt":{"rn":"inner"}})").rsc, Rsc::created);
  for (const auto rcn : {codec::ResultContent::attributes_and_children, codec::ResultContent::children}) {
    for (const char* to : {"-/one/box", "-/one"}) {
      auto request = world.make(Operation::retrieve, "C1", to);
      request.rcn = rcn;
      const auto response = world.send(world.session("C1"), request);
      EXPECT_EQ(response.rsc, Rsc::ok);
      EXPECT_EQ(World::debug(response).find("secret"), std::string::npos) << World::debug(response);
      EXPECT_NE(World::debug(response).find("inner"), std::string::npos) << "only instances are held back";
    }
  }
  EXPECT_EQ(world.update("C1", "-/one/box", R"({"m2m:cnt":{"disr":false}})").rsc, Rsc::updated);
  EXPECT_EQ(world.retrieve("C1", "-/one/box/la").rsc, Rsc::ok);
}

TEST_F(Containers, who_may_not_read_does_not_learn_that_they_are_empty) {
  world.register_ae("C2", "two");
  make("");
  for (const auto op : {Operation::retrieve, Operation::del}) {
    const auto ask = [&](const char* who) {
      return world.send(world.session(who), world.make(op, who, "-/one/box/la")).rsc;
    };
    EXPECT_EQ(ask("C2"), Rsc::originator_has_no_privilege);
    EXPECT_EQ(ask("C1"), Rsc::not_found);
  }
}

TEST_F(Containers, contents_of_any_form) {
  make("");
  const auto object = world.create("C1", "-/one/box", Ty::cin,
                                   R"({"m2m:cin":{"con":{"state":"open"},"cnf":"application/json:0"}})");
  EXPECT_EQ(object.rsc, Rsc::created) << World::debug(object);
  EXPECT_EQ(World::number(object, "cs"), 16);
  EXPECT_EQ(world.create("C1", "-/one/box", Ty::cin, R"({"m2m:cin":{"con":"x","cnf":"what"}})").rsc,
            Rsc::bad_request);
  EXPECT_EQ(world.create("C1", "-/one/box", Ty::cin, R"({"m2m:cin":{}})").rsc, Rsc::bad_request);
}

TEST_F(Containers, a_container_for_no_instance_takes_none) {
  make(R"(,"mni":0)");
  EXPECT_EQ(add("a").rsc, Rsc::not_acceptable);
}

}  // namespace
}  // namespace latchkey::cse::test
