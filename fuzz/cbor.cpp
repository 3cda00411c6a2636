// Any octets as CBOR: no crash, and what is accepted reads the same when it is written and read again, in
// CBOR and in JSON.
#include "latchkey/codec/cbor.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latchkey::codec;
  const auto value = parse_cbor({data, size}, {});
  if (!value) return 0;
  const PrimitiveLimits wide{.octets = std::size_t{1} << 24U};
  const auto text = to_text(*value);
  const auto again = parse_cbor(to_cbor(*value), wide);
  const auto in_json = parse_json(text, wide);
  if (!again || to_text(*again) != text || !in_json || to_text(*in_json) != text) std::abort();
  return 0;
}
