#include "psk_lines.h"

#include <algorithm>

#include "latchkey/base/time.h"

namespace latchkey::secure_env {

namespace {

constexpr std::size_t kErrorsMax = 1000;
constexpr std::string_view kNoEntity = "-";

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_km(Suid suid) noexcept { return suid.use() == Suid::Use::maf; }

Result<std::optional<EntityId>> parse_entity(std::string_view text, const SpId& home) {
  if (text == kNoEntity) return std::nullopt;
  auto entity = parse_entity_id(text, home);
  if (!entity) return fail("entity", entity.error());
  if (std::holds_alternative<Fqdn>(*entity)) {
    return fail(ErrorCode::invalid_argument,
                "entity: not a CSE-ID, AE-ID or device id (an AE-ID begins with '/' or '//')");
  }
  return std::optional<EntityId>(std::move(*entity));
}

Result<Suid> parse_suid(std::string_view text) {
  const bool two_digits =
      text.size() == 2 && text[0] >= '0' && text[0] <= '9' && text[1] >= '0' && text[1] <= '9';
  if (two_digits) {
    const auto suid = Suid::from((text[0] - '0') * 10 + (text[1] - '0'));
    if (suid && is_psk_suid(*suid)) return *suid;
  }
  return fail(ErrorCode::invalid_argument, "suid: must be 12 or 22 (SAEF), 11 or 21 (MAF)");
}

}  // namespace

void LineErrors::add(std::size_t line, std::string_view reason) {
  if (++count_ > kErrorsMax) return;
  if (!text_.empty()) text_ += '\n';
  text_ += file_ + ":" + std::to_string(line) + ": ";
  text_ += reason;
}

Error LineErrors::error() const {
  auto text = text_;
  if (count_ > kErrorsMax)
    text += "\n" + file_ + ": and " + std::to_string(count_ - kErrorsMax) + " more bad lines";
  return {ErrorCode::invalid_argument, std::move(text)};
}

std::optional<Fields> split_line(std::string_view line, std::size_t number, LineErrors& errors) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty() || line.front() == '#') return std::nullopt;
  if (line.size() > kPskLineBytesMax) {
    errors.add(number, "longer than " + std::to_string(kPskLineBytesMax) + " octets");
    return std::nullopt;
  }
  Fields fields;
  std::size_t count = 0;
  for (;; ++count) {
    const auto tab = line.find('\t');
    if (count < fields.size()) fields[count] = line.substr(0, tab);
    if (tab == std::string_view::npos) break;
    line.remove_prefix(tab + 1);
  }
  ++count;
  if (count < 4 || count > fields.size()) {
    errors.add(number, "has " + std::to_string(count) + " fields between tabs, not 4 or 5");
    return std::nullopt;
  }
  if (count == fields.size() && fields.back().empty()) {
    errors.add(number, "expiry: empty");
    return std::nullopt;
  }
  return fields;
}

bool is_psk_suid(Suid suid) noexcept {
  const bool use = suid.use() == Suid::Use::maf || suid.use() == Suid::Use::saef;
  const bool origin = suid.origin() == Suid::Origin::pre_provisioned || suid.origin() == Suid::Origin::rspf;
  return use && origin;
}

Result<PskEntry> parse_entry(const Fields& fields, const SpId& home) {
  auto entity = parse_entity(fields[0], home);
  if (!entity) return fail(entity.error());
  auto identity = KeyId::parse(fields[1]);
  if (!identity) return fail("psk-identity", identity.error());
  const auto suid = parse_suid(fields[3]);
  if (!suid) return fail(suid.error());
  std::optional<std::int64_t> expires;
  if (!fields[4].empty()) {
    const auto time = parse_timestamp(fields[4]);
    if (!time) return fail("expiry", time.error());
    expires = std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
  }
  return PskEntry{std::move(*entity), std::move(*identity), {}, *suid, expires};
}

std::string format_entry(const PskEntry& entry) {
  std::string line = entry.entity ? to_string(*entry.entity) : std::string(kNoEntity);
  line += "\t" + entry.identity.text() + "\t" + entry.key.name + "\t" + std::to_string(entry.suid.value());
  if (entry.expires_unix)
    line += "\t" + format_timestamp(TimePoint(std::chrono::seconds(*entry.expires_unix)));
  return line + "\n";
}

bool IdentityIndex::add(const PskEntry& entry, std::size_t position) {
  const auto exact = entry.identity.relative() + "@" + entry.identity.issuer().folded();
  auto folded = exact;
  std::transform(folded.begin(), folded.end(), folded.begin(), lower);
  // A KmID stands for all its spellings; KpsaIDs may differ by case alone.
  if (folded_.contains(folded) || exact_.contains(exact)) return false;
  if (is_km(entry.suid)) {
    if (kpsa_folded_.contains(folded)) return false;
    folded_.emplace(std::move(folded), position);
  } else {
    exact_.emplace(exact, position);
    kpsa_folded_.insert(std::move(folded));
  }
  return true;
}

std::optional<std::size_t> IdentityIndex::find(std::string_view identity) const {
  if (identity.size() > kPskIdentityBytesMax) return std::nullopt;
  const auto at = identity.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  std::array<char, kPskIdentityBytesMax> buffer{};
  const std::string_view text(buffer.data(), identity.size());
  std::copy(identity.begin(), identity.end(), buffer.begin());
  const auto issuer = buffer.begin() + static_cast<std::ptrdiff_t>(at);
  std::transform(issuer, buffer.begin() + static_cast<std::ptrdiff_t>(identity.size()), issuer, lower);
  if (const auto found = exact_.find(text); found != exact_.end()) return found->second;
  std::transform(buffer.begin(), issuer, buffer.begin(), lower);
  if (const auto found = folded_.find(text); found != folded_.end()) return found->second;
  return std::nullopt;
}

}  // namespace latchkey::secure_env
