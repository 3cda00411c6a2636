#include "latchkey/e2e/security_profile.h"

#include <algorithm>

#include "end_to_end_members.h"
#include "latchkey/e2e/rand_object.h"

namespace latchkey::e2e {
namespace {

using crypto::EndToEndKey;
using crypto::Hash;
namespace mmaf = codec::mmaf;

constexpr std::array<std::string_view, 4> kStrengths = {"none", "low", "medium", "high"};
constexpr std::array<std::string_view, crypto::kEndToEndKeys> kSettings = {
    "message_authentication", "message_confidentiality", "attribute_integrity", "attribute_confidentiality"};

tl::unexpected<Error> bad(std::string why) { return fail(ErrorCode::invalid_argument, std::move(why)); }

/// The two protections that keys of one use are for.
struct Demand {
  Strength authenticity = Strength::none, confidentiality = Strength::none;
  [[nodiscard]] bool any() const {
    return authenticity != Strength::none || confidentiality != Strength::none;
  }
};
Demand demand_of(const SecurityProfile& profile, Suid::Use use) {
  if (use == Suid::Use::esprim) return {profile[EndToEndKey::msg_auth], profile[EndToEndKey::msg_conf]};
  return {profile[EndToEndKey::att_auth], profile[EndToEndKey::att_conf]};
}

unsigned aes_bits(Strength strength) { return strength == Strength::low ? 192 : 256; }

Status check_demand(const SecurityProfile& profile, Suid::Use use) {
  const Demand demand = demand_of(profile, use);
  const bool messages = use == Suid::Use::esprim;
  if (!demand.any())
    return bad(std::string("the profile asks for no protection of ") +
               (messages ? "messages" : "attributes"));
  if (use == Suid::Use::esdata_signature) {
    if (demand.confidentiality != Strength::none) return bad("a MIC keeps nothing confidential");
    if (profile.protection == ProtectionClass::aead) return bad("a MIC is no AEAD algorithm");
  }
  if (use == Suid::Use::esdata_encryption && profile.protection == ProtectionClass::separate_keys &&
      demand.confidentiality == Strength::none)
    return bad("the profile asks for no confidentiality of attributes");
  return {};
}

void set_authenticity(ProtectionChoice& choice, Suid::Use use, Strength strength) {
  if (strength == Strength::none) return;
  if (use != Suid::Use::esprim) {
    choice.attribute_authenticity = Hash::sha256;
    return;
  }
  choice.message_authenticity = strength == Strength::high ? Hash::sha512 : Hash::sha256;
  choice.hash = *choice.message_authenticity;
}
void set_confidentiality(ProtectionChoice& choice, Suid::Use use, Strength strength) {
  if (strength == Strength::none) return;
  (use == Suid::Use::esprim ? choice.message_confidentiality : choice.attribute_confidentiality) =
      aes_bits(strength);
}

bool offers(const E2eSecInfo& target, unsigned bits) {
  // Without a shared rand object the one that it gives later says so.
  return !target.shared || target.shared->offers(bits == 256 ? jose::Enc::a256gcm : jose::Enc::a192gcm);
}

Status fit(ProtectionChoice& choice, Suid suid, std::span<const E2eSecInfo> targets) {
  for (const auto& target : targets)
    if (std::ranges::find(target.features, suid) == target.features.end())
      return fail(ErrorCode::unsupported,
                  "a target does not support keys with SUID " + std::to_string(suid.value()));
  if (choice.protection != ProtectionClass::aead || !choice.message_confidentiality) return {};
  for (const unsigned bits : {192U, 256U}) {
    if (bits < *choice.message_confidentiality) continue;
    if (!std::ranges::all_of(targets, [&](const auto& target) { return offers(target, bits); })) continue;
    choice.message_confidentiality = bits;
    return {};
  }
  return fail(ErrorCode::unsupported, "a target offers no AES-GCM that is strong enough");
}

Strength strength_of(std::string_view name, bool& known) {
  const auto found = std::ranges::find(kStrengths, name);
  known = found != kStrengths.end();
  return known ? static_cast<Strength>(found - kStrengths.begin()) : Strength::none;
}

template <class T>
Result<std::optional<T>> agreed(const std::optional<T>& a, const std::optional<T>& b, const char* what) {
  if (a && b && *a != *b) return bad(std::string("two profiles demand different ") + what);
  return a ? a : b;
}

}  // namespace

std::string_view to_string(Strength strength) noexcept {
  return kStrengths.at(static_cast<std::size_t>(strength));
}
std::string_view to_string(ProtectionClass protection) noexcept {
  return protection == ProtectionClass::aead ? "aead" : "non-aead";
}
std::string_view to_string(ProtectionProtocol protocol) noexcept {
  return protocol == ProtectionProtocol::jose ? "jose" : "xml";
}

std::optional<ProtectionClass> protection_class(std::string_view name) noexcept {
  for (const auto value : {ProtectionClass::aead, ProtectionClass::separate_keys})
    if (name == to_string(value)) return value;
  return {};
}
std::optional<ProtectionProtocol> protection_protocol(std::string_view name) noexcept {
  for (const auto value : {ProtectionProtocol::jose, ProtectionProtocol::xml})
    if (name == to_string(value)) return value;
  return {};
}

SecurityProfile read_security_profile(ConfigReader& in) {
  SecurityProfile out;
  for (std::size_t i = 0; i < kSettings.size(); ++i) {
    bool known = false;
    out.strengths.at(i) = strength_of(in.text(kSettings.at(i), "none"), known);
    if (!known) in.problem(kSettings.at(i), "none, low, medium or high");
  }
  if (const auto name = in.text("class", ""); !name.empty()) {
    out.protection = protection_class(name);
    if (!out.protection) in.problem("class", "aead or non-aead");
  }
  if (const auto name = in.text("protocol", ""); !name.empty()) {
    out.protocol = protection_protocol(name);
    if (!out.protocol) in.problem("protocol", "jose or xml");
  }
  out.scope = in.text("scope", "");
  if (!is_scope(out.scope)) in.problem("scope", "more than 256 octets, or control characters");
  if (in.has("nonce_lifetime")) {
    const auto lifetime = in.duration("nonce_lifetime", std::chrono::seconds(0));
    if (lifetime < std::chrono::seconds(1) || lifetime > kNonceLifetimeMax)
      in.problem("nonce_lifetime", "from 1 s to 24 h");
    else
      out.nonce_lifetime = std::chrono::floor<std::chrono::seconds>(lifetime);
  }
  return out;
}

Result<SecurityProfile> combine(const SecurityProfile& a, const SecurityProfile& b) {
  SecurityProfile out;
  for (std::size_t i = 0; i < out.strengths.size(); ++i)
    out.strengths.at(i) = std::max(a.strengths.at(i), b.strengths.at(i));
  auto protection = agreed(a.protection, b.protection, "classes of algorithms");
  if (!protection) return fail(std::move(protection.error()));
  auto protocol = agreed(a.protocol, b.protocol, "protocols");
  if (!protocol) return fail(std::move(protocol.error()));
  out.protection = *protection;
  out.protocol = *protocol;
  out.scope = a.scope.empty() ? b.scope : a.scope;
  out.nonce_lifetime = a.nonce_lifetime && b.nonce_lifetime ? std::min(a.nonce_lifetime, b.nonce_lifetime)
                       : a.nonce_lifetime                   ? a.nonce_lifetime
                                                            : b.nonce_lifetime;
  return out;
}

std::vector<Suid::Use> uses_of(const SecurityProfile& profile) {
  std::vector<Suid::Use> out;
  if (demand_of(profile, Suid::Use::esprim).any()) out.push_back(Suid::Use::esprim);
  const Demand data = demand_of(profile, Suid::Use::esdata_encryption);
  if (data.confidentiality != Strength::none || (data.any() && profile.protection == ProtectionClass::aead))
    out.push_back(Suid::Use::esdata_encryption);
  else if (data.any())
    out.push_back(Suid::Use::esdata_signature);
  return out;
}

bool ProtectionChoice::uses(EndToEndKey key) const noexcept {
  switch (key) {
    case EndToEndKey::msg_auth:
      return message_authenticity.has_value();
    case EndToEndKey::msg_conf:
      return message_confidentiality.has_value();
    case EndToEndKey::att_auth:
      return attribute_authenticity.has_value();
    case EndToEndKey::att_conf:
      return attribute_confidentiality.has_value();
  }
  return false;
}

Result<ProtectionChoice> choose(const SecurityProfile& profile, Suid suid,
                                std::span<const E2eSecInfo> targets) {
  const Suid::Use use = suid.use();
  if (use < Suid::Use::esprim) return bad("SUID " + std::to_string(suid.value()) + " is not end-to-end");
  if (auto valid = check_demand(profile, use); !valid) return fail(std::move(valid.error()));
  const Demand demand = demand_of(profile, use);
  const bool mic_alone = use == Suid::Use::esdata_signature;
  ProtectionChoice out{.protocol = profile.protocol.value_or(ProtectionProtocol::jose),
                       .protection = profile.protection.value_or(mic_alone ? ProtectionClass::separate_keys
                                                                           : ProtectionClass::aead)};
  if (out.protection == ProtectionClass::aead) {
    set_confidentiality(out, use, std::max(demand.authenticity, demand.confidentiality));
  } else {
    set_authenticity(out, use, demand.authenticity);
    set_confidentiality(out, use, demand.confidentiality);
  }
  if (auto fits = fit(out, suid, targets); !fits) return fail(std::move(fits.error()));
  return out;
}

Status satisfies(const ProtectionChoice& choice, const SecurityProfile& profile, Suid suid) {
  const auto denied = [](const char* why) { return fail(ErrorCode::denied, why); };
  if (!demand_of(profile, suid.use()).any()) return {};
  if (profile.protocol && *profile.protocol != choice.protocol) return denied("another protocol is demanded");
  SecurityProfile same = profile;
  same.protocol = choice.protocol;
  if (!same.protection) same.protection = choice.protection;
  const auto wanted = choose(same, suid);
  if (!wanted) return fail(ErrorCode::denied, wanted.error().detail);
  if (wanted->protection != choice.protection) return denied("another class of algorithms is demanded");
  if (wanted->message_authenticity > choice.message_authenticity ||
      wanted->attribute_authenticity > choice.attribute_authenticity)
    return denied("a stronger authenticity algorithm is demanded");
  if (wanted->message_confidentiality > choice.message_confidentiality ||
      wanted->attribute_confidentiality > choice.attribute_confidentiality)
    return denied("a longer confidentiality key is demanded");
  return {};
}

json::object to_json(const SecurityProfile& profile) {
  json::object strengths;
  for (std::size_t i = 0; i < profile.strengths.size(); ++i)
    if (profile.strengths.at(i) != Strength::none)
      strengths[mmaf::kEndToEndKeyNames.at(i)] = to_string(profile.strengths.at(i));
  json::object out;
  out[mmaf::kProfile] = std::move(strengths);
  if (profile.protection) out[mmaf::kClass] = to_string(*profile.protection);
  if (profile.protocol) out[mmaf::kProtocol] = to_string(*profile.protocol);
  if (!profile.scope.empty()) out[mmaf::kScope] = profile.scope;
  if (profile.nonce_lifetime) out[mmaf::kNonceLifetime] = profile.nonce_lifetime->count();
  return out;
}

Result<SecurityProfile> read_security_profile(const json::object& members) {
  MemberReader in(members);
  SecurityProfile out;
  if (const auto* strengths = in.object(mmaf::kProfile); strengths != nullptr) {
    for (const auto& [name, value] : *strengths) {
      const auto key = end_to_end_key(name);
      bool known = false;
      const Strength strength = value.is_string() ? strength_of(value.get_string(), known) : Strength::none;
      if (!key || !known) return bad("prf: names none of four protections, or no strength");
      out[*key] = strength;
    }
  }
  if (const auto name = in.text(mmaf::kClass)) {
    out.protection = protection_class(*name);
    if (!out.protection) in.refuse(mmaf::kClass, "aead or non-aead");
  }
  if (const auto name = in.text(mmaf::kProtocol)) {
    out.protocol = protection_protocol(*name);
    if (!out.protocol) in.refuse(mmaf::kProtocol, "jose or xml");
  }
  if (const auto scope = in.text(mmaf::kScope)) out.scope = in.scope(*scope);
  if (in.has(mmaf::kNonceLifetime)) out.nonce_lifetime = in.nonce_lifetime();
  if (auto done = in.finish(); !done) return fail(std::move(done.error()));
  return out;
}

}  // namespace latchkey::e2e
