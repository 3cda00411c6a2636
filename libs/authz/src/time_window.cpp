#include "time_window.h"

#include <charconv>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace latchkey::authz {
namespace {

struct Field {
  const char* name;
  int least, most;
};
constexpr std::array kFields{Field{"second", 0, 59},       Field{"minute", 0, 59}, Field{"hour", 0, 23},
                             Field{"day of month", 1, 31}, Field{"month", 1, 12},  Field{"day of week", 0, 6},
                             Field{"year", 2000, 9999}};
constexpr std::size_t kOctetsMax = 256;

struct Range {
  int from, to, step;
};

std::optional<int> number(std::string_view text, int least, int most) noexcept {
  int value = 0;
  if (text.empty() || text.size() > 4 || text.front() < '0' || text.front() > '9') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
    return std::nullopt;
  return value;
}

std::optional<Range> item(std::string_view text, const Field& field) noexcept {
  const auto dash = text.find('-');
  const auto from = number(text.substr(0, dash), field.least, field.most);
  const auto to =
      dash == std::string_view::npos ? from : number(text.substr(dash + 1), field.least, field.most);
  if (!from || !to || *from > *to) return std::nullopt;
  return Range{*from, *to, 1};
}

/// Hands each range of the field to `take`.
Status read_field(std::string_view text, const Field& field, const std::function<void(const Range&)>& take) {
  const auto bad = [&] {
    return fail(ErrorCode::invalid_argument, std::string("has a bad ") + field.name +
                                                 ": it is '*', '*/n' or a list of numbers and ranges from " +
                                                 std::to_string(field.least) + " to " +
                                                 std::to_string(field.most));
  };
  if (text == "*") {
    take(Range{field.least, field.most, 1});
    return {};
  }
  if (text.starts_with("*/")) {
    const auto step = number(text.substr(2), 1, field.most);
    if (!step) return bad();
    take(Range{field.least, field.most, *step});
    return {};
  }
  for (auto rest = text;;) {
    const auto comma = rest.find(',');
    const auto range = item(rest.substr(0, comma), field);
    if (!range) return bad();
    take(*range);
    if (comma == std::string_view::npos) return {};
    rest.remove_prefix(comma + 1);
  }
}

std::vector<std::string_view> split_at_blanks(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto blank = text.find(' ');
    if (blank != 0) out.push_back(text.substr(0, blank));
    if (blank == std::string_view::npos) break;
    text.remove_prefix(blank + 1);
  }
  return out;
}

}  // namespace

CivilTime civil_time(TimePoint time) noexcept {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return {static_cast<unsigned>(clock.seconds().count()),
          static_cast<unsigned>(clock.minutes().count()),
          static_cast<unsigned>(clock.hours().count()),
          static_cast<unsigned>(date.day()),
          static_cast<unsigned>(date.month()),
          std::chrono::weekday(day).c_encoding(),
          static_cast<int>(date.year())};
}

Result<TimeWindow> TimeWindow::parse(std::string_view text) {
  if (text.size() > kOctetsMax) return fail(ErrorCode::limit, "has more than 256 octets");
  const auto fields = split_at_blanks(text);
  if (fields.size() != kFields.size())
    return fail(ErrorCode::invalid_argument,
                "has " + std::to_string(fields.size()) + " fields, 7 make a time window");
  TimeWindow window;
  for (std::size_t i = 0; i < window.fields_.size(); ++i) {
    auto read = read_field(fields[i], kFields[i], [&](const Range& range) {
      for (int value = range.from; value <= range.to; value += range.step)
        window.fields_[i] |= std::uint64_t{1} << value;
    });
    if (!read) return fail(std::move(read.error()));
  }
  auto read = read_field(fields.back(), kFields.back(), [&](const Range& range) {
    window.years_.push_back({range.from, range.to, range.step});
  });
  if (!read) return fail(std::move(read.error()));
  return window;
}

bool TimeWindow::contains(const CivilTime& time) const noexcept {
  const std::array values{time.second, time.minute, time.hour, time.day, time.month, time.weekday};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if ((fields_[i] >> values[i] & 1U) == 0) return false;
  }
  for (const auto& years : years_) {
    if (time.year >= years.from && time.year <= years.to && (time.year - years.from) % years.step == 0)
      return true;
  }
  return false;
}

}  // namespace latchkey::authz
