#pragma once
/// An AE as the end-point that others protect primitives for (TS-0003 8.4, 7.2.2) and establish keys with
/// (8.7), behind the polling channel at its registrar or a listener of its own.
#include <functional>
#include <memory>
#include <string>

#include "latchkey/base/executor.h"
#include "latchkey/client/ae.h"
#include "latchkey/client/maf_client.h"
#include "latchkey/e2e/notified_end_point.h"

namespace latchkey::client {

struct EndToEndReceiverOptions {
  e2e::NotifiedEndPointConfig end_point;  ///< `esprim.self` is the AE-ID
  /// Acts on a request that was opened, for whom its key authenticates (7.2.2 step 5): whoever brought it
  /// counts for nothing. Answers once, now or later.
  std::function<void(codec::RequestPrimitive request, const EntityId& originator, bind::Respond)> inner;
  /// Every other request, as it came: nobody vouches for its originator but those on the way. Empty: refused
  /// (4005).
  std::function<void(codec::RequestPrimitive request, bind::Respond)> other = {};
  /// MAF Key Retrieval (8.8.2.8) of a Kc, for ESPrim (8.4.2 C.6a): MafClient::retrieve_key of the MAF that
  /// the id names, which is among `end_point.esprim.mafs`.
  std::function<void(const KeyId& kc_id, MafClient::Done<RetrievedKey>)> fetch_key = {};
  /// At a listener: the CSE that passes on what others send. nullopt: that of the AE-ID; one of an S-type
  /// names none, and then each hop speaks for itself alone.
  std::optional<CseId> registrar = {};
  std::size_t fetches = 8;  ///< under way at once; above it the key counts as unknown (4112)
  /// Told each key that was established: ESPrim uses it at once; esdata_key() makes one for ESData of it.
  std::function<void(const e2e::PairwiseE2EKey&)> established = {};
  /// Told why something was refused: for the log, never for the peer.
  std::function<void(const codec::RequestPrimitive& outer, codec::Rsc, const std::string& why)> refused = {};
};

/// Reactor's thread. Callbacks may not destroy it.
class EndToEndReceiver final : public bind::RequestHandler {
 public:
  /// `executor`, `audit` and `clock` outlive it. invalid_argument as NotifiedEndPoint::make, or if `self` is
  /// no AE.
  [[nodiscard]] static Result<std::unique_ptr<EndToEndReceiver>> make(EndToEndReceiverOptions options,
                                                                      Executor& executor, AuditSink& audit,
                                                                      const Clock& clock);
  ~EndToEndReceiver() override;

  /// What came over the polling channel: for Ae::listen_later().
  void handle(codec::RequestPrimitive request, bind::Respond respond);
  /// What came to a listener of the AE (its pointOfAccess). Only its registrar brings what is of others: a
  /// From for which the hop cannot vouch is that of nobody.
  void handle(bind::IncomingRequest request, bind::Respond respond) override;

  /// Publishes e2eSecInfo in the AE's <AE> resource and again in time before its rand object ends (8.4.2
  /// B.1b, 8.4.3.1.3), also after a failure. `ae` is registered and outlives this.
  void publish(Ae& ae);

  [[nodiscard]] e2e::NotifiedEndPoint& end_point() noexcept { return *end_point_; }

 private:
  EndToEndReceiver(EndToEndReceiverOptions options, AeId self, Executor& executor, const Clock& clock);
  void notified(codec::RequestPrimitive outer, std::optional<EntityId> originator, std::string_view hop,
                bind::Respond respond);
  [[nodiscard]] bool vouches(const std::optional<EntityId>& hop,
                             const std::optional<EntityId>& originator) const;
  void go_on(codec::RequestPrimitive outer, e2e::NotifiedEndPoint::Handled handled, bind::Respond respond);
  void fetch(const KeyId& kc_id, codec::RequestPrimitive outer, bind::Respond respond);
  [[nodiscard]] bool take(const KeyId& kc_id, RetrievedKey&& key);
  void decide(codec::RequestPrimitive outer, e2e::EsPrimEndpoint::Inner inner, bind::Respond respond);
  void answer(const codec::RequestPrimitive& outer, e2e::NotifiedEndPoint::Answer answer,
              bind::Respond& respond);
  [[nodiscard]] std::optional<EntityId> originator_of(const std::string& from) const;
  void publish_again();

  EndToEndReceiverOptions options_;
  AeId self_id_;
  Executor& executor_;
  const Clock& clock_;
  std::unique_ptr<e2e::NotifiedEndPoint> end_point_;
  std::size_t fetching_ = 0;
  Ae* ae_ = nullptr;
  codec::json::value published_;
  Executor::TimerId timer_{};
  std::shared_ptr<EndToEndReceiver*> self_ = std::make_shared<EndToEndReceiver*>(this);  // expires with us
};

}  // namespace latchkey::client
