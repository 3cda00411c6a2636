/// PEP, PDP, PRP and PIP on different CSEs (TS-0003 6.2.2, Annex G; TS-0004 7.4.43 to 7.4.45 of Release 3).
#include "latchkey/codec/distributed_authorization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cover.h"
#include "support/issuer.h"
#include "support/world.h"

namespace latchkey::cse::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kPdp = "/pdp-cse/cse/pdp";
constexpr const char* kPrp = "/prp-cse/cse/prp";
constexpr const char* kPip = "/pip-cse/cse/pip";
constexpr const char* kDoor = "/pep-cse/cse/door";

CseOptions options_of(const char* id) {
  auto options = World::in_options();
  options.cse_id = cse_id(id);
  options.offers_pdp = options.offers_prp = options.offers_pip = true;
  return options;
}

CseOptions pep_options() {
  auto options = options_of("/pep-cse");
  options.pdps = {{kPdp, "/spare-cse/cse/pdp"}, true};
  return options;
}

void expect(const ResponsePrimitive& response, Rsc rsc) {
  EXPECT_EQ(response.rsc, rsc) << World::debug(response);
}

std::string policy(const std::string& name, const std::string& rules, const std::string& rest = "") {
  return R"({"m2m:acp":{"rn":")" + name + R"(","pv":{"acr":[)" + rules +
         R"(]},"pvs":{"acr":[{"acor":["Sadmin"],"acop":63}]})" + rest + "}}";
}
const std::string kGuestReads = R"({"acor":["/pep-cse/Cguest"],"acop":2})";

/// A point of authorization with this name, which the CSEs of the list may ask.
void make_point(World& world, Ty type, const std::string& name, const std::string& askers) {
  expect(world.create("Sadmin", "-", Ty::acp,
                      policy(name + "Askers", R"({"acor":[)" + askers + R"(],"acop":4})")),
         Rsc::created);
  const std::string element(codec::resource_type(static_cast<std::uint32_t>(type))->element);
  expect(
      world.create("Sadmin", "-", type,
                   R"({")" + element + R"(":{"rn":")" + name + R"(","acpi":["cse/)" + name + R"(Askers"]}})"),
      Rsc::created);
}

/// A CSE with a door that only its owner may open, and a guest.
class Pep : public testing::Test {
 protected:
  explicit Pep(CseOptions options = pep_options()) : pep(std::move(options)) {}
  void SetUp() override {
    pep.register_ae("Cdoor", "owner");
    pep.register_ae("Cguest", "guest");
    expect(pep.create("Sadmin", "-", Ty::acp, policy("own", R"({"acor":["/pep-cse/Cdoor"],"acop":63})")),
           Rsc::created);
    expect(pep.create("Sadmin", "-", Ty::cnt, R"({"m2m:cnt":{"rn":"door","acpi":["cse/own"]}})"),
           Rsc::created);
  }
  RequestPrimitive read() { return pep.make(Operation::retrieve, "Cguest", kDoor); }
  ResponsePrimitive send(RequestPrimitive request) {
    return pep.send(pep.session("Cguest"), std::move(request));
  }
  [[nodiscard]] std::string last_reason() const { return pep.audit.events().back().reason; }

  World pep;
};

/// The PDP is played.
class PlayedPdp : public Pep {
 protected:
  using Pep::Pep;
  void SetUp() override {
    Pep::SetUp();
    pep.register_cse("/pdp-cse");
    pep.register_cse("/spare-cse");
    pdp().answers.clear();  // now there is a way to it
  }
  FakePeer& pdp() { return pep.peers.cses["//sp.example/pdp-cse"]; }
  FakePeer& spare() { return pep.peers.cses["//sp.example/spare-cse"]; }
  static ResponsePrimitive answer(json::value pc, Rsc rsc = Rsc::updated) {
    ResponsePrimitive response;
    response.rsc = rsc;
    response.pc = std::move(pc);
    return response;
  }
  static ResponsePrimitive says(bool permit) {
    return answer(codec::to_content(
        codec::DecisionResponse{.status = codec::AuthorizationStatus::ok, .permit = permit}));
  }
  static ResponsePrimitive says(codec::AuthorizationStatus status) {
    return answer(codec::to_content(codec::DecisionResponse{.status = status}));
  }
  codec::DecisionRequest asked(std::size_t index = 0) {
    return codec::read_decision_request(pdp().received.at(index).pc).value();
  }
};

// ---- the PEP and what it asks ----

TEST_F(PlayedPdp, permits_what_is_denied_here) {
  pdp().answers = {says(true)};
  expect(send(read()), Rsc::ok);
  EXPECT_EQ(last_reason(), "permitted by the PDP /pdp-cse/cse/pdp");
  ASSERT_THAT(pdp().received, SizeIs(1));
  const auto& update = pdp().received.front();
  EXPECT_EQ(update.op, Operation::update);
  EXPECT_EQ(update.to, kPdp);
  EXPECT_EQ(update.from, "/pep-cse");
  const auto question = asked();
  EXPECT_EQ(question.target, kDoor);
  EXPECT_EQ(to_string(question.originator), "//sp.example/pep-cse/Cguest");
  EXPECT_EQ(question.operation, Operation::retrieve);
  EXPECT_EQ(question.request_time, pep.clock.now());
}

TEST_F(PlayedPdp, denies_and_the_log_says_who) {
  pdp().answers = {says(false)};
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("denied: no rule names the originator (acp"));
  EXPECT_THAT(last_reason(), HasSubstr("; the PDP /pdp-cse/cse/pdp: DENY"));
  EXPECT_THAT(pdp().received, SizeIs(1));
}

TEST_F(PlayedPdp, is_not_asked_about_what_policies_here_permit) {
  expect(pep.retrieve("Cdoor", kDoor), Rsc::ok);
  expect(pep.retrieve("Sadmin", kDoor), Rsc::ok);
  EXPECT_THAT(pdp().received, IsEmpty());
}

TEST_F(PlayedPdp, is_not_asked_about_policies_channels_and_points) {
  make_point(pep, Ty::auds, "pdp", R"("/other-cse")");
  expect(pep.create("Cdoor", "-/owner", Ty::pch, R"({"m2m:pch":{"rn":"p"}})"), Rsc::created);
  expect(pep.retrieve("Cguest", "-/own"), Rsc::originator_has_no_privilege);
  expect(pep.retrieve("Cguest", "-/owner/p"), Rsc::originator_has_no_privilege);
  expect(pep.retrieve("Cguest", "-/pdp"), Rsc::originator_has_no_privilege);
  EXPECT_THAT(pdp().received, IsEmpty());
}

TEST_F(PlayedPdp, is_not_asked_about_an_originator_that_is_not_authenticated) {
  pdp().answers = {says(true)};
  auto request = pep.make(Operation::retrieve, "/pdp-cse/Cx", kDoor);
  expect(pep.send(tls_of("/pdp-cse"), request), Rsc::originator_has_no_privilege);
  EXPECT_THAT(pdp().received, IsEmpty());
}

TEST_F(PlayedPdp, decides_on_one_operation_and_one_target) {
  expect(pep.create("Cdoor", kDoor, Ty::cnt, R"({"m2m:cnt":{"rn":"lock","acpi":["cse/own"]}})"),
         Rsc::created);
  pdp().answers = {says(true)};
  auto request = read();
  request.rcn = codec::ResultContent::attributes_and_children;
  const auto response = send(request);
  expect(response, Rsc::ok);
  EXPECT_THAT(World::debug(response), Not(HasSubstr("lock"))) << "the child answers to policies of its own";
  pdp().answers = {says(true)};
  const auto changed = send(pep.change("Cguest", kDoor, R"({"m2m:cnt":{"lbl":["x"]}})"));
  expect(changed, Rsc::updated);
  EXPECT_THAT(World::debug(changed), Not(HasSubstr("acpi"))) << "permitted to change, not to read";
  EXPECT_EQ(asked(1).operation, Operation::update);
}

TEST_F(PlayedPdp, has_no_say_in_who_sets_the_policies) {
  pdp().answers = {says(true)};
  expect(send(pep.change("Cguest", kDoor, R"({"m2m:cnt":{"acpi":null}})")), Rsc::originator_has_no_privilege);
}

TEST_F(PlayedPdp, hears_what_is_to_be_created_and_discovery) {
  pdp().answers = {says(true)};
  expect(send(pep.creation("Cguest", kDoor, Ty::cin, R"({"m2m:cin":{"con":"open"}})")), Rsc::created);
  EXPECT_EQ(asked().operation, Operation::create);
  EXPECT_EQ(asked().created_type, 4U);
  auto discovery = read();
  discovery.fc.emplace().usage = codec::FilterUsage::discovery;
  pdp().answers = {says(true)};
  expect(send(discovery), Rsc::ok);
  EXPECT_EQ(asked(1).filter_usage, codec::FilterUsage::discovery);
}

TEST_F(PlayedPdp, decides_on_the_resource_that_was_asked_about_and_no_other_of_its_name) {
  pdp().hold = true;
  pdp().answers = {says(true)};
  const auto waiting = pep.begin(pep.session("Cguest"), read());
  ASSERT_FALSE(waiting->has_value());
  expect(pep.remove("Sadmin", kDoor), Rsc::deleted);
  expect(pep.create("Sadmin", "-", Ty::cnt, R"({"m2m:cnt":{"rn":"door","acpi":["cse/own"]}})"), Rsc::created);
  pdp().held.front()();
  pep.executor.run_posted();
  ASSERT_TRUE(waiting->has_value());
  expect(**waiting, Rsc::originator_has_no_privilege);
}

TEST_F(PlayedPdp, that_is_slow_keeps_nobody_else_waiting) {
  pdp().hold = true;
  const auto waiting = pep.begin(pep.session("Cguest"), read());
  expect(pep.retrieve("Cdoor", kDoor), Rsc::ok);
  EXPECT_FALSE(waiting->has_value());
  pdp().answers = {fail(ErrorCode::expired, "no answer in time")};
  pdp().held.front()();
  pep.executor.run_posted();
  ASSERT_TRUE(waiting->has_value());
  expect(**waiting, Rsc::originator_has_no_privilege);
}

TEST_F(PlayedPdp, answers_to_two_requests_at_once_are_not_exchanged) {
  pdp().hold = true;
  const auto reading = pep.begin(pep.session("Cguest"), read());
  const auto removing = pep.begin(pep.session("Cguest"), pep.make(Operation::del, "Cguest", kDoor));
  ASSERT_THAT(pdp().held, SizeIs(2));
  pdp().answers = {says(false)};
  pdp().held[1]();
  pdp().answers = {says(true)};
  pdp().held[0]();
  pep.executor.run_posted();
  expect(removing->value(), Rsc::originator_has_no_privilege);
  expect(reading->value(), Rsc::ok);
}

TEST_F(PlayedPdp, that_answers_under_another_request_id_has_not_answered) {
  pdp().real = [](RequestPrimitive request, bind::RequestSender::Done done) {
    auto response = says(true);
    response.rqi = request.rqi + "0";
    done(std::move(response));
  };
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("answered another request"));
}

TEST_F(PlayedPdp, decides_on_a_group_and_not_on_its_members) {
  expect(pep.create("Sadmin", "-", Ty::grp,
                    R"({"m2m:grp":{"rn":"all","mnm":2,"mid":["cse/door"],"acpi":["cse/own"]}})"),
         Rsc::created);
  pdp().answers = {says(true), says(false)};
  const auto response = send(pep.make(Operation::retrieve, "Cguest", "-/all/fopt"));
  expect(response, Rsc::ok);
  EXPECT_EQ(asked(0).target, "/pep-cse/cse/all/fopt");
  EXPECT_EQ(asked(1).target, kDoor);
  EXPECT_THAT(World::debug(response), HasSubstr("4103"));
}

TEST_F(PlayedPdp, is_told_of_roles_and_tokens_within_the_service_subscription) {
  const Issuer issuer("das.example");
  ASSERT_TRUE(pep.cse->trust({.issuers = {issuer.trusted()}, .own_keys = {}}));
  const auto token = [&](const std::string& id, const std::string& role) {
    auto claims = issuer.claims(id, ae_id("/pep-cse/Cguest"), pep.clock.now());
    claims.audience = {};
    claims.permissions = {{{}, nullptr, {role}}};
    return issuer.sign(claims);
  };
  const auto sitter = token("t1", "sitter@das.example"), cleaner = token("t2", "cleaner@das.example");
  auto request = read();
  request.rids = {"sitter@das.example", "cleaner@das.example"};
  request.tkns = {cleaner, sitter};
  send(request);
  ASSERT_THAT(pdp().received, SizeIs(1)) << last_reason();
  EXPECT_EQ(asked(0).role_ids, request.rids);
  EXPECT_EQ(asked(0).tokens, request.tkns);
  const auto rule =
      pep.create("Sadmin", "-", Ty::asar,
                 R"({"m2m:asar":{"apci":["*"],"aae":["Cguest"],"ari":["sitter@das.example"]}})");
  expect(pep.create("Sadmin", "-", Ty::mssp, R"({"m2m:mssp":{"rn":"profile"}})"), Rsc::created);
  expect(
      pep.create("Sadmin", "-/profile", Ty::svsn,
                 R"({"m2m:svsn":{"ni":"n","csi":"/pep-cse","rlk":[")" + World::text(rule, "ri") + R"("]}})"),
      Rsc::created);
  request.rqi = "limited";
  send(request);
  ASSERT_THAT(pdp().received, SizeIs(2));
  EXPECT_EQ(asked(1).role_ids, std::vector<std::string>{"sitter@das.example"});
  EXPECT_EQ(asked(1).tokens, std::vector<std::string>{sitter});
}

struct Failure {
  const char* name;
  std::function<Result<ResponsePrimitive>()> answer;
  const char* reason;
};
class NoAnswerThatCounts : public PlayedPdp, public testing::WithParamInterface<Failure> {
 protected:
  NoAnswerThatCounts()
      : PlayedPdp([] {
          auto options = pep_options();
          options.pdps.addresses = {kPdp};
          return options;
        }()) {}
  static Result<ResponsePrimitive> text(const char* pc, Rsc rsc = Rsc::updated) {
    return answer(json::parse(pc), rsc);
  }
};
TEST_P(NoAnswerThatCounts, denies) {
  pdp().answers = {GetParam().answer()};
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("the PDP /pdp-cse/cse/pdp: "));
  EXPECT_THAT(last_reason(), HasSubstr(GetParam().reason));
}
ResponsePrimitive of(const char* pc, Rsc rsc) {
  ResponsePrimitive response;
  response.rsc = rsc;
  response.pc = json::parse(pc);
  return response;
}
constexpr const char* kYes = R"({"m2m:auds":{"sus":1,"dec":1}})";
INSTANTIATE_TEST_SUITE_P(
    Failures, NoAnswerThatCounts,
    testing::Values(
        Failure{"down", [] { return Result<ResponsePrimitive>(fail(ErrorCode::unavailable, "down")); },
                "down"},
        Failure{"slow", [] { return Result<ResponsePrimitive>(fail(ErrorCode::expired, "late")); }, "late"},
        Failure{"refuses_to_answer", [] { return of(kYes, Rsc::originator_has_no_privilege); },
                "answered 4103"},
        Failure{"ok_for_no_update", [] { return of(kYes, Rsc::ok); }, "answered 2000"},
        Failure{"of_another_request",
                [] { return of(R"({"m2m:auds":{"sus":1,"dec":1,"op":4}})", Rsc::updated); },
                "of another request"},
        Failure{"of_another_kind", [] { return of(R"({"m2m:aupy":{"sus":1}})", Rsc::updated); }, "m2m:auds"},
        Failure{"malformed", [] { return of(R"({"m2m:auds":{"sus":1,"dec":"1"}})", Rsc::updated); }, "dec"},
        Failure{"permits_by_mistake", [] { return of(R"({"m2m:auds":{"sus":4,"dec":1}})", Rsc::updated); },
                "dec"},
        Failure{"without_content", [] { return of("null", Rsc::updated); }, "missing"},
        Failure{"lacks_something", [] { return of(R"({"m2m:auds":{"sus":3}})", Rsc::updated); },
                "MISSING_ATTRIBUTE"},
        Failure{"knows_nothing", [] { return of(R"({"m2m:auds":{"sus":2}})", Rsc::updated); },
                "NOT_APPLICABLE"}),
    [](const auto& failure) { return failure.param.name; });

TEST_F(PlayedPdp, the_next_is_asked_where_nothing_applies_or_nobody_answers) {
  pdp().answers = {says(codec::AuthorizationStatus::not_applicable)};
  spare().answers = {says(true)};
  expect(send(read()), Rsc::ok);
  EXPECT_EQ(last_reason(), "permitted by the PDP /spare-cse/cse/pdp");
  pdp().answers = {fail(ErrorCode::unavailable, "down")};
  spare().answers = {says(false)};
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("the PDP /spare-cse/cse/pdp: DENY"));
  pdp().answers = {says(false)};
  spare().answers = {says(true)};
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(spare().received, SizeIs(2)) << "a decision is a decision";
}

TEST_F(PlayedPdp, questions_under_way_are_bounded) {
  pep.options().consultations_per_originator = 2;
  pep.start();
  pdp().hold = true;
  const auto first = pep.begin(pep.session("Cguest"), read());
  const auto second = pep.begin(pep.session("Cguest"), read());
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("too many questions at once for this originator"));
  for (const auto& held : std::exchange(pdp().held, {})) {
    pdp().answers = {says(true)};
    const_cast<Task&>(held)();
  }
  pep.executor.run_posted();
  expect(first->value(), Rsc::ok);
  expect(second->value(), Rsc::ok);
  pdp().hold = false;
  pdp().answers = {says(true)};
  expect(send(read()), Rsc::ok);  // places come back
}

class Named : public PlayedPdp {
 protected:
  Named()
      : PlayedPdp([] {
          auto options = pep_options();
          options.pdps.by_default = false;
          options.prps = {{kPrp}, false};
          return options;
        }()) {}
};

TEST_F(Named, a_policy_names_the_pdp) {
  pdp().answers = {says(true)};
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(pdp().received, IsEmpty());
  expect(pep.create("Sadmin", "-", Ty::acp, policy("remote", "", R"(,"adri":["/pdp-cse/cse/pdp"])")),
         Rsc::created);
  expect(pep.update("Sadmin", kDoor, R"({"m2m:cnt":{"acpi":["cse/own","cse/remote"]}})"), Rsc::updated);
  expect(send(read()), Rsc::ok);
  expect(pep.update("Sadmin", "-/remote", R"({"m2m:acp":{"adri":null}})"), Rsc::updated);
  pdp().answers = {says(true)};
  expect(send(read()), Rsc::originator_has_no_privilege);
}

TEST_F(Named, points_of_a_policy_are_those_of_the_operator_and_fit_together) {
  const auto refused = [&](const std::string& rules, const char* rest, const char* why) {
    const auto response = pep.create("Sadmin", "-", Ty::acp, policy("p", rules, rest));
    expect(response, Rsc::bad_request);
    EXPECT_THAT(World::debug(response), HasSubstr(why));
  };
  refused("", R"(,"adri":["/evil-cse/cse/pdp"])",
          "pc.m2m:acp.adri: names no PDP that this CSE is configured");
  refused("", R"(,"apri":["/pdp-cse/cse/pdp"])", "pc.m2m:acp.apri: names no PRP");
  refused("", R"(,"airi":["/pdp-cse/cse/pdp"])", "pc.m2m:acp.airi: names no PIP");
  refused(kGuestReads, R"(,"adri":["/pdp-cse/cse/pdp"])", "pc.m2m:acp.adri: needs an empty pv");
  refused("", R"(,"adri":["/pdp-cse/cse/pdp"],"apri":["/prp-cse/cse/prp"])", "pc.m2m:acp.apri: does not go");
  refused("", R"(,"adri":[])", "pc.m2m:acp.adri");
  expect(pep.create("Sadmin", "-", Ty::acp, policy("p", "", R"(,"adri":["/pdp-cse/cse/pdp"])")),
         Rsc::created);
  expect(pep.update("Sadmin", "-/p", R"({"m2m:acp":{"pv":{"acr":[)" + kGuestReads + "]}}}"),
         Rsc::bad_request);
  expect(pep.update("Sadmin", "-/p", R"({"m2m:acp":{"apri":["/prp-cse/cse/prp"]}})"), Rsc::bad_request);
}

TEST_F(PlayedPdp, explain_tells_who_would_be_asked_and_asks_nobody) {
  Hypothetical question{.originator = "Cguest", .operation = "RETRIEVE", .target = kDoor};
  EXPECT_THAT(pep.cse->explain(question),
              HasSubstr("asked of the PDP /pdp-cse/cse/pdp, for an authenticated"));
  question.originator = "Cdoor";
  EXPECT_THAT(pep.cse->explain(question), Not(HasSubstr("PDP")));
  EXPECT_THAT(pdp().received, IsEmpty());
}

// ---- this CSE as PDP ----

class Serving : public testing::Test {
 protected:
  static CseOptions serving_options(const Issuer& issuer) {
    auto options = options_of("/pdp-cse");
    options.token_trust.issuers.push_back(issuer.trusted());
    options.foreign_targets = {{"/pep-cse/cse/door*", {"cse/doors"}}, {"/pep-cse/*", {"cse/all"}}};
    return options;
  }
  void SetUp() override {
    world.register_cse("/pep-cse");
    world.register_cse("/other-cse");
    for (const auto& [type, name] :
         {std::pair(Ty::auds, "pdp"), std::pair(Ty::aupy, "prp"), std::pair(Ty::auif, "pip")})
      make_point(world, type, name, R"("/pep-cse")");
    expect(world.create("Sadmin", "-", Ty::acp, policy("doors", kGuestReads)), Rsc::created);
  }
  ResponsePrimitive ask(const std::string& content, const char* point = "-/pdp",
                        const char* from = "/pep-cse") {
    return world.update(from, point, content);
  }
  static std::string about(const std::string& members) { return R"({"m2m:auds":{)" + members + "}}"; }
  std::string question(const std::string& rest = "", const char* to = kDoor, int op = 2) {
    return about(R"("fr":"//sp.example/pep-cse/Cguest","to":")" + std::string(to) + R"(","op":)" +
                 std::to_string(op) + rest);
  }
  void set_policy(const std::string& rules, const char* name = "-/doors") {
    expect(world.update("Sadmin", name, R"({"m2m:acp":{"pv":{"acr":[)" + rules + "]}}}"), Rsc::updated);
  }
  void expect_decision(const std::string& content, bool permit) {
    const auto response = ask(content);
    expect(response, Rsc::updated);
    EXPECT_EQ(World::debug(response), permit ? kYes : R"({"m2m:auds":{"sus":1,"dec":2}})") << content;
  }
  void expect_status(const std::string& content, int status) {
    const auto response = ask(content);
    expect(response, Rsc::updated);
    EXPECT_EQ(World::debug(response), R"({"m2m:auds":{"sus":)" + std::to_string(status) + "}}") << content;
  }
  EntityId guest = ae_id("/pep-cse/Cguest");
  Issuer issuer{"das.example"};
  World world{serving_options(issuer)};
};

TEST_F(Serving, decides_by_the_policies_for_the_target) {
  expect_decision(question(), true);
  const auto event = world.audit.events().back();
  EXPECT_EQ(event.id, AuditEventId::access_permitted);
  EXPECT_EQ(event.originator, "//sp.example/pep-cse/Cguest");
  EXPECT_EQ(event.target, kDoor);
  EXPECT_THAT(event.reason, HasSubstr("as PDP of another CSE: permitted by"));
  expect_decision(question("", kDoor, 4), false);
  EXPECT_EQ(world.audit.events().back().id, AuditEventId::access_denied);
  expect_decision(question("", "//sp.example/pep-cse/cse/door1/lock"), true);
  expect_status(question("", "/pep-cse/cse/lamp"), 2);
  expect_status(question("", "/other-cse/cse/door"), 2);
  set_policy(R"({"acor":["/pep-cse/Cguest"],"acop":4})");
  expect_decision(question(), false);
  expect(world.remove("Sadmin", "-/doors"), Rsc::deleted);
  expect_status(question(), 2);
}

TEST_F(Serving, evaluates_what_the_pep_knows_of_the_request) {
  set_policy(R"({"acor":["all"],"acop":2,"acco":[{"acip":{"ipv4":["192.0.2.7"]}}]})");
  expect_decision(question(R"(,"oip":{"ip4":"192.0.2.7"})"), true);
  expect_decision(question(R"(,"oip":{"ip4":"192.0.2.8"})"), false);
  expect_decision(question(), false);
  set_policy(R"({"acor":["all"],"acop":2,"acco":[{"aclr":{"accc":["KR"]}}]})");
  expect_decision(question(R"(,"olo":{"accc":["KR"]})"), true);
  expect_decision(question(R"(,"olo":{"accc":["DE"]})"), false);
  expect_decision(question(), false);
  set_policy(R"({"acor":["all"],"acop":2,"acco":[{"aclr":{"accr":[51.5,0,1000]}}]})");
  expect_decision(question(R"(,"olo":{"accr":[51.5,0.001,0]})"), true);
  expect_decision(question(R"(,"olo":{"accr":[51.5,0.001,50000]})"), false);
  set_policy(R"({"acor":["all"],"acop":2,"acco":[{"actw":["* * 8-9 * * * *"]}]})");
  expect_decision(question(R"(,"rtm":"20240601T083000")"), true);
  expect_decision(question(), false);  // it is noon
  set_policy(R"({"acor":["all"],"acop":1,"acod":[{"chty":[4]}]})");
  expect_decision(question(R"(,"rrt":4)", kDoor, 1), true);
  expect_decision(question(R"(,"rrt":3)", kDoor, 1), false);
  set_policy(R"({"acor":["all"],"acop":32})");
  expect_decision(question(R"(,"fu":1)"), true);
  expect_decision(question(), false);
}

TEST_F(Serving, roles_and_tokens_count_for_their_holder) {
  set_policy(R"({"acor":["sitter@das.example"],"acop":2})");
  const auto role = R"(,"rids":["sitter@das.example"])";
  expect_decision(question(role), false);
  expect(
      world.create("Sadmin", "-", Ty::rol,
                   R"({"m2m:rol":{"rlid":"sitter@das.example","tkis":"das.example","tknb":"20240101T000000",
                          "tkhd":"//sp.example/pep-cse/Cguest","tkna":"20250101T000000"}})"),
      Rsc::created);
  expect_decision(question(role), true);
  expect_decision(question(), false);
  auto claims = issuer.claims("t1", guest, world.clock.now());
  claims.audience = {};
  claims.permissions = {{{}, nullptr, {"sitter@das.example"}}};
  expect_decision(question(R"(,"tkns":[")" + issuer.sign(claims) + R"("])"), true);
  expect_decision(question(R"(,"tids":["t1@das.example"])"), true);
  claims.holder = ae_id("/pep-cse/Cother");
  expect_status(question(R"(,"tkns":[")" + issuer.sign(claims) + R"("])"), 4);
  expect_status(question(R"(,"tids":["t9@das.example"])"), 3);
}

TEST_F(Serving, decides_on_its_own_resources_by_what_governs_them) {
  expect(world.create("Sadmin", "-", Ty::cnt, R"({"m2m:cnt":{"rn":"box","acpi":["cse/doors"]}})"),
         Rsc::created);
  expect(world.create("Sadmin", "-", Ty::cnt, R"({"m2m:cnt":{"rn":"closed"}})"), Rsc::created);
  expect_decision(question("", "/pdp-cse/cse/box"), true);
  expect_decision(question("", "/pdp-cse/cse/closed"), false);
  for (const auto* other : {"/pdp-cse/cse/doors", "/pdp-cse/cse/pdp", "/pdp-cse/cse/nothing"})
    expect_status(question("", other), 2);
}

TEST_F(Serving, only_those_may_ask_whom_its_policy_names) {
  expect(ask(question(), "-/pdp", "/other-cse"), Rsc::originator_has_no_privilege);
  expect(ask(R"({"m2m:aupy":{"to":"/pep-cse/cse/door"}})", "-/prp", "/other-cse"),
         Rsc::originator_has_no_privilege);
  expect(ask(R"({"m2m:auif":{"fr":"//sp.example/pep-cse/Cguest"}})", "-/pip", "/other-cse"),
         Rsc::originator_has_no_privilege);
  expect(ask("{}", "-/pdp", "/other-cse"), Rsc::bad_request);
  expect(world.retrieve("/pep-cse", "-/pdp"), Rsc::originator_has_no_privilege);
  expect(world.remove("/pep-cse", "-/pdp"), Rsc::originator_has_no_privilege);
}

TEST_F(Serving, nothing_of_a_question_is_kept) {
  const auto before = World::debug(world.retrieve("Sadmin", "-/pdp"));
  expect_decision(question(), true);
  EXPECT_EQ(World::debug(world.retrieve("Sadmin", "-/pdp")), before);
  auto request = world.change("/pep-cse", "-/pdp", question());
  request.rcn = codec::ResultContent::nothing;
  EXPECT_EQ(World::debug(world.send(world.session("/pep-cse"), request)), "null");
}

TEST_F(Serving, bad_questions_are_refused_by_name) {
  const auto refused = [&](const std::string& content, const char* where, const char* point = "-/pdp") {
    const auto response = ask(content, point);
    expect(response, Rsc::bad_request);
    EXPECT_THAT(World::debug(response), HasSubstr(where));
  };
  refused(about(""), "m2m:auds.fr: missing");
  refused(question(R"(,"lbl":["x"])"), "m2m:auds.lbl: unknown member");
  refused(question(R"(,"dec":1)"), "m2m:auds.dec: unknown member");
  refused(question("", "cse/door"), "m2m:auds.to: must name the CSE");
  refused(R"({"m2m:aupy":{"to":"/pep-cse/cse/door"}})", "m2m:auds: missing");
  refused(R"({"m2m:aupy":{"to":"cse/door"}})", "m2m:aupy.to: must name the CSE", "-/prp");
  refused(R"({"m2m:aupy":{"to":7}})", "m2m:aupy.to", "-/prp");
  refused(R"({"m2m:auif":{"rids":["a@b.example"]}})", "m2m:auif.fr: missing", "-/pip");
}

TEST_F(Serving, the_resources_are_the_administrators) {
  expect(world.create("Sadmin", "-", Ty::acp, policy("open", R"({"acor":["all"],"acop":63})")), Rsc::created);
  expect(world.update("Sadmin", "-/pdp", R"({"m2m:auds":{"acpi":["cse/open"]}})"), Rsc::updated);
  expect(world.update("/pep-cse", "-/pdp", R"({"m2m:auds":{"lbl":["x"]}})"),
         Rsc::originator_has_no_privilege);
  expect(world.update("Sadmin", "-/pdp", R"({"m2m:auds":{"lbl":["x"]}})"), Rsc::updated);
  expect(world.update("Sadmin", "-", "{}"), Rsc::bad_request);
}

TEST(Points, are_not_created_by_others_nor_where_they_are_not_offered) {
  World world(World::in_options());
  for (const auto& [type, element] :
       {std::pair(Ty::auds, "auds"), std::pair(Ty::aupy, "aupy"), std::pair(Ty::auif, "auif")})
    expect(world.create("Sadmin", "-", type, R"({"m2m:)" + std::string(element) + R"(":{}})"),
           Rsc::not_implemented);
  EXPECT_THAT(World::debug(world.retrieve("Sadmin", "-")), Not(HasSubstr("35,36,37")));
  World offering(options_of("/pdp-cse"));
  EXPECT_THAT(World::debug(offering.retrieve("Sadmin", "-")), HasSubstr("35,36,37"));
  offering.register_cse("/other-cse");
  expect(offering.create("Sadmin", "-", Ty::auds, R"({"m2m:auds":{"to":"/x/y"}})"), Rsc::bad_request);
  expect(offering.create("/other-cse", "-", Ty::auds, R"({"m2m:auds":{}})"),
         Rsc::originator_has_no_privilege);
}

// ---- this CSE as PRP and PIP ----

TEST_F(Serving, hands_out_the_policies_for_the_target) {
  const auto policies = [&](const char* to) {
    return World::debug(ask(R"({"m2m:aupy":{"to":")" + std::string(to) + R"("}})", "-/prp"));
  };
  EXPECT_EQ(policies(kDoor),
            R"({"m2m:aupy":{"sus":1,"ps":[{"pv":{"acr":[)" + kGuestReads + R"(]}}],"ca":1}})");
  EXPECT_EQ(policies("/pep-cse/cse/lamp"), R"({"m2m:aupy":{"sus":2}})");
  expect(world.create("Sadmin", "-", Ty::acp, policy("all", R"({"acor":["all"],"acop":16})")), Rsc::created);
  EXPECT_THAT(policies(kDoor), HasSubstr(R"({"acor":["all"],"acop":16})"));
  expect(world.create("Sadmin", "-", Ty::cnt, R"({"m2m:cnt":{"rn":"box","acpi":["cse/doors"]}})"),
         Rsc::created);
  EXPECT_THAT(policies("/pdp-cse/cse/box"), HasSubstr(kGuestReads));
  EXPECT_EQ(policies("/pdp-cse/cse/doors"), R"({"m2m:aupy":{"sus":2}})") << "selfPrivileges stay here";
  std::string rules = kGuestReads;
  for (std::size_t i = 0; i < codec::kGrantedRulesMax; ++i) rules += "," + kGuestReads;
  set_policy(rules);
  EXPECT_EQ(policies(kDoor), R"({"m2m:aupy":{"sus":5}})") << "more than can be carried: not in part";
}

TEST_F(Serving, hands_out_roles_and_tokens_of_one_holder) {
  const auto role = [&](const char* id, const char* holder) {
    expect(world.create(
               "Sadmin", "-", Ty::rol,
               std::string(R"({"m2m:rol":{"rlid":")") + id +
                   R"(","tkis":"das.example","tknb":"20240101T000000","tkna":"20250101T000000","tkhd":")" +
                   holder + R"("}})"),
           Rsc::created);
  };
  role("sitter@das.example", "//sp.example/pep-cse/Cguest");
  role("cleaner@das.example", "//sp.example/pep-cse/Cguest");
  role("sitter@das.example", "//sp.example/pep-cse/Cother");
  const auto claims = issuer.claims("t1", guest, world.clock.now());
  expect(world.create("Sadmin", "-", Ty::tk,
                      R"({"m2m:tk":{"tkid":"t1@das.example","tkob":")" + issuer.sign(claims) + R"("}})"),
         Rsc::created);
  const auto given = [&](const std::string& from, const std::string& rest = "") {
    const auto response =
        ask(R"({"m2m:auif":{"fr":"//sp.example/pep-cse/)" + from + "\"" + rest + "}}", "-/pip");
    expect(response, Rsc::updated);
    return codec::read_information_response(response.pc.value(), {.originator = ae_id("/pep-cse/" + from)})
        .value();
  };
  const auto sitter = given("Cguest", R"(,"rids":["sitter@das.example"])");
  ASSERT_THAT(sitter.roles, SizeIs(1));
  EXPECT_EQ(sitter.roles.front().at("tkhd"), "//sp.example/pep-cse/Cguest");
  EXPECT_THAT(sitter.tokens, IsEmpty());
  EXPECT_THAT(given("Cguest", R"(,"tids":["t1@das.example"])").tokens, SizeIs(1));
  EXPECT_EQ(given("Cother", R"(,"tids":["t1@das.example"])").status,
            codec::AuthorizationStatus::not_applicable);
  const auto all = given("Cguest");
  EXPECT_THAT(all.roles, SizeIs(2));
  EXPECT_THAT(all.tokens, SizeIs(1));
  EXPECT_EQ(given("Cnobody").status, codec::AuthorizationStatus::not_applicable);
}

// ---- the local PDP with a PRP and a PIP on other CSEs ----

class PlayedPrp : public Pep {
 protected:
  PlayedPrp()
      : Pep([] {
          auto options = options_of("/pep-cse");
          options.prps = {{kPrp}, true};
          return options;
        }()) {}
  void SetUp() override {
    Pep::SetUp();
    pep.register_cse("/prp-cse");
  }
  void gives(const std::string& rules) {
    ResponsePrimitive response;
    response.rsc = Rsc::updated;
    response.pc = json::parse(R"({"m2m:aupy":{"sus":1,"ca":1,"ps":[{"pv":{"acr":[)" + rules + "]}}]}}");
    pep.peers.cses["//sp.example/prp-cse"].answers = {response};
  }
};

TEST_F(PlayedPrp, its_policies_count_beside_those_here) {
  gives(kGuestReads);
  expect(send(read()), Rsc::ok);
  EXPECT_THAT(last_reason(), HasSubstr("permitted by policy 0 of the PRP /prp-cse/cse/prp rule 0"));
  const auto& asked = pep.peers.cses["//sp.example/prp-cse"].received.back();
  EXPECT_EQ(codec::to_text(asked.pc), R"({"m2m:aupy":{"to":"/pep-cse/cse/door"}})");
  gives(R"({"acor":["/pep-cse/Cguest"],"acop":4})");
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("the PRP /prp-cse/cse/prp: its policies do not permit"));
}

/// Decision 0032: rq_authn is known here, where its policies are evaluated.
TEST_F(PlayedPrp, its_policies_count_for_originators_that_are_not_authenticated_as_they_say) {
  latchkey::test::cover({"7.1.2-T12", "7.1.2-T14"});
  const auto forwarded = [&] {
    return pep.send(tls_of("/prp-cse"), pep.make(Operation::retrieve, "/prp-cse/Cx", kDoor));
  };
  gives(R"({"acor":["/prp-cse/Cx"],"acop":2})");
  expect(forwarded(), Rsc::ok);
  EXPECT_THAT(last_reason(), HasSubstr("permitted by policy 0 of the PRP"));
  gives(R"({"acor":["/prp-cse/Cx"],"acop":2,"acaf":true})");
  expect(forwarded(), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("its policies do not permit"));
  gives(R"({"acor":["/pep-cse/Cguest"],"acop":2,"acaf":true})");
  expect(send(read()), Rsc::ok);
}

TEST_F(PlayedPrp, stems_in_its_policies_are_aes_of_its_own) {
  gives(R"({"acor":["Cguest"],"acop":2})");
  expect(send(read()), Rsc::originator_has_no_privilege);
}

TEST_F(PlayedPrp, policies_that_cannot_be_read_count_for_nothing) {
  gives(kGuestReads + R"(,{"acor":["all"],"acop":99})");
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("policy 0 cannot be read"));
  pep.peers.cses["//sp.example/prp-cse"].answers = {fail(ErrorCode::unavailable, "down")};
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("the PRP /prp-cse/cse/prp: down"));
}

class PlayedPip : public Pep {
 protected:
  explicit PlayedPip(const Issuer& trusted = Issuer("das.example"))
      : Pep([&] {
          auto options = options_of("/pep-cse");
          options.pips = {{kPip}, true};
          options.token_trust.issuers.push_back(trusted.trusted());
          return options;
        }()) {}
  void SetUp() override {
    Pep::SetUp();
    pep.register_cse("/pip-cse");
    expect(pep.update("Sadmin", "-/own",
                      R"({"m2m:acp":{"pv":{"acr":[{"acor":["sitter@das.example"],"acop":2}]}}})"),
           Rsc::updated);
  }
  FakePeer& pip() { return pep.peers.cses["//sp.example/pip-cse"]; }
  void gives(const std::string& members) {
    ResponsePrimitive response;
    response.rsc = Rsc::updated;
    response.pc = json::parse(R"({"m2m:auif":{)" + members + "}}");
    pip().answers = {response};
  }
  static std::string role(const std::string& id, const std::string& holder,
                          const char* issuer_id = "das.example") {
    return R"("sus":1,"m2m:rol":[{"rlid":")" + id + R"(","tkis":")" + issuer_id + R"(","tkhd":")" + holder +
           R"(","tknb":"20240101T000000","tkna":"20250101T000000"}])";
  }
  ResponsePrimitive as_sitter() {
    auto request = read();
    request.rids = {"sitter@das.example"};
    return send(request);
  }
  Issuer issuer{"das.example"};
};

TEST_F(PlayedPip, a_role_is_asked_of_it) {
  gives(role("sitter@das.example", "//sp.example/pep-cse/Cguest"));
  expect(as_sitter(), Rsc::ok);
  EXPECT_EQ(codec::to_text(pip().received.front().pc),
            R"({"m2m:auif":{"fr":"//sp.example/pep-cse/Cguest","rids":["sitter@das.example"]}})");
  EXPECT_EQ(pip().received.front().to, kPip);
}

TEST_F(PlayedPip, its_word_alone_makes_no_role) {
  for (const auto& lie :
       {role("sitter@das.example", "//sp.example/pep-cse/Cdoor"),
        role("sitter@das.example", "//sp.example/pep-cse/Cguest", "other.example"),
        role("cleaner@das.example", "//sp.example/pep-cse/Cguest"), std::string(R"("sus":2)"),
        std::string(R"("sus":1,"m2m:rol":[{}])"), std::string(R"("sus":1,"m2m:rol":7)"),
        role("sitter@das.example", "//sp.example/pep-cse/Cguest") + R"(,"fr":"//sp.example/x/Cy")"}) {
    gives(lie);
    expect(as_sitter(), Rsc::originator_has_no_privilege);
  }
  pip().answers = {fail(ErrorCode::expired, "late")};
  expect(as_sitter(), Rsc::originator_has_no_privilege);
}

TEST_F(PlayedPip, each_request_asks_anew) {
  pip().hold = true;
  auto request = read();
  request.rids = {"sitter@das.example"};
  const auto first = pep.begin(pep.session("Cguest"), request);
  request.rqi = "second";
  const auto second = pep.begin(pep.session("Cguest"), request);
  ASSERT_THAT(pip().held, SizeIs(2)) << "the first may be answered with what is taken back before the second";
  gives(role("sitter@das.example", "//sp.example/pep-cse/Cguest"));
  pip().held[0]();
  gives(R"("sus":2)");
  pip().held[1]();
  pep.executor.run_posted();
  expect(first->value(), Rsc::ok);
  expect(second->value(), Rsc::originator_has_no_privilege);
}

TEST_F(PlayedPip, a_token_of_it_is_verified_as_any) {
  auto claims = issuer.claims("t1", ae_id("/pep-cse/Cguest"), pep.clock.now());
  claims.audience = {"//sp.example/pep-cse"};
  claims.permissions = {{{}, nullptr, {"sitter@das.example"}}};
  auto request = read();
  request.tids = {"t1@das.example"};
  gives(R"("sus":1,"m2m:tk":[{"tkob":")" + issuer.sign(claims) + R"("}])");
  expect(send(request), Rsc::ok);
  claims.token_id = "t2@das.example";
  request.tids = {"t2@das.example"};
  request.rqi = "other";
  auto forged = issuer.sign(claims);
  forged[forged.size() - 3] = forged[forged.size() - 3] == 'A' ? 'B' : 'A';
  gives(R"("sus":1,"m2m:tk":[{"tkob":")" + forged + R"("}])");
  expect(send(request), Rsc::originator_has_no_privilege);
}

// ---- four CSEs ----

/// PEP, PDP, PRP and PIP, each a CSE of its own.
class Separate : public Pep {
 protected:
  static CseOptions pdp_options(const Issuer& issuer) {
    auto options = options_of("/pdp-cse");
    options.prps = {{kPrp}, true};
    options.pips = {{kPip}, true};
    options.token_trust.issuers.push_back(issuer.trusted());
    return options;
  }
  static CseOptions prp_options() {
    auto options = options_of("/prp-cse");
    options.foreign_targets = {{"/pep-cse/*", {"cse/doors"}}};
    return options;
  }
  void SetUp() override {
    Pep::SetUp();
    pep.connect(pdp);
    pdp.connect(prp);
    pdp.connect(pip);
    make_point(pdp, Ty::auds, "pdp", R"("/pep-cse")");
    make_point(prp, Ty::aupy, "prp", R"("/pdp-cse")");
    make_point(pip, Ty::auif, "pip", R"("/pdp-cse")");
    expect(prp.create("Sadmin", "-", Ty::acp, policy("doors", R"({"acor":["sitter@das.example"],"acop":2})")),
           Rsc::created);
    expect(pip.create("Sadmin", "-", Ty::rol,
                      R"({"m2m:rol":{"rn":"r","rlid":"sitter@das.example","tkis":"das.example",
                          "tknb":"20240101T000000","tkhd":"//sp.example/pep-cse/Cguest","tkna":"20250101T000000"}})"),
           Rsc::created);
  }
  ResponsePrimitive as_sitter() {
    auto request = read();
    request.rids = {"sitter@das.example"};
    return send(request);
  }
  Issuer issuer{"das.example"};
  World pdp{pdp_options(issuer)}, prp{prp_options()}, pip{options_of("/pip-cse")};
};

TEST_F(Separate, each_does_its_part) {
  expect(as_sitter(), Rsc::ok);
  EXPECT_EQ(last_reason(), "permitted by the PDP /pdp-cse/cse/pdp");
  EXPECT_THAT(
      pdp.audit.events().back().reason,
      HasSubstr("permitted by policy 0 of the PRP /prp-cse/cse/prp rule 0 through role sitter@das.example"));
  expect(send(read()), Rsc::originator_has_no_privilege);  // without the role
}

TEST_F(Separate, what_was_taken_back_and_acknowledged_is_never_used_again) {
  expect(as_sitter(), Rsc::ok);
  expect(prp.update("Sadmin", "-/doors", R"({"m2m:acp":{"pv":{"acr":[]}}})"), Rsc::updated);
  expect(as_sitter(), Rsc::originator_has_no_privilege);
  expect(prp.update("Sadmin", "-/doors",
                    R"({"m2m:acp":{"pv":{"acr":[{"acor":["sitter@das.example"],"acop":2}]}}})"),
         Rsc::updated);
  expect(as_sitter(), Rsc::ok);
  expect(pip.remove("Sadmin", "-/r"), Rsc::deleted);
  expect(as_sitter(), Rsc::originator_has_no_privilege);
}

TEST_F(Separate, any_of_them_down_means_denied) {
  pdp.peers.cses["//sp.example/prp-cse"].answers = {fail(ErrorCode::unavailable, "down")};
  expect(as_sitter(), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("PROCESSING_ERROR"));
  EXPECT_THAT(pdp.audit.events().back().reason, HasSubstr("the PRP /prp-cse/cse/prp: down"));
  pdp.peers.cses["//sp.example/pip-cse"].answers = {fail(ErrorCode::unavailable, "down")};
  expect(as_sitter(), Rsc::originator_has_no_privilege);
  pep.peers.cses["//sp.example/pdp-cse"].answers = {fail(ErrorCode::unavailable, "down")};
  expect(as_sitter(), Rsc::originator_has_no_privilege);
  expect(as_sitter(), Rsc::ok);  // and all are up again
}

TEST_F(Separate, a_prp_without_policies_is_no_error_and_the_next_pdp_may_know) {
  expect(prp.remove("Sadmin", "-/doors"), Rsc::deleted);
  expect(as_sitter(), Rsc::originator_has_no_privilege);
  EXPECT_THAT(pdp.audit.events().back().reason, HasSubstr("nothing applies to the target"));
  EXPECT_THAT(last_reason(), HasSubstr("the PDP /spare-cse/cse/pdp: ")) << "it was asked next";
}

TEST_F(Separate, a_pep_that_the_pdp_does_not_know_is_denied) {
  expect(pdp.update("Sadmin", "-/pdpAskers", R"({"m2m:acp":{"pv":{"acr":[{"acor":["/x-cse"],"acop":4}]}}})"),
         Rsc::updated);
  expect(as_sitter(), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("answered 4103"));
}

}  // namespace
}  // namespace latchkey::cse::test
