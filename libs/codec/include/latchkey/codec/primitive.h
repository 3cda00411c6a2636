#pragma once
/// Request and response primitives (TS-0004 6.4, 7.2.1) as typed values, independent of binding and
/// serialization.
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/error.h"
#include "latchkey/base/time.h"
#include "latchkey/codec/content.h"
#include "latchkey/codec/status.h"

namespace latchkey::codec {

namespace json = boost::json;

enum class Operation : std::uint8_t { create = 1, retrieve = 2, update = 3, del = 4, notify = 5 };
[[nodiscard]] std::string_view to_string(Operation op) noexcept;  ///< "CREATE" ...

enum class ResultContent : std::uint8_t {
  nothing = 0,
  attributes = 1,
  address = 2,
  address_and_attributes = 3,
  attributes_and_children = 4,
  attributes_and_child_references = 5,
  child_references = 6,
  original_resource = 7,
  children = 8,
  modified_attributes = 9,
};
enum class ResponseMode : std::uint8_t {
  non_blocking_synch = 1,
  non_blocking_asynch = 2,
  blocking = 3,
  flex_blocking = 4
};
enum class FilterUsage : std::uint8_t { discovery = 1, conditional = 2, ipe_on_demand = 3 };

/// filterCriteria (TS-0004 6.3.5.10; short names in brackets). Absent conditions are nullopt or empty.
struct FilterCriteria {
  std::optional<TimePoint> created_before, created_after;            // crb cra
  std::optional<TimePoint> modified_since, unmodified_since;         // ms us
  std::optional<TimePoint> expire_before, expire_after;              // exb exa
  std::optional<std::uint64_t> state_tag_smaller, state_tag_bigger;  // sts stb
  std::optional<std::uint64_t> size_above, size_below;               // sza szb
  std::vector<std::string> labels;                                   // lbl
  std::vector<std::uint32_t> types;                                  // ty
  std::vector<std::string> content_types;                            // cty
  std::vector<std::pair<std::string, std::string>> attributes;       // atr: short name, value with '*'
  std::optional<FilterUsage> usage;                                  // fu
  std::optional<std::uint32_t> limit, level, offset;                 // lim lvl ofst
  bool any = false;                                                  // fo = 2 (OR)

  friend bool operator==(const FilterCriteria&, const FilterCriteria&) = default;
};

struct RequestPrimitive {
  Operation op = Operation::retrieve;
  std::string to;
  std::string from;  ///< empty: absent (AE registration) or "": both match nothing
  std::string rqi;
  std::optional<std::uint32_t> ty;  ///< Create only
  json::value pc;                   ///< null: absent; else an object of exactly one member (TS-0004 8.4)
  std::optional<std::string> rvi;   ///< release version indicator; absent = release 1
  std::optional<ResultContent> rcn;
  std::optional<ResponseMode> rt;
  std::vector<std::string> rt_targets;  ///< responseTypeInfo.nu
  std::optional<TimePoint> ot, rqet, rset, oet;
  std::optional<std::string> rp, gid, vsi;
  std::optional<std::uint32_t> ec;
  std::optional<bool> da, tqi;
  std::optional<FilterCriteria> fc;
  std::optional<std::uint8_t> drt;  ///< 1 structured (default), 2 unstructured
  std::vector<std::string> rids, tkns, tids, ltids;
  std::vector<std::string> atrl;  ///< attribute list of a partial retrieve
  bool confidential = false;  ///< pc holds a key: a binding overwrites what it wrote and pc, not on the wire

  [[nodiscard]] bool is_discovery() const noexcept { return fc && fc->usage == FilterUsage::discovery; }
  friend bool operator==(const RequestPrimitive&, const RequestPrimitive&) = default;
};

struct ResponsePrimitive {
  Rsc rsc = Rsc::internal_server_error;
  std::string rqi;
  Content pc;            ///< null: absent
  std::string to, from;  ///< optional
  std::optional<TimePoint> ot, rset;
  std::optional<std::string> rvi, vsi;
  std::optional<std::uint32_t> ec, cnst, cnot;
  json::value ati, tqf;  ///< assigned token identifiers; token request information
  std::string
      content_location;       ///< address of a created resource, HTTP Content-Location; not in the JSON form
  bool confidential = false;  ///< as in a request

  friend bool operator==(const ResponsePrimitive&, const ResponsePrimitive&) = default;
};

/// Limits that hold before and while a primitive is parsed; a breach is bad_request and names the limit.
struct PrimitiveLimits {
  std::size_t octets = 1U << 20U;
  std::size_t depth = 16;
  std::size_t members = 10'000;  ///< object members and array elements in all
  std::size_t to_octets = 2048;
  std::size_t id_octets = 512;     ///< From, rqi, each token id
  std::size_t list_entries = 256;  ///< rids, tkns, filter lists
};

/// Parses JSON text under the limits; duplicate members, trailing data, invalid UTF-8 are refused.
/// bad_request.
[[nodiscard]] Outcome<json::value> parse_json(std::string_view text, const PrimitiveLimits& limits);
[[nodiscard]] std::string to_text(const json::value& value);
/// The same behind what `out` holds already.
void append_text(std::string& out, const json::value& value);
void append_text(std::string& out, const json::object& value);
/// Overwrites every text in `value`, member names aside, before memory that held a key is given up.
void wipe(json::value& value) noexcept;

/// Whole primitives (MQTT, WebSocket, polling channel), bare or as the one member of {"rqp"|"m2m:rqp": ...},
/// {"rsp"| "m2m:rsp": ...} (TR-0038 7.1.4). Relative times count from `now`. Each refusal names the member:
/// bad_request for an unknown, missing or malformed one (an R3 parameter or value whose feature is not
/// offered: not_implemented). Unknown members of a response are ignored, for a later release may add some.
[[nodiscard]] Outcome<RequestPrimitive> request_from_json(const json::value& value, TimePoint now,
                                                          const PrimitiveLimits& limits);
/// As above; takes the content out of `value` instead of copying it.
[[nodiscard]] Outcome<RequestPrimitive> request_from_json(json::value&& value, TimePoint now,
                                                          const PrimitiveLimits& limits);
[[nodiscard]] json::object to_json(const RequestPrimitive& request);
[[nodiscard]] Outcome<ResponsePrimitive> response_from_json(const json::value& value,
                                                            const PrimitiveLimits& limits);
[[nodiscard]] json::object to_json(const ResponsePrimitive& response);

/// filterCriteria alone (TS-0004 6.3.5.10), with the same rules as in a primitive.
[[nodiscard]] Outcome<FilterCriteria> filter_criteria_from_json(const json::value& value,
                                                                const PrimitiveLimits& limits);
[[nodiscard]] json::object to_json(const FilterCriteria& criteria);

/// TS-0004 7.3.2.1 and the tables of parameters per operation (7.2.1, 7.3.3): combinations that no receiver
/// may accept. In this order: unsupported rvi 4001 (absent: release 1, accepted), passed rqet 4008, rcn not
/// allowed for the operation, ty missing or outside Create, fc in Create or Notify, other parameters and
/// content that the operation does not permit or demands, From missing except in AE registration: all 4000.
/// The Mmaf interface uses rcn 7 for every operation (TR-0038 7.1.4): a MAF replaces it by 1 before it calls
/// this.
[[nodiscard]] Outcome<void> check_request(const RequestPrimitive& request, TimePoint now);

/// Error response with m2m:dbg text of at most 512 octets; it answers in the release of the request.
[[nodiscard]] ResponsePrimitive refusal_response(const RequestPrimitive& request, const Refusal& refusal);

}  // namespace latchkey::codec
