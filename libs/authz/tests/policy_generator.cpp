#include "policy_generator.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace latchkey::authz::test {
namespace {

const std::vector<std::string> kSps{"home.example", "home.example", "far.example", "sp.far.example"};
const std::vector<std::string> kCses{"in-cse", "mn", "mn-1", "mn-12"};
const std::vector<std::string> kStems{"C1", "C12", "Clock", "Clock2"};
const std::vector<std::string> kSpStems{"S1", "S12", "Slock"};
const std::vector<std::string> kRoles{"admin@roles.example", "user@roles.example", "admin@far.example"};
const std::vector<std::string> kGroups{"grp1", "base/grp2", "/in-cse/grp1", "//far.example/mn/grp3",
                                       "/mn/base/Cgrp"};
const std::vector<std::string> kTimes{"20240229T120000", "20240303T083015", "20251231T235959",
                                      "20000101T000000", "19990101T000000"};
const std::vector<std::string> kAddresses{"10.1.2.3", "192.0.2.200", "2001:db8::1", "2001:db8:8000::", "::1"};
const std::vector<std::string> kV4{"10.0.0.0/8", "192.0.2.0/24", "192.0.2.128/25",
                                   "0.0.0.0/0",  "10.1.2.3",     "10.1.2.3/31"};
const std::vector<std::string> kV6{"2001:db8::/32", "2001:db8::/33",       "::/0",
                                   "::1",           "::ffff:10.0.0.0/104", "2001:db8:8000::/127"};
const std::vector<std::string> kCountries{"KR", "DE", "FR"};
const std::vector<std::string> kSpecializations{"org.example.door", "org.example.lock", "1001"};

}  // namespace

std::optional<bool> RandomGroups::is_member(std::string_view group, const EntityId& originator) const {
  const auto drawn =
      std::hash<std::string>{}(std::string(group) + to_string(originator) + std::to_string(seed_)) % 4;
  if (drawn == 3) return std::nullopt;
  return drawn == 0;
}

std::string Generator::pick(const std::vector<std::string>& from) {
  return from[static_cast<std::size_t>(below(static_cast<int>(from.size())))];
}

/// Puts up to two '*' in place of up to three characters each; the first character stays, so that the kind
/// does.
std::string Generator::with_wildcards(std::string segment) {
  for (int i = below(3); i > 0; --i) {
    const auto at = 1 + static_cast<std::size_t>(below(static_cast<int>(segment.size())));
    segment.replace(at, static_cast<std::size_t>(below(4)), "*");
  }
  return segment;
}

std::string Generator::entity(bool wildcards) {
  const auto w = [&](std::string segment) {
    return wildcards && chance(60) ? with_wildcards(std::move(segment)) : segment;
  };
  std::string id = chance(40) ? ""
                              : "//" + (wildcards && chance(30) ? std::string(chance(50) ? "*" : "*.example")
                                                                : w(pick(kSps)));
  switch (below(3)) {
    case 0:
      return id + "/" + w(pick(kCses));
    case 1:
      return id + "/" + w(pick(kSpStems));
    default:
      return id + "/" + (wildcards && chance(20) ? "*" : w(pick(kCses))) + "/" +
             (wildcards && chance(10) ? "*" : w(pick(kStems)));
  }
}

std::string Generator::originator_entry(bool with_groups) {
  switch (below(with_groups ? 12 : 11)) {
    case 0:
      return chance(30) ? "all" : entity(false);
    case 1:
      return pick(kRoles);
    case 2:
      return (chance(50) ? "//" : "") + pick(kSps);
    case 3:
      return pick(chance(50) ? kStems : kSpStems);
    case 4:
      return with_wildcards(pick(chance(50) ? kStems : kSpStems));
    case 11:
      return pick(kGroups);
    default:
      return entity(chance(50));
  }
}

std::string Generator::field(int least, int most, int typical) {
  if (chance(60)) return "*";
  if (chance(25)) return "*/" + std::to_string(1 + below(std::min(most, 60)));
  std::string list;
  for (int i = 1 + below(3); i > 0; --i) {
    const int from = chance(50) ? std::max(least, typical - below(5)) : least + below(most - least + 1);
    const int to = std::min(most, from + below(10));
    list += (list.empty() ? "" : ",") + std::to_string(from);
    if (chance(60)) list += "-" + std::to_string(to);
  }
  return list;
}

std::string Generator::window() {
  return field(0, 59, 0) + " " + field(0, 59, 30) + " " + field(0, 23, 12) + " " + field(1, 31, 29) + " " +
         field(1, 12, 2) + " " + field(0, 6, 4) + " " + field(2000, 9999, 2024);
}

boost::json::value Generator::context() {
  boost::json::object out;
  if (chance(50)) {
    boost::json::array windows;
    for (int i = 1 + below(2); i > 0; --i) windows.emplace_back(window());
    out["actw"] = windows;
  }
  if (chance(40)) {
    boost::json::object acip;
    if (chance(70)) acip["ipv4"] = boost::json::array{pick(kV4).c_str(), pick(kV4).c_str()};
    if (acip.empty() || chance(50)) acip["ipv6"] = boost::json::array{pick(kV6).c_str()};
    out["acip"] = acip;
  }
  if (chance(30)) {
    if (chance(50)) {
      out["aclr"] = boost::json::object{{"accc", boost::json::array{pick(kCountries).c_str()}}};
    } else {
      out["aclr"] = boost::json::object{
          {"accr", boost::json::array{30 + below(20), 120 + below(20), below(2'000'000)}}};
    }
  }
  return out;
}

boost::json::value Generator::details() {
  boost::json::object out;
  if (chance(40)) out["ty"] = chance(30) ? (chance(50) ? 13 : 28) : 2 + below(3);
  const bool needs = out.contains("ty") && (out["ty"] == 13 || out["ty"] == 28);
  if (needs || chance(20)) {
    if (chance(50)) {
      out["spid"] = pick(kSpecializations).c_str();
    } else if (chance(50)) {
      out["spty"] = boost::json::object{{"cnd", pick(kSpecializations).c_str()}};
    } else {
      out["spty"] = boost::json::object{{"mgd", 1001 + below(2)}};
    }
  }
  boost::json::array chty;
  for (int i = 1 + below(3); i > 0; --i) chty.emplace_back(2 + below(4));
  out["chty"] = chty;
  return out;
}

boost::json::value Generator::rule(bool with_groups) {
  boost::json::object out;
  boost::json::array acor;
  for (int i = 1 + below(4); i > 0; --i) acor.emplace_back(originator_entry(with_groups));
  out["acor"] = acor;
  out["acop"] = chance(20) ? 63 : 1 + below(63);
  if (chance(30)) out["acaf"] = chance(80);
  if (chance(35)) {
    boost::json::array acco;
    for (int i = 1 + below(3); i > 0; --i) acco.emplace_back(context());
    out["acco"] = acco;
  }
  if (chance(35)) {
    boost::json::array acod;
    for (int i = 1 + below(3); i > 0; --i) acod.emplace_back(details());
    out["acod"] = acod;
  }
  return out;
}

boost::json::value Generator::policy(int most_rules, bool with_groups) {
  boost::json::array acr;
  for (int i = below(most_rules + 1); i > 0; --i) acr.emplace_back(rule(with_groups));
  return boost::json::object{{"acr", std::move(acr)}};
}

std::unique_ptr<Request> Generator::request(const GroupMembership& groups) {
  static constexpr Op kOps[] = {Op::create, Op::create, Op::retrieve, Op::update,
                                Op::del,    Op::notify, Op::discover};
  std::string originator = chance(3)   ? ""
                           : chance(3) ? "0.2.481.1.100.3030.10011"
                           : chance(3) ? "home.example"
                                       : entity(false);
  auto out = std::make_unique<Request>(originator, kOps[below(7)]);
  std::vector<std::string> roles;
  while (chance(20)) roles.push_back(pick(kRoles));
  out->roles(std::move(roles))
      .authenticated(chance(60))
      .at(pick(kTimes))
      .target(static_cast<std::uint32_t>(chance(30)   ? 13
                                         : chance(30) ? 28
                                                      : 2 + below(3)));
  if (chance(50)) out->target(out->context().target_type, pick(kSpecializations));
  if (chance(70)) out->from_ip(pick(kAddresses));
  if (chance(50)) out->from_country(pick(kCountries));
  if (chance(50)) out->from_place(30 + below(20), 120 + below(20));
  if (out->context().operation == Op::create && chance(90))
    out->creating(static_cast<std::uint32_t>(2 + below(4)));
  if (chance(20)) out->defining(pick(kSpecializations));
  if (chance(80)) out->groups(groups);
  return out;
}

}  // namespace latchkey::authz::test
