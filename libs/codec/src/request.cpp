#include <array>

#include "json_reader.h"
#include "latchkey/codec/formats.h"
#include "latchkey/codec/primitive.h"
#include "text.h"
#include "wrapper.h"

namespace latchkey::codec {
namespace {

struct Context {
  TimePoint now;
  const PrimitiveLimits& limits;
};

using Request = RequestPrimitive;
using Read = Outcome<void> (*)(Request&, const json::value&, const Context&);
struct Parameter {
  std::string_view name;
  Read read;
};

Outcome<std::uint64_t> read_result_content(const json::value& value) {
  auto number = read_integer(value, 0, 10);
  if (number && *number == 10) return refuse(Rsc::not_implemented, "semantic content is not offered");
  return number;
}

Outcome<void> read_response_type(Request& request, const json::value& value, const Context& context) {
  if (!value.is_object()) return bad_form("not an object of rtv and nu");
  for (const auto& member : value.get_object()) {
    Outcome<void> read;
    if (member.key() == "rtv") {
      const auto mode = read_integer(member.value(), 1, 5);
      if (mode && *mode == 5) return refuse(Rsc::not_implemented, ".rtv: noResponse is not offered");
      read = assign_as(request.rt, mode);
    } else if (member.key() == "nu") {
      read = assign(request.rt_targets,
                    read_names(member.value(), context.limits.list_entries, context.limits.to_octets));
    } else {
      read = bad_form("unknown");
    }
    if (!read) return refuse(named("." + shown(member.key()), std::move(read).error()));
  }
  if (!request.rt) return bad_form(".rtv: missing");
  return {};
}

/// Result Persistence stays text, since it may be relative to a time that only the hosting CSE knows.
Outcome<void> read_persistence(Request& request, const json::value& value, const Context& context) {
  if (auto time = read_abs_rel_timestamp(value, context.now); !time) return refuse(std::move(time).error());
  request.rp = value.is_string() ? std::string(view(value.get_string())) : to_text(value);
  return {};
}

Outcome<void> not_offered(Request&, const json::value&, const Context&) {
  return refuse(Rsc::not_implemented, "not offered");
}

template <std::optional<TimePoint> Request::*member>
Outcome<void> read_abs_rel(Request& request, const json::value& value, const Context& context) {
  return assign(request.*member, read_abs_rel_timestamp(value, context.now));
}
template <std::vector<std::string> Request::*member>
Outcome<void> read_ids(Request& request, const json::value& value, const Context& context) {
  return assign(request.*member, read_names(value, context.limits.list_entries, context.limits.id_octets));
}
template <std::optional<bool> Request::*member>
Outcome<void> read_flag(Request& request, const json::value& value, const Context&) {
  return assign(request.*member, read_boolean(value));
}

/// TS-0004 8.2.2; pc is taken apart from these, since its value may be moved.
constexpr std::array kParameters{
    Parameter{"op",
              [](Request& r, const json::value& v, const Context&) -> Outcome<void> {
                const auto op = read_integer(v, 1, 5);
                if (!op) return refuse(op.error());
                r.op = static_cast<Operation>(*op);
                return {};
              }},
    Parameter{"to", [](Request& r, const json::value& v,
                       const Context& c) { return assign(r.to, read_name(v, c.limits.to_octets)); }},
    Parameter{"fr", [](Request& r, const json::value& v,
                       const Context& c) { return assign(r.from, read_text(v, c.limits.id_octets)); }},
    Parameter{"rqi", [](Request& r, const json::value& v,
                        const Context& c) { return assign(r.rqi, read_name(v, c.limits.id_octets)); }},
    Parameter{"ty", [](Request& r, const json::value& v,
                       const Context&) { return assign_as(r.ty, read_integer(v, 1, UINT32_MAX)); }},
    Parameter{"rvi", [](Request& r, const json::value& v,
                        const Context&) { return assign(r.rvi, read_text(v, 16)); }},
    Parameter{"rcn", [](Request& r, const json::value& v,
                        const Context&) { return assign_as(r.rcn, read_result_content(v)); }},
    Parameter{"rt", read_response_type},
    Parameter{"ot", [](Request& r, const json::value& v,
                       const Context&) { return assign(r.ot, read_timestamp(v)); }},
    Parameter{"rqet", read_abs_rel<&Request::rqet>},
    Parameter{"rset", read_abs_rel<&Request::rset>},
    Parameter{"oet", read_abs_rel<&Request::oet>},
    Parameter{"rp", read_persistence},
    Parameter{"gid", [](Request& r, const json::value& v,
                        const Context& c) { return assign(r.gid, read_name(v, c.limits.id_octets)); }},
    Parameter{"vsi", [](Request& r, const json::value& v,
                        const Context& c) { return assign(r.vsi, read_text(v, c.limits.to_octets)); }},
    Parameter{"ec", [](Request& r, const json::value& v,
                       const Context&) { return assign_as(r.ec, read_event_category(v)); }},
    Parameter{"da", read_flag<&Request::da>},
    Parameter{"tqi", read_flag<&Request::tqi>},
    Parameter{"fc", [](Request& r, const json::value& v,
                       const Context& c) { return assign(r.fc, filter_criteria_from_json(v, c.limits)); }},
    Parameter{"drt", [](Request& r, const json::value& v,
                        const Context&) { return assign_as(r.drt, read_integer(v, 1, 2)); }},
    Parameter{"rids", read_ids<&Request::rids>},
    Parameter{"tids", read_ids<&Request::tids>},
    Parameter{"ltids", read_ids<&Request::ltids>},
    // A token is as long as the primitive lets it be.
    Parameter{"tkns",
              [](Request& r, const json::value& v, const Context& c) {
                return assign(r.tkns, read_names(v, c.limits.list_entries, c.limits.octets));
              }},
    Parameter{"grtm", not_offered},
    Parameter{"asi", not_offered},
    Parameter{"aus", not_offered},
    Parameter{"auri", not_offered},
    Parameter{"sqi", not_offered},
};

Outcome<void> read_parameter(Request& request, std::string_view name, const json::value& value,
                             const Context& context) {
  for (const auto& parameter : kParameters) {
    if (parameter.name != name) continue;
    auto read = parameter.read(request, value, context);
    if (read || name == "fc") return read;  // fc has named its member itself
    return refuse(named(name, std::move(read).error()));
  }
  return bad_form(shown(name) + ": unknown");
}

/// A partial RETRIEVE names the wanted attributes in pc (TS-0004 7.5.2); true if pc was that.
Outcome<bool> read_attribute_list(Request& request, const json::object& content,
                                  const PrimitiveLimits& limits) {
  const auto* const list = content.if_contains("m2m:atrl");
  if (list == nullptr) return false;
  auto names = read_names(*list, limits.list_entries, limits.id_octets);
  if (!names) return refuse(named("pc.m2m:atrl", std::move(names).error()));
  if (names->empty()) return bad_form("pc.m2m:atrl: empty");
  request.atrl = std::move(*names);
  return true;
}

/// Everything but the content; `has_content` is false if pc is absent or was an attribute list.
Outcome<Request> read_request(const json::value& primitive, const Context& context, bool& has_content) {
  if (!primitive.is_object()) return bad_form("primitive: not an object");
  const json::object& members = primitive.get_object();
  Request request;
  for (const auto& member : members) {
    if (member.key() == "pc") continue;
    if (auto read = read_parameter(request, member.key(), member.value(), context); !read) {
      return refuse(std::move(read).error());
    }
  }
  for (const std::string_view mandatory : {"op", "to", "rqi"}) {
    if (!members.contains(mandatory)) return bad_form(std::string(mandatory) + ": missing");
  }
  const json::value* const content = members.if_contains("pc");
  has_content = content != nullptr;
  if (content == nullptr) return request;
  if (!content->is_object() || content->get_object().size() != 1) {
    return bad_form("pc: not an object of one member");
  }
  if (request.op == Operation::retrieve) {
    const auto was_list = read_attribute_list(request, content->get_object(), context.limits);
    if (!was_list) return refuse(was_list.error());
    has_content = !*was_list;
  }
  return request;
}

void put(json::object& out, std::string_view name, const std::optional<TimePoint>& time) {
  if (time) out[name] = timestamp_text(*time);
}
void put(json::object& out, std::string_view name, const std::optional<std::string>& text) {
  if (text) out[name] = *text;
}
void put(json::object& out, std::string_view name, const std::vector<std::string>& list) {
  if (!list.empty()) out[name] = to_array(list);
}
template <class T>
void put_number(json::object& out, std::string_view name, const std::optional<T>& number) {
  if (number) out[name] = static_cast<std::uint32_t>(*number);
}

json::object response_type(const Request& request) {
  json::object out{{"rtv", static_cast<std::uint32_t>(request.rt.value_or(ResponseMode::blocking))}};
  put(out, "nu", request.rt_targets);
  return out;
}

}  // namespace

std::string_view to_string(Operation op) noexcept {
  switch (op) {
    case Operation::create:
      return "CREATE";
    case Operation::retrieve:
      return "RETRIEVE";
    case Operation::update:
      return "UPDATE";
    case Operation::del:
      return "DELETE";
    case Operation::notify:
      return "NOTIFY";
  }
  return "UNKNOWN";
}

Outcome<RequestPrimitive> request_from_json(const json::value& value, TimePoint now,
                                            const PrimitiveLimits& limits) {
  const json::value& primitive = unwrapped(value, "rqp", "m2m:rqp");
  bool has_content = false;
  auto request = read_request(primitive, {now, limits}, has_content);
  if (request && has_content) request->pc = primitive.get_object().at("pc");
  return request;
}

Outcome<RequestPrimitive> request_from_json(json::value&& value, TimePoint now,
                                            const PrimitiveLimits& limits) {
  json::value owned = std::move(value);
  json::value& primitive = unwrapped(owned, "rqp", "m2m:rqp");
  bool has_content = false;
  auto request = read_request(primitive, {now, limits}, has_content);
  if (request && has_content) request->pc = std::move(primitive.get_object().at("pc"));
  return request;
}

json::object to_json(const RequestPrimitive& request) {
  json::object out;
  out.reserve(16);
  out["op"] = static_cast<std::uint32_t>(request.op);
  out["to"] = request.to;
  if (!request.from.empty()) out["fr"] = request.from;
  out["rqi"] = request.rqi;
  put(out, "rvi", request.rvi);
  put_number(out, "ty", request.ty);
  put_number(out, "rcn", request.rcn);
  if (request.rt || !request.rt_targets.empty()) out["rt"] = response_type(request);
  put(out, "ot", request.ot);
  put(out, "rqet", request.rqet);
  put(out, "rset", request.rset);
  put(out, "oet", request.oet);
  put(out, "rp", request.rp);
  put(out, "gid", request.gid);
  put(out, "vsi", request.vsi);
  put_number(out, "ec", request.ec);
  if (request.da) out["da"] = *request.da;
  if (request.tqi) out["tqi"] = *request.tqi;
  if (request.fc) out["fc"] = to_json(*request.fc);
  put_number(out, "drt", request.drt);
  put(out, "rids", request.rids);
  put(out, "tkns", request.tkns);
  put(out, "tids", request.tids);
  put(out, "ltids", request.ltids);
  if (!request.atrl.empty()) {
    out["pc"] = json::object{{"m2m:atrl", to_array(request.atrl)}};
  } else if (!request.pc.is_null()) {
    out["pc"] = request.pc;
  }
  return out;
}

}  // namespace latchkey::codec
