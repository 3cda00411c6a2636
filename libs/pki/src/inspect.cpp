#include <boost/json.hpp>

#include "certificate_impl.h"
#include "latchkey/pki/authority.h"
#include "profile.h"

namespace latchkey::pki {
namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& lines) {
  json::array out;
  for (const auto& line : lines) out.emplace_back(printable(line));
  return out;
}

std::vector<std::string> device_texts(const SubjectNames& names) {
  std::vector<std::string> out;
  for (const auto& id : names.device_ids) out.push_back(id.dotted());
  return out;
}

std::string_view weight_text(Violation::Weight weight) {
  switch (weight) {
    case Violation::Weight::refuse:
      return "refused";
    case Violation::Weight::annex_b:
      return "refused unless annex_b_certificates";
    case Violation::Weight::unconstrained:
      return "refused unless waived for its trust anchor";
    case Violation::Weight::advise:
      break;
  }
  return "warning";
}

/// Both forms show this one object, so that they cannot differ.
json::object describe(const Certificate& certificate) {
  const auto& names = certificate.names();
  const auto& impl = certificate.impl();
  json::array broken;
  for (const auto& violation : violations_of(certificate)) {
    broken.emplace_back(
        json::object{{"rule", violation.text}, {"consequence", weight_text(violation.weight)}});
  }
  return {{"subject", certificate.subject()},
          {"issuer", certificate.issuer()},
          {"serial", certificate.serial_hex()},
          {"flavour", to_string(certificate.flavour())},
          {"not_before", format_timestamp(certificate.not_before())},
          {"not_after", format_timestamp(certificate.not_after())},
          {"dns", texts(names.dns)},
          {"uris", texts(names.uris)},
          {"device_ids", texts(device_texts(names))},
          {"other_names", texts(names.other)},
          {"name_constraints", impl.constraints ? texts(impl.constraints->lines()) : json::array()},
          {"tls_server", impl.server_auth},
          {"tls_client", impl.client_auth},
          {"broken_rules", std::move(broken)}};
}

std::string value_text(const json::value& value) {
  if (const auto* text = value.if_string()) return std::string(*text);
  if (const auto* object = value.if_object()) {
    return value_text(object->at("rule")) + " [" + value_text(object->at("consequence")) + "]";
  }
  return json::serialize(value);
}

std::string as_lines(const json::object& certificate) {
  std::string out;
  for (const auto& [key, value] : certificate) {
    const auto* list = value.if_array();
    if (list == nullptr) {
      out += "  " + std::string(key) + ": " + value_text(value) + "\n";
      continue;
    }
    for (const auto& item : *list) out += "  " + std::string(key) + ": " + value_text(item) + "\n";
  }
  return out;
}

}  // namespace

std::string inspect(const std::vector<Certificate>& chain, bool json) {
  json::array all;
  for (const auto& certificate : chain) all.emplace_back(describe(certificate));
  if (json) return json::serialize(all) + "\n";
  std::string out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    out += "certificate " + std::to_string(i + 1) + " of " + std::to_string(all.size()) + "\n" +
           as_lines(all[i].as_object());
  }
  return out;
}

}  // namespace latchkey::pki
