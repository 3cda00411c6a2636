/// What the parser takes and refuses: RFC 9112 framing, and every way in which two parsers could disagree.
#include "http_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/messages.h"

namespace latchkey::bind::test {
namespace {

using testing::HasSubstr;

TEST(MessageParser, ReadsHeadAndBodyOfARequest) {
  const auto parsed =
      parse_request(request_text("POST /cse-in", "Content-Type: application/json;ty=3\r\n", "{\"a\":1}"));
  ASSERT_FALSE(parsed.parser->error());
  ASSERT_TRUE(parsed.parser->done());
  const RequestHead& head = parsed.parser->request();
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/cse-in");
  EXPECT_EQ(head.fields[Field::m2m_origin], "CAdmin");
  EXPECT_EQ(head.fields[Field::content_type], "application/json;ty=3");
  EXPECT_TRUE(head.has_body);
  EXPECT_EQ(parsed.parser->take_body(), "{\"a\":1}");
}

TEST(MessageParser, FieldNamesAreNotCaseSensitive) {
  const auto parsed = parse_request("GET /a HTTP/1.1\r\nhOST: h\r\nx-m2m-ri: 7\r\n\r\n");
  ASSERT_TRUE(parsed.parser->done());
  EXPECT_EQ(parsed.parser->request().fields[Field::m2m_ri], "7");
}

TEST(MessageParser, AnyCutOfTheOctetsGivesTheSameMessage) {
  const std::string text =
      request_text("PUT /a", "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n") +
      "3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    MessageParser parser(MessageParser::Kind::request, {});
    std::string kept;
    for (const std::string& part : {text.substr(0, cut), text.substr(cut)}) {
      kept += part;
      for (std::size_t used = parser.put(kept); used > 0; used = parser.put(kept)) kept.erase(0, used);
    }
    ASSERT_TRUE(parser.done()) << cut;
    EXPECT_EQ(parser.take_body(), "{\"a\":1}") << cut;
  }
}

TEST(MessageParser, StopsBehindOneMessage) {
  const std::string one = request_text("GET /a");
  EXPECT_EQ(parse_request(one + one).used, one.size());
}

struct BadMessage {
  const char* name;
  const char* text;
  const char* reason;
  int status = 400;
};
class Refused : public testing::TestWithParam<BadMessage> {};
TEST_P(Refused, WithTheReason) {
  const auto parsed = parse_request(GetParam().text);
  ASSERT_TRUE(parsed.parser->error()) << GetParam().text;
  EXPECT_EQ(parsed.parser->error()->status, GetParam().status);
  EXPECT_THAT(parsed.parser->error()->detail, HasSubstr(GetParam().reason));
  EXPECT_FALSE(parsed.parser->done());
}
std::string name_of(const testing::TestParamInfo<BadMessage>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Smuggling, Refused,
    testing::Values(
        BadMessage{"length_and_coding",
                   "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                   "Transfer-Encoding"},
        BadMessage{"coding_and_length",
                   "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
                   "Content-Length"},
        BadMessage{"two_lengths",
                   "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
                   "Content-Length"},
        BadMessage{"two_equal_lengths",
                   "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
                   "Content-Length"},
        BadMessage{"list_of_lengths", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\nabc",
                   "Content-Length"},
        BadMessage{"signed_length", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc",
                   "Content-Length"},
        BadMessage{"negative_length", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\nabc",
                   "Content-Length"},
        BadMessage{"hex_length", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3\r\n\r\nabc",
                   "Content-Length"},
        BadMessage{"empty_length", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: \r\n\r\n",
                   "Content-Length"},
        BadMessage{"huge_length",
                   "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n",
                   "Content-Length"},
        BadMessage{
            "two_codings",
            "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "Transfer-Encoding"},
        BadMessage{"coding_gzip_chunked",
                   "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                   "Transfer-Encoding"},
        BadMessage{"coding_chunked_identity",
                   "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
                   "Transfer-Encoding"},
        BadMessage{"coding_xchunked", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n",
                   "Transfer-Encoding"},
        BadMessage{"coding_in_http_1_0", "POST /a HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
                   "Transfer-Encoding"},
        BadMessage{"folded_field", "GET /a HTTP/1.1\r\nHost: h\r\nX-M2M-Origin: C1\r\n C2\r\n\r\n",
                   "obs-fold"},
        BadMessage{"folded_by_tab", "GET /a HTTP/1.1\r\nHost: h\r\nX-M2M-Origin: C1\r\n\tC2\r\n\r\n",
                   "obs-fold"},
        BadMessage{"blank_before_first_field", "GET /a HTTP/1.1\r\n Host: h\r\n\r\n", "obs-fold"},
        BadMessage{"blank_before_colon", "GET /a HTTP/1.1\r\nHost : h\r\n\r\n", "bad field"},
        BadMessage{"bare_line_feed", "GET /a HTTP/1.1\r\nHost: h\nX-M2M-Origin: C\r\n\r\n", "CR LF"},
        BadMessage{"bare_carriage_return", "GET /a HTTP/1.1\r\nHost: h\rX-M2M-Origin: C\r\n\r\n", "message"},
        BadMessage{"chunk_size_signed",
                   "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n",
                   "chunk"},
        BadMessage{"chunk_size_not_hex",
                   "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
                   "chunk"},
        BadMessage{"chunk_size_overflows",
                   "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                   "chunked\r\n\r\n11111111111111111\r\nabc\r\n0\r\n\r\n",
                   "chunk"},
        BadMessage{
            "chunk_extension",
            "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
            "chunk extension"},
        BadMessage{"chunk_without_end",
                   "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n",
                   "chunk"},
        BadMessage{"trailer_field",
                   "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-M2M-Origin: "
                   "CAdmin\r\n\r\n",
                   "trailer"},
        BadMessage{
            "trailer_length",
            "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n",
            "trailer"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Malformed, Refused,
    testing::Values(BadMessage{"no_version", "GET /a\r\nHost: h\r\n\r\n", "message"},
                    BadMessage{"http_0_9", "GET /a HTTP/0.9\r\nHost: h\r\n\r\n", "version"},
                    BadMessage{"http_2_0", "GET /a HTTP/2.0\r\nHost: h\r\n\r\n", "version"},
                    BadMessage{"http_2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "version"},
                    BadMessage{"two_blanks", "GET  /a HTTP/1.1\r\nHost: h\r\n\r\n", "message"},
                    BadMessage{"blank_in_target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "version"},
                    BadMessage{"no_target", "GET HTTP/1.1\r\nHost: h\r\n\r\n", "message"},
                    BadMessage{"method_with_control", "G\x01T /a HTTP/1.1\r\nHost: h\r\n\r\n", "message"},
                    BadMessage{"field_without_colon", "GET /a HTTP/1.1\r\nHost h\r\n\r\n", "message"},
                    BadMessage{"empty_field_name", "GET /a HTTP/1.1\r\n: h\r\n\r\n", "message"},
                    BadMessage{"control_in_value", "GET /a HTTP/1.1\r\nHost: h\x01\r\n\r\n", "message"},
                    BadMessage{"a_tls_hello", "\x16\x03\x01\x02\r\n\r\n", "message"}),
    name_of);

TEST(MessageParser, NulInAValueIsRefused) {
  const auto parsed = parse_request(std::string("GET /a HTTP/1.1\r\nHost: h\0x\r\n\r\n", 30));
  EXPECT_TRUE(parsed.parser->error());
}

TEST(MessageParserLimits, HeaderOctetsBothSides) {
  const std::string text = request_text("GET /a");
  EXPECT_TRUE(parse_request(text, {.header_octets = text.size()}).parser->done());
  const auto over = parse_request(text, {.header_octets = text.size() - 1});
  ASSERT_TRUE(over.parser->error());
  EXPECT_EQ(over.parser->error()->status, 431);
  const auto endless = parse_request(std::string(20, 'a'), {.header_octets = 19});
  ASSERT_TRUE(endless.parser->error());
  EXPECT_EQ(endless.parser->error()->status, 431);
}

TEST(MessageParserLimits, HeaderFieldsBothSides) {
  EXPECT_TRUE(parse_request(request_text("GET /a"), {.header_fields = 4}).parser->done());
  const auto over = parse_request(request_text("GET /a"), {.header_fields = 3});
  ASSERT_TRUE(over.parser->error());
  EXPECT_EQ(over.parser->error()->status, 431);
  EXPECT_THAT(over.parser->error()->detail, HasSubstr("3 fields"));
}

TEST(MessageParserLimits, BodyOctetsBothSides) {
  const std::string plain = request_text("POST /a", "", "12345678");
  EXPECT_TRUE(parse_request(plain, {.body_octets = 8}).parser->done());
  EXPECT_EQ(parse_request(plain, {.body_octets = 7}).parser->error()->status, 413);
  const std::string chunked =
      request_text("POST /a", "Transfer-Encoding: chunked\r\n") + "4\r\n1234\r\n4\r\n5678\r\n0\r\n\r\n";
  EXPECT_TRUE(parse_request(chunked, {.body_octets = 8}).parser->done());
  EXPECT_EQ(parse_request(chunked, {.body_octets = 7}).parser->error()->status, 413);
}

TEST(MessageParserLimits, AChunkSizeHasEightDigitsAtMost) {
  const auto head = request_text("POST /a", "Transfer-Encoding: chunked\r\n");
  EXPECT_TRUE(parse_request(head + "00000001\r\na\r\n00000000\r\n\r\n").parser->done());
  EXPECT_FALSE(parse_request(head + "00000000").parser->error());
  EXPECT_TRUE(parse_request(head + "000000000").parser->error());
}

TEST(MessageParser, EveryBrokenLastChunkIsRefusedWhereverItIsCut) {
  const std::string head = request_text("POST /a", "Transfer-Encoding: chunked\r\n");
  for (const char* end : {"0\r\n\n", "0\n\r\n", "0\r\r\n", "0\r\n\rx", "0\r\nX: y\r\n\r\n", "0;a=b\r\n\r\n",
                          "0 \r\n\r\n", "-0\r\n\r\n"}) {
    const std::string text = head + "1\r\na\r\n" + end;
    for (std::size_t cut = head.size(); cut < text.size(); ++cut) {
      MessageParser parser(MessageParser::Kind::request, {});
      std::string kept;
      for (const std::string& part : {text.substr(0, cut), text.substr(cut)}) {
        kept += part;
        for (std::size_t used = parser.put(kept); used > 0; used = parser.put(kept)) kept.erase(0, used);
      }
      EXPECT_TRUE(parser.error()) << testing::PrintToString(end) << " cut at " << cut;
    }
  }
}

TEST(MessageParser, AResponseWithoutLengthEndsWithTheConnection) {
  auto parsed = parse_response("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nabc");
  EXPECT_FALSE(parsed.parser->done());
  parsed.parser->put_eof();
  ASSERT_TRUE(parsed.parser->done());
  EXPECT_EQ(parsed.parser->take_body(), "abc");
}

TEST(MessageParser, AResponseCutShortIsAnError) {
  auto parsed = parse_response("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc");
  parsed.parser->put_eof();
  EXPECT_TRUE(parsed.parser->error());
  auto head = parse_response("HTTP/1.1 200 OK\r\nContent-Le");
  head.parser->put_eof();
  EXPECT_TRUE(head.parser->error());
}

}  // namespace
}  // namespace latchkey::bind::test
