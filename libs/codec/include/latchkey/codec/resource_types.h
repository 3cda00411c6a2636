#pragma once
/// Resource types and their attributes as one table (TS-0004 7.4, TS-0001 9.6): the only place that knows
/// short names, multiplicities and who may set what. Also the Mmaf types (TS-0032), in a number space of
/// their own.
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "latchkey/codec/primitive.h"

namespace latchkey::codec {

/// m2m:resourceType.
enum class Ty : std::uint32_t {
  acp = 1,
  ae = 2,
  cnt = 3,
  cin = 4,
  cse_base = 5,
  grp = 9,
  lcp = 10,
  mssp = 11,
  mgmt_obj = 13,
  nod = 14,
  pch = 15,
  csr = 16,
  req = 17,
  sch = 18,
  asar = 19,
  svsn = 20,
  sub = 23,
  fcnt = 28,
  ts = 29,
  tsi = 30,
  rol = 31,
  tk = 32,
  dac = 34,
  auds = 35,
  aupy = 36,
  auif = 37,
  ae_annc = 10002,
};

enum class Presence : std::uint8_t { mandatory, optional, not_permitted };
enum class ValueKind : std::uint8_t {
  string,
  id,
  uri,
  boolean,
  non_negative_integer,
  positive_integer,
  timestamp,
  string_list,
  id_list,
  uri_list,
  integer_list,
  any,
  access_control_rules,
  event_criteria,
  batch_notify,
  rate_limit,
  object,
  null_or_id /* cr */,
  poa_list,
  hex_binary,
  suid,
  fqdn,
  string_or_list,
  resource_name,
  app_id,
  content_info,
  event_category,
  duration_list,
};

struct AttributeSpec {
  std::string_view short_name, long_name;
  ValueKind kind = ValueKind::any;
  Presence create = Presence::optional, update = Presence::optional;
  bool one = false;         ///< multiplicity 1: an UPDATE to null is refused
  bool implemented = true;  ///< known to the specification but not offered: 5001
  /// Of an integer the range; of a list or of access control rules the number of entries; of hexBinary the
  /// octets.
  std::uint64_t least = 0, most = static_cast<std::uint64_t>(INT64_MAX);
  bool stored = true;     ///< false: exists in requests and answers alone
  bool since_2a = false;  ///< mandatory at CREATE only for an originator that names its release (rvi)
};

struct ResourceTypeSpec {
  std::uint32_t ty = 0;
  std::string_view element;  ///< "m2m:cnt", "sec:mkr"
  std::string_view long_name;
  std::span<const AttributeSpec> attributes;
  std::span<const std::uint32_t> children;  ///< permitted child types
  bool in_only = false;                     ///< created on an IN-CSE only
  bool api_create = true, api_update = true;
  bool has_acpi = true;  ///< else the parent's policy decides
};

/// nullptr: unknown, or not implemented by this CSE (5001 at CREATE).
[[nodiscard]] const ResourceTypeSpec* resource_type(std::uint32_t ty) noexcept;
[[nodiscard]] const ResourceTypeSpec* resource_type(std::string_view element) noexcept;
[[nodiscard]] const AttributeSpec* attribute(const ResourceTypeSpec& type,
                                             std::string_view short_name) noexcept;
[[nodiscard]] std::span<const std::uint32_t> implemented_types() noexcept;  ///< for CSEBase srt

/// Mmaf resource types (TS-0032 as read in TR-0038 7.1.4).
enum class MafTy : std::uint32_t { maf_base = 1, maf_client_reg = 3, symm_key_reg = 5 };
[[nodiscard]] const ResourceTypeSpec* maf_resource_type(std::uint32_t ty) noexcept;

/// Takes the one member of pc, checks its element name against `type`, and every attribute against the table:
/// unknown, not permitted, missing mandatory, wrong type or form: bad_request naming the attribute
/// ("pc.m2m:cnt.mni: ..."); known but not offered: 5001. Access control rules are checked only for being an
/// object with an array `acr`. `rvi` is that of the request: without it (release 1) supportedReleaseVersions
/// may be missing.
[[nodiscard]] Outcome<json::object> check_create(const ResourceTypeSpec& type, const json::value& pc,
                                                 const std::optional<std::string>& rvi = std::nullopt);
/// As above; takes the attributes out of `pc` instead of copying them.
[[nodiscard]] Outcome<json::object> check_create(const ResourceTypeSpec& type, json::value&& pc,
                                                 const std::optional<std::string>& rvi = std::nullopt);
/// As check_create for UPDATE; null deletes an attribute, refused where multiplicity is 1. That acpi stands
/// alone is checked by the CSE, since it is a matter of privileges.
[[nodiscard]] Outcome<json::object> check_update(const ResourceTypeSpec& type, const json::value& pc);
[[nodiscard]] Outcome<json::object> check_update(const ResourceTypeSpec& type, json::value&& pc);

}  // namespace latchkey::codec
