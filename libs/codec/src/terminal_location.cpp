#include "latchkey/codec/terminal_location.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cmath>

#include "json_reader.h"

namespace latchkey::codec {
namespace {

namespace json = boost::json;

constexpr std::size_t kTextOctets = 2048;
constexpr std::size_t kTerminalsMax = 1000;
constexpr double kEarthRadiusMax = 20'037'509;  ///< metres; an accuracy beyond says nothing

Outcome<double> read_real(const json::value& value, double least, double most) {
  double number = 0;
  if (value.is_number()) {
    number = value.to_number<double>();
  } else if (value.is_string()) {
    const std::string_view text = value.get_string();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return bad_form("not a number");
  } else {
    return bad_form("not a number");
  }
  // Written so that NaN is refused.
  if (!(number >= least && number <= most)) return bad_form("out of range");
  return number;
}

Outcome<bool> read_flag(const json::value& value) {
  if (value.is_bool()) return value.get_bool();
  if (value.is_string() && (value.get_string() == "true" || value.get_string() == "false"))
    return value.get_string() == "true";
  return bad_form("neither true nor false");
}

Outcome<const json::object*> read_root(const json::value& content, std::string_view name) {
  const auto* const outer = content.if_object();
  const auto* const inner = outer != nullptr ? outer->if_contains(name) : nullptr;
  if (inner == nullptr) return bad_form(std::string(name) + ": missing");
  if (!inner->is_object()) return bad_form(std::string(name) + ": not an object");
  return &inner->get_object();
}

template <class Read>
auto required(const json::object& object, std::string_view name, Read read)
    -> decltype(read(std::declval<json::value>())) {
  const auto* const value = object.if_contains(name);
  if (value == nullptr) return bad_form("." + std::string(name) + ": missing");
  auto result = read(*value);
  if (!result) return refuse(named("." + std::string(name), std::move(result).error()));
  return result;
}

Outcome<std::string> short_text(const json::value& value) { return read_name(value, kTextOctets); }

}  // namespace

Outcome<Fix> read_fix(const json::value& value) {
  const auto* const object = value.if_object();
  if (object == nullptr) return bad_form("not an object");
  const auto within = [](double least, double most) {
    return [least, most](const json::value& number) { return read_real(number, least, most); };
  };
  Fix fix;
  if (auto read = assign(fix.latitude, required(*object, "latitude", within(-90, 90))); !read)
    return refuse(std::move(read).error());
  if (auto read = assign(fix.longitude, required(*object, "longitude", within(-180, 180))); !read)
    return refuse(std::move(read).error());
  if (auto read = assign(fix.accuracy, required(*object, "accuracy", within(0, kEarthRadiusMax))); !read)
    return refuse(std::move(read).error());
  const auto time = [](const json::value& text) -> Outcome<TimePoint> {
    if (!text.is_string()) return bad_form("not a text");
    return parse_date_time(std::string_view(text.get_string()));
  };
  if (auto read = assign(fix.time, required(*object, "timestamp", time)); !read)
    return refuse(std::move(read).error());
  return fix;
}

namespace {

Outcome<TerminalLocation> read_terminal(const json::value& value) {
  const auto* const object = value.if_object();
  if (object == nullptr) return bad_form("not an object");
  TerminalLocation out;
  if (auto read = assign(out.address, required(*object, "address", short_text)); !read)
    return refuse(std::move(read).error());
  if (auto read = assign(out.status, required(*object, "locationRetrievalStatus", short_text)); !read)
    return refuse(std::move(read).error());
  if (out.status == "Retrieved") {
    auto fix = required(*object, "currentLocation", read_fix);
    if (!fix) return refuse(std::move(fix).error());
    out.fix = *fix;
  }
  return out;
}

Outcome<std::vector<TerminalLocation>> read_terminals(const json::value& value) {
  std::vector<TerminalLocation> out;
  if (!value.is_array()) {
    auto one = read_terminal(value);
    if (!one) return refuse(std::move(one).error());
    out.push_back(*std::move(one));
    return out;
  }
  const auto& list = value.get_array();
  if (list.size() > kTerminalsMax) return bad_form("more than " + std::to_string(kTerminalsMax) + " entries");
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto one = read_terminal(list[i]);
    if (!one) return refuse(named("[" + std::to_string(i) + "]", std::move(one).error()));
    out.push_back(*std::move(one));
  }
  return out;
}

Outcome<Crossing> read_crossing(const json::value& value) {
  if (value.is_string() && value.get_string() == "Entering") return Crossing::entering;
  if (value.is_string() && value.get_string() == "Leaving") return Crossing::leaving;
  return bad_form("neither Entering nor Leaving");
}

Outcome<AreaNotification> read_cancellation(const json::object& object) {
  AreaNotification out;
  out.final = true;
  if (auto read = assign(out.callback_data, required(object, "callbackData", short_text)); !read)
    return refuse(std::move(read).error());
  return out;
}

Outcome<AreaNotification> read_crossing_notification(const json::object& object) {
  AreaNotification out;
  if (auto read = assign(out.callback_data, required(object, "callbackData", short_text)); !read)
    return refuse(std::move(read).error());
  if (auto read = assign(out.crossing, required(object, "enteringLeavingCriteria", read_crossing)); !read)
    return refuse(std::move(read).error());
  if (auto read = assign(out.terminals, required(object, "terminalLocation", read_terminals)); !read)
    return refuse(std::move(read).error());
  if (object.contains("isFinalNotification")) {
    if (auto read = assign(out.final, required(object, "isFinalNotification", read_flag)); !read)
      return refuse(std::move(read).error());
  }
  return out;
}

/// Fixed number of digits at the front of `text`, which are taken off.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  const auto number = parse_integer(text.substr(0, count));
  if (!number) return std::nullopt;
  text.remove_prefix(count);
  return static_cast<int>(*number);
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::minutes> take_zone(std::string_view& text) {
  if (take(text, 'Z')) return std::chrono::minutes(0);
  const bool east = text.starts_with('+');
  if (!take(text, east ? '+' : '-')) return std::nullopt;
  const auto hours = take_digits(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *hours > 14 || *minutes > 59) return std::nullopt;
  return (east ? 1 : -1) * (std::chrono::hours(*hours) + std::chrono::minutes(*minutes));
}

std::optional<std::chrono::microseconds> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return std::chrono::microseconds(0);
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) return std::nullopt;
  std::string six(text.substr(0, std::min<std::size_t>(digits, 6)));
  six.resize(6, '0');
  text.remove_prefix(digits);
  return std::chrono::microseconds(parse_integer(six).value_or(0));
}

std::optional<TimePoint> date_time(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day || !take(text, 'T')) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || !take(text, ':')) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return TimePoint(std::chrono::sys_days(date)) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) + *fraction - *zone;
}

}  // namespace

std::string_view to_string(Crossing crossing) noexcept {
  return crossing == Crossing::entering ? "Entering" : "Leaving";
}

Outcome<TimePoint> parse_date_time(std::string_view text) {
  const auto time = date_time(text);
  if (!time) return bad_form("not a dateTime with a time zone");
  return *time;
}

Outcome<TerminalLocation> read_terminal_location(const json::value& content, std::string_view address) {
  constexpr std::string_view kRoot = "terminalLocationList";
  const auto root = read_root(content, kRoot);
  if (!root) return refuse(root.error());
  auto terminals = required(**root, "terminalLocation", read_terminals);
  if (!terminals) return refuse(named(kRoot, std::move(terminals).error()));
  const auto found = std::ranges::find(*terminals, address, &TerminalLocation::address);
  if (found == terminals->end())
    return bad_form(std::string(kRoot) + ": not of the terminal that was asked for");
  return std::move(*found);
}

Outcome<AreaNotification> read_area_notification(const json::value& content) {
  constexpr std::string_view kCancelled = "subscriptionCancellationNotification";
  const auto* const outer = content.if_object();
  const bool cancelled = outer != nullptr && outer->contains(kCancelled);
  const std::string_view name = cancelled ? kCancelled : "subscriptionNotification";
  const auto root = read_root(content, name);
  if (!root) return refuse(root.error());
  auto read = cancelled ? read_cancellation(**root) : read_crossing_notification(**root);
  if (!read) return refuse(named(name, std::move(read).error()));
  return read;
}

Outcome<std::string> read_subscription_path(const json::value& content) {
  const auto* const outer = content.if_object();
  const bool reference = outer != nullptr && outer->contains("resourceReference");
  const std::string_view name = reference ? "resourceReference" : "circleNotificationSubscription";
  const auto root = read_root(content, name);
  if (!root) return refuse(root.error());
  auto url = required(**root, "resourceURL", short_text);
  if (!url) return refuse(named(name, std::move(url).error()));
  const auto authority = url->find("://");
  if (authority == std::string::npos) return url;
  const auto path = url->find('/', authority + 3);
  if (path == std::string::npos) return bad_form(std::string(name) + ".resourceURL: has no path");
  return url->substr(path);
}

json::value to_json(const CircleSubscription& subscription) {
  return json::object{
      {"circleNotificationSubscription",
       json::object{{"address", json::array{json::string(subscription.address)}},
                    {"callbackReference", json::object{{"notifyURL", subscription.notify_url},
                                                       {"callbackData", subscription.callback_data},
                                                       {"notificationFormat", "JSON"}}},
                    {"checkImmediate", true},
                    {"clientCorrelator", subscription.callback_data},
                    {"enteringLeavingCriteria", to_string(subscription.crossing)},
                    {"latitude", subscription.latitude},
                    {"longitude", subscription.longitude},
                    {"radius", subscription.radius},
                    {"duration", subscription.duration.count()},
                    {"frequency", subscription.frequency.count()},
                    {"trackingAccuracy", subscription.accuracy}}}};
}

json::value to_json(const Fix& fix) {
  return json::object{{"latitude", fix.latitude},
                      {"longitude", fix.longitude},
                      {"accuracy", fix.accuracy},
                      {"timestamp", format_log_time(fix.time)}};
}

}  // namespace latchkey::codec
