/// An AE behind its registrar as Receiver of ESPrim (TS-0003 8.4) and Terminating End-Point of ESCertKE
/// (8.7); keys of a real MAF.
#include "latchkey/client/end_to_end_receiver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cover.h"
#include "latchkey/bind/http_client.h"
#include "latchkey/bind/http_server.h"
#include "latchkey/client/end_to_end.h"
#include "latchkey/e2e/established_key.h"
#include "latchkey/e2e/originator.h"
#include "support/registrar.h"

namespace latchkey::client::test {
namespace {

using codec::Operation;
using codec::RequestPrimitive;
using codec::ResponsePrimitive;
using codec::Rsc;
using latchkey::test::cover;
using testing::HasSubstr;
namespace json = codec::json;
using Exchange = e2e::EsPrimExchange;

constexpr const char* kUser = "//my.m2mprovider.org/in-cse/Cphone";

SecretBytes shared_secret() { return SecretBytes::copy_of(Bytes(32, 0x5a)); }
e2e::PairwiseEsPrimKey::Shared key_with(const char* peer) {
  return *e2e::PairwiseEsPrimKey::from_secret({.id = "K1", .peer = id(peer), .suid = *Suid::from(13)},
                                              shared_secret());
}

class EndToEndReceiverTest : public testing::Test {
 protected:
  EndToEndReceiverTest() {
    server.cse.instead = [](const bind::IncomingRequest& request) -> std::optional<ResponsePrimitive> {
      if (request.primitive.ty != 2U) return {};
      ResponsePrimitive known;
      known.rsc = Rsc::originator_has_already_registered;
      return known;
    };
    auto of_ae = ae_options(server.port);
    of_ae.registrar = *CseId::parse("/mn-cse-123456", home());
    of_ae.requested_stem = "Clock-AE1";
    ae = std::make_unique<Ae>(world.reactor, std::move(of_ae), world.client_audit, world.clock);
    options.end_point.keys = {key_with(kUser)};
    options.inner = [this](RequestPrimitive request, const EntityId& originator, bind::Respond respond) {
      asked.push_back(request);
      originators.push_back(to_string(originator));
      ResponsePrimitive response;
      response.rsc = Rsc::updated;
      response.pc = json::object{{"m2m:cnt", json::object{{"lbl", json::array{"opened"}}}}};
      if (hold) return held.push_back(std::move(respond));
      respond(std::move(response));
    };
    options.refused = [this](const RequestPrimitive&, Rsc rsc, const std::string& why) {
      refused.push_back(std::to_string(static_cast<int>(rsc)) + " " + why);
    };
  }
  ~EndToEndReceiverTest() override {
    ae.reset();
    receiver.reset();
  }

  void start() {
    receiver = *EndToEndReceiver::make(options, world.reactor, world.client_audit, world.clock);
    ASSERT_TRUE(ae->register_ae());
    ASSERT_TRUE(ae->listen_later([this](RequestPrimitive request, bind::Respond respond) {
      receiver->handle(std::move(request), std::move(respond));
    }));
    receiver->publish(*ae);
    ASSERT_TRUE(drive([&] { return !published().is_null(); }));
  }
  bool drive(const std::function<bool()>& done) { return world.reactor.run_until(done, kPatience); }
  /// esi as it was last sent to the registrar.
  json::value published() const {
    for (auto at = server.cse.requests.rbegin(); at != server.cse.requests.rend(); ++at)
      if (at->primitive.op == Operation::update && at->primitive.to == "/mn-cse-123456/Clock-AE1")
        return at->primitive.pc.at("m2m:ae").at("esi");
    return nullptr;
  }
  /// What the registrar passes on to the AE, over the poll that it holds.
  void pass_on(RequestPrimitive outer) {
    ASSERT_TRUE(drive([&] { return !server.cse.polls.empty(); }));
    if (outer.from.empty()) outer.from = "/in-cse/Cphone";
    outer.rqi = "o" + std::to_string(++passed);
    outer.rvi = "2a";
    seen.push_back(codec::to_text(codec::to_json(outer)));
    json::object pc;
    pc["m2m:rqp"] = codec::to_json(outer);
    server.cse.end_poll(Rsc::ok, std::move(pc));
  }
  ResponsePrimitive deliver(RequestPrimitive outer) {
    const auto before = server.cse.answers.size();
    pass_on(std::move(outer));
    EXPECT_TRUE(drive([&] { return server.cse.answers.size() > before; }));
    seen.push_back(codec::to_text(codec::to_json(server.cse.answers.back())));
    return server.cse.answers.back();
  }
  Exchange::Action exchange(const e2e::PairwiseEsPrimKey::Shared& key, RequestPrimitive inner) {
    Exchange exchange(*e2e::EsPrimOriginator::make({.receiver_address = "/mn-cse-123456/Clock-AE1"}, key),
                      std::move(inner));
    auto action = exchange.start(world.clock.now());
    while (true) {
      if (std::holds_alternative<Exchange::RetrieveSecInfo>(action)) {
        const auto esi = published();
        action = exchange.on_sec_info(&esi, world.clock.now());
      } else if (auto* const send = std::get_if<Exchange::Send>(&action)) {
        action = exchange.on_answer(deliver(std::move(send->outer)), world.clock.now());
      } else {
        return action;
      }
    }
  }
  RequestPrimitive unlock(const char* from = "/in-cse/Cphone") {
    RequestPrimitive request;
    request.op = Operation::update;
    request.to = "/mn-cse-123456/Clock-AE1";
    request.from = from;
    request.rqi = "inner" + std::to_string(++numbered);
    request.rvi = "2a";
    request.pc = json::object{{"m2m:cnt", json::object{{"lbl", json::array{"unlock"}}}}};
    return request;
  }
  static std::optional<ResponsePrimitive> finished(const Exchange::Action& action) {
    const auto* const done = std::get_if<Exchange::Finished>(&action);
    if (const auto* const failed = std::get_if<Exchange::Failed>(&action))
      ADD_FAILURE() << failed->error.detail;
    return done != nullptr ? std::optional(done->inner) : std::nullopt;
  }
  static std::optional<Rsc> refusal(const Exchange::Action& action) {
    const auto* const failed = std::get_if<Exchange::Failed>(&action);
    return failed != nullptr ? failed->rsc : std::nullopt;
  }

  MafWorld world;
  RegistrarServer server{world.reactor, world.clock};
  EndToEndReceiverOptions options{.end_point = {.esprim = {.self = id(kLock)}}, .inner = {}};
  std::unique_ptr<Ae> ae;
  std::unique_ptr<EndToEndReceiver> receiver;
  std::vector<RequestPrimitive> asked;  ///< what was opened
  std::vector<std::string> originators, refused, seen;
  std::vector<bind::Respond> held;
  bool hold = false;
  int passed = 0, numbered = 0;
};

TEST_F(EndToEndReceiverTest, opens_what_its_registrar_cannot_read_and_answers_so) {
  cover({"8.4.2-42", "8.4.2-62", "8.4.2-69", "8.4.3.1.3-T01", "7.2.2-01", "7.2.2-03"});
  start();
  const auto info = e2e::read_sec_info(published(), world.clock.now());
  ASSERT_TRUE(info && info->shared);
  EXPECT_TRUE(info->supports_esprim());
  const auto response = finished(exchange(key_with(kLock), unlock()));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->rsc, Rsc::updated);
  EXPECT_EQ(response->rqi, "inner1");
  EXPECT_THAT(codec::to_text(response->pc), HasSubstr("opened"));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_THAT(codec::to_text(asked.front().pc), HasSubstr("unlock"));
  EXPECT_EQ(originators.front(), kUser);
  ASSERT_EQ(seen.size(), 2U);
  for (const auto& primitive : seen) {
    EXPECT_THAT(primitive, HasSubstr(R"("sit":5)"));
    EXPECT_THAT(primitive, testing::Not(HasSubstr("lock\"")));
    EXPECT_THAT(primitive, testing::Not(HasSubstr("opened")));
  }
}

TEST_F(EndToEndReceiverTest, answers_later_and_one_after_the_other) {
  hold = true;
  start();
  Exchange one(*e2e::EsPrimOriginator::make({.receiver_address = "x"}, key_with(kLock)), unlock());
  Exchange two(*e2e::EsPrimOriginator::make({.receiver_address = "x"}, key_with(kLock)), unlock());
  const auto esi = published();
  for (Exchange* it : {&one, &two}) {
    static_cast<void>(it->start(world.clock.now()));
    auto action = it->on_sec_info(&esi, world.clock.now());
    pass_on(std::get<Exchange::Send>(action).outer);
  }
  ASSERT_TRUE(drive([&] { return held.size() == 2; }));
  EXPECT_TRUE(server.cse.answers.empty());
  for (const std::size_t which : {1U, 0U}) {
    ResponsePrimitive response;
    response.rsc = Rsc::updated;
    held[which](std::move(response));
  }
  ASSERT_TRUE(drive([&] { return server.cse.answers.size() == 2; }));
  EXPECT_EQ(server.cse.answers.front().rqi, "o2");
  EXPECT_EQ(finished(two.on_answer(server.cse.answers.front(), world.clock.now()))->rqi, "inner2");
  EXPECT_EQ(finished(one.on_answer(server.cse.answers.back(), world.clock.now()))->rqi, "inner1");
}

TEST_F(EndToEndReceiverTest, whoever_else_asks_gets_nothing) {
  cover({"7.2.2-02"});
  start();
  // Inside, somebody else than the owner of the key.
  EXPECT_EQ(refusal(exchange(key_with(kLock), unlock("/in-cse/Cother"))), Rsc::esprim_impersonation_error);
  // In clear: those on the way could have made it.
  auto clear = unlock();
  EXPECT_EQ(deliver(std::move(clear)).rsc, Rsc::operation_not_allowed);
  // Inside, what is no request.
  auto malformed = unlock();
  malformed.op = Operation::create;
  EXPECT_EQ(finished(exchange(key_with(kLock), std::move(malformed)))->rsc, Rsc::bad_request);
  EXPECT_TRUE(asked.empty());
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_THAT(refused.front(), HasSubstr("4116 ESPrim: "));
}

TEST_F(EndToEndReceiverTest, what_is_in_clear_goes_to_its_own_handler) {
  options.other = [](const RequestPrimitive& request, bind::Respond respond) {
    ResponsePrimitive response;
    response.rsc = Rsc::ok;
    response.pc = json::object{{"m2m:dbg", request.from}};
    respond(std::move(response));
  };
  start();
  server.cse.hand_out("n1");
  ASSERT_TRUE(drive([&] { return !server.cse.answers.empty(); }));
  EXPECT_EQ(server.cse.answers.front().rsc, Rsc::ok);
  EXPECT_EQ(server.cse.answers.front().rqi, "n1");
}

TEST_F(EndToEndReceiverTest, listens_at_a_point_of_access_too) {
  cover({"8.4.2-42", "8.4.2-62"});
  options.other = [this](const RequestPrimitive& request, bind::Respond respond) {
    ResponsePrimitive response;
    response.rsc = Rsc::ok;
    response.rqi = request.rqi;
    response.pc =
        json::object{{"m2m:ae", json::object{{"esi", e2e::to_json(receiver->end_point().sec_info())}}}};
    respond(std::move(response));
  };
  options.end_point.objects_of_hop = {.per_second = 1, .burst = 1};
  receiver = *EndToEndReceiver::make(options, world.reactor, world.client_audit, world.clock);
  bind::HttpServer listening(world.reactor, bind::HttpLimits(), *receiver, world.audit, world.clock);
  bind::ListenerOptions listener;
  listener.name = "poa";
  listener.kind = bind::ListenerKind::plain;
  listener.address = "127.0.0.1";
  bind::PeerOptions peer;
  peer.address = "127.0.0.1";
  peer.port = *listening.listen(std::move(listener));
  peer.host = "lock.example";
  bind::HttpClient hop(world.reactor, std::move(peer), world.client_audit, world.clock);
  EsPrimSender sender(
      hop, *e2e::EsPrimOriginator::make({.receiver_address = "/mn-cse-123456/Clock-AE1"}, key_with(kLock)),
      {.from = "/in-cse/Cphone", .info = "/mn-cse-123456/Clock-AE1"}, world.clock);
  const auto ask = [&] {
    return world.ask<ResponsePrimitive>(
        [&](auto done) { sender.send(unlock(), kPatience, std::move(done)); });
  };
  const auto response = ask();
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(response->rsc, Rsc::updated);
  EXPECT_EQ(originators, (std::vector<std::string>{kUser}));
  EXPECT_TRUE(fails_with(ask(), ErrorCode::denied, "INTERNAL_SERVER_ERROR")) << "too many of this hop";
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_THAT(refused.front(), HasSubstr("more objects than this hop"));
}

TEST_F(EndToEndReceiverTest, a_kc_is_fetched_from_the_maf_over_tls_once) {
  cover({"8.4.2-45", "8.4.2-46", "8.4.2-47", "8.4.2-48", "8.4.2-49", "8.4.2-50", "8.4.2-51", "8.4.2-T03"});
  const auto lock = world.by_km();
  options.end_point.esprim.mafs = {maf_fqdn()};
  options.fetch_key = [&](const KeyId& kc_id, MafClient::Done<RetrievedKey> done) {
    lock->retrieve_key(kc_id.relative(), std::move(done));
  };
  start();
  const auto info = e2e::read_sec_info(published(), world.clock.now());
  ASSERT_TRUE(info);
  EXPECT_NE(std::ranges::find(info->features, *Suid::from(33)), info->features.end());

  const auto phone = world.by_certificate(kPhone);
  const auto registration = world.register_client(*phone);
  ASSERT_TRUE(registration) << registration.error().detail;
  const auto kc = world.register_key(*phone, world.key_request(registration->id, 33, {kLock}));
  ASSERT_TRUE(kc) << kc.error().detail;
  const auto pairwise = *e2e::PairwiseEsPrimKey::from_kc(kc->id, kc->key, id(kLock), kc->expires);
  const auto before = world.observer.requests.size();
  EXPECT_EQ(finished(exchange(pairwise, unlock()))->rsc, Rsc::updated);
  ASSERT_EQ(world.observer.requests.size(), before + 1);
  const auto& retrieval = world.observer.last();
  EXPECT_EQ(retrieval.primitive.op, Operation::retrieve);
  EXPECT_EQ(retrieval.primitive.to, "//myMAF.provider.org/-/" + kc->id.relative());
  EXPECT_EQ(retrieval.security->identity, id(kLock)) << "over a TLS connection of the Receiver's own";
  EXPECT_EQ(finished(exchange(pairwise, unlock()))->rsc, Rsc::updated);
  EXPECT_EQ(world.observer.requests.size(), before + 1) << "the second time it is known";
  EXPECT_EQ(originators, (std::vector<std::string>{kUser, kUser}));
  // Another use, or another target: not ours to use.
  for (const auto& [suid, target] : {std::pair{32, kLock}, std::pair{33, kInCse}}) {
    const auto other = world.register_key(*phone, world.key_request(registration->id, suid, {target}));
    ASSERT_TRUE(other) << other.error().detail;
    const auto wrong = *e2e::PairwiseEsPrimKey::from_kc(other->id, other->key, id(kLock), other->expires);
    EXPECT_EQ(refusal(exchange(wrong, unlock())), Rsc::esprim_unknown_key_id) << suid;
  }
  // Its lifetime is that of Kc, whatever the Originator thinks.
  const auto longer =
      *e2e::PairwiseEsPrimKey::from_kc(kc->id, kc->key, id(kLock), kc->expires + std::chrono::hours(1));
  world.clock.set(kc->expires);
  EXPECT_EQ(refusal(exchange(longer, unlock())), Rsc::esprim_unknown_key_id);
}

TEST_F(EndToEndReceiverTest, without_a_maf_its_keys_are_unknown) {
  options.end_point.esprim.mafs = {maf_fqdn()};
  start();
  const auto kc =
      *e2e::PairwiseEsPrimKey::from_kc(*KeyId::parse("0123456789ABCDEF0123456789ABCDEF@myMAF.provider.org"),
                                       Kc(shared_secret()), id(kLock), world.in(std::chrono::hours(1)));
  EXPECT_EQ(refusal(exchange(kc, unlock())), Rsc::esprim_unknown_key_id);
  EXPECT_TRUE(asked.empty());
}

TEST_F(EndToEndReceiverTest, e2e_sec_info_follows_the_shared_rand_object_and_a_refusal_is_mended) {
  cover({"8.4.2-12"});
  options.end_point.esprim.shared_lifetime = std::chrono::seconds(3);
  options.end_point.esprim.refresh_ahead = std::chrono::seconds(1);
  receiver = *EndToEndReceiver::make(options, world.reactor, world.client_audit, world.clock);
  const auto first = receiver->end_point().sec_info();
  world.clock.advance(std::chrono::seconds(3));
  const auto second = receiver->end_point().sec_info();
  ASSERT_TRUE(first.shared && second.shared);
  EXPECT_GT(second.shared->end(), first.shared->end());
  ASSERT_TRUE(ae->register_ae());
  int updates = 0;
  server.cse.instead = [&](const bind::IncomingRequest& request) -> std::optional<ResponsePrimitive> {
    if (request.primitive.op != Operation::update || ++updates > 1) return {};
    ResponsePrimitive refusal;
    refusal.rsc = Rsc::internal_server_error;
    return refusal;
  };
  receiver->publish(*ae);
  EXPECT_TRUE(drive([&] { return updates == 2; }));
}

/// The phone establishes a key with the AE, over a registrar that passes on what it is given.
class EstablishedKey : public EndToEndReceiverTest {
 protected:
  EstablishedKey() {
    options.end_point.keys.clear();
    options.end_point.certificates = credentials(id(kLock));
    options.end_point.initiators = {{.id = id(kUser)}};
    options.established = [this](const e2e::PairwiseE2EKey& key) {
      keys.push_back(*e2e::esdata_key(key, Suid::Use::esdata_encryption));
    };
  }
  static e2e::EsCertKeCredentials credentials(const EntityId& own) {
    return {.own = TestPki::instance().issue(own),
            .trust = TestPki::instance().trust(),
            .home = home(),
            .in_cse = in_cse()};
  }
  class ByRegistrar final : public bind::RequestSender {
   public:
    explicit ByRegistrar(EstablishedKey& test) : test_(test) {}
    void send(RequestPrimitive request, std::chrono::milliseconds, Done done) override {
      done(test_.deliver(std::move(request)));
    }

   private:
    EstablishedKey& test_;
  };
  /// At the AE's listener, over an association of `hop`.
  class ByListener final : public bind::RequestSender {
   public:
    ByListener(EstablishedKey& test, EntityId hop) : test_(test) { context_.identity = std::move(hop); }
    void send(RequestPrimitive request, std::chrono::milliseconds, Done done) override {
      bind::IncomingRequest incoming;
      incoming.primitive = std::move(request);
      incoming.security = std::make_shared<const tls::SecurityContext>(context_);
      incoming.peer = "127.0.0.1:9";
      std::optional<ResponsePrimitive> answer;
      test_.receiver->handle(std::move(incoming),
                             [&](ResponsePrimitive response) { answer = std::move(response); });
      ASSERT_TRUE(answer);
      done(*std::move(answer));
    }

   private:
    EstablishedKey& test_;
    tls::SecurityContext context_;
  };
  Result<e2e::PairwiseE2EKey> establish(const EntityId& as) {
    ByRegistrar hop(*this);
    return establish(as, hop);
  }
  Result<e2e::PairwiseE2EKey> establish(const EntityId& as, bind::RequestSender& hop) {
    world.clock.set(system_clock().now() + std::chrono::seconds(5));  // certificates begin now
    auto initiator =
        e2e::EsCertKeInitiator::start(credentials(as), {.id = id(kLock)}, world.client_audit, world.clock);
    EXPECT_TRUE(initiator);
    std::optional<Result<e2e::PairwiseE2EKey>> result;
    establish_pairwise_key(hop, "/in-cse/Cphone", "/mn-cse-123456/Clock-AE1", *std::move(initiator),
                           kPatience,
                           [&](Result<e2e::PairwiseE2EKey> key) { result.emplace(std::move(key)); });
    EXPECT_TRUE(result);
    return *std::move(result);
  }
  std::vector<e2e::EstablishedEsDataKey> keys;
};

TEST_F(EstablishedKey, serves_primitives_and_data_at_once) {
  cover({"8.7.2.1-01", "8.7.2.2-01", "8.7.2.2-18", "8.5.2.2.2-01"});
  start();
  const auto info = e2e::read_sec_info(published(), world.clock.now());
  ASSERT_TRUE(info);
  EXPECT_NE(std::ranges::find(info->features, *Suid::from(43)), info->features.end());
  const auto key = establish(id(kUser));
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->peer, id(kLock));
  EXPECT_EQ(finished(exchange(*e2e::pairwise_esprim_key(*key), unlock()))->rsc, Rsc::updated);
  EXPECT_EQ(originators, (std::vector<std::string>{kUser}));

  ASSERT_EQ(keys.size(), 1U);
  const auto ours = *e2e::esdata_key(*key, Suid::Use::esdata_encryption);
  EXPECT_FALSE(*ours.key == key->key) << "no key serves two purposes";
  EXPECT_EQ(keys.front().credential.owner, id(kUser));
  auto source = e2e::EsDataSource::make(
      {.security_class = e2e::EsDataClass::encryption_only,
       .recipients = {
           {ours.credential, jose::EncryptionKey(ours.key, jose::KeyAlg::a256kw, jose::Enc::a256gcm)}}});
  ASSERT_TRUE(source) << source.error().detail;
  const auto envelope = (*source)->protect(as_bytes("21.5"), world.clock.now());
  ASSERT_TRUE(envelope) << envelope.error().detail;
  auto target = e2e::EsDataTarget::make(
      {.classes = {e2e::EsDataClass::encryption_only},
       .key_algs = {jose::KeyAlg::a256kw},
       .encs = {jose::Enc::a256gcm}},
      {},
      {{keys.front().credential,
        jose::DecryptionKey(keys.front().key, {jose::KeyAlg::a256kw}, {jose::Enc::a256gcm})}});
  ASSERT_TRUE(target) << target.error().detail;
  const auto opened = (*target)->open(e2e::EsDataForm::compact, *envelope, world.clock.now());
  ASSERT_TRUE(opened) << opened.error().detail;
  EXPECT_EQ(as_text(opened->payload.reveal()), "21.5");
  ASSERT_EQ(opened->verified.size(), 1U);
  EXPECT_EQ(opened->verified.front().owner, id(kUser));
  EXPECT_FALSE(e2e::esdata_key(*key, Suid::Use::esprim));
}

TEST_F(EstablishedKey, at_a_listener_begins_for_whom_the_hop_can_vouch) {
  receiver = *EndToEndReceiver::make(options, world.reactor, world.client_audit, world.clock);
  ByListener itself(*this, id(kUser)), registrar(*this, CseId::parse("/mn-cse-123456", home()).value()),
      stranger(*this, id("//my.m2mprovider.org/in-cse/Cstranger"));
  EXPECT_TRUE(establish(id(kUser), itself));
  EXPECT_TRUE(establish(id(kUser), registrar));
  EXPECT_FALSE(establish(id(kUser), stranger)) << "whoever may begin handshakes of others may stop them, too";
  EXPECT_EQ(keys.size(), 2U);
}

TEST_F(EstablishedKey, is_only_for_whom_the_configuration_names_and_the_certificate_proves) {
  start();
  EXPECT_TRUE(fails_with(establish(id("//my.m2mprovider.org/in-cse/Cother")), ErrorCode::authentication, ""));
  EXPECT_TRUE(keys.empty());
  ASSERT_FALSE(refused.empty());
  EXPECT_THAT(refused.back(), HasSubstr("does not prove"));
  options.end_point.initiators = {{.id = id("//my.m2mprovider.org/in-cse/Cother")}};
  receiver = *EndToEndReceiver::make(options, world.reactor, world.client_audit, world.clock);
  EXPECT_TRUE(fails_with(establish(id(kUser)), ErrorCode::denied, ""));
}

TEST(EndToEndReceiverOptions, that_make_no_end_point_are_refused) {
  ManualExecutor executor;
  AuditRecorder audit;
  EndToEndReceiverOptions options{.end_point = {.esprim = {.self = id(kInCse)}},
                                  .inner = [](RequestPrimitive, const EntityId&, bind::Respond) {}};
  const auto make = [&] { return EndToEndReceiver::make(options, executor, audit, system_clock()); };
  EXPECT_TRUE(fails_with(make(), ErrorCode::invalid_argument, "no AE-ID"));
  options.end_point.esprim.self = id(kLock);
  EXPECT_TRUE(make());
  options.end_point.objects_of_hop.burst = 0;
  EXPECT_TRUE(fails_with(make(), ErrorCode::invalid_argument, "rate"));
  options.end_point.objects_of_hop.burst = 1;
  options.inner = {};
  EXPECT_TRUE(fails_with(make(), ErrorCode::invalid_argument, "inner"));
}

}  // namespace
}  // namespace latchkey::client::test
