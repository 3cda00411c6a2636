#pragma once
/// serviceSubscribedAppRules of this CSE (TS-0001 9.6.29, 10.2.2.2; TS-0003 8.2.1): which credential may
/// register which application under which AE-ID, and with which roles it may act. They are linked by rlk of
/// the serviceSubscribedNode whose csi is our CSE-ID.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tree.h"

namespace latchkey::cse {

/// False: no serviceSubscribedNode names this CSE.
[[nodiscard]] bool has_app_rules(const ResourceTree& tree);

/// A rule whose apci, aai and aae all match; a list that is absent matches nothing.
[[nodiscard]] bool app_rule_allows(const ResourceTree& tree, const CredentialId& credential,
                                   std::string_view app_id, std::string_view ae_stem);

/// As above for whatever App-ID: may the holder of the credential act as this AE?
[[nodiscard]] bool app_rule_names(const ResourceTree& tree, const CredentialId& credential,
                                  std::string_view ae_stem);

/// The Role-IDs that an AE registered here may use: ari of the rules that name it, for its
/// credential; all of them where it has none. nullopt: no rule that names it speaks of roles.
[[nodiscard]] std::optional<std::vector<std::string>> app_rule_roles(
    const ResourceTree& tree, const std::optional<CredentialId>& credential, std::string_view ae_stem);

/// The AE-IDs that the rules for this credential spell out; stems with '*' can only be asked for.
[[nodiscard]] std::vector<AeId> app_rule_ae_ids(const ResourceTree& tree, const CredentialId& credential);

}  // namespace latchkey::cse
