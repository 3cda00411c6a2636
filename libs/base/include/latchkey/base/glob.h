#pragma once
/// The wildcard of TS-0003 7.1.3: in ids, and in the addresses that an operator's policy names.
#include <string_view>

namespace latchkey {

/// True if `text` matches `pattern`, in which each '*' stands for any number of characters, none included.
/// Both are one segment of an id or address, so that a '*' ends at the next '/'. At most |pattern| * |text|
/// steps, no recursion.
[[nodiscard]] inline bool glob(std::string_view pattern, std::string_view text) noexcept {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace latchkey
