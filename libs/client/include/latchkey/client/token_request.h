#pragma once
/// The originator's side of Indirect Dynamic Authorization (TS-0003 7.3.2.3 steps 2.4 to 4): from what a
/// denied request was told to a token. What the Hosting CSE secured for the DAS Server is passed on as it is.
#include <string>
#include <vector>

#include "latchkey/codec/dynamic_authorization.h"

namespace latchkey::client {

/// DAS Servers in the Token Request Information of a response (`tqf`), or in that information alone.
/// invalid_argument: there is none, or it cannot be read. Pure.
[[nodiscard]] Result<std::vector<codec::DasInfo>> das_servers_in(const codec::json::value& response,
                                                                 TimePoint now);

/// The NOTIFY that asks this DAS Server, to be sent to it in an association that proves `from` (absolute or
/// SP-relative). invalid_argument: it was told neither in clear nor secured what to ask.
[[nodiscard]] Result<codec::RequestPrimitive> token_request(const codec::DasInfo& das, std::string from);

/// What it answered. denied with the status; invalid_argument: no grant.
[[nodiscard]] Result<codec::TokenGrant> granted_tokens(const codec::ResponsePrimitive& response);

}  // namespace latchkey::client
