#pragma once
/// The operations on resources of this CSE (TS-0004 7.2.2.2 steps 7 to 11, 7.3.3, 7.4). Each takes the
/// request that has found its target, and answers once. `target.resource` is never null and not expired.
#include "core.h"

namespace latchkey::cse {

void create(Core& core, Request&& request, const Target& target, Respond respond);
void retrieve(Core& core, Request&& request, const Target& target, Respond respond);
void update(Core& core, Request&& request, const Target& target, Respond respond);
void remove(Core& core, Request&& request, const Target& target, Respond respond);
void notify(Core& core, Request&& request, const Target& target, Respond respond);

/// The instance that la or ol means, or the target itself; nullptr when the container is empty.
[[nodiscard]] Resource* addressed(const Target& target) noexcept;
/// 4005 for instances, la and ol of a container with disr (TS-0004 7.4.6).
[[nodiscard]] Outcome<void> check_retrievable(const Target& target);
/// 4004 when the conditions of a conditional request do not hold for the target.
[[nodiscard]] Outcome<void> check_conditions(const Request& request, const Resource& resource);
/// Content of a RETRIEVE or DELETE response by rcn; sets cnst and cnot.
void fill_content(Core& core, Request& request, const Resource& resource, ResponsePrimitive& response);

/// lbl, et, acpi, daci: attributes that say nothing of what a resource is for.
[[nodiscard]] bool is_common(std::string_view name) noexcept;
/// acpi, macp, daci of a CREATE or UPDATE: entries of this CSE must be policies or consultations, an empty
/// list is refused (4000).
[[nodiscard]] Outcome<void> check_policy_references(const Core& core, const json::object& attributes);
/// et of a CREATE or UPDATE: in the future (4000), cut to that of the parent.
[[nodiscard]] Outcome<void> fit_expiration(const Core& core, const Resource& parent,
                                           json::object& attributes);

}  // namespace latchkey::cse
