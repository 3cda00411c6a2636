#include "latchkey/codec/cbor.h"

#include <gtest/gtest.h>

#include "support/generator.h"
#include "support/matchers.h"

namespace latchkey::codec {
namespace {

using test::expect_accepted;
using test::expect_refused;

Bytes octets(std::string_view hex) {
  auto out = from_hex(hex);
  EXPECT_TRUE(out) << hex;
  return out ? std::move(*out) : Bytes();
}

Outcome<json::value> read(std::string_view hex, const PrimitiveLimits& limits = {}) {
  return parse_cbor(octets(hex), limits);
}

struct Example {
  const char* hex;
  const char* text;
  bool preferred = true;  ///< what we write, too
};

/// Of RFC 8949 Appendix A, those that JSON can hold.
const std::vector<Example> kExamples{
    {"00", "0"},
    {"01", "1"},
    {"0a", "10"},
    {"17", "23"},
    {"1818", "24"},
    {"1864", "100"},
    {"1903e8", "1000"},
    {"1a000f4240", "1000000"},
    {"1b000000e8d4a51000", "1000000000000"},
    {"1bffffffffffffffff", "18446744073709551615"},
    {"20", "-1"},
    {"29", "-10"},
    {"3863", "-100"},
    {"3903e7", "-1000"},
    {"f93c00", "1E0", false},
    {"f93e00", "1.5E0", false},
    {"f90400", "6.103515625E-5", false},
    {"fa47c35000", "1E5"},
    {"fa7f7fffff", "3.4028234663852886E38"},
    {"fb3ff199999999999a", "1.1E0"},
    {"fb7e37e43c8800759c", "1E300"},
    {"fbc010666666666666", "-4.1E0"},
    {"f4", "false"},
    {"f5", "true"},
    {"f6", "null"},
    {"60", R"("")"},
    {"6161", R"("a")"},
    {"6449455446", R"("IETF")"},
    {"62225c", R"("\"\\")"},
    {"62c3bc", "\"\u00fc\""},
    {"64f0908591", "\"\U00010151\""},
    {"80", "[]"},
    {"83010203", "[1,2,3]"},
    {"8301820203820405", "[1,[2,3],[4,5]]"},
    {"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
     "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]"},
    {"a0", "{}"},
    {"a26161016162820203", R"({"a":1,"b":[2,3]})"},
    {"826161a161626163", R"(["a",{"b":"c"}])"},
    {"7f657374726561646d696e67ff", R"("streaming")", false},
    {"9fff", "[]", false},
    {"9f018202039f0405ffff", "[1,[2,3],[4,5]]", false},
    {"83018202039f0405ff", "[1,[2,3],[4,5]]", false},
    {"bf61610161629f0203ffff", R"({"a":1,"b":[2,3]})", false},
    {"826161bf61626163ff", R"(["a",{"b":"c"}])", false},
    {"bf6346756ef563416d7421ff", R"({"Fun":true,"Amt":-2})", false},
};

TEST(Cbor, examples_of_rfc_8949) {
  for (const auto& example : kExamples) {
    const auto value = read(example.hex);
    ASSERT_TRUE(value) << example.hex << ": " << value.error().detail;
    EXPECT_EQ(to_text(*value), example.text) << example.hex;
    if (!example.preferred) continue;
    EXPECT_EQ(to_cbor(*value), octets(example.hex)) << example.text;
  }
}

TEST(Cbor, refuses_what_json_cannot_say_and_what_is_not_well_formed) {
  struct Bad {
    const char* hex;
    const char* reason;
  };
  for (const auto& bad : std::vector<Bad>{
           {"", "ends in the middle"},
           {"18", "ends in the middle"},
           {"6261", "ends in the middle"},
           {"8201", "ends in the middle"},
           {"a16161", "ends in the middle"},
           {"9f01", "ends in the middle"},
           {"7f6161", "ends in the middle"},
           {"7bffffffffffffffff61", "ends in the middle"},
           {"0000", "after the end"},
           {"ff", "a break where none may be"},
           {"81ff", "a break where none may be"},
           {"bf6161ff", "a break where none may be"},
           {"1c", "not well-formed"},
           {"f818", "not well-formed"},
           {"4101", "a byte string"},
           {"5f4101ff", "a byte string"},
           {"c074323031332d30332d32315432303a30343a30305a", "a tag"},
           {"f7", "an undefined value"},
           {"f97c00", "out of range"},
           {"f97e00", "out of range"},
           {"fbfff0000000000000", "out of range"},
           {"3b8000000000000000", "out of range"},
           {"3bffffffffffffffff", "out of range"},
           {"a10102", "the name of a member is no text"},
           {"a18001", "the name of a member is no text"},
           {"a1f601", "the name of a member is no text"},
           {"a2616101616102", "'a' stands twice"},
           {"bf6161017f6161ff02ff", "'a' stands twice"},
           {"61ff", "not UTF-8"},
           {"62c0af", "not UTF-8"},
           {"63eda080", "not UTF-8"},
           {"7f61c361bcff", "not UTF-8"},
           {"7f01ff", "other than texts"},
           {"7f8101ff", "other than texts"},
           {"7f7f6161ffff", "other than texts"},
       })
    expect_refused(read(bad.hex), Rsc::bad_request, bad.reason);
}

TEST(Cbor, every_limit_holds_on_both_sides) {
  expect_accepted(read("83010203", {.octets = 4}));
  expect_refused(read("83010203", {.octets = 3}), Rsc::bad_request, "more than 3 octets");
  const auto nested = [](std::size_t depth) { return Bytes(depth, 0x81); };
  auto deepest = nested(16);
  deepest.push_back(0x01);
  expect_accepted(parse_cbor(deepest, {}));
  auto deeper = nested(17);
  deeper.push_back(0x01);
  expect_refused(parse_cbor(deeper, {}), Rsc::bad_request, "deeper than 16");
  expect_refused(parse_cbor(Bytes(900'000, 0x9f), {}), Rsc::bad_request, "deeper than 16");
  expect_accepted(read("a26161016162820203", {.members = 4}));
  expect_refused(read("a26161016162820203", {.members = 3}), Rsc::bad_request, "more than 3 members");
  // A size that is only said costs nothing.
  expect_refused(read("9bffffffffffffffff"), Rsc::bad_request, "more than 10000 members");
  expect_refused(read("bb7fffffffffffffff"), Rsc::bad_request, "more than 10000 members");
}

TEST(Cbor, what_is_written_reads_as_the_same_value) {
  test::Generator generator(8949);
  for (int round = 0; round < 3'000; ++round) {
    const auto value = generator.any_value(5);
    const auto again = parse_cbor(to_cbor(value), {});
    ASSERT_TRUE(again) << again.error().detail << "\n" << to_text(value);
    ASSERT_EQ(to_text(*again), to_text(value));
  }
}

TEST(Cbor, every_cut_of_a_primitive_is_refused) {
  test::Generator generator(17);
  for (int round = 0; round < 50; ++round) {
    const auto whole = to_cbor(to_json(generator.request()));
    for (std::size_t size = 0; size < whole.size(); ++size)
      ASSERT_FALSE(parse_cbor(ByteView(whole).first(size), {})) << size << " of " << to_hex(whole);
  }
}

}  // namespace
}  // namespace latchkey::codec
