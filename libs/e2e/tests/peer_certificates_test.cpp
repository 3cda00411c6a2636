// Whose the keys of others are (8.5.2.2.4, 8.5.2.3.2).
#include "latchkey/e2e/peer_certificates.h"

#include <gmock/gmock.h>

#include "cover.h"
#include "latchkey/base/time.h"
#include "latchkey/e2e/security_info.h"
#include "support/test_pki.h"

namespace latchkey::e2e {
namespace {

using latchkey::test::cover;
using ::testing::HasSubstr;
using tls::test::home;
using tls::test::in_cse;
using tls::test::lock_ae;
using tls::test::mn_cse;
using tls::test::TestPki;
using Use = Suid::Use;

TimePoint now() { return system_clock().now(); }
/// As e2eSecInfo has them: each by itself, the CA certificates among them.
std::vector<Bytes> listed(const tls::test::Identity& identity) {
  std::vector<Bytes> out;
  for (const auto& certificate : identity.own->chain) out.push_back(certificate.der());
  return out;
}
PeerCertificates directory(PeerCertificates::Config config) { return PeerCertificates(std::move(config)); }
PeerCertificates trusting() {
  return directory({.trust = TestPki::instance().trust(), .home = home(), .in_cse = in_cse()});
}
const tls::test::Identity& lock() {
  static const auto identity = TestPki::instance().ae(lock_ae());
  return identity;
}
const std::string kUri = "subjectAltName=critical,URI:m2m://my.m2mprovider.org/mn-cse-123456/Clock-AE1\n";

TEST(PeerCertificates, AnAeIdOrCseIdCertificateIsOfWhomItNames) {
  cover({"8.5.2.2.4.1-01", "8.5.2.2.4.1-05", "8.5.2.3.2.1-01", "8.5.2.3.2.1-05", "8.5.2.3.2.1-06"});
  const auto trusted = trusting().find(lock_ae(), Use::esdata_signature, listed(lock()), "lock", now());
  ASSERT_TRUE(trusted) << trusted.error().detail;
  EXPECT_EQ(trusted->key.spki(), lock().own->chain.front().spki());
  EXPECT_EQ(trusted->credential.kid, "lock");
  EXPECT_EQ(trusted->credential.suid.value(), 45);
  EXPECT_EQ(trusted->credential.owner, EntityId(lock_ae()));
  EXPECT_LE(*trusted->credential.end, lock().own->chain.front().not_after());
  const auto cse =
      trusting().find(mn_cse(), Use::esdata_signature, listed(tls::test::mn_cse_identity()), "mn", now());
  EXPECT_TRUE(cse) << cse.error().detail;
  EXPECT_TRUE(
      trusting().find(in_cse(), Use::esdata_signature, listed(tls::test::in_cse_identity()), "in", now()));
}

TEST(PeerCertificates, NothingIsBelievedForWhereItStood) {
  cover({"8.5.2.2.4.2-01", "8.5.2.2.4.2-02", "8.5.2.3.2.2-01", "8.5.2.3.2.2-02"});
  // In the e2eSecInfo of one end-point stands, well certified, the certificate of another.
  const auto info = read_sec_info(
      to_json(E2eSecInfo{.features = {Suid::from(45).value()}, .certificates = listed(lock()), .shared = {}}),
      now());
  ASSERT_TRUE(info);
  const auto wrong = trusting().find(mn_cse(), Use::esdata_signature, info->certificates, "k", now());
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::not_found);
  EXPECT_THAT(wrong.error().detail, HasSubstr("certificate of another"));
  EXPECT_TRUE(trusting().find(lock_ae(), Use::esdata_signature, info->certificates, "k", now()));
  EXPECT_FALSE(trusting().find(lock_ae(), Use::esdata_signature, {}, "k", now()));
}

TEST(PeerCertificates, OnlyConfiguredAnchorsVouch) {
  EXPECT_FALSE(
      trusting().find(mn_cse(), Use::esdata_signature, listed(tls::test::stranger_identity()), "k", now()));
  EXPECT_FALSE(directory({.trust = nullptr, .home = home()})
                   .find(lock_ae(), Use::esdata_signature, listed(lock()), "k", now()));
  EXPECT_FALSE(trusting().find(lock_ae(), Use::esdata_signature, listed(lock()), "k",
                               now() + std::chrono::days(20'000)));
}

TEST(PeerCertificates, AKeyForSignaturesDoesNotEncrypt) {
  cover({"8.5.2.2.4.1-01", "8.5.2.3.2.1-06"});
  const auto refused = trusting().find(lock_ae(), Use::esdata_encryption, listed(lock()), "k", now());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("key for verifying signatures"));
  const auto both =
      TestPki::instance().with_extensions(kUri + "keyUsage=critical,digitalSignature,keyAgreement\n");
  const auto trusted = trusting().find(lock_ae(), Use::esdata_encryption, listed(both), "k", now());
  ASSERT_TRUE(trusted) << trusted.error().detail;
  EXPECT_EQ(trusted->credential.suid.value(), 44);
  // What it is trusted for is what a target and a source take it for.
  EXPECT_TRUE(EsDataSource::make(
      {.security_class = EsDataClass::encryption_only,
       .recipients = {{trusted->credential, jose::EncryptionKey(trusted->key, jose::KeyAlg::ecdh_es_a128kw,
                                                                jose::Enc::a128gcm)}}}));
}

TEST(PeerCertificates, TheFirstThatFitsIsTaken) {
  auto list = listed(tls::test::stranger_identity());
  list.push_back(Bytes{1, 2, 3});
  for (auto& der : listed(lock())) list.push_back(std::move(der));
  EXPECT_TRUE(trusting().find(lock_ae(), Use::esdata_signature, list, "k", now()));
}

TEST(PeerCertificates, ARawKeyIsWhatTheConfigurationSays) {
  cover({"8.5.2.2.4.1-02", "8.5.2.3.2.1-02"});
  const auto pair = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  const std::vector<Bytes> list{pair.public_key().spki()};
  const auto known = directory(
      {.trust = nullptr, .home = home(), .raw_keys = {{lock_ae(), Use::esdata_encryption, list.front()}}});
  const auto trusted = known.find(lock_ae(), Use::esdata_encryption, list, "k", now());
  ASSERT_TRUE(trusted) << trusted.error().detail;
  EXPECT_EQ(trusted->key.spki(), list.front());
  EXPECT_EQ(trusted->credential.suid.value(), 44);
  EXPECT_FALSE(known.find(lock_ae(), Use::esdata_signature, list, "k", now())) << "for encryption only";
  EXPECT_FALSE(known.find(mn_cse(), Use::esdata_encryption, list, "k", now())) << "of another";
  const std::vector<Bytes> other{crypto::PrivateKey::generate(crypto::KeyKind::p256).public_key().spki()};
  EXPECT_FALSE(known.find(lock_ae(), Use::esdata_encryption, other, "k", now()));
}

TEST(PeerCertificates, ADeviceCertificateIsOfWhomTheConfigurationSays) {
  cover({"8.5.2.2.4.1-03", "8.5.2.2.4.1-04", "8.5.2.3.2.1-03", "8.5.2.3.2.1-04"});
  const auto device = M2mDeviceId::parse("0.2.481.1.100.3030.10011").value();
  const auto identity = TestPki::instance().device(device);
  const auto configured =
      directory({.trust = TestPki::instance().trust(), .home = home(), .devices = {{device, lock_ae()}}});
  const auto trusted = configured.find(lock_ae(), Use::esdata_signature, listed(identity), "k", now());
  ASSERT_TRUE(trusted) << trusted.error().detail;
  EXPECT_FALSE(configured.find(mn_cse(), Use::esdata_signature, listed(identity), "k", now()));
  EXPECT_FALSE(trusting().find(lock_ae(), Use::esdata_signature, listed(identity), "k", now()))
      << "not configured";
  const auto other =
      directory({.trust = TestPki::instance().trust(),
                 .home = home(),
                 .devices = {{M2mDeviceId::parse("0.2.481.1.100.3030.10012").value(), lock_ae()}}});
  EXPECT_FALSE(other.find(lock_ae(), Use::esdata_signature, listed(identity), "k", now()));
}

TEST(PeerCertificates, BadArguments) {
  EXPECT_EQ(trusting().find(lock_ae(), Use::esprim, {}, "k", now()).error().code,
            ErrorCode::invalid_argument);
  const std::vector<Bytes> many(17, Bytes{1});
  EXPECT_EQ(trusting().find(lock_ae(), Use::esdata_signature, many, "k", now()).error().code,
            ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace latchkey::e2e
