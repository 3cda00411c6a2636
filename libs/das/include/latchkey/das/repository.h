#pragma once
/// The DAS Server's AE at the CSE that is its Role and Token Repository (TS-0003 7.3.2.1: "may include an
/// AE").
#include "latchkey/client/ae.h"

namespace latchkey::das {

/// Sends as an AE with an AE-ID-Stem of its own; registers before the first request, and again after the
/// registrar has said that it does not know us (4106). Waits as long as the options of the AE say. Reactor's
/// thread.
class RepositoryAe final : public bind::RequestSender {
 public:
  /// `options.requested_stem` is a full stem. References outlive the object.
  RepositoryAe(bind::Reactor& reactor, client::AeOptions options, AuditSink& audit, const Clock& clock);
  void send(codec::RequestPrimitive request, std::chrono::milliseconds timeout, Done done) override;

 private:
  void register_then(UniqueFunction<void(Result<codec::ResponsePrimitive>)> then);
  void send_registered(codec::RequestPrimitive request, Done done);

  std::string cse_base_, stem_, app_id_;
  bool registered_ = false;
  client::Ae ae_;  ///< last: its pending callbacks come when it goes
};

}  // namespace latchkey::das
