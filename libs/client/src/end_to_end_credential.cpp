#include "latchkey/client/end_to_end_credential.h"

#include <algorithm>

namespace latchkey::client {

namespace {

using e2e::EndToEndCredential;

/// SUID of a use whose keys a MAF distributes.
Suid suid_of(Suid::Use use) {
  return Suid::from(10 * static_cast<int>(Suid::Origin::maf) + static_cast<int>(use)).value();
}

Status generate(const EndToEndOrder& order, KeyRegistrationRequest& request) {
  auto parameters =
      e2e::make_parameters(order.profile, request.suid, e2e::MasterOrigin::source, order.capabilities);
  if (!parameters) return fail(std::move(parameters.error()));
  if (order.ke) {
    if (!order.source)
      return fail(ErrorCode::invalid_argument, "a key of Ke needs the AE-ID or CSE-ID of the source");
    auto master = e2e::generate_master(*parameters, *order.ke, *order.source);
    if (!master) return fail(std::move(master.error()));
    request.value = std::move(*master);
  } else {
    request.value = e2e::generate_master(*parameters);
  }
  request.parameters = std::move(*parameters);
  return {};
}

Result<KeyRegistrationRequest> key_request(const EndToEndOrder& order, Suid suid,
                                           std::vector<EntityId> targets) {
  KeyRegistrationRequest request{.registration_id = order.registration_id,
                                 .admin_fqdn = order.admin_fqdn,
                                 .expires = order.expires,
                                 .suid = suid,
                                 .targets = std::move(targets),
                                 .labels = order.labels,
                                 .value = {}};
  if (order.source_generated) {
    if (auto made = generate(order, request); !made) return fail(std::move(made.error()));
    return request;
  }
  const auto choice = e2e::choose(order.profile, suid, order.capabilities);
  if (!choice) return fail(choice.error());
  request.profile = order.profile;
  // Only longer keys may be offered by the targets: the TEF does not see their rand objects.
  if (suid.use() == Suid::Use::esprim && choice->message_confidentiality == 256U)
    (*request.profile)[crypto::EndToEndKey::msg_conf] =
        std::max((*request.profile)[crypto::EndToEndKey::msg_conf], e2e::Strength::medium);
  return request;
}

}  // namespace

Result<std::vector<KeyRegistrationRequest>> key_requests(const EndToEndOrder& order) {
  const auto uses = e2e::uses_of(order.profile);
  if (uses.empty()) return fail(ErrorCode::invalid_argument, "the profile asks for no protection");
  if (order.targets.empty()) return fail(ErrorCode::invalid_argument, "targets: there must be one");
  std::vector<KeyRegistrationRequest> out;
  const auto add = [&](Suid suid, std::vector<EntityId> targets) -> Status {
    auto request = key_request(order, suid, std::move(targets));
    if (!request) return fail(std::move(request.error()));
    out.push_back(std::move(*request));
    return {};
  };
  for (const auto use : uses) {
    const Suid suid = suid_of(use);
    if (use != Suid::Use::esprim) {
      if (auto added = add(suid, order.targets); !added) return fail(std::move(added.error()));
      continue;
    }
    for (const auto& target : order.targets)
      if (auto added = add(suid, {target}); !added) return fail(std::move(added.error()));
  }
  return out;
}

Result<EndToEndCredential> credential_of(RegisteredKey&& key, const EntityId& self) {
  if (!key.end_to_end) return fail(ErrorCode::invalid_argument, "no end-to-end key");
  return EndToEndCredential::make({.id = std::move(key.id),
                                   .source = key.source_entity.value_or(self),
                                   .targets = std::move(key.targets),
                                   .suid = key.suid,
                                   .end = key.expires,
                                   .parameters = std::move(*key.end_to_end)},
                                  std::move(key.key).release());
}

Result<EndToEndCredential> credential_of(RetrievedKey&& key, const KeyId& id, const SpId& home) {
  if (!key.end_to_end) return fail(ErrorCode::invalid_argument, "no end-to-end key");
  auto source = key.source_entity ? Result<EntityId>(*key.source_entity) : parse_entity_id(key.source, home);
  if (!source) return fail("cr", source.error());
  return EndToEndCredential::make({.id = id,
                                   .source = std::move(*source),
                                   .targets = std::move(key.targets),
                                   .suid = key.suid,
                                   .end = key.expires,
                                   .parameters = std::move(*key.end_to_end)},
                                  std::move(key.key).release());
}

}  // namespace latchkey::client
