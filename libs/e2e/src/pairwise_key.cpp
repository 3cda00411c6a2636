#include "latchkey/e2e/pairwise_key.h"

#include <algorithm>

#include "latchkey/crypto/derivation.h"

namespace latchkey::e2e {
namespace {

Status check(const PairwiseAttributes& attributes) {
  const auto printable = [](char c) { return c > ' ' && c < 0x7f; };
  if (attributes.id.empty() || attributes.id.size() > kPairwiseIdOctetsMax ||
      !std::ranges::all_of(attributes.id, printable))
    return fail(ErrorCode::invalid_argument, "pairwiseESPrimKeyID is not of 1 to 255 printable characters");
  if (!std::holds_alternative<CseId>(attributes.peer) && !std::holds_alternative<AeId>(attributes.peer))
    return fail(ErrorCode::invalid_argument, "the other end-point of a pairwiseESPrimKey is no AE or CSE");
  if (attributes.suid.use() != Suid::Use::esprim)
    return fail(ErrorCode::invalid_argument,
                "SUID " + std::to_string(attributes.suid.value()) + " is not for ESPrim");
  return {};
}

std::int64_t unix_seconds(TimePoint time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

/// nullptr of what is neither AE nor CSE.
const SpId* sp_of(const EntityId& entity) {
  if (const auto* cse = std::get_if<CseId>(&entity)) return &cse->sp();
  const auto* const ae = std::get_if<AeId>(&entity);
  return ae != nullptr ? &ae->sp() : nullptr;
}

/// The stem by which a registree may call itself (TS-0001 7.2).
bool is_own_stem(std::string_view from, const AeId& ae, const EntityId& receiver) {
  const auto* const cse = std::get_if<CseId>(&receiver);
  if (cse == nullptr || from != ae.stem() || ae.sp() != cse->sp()) return false;
  return ae.sp_assigned() || ae.registrar_stem() == cse->stem();
}

}  // namespace

Result<PairwiseEsPrimKey::Shared> PairwiseEsPrimKey::from_secret(PairwiseAttributes attributes,
                                                                 SecretBytes&& key) {
  if (auto valid = check(attributes); !valid) return fail(std::move(valid.error()));
  if (key.size() < kPairwiseOctetsMin)
    return fail(ErrorCode::invalid_argument, "pairwiseESPrimKey of fewer than 128 bits");
  std::shared_ptr<PairwiseEsPrimKey> made(new PairwiseEsPrimKey(std::move(attributes)));
  made->key_ = std::move(key);
  return Shared(std::move(made));
}

Result<PairwiseEsPrimKey::Shared> PairwiseEsPrimKey::from_environment(
    PairwiseAttributes attributes, std::shared_ptr<const secure_env::SecureEnvironment> environment,
    secure_env::KeyHandle handle, TimePoint now) {
  if (auto valid = check(attributes); !valid) return fail(std::move(valid.error()));
  // hmac() does not ask what a key is for; this does, and what it hands out is wiped at once.
  const auto usable = environment->use_as_psk(handle, Suid::Use::esprim, unix_seconds(now));
  if (!usable) return fail(usable.error());
  if (usable->size() < kPairwiseOctetsMin)
    return fail(ErrorCode::invalid_argument, "pairwiseESPrimKey of fewer than 128 bits");
  std::shared_ptr<PairwiseEsPrimKey> made(new PairwiseEsPrimKey(std::move(attributes)));
  made->environment_ = std::move(environment);
  made->handle_ = std::move(handle);
  return Shared(std::move(made));
}

Result<PairwiseEsPrimKey::Shared> PairwiseEsPrimKey::from_kc(const KeyId& kc_id, const Kc& kc, EntityId peer,
                                                             TimePoint end) {
  if (kc.bytes().size() < kPairwiseOctetsMin)
    return fail(ErrorCode::invalid_argument, "Kc of fewer than 128 bits");
  return from_secret(
      {.id = kc_id.text(), .peer = std::move(peer), .suid = Suid::from(33).value(), .end = end},
      crypto::derive_pairwise_esprim_key(kc));
}

Result<SecretBytes> PairwiseEsPrimKey::session_key(ByteView receiver_rand, ByteView originator_rand) const {
  if (environment_ != nullptr)
    return environment_->hmac(handle_, crypto::session_esprim_input(receiver_rand, originator_rand));
  return crypto::derive_session_esprim_key(key_, receiver_rand, originator_rand);
}

bool names_entity(std::string_view from, const EntityId& entity, const EntityId& receiver) {
  const auto* const ae = std::get_if<AeId>(&entity);
  const auto* const cse = std::get_if<CseId>(&entity);
  if (ae == nullptr && cse == nullptr) return false;
  if (from == to_string(entity)) return true;
  const SpId* const home = sp_of(receiver);
  if (home == nullptr || *sp_of(entity) != *home) return false;
  if (from == (ae != nullptr ? ae->sp_relative() : cse->sp_relative())) return true;
  return ae != nullptr && is_own_stem(from, *ae, receiver);
}

}  // namespace latchkey::e2e
