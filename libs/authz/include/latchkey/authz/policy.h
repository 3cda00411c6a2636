#pragma once
/// Access control rules compiled once per change (TS-0003 7.1.3, TS-0001 9.6.2).
#include <boost/json/value.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/ids.h"
#include "latchkey/codec/status.h"

namespace latchkey::authz {

/// accessControlOperations bits (TS-0004 6.3.4.2.29); Discover is Retrieve with fu = 1 (7.1.3).
enum class Op : std::uint8_t { create = 1, retrieve = 2, update = 4, del = 8, notify = 16, discover = 32 };
[[nodiscard]] std::string_view to_string(Op op) noexcept;

/// A set of rules (`pv` or `pvs`), compiled: exact originators by hash, patterns and domains apart, so that
/// the cost of a decision hardly depends on the number of rules. Immutable, thread-safe, shared between
/// requests.
class RuleSet {
 public:
  /// `acrs` is {"acr": [...]} of TS-0004 6.3.5.26 (setOfAcrs); without "acr" it has no rule. `home` completes
  /// SP-relative originators (7.1.3: they mean the SP hosting the target), `hosting_cse` bare C stems, which
  /// are refused without it. Unknown member, operation outside 1..63, an empty list, an originator of no
  /// known kind, a context that cannot be read: bad_request naming the member by its path, "acr[2].acor[0]".
  /// Limits: 100,000 rules, 1,000,000 originators in all.
  [[nodiscard]] static codec::Outcome<std::shared_ptr<const RuleSet>> compile(
      const boost::json::value& acrs, const SpId& home,
      const std::optional<CseId>& hosting_cse = std::nullopt);
  [[nodiscard]] std::size_t rule_count() const noexcept;
  /// Resource ids of <group> resources that stand as originators; their members are asked from
  /// GroupMembership.
  [[nodiscard]] std::vector<std::string> groups() const;

  struct Impl;
  explicit RuleSet(std::unique_ptr<const Impl> impl);
  ~RuleSet();
  RuleSet(const RuleSet&) = delete;
  RuleSet& operator=(const RuleSet&) = delete;
  [[nodiscard]] const Impl& impl() const noexcept { return *impl_; }

 private:
  std::unique_ptr<const Impl> impl_;
};

}  // namespace latchkey::authz
