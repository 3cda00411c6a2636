// A request that only the CSE it is for can read, over two CSEs that are trusted with nothing (TS-0003 8.4,
// 7.2.2), and the key for it established on the same way (8.7).
#include "latchkey/client/end_to_end.h"

#include <boost/json/serialize.hpp>
#include <filesystem>

#include "cover.h"
#include "latchkey/e2e/originator.h"
#include "latchkey/e2e/security_info.h"
#include "latchkey/pki/authority.h"
#include "state_folder.h"
#include "support/world.h"

namespace latchkey::cse::test {
namespace {

using latchkey::test::cover;

SecretBytes pairwise() {
  return *secret_from_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
}
e2e::PairwiseEsPrimKey::Shared key_with(const EntityId& peer, std::string id = "K1") {
  return *e2e::PairwiseEsPrimKey::from_secret({.id = std::move(id), .peer = peer, .suid = *Suid::from(13)},
                                              pairwise());
}
const EntityId kPhone = ae_id("/mn-b/Cphone");
const EntityId kMn = cse_id("/mn-cse");

CseOptions mn(std::string_view id) {
  auto options = World::mn_options();
  options.cse_id = cse_id(id);
  options.registrar = cse_id("/in-cse");
  return options;
}
CseOptions receiver() {
  auto options = mn("/mn-cse");
  options.end_to_end = {.end_point = {.esprim = {.self = options.cse_id}, .keys = {key_with(kPhone)}}};
  return options;
}

/// The way of an AE to its registrar.
class Registered final : public bind::RequestSender {
 public:
  Registered(World& registrar, std::string from) : registrar_(registrar), from_(std::move(from)) {}
  void send(RequestPrimitive request, std::chrono::milliseconds, Done done) override {
    EXPECT_EQ(request.from, from_);
    sent.push_back(request.to);
    done(registrar_.send(registrar_.session(from_), std::move(request)));
  }
  std::vector<std::string> sent;

 private:
  World& registrar_;
  std::string from_;
};

/// Certificates of one authority of the service provider.
class Authorities {
 public:
  static Authorities& instance() {
    static Authorities made;
    return made;
  }
  ~Authorities() { std::filesystem::remove_all(folder_); }
  Authorities(const Authorities&) = delete;
  Authorities& operator=(const Authorities&) = delete;
  e2e::EsCertKeCredentials of(const EntityId& id) {
    pki::SubjectRequest subject;
    if (const auto* const ae = std::get_if<AeId>(&id)) {
      subject.flavour = pki::Flavour::ae_id;
      subject.ae_id = *ae;
    } else {
      subject.flavour = pki::Flavour::cse_id;
      subject.domain_name = *std::get<CseId>(id).public_domain_name(cse_id("/in-cse"));
    }
    auto key = *pki::PrivateKey::generate();
    auto issued = root_.issue(subject, key.public_spki(), std::chrono::days(100));
    EXPECT_TRUE(issued) << issued.error().detail;
    auto own = std::make_shared<tls::OwnCertificate>(
        tls::OwnCertificate{{issued->certificate, root_.certificate()}, std::move(key)});
    return {.own = std::move(own),
            .trust = *pki::TrustStore::make({{root_.certificate(), {}}}, {}),
            .home = kSp,
            .in_cse = cse_id("/in-cse")};
  }

 private:
  static std::string make_folder() {
    std::string name = ::testing::TempDir() + "latchkey-cse-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    return name;
  }
  Authorities()
      : folder_(make_folder()),
        root_(*pki::Authority::create_root(folder_ + "/root", "Root", {{"sp.example"}, {"sp.example"}, {}},
                                           std::chrono::days(3650))) {}
  std::string folder_;
  pki::Authority root_;
};

/// The phone is registered at mn-b; mn-b and mn-cse at in-cse; the door is at mn-cse, and open to the phone
/// only if it has been authenticated.
class EndToEndPrimitive : public ::testing::Test {
 protected:
  EndToEndPrimitive() {
    // Certificates begin now, by the clock of the computer.
    for (World* world : {&b, &in, &a}) world->clock.set(system_clock().now() + std::chrono::seconds(5));
    a.executor.advance(std::chrono::seconds(60));
    for (World* leaf : {&b, &a}) {
      leaf->reach(in);
      in.reach(*leaf);
    }
    b.register_ae("Cphone", "phone");
    a.register_ae("Clock", "lock");
    EXPECT_EQ(
        a.create(
             "Clock", "cse/lock", Ty::acp,
             R"({"m2m:acp":{"rn":"door","pv":{"acr":[{"acor":["/mn-b/Cphone"],"acop":63,"acaf":true},{"acor":["Clock"],"acop":63}]},
                        "pvs":{"acr":[{"acor":["Clock"],"acop":63}]}}})")
            .rsc,
        Rsc::created);
    EXPECT_EQ(
        a.create("Clock", "cse/lock", Ty::cnt, R"({"m2m:cnt":{"rn":"state","acpi":["cse/lock/door"]}})").rsc,
        Rsc::created);
  }
  /// What the phone sends by way of its registrar.
  ResponsePrimitive by_phone(RequestPrimitive outer) {
    outer.from = "Cphone";
    outer.rqi = "outer" + std::to_string(++sent);
    outer.rvi = "2a";
    return b.send(b.session("Cphone"), std::move(outer));
  }
  RequestPrimitive unlock(std::string_view from = "/mn-b/Cphone") {
    return a.creation(from, "/mn-cse/cse/lock/state", Ty::cin, R"({"m2m:cin":{"con":"unlock"}})");
  }
  std::shared_ptr<e2e::EsPrimOriginator> originator(
      const e2e::PairwiseEsPrimKey::Shared& key = key_with(kMn)) {
    return *e2e::EsPrimOriginator::make({.receiver_address = "/mn-cse/-"}, key);
  }
  /// The whole exchange; the rand object is what in-cse holds for mn-cse, else asked for.
  e2e::EsPrimExchange::Action exchange(const std::shared_ptr<e2e::EsPrimOriginator>& who,
                                       RequestPrimitive inner) {
    e2e::EsPrimExchange exchange(who, std::move(inner));
    auto action = exchange.start(a.clock.now());
    while (true) {
      if (std::holds_alternative<e2e::EsPrimExchange::RetrieveSecInfo>(action)) {
        const auto info = sec_info();
        action = exchange.on_sec_info(&info, a.clock.now());
      } else if (auto* const send = std::get_if<e2e::EsPrimExchange::Send>(&action)) {
        action = exchange.on_answer(by_phone(std::move(send->outer)), a.clock.now());
      } else {
        return action;
      }
    }
  }
  json::value sec_info() {
    auto base = a.retrieve("Sadmin", "-");
    EXPECT_EQ(base.rsc, Rsc::ok);
    return World::attributes(base)["esi"];
  }
  static Rsc inner_rsc(const e2e::EsPrimExchange::Action& action) {
    const auto* const finished = std::get_if<e2e::EsPrimExchange::Finished>(&action);
    EXPECT_TRUE(finished) << (std::holds_alternative<e2e::EsPrimExchange::Failed>(action)
                                  ? std::get<e2e::EsPrimExchange::Failed>(action).error.detail
                                  : "");
    return finished != nullptr ? finished->inner.rsc : Rsc::internal_server_error;
  }
  static std::optional<Rsc> refusal(const e2e::EsPrimExchange::Action& action) {
    const auto* const failed = std::get_if<e2e::EsPrimExchange::Failed>(&action);
    EXPECT_TRUE(failed);
    return failed != nullptr ? failed->rsc : std::nullopt;
  }
  std::int64_t instances() { return World::number(a.retrieve("Clock", "cse/lock/state"), "cni"); }

  World b{mn("/mn-b")};
  World in;
  World a{receiver()};
  int sent = 0;
};

TEST_F(EndToEndPrimitive, ProvesTheOriginatorOverCsesThatReadNothing) {
  cover({"7.1.2-02", "7.2.2-01", "7.2.2-03"});
  // In clear the CSEs on the way vouch for the phone: that is not enough for this door.
  EXPECT_EQ(by_phone(unlock()).rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(instances(), 0);
  EXPECT_EQ(inner_rsc(exchange(originator(), unlock())), Rsc::created);
  EXPECT_EQ(instances(), 1);
  const auto& seen = in.peers.cses["//sp.example/mn-cse"].received;
  ASSERT_FALSE(seen.empty());
  const auto text = codec::to_text(seen.back().pc);
  EXPECT_EQ(text.find("unlock"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("sit":5)"), std::string::npos) << text;
  EXPECT_EQ(seen.back().op, Operation::notify);
  EXPECT_EQ(seen.back().to, "/mn-cse/-");
}

TEST_F(EndToEndPrimitive, TheDecisionIsThatOnTheInnerRequest) {
  // Authenticated, but without privilege: the refusal comes back protected too.
  auto other = unlock();
  other.to = "/mn-cse/cse/lock";
  EXPECT_EQ(inner_rsc(exchange(originator(), std::move(other))), Rsc::originator_has_no_privilege);
  auto missing = unlock();
  missing.to = "/mn-cse/cse/lock/none";
  EXPECT_EQ(inner_rsc(exchange(originator(), std::move(missing))), Rsc::not_found);
  auto elsewhere = unlock();
  elsewhere.to = "/in-cse/cse";
  EXPECT_EQ(inner_rsc(exchange(originator(), std::move(elsewhere))), Rsc::bad_request);
  auto malformed = unlock();
  malformed.ty = std::nullopt;
  EXPECT_EQ(inner_rsc(exchange(originator(), std::move(malformed))), Rsc::bad_request);
  EXPECT_EQ(instances(), 0);
}

TEST_F(EndToEndPrimitive, AGroupPassesItOnToNobodyElse) {
  // Members on other CSEs would get it in clear, in the name of an originator for whom only the key speaks.
  ASSERT_EQ(
      a.create(
           "Clock", "cse/lock", Ty::grp,
           R"({"m2m:grp":{"rn":"all","mnm":5,"mid":["cse/lock/state","/in-cse/cse/elsewhere"],"macp":["cse/lock/door"]}})")
          .rsc,
      Rsc::created);
  auto& by_a = a.peers.cses["//sp.example/in-cse"].received;
  const auto before = by_a.size();
  auto fanned = unlock();
  fanned.to = "/mn-cse/cse/lock/all/fopt";
  const auto action = exchange(originator(), std::move(fanned));
  ASSERT_EQ(inner_rsc(action), Rsc::ok);
  const auto answers = codec::to_text(std::get<e2e::EsPrimExchange::Finished>(action).inner.pc);
  EXPECT_NE(answers.find(R"("rsc":2001)"), std::string::npos) << answers;
  EXPECT_NE(answers.find(R"("rsc":4000)"), std::string::npos) << answers;
  EXPECT_EQ(instances(), 1);
  for (auto at = before; at < by_a.size(); ++at)
    EXPECT_EQ(codec::to_text(by_a[at].pc).find("unlock"), std::string::npos);
  // A notification that would leave by way of a <remoteCSE> neither.
  auto notification = a.make(Operation::notify, "/mn-b/Cphone", "/mn-cse/cse/in-cse");
  notification.pc = json::parse(R"({"m2m:sgn":{"sur":"unlock"}})");
  const auto refused = inner_rsc(exchange(originator(), std::move(notification)));
  EXPECT_TRUE(refused == Rsc::bad_request || refused == Rsc::originator_has_no_privilege);
}

TEST_F(EndToEndPrimitive, WhoSpeaksForAnotherInsideIsRefused) {
  cover({"7.2.2-02"});
  const auto result = exchange(originator(), unlock("/mn-b/Cother"));
  EXPECT_EQ(refusal(result), Rsc::esprim_impersonation_error);
  ASSERT_FALSE(a.audit.events().empty());
  const auto event = a.audit.events().back();
  EXPECT_EQ(event.id, AuditEventId::originator_refused);
  EXPECT_EQ(event.status, 4116);
  EXPECT_NE(event.reason.find("ESPrim"), std::string::npos) << event.reason;
  EXPECT_EQ(instances(), 0);
}

TEST_F(EndToEndPrimitive, AnUnknownKeyIsRefused) {
  const auto result = exchange(originator(key_with(kMn, "K2")), unlock());
  EXPECT_EQ(refusal(result), Rsc::esprim_unknown_key_id);
}

TEST_F(EndToEndPrimitive, AKeyThatIsNoLongerProvisionedOpensNothing) {
  EXPECT_EQ(inner_rsc(exchange(originator(), unlock())), Rsc::created);
  ASSERT_TRUE(a.cse->provision({key_with(ae_id("/mn-b/Cother"), "K2")}));
  EXPECT_EQ(refusal(exchange(originator(), unlock())), Rsc::esprim_unknown_key_id);
  ASSERT_TRUE(a.cse->provision({key_with(kPhone)}));
  EXPECT_EQ(inner_rsc(exchange(originator(), unlock())), Rsc::created);
  EXPECT_FALSE(in.cse->provision({}));
}

TEST_F(EndToEndPrimitive, TheHopsPrivilegeCountsForNothingInside) {
  // The administrator's session carries an object of the phone's: the inner request is the phone's alone.
  e2e::EsPrimExchange exchange(originator(), unlock());
  auto action = exchange.start(a.clock.now());
  const auto info = sec_info();
  action = exchange.on_sec_info(&info, a.clock.now());
  auto outer = std::get<e2e::EsPrimExchange::Send>(action).outer;
  outer.from = "Sadmin";
  outer.rqi = "stolen";
  outer.rvi = "2a";
  const auto answer = a.send(a.session("Sadmin"), std::move(outer));
  EXPECT_EQ(answer.rsc, Rsc::esprim_impersonation_error) << World::debug(answer);
  EXPECT_EQ(instances(), 0);
}

TEST_F(EndToEndPrimitive, TheAddressOfTheHopIsNotTheOriginators) {
  a.options().pdps = {{"/in-cse/cse/pdp"}, true};
  a.start();
  auto denied_here = unlock();
  denied_here.to = "/mn-cse/cse/lock";
  static_cast<void>(exchange(originator(), std::move(denied_here)));
  std::string question;
  for (const auto& sent_by_a : a.peers.cses["//sp.example/in-cse"].received)
    if (sent_by_a.to == "/in-cse/cse/pdp") question = codec::to_text(sent_by_a.pc);
  ASSERT_NE(question.find("Cphone"), std::string::npos) << question;
  EXPECT_EQ(question.find("192.0.2.9"), std::string::npos) << question;
}

TEST_F(EndToEndPrimitive, NobodyRegistersInside) {
  // 6.1.2.2.1: a registration is that of an association, which nobody has through a CSE on the way.
  const EntityId stranger = cse_id("/mn-x"), provided = ae_id("/Sboat");
  ASSERT_TRUE(a.cse->provision({key_with(stranger, "KX"), key_with(provided, "KS")}));
  ASSERT_TRUE(b.create("Sboat", "-", Ty::ae, R"({"m2m:ae":{"api":"Nboat","rr":false,"srv":["2a"]}})").rsc ==
              Rsc::created);
  const auto attempt = [&](const std::string& kid, RequestPrimitive inner, std::string_view from,
                           World& registrar, std::string_view session) {
    e2e::EsPrimExchange exchange(originator(key_with(kMn, kid)), std::move(inner));
    static_cast<void>(exchange.start(a.clock.now()));
    const auto info = sec_info();
    auto action = exchange.on_sec_info(&info, a.clock.now());
    auto outer = std::get<e2e::EsPrimExchange::Send>(action).outer;
    outer.from = from;
    outer.rqi = kid;
    outer.rvi = "2a";
    return inner_rsc(
        exchange.on_answer(registrar.send(registrar.session(session), std::move(outer)), a.clock.now()));
  };
  EXPECT_EQ(attempt("KS",
                    a.creation("/Sboat", "/mn-cse/-", Ty::ae,
                               R"({"m2m:ae":{"api":"Nboat","rr":false,"srv":["2a"]}})"),
                    "Sboat", b, "Sboat"),
            Rsc::security_association_required);
  in.register_cse("/mn-x");
  EXPECT_EQ(attempt("KX",
                    a.creation("/mn-x", "/mn-cse/-", Ty::csr,
                               R"({"m2m:csr":{"csi":"/mn-x","cb":"/mn-x/cse","rr":true,"srv":["2a"]}})"),
                    "/mn-x", in, "/mn-x"),
            Rsc::security_association_required);
}

TEST_F(EndToEndPrimitive, AReplayedObjectDoesNothing) {
  e2e::EsPrimExchange exchange(originator(), unlock());
  static_cast<void>(exchange.start(a.clock.now()));
  const auto info = sec_info();
  auto action = exchange.on_sec_info(&info, a.clock.now());
  const auto outer = std::get<e2e::EsPrimExchange::Send>(action).outer;
  EXPECT_EQ(by_phone(outer).rsc, Rsc::ok);
  EXPECT_EQ(instances(), 1);
  EXPECT_NE(by_phone(outer).rsc, Rsc::ok);
  EXPECT_EQ(instances(), 1);
}

TEST_F(EndToEndPrimitive, WhatIsNoMessageForACseIsRefusedByMember) {
  for (const auto* const content : {R"({"m2m:seci":{"sit":5}})", R"({"m2m:seci":{"sit":4,"ero":{}}})",
                                    R"({"m2m:seci":{"sit":2,"dres":{}}})", R"({"m2m:seci":{"sit":77}})",
                                    R"({"m2m:seci":7})", R"({"m2m:seci":{"sit":5,"epo":"a.b.c"}})"}) {
    RequestPrimitive outer;
    outer.op = Operation::notify;
    outer.to = "/mn-cse/-";
    outer.pc = json::parse(content);
    EXPECT_EQ(by_phone(std::move(outer)).rsc, Rsc::bad_request) << content;
  }
}

TEST_F(EndToEndPrimitive, TheSharedRandObjectIsPublishedAndRenewedInTime) {
  cover({"8.4.2-06", "8.4.2-08"});
  const auto first = sec_info();
  const auto info = e2e::read_sec_info(first, a.clock.now());
  ASSERT_TRUE(info) << info.error().detail;
  ASSERT_TRUE(info->shared);
  EXPECT_TRUE(info->supports_esprim());
  const auto end = info->shared->end();
  while (a.clock.now() + std::chrono::seconds(120) < end) {
    a.clock.advance(std::chrono::seconds(60));
    a.executor.advance(std::chrono::seconds(60));
  }
  const auto second = e2e::read_sec_info(sec_info(), a.clock.now());
  ASSERT_TRUE(second);
  EXPECT_GT(second->shared->end(), end);
  // Whoever still has the first may use it to its end.
  EXPECT_EQ(inner_rsc(exchange(originator(), unlock())), Rsc::created);
}

TEST_F(EndToEndPrimitive, TheClientLibraryDoesTheWholeExchange) {
  cover({"8.4.2-14", "8.4.2-T04"});
  Registered hop(b, "Cphone");
  client::EsPrimSender sender(hop, originator(), {.from = "Cphone", .info = "/mn-cse/-"}, a.clock);
  const auto ask = [&](RequestPrimitive request) {
    std::optional<Result<ResponsePrimitive>> answer;
    sender.send(std::move(request), std::chrono::seconds(5),
                [&](Result<ResponsePrimitive> response) { answer.emplace(std::move(response)); });
    EXPECT_TRUE(answer);
    return *std::move(answer);
  };
  // The phone may not read the CSEBase of mn-cse: nothing is sent to a Receiver that nothing is known of.
  auto unknown = ask(unlock());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::denied);
  EXPECT_EQ(hop.sent, (std::vector<std::string>{"/mn-cse/-"}));
  ASSERT_EQ(a.update("Sadmin", "cse/cseBasePolicy",
                     R"({"m2m:acp":{"pv":{"acr":[{"acor":["/mn-b/Cphone"],"acop":2}]}}})")
                .rsc,
            Rsc::updated);
  auto created = ask(unlock());
  ASSERT_TRUE(created) << created.error().detail;
  EXPECT_EQ(created->rsc, Rsc::created);
  hop.sent.clear();
  created = ask(unlock());
  ASSERT_TRUE(created) << created.error().detail;
  EXPECT_EQ(hop.sent, (std::vector<std::string>{"/mn-cse/-"}));  // the session is known: one round trip
  EXPECT_EQ(instances(), 2);
  auto refused = ask(unlock("/mn-b/Cother"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("ESPRIM_IMPERSONATION_ERROR"), std::string::npos)
      << refused.error().detail;
}

class EndToEndKey : public EndToEndPrimitive {
 protected:
  EndToEndKey() {
    a.options().end_to_end->end_point.certificates = Authorities::instance().of(kMn);
    a.options().end_to_end->end_point.initiators = {{.id = kPhone}};
    a.start();
  }
  Result<e2e::PairwiseE2EKey> establish(const EntityId& as) {
    auto initiator =
        e2e::EsCertKeInitiator::start(Authorities::instance().of(as), {.id = kMn}, a.audit, a.clock);
    EXPECT_TRUE(initiator) << initiator.error().detail;
    std::optional<Result<e2e::PairwiseE2EKey>> answer;
    client::establish_pairwise_key(hop, "Cphone", "/mn-cse/-", *std::move(initiator), std::chrono::seconds(5),
                                   [&](Result<e2e::PairwiseE2EKey> key) { answer.emplace(std::move(key)); });
    EXPECT_TRUE(answer);
    return *std::move(answer);
  }
  Registered hop{b, "Cphone"};
};

TEST_F(EndToEndKey, IsEstablishedOverTheSameCsesAndUsableAtOnce) {
  cover({"8.7.2.2-01", "8.7.2.1-01", "8.4.2-T01"});
  auto key = establish(kPhone);
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->peer, kMn);
  const auto shared = *e2e::PairwiseEsPrimKey::from_secret(
      {.id = key->id, .peer = key->peer, .suid = *Suid::from(43), .end = key->end}, std::move(key->key));
  EXPECT_EQ(inner_rsc(exchange(originator(shared), unlock())), Rsc::created);
  EXPECT_EQ(instances(), 1);
}

TEST_F(EndToEndKey, OfOneEndPointTheNewestFewAreKept) {
  std::vector<std::shared_ptr<e2e::EsPrimOriginator>> phones;
  for (int i = 0; i < 5; ++i) {
    auto key = establish(kPhone);
    ASSERT_TRUE(key) << key.error().detail;
    phones.push_back(originator(*e2e::PairwiseEsPrimKey::from_secret(
        {.id = key->id, .peer = key->peer, .suid = *Suid::from(43), .end = key->end}, std::move(key->key))));
  }
  EXPECT_EQ(refusal(exchange(phones.front(), unlock())), Rsc::esprim_unknown_key_id);
  EXPECT_EQ(inner_rsc(exchange(phones[1], unlock())), Rsc::created);
  EXPECT_EQ(inner_rsc(exchange(phones.back(), unlock())), Rsc::created);
}

/// With a Secure Environment under which keys are kept in the store.
class EndToEndKeptKey : public EndToEndKey {
 protected:
  EndToEndKeptKey() { restart(); }
  void restart() {
    environment = folder.open_environment();
    a.options().end_to_end->environment = environment.get();
    a.start();
  }
  std::shared_ptr<e2e::EsPrimOriginator> established() {
    auto key = establish(kPhone);
    EXPECT_TRUE(key) << key.error().detail;
    last = to_hex(key->key.reveal());
    return originator(*e2e::PairwiseEsPrimKey::from_secret(
        {.id = key->id, .peer = key->peer, .suid = *Suid::from(43), .end = key->end}, std::move(key->key)));
  }
  std::vector<std::pair<std::string, std::string>> records() {
    std::vector<std::pair<std::string, std::string>> out;
    EXPECT_TRUE(a.store.scan("pairwise", [&](std::string_view id, std::string_view record) {
      out.emplace_back(id, record);
      return true;
    }));
    return out;
  }
  latchkey::test::StateFolder folder;
  std::unique_ptr<secure_env::SecureEnvironment> environment;
  std::string last;  ///< the key in hex
};

TEST_F(EndToEndKeptKey, SurvivesARestartAndStandsNowhereInClear) {
  cover({"8.7.2.2-18"});
  const auto phone = established();
  ASSERT_EQ(records().size(), 1U);
  const auto record = records().front().second;
  EXPECT_EQ(record.find(last), std::string::npos);
  EXPECT_EQ(record.find(to_base64(*from_hex(last))), std::string::npos);
  EXPECT_NE(record.find("//sp.example/mn-b/Cphone"), std::string::npos) << record;
  restart();
  EXPECT_EQ(inner_rsc(exchange(phone, unlock())), Rsc::created);
  // One whose peer may no longer establish keys is not used any more, and is gone.
  a.options().end_to_end->end_point.initiators = {{.id = ae_id("/mn-b/Cother")}};
  restart();
  EXPECT_EQ(refusal(exchange(phone, unlock())), Rsc::esprim_unknown_key_id);
  EXPECT_TRUE(records().empty());
}

TEST_F(EndToEndKeptKey, IsTheNewestFewAfterARestartToo) {
  std::vector<std::shared_ptr<e2e::EsPrimOriginator>> phones;
  for (int i = 0; i < 4; ++i) phones.push_back(established());
  restart();
  phones.push_back(established());
  EXPECT_EQ(records().size(), 4U);
  restart();
  EXPECT_EQ(refusal(exchange(phones[0], unlock())), Rsc::esprim_unknown_key_id);
  for (std::size_t i = 1; i < 5; ++i) EXPECT_EQ(inner_rsc(exchange(phones[i], unlock())), Rsc::created) << i;
}

TEST_F(EndToEndKeptKey, IsLostWhenItsRecordWasChangedOrItsTimeIsOver) {
  const auto phone = established();
  const auto [id, record] = records().front();
  auto changed = record;
  const auto peer = changed.find("Cphone");
  ASSERT_NE(peer, std::string::npos);
  // Another end-point whom the configuration knows: the key is bound to whom it was established with.
  changed.replace(peer, 6, "Cother");
  a.store.records[{"pairwise", id}] = changed;
  a.options().end_to_end->end_point.initiators = {{.id = kPhone}, {.id = ae_id("/mn-b/Cother")}};
  restart();
  EXPECT_EQ(refusal(exchange(phone, unlock())), Rsc::esprim_unknown_key_id);
  EXPECT_TRUE(records().empty());
  a.store.records[{"pairwise", "ZZ"}] = "no record";
  const auto again = established();
  restart();
  EXPECT_EQ(records().size(), 1U);
  a.clock.advance(std::chrono::days(101));
  a.executor.advance(std::chrono::seconds(61));
  EXPECT_TRUE(records().empty());
}

TEST_F(EndToEndKeptKey, IsTheOthersOnlyWhenItIsDurable) {
  a.store.at_once = false;
  auto initiator =
      e2e::EsCertKeInitiator::start(Authorities::instance().of(kPhone), {.id = kMn}, a.audit, a.clock);
  ASSERT_TRUE(initiator);
  const auto notify = [&](ByteView message) {
    RequestPrimitive outer;
    outer.op = Operation::notify;
    outer.to = "/mn-cse/-";
    outer.from = "/mn-b/Cphone";
    outer.rqi = "k" + std::to_string(++sent);
    outer.rvi = "2a";
    outer.pc = e2e::escertke_security_info(message);
    return a.begin(a.session("/in-cse"), std::move(outer));
  };
  const auto second = notify(initiator->message_1());
  ASSERT_TRUE(second->has_value());
  const auto third = initiator->message_3(*e2e::read_escertke_message((*second)->pc));
  ASSERT_TRUE(third) << third.error().detail;
  const auto fourth = notify(*third);
  EXPECT_FALSE(fourth->has_value());
  a.store.flush();
  a.executor.run_posted();
  ASSERT_TRUE(fourth->has_value());
  EXPECT_TRUE(initiator->finish(*e2e::read_escertke_message((*fourth)->pc)));
}

TEST_F(EndToEndKey, TooManyHandshakesOfOneInitiatorAreShed) {
  a.options().end_to_end->end_point.handshakes_of_initiator = {.per_second = 0.5, .burst = 2};
  a.start();
  EXPECT_TRUE(establish(kPhone));
  EXPECT_TRUE(establish(kPhone));
  const auto third = establish(kPhone);
  ASSERT_FALSE(third);
  EXPECT_NE(third.error().detail.find("INTERNAL_SERVER_ERROR"), std::string::npos) << third.error().detail;
  const auto events = a.audit.events();
  EXPECT_TRUE(std::ranges::any_of(events, [](const AuditEvent& event) {
    return event.id == AuditEventId::originator_refused && event.status == 5000 &&
           event.reason.find("more handshakes than //sp.example/mn-b/Cphone") != std::string::npos;
  }));
  a.clock.advance(std::chrono::seconds(2));
  EXPECT_TRUE(establish(kPhone));
}

TEST_F(EndToEndPrimitive, TooManyObjectsOfOneHopAreShedAndThoseOfOthersAreNot) {
  a.options().end_to_end->end_point.objects_of_hop = {.per_second = 1, .burst = 3};
  a.start();
  const auto phone = originator();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(inner_rsc(exchange(phone, unlock())), Rsc::created);
  EXPECT_EQ(refusal(exchange(phone, unlock())), Rsc::internal_server_error);
  const auto events = a.audit.events();
  EXPECT_NE(events.back().reason.find("more objects than this hop"), std::string::npos)
      << events.back().reason;
  RequestPrimitive outer;
  outer.op = Operation::notify;
  outer.from = "Clock";
  outer.to = "/mn-cse/-";
  outer.rqi = "own";
  outer.rvi = "2a";
  outer.pc = json::parse(R"({"m2m:seci":{"sit":3}})");
  EXPECT_EQ(a.send(a.session("Clock"), std::move(outer)).rsc, Rsc::ok);
  a.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(inner_rsc(exchange(phone, unlock())), Rsc::created);
  EXPECT_EQ(instances(), 4);
}

TEST_F(EndToEndKey, IsNotEstablishedWithAnothersCertificateOrName) {
  const auto stolen = establish(ae_id("/mn-b/Cother"));
  ASSERT_FALSE(stolen);
  const auto events = a.audit.events();
  EXPECT_TRUE(std::ranges::any_of(events, [](const AuditEvent& event) {
    return event.id == AuditEventId::originator_refused && event.status == 4000 &&
           event.reason.find("does not prove") != std::string::npos;
  }));
  a.options().end_to_end->end_point.initiators = {{.id = ae_id("/mn-b/Cother")}};
  a.start();
  const auto stranger = establish(kPhone);
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, ErrorCode::denied);
}

TEST(EndToEndInfo, StandsInTheRemoteCseOfTheRegistrarAndFollowsTheCseBase) {
  cover({"8.4.2-02", "8.4.2-03", "8.4.2-04", "8.4.2-12"});
  World in;
  World a(receiver());
  a.reach(in);
  a.cse->start_registration();
  a.executor.run_posted();
  const auto held = [&] { return World::attributes(in.retrieve("Sadmin", "cse/mn-cse"))["esi"]; };
  const auto own = [&] { return World::attributes(a.retrieve("Sadmin", "-"))["esi"]; };
  const auto first = held();
  ASSERT_TRUE(first.is_object());
  EXPECT_EQ(first, own());
  const auto info = e2e::read_sec_info(first, a.clock.now());
  ASSERT_TRUE(info && info->shared);
  EXPECT_TRUE(info->supports_esprim());
  while (own() == first) {
    ASSERT_LT(a.clock.now(), info->shared->end());
    a.clock.advance(std::chrono::seconds(60));
    in.clock.advance(std::chrono::seconds(60));
    a.executor.advance(std::chrono::seconds(60));
  }
  a.executor.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(held(), own());
}

/// The key is a Kc that the phone registered with a MAF, for ESPrim with mn-cse.
class EndToEndKc : public EndToEndPrimitive {
 protected:
  EndToEndKc() {
    keys.add(*Fqdn::parse("maf.example"), [this](const std::string& relative, auto done) {
      asked.push_back(relative);
      if (held != nullptr) return held->push_back(std::move(done));
      done(retrieved());
    });
    a.options().end_to_end->end_point.esprim.mafs = {*Fqdn::parse("maf.example")};
    a.options().end_to_end->maf_keys = &keys;
    a.start();
  }
  client::RetrievedKey retrieved() const {
    return {.key = Kc(pairwise()),
            .expires = a.clock.now() + std::chrono::hours(1),
            .suid = *Suid::from(suid),
            .source = "phone.example",
            .source_entity = source,
            .source_km_id = {},
            .targets = {kMn},
            .admin_fqdn = {},
            .end_to_end = end_to_end};
  }
  static std::string kc_id(std::string_view relative) { return std::string(relative) + "@maf.example"; }
  std::shared_ptr<e2e::EsPrimOriginator> with_kc(const std::string& id) {
    return originator(*e2e::PairwiseEsPrimKey::from_kc(*KeyId::parse(id), Kc(pairwise()), kMn,
                                                       a.clock.now() + std::chrono::hours(1)));
  }
  const std::string kRelative = "0123456789ABCDEF0123456789ABCDEF";
  std::vector<std::string> asked;
  std::vector<UniqueFunction<void(Result<client::RetrievedKey>)>>* held = nullptr;
  int suid = 33;
  std::optional<EntityId> source = kPhone;
  std::optional<e2e::EndToEndParameters> end_to_end;
  MafKeys keys{{.self = cse_id("/mn-cse"), .suid = *Suid::from(33)}, a.clock, a.audit};
};

TEST_F(EndToEndKc, IsFetchedOnceAndItsOwnerSpeaks) {
  cover({"8.4.2-T01", "8.4.2-T03"});
  const auto phone = with_kc(kc_id(kRelative));
  EXPECT_EQ(inner_rsc(exchange(phone, unlock())), Rsc::created);
  EXPECT_EQ(inner_rsc(exchange(phone, unlock())), Rsc::created);
  EXPECT_EQ(instances(), 2);
  EXPECT_EQ(asked, (std::vector<std::string>{kRelative}));
}

// 8.6.1.2, 8.6.2: with its parameters it is Ke2e_master, of which Ke2e_msg_conf is made.
TEST_F(EndToEndKc, OfATefIsWhatItsParametersSay) {
  cover({"8.6.1.2-T01", "10.3.6.2-T02"});
  e2e::SecurityProfile profile{.strengths = {e2e::Strength::low, e2e::Strength::high}};
  const auto with = [&](const std::string& relative) {
    end_to_end = e2e::make_parameters(profile, *Suid::from(33), e2e::MasterOrigin::source).value();
    const auto credential = e2e::EndToEndCredential::make({.id = *KeyId::parse(kc_id(relative)),
                                                           .source = kPhone,
                                                           .targets = {kMn},
                                                           .suid = *Suid::from(33),
                                                           .end = a.clock.now() + std::chrono::hours(1),
                                                           .parameters = *end_to_end},
                                                          pairwise())
                                .value();
    const auto key = credential.esprim_key(kPhone);
    return key ? originator(*key) : with_kc(kc_id(relative));
  };
  EXPECT_EQ(inner_rsc(exchange(with(kRelative), unlock())), Rsc::created);
  EXPECT_EQ(instances(), 1);
  // Not with the key that a plain Kc would give, and not with parameters that ESPrim does not have.
  EXPECT_EQ(refusal(exchange(with_kc(kc_id(std::string(32, 'A'))), unlock())), Rsc::esprim_bad_mac);
  profile.protection = e2e::ProtectionClass::separate_keys;
  EXPECT_EQ(refusal(exchange(with(std::string(32, 'B')), unlock())), Rsc::esprim_unknown_key_id);
  EXPECT_EQ(instances(), 1);
}

TEST_F(EndToEndKc, OfAnotherUseOrNobodyOrAnotherMafIsUnknown) {
  suid = 32;
  EXPECT_EQ(refusal(exchange(with_kc(kc_id(kRelative)), unlock())), Rsc::esprim_unknown_key_id);
  suid = 33;
  source.reset();
  EXPECT_EQ(refusal(exchange(with_kc(kc_id("1123456789ABCDEF0123456789ABCDEF")), unlock())),
            Rsc::esprim_unknown_key_id);
  EXPECT_EQ(asked.size(), 2U);
  source = kPhone;
  EXPECT_EQ(refusal(exchange(with_kc(kRelative + "@other.example"), unlock())), Rsc::esprim_unknown_key_id);
  // A key is known by its id as it is, not by another spelling; the MAF is asked no more than once for it.
  EXPECT_EQ(refusal(exchange(with_kc(kc_id("abcdef0123456789abcdef0123456789")), unlock())),
            Rsc::esprim_unknown_key_id);
  EXPECT_EQ(asked.size(), 3U);
  EXPECT_EQ(instances(), 0);
}

TEST_F(EndToEndKc, TheAnswerWaitsForTheMaf) {
  std::vector<UniqueFunction<void(Result<client::RetrievedKey>)>> waiting;
  held = &waiting;
  e2e::EsPrimExchange exchange(with_kc(kc_id(kRelative)), unlock());
  static_cast<void>(exchange.start(a.clock.now()));
  const auto info = sec_info();
  auto action = exchange.on_sec_info(&info, a.clock.now());
  auto outer = std::get<e2e::EsPrimExchange::Send>(action).outer;
  outer.from = "Cphone";
  outer.rqi = "outer";
  outer.rvi = "2a";
  const auto answer = b.begin(b.session("Cphone"), std::move(outer));
  EXPECT_FALSE(answer->has_value());
  ASSERT_EQ(waiting.size(), 1U);
  waiting.front()(retrieved());
  a.executor.run_posted();
  b.executor.run_posted();
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ(inner_rsc(exchange.on_answer(**answer, a.clock.now())), Rsc::created);
}

TEST(EndToEndInfo, OfAnAeIsKeptIfItIsWellFormed) {
  World world;
  world.register_ae("Cphone", "phone");
  const auto set = [&](const std::string& esi) {
    return world.update("Cphone", "cse/phone", R"({"m2m:ae":{"esi":)" + esi + "}}");
  };
  const std::string object =
      R"({"esri":"S-abc","esrv":"r00112233445566778899aabbccddeeff","esrx":"20300101T000000","esks":[1],"espa":[12]})";
  EXPECT_EQ(set(R"({"esf":[13],"esro":)" + object + "}").rsc, Rsc::updated);
  for (const auto& [esi, member] : std::vector<std::pair<std::string, std::string>>{
           {R"({"esro":)" + object + "}", "esi: esf"},
           {R"({"esf":[13],"esro":{"esri":"S-abc"}})", "esi: esro"},
           {R"({"esf":[13],"escert":["?"]})", "esi: escert"},
           {R"({"esf":"13"})", "esi: esf"}}) {
    const auto answer = set(esi);
    EXPECT_EQ(answer.rsc, Rsc::bad_request) << esi;
    EXPECT_NE(World::debug(answer).find(member), std::string::npos) << World::debug(answer);
  }
  const auto bad =
      world.create("Cother", "-", Ty::ae, R"({"m2m:ae":{"api":"Nx","rr":false,"srv":["2a"],"esi":{}}})");
  EXPECT_EQ(bad.rsc, Rsc::bad_request);
  const auto kept = World::attributes(world.retrieve("Cphone", "cse/phone"))["esi"];
  EXPECT_EQ(kept.at("esro").at("esri"), "S-abc");
}

TEST(EndToEndOff, NoSecurityInformationIsTaken) {
  World world;
  auto request = world.make(Operation::notify, "Sadmin", "-");
  request.pc = json::parse(R"({"m2m:seci":{"sit":3}})");
  EXPECT_EQ(world.send(world.session("Sadmin"), std::move(request)).rsc, Rsc::not_implemented);
  EXPECT_FALSE(World::attributes(world.retrieve("Sadmin", "-")).contains("esi"));
}

}  // namespace
}  // namespace latchkey::cse::test
