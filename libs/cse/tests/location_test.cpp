// TS-0003 Annex F: the place of an originator, from the network.
#include "latchkey/cse/location.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <set>

#include "cover.h"
#include "support/memory_store.h"
#include "support/mmdb.h"
#include "support/operator.h"

namespace latchkey::cse::test {
namespace {

using std::chrono::seconds;

const EntityId kBoat = *AeId::parse("//sp.example/Sboat", *SpId::parse("//sp.example"));
constexpr const char* kAddress = "//sp.example/Sboat";
constexpr authz::Circle kHarbour{53.54, 9.98, 2000};
constexpr authz::Circle kAirport{53.63, 9.99, 1500};

authz::LocationDemand circles(std::vector<authz::Circle> list) {
  return {.country = false, .circles = std::move(list)};
}
authz::LocationDemand country() { return {.country = true, .circles = {}}; }

struct Asking : Locating {
  using Locating::Locating;
  /// Asks and waits for the end of it.
  std::shared_ptr<const authz::Location> ask(const authz::LocationDemand& demand,
                                             const EntityId& who = kBoat) {
    bool done = false;
    information->ask(who, demand, [&] { done = true; });
    EXPECT_FALSE(done) << "not before ask() returns";
    EXPECT_TRUE(until([&] { return done; }));
    return information->known(who, std::nullopt);
  }
  std::optional<bool> inside(const authz::Circle& circle) const {
    const auto place = information->known(kBoat, std::nullopt);
    return place ? authz::is_inside(*place, circle) : std::nullopt;
  }
  void cross(codec::Crossing crossing, bool final = false) {
    const auto before = network.reported.size();
    network.cross(kAddress, crossing, final);
    EXPECT_TRUE(until([&] { return network.reported.size() > before; }));
    EXPECT_EQ(network.reported.back(), codec::Rsc::ok);
  }
};

class Records final : public LocationRecords {
 public:
  void needed(const EntityId& originator) override { log.push_back("needed " + to_string(originator)); }
  void obtained(const EntityId& originator, const Result<codec::Fix>& fix) override {
    log.push_back((fix ? "obtained " : "failed ") + to_string(originator));
  }
  std::vector<std::string> log;
};

TEST(Location, nothing_is_known_before_it_is_asked_for) {
  Asking world;
  EXPECT_EQ(world.information->known(kBoat, std::nullopt), nullptr);
  EXPECT_TRUE(world.network.requests.empty());
}

TEST(Location, a_circle_is_watched_and_the_place_asked_for_at_once) {
  latchkey::test::cover({"F.0-01", "F.1.1-01", "F.2.0-01", "F.2.1-03", "F.2.1-04", "F.2.1-07", "F.2.1-T01",
                         "F.2.1-T02", "7.1.2-T10"});
  Asking world;
  Records records;
  world.information->keep_records(&records);
  world.network.place(kAddress, 53.541, 9.981);
  const auto place = world.ask(circles({kHarbour, kAirport}));
  ASSERT_NE(place, nullptr);
  EXPECT_EQ(place->coordinates, std::pair(53.541, 9.981));
  EXPECT_EQ(world.inside(kHarbour), true);
  EXPECT_EQ(world.inside(kAirport), false);
  EXPECT_EQ(records.log,
            (std::vector<std::string>{"needed //sp.example/Sboat", "obtained //sp.example/Sboat"}));
  // One subscription for each circle and direction, all before the place is asked for.
  ASSERT_EQ(world.network.subscriptions.size(), 4U);
  EXPECT_TRUE(world.network.requests.back().starts_with(
      "GET /location/v1/queries/location?address=%2F%2Fsp.example%2FSboat&"));
  EXPECT_EQ(world.network.requests.size(), 5U);
  std::set<std::string> directions;
  for (const auto& [path, subscription] : world.network.subscriptions) {
    const double latitude = subscription.body.at("latitude").to_number<double>();
    const auto& circle = latitude == kHarbour.latitude ? kHarbour : kAirport;
    EXPECT_EQ(latitude, circle.latitude);
    EXPECT_EQ(subscription.body.at("longitude").to_number<double>(), circle.longitude);
    EXPECT_EQ(subscription.body.at("radius").to_number<double>(), circle.radius);
    EXPECT_EQ(subscription.body.at("address").at(0).as_string(), kAddress);
    EXPECT_TRUE(subscription.body.at("checkImmediate").as_bool());
    directions.insert(std::to_string(latitude) + subscription.text("enteringLeavingCriteria"));
  }
  EXPECT_EQ(directions.size(), 4U);
}

TEST(Location, crossings_keep_it_current) {
  latchkey::test::cover({"F.2.1-08", "F.2.1-T02"});
  Asking world;
  world.network.place(kAddress, 53.541, 9.981);
  world.ask(circles({kHarbour}));
  ASSERT_EQ(world.inside(kHarbour), true);
  world.clock.advance(seconds(120));
  EXPECT_EQ(world.information->known(kBoat, std::nullopt)->coordinates, std::nullopt)
      << "coordinates are too old";
  EXPECT_EQ(world.inside(kHarbour), true) << "but it has not left";
  world.network.place(kAddress, 53.60, 9.98);
  world.cross(codec::Crossing::leaving);
  EXPECT_EQ(world.inside(kHarbour), false);
  EXPECT_EQ(world.information->known(kBoat, std::nullopt)->coordinates, std::pair(53.60, 9.98));
  world.clock.advance(seconds(1));
  world.network.fixes.clear();
  world.cross(codec::Crossing::entering);
  EXPECT_EQ(world.inside(kHarbour), true) << "a report without coordinates counts too";
  // An older report that comes late does not undo it.
  world.network.fixes[kAddress] = {53.60, 9.98, 20, world.clock.now() - seconds(5)};
  world.cross(codec::Crossing::leaving);
  EXPECT_EQ(world.inside(kHarbour), true);
}

TEST(Location, is_not_known_once_the_subscription_has_ended) {
  Asking world;
  world.network.place(kAddress, 53.541, 9.981);
  world.ask(circles({kHarbour}));
  world.clock.advance(seconds(599));
  EXPECT_EQ(world.inside(kHarbour), true);
  world.clock.advance(seconds(1));
  EXPECT_EQ(world.inside(kHarbour), std::nullopt);
  world.network.subscriptions.clear();
  world.network.place(kAddress, 0, 0);
  world.ask(circles({kHarbour}));
  EXPECT_EQ(world.inside(kHarbour), false);
  EXPECT_EQ(world.network.subscriptions.size(), 2U) << "made again";
}

TEST(Location, the_last_report_ends_the_knowledge_of_its_area) {
  Asking world;
  world.network.place(kAddress, 53.541, 9.981);
  world.ask(circles({kHarbour}));
  world.clock.advance(seconds(120));
  world.network.fixes.clear();
  world.cross(codec::Crossing::entering, true);
  EXPECT_EQ(world.inside(kHarbour), std::nullopt);
}

TEST(Location, of_a_subscription_in_one_direction_only_nothing_is_concluded) {
  Asking world;
  world.network.refuse_direction = "Leaving";
  world.network.place(kAddress, 53.541, 9.981);
  const auto place = world.ask(circles({kHarbour}));
  ASSERT_NE(place, nullptr);
  EXPECT_TRUE(place->areas.empty());
  EXPECT_EQ(world.inside(kHarbour), true) << "by its coordinates";
  EXPECT_TRUE(world.until([&] { return world.network.subscriptions.empty(); }))
      << "the other direction is given back";
  world.clock.advance(seconds(61));
  EXPECT_EQ(world.inside(kHarbour), std::nullopt);
}

TEST(Location, coordinates_have_an_age_limit_and_must_be_certain) {
  latchkey::test::cover({"7.1.2-T10"});
  Asking world({}, false);
  world.network.place(kAddress, 53.541, 9.981);
  EXPECT_NE(world.ask(circles({kHarbour})), nullptr);
  EXPECT_TRUE(world.network.subscriptions.empty()) << "nowhere to be called back";
  world.clock.advance(seconds(60));
  EXPECT_NE(world.information->known(kBoat, std::nullopt), nullptr);
  world.clock.advance(std::chrono::microseconds(1));
  EXPECT_EQ(world.information->known(kBoat, std::nullopt), nullptr);
  EXPECT_EQ(world.ask(circles({kHarbour})), nullptr) << "what the server still has is as old";

  Asking vague({}, false);
  vague.network.place(kAddress, 53.541, 9.981, 501);
  EXPECT_EQ(vague.ask(circles({kHarbour})), nullptr);
  vague.clock.advance(seconds(10));
  vague.network.place(kAddress, 53.541, 9.981, 500);
  EXPECT_NE(vague.ask(circles({kHarbour})), nullptr);
}

TEST(Location, whatever_goes_wrong_it_is_not_known) {
  latchkey::test::cover({"F.2.1-05", "7.1.4-03"});
  const auto unknown_when = [](const std::string& name, const std::function<void(Operator&)>& breaks) {
    Asking world;
    Records records;
    world.information->keep_records(&records);
    world.network.place(kAddress, 53.541, 9.981);
    breaks(world.network);
    EXPECT_EQ(world.ask(circles({kHarbour})), nullptr) << name;
    EXPECT_EQ(records.log.back(), "failed //sp.example/Sboat") << name;
    EXPECT_EQ(world.information->counters().failures, 1U) << name;
    EXPECT_EQ(world.information->counters().areas, world.network.subscriptions.size() / 2) << name;
  };
  unknown_when("silence", [](Operator& network) { network.silent = true; });
  unknown_when("refusal", [](Operator& network) { network.status = 403; });
  unknown_when("malfunction", [](Operator& network) { network.status = 500; });
  unknown_when("no JSON", [](Operator& network) { network.garbage = "nonsense"; });
  unknown_when("other JSON", [](Operator& network) { network.garbage = R"({"terminalLocationList":{}})"; });
  unknown_when("too large",
               [](Operator& network) { network.garbage = "[\"" + std::string(5000, 'x') + "\"]"; });
  unknown_when("no subscriber of the network", [](Operator& network) { network.fixes.clear(); });
}

TEST(Location, a_subscription_elsewhere_is_not_believed) {
  for (const auto* url : {"http://h/", "http://h/location/v1/subscriptions/area/circle/", "/admin/users/1",
                          "http://h/location/v1/subscriptions/area/circle/../../users",
                          "http://h/location/v1/subscriptions/area/circle/.."}) {
    Asking world;
    world.network.place(kAddress, 53.541, 9.981);
    world.network.resource_url = url;
    EXPECT_TRUE(world.ask(circles({kHarbour}))->areas.empty()) << url;
  }
}

TEST(Location, after_a_failure_the_network_is_left_alone_for_a_while) {
  Asking world({}, false);
  EXPECT_EQ(world.ask(circles({kHarbour})), nullptr);
  world.network.place(kAddress, 53.541, 9.981);
  EXPECT_EQ(world.ask(circles({kHarbour})), nullptr);
  EXPECT_EQ(world.network.requests.size(), 1U);
  world.clock.advance(seconds(10));
  EXPECT_NE(world.ask(circles({kHarbour})), nullptr);
}

TEST(Location, one_question_for_each_originator_at_once) {
  Asking world({.waiting_per_originator = 3, .countries = {}, .terminals = {}}, false);
  world.network.place(kAddress, 53.541, 9.981);
  int done = 0;
  for (int i = 0; i < 5; ++i) world.information->ask(kBoat, circles({kHarbour}), [&] { ++done; });
  EXPECT_TRUE(world.until([&] { return done == 2; })) << "two too many go away empty";
  EXPECT_TRUE(world.until([&] { return done == 5; }));
  EXPECT_EQ(world.network.requests.size(), 1U);
  EXPECT_EQ(world.information->counters().questions, 1U);
  EXPECT_EQ(world.information->counters().refused, 2U);
}

TEST(Location, questions_and_memory_are_bounded) {
  Asking world({.originators_max = 3, .questions_max = 2, .countries = {}, .terminals = {}}, false);
  const auto other = [](int number) {
    return EntityId(*AeId::parse("//sp.example/S" + std::to_string(number), *SpId::parse("//sp.example")));
  };
  world.network.silent = true;
  int done = 0;
  for (int i = 0; i < 4; ++i) world.information->ask(other(i), circles({kHarbour}), [&] { ++done; });
  EXPECT_TRUE(world.until([&] { return done == 4; }));
  EXPECT_EQ(world.network.requests.size(), 2U);
  world.network.silent = false;
  for (int i = 10; i < 20; ++i) {
    world.network.place("//sp.example/S" + std::to_string(i), 1, 1);
    EXPECT_NE(world.ask(circles({kHarbour}), other(i)), nullptr);
  }
  EXPECT_EQ(world.information->counters().originators, 3U);
  EXPECT_EQ(world.information->known(other(10), std::nullopt), nullptr);
  EXPECT_NE(world.information->known(other(19), std::nullopt), nullptr);
}

TEST(Location, areas_of_one_originator_are_bounded_and_given_back) {
  Asking world({.areas_per_originator = 1, .countries = {}, .terminals = {}});
  world.network.place(kAddress, 53.541, 9.981);
  world.ask(circles({kHarbour, kAirport}));
  EXPECT_EQ(world.network.subscriptions.size(), 2U);
  EXPECT_EQ(world.inside(kAirport), false) << "by its coordinates";
  world.information->forget(kBoat);
  EXPECT_EQ(world.information->known(kBoat, std::nullopt), nullptr);
  EXPECT_TRUE(world.until([&] { return world.network.subscriptions.empty(); }));
}

TEST(Location, the_network_may_know_an_originator_by_another_name) {
  Asking world({.countries = {}, .terminals = {{"//sp.example/Sboat", "tel:+491711234567"}}}, false);
  world.network.place("tel:+491711234567", 53.541, 9.981);
  EXPECT_NE(world.ask(circles({kHarbour})), nullptr);
}

// Notifications: who does not know the subscription's secret reports nothing.

TEST(LocationNotifications, are_taken_of_our_subscriptions_only) {
  Asking world;
  world.network.place(kAddress, 0, 0);
  world.ask(circles({kHarbour}));
  ASSERT_EQ(world.inside(kHarbour), false);
  const auto& subscription = world.network.subscriptions.begin()->second;
  const auto url = subscription.reference("notifyURL");
  const auto secret = subscription.reference("callbackData");
  EXPECT_EQ(secret.size(), 32U);
  const auto entering = subscription.text("enteringLeavingCriteria") == "Entering";
  const auto other = entering ? codec::Crossing::leaving : codec::Crossing::entering;
  const auto answer = [&](const auto& call) {
    const auto before = world.network.reported.size();
    call();
    EXPECT_TRUE(world.until([&] { return world.network.reported.size() > before; }));
    return world.network.reported.back();
  };
  using codec::Rsc;
  EXPECT_EQ(answer([&] { world.network.report(url, "guess", kAddress, codec::Crossing::entering); }),
            Rsc::not_found);
  EXPECT_EQ(answer([&] { world.network.report(url, secret, kAddress, other); }), Rsc::bad_request)
      << "not what was subscribed to";
  EXPECT_EQ(answer([&] {
              world.network.report(url, secret, "tel:+1", entering ? codec::Crossing::entering : other);
            }),
            Rsc::ok);
  EXPECT_EQ(answer([&] { world.network.post(url, boost::json::object{{"x", 1}}); }), Rsc::bad_request);
  EXPECT_EQ(world.inside(kHarbour), false) << "none of them counts";
}

TEST(LocationNotifications, other_forms_are_refused) {
  Asking world;
  const auto status = [&](std::string method, std::string type, std::string body) {
    return world.information
        ->on_notification({.method = std::move(method),
                           .target = "/location",
                           .content_type = std::move(type),
                           .body = std::move(body),
                           .security = {},
                           .peer = {}})
        .status;
  };
  EXPECT_EQ(status("GET", "", ""), 405);
  EXPECT_EQ(status("POST", "text/xml", "<x/>"), 415);
  EXPECT_EQ(status("POST", "application/json", "{"), 400);
}

// Over a restart.

class LocationRestart : public testing::Test {
 protected:
  LocationRestart() { keep(); }
  void keep() {
    const auto kept = world.information->keep_in(store);
    EXPECT_TRUE(kept) << kept.error().detail;
  }
  void restart(LocationOptions options = {}) {
    world.information = std::make_unique<LocationInformation>(std::move(options), world.server.get(), nullptr,
                                                              world.reactor, world.clock);
    keep();
  }
  std::size_t records() const {
    return static_cast<std::size_t>(
        std::ranges::count(store.records, "loc", [](const auto& record) { return record.first.first; }));
  }
  Asking world;
  MemoryStore store;
};

TEST_F(LocationRestart, places_and_subscriptions_survive_and_what_may_have_changed_does_not) {
  world.network.place(kAddress, 53.541, 9.981);
  world.ask(circles({kHarbour}));
  restart();
  const auto place = world.information->known(kBoat, std::nullopt);
  ASSERT_NE(place, nullptr);
  EXPECT_EQ(place->coordinates, std::pair(53.541, 9.981));
  EXPECT_TRUE(place->areas.empty()) << "it may have left while nobody listened";
  world.clock.advance(seconds(120));
  EXPECT_EQ(world.inside(kHarbour), std::nullopt) << "coordinates age as before";
  world.cross(codec::Crossing::entering);
  EXPECT_EQ(world.inside(kHarbour), true) << "the subscription is ours still";
  world.clock.advance(seconds(1));
  world.cross(codec::Crossing::leaving);
  EXPECT_EQ(world.inside(kHarbour), false);

  restart();
  world.clock.advance(seconds(120));
  world.network.place(kAddress, 53.541, 9.981);
  world.ask(circles({kHarbour}));
  EXPECT_EQ(world.inside(kHarbour), true);
  EXPECT_EQ(world.network.subscriptions.size(), 2U) << "none is made twice";
  EXPECT_EQ(world.information->counters().areas, 1U);
}

TEST_F(LocationRestart, what_has_ended_or_is_forgotten_does_not_come_back) {
  world.network.place(kAddress, 53.541, 9.981);
  world.ask(circles({kHarbour}));
  world.clock.advance(seconds(600));
  restart();
  EXPECT_EQ(world.information->counters().areas, 0U);
  EXPECT_EQ(world.information->known(kBoat, std::nullopt), nullptr);
  world.information->forget(kBoat);
  EXPECT_EQ(records(), 0U);
}

TEST_F(LocationRestart, another_terminal_or_server_is_not_taken_for_the_one_before) {
  world.network.place(kAddress, 53.541, 9.981);
  world.ask(circles({kHarbour}));
  EXPECT_EQ(records(), 1U);
  LocationOptions other;
  other.terminals = {{kAddress, "tel:+491711234567"}};
  restart(other);
  EXPECT_EQ(world.information->known(kBoat, std::nullopt), nullptr);
  EXPECT_EQ(world.information->counters().areas, 0U);
  EXPECT_EQ(records(), 0U);
}

TEST_F(LocationRestart, a_record_that_cannot_be_read_is_dropped_alone) {
  world.network.place(kAddress, 53.541, 9.981);
  world.ask(circles({kHarbour}));
  const auto good = store.records.at({"loc", kAddress});
  for (const auto* bad : {"", "[]", "{", R"({"server":1})", R"({"server":"a","address":"b"})"})
    store.records[{"loc", "//sp.example/S" + std::to_string(records())}] = bad;
  store.records[{"loc", "no id"}] = good;
  auto cut = good;
  cut.replace(cut.find("\"until\""), 7, "\"untl\"");
  store.records[{"loc", "//sp.example/Scut"}] = cut;
  restart();
  EXPECT_EQ(records(), 1U);
  EXPECT_EQ(world.information->counters().originators, 1U);
  EXPECT_NE(world.information->known(kBoat, std::nullopt), nullptr);
}

// Countries (F.2.2).

class LocationCountries : public testing::Test {
 protected:
  LocationCountries() {
    MmdbWriter().v4(192, 0, 2, 24, "KR").write(path_);
    database_ = std::move(*CountryDatabase::open(path_));
  }
  ~LocationCountries() override { std::filesystem::remove(path_); }
  static authz::IpAddress v4(std::uint8_t c) {
    return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, c, 1};
  }
  std::string path_ = std::filesystem::temp_directory_path() / ("latchkey-loc-" + std::to_string(::getpid()));
  std::unique_ptr<CountryDatabase> database_;
};

TEST_F(LocationCountries, come_from_the_address) {
  latchkey::test::cover({"F.1-T01"});
  Asking world({}, true, database_.get());
  EXPECT_EQ(world.information->known(kBoat, v4(2))->country, "KR");
  EXPECT_EQ(world.information->known(kBoat, v4(3)), nullptr);
  EXPECT_EQ(world.information->known(kBoat, std::nullopt), nullptr);
  EXPECT_EQ(world.ask(country()), nullptr);
  EXPECT_TRUE(world.network.requests.empty()) << "coordinates would tell no country here";
}

TEST_F(LocationCountries, decide_by_address_else_by_coordinates_else_not_at_all) {
  latchkey::test::cover({"F.2.2-T01"});
  LocationOptions options;
  options.countries = {{"DE", {53.5, 10, 50'000}}};
  Asking world(options, true, database_.get());
  const auto permits = [&](const char* countries, const std::optional<authz::IpAddress>& address) {
    const auto set = authz::RuleSet::compile(
        boost::json::parse(R"({"acr":[{"acor":["all"],"acop":2,"acco":[{"aclr":{"accc":[)" +
                           std::string(countries) + "]}}]}]}"),
        SpId::parse("//sp.example").value());
    EXPECT_TRUE(set);
    const std::array sets{set->get()};
    authz::RequestContext request;
    request.originator = &kBoat;
    if (const auto place = world.information->known(kBoat, address)) request.rq_loc = *place;
    return authz::decide(request, sets).permit;
  };
  EXPECT_TRUE(permits(R"("KR")", v4(2))) << "the address";
  EXPECT_FALSE(permits(R"("KR","DE")", v4(3))) << "neither";
  world.network.place(kAddress, 53.541, 9.981);
  world.ask(country());
  EXPECT_TRUE(permits(R"("DE")", v4(3))) << "the coordinates";
  EXPECT_FALSE(permits(R"("KR")", v4(3)));
  EXPECT_FALSE(permits(R"("DE")", v4(2))) << "the address goes first";
  world.network.place(kAddress, 40, 100);
  world.clock.advance(seconds(61));
  world.ask(country());
  EXPECT_FALSE(permits(R"("KR","DE")", v4(3))) << "coordinates that are in no country we know";
}

TEST_F(LocationCountries, come_from_coordinates_where_the_address_tells_none) {
  latchkey::test::cover({"F.2.2-01"});
  LocationOptions options;
  options.countries = {{"DE", {53.5, 10, 50'000}}, {"DE", {48.1, 11.6, 50'000}}, {"DK", {54.2, 10, 60'000}}};
  Asking world(options, true, database_.get());
  world.network.place(kAddress, 53.541, 9.981);
  EXPECT_EQ(world.ask(country())->country, "DE");
  EXPECT_TRUE(world.network.subscriptions.empty()) << "a country is no circle to be watched";
  EXPECT_EQ(world.information->known(kBoat, v4(2))->country, "KR") << "the address goes first";
  world.clock.advance(seconds(61));
  world.network.place(kAddress, 53.8, 10);
  EXPECT_EQ(world.ask(country())->country, std::nullopt) << "in circles of two countries";
}

}  // namespace
}  // namespace latchkey::cse::test
