// `to` of a request: TS-0001 9.3.1, TS-0004 6.2.
#include <gtest/gtest.h>

#include "latchkey/base/ids.h"

namespace latchkey {
namespace {

using Scope = ResourceAddress::Scope;
using Segments = std::vector<std::string>;

ResourceAddress parsed(std::string_view text) { return ResourceAddress::parse(text).value(); }

TEST(ResourceAddress, CseRelative) {
  const auto structured = parsed("cse-in/ae1/cnt");
  EXPECT_EQ(structured.scope, Scope::cse_relative);
  EXPECT_EQ(structured.cse, "");
  EXPECT_EQ(structured.segments, (Segments{"cse-in", "ae1", "cnt"}));
  EXPECT_EQ(parsed("-/ae1/cnt").segments.front(), "-");
  EXPECT_EQ(parsed("cnt0815/la").segments, (Segments{"cnt0815", "la"}));
}

TEST(ResourceAddress, SpRelative) {
  const auto address = parsed("/in-cse1/cse-in/ae1");
  EXPECT_EQ(address.scope, Scope::sp_relative);
  EXPECT_EQ(address.cse, "in-cse1");
  EXPECT_EQ(address.sp, "");
  EXPECT_EQ(address.segments, (Segments{"cse-in", "ae1"}));
  EXPECT_TRUE(parsed("/in-cse1").segments.empty());
}

TEST(ResourceAddress, Absolute) {
  const auto address = parsed("//M2M.sp.example/in-cse1/cnt0815");
  EXPECT_EQ(address.scope, Scope::absolute);
  EXPECT_EQ(address.sp, "m2m.sp.example");
  EXPECT_EQ(address.cse, "in-cse1");
  EXPECT_EQ(address.segments, (Segments{"cnt0815"}));
}

TEST(ResourceAddress, BaseOfAMafEndsInASlash) {
  const auto base = parsed("//myMAF.provider.org/-/");
  EXPECT_EQ(base.sp, "mymaf.provider.org");
  EXPECT_EQ(base.cse, "-");
  EXPECT_TRUE(base.segments.empty());
  EXPECT_EQ(parsed("//myMAF.provider.org/-/macr000001").segments, (Segments{"macr000001"}));
  for (const char* bad : {"//maf.example/-//", "//maf.example/in-cse/", "/-/", "-/"})
    EXPECT_FALSE(ResourceAddress::parse(bad).has_value()) << bad;
}

TEST(ResourceAddress, AttributeBehindTheHash) {
  EXPECT_EQ(parsed("cse-in/ae1#lbl").attribute, "lbl");
  EXPECT_EQ(parsed("cse-in/ae1#lbl").segments, (Segments{"cse-in", "ae1"}));
  EXPECT_EQ(parsed("/in-cse#poa").attribute, "poa");
  for (const char* bad : {"cse-in#", "#lbl", "cse-in#a#b", "cse-in#a/b", "cse-in#a b"})
    EXPECT_FALSE(ResourceAddress::parse(bad).has_value()) << bad;
}

TEST(ResourceAddress, TextParsesToItself) {
  for (const char* text : {"cse-in", "-/a", "cse-in/ae1/cnt/la", "/in-cse1", "/in-cse1/-/a#lbl",
                           "//m2m.sp.example/in-cse1", "//m2m.sp.example/in-cse1/cse-in/a(b)+c:d@e"}) {
    EXPECT_EQ(parsed(text).text(), text);
  }
}

struct Bad {
  const char* name;
  std::string_view text;
};
class AddressRefuses : public testing::TestWithParam<Bad> {};
INSTANTIATE_TEST_SUITE_P(
    Defects, AddressRefuses,
    testing::Values(Bad{"empty", ""}, Bad{"slash", "/"}, Bad{"two_slashes", "//"},
                    Bad{"three_slashes", "///x"}, Bad{"only_sp", "//m2m.sp.example"},
                    Bad{"sp_and_slash", "//m2m.sp.example/"}, Bad{"bad_sp", "//m2m_sp.example/in"},
                    Bad{"empty_segment", "a//b"}, Bad{"trailing_slash", "a/"}, Bad{"dot_dot", "a/../b"},
                    Bad{"dot_dot_cse", "/../b"}, Bad{"dot", "a/./b"}, Bad{"space", "a b"},
                    Bad{"line_break", "a\nb"}, Bad{"zero_octet", std::string_view("a\0b", 3)},
                    Bad{"delete", "a\x7F"}, Bad{"percent", "a%2Fb"}, Bad{"query", "a?rcn=0"},
                    Bad{"backslash", "a\\b"}, Bad{"utf8", "caf\xC3\xA9"}),
    [](const auto& bad) { return bad.param.name; });
TEST_P(AddressRefuses, WithInvalidArgument) {
  const auto address = ResourceAddress::parse(GetParam().text);
  ASSERT_FALSE(address.has_value());
  EXPECT_EQ(address.error().code, ErrorCode::invalid_argument);
}

TEST(ResourceAddress, BothSidesOfTheLimits) {
  EXPECT_TRUE(ResourceAddress::parse(std::string(2048, 'a')).has_value());
  EXPECT_FALSE(ResourceAddress::parse(std::string(2049, 'a')).has_value());
  std::string deep = "a";
  for (int i = 1; i < 64; ++i) deep += "/a";
  EXPECT_EQ(parsed(deep).segments.size(), 64U);
  EXPECT_EQ(parsed("//m2m.sp.example/in-cse/" + deep).segments.size(), 64U);
  EXPECT_FALSE(ResourceAddress::parse(deep + "/a").has_value());
  EXPECT_FALSE(ResourceAddress::parse("/in-cse/" + deep + "/a").has_value());
}

}  // namespace
}  // namespace latchkey
