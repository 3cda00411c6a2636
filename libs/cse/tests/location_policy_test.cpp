// <locationPolicy>: TS-0001 9.6.10, 10.2.9, TS-0004 7.4.10, 7.4.27, and TS-0003 Annex F.2.1 step 3.
#include <gtest/gtest.h>

#include "cover.h"
#include "support/operator.h"
#include "support/world.h"

namespace latchkey::cse::test {
namespace {

using std::chrono::seconds;

constexpr const char* kBoat = "//sp.example/Sboat";
constexpr authz::Circle kHarbour{53.54, 9.98, 2000};

class LocationPolicy : public testing::Test {
 protected:
  LocationPolicy() : world(options(locating)) {
    world.register_ae("Sboat", "boat");
    world.register_ae("Sother", "other");
    const auto granted = world.create("Sadmin", "cse", Ty::acp,
                                      R"({"m2m:acp":{"rn":"all","pv":{"acr":[{"acor":["all"],"acop":63}]},
                                          "pvs":{"acr":[{"acor":["Sadmin"],"acop":63}]}}})");
    EXPECT_EQ(granted.rsc, Rsc::created) << World::debug(granted);
    EXPECT_EQ(world
                  .update("Sadmin", "cse/cseBasePolicy",
                          R"({"m2m:acp":{"pv":{"acr":[{"acor":["all"],"acop":63}]}}})")
                  .rsc,
              Rsc::updated);
  }
  static CseOptions options(Locating& locating) {
    auto options = World::in_options();
    options.location = locating.information.get();
    return options;
  }
  ResponsePrimitive create(const std::string& attributes, std::string_view from = "Sboat") {
    return world.create(from, "cse", Ty::lcp, R"({"m2m:lcp":{"rn":"where",)" + attributes + "}}");
  }
  bool until(const std::function<bool()>& done) {
    return locating.until([&] {
      world.executor.run_posted();
      return done();
    });
  }
  ResponsePrimitive latest(std::string_view container, std::string_view from = "Sboat") {
    const auto answer = world.begin(world.session(from),
                                    world.make(Operation::retrieve, from, std::string(container) + "/la"));
    EXPECT_TRUE(until([&] { return answer->has_value(); }));
    return answer->value_or(ResponsePrimitive{});
  }
  void refused(const std::string& attributes, Rsc rsc, const std::string& part,
               std::string_view from = "Sboat") {
    const auto answer = create(attributes, from);
    EXPECT_EQ(answer.rsc, rsc) << attributes << World::debug(answer);
    EXPECT_NE(World::debug(answer).find(part), std::string::npos) << World::debug(answer);
  }

  Locating locating;
  World world;
};

const std::string kOk = R"("los":1,"lot":"//sp.example/Sboat")";

TEST_F(LocationPolicy, comes_with_its_container) {
  const auto created = create(kOk + R"(,"lon":"track","acpi":["cse/all"])");
  ASSERT_EQ(created.rsc, Rsc::created) << World::debug(created);
  EXPECT_EQ(World::text(created, "lor"), locating.network.url());
  EXPECT_EQ(World::number(created, "lit"), 1);
  const auto container = world.retrieve("Sboat", "cse/track");
  ASSERT_EQ(container.rsc, Rsc::ok);
  EXPECT_EQ(World::text(container, "ri"), World::text(created, "loi"));
  EXPECT_EQ(World::text(container, "li"), World::text(created, "ri"));
  EXPECT_EQ(world.retrieve("Sother", "cse/track").rsc, Rsc::ok)
      << "the policies of the locationPolicy govern it";
  EXPECT_TRUE(locating.network.requests.empty()) << "without a period the place is asked for when it is read";

  EXPECT_EQ(world.remove("Sboat", "cse/where").rsc, Rsc::deleted);
  world.executor.run_posted();
  EXPECT_EQ(world.retrieve("Sboat", "cse/track").rsc, Rsc::not_found);
}

TEST_F(LocationPolicy, what_is_not_offered_is_refused_by_name) {
  refused(R"("los":2,"lot":"//sp.example/Sboat")", Rsc::not_implemented, "los");
  refused(R"("los":3,"lot":"//sp.example/Sboat")", Rsc::not_implemented, "los");
  refused(kOk + R"(,"lit":2)", Rsc::not_implemented, "lit");
  refused(R"("los":1)", Rsc::bad_request, "lot: missing");
  refused(R"("los":1,"lot":"//sp.example/Sother")", Rsc::originator_has_no_privilege, "lot");
  refused(R"("los":1,"lot":"tel:+491711234567")", Rsc::originator_has_no_privilege, "lot");
  refused(kOk + R"(,"lor":"https://elsewhere.example/location/v1")", Rsc::bad_request, "lor");
  refused(kOk + R"(,"lou":["PT9S"])", Rsc::bad_request, "lou");
  refused(kOk + R"(,"lon":"boat")", Rsc::conflict, "lon");
  refused(R"("los":4,"lot":"//sp.example/Sboat")", Rsc::bad_request, "los");
  EXPECT_EQ(create(R"("los":1,"lot":"tel:+491711234567")", "Sadmin").rsc, Rsc::created);
}

TEST_F(LocationPolicy, an_originator_has_a_limited_number) {
  const auto named = [&](int number, std::string_view from, const std::string& target) {
    return world
        .create(from, "cse", Ty::lcp,
                R"({"m2m:lcp":{"rn":"where)" + std::to_string(number) + R"(","los":1,"lot":")" + target +
                    R"("}})")
        .rsc;
  };
  for (int i = 0; i < 10; ++i) ASSERT_EQ(named(i, "Sboat", kBoat), Rsc::created);
  refused(kOk, Rsc::not_acceptable, "the limit");
  EXPECT_EQ(named(20, "Sother", "//sp.example/Sother"), Rsc::created) << "for each its own";
  for (int i = 21; i < 33; ++i)
    EXPECT_EQ(named(i, "Sadmin", kBoat), Rsc::created) << "the administrator sees to himself";
  world.start();
  refused(kOk, Rsc::not_acceptable, "the limit");
  EXPECT_EQ(world.remove("Sboat", "cse/where3").rsc, Rsc::deleted);
  world.executor.run_posted();
  EXPECT_EQ(named(3, "Sboat", kBoat), Rsc::created);
  EXPECT_EQ(named(11, "Sboat", kBoat), Rsc::not_acceptable);
}

TEST_F(LocationPolicy, without_a_location_server_none_is_offered) {
  World without;
  const auto answer =
      without.create("Sadmin", "cse", Ty::lcp, R"({"m2m:lcp":{"los":1,"lot":"//sp.example/Sboat"}})");
  EXPECT_EQ(answer.rsc, Rsc::not_implemented);
}

TEST_F(LocationPolicy, without_a_period_the_latest_instance_is_the_place_now) {
  ASSERT_EQ(create(kOk + R"(,"lon":"track")").rsc, Rsc::created);
  locating.network.place(kBoat, 53.541, 9.981);
  const auto first = latest("cse/track");
  ASSERT_EQ(first.rsc, Rsc::ok) << World::debug(first);
  const auto content = json::parse(World::text(first, "con"));
  EXPECT_EQ(content.at("latitude").to_number<double>(), 53.541);
  EXPECT_EQ(content.at("longitude").to_number<double>(), 9.981);
  locating.network.place(kBoat, 53.6, 9.981);
  EXPECT_EQ(json::parse(World::text(latest("cse/track"), "con")).at("latitude").to_number<double>(), 53.6);
  EXPECT_EQ(World::number(world.retrieve("Sboat", "cse/track"), "cni"), 2);
  EXPECT_EQ(World::text(world.retrieve("Sboat", "cse/where"), "lost"), "Retrieved");
  // A failure is the answer, and stands in locationStatus.
  locating.network.silent = true;
  EXPECT_EQ(latest("cse/track").rsc, Rsc::target_not_reachable);
  EXPECT_EQ(World::text(world.retrieve("Sboat", "cse/where"), "lost"), "Error: expired");
  // Who may not read it makes nobody ask.
  const auto before = locating.network.requests.size();
  EXPECT_EQ(latest("cse/track", "Sother").rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(locating.network.requests.size(), before);
}

TEST_F(LocationPolicy, with_a_period_it_is_asked_for_again_and_again) {
  locating.network.place(kBoat, 53.541, 9.981);
  ASSERT_EQ(create(kOk + R"(,"lon":"track","lou":["PT30S"])").rsc, Rsc::created);
  const auto instances = [&] { return World::number(world.retrieve("Sboat", "cse/track"), "cni"); };
  EXPECT_TRUE(until([&] { return instances() == 1; }));
  world.executor.advance(seconds(30));
  EXPECT_TRUE(until([&] { return instances() == 2; }));
  EXPECT_EQ(world.update("Sboat", "cse/where", R"({"m2m:lcp":{"lou":["PT5S"]}})").rsc, Rsc::bad_request);
  EXPECT_EQ(world.update("Sboat", "cse/where", R"({"m2m:lcp":{"lou":["PT0S"]}})").rsc, Rsc::updated);
  const auto before = locating.network.requests.size();
  world.executor.advance(seconds(300));
  EXPECT_EQ(locating.network.requests.size(), before) << "zero is no period";
  EXPECT_EQ(world.update("Sboat", "cse/where", R"({"m2m:lcp":{"lou":["PT60S"]}})").rsc, Rsc::updated);
  world.start();
  EXPECT_TRUE(until([&] { return instances() == 3; })) << "also after a restart";
}

// F.2.1 step 3.
TEST_F(LocationPolicy, the_cse_makes_one_for_an_originator_whose_place_is_asked_for) {
  latchkey::test::cover({"F.2.1-01", "F.2.1-02", "F.2.1-03", "F.2.1-06", "F.2.1-T01"});
  locating.network.place(kBoat, 53.541, 9.981);
  const auto ask = [&] {
    bool done = false;
    locating.information->ask(ae_id("/Sboat"), {.country = false, .circles = {kHarbour}},
                              [&] { done = true; });
    EXPECT_TRUE(until([&] { return done; }));
  };
  ask();
  const auto found = world.send(world.session("Sadmin"), [&] {
    auto request = world.make(Operation::retrieve, "Sadmin", "cse");
    request.fc.emplace();
    request.fc->usage = codec::FilterUsage::discovery;
    request.fc->types = {10};
    return request;
  }());
  ASSERT_EQ(World::uris(found).size(), 1U) << World::debug(found);
  const auto path = World::uris(found)[0];
  const auto policy = world.retrieve("Sadmin", path);
  EXPECT_EQ(World::number(policy, "los"), 1);
  EXPECT_EQ(World::text(policy, "lot"), kBoat);
  EXPECT_EQ(World::text(policy, "lost"), "Retrieved");
  EXPECT_EQ(world.retrieve("Sother", path).rsc, Rsc::originator_has_no_privilege) << "nobody else's business";
  EXPECT_EQ(world.retrieve("Sboat", World::text(policy, "loi")).rsc, Rsc::originator_has_no_privilege);
  const auto cni = [&] { return World::number(world.retrieve("Sadmin", World::text(policy, "loi")), "cni"); };
  EXPECT_EQ(cni(), 1);
  locating.clock.advance(seconds(700));
  world.clock.advance(seconds(700));
  locating.network.place(kBoat, 53.542, 9.981);
  ask();
  EXPECT_EQ(cni(), 1) << "the same policy, and no track";
  // Its removal forgets the originator and gives the areas back.
  EXPECT_EQ(locating.information->counters().areas, 1U);
  EXPECT_EQ(world.remove("Sadmin", path).rsc, Rsc::deleted);
  EXPECT_EQ(locating.information->known(ae_id("/Sboat"), std::nullopt), nullptr);
  EXPECT_EQ(locating.information->counters().areas, 0U);
}

}  // namespace
}  // namespace latchkey::cse::test
