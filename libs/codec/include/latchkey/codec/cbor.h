#pragma once
/// CBOR serialization (TS-0004 8.5, RFC 8949): the structure of JSON with the same short names.
#include <boost/json/value.hpp>

#include "latchkey/base/bytes.h"
#include "latchkey/codec/primitive.h"
#include "latchkey/codec/status.h"

namespace latchkey::codec {

/// One CBOR data item under the limits. Refused, as bad_request: names that are no text or stand twice in a
/// map, invalid UTF-8, byte strings, tags, undefined and other simple values, numbers that JSON cannot hold
/// (NaN, infinities, below -2^63), octets after the item. Arrays, maps and texts of indefinite length are
/// read.
[[nodiscard]] Outcome<boost::json::value> parse_cbor(ByteView octets, const PrimitiveLimits& limits);

/// In the preferred form of RFC 8949 4.1 (shortest heads; floats in 32 bits where that is exact), members in
/// their order.
[[nodiscard]] Bytes to_cbor(const boost::json::value& value);

}  // namespace latchkey::codec
