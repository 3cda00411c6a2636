#include <algorithm>

#include "issue.h"
#include "names.h"

namespace latchkey::pki {
namespace {

constexpr int kDeviceIndicationArcs = 4;  // TS-0001 H.2.1
constexpr std::size_t kNodeIdOctetsMax = 255;

tl::unexpected<Error> invalid(std::string what) { return fail(ErrorCode::invalid_argument, std::move(what)); }

/// A name of one of the IA5String forms.
GeneralNamePtr ia5_name(int form, std::string_view text) {
  GeneralNamePtr name(GENERAL_NAME_new());
  StringPtr value(ASN1_IA5STRING_new());
  if (!name || !value || ASN1_STRING_set(value.get(), text.data(), static_cast<int>(text.size())) != 1)
    return nullptr;
  GENERAL_NAME_set0_value(name.get(), form, value.release());
  return name;
}

/// Decision 0004: the remainder as UTF8String, since OBJECT IDENTIFIER cannot begin with any arc.
GeneralNamePtr device_name(const std::string& higher_arc, const std::string& remainder) {
  GeneralNamePtr name(GENERAL_NAME_new());
  ObjectPtr type_id(OBJ_txt2obj(higher_arc.c_str(), 1));
  OsslPtr<ASN1_TYPE, ASN1_TYPE_free> value(ASN1_TYPE_new());
  StringPtr text(ASN1_UTF8STRING_new());
  if (!name || !type_id || !value || !text ||
      ASN1_STRING_set(text.get(), remainder.data(), static_cast<int>(remainder.size())) != 1) {
    return nullptr;
  }
  ASN1_TYPE_set(value.get(), V_ASN1_UTF8STRING, text.release());
  if (GENERAL_NAME_set0_othername(name.get(), type_id.get(), value.get()) != 1) return nullptr;
  static_cast<void>(type_id.release());
  static_cast<void>(value.release());
  return name;
}

/// "0.2.481.1.100" into type-id "0.2.481.1" and remainder "100"; nullopt below four arcs.
std::optional<std::pair<std::string, std::string>> split_arcs(std::string_view text) {
  const auto arcs = parse_arcs(text);
  if (!arcs || arcs->size() < kDeviceIndicationArcs) return std::nullopt;
  std::pair<std::string, std::string> parts;
  for (std::size_t i = 0; i < arcs->size(); ++i) {
    std::string& part = i < kDeviceIndicationArcs ? parts.first : parts.second;
    part += (part.empty() ? "" : ".") + std::to_string((*arcs)[i]);
  }
  return parts;
}

/// A Node-ID as URI: "scheme:rest" of printable ASCII, not one of the forms that name something else, no
/// wildcard.
bool is_node_uri(std::string_view uri) {
  const auto colon = uri.find(':');
  if (colon == 0 || colon == std::string_view::npos || uri.size() > kNodeIdOctetsMax || m2m_identifier(uri))
    return false;
  return std::ranges::all_of(uri, [](char c) { return c > ' ' && c < '\x7f' && c != '*'; });
}

/// "m2m:" and the absolute AE-ID: "m2m://my.m2mprovider.org/in-cse/CAE1".
std::string ae_uri(const AeId& id) { return "m2m:" + id.absolute(); }

Result<GeneralNamePtr> subject_name(const SubjectRequest& subject) {
  switch (subject.flavour) {
    case Flavour::cse_id:
    case Flavour::fqdn:
      if (!subject.domain_name) return invalid("a domain name is needed");
      return ia5_name(GEN_DNS, subject.domain_name->text());
    case Flavour::ae_id:
      if (!subject.ae_id) return invalid("an AE-ID is needed");
      return ia5_name(GEN_URI, ae_uri(*subject.ae_id));
    case Flavour::node_id:
      if (!subject.node_id.empty()) {
        if (!is_node_uri(subject.node_id))
          return invalid("'" + printable(subject.node_id) + "' is no Node-ID in URI form");
        return ia5_name(GEN_URI, subject.node_id);
      }
      [[fallthrough]];
    case Flavour::device:
      if (!subject.device_id) return invalid("an M2M Device ID is needed");
      return device_name(subject.device_id->higher_arc(), subject.device_id->remainder());
    default:
      return invalid("no certificate of flavour " + std::string(to_string(subject.flavour)) + " is issued");
  }
}

/// Exactly the names that belong to the flavour.
bool has_foreign_names(const SubjectRequest& subject) {
  const bool domain = subject.flavour == Flavour::cse_id || subject.flavour == Flavour::fqdn;
  const bool node = subject.flavour == Flavour::node_id;
  return (subject.domain_name && !domain) || (subject.ae_id && subject.flavour != Flavour::ae_id) ||
         (!subject.node_id.empty() && !node) ||
         (subject.device_id && subject.flavour != Flavour::device && !node) ||
         (node && subject.device_id && !subject.node_id.empty());
}

Status push(NamesPtr& names, GeneralNamePtr name) {
  if (!name || sk_GENERAL_NAME_push(names.get(), name.get()) <= 0)
    return fail(ErrorCode::internal, ossl_error());
  static_cast<void>(name.release());
  return {};
}

Status add_subtree(NAME_CONSTRAINTS& constraints, GeneralNamePtr base) {
  SubtreePtr subtree(GENERAL_SUBTREE_new());
  if (!base || !subtree) return fail(ErrorCode::internal, ossl_error());
  GENERAL_NAME_free(subtree->base);
  subtree->base = base.release();
  if (sk_GENERAL_SUBTREE_push(constraints.permittedSubtrees, subtree.get()) <= 0) {
    return fail(ErrorCode::internal, ossl_error());
  }
  static_cast<void>(subtree.release());
  return {};
}

/// A domain name, or one behind '.' for what is below it.
bool is_subtree_host(std::string_view text) {
  return Fqdn::parse(text.starts_with('.') ? text.substr(1) : text).has_value();
}

}  // namespace

Result<NamesPtr> subject_names(const SubjectRequest& subject) {
  if (has_foreign_names(subject)) {
    return invalid("names beside those of a " + std::string(to_string(subject.flavour)) + " certificate");
  }
  auto name = subject_name(subject);
  if (!name) return fail(name.error());
  NamesPtr names(sk_GENERAL_NAME_new_null());
  if (auto status = push(names, *std::move(name)); !status) return fail(status.error());
  return names;
}

Result<SubjectRequest> requested_subject(const GENERAL_NAMES* names, Flavour allowed) {
  const SubjectNames read = read_names(names);
  if (read.dns.size() + read.uris.size() + read.device_ids.size() != 1 || !read.other.empty()) {
    return invalid(
        "10.1.4: subjectAltName of the request does not hold exactly one AE-ID, CSE-ID, Node-ID or device "
        "ID");
  }
  Flavour flavour = classify(read, false);
  // A domain name may stand for a CSE or another function, arcs for a device or its node: the operator says
  // which.
  if (flavour == Flavour::cse_id && allowed == Flavour::fqdn) flavour = allowed;
  if (flavour == Flavour::device && allowed == Flavour::node_id) flavour = allowed;
  if (flavour != allowed) {
    return invalid("10.1.4: the request is for a " + std::string(to_string(flavour)) +
                   " certificate, not for " + std::string(to_string(allowed)));
  }
  SubjectRequest subject;
  subject.flavour = flavour;
  if (!read.dns.empty()) {
    auto fqdn = Fqdn::parse(read.dns.front());
    if (!fqdn) return fail("10.1.4: dNSName of the request", fqdn.error());
    subject.domain_name = *std::move(fqdn);
  } else if (flavour == Flavour::ae_id) {
    subject.ae_id = ae_id_of(read.uris.front());
    if (!subject.ae_id)
      return invalid("10.1.4: URI '" + printable(read.uris.front()) + "' of the request is no AE-ID");
  } else if (!read.device_ids.empty()) {
    subject.device_id = read.device_ids.front();
  } else {
    subject.node_id = read.uris.front();
  }
  return subject;
}

Result<ConstraintsPtr> name_constraints(const NameConstraints& wanted) {
  if (wanted.dns.empty() && wanted.uri_hosts.empty() && wanted.device_arcs.empty()) {
    return invalid("8.1.2.2: a CA needs name constraints");
  }
  ConstraintsPtr out(NAME_CONSTRAINTS_new());
  if (!out) return fail(ErrorCode::internal, ossl_error());
  out->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
  for (const auto& dns : wanted.dns) {
    if (!is_subtree_host(dns)) return invalid("name constraint '" + dns + "' is no domain name");
    if (auto status = add_subtree(*out, ia5_name(GEN_DNS, dns)); !status) return fail(status.error());
  }
  for (const auto& host : wanted.uri_hosts) {
    if (!is_subtree_host(host)) return invalid("name constraint '" + host + "' is no domain name");
    if (auto status = add_subtree(*out, ia5_name(GEN_URI, host)); !status) return fail(status.error());
  }
  for (const auto& arcs : wanted.device_arcs) {
    const auto parts = split_arcs(arcs);
    if (!parts)
      return invalid("name constraint '" + arcs +
                     "' does not have the four arcs of an M2M Device Indication ID");
    if (auto status = add_subtree(*out, device_name(parts->first, parts->second)); !status)
      return fail(status.error());
  }
  return out;
}

Status check_within(const NameConstraints& inner, const ConstraintSet& outer) {
  NamesPtr names(sk_GENERAL_NAME_new_null());
  const auto below = [](const std::string& host) { return host.starts_with('.') ? "x" + host : host; };
  for (const auto& dns : inner.dns) {
    if (auto status = push(names, ia5_name(GEN_DNS, below(dns))); !status) return status;
  }
  for (const auto& host : inner.uri_hosts) {
    if (auto status = push(names, ia5_name(GEN_URI, "m2m://" + below(host))); !status) return status;
  }
  for (const auto& arcs : inner.device_arcs) {
    const auto parts = split_arcs(arcs);
    if (!parts) return invalid("name constraint '" + arcs + "' is no subtree of arcs");
    if (auto status = push(names, device_name(parts->first, parts->second)); !status) return status;
  }
  if (auto status = outer.check_names(names.get()); !status) {
    return invalid("name constraints go beyond those of the parent: " + status.error().detail);
  }
  return {};
}

}  // namespace latchkey::pki
