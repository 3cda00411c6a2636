#include "app_rules.h"

#include <algorithm>

#include "pattern.h"

namespace latchkey::cse {

namespace {

bool list_matches(const Resource& rule, std::string_view name, std::string_view text) {
  const auto* const patterns = rule.list(name);
  return patterns != nullptr && std::ranges::any_of(*patterns, [&](const auto& pattern) {
           return pattern.is_string() && matches_pattern(pattern.get_string(), text);
         });
}

/// The rules that are linked for this CSE.
std::vector<const Resource*> linked_rules(const ResourceTree& tree) {
  std::vector<const Resource*> rules;
  for (const Resource* const node : tree.subscribed_nodes(tree.own())) {
    const auto* const links = node->list("rlk");
    if (links == nullptr) continue;
    for (const auto& link : *links) {
      const auto target = tree.resolve(std::string_view(link.get_string()));
      if (target.resource != nullptr && target.resource->is(codec::Ty::asar))
        rules.push_back(target.resource);
    }
  }
  return rules;
}

/// Those that hold for a credential.
std::vector<const Resource*> rules_for(const ResourceTree& tree, const CredentialId& credential) {
  auto rules = linked_rules(tree);
  std::erase_if(
      rules, [text = credential.text()](const Resource* rule) { return !list_matches(*rule, "apci", text); });
  return rules;
}

}  // namespace

bool has_app_rules(const ResourceTree& tree) { return !tree.subscribed_nodes(tree.own()).empty(); }

bool app_rule_allows(const ResourceTree& tree, const CredentialId& credential, std::string_view app_id,
                     std::string_view ae_stem) {
  return std::ranges::any_of(rules_for(tree, credential), [&](const Resource* rule) {
    return list_matches(*rule, "aai", app_id) && list_matches(*rule, "aae", ae_stem);
  });
}

bool app_rule_names(const ResourceTree& tree, const CredentialId& credential, std::string_view ae_stem) {
  return std::ranges::any_of(rules_for(tree, credential),
                             [&](const Resource* rule) { return list_matches(*rule, "aae", ae_stem); });
}

std::optional<std::vector<std::string>> app_rule_roles(const ResourceTree& tree,
                                                       const std::optional<CredentialId>& credential,
                                                       std::string_view ae_stem) {
  std::optional<std::vector<std::string>> roles;
  for (const Resource* const rule : linked_rules(tree)) {
    const auto* const allowed = rule->list("ari");
    if (allowed == nullptr || !list_matches(*rule, "aae", ae_stem)) continue;
    if (!roles) roles.emplace();
    if (credential && !list_matches(*rule, "apci", credential->text())) continue;
    for (const auto& role : *allowed) roles->emplace_back(role.get_string());
  }
  return roles;
}

std::vector<AeId> app_rule_ae_ids(const ResourceTree& tree, const CredentialId& credential) {
  std::vector<AeId> ids;
  for (const Resource* const rule : rules_for(tree, credential)) {
    const auto* const stems = rule->list("aae");
    if (stems == nullptr) continue;
    for (const auto& stem : *stems) {
      const std::string_view text(stem.get_string());
      if (text.find('*') != std::string_view::npos) continue;
      auto id = AeId::from_stem(text, tree.own());
      if (id && std::ranges::find(ids, *id) == ids.end()) ids.push_back(std::move(*id));
    }
  }
  return ids;
}

}  // namespace latchkey::cse
