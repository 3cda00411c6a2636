// Whole exchanges: figures 8.4.2-1 and 8.4.2-2, and the Originator's side of everything that can go wrong.
#include <gmock/gmock.h>

#include "world.h"

namespace latchkey::e2e {
namespace {

using codec::Rsc;
using test::cover;
using test::entity;
using test::kLock;
using test::kPhone;
using test::request;
using test::World;
using Exchange = EsPrimExchange;

EsPrimHeader header_of(const World& world, std::size_t index) {
  return EsPrimHeader::read(jose::split_jwe(world.objects.at(index)).value().header, world.now).value();
}
std::string reason(const Exchange::Action& action) {
  const auto* failed = std::get_if<Exchange::Failed>(&action);
  return failed != nullptr ? failed->error.detail : "did not fail";
}
std::optional<Rsc> code(const Exchange::Action& action) {
  const auto* failed = std::get_if<Exchange::Failed>(&action);
  return failed != nullptr ? failed->rsc : std::nullopt;
}

TEST(Exchange, WithASharedObject) {
  cover({"8.4.2-13", "8.4.2-14", "8.4.2-17", "8.4.2-34",  "8.4.2-35",   "8.4.2-36",  "8.4.2-39",
         "8.4.2-40", "8.4.2-41", "8.4.2-61", "8.4.2-62",  "8.4.2-64",   "8.4.2-67",  "8.4.2-68",
         "8.4.2-69", "8.4.2-70", "8.4.2-75", "8.4.2-T04", "8.4.3.2-08", "8.4.3.2-11"});
  World world;
  const auto action = world.exchange();
  ASSERT_TRUE(std::holds_alternative<Exchange::Finished>(action)) << reason(action);
  EXPECT_EQ(std::get<Exchange::Finished>(action).inner.rsc, Rsc::updated);
  EXPECT_EQ(std::get<Exchange::Finished>(action).inner.rqi, "r1");
  ASSERT_EQ(world.executed.size(), 1U);
  EXPECT_EQ(world.executed[0], request());
  EXPECT_EQ(world.retrieved, 1);
  EXPECT_EQ(world.requested, 0) << "the shared object serves";
  EXPECT_EQ(header_of(world, 0).rri, world.receiver->shared_object(world.now)->id());
}

TEST(Exchange, PrimitivesInsideInCbor) {
  World world({.self = entity(kLock)}, {.format = InnerFormat::cbor});
  world.must_exchange();
  ASSERT_EQ(world.executed.size(), 1U);
  EXPECT_EQ(world.executed[0], request());
  EXPECT_EQ(header_of(world, 0).cty, "vnd.onem2m-preq+cbor");
  EXPECT_EQ(header_of(world, 1).cty, "vnd.onem2m-prsp+cbor") << "an answer is written like its request";
}

TEST(Exchange, HeadersOfRequestAndResponse) {
  cover({"8.4.2-63", "8.4.2-65", "8.4.2-66", "8.4.2-37", "8.4.2-38", "8.4.2-T06", "8.4.2-T08", "8.4.3.2-03",
         "8.4.3.2-04", "8.4.3.2-05", "8.4.3.2-06", "8.4.3.2-T05", "8.4.3.2-T06", "8.4.3.2-T07", "8.4.3.2-T08",
         "8.4.3.2-T09", "8.4.3.2-T10", "8.4.3.2-01", "8.4.3.2-T03"});
  World world;
  world.must_exchange();
  world.must_exchange(request("r2"));
  ASSERT_EQ(world.objects.size(), 4U);
  const auto first = header_of(world, 0), answer = header_of(world, 1), second = header_of(world, 2);
  EXPECT_EQ(first.kid, test::kKid);
  EXPECT_EQ(first.cty, "vnd.onem2m-preq+json");
  ASSERT_TRUE(first.oro) << "the first object carries the originator object";
  EXPECT_EQ(first.oro->id(), first.ori);
  EXPECT_FALSE(first.rro);
  EXPECT_EQ(answer.kid, first.kid);
  EXPECT_EQ(answer.cty, "vnd.onem2m-prsp+json");
  EXPECT_EQ(answer.ori, first.ori);
  EXPECT_EQ(answer.rri, first.rri);
  EXPECT_EQ(answer.enc, first.enc);
  EXPECT_FALSE(answer.oro);
  EXPECT_FALSE(answer.rro) << "nothing to refresh yet";
  EXPECT_EQ(second.ori, first.ori) << "one session serves many exchanges";
  EXPECT_FALSE(second.oro) << "an answer came, so the Receiver has it";
  EXPECT_EQ(world.receiver->counts().sessions, 1U);
}

TEST(Exchange, TheOriginatorObjectIsRepeatedUntilAnAnswerCame) {
  cover({"8.4.2-37"});
  World world;
  world.on_response = [](codec::ResponsePrimitive& answer) { answer.rsc = Rsc::target_not_reachable; };
  // The object reaches the Receiver, the answer is lost on the way.
  EXPECT_EQ(code(world.exchange(request("r1"))), Rsc::target_not_reachable);
  world.on_response = [](auto&) {};
  world.must_exchange(request("r2"));
  EXPECT_TRUE(header_of(world, 2).oro);
}

TEST(Exchange, WithoutASharedObject) {
  cover({"8.4.2-05", "8.4.2-18", "8.4.2-19", "8.4.2-20", "8.4.2-21", "8.4.2-26"});
  World world({.self = entity(kLock), .share = false});
  EXPECT_FALSE(world.receiver->shared_object(world.now));
  EXPECT_FALSE(to_json(world.sec_info()).contains("esro"));
  world.must_exchange();
  EXPECT_EQ(world.requested, 1);
  EXPECT_TRUE(header_of(world, 0).rri.starts_with("U-"));
}

TEST(Exchange, AnExpiredSharedObjectIsNotUsed) {
  cover({"8.4.2-17"});
  World world;
  const json::value stale = to_json(world.sec_info());
  world.now += std::chrono::seconds(3'600);
  Exchange exchange(world.originator, request());
  ASSERT_TRUE(std::holds_alternative<Exchange::RetrieveSecInfo>(exchange.start(world.now)));
  const auto action = exchange.on_sec_info(&stale, world.now);
  const auto* send = std::get_if<Exchange::Send>(&action);
  ASSERT_NE(send, nullptr);
  EXPECT_TRUE(
      std::holds_alternative<RandObjectRequest>(read_esprim_message(send->outer.pc, world.now).value()));
  EXPECT_EQ(exchange.step(), Exchange::Step::rand_object);
}

TEST(Exchange, AReceiverWithoutEsPrimEndsIt) {
  cover({"8.4.2-16", "8.4.2-15", "8.4.2-T04"});
  World world;
  world.publishes = false;
  EXPECT_THAT(reason(world.exchange()), ::testing::HasSubstr("no e2eSecInfo"));
  Exchange exchange(world.originator, request());
  ASSERT_TRUE(std::holds_alternative<Exchange::RetrieveSecInfo>(exchange.start(world.now)));
  const json::value other =
      to_json(E2eSecInfo{.features = {Suid::from(14).value()}, .certificates = {}, .shared = {}});
  EXPECT_THAT(reason(exchange.on_sec_info(&other, world.now)), ::testing::HasSubstr("no ESPrim"));
  EXPECT_EQ(exchange.step(), Exchange::Step::failed);
  EXPECT_TRUE(world.objects.empty());
}

TEST(Exchange, OriginatorObjectFitsTheReceivers) {
  cover({"8.4.2-27", "8.4.2-29", "8.4.2-31", "8.4.2-32", "8.4.2-T05", "8.4.3.2-02", "8.4.3.2-T04"});
  World world({.self = entity(kLock), .encs = {jose::Enc::a128gcm, jose::Enc::a192gcm}},
              {.object_lifetime = std::chrono::hours(24)});
  world.must_exchange();
  const auto header = header_of(world, 0);
  EXPECT_EQ(header.oro->end(), world.receiver->shared_object(world.now)->end()) << "never later";
  EXPECT_EQ(header.oro->key_gen_algs(), std::vector<std::uint16_t>{1});
  EXPECT_EQ(header.oro->protocol_and_algs(), (std::vector<std::uint16_t>{11, 10})) << "ours, in our order";
  EXPECT_EQ(header.enc, jose::Enc::a192gcm);
}

TEST(Exchange, NoCommonAlgorithm) {
  World world({.self = entity(kLock), .encs = {jose::Enc::a128gcm}}, {.encs = {jose::Enc::a256gcm}});
  EXPECT_THAT(reason(world.exchange()), ::testing::HasSubstr("no algorithm in common"));
  EXPECT_TRUE(world.objects.empty());
}

TEST(Exchange, EveryAlgorithm) {
  cover({"8.4.3.2-T04"});
  for (const auto enc : {jose::Enc::a128gcm, jose::Enc::a192gcm, jose::Enc::a256gcm}) {
    World world({.self = entity(kLock)}, {.encs = {enc}});
    world.must_exchange();
    EXPECT_EQ(header_of(world, 0).enc, enc);
    EXPECT_EQ(header_of(world, 1).enc, enc);
  }
}

TEST(Exchange, OuterPrimitive) {
  World world;
  auto inner = request();
  inner.rqet = world.now + std::chrono::minutes(1);
  inner.rset = world.now + std::chrono::minutes(2);
  inner.ec = 2;
  inner.da = true;
  inner.gid = "group1";
  inner.rt = codec::ResponseMode::blocking;
  codec::RequestPrimitive outer;
  world.on_request = [&](codec::RequestPrimitive& passing) { outer = passing; };
  world.must_exchange(inner);
  EXPECT_EQ(outer.op, codec::Operation::notify);
  EXPECT_EQ(outer.to, "/lock-cse");
  EXPECT_EQ(outer.from, kPhone);
  EXPECT_EQ(outer.rqet, inner.rqet);
  EXPECT_EQ(outer.rset, inner.rset);
  EXPECT_EQ(outer.ec, inner.ec);
  EXPECT_EQ(outer.da, inner.da);
  EXPECT_FALSE(outer.gid) << "stays inside";
  EXPECT_FALSE(outer.rt);
  ASSERT_EQ(world.executed.size(), 1U);
  EXPECT_FALSE(world.executed[0].rt) << "the outer Response Type rules";
  EXPECT_EQ(world.executed[0].gid, "group1");
  const std::string seen = codec::to_text(outer.pc);
  for (const char* hidden : {"door", "command", "open", "m2m:cnt"})
    EXPECT_EQ(seen.find(hidden), std::string::npos);
}

TEST(Exchange, UnknownReceiverObjectIsRenewedOnce) {
  World world;
  world.must_exchange(request("r1"));
  // A Receiver that was started anew knows neither of the objects.
  auto receiver = EsPrimReceiver::make({.self = entity(kLock)}).value();
  ASSERT_TRUE(receiver->add_key(test::pairwise(kPhone)));
  world.receiver = std::move(receiver);
  world.endpoint = std::make_unique<EsPrimEndpoint>(*world.receiver);
  world.must_exchange(request("r2"));
  EXPECT_EQ(world.outer_codes, (std::vector{Rsc::ok, Rsc::esprim_unknown_recv_rand_id, Rsc::ok}));
  EXPECT_EQ(world.requested, 1) << "from the Receiver itself: copies of e2eSecInfo may be stale";
}

TEST(Exchange, AHopThatAnswers4114ForEverIsNotFollowed) {
  World world;
  int objects = 0;
  world.on_response = [&](codec::ResponsePrimitive& answer) {
    const auto message = read_esprim_message(answer.pc, world.now);
    if (!message || !std::holds_alternative<EsPrimObject>(*message)) return;
    ++objects;
    answer.rsc = Rsc::esprim_unknown_recv_rand_id;
  };
  const auto action = world.exchange();
  EXPECT_TRUE(std::holds_alternative<Exchange::Failed>(action));
  EXPECT_EQ(world.executed.size(), 1U) << "what a hop makes the Originator repeat is not done twice";
  EXPECT_EQ(world.refusals.at(0).defect, EsPrimDefect::replayed);
}

TEST(Exchange, UnknownOriginatorObjectIsRenewedOnce) {
  World world({.self = entity(kLock), .requests_per_session = 1});
  world.must_exchange(request("r1"));
  world.must_exchange(request("r2"));
  EXPECT_EQ(world.outer_codes, (std::vector{Rsc::ok, Rsc::esprim_unknown_orig_rand_id, Rsc::ok}));
  EXPECT_EQ(world.requested, 0);
  EXPECT_NE(header_of(world, 0).ori, header_of(world, 3).ori);
}

TEST(Exchange, OtherRefusalsEndIt) {
  for (const auto rsc : {Rsc::esprim_bad_mac, Rsc::esprim_unknown_key_id, Rsc::esprim_unsupported_option,
                         Rsc::esprim_impersonation_error, Rsc::esprim_decryption_error, Rsc::bad_request}) {
    World world;
    world.on_response = [&](codec::ResponsePrimitive& answer) { answer.rsc = rsc; };
    EXPECT_EQ(code(world.exchange()), rsc);
    EXPECT_EQ(world.objects.size(), 2U);
  }
}

TEST(Exchange, TheOriginatorBeginsANewSessionInTime) {
  World world({.self = entity(kLock)}, {.requests_per_session = 2});
  for (const char* rqi : {"r1", "r2", "r3"}) world.must_exchange(request(rqi));
  EXPECT_EQ(header_of(world, 0).ori, header_of(world, 2).ori);
  EXPECT_NE(header_of(world, 0).ori, header_of(world, 4).ori);
  EXPECT_TRUE(header_of(world, 4).oro);
  EXPECT_EQ(world.requested, 0);
}

TEST(Exchange, AnswersBringTheNextReceiverObjectInBand) {
  cover({"8.4.3.2-07", "8.4.3.2-16", "8.4.3.2-T10"});
  World world;
  world.must_exchange(request("r1"));
  const std::string first = header_of(world, 0).rri;
  world.now += std::chrono::minutes(51);  // the object has 9 minutes left
  world.must_exchange(request("r2"));
  const auto answer = header_of(world, 3);
  ASSERT_TRUE(answer.rro);
  EXPECT_EQ(answer.rri, first) << "the answer itself is of the old session";
  world.must_exchange(request("r3"));
  EXPECT_EQ(header_of(world, 4).rri, answer.rro->id());
  EXPECT_EQ(world.retrieved, 1) << "nobody had to ask";
  EXPECT_EQ(world.requested, 0);
}

TEST(Exchange, InBandRefreshWithoutSharing) {
  World world({.self = entity(kLock), .share = false, .unshared_lifetime = std::chrono::seconds(600)});
  world.must_exchange(request("r1"));
  world.now += std::chrono::seconds(500);
  world.must_exchange(request("r2"));
  const auto answer = header_of(world, 3);
  ASSERT_TRUE(answer.rro);
  EXPECT_FALSE(answer.rro->shared());
  world.must_exchange(request("r3"));
  EXPECT_EQ(header_of(world, 4).rri, answer.rro->id());
  EXPECT_EQ(world.requested, 1);
}

TEST(Exchange, AnAnswerOfAnotherSessionIsDiscarded) {
  cover({"8.4.2-71"});
  for (const char* member : {"kid", "ori", "rri"}) {
    World world;
    world.on_response = [&](codec::ResponsePrimitive& answer) {
      auto& text = answer.pc.get_object().at("m2m:seci").get_object().at("epo").get_string();
      const auto parts = jose::split_jwe(std::string_view(text)).value();
      auto members =
          codec::parse_json(as_text(from_base64url(parts.header).value()), {}).value().get_object();
      members[member] = "other";
      text = to_base64url(as_bytes(codec::to_text(members))) + ".." + std::string(parts.iv) + "." +
             std::string(parts.ciphertext) + "." + std::string(parts.tag);
    };
    EXPECT_THAT(reason(world.exchange()), ::testing::HasSubstr("not those of the request")) << member;
  }
}

TEST(Exchange, AnAnswerAfterTheSessionsEndIsDiscarded) {
  cover({"8.4.2-72"});
  World world({.self = entity(kLock), .share = false, .unshared_lifetime = std::chrono::seconds(60)});
  world.on_response = [&](codec::ResponsePrimitive& answer) {
    if (std::holds_alternative<EsPrimObject>(read_esprim_message(answer.pc, world.now).value()))
      world.now += std::chrono::seconds(60);
  };
  EXPECT_THAT(reason(world.exchange()), ::testing::HasSubstr("expired"));
}

TEST(Exchange, AnAnswerToAnotherRequestIsDiscarded) {
  cover({"8.4.2-73", "8.4.2-74"});
  World world;
  world.must_exchange(request("r1"));
  const std::string old = world.objects.at(1);
  world.on_response = [&](codec::ResponsePrimitive& answer) {
    answer.pc = to_security_info(EsPrimObject{old});
  };
  EXPECT_THAT(reason(world.exchange(request("r2"))), ::testing::HasSubstr("another request"));
}

TEST(Exchange, ARequestIsNoAnswer) {
  World world;
  world.on_response = [&](codec::ResponsePrimitive& answer) {
    answer.pc = to_security_info(EsPrimObject{world.objects.at(0)});
  };
  EXPECT_THAT(reason(world.exchange()), ::testing::HasSubstr("oro"));
  world.on_response = [](auto&) {};
  world.must_exchange(request("r2"));
  world.on_response = [&](codec::ResponsePrimitive& answer) {
    answer.pc = to_security_info(EsPrimObject{world.objects.at(world.objects.size() - 2)});
  };
  const auto reflected = world.exchange(request("r3"));
  EXPECT_TRUE(std::holds_alternative<Exchange::Failed>(reflected));
}

TEST(Exchange, AnyFlippedBitOfAnAnswerIsRefused) {
  World world;
  world.must_exchange(request("r1"));
  Exchange exchange(world.originator, request("r2"));
  auto action = exchange.start(world.now);
  const auto answer = world.deliver(std::get<Exchange::Send>(action).outer);
  const std::string text = std::get<EsPrimObject>(read_esprim_message(answer.pc, world.now).value()).text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    Exchange copy = exchange;
    auto broken = answer;
    broken.pc = to_security_info(EsPrimObject{changed});
    EXPECT_FALSE(std::holds_alternative<Exchange::Finished>(copy.on_answer(broken, world.now))) << i;
  }
  EXPECT_TRUE(std::holds_alternative<Exchange::Finished>(exchange.on_answer(answer, world.now)));
}

/// Any pair that the table does not allow is one error path, and changes nothing.
TEST(Exchange, EveryEventInEveryStep) {
  World world;
  const json::value esi = to_json(world.sec_info());
  const auto reach = [&](Exchange::Step step) {
    world.publishes = true;
    auto own = EsPrimOriginator::make({.receiver_address = "/lock-cse"}, test::pairwise(kLock)).value();
    static int number = 0;
    Exchange exchange(own, request("t" + std::to_string(++number)));
    if (step == Exchange::Step::created) return exchange;
    EXPECT_TRUE(std::holds_alternative<Exchange::RetrieveSecInfo>(exchange.start(world.now)));
    if (step == Exchange::Step::sec_info) return exchange;
    const json::value without = json::value{{"esf", {13}}};
    auto action = exchange.on_sec_info(step == Exchange::Step::rand_object ? &without
                                       : step == Exchange::Step::failed    ? nullptr
                                                                           : &esi,
                                       world.now);
    if (step == Exchange::Step::finished) {
      EXPECT_TRUE(std::holds_alternative<Exchange::Finished>(
          exchange.on_answer(world.deliver(std::get<Exchange::Send>(action).outer), world.now)));
    }
    return exchange;
  };
  using Step = Exchange::Step;
  using Event = Exchange::Event;
  int refused = 0;
  for (const auto step :
       {Step::created, Step::sec_info, Step::rand_object, Step::sent, Step::finished, Step::failed})
    for (const auto event : {Event::start, Event::sec_info, Event::answer}) {
      Exchange exchange = reach(step);
      ASSERT_EQ(exchange.step(), step);
      const auto action = event == Event::start      ? exchange.start(world.now)
                          : event == Event::sec_info ? exchange.on_sec_info(&esi, world.now)
                                                     : exchange.on_answer({}, world.now);
      if (Exchange::allowed(step, event)) {
        EXPECT_NE(exchange.step(), step);
        continue;
      }
      ++refused;
      EXPECT_EQ(exchange.step(), step);
      EXPECT_EQ(std::get<Exchange::Failed>(action).error.code, ErrorCode::conflict);
    }
  EXPECT_EQ(refused, 14);
}

TEST(Exchange, AnExpiredPairwiseKeyIsNotUsed) {
  World world;
  world.originator =
      EsPrimOriginator::make({.receiver_address = "/lock-cse"}, test::pairwise(kLock, world.now)).value();
  EXPECT_THAT(reason(world.exchange()), ::testing::HasSubstr("expired"));
  EXPECT_TRUE(world.objects.empty());
}

TEST(Originator, BadConfiguration) {
  EXPECT_FALSE(EsPrimOriginator::make({}, test::pairwise(kLock)));
  EXPECT_FALSE(EsPrimOriginator::make({.receiver_address = "/x", .encs = {}}, test::pairwise(kLock)));
}

}  // namespace
}  // namespace latchkey::e2e
