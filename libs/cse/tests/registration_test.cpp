/// Registration (TS-0001 10.2.2, TS-0004 7.4.4, 7.4.5; TS-0003 8.2.1).
#include "cover.h"
#include "support/world.h"

namespace latchkey::cse::test {
namespace {

using latchkey::test::cover;

constexpr std::string_view kAe = R"({"m2m:ae":{"api":"Napp","rr":false,"srv":["2a"]}})";

TEST(AeRegistration, from_chooses_the_stem) {
  World world;
  const auto given = world.create("Cphone", "-", Ty::ae, kAe);
  EXPECT_EQ(given.rsc, Rsc::created);
  EXPECT_EQ(World::text(given, "ri"), "Cphone");
  EXPECT_EQ(World::text(given, "aei"), "Cphone");
  EXPECT_EQ(World::text(given, "pi"), "in-cse");
  const auto assigned = world.send(trusted("local"), world.creation("C", "-", Ty::ae, kAe));
  EXPECT_TRUE(World::text(assigned, "aei").starts_with('C'));
  EXPECT_GT(World::text(assigned, "aei").size(), 1U);
  const auto empty = world.send(trusted("local"), world.creation("", "-", Ty::ae, kAe));
  EXPECT_TRUE(World::text(empty, "aei").starts_with('C'));
  EXPECT_NE(World::text(empty, "aei"), World::text(assigned, "aei"));
}

TEST(AeRegistration, an_open_from_gets_the_associated_ae_id) {
  World world;
  EXPECT_EQ(World::text(world.send(tls_of("/in-cse/Clock"), world.creation("C", "-", Ty::ae, kAe)), "aei"),
            "Clock");
  EXPECT_EQ(World::text(world.send(tls_of("/Sphone"), world.creation("", "-", Ty::ae, kAe)), "aei"),
            "Sphone");
  EXPECT_EQ(World::text(world.send(tls_of("/Skey"), world.creation("S", "-", Ty::ae, kAe)), "aei"), "Skey");
  EXPECT_EQ(world.send(tls_of("/Sother"), world.creation("C", "-", Ty::ae, kAe)).rsc,
            Rsc::originator_has_not_registered)
      << "the association stands for a stem of the other kind";
}

TEST(AeRegistration, s_stems_are_assigned_by_the_in_cse) {
  auto options = World::in_options();
  options.trusted_listeners = {{"local", {"S*"}}};
  World in(options);
  const auto assigned = in.send(trusted("local"), in.creation("S", "-", Ty::ae, kAe));
  EXPECT_TRUE(World::text(assigned, "aei").starts_with('S'));
  World mn(World::mn_options());
  EXPECT_EQ(mn.send(plain(), mn.creation("S", "-", Ty::ae, kAe)).rsc, Rsc::not_implemented);
  EXPECT_EQ(mn.send(plain(), mn.creation("Sfree", "-", Ty::ae, kAe)).rsc, Rsc::not_implemented)
      << "nothing proves that the provider assigned it";
  EXPECT_EQ(mn.create("Skeyed", "-", Ty::ae, kAe).rsc, Rsc::created) << "its credential does";
}

struct BadAe {
  const char* name;
  const char* content;
  Rsc want;
};
void PrintTo(const BadAe& c, std::ostream* out) { *out << c.name; }
class BadAes : public testing::TestWithParam<BadAe> {};
TEST_P(BadAes, are_refused) {
  World world;
  const auto response = world.create("C1", "-", Ty::ae, GetParam().content);
  EXPECT_EQ(response.rsc, GetParam().want) << World::debug(response);
  EXPECT_EQ(world.audit.events().back().id, AuditEventId::registration_refused);
  EXPECT_EQ(world.cse->counters().resources, 2U) << "CSEBase and its policy";
}
INSTANTIATE_TEST_SUITE_P(
    Content, BadAes,
    testing::Values(BadAe{"no_app_id", R"({"m2m:ae":{"rr":true,"srv":["2a"]}})", Rsc::bad_request},
                    BadAe{"app_id_without_prefix", R"({"m2m:ae":{"api":"app","rr":true,"srv":["2a"]}})",
                          Rsc::bad_request},
                    BadAe{"no_request_reachability", R"({"m2m:ae":{"api":"Napp","srv":["2a"]}})",
                          Rsc::bad_request},
                    BadAe{"no_release_versions", R"({"m2m:ae":{"api":"Napp","rr":true}})", Rsc::bad_request},
                    BadAe{"ae_id_given", R"({"m2m:ae":{"api":"Napp","rr":true,"srv":["2a"],"aei":"C1"}})",
                          Rsc::bad_request},
                    BadAe{"another_resource", R"({"m2m:cnt":{}})", Rsc::bad_request}),
    [](const auto& test) { return test.param.name; });

TEST(AeRegistration, a_stem_is_registered_once_and_again_after_deregistration) {
  World world;
  world.register_ae("C1", "one");
  EXPECT_EQ(world.create("C1", "-", Ty::ae, kAe).rsc, Rsc::originator_has_already_registered);
  EXPECT_EQ(world.remove("C1", "C1").rsc, Rsc::deleted);
  EXPECT_EQ(world.audit.events().back().id, AuditEventId::deregistration);
  EXPECT_EQ(world.retrieve("C1", "C1").rsc, Rsc::originator_has_not_registered);
  EXPECT_EQ(world.create("C1", "-", Ty::ae, kAe).rsc, Rsc::created);
}

TEST(AeRegistration, a_duplicate_counts_before_a_malformed_content) {
  World world;
  world.register_ae("C1", "one");
  EXPECT_EQ(world.create("C1", "-", Ty::ae, R"({"m2m:ae":{}})").rsc, Rsc::originator_has_already_registered);
}

TEST(AeRegistration, takes_place_below_the_csebase_only) {
  World world;
  world.register_ae("C1", "one");
  EXPECT_EQ(world.create("C2", "C1", Ty::ae, kAe).rsc, Rsc::invalid_child_resource_type);
  EXPECT_EQ(world.create("C2", "-/nothing", Ty::ae, kAe).rsc, Rsc::not_found);
  EXPECT_EQ(world.create("C2", "/mn-x/-", Ty::ae, kAe).rsc, Rsc::bad_request)
      << "a registration is never forwarded";
}

TEST(AeRegistration, a_name_in_use_is_a_conflict) {
  World world;
  world.register_ae("C1", "one");
  EXPECT_EQ(
      world.create("C2", "-", Ty::ae, R"({"m2m:ae":{"api":"Napp","rr":true,"srv":["2a"],"rn":"one"}})").rsc,
      Rsc::conflict);
}

TEST(AeRegistration, a_cse_cannot_register_as_an_ae) {
  World world;
  world.register_cse("/mn-a");
  EXPECT_EQ(world.create("/mn-a", "-", Ty::ae, kAe).rsc, Rsc::security_association_required);
}

// serviceSubscribedAppRule (TS-0001 10.2.2.2 step 1; TS-0003 8.2.1).

class AppRules : public testing::Test {
 protected:
  static CseOptions options(bool needed) {
    auto options = World::in_options();
    options.registration_needs_app_rule = needed;
    return options;
  }
  static Via session_with(std::string_view credential) {
    tls::SecurityContext context;
    context.framework = tls::Framework::provisioned_symmetric_key;
    context.credential_id = *CredentialId::parse(credential);
    return via(context);
  }
  static void add_rule(World& world, std::string_view rule) {
    const auto added = world.create("Sadmin", "-", Ty::asar, rule);
    ASSERT_EQ(added.rsc, Rsc::created) << World::debug(added);
    ASSERT_EQ(world.create("Sadmin", "-", Ty::mssp, R"({"m2m:mssp":{"rn":"profile"}})").rsc, Rsc::created);
    const auto node = world.create(
        "Sadmin", "-/profile", Ty::svsn,
        R"({"m2m:svsn":{"ni":"node1","csi":"/in-cse","rlk":[")" + World::text(added, "ri") + R"("]}})");
    ASSERT_EQ(node.rsc, Rsc::created) << World::debug(node);
  }
  static constexpr auto kRule =
      R"({"m2m:asar":{"apci":["12-node*"],"aai":["N*"],"aae":["Cone","Ctwo","Cmany*"]}})";
};

TEST_F(AppRules, give_a_credential_its_ae_ids) {
  cover({"7.2.1-03"});
  World world(options(false));
  add_rule(world, kRule);
  EXPECT_EQ(world.cse->allowed_ae_ids(*CredentialId::parse("12-node7@sp.example")),
            (std::vector{ae_id("/in-cse/Cone"), ae_id("/in-cse/Ctwo")}));
  EXPECT_TRUE(world.cse->allowed_ae_ids(*CredentialId::parse("12-other@sp.example")).empty());
  const auto session = session_with("12-node7@sp.example");
  EXPECT_EQ(world.send(session, world.creation("Ctwo", "-", Ty::ae, kAe)).rsc, Rsc::created);
  EXPECT_EQ(world.send(session, world.creation("Cmany7", "-", Ty::ae, kAe)).rsc, Rsc::created);
  EXPECT_EQ(world.send(session, world.creation("Cthree", "-", Ty::ae, kAe)).rsc,
            Rsc::originator_has_not_registered);
  EXPECT_EQ(World::text(world.send(session, world.creation("", "-", Ty::ae, kAe)), "aei"), "Cone")
      << "the first that is free";
}

TEST_F(AppRules, where_demanded_decide_on_registration) {
  World world(options(true));
  const auto session = [&](const char* credential) { return session_with(credential); };
  auto context = *session("12-node7@sp.example").security;
  context.identity = EntityId(ae_id("/in-cse/Cone"));
  EXPECT_EQ(world.send(via(context), world.creation("Cone", "-", Ty::ae, kAe)).rsc,
            Rsc::service_subscription_not_established);
  add_rule(world, kRule);
  EXPECT_EQ(world
                .send(via(context), world.creation("Cone", "-", Ty::ae,
                                                   R"({"m2m:ae":{"api":"Rapp","rr":true,"srv":["2a"]}})"))
                .rsc,
            Rsc::app_rule_validation_failed)
      << "App-ID not covered";
  EXPECT_EQ(world.send(via(context), world.creation("Cone", "-", Ty::ae, kAe)).rsc, Rsc::created);
  context.credential_id = *CredentialId::parse("12-other@sp.example");
  context.identity = EntityId(ae_id("/in-cse/Ctwo"));
  EXPECT_EQ(world.send(via(context), world.creation("Ctwo", "-", Ty::ae, kAe)).rsc,
            Rsc::app_rule_validation_failed);
  // A rule for the credential and the App-ID, but for other AE-IDs.
  context.credential_id = *CredentialId::parse("12-node7@sp.example");
  context.identity = EntityId(ae_id("/in-cse/Cthree"));
  EXPECT_EQ(world.send(via(context), world.creation("Cthree", "-", Ty::ae, kAe)).rsc,
            Rsc::app_rule_validation_failed);
  EXPECT_EQ(world.send(trusted("local"), world.creation("Cone2", "-", Ty::ae, kAe)).rsc,
            Rsc::security_association_required);
}

/// TS-0001 10.2.2.2 step 1 and TS-0003 8.2.2.2: the certificate is the proof.
TEST_F(AppRules, an_ae_id_certificate_needs_none) {
  World world(options(true));
  tls::SecurityContext context;
  context.framework = tls::Framework::certificate;
  context.identity = EntityId(ae_id("/in-cse/Ccertified"));
  EXPECT_EQ(world.send(via(context), world.creation("Ccertified", "-", Ty::ae, kAe)).rsc, Rsc::created);
  context.framework = tls::Framework::maf;
  context.identity = EntityId(ae_id("/in-cse/Cother"));
  EXPECT_EQ(world.send(via(context), world.creation("Cother", "-", Ty::ae, kAe)).rsc,
            Rsc::security_association_required)
      << "another framework is no certificate";
}

TEST_F(AppRules, that_are_taken_away_end_with_their_sessions) {
  World world(options(false));
  add_rule(world, kRule);
  auto context = *session_with("12-node7@sp.example").security;
  // As the handshake found it.
  context.allowed_ae_ids = world.cse->allowed_ae_ids(*context.credential_id);
  const auto session = via(context);
  ASSERT_EQ(world.send(session, world.creation("Cone", "-", Ty::ae, kAe)).rsc, Rsc::created);
  ASSERT_EQ(world.send(session, world.make(Operation::retrieve, "Cone", "Cone")).rsc, Rsc::ok);
  ASSERT_EQ(world.remove("Sadmin", "-/profile").rsc, Rsc::deleted);
  EXPECT_EQ(world.send(session, world.make(Operation::retrieve, "Cone", "Cone")).rsc,
            Rsc::originator_has_not_registered);
}

TEST_F(AppRules, exist_on_an_in_cse_only) {
  World world(World::mn_options());
  EXPECT_EQ(world.create("Sadmin", "-", Ty::mssp, R"({"m2m:mssp":{}})").rsc, Rsc::operation_not_allowed);
  EXPECT_EQ(world.create("Sadmin", "-", Ty::asar, R"({"m2m:asar":{}})").rsc, Rsc::operation_not_allowed);
}

// remoteCSE (procedures 5.2).

constexpr std::string_view kCsr = R"({"m2m:csr":{"csi":"/mn-a","cb":"/mn-a/cse","rr":true,"srv":["2a"]}})";

TEST(CseRegistration, needs_an_association_of_the_cse_itself) {
  cover({"6.1.2.2.1-T02"});
  World world;
  EXPECT_EQ(world.create("/mn-a", "-", Ty::csr, kCsr).rsc, Rsc::created);
  EXPECT_EQ(world.create("/mn-a", "-", Ty::csr, kCsr).rsc, Rsc::originator_has_already_registered);
  world.register_ae("C1", "one");
  EXPECT_EQ(world.create("C1", "-", Ty::csr, kCsr).rsc, Rsc::operation_not_allowed);
  EXPECT_EQ(world.send(tls_of("/mn-a"), world.creation("/mn-b", "-", Ty::csr, kCsr)).rsc,
            Rsc::originator_has_not_registered)
      << "not below it";
  EXPECT_EQ(world.update("/mn-a", "/in-cse/-/mn-a", R"({"m2m:csr":{"dcse":["/mn-b"]}})").rsc, Rsc::updated);
  EXPECT_EQ(world.send(tls_of("/mn-a"), world.creation("/mn-b", "-", Ty::csr, kCsr)).rsc,
            Rsc::security_association_required)
      << "forwarded";
  EXPECT_EQ(world.send(tls_of("/mn-c"), world.creation("/mn-b", "-", Ty::csr, kCsr)).rsc,
            Rsc::originator_has_not_registered);
  EXPECT_EQ(world.send(trusted("local"), world.creation("/mn-b", "-", Ty::csr, kCsr)).rsc,
            Rsc::security_association_required);
}

TEST(CseRegistration, the_csi_is_the_originator) {
  World world;
  EXPECT_EQ(world.create("/mn-b", "-", Ty::csr, kCsr).rsc, Rsc::bad_request);
  const auto response =
      world.create("/mn-b", "-", Ty::csr, R"({"m2m:csr":{"cb":"/mn-b/cse","rr":true,"srv":["2a"]}})");
  EXPECT_EQ(response.rsc, Rsc::created) << World::debug(response);
  EXPECT_EQ(World::text(response, "csi"), "/mn-b");
}

TEST(CseRegistration, an_asn_cse_registers_none) {
  auto options = World::mn_options();
  options.type = CseType::asn;
  World world(options);
  EXPECT_EQ(world.create("/mn-a", "-", Ty::csr, kCsr).rsc, Rsc::operation_not_allowed);
}

TEST(CseRegistration, the_registree_reads_the_csebase_and_keeps_its_own_resource) {
  World world;
  world.register_cse("/mn-a");
  world.register_cse("/mn-b");
  EXPECT_EQ(world.retrieve("/mn-a", "/in-cse/-").rsc, Rsc::ok);
  EXPECT_EQ(world.update("/mn-a", "/in-cse/-/mn-a", R"({"m2m:csr":{"rr":false}})").rsc, Rsc::updated);
  EXPECT_EQ(world.update("/mn-b", "/in-cse/-/mn-a", R"({"m2m:csr":{"rr":false}})").rsc,
            Rsc::originator_has_no_privilege);
  EXPECT_EQ(world.remove("/mn-a", "/in-cse/-/mn-a").rsc, Rsc::deleted);
  EXPECT_EQ(world.retrieve("/mn-a", "/in-cse/-").rsc, Rsc::originator_has_not_registered);
}

// Our own registration with a registrar.

ResponsePrimitive answer(Rsc rsc, std::string_view content = "null") {
  ResponsePrimitive response;
  response.rsc = rsc;
  response.pc = json::parse(content);
  return response;
}
constexpr std::string_view kBase =
    R"({"m2m:cb":{"ri":"in-cse","csi":"/in-cse","cst":1,"poa":["https://in.example:8443"],"srv":["2a"],"rn":"cse"}})";

class WithRegistrar : public testing::Test {
 protected:
  static CseOptions options() {
    auto options = World::mn_options();
    options.registrar = cse_id("/in-cse");
    options.points_of_access = {"https://gateway.example:8443"};
    return options;
  }
  World world{options()};
  FakePeer& registrar = world.peers.cses["//sp.example/in-cse"];
};

TEST_F(WithRegistrar, both_sides_get_a_remote_cse) {
  registrar.answers = {answer(Rsc::created), answer(Rsc::ok, kBase)};
  world.cse->start_registration();
  world.executor.run_posted();
  ASSERT_EQ(registrar.received.size(), 2U);
  EXPECT_EQ(registrar.received[0].op, Operation::create);
  EXPECT_EQ(registrar.received[0].from, "/mn-cse");
  EXPECT_EQ(registrar.received[0].pc.at("m2m:csr").at("csi"), "/mn-cse");
  EXPECT_EQ(registrar.received[0].pc.at("m2m:csr").at("cb"), "/mn-cse/cse");
  EXPECT_EQ(registrar.received[1].op, Operation::retrieve);
  const auto local = world.retrieve("Sadmin", "-/in-cse");
  EXPECT_EQ(local.rsc, Rsc::ok);
  EXPECT_EQ(World::text(local, "csi"), "/in-cse");
  EXPECT_EQ(World::number(local, "cst"), 1);
}

TEST_F(WithRegistrar, known_already_it_renews) {
  registrar.answers = {answer(Rsc::originator_has_already_registered), answer(Rsc::updated),
                       answer(Rsc::ok, kBase)};
  world.cse->start_registration();
  world.executor.run_posted();
  ASSERT_EQ(registrar.received.size(), 3U);
  EXPECT_EQ(registrar.received[1].op, Operation::update);
  EXPECT_EQ(registrar.received[1].to, "/in-cse/-/mn-cse");
}

/// TS-0001 9.6.4: who is reached by way of us, and whose requests may come by way of us (decision 0033).
TEST_F(WithRegistrar, is_told_of_the_cses_below) {
  const auto csr_of = [&](std::size_t k) { return registrar.received.at(k).pc.at("m2m:csr").as_object(); };
  registrar.answers = {answer(Rsc::created), answer(Rsc::ok, kBase)};
  world.cse->start_registration();
  world.executor.run_posted();
  EXPECT_FALSE(csr_of(0).contains("dcse")) << "nobody is below";

  const auto settle = [&] {
    registrar.answers.emplace_back(answer(Rsc::updated));
    registrar.answers.emplace_back(answer(Rsc::ok, kBase));
    world.executor.advance(std::chrono::milliseconds(1));
    world.executor.run_posted();
  };
  ASSERT_EQ(
      world
          .create("/asn-a", "/mn-cse/-", Ty::csr,
                  R"({"m2m:csr":{"rn":"a","cb":"/asn-a/cse","rr":true,"srv":["2a"],"dcse":["/asn-deep"]}})")
          .rsc,
      Rsc::created);
  settle();
  ASSERT_EQ(registrar.received.size(), 4U);
  EXPECT_EQ(registrar.received[2].op, Operation::update);
  EXPECT_EQ(csr_of(2).at("dcse"), json::parse(R"(["/asn-a","/asn-deep"])"));

  ASSERT_EQ(world.update("/asn-a", "/mn-cse/-/a", R"({"m2m:csr":{"dcse":["/asn-deep","/asn-new"]}})").rsc,
            Rsc::updated);
  settle();
  ASSERT_EQ(registrar.received.size(), 6U);
  EXPECT_EQ(csr_of(4).at("dcse"), json::parse(R"(["/asn-a","/asn-deep","/asn-new"])"));

  ASSERT_EQ(world.update("/asn-a", "/mn-cse/-/a", R"({"m2m:csr":{"lbl":["x"]}})").rsc, Rsc::updated);
  settle();
  EXPECT_EQ(registrar.received.size(), 6U) << "the same are below";
  registrar.answers.clear();

  ASSERT_EQ(world.remove("/asn-a", "/mn-cse/-/a").rsc, Rsc::deleted);
  settle();
  ASSERT_EQ(registrar.received.size(), 8U);
  EXPECT_TRUE(csr_of(6).at("dcse").is_null()) << "none any more";
}

/// The same with an IN-CSE that is one: what the ASN-CSE two hops below says comes by way of the MN-CSE
/// alone.
TEST_F(WithRegistrar, lets_those_below_be_spoken_for_by_the_way_they_take) {
  cover({"7.2.1-02", "7.2.1-03"});
  World in;
  in.register_cse("/mn-other");
  registrar.real = [&in](RequestPrimitive request, bind::RequestSender::Done done) {
    done(in.send(tls_of("/mn-cse"), std::move(request)));
  };
  const auto settle = [&] {
    world.executor.advance(std::chrono::milliseconds(1));
    world.executor.run_posted();
  };
  const auto speaks = [&](const char* hop, const char* from) {
    return in.send(tls_of(hop), in.make(Operation::retrieve, from, "-")).rsc;
  };
  world.cse->start_registration();
  settle();
  EXPECT_EQ(speaks("/mn-cse", "/asn-a/C1"), Rsc::originator_has_not_registered);
  ASSERT_EQ(world
                .create("/asn-a", "/mn-cse/-", Ty::csr,
                        R"({"m2m:csr":{"rn":"a","cb":"/asn-a/cse","rr":true,"srv":["2a"]}})")
                .rsc,
            Rsc::created);
  settle();
  EXPECT_EQ(speaks("/mn-cse", "/asn-a/C1"), Rsc::originator_has_no_privilege) << "known, and denied";
  EXPECT_EQ(speaks("/mn-cse", "/asn-a"), Rsc::originator_has_no_privilege);
  EXPECT_EQ(speaks("/mn-other", "/asn-a/C1"), Rsc::originator_has_not_registered) << "not that way";
  ASSERT_EQ(world.remove("/asn-a", "/mn-cse/-/a").rsc, Rsc::deleted);
  settle();
  EXPECT_EQ(speaks("/mn-cse", "/asn-a/C1"), Rsc::originator_has_not_registered) << "it is gone";
}

TEST_F(WithRegistrar, refreshes_and_registers_again_after_loss) {
  registrar.answers = {answer(Rsc::created), answer(Rsc::ok, kBase), answer(Rsc::not_found),
                       answer(Rsc::created), answer(Rsc::ok, kBase)};
  world.cse->start_registration();
  world.executor.advance(world.options().registration_refresh);
  ASSERT_EQ(registrar.received.size(), 3U);
  EXPECT_EQ(registrar.received[2].op, Operation::update);
  world.executor.advance(std::chrono::seconds(2));
  ASSERT_EQ(registrar.received.size(), 5U);
  EXPECT_EQ(registrar.received[3].op, Operation::create);
}

TEST_F(WithRegistrar, tries_again_ever_more_slowly_while_it_is_away) {
  for (int i = 0; i < 20; ++i)
    registrar.answers.push_back(fail(ErrorCode::unavailable, "connection refused"));
  world.cse->start_registration();
  EXPECT_EQ(registrar.received.size(), 1U);
  world.executor.advance(std::chrono::seconds(7));
  EXPECT_EQ(registrar.received.size(), 4U) << "after 1, 3 and 7 seconds";
  world.executor.advance(std::chrono::seconds(600));
  EXPECT_LT(registrar.received.size(), 20U);
}

TEST_F(WithRegistrar, the_registrar_may_send_before_its_resource_exists) {
  EXPECT_EQ(world.send(tls_of("/in-cse"), world.make(Operation::retrieve, "/in-cse", "/mn-cse/-")).rsc,
            Rsc::ok);
}

}  // namespace
}  // namespace latchkey::cse::test
