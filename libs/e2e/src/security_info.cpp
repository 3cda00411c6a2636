#include "latchkey/e2e/security_info.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "latchkey/codec/dynamic_authorization.h"
#include "members.h"

namespace latchkey::e2e {
namespace {

using codec::Outcome;
using codec::SecurityInfoType;

Outcome<std::vector<Suid>> read_features(const json::object& members) {
  const json::value* const value = members.if_contains("esf");
  if (value == nullptr || !value->is_array()) return refuse_member("esf", "missing or no list");
  if (value->get_array().size() > kEndToEndFeaturesMax) return refuse_member("esf", "too many entries");
  std::vector<Suid> features;
  for (const json::value& entry : value->get_array()) {
    const auto number = integer(entry, 0, 999);
    if (!number) return refuse_member("esf", "not a list of SUIDs");
    if (const auto suid = Suid::from(*number)) features.push_back(*suid);
  }
  return features;
}

Outcome<std::vector<Bytes>> read_certificates(const json::object& members) {
  std::vector<Bytes> certificates;
  const json::value* const value = members.if_contains("escert");
  if (value == nullptr) return certificates;
  if (!value->is_array()) return refuse_member("escert", "no list");
  if (value->get_array().size() > kEndToEndCertificatesMax)
    return refuse_member("escert", "too many entries");
  for (const json::value& entry : value->get_array()) {
    if (!entry.is_string() || entry.get_string().size() > kEndToEndCertificateOctetsMax * 4 / 3 + 4)
      return refuse_member("escert", "an entry is no text or too long");
    auto der = from_base64(std::string_view(entry.get_string()));
    if (!der) return refuse_member("escert", der.error().detail);
    certificates.push_back(std::move(*der));
  }
  return certificates;
}

Outcome<std::optional<ReceiverRandObject>> read_shared(const json::object& members, TimePoint now) {
  const json::value* const value = members.if_contains("esro");
  if (value == nullptr) return std::optional<ReceiverRandObject>();
  auto object = ReceiverRandObject::read(*value, now);
  if (!object) return refuse_within("esro", std::move(object.error()));
  return std::optional(std::move(*object));
}

/// The one element that belongs to a type.
std::string_view element_of(SecurityInfoType type) {
  switch (type) {
    case SecurityInfoType::rand_object_request:
      return "";
    case SecurityInfoType::rand_object_response:
      return "ero";
    default:
      return "epo";
  }
}

json::value wrapped(SecurityInfoType type, std::string_view element, json::value content) {
  json::object info{{"sit", static_cast<std::uint8_t>(type)}};
  if (!element.empty()) info[element] = std::move(content);
  json::object pc;
  pc[codec::kSecurityInfo] = std::move(info);
  return pc;
}

Outcome<EsPrimMessage> read_element(SecurityInfoType type, const json::object& info, TimePoint now) {
  const std::string_view element = element_of(type);
  for (const auto& [name, value] : info)
    if (std::string_view(name) != "sit" && std::string_view(name) != element)
      return refuse_member("m2m:seci", "a member that does not go with its sit");
  if (element.empty()) return EsPrimMessage(RandObjectRequest{});
  const json::value* const value = info.if_contains(element);
  if (value == nullptr) return refuse_member("m2m:seci." + std::string(element), "missing");
  if (type == SecurityInfoType::rand_object_response) {
    auto object = ReceiverRandObject::read(*value, now);
    if (!object) return refuse_within("m2m:seci.ero", std::move(object.error()));
    return EsPrimMessage(std::move(*object));
  }
  if (!value->is_string()) return refuse_member("m2m:seci.epo", "no text");
  return EsPrimMessage(EsPrimObject{std::string(value->get_string())});
}

}  // namespace

bool E2eSecInfo::supports_esprim() const noexcept {
  return std::ranges::any_of(features, [](Suid suid) { return suid.use() == Suid::Use::esprim; });
}

Outcome<E2eSecInfo> read_sec_info(const json::value& esi, TimePoint now) {
  if (!esi.is_object()) return refuse_member("esi", "not an object");
  auto features = read_features(esi.get_object());
  if (!features) return refuse(features.error());
  auto certificates = read_certificates(esi.get_object());
  if (!certificates) return refuse(certificates.error());
  auto shared = read_shared(esi.get_object(), now);
  if (!shared) return refuse(shared.error());
  return E2eSecInfo{std::move(*features), std::move(*certificates), std::move(*shared)};
}

json::object to_json(const E2eSecInfo& info) {
  json::array features, certificates;
  for (const Suid suid : info.features) features.emplace_back(suid.value());
  for (const Bytes& der : info.certificates) certificates.emplace_back(to_base64(der));
  json::object out{{"esf", std::move(features)}};
  if (!certificates.empty()) out["escert"] = std::move(certificates);
  if (info.shared) out["esro"] = info.shared->members();
  return out;
}

Outcome<EsPrimMessage> read_esprim_message(const json::value& pc, TimePoint now) {
  const auto type = codec::security_info_type(pc);
  if (!type) return refuse(type.error());
  if (*type < SecurityInfoType::rand_object_request || *type > SecurityInfoType::esprim_object)
    return refuse_member("m2m:seci.sit", "not a message of ESPrim");
  return read_element(*type, pc.get_object().at(codec::kSecurityInfo).get_object(), now);
}

json::value to_security_info(const EsPrimMessage& message) {
  if (const auto* object = std::get_if<ReceiverRandObject>(&message))
    return wrapped(SecurityInfoType::rand_object_response, "ero", object->members());
  if (const auto* object = std::get_if<EsPrimObject>(&message))
    return wrapped(SecurityInfoType::esprim_object, "epo", json::value(object->text));
  return wrapped(SecurityInfoType::rand_object_request, "", {});
}

}  // namespace latchkey::e2e
