#include "latchkey/base/ids.h"

#include <algorithm>
#include <charconv>

#include "latchkey/base/bytes.h"

namespace latchkey {

namespace {

constexpr std::size_t kStemMax = 255;

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_alnum(char c) noexcept { return is_digit(c) || is_alpha(c); }
/// RFC 3986 unreserved.
constexpr bool is_unreserved(char c) noexcept {
  return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}
constexpr bool is_key_id_char(char c) noexcept { return is_alnum(c) || c == '.' || c == '_' || c == '-'; }
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_label(std::string_view label) noexcept {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; });
}

bool is_stem(std::string_view stem) noexcept {
  return !stem.empty() && stem.size() <= kStemMax && std::ranges::all_of(stem, is_unreserved);
}

/// "-" stands for the CSEBase name in an address, "." and ".." are folded away by URI libraries, and a stem
/// that begins with 'S' could not be told from an AE-ID.
bool is_cse_stem(std::string_view stem) noexcept {
  return is_stem(stem) && stem != "-" && stem != "." && stem != ".." && stem.front() != 'S';
}

bool is_ae_stem(std::string_view stem) noexcept {
  return stem.size() >= 2 && (stem.front() == 'S' || stem.front() == 'C') && is_stem(stem);
}

std::string folded(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

struct SpSplit {
  SpId sp;
  std::string_view path;  // from the slash behind the SP part, or the whole SP-relative text
};

/// Cuts "//sp" off an absolute form, or completes an SP-relative one.
Result<SpSplit> split_sp(std::string_view text, const SpId& home) {
  if (!text.starts_with("//")) return SpSplit{home, text};
  const auto slash = text.find('/', 2);
  if (slash == std::string_view::npos)
    return fail(ErrorCode::invalid_argument, "identifier ends behind its M2M-SP-ID");
  auto sp = SpId::parse(text.substr(0, slash));
  if (!sp) return fail(sp.error());
  return SpSplit{std::move(*sp), text.substr(slash)};
}

}  // namespace

Result<Fqdn> Fqdn::parse(std::string_view text) {
  if (text.empty() || text.size() > 253)
    return fail(ErrorCode::invalid_argument, "domain name must have 1 to 253 characters");
  const auto labels = split(text, '.');
  if (labels.size() < 2) return fail(ErrorCode::invalid_argument, "domain name is not fully qualified");
  if (!std::ranges::all_of(labels, is_label))
    return fail(ErrorCode::invalid_argument,
                "domain name has a label that is not letters, digits and inner hyphens");
  if (std::ranges::all_of(labels.back(), is_digit))
    return fail(ErrorCode::invalid_argument, "domain name ends in a number");
  Fqdn out;
  out.text_ = std::string(text);
  out.folded_ = latchkey::folded(text);
  return out;
}

bool Fqdn::is_within(const Fqdn& domain) const noexcept {
  if (folded_ == domain.folded_) return true;
  return folded_.size() > domain.folded_.size() + 1 && folded_.ends_with(domain.folded_) &&
         folded_[folded_.size() - domain.folded_.size() - 1] == '.';
}

Result<SpId> SpId::parse(std::string_view text) {
  if (!text.starts_with("//")) return fail(ErrorCode::invalid_argument, "M2M-SP-ID must begin with //");
  auto fqdn = Fqdn::parse(text.substr(2));
  if (!fqdn) return fail("M2M-SP-ID", fqdn.error());
  return SpId(std::move(*fqdn));
}

Result<CseId> CseId::from_stem(const SpId& sp, std::string_view stem) {
  if (!is_cse_stem(stem))
    return fail(ErrorCode::invalid_argument,
                "CSE-ID must be 1 to 255 unreserved characters, not begin with S and be no reserved word");
  return CseId(sp, std::string(stem));
}

Result<CseId> CseId::parse(std::string_view text, const SpId& home) {
  auto parts = split_sp(text, home);
  if (!parts) return fail(parts.error());
  if (!parts->path.starts_with('/')) return fail(ErrorCode::invalid_argument, "CSE-ID must begin with /");
  return from_stem(parts->sp, parts->path.substr(1));
}

Result<Fqdn> CseId::public_domain_name(const std::optional<CseId>& in_cse) const {
  if (!is_label(stem_)) return fail(ErrorCode::invalid_argument, "CSE-ID " + stem_ + " is no DNS label");
  if (!in_cse || *in_cse == *this) return Fqdn::parse(stem_ + "." + sp_.fqdn().folded());
  if (in_cse->sp_ != sp_)
    return fail(ErrorCode::invalid_argument,
                "IN-CSE " + in_cse->absolute() + " is of another service provider");
  const auto parent = in_cse->public_domain_name(std::nullopt);
  if (!parent) return fail("IN-CSE", parent.error());
  return Fqdn::parse(stem_ + "." + parent->text());
}

Result<AeId> AeId::parse(std::string_view text, const SpId& home) {
  auto parts = split_sp(text, home);
  if (!parts) return fail(parts.error());
  if (!parts->path.starts_with('/')) return fail(ErrorCode::invalid_argument, "AE-ID must begin with /");
  const auto segments = split(parts->path.substr(1), '/');
  const auto stem = segments.back();
  if (segments.size() > 2 || !is_ae_stem(stem))
    return fail(ErrorCode::invalid_argument, "AE-ID must end in a stem that begins with S or C");
  if (stem.front() == 'S' && segments.size() == 1) return AeId(parts->sp, {}, std::string(stem));
  if (stem.front() == 'C' && segments.size() == 2 && is_cse_stem(segments[0]))
    return AeId(parts->sp, std::string(segments[0]), std::string(stem));
  return fail(ErrorCode::invalid_argument, "an S-type AE-ID has no CSE part, a C-type AE-ID has one");
}

Result<AeId> AeId::from_stem(std::string_view stem, const CseId& registrar) {
  if (!is_ae_stem(stem))
    return fail(ErrorCode::invalid_argument,
                "AE-ID stem must begin with S or C and have 2 to 255 unreserved characters");
  return AeId(registrar.sp(), stem.front() == 'S' ? std::string() : registrar.stem(), std::string(stem));
}

std::optional<CseId> AeId::registrar() const {
  if (cse_.empty()) return std::nullopt;
  return *CseId::from_stem(sp_, cse_);  // checked when this was parsed
}

std::string AeId::sp_relative() const { return cse_.empty() ? "/" + stem_ : "/" + cse_ + "/" + stem_; }

Result<M2mDeviceId> M2mDeviceId::parse(std::string_view text) {
  constexpr std::size_t kLeast = 7, kMost = 8;  // four of the higher arc, three or four behind it
  if (text.size() > kMost * 11)                 // ten digits and a separator each
    return fail(ErrorCode::invalid_argument, "M2M-Device-ID is too long");
  const char separator = text.find(' ') != std::string_view::npos ? ' ' : '.';
  const auto parts = split(text, separator);
  if (parts.size() < kLeast || parts.size() > kMost)
    return fail(ErrorCode::invalid_argument, "M2M-Device-ID must have 7 or 8 arcs");
  M2mDeviceId out;
  for (const auto part : parts) {
    std::uint32_t arc = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), arc);
    if (part.empty() || error != std::errc{} || end != part.data() + part.size() ||
        (part.size() > 1 && part.front() == '0'))
      return fail(ErrorCode::invalid_argument, "M2M-Device-ID has an arc that is no number");
    out.arcs_.push_back(arc);
  }
  if (out.arcs_[0] > 2 || (out.arcs_[0] < 2 && out.arcs_[1] > 39))
    return fail(ErrorCode::invalid_argument, "M2M-Device-ID is no object identifier");
  return out;
}

namespace {
std::string join(std::span<const std::uint32_t> arcs, char separator) {
  std::string out;
  for (const auto arc : arcs) {
    if (!out.empty()) out += separator;
    out += std::to_string(arc);
  }
  return out;
}
}  // namespace

std::string M2mDeviceId::dotted() const { return join(arcs_, '.'); }
std::string M2mDeviceId::spaced() const { return join(arcs_, ' '); }
std::string M2mDeviceId::higher_arc() const { return join(std::span(arcs_).first(4), '.'); }
std::string M2mDeviceId::remainder() const { return join(std::span(arcs_).subspan(4), '.'); }

std::string to_string(const EntityId& id) {
  struct Visitor {
    std::string operator()(const CseId& cse) const { return cse.absolute(); }
    std::string operator()(const AeId& ae) const { return ae.absolute(); }
    std::string operator()(const M2mDeviceId& device) const { return device.dotted(); }
    std::string operator()(const Fqdn& fqdn) const { return fqdn.folded(); }
  };
  return std::visit(Visitor{}, id);
}

Result<EntityId> parse_entity_id(std::string_view text, const SpId& home) {
  if (text.starts_with('/')) {
    if (auto ae = AeId::parse(text, home)) return EntityId(std::move(*ae));
    auto cse = CseId::parse(text, home);
    if (!cse) return fail(cse.error());
    return EntityId(std::move(*cse));
  }
  if (auto device = M2mDeviceId::parse(text)) return EntityId(std::move(*device));
  auto fqdn = Fqdn::parse(text);
  if (!fqdn)
    return fail(ErrorCode::invalid_argument, "neither a CSE-ID, an AE-ID, a device id nor a domain name");
  return EntityId(std::move(*fqdn));
}

Result<KeyId> KeyId::make(std::string_view relative, const Fqdn& issuer) {
  if (relative.empty() || relative.size() > 127 || !std::ranges::all_of(relative, is_key_id_char))
    return fail(ErrorCode::invalid_argument,
                "relative part of a key identifier must be 1 to 127 letters, digits, '.', '_', '-'");
  if (relative.size() + 1 + issuer.text().size() > 255)
    return fail(ErrorCode::invalid_argument, "key identifier longer than 255 characters");
  return KeyId(std::string(relative), issuer);
}

Result<KeyId> KeyId::parse(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos) return fail(ErrorCode::invalid_argument, "key identifier has no @");
  auto issuer = Fqdn::parse(text.substr(at + 1));
  if (!issuer) return fail("key identifier", issuer.error());
  return make(text.substr(0, at), *issuer);
}

Result<KeyId> KeyId::from_octets(std::span<const std::uint8_t> id, const Fqdn& issuer) {
  if (id.size() != 16) return fail(ErrorCode::invalid_argument, "RelativeKeyID must have 16 octets");
  return make(to_hex(id), issuer);
}

std::optional<std::string> KeyId::relative_key_id() const {
  if (relative_.size() != 32) return std::nullopt;
  const auto octets = from_hex(relative_);
  if (!octets) return std::nullopt;
  return to_hex(*octets);
}

bool same_km_id(const KeyId& a, const KeyId& b) {
  return folded(a.relative()) == folded(b.relative()) && a.issuer() == b.issuer();
}

namespace {
bool is_credential_type(int type) noexcept {
  return (type >= 10 && type <= 16) || (type >= 30 && type <= 33) || (type >= 41 && type <= 44) ||
         (type >= 51 && type <= 54);
}
}  // namespace

Result<CredentialId> CredentialId::make(CredentialType type, std::string_view value) {
  const auto allowed = [](char c) { return is_key_id_char(c) || c == '@'; };
  if (value.empty() || value.size() > 255 || !std::ranges::all_of(value, allowed))
    return fail(ErrorCode::invalid_argument,
                "Credential-ID value must be 1 to 255 letters, digits, '.', '_', '-', '@'");
  return CredentialId(type, std::string(value));
}

Result<CredentialId> CredentialId::parse(std::string_view text) {
  const auto dash = text.find('-');
  if (dash != 2 || !is_digit(text[0]) || !is_digit(text[1]))
    return fail(ErrorCode::invalid_argument, "Credential-ID must begin with two digits and '-'");
  const int type = (text[0] - '0') * 10 + (text[1] - '0');
  if (!is_credential_type(type)) return fail(ErrorCode::invalid_argument, "Credential-ID of unknown type");
  return make(static_cast<CredentialType>(type), text.substr(3));
}

std::string CredentialId::text() const { return std::to_string(static_cast<unsigned>(type_)) + "-" + value_; }

Result<Suid> Suid::from(std::int64_t value) {
  const auto origin = value / 10, use = value % 10;
  const bool assigned = (origin == 1 || origin == 4) ? use >= 0 && use <= 5
                        : origin == 2                ? use >= 1 && use <= 5
                                                     : origin == 3 && use >= 2 && use <= 5;
  if (value < 0 || !assigned)
    return fail(ErrorCode::invalid_argument, "unassigned Security Usage Identifier " + std::to_string(value));
  return Suid(static_cast<std::uint8_t>(value));
}

namespace {

/// RFC 3986 pchar without percent-encoding, which would let two texts name one resource.
bool is_address_char(char c) noexcept {
  return is_unreserved(c) || std::string_view("!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

bool is_segment(std::string_view segment) noexcept {
  return !segment.empty() && segment != "." && segment != ".." &&
         std::ranges::all_of(segment, is_address_char);
}

}  // namespace

Result<ResourceAddress> ResourceAddress::parse(std::string_view text) {
  constexpr std::size_t kOctetsMax = 2048, kSegmentsMax = 64;
  if (text.empty() || text.size() > kOctetsMax)
    return fail(ErrorCode::invalid_argument, "resource address must have 1 to 2048 octets");
  ResourceAddress out;
  if (const auto hash = text.find('#'); hash != std::string_view::npos) {
    out.attribute = std::string(text.substr(hash + 1));
    if (out.attribute.empty() || !std::ranges::all_of(out.attribute, is_alnum))
      return fail(ErrorCode::invalid_argument, "resource address has no attribute name behind '#'");
    text = text.substr(0, hash);
  }
  if (text.starts_with("//"))
    out.scope = Scope::absolute;
  else if (text.starts_with('/'))
    out.scope = Scope::sp_relative;
  text.remove_prefix(out.scope == Scope::absolute ? 2 : out.scope == Scope::sp_relative ? 1 : 0);
  // TS-0032 writes the base of a MAF or MEF with a slash at its end: "//maf.example/-/".
  if (out.scope == Scope::absolute && text.ends_with("/-/")) text.remove_suffix(1);
  // Every request parses addresses, so that the parts go straight to where they stay.
  bool more = true;
  const auto next_part = [&text, &more] {
    const auto slash = text.find('/');
    const auto part = text.substr(0, slash);
    more = slash != std::string_view::npos;
    if (more) text.remove_prefix(slash + 1);
    return part;
  };
  if (out.scope == Scope::absolute) {
    auto sp = Fqdn::parse(next_part());
    if (!sp) return fail("resource address", sp.error());
    out.sp = sp->folded();
    if (!more) return fail(ErrorCode::invalid_argument, "resource address ends behind its M2M-SP-ID");
  }
  const auto malformed = [] {
    return fail(ErrorCode::invalid_argument, "resource address has an empty, dot or malformed segment");
  };
  if (out.scope != Scope::cse_relative) {
    out.cse = std::string(next_part());
    if (!is_segment(out.cse)) return malformed();
  }
  if (more) out.segments.reserve(1 + static_cast<std::size_t>(std::ranges::count(text, '/')));
  while (more) {
    out.segments.emplace_back(next_part());
    if (!is_segment(out.segments.back())) return malformed();
  }
  if (out.segments.size() > kSegmentsMax)
    return fail(ErrorCode::invalid_argument, "resource address has more than 64 segments");
  return out;
}

std::string ResourceAddress::text() const {
  std::string out;
  if (scope == Scope::absolute) out = "//" + sp;
  if (scope != Scope::cse_relative) out += "/" + cse;
  for (const auto& segment : segments) out += (out.empty() ? "" : "/") + segment;
  if (!attribute.empty()) out += "#" + attribute;
  return out;
}

}  // namespace latchkey
