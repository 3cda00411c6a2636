/// The AE client at its registrar: registration, requests, the polling channel, and peers that misbehave.
#include "latchkey/client/ae.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/raw_server.h"
#include "support/registrar.h"

namespace latchkey::client::test {
namespace {

using codec::Operation;
using codec::RequestPrimitive;
using codec::ResponsePrimitive;
using codec::Rsc;
using std::chrono::milliseconds;
namespace json = codec::json;

ResponsePrimitive answer_with(Rsc rsc, json::value pc = nullptr) {
  ResponsePrimitive response;
  response.rsc = rsc;
  response.pc = std::move(pc);
  return response;
}

class AeTest : public testing::Test {
 protected:
  void make(AeOptions options) { ae = std::make_unique<Ae>(reactor, std::move(options), audit, clock); }
  bool drive(const std::function<bool()>& done) { return reactor.run_until(done, kPatience); }
  void listen(Ae::Incoming handler) {
    ASSERT_TRUE(ae->register_ae());
    ASSERT_TRUE(ae->listen(std::move(handler)));
    ASSERT_TRUE(drive([&] { return server.cse.polls.size() == 1; }));
  }
  const RequestPrimitive& sent() const { return server.cse.requests.back().primitive; }

  bind::Reactor reactor;
  ManualClock clock{system_clock().now()};
  AuditRecorder audit;
  RegistrarServer server{reactor, clock};
  std::unique_ptr<Ae> ae = std::make_unique<Ae>(reactor, ae_options(server.port), audit, clock);
};

// --- registration

TEST_F(AeTest, registers_and_takes_the_id_that_is_assigned) {
  ASSERT_TRUE(ae->register_ae());
  EXPECT_EQ(sent().op, Operation::create);
  EXPECT_EQ(sent().to, "/in-cse/in-cse-base");
  EXPECT_EQ(sent().from, "C");
  EXPECT_EQ(sent().ty, 2U);
  EXPECT_EQ(sent().rvi, "3");
  EXPECT_EQ(codec::to_text(sent().pc),
            R"({"m2m:ae":{"api":"Nlock","rr":false,"srv":["2a","3"],"rn":"lock","lbl":["door"]}})");
  EXPECT_EQ(ae->stem(), "Clock");
  EXPECT_EQ(ae->ae_id(), *AeId::parse("/in-cse/Clock", home()));
  ASSERT_TRUE(ae->retrieve("/in-cse/x"));
  EXPECT_EQ(sent().from, "Clock");
}

TEST_F(AeTest, takes_over_its_registration_of_an_earlier_run) {
  server.cse.instead = [](const auto&) { return answer_with(Rsc::originator_has_already_registered); };
  EXPECT_TRUE(fails_with(ae->register_ae(), ErrorCode::denied, "4117"))
      << "but not without a name of its own";
  auto options = ae_options(server.port);
  options.requested_stem = "Cbefore";
  make(std::move(options));
  ASSERT_TRUE(ae->register_ae());
  EXPECT_EQ(ae->stem(), "Cbefore");
}

TEST_F(AeTest, an_id_that_is_none_is_refused) {
  for (const json::value& aei : {json::value(), json::value(7), json::value("x/../y"), json::value("")}) {
    server.cse.instead = [&](const auto&) {
      return answer_with(Rsc::created, json::object{{"m2m:ae", json::object{{"aei", aei}}}});
    };
    EXPECT_TRUE(fails_with(ae->register_ae(), ErrorCode::invalid_argument, "no AE-ID"))
        << codec::to_text(aei);
  }
  server.cse.instead = [](const auto&) { return answer_with(Rsc::created); };
  EXPECT_TRUE(fails_with(ae->register_ae(), ErrorCode::invalid_argument, "no AE-ID"));
  EXPECT_EQ(ae->stem(), "");
}

TEST_F(AeTest, who_is_not_registered_neither_deregisters_nor_listens) {
  EXPECT_TRUE(fails_with(ae->deregister(), ErrorCode::not_found, "not registered"));
  EXPECT_TRUE(
      fails_with(ae->listen([](const auto&) { return ResponsePrimitive(); }), ErrorCode::not_found, ""));
  EXPECT_TRUE(server.cse.requests.empty());
}

TEST_F(AeTest, deregisters) {
  ASSERT_TRUE(ae->register_ae());
  ASSERT_TRUE(ae->deregister());
  EXPECT_EQ(sent().op, Operation::del);
  EXPECT_EQ(sent().to, "/in-cse/Clock");
  server.cse.instead = [](const auto&) {
    return answer_with(Rsc::originator_has_no_privilege, json::object{{"m2m:dbg", "not yours"}});
  };
  EXPECT_TRUE(fails_with(ae->deregister(), ErrorCode::denied, "not yours"));
}

// --- requests

TEST_F(AeTest, operations_carry_what_they_say) {
  ASSERT_TRUE(ae->register_ae());
  ASSERT_TRUE(ae->create("/in-cse/a", 3, "m2m:cnt", {{"rn", "b"}}));
  EXPECT_EQ(sent().ty, 3U);
  EXPECT_EQ(codec::to_text(sent().pc), R"({"m2m:cnt":{"rn":"b"}})");
  ASSERT_TRUE(ae->update("/in-cse/a", "m2m:cnt", {{"lbl", json::array{"x"}}}));
  EXPECT_EQ(sent().op, Operation::update);
  ASSERT_TRUE(ae->remove("/in-cse/a"));
  EXPECT_EQ(sent().op, Operation::del);
  const auto response = ae->retrieve("/in-cse/a");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->rsc, Rsc::ok);
}

TEST_F(AeTest, discovery_returns_the_addresses) {
  ASSERT_TRUE(ae->register_ae());
  server.cse.instead = [](const auto& request) {
    EXPECT_TRUE(request.primitive.is_discovery());
    EXPECT_EQ(request.primitive.fc->labels, std::vector<std::string>{"door"});
    EXPECT_EQ(request.primitive.fc->types, std::vector<std::uint32_t>{2});
    return answer_with(Rsc::ok, json::object{{"m2m:uril", json::array{"in-cse/a", 5, "in-cse/b"}}});
  };
  const auto found = ae->discover("/in-cse/in-cse-base", {"door"}, 2);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (std::vector<std::string>{"in-cse/a", "in-cse/b"}));
  server.cse.instead = [](const auto&) { return answer_with(Rsc::not_found); };
  EXPECT_TRUE(fails_with(ae->discover("/in-cse/x", {}, {}), ErrorCode::denied, "4004"));
}

TEST_F(AeTest, destroyed_with_a_request_under_way_it_tells_the_caller_at_once) {
  ASSERT_TRUE(ae->register_ae());
  server.cse.hold = true;
  std::vector<Result<ResponsePrimitive>> answers;
  ae->send(RequestPrimitive{.to = "/in-cse/a"}, [&](auto answer) { answers.push_back(std::move(answer)); });
  ASSERT_TRUE(drive([&] { return server.cse.held.size() == 1; }));
  ae.reset();
  ASSERT_TRUE(reactor.run_until([&] { return !answers.empty(); }, kPatience / 2));
  EXPECT_TRUE(fails_with(answers[0], ErrorCode::unavailable, ""));
  server.cse.release();
  reactor.run_until([] { return false; }, milliseconds(5));
  EXPECT_EQ(answers.size(), 1U);
}

TEST_F(AeTest, destroyed_with_the_reactor_idle_nothing_is_left) {
  ASSERT_TRUE(ae->register_ae());
  server.cse.hold = true;
  ae->send(RequestPrimitive{.to = "/in-cse/a"}, [](const auto&) {});
  ASSERT_TRUE(drive([&] { return server.cse.held.size() == 1; }));
  ae.reset();  // the leak checker looks
}

// --- polling channel

TEST_F(AeTest, a_request_over_the_polling_channel_is_answered) {
  std::vector<RequestPrimitive> handled;
  listen([&](const RequestPrimitive& request) {
    handled.push_back(request);
    return answer_with(Rsc::ok, json::object{{"m2m:cin", json::object{{"con", "open"}}}});
  });
  server.cse.hand_out("poll7");
  ASSERT_TRUE(drive([&] { return server.cse.answers.size() == 1 && server.cse.polled == 2; }));
  ASSERT_EQ(handled.size(), 1U);
  EXPECT_EQ(handled[0].rqi, "poll7");
  EXPECT_EQ(server.cse.answers[0].rqi, "poll7");
  EXPECT_EQ(server.cse.answers[0].rsc, Rsc::ok);
  EXPECT_EQ(codec::to_text(server.cse.answers[0].pc), R"({"m2m:cin":{"con":"open"}})");
  EXPECT_EQ(sent().to, "/in-cse/pch-1/pcu");
}

TEST_F(AeTest, a_channel_that_exists_is_used) {
  ASSERT_TRUE(ae->register_ae());
  server.cse.instead = [](const auto& request) -> std::optional<ResponsePrimitive> {
    if (request.primitive.ty == 15U) return answer_with(Rsc::conflict);
    return std::nullopt;
  };
  ASSERT_TRUE(ae->listen([](const auto&) { return answer_with(Rsc::ok); }));
  ASSERT_TRUE(drive([&] { return server.cse.polls.size() == 1; }));
  server.cse.instead = [](const auto&) { return answer_with(Rsc::originator_has_no_privilege); };
  make(ae_options(server.port));
  EXPECT_FALSE(ae->listen([](const auto&) { return answer_with(Rsc::ok); }));
}

TEST_F(AeTest, other_requests_pass_a_held_poll) {
  auto options = ae_options(server.port);
  options.peer.connections = 1;
  make(std::move(options));
  listen([](const auto&) { return answer_with(Rsc::ok); });
  EXPECT_TRUE(ae->retrieve("/in-cse/a"));
  EXPECT_EQ(server.cse.polls.size(), 1U);
}

TEST_F(AeTest, a_handler_that_throws_is_answered_for_and_polling_goes_on) {
  listen([](const RequestPrimitive&) -> ResponsePrimitive { throw std::runtime_error("out of order"); });
  server.cse.hand_out("poll1");
  ASSERT_TRUE(drive([&] { return server.cse.answers.size() == 1 && server.cse.polled == 2; }));
  EXPECT_EQ(server.cse.answers[0].rsc, Rsc::internal_server_error);
}

TEST_F(AeTest, a_handler_may_stop_the_listening) {
  listen([&](const RequestPrimitive&) {
    ae->stop_listening();
    return answer_with(Rsc::ok);
  });
  server.cse.hand_out("poll1");
  ASSERT_TRUE(drive([&] { return server.cse.answers.size() == 1; }));
  EXPECT_EQ(server.cse.answers[0].rsc, Rsc::ok);
  EXPECT_TRUE(ae->retrieve("/in-cse/a"));
  EXPECT_EQ(server.cse.polled, 1U);
}

TEST_F(AeTest, listening_again_goes_on_with_the_poll_under_way) {
  listen([](const auto&) { return answer_with(Rsc::internal_server_error); });
  ae->stop_listening();
  ASSERT_TRUE(ae->listen([](const auto&) { return answer_with(Rsc::ok); }));
  ASSERT_TRUE(ae->retrieve("/in-cse/a"));
  for (std::size_t told = 1; told <= 3; ++told) {
    server.cse.hand_out("poll" + std::to_string(told));
    ASSERT_TRUE(drive([&] { return server.cse.answers.size() == told && server.cse.polls.size() == 1; }));
    EXPECT_EQ(server.cse.answers.back().rsc, Rsc::ok) << "of the new handler";
    EXPECT_EQ(server.cse.polled, told + 1) << "one poll at a time";
  }
}

TEST_F(AeTest, a_handler_that_listens_anew_starts_no_second_loop) {
  listen([&](const RequestPrimitive&) {
    ae->stop_listening();
    EXPECT_TRUE(ae->listen([](const auto&) { return answer_with(Rsc::ok); }));
    return answer_with(Rsc::updated);
  });
  server.cse.hand_out("poll1");
  ASSERT_TRUE(drive([&] { return server.cse.answers.size() == 1 && server.cse.polls.size() == 1; }));
  ASSERT_TRUE(ae->retrieve("/in-cse/a"));
  server.cse.hand_out("poll2");
  ASSERT_TRUE(drive([&] { return server.cse.answers.size() == 2 && server.cse.polls.size() == 1; }));
  EXPECT_EQ(server.cse.answers[1].rsc, Rsc::ok);
  EXPECT_EQ(server.cse.polled, 3U);
}

TEST_F(AeTest, a_request_that_arrives_after_the_listening_was_stopped_is_refused) {
  int handled = 0;
  const auto handler = [&](const RequestPrimitive&) {
    ++handled;
    return answer_with(Rsc::ok);
  };
  listen(handler);
  ae->stop_listening();
  server.cse.hand_out("poll1");
  ASSERT_TRUE(drive([&] { return server.cse.answers.size() == 1; }));
  EXPECT_EQ(server.cse.answers[0].rqi, "poll1");
  EXPECT_EQ(server.cse.answers[0].rsc, Rsc::target_not_reachable);
  EXPECT_EQ(handled, 0);
  ASSERT_TRUE(ae->retrieve("/in-cse/a"));
  EXPECT_EQ(server.cse.polled, 1U) << "that poll was the last";
  ASSERT_TRUE(ae->listen(handler));
  ASSERT_TRUE(drive([&] { return server.cse.polls.size() == 1; }));
  server.cse.hand_out("poll2");
  ASSERT_TRUE(drive([&] { return server.cse.answers.size() == 2; }));
  EXPECT_EQ(handled, 1);
}

TEST_F(AeTest, a_poll_that_ends_after_the_listening_was_stopped_is_the_last) {
  listen([](const auto&) { return answer_with(Rsc::ok); });
  ae->stop_listening();
  server.cse.end_poll(Rsc::request_timeout);
  ASSERT_TRUE(ae->retrieve("/in-cse/a"));
  reactor.run_until([] { return false; }, milliseconds(150));  // longer than until the next try
  EXPECT_EQ(server.cse.polled, 1U);
  ASSERT_TRUE(ae->listen([](const auto&) { return answer_with(Rsc::ok); }));
  EXPECT_TRUE(drive([&] { return server.cse.polls.size() == 1; }));
}

TEST_F(AeTest, an_unreadable_request_is_passed_over) {
  int handled = 0;
  listen([&](const RequestPrimitive&) {
    ++handled;
    return answer_with(Rsc::ok);
  });
  server.cse.end_poll(Rsc::ok, json::object{{"m2m:rqp", json::object{{"op", 99}}}});
  ASSERT_TRUE(drive([&] { return server.cse.polls.size() == 1; }));
  server.cse.hand_out("poll2");
  ASSERT_TRUE(drive([&] { return server.cse.answers.size() == 1; }));
  EXPECT_EQ(handled, 1);
}

TEST_F(AeTest, polls_again_when_the_registrar_ends_a_poll) {
  listen([](const auto&) { return answer_with(Rsc::ok); });
  for (const auto rsc : {Rsc::request_timeout, Rsc::internal_server_error, Rsc::not_found}) {
    server.cse.end_poll(rsc);
    ASSERT_TRUE(drive([&] { return server.cse.polls.size() == 1; }));
  }
}

TEST_F(AeTest, an_answer_without_a_request_is_no_reason_to_ask_without_end) {
  for (const auto rsc : {Rsc::ok, Rsc::request_timeout}) {
    std::size_t polled = 0;
    make(ae_options(server.port));
    server.cse.instead = [&](const auto& request) -> std::optional<ResponsePrimitive> {
      if (!request.primitive.to.ends_with("/pcu")) return std::nullopt;
      ++polled;
      return answer_with(rsc);
    };
    ASSERT_TRUE(ae->register_ae());
    ASSERT_TRUE(ae->listen([](const auto&) { return answer_with(Rsc::ok); }));
    reactor.run_until([] { return false; }, milliseconds(300));
    EXPECT_LE(polled, 5U);  // at 0, 100, 200 or 300 ms; a slower machine asks less often
  }
}

TEST_F(AeTest, polling_survives_a_restart_of_the_registrar_and_gets_the_request_again) {
  int handled = 0;
  listen([&](const RequestPrimitive& request) {
    EXPECT_EQ(request.rqi, "poll1");
    ++handled;
    return answer_with(Rsc::ok);
  });
  server.stop();  // with a poll held: the connection is dead
  server.start();
  ASSERT_TRUE(drive([&] { return server.cse.polls.size() == 1; }));
  server.cse.hand_out("poll1");  // what the dead connection may have swallowed
  ASSERT_TRUE(drive([&] { return server.cse.answers.size() == 1; }));
  EXPECT_EQ(handled, 1);
}

// --- peers that misbehave

class RawPeerTest : public testing::Test {
 protected:
  Result<ResponsePrimitive> ask(milliseconds timeout = kPatience, std::size_t body_octets = 1U << 20U) {
    auto options = ae_options(server.port);
    options.timeout = timeout;
    options.peer.limits.octets = body_octets;
    Ae ae(reactor, std::move(options), audit, clock);
    RequestPrimitive request;
    request.to = "/in-cse/a";
    request.from = "Clock";
    return ae.request(std::move(request));
  }
  bind::Reactor reactor;
  ManualClock clock{system_clock().now()};
  AuditRecorder audit;
  RawServer server{reactor};
};

TEST_F(RawPeerTest, redirections_are_not_followed) {
  RawServer elsewhere(reactor);
  for (const auto* status :
       {"301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"}) {
    server.answer = [&](const std::string& head) {
      return http_answer(head, status,
                         "Location: http://127.0.0.1:" + std::to_string(elsewhere.port) + "/x\r\n");
    };
    const auto answer = ask();
    EXPECT_TRUE(!answer || !codec::is_success(answer->rsc)) << status;
  }
  EXPECT_EQ(elsewhere.connections, 0U);
  EXPECT_EQ(server.heads.size(), 4U);
}

TEST_F(RawPeerTest, errors_of_a_plain_http_server_are_no_success) {
  for (const auto* status : {"400 Bad Request", "401 Unauthorized", "404 Not Found",
                             "500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable"}) {
    server.answer = [&](const std::string& head) {
      return http_answer(head, status, "Content-Type: text/html\r\n", "<html>sorry</html>");
    };
    const auto answer = ask();
    ASSERT_TRUE(answer) << status << ": " << answer.error().detail;
    EXPECT_FALSE(codec::is_success(answer->rsc)) << status;
    EXPECT_TRUE(answer->pc.is_null());
  }
}

TEST_F(RawPeerTest, garbage_is_an_error) {
  const std::vector<std::string> garbage{
      "\x16\x03\x01 not http at all\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: minus one\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nX-M2M-RI: another\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX-M2M-RSC: no number\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nContent-Type: application/json\r\nContent-Length: "
      "9\r\n\r\n{\"a\":1,}]"};
  for (const auto& octets : garbage) {
    server.answer = [&](const std::string&) { return octets; };
    EXPECT_TRUE(fails_with(ask(), ErrorCode::invalid_argument, "answer")) << octets;
  }
}

TEST_F(RawPeerTest, an_answer_longer_than_the_limit_is_an_error) {
  server.answer = [](const std::string& head) {
    const auto body = R"({"m2m:cnt":{"rn":")" + std::string(2'000, 'x') + R"("}})";
    return http_answer(head, "200 OK", "X-M2M-RSC: 2000\r\nContent-Type: application/json\r\n", body);
  };
  EXPECT_TRUE(ask(kPatience, 2'100));
  EXPECT_TRUE(fails_with(ask(kPatience, 2'000), ErrorCode::invalid_argument, "longer than 2000"));
}

TEST_F(RawPeerTest, a_peer_that_vanishes_makes_the_request_unavailable) {
  server.answer = [](const std::string&) { return std::string(); };
  EXPECT_TRUE(fails_with(ask(), ErrorCode::unavailable, "lost"));
}

TEST_F(RawPeerTest, a_peer_that_vanishes_in_the_middle_of_its_answer_does_too) {
  bool half = false;
  server.answer = [&](const std::string& head) {
    const auto whole = http_answer(head, "200 OK", "X-M2M-RSC: 2000\r\n", "{\"m2m:cnt\":{}}");
    half = true;
    return whole.substr(0, whole.size() - 5);
  };
  EXPECT_TRUE(fails_with(ask(milliseconds(300)), ErrorCode::expired, "in time"));
  EXPECT_TRUE(half);
}

TEST_F(RawPeerTest, a_peer_that_never_answers_costs_the_timeout_and_no_more) {
  server.answer = [](const std::string&) { return std::string(RawServer::kSilence); };
  EXPECT_TRUE(fails_with(ask(milliseconds(200)), ErrorCode::expired, ""));
}

TEST_F(RawPeerTest, nobody_there) {
  auto options = ae_options(1);  // tcpmux: nothing listens
  options.requested_stem = "Clock";
  Ae ae(reactor, std::move(options), audit, clock);
  EXPECT_TRUE(fails_with(ae.retrieve("/in-cse/a"), ErrorCode::unavailable, ""));
}

// --- blocking()

TEST(Blocking, returns_what_the_callback_brings) {
  bind::Reactor reactor;
  EXPECT_EQ(*blocking<int>(reactor, kPatience,
                           [&](auto done) { reactor.post([done = std::move(done)]() mutable { done(7); }); }),
            7);
  EXPECT_TRUE(blocking<void>(reactor, kPatience, [](auto done) { done({}); })) << "at once as well";
  EXPECT_TRUE(
      fails_with(blocking<int>(reactor, kPatience, [](auto done) { done(fail(ErrorCode::denied, "no")); }),
                 ErrorCode::denied, "no"));
}

TEST(Blocking, ends_at_its_limit_and_drops_a_later_answer) {
  bind::Reactor reactor;
  UniqueFunction<void(Result<int>)> late;
  EXPECT_TRUE(fails_with(blocking<int>(reactor, milliseconds(20), [&](auto done) { late = std::move(done); }),
                         ErrorCode::expired, "in time"));
  late(7);
}

}  // namespace
}  // namespace latchkey::client::test
