#pragma once
/// What comes to this CSE as security information: protected primitives (TS-0003 8.4, TS-0004 7.5.1.2.13) and
/// key establishment (8.7, TS-0004 7.5.1.2.12).
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core.h"

namespace latchkey::cse {

/// Reactor's thread. What is opened goes through the same decision as any request; the CSEs on the way are
/// trusted with nothing (8.4.1).
class EndToEnd {
 public:
  /// After the store was opened: keys that were established before are usable again. `core` outlives it.
  /// invalid_argument: keys, certificates or lifetimes that cannot be.
  [[nodiscard]] static Result<std::unique_ptr<EndToEnd>> make(Core& core, EndToEndOptions options);
  ~EndToEnd();
  EndToEnd(const EndToEnd&) = delete;
  EndToEnd& operator=(const EndToEnd&) = delete;

  /// Publishes e2eSecInfo in the CSEBase, and again before its rand object expires (8.4.2 B.1b); each time
  /// `published` is called. After the tree was loaded.
  void start(std::function<void()> published);
  /// See Cse::provision.
  [[nodiscard]] Status provision(std::vector<e2e::PairwiseEsPrimKey::Shared> keys);
  /// See Cse::renew.
  [[nodiscard]] Status renew(std::shared_ptr<const tls::OwnCertificate> own,
                             std::shared_ptr<const pki::TrustStore> trust);
  /// NOTIFY of m2m:seci to the CSEBase. It acts on no resource, so no policy is asked for it
  /// (TS-0001 11.4.2).
  [[nodiscard]] static bool takes(const Request& request, const Target& target);
  void handle(Request&& outer, Respond respond);

 private:
  struct Kept;
  EndToEnd(Core& core, EndToEndOptions options);
  [[nodiscard]] Status restore();
  [[nodiscard]] bool restore(Kept& kept, store::Batch& gone);
  void look_again();
  void publish();
  void go_on(Request&& outer, e2e::NotifiedEndPoint::Handled handled, Respond respond);
  void fetch(const KeyId& id, Request&& outer, Respond respond);
  void decide(Request&& outer, e2e::EsPrimEndpoint::Inner inner, Respond respond);
  void answer(const Request& outer, e2e::NotifiedEndPoint::Answer answer, Respond respond);
  [[nodiscard]] bool obtain(const MafKey& key);
  [[nodiscard]] std::uint64_t keep(const e2e::PairwiseE2EKey& key);
  void forget(const std::string& id, store::Batch& batch);
  void forget_expired();

  Core& core_;
  EndToEndOptions options_;
  std::unique_ptr<e2e::NotifiedEndPoint> end_point_;
  std::map<std::string, TimePoint> kept_;  ///< ends of the keys in the store, by id
  std::uint64_t last_kept_ = 0;            ///< their order over restarts
  std::function<void()> published_;
  Executor::TimerId timer_{};
  std::shared_ptr<EndToEnd*> self_ = std::make_shared<EndToEnd*>(this);  // expires with us
};

}  // namespace latchkey::cse
