/// The operations on resources: order of checks, representations, names, times (TS-0004 7.2.2.2, 7.3.3;
/// procedures 1-4).
#include "cover.h"
#include "support/world.h"

namespace latchkey::cse::test {
namespace {

using latchkey::test::cover;

class Operations : public testing::Test {
 protected:
  void SetUp() override {
    world.register_ae("C1", "one");
    world.register_ae("C2", "two");
    ASSERT_EQ(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"box","lbl":["a"]}})").rsc, Rsc::created);
  }
  World world;
};

TEST_F(Operations, addresses_of_every_form_reach_the_same_resource) {
  const auto ri = World::text(world.retrieve("C1", "C1/box"), "ri");
  for (const std::string& to : {ri, std::string("cse/one/box"), std::string("-/one/box"), "/in-cse/" + ri,
                                std::string("/in-cse/cse/one/box"), std::string("/in-cse/-/one/box"),
                                "//sp.example/in-cse/" + ri, std::string("//sp.example/in-cse/-/one/box")}) {
    const auto found = world.retrieve("C1", to);
    EXPECT_EQ(found.rsc, Rsc::ok) << to;
    EXPECT_EQ(World::text(found, "ri"), ri) << to;
  }
  for (const char* to : {"cse", "-", "/in-cse", "/in-cse/-", "//sp.example/in-cse"}) {
    EXPECT_EQ(World::number(world.retrieve("C1", to), "ty"), 5) << to;
  }
  for (const char* to : {"cse/one/none", "one/box", "CSE/one", "-/one/box/", "/in-cse/none"}) {
    EXPECT_NE(world.retrieve("C1", to).rsc, Rsc::ok) << to;
  }
}

TEST_F(Operations, a_missing_resource_is_not_found_before_anything_about_privileges) {
  for (const auto op : {Operation::retrieve, Operation::del}) {
    EXPECT_EQ(world.send(world.session("C2"), world.make(op, "C2", "-/one/none")).rsc, Rsc::not_found);
    EXPECT_EQ(world.send(world.session("C2"), world.make(op, "C2", "-/one/box")).rsc,
              Rsc::originator_has_no_privilege);
  }
  EXPECT_EQ(world.update("C2", "-/one/none", R"({"m2m:cnt":{}})").rsc, Rsc::not_found);
}

TEST_F(Operations, a_malformed_content_on_a_forbidden_resource_tells_nothing) {
  EXPECT_EQ(world.create("C2", "-/one/box", Ty::cnt, R"({"m2m:wrong":{"what":1}})").rsc,
            Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.update("C2", "-/one/box", R"({"m2m:wrong":{"what":1}})").rsc,
            Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.create("C1", "-/one/box", Ty::cnt, R"({"m2m:wrong":{"what":1}})").rsc, Rsc::bad_request);
  EXPECT_EQ(world.update("C1", "-/one/box", R"({"m2m:wrong":{"what":1}})").rsc, Rsc::bad_request);
}

struct Refused {
  const char* name;
  const char* to;
  std::uint32_t ty;
  const char* content;
  Rsc want;
};
void PrintTo(const Refused& c, std::ostream* out) { *out << c.name; }
class RefusedCreation : public Operations, public testing::WithParamInterface<Refused> {};
TEST_P(RefusedCreation, has_its_code) {
  auto request = world.creation("Sadmin", GetParam().to, Ty::cnt, GetParam().content);
  request.ty = GetParam().ty;
  const auto response = world.send(world.session("Sadmin"), request);
  EXPECT_EQ(response.rsc, GetParam().want) << World::debug(response);
}
constexpr auto kCnt = R"({"m2m:cnt":{}})";
INSTANTIATE_TEST_SUITE_P(
    Create, RefusedCreation,
    testing::Values(
        Refused{"type_not_offered", "-", 28, R"({"m2m:fcnt":{}})", Rsc::not_implemented},
        Refused{"unknown_type", "-", 999, kCnt, Rsc::not_implemented},
        Refused{"csebase", "-", 5, R"({"m2m:cb":{}})", Rsc::operation_not_allowed},
        Refused{"child_not_allowed", "-/one/box", 9, R"({"m2m:grp":{"mnm":1,"mid":[]}})",
                Rsc::invalid_child_resource_type},
        Refused{"instance_below_ae", "C1", 4, R"({"m2m:cin":{"con":"x"}})", Rsc::invalid_child_resource_type},
        Refused{"latest", "-/one/box/la", 4, R"({"m2m:cin":{"con":"x"}})", Rsc::operation_not_allowed},
        Refused{"oldest", "-/one/box/ol", 4, R"({"m2m:cin":{"con":"x"}})", Rsc::operation_not_allowed},
        Refused{"name_in_use", "C1", 3, R"({"m2m:cnt":{"rn":"box"}})", Rsc::conflict},
        Refused{"name_with_slash", "C1", 3, R"({"m2m:cnt":{"rn":"a/b"}})", Rsc::bad_request},
        Refused{"name_of_a_virtual_resource", "-/one/box", 3, R"({"m2m:cnt":{"rn":"la"}})", Rsc::bad_request},
        Refused{"et_in_the_past", "C1", 3, R"({"m2m:cnt":{"et":"20240601T115959"}})", Rsc::bad_request},
        Refused{"et_now", "C1", 3, R"({"m2m:cnt":{"et":"20240601T120000"}})", Rsc::bad_request},
        Refused{"creator_with_value", "C1", 3, R"({"m2m:cnt":{"cr":"C1"}})", Rsc::bad_request},
        Refused{"creator_where_none_is", "-", 1,
                R"({"m2m:acp":{"cr":null,"pv":{"acr":[]},"pvs":{"acr":[{"acor":["all"],"acop":63}]}}})",
                Rsc::bad_request},
        Refused{"read_only_attribute", "C1", 3, R"({"m2m:cnt":{"cni":0}})", Rsc::bad_request},
        Refused{"unknown_attribute", "C1", 3, R"({"m2m:cnt":{"what":0}})", Rsc::bad_request},
        Refused{"announcement_not_offered", "C1", 3, R"({"m2m:cnt":{"at":["/mn"]}})", Rsc::not_implemented},
        Refused{"policy_that_is_none", "C1", 3, R"({"m2m:cnt":{"acpi":["-/one/box"]}})", Rsc::bad_request},
        Refused{"policy_that_is_missing", "C1", 3, R"({"m2m:cnt":{"acpi":["-/none"]}})", Rsc::bad_request},
        Refused{"no_policy_in_list", "C1", 3, R"({"m2m:cnt":{"acpi":[]}})", Rsc::bad_request},
        Refused{"subscription_below_instance", "-/one/box/la", 23, R"({"m2m:sub":{"nu":["C1"]}})",
                Rsc::operation_not_allowed},
        Refused{"content_of_another_type", "C1", 3, R"({"m2m:cin":{"con":"x"}})", Rsc::bad_request}),
    [](const auto& test) { return test.param.name; });

TEST_F(Operations, what_the_csebase_and_virtual_resources_do_not_offer) {
  EXPECT_EQ(world.update("Sadmin", "-", R"({"m2m:cb":{"lbl":["x"]}})").rsc, Rsc::operation_not_allowed);
  EXPECT_EQ(world.remove("Sadmin", "-").rsc, Rsc::operation_not_allowed);
  world.create("C1", "-/one/box", Ty::cin, R"({"m2m:cin":{"con":"x","rn":"i"}})");
  EXPECT_EQ(world.update("C1", "-/one/box/la", R"({"m2m:cin":{"lbl":["x"]}})").rsc,
            Rsc::operation_not_allowed);
  EXPECT_EQ(world.update("C1", "-/one/box/i", R"({"m2m:cin":{"lbl":["x"]}})").rsc,
            Rsc::operation_not_allowed);
  auto notification = world.change("C1", "-/one/box", R"({"m2m:sgn":{}})");
  notification.op = Operation::notify;
  EXPECT_EQ(world.send(world.session("C1"), notification).rsc, Rsc::operation_not_allowed);
}

TEST_F(Operations, universal_attributes_are_set_by_the_cse) {
  const auto made = world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"cr":null}})");
  EXPECT_EQ(World::number(made, "ty"), 3);
  EXPECT_EQ(World::text(made, "pi"), "C1");
  EXPECT_EQ(World::text(made, "ct"), "20240601T120000");
  EXPECT_EQ(World::text(made, "lt"), "20240601T120000");
  EXPECT_EQ(World::text(made, "cr"), "C1");
  EXPECT_EQ(World::text(made, "rn"), World::text(made, "ri"));
  EXPECT_FALSE(World::text(made, "et").empty());
  EXPECT_EQ(World::number(made, "st"), 0);
  const auto other = world.create("C1", "C1", Ty::cnt, kCnt);
  EXPECT_NE(World::text(other, "ri"), World::text(made, "ri"));
  EXPECT_FALSE(World::attributes(other).contains("cr"));
}

TEST_F(Operations, expiration_is_cut_to_the_parent) {
  ASSERT_EQ(world.update("C1", "-/one/box", R"({"m2m:cnt":{"et":"20240701T000000"}})").rsc, Rsc::updated);
  EXPECT_EQ(
      World::text(world.create("C1", "-/one/box", Ty::cnt, R"({"m2m:cnt":{"et":"20300101T000000"}})"), "et"),
      "20240701T000000");
  EXPECT_EQ(World::text(
                world.create("C1", "-/one/box", Ty::cnt, R"({"m2m:cnt":{"et":"20240615T000000","rn":"in"}})"),
                "et"),
            "20240615T000000");
  EXPECT_EQ(world.update("C1", "-/one/box", R"({"m2m:cnt":{"et":"20240620T000000"}})").rsc, Rsc::bad_request)
      << "before that of a child";
  EXPECT_EQ(World::text(world.update("C1", "-/one/box/in", R"({"m2m:cnt":{"et":"20300101T000000"}})"), "et"),
            "20240701T000000");
}

TEST_F(Operations, update_sets_adds_and_deletes_attributes) {
  world.clock.advance(std::chrono::seconds(5));
  const auto changed = world.update("C1", "-/one/box", R"({"m2m:cnt":{"lbl":null,"mni":5}})");
  EXPECT_EQ(changed.rsc, Rsc::updated);
  const auto now = world.retrieve("C1", "-/one/box");
  EXPECT_FALSE(World::attributes(now).contains("lbl"));
  EXPECT_EQ(World::number(now, "mni"), 5);
  EXPECT_EQ(World::number(now, "st"), 1);
  EXPECT_EQ(World::text(now, "lt"), "20240601T120005");
  EXPECT_EQ(World::text(now, "ct"), "20240601T120000");
  EXPECT_EQ(world.update("C1", "C1", R"({"m2m:ae":{"rr":null}})").rsc, Rsc::bad_request) << "multiplicity 1";
  EXPECT_EQ(world.update("C1", "-/one/box", R"({"m2m:cnt":{"ri":"x"}})").rsc, Rsc::bad_request);
}

// Result contents.

ResponsePrimitive with_rcn(World& world, RequestPrimitive request, int rcn) {
  request.rcn = static_cast<codec::ResultContent>(rcn);
  const auto session = world.session(request.from);
  return world.send(session, std::move(request));
}

TEST_F(Operations, result_contents_of_create) {
  const auto make = [&](int rcn) {
    return with_rcn(world,
                    world.creation("C1", "-/one", Ty::cnt,
                                   R"({"m2m:cnt":{"rn":"r)" + std::to_string(rcn) + R"(","lbl":["x"]}})"),
                    rcn);
  };
  EXPECT_TRUE(make(0).pc.is_null());
  EXPECT_EQ(World::text(make(1), "rn"), "r1");
  const auto uri = make(2);
  EXPECT_EQ(uri.pc.at("m2m:uri"), "cse/one/r2");
  EXPECT_EQ(uri.content_location, "cse/one/r2");
  const auto both = make(3);
  EXPECT_EQ(both.pc.at("m2m:rce").at("uri"), "cse/one/r3");
  EXPECT_EQ(both.pc.at("m2m:rce").at("m2m:cnt").at("rn"), "r3");
  const auto modified = World::attributes(make(9));
  EXPECT_TRUE(modified.contains("ri"));
  EXPECT_TRUE(modified.contains("et"));
  EXPECT_FALSE(modified.contains("lbl"));
  EXPECT_EQ(make(4).rsc, Rsc::bad_request);
}

TEST_F(Operations, result_contents_of_retrieve) {
  world.create("C1", "-/one/box", Ty::cnt, R"({"m2m:cnt":{"rn":"inner"}})");
  world.create("C1", "-/one/box", Ty::cin, R"({"m2m:cin":{"con":"x","rn":"i1"}})");
  world.create("C1", "-/one/box/inner", Ty::cin, R"({"m2m:cin":{"con":"y","rn":"i2"}})");
  const auto get = [&](int rcn) {
    return with_rcn(world, world.make(Operation::retrieve, "C1", "-/one/box"), rcn);
  };
  EXPECT_EQ(World::text(get(1), "rn"), "box");
  const auto children = World::attributes(get(4));
  EXPECT_EQ(children.at("rn"), "box");
  ASSERT_EQ(children.at("m2m:cnt").as_array().size(), 1U);
  EXPECT_EQ(children.at("m2m:cnt").at(0).at("m2m:cin").at(0).at("con"), "y");
  EXPECT_EQ(children.at("m2m:cin").at(0).at("con"), "x");
  const auto refs = World::attributes(get(5));
  EXPECT_EQ(refs.at("rn"), "box");
  EXPECT_EQ(refs.at("ch").as_array().size(), 3U);
  const auto only = get(6);
  ASSERT_EQ(only.pc.at("m2m:rrl").at("rrf").as_array().size(), 3U);
  const auto& first = only.pc.at("m2m:rrl").at("rrf").at(0);
  EXPECT_EQ(first.at("nm"), "inner");
  EXPECT_EQ(first.at("typ"), 3);
  EXPECT_EQ(first.at("val"), "cse/one/box/inner");
  const auto bare = World::attributes(get(8));
  EXPECT_FALSE(bare.contains("rn"));
  EXPECT_TRUE(bare.contains("m2m:cnt"));
  EXPECT_EQ(get(7).rsc, Rsc::bad_request) << "no announced resource";
  EXPECT_EQ(get(0).rsc, Rsc::bad_request);
}

TEST_F(Operations, children_are_shown_only_to_those_who_may_read_them) {
  const auto policy = world.create(
      "Sadmin", "-", Ty::acp,
      R"({"m2m:acp":{"rn":"acp","pv":{"acr":[{"acor":["C1","C2"],"acop":63}]},"pvs":{"acr":[{"acor":["Sadmin"],"acop":63}]}}})");
  ASSERT_EQ(policy.rsc, Rsc::created) << World::debug(policy);
  ASSERT_EQ(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"shared","acpi":["-/acp"]}})").rsc,
            Rsc::created);
  world.create("C1", "-/one/shared", Ty::cnt, R"({"m2m:cnt":{"rn":"open","acpi":["-/acp"]}})");
  world.create("C1", "-/one/shared", Ty::cnt, R"({"m2m:cnt":{"rn":"private"}})");
  const auto seen = with_rcn(world, world.make(Operation::retrieve, "C2", "-/one/shared"), 4);
  ASSERT_EQ(World::attributes(seen).at("m2m:cnt").as_array().size(), 1U);
  EXPECT_EQ(World::attributes(seen).at("m2m:cnt").at(0).at("rn"), "open");
  const auto refs = with_rcn(world, world.make(Operation::retrieve, "C2", "-/one/shared"), 6);
  EXPECT_EQ(refs.pc.at("m2m:rrl").at("rrf").as_array().size(), 1U);
}

TEST_F(Operations, result_contents_of_update_and_delete) {
  const auto change = [&](int rcn) {
    return with_rcn(world, world.change("C1", "-/one/box", R"({"m2m:cnt":{"lbl":["b"],"or":null}})"), rcn);
  };
  EXPECT_TRUE(change(0).pc.is_null());
  EXPECT_EQ(World::text(change(1), "rn"), "box");
  const auto modified = World::attributes(change(9));
  EXPECT_TRUE(modified.contains("lbl"));
  EXPECT_TRUE(modified.contains("st"));
  EXPECT_TRUE(modified.at("or").is_null());
  EXPECT_FALSE(modified.contains("rn"));
  EXPECT_EQ(with_rcn(world, world.make(Operation::del, "C1", "-/one/box"), 9).rsc, Rsc::bad_request);
  const auto gone = with_rcn(world, world.make(Operation::del, "C1", "-/one/box"), 1);
  EXPECT_EQ(gone.rsc, Rsc::deleted);
  EXPECT_EQ(World::text(gone, "rn"), "box");
  EXPECT_EQ(world.retrieve("C1", "-/one/box").rsc, Rsc::not_found);
}

TEST_F(Operations, single_attributes_can_be_retrieved) {
  auto request = world.make(Operation::retrieve, "C1", "-/one/box");
  request.atrl = {"rn", "lbl", "or"};
  const auto some = World::attributes(world.send(world.session("C1"), request));
  EXPECT_EQ(some.size(), 2U) << "or is not set";
  EXPECT_EQ(some.at("rn"), "box");
  request.atrl = {"nonsense"};
  EXPECT_EQ(world.send(world.session("C1"), request).rsc, Rsc::bad_request);
  const auto addressed = World::attributes(world.retrieve("C1", "-/one/box#lbl"));
  EXPECT_EQ(addressed.size(), 1U);
  EXPECT_EQ(world.remove("C1", "-/one/box#lbl").rsc, Rsc::bad_request);
}

TEST_F(Operations, a_conditional_request_needs_a_match) {
  auto request = world.make(Operation::retrieve, "C1", "-/one/box");
  request.fc.emplace().labels = {"a"};
  EXPECT_EQ(world.send(world.session("C1"), request).rsc, Rsc::ok);
  request.fc->labels = {"b"};
  EXPECT_EQ(world.send(world.session("C1"), request).rsc, Rsc::not_found);
  request.op = Operation::del;
  EXPECT_EQ(world.send(world.session("C1"), request).rsc, Rsc::not_found);
  EXPECT_EQ(world.retrieve("C1", "-/one/box").rsc, Rsc::ok);
}

TEST_F(Operations, delete_takes_everything_below) {
  world.create("C1", "-/one/box", Ty::cnt, R"({"m2m:cnt":{"rn":"inner"}})");
  const auto instance = world.create("C1", "-/one/box/inner", Ty::cin, R"({"m2m:cin":{"con":"y"}})");
  const auto before = world.cse->counters().resources;
  EXPECT_EQ(world.remove("C1", "-/one/box").rsc, Rsc::deleted);
  EXPECT_EQ(world.cse->counters().resources, before - 3);
  EXPECT_EQ(world.retrieve("C1", World::text(instance, "ri")).rsc, Rsc::not_found);
  EXPECT_FALSE(world.store.records.contains({"res", World::text(instance, "ri")}));
}

TEST_F(Operations, deep_nesting_is_deleted_without_recursion) {
  std::string parent = "-/one/box";
  for (int i = 0; i < 3000; ++i) parent = World::text(world.create("C1", parent, Ty::cnt, kCnt), "ri");
  EXPECT_EQ(with_rcn(world, world.make(Operation::retrieve, "C1", "-/one/box"), 4).rsc, Rsc::ok);
  EXPECT_EQ(world.remove("C1", "-/one/box").rsc, Rsc::deleted);
}

// Validity of the primitive and what is not offered (procedures 2).

TEST_F(Operations, request_forms) {
  const auto with = [&](auto&& edit) {
    auto request = world.make(Operation::retrieve, "C1", "C1");
    edit(request);
    return world.send(world.session("C1"), request).rsc;
  };
  EXPECT_EQ(with([](auto& r) { r.rt = codec::ResponseMode::blocking; }), Rsc::ok);
  EXPECT_EQ(with([](auto& r) { r.rt = codec::ResponseMode::flex_blocking; }), Rsc::ok);
  EXPECT_EQ(with([](auto& r) { r.rt = codec::ResponseMode::non_blocking_synch; }),
            Rsc::non_blocking_synch_request_not_supported);
  EXPECT_EQ(with([](auto& r) { r.rt = codec::ResponseMode::non_blocking_asynch; }),
            Rsc::non_blocking_synch_request_not_supported);
  EXPECT_EQ(with([&](auto& r) { r.rqet = world.clock.now(); }), Rsc::request_timeout);
  EXPECT_EQ(with([&](auto& r) { r.rqet = world.clock.now() + std::chrono::seconds(1); }), Rsc::ok);
  EXPECT_EQ(with([&](auto& r) { r.oet = world.clock.now(); }), Rsc::not_implemented);
  EXPECT_EQ(with([](auto& r) { r.rvi.reset(); }), Rsc::ok);
  EXPECT_EQ(with([](auto& r) { r.rvi = "9"; }), Rsc::release_version_not_supported);
  EXPECT_EQ(with([](auto& r) { r.from = ""; }), Rsc::bad_request);
  EXPECT_EQ(with([](auto& r) { r.to = "a b"; }), Rsc::bad_request);
}

TEST_F(Operations, a_response_answers_its_request) {
  auto request = world.make(Operation::retrieve, "C1", "C1");
  request.rqi = "id-77";
  request.rvi = "3";
  const auto response = world.send(world.session("C1"), request);
  EXPECT_EQ(response.rqi, "id-77");
  EXPECT_EQ(response.rvi, "3");
  request.to = "none";
  const auto refused = world.send(world.session("C1"), request);
  EXPECT_EQ(refused.rqi, "id-77");
  EXPECT_EQ(refused.rvi, "3");
}

TEST_F(Operations, explain_says_which_rule_decides) {
  EXPECT_NE(world.cse->explain({"C1", "retrieve", "-/one/box"}).find("permitted: creator"),
            std::string::npos);
  EXPECT_NE(world.cse->explain({"C2", "RETRIEVE", "-/one/box"}).find("denied: no policy"), std::string::npos);
  EXPECT_NE(world.cse->explain({"/Sadmin", "CREATE", "-", 3}).find("permitted: administrator"),
            std::string::npos);
  EXPECT_NE(world.cse->explain({"C2", "RETRIEVE", "-"}).find("permitted by acp"), std::string::npos);
  EXPECT_NE(world.cse->explain({"C2", "RETRIEVE", "-/none"}).find("4004"), std::string::npos);
  EXPECT_NE(world.cse->explain({"C2", "JUMP", "-"}).find("none of"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::cse::test
