/// TS-0009 6.2, 6.4: HTTP requests to request primitives and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/generator.h"
#include "support/messages.h"

namespace latchkey::bind::test {
namespace {

using codec::Operation;
using codec::RequestPrimitive;
using codec::Rsc;
using testing::ElementsAre;
using testing::HasSubstr;

// --- 6.2.1 operations

struct MethodCase {
  const char* start;
  const char* type;
  Operation op;
};
class Methods : public testing::TestWithParam<MethodCase> {};
TEST_P(Methods, MapToOperations) {
  const bool body = std::string_view(GetParam().type).size() > 0;
  const auto mapped =
      map_request(request_text(GetParam().start, GetParam().type, body ? "{\"m2m:x\":{}}" : ""));
  ASSERT_FALSE(mapped.refusal) << mapped.refusal->detail;
  EXPECT_EQ(mapped.primitive.op, GetParam().op);
  EXPECT_EQ(mapped.primitive.pc.is_null(), !body);
}
INSTANTIATE_TEST_SUITE_P(
    Ts0009_6_2_1, Methods,
    testing::Values(
        MethodCase{"POST /a", "Content-Type: application/vnd.onem2m-res+json; ty=3\r\n", Operation::create},
        MethodCase{"GET /a", "", Operation::retrieve},
        MethodCase{"PUT /a", "Content-Type: application/json\r\n", Operation::update},
        MethodCase{"DELETE /a", "", Operation::del},
        MethodCase{"POST /a", "Content-Type: application/vnd.onem2m-ntfy+json\r\n", Operation::notify},
        MethodCase{"POST /a", "Content-Type: application/json\r\n", Operation::notify}));

// --- 6.2.2.1 path

struct PathCase {
  const char* path;
  const char* to;
};
class Paths : public testing::TestWithParam<PathCase> {};
TEST_P(Paths, MapToTheToParameter) {
  const auto mapped = map_request(request_text(std::string("GET ") + GetParam().path), "maf.example");
  ASSERT_FALSE(mapped.refusal) << mapped.refusal->detail;
  EXPECT_EQ(mapped.primitive.to, GetParam().to);
}
INSTANTIATE_TEST_SUITE_P(Ts0009_6_2_2_1, Paths,
                         testing::Values(PathCase{"/cse-in/ae/cnt", "cse-in/ae/cnt"},
                                         PathCase{"/~/mn1/abc", "/mn1/abc"}, PathCase{"/~/mn1", "/mn1"},
                                         PathCase{"/_/sp.example/mn1/abc", "//sp.example/mn1/abc"},
                                         PathCase{"/_/maf.example/-/FF15", "//maf.example/-/FF15"},
                                         PathCase{"/_/maf.example/-/", "//maf.example/-/"},
                                         PathCase{"/-/FF15", "//maf.example/-/FF15"},
                                         PathCase{"/-/", "//maf.example/-/"},
                                         PathCase{"/-", "//maf.example/-"}, PathCase{"/-x", "-x"},
                                         PathCase{"/%63se", "cse"}, PathCase{"/a%20b", "a b"},
                                         PathCase{"/fetchCredentials/KeID@mef.example/21",
                                                  "fetchCredentials/KeID@mef.example/21"}));

TEST(Paths, ABaseNameDashMeansTheCseWhereThereIsNoMaf) {
  EXPECT_EQ(map_request(request_text("GET /-/ae1")).primitive.to, "-/ae1");
}

TEST(Paths, APrefixOfThePointOfAccessIsRemoved) {
  EXPECT_EQ(map_request(request_text("GET /onem2m/~/mn1/x"), "", "/onem2m").primitive.to, "/mn1/x");
  EXPECT_EQ(map_request(request_text("GET /onem2m/cse"), "", "/onem2m/").primitive.to, "cse");
  for (const char* start : {"GET /cse", "GET /onem2mcse", "GET /onem2"}) {
    const auto mapped = map_request(request_text(start), "", "/onem2m");
    ASSERT_TRUE(mapped.refusal) << start;
    EXPECT_EQ(mapped.refusal->rsc, Rsc::not_found);
  }
}

TEST(Paths, AbsoluteFormOfTheTargetNeedsTheSameHost) {
  EXPECT_EQ(map_request(request_text("GET http://CSE.example/~/mn1?rcn=4")).primitive.to, "/mn1");
  const auto other = map_request(request_text("GET http://other.example/~/mn1"));
  ASSERT_TRUE(other.refusal);
  EXPECT_THAT(other.refusal->detail, HasSubstr("host"));
}

// --- 6.2.2.2 query, 6.4 header fields

TEST(Query, FieldsBecomeParameters) {
  const auto mapped =
      map_request(request_text("GET /cse?fu=1&ty=2+3&lbl=a%2Bb&rn=lock*&rcn=6&drt=2&atrl=ri%20lbl&rt=3"));
  ASSERT_FALSE(mapped.refusal) << mapped.refusal->detail;
  const RequestPrimitive& request = mapped.primitive;
  ASSERT_TRUE(request.fc);
  EXPECT_TRUE(request.is_discovery());
  EXPECT_THAT(request.fc->types, ElementsAre(2U, 3U));
  EXPECT_THAT(request.fc->attributes, ElementsAre(std::pair<std::string, std::string>("rn", "lock*")));
  EXPECT_EQ(request.rcn, codec::ResultContent::child_references);
  EXPECT_EQ(request.drt, 2);
  EXPECT_THAT(request.atrl, ElementsAre("ri", "lbl"));
  EXPECT_EQ(request.rt, codec::ResponseMode::blocking);
}

TEST(Headers, CarryTheOtherParameters) {
  const auto mapped = map_request(
      "GET /a HTTP/1.1\r\nHost: h\r\nx-m2m-origin: 0 2 481 1 100 3030 10011\r\nX-M2M-RI: r/1\r\nX-M2M-RVI: "
      "3\r\n"
      "X-M2M-OT: 20231114T221320\r\nX-M2M-RET: 20231114T221325\r\nX-M2M-RST: 5000\r\nX-M2M-OET: "
      "20231114T221321\r\n"
      "X-M2M-EC: 2\r\nX-M2M-GID: g1\r\nX-M2M-RTU: http://a/x&http://b/y\r\nX-M2M-VSI: v s\r\n"
      "Authorization: aa.bb.cc + dd.ee.ff\r\n\r\n");
  ASSERT_FALSE(mapped.refusal) << mapped.refusal->detail;
  const RequestPrimitive& request = mapped.primitive;
  EXPECT_EQ(request.from, "0 2 481 1 100 3030 10011");
  EXPECT_EQ(request.rqi, "r/1");
  EXPECT_EQ(request.rvi, "3");
  EXPECT_EQ(request.ot, kNow);
  EXPECT_EQ(request.rqet, kNow + std::chrono::seconds(5));
  EXPECT_EQ(request.rset, kNow + std::chrono::seconds(5));
  EXPECT_EQ(request.oet, kNow + std::chrono::seconds(1));
  EXPECT_EQ(request.ec, 2U);
  EXPECT_EQ(request.gid, "g1");
  EXPECT_THAT(request.rt_targets, ElementsAre("http://a/x", "http://b/y"));
  EXPECT_EQ(request.vsi, "v s");
  EXPECT_THAT(request.tkns, ElementsAre("aa.bb.cc", "dd.ee.ff"));
}

TEST(Headers, AMissingOrEmptyOriginIsAnEmptyFrom) {
  for (const char* line : {"", "X-M2M-Origin: \r\n", "X-M2M-Origin:\r\n"}) {
    const auto mapped =
        map_request("GET /a HTTP/1.1\r\nHost: h\r\nX-M2M-RI: 1\r\n" + std::string(line) + "\r\n");
    ASSERT_FALSE(mapped.refusal);
    EXPECT_EQ(mapped.primitive.from, "");
    EXPECT_EQ(mapped.primitive.rvi, std::nullopt);
  }
}

TEST(Headers, TheTypeOfACreateComesFromContentType) {
  const auto mapped =
      map_request(request_text("POST /a", "Content-Type: application/json; ty=10003\r\n", "{\"m2m:x\":{}}"));
  ASSERT_FALSE(mapped.refusal);
  EXPECT_EQ(mapped.primitive.ty, 10003U);
}

TEST(Headers, TheAnswerTakesTheFormThatIsAccepted) {
  EXPECT_EQ(map_request(request_text("GET /a")).answer_media, Media::json);
  EXPECT_EQ(map_request(request_text("GET /a", "Accept: application/vnd.onem2m-res+json\r\n")).answer_media,
            Media::onem2m_resource);
  EXPECT_EQ(map_request(request_text("GET /a", "Accept: application/xml\r\nAccept: application/json\r\n"))
                .answer_media,
            Media::json);
}

// --- refusals

struct BadRequest {
  const char* name;
  std::string text;
  const char* reason;
  Rsc rsc = Rsc::bad_request;
};
class Refusals : public testing::TestWithParam<BadRequest> {};
TEST_P(Refusals, NameTheDefect) {
  const auto mapped = map_request(GetParam().text);
  ASSERT_TRUE(mapped.refusal) << GetParam().text;
  EXPECT_EQ(mapped.refusal->rsc, GetParam().rsc) << mapped.refusal->detail;
  EXPECT_THAT(mapped.refusal->detail, HasSubstr(GetParam().reason));
}
std::string name_of(const testing::TestParamInfo<BadRequest>& info) { return info.param.name; }
const std::string kCreate = "Content-Type: application/json;ty=3\r\n";

INSTANTIATE_TEST_SUITE_P(
    Target, Refusals,
    testing::Values(
        BadRequest{"root", request_text("GET /"), "no resource"},
        BadRequest{"only_tilde", request_text("GET /~"), "no resource"},
        BadRequest{"tilde_slash", request_text("GET /~/"), "no resource"},
        BadRequest{"underscore_slash", request_text("GET /_/"), "no resource"},
        BadRequest{"cse_relative_turns_sp_relative", request_text("GET //mn1/x"), "empty segment"},
        BadRequest{"sp_relative_turns_absolute", request_text("GET /~//sp.example/mn1"), "empty segment"},
        BadRequest{"absolute_with_empty_host", request_text("GET /_//mn1"), "empty segment"},
        BadRequest{"escaped_slash", request_text("GET /a%2fb"), "escaped '/'"},
        BadRequest{"escaped_nul", request_text("GET /a%00"), "no address"},
        BadRequest{"escaped_line_end", request_text("GET /a%0d%0aX: y"), "version"},
        BadRequest{"escaped_cr_lf", request_text("GET /a%0d%0ab"), "no address"},
        BadRequest{"escaped_hash", request_text("GET /a%23lbl"), "no address"},
        BadRequest{"escaped_question_mark", request_text("GET /a%3fb"), "no address"},
        BadRequest{"escaped_not_ascii", request_text("GET /%c3%a4"), "no address"},
        BadRequest{"broken_escape", request_text("GET /a%4"), "percent"},
        BadRequest{"fragment", request_text("GET /a#b"), "fragment"},
        BadRequest{"no_leading_slash", request_text("GET a"), "'/'"},
        BadRequest{"too_long", request_text("GET /" + std::string(2049, 'a')), "2048"},
        BadRequest{"asterisk", request_text("GET *"), "'/'"},
        BadRequest{"query_without_value", request_text("GET /a?rcn"), "name=value"},
        BadRequest{"query_without_name", request_text("GET /a?=1"), "name=value"},
        BadRequest{"query_empty_field", request_text("GET /a?rcn=1&&drt=1"), "name=value"},
        BadRequest{"query_unknown", request_text("GET /a?color=1"), "color"},
        BadRequest{"query_twice", request_text("GET /a?rcn=1&rcn=4"), "rcn"},
        BadRequest{"query_broken_escape", request_text("GET /a?lbl=%zz"), "lbl"},
        BadRequest{"query_control", request_text("GET /a?lbl=a%0ab"), "lbl"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Fields, Refusals,
    testing::Values(
        BadRequest{"no_rqi", "GET /a HTTP/1.1\r\nHost: h\r\nX-M2M-Origin: C\r\n\r\n", "X-M2M-RI: missing"},
        BadRequest{"empty_rqi", "GET /a HTTP/1.1\r\nHost: h\r\nX-M2M-RI:\r\n\r\n", "X-M2M-RI: empty"},
        BadRequest{"no_host", "GET /a HTTP/1.1\r\nX-M2M-RI: 1\r\n\r\n", "Host: missing"},
        BadRequest{"two_hosts", request_text("GET /a", "Host: other\r\n"), "Host: given twice"},
        BadRequest{"two_origins", request_text("GET /a", "X-M2M-Origin: CAdmin\r\n"),
                   "X-M2M-Origin: given twice"},
        BadRequest{"two_rqi", request_text("GET /a", "X-M2M-RI: 1\r\n"), "X-M2M-RI: given twice"},
        BadRequest{"two_types", request_text("POST /a", kCreate + kCreate, "{}"),
                   "Content-Type: given twice"},
        BadRequest{"two_tokens_fields",
                   request_text("GET /a", "Authorization: a.b.c\r\nAuthorization: a.b.c\r\n"),
                   "Authorization: given twice"},
        BadRequest{
            "long_origin",
            request_text("GET /a").replace(request_text("GET /a").find("CAdmin"), 6, std::string(513, 'C')),
            "X-M2M-Origin: longer than 512"},
        BadRequest{"origin_not_ascii",
                   request_text("GET /a").replace(request_text("GET /a").find("CAdmin"), 6, "C\xc3\xa4"),
                   "X-M2M-Origin: not printable"},
        BadRequest{"origin_with_tab",
                   request_text("GET /a").replace(request_text("GET /a").find("CAdmin"), 6, "C\tD"),
                   "X-M2M-Origin: not printable"},
        BadRequest{"empty_rvi", "GET /a HTTP/1.1\r\nHost: h\r\nX-M2M-RI: 1\r\nX-M2M-RVI:\r\n\r\n",
                   "X-M2M-RVI"},
        BadRequest{"bad_ot", request_text("GET /a", "X-M2M-OT: yesterday\r\n"), "X-M2M-OT"},
        BadRequest{"relative_ot", request_text("GET /a", "X-M2M-OT: 5000\r\n"), "X-M2M-OT"},
        BadRequest{"bad_ret", request_text("GET /a", "X-M2M-RET: -5\r\n"), "X-M2M-RET"},
        BadRequest{"bad_ec", request_text("GET /a", "X-M2M-EC: 0\r\n"), "X-M2M-EC"},
        BadRequest{"large_ec", request_text("GET /a", "X-M2M-EC: 1000\r\n"), "X-M2M-EC"},
        BadRequest{"empty_rtu_entry", request_text("GET /a", "X-M2M-RTU: http://a&&http://b\r\n"),
                   "X-M2M-RTU"},
        BadRequest{"bearer", request_text("GET /a", "Authorization: Bearer abc\r\n"),
                   "Authorization: the scheme", Rsc::not_implemented},
        BadRequest{"empty_token", request_text("GET /a", "Authorization: a.b.c+\r\n"),
                   "Authorization: malformed"},
        BadRequest{"token_with_slash", request_text("GET /a", "Authorization: a/b\r\n"),
                   "Authorization: malformed"},
        BadRequest{"authorization_signatures", request_text("GET /a", "X-M2M-AS: x\r\n"), "X-M2M-AS",
                   Rsc::not_implemented},
        BadRequest{"xml", request_text("POST /a", "Content-Type: application/xml;ty=3\r\n", "<a/>"),
                   "application/xml", Rsc::unsupported_media_type},
        BadRequest{"cbor", request_text("POST /a", "Content-Type: application/cbor\r\n", "x"),
                   "application/cbor", Rsc::unsupported_media_type},
        BadRequest{"latin1",
                   request_text("PUT /a", "Content-Type: application/json; charset=iso-8859-1\r\n", "{}"),
                   "iso-8859-1", Rsc::unsupported_media_type},
        BadRequest{
            "gzip",
            request_text("PUT /a", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", "{}"),
            "Content-Encoding", Rsc::unsupported_media_type},
        BadRequest{"notification_as_create",
                   request_text("POST /a", "Content-Type: application/vnd.onem2m-ntfy+json;ty=3\r\n", "{}"),
                   "ntfy", Rsc::unsupported_media_type},
        BadRequest{"type_malformed", request_text("POST /a", "Content-Type: json\r\n", "{}"),
                   "Content-Type: malformed"},
        BadRequest{"no_type", request_text("PUT /a", "", "{}"), "Content-Type: missing"},
        BadRequest{"ty_not_a_number",
                   request_text("POST /a", "Content-Type: application/json;ty=ae\r\n", "{}"), "ty"},
        BadRequest{"ty_too_large",
                   request_text("POST /a", "Content-Type: application/json;ty=4294967296\r\n", "{}"), "ty"},
        BadRequest{"ty_with_put", request_text("PUT /a", kCreate, "{}"), "Create only"},
        BadRequest{"accept_xml", request_text("GET /a", "Accept: application/xml\r\n"), "application/xml",
                   Rsc::not_acceptable},
        BadRequest{"accept_malformed", request_text("GET /a", "Accept: json\r\n"), "Accept: malformed"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    MethodsAndContent, Refusals,
    testing::Values(BadRequest{"head", request_text("HEAD /a"), "HEAD", Rsc::operation_not_allowed},
                    BadRequest{"options", request_text("OPTIONS /a"), "OPTIONS", Rsc::operation_not_allowed},
                    BadRequest{"patch", request_text("PATCH /a", "Content-Type: application/json\r\n", "{}"),
                               "PATCH", Rsc::operation_not_allowed},
                    BadRequest{"trace", request_text("TRACE /a"), "TRACE", Rsc::operation_not_allowed},
                    BadRequest{"lower_case", request_text("get /a"), "get", Rsc::operation_not_allowed},
                    BadRequest{"get_with_content",
                               request_text("GET /a", "Content-Type: application/json\r\n", "{\"a\":1}"),
                               "content: not permitted"},
                    BadRequest{"delete_with_content", request_text("DELETE /a", "", "{\"a\":1}"),
                               "content: not permitted"},
                    BadRequest{"not_json", request_text("POST /a", kCreate, "{\"a\":"), ""},
                    BadRequest{"two_members", request_text("POST /a", kCreate, "{\"a\":1,\"b\":2}"),
                               "one member"},
                    BadRequest{"duplicate_member", request_text("POST /a", kCreate, "{\"a\":1,\"a\":2}"), ""},
                    BadRequest{"empty_object", request_text("POST /a", kCreate, "{}"), "one member"},
                    BadRequest{"array", request_text("POST /a", kCreate, "[1]"), "one member"},
                    BadRequest{"trailing_data", request_text("POST /a", kCreate, "{\"a\":1}x"), ""}),
    name_of);

TEST(Refusals, EchoWhatWasUnderstood) {
  const auto mapped = map_request(request_text("PATCH /a"));
  EXPECT_EQ(mapped.primitive.rqi, "1");
  EXPECT_EQ(mapped.primitive.rvi, "2a");
}

// --- both ways

std::string written(const RequestPrimitive& request, std::string_view prefix = {}) {
  std::string out;
  const auto done = write_request(out, request, {.host = "cse.example:8443", .path_prefix = prefix});
  EXPECT_TRUE(done) << done.error().detail;
  return out;
}

TEST(WriteRequest, AMafRegistrationAsOnTheWire) {
  RequestPrimitive request;
  request.op = Operation::create;
  request.to = "//myMAF.provider.org/-/";
  request.from = "0 2 481 1 100 3030 10011";
  request.rqi = "9876";
  request.ty = 3;
  request.rcn = codec::ResultContent::original_resource;
  request.pc = codec::json::object{{"sec:macr", codec::json::object{{"adfq", "in.provider.org"}}}};
  EXPECT_EQ(written(request),
            "POST /_/myMAF.provider.org/-/?rcn=7 HTTP/1.1\r\nHost: cse.example:8443\r\n"
            "X-M2M-Origin: 0 2 481 1 100 3030 10011\r\nX-M2M-RI: 9876\r\nAccept: application/json\r\n"
            "Content-Type: application/json;ty=3\r\nContent-Length: 39\r\n\r\n"
            "{\"sec:macr\":{\"adfq\":\"in.provider.org\"}}");
}

TEST(WriteRequest, ANotificationUrlGivesPathAndQuery) {
  RequestPrimitive request;
  request.op = Operation::notify;
  request.rqi = "1";
  for (const auto& [to, start] : std::vector<std::pair<std::string, std::string>>{
           {"http://h:80/a/b?ct=json", "POST /a/b?ct=json HTTP/1.1\r\n"},
           {"HTTPS://h", "POST / HTTP/1.1\r\n"},
           {"https://h?x=y", "POST /?x=y HTTP/1.1\r\n"},
           {"", "POST /hook HTTP/1.1\r\n"}}) {
    request.to = to;
    EXPECT_THAT(written(request, "/hook"), testing::StartsWith(start)) << to;
  }
}

TEST(WriteRequest, NothingBreaksOutOfItsField) {
  RequestPrimitive good;
  good.to = "cse";
  good.rqi = "1";
  const std::string bad = "x\r\nX-M2M-Origin: CAdmin";
  std::vector<RequestPrimitive> all(9, good);
  all[0].from = bad;
  all[1].rqi = bad;
  all[2].gid = bad;
  all[3].vsi = bad;
  all[4].rvi = bad;
  all[5].rt_targets = {bad};
  all[6].tkns = {bad};
  all[7].to = bad;
  all[8].to = "http://h/" + bad;
  for (const auto& request : all) {
    std::string out = "kept";
    const auto done = write_request(out, request, {.host = "h", .path_prefix = {}});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(out, "kept");
  }
  std::string out;
  EXPECT_FALSE(write_request(out, good, {.host = "h\r\nX: y", .path_prefix = {}}));
}

TEST(WriteRequest, WhatCannotBeCarriedIsRefused) {
  for (const char* to : {"/", "//", "///x", "~/x", "_/x", "~", "a#lbl", "a?b", "\xc3\xa4"}) {
    RequestPrimitive request;
    request.to = to;
    request.rqi = "1";
    std::string out;
    EXPECT_FALSE(write_request(out, request, {.host = "h", .path_prefix = {}})) << to;
  }
  RequestPrimitive no_id;
  no_id.to = "a";
  std::string out;
  EXPECT_FALSE(write_request(out, no_id, {.host = "h", .path_prefix = {}}));
}

TEST(RoundTrip, EveryRequestComesBackAsItWas) {
  Generator generator(20231114);
  for (int round = 0; round < 3000; ++round) {
    const RequestPrimitive request = generator.request();
    const std::string text = written(request);
    const auto mapped = map_request(text);
    ASSERT_FALSE(mapped.refusal) << mapped.refusal->detail << "\n" << text;
    EXPECT_EQ(mapped.primitive, request) << text;
  }
}

}  // namespace
}  // namespace latchkey::bind::test
