#include "latchkey/tls/association.h"

#include <string>

namespace latchkey::tls {

Result<PskCredential> provisioned_credential(const secure_env::PskEntry& entry, const KeyUse& use,
                                             const secure_env::SecureEnvironment& environment,
                                             const Clock& clock) {
  const auto name = std::string(use.name) + " " + entry.identity.text();
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock.now().time_since_epoch()).count();
  auto key = environment.use_as_psk(entry.key, use.use, now);
  if (!key) return fail(name, key.error());
  SecurityContext context;
  if (entry.expires_unix) {
    context.valid_until = TimePoint(std::chrono::seconds(*entry.expires_unix));
    if (*context.valid_until <= clock.now())
      return fail(ErrorCode::expired, "the lifetime of " + name + " has ended");
  }
  context.framework = Framework::provisioned_symmetric_key;
  context.identity = entry.entity;
  context.psk_identity = entry.identity.text();
  context.key_handle = entry.key.name;
  if (auto id = CredentialId::make(use.type, entry.identity.text())) context.credential_id = std::move(*id);
  return PskCredential{std::move(*key), std::move(context)};
}

Status still_valid(const SecurityContext& context, const secure_env::PskTable* table) {
  if (context.framework != Framework::provisioned_symmetric_key) return {};
  const auto* const entry = table != nullptr ? table->find(context.psk_identity) : nullptr;
  if (entry == nullptr) return fail(ErrorCode::not_found, "the key of this session was removed");
  if (entry->key.name != context.key_handle || entry->entity != context.identity)
    return fail(ErrorCode::not_found, "the key of this session was replaced");
  return {};
}

Result<PskCredential> TableKeys::look_up(std::string_view identity) const {
  const auto* entry = table_ ? table_->find(identity) : nullptr;
  if (entry == nullptr) return fail(ErrorCode::not_found, "unknown psk_identity");
  const bool admitted =
      entry->entity && (admission_.devices || !std::holds_alternative<M2mDeviceId>(*entry->entity));
  if (!admitted)
    return fail(ErrorCode::denied, std::string(admission_.keys.name) + " " + entry->identity.text() +
                                       " stands for nobody whom " + std::string(admission_.server) +
                                       " admits");
  return provisioned_credential(*entry, admission_.keys, environment_, clock_);
}

void TableKeys::find(std::string_view identity, std::string_view, Answer answer) {
  answer(look_up(identity));
}

Result<SecurityContext> EntityCertificates::map(const pki::TrustStore::Verified& peer) {
  SecurityContext context;
  context.framework = Framework::certificate;
  context.valid_until = peer.valid_until;
  if (auto known = identify(peer.identity, context); !known) return fail(known.error());
  return context;
}

Status EntityCertificates::identify(const pki::CertifiedIdentity& certified, SecurityContext& context) const {
  if (certified.flavour == pki::Flavour::ae_id) {
    if (!certified.ae_id) return fail(ErrorCode::authentication, "the AE-ID certificate names no AE");
    context.identity = EntityId(*certified.ae_id);
    return {};
  }
  if (certified.flavour == pki::Flavour::cse_id) {
    auto id = pki::certified_cse_id(certified, home_, in_cse_, false);
    if (!id) return fail(ErrorCode::authentication, "the CSE-ID certificate names no single CSE");
    context.identity = EntityId(std::move(*id));
    return {};
  }
  if (certified.flavour == pki::Flavour::device && admission_.devices) {
    if (!certified.device_id)
      return fail(ErrorCode::authentication, "the device certificate names no device");
    context.identity = EntityId(*certified.device_id);
    if (auto id = CredentialId::make(CredentialType::device_certificate, certified.device_id->dotted()))
      context.credential_id = std::move(*id);
    return {};
  }
  return fail(ErrorCode::denied, std::string(admission_.server) + " accepts " +
                                     (admission_.devices ? "device, " : "") +
                                     "AE-ID and CSE-ID certificates only");
}

}  // namespace latchkey::tls
