/// Response primitives in their JSON form (TS-0004 6.4.2) and refusals.
#include <gtest/gtest.h>

#include "support/generator.h"
#include "support/matchers.h"

namespace latchkey::codec {
namespace {

using test::expect_accepted;
using test::expect_refused;
using test::parsed;

Outcome<ResponsePrimitive> decode(const std::string& text) { return response_from_json(parsed(text), {}); }

TEST(ResponseFromJson, reads_every_parameter) {
  const auto response =
      decode(R"({"m2m:rsp":{"rsc":2000,"rqi":"r1","to":"Clock","fr":"/in-cse","rvi":"3","vsi":"v",
    "ot":"20171113T110000","rset":"20171113T110001,5","ec":4,"cnst":1,"cnot":20,
    "ati":{"ltia":[{"lti":"a","tkid":"b@c.d"}]},"tqf":{"dasi":[]},"pc":{"m2m:uril":["a","b"]}}})");
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(response->rsc, Rsc::ok);
  EXPECT_EQ(response->rqi, "r1");
  EXPECT_EQ(response->to, "Clock");
  EXPECT_EQ(response->from, "/in-cse");
  EXPECT_EQ(response->rvi, "3");
  EXPECT_EQ(response->vsi, "v");
  EXPECT_EQ(response->ot, test::tr0038_time());
  EXPECT_EQ(response->rset, test::tr0038_time() + std::chrono::milliseconds(1'500));
  EXPECT_EQ(response->ec, 4U);
  EXPECT_EQ(response->cnst, 1U);
  EXPECT_EQ(response->cnot, 20U);
  EXPECT_EQ(to_text(response->ati), R"({"ltia":[{"lti":"a","tkid":"b@c.d"}]})");
  EXPECT_EQ(to_text(response->tqf), R"({"dasi":[]})");
  EXPECT_EQ(to_text(response->pc), R"({"m2m:uril":["a","b"]})");
}

TEST(ResponseFromJson, ignores_members_of_later_releases_and_relative_expiration) {
  const auto response = decode(R"({"rsc":2000,"rqi":"1","asri":true,"xyz":{},"rset":"5000"})");
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_FALSE(response->rset);
}

TEST(ResponseFromJson, keeps_a_code_it_does_not_know) {
  const auto response = decode(R"({"rsc":4999,"rqi":"1"})");
  ASSERT_TRUE(response);
  EXPECT_EQ(static_cast<int>(response->rsc), 4999);
  EXPECT_EQ(http_status(response->rsc), 400);
}

struct Bad {
  const char* name;
  const char* text;
  const char* reason;

  friend void PrintTo(const Bad& row, std::ostream* out) { *out << row.name; }
};
class RefusedResponse : public ::testing::TestWithParam<Bad> {};

TEST_P(RefusedResponse, is_named) {
  expect_refused(decode(GetParam().text), Rsc::bad_request, GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    Response, RefusedResponse,
    ::testing::ValuesIn(std::vector<Bad>{
        Bad{"array", "[]", "not an object"}, Bad{"no_rsc", R"({"rqi":"1"})", "rsc: missing"},
        Bad{"no_rqi", R"({"rsc":2000})", "rqi: missing"},
        Bad{"rsc_text", R"({"rsc":"2000","rqi":"1"})", "rsc: not an integer"},
        Bad{"rsc_999", R"({"rsc":999,"rqi":"1"})", "rsc: not an integer"},
        Bad{"rsc_7000", R"({"rsc":7000,"rqi":"1"})", "rsc: not an integer"},
        Bad{"pc_array", R"({"rsc":2000,"rqi":"1","pc":[]})", "pc: not an object"},
        Bad{"pc_two", R"({"rsc":2000,"rqi":"1","pc":{"a":1,"b":2}})", "pc: not an object of one member"},
        Bad{"cnst_3", R"({"rsc":2000,"rqi":"1","cnst":3})", "cnst: not an integer"},
        Bad{"cnot_0", R"({"rsc":2000,"rqi":"1","cnot":0})", "cnot: not an integer"},
        Bad{"ati_text", R"({"rsc":2000,"rqi":"1","ati":"x"})", "ati: not an object"},
        Bad{"tqf_array", R"({"rsc":2000,"rqi":"1","tqf":[]})", "tqf: not an object"},
        Bad{"ot_word", R"({"rsc":2000,"rqi":"1","ot":"x"})", "ot: not a timestamp"},
        Bad{"rset_word", R"({"rsc":2000,"rqi":"1","rset":"x"})", "rset: neither"},
        Bad{"rqi_control", R"({"rsc":2000,"rqi":"1\n"})", "rqi: holds a control"},
        Bad{"ec_50", R"({"rsc":2000,"rqi":"1","ec":50})", "ec: not an event category"}}),
    test::name_of<Bad>);

TEST(ResponseRoundTrip, decode_of_encode_is_the_response) {
  test::Generator generator(4);
  for (int k = 0; k < 3'000; ++k) {
    const ResponsePrimitive response = generator.response();
    const std::string text = to_text(to_json(response));
    for (const std::string& form : {text, "{\"rsp\":" + text + "}", "{\"m2m:rsp\":" + text + "}"}) {
      const auto value = parse_json(form, {});
      ASSERT_TRUE(value) << value.error().detail << form;
      const auto again = response_from_json(*value, {});
      ASSERT_TRUE(again) << again.error().detail << form;
      ASSERT_EQ(*again, response) << form;
    }
  }
}

TEST(RefusalResponse, answers_the_request_in_its_release_with_the_reason) {
  RequestPrimitive request;
  request.rqi = "r7";
  request.rvi = "2a";
  const auto response = refusal_response(request, {Rsc::originator_has_no_privilege, "no rule permits it"});
  EXPECT_EQ(response.rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(response.rqi, "r7");
  EXPECT_EQ(response.rvi, "2a");
  EXPECT_EQ(to_text(response.pc), R"({"m2m:dbg":"no rule permits it"})");
}

TEST(RefusalResponse, names_no_release_to_a_release_1_originator) {
  EXPECT_FALSE(refusal_response({}, {Rsc::not_found, "x"}).rvi);
}

TEST(RefusalResponse, does_not_claim_a_release_that_is_not_supported) {
  RequestPrimitive request;
  request.rvi = "9";
  EXPECT_EQ(refusal_response(request, {Rsc::release_version_not_supported, "x"}).rvi, "3");
}

TEST(RefusalResponse, text_is_short_and_valid_utf8_whatever_went_into_it) {
  const auto response = refusal_response({}, {Rsc::bad_request, "bad \xff" + std::string(2'000, 'x')});
  const auto text = to_text(response.pc);
  EXPECT_LT(text.size(), 600U);
  expect_accepted(parse_json(text, {}));
  // A character that is cut in two at the limit is no reason to answer with broken text.
  std::string umlauts = "x";
  while (umlauts.size() < 600) umlauts += "ä";
  expect_accepted(parse_json(to_text(refusal_response({}, {Rsc::bad_request, umlauts}).pc), {}));
  EXPECT_TRUE(refusal_response({}, {Rsc::bad_request, ""}).pc.is_null());
}

}  // namespace
}  // namespace latchkey::codec
