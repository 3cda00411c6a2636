#pragma once
/// A real MAF behind a real TLS endpoint and HTTP server on loopback, and MAF clients that speak to it.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "latchkey/bind/http_server.h"
#include "latchkey/client/blocking.h"
#include "latchkey/client/credential.h"
#include "latchkey/maf/association.h"
#include "latchkey/maf/maf.h"
#include "latchkey/pki/authority.h"
#include "state_folder.h"

namespace latchkey::client::test {

inline constexpr const char* kMafName = "myMAF.provider.org";
inline constexpr const char* kAdmin = "mytrustenabler.org";
inline constexpr const char* kPhone = "0.2.481.1.100.3030.10011";
inline constexpr const char* kLock = "//my.m2mprovider.org/mn-cse-123456/Clock-AE1";
inline constexpr const char* kInCse = "//my.m2mprovider.org/in-cse";
inline constexpr const char* kMnCse = "//my.m2mprovider.org/mn-cse-123456";
inline constexpr const char* kLockKmId = "lock-1@myMAF.provider.org";
inline constexpr const char* kLockKm = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// What a loaded machine may take for one step.
inline constexpr std::chrono::milliseconds kPatience{60'000};

inline const SpId& home() {
  static const SpId sp = *SpId::parse("//my.m2mprovider.org");
  return sp;
}
inline EntityId id(const char* text) { return *parse_entity_id(text, home()); }
inline CseId in_cse() { return *CseId::parse("/in-cse", home()); }
inline Fqdn maf_fqdn() { return *Fqdn::parse(kMafName); }

/// The hierarchy of a service provider, and another root that nobody trusts. Made once a process.
class TestPki {
 public:
  static TestPki& instance();
  /// CSE-ID, AE-ID, device or FQDN certificate, as `id` is one.
  std::shared_ptr<const tls::OwnCertificate> issue(const EntityId& id, bool stranger = false);
  std::shared_ptr<const pki::TrustStore> trust() const { return trust_; }
  std::shared_ptr<const pki::TrustStore> stranger_trust() const { return stranger_trust_; }

 private:
  TestPki();
  latchkey::test::TemporaryFolder folder_;
  pki::Authority root_, stranger_;
  std::shared_ptr<const pki::TrustStore> trust_, stranger_trust_;
};

/// Notes what came, and may answer itself or change an answer on its way.
class Observer final : public bind::RequestHandler {
 public:
  void handle(bind::IncomingRequest request, bind::Respond respond) override;
  [[nodiscard]] const bind::IncomingRequest& last() const { return requests.back(); }

  bind::RequestHandler* inner = nullptr;
  std::vector<bind::IncomingRequest> requests;
  std::vector<codec::ResponsePrimitive> answers;
  std::function<std::optional<codec::ResponsePrimitive>(const bind::IncomingRequest&)> instead;
  std::function<void(codec::ResponsePrimitive&)> change;
  bool silent = false;                 ///< never answers
  std::vector<bind::Respond> unheard;  ///< of those
};

/// Notes which psk_identity was presented.
class PskObserver final : public tls::PskSource {
 public:
  explicit PskObserver(tls::PskSource& inner) : inner_(inner) {}
  void find(std::string_view identity, std::string_view source, Answer answer) override {
    presented.emplace_back(identity);
    inner_.find(identity, source, std::move(answer));
  }
  std::vector<std::string> presented;

 private:
  tls::PskSource& inner_;
};

class MafWorld {
 public:
  explicit MafWorld(std::shared_ptr<const tls::OwnCertificate> server_certificate = nullptr);
  ~MafWorld();
  MafWorld(const MafWorld&) = delete;
  MafWorld& operator=(const MafWorld&) = delete;

  /// Clients with policies: phone, lock, in-cse, mn-cse; the phone's has a client configuration.
  static maf::MafOptions maf_options();
  /// Another Km for `entity`.
  void add_km(const char* entity, const char* km_id, const char* km, int suid = 11);

  [[nodiscard]] MafClientOptions client_options(const EntityId& client) const;
  [[nodiscard]] std::shared_ptr<MafClient> by_km(const char* client = kLock, const char* km_id = kLockKmId,
                                                 const char* km = kLockKm);
  struct CertificateChoice {
    std::shared_ptr<const tls::OwnCertificate> own = nullptr;  ///< nullptr: one of `client`
    std::shared_ptr<const pki::TrustStore> trust = TestPki::instance().trust();
    Fqdn maf = maf_fqdn();  ///< that the server must be
  };
  [[nodiscard]] std::shared_ptr<MafClient> by_certificate(const char* client, CertificateChoice choice);
  [[nodiscard]] std::shared_ptr<MafClient> by_certificate(const char* client) {
    return by_certificate(client, CertificateChoice());
  }

  [[nodiscard]] TimePoint in(std::chrono::seconds time) const {
    return std::chrono::floor<std::chrono::seconds>(clock.now()) + time;
  }
  template <class T, class Start>
  Result<T> ask(Start start) {
    return blocking<T>(reactor, kPatience, std::move(start));
  }
  // The procedures, one after the other; an error is a value.
  Result<void> handshake(MafClient& client);
  Result<MafRegistration> register_client(MafClient& client, const std::string& admin = kAdmin,
                                          std::chrono::seconds life = std::chrono::hours(24),
                                          std::vector<std::string> labels = {});
  Result<RegisteredKey> register_key(MafClient& client, KeyRegistrationRequest request);
  Result<RetrievedKey> retrieve_key(MafClient& client, const std::string& relative);
  [[nodiscard]] KeyRegistrationRequest key_request(const std::string& registration, int suid = 32,
                                                   std::vector<const char*> targets = {kInCse}) const;

  bind::Reactor reactor;
  AuditRecorder audit, client_audit;
  ManualClock clock{system_clock().now() + std::chrono::seconds(5)};
  latchkey::test::StateFolder folder;
  std::unique_ptr<secure_env::SecureEnvironment> environment = folder.open_environment();
  std::unique_ptr<store::Store> store;
  std::unique_ptr<maf::Maf> maf;
  std::shared_ptr<const secure_env::PskTable> table;
  std::unique_ptr<tls::TableKeys> keys;
  std::unique_ptr<PskObserver> psk;
  tls::EntityCertificates mapper{maf::kAdmission, home(), in_cse()};
  Observer observer;
  std::unique_ptr<tls::ServerEndpoint> endpoint;
  std::unique_ptr<bind::HttpServer> server;
  std::uint16_t port = 0;
};

/// True if it fails with this code and reason; tells what came otherwise.
template <class T>
testing::AssertionResult fails_with(const Result<T>& result, ErrorCode code, const std::string& reason) {
  if (result) return testing::AssertionFailure() << "it succeeded";
  if (result.error().code == code && result.error().detail.find(reason) != std::string::npos)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << to_string(result.error().code) << ": " << result.error().detail;
}

}  // namespace latchkey::client::test
