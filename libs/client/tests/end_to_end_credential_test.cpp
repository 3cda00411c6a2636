/// End-to-end credentials by way of a MAF (TS-0003 8.6) with both ends over TLS: the source and a target hold
/// the same, and nobody else does.
#include "latchkey/client/end_to_end_credential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cover.h"
#include "latchkey/codec/mmaf.h"
#include "latchkey/crypto/derivation.h"
#include "support/maf_world.h"

namespace latchkey::client::test {
namespace {

using e2e::EndToEndCredential;
using e2e::EsDataForm;
using e2e::MasterOrigin;
using e2e::Strength;
using latchkey::test::cover;
using std::chrono::hours;

constexpr const char* kPhoneAe = "//my.m2mprovider.org/in-cse/Cphone";

class EndToEnd : public testing::Test {
 protected:
  EndToEndOrder order(MafClient& source, std::vector<const char*> targets) {
    const auto registration = world.register_client(source);
    EXPECT_TRUE(registration) << registration.error().detail;
    EndToEndOrder out{
        .registration_id = registration->id,
        .admin_fqdn = kAdmin,
        .expires = world.in(hours(1)),
        .targets = {},
        .profile = {.strengths = {Strength::none, Strength::none, Strength::medium, Strength::medium}}};
    for (const auto* target : targets) out.targets.push_back(id(target));
    return out;
  }
  /// Every key of an order, as credentials of the source.
  std::vector<EndToEndCredential> get(MafClient& source, const EndToEndOrder& wanted, const char* self) {
    auto requests = key_requests(wanted);
    EXPECT_TRUE(requests) << requests.error().detail;
    std::vector<EndToEndCredential> out;
    for (auto& request : *requests) {
      auto key = world.register_key(source, std::move(request));
      EXPECT_TRUE(key) << key.error().detail;
      auto made = credential_of(std::move(*key), id(self));
      EXPECT_TRUE(made) << made.error().detail;
      out.push_back(std::move(*made));
    }
    return out;
  }
  Result<EndToEndCredential> retrieve(MafClient& target, const KeyId& key_id) {
    auto key = world.retrieve_key(target, key_id.relative());
    if (!key) return fail(key.error());
    return credential_of(std::move(*key), key_id, home());
  }
  /// The target learns the id from the envelope alone.
  std::string open(MafClient& target, const char* self, const std::string& envelope,
                   bool any_source = false) {
    const auto ids = e2e::key_ids_of_esdata(envelope);
    if (ids.size() != 1) return "no key id";
    const auto credential = retrieve(target, ids.front());
    if (!credential) return credential.error().detail;
    const auto opened =
        credential->data_target(id(self), any_source)->open(EsDataForm::compact, envelope, world.clock.now());
    return opened ? std::string(as_text(opened->payload.reveal())) : opened.error().detail;
  }
  std::string sealed(const EndToEndCredential& credential) {
    return credential.data_source("text/plain")->protect(as_bytes("secret"), world.clock.now()).value();
  }

  MafWorld world;
  std::shared_ptr<MafClient> phone = world.by_certificate(kPhone);
  std::shared_ptr<MafClient> lock = world.by_km();
  std::shared_ptr<MafClient> in_cse = world.by_certificate(kInCse);
  std::shared_ptr<MafClient> mn_cse = world.by_certificate(kMnCse);
};

TEST_F(EndToEnd, provisioned_over_an_exported_key) {
  cover({"8.6.1.1-01", "8.6.1.2-01", "8.6.1.2-02", "8.6.2-01", "8.6.2-04", "8.6.2-05", "8.6.2-07",
         "8.6.2-T03", "8.6.1.2-T01", "9.2.3.3-T01"});
  const auto credentials = get(*phone, order(*phone, {kInCse}), kPhoneAe);
  ASSERT_EQ(credentials.size(), 1U);
  const auto& source = credentials.front();
  EXPECT_EQ(source.attributes().source, id(kPhoneAe)) << "the device's identity is not that of the end-point";
  EXPECT_EQ(source.attributes().parameters.origin, MasterOrigin::exported);
  EXPECT_EQ(source.attributes().suid.value(), 34);
  EXPECT_EQ(open(*in_cse, kInCse, sealed(source)), "secret");
  const auto target = retrieve(*in_cse, source.attributes().id);
  ASSERT_TRUE(target) << target.error().detail;
  EXPECT_EQ(target->master(), source.master());
  EXPECT_EQ(target->attributes().parameters, source.attributes().parameters);
  EXPECT_EQ(target->attributes().source, id(kPhoneAe));
  EXPECT_EQ(target->attributes().targets, source.attributes().targets);
  EXPECT_EQ(target->attributes().end, source.attributes().end);
}

TEST_F(EndToEnd, provisioned_over_the_master_credential) {
  cover({"8.6.2-01", "8.6.2-06", "8.6.2-07", "8.6.2-T02", "8.6.2-T03"});
  auto wanted = order(*lock, {kInCse});
  wanted.profile[crypto::EndToEndKey::msg_conf] = Strength::high;
  const auto credentials = get(*lock, wanted, kLock);
  ASSERT_EQ(credentials.size(), 2U) << "one for messages, one for attributes";
  EXPECT_EQ(world.observer.last().security->framework, tls::Framework::provisioned_symmetric_key);
  EXPECT_EQ(credentials[0].attributes().suid.value(), 33);
  EXPECT_EQ(credentials[0].attributes().parameters.origin, MasterOrigin::master_credential);
  EXPECT_FALSE(credentials[0].master() == credentials[1].master()) << "each has a salt of its own";
  EXPECT_EQ(credentials[1].master(), crypto::derive_ke2e_master(credentials[1].attributes().parameters.salt,
                                                                *secret_from_hex(kLockKm)));
  EXPECT_EQ(open(*in_cse, kInCse, sealed(credentials[1])), "secret");
  const auto messages = retrieve(*in_cse, credentials[0].attributes().id);
  ASSERT_TRUE(messages);
  const auto ours = credentials[0].esprim_key(id(kLock)).value(),
             theirs = messages->esprim_key(id(kInCse)).value();
  EXPECT_EQ(ours->session_key({}, {}).value(), theirs->session_key({}, {}).value());
  EXPECT_EQ(ours->peer(), id(kInCse));
  EXPECT_EQ(theirs->peer(), id(kLock));
}

TEST_F(EndToEnd, generated_by_the_source_for_several_targets) {
  cover({"8.6.1.2-03", "8.6.1.2-T02", "8.6.3-01", "8.6.3-02", "8.6.3-04", "8.6.3-T01", "8.6.3-T02"});
  for (const bool of_ke : {false, true}) {
    auto wanted = order(of_ke ? *lock : *phone, {kInCse, kMnCse});
    wanted.source_generated = true;
    wanted.source = id(of_ke ? kLock : kPhoneAe);
    if (of_ke) wanted.ke = Ke(*secret_from_hex(std::string(64, '3')));
    const auto credentials = get(of_ke ? *lock : *phone, wanted, of_ke ? kLock : kPhoneAe);
    ASSERT_EQ(credentials.size(), 1U);
    const auto& source = credentials.front();
    if (of_ke) {
      const auto kpsa = crypto::derive_kpsa(*wanted.ke, kLock).value();
      EXPECT_EQ(source.master(), crypto::derive_ke2e_master(source.attributes().parameters.salt, kpsa));
    }
    const auto envelope = sealed(source);
    EXPECT_EQ(open(*in_cse, kInCse, envelope, true), "secret");
    EXPECT_EQ(open(*mn_cse, kMnCse, envelope, true), "secret");
    EXPECT_THAT(open(*in_cse, kInCse, envelope), testing::HasSubstr("each of the targets"));
    EXPECT_EQ(open(*lock, kLock, envelope),
              of_ke ? "kv: missing" : "MAF answered 4103: not among the targets of this key");
    world.clock.advance(hours(1));
    EXPECT_THAT(open(*in_cse, kInCse, envelope, true), testing::HasSubstr("MAF answered 4004"));
    EXPECT_EQ(source.data_source("")->protect(as_bytes("x"), world.clock.now()).error().code,
              ErrorCode::expired);
    world.clock.advance(-hours(1));
  }
}

TEST_F(EndToEnd, a_mac_of_its_own_beside_the_encryption) {
  cover({"9.2.3.3-01", "9.2.3.3-T02"});
  auto wanted = order(*phone, {kInCse});
  wanted.profile.protection = e2e::ProtectionClass::separate_keys;
  const auto credentials = get(*phone, wanted, kPhoneAe);
  const auto envelope = sealed(credentials.at(0));
  EXPECT_EQ(std::ranges::count(envelope, '.'), 2) << "a MIC outside";
  EXPECT_EQ(open(*in_cse, kInCse, envelope), "secret");
}

TEST_F(EndToEnd, the_order_follows_profile_and_targets) {
  cover({"8.6.2-02", "8.6.2-03", "8.6.3-03"});
  auto wanted = order(*phone, {kInCse, kMnCse});
  wanted.profile.strengths = {Strength::low, Strength::low, Strength::low, Strength::low};
  auto requests = key_requests(wanted);
  ASSERT_TRUE(requests);
  ASSERT_EQ(requests->size(), 3U) << "ESPrim has one target a key";
  EXPECT_EQ((*requests)[0].suid.value(), 33);
  EXPECT_EQ((*requests)[0].targets, std::vector{id(kInCse)});
  EXPECT_EQ((*requests)[1].targets, std::vector{id(kMnCse)});
  EXPECT_EQ((*requests)[2].suid.value(), 34);
  EXPECT_EQ((*requests)[2].targets, (std::vector{id(kInCse), id(kMnCse)}));
  wanted.capabilities = {{.features = {*Suid::from(34)}, .certificates = {}, .shared = {}}};
  EXPECT_TRUE(fails_with(key_requests(wanted), ErrorCode::unsupported, "SUID 33"));
  const std::array longer{jose::Enc::a256gcm};
  wanted.capabilities = {{.features = {*Suid::from(33), *Suid::from(34)},
                          .certificates = {},
                          .shared = e2e::ReceiverRandObject::make(true, world.in(hours(1)), longer)}};
  requests = key_requests(wanted);
  ASSERT_TRUE(requests);
  auto key = world.register_key(*phone, std::move((*requests)[0]));
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->end_to_end->choice.message_confidentiality, 256U) << "low, but the target has AES-256 alone";
  wanted.profile = {};
  EXPECT_TRUE(fails_with(key_requests(wanted), ErrorCode::invalid_argument, "no protection"));
  wanted.targets.clear();
  wanted.profile.strengths[0] = Strength::low;
  EXPECT_TRUE(fails_with(key_requests(wanted), ErrorCode::invalid_argument, "targets"));
}

TEST_F(EndToEnd, requests_that_are_not_whole_are_not_sent) {
  const auto wanted = order(*phone, {kInCse});
  const auto before = world.observer.requests.size();
  const auto request = [&] { return std::move(key_requests(wanted).value().front()); };
  auto both = request();
  both.value = SecretBytes(32);
  EXPECT_TRUE(
      fails_with(world.register_key(*phone, std::move(both)), ErrorCode::invalid_argument, "profile"));
  const auto parameters = e2e::make_parameters(wanted.profile, *Suid::from(34), MasterOrigin::source).value();
  auto no_key = request();
  no_key.profile.reset();
  no_key.parameters = parameters;
  EXPECT_TRUE(fails_with(world.register_key(*phone, std::move(no_key)), ErrorCode::invalid_argument, "key"));
  auto short_key = request();
  short_key.profile.reset();
  short_key.parameters = parameters;
  short_key.value = SecretBytes(31);
  EXPECT_TRUE(
      fails_with(world.register_key(*phone, std::move(short_key)), ErrorCode::invalid_argument, "Ke2e"));
  auto claimed = request();
  claimed.profile.reset();
  claimed.parameters = parameters;
  claimed.parameters->origin = MasterOrigin::exported;
  claimed.value = SecretBytes(32);
  EXPECT_TRUE(
      fails_with(world.register_key(*phone, std::move(claimed)), ErrorCode::invalid_argument, "source"));
  EXPECT_EQ(world.observer.requests.size(), before);
}

/// What the MAF answers is not believed where it is not what was asked.
TEST_F(EndToEnd, answers_that_are_not_what_was_asked) {
  const auto wanted = order(*phone, {kInCse});
  const auto ask = [&](std::function<void(codec::json::object&)> change) {
    phone->disconnect();
    world.observer.change = [&](codec::ResponsePrimitive& response) {
      change(response.pc.as_object().at("sec:mkr").as_object());
    };
    auto request = std::move(key_requests(wanted).value().front());
    auto key = world.register_key(*phone, std::move(request));
    world.observer.change = {};
    return key ? std::string("accepted") : key.error().detail;
  };
  const auto end_to_end = [](codec::json::object& out) -> codec::json::object& {
    return out.at("e2ep").as_object();
  };
  EXPECT_EQ(ask([](auto&) {}), "accepted");
  EXPECT_THAT(ask([](auto& out) { out.erase("e2ep"); }), testing::HasSubstr("no Trust Enabling Function"));
  EXPECT_THAT(ask([&](auto& out) { end_to_end(out)["org"] = "km"; }), testing::HasSubstr("Km"));
  EXPECT_THAT(ask([&](auto& out) { end_to_end(out)["org"] = "source"; }), testing::HasSubstr("org"));
  EXPECT_THAT(
      ask([&](auto& out) { end_to_end(out)["keys"].as_object()["attConf"].as_object()["alg"] = "AES-192"; }),
      testing::HasSubstr("longer"))
      << "weaker than the profile";
  EXPECT_THAT(ask([&](auto& out) {
                auto& keys = end_to_end(out)["keys"].as_object();
                keys["attConf"].as_object()["lbl"] = "another";
              }),
              testing::HasSubstr("label"));
  EXPECT_THAT(ask([&](auto& out) { end_to_end(out)["more"] = 1; }), testing::HasSubstr("unknown"));
}

TEST_F(EndToEnd, a_plain_key_is_no_credential) {
  const auto registration = world.register_client(*phone);
  auto key = world.register_key(*phone, world.key_request(registration->id, 34));
  ASSERT_TRUE(key);
  EXPECT_FALSE(key->end_to_end);
  const auto key_id = key->id;
  EXPECT_TRUE(
      fails_with(credential_of(std::move(*key), id(kPhoneAe)), ErrorCode::invalid_argument, "no end-to-end"));
  EXPECT_TRUE(fails_with(retrieve(*in_cse, key_id), ErrorCode::invalid_argument, "no end-to-end"));
}

}  // namespace
}  // namespace latchkey::client::test
