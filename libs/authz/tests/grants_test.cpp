// What tokens and roles add to a decision (TS-0003 7.3.2.5 steps 1 to 3, 7.4.3 step 5).
#include "latchkey/authz/grants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <random>

#include "cover.h"
#include "latchkey/authz/explain.h"
#include "token_support.h"

namespace latchkey::authz::test {
namespace {

namespace bj = boost::json;
using latchkey::test::cover;

constexpr std::array<std::string_view, 2> kLock{"lock1", "-/lock"};  ///< both names of one resource
constexpr std::array<std::string_view, 2> kCamera{"camera1", "-/camera"};

std::shared_ptr<const Token> token(std::string_view permissions, std::string_view id = "1@das.example") {
  auto claims = base_claims();
  claims["jti"] = bj::string_view(id.data(), id.size());
  claims["tkps"] = json(permissions);
  Verifier verifier({TokenClass::signature_only});
  auto out = verifier.verify(sign(claims), entity(kPhone), noon());
  if (out) return *out;
  ADD_FAILURE() << to_string(out.error(), "token");
  return nullptr;
}

/// The decision of the phone's request on the target by the policy and the grants, with its summary.
struct Outcome {
  Decision decision;
  std::string summary;
};
Outcome decide_with(const Grants& grants, std::string_view policy = "", Op operation = Op::retrieve) {
  Request request(kPhone, operation);
  auto context = request.context();
  context.roles = grants.roles();
  std::vector<std::shared_ptr<const RuleSet>> owned;
  std::vector<const RuleSet*> sets;
  std::vector<std::string> set_names;
  if (!policy.empty()) {
    owned.push_back(compiled(policy));
    sets.push_back(owned.back().get());
    set_names.emplace_back("acp-lock");
  }
  sets.insert(sets.end(), grants.sets().begin(), grants.sets().end());
  grants.append_names(set_names);
  const auto decision = decide(context, sets);
  const auto roles = grants.role_names();
  const auto text = explain(context, sets, set_names, roles);
  const auto summary = summarize(decision, set_names, roles);
  EXPECT_EQ(text.substr(0, text.find('\n')), summary);
  return {decision, summary};
}
Outcome decide_on(std::span<const std::string_view> target, std::string_view permissions,
                  std::string_view policy = "", Op operation = Op::retrieve) {
  Grants grants;
  grants.add(token(permissions), target);
  return decide_with(grants, policy, operation);
}

constexpr auto kReadLock = R"({"pm":[{"ris":["/in-cse/lock1"],"pv":{"acr":[{"acor":["all"],"acop":2}]}}]})";

TEST(TokenPermissions, privileges_are_an_applicable_policy) {
  cover({"7.3.2.5-01", "7.3.2.5-04", "7.3.2.3-12"});
  EXPECT_TRUE(decide_on(kLock, kReadLock).decision.permit);
  EXPECT_TRUE(decide_on(kLock, kReadLock, R"({"acr":[]})").decision.permit);
  EXPECT_FALSE(decide_on(kLock, kReadLock, "", Op::update).decision.permit);
  EXPECT_EQ(decide_on(kLock, kReadLock, "", Op::update).decision.reason, Reason::operation);
}

TEST(TokenPermissions, privileges_apply_to_their_resources_only) {
  cover({"7.3.2.5-03"});
  EXPECT_TRUE(decide_on(kLock, kReadLock).decision.permit);
  const auto other = decide_on(kCamera, kReadLock);
  EXPECT_FALSE(other.decision.permit);
  EXPECT_EQ(other.decision.reason, Reason::no_policy);
  // Nor to what is below or above them.
  constexpr std::array<std::string_view, 2> child{"x7", "-/lock/state"}, base{"in-cse-id", "-"};
  EXPECT_FALSE(decide_on(child, kReadLock).decision.permit);
  EXPECT_FALSE(decide_on(base, kReadLock).decision.permit);
  EXPECT_FALSE(decide_on({}, kReadLock).decision.permit);
}

TEST(TokenPermissions, roles_apply_to_their_resources_only) {
  cover({"7.3.2.5-03", "7.3.2.5-05"});
  const auto* const policy = R"({"acr":[{"acor":["guest@das.example"],"acop":2}]})";
  const auto* const here = R"({"pm":[{"ris":["/in-cse/lock1"],"rids":["guest@das.example"]}]})";
  EXPECT_TRUE(decide_on(kLock, here, policy).decision.permit);
  EXPECT_FALSE(decide_on(kCamera, here, policy).decision.permit);
  const auto* const everywhere = R"({"pm":[{"rids":["guest@das.example"]}]})";
  EXPECT_TRUE(decide_on(kLock, everywhere, policy).decision.permit);
  EXPECT_TRUE(decide_on(kCamera, everywhere, policy).decision.permit);
}

TEST(TokenPermissions, a_role_is_none_without_the_rule_that_names_it) {
  cover({"7.3.2.5-05"});
  const auto* const everywhere = R"({"pm":[{"rids":["guest@das.example"]}]})";
  EXPECT_FALSE(decide_on(kLock, everywhere).decision.permit);
  EXPECT_FALSE(
      decide_on(kLock, everywhere, R"({"acr":[{"acor":["admin@das.example"],"acop":2}]})").decision.permit);
}

TEST(TokenPermissions, every_form_of_a_resource_id_names_the_same_resource) {
  cover({"7.3.2.5-03"});
  for (const auto* const id :
       {"lock1", "/in-cse/lock1", "//home.example/in-cse/lock1", "-/lock", "in-name/lock", "/in-cse/-/lock",
        "/in-cse/in-name/lock", "//home.example/in-cse/in-name/lock"}) {
    auto permissions = json(kReadLock);
    permissions.at("pm").at(0).at("ris").at(0) = id;
    EXPECT_TRUE(decide_on(kLock, bj::serialize(permissions)).decision.permit) << id;
    EXPECT_FALSE(decide_on(kCamera, bj::serialize(permissions)).decision.permit) << id;
  }
  for (const auto* const id :
       {"/mn-cse/lock1", "//other.example/in-cse/lock1", "/in-cse/lock", "LOCK1", "*", "/in-cse"}) {
    auto permissions = json(kReadLock);
    permissions.at("pm").at(0).at("ris").at(0) = id;
    EXPECT_FALSE(decide_on(kLock, bj::serialize(permissions)).decision.permit) << id;
  }
}

TEST(TokenPermissions, are_tried_one_after_the_other) {
  cover({"7.3.2.5-02"});
  const auto* const permissions = R"({"pm":[
    {"ris":["/in-cse/camera1"],"pv":{"acr":[{"acor":["all"],"acop":63}]}},
    {"ris":["/in-cse/lock1"],"pv":{"acr":[{"acor":["all"],"acop":4}]}},
    {"ris":["/in-cse/x","/in-cse/lock1"],"pv":{"acr":[{"acor":["/mn"],"acop":2},{"acor":["all"],"acop":2}]}}]})";
  const auto got = decide_on(kLock, permissions);
  EXPECT_TRUE(got.decision.permit);
  EXPECT_EQ(got.summary, "permitted by token 1@das.example permission 2 rule 1");
  EXPECT_TRUE(decide_on(kLock, permissions, "", Op::update).decision.permit);
  EXPECT_EQ(decide_on(kLock, permissions, "", Op::del).summary,
            "denied: token 1@das.example permission 1 rule 0: no rule allows the originator the operation");
}

TEST(TokenPermissions, the_rules_keep_their_conditions) {
  const auto* const timed = R"({"pm":[{"ris":["/in-cse/lock1"],
    "pv":{"acr":[{"acor":["all"],"acop":2,"acco":[{"actw":["* * 8 * * * *"]}]}]}}]})";
  EXPECT_EQ(decide_on(kLock, timed).decision.reason, Reason::context);
}

TEST(TokenPermissions, none_grant_nothing) {
  for (const auto* const permissions : {R"({})", R"({"pm":[]})"})
    EXPECT_FALSE(decide_on(kLock, permissions).decision.permit) << permissions;
}

TEST(Reasons, name_the_role_and_the_token_that_gave_it) {
  cover({"7.4.3-05"});
  const auto* const policy = R"({"acr":[{"acor":["/mn"],"acop":2},
      {"acor":["owner@das.example","guest@das.example"],"acop":2},{"acor":["owner@das.example"],"acop":4,"acaf":true}]})";
  const auto* const roles = R"({"pm":[{"rids":["x@das.example","guest@das.example"]}]})";
  const auto got = decide_on(kLock, roles, policy);
  EXPECT_EQ(got.summary,
            "permitted by acp-lock rule 1 through role guest@das.example of token 1@das.example");
  EXPECT_EQ(got.decision.role, 1U);
  EXPECT_EQ(
      decide_on(kLock, R"({"pm":[{"rids":["owner@das.example"]}]})", policy, Op::update).summary,
      "denied: acp-lock rule 2 through role owner@das.example of token 1@das.example: the rule asks for an "
      "authenticated originator");
  EXPECT_EQ(decide_on(kLock, kReadLock, R"({"acr":[{"acor":["/mn"],"acop":2}]})").decision.role, kNoRole);
}

TEST(Reasons, tell_the_sources_of_several_roles_apart) {
  Grants grants;
  grants.add(token(R"({"pm":[{"rids":["a@das.example","b@das.example"]},{"rids":["c@das.example"]}]})"),
             kLock);
  grants.add_role("d@das.example", "/in-cse/role7");
  grants.add(token(R"({"pm":[{"rids":["e@das.example"]}]})", "2@das.example"), kLock);
  const std::vector<std::string> want{
      "role a@das.example of token 1@das.example", "role b@das.example of token 1@das.example",
      "role c@das.example of token 1@das.example", "role d@das.example of /in-cse/role7",
      "role e@das.example of token 2@das.example"};
  EXPECT_EQ(grants.role_names(), want);
  for (std::size_t i = 0; i < want.size(); ++i) {
    const auto policy = bj::serialize(policy_for(grants.roles()[i]));
    EXPECT_EQ(decide_with(grants, policy).summary, "permitted by acp-lock rule 0 through " + want[i]);
  }
}

TEST(Reasons, a_role_resource_alone) {
  cover({"7.4.3-05"});
  Grants grants;
  grants.add_role("guest@das.example", "/in-cse/role7");
  EXPECT_EQ(decide_with(grants, R"({"acr":[{"acor":["guest@das.example"],"acop":2}]})").summary,
            "permitted by acp-lock rule 0 through role guest@das.example of /in-cse/role7");
}

TEST(Grants, count_no_role_but_those_that_the_service_subscription_permits) {
  Grants grants;
  grants.limit_roles(std::vector<std::string>{"b@das.example", "d@das.example"});
  grants.add(token(R"({"pm":[{"rids":["a@das.example"]},{"rids":["a@das.example","b@das.example"]}]})"),
             kLock);
  grants.add_role("c@das.example", "/in-cse/role7");
  grants.add_role("d@das.example", "/in-cse/role8");
  EXPECT_EQ(grants.role_names(), (std::vector<std::string>{"role b@das.example of token 1@das.example",
                                                           "role d@das.example of /in-cse/role8"}));
  EXPECT_FALSE(decide_with(grants, R"({"acr":[{"acor":["a@das.example","c@das.example"],"acop":2}]})")
                   .decision.permit);
  EXPECT_TRUE(decide_with(grants, R"({"acr":[{"acor":["b@das.example"],"acop":2}]})").decision.permit);
  Grants none;
  none.limit_roles({});
  none.add(token(kReadLock), kLock);
  none.add_role("d@das.example", "/in-cse/role8");
  EXPECT_TRUE(none.roles().empty());
  EXPECT_TRUE(decide_with(none).decision.permit) << "privileges are no roles";
}

TEST(Grants, keep_their_tokens_alive) {
  Grants grants;
  grants.add(token(kReadLock), kLock);
  const Grants copy = grants;
  grants = Grants{};
  EXPECT_TRUE(decide_with(copy).decision.permit);
}

/// 7.3.2.5 step by step on the claims, without the code under test but the literal decision.
bool literal_7_3_2_5(const bj::value& permissions, std::string_view target_id, const bj::value& policy,
                     const RequestContext& request) {
  std::vector<std::string> roles;
  std::vector<bj::value> applicable{policy};
  for (const auto& permission : permissions.at("pm").as_array()) {
    const auto& object = permission.as_object();
    if (const auto* const ris = object.if_contains("ris")) {
      const auto& list = ris->as_array();
      if (std::ranges::none_of(
              list, [&](const bj::value& id) { return id.as_string() == bj::string_view(target_id); }))
        continue;
    }
    if (const auto* const pv = object.if_contains("pv")) applicable.push_back(*pv);
    if (const auto* const rids = object.if_contains("rids"))
      for (const auto& role : rids->as_array()) roles.emplace_back(role.as_string());
  }
  auto context = request;
  context.roles = roles;
  return literal::permit(applicable, context, host());
}

bj::value random_permissions(std::mt19937& random) {
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const std::array<const char*, 4> ids{"/in-cse/lock1", "/in-cse/camera1", "/in-cse/x", "/mn/lock1"};
  const std::array<const char*, 3> roles{"a@das.example", "b@das.example", "c@das.example"};
  const std::array<const char*, 5> originators{"/in-cse/Cphone", "a@das.example", "b@das.example", "/mn",
                                               "/in-cse/C*"};
  bj::array list;
  for (int count = pick(4); count > 0; --count) {
    bj::object permission;
    const bool rules = pick(2) == 0;
    if (rules || pick(2) == 0) {
      bj::array ris;
      for (int n = 1 + pick(3); n > 0; --n) ris.emplace_back(ids.at(random() % ids.size()));
      permission["ris"] = std::move(ris);
    }
    if (rules) {
      bj::array acr;
      for (int n = pick(3); n > 0; --n)
        acr.emplace_back(bj::object{{"acor", bj::array{originators.at(random() % originators.size())}},
                                    {"acop", 1 + pick(63)},
                                    {"acaf", pick(2) == 0}});
      permission["pv"] = bj::object{{"acr", std::move(acr)}};
    }
    if (!rules || pick(2) == 0) permission["rids"] = bj::array{roles.at(random() % roles.size())};
    list.emplace_back(std::move(permission));
  }
  return bj::object{{"pm", std::move(list)}};
}

TEST(Grants, decide_as_the_literal_7_3_2_5_does) {
  cover({"7.3.2.5-02", "7.3.2.5-03", "7.3.2.5-04", "7.3.2.5-05"});
  std::mt19937 random(20240229);
  Verifier verifier({TokenClass::unsecured});
  int permits = 0;
  for (int i = 0; i < 3'000; ++i) {
    const auto permissions = random_permissions(random);
    const auto policy = json(
        i % 2 == 0 ? R"({"acr":[{"acor":["a@das.example"],"acop":2},{"acor":["c@das.example"],"acop":4}]})"
                   : R"({"acr":[]})");
    auto claims = base_claims();
    claims["tkps"] = permissions;
    Grants grants;
    const auto got = verifier.verify(unsecured(claims), entity(kPhone), noon());
    ASSERT_TRUE(got) << got.error().detail << permissions;
    const bool lock = i % 3 != 0;
    grants.add(*got, lock ? std::span(kLock) : std::span(kCamera));
    Request request(kPhone, i % 5 == 0 ? Op::update : Op::retrieve);
    request.authenticated(i % 7 != 0);
    auto context = request.context();
    context.roles = grants.roles();
    const auto own = compiled(policy);
    std::vector<const RuleSet*> sets{own.get()};
    sets.insert(sets.end(), grants.sets().begin(), grants.sets().end());
    const bool permit = decide(context, sets).permit;
    permits += permit ? 1 : 0;
    EXPECT_EQ(permit, literal_7_3_2_5(permissions, lock ? "/in-cse/lock1" : "/in-cse/camera1", policy,
                                      request.context()))
        << permissions;
  }
  EXPECT_GT(permits, 300);
  EXPECT_LT(permits, 2'700);
}

}  // namespace
}  // namespace latchkey::authz::test
