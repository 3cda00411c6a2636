/// What a registered but hostile entity may try: answers that come back in the middle of a change, groups
/// that multiply work, and AE-IDs that are taken before their owner comes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "support/messaging.h"

namespace latchkey::cse::test {
namespace {

constexpr std::string_view kAe = R"({"m2m:ae":{"api":"Napp","rr":false,"srv":["2a"]}})";

// ---- answers in the middle of a change (TS-0001 9.6.21) ----

/// A binding that handles the next request of a connection from within the answer to the one before.
class Reentrant : public Messaging {
 protected:
  void SetUp() override {
    Messaging::SetUp();
    expect(world.create("Cone", "-/one", Ty::pch, R"({"m2m:pch":{"rn":"p"}})"), Rsc::created);
  }
  void handle(RequestPrimitive primitive, bind::Respond respond) {
    bind::IncomingRequest incoming;
    incoming.security = world.session(primitive.from).security;
    incoming.primitive = std::move(primitive);
    incoming.received = world.clock.now();
    ++inside;
    world.cse->handle(std::move(incoming), std::move(respond));
    --inside;
  }
  RequestPrimitive poll() { return world.make(Operation::retrieve, "Cone", "-/one/p/pcu"); }
  int inside = 0;
};

TEST_F(Reentrant, a_poll_that_is_taken_over_is_answered_behind_the_one_that_takes_over) {
  std::vector<Rsc> answers;
  handle(poll(), [&](const ResponsePrimitive& ended) {
    EXPECT_EQ(inside, 0) << "in the middle of another request";
    answers.push_back(ended.rsc);
    handle(world.make(Operation::del, "Cone", "-/one/p"),
           [&](const ResponsePrimitive& deleted) { answers.push_back(deleted.rsc); });
  });
  handle(poll(), [&](const ResponsePrimitive& second) { answers.push_back(second.rsc); });
  world.executor.run_posted();
  EXPECT_THAT(answers, testing::UnorderedElementsAre(Rsc::request_timeout, Rsc::deleted, Rsc::not_found));
}

TEST_F(Reentrant, a_poll_of_a_deleted_channel_is_answered_behind_the_deletion) {
  std::vector<Rsc> answers;
  handle(poll(), [&](const ResponsePrimitive& ended) {
    EXPECT_EQ(inside, 0) << "in the middle of the deletion";
    answers.push_back(ended.rsc);
    handle(world.make(Operation::del, "Cone", "-/one/box"),
           [&](const ResponsePrimitive& gone) { answers.push_back(gone.rsc); });
  });
  expect(world.remove("Sadmin", "-/one"), Rsc::deleted);
  EXPECT_EQ(answers, (std::vector{Rsc::not_found, Rsc::originator_has_not_registered}));
}

TEST_F(Reentrant, what_waits_for_a_deleted_channel_is_given_up_behind_the_deletion) {
  auto notify = world.make(Operation::notify, "Sadmin", "-/one");
  notify.pc = json::parse(R"({"m2m:sgn":{"vrq":true,"sur":"/in-cse/s"}})");
  std::optional<Rsc> given_up;
  handle(notify, [&](const ResponsePrimitive& answer) {
    EXPECT_EQ(inside, 0) << "in the middle of the deletion";
    given_up = answer.rsc;
  });
  ASSERT_FALSE(given_up.has_value());
  handle(world.make(Operation::del, "Sadmin", "-/one/p"), [](const ResponsePrimitive&) {});
  world.executor.run_posted();
  EXPECT_EQ(given_up, Rsc::target_not_reachable);
}

// ---- groups (TS-0001 9.6.13, 10.2.7) ----

class Multiplying : public Messaging {
 protected:
  void group(const std::string& name, const std::string& members) {
    expect(world.create("Cone", "-/one", Ty::grp,
                        R"({"m2m:grp":{"rn":")" + name + R"(","mnm":20,"mid":[)" + members + "]}}"),
           Rsc::created);
  }
  /// `length` groups, each the only member of the next; the first names the container.
  void chain(int length) {
    group("g1", R"("cse/one/box")");
    for (int i = 2; i <= length; ++i)
      group("g" + std::to_string(i), R"("cse/one/g)" + std::to_string(i - 1) + R"(")");
  }
  std::string fan_out(const std::string& name) {
    const auto response = world.retrieve("Cone", "-/one/" + name + "/fopt");
    expect(response, Rsc::ok);
    return World::debug(response);
  }
};

TEST_F(Multiplying, groups_of_groups_are_followed_to_a_depth_and_no_further) {
  chain(10);
  EXPECT_NE(fan_out("g9").find("m2m:cnt"), std::string::npos);
  const auto refused = fan_out("g10");
  EXPECT_EQ(refused.find("m2m:cnt"), std::string::npos);
  EXPECT_NE(refused.find("too deep"), std::string::npos) << refused;
}

TEST_F(Multiplying, one_request_reaches_a_limited_number_of_members_in_all) {
  world.options().fan_out_max = 7;
  world.start();
  std::string leaves;
  for (const auto* name : {"a", "b"}) {
    expect(world.create("Cone", "-/one", Ty::cnt, R"({"m2m:cnt":{"rn":")" + std::string(name) + R"("}})"),
           Rsc::created);
    leaves += std::string(leaves.empty() ? "" : ",") + R"("cse/one/)" + name + R"(")";
  }
  for (const auto* name : {"x", "y", "z"}) group(name, leaves);
  group("two", R"("cse/one/x","cse/one/y")");
  group("three", R"("cse/one/x","cse/one/y","cse/one/z")");
  EXPECT_EQ(fan_out("two").find("more members"), std::string::npos) << "2 + 2 * 2";
  const auto refused = fan_out("three");
  EXPECT_NE(refused.find("more members"), std::string::npos) << "3 + 3 * 2: " << refused;
  EXPECT_EQ(fan_out("two").find("more members"), std::string::npos) << "each request has its own number";
}

TEST_F(Multiplying, a_group_that_lists_itself_in_many_forms_is_asked_once) {
  // Without a memory of the groups that were asked already, 20 forms to a depth of 8 are 20^8 questions.
  std::string self;
  for (const auto* prefix : {"cse", "-", "/in-cse/cse", "/in-cse/-", "//sp.example/in-cse/cse"})
    self += std::string(self.empty() ? "" : ",") + R"(")" + prefix + R"(/one/self")";
  group("a", R"("cse/one/box")");
  group("self", self + R"(,"cse/one/a","-/one/a","/in-cse/-/one/a","/in-cse/cse/one/a")");
  group("more", self);
  expect(
      world.update("Cone", "-/one/a",
                   R"({"m2m:grp":{"mid":["cse/one/more","-/one/more","/in-cse/-/one/more",)" + self + "]}}"),
      Rsc::updated);
  const auto policy = world.create(
      "Sadmin", "-", Ty::acp,
      R"({"m2m:acp":{"pv":{"acr":[{"acor":["/in-cse/cse/one/self"],"acop":2}]},"pvs":{"acr":[{"acor":["/Sadmin"],"acop":63}]}}})");
  expect(policy, Rsc::created);
  expect(world.create("Sadmin", "-", Ty::cnt,
                      R"({"m2m:cnt":{"rn":"guarded","acpi":[")" + World::text(policy, "ri") + R"("]}})"),
         Rsc::created);
  const auto before = std::clock();
  expect(world.retrieve("Ctwo", "-/guarded"), Rsc::originator_has_no_privilege);
  // Processor time: half a minute without that memory, far below a millisecond with it.
  EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 2);
  expect(world.update("Cone", "-/one/more", R"({"m2m:grp":{"mid":["cse/one/self","/in-cse/Ctwo"]}})"),
         Rsc::updated);
  expect(world.retrieve("Ctwo", "-/guarded"), Rsc::ok);
}

TEST_F(Multiplying, a_repeated_gid_counts_before_the_privilege) {
  group("g", R"("cse/one/box")");
  const auto with_gid = [&](const char* who, const char* gid) {
    auto request = world.make(Operation::retrieve, who, "-/one/g/fopt");
    request.gid = gid;
    return world.send(world.session(who), request);
  };
  expect(with_gid("Ctwo", "first"), Rsc::originator_has_no_privilege);
  expect(with_gid("Cone", "first"), Rsc::ok);
  expect(with_gid("Cone", "first"), Rsc::group_request_identifier_exists);
  expect(with_gid("Ctwo", "first"), Rsc::group_request_identifier_exists);
}

TEST_F(Multiplying, a_member_of_no_possible_type_is_of_an_unknown_one) {
  world.register_cse("/mn-cse");
  auto& hop = world.peers.cses["//sp.example/mn-cse"];
  for (const auto* type : {"-1", "1.5", "1e300", "99999999999999999999"}) {
    ResponsePrimitive answer;
    answer.rsc = Rsc::ok;
    answer.pc = json::parse(R"({"m2m:cnt":{"ty":)" + std::string(type) + "}}");
    hop.answers.emplace_back(std::move(answer));
    const auto made = world.create("Cone", "-/one", Ty::grp,
                                   R"({"m2m:grp":{"mnm":1,"mt":3,"csy":2,"mid":["/mn-cse/cse/x"]}})");
    expect(made, Rsc::created);
    EXPECT_FALSE(World::attributes(made).at("mtv").as_bool()) << type;
  }
}

// ---- AE-IDs that are taken before their owner comes (TS-0003 6.1.2.2.1, 7.2.1) ----

class Squatting : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(world.send(plain(), world.creation("Clock", "-", Ty::ae, kAe)).rsc, Rsc::created);
    ASSERT_EQ(world.send(plain(), world.make(Operation::retrieve, "Clock", "Clock")).rsc, Rsc::ok);
  }
  World world{World::mn_options()};
};

TEST_F(Squatting, the_owner_of_the_credential_takes_its_ae_id_back) {
  world.register_ae("Clock", "lock");
  EXPECT_EQ(world.send(plain(), world.make(Operation::retrieve, "Clock", "Clock")).rsc,
            Rsc::security_association_required);
  EXPECT_EQ(world.retrieve("Clock", "-/lock").rsc, Rsc::ok);
  EXPECT_EQ(world.create("Clock", "-", Ty::ae, kAe).rsc, Rsc::originator_has_already_registered);
}

TEST_F(Squatting, a_registration_without_association_is_none_for_the_owner_of_the_credential) {
  EXPECT_EQ(world.retrieve("Clock", "Clock").rsc, Rsc::originator_has_not_registered);
}

TEST_F(Squatting, an_open_from_takes_no_other_ae_id_for_it) {
  tls::SecurityContext context;
  context.framework = tls::Framework::certificate;
  context.allowed_ae_ids = {ae_id("/mn-cse/Clock"), ae_id("/mn-cse/Cspare")};
  const auto made = world.send(via(context), world.creation("", "-", Ty::ae, kAe));
  EXPECT_EQ(World::text(made, "aei"), "Clock") << World::debug(made);
}

}  // namespace
}  // namespace latchkey::cse::test
