#include "attribute_check.h"
#include "json_reader.h"
#include "latchkey/codec/resource_types.h"
#include "text.h"

namespace latchkey::codec {
namespace {

enum class Use : std::uint8_t { create, update };

std::string path_of(const ResourceTypeSpec& type, std::string_view short_name) {
  return "pc." + std::string(type.element) + "." + shown(short_name);
}

/// The attributes of the one element of pc, if it is of this type.
template <class Value>  // json::value or const json::value
auto* attributes_of(const ResourceTypeSpec& type, Value& pc) {
  using Object = std::remove_reference_t<decltype(pc.get_object())>;
  if (!pc.is_object() || pc.get_object().size() != 1) return static_cast<Object*>(nullptr);
  auto& member = *pc.get_object().begin();
  if (std::string_view(member.key()) != type.element || !member.value().is_object())
    return static_cast<Object*>(nullptr);
  return &member.value().get_object();
}

Outcome<void> check_null(const AttributeSpec& spec, Use use) {
  if (use == Use::create) {
    if (spec.kind == ValueKind::null_or_id) return {};
    return bad_form("null is not permitted in CREATE");
  }
  if (spec.one) return bad_form("cannot be deleted, for it has multiplicity 1");
  return {};
}

Outcome<void> check_attribute(const ResourceTypeSpec& type, std::string_view name, const json::value& value,
                              Use use) {
  const AttributeSpec* const spec = attribute(type, name);
  if (spec == nullptr) return bad_form("no attribute of " + std::string(type.long_name));
  const Presence presence = use == Use::create ? spec->create : spec->update;
  if (presence == Presence::not_permitted) {
    return bad_form(std::string("not permitted in ") + (use == Use::create ? "CREATE" : "UPDATE"));
  }
  if (!spec->implemented)
    return refuse(Rsc::not_implemented, std::string(spec->long_name) + " is not offered");
  return value.is_null() ? check_null(*spec, use) : check_value(*spec, value);
}

Outcome<void> check_missing(const ResourceTypeSpec& type, const json::object& attributes, bool release_1) {
  for (const auto& spec : type.attributes) {
    const bool needed = spec.create == Presence::mandatory || (spec.since_2a && !release_1);
    if (needed && !attributes.contains(spec.short_name)) {
      return bad_form(path_of(type, spec.short_name) + ": missing");
    }
  }
  return {};
}

Outcome<void> check_all(const ResourceTypeSpec& type, const json::object* attributes, Use use) {
  const bool offered = use == Use::create ? type.api_create : type.api_update;
  if (!offered) {
    return refuse(Rsc::operation_not_allowed, std::string(type.long_name) + " cannot be " +
                                                  (use == Use::create ? "created" : "updated") +
                                                  " by request");
  }
  if (attributes == nullptr) {
    return bad_form("pc: not an object whose one member is the object " + std::string(type.element));
  }
  for (const auto& member : *attributes) {
    if (auto checked = check_attribute(type, member.key(), member.value(), use); !checked) {
      return refuse(named(path_of(type, member.key()), std::move(checked).error()));
    }
  }
  return {};
}

Outcome<void> check_all_of_create(const ResourceTypeSpec& type, const json::object* attributes,
                                  bool release_1) {
  if (auto checked = check_all(type, attributes, Use::create); !checked) return checked;
  return check_missing(type, *attributes, release_1);
}

/// An UPDATE without attributes would change lastModifiedTime and nothing else.
Outcome<void> check_all_of_update(const ResourceTypeSpec& type, const json::object* attributes) {
  if (auto checked = check_all(type, attributes, Use::update); !checked) return checked;
  if (attributes->empty()) return bad_form("pc." + std::string(type.element) + ": no attribute");
  return {};
}

bool is_release_1(const std::optional<std::string>& rvi) { return !rvi || *rvi == "1"; }

}  // namespace

Outcome<json::object> check_create(const ResourceTypeSpec& type, const json::value& pc,
                                   const std::optional<std::string>& rvi) {
  const auto* const attributes = attributes_of(type, pc);
  if (auto checked = check_all_of_create(type, attributes, is_release_1(rvi)); !checked)
    return refuse(std::move(checked).error());
  return *attributes;
}

Outcome<json::object> check_create(const ResourceTypeSpec& type, json::value&& pc,
                                   const std::optional<std::string>& rvi) {
  auto* const attributes = attributes_of(type, pc);
  if (auto checked = check_all_of_create(type, attributes, is_release_1(rvi)); !checked)
    return refuse(std::move(checked).error());
  return std::move(*attributes);
}

Outcome<json::object> check_update(const ResourceTypeSpec& type, const json::value& pc) {
  const auto* const attributes = attributes_of(type, pc);
  if (auto checked = check_all_of_update(type, attributes); !checked)
    return refuse(std::move(checked).error());
  return *attributes;
}

Outcome<json::object> check_update(const ResourceTypeSpec& type, json::value&& pc) {
  auto* const attributes = attributes_of(type, pc);
  if (auto checked = check_all_of_update(type, attributes); !checked)
    return refuse(std::move(checked).error());
  return std::move(*attributes);
}

}  // namespace latchkey::codec
