#pragma once
/// Request parameters carried as single name=value fields, as the HTTP query string (TS-0009 6.2.2.2) and the
/// CoAP Uri-Query options (TS-0008 6.2.2.4) carry them. The names are the same for both; the percent-decoding
/// and the splitting at '&' belong to the binding. All functions are pure and thread-safe.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "latchkey/base/time.h"
#include "latchkey/codec/primitive.h"

namespace latchkey::codec {

/// Sets the parameter that query field `name` stands for. `decoded_value` is percent-decoded once; in a list
/// the entries are separated by '+' or by the blank that form decoding makes of it. A name that is the short
/// name of a resource attribute becomes an entry of fc.attributes. bad_request, naming the field: an unknown
/// name, a value of wrong form, a field given twice where one value is allowed, a breach of `limits`.
[[nodiscard]] Outcome<void> apply_query_field(RequestPrimitive& request, std::string_view name,
                                              std::string_view decoded_value, TimePoint now,
                                              const PrimitiveLimits& limits);

/// The reverse: the fields of every parameter of `request` that a query carries, values not yet
/// percent-encoded, list entries joined by '+'.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> query_fields(const RequestPrimitive& request);

}  // namespace latchkey::codec
