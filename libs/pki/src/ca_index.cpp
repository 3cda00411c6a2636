#include "ca_index.h"

#include <boost/json.hpp>

namespace latchkey::pki {
namespace {

namespace json = boost::json;

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

}  // namespace

Result<CaIndex> CaIndex::parse(std::string_view lines) {
  CaIndex index;
  index.lines_ = lines;
  for (std::size_t number = 1; !lines.empty(); ++number) {
    const auto end = std::min(lines.find('\n'), lines.size());
    json::error_code error;
    const json::value value = json::parse(lines.substr(0, end), error);
    const auto* object = value.if_object();
    const std::string where = "index.jsonl line " + std::to_string(number);
    if (error || object == nullptr) return fail(ErrorCode::invalid_argument, where + ": not a JSON object");
    const std::string event = text_at(*object, "event");
    const std::string serial = text_at(*object, "serial");
    if (serial.empty()) return fail(ErrorCode::invalid_argument, where + ": no serial number");
    if (event == "issued") {
      index.serials_.emplace(serial, std::nullopt);
    } else if (event == "revoked" && index.issued(serial)) {
      const auto time = parse_timestamp(text_at(*object, "time"));
      if (!time) return fail(where, time.error());
      index.serials_[serial] = Revocation{*time, text_at(*object, "reason")};
    } else {
      return fail(ErrorCode::invalid_argument, where + ": unknown event, or revoked before it was issued");
    }
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return index;
}

void CaIndex::add_issued(const Certificate& certificate, TimePoint now) {
  const auto& names = certificate.names();
  json::array listed;
  for (const auto& name : names.dns) listed.emplace_back(name);
  for (const auto& name : names.uris) listed.emplace_back(name);
  for (const auto& id : names.device_ids) listed.emplace_back(id.dotted());
  const json::object line{{"event", "issued"},
                          {"serial", certificate.serial_hex()},
                          {"time", format_timestamp(now)},
                          {"flavour", to_string(certificate.flavour())},
                          {"subject", certificate.subject()},
                          {"names", std::move(listed)},
                          {"not_before", format_timestamp(certificate.not_before())},
                          {"not_after", format_timestamp(certificate.not_after())}};
  lines_ += json::serialize(line) + '\n';
  serials_.emplace(certificate.serial_hex(), std::nullopt);
}

void CaIndex::add_revoked(const std::string& serial_hex, const Revocation& revocation) {
  const json::object line{{"event", "revoked"},
                          {"serial", serial_hex},
                          {"time", format_timestamp(revocation.time)},
                          {"reason", revocation.reason}};
  lines_ += json::serialize(line) + '\n';
  serials_[serial_hex] = revocation;
}

bool CaIndex::revoked(const std::string& serial_hex) const {
  const auto found = serials_.find(serial_hex);
  return found != serials_.end() && found->second.has_value();
}

std::map<std::string, Revocation> CaIndex::revocations() const {
  std::map<std::string, Revocation> out;
  for (const auto& [serial, revocation] : serials_) {
    if (revocation) out.emplace(serial, *revocation);
  }
  return out;
}

}  // namespace latchkey::pki
