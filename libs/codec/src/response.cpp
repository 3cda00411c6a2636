#include "json_reader.h"
#include "latchkey/codec/formats.h"
#include "latchkey/codec/primitive.h"
#include "text.h"
#include "wrapper.h"

namespace latchkey::codec {
namespace {

Outcome<void> take_object(json::value& target, const json::value& value) {
  if (!value.is_object()) return bad_form("not an object");
  target = value;
  return {};
}

/// A relative time says nothing to a reader who does not know when the response was made: it is checked and
/// left out.
Outcome<void> read_result_expiration(ResponsePrimitive& response, const json::value& value) {
  if (read_timestamp(value)) return assign(response.rset, read_timestamp(value));
  return without_value(read_abs_rel_timestamp(value, TimePoint()));
}

/// One member of a response (TS-0004 6.4.2). Members that are not known are left out.
Outcome<void> read_member(ResponsePrimitive& response, std::string_view name, const json::value& value,
                          const PrimitiveLimits& limits) {
  if (name == "rsc") {
    const auto code = read_integer(value, 1000, 6999);
    if (!code) return refuse(code.error());
    response.rsc = static_cast<Rsc>(*code);
    return {};
  }
  if (name == "rqi") return assign(response.rqi, read_name(value, limits.id_octets));
  if (name == "pc") {
    if (!value.is_object() || value.get_object().size() != 1) return bad_form("not an object of one member");
    response.pc = value;
    return {};
  }
  if (name == "to") return assign(response.to, read_text(value, limits.to_octets));
  if (name == "fr") return assign(response.from, read_text(value, limits.id_octets));
  if (name == "ot") return assign(response.ot, read_timestamp(value));
  if (name == "rset") return read_result_expiration(response, value);
  if (name == "rvi") return assign(response.rvi, read_text(value, 16));
  if (name == "vsi") return assign(response.vsi, read_text(value, limits.to_octets));
  if (name == "ec") return assign_as(response.ec, read_event_category(value));
  if (name == "cnst") return assign_as(response.cnst, read_integer(value, 1, 2));
  if (name == "cnot") return assign_as(response.cnot, read_integer(value, 1, UINT32_MAX));
  if (name == "ati") return take_object(response.ati, value);
  if (name == "tqf") return take_object(response.tqf, value);
  return {};
}

/// Text for m2m:dbg: short, and UTF-8 whatever went into it.
std::string debug_text(std::string_view detail) {
  constexpr std::size_t kOctets = 512;
  std::string text(detail.substr(0, kOctets));
  if (is_utf8(text)) return text;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return text;
}

}  // namespace

Outcome<ResponsePrimitive> response_from_json(const json::value& value, const PrimitiveLimits& limits) {
  const json::value& primitive = unwrapped(value, "rsp", "m2m:rsp");
  if (!primitive.is_object()) return bad_form("primitive: not an object");
  ResponsePrimitive response;
  for (const auto& member : primitive.get_object()) {
    if (auto read = read_member(response, member.key(), member.value(), limits); !read) {
      return refuse(named(member.key(), std::move(read).error()));
    }
  }
  for (const std::string_view mandatory : {"rsc", "rqi"}) {
    if (!primitive.get_object().contains(mandatory)) return bad_form(std::string(mandatory) + ": missing");
  }
  return response;
}

json::object to_json(const ResponsePrimitive& response) {
  json::object out;
  out.reserve(8);
  out["rsc"] = static_cast<std::uint32_t>(response.rsc);
  out["rqi"] = response.rqi;
  if (!response.to.empty()) out["to"] = response.to;
  if (!response.from.empty()) out["fr"] = response.from;
  if (response.rvi) out["rvi"] = *response.rvi;
  if (response.ot) out["ot"] = timestamp_text(*response.ot);
  if (response.rset) out["rset"] = timestamp_text(*response.rset);
  if (response.vsi) out["vsi"] = *response.vsi;
  if (response.ec) out["ec"] = *response.ec;
  if (response.cnst) out["cnst"] = *response.cnst;
  if (response.cnot) out["cnot"] = *response.cnot;
  if (!response.ati.is_null()) out["ati"] = response.ati;
  if (!response.tqf.is_null()) out["tqf"] = response.tqf;
  if (!response.pc.is_null()) out["pc"] = response.pc;
  return out;
}

ResponsePrimitive refusal_response(const RequestPrimitive& request, const Refusal& refusal) {
  ResponsePrimitive response;
  response.rsc = refusal.rsc;
  response.rqi = request.rqi;
  // A receiver of release 1 knows no rvi (TS-0004 7.2.1); a version that is not supported cannot be answered
  // in.
  if (request.rvi && refusal.rsc != Rsc::release_version_not_supported) response.rvi = request.rvi;
  if (refusal.rsc == Rsc::release_version_not_supported) response.rvi = "3";
  if (!refusal.detail.empty()) response.pc = json::object{{"m2m:dbg", debug_text(refusal.detail)}};
  return response;
}

}  // namespace latchkey::codec
