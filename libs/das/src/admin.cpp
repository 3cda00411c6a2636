#include "latchkey/das/admin.h"

#include <boost/json/serialize.hpp>
#include <charconv>

namespace latchkey::das {

namespace {

namespace json = boost::json;
using bind::AdminRequest;
using bind::AdminResponse;

std::string parameter(const AdminRequest& request, const std::string& name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string() : found->second;
}

AdminResponse bad(std::string what) { return {.status = 400, .body = std::move(what) + "\n"}; }

AdminResponse refused(const Error& error) {
  int status = 500;
  switch (error.code) {
    case ErrorCode::invalid_argument:
      status = 400;
      break;
    case ErrorCode::denied:
      status = 403;
      break;
    case ErrorCode::not_found:
      status = 404;
      break;
    case ErrorCode::conflict:
    case ErrorCode::unsupported:
      status = 409;
      break;
    case ErrorCode::unavailable:
    case ErrorCode::limit:
      status = 503;
      break;
    default:
      break;
  }
  return {.status = status, .body = error.detail + "\n"};
}

AdminResponse lines(std::string body) {
  return {.content_type = "application/x-ndjson", .body = std::move(body)};
}

json::object shown(const Issued& one) {
  json::array roles;
  for (const auto& role : one.roles) roles.emplace_back(role);
  return {{"id", one.id},
          {"kind", to_string(one.kind)},
          {"grant", one.grant},
          {"holder", one.holder},
          {"cse", one.cse},
          {"target", one.target},
          {"issued", format_timestamp(one.issued)},
          {"until", format_timestamp(one.not_after)},
          {"revoked", one.revoked},
          {"roles", std::move(roles)},
          {"name", one.name}};
}

json::object shown(const Assignment& one) {
  return {{"id", one.id},
          {"role", one.role_id},
          {"holder", one.holder},
          {"until", format_timestamp(one.not_after)},
          {"token", one.token_id},
          {"step", to_string(one.step)},
          {"settled", one.settled()},
          {"reason", one.reason}};
}

}  // namespace

AdminResponse list_issued(const Das& das, const AdminRequest& request) {
  std::string body;
  for (const auto* one : das.issued(parameter(request, "holder")))
    body += json::serialize(shown(*one)) + "\n";
  return lines(std::move(body));
}

AdminResponse list_assignments(const Das& das, const AdminRequest& request) {
  std::string body;
  if (const auto id = parameter(request, "id"); !id.empty()) {
    const auto* one = das.assignment(id);
    if (one == nullptr) return {.status = 404, .body = "no such assignment\n"};
    body = json::serialize(shown(*one)) + "\n";
  } else {
    for (const auto* assignment : das.assignments()) body += json::serialize(shown(*assignment)) + "\n";
  }
  return lines(std::move(body));
}

AdminResponse assign(Das& das, const SpId& home, const AdminRequest& request) {
  auto holder = parse_entity_id(parameter(request, "holder"), home);
  if (!holder || !(std::holds_alternative<AeId>(*holder) || std::holds_alternative<CseId>(*holder)))
    return bad("holder: must be an AE-ID or a CSE-ID");
  Das::Wish wish{.role_id = parameter(request, "role"),
                 .holder = std::move(*holder),
                 .lifetime = {},
                 .with_token = parameter(request, "token") == "1",
                 .name = parameter(request, "name")};
  if (!KeyId::parse(wish.role_id)) return bad("role: must be of the form id@FQDN");
  if (wish.name.size() > 256) return bad("name: longer than 256 octets");
  if (const auto text = parameter(request, "seconds"); !text.empty()) {
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size() || seconds == 0)
      return bad("seconds: must be a number of at least 1");
    wish.lifetime = std::chrono::seconds(seconds);
  }
  const auto id = das.assign(wish);
  return id ? AdminResponse{.body = *id + "\n"} : refused(id.error());
}

AdminResponse revoke(Das& das, const AdminRequest& request) {
  const auto id = parameter(request, "id");
  if (id.empty()) return bad("id: is missing");
  const auto done = das.revoke(id);
  return done ? AdminResponse{.body = "revoked\n"} : refused(done.error());
}

void add_routes(bind::AdminServer& admin, Das& das, const SpId& home, AuditSink& audit, const Clock& clock,
                bool changes) {
  admin.route("GET", "/issued", [&das](const AdminRequest& request) { return list_issued(das, request); });
  admin.route("GET", "/assignments",
              [&das](const AdminRequest& request) { return list_assignments(das, request); });
  if (!changes) return;
  const auto audited = [&audit, &clock](const AdminRequest& request, AdminResponse response) {
    audit.record({.id = AuditEventId::admin_action,
                  .time = clock.now(),
                  .originator = "uid=" + std::to_string(request.peer_uid),
                  .operation = request.path,
                  .target = parameter(request, request.path == "/assign" ? "role" : "id"),
                  .reason = response.body.substr(0, response.body.find('\n')),
                  .status = 0});
    return response;
  };
  admin.route("POST", "/assign", [&das, &home, audited](const AdminRequest& request) {
    return audited(request, assign(das, home, request));
  });
  admin.route("POST", "/revoke", [&das, audited](const AdminRequest& request) {
    return audited(request, revoke(das, request));
  });
}

}  // namespace latchkey::das
