/// The policy file: what it grants, what it does not, and how its mistakes are named.
#include "latchkey/das/policy.h"

#include <gmock/gmock.h>

#include <boost/json/parse.hpp>

#include "cover.h"

namespace latchkey::das {
namespace {

using latchkey::test::cover;
using testing::HasSubstr;

const SpId kHome = *SpId::parse("//sp.example");
const Policy::Scope kScope{kHome, {*Fqdn::parse("das.sp.example")}};
const EntityId kPhone = *parse_entity_id("/in-cse/Cphone", kHome);
const EntityId kOther = *parse_entity_id("/in-cse/Cother", kHome);
/// Monday, 2029-01-01, 12:00:00.5 UTC.
const TimePoint kNoon = *parse_timestamp("20290101T120000") + std::chrono::milliseconds(500);
const TimePoint kWholeNoon = *parse_timestamp("20290101T120000");

constexpr const char* kGuest = R"(
[[grant]]
name = "guest"
originators = ["/in-cse/C*"]
targets = ["/in-cse/cse/lock/*"]
operations = ["retrieve", "create"]
lifetime = "1h"
gives = "policy"
)";

std::shared_ptr<const Policy> policy(const std::string& text) {
  auto reader = ConfigReader::from_text(text, "policy.toml");
  auto out = Policy::read(reader, kScope);
  for (const auto& problem : reader.finish()) ADD_FAILURE() << to_string(problem);
  return out;
}

/// Line and key of each problem, with its words.
std::vector<std::string> problems(const std::string& text) {
  auto reader = ConfigReader::from_text(text, "policy.toml");
  static_cast<void>(Policy::read(reader, kScope));
  std::vector<std::string> out;
  for (const auto& problem : reader.finish()) out.push_back(to_string(problem));
  return out;
}

Query query(const EntityId& originator = kPhone,
            const std::string& target = "//sp.example/in-cse/cse/lock/state") {
  return {.originator = &originator,
          .operation = codec::Operation::retrieve,
          .target = *ResourceAddress::parse(target),
          .now = kNoon};
}

Verdict decide(const std::string& text, const Query& asked, std::size_t live = 0) {
  // Kept for the verdict, which points into it.
  static std::shared_ptr<const Policy> kept;
  kept = policy(text);
  return kept->decide(asked, [live](const std::string&) { return live; });
}

TEST(Policy, nothing_is_granted_by_default) {
  const auto verdict = decide("", query());
  EXPECT_EQ(verdict.grant, nullptr);
  EXPECT_EQ(verdict.reason, "no grant names the target");
}

TEST(Policy, a_grant_that_fits_grants_for_its_lifetime) {
  const auto verdict = decide(kGuest, query());
  ASSERT_NE(verdict.grant, nullptr) << verdict.reason;
  EXPECT_EQ(verdict.grant->name, "guest");
  EXPECT_EQ(verdict.end, kWholeNoon + std::chrono::hours(1));
  EXPECT_EQ(verdict.reason, "grant guest");
  EXPECT_EQ(boost::json::value(granted_privileges(*verdict.grant, kPhone)),
            boost::json::parse(R"({"acr":[{"acor":["//sp.example/in-cse/Cphone"],"acop":3}]})"));
}

struct Denied {
  const char* name;
  std::string more;  ///< lines of the grant
  std::function<void(Query&)> change;
  std::string reason;
};

class DeniedBy : public testing::TestWithParam<Denied> {};
TEST_P(DeniedBy, one_condition_that_does_not_hold) {
  const auto& row = GetParam();
  auto asked = query();
  row.change(asked);
  const auto verdict = decide(std::string(kGuest) + row.more, asked);
  EXPECT_EQ(verdict.grant, nullptr);
  EXPECT_THAT(verdict.reason, HasSubstr(row.reason));
}

INSTANTIATE_TEST_SUITE_P(
    Conditions, DeniedBy,
    testing::Values(
        Denied{"originator", "",
               [](Query& q) {
                 static const auto id = *parse_entity_id("/mn-cse/Cphone", kHome);
                 q.originator = &id;
               },
               "grant guest: does not name the originator"},
        Denied{"operation", "", [](Query& q) { q.operation = codec::Operation::del; },
               "grant guest: does not cover the operation"},
        Denied{"target", "",
               [](Query& q) { q.target = *ResourceAddress::parse("//sp.example/in-cse/cse/door/state"); },
               "no grant names the target"},
        Denied{"target_itself_is_not_below", "",
               [](Query& q) { q.target = *ResourceAddress::parse("//sp.example/in-cse/cse/lock"); },
               "no grant names the target"},
        Denied{"target_too_deep", "",
               [](Query& q) { q.target = *ResourceAddress::parse("//sp.example/in-cse/cse/lock/a/b"); },
               "no grant names the target"},
        Denied{"target_of_another_provider", "",
               [](Query& q) { q.target = *ResourceAddress::parse("//other.example/in-cse/cse/lock/state"); },
               "no grant names the target"},
        Denied{"no_target", "", [](Query& q) { q.target.reset(); }, "no grant names the target"},
        Denied{"type", "resource_types = [\"3\"]\n", [](Query& q) { q.target_type = 4; },
               "type of the target"},
        Denied{"unknown_type", "resource_types = [\"3\"]\n", [](Query&) {}, "type of the target"},
        Denied{"window", "windows = [\"* * 13-17 * * * *\"]\n", [](Query&) {}, "time, network or location"},
        Denied{"day", "windows = [\"* * * * * 0,6 *\"]\n", [](Query&) {}, "time, network or location"},
        Denied{
            "network", "networks = [\"192.0.2.0/24\"]\n",
            [](Query& q) { q.ip = authz::IpAddress{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 3, 1}; },
            "time, network"},
        Denied{"unknown_address", "networks = [\"192.0.2.0/24\"]\n", [](Query&) {}, "time, network"},
        Denied{"country", "countries = [\"KR\"]\n",
               [](Query& q) { q.location = authz::Location{.country = "DE", .coordinates = {}}; },
               "location"},
        Denied{"circle", "circle = \"51.5 -0.12 1000\"\n",
               [](Query& q) {
                 q.location = authz::Location{.country = {}, .coordinates = std::pair(52.5, -0.12)};
               },
               "location"},
        Denied{"proposed_end_passed", "", [](Query& q) { q.proposed_end = kNoon; },
               "proposed lifetime has passed"},
        Denied{"tokens_only", "", [](Query& q) { q.tokens_only = true; }, "no grant names the target"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Policy, every_condition_at_once_can_hold) {
  auto asked = query();
  asked.target_type = 3;
  asked.ip = authz::IpAddress{0x20, 0x01, 0x0d, 0xb8};
  asked.location = authz::Location{.country = {}, .coordinates = std::pair(51.501, -0.12)};
  const auto text = std::string(kGuest) +
                    "resource_types = [\"3\"]\nwindows = [\"* * 8-17 * * 1-5 *\"]\nnetworks = "
                    "[\"192.0.2.0/24\", \"2001:db8::/32\"]\n"
                    "circle = \"51.5 -0.12 1000\"\n";
  const auto verdict = decide(text, asked);
  ASSERT_NE(verdict.grant, nullptr) << verdict.reason;
  EXPECT_EQ(
      granted_privileges(*verdict.grant, kPhone).at("acr").at(0).at("acco"),
      boost::json::parse(
          R"([{"actw":["* * 8-17 * * 1-5 *"],"acip":{"ipv4":["192.0.2.0/24"],"ipv6":["2001:db8::/32"]},)"
          R"("aclr":{"accr":[51.5,-0.12,1000.0]}}])"))
      << "the conditions of the grant go on to hold in what it gave";
}

TEST(Policy, the_first_grant_that_fits_decides) {
  auto second = std::string(kGuest);
  second.replace(second.find("guest"), 5, "again");
  EXPECT_EQ(decide(std::string(kGuest) + second, query()).grant->name, "guest");
  EXPECT_EQ(decide(second + kGuest, query()).grant->name, "again");
}

TEST(Policy, adding_a_grant_never_takes_one_away) {
  const auto narrow = std::string(kGuest) + "windows = [\"* * 13 * * * *\"]\n";
  auto second = std::string(kGuest);
  second.replace(second.find("guest"), 5, "again");
  EXPECT_EQ(decide(narrow, query()).grant, nullptr);
  EXPECT_NE(decide(narrow + second, query()).grant, nullptr);
}

TEST(Policy, a_wish_only_shortens_the_lifetime) {
  auto asked = query();
  asked.proposed_end = kNoon + std::chrono::minutes(5);
  EXPECT_EQ(decide(kGuest, asked).end, kWholeNoon + std::chrono::minutes(5));
  asked.proposed_end = kNoon + std::chrono::hours(5);
  EXPECT_EQ(decide(kGuest, asked).end, kWholeNoon + std::chrono::hours(1));
}

TEST(Policy, no_more_live_gifts_than_the_grant_allows) {
  const auto two = std::string(kGuest) + "live_max = 2\n";
  EXPECT_NE(decide(two, query(), 1).grant, nullptr);
  const auto verdict = decide(two, query(), 2);
  EXPECT_EQ(verdict.grant, nullptr);
  EXPECT_THAT(verdict.reason, HasSubstr("as many live gifts"));
  EXPECT_EQ(decide(kGuest, query(), 1).grant, nullptr) << "one by default";
}

constexpr const char* kToken = R"(
[[grant]]
name = "staff"
originators = ["staff@das.sp.example", "/in-cse/Cphone"]
targets = ["/*/cse/**"]
operations = ["retrieve"]
lifetime = "1d"
gives = "token"
granted_roles = ["guest@das.sp.example", "owner@das.sp.example"]
)";

TEST(Policy, roles_name_originators_too) {
  EXPECT_EQ(decide(kToken, query(kOther)).grant, nullptr);
  const std::vector<std::string> roles{"staff@das.sp.example"};
  auto asked = query(kOther);
  asked.roles = roles;
  EXPECT_NE(decide(kToken, asked).grant, nullptr);
}

TEST(Policy, only_roles_that_would_help_are_given) {
  EXPECT_THAT(decide(kToken, query()).roles,
              testing::ElementsAre("guest@das.sp.example", "owner@das.sp.example"));
  const std::vector<std::string> helpful{"owner@das.sp.example", "x@other.example"},
      useless{"x@other.example"};
  auto asked = query();
  asked.useful_roles = helpful;
  EXPECT_THAT(decide(kToken, asked).roles, testing::ElementsAre("owner@das.sp.example"));
  asked.useful_roles = useless;
  EXPECT_THAT(decide(kToken, asked).reason, HasSubstr("none of its roles would help"));
}

TEST(Policy, patterns_of_targets) {
  const auto matches = [](const char* pattern, const char* address) {
    const auto parsed = TargetPattern::parse(pattern, kHome);
    EXPECT_TRUE(parsed) << pattern;
    return parsed && parsed->matches(*ResourceAddress::parse(address));
  };
  EXPECT_TRUE(matches("/in-cse/cse/lock", "//sp.example/in-cse/cse/lock"));
  EXPECT_TRUE(matches("//sp.example/in-cse/cse/lock", "//sp.example/in-cse/cse/lock"));
  EXPECT_TRUE(matches("/in-*/c*e/l*", "//sp.example/in-cse/cse/lock"));
  EXPECT_TRUE(matches("/in-cse/**", "//sp.example/in-cse/cse/a/b/c"));
  EXPECT_FALSE(matches("/in-cse/**", "//sp.example/in-cse"));
  EXPECT_FALSE(matches("/in-cse/cse/lock/**", "//sp.example/in-cse/cse/lock"));
  EXPECT_FALSE(matches("/in-cse/*", "//sp.example/in-cse/cse/lock")) << "a wildcard ends at the next slash";
  EXPECT_FALSE(matches("/in-cse/cse", "//sp.example/mn-cse/cse"));
  EXPECT_TRUE(matches("//other.example/in-cse/**", "//other.example/in-cse/cse"));
  for (const auto* bad : {"", "cse/lock", "/", "//sp.example", "//*/in-cse/cse", "/in-cse/**/lock",
                          "/in-cse/a**", "/in-cse//a", "**"})
    EXPECT_FALSE(TargetPattern::parse(bad, kHome)) << bad;
}

struct Mistake {
  const char* name;
  std::string from, to;  ///< a line of the grant, and what stands there instead
  std::string problem;
};

class Mistakes : public testing::TestWithParam<Mistake> {};
TEST_P(Mistakes, are_named_with_line_and_key) {
  auto text = std::string(kGuest);
  const auto at = text.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, GetParam().from.size(), GetParam().to);
  EXPECT_THAT(problems(text), testing::Contains(HasSubstr(GetParam().problem)));
}

INSTANTIATE_TEST_SUITE_P(
    Grant, Mistakes,
    testing::Values(
        Mistake{"no_name", "name = \"guest\"\n", "", "grant[0].name"},
        Mistake{"no_originator", "originators = [\"/in-cse/C*\"]", "originators = []",
                "policy.toml:4: grant[0].originators"},
        Mistake{"originator_of_no_kind", "[\"/in-cse/C*\"]", "[\"C a\"]",
                "policy.toml:4: grant[0].originators"},
        Mistake{"originator_a_group", "[\"/in-cse/C*\"]", "[\"/in-cse/cse/group\"]",
                "policy.toml:4: grant[0].originators: '/in-cse/cse/group'"},
        Mistake{"target_relative", "[\"/in-cse/cse/lock/*\"]", "[\"cse/lock\"]",
                "policy.toml:5: grant[0].targets: 'cse/lock'"},
        Mistake{"operation_unknown", "\"create\"]", "\"invent\"]",
                "policy.toml:6: grant[0].operations: 'invent'"},
        Mistake{"no_lifetime", "lifetime = \"1h\"\n", "", "grant[0].lifetime: is missing"},
        Mistake{"lifetime_too_long", "\"1h\"", "\"367d\"",
                "policy.toml:7: grant[0].lifetime: must be from 1s"},
        Mistake{"lifetime_too_short", "\"1h\"", "\"999ms\"",
                "policy.toml:7: grant[0].lifetime: must be from 1s"},
        Mistake{"gift_unknown", "\"policy\"", "\"money\"",
                "policy.toml:8: grant[0].gives: must be policy or token"},
        Mistake{"policy_with_roles", "\"policy\"\n", "\"policy\"\ngranted_roles = [\"a@das.sp.example\"]\n",
                "policy.toml:9: grant[0].granted_roles: is of grants that give a token"},
        Mistake{"token_of_nothing", "\"policy\"", "\"token\"",
                "policy.toml:8: grant[0].gives: a token needs"},
        Mistake{"role_of_another_domain", "\"policy\"\n",
                "\"token\"\ngranted_roles = [\"a@other.example\"]\n",
                "policy.toml:9: grant[0].granted_roles: 'a@other.example'"},
        Mistake{"window", "\"policy\"\n", "\"policy\"\nwindows = [\"* * 25 * * * *\"]\n",
                "policy.toml:9: grant[0].windows"},
        Mistake{"network", "\"policy\"\n", "\"policy\"\nnetworks = [\"192.0.2.0/33\"]\n",
                "policy.toml:9: grant[0].networks"},
        Mistake{"country", "\"policy\"\n", "\"policy\"\ncountries = [\"Korea\"]\n",
                "policy.toml:9: grant[0].countries"},
        Mistake{"circle", "\"policy\"\n", "\"policy\"\ncircle = \"1 2\"\n", "policy.toml:9: grant[0].circle"},
        Mistake{"circle_out_of_range", "\"policy\"\n", "\"policy\"\ncircle = \"91 2 3\"\n",
                "policy.toml:9: grant[0].circle"},
        Mistake{"type", "\"policy\"\n", "\"policy\"\nresource_types = [\"cnt\"]\n",
                "policy.toml:9: grant[0].resource_types"},
        Mistake{"unknown_key", "\"policy\"\n", "\"policy\"\nlive_mx = 3\n",
                "policy.toml:9: grant[0].live_mx"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Policy, names_are_unique) {
  EXPECT_THAT(problems(std::string(kGuest) + kGuest),
              testing::Contains(HasSubstr("grant[1].name: stands twice")));
}

constexpr const char* kRole = R"(
[[role]]
id = "guest@das.sp.example"
holders = ["/in-cse/C*"]
lifetime = "7d"
)";

TEST(Policy, roles_are_assigned_as_it_says) {
  cover({"7.4.2.2-01", "7.4.1-01"});
  const auto rules = policy(kRole);
  const auto end = rules->assignable("guest@das.sp.example", kPhone, kNoon, {});
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, kWholeNoon + std::chrono::days(7));
  EXPECT_EQ(*rules->assignable("guest@das.sp.example", kPhone, kNoon, std::chrono::hours(1)),
            kWholeNoon + std::chrono::hours(1));
  EXPECT_EQ(*rules->assignable("guest@das.sp.example", kPhone, kNoon, std::chrono::days(8)),
            kWholeNoon + std::chrono::days(7));
  EXPECT_EQ(rules->assignable("guest@das.sp.example", *parse_entity_id("/mn-cse/Cx", kHome), kNoon, {})
                .error()
                .code,
            ErrorCode::denied);
  EXPECT_EQ(rules->assignable("owner@das.sp.example", kPhone, kNoon, {}).error().code, ErrorCode::denied);
  EXPECT_EQ(rules->assignable("guest@das.sp.example", kPhone, kNoon, std::chrono::seconds(0)).error().code,
            ErrorCode::invalid_argument);
  EXPECT_THAT(problems("[[role]]\nid = \"guest@other.example\"\nholders = [\"all\"]\nlifetime = \"1h\"\n"),
              testing::Contains(HasSubstr("policy.toml:2: role[0].id: is of no domain")));
}

}  // namespace
}  // namespace latchkey::das
