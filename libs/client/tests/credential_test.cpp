/// Credentials of an AE towards its registrar (8.2.2), and the life of the session that is made with them.
#include "latchkey/client/credential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cover.h"
#include "latchkey/client/ae.h"
#include "support/registrar.h"

namespace latchkey::client::test {
namespace {

using codec::ResponsePrimitive;
using codec::Rsc;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;

/// An AE whose credential is under test, at a registrar that demands TLS.
class CredentialTest : public testing::Test {
 protected:
  void make(std::shared_ptr<SaeCredential> credential) {
    auto options = ae_options(server.port);
    options.requested_stem = "Clock";
    options.credential = std::move(credential);
    ae = std::make_unique<Ae>(world.reactor, std::move(options), world.client_audit, world.clock);
  }
  Result<ResponsePrimitive> ask() { return ae->retrieve("/in-cse/a"); }
  bool drive(const std::function<bool()>& done) { return world.reactor.run_until(done, kPatience); }

  MafWorld world;
  RegistrarServer server{world.reactor, world.clock, true, TestPki::instance().issue(in_cse())};
  std::unique_ptr<Ae> ae;
};

// --- provisioned key, certificate

constexpr const char* kKpsaHex = "1a2b3c4d5e6f7a8b1a2b3c4d5e6f7a8b";

TEST_F(CredentialTest, provisioned_key_is_presented_under_its_identity) {
  server.keys.known["lock@my.m2mprovider.org"] = {*secret_from_hex(kKpsaHex), {}};
  make(provisioned_key(*KeyId::parse("lock@my.m2mprovider.org"), Kpsa(*secret_from_hex(kKpsaHex)), in_cse(),
                       home()));
  ASSERT_TRUE(ask());
  EXPECT_THAT(server.keys.presented, ElementsAre("lock@my.m2mprovider.org"));
  ASSERT_TRUE(ae->context());
  EXPECT_EQ(ae->context()->identity, EntityId(in_cse())) << "associated with the registrar";
  ae->disconnect();
  EXPECT_FALSE(ae->context());
  ASSERT_TRUE(ask()) << "a lost session is made anew";
  EXPECT_EQ(server.keys.presented.size(), 2U);
}

TEST_F(CredentialTest, a_refused_key_without_another_is_not_tried_twice) {
  make(provisioned_key(*KeyId::parse("gone@my.m2mprovider.org"), Kpsa(*secret_from_hex(kKpsaHex)), in_cse(),
                       home()));
  EXPECT_TRUE(fails_with(ask(), ErrorCode::authentication, ""));
  EXPECT_EQ(server.keys.presented.size(), 1U);
}

TEST_F(CredentialTest, certificate_of_the_registrar_must_name_it) {
  const auto own = TestPki::instance().issue(id("//my.m2mprovider.org/in-cse/Clock"));
  const auto with = [&](EntityId registrar, std::shared_ptr<const pki::TrustStore> trust) {
    make(certificate({.own = own,
                      .trust = std::move(trust),
                      .home = home(),
                      .server = std::move(registrar),
                      .server_in_cse = {}}));
    return ask();
  };
  EXPECT_TRUE(with(in_cse(), TestPki::instance().trust()));
  EXPECT_EQ(ae->context()->identity, EntityId(in_cse()));
  const auto reached = server.cse.requests.size();
  EXPECT_TRUE(fails_with(with(*CseId::parse("/other-cse", home()), TestPki::instance().trust()),
                         ErrorCode::authentication, ""));
  EXPECT_TRUE(fails_with(with(*Fqdn::parse("maf.provider.org"), TestPki::instance().trust()),
                         ErrorCode::authentication, ""));
  EXPECT_TRUE(
      fails_with(with(in_cse(), TestPki::instance().stranger_trust()), ErrorCode::authentication, ""));
  EXPECT_EQ(server.cse.requests.size(), reached) << "nothing is said to another";
}

// --- MAF key

class MafKeyTest : public CredentialTest {
 protected:
  MafCredentialOptions options() {
    MafCredentialOptions out{.maf = maf,
                             .admin_fqdn = kAdmin,
                             .server = in_cse(),
                             .suid = *Suid::from(32),
                             .registration = {},
                             .home = home()};
    out.key_lifetime = hours(1);
    out.margin = minutes(5);
    // What the registrar would retrieve from the MAF when the identity is presented.
    out.on_key = [this](const RegisteredKey& key) {
      made.push_back(key.id.text());
      server.keys.known[key.id.text()] = {key.key.bytes().duplicate(), key.expires};
    };
    return out;
  }
  void with(MafCredentialOptions given) { make(maf_key(std::move(given), world.clock)); }
  std::size_t maf_keys() const { return world.maf->counters().keys; }

  std::shared_ptr<MafClient> maf = world.by_certificate(kPhone);
  std::vector<std::string> made;
};

TEST_F(MafKeyTest, registers_with_the_maf_and_uses_the_key_until_its_margin) {
  with(options());
  ASSERT_TRUE(ask());
  EXPECT_EQ(made.size(), 1U);
  world.clock.advance(minutes(55) - seconds(2));
  ASSERT_TRUE(ask());
  EXPECT_EQ(made.size(), 1U);
  world.clock.advance(seconds(2));
  ASSERT_TRUE(ask());
  ASSERT_EQ(made.size(), 2U);
  EXPECT_EQ(server.keys.presented, made) << "one session a key";
  EXPECT_EQ(world.maf->counters().registrations, 1U);
}

TEST_F(MafKeyTest, a_key_whose_life_has_ended_is_replaced) {
  auto given = options();
  given.margin = seconds(0);
  with(std::move(given));
  ASSERT_TRUE(ask());
  world.clock.advance(hours(1));
  const auto answer = ask();
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->rsc, Rsc::ok);
  EXPECT_EQ(made.size(), 2U);
}

TEST_F(MafKeyTest, a_request_under_way_survives_the_renewal) {
  with(options());
  ASSERT_TRUE(ask());
  server.cse.hold = true;
  std::optional<Result<ResponsePrimitive>> first;
  ae->send(codec::RequestPrimitive{.to = "/in-cse/slow"}, [&](auto answer) { first = std::move(answer); });
  ASSERT_TRUE(drive([&] { return server.cse.held.size() == 1; }));
  server.cse.hold = false;
  world.clock.advance(minutes(56));
  ASSERT_TRUE(ask());
  EXPECT_EQ(made.size(), 2U);
  EXPECT_FALSE(first);
  server.cse.release();
  ASSERT_TRUE(drive([&] { return first.has_value(); }));
  ASSERT_TRUE(*first) << first->error().detail;
  EXPECT_TRUE(drive([&] { return server.server->counters().connections_open == 1; }))
      << "then the old session ends";
}

TEST_F(MafKeyTest, a_key_shorter_than_the_margin_is_used_nevertheless) {
  auto strict = MafWorld::maf_options();
  strict.key_max = minutes(4);
  world.maf->replace_policies(std::move(strict));
  with(options());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(ask());
  EXPECT_EQ(made.size(), 1U);
  world.clock.advance(minutes(3));
  ASSERT_TRUE(ask());
  EXPECT_EQ(made.size(), 2U) << "after three quarters of its life";
}

TEST_F(MafKeyTest, a_refused_key_gives_way_to_another_and_is_ended_at_the_maf) {
  with(options());
  ASSERT_TRUE(ask());
  server.keys.known.clear();
  ae->disconnect();
  ASSERT_TRUE(ask());
  EXPECT_EQ(made.size(), 2U);
  EXPECT_TRUE(drive([&] { return maf_keys() == 1; }));
}

TEST_F(MafKeyTest, a_registrar_that_always_refuses_does_not_fill_the_maf) {
  auto given = options();
  given.on_key = [this](const RegisteredKey& key) { made.push_back(key.id.text()); };
  with(std::move(given));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fails_with(ask(), ErrorCode::authentication, ""));
  EXPECT_LE(server.keys.presented.size(), 6U) << "twice a request at most";
  EXPECT_TRUE(drive([&] { return maf_keys() <= 1; }));
}

TEST_F(MafKeyTest, requests_that_wait_for_a_key_share_it) {
  with(options());
  std::vector<Result<ResponsePrimitive>> answers;
  for (int i = 0; i < 4; ++i)
    ae->send(codec::RequestPrimitive{.to = "/in-cse/a"},
             [&](auto answer) { answers.push_back(std::move(answer)); });
  ASSERT_TRUE(drive([&] { return answers.size() == 4; }));
  for (const auto& answer : answers) EXPECT_TRUE(answer);
  EXPECT_EQ(made.size(), 1U);
}

TEST_F(MafKeyTest, the_registration_of_an_earlier_run_is_taken_over_and_extended) {
  const auto before = world.register_client(*maf, kAdmin, hours(2));
  ASSERT_TRUE(before);
  with(options());
  ASSERT_TRUE(ask());
  EXPECT_EQ(world.maf->counters().registrations, 1U);
  const auto found =
      world.ask<MafRegistration>([&](auto done) { maf->find_registration(kAdmin, std::move(done)); });
  ASSERT_TRUE(found);
  EXPECT_GT(found->expires, world.in(hours(24 * 364)));
}

TEST_F(MafKeyTest, a_registration_that_the_application_kept_is_used) {
  auto given = options();
  given.registration = *world.register_client(*maf, kAdmin, hours(2));
  with(std::move(given));
  const auto before = world.observer.requests.size();
  ASSERT_TRUE(ask());
  EXPECT_EQ(world.observer.requests.size(), before + 1) << "the key registration alone";
}

TEST_F(MafKeyTest, a_registration_that_the_maf_lost_is_made_anew_with_the_next_request) {
  auto given = options();
  given.registration = *world.register_client(*maf, kAdmin, hours(2));
  ASSERT_TRUE(
      world.ask<void>([&](auto done) { maf->deregister_client(given.registration->id, std::move(done)); }));
  with(std::move(given));
  EXPECT_TRUE(fails_with(ask(), ErrorCode::not_found, ""));
  EXPECT_TRUE(ask());
}

TEST_F(MafKeyTest, a_maf_that_refuses_makes_the_request_fail) {
  auto given = options();
  given.admin_fqdn = "nobody.org";
  with(std::move(given));
  EXPECT_TRUE(fails_with(ask(), ErrorCode::invalid_argument, "adfq"));
  EXPECT_TRUE(server.keys.presented.empty());
  EXPECT_TRUE(fails_with(maf_key(options(), world.clock)->options(), ErrorCode::unavailable, "no key"));
}

TEST_F(MafKeyTest, destroyed_while_the_maf_is_silent_the_caller_is_told) {
  world.observer.silent = true;
  with(options());
  std::vector<Result<ResponsePrimitive>> answers;
  ae->send(codec::RequestPrimitive{.to = "/in-cse/a"},
           [&](auto answer) { answers.push_back(std::move(answer)); });
  ASSERT_TRUE(drive([&] { return world.observer.unheard.size() == 1; }));
  ae.reset();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_TRUE(fails_with(answers[0], ErrorCode::unavailable, "closed"));
}

// --- 8.8.2.4: configuration by the MAF

TEST_F(MafKeyTest, configuration_of_the_maf_is_applied_to_the_keys) {
  latchkey::test::cover({"8.8.2.4-06", "8.8.3.3-T01", "8.8.1-04"});
  auto given = options();
  given.configured_by_maf = true;
  with(std::move(given));
  ASSERT_TRUE(ask());
  const auto& attributes = world.observer.last().primitive.pc.as_object().at("sec:mkr").as_object();
  EXPECT_EQ(codec::to_text(attributes.at("lbl")), R"(["by-maf"])");
  EXPECT_EQ(codec::to_text(attributes.at("tgis")), R"(["//my.m2mprovider.org/in-cse"])");
}

TEST_F(MafKeyTest, without_a_configuration_at_the_maf_the_own_values_hold) {
  auto policies = MafWorld::maf_options();
  policies.clients.front().configuration.clear();
  world.maf->replace_policies(std::move(policies));
  auto given = options();
  given.configured_by_maf = true;
  with(std::move(given));
  ASSERT_TRUE(ask());
  EXPECT_FALSE(world.observer.last().primitive.pc.as_object().at("sec:mkr").as_object().contains("lbl"));
}

TEST_F(MafKeyTest, a_configuration_that_provides_no_key_for_the_registrar_is_an_error) {
  latchkey::test::cover({"8.8.2.4-06"});
  const auto configured = [&](const std::string& text) {
    auto policies = MafWorld::maf_options();
    policies.clients.front().configuration = text;
    world.maf->replace_policies(std::move(policies));
    auto given = options();
    given.configured_by_maf = true;
    with(std::move(given));
    return ask();
  };
  EXPECT_TRUE(fails_with(
      configured(
          R"({"mafKeyRegCfg":{"adfq":"mytrustenabler.org","suid":32,"tgis":"//my.m2mprovider.org/mn-cse"}})"),
      ErrorCode::denied, "no key for"));
  EXPECT_TRUE(fails_with(configured(R"({"mafKeyRegCfg":{"suid":32}})"), ErrorCode::invalid_argument, "adfq"));
  EXPECT_TRUE(fails_with(
      configured(R"({"mafKeyRegCfg":{"adfq":"mytrustenabler.org","suid":32,"et":"20200101T000000"}})"),
      ErrorCode::expired, "et"));
  EXPECT_TRUE(made.empty());
}

}  // namespace
}  // namespace latchkey::client::test
