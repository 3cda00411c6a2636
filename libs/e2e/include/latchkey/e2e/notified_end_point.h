#pragma once
/// An end-point that is notified of security information (TS-0003 8.4, 8.7; TS-0004 7.5.1.2.12, 7.5.1.2.13):
/// a CSE, or an AE behind its registrar.
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "latchkey/e2e/endpoint.h"
#include "latchkey/e2e/escertke.h"
#include "latchkey/e2e/security_info.h"

namespace latchkey::e2e {

class RateLimit;

/// `burst` at once, and then so many a second.
struct Rate {
  double per_second = 0;
  double burst = 0;
};

struct NotifiedEndPointConfig {
  EsPrimReceiverConfig esprim;
  std::vector<PairwiseEsPrimKey::Shared> keys = {};  ///< provisioned
  /// As Terminating End-Point of ESCertKE; nullopt: no keys are established.
  std::optional<EsCertKeCredentials> certificates = {};
  std::vector<EsCertKePeer> initiators = {};  ///< who may establish a key with this end-point
  EsCertKeOptions escertke = {};
  /// Certificates (DER, with those of their issuers) that e2eSecInfo shows to whoever may retrieve it
  /// (8.5.2.2.4.2, 8.5.2.3.2.2).
  std::vector<Bytes> published = {};
  std::size_t keys_of_one = 4;  ///< of those that one end-point brings by a MAF or by ESCertKE: the newest
  Rate objects_of_hop{2'000, 4'000};      ///< ESPrim Objects and requests for rand objects, for each hop
  Rate handshakes_of_initiator{0.2, 10};  ///< ESCertKE Messages 1
};

/// The Receiver of ESPrim and the Terminating End-Point of ESCertKE, with the keys of both. No I/O; one
/// thread.
class NotifiedEndPoint {
 public:
  /// invalid_argument: keys, certificates or lifetimes that cannot be. `audit` and `clock` outlive it.
  [[nodiscard]] static Result<std::unique_ptr<NotifiedEndPoint>> make(NotifiedEndPointConfig config,
                                                                      AuditSink& audit, const Clock& clock);
  ~NotifiedEndPoint();
  NotifiedEndPoint(const NotifiedEndPoint&) = delete;
  NotifiedEndPoint& operator=(const NotifiedEndPoint&) = delete;

  /// Replaces the provisioned keys; those that were obtained stay. limit: what came before it counts.
  [[nodiscard]] Status provision(std::vector<PairwiseEsPrimKey::Shared> keys);
  /// A key that a MAF or ESCertKE gave. The ids of the older ones of the same end-point that made way for it.
  /// limit.
  [[nodiscard]] Result<std::vector<std::string>> obtain(PairwiseEsPrimKey::Shared key);
  /// SIGHUP: keys are established with these from now on, and shown if certificates were shown before.
  /// invalid_argument as EsCertKeTerminator::replace.
  [[nodiscard]] Status replace(std::shared_ptr<const tls::OwnCertificate> own,
                               std::shared_ptr<const pki::TrustStore> trust);
  /// Whether the configuration lets this end-point establish keys.
  [[nodiscard]] bool authorizes(const EntityId& initiator) const;

  /// What stands in `esi` (8.4.2 A, B.1b): ask again each minute, and publish what has changed.
  [[nodiscard]] E2eSecInfo sec_info();

  /// NOTIFY of m2m:seci.
  [[nodiscard]] static bool takes(const codec::RequestPrimitive& request);

  struct Notified {
    const codec::RequestPrimitive& outer;
    const std::optional<EntityId>& originator;  ///< From, as far as the hop that brought it vouches for it
    std::string_view hop;                       ///< whose association brought it
  };
  /// The outer response is ready.
  struct Answer {
    codec::ResponsePrimitive outer;
    std::optional<std::string> refusal = {};  ///< for the log alone
    /// A key was established: obtain() it before the answer is given.
    std::optional<PairwiseE2EKey> established = {};
  };
  /// Inner: as of EsPrimEndpoint. FetchKey: ask the MAF, then obtain() the key and call opened(), or
  /// unknown_key().
  using Handled = std::variant<EsPrimEndpoint::Inner, EsPrimReceiver::FetchKey, Answer>;
  [[nodiscard]] Handled handle(const Notified& notified);
  /// Once more, with the key that was fetched: never FetchKey.
  [[nodiscard]] Handled opened(const codec::RequestPrimitive& outer);
  [[nodiscard]] Answer unknown_key(const codec::RequestPrimitive& outer) const;
  [[nodiscard]] Answer answer(const codec::RequestPrimitive& outer, const EsPrimContext& context,
                              const codec::ResponsePrimitive& inner);

 private:
  NotifiedEndPoint(NotifiedEndPointConfig config, const Clock& clock);
  [[nodiscard]] Status prepare(AuditSink& audit);
  [[nodiscard]] Handled esprim(const codec::RequestPrimitive& outer);
  [[nodiscard]] Answer escertke(const Notified& notified);

  NotifiedEndPointConfig config_;
  const Clock& clock_;
  std::unique_ptr<EsPrimReceiver> receiver_;
  std::optional<EsPrimEndpoint> esprim_;
  std::optional<EsCertKeTerminator> escertke_;
  std::unique_ptr<RateLimit> objects_, handshakes_;
  std::vector<std::string> provisioned_;  ///< ids of keys
  /// Ids of the keys that were obtained, oldest first, by the other end-point.
  std::unordered_map<std::string, std::deque<std::string>> obtained_;
};

}  // namespace latchkey::e2e
