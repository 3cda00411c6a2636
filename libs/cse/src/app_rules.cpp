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

/// The rules that hold for a credential.
std::vector<const Resource*> rules_for(const ResourceTree& tree, const CredentialId& credential) {
  std::vector<const Resource*> rules;
  const std::string text = credential.text();
  for (const Resource* const node : tree.subscribed_nodes(tree.own())) {
    const auto* const links = node->list("rlk");
    if (links == nullptr) continue;
    for (const auto& link : *links) {
      const auto target = tree.resolve(std::string_view(link.get_string()));
      if (target.resource == nullptr || !target.resource->is(codec::Ty::asar)) continue;
      if (list_matches(*target.resource, "apci", text)) rules.push_back(target.resource);
    }
  }
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
