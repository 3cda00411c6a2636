// A policy from outside and a request: what compiles must decide as the literal 7.1.5 does (TS-0003 7.1.4).
// Input: four octets (operation, attributes, target type, child type), the originator up to a line feed, the
// policy as JSON.
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "latchkey/authz/explain.h"
#include "literal_7_1_5.h"

namespace {

using namespace latchkey;

/// Every group whose id has an even length has everybody in it; every third is unknown.
class SomeGroups final : public authz::GroupMembership {
 public:
  [[nodiscard]] std::optional<bool> is_member(std::string_view group, const EntityId&) const override {
    if (group.size() % 3 == 0) return std::nullopt;
    return group.size() % 2 == 0;
  }
};

const authz::literal::Host& host() {
  static const auto sp = SpId::parse("//home.example").value();
  static const authz::literal::Host instance{sp, CseId::from_stem(sp, "in-cse").value()};
  return instance;
}

authz::RequestContext request_of(const std::uint8_t* data) {
  constexpr std::array kOps{authz::Op::create, authz::Op::retrieve, authz::Op::update,
                            authz::Op::del,    authz::Op::notify,   authz::Op::discover};
  static const std::array<std::string, 2> roles{"admin@roles.example", "user@far.example"};
  static const SomeGroups groups;
  const auto flag = [&](unsigned bit) { return (data[1] >> bit & 1U) != 0; };
  authz::RequestContext request;
  request.operation = kOps[data[0] % kOps.size()];
  request.rq_authn = flag(0);
  request.rq_time = parse_timestamp(flag(1) ? "20240229T120000" : "20251231T235959").value();
  if (flag(2)) request.rq_ip = authz::IpAddress{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3};
  if (flag(3)) request.rq_ip = authz::IpAddress{0x20, 0x01, 0x0d, 0xb8};
  if (flag(4)) request.rq_loc = authz::Location{"KR", std::pair{37.5, 127.0}};
  if (flag(5)) request.roles = roles;
  if (flag(6)) request.groups = &groups;
  if (flag(7)) request.target_specialization = "org.example.door";
  request.target_type = data[2];
  if (data[3] != 0) request.child_type = data[3];
  return request;
}

void compare(const boost::json::value& policy, const authz::RuleSet& set,
             const authz::RequestContext& request) {
  const std::array sets{&set};
  const auto decision = authz::decide(request, sets);
  if (decision.permit != authz::literal::res_acrs(policy, request, host())) std::abort();
  if (decision.permit && !authz::literal::res_acr(policy.at("acr").at(decision.rule), request, host()))
    std::abort();
  if (set.groups().empty() && decision.reason != authz::literal::reason({&policy, 1}, request, host()))
    std::abort();
  if ((authz::explain(request, sets, {}).find(": permits\n") != std::string::npos) != decision.permit)
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4 || size > 65'536) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 4, size - 4);
  const auto line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  boost::system::error_code error;
  const auto json = text.substr(line + 1);
  const auto policy = boost::json::parse(boost::json::string_view(json.data(), json.size()), error);
  if (error) return 0;
  const auto set = authz::RuleSet::compile(policy, host().sp, host().cse);
  if (!set) {
    if (set.error().rsc != codec::Rsc::bad_request || set.error().detail.empty()) std::abort();
    return 0;
  }
  auto request = request_of(data);
  const auto originator = parse_entity_id(text.substr(0, line), host().sp);
  if (originator) request.originator = &*originator;
  compare(policy, **set, request);
  return 0;
}
