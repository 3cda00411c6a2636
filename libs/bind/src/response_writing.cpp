/// From a response primitive to an HTTP response (TS-0009 6.3, 6.4).
#include "header_writer.h"
#include "http_mapping.h"
#include "latchkey/base/secret.h"

namespace latchkey::bind {
namespace {

using codec::ResponsePrimitive;
using codec::Rsc;

void write_parameters(HeaderWriter& head, const ResponsePrimitive& response) {
  head.number(Field::m2m_rsc, static_cast<std::uint64_t>(response.rsc));
  if (!response.rqi.empty()) head.field(Field::m2m_ri, response.rqi);
  head.optional(Field::m2m_rvi, response.rvi);
  if (!response.from.empty()) head.field(Field::m2m_origin, response.from);
  head.optional_time(Field::m2m_ot, response.ot);
  head.optional_time(Field::m2m_rst, response.rset);
  head.optional_number(Field::m2m_ec, response.ec);
  head.optional_number(Field::m2m_cts, response.cnst);
  head.optional_number(Field::m2m_cto, response.cnot);
  head.optional(Field::m2m_vsi, response.vsi);
  if (!response.content_location.empty()) head.field(Field::content_location, response.content_location);
}

/// The body, in `made` unless the content is a text already. Token Request Information takes the place of
/// content and debug text (TS-0009 6.4.20).
std::string_view body_of(const ResponsePrimitive& response, std::string& made) {
  if (!response.tqf.is_null()) return made = codec::to_text(codec::json::object{{"m2m:tqf", response.tqf}});
  if (response.pc.text() != nullptr) return *response.pc.text();
  if (!response.pc.is_null()) made = codec::to_text(response.pc.value());
  return made;
}

}  // namespace

Status write_response(std::string& out, const ResponsePrimitive& response, const ResponseForm& form) {
  const int status = form.http_status != 0 ? form.http_status : codec::http_status(response.rsc);
  std::optional<std::string> ati;
  if (!response.ati.is_null()) {
    ati = ati_to_text(response.ati);
    if (!ati) return fail(ErrorCode::invalid_argument, "X-M2M-ATI: not {\"ltia\": [{\"lti\", \"tkid\"}]}");
  }
  std::string made;
  const std::string_view body = form.without_body ? std::string_view() : body_of(response, made);
  HeaderWriter head(out);
  head.status_line(status);
  write_parameters(head, response);
  head.optional(Field::m2m_ati, ati);
  if (status == 405) head.line("Allow: GET, POST, PUT, DELETE");
  if (form.retry_after_seconds > 0) head.number(Field::retry_after, form.retry_after_seconds);
  if (form.close) head.line("Connection: close");
  if (!body.empty()) head.field(Field::content_type, to_string(form.media));
  auto finished = head.finish(true, body);
  if (response.confidential) wipe(made.data(), made.size());
  return finished;
}

std::optional<std::string> ati_to_text(const codec::json::value& ati) {
  const auto* object = ati.if_object();
  const auto* list = object != nullptr ? object->if_contains("ltia") : nullptr;
  if (list == nullptr || !list->is_array() || list->get_array().empty()) return std::nullopt;
  std::string out;
  for (const auto& entry : list->get_array()) {
    const auto* pair = entry.if_object();
    const auto* lti = pair != nullptr ? pair->if_contains("lti") : nullptr;
    const auto* tkid = pair != nullptr ? pair->if_contains("tkid") : nullptr;
    if (lti == nullptr || tkid == nullptr || !lti->is_string() || !tkid->is_string()) return std::nullopt;
    const std::string local(lti->get_string());
    const std::string token(tkid->get_string());
    const bool carried = !local.empty() && !token.empty() &&
                         local.find_first_of(":+ ") == std::string::npos &&
                         token.find_first_of("+ ") == std::string::npos;
    if (!carried) return std::nullopt;
    if (!out.empty()) out += " + ";
    ((out += local) += ':') += token;
  }
  return out;
}

}  // namespace latchkey::bind
