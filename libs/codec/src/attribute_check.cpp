#include "attribute_check.h"

#include <array>

#include "json_reader.h"
#include "latchkey/base/ids.h"
#include "latchkey/codec/formats.h"
#include "text.h"

namespace latchkey::codec {
namespace {

/// Octets of one identifier, URI or label inside a representation.
constexpr std::size_t kEntryOctets = 2048;
constexpr std::size_t kTextOctets = 65'536;

/// An identifier, URI or label: not empty, without blanks.
Outcome<void> check_token(const json::value& value) {
  const auto text = read_name(value, kEntryOctets);
  if (!text) return refuse(text.error());
  if (has_blank_or_control(*text)) return bad_form("holds a blank");
  return {};
}

Outcome<void> check_point_of_access(const json::value& value) {
  if (auto token = check_token(value); !token) return token;
  if (!is_point_of_access(view(value.get_string()))) return bad_form("not an address of a binding");
  return {};
}

Outcome<void> check_count(const AttributeSpec& spec, std::size_t entries) {
  if (entries < spec.least) return bad_form("fewer than " + std::to_string(spec.least) + " entries");
  if (entries > spec.most) return bad_form("more than " + std::to_string(spec.most) + " entries");
  return {};
}

Outcome<void> check_list(const AttributeSpec& spec, const json::value& value,
                         Outcome<void> (*check_entry)(const json::value&)) {
  if (!value.is_array()) return bad_form("not an array");
  const auto& array = value.get_array();
  for (std::size_t k = 0; k < array.size(); ++k) {
    if (auto entry = check_entry(array[k]); !entry)
      return refuse(named("[" + std::to_string(k) + "]", std::move(entry).error()));
  }
  return check_count(spec, array.size());
}

Outcome<void> check_duration(const json::value& value) {
  if (!value.is_string()) return bad_form("not a string");
  return without_value(parse_duration(view(value.get_string())));
}

Outcome<void> check_type_number(const json::value& value) {
  return without_value(read_integer(value, 0, UINT32_MAX));
}

/// Rules are compiled and judged by the authorization library; here only the frame counts.
Outcome<void> check_rules(const AttributeSpec& spec, const json::value& value) {
  if (!value.is_object()) return bad_form("not an object");
  const auto& object = value.get_object();
  const auto* const rules = object.if_contains("acr");
  if (rules == nullptr) return bad_form(".acr: missing");
  if (object.size() != 1) return bad_form("holds more than acr");
  if (!rules->is_array()) return bad_form(".acr: not an array");
  for (const auto& rule : rules->get_array()) {
    if (!rule.is_object()) return bad_form(".acr: holds what is not an object");
  }
  return check_count(spec, rules->get_array().size());
}

Outcome<void> check_app_id(const json::value& value) {
  if (auto token = check_token(value); !token) return token;
  const char first = view(value.get_string()).front();
  if (first != 'R' && first != 'r' && first != 'N')
    return bad_form("begins neither with R (registered) nor with N (not registered)");
  return {};
}

Outcome<void> check_hex(const AttributeSpec& spec, const json::value& value) {
  // The value may be a key: it is read where it stands, and no refusal repeats it.
  if (!value.is_string()) return bad_form("not a string");
  const auto text = view(value.get_string());
  const bool hex = std::ranges::all_of(
      text, [](char c) { return is_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); });
  if (!hex || text.size() % 2 != 0) return bad_form("not hexBinary");
  const auto octets = text.size() / 2;
  if (octets < spec.least || octets > spec.most)
    return bad_form("not of " + std::to_string(spec.least) +
                    (spec.most != spec.least ? " to " + std::to_string(spec.most) : "") + " octets");
  return {};
}

Outcome<void> check_text_with(const json::value& value, bool (*holds)(std::string_view), const char* defect) {
  if (!value.is_string()) return bad_form("not a string");
  if (!holds(view(value.get_string()))) return bad_form(defect);
  return {};
}

Outcome<void> check_suid(const json::value& value) {
  const auto number = read_integer(value, 0, 255);
  if (!number || !Suid::from(static_cast<std::int64_t>(*number))) return bad_form("not an assigned m2m:suid");
  return {};
}

Outcome<void> check_text(const json::value& value) {
  // Free text may hold line breaks; only its size is bounded.
  if (!value.is_string()) return bad_form("not a string");
  if (value.get_string().size() > kTextOctets)
    return bad_form("longer than " + std::to_string(kTextOctets) + " octets");
  return {};
}

Outcome<void> check_object(const json::value& value) {
  if (!value.is_object()) return bad_form("not an object");
  return {};
}

}  // namespace

Outcome<void> check_value(const AttributeSpec& spec, const json::value& value) {
  switch (spec.kind) {
    case ValueKind::any:
      return {};
    case ValueKind::string:
      return check_text(value);
    case ValueKind::id:
    case ValueKind::uri:
      return check_token(value);
    case ValueKind::null_or_id:
      return bad_form("only null may be given; the CSE sets it to the originator");
    case ValueKind::boolean:
      return without_value(read_boolean(value));
    case ValueKind::non_negative_integer:
      return without_value(read_integer(value, spec.least, spec.most));
    case ValueKind::positive_integer:
      return without_value(read_integer(value, std::max<std::uint64_t>(spec.least, 1), spec.most));
    case ValueKind::timestamp:
      return without_value(read_timestamp(value));
    case ValueKind::string_list:
    case ValueKind::id_list:
    case ValueKind::uri_list:
      return check_list(spec, value, check_token);
    case ValueKind::string_or_list:
      return value.is_string() ? check_token(value) : check_list(spec, value, check_token);
    case ValueKind::integer_list:
      return check_list(spec, value, check_type_number);
    case ValueKind::poa_list:
      return check_list(spec, value, check_point_of_access);
    case ValueKind::access_control_rules:
      return check_rules(spec, value);
    case ValueKind::event_criteria:
      return check_event_criteria(value);
    case ValueKind::batch_notify:
      return check_batch_notify(value);
    case ValueKind::rate_limit:
      return check_rate_limit(value);
    case ValueKind::object:
      return check_object(value);
    case ValueKind::hex_binary:
      return check_hex(spec, value);
    case ValueKind::suid:
      return check_suid(value);
    case ValueKind::fqdn:
      return check_text_with(
          value, [](std::string_view text) { return Fqdn::parse(text).has_value(); }, "not an FQDN");
    case ValueKind::resource_name:
      return check_text_with(
          value, [](std::string_view text) { return is_resource_name(text); },
          "not a resource name of letters, digits, '-', '.', '_', or reserved for a virtual resource");
    case ValueKind::app_id:
      return check_app_id(value);
    case ValueKind::content_info:
      if (!value.is_string()) return bad_form("not a string");
      return without_value(parse_content_info(view(value.get_string())));
    case ValueKind::event_category:
      return without_value(read_event_category(value));
    case ValueKind::duration_list:
      return check_list(spec, value, check_duration);
  }
  return bad_form("of unknown kind");
}

}  // namespace latchkey::codec
