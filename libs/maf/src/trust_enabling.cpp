#include "trust_enabling.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "latchkey/codec/mmaf.h"

namespace latchkey::maf {

namespace {

namespace mmaf = codec::mmaf;
using codec::refuse;
using codec::Rsc;

std::string named(const Error& error) { return std::string(mmaf::kEndToEnd) + ": " + error.detail; }

const MafClientPolicy* policy_of(const MafOptions& options, const std::string& end_point) {
  const auto found = std::ranges::find_if(options.clients, [&](const MafClientPolicy& policy) {
    return to_string(policy.client) == end_point || (policy.entity && to_string(*policy.entity) == end_point);
  });
  return found != options.clients.end() ? &*found : nullptr;
}

/// Of the source and of those targets that the operator knows.
std::vector<const MafClientPolicy*> policies_of(const EndToEndParties& parties) {
  std::vector<const MafClientPolicy*> out;
  if (parties.source != nullptr) out.push_back(parties.source);
  for (const auto& target : parties.targets)
    if (const auto* const policy = policy_of(parties.options, target); policy != nullptr)
      out.push_back(policy);
  return out;
}

std::vector<e2e::E2eSecInfo> capabilities_of(const EndToEndParties& parties) {
  std::vector<e2e::E2eSecInfo> out;
  for (const auto& target : parties.targets)
    if (const auto* const policy = policy_of(parties.options, target);
        policy != nullptr && !policy->features.empty())
      out.push_back({.features = policy->features, .certificates = {}, .shared = {}});
  return out;
}

}  // namespace

codec::Outcome<EntityId> end_point_of(const MafClientPolicy* policy, const EntityId& client) {
  const EntityId& id = policy != nullptr && policy->entity ? *policy->entity : client;
  if (std::holds_alternative<CseId>(id) || std::holds_alternative<AeId>(id)) return id;
  return refuse(Rsc::contents_unacceptable,
                std::string(mmaf::kEndToEnd) + ": no AE-ID or CSE-ID is known for this client");
}

codec::Outcome<e2e::EndToEndParameters> provision_parameters(const EndToEndParties& parties,
                                                             const json::object& asked,
                                                             e2e::MasterOrigin origin) {
  auto profile = e2e::read_security_profile(asked);
  if (!profile) return refuse(Rsc::bad_request, named(profile.error()));
  for (const auto* const policy : policies_of(parties)) {
    if (!policy->profile) continue;
    auto both = e2e::combine(*profile, *policy->profile);
    if (!both) return refuse(Rsc::contents_unacceptable, named(both.error()));
    profile = std::move(*both);
  }
  auto made = e2e::make_parameters(*profile, parties.suid, origin, capabilities_of(parties));
  if (!made) return refuse(Rsc::contents_unacceptable, named(made.error()));
  return std::move(*made);
}

codec::Outcome<e2e::EndToEndParameters> read_registered_parameters(const json::object& given) {
  auto parameters = e2e::read_end_to_end_parameters(given);
  if (!parameters) return refuse(Rsc::bad_request, named(parameters.error()));
  if (parameters->origin != e2e::MasterOrigin::source)
    return refuse(Rsc::bad_request, "e2ep: org: a key that comes with the request was made by its source");
  return std::move(*parameters);
}

codec::Outcome<void> check_parties(const EndToEndParties& parties,
                                   const e2e::EndToEndParameters& parameters) {
  if (auto valid = e2e::check_parameters(parameters, parties.suid); !valid)
    return refuse(Rsc::bad_request, named(valid.error()));
  for (const auto* const policy : policies_of(parties)) {
    if (!policy->profile) continue;
    if (auto met = e2e::satisfies(parameters.choice, *policy->profile, parties.suid); !met)
      return refuse(Rsc::contents_unacceptable, named(met.error()));
  }
  for (const auto& target : capabilities_of(parties))
    if (std::ranges::find(target.features, parties.suid) == target.features.end())
      return refuse(Rsc::contents_unacceptable,
                    "e2ep: a target does not support keys with SUID " + std::to_string(parties.suid.value()));
  return {};
}

SecretBytes to_secret(const e2e::EndToEndParameters& parameters) {
  std::string text = json::serialize(e2e::to_json(parameters));
  auto out = SecretBytes::copy_of(as_bytes(text));
  wipe(text.data(), text.size());
  return out;
}

Result<json::object> from_secret(const SecretBytes& text) {
  auto value = codec::parse_json(as_text(text.reveal()), {});
  if (!value || !value->is_object()) return fail(ErrorCode::io, "unreadable end-to-end parameters");
  return std::move(value->get_object());
}

}  // namespace latchkey::maf
