/// Messages between PEP, PDP, PRP and PIP: what is read, what is refused and how it is named.
#include "latchkey/codec/distributed_authorization.h"

#include <gtest/gtest.h>

#include "support/matchers.h"

namespace latchkey::codec {
namespace {

using test::expect_refused;
using test::parsed;

const TimePoint kNow = test::tr0038_time();
const std::string kJwt = "eyJh.eyJi.c2ln";

EntityId entity(const std::string& text) { return *parse_entity_id(text, *SpId::parse("//sp.example")); }

DecisionRequest least() {
  return {.target = "/mn-cse/cse/door", .originator = entity("//sp.example/mn-cse/Cphone")};
}
DecisionRequest full() {
  return {.target = "/mn-cse/cse/door",
          .originator = entity("//sp.example/mn-cse/Cphone"),
          .operation = Operation::create,
          .created_type = 4,
          .filter_usage = FilterUsage::discovery,
          .role_ids = {"guest@das.sp.example"},
          .token_ids = {"t1@das.sp.example"},
          .tokens = {kJwt},
          .request_time = kNow,
          .location = OriginatorLocation{.country = "KR", .circle = {}},
          .ip = std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7}};
}
const json::value kPrivileges = parsed(R"({"acr":[{"acor":["all"],"acop":2}]})");

json::value element(const char* name, const std::string& members) {
  return parsed(std::string(R"({"m2m:)") + name + R"(":{)" + members + "}}");
}
const std::string kLeast = R"("to":"/mn-cse/cse/door","fr":"//sp.example/mn-cse/Cphone","op":2)";

TEST(DecisionRequest, what_is_written_is_read_back) {
  for (const auto& request : {least(), full()}) {
    const auto text = to_text(to_content(request));
    const auto back = read_decision_request(parsed(text));
    ASSERT_TRUE(back) << back.error().detail << "\n" << text;
    EXPECT_EQ(*back, request) << text;
  }
}

TEST(DecisionRequest, the_names_on_the_wire) {
  EXPECT_EQ(to_text(to_content(full())),
            R"({"m2m:auds":{"to":"/mn-cse/cse/door","fr":"//sp.example/mn-cse/Cphone","op":1,"rrt":4,"fu":1,)"
            R"("rids":["guest@das.sp.example"],"tids":["t1@das.sp.example"],"tkns":["eyJh.eyJi.c2ln"],)"
            R"("rtm":"20171113T110000","olo":{"accc":["KR"]},"oip":{"ip4":"192.0.2.7"}}})");
}

struct Bad {
  const char* name;
  std::string members;
  std::string where;
};
std::string name_of(const testing::TestParamInfo<Bad>& bad) { return bad.param.name; }

class BadDecisionRequest : public testing::TestWithParam<Bad> {};
TEST_P(BadDecisionRequest, is_refused_by_name) {
  expect_refused(read_decision_request(element("auds", GetParam().members)), Rsc::bad_request,
                 GetParam().where);
}
INSTANTIATE_TEST_SUITE_P(
    Messages, BadDecisionRequest,
    testing::Values(
        Bad{"no_target", R"("fr":"//sp.example/mn-cse","op":2)", "m2m:auds.to: missing"},
        Bad{"no_originator", R"("to":"/mn-cse/cse","op":2)", "m2m:auds.fr: missing"},
        Bad{"no_operation", R"("to":"/mn-cse/cse","fr":"//sp.example/mn-cse")", "m2m:auds.op: missing"},
        Bad{"target_no_address", R"("to":"/a b","fr":"//sp.example/mn-cse","op":2)", "m2m:auds.to:"},
        Bad{"originator_relative", R"("to":"/mn-cse/cse","fr":"Cphone","op":2)", "m2m:auds.fr: not an abs"},
        Bad{"operation_six", R"("to":"/mn-cse/cse","fr":"//sp.example/mn-cse","op":6)", "m2m:auds.op:"},
        Bad{"type_zero", kLeast + R"(,"rrt":0)", "m2m:auds.rrt:"},
        Bad{"usage_four", kLeast + R"(,"fu":4)", "m2m:auds.fu:"},
        Bad{"role_without_domain", kLeast + R"(,"rids":["a@b.example","guest"])", "m2m:auds.rids[1]:"},
        Bad{"roles_empty", kLeast + R"(,"rids":[])", "m2m:auds.rids: empty"},
        Bad{"token_id", kLeast + R"(,"tids":[7])", "m2m:auds.tids[0]:"},
        Bad{"token", kLeast + R"(,"tkns":["no token"])", "m2m:auds.tkns[0]: not a compact"},
        Bad{"time", kLeast + R"(,"rtm":"noon")", "m2m:auds.rtm:"},
        Bad{"place", kLeast + R"(,"olo":{"accr":[91,0,0]})", "m2m:auds.olo.accr[0]:"},
        Bad{"address", kLeast + R"(,"oip":{"ip4":"::1"})", "m2m:auds.oip.ip4:"},
        Bad{"decision", kLeast + R"(,"dec":1)", "m2m:auds.dec: unknown"},
        Bad{"unknown", kLeast + R"(,"xyz":1)", "m2m:auds.xyz: unknown"}),
    name_of);

TEST(DecisionRequest, of_another_element_or_too_long_is_refused) {
  expect_refused(read_decision_request(element("aupy", kLeast)), Rsc::bad_request, "m2m:auds: missing");
  expect_refused(read_decision_request(nullptr), Rsc::bad_request, "m2m:auds: missing");
  auto many = least();
  many.role_ids.assign(kInformationMax, "guest@das.sp.example");
  EXPECT_TRUE(read_decision_request(to_content(many)));
  many.role_ids.push_back("guest@das.sp.example");
  expect_refused(read_decision_request(to_content(many)), Rsc::bad_request, "m2m:auds.rids: more than 100");
}

TEST(DecisionResponse, what_is_written_is_read_back) {
  for (const bool permit : {true, false}) {
    const DecisionResponse response{.status = AuthorizationStatus::ok, .permit = permit};
    EXPECT_EQ(read_decision_response(to_content(response), least()).value(), response);
  }
  EXPECT_EQ(to_text(to_content(DecisionResponse{.status = AuthorizationStatus::ok, .permit = true})),
            R"({"m2m:auds":{"sus":1,"dec":1}})");
  EXPECT_EQ(to_text(to_content(DecisionResponse{.status = AuthorizationStatus::not_applicable})),
            R"({"m2m:auds":{"sus":2}})");
}

TEST(DecisionResponse, may_be_the_whole_resource_if_it_repeats_this_request) {
  const auto whole = R"("ty":35,"ri":"auds1","rn":"pdp","pi":"cb","acpi":["x"],"sus":1,"dec":1,)" + kLeast;
  EXPECT_TRUE(read_decision_response(element("auds", whole), least()).value().permit);
}

class BadDecisionResponse : public testing::TestWithParam<Bad> {};
TEST_P(BadDecisionResponse, is_no_permission) {
  expect_refused(read_decision_response(element("auds", GetParam().members), least()), Rsc::bad_request,
                 GetParam().where);
}
INSTANTIATE_TEST_SUITE_P(
    Messages, BadDecisionResponse,
    testing::Values(
        Bad{"no_status", R"("dec":1)", "m2m:auds.sus: missing"},
        Bad{"no_decision", R"("sus":1)", "m2m:auds.dec: missing"},
        Bad{"permits_with_an_error", R"("dec":1,"sus":5)", "m2m:auds.dec: does not go"},
        Bad{"permits_what_does_not_apply", R"("dec":1,"sus":2)", "m2m:auds.dec: does not go"},
        Bad{"decision_three", R"("dec":3,"sus":1)", "m2m:auds.dec:"},
        Bad{"decision_a_truth", R"("dec":true,"sus":1)", "m2m:auds.dec:"},
        Bad{"status_zero", R"("dec":1,"sus":0)", "m2m:auds.sus:"},
        Bad{"another_target", R"("dec":1,"sus":1,"to":"/mn-cse/cse/lamp")", "m2m:auds.to: of another"},
        Bad{"another_originator", R"("dec":1,"sus":1,"fr":"//sp.example/mn-cse/Cx")", "m2m:auds.fr: of an"},
        Bad{"another_operation", R"("dec":1,"sus":1,"op":4)", "m2m:auds.op: of another"},
        Bad{"a_role_not_asked_about", R"("dec":1,"sus":1,"rids":["a@b.example"])", "m2m:auds.rids: unknown"},
        Bad{"unknown", R"("dec":1,"sus":1,"xyz":1)", "m2m:auds.xyz: unknown"}),
    name_of);

// ---- policies

const PolicyRequest kPolicyRequest{"/mn-cse/cse/door"};

TEST(PolicyMessages, what_is_written_is_read_back) {
  EXPECT_EQ(read_policy_request(to_content(kPolicyRequest)).value(), kPolicyRequest);
  const PolicyResponse response{.status = AuthorizationStatus::ok, .policies = {kPrivileges, kPrivileges}};
  EXPECT_EQ(read_policy_response(to_content(response), kPolicyRequest).value(), response);
  const PolicyResponse none{.status = AuthorizationStatus::not_applicable, .policies = {}};
  EXPECT_EQ(read_policy_response(to_content(none), kPolicyRequest).value(), none);
  EXPECT_EQ(to_text(to_content(PolicyResponse{.status = AuthorizationStatus::ok, .policies = {kPrivileges}})),
            R"({"m2m:aupy":{"sus":1,"ps":[{"pv":{"acr":[{"acor":["all"],"acop":2}]}}],"ca":1}})");
}

TEST(PolicyMessages, malformed_ones_are_refused_by_name) {
  const auto request = [](const char* members) { return read_policy_request(element("aupy", members)); };
  expect_refused(request(""), Rsc::bad_request, "m2m:aupy.to: missing");
  expect_refused(request(R"("to":"/mn-cse/cse","fr":"x")"), Rsc::bad_request, "m2m:aupy.fr: unknown");
  const auto response = [](const std::string& members) {
    return read_policy_response(element("aupy", members), kPolicyRequest);
  };
  const std::string ps = R"("ps":[{"pv":{"acr":[]}}])";
  EXPECT_TRUE(response(ps + R"(,"ca":1,"sus":1)"));
  expect_refused(response(ps + R"(,"ca":1)"), Rsc::bad_request, "m2m:aupy.sus: missing");
  expect_refused(response(ps + R"(,"sus":1)"), Rsc::bad_request, "m2m:aupy.ca: missing");
  expect_refused(response(ps + R"(,"ca":2,"sus":1)"), Rsc::bad_request, "m2m:aupy.ca:");
  expect_refused(response(ps + R"(,"ca":1,"sus":2)"), Rsc::bad_request, "m2m:aupy.ps: does not go");
  expect_refused(response(R"("ca":1,"sus":1)"), Rsc::bad_request, "m2m:aupy.ps: missing");
  expect_refused(response(R"("ps":[{}],"ca":1,"sus":1)"), Rsc::bad_request, "m2m:aupy.ps[0].pv: missing");
  expect_refused(response(R"("ps":[{"pv":{"acr":[1]}}],"ca":1,"sus":1)"), Rsc::bad_request,
                 "m2m:aupy.ps[0].pv.acr:");
  expect_refused(response(ps + R"(,"ca":1,"sus":1,"to":"/mn-cse/cse/lamp")"), Rsc::bad_request,
                 "m2m:aupy.to: of another");
  std::string many = R"({"pv":{"acr":[]}})";
  for (std::size_t i = 0; i < kRetrievedPoliciesMax; ++i) many += R"(,{"pv":{"acr":[]}})";
  expect_refused(response(R"("ps":[)" + many + R"(],"ca":1,"sus":1)"), Rsc::bad_request,
                 "m2m:aupy.ps: more than 64");
}

// ---- information

TEST(InformationMessages, what_is_written_is_read_back) {
  const InformationRequest request{.originator = entity("//sp.example/mn-cse/Cphone"),
                                   .role_ids = {"guest@das.sp.example"},
                                   .token_ids = {"t1@das.sp.example"}};
  EXPECT_EQ(read_information_request(to_content(request)).value(), request);
  const InformationResponse response{.status = AuthorizationStatus::ok,
                                     .roles = {{{"rlid", "guest@das.sp.example"}}},
                                     .tokens = {{{"tkob", kJwt}}}};
  EXPECT_EQ(read_information_response(to_content(response), request).value(), response);
  const InformationResponse none{.status = AuthorizationStatus::not_applicable, .roles = {}, .tokens = {}};
  EXPECT_EQ(read_information_response(to_content(none), request).value(), none);
}

TEST(InformationMessages, malformed_ones_are_refused_by_name) {
  const auto request = [](const char* members) { return read_information_request(element("auif", members)); };
  expect_refused(request(""), Rsc::bad_request, "m2m:auif.fr: missing");
  expect_refused(request(R"("fr":"//sp.example/mn-cse","to":"x")"), Rsc::bad_request, "m2m:auif.to: unknown");
  expect_refused(request(R"("fr":"//sp.example/mn-cse","rids":["x"])"), Rsc::bad_request, "m2m:auif.rids[0]");
  const InformationRequest asked{.originator = entity("//sp.example/mn-cse/Cphone")};
  const auto response = [&](const char* members) {
    return read_information_response(element("auif", members), asked);
  };
  EXPECT_TRUE(response(R"("sus":1,"m2m:rol":[{}])"));
  expect_refused(response(R"("m2m:rol":[{}])"), Rsc::bad_request, "m2m:auif.sus: missing");
  expect_refused(response(R"("sus":5,"m2m:rol":[{}])"), Rsc::bad_request, "m2m:auif.m2m:rol: does not go");
  expect_refused(response(R"("sus":5,"m2m:tk":[{}])"), Rsc::bad_request, "m2m:auif.m2m:tk: does not go");
  expect_refused(response(R"("sus":1,"m2m:tk":[1])"), Rsc::bad_request, "m2m:auif.m2m:tk[0]: not an object");
  expect_refused(response(R"("sus":1,"fr":"//sp.example/mn-cse")"), Rsc::bad_request, "m2m:auif.fr: of an");
}

}  // namespace
}  // namespace latchkey::codec
