/// Checks that CREATE and UPDATE share.
#include <algorithm>
#include <array>

#include "procedures.h"
#include "records.h"

namespace latchkey::cse {

using codec::refuse;

bool is_common(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 4> kCommon{"lbl", "et", "acpi", "daci"};
  return std::ranges::find(kCommon, name) != kCommon.end();
}

Outcome<void> check_policy_references(const Core& core, const json::object& attributes) {
  for (const std::string_view name : {"acpi", "macp", "daci"}) {
    const auto type = name == "daci" ? codec::Ty::dac : codec::Ty::acp;
    const auto* const list = attributes.if_contains(name);
    if (list == nullptr || !list->is_array()) continue;
    if (list->get_array().empty()) return refuse(Rsc::bad_request, std::string(name) + ": empty");
    for (const auto& entry : list->get_array()) {
      const auto address = ResourceAddress::parse(std::string_view(entry.get_string()));
      if (!address) return refuse(Rsc::bad_request, std::string(name) + ": not an address");
      // A policy hosted elsewhere cannot be looked at; it contributes nothing to a decision here.
      if (!core.tree.hosts(*address)) continue;
      const auto target = core.tree.resolve(*address);
      if (target.resource == nullptr || !target.resource->is(type)) {
        const auto wanted = codec::resource_type(static_cast<std::uint32_t>(type))->long_name;
        return refuse(Rsc::bad_request, std::string(name) + ": names no " + std::string(wanted));
      }
    }
  }
  return {};
}

Outcome<void> fit_expiration(const Core& core, const Resource& parent, json::object& attributes) {
  const auto now = core.clock.now();
  auto time = expiration_of(attributes).value_or(now + core.options.default_lifetime);
  if (time <= now) return refuse(Rsc::bad_request, "et: in the past");
  if (parent.expires) time = std::min(time, *parent.expires);
  attributes["et"] = format_timestamp(time);
  return {};
}

}  // namespace latchkey::cse
