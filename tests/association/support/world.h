#pragma once
/// Entities A and B and a MAF in one process, as apps/ wires them: real TLS over loopback at ephemeral ports,
/// real stores, real Secure Environments. Only the clock is ours.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "cover.h"
#include "latchkey/bind/http_client.h"
#include "latchkey/bind/http_server.h"
#include "latchkey/client/ae.h"
#include "latchkey/codec/resource_types.h"
#include "latchkey/cse/association.h"
#include "latchkey/cse/cse.h"
#include "latchkey/maf/association.h"
#include "latchkey/maf/maf.h"
#include "latchkey/secure_env/software.h"
#include "support/hierarchy.h"

namespace latchkey::association {

using codec::Rsc;
using codec::Ty;
using latchkey::test::cover;
using Response = codec::ResponsePrimitive;

/// The audit events of all nodes in the order in which they happened.
class Tape {
 public:
  struct Entry {
    std::string node;
    AuditEvent event;
  };
  class Sink final : public AuditSink {
   public:
    Sink(Tape& tape, std::string node) : tape_(tape), node_(std::move(node)) {}
    void record(AuditEvent event) override;

   private:
    Tape& tape_;
    std::string node_;
  };
  [[nodiscard]] std::vector<Entry> entries() const;
  /// Of one node and one kind.
  [[nodiscard]] std::vector<AuditEvent> events(std::string_view node, AuditEventId id) const;
  /// "node: event" for each event of the given kinds, in order.
  [[nodiscard]] std::vector<std::string> order(std::initializer_list<AuditEventId> kinds) const;

 private:
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

/// What every node shares.
struct Ground {
  bind::Reactor reactor;
  ManualClock clock{system_clock().now() + std::chrono::seconds(5)};
  Tape tape;
};

/// State folder, Secure Environment, psk-lookup-table and store of one daemon.
class Station {
 public:
  explicit Station(const std::string& application);
  /// What `latchkey psk add` does.
  [[nodiscard]] Status add_key(const std::string& identity, std::optional<EntityId> entity, int suid,
                               const std::string& hex, std::optional<TimePoint> expires = {});
  [[nodiscard]] std::string table_file() const { return folder_.path("state/psk.tsv"); }
  [[nodiscard]] std::shared_ptr<const secure_env::PskTable> table() const;

 private:
  Folder folder_;

 public:
  std::unique_ptr<secure_env::SecureEnvironment> environment;
  std::unique_ptr<store::Store> store;
};

/// Keeps what each request came under, then hands it on.
class Gate final : public bind::RequestHandler {
 public:
  explicit Gate(bind::RequestHandler& next) : next_(next) {}
  void handle(bind::IncomingRequest request, bind::Respond respond) override;
  std::vector<tls::SecurityContextPtr> seen;

 private:
  bind::RequestHandler& next_;
};

class EntityA;

/// A CSE: always the server of the association (8.2.1), but for those that connect() makes.
class EntityB {
 public:
  struct Options {
    std::string name = "B";  ///< on the tape
    CseId id = in_cse();
    OwnPtr own{};
    TrustPtr trust{};
    bool accept_suid_11_as_32 = false;
    tls::SuitePolicy suites{};
    std::function<void(cse::CseOptions&)> configure{};  ///< what differs from the usual CSE
  };
  EntityB(Ground& ground, Options options);
  ~EntityB();

  /// From now on requests to `other` go over an association by our certificate, where `other` has us, and we
  /// have it, as a <remoteCSE>.
  void connect(EntityB& other);

  [[nodiscard]] Status add_key(const std::string& identity, std::optional<EntityId> entity,
                               const std::string& hex, std::optional<TimePoint> expires = {});
  /// A serviceSubscribedAppRule, linked by our serviceSubscribedNode: the administrator's work.
  void add_rule(const std::string& credentials, const std::vector<std::string>& ae_stems);
  void trust_maf(const Fqdn& fqdn, std::shared_ptr<client::MafClient> maf) {
    keys.add_maf(fqdn, std::move(maf));
  }

  /// The administrator, over a key of its own.
  [[nodiscard]] std::unique_ptr<EntityA> administrator();

  /// The context that B associated with the session of the latest request; null before the first.
  [[nodiscard]] tls::SecurityContextPtr latest() const;
  [[nodiscard]] std::size_t requests() const { return gate_->seen.size(); }
  /// Reasons of the handshakes that B refused.
  [[nodiscard]] std::vector<std::string> refusals() const;

  Ground& ground;
  Options options;
  Tape::Sink audit;
  Station station;
  cse::KeySource keys;
  std::uint16_t port = 0;

 private:
  class OtherCses;
  std::unique_ptr<OtherCses> peers_;
  cse::ClientCertificates certificates_;
  std::unique_ptr<cse::Cse> cse_;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<tls::ServerEndpoint> endpoint_;
  std::unique_ptr<bind::HttpServer> server_;
};

class MafNode {
 public:
  MafNode(Ground& ground, std::vector<maf::MafClientPolicy> clients,
          OwnPtr own = Hierarchy::instance().fqdn(maf_fqdn()), bool accept_suid_11_as_32 = false);
  /// Km and KmID of a client.
  [[nodiscard]] Status add_km(const std::string& identity, std::optional<EntityId> client,
                              const std::string& hex);

  Ground& ground;
  Tape::Sink audit;
  Station station;
  std::uint16_t port = 0;

  [[nodiscard]] std::vector<std::string> refusals() const;

 private:
  std::unique_ptr<maf::Maf> maf_;
  maf::MasterCredentials keys_;
  maf::ClientCertificates certificates_;
  std::unique_ptr<tls::ServerEndpoint> endpoint_;
  std::unique_ptr<bind::HttpServer> server_;
};

/// The credential of a MAF client: a certificate, or Km.
using MafCredential = std::function<Result<tls::ClientOptions>()>;
[[nodiscard]] MafCredential by_certificate(OwnPtr own, TrustPtr trust = Hierarchy::instance().trust(),
                                           Fqdn maf = maf_fqdn());
[[nodiscard]] MafCredential by_km(const std::string& identity, const std::string& hex);
[[nodiscard]] std::shared_ptr<client::MafClient> maf_client(Ground& ground, const MafNode& maf, EntityId self,
                                                            MafCredential credential, AuditSink& audit);

/// Credentials of Entity A towards B.
[[nodiscard]] std::shared_ptr<client::SaeCredential> kpsa(const std::string& identity, const std::string& hex,
                                                          const CseId& server = in_cse());
[[nodiscard]] std::shared_ptr<client::SaeCredential> certificate(
    OwnPtr own, const CseId& server = in_cse(), TrustPtr trust = Hierarchy::instance().trust());

/// Entity A: an AE with the client library, or a CSE by the same way.
class EntityA {
 public:
  EntityA(EntityB& b, std::shared_ptr<client::SaeCredential> credential, const std::string& stem = {});
  /// Registers; the outcome in words: "registered as <stem>", or the error.
  std::string register_ae();
  /// Status code of a retrieval of the CSEBase, or the error in words.
  std::string retrieve(const std::string& from = {});
  /// A CSE registers: creates its <remoteCSE>.
  std::string register_cse(const CseId& self);

  Tape::Sink audit;
  client::Ae ae;
};

/// A world with names for what most tests need.
class Association : public testing::Test {
 protected:
  static EntityB::Options with_certificates(const CseId& id = in_cse()) {
    return {.id = id, .own = Hierarchy::instance().cse(id), .trust = Hierarchy::instance().trust()};
  }
  Ground ground;
};

}  // namespace latchkey::association
