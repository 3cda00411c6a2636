#include "names.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace latchkey::pki {
namespace {

constexpr std::size_t kArcsMax = 64;
/// Tag of RELATIVE-OID (X.690 8.20), for which libcrypto has no name.
constexpr int kRelativeOidTag = 13;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

/// Base-128 arcs of a RELATIVE-OID.
std::optional<std::vector<std::uint32_t>> relative_oid_arcs(ByteView content) {
  std::vector<std::uint32_t> arcs;
  std::uint64_t arc = 0;
  bool inside = false;
  for (const std::uint8_t octet : content) {
    if (!inside && octet == 0x80) return std::nullopt;  // padded: not DER
    arc = (arc << 7U) | (octet & 0x7fU);
    if (arc > UINT32_MAX) return std::nullopt;
    inside = (octet & 0x80U) != 0;
    if (inside) continue;
    if (arcs.size() == kArcsMax) return std::nullopt;
    arcs.push_back(static_cast<std::uint32_t>(arc));
    arc = 0;
  }
  if (inside) return std::nullopt;
  return arcs;
}

std::string text_of(const ASN1_STRING* string) { return std::string(as_text(octets(string))); }

std::string other_name_text(const OTHERNAME& name) {
  std::string text = "otherName:" + dotted(name.type_id);
  if (name.value != nullptr && name.value->type == V_ASN1_UTF8STRING)
    text += ";" + text_of(name.value->value.utf8string);
  return text;
}

std::optional<M2mDeviceId> device_id_of(const OTHERNAME& name) {
  const auto arcs = other_name_arcs(name);
  // The M2M Device Indication ID has four arcs (TS-0001 H.2.1): other type-ids belong to others.
  if (!arcs || arcs->value.empty() || std::ranges::count(arcs->type_id, '.') != 3) return std::nullopt;
  std::string text = arcs->type_id;
  for (const auto arc : arcs->value) text += "." + std::to_string(arc);
  auto id = M2mDeviceId::parse(text);
  if (!id) return std::nullopt;
  return *std::move(id);
}

}  // namespace

std::string printable(std::string_view name) {
  std::string out(name);
  std::ranges::replace_if(
      out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

std::string any_form(const GENERAL_NAME* name) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  // GENERAL_NAME_print changes nothing; its parameter is not const for historic reasons.
  if (!out || GENERAL_NAME_print(out.get(), const_cast<GENERAL_NAME*>(name)) != 1) return "unprintable";
  return std::string(as_text(written(out.get())));
}

std::string dotted(const ASN1_OBJECT* object) {
  std::array<char, 512> text{};
  const int size = OBJ_obj2txt(text.data(), static_cast<int>(text.size()), object, 1);
  if (size <= 0 || static_cast<std::size_t>(size) >= text.size()) return {};
  return {text.data(), static_cast<std::size_t>(size)};
}

std::optional<std::vector<std::uint32_t>> parse_arcs(std::string_view text) {
  std::vector<std::uint32_t> arcs;
  while (!text.empty()) {
    std::uint32_t arc = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), arc);
    const auto used = static_cast<std::size_t>(end - text.data());
    if (error != std::errc{} || (text.front() == '0' && used > 1) || arcs.size() == kArcsMax)
      return std::nullopt;
    arcs.push_back(arc);
    text.remove_prefix(used);
    if (text.empty()) break;
    if ((text.front() != '.' && text.front() != ' ') || text.size() == 1) return std::nullopt;
    text.remove_prefix(1);
  }
  return arcs;
}

std::optional<OtherNameArcs> other_name_arcs(const OTHERNAME& name) {
  if (name.type_id == nullptr || name.value == nullptr) return std::nullopt;
  std::optional<std::vector<std::uint32_t>> value;
  switch (name.value->type) {
    case V_ASN1_UTF8STRING:
      value = parse_arcs(as_text(octets(name.value->value.utf8string)));
      break;
    case V_ASN1_OBJECT: {
      const std::string text = dotted(name.value->value.object);
      if (!text.empty()) value = parse_arcs(text);
      break;
    }
    case kRelativeOidTag:
      value = relative_oid_arcs(octets(name.value->value.asn1_string));
      break;
    default:
      break;
  }
  std::string type_id = dotted(name.type_id);
  if (!value || type_id.empty()) return std::nullopt;
  return OtherNameArcs{std::move(type_id), *std::move(value)};
}

SubjectNames read_names(const GENERAL_NAMES* names) {
  SubjectNames out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    switch (name->type) {
      case GEN_DNS:
        out.dns.push_back(text_of(name->d.dNSName));
        break;
      case GEN_URI:
        out.uris.push_back(text_of(name->d.uniformResourceIdentifier));
        break;
      case GEN_OTHERNAME:
        if (auto id = device_id_of(*name->d.otherName)) {
          out.device_ids.push_back(*std::move(id));
        } else {
          out.other.push_back(other_name_text(*name->d.otherName));
        }
        break;
      default:
        out.other.push_back(any_form(name));
    }
  }
  return out;
}

std::optional<std::string_view> m2m_identifier(std::string_view uri) {
  constexpr std::string_view kScheme = "m2m:";
  if (uri.size() > kScheme.size() && lower(uri.substr(0, kScheme.size())) == kScheme)
    return uri.substr(kScheme.size());
  if (uri.starts_with("//")) return uri;
  return std::nullopt;
}

std::optional<AeId> ae_id_of(std::string_view uri) {
  const auto identifier = m2m_identifier(uri);
  // Only the absolute form names an AE outside its SP (10.1.1.5 "full URI representation").
  if (!identifier || !identifier->starts_with("//")) return std::nullopt;
  const auto host = uri_host(uri);
  if (!host) return std::nullopt;
  auto id = AeId::parse(*identifier, SpId(*host));
  if (!id) return std::nullopt;
  return *std::move(id);
}

std::optional<AnnexBName> annex_b_name(std::string_view dns) {
  const auto slash = dns.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  auto host = Fqdn::parse(dns.substr(0, slash));
  if (!host) return std::nullopt;
  const std::string_view stem = dns.substr(slash + 1);
  if (!CseId::from_stem(SpId(*host), stem)) return std::nullopt;
  return AnnexBName{*std::move(host), std::string(stem)};
}

Flavour classify(const SubjectNames& names, bool server_only) {
  const auto m2m = static_cast<std::size_t>(std::ranges::count_if(
      names.uris, [](const std::string& uri) { return m2m_identifier(uri).has_value(); }));
  const auto fqdns = static_cast<std::size_t>(
      std::ranges::count_if(names.uris, [](const std::string& uri) { return Fqdn::parse(uri).has_value(); }));
  const bool node_uris = names.uris.size() > m2m + fqdns;
  const bool domain = !names.dns.empty() || fqdns > 0;
  // A device may have a Node-ID beside its hardware identifiers; any other mixture says two things of its
  // subject.
  const bool device = !names.device_ids.empty();
  if (int{domain} + int{m2m > 0} + int{device || node_uris} != 1) return Flavour::unknown;
  if (m2m > 0) return Flavour::ae_id;
  if (device) return Flavour::device;
  if (node_uris) return Flavour::node_id;
  // TR-0038 Annex B: a path behind the host can only be a CSE-ID.
  if (std::ranges::any_of(names.dns,
                          [](const std::string& dns) { return dns.find('/') != std::string::npos; })) {
    return Flavour::cse_id;
  }
  return names.dns.empty() || server_only ? Flavour::fqdn : Flavour::cse_id;
}

std::optional<Fqdn> uri_host(std::string_view uri) {
  const auto slashes = uri.find("//");
  std::string_view host = uri;
  if (slashes != std::string_view::npos && (slashes == 0 || uri[slashes - 1] == ':')) {
    host = uri.substr(slashes + 2);
    host = host.substr(0, host.find_first_of("/?#"));
    const auto colon = host.find(':');
    if (colon != std::string_view::npos) {
      const auto port = host.substr(colon + 1);
      if (!std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
      host = host.substr(0, colon);
    }
  }
  // Userinfo, IP literals and percent encoding do not parse as a domain name: such a URI has no host we could
  // judge.
  auto fqdn = Fqdn::parse(host);
  if (!fqdn) return std::nullopt;
  return *std::move(fqdn);
}

}  // namespace latchkey::pki
