#include "latchkey/client/maf_client.h"

#include <algorithm>
#include <deque>

#include "latchkey/codec/resource_types.h"
#include "latchkey/crypto/crypto.h"
#include "latchkey/crypto/derivation.h"
#include "mmaf_reading.h"
#include "psk_options.h"

namespace latchkey::client {

namespace {

using codec::Operation;
using codec::ResponsePrimitive;

json::array texts(const std::vector<std::string>& values) {
  json::array out;
  for (const auto& value : values) out.emplace_back(value);
  return out;
}

json::array ids(const std::vector<EntityId>& values) {
  json::array out;
  for (const auto& value : values) out.emplace_back(to_string(value));
  return out;
}

json::value wrapped(std::string_view element, json::object attributes) {
  json::object pc;
  pc[element] = std::move(attributes);
  return pc;
}

Result<std::optional<TimePoint>> optional_expiry(const json::object& attributes, TimePoint now) {
  if (!attributes.contains("et")) return std::optional<TimePoint>();
  const auto expires = future_expiry(attributes, now);
  if (!expires) return fail(expires.error());
  return std::optional(*expires);
}

Result<std::optional<KeyId>> key_id_of(const json::object& attributes, std::string_view name) {
  const auto given = text(attributes, name);
  if (given.empty()) return std::optional<KeyId>();
  auto id = KeyId::parse(given);
  if (!id) return fail(std::string(name), id.error());
  return std::optional(std::move(*id));
}

/// The spelling of a domain name makes no other stakeholder.
bool same_stakeholder(const std::string& a, const std::string& b) {
  const auto first = Fqdn::parse(a), second = Fqdn::parse(b);
  return first && second ? *first == *second : a == b;
}

/// 8.8.2.7: AE-IDs and CSE-IDs, exactly one for SAEF and ESPrim. None is none to check: the MAF supplies
/// them.
Status check_targets(const std::vector<EntityId>& targets, Suid suid) {
  const bool proper = std::ranges::all_of(targets, [](const EntityId& id) {
    return std::holds_alternative<AeId>(id) || std::holds_alternative<CseId>(id);
  });
  if (!proper) return fail(ErrorCode::invalid_argument, "targets: only an AE-ID or a CSE-ID can be one");
  const bool many = suid.use() == Suid::Use::esdata_encryption || suid.use() == Suid::Use::esdata_signature;
  if (!many && targets.size() > 1)
    return fail(ErrorCode::invalid_argument, "targets: exactly one is allowed for this SUID");
  return {};
}

/// 8.6: the TEF makes a key for a profile, or the source brings one with its parameters.
Status check_end_to_end(const KeyRegistrationRequest& request) {
  const auto bad = [](const char* why) { return fail(ErrorCode::invalid_argument, why); };
  if (request.profile && (request.parameters || request.value))
    return bad("profile: the TEF makes the key, so none is given");
  if (!request.parameters) return {};
  if (!request.value) return bad("parameters: those of a key that the source gives");
  if (request.parameters->origin != e2e::MasterOrigin::source)
    return bad("parameters: the source has made no such key");
  if (request.value->size() != crypto::hash_bytes(request.parameters->choice.hash))
    return bad("value: no Ke2e_master of this hash");
  return e2e::check_parameters(*request.parameters, request.suid);
}

}  // namespace

struct MafClient::Impl : std::enable_shared_from_this<Impl> {
  Impl(bind::Reactor& r, MafClientOptions given, AuditSink& audit, const Clock& c)
      : options(std::move(given)), reactor(r), clock(c), http(r, peer(), audit, c) {}
  ~Impl() {
    // Whoever waits for its turn is told too.
    for (auto& one : held) reactor.post([done = std::move(one.done)]() mutable { done(fail(closed())); });
  }

  static Error closed() { return {ErrorCode::unavailable, "the MAF client was closed"}; }

  bind::PeerOptions peer() {
    auto out = options.peer;
    out.connections = 1;  // the exporter belongs to the session that carries the request
    if (options.master)   // 8.8.2.2: psk_identity is KmID, psk is Km
      out.credentials = [this]() -> Result<tls::ClientOptions> {
        return psk_options(options.master->id, options.master->key.bytes(), options.maf, options.home);
      };
    return out;
  }

  // ---- one after the other where the exporter is concerned ----

  /// `done` uses this object for an answer only: an answer comes while it is there.
  using Answered = UniqueFunction<void(Result<ResponsePrimitive>)>;
  struct Held {
    codec::RequestPrimitive request;
    Answered done;
    bool exports = false;
  };

  void send(codec::RequestPrimitive request, Answered done, bool exports = false) {
    held.push_back({std::move(request), std::move(done), exports});
    pump();
  }

  /// A request that exports waits until nothing is under way, for it may need a new session, and what comes
  /// after it waits for it.
  void pump() {
    while (!held.empty() && !exporting && !(held.front().exports && under_way > 0)) {
      auto next = std::move(held.front());
      held.pop_front();
      if (next.exports) {
        export_with(std::move(next));
      } else {
        transmit(std::move(next.request), std::move(next.done));
      }
    }
  }

  void transmit(codec::RequestPrimitive request, Answered done) {
    ++under_way;
    http.send(std::move(request), options.timeout,
              [weak = weak_from_this(), done = std::move(done)](Result<ResponsePrimitive> response) mutable {
                const auto self = weak.lock();
                if (!self) return done(fail(closed()));
                --self->under_way;
                done(std::move(response));
                self->pump();
              });
  }

  /// The session must stand, and must not have been exported from, before the request goes over it.
  void export_with(Held job) {
    exporting = true;
    if (std::exchange(exporter_used, false)) http.disconnect();
    http.connect([weak = weak_from_this(), job = std::move(job)](Status connected) mutable {
      const auto self = weak.lock();
      if (!self || !connected) {
        if (self) self->exporting = false;
        job.done(fail(self ? connected.error() : closed()));
        if (self) self->pump();
        return;
      }
      self->exporter_used = true;
      self->transmit(std::move(job.request),
                     [weak, done = std::move(job.done)](Result<ResponsePrimitive> response) mutable {
                       if (const auto still = weak.lock()) still->exporting = false;
                       done(std::move(response));
                     });
    });
  }

  [[nodiscard]] codec::RequestPrimitive request(Operation op, std::string_view id,
                                                std::optional<codec::MafTy> ty = {},
                                                json::value pc = nullptr) const {
    codec::RequestPrimitive request;
    request.op = op;
    request.to = mmaf::format_address(options.maf, id);
    request.from = std::holds_alternative<M2mDeviceId>(options.client_id)
                       ? std::get<M2mDeviceId>(options.client_id).spaced()
                       : to_string(options.client_id);
    request.rqi = to_hex(crypto::random_bytes(8));
    request.rvi = "2a";
    if (ty) request.ty = static_cast<std::uint32_t>(*ty);
    request.pc = std::move(pc);
    return request;
  }

  // ---- answers ----

  /// For procedures whose answer is success or an error only.
  static Answered expect_success(Done<void> done) {
    return [done = std::move(done)](Result<ResponsePrimitive> response) mutable {
      if (!response) return done(fail(response.error()));
      if (!codec::is_success(response->rsc)) return done(fail(refused(*response)));
      done({});
    };
  }
  /// For the others: `read` makes the value of an answer.
  template <class T, class Read>
  static Answered expect(Done<T> done, Read read) {
    return [done = std::move(done), read = std::move(read)](Result<ResponsePrimitive> response) mutable {
      if (!response) return done(fail(response.error()));
      done(read(std::move(*response)));
    };
  }

  /// 8.8.2.3, 8.8.2.5: KmID of later sessions. The present one goes on.
  void adopt(const std::optional<KeyId>& assigned) {
    if (assigned && options.master) options.master->id = *assigned;
  }

  Status own(const json::object& attributes) const {
    const auto creator = parse_entity_id(text(attributes, "cr"), options.home);
    if (!creator || *creator != options.client_id)
      return fail(ErrorCode::denied, "the MAF's record is that of another client");
    return {};
  }

  Result<MafRegistration> registration_of(ResponsePrimitive response) const {
    auto attributes = attributes_of(std::move(response), mmaf::kClientReg);
    if (!attributes) return fail(attributes.error());
    if (auto ours = own(*attributes); !ours) return fail(ours.error());
    const auto expires = future_expiry(*attributes, clock.now());
    if (!expires) return fail(expires.error());
    auto assigned = key_id_of(*attributes, mmaf::kAssignedKeyId);
    if (!assigned) return fail(assigned.error());
    auto labels = labels_of(*attributes);
    if (!labels) return fail(labels.error());
    MafRegistration out{.id = text(*attributes, "ri"),
                        .expires = *expires,
                        .admin_fqdn = text(*attributes, mmaf::kAdminFqdn),
                        .client_id = text(*attributes, "cr"),
                        .assigned_key_id = std::move(*assigned),
                        .labels = std::move(*labels).value_or(std::vector<std::string>())};
    if (out.id.empty()) return fail(ErrorCode::invalid_argument, "the MAF assigned no registration id");
    return out;
  }

  Result<MafRegistration> registered_client(ResponsePrimitive response, const std::string& admin_fqdn) {
    auto registration = registration_of(std::move(response));
    if (registration && !same_stakeholder(registration->admin_fqdn, admin_fqdn))
      return fail(ErrorCode::denied, "the MAF registered another stakeholder");
    if (registration) adopt(registration->assigned_key_id);
    return registration;
  }

  Result<MafRegistrationChange> registration_change(ResponsePrimitive response) {
    auto attributes = attributes_of(std::move(response), mmaf::kClientReg);
    if (!attributes) return fail(attributes.error());
    auto expires = optional_expiry(*attributes, clock.now());
    if (!expires) return fail(expires.error());
    auto labels = labels_of(*attributes);
    if (!labels) return fail(labels.error());
    auto assigned = key_id_of(*attributes, mmaf::kAssignedKeyId);
    if (!assigned) return fail(assigned.error());
    adopt(*assigned);
    return MafRegistrationChange{*expires, std::move(*labels), std::move(*assigned)};
  }

  /// Looks through one's own registrations, one retrieval each, for the one of `admin_fqdn`.
  void find_among(std::vector<std::string> candidates, std::string admin_fqdn, Done<MafRegistration> done) {
    if (candidates.empty()) return done(fail(ErrorCode::not_found, "no registration for " + admin_fqdn));
    const auto id = candidates.back();
    candidates.pop_back();
    send(request(Operation::retrieve, id),
         [this, candidates = std::move(candidates), admin_fqdn = std::move(admin_fqdn),
          done = std::move(done)](Result<ResponsePrimitive> response) mutable {
           if (!response) return done(fail(response.error()));
           auto registration = registration_of(std::move(*response));
           if (registration && same_stakeholder(registration->admin_fqdn, admin_fqdn))
             return done(std::move(registration));
           find_among(std::move(candidates), std::move(admin_fqdn), std::move(done));
         });
  }

  // ---- keys ----

  /// 8.3.9.9: what must not differ from what was asked.
  Status unchanged(const json::object& attributes, const std::string& admin_fqdn, Suid suid) const {
    const auto answered = suid_of(attributes);
    if (!answered || *answered != suid)
      return fail(ErrorCode::denied, "the MAF registered the key for another use");
    if (!same_stakeholder(text(attributes, mmaf::kAdminFqdn), admin_fqdn))
      return fail(ErrorCode::denied, "the MAF registered the key under another stakeholder");
    return own(attributes);
  }

  /// 10.3.1: both ends export; what the MAF calls the key shows that it has the same.
  Result<SecretBytes> exported_key(const KeyId& id) const {
    auto octets = http.export_key(crypto::kExporterConnection, crypto::kExportedOctets);
    if (!octets) return fail("exporting the key", octets.error());
    auto split = crypto::split_exported(*octets);
    if (!split) return fail(split.error());
    if (to_hex(split->id) != id.relative())
      return fail(ErrorCode::authentication, "the MAF's RelativeKeyID is not the exported one");
    return std::move(split->key);
  }

  Result<RegisteredKey> registered_key(ResponsePrimitive response, KeyRegistrationRequest& request) const {
    auto attributes = attributes_of(std::move(response), mmaf::kKeyReg);
    if (!attributes) return fail(attributes.error());
    if (auto ok = unchanged(*attributes, request.admin_fqdn, request.suid); !ok) return fail(ok.error());
    const auto expires = future_expiry(*attributes, clock.now());
    if (!expires) return fail(expires.error());
    auto targets = targets_of(*attributes, options.home);
    if (!targets) return fail(targets.error());
    if (targets->empty()) return fail(ErrorCode::invalid_argument, "tgis: the MAF names no target");
    auto labels = labels_of(*attributes);
    if (!labels) return fail(labels.error());
    auto id = KeyId::make(text(*attributes, "ri"), options.maf);
    if (!id) return fail("ri", id.error());
    auto parameters = end_to_end_of(*attributes);
    if (!parameters) return fail(parameters.error());
    if (auto ok = agreed(*parameters, request); !ok) return fail(ok.error());
    auto source = source_entity_of(*attributes, options.home);
    if (!source) return fail(source.error());
    auto key = request.value     ? Result<SecretBytes>(std::move(*request.value))
               : request.profile ? extracted_key(**parameters, *id, source->value_or(options.client_id))
                                 : exported_key(*id);
    if (!key) return fail(key.error());
    return RegisteredKey{.id = std::move(*id),
                         .key = Kc(std::move(*key)),
                         .expires = *expires,
                         .suid = request.suid,
                         .targets = std::move(*targets),
                         .labels = std::move(*labels).value_or(std::vector<std::string>()),
                         .end_to_end = std::move(*parameters),
                         .source_entity = std::move(*source)};
  }

  /// What came back as end-to-end credential is what was asked for, or what was sent.
  static Status agreed(const std::optional<e2e::EndToEndParameters>& parameters,
                       const KeyRegistrationRequest& request) {
    if (request.parameters && parameters != request.parameters)
      return fail(ErrorCode::denied, "the MAF keeps other end-to-end parameters than it was given");
    if (!request.profile)
      return parameters && !request.parameters
                 ? Status(fail(ErrorCode::denied, "the MAF made an end-to-end credential of a plain key"))
                 : Status();
    if (!parameters) return fail(ErrorCode::unsupported, "the MAF is no Trust Enabling Function");
    if (auto valid = e2e::check_parameters(*parameters, request.suid); !valid) return valid;
    return e2e::satisfies(parameters->choice, *request.profile, request.suid);
  }

  /// 8.6.2: what the TEF extracted its Ke2e_master from, this end does too.
  Result<SecretBytes> extracted_key(const e2e::EndToEndParameters& parameters, const KeyId& id,
                                    const EntityId& source) const {
    switch (parameters.origin) {
      case e2e::MasterOrigin::master_credential:
        if (!options.master)
          return fail(ErrorCode::authentication, "the MAF used a Km that this client does not have");
        return e2e::extract_master(parameters, options.master->key.bytes());
      case e2e::MasterOrigin::exported: {
        auto exported = exported_key(id);
        if (!exported) return exported;
        return e2e::extract_master_from_exported(parameters, std::move(*exported), source);
      }
      case e2e::MasterOrigin::source:
        break;
    }
    return fail(ErrorCode::invalid_argument, "e2ep: org: the source made no key");
  }

  Result<RetrievedKey> retrieved_key(ResponsePrimitive response, const std::string& relative_key_id) const {
    auto attributes = attributes_of(std::move(response), mmaf::kKeyReg);
    if (!attributes) return fail(attributes.error());
    auto parameters = end_to_end_of(*attributes);
    const bool is_long = parameters && *parameters && (*parameters)->choice.hash == crypto::Hash::sha512;
    auto key = mmaf::take_key(*attributes, is_long ? mmaf::kLongKeyOctets : mmaf::kKeyOctets);
    if (!parameters) return fail(parameters.error());
    if (!key) return fail(key.error());
    if (text(*attributes, "ri") != relative_key_id)
      return fail(ErrorCode::denied, "the MAF's answer is about another key");
    const auto expires = future_expiry(*attributes, clock.now());
    if (!expires) return fail(expires.error());
    const auto suid = suid_of(*attributes);
    if (!suid) return fail(suid.error());
    auto targets = targets_of(*attributes, options.home);
    if (!targets) return fail(targets.error());
    auto km = key_id_of(*attributes, mmaf::kSourceKmId);
    if (!km) return fail(km.error());
    auto labels = labels_of(*attributes);
    if (!labels) return fail(labels.error());
    if (*parameters)
      if (auto valid = e2e::check_parameters(**parameters, *suid); !valid) return fail(valid.error());
    auto source_entity = source_entity_of(*attributes, options.home);
    if (!source_entity) return fail(source_entity.error());
    return RetrievedKey{.key = Kc(std::move(*key)),
                        .expires = *expires,
                        .suid = *suid,
                        .source = text(*attributes, "cr"),
                        .source_entity = std::move(*source_entity),
                        .source_km_id = std::move(*km),
                        .targets = std::move(*targets),
                        .admin_fqdn = text(*attributes, mmaf::kAdminFqdn),
                        .labels = std::move(*labels).value_or(std::vector<std::string>()),
                        .end_to_end = std::move(*parameters)};
  }

  Result<KeyChange> key_change(ResponsePrimitive response) const {
    auto attributes = attributes_of(std::move(response), mmaf::kKeyReg);
    if (!attributes) return fail(attributes.error());
    const auto expires = optional_expiry(*attributes, clock.now());
    if (!expires) return fail(expires.error());
    auto labels = labels_of(*attributes);
    if (!labels) return fail(labels.error());
    KeyChange out{*expires, std::move(*labels), {}};
    if (attributes->contains(mmaf::kTargets)) {
      auto targets = targets_of(*attributes, options.home);
      if (!targets) return fail(targets.error());
      out.targets = std::move(*targets);
    }
    return out;
  }

  /// Never from within the call: its caller is not ready for the answer yet.
  template <class T>
  void settle_later(Done<T> done, Error error) {
    reactor.post(
        [done = std::move(done), error = std::move(error)]() mutable { done(fail(std::move(error))); });
  }

  MafClientOptions options;
  bind::Reactor& reactor;
  const Clock& clock;
  std::deque<Held> held;
  std::size_t under_way = 0;
  bool exporting = false;      // a key registration that exports is under way
  bool exporter_used = false;  // in the present session
  bind::HttpClient http;
};

MafClient::MafClient(bind::Reactor& reactor, MafClientOptions options, AuditSink& audit, const Clock& clock)
    : impl_(std::make_shared<Impl>(reactor, std::move(options), audit, clock)) {}
MafClient::~MafClient() = default;

void MafClient::handshake(Done<void> done) {
  impl_->http.connect([done = std::move(done)](Status status) mutable {
    done(status ? Result<void>() : Result<void>(fail(status.error())));
  });
}

void MafClient::register_client(std::string admin_fqdn, TimePoint expires, std::vector<std::string> labels,
                                Done<MafRegistration> done) {
  json::object attributes{{"et", format_timestamp(expires)}};
  attributes[mmaf::kAdminFqdn] = admin_fqdn;
  if (!labels.empty()) attributes["lbl"] = texts(labels);
  impl_->send(
      impl_->request(Operation::create, "", codec::MafTy::maf_client_reg,
                     wrapped(mmaf::kClientReg, std::move(attributes))),
      Impl::expect<MafRegistration>(
          std::move(done), [impl = impl_.get(), admin = std::move(admin_fqdn)](ResponsePrimitive response) {
            return impl->registered_client(std::move(response), admin);
          }));
}

void MafClient::find_registration(std::string admin_fqdn, Done<MafRegistration> done) {
  auto request = impl_->request(Operation::retrieve, "");
  request.rcn = codec::ResultContent::attributes_and_child_references;
  impl_->send(std::move(request), [impl = impl_.get(), admin_fqdn = std::move(admin_fqdn),
                                   done = std::move(done)](Result<ResponsePrimitive> response) mutable {
    if (!response) return done(fail(response.error()));
    auto base = attributes_of(std::move(*response), mmaf::kBase);
    if (!base) return done(fail(base.error()));
    std::vector<std::string> own;
    if (const auto* children = base->if_contains("ch"); children != nullptr && children->is_array())
      for (const auto& child : children->get_array())
        if (child.is_object()) own.push_back(text(child.get_object(), "val"));
    impl->find_among(std::move(own), std::move(admin_fqdn), std::move(done));
  });
}

void MafClient::client_configuration(std::string registration_id, Done<std::string> done) {
  impl_->send(
      impl_->request(Operation::retrieve, registration_id + "/" + std::string(mmaf::kConfigurationChild)),
      Impl::expect<std::string>(std::move(done), [](ResponsePrimitive response) -> Result<std::string> {
        auto attributes = attributes_of(std::move(response), mmaf::kClientReg);
        if (!attributes) return fail(attributes.error());
        const auto* configuration = attributes->if_contains(mmaf::kClientConfiguration);
        if (configuration == nullptr)
          return fail(ErrorCode::not_found, "no configuration in the MAF's answer");
        return codec::to_text(*configuration);
      }));
}

void MafClient::update_registration(std::string registration_id, std::optional<TimePoint> expires,
                                    std::optional<std::vector<std::string>> labels,
                                    Done<MafRegistrationChange> done) {
  json::object attributes;
  if (expires) attributes["et"] = format_timestamp(*expires);
  if (labels) attributes["lbl"] = texts(*labels);
  if (attributes.empty())
    return impl_->settle_later(std::move(done), {ErrorCode::invalid_argument, "nothing to update"});
  impl_->send(
      impl_->request(Operation::update, registration_id, {},
                     wrapped(mmaf::kClientReg, std::move(attributes))),
      Impl::expect<MafRegistrationChange>(std::move(done), [impl = impl_.get()](ResponsePrimitive response) {
        return impl->registration_change(std::move(response));
      }));
}

void MafClient::deregister_client(std::string registration_id, Done<void> done) {
  impl_->send(impl_->request(Operation::del, registration_id), Impl::expect_success(std::move(done)));
}

void MafClient::register_key(KeyRegistrationRequest request, Done<RegisteredKey> done) {
  if (auto proper = check_targets(request.targets, request.suid); !proper)
    return impl_->settle_later(std::move(done), proper.error());
  if (auto proper = check_end_to_end(request); !proper)
    return impl_->settle_later(std::move(done), proper.error());
  json::object attributes{{"et", format_timestamp(request.expires)}};
  attributes[mmaf::kAdminFqdn] = request.admin_fqdn;
  attributes[mmaf::kSuid] = request.suid.value();
  if (request.profile) attributes[mmaf::kEndToEnd] = e2e::to_json(*request.profile);
  if (request.parameters) attributes[mmaf::kEndToEnd] = e2e::to_json(*request.parameters);
  if (!request.targets.empty()) attributes[mmaf::kTargets] = ids(request.targets);
  if (!request.labels.empty()) attributes["lbl"] = texts(request.labels);
  if (request.value) mmaf::put_key(attributes, *request.value);
  const bool exports = !request.value;
  auto primitive = impl_->request(Operation::create, request.registration_id, codec::MafTy::symm_key_reg,
                                  wrapped(mmaf::kKeyReg, std::move(attributes)));
  primitive.confidential = !exports;
  impl_->send(std::move(primitive),
              Impl::expect<RegisteredKey>(
                  std::move(done),
                  [impl = impl_.get(), request = std::move(request)](ResponsePrimitive response) mutable {
                    return impl->registered_key(std::move(response), request);
                  }),
              exports);
}

void MafClient::retrieve_key(std::string relative_key_id, Done<RetrievedKey> done) {
  impl_->send(impl_->request(Operation::retrieve, relative_key_id),
              Impl::expect<RetrievedKey>(std::move(done),
                                         [impl = impl_.get(), relative_key_id](ResponsePrimitive response) {
                                           return impl->retrieved_key(std::move(response), relative_key_id);
                                         }));
}

void MafClient::update_key(std::string relative_key_id, std::optional<TimePoint> expires,
                           std::optional<std::vector<std::string>> labels,
                           std::optional<std::vector<EntityId>> targets, Done<KeyChange> done) {
  if (targets && targets->empty())
    return impl_->settle_later(std::move(done), {ErrorCode::invalid_argument, "targets: there must be one"});
  json::object attributes;
  if (expires) attributes["et"] = format_timestamp(*expires);
  if (labels) attributes["lbl"] = texts(*labels);
  if (targets) attributes[mmaf::kTargets] = ids(*targets);
  if (attributes.empty())
    return impl_->settle_later(std::move(done), {ErrorCode::invalid_argument, "nothing to update"});
  impl_->send(
      impl_->request(Operation::update, relative_key_id, {}, wrapped(mmaf::kKeyReg, std::move(attributes))),
      Impl::expect<KeyChange>(std::move(done), [impl = impl_.get()](ResponsePrimitive response) {
        return impl->key_change(std::move(response));
      }));
}

void MafClient::deregister_key(std::string relative_key_id, Done<void> done) {
  impl_->send(impl_->request(Operation::del, relative_key_id), Impl::expect_success(std::move(done)));
}

tls::SecurityContextPtr MafClient::context() const { return impl_->http.context(); }

void MafClient::disconnect() {
  impl_->http.disconnect();
  impl_->exporter_used = false;
}

}  // namespace latchkey::client
