#include "latchkey/authz/token_verifier.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "grant_members.h"
#include "token_cache.h"
#include "token_opening.h"
#include "token_trust.h"

namespace latchkey::authz {

std::string_view to_string(TokenClass token_class) noexcept {
  switch (token_class) {
    case TokenClass::unsecured:
      return "unsecured";
    case TokenClass::signature_only:
      return "signature only";
    case TokenClass::encryption_only:
      return "encryption only";
    case TokenClass::sign_then_encrypt:
      return "sign, then encrypt";
  }
  return "unknown class";
}

/// The trust and what was verified under it change together.
struct TokenVerifier::State {
  explicit State(const Limits& limits) : cache(limits.cached_tokens, limits.cached_octets) {}

  mutable std::mutex mutex;  ///< a reader-writer lock would let readers starve configure()
  std::shared_ptr<const TrustIndex> trust = TrustIndex::make({}).value();
  TokenCache cache;
};

TokenVerifier::TokenVerifier(CseId hosting_cse, const ResourceNames& names, const Limits& limits)
    : hosting_cse_(std::move(hosting_cse)),
      names_(names),
      limits_(limits),
      state_(std::make_unique<State>(limits)) {}
TokenVerifier::~TokenVerifier() = default;

Status TokenVerifier::configure(TokenTrust trust) {
  auto index = TrustIndex::make(std::move(trust));
  if (!index) return fail(std::move(index.error()));
  const std::lock_guard lock(state_->mutex);
  state_->trust = std::move(*index);
  state_->cache.clear();
  return {};
}

Checked<std::shared_ptr<const Token>> TokenVerifier::verify(std::string_view jwt, const EntityId& originator,
                                                            TimePoint now) {
  if (jwt.size() > limits_.token_octets)
    return reject(Defect::too_large, "more than " + std::to_string(limits_.token_octets) + " octets");
  std::shared_ptr<const TrustIndex> trust;
  std::shared_ptr<const Token> known;
  {
    const std::lock_guard lock(state_->mutex);
    known = state_->cache.find(jwt);
    if (known == nullptr) trust = state_->trust;
  }
  if (known != nullptr) {
    auto ok = check_content(*known, originator, now);
    if (ok) return known;
    if (ok.error().defect == Defect::expired) forget(jwt);
    return reject(std::move(ok.error()));
  }
  auto token = validate(*trust, jwt, originator, now);
  if (token) keep(*trust, jwt, *token);
  return token;
}

void TokenVerifier::keep(const TrustIndex& trust, std::string_view jwt, std::shared_ptr<const Token> token) {
  const std::lock_guard lock(state_->mutex);
  // Under a trust that has been replaced meanwhile it may serve this request, but none that comes later.
  if (state_->trust.get() == &trust) state_->cache.insert(jwt, std::move(token));
}

void TokenVerifier::forget(std::string_view jwt) {
  const std::lock_guard lock(state_->mutex);
  state_->cache.erase(jwt);
}

Checked<std::shared_ptr<const Token>> TokenVerifier::validate(const TrustIndex& trust, std::string_view jwt,
                                                              const EntityId& originator,
                                                              TimePoint now) const {
  auto claims = open_token(trust, jwt, limits_.token_octets);
  if (!claims) return reject(std::move(claims.error()));
  const auto covers = [&](const std::string& entry) { return audience_covers(entry, hosting_cse_); };
  if (!claims->audience.empty() && std::ranges::none_of(claims->audience, covers))
    return reject(Defect::audience, "", claims->token_id);
  if (auto ok = check_holder_and_period(claims->holder, originator, claims->not_before, claims->not_after,
                                        now, claims->token_id);
      !ok)
    return reject(std::move(ok.error()));
  auto permissions = compile_permissions(*claims, hosting_cse_, names_);
  if (!permissions)
    return reject(Defect::claims, std::move(permissions.error().detail), std::move(claims->token_id));
  return std::make_shared<const Token>(Token{.token_id = std::move(claims->token_id),
                                             .holder = std::move(claims->holder),
                                             .issuer = std::move(claims->issuer),
                                             .not_before = claims->not_before,
                                             .not_after = claims->not_after,
                                             .permissions = std::move(*permissions)});
}

Checked<void> TokenVerifier::check_content(const Token& token, const EntityId& originator, TimePoint now) {
  return check_holder_and_period(token.holder, originator, token.not_before, token.not_after, now,
                                 token.token_id);
}

Checked<TokenClaimSet> TokenVerifier::authenticate(std::string_view jwt) const {
  std::shared_ptr<const TrustIndex> trust;
  {
    const std::lock_guard lock(state_->mutex);
    trust = state_->trust;
  }
  return open_token(*trust, jwt, limits_.token_octets);
}

std::size_t TokenVerifier::cached() const {
  const std::lock_guard lock(state_->mutex);
  return state_->cache.size();
}

}  // namespace latchkey::authz
