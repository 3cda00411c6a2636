#pragma once
/// <role> resources as values, and whether one counts (TS-0003 7.4.3 step 4; TS-0001 9.6.38, TS-0004 7.4.40).
#include <boost/json/object.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "latchkey/authz/defect.h"
#include "latchkey/base/ids.h"
#include "latchkey/base/time.h"

namespace latchkey::authz {

/// Who may assign roles, and in which domains: the part behind '@' of the Role-IDs and Token-IDs that it
/// issues must be one of these names, exactly.
struct Authority {
  EntityId id;
  std::vector<Fqdn> domains;
};
[[nodiscard]] bool speaks_for(const Authority& authority, std::string_view role_or_token_id);

struct Role {
  std::string role_id;  ///< "<id>@<FQDN>"
  EntityId issuer;      ///< CSE-ID, AE-ID or FQDN
  EntityId holder;      ///< CSE-ID or AE-ID
  TimePoint not_before, not_after;
  std::optional<std::string> role_name, token_link;
  friend bool operator==(const Role&, const Role&) = default;
};

/// From the attributes of a <role> as a repository returns them; attributes that every resource has are not
/// looked at. Defect::claims names the one that is missing or malformed. Pure, thread-safe.
[[nodiscard]] Checked<Role> read_role(const boost::json::object& attributes);
/// The attributes, for the Authorization Authority that creates one (7.4.2.2 step 3).
[[nodiscard]] boost::json::object role_attributes(const Role& role);

/// Issued by one of `authorities`, in a domain of its own; held by exactly the originator; within its period,
/// whose end is excluded. Defects: issuer, domain, holder, not_yet_valid, expired. Pure, thread-safe.
[[nodiscard]] Checked<void> check_role(const Role& role, const EntityId& originator, TimePoint now,
                                       std::span<const Authority> authorities);

}  // namespace latchkey::authz
