#include "latchkey/authz/token.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <chrono>
#include <cstdint>
#include <utility>

#include "grant_members.h"
#include "latchkey/base/glob.h"
#include "latchkey/codec/primitive.h"
#include "originator.h"

namespace latchkey::authz {
namespace {

namespace json = boost::json;
using codec::Outcome;

constexpr codec::PrimitiveLimits kClaimLimits{.octets = kTokenOctetsMax, .depth = 12, .members = 10'000};
constexpr std::size_t kVersionOctetsMax = 32;
constexpr std::size_t kAudienceOctetsMax = 1024;
constexpr std::int64_t kLatestDate =
    253'402'300'799;  ///< the end of year 9999, which m2m:timestamp can write

/// RFC 7519 NumericDate; a fraction has no form in m2m:timestamp as this software compares it.
Outcome<TimePoint> read_date(const json::value& value, const std::string& where) {
  const auto* const seconds = value.if_int64();
  if (seconds == nullptr || *seconds < 0 || *seconds > kLatestDate)
    return bad_member(where, "is no whole number of seconds from 1970 to 9999");
  return TimePoint(std::chrono::seconds(*seconds));
}

std::int64_t numeric_date(TimePoint time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

/// The SP and the stem of an audience entry, "sp/stem"; either may have '*'.
Result<std::string> audience_pattern(std::string_view entry) {
  if (!entry.starts_with("//")) return fail(ErrorCode::invalid_argument, "is no absolute CSE-ID");
  if (entry.size() > kAudienceOctetsMax) return fail(ErrorCode::limit, "has more than 1024 octets");
  auto kind = classify_absolute(entry);
  if (!kind) return fail(std::move(kind.error()));
  if (kind->kind != OriginatorKind::entity || std::ranges::count(kind->text, '/') != 1)
    return fail(ErrorCode::invalid_argument, "is no absolute CSE-ID");
  return std::move(kind->text);
}

/// Calls `read(element, where)` for each element and collects what it returns.
template <class T, class Read>
Outcome<std::vector<T>> read_each(const json::array& list, const std::string& where, const Read& read) {
  std::vector<T> out;
  out.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto value = read(list[i], element(where, i));
    if (!value) return codec::refuse(std::move(value.error()));
    out.push_back(std::move(*value));
  }
  return out;
}

template <class T, class Read>
Outcome<std::vector<T>> read_list_of(const json::value& value, const std::string& where, std::size_t most,
                                     const Read& read) {
  const auto list = read_list(value, where, most);
  if (!list) return codec::refuse(list.error());
  return read_each<T>(**list, where, read);
}

Outcome<std::string> read_audience_entry(const json::value& value, const std::string& where) {
  const auto text = read_text(value, where);
  if (!text) return codec::refuse(text.error());
  if (const auto pattern = audience_pattern(*text); !pattern)
    return bad_member(where, pattern.error().detail);
  return std::string(*text);
}

/// An array; RFC 7519 4.1.3 lets one entry stand as a string, and many issuers write it so.
Outcome<std::vector<std::string>> read_audience(const json::value& value) {
  if (!value.is_string())
    return read_list_of<std::string>(value, "aud", kTokenAudienceMax, read_audience_entry);
  auto entry = read_audience_entry(value, "aud");
  if (!entry) return codec::refuse(std::move(entry.error()));
  return std::vector<std::string>{std::move(*entry)};
}

Outcome<std::string> read_resource_id(const json::value& value, const std::string& where) {
  const auto text = read_text(value, where);
  if (!text) return codec::refuse(text.error());
  const auto address = ResourceAddress::parse(*text);
  if (!address || !address->attribute.empty()) return bad_member(where, "is no resource id");
  return std::string(*text);
}

Outcome<TokenPermission> read_permission(const json::value& value, const std::string& where) {
  const auto object = read_object(value, where, {"ris", "pv", "rids"});
  if (!object) return codec::refuse(object.error());
  TokenPermission permission;
  if (const auto* const ris = (*object)->if_contains("ris")) {
    auto ids = read_list_of<std::string>(*ris, member(where, "ris"), kTokenResourceIdsMax, read_resource_id);
    if (!ids) return codec::refuse(std::move(ids.error()));
    permission.resource_ids = std::move(*ids);
  }
  if (const auto* const pv = (*object)->if_contains("pv")) {
    if (!pv->is_object()) return bad_member(member(where, "pv"), "is not an object");
    // 7.3.2.5 step 1: rules without resources would apply to everything.
    if (permission.resource_ids.empty()) return bad_member(where, "has privileges without resourceIDs");
    permission.privileges = *pv;
  }
  if (const auto* const rids = (*object)->if_contains("rids")) {
    auto ids = read_list_of<std::string>(*rids, member(where, "rids"), kTokenRoleIdsMax, read_scoped_id);
    if (!ids) return codec::refuse(std::move(ids.error()));
    permission.role_ids = std::move(*ids);
  }
  if (permission.privileges.is_null() && permission.role_ids.empty())
    return bad_member(where, "has neither privileges nor roleIDs");
  return permission;
}

/// `pm` is 0..n in TS-0004, so that an empty list grants nothing.
Outcome<std::vector<TokenPermission>> read_permissions(const json::value& value) {
  const auto object = read_object(value, "tkps", {"pm"});
  if (!object) return codec::refuse(object.error());
  const auto* const pm = (*object)->if_contains("pm");
  if (pm == nullptr || (pm->is_array() && pm->get_array().empty())) return std::vector<TokenPermission>{};
  return read_list_of<TokenPermission>(*pm, "tkps.pm", kTokenPermissionsMax, read_permission);
}

/// `tkvr` of TS-0003, `vr` of later releases.
Outcome<std::string> read_version(const json::object& claims) {
  const auto* const tkvr = claims.if_contains("tkvr");
  const auto* const vr = claims.if_contains("vr");
  if (tkvr != nullptr && vr != nullptr) return bad_member("tkvr", "and vr stand in one token");
  if (vr != nullptr) return read_bounded_text(*vr, "vr", kVersionOctetsMax);
  const auto value = required(claims, "tkvr");
  if (!value) return codec::refuse(value.error());
  return read_bounded_text(**value, "tkvr", kVersionOctetsMax);
}

/// A mandatory member by one of the readers above.
template <class Read>
auto read_required(const json::object& claims, const std::string& name, const Read& read)
    -> decltype(read(claims, name)) {
  const auto value = required(claims, name);
  if (!value) return codec::refuse(value.error());
  return read(**value, name);
}

Outcome<TokenClaimSet> read_mandatory(const json::object& claims) {
  auto version = read_version(claims);
  if (!version) return codec::refuse(std::move(version.error()));
  auto id = read_required(claims, "jti", read_scoped_id);
  if (!id) return codec::refuse(std::move(id.error()));
  const auto entity = [](bool or_fqdn) {
    return [or_fqdn](const json::value& value, const std::string& where) {
      return read_entity(value, where, or_fqdn);
    };
  };
  auto holder = read_required(claims, "azp", entity(false));
  if (!holder) return codec::refuse(std::move(holder.error()));
  auto issuer = read_required(claims, "iss", entity(true));
  if (!issuer) return codec::refuse(std::move(issuer.error()));
  const auto not_before = read_required(claims, "nbf", read_date);
  if (!not_before) return codec::refuse(not_before.error());
  const auto not_after = read_required(claims, "exp", read_date);
  if (!not_after) return codec::refuse(not_after.error());
  if (*not_before >= *not_after) return bad_member("exp", "is not later than nbf");
  return TokenClaimSet{.version = std::move(*version),
                       .token_id = std::move(*id),
                       .holder = std::move(*holder),
                       .issuer = std::move(*issuer),
                       .not_before = *not_before,
                       .not_after = *not_after,
                       .token_name = {},
                       .audience = {},
                       .permissions = {},
                       .extension = {}};
}

Outcome<void> read_optional_text(const json::object& claims, const std::string& name, std::size_t most,
                                 std::optional<std::string>& out) {
  const auto* const value = claims.if_contains(name);
  if (value == nullptr) return {};
  auto text = read_bounded_text(*value, name, most);
  if (!text) return codec::refuse(std::move(text.error()));
  out = std::move(*text);
  return {};
}

Outcome<TokenClaimSet> read_claims(const json::object& claims) {
  auto out = read_mandatory(claims);
  if (!out) return out;
  if (auto read = read_optional_text(claims, "tknm", kTokenNameOctetsMax, out->token_name); !read)
    return codec::refuse(std::move(read.error()));
  if (auto read = read_optional_text(claims, "tkex", kTokenExtensionOctetsMax, out->extension); !read)
    return codec::refuse(std::move(read.error()));
  if (const auto* const aud = claims.if_contains("aud")) {
    auto audience = read_audience(*aud);
    if (!audience) return codec::refuse(std::move(audience.error()));
    out->audience = std::move(*audience);
  }
  if (const auto* const tkps = claims.if_contains("tkps")) {
    auto permissions = read_permissions(*tkps);
    if (!permissions) return codec::refuse(std::move(permissions.error()));
    out->permissions = std::move(*permissions);
  }
  return out;
}

json::array texts(const std::vector<std::string>& list) {
  json::array out;
  out.reserve(list.size());
  for (const auto& text : list) out.emplace_back(text);
  return out;
}

json::object write_permissions(const std::vector<TokenPermission>& permissions) {
  json::array list;
  for (const auto& permission : permissions) {
    json::object object;
    if (!permission.resource_ids.empty()) object["ris"] = texts(permission.resource_ids);
    if (!permission.privileges.is_null()) object["pv"] = permission.privileges;
    if (!permission.role_ids.empty()) object["rids"] = texts(permission.role_ids);
    list.emplace_back(std::move(object));
  }
  return {{"pm", std::move(list)}};
}

/// The optional members, which have the same form in both; the audience has two names.
void write_optional(const TokenClaimSet& claims, const char* audience, json::object& out) {
  if (claims.token_name) out["tknm"] = *claims.token_name;
  if (!claims.audience.empty()) out[audience] = texts(claims.audience);
  if (!claims.permissions.empty()) out["tkps"] = write_permissions(claims.permissions);
  if (claims.extension) out["tkex"] = *claims.extension;
}

}  // namespace

Checked<TokenClaimSet> read_jwt_claims(std::string_view text) {
  const auto value = codec::parse_json(text, kClaimLimits);
  if (!value) return reject(Defect::claims, value.error().detail);
  const auto* const object = value->if_object();
  if (object == nullptr) return reject(Defect::claims, "the claim set is no object");
  auto claims = read_claims(*object);
  if (!claims) return reject(Defect::claims, std::move(claims.error().detail));
  return std::move(*claims);
}

json::object jwt_claims(const TokenClaimSet& claims) {
  json::object out{{"tkvr", claims.version},
                   {"jti", claims.token_id},
                   {"iss", to_string(claims.issuer)},
                   {"azp", to_string(claims.holder)},
                   {"nbf", numeric_date(claims.not_before)},
                   {"exp", numeric_date(claims.not_after)}};
  write_optional(claims, "aud", out);
  return out;
}

json::object token_attributes(const TokenClaimSet& claims) {
  json::object out{{"vr", claims.version},
                   {"tkid", claims.token_id},
                   {"tkis", to_string(claims.issuer)},
                   {"tkhd", to_string(claims.holder)},
                   {"tknb", format_timestamp(claims.not_before)},
                   {"tkna", format_timestamp(claims.not_after)}};
  write_optional(claims, "tkau", out);
  return out;
}

bool audience_covers(std::string_view entry, const CseId& cse) {
  const auto pattern = audience_pattern(entry);
  if (!pattern) return false;
  const auto slash = pattern->find('/');
  const std::string_view text = *pattern;
  return glob(text.substr(0, slash), cse.sp().fqdn().folded()) && glob(text.substr(slash + 1), cse.stem());
}

}  // namespace latchkey::authz
