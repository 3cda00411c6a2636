#include <gtest/gtest.h>

#include <chrono>

#include "support/generator.h"
#include "support/matchers.h"

namespace latchkey::codec {
namespace {

using test::expect_accepted;
using test::expect_refused;

struct Bad {
  const char* name;
  const char* text;
  const char* reason;

  friend void PrintTo(const Bad& row, std::ostream* out) { *out << row.name; }
};

class RefusedJson : public ::testing::TestWithParam<Bad> {};

TEST_P(RefusedJson, names_the_defect) {
  expect_refused(parse_json(GetParam().text, {}), Rsc::bad_request, GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(Text, RefusedJson,
                         ::testing::ValuesIn(std::vector<Bad>{
                             Bad{"empty_text", "", "incomplete"},
                             Bad{"blank_text", "  ", "incomplete"},
                             Bad{"cut_in_an_object", R"({"a":1)", "incomplete"},
                             Bad{"cut_in_a_string", R"({"a":"b)", "incomplete"},
                             Bad{"trailing_value", R"({} {})", "text after the end"},
                             Bad{"trailing_letter", R"({"a":1}x)", "text after the end"},
                             Bad{"trailing_comma", R"({"a":1,})", "not well-formed"},
                             Bad{"comment", R"({/* c */"a":1})", "not well-formed"},
                             Bad{"single_quotes", R"({'a':1})", "not well-formed"},
                             Bad{"byte_order_mark", "\xEF\xBB\xBF{}", "not well-formed"},
                             Bad{"leading_zero", R"({"a":01})", "not well-formed"},
                             Bad{"not_a_number", R"({"a":NaN})", "not well-formed"},
                             Bad{"number_out_of_range", R"({"a":1e999})", "out of range"},
                             Bad{"raw_control_character", "{\"a\":\"\x01\"}", "not well-formed"},
                             Bad{"lone_high_surrogate", R"({"a":"\ud800"})", "not well-formed"},
                             Bad{"lone_low_surrogate", R"({"a":"\udc00"})", "not well-formed"},
                             Bad{"utf8_bare_continuation", "{\"a\":\"\x80\"}", "not well-formed"},
                             Bad{"utf8_overlong", "{\"a\":\"\xC0\xAF\"}", "not well-formed"},
                             Bad{"utf8_surrogate", "{\"a\":\"\xED\xA0\x80\"}", "not well-formed"},
                             Bad{"utf8_above_10ffff", "{\"a\":\"\xF4\x90\x80\x80\"}", "not well-formed"},
                             Bad{"utf8_cut", "{\"a\":\"\xE2\x82\"}", "not well-formed"},
                             Bad{"member_twice", R"({"a":1,"b":2,"a":3})", "'a' stands twice"},
                             Bad{"member_twice_by_escape", R"({"op":1,"\u006fp":2})", "'op' stands twice"},
                             Bad{"member_twice_inside", R"({"x":[{"y":{"k":1,"k":1}}]})", "'k' stands twice"},
                             Bad{"member_twice_behind_an_inner_object",
                                 R"({"k":{"a":1,"b":2},"c":[{"d":1}],"k":2})", "'k' stands twice"},
                             Bad{"empty_member_twice", R"({"":1,"":2})", "'' stands twice"}}),
                         test::name_of<Bad>);

TEST(ParseJson, accepts_the_same_name_in_different_objects) {
  expect_accepted(parse_json(R"({"k":{"k":{"k":1}},"l":[{"k":1},{"k":2}]})", {}));
}

TEST(ParseJson, accepts_blanks_around_and_every_kind_of_value) {
  const auto value = parse_json("\r\n\t [null,true,false,-1,18446744073709551615,1.5,\"\\u20ac\",{}] \n", {});
  ASSERT_TRUE(value) << value.error().detail;
  EXPECT_EQ(to_text(*value), "[null,true,false,-1,18446744073709551615,1.5E0,\"\u20ac\",{}]");
}

TEST(ParseJson, numbers_come_back_as_they_were_written) {
  for (const double number :
       {0.1, 21.7, 5e-324, 1.7976931348623157e308, 0.30000000000000004, 123456789.12345679,
        9007199254740993.0, 2.2250738585072011e-308, 1.2345678901234567e-42, -0.0}) {
    const auto again = parse_json(to_text(number), {});
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(again->as_double(), number) << to_text(number);
  }
  EXPECT_EQ(parse_json("[0.1000000000000000055511151231257827,1E2]", {})->as_array()[0].as_double(), 0.1);
}

TEST(ParseJson, finds_a_repetition_among_many_members) {
  std::string text = "{";
  for (int k = 0; k < 100; ++k) text += "\"key" + std::to_string(k) + "\":" + std::to_string(k) + ",";
  const auto fine = parse_json(text + "\"last\":0}", {});
  ASSERT_TRUE(fine) << fine.error().detail;
  EXPECT_EQ(fine->as_object().size(), 101U);
  EXPECT_EQ(fine->as_object().at("key57"), 57);
  expect_refused(parse_json(text + "\"key57\":0}", {}), Rsc::bad_request, "'key57' stands twice");
  // After the many members of an inner object, the outer object's names are still known.
  expect_refused(parse_json("{\"a\":1,\"b\":" + text + "\"z\":0},\"a\":2}", {}), Rsc::bad_request,
                 "'a' stands twice");
}

TEST(ParseJson, shows_a_hostile_name_shortened_and_printable) {
  const std::string name(300, '\x02');
  std::string escaped;
  for (std::size_t k = 0; k < name.size(); ++k) escaped += "\\u0002";
  const auto value = parse_json("{\"" + escaped + "\":1,\"" + escaped + "\":2}", {});
  ASSERT_FALSE(value);
  EXPECT_LT(value.error().detail.size(), 140U);
  EXPECT_EQ(value.error().detail.find('\x02'), std::string::npos);
}

TEST(ParseJson, limit_of_octets_holds_on_both_sides) {
  const std::string text = R"(["12345678"])";
  expect_accepted(parse_json(text, {.octets = text.size()}));
  expect_refused(parse_json(text, {.octets = text.size() - 1}), Rsc::bad_request, "more than 11 octets");
}

TEST(ParseJson, limit_of_depth_holds_on_both_sides) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  expect_accepted(parse_json(nested(16), {}));
  expect_refused(parse_json(nested(17), {}), Rsc::bad_request, "deeper than 16");
  const auto objects = [](std::size_t depth) {
    std::string text = "1";
    for (std::size_t k = 0; k < depth; ++k) text = "{\"a\":" + text + "}";
    return text;
  };
  expect_accepted(parse_json(objects(16), {}));
  expect_refused(parse_json(objects(17), {}), Rsc::bad_request, "deeper than 16");
  expect_refused(parse_json(std::string(900'000, '['), {}), Rsc::bad_request, "deeper than 16");
}

TEST(ParseJson, limit_of_members_and_elements_holds_on_both_sides) {
  const PrimitiveLimits limits{.members = 5};
  expect_accepted(parse_json(R"({"a":1,"b":[1,2,3]})", limits));
  expect_refused(parse_json(R"({"a":1,"b":[1,2,3,4]})", limits), Rsc::bad_request, "more than 5 members");
  expect_refused(parse_json(R"({"a":{},"b":[[],{},null,true]})", limits), Rsc::bad_request,
                 "more than 5 members");
}

TEST(ParseJson, hostile_member_names_cost_little) {
  std::string text = "{";
  for (int k = 0; k < 9'999; ++k) text += "\"k" + std::to_string(k) + "\":0,";
  text += "\"end\":0}";
  const auto start = std::chrono::steady_clock::now();
  expect_accepted(parse_json(text, {}));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
}

TEST(ParseJson, decode_of_encode_is_the_value) {
  test::Generator generator(1);
  for (int k = 0; k < 2'000; ++k) {
    const auto value = generator.any_value(5);
    const auto again = parse_json(to_text(value), {});
    ASSERT_TRUE(again) << again.error().detail << to_text(value);
    ASSERT_EQ(to_text(*again), to_text(value));
  }
}

TEST(ParseJson, every_cut_of_a_primitive_is_refused_or_well_formed) {
  const std::string text = test::data_file("tr-0038/8-key-retrieval-response.json");
  const auto end = text.find_last_of('}');
  for (std::size_t size = 0; size <= end; ++size) {
    ASSERT_FALSE(parse_json(text.substr(0, size), {})) << size;
  }
  expect_accepted(parse_json(text.substr(0, end + 1), {}));
}

}  // namespace
}  // namespace latchkey::codec
