#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <utility>

#include "conditions.h"
#include "json_members.h"

namespace latchkey::authz {
namespace {

using boost::json::value;

constexpr std::uint32_t kTypeMax = 65'535;  ///< announced variants are 10000 and above
constexpr std::uint32_t kMgmtObj = 13, kFlexContainer = 28;
constexpr std::size_t kSpecializationOctetsMax = 1024;
constexpr double kRadiusMax = 20'037'509;  ///< metres: half the circumference of the Earth covers all of it

codec::Outcome<std::vector<TimeWindow>> read_windows(const value& actw, const std::string& where) {
  const auto list = read_list(actw, where);
  if (!list) return codec::refuse(list.error());
  std::vector<TimeWindow> out;
  for (std::size_t i = 0; i < (*list)->size(); ++i) {
    const auto here = element(where, i);
    const auto text = read_text((**list)[i], here);
    if (!text) return codec::refuse(text.error());
    auto window = TimeWindow::parse(*text);
    if (!window) return bad_member(here, window.error().detail);
    out.push_back(std::move(*window));
  }
  return out;
}

using ParseNetwork = Result<IpNetwork> (*)(std::string_view);

codec::Outcome<void> read_network_list(const value& list_value, const std::string& where, ParseNetwork parse,
                                       std::vector<IpNetwork>& out) {
  const auto list = read_list(list_value, where);
  if (!list) return codec::refuse(list.error());
  for (std::size_t i = 0; i < (*list)->size(); ++i) {
    const auto here = element(where, i);
    const auto text = read_text((**list)[i], here);
    if (!text) return codec::refuse(text.error());
    const auto network = parse(*text);
    if (!network) return bad_member(here, network.error().detail);
    out.push_back(*network);
  }
  return {};
}

codec::Outcome<std::vector<IpNetwork>> read_networks(const value& acip, const std::string& where) {
  const auto object = read_object(acip, where, {"ipv4", "ipv6"});
  if (!object) return codec::refuse(object.error());
  if ((*object)->empty()) return bad_member(where, "has neither ipv4 nor ipv6");
  std::vector<IpNetwork> out;
  for (const auto& [name, parse] :
       {std::pair<const char*, ParseNetwork>{"ipv4", &IpNetwork::parse_v4}, {"ipv6", &IpNetwork::parse_v6}}) {
    const auto* list = (*object)->if_contains(name);
    if (list == nullptr) continue;
    if (auto read = read_network_list(*list, member(where, name), parse, out); !read)
      return codec::refuse(read.error());
  }
  return out;
}

codec::Outcome<std::vector<std::string>> read_countries(const value& accc, const std::string& where) {
  const auto list = read_list(accc, where);
  if (!list) return codec::refuse(list.error());
  std::vector<std::string> out;
  for (std::size_t i = 0; i < (*list)->size(); ++i) {
    const auto here = element(where, i);
    const auto text = read_text((**list)[i], here);
    if (!text) return codec::refuse(text.error());
    if (text->size() != 2 || !std::ranges::all_of(*text, [](char c) { return c >= 'A' && c <= 'Z'; }))
      return bad_member(here, "is no ISO 3166-1 alpha-2 code of two capital letters");
    out.emplace_back(*text);
  }
  return out;
}

codec::Outcome<double> read_real(const value& number, const std::string& where, double least, double most) {
  double out = std::nan("");
  if (number.is_double()) out = number.get_double();
  if (number.is_int64()) out = static_cast<double>(number.get_int64());
  if (number.is_uint64()) out = static_cast<double>(number.get_uint64());
  if (!(out >= least && out <= most))
    return bad_member(where, "is not a number from " + std::to_string(std::llround(least)) + " to " +
                                 std::to_string(std::llround(most)));
  return out;
}

codec::Outcome<Circle> read_circle(const value& accr, const std::string& where) {
  const auto list = read_list(accr, where);
  if (!list) return codec::refuse(list.error());
  if ((*list)->size() != 3) return bad_member(where, "is not the three numbers latitude, longitude, radius");
  const auto latitude = read_real((**list)[0], element(where, 0), -90, 90);
  if (!latitude) return codec::refuse(latitude.error());
  const auto longitude = read_real((**list)[1], element(where, 1), -180, 180);
  if (!longitude) return codec::refuse(longitude.error());
  const auto radius = read_real((**list)[2], element(where, 2), 0, kRadiusMax);
  if (!radius) return codec::refuse(radius.error());
  return Circle{*latitude, *longitude, *radius};
}

codec::Outcome<void> read_region(const value& aclr, const std::string& where, Context& out) {
  const auto object = read_object(aclr, where, {"accc", "accr"});
  if (!object) return codec::refuse(object.error());
  // TS-0004 6.3.5.28: a choice of one.
  if ((*object)->size() != 1) return bad_member(where, "has not exactly one of accc and accr");
  if (const auto* accc = (*object)->if_contains("accc")) {
    auto countries = read_countries(*accc, member(where, "accc"));
    if (!countries) return codec::refuse(countries.error());
    out.countries = std::move(*countries);
    return {};
  }
  const auto circle = read_circle((*object)->at("accr"), member(where, "accr"));
  if (!circle) return codec::refuse(circle.error());
  out.circle = *circle;
  return {};
}

codec::Outcome<Context> read_context(const value& context, const std::string& where) {
  const auto object = read_object(context, where, {"actw", "acip", "aclr"});
  if (!object) return codec::refuse(object.error());
  Context out;
  if (const auto* actw = (*object)->if_contains("actw")) {
    auto windows = read_windows(*actw, member(where, "actw"));
    if (!windows) return codec::refuse(windows.error());
    out.windows = std::move(*windows);
  }
  if (const auto* acip = (*object)->if_contains("acip")) {
    auto networks = read_networks(*acip, member(where, "acip"));
    if (!networks) return codec::refuse(networks.error());
    out.networks = std::move(*networks);
  }
  if (const auto* aclr = (*object)->if_contains("aclr")) {
    if (auto region = read_region(*aclr, member(where, "aclr"), out); !region)
      return codec::refuse(region.error());
  }
  return out;
}

codec::Outcome<std::vector<std::uint32_t>> read_child_types(const value& chty, const std::string& where) {
  const auto list = read_list(chty, where);
  if (!list) return codec::refuse(list.error());
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < (*list)->size(); ++i) {
    const auto type = read_number((**list)[i], element(where, i), 1, kTypeMax);
    if (!type) return codec::refuse(type.error());
    out.push_back(*type);
  }
  return out;
}

codec::Outcome<std::string> read_specialization_text(const value& text_value, const std::string& where) {
  const auto text = read_text(text_value, where);
  if (!text) return codec::refuse(text.error());
  if (text->empty() || text->size() > kSpecializationOctetsMax)
    return bad_member(where, "has not 1 to 1024 octets");
  return std::string(*text);
}

/// Release 3: {"cnd": URI} or {"mgd": number}.
codec::Outcome<std::string> read_specialization_choice(const value& spty, const std::string& where) {
  const auto object = read_object(spty, where, {"cnd", "mgd"});
  if (!object) return codec::refuse(object.error());
  if ((*object)->size() != 1) return bad_member(where, "has not exactly one of cnd and mgd");
  if (const auto* cnd = (*object)->if_contains("cnd"))
    return read_specialization_text(*cnd, member(where, "cnd"));
  const auto mgd = read_number((*object)->at("mgd"), member(where, "mgd"), 1, kTypeMax);
  if (!mgd) return codec::refuse(mgd.error());
  return std::to_string(*mgd);
}

codec::Outcome<std::optional<std::string>> read_specialization(const boost::json::object& details,
                                                               const std::string& where) {
  const auto* spid = details.if_contains("spid");
  const auto* spty = details.if_contains("spty");
  if (spid != nullptr && spty != nullptr) return bad_member(member(where, "spty"), "stands beside spid");
  if (spid == nullptr && spty == nullptr) return std::optional<std::string>();
  auto text = spid != nullptr ? read_specialization_text(*spid, member(where, "spid"))
                              : read_specialization_choice(*spty, member(where, "spty"));
  if (!text) return codec::refuse(text.error());
  return std::optional(std::move(*text));
}

codec::Outcome<ObjectDetails> read_details(const value& details, const std::string& where) {
  const auto object = read_object(details, where, {"ty", "spid", "spty", "chty"});
  if (!object) return codec::refuse(object.error());
  ObjectDetails out;
  if (const auto* ty = (*object)->if_contains("ty")) {
    const auto type = read_number(*ty, member(where, "ty"), 1, kTypeMax);
    if (!type) return codec::refuse(type.error());
    out.type = *type;
  }
  auto specialization = read_specialization(**object, where);
  if (!specialization) return codec::refuse(specialization.error());
  out.specialization = std::move(*specialization);
  // 7.1.5: for these two types the specialization shall be given too.
  if ((out.type == kMgmtObj || out.type == kFlexContainer) && !out.specialization)
    return bad_member(member(where, "spid"), "is missing beside ty 13 or 28");
  const auto* chty = (*object)->if_contains("chty");
  if (chty == nullptr) return bad_member(member(where, "chty"), "is missing");
  auto children = read_child_types(*chty, member(where, "chty"));
  if (!children) return codec::refuse(children.error());
  out.child_types = std::move(*children);
  return out;
}

}  // namespace

codec::Outcome<std::vector<Context>> read_contexts(const value& acco, const std::string& where) {
  const auto path = member(where, "acco");
  const auto list = read_list(acco, path);
  if (!list) return codec::refuse(list.error());
  std::vector<Context> out;
  for (std::size_t i = 0; i < (*list)->size(); ++i) {
    auto context = read_context((**list)[i], element(path, i));
    if (!context) return codec::refuse(context.error());
    out.push_back(std::move(*context));
  }
  return out;
}

codec::Outcome<std::vector<ObjectDetails>> read_object_details(const value& acod, const std::string& where) {
  const auto path = member(where, "acod");
  const auto list = read_list(acod, path);
  if (!list) return codec::refuse(list.error());
  std::vector<ObjectDetails> out;
  for (std::size_t i = 0; i < (*list)->size(); ++i) {
    auto details = read_details((**list)[i], element(path, i));
    if (!details) return codec::refuse(details.error());
    out.push_back(std::move(*details));
  }
  return out;
}

}  // namespace latchkey::authz
