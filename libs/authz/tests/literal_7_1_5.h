#pragma once
/// The reference access decision algorithm of TS-0003 7.1.5, written down as the clause reads and evaluated
/// on the JSON of the resource, without any of the code under test. 7.1.4: the real one shall return the
/// same. Readings where the clause is silent: an absent component of a rule is TRUE; a request attribute that
/// is unknown where the rule needs it is FALSE; object details concern Create only and look at the target.
#include <boost/json/value.hpp>
#include <optional>
#include <span>
#include <string_view>

#include "latchkey/authz/pdp.h"
#include "latchkey/base/ids.h"

namespace latchkey::authz::literal {

/// Where the policy is hosted.
struct Host {
  SpId sp;
  std::optional<CseId> cse;
};

/// ismember(Originator, accessControlOriginators) for one entry of the list.
[[nodiscard]] bool is_originator(std::string_view entry, const RequestContext& request, const Host& host);
/// res_acr(k) of one rule, which must be well-formed.
[[nodiscard]] bool res_acr(const boost::json::value& acr, const RequestContext& request, const Host& host);
/// res_acrs of one privileges or selfPrivileges attribute.
[[nodiscard]] bool res_acrs(const boost::json::value& acrs, const RequestContext& request, const Host& host);
/// Permit-overrides over all policies.
[[nodiscard]] bool permit(std::span<const boost::json::value> policies, const RequestContext& request,
                          const Host& host);
/// The furthest that any rule of any policy came; policies without groups only, because whether a group was
/// asked shows in the reason.
[[nodiscard]] Reason reason(std::span<const boost::json::value> policies, const RequestContext& request,
                            const Host& host);

}  // namespace latchkey::authz::literal
