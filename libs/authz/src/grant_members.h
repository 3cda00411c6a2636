#pragma once
/// Members that tokens and roles have in common, read strictly.
#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "json_members.h"
#include "latchkey/authz/defect.h"
#include "latchkey/base/ids.h"
#include "latchkey/base/time.h"

namespace latchkey::authz {

/// The member, which must be there.
[[nodiscard]] codec::Outcome<const boost::json::value*> required(const boost::json::object& object,
                                                                 std::string_view name);
/// 1 to `most` octets.
[[nodiscard]] codec::Outcome<std::string> read_bounded_text(const boost::json::value& value,
                                                            const std::string& where, std::size_t most);
/// A CSE-ID or AE-ID in absolute form, written exactly as this software writes it, so that equal ids are
/// equal texts (7.3.2.3 step 6.1.3: "shall exactly match"). With `or_fqdn` also a lower-case FQDN.
[[nodiscard]] codec::Outcome<EntityId> read_entity(const boost::json::value& value, const std::string& where,
                                                   bool or_fqdn);
/// m2m:tokenID and m2m:roleID: "<id>@<FQDN>".
[[nodiscard]] codec::Outcome<std::string> read_scoped_id(const boost::json::value& value,
                                                         const std::string& where);
/// 7.3.2.5, 7.4.3 step 4: the holder is the originator, and `now` lies within the period, its end excluded
/// (RFC 7519 4.1.4).
[[nodiscard]] Checked<void> check_holder_and_period(const EntityId& holder, const EntityId& originator,
                                                    TimePoint not_before, TimePoint not_after, TimePoint now,
                                                    const std::string& id);

}  // namespace latchkey::authz
