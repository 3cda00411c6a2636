#include <algorithm>

#include "attribute_names.h"
#include "filter_fields.h"
#include "json_reader.h"
#include "latchkey/codec/formats.h"
#include "text.h"

namespace latchkey::codec {
namespace {

Outcome<std::vector<std::uint32_t>> read_types(const json::value& value, std::size_t entries) {
  if (!value.is_array()) return bad_form("not an array");
  const auto& array = value.get_array();
  if (array.size() > entries) return bad_form("more than " + std::to_string(entries) + " entries");
  std::vector<std::uint32_t> types;
  types.reserve(array.size());
  for (const auto& entry : array) {
    const auto type = read_integer(entry, 1, UINT32_MAX);
    if (!type) return refuse(type.error());
    types.push_back(static_cast<std::uint32_t>(*type));
  }
  return types;
}

/// {"nm": short name, "val": text, number or boolean}; the condition is compared as text.
Outcome<std::pair<std::string, std::string>> read_attribute(const json::value& value,
                                                            const PrimitiveLimits& limits) {
  if (!value.is_object()) return bad_form("not an object of nm and val");
  const auto& object = value.get_object();
  const auto* const name = object.if_contains("nm");
  const auto* const wanted = object.if_contains("val");
  if (name == nullptr || wanted == nullptr || object.size() != 2)
    return bad_form("not an object of nm and val");
  if (!name->is_string() || !is_attribute_name(view(name->get_string())))
    return bad_form("nm is no attribute's short name");
  std::pair<std::string, std::string> condition{std::string(view(name->get_string())), {}};
  if (wanted->is_string()) {
    auto text = read_text(*wanted, limits.to_octets);
    if (!text) return refuse(named("val", std::move(text).error()));
    condition.second = std::move(*text);
  } else if (wanted->is_number() || wanted->is_bool()) {
    condition.second = to_text(*wanted);
  } else {
    return bad_form("val is not a simple value");
  }
  return condition;
}

Outcome<void> read_attributes(FilterCriteria& criteria, const json::value& value,
                              const PrimitiveLimits& limits) {
  if (!value.is_array()) return bad_form("not an array");
  const auto& array = value.get_array();
  if (array.size() > limits.list_entries) {
    return bad_form("more than " + std::to_string(limits.list_entries) + " entries");
  }
  for (const auto& entry : array) {
    auto condition = read_attribute(entry, limits);
    if (!condition) return refuse(std::move(condition).error());
    criteria.attributes.push_back(std::move(*condition));
  }
  return {};
}

Outcome<void> read_condition(FilterCriteria& criteria, std::string_view name, const json::value& value,
                             const PrimitiveLimits& limits) {
  for (const auto& condition : kTimeConditions) {
    if (condition.name == name) return assign(criteria.*condition.member, read_timestamp(value));
  }
  for (const auto& condition : kCountConditions) {
    if (condition.name == name)
      return assign(criteria.*condition.member, read_integer(value, 0, kIntegerMax));
  }
  for (const auto& field : kPageFields) {
    if (field.name == name)
      return assign_as(criteria.*field.member, read_integer(value, field.least, UINT32_MAX));
  }
  if (name == "lbl") return assign(criteria.labels, read_names(value, limits.list_entries, limits.id_octets));
  if (name == "cty")
    return assign(criteria.content_types, read_names(value, limits.list_entries, limits.id_octets));
  if (name == "ty") return assign(criteria.types, read_types(value, limits.list_entries));
  if (name == "atr") return read_attributes(criteria, value, limits);
  if (name == "fu") return assign_as(criteria.usage, read_integer(value, 1, 3));
  if (name == "fo") {
    const auto operation = read_integer(value, 1, 2);
    if (!operation) return refuse(operation.error());
    criteria.any = *operation == 2;
    return {};
  }
  if (std::ranges::find(kConditionsNotOffered, name) != kConditionsNotOffered.end()) {
    return refuse(Rsc::not_implemented, "not offered");
  }
  return bad_form("unknown");
}

}  // namespace

Outcome<FilterCriteria> filter_criteria_from_json(const json::value& value, const PrimitiveLimits& limits) {
  if (!value.is_object()) return bad_form("fc: not an object");
  FilterCriteria criteria;
  for (const auto& member : value.get_object()) {
    if (auto read = read_condition(criteria, member.key(), member.value(), limits); !read) {
      return refuse(named("fc." + shown(member.key()), std::move(read).error()));
    }
  }
  return criteria;
}

json::object to_json(const FilterCriteria& criteria) {
  json::object out;
  for (const auto& condition : kTimeConditions) {
    if (const auto& time = criteria.*condition.member) out[condition.name] = timestamp_text(*time);
  }
  for (const auto& condition : kCountConditions) {
    if (const auto& count = criteria.*condition.member) out[condition.name] = *count;
  }
  for (const auto& field : kPageFields) {
    if (const auto& number = criteria.*field.member) out[field.name] = *number;
  }
  if (!criteria.labels.empty()) out["lbl"] = to_array(criteria.labels);
  if (!criteria.types.empty()) out["ty"] = json::array(criteria.types.begin(), criteria.types.end());
  if (!criteria.content_types.empty()) out["cty"] = to_array(criteria.content_types);
  if (!criteria.attributes.empty()) {
    json::array attributes;
    for (const auto& [name, wanted] : criteria.attributes)
      attributes.push_back(json::object{{"nm", name}, {"val", wanted}});
    out["atr"] = std::move(attributes);
  }
  if (criteria.usage) out["fu"] = static_cast<std::uint32_t>(*criteria.usage);
  if (criteria.any) out["fo"] = 2;
  return out;
}

}  // namespace latchkey::codec
