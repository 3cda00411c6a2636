#include "latchkey/client/token_request.h"

#include "latchkey/base/bytes.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::client {

Result<std::vector<codec::DasInfo>> das_servers_in(const codec::json::value& response, TimePoint now) {
  const auto* const told = response.is_object() ? response.get_object().if_contains("tqf") : nullptr;
  auto servers = codec::read_token_request_info(told != nullptr ? *told : response, now);
  if (!servers)
    return fail(ErrorCode::invalid_argument, "Token Request Information: " + servers.error().detail);
  return *std::move(servers);
}

Result<codec::RequestPrimitive> token_request(const codec::DasInfo& das, std::string from) {
  codec::RequestPrimitive request;
  request.pc = codec::token_question(das);
  if (request.pc.is_null())
    return fail(ErrorCode::invalid_argument, das.uri + ": nothing is said of what to ask it");
  request.op = codec::Operation::notify;
  request.to = "-";  // the DAS Server at the end of the connection
  request.from = std::move(from);
  request.rqi = to_hex(crypto::random_bytes(8));
  request.rvi = "3";
  return request;
}

Result<codec::TokenGrant> granted_tokens(const codec::ResponsePrimitive& response) {
  if (!codec::is_success(response.rsc)) {
    const auto* const why =
        response.pc.is_object() ? response.pc.get_object().if_contains("m2m:dbg") : nullptr;
    return fail(ErrorCode::denied,
                std::to_string(static_cast<int>(response.rsc)) + " " +
                    std::string(codec::to_string(response.rsc)) +
                    (why != nullptr && why->is_string() ? ": " + std::string(why->get_string()) : ""));
  }
  auto grant = codec::read_token_grant(response.pc);
  if (!grant) return fail(ErrorCode::invalid_argument, "answer of the DAS Server: " + grant.error().detail);
  return *std::move(grant);
}

}  // namespace latchkey::client
