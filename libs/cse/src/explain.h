#pragma once
/// The decision for a hypothetical request, in sentences (`latchkey authz explain`).
#include "core.h"

namespace latchkey::cse {

[[nodiscard]] std::string explain_decision(const Core& core, const Hypothetical& question);

}  // namespace latchkey::cse
