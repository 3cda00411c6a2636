#include "latchkey/maf/association.h"

namespace latchkey::maf {

Result<tls::PskCredential> MasterCredentials::look_up(std::string_view identity) const {
  const auto* entry = table_ ? table_->find(identity) : nullptr;
  if (entry == nullptr) return fail(ErrorCode::not_found, "unknown psk_identity");
  if (!entry->entity)
    return fail(ErrorCode::denied, "KmID " + entry->identity.text() + " has no client identity");
  tls::SecurityContext context;
  if (entry->expires_unix) {
    context.valid_until = TimePoint(std::chrono::seconds(*entry->expires_unix));
    if (*context.valid_until <= clock_.now())
      return fail(ErrorCode::expired, "the lifetime of KmID " + entry->identity.text() + " has ended");
  }
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
  auto key = environment_.use_as_psk(entry->key, Suid::Use::maf, now);
  if (!key) return fail("KmID " + entry->identity.text(), key.error());
  context.framework = tls::Framework::provisioned_symmetric_key;
  context.identity = entry->entity;
  context.psk_identity = entry->identity.text();
  context.key_handle = entry->key.name;
  if (auto id = CredentialId::make(CredentialType::km, entry->identity.text()))
    context.credential_id = std::move(*id);
  return tls::PskCredential{std::move(*key), std::move(context)};
}

void MasterCredentials::find(std::string_view identity, std::string_view, Answer answer) {
  answer(look_up(identity));
}

Status MasterCredentials::still_valid(const tls::SecurityContext& context) const {
  if (context.framework != tls::Framework::provisioned_symmetric_key) return {};
  const auto* const entry = table_ ? table_->find(context.psk_identity) : nullptr;
  if (entry == nullptr) return fail(ErrorCode::not_found, "the key of this session was removed");
  if (entry->key.name != context.key_handle || entry->entity != context.identity)
    return fail(ErrorCode::not_found, "the key of this session was replaced");
  return {};
}

Result<tls::SecurityContext> ClientCertificates::map(const pki::TrustStore::Verified& peer) {
  tls::SecurityContext context;
  context.framework = tls::Framework::certificate;
  context.valid_until = peer.valid_until;
  switch (peer.identity.flavour) {
    case pki::Flavour::device:
      if (!peer.identity.device_id)
        return fail(ErrorCode::authentication, "the device certificate names no device");
      context.identity = EntityId(*peer.identity.device_id);
      if (auto id = CredentialId::make(CredentialType::device_certificate, peer.identity.device_id->dotted()))
        context.credential_id = std::move(*id);
      return context;
    case pki::Flavour::ae_id:
      if (!peer.identity.ae_id) return fail(ErrorCode::authentication, "the AE-ID certificate names no AE");
      context.identity = EntityId(*peer.identity.ae_id);
      return context;
    case pki::Flavour::cse_id: {
      auto id = pki::certified_cse_id(peer.identity, home_, in_cse_, false);
      if (!id) return fail(ErrorCode::authentication, "the CSE-ID certificate names no single CSE");
      context.identity = EntityId(std::move(*id));
      return context;
    }
    default:
      return fail(ErrorCode::denied, "a MAF accepts device, AE-ID and CSE-ID certificates only");
  }
}

}  // namespace latchkey::maf
