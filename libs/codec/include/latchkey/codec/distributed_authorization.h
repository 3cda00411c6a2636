#pragma once
/// Messages between PEP, PDP, PRP and PIP on different CSEs as typed values (TS-0003 6.2.2, Annex G; Release
/// 3 of TS-0003 7.5, TS-0004 7.4.43 to 7.4.45): the one place that knows their short names, for who asks and
/// for who answers alike. A request is the content of an UPDATE of <authorizationDecision>,
/// <authorizationPolicy> or <authorizationInformation>, its answer the content of the response.
///
/// Readers are strict: a member that is unknown, missing, malformed or above a limit is bad_request, and the
/// detail names it ("m2m:auds.rids[1]: ..."). No value is repeated. Of an answer, what every resource has
/// (ty, ri, ...) is passed over, and what repeats the request must be equal to it. read(write(x)) == x for
/// every x within the limits. All functions are pure and thread-safe.
#include <array>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/ids.h"
#include "latchkey/base/time.h"
#include "latchkey/codec/dynamic_authorization.h"
#include "latchkey/codec/primitive.h"

namespace latchkey::codec {

inline constexpr std::string_view kAuthorizationDecision = "m2m:auds";
inline constexpr std::string_view kAuthorizationPolicy = "m2m:aupy";
inline constexpr std::string_view kAuthorizationInformation = "m2m:auif";

inline constexpr std::size_t kRetrievedPoliciesMax = 64;  ///< ps
inline constexpr std::size_t kInformationMax = 100;       ///< rids, tids, tkns; roles, tokens of an answer

/// m2m:authorizationStatus.
enum class AuthorizationStatus : std::uint8_t {
  ok = 1,
  not_applicable = 2,
  missing_attribute = 3,
  syntax_error = 4,
  processing_error = 5,
};
[[nodiscard]] std::string_view to_string(AuthorizationStatus status) noexcept;  ///< "OK" ...

/// Access control decision request (Annex G; table 7.5.2-1).
struct DecisionRequest {
  std::string target;                              ///< to: a resource address
  EntityId originator;                             ///< fr: AE-ID or CSE-ID; absolute on the wire
  Operation operation = Operation::retrieve;       ///< op
  std::optional<std::uint32_t> created_type;       ///< rrt: of a Create, m2m:resourceType
  std::optional<FilterUsage> filter_usage;         ///< fu
  std::vector<std::string> role_ids;               ///< rids
  std::vector<std::string> token_ids;              ///< tids
  std::vector<std::string> tokens;                 ///< tkns: form of m2m:dynAuthJWT, not verified
  std::optional<TimePoint> request_time;           ///< rtm
  std::optional<OriginatorLocation> location;      ///< olo
  std::optional<std::array<std::uint8_t, 16>> ip;  ///< oip: network order, IPv4 as IPv4-mapped
  friend bool operator==(const DecisionRequest&, const DecisionRequest&) = default;
};
struct DecisionResponse {
  AuthorizationStatus status = AuthorizationStatus::processing_error;  ///< sus
  bool permit = false;                                                 ///< dec; false unless the status is ok
  friend bool operator==(const DecisionResponse&, const DecisionResponse&) = default;
};

/// Access control policy request (table 7.5.3-1).
struct PolicyRequest {
  std::string target;  ///< to
  friend bool operator==(const PolicyRequest&, const PolicyRequest&) = default;
};
/// The algorithm that combines the policies is PERMIT_OVERRIDES (`ca` 1), the only one there is.
struct PolicyResponse {
  AuthorizationStatus status = AuthorizationStatus::processing_error;  ///< sus
  /// ps: privileges of each, setOfAcrs {"acr": [...]} by its frame; none unless the status is ok.
  std::vector<json::value> policies;
  friend bool operator==(const PolicyResponse&, const PolicyResponse&) = default;
};

/// Access control information request (table 7.5.4-1). Neither roles nor tokens: all of the originator.
struct InformationRequest {
  EntityId originator;                 ///< fr
  std::vector<std::string> role_ids;   ///< rids
  std::vector<std::string> token_ids;  ///< tids
  friend bool operator==(const InformationRequest&, const InformationRequest&) = default;
};
struct InformationResponse {
  AuthorizationStatus status = AuthorizationStatus::processing_error;  ///< sus
  /// m2m:rol, m2m:tk: attributes of child resources, not looked into; none unless the status is ok.
  std::vector<json::object> roles, tokens;
  friend bool operator==(const InformationResponse&, const InformationResponse&) = default;
};

[[nodiscard]] Outcome<DecisionRequest> read_decision_request(const json::value& pc);
[[nodiscard]] json::value to_content(const DecisionRequest& request);
[[nodiscard]] Outcome<DecisionResponse> read_decision_response(const json::value& pc,
                                                               const DecisionRequest& request);
[[nodiscard]] json::value to_content(const DecisionResponse& response);

[[nodiscard]] Outcome<PolicyRequest> read_policy_request(const json::value& pc);
[[nodiscard]] json::value to_content(const PolicyRequest& request);
[[nodiscard]] Outcome<PolicyResponse> read_policy_response(const json::value& pc,
                                                           const PolicyRequest& request);
[[nodiscard]] json::value to_content(const PolicyResponse& response);

[[nodiscard]] Outcome<InformationRequest> read_information_request(const json::value& pc);
[[nodiscard]] json::value to_content(const InformationRequest& request);
[[nodiscard]] Outcome<InformationResponse> read_information_response(const json::value& pc,
                                                                     const InformationRequest& request);
[[nodiscard]] json::value to_content(const InformationResponse& response);

}  // namespace latchkey::codec
