// TS-0003 Annex F.0 to F.2: what must be obtained of an originator's place before a decision is final.
#include "latchkey/authz/location_demand.h"

#include <gtest/gtest.h>

#include "cover.h"
#include "support.h"

namespace latchkey::authz::test {
namespace {

constexpr Circle kHarbour{53.54, 9.98, 2000};
constexpr Circle kAirport{53.63, 9.99, 1500};
constexpr const char* kPolicy = R"({"acr":[
  {"acor":["//home.example/Sboat"],"acop":2,"acco":[{"aclr":{"accr":[53.54,9.98,2000]}},{"aclr":{"accr":[53.63,9.99,1500]}}]},
  {"acor":["//home.example/Sboat"],"acop":1,"acco":[{"aclr":{"accc":["DE"]}}]},
  {"acor":["//home.example/Sother"],"acop":63,"acco":[{"aclr":{"accc":["DE"]}}]}]})";

LocationDemand demand(std::string_view policy, const Request& request) {
  const auto set = compiled(policy);
  const RuleSet* const sets[] = {nullptr, set.get()};
  return location_demand(request.context(), sets);
}

TEST(LocationDemand, names_the_circles_of_rules_about_the_originator) {
  latchkey::test::cover({"F.2.1-05", "F.0-01"});
  const auto asked = demand(kPolicy, Request("//home.example/Sboat"));
  EXPECT_FALSE(asked.country) << "that rule is for CREATE";
  EXPECT_EQ(asked.circles, (std::vector{kHarbour, kAirport}));
  EXPECT_TRUE(demand(kPolicy, Request("//home.example/Sthird")).empty());
}

TEST(LocationDemand, names_the_country) {
  const auto asked = demand(kPolicy, Request("//home.example/Sboat", Op::create));
  EXPECT_TRUE(asked.country);
  EXPECT_TRUE(asked.circles.empty());
}

TEST(LocationDemand, is_empty_where_nothing_would_change) {
  EXPECT_TRUE(demand(kPolicy, Request("//home.example/Sboat", Op::del)).empty()) << "no rule for DELETE";
  EXPECT_TRUE(
      demand(
          R"({"acr":[{"acor":["all"],"acop":2},{"acor":["all"],"acop":2,"acco":[{"aclr":{"accc":["DE"]}}]}]})",
          Request("//home.example/Sboat"))
          .empty())
      << "permitted without";
  EXPECT_TRUE(demand(R"({"acr":[{"acor":["all"],"acop":2,"acco":[{"actw":["* * 12 * * * *"]}]}]})",
                     Request("//home.example/Sboat"))
                  .empty())
      << "no rule asks for a place";
  const auto acco = R"({"acr":[{"acor":["all"],"acop":2,"acaf":true,"acco":[
      {"actw":["* * 12 * * * *"],"acip":{"ipv4":["10.0.0.0/8"]},"aclr":{"accc":["DE"]}}]}]})";
  const auto asked = [&](bool authenticated, const char* time, const char* address) {
    Request request("//home.example/Sboat");
    return demand(acco, request.authenticated(authenticated).at(time).from_ip(address)).country;
  };
  EXPECT_TRUE(asked(true, "20240229T120000", "10.0.0.1"));
  EXPECT_FALSE(asked(false, "20240229T120000", "10.0.0.1"));
  EXPECT_FALSE(asked(true, "20240229T130000", "10.0.0.1"));
  EXPECT_FALSE(asked(true, "20240229T120000", "11.0.0.1"));
}

TEST(LocationDemand, leaves_out_what_is_known) {
  EXPECT_TRUE(demand(kPolicy, Request("//home.example/Sboat").from_place(0, 0)).empty())
      << "known, and outside";
  EXPECT_TRUE(demand(kPolicy, Request("//home.example/Sboat", Op::create).from_country("FR")).empty());
  EXPECT_TRUE(demand(kPolicy, Request("//home.example/Sboat", Op::create).from_place(53.54, 9.98)).country)
      << "coordinates alone are no country";
  Request boat("//home.example/Sboat");
  auto request = boat.from_country("DE").context();
  request.rq_loc->areas = {{kHarbour, false}};
  const auto set = compiled(kPolicy);
  const RuleSet* const sets[] = {set.get()};
  EXPECT_EQ(location_demand(request, sets).circles, std::vector{kAirport});
}

TEST(LocationDemand, needs_an_originator) {
  EXPECT_TRUE(demand(R"({"acr":[{"acor":["all"],"acop":2,"acco":[{"aclr":{"accc":["DE"]}}]}]})", Request(""))
                  .empty());
}

class Members final : public GroupMembership {
 public:
  [[nodiscard]] std::optional<bool> is_member(std::string_view group, const EntityId&) const override {
    return group.ends_with("crew") ? std::optional(true) : std::nullopt;
  }
};
TEST(LocationDemand, counts_rules_for_a_group_of_the_originator) {
  const Members members;
  const auto policy = [](std::string_view group) {
    return R"({"acr":[{"acor":["/in-cse/)" + std::string(group) +
           R"("],"acop":2,"acco":[{"aclr":{"accc":["DE"]}}]}]})";
  };
  Request request("//home.example/Sboat");
  EXPECT_TRUE(demand(policy("crew"), request.groups(members)).country);
  EXPECT_FALSE(demand(policy("guests"), request.groups(members)).country);
}

// F.2.1 step 8: what the network says of an area counts, whatever the last coordinates were.
TEST(WatchedAreas, decide_for_their_circle) {
  latchkey::test::cover({"F.2.1-08"});
  const auto set = compiled(kPolicy);
  const RuleSet* const sets[] = {set.get()};
  Request boat("//home.example/Sboat");
  const auto permits = [&](std::optional<std::pair<double, double>> coordinates,
                           std::vector<WatchedArea> areas) {
    auto context = boat.context();
    context.rq_loc = Location{.country = {}, .coordinates = coordinates, .areas = std::move(areas)};
    return decide(context, sets).permit;
  };
  EXPECT_TRUE(permits({}, {{kHarbour, true}}));
  EXPECT_FALSE(permits({}, {{kHarbour, false}}));
  EXPECT_FALSE(permits(std::pair(53.54, 9.98), {{kHarbour, false}})) << "it has left since";
  EXPECT_TRUE(permits(std::pair(53.63, 9.99), {{kHarbour, false}})) << "the other circle";
  EXPECT_FALSE(permits({}, {{Circle{53.54, 9.98, 2001}, true}})) << "another circle";
}

}  // namespace
}  // namespace latchkey::authz::test
