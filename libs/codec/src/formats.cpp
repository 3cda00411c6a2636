#include "latchkey/codec/formats.h"

#include <array>
#include <charconv>
#include <optional>

#include "json_reader.h"
#include "text.h"

namespace latchkey::codec {
namespace {

constexpr std::array kPoaSchemes{"http", "https", "coap", "coaps", "mqtt", "mqtts", "ws", "wss"};
constexpr std::array kReservedNames{"-", ".", "..", "la", "ol", "fopt", "sfop", "pcu", "ntsr"};

/// The one digit that is all of `text`, at most `most`.
std::optional<std::uint8_t> digit(std::string_view text, char most) noexcept {
  if (text.size() != 1 || text.front() < '0' || text.front() > most) return std::nullopt;
  return static_cast<std::uint8_t>(text.front() - '0');
}

bool is_media_type(std::string_view text) noexcept {
  const auto slash = text.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < text.size() &&
         text.find('/', slash + 1) == std::string_view::npos && !has_blank_or_control(text) && is_utf8(text);
}

bool is_port(std::string_view text) noexcept {
  const auto number = parse_integer(text);
  return number && *number > 0 && *number <= 65'535;
}

/// host[:port] with a name, an IPv4 address or a bracketed IPv6 address.
bool is_host(std::string_view text) noexcept {
  const bool bracketed = text.starts_with('[');
  const auto end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos) return false;
  const auto host = text.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end);
  const auto port = text.substr(bracketed ? end + 1 : end);
  const std::string_view marks = bracketed ? ":." : "-._";
  return !host.empty() && std::ranges::all_of(host, [&](char c) {
    return is_alnum(c) || marks.find(c) != std::string_view::npos;
  }) && (port.empty() || (port.front() == ':' && is_port(port.substr(1))));
}

/// One "number designator" of a duration, in the order the designators must have.
struct Unit {
  char designator;
  bool in_time;
  std::int64_t milliseconds;
};
constexpr std::int64_t kSecond = 1000, kDay = 86'400 * kSecond;
constexpr std::array kUnits{Unit{'Y', false, 365 * kDay},  Unit{'M', false, 30 * kDay},
                            Unit{'D', false, kDay},        Unit{'H', true, 3600 * kSecond},
                            Unit{'M', true, 60 * kSecond}, Unit{'S', true, kSecond}};

class DurationReader {
 public:
  explicit DurationReader(std::string_view text) : rest_(text) {}

  std::optional<std::int64_t> read() {
    if (!take('P')) return std::nullopt;
    std::int64_t sum = 0;
    bool in_time = false;
    std::size_t next_unit = 0, parts = 0;
    while (!rest_.empty()) {
      if (!in_time && take('T')) {
        in_time = true;
        if (rest_.empty()) return std::nullopt;
      }
      const auto part = read_part(in_time, next_unit);
      if (!part) return std::nullopt;
      sum += *part;
      ++parts;
    }
    return parts > 0 ? std::optional(sum) : std::nullopt;
  }

 private:
  bool take(char c) noexcept {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view take_digits() noexcept {
    std::size_t n = 0;
    while (n < rest_.size() && is_digit(rest_[n])) ++n;
    const auto digits = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return digits;
  }

  /// Nine digits keep the products within 64 bits, but for years and months, which are bounded once more.
  std::optional<std::int64_t> read_part(bool in_time, std::size_t& next_unit) {
    const auto digits = take_digits();
    if (digits.empty() || digits.size() > 9) return std::nullopt;
    std::int64_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    std::int64_t fraction_ms = 0;
    const bool fraction = take('.');
    if (fraction && !read_fraction(fraction_ms)) return std::nullopt;
    if (rest_.empty()) return std::nullopt;
    const char designator = rest_.front();
    rest_.remove_prefix(1);
    for (; next_unit < kUnits.size(); ++next_unit) {
      const Unit& unit = kUnits[next_unit];
      if (unit.designator != designator || unit.in_time != in_time) continue;
      ++next_unit;
      if ((fraction && designator != 'S') || (unit.milliseconds > kDay && number > 10'000))
        return std::nullopt;
      return number * unit.milliseconds + fraction_ms;
    }
    return std::nullopt;
  }

  bool read_fraction(std::int64_t& milliseconds) noexcept {
    const auto digits = take_digits();
    std::int64_t weight = 100;
    for (const char c : digits) {
      milliseconds += weight * (c - '0');
      weight /= 10;
    }
    return !digits.empty() && digits.size() <= 9;
  }

  std::string_view rest_;
};

}  // namespace

Outcome<ContentInfo> parse_content_info(std::string_view text) {
  constexpr auto kForm = "not of the form type/subtype:encoding[:security]";
  const auto first = text.find(':');
  if (first == std::string_view::npos || !is_media_type(text.substr(0, first)))
    return refuse(Rsc::bad_request, kForm);
  auto rest = text.substr(first + 1);
  ContentInfo info{.media_type = std::string(text.substr(0, first))};
  if (const auto second = rest.find(':'); second != std::string_view::npos) {
    const auto security = digit(rest.substr(second + 1), '5');
    if (!security) return refuse(Rsc::bad_request, "contentSecurity is not one of 0 to 5");
    info.security = *security;
    rest = rest.substr(0, second);
  }
  const auto encoding = digit(rest, '2');
  if (!encoding) return refuse(Rsc::bad_request, "encodingType is not one of 0 to 2");
  info.encoding = *encoding;
  return info;
}

Outcome<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto milliseconds = DurationReader(text).read();
  if (!milliseconds) return refuse(Rsc::bad_request, "not a duration such as PT30S");
  return std::chrono::milliseconds(*milliseconds);
}

std::string timestamp_text(TimePoint time) {
  std::string text = format_timestamp(time);
  const auto fraction = (time - std::chrono::floor<std::chrono::seconds>(time)).count();
  if (fraction == 0) return text;
  std::string digits = std::to_string(1'000'000 + fraction).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  return text + "," + digits;
}

bool is_point_of_access(std::string_view text) noexcept {
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return is_host(text);
  if (std::ranges::find(kPoaSchemes, text.substr(0, colon)) == kPoaSchemes.end()) return false;
  const auto authority = text.substr(colon + 3);
  return !has_blank_or_control(text) && is_host(authority.substr(0, authority.find_first_of("/?#")));
}

bool is_resource_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 255 &&
         std::ranges::find(kReservedNames, text) == kReservedNames.end() &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; });
}

}  // namespace latchkey::codec
