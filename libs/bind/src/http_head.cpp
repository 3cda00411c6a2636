#include "http_head.h"

#include <algorithm>
#include <string>

#include "http_text.h"

namespace latchkey::bind {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Field::count)> kNames = {
    "Host",          "Origin",    "Content-Type",     "Content-Encoding", "Accept",
    "Authorization", "Expect",    "Content-Location", "Retry-After",      "X-M2M-Origin",
    "X-M2M-RI",      "X-M2M-RVI", "X-M2M-RSC",        "X-M2M-OT",         "X-M2M-RET",
    "X-M2M-RST",     "X-M2M-OET", "X-M2M-EC",         "X-M2M-GID",        "X-M2M-RTU",
    "X-M2M-ATI",     "X-M2M-CTS", "X-M2M-CTO",        "X-M2M-VSI",        "X-M2M-AS",
};

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

std::string_view to_string(Field field) noexcept {
  return field == Field::count ? std::string_view() : kNames[static_cast<std::size_t>(field)];
}

Field field_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i].size() == name.size() && same_name(kNames[i], name)) return static_cast<Field>(i);
  }
  return Field::count;
}

void Fields::add(Field field, std::string_view value) {
  if (field == Field::count) return;
  // A value without octets still says that the field is there.
  if (value.data() == nullptr) value = std::string_view("", 0);
  std::string_view& known = values_[static_cast<std::size_t>(field)];
  if (known.data() == nullptr) {
    known = value;
  } else if (field == Field::accept) {
    more_accept_.push_back(value);
  } else if (!repeated_) {
    repeated_ = field;
  }
}

}  // namespace latchkey::bind
