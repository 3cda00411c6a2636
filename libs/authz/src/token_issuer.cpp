#include "latchkey/authz/token_issuer.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <utility>

#include "latchkey/authz/policy.h"
#include "latchkey/base/bytes.h"

namespace latchkey::authz {
namespace {

namespace json = boost::json;

tl::unexpected<Error> bad(std::string what) { return fail(ErrorCode::invalid_argument, std::move(what)); }

/// Rules as a CSE of the holder's service provider would compile them.
Status check_rules(const TokenClaimSet& claims) {
  const auto* const cse = std::get_if<CseId>(&claims.holder);
  const auto& sp = cse != nullptr ? cse->sp() : std::get<AeId>(claims.holder).sp();
  for (const auto& permission : claims.permissions) {
    if (permission.privileges.is_null()) continue;
    if (const auto rules = RuleSet::compile(permission.privileges, sp); !rules)
      return bad("token privileges: " + rules.error().detail);
  }
  return {};
}

Status check_domains(const Authority& authority, const TokenClaimSet& claims) {
  if (!speaks_for(authority, claims.token_id)) return bad("the token id is not of a domain of the issuer");
  for (const auto& permission : claims.permissions) {
    if (!std::ranges::all_of(permission.role_ids,
                             [&](const auto& role) { return speaks_for(authority, role); }))
      return bad("a role is not of a domain of the issuer");
  }
  return {};
}

json::object header(std::string_view kid) { return {{"typ", "JWT"}, {"kid", kid}}; }

/// RFC 7519 6.
Result<std::string> protect(const Unsecured&, ByteView claims) {
  const auto text = json::serialize(json::object{{"alg", "none"}, {"typ", "JWT"}});
  return to_base64url(as_bytes(text)) + "." + to_base64url(claims) + ".";
}
Result<std::string> protect(const SignatureOnly& how, ByteView claims) {
  return how.key.sign(header(how.kid), claims);
}
Result<std::string> protect(const EncryptionOnly& how, ByteView claims) {
  return jose::EncryptionKey(how.secret, how.alg, how.enc).seal(header(how.kid), claims);
}
Result<std::string> protect(const SignThenEncrypt& how, ByteView claims) {
  const auto inner = protect(how.inner, claims);
  if (!inner) return inner;
  auto outer = header(how.kid);
  outer["cty"] = "JWT";
  return how.key.seal(std::move(outer), as_bytes(*inner));
}

}  // namespace

Result<std::string> TokenIssuer::issue(const TokenClaimSet& claims) const {
  if (claims.issuer != authority_.id) return bad("the claims name another issuer");
  if (auto ok = check_domains(authority_, claims); !ok) return fail(std::move(ok.error()));
  const auto text = json::serialize(jwt_claims(claims));
  if (const auto read = read_jwt_claims(text); !read) return bad("token claims: " + read.error().detail);
  if (auto ok = check_rules(claims); !ok) return fail(std::move(ok.error()));
  auto jwt = std::visit([&](const auto& how) { return protect(how, as_bytes(text)); }, protection_);
  if (jwt && jwt->size() > kTokenOctetsMax) return fail(ErrorCode::limit, "the token is too long");
  return jwt;
}

}  // namespace latchkey::authz
