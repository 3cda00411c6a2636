/// TS-0003 7.2.1, 6.1.2.2.1, 7.1.2: who may say who it is, over which connection.
#include "cover.h"
#include "support/world.h"

namespace latchkey::cse::test {
namespace {

using latchkey::test::cover;

constexpr std::string_view kAe = R"({"m2m:ae":{"api":"Napp","rr":false,"srv":["2a"]}})";

constexpr auto kNotRegistered = Rsc::originator_has_not_registered;

Rsc retrieve_base(World& world, const Via& how, std::string_view from) {
  return world.send(how, world.make(Operation::retrieve, from, "-")).rsc;
}

struct FromCase {
  const char* name;
  const char* identity;  ///< of the TLS session
  const char* from;
  Rsc want;
};
void PrintTo(const FromCase& c, std::ostream* out) { *out << c.name; }
std::string name_of(const testing::TestParamInfo<FromCase>& info) { return info.param.name; }

class Associated : public testing::TestWithParam<FromCase> {};

/// 7.2.1 steps 2 to 4 at an IN-CSE with two AEs and two MN-CSEs registered.
TEST_P(Associated, from_is_compared_with_the_association) {
  cover({"7.2.1-01", "7.2.1-02", "7.2.1-03", "7.2.1-04"});
  World world;
  world.register_ae("C1", "one");
  world.register_ae("S2", "two");
  world.register_cse("/mn-a");
  world.register_cse("/mn-b");
  EXPECT_EQ(retrieve_base(world, tls_of(GetParam().identity), GetParam().from), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Ae, Associated,
    testing::Values(FromCase{"same_stem", "/in-cse/C1", "C1", Rsc::ok},
                    FromCase{"same_sp_relative", "/in-cse/C1", "/in-cse/C1", Rsc::ok},
                    FromCase{"same_absolute", "/in-cse/C1", "//sp.example/in-cse/C1", Rsc::ok},
                    FromCase{"same_s_type", "/S2", "S2", Rsc::ok},
                    FromCase{"another_ae", "/in-cse/C1", "S2", kNotRegistered},
                    FromCase{"a_cse", "/in-cse/C1", "/mn-a", kNotRegistered},
                    FromCase{"the_administrator", "/in-cse/C1", "Sadmin", kNotRegistered},
                    FromCase{"another_service_provider", "/S2", "//other.example/S2", kNotRegistered},
                    FromCase{"stem_of_another_registrar", "/mn-a/C1", "C1", kNotRegistered},
                    FromCase{"other_case", "/S2", "s2", kNotRegistered},
                    FromCase{"with_blank", "/S2", "S2 ", kNotRegistered},
                    FromCase{"not_registered", "/S3", "S3", kNotRegistered}),
    name_of);
INSTANTIATE_TEST_SUITE_P(
    Cse, Associated,
    testing::Values(FromCase{"itself", "/mn-a", "/mn-a", Rsc::ok},
                    FromCase{"itself_absolute", "/mn-a", "//sp.example/mn-a", Rsc::ok},
                    FromCase{"another_registree", "/mn-a", "/mn-b", kNotRegistered},
                    FromCase{"the_administrator", "/mn-a", "/Sadmin", kNotRegistered},
                    FromCase{"the_administrator_absolute", "/mn-a", "//sp.example/Sadmin", kNotRegistered},
                    FromCase{"ourselves", "/mn-a", "/in-cse", kNotRegistered},
                    FromCase{"bare_c_stem", "/mn-a", "C9", kNotRegistered},
                    FromCase{"ae_of_another_registree", "/mn-a", "/mn-b/C9", kNotRegistered},
                    FromCase{"ae_of_ours", "/mn-a", "/in-cse/C1", kNotRegistered},
                    FromCase{"s_type_ae_of_ours", "/mn-a", "/S2", kNotRegistered},
                    FromCase{"not_registered_cse", "/mn-z", "/mn-z", kNotRegistered},
                    FromCase{"forwarding_without_registration", "/mn-z", "/mn-z/C9", kNotRegistered},
                    // Identified, but no policy lets a forwarded originator read the CSEBase.
                    FromCase{"its_own_ae", "/mn-a", "/mn-a/C9", Rsc::originator_has_no_privilege},
                    FromCase{"s_type_ae_behind_it", "/mn-a", "/S9", Rsc::originator_has_no_privilege},
                    FromCase{"cse_that_it_does_not_list", "/mn-a", "/mn-deep", kNotRegistered},
                    FromCase{"ae_of_a_cse_that_it_does_not_list", "/mn-a", "/mn-deep/C9", kNotRegistered}),
    name_of);

// What a CSE may not say for others, at an IN-CSE where /mn-b lists /mn-deep as its descendant, /mn-a nobody,
// and the IN-CSE of another service provider is registered too.

class HopsTest : public testing::Test {
 protected:
  static void build(World& world) {
    world.register_ae("C1", "one");
    world.register_ae("S2", "two");
    world.register_cse("/mn-a");
    const auto b =
        world.create("/mn-b", "-", Ty::csr,
                     R"({"m2m:csr":{"rn":"b","cb":"/mn-b/cse","rr":true,"srv":["2a"],"dcse":["/mn-deep"]}})");
    ASSERT_EQ(b.rsc, Rsc::created) << World::debug(b);
    const auto partner =
        world.create("//partner.example/in-cse", "-", Ty::csr,
                     R"({"m2m:csr":{"cb":"//partner.example/in-cse/cse","rr":true,"srv":["2a"]}})");
    ASSERT_EQ(partner.rsc, Rsc::created) << World::debug(partner);
  }
};

class Hops : public HopsTest, public testing::WithParamInterface<FromCase> {};

TEST_P(Hops, nobody_is_spoken_for_by_whom_he_is_not_behind) {
  cover({"7.2.1-02", "7.2.1-03"});
  World world;
  build(world);
  EXPECT_EQ(retrieve_base(world, tls_of(GetParam().identity), GetParam().from), GetParam().want);
  EXPECT_EQ(world.audit.events().back().id == AuditEventId::originator_refused,
            GetParam().want == kNotRegistered);
}

// Identified, and then denied: no policy lets a forwarded originator read the CSEBase.
constexpr auto kIdentified = Rsc::originator_has_no_privilege;
INSTANTIATE_TEST_SUITE_P(
    Below, Hops,
    testing::Values(
        FromCase{"ae_of_a_listed_descendant", "/mn-b", "/mn-deep/C9", kIdentified},
        FromCase{"listed_descendant", "/mn-b", "/mn-deep", kIdentified},
        FromCase{"ae_of_the_descendant_of_another", "/mn-a", "/mn-deep/C9", kNotRegistered},
        FromCase{"the_same_absolute", "/mn-a", "//sp.example/mn-deep/C9", kNotRegistered},
        FromCase{"descendant_of_another", "/mn-a", "/mn-deep", kNotRegistered},
        FromCase{"ae_of_a_cse_that_nobody_lists", "/mn-a", "/mn-z/C9", kNotRegistered},
        FromCase{"cse_that_nobody_lists", "/mn-b", "/mn-z", kNotRegistered},
        FromCase{"ae_of_an_unlisted_cse_absolute", "/mn-b", "//sp.example/mn-z/C9", kNotRegistered},
        FromCase{"own_ae_absolute", "/mn-a", "//sp.example/mn-a/C9", kIdentified},
        FromCase{"ae_of_another_registree_absolute", "/mn-a", "//sp.example/mn-b/C9", kNotRegistered},
        FromCase{"ae_of_another_registree_other_case_of_sp", "/mn-a", "//SP.Example/mn-b/C9", kNotRegistered},
        FromCase{"ae_of_ours_absolute", "/mn-a", "//sp.example/in-cse/C1", kNotRegistered},
        FromCase{"s_type_ae_of_ours_absolute", "/mn-a", "//sp.example/S2", kNotRegistered},
        FromCase{"s_type_ae_of_ours_as_stem", "/mn-a", "S2", kNotRegistered},
        FromCase{"ourselves_absolute", "/mn-a", "//sp.example/in-cse", kNotRegistered},
        FromCase{"c_stem_of_ours", "/mn-a", "C1", kNotRegistered},
        FromCase{"below_an_ae", "/mn-a", "/mn-a/C9/x", kNotRegistered},
        FromCase{"any_c", "/mn-a", "C", kNotRegistered}),
    name_of);
INSTANTIATE_TEST_SUITE_P(
    OtherServiceProviders, Hops,
    testing::Values(
        FromCase{"their_cse_itself", "//partner.example/in-cse", "//partner.example/in-cse", kIdentified},
        FromCase{"their_ae", "//partner.example/in-cse", "//partner.example/in-cse/C1", kIdentified},
        FromCase{"their_ae_further_down", "//partner.example/in-cse", "//partner.example/mn/C1", kIdentified},
        FromCase{"their_s_type_ae", "//partner.example/in-cse", "//partner.example/S2", kIdentified},
        FromCase{"an_s_type_ae_of_our_sp", "//partner.example/in-cse", "/S9", kNotRegistered},
        FromCase{"an_s_type_ae_of_our_sp_absolute", "//partner.example/in-cse", "//sp.example/S9",
                 kNotRegistered},
        FromCase{"an_unknown_ae_of_our_sp", "//partner.example/in-cse", "/mn-z/C1", kNotRegistered},
        FromCase{"our_registree", "//partner.example/in-cse", "/mn-a", kNotRegistered},
        FromCase{"ourselves", "//partner.example/in-cse", "/in-cse", kNotRegistered},
        FromCase{"an_ae_of_a_third_one", "//partner.example/in-cse", "//third.example/in-cse/C1",
                 kNotRegistered},
        FromCase{"a_third_one_from_below", "/mn-a", "//third.example/in-cse/C1", kNotRegistered},
        FromCase{"s_type_of_a_third_one_from_below", "/mn-a", "//third.example/S1", kNotRegistered},
        FromCase{"the_partner_from_below", "/mn-a", "//partner.example/in-cse", kNotRegistered},
        FromCase{"the_partners_ae_from_below", "/mn-a", "//partner.example/in-cse/C1", kNotRegistered}),
    name_of);

/// The operator has registrees that do not list their descendants (decision 0033).
TEST_F(HopsTest, unlisted_descendants_are_spoken_for_if_the_operator_says_so) {
  cover({"7.2.1-02"});
  auto options = World::in_options();
  options.unlisted_descendants = true;
  World world(options);
  build(world);
  EXPECT_EQ(retrieve_base(world, tls_of("/mn-a"), "/mn-z/C9"), kIdentified);
  EXPECT_EQ(retrieve_base(world, tls_of("/mn-a"), "/mn-z"), kIdentified);
  EXPECT_EQ(retrieve_base(world, tls_of("/mn-a"), "/mn-deep/C9"), kNotRegistered) << "another one lists it";
  EXPECT_EQ(retrieve_base(world, tls_of("/mn-a"), "/mn-b/C9"), kNotRegistered);
}

TEST(HopsOfAnMnCse, its_registrar_speaks_for_everybody_but_those_below) {
  cover({"7.2.1-02", "7.2.1-03"});
  auto options = World::mn_options();
  options.registrar = cse_id("/in-cse");
  World world(options);
  world.register_ae("C1", "one");
  world.register_ae("S2", "two");
  ASSERT_EQ(world
                .create("/asn-x", "-", Ty::csr,
                        R"({"m2m:csr":{"cb":"/asn-x/cse","rr":true,"srv":["2a"],"dcse":["/adn-deep"]}})")
                .rsc,
            Rsc::created);
  for (const auto* from : {"/in-cse/C1", "/S9", "/mn-other/C1", "/mn-other", "//other.example/in-cse/C1",
                           "//other.example/S1", "//other.example/in-cse"})
    EXPECT_EQ(retrieve_base(world, tls_of("/in-cse"), from), kIdentified) << from;
  for (const auto* from : {"/mn-cse/C1", "//sp.example/mn-cse/C1", "C1", "/S2", "S2", "/mn-cse", "/asn-x",
                           "/asn-x/C5", "/adn-deep", "/adn-deep/C5", "/Sadmin"})
    EXPECT_EQ(retrieve_base(world, tls_of("/in-cse"), from), kNotRegistered) << from;
  // And its registree speaks for nobody above.
  for (const auto* from : {"/in-cse", "/in-cse/C1", "//other.example/in-cse/C1", "/mn-cse/C1"})
    EXPECT_EQ(retrieve_base(world, tls_of("/asn-x"), from), kNotRegistered) << from;
}

TEST(HopsOfAnInCse, a_descendant_that_two_claim_is_spoken_for_by_neither) {
  World world;
  for (const auto* cse : {"/mn-a", "/mn-b"}) {
    const auto made = world.create(
        cse, "-", Ty::csr,
        R"({"m2m:csr":{"cb":")" + std::string(cse) + R"(/cse","rr":true,"srv":["2a"],"dcse":["/mn-deep"]}})");
    ASSERT_EQ(made.rsc, Rsc::created) << World::debug(made);
  }
  for (const auto* cse : {"/mn-a", "/mn-b"})
    EXPECT_EQ(retrieve_base(world, tls_of(cse), "/mn-deep/C9"), kNotRegistered) << cse;
}

TEST(HopsOfAnInCse, a_cse_of_another_service_provider_does_not_take_a_name_of_ours) {
  World world;
  world.register_cse("/mn-a");
  const auto posing = world.create("//partner.example/mn-a", "-", Ty::csr,
                                   R"({"m2m:csr":{"csi":"/mn-a","cb":"/mn-a/cse","rr":true,"srv":["2a"]}})");
  EXPECT_EQ(posing.rsc, Rsc::bad_request) << "that is our /mn-a";
  const auto honest =
      world.create("//partner.example/mn-a", "-", Ty::csr,
                   R"({"m2m:csr":{"cb":"//partner.example/mn-a/cse","rr":true,"srv":["2a"]}})");
  ASSERT_EQ(honest.rsc, Rsc::created) << World::debug(honest);
  EXPECT_EQ(World::text(honest, "csi"), "//partner.example/mn-a");
  world.peers.cses["//sp.example/mn-a"];
  world.peers.cses["//partner.example/mn-a"];
  world.register_ae("C1", "one");
  EXPECT_EQ(world.retrieve("C1", "/mn-a/cse/x").rsc, Rsc::ok);
  EXPECT_EQ(world.peers.cses["//sp.example/mn-a"].received.size(), 1U) << "requests for ours go to ours";
  EXPECT_TRUE(world.peers.cses["//partner.example/mn-a"].received.empty());
  EXPECT_EQ(world.retrieve("C1", "//partner.example/mn-a/cse/x").rsc, Rsc::ok);
  ASSERT_EQ(world.peers.cses["//partner.example/mn-a"].received.size(), 1U);
  EXPECT_EQ(world.peers.cses["//partner.example/mn-a"].received[0].from, "//sp.example/in-cse/C1")
      << "beyond the service provider in full";
}

TEST(Associated, an_absent_from_is_nobodys_where_several_could_be_meant) {
  cover({"7.2.1-03"});
  World world;
  tls::SecurityContext context;
  context.framework = tls::Framework::certificate;
  context.allowed_ae_ids = {ae_id("/in-cse/C1"), ae_id("/in-cse/C2")};
  const auto session = via(context);
  const auto first = world.send(session, world.creation("", "-", Ty::ae, kAe));
  EXPECT_EQ(World::text(first, "aei"), "C1") << World::debug(first);
  EXPECT_EQ(retrieve_base(world, session, ""), Rsc::bad_request) << "only a registration may leave it out";
  EXPECT_EQ(retrieve_base(world, session, "C"), kNotRegistered);
  EXPECT_EQ(World::text(world.send(session, world.creation("", "-", Ty::ae, kAe)), "aei"), "C2");
  EXPECT_EQ(world.send(session, world.creation("", "-", Ty::ae, kAe)).rsc,
            Rsc::originator_has_already_registered)
      << "none is left, and no third one is made up";
  EXPECT_EQ(retrieve_base(world, tls_of("/in-cse/C1"), ""), Rsc::bad_request);
}

TEST(Associated, an_ae_of_another_registrar_is_nobody_here) {
  World world;
  world.register_ae("C1", "one");
  world.register_cse("/mn-a");
  for (const auto* from : {"C1", "/in-cse/C1", "//sp.example/in-cse/C1", "/mn-a/C1", "//sp.example/mn-a/C1"})
    EXPECT_EQ(retrieve_base(world, tls_of("/mn-a/C1"), from), kNotRegistered) << from;
  EXPECT_EQ(world.send(tls_of("/mn-a/C1"), world.creation("C1", "-", Ty::ae, kAe)).rsc, kNotRegistered);
  EXPECT_EQ(world.send(tls_of("/mn-a/C1"), world.creation("/mn-a/C1", "-", Ty::ae, kAe)).rsc, kNotRegistered);
}

TEST(Associated, a_refused_originator_is_audited) {
  World world;
  world.register_ae("C1", "one");
  retrieve_base(world, tls_of("/in-cse/C1"), "S2");
  const auto event = world.audit.events().back();
  EXPECT_EQ(event.id, AuditEventId::originator_refused);
  EXPECT_EQ(event.originator, "S2");
  EXPECT_EQ(event.credential_id, "psk");
  EXPECT_EQ(event.status, 4106);
  EXPECT_EQ(world.cse->counters().refused_originator, 1U);
}

TEST(Associated, an_expired_credential_refuses_the_next_request_of_its_session) {
  World world;
  world.register_ae("C1", "one");
  auto context = *tls_of("/in-cse/C1").security;
  context.valid_until = world.clock.now() + std::chrono::seconds(1);
  const auto session = via(context);
  EXPECT_EQ(retrieve_base(world, session, "C1"), Rsc::ok);
  world.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(retrieve_base(world, session, "C1"), Rsc::security_association_required);
}

TEST(Associated, a_device_credential_allows_each_of_its_ae_ids_and_no_other) {
  cover({"7.2.1-03", "7.2.1-04"});
  World world;
  tls::SecurityContext context;
  context.framework = tls::Framework::certificate;
  context.allowed_ae_ids = {ae_id("/in-cse/C1"), ae_id("/S2")};
  const auto session = via(context);
  EXPECT_EQ(world.send(session, world.creation("C1", "-", Ty::ae, kAe)).rsc, Rsc::created);
  EXPECT_EQ(world.send(session, world.creation("S2", "-", Ty::ae, kAe)).rsc, Rsc::created);
  EXPECT_EQ(world.send(session, world.creation("S3", "-", Ty::ae, kAe)).rsc, kNotRegistered);
  EXPECT_EQ(retrieve_base(world, session, "C1"), Rsc::ok);
  EXPECT_EQ(retrieve_base(world, session, "C2"), kNotRegistered);
}

TEST(Associated, a_session_without_an_identity_is_nobody) {
  World world;
  tls::SecurityContext context;
  context.framework = tls::Framework::certificate;
  context.identity = EntityId(*Fqdn::parse("maf.example"));
  EXPECT_EQ(world.send(via(context), world.creation("C1", "-", Ty::ae, kAe)).rsc, kNotRegistered);
  EXPECT_EQ(world.send(via(context), world.creation("", "-", Ty::ae, kAe)).rsc, kNotRegistered);
}

// 6.1.2.2.1: without an association.

TEST(Plain, an_in_cse_serves_nobody_whatever_the_request) {
  cover({"6.1.2.2.1-T01", "6.1.2.2.1-T02", "6.1.2.2.1-T03"});
  World world;
  world.register_ae("C1", "one");
  for (const auto* from : {"C1", "S2", "Sadmin", "/mn-a", "//other.example/in-cse", ""}) {
    EXPECT_EQ(retrieve_base(world, plain(), from), Rsc::security_association_required) << from;
  }
  EXPECT_EQ(world.send(plain(), world.creation("", "-", Ty::ae, kAe)).rsc,
            Rsc::security_association_required);
  auto malformed = world.make(Operation::create, "", "");
  EXPECT_EQ(world.send(plain(), malformed).rsc, Rsc::security_association_required);
}

TEST(Plain, an_mn_cse_serves_registered_aes_of_the_field_domain_only) {
  cover({"6.1.2.2.1-T02", "6.1.2.2.1-T04"});
  World world(World::mn_options());
  EXPECT_EQ(world.send(plain(), world.creation("Clock", "-", Ty::ae, kAe)).rsc, Rsc::created);
  EXPECT_EQ(world.send(plain(), world.make(Operation::retrieve, "Clock", "Clock")).rsc, Rsc::ok);
  EXPECT_EQ(retrieve_base(world, plain(), "Cother"), kNotRegistered);
  EXPECT_EQ(retrieve_base(world, plain(), "/Sother"), kNotRegistered);
  EXPECT_EQ(retrieve_base(world, plain(), "/in-cse"), Rsc::security_association_required);
  EXPECT_EQ(retrieve_base(world, plain(), "//other.example/cse"), Rsc::security_association_required);
}

TEST(Plain, an_mn_cse_outside_a_field_domain_wants_an_association) {
  cover({"6.1.2.2.1-T04", "6.1.2.2.1-T05"});
  auto options = World::mn_options();
  options.field_domain = false;
  World world(options);
  EXPECT_EQ(world.send(plain(), world.creation("Clock", "-", Ty::ae, kAe)).rsc,
            Rsc::security_association_required);
  world.register_ae("Clock", "lock");
  EXPECT_EQ(world.send(plain(), world.make(Operation::retrieve, "Clock", "Clock")).rsc,
            Rsc::security_association_required);
}

TEST(Plain, the_name_of_an_ae_with_a_credential_cannot_be_used) {
  auto options = World::mn_options();
  options.bound_to_credential = [](const AeId& ae) { return ae == ae_id("/mn-cse/Ckeyed"); };
  World world(options);
  EXPECT_EQ(world.send(plain(), world.creation("Ckeyed", "-", Ty::ae, kAe)).rsc,
            Rsc::security_association_required);
  world.register_ae("Ckeyed", "keyed");
  world.register_ae("Cother", "registered-in-an-association");
  EXPECT_EQ(world.send(plain(), world.make(Operation::retrieve, "Ckeyed", "Ckeyed")).rsc,
            Rsc::security_association_required);
  EXPECT_EQ(world.send(plain(), world.make(Operation::retrieve, "Cother", "Cother")).rsc,
            Rsc::security_association_required);
  // Also after a restart.
  world.start();
  EXPECT_EQ(world.send(plain(), world.make(Operation::retrieve, "Cother", "Cother")).rsc,
            Rsc::security_association_required);
}

TEST(Plain, an_originator_without_association_is_not_authenticated) {
  cover({"7.1.2-T12", "7.1.2-T13", "7.1.2-03"});
  World world(World::mn_options());
  world.send(plain(), world.creation("Copen", "-", Ty::ae, kAe));
  EXPECT_EQ(retrieve_base(world, plain(), "Copen"), Rsc::originator_has_no_privilege);
  world.register_ae("Ckeyed", "keyed");
  EXPECT_EQ(retrieve_base(world, tls_of("/mn-cse/Ckeyed"), "Ckeyed"), Rsc::ok);
}

TEST(Authenticated, a_registered_cse_is_and_what_it_forwards_is_not) {
  cover({"7.1.2-04", "7.1.2-T12", "7.1.2-T14"});
  World world;
  world.register_cse("/mn-a");
  const auto policy = world.create(
      "Sadmin", "-", Ty::acp,
      R"({"m2m:acp":{"pv":{"acr":[{"acor":["all"],"acop":2,"acaf":true}]},"pvs":{"acr":[{"acor":["/Sadmin"],"acop":63}]}}})");
  ASSERT_EQ(policy.rsc, Rsc::created) << World::debug(policy);
  world.create("Sadmin", "-", Ty::cnt,
               R"({"m2m:cnt":{"rn":"box","acpi":[")" + World::text(policy, "ri") + R"("]}})");
  EXPECT_EQ(world.retrieve("/mn-a", "/in-cse/-/box").rsc, Rsc::ok);
  EXPECT_EQ(world.send(tls_of("/mn-a"), world.make(Operation::retrieve, "/mn-a/C1", "/in-cse/-/box")).rsc,
            Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.audit.events().back().reason.find("authenticated") == std::string::npos, false);
}

/// 7.1.2: every way to come, against a rule with accessControlAuthenticationFlag.
TEST(Authenticated, by_the_criteria_and_by_nothing_else) {
  cover({"7.1.2-02", "7.1.2-03", "7.1.2-04"});
  auto options = World::mn_options();
  options.registrar = cse_id("/in-cse");
  World world(options);
  const auto policy = world.create(
      "Sadmin", "-", Ty::acp,
      R"({"m2m:acp":{"rn":"p","pv":{"acr":[{"acor":["all"],"acop":2,"acaf":true}]},"pvs":{"acr":[{"acor":["/Sadmin"],"acop":63}]}}})");
  ASSERT_EQ(policy.rsc, Rsc::created) << World::debug(policy);
  ASSERT_EQ(world.create("Sadmin", "-", Ty::cnt, R"({"m2m:cnt":{"rn":"box","acpi":["cse/p"]}})").rsc,
            Rsc::created);
  world.register_ae("Ckeyed", "keyed");
  ASSERT_EQ(world.send(plain(), world.creation("Copen", "-", Ty::ae, kAe)).rsc, Rsc::created);
  ASSERT_EQ(world.send(trusted("local"), world.creation("Chere", "-", Ty::ae, kAe)).rsc, Rsc::created);
  world.register_cse("/asn-x");
  const auto reads = [&](const Via& how, std::string_view from) {
    return world.send(how, world.make(Operation::retrieve, from, "/mn-cse/-/box")).rsc == Rsc::ok;
  };
  EXPECT_TRUE(reads(tls_of("/mn-cse/Ckeyed"), "Ckeyed")) << "registered here, in a TLS session";
  EXPECT_TRUE(reads(trusted("local"), "Chere")) << "registered here, on the same device";
  EXPECT_FALSE(reads(plain(), "Copen")) << "registered here, without either";
  EXPECT_TRUE(reads(tls_of("/asn-x"), "/asn-x")) << "a registree";
  EXPECT_TRUE(reads(tls_of("/in-cse"), "/in-cse")) << "our registrar";
  EXPECT_FALSE(reads(tls_of("/asn-x"), "/asn-x/Cx")) << "an AE of a registree, without ESPrim";
  EXPECT_FALSE(reads(tls_of("/in-cse"), "/in-cse/Cx")) << "an AE of our registrar";
  EXPECT_FALSE(reads(tls_of("/in-cse"), "/mn-other")) << "a CSE behind our registrar";
  EXPECT_FALSE(reads(tls_of("/mn-cse/Ckeyed"), "Copen")) << "another one than the session is of";
}

// Trusted listener (the same-device case of 7.1.2).

TEST(Trusted, carries_the_listed_originators_only) {
  World world;
  EXPECT_EQ(world.send(trusted("local"), world.creation("C1", "-", Ty::ae, kAe)).rsc, Rsc::created);
  EXPECT_EQ(retrieve_base(world, trusted("local"), "C1"), Rsc::ok) << "a registered AE is authenticated here";
  EXPECT_EQ(retrieve_base(world, trusted("local"), "C2"), kNotRegistered) << "listed, not registered";
  EXPECT_EQ(world.send(trusted("local"), world.creation("Sx", "-", Ty::ae, kAe)).rsc, kNotRegistered)
      << "not listed";
  EXPECT_EQ(retrieve_base(world, trusted("local"), "/mn-a"), Rsc::security_association_required);
  EXPECT_EQ(retrieve_base(world, trusted("another"), "C1"), kNotRegistered);
}

TEST(Trusted, an_identity_with_a_credential_must_be_listed_exactly) {
  auto options = World::in_options();
  options.trusted_listeners = {{"local", {"C*", "Cexact"}}};
  options.bound_to_credential = [](const AeId& ae) { return ae.stem() == "Cexact" || ae.stem() == "Cbound"; };
  World world(options);
  EXPECT_EQ(world.send(trusted("local"), world.creation("Cexact", "-", Ty::ae, kAe)).rsc, Rsc::created);
  EXPECT_EQ(world.send(trusted("local"), world.creation("Cbound", "-", Ty::ae, kAe)).rsc, kNotRegistered);
  world.register_ae("Ctls", "tls");
  EXPECT_EQ(retrieve_base(world, trusted("local"), "Ctls"), kNotRegistered)
      << "it registered in an association";
}

TEST(Trusted, the_administrator_must_be_listed_exactly) {
  auto options = World::in_options();
  options.trusted_listeners = {{"exact", {"Sadmin"}}, {"pattern", {"Sadm*"}}};
  World world(options);
  const auto* const container = R"({"m2m:cnt":{}})";
  EXPECT_EQ(world.send(trusted("exact"), world.creation("Sadmin", "-", Ty::cnt, container)).rsc,
            Rsc::created);
  EXPECT_EQ(world.send(trusted("pattern"), world.creation("Sadmin", "-", Ty::cnt, container)).rsc,
            kNotRegistered);
}

TEST(Trusted, a_stem_that_the_cse_assigns_must_be_listed) {
  auto options = World::in_options();
  options.trusted_listeners = {{"all-c", {"C*"}}, {"one", {"Cone"}}};
  World world(options);
  EXPECT_EQ(world.send(trusted("all-c"), world.creation("C", "-", Ty::ae, kAe)).rsc, Rsc::created);
  EXPECT_EQ(world.send(trusted("all-c"), world.creation("", "-", Ty::ae, kAe)).rsc, Rsc::created);
  EXPECT_EQ(world.send(trusted("one"), world.creation("C", "-", Ty::ae, kAe)).rsc, kNotRegistered);
}

TEST(Administrator, has_full_access_in_its_own_session_and_in_no_other) {
  World world;
  world.register_ae("C1", "one");
  world.register_cse("/mn-a");
  EXPECT_EQ(world.retrieve("Sadmin", "C1").rsc, Rsc::ok);
  EXPECT_EQ(world.send(tls_of("/mn-a"), world.make(Operation::retrieve, "/Sadmin", "C1")).rsc, kNotRegistered)
      << "no CSE speaks for it";
}

}  // namespace
}  // namespace latchkey::cse::test
