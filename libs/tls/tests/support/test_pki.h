#pragma once
/// Authorities and certificates for the tests, made once per process in a temporary folder: a root and an
/// issuing CA of the service provider, and another root that nobody trusts.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include "latchkey/pki/authority.h"
#include "latchkey/tls/endpoint.h"

namespace latchkey::tls::test {

inline constexpr const char* kSp = "//my.m2mprovider.org";
inline const SpId& home() {
  static const SpId sp = *SpId::parse(kSp);
  return sp;
}
inline CseId in_cse() { return *CseId::parse("/in-cse", home()); }
inline CseId mn_cse() { return *CseId::parse("/mn-cse-123456", home()); }
inline AeId lock_ae() { return *AeId::parse("/mn-cse-123456/Clock-AE1", home()); }

/// A certificate with its key, and both as files for other programs.
struct Identity {
  std::shared_ptr<const OwnCertificate> own;
  std::string chain_file;  ///< leaf and intermediates
  std::string key_file;
};

class TestPki {
 public:
  static TestPki& instance() {
    static TestPki pki;
    return pki;
  }
  ~TestPki() { std::filesystem::remove_all(folder_); }
  TestPki(const TestPki&) = delete;
  TestPki& operator=(const TestPki&) = delete;

  /// CSE-ID certificate of the issuing CA, or of the untrusted root.
  Identity cse(const CseId& id, std::chrono::days lifetime = std::chrono::days(100), bool untrusted = false) {
    pki::SubjectRequest subject;
    subject.flavour = pki::Flavour::cse_id;
    subject.common_name = id.stem();
    subject.domain_name = *id.public_domain_name(id == in_cse() ? std::nullopt : std::optional(in_cse()));
    return issue(untrusted ? stranger_ : issuing_, subject, lifetime);
  }
  Identity ae(const AeId& id) {
    pki::SubjectRequest subject;
    subject.flavour = pki::Flavour::ae_id;
    subject.common_name = id.stem();
    subject.ae_id = id;
    return issue(issuing_, subject, std::chrono::days(100));
  }
  /// A device certificate of a CA for the arcs 0.2.481.1.100.
  Identity device(const M2mDeviceId& id) {
    static pki::Authority devices = *pki::Authority::create_intermediate(
        folder_ + "/devices", root_, "Devices", {{}, {}, {"0.2.481.1.100"}}, std::chrono::days(1000));
    pki::SubjectRequest subject;
    subject.flavour = pki::Flavour::device;
    subject.device_id = id;
    return issue(devices, subject, std::chrono::days(100));
  }

  /// A certificate of the issuing CA with just these extensions, in OpenSSL's configuration language, by the
  /// openssl command: also what Authority does not make.
  Identity with_extensions(const std::string& extensions) {
    return sign_by_command(folder_ + "/issuing/ca.pem", folder_ + "/issuing/ca.key", extensions);
  }
  /// As TR-0038 Annex B makes them: a root without constraints, a leaf with nothing but a subjectAltName.
  Identity annex_b(const std::string& dns_name) {
    if (!std::filesystem::exists(annex_b_root())) {
      command("openssl ecparam -name prime256v1 -genkey -noout -out '" + folder_ + "/annex-b.key'");
      command("openssl req -new -x509 -key '" + folder_ +
              "/annex-b.key' -subj /CN=mtrusted_ca.com -days 3650 -out '" + annex_b_root() + "'");
    }
    return sign_by_command(annex_b_root(), folder_ + "/annex-b.key", "subjectAltName=DNS:" + dns_name + "\n");
  }
  /// Trusts the root of annex_b(), with or without the switch.
  std::shared_ptr<const pki::TrustStore> annex_b_trust(bool admitted) {
    pki::TrustOptions options;
    options.annex_b_certificates = admitted;
    return *pki::TrustStore::make(
        {{pki::Certificate::chain_from_pem(text_of(annex_b_root()))->front(), options}}, {});
  }

  std::shared_ptr<const pki::TrustStore> trust() { return trust_; }
  std::shared_ptr<const pki::TrustStore> trust_with(std::vector<Bytes> crls) {
    return *pki::TrustStore::make({{root_.certificate(), {}}}, std::move(crls));
  }
  /// Trusts only the other root.
  std::shared_ptr<const pki::TrustStore> stranger_trust() {
    return *pki::TrustStore::make({{stranger_.certificate(), {}}}, {});
  }
  /// A CRL of the issuing CA that lists `revoked`.
  Bytes crl(const pki::Certificate& revoked) {
    EXPECT_TRUE(issuing_.revoke(revoked.serial_hex(), "keyCompromise"));
    const auto pem = issuing_.write_crl(std::chrono::days(30));
    EXPECT_TRUE(pem);
    const ByteView octets = as_bytes(*pem);
    return {octets.begin(), octets.end()};
  }
  std::string ca_file() const { return folder_ + "/root/ca.pem"; }
  const std::string& folder() const { return folder_; }

 private:
  static std::string make_folder() {
    std::string name = ::testing::TempDir() + "latchkey-tls-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    return name;
  }
  static pki::NameConstraints constraints() { return {{"my.m2mprovider.org"}, {"my.m2mprovider.org"}, {}}; }
  TestPki()
      : folder_(make_folder()),
        root_(
            *pki::Authority::create_root(folder_ + "/root", "Root", constraints(), std::chrono::days(3650))),
        issuing_(*pki::Authority::create_intermediate(folder_ + "/issuing", root_, "Issuing", constraints(),
                                                      std::chrono::days(1000))),
        stranger_(*pki::Authority::create_root(folder_ + "/stranger", "Stranger", constraints(),
                                               std::chrono::days(3650))) {}

  static void command(const std::string& line) {
    if (std::system((line + " 2>/dev/null").c_str()) != 0) ADD_FAILURE() << line;
  }
  static std::string text_of(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string annex_b_root() const { return folder_ + "/annex-b.pem"; }
  Identity sign_by_command(const std::string& ca, const std::string& ca_key, const std::string& extensions) {
    auto key = *pki::PrivateKey::generate();
    Identity identity;
    const std::string name = folder_ + "/" + std::to_string(++issued_);
    identity.chain_file = name + ".pem";
    identity.key_file = name + ".key";
    std::ofstream(identity.key_file) << as_text(key.to_pem().reveal());
    std::ofstream(name + ".ext") << extensions;
    command("openssl req -new -subj /CN=forged -key '" + identity.key_file + "' -out '" + name + ".csr'");
    command("openssl x509 -req -sha256 -days 100 -set_serial " + std::to_string(1000 + issued_) + " -in '" +
            name + ".csr' -CA '" + ca + "' -CAkey '" + ca_key + "' -extfile '" + name + ".ext' -out '" +
            identity.chain_file + "'");
    std::ofstream(identity.chain_file, std::ios::app) << text_of(ca);
    auto chain = pki::Certificate::chain_from_pem(text_of(identity.chain_file));
    if (!chain) {
      ADD_FAILURE() << chain.error().detail;
      std::abort();
    }
    identity.own = std::make_shared<OwnCertificate>(OwnCertificate{*std::move(chain), std::move(key)});
    return identity;
  }

  Identity issue(pki::Authority& authority, const pki::SubjectRequest& subject, std::chrono::days lifetime) {
    auto key = *pki::PrivateKey::generate();
    const auto issued = authority.issue(subject, key.public_spki(), lifetime);
    if (!issued) {
      ADD_FAILURE() << issued.error().detail;
      std::abort();
    }
    Identity identity;
    const std::string name = folder_ + "/" + std::to_string(++issued_);
    identity.chain_file = name + ".pem";
    identity.key_file = name + ".key";
    std::ofstream(identity.chain_file) << issued->chain_pem;
    std::ofstream(identity.key_file) << as_text(key.to_pem().reveal());
    identity.own = std::make_shared<OwnCertificate>(
        OwnCertificate{*pki::Certificate::chain_from_pem(issued->chain_pem), std::move(key)});
    return identity;
  }

  std::string folder_;
  pki::Authority root_;
  pki::Authority issuing_;
  pki::Authority stranger_;
  std::shared_ptr<const pki::TrustStore> trust_ = trust_with({});
  int issued_ = 0;
};

/// Shared identities: issuing is the slow part of a test.
inline const Identity& in_cse_identity() {
  static const Identity identity = TestPki::instance().cse(in_cse());
  return identity;
}
inline const Identity& mn_cse_identity() {
  static const Identity identity = TestPki::instance().cse(mn_cse());
  return identity;
}
inline const Identity& stranger_identity() {
  static const Identity identity = TestPki::instance().cse(mn_cse(), std::chrono::days(100), true);
  return identity;
}

}  // namespace latchkey::tls::test
