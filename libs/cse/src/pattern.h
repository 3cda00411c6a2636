#pragma once
/// '*' for any run of characters (TS-0003 7.1.3, TS-0004 7.3.3.17).
#include <string_view>

namespace latchkey::cse {

/// How far one '*' reaches: to the next '/' as in identifiers, or over everything as in filter criteria.
enum class Reach : bool { segment, whole };

/// Time at most the product of the lengths.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view text,
                                   Reach reach = Reach::segment) noexcept;

}  // namespace latchkey::cse
