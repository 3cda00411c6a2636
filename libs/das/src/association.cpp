#include "latchkey/das/association.h"

namespace latchkey::das {

namespace {

bool is_cse_or_ae(const std::optional<EntityId>& id) {
  return id && (std::holds_alternative<CseId>(*id) || std::holds_alternative<AeId>(*id));
}

}  // namespace

Result<tls::PskCredential> AssociationKeys::look_up(std::string_view identity) const {
  const auto* entry = table_ ? table_->find(identity) : nullptr;
  if (entry == nullptr) return fail(ErrorCode::not_found, "unknown psk_identity");
  const auto name = "KpsaID " + entry->identity.text();
  if (!is_cse_or_ae(entry->entity)) return fail(ErrorCode::denied, name + " has no AE-ID or CSE-ID");
  tls::SecurityContext context;
  if (entry->expires_unix) {
    context.valid_until = TimePoint(std::chrono::seconds(*entry->expires_unix));
    if (*context.valid_until <= clock_.now())
      return fail(ErrorCode::expired, "the lifetime of " + name + " has ended");
  }
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
  auto key = environment_.use_as_psk(entry->key, Suid::Use::saef, now);
  if (!key) return fail(name, key.error());
  context.framework = tls::Framework::provisioned_symmetric_key;
  context.identity = entry->entity;
  context.psk_identity = entry->identity.text();
  context.key_handle = entry->key.name;
  if (auto id = CredentialId::make(CredentialType::kpsa_or_kc, entry->identity.text()))
    context.credential_id = std::move(*id);
  return tls::PskCredential{std::move(*key), std::move(context)};
}

void AssociationKeys::find(std::string_view identity, std::string_view, Answer answer) {
  answer(look_up(identity));
}

Status AssociationKeys::still_valid(const tls::SecurityContext& context) const {
  if (context.framework != tls::Framework::provisioned_symmetric_key) return {};
  const auto* const entry = table_ ? table_->find(context.psk_identity) : nullptr;
  if (entry == nullptr) return fail(ErrorCode::not_found, "the key of this session was removed");
  if (entry->key.name != context.key_handle || entry->entity != context.identity)
    return fail(ErrorCode::not_found, "the key of this session was replaced");
  return {};
}

Result<tls::SecurityContext> AssociationCertificates::map(const pki::TrustStore::Verified& peer) {
  tls::SecurityContext context;
  context.framework = tls::Framework::certificate;
  context.valid_until = peer.valid_until;
  if (peer.identity.flavour == pki::Flavour::ae_id) {
    if (!peer.identity.ae_id) return fail(ErrorCode::authentication, "the AE-ID certificate names no AE");
    context.identity = EntityId(*peer.identity.ae_id);
    return context;
  }
  if (peer.identity.flavour != pki::Flavour::cse_id)
    return fail(ErrorCode::denied, "a DAS Server accepts AE-ID and CSE-ID certificates only");
  auto id = pki::certified_cse_id(peer.identity, home_, in_cse_, false);
  if (!id) return fail(ErrorCode::authentication, "the CSE-ID certificate names no single CSE");
  context.identity = EntityId(std::move(*id));
  return context;
}

}  // namespace latchkey::das
