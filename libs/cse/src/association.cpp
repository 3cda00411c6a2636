#include "latchkey/cse/association.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "latchkey/tls/association.h"

namespace latchkey::cse {

namespace {

/// 8.2.1: without an identity of its own the credential's app rules decide; none refuses the handshake.
Status identify_by_rules(tls::SecurityContext& context, const AppRules& rules) {
  if (rules && context.credential_id) context.allowed_ae_ids = rules(*context.credential_id);
  if (context.allowed_ae_ids.empty())
    return fail(
        ErrorCode::denied,
        "no identity is configured for this credential, and no serviceSubscribedAppRule applies to it");
  return {};
}

}  // namespace

struct KeySource::Impl {
  Impl(MafKeyOptions o, const secure_env::SecureEnvironment& e, const Clock& c, AuditSink& a)
      : environment(e), clock(c), maf_keys(std::move(o), c, a) {}

  Result<tls::PskCredential> from_table(const secure_env::PskEntry& entry) const {
    auto found = tls::provisioned_credential(entry, tls::kProvisionedKey, environment, clock);
    if (found && !found->context.identity)
      if (auto known = identify_by_rules(found->context, rules); !known) return fail(known.error());
    return found;
  }

  /// Of a MAF (8.2.2.3).
  Result<tls::PskCredential> from_maf(const MafKey& key) const {
    tls::SecurityContext context;
    context.framework = tls::Framework::maf;
    context.psk_identity = key.id.text();
    context.valid_until = key.end;
    context.credential_id = key.credential_id;
    context.identity = key.source;
    if (!context.identity)
      if (auto known = identify_by_rules(context, rules); !known) return fail(known.error());
    return tls::PskCredential{key.key.bytes().duplicate(), std::move(context)};
  }

  const secure_env::SecureEnvironment& environment;
  const Clock& clock;
  std::shared_ptr<const secure_env::PskTable> table;
  std::unordered_set<AeId>
      bound;  // AE-IDs that the table names; asked on every request of a trusted listener
  AppRules rules;
  MafKeys maf_keys;
};

KeySource::KeySource(MafKeyOptions options, const secure_env::SecureEnvironment& environment,
                     const Clock& clock, AuditSink& audit)
    : impl_(std::make_shared<Impl>(std::move(options), environment, clock, audit)) {}
KeySource::~KeySource() = default;
void KeySource::set_table(std::shared_ptr<const secure_env::PskTable> table) {
  impl_->bound.clear();
  for (const auto& entry : table->entries())
    if (entry.entity && std::holds_alternative<AeId>(*entry.entity))
      impl_->bound.insert(std::get<AeId>(*entry.entity));
  impl_->table = std::move(table);
}
void KeySource::set_app_rules(AppRules rules) { impl_->rules = std::move(rules); }
MafKeys& KeySource::maf_keys() noexcept { return impl_->maf_keys; }

void KeySource::find(std::string_view identity, std::string_view source, Answer answer) {
  if (impl_->table)
    if (const auto* entry = impl_->table->find(identity)) return answer(impl_->from_table(*entry));
  impl_->maf_keys.find(identity, source,
                       [weak = std::weak_ptr<Impl>(impl_),
                        answer = std::move(answer)](Result<std::shared_ptr<const MafKey>> key) mutable {
                         const auto self = weak.lock();
                         if (!key || self == nullptr)
                           return answer(fail(key ? Error{ErrorCode::unavailable, "ended"} : key.error()));
                         answer(self->from_maf(**key));
                       });
}

Status KeySource::still_valid(const tls::SecurityContext& context) const {
  return tls::still_valid(context, impl_->table.get());
}

bool KeySource::binds(const AeId& id) const { return impl_->bound.contains(id); }

Result<tls::SecurityContext> ClientCertificates::map(const pki::TrustStore::Verified& peer) {
  tls::SecurityContext context;
  context.framework = tls::Framework::certificate;
  context.valid_until = peer.valid_until;
  switch (peer.identity.flavour) {
    case pki::Flavour::cse_id: {
      auto id = pki::certified_cse_id(peer.identity, home_, in_cse_, annex_b_);
      if (!id)
        return fail(ErrorCode::authentication, "the CSE-ID certificate names no single CSE of a known form");
      if (auto credential =
              CredentialId::make(CredentialType::cse_id_certificate, peer.identity.dns_names.front()))
        context.credential_id = std::move(*credential);
      context.identity = EntityId(std::move(*id));
      return context;
    }
    case pki::Flavour::ae_id: {
      if (!peer.identity.ae_id) return fail(ErrorCode::authentication, "the AE-ID certificate names no AE");
      context.identity = EntityId(*peer.identity.ae_id);
      return context;
    }
    case pki::Flavour::device: {
      if (!peer.identity.device_id)
        return fail(ErrorCode::authentication, "the device certificate names no device");
      auto credential =
          CredentialId::make(CredentialType::device_certificate, peer.identity.device_id->dotted());
      if (!credential) return fail(credential.error());
      context.credential_id = std::move(*credential);
      if (auto known = identify_by_rules(context, rules_); !known) return fail(known.error());
      return context;
    }
    default:
      return fail(ErrorCode::denied, "a CSE accepts CSE-ID, AE-ID and device certificates only");
  }
}

}  // namespace latchkey::cse
