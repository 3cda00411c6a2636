#pragma once
/// Short ways to a compiled policy and a request.
#include <boost/json/value.hpp>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/authz/pdp.h"
#include "latchkey/authz/policy.h"
#include "literal_7_1_5.h"

namespace latchkey::authz::test {

/// "//home.example", hosting CSE "/in-cse".
[[nodiscard]] const literal::Host& host();
[[nodiscard]] boost::json::value json(std::string_view text);
/// Fails the test where the policy is refused.
[[nodiscard]] std::shared_ptr<const RuleSet> compiled(const boost::json::value& acrs);
template <std::convertible_to<std::string_view> Text>
[[nodiscard]] std::shared_ptr<const RuleSet> compiled(const Text& acrs) {
  return compiled(json(acrs));
}
/// The refusal of a policy that must be refused.
[[nodiscard]] codec::Refusal refusal(std::string_view acrs);
/// {"acr":[{"acor":[entry],"acop":63}]}
[[nodiscard]] boost::json::value policy_for(std::string_view entry);

/// A context that owns what it points to. Originator in any form of parse_entity_id; "" is no originator.
class Request {
 public:
  explicit Request(std::string_view originator, Op operation = Op::retrieve);
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  Request& roles(std::vector<std::string> roles);
  Request& authenticated(bool value);
  Request& at(std::string_view timestamp);
  Request& from_ip(std::string_view address);  ///< IPv4 or IPv6 text
  Request& from_country(std::string_view code);
  Request& from_place(double latitude, double longitude);
  Request& target(std::uint32_t type, std::string_view specialization = {});
  /// The definition in the Content of a Create request.
  Request& defining(std::string_view specialization);
  Request& creating(std::uint32_t child_type);
  Request& groups(const GroupMembership& membership);
  [[nodiscard]] const RequestContext& context() const { return context_; }

 private:
  std::optional<EntityId> originator_;
  std::vector<std::string> roles_;
  std::string specialization_, created_specialization_;
  RequestContext context_;
};
[[nodiscard]] IpAddress ip(std::string_view text);

/// Decides by the compiled policy, after checking that the literal algorithm agrees on permit or deny, and
/// that the rule that is named for a permit really permits.
[[nodiscard]] Decision decide_both(const boost::json::value& acrs, const Request& request);
template <std::convertible_to<std::string_view> Text>
[[nodiscard]] Decision decide_both(const Text& acrs, const Request& request) {
  return decide_both(json(acrs), request);
}

}  // namespace latchkey::authz::test
