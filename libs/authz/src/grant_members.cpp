#include "grant_members.h"

#include <variant>

namespace latchkey::authz {
namespace {

constexpr std::size_t kIdOctetsMax = 1024;

/// "//sp/..." names its SP itself: nothing has to be completed.
Result<EntityId> parse_absolute(std::string_view text) {
  if (!text.starts_with("//")) return fail(ErrorCode::invalid_argument, "not absolute");
  const auto sp = SpId::parse(text.substr(0, text.find('/', 2)));
  if (!sp) return fail(sp.error());
  return parse_entity_id(text, *sp);
}

bool is_cse_or_ae(const EntityId& id) noexcept {
  return std::holds_alternative<CseId>(id) || std::holds_alternative<AeId>(id);
}

}  // namespace

std::string_view to_string(Defect defect) noexcept {
  switch (defect) {
    case Defect::too_large:
      return "too large";
    case Defect::malformed:
      return "malformed";
    case Defect::header:
      return "JOSE header";
    case Defect::token_class:
      return "security class not permitted";
    case Defect::algorithm:
      return "algorithm not permitted";
    case Defect::unknown_key:
      return "unknown key";
    case Defect::signature:
      return "not authentic";
    case Defect::claims:
      return "claims";
    case Defect::issuer:
      return "issuer not valid";
    case Defect::domain:
      return "domain not of the issuer";
    case Defect::audience:
      return "not for this CSE";
    case Defect::holder:
      return "originator is not the holder";
    case Defect::not_yet_valid:
      return "not yet valid";
    case Defect::expired:
      return "expired";
  }
  return "unknown defect";
}

std::string to_string(const Rejection& rejection, std::string_view what) {
  std::string out(what);
  if (!rejection.id.empty()) out.append(" ").append(rejection.id);
  out.append(": ").append(to_string(rejection.defect));
  if (!rejection.detail.empty()) out.append(" (").append(rejection.detail).append(")");
  return out;
}

codec::Outcome<const boost::json::value*> required(const boost::json::object& object, std::string_view name) {
  const auto* const value = object.if_contains(name);
  if (value == nullptr) return bad_member(std::string(name), "is missing");
  return value;
}

codec::Outcome<std::string> read_bounded_text(const boost::json::value& value, const std::string& where,
                                              std::size_t most) {
  const auto text = read_text(value, where);
  if (!text) return codec::refuse(text.error());
  if (text->empty()) return bad_member(where, "is empty");
  if (text->size() > most) return bad_member(where, "has more than " + std::to_string(most) + " octets");
  return std::string(*text);
}

codec::Outcome<EntityId> read_entity(const boost::json::value& value, const std::string& where,
                                     bool or_fqdn) {
  const auto text = read_bounded_text(value, where, kIdOctetsMax);
  if (!text) return codec::refuse(text.error());
  if (const auto id = parse_absolute(*text); id && is_cse_or_ae(*id) && to_string(*id) == *text) return *id;
  if (or_fqdn) {
    if (const auto fqdn = Fqdn::parse(*text); fqdn && fqdn->folded() == *text) return EntityId(*fqdn);
  }
  return bad_member(where, or_fqdn ? "is neither an absolute CSE-ID or AE-ID nor an FQDN in lower case"
                                   : "is no absolute CSE-ID or AE-ID");
}

codec::Outcome<std::string> read_scoped_id(const boost::json::value& value, const std::string& where) {
  const auto text = read_text(value, where);
  if (!text) return codec::refuse(text.error());
  if (!KeyId::parse(*text)) return bad_member(where, "is not of the form id@FQDN");
  return std::string(*text);
}

Checked<void> check_holder_and_period(const EntityId& holder, const EntityId& originator,
                                      TimePoint not_before, TimePoint not_after, TimePoint now,
                                      const std::string& id) {
  if (holder != originator) return reject(Defect::holder, "", id);
  if (now < not_before) return reject(Defect::not_yet_valid, "before " + format_log_time(not_before), id);
  if (now >= not_after) return reject(Defect::expired, "at " + format_log_time(not_after), id);
  return {};
}

}  // namespace latchkey::authz
