#include "support.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/json/parse.hpp>

namespace latchkey::authz::test {

const literal::Host& host() {
  static const literal::Host instance = [] {
    const auto sp = SpId::parse("//home.example").value();
    return literal::Host{sp, CseId::from_stem(sp, "in-cse").value()};
  }();
  return instance;
}

boost::json::value json(std::string_view text) {
  return boost::json::parse(boost::json::string_view(text.data(), text.size()));
}

std::shared_ptr<const RuleSet> compiled(const boost::json::value& acrs) {
  auto set = RuleSet::compile(acrs, host().sp, host().cse);
  if (set) return *set;
  ADD_FAILURE() << "refused: " << set.error().detail;
  return compiled(R"({"acr":[]})");
}

codec::Refusal refusal(std::string_view acrs) {
  const auto set = RuleSet::compile(json(acrs), host().sp, host().cse);
  if (!set) return set.error();
  ADD_FAILURE() << "accepted: " << acrs;
  return {};
}

boost::json::value policy_for(std::string_view entry) {
  auto acrs = json(R"({"acr":[{"acor":[""],"acop":63}]})");
  acrs.at("acr").at(0).at("acor").at(0) = boost::json::string_view(entry.data(), entry.size());
  return acrs;
}

Request::Request(std::string_view originator, Op operation) {
  context_.operation = operation;
  context_.rq_time = parse_timestamp("20240229T120000").value();
  if (originator.empty()) return;
  auto id = parse_entity_id(originator, host().sp);
  if (!id) {
    ADD_FAILURE() << originator << ": " << id.error().detail;
    return;
  }
  originator_ = std::move(*id);
  context_.originator = &*originator_;
}
Request& Request::roles(std::vector<std::string> roles) {
  roles_ = std::move(roles);
  context_.roles = roles_;
  return *this;
}
Request& Request::authenticated(bool value) {
  context_.rq_authn = value;
  return *this;
}
Request& Request::at(std::string_view timestamp) {
  context_.rq_time = parse_timestamp(timestamp).value();
  return *this;
}
Request& Request::from_ip(std::string_view address) {
  context_.rq_ip = ip(address);
  return *this;
}
Request& Request::from_country(std::string_view code) {
  if (!context_.rq_loc) context_.rq_loc.emplace();
  context_.rq_loc->country = std::string(code);
  return *this;
}
Request& Request::from_place(double latitude, double longitude) {
  if (!context_.rq_loc) context_.rq_loc.emplace();
  context_.rq_loc->coordinates = {latitude, longitude};
  return *this;
}
Request& Request::target(std::uint32_t type, std::string_view specialization) {
  specialization_ = std::string(specialization);
  context_.target_type = type;
  context_.target_specialization = specialization_;
  return *this;
}
Request& Request::defining(std::string_view specialization) {
  created_specialization_ = std::string(specialization);
  context_.created_specialization = created_specialization_;
  return *this;
}
Request& Request::creating(std::uint32_t child_type) {
  context_.operation = Op::create;
  context_.child_type = child_type;
  return *this;
}
Request& Request::groups(const GroupMembership& membership) {
  context_.groups = &membership;
  return *this;
}

IpAddress ip(std::string_view text) {
  IpAddress out{};
  const std::string address(text);
  if (inet_pton(AF_INET6, address.c_str(), out.data()) == 1) return out;
  out[10] = out[11] = 0xff;
  EXPECT_EQ(inet_pton(AF_INET, address.c_str(), out.data() + 12), 1) << address;
  return out;
}

Decision decide_both(const boost::json::value& acrs, const Request& request) {
  const auto set = compiled(acrs);
  const std::array sets{set.get()};
  const auto decision = decide(request.context(), sets);
  EXPECT_EQ(decision.permit, literal::res_acrs(acrs, request.context(), host()));
  EXPECT_EQ(decision.permit, decision.reason == Reason::rule);
  if (decision.permit) {
    EXPECT_TRUE(literal::res_acr(acrs.at("acr").at(decision.rule), request.context(), host()));
  }
  return decision;
}
Decision decide_both(std::string_view acrs, const Request& request) {
  return decide_both(json(acrs), request);
}

}  // namespace latchkey::authz::test
