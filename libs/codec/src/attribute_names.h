#pragma once
#include <string_view>

namespace latchkey::codec {

/// The short name of an attribute that some resource type of this CSE has; such a name may stand in a filter
/// condition.
[[nodiscard]] bool is_attribute_name(std::string_view short_name) noexcept;

}  // namespace latchkey::codec
