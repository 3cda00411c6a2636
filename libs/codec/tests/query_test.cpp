/// Query fields (TS-0009 6.2.2.2).
#include "latchkey/codec/query.h"

#include <gtest/gtest.h>

#include "support/generator.h"
#include "support/matchers.h"

namespace latchkey::codec {
namespace {

using test::expect_accepted;
using test::expect_refused;
using Fields = std::vector<std::pair<std::string, std::string>>;

const TimePoint kNow = test::tr0038_time();

Outcome<RequestPrimitive> apply(const Fields& fields) {
  RequestPrimitive request;
  for (const auto& [name, value] : fields) {
    if (auto applied = apply_query_field(request, name, value, kNow, {}); !applied)
      return refuse(applied.error());
  }
  return request;
}

TEST(QueryField, every_parameter_has_its_place) {
  const auto request = apply({{"rt", "3"},
                              {"rp", "1000"},
                              {"rcn", "4"},
                              {"da", "true"},
                              {"drt", "2"},
                              {"tqi", "0"},
                              {"rids", "a@b.c+d@e.f"},
                              {"tids", "t@b.c"},
                              {"ltids", "l1 l2"},
                              {"atrl", "ri+lbl+rr"}});
  ASSERT_TRUE(request) << request.error().detail;
  EXPECT_EQ(request->rt, ResponseMode::blocking);
  EXPECT_EQ(request->rp, "1000");
  EXPECT_EQ(request->rcn, ResultContent::attributes_and_children);
  EXPECT_EQ(request->da, true);
  EXPECT_EQ(request->drt, 2);
  EXPECT_EQ(request->tqi, false);
  EXPECT_EQ(request->rids, (std::vector<std::string>{"a@b.c", "d@e.f"}));
  EXPECT_EQ(request->tids, std::vector<std::string>{"t@b.c"});
  EXPECT_EQ(request->ltids, (std::vector<std::string>{"l1", "l2"}));
  EXPECT_EQ(request->atrl, (std::vector<std::string>{"ri", "lbl", "rr"}));
  EXPECT_FALSE(request->fc);
}

TEST(QueryField, every_filter_condition_has_its_place) {
  const auto request = apply({{"fu", "1"},
                              {"fo", "2"},
                              {"crb", "20171113T110000"},
                              {"cra", "20171113T110001"},
                              {"ms", "20171113T110002"},
                              {"us", "20171113T110003"},
                              {"exb", "20171113T110004"},
                              {"exa", "20171113T110005"},
                              {"sts", "1"},
                              {"stb", "2"},
                              {"sza", "3"},
                              {"szb", "4"},
                              {"lim", "5"},
                              {"lvl", "6"},
                              {"ofst", "7"},
                              {"ty", "2+3 4"},
                              {"lbl", "a"},
                              {"lbl", "k:v"},
                              {"cty", "text/plain"},
                              {"rn", "lock*"},
                              {"cnf", "a+b c"}});
  ASSERT_TRUE(request) << request.error().detail;
  const auto& fc = request->fc.value();
  EXPECT_TRUE(request->is_discovery());
  EXPECT_TRUE(fc.any);
  EXPECT_EQ(fc.created_before, kNow);
  EXPECT_EQ(fc.created_after, kNow + std::chrono::seconds(1));
  EXPECT_EQ(fc.modified_since, kNow + std::chrono::seconds(2));
  EXPECT_EQ(fc.unmodified_since, kNow + std::chrono::seconds(3));
  EXPECT_EQ(fc.expire_before, kNow + std::chrono::seconds(4));
  EXPECT_EQ(fc.expire_after, kNow + std::chrono::seconds(5));
  EXPECT_EQ(fc.state_tag_smaller, 1U);
  EXPECT_EQ(fc.state_tag_bigger, 2U);
  EXPECT_EQ(fc.size_above, 3U);
  EXPECT_EQ(fc.size_below, 4U);
  EXPECT_EQ(fc.limit, 5U);
  EXPECT_EQ(fc.level, 6U);
  EXPECT_EQ(fc.offset, 7U);
  EXPECT_EQ(fc.types, (std::vector<std::uint32_t>{2, 3, 4}));
  EXPECT_EQ(fc.labels, (std::vector<std::string>{"a", "k:v"}));
  EXPECT_EQ(fc.content_types, std::vector<std::string>{"text/plain"});
  EXPECT_EQ(fc.attributes, (Fields{{"rn", "lock*"}, {"cnf", "a+b c"}}));
}

TEST(QueryField, content_types_keep_the_plus_within_them) {
  const auto types = [](const std::string& value) {
    return apply({{"cty", value}}).value().fc->content_types;
  };
  EXPECT_EQ(types("application/vnd.onem2m-res+json"),
            std::vector<std::string>{"application/vnd.onem2m-res+json"});
  EXPECT_EQ(types("application/vnd.onem2m-res+json+text/plain"),
            (std::vector<std::string>{"application/vnd.onem2m-res+json", "text/plain"}));
  EXPECT_EQ(types("text/plain application/vnd.onem2m-res+xml"),
            (std::vector<std::string>{"text/plain", "application/vnd.onem2m-res+xml"}));
}

struct Bad {
  const char* name;
  const char* field;
  const char* value;
  const char* reason;
  Rsc rsc = Rsc::bad_request;

  friend void PrintTo(const Bad& row, std::ostream* out) { *out << row.name; }
};
class RefusedField : public ::testing::TestWithParam<Bad> {};

TEST_P(RefusedField, is_named) {
  const Bad& bad = GetParam();
  RequestPrimitive request;
  const auto applied = apply_query_field(request, bad.field, bad.value, kNow, {});
  expect_refused(applied, bad.rsc, bad.reason);
  expect_refused(applied, bad.rsc, std::string("query field ") + bad.field);
}

INSTANTIATE_TEST_SUITE_P(Query, RefusedField,
                         ::testing::ValuesIn(std::vector<Bad>{
                             Bad{"unknown", "xyz", "1", "unknown"},
                             Bad{"empty_name", "", "1", "unknown"},
                             Bad{"from", "fr", "Sx", "unknown"},
                             Bad{"operation", "op", "1", "unknown"},
                             Bad{"tokens", "tkns", "a.b.c", "unknown"},
                             Bad{"to", "to", "x", "unknown"},
                             Bad{"rcn_word", "rcn", "all", "not an integer"},
                             Bad{"rcn_11", "rcn", "11", "not an integer"},
                             Bad{"rcn_empty", "rcn", "", "not an integer"},
                             Bad{"rcn_sign", "rcn", "+1", "not an integer"},
                             Bad{"rcn_blank", "rcn", " 1", "not an integer"},
                             Bad{"rcn_hex", "rcn", "0x1", "not an integer"},
                             Bad{"rcn_semantic", "rcn", "10", "not offered", Rsc::not_implemented},
                             Bad{"rt_5", "rt", "5", "not an integer"},
                             Bad{"drt_0", "drt", "0", "not an integer"},
                             Bad{"da_yes", "da", "yes", "not a boolean"},
                             Bad{"tqi_upper", "tqi", "TRUE", "not a boolean"},
                             Bad{"rp_word", "rp", "long", "neither"},
                             Bad{"fu_0", "fu", "0", "not an integer"},
                             Bad{"fu_4", "fu", "4", "not an integer"},
                             Bad{"fo_3", "fo", "3", "not an integer"},
                             Bad{"crb_date", "crb", "2017-11-13", "not a timestamp"},
                             Bad{"sts_negative", "sts", "-1", "not an integer"},
                             Bad{"sza_overflow", "sza", "18446744073709551616", "not an integer"},
                             Bad{"lim_2_32", "lim", "4294967296", "not an integer"},
                             Bad{"ofst_0", "ofst", "0", "not an integer"},
                             Bad{"ty_word", "ty", "cnt", "not an integer"},
                             Bad{"ty_empty_entry", "ty", "2++3", "not an integer"},
                             Bad{"ty_zero", "ty", "0", "not an integer"},
                             Bad{"lbl_empty", "lbl", "", "empty entry"},
                             Bad{"lbl_empty_entry", "lbl", "a+", "empty entry"},
                             Bad{"rids_blank", "rids", " ", "empty entry"},
                             Bad{"arp", "arp", "x", "not offered", Rsc::not_implemented},
                             Bad{"smf", "smf", "x", "not offered", Rsc::not_implemented},
                             Bad{"sqi", "sqi", "true", "not offered", Rsc::not_implemented},
                             Bad{"parent_condition", "p.lbl", "x", "not offered", Rsc::not_implemented},
                             Bad{"child_condition", "c.ty", "3", "not offered", Rsc::not_implemented},
                             Bad{"control", "rn", "a\nb", "not text"},
                             Bad{"not_utf8", "lbl", "\xff", "not text"}}),
                         test::name_of<Bad>);

TEST(QueryField, one_value_parameters_are_refused_when_given_twice) {
  for (const auto& [name, value] : Fields{{"rcn", "1"},
                                          {"rt", "3"},
                                          {"rp", "1"},
                                          {"da", "1"},
                                          {"tqi", "1"},
                                          {"drt", "1"},
                                          {"fu", "1"},
                                          {"crb", "20171113T110000"},
                                          {"sts", "1"},
                                          {"lim", "1"},
                                          {"ofst", "1"},
                                          {"fo", "2"}}) {
    expect_refused(apply({{name, value}, {name, value}}), Rsc::bad_request,
                   "query field " + name + ": given twice");
  }
}

TEST(QueryField, limits_hold_on_both_sides) {
  const auto of = [](std::size_t size) { return apply({{"rn", std::string(size, 'x')}}); };
  expect_accepted(of(2048));
  expect_refused(of(2049), Rsc::bad_request, "longer than 2048");
  const auto label = [](std::size_t size) { return apply({{"lbl", std::string(size, 'x')}}); };
  expect_accepted(label(512));
  expect_refused(label(513), Rsc::bad_request, "longer than 512");
  const auto labels = [](std::size_t count) { return apply(Fields(count, {"lbl", "x"})); };
  expect_accepted(labels(256));
  expect_refused(labels(257), Rsc::bad_request, "more than 256");
  const auto types = [](std::size_t count) { return apply(Fields(count, {"ty", "3"})); };
  expect_accepted(types(256));
  expect_refused(types(257), Rsc::bad_request, "more than 256");
  const auto conditions = [](std::size_t count) { return apply(Fields(count, {"rn", "x"})); };
  expect_accepted(conditions(256));
  expect_refused(conditions(257), Rsc::bad_request, "more than 256");
}

TEST(QueryField, a_nul_is_no_text) {
  RequestPrimitive request;
  expect_refused(apply_query_field(request, "rn", std::string_view("a\0b", 3), kNow, {}), Rsc::bad_request,
                 "not text");
}

TEST(QueryField, a_hostile_name_is_shown_printable) {
  RequestPrimitive request;
  const auto applied = apply_query_field(request, "\xff\n" + std::string(200, 'x'), "1", kNow, {});
  ASSERT_FALSE(applied);
  EXPECT_LT(applied.error().detail.size(), 120U);
  EXPECT_EQ(applied.error().detail.find('\n'), std::string::npos);
}

TEST(QueryFields, of_a_bare_request_are_none) { EXPECT_TRUE(query_fields(RequestPrimitive{}).empty()); }

TEST(QueryFields, lists_are_joined_with_plus) {
  RequestPrimitive request;
  request.atrl = {"ri", "lbl"};
  request.fc = FilterCriteria{};
  request.fc->types = {2, 3};
  EXPECT_EQ(query_fields(request), (Fields{{"ty", "2+3"}, {"atrl", "ri+lbl"}}));
}

/// What a query carries of a request.
RequestPrimitive query_part(const RequestPrimitive& request) {
  RequestPrimitive part;
  part.rt = request.rt;
  part.rp = request.rp;
  part.rcn = request.rcn;
  part.da = request.da;
  part.fc = request.fc;
  if (part.fc == FilterCriteria{}) part.fc.reset();  // no condition, no field
  part.drt = request.drt;
  part.rids = request.rids;
  part.tids = request.tids;
  part.ltids = request.ltids;
  part.tqi = request.tqi;
  part.atrl = request.atrl;
  return part;
}

TEST(QueryRoundTrip, apply_of_fields_is_the_request) {
  test::Generator generator(5);
  for (int k = 0; k < 3'000; ++k) {
    const RequestPrimitive request = query_part(generator.request());
    auto again = apply(query_fields(request));
    ASSERT_TRUE(again) << again.error().detail;
    ASSERT_EQ(*again, request) << to_text(to_json(request)) << "\n" << to_text(to_json(*again));
  }
}

}  // namespace
}  // namespace latchkey::codec
