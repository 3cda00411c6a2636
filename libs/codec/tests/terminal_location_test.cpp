// OMA RESTful Network API for Terminal Location, as TS-0004 Annex F uses it.
#include "latchkey/codec/terminal_location.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace latchkey::codec {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

constexpr const char* kAddress = "//sp.example/Sboat";
constexpr const char* kFix =
    R"({"latitude":53.54,"longitude":9.98,"accuracy":20,"timestamp":"2026-11-28T11:25:39Z"})";
const TimePoint kTime{seconds(1'795'865'139)};

std::string list(const std::string& terminal) {
  return R"({"terminalLocationList":{"terminalLocation":)" + terminal + "}}";
}
std::string terminal(const std::string& fix, const char* address = kAddress) {
  return R"({"address":")" + std::string(address) +
         R"(","locationRetrievalStatus":"Retrieved","currentLocation":)" + fix + "}";
}
Outcome<TerminalLocation> read(const std::string& text) {
  return read_terminal_location(json::parse(text), kAddress);
}

TEST(TerminalLocation, one_terminal_or_a_list_of_them) {
  const Fix fix{.latitude = 53.54, .longitude = 9.98, .accuracy = 20, .time = kTime};
  const TerminalLocation expected{.address = kAddress, .status = "Retrieved", .fix = fix};
  EXPECT_EQ(read(list(terminal(kFix))).value(), expected);
  EXPECT_EQ(read(list("[" + terminal(kFix, "tel:+1") + "," + terminal(kFix) + "]")).value(), expected);
  EXPECT_EQ(
      read(
          list(terminal(
              R"({"latitude":"53.54","longitude":"9.98","accuracy":"20","timestamp":"2026-11-28T13:25:39.000+02:00"})")))
          .value(),
      expected)
      << "numbers as texts, another zone";
}

TEST(TerminalLocation, one_that_was_not_located_has_no_fix) {
  const auto read_one =
      read(list(R"({"address":"//sp.example/Sboat","locationRetrievalStatus":"NotRetrieved"})"));
  ASSERT_TRUE(read_one);
  EXPECT_EQ(read_one->status, "NotRetrieved");
  EXPECT_FALSE(read_one->fix);
}

TEST(TerminalLocation, a_refusal_names_the_member) {
  const auto refused = [](const std::string& text, const std::string& part) {
    const auto outcome = read(text);
    ASSERT_FALSE(outcome) << text;
    EXPECT_NE(outcome.error().detail.find(part), std::string::npos) << outcome.error().detail;
  };
  refused("{}", "terminalLocationList: missing");
  refused("[]", "terminalLocationList: missing");
  refused(R"({"terminalLocationList":1})", "terminalLocationList: not an object");
  refused(R"({"terminalLocationList":{}})", "terminalLocationList.terminalLocation: missing");
  refused(list("[1]"), "terminalLocationList.terminalLocation[0]: not an object");
  refused(list(terminal(kFix, "tel:+1")), "not of the terminal");
  refused(list(R"({"address":"a","locationRetrievalStatus":"Retrieved"})"), ".currentLocation: missing");
  const auto fix = [&](const char* latitude, const char* longitude, const char* accuracy, const char* time) {
    return list(terminal(R"({"latitude":)" + std::string(latitude) + R"(,"longitude":)" + longitude +
                         R"(,"accuracy":)" + accuracy + R"(,"timestamp":)" + time + "}"));
  };
  constexpr const char* kOk = R"("2026-11-28T11:25:39Z")";
  refused(fix("90.1", "0", "0", kOk), ".latitude: out of range");
  refused(fix("\"nan\"", "0", "0", kOk), ".latitude: out of range");
  refused(fix("\"1 \"", "0", "0", kOk), ".latitude: not a number");
  refused(fix("0", "-180.1", "0", kOk), ".longitude: out of range");
  refused(fix("0", "0", "-1", kOk), ".accuracy: out of range");
  refused(fix("0", "0", "true", kOk), ".accuracy: not a number");
  for (const auto* time :
       {"\"2026-11-28T11:25:39\"", "\"2026-02-30T11:25:39Z\"", "\"2026-11-28T24:25:39Z\"", "1",
        "\"2026-11-28T11:25:39.Z\"", "\"2026-11-28T11:25:39+15:00\"", "\"2026-11-28T11:25:39Zx\""})
    refused(fix("0", "0", "0", time), ".timestamp: ");
}

TEST(AreaNotifications, are_read) {
  const auto read_one = read_area_notification(json::parse(
      R"({"subscriptionNotification":{"callbackData":"c","enteringLeavingCriteria":"Leaving","isFinalNotification":"false",
          "terminalLocation":)" +
      terminal(kFix) + "}}"));
  ASSERT_TRUE(read_one) << read_one.error().detail;
  EXPECT_EQ(read_one->callback_data, "c");
  EXPECT_EQ(read_one->crossing, Crossing::leaving);
  EXPECT_FALSE(read_one->final);
  ASSERT_EQ(read_one->terminals.size(), 1U);
  EXPECT_EQ(read_one->terminals[0].fix->time, kTime);
  const auto cancelled =
      read_area_notification(json::parse(R"({"subscriptionCancellationNotification":{"callbackData":"c"}})"));
  ASSERT_TRUE(cancelled);
  EXPECT_TRUE(cancelled->final);
}

TEST(AreaNotifications, a_refusal_names_the_member) {
  const auto refused = [](const std::string& text, const std::string& part) {
    const auto outcome = read_area_notification(json::parse(text));
    ASSERT_FALSE(outcome) << text;
    EXPECT_NE(outcome.error().detail.find(part), std::string::npos) << outcome.error().detail;
  };
  refused("1", "subscriptionNotification: missing");
  refused(R"({"subscriptionNotification":{}})", "subscriptionNotification.callbackData: missing");
  refused(R"({"subscriptionNotification":{"callbackData":"c","enteringLeavingCriteria":"entering"}})",
          "subscriptionNotification.enteringLeavingCriteria: neither");
  refused(R"({"subscriptionNotification":{"callbackData":"c","enteringLeavingCriteria":"Entering"}})",
          "subscriptionNotification.terminalLocation: missing");
  refused(R"({"subscriptionCancellationNotification":{}})",
          "subscriptionCancellationNotification.callbackData");
}

TEST(CircleSubscriptions, are_written_and_their_address_is_read) {
  const CircleSubscription subscription{.address = kAddress,
                                        .latitude = 53.54,
                                        .longitude = 9.98,
                                        .radius = 2000,
                                        .crossing = Crossing::leaving,
                                        .notify_url = "https://in.sp.example/location",
                                        .callback_data = "c",
                                        .duration = seconds(600),
                                        .frequency = seconds(10),
                                        .accuracy = 100};
  EXPECT_EQ(
      to_json(subscription),
      json::parse(
          R"({"circleNotificationSubscription":{"address":["//sp.example/Sboat"],"callbackReference":{"notifyURL":
              "https://in.sp.example/location","callbackData":"c","notificationFormat":"JSON"},"checkImmediate":true,
              "clientCorrelator":"c","enteringLeavingCriteria":"Leaving","latitude":53.54,"longitude":9.98,"radius":2E3,
              "duration":600,"frequency":10,"trackingAccuracy":1E2}})"));
  const auto path = [](const char* text) { return read_subscription_path(json::parse(text)); };
  EXPECT_EQ(path(R"({"circleNotificationSubscription":{"resourceURL":"https://h:1/l/v1/s/1"}})").value(),
            "/l/v1/s/1");
  EXPECT_EQ(path(R"({"resourceReference":{"resourceURL":"/l/v1/s/1"}})").value(), "/l/v1/s/1");
  EXPECT_FALSE(path(R"({"resourceReference":{"resourceURL":"https://h"}})"));
  EXPECT_FALSE(path(R"({"circleNotificationSubscription":{}})"));
  EXPECT_FALSE(path("{}"));
}

TEST(Fixes, go_into_the_content_of_an_instance) {
  const Fix fix{.latitude = 1.5, .longitude = -2.5, .accuracy = 20, .time = kTime};
  EXPECT_EQ(read(list(terminal(json::serialize(to_json(fix)))))->fix, fix);
}

}  // namespace
}  // namespace latchkey::codec
