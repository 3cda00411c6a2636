#pragma once
/// What a DAS Server is configured to grant (TS-0003 7.3.2.2 step 3.1, 7.4.2.2 step 2), read from a TOML file
/// that people write: [[grant]] for requests, [[role]] for assignments. Nothing that no grant names is
/// granted.
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/authz/pdp.h"
#include "latchkey/base/config.h"
#include "latchkey/codec/dynamic_authorization.h"

namespace latchkey::das {

inline constexpr std::size_t kGrantsMax = 1'000;
inline constexpr std::size_t kRolesMax = 1'000;
inline constexpr std::size_t kTargetsMax = 100;              ///< of one grant
inline constexpr std::chrono::hours kLifetimeMax{24 * 366};  ///< of anything granted

/// "/in-cse/cse/lock/*", "//sp/in-cse/**": an address with '*' within a segment, and '**' as last segment for
/// everything below (one segment or more). Compared with addresses as they are written: a resource has a
/// structured and an unstructured one, and a grant names the one that the Hosting CSE sends.
class TargetPattern {
 public:
  /// SP-relative patterns belong to `home`. invalid_argument says what is wrong.
  [[nodiscard]] static Result<TargetPattern> parse(std::string_view text, const SpId& home);
  /// `address` is absolute.
  [[nodiscard]] bool matches(const ResourceAddress& address) const;

 private:
  std::string sp_, cse_;
  std::vector<std::string> segments_;
  bool below_ = false;
};

enum class Gift : std::uint8_t { policy, token };

struct Grant {
  std::string name;  ///< unique in the file
  Gift gives = Gift::policy;
  std::shared_ptr<const authz::RuleSet>
      conditions;  ///< one rule: originators, operations, windows, places, networks
  std::vector<TargetPattern> targets;
  std::vector<std::uint32_t> target_types;  ///< empty: any
  std::chrono::seconds lifetime{0};
  std::size_t live_max = 1;                    ///< policies and tokens that have not ended, of one originator
  std::uint32_t granted_operations = 0;        ///< accessControlOperations bits; 0: no privileges, roles only
  std::vector<std::string> granted_resources;  ///< of a token; empty: the targeted resource
  std::vector<std::string> granted_roles;      ///< of a token
  boost::json::value contexts;  ///< acco of a granted rule: the grant's own conditions go on to hold
  bool hand_out = true;         ///< to an originator: the token itself, or its id alone
  std::string token_name;
};

/// Which roles may be assigned, to whom and for how long.
struct AssignableRole {
  std::string role_id;
  std::shared_ptr<const authz::RuleSet> holders;
  std::chrono::seconds lifetime{0};
};

/// One request as the DAS knows it: what is not known, or not to be believed, is absent.
struct Query {
  const EntityId* originator = nullptr;
  std::span<const std::string> roles;  ///< that the originator presents and holds
  codec::Operation operation = codec::Operation::retrieve;
  std::optional<ResourceAddress> target;  ///< absolute
  std::optional<std::uint32_t> target_type;
  std::optional<authz::IpAddress> ip;
  std::optional<authz::Location> location;
  TimePoint now{};
  std::optional<TimePoint> proposed_end;
  std::span<const std::string> useful_roles;  ///< rfa: roles that would help; empty: not known
  bool tokens_only = false;                   ///< asked by the originator: there is no CSE to make a policy
};

struct Verdict {
  const Grant* grant = nullptr;    ///< nullptr: denied
  TimePoint end{};                 ///< whole seconds
  std::vector<std::string> roles;  ///< of the grant, those that help
  std::string reason;              ///< one sentence, for the decision log alone
};

/// Immutable, thread-safe, shared as a snapshot.
class Policy {
 public:
  struct Scope {
    SpId home;                  ///< completes SP-relative ids
    std::vector<Fqdn> domains;  ///< of the roles that this DAS may grant
  };
  /// Every problem is recorded in `in`, with its key; then the policy must not be used.
  [[nodiscard]] static std::shared_ptr<const Policy> read(ConfigReader& in, const Scope& scope);
  /// From a file, 1 MiB at most; problems with file, line and key.
  [[nodiscard]] static std::shared_ptr<const Policy> load(const std::string& file, const Scope& scope,
                                                          std::vector<ConfigProblem>& problems);

  /// The first grant, in the order of the file, whose every condition holds. Without one: denied, and the
  /// reason names the grant that came furthest. `live` tells how many gifts of a grant the originator has.
  [[nodiscard]] Verdict decide(const Query& query,
                               const std::function<std::size_t(const std::string&)>& live) const;
  /// 7.4.2.2 step 2. `end` by the lifetime of the role and the wish, whichever is earlier. denied, with the
  /// cause.
  [[nodiscard]] Result<TimePoint> assignable(std::string_view role_id, const EntityId& holder, TimePoint now,
                                             std::optional<std::chrono::seconds> wish) const;

  [[nodiscard]] const std::vector<Grant>& grants() const noexcept { return grants_; }
  [[nodiscard]] const std::vector<AssignableRole>& roles() const noexcept { return roles_; }

 private:
  std::vector<Grant> grants_;
  std::vector<AssignableRole> roles_;
};

/// setOfAcrs of one rule: the originator may do what the grant's privileges say, under the grant's
/// conditions.
[[nodiscard]] boost::json::value granted_privileges(const Grant& grant, const EntityId& originator);

}  // namespace latchkey::das
