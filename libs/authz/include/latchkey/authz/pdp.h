#pragma once
/// The Policy Decision Point: a pure function over compiled rules and a request context
/// (TS-0003 7.1.4, 7.1.5).
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "latchkey/authz/policy.h"
#include "latchkey/base/ids.h"
#include "latchkey/base/time.h"

namespace latchkey::authz {

/// Answers whether an originator is a member of a <group> resource that a rule names (PIP). nullopt: cannot
/// be known, and then the rule does not match (deny). Called only when no cheaper entry decides. No I/O.
class GroupMembership {
 public:
  GroupMembership() = default;
  GroupMembership(const GroupMembership&) = delete;
  GroupMembership& operator=(const GroupMembership&) = delete;
  virtual ~GroupMembership() = default;
  [[nodiscard]] virtual std::optional<bool> is_member(std::string_view group_id,
                                                      const EntityId& originator) const = 0;
};

/// IPv4-mapped or IPv6 address, network order.
using IpAddress = std::array<std::uint8_t, 16>;

/// A circle on the sphere: centre in degrees, radius in metres (Annex F.1.1).
struct Circle {
  double latitude = 0, longitude = 0, radius = 0;
  friend bool operator==(const Circle&, const Circle&) = default;
};
/// A circle that the network watches, and whether the originator is in it now (Annex F.2.1 step 8).
struct WatchedArea {
  Circle circle;
  bool inside = false;
};
struct Location {
  std::optional<std::string> country;                    ///< ISO 3166-1 alpha-2
  std::optional<std::pair<double, double>> coordinates;  ///< latitude, longitude in degrees
  std::vector<WatchedArea> areas;  ///< for these circles the network's word counts, not `coordinates`
};
/// Whether the place is in the circle; nullopt: not known.
[[nodiscard]] std::optional<bool> is_inside(const Location& place, const Circle& circle) noexcept;

/// Tables 7.1.2-1 to 7.1.2-3. Views must outlive the call. An empty originator matches nothing, "all"
/// included.
struct RequestContext {
  const EntityId* originator = nullptr;  ///< identity that matched From; nullptr matches nothing
  std::span<const std::string> roles;    ///< Role-IDs that the originator validly holds
  Op operation = Op::retrieve;
  bool rq_authn = false;           ///< 7.1.2: authenticated, and From equals the authenticated identity
  TimePoint rq_time{};             ///< reception, UTC
  std::optional<IpAddress> rq_ip;  ///< unknown: a rule that needs it does not match
  std::optional<Location> rq_loc;
  std::uint32_t target_type = 0;            ///< type of the resource addressed by To
  std::string_view target_specialization;   ///< mgd or cnd of the target, empty if none
  std::string_view created_specialization;  ///< Create: mgd or cnd in the Content, empty if none
  std::optional<std::uint32_t> child_type;  ///< Create: type to be created
  const GroupMembership* groups = nullptr;
};

/// Why: enough to name the rule without allocating on the permit path.
enum class Reason : std::uint8_t {
  rule,            ///< permitted by rule `rule` of set `set`
  no_policy,       ///< no rule set applies
  no_originator,   ///< the request has no identity
  originator,      ///< no rule names the originator
  operation,       ///< rules name the originator, none the operation
  authentication,  ///< a rule would match but asks for an authenticated originator
  context,         ///< a rule would match but its contexts do not, or cannot be evaluated
  object_details,  ///< a rule would match but not for this child type
};
[[nodiscard]] std::string_view to_string(Reason reason) noexcept;

/// Decision::role where no Role-ID had a part in it.
inline constexpr std::size_t kNoRole = static_cast<std::size_t>(-1);

struct Decision {
  bool permit = false;
  Reason reason = Reason::no_policy;  ///< on deny: the furthest that any rule came
  std::size_t set = 0;                ///< index into `sets`
  std::size_t rule = 0;               ///< index of the rule in that set, as it stands in the resource
  std::size_t role = kNoRole;         ///< index into `roles` of the request, if the rule names a role of it
};

/// Decides one request against the rule sets that apply to its target.
/// TS-0003 7.1.4, 7.1.5: permit-overrides; whatever cannot be determined is Deny.
/// Pure: no I/O, no clock. Thread-safe. Keeps no reference. Cannot fail.
[[nodiscard]] Decision decide(const RequestContext& context, std::span<const RuleSet* const> sets);

/// The Role-IDs in rules that fit the request but for the originator (7.3.2.2 step 2.2.1): with one of them
/// it would be permitted. Each once, at most `limit`, in the order of the rules; looks at every rule.
/// Thread-safe.
[[nodiscard]] std::vector<std::string> roles_that_permit(const RequestContext& context,
                                                         std::span<const RuleSet* const> sets,
                                                         std::size_t limit);

}  // namespace latchkey::authz
