/// A MAF client checks every answer (8.3.9.9): what a MAF must not say, and what it may leave out. And how it
/// bears several requests at once, loss and silence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cover.h"
#include "latchkey/codec/mmaf.h"
#include "support/maf_world.h"

namespace latchkey::client::test {
namespace {

using codec::ResponsePrimitive;
using codec::Rsc;
using latchkey::test::cover;
using std::chrono::hours;
namespace json = codec::json;

class MafAnswers : public testing::Test {
 protected:
  /// One member of the answer is another (JSON text), or is left out.
  void spoil(const char* name, const std::string& value) {
    const auto other = value.empty() ? json::value() : *codec::parse_json(value, {});
    world.observer.change = [name, other](ResponsePrimitive& response) {
      auto& attributes = response.pc.as_object().begin()->value().as_object();
      if (other.is_null())
        attributes.erase(name);
      else
        attributes[name] = other;
    };
  }
  std::string registration() {
    auto made = world.register_client(*source);
    EXPECT_TRUE(made) << made.error().detail;
    return made->id;
  }

  MafWorld world;
  std::shared_ptr<MafClient> source = world.by_km();
};

struct Spoilt {
  const char* name;
  const char* member;
  std::string value;  ///< JSON text; empty: left out
  ErrorCode code;
  const char* reason;
};

TEST_F(MafAnswers, registration) {
  const std::vector<Spoilt> cases{
      {"no_id", "ri", "", ErrorCode::invalid_argument, "registration id"},
      {"no_expiry", "et", "", ErrorCode::invalid_argument, "et"},
      {"expired", "et", R"("20170101T000000")", ErrorCode::expired, "et"},
      {"other_client", "cr", R"("//my.m2mprovider.org/mn-cse-123456")", ErrorCode::denied, "another client"},
      {"no_client", "cr", "", ErrorCode::denied, "another client"},
      {"other_stakeholder", "adfq", R"("other.org")", ErrorCode::denied, "another stakeholder"},
      {"labels_no_list", "lbl", R"("x")", ErrorCode::invalid_argument, "lbl"},
  };
  for (const auto& bad : cases) {
    SCOPED_TRACE(bad.name);
    spoil(bad.member, bad.value);
    EXPECT_TRUE(fails_with(world.register_client(*source), bad.code, bad.reason));
    world.observer.change = {};
    const auto kept =
        world.ask<MafRegistration>([&](auto done) { source->find_registration(kAdmin, std::move(done)); });
    ASSERT_TRUE(kept);
    ASSERT_TRUE(world.ask<void>([&](auto done) { source->deregister_client(kept->id, std::move(done)); }));
  }
}

TEST_F(MafAnswers, key_registration) {
  const auto parent = registration();
  const std::vector<Spoilt> cases{
      {"other_use", "suid", "33", ErrorCode::denied, "another use"},
      {"no_use", "suid", "", ErrorCode::denied, "another use"},
      {"other_stakeholder", "adfq", R"("other.org")", ErrorCode::denied, "another stakeholder"},
      {"other_client", "cr", R"("//my.m2mprovider.org/mn-cse-123456")", ErrorCode::denied, "another client"},
      {"expired", "et", R"("20170101T000000")", ErrorCode::expired, "et"},
      {"no_targets", "tgis", "", ErrorCode::invalid_argument, "no target"},
      {"target_no_id", "tgis", R"(["?"])", ErrorCode::invalid_argument, "tgis"},
      {"no_id", "ri", "", ErrorCode::invalid_argument, "ri"},
      {"not_the_exported_id", "ri", R"("00112233445566778899AABBCCDDEEFF")", ErrorCode::authentication,
       "not the exported one"},
  };
  for (const auto& bad : cases) {
    SCOPED_TRACE(bad.name);
    spoil(bad.member, bad.value);
    EXPECT_TRUE(fails_with(world.register_key(*source, world.key_request(parent)), bad.code, bad.reason));
  }
}

TEST_F(MafAnswers, key_retrieval) {
  const auto key = world.register_key(*source, world.key_request(registration()));
  ASSERT_TRUE(key);
  const auto target = world.by_certificate(kInCse);
  const std::vector<Spoilt> cases{
      {"other_key", "ri", R"("00112233445566778899AABBCCDDEEFF")", ErrorCode::denied, "another key"},
      {"no_value", "kv", "", ErrorCode::not_found, "kv"},
      {"value_too_short", "kv", '"' + std::string(62, 'A') + '"', ErrorCode::invalid_argument,
       "64 hex digits"},
      {"value_too_long", "kv", '"' + std::string(66, 'A') + '"', ErrorCode::invalid_argument,
       "64 hex digits"},
      {"value_no_hex", "kv", '"' + std::string(64, 'x') + '"', ErrorCode::invalid_argument, "64 hex digits"},
      {"value_no_text", "kv", "64", ErrorCode::invalid_argument, "kv"},
      {"expired", "et", R"("20170101T000000")", ErrorCode::expired, "et"},
      {"no_use", "suid", "", ErrorCode::invalid_argument, "suid"},
      {"use_unassigned", "suid", "31", ErrorCode::invalid_argument, "31"},
      {"target_no_id", "tgis", "[1]", ErrorCode::invalid_argument, "tgis"},
      {"source_no_id", "seid", R"("?")", ErrorCode::invalid_argument, "seid"},
      {"km_no_id", "skid", R"("?")", ErrorCode::invalid_argument, "skid"},
  };
  for (const auto& bad : cases) {
    SCOPED_TRACE(bad.name);
    spoil(bad.member, bad.value);
    EXPECT_TRUE(fails_with(world.retrieve_key(*target, key->id.relative()), bad.code, bad.reason));
  }
}

TEST_F(MafAnswers, updates_may_leave_out_what_did_not_change) {
  cover({"8.8.2.9-10"});
  const auto parent = registration();
  const auto key = world.register_key(*source, world.key_request(parent));
  ASSERT_TRUE(key);
  spoil("et", "");
  const auto change = world.ask<KeyChange>([&](auto done) {
    source->update_key(key->id.relative(), world.in(hours(1)), {}, {}, std::move(done));
  });
  ASSERT_TRUE(change) << change.error().detail;
  EXPECT_FALSE(change->expires);
  const auto of_registration = world.ask<MafRegistrationChange>(
      [&](auto done) { source->update_registration(parent, world.in(hours(24)), {}, std::move(done)); });
  ASSERT_TRUE(of_registration) << of_registration.error().detail;
  EXPECT_FALSE(of_registration->expires);
}

TEST_F(MafAnswers, answers_of_another_form) {
  const auto parent = registration();
  const std::vector<json::value> forms{nullptr, json::object{{"sec:mab", json::object()}},
                                       json::object{{"sec:macr", "text"}}, json::object{{"sec:mkr", 1}}};
  for (const auto& form : forms) {
    world.observer.change = [&](ResponsePrimitive& response) { response.pc = form; };
    EXPECT_TRUE(fails_with(world.ask<MafRegistrationChange>([&](auto done) {
      source->update_registration(parent, world.in(hours(9)), {}, std::move(done));
    }),
                           ErrorCode::invalid_argument, "the MAF's answer has no"))
        << codec::to_text(form);
    EXPECT_TRUE(fails_with(world.retrieve_key(*source, "00112233445566778899AABBCCDDEEFF"),
                           ErrorCode::not_found, ""));
    EXPECT_FALSE(
        world.ask<std::string>([&](auto done) { source->client_configuration(parent, std::move(done)); }));
    EXPECT_FALSE(
        world.ask<MafRegistration>([&](auto done) { source->find_registration(kAdmin, std::move(done)); }));
  }
}

// --- several at once, silence, loss

TEST_F(MafAnswers, exported_keys_asked_for_at_once_get_a_session_each) {
  cover({"8.8.2.7-06"});
  const auto parent = registration();
  std::vector<Result<RegisteredKey>> keys;
  std::vector<Result<MafRegistration>> others;
  for (int i = 0; i < 3; ++i) {
    source->register_key(world.key_request(parent), [&](auto key) { keys.push_back(std::move(key)); });
    source->find_registration(kAdmin, [&](auto found) { others.push_back(std::move(found)); });
  }
  ASSERT_TRUE(world.reactor.run_until([&] { return keys.size() == 3 && others.size() == 3; }, kPatience));
  const auto target = world.by_certificate(kInCse);
  for (const auto& key : keys) {
    ASSERT_TRUE(key) << key.error().detail;
    const auto held = world.retrieve_key(*target, key->id.relative());
    ASSERT_TRUE(held);
    EXPECT_EQ(held->key, key->key);
  }
  for (const auto& found : others) EXPECT_TRUE(found) << "none is cut off by a new session";
}

TEST_F(MafAnswers, an_export_that_fails_lets_the_next_one_go_on) {
  const auto parent = registration();
  const std::string nowhere = "macr000999";
  std::vector<Result<RegisteredKey>> keys;
  for (const auto& registration_id : {nowhere, parent})
    source->register_key(world.key_request(registration_id),
                         [&](auto key) { keys.push_back(std::move(key)); });
  ASSERT_TRUE(world.reactor.run_until([&] { return keys.size() == 2; }, kPatience));
  EXPECT_TRUE(fails_with(keys[0], ErrorCode::not_found, ""));
  EXPECT_TRUE(keys[1]) << keys[1].error().detail;
}

TEST_F(MafAnswers, a_silent_maf_costs_the_timeout) {
  auto options = world.client_options(id(kLock));
  options.timeout = std::chrono::milliseconds(200);
  options.master = MasterCredential{*KeyId::parse(kLockKmId), Km(*secret_from_hex(kLockKm))};
  MafClient client(world.reactor, std::move(options), world.client_audit, world.clock);
  ASSERT_TRUE(world.handshake(client));
  world.observer.silent = true;
  EXPECT_TRUE(
      fails_with(world.register_key(client, world.key_request("macr000001")), ErrorCode::expired, ""));
  EXPECT_TRUE(fails_with(world.register_key(client, world.key_request("macr000001")), ErrorCode::expired, ""))
      << "the second is not held for ever";
}

TEST_F(MafAnswers, nobody_there) {
  auto options = world.client_options(id(kLock));
  options.peer.port = 1;  // tcpmux: nothing listens
  MafClient client(world.reactor, std::move(options), world.client_audit, world.clock);
  EXPECT_TRUE(fails_with(world.handshake(client), ErrorCode::unavailable, ""));
  EXPECT_TRUE(
      fails_with(world.register_key(client, world.key_request("macr000001")), ErrorCode::unavailable, ""));
  EXPECT_TRUE(fails_with(world.register_client(client), ErrorCode::unavailable, ""));
}

TEST_F(MafAnswers, destroyed_every_caller_is_told_once) {
  ASSERT_TRUE(world.handshake(*source));
  world.observer.silent = true;
  std::vector<Error> errors;
  const auto note = [&](const auto& result) {
    ASSERT_FALSE(result);
    errors.push_back(result.error());
  };
  source->find_registration(kAdmin, note);                      // under way
  source->register_key(world.key_request("macr000001"), note);  // waits for that
  source->retrieve_key("00112233445566778899AABBCCDDEEFF", note);
  ASSERT_TRUE(world.reactor.run_until([&] { return world.observer.unheard.size() == 1; }, kPatience));
  source.reset();
  ASSERT_TRUE(world.reactor.run_until([&] { return errors.size() == 3; }, kPatience / 2));
  world.reactor.run_until([] { return false; }, std::chrono::milliseconds(5));
  EXPECT_EQ(errors.size(), 3U);
  for (const auto& error : errors) EXPECT_EQ(error.code, ErrorCode::unavailable) << error.detail;
}

TEST_F(MafAnswers, a_key_that_is_sent_or_answered_is_marked_confidential) {
  const auto parent = registration();
  auto request = world.key_request(parent);
  request.value = *secret_from_hex(std::string(64, '5'));
  const auto key = world.register_key(*source, std::move(request));
  ASSERT_TRUE(key);
  EXPECT_FALSE(world.observer.answers.back().confidential) << "no key in it";
  const auto target = world.by_certificate(kInCse);
  ASSERT_TRUE(world.retrieve_key(*target, key->id.relative()));
  EXPECT_TRUE(world.observer.answers.back().confidential);
}

}  // namespace
}  // namespace latchkey::client::test
