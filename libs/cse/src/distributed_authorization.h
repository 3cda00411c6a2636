#pragma once
/// The PEP of this CSE with a PDP on another, and its PDP with a PRP on another (TS-0003 6.2.2; last in the
/// order of TS-0004 7.3.3.15).
#include <memory>

#include "authorization_points.h"
#include "core.h"
#include "elsewhere.h"

namespace latchkey::cse {

class DistributedAuthorization {
 public:
  DistributedAuthorization(Core& core, PointClient& client) : core_(core), client_(client) {}

  /// Whether somebody else decides, or has policies, where this CSE denies. Cheap while none is configured.
  [[nodiscard]] bool concerns(const Request& request, const Target& target) const;
  using Done = UniqueFunction<void(std::shared_ptr<const Elsewhere>)>;
  /// `done` is called once, now or later, whatever comes of it: never null.
  void ask(const Request& request, const Target& target, Done done);

  /// Adds the policies that PRPs have for `address`, or why there are none, and goes on.
  void add_policies(std::shared_ptr<Elsewhere> known, std::vector<std::string> prps, std::string address,
                    std::string requester, Done done);

 private:
  Core& core_;
  PointClient& client_;
};

}  // namespace latchkey::cse
