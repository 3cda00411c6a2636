#include "authorization_resources.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "latchkey/authz/role.h"
#include "latchkey/codec/dynamic_authorization.h"

namespace latchkey::cse {

using codec::refuse;

Outcome<void> check_role(const json::object& attributes) {
  if (const auto role = authz::read_role(attributes); !role)
    return refuse(Rsc::bad_request, "pc.m2m:rol." + role.error().detail);
  return {};
}

namespace {

constexpr std::array<std::string_view, 9> kCopies{"vr",   "tkis", "tkhd", "tknb", "tkna",
                                                  "tknm", "tkau", "tkps", "tkex"};

/// A token for another CSE, of whose issuer nothing is known here.
Outcome<void> accept_unread(const json::object& attributes) {
  if (!codec::is_dyn_auth_jwt(attributes.at("tkob").get_string()))
    return refuse(Rsc::bad_request, "pc.m2m:tk.tkob: no m2m:dynAuthJWT");
  const auto copy = std::ranges::find_if(kCopies, [&](auto name) { return attributes.contains(name); });
  if (copy == kCopies.end()) return {};
  return refuse(Rsc::bad_request, "pc.m2m:tk." + std::string(*copy) +
                                      ": cannot be compared with the token, which is not readable here");
}

}  // namespace

Outcome<void> complete_token(const Authorization& authorization, json::object& attributes) {
  if (!KeyId::parse(std::string_view(attributes.at("tkid").get_string())))
    return refuse(Rsc::bad_request, "pc.m2m:tk.tkid: no m2m:tokenID");
  const auto claims = authorization.authenticate(attributes.at("tkob").get_string());
  if (!claims && claims.error().defect == authz::Defect::unknown_key) return accept_unread(attributes);
  if (!claims)
    return refuse(Rsc::bad_request,
                  "pc.m2m:tk.tkob: " + std::string(authz::to_string(claims.error().defect)));
  auto said = authz::token_attributes(*claims);
  if (said.at("tkid") != attributes.at("tkid"))
    return refuse(Rsc::bad_request, "pc.m2m:tk.tkid: the token says something else");
  for (const auto name : kCopies) {
    const auto* const given = attributes.if_contains(name);
    auto* const claim = said.if_contains(name);
    if (given != nullptr && (claim == nullptr || *given != *claim))
      return refuse(Rsc::bad_request, "pc.m2m:tk." + std::string(name) + ": the token says something else");
    if (claim != nullptr) attributes[name] = std::move(*claim);
  }
  return {};
}

Outcome<void> check_consultation(const CseOptions& options, const json::object& attributes) {
  const auto* const points = attributes.if_contains("dap");
  if (points == nullptr || !points->is_array()) return {};
  const auto known = [&](const json::value& point) {
    return std::ranges::find(options.das_servers, std::string_view(point.get_string()),
                             &CseOptions::DasServer::point_of_access) != options.das_servers.end();
  };
  if (std::ranges::any_of(points->get_array(), known)) return {};
  return refuse(Rsc::bad_request, "pc.m2m:dac.dap: no DAS Server that this CSE is configured for");
}

}  // namespace latchkey::cse
