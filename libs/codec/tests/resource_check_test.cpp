/// Representations in CREATE and UPDATE (TS-0004 7.3.3.3, 7.3.3.4).
#include <gtest/gtest.h>

#include "latchkey/codec/resource_types.h"
#include "support/matchers.h"

namespace latchkey::codec {
namespace {

using test::expect_accepted;
using test::expect_refused;
using test::parsed;

const ResourceTypeSpec& type_of(std::string_view element) {
  const auto* const type = element == "sec:macr"  ? maf_resource_type(3)
                           : element == "sec:mkr" ? maf_resource_type(5)
                           : element == "sec:mab" ? maf_resource_type(1)
                                                  : resource_type(element);
  EXPECT_NE(type, nullptr) << element;
  return *type;
}

/// The mandatory attributes of a CREATE, followed by a comma where there are any.
std::string needed(std::string_view element) {
  if (element == "m2m:acp") return R"("pv":{"acr":[]},"pvs":{"acr":[{"acor":["Sx"],"acop":63}]})";
  if (element == "m2m:ae") return R"("api":"Nlock","rr":true,"srv":["2a"])";
  if (element == "m2m:csr") return R"("cb":"/mn/base","csi":"/mn","rr":false,"srv":["2a","3"])";
  if (element == "m2m:cin") return R"("con":"open")";
  if (element == "m2m:sub") return R"("nu":["http://a.example/n"])";
  if (element == "m2m:grp") return R"("mnm":2,"mid":["cse-in/a"])";
  if (element == "m2m:lcp") return R"("los":1)";
  if (element == "m2m:nod") return R"("ni":"urn:gsma:imei:1")";
  if (element == "m2m:svsn") return R"("ni":"n1")";
  if (element == "sec:macr") return R"("et":"20181113T110000","adfq":"mytrustenabler.org")";
  if (element == "sec:mkr") return R"("et":"20171120T110000","adfq":"mytrustenabler.org","suid":32)";
  return "";
}

std::string body(const std::string& element, const std::string& first, const std::string& second) {
  return "{\"" + element + "\":{" + first + (first.empty() || second.empty() ? "" : ",") + second + "}}";
}

Outcome<json::object> create(const std::string& element, const std::string& more = "") {
  return check_create(type_of(element), parsed(body(element, needed(element), more)), "3");
}
Outcome<json::object> update(const std::string& element, const std::string& attributes) {
  return check_update(type_of(element), parsed(body(element, attributes, "")));
}

TEST(CheckCreate, accepts_each_type_with_its_mandatory_attributes_alone) {
  for (const char* element :
       {"m2m:acp", "m2m:ae", "m2m:cnt", "m2m:cin", "m2m:grp", "m2m:lcp", "m2m:mssp", "m2m:nod", "m2m:pch",
        "m2m:csr", "m2m:asar", "m2m:svsn", "m2m:sub", "sec:macr", "sec:mkr"}) {
    SCOPED_TRACE(element);
    expect_accepted(create(element));
  }
}

TEST(CheckCreate, names_each_missing_mandatory_attribute) {
  std::size_t checked = 0;
  for (const char* element : {"m2m:acp", "m2m:ae", "m2m:csr", "m2m:cin", "m2m:sub", "m2m:grp", "m2m:nod",
                              "m2m:svsn", "sec:macr", "sec:mkr"}) {
    for (const auto& spec : type_of(element).attributes) {
      if (spec.create != Presence::mandatory && !spec.since_2a) continue;
      auto pc = parsed(body(element, needed(element), ""));
      ASSERT_EQ(pc.as_object().at(element).as_object().erase(spec.short_name), 1U)
          << element << "." << spec.short_name;
      expect_refused(check_create(type_of(element), pc, "2a"), Rsc::bad_request,
                     "pc." + std::string(element) + "." + std::string(spec.short_name) + ": missing");
      ++checked;
    }
  }
  EXPECT_EQ(checked, 19U);
}

TEST(CheckCreate, a_release_1_originator_need_not_name_releases) {
  const auto pc = parsed(R"({"m2m:ae":{"api":"Nlock","rr":true}})");
  expect_accepted(check_create(type_of("m2m:ae"), pc));
  expect_accepted(check_create(type_of("m2m:ae"), pc, "1"));
  expect_refused(check_create(type_of("m2m:ae"), pc, "2a"), Rsc::bad_request, "pc.m2m:ae.srv: missing");
}

TEST(CheckCreate, returns_the_attributes_copied_or_moved) {
  auto pc = parsed(R"({"m2m:cnt":{"mni":5,"lbl":["a"]}})");
  const auto copied = check_create(type_of("m2m:cnt"), pc);
  ASSERT_TRUE(copied) << copied.error().detail;
  EXPECT_EQ(to_text(*copied), R"({"mni":5,"lbl":["a"]})");
  const auto moved = check_create(type_of("m2m:cnt"), std::move(pc));
  ASSERT_TRUE(moved);
  EXPECT_EQ(*moved, *copied);
}

TEST(CheckCreate, refuses_content_of_another_type_or_shape) {
  const auto& cnt = type_of("m2m:cnt");
  for (const char* text : {R"({"m2m:ae":{}})", R"({"cnt":{}})", R"({"m2m:cnt":[]})", R"({"m2m:cnt":null})",
                           R"({})", R"([])", "null", R"({"m2m:cnt":{},"m2m:cin":{}})", R"("m2m:cnt")"}) {
    expect_refused(check_create(cnt, parsed(text)), Rsc::bad_request,
                   "pc: not an object whose one member is the object m2m:cnt");
    expect_refused(check_update(cnt, parsed(text)), Rsc::bad_request,
                   "pc: not an object whose one member is the object m2m:cnt");
  }
}

TEST(CheckCreate, of_types_that_the_cse_alone_creates_is_not_allowed) {
  expect_refused(create("m2m:cb"), Rsc::operation_not_allowed, "CSEBase cannot be created");
  expect_refused(create("sec:mab"), Rsc::operation_not_allowed, "MAFBase cannot be created");
}

TEST(CheckUpdate, of_types_that_never_change_is_not_allowed) {
  expect_refused(update("m2m:cin", R"("lbl":["a"])"), Rsc::operation_not_allowed,
                 "contentInstance cannot be updated");
  expect_refused(update("m2m:cb", R"("lbl":["a"])"), Rsc::operation_not_allowed, "CSEBase cannot be updated");
}

TEST(CheckCreate, attributes_that_the_cse_sets_are_not_permitted) {
  for (const char* element :
       {"m2m:acp", "m2m:ae", "m2m:cnt", "m2m:cin", "m2m:grp", "m2m:csr", "m2m:sub", "sec:macr", "sec:mkr"}) {
    for (const auto& spec : type_of(element).attributes) {
      if (spec.create != Presence::not_permitted) continue;
      const std::string name(spec.short_name);
      expect_refused(create(element, "\"" + name + "\":1"), Rsc::bad_request,
                     "pc." + std::string(element) + "." + name + ": not permitted in CREATE");
    }
  }
}

TEST(CheckUpdate, attributes_that_are_set_once_are_not_permitted) {
  for (const char* element :
       {"m2m:ae", "m2m:cnt", "m2m:grp", "m2m:csr", "m2m:sub", "m2m:svsn", "sec:macr", "sec:mkr"}) {
    for (const auto& spec : type_of(element).attributes) {
      if (spec.update != Presence::not_permitted) continue;
      const std::string name(spec.short_name);
      for (const char* value : {"1", "null"}) {
        expect_refused(update(element, "\"" + name + "\":" + value), Rsc::bad_request,
                       "pc." + std::string(element) + "." + name + ": not permitted in UPDATE");
      }
    }
  }
}

TEST(CheckCreate, unknown_attributes_are_named) {
  expect_refused(create("m2m:cnt", R"("con":"x")"), Rsc::bad_request,
                 "pc.m2m:cnt.con: no attribute of container");
  expect_refused(create("m2m:cin", R"("acpi":["x"])"), Rsc::bad_request,
                 "pc.m2m:cin.acpi: no attribute of contentInstance");
  expect_refused(create("m2m:acp", R"("acpi":["x"])"), Rsc::bad_request, "pc.m2m:acp.acpi: no attribute");
  expect_refused(create("m2m:ae", R"("cr":null)"), Rsc::bad_request, "pc.m2m:ae.cr: no attribute");
  expect_refused(update("m2m:cnt", R"("":1)"), Rsc::bad_request, "pc.m2m:cnt.: no attribute");
}

TEST(CheckCreate, known_attributes_without_their_feature_are_not_implemented) {
  expect_refused(create("m2m:cnt", R"("at":["/mn"])"), Rsc::not_implemented,
                 "pc.m2m:cnt.at: announceTo is not offered");
  expect_refused(update("m2m:grp", R"("nar":{"num":1})"), Rsc::not_implemented, "pc.m2m:grp.nar");
}

TEST(CheckCreate, what_stands_in_messages_is_never_an_attribute) {
  expect_accepted(create("m2m:auds", R"("lbl":["x"])"));
  expect_refused(create("m2m:auds", R"("to":"cse/x")"), Rsc::bad_request, "pc.m2m:auds.to");
  expect_refused(update("m2m:auif", R"("sus":1)"), Rsc::bad_request, "pc.m2m:auif.sus");
}

TEST(CheckCreate, null_is_for_creator_alone) {
  expect_accepted(create("m2m:cnt", R"("cr":null)"));
  expect_refused(create("m2m:cnt", R"("cr":"Sx")"), Rsc::bad_request, "pc.m2m:cnt.cr: only null");
  expect_refused(create("m2m:cnt", R"("lbl":null)"), Rsc::bad_request,
                 "pc.m2m:cnt.lbl: null is not permitted");
  expect_refused(check_create(type_of("m2m:cin"), parsed(R"({"m2m:cin":{"con":null}})")), Rsc::bad_request,
                 "pc.m2m:cin.con: null");
}

TEST(CheckUpdate, null_deletes_where_multiplicity_permits) {
  expect_accepted(update("m2m:cnt", R"("lbl":null,"mni":null,"acpi":null)"));
  expect_refused(update("m2m:cnt", R"("et":null)"), Rsc::bad_request, "pc.m2m:cnt.et: cannot be deleted");
  expect_refused(update("m2m:acp", R"("pv":null)"), Rsc::bad_request, "pc.m2m:acp.pv: cannot be deleted");
  expect_refused(update("m2m:sub", R"("nct":null)"), Rsc::bad_request, "pc.m2m:sub.nct: cannot be deleted");
  expect_refused(update("m2m:ae", R"("rr":null)"), Rsc::bad_request, "pc.m2m:ae.rr: cannot be deleted");
  expect_refused(update("sec:mkr", R"("et":null)"), Rsc::bad_request, "pc.sec:mkr.et: cannot be deleted");
}

TEST(CheckUpdate, needs_no_mandatory_attribute_but_some) {
  expect_accepted(update("m2m:ae", R"("apn":"lock")"));
  expect_refused(update("m2m:ae", ""), Rsc::bad_request, "pc.m2m:ae: no attribute");
}

TEST(CheckUpdate, values_are_checked_as_in_create) {
  expect_refused(update("m2m:cnt", R"("mni":-1)"), Rsc::bad_request, "pc.m2m:cnt.mni: not an integer");
  expect_refused(update("m2m:acp", R"("pvs":{"acr":[]})"), Rsc::bad_request, "pc.m2m:acp.pvs: fewer than 1");
  expect_refused(update("sec:mkr", R"("tgis":[])"), Rsc::bad_request, "pc.sec:mkr.tgis: fewer than 1");
}

struct Value {
  const char* name;
  const char* element;
  const char* attribute;
  const char* json;
  const char* reason = "";  ///< empty: acceptable
  Rsc rsc = Rsc::bad_request;

  friend void PrintTo(const Value& row, std::ostream* out) { *out << row.name; }
};

class AttributeValue : public ::testing::TestWithParam<Value> {};

TEST_P(AttributeValue, is_judged_by_its_form) {
  const Value& row = GetParam();
  auto pc = parsed(body(row.element, needed(row.element), ""));
  pc.as_object().at(row.element).as_object()[row.attribute] = parsed(row.json);
  const auto checked = check_create(type_of(row.element), pc, "3");
  if (std::string_view(row.reason).empty()) {
    expect_accepted(checked);
  } else {
    expect_refused(checked, row.rsc, std::string("pc.") + row.element + "." + row.attribute);
    expect_refused(checked, row.rsc, row.reason);
  }
}

INSTANTIATE_TEST_SUITE_P(Common, AttributeValue,
                         ::testing::ValuesIn(std::vector<Value>{
                             Value{"rn_fine", "m2m:cnt", "rn", R"("a-Z.0_")"},
                             Value{"rn_empty", "m2m:cnt", "rn", R"("")", "not a resource name"},
                             Value{"rn_slash", "m2m:cnt", "rn", R"("a/b")", "not a resource name"},
                             Value{"rn_umlaut", "m2m:cnt", "rn", R"("ä")", "not a resource name"},
                             Value{"rn_blank", "m2m:cnt", "rn", R"("a b")", "not a resource name"},
                             Value{"rn_number", "m2m:cnt", "rn", "1", "not a string"},
                             Value{"rn_dots", "m2m:cnt", "rn", R"("..")", "not a resource name"},
                             Value{"rn_hyphen", "m2m:cnt", "rn", R"("-")", "not a resource name"},
                             Value{"rn_latest", "m2m:cnt", "rn", R"("la")", "reserved for a virtual"},
                             Value{"rn_fanout", "m2m:cnt", "rn", R"("fopt")", "reserved"},
                             Value{"rn_starts_like_virtual", "m2m:cnt", "rn", R"("lamp")"},
                             Value{"et_fine", "m2m:cnt", "et", R"("20300101T000000")"},
                             Value{"et_fraction", "m2m:cnt", "et", R"("20300101T000000,25")"},
                             Value{"et_iso", "m2m:cnt", "et", R"("2030-01-01T00:00:00")", "not a timestamp"},
                             Value{"et_month_13", "m2m:cnt", "et", R"("20301301T000000")", "not a timestamp"},
                             Value{"et_relative", "m2m:cnt", "et", R"("1000")", "not a timestamp"},
                             Value{"et_number", "m2m:cnt", "et", "20300101", "not a timestamp"},
                             Value{"lbl_fine", "m2m:cnt", "lbl", R"(["a","key:value"])"},
                             Value{"lbl_empty_list", "m2m:cnt", "lbl", "[]"},
                             Value{"lbl_text", "m2m:cnt", "lbl", R"("a")", "not an array"},
                             Value{"lbl_blank", "m2m:cnt", "lbl", R"(["a","b c"])", "[1]: holds a blank"},
                             Value{"lbl_tab", "m2m:cnt", "lbl", R"(["a\tb"])", "[0]: holds a control"},
                             Value{"lbl_number", "m2m:cnt", "lbl", "[1]", "[0]: not a string"},
                             Value{"lbl_empty_entry", "m2m:cnt", "lbl", R"([""])", "[0]: empty"},
                             Value{"acpi_fine", "m2m:cnt", "acpi", R"(["cse-in/acp1","/mn/acp2"])"},
                             Value{"acpi_text", "m2m:cnt", "acpi", R"("cse-in/acp1")", "not an array"},
                             Value{"acpi_object", "m2m:cnt", "acpi", R"([{}])", "[0]: not a string"},
                             Value{"acpi_blank", "m2m:cnt", "acpi", R"(["a b"])", "[0]: holds a blank"}}),
                         test::name_of<Value>);

INSTANTIATE_TEST_SUITE_P(
    Registration, AttributeValue,
    ::testing::ValuesIn(std::vector<Value>{
        Value{"api_registered", "m2m:ae", "api", R"("Ra01.com.company.lock")"},
        Value{"api_registered_r", "m2m:ae", "api", R"("ra01.com.company.lock")"},
        Value{"api_other_letter", "m2m:ae", "api", R"("lock")", "begins neither with R"},
        Value{"api_n", "m2m:ae", "api", R"("nlock")", "begins neither"},
        Value{"api_empty", "m2m:ae", "api", R"("")", "empty"},
        Value{"api_blank", "m2m:ae", "api", R"("N lock")", "holds a blank"},
        Value{"rr_number", "m2m:ae", "rr", "1", "not a boolean"},
        Value{"rr_text", "m2m:ae", "rr", R"("true")", "not a boolean"},
        Value{"poa_http", "m2m:ae", "poa", R"(["http://host:8080/path?x=1","https://[::1]:443"])"},
        Value{"poa_bindings", "m2m:ae", "poa",
              R"(["coap://h","coaps://h","mqtt://h:1883","mqtts://h","ws://h","wss://h/x"])"},
        Value{"poa_host", "m2m:ae", "poa", R"(["192.0.2.1:80","host.example"])"},
        Value{"poa_text", "m2m:ae", "poa", R"("http://h")", "not an array"},
        Value{"poa_ftp", "m2m:ae", "poa", R"(["ftp://h"])", "[0]: not an address"},
        Value{"poa_no_host", "m2m:ae", "poa", R"(["http:///x"])", "[0]: not an address"},
        Value{"poa_port_0", "m2m:ae", "poa", R"(["http://h:0"])", "[0]: not an address"},
        Value{"poa_port_65536", "m2m:ae", "poa", R"(["http://h:65536"])", "[0]: not an address"},
        Value{"poa_open_bracket", "m2m:ae", "poa", R"(["http://[::1"])", "[0]: not an address"},
        Value{"poa_user", "m2m:ae", "poa", R"(["http://u@h"])", "[0]: not an address"},
        Value{"poa_path_alone", "m2m:ae", "poa", R"(["/x"])", "[0]: not an address"},
        Value{"poa_javascript", "m2m:ae", "poa", R"(["javascript:x"])", "[0]: not an address"},
        Value{"apn_any_text", "m2m:ae", "apn", R"("Front door\nlock \u00e4")"},
        Value{"apn_number", "m2m:ae", "apn", "1", "not a string"},
        Value{"srv_fine", "m2m:ae", "srv", R"(["2a","3"])"},
        Value{"srv_number", "m2m:ae", "srv", "[3]", "[0]: not a string"},
        Value{"csz", "m2m:ae", "csz", R"(["application/json"])"},
        Value{"esi", "m2m:ae", "esi", R"({"esf":[12]})"},
        Value{"esi_text", "m2m:ae", "esi", R"("x")", "not an object"},
        Value{"nl_empty", "m2m:ae", "nl", R"("")", "empty"},
        Value{"cst_2", "m2m:csr", "cst", "2"},
        Value{"cst_0", "m2m:csr", "cst", "0", "not an integer from 1 to 3"},
        Value{"cst_4", "m2m:csr", "cst", "4", "not an integer from 1 to 3"},
        Value{"csi_blank", "m2m:csr", "csi", R"("/ mn")", "holds a blank"},
        Value{"cb_number", "m2m:csr", "cb", "5", "not a string"},
        Value{"ni_empty_is_text", "m2m:nod", "ni", R"("")"},
        Value{"svsn_di", "m2m:svsn", "di", R"(["urn:uuid:1"])"},
        Value{"asar_apci", "m2m:asar", "apci", R"(["12-*","33-lock@x"])"},
        Value{"asar_aae_text", "m2m:asar", "aae", R"("S*")", "not an array"}}),
    test::name_of<Value>);

INSTANTIATE_TEST_SUITE_P(
    Content, AttributeValue,
    ::testing::ValuesIn(std::vector<Value>{
        Value{"mni_0", "m2m:cnt", "mni", "0"},
        Value{"mni_int64", "m2m:cnt", "mni", "9223372036854775807"},
        Value{"mni_above_int64", "m2m:cnt", "mni", "9223372036854775808", "not an integer"},
        Value{"mni_negative", "m2m:cnt", "mni", "-1", "not an integer"},
        Value{"mni_fraction", "m2m:cnt", "mni", "1.5", "not an integer"},
        Value{"mni_float", "m2m:cnt", "mni", "1.0", "not an integer"},
        Value{"mni_exponent", "m2m:cnt", "mni", "1e3", "not an integer"},
        Value{"mni_text", "m2m:cnt", "mni", R"("5")", "not an integer"},
        Value{"mni_bool", "m2m:cnt", "mni", "true", "not an integer"},
        Value{"disr_fine", "m2m:cnt", "disr", "false"},
        Value{"disr_0", "m2m:cnt", "disr", "0", "not a boolean"},
        Value{"con_text", "m2m:cin", "con", R"("\u0000 {}[] data")"},
        Value{"con_object", "m2m:cin", "con", R"({"open":true})"},
        Value{"con_number", "m2m:cin", "con", "21.5"},
        Value{"cnf_plain", "m2m:cin", "cnf", R"("text/plain:0")"},
        Value{"cnf_security", "m2m:cin", "cnf", R"("application/jose:1:1")"},
        Value{"cnf_no_encoding", "m2m:cin", "cnf", R"("text/plain")", "not of the form"},
        Value{"cnf_encoding_3", "m2m:cin", "cnf", R"("text/plain:3")", "encodingType"},
        Value{"cnf_security_6", "m2m:cin", "cnf", R"("text/plain:0:6")", "contentSecurity"},
        Value{"cnf_no_subtype", "m2m:cin", "cnf", R"("text:0")", "not of the form"},
        Value{"cnf_blank", "m2m:cin", "cnf", R"("text/ plain:0")", "not of the form"},
        Value{"cnf_number", "m2m:cin", "cnf", "0", "not a string"},
        Value{"conr_text", "m2m:cin", "conr", R"("x")", "not an object"},
        Value{"mid_empty", "m2m:grp", "mid", "[]"},
        Value{"mnm_0", "m2m:grp", "mnm", "0", "not an integer"},
        Value{"mt_mixed", "m2m:grp", "mt", "0"},
        Value{"mt_huge", "m2m:grp", "mt", "20004", "not an integer"},
        Value{"csy_3", "m2m:grp", "csy", "3"},
        Value{"csy_4", "m2m:grp", "csy", "4", "not an integer from 1 to 3"}}),
    test::name_of<Value>);

INSTANTIATE_TEST_SUITE_P(
    Policy, AttributeValue,
    ::testing::ValuesIn(std::vector<Value>{
        Value{"pv_empty_rules", "m2m:acp", "pv", R"({"acr":[]})"},
        Value{"pv_array", "m2m:acp", "pv", "[]", "not an object"},
        Value{"pv_without_acr", "m2m:acp", "pv", "{}", ".acr: missing"},
        Value{"pv_acr_object", "m2m:acp", "pv", R"({"acr":{}})", ".acr: not an array"},
        Value{"pv_acr_of_text", "m2m:acp", "pv", R"({"acr":["x"]})", ".acr: holds what is not an object"},
        Value{"pv_more_members", "m2m:acp", "pv", R"({"acr":[],"x":1})", "holds more than acr"},
        Value{"pvs_empty_rules", "m2m:acp", "pvs", R"({"acr":[]})", "fewer than 1"}}),
    test::name_of<Value>);

INSTANTIATE_TEST_SUITE_P(
    Subscription, AttributeValue,
    ::testing::ValuesIn(std::vector<Value>{
        Value{"nu_empty", "m2m:sub", "nu", "[]", "fewer than 1"},
        Value{"nu_text", "m2m:sub", "nu", R"("http://a")", "not an array"},
        Value{"nct_3", "m2m:sub", "nct", "3"},
        Value{"nct_4", "m2m:sub", "nct", "4", "not an integer from 1 to 3"},
        Value{"nct_0", "m2m:sub", "nct", "0", "not an integer"},
        Value{"exc_0", "m2m:sub", "exc", "0", "not an integer"},
        Value{"pn_3", "m2m:sub", "pn", "3", "not an integer"},
        Value{"ln_text", "m2m:sub", "ln", R"("x")", "not a boolean"},
        Value{"nec_4", "m2m:sub", "nec", "4"},
        Value{"nec_100", "m2m:sub", "nec", "100"},
        Value{"nec_99", "m2m:sub", "nec", "99", "not an event category"},
        Value{"su_fine", "m2m:sub", "su", R"("/in-cse/Cx")"},
        Value{"nfu_text", "m2m:sub", "nfu", R"("cse-in/g/fopt")"},
        Value{"nfu_list", "m2m:sub", "nfu", R"(["a"])"},
        Value{"enc_empty", "m2m:sub", "enc", "{}"},
        Value{"enc_net", "m2m:sub", "enc", R"({"net":[1,2,3,4,5]})"},
        Value{
            "enc_all", "m2m:sub", "enc",
            R"({"crb":"20300101T000000","cra":"20300101T000000","ms":"20300101T000000","us":"20300101T000000","exb":"20300101T000000",
                  "exa":"20300101T000000","sts":1,"stb":1,"sza":1,"szb":1,"atr":["con","lbl"],"chty":[3,4],"net":[3]})"},
        Value{"enc_net_0", "m2m:sub", "enc", R"({"net":[0]})", ".net: not an integer"},
        Value{"enc_net_number", "m2m:sub", "enc", R"({"net":1})", ".net: not an array"},
        Value{"enc_net_none", "m2m:sub", "enc", R"({"net":[]})", ".net: empty"},
        Value{"enc_net_9", "m2m:sub", "enc", R"({"net":[9]})", ".net: not an integer"},
        Value{"enc_net_7", "m2m:sub", "enc", R"({"net":[7]})", ".net: event 7 is not offered",
              Rsc::not_implemented},
        Value{"enc_om", "m2m:sub", "enc", R"({"om":[{"ops":2,"or":"Sx"}]})"},
        Value{"enc_om_object", "m2m:sub", "enc", R"({"om":{"ops":2}})", ".om: not an array"},
        Value{"enc_om_ops_6", "m2m:sub", "enc", R"({"om":[{"ops":6}]})", ".ops: not an integer"},
        Value{"enc_om_unknown", "m2m:sub", "enc", R"({"om":[{"x":6}]})", ".x: unknown"},
        Value{"enc_om_empty", "m2m:sub", "enc", R"({"om":[{}]})", "not an object of ops and or"},
        Value{"enc_net_and_om", "m2m:sub", "enc", R"({"net":[1],"om":[{"ops":2}]})", "both net and om"},
        Value{"enc_unknown", "m2m:sub", "enc", R"({"lbl":["x"]})", ".lbl: unknown"},
        Value{"enc_crb", "m2m:sub", "enc", R"({"crb":1})", ".crb: not a timestamp"},
        Value{"enc_sts", "m2m:sub", "enc", R"({"sts":"1"})", ".sts: not an integer"},
        Value{"enc_atr_unknown", "m2m:sub", "enc", R"({"atr":["xyz"]})", ".atr: holds what is no attribute"},
        Value{"enc_chty", "m2m:sub", "enc", R"({"chty":["3"]})", ".chty: not an integer"},
        Value{"enc_md", "m2m:sub", "enc", R"({"md":{}})", ".md: not offered", Rsc::not_implemented},
        Value{"enc_array", "m2m:sub", "enc", "[]", "not an object"},
        Value{"bn_num", "m2m:sub", "bn", R"({"num":5})"},
        Value{"bn_both", "m2m:sub", "bn", R"({"num":5,"dur":"PT10S"})"},
        Value{"bn_empty", "m2m:sub", "bn", "{}", "not an object of num and dur"},
        Value{"bn_num_0", "m2m:sub", "bn", R"({"num":0})", ".num: not an integer"},
        Value{"bn_dur_number", "m2m:sub", "bn", R"({"dur":10})", ".dur: not a string"},
        Value{"bn_dur_word", "m2m:sub", "bn", R"({"dur":"10s"})", ".dur: not a duration"},
        Value{"bn_unknown", "m2m:sub", "bn", R"({"mnn":1})", ".mnn: unknown"},
        Value{"rl_fine", "m2m:sub", "rl", R"({"mnn":2,"tww":"PT1M"})"},
        Value{"rl_mnn_text", "m2m:sub", "rl", R"({"mnn":"2"})", ".mnn: not an integer"},
        Value{"rl_unknown", "m2m:sub", "rl", R"({"num":1})", ".num: unknown"}}),
    test::name_of<Value>);

INSTANTIATE_TEST_SUITE_P(
    Maf, AttributeValue,
    ::testing::ValuesIn(std::vector<Value>{
        Value{"adfq_slash", "sec:macr", "adfq", R"("host/x")", "not an FQDN"},
        Value{"adfq_number", "sec:macr", "adfq", "1", "not a string"},
        Value{"suid_11", "sec:mkr", "suid", "11"},
        Value{"suid_unassigned", "sec:mkr", "suid", "31", "not an assigned"},
        Value{"suid_text", "sec:mkr", "suid", R"("32")", "not an assigned"},
        Value{"suid_268", "sec:mkr", "suid", "268", "not an assigned"},
        Value{"tgis_text", "sec:mkr", "tgis", R"("//my.m2mprovider.org/in-cse")"},
        Value{"tgis_list", "sec:mkr", "tgis", R"(["//my.m2mprovider.org/in-cse","//my.m2mprovider.org/Sx"])"},
        Value{"tgis_none", "sec:mkr", "tgis", "[]", "fewer than 1"},
        Value{"tgis_two_in_one_text", "sec:mkr", "tgis", R"("//a.b/c //a.b/d")", "holds a blank"},
        Value{"tgis_number", "sec:mkr", "tgis", "1", "not an array"},
        Value{"kv_number", "sec:mkr", "kv", "1", "not a string"},
        Value{"e2ep_object", "sec:mkr", "e2ep", "{}"},
        Value{"e2ep_text", "sec:mkr", "e2ep", R"("km")", "not an object"}}),
    test::name_of<Value>);

/// A string of `size` letters in JSON.
std::string letters(std::size_t size, char letter = 'A') { return "\"" + std::string(size, letter) + "\""; }

TEST(CheckCreate, limits_of_size_hold_on_both_sides) {
  expect_accepted(create("m2m:cnt", "\"rn\":" + letters(255)));
  expect_refused(create("m2m:cnt", "\"rn\":" + letters(256)), Rsc::bad_request,
                 "pc.m2m:cnt.rn: not a resource name");
  expect_accepted(create("m2m:cnt", "\"acpi\":[" + letters(2048) + "]"));
  expect_refused(create("m2m:cnt", "\"acpi\":[" + letters(2049) + "]"), Rsc::bad_request,
                 "acpi[0]: longer than 2048");
  expect_accepted(create("m2m:ae", "\"apn\":" + letters(65'536)));
  expect_refused(create("m2m:ae", "\"apn\":" + letters(65'537)), Rsc::bad_request,
                 "pc.m2m:ae.apn: longer than 65536");
}

TEST(CheckCreate, a_key_has_32_octets_in_hex_or_those_of_a_longer_hash) {
  expect_accepted(create("sec:mkr", "\"kv\":" + letters(64)));
  expect_accepted(create("sec:mkr", "\"kv\":" + letters(128)));
  expect_refused(create("sec:mkr", "\"kv\":" + letters(62)), Rsc::bad_request,
                 "pc.sec:mkr.kv: not of 32 to 64 octets");
  expect_refused(create("sec:mkr", "\"kv\":" + letters(130)), Rsc::bad_request,
                 "pc.sec:mkr.kv: not of 32 to 64 octets");
  expect_refused(create("sec:mkr", "\"kv\":" + letters(63)), Rsc::bad_request,
                 "pc.sec:mkr.kv: not hexBinary");
  expect_refused(create("sec:mkr", "\"kv\":" + letters(64, 'G')), Rsc::bad_request,
                 "pc.sec:mkr.kv: not hexBinary");
}

TEST(CheckCreate, a_refusal_never_repeats_a_key) {
  const std::string almost_key = std::string(63, 'B') + "G";
  const auto checked = create("sec:mkr", "\"kv\":\"" + almost_key + "\"");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().detail.find("BBBB"), std::string::npos);
}

TEST(CheckCreate, location_update_period_is_a_list_of_durations) {
  expect_accepted(
      create("m2m:lcp", R"("lou":["PT30S","P1D"],"lot":"//sp.example/Sboat","lor":"https://l.example/x")"));
  expect_refused(create("m2m:lcp", R"("lou":"PT30S")"), Rsc::bad_request, "pc.m2m:lcp.lou: not an array");
  expect_refused(create("m2m:lcp", R"("lou":[])"), Rsc::bad_request, "pc.m2m:lcp.lou: fewer than 1");
  expect_refused(create("m2m:lcp", R"("lou":["PT30S","30"])"), Rsc::bad_request, "pc.m2m:lcp.lou[1]");
  expect_refused(create("m2m:lcp", R"("lou":[30])"), Rsc::bad_request, "pc.m2m:lcp.lou[0]: not a string");
  expect_refused(create("m2m:lcp", R"("luec":1)"), Rsc::not_implemented, "luec");
}

}  // namespace
}  // namespace latchkey::codec
