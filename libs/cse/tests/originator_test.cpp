/// TS-0003 7.2.1, 6.1.2.2.1, 7.1.2: who may say who it is, over which connection.
#include "cover.h"
#include "support/world.h"

namespace latchkey::cse::test {
namespace {

using latchkey::test::cover;

constexpr std::string_view kAe = R"({"m2m:ae":{"api":"Napp","rr":false,"srv":["2a"]}})";

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

constexpr auto kNotRegistered = Rsc::originator_has_not_registered;
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
                    FromCase{"cse_behind_it", "/mn-a", "/mn-deep", Rsc::originator_has_no_privilege},
                    FromCase{"ae_of_a_cse_behind_it", "/mn-a", "/mn-deep/C9",
                             Rsc::originator_has_no_privilege}),
    name_of);

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
