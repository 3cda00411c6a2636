/// From an HTTP request to a request primitive (TS-0009 6.2, 6.4).
#include <algorithm>
#include <utility>

#include "http_mapping.h"
#include "latchkey/codec/query.h"

namespace latchkey::bind {
namespace {

using codec::Operation;
using codec::Outcome;
using codec::PrimitiveLimits;
using codec::RequestPrimitive;
using codec::Rsc;

tl::unexpected<codec::Refusal> bad(std::string detail) {
  return codec::refuse(Rsc::bad_request, std::move(detail));
}
tl::unexpected<codec::Refusal> bad(Field field, std::string_view why) {
  return bad(std::string(to_string(field)) + ": " + std::string(why));
}

// --- target

struct SplitTarget {
  std::string_view path;
  std::string_view query;
};

/// Host and authority may differ in letter case only.
bool same_authority(std::string_view a, std::string_view b) {
  std::string folded(b);
  std::ranges::transform(folded, folded.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return equals_folded(a, folded);
}

/// Origin form, or absolute form (RFC 9112 3.2.2) whose authority is the Host.
Outcome<SplitTarget> split_target(std::string_view target, std::string_view host) {
  const auto printable = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::ranges::all_of(target, printable)) return bad("request target: not printable ASCII");
  if (target.find('#') != std::string_view::npos) return bad("request target: has a fragment");
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equals_folded(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const auto end = std::min(target.find_first_of("/?"), target.size());
    if (!same_authority(target.substr(0, end), host))
      return bad("request target: its host is not that of Host");
    target.remove_prefix(end);
    break;
  }
  const auto mark = target.find('?');
  SplitTarget split{target.substr(0, mark), {}};
  if (mark != std::string_view::npos) split.query = target.substr(mark + 1);
  if (!split.path.starts_with('/')) return bad("request target: its path does not begin with '/'");
  return split;
}

/// The path behind the prefix of the pointOfAccess; not_found elsewhere.
Outcome<std::string_view> without_prefix(std::string_view path, std::string_view prefix) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (prefix.empty()) return path;
  const bool below = path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
  if (!below)
    return codec::refuse(Rsc::not_found, "request target: outside the path of this point of access");
  path.remove_prefix(prefix.size());
  return path;
}

Outcome<void> read_query(RequestPrimitive& request, std::string_view query, const RequestMapping& mapping) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view field = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    const auto equals = field.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return bad("query: '" + shown(field) + "' is not name=value");
    const auto name = percent_decode(field.substr(0, equals));
    const auto value = percent_decode(field.substr(equals + 1));
    if (!name || !value)
      return bad("query field " + shown(field.substr(0, equals)) + ": broken percent escape");
    if (auto done = codec::apply_query_field(request, *name, *value, mapping.now, mapping.limits); !done)
      return done;
  }
  return {};
}

Outcome<void> read_target(RequestPrimitive& request, const RequestHead& head, const RequestMapping& mapping) {
  const auto split = split_target(head.target, head.fields[Field::host]);
  if (!split) return codec::refuse(split.error());
  const auto path = without_prefix(split->path, mapping.path_prefix);
  if (!path) return codec::refuse(path.error());
  auto to = to_from_path(*path, mapping.host_fqdn, mapping.limits);
  if (!to) return codec::refuse(to.error());
  request.to = *std::move(to);
  return read_query(request, split->query, mapping);
}

// --- header fields

/// A text parameter of limited length; absent leaves it unset.
template <class Target>
Outcome<void> read_text(Target& target, const Fields& fields, Field field, std::size_t octets) {
  if (!fields.has(field)) return {};
  const std::string_view value = fields[field];
  if (value.size() > octets) return bad(field, "longer than " + std::to_string(octets) + " octets");
  if (!is_field_text(value)) return bad(field, "not printable ASCII");
  target = std::string(value);
  return {};
}

Outcome<void> read_time(std::optional<TimePoint>& target, const Fields& fields, Field field, TimePoint now,
                        bool relative) {
  if (!fields.has(field)) return {};
  const auto time = relative ? parse_abs_rel_timestamp(fields[field], now) : parse_timestamp(fields[field]);
  if (!time) return bad(field, time.error().detail);
  target = *time;
  return {};
}

Outcome<void> read_event_category(RequestPrimitive& request, const Fields& fields) {
  if (!fields.has(Field::m2m_ec)) return {};
  const auto category = parse_decimal(fields[Field::m2m_ec]);
  if (!category || *category == 0 || *category > 999)
    return bad(Field::m2m_ec, "not an integer from 1 to 999");
  request.ec = static_cast<std::uint32_t>(*category);
  return {};
}

/// responseTypeInfo.nu: entries joined by '&' (TS-0009 6.4.10).
Outcome<void> read_response_targets(RequestPrimitive& request, const Fields& fields,
                                    const PrimitiveLimits& limits) {
  if (!fields.has(Field::m2m_rtu)) return {};
  std::string_view rest = fields[Field::m2m_rtu];
  if (!is_field_text(rest)) return bad(Field::m2m_rtu, "not printable ASCII");
  while (true) {
    const auto end = rest.find('&');
    const std::string_view entry = trimmed(rest.substr(0, end));
    if (entry.empty()) return bad(Field::m2m_rtu, "empty entry");
    if (entry.size() > limits.to_octets) {
      return bad(Field::m2m_rtu, "entry longer than " + std::to_string(limits.to_octets) + " octets");
    }
    if (request.rt_targets.size() >= limits.list_entries) {
      return bad(Field::m2m_rtu, "more than " + std::to_string(limits.list_entries) + " entries");
    }
    request.rt_targets.emplace_back(entry);
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
}

Outcome<void> read_tokens(RequestPrimitive& request, const Fields& fields, const PrimitiveLimits& limits) {
  if (!fields.has(Field::authorization)) return {};
  auto tokens = tokens_from_authorization(fields[Field::authorization], limits);
  if (!tokens) return codec::refuse(tokens.error());
  request.tkns = *std::move(tokens);
  return {};
}

/// The parameters that every answer echoes come first, so that a later refusal can.
Outcome<void> read_identity(RequestPrimitive& request, const Fields& fields, const PrimitiveLimits& limits) {
  if (auto done = read_text(request.rqi, fields, Field::m2m_ri, limits.id_octets); !done) return done;
  if (auto done = read_text(request.rvi, fields, Field::m2m_rvi, 16); !done) return done;
  if (request.rvi && request.rvi->empty()) {
    request.rvi.reset();
    return bad(Field::m2m_rvi, "empty");
  }
  if (const auto twice = fields.repeated()) return bad(*twice, "given twice");
  if (request.rqi.empty()) return bad(Field::m2m_ri, fields.has(Field::m2m_ri) ? "empty" : "missing");
  return read_text(request.from, fields, Field::m2m_origin, limits.id_octets);
}

Outcome<void> read_parameters(RequestPrimitive& request, const Fields& fields,
                              const RequestMapping& mapping) {
  const PrimitiveLimits& limits = mapping.limits;
  if (fields.has(Field::m2m_as)) {
    return codec::refuse(Rsc::not_implemented, "X-M2M-AS: authorization signatures are not offered");
  }
  if (auto done = read_time(request.ot, fields, Field::m2m_ot, mapping.now, false); !done) return done;
  if (auto done = read_time(request.rqet, fields, Field::m2m_ret, mapping.now, true); !done) return done;
  if (auto done = read_time(request.rset, fields, Field::m2m_rst, mapping.now, true); !done) return done;
  if (auto done = read_time(request.oet, fields, Field::m2m_oet, mapping.now, true); !done) return done;
  if (auto done = read_event_category(request, fields); !done) return done;
  if (auto done = read_text(request.gid, fields, Field::m2m_gid, limits.id_octets); !done) return done;
  if (auto done = read_text(request.vsi, fields, Field::m2m_vsi, limits.to_octets); !done) return done;
  if (auto done = read_response_targets(request, fields, limits); !done) return done;
  return read_tokens(request, fields, limits);
}

// --- operation and content type

Outcome<Operation> operation_of(std::string_view method, bool has_type) {
  if (method == "GET") return Operation::retrieve;
  if (method == "PUT") return Operation::update;
  if (method == "DELETE") return Operation::del;
  if (method == "POST") return has_type ? Operation::create : Operation::notify;
  return codec::refuse(Rsc::operation_not_allowed,
                       "method " + shown(method) + ": only POST, GET, PUT and DELETE are mapped");
}

bool fits(Media media, Operation op) {
  switch (op) {
    case Operation::create:
    case Operation::update:
      return media != Media::onem2m_notification;
    default:
      return true;
  }
}

Outcome<void> read_type(RequestPrimitive& request, std::string_view ty) {
  const auto type = parse_decimal(ty);
  if (!type || *type > UINT32_MAX) return bad("Content-Type: ty is no resource type number");
  request.ty = static_cast<std::uint32_t>(*type);
  return {};
}

Outcome<void> check_encoding(const RequestHead& head) {
  const Fields& fields = head.fields;
  if (fields.has(Field::content_encoding) && !equals_folded(fields[Field::content_encoding], "identity")) {
    return codec::refuse(Rsc::unsupported_media_type, "Content-Encoding: only identity is offered");
  }
  if (head.has_body && !fields.has(Field::content_type)) return bad(Field::content_type, "missing");
  return {};
}

/// Sets `op` and `ty`. The form of the content is checked even if none follows.
Outcome<void> read_operation(MappedRequest& mapped, const RequestHead& head) {
  RequestPrimitive& request = mapped.primitive;
  std::optional<ContentType> type;
  if (head.fields.has(Field::content_type)) {
    type = parse_content_type(head.fields[Field::content_type]);
    if (!type) return bad(Field::content_type, "malformed");
  }
  const auto op = operation_of(head.method, type && type->ty);
  if (!op) return codec::refuse(op.error());
  request.op = *op;
  mapped.content_allowed = *op != Operation::retrieve && *op != Operation::del;
  if (head.has_body && !mapped.content_allowed)
    return bad("content: not permitted with " + std::string(head.method));
  if (auto done = check_encoding(head); !done || !type) return done;
  const auto media = media_of(type->media_type);
  const bool utf8 = !type->charset || equals_folded(*type->charset, "utf-8");
  if (!media || !utf8 || !fits(*media, *op)) {
    return codec::refuse(Rsc::unsupported_media_type,
                         "Content-Type: " + shown(head.fields[Field::content_type]) + " is not offered");
  }
  if (!type->ty) return {};
  if (*op != Operation::create) return bad("Content-Type: ty is permitted in a Create only");
  return read_type(request, *type->ty);
}

Outcome<Media> answer_media(const Fields& fields) {
  if (!fields.has(Field::accept)) return Media::json;
  std::string joined(fields[Field::accept]);
  for (const auto more : fields.more_accept()) (joined += ',') += more;
  if (trimmed(joined).empty()) return Media::json;
  const Acceptable acceptable = parse_accept(joined);
  if (acceptable.malformed) return bad(Field::accept, "malformed");
  if (!acceptable.media) {
    return codec::refuse(Rsc::not_acceptable, "Accept: " + shown(joined) + " holds no form that is offered");
  }
  return *acceptable.media;
}

Outcome<void> read_head(MappedRequest& mapped, const RequestHead& head, const RequestMapping& mapping) {
  RequestPrimitive& request = mapped.primitive;
  // The answer's form first: what follows may have to be refused in it.
  const auto media = answer_media(head.fields);
  if (media) mapped.answer_media = *media;
  if (auto done = read_identity(request, head.fields, mapping.limits); !done) return done;
  if (!head.fields.has(Field::host)) return bad(Field::host, "missing");
  if (auto done = read_operation(mapped, head); !done) return done;
  if (!media) return codec::refuse(media.error());
  if (auto done = read_target(request, head, mapping); !done) return done;
  return read_parameters(request, head.fields, mapping);
}

bool breaks_path(char c) noexcept { return c < 0x20 || c >= 0x7f || c == '#' || c == '?'; }

}  // namespace

MappedRequest map_request_head(const RequestHead& head, const RequestMapping& mapping) {
  MappedRequest mapped;
  if (auto done = read_head(mapped, head, mapping); !done) mapped.refusal = std::move(done).error();
  return mapped;
}

Outcome<void> map_request_body(MappedRequest& request, std::string_view body, const PrimitiveLimits& limits) {
  if (body.empty()) return {};
  if (!request.content_allowed) return bad("content: not permitted with this operation");
  auto value = codec::parse_json(body, limits);
  if (!value) return codec::refuse(value.error());
  if (!value->is_object() || value->get_object().size() != 1)
    return bad("content: not an object of one member");
  request.primitive.pc = *std::move(value);
  return {};
}

Outcome<std::string> to_from_path(std::string_view path, std::string_view host_fqdn,
                                  const PrimitiveLimits& limits) {
  if (path.size() > 3 * limits.to_octets) return bad("request target: path is too long");
  // An escaped '/' would make another path than the one that was checked on the way here.
  const bool slash = path.find("%2F") != std::string_view::npos || path.find("%2f") != std::string_view::npos;
  auto decoded = percent_decode(path);
  if (!decoded || slash)
    return bad("request target: " + std::string(slash ? "escaped '/'" : "broken percent escape"));
  if (std::ranges::any_of(*decoded, breaks_path))
    return bad("request target: a character that no address has");
  std::string_view rest = *decoded;
  std::string to;
  if (rest.starts_with("/_/")) {
    rest.remove_prefix(3);
    to = "//";
  } else if (rest.starts_with("/~/")) {
    rest.remove_prefix(3);
    to = "/";
  } else if (!host_fqdn.empty() && (rest == "/-" || rest.starts_with("/-/"))) {
    rest.remove_prefix(1);
    to = "//" + std::string(host_fqdn) + "/";
  } else if (!rest.empty()) {
    rest.remove_prefix(1);
  }
  // Another '/' here would turn one form of address into another ("/~//sp/x" into "//sp/x").
  if (rest.starts_with('/')) return bad("request target: empty segment");
  to += rest;
  const bool nothing = to.find_first_not_of('/') == std::string::npos;
  if (nothing || to == "~" || to == "_") return bad("request target: names no resource");
  if (to.size() > limits.to_octets) {
    return bad("request target: address longer than " + std::to_string(limits.to_octets) + " octets");
  }
  return to;
}

Outcome<std::vector<std::string>> tokens_from_authorization(std::string_view value,
                                                            const PrimitiveLimits& limits) {
  std::vector<std::string> tokens;
  while (true) {
    const auto end = value.find('+');
    const std::string_view token = trimmed(value.substr(0, end));
    // Compact JWS and JWE are base64url parts joined by '.'. A blank inside means a scheme word (Bearer,
    // Basic).
    if (token.find_first_of(" \t") != std::string_view::npos) {
      return codec::refuse(Rsc::not_implemented, "Authorization: the scheme is not offered");
    }
    const auto of_token = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
             c == '_' || c == '.';
    };
    if (token.empty() || !std::ranges::all_of(token, of_token))
      return bad(Field::authorization, "malformed token");
    if (tokens.size() >= limits.list_entries) {
      return bad(Field::authorization, "more than " + std::to_string(limits.list_entries) + " tokens");
    }
    tokens.emplace_back(token);
    if (end == std::string_view::npos) return tokens;
    value.remove_prefix(end + 1);
  }
}

}  // namespace latchkey::bind
