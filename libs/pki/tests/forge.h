#pragma once
/// Makes certificates with any defect, by libcrypto directly: what Authority refuses to make.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cover.h"
#include "latchkey/pki/certificate.h"
#include "ossl.h"

namespace latchkey::pki::test {

using latchkey::test::cover;

/// 2026-01-01T00:00:00Z: the `now` of every path here.
inline constexpr TimePoint kNow{std::chrono::seconds{1'767'225'600}};

enum class KeyKind { p256, p256_compressed, p256_explicit, p384, rsa };

struct Spec {
  std::string cn = "leaf";
  /// Extension name and value in OpenSSL's configuration language; several of one name are possible.
  std::vector<std::pair<std::string, std::string>> extensions;
  KeyKind key = KeyKind::p256;
  const EVP_MD* digest = EVP_sha256();
  long version = X509_VERSION_3;
  std::string serial = "1f";  ///< hex, may be negative
  std::chrono::seconds from = -std::chrono::hours(1);
  std::chrono::seconds until = std::chrono::hours(24);

  /// Replaces every extension of this name; an empty value takes it away.
  Spec with(const std::string& name, const std::string& value) const;
  Spec also(const std::string& name, const std::string& value) const;
};

/// A certificate and its key.
struct Entity {
  std::shared_ptr<X509> x509;
  std::shared_ptr<EVP_PKEY> key;
  [[nodiscard]] Bytes der() const;
  [[nodiscard]] Certificate certificate() const;
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] std::string key_pem() const;
};

/// Without issuer: self-signed.
Entity forge(const Spec& spec, const Entity* issuer = nullptr);
/// A CRL of `issuer`: serial numbers in hex, times from kNow.
struct CrlSpec {
  std::vector<std::string> revoked = {};
  std::chrono::seconds from = -std::chrono::hours(1);
  std::chrono::seconds until = std::chrono::hours(24);
  const EVP_MD* digest = EVP_sha256();
  bool partial = false;  ///< with a critical issuing distribution point
  bool next_update = true;
};
Bytes forge_crl(const CrlSpec& spec, const Entity& issuer);

inline constexpr const char* kConstraints =
    "critical,permitted;DNS:my.m2mprovider.org,permitted;URI:my.m2mprovider.org,permitted;otherName:0.2.481."
    "1;UTF8:100";

Spec root_spec();
Spec ca_spec();
Spec cse_spec();     ///< in-cse.my.m2mprovider.org
Spec ae_spec();      ///< m2m://my.m2mprovider.org/in-cse/CAE1
Spec device_spec();  ///< 0.2.481.1.100.3030.10011
Spec node_spec();    ///< m2mnode://my.m2mprovider.org/node7
Spec fqdn_spec();    ///< maf.my.m2mprovider.org
Spec leaf_spec(Flavour flavour);

/// Root, intermediate, and who verifies.
struct Pki {
  explicit Pki(const Spec& root_of = root_spec(), const Spec& ca_of = ca_spec());
  [[nodiscard]] Result<TrustStore::Verified> verify(const Spec& leaf) const {
    return verify(forge(leaf, &ca));
  }
  [[nodiscard]] Result<TrustStore::Verified> verify(const Entity& leaf) const;
  [[nodiscard]] Result<TrustStore::Verified> verify(const std::vector<Certificate>& chain) const;

  Entity root, ca;
  TrustOptions options;
  std::vector<Bytes> crls;
  TimePoint now = kNow;
  SpId home;
};

inline SpId home_sp() { return SpId::parse("//my.m2mprovider.org").value(); }
inline CseId cse_id(std::string_view text) { return CseId::parse(text, home_sp()).value(); }
inline AeId ae_id(std::string_view text) { return AeId::parse(text, home_sp()).value(); }
inline M2mDeviceId device_id(std::string_view text) { return M2mDeviceId::parse(text).value(); }
inline Fqdn fqdn(std::string_view text) { return Fqdn::parse(text).value(); }

/// Names a case of a parameterized test by its `name`.
struct CaseName {
  template <class T>
  std::string operator()(const ::testing::TestParamInfo<T>& info) const {
    return info.param.name;
  }
};

template <class T>
void expect_ok(const Result<T>& result) {
  EXPECT_TRUE(result.has_value()) << result.error().detail;
}
template <class T>
void expect_refused(const Result<T>& result, ErrorCode code, const std::string& part) {
  ASSERT_FALSE(result.has_value()) << "accepted, but should be refused for: " << part;
  EXPECT_EQ(result.error().code, code) << result.error().detail;
  EXPECT_THAT(result.error().detail, ::testing::HasSubstr(part));
}

}  // namespace latchkey::pki::test
