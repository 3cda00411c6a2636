// A token or a role from outside (TS-0003 7.3.2.5, 7.3.2.6, 7.4.3).
// Input: 'c' and a claim set, 'j' and a JWT as it comes in a request, or 'r' and the attributes of a <role>.
#include "latchkey/authz/token.h"

#include <array>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "latchkey/authz/grants.h"
#include "latchkey/authz/pdp.h"
#include "latchkey/authz/role.h"
#include "latchkey/authz/token_verifier.h"
#include "latchkey/codec/primitive.h"

namespace {

using namespace latchkey;

class Names final : public authz::ResourceNames {
 public:
  [[nodiscard]] std::optional<std::string> normalise(const ResourceAddress& address) const override {
    if (address.segments.empty()) return std::nullopt;
    return address.segments.back();
  }
};

const SpId& home() {
  static const auto sp = SpId::parse("//home.example").value();
  return sp;
}
const CseId& cse() {
  static const auto id = CseId::from_stem(home(), "in-cse").value();
  return id;
}

void require(bool holds) {
  if (!holds) std::abort();
}

/// What is read is written and read again as the same; what a token grants never permits anybody but through
/// its rules.
void claims(std::string_view text) {
  static const Names names;
  const auto read = authz::read_jwt_claims(text);
  if (!read) {
    require(read.error().defect == authz::Defect::claims && !read.error().detail.empty());
    return;
  }
  const auto again = authz::read_jwt_claims(boost::json::serialize(authz::jwt_claims(*read)));
  require(again && *again == *read);
  require(authz::token_attributes(*read).size() == authz::jwt_claims(*read).size());
  auto permissions = authz::compile_permissions(*read, cse(), names);
  if (!permissions) return;
  authz::Grants grants;
  grants.add(std::make_shared<const authz::Token>(authz::Token{read->token_id, read->holder, read->issuer,
                                                               read->not_before, read->not_after,
                                                               std::move(*permissions)}),
             std::array<std::string_view, 1>{"lock"});
  authz::RequestContext request;
  request.originator = &read->holder;
  request.roles = grants.roles();
  const auto decision = authz::decide(request, grants.sets());
  require(!decision.permit || decision.set < grants.sets().size());
  require(decision.role == authz::kNoRole || decision.role < grants.role_names().size());
}

authz::TokenTrust trust() {
  static const auto secret = std::make_shared<const SecretBytes>(SecretBytes::copy_of(Bytes(32, 7)));
  authz::TrustedIssuer issuer{
      .authority = {.id = parse_entity_id("//home.example/Sdas", home()).value(),
                    .domains = {Fqdn::parse("das.example").value()}},
      .classes = {authz::TokenClass::unsecured, authz::TokenClass::signature_only,
                  authz::TokenClass::encryption_only, authz::TokenClass::sign_then_encrypt},
      .verification_keys = {{"k", {secret, {jose::SignatureAlg::hs256}}}},
      .shared_keys = {{"k", {secret, {jose::KeyAlg::dir, jose::KeyAlg::a256kw}, {jose::Enc::a256gcm}}}}};
  return {.issuers = {std::move(issuer)}, .own_keys = {}};
}

/// What passed once passes again, from the cache.
void jwt(std::string_view text) {
  static const Names names;
  authz::TokenVerifier verifier(cse(), names);
  require(verifier.configure(trust()).has_value());
  const auto authentic = verifier.authenticate(text);
  const auto holder =
      authentic ? authentic->holder : parse_entity_id("//home.example/in-cse/Cphone", home()).value();
  const auto now = authentic ? authentic->not_before : TimePoint{};
  const auto token = verifier.verify(text, holder, now);
  require(authentic || !token);
  require(verifier.cached() == (token ? 1U : 0U));
  if (token) require(verifier.verify(text, holder, now).value() == *token);
}

void role(std::string_view text) {
  const auto value = codec::parse_json(text, {});
  if (!value || !value->is_object()) return;
  const auto read = authz::read_role(value->get_object());
  if (!read) return;
  const auto again = authz::read_role(authz::role_attributes(*read));
  if (read->not_before == std::chrono::floor<std::chrono::seconds>(read->not_before) &&
      read->not_after == std::chrono::floor<std::chrono::seconds>(read->not_after))
    require(again && *again == *read);
  require(!authz::check_role(*read, read->holder, read->not_before, {}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 80'000) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'c') claims(text);
  if (data[0] == 'j') jwt(text);
  if (data[0] == 'r') role(text);
  return 0;
}
