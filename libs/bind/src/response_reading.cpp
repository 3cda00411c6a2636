/// From an HTTP response to a response primitive (TS-0009 6.3, 6.4).
#include <utility>

#include "http_mapping.h"

namespace latchkey::bind {
namespace {

using codec::Outcome;
using codec::ResponsePrimitive;
using codec::Rsc;

tl::unexpected<codec::Refusal> bad(Field field, std::string_view why) {
  return codec::refuse(Rsc::bad_request, std::string(to_string(field)) + ": " + std::string(why));
}

template <class Target>
Outcome<void> read_text(Target& target, const Fields& fields, Field field, std::size_t octets) {
  if (!fields.has(field)) return {};
  const std::string_view value = fields[field];
  if (value.size() > octets || !is_field_text(value)) return bad(field, "too long, or not printable ASCII");
  target = std::string(value);
  return {};
}

Outcome<void> read_number(std::optional<std::uint32_t>& target, const Fields& fields, Field field) {
  if (!fields.has(field)) return {};
  const auto number = parse_decimal(fields[field]);
  if (!number || *number > UINT32_MAX) return bad(field, "not a number");
  target = static_cast<std::uint32_t>(*number);
  return {};
}

Outcome<void> read_time(std::optional<TimePoint>& target, const Fields& fields, Field field) {
  if (!fields.has(field)) return {};
  if (const auto time = parse_timestamp(fields[field])) {
    target = *time;
    return {};
  }
  // A relative time says nothing to a reader who does not know when the answer was made: it is left out.
  if (!parse_abs_rel_timestamp(fields[field], TimePoint())) return bad(field, "not a timestamp");
  return {};
}

Outcome<void> read_status(ResponsePrimitive& response, const ResponseHead& head,
                          std::string_view request_id) {
  const Fields& fields = head.fields;
  if (fields.has(Field::m2m_rsc)) {
    const auto code = parse_decimal(fields[Field::m2m_rsc]);
    if (!code || *code < 1000 || *code > 6999) return bad(Field::m2m_rsc, "no Response Status Code");
    response.rsc = static_cast<Rsc>(*code);
  } else {
    response.rsc = codec::rsc_from_http(head.status);
  }
  response.rqi = std::string(request_id);
  if (fields.has(Field::m2m_ri) && fields[Field::m2m_ri] != request_id)
    return bad(Field::m2m_ri, "not that of the request");
  return {};
}

Outcome<void> read_fields(ResponsePrimitive& response, const Fields& fields,
                          const codec::PrimitiveLimits& limits) {
  if (auto done = read_text(response.rvi, fields, Field::m2m_rvi, 16); !done) return done;
  if (auto done = read_text(response.from, fields, Field::m2m_origin, limits.id_octets); !done) return done;
  if (auto done = read_text(response.vsi, fields, Field::m2m_vsi, limits.to_octets); !done) return done;
  if (auto done = read_text(response.content_location, fields, Field::content_location, limits.to_octets);
      !done)
    return done;
  if (auto done = read_number(response.ec, fields, Field::m2m_ec); !done) return done;
  if (auto done = read_number(response.cnst, fields, Field::m2m_cts); !done) return done;
  if (auto done = read_number(response.cnot, fields, Field::m2m_cto); !done) return done;
  if (auto done = read_time(response.ot, fields, Field::m2m_ot); !done) return done;
  if (auto done = read_time(response.rset, fields, Field::m2m_rst); !done) return done;
  if (!fields.has(Field::m2m_ati)) return {};
  auto ati = ati_from_text(fields[Field::m2m_ati]);
  if (!ati) return bad(Field::m2m_ati, "not a list of lti:tkid");
  response.ati = *std::move(ati);
  return {};
}

/// Without X-M2M-RSC the peer is a plain HTTP server, whose body is text for people: it is left out.
Outcome<void> read_body(ResponsePrimitive& response, const ResponseHead& head, std::string_view body,
                        const codec::PrimitiveLimits& limits) {
  if (body.empty()) return {};
  const Fields& fields = head.fields;
  const bool onem2m = fields.has(Field::m2m_rsc);
  const auto type = parse_content_type(fields[Field::content_type]);
  if (!type || !media_of(type->media_type)) {
    return onem2m ? Outcome<void>(bad(Field::content_type, "not a form that was asked for"))
                  : Outcome<void>();
  }
  auto value = codec::parse_json(body, limits);
  const bool whole = value && value->is_object() && value->get_object().size() == 1;
  if (!whole) {
    if (!onem2m) return {};
    return codec::refuse(Rsc::bad_request,
                         "content: " + (value ? "not an object of one member" : value.error().detail));
  }
  const std::string_view member = value->get_object().begin()->key();
  if (response.rsc == Rsc::originator_has_no_privilege && member == "m2m:tqf") {
    response.tqf = std::move(value->get_object().begin()->value());
  } else {
    response.pc = *std::move(value);
  }
  return {};
}

}  // namespace

Outcome<ResponsePrimitive> map_response(const ResponseHead& head, std::string_view body,
                                        std::string_view request_id, const codec::PrimitiveLimits& limits) {
  ResponsePrimitive response;
  if (const auto twice = head.fields.repeated()) return bad(*twice, "given twice");
  if (auto done = read_status(response, head, request_id); !done) return codec::refuse(done.error());
  if (auto done = read_fields(response, head.fields, limits); !done) return codec::refuse(done.error());
  if (auto done = read_body(response, head, body, limits); !done) return codec::refuse(done.error());
  return response;
}

std::optional<codec::json::value> ati_from_text(std::string_view text) {
  codec::json::array list;
  while (true) {
    const auto end = text.find('+');
    const std::string_view pair = trimmed(text.substr(0, end));
    const auto colon = pair.find(':');
    const bool whole = colon != std::string_view::npos && colon > 0 && colon + 1 < pair.size() &&
                       is_field_text(pair) && pair.find(' ') == std::string_view::npos;
    if (!whole) return std::nullopt;
    list.push_back(codec::json::object{{"lti", pair.substr(0, colon)}, {"tkid", pair.substr(colon + 1)}});
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return codec::json::object{{"ltia", std::move(list)}};
}

}  // namespace latchkey::bind
