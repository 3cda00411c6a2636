/// What a subscription may ask for: policies of its notifications, criteria, and who may have what told to
/// whom (TS-0001 9.6.8, 10.2.10.7; TS-0004 7.4.8, 7.5.1.2).
#include <gtest/gtest.h>

#include "support/messaging.h"

namespace latchkey::cse::test {
namespace {

using std::chrono::seconds;

class SubscriptionPolicies : public Messaging {
 protected:
  /// A subscription to new instances; the verification is not counted.
  void subscribe_to_instances(const std::string& rest) {
    expect(subscribe(R"(,"enc":{"net":[3]})" + rest), Rsc::created);
    target().received.clear();
  }
  std::size_t told() { return target().received.size(); }
  std::string told(std::size_t index) { return sent(target(), index); }
  /// The values of the instances in one notification, in their order.
  std::string values(std::size_t index) {
    const auto text = told(index);
    std::string out;
    for (auto at = text.find(R"("con":")"); at != std::string::npos; at = text.find(R"("con":")", at + 1))
      out += text.substr(at + 7, text.find('"', at + 7) - at - 7);
    return out;
  }
};

// ---- batchNotify ----

TEST_F(SubscriptionPolicies, a_batch_is_told_at_its_number) {
  subscribe_to_instances(R"(,"bn":{"num":2,"dur":"PT1H"})");
  put("a");
  EXPECT_EQ(told(), 0U);
  put("b");
  ASSERT_EQ(told(), 1U);
  EXPECT_EQ(told(0).find(R"({"m2m:agn":{"m2m:sgn":[{"nev")"), 0U) << told(0);
  EXPECT_EQ(values(0), "ab") << "first in, first out";
  put("c");
  EXPECT_EQ(told(), 1U);
}

TEST_F(SubscriptionPolicies, a_batch_is_told_at_its_time) {
  subscribe_to_instances(R"(,"bn":{"num":9,"dur":"PT10S"})");
  put("a");
  put("b");
  world.executor.advance(std::chrono::milliseconds(9'999));
  EXPECT_EQ(told(), 0U);
  world.executor.advance(std::chrono::milliseconds(1));
  ASSERT_EQ(told(), 1U);
  EXPECT_EQ(values(0), "ab");
  world.executor.advance(seconds(60));
  EXPECT_EQ(told(), 1U) << "the timer starts with the next event";
  put("c");
  world.executor.advance(seconds(10));
  EXPECT_EQ(told(), 2U);
}

TEST_F(SubscriptionPolicies, a_batch_without_a_time_gets_the_one_of_the_cse) {
  subscribe_to_instances(R"(,"bn":{"num":9})");
  EXPECT_EQ(World::attributes(world.retrieve("Cone", "-/one/box/s")).at("bn").at("dur"), "PT1M");
  put("a");
  world.executor.advance(seconds(60));
  EXPECT_EQ(told(), 1U);
}

TEST_F(SubscriptionPolicies, a_batch_with_latest_notify_is_a_sample) {
  subscribe_to_instances(R"(,"bn":{"num":3,"dur":"PT1H"},"ln":true)");
  for (const auto* value : {"a", "b", "c"}) put(value);
  ASSERT_EQ(told(), 1U);
  EXPECT_EQ(values(0), "c");
  EXPECT_EQ(target().received[0].ec, 4U);
}

TEST_F(SubscriptionPolicies, a_batch_is_told_before_it_holds_too_much) {
  world.options().pending_notifications_per_target = 3;
  world.start();
  subscribe_to_instances(R"(,"bn":{"num":100,"dur":"PT1H"})");
  for (const auto* value : {"a", "b", "c"}) put(value);
  ASSERT_EQ(told(), 1U);
  EXPECT_EQ(values(0), "abc");
}

TEST_F(SubscriptionPolicies, without_the_policy_what_waits_is_told) {
  subscribe_to_instances(R"(,"bn":{"num":9,"dur":"PT1H"})");
  put("a");
  expect(world.update("Cone", "-/one/box/s", R"({"m2m:sub":{"bn":null}})"), Rsc::updated);
  EXPECT_EQ(told(), 1U);
  put("b");
  EXPECT_EQ(values(1), "b");
}

TEST_F(SubscriptionPolicies, what_waits_goes_with_its_subscription) {
  subscribe_to_instances(R"(,"bn":{"num":9,"dur":"PT10S"})");
  put("a");
  expect(world.remove("Cone", "-/one/box/s"), Rsc::deleted);
  world.executor.advance(seconds(60));
  EXPECT_EQ(told(), 0U);
}

TEST_F(SubscriptionPolicies, the_end_of_the_resource_is_told_in_no_batch) {
  expect(subscribe(R"(,"enc":{"net":[2]},"bn":{"num":9,"dur":"PT10S"})"), Rsc::created);
  expect(world.remove("Cone", "-/one/box"), Rsc::deleted);
  ASSERT_EQ(told(), 2U);
  EXPECT_NE(told(1).find(R"("net":2)"), std::string::npos);
}

// ---- rateLimit ----

TEST_F(SubscriptionPolicies, what_exceeds_the_rate_waits_for_the_next_windows) {
  subscribe_to_instances(R"(,"rl":{"mnn":2,"tww":"PT10S"})");
  for (const auto* value : {"a", "b", "c", "d", "e"}) put(value);
  EXPECT_EQ(told(), 2U);
  world.executor.advance(seconds(10));
  EXPECT_EQ(told(), 4U);
  world.executor.advance(std::chrono::milliseconds(9'999));
  EXPECT_EQ(told(), 4U);
  world.executor.advance(std::chrono::milliseconds(1));
  ASSERT_EQ(told(), 5U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(values(i), std::string(1, static_cast<char>('a' + i)));
  world.executor.advance(seconds(60));
  put("f");
  EXPECT_EQ(told(), 6U) << "a window begins with the first event after a quiet one";
}

TEST_F(SubscriptionPolicies, of_what_waits_for_its_rate_the_oldest_is_dropped) {
  world.options().pending_notifications_per_target = 2;
  world.start();
  subscribe_to_instances(R"(,"rl":{"mnn":1,"tww":"PT10S"})");
  for (const auto* value : {"a", "b", "c", "d"}) put(value);
  EXPECT_EQ(world.cse->counters().notifications_failed, 1U);
  for (int i = 0; i < 3; ++i) world.executor.advance(seconds(10));
  ASSERT_EQ(told(), 3U);
  EXPECT_EQ(values(1) + values(2), "cd");
}

TEST_F(SubscriptionPolicies, with_latest_notify_only_the_newest_waits_for_its_rate) {
  subscribe_to_instances(R"(,"rl":{"mnn":1,"tww":"PT10S"},"ln":true)");
  for (const auto* value : {"a", "b", "c"}) put(value);
  for (int i = 0; i < 3; ++i) world.executor.advance(seconds(10));
  ASSERT_EQ(told(), 2U);
  EXPECT_EQ(values(1), "c");
}

TEST_F(SubscriptionPolicies, half_a_limit_is_none) {
  for (const auto* half : {R"(,"rl":{"mnn":2})", R"(,"rl":{"tww":"PT10S"})"})
    expect(subscribe(half), Rsc::bad_request);
}

// ---- expirationCounter, categories ----

TEST_F(SubscriptionPolicies, only_what_arrives_is_counted) {
  subscribe_to_instances(R"(,"exc":2)");
  target().answers.emplace_back(fail(ErrorCode::unavailable, "gone"));
  put("a");
  EXPECT_EQ(World::number(world.retrieve("Cone", "-/one/box/s"), "exc"), 2);
  put("b");
  EXPECT_EQ(World::number(world.retrieve("Cone", "-/one/box/s"), "exc"), 1);
  put("c");
  expect(world.retrieve("Cone", "-/one/box/s"), Rsc::not_found);
  EXPECT_EQ(told(), 3U);
}

TEST_F(SubscriptionPolicies, two_targets_are_one_notification) {
  world.peers.urls["http://127.0.0.1:9/m"];
  expect(subscribe(R"(,"enc":{"net":[3]},"exc":2)", R"(http://127.0.0.1:9/n","http://127.0.0.1:9/m)"),
         Rsc::created);
  put("a");
  EXPECT_EQ(World::number(world.retrieve("Cone", "-/one/box/s"), "exc"), 1);
  EXPECT_EQ(world.peers.urls["http://127.0.0.1:9/m"].received.size(), 2U);
}

TEST_F(SubscriptionPolicies, the_category_goes_into_the_request) {
  subscribe_to_instances(R"(,"nec":100)");
  put("a");
  EXPECT_EQ(target().received[0].ec, 100U);
  expect(world.update("Cone", "-/one/box/s", R"({"m2m:sub":{"ln":true}})"), Rsc::updated);
  put("b");
  EXPECT_EQ(target().received[1].ec, 4U) << "latest goes before";
  expect(world.update("Cone", "-/one/box/s", R"({"m2m:sub":{"ln":null,"nec":null}})"), Rsc::updated);
  put("c");
  EXPECT_EQ(target().received[2].ec, std::nullopt);
}

// ---- criteria ----

TEST_F(SubscriptionPolicies, a_request_that_finds_an_empty_container_is_an_event) {
  expect(subscribe(R"(,"enc":{"net":[5]})"), Rsc::created);
  target().received.clear();
  expect(world.retrieve("Ctwo", "-/one/box/la"), Rsc::originator_has_no_privilege);
  EXPECT_EQ(told(), 0U) << "not of who may not read it";
  for (const auto* to : {"-/one/box/la", "-/one/box/ol"}) expect(world.retrieve("Cone", to), Rsc::not_found);
  ASSERT_EQ(told(), 2U);
  EXPECT_NE(told(0).find(R"("net":5)"), std::string::npos);
  EXPECT_NE(told(0).find(R"("rn":"box")"), std::string::npos);
  put("a");
  expect(world.retrieve("Cone", "-/one/box/la"), Rsc::ok);
  EXPECT_EQ(told(), 2U);
}

TEST_F(SubscriptionPolicies, criteria_must_fit_what_is_subscribed_to) {
  expect(subscribe(R"(,"enc":{"net":[3],"chty":[2]})"), Rsc::bad_request);
  expect(subscribe(R"(,"enc":{"net":[3],"chty":[4]})"), Rsc::created);
  expect(world.create("Cone", "-/one", Ty::sub,
                      R"({"m2m:sub":{"nu":["http://127.0.0.1:9/n"],"enc":{"net":[5]}}})"),
         Rsc::bad_request);
}

TEST_F(SubscriptionPolicies, what_is_not_offered_is_named) {
  const std::map<std::string, std::string> not_offered{{"pn", "1"},
                                                       {"psn", "3"},
                                                       {"nsp", "1"},
                                                       {"gpi", R"("cse/one/g")"},
                                                       {"nfu", R"("http://127.0.0.1:9/x")"},
                                                       {"enc", R"({"net":[6]})"}};
  for (const auto& [name, value] : not_offered) {
    const auto refused = subscribe(",\"" + name + "\":" + value);
    expect(refused, Rsc::not_implemented);
    EXPECT_NE(World::debug(refused).find(name), std::string::npos) << World::debug(refused);
  }
  EXPECT_EQ(told(), 0U) << "nobody is asked about what cannot be";
  expect(subscribe(""), Rsc::created);
  for (const auto* name : {"pn", "nsp"}) {
    const auto refused =
        world.update("Cone", "-/one/box/s", R"({"m2m:sub":{")" + std::string(name) + R"(":1}})");
    expect(refused, Rsc::not_implemented);
    EXPECT_NE(World::debug(refused).find(name), std::string::npos) << World::debug(refused);
  }
}

TEST_F(SubscriptionPolicies, an_update_is_checked_as_a_whole) {
  subscribe_to_instances("");
  expect(world.update("Cone", "-/one/box/s", R"({"m2m:sub":{"nct":2}})"), Rsc::bad_request);
  expect(world.update("Cone", "-/one/box/s", R"({"m2m:sub":{"nct":3}})"), Rsc::updated);
}

TEST_F(SubscriptionPolicies, an_update_asks_new_targets_only) {
  subscribe_to_instances("");
  world.peers.urls["http://127.0.0.1:9/m"];
  expect(world.update("Cone", "-/one/box/s",
                      R"({"m2m:sub":{"nu":["http://127.0.0.1:9/n","http://127.0.0.1:9/m"]}})"),
         Rsc::updated);
  EXPECT_EQ(told(), 0U);
  ASSERT_EQ(world.peers.urls["http://127.0.0.1:9/m"].received.size(), 1U);
  expect(world.update("Cone", "-/one/box/s", R"({"m2m:sub":{"lbl":["x"]}})"), Rsc::updated);
  EXPECT_EQ(told(), 0U);
}

// ---- who may have what told to whom ----

class SubscriptionRights : public SubscriptionPolicies {
 protected:
  /// A policy of Cone below its AE: Ctwo gets these operations.
  void policy(const std::string& name, int operations) {
    expect(
        world.create("Cone", "-/one", Ty::acp,
                     R"({"m2m:acp":{"rn":")" + name +
                         R"(","pv":{"acr":[{"acor":["Cone"],"acop":63},{"acor":["Ctwo"],"acop":)" +
                         std::to_string(operations) + R"(}]},"pvs":{"acr":[{"acor":["Cone"],"acop":63}]}}})"),
        Rsc::created);
  }
};

TEST_F(SubscriptionRights, who_may_not_read_cannot_turn_a_subscription_to_itself) {
  policy("p", 63);
  expect(subscribe(R"(,"enc":{"net":[3]},"acpi":["cse/one/p"])"), Rsc::created);
  expect(world.update("Ctwo", "-/one/box/s", R"({"m2m:sub":{"nu":["/in-cse/Ctwo"]}})"),
         Rsc::originator_has_no_privilege);
  expect(world.update("Ctwo", "-/one/box/s", R"({"m2m:sub":{"lbl":["x"]}})"), Rsc::updated);
}

TEST_F(SubscriptionRights, a_child_that_may_not_be_read_is_not_told_of) {
  policy("p", 3);
  expect(world.update("Cone", "-/one/box", R"({"m2m:cnt":{"acpi":["cse/one/p"]}})"), Rsc::updated);
  expect(world.create("Ctwo", "-/one/box", Ty::sub,
                      R"({"m2m:sub":{"nu":["http://127.0.0.1:9/n"],"enc":{"net":[3,4]}}})"),
         Rsc::created);
  target().received.clear();
  expect(world.create("Cone", "-/one/box", Ty::cnt, R"({"m2m:cnt":{"rn":"own","lbl":["secret"]}})"),
         Rsc::created);
  EXPECT_EQ(told(), 0U) << "the default policy of the child names Cone alone";
  expect(world.create("Cone", "-/one/box", Ty::cnt, R"({"m2m:cnt":{"rn":"open","acpi":["cse/one/p"]}})"),
         Rsc::created);
  EXPECT_EQ(told(), 1U);
  expect(world.remove("Cone", "-/one/box/own"), Rsc::deleted);
  EXPECT_EQ(told(), 1U);
  expect(world.remove("Cone", "-/one/box/open"), Rsc::deleted);
  EXPECT_EQ(told(), 2U);
}

TEST_F(SubscriptionRights, an_ae_of_this_cse_is_named_by_those_who_may_notify_it) {
  expect(subscribe("", "/in-cse/Ctwo"), Rsc::subscription_creator_has_no_privilege);
  expect(subscribe(R"(,"su":"/in-cse/Ctwo")"), Rsc::subscription_creator_has_no_privilege);
  EXPECT_EQ(told(), 0U);
  expect(world.create(
             "Ctwo", "-/two", Ty::acp,
             R"({"m2m:acp":{"rn":"p","pv":{"acr":[{"acor":["Cone"],"acop":16},{"acor":["Ctwo"],"acop":63}]},
                          "pvs":{"acr":[{"acor":["Ctwo"],"acop":63}]}}})"),
         Rsc::created);
  expect(world.update("Ctwo", "-/two", R"({"m2m:ae":{"poa":["http://127.0.0.1:9/n"]}})"), Rsc::updated);
  expect(world.update("Ctwo", "-/two", R"({"m2m:ae":{"acpi":["cse/two/p"]}})"), Rsc::updated);
  expect(subscribe("", "/in-cse/Ctwo"), Rsc::created);
  ASSERT_EQ(told(), 1U);
  EXPECT_NE(told(0).find(R"("vrq":true)"), std::string::npos);
}

TEST_F(SubscriptionRights, another_cse_asks_for_its_subscriber) {
  world.register_cse("/mn-cse");
  const auto verify = [&](const std::string& creator) {
    auto request = world.make(Operation::notify, "/mn-cse", "/in-cse/Cone");
    request.pc = json::parse(R"({"m2m:sgn":{"vrq":true,"sur":"/mn-cse/s","cr":")" + creator + R"("}})");
    return world.send(tls_of("/mn-cse"), request);
  };
  expect(verify("/mn-cse/Cx"), Rsc::subscription_host_has_no_privilege);
  expect(world.create("Cone", "-/one", Ty::acp,
                      R"({"m2m:acp":{"rn":"p","pv":{"acr":[{"acor":["/mn-cse","/mn-cse/Cx"],"acop":16},
                          {"acor":["Cone"],"acop":63}]},"pvs":{"acr":[{"acor":["Cone"],"acop":63}]}}})"),
         Rsc::created);
  expect(world.update("Cone", "-/one", R"({"m2m:ae":{"poa":["http://127.0.0.1:9/n"]}})"), Rsc::updated);
  expect(world.update("Cone", "-/one", R"({"m2m:ae":{"acpi":["cse/one/p"]}})"), Rsc::updated);
  expect(verify("/mn-cse/Cy"), Rsc::subscription_creator_has_no_privilege);
  EXPECT_EQ(told(), 0U);
  expect(verify("/mn-cse/Cx"), Rsc::ok);
  EXPECT_EQ(told(), 1U);
}

}  // namespace
}  // namespace latchkey::cse::test
