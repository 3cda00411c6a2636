/// Subscriptions, polling channels, groups and next hops (TS-0001 10.2;
/// TS-0004 7.3.2.6, 7.4.8, 7.4.13, 7.4.21).
#include "support/messaging.h"

#include <gtest/gtest.h>

#include "cover.h"

namespace latchkey::cse::test {
namespace {

using latchkey::test::cover;

// ---- subscriptions ----

TEST_F(Messaging, target_is_asked_before_the_subscription_stands) {
  expect(subscribe(""), Rsc::created);
  ASSERT_EQ(target().received.size(), 1U);
  EXPECT_NE(sent(target(), 0).find(R"("vrq":true)"), std::string::npos);
  EXPECT_EQ(target().received[0].from, "/in-cse");
}

TEST_F(Messaging, refused_or_lost_verification_creates_nothing) {
  ResponsePrimitive no;
  no.rsc = Rsc::subscription_creator_has_no_privilege;
  target().answers.emplace_back(no);
  expect(subscribe(""), Rsc::subscription_creator_has_no_privilege);
  target().answers.emplace_back(fail(ErrorCode::unavailable, "gone"));
  expect(subscribe(""), Rsc::subscription_verification_initiation_failed);
  expect(subscribe("", "http://127.0.0.1:10/unknown"), Rsc::subscription_verification_initiation_failed);
  expect(world.retrieve("Cone", "-/one/box/s"), Rsc::not_found);
}

TEST_F(Messaging, originator_is_not_asked_about_itself) {
  expect(subscribe("", "/in-cse/Cone"), Rsc::created);
}

TEST_F(Messaging, subscriber_needs_retrieve_on_what_it_subscribes_to) {
  expect(world.create("Ctwo", "-/one/box", Ty::sub, R"({"m2m:sub":{"nu":["http://127.0.0.1:9/n"]}})"),
         Rsc::originator_has_no_privilege);
}

TEST_F(Messaging, child_creation_is_notified_with_all_attributes) {
  expect(subscribe(R"(,"enc":{"net":[3]},"nct":1)"), Rsc::created);
  put("hello");
  ASSERT_EQ(target().received.size(), 2U);
  EXPECT_EQ(target().received[1].op, Operation::notify);
  EXPECT_NE(sent(target(), 1).find(R"("con":"hello")"), std::string::npos);
  EXPECT_NE(sent(target(), 1).find(R"("net":3)"), std::string::npos);
  EXPECT_NE(sent(target(), 1).find("/in-cse/cse/one/box/s"), std::string::npos);
}

TEST_F(Messaging, default_event_is_the_update_of_the_resource_itself) {
  expect(subscribe(""), Rsc::created);
  put("not told");
  EXPECT_EQ(target().received.size(), 1U);
  expect(world.update("Cone", "-/one/box", R"({"m2m:cnt":{"mni":5}})"), Rsc::updated);
  EXPECT_EQ(target().received.size(), 2U);
}

TEST_F(Messaging, modified_attributes_only_and_resource_id_only) {
  expect(subscribe(R"(,"nct":2)"), Rsc::created);
  expect(world.update("Cone", "-/one/box", R"({"m2m:cnt":{"mni":5}})"), Rsc::updated);
  EXPECT_NE(sent(target(), 1).find(R"("mni":5)"), std::string::npos);
  EXPECT_EQ(sent(target(), 1).find(R"("rn":"box")"), std::string::npos);
  expect(world.update("Cone", "-/one/box/s", R"({"m2m:sub":{"nct":3}})"), Rsc::updated);
  expect(world.update("Cone", "-/one/box", R"({"m2m:cnt":{"mni":6}})"), Rsc::updated);
  EXPECT_NE(codec::to_text(target().received.back().pc).find("m2m:uri"), std::string::npos);
}

TEST_F(Messaging, attribute_filter_and_counter) {
  expect(subscribe(R"(,"enc":{"net":[1],"atr":["mni"]},"exc":1)"), Rsc::created);
  expect(world.update("Cone", "-/one/box", R"({"m2m:cnt":{"lbl":["a"]}})"), Rsc::updated);
  EXPECT_EQ(target().received.size(), 1U) << "another attribute";
  expect(world.update("Cone", "-/one/box", R"({"m2m:cnt":{"mni":5}})"), Rsc::updated);
  EXPECT_EQ(target().received.size(), 2U);
  world.executor.run_posted();
  expect(world.retrieve("Cone", "-/one/box/s"), Rsc::not_found);
}

TEST_F(Messaging, deletion_is_told_to_subscriber_and_su) {
  expect(subscribe(R"(,"enc":{"net":[2]},"su":"http://127.0.0.1:9/n")"), Rsc::created);
  expect(world.remove("Cone", "-/one/box"), Rsc::deleted);
  std::string all;
  for (const auto& request : target().received) all += codec::to_text(request.pc);
  EXPECT_NE(all.find(R"("net":2)"), std::string::npos);
  EXPECT_NE(all.find(R"("sud":true)"), std::string::npos);
}

TEST_F(Messaging, who_lost_the_right_to_read_hears_nothing_more) {
  expect(
      world.create(
          "Cone", "-/one", Ty::acp,
          R"({"m2m:acp":{"rn":"p","pv":{"acr":[{"acor":["Cone"],"acop":63},{"acor":["Ctwo"],"acop":3}]},"pvs":{"acr":[{"acor":["Cone"],"acop":63}]}}})"),
      Rsc::created);
  expect(world.update("Cone", "-/one/box", R"({"m2m:cnt":{"acpi":["cse/one/p"]}})"), Rsc::updated);
  expect(world.create("Ctwo", "-/one/box", Ty::sub,
                      R"({"m2m:sub":{"rn":"t","nu":["http://127.0.0.1:9/n"],"enc":{"net":[3]}}})"),
         Rsc::created);
  put("one");
  EXPECT_EQ(target().received.size(), 2U);
  expect(world.update("Cone", "-/one/p", R"({"m2m:acp":{"pv":{"acr":[{"acor":["Cone"],"acop":63}]}}})"),
         Rsc::updated);
  put("two");
  EXPECT_EQ(target().received.size(), 2U);
}

TEST_F(Messaging, meaningless_criteria_are_refused) {
  for (const auto* bad : {R"(,"enc":{"net":[1],"om":[{"ops":1}]})", R"(,"nct":2,"enc":{"net":[3]})"})
    expect(subscribe(bad), Rsc::bad_request);
  expect(world.create("Cone", "-/one/box", Ty::sub, R"({"m2m:sub":{"nu":[]}})"), Rsc::bad_request);
  EXPECT_TRUE(target().received.empty());
}

TEST_F(Messaging, a_url_counts_for_who_named_it) {
  expect(subscribe(""), Rsc::created);
  EXPECT_EQ(world.peers.owners[kUrl], "//sp.example/in-cse/Cone") << "verification";
  world.peers.owners.clear();
  expect(world.update("Cone", "-/one/box", R"({"m2m:cnt":{"mni":5}})"), Rsc::updated);
  EXPECT_EQ(world.peers.owners[kUrl], "//sp.example/in-cse/Cone") << "notification";
}

// ---- notifications to the CSE itself ----

TEST_F(Messaging, the_cse_takes_no_notification_for_itself) {
  const auto notify = [&](const char* content) {
    auto request = world.make(Operation::notify, "/Sadmin", "-");
    request.from = "Sadmin";
    request.pc = json::parse(content);
    return world.send(tls_of("/Sadmin"), request);
  };
  const auto refused = [&](const char* content, Rsc rsc, const char* reason) {
    const auto response = notify(content);
    expect(response, rsc);
    EXPECT_NE(World::debug(response).find(reason), std::string::npos) << World::debug(response);
  };
  refused(R"({"m2m:seci":{"sit":3}})", Rsc::not_implemented, "m2m:seci");
  refused(R"({"m2m:sgn":{"vrq":true,"sur":"/in-cse/s"}})", Rsc::operation_not_allowed, "no subscription");
  refused(R"({"m2m:agn":{"m2m:sgn":[]}})", Rsc::operation_not_allowed, "no subscription");
  refused(R"({"m2m:rsp":{"rsc":2000,"rqi":"1"}})", Rsc::bad_request, "waits");
  refused(R"({"m2m:cnt":{}})", Rsc::bad_request, "not the content");
  auto request = world.make(Operation::notify, "Ctwo", "-");
  request.pc = json::parse(R"({"m2m:seci":{"sit":3}})");
  expect(world.send(world.session("Ctwo"), request), Rsc::originator_has_no_privilege);
}

// ---- groups ----

class Groups : public Messaging {
 protected:
  ResponsePrimitive group(const std::string& rest) {
    return world.create("Cone", "-/one", Ty::grp, R"({"m2m:grp":{"rn":"g",)" + rest + "}}");
  }
};

TEST_F(Groups, members_once_and_not_too_many) {
  const auto made = group(R"("mnm":2,"mid":["cse/one/box","cse/one/box"])");
  expect(made, Rsc::created);
  EXPECT_EQ(World::attributes(made).at("cnm").to_number<int>(), 1);
  expect(world.create("Cone", "-/one", Ty::grp, R"({"m2m:grp":{"mnm":1,"mid":["cse/one","cse/one/box"]}})"),
         Rsc::max_number_of_member_exceeded);
}

TEST_F(Groups, inconsistent_type_follows_the_strategy) {
  expect(world.create("Cone", "-/one", Ty::grp,
                      R"({"m2m:grp":{"mnm":5,"mt":3,"csy":2,"mid":["cse/one","cse/one/box"]}})"),
         Rsc::group_member_type_inconsistent);
  const auto abandoned = world.create(
      "Cone", "-/one", Ty::grp, R"({"m2m:grp":{"mnm":5,"mt":3,"csy":1,"mid":["cse/one","cse/one/box"]}})");
  EXPECT_EQ(World::attributes(abandoned).at("cnm").to_number<int>(), 1);
  const auto mixed = world.create("Cone", "-/one", Ty::grp,
                                  R"({"m2m:grp":{"mnm":5,"mt":3,"csy":3,"mid":["cse/one","cse/one/box"]}})");
  EXPECT_EQ(World::attributes(mixed).at("mt").to_number<int>(), 0);
}

TEST_F(Groups, fan_out_gathers_every_answer) {
  expect(world.create("Cone", "-/one", Ty::cnt, R"({"m2m:cnt":{"rn":"other"}})"), Rsc::created);
  expect(world.create("Ctwo", "-/two", Ty::cnt, R"({"m2m:cnt":{"rn":"foreign"}})"), Rsc::created);
  expect(group(R"("mnm":5,"mid":["cse/one/box","cse/one/other","cse/two/foreign"])"), Rsc::created);
  const auto response = world.create("Cone", "-/one/g/fopt", Ty::cin, R"({"m2m:cin":{"con":"x"}})");
  expect(response, Rsc::ok);
  const auto& members = response.pc.as_object().at("m2m:agr").as_object().at("m2m:rsp").as_array();
  ASSERT_EQ(members.size(), 3U);
  EXPECT_EQ(members[0].at("rsc").to_number<int>(), 2001);
  EXPECT_EQ(members[1].at("rsc").to_number<int>(), 2001);
  EXPECT_EQ(members[2].at("rsc").to_number<int>(), 4103) << "each member checks its own policy";
  expect(world.retrieve("Cone", "-/one/g/fopt/la"), Rsc::ok);
}

TEST_F(Groups, empty_group_and_repeated_gid) {
  expect(group(R"("mnm":5,"mid":[])"), Rsc::created);
  expect(world.retrieve("Cone", "-/one/g/fopt"), Rsc::no_members);
  expect(world.update("Cone", "-/one/g", R"({"m2m:grp":{"mid":["cse/one/box"]}})"), Rsc::updated);
  auto request = world.make(Operation::retrieve, "Cone", "-/one/g/fopt");
  request.gid = "loop";
  expect(world.send(world.session("Cone"), request), Rsc::ok);
  request.rqi = "again";
  expect(world.send(world.session("Cone"), request), Rsc::group_request_identifier_exists);
}

// ---- next hops ----

TEST_F(Messaging, request_for_a_registree_goes_to_it_with_a_full_from) {
  cover({"7.2.1-04"});
  world.register_cse("/mn-cse");
  auto& hop = world.peers.cses["//sp.example/mn-cse"];
  expect(world.retrieve("Cone", "/mn-cse/cse/x"), Rsc::ok);
  ASSERT_EQ(hop.received.size(), 1U);
  EXPECT_EQ(hop.received[0].from, "/in-cse/Cone");
  EXPECT_EQ(hop.received[0].to, "/mn-cse/cse/x");
}

/// However the AE writes its own id, others read the one that was proved.
TEST_F(Messaging, from_is_written_anew_for_whoever_is_told) {
  cover({"7.2.1-04"});
  world.register_cse("/mn-cse");
  auto& hop = world.peers.cses["//sp.example/mn-cse"];
  for (const auto* from : {"Cone", "/in-cse/Cone", "//sp.example/in-cse/Cone", "//SP.example/in-cse/Cone"}) {
    expect(world.send(world.session("Cone"), world.make(Operation::retrieve, from, "/mn-cse/cse/x")),
           Rsc::ok);
    EXPECT_EQ(hop.received.back().from, "/in-cse/Cone") << from;
  }
  // A CSE that speaks for an AE behind it leaves that AE's name, and adds nothing of its own.
  world.register_cse("/mn-b");
  expect(world.send(tls_of("/mn-b"), world.make(Operation::retrieve, "/mn-b/Cx", "/mn-cse/cse/x")), Rsc::ok);
  EXPECT_EQ(hop.received.back().from, "/mn-b/Cx");
  // Nor does the same rqi of two AEs become one request there.
  auto request = world.make(Operation::retrieve, "Cone", "/mn-cse/cse/x");
  request.rqi = "same";
  expect(world.send(world.session("Cone"), request), Rsc::ok);
  const auto first = hop.received.back().rqi;
  request.from = "Ctwo";
  const auto answer = world.send(world.session("Ctwo"), request);
  EXPECT_NE(hop.received.back().rqi, first);
  EXPECT_EQ(answer.rqi, "same") << "and each hears its own";
}

TEST_F(Messaging, an_answer_is_for_whoever_asked_whatever_it_says) {
  world.register_cse("/mn-cse");
  auto& hop = world.peers.cses["//sp.example/mn-cse"];
  hop.hold = true;
  const auto one =
      world.begin(world.session("Cone"), world.make(Operation::retrieve, "Cone", "/mn-cse/cse/x"));
  const auto two =
      world.begin(world.session("Ctwo"), world.make(Operation::retrieve, "Ctwo", "/mn-cse/cse/x"));
  ASSERT_EQ(hop.held.size(), 2U);
  ResponsePrimitive answer;
  answer.rsc = Rsc::created;
  hop.answers = {answer, ResponsePrimitive{}};
  hop.held[1]();
  EXPECT_FALSE(one->has_value());
  ASSERT_TRUE(two->has_value());
  EXPECT_EQ((*two)->rsc, Rsc::created);
}

TEST_F(Messaging, a_notified_ae_reads_who_it_really_was) {
  expect(
      world.create(
          "Ctwo", "-/two", Ty::acp,
          R"({"m2m:acp":{"rn":"p","pv":{"acr":[{"acor":["all"],"acop":16},{"acor":["/in-cse/Ctwo"],"acop":63}]},
                          "pvs":{"acr":[{"acor":["/in-cse/Ctwo"],"acop":63}]}}})"),
      Rsc::created);
  expect(world.update("Ctwo", "-/two", R"({"m2m:ae":{"poa":[")" + std::string(kUrl) + R"("]}})"),
         Rsc::updated);
  expect(world.update("Ctwo", "-/two", R"({"m2m:ae":{"acpi":["cse/two/p"]}})"), Rsc::updated);
  const auto notify = [&](const Via& how, std::string_view from) {
    auto request = world.make(Operation::notify, from, "-/two");
    request.pc = json::parse(R"({"m2m:sgn":{"sur":"/mn-cse/s"}})");
    return world.send(how, request).rsc;
  };
  EXPECT_EQ(notify(world.session("Cone"), "Cone"), Rsc::ok);
  EXPECT_EQ(target().received.back().from, "/in-cse/Cone");
  world.register_cse("/mn-cse");
  EXPECT_EQ(notify(tls_of("/mn-cse"), "/mn-cse/Cone"), Rsc::ok) << "of the same stem elsewhere";
  EXPECT_EQ(target().received.back().from, "/mn-cse/Cone");
  const auto before = target().received.size();
  EXPECT_EQ(notify(tls_of("/mn-cse"), "/in-cse/Cone"), Rsc::originator_has_not_registered);
  EXPECT_EQ(notify(tls_of("/mn-cse"), "Cone"), Rsc::originator_has_not_registered);
  EXPECT_EQ(target().received.size(), before);
}

TEST_F(Messaging, a_subscriber_is_named_in_full_to_whom_is_notified) {
  expect(subscribe(R"(,"enc":{"net":[3]})"), Rsc::created);
  put("x");
  world.executor.run_posted();
  const auto told = json::parse(sent(target(), target().received.size() - 1));
  EXPECT_EQ(told.at("m2m:sgn").at("cr").as_string(), "//sp.example/in-cse/Cone")
      << "elsewhere Cone would be another one";
}

TEST_F(Messaging, unreachable_or_unknown_next_hop) {
  world.register_cse("/mn-cse");
  expect(world.retrieve("Cone", "/mn-cse/cse/x"), Rsc::target_not_reachable);
  expect(world.retrieve("Cone", "/nowhere/cse/x"), Rsc::not_found);
  world.peers.cses["//sp.example/mn-cse"].answers.emplace_back(fail(ErrorCode::expired, "late"));
  expect(world.retrieve("Cone", "/mn-cse/cse/x"), Rsc::request_timeout);
}

TEST_F(Messaging, request_is_never_sent_back_where_it_came_from) {
  world.register_cse("/mn-cse");
  auto& hop = world.peers.cses["//sp.example/mn-cse"];
  expect(world.send(tls_of("/mn-cse"), world.make(Operation::retrieve, "/mn-cse/Cx", "/mn-cse/cse/x")),
         Rsc::not_found);
  EXPECT_TRUE(hop.received.empty());
}

}  // namespace
}  // namespace latchkey::cse::test
