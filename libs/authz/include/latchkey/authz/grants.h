#pragma once
/// What the verified tokens and roles of a request add to the decision on one target (TS-0003 7.3.2.5,
/// 7.4.3 step 5).
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/authz/policy.h"
#include "latchkey/authz/token.h"

namespace latchkey::authz {

/// How the hosting CSE names its resources. Implementations are pure and thread-safe.
class ResourceNames {
 public:
  ResourceNames() = default;
  ResourceNames(const ResourceNames&) = delete;
  ResourceNames& operator=(const ResourceNames&) = delete;
  virtual ~ResourceNames() = default;
  /// One text for each name of a resource, whichever form the address has: absolute, SP-relative and
  /// CSE-relative ones of the same path give the same text. nullopt: no resource of this CSE. Must not depend
  /// on which resources exist, for the answer is kept as long as a token: a structured and an unstructured
  /// address of one resource may give two texts.
  [[nodiscard]] virtual std::optional<std::string> normalise(const ResourceAddress& address) const = 0;
};

/// One permission of a token, ready for decisions. Immutable.
struct CompiledPermission {
  bool everywhere = false;               ///< without resourceIDs
  std::vector<std::string> resources;    ///< normalised and sorted; those of other CSEs are left out
  std::shared_ptr<const RuleSet> rules;  ///< nullptr: none
  std::vector<std::string> role_ids;

  /// Step 1: `target` are all names of the target, as ResourceNames gives them. The resource alone, not
  /// those below it.
  [[nodiscard]] bool applies_to(std::span<const std::string_view> target) const;
};

/// A token that passed TokenVerifier: authentic, and for this CSE. Immutable, shared between requests.
struct Token {
  std::string token_id;
  EntityId holder, issuer;
  TimePoint not_before, not_after;
  std::vector<CompiledPermission> permissions;
};

/// Compiles the permissions of a token for the CSE that hosts the resources. Defect::claims names the rule
/// that cannot be read. `hosting_cse` completes SP-relative originators, as in a policy of its own.
[[nodiscard]] Checked<std::vector<CompiledPermission>> compile_permissions(const TokenClaimSet& claims,
                                                                           const CseId& hosting_cse,
                                                                           const ResourceNames& names);

/// Collects for one request and one target. Keeps the tokens alive. Not thread-safe.
///
/// Use: add what the request brought, put roles() into the RequestContext, append sets() to the rule sets of
/// the policies, decide; for a reason append_names() and role_names().
class Grants {
 public:
  /// Of the roles that are added from now on only these count: what the service subscription of the
  /// originator permits (TS-0001 9.6.29).
  void limit_roles(std::span<const std::string> permitted);
  /// The permissions that apply to the target, in their order (steps 2 and 3).
  void add(std::shared_ptr<const Token> token, std::span<const std::string_view> target);
  /// A Role-ID that a <role> resource backs; `source` names that resource in reasons.
  void add_role(std::string role_id, std::string source);

  [[nodiscard]] std::span<const RuleSet* const> sets() const noexcept { return sets_; }
  /// Valid for RequestContext::roles until the next change of this object.
  [[nodiscard]] std::span<const std::string> roles() const noexcept {
    return merged_.empty() ? shared_ : std::span<const std::string>(merged_);
  }
  /// For each of sets() its name, "token 12@das.example permission 0".
  void append_names(std::vector<std::string>& names) const;
  /// For each of roles() "role admin@das.example of token 12@das.example", for summarize() and explain().
  [[nodiscard]] std::vector<std::string> role_names() const;

 private:
  struct RoleSource {
    std::size_t first = 0;  ///< of roles()
    std::string_view token_id;
    std::string resource;  ///< if it is no token
  };
  struct SetSource {
    std::string_view token_id;
    std::size_t permission = 0;
  };
  void append(std::span<const std::string> role_ids);
  [[nodiscard]] bool counts(const std::string& role_id) const;
  void add_roles(const CompiledPermission& permission, std::string_view token_id);

  std::vector<std::shared_ptr<const Token>> tokens_;
  std::vector<const RuleSet*> sets_;
  std::vector<SetSource> set_sources_;
  std::vector<RoleSource> role_sources_;
  std::span<const std::string> shared_;  ///< roles of one permission alone are not copied
  std::vector<std::string> merged_;
  std::optional<std::vector<std::string>> permitted_;
};

}  // namespace latchkey::authz
