#pragma once
/// The decision for a hypothetical request, in sentences (`latchkey authz explain`).
#include "core.h"

namespace latchkey::cse {

struct Question {
  std::string_view originator;  ///< AE-ID-Stem or any id in SP-relative or absolute form
  std::string_view operation;   ///< CREATE, RETRIEVE, UPDATE, DELETE, NOTIFY, DISCOVER; any case
  std::string_view target;
  std::optional<std::uint32_t> child_type;
};

/// Takes the originator as authenticated if it is registered here. Changes nothing and leaves no audit event.
[[nodiscard]] std::string explain_decision(const Core& core, const Question& question);

}  // namespace latchkey::cse
