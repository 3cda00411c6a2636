#pragma once
/// '*' in identifiers: any run of characters, which ends at the next '/' (TS-0003 7.1.3).
#include <string_view>

namespace latchkey::cse {

/// Time at most the product of the lengths.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view text) noexcept;

}  // namespace latchkey::cse
