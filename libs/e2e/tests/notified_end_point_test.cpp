// An end-point that is notified of security information: keys, limits, and what it answers itself.
#include "latchkey/e2e/notified_end_point.h"

#include <gmock/gmock.h>

#include <boost/json/parse.hpp>

#include "rate_limit.h"
#include "world.h"

namespace latchkey::e2e {
namespace {

using test::kLock;
using test::kPhone;
using ::testing::HasSubstr;

class Notified : public ::testing::Test {
 protected:
  void make() {
    auto made = NotifiedEndPoint::make(config, audit, clock);
    ASSERT_TRUE(made) << made.error().detail;
    end_point = std::move(*made);
  }
  NotifiedEndPoint::Handled notify(const char* content, std::string_view hop = "hop") {
    outer.op = codec::Operation::notify;
    outer.from = "/in-cse/Cphone";
    outer.rqi = "o";
    outer.pc = json::parse(content);
    EXPECT_TRUE(NotifiedEndPoint::takes(outer));
    return end_point->handle({.outer = outer, .originator = originator, .hop = hop});
  }
  NotifiedEndPoint::Answer answer(const char* content, std::string_view hop = "hop") {
    auto handled = notify(content, hop);
    auto* const ready = std::get_if<NotifiedEndPoint::Answer>(&handled);
    EXPECT_TRUE(ready);
    return ready != nullptr ? std::move(*ready) : NotifiedEndPoint::Answer{};
  }
  ManualClock clock{test::at("20261128T120000")};
  AuditRecorder audit;
  NotifiedEndPointConfig config{.esprim = {.self = test::entity(kLock)}};
  std::unique_ptr<NotifiedEndPoint> end_point;
  std::optional<EntityId> originator = test::entity(kPhone);
  codec::RequestPrimitive outer;
};

constexpr const char* kObjectRequest = R"({"m2m:seci":{"sit":3}})";

TEST_F(Notified, AHopMayAskForSoMuchAndNoOtherPaysForIt) {
  config.objects_of_hop = {.per_second = 2, .burst = 3};
  make();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(answer(kObjectRequest).outer.rsc, codec::Rsc::ok);
  const auto shed = answer(kObjectRequest);
  EXPECT_EQ(shed.outer.rsc, codec::Rsc::internal_server_error);
  EXPECT_EQ(shed.outer.rqi, "o");
  ASSERT_TRUE(shed.refusal);
  EXPECT_THAT(*shed.refusal, HasSubstr("more objects than this hop"));
  EXPECT_EQ(answer(kObjectRequest, "other").outer.rsc, codec::Rsc::ok);
  clock.advance(std::chrono::milliseconds(500));
  EXPECT_EQ(answer(kObjectRequest).outer.rsc, codec::Rsc::ok);
  EXPECT_EQ(answer(kObjectRequest).outer.rsc, codec::Rsc::internal_server_error);
}

TEST_F(Notified, WhatNoEndPointIsAskedIsRefusedByMember) {
  make();
  for (const auto& [content, code] : std::vector<std::pair<const char*, codec::Rsc>>{
           {R"({"m2m:seci":{"sit":1,"dreq":{}}})", codec::Rsc::bad_request},
           {R"({"m2m:seci":{"sit":2}})", codec::Rsc::bad_request},
           {R"({"m2m:seci":{"sit":4}})", codec::Rsc::bad_request},
           {R"({"m2m:seci":{}})", codec::Rsc::bad_request},
           {R"({"m2m:seci":{"sit":5,"epo":"a.b"}})", codec::Rsc::bad_request},
           {R"({"m2m:seci":{"sit":6,"eckm":"FgMD"}})", codec::Rsc::not_implemented}}) {
    EXPECT_EQ(answer(content).outer.rsc, code) << content;
  }
  outer.op = codec::Operation::update;
  EXPECT_FALSE(NotifiedEndPoint::takes(outer));
  outer.op = codec::Operation::notify;
  outer.pc = json::parse(R"({"m2m:sgn":{}})");
  EXPECT_FALSE(NotifiedEndPoint::takes(outer));
}

TEST_F(Notified, OfObtainedKeysTheNewestOfEachAreKeptAndProvisionedOnesDoNotCount) {
  config.keys_of_one = 2;
  config.keys = {test::pairwise(kPhone, {}, "provisioned")};
  make();
  EXPECT_EQ(end_point->obtain(test::pairwise(kPhone, {}, "a")), std::vector<std::string>{});
  EXPECT_EQ(end_point->obtain(test::pairwise(kPhone, {}, "b")), std::vector<std::string>{});
  EXPECT_EQ(end_point->obtain(test::pairwise("//sp.example/in-cse/Cother", {}, "x")),
            std::vector<std::string>{});
  EXPECT_EQ(end_point->obtain(test::pairwise(kPhone, {}, "a")), std::vector<std::string>{})
      << "one that is known is the newest again";
  EXPECT_EQ(end_point->obtain(test::pairwise(kPhone, {}, "c")), std::vector<std::string>{"b"});
  EXPECT_TRUE(end_point->provision({}));
  EXPECT_FALSE(end_point->authorizes(test::entity(kPhone))) << "no certificate, no initiators";
}

TEST_F(Notified, ConfigurationsThatCannotBe) {
  const auto refused = [&](NotifiedEndPointConfig bad) {
    const auto made = NotifiedEndPoint::make(std::move(bad), audit, clock);
    return !made && made.error().code == ErrorCode::invalid_argument;
  };
  auto bad = config;
  bad.keys_of_one = 0;
  EXPECT_TRUE(refused(bad));
  bad = config;
  bad.objects_of_hop = {};
  EXPECT_TRUE(refused(bad));
  bad = config;
  bad.handshakes_of_initiator.burst = 0.5;
  EXPECT_TRUE(refused(bad));
  bad = config;
  bad.published.assign(kEndToEndCertificatesMax + 1, Bytes{1});
  EXPECT_TRUE(refused(bad));
  bad = config;
  bad.certificates = EsCertKeCredentials{.own = nullptr, .trust = nullptr, .home = test::sp()};
  EXPECT_TRUE(refused(bad));
}

TEST(RateLimit, KeepsNoMoreNamesThanItMay) {
  RateLimit limit({.per_second = 1, .burst = 1});
  auto now = test::at("20261128T120000");
  const auto name = [](std::size_t i) { return "name-" + std::to_string(i); };
  for (std::size_t i = 0; i < RateLimit::kNamesMax; ++i) EXPECT_TRUE(limit.take(name(i), now));
  EXPECT_TRUE(limit.take("beyond", now)) << "the bucket of all beyond";
  EXPECT_FALSE(limit.take("also beyond", now));
  EXPECT_FALSE(limit.take(name(0), now));
  // The clock was set back: nothing is gained, and nothing is lost for long.
  EXPECT_FALSE(limit.take(name(0), now - std::chrono::hours(1)));
  now += std::chrono::seconds(2);
  EXPECT_TRUE(limit.take("also beyond", now)) << "the full ones were forgotten";
  EXPECT_TRUE(limit.take("third", now));
}

}  // namespace
}  // namespace latchkey::e2e
