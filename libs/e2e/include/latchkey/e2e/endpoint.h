#pragma once
/// What a CSE or an AE calls for a Notify request that is addressed to itself (TS-0004 7.5.1.2.13, 7.6.2).
#include <optional>
#include <string>
#include <variant>

#include "latchkey/codec/primitive.h"
#include "latchkey/e2e/receiver.h"

namespace latchkey::e2e {

/// A Receiver behind outer primitives. Thread-safe. The caller limits how many such requests one hop may
/// send, for they act on no resource and no policy is asked.
class EsPrimEndpoint {
 public:
  /// `receiver` must outlive this.
  explicit EsPrimEndpoint(EsPrimReceiver& receiver) : receiver_(receiver) {}

  /// Decide and act on this request, for this originator, as authenticated (7.1.2, 7.2.2 step 5); then
  /// answer(). Response Type, Event Category and Delivery Aggregation are those of the outer primitive.
  struct Inner {
    codec::RequestPrimitive request;
    EntityId originator;
    EsPrimContext context;
  };
  /// The outer response is ready: a rand object, or a refusal, whose reason is for the log alone.
  struct Answer {
    codec::ResponsePrimitive outer;
    std::optional<EsPrimRefusal> refusal;
  };
  using Handled = std::variant<Inner, EsPrimReceiver::FetchKey, Answer>;

  /// nullopt: a Notify request that is none of ESPrim (security info of another type, or none at all).
  /// FetchKey: as of EsPrimReceiver::open; then handle() the same primitive again, or unknown_key().
  [[nodiscard]] std::optional<Handled> handle(const codec::RequestPrimitive& outer, TimePoint now);
  /// 4112: the MAF did not give the key.
  [[nodiscard]] static Answer unknown_key(const codec::RequestPrimitive& outer);
  /// The outer response with the inner one sealed in it, or 5211.
  [[nodiscard]] Answer answer(const codec::RequestPrimitive& outer, const EsPrimContext& context,
                              const codec::ResponsePrimitive& inner, TimePoint now);

 private:
  EsPrimReceiver& receiver_;
};

}  // namespace latchkey::e2e
