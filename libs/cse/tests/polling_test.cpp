/// Polling channels (TS-0001 9.6.21, 10.2.5.13-14; TS-0004 7.4.21-22).
#include <gtest/gtest.h>

#include "support/messaging.h"

namespace latchkey::cse::test {
namespace {

class Polling : public Messaging {
 protected:
  void SetUp() override {
    Messaging::SetUp();
    expect(world.create("Cone", "-/one", Ty::pch, R"({"m2m:pch":{"rn":"p"}})"), Rsc::created);
    expect(subscribe(R"(,"enc":{"net":[3]})", "/in-cse/Cone"), Rsc::created);
  }
  auto poll(const char* who = "Cone") {
    return world.begin(world.session(who), world.make(Operation::retrieve, who, "-/one/p/pcu"));
  }
  static std::string rqi_of(const ResponsePrimitive& response) {
    return std::string(response.pc.as_object().at("m2m:rqp").as_object().at("rqi").as_string());
  }
  ResponsePrimitive answer(const std::string& rqi) {
    auto notify = world.make(Operation::notify, "Cone", "-/one/p/pcu");
    notify.pc = json::parse(R"({"m2m:rsp":{"rsc":2000,"rqi":")" + rqi + R"("}})");
    return world.send(world.session("Cone"), notify);
  }
};

TEST_F(Polling, held_until_a_request_arrives) {
  const auto waiting = poll();
  EXPECT_FALSE(waiting->has_value());
  put("x");
  ASSERT_TRUE(waiting->has_value());
  EXPECT_EQ((*waiting)->rsc, Rsc::ok);
  EXPECT_NE(codec::to_text((*waiting)->pc).find(R"("con":"x")"), std::string::npos);
  expect(answer(rqi_of(**waiting)), Rsc::ok);
  expect(answer(rqi_of(**waiting)), Rsc::bad_request);
  expect(answer("unknown"), Rsc::bad_request);
}

TEST_F(Polling, queued_requests_come_in_order) {
  put("first");
  put("second");
  const auto one = poll(), two = poll();
  ASSERT_TRUE(one->has_value() && two->has_value());
  EXPECT_NE(codec::to_text((*one)->pc).find("first"), std::string::npos);
  EXPECT_NE(codec::to_text((*two)->pc).find("second"), std::string::npos);
}

TEST_F(Polling, ends_with_4008_after_its_time) {
  const auto waiting = poll();
  world.executor.advance(std::chrono::seconds(60));
  ASSERT_TRUE(waiting->has_value());
  EXPECT_EQ((*waiting)->rsc, Rsc::request_timeout);
}

TEST_F(Polling, only_the_owner_polls) {
  const auto refused = poll("Ctwo");
  ASSERT_TRUE(refused->has_value());
  EXPECT_EQ((*refused)->rsc, Rsc::originator_has_no_privilege);
}

/// A poll takes what is meant for the owner, and an answer speaks in its name: also a privileged one and a
/// CSE that forwards for it are somebody else.
TEST_F(Polling, nobody_else_answers_in_the_name_of_the_owner) {
  world.register_cse("/mn-cse");
  put("x");
  const auto told = poll();
  ASSERT_TRUE(told->has_value());
  const auto rqi = rqi_of(**told);
  const auto answers = [&](const Via& how, std::string_view from) {
    auto notify = world.make(Operation::notify, from, "/in-cse/-/one/p/pcu");
    notify.pc = json::parse(R"({"m2m:rsp":{"rsc":2000,"rqi":")" + rqi + R"("}})");
    return world.send(how, notify).rsc;
  };
  EXPECT_EQ(answers(world.session("Ctwo"), "Ctwo"), Rsc::originator_has_no_privilege);
  EXPECT_EQ(answers(world.session("Sadmin"), "Sadmin"), Rsc::originator_has_no_privilege);
  EXPECT_EQ(answers(world.session("Ctwo"), "Cone"), Rsc::originator_has_not_registered);
  EXPECT_EQ(answers(tls_of("/mn-cse"), "/in-cse/Cone"), Rsc::originator_has_not_registered);
  EXPECT_EQ(answers(tls_of("/mn-cse"), "/mn-cse/Cone"), Rsc::originator_has_no_privilege);
  for (const auto* who : {"Sadmin", "Ctwo"}) {
    const auto polled = poll(who);
    ASSERT_TRUE(polled->has_value());
    EXPECT_EQ((*polled)->rsc, Rsc::originator_has_no_privilege) << who;
  }
  expect(answer(rqi), Rsc::ok);
}

TEST_F(Polling, deleted_channel_ends_the_poll) {
  const auto waiting = poll();
  expect(world.remove("Cone", "-/one/p"), Rsc::deleted);
  ASSERT_TRUE(waiting->has_value());
  EXPECT_EQ((*waiting)->rsc, Rsc::not_found);
}

TEST_F(Polling, a_request_of_an_id_that_is_still_being_answered_is_refused) {
  const auto waiting = poll();
  auto repeated = world.make(Operation::retrieve, "Cone", "-/one");
  repeated.rqi = "held";
  auto held = world.make(Operation::retrieve, "Cone", "-/one/p/pcu");
  held.rqi = "held";
  const auto second = world.begin(world.session("Cone"), held);
  EXPECT_TRUE(waiting->has_value());
  const auto refused = world.send(world.session("Cone"), repeated);
  EXPECT_EQ(refused.rsc, Rsc::bad_request);
  EXPECT_NE(World::debug(refused).find("rqi"), std::string::npos);
  EXPECT_FALSE(second->has_value()) << "the first of that id goes on";
  repeated.from = "Ctwo";
  repeated.to = "-/two";
  expect(world.send(world.session("Ctwo"), repeated), Rsc::ok);
  put("x");
  ASSERT_TRUE(second->has_value());
  repeated.from = "Cone";
  repeated.to = "-/one";
  expect(world.send(world.session("Cone"), repeated), Rsc::ok);
  expect(world.send(world.session("Cone"), repeated), Rsc::ok);
}

TEST_F(Polling, an_id_is_free_when_its_answer_leaves) {
  // A pipelined request is handled from within the answer to the one before.
  const auto incoming = [&] {
    bind::IncomingRequest out;
    out.primitive = world.make(Operation::retrieve, "Cone", "-/one");
    out.primitive.rqi = "same";
    out.security = world.session("Cone").security;
    out.received = world.clock.now();
    return out;
  };
  std::vector<Rsc> answers;
  world.cse->handle(incoming(), [&](const ResponsePrimitive& first) {
    answers.push_back(first.rsc);
    world.cse->handle(incoming(), [&](const ResponsePrimitive& second) { answers.push_back(second.rsc); });
  });
  world.executor.run_posted();
  EXPECT_EQ(answers, (std::vector{Rsc::ok, Rsc::ok}));
}

// ---- polls that vanish ----

class Vanishing : public Polling {
 protected:
  auto poll_over(const std::shared_ptr<FakeChannel>& over) {
    return world.begin(world.session("Cone"), world.make(Operation::retrieve, "Cone", "-/one/p/pcu"), over);
  }
  static std::string told(const ResponsePrimitive& response) {
    const auto text = codec::to_text(response.pc);
    for (const auto* value : {"first", "second", "third"})
      if (text.find(value) != std::string::npos) return value;
    return text;
  }
  std::shared_ptr<FakeChannel> channel = std::make_shared<FakeChannel>();
};

TEST_F(Vanishing, a_poll_ends_with_its_connection) {
  for (const auto how : {bind::Departure::orderly, bind::Departure::lost}) {
    channel = std::make_shared<FakeChannel>();
    const auto waiting = poll_over(channel);
    channel->leave(how);
    world.executor.run_posted();
    ASSERT_TRUE(waiting->has_value()) << "it would swallow the next request";
    EXPECT_EQ((*waiting)->rsc, Rsc::request_timeout);
  }
  put("first");
  EXPECT_EQ(told(poll_over(std::make_shared<FakeChannel>())->value()), "first");
}

TEST_F(Vanishing, a_held_poll_keeps_nobody_out) {
  const auto waiting = poll_over(channel);
  EXPECT_FALSE(waiting->has_value());
  EXPECT_TRUE(channel->parked) << "it would count among the requests in flight as long as nothing happens";
  put("first");
  const auto busy = std::make_shared<FakeChannel>();
  put("second");
  EXPECT_TRUE(poll_over(busy)->has_value());
  EXPECT_FALSE(busy->parked);
}

TEST_F(Vanishing, a_poll_of_which_the_peer_has_left_already_gets_nothing) {
  put("first");
  channel->leave(bind::Departure::lost);
  EXPECT_EQ(poll_over(channel)->value().rsc, Rsc::request_timeout);
  EXPECT_EQ(told(poll_over(std::make_shared<FakeChannel>())->value()), "first");
}

TEST_F(Vanishing, what_went_over_a_lost_connection_is_told_to_the_next_poll) {
  put("first");
  const auto lost = poll_over(channel)->value();
  channel->leave(bind::Departure::lost);
  const auto again = poll()->value();
  EXPECT_EQ(told(again), "first");
  EXPECT_EQ(rqi_of(again), rqi_of(lost)) << "so that the owner can tell that it is the same";
}

TEST_F(Vanishing, what_went_over_a_lost_connection_is_told_to_a_poll_that_waits) {
  put("first");
  ASSERT_TRUE(poll_over(channel)->has_value());
  const auto other = std::make_shared<FakeChannel>();
  const auto waiting = poll_over(other);
  EXPECT_FALSE(waiting->has_value()) << "the first one may still be answered";
  channel->leave(bind::Departure::lost);
  ASSERT_TRUE(waiting->has_value());
  EXPECT_EQ(told(**waiting), "first");
}

TEST_F(Vanishing, what_was_received_is_not_told_again) {
  put("first");
  ASSERT_TRUE(poll_over(channel)->has_value());
  channel->leave(bind::Departure::orderly);
  channel.reset();
  const auto waiting = poll();
  EXPECT_FALSE(waiting->has_value()) << "a client that polls over one connection each is at work on it";
}

TEST_F(Vanishing, a_connection_that_is_gone_without_a_word_was_lost) {
  put("first");
  ASSERT_TRUE(poll_over(channel)->has_value());
  channel.reset();
  EXPECT_EQ(told(poll()->value()), "first");
}

TEST_F(Vanishing, what_is_taken_back_keeps_its_place) {
  for (const auto* value : {"first", "second", "third"}) put(value);
  auto one = std::make_shared<FakeChannel>(), two = std::make_shared<FakeChannel>();
  ASSERT_EQ(told(poll_over(one)->value()), "first");
  ASSERT_EQ(told(poll_over(two)->value()), "second");
  two->leave(bind::Departure::lost);
  one->leave(bind::Departure::lost);
  for (const auto* value : {"first", "second", "third"}) EXPECT_EQ(told(poll()->value()), value);
}

TEST_F(Vanishing, an_answer_is_taken_also_when_its_request_waits_to_be_told_again) {
  put("first");
  const auto first = poll_over(channel)->value();
  channel->leave(bind::Departure::lost);
  expect(answer(rqi_of(first)), Rsc::ok);
  EXPECT_FALSE(poll()->has_value()) << "answered: nothing is left to tell";
}

TEST_F(Vanishing, nobody_answers_what_nobody_was_told) {
  put("first");
  expect(answer("poll1"), Rsc::bad_request);
}

}  // namespace
}  // namespace latchkey::cse::test
