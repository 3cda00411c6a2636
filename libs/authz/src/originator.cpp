#include "originator.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace latchkey::authz {
namespace {

constexpr std::size_t kEntryOctetsMax = 2048;
constexpr std::size_t kSegmentOctetsMax = 255;

bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool has_wildcard(std::string_view text) noexcept { return text.find('*') != std::string_view::npos; }
bool begins_with(std::string_view text, char c) noexcept { return !text.empty() && text.front() == c; }

std::string folded(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> segments;
  for (;;) {
    const auto slash = text.find('/');
    segments.push_back(text.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    text.remove_prefix(slash + 1);
  }
}

/// A stem of unreserved characters (RFC 3986), in which '*' may stand.
Status check_stem(std::string_view stem) {
  if (stem.empty()) return fail(ErrorCode::invalid_argument, "has an empty segment");
  if (stem.size() > kSegmentOctetsMax)
    return fail(ErrorCode::invalid_argument, "has a segment of more than 255 octets");
  const auto allowed = [](char c) {
    return is_letter_or_digit(c) || std::string_view("-._~*").find(c) != std::string_view::npos;
  };
  if (!std::ranges::all_of(stem, allowed))
    return fail(ErrorCode::invalid_argument, "has a character that no CSE-ID or AE-ID may have");
  return {};
}

/// The SP part of an absolute id: an FQDN, or a pattern of its characters.
Result<std::string> canonical_sp(std::string_view sp) {
  if (!has_wildcard(sp)) {
    const auto fqdn = Fqdn::parse(sp);
    if (!fqdn) return fail("is not an id below an SP domain name", fqdn.error());
    return fqdn->folded();
  }
  const auto allowed = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.' || c == '*'; };
  if (sp.size() > kSegmentOctetsMax || !std::ranges::all_of(sp, allowed))
    return fail(ErrorCode::invalid_argument, "is no pattern of an SP domain name");
  return folded(sp);
}

Result<Originator> role(std::string_view text) {
  const auto at = text.find('@');
  const auto local = text.substr(0, at);
  const auto allowed = [](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; };
  if (local.empty() || local.size() > 127 || !std::ranges::all_of(local, allowed))
    return fail(ErrorCode::invalid_argument,
                "is no Role-ID: 1 to 127 letters, digits, '.', '_', '-' stand before '@'");
  const auto issuer = Fqdn::parse(text.substr(at + 1));
  if (!issuer) return fail("is no Role-ID: its issuer is no FQDN", issuer.error());
  return Originator{OriginatorKind::role, std::string(text)};
}

Result<Originator> domain(std::string_view text) {
  // 7.1.3: wildcards are not applicable to SP domain names.
  if (has_wildcard(text))
    return fail(ErrorCode::invalid_argument, "has '*' in an SP domain name, where it does not apply");
  const auto fqdn = Fqdn::parse(text);
  if (!fqdn) return fail("is no SP domain name", fqdn.error());
  return Originator{OriginatorKind::domain, fqdn->folded()};
}

Result<Originator> group(std::string_view text) {
  // 7.1.3: wildcards are not applicable to resource-IDs of <group> resources.
  if (has_wildcard(text))
    return fail(ErrorCode::invalid_argument,
                "has '*', which stands in CSE-IDs and AE-IDs only, and is neither");
  const auto address = ResourceAddress::parse(text);
  if (!address) return fail("is of no known kind", address.error());
  if (!address->attribute.empty())
    return fail(ErrorCode::invalid_argument, "addresses an attribute, not a <group>");
  return Originator{OriginatorKind::group, std::string(text)};
}

/// The path behind an SP: "x" is a CSE-ID or an S-type AE-ID, "cse/C..." a C-type AE-ID.
bool is_entity_path(const std::vector<std::string_view>& path) noexcept {
  return path.size() == 1 || (path.size() == 2 && (begins_with(path[1], 'C') || begins_with(path[1], '*')));
}

Result<Originator> entity(std::string sp, const std::vector<std::string_view>& path) {
  for (const auto stem : path) {
    if (auto ok = check_stem(stem); !ok) return fail(std::move(ok.error()));
    sp.append("/").append(stem);
  }
  return Originator{OriginatorKind::entity, std::move(sp)};
}

Result<Originator> sp_relative(std::string_view text, const SpId& home) {
  const auto path = split(text.substr(1));
  return is_entity_path(path) ? entity(home.fqdn().folded(), path) : group(text);
}

Result<Originator> bare(std::string_view text, const SpId& home, const std::optional<CseId>& hosting_cse) {
  const bool one_segment = text.find('/') == std::string_view::npos;
  if (!one_segment) return group(text);
  if (begins_with(text, 'S')) return entity(home.fqdn().folded(), {text});
  if (begins_with(text, 'C')) {
    if (!hosting_cse)
      return fail(ErrorCode::invalid_argument,
                  "is an AE-ID-Stem that belongs to a CSE which is not known here");
    return entity(hosting_cse->sp().fqdn().folded(), {hosting_cse->stem(), text});
  }
  if (text.find('.') != std::string_view::npos && (has_wildcard(text) || Fqdn::parse(text)))
    return domain(text);
  return group(text);
}

}  // namespace

Result<Originator> classify_absolute(std::string_view text) {
  auto path = split(text.substr(2));
  const auto sp = path.front();
  path.erase(path.begin());
  if (path.empty()) return domain(sp);
  if (!is_entity_path(path)) return group(text);
  auto canonical = canonical_sp(sp);
  if (!canonical) return fail(std::move(canonical.error()));
  return entity(std::move(*canonical), path);
}

Result<Originator> classify_originator(std::string_view entry, const SpId& home,
                                       const std::optional<CseId>& hosting_cse) {
  if (entry.empty()) return fail(ErrorCode::invalid_argument, "is empty");
  if (entry.size() > kEntryOctetsMax) return fail(ErrorCode::limit, "has more than 2048 octets");
  if (entry == "all") return Originator{};
  if (entry.find('@') != std::string_view::npos) return role(entry);
  if (entry.starts_with("//")) return classify_absolute(entry);
  if (entry.starts_with("/")) return sp_relative(entry, home);
  return bare(entry, home, hosting_cse);
}

}  // namespace latchkey::authz
