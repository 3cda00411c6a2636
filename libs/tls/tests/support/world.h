#pragma once
/// A server endpoint, clients and what they share, in memory.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cover.h"
#include "latchkey/tls/endpoint.h"
#include "test_pki.h"

namespace latchkey::tls::test {

using latchkey::test::cover;

inline constexpr const char* kLockId = "AE123456789012-Lock@in.provider.com";  // TR-0038 7.1.2
inline constexpr const char* kLockKeyHex = "1a2b3c4d5e6f7a8b";

inline SecretBytes lock_key() { return *secret_from_hex(kLockKeyHex); }

/// Entity B's table of TR-0038 7.1.2-2. Answers at once.
class FixedKeys final : public PskSource {
 public:
  void add(const std::string& identity, SecretBytes key, SecurityContext context) {
    rows_.insert_or_assign(identity, std::pair(std::move(key), std::move(context)));
  }
  void find(std::string_view identity, std::string_view source, Answer answer) override {
    asked.emplace_back(identity);
    sources.emplace_back(source);
    const auto row = rows_.find(std::string(identity));
    if (row == rows_.end()) return answer(fail(ErrorCode::not_found, "unknown psk_identity"));
    answer(PskCredential{row->second.first.duplicate(), row->second.second});
  }
  std::vector<std::string> asked;
  std::vector<std::string> sources;

 private:
  std::map<std::string, std::pair<SecretBytes, SecurityContext>> rows_;
};

/// A MAF that takes its time: answers when told to.
class LateKeys final : public PskSource {
 public:
  void find(std::string_view identity, std::string_view, Answer answer) override {
    waiting.emplace_back(std::string(identity), std::move(answer));
  }
  void answer_all(const SecretBytes& key) {
    for (auto& [identity, answer] : std::exchange(waiting, {})) {
      SecurityContext context;
      context.framework = Framework::maf;
      answer(PskCredential{key.duplicate(), std::move(context)});
    }
  }
  std::vector<std::pair<std::string, Answer>> waiting;
};

/// 8.2.2.2: the CSE-ID or AE-ID in the certificate.
class NameMapper final : public CertificateMapper {
 public:
  Result<SecurityContext> map(const pki::TrustStore::Verified& peer) override {
    ++mapped;
    if (!refusal.empty()) return fail(ErrorCode::denied, refusal);
    SecurityContext context;
    context.framework = Framework::certificate;
    context.valid_until = valid_until;
    if (peer.identity.ae_id) {
      context.identity = *peer.identity.ae_id;
    } else if (const auto cse = pki::certified_cse_id(peer.identity, home(), in_cse(), annex_b)) {
      context.identity = *cse;
    } else {
      return fail(ErrorCode::denied, "no identity in the certificate");
    }
    return context;
  }
  int mapped = 0;
  bool annex_b = false;  ///< names of TR-0038 Annex B count
  std::string refusal;
  std::optional<TimePoint> valid_until;
};

/// Entity A's check of IdB (8.2.2.2).
inline auto expects_cse(const CseId& expected) {
  return [expected](const pki::TrustStore::Verified& server) -> Result<SecurityContext> {
    if (!pki::names_cse(server.identity, expected,
                        expected == in_cse() ? std::nullopt : std::optional(in_cse()), false)) {
      return fail(ErrorCode::authentication, "certificate does not name " + expected.absolute());
    }
    SecurityContext context;
    context.framework = Framework::certificate;
    context.identity = expected;
    return context;
  };
}

/// Octets of a connection in the order they travelled.
struct Flight {
  bool from_client = false;
  Bytes octets;
};

/// Moves octets both ways until both fall silent. Returns what travelled.
inline std::vector<Flight> pump(Session& client, Session& server) {
  std::vector<Flight> flights;
  for (bool moved = true; moved;) {
    moved = false;
    for (const bool from_client : {true, false}) {
      Bytes octets = (from_client ? client : server).take_output();
      if (octets.empty()) continue;
      (from_client ? server : client).receive(octets);
      flights.push_back({from_client, std::move(octets)});
      moved = true;
    }
  }
  return flights;
}

inline std::string read_all(Session& session) {
  std::string text;
  std::array<std::uint8_t, 4096> buffer{};
  while (const std::size_t size = session.read(buffer)) text += as_text(ByteView(buffer).first(size));
  return text;
}

class World : public ::testing::Test {
 protected:
  World() {
    SecurityContext lock;
    lock.framework = Framework::provisioned_symmetric_key;
    lock.identity = lock_ae();
    lock.credential_id = *CredentialId::make(CredentialType::kpsa_or_kc, kLockId);
    keys.add(kLockId, lock_key(), std::move(lock));
  }

  std::unique_ptr<ServerEndpoint> endpoint(ServerOptions options = {}, PskSource* source = nullptr) {
    auto made =
        ServerEndpoint::make(std::move(options), in_cse_identity().own, TestPki::instance().trust(), home(),
                             &mapper, source == nullptr ? &keys : source, server_audit, clock);
    EXPECT_TRUE(made) << made.error().detail;
    return *std::move(made);
  }
  static ClientOptions psk_options(const std::string& identity = kLockId, SecretBytes key = lock_key()) {
    ClientOptions options{.server_name = "mn-cse-123456.my.m2mprovider.org", .home = home()};
    options.credential = ClientPsk{identity, std::move(key)};
    options.expected = mn_cse();
    return options;
  }
  static ClientOptions certificate_options(const Identity& own = mn_cse_identity()) {
    ClientOptions options{.server_name = "in-cse.my.m2mprovider.org", .home = home()};
    options.credential = own.own;
    options.trust = TestPki::instance().trust();
    options.check_server = expects_cse(in_cse());
    return options;
  }
  std::unique_ptr<Session> client(ClientOptions options) {
    auto made = connect(std::move(options), client_audit, clock);
    EXPECT_TRUE(made) << made.error().detail;
    (*made)->start();
    return *std::move(made);
  }
  /// The only handshake event of `recorder`.
  static AuditEvent only_event(const AuditRecorder& recorder) {
    const auto events = recorder.events();
    EXPECT_EQ(events.size(), 1U);
    return events.empty() ? AuditEvent{} : events.front();
  }
  void expect_refused(const Session& session, const AuditRecorder& recorder, const std::string& reason) {
    EXPECT_EQ(session.state(), Session::State::failed);
    EXPECT_EQ(session.context(), nullptr);
    EXPECT_NE(session.failure().find(reason), std::string::npos) << session.failure();
    const AuditEvent event = only_event(recorder);
    EXPECT_EQ(event.id, AuditEventId::handshake_refused);
    EXPECT_NE(event.reason.find(reason), std::string::npos) << event.reason;
  }

  ManualClock clock{system_clock().now() + std::chrono::seconds(5)};
  AuditRecorder server_audit;
  AuditRecorder client_audit;
  FixedKeys keys;
  NameMapper mapper;
};

}  // namespace latchkey::tls::test
