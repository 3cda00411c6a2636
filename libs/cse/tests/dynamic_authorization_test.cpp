/// Tokens, roles and DAS Servers at the Hosting CSE (TS-0003 7.3.2, 7.4.3; TS-0004 7.5.1.2.10).
#include "latchkey/codec/dynamic_authorization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cover.h"
#include "latchkey/codec/terminal_location.h"
#include "latchkey/cse/location.h"
#include "latchkey/cse/location_server.h"
#include "support/guest.h"

namespace latchkey::cse::test {
namespace {

using latchkey::test::cover;

using ::testing::HasSubstr;
using ::testing::SizeIs;

using Dynamic = GuestAtTheDoor;

// ---- tokens ----

TEST_F(Dynamic, a_token_grants_what_its_privileges_say_on_the_resources_that_it_names) {
  cover({"7.1.2-T07", "7.3.2.3-12", "7.3.2.5-01", "7.3.2.5-03", "7.3.2.5-04"});
  expect(send(read()), Rsc::originator_has_no_privilege);
  expect(read_with(token()), Rsc::ok);
  EXPECT_THAT(last_reason(), HasSubstr("t1@das.example"));
  auto other = read("/in-cse/cse/door");
  other.tkns = {token()};
  expect(send(other), Rsc::originator_has_no_privilege);
  auto write = world.change("Cguest", kTarget, R"({"m2m:cnt":{"lbl":["x"]}})");
  write.tkns = {token()};
  expect(send(write), Rsc::originator_has_no_privilege);
}

TEST_F(Dynamic, a_resource_is_named_in_any_form_of_its_address) {
  const auto ri = World::text(world.retrieve("Cdoor", kTarget), "ri");
  for (const auto& name : {std::string("cse/door/state"), std::string("-/door/state"), "/in-cse/" + ri, ri,
                           std::string("//sp.example/in-cse/cse/door/state")}) {
    auto all = claims();
    all.permissions = {may_read(name)};
    expect(read_with(issuer.sign(all)), Rsc::ok);
  }
  auto all = claims();
  all.permissions = {may_read("/mn-cse/cse/door/state")};
  expect(read_with(issuer.sign(all)), Rsc::originator_has_no_privilege);
}

TEST_F(Dynamic, one_bad_token_refuses_a_request_that_policies_alone_permit) {
  cover({"7.3.2.3-06", "7.3.2.3-07", "7.3.2.3-08", "7.3.2.3-09", "7.3.2.3-10", "7.3.2.3-11", "7.3.2.5-T01",
         "7.3.2.5-T02", "7.3.2.5-T03", "7.3.2.5-T04", "7.3.2.5-T05"});
  const auto refused = [&](const std::string& jwt, const char* reason) {
    auto request = world.make(Operation::retrieve, "Cdoor", kTarget);
    request.tkns = {jwt};
    const auto response = world.send(world.session("Cdoor"), request);
    expect(response, Rsc::originator_has_no_privilege);
    EXPECT_THAT(last_reason(), HasSubstr(reason));
    EXPECT_EQ(World::debug(response).find(jwt.substr(0, 20)), std::string::npos);
  };
  const EntityId door = ae_id("/in-cse/Cdoor");
  const auto good = issuer.claims("d", door, world.clock.now());
  auto request = world.make(Operation::retrieve, "Cdoor", kTarget);
  request.tkns = {issuer.sign(good)};
  expect(world.send(world.session("Cdoor"), request), Rsc::ok);

  refused(token(), "holder");
  auto late = good;
  late.not_after = world.clock.now();
  refused(issuer.sign(late), "expired");
  auto early = good;
  early.not_before = world.clock.now() + std::chrono::seconds(1);
  refused(issuer.sign(early), "not yet valid");
  auto elsewhere = good;
  elsewhere.audience = {"//sp.example/mn-cse"};
  refused(issuer.sign(elsewhere), "not for this CSE");
  refused(Issuer("other.example").sign(Issuer("other.example").claims("d", door, world.clock.now())), "key");
  auto forged = issuer.sign(good);
  forged[forged.size() - 3] = forged[forged.size() - 3] == 'A' ? 'B' : 'A';
  refused(forged, "not authentic");
  refused("nonsense", "malformed");
  const auto signed_token = issuer.sign(good);
  const auto payload = signed_token.substr(0, signed_token.rfind('.') + 1).substr(signed_token.find('.') + 1);
  refused("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + payload, "class");
}

TEST_F(Dynamic, a_token_is_known_again_by_its_ids) {
  cover({"7.1.2-T08", "7.3.2.3-T01"});
  const auto first = read_with(token());
  expect(first, Rsc::ok);
  const auto assigned = codec::read_local_token_ids(first.ati);
  ASSERT_TRUE(assigned);
  ASSERT_THAT(*assigned, SizeIs(1));
  EXPECT_EQ(assigned->front().token_id, "t1@das.example");
  EXPECT_TRUE(read_with(token()).ati.is_null()) << "only what is new is told";

  auto by_local_id = read();
  by_local_id.ltids = {assigned->front().local_id};
  expect(send(by_local_id), Rsc::ok);
  auto by_id = read();
  by_id.tids = {"t1@das.example"};
  expect(send(by_id), Rsc::ok);

  auto of_another = world.make(Operation::retrieve, "Cdoor", kTarget);
  of_another.ltids = {assigned->front().local_id};
  expect(world.send(world.session("Cdoor"), of_another), Rsc::originator_has_no_privilege);
  auto unknown = read();
  unknown.ltids = {"lt0"};
  expect(send(unknown), Rsc::originator_has_no_privilege);

  world.clock.advance(std::chrono::hours(2));
  by_id.rqi = "late1";
  by_local_id.rqi = "late2";
  expect(send(by_id), Rsc::originator_has_no_privilege);
  expect(send(by_local_id), Rsc::originator_has_no_privilege);
}

TEST_F(Dynamic, new_trust_forgets_what_the_old_one_accepted) {
  const auto first = read_with(token());
  const auto assigned = codec::read_local_token_ids(first.ati);
  ASSERT_TRUE(assigned);
  ASSERT_TRUE(world.cse->trust({}));
  auto by_local_id = read();
  by_local_id.ltids = {assigned->front().local_id};
  expect(send(by_local_id), Rsc::originator_has_no_privilege);
  expect(read_with(token()), Rsc::originator_has_no_privilege);
}

TEST_F(Dynamic, a_token_id_is_looked_up_among_the_tokens_stored_here) {
  expect(world.create("Sadmin", "-", Ty::tk,
                      R"({"m2m:tk":{"tkid":"t7@das.example","tkob":")" + token("t7") + R"("}})"),
         Rsc::created);
  auto request = read();
  request.tids = {"t7@das.example"};
  expect(send(request), Rsc::ok);
}

TEST_F(Dynamic, a_token_id_is_looked_up_at_the_das_server_of_its_domain) {
  cover({"7.3.2.3-05"});
  auto& das = world.peers.urls[kDas];
  codec::DasResponse tokens;
  tokens.tokens = {token("t9")};
  ResponsePrimitive answer;
  answer.rsc = Rsc::ok;
  answer.pc = codec::to_security_info(tokens);
  das.answers = {answer};
  auto request = read();
  request.tids = {"t9@das.example"};
  expect(send(request), Rsc::ok);
  ASSERT_THAT(das.received, SizeIs(1));
  const auto asked = codec::read_das_message(das.received.front().pc, world.clock.now());
  ASSERT_TRUE(asked);
  EXPECT_EQ(std::get<codec::DasRequest>(*asked).token_ids, std::vector<std::string>{"t9@das.example"});
  EXPECT_EQ(std::get<codec::DasRequest>(*asked).originator, guest());

  auto unknown = read();
  unknown.tids = {"t10@das.example"};
  expect(send(unknown), Rsc::originator_has_no_privilege);
  auto nowhere = read();
  nowhere.tids = {"t10@nobody.example"};
  expect(send(nowhere), Rsc::originator_has_no_privilege);
}

// ---- roles ----

class Roles : public Dynamic {
 protected:
  void SetUp() override {
    Dynamic::SetUp();
    expect(
        world.create(
            "Cdoor", "-/door", Ty::acp,
            R"({"m2m:acp":{"rn":"p","pv":{"acr":[{"acor":["sitter@das.example"],"acop":2},{"acor":["/in-cse/Cdoor"],"acop":63}]},
                            "pvs":{"acr":[{"acor":["/in-cse/Cdoor"],"acop":63}]}}})"),
        Rsc::created);
    expect(world.update("Cdoor", kTarget, R"({"m2m:cnt":{"acpi":["cse/door/p"]}})"), Rsc::updated);
  }
  ResponsePrimitive assign(const char* holder, const char* role, const char* until = "20250101T000000",
                           const char* issuer_id = "das.example") {
    return world.create("Sadmin", "-", Ty::rol,
                        std::string(R"({"m2m:rol":{"rlid":")") + role + R"(","tkis":")" + issuer_id +
                            R"(","tkhd":")" + holder + R"(","tknb":"20240101T000000","tkna":")" + until +
                            R"("}})");
  }
  ResponsePrimitive read_as(const char* role) {
    auto request = read();
    request.rids = {role};
    return send(request);
  }
};

TEST_F(Roles, a_role_counts_if_a_role_resource_backs_it) {
  cover(
      {"7.1.2-T03", "7.4.3-01", "7.4.3-04", "7.4.3-05", "7.4.3-06", "7.4.3-07", "7.4.2.2-03", "7.4.2.2-04"});
  expect(read_as("sitter@das.example"), Rsc::originator_has_no_privilege);
  expect(assign("//sp.example/in-cse/Cguest", "sitter@das.example"), Rsc::created);
  expect(read_as("sitter@das.example"), Rsc::ok);
  EXPECT_THAT(last_reason(), HasSubstr("sitter@das.example"));
  expect(send(read()), Rsc::originator_has_no_privilege);
  world.clock.set(*parse_timestamp("20250101T000000"));
  expect(read_as("sitter@das.example"), Rsc::originator_has_no_privilege);
}

TEST_F(Roles, of_another_holder_or_issuer_does_not_count) {
  cover({"7.4.3-04"});
  expect(assign("//sp.example/in-cse/Cdoor", "sitter@das.example"), Rsc::created);
  expect(assign("//sp.example/in-cse/Cguest", "sitter@das.example", "20250101T000000", "other.example"),
         Rsc::created);
  expect(read_as("sitter@das.example"), Rsc::originator_has_no_privilege);
}

TEST_F(Roles, of_a_token_count_for_the_rules_that_name_them) {
  cover({"7.3.2.5-05"});
  auto all = claims();
  all.permissions = {{{}, nullptr, {"sitter@das.example"}}};
  expect(read_with(issuer.sign(all)), Rsc::ok);
}

// ---- roles within the service subscription (TS-0001 9.6.29, decision 0020) ----

class SubscribedRoles : public Roles {
 protected:
  void SetUp() override {
    Roles::SetUp();
    expect(assign("//sp.example/in-cse/Cguest", "sitter@das.example"), Rsc::created);
    expect(world.create("Sadmin", "-", Ty::mssp, R"({"m2m:mssp":{"rn":"profile"}})"), Rsc::created);
  }
  /// Links the rules for this CSE; the first is "-/rule0".
  void subscribe(const std::vector<std::string>& rules) {
    std::string links;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const auto added =
          world.create("Sadmin", "-", Ty::asar,
                       R"({"m2m:asar":{"rn":"rule)" + std::to_string(i) + R"(",)" + rules[i] + "}}");
      expect(added, Rsc::created);
      links += (i > 0 ? R"(",")" : "") + World::text(added, "ri");
    }
    expect(world.create("Sadmin", "-/profile", Ty::svsn,
                        R"({"m2m:svsn":{"ni":"n","csi":"/in-cse","rlk":[")" + links + R"("]}})"),
           Rsc::created);
  }
  static Via with_credential(const char* credential) {
    tls::SecurityContext context;
    context.framework = tls::Framework::provisioned_symmetric_key;
    context.identity = EntityId(ae_id("/in-cse/Cguest"));
    context.credential_id = *CredentialId::parse(credential);
    return via(context);
  }
  Rsc with_role(const Via& session) {
    auto request = read();
    request.rids = {"sitter@das.example"};
    return world.send(session, request).rsc;
  }
  Rsc with_token(const Via& session) {
    auto all = claims("t" + std::to_string(++tokens_));
    all.permissions = {{{}, nullptr, {"sitter@das.example", "cleaner@das.example"}}};
    auto request = read();
    request.tkns = {issuer.sign(all)};
    return world.send(session, request).rsc;
  }
  const Via own = with_credential("12-guest@sp.example");

 private:
  int tokens_ = 0;
};

constexpr auto kGuestRule = R"("apci":["12-guest*"],"aae":["Cg*"])";

TEST_F(SubscribedRoles, count_only_if_the_application_rules_permit_them) {
  subscribe({std::string(kGuestRule) + R"(,"ari":["cleaner@das.example"])"});
  EXPECT_EQ(with_role(own), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("outside its service subscription: role sitter@das.example"));
  EXPECT_EQ(with_token(own), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("outside its service subscription: role sitter@das.example"));
  expect(world.update("Sadmin", "-/rule0",
                      R"({"m2m:asar":{"ari":["cleaner@das.example","sitter@das.example"]}})"),
         Rsc::updated);
  EXPECT_EQ(with_role(own), Rsc::ok);
  EXPECT_EQ(with_token(own), Rsc::ok);
}

TEST_F(SubscribedRoles, are_those_of_the_rules_for_the_credential) {
  subscribe({std::string(kGuestRule) + R"(,"ari":["sitter@das.example"])",
             R"("apci":["12-other*"],"aae":["Cguest"],"ari":["cleaner@das.example"])"});
  EXPECT_EQ(with_role(own), Rsc::ok);
  EXPECT_EQ(with_token(own), Rsc::ok);
  const auto other = with_credential("12-other@sp.example");
  EXPECT_EQ(with_role(other), Rsc::originator_has_no_privilege);
  EXPECT_EQ(with_token(other), Rsc::originator_has_no_privilege);
  const auto none = with_credential("12-unknown@sp.example");
  EXPECT_EQ(with_role(none), Rsc::originator_has_no_privilege);
  EXPECT_EQ(with_role(world.session("Cguest")), Rsc::ok) << "no Credential-ID: all rules that name the AE";
}

TEST_F(SubscribedRoles, are_unlimited_where_no_rule_about_the_ae_speaks_of_roles) {
  subscribe({kGuestRule, R"("apci":["*"],"aae":["Cdoor"],"ari":["cleaner@das.example"])"});
  EXPECT_EQ(with_role(own), Rsc::ok);
  EXPECT_EQ(with_token(own), Rsc::ok);
}

TEST_F(SubscribedRoles, explain_knows_the_limit) {
  subscribe({std::string(kGuestRule) + R"(,"ari":["cleaner@das.example"])"});
  Hypothetical question{.originator = "Cguest", .operation = "RETRIEVE", .target = kTarget};
  question.roles = {"sitter@das.example"};
  EXPECT_THAT(world.cse->explain(question), HasSubstr("outside its service subscription: role sitter@das"));
}

TEST_F(Roles, are_retrieved_from_the_repository_of_their_domain) {
  cover({"7.4.3-02", "7.4.3-03"});
  world.options().repositories = {{domain("das.example"), "/mn-cse/cse"}};
  restart_with_trust();
  world.register_cse("/mn-cse");
  auto& repository = world.peers.cses["//sp.example/mn-cse"];
  ResponsePrimitive answer;
  answer.rsc = Rsc::ok;
  answer.pc = json::parse(
      R"({"m2m:cb":{"m2m:rol":[{"rlid":"sitter@das.example","tkis":"das.example","tkhd":"//sp.example/in-cse/Cguest",
    "tknb":"20240101T000000","tkna":"20250101T000000"}]}})");
  repository.answers = {answer};
  expect(read_as("sitter@das.example"), Rsc::ok);
  ASSERT_THAT(repository.received, SizeIs(1));
  const auto& asked = repository.received.front();
  EXPECT_EQ(asked.op, Operation::retrieve);
  EXPECT_EQ(asked.to, "/mn-cse/cse");
  ASSERT_TRUE(asked.fc);
  EXPECT_EQ(asked.fc->types, std::vector<std::uint32_t>{31});
}

TEST_F(Roles, of_one_request_make_few_questions) {
  world.options().repositories = {{domain("das.example"), "/mn-cse/cse"}};
  restart_with_trust();
  world.register_cse("/mn-cse");
  auto& repository = world.peers.cses["//sp.example/mn-cse"];
  auto request = read();
  for (int i = 0; i < 100; ++i) request.rids.push_back("role" + std::to_string(i) + "@das.example");
  expect(send(request), Rsc::originator_has_no_privilege);
  EXPECT_THAT(repository.received, SizeIs(16));
}

TEST_F(Roles, and_tokens_are_checked_when_they_are_stored) {
  cover({"7.4.2.2-06", "7.4.2.3-02", "7.4.2.3-03", "7.4.2.3-06"});
  const auto assigned = assign("//sp.example/in-cse/Cguest", "sitter@das.example");
  expect(assigned, Rsc::created);
  EXPECT_EQ(World::text(world.retrieve("Sadmin", World::text(assigned, "ri")), "rlid"), "sitter@das.example");
  const auto refused = [&](const std::string& content, Ty ty, const char* why) {
    const auto response = world.create("Sadmin", "-", ty, content);
    expect(response, Rsc::bad_request);
    EXPECT_THAT(World::debug(response), HasSubstr(why));
  };
  refused(
      R"({"m2m:rol":{"rlid":"sitter","tkis":"das.example","tkhd":"//sp.example/in-cse/Cguest","tknb":"20240101T000000","tkna":"20250101T000000"}})",
      Ty::rol, "rlid");
  refused(
      R"({"m2m:rol":{"rlid":"s@das.example","tkis":"das.example","tkhd":"//sp.example/in-cse/Cguest","tknb":"20250101T000000","tkna":"20240101T000000"}})",
      Ty::rol, "tkna");
  refused(
      R"({"m2m:rol":{"rlid":"s@das.example","tkis":"das.example","tkhd":"Cguest","tknb":"20240101T000000","tkna":"20250101T000000"}})",
      Ty::rol, "tkhd");
  const auto jwt = token("t5");
  refused(R"({"m2m:tk":{"tkid":"t6@das.example","tkob":")" + jwt + R"("}})", Ty::tk, "tkid");
  refused(
      R"({"m2m:tk":{"tkid":"t5@das.example","tkob":")" + jwt + R"(","tkhd":"//sp.example/in-cse/Cdoor"}})",
      Ty::tk, "tkhd");
  refused(R"({"m2m:tk":{"tkid":"t5@das.example","tkob":")" + jwt.substr(0, jwt.size() - 4) + R"(AAAA"}})",
          Ty::tk, "tkob");
  const auto stored =
      world.create("Sadmin", "-", Ty::tk, R"({"m2m:tk":{"tkid":"t5@das.example","tkob":")" + jwt + R"("}})");
  expect(stored, Rsc::created);
  EXPECT_EQ(World::text(world.retrieve("Sadmin", World::text(stored, "ri")), "tkob"), jwt);
  EXPECT_EQ(World::text(stored, "tkhd"), "//sp.example/in-cse/Cguest");
  EXPECT_EQ(World::text(stored, "tkis"), "das.example");
  EXPECT_EQ(World::text(stored, "tknb"), "20240601T110000");
  // A token for another CSE, of an issuer that is not known here, can be kept, but nothing can be said of it.
  const Issuer other("other.example");
  const auto foreign = other.sign(other.claims("t1", guest(), world.clock.now()));
  refused(R"({"m2m:tk":{"tkid":"t1@other.example","tkob":")" + foreign + R"(","tkis":"other.example"}})",
          Ty::tk, "tkis");
  expect(world.create("Sadmin", "-", Ty::tk,
                      R"({"m2m:tk":{"tkid":"t1@other.example","tkob":")" + foreign + R"("}})"),
         Rsc::created);
}

// ---- direct ----

class Direct : public Dynamic {
 protected:
  void SetUp() override {
    Dynamic::SetUp();
    expect(world.create("Cdoor", "-/door", Ty::dac,
                        std::string(R"({"m2m:dac":{"rn":"d","dae":true,"dap":[")") + kDas + R"("]}})"),
           Rsc::created);
    expect(world.update("Cdoor", kTarget, R"({"m2m:cnt":{"daci":["cse/door/d"]}})"), Rsc::updated);
  }
  FakePeer& das() { return world.peers.urls[kDas]; }
  void grants(const codec::DasResponse& granted) {
    ResponsePrimitive answer;
    answer.rsc = Rsc::ok;
    answer.pc = codec::to_security_info(granted);
    das().answers.emplace_back(std::move(answer));
  }
  [[nodiscard]] codec::DynamicAcpInfo policy(std::chrono::minutes lifetime = std::chrono::minutes(30)) const {
    return {json::parse(R"({"acr":[{"acor":["/in-cse/Cguest"],"acop":2}]})"), world.clock.now() + lifetime};
  }
};

TEST_F(Direct, a_granted_policy_permits_until_its_end) {
  cover({"7.3.2.2-01", "7.3.2.2-17", "7.3.2.2-T02", "7.3.2.2-T03", "7.3.2.2-T05"});
  grants({.acp = policy(), .tokens = {}});
  expect(send(read()), Rsc::ok);
  ASSERT_THAT(das().received, SizeIs(1));
  EXPECT_EQ(das().received.front().op, Operation::notify);
  EXPECT_EQ(das().received.front().from, "/in-cse");
  const auto message = codec::read_das_message(das().received.front().pc, world.clock.now());
  ASSERT_TRUE(message);
  const auto& asked = std::get<codec::DasRequest>(*message);
  EXPECT_EQ(asked.originator, guest());
  EXPECT_EQ(asked.operation, Operation::retrieve);
  EXPECT_EQ(asked.target_type, 3U);
  EXPECT_EQ(asked.target, "/in-cse/cse/door/state");
  EXPECT_EQ(asked.request_time, world.clock.now());

  expect(send(read()), Rsc::ok);
  EXPECT_THAT(das().received, SizeIs(1)) << "the policy is there, nobody is asked";
  expect(world.retrieve("Cdoor", kTarget), Rsc::ok);
  world.start();
  expect(send(read()), Rsc::ok);
  world.clock.advance(std::chrono::minutes(31));
  grants({});
  expect(send(read()), Rsc::originator_has_no_privilege);
}

TEST_F(Direct, only_what_was_granted) {
  grants({.acp = policy(), .tokens = {}});
  expect(send(read()), Rsc::ok);
  grants({});
  expect(send(world.change("Cguest", kTarget, R"({"m2m:cnt":{"lbl":["x"]}})")),
         Rsc::originator_has_no_privilege);
  // The policy belongs to the CSE: neither the originator nor the owner of the target may change it.
  const auto target = world.retrieve("Sadmin", kTarget);
  auto listing = world.make(Operation::retrieve, "Sadmin", kTarget);
  listing.rcn = codec::ResultContent::child_references;
  const auto children = World::debug(world.send(world.session("Sadmin"), listing));
  EXPECT_THAT(children, HasSubstr("/acp"));
}

TEST_F(Direct, a_grant_that_does_not_help_is_asked_for_once) {
  auto useless = policy();
  useless.privileges = json::parse(R"({"acr":[{"acor":["/in-cse/Cguest"],"acop":4}]})");
  for (int i = 0; i < 5; ++i) grants({.acp = useless, .tokens = {}});
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(das().received, SizeIs(1));
}

TEST_F(Dynamic, privileges_of_a_token_do_not_count_where_self_privileges_decide) {
  expect(
      world.create(
          "Cdoor", "-/door", Ty::acp,
          R"({"m2m:acp":{"rn":"own","pv":{"acr":[]},"pvs":{"acr":[{"acor":["/in-cse/Cdoor"],"acop":63}]}}})"),
      Rsc::created);
  auto all = claims();
  all.permissions = {may_read("/in-cse/cse/door/own")};
  auto request = read("/in-cse/cse/door/own");
  request.tkns = {issuer.sign(all)};
  expect(send(request), Rsc::originator_has_no_privilege);
}

TEST_F(Direct, a_granted_token_belongs_to_every_request_of_its_holder) {
  cover({"7.1.2-01", "7.3.2.2-10", "7.3.2.2-16"});
  grants({.acp = {}, .tokens = {token()}});
  expect(send(read()), Rsc::ok);
  EXPECT_THAT(last_reason(), HasSubstr("t1@das.example"));
  expect(send(read()), Rsc::ok);
  EXPECT_THAT(das().received, SizeIs(1));
  world.clock.advance(std::chrono::hours(2));
  grants({});
  expect(send(read()), Rsc::originator_has_no_privilege);
}

TEST_F(Direct, a_token_of_another_issuer_holder_cse_or_time_is_not_used) {
  cover({"7.3.2.2-09", "7.3.2.2-11", "7.3.2.2-12", "7.3.2.2-13", "7.3.2.2-14", "7.3.2.2-15"});
  const Issuer second("second.example");
  ASSERT_TRUE(world.cse->trust({.issuers = {issuer.trusted(), second.trusted()}, .own_keys = {}}));
  const auto refused = [&](const std::string& jwt) {
    grants({.acp = {}, .tokens = {jwt}});
    expect(send(read()), Rsc::originator_has_no_privilege);
    world.clock.advance(std::chrono::seconds(5));
  };
  auto all = second.claims("x", guest(), world.clock.now());
  all.permissions = {may_read()};
  refused(second.sign(all));
  all = issuer.claims("x", ae_id("/in-cse/Cdoor"), world.clock.now());
  all.permissions = {may_read()};
  refused(issuer.sign(all));
  all = claims();
  all.permissions = {may_read()};
  all.audience = {"//sp.example/mn-cse"};
  refused(issuer.sign(all));
  all = claims();
  all.permissions = {may_read()};
  all.not_after = world.clock.now();
  refused(issuer.sign(all));
}

TEST_F(Direct, down_slow_denying_or_talking_nonsense_means_denied) {
  das().answers = {fail(ErrorCode::unavailable, "down")};
  expect(send(read()), Rsc::originator_has_no_privilege);
  world.clock.advance(std::chrono::seconds(5));
  das().answers = {fail(ErrorCode::expired, "slow")};
  expect(send(read()), Rsc::originator_has_no_privilege);
  world.clock.advance(std::chrono::seconds(5));
  ResponsePrimitive nonsense;
  nonsense.rsc = Rsc::ok;
  nonsense.pc = json::parse(R"({"m2m:seci":{"sit":9}})");
  das().answers = {nonsense};
  expect(send(read()), Rsc::originator_has_no_privilege);
  world.clock.advance(std::chrono::seconds(5));
  auto unreadable = policy();
  unreadable.privileges = json::parse(R"({"acr":[{"acor":["all"],"acop":64}]})");
  grants({.acp = unreadable, .tokens = {}});
  expect(send(read()), Rsc::originator_has_no_privilege);
  world.clock.advance(std::chrono::seconds(5));
  grants({.acp = policy(std::chrono::minutes(-1)), .tokens = {}});
  expect(send(read()), Rsc::originator_has_no_privilege);
}

TEST_F(Direct, a_denial_is_not_asked_for_again_at_once) {
  grants({});
  grants({});
  expect(send(read()), Rsc::originator_has_no_privilege);
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(das().received, SizeIs(1));
  world.clock.advance(std::chrono::seconds(3));
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(das().received, SizeIs(2));
}

TEST_F(Direct, nobody_is_asked_where_a_policy_permits) {
  expect(world.retrieve("Cdoor", kTarget), Rsc::ok);
  expect(world.retrieve("Sadmin", kTarget), Rsc::ok);
  EXPECT_THAT(das().received, SizeIs(0));
}

TEST_F(Direct, nobody_is_asked_for_a_consultation_that_is_switched_off_or_over) {
  grants({.acp = policy(), .tokens = {}});
  expect(world.update("Cdoor", "-/door/d", R"({"m2m:dac":{"dae":false}})"), Rsc::updated);
  expect(send(read()), Rsc::originator_has_no_privilege);
  expect(world.update("Cdoor", "-/door/d", R"({"m2m:dac":{"dae":true,"dal":"20240601T115959"}})"),
         Rsc::updated);
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(das().received, SizeIs(0));
  expect(world.update("Cdoor", "-/door/d", R"({"m2m:dac":{"dal":"20240601T121000"}})"), Rsc::updated);
  expect(send(read()), Rsc::ok);
  world.clock.advance(std::chrono::minutes(11));
  expect(send(read()), Rsc::originator_has_no_privilege);  // dal ends the granted policy too
}

TEST_F(Direct, a_consultation_holds_for_what_is_below_and_by_default) {
  expect(world.create("Cdoor", "-/door/state", Ty::cnt, R"({"m2m:cnt":{"rn":"inner"}})"), Rsc::created);
  grants({.acp = policy(), .tokens = {}});
  expect(send(read("/in-cse/cse/door/state/inner")), Rsc::ok);
  expect(world.create("Cdoor", "-/door", Ty::cnt, R"({"m2m:cnt":{"rn":"plain"}})"), Rsc::created);
  expect(send(read("/in-cse/cse/door/plain")), Rsc::originator_has_no_privilege);
  world.options().default_consultation = "cse/door/d";
  restart_with_trust();
  grants({.acp = policy(), .tokens = {}});
  expect(send(read("/in-cse/cse/door/plain")), Rsc::ok);
}

TEST_F(Direct, a_consultation_names_a_server_of_the_operator) {
  const auto refused = world.create("Cdoor", "-/door", Ty::dac,
                                    R"({"m2m:dac":{"dae":true,"dap":["https://evil.example/das"]}})");
  expect(refused, Rsc::bad_request);
  EXPECT_THAT(World::debug(refused), HasSubstr("dap"));
  expect(world.update("Cdoor", "-/door/d", R"({"m2m:dac":{"dap":["https://evil.example/das"]}})"),
         Rsc::bad_request);
  expect(world.update("Cdoor", kTarget, R"({"m2m:cnt":{"daci":["cse/door"]}})"), Rsc::bad_request);
}

TEST_F(Direct, the_server_learns_the_roles_that_would_permit) {
  cover({"7.3.2.2-T01"});
  expect(
      world.create(
          "Cdoor", "-/door", Ty::acp,
          R"({"m2m:acp":{"rn":"p","pv":{"acr":[{"acor":["sitter@das.example","cook@other.example"],"acop":2},{"acor":["writer@das.example"],"acop":4},{"acor":["/in-cse/Cdoor"],"acop":63}]},
                          "pvs":{"acr":[{"acor":["/in-cse/Cdoor"],"acop":63}]}}})"),
      Rsc::created);
  expect(world.update("Cdoor", kTarget, R"({"m2m:cnt":{"acpi":["cse/door/p"]}})"), Rsc::updated);
  grants({});
  expect(send(read()), Rsc::originator_has_no_privilege);
  ASSERT_THAT(das().received, SizeIs(1));
  const auto message = codec::read_das_message(das().received.front().pc, world.clock.now());
  ASSERT_TRUE(message);
  EXPECT_EQ(std::get<codec::DasRequest>(*message).roles_from_acps,
            std::vector<std::string>{"sitter@das.example"});
}

TEST_F(Direct, a_policy_resource_and_a_polling_channel_are_nobody_elses_to_grant) {
  expect(world.create("Cdoor", "-/door", Ty::pch, R"({"m2m:pch":{"rn":"c"}})"), Rsc::created);
  expect(world.update("Cdoor", "-/door", R"({"m2m:ae":{"daci":["cse/door/d"]}})"), Rsc::updated);
  grants({.acp = policy(), .tokens = {}});
  expect(send(read("/in-cse/cse/door/c")), Rsc::originator_has_no_privilege);
  EXPECT_THAT(das().received, SizeIs(0));
}

TEST_F(Direct, equal_questions_are_asked_once_and_answered_to_all) {
  das().hold = true;
  const auto first = world.begin(world.session("Cguest"), read());
  const auto second = world.begin(world.session("Cguest"), read());
  EXPECT_FALSE(first->has_value() || second->has_value());
  ASSERT_THAT(das().held, SizeIs(1));
  grants({.acp = policy(), .tokens = {}});
  das().held.front()();
  world.executor.run_posted();  // the granted policy is on the disk before anybody is answered by it
  ASSERT_TRUE(first->has_value() && second->has_value());
  expect(**first, Rsc::ok);
  expect(**second, Rsc::ok);
}

TEST_F(Direct, an_originator_has_few_questions_under_way_and_all_together_not_many) {
  world.options().consultations_per_originator = 2;
  world.options().consultations_max = 3;
  restart_with_trust();
  das().hold = true;
  for (const char* name : {"a", "b", "c", "d"})
    expect(world.create("Cdoor", "-/door/state", Ty::cnt,
                        std::string(R"({"m2m:cnt":{"rn":")") + name + R"("}})"),
           Rsc::created);
  const auto ask = [&](const char* who, const std::string& name) {
    return world.begin(world.session(who),
                       world.make(Operation::retrieve, who, "/in-cse/cse/door/state/" + name));
  };
  const auto one = ask("Cguest", "a"), two = ask("Cguest", "b");
  EXPECT_FALSE(one->has_value() || two->has_value());
  const auto three = ask("Cguest", "c");
  ASSERT_TRUE(three->has_value());
  expect(**three, Rsc::originator_has_no_privilege);
  world.register_ae("Cother", "other");
  const auto of_other = ask("Cother", "a");
  EXPECT_FALSE(of_other->has_value());
  const auto fourth = ask("Cother", "b");
  ASSERT_TRUE(fourth->has_value());
  expect(**fourth, Rsc::originator_has_no_privilege);
  grants({});
  das().held.front()();
  ASSERT_TRUE(one->has_value());
  EXPECT_FALSE(ask("Cother", "c")->has_value()) << "there is room again";
}

TEST_F(Direct, a_target_that_goes_meanwhile_gets_no_policy) {
  das().hold = true;
  const auto waiting = world.begin(world.session("Cguest"), read());
  expect(world.remove("Cdoor", kTarget), Rsc::deleted);
  grants({.acp = policy(), .tokens = {}});
  das().held.front()();
  ASSERT_TRUE(waiting->has_value());
  expect(**waiting, Rsc::not_found);
}

TEST_F(Direct, a_granted_policy_goes_with_its_target) {
  grants({.acp = policy(), .tokens = {}});
  expect(send(read()), Rsc::ok);
  const auto before = world.cse->counters().resources;
  expect(world.remove("Cdoor", kTarget), Rsc::deleted);
  EXPECT_EQ(world.cse->counters().resources, before - 2);
}

// ---- indirect ----

TEST_F(Direct, a_denied_originator_that_asks_is_told_where_to_get_a_token) {
  cover({"7.3.2.3-01"});
  grants({});
  auto request = read();
  request.tqi = true;
  const auto denied = send(request);
  expect(denied, Rsc::originator_has_no_privilege);
  const auto infos = codec::read_token_request_info(denied.tqf, world.clock.now());
  ASSERT_TRUE(infos) << infos.error().detail;
  ASSERT_THAT(*infos, SizeIs(1));
  EXPECT_EQ(infos->front().uri, kDas);
  ASSERT_TRUE(infos->front().request);
  EXPECT_EQ(infos->front().request->originator, guest());
  expect(world.update("Cdoor", "-/door/d", R"({"m2m:dac":{"dae":false}})"), Rsc::updated);
  request.rqi = "off";
  EXPECT_FALSE(send(request).tqf.is_null()) << "dae is about asking directly";
  auto silent = read();
  EXPECT_TRUE(send(silent).tqf.is_null());
  auto permitted = read();
  permitted.tqi = true;
  permitted.tkns = {token()};
  const auto response = send(permitted);
  expect(response, Rsc::ok);
  EXPECT_TRUE(response.tqf.is_null());
}

// ---- places (Annex F) ----

/// Opens only to guests within 200 m of the house.
class Place : public Dynamic {
 protected:
  void SetUp() override {
    Dynamic::SetUp();
    world.options().location = &places;
    restart_with_trust();
    expect(
        world.create(
            "Cdoor", "-/door", Ty::acp,
            R"({"m2m:acp":{"rn":"near","pv":{"acr":[{"acor":["/in-cse/Cguest"],"acop":2,"acco":[{"aclr":{"accr":[48.85,2.35,200]}}]},
                            {"acor":["/in-cse/Cdoor"],"acop":63}]},"pvs":{"acr":[{"acor":["/in-cse/Cdoor"],"acop":63}]}}})"),
        Rsc::created);
    expect(world.update("Cdoor", kTarget, R"({"m2m:cnt":{"acpi":["cse/door/near"]}})"), Rsc::updated);
  }
  void guest_is_at(double latitude, double longitude) {
    ResponsePrimitive answer;
    answer.rsc = Rsc::ok;
    answer.pc = json::object{
        {"terminalLocationList",
         json::object{{"terminalLocation",
                       json::object{{"address", "//sp.example/in-cse/Cguest"},
                                    {"locationRetrievalStatus", "Retrieved"},
                                    {"currentLocation", codec::to_json(codec::Fix{latitude, longitude, 20,
                                                                                  world.clock.now()})}}}}}};
    network.answers = {answer};
  }
  FakePeer network;
  LocationServer server{{.url = "https://location.example/location/v1", .notify_url = {}}, network};
  LocationInformation places{{}, &server, nullptr, world.executor, world.clock};
};

TEST_F(Place, of_the_originator_decides_and_is_asked_for_when_it_is_not_known) {
  cover({"7.1.2-T10", "F.0-01", "F.2.0-01", "F.2.1-01", "F.2.1-05"});
  guest_is_at(48.8501, 2.3501);
  expect(send(read()), Rsc::ok);
  EXPECT_THAT(network.received, SizeIs(1));
  expect(send(read()), Rsc::ok);
  EXPECT_THAT(network.received, SizeIs(1)) << "it is known";
  world.clock.advance(std::chrono::minutes(2));
  guest_is_at(48.9, 2.35);
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(network.received, SizeIs(2));
}

TEST_F(Place, that_is_not_known_is_outside) {
  network.answers = {fail(ErrorCode::unavailable, "down")};
  expect(send(read()), Rsc::originator_has_no_privilege);
}

TEST_F(Place, is_asked_for_only_if_the_decision_hangs_on_it) {
  expect(world.retrieve("Cdoor", kTarget), Rsc::ok);
  expect(world.retrieve("Sadmin", kTarget), Rsc::ok);
  expect(send(read("/in-cse/cse/door")), Rsc::originator_has_no_privilege);
  auto write = world.change("Cguest", kTarget, R"({"m2m:cnt":{"lbl":["x"]}})");
  expect(send(write), Rsc::originator_has_no_privilege);
  EXPECT_THAT(network.received, SizeIs(0));
}

/// A target without policies, for which a DAS Server is asked.
class PlaceForDas : public Place {
 protected:
  void ask_with(bool wants_place) {
    world.options().das_servers.front().wants_place = wants_place;
    restart_with_trust();
    expect(world.create("Cdoor", "-/door", Ty::dac,
                        std::string(R"({"m2m:dac":{"rn":"d","dae":true,"dap":[")") + kDas + R"("]}})"),
           Rsc::created);
    expect(world.create("Cdoor", "-/door", Ty::cnt, R"({"m2m:cnt":{"rn":"box","daci":["cse/door/d"]}})"),
           Rsc::created);
    expect(send(read("/in-cse/cse/door/box")), Rsc::originator_has_no_privilege);
  }
  std::optional<codec::OriginatorLocation> told() {
    const auto& received = world.peers.urls[kDas].received;
    EXPECT_THAT(received, SizeIs(1));
    const auto message = received.empty()
                             ? codec::Outcome<codec::DasMessage>(codec::refuse(Rsc::not_found, ""))
                             : codec::read_das_message(received.front().pc, world.clock.now());
    EXPECT_TRUE(message);
    return message ? std::get<codec::DasRequest>(*message).originator_location : std::nullopt;
  }
};

TEST_F(PlaceForDas, is_obtained_first_if_the_das_decides_by_it) {
  world.peers.urls[kDas];
  guest_is_at(48.85, 2.35);
  ask_with(true);
  EXPECT_THAT(network.received, SizeIs(1));
  const auto place = told();
  ASSERT_TRUE(place && place->circle);
  EXPECT_EQ((*place->circle)[0], 48.85);
  EXPECT_EQ((*place->circle)[1], 2.35);
}

TEST_F(PlaceForDas, that_the_network_does_not_tell_keeps_the_das_from_nothing) {
  world.peers.urls[kDas];
  network.answers = {fail(ErrorCode::unavailable, "down")};
  ask_with(true);
  EXPECT_THAT(network.received, SizeIs(1));
  EXPECT_FALSE(told());
}

TEST_F(PlaceForDas, is_nobodys_business_otherwise) {
  world.peers.urls[kDas];
  ask_with(false);
  EXPECT_THAT(network.received, SizeIs(0));
  EXPECT_FALSE(told());
}

TEST_F(Place, is_told_in_explanations) {
  const auto at = [&](std::optional<authz::Location> location) {
    Hypothetical question{"Cguest", "retrieve", kTarget};
    question.location = std::move(location);
    return world.cse->explain(question);
  };
  EXPECT_THAT(at(std::nullopt), HasSubstr("is not known"));
  authz::Location place;
  place.coordinates = {48.9, 2.35};
  EXPECT_THAT(at(place), HasSubstr("outside the region"));
  place.coordinates = {48.85, 2.35};
  EXPECT_THAT(at(place), HasSubstr("permitted"));
}

}  // namespace
}  // namespace latchkey::cse::test
