#include "literal_7_1_5.h"

#include <arpa/inet.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

namespace latchkey::authz::literal {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

std::string text_of(const value& v) { return std::string(v.as_string().c_str(), v.as_string().size()); }

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return text;
}

bool contains(const std::string& text, char c) { return text.find(c) != std::string::npos; }

/// One segment against one segment; rows of the table are prefixes of the pattern, columns prefixes of the
/// text.
bool segment_matches(const std::string& pattern, const std::string& text) {
  std::vector<bool> row(text.size() + 1, false);
  row[0] = true;
  for (const char c : pattern) {
    std::vector<bool> next(text.size() + 1, false);
    if (c == '*') {
      next[0] = row[0];
      for (std::size_t i = 1; i <= text.size(); ++i) next[i] = row[i] || next[i - 1];
    } else {
      for (std::size_t i = 1; i <= text.size(); ++i) next[i] = row[i - 1] && text[i - 1] == c;
    }
    row = next;
  }
  return row[text.size()];
}

/// "//sp/a/b" against "//sp/x/y": the scope of a '*' ends at the next '/'.
bool id_matches(const std::string& pattern, const std::string& id) {
  const auto p = split(pattern, '/'), i = split(id, '/');
  if (p.size() != i.size()) return false;
  for (std::size_t n = 0; n < p.size(); ++n) {
    // The domain name compares without regard to case.
    const bool is_sp = n == 2;
    if (!segment_matches(is_sp ? lower(p[n]) : p[n], i[n])) return false;
  }
  return true;
}

bool in_group(const std::string& group, const RequestContext& request) {
  return request.groups != nullptr && request.groups->is_member(group, *request.originator).value_or(false);
}

/// An absolute path as "//sp/..." has two empty segments before the SP: 4 segments are a CSE-ID or an S-type
/// AE-ID, 5 a C-type one.
bool is_ae_or_cse_form(const std::string& absolute) {
  const auto parts = split(absolute, '/');
  return parts.size() == 4 ||
         (parts.size() == 5 && !parts[4].empty() && (parts[4][0] == 'C' || parts[4][0] == '*'));
}

bool matches_one(std::uint32_t wanted, const value& list) {
  return std::ranges::any_of(list.as_array(),
                             [&](const value& v) { return v.to_number<std::uint32_t>() == wanted; });
}

// ---- accessControlContexts

bool in_field(const std::string& field, int now, int least) {
  if (field == "*") return true;
  if (field.starts_with("*/")) return (now - least) % std::stoi(field.substr(2)) == 0;
  for (const auto& part : split(field, ',')) {
    const auto ends = split(part, '-');
    if (now >= std::stoi(ends.front()) && now <= std::stoi(ends.back())) return true;
  }
  return false;
}

bool in_window(const std::string& window, TimePoint rq_time) {
  std::vector<std::string> fields;
  for (const auto& field : split(window, ' ')) {
    if (!field.empty()) fields.push_back(field);
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(rq_time);
  const auto days = std::chrono::floor<std::chrono::days>(seconds);
  const auto of_day = (seconds - days).count();
  const std::chrono::year_month_day date(days);
  const std::int64_t since_thursday = days.time_since_epoch().count();  // 1970-01-01 was a Thursday
  const int weekday = static_cast<int>(((since_thursday + 4) % 7 + 7) % 7);
  return in_field(fields[0], static_cast<int>(of_day % 60), 0) &&
         in_field(fields[1], static_cast<int>(of_day / 60 % 60), 0) &&
         in_field(fields[2], static_cast<int>(of_day / 3600), 0) &&
         in_field(fields[3], static_cast<int>(static_cast<unsigned>(date.day())), 1) &&
         in_field(fields[4], static_cast<int>(static_cast<unsigned>(date.month())), 1) &&
         in_field(fields[5], weekday, 0) && static_cast<int>(date.year()) >= 2000 &&
         static_cast<int>(date.year()) <= 9999 && in_field(fields[6], static_cast<int>(date.year()), 2000);
}

bool res_time(const object& context, const RequestContext& request) {
  if (!context.contains("actw")) return true;
  return std::ranges::any_of(context.at("actw").as_array(), [&](const value& window) {
    return in_window(text_of(window), request.rq_time);
  });
}

bool bit(const unsigned char* octets, unsigned n) { return (octets[n / 8] >> (7 - n % 8) & 1) != 0; }

bool same_first_bits(const unsigned char* a, const unsigned char* b, unsigned count) {
  for (unsigned n = 0; n < count; ++n) {
    if (bit(a, n) != bit(b, n)) return false;
  }
  return true;
}

bool in_network(const std::string& network, int family, const IpAddress& source) {
  const auto parts = split(network, '/');
  unsigned char base[16] = {};
  inet_pton(family, parts[0].c_str(), base);
  const bool source_is_v4 = std::all_of(source.begin(), source.begin() + 10, [](auto o) { return o == 0; }) &&
                            source[10] == 255 && source[11] == 255;
  const unsigned bits =
      parts.size() == 2 ? static_cast<unsigned>(std::stoul(parts[1])) : (family == AF_INET ? 32U : 128U);
  if (family == AF_INET) return source_is_v4 && same_first_bits(base, source.data() + 12, bits);
  if (source_is_v4 && bits < 96) return false;
  return same_first_bits(base, source.data(), bits);
}

bool res_ip(const object& context, const RequestContext& request) {
  if (!context.contains("acip")) return true;
  if (!request.rq_ip) return false;
  const auto& acip = context.at("acip").as_object();
  const auto in_any = [&](const char* name, int family) {
    return acip.contains(name) && std::ranges::any_of(acip.at(name).as_array(), [&](const value& network) {
             return in_network(text_of(network), family, *request.rq_ip);
           });
  };
  return in_any("ipv4", AF_INET) || in_any("ipv6", AF_INET6);
}

double metres_between(double lat1, double lon1, double lat2, double lon2) {
  const double rad = std::numbers::pi / 180;
  const double s1 = std::sin((lat2 - lat1) * rad / 2), s2 = std::sin((lon2 - lon1) * rad / 2);
  return 2 * 6371008.8 *
         std::asin(std::sqrt(std::min(s1 * s1 + std::cos(lat1 * rad) * std::cos(lat2 * rad) * s2 * s2, 1.0)));
}

bool res_loc(const object& context, const RequestContext& request) {
  if (!context.contains("aclr")) return true;
  if (!request.rq_loc) return false;
  const auto& aclr = context.at("aclr").as_object();
  if (aclr.contains("accc")) {
    return request.rq_loc->country && std::ranges::any_of(aclr.at("accc").as_array(), [&](const value& code) {
             return text_of(code) == *request.rq_loc->country;
           });
  }
  if (!request.rq_loc->coordinates) return false;
  const auto [latitude, longitude] = *request.rq_loc->coordinates;
  const auto& circle = aclr.at("accr").as_array();
  return std::abs(latitude) <= 90 && std::abs(longitude) <= 180 &&
         metres_between(circle[0].to_number<double>(), circle[1].to_number<double>(), latitude, longitude) <=
             circle[2].to_number<double>();
}

// ---- the partial results of one rule

bool res_authn(const object& acr, const RequestContext& request) {
  const bool flag = acr.contains("acaf") && acr.at("acaf").as_bool();
  return !flag || request.rq_authn;
}

bool res_origs(const object& acr, const RequestContext& request, const Host& host) {
  return std::ranges::any_of(acr.at("acor").as_array(), [&](const value& entry) {
    return is_originator(text_of(entry), request, host);
  });
}

bool res_ops(const object& acr, const RequestContext& request) {
  return (acr.at("acop").to_number<unsigned>() & static_cast<unsigned>(request.operation)) != 0;
}

bool res_ctxts(const object& acr, const RequestContext& request) {
  if (!acr.contains("acco")) return true;
  return std::ranges::any_of(acr.at("acco").as_array(), [&](const value& v) {
    const auto& context = v.as_object();
    return res_time(context, request) && res_ip(context, request) && res_loc(context, request);
  });
}

std::optional<std::string> specialization_of(const object& details) {
  if (details.contains("spid")) return text_of(details.at("spid"));
  if (!details.contains("spty")) return std::nullopt;
  const auto& choice = details.at("spty").as_object();
  if (choice.contains("cnd")) return text_of(choice.at("cnd"));
  return std::to_string(choice.at("mgd").to_number<unsigned>());
}

bool res_objdetails(const object& details, const RequestContext& request) {
  const bool res_resource_type =
      !details.contains("ty") || details.at("ty").to_number<std::uint32_t>() == request.target_type;
  const auto specialization = specialization_of(details);
  const bool of_target = !specialization || *specialization == request.target_specialization;
  const bool of_content = !specialization || request.created_specialization.empty() ||
                          *specialization == request.created_specialization;
  const bool res_specialization = of_target && of_content;
  const bool res_child_resource = request.child_type && matches_one(*request.child_type, details.at("chty"));
  return res_resource_type && res_specialization && res_child_resource;
}

bool res_objd(const object& acr, const RequestContext& request) {
  if (request.operation != Op::create || !acr.contains("acod")) return true;
  return std::ranges::any_of(acr.at("acod").as_array(), [&](const value& details) {
    return res_objdetails(details.as_object(), request);
  });
}

array rules_of(const value& acrs) {
  const auto& members = acrs.as_object();
  return members.contains("acr") ? members.at("acr").as_array() : array();
}

Reason how_far(const object& acr, const RequestContext& request, const Host& host) {
  if (!res_origs(acr, request, host)) return Reason::originator;
  if (!res_ops(acr, request)) return Reason::operation;
  if (!res_authn(acr, request)) return Reason::authentication;
  if (!res_ctxts(acr, request)) return Reason::context;
  return Reason::object_details;
}

}  // namespace

bool is_originator(std::string_view entry_view, const RequestContext& request, const Host& host) {
  if (request.originator == nullptr) return false;
  const std::string entry(entry_view);
  const std::string originator = to_string(*request.originator);
  const bool is_ae_or_cse = originator.starts_with("//");
  if (entry == "all") return true;
  if (contains(entry, '@')) return std::ranges::find(request.roles, entry) != request.roles.end();

  std::string absolute;
  if (entry.starts_with("//")) {
    absolute = entry;
  } else if (entry.starts_with("/")) {
    absolute = host.sp.text() + entry;
  } else if (contains(entry, '/')) {
    return in_group(entry, request);
  } else if (entry[0] == 'S') {
    absolute = host.sp.text() + "/" + entry;
  } else if (entry[0] == 'C') {
    absolute = host.cse->absolute() + "/" + entry;
  } else if (contains(entry, '.') && Fqdn::parse(entry)) {
    absolute = "//" + entry;
  } else {
    return in_group(entry, request);
  }

  const auto parts = split(absolute, '/');
  if (parts.size() == 3) return is_ae_or_cse && split(originator, '/')[2] == lower(parts[2]);
  if (is_ae_or_cse_form(absolute)) return is_ae_or_cse && id_matches(absolute, originator);
  return in_group(entry, request);
}

bool res_acr(const value& acr_value, const RequestContext& request, const Host& host) {
  const auto& acr = acr_value.as_object();
  return res_authn(acr, request) && res_origs(acr, request, host) && res_ops(acr, request) &&
         res_ctxts(acr, request) && res_objd(acr, request);
}

bool res_acrs(const value& acrs, const RequestContext& request, const Host& host) {
  return std::ranges::any_of(rules_of(acrs), [&](const value& acr) { return res_acr(acr, request, host); });
}

bool permit(std::span<const value> policies, const RequestContext& request, const Host& host) {
  return std::ranges::any_of(policies, [&](const value& acrs) { return res_acrs(acrs, request, host); });
}

Reason reason(std::span<const value> policies, const RequestContext& request, const Host& host) {
  if (policies.empty()) return Reason::no_policy;
  if (request.originator == nullptr) return Reason::no_originator;
  if (permit(policies, request, host)) return Reason::rule;
  Reason furthest = Reason::originator;
  for (const auto& acrs : policies) {
    for (const auto& acr : rules_of(acrs))
      furthest = std::max(furthest, how_far(acr.as_object(), request, host));
  }
  return furthest;
}

}  // namespace latchkey::authz::literal
