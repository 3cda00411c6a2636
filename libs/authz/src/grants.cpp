#include "latchkey/authz/grants.h"

#include <algorithm>
#include <utility>

namespace latchkey::authz {

bool CompiledPermission::applies_to(std::span<const std::string_view> target) const {
  return everywhere || std::ranges::any_of(target, [&](std::string_view name) {
           return std::ranges::binary_search(resources, name, std::less<>());
         });
}

namespace {

Checked<CompiledPermission> compile(const TokenPermission& permission, std::size_t index,
                                    const CseId& hosting_cse, const ResourceNames& names) {
  CompiledPermission out;
  out.everywhere = permission.resource_ids.empty();
  out.role_ids = permission.role_ids;
  for (const auto& id : permission.resource_ids) {
    const auto address = ResourceAddress::parse(id);
    auto name = address ? names.normalise(*address) : std::nullopt;
    if (name) out.resources.push_back(std::move(*name));
  }
  std::ranges::sort(out.resources);
  if (permission.privileges.is_null()) return out;
  auto rules = RuleSet::compile(permission.privileges, hosting_cse.sp(), hosting_cse);
  if (!rules)
    return reject(Defect::claims, "tkps.pm[" + std::to_string(index) + "].pv: " + rules.error().detail);
  out.rules = std::move(*rules);
  return out;
}

}  // namespace

Checked<std::vector<CompiledPermission>> compile_permissions(const TokenClaimSet& claims,
                                                             const CseId& hosting_cse,
                                                             const ResourceNames& names) {
  std::vector<CompiledPermission> out;
  out.reserve(claims.permissions.size());
  for (std::size_t i = 0; i < claims.permissions.size(); ++i) {
    auto permission = compile(claims.permissions[i], i, hosting_cse, names);
    if (!permission) return reject(std::move(permission.error()));
    out.push_back(std::move(*permission));
  }
  return out;
}

void Grants::add(std::shared_ptr<const Token> token, std::span<const std::string_view> target) {
  for (std::size_t i = 0; i < token->permissions.size(); ++i) {
    const auto& permission = token->permissions[i];
    if (!permission.applies_to(target)) continue;
    if (permission.rules != nullptr) {
      sets_.push_back(permission.rules.get());
      set_sources_.push_back({token->token_id, i});
    }
    add_roles(permission, token->token_id);
  }
  tokens_.push_back(std::move(token));
}

void Grants::limit_roles(std::span<const std::string> permitted) {
  permitted_.emplace(permitted.begin(), permitted.end());
}

bool Grants::counts(const std::string& role_id) const {
  return !permitted_ || std::ranges::find(*permitted_, role_id) != permitted_->end();
}

void Grants::add_roles(const CompiledPermission& permission, std::string_view token_id) {
  const auto first = roles().size();
  if (permitted_) {
    for (const auto& role_id : permission.role_ids)
      if (counts(role_id)) append({&role_id, 1});
  } else if (roles().empty()) {
    shared_ = permission.role_ids;
  } else {
    append(permission.role_ids);
  }
  if (roles().size() > first) role_sources_.push_back({.first = first, .token_id = token_id, .resource = {}});
}

void Grants::add_role(std::string role_id, std::string source) {
  if (!counts(role_id)) return;
  role_sources_.push_back({.first = roles().size(), .token_id = {}, .resource = std::move(source)});
  append({&role_id, 1});
}

void Grants::append(std::span<const std::string> role_ids) {
  if (merged_.empty()) merged_.assign(shared_.begin(), shared_.end());
  merged_.insert(merged_.end(), role_ids.begin(), role_ids.end());
}

void Grants::append_names(std::vector<std::string>& names) const {
  for (const auto& source : set_sources_)
    names.push_back("token " + std::string(source.token_id) + " permission " +
                    std::to_string(source.permission));
}

std::vector<std::string> Grants::role_names() const {
  std::vector<std::string> names;
  names.reserve(roles().size());
  for (std::size_t i = 0; i < role_sources_.size(); ++i) {
    const auto& source = role_sources_[i];
    const auto end = i + 1 < role_sources_.size() ? role_sources_[i + 1].first : roles().size();
    const auto of = source.token_id.empty() ? source.resource : "token " + std::string(source.token_id);
    for (auto k = source.first; k < end; ++k) names.push_back("role " + roles()[k] + " of " + of);
  }
  return names;
}

}  // namespace latchkey::authz
