#include "latchkey/authz/role.h"

#include <algorithm>

#include "grant_members.h"

namespace latchkey::authz {
namespace {

namespace json = boost::json;
using codec::Outcome;

constexpr std::size_t kRoleNameOctetsMax = 256;
constexpr std::size_t kTokenLinkOctetsMax = 2048;

Outcome<TimePoint> read_time(const json::object& attributes, const std::string& name) {
  const auto value = required(attributes, name);
  if (!value) return codec::refuse(value.error());
  const auto text = read_text(**value, name);
  if (!text) return codec::refuse(text.error());
  const auto time = parse_timestamp(*text);
  if (!time) return bad_member(name, "is no timestamp");
  return *time;
}

Outcome<EntityId> read_id(const json::object& attributes, const std::string& name, bool or_fqdn) {
  const auto value = required(attributes, name);
  if (!value) return codec::refuse(value.error());
  return read_entity(**value, name, or_fqdn);
}

Outcome<std::optional<std::string>> read_optional(const json::object& attributes, const std::string& name,
                                                  std::size_t most) {
  const auto* const value = attributes.if_contains(name);
  if (value == nullptr) return std::optional<std::string>{};
  auto text = read_bounded_text(*value, name, most);
  if (!text) return codec::refuse(std::move(text.error()));
  return std::optional(std::move(*text));
}

Outcome<Role> read(const json::object& attributes) {
  const auto rlid = required(attributes, "rlid");
  if (!rlid) return codec::refuse(rlid.error());
  auto id = read_scoped_id(**rlid, "rlid");
  if (!id) return codec::refuse(std::move(id.error()));
  auto issuer = read_id(attributes, "tkis", true);
  if (!issuer) return codec::refuse(std::move(issuer.error()));
  auto holder = read_id(attributes, "tkhd", false);
  if (!holder) return codec::refuse(std::move(holder.error()));
  const auto not_before = read_time(attributes, "tknb");
  if (!not_before) return codec::refuse(not_before.error());
  const auto not_after = read_time(attributes, "tkna");
  if (!not_after) return codec::refuse(not_after.error());
  if (*not_before >= *not_after) return bad_member("tkna", "is not later than tknb");
  auto name = read_optional(attributes, "rlnm", kRoleNameOctetsMax);
  if (!name) return codec::refuse(std::move(name.error()));
  auto link = read_optional(attributes, "rltl", kTokenLinkOctetsMax);
  if (!link) return codec::refuse(std::move(link.error()));
  return Role{.role_id = std::move(*id),
              .issuer = std::move(*issuer),
              .holder = std::move(*holder),
              .not_before = *not_before,
              .not_after = *not_after,
              .role_name = std::move(*name),
              .token_link = std::move(*link)};
}

}  // namespace

bool speaks_for(const Authority& authority, std::string_view role_or_token_id) {
  const auto id = KeyId::parse(role_or_token_id);
  return id && std::ranges::find(authority.domains, id->issuer()) != authority.domains.end();
}

Checked<Role> read_role(const json::object& attributes) {
  auto role = read(attributes);
  if (!role) return reject(Defect::claims, std::move(role.error().detail));
  return std::move(*role);
}

json::object role_attributes(const Role& role) {
  json::object out{{"rlid", role.role_id},
                   {"tkis", to_string(role.issuer)},
                   {"tkhd", to_string(role.holder)},
                   {"tknb", format_timestamp(role.not_before)},
                   {"tkna", format_timestamp(role.not_after)}};
  if (role.role_name) out["rlnm"] = *role.role_name;
  if (role.token_link) out["rltl"] = *role.token_link;
  return out;
}

Checked<void> check_role(const Role& role, const EntityId& originator, TimePoint now,
                         std::span<const Authority> authorities) {
  const auto authority = std::ranges::find(authorities, role.issuer, &Authority::id);
  if (authority == authorities.end())
    return reject(Defect::issuer, "no Authorization Authority", role.role_id);
  if (!speaks_for(*authority, role.role_id)) return reject(Defect::domain, "", role.role_id);
  return check_holder_and_period(role.holder, originator, role.not_before, role.not_after, now, role.role_id);
}

}  // namespace latchkey::authz
