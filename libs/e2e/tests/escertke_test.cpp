// The four messages of ESCertKE between two end-points in memory (TS-0003 8.7).
#include "latchkey/e2e/escertke.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <set>

#include "latchkey/crypto/crypto.h"
#include "support/bare_peer.h"
#include "support/capture.h"
#include "support/test_pki.h"
#include "support/world.h"

namespace latchkey::e2e {
namespace {

using tls::test::cover;
using tls::test::home;
using tls::test::in_cse;
using tls::test::lock_ae;
using tls::test::mn_cse;
using tls::test::TestPki;

EsCertKeCredentials credentials(const tls::test::Identity& own) {
  return {.own = own.own, .trust = TestPki::instance().trust(), .home = home(), .in_cse = in_cse()};
}
const tls::test::Identity& lock() {
  static const auto made = TestPki::instance().ae(lock_ae());
  return made;
}
const tls::test::Identity& in() {
  static const auto made = TestPki::instance().cse(in_cse());
  return made;
}

/// The types of the handshake messages of a flight that is in clear, with 20 for a ChangeCipherSpec and what
/// follows it.
std::vector<int> types(const Bytes& flight) {
  std::vector<int> found;
  for (const auto& message : tls::test::messages_of(tls::test::records_of({{true, flight}})))
    found.push_back(message.type);
  for (const auto& record : tls::test::records_of({{true, flight}}))
    if (record.type == 20) found.push_back(-20);
  return found;
}

class EsCertKe : public ::testing::Test {
 protected:
  /// The IN-CSE establishes keys with the lock alone, unless told otherwise.
  EsCertKeTerminator terminator(EsCertKeOptions options = {}) {
    auto made = EsCertKeTerminator::make(
        credentials(in()),
        [this](const EntityId& initiator) -> std::optional<EsCertKePeer> {
          for (const auto& peer : authorized)
            if (peer.id == initiator) return peer;
          return std::nullopt;
        },
        audit, clock, std::move(options));
    EXPECT_TRUE(made) << made.error().detail;
    return std::move(*made);
  }
  EsCertKeInitiator initiator(const EsCertKeCredentials& own = credentials(lock()),
                              EntityId with = in_cse()) {
    auto made = EsCertKeInitiator::start(own, {.id = std::move(with)}, audit, clock);
    EXPECT_TRUE(made) << made.error().detail;
    return std::move(*made);
  }
  static void expect_failure(const EsCertKeTerminator::Answer& answer, ErrorCode code,
                             const std::string& text) {
    ASSERT_TRUE(answer.failure);
    EXPECT_EQ(answer.failure->code, code) << answer.failure->detail;
    EXPECT_NE(answer.failure->detail.find(text), std::string::npos) << answer.failure->detail;
    EXPECT_FALSE(answer.key);
  }

  ManualClock clock{system_clock().now() + std::chrono::seconds(5)};
  AuditRecorder audit;
  std::vector<EsCertKePeer> authorized{{.id = lock_ae()}};
};

TEST_F(EsCertKe, FourMessagesLeaveTheSameKeyAtBothEnds) {
  cover({"8.7.2.1-01", "8.7.2.2-02", "8.7.2.2-03", "8.7.2.2-04", "8.7.2.2-05", "8.7.2.2-06", "8.7.2.2-08",
         "8.7.2.2-09", "8.7.2.2-10", "8.7.2.2-11", "8.7.2.2-12", "8.7.2.2-13", "8.7.2.2-14", "8.7.2.2-15",
         "8.7.2.2-16", "8.7.2.2-17", "8.7.2.2-18"});
  auto end = terminator();
  auto begin = initiator();
  const auto second = end.receive(lock_ae(), begin.message_1());
  ASSERT_FALSE(second.failure) << second.failure->detail;
  EXPECT_FALSE(second.key);
  EXPECT_EQ(end.open(), 1U);
  const auto third = begin.message_3(second.message);
  ASSERT_TRUE(third) << third.error().detail;
  const auto fourth = end.receive(lock_ae(), *third);
  ASSERT_FALSE(fourth.failure) << fourth.failure->detail;
  ASSERT_TRUE(fourth.key);
  EXPECT_EQ(end.open(), 0U);
  const auto key = begin.finish(fourth.message);
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->id, fourth.key->id);
  EXPECT_EQ(key->id.size(), 32U);
  EXPECT_EQ(key->id.find_first_not_of("0123456789ABCDEF"), std::string::npos) << key->id;
  EXPECT_EQ(key->key.size(), 32U);
  EXPECT_TRUE(key->key == fourth.key->key);
  EXPECT_EQ(key->peer, EntityId(in_cse()));
  EXPECT_EQ(fourth.key->peer, EntityId(lock_ae()));
  EXPECT_EQ(fourth.key->end, lock().own->chain.front().not_after());
  EXPECT_TRUE(begin.alert().empty());
}

TEST_F(EsCertKe, MessagesHoldTheFlightsOfTheTable) {
  cover({"8.7.2.2-T01", "8.7.2.2-T02", "8.7.2.2-T03", "8.7.2.2-T04"});
  auto end = terminator();
  auto begin = initiator();
  EXPECT_EQ(types(begin.message_1()), (std::vector<int>{1}));
  const auto second = end.receive(lock_ae(), begin.message_1()).message;
  EXPECT_EQ(types(second), (std::vector<int>{2, 11, 12, 13, 14}));
  const auto third = begin.message_3(second);
  ASSERT_TRUE(third) << third.error().detail;
  EXPECT_EQ(types(*third), (std::vector<int>{11, 16, 15, -20}));
  EXPECT_EQ(types(end.receive(lock_ae(), *third).message), (std::vector<int>{-20}));
  // No extension announces the export: those of the ClientHello are all of TLS itself.
  const auto hello = tls::test::messages_of(tls::test::records_of({{true, begin.message_1()}})).front().body;
  for (const int type : tls::test::extension_types(hello))
    EXPECT_TRUE(std::set({5, 10, 11, 13, 22, 23, 28, 65281}).contains(type)) << type;
}

TEST_F(EsCertKe, TheInitiatorRefusesAnotherEndPoint) {
  auto end = terminator();
  auto begin = initiator(credentials(lock()), mn_cse());
  const auto second = end.receive(lock_ae(), begin.message_1());
  const auto third = begin.message_3(second.message);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::authentication);
  EXPECT_NE(third.error().detail.find("does not prove //my.m2mprovider.org/mn-cse-123456"), std::string::npos)
      << third.error().detail;
  ASSERT_FALSE(begin.alert().empty());
  EXPECT_EQ(begin.alert().front(), 21);
  expect_failure(end.receive(lock_ae(), begin.alert()), ErrorCode::authentication, "alert 42");
  EXPECT_EQ(end.open(), 0U);
}

TEST_F(EsCertKe, TheTerminatorRefusesACertificateThatIsNotTheInitiators) {
  // mn-cse speaks as the lock: its certificate is good, but another's.
  static const auto other = TestPki::instance().cse(mn_cse());
  auto end = terminator();
  auto begin = initiator(credentials(other));
  const auto second = end.receive(lock_ae(), begin.message_1());
  const auto third = begin.message_3(second.message);
  ASSERT_TRUE(third) << third.error().detail;
  const auto fourth = end.receive(lock_ae(), *third);
  expect_failure(fourth, ErrorCode::authentication, "does not prove");
  EXPECT_EQ(end.open(), 0U);
  ASSERT_FALSE(fourth.message.empty());
  const auto key = begin.finish(fourth.message);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, ErrorCode::authentication);
}

TEST_F(EsCertKe, UntrustedAndExpiredCertificatesAreRefused) {
  static const auto stranger = TestPki::instance().cse(in_cse(), std::chrono::days(100), true);
  auto end = EsCertKeTerminator::make(
      credentials(stranger), [](const EntityId& id) { return EsCertKePeer{.id = id}; }, audit, clock);
  ASSERT_TRUE(end);
  auto begin = initiator();
  const auto third = begin.message_3(end->receive(lock_ae(), begin.message_1()).message);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::authentication);

  static const auto brief = TestPki::instance().cse(mn_cse(), std::chrono::days(1));
  clock.advance(std::chrono::days(2));
  authorized = {{.id = mn_cse()}};
  auto late = terminator();
  auto begin_late = initiator(credentials(brief));
  const auto late_third = begin_late.message_3(late.receive(mn_cse(), begin_late.message_1()).message);
  ASSERT_TRUE(late_third) << late_third.error().detail;
  expect_failure(late.receive(mn_cse(), *late_third), ErrorCode::authentication, "expired");
}

TEST_F(EsCertKe, ADeviceCertificateStandsForTheConfiguredEntityAlone) {
  const auto id = *M2mDeviceId::parse("0.2.481.1.100.3030.10011");
  const auto device = TestPki::instance().device(id);
  const auto run = [&](std::optional<M2mDeviceId> configured) {
    authorized = {{.id = lock_ae(), .device = std::move(configured)}};
    auto end = terminator();
    auto begin = initiator(credentials(device));
    const auto third = begin.message_3(end.receive(lock_ae(), begin.message_1()).message);
    EXPECT_TRUE(third) << third.error().detail;
    return end.receive(lock_ae(), *third);
  };
  const auto accepted = run(id);
  ASSERT_TRUE(accepted.key) << accepted.failure->detail;
  EXPECT_EQ(accepted.key->peer, EntityId(lock_ae()));
  expect_failure(run(std::nullopt), ErrorCode::authentication, "does not prove");
  expect_failure(run(*M2mDeviceId::parse("0.2.481.1.100.3030.10012")), ErrorCode::authentication,
                 "does not prove");
}

/// Keys without a certificate: each end knows the other's by configuration.
class EsCertKeRaw : public EsCertKe {
 protected:
  struct Own {
    EsCertKeCredentials credentials;
    pki::PublicKeyId id;
  };
  static Own own() {
    auto key = *pki::PrivateKey::generate();
    const auto id = pki::PublicKeyId::of(key.public_spki());
    return {{.own = std::make_shared<const tls::OwnCertificate>(tls::OwnCertificate{{}, std::move(key)}),
             .trust = nullptr,
             .home = home()},
            id};
  }
  EsCertKeTerminator raw_terminator() {
    auto made = EsCertKeTerminator::make(in_end.credentials,
                                         [this](const EntityId& initiator) -> std::optional<EsCertKePeer> {
                                           for (const auto& peer : authorized)
                                             if (peer.id == initiator) return peer;
                                           return std::nullopt;
                                         },
                                         audit, clock, {});
    EXPECT_TRUE(made) << made.error().detail;
    return std::move(*made);
  }
  EsCertKeInitiator raw_initiator(const Own& as, const pki::PublicKeyId& with) {
    auto made = EsCertKeInitiator::start(as.credentials, {.id = in_cse(), .raw_key = with}, audit, clock);
    EXPECT_TRUE(made) << made.error().detail;
    return std::move(*made);
  }
  Own lock_end = own(), in_end = own();
};

TEST_F(EsCertKeRaw, AKeyThatIsPinnedStandsForTheConfiguredIdentity) {
  cover({"8.7.2.2-07", "10.1.2-01", "10.1.2-T01", "10.2.3-05"});
  authorized = {{.id = lock_ae(), .raw_key = lock_end.id}};
  auto end = raw_terminator();
  auto begin = raw_initiator(lock_end, in_end.id);
  const auto second = end.receive(lock_ae(), begin.message_1());
  ASSERT_FALSE(second.failure) << second.failure->detail;
  const auto third = begin.message_3(second.message);
  ASSERT_TRUE(third) << third.error().detail;
  const auto fourth = end.receive(lock_ae(), *third);
  ASSERT_TRUE(fourth.key) << fourth.failure->detail;
  const auto key = begin.finish(fourth.message);
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->id, fourth.key->id);
  EXPECT_TRUE(key->key == fourth.key->key);
  EXPECT_EQ(fourth.key->peer, EntityId(lock_ae()));
  EXPECT_EQ(key->peer, EntityId(in_cse()));
  EXPECT_EQ(key->end, clock.now() + std::chrono::hours(24 * 365));
  // What goes over is the bare key: the flight of a certificate chain would be several times as long.
  EXPECT_LT(second.message.size(), 400U);
}

TEST_F(EsCertKeRaw, AnyOtherKeyIsRefusedByEitherEnd) {
  const auto stranger = own();
  authorized = {{.id = lock_ae(), .raw_key = lock_end.id}};
  auto end = raw_terminator();
  auto by_stranger = raw_initiator(stranger, in_end.id);
  const auto third = by_stranger.message_3(end.receive(lock_ae(), by_stranger.message_1()).message);
  ASSERT_TRUE(third) << third.error().detail;
  const auto fourth = end.receive(lock_ae(), *third);
  expect_failure(fourth, ErrorCode::authentication, "not that of");
  EXPECT_FALSE(by_stranger.finish(fourth.message));
  auto to_stranger = raw_initiator(lock_end, stranger.id);
  const auto refused = to_stranger.message_3(end.receive(lock_ae(), to_stranger.message_1()).message);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("not that of"), std::string::npos) << refused.error().detail;
}

TEST_F(EsCertKeRaw, NeitherEndTakesACertificateForARawKeyOrTheReverse) {
  // The initiator presents a certificate whose key is the pinned one: it was a raw key that was agreed on.
  authorized = {{.id = lock_ae(), .raw_key = pki::PublicKeyId::of(lock().own->key.public_spki())}};
  auto end = terminator();
  auto begin = initiator();
  const auto answer = end.receive(lock_ae(), begin.message_1());
  const auto third = begin.message_3(answer.message);
  EXPECT_FALSE(third);
  authorized = {{.id = lock_ae()}};
  auto only_certificates = terminator();
  auto raw = raw_initiator(lock_end, in_end.id);
  EXPECT_FALSE(raw.message_3(only_certificates.receive(lock_ae(), raw.message_1()).message));
  // And who has no certificate establishes keys with raw keys alone.
  auto only_raw = raw_terminator();
  expect_failure(only_raw.receive(lock_ae(), initiator().message_1()), ErrorCode::denied, "no certificate");
}

TEST_F(EsCertKe, WhoIsNoLongerTrustedGetsNoKeyFromTheNextHandshakeOn) {
  auto end = terminator();
  // The authority of the initiators is taken out of the trust anchors, another's comes in.
  const auto other = TestPki::instance().stranger_trust();
  ASSERT_TRUE(end.replace(in().own, other));
  auto begin = initiator();
  const auto third = begin.message_3(end.receive(lock_ae(), begin.message_1()).message);
  ASSERT_TRUE(third) << third.error().detail;
  expect_failure(end.receive(lock_ae(), *third), ErrorCode::authentication, "");
  ASSERT_TRUE(end.replace(in().own, TestPki::instance().trust()));
  auto again = initiator();
  const auto good = again.message_3(end.receive(lock_ae(), again.message_1()).message);
  ASSERT_TRUE(good) << good.error().detail;
  EXPECT_TRUE(end.receive(lock_ae(), *good).key);
  EXPECT_FALSE(end.replace(nullptr, other));
}

TEST_F(EsCertKe, NobodyButTheConfiguredGetsAnAnswer) {
  auto end = terminator();
  auto begin = initiator();
  const auto answer = end.receive(mn_cse(), begin.message_1());
  expect_failure(answer, ErrorCode::denied, "mn-cse-123456");
  EXPECT_TRUE(answer.message.empty());
  EXPECT_EQ(end.open(), 0U);
}

TEST_F(EsCertKe, OneOpenHandshakeForEachInitiatorAndAFreshOneReplacesIt) {
  auto end = terminator();
  auto first = initiator();
  auto again = initiator();
  const auto to_first = end.receive(lock_ae(), first.message_1());
  const auto to_again = end.receive(lock_ae(), again.message_1());
  EXPECT_EQ(end.open(), 1U);
  const auto from_again = again.message_3(to_again.message);
  ASSERT_TRUE(from_again);
  const auto done = end.receive(lock_ae(), *from_again);
  ASSERT_TRUE(done.key);
  EXPECT_TRUE(again.finish(done.message));
  const auto from_first = first.message_3(to_first.message);
  ASSERT_TRUE(from_first);
  expect_failure(end.receive(lock_ae(), *from_first), ErrorCode::not_found, "no open handshake");
}

TEST_F(EsCertKe, TimeAndNumberAreLimited) {
  authorized.push_back({.id = mn_cse()});
  EsCertKeOptions options;
  options.open_handshakes = 1;
  auto end = terminator(std::move(options));
  auto begin = initiator();
  const auto second = end.receive(lock_ae(), begin.message_1());
  expect_failure(end.receive(mn_cse(), initiator().message_1()), ErrorCode::limit, "too many");
  EXPECT_EQ(end.open(), 1U);
  clock.advance(std::chrono::seconds(60));
  const auto third = begin.message_3(second.message);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::expired);
  EXPECT_FALSE(end.receive(mn_cse(), initiator().message_1()).failure);
  EXPECT_EQ(end.open(), 1U);  // the late one is gone
  expect_failure(end.receive(lock_ae(), Bytes{22, 3, 3, 0, 1, 11}), ErrorCode::not_found,
                 "no open handshake");
}

TEST_F(EsCertKe, WhatIsNoWholeMessageEndsTheProcedure) {
  auto end = terminator();
  auto begin = initiator();
  Bytes half = begin.message_1();
  half.resize(half.size() / 2);
  expect_failure(end.receive(lock_ae(), half), ErrorCode::invalid_argument, "not a whole message 1");
  EXPECT_EQ(end.open(), 0U);
  expect_failure(end.receive(lock_ae(), Bytes{22, 3}), ErrorCode::invalid_argument, "no message of TLS");
  expect_failure(end.receive(lock_ae(), Bytes(kEsCertKeOctetsMax + 1, 22)), ErrorCode::invalid_argument,
                 "no message of TLS");

  auto second = end.receive(lock_ae(), begin.message_1()).message;
  second.resize(second.size() - 9);
  const auto third = begin.message_3(second);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::invalid_argument);

  auto other = initiator();
  auto good = other.message_3(end.receive(lock_ae(), other.message_1()).message);
  ASSERT_TRUE(good);
  good->back() ^= 1U;  // in Finished
  const auto broken = end.receive(lock_ae(), *good);
  expect_failure(broken, ErrorCode::authentication, "");
  ASSERT_FALSE(broken.message.empty());
  EXPECT_EQ(broken.message.front(), 21);
}

TEST_F(EsCertKe, WithoutExtendedMasterSecretThereIsNoKey) {
  // Without RFC 7627 what is exported is not bound to these two ends alone.
  auto end = terminator();
  tls::test::BarePeer peer(GNUTLS_CLIENT,
                           (std::string(tls::test::kBareCertificate) + ":%NO_SESSION_HASH").c_str());
  peer.use_certificate(lock().chain_file, lock().key_file);
  peer.handshake();
  const auto second = end.receive(lock_ae(), peer.take_output());
  ASSERT_FALSE(second.failure) << second.failure->detail;
  peer.receive(second.message);
  peer.handshake();
  expect_failure(end.receive(lock_ae(), peer.take_output()), ErrorCode::denied, "extended master secret");
  EXPECT_EQ(end.open(), 0U);
}

TEST_F(EsCertKe, GnuTlsInitiatesAndExportsTheSameKey) {
  auto end = terminator();
  tls::test::BarePeer peer(GNUTLS_CLIENT, tls::test::kBareCertificate);
  peer.use_certificate(lock().chain_file, lock().key_file);
  peer.handshake();
  const auto second = end.receive(lock_ae(), peer.take_output());
  ASSERT_FALSE(second.failure) << second.failure->detail;
  peer.receive(second.message);
  peer.handshake();
  const auto fourth = end.receive(lock_ae(), peer.take_output());
  ASSERT_TRUE(fourth.key) << fourth.failure->detail;
  peer.receive(fourth.message);
  ASSERT_EQ(peer.handshake(), 0);
  std::array<std::uint8_t, 48> exported{};
  ASSERT_EQ(gnutls_prf_rfc5705(peer.session(), 24, "EXPORTER-oneM2M-ESCertKE", 0, nullptr, exported.size(),
                               reinterpret_cast<char*>(exported.data())),
            0);
  const ByteView octets(exported);
  EXPECT_EQ(fourth.key->id, to_hex(octets.first(16)));
  EXPECT_EQ(to_hex(fourth.key->key.reveal()), to_hex(octets.last(32)));
}

TEST(EsCertKeMessage, TravelsAsSecurityInfoOfTypeSix) {
  cover({"8.7.2.2-01"});
  const Bytes octets{22, 3, 3, 0, 1, 14};
  const auto pc = escertke_security_info(octets);
  EXPECT_EQ(boost::json::serialize(pc), R"({"m2m:seci":{"sit":6,"eckm":"FgMDAAEO"}})");
  EXPECT_EQ(read_escertke_message(pc), octets);
}

TEST(EsCertKeMessage, BadOnesAreRefusedByMember) {
  const std::pair<std::string, std::string> bad[] = {
      {R"({"m2m:seci":{"sit":5,"epo":"x"}})", "sit"},
      {R"({"m2m:seci":{"sit":6}})", "m2m:seci"},
      {R"({"m2m:seci":{"sit":6,"eckm":7}})", "eckm"},
      {R"({"m2m:seci":{"sit":6,"eckm":"?"}})", "eckm"},
      {R"({"m2m:seci":{"sit":6,"eckm":"FgMD","ero":{}}})", "m2m:seci"},
      {R"({"m2m:seci":{"sit":6,"eckm":")" + std::string(kEsCertKeOctetsMax * 2, 'A') + R"("}})",
       "eckm: too long"},
      {R"(7)", "m2m:seci"}};
  for (const auto& [text, member] : bad) {
    const auto read = read_escertke_message(boost::json::parse(text));
    ASSERT_FALSE(read) << text.substr(0, 80);
    EXPECT_EQ(read.error().rsc, codec::Rsc::bad_request);
    EXPECT_NE(read.error().detail.find(member), std::string::npos) << read.error().detail;
  }
}

}  // namespace
}  // namespace latchkey::e2e
