#include "http_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace latchkey::bind {
namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
constexpr bool is_alnum(char c) noexcept {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}
constexpr bool is_unreserved(char c) noexcept {
  return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}
constexpr bool is_token_char(char c) noexcept {
  return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char folded = lower(c);
  return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

/// The text before the next `separator`, which is removed from `rest`; quoted strings are kept whole.
std::string_view next_part(std::string_view& rest, char separator) noexcept {
  bool quoted = false;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '"') quoted = !quoted;
    if (quoted && rest[i] == '\\') {
      ++i;
    } else if (!quoted && rest[i] == separator) {
      const std::string_view part = rest.substr(0, i);
      rest.remove_prefix(i + 1);
      return trimmed(part);
    }
  }
  return trimmed(std::exchange(rest, {}));
}

std::string_view unquoted(std::string_view text) noexcept {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

bool is_media_type(std::string_view text) noexcept {
  const auto slash = text.find('/');
  return slash != std::string_view::npos && is_token(text.substr(0, slash)) &&
         is_token(text.substr(slash + 1));
}

/// "0.25" as 250; nullopt for what is no quality (RFC 9110 12.4.2).
std::optional<int> parse_quality(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int value = (text[0] - '0') * 1000;
  int scale = 100;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (c < '0' || c > '9') return std::nullopt;
    value += (c - '0') * scale;
    scale /= 10;
  }
  return value <= 1000 ? std::optional(value) : std::nullopt;
}

struct Range {
  std::string_view type;
  int quality = 1000;
};
std::optional<Range> parse_range(std::string_view text) noexcept {
  Range range{next_part(text, ';')};
  if (!is_media_type(range.type)) return std::nullopt;
  while (!text.empty()) {
    const std::string_view parameter = next_part(text, ';');
    if (parameter.size() < 2 || lower(parameter[0]) != 'q' || parameter[1] != '=') continue;
    const auto quality = parse_quality(parameter.substr(2));
    if (!quality) return std::nullopt;
    range.quality = *quality;
  }
  return range;
}

/// How closely a range names `media`: 0 not at all, 3 exactly.
int closeness(std::string_view range, Media media) noexcept {
  if (range == "*/*") return 1;
  if (equals_folded(range, "application/*")) return 2;
  return equals_folded(range, to_string(media)) ? 3 : 0;
}

}  // namespace

bool equals_folded(std::string_view text, std::string_view lower_text) noexcept {
  return std::ranges::equal(text, lower_text, {}, lower);
}

std::string_view trimmed(std::string_view text) noexcept {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool is_field_text(std::string_view text) noexcept {
  if (!text.empty() && (text.front() == ' ' || text.back() == ' ')) return false;
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

void percent_encode(std::string& out, std::string_view text, std::string_view also_plain) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_unreserved(c) || also_plain.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[octet >> 4U];
    out += kHex[octet & 15U];
  }
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept {
  if (text.empty() || text.size() > 10) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kOctets = 64;
  std::string out;
  for (const char c : text.substr(0, kOctets)) out += c >= 0x20 && c < 0x7f ? c : '?';
  if (text.size() > kOctets) out += "...";
  return out;
}

std::optional<ContentType> parse_content_type(std::string_view text) noexcept {
  ContentType type{next_part(text, ';'), {}, {}};
  if (!is_media_type(type.media_type)) return std::nullopt;
  while (!text.empty()) {
    std::string_view value = next_part(text, ';');
    if (value.empty()) continue;
    // Clients are seen that write "ty = 3": blanks around '=' are let pass, unlike in HTTP at large.
    const std::string_view name = next_part(value, '=');
    if (!is_token(name) || value.empty()) return std::nullopt;
    value = unquoted(trimmed(value));
    std::optional<std::string_view>* known = equals_folded(name, "ty")        ? &type.ty
                                             : equals_folded(name, "charset") ? &type.charset
                                                                              : nullptr;
    if (known == nullptr) continue;
    if (*known) return std::nullopt;
    *known = value;
  }
  return type;
}

std::string_view to_string(Media media) noexcept {
  switch (media) {
    case Media::onem2m_resource:
      return "application/vnd.onem2m-res+json";
    case Media::onem2m_notification:
      return "application/vnd.onem2m-ntfy+json";
    case Media::json:
      break;
  }
  return "application/json";
}

std::optional<Media> media_of(std::string_view media_type) noexcept {
  for (const Media media : {Media::json, Media::onem2m_resource, Media::onem2m_notification}) {
    if (equals_folded(media_type, to_string(media))) return media;
  }
  return std::nullopt;
}

Acceptable parse_accept(std::string_view text) noexcept {
  constexpr std::array kOffered = {Media::json, Media::onem2m_resource, Media::onem2m_notification};
  std::array<int, kOffered.size()> closest{};
  std::array<int, kOffered.size()> quality{};
  while (!text.empty()) {
    const std::string_view part = next_part(text, ',');
    if (part.empty()) continue;  // RFC 9110 5.6.1.2: empty list elements are ignored
    const auto range = parse_range(part);
    if (!range) return {.malformed = true, .media = {}};
    for (std::size_t i = 0; i < kOffered.size(); ++i) {
      const int close = closeness(range->type, kOffered[i]);
      if (close == 0 || close < closest[i]) continue;
      closest[i] = close;
      quality[i] = range->quality;
    }
  }
  const auto best = static_cast<std::size_t>(std::ranges::max_element(quality) - quality.begin());
  if (quality[best] == 0) return {};
  return {.malformed = false, .media = kOffered[best]};
}

}  // namespace latchkey::bind
