/// Request primitives in their JSON form (TS-0004 6.4.1, 8.2.2, 8.4).
#include <gtest/gtest.h>

#include "support/generator.h"
#include "support/matchers.h"

namespace latchkey::codec {
namespace {

using test::expect_accepted;
using test::expect_refused;
using test::parsed;

const TimePoint kNow = test::tr0038_time();

Outcome<RequestPrimitive> decode(const std::string& text) {
  return request_from_json(parsed(text), kNow, {});
}

/// A complete RETRIEVE with one more member.
Outcome<RequestPrimitive> decode_with(const std::string& member) {
  return decode(R"({"op":2,"to":"cse-in","fr":"Slock","rqi":"1",)" + member + "}");
}

TEST(RequestFromJson, reads_every_parameter) {
  const auto request = decode(R"({
    "op":1, "to":"cse-in/lock", "fr":"/in-cse/Clock", "rqi":"C/1", "ty":3, "rvi":"2a", "rcn":9,
    "rt":{"rtv":2,"nu":["http://a/b","/in-cse/n"]},
    "ot":"20171113T110000", "rqet":"20171113T110010", "rset":"5000", "oet":250, "rp":"60000",
    "gid":"g1", "vsi":"vendor", "ec":100, "da":true, "tqi":false, "drt":2,
    "rids":["admin@a.example"], "tkns":["a.b.c"], "tids":["t@a.example"], "ltids":["lt1"],
    "pc":{"m2m:cnt":{"mni":1}}})");
  ASSERT_TRUE(request) << request.error().detail;
  EXPECT_EQ(request->op, Operation::create);
  EXPECT_EQ(request->to, "cse-in/lock");
  EXPECT_EQ(request->from, "/in-cse/Clock");
  EXPECT_EQ(request->rqi, "C/1");
  EXPECT_EQ(request->ty, 3U);
  EXPECT_EQ(request->rvi, "2a");
  EXPECT_EQ(request->rcn, ResultContent::modified_attributes);
  EXPECT_EQ(request->rt, ResponseMode::non_blocking_asynch);
  EXPECT_EQ(request->rt_targets, (std::vector<std::string>{"http://a/b", "/in-cse/n"}));
  EXPECT_EQ(request->ot, kNow);
  EXPECT_EQ(request->rqet, kNow + std::chrono::seconds(10));
  EXPECT_EQ(request->rset, kNow + std::chrono::seconds(5));
  EXPECT_EQ(request->oet, kNow + std::chrono::milliseconds(250));
  EXPECT_EQ(request->rp, "60000");
  EXPECT_EQ(request->gid, "g1");
  EXPECT_EQ(request->vsi, "vendor");
  EXPECT_EQ(request->ec, 100U);
  EXPECT_EQ(request->da, true);
  EXPECT_EQ(request->tqi, false);
  EXPECT_EQ(request->drt, 2);
  EXPECT_EQ(request->rids, std::vector<std::string>{"admin@a.example"});
  EXPECT_EQ(request->tkns, std::vector<std::string>{"a.b.c"});
  EXPECT_EQ(request->tids, std::vector<std::string>{"t@a.example"});
  EXPECT_EQ(request->ltids, std::vector<std::string>{"lt1"});
  EXPECT_EQ(to_text(request->pc), R"({"m2m:cnt":{"mni":1}})");
}

TEST(RequestFromJson, reads_every_filter_condition) {
  const auto request = decode_with(R"("fc":{
    "crb":"20171113T110000","cra":"20171113T110001","ms":"20171113T110002","us":"20171113T110003",
    "exb":"20171113T110004","exa":"20171113T110005","sts":1,"stb":2,"sza":3,"szb":4,
    "lbl":["key:value","x*"],"ty":[3,4],"cty":["application/json:0"],
    "atr":[{"nm":"rn","val":"lock*"},{"nm":"mni","val":5},{"nm":"disr","val":true}],
    "fu":1,"lim":10,"lvl":2,"ofst":1,"fo":2})");
  ASSERT_TRUE(request) << request.error().detail;
  const auto& fc = request->fc.value();
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
  EXPECT_EQ(fc.labels, (std::vector<std::string>{"key:value", "x*"}));
  EXPECT_EQ(fc.types, (std::vector<std::uint32_t>{3, 4}));
  EXPECT_EQ(fc.content_types, std::vector<std::string>{"application/json:0"});
  EXPECT_EQ(fc.attributes, (std::vector<std::pair<std::string, std::string>>{
                               {"rn", "lock*"}, {"mni", "5"}, {"disr", "true"}}));
  EXPECT_EQ(fc.usage, FilterUsage::discovery);
  EXPECT_EQ(fc.limit, 10U);
  EXPECT_EQ(fc.level, 2U);
  EXPECT_EQ(fc.offset, 1U);
  EXPECT_TRUE(fc.any);
  EXPECT_TRUE(request->is_discovery());
}

TEST(RequestFromJson, absent_and_empty_from_are_the_same) {
  EXPECT_EQ(decode(R"({"op":2,"to":"a","rqi":"1"})")->from, "");
  EXPECT_EQ(decode(R"({"op":2,"to":"a","rqi":"1","fr":""})")->from, "");
}

TEST(RequestFromJson, takes_the_attribute_list_of_a_partial_retrieve_out_of_pc) {
  const auto request = decode_with(R"("pc":{"m2m:atrl":["rn","lbl"]})");
  ASSERT_TRUE(request) << request.error().detail;
  EXPECT_EQ(request->atrl, (std::vector<std::string>{"rn", "lbl"}));
  EXPECT_TRUE(request->pc.is_null());
  expect_refused(decode_with(R"("pc":{"m2m:atrl":[]})"), Rsc::bad_request, "pc.m2m:atrl: empty");
  expect_refused(decode_with(R"("pc":{"m2m:atrl":[1]})"), Rsc::bad_request, "pc.m2m:atrl[0]: not a string");
}

TEST(RequestFromJson, moves_the_content_of_an_expiring_value) {
  auto value = parsed(R"({"m2m:rqp":{"op":1,"to":"a","rqi":"1","ty":3,"pc":{"m2m:cnt":{"lbl":["x"]}}}})");
  const auto copied = request_from_json(value, kNow, {});
  const auto moved = request_from_json(std::move(value), kNow, {});
  ASSERT_TRUE(copied);
  ASSERT_TRUE(moved);
  EXPECT_EQ(*copied, *moved);
  EXPECT_EQ(to_text(moved->pc), R"({"m2m:cnt":{"lbl":["x"]}})");
}

TEST(RequestFromJson, accepts_the_primitive_bare_and_in_both_wrappers) {
  const std::string bare = R"({"op":4,"to":"a","fr":"Sx","rqi":"1"})";
  const auto expected = decode(bare);
  ASSERT_TRUE(expected) << expected.error().detail;
  for (const std::string wrapper : {"rqp", "m2m:rqp"}) {
    const auto wrapped = decode("{\"" + wrapper + "\":" + bare + "}");
    ASSERT_TRUE(wrapped) << wrapped.error().detail;
    EXPECT_EQ(*wrapped, *expected);
  }
  expect_refused(decode(R"({"rsp":)" + bare + "}"), Rsc::bad_request, "rsp: unknown");
  expect_refused(decode(R"({"rqp":{"rqp":)" + bare + "}}"), Rsc::bad_request, "rqp: unknown");
  expect_refused(decode(R"({"rqp":)" + bare + R"(,"op":1})"), Rsc::bad_request, "rqp: unknown");
}

struct Bad {
  const char* name;
  const char* member;
  const char* reason;
  Rsc rsc = Rsc::bad_request;

  friend void PrintTo(const Bad& row, std::ostream* out) { *out << row.name; }
};

class RefusedParameter : public ::testing::TestWithParam<Bad> {};

TEST_P(RefusedParameter, is_named) {
  expect_refused(decode_with(GetParam().member), GetParam().rsc, GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    Request, RefusedParameter,
    ::testing::ValuesIn(std::vector<Bad>{
        Bad{"unknown", R"("opp":1)", "opp: unknown"},
        Bad{"unknown_prefixed", R"("m2m:op":1)", "m2m:op: unknown"},
        Bad{"ty_text", R"("ty":"3")", "ty: not an integer"},
        Bad{"ty_zero", R"("ty":0)", "ty: not an integer"},
        Bad{"ty_fraction", R"("ty":3.0)", "ty: not an integer"},
        Bad{"ty_huge", R"("ty":4294967296)", "ty: not an integer"},
        Bad{"rvi_number", R"("rvi":3)", "rvi: not a string"},
        Bad{"rcn_text", R"("rcn":"1")", "rcn: not an integer"},
        Bad{"rcn_11", R"("rcn":11)", "rcn: not an integer"},
        Bad{"rcn_semantic", R"("rcn":10)", "rcn: semantic", Rsc::not_implemented},
        Bad{"rt_number", R"("rt":3)", "rt: not an object"},
        Bad{"rt_without_rtv", R"("rt":{"nu":[]})", "rt.rtv: missing"},
        Bad{"rt_zero", R"("rt":{"rtv":0})", "rt.rtv: not an integer"},
        Bad{"rt_no_response", R"("rt":{"rtv":5})", "rt.rtv: noResponse", Rsc::not_implemented},
        Bad{"rt_unknown", R"("rt":{"rtv":3,"x":1})", "rt.x: unknown"},
        Bad{"rt_nu_text", R"("rt":{"rtv":2,"nu":"http://a"})", "rt.nu: not an array"},
        Bad{"ot_zone", R"("ot":"20171113T110000Z")", "ot: not a timestamp"},
        Bad{"ot_relative", R"("ot":"1000")", "ot: not a timestamp"},
        Bad{"rqet_negative", R"("rqet":-1)", "rqet: neither"},
        Bad{"rqet_word", R"("rqet":"soon")", "rqet: neither"},
        Bad{"rset_object", R"("rset":{})", "rset: neither"},
        Bad{"oet_float", R"("oet":1.5)", "oet: neither"},
        Bad{"rp_word", R"("rp":"long")", "rp: neither"},
        Bad{"gid_empty", R"("gid":"")", "gid: empty"},
        Bad{"vsi_number", R"("vsi":1)", "vsi: not a string"},
        Bad{"ec_5", R"("ec":5)", "ec: not an event category"},
        Bad{"ec_99", R"("ec":99)", "ec: not an event category"},
        Bad{"ec_1000", R"("ec":1000)", "ec: not an integer"},
        Bad{"da_number", R"("da":1)", "da: not a boolean"},
        Bad{"tqi_text", R"("tqi":"true")", "tqi: not a boolean"},
        Bad{"drt_3", R"("drt":3)", "drt: not an integer from 1 to 2"},
        Bad{"rids_text", R"("rids":"a@b.c")", "rids: not an array"},
        Bad{"rids_blank", R"("rids":["a b"])", "rids[0]: holds a blank"},
        Bad{"tids_empty_entry", R"("tids":["a",""])", "tids[1]: empty"},
        Bad{"ltids_number", R"("ltids":[1])", "ltids[0]: not a string"},
        Bad{"tkns_object", R"("tkns":{})", "tkns: not an array"},
        Bad{"grtm", R"("grtm":[])", "grtm: not offered", Rsc::not_implemented},
        Bad{"asi", R"("asi":true)", "asi: not offered", Rsc::not_implemented},
        Bad{"aus", R"("aus":[])", "aus: not offered", Rsc::not_implemented},
        Bad{"auri", R"("auri":true)", "auri: not offered", Rsc::not_implemented},
        Bad{"sqi", R"("sqi":true)", "sqi: not offered", Rsc::not_implemented},
        Bad{"pc_text", R"("pc":"x")", "pc: not an object"},
        Bad{"pc_null", R"("pc":null)", "pc: not an object"},
        Bad{"pc_empty", R"("pc":{})", "pc: not an object of one member"},
        Bad{"pc_two_members", R"("pc":{"m2m:a":1,"m2m:b":2})", "pc: not an object of one member"},
        Bad{"fc_array", R"("fc":[])", "fc: not an object"},
        Bad{"fc_unknown", R"("fc":{"xyz":1})", "fc.xyz: unknown"},
        Bad{"fc_crb", R"("fc":{"crb":"2017"})", "fc.crb: not a timestamp"},
        Bad{"fc_sts", R"("fc":{"sts":-1})", "fc.sts: not an integer"},
        Bad{"fc_sza_above_int64", R"("fc":{"sza":9223372036854775808})", "fc.sza: not an integer"},
        Bad{"fc_lbl_text", R"("fc":{"lbl":"a"})", "fc.lbl: not an array"},
        Bad{"fc_lbl_blank", R"("fc":{"lbl":["a b"]})", "fc.lbl[0]: holds a blank"},
        Bad{"fc_ty_number", R"("fc":{"ty":3})", "fc.ty: not an array"},
        Bad{"fc_ty_zero", R"("fc":{"ty":[0]})", "fc.ty: not an integer"},
        Bad{"fc_fu_4", R"("fc":{"fu":4})", "fc.fu: not an integer"},
        Bad{"fc_fo_3", R"("fc":{"fo":3})", "fc.fo: not an integer"},
        Bad{"fc_ofst_0", R"("fc":{"ofst":0})", "fc.ofst: not an integer"},
        Bad{"fc_lim_text", R"("fc":{"lim":"1"})", "fc.lim: not an integer"},
        Bad{"fc_atr_object", R"("fc":{"atr":{"nm":"rn","val":"x"}})", "fc.atr: not an array"},
        Bad{"fc_atr_without_val", R"("fc":{"atr":[{"nm":"rn"}]})", "fc.atr: not an object of nm and val"},
        Bad{"fc_atr_no_attribute", R"("fc":{"atr":[{"nm":"rcn","val":"1"}]})", "fc.atr: nm is no attribute"},
        Bad{"fc_atr_val_list", R"("fc":{"atr":[{"nm":"rn","val":[]}]})", "fc.atr: val is not a simple value"},
        Bad{"fc_smf", R"("fc":{"smf":["x"]})", "fc.smf: not offered", Rsc::not_implemented},
        Bad{"fc_arp", R"("fc":{"arp":"x"})", "fc.arp: not offered", Rsc::not_implemented}}),
    test::name_of<Bad>);

TEST(RequestFromJson, names_a_token_id_that_is_too_long) {
  expect_refused(decode_with("\"tids\":[\"" + std::string(513, 'x') + "\"]"), Rsc::bad_request,
                 "tids[0]: longer than 512");
}

TEST(RequestFromJson, names_a_missing_mandatory_parameter) {
  expect_refused(decode(R"({"to":"a","rqi":"1"})"), Rsc::bad_request, "op: missing");
  expect_refused(decode(R"({"op":2,"rqi":"1"})"), Rsc::bad_request, "to: missing");
  expect_refused(decode(R"({"op":2,"to":"a"})"), Rsc::bad_request, "rqi: missing");
  expect_refused(decode(R"({"op":2,"to":"","rqi":"1"})"), Rsc::bad_request, "to: empty");
  expect_refused(decode(R"({"op":2,"to":"a","rqi":""})"), Rsc::bad_request, "rqi: empty");
  expect_refused(decode("[]"), Rsc::bad_request, "not an object");
  expect_refused(decode("{}"), Rsc::bad_request, "op: missing");
}

TEST(RequestFromJson, refuses_operations_that_do_not_exist) {
  expect_refused(decode(R"({"op":0,"to":"a","rqi":"1"})"), Rsc::bad_request,
                 "op: not an integer from 1 to 5");
  expect_refused(decode(R"({"op":6,"to":"a","rqi":"1"})"), Rsc::bad_request,
                 "op: not an integer from 1 to 5");
  expect_refused(decode(R"({"op":"2","to":"a","rqi":"1"})"), Rsc::bad_request,
                 "op: not an integer from 1 to 5");
  expect_refused(decode(R"({"op":true,"to":"a","rqi":"1"})"), Rsc::bad_request,
                 "op: not an integer from 1 to 5");
}

TEST(RequestFromJson, refuses_control_characters_in_identifiers) {
  expect_refused(decode(R"({"op":2,"to":"a\nb","rqi":"1"})"), Rsc::bad_request, "to: holds a control");
  expect_refused(decode(R"({"op":2,"to":"a","fr":"\u0000","rqi":"1"})"), Rsc::bad_request,
                 "fr: holds a control");
  expect_refused(decode(R"({"op":2,"to":"a","rqi":"1\r\nX: y"})"), Rsc::bad_request, "rqi: holds a control");
}

TEST(RequestFromJson, limits_hold_on_both_sides) {
  const auto of = [](const char* member, std::size_t size) {
    json::object primitive{{"op", 2}, {"to", "a"}, {"fr", "Sx"}, {"rqi", "1"}};
    primitive[member] = std::string(size, 'x');
    return request_from_json(primitive, kNow, {});
  };
  expect_accepted(of("to", 2048));
  expect_refused(of("to", 2049), Rsc::bad_request, "to: longer than 2048");
  expect_accepted(of("fr", 512));
  expect_refused(of("fr", 513), Rsc::bad_request, "fr: longer than 512");
  expect_accepted(of("rqi", 512));
  expect_refused(of("rqi", 513), Rsc::bad_request, "rqi: longer than 512");
  const auto list = [](const char* member, std::size_t size) {
    json::object primitive{{"op", 2}, {"to", "a"}, {"fr", "Sx"}, {"rqi", "1"}};
    primitive[member] = json::array(size, "x");
    return request_from_json(primitive, kNow, {});
  };
  for (const char* member : {"rids", "tids", "tkns", "ltids"}) {
    expect_accepted(list(member, 256));
    expect_refused(list(member, 257), Rsc::bad_request, std::string(member) + ": more than 256 entries");
  }
}

TEST(RequestRoundTrip, decode_of_encode_is_the_request) {
  test::Generator generator(2);
  for (int k = 0; k < 3'000; ++k) {
    const RequestPrimitive request = generator.request();
    const std::string text = to_text(to_json(request));
    for (const std::string& form : {text, "{\"rqp\":" + text + "}", "{\"m2m:rqp\":" + text + "}"}) {
      auto value = parse_json(form, {});
      ASSERT_TRUE(value) << value.error().detail << form;
      const auto again = request_from_json(std::move(*value), kNow, {});
      ASSERT_TRUE(again) << again.error().detail << form;
      ASSERT_EQ(*again, request) << form << "\n" << to_text(to_json(*again));
    }
  }
}

TEST(RequestRoundTrip, filter_criteria_alone) {
  test::Generator generator(3);
  for (int k = 0; k < 2'000; ++k) {
    const FilterCriteria criteria = generator.criteria();
    const auto again = filter_criteria_from_json(to_json(criteria), {});
    ASSERT_TRUE(again) << again.error().detail;
    ASSERT_EQ(*again, criteria);
  }
}

TEST(RequestToJson, leaves_out_what_is_absent) {
  RequestPrimitive request;
  request.to = "a";
  request.rqi = "1";
  EXPECT_EQ(to_text(to_json(request)), R"({"op":2,"to":"a","rqi":"1"})");
}

TEST(Operation, has_its_name_in_the_standard) {
  EXPECT_EQ(to_string(Operation::create), "CREATE");
  EXPECT_EQ(to_string(Operation::retrieve), "RETRIEVE");
  EXPECT_EQ(to_string(Operation::update), "UPDATE");
  EXPECT_EQ(to_string(Operation::del), "DELETE");
  EXPECT_EQ(to_string(Operation::notify), "NOTIFY");
  EXPECT_EQ(to_string(static_cast<Operation>(9)), "UNKNOWN");
}

}  // namespace
}  // namespace latchkey::codec
