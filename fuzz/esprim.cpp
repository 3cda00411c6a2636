// ESPrim from outside (TS-0003 8.4). Input: 'r' and a receiver object, 'o' and an originator object, 's' and
// an e2eSecInfo, 'm' and the content of a Notify request, 'h' and the JSON of a protected header, or 'e' and
// an ESPrim Object.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "latchkey/codec/primitive.h"
#include "latchkey/e2e/endpoint.h"
#include "latchkey/e2e/security_info.h"

namespace {

using namespace latchkey;

const TimePoint kNow{std::chrono::seconds(1'795'867'200)};

void require(bool holds) {
  if (!holds) std::abort();
}

EntityId entity(const char* text) {
  return parse_entity_id(text, SpId::parse("//sp.example").value()).value();
}

std::unique_ptr<e2e::EsPrimReceiver> receiver() {
  auto made = e2e::EsPrimReceiver::make({.self = entity("/in-cse"),
                                         .mafs = {Fqdn::parse("maf.example").value()},
                                         .receiver_objects = 2,
                                         .sessions = 2,
                                         .requests = 4})
                  .value();
  auto key = e2e::PairwiseEsPrimKey::from_secret(
      {.id = "k", .peer = entity("/in-cse/Cphone"), .suid = Suid::from(13).value()},
      SecretBytes::copy_of(Bytes(32, 7)));
  require(made->add_key(*key).has_value());
  return made;
}

/// What is read is written and read again as the same.
template <class Object>
void rand_object(const codec::json::value& value) {
  const auto read = Object::read(value, kNow);
  if (!read) return require(!read.error().detail.empty());
  const auto again = Object::read(read->members(), kNow);
  require(again && *again == *read && again->end() == read->end());
}

void sec_info(const codec::json::value& value) {
  const auto read = e2e::read_sec_info(value, kNow);
  if (!read) return require(!read.error().detail.empty());
  const auto again = e2e::read_sec_info(e2e::to_json(*read), kNow);
  require(again && again->features == read->features && again->shared == read->shared);
}

void message(codec::json::value&& value) {
  const auto read = e2e::read_esprim_message(value, kNow);
  if (read) require(e2e::read_esprim_message(e2e::to_security_info(*read), kNow)->index() == read->index());
  auto behind = receiver();
  e2e::EsPrimEndpoint endpoint(*behind);
  codec::RequestPrimitive outer;
  outer.op = codec::Operation::notify;
  outer.rqi = "1";
  outer.from = "/in-cse/Cphone";
  outer.pc = std::move(value);
  const auto handled = endpoint.handle(outer, kNow);
  require(!handled || !std::holds_alternative<e2e::EsPrimEndpoint::Inner>(*handled));
}

/// A header that somebody without the key wrote never opens.
void header(std::string_view json) {
  auto to = receiver();
  const auto object = to->shared_object(kNow).value();
  std::string text(json);
  if (const auto at = text.find("RRI"); at != std::string::npos) text.replace(at, 3, object.id());
  const std::string jwe =
      to_base64url(as_bytes(text)) + "..AAAAAAAAAAAAAAAA.ucmKg_28OZo.YRi8EYGCGM-QUDqj_x3CIQ";
  const auto result = to->open(jwe, "/in-cse/Cphone", kNow);
  require(!std::holds_alternative<e2e::EsPrimReceiver::Opened>(result));
  require(to->counts().sessions == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 80'000) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'h') header(text);
  if (data[0] == 'e')
    require(!std::holds_alternative<e2e::EsPrimReceiver::Opened>(receiver()->open(text, {}, kNow)));
  auto value = codec::parse_json(text, {});
  if (!value) return 0;
  if (data[0] == 'r') rand_object<e2e::ReceiverRandObject>(*value);
  if (data[0] == 'o') rand_object<e2e::OriginatorRandObject>(*value);
  if (data[0] == 's') sec_info(*value);
  if (data[0] == 'm') message(std::move(*value));
  return 0;
}
