#pragma once
/// filterCriteria against a resource (TS-0001 8.1.2, TS-0004 7.3.3.17).
#include <functional>

#include "core.h"

namespace latchkey::cse {

class Filter {
 public:
  /// Compiles the conditions once; limit, level, offset and usage are none of them.
  explicit Filter(const codec::FilterCriteria& criteria);
  /// Several values of one condition are alternatives; different conditions must all hold, or one of them
  /// with fo = 2. Without conditions everything matches.
  [[nodiscard]] bool matches(const Resource& resource) const;

 private:
  std::vector<std::function<bool(const Resource&)>> conditions_;
  bool any_ = false;
};

/// Descendants in the order of a walk from the top (TS-0004 7.3.3.14).
struct Listing {
  std::vector<const Resource*> found;
  bool partial = false;           ///< more would match than lim, or the CSE's own limit, allows
  std::uint64_t next_offset = 0;  ///< how many matches are behind the reader then
  std::uint64_t seen = 0;
};
/// Those that match and on which the originator has `op`; virtual and expired resources are left out.
[[nodiscard]] Listing list_descendants(Core& core, const Request& request, const Resource& root,
                                       authz::Op op);

/// As rcn 4 and 8 nest them: arrays of children under their element names, below a parent that is shown
/// itself. Adds them to `into`.
[[nodiscard]] bool nest_descendants(Core& core, Request& request, const Resource& root, json::object& into);

}  // namespace latchkey::cse
