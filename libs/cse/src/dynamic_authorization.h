#pragma once
/// What has to happen before a request can be decided: roles and tokens that it names are collected, DAS
/// Servers are asked, then PDPs and PRPs on other CSEs (TS-0003 6.2.2, 7.3.2, 7.4.3; order of TS-0004
/// 7.3.3.15).
#include "authorization_service.h"
#include "consultation.h"
#include "core.h"
#include "das_client.h"
#include "distributed_authorization.h"
#include "information.h"

namespace latchkey::cse {

class DynamicAuthorization final : public Authorization {
 public:
  explicit DynamicAuthorization(Core& core)
      : core_(core),
        das_(core),
        points_(core),
        information_(core, das_, points_),
        consultation_(core, das_, information_),
        distributed_(core, points_),
        service_(core, information_, distributed_) {}

  [[nodiscard]] bool defer(Request& request, const Target& target, Respond& respond) override;
  [[nodiscard]] tl::expected<std::shared_ptr<const Evidence>, std::string> suppose(
      const EntityId& originator, const Hypothetical& question) override {
    return information_.suppose(originator, question);
  }
  void answer(Request&& request, const Resource& point, Respond respond) override {
    service_.answer(std::move(request), point, std::move(respond));
  }
  [[nodiscard]] Status trust(authz::TokenTrust trust) override {
    return information_.configure(std::move(trust));
  }
  [[nodiscard]] authz::Checked<authz::TokenClaimSet> authenticate(std::string_view jwt) const override {
    return information_.authenticate(jwt);
  }

 private:
  [[nodiscard]] bool locate(Request& request, const Target& target, Respond& respond);
  void collect(Request request, const Target& target, Respond respond);
  void ask_elsewhere(Request request, const Target& target, Respond respond);
  void consult(Request request, const Target& target, const DasClient::Server& server, Respond respond);

  Core& core_;
  DasClient das_;
  PointClient points_;
  PolicyInformation information_;
  Consultation consultation_;
  DistributedAuthorization distributed_;
  AuthorizationService service_;
};

}  // namespace latchkey::cse
