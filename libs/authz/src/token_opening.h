#pragma once
/// Step 1 of TS-0003 7.3.2.5 (security validation) and the issuer check of step 2: from a JWT to the claims
/// of an issuer that is trusted.
#include <string_view>

#include "latchkey/authz/token.h"
#include "token_trust.h"

namespace latchkey::authz {

/// Nothing of the claims is looked at before the token is authentic, `iss` of unsecured ones excepted.
[[nodiscard]] Checked<TokenClaimSet> open_token(const TrustIndex& trust, std::string_view jwt,
                                                std::size_t octets_max);

}  // namespace latchkey::authz
