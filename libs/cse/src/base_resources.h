#pragma once
/// The CSEBase and its policy, made at the first start and kept in step with the configuration.
#include "core.h"

namespace latchkey::cse {

/// Creates <CSEBase> with an <accessControlPolicy> that lets authenticated entities of the own SP read it, or
/// takes the changed configuration over. Waits for the store. Another CSE-ID or type than the stored one is
/// `conflict`.
[[nodiscard]] Status prepare_base(Core& core);

}  // namespace latchkey::cse
