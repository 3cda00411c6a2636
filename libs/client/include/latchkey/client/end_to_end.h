#pragma once
/// An end-point that trusts nobody between it and the other one: protected primitives (TS-0003 8.4) and the
/// establishment of keys for them (8.7), over any way to a first hop. Reactor's thread.
#include <functional>
#include <memory>
#include <string>

#include "latchkey/base/audit.h"
#include "latchkey/base/time.h"
#include "latchkey/base/unique_function.h"
#include "latchkey/bind/request.h"
#include "latchkey/e2e/escertke.h"
#include "latchkey/e2e/originator.h"
#include "latchkey/e2e/peer_certificates.h"

namespace latchkey::client {

/// Sends every request to one Receiver so that only it can read it (8.4.2). Errors beside those of the sender
/// below: what EsPrimExchange fails with.
class EsPrimSender final : public bind::RequestSender {
 public:
  struct Options {
    std::string from;  ///< this end-point, as the first hop knows it
    std::string info;  ///< resource with the Receiver's e2eSecInfo: its <remoteCSE>, <AE> or <CSEBase>
    std::string release = "2a";  ///< of the outer primitives
    /// Told each outer primitive: all that those on the way see of the request.
    std::function<void(const codec::RequestPrimitive&)> outer = {};
  };
  /// `below` and `clock` outlive it, and the answers to all that was sent.
  EsPrimSender(bind::RequestSender& below, std::shared_ptr<e2e::EsPrimOriginator> originator, Options options,
               const Clock& clock);
  /// `timeout` is that of the whole exchange. `request` needs a From that the Receiver understands and an rqi
  /// of its own.
  void send(codec::RequestPrimitive request, std::chrono::milliseconds timeout, Done done) override;

 private:
  struct Exchange;
  bind::RequestSender& below_;
  std::shared_ptr<e2e::EsPrimOriginator> originator_;
  Options options_;
  const Clock& clock_;
};

/// Establishes a key with the end-point at `address` (its <CSEBase> or <AE>) as Initiating End-Point. `done`
/// is called once; a refusal of the other side is `denied` with its Response Status Code. `below`, `audit`
/// and `clock` outlive it.
void establish_pairwise_key(bind::RequestSender& below, std::string from, std::string address,
                            e2e::EsCertKeInitiator initiator, std::chrono::milliseconds timeout,
                            UniqueFunction<void(Result<e2e::PairwiseE2EKey>)> done);

/// Whose public key is wanted, and where its e2eSecInfo is.
struct PeerKeyQuestion {
  std::string from;  ///< originator, as the first hop knows it
  std::string info;  ///< its <AE>, <CSEBase> or <remoteCSE>
  EntityId end_point;
  Suid::Use use;    ///< esdata_encryption or esdata_signature
  std::string kid;  ///< how envelopes name the key
  std::string release = "2a";
};
/// Retrieves the certificates of another end-point for ESData (8.5.2.2.4.2, 8.5.2.3.2.2). None is believed
/// for having stood there: `known` says which is of the end-point (8.5.2.2.4.1, 8.5.2.3.2.1). denied: no
/// e2eSecInfo is to be had; invalid_argument: it is malformed; and as PeerCertificates::find. `below` and
/// `clock` outlive the answer.
void find_peer_key(bind::RequestSender& below, PeerKeyQuestion question,
                   std::shared_ptr<const e2e::PeerCertificates> known, const Clock& clock,
                   std::chrono::milliseconds timeout,
                   UniqueFunction<void(Result<e2e::PeerCertificates::Trusted>)> done);

}  // namespace latchkey::client
