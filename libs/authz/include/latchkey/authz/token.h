#pragma once
/// The m2m:tokenClaimSet as values, and its form as JWT claims (TS-0003 7.3.2.4, 7.3.2.6.2; TS-0004
/// 6.3.5.42). Whether a token is authentic and for whom it is valid: token_verifier.h.
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/authz/defect.h"
#include "latchkey/base/ids.h"
#include "latchkey/base/time.h"

namespace latchkey::authz {

inline constexpr std::size_t kTokenOctetsMax = 64UL * 1024UL;  ///< of a whole JWT
inline constexpr std::size_t kTokenNameOctetsMax = 256;
inline constexpr std::size_t kTokenExtensionOctetsMax = 16UL * 1024UL;
inline constexpr std::size_t kTokenAudienceMax = 256;      ///< entries of `aud`
inline constexpr std::size_t kTokenPermissionsMax = 100;   ///< elements of `pm`
inline constexpr std::size_t kTokenResourceIdsMax = 1000;  ///< of one permission
inline constexpr std::size_t kTokenRoleIdsMax = 100;       ///< of one permission

/// One element of m2m:tokenPermissions.
struct TokenPermission {
  std::vector<std::string> resource_ids;  ///< ris, as written; empty: absent, every resource
  boost::json::value privileges;          ///< pv, a setOfAcrs that compiles; null: absent
  std::vector<std::string> role_ids;      ///< rids, "<id>@<FQDN>"
  friend bool operator==(const TokenPermission&, const TokenPermission&) = default;
};

struct TokenClaimSet {
  std::string version = "1.0.0";  ///< TS-0004 defines no value
  std::string token_id;           ///< "<id>@<FQDN of the issuer>"
  EntityId holder;                ///< CSE-ID or AE-ID
  EntityId issuer;                ///< CSE-ID, AE-ID or FQDN
  TimePoint not_before, not_after;
  std::optional<std::string> token_name;
  std::vector<std::string> audience;  ///< absolute CSE-IDs, '*' allowed in them; empty: every CSE
  std::vector<TokenPermission> permissions;
  std::optional<std::string> extension;
  friend bool operator==(const TokenClaimSet&, const TokenClaimSet&) = default;
};

/// Reverses the mapping of table 7.3.2.6.2-1. Defect::claims, naming the member: one that is missing, of a
/// wrong type, an id that is not absolute and exact, a date that is no whole number of seconds or beyond the
/// year 9999, an empty period or list, privileges without resourceIDs, a permission of neither privileges nor
/// roles, an unknown member within `tkps`, a breach of a limit above, a member twice, nesting deeper than 12.
/// Claims that the table does not name are ignored (RFC 7519 4). The rules of `privileges` are read when they
/// are compiled. Readings: docs/decisions/0010. Pure, thread-safe.
[[nodiscard]] Checked<TokenClaimSet> read_jwt_claims(std::string_view text);

/// The JWT claim set of table 7.3.2.6.2-1. Fractions of a second are cut.
[[nodiscard]] boost::json::object jwt_claims(const TokenClaimSet& claims);

/// The same as attributes of a <token> resource but tokenObject: short names and timestamps of TS-0004.
[[nodiscard]] boost::json::object token_attributes(const TokenClaimSet& claims);

/// An entry of `aud` covers the CSE: absolute form, '*' within its SP or its stem (7.3.2.3 step 6.1.3).
[[nodiscard]] bool audience_covers(std::string_view entry, const CseId& cse);

}  // namespace latchkey::authz
