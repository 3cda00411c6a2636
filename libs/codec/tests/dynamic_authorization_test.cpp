/// Messages between Hosting CSE, DAS Server and originator: what is read, what is refused and how it is
/// named.
#include "latchkey/codec/dynamic_authorization.h"

#include <gtest/gtest.h>

#include "cover.h"
#include "support/matchers.h"

namespace latchkey::codec {
namespace {

using latchkey::test::cover;
using test::expect_refused;
using test::parsed;

const TimePoint kNow = test::tr0038_time();

EntityId entity(const std::string& text) { return *parse_entity_id(text, *SpId::parse("//sp.example")); }

DasRequest full_request() {
  return {
      .originator = entity("//sp.example/in-cse/Cphone"),
      .target_type = 3,
      .operation = Operation::create,
      .originator_ip = std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7},
      .originator_location = OriginatorLocation{.country = "KR", .circle = {}},
      .originator_roles = {"guest@das.sp.example"},
      .request_time = kNow,
      .target = "/in-cse/cse/lock/commands",
      .proposed_end = kNow + std::chrono::hours(1),
      .roles_from_acps = {"guest@das.sp.example", "owner@das.sp.example"},
      .token_ids = {"t1@das.sp.example"}};
}

DasRequest least_request() {
  return {.originator = entity("//sp.example/mn-cse"), .operation = Operation::retrieve};
}

json::value seci(const std::string& members) { return parsed(R"({"m2m:seci":{)" + members + "}}"); }
json::value dreq(const std::string& members) { return seci(R"("sit":1,"dreq":{)" + members + "}"); }
json::value dres(const std::string& members) { return seci(R"("sit":2,"dres":{)" + members + "}"); }
const std::string kLeast = R"("or":"//sp.example/mn-cse","op":2)";

TEST(DasRequest, what_is_written_is_read_back) {
  cover({"7.3.2.2-T02", "7.3.2.2-T03"});
  auto circle = full_request();
  circle.originator_location = OriginatorLocation{.country = {}, .circle = {{51.5, -0.12, 0}}};
  circle.originator_ip =
      std::array<std::uint8_t, 16>{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  for (const auto& request : {full_request(), least_request(), circle}) {
    const auto text = to_text(to_security_info(request));
    const auto back = read_das_message(parsed(text), kNow + std::chrono::days(1));
    ASSERT_TRUE(back) << back.error().detail << "\n" << text;
    ASSERT_TRUE(std::holds_alternative<DasRequest>(*back));
    EXPECT_EQ(std::get<DasRequest>(*back), request) << text;
  }
}

TEST(DasRequest, the_names_on_the_wire) {
  const auto text = to_text(to_security_info(full_request()));
  EXPECT_EQ(
      text,
      R"({"m2m:seci":{"sit":1,"dreq":{"or":"//sp.example/in-cse/Cphone","op":1,"trt":3,"oip":{"ip4":"192.0.2.7"},)"
      R"("olo":{"accc":["KR"]},"orid":["guest@das.sp.example"],"rts":"20171113T110000",)"
      R"("trid":"/in-cse/cse/lock/commands","ppl":"20171113T120000",)"
      R"("rfa":["guest@das.sp.example","owner@das.sp.example"],"tids":["t1@das.sp.example"]}}})");
}

TEST(DasRequest, relative_times_count_from_now) {
  const auto read = read_das_message(dreq(kLeast + R"(,"ppl":60000)"), kNow);
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<DasRequest>(*read).proposed_end, kNow + std::chrono::minutes(1));
}

struct Bad {
  const char* name;
  std::string members;  ///< of dreq, behind the least ones, unless they hold `or`
  std::string where;
  Rsc rsc = Rsc::bad_request;
};

class BadDasRequest : public ::testing::TestWithParam<Bad> {};
TEST_P(BadDasRequest, is_refused_by_its_member) {
  const auto& bad = GetParam();
  const bool whole = bad.members.find(R"("or")") != std::string::npos || bad.members.empty();
  expect_refused(read_das_message(dreq(whole ? bad.members : kLeast + "," + bad.members), kNow), bad.rsc,
                 "m2m:seci.dreq." + bad.where);
}

std::string many(std::size_t count, const std::string& entry) {
  std::string out = "[" + entry;
  for (std::size_t k = 1; k < count; ++k) out += "," + entry;
  return out + "]";
}

INSTANTIATE_TEST_SUITE_P(
    Dreq, BadDasRequest,
    ::testing::Values(
        Bad{"no_originator", "", "or: missing"},
        Bad{"no_operation", R"("or":"//sp.example/mn-cse")", "op: missing"},
        Bad{"originator_not_absolute", R"("or":"/mn-cse","op":2)", "or: not an absolute"},
        Bad{"originator_a_name", R"("or":"sp.example","op":2)", "or: not an absolute"},
        Bad{"originator_a_provider", R"("or":"//sp.example","op":2)", "or: not an absolute"},
        Bad{"originator_spelled_otherwise", R"("or":"//SP.example/mn-cse","op":2)", "or: not an absolute"},
        Bad{"operation_zero", R"("or":"//sp.example/mn-cse","op":0)", "op: not an integer"},
        Bad{"operation_six", R"("or":"//sp.example/mn-cse","op":6)", "op: not an integer"},
        Bad{"type_zero", R"("trt":0)", "trt: not an integer"},
        Bad{"two_addresses", R"("oip":{"ip4":"192.0.2.1","ip6":"::1"})", "oip: not exactly one"},
        Bad{"address_of_the_other_kind", R"("oip":{"ip4":"::1"})", "oip.ip4: not an IPv4"},
        Bad{"country_in_small_letters", R"("olo":{"accc":["kr"]})", "olo.accc: not an ISO"},
        Bad{"two_countries", R"("olo":{"accc":["KR","DE"]})", "olo.accc: not a list of one"},
        Bad{"country_and_circle", R"("olo":{"accc":["KR"],"accr":[0,0,1]})", "olo: not exactly one"},
        Bad{"latitude", R"("olo":{"accr":[90.5,0,1]})", "olo.accr[0]: not a number"},
        Bad{"role_without_issuer", R"("orid":["guest"])", "orid[0]: not of the form"},
        Bad{"empty_roles", R"("rfa":[])", "rfa: empty"},
        Bad{"roles_at_the_limit_and_one", R"("rfa":)" + many(101, R"("a@b.c")"), "rfa: more than 100"},
        Bad{"token_ids_at_the_limit_and_one", R"("tids":)" + many(65, R"("a@b.c")"), "tids: more than 64"},
        Bad{"target_no_address", R"("trid":"a//b")", "trid: not a resource address"},
        Bad{"time_in_words", R"("rts":"noon")", "rts: neither"},
        Bad{"unknown_member", R"("xyz":1)", "xyz: unknown member"},
        Bad{"signature_of_release_3", R"("asi":true)", "asi: a Release 3", Rsc::not_implemented}),
    test::name_of<Bad>);

TEST(DasRequest, the_limits_themselves_are_read) {
  test::expect_accepted(read_das_message(
      dreq(kLeast + R"(,"rfa":)" + many(100, R"("a@b.c")") + R"(,"tids":)" + many(64, R"("a@b.c")")), kNow));
}

TEST(SecurityInfo, its_type_rules_what_stands_beside_it) {
  expect_refused(read_das_message(parsed("{}"), kNow), Rsc::bad_request, "m2m:seci: missing");
  expect_refused(read_das_message(parsed(R"({"m2m:cin":{}})"), kNow), Rsc::bad_request, "m2m:seci: missing");
  expect_refused(read_das_message(parsed(R"({"m2m:seci":1})"), kNow), Rsc::bad_request, "m2m:seci: missing");
  expect_refused(read_das_message(parsed(R"({"m2m:seci":{},"a":1})"), kNow), Rsc::bad_request, "m2m:seci");
  expect_refused(read_das_message(seci(R"("dreq":{})"), kNow), Rsc::bad_request, "m2m:seci.sit: missing");
  expect_refused(read_das_message(seci(R"("sit":9,"dreq":{})"), kNow), Rsc::bad_request, "m2m:seci.sit");
  expect_refused(read_das_message(seci(R"("sit":5,"epo":"x")"), kNow), Rsc::bad_request, "m2m:seci.sit");
  expect_refused(read_das_message(seci(R"("sit":7,"darq":{})"), kNow), Rsc::not_implemented, "m2m:seci.sit");
  expect_refused(read_das_message(seci(R"("sit":1)"), kNow), Rsc::bad_request, "m2m:seci.dreq: missing");
  expect_refused(read_das_message(seci(R"("sit":2,"dreq":{})"), kNow), Rsc::bad_request,
                 "m2m:seci.dreq: does not");
  for (int sit = 1; sit <= 6; ++sit) {
    const auto type = security_info_type(seci("\"sit\":" + std::to_string(sit)));
    ASSERT_TRUE(type);
    EXPECT_EQ(static_cast<int>(*type), sit);
  }
}

TEST(DasResponse, what_is_written_is_read_back) {
  cover({"7.3.2.2-T04"});
  const auto rules = parsed(R"({"acr":[{"acor":["//sp.example/in-cse/Cphone"],"acop":2}]})");
  const DasResponse policy{.acp = DynamicAcpInfo{.privileges = rules, .end = kNow}, .tokens = {}};
  const DasResponse tokens{.acp = {}, .tokens = {"a.b.c", "a.b.c.d.e"}};
  const DasResponse both{.acp = DynamicAcpInfo{.privileges = rules, .end = {}}, .tokens = {"a.b."}};
  for (const auto& response : {policy, tokens, both, DasResponse{}}) {
    const auto text = to_text(to_security_info(response));
    const auto back = read_das_message(parsed(text), kNow);
    ASSERT_TRUE(back) << back.error().detail << "\n" << text;
    ASSERT_TRUE(std::holds_alternative<DasResponse>(*back));
    EXPECT_EQ(std::get<DasResponse>(*back), response) << text;
    EXPECT_EQ(std::get<DasResponse>(*back).denies(), response == DasResponse{});
  }
}

TEST(DasResponse, defects_are_named) {
  expect_refused(read_das_message(dres(R"("dai":{"gp":{}})"), kNow), Rsc::bad_request,
                 "dres.dai.gp.acr: missing");
  expect_refused(read_das_message(dres(R"("dai":{"gp":{"acr":[1]}})"), kNow), Rsc::bad_request,
                 "dai.gp.acr: holds");
  expect_refused(read_das_message(dres(R"("dai":{"pl":"later"})"), kNow), Rsc::bad_request,
                 "dres.dai.pl: neither");
  expect_refused(read_das_message(dres(R"("dai":{"x":1})"), kNow), Rsc::bad_request, "dres.dai.x: unknown");
  expect_refused(read_das_message(dres(R"("tkns":["a.b"])"), kNow), Rsc::bad_request,
                 "dres.tkns[0]: not a compact");
  expect_refused(read_das_message(dres(R"("tkns":[])"), kNow), Rsc::bad_request, "dres.tkns: empty");
  expect_refused(read_das_message(dres(R"("asri":true)"), kNow), Rsc::not_implemented, "dres.asri");
  expect_refused(read_das_message(dres(R"("tkns":)" + many(17, R"("a.b.c")")), kNow), Rsc::bad_request,
                 "more than 16");
}

TEST(DynAuthJwt, is_known_by_its_form) {
  cover({"7.3.2.6.3-08"});
  for (const auto* good : {"a.b.c", "a.b.", "a.b.c.d.e", "a..c.d.e", "A-_9.b.c"})
    EXPECT_TRUE(is_dyn_auth_jwt(good)) << good;
  for (const auto* bad : {"", ".", "..", "a", "a.b", ".b.c", "a..c", "a.b.c.d", "a.b.c.d.", "a.b.c..e",
                          "a.b.c.d.e.f", "a.b.c=", "a.b. c"})
    EXPECT_FALSE(is_dyn_auth_jwt(bad)) << bad;
  EXPECT_TRUE(is_dyn_auth_jwt("a.b." + std::string(kJwtOctetsMax - 4, 'c')));
  EXPECT_FALSE(is_dyn_auth_jwt("a.b." + std::string(kJwtOctetsMax - 3, 'c')));
}

TEST(TokenRequestInfo, what_is_written_is_read_back) {
  cover({"7.3.2.3-01"});
  const std::vector<DasInfo> das{
      {.uri = "https://das.sp.example:8446", .request = full_request(), .secured_request = ""},
      {.uri = "das.sp.example:8446", .request = {}, .secured_request = "a.b.c.d.e"}};
  const auto back = read_token_request_info(parsed(to_text(to_token_request_info(das))), kNow);
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(*back, das);
  expect_refused(read_token_request_info(parsed(R"({"dasi":[{}]})"), kNow), Rsc::bad_request,
                 "dasi[0].uri: missing");
  expect_refused(read_token_request_info(parsed(R"({"dasi":[]})"), kNow), Rsc::bad_request, "dasi: empty");
  expect_refused(read_token_request_info(parsed(R"({"dasi":[{"uri":"https://a.b","dreq":{"op":2}}]})"), kNow),
                 Rsc::bad_request, "dasi[0].dreq.or: missing");
  expect_refused(read_token_request_info(parsed(R"({"dasi":[{"uri":"ftp://a.b"}]})"), kNow), Rsc::bad_request,
                 "dasi[0].uri");
  expect_refused(read_token_request_info(parsed(R"({"dasi":[{"uri":"https://a.b","sdr":"x"}]})"), kNow),
                 Rsc::bad_request, "dasi[0].sdr: not a compact");
}

TEST(LocalTokenIds, what_is_written_is_read_back) {
  cover({"7.3.2.3-T01"});
  const std::vector<LocalTokenId> ids{{"l1", "t1@das.sp.example"}, {"_2", "t2@das.sp.example"}};
  const auto back = read_local_token_ids(parsed(to_text(to_local_token_ids(ids))));
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(*back, ids);
  expect_refused(read_local_token_ids(to_local_token_ids({{"1a", "t@a.b"}})), Rsc::bad_request,
                 "ltia[0].lti: not an NCName");
  expect_refused(read_local_token_ids(to_local_token_ids({{"a:b", "t@a.b"}})), Rsc::bad_request,
                 "ltia[0].lti");
  expect_refused(read_local_token_ids(to_local_token_ids({{"a", "t"}})), Rsc::bad_request, "ltia[0].tkid");
  expect_refused(read_local_token_ids(to_local_token_ids({{"a", "t@a.b"}, {"a", "u@a.b"}})), Rsc::bad_request,
                 "ltia[1].lti: stands twice");
  expect_refused(read_local_token_ids(parsed(R"({"ltia":[{"lti":"a"}]})")), Rsc::bad_request,
                 "ltia[0].tkid: missing");
}

TEST(TokenGrant, what_is_written_is_read_back) {
  cover({"7.3.2.3-02"});
  TokenGrant grant{.summaries = {{.token_id = "t1@das.sp.example",
                                  .not_before = kNow,
                                  .not_after = kNow + std::chrono::hours(1),
                                  .name = "guest",
                                  .audience = {"//sp.example/in-cse"}}},
                   .tokens = {}};
  for (const auto& tokens : {std::vector<std::string>{}, std::vector<std::string>{"a.b.c"}}) {
    grant.tokens = tokens;
    const auto back = read_token_grant(parsed(to_text(to_content(grant))));
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(*back, grant);
  }
  grant.tokens = {"a.b.c", "a.b.c"};
  expect_refused(read_token_grant(to_content(grant)), Rsc::bad_request, "lky:tkg.tkns: not as many");
  grant.tokens.clear();
  grant.summaries.clear();
  expect_refused(read_token_grant(to_content(grant)), Rsc::bad_request, "lky:tkg.tks: empty");
  expect_refused(
      read_token_grant(parsed(R"({"lky:tkg":{"tks":[{"tkid":"a@b.c","tknb":"20200101T000000"}]}})")),
      Rsc::bad_request, "tks[0].tkna: missing");
}

TEST(TokenQuestion, is_in_clear_or_what_was_secured) {
  DasInfo das{.uri = "https://a.example/-", .request = {}, .secured_request = "a.b.c.d.e"};
  const auto pc = token_question(das);
  EXPECT_EQ(to_text(pc), R"({"lky:tkr":{"sdr":"a.b.c.d.e"}})");
  EXPECT_TRUE(is_secured_token_request(pc));
  EXPECT_EQ(read_secured_token_request(pc).value(), "a.b.c.d.e");
  das.secured_request.clear();
  EXPECT_TRUE(token_question(das).is_null());
  for (const auto* bad : {R"({})", R"({"lky:tkr":null})", R"({"lky:tkr":{}})", R"({"lky:tkr":{"sdr":"a.b"}})",
                          R"({"lky:tkr":{"sdr":"a.b.c","x":1}})", R"({"lky:tkr":{"sdr":1}})",
                          R"({"lky:tkr":{"sdr":"a.b.c"},"x":1})"})
    EXPECT_FALSE(read_secured_token_request(parsed(bad))) << bad;
}

}  // namespace
}  // namespace latchkey::codec
