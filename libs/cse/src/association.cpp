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

bool is_cse_or_ae(const EntityId& id) {
  return std::holds_alternative<CseId>(id) || std::holds_alternative<AeId>(id);
}

}  // namespace

struct KeySource::Impl : std::enable_shared_from_this<Impl> {
  Impl(KeySourceOptions given, const secure_env::SecureEnvironment& e, const Clock& c, AuditSink& a)
      : options(std::move(given)), environment(e), clock(c), audit(a) {}

  struct CachedKey {
    SecretBytes key;
    tls::SecurityContext context;  // without what the app rules say: those may change
  };
  struct Maf {
    Fqdn fqdn;  // as configured: what peers write differs in letter case
    FetchKey fetch;
  };
  struct Waiting {
    std::string source;
    Answer answer;
  };

  // ---- table ----

  Result<tls::PskCredential> from_table(const secure_env::PskEntry& entry) const {
    auto found = tls::provisioned_credential(entry, tls::kProvisionedKey, environment, clock);
    if (found && !found->context.identity)
      if (auto known = identify_by_rules(found->context, rules); !known) return fail(known.error());
    return found;
  }

  // ---- MAF ----

  Result<tls::PskCredential> from_cache(const CachedKey& cached) const {
    auto context = cached.context;
    if (context.valid_until && *context.valid_until <= clock.now())
      return fail(ErrorCode::expired, "the lifetime of this Kc has ended");
    if (!context.identity)
      if (auto known = identify_by_rules(context, rules); !known) return fail(known.error());
    return tls::PskCredential{cached.key.duplicate(), std::move(context)};
  }

  void ask_maf(const KeyId& id, const std::string& relative, const FetchKey& fetch, std::string_view source,
               Answer answer) {
    const auto name = id.text();
    if (const auto cached = cache.find(name); cached != cache.end()) {
      auto credential = from_cache(cached->second);
      // Ended or not, the MAF may know more: only a key that is still good is served from here.
      if (credential || credential.error().code != ErrorCode::expired) return answer(std::move(credential));
      cache.erase(cached);
    }
    if (const auto refused = negative.find(name); refused != negative.end()) {
      if (clock.now() < refused->second.first) return answer(fail(refused->second.second));
      negative.erase(refused);
    }
    const std::string from(source);
    const auto in_use = fetching_from.find(from);
    if (in_use != fetching_from.end() && in_use->second >= options.fetches_per_source)
      return answer(fail(ErrorCode::limit, "too many keys are being fetched for this source"));
    const bool first = !fetches.contains(name);
    if (first && fetches.size() >= options.fetches)
      return answer(fail(ErrorCode::limit, "too many keys are being fetched"));
    ++fetching_from[from];
    fetches[name].push_back(Waiting{from, std::move(answer)});
    if (!first) return;
    record(AuditEventId::key_fetch_started, name, "");
    fetch(relative, [self = shared_from_this(), id](Result<client::RetrievedKey> key) {
      self->fetched(id, std::move(key));
    });
  }

  void fetched(const KeyId& id, Result<client::RetrievedKey> key) {
    const auto name = id.text();
    auto checked =
        key ? check(id, std::move(*key)) : Result<CachedKey>(fail("MAF " + id.issuer().text(), key.error()));
    record(checked ? AuditEventId::key_fetch_ok : AuditEventId::key_fetch_failed, name,
           checked ? to_reason(checked->context) : checked.error().detail);
    auto waiting = std::move(fetches[name]);
    fetches.erase(name);
    for (const auto& one : waiting)
      if (--fetching_from[one.source] == 0) fetching_from.erase(one.source);
    if (!checked) {
      if (negative.size() >= options.cached_keys) negative.clear();
      negative.insert_or_assign(name, std::pair{clock.now() + options.negative_cache, checked.error()});
      for (auto& one : waiting) one.answer(fail(checked.error()));
      return;
    }
    for (auto& one : waiting) one.answer(from_cache(*checked));
    make_room();
    cache.insert_or_assign(name, std::move(*checked));
  }

  /// 8.2.2.3: the SUID must be that of the MAF-based SAEF, we must be a target, and the lifetime must not
  /// have ended.
  Result<CachedKey> check(const KeyId& id, client::RetrievedKey key) const {
    const bool alias = key.suid.value() == 11 && options.accept_suid_11_as_32;
    if (key.suid.value() != 32 && !alias)
      return fail(ErrorCode::denied,
                  "the key is for another use (SUID " + std::to_string(key.suid.value()) + ")");
    if (std::ranges::find(key.targets, EntityId(options.self)) == key.targets.end())
      return fail(ErrorCode::denied, "this CSE is not among the targets of the key");
    if (key.expires <= clock.now()) return fail(ErrorCode::expired, "the lifetime of this Kc has ended");
    if (key.source_entity && !is_cse_or_ae(*key.source_entity))
      return fail(ErrorCode::denied, "the MAF's identity of the source is neither a CSE-ID nor an AE-ID");
    CachedKey out{std::move(key.key).release(), {}};
    out.context.framework = tls::Framework::maf;
    out.context.psk_identity = id.text();
    out.context.valid_until = key.expires;
    name_source(key, out.context);
    return out;
  }

  /// The source's identity: what the MAF was provided with, else an AE-ID or CSE-ID it authenticated as, else
  /// the Credential-ID of what it authenticated with (10.4).
  void name_source(const client::RetrievedKey& key, tls::SecurityContext& context) const {
    const auto source = parse_entity_id(key.source, options.self.sp());
    if (key.source_km_id) {
      if (auto credential = CredentialId::make(CredentialType::km, key.source_km_id->text()))
        context.credential_id = std::move(*credential);
    } else if (source && std::holds_alternative<M2mDeviceId>(*source)) {
      if (auto credential =
              CredentialId::make(CredentialType::device_certificate, std::get<M2mDeviceId>(*source).dotted()))
        context.credential_id = std::move(*credential);
    }
    if (key.source_entity)
      context.identity = key.source_entity;
    else if (source && is_cse_or_ae(*source))
      context.identity = *source;
  }

  static std::string to_reason(const tls::SecurityContext& context) {
    if (context.identity) return "for " + to_string(*context.identity);
    return context.credential_id ? "for credential " + context.credential_id->text()
                                 : "for an unknown credential";
  }

  /// A key that ended goes first; else any: it can be fetched again.
  void make_room() {
    if (cache.size() < options.cached_keys) return;
    std::erase_if(cache,
                  [now = clock.now()](const auto& entry) { return entry.second.context.valid_until <= now; });
    if (!cache.empty() && cache.size() >= options.cached_keys) cache.erase(cache.begin());
  }

  void record(AuditEventId id, const std::string& key, std::string reason) {
    AuditEvent event;
    event.id = id;
    event.time = clock.now();
    event.target = key;
    event.reason = std::move(reason);
    audit.record(std::move(event));
  }

  KeySourceOptions options;
  const secure_env::SecureEnvironment& environment;
  const Clock& clock;
  AuditSink& audit;
  std::shared_ptr<const secure_env::PskTable> table;
  std::unordered_set<AeId>
      bound;  // AE-IDs that the table names; asked on every request of a trusted listener
  AppRules rules;
  std::unordered_map<std::string, Maf> mafs;  // by lower-case FQDN
  std::unordered_map<std::string, CachedKey> cache;
  std::unordered_map<std::string, std::pair<TimePoint, Error>> negative;
  std::unordered_map<std::string, std::vector<Waiting>> fetches;
  std::unordered_map<std::string, std::size_t> fetching_from;
};

KeySource::KeySource(KeySourceOptions options, const secure_env::SecureEnvironment& environment,
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
void KeySource::add_maf(const Fqdn& fqdn, FetchKey fetch) {
  impl_->mafs.insert_or_assign(fqdn.folded(), Impl::Maf{fqdn, std::move(fetch)});
}
void KeySource::add_maf(const Fqdn& fqdn, std::shared_ptr<client::MafClient> maf) {
  add_maf(fqdn, [maf = std::move(maf)](const std::string& relative, auto done) {
    maf->retrieve_key(relative, std::move(done));
  });
}

void KeySource::find(std::string_view identity, std::string_view source, Answer answer) {
  if (impl_->table)
    if (const auto* entry = impl_->table->find(identity)) return answer(impl_->from_table(*entry));
  const auto id = KeyId::parse(identity);
  if (!id) return answer(fail(ErrorCode::not_found, "unknown psk_identity"));
  const auto maf = impl_->mafs.find(id->issuer().folded());
  if (maf == impl_->mafs.end())
    return answer(fail(ErrorCode::not_found, "unknown psk_identity, and its issuer is no configured MAF"));
  const auto relative = id->relative_key_id();
  if (!relative)
    return answer(fail(ErrorCode::invalid_argument,
                       "the relative part of a MAF's Key Identifier must be 32 hex digits"));
  auto canonical = KeyId::make(*relative, maf->second.fqdn);
  if (!canonical) return answer(fail(canonical.error()));
  impl_->ask_maf(*canonical, *relative, maf->second.fetch, source, std::move(answer));
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
