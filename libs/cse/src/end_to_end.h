#pragma once
/// What comes to this CSE as security information: protected primitives (TS-0003 8.4, TS-0004 7.5.1.2.13) and
/// key establishment (8.7, TS-0004 7.5.1.2.12).
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "core.h"
#include "latchkey/e2e/end_to_end_credential.h"
#include "latchkey/e2e/endpoint.h"
#include "latchkey/e2e/escertke.h"

namespace latchkey::cse {

/// Reactor's thread. What is opened goes through the same decision as any request; the CSEs on the way are
/// trusted with nothing (8.4.1).
class EndToEnd {
 public:
  /// `core` outlives it. invalid_argument: keys, certificates or lifetimes that cannot be.
  [[nodiscard]] static Result<std::unique_ptr<EndToEnd>> make(Core& core, EndToEndOptions options);
  ~EndToEnd();
  EndToEnd(const EndToEnd&) = delete;
  EndToEnd& operator=(const EndToEnd&) = delete;

  /// Publishes e2eSecInfo in the CSEBase, and again before its rand object expires (8.4.2 B.1b); each time
  /// `published` is called. After the tree was loaded.
  void start(std::function<void()> published);
  /// See Cse::provision.
  [[nodiscard]] Status provision(std::vector<e2e::PairwiseEsPrimKey::Shared> keys);
  /// NOTIFY of m2m:seci to the CSEBase. It acts on no resource, so no policy is asked for it
  /// (TS-0001 11.4.2).
  [[nodiscard]] static bool takes(const Request& request, const Target& target);
  void handle(Request&& outer, Respond respond);

 private:
  EndToEnd(Core& core, EndToEndOptions options);
  [[nodiscard]] Status prepare();
  void publish();
  /// `fetched`: a MAF has been asked for the key of this object, which happens once.
  void open(Request&& outer, bool fetched, Respond respond);
  void fetch(const KeyId& id, Request&& outer, Respond respond);
  void decide(Request&& outer, e2e::EsPrimEndpoint::Inner inner, Respond respond);
  void answer(const Request& outer, e2e::EsPrimEndpoint::Answer answer, Respond& respond);
  void establish(const Request& outer, Respond respond);
  void keep(e2e::PairwiseE2EKey key);
  [[nodiscard]] bool add(const MafKey& key);
  /// Of the keys that a peer brings, the newest few are kept: none takes the room of others.
  [[nodiscard]] bool add(e2e::PairwiseEsPrimKey::Shared key);

  Core& core_;
  EndToEndOptions options_;
  std::unique_ptr<e2e::EsPrimReceiver> receiver_;
  std::unique_ptr<e2e::EsPrimEndpoint> esprim_;
  std::optional<e2e::EsCertKeTerminator> escertke_;
  std::vector<std::string> provisioned_;  ///< ids of keys
  /// Ids of the keys that MAFs and ESCertKE gave, oldest first, by the other end-point.
  std::unordered_map<std::string, std::deque<std::string>> obtained_;
  std::function<void()> published_;
  Executor::TimerId timer_{};
  std::shared_ptr<EndToEnd*> self_ = std::make_shared<EndToEnd*>(this);  // expires with us
};

}  // namespace latchkey::cse
