// Messages between PEP, PDP, PRP and PIP (TS-0003 6.2.2): what is read is written and read again as the same.
// Input: one letter for the form (d p i requests, D P I answers to one fixed request), then JSON.
#include <cstdint>
#include <cstdlib>

#include "latchkey/base/bytes.h"
#include "latchkey/codec/distributed_authorization.h"

namespace {

using namespace latchkey;

void require(bool holds) {
  if (!holds) std::abort();
}

const EntityId& originator() {
  static const EntityId id = *parse_entity_id("//sp.example/mn-cse/Cphone", *SpId::parse("//sp.example"));
  return id;
}

/// `read` gives the same again, or a refusal that says why. A circle goes through decimal text, which may
/// move its last bit: then only that it can be read.
template <class Read>
void check(const codec::json::value& value, Read read, bool exactly = true) {
  const auto first = read(value);
  if (!first) return require(!first.error().detail.empty());
  const auto again = read(codec::to_content(*first));
  require(again.has_value());
  if (exactly) require(*again == *first);
}

bool has_circle(const codec::json::value& value) {
  const auto request = codec::read_decision_request(value);
  return request && request->location && request->location->circle;
}

void look_at(char form, const codec::json::value& value) {
  const codec::DecisionRequest decision{.target = "/mn-cse/cse/door", .originator = originator()};
  const codec::PolicyRequest policy{"/mn-cse/cse/door"};
  const codec::InformationRequest information{.originator = originator()};
  switch (form) {
    case 'd':
      return check(value, codec::read_decision_request, !has_circle(value));
    case 'p':
      return check(value, codec::read_policy_request);
    case 'i':
      return check(value, codec::read_information_request);
    case 'D':
      return check(value, [&](const auto& pc) { return codec::read_decision_response(pc, decision); });
    case 'P':
      return check(value, [&](const auto& pc) { return codec::read_policy_response(pc, policy); });
    case 'I':
      return check(value, [&](const auto& pc) { return codec::read_information_response(pc, information); });
    default:
      return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto value = codec::parse_json(latchkey::as_text({data + 1, size - 1}), {});
  if (value) look_at(static_cast<char>(data[0]), *value);
  return 0;
}
