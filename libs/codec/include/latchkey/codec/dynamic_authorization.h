#pragma once
/// Messages of dynamic authorization as typed values (TS-0003 7.3.2.2, 7.3.2.3;
/// TS-0004 6.3.5, 6.4.2, 7.5.1.2.10): the one place that knows their short names, for the Hosting CSE and for
/// the DAS Server alike.
///
/// Readers are strict: a member that is unknown, missing, malformed or above a limit is bad_request, and the
/// detail names it by its path ("m2m:seci.dreq.orid[1]: ..."); members of Release 3 features are
/// not_implemented. No value is repeated. Writers write what readers accept: read(write(x)) == x for every x
/// within the limits. All functions are pure and thread-safe.
#include <array>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "latchkey/base/ids.h"
#include "latchkey/base/time.h"
#include "latchkey/codec/primitive.h"

namespace latchkey::codec {

inline constexpr std::string_view kSecurityInfo = "m2m:seci";
/// What a DAS answers an originator with (7.3.2.3 step 3). The standard leaves that exchange open: a name of
/// this project.
inline constexpr std::string_view kTokenGrant = "lky:tkg";
/// What it asks with, where the Hosting CSE secured the question for the DAS alone: a name of this project
/// too.
inline constexpr std::string_view kTokenRequest = "lky:tkr";

inline constexpr std::size_t kDasRolesMax = 100;             ///< orid, rfa
inline constexpr std::size_t kDasTokenIdsMax = 64;           ///< tids
inline constexpr std::size_t kDasTokensMax = 16;             ///< tkns
inline constexpr std::size_t kDasInfosMax = 16;              ///< dasi
inline constexpr std::size_t kLocalTokenIdsMax = 64;         ///< ltia
inline constexpr std::size_t kJwtOctetsMax = 64UL * 1024UL;  ///< one m2m:dynAuthJWT
inline constexpr std::size_t kGrantedRulesMax = 1'000;       ///< gp.acr

/// m2m:locationRegion as the place of one originator: exactly one of the two.
struct OriginatorLocation {
  std::optional<std::string> country;           ///< ISO 3166-1 alpha-2, upper case
  std::optional<std::array<double, 3>> circle;  ///< latitude and longitude in degrees, radius in metres
  friend bool operator==(const OriginatorLocation&, const OriginatorLocation&) = default;
};

/// dasRequest `dreq`, m2m:dynAuthDasRequest (table 7.3.2.2-1). `trt` and `trid` are mandatory in one release
/// and optional in another: absent ones are accepted, and a sender that knows them fills them in.
struct DasRequest {
  EntityId originator;                                        ///< or: AE-ID or CSE-ID; absolute on the wire
  std::optional<std::uint32_t> target_type;                   ///< trt: m2m:resourceType
  Operation operation = Operation::retrieve;                  ///< op
  std::optional<std::array<std::uint8_t, 16>> originator_ip;  ///< oip: network order, IPv4 as IPv4-mapped
  std::optional<OriginatorLocation> originator_location;      ///< olo
  std::vector<std::string> originator_roles;                  ///< orid
  std::optional<TimePoint> request_time;                      ///< rts
  std::optional<std::string> target;                          ///< trid: a resource address
  std::optional<TimePoint> proposed_end;                      ///< ppl, as a point in time
  std::vector<std::string> roles_from_acps;                   ///< rfa
  std::vector<std::string> token_ids;                         ///< tids
  friend bool operator==(const DasRequest&, const DasRequest&) = default;
};

/// dynamicACPInfo `dai` (table 7.3.2.2-2).
struct DynamicAcpInfo {
  json::value privileges;  ///< gp, setOfAcrs {"acr": [...]}: only its frame is checked here; null: absent
  std::optional<TimePoint> end;  ///< pl, as a point in time
  friend bool operator==(const DynamicAcpInfo&, const DynamicAcpInfo&) = default;
};

/// dasResponse `dres`. Neither: the DAS denies.
struct DasResponse {
  std::optional<DynamicAcpInfo> acp;  ///< dai
  std::vector<std::string> tokens;    ///< tkns: form of m2m:dynAuthJWT, not verified
  [[nodiscard]] bool denies() const noexcept { return !acp && tokens.empty(); }
  friend bool operator==(const DasResponse&, const DasResponse&) = default;
};

/// m2m:securityInfoType of Release 2 (TS-0004 6.3.4.2.35).
enum class SecurityInfoType : std::uint8_t {
  das_request = 1,
  das_response = 2,
  rand_object_request = 3,
  rand_object_response = 4,
  esprim_object = 5,
  escertke_message = 6,
};
/// `sit` of the content of a Notify request or response: which reader to call. Unassigned: bad_request; 7 and
/// 8 (Release 3): not_implemented.
[[nodiscard]] Outcome<SecurityInfoType> security_info_type(const json::value& pc);
/// pc of a Notify request or response with `sit` 1 (dreq) or 2 (dres) and nothing else beside. Relative times
/// count from `now`. Other types: bad_request.
using DasMessage = std::variant<DasRequest, DasResponse>;
[[nodiscard]] Outcome<DasMessage> read_das_message(const json::value& pc, TimePoint now);
[[nodiscard]] json::value to_security_info(const DasRequest& request);
[[nodiscard]] json::value to_security_info(const DasResponse& response);

/// The element alone, as it stands in tqf; a refusal begins with the member's name.
[[nodiscard]] Outcome<DasRequest> read_das_request(const json::value& dreq, TimePoint now);
[[nodiscard]] json::object to_json(const DasRequest& request);
[[nodiscard]] Outcome<DasResponse> read_das_response(const json::value& dres, TimePoint now);
[[nodiscard]] json::object to_json(const DasResponse& response);

/// dasInfo `dasi`: one DAS server, and what to ask it, in clear, or secured for it alone.
struct DasInfo {
  std::string uri;                    ///< where the originator finds it
  std::optional<DasRequest> request;  ///< dreq
  std::string secured_request;        ///< sdr, m2m:dynAuthJWT; empty: absent
  friend bool operator==(const DasInfo&, const DasInfo&) = default;
};
/// Token Request Information, ResponsePrimitive::tqf (m2m:dynAuthTokenReqInfo): one entry or more.
[[nodiscard]] Outcome<std::vector<DasInfo>> read_token_request_info(const json::value& tqf, TimePoint now);
[[nodiscard]] json::object to_token_request_info(const std::vector<DasInfo>& das);

/// pc of a NOTIFY that asks `das` for a token (7.3.2.3 step 3): {"lky:tkr": {"sdr": "..."}} where the
/// question is secured, else m2m:seci with `dreq`; null if it has neither.
[[nodiscard]] json::value token_question(const DasInfo& das);
/// Whether `pc` is the former, and its `sdr`, not opened.
[[nodiscard]] bool is_secured_token_request(const json::value& pc) noexcept;
[[nodiscard]] Outcome<std::string> read_secured_token_request(const json::value& pc);

/// One element of Assigned Token Identifiers, ResponsePrimitive::ati (m2m:dynAuthLocalTokenIdAssignments).
struct LocalTokenId {
  std::string local_id;  ///< lti, xs:NCName without ':' (the separator of the HTTP form), at most 64 octets
  std::string token_id;  ///< tkid
  friend bool operator==(const LocalTokenId&, const LocalTokenId&) = default;
};
/// One entry or more; a Local-Token-ID twice is refused.
[[nodiscard]] Outcome<std::vector<LocalTokenId>> read_local_token_ids(const json::value& ati);
[[nodiscard]] json::object to_local_token_ids(const std::vector<LocalTokenId>& assignments);

/// m2m:dynAuthTokenSummary: what a DAS tells of a token without its text. Whole seconds.
struct TokenSummary {
  std::string token_id;               ///< tkid
  TimePoint not_before, not_after;    ///< tknb, tkna
  std::optional<std::string> name;    ///< tknm
  std::vector<std::string> audience;  ///< tkau
  friend bool operator==(const TokenSummary&, const TokenSummary&) = default;
};
[[nodiscard]] Outcome<TokenSummary> read_token_summary(const json::value& summary);
[[nodiscard]] json::object to_json(const TokenSummary& summary);

/// The answer to an originator that asked for a token: each token by its summary, and its text where the DAS
/// hands it out; otherwise the Hosting CSE fetches it by the id.
struct TokenGrant {
  std::vector<TokenSummary> summaries;  ///< tks, one or more
  std::vector<std::string> tokens;      ///< tkns, in the order of `summaries`, all or none
  friend bool operator==(const TokenGrant&, const TokenGrant&) = default;
};
/// pc of that response, {"lky:tkg": {...}}.
[[nodiscard]] Outcome<TokenGrant> read_token_grant(const json::value& pc);
[[nodiscard]] json::value to_content(const TokenGrant& grant);

/// m2m:dynAuthJWT by its form: three or five base64url parts, where the last of three (unsecured JWT) and the
/// second of five may be empty; at most kJwtOctetsMax. Nothing is decoded.
[[nodiscard]] bool is_dyn_auth_jwt(std::string_view text) noexcept;

}  // namespace latchkey::codec
