#pragma once
/// The Policy Enforcement Point (TS-0003 6.2.2, 7.1): finds the policies of a target (procedures 3.1), keeps
/// them compiled, and asks authz::decide.
#include <unordered_map>
#include <unordered_set>

#include "core.h"
#include "latchkey/authz/grants.h"
#include "latchkey/codec/dynamic_authorization.h"

namespace latchkey::cse {

/// Members of a <group> as originators: ids that stand in mid, and addresses that must be resolved when
/// asked.
struct GroupMembers {
  std::optional<std::uint64_t> changed;  ///< of the group, when this was read
  std::unordered_set<std::string> ids;   ///< absolute
  std::vector<std::string> addresses;
};

/// What governs a target.
struct Governing {
  std::vector<const authz::RuleSet*> sets;
  std::vector<const Resource*> policies;  ///< the <accessControlPolicy> of each set
  std::vector<std::string> names;         ///< ri of each
  std::optional<std::string> only;        ///< default policy or owner: this absolute id and nobody else
  bool strictly = false;                  ///< `only` holds for the administrator too
  std::uint64_t seen = 0;                 ///< of the references that lead to none of `policies`
  // As long as both hold, the same references lead to the same.
  std::uint64_t generation = 0;        ///< ResourceTree::policy_generation
  TimePoint until = TimePoint::max();  ///< the first of `policies` expires
};

/// Why, in a form that costs nothing to make.
struct Verdict {
  bool permit = false;
  const char* fixed = nullptr;  ///< administrator, creator, ...; else the decision says why
  authz::Decision decision;
  std::optional<authz::Grants>
      grants;                   ///< what tokens and roles added; its sets stand behind those of Governing
  bool from_elsewhere = false;  ///< permitted by what another CSE said; `decision` is on its policies, if any
};

/// Whether privileges of a token count: not where selfPrivileges decide.
enum class Privileges : std::uint8_t { no, yes };

class PolicyEnforcement final : public Access, private authz::GroupMembership {
 public:
  explicit PolicyEnforcement(Core& core) : core_(core) {}

  [[nodiscard]] bool permits(Request& request, const Target& target, authz::Op op,
                             std::optional<std::uint32_t> child_type) override;
  [[nodiscard]] bool would_permit(const Request& request, const Resource& target, authz::Op op,
                                  std::optional<std::uint32_t> child_type) override;
  [[nodiscard]] bool would_permit(const Request& request, const Target& target) override;
  [[nodiscard]] authz::LocationDemand location_demand(const Request& request, const Target& target) override;
  [[nodiscard]] std::vector<std::string> permitting_roles(const Request& request,
                                                          const Target& target) override;
  [[nodiscard]] bool permits_policy_change(Request& request, const Resource& target) override;
  [[nodiscard]] std::vector<const Resource*> policies(const Target& target) override;
  [[nodiscard]] Judgement judge(Request& request, const Target& target,
                                const std::vector<const Resource*>& policies) override;
  void forget(const Resource& resource) override;

  [[nodiscard]] std::string explain(const Request& request, const Target& target, authz::Op op,
                                    std::optional<std::uint32_t> child_type) override;

 private:
  struct Compiled {
    std::shared_ptr<const authz::RuleSet> privileges,
        self_privileges;  ///< null: not readable, contributes nothing
  };
  [[nodiscard]] const Compiled& compiled(const Resource& policy);
  void add(Governing& governing, const Resource& policy, const authz::RuleSet* set) const;
  void add_policies(Governing& governing, const boost::json::array& references, bool self);
  [[nodiscard]] std::shared_ptr<const Governing> governing(const Resource& target, VirtualChild child);
  [[nodiscard]] std::shared_ptr<const Governing> referenced_by(const Resource& resource);
  [[nodiscard]] authz::RequestContext context(const Request& request, const Resource& target, authz::Op op,
                                              std::optional<std::uint32_t> child_type) const;
  [[nodiscard]] Verdict judge(const Request& request, const Governing& governing, const Resource& target,
                              authz::RequestContext context, Privileges privileges) const;
  [[nodiscard]] Verdict judge_here(const Request& request, const Governing& governing, const Resource& target,
                                   authz::RequestContext context, Privileges privileges) const;
  [[nodiscard]] std::optional<authz::Grants> grants_for(const Request& request, const Resource& target) const;
  [[nodiscard]] std::shared_ptr<const Governing> with_granted(const Governing& referenced,
                                                              const std::vector<Resource*>& granted);
  bool enforce(Request& request, const Resource& target, const Governing& governing, const Verdict& verdict);

  [[nodiscard]] std::optional<bool> is_member(std::string_view group_id,
                                              const EntityId& originator) const override;
  [[nodiscard]] const GroupMembers& members(const Resource& group) const;
  /// The <accessControlPolicy> or <group> that an address names, if it is hosted here and has not expired.
  [[nodiscard]] const Resource* live(const Target& target, codec::Ty type) const;

  Core& core_;
  std::unordered_map<const Resource*, Compiled> compiled_;
  mutable std::unordered_map<const Resource*, GroupMembers> members_;
};

/// Discovery is an operation of its own (TS-0003 7.1.3).
[[nodiscard]] authz::Op operation_of(const RequestPrimitive& primitive) noexcept;

/// pv and pvs of an <accessControlPolicy> that is to be stored: 4000 unless both compile.
[[nodiscard]] Outcome<void> check_policy(const json::object& attributes, const CseId& own);

/// The address of the originator's own socket; nullopt when another CSE forwards its request, whose address
/// rq_ip then is (7.1.2: that of the packets which carry the request).
[[nodiscard]] std::optional<authz::IpAddress> own_address(const Request& request) noexcept;

/// Where the originator is, as far as that is known: the point as a circle, else the country. Nobody is
/// asked.
[[nodiscard]] std::optional<codec::OriginatorLocation> known_place(const Request& request);

/// The resource whose policies decide for `resource`: itself, or the nearest above it with policies of its
/// own.
[[nodiscard]] const Resource& governed_by(const Resource& resource) noexcept;

/// The absolute id that an <AE> or <remoteCSE> stands for; empty for other types.
[[nodiscard]] std::string entity_of(const Resource& resource, const CseId& own);

}  // namespace latchkey::cse
