#pragma once
/// One entry of accessControlOriginators, told apart and made canonical (TS-0003 7.1.3, docs/decisions/0005).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "latchkey/base/error.h"
#include "latchkey/base/ids.h"

namespace latchkey::authz {

enum class OriginatorKind : std::uint8_t {
  all,     ///< the reserved word; text is empty
  role,    ///< Role-ID; text as given
  domain,  ///< every AE and CSE of an SP; text is the folded FQDN
  entity,  ///< CSE-ID or AE-ID, exact or with '*'; text is "sp/x" or "sp/cse/x" with a folded SP
  group,   ///< resource id of a <group>; text as given
};

struct Originator {
  OriginatorKind kind = OriginatorKind::all;
  std::string text;
};

/// Tells the kind of `entry`. `home` completes SP-relative forms and S stems, `hosting_cse` C stems. An entry
/// of no known kind is invalid_argument; the detail does not name the member, the caller does. At most 2048
/// octets.
[[nodiscard]] Result<Originator> classify_originator(std::string_view entry, const SpId& home,
                                                     const std::optional<CseId>& hosting_cse);

/// The same for an entry that begins with "//": it names its SP itself.
[[nodiscard]] Result<Originator> classify_absolute(std::string_view text);

}  // namespace latchkey::authz
