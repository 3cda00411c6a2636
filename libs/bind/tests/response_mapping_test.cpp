/// TS-0009 6.3, 6.4: response primitives to HTTP responses and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/generator.h"
#include "support/messages.h"

namespace latchkey::bind::test {
namespace {

using codec::ResponsePrimitive;
using codec::Rsc;
using testing::HasSubstr;

std::string written(const ResponsePrimitive& response, const ResponseForm& form = {}) {
  std::string out;
  const auto done = write_response(out, response, form);
  EXPECT_TRUE(done) << done.error().detail;
  return out;
}

codec::Outcome<ResponsePrimitive> mapped(const std::string& text, std::string_view rqi = "1") {
  const auto parsed = parse_response(text);
  if (parsed.parser->error()) return codec::refuse(Rsc::bad_request, parsed.parser->error()->detail);
  return map_response(parsed.parser->response(), parsed.parser->take_body(), rqi, {});
}

TEST(WriteResponse, ACreatedResourceAsOnTheWire) {
  ResponsePrimitive response;
  response.rsc = Rsc::created;
  response.rqi = "0001";
  response.rvi = "3";
  response.content_location = "/mn1/cnt7";
  response.pc = codec::json::object{{"m2m:cnt", codec::json::object{{"ri", "cnt7"}}}};
  EXPECT_EQ(written(response),
            "HTTP/1.1 201 Created\r\nX-M2M-RSC: 2001\r\nX-M2M-RI: 0001\r\nX-M2M-RVI: 3\r\n"
            "Content-Location: /mn1/cnt7\r\nContent-Type: application/json\r\nContent-Length: 25\r\n\r\n"
            "{\"m2m:cnt\":{\"ri\":\"cnt7\"}}");
}

TEST(WriteResponse, AKeptTextIsTheBodyAsItIs) {
  ResponsePrimitive response;
  response.rsc = Rsc::ok;
  response.rqi = "1";
  const std::string text = R"({"m2m:cnt":{"ri":"cnt7"}})";
  response.pc = codec::Content::kept(std::make_shared<const std::string>(text));
  EXPECT_EQ(written(response),
            "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nX-M2M-RI: 1\r\nContent-Type: application/json\r\n"
            "Content-Length: 25\r\n\r\n" +
                text);
  EXPECT_THAT(written(response, {.without_body = true}), HasSubstr("Content-Length: 0\r\n\r\n"));
}

TEST(WriteResponse, AnAnswerWithoutContentHasLengthZeroAndNoType) {
  ResponsePrimitive response;
  response.rsc = Rsc::deleted;
  response.rqi = "1";
  EXPECT_EQ(written(response),
            "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2002\r\nX-M2M-RI: 1\r\nContent-Length: 0\r\n\r\n");
}

TEST(WriteResponse, FormsOfTheEnd) {
  ResponsePrimitive response;
  response.rsc = Rsc::operation_not_allowed;
  response.pc = codec::json::object{{"m2m:dbg", "x"}};
  const std::string text =
      written(response, {.media = Media::onem2m_resource, .close = true, .retry_after_seconds = 3});
  EXPECT_THAT(text, HasSubstr("HTTP/1.1 405 "));
  EXPECT_THAT(text, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nAllow: GET, POST, PUT, DELETE\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nRetry-After: 3\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nContent-Type: application/vnd.onem2m-res+json\r\n"));
  EXPECT_THAT(written(response, {.without_body = true}), HasSubstr("Content-Length: 0\r\n\r\n"));
}

TEST(WriteResponse, NothingBreaksOutOfItsField) {
  const std::string bad = "x\r\nX-M2M-RSC: 2000";
  std::vector<ResponsePrimitive> all(6);
  all[0].rqi = bad;
  all[1].rvi = bad;
  all[2].from = bad;
  all[3].vsi = bad;
  all[4].content_location = bad;
  all[5].ati =
      codec::json::object{{"ltia", codec::json::array{codec::json::object{{"lti", "a"}, {"tkid", bad}}}}};
  for (const auto& response : all) {
    std::string out = "kept";
    const auto done = write_response(out, response, {});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(out, "kept");
  }
}

TEST(WriteResponse, TokenRequestInformationTakesThePlaceOfTheDebugText) {
  ResponsePrimitive response;
  response.rsc = Rsc::originator_has_no_privilege;
  response.rqi = "1";
  response.pc = codec::json::object{{"m2m:dbg", "no"}};
  response.tqf = codec::json::object{{"dasi", codec::json::array{}}};
  const std::string text = written(response);
  EXPECT_THAT(text, HasSubstr("HTTP/1.1 403 "));
  EXPECT_THAT(text, testing::Not(HasSubstr("dbg")));
  const auto back = mapped(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->tqf, response.tqf);
  EXPECT_TRUE(back->pc.is_null());
}

TEST(MapResponse, APeerWithoutStatusCodeIsMappedByItsHttpStatus) {
  const auto ok = mapped("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<ok>");
  ASSERT_TRUE(ok);
  EXPECT_EQ(ok->rsc, Rsc::ok);
  EXPECT_EQ(ok->rqi, "1");
  EXPECT_TRUE(ok->pc.is_null());
  EXPECT_EQ(mapped("HTTP/1.1 204 No Content\r\n\r\n")->rsc, Rsc::ok);
  EXPECT_EQ(mapped("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")->rsc, Rsc::not_found);
  EXPECT_EQ(mapped("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n")->rsc, Rsc::target_not_reachable);
}

TEST(MapResponse, TheStatusCodeFieldWinsOverTheHttpStatus) {
  EXPECT_EQ(mapped("HTTP/1.1 403 x\r\nX-M2M-RSC: 4107\r\nX-M2M-RI: 1\r\nContent-Length: 0\r\n\r\n")->rsc,
            Rsc::security_association_required);
}

struct BadResponse {
  const char* name;
  const char* text;
  const char* reason;
};
class BadResponses : public testing::TestWithParam<BadResponse> {};
TEST_P(BadResponses, AreRefused) {
  const auto response = mapped(GetParam().text);
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().detail, HasSubstr(GetParam().reason));
}
INSTANTIATE_TEST_SUITE_P(
    Client, BadResponses,
    testing::Values(
        BadResponse{"other_request",
                    "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nX-M2M-RI: 2\r\nContent-Length: 0\r\n\r\n",
                    "X-M2M-RI"},
        BadResponse{"code_too_small", "HTTP/1.1 200 OK\r\nX-M2M-RSC: 200\r\nContent-Length: 0\r\n\r\n",
                    "X-M2M-RSC"},
        BadResponse{"code_too_large", "HTTP/1.1 200 OK\r\nX-M2M-RSC: 7000\r\nContent-Length: 0\r\n\r\n",
                    "X-M2M-RSC"},
        BadResponse{"two_codes",
                    "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nX-M2M-RSC: 2001\r\nContent-Length: 0\r\n\r\n",
                    "X-M2M-RSC"},
        BadResponse{"xml",
                    "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nContent-Type: application/xml\r\nContent-Length: "
                    "4\r\n\r\n<a/>",
                    "Content-Type"},
        BadResponse{"not_json",
                    "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nContent-Type: application/json\r\nContent-Length: "
                    "1\r\n\r\n{",
                    "content"},
        BadResponse{"two_members",
                    "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nContent-Type: application/json\r\nContent-Length: "
                    "13\r\n\r\n{\"a\":1,\"b\":2}",
                    "one member"},
        BadResponse{"bad_time",
                    "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nX-M2M-OT: x\r\nContent-Length: 0\r\n\r\n",
                    "X-M2M-OT"},
        BadResponse{"bad_ati",
                    "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nX-M2M-ATI: x\r\nContent-Length: 0\r\n\r\n",
                    "X-M2M-ATI"},
        BadResponse{"length_and_coding",
                    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
                    "Transfer-Encoding"}),
    [](const testing::TestParamInfo<BadResponse>& bad) { return std::string(bad.param.name); });

TEST(RoundTrip, EveryResponseComesBackAsItWas) {
  Generator generator(42);
  for (int round = 0; round < 3000; ++round) {
    const ResponsePrimitive response = generator.response();
    const std::string text = written(response);
    const auto back = mapped(text, response.rqi);
    ASSERT_TRUE(back) << back.error().detail << "\n" << text;
    EXPECT_EQ(*back, response) << text;
  }
}

}  // namespace
}  // namespace latchkey::bind::test
