#pragma once
/// This CSE as PDP, PRP and PIP of others: what an UPDATE of its <authorizationDecision>,
/// <authorizationPolicy> and <authorizationInformation> resources answers (TS-0003 6.2.2; TS-0004 7.4.43 to
/// 7.4.45 of Release 3).
#include "authorization_points.h"
#include "core.h"
#include "distributed_authorization.h"
#include "information.h"

namespace latchkey::cse {

/// False for the types of what this CSE is not configured to do for others.
[[nodiscard]] bool is_offered(const CseOptions& options, std::uint32_t ty) noexcept;
[[nodiscard]] bool is_authorization_point(const Resource& resource) noexcept;
/// Whether the content of an UPDATE of such a resource is a question, and not a change of common attributes.
[[nodiscard]] bool is_question(const json::value& pc) noexcept;
/// CREATE: 5001 for what this CSE does not do for others, 4103 for anybody but the administrator.
[[nodiscard]] Outcome<void> check_point_creation(const Core& core, const Request& request, std::uint32_t ty);

class AuthorizationService {
 public:
  AuthorizationService(Core& core, PolicyInformation& information, DistributedAuthorization& distributed)
      : core_(core), information_(information), distributed_(distributed) {}

  /// Answers a permitted UPDATE that is a question. Nothing of it is stored.
  void answer(Request&& request, const Resource& point, Respond respond);

 private:
  struct Case;
  using CasePtr = std::shared_ptr<Case>;
  void decide(Request&& request, Respond respond);
  void collect(const CasePtr& open);
  void retrieve_policies(const CasePtr& open);
  void conclude(const CasePtr& open);
  void give_policies(Request&& request, Respond respond);
  void give_information(Request&& request, Respond respond);
  void reply(const Request& request, json::value pc, Respond respond);

  Core& core_;
  PolicyInformation& information_;
  DistributedAuthorization& distributed_;
};

}  // namespace latchkey::cse
