#include "conditions.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace latchkey::authz {

double great_circle_metres(double latitude_a, double longitude_a, double latitude_b,
                           double longitude_b) noexcept {
  constexpr double kMeanEarthRadius = 6'371'008.8;
  constexpr double kRadians = std::numbers::pi / 180;
  // The haversine keeps its precision for the small distances that matter here.
  const double sin_latitude = std::sin((latitude_b - latitude_a) * kRadians / 2);
  const double sin_longitude = std::sin((longitude_b - longitude_a) * kRadians / 2);
  const double h = sin_latitude * sin_latitude + std::cos(latitude_a * kRadians) *
                                                     std::cos(latitude_b * kRadians) * sin_longitude *
                                                     sin_longitude;
  return 2 * kMeanEarthRadius * std::asin(std::sqrt(std::min(h, 1.0)));
}

std::optional<bool> is_inside(const Location& place, const Circle& circle) noexcept {
  const auto watched = std::ranges::find(place.areas, circle, &WatchedArea::circle);
  if (watched != place.areas.end()) return watched->inside;
  if (!place.coordinates) return std::nullopt;
  const auto [latitude, longitude] = *place.coordinates;
  // Coordinates that are none are unknown. Written so that NaN, too, is in no circle.
  if (!(std::abs(latitude) <= 90 && std::abs(longitude) <= 180)) return std::nullopt;
  return great_circle_metres(circle.latitude, circle.longitude, latitude, longitude) <= circle.radius;
}

bool Context::res_time(TimePoint rq_time) const noexcept {
  if (windows.empty()) return true;
  const auto time = civil_time(rq_time);
  return std::ranges::any_of(windows, [&](const TimeWindow& window) { return window.contains(time); });
}

bool Context::res_ip(const std::optional<IpAddress>& rq_ip) const noexcept {
  if (networks.empty()) return true;
  return rq_ip &&
         std::ranges::any_of(networks, [&](const IpNetwork& network) { return network.contains(*rq_ip); });
}

bool Context::res_loc(const std::optional<Location>& rq_loc) const noexcept {
  if (!countries.empty())
    return rq_loc && rq_loc->country && std::ranges::find(countries, *rq_loc->country) != countries.end();
  if (!circle) return true;
  return rq_loc && is_inside(*rq_loc, *circle).value_or(false);
}

bool Conditions::res_ctxts(const RequestContext& request) const noexcept {
  if (contexts.empty()) return true;
  return std::ranges::any_of(contexts, [&](const Context& context) {
    return context.res_time(request.rq_time) && context.res_ip(request.rq_ip) &&
           context.res_loc(request.rq_loc);
  });
}

bool Conditions::res_objd(const RequestContext& request) const noexcept {
  if (details.empty() || request.operation != Op::create) return true;
  return std::ranges::any_of(details, [&](const ObjectDetails& detail) {
    if (detail.type && *detail.type != request.target_type) return false;
    if (!detail.res_specialization(request)) return false;
    return request.child_type &&
           std::ranges::find(detail.child_types, *request.child_type) != detail.child_types.end();
  });
}

}  // namespace latchkey::authz
