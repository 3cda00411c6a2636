/// Which policy applies, and what it takes to change one (procedures 3; TS-0003 7.1.2, 7.1.3;
/// TS-0001 9.6.1.3.2, 9.6.2).
#include "cover.h"
#include "support/world.h"

namespace latchkey::cse::test {
namespace {

using latchkey::test::cover;

class Policies : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* stem : {"C1", "C2", "C3"}) world.register_ae(stem, std::string("ae-") + stem);
  }
  /// An <accessControlPolicy> with one rule; its pvs let C1 do everything. Returns its id.
  std::string policy(std::string_view rule, std::string_view self = R"({"acor":["/in-cse/C1"],"acop":63})") {
    const auto made = world.create("Sadmin", "-", Ty::acp,
                                   R"({"m2m:acp":{"pv":{"acr":[)" + std::string(rule) +
                                       R"(]},"pvs":{"acr":[)" + std::string(self) + "]}}}");
    EXPECT_EQ(made.rsc, Rsc::created) << World::debug(made);
    return World::text(made, "ri");
  }
  /// A container of C1 under that policy.
  std::string container(std::string_view acp, std::string_view name = "box") {
    const auto made = world.create(
        "C1", "C1", Ty::cnt,
        R"({"m2m:cnt":{"rn":")" + std::string(name) + R"(","acpi":[")" + std::string(acp) + R"("]}})");
    EXPECT_EQ(made.rsc, Rsc::created) << World::debug(made);
    return World::text(made, "ri");
  }
  Rsc op(Operation operation, std::string_view from, std::string_view to) {
    if (operation == Operation::create) return world.create(from, to, Ty::cnt, R"({"m2m:cnt":{}})").rsc;
    if (operation == Operation::update) return world.update(from, to, R"({"m2m:cnt":{"lbl":["x"]}})").rsc;
    return world.send(world.session(from), world.make(operation, from, to)).rsc;
  }
  World world;
  int count = 0;
};

TEST_F(Policies, without_one_only_the_creator_has_access) {
  ASSERT_EQ(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"own"}})").rsc, Rsc::created);
  EXPECT_EQ(world.retrieve("C1", "-/ae-C1/own").rsc, Rsc::ok);
  EXPECT_EQ(world.retrieve("C2", "-/ae-C1/own").rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.retrieve("C2", "C1").rsc, Rsc::originator_has_no_privilege) << "an AE belongs to itself";
}

struct OperationBit {
  const char* name;
  int acop;
  Operation allowed;
};
void PrintTo(const OperationBit& c, std::ostream* out) { *out << c.name; }
class OperationBits : public Policies, public testing::WithParamInterface<OperationBit> {};
TEST_P(OperationBits, grant_one_operation_each) {
  cover({"7.1.2-T01", "7.1.2-T02", "7.1.2-T04", "7.1.3-T03"});
  const auto box =
      container(policy(R"({"acor":["/in-cse/C2"],"acop":)" + std::to_string(GetParam().acop) + "}"));
  for (const auto operation : {Operation::create, Operation::retrieve, Operation::update, Operation::del}) {
    const auto want_denied = operation != GetParam().allowed;
    EXPECT_EQ(op(operation, "C2", box) == Rsc::originator_has_no_privilege, want_denied)
        << codec::to_string(operation);
  }
}
INSTANTIATE_TEST_SUITE_P(
    Acop, OperationBits,
    testing::Values(OperationBit{"create", 1, Operation::create},
                    OperationBit{"retrieve", 2, Operation::retrieve},
                    OperationBit{"update", 4, Operation::update}, OperationBit{"remove", 8, Operation::del},
                    OperationBit{"notify_grants_none_of_them", 16, Operation::notify},
                    OperationBit{"discovery_grants_none_of_them", 32, Operation::notify}),
    [](const auto& test) { return test.param.name; });

TEST_F(Policies, one_permitting_policy_of_several_is_enough_and_a_missing_one_grants_nothing) {
  const auto nobody = policy(R"({"acor":["/in-cse/C9"],"acop":63})");
  const auto second = policy(R"({"acor":["/in-cse/C2"],"acop":2})");
  const auto made = world.create(
      "C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"two","acpi":[")" + nobody + R"(",")" + second + R"("]}})");
  ASSERT_EQ(made.rsc, Rsc::created);
  EXPECT_EQ(world.retrieve("C2", "-/ae-C1/two").rsc, Rsc::ok);
  EXPECT_EQ(world.remove("C1", second).rsc, Rsc::deleted);
  EXPECT_EQ(world.retrieve("C2", "-/ae-C1/two").rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.remove("C1", nobody).rsc, Rsc::deleted);
  EXPECT_EQ(world.retrieve("C1", "-/ae-C1/two").rsc, Rsc::originator_has_no_privilege)
      << "also for the creator: denied, not the default";
}

TEST_F(Policies, of_another_cse_grant_nothing) {
  const auto made = world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"far","acpi":["/mn-a/acp1"]}})");
  ASSERT_EQ(made.rsc, Rsc::created);
  EXPECT_EQ(world.retrieve("C1", "-/ae-C1/far").rsc, Rsc::originator_has_no_privilege);
}

TEST_F(Policies, instances_and_virtual_resources_follow_their_container) {
  const auto box = container(policy(R"({"acor":["/in-cse/C2"],"acop":2},{"acor":["/in-cse/C1"],"acop":63})"));
  ASSERT_EQ(world.create("C1", box, Ty::cin, R"({"m2m:cin":{"con":"open","rn":"i"}})").rsc, Rsc::created);
  for (const auto* below : {"/la", "/ol", "/i"}) {
    EXPECT_EQ(world.retrieve("C2", box + below).rsc, Rsc::ok) << below;
    EXPECT_EQ(world.retrieve("C3", box + below).rsc, Rsc::originator_has_no_privilege) << below;
    EXPECT_EQ(world.remove("C2", box + below).rsc, Rsc::originator_has_no_privilege) << below;
  }
}

TEST_F(Policies, a_changed_policy_holds_for_the_next_request) {
  const auto acp = policy(R"({"acor":["/in-cse/C2"],"acop":2})");
  const auto box = container(acp);
  EXPECT_EQ(world.retrieve("C2", box).rsc, Rsc::ok);
  EXPECT_EQ(world.update("C1", acp, R"({"m2m:acp":{"pv":{"acr":[{"acor":["/in-cse/C3"],"acop":2}]}}})").rsc,
            Rsc::updated);
  EXPECT_EQ(world.retrieve("C2", box).rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.retrieve("C3", box).rsc, Rsc::ok);
  world.start();
  EXPECT_EQ(world.retrieve("C3", box).rsc, Rsc::ok) << "after a restart too";
  EXPECT_EQ(world.retrieve("C2", box).rsc, Rsc::originator_has_no_privilege);
}

TEST_F(Policies, access_to_a_policy_is_decided_by_its_own_self_privileges) {
  cover({"7.1.5-T01"});
  const auto acp = policy(R"({"acor":["/in-cse/C2"],"acop":63})",
                          R"({"acor":["/in-cse/C1"],"acop":2},{"acor":["/in-cse/C3"],"acop":12})");
  EXPECT_EQ(world.retrieve("C1", acp).rsc, Rsc::ok);
  EXPECT_EQ(world.retrieve("C2", acp).rsc, Rsc::originator_has_no_privilege)
      << "pv says nothing about the policy itself";
  const auto change = R"({"m2m:acp":{"lbl":["x"]}})";
  EXPECT_EQ(world.update("C1", acp, change).rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.update("C3", acp, change).rsc, Rsc::updated);
  EXPECT_EQ(world.remove("C1", acp).rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.remove("C3", acp).rsc, Rsc::deleted);
}

struct BadRules {
  const char* name;
  const char* content;
};
void PrintTo(const BadRules& c, std::ostream* out) { *out << c.name; }
class BadPolicy : public Policies, public testing::WithParamInterface<BadRules> {};
TEST_P(BadPolicy, is_refused_at_create_and_update) {
  EXPECT_EQ(world.create("Sadmin", "-", Ty::acp, GetParam().content).rsc, Rsc::bad_request);
  const auto acp = policy(R"({"acor":["all"],"acop":2})");
  EXPECT_EQ(world.update("Sadmin", acp, GetParam().content).rsc, Rsc::bad_request);
  EXPECT_EQ(world.retrieve("C1", container(acp)).rsc, Rsc::ok) << "the old rules go on";
}
INSTANTIATE_TEST_SUITE_P(
    Rules, BadPolicy,
    testing::Values(
        BadRules{"empty_self_privileges", R"({"m2m:acp":{"pv":{"acr":[]},"pvs":{"acr":[]}}})"},
        BadRules{
            "operation_zero",
            R"({"m2m:acp":{"pv":{"acr":[{"acor":["all"],"acop":0}]},"pvs":{"acr":[{"acor":["all"],"acop":63}]}}})"},
        BadRules{
            "operation_too_large",
            R"({"m2m:acp":{"pv":{"acr":[{"acor":["all"],"acop":64}]},"pvs":{"acr":[{"acor":["all"],"acop":63}]}}})"},
        BadRules{
            "no_originators",
            R"({"m2m:acp":{"pv":{"acr":[{"acor":[],"acop":2}]},"pvs":{"acr":[{"acor":["all"],"acop":63}]}}})"},
        BadRules{
            "unknown_member",
            R"({"m2m:acp":{"pv":{"acr":[{"acor":["all"],"acop":2,"what":1}]},"pvs":{"acr":[{"acor":["all"],"acop":63}]}}})"}),
    [](const auto& test) { return test.param.name; });

// acpi (procedures 3.3).

TEST_F(Policies, references_change_alone_and_by_self_privileges) {
  const auto first = policy(R"({"acor":["/in-cse/C2"],"acop":6})");
  const auto second = policy(R"({"acor":["/in-cse/C3"],"acop":2})");
  const auto box = container(first);
  const auto acpi = R"({"m2m:cnt":{"acpi":[")" + second + R"("]}})";
  EXPECT_EQ(world.update("C2", box, acpi).rsc, Rsc::originator_has_no_privilege)
      << "UPDATE in pv is not enough";
  EXPECT_EQ(world.update("C2", box, R"({"m2m:cnt":{"lbl":["x"]}})").rsc, Rsc::updated);
  EXPECT_EQ(world.update("C1", box, R"({"m2m:cnt":{"lbl":["x"]}})").rsc, Rsc::originator_has_no_privilege)
      << "pvs is not enough for others";
  EXPECT_EQ(world.update("C1", box, R"({"m2m:cnt":{"lbl":["x"],"acpi":[")" + second + R"("]}})").rsc,
            Rsc::bad_request)
      << "not alone";
  EXPECT_EQ(world.update("C3", box, R"({"m2m:cnt":{"lbl":["x"],"acpi":[")" + second + R"("]}})").rsc,
            Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.update("C1", box, R"({"m2m:cnt":{"acpi":[]}})").rsc, Rsc::bad_request);
  EXPECT_EQ(world.update("C1", box, R"({"m2m:cnt":{"acpi":["none"]}})").rsc, Rsc::bad_request);
  EXPECT_EQ(world.update("C1", box, acpi).rsc, Rsc::updated);
  EXPECT_EQ(world.retrieve("C3", box).rsc, Rsc::ok);
  EXPECT_EQ(world.retrieve("C2", box).rsc, Rsc::originator_has_no_privilege);
}

TEST_F(Policies, the_creator_sets_the_first_reference) {
  ASSERT_EQ(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"own"}})").rsc, Rsc::created);
  const auto acpi = R"({"m2m:cnt":{"acpi":[")" + policy(R"({"acor":["all"],"acop":2})") + R"("]}})";
  EXPECT_EQ(world.update("C2", "-/ae-C1/own", acpi).rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.update("C1", "-/ae-C1/own", acpi).rsc, Rsc::updated);
  EXPECT_EQ(world.retrieve("C2", "-/ae-C1/own").rsc, Rsc::ok);
}

// Attributes of the request (7.1.2).

TEST_F(Policies, originator_forms) {
  cover({"7.1.2-T02", "7.1.5-T09", "7.1.3-T02", "7.1.3-T06", "7.1.3-T17", "7.1.3-T18"});
  const auto allowed = [&](std::string_view acor) {
    const auto box = container(policy(R"({"acor":[")" + std::string(acor) + R"("],"acop":2})"),
                               "box" + std::to_string(++count));
    return world.retrieve("C2", box).rsc == Rsc::ok;
  };
  for (const char* acor : {"all", "//sp.example", "/in-cse/C2", "//sp.example/in-cse/C2", "/in-cse/C*",
                           "/*/C2", "//*/in-cse/C2"})
    EXPECT_TRUE(allowed(acor)) << acor;
  for (const char* acor :
       {"//other.example", "/in-cse/C22", "/C2", "/in-cse", "/*", "//other.example/in-cse/C2"}) {
    const auto made = world.create("Sadmin", "-", Ty::acp,
                                   R"({"m2m:acp":{"pv":{"acr":[{"acor":[")" + std::string(acor) +
                                       R"("],"acop":2}]},"pvs":{"acr":[{"acor":["all"],"acop":63}]}}})");
    if (made.rsc != Rsc::created) continue;  // no originator at all
    EXPECT_FALSE(
        world.retrieve("C2", container(World::text(made, "ri"), "not" + std::to_string(++count))).rsc ==
        Rsc::ok)
        << acor;
  }
}

TEST_F(Policies, group_members_are_originators) {
  cover({"7.1.3-T02"});
  const auto group = world.create("C1", "C1", Ty::grp,
                                  R"({"m2m:grp":{"rn":"team","mnm":9,"mid":["/in-cse/C2","-/ae-C3"]}})");
  ASSERT_EQ(group.rsc, Rsc::created) << World::debug(group);
  const auto acp = policy(R"({"acor":["/in-cse/)" + World::text(group, "ri") + R"("],"acop":2})");
  const auto box = container(acp);
  EXPECT_EQ(world.retrieve("C2", box).rsc, Rsc::ok) << "by AE-ID";
  EXPECT_EQ(world.retrieve("C3", box).rsc, Rsc::ok) << "by the path of its AE resource";
  EXPECT_EQ(world.retrieve("C1", box).rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.update("C1", "-/ae-C1/team", R"({"m2m:grp":{"mid":["-/ae-C3"]}})").rsc, Rsc::updated);
  EXPECT_EQ(world.retrieve("C2", box).rsc, Rsc::originator_has_no_privilege) << "no member any more";
  // Another AE under the same path is another entity, but a member all the same; gone it is none.
  EXPECT_EQ(world.remove("C3", "C3").rsc, Rsc::deleted);
  EXPECT_EQ(world.remove("C1", "-/ae-C1/team").rsc, Rsc::deleted);
  world.register_ae("C3", "ae-C3");
  EXPECT_EQ(world.retrieve("C3", box).rsc, Rsc::originator_has_no_privilege)
      << "a group that cannot be read grants nothing";
}

TEST_F(Policies, context_of_the_request) {
  cover({"7.1.2-T09", "7.1.2-T11"});
  const auto at_noon =
      container(policy(R"({"acor":["all"],"acop":2,"acco":[{"actw":["* * 12 * * * *"]}]})"), "noon");
  EXPECT_EQ(world.retrieve("C2", at_noon).rsc, Rsc::ok);
  world.clock.advance(std::chrono::hours(1));
  EXPECT_EQ(world.retrieve("C2", at_noon).rsc, Rsc::originator_has_no_privilege);
  const auto from_lan =
      container(policy(R"({"acor":["all"],"acop":2,"acco":[{"acip":{"ipv4":["192.0.2.0/24"]}}]})"), "lan");
  bind::IncomingRequest incoming;
  incoming.primitive = world.make(Operation::retrieve, "C2", from_lan);
  incoming.security = world.session("C2").security;
  std::optional<Rsc> result;
  const auto ask = [&](std::optional<std::array<std::uint8_t, 16>> ip) {
    auto copy = incoming;
    copy.peer_ip = ip;
    world.cse->handle(std::move(copy), [&](ResponsePrimitive response) { result = response.rsc; });
    world.executor.run_posted();
    return *result;
  };
  EXPECT_EQ(ask(std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 9}),
            Rsc::ok);
  EXPECT_EQ(ask(std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 3, 9}),
            Rsc::originator_has_no_privilege);
  EXPECT_EQ(ask(std::nullopt), Rsc::originator_has_no_privilege) << "unknown is denied";
}

TEST_F(Policies, child_types_of_create) {
  cover({"7.1.2-T05"});
  const auto box = container(policy(R"({"acor":["/in-cse/C2"],"acop":1,"acod":[{"chty":[4]}]})"));
  EXPECT_EQ(world.create("C2", box, Ty::cin, R"({"m2m:cin":{"con":"x"}})").rsc, Rsc::created);
  EXPECT_EQ(world.create("C2", box, Ty::cnt, R"({"m2m:cnt":{}})").rsc, Rsc::originator_has_no_privilege);
}

TEST_F(Policies, discovery_has_a_bit_of_its_own) {
  cover({"7.1.2-T06", "7.1.3-T21"});
  container(policy(R"({"acor":["/in-cse/C2"],"acop":32})"), "found");
  container(policy(R"({"acor":["/in-cse/C2"],"acop":2})"), "readable");
  auto request = world.make(Operation::retrieve, "C2", "-");
  request.fc.emplace().usage = codec::FilterUsage::discovery;
  auto found = World::uris(world.send(world.session("C2"), request));
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<std::string>{"cse/ae-C1/found", "cse/ae-C2"}));
  EXPECT_EQ(world.retrieve("C2", "-/ae-C1/found").rsc, Rsc::originator_has_no_privilege);
}

TEST_F(Policies, decisions_are_audited_with_their_reason) {
  const auto acp = policy(R"({"acor":["/in-cse/C9"],"acop":2},{"acor":["/in-cse/C2"],"acop":2})");
  const auto box = container(acp);
  world.retrieve("C2", box);
  const auto permitted = world.audit.events().back();
  EXPECT_EQ(permitted.id, AuditEventId::access_permitted);
  EXPECT_EQ(permitted.originator, "//sp.example/in-cse/C2");
  EXPECT_EQ(permitted.operation, "RETRIEVE");
  EXPECT_EQ(permitted.target, box);
  EXPECT_NE(permitted.reason.find(acp + " rule 1"), std::string::npos) << permitted.reason;
  world.remove("C2", box);
  const auto denied = world.audit.events().back();
  EXPECT_EQ(denied.id, AuditEventId::access_denied);
  EXPECT_EQ(denied.status, 4103);
  EXPECT_NE(denied.reason.find(acp), std::string::npos) << denied.reason;
  EXPECT_EQ(world.cse->counters().denied, 1U);
}

TEST_F(Policies, a_polling_channel_belongs_to_its_parent) {
  EXPECT_EQ(world.create("C2", "C1", Ty::pch, R"({"m2m:pch":{}})").rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.create("Sadmin", "C1", Ty::pch, R"({"m2m:pch":{}})").rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.create("C1", "C1", Ty::pch, R"({"m2m:pch":{"rn":"poll"}})").rsc, Rsc::created);
  EXPECT_EQ(world.create("C1", "C1", Ty::pch, R"({"m2m:pch":{}})").rsc, Rsc::conflict);
  EXPECT_EQ(world.retrieve("C1", "-/ae-C1/poll").rsc, Rsc::ok);
  EXPECT_EQ(world.retrieve("C2", "-/ae-C1/poll").rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.retrieve("C2", "-/ae-C1/poll/pcu").rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.remove("C1", "-/ae-C1/poll/pcu").rsc, Rsc::operation_not_allowed);
  EXPECT_EQ(world.update("C1", "-/ae-C1/poll/pcu", R"({"m2m:pch":{"lbl":["x"]}})").rsc,
            Rsc::operation_not_allowed);
  EXPECT_EQ(world.create("C1", "-/ae-C1/poll/pcu", Ty::cnt, R"({"m2m:cnt":{}})").rsc,
            Rsc::operation_not_allowed);
}

TEST_F(Policies, the_administrator_does_not_poll_for_others) {
  ASSERT_EQ(world.create("C1", "C1", Ty::pch, R"({"m2m:pch":{"rn":"poll"}})").rsc, Rsc::created);
  EXPECT_EQ(world.retrieve("Sadmin", "-/ae-C1/poll/pcu").rsc, Rsc::originator_has_no_privilege);
  auto answer = world.make(Operation::notify, "Sadmin", "-/ae-C1/poll/pcu");
  answer.pc = json::parse(R"({"m2m:rsp":{"rsc":2000,"rqi":"poll1"}})");
  EXPECT_EQ(world.send(world.session("Sadmin"), answer).rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.retrieve("Sadmin", "-/ae-C1/poll").rsc, Rsc::ok);
  EXPECT_EQ(world.remove("Sadmin", "-/ae-C1/poll").rsc, Rsc::deleted);
}

TEST_F(Policies, an_expired_one_permits_nothing_whatever_the_timer_does) {
  const auto made =
      world.create("Sadmin", "-", Ty::acp,
                   R"({"m2m:acp":{"et":"20240601T120100","pv":{"acr":[{"acor":["/in-cse/C2"],"acop":2}]},
          "pvs":{"acr":[{"acor":["/in-cse/C1"],"acop":63}]}}})");
  const auto box = container(World::text(made, "ri"));
  EXPECT_EQ(world.retrieve("C2", box).rsc, Rsc::ok);
  world.clock.advance(std::chrono::seconds(59));
  EXPECT_EQ(world.retrieve("C2", box).rsc, Rsc::ok);
  world.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(world.retrieve("C2", box).rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.update("C1", box, R"({"m2m:cnt":{"acpi":null}})").rsc, Rsc::originator_has_no_privilege)
      << "nor do its self-privileges";
}

TEST_F(Policies, an_expired_group_has_no_members) {
  const auto group = world.create("Sadmin", "-", Ty::grp,
                                  R"({"m2m:grp":{"mnm":5,"mid":["/in-cse/C2"],"et":"20240601T120100"}})");
  ASSERT_EQ(group.rsc, Rsc::created) << World::debug(group);
  const auto box = container(policy(R"({"acor":["/in-cse/)" + World::text(group, "ri") + R"("],"acop":2})"));
  EXPECT_EQ(world.retrieve("C2", box).rsc, Rsc::ok);
  world.clock.advance(std::chrono::seconds(60));
  EXPECT_EQ(world.retrieve("C2", box).rsc, Rsc::originator_has_no_privilege);
}

TEST_F(Policies, who_may_not_read_does_not_read_by_writing_or_deleting) {
  const auto box = container(policy(R"({"acor":["/in-cse/C2"],"acop":12})"));
  ASSERT_EQ(world.update("Sadmin", box, R"({"m2m:cnt":{"or":"secret:x"}})").rsc, Rsc::updated);
  const auto updated = world.update("C2", box, R"({"m2m:cnt":{"lbl":["mine"]}})");
  ASSERT_EQ(updated.rsc, Rsc::updated);
  EXPECT_EQ(World::text(updated, "or"), "");
  EXPECT_TRUE(World::attributes(updated).contains("lbl"));
  auto request = world.make(Operation::del, "C2", box);
  request.rcn = codec::ResultContent::attributes;
  const auto deleted = world.send(world.session("C2"), request);
  EXPECT_EQ(deleted.rsc, Rsc::deleted);
  EXPECT_TRUE(deleted.pc.is_null()) << World::debug(deleted);
}

}  // namespace
}  // namespace latchkey::cse::test
