#include "latchkey/client/maf_client.h"

#include "latchkey/codec/mmaf.h"
#include "latchkey/codec/resource_types.h"
#include "latchkey/crypto/crypto.h"
#include "latchkey/crypto/derivation.h"

namespace latchkey::client {

namespace {

namespace json = codec::json;
namespace mmaf = codec::mmaf;
using codec::Operation;

/// What a MAF answered, as an Error when it refused.
Error refused(const codec::ResponsePrimitive& response) {
  std::string detail = "MAF answered " + std::to_string(static_cast<int>(response.rsc));
  if (response.pc.is_object())
    if (const auto* debug = response.pc.get_object().if_contains("m2m:dbg");
        debug != nullptr && debug->is_string())
      detail += ": " + std::string(debug->get_string());
  switch (response.rsc) {
    case codec::Rsc::not_found:
      return {ErrorCode::not_found, std::move(detail)};
    case codec::Rsc::conflict:
      return {ErrorCode::conflict, std::move(detail)};
    case codec::Rsc::originator_has_no_privilege:
    case codec::Rsc::originator_has_not_registered:
    case codec::Rsc::security_association_required:
      return {ErrorCode::denied, std::move(detail)};
    case codec::Rsc::internal_server_error:
      return {ErrorCode::unavailable, std::move(detail)};
    default:
      return {ErrorCode::invalid_argument, std::move(detail)};
  }
}

/// The attributes under `element`; invalid_argument when the answer has another form.
Result<json::object> attributes_of(codec::ResponsePrimitive response, std::string_view element) {
  if (!codec::is_success(response.rsc)) return fail(refused(response));
  if (!response.pc.is_object()) return fail(ErrorCode::invalid_argument, "the MAF's answer has no content");
  auto* attributes = response.pc.get_object().if_contains(element);
  if (attributes == nullptr || !attributes->is_object())
    return fail(ErrorCode::invalid_argument, "the MAF's answer has no " + std::string(element));
  return std::move(attributes->get_object());
}

std::string text(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

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

Result<std::vector<EntityId>> targets_of(const json::object& attributes, const SpId& home) {
  std::vector<EntityId> out;
  const auto* value = attributes.if_contains(mmaf::kTargets);
  auto add = [&](std::string_view entry) -> Status {
    auto id = parse_entity_id(entry, home);
    if (!id) return fail("tgis", id.error());
    out.push_back(std::move(*id));
    return {};
  };
  if (value != nullptr && value->is_string()) {
    if (auto ok = add(value->get_string()); !ok) return fail(ok.error());
  } else if (value != nullptr && value->is_array()) {
    for (const auto& entry : value->get_array()) {
      if (!entry.is_string()) return fail(ErrorCode::invalid_argument, "tgis: not text");
      if (auto ok = add(entry.get_string()); !ok) return fail(ok.error());
    }
  }
  return out;
}

Result<TimePoint> future_expiry(const json::object& attributes, TimePoint now) {
  auto expires = parse_timestamp(text(attributes, "et"));
  if (!expires) return fail("et", expires.error());
  if (*expires <= now) return fail(ErrorCode::expired, "et: has passed already");
  return *expires;
}

Result<Suid> suid_of(const json::object& attributes) {
  const auto* value = attributes.if_contains(mmaf::kSuid);
  if (value == nullptr || !value->is_number()) return fail(ErrorCode::invalid_argument, "suid: missing");
  boost::system::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  if (error) return fail(ErrorCode::invalid_argument, "suid: not an integer");
  return Suid::from(number);
}

}  // namespace

struct MafClient::Impl : std::enable_shared_from_this<Impl> {
  Impl(bind::Reactor& r, MafClientOptions given, AuditSink& audit, const Clock& c)
      : options(std::move(given)), clock(c), http(r, one_connection(options.peer), audit, c) {}

  static bind::PeerOptions one_connection(bind::PeerOptions peer) {
    peer.connections = 1;  // the exporter belongs to the session that carries the request
    return peer;
  }

  using Answered = UniqueFunction<void(Result<codec::ResponsePrimitive>)>;

  void send(Operation op, std::string_view id, Answered done, std::optional<codec::MafTy> ty = {},
            json::value pc = nullptr) {
    send(request(op, id, ty, std::move(pc)), std::move(done));
  }
  void send(codec::RequestPrimitive request, Answered done) {
    http.send(std::move(request), options.timeout, std::move(done));
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

  /// Looks through one's own registrations, one retrieval each, for the one of `admin_fqdn`.
  void find_among(std::vector<std::string> candidates, std::string admin_fqdn, Done<MafRegistration> done) {
    if (candidates.empty()) return done(fail(ErrorCode::not_found, "no registration for " + admin_fqdn));
    const auto id = candidates.back();
    candidates.pop_back();
    send(Operation::retrieve, id,
         [self = shared_from_this(), candidates = std::move(candidates), admin_fqdn = std::move(admin_fqdn),
          done = std::move(done)](Result<codec::ResponsePrimitive> response) mutable {
           if (!response) return done(fail(response.error()));
           auto registration = self->registration_of(std::move(*response));
           if (registration && registration->admin_fqdn == admin_fqdn) return done(std::move(registration));
           self->find_among(std::move(candidates), std::move(admin_fqdn), std::move(done));
         });
  }

  /// For procedures whose answer is success or an error only.
  static Answered expect_success(Done<void> done) {
    return [done = std::move(done)](Result<codec::ResponsePrimitive> response) mutable {
      if (!response) return done(fail(response.error()));
      if (!codec::is_success(response->rsc)) return done(fail(refused(*response)));
      done({});
    };
  }

  Result<MafRegistration> registration_of(codec::ResponsePrimitive response) const {
    auto attributes = attributes_of(std::move(response), mmaf::kClientReg);
    if (!attributes) return fail(attributes.error());
    MafRegistration out;
    out.id = text(*attributes, "ri");
    out.admin_fqdn = text(*attributes, mmaf::kAdminFqdn);
    out.client_id = text(*attributes, "cr");
    if (attributes->contains("et")) {
      const auto expires = future_expiry(*attributes, clock.now());
      if (!expires) return fail(expires.error());
      out.expires = *expires;
    }
    if (const auto assigned = text(*attributes, mmaf::kAssignedKeyId); !assigned.empty()) {
      auto id = KeyId::parse(assigned);
      if (!id) return fail("aski", id.error());
      out.assigned_key_id = std::move(*id);
    }
    return out;
  }

  /// 8.3.9.9: what must not differ from what was asked.
  Status unchanged(const json::object& attributes, const std::string& admin_fqdn, Suid suid) const {
    const auto answered = suid_of(attributes);
    if (!answered || *answered != suid)
      return fail(ErrorCode::denied, "the MAF registered the key for another use");
    if (text(attributes, mmaf::kAdminFqdn) != admin_fqdn)
      return fail(ErrorCode::denied, "the MAF registered the key under another stakeholder");
    const auto creator = parse_entity_id(text(attributes, "cr"), options.home);
    if (!creator || *creator != options.client_id)
      return fail(ErrorCode::denied, "the MAF registered the key for another client");
    return {};
  }

  Result<RegisteredKey> registered(codec::ResponsePrimitive response, KeyRegistrationRequest& request) const {
    auto attributes = attributes_of(std::move(response), mmaf::kKeyReg);
    if (!attributes) return fail(attributes.error());
    if (auto ok = unchanged(*attributes, request.admin_fqdn, request.suid); !ok) return fail(ok.error());
    const auto expires = future_expiry(*attributes, clock.now());
    if (!expires) return fail(expires.error());
    auto targets = targets_of(*attributes, options.home);
    if (!targets) return fail(targets.error());
    auto id = KeyId::make(text(*attributes, "ri"), options.maf);
    if (!id) return fail("ri", id.error());
    SecretBytes key;
    if (request.value) {
      key = std::move(*request.value);
    } else {
      auto octets = http.export_key(crypto::kExporterConnection, crypto::kExportedOctets);
      if (!octets) return fail("exporting the key", octets.error());
      auto split = crypto::split_exported(*octets);
      if (!split) return fail(split.error());
      if (to_hex(split->id) != id->relative())
        return fail(ErrorCode::authentication, "the MAF's RelativeKeyID is not the exported one");
      key = std::move(split->key);
    }
    return RegisteredKey{.id = std::move(*id),
                         .key = Kc(std::move(key)),
                         .expires = *expires,
                         .suid = request.suid,
                         .targets = std::move(*targets)};
  }

  void send_key_registration(KeyRegistrationRequest request, Done<RegisteredKey> done) {
    json::object attributes{{"et", format_timestamp(request.expires)}};
    attributes[mmaf::kAdminFqdn] = request.admin_fqdn;
    attributes[mmaf::kSuid] = request.suid.value();
    if (!request.targets.empty()) attributes[mmaf::kTargets] = ids(request.targets);
    if (!request.labels.empty()) attributes["lbl"] = texts(request.labels);
    if (request.value)
      attributes[mmaf::kKeyValue] = to_hex(request.value->reveal());
    else
      exporter_used = true;
    json::object pc;
    pc[mmaf::kKeyReg] = std::move(attributes);
    const auto parent = request.registration_id;
    send(
        Operation::create, parent,
        [self = shared_from_this(), request = std::move(request),
         done = std::move(done)](Result<codec::ResponsePrimitive> response) mutable {
          if (!response) return done(fail(response.error()));
          done(self->registered(std::move(*response), request));
        },
        codec::MafTy::symm_key_reg, std::move(pc));
  }

  Result<RetrievedKey> retrieved(codec::ResponsePrimitive response) const {
    auto attributes = attributes_of(std::move(response), mmaf::kKeyReg);
    if (!attributes) return fail(attributes.error());
    auto key = secret_from_hex(text(*attributes, mmaf::kKeyValue));
    if (!key || key->size() != 32) return fail(ErrorCode::invalid_argument, "kv: not 64 hex digits");
    const auto expires = future_expiry(*attributes, clock.now());
    if (!expires) return fail(expires.error());
    const auto suid = suid_of(*attributes);
    if (!suid) return fail(suid.error());
    auto targets = targets_of(*attributes, options.home);
    if (!targets) return fail(targets.error());
    RetrievedKey out{.key = Kc(std::move(*key)),
                     .expires = *expires,
                     .suid = *suid,
                     .source = text(*attributes, "cr"),
                     .source_entity = {},
                     .source_km_id = {},
                     .targets = std::move(*targets),
                     .admin_fqdn = text(*attributes, mmaf::kAdminFqdn)};
    if (const auto entity = text(*attributes, mmaf::kSourceEntity); !entity.empty()) {
      auto id = parse_entity_id(entity, options.home);
      if (!id) return fail("seid", id.error());
      out.source_entity = std::move(*id);
    }
    if (const auto km = text(*attributes, mmaf::kSourceKmId); !km.empty()) {
      auto id = KeyId::parse(km);
      if (!id) return fail("skid", id.error());
      out.source_km_id = std::move(*id);
    }
    return out;
  }

  MafClientOptions options;
  const Clock& clock;
  bind::HttpClient http;
  bool exporter_used = false;  // in the present session
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
  json::object pc;
  pc[mmaf::kClientReg] = std::move(attributes);
  impl_->send(
      Operation::create, "",
      [impl = impl_, admin_fqdn = std::move(admin_fqdn),
       done = std::move(done)](Result<codec::ResponsePrimitive> response) mutable {
        if (!response) return done(fail(response.error()));
        auto registration = impl->registration_of(std::move(*response));
        if (registration && registration->id.empty())
          return done(fail(ErrorCode::invalid_argument, "the MAF assigned no registration id"));
        if (registration && registration->admin_fqdn != admin_fqdn)
          return done(fail(ErrorCode::denied, "the MAF registered another stakeholder"));
        done(std::move(registration));
      },
      codec::MafTy::maf_client_reg, std::move(pc));
}

void MafClient::find_registration(std::string admin_fqdn, Done<MafRegistration> done) {
  auto request = impl_->request(Operation::retrieve, "");
  request.rcn = codec::ResultContent::attributes_and_child_references;
  impl_->send(std::move(request), [impl = impl_, admin_fqdn = std::move(admin_fqdn), done = std::move(done)](
                                      Result<codec::ResponsePrimitive> response) mutable {
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
  impl_->send(Operation::retrieve, registration_id + "/" + std::string(mmaf::kConfigurationChild),
              [done = std::move(done)](Result<codec::ResponsePrimitive> response) mutable {
                if (!response) return done(fail(response.error()));
                auto attributes = attributes_of(std::move(*response), mmaf::kClientReg);
                if (!attributes) return done(fail(attributes.error()));
                const auto* configuration = attributes->if_contains(mmaf::kClientConfiguration);
                if (configuration == nullptr)
                  return done(fail(ErrorCode::not_found, "no configuration in the MAF's answer"));
                done(codec::to_text(*configuration));
              });
}

void MafClient::update_registration(std::string registration_id, std::optional<TimePoint> expires,
                                    std::optional<std::vector<std::string>> labels,
                                    Done<MafRegistration> done) {
  json::object attributes;
  if (expires) attributes["et"] = format_timestamp(*expires);
  if (labels) attributes["lbl"] = texts(*labels);
  json::object pc;
  pc[mmaf::kClientReg] = std::move(attributes);
  impl_->send(
      Operation::update, registration_id,
      [impl = impl_, registration_id,
       done = std::move(done)](Result<codec::ResponsePrimitive> response) mutable {
        if (!response) return done(fail(response.error()));
        auto registration = impl->registration_of(std::move(*response));
        if (registration) registration->id = std::move(registration_id);
        done(std::move(registration));
      },
      {}, std::move(pc));
}

void MafClient::deregister_client(std::string registration_id, Done<void> done) {
  impl_->send(Operation::del, registration_id, Impl::expect_success(std::move(done)));
}

void MafClient::register_key(KeyRegistrationRequest request, Done<RegisteredKey> done) {
  if (!request.value && impl_->exporter_used) {
    impl_->http.disconnect();
    impl_->exporter_used = false;
  }
  if (request.value) return impl_->send_key_registration(std::move(request), std::move(done));
  // The key is exported from the session that carries the request: it must stand before the request is sent.
  impl_->http.connect(
      [impl = impl_, request = std::move(request), done = std::move(done)](Status status) mutable {
        if (!status) return done(fail(status.error()));
        impl->send_key_registration(std::move(request), std::move(done));
      });
}

void MafClient::retrieve_key(std::string relative_key_id, Done<RetrievedKey> done) {
  impl_->send(Operation::retrieve, relative_key_id,
              [impl = impl_, done = std::move(done)](Result<codec::ResponsePrimitive> response) mutable {
                if (!response) return done(fail(response.error()));
                done(impl->retrieved(std::move(*response)));
              });
}

void MafClient::update_key(std::string relative_key_id, std::optional<TimePoint> expires,
                           std::optional<std::vector<std::string>> labels,
                           std::optional<std::vector<EntityId>> targets, Done<void> done) {
  json::object attributes;
  if (expires) attributes["et"] = format_timestamp(*expires);
  if (labels) attributes["lbl"] = texts(*labels);
  if (targets) attributes[mmaf::kTargets] = ids(*targets);
  json::object pc;
  pc[mmaf::kKeyReg] = std::move(attributes);
  impl_->send(Operation::update, relative_key_id, Impl::expect_success(std::move(done)), {}, std::move(pc));
}

void MafClient::deregister_key(std::string relative_key_id, Done<void> done) {
  impl_->send(Operation::del, relative_key_id, Impl::expect_success(std::move(done)));
}

tls::SecurityContextPtr MafClient::context() const { return impl_->http.context(); }

void MafClient::disconnect() {
  impl_->http.disconnect();
  impl_->exporter_used = false;
}

}  // namespace latchkey::client
