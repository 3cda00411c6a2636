#pragma once
/// Two end-points, a time, and whatever lies between them.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cover.h"
#include "latchkey/crypto/derivation.h"
#include "latchkey/e2e/endpoint.h"
#include "latchkey/e2e/originator.h"
#include "latchkey/e2e/security_info.h"
#include "latchkey/jose/jwe.h"

namespace latchkey::e2e::test {

using latchkey::test::cover;

inline const SpId& sp() {
  static const SpId id = SpId::parse("//sp.example").value();
  return id;
}
inline EntityId entity(std::string_view text) { return parse_entity_id(text, sp()).value(); }
inline Bytes octets(std::size_t size, std::uint8_t first = 0) {
  Bytes out(size);
  for (std::uint8_t& octet : out) octet = first++;
  return out;
}
inline SecretBytes secret(std::size_t size, std::uint8_t first = 0) {
  return SecretBytes::copy_of(octets(size, first));
}
inline TimePoint at(std::string_view text) { return parse_timestamp(text).value(); }

inline constexpr const char* kKid = "K1@maf.example.com";
inline constexpr const char* kPhone = "//sp.example/in-cse/Cphone";
inline constexpr const char* kLock = "//sp.example/lock-cse";

inline PairwiseEsPrimKey::Shared pairwise(std::string_view peer, std::optional<TimePoint> end = {},
                                          std::string kid = kKid, std::uint8_t first = 0) {
  return PairwiseEsPrimKey::from_secret(
             {.id = std::move(kid), .peer = entity(peer), .suid = Suid::from(13).value(), .end = end},
             secret(32, first))
      .value();
}

inline codec::RequestPrimitive request(std::string rqi = "r1") {
  codec::RequestPrimitive out;
  out.op = codec::Operation::update;
  out.to = "/lock-cse/door/command";
  out.from = kPhone;
  out.rqi = std::move(rqi);
  out.rvi = "2a";
  out.pc = json::value{{"m2m:cnt", {{"lbl", {"open"}}}}};
  return out;
}

/// The Receiver is the lock's CSE, the Originator the phone.
struct World {
  TimePoint now = at("20261128T120000");
  std::unique_ptr<EsPrimReceiver> receiver;
  std::unique_ptr<EsPrimEndpoint> endpoint;
  std::shared_ptr<EsPrimOriginator> originator;
  bool publishes = true;                ///< e2eSecInfo is there
  int retrieved = 0, requested = 0;     ///< how often the Originator asked for e2eSecInfo, for an object
  std::vector<std::string> objects;     ///< every ESPrim Object that passed
  std::vector<EsPrimRefusal> refusals;  ///< of the Receiver
  std::vector<codec::Rsc> outer_codes;  ///< of the outer responses to ESPrim Objects
  std::vector<codec::RequestPrimitive> executed;
  /// What a transit CSE makes of a primitive.
  std::function<void(codec::RequestPrimitive&)> on_request = [](auto&) {};
  std::function<void(codec::ResponsePrimitive&)> on_response = [](auto&) {};

  explicit World(EsPrimReceiverConfig config = {.self = entity(kLock)}, EsPrimOriginatorConfig other = {}) {
    receiver = EsPrimReceiver::make(std::move(config)).value();
    endpoint = std::make_unique<EsPrimEndpoint>(*receiver);
    EXPECT_TRUE(receiver->add_key(pairwise(kPhone)));
    other.receiver_address = "/lock-cse";
    originator = EsPrimOriginator::make(std::move(other), pairwise(kLock)).value();
  }

  [[nodiscard]] E2eSecInfo sec_info() {
    return {.features = {Suid::from(13).value()}, .certificates = {}, .shared = receiver->shared_object(now)};
  }

  codec::ResponsePrimitive deliver(codec::RequestPrimitive outer) {
    outer.rqi = "o" + std::to_string(++rqi_);
    on_request(outer);
    codec::ResponsePrimitive answer = process(outer);
    on_response(answer);
    return answer;
  }

  EsPrimExchange::Action exchange(codec::RequestPrimitive inner = request()) {
    EsPrimExchange exchange(originator, std::move(inner));
    EsPrimExchange::Action action = exchange.start(now);
    for (int steps = 0; steps < 10; ++steps) {
      if (std::holds_alternative<EsPrimExchange::RetrieveSecInfo>(action)) {
        ++retrieved;
        const json::value esi = to_json(sec_info());
        action = exchange.on_sec_info(publishes ? &esi : nullptr, now);
      } else if (auto* send = std::get_if<EsPrimExchange::Send>(&action)) {
        action = exchange.on_answer(deliver(std::move(send->outer)), now);
      } else {
        return action;
      }
    }
    ADD_FAILURE() << "the exchange does not end";
    return action;
  }

  /// Exchanges that must succeed.
  void must_exchange(codec::RequestPrimitive inner = request()) {
    const auto action = exchange(std::move(inner));
    const auto* failed = std::get_if<EsPrimExchange::Failed>(&action);
    ASSERT_TRUE(std::holds_alternative<EsPrimExchange::Finished>(action))
        << (failed != nullptr ? failed->error.detail : "not finished");
  }

  EsPrimDefect open_defect(std::string_view object, std::optional<std::string_view> outer_from = kPhone) {
    const auto result = receiver->open(object, outer_from, now);
    const auto* refusal = std::get_if<EsPrimRefusal>(&result);
    EXPECT_NE(refusal, nullptr) << "the object was opened";
    return refusal != nullptr ? refusal->defect : EsPrimDefect{};
  }

 private:
  codec::ResponsePrimitive process(const codec::RequestPrimitive& outer) {
    auto handled = endpoint->handle(outer, now);
    EXPECT_TRUE(handled);
    const auto message = read_esprim_message(outer.pc, now);
    if (message && std::holds_alternative<RandObjectRequest>(*message)) ++requested;
    const bool object = message && std::holds_alternative<EsPrimObject>(*message);
    if (object) objects.push_back(std::get<EsPrimObject>(*message).text);
    auto* inner = std::get_if<EsPrimEndpoint::Inner>(&*handled);
    if (inner == nullptr) {
      auto& answer = std::get<EsPrimEndpoint::Answer>(*handled);
      if (answer.refusal) refusals.push_back(*answer.refusal);
      if (object) outer_codes.push_back(answer.outer.rsc);
      return answer.outer;
    }
    executed.push_back(inner->request);
    codec::ResponsePrimitive response;
    response.rsc = codec::Rsc::updated;
    response.rqi = inner->request.rqi;
    auto answer = endpoint->answer(outer, inner->context, response, now);
    if (answer.refusal) refusals.push_back(*answer.refusal);
    outer_codes.push_back(answer.outer.rsc);
    if (!answer.refusal)
      objects.push_back(std::get<EsPrimObject>(read_esprim_message(answer.outer.pc, now).value()).text);
    return answer.outer;
  }
  int rqi_ = 0;
};

/// What somebody who holds the key can send, in whatever form.
struct Forge {
  ReceiverRandObject receiver_object;
  OriginatorRandObject originator_object;
  jose::Enc enc = jose::Enc::a256gcm;
  std::string plaintext = codec::to_text(codec::to_json(request()));
  std::uint8_t key = 0;  ///< first octet of the pairwise key
  std::uint8_t iv = 0;
  std::function<void(json::object&)> change = [](auto&) {};
  bool with_object = true;

  [[nodiscard]] static OriginatorRandObject own(const ReceiverRandObject& receiver, TimePoint end = {}) {
    const std::array encs{jose::Enc::a256gcm, jose::Enc::a192gcm, jose::Enc::a128gcm};
    return OriginatorRandObject::make(end == TimePoint{} ? receiver.end() : end, encs);
  }
  [[nodiscard]] json::object header() const {
    json::object members{{"alg", "dir"},
                         {"enc", jose::to_string(enc)},
                         {"kid", kKid},
                         {"cty", "vnd.onem2m-preq+json"},
                         {"ori", originator_object.id()},
                         {"rri", receiver_object.id()}};
    if (with_object) members["oro"] = originator_object.members();
    return members;
  }
  [[nodiscard]] std::string seal() const {
    json::object members = header();
    change(members);
    return seal_under(to_base64url(as_bytes(codec::to_text(members))));
  }
  [[nodiscard]] std::string seal_under(const std::string& encoded_header) const {
    const auto session = crypto::derive_session_esprim_key(secret(32, key), receiver_object.octets(),
                                                           originator_object.octets());
    return jose::seal_direct(encoded_header, session.first(jose::key_bytes(enc)), octets(12, iv),
                             as_bytes(plaintext))
        .value();
  }
};
inline Forge forge(World& world) {
  auto receiver = *world.receiver->shared_object(world.now);
  auto originator = Forge::own(receiver);
  return {.receiver_object = std::move(receiver), .originator_object = std::move(originator)};
}

}  // namespace latchkey::e2e::test
