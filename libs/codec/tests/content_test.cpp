#include "latchkey/codec/content.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "latchkey/codec/primitive.h"

namespace latchkey::codec {
namespace {

Content kept(std::string text) { return Content::kept(std::make_shared<const std::string>(std::move(text))); }

TEST(Content, reads_the_same_as_a_value_and_as_a_kept_text) {
  const json::value value = {{"m2m:cnt", {{"rn", "box"}, {"mni", 5}}}};
  const Content one(value), other = kept(to_text(value));
  for (const auto* content : {&one, &other}) {
    EXPECT_FALSE(content->is_null());
    EXPECT_TRUE(content->is_object());
    EXPECT_EQ(content->value(), value);
    EXPECT_EQ(content->at("m2m:cnt").at("mni"), 5);
    EXPECT_EQ(*content, value);
  }
  EXPECT_EQ(one, other);
  EXPECT_EQ(one.text(), nullptr);
  ASSERT_NE(other.text(), nullptr);
  EXPECT_EQ(*other.text(), to_text(value));
}

TEST(Content, without_anything_is_null) {
  EXPECT_TRUE(Content().is_null());
  EXPECT_TRUE(Content(nullptr).is_null());
  EXPECT_TRUE(Content().value().is_null());
}

TEST(Content, keeps_a_text_that_is_deeper_and_longer_than_what_others_may_send) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += R"({"a":)";
  deep += "1" + std::string(100, '}');
  EXPECT_EQ(to_text(kept(deep).value()), deep);
}

TEST(Content, that_is_taken_apart_is_no_kept_text_any_more) {
  const auto text = std::make_shared<const std::string>(R"({"a":{"b":1}})");
  auto content = Content::kept(text);
  content.get_object()["a"] = 2;
  EXPECT_EQ(content.text(), nullptr);
  EXPECT_EQ(to_text(content.value()), R"({"a":2})");
  EXPECT_EQ(*text, R"({"a":{"b":1}})");
}

TEST(Content, is_wiped_when_it_is_a_value_and_left_when_others_read_it) {
  Content secret(json::object{{"key", "abc"}});
  wipe(secret);
  EXPECT_EQ(secret.value().at("key").as_string(), json::string_view("\0\0\0", 3));
  auto shared = kept(R"({"key":"abc"})");
  wipe(shared);
  EXPECT_EQ(*shared.text(), R"({"key":"abc"})");
}

TEST(ToText, writes_what_boost_json_writes) {
  for (const char* text :
       {"null", "true", "false", "0", "-1", "18446744073709551615", "-9223372036854775808", "1.5", "1e300",
        "-0.0", "\"\"", R"("a\"b\\c\/d\b\f\n\r\t\u0000\u001f\u007f\u00e4\ud83d\ude00")", "[]", "{}",
        "[[],{},[1,[2]]]", R"({"":"","a\n":[null,{"b":{}}],"c":1.0})"}) {
    const auto value = json::parse(text);
    EXPECT_EQ(to_text(value), json::serialize(value)) << text;
    std::string out = "before";
    append_text(out, value);
    EXPECT_EQ(out, "before" + json::serialize(value));
  }
}

}  // namespace
}  // namespace latchkey::codec
