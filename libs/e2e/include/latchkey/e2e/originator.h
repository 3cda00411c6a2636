#pragma once
/// The Originator of ESPrim (TS-0003 8.4.2 B.2, C.1 to C.4, C.11): an AE or a CSE. Does no I/O.
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

struct EsPrimOriginatorConfig {
  std::string receiver_address;  ///< To of the outer primitive: the Receiver's <CSEBase> or <AE>
  /// In the order of preference; those that the Receiver does not offer are left out. A256GCM uses the whole
  /// session key.
  std::vector<jose::Enc> encs = {jose::Enc::a256gcm, jose::Enc::a192gcm, jose::Enc::a128gcm};
  std::chrono::seconds object_lifetime{3'600};  ///< of an originator object; never beyond the receiver's
  /// A receiver object that ends sooner is not begun with: the answer must still come in time (note 6).
  std::chrono::seconds answer_time{30};
  std::uint64_t requests_per_session = 2'048;  ///< then a new originator object
  InnerFormat format = InnerFormat::json;      ///< of the requests; an answer may come in either
  codec::PrimitiveLimits primitive = {};
};

/// One pairwise key towards one Receiver, with the current receiver object and session; any number of
/// exchanges use it at once. Thread-safe.
class EsPrimOriginator {
 public:
  /// `key`'s peer is the Receiver. invalid_argument: no algorithm, no address.
  [[nodiscard]] static Result<std::shared_ptr<EsPrimOriginator>> make(EsPrimOriginatorConfig config,
                                                                      PairwiseEsPrimKey::Shared key);
  ~EsPrimOriginator();
  EsPrimOriginator(const EsPrimOriginator&) = delete;
  EsPrimOriginator& operator=(const EsPrimOriginator&) = delete;
  [[nodiscard]] const EntityId& receiver() const noexcept { return key_->peer(); }

 private:
  friend class EsPrimExchange;
  struct State;
  EsPrimOriginator(EsPrimOriginatorConfig config, PairwiseEsPrimKey::Shared key);
  EsPrimOriginatorConfig config_;
  PairwiseEsPrimKey::Shared key_;
  std::unique_ptr<State> state_;
};

/// One request and its answer: figures 8.4.2-1 (phase B) and 8.4.2-2. The caller does what each action says
/// and brings what came of it. Not thread-safe.
class EsPrimExchange {
 public:
  enum class Step : std::uint8_t { created, sec_info, rand_object, sent, finished, failed };
  enum class Event : std::uint8_t { start, sec_info, answer };

  /// B.2a: RETRIEVE the e2eSecInfo attribute of the Receiver's <remoteCSE> or <AE> where it is known; then
  /// on_sec_info().
  struct RetrieveSecInfo {};
  /// Send this NOTIFY, from the Originator and with a request identifier of its own; then on_answer().
  struct Send {
    codec::RequestPrimitive outer;
  };
  struct Finished {
    codec::ResponsePrimitive inner;
  };
  /// `rsc` is the Receiver's, if it was the Receiver that refused; nobody vouches for it.
  struct Failed {
    Error error;
    std::optional<codec::Rsc> rsc;
  };
  using Action = std::variant<RetrieveSecInfo, Send, Finished, Failed>;

  /// `inner` with its own request identifier, which no other request of this key may have.
  EsPrimExchange(std::shared_ptr<EsPrimOriginator> originator, codec::RequestPrimitive inner);

  [[nodiscard]] Action start(TimePoint now);
  /// The attribute, or nullptr where there is none: then the Receiver does not support ESPrim.
  [[nodiscard]] Action on_sec_info(const json::value* esi, TimePoint now);
  /// The outer response, to Send of either kind. 4113 and 4114 are each answered once by another originator
  /// or receiver object.
  [[nodiscard]] Action on_answer(const codec::ResponsePrimitive& outer, TimePoint now);
  [[nodiscard]] Step step() const noexcept { return step_; }

  /// Whether the event is expected in the step; any other pair fails with conflict and changes nothing.
  [[nodiscard]] static bool allowed(Step step, Event event) noexcept;

 private:
  [[nodiscard]] Action fail_with(Error error, std::optional<codec::Rsc> rsc = {});
  [[nodiscard]] Action unexpected() const;
  [[nodiscard]] Action ask_rand_object();
  [[nodiscard]] Action send(TimePoint now);
  [[nodiscard]] Action on_refusal(codec::Rsc rsc, TimePoint now);
  [[nodiscard]] Action open(std::string_view object, TimePoint now);
  [[nodiscard]] codec::RequestPrimitive outer(json::value&& pc) const;

  std::shared_ptr<EsPrimOriginator> originator_;
  codec::RequestPrimitive inner_;
  Step step_ = Step::created;
  std::shared_ptr<Session> session_;
  bool renewed_receiver_object_ = false, renewed_originator_object_ = false;
};

}  // namespace latchkey::e2e
