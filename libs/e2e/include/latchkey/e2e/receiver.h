#pragma once
/// The Receiver of ESPrim (TS-0003 8.4.2 B.1, B.2e, C.6, C.8; 7.2.2): a CSE or an AE. Does no I/O.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "latchkey/codec/primitive.h"
#include "latchkey/e2e/esprim.h"
#include "latchkey/e2e/pairwise_key.h"

namespace latchkey::e2e {

class Session;

struct EsPrimReceiverConfig {
  EntityId self;                ///< AE-ID or CSE-ID of this end-point
  std::vector<Fqdn> mafs = {};  ///< whose KcIDs may be answered by FetchKey; others are unknown keys
  std::vector<jose::Enc> encs = {jose::Enc::a256gcm, jose::Enc::a192gcm, jose::Enc::a128gcm};
  bool share = true;  ///< pre-generate a shared receiver object (B.1), or give none (B.2e only)
  std::chrono::seconds shared_lifetime{3'600};
  std::chrono::seconds refresh_ahead{600};      ///< the next shared object is there so long before
  std::chrono::seconds unshared_lifetime{600};  ///< of an object made on request
  std::size_t keys = 10'000;                    ///< pairwise keys held
  std::size_t receiver_objects = 4'096;         ///< unexpired, all together
  std::size_t unused_per_requester = 4;         ///< objects made on request that no session uses yet
  std::size_t sessions = 20'000;                ///< all together
  std::size_t sessions_per_key = 16;            ///< with shared objects, and as many with others
  std::size_t requests_per_session = 4'096;     ///< remembered against replay; then the session is used up
  std::size_t requests = 500'000;               ///< remembered all together
  codec::PrimitiveLimits primitive = {};
};

/// A request that was opened, for its answer. Cheap to copy; it keeps the session key alive (8.4.2 note 4).
class EsPrimContext {
 public:
  EsPrimContext() = default;

 private:
  friend class EsPrimReceiver;
  EsPrimContext(std::shared_ptr<Session> session, jose::Enc enc, InnerFormat format)
      : session_(std::move(session)), enc_(enc), format_(format) {}
  std::shared_ptr<Session> session_;
  jose::Enc enc_ = jose::Enc::a256gcm;
  InnerFormat format_ = InnerFormat::json;  ///< an answer is written like its request
};

/// Thread-safe. Memory is bounded by the configuration: where a bound is reached, the receiver object with
/// the most behind it is given up, and with it its sessions, so that nothing that is forgotten can be
/// replayed; its users are answered 4114 and get another.
class EsPrimReceiver {
 public:
  /// invalid_argument naming the member.
  [[nodiscard]] static Result<std::unique_ptr<EsPrimReceiver>> make(EsPrimReceiverConfig config);
  ~EsPrimReceiver();
  EsPrimReceiver(const EsPrimReceiver&) = delete;
  EsPrimReceiver& operator=(const EsPrimReceiver&) = delete;

  /// A key with the same id makes way, with its sessions. limit.
  [[nodiscard]] Status add_key(PairwiseEsPrimKey::Shared key);
  /// Its sessions end at once; contexts already given out can still be answered.
  void remove_key(std::string_view id);

  /// The shared object for e2eSecInfo: another one from `refresh_ahead` before the last one's end on, and
  /// after one had to be given up; whoever publishes it asks again then (B.1b). nullopt: not shared.
  [[nodiscard]] std::optional<ReceiverRandObject> shared_object(TimePoint now);
  /// An object for one originator (B.2e); `requester` is the outer From. The oldest unused one of the same
  /// requester makes way.
  [[nodiscard]] ReceiverRandObject issue(std::string_view requester, TimePoint now);

  /// The inner request, its originator, who owns the key and so is authenticated (7.2.2 step 5), and what
  /// the answer needs.
  struct Opened {
    codec::RequestPrimitive request;
    EntityId originator;
    EsPrimContext context;
  };
  /// The key is a Kc that the MAF must be asked for (C.6a.1): then add_key() and open() again. The caller
  /// bounds how often it asks.
  struct FetchKey {
    KeyId kc_id;
  };
  using OpenResult = std::variant<Opened, FetchKey, EsPrimRefusal>;
  /// C.6. `outer_from` is the From of the primitive that brought the object, which must name the same entity;
  /// nullopt where it is not known. Nothing is remembered of an object that does not verify.
  [[nodiscard]] OpenResult open(std::string_view object, std::optional<std::string_view> outer_from,
                                TimePoint now);

  /// C.8: the same session and algorithm; brings a new receiver object where the old one ends soon
  /// (`rro`). sealing (5211) where the session has ended or is used up.
  [[nodiscard]] EsPrimResult<std::string> seal(const EsPrimContext& context,
                                               const codec::ResponsePrimitive& response, TimePoint now);

  struct Counts {
    std::size_t keys = 0, receiver_objects = 0, sessions = 0, requests = 0;
  };
  [[nodiscard]] Counts counts() const;

 private:
  struct State;
  explicit EsPrimReceiver(EsPrimReceiverConfig config);
  EsPrimReceiverConfig config_;
  std::unique_ptr<State> state_;
};

}  // namespace latchkey::e2e
