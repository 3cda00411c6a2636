#include "latchkey/bind/admin_server.h"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "header_writer.h"
#include "http_text.h"
#include "latchkey/base/log.h"
#include "server_core.h"

namespace latchkey::bind {
namespace {

using Handler = std::function<AdminResponse(const AdminRequest&)>;

/// An operator's tools need few connections and no bodies; a hole here must not cost the daemon its sockets.
HttpLimits admin_limits() {
  HttpLimits limits;
  limits.connections = 64;
  limits.handshakes = 64;
  limits.handshakes_per_source = 64;
  limits.primitive.octets = 64U << 10U;
  return limits;
}

/// The admin listener makes no TLS connections, and audits nothing but users that it does not admit.
class AdminAudit final : public AuditSink {
 public:
  void record(AuditEvent event) override {
    log::warning("admin", "refused " + event.peer + ": " + event.reason);
  }
};

std::string form_decoded(std::string_view text, bool& broken) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  auto decoded = percent_decode(spaced);
  broken = broken || !decoded;
  return decoded.value_or(std::string());
}

/// False when it is malformed.
bool read_query(std::map<std::string, std::string>& query, std::string_view text) {
  bool broken = false;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto equals = std::min(field.find('='), field.size());
    std::string name = form_decoded(field.substr(0, equals), broken);
    std::string value = form_decoded(field.substr(std::min(equals + 1, field.size())), broken);
    if (name.empty() || !query.emplace(std::move(name), std::move(value)).second) return false;
  }
  return !broken;
}

void write_admin(std::string& out, const AdminResponse& response, bool close) {
  HeaderWriter head(out);
  head.status_line(response.status);
  head.field(Field::content_type, response.content_type);
  head.line("Cache-Control: no-store");
  head.line("X-Content-Type-Options: nosniff");
  if (close) head.line("Connection: close");
  if (auto written = head.finish(true, response.body); written) return;
  log::error("admin", "an answer cannot be carried");
  write_admin(out, {.status = 500, .body = "the answer cannot be carried\n"}, close);
}

class AdminService final : public HttpService {
 public:
  void route(std::string method, std::string path, Handler handler) {
    routes_[std::move(path)][std::move(method)] = std::move(handler);
  }
  [[nodiscard]] std::unique_ptr<Exchange> begin(const RequestHead& head,
                                                ServerConnection& connection) override;
  void write_error(std::string& out, const HttpError& error, const RequestHead*) override {
    write_admin(out, {.status = error.status, .body = error.detail + "\n"}, true);
  }
  [[nodiscard]] AdminResponse answer(const AdminRequest& request) const;

 private:
  std::map<std::string, std::map<std::string, Handler>> routes_;
};

class AdminExchange final : public Exchange {
 public:
  AdminExchange(const AdminService& service, AdminRequest request, bool malformed)
      : service_(service), request_(std::move(request)), malformed_(malformed) {}
  [[nodiscard]] bool refused() const noexcept override { return malformed_; }
  void run(std::string, const std::shared_ptr<ServerConnection>& connection) override {
    const AdminResponse response = malformed_
                                       ? AdminResponse{.status = 400, .body = "malformed request target\n"}
                                       : service_.answer(request_);
    std::string out;
    write_admin(out, response, connection->closes_after_reply());
    connection->reply(out, false);
  }

 private:
  const AdminService& service_;
  AdminRequest request_;
  bool malformed_;
};

std::unique_ptr<Exchange> AdminService::begin(const RequestHead& head, ServerConnection& connection) {
  AdminRequest request;
  request.method = std::string(head.method);
  const auto mark = std::min(head.target.find('?'), head.target.size());
  request.path = std::string(head.target.substr(0, mark));
  request.peer_uid = connection.peer().uid;
  const bool whole = read_query(request.query, head.target.substr(std::min(mark + 1, head.target.size())));
  return std::make_unique<AdminExchange>(*this, std::move(request), !whole);
}

AdminResponse AdminService::answer(const AdminRequest& request) const {
  const auto path = routes_.find(request.path);
  if (path == routes_.end()) return {.status = 404, .body = "no such page\n"};
  const auto handler = path->second.find(request.method);
  if (handler == path->second.end()) return {.status = 405, .body = "no such method here\n"};
  try {
    return handler->second(request);
  } catch (const std::exception& error) {
    log::error("admin", request.path + ": " + error.what());
    return {.status = 500, .body = "internal error\n"};
  }
}

}  // namespace

struct AdminServer::Impl {
  explicit Impl(Reactor& reactor)
      : core(std::make_shared<ServerCore>(reactor, admin_limits(), audit, system_clock())) {}

  AdminAudit audit;
  AdminService service;
  std::shared_ptr<ServerCore> core;
};

AdminServer::AdminServer(Reactor& reactor) : impl_(std::make_shared<Impl>(reactor)) {}

AdminServer::~AdminServer() { impl_->core->stop(); }

void AdminServer::route(std::string method, std::string path,
                        std::function<AdminResponse(const AdminRequest&)> handler) {
  impl_->service.route(std::move(method), std::move(path), std::move(handler));
}

Result<std::uint16_t> AdminServer::listen(AdminOptions options) {
  if (options.unix_path.empty() == options.address.empty()) {
    return fail(ErrorCode::invalid_argument, "admin listener: either a unix socket or a loopback address");
  }
  ListenerOptions listener;
  listener.name = "admin";
  if (!options.unix_path.empty()) {
    listener.kind = ListenerKind::trusted_unix;
    listener.address = std::move(options.unix_path);
    listener.uids = {::geteuid(), 0};
  } else {
    listener.kind = ListenerKind::trusted_tcp;
    listener.address = std::move(options.address);
    listener.port = options.port;
    listener.hosts = std::move(options.hosts);
  }
  return impl_->core->listen(std::move(listener), impl_->service);
}

}  // namespace latchkey::bind
