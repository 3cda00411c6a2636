/// From a request primitive to an HTTP request (TS-0009 6.2, 6.4).
#include <algorithm>
#include <cassert>

#include "header_writer.h"
#include "http_mapping.h"
#include "latchkey/base/secret.h"
#include "latchkey/codec/formats.h"
#include "latchkey/codec/query.h"

namespace latchkey::bind {
namespace {

using codec::Operation;
using codec::RequestPrimitive;

std::string_view method_of(Operation op) noexcept {
  switch (op) {
    case Operation::retrieve:
      return "GET";
    case Operation::update:
      return "PUT";
    case Operation::del:
      return "DELETE";
    case Operation::create:
    case Operation::notify:
      break;
  }
  return "POST";
}

bool is_url(std::string_view to) noexcept {
  return equals_folded(to.substr(0, 7), "http://") || equals_folded(to.substr(0, 8), "https://");
}

/// Path and query of a notification URL as they stand; '/' where there is no path.
Result<std::string> target_of_url(std::string_view url) {
  const bool usable = std::ranges::all_of(url, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  if (!usable) return fail(ErrorCode::invalid_argument, "to: an URL with a blank, a control or a fragment");
  url.remove_prefix(url.find("//") + 2);
  const auto end = std::min(url.find_first_of("/?"), url.size());
  const std::string_view rest = url.substr(end);
  return (rest.starts_with('/') ? "" : "/") + std::string(rest);
}

Result<std::string> target_of(const RequestPrimitive& request, std::string_view prefix) {
  if (is_url(request.to)) return target_of_url(request.to);
  std::string target(prefix);
  if (!request.to.empty()) {
    const auto path = path_from_to(request.to);
    if (!path) return path;
    target += *path;
  }
  if (target.empty()) target = "/";
  return target;
}

void append_query(std::string& out, const RequestPrimitive& request) {
  char separator = out.find('?') == std::string::npos ? '?' : '&';
  for (const auto& [name, value] : codec::query_fields(request)) {
    out += separator;
    percent_encode(out, name, "");
    out += '=';
    // '+' joins the entries of a list; the rest is what a query may hold without being split (RFC 3986 3.4).
    percent_encode(out, value, "+/:*,;@!$'()");
    separator = '&';
  }
}

std::string joined(const std::vector<std::string>& entries, std::string_view separator) {
  std::string out;
  for (const auto& entry : entries) (out += out.empty() ? "" : separator) += entry;
  return out;
}

void write_parameters(HeaderWriter& head, const RequestPrimitive& request) {
  if (!request.from.empty()) head.field(Field::m2m_origin, request.from);
  head.field(Field::m2m_ri, request.rqi);
  head.optional(Field::m2m_rvi, request.rvi);
  head.optional_time(Field::m2m_ot, request.ot);
  head.optional_time(Field::m2m_ret, request.rqet);
  head.optional_time(Field::m2m_rst, request.rset);
  head.optional_time(Field::m2m_oet, request.oet);
  head.optional_number(Field::m2m_ec, request.ec);
  head.optional(Field::m2m_gid, request.gid);
  head.optional(Field::m2m_vsi, request.vsi);
  if (!request.rt_targets.empty()) head.field(Field::m2m_rtu, joined(request.rt_targets, "&"));
  if (!request.tkns.empty()) head.field(Field::authorization, joined(request.tkns, "+"));
}

Status check_lists(const RequestPrimitive& request) {
  const auto holds = [](char c) {
    return [c](const std::string& entry) { return entry.empty() || entry.find(c) != std::string::npos; };
  };
  if (std::ranges::any_of(request.rt_targets, holds('&'))) {
    return fail(ErrorCode::invalid_argument, "X-M2M-RTU: an entry is empty or holds '&'");
  }
  if (!request.tkns.empty() &&
      !tokens_from_authorization(joined(request.tkns, "+"), {.list_entries = request.tkns.size()})) {
    return fail(ErrorCode::invalid_argument, "Authorization: an entry is no compact token");
  }
  return {};
}

}  // namespace

Result<std::string> path_from_to(std::string_view to) {
  std::string_view rest = to;
  std::string path = "/";
  if (to.starts_with("//")) {
    path = "/_/";
    rest.remove_prefix(2);
  } else if (to.starts_with('/')) {
    path = "/~/";
    rest.remove_prefix(1);
  }
  const bool looks_longer =
      path.size() == 1 && (rest == "~" || rest == "_" || rest.starts_with("~/") || rest.starts_with("_/"));
  const bool unusable =
      std::ranges::any_of(rest, [](char c) { return c < 0x20 || c >= 0x7f || c == '#' || c == '?'; });
  if (rest.empty() || rest.starts_with('/') || looks_longer || unusable) {
    return fail(ErrorCode::invalid_argument, "to: '" + shown(to) + "' has no form as a path");
  }
  percent_encode(path, rest, "/:@!$&'()*+,;=");
  return path;
}

Status write_request(std::string& out, const RequestPrimitive& request, const RequestTarget& target) {
  const auto path = target_of(request, target.path_prefix);
  if (!path) return fail(path.error());
  if (auto done = check_lists(request); !done) return done;
  if (request.rqi.empty()) return fail(ErrorCode::invalid_argument, "X-M2M-RI: empty");
  HeaderWriter head(out);
  std::string line(method_of(request.op));
  (line += ' ') += *path;
  append_query(line, request);
  line += " HTTP/1.1";
  head.line(line);
  head.field(Field::host, target.host);
  write_parameters(head, request);
  head.field(Field::accept, to_string(Media::json));
  std::string body = request.pc.is_null() ? std::string() : codec::to_text(request.pc);
  if (request.op == Operation::create && request.ty) {
    head.field(Field::content_type,
               std::string(to_string(Media::json)) + ";ty=" + std::to_string(*request.ty));
  } else if (!body.empty()) {
    head.field(Field::content_type, to_string(Media::json));
  }
  const bool sized = !body.empty() || request.op != Operation::retrieve;
  auto finished = head.finish(sized, body);
  if (request.confidential) wipe(body.data(), body.size());
  return finished;
}

}  // namespace latchkey::bind
