#include "constraints.h"

#include <algorithm>
#include <utility>

namespace latchkey::pki {
namespace {

/// Names times subtrees: more is an attack on our time.
constexpr std::size_t kComparisonsMax = 1U << 16U;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_folded(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

/// Host part and path behind the first '/', slash included.
std::pair<std::string_view, std::string_view> split_path(std::string_view name) {
  const auto slash = std::min(name.find('/'), name.size());
  return {name.substr(0, slash), name.substr(slash)};
}

std::string_view text_of(const ASN1_STRING* string) { return as_text(octets(string)); }

bool arcs_within(const OtherNameArcs& name, const OtherNameArcs& subtree) {
  return name.type_id == subtree.type_id && name.value.size() >= subtree.value.size() &&
         std::equal(subtree.value.begin(), subtree.value.end(), name.value.begin());
}

std::string arcs_text(const OtherNameArcs& arcs) {
  std::string text = arcs.type_id;
  for (const auto arc : arcs.value) text += "." + std::to_string(arc);
  return text;
}

/// 4.2.1.10: minimum is zero and maximum absent in this profile; anything else cannot be judged.
bool has_range(const GENERAL_SUBTREE& subtree) {
  return subtree.maximum != nullptr || (subtree.minimum != nullptr && ASN1_INTEGER_get(subtree.minimum) != 0);
}

Status outside(const std::string& name) {
  return fail(ErrorCode::authentication, "name '" + printable(name) + "' is not within a permitted subtree");
}
Status inside_excluded(const std::string& name) {
  return fail(ErrorCode::authentication, "name '" + printable(name) + "' is within an excluded subtree");
}

}  // namespace

bool dns_within(std::string_view name, std::string_view constraint) {
  if (constraint.empty()) return true;  // as RFC 5280: zero or more labels added to nothing
  const auto [host, path] = split_path(name);
  const auto [base, base_path] = split_path(constraint);
  if (!base_path.empty() && base_path != path) return false;
  if (base.empty() || host.size() < base.size()) return false;
  if (!equal_folded(host.substr(host.size() - base.size()), base)) return false;
  if (base.front() == '.') return host.size() > base.size();
  return host.size() == base.size() || host[host.size() - base.size() - 1] == '.';
}

bool uri_host_within(const Fqdn& host, std::string_view constraint) {
  if (!constraint.starts_with('.')) return equal_folded(host.text(), constraint);
  return host.text().size() > constraint.size() && dns_within(host.text(), constraint);
}

ConstraintSet::ConstraintSet(ConstraintsPtr parsed, bool critical)
    : rest_(NAME_CONSTRAINTS_new()), critical_(critical) {
  if (sk_GENERAL_SUBTREE_num(parsed->permittedSubtrees) <= 0 &&
      sk_GENERAL_SUBTREE_num(parsed->excludedSubtrees) <= 0) {
    unusable_ = "name constraints without any subtree";  // RFC 5280 4.2.1.10 forbids it
  }
  rest_->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
  rest_->excludedSubtrees = sk_GENERAL_SUBTREE_new_null();
  take(parsed->permittedSubtrees, rest_->permittedSubtrees, permitted_, "permitted ");
  take(parsed->excludedSubtrees, rest_->excludedSubtrees, excluded_, "excluded ");
}

/// Sorts subtrees into those we judge and those libcrypto judges, which are moved from `from` to `rest`.
void ConstraintSet::take(STACK_OF(GENERAL_SUBTREE) * from, STACK_OF(GENERAL_SUBTREE) * rest, Subtrees& to,
                         const char* word) {
  while (sk_GENERAL_SUBTREE_num(from) > 0) {
    SubtreePtr subtree(sk_GENERAL_SUBTREE_shift(from));
    const GENERAL_NAME& base = *subtree->base;
    lines_.push_back(word + printable(any_form(&base)));
    if (has_range(*subtree)) unusable_ = "name constraint with minimum or maximum";
    switch (base.type) {
      case GEN_DNS:
        to.dns.emplace_back(text_of(base.d.dNSName));
        break;
      case GEN_URI:
        to.uri_hosts.emplace_back(text_of(base.d.uniformResourceIdentifier));
        break;
      case GEN_OTHERNAME:
        to.any_other_name = true;
        if (auto arcs = other_name_arcs(*base.d.otherName)) {
          lines_.back() = word + ("otherName:" + arcs_text(*arcs));
          to.other_names.push_back(*std::move(arcs));
        } else if (critical_) {
          unusable_ = "critical name constraint on an otherName that is no OID arc";
        }
        break;
      case GEN_DIRNAME:
      case GEN_IPADD:
      case GEN_EMAIL:
        if (sk_GENERAL_SUBTREE_push(rest, subtree.get()) > 0) static_cast<void>(subtree.release());
        break;
      default:
        to.unknown_forms.push_back(base.type);
        if (critical_) unusable_ = "critical name constraint of a form that is not supported";
    }
  }
}

Status ConstraintSet::check_name(const GENERAL_NAME& name) const {
  const auto same_form = [&name](int form) { return form == name.type; };
  if (std::ranges::any_of(permitted_.unknown_forms, same_form) ||
      std::ranges::any_of(excluded_.unknown_forms, same_form)) {
    return fail(ErrorCode::authentication,
                "name '" + printable(any_form(&name)) + "' is constrained in a form that is not supported");
  }
  if (name.type == GEN_DNS) {
    const std::string dns(text_of(name.d.dNSName));
    const auto matches = [&dns](const std::string& constraint) { return dns_within(dns, constraint); };
    if (!permitted_.dns.empty() && std::ranges::none_of(permitted_.dns, matches)) return outside(dns);
    if (std::ranges::any_of(excluded_.dns, matches)) return inside_excluded(dns);
  } else if (name.type == GEN_URI) {
    const std::string uri(text_of(name.d.uniformResourceIdentifier));
    const auto host = uri_host(uri);
    if (!host && !(permitted_.uri_hosts.empty() && excluded_.uri_hosts.empty())) {
      return fail(ErrorCode::authentication,
                  "URI '" + printable(uri) + "' has no domain name, which its issuer constrains");
    }
    const auto matches = [&host](const std::string& constraint) {
      return uri_host_within(*host, constraint);
    };
    if (!permitted_.uri_hosts.empty() && std::ranges::none_of(permitted_.uri_hosts, matches))
      return outside(uri);
    if (std::ranges::any_of(excluded_.uri_hosts, matches)) return inside_excluded(uri);
  } else if (name.type == GEN_OTHERNAME) {
    return check_other_name(*name.d.otherName);
  }
  return {};
}

Status ConstraintSet::check_other_name(const OTHERNAME& name) const {
  if (!permitted_.any_other_name && !excluded_.any_other_name) return {};
  const auto arcs = other_name_arcs(name);
  if (!arcs)
    return fail(ErrorCode::authentication, "otherName that is no OID arc, and otherNames are constrained");
  const auto matches = [&arcs](const OtherNameArcs& subtree) { return arcs_within(*arcs, subtree); };
  if (permitted_.any_other_name && std::ranges::none_of(permitted_.other_names, matches))
    return outside(arcs_text(*arcs));
  if (std::ranges::any_of(excluded_.other_names, matches)) return inside_excluded(arcs_text(*arcs));
  return {};
}

Status ConstraintSet::check_names(const GENERAL_NAMES* names) const {
  if (!unusable_.empty()) return fail(ErrorCode::authentication, unusable_);
  const auto count = static_cast<std::size_t>(std::max(sk_GENERAL_NAME_num(names), 0));
  if (count * lines_.size() > kComparisonsMax)
    return fail(ErrorCode::authentication, "too many names and constraints");
  for (int i = 0; i < static_cast<int>(count); ++i) {
    if (auto status = check_name(*sk_GENERAL_NAME_value(names, i)); !status) return status;
  }
  return {};
}

Status ConstraintSet::check(X509* certificate) const {
  const NamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (auto status = check_names(names.get()); !status) return status;
  // Directory names, addresses and mail names, in subject and subjectAltName.
  const int verdict = NAME_CONSTRAINTS_check(certificate, rest_.get());
  if (verdict != X509_V_OK) {
    ERR_clear_error();
    return fail(ErrorCode::authentication, X509_verify_cert_error_string(verdict));
  }
  return {};
}

bool ConstraintSet::constrains(Flavour flavour, const SubjectNames& names) const noexcept {
  const auto given = [](const std::string& constraint) { return !constraint.empty(); };
  // An empty subtree permits every name of its form, and so constrains none.
  const bool dns = !permitted_.dns.empty() && std::ranges::all_of(permitted_.dns, given);
  const bool uri = !permitted_.uri_hosts.empty() && std::ranges::all_of(permitted_.uri_hosts, given);
  switch (flavour) {
    case Flavour::cse_id:
      return dns;
    case Flavour::fqdn:
      return names.dns.empty() ? uri : dns;
    case Flavour::ae_id:
      return uri;
    case Flavour::device:
      return permitted_.any_other_name;
    case Flavour::node_id:
      return uri;
    default:
      return false;
  }
}

}  // namespace latchkey::pki
