/// 8.8.2.3 to 8.8.2.10 with both sides over TLS: what the client sends, what the MAF keeps and answers, what
/// the client holds afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cover.h"
#include "latchkey/client/configuration.h"
#include "latchkey/codec/mmaf.h"
#include "latchkey/crypto/derivation.h"
#include "support/maf_world.h"

namespace latchkey::client::test {
namespace {

using codec::Operation;
using codec::Rsc;
using latchkey::test::cover;
using std::chrono::hours;
using testing::ElementsAre;

const codec::json::object& content(const codec::json::value& pc) {
  return pc.as_object().begin()->value().as_object();
}
std::vector<std::string> names(const codec::json::object& object) {
  std::vector<std::string> out;
  for (const auto& member : object) out.emplace_back(member.key());
  std::ranges::sort(out);
  return out;
}

class MafProcedures : public testing::Test {
 protected:
  const codec::RequestPrimitive& sent() const { return world.observer.last().primitive; }
  const codec::json::object& answered() const { return content(world.observer.answers.back().pc); }
  /// A registered source (the phone) with one key for the IN-CSE.
  RegisteredKey register_key(KeyRegistrationRequest request) {
    auto key = world.register_key(*source, std::move(request));
    EXPECT_TRUE(key) << key.error().detail;
    return std::move(*key);
  }
  MafRegistration registered(MafClient& client) {
    auto registration = world.register_client(client);
    EXPECT_TRUE(registration) << registration.error().detail;
    return std::move(*registration);
  }
  Result<KeyChange> update(const std::string& key, std::optional<TimePoint> expires,
                           std::optional<std::vector<std::string>> labels,
                           std::optional<std::vector<EntityId>> targets) {
    return world.ask<KeyChange>([&](auto done) {
      source->update_key(key, expires, std::move(labels), std::move(targets), std::move(done));
    });
  }

  MafWorld world;
  std::shared_ptr<MafClient> source = world.by_certificate(kPhone);
  std::shared_ptr<MafClient> target = world.by_certificate(kInCse);
};

// --- client registration

TEST_F(MafProcedures, client_registration) {
  cover({"8.8.2.3-01", "8.8.2.3-03", "8.8.2.3-05", "8.8.2.3-04", "8.8.2.3-T01", "8.8.1-02", "8.8.1-03"});
  const auto registration = world.register_client(*source, kAdmin, hours(24), {"phone", "blue"});
  ASSERT_TRUE(registration) << registration.error().detail;
  EXPECT_EQ(world.observer.last().security->framework, tls::Framework::certificate);
  EXPECT_EQ(sent().op, Operation::create);
  EXPECT_EQ(sent().to, "//myMAF.provider.org/-/") << "MAF-FQDN";
  EXPECT_EQ(names(content(sent().pc)), (std::vector<std::string>{"adfq", "et", "lbl"}));
  EXPECT_EQ(content(sent().pc).at("et").as_string(), format_timestamp(world.in(hours(24))));
  EXPECT_EQ(registration->id, "macr000001");
  EXPECT_EQ(registration->expires, world.in(hours(24)));
  EXPECT_EQ(registration->admin_fqdn, kAdmin);
  EXPECT_EQ(registration->labels, (std::vector<std::string>{"phone", "blue"}));
  EXPECT_EQ(*parse_entity_id(registration->client_id, home()), id(kPhone));
  EXPECT_FALSE(registration->assigned_key_id);
}

TEST_F(MafProcedures, one_registration_a_stakeholder) {
  cover({"8.8.1-02", "8.8.1-03"});
  const auto first = world.register_client(*source, kAdmin);
  const auto second = world.register_client(*source, "other.org");
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->id, second->id);
  EXPECT_TRUE(fails_with(world.register_client(*source, "other.org"), ErrorCode::conflict, "already"));
  EXPECT_TRUE(fails_with(world.register_client(*source, "nobody.org"), ErrorCode::invalid_argument, "adfq"));
  const auto found =
      world.ask<MafRegistration>([&](auto done) { source->find_registration("other.org", std::move(done)); });
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->id, second->id);
  EXPECT_TRUE(fails_with(
      world.ask<MafRegistration>([&](auto done) { target->find_registration("other.org", std::move(done)); }),
      ErrorCode::not_found, "other.org"));
}

TEST_F(MafProcedures, a_stakeholder_is_the_same_in_any_spelling) {
  const auto first = world.register_client(*source, "MyTrustEnabler.org");
  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_TRUE(fails_with(world.register_client(*source, kAdmin), ErrorCode::conflict, "already"));
  const auto found =
      world.ask<MafRegistration>([&](auto done) { source->find_registration(kAdmin, std::move(done)); });
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->id, first->id);
  EXPECT_EQ(found->admin_fqdn, "MyTrustEnabler.org");
}

TEST_F(MafProcedures, client_is_configured_to_register) {
  cover({"8.8.1-02", "8.8.3.2-T01"});
  const auto configuration = parse_client_registration_configuration(
      R"({"fq":"myMAF.provider.org","adfq":"other.org","hpt":)" + std::to_string(world.port) +
          R"(,"lbl":["configured"],"et":")" + format_timestamp(world.in(hours(12))) + "\"}",
      world.clock.now());
  ASSERT_TRUE(configuration) << configuration.error().detail;
  auto options = world.client_options(id(kLock));
  options.master = MasterCredential{*KeyId::parse(kLockKmId), Km(*secret_from_hex(kLockKm))};
  options.maf = *Fqdn::parse("unset.example.org");
  options.peer.port = 1;
  apply(*configuration, options);
  MafClient client(world.reactor, std::move(options), world.client_audit, world.clock);
  const auto registration = world.ask<MafRegistration>([&](auto done) {
    client.register_client(configuration->admin.text(), *configuration->expires, configuration->labels,
                           std::move(done));
  });
  ASSERT_TRUE(registration) << registration.error().detail;
  EXPECT_EQ(registration->admin_fqdn, "other.org");
  EXPECT_EQ(registration->labels, std::vector<std::string>{"configured"});
  EXPECT_EQ(registration->expires, world.in(hours(12)));
}

TEST_F(MafProcedures, client_configuration_retrieval) {
  cover({"8.8.2.4-01", "8.8.2.4-02", "8.8.2.4-T01"});
  const auto registration = registered(*source);
  source->disconnect();
  const auto configuration = world.ask<std::string>(
      [&](auto done) { source->client_configuration(registration.id, std::move(done)); });
  ASSERT_TRUE(configuration) << configuration.error().detail;
  EXPECT_EQ(sent().op, Operation::retrieve);
  EXPECT_EQ(sent().to, "//myMAF.provider.org/-/" + registration.id + "/cfg");
  EXPECT_NE(configuration->find("\"theme\":\"dark\""), std::string::npos);
  const auto others = registered(*target);
  EXPECT_TRUE(fails_with(
      world.ask<std::string>([&](auto done) { target->client_configuration(others.id, std::move(done)); }),
      ErrorCode::not_found, "no client configuration"));
}

TEST_F(MafProcedures, client_registration_update) {
  cover({"8.8.2.5-01", "8.8.2.5-02", "8.8.2.5-03", "8.8.2.5-09", "8.8.2.5-T01", "8.8.2.5-T02"});
  const auto registration = registered(*source);
  source->disconnect();
  const auto update_with = [&](std::optional<TimePoint> expires,
                               std::optional<std::vector<std::string>> labels) {
    return world.ask<MafRegistrationChange>([&](auto done) {
      source->update_registration(registration.id, expires, std::move(labels), std::move(done));
    });
  };
  auto change = update_with(world.in(hours(48)), {});
  ASSERT_TRUE(change) << change.error().detail;
  EXPECT_EQ(sent().op, Operation::update);
  EXPECT_EQ(sent().to, "//myMAF.provider.org/-/" + registration.id);
  EXPECT_EQ(names(content(sent().pc)), std::vector<std::string>{"et"});
  EXPECT_EQ(change->expires, world.in(hours(48)));
  EXPECT_FALSE(change->labels);
  change = update_with({}, std::vector<std::string>{"new"});
  ASSERT_TRUE(change);
  EXPECT_FALSE(change->expires);
  EXPECT_EQ(change->labels, std::vector<std::string>{"new"});
  const auto kept =
      world.ask<MafRegistration>([&](auto done) { source->find_registration(kAdmin, std::move(done)); });
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->expires, world.in(hours(48))) << "both stay";
  EXPECT_EQ(kept->labels, std::vector<std::string>{"new"});
}

TEST_F(MafProcedures, registration_update_needs_something_to_update) {
  cover({"8.8.2.5-04", "8.8.2.5-T01"});
  const auto registration = registered(*source);
  const auto before = world.observer.requests.size();
  EXPECT_TRUE(fails_with(world.ask<MafRegistrationChange>([&](auto done) {
    source->update_registration(registration.id, {}, {}, std::move(done));
  }),
                         ErrorCode::invalid_argument, "nothing to update"));
  EXPECT_EQ(world.observer.requests.size(), before);
}

TEST_F(MafProcedures, client_deregistration) {
  cover({"8.8.2.6-01", "8.8.2.6-02", "8.8.2.6-T01"});
  const auto registration = registered(*source);
  source->disconnect();
  const auto end = [&] {
    return world.ask<void>([&](auto done) { source->deregister_client(registration.id, std::move(done)); });
  };
  ASSERT_TRUE(end());
  EXPECT_EQ(sent().op, Operation::del);
  EXPECT_EQ(sent().to, "//myMAF.provider.org/-/" + registration.id);
  EXPECT_TRUE(sent().pc.is_null());
  EXPECT_TRUE(world.observer.answers.back().pc.is_null()) << "success only";
  EXPECT_EQ(world.maf->counters().registrations, 0U);
  EXPECT_TRUE(fails_with(end(), ErrorCode::not_found, ""));
}

// --- keys

TEST_F(MafProcedures, key_registration_exports_the_key_on_both_sides) {
  cover({"8.8.2.7-01", "8.8.2.7-06", "8.8.2.7-07", "8.8.2.7-14", "8.8.1-05", "8.8.2.7-T01", "8.8.2.7-T02"});
  auto request = world.key_request(registered(*source).id);
  request.labels = {"door"};
  const auto key = register_key(std::move(request));
  EXPECT_EQ(world.observer.last().security->identity, id(kPhone)) << "authenticated by the handshake";
  EXPECT_EQ(names(content(sent().pc)), (std::vector<std::string>{"adfq", "et", "lbl", "suid", "tgis"}))
      << "no Key Value";
  EXPECT_EQ(content(sent().pc).at("et").as_string(), format_timestamp(world.in(hours(1))));
  const auto channel = world.observer.last().channel.lock();
  ASSERT_TRUE(channel);
  const auto exported = channel->export_key("EXPORTER-oneM2M-Connection", 48);
  ASSERT_TRUE(exported);
  const auto split = crypto::split_exported(*exported);
  EXPECT_EQ(key.id.text(), to_hex(split->id) + "@myMAF.provider.org") << "10.3.5";
  EXPECT_EQ(key.key.bytes(), split->key) << "10.3.1";
  EXPECT_EQ(key.suid.value(), 32);
  EXPECT_EQ(key.expires, world.in(hours(1)));
  EXPECT_THAT(key.targets, ElementsAre(id(kInCse)));
  EXPECT_EQ(key.labels, std::vector<std::string>{"door"});
  const auto held = world.retrieve_key(*target, key.id.relative());
  ASSERT_TRUE(held) << held.error().detail;
  EXPECT_EQ(held->key, key.key) << "the MAF stores the same";
}

TEST_F(MafProcedures, key_value_of_the_source_is_stored) {
  cover({"8.8.2.7-06", "8.8.2.7-02", "8.8.2.7-14"});
  auto request = world.key_request(registered(*source).id);
  const std::string hex = "0102030405060708090a0b0c0d0e0f100102030405060708090a0b0c0d0e0f10";
  request.value = *secret_from_hex(hex);
  const auto key = register_key(std::move(request));
  EXPECT_EQ(key.key, Kc(*secret_from_hex(hex)));
  const auto held = world.retrieve_key(*target, key.id.relative());
  ASSERT_TRUE(held);
  EXPECT_EQ(held->key, key.key);
}

TEST_F(MafProcedures, maf_supplies_targets_that_the_source_leaves_out) {
  const auto key = register_key(world.key_request(registered(*source).id, 32, {}));
  EXPECT_FALSE(content(sent().pc).contains("tgis"));
  EXPECT_THAT(key.targets, ElementsAre(id(kInCse)));
}

/// Each feature for which a MAF distributes keys: SAEF 32, ESPrim 33, ESData 34 and 35.
struct Feature {
  const char* statement;
  int suid;
  std::vector<const char*> targets;
};
class EveryFeature : public MafProcedures, public testing::WithParamInterface<Feature> {};
INSTANTIATE_TEST_SUITE_P(Table_8_8_1_1, EveryFeature,
                         testing::Values(Feature{"8.8.1-T01", 32, {kInCse}},
                                         Feature{"8.8.1-T02", 33, {kInCse}},
                                         Feature{"8.8.1-T03", 34, {kInCse, kMnCse, kLock}},
                                         Feature{"8.8.1-T03", 35, {kInCse}}));

TEST_P(EveryFeature, the_key_reaches_every_target_with_its_use) {
  cover({GetParam().statement, "8.8.1-04", "8.8.1-05", "8.8.1-06", "8.8.1-07", "8.8.2.8-01", "8.8.2.8-02",
         "8.8.2.8-03", "8.8.2.8-08", "8.8.2.8-T01"});
  const auto key =
      register_key(world.key_request(registered(*source).id, GetParam().suid, GetParam().targets));
  for (const auto* name : GetParam().targets) {
    const auto client = name == kLock ? world.by_km() : world.by_certificate(name);
    const auto identifier = KeyId::parse(key.id.text());  // as it came from the source
    ASSERT_TRUE(identifier);
    EXPECT_EQ(identifier->issuer(), maf_fqdn());
    const auto held = world.retrieve_key(*client, identifier->relative());
    ASSERT_TRUE(held) << name << ": " << held.error().detail;
    EXPECT_EQ(world.observer.last().security->identity, id(name)) << "authenticated by the handshake";
    EXPECT_EQ(sent().op, Operation::retrieve);
    EXPECT_EQ(sent().to, "//myMAF.provider.org/-/" + key.id.relative());
    EXPECT_EQ(held->key, key.key);
    EXPECT_EQ(held->suid.value(), GetParam().suid);
    EXPECT_EQ(held->expires, key.expires);
    EXPECT_EQ(held->admin_fqdn, kAdmin);
    EXPECT_EQ(*parse_entity_id(held->source, home()), id(kPhone));
    EXPECT_EQ(held->source_entity, id("//my.m2mprovider.org/in-cse/Cphone"));
    EXPECT_FALSE(held->source_km_id);
    EXPECT_EQ(held->targets, key.targets);
  }
}

TEST_F(MafProcedures, two_keys_are_told_apart_by_their_identifiers) {
  cover({"8.8.2.8-08", "8.8.2.8-03"});
  const auto registration = registered(*source).id;
  auto request = world.key_request(registration);
  request.labels = {"first"};
  const auto first = register_key(std::move(request));
  request = world.key_request(registration, 33);
  request.labels = {"second"};
  const auto second = register_key(std::move(request));
  EXPECT_NE(first.id, second.id) << "a session of its own for each exported key";
  for (const auto* key : {&first, &second, &first}) {
    const auto held = world.retrieve_key(*target, key->id.relative());
    ASSERT_TRUE(held);
    EXPECT_EQ(held->key, key->key);
    EXPECT_EQ(held->suid, key->suid);
    EXPECT_EQ(held->labels, key->labels);
  }
}

TEST_F(MafProcedures, source_with_a_km_is_named_by_its_km_id) {
  const auto lock = world.by_km();
  const auto registration = registered(*lock);
  const auto key = world.register_key(*lock, world.key_request(registration.id));
  ASSERT_TRUE(key) << key.error().detail;
  const auto held = world.retrieve_key(*target, key->id.relative());
  ASSERT_TRUE(held);
  EXPECT_EQ(held->source_km_id, *KeyId::parse(kLockKmId));
}

TEST_F(MafProcedures, nobody_else_retrieves_the_key) {
  const auto key = register_key(world.key_request(registered(*source).id));
  const auto stranger = world.by_certificate(kMnCse);
  EXPECT_TRUE(fails_with(world.retrieve_key(*stranger, key.id.relative()), ErrorCode::denied,
                         "not among the targets"));
  EXPECT_TRUE(fails_with(world.retrieve_key(*source, key.id.relative()), ErrorCode::not_found, "kv"))
      << "the source reads the metadata only";
}

TEST_F(MafProcedures, client_composes_no_list_of_targets_that_the_suid_excludes) {
  cover({"8.8.2.7-03", "8.8.2.7-04"});
  const auto registration = registered(*source).id;
  const auto before = world.observer.requests.size();
  for (const int suid : {32, 33})
    EXPECT_TRUE(
        fails_with(world.register_key(*source, world.key_request(registration, suid, {kInCse, kMnCse})),
                   ErrorCode::invalid_argument, "exactly one"));
  for (const auto* no_target : {kPhone, kMafName})
    EXPECT_TRUE(fails_with(world.register_key(*source, world.key_request(registration, 34, {no_target})),
                           ErrorCode::invalid_argument, "AE-ID or a CSE-ID"));
  EXPECT_EQ(world.observer.requests.size(), before) << "nothing is sent";
}

// --- update and end of a key

TEST_F(MafProcedures, key_update) {
  cover({"8.8.2.9-01", "8.8.2.9-02", "8.8.2.9-05", "8.8.2.9-06", "8.8.2.9-08", "8.8.2.9-10", "8.8.2.9-T01",
         "8.8.2.9-T02"});
  const auto key = register_key(world.key_request(registered(*source).id));
  source->disconnect();
  auto change = update(key.id.relative(), world.in(hours(2)), {}, {});
  ASSERT_TRUE(change) << change.error().detail;
  EXPECT_TRUE(world.observer.last().security->identity == id(kPhone));
  EXPECT_EQ(sent().op, Operation::update);
  EXPECT_EQ(sent().to, "//myMAF.provider.org/-/" + key.id.relative());
  EXPECT_EQ(names(content(sent().pc)), std::vector<std::string>{"et"});
  EXPECT_EQ(names(answered()), std::vector<std::string>{"et"});
  EXPECT_EQ(change->expires, world.in(hours(2)));
  EXPECT_FALSE(change->labels || change->targets);

  change = update(key.id.relative(), {}, std::vector<std::string>{"back-door"}, {});
  ASSERT_TRUE(change) << change.error().detail;
  EXPECT_EQ(names(answered()), std::vector<std::string>{"lbl"});
  EXPECT_EQ(change->labels, std::vector<std::string>{"back-door"});
  EXPECT_FALSE(change->expires || change->targets);

  change = update(key.id.relative(), {}, {}, std::vector<EntityId>{id(kMnCse)});
  ASSERT_TRUE(change) << change.error().detail;
  EXPECT_EQ(names(answered()), std::vector<std::string>{"tgis"});
  EXPECT_EQ(change->targets, std::vector<EntityId>{id(kMnCse)});
  EXPECT_FALSE(world.retrieve_key(*target, key.id.relative()));
  const auto held = world.retrieve_key(*world.by_certificate(kMnCse), key.id.relative());
  ASSERT_TRUE(held) << "the MAF gives it to the new target";
  EXPECT_EQ(held->expires, world.in(hours(2)));
  EXPECT_EQ(held->labels, std::vector<std::string>{"back-door"});
  EXPECT_EQ(held->key, key.key);
}

TEST_F(MafProcedures, key_update_may_be_granted_in_part) {
  cover({"8.8.2.9-08", "8.8.2.9-10"});
  auto strict = MafWorld::maf_options();
  strict.key_max = hours(5);
  world.maf->replace_policies(std::move(strict));
  const auto registration = registered(*source);
  const auto key = register_key(world.key_request(registration.id));
  auto change = update(key.id.relative(), world.in(hours(9)), {}, {});
  ASSERT_TRUE(change);
  EXPECT_EQ(change->expires, world.in(hours(5))) << "policy";
  const auto shorter = world.ask<MafRegistrationChange>([&](auto done) {
    source->update_registration(registration.id, world.in(hours(3)), {}, std::move(done));
  });
  ASSERT_TRUE(shorter);
  change = update(key.id.relative(), world.in(hours(9)), {}, {});
  ASSERT_TRUE(change);
  EXPECT_EQ(change->expires, world.in(hours(3))) << "no key outlives its registration";
  EXPECT_TRUE(fails_with(update(key.id.relative(), world.clock.now() - hours(1), {}, {}),
                         ErrorCode::invalid_argument, "et"));
}

TEST_F(MafProcedures, number_of_targets_of_an_update_follows_the_suid) {
  cover({"8.8.2.9-02", "8.8.2.9-03", "8.8.2.9-04"});
  const auto registration = registered(*source).id;
  const std::vector<EntityId> none, one{id(kMnCse)}, two{id(kInCse), id(kMnCse)};
  for (const int suid : {32, 33}) {
    const auto key = register_key(world.key_request(registration, suid)).id.relative();
    EXPECT_TRUE(fails_with(update(key, {}, {}, two), ErrorCode::invalid_argument, "exactly one")) << suid;
    EXPECT_TRUE(fails_with(update(key, {}, {}, none), ErrorCode::invalid_argument, "targets")) << suid;
    EXPECT_TRUE(update(key, {}, {}, one)) << suid;
    EXPECT_FALSE(world.retrieve_key(*target, key)) << "the one target is another now";
  }
  for (const int suid : {34, 35}) {
    const auto key = register_key(world.key_request(registration, suid)).id.relative();
    EXPECT_TRUE(update(key, {}, {}, two)) << suid;
    EXPECT_TRUE(update(key, {}, {}, one)) << suid;
    EXPECT_TRUE(fails_with(update(key, {}, {}, none), ErrorCode::invalid_argument, "targets")) << suid;
  }
}

TEST_F(MafProcedures, key_update_needs_something_to_update) {
  cover({"8.8.2.9-07", "8.8.2.9-T01"});
  const auto key = register_key(world.key_request(registered(*source).id)).id.relative();
  const auto before = world.observer.requests.size();
  EXPECT_TRUE(fails_with(update(key, {}, {}, {}), ErrorCode::invalid_argument, "nothing to update"));
  EXPECT_EQ(world.observer.requests.size(), before);
}

TEST_F(MafProcedures, only_the_source_updates_and_ends_a_key) {
  cover({"8.8.2.9-08"});
  const auto key = register_key(world.key_request(registered(*source).id)).id.relative();
  EXPECT_TRUE(fails_with(world.ask<KeyChange>([&](auto done) {
    target->update_key(key, {}, {}, std::vector<EntityId>{id(kMnCse)}, std::move(done));
  }),
                         ErrorCode::denied, "another client"));
  EXPECT_TRUE(fails_with(world.ask<void>([&](auto done) { target->deregister_key(key, std::move(done)); }),
                         ErrorCode::denied, "another client"));
}

TEST_F(MafProcedures, key_deregistration) {
  cover({"8.8.2.10-01", "8.8.2.10-02", "8.8.2.10-T01"});
  const auto key = register_key(world.key_request(registered(*source).id)).id.relative();
  source->disconnect();
  ASSERT_TRUE(world.ask<void>([&](auto done) { source->deregister_key(key, std::move(done)); }));
  EXPECT_TRUE(world.observer.last().security->identity == id(kPhone));
  EXPECT_EQ(sent().op, Operation::del);
  EXPECT_EQ(sent().to, "//myMAF.provider.org/-/" + key);
  EXPECT_TRUE(sent().pc.is_null());
  EXPECT_TRUE(world.observer.answers.back().pc.is_null()) << "success only";
  EXPECT_TRUE(fails_with(world.retrieve_key(*target, key), ErrorCode::not_found, ""));
}

}  // namespace
}  // namespace latchkey::client::test
