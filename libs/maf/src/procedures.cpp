#include "procedures.h"

#include <algorithm>

#include "latchkey/codec/mmaf.h"
#include "latchkey/codec/resource_types.h"
#include "latchkey/crypto/crypto.h"
#include "latchkey/crypto/derivation.h"

namespace latchkey::maf {

namespace {

namespace mmaf = codec::mmaf;
using codec::Operation;
using codec::refuse;
using codec::Rsc;

constexpr std::size_t kLabelsMax = 32, kTargetsMax = 64;

Answer answer(const Call& call, Rsc rsc, json::value pc, AuditEventId event, std::string reason) {
  Answer out;
  const auto& request = call.request.primitive;
  out.response.rsc = rsc;
  out.response.rqi = request.rqi;
  out.response.rvi = request.rvi;
  if (request.rcn != codec::ResultContent::nothing) out.response.pc = std::move(pc);
  out.event = event;
  out.reason = std::move(reason);
  return out;
}

json::value wrapped(std::string_view element, json::object attributes) {
  json::object pc;
  pc[element] = std::move(attributes);
  return pc;
}

std::vector<std::string> strings(const json::value* value) {
  std::vector<std::string> out;
  if (value == nullptr) return out;
  if (value->is_string()) {  // TR-0038 prints a single target as a string; a list may be separated by blanks
    std::string_view rest = value->get_string();
    while (!rest.empty()) {
      const auto blank = rest.find(' ');
      if (blank != 0) out.emplace_back(rest.substr(0, blank));
      rest = blank == std::string_view::npos ? std::string_view() : rest.substr(blank + 1);
    }
  } else if (value->is_array()) {
    for (const auto& entry : value->get_array())
      if (entry.is_string()) out.emplace_back(entry.get_string());
  }
  return out;
}

const json::value* member(const json::object& object, std::string_view name) {
  return object.if_contains(name);
}

std::string text(const json::object& object, std::string_view name) {
  const auto* value = member(object, name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool contains(const std::vector<std::string>& list, std::string_view wanted) {
  return std::ranges::find(list, wanted) != list.end();
}

/// The sealed value is bound to the key it belongs to, so that rows cannot be exchanged.
std::string seal_context(std::string_view relative_key_id) {
  return "maf-key:" + std::string(relative_key_id);
}
std::string parameters_context(std::string_view relative_key_id) {
  return "maf-e2ep:" + std::string(relative_key_id);
}

std::string registered_as(const KeyRegistration& key) {
  return "suid " + std::to_string(key.suid) + " for " + key.targets.front() +
         (key.targets.size() > 1 ? " and " + std::to_string(key.targets.size() - 1) + " more" : "") +
         (key.sealed_parameters.empty() ? "" : ", end-to-end");
}

/// Octets of kv: those of HMAC-Hash where it is a Ke2e_master.
std::size_t key_octets(const json::object& attributes) {
  const auto* const given = member(attributes, mmaf::kEndToEnd);
  const bool is_long =
      given != nullptr && given->is_object() && text(given->get_object(), mmaf::kHash) == mmaf::kHmacSha512;
  return is_long ? mmaf::kLongKeyOctets : mmaf::kKeyOctets;
}

}  // namespace

struct Procedures::Metadata {
  std::string admin_fqdn;
  TimePoint expires{};
  std::vector<std::string> labels;
};
struct Procedures::KeyOrder {
  json::object attributes;
  Metadata metadata;
  Suid suid;
  std::vector<std::string> targets;
  std::optional<SecretBytes> value;
};
struct Procedures::KeyMaterial {
  std::string relative_key_id;
  SecretBytes value;
  std::optional<e2e::EndToEndParameters> parameters = {};  ///< of an end-to-end credential
};

Answer refusal(const Call& call, Rsc rsc, std::string why) {
  Answer out;
  out.response = codec::refusal_response(call.request.primitive, {rsc, why});
  out.reason = std::move(why);
  return out;
}

codec::Outcome<void> Procedures::identify(Call& call) const {
  const auto& security = *call.request.security;
  if (call.request.listener != bind::ListenerKind::secure || security.framework == tls::Framework::none)
    return refuse(Rsc::security_association_required,
                  "Mmaf is served inside a mutually authenticated TLS session only (8.8.2.2)");
  if (!security.identity)
    return refuse(Rsc::originator_has_not_registered, "the TLS session proved no client identity");
  if (security.valid_until && *security.valid_until <= clock_.now())
    return refuse(Rsc::security_association_required, "the credential of this session has expired");
  call.identity = &*security.identity;
  call.client = to_string(*call.identity);
  const auto from = parse_entity_id(call.request.primitive.from, options_.home);
  if (!from || *from != *call.identity)
    return refuse(Rsc::originator_has_no_privilege, "From is not the identity of this TLS session");
  const auto policy = std::ranges::find_if(options_.clients,
                                           [&](const auto& entry) { return entry.client == *call.identity; });
  if (policy != options_.clients.end()) call.policy = &*policy;
  if (call.policy == nullptr && !options_.unknown_clients)
    return refuse(Rsc::originator_has_no_privilege, "this client is not served here");
  return {};
}

Answer Procedures::run(Call& call) {
  auto& request = call.request.primitive;
  // TR-0038 asks for the "original resource" with every operation and means the attributes.
  if (request.rcn == codec::ResultContent::original_resource) request.rcn = codec::ResultContent::attributes;
  if (auto valid = codec::check_request(request, clock_.now()); !valid)
    return refusal(call, valid.error().rsc, valid.error().detail);
  if (auto known = identify(call); !known) return refusal(call, known.error().rsc, known.error().detail);
  const auto address = mmaf::parse_address(request.to, options_.fqdn);
  if (!address) return refusal(call, Rsc::not_found, "no such address at this MAF");
  if (address->configuration && request.op != Operation::retrieve)
    return refusal(call, Rsc::operation_not_allowed, "the client configuration can only be retrieved");
  switch (request.op) {
    case Operation::create:
      return create(call, address->id);
    case Operation::retrieve:
      return retrieve(call, address->id, address->configuration);
    case Operation::update:
      return update(call, address->id);
    case Operation::del:
      return remove(call, address->id);
    case Operation::notify:
      break;
  }
  return refusal(call, Rsc::operation_not_allowed, "NOTIFY is no operation of Mmaf");
}

codec::Outcome<const ClientRegistration*> Procedures::own_registration(const Call& call,
                                                                       const std::string& id) const {
  const auto* found = registry_.client(id, clock_.now());
  if (found == nullptr) return refuse(Rsc::not_found, "no such client registration");
  if (found->client != call.client)
    return refuse(Rsc::originator_has_no_privilege, "the registration belongs to another client");
  return found;
}

codec::Outcome<const KeyRegistration*> Procedures::own_key(const Call& call, const std::string& id) const {
  const auto* found = registry_.key(id, clock_.now());
  if (found == nullptr) return refuse(Rsc::not_found, "no such key registration");
  if (found->client != call.client)
    return refuse(Rsc::originator_has_no_privilege, "the key was registered by another client");
  return found;
}

Answer Procedures::create(Call& call, const std::string& parent) {
  const auto ty = *call.request.primitive.ty;
  if (parent.empty()) {
    if (ty == static_cast<std::uint32_t>(codec::MafTy::maf_client_reg)) return register_client(call);
    return refusal(call, Rsc::invalid_child_resource_type,
                   "only <mafClientReg> (3) is created below <MAFBase>");
  }
  if (ty == static_cast<std::uint32_t>(codec::MafTy::symm_key_reg)) return register_key(call, parent);
  return refusal(call, Rsc::invalid_child_resource_type,
                 "only <symmKeyReg> (5) is created below a <mafClientReg>");
}

codec::Outcome<Procedures::Metadata> Procedures::check_metadata(const Call& call,
                                                                const json::object& attributes,
                                                                std::chrono::seconds longest) const {
  Metadata out;
  const auto now = clock_.now();
  const auto expires = parse_timestamp(text(attributes, "et"));
  if (!expires) return refuse(Rsc::bad_request, "et: " + expires.error().detail);
  if (*expires <= now) return refuse(Rsc::bad_request, "et: lies in the past");
  out.expires = std::min(*expires, now + longest);  // 8.8.2: the MAF may assign a different value
  out.admin_fqdn = text(attributes, mmaf::kAdminFqdn);
  const auto admin = Fqdn::parse(out.admin_fqdn);
  if (!admin) return refuse(Rsc::bad_request, "adfq: " + admin.error().detail);
  if (!contains(options_.admin_fqdns, admin->folded()))
    return refuse(Rsc::contents_unacceptable, "adfq: stakeholder not served here");
  if (call.policy != nullptr && !call.policy->admin_fqdns.empty() &&
      !contains(call.policy->admin_fqdns, admin->folded()))
    return refuse(Rsc::originator_has_no_privilege,
                  "adfq: this client may not register for that stakeholder");
  out.labels = strings(member(attributes, "lbl"));
  if (out.labels.size() > kLabelsMax) return refuse(Rsc::bad_request, "lbl: more than 32 labels");
  return out;
}

Answer Procedures::register_client(Call& call) {
  auto attributes =
      codec::check_create(*codec::maf_resource_type(static_cast<std::uint32_t>(codec::MafTy::maf_client_reg)),
                          call.request.primitive.pc);
  if (!attributes) return refusal(call, attributes.error().rsc, attributes.error().detail);
  auto metadata = check_metadata(call, *attributes, options_.registration_max);
  if (!metadata) return refusal(call, metadata.error().rsc, metadata.error().detail);
  if (registry_.client_of(call.client, metadata->admin_fqdn, clock_.now()) != nullptr)
    return refusal(call, Rsc::conflict, "this client is registered for that stakeholder already");
  if (registry_.client_count() >= options_.registrations_max)
    return refusal(call, Rsc::internal_server_error, "no room for further registrations");

  ClientRegistration registration{.id = {},
                                  .name = text(*attributes, "rn"),
                                  .client = call.client,
                                  .creator = call.request.primitive.from,
                                  .admin_fqdn = std::move(metadata->admin_fqdn),
                                  .created = clock_.now(),
                                  .modified = clock_.now(),
                                  .expires = metadata->expires,
                                  .labels = std::move(metadata->labels)};
  store::Batch changes;
  registry_.put_new(registration, changes);
  auto out = answer(call, Rsc::created, wrapped(mmaf::kClientReg, representation(registration)),
                    AuditEventId::registration_ok, "registered as " + registration.id);
  out.response.content_location = mmaf::format_address(options_.fqdn, registration.id);
  out.changes = std::move(changes);
  return out;
}

codec::Outcome<Suid> Procedures::check_suid(const json::object& attributes) const {
  const auto* value = member(attributes, mmaf::kSuid);
  const auto suid = value != nullptr && value->is_int64()
                        ? Suid::from(value->get_int64())
                        : Result<Suid>(fail(ErrorCode::invalid_argument, "not a number"));
  if (!suid) return refuse(Rsc::bad_request, "suid: " + suid.error().detail);
  const bool alias = suid->value() == 11 && options_.accept_suid_11_as_32;
  if (suid->origin() != Suid::Origin::maf && !alias)
    return refuse(Rsc::contents_unacceptable, "suid: not a use for which a MAF distributes keys");
  return *suid;
}

/// 8.8.2.7: exactly one target for SAEF and ESPrim, one or more for ESData.
codec::Outcome<std::vector<std::string>> Procedures::check_targets(const Call& call, Suid suid,
                                                                   const json::value* given) const {
  std::vector<EntityId> targets;
  if (given != nullptr) {
    const auto texts = strings(given);
    if (texts.size() > kTargetsMax) return refuse(Rsc::bad_request, "tgis: more than 64 targets");
    for (const auto& entry : texts) {
      auto id = entry.starts_with("//")
                    ? parse_entity_id(entry, options_.home)
                    : Result<EntityId>(fail(ErrorCode::invalid_argument, "not an absolute AE-ID or CSE-ID"));
      if (!id) return refuse(Rsc::bad_request, "tgis: " + entry + ": " + id.error().detail);
      targets.push_back(std::move(*id));
    }
  } else if (call.policy != nullptr) {
    targets = call.policy->default_targets;
  }
  const bool one = suid.use() != Suid::Use::esdata_encryption && suid.use() != Suid::Use::esdata_signature;
  if (targets.empty())
    return refuse(Rsc::bad_request, "tgis: no target named, and none is configured for this client");
  if (one && targets.size() != 1)
    return refuse(Rsc::bad_request, "tgis: exactly one target is allowed for this suid");
  std::vector<std::string> out;
  for (const auto& target : targets) {
    if (call.policy != nullptr && !call.policy->permitted_targets.empty() &&
        std::ranges::find(call.policy->permitted_targets, target) == call.policy->permitted_targets.end())
      return refuse(Rsc::originator_has_no_privilege, "tgis: this client may not name " + to_string(target));
    out.push_back(to_string(target));
  }
  return out;
}

/// 10.3.1: both ends export; the deterministic result makes it one key a session (8.8.2.7
/// "previously-unused").
codec::Outcome<Procedures::KeyMaterial> Procedures::exported_key(const Call& call) {
  const auto channel = call.request.channel.lock();
  if (!channel) return refuse(Rsc::internal_server_error, "the session has gone");
  std::erase_if(exported_, [](const auto& entry) { return entry.second.expired(); });
  if (exported_.contains(channel->id()))
    return refuse(Rsc::conflict, "a key was exported from this session already, connect anew");
  const auto octets = channel->export_key(crypto::kExporterConnection, crypto::kExportedOctets);
  if (!octets)
    return refuse(Rsc::bad_request, "no key can be exported from this session: " + octets.error().detail);
  auto split = crypto::split_exported(*octets);
  if (!split) return refuse(Rsc::internal_server_error, split.error().detail);
  exported_.emplace(channel->id(), channel);
  return KeyMaterial{to_hex(split->id), std::move(split->key)};
}

std::string Procedures::new_key_id() const {
  std::string id;
  do id = to_hex(crypto::random_bytes(16));
  while (registry_.key_id_in_use(id));
  return id;
}

codec::Outcome<Procedures::KeyMaterial> Procedures::key_material(const Call& call,
                                                                 std::optional<SecretBytes> value) {
  if (!value) return exported_key(call);
  return KeyMaterial{new_key_id(), std::move(*value)};
}

/// A key that comes with the request is the source's own (8.6.3). Else the TEF and the source extract one:
/// from Km where the session proved it, or from Kpsa of what the session exports (8.6.2, decision 0034).
codec::Outcome<Procedures::KeyMaterial> Procedures::end_to_end_material(const Call& call,
                                                                        const EndToEndParties& parties,
                                                                        const json::object& asked,
                                                                        std::optional<SecretBytes> value) {
  const auto source = end_point_of(call.policy, *call.identity);
  if (!source) return refuse(source.error());
  if (value) {
    auto given = read_registered_parameters(asked);
    if (!given) return refuse(given.error());
    if (auto valid = check_parties(parties, *given); !valid) return refuse(valid.error());
    return KeyMaterial{new_key_id(), std::move(*value), std::move(*given)};
  }
  const auto& security = *call.request.security;
  const bool by_km = security.framework == tls::Framework::provisioned_symmetric_key && options_.master_key;
  auto parameters = provision_parameters(
      parties, asked, by_km ? e2e::MasterOrigin::master_credential : e2e::MasterOrigin::exported);
  if (!parameters) return refuse(parameters.error());
  if (by_km) {
    const auto km = options_.master_key(security.psk_identity);
    if (!km) return refuse(Rsc::internal_server_error, "the Master Credential of this session is not there");
    auto master = e2e::extract_master(*parameters, *km);
    return KeyMaterial{new_key_id(), std::move(master), std::move(*parameters)};
  }
  auto exported = exported_key(call);
  if (!exported) return refuse(exported.error());
  auto master = e2e::extract_master_from_exported(*parameters, std::move(exported->value), *source);
  if (!master) return refuse(Rsc::internal_server_error, master.error().detail);
  return KeyMaterial{std::move(exported->relative_key_id), std::move(*master), std::move(*parameters)};
}

codec::Outcome<void> Procedures::seal(const KeyMaterial& material, KeyRegistration& key) const {
  auto value = environment_.seal(seal_context(key.id), material.value);
  if (!value) return refuse(Rsc::internal_server_error, "the key cannot be sealed: " + value.error().detail);
  key.sealed_value = std::move(*value);
  if (!material.parameters) return {};
  auto parameters = environment_.seal(parameters_context(key.id), to_secret(*material.parameters));
  if (!parameters)
    return refuse(Rsc::internal_server_error,
                  "the parameters cannot be sealed: " + parameters.error().detail);
  key.sealed_parameters = std::move(*parameters);
  return {};
}

codec::Outcome<void> Procedures::put_end_to_end(const KeyRegistration& key, json::object& attributes) const {
  if (key.sealed_parameters.empty()) return {};
  const auto text = environment_.unseal(parameters_context(key.id), key.sealed_parameters);
  auto parameters = text ? from_secret(*text) : Result<json::object>(fail(text.error()));
  if (!parameters)
    return refuse(Rsc::internal_server_error,
                  "the parameters cannot be opened: " + parameters.error().detail);
  attributes[mmaf::kEndToEnd] = std::move(*parameters);
  const auto source = std::ranges::find_if(
      options_.clients, [&](const auto& entry) { return to_string(entry.client) == key.client; });
  if (source != options_.clients.end() && source->entity)
    attributes[mmaf::kSourceEntity] = to_string(*source->entity);
  return {};
}

/// Whoever is added later is asked for its demands too.
codec::Outcome<void> Procedures::check_new_targets(const Call& call, const KeyRegistration& key) const {
  json::object attributes;
  if (auto put = put_end_to_end(key, attributes); !put) return put;
  const auto* const members = member(attributes, mmaf::kEndToEnd);
  if (members == nullptr) return {};
  const auto parameters = e2e::read_end_to_end_parameters(members->get_object());
  if (!parameters) return refuse(Rsc::internal_server_error, parameters.error().detail);
  return check_parties({options_, call.policy, key.targets, *Suid::from(key.suid)}, *parameters);
}

/// Everything that a key registration says, checked; the key of the source's own making is taken out of it
/// before anything else.
codec::Outcome<Procedures::KeyOrder> Procedures::read_key_order(Call& call, const std::string& parent) const {
  const auto registration = own_registration(call, parent);
  if (!registration) return refuse(registration.error());
  auto attributes =
      codec::check_create(*codec::maf_resource_type(static_cast<std::uint32_t>(codec::MafTy::symm_key_reg)),
                          std::move(call.request.primitive.pc));
  if (!attributes) return refuse(attributes.error());
  std::optional<SecretBytes> value;
  if (attributes->contains(mmaf::kKeyValue)) {
    auto given = mmaf::take_key(*attributes, key_octets(*attributes));
    if (!given) return refuse(Rsc::bad_request, given.error().detail);
    value = std::move(*given);
  }
  auto metadata = check_metadata(call, *attributes, options_.key_max);
  if (!metadata) return refuse(metadata.error());
  if (folded(metadata->admin_fqdn) != folded((*registration)->admin_fqdn))
    return refuse(Rsc::bad_request, "adfq: differs from that of the client registration");
  metadata->expires = std::min(metadata->expires, (*registration)->expires);
  const auto suid = check_suid(*attributes);
  if (!suid) return refuse(suid.error());
  auto targets = check_targets(call, *suid, member(*attributes, mmaf::kTargets));
  if (!targets) return refuse(targets.error());
  return KeyOrder{std::move(*attributes), std::move(*metadata), *suid, std::move(*targets), std::move(value)};
}

Answer Procedures::register_key(Call& call, const std::string& parent) {
  auto order = read_key_order(call, parent);
  if (!order) return refusal(call, order.error().rsc, order.error().detail);
  if (registry_.keys_of(parent) >= options_.keys_per_client)
    return refusal(call, Rsc::internal_server_error, "this client holds as many keys as it may");
  const auto* const end_to_end = member(order->attributes, mmaf::kEndToEnd);
  auto material = end_to_end != nullptr
                      ? end_to_end_material(call, {options_, call.policy, order->targets, order->suid},
                                            end_to_end->get_object(), std::move(order->value))
                      : key_material(call, std::move(order->value));
  if (!material) return refusal(call, material.error().rsc, material.error().detail);
  if (registry_.key_id_in_use(material->relative_key_id))
    return refusal(call, Rsc::conflict, "this RelativeKeyID was used before");

  const auto& security = *call.request.security;
  const bool by_km = security.framework == tls::Framework::provisioned_symmetric_key;
  KeyRegistration key{.id = material->relative_key_id,
                      .name = text(order->attributes, "rn"),
                      .parent = parent,
                      .client = call.client,
                      .creator = call.request.primitive.from,
                      .admin_fqdn = order->metadata.admin_fqdn,
                      .source_km_id = by_km ? security.psk_identity : std::string(),
                      .suid = order->suid.value(),
                      .targets = std::move(order->targets),
                      .created = clock_.now(),
                      .modified = clock_.now(),
                      .expires = order->metadata.expires,
                      .labels = std::move(order->metadata.labels),
                      .sealed_value = {}};
  if (auto sealed = seal(*material, key); !sealed)
    return refusal(call, sealed.error().rsc, sealed.error().detail);
  json::object told;
  if (auto put = put_end_to_end(key, told); !put) return refusal(call, put.error().rsc, put.error().detail);
  return registered(call, std::move(key), std::move(told));
}

Answer Procedures::registered(const Call& call, KeyRegistration key, json::object told) {
  store::Batch changes;
  registry_.put_new(key, changes);
  auto shown = representation(key);
  for (auto& [name, entry] : told) shown[name] = std::move(entry);
  auto out = answer(call, Rsc::created, wrapped(mmaf::kKeyReg, std::move(shown)),
                    AuditEventId::key_registered, registered_as(key));
  out.response.content_location = mmaf::format_address(options_.fqdn, key.id);
  out.changes = std::move(changes);
  return out;
}

Answer Procedures::retrieve(Call& call, const std::string& id, bool configuration) {
  if (id.empty()) return retrieve_base(call);
  if (configuration) return retrieve_configuration(call, id);
  if (const auto* key = registry_.key(id, clock_.now()); key != nullptr) return retrieve_key(call, *key);
  const auto registration = own_registration(call, id);
  if (!registration) return refusal(call, registration.error().rsc, registration.error().detail);
  return answer(call, Rsc::ok, wrapped(mmaf::kClientReg, representation(**registration)),
                AuditEventId::registration_ok, "own registration");
}

/// Any authenticated client may read the base; it never lists the registrations of others.
Answer Procedures::retrieve_base(Call& call) const {
  json::object base;
  base["rn"] = "-";
  base["ty"] = static_cast<std::uint32_t>(codec::MafTy::maf_base);
  base["ri"] = mmaf::kBaseId;
  base[mmaf::kFqdn] = options_.fqdn.text();
  if (call.request.primitive.rcn == codec::ResultContent::attributes_and_child_references) {
    json::array own;
    for (const auto& admin : options_.admin_fqdns)
      if (const auto* found = registry_.client_of(call.client, admin, clock_.now()); found != nullptr)
        own.push_back({{"nm", found->name},
                       {"typ", static_cast<std::uint32_t>(codec::MafTy::maf_client_reg)},
                       {"val", found->id}});
    base["ch"] = std::move(own);
  }
  return answer(call, Rsc::ok, wrapped(mmaf::kBase, std::move(base)), AuditEventId::registration_ok, "base");
}

Answer Procedures::retrieve_configuration(Call& call, const std::string& id) const {
  const auto registration = own_registration(call, id);
  if (!registration) return refusal(call, registration.error().rsc, registration.error().detail);
  if (call.policy == nullptr || call.policy->configuration.empty())
    return refusal(call, Rsc::not_found, "no client configuration is associated with this registration");
  auto configuration = codec::parse_json(call.policy->configuration, {});
  if (!configuration)
    return refusal(call, Rsc::internal_server_error, "the client configuration is unreadable");
  json::object attributes;
  attributes[mmaf::kClientConfiguration] = std::move(*configuration);
  return answer(call, Rsc::ok, wrapped(mmaf::kClientReg, std::move(attributes)),
                AuditEventId::registration_ok, "client configuration");
}

/// 8.8.2.8: the authenticated identity decides; only a target receives the key value, the source its
/// metadata.
Answer Procedures::retrieve_key(Call& call, const KeyRegistration& key) const {
  const bool target = contains(key.targets, call.client);
  if (!target && key.client != call.client)
    return refusal(call, Rsc::originator_has_no_privilege, "not among the targets of this key");
  auto attributes = representation(key);
  attributes["et"] = format_timestamp(registry_.end_of(key));
  if (auto put = put_end_to_end(key, attributes); !put)
    return refusal(call, put.error().rsc, put.error().detail);
  if (!target)
    return answer(call, Rsc::ok, wrapped(mmaf::kKeyReg, std::move(attributes)), AuditEventId::key_retrieved,
                  "metadata for the source");

  auto value = environment_.unseal(seal_context(key.id), key.sealed_value);
  if (!value)
    return refusal(call, Rsc::internal_server_error, "the key cannot be opened: " + value.error().detail);
  mmaf::put_key(attributes, *value);
  const auto source = std::ranges::find_if(
      options_.clients, [&](const auto& entry) { return to_string(entry.client) == key.client; });
  if (source != options_.clients.end() && source->entity)
    attributes[mmaf::kSourceEntity] = to_string(*source->entity);
  if (!key.source_km_id.empty()) attributes[mmaf::kSourceKmId] = key.source_km_id;
  auto out = answer(call, Rsc::ok, wrapped(mmaf::kKeyReg, std::move(attributes)), AuditEventId::key_retrieved,
                    "to its target");
  out.response.confidential = true;
  return out;
}

namespace {

/// Applies et, lbl and tgis of an update; the answer holds only what was sent (8.8.2.5, 8.8.2.9).
struct Update {
  std::optional<TimePoint> expires;
  std::optional<std::vector<std::string>> labels;

  static codec::Outcome<Update> read(const json::object& attributes, TimePoint now, TimePoint latest) {
    Update out;
    if (const auto* et = attributes.if_contains("et"); et != nullptr) {
      const auto parsed = et->is_string() ? parse_timestamp(std::string_view(et->get_string()))
                                          : Result<TimePoint>(fail(ErrorCode::invalid_argument, "not text"));
      if (!parsed || *parsed <= now) return refuse(Rsc::bad_request, "et: must be a timestamp in the future");
      out.expires = std::min(*parsed, latest);
    }
    if (const auto* lbl = attributes.if_contains("lbl"); lbl != nullptr) {
      out.labels = strings(lbl);
      if (out.labels->size() > kLabelsMax) return refuse(Rsc::bad_request, "lbl: more than 32 labels");
    }
    return out;
  }

  template <class Record>
  json::object apply(Record& record, TimePoint now) const {
    json::object sent;
    record.modified = now;
    if (expires) {
      record.expires = *expires;
      sent["et"] = format_timestamp(*expires);
    }
    if (labels) {
      record.labels = *labels;
      json::array array;
      for (const auto& label : *labels) array.emplace_back(label);
      sent["lbl"] = std::move(array);
    }
    return sent;
  }
};

}  // namespace

Answer Procedures::update(Call& call, const std::string& id) {
  if (id.empty()) return refusal(call, Rsc::operation_not_allowed, "<MAFBase> cannot be updated");
  const auto now = clock_.now();
  const bool is_key = registry_.key(id, now) != nullptr;
  const auto type = is_key ? codec::MafTy::symm_key_reg : codec::MafTy::maf_client_reg;
  const auto registration =
      is_key ? codec::Outcome<const ClientRegistration*>(nullptr) : own_registration(call, id);
  if (!registration) return refusal(call, registration.error().rsc, registration.error().detail);
  const auto key = is_key ? own_key(call, id) : codec::Outcome<const KeyRegistration*>(nullptr);
  if (!key) return refusal(call, key.error().rsc, key.error().detail);
  auto attributes = codec::check_update(*codec::maf_resource_type(static_cast<std::uint32_t>(type)),
                                        call.request.primitive.pc);
  if (!attributes) return refusal(call, attributes.error().rsc, attributes.error().detail);
  if (attributes->empty()) return refusal(call, Rsc::bad_request, "at least one attribute must be updated");
  auto latest = now + (is_key ? options_.key_max : options_.registration_max);
  if (is_key)  // a key ends with the registration it belongs to
    latest = std::min(latest, registry_.client((*key)->parent, now)->expires);
  const auto update = Update::read(*attributes, now, latest);
  if (!update) return refusal(call, update.error().rsc, update.error().detail);

  store::Batch changes;
  json::object sent;
  if (is_key) {
    auto changed = **key;
    sent = update->apply(changed, now);
    if (const auto* given = attributes->if_contains(mmaf::kTargets); given != nullptr) {
      auto targets = check_targets(call, *Suid::from(changed.suid), given);
      if (!targets) return refusal(call, targets.error().rsc, targets.error().detail);
      changed.targets = std::move(*targets);
      if (auto fit = check_new_targets(call, changed); !fit)
        return refusal(call, fit.error().rsc, fit.error().detail);
      sent[mmaf::kTargets] = representation(changed)[mmaf::kTargets];
    }
    // 8.8.2.9: also told when the registration was shortened below what the source was told of the key.
    if (const auto end = registry_.end_of(changed); end < changed.expires) sent["et"] = format_timestamp(end);
    registry_.update(std::move(changed), changes);
  } else {
    auto changed = **registration;
    sent = update->apply(changed, now);
    registry_.update(std::move(changed), changes);
  }
  auto out = answer(call, Rsc::updated, wrapped(is_key ? mmaf::kKeyReg : mmaf::kClientReg, std::move(sent)),
                    is_key ? AuditEventId::key_updated : AuditEventId::registration_ok, "updated");
  out.changes = std::move(changes);
  return out;
}

Answer Procedures::remove(Call& call, const std::string& id) {
  if (id.empty()) return refusal(call, Rsc::operation_not_allowed, "<MAFBase> cannot be deleted");
  store::Batch changes;
  auto event = AuditEventId::key_deleted;
  if (registry_.key(id, clock_.now()) != nullptr) {
    if (const auto key = own_key(call, id); !key) return refusal(call, key.error().rsc, key.error().detail);
    registry_.remove_key(id, changes);
  } else {
    if (const auto registration = own_registration(call, id); !registration)
      return refusal(call, registration.error().rsc, registration.error().detail);
    registry_.remove_client(id, changes);
    event = AuditEventId::deregistration;
  }
  auto out = answer(call, Rsc::deleted, nullptr, event, "deleted");
  out.changes = std::move(changes);
  return out;
}

}  // namespace latchkey::maf
