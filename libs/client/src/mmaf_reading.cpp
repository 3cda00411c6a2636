#include "mmaf_reading.h"

namespace latchkey::client {

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

Result<std::optional<std::vector<std::string>>> labels_of(const json::object& object) {
  const auto* value = object.if_contains("lbl");
  if (value == nullptr) return std::optional<std::vector<std::string>>();
  if (!value->is_array()) return fail(ErrorCode::invalid_argument, "lbl: not a list");
  std::vector<std::string> out;
  for (const auto& entry : value->get_array()) {
    if (!entry.is_string()) return fail(ErrorCode::invalid_argument, "lbl: not text");
    out.emplace_back(entry.get_string());
  }
  return std::optional(std::move(out));
}

Result<std::vector<EntityId>> targets_of(const json::object& object, const SpId& home) {
  std::vector<EntityId> out;
  const auto* value = object.if_contains(mmaf::kTargets);
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
  } else if (value != nullptr) {
    return fail(ErrorCode::invalid_argument, "tgis: neither an id nor a list");
  }
  return out;
}

Result<TimePoint> future_expiry(const json::object& object, TimePoint now) {
  auto expires = parse_timestamp(text(object, "et"));
  if (!expires) return fail("et", expires.error());
  if (*expires <= now) return fail(ErrorCode::expired, "et: has passed already");
  return *expires;
}

Result<Suid> suid_of(const json::object& object) {
  const auto* value = object.if_contains(mmaf::kSuid);
  if (value == nullptr || !value->is_number()) return fail(ErrorCode::invalid_argument, "suid: missing");
  boost::system::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  if (error) return fail(ErrorCode::invalid_argument, "suid: not an integer");
  return Suid::from(number);
}

Result<std::optional<e2e::EndToEndParameters>> end_to_end_of(const json::object& object) {
  const auto* value = object.if_contains(mmaf::kEndToEnd);
  if (value == nullptr) return std::optional<e2e::EndToEndParameters>();
  if (!value->is_object()) return fail(ErrorCode::invalid_argument, "e2ep: not an object");
  auto parameters = e2e::read_end_to_end_parameters(value->get_object());
  if (!parameters) return fail("e2ep", parameters.error());
  return std::optional(std::move(*parameters));
}

Result<std::optional<EntityId>> source_entity_of(const json::object& object, const SpId& home) {
  const auto entity = text(object, mmaf::kSourceEntity);
  if (entity.empty()) return std::optional<EntityId>();
  auto id = parse_entity_id(entity, home);
  if (!id) return fail("seid", id.error());
  return std::optional(std::move(*id));
}

}  // namespace latchkey::client
