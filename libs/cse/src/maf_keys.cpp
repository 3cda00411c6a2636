#include "latchkey/cse/maf_keys.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

namespace latchkey::cse {

namespace {

using Found = std::shared_ptr<const MafKey>;

bool is_cse_or_ae(const EntityId& id) {
  return std::holds_alternative<CseId>(id) || std::holds_alternative<AeId>(id);
}

std::string whose(const MafKey& key) {
  if (key.source) return "for " + to_string(*key.source);
  return key.credential_id ? "for credential " + key.credential_id->text() : "for an unknown credential";
}

/// The source's identity and what it proved itself with (8.2.1, 10.4).
void name_source(const client::RetrievedKey& retrieved, const SpId& home, MafKey& key) {
  const auto source = parse_entity_id(retrieved.source, home);
  if (retrieved.source_km_id) {
    if (auto credential = CredentialId::make(CredentialType::km, retrieved.source_km_id->text()))
      key.credential_id = std::move(*credential);
  } else if (source && std::holds_alternative<M2mDeviceId>(*source)) {
    if (auto credential =
            CredentialId::make(CredentialType::device_certificate, std::get<M2mDeviceId>(*source).dotted()))
      key.credential_id = std::move(*credential);
  }
  if (retrieved.source_entity)
    key.source = retrieved.source_entity;
  else if (source && is_cse_or_ae(*source))
    key.source = *source;
}

}  // namespace

struct MafKeys::Impl : std::enable_shared_from_this<Impl> {
  Impl(MafKeyOptions o, const Clock& c, AuditSink& a) : options(std::move(o)), clock(c), audit(a) {}

  struct Maf {
    Fqdn fqdn;  // as configured: what peers write differs in letter case
    FetchKey fetch;
  };
  struct Waiting {
    std::string source;
    Answer answer;
  };

  void ask(const KeyId& id, const std::string& relative, const FetchKey& fetch, std::string_view source,
           Answer answer) {
    const auto name = id.text();
    if (const auto cached = cache.find(name); cached != cache.end()) {
      if (clock.now() < cached->second->end) return answer(cached->second);
      cache.erase(cached);  // ended or not, the MAF may know more
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

  void fetched(const KeyId& id, Result<client::RetrievedKey> retrieved) {
    const auto name = id.text();
    auto checked = retrieved ? check(id, std::move(*retrieved))
                             : Result<Found>(fail("MAF " + id.issuer().text(), retrieved.error()));
    record(checked ? AuditEventId::key_fetch_ok : AuditEventId::key_fetch_failed, name,
           checked ? whose(**checked) : checked.error().detail);
    auto waiting = std::move(fetches[name]);
    fetches.erase(name);
    for (const auto& one : waiting)
      if (--fetching_from[one.source] == 0) fetching_from.erase(one.source);
    if (checked) {
      make_room();
      cache.insert_or_assign(name, *checked);
    } else {
      if (negative.size() >= options.cached_keys) negative.clear();
      negative.insert_or_assign(name, std::pair{clock.now() + options.negative_cache, checked.error()});
    }
    for (auto& one : waiting) one.answer(checked);
  }

  /// 8.2.2.3, 8.4.2 C.6a: the SUID must be that of the use, we must be a target, and the lifetime must not
  /// have ended.
  Result<Found> check(const KeyId& id, client::RetrievedKey retrieved) const {
    const bool alias = retrieved.suid.value() == 11 && options.accept_suid_11_as_32;
    if (retrieved.suid != options.suid && !alias)
      return fail(ErrorCode::denied,
                  "the key is for another use (SUID " + std::to_string(retrieved.suid.value()) + ")");
    if (std::ranges::find(retrieved.targets, EntityId(options.self)) == retrieved.targets.end())
      return fail(ErrorCode::denied, "this CSE is not among the targets of the key");
    if (retrieved.expires <= clock.now())
      return fail(ErrorCode::expired, "the lifetime of this Kc has ended");
    if (retrieved.source_entity && !is_cse_or_ae(*retrieved.source_entity))
      return fail(ErrorCode::denied, "the MAF's identity of the source is neither a CSE-ID nor an AE-ID");
    auto key = std::make_shared<MafKey>(
        MafKey{id, std::move(retrieved.key), retrieved.expires, {}, {}, std::move(retrieved.end_to_end)});
    name_source(retrieved, options.self.sp(), *key);
    return Found(std::move(key));
  }

  /// A key that ended goes first; else any: it can be fetched again.
  void make_room() {
    if (cache.size() < options.cached_keys) return;
    std::erase_if(cache, [now = clock.now()](const auto& entry) { return entry.second->end <= now; });
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

  MafKeyOptions options;
  const Clock& clock;
  AuditSink& audit;
  std::unordered_map<std::string, Maf> mafs;  // by lower-case FQDN
  std::unordered_map<std::string, Found> cache;
  std::unordered_map<std::string, std::pair<TimePoint, Error>> negative;
  std::unordered_map<std::string, std::vector<Waiting>> fetches;
  std::unordered_map<std::string, std::size_t> fetching_from;
};

MafKeys::MafKeys(MafKeyOptions options, const Clock& clock, AuditSink& audit)
    : impl_(std::make_shared<Impl>(std::move(options), clock, audit)) {}
MafKeys::~MafKeys() = default;

void MafKeys::add(const Fqdn& maf, FetchKey fetch) {
  impl_->mafs.insert_or_assign(maf.folded(), Impl::Maf{maf, std::move(fetch)});
}
void MafKeys::add(const Fqdn& maf, std::shared_ptr<client::MafClient> client) {
  add(maf, [client = std::move(client)](const std::string& relative, auto done) {
    client->retrieve_key(relative, std::move(done));
  });
}

void MafKeys::find(std::string_view text, std::string_view source, Answer answer) {
  const auto id = KeyId::parse(text);
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
  impl_->ask(*canonical, *relative, maf->second.fetch, source, std::move(answer));
}

}  // namespace latchkey::cse
