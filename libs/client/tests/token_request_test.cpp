// What an originator does with Token Request Information (TS-0003 7.3.2.3 steps 2.4 to 4).
#include "latchkey/client/token_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace latchkey::client {
namespace {

using boost::json::parse;
using ::testing::HasSubstr;

const TimePoint kNow = *parse_timestamp("20290101T120000");

TEST(TokenRequest, asks_in_clear_or_passes_on_what_was_secured) {
  const auto told = parse(
      R"({"rsc":4103,"tqf":{"dasi":[{"uri":"https://a.example/-","sdr":"a.b.c.d.e"},
          {"uri":"https://b.example/-","dreq":{"or":"//sp.example/cse/C1","op":2,"trid":"/cse/cse/x"}},{"uri":"https://c.example/-"}]}})");
  const auto servers = das_servers_in(told, kNow);
  ASSERT_TRUE(servers) << servers.error().detail;
  ASSERT_EQ(servers->size(), 3U);
  const auto secured = token_request(servers->at(0), "/cse/C1");
  ASSERT_TRUE(secured);
  EXPECT_EQ(secured->op, codec::Operation::notify);
  EXPECT_EQ(secured->from, "/cse/C1");
  EXPECT_EQ(codec::to_text(secured->pc), R"({"lky:tkr":{"sdr":"a.b.c.d.e"}})");
  const auto clear = token_request(servers->at(1), "/cse/C1");
  ASSERT_TRUE(clear);
  EXPECT_EQ(clear->pc.at("m2m:seci").at("dreq").at("trid"), "/cse/cse/x");
  EXPECT_FALSE(token_request(servers->at(2), "/cse/C1"));
  EXPECT_EQ(das_servers_in(told.at("tqf"), kNow)->size(), 3U) << "the information alone";
  EXPECT_FALSE(das_servers_in(parse(R"({"rsc":4103})"), kNow));
  EXPECT_FALSE(das_servers_in(parse(R"({"tqf":{"dasi":[]}})"), kNow));
}

TEST(TokenRequest, reads_the_grant_or_says_why_there_is_none) {
  codec::ResponsePrimitive response;
  response.rsc = codec::Rsc::ok;
  response.pc = parse(
      R"({"lky:tkg":{"tks":[{"tkid":"t1@das.example","tknb":"20290101T120000","tkna":"20290101T130000"}],"tkns":["a.b.c"]}})");
  const auto grant = granted_tokens(response);
  ASSERT_TRUE(grant) << grant.error().detail;
  EXPECT_EQ(grant->tokens, std::vector<std::string>{"a.b.c"});
  response.pc = nullptr;
  EXPECT_EQ(granted_tokens(response).error().code, ErrorCode::invalid_argument);
  response.rsc = codec::Rsc::originator_has_no_privilege;
  EXPECT_EQ(granted_tokens(response).error().code, ErrorCode::denied);
  EXPECT_THAT(granted_tokens(response).error().detail, HasSubstr("4103"));
}

}  // namespace
}  // namespace latchkey::client
