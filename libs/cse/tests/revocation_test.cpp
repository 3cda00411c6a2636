/// What was issued and has been taken back since (TS-0003 7.3.2.2, 7.3.2.3, 7.4.3; decision 0031), and what
/// an originator is told secured for the DAS Server alone (7.3.2.3 step 2.2; decision 0030).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cover.h"
#include "latchkey/codec/dynamic_authorization.h"
#include "support/guest.h"

namespace latchkey::cse::test {
namespace {

using latchkey::test::cover;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// Without a check of what was issued.
using NoCheck = GuestAtTheDoor;

class Revocation : public GuestAtTheDoor {
 protected:
  Revocation() : GuestAtTheDoor({{EntityId(domain("das.example")), std::chrono::seconds(60)}}) {}
  ResponsePrimitive with_id(const std::string& id) {
    auto request = read();
    request.tids = {id};
    return send(std::move(request));
  }
  ResponsePrimitive with_local_id(const std::string& id) {
    auto request = read();
    request.ltids = {id};
    return send(std::move(request));
  }
  FakePeer& das() { return world.peers.urls[kDas]; }
  void das_answers(const codec::DasResponse& response) {
    ResponsePrimitive answer;
    answer.rsc = Rsc::ok;
    answer.pc = codec::to_security_info(response);
    das().answers.emplace_back(std::move(answer));
  }
  void das_knows(const std::string& jwt) { das_answers({.acp = {}, .tokens = {jwt}}); }
  void das_knows_nothing() { das_answers({}); }
  void consult_for_target() {
    expect(world.create("Cdoor", "-/door", Ty::dac,
                        std::string(R"({"m2m:dac":{"rn":"d","dae":true,"dap":[")") + kDas + R"("]}})"),
           Rsc::created);
    expect(world.update("Cdoor", kTarget, R"({"m2m:cnt":{"daci":["cse/door/d"]}})"), Rsc::updated);
  }
};

TEST_F(Revocation, a_token_counts_while_its_das_server_confirms_it) {
  cover({"7.3.2.3-05", "7.3.2.3-11"});
  const auto jwt = token();
  das_knows(jwt);
  const auto first = read_with(jwt);
  expect(first, Rsc::ok);
  const auto assigned = codec::read_local_token_ids(first.ati);
  ASSERT_TRUE(assigned);
  const auto local_id = assigned->front().local_id;
  ASSERT_THAT(das().received, SizeIs(1));
  const auto asked = codec::read_das_message(das().received.front().pc, world.clock.now());
  ASSERT_TRUE(asked);
  EXPECT_EQ(std::get<codec::DasRequest>(*asked).token_ids, std::vector<std::string>{"t1@das.example"});

  world.clock.advance(std::chrono::seconds(59));
  expect(read_with(jwt), Rsc::ok);
  expect(with_local_id(local_id), Rsc::ok);
  expect(with_id("t1@das.example"), Rsc::ok);
  EXPECT_THAT(das().received, SizeIs(1)) << "confirmed not long ago";

  world.clock.advance(std::chrono::seconds(1));
  das_knows(jwt);
  expect(with_local_id(local_id), Rsc::ok);
  EXPECT_THAT(das().received, SizeIs(2));

  // Revoked: whichever way it is named.
  world.clock.advance(std::chrono::seconds(60));
  for (int k = 0; k < 3; ++k) das_knows_nothing();
  expect(with_local_id(local_id), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("t1@das.example is not confirmed"));
  expect(read_with(jwt), Rsc::originator_has_no_privilege);
  expect(with_id("t1@das.example"), Rsc::originator_has_no_privilege);
  EXPECT_THAT(das().received, SizeIs(5));
}

TEST_F(Revocation, a_das_server_that_is_down_confirms_nothing) {
  das().answers = {fail(ErrorCode::unavailable, "down")};
  expect(read_with(token()), Rsc::originator_has_no_privilege);
  auto other = token("t2");
  das_knows(other);
  expect(read_with(token()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("not confirmed")) << "another token than the one that was asked for";
}

TEST_F(Revocation, other_issuers_are_not_asked) {
  world.options().token_checks.clear();
  restart_with_trust();
  expect(read_with(token()), Rsc::ok);
  world.clock.advance(std::chrono::minutes(30));
  expect(read_with(token()), Rsc::ok);
  EXPECT_THAT(das().received, SizeIs(0));
}

TEST_F(Revocation, a_token_kept_here_ends_when_it_is_deleted) {
  cover({"7.4.3-04"});
  world.options().token_checks.clear();
  restart_with_trust();
  const auto jwt = token();
  const auto stored = world.create(
      "Sadmin", "-", Ty::tk, R"({"m2m:tk":{"rn":"tk1","tkid":"t1@das.example","tkob":")" + jwt + R"("}})");
  expect(stored, Rsc::created);
  const auto first = with_id("t1@das.example");
  expect(first, Rsc::ok);
  const auto local_id = codec::read_local_token_ids(first.ati)->front().local_id;
  expect(world.remove("Sadmin", "-/tk1"), Rsc::deleted);
  expect(with_id("t1@das.example"), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("was deleted here"));
  expect(with_local_id(local_id), Rsc::originator_has_no_privilege);
  expect(read_with(jwt), Rsc::originator_has_no_privilege);
}

TEST_F(Revocation, a_token_resource_here_confirms_it) {
  expect(world.create("Sadmin", "-", Ty::tk,
                      R"({"m2m:tk":{"tkid":"t1@das.example","tkob":")" + token() + R"("}})"),
         Rsc::created);
  expect(read_with(token()), Rsc::ok);
  EXPECT_THAT(das().received, SizeIs(0)) << "this CSE is the repository";
}

/// Anybody who may create a <token> may give it any name, as long as nobody here can read it.
TEST_F(Revocation, a_token_resource_that_nobody_could_read_confirms_nothing) {
  const Issuer stranger{"other.example"};
  const auto unread = stranger.sign(stranger.claims("t9", guest(), world.clock.now()));
  expect(world.create("Sadmin", "-", Ty::tk,
                      R"({"m2m:tk":{"tkid":"t1@das.example","tkob":")" + unread + R"("}})"),
         Rsc::created);
  das_knows_nothing();
  expect(read_with(token()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(das().received, SizeIs(1)) << "who knows was asked";
}

/// Also where it was known by its text before it was ever asked for by its id.
TEST_F(NoCheck, a_token_that_is_deleted_here_ends_though_its_resource_was_never_used) {
  const auto jwt = token();
  expect(world.create("Sadmin", "-", Ty::tk,
                      R"({"m2m:tk":{"rn":"tk1","tkid":"t1@das.example","tkob":")" + jwt + R"("}})"),
         Rsc::created);
  expect(read_with(jwt), Rsc::ok);
  expect(world.remove("Sadmin", "-/tk1"), Rsc::deleted);
  expect(read_with(jwt), Rsc::originator_has_no_privilege);
  EXPECT_THAT(last_reason(), HasSubstr("was deleted here"));
}

TEST_F(Revocation, new_trust_forgets_confirmations) {
  das_knows(token());
  expect(read_with(token()), Rsc::ok);
  ASSERT_TRUE(world.cse->trust({.issuers = {issuer.trusted()}, .own_keys = {}}));
  das_knows_nothing();
  expect(read_with(token()), Rsc::originator_has_no_privilege);
}

TEST_F(Revocation, a_token_that_the_das_server_gave_directly_ends_too) {
  cover({"7.3.2.2-16"});
  consult_for_target();
  das_knows(token());
  expect(send(read()), Rsc::ok);
  world.clock.advance(std::chrono::seconds(60));
  das_knows(token());
  expect(send(read()), Rsc::ok);
  EXPECT_THAT(das().received, SizeIs(2)) << "confirmed, and not asked for anew";
  world.clock.advance(std::chrono::seconds(60));
  das_knows_nothing();  // the token
  das_knows_nothing();  // the consultation that follows
  expect(send(read()), Rsc::originator_has_no_privilege);
  world.clock.advance(std::chrono::seconds(5));
  das_knows_nothing();
  expect(send(read()), Rsc::originator_has_no_privilege);
}

TEST_F(Revocation, a_granted_policy_is_kept_no_longer_than_the_operator_says) {
  world.options().das_servers.front().policy_lifetime_max = std::chrono::seconds(120);
  restart_with_trust();
  consult_for_target();
  const codec::DynamicAcpInfo policy{json::parse(R"({"acr":[{"acor":["/in-cse/Cguest"],"acop":2}]})"),
                                     world.clock.now() + std::chrono::hours(2)};
  das_answers({.acp = policy, .tokens = {}});
  expect(send(read()), Rsc::ok);
  world.clock.advance(std::chrono::seconds(119));
  expect(send(read()), Rsc::ok);
  EXPECT_THAT(das().received, SizeIs(1));
  world.clock.advance(std::chrono::seconds(1));
  das_knows_nothing();  // recalled
  expect(send(read()), Rsc::originator_has_no_privilege);
  EXPECT_THAT(das().received, SizeIs(2));
}

TEST_F(Revocation, a_granted_policy_is_deleted_by_the_administrator_alone) {
  consult_for_target();
  const codec::DynamicAcpInfo policy{json::parse(R"({"acr":[{"acor":["/in-cse/Cguest"],"acop":2}]})"),
                                     world.clock.now() + std::chrono::hours(2)};
  das_answers({.acp = policy, .tokens = {}});
  expect(send(read()), Rsc::ok);
  auto listing = world.make(Operation::retrieve, "Sadmin", kTarget);
  listing.rcn = codec::ResultContent::child_references;
  const auto children = World::debug(world.send(world.session("Sadmin"), listing));
  const auto at = children.find("/acp");
  ASSERT_NE(at, std::string::npos) << children;
  const auto name = children.substr(at + 1, children.find('"', at) - at - 1);
  const auto address = std::string(kTarget) + "/" + name;
  expect(world.remove("Cguest", address), Rsc::originator_has_no_privilege);
  expect(world.remove("Cdoor", address), Rsc::originator_has_no_privilege);
  expect(world.remove("Sadmin", address), Rsc::deleted);
  das_knows_nothing();
  expect(send(read()), Rsc::originator_has_no_privilege);
}

// ---- secured for the DAS Server (7.3.2.3 step 2.2)

class SecuredForDas : public Revocation {
 protected:
  static e2e::EsDataCredential credential(const char* kid, int suid, std::optional<EntityId> owner = {}) {
    return {.kid = kid, .suid = *Suid::from(suid), .owner = std::move(owner)};
  }
  void SetUp() override {
    Revocation::SetUp();
    world.options().das_servers.front().secured_requests = source(std::nullopt);
    restart_with_trust();
    consult_for_target();
    expect(world.update("Cdoor", "-/door/d", R"({"m2m:dac":{"dae":false}})"), Rsc::updated);
    expect(
        world.create(
            "Cdoor", "-/door", Ty::acp,
            R"({"m2m:acp":{"rn":"p","pv":{"acr":[{"acor":["family@das.example"],"acop":2},{"acor":["/in-cse/Cdoor"],"acop":63}]},
                          "pvs":{"acr":[{"acor":["/in-cse/Cdoor"],"acop":63}]}}})"),
        Rsc::created);
    expect(world.update("Cdoor", kTarget, R"({"m2m:cnt":{"acpi":["cse/door/p"]}})"), Rsc::updated);
  }
  std::shared_ptr<e2e::SecuredRequestSource> source(std::optional<TimePoint> end) const {
    e2e::EsDataSourceConfig config{
        .security_class = e2e::EsDataClass::encryption_only,
        .recipients = {
            {credential("shared", 14), jose::EncryptionKey(key, jose::KeyAlg::a128kw, jose::Enc::a128gcm)}}};
    config.recipients.front().credential.end = end;
    return e2e::SecuredRequestSource::make(
               {.self = cse_id("/in-cse"), .das = EntityId(domain("das.example"))}, std::move(config))
        .value();
  }
  codec::Outcome<e2e::SecuredRequest> open(const std::string& sdr) const {
    const auto target = e2e::SecuredRequestTarget::make(
        {.self = EntityId(domain("das.example"))},
        {.classes = {e2e::EsDataClass::encryption_only},
         .key_algs = {jose::KeyAlg::a128kw},
         .encs = {jose::Enc::a128gcm}},
        {},
        {{credential("shared", 14, cse_id("/in-cse")),
          jose::DecryptionKey(key, {jose::KeyAlg::a128kw}, {jose::Enc::a128gcm})}});
    return target.value()->open(sdr, world.clock.now());
  }
  ResponsePrimitive denied() {
    auto request = read();
    request.tqi = true;
    auto response = send(std::move(request));
    expect(response, Rsc::originator_has_no_privilege);
    return response;
  }
  std::shared_ptr<const SecretBytes> key =
      std::make_shared<const SecretBytes>(SecretBytes::copy_of(Bytes(16, 7)));
};

TEST_F(SecuredForDas, the_originator_is_told_nothing_that_it_could_read) {
  cover({"7.3.2.3-01"});
  const auto response = denied();
  const auto infos = codec::read_token_request_info(response.tqf, world.clock.now());
  ASSERT_TRUE(infos) << infos.error().detail;
  ASSERT_THAT(*infos, SizeIs(1));
  EXPECT_FALSE(infos->front().request) << "not in clear beside it";
  EXPECT_EQ(codec::to_text(response.tqf).find("family"), std::string::npos);
  const auto opened = open(infos->front().secured_request);
  ASSERT_TRUE(opened) << opened.error().detail;
  EXPECT_EQ(opened->source, cse_id("/in-cse"));
  const auto asked = codec::read_das_request(opened->request, world.clock.now());
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->originator, EntityId(ae_id("/in-cse/Cguest")));
  EXPECT_EQ(asked->roles_from_acps, std::vector<std::string>{"family@das.example"});
  EXPECT_EQ(asked->target, kTarget);
}

TEST_F(SecuredForDas, what_cannot_be_secured_is_not_told_in_clear) {
  world.options().das_servers.front().secured_requests = source(world.clock.now());
  restart_with_trust();
  EXPECT_TRUE(denied().tqf.is_null());
}

}  // namespace
}  // namespace latchkey::cse::test
