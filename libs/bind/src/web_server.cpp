#include "latchkey/bind/web_server.h"

#include <boost/asio/ip/address.hpp>
#include <utility>

#include "header_writer.h"
#include "latchkey/base/log.h"
#include "server_core.h"

namespace latchkey::bind {
namespace {

void write_answer(std::string& out, const WebAnswer& answer, bool close) {
  HeaderWriter head(out);
  head.status_line(answer.status);
  if (!answer.body.empty()) head.field(Field::content_type, answer.content_type);
  if (close) head.line("Connection: close");
  // RFC 9110 8.6: no Content-Length in a 204.
  const bool sized = answer.status != 204;
  if (auto written = head.finish(sized, sized ? answer.body : std::string()); written) return;
  log::error("web", "an answer cannot be carried");
  write_answer(out, {.status = 500}, close);
}

class WebService final : public HttpService {
 public:
  explicit WebService(WebServer::Handler handler) : handler_(std::move(handler)) {}
  [[nodiscard]] std::unique_ptr<Exchange> begin(const RequestHead& head,
                                                ServerConnection& connection) override;
  void write_error(std::string& out, const HttpError& error, const RequestHead*) override {
    write_answer(out, {.status = error.status, .content_type = "text/plain", .body = error.detail + "\n"},
                 true);
  }
  void run(WebRequest request, std::shared_ptr<ServerConnection> connection) {
    handler_(std::move(request), [connection = std::move(connection)](const WebAnswer& answer) {
      std::string out;
      write_answer(out, answer, connection->closes_after_reply());
      connection->reply(out, false);
    });
  }
  void attach(std::weak_ptr<ServerCore> core) { core_ = std::move(core); }
  [[nodiscard]] bool admits(ServerConnection& connection) const {
    const auto core = core_.lock();
    return core != nullptr && core->check_session(connection).has_value();
  }

 private:
  WebServer::Handler handler_;
  std::weak_ptr<ServerCore> core_;
};

class WebExchange final : public Exchange {
 public:
  WebExchange(WebService& service, WebRequest request, bool admitted)
      : service_(service), request_(std::move(request)), admitted_(admitted) {}
  [[nodiscard]] bool refused() const noexcept override { return !admitted_; }
  void run(std::string body, const std::shared_ptr<ServerConnection>& connection) override {
    if (admitted_) {
      request_.body = std::move(body);
      return service_.run(std::move(request_), connection);
    }
    std::string out;
    write_answer(out, {.status = 403}, true);
    connection->reply(out, true);
  }

 private:
  WebService& service_;
  WebRequest request_;
  bool admitted_;
};

std::unique_ptr<Exchange> WebService::begin(const RequestHead& head, ServerConnection& connection) {
  WebRequest request{.method = std::string(head.method),
                     .target = std::string(head.target),
                     .content_type = std::string(head.fields[Field::content_type]),
                     .body = {},
                     .security = connection.context(),
                     .peer = connection.peer().text};
  return std::make_unique<WebExchange>(*this, std::move(request), admits(connection));
}

bool is_loopback(const std::string& address) {
  boost::system::error_code no_ip;
  const auto ip = asio::ip::make_address(address, no_ip);
  return !no_ip && ip.is_loopback();
}

}  // namespace

struct WebServer::Impl {
  Impl(Reactor& reactor, HttpLimits limits, Handler handler, AuditSink& audit, const Clock& clock)
      : service(std::move(handler)), core(std::make_shared<ServerCore>(reactor, limits, audit, clock)) {
    service.attach(core);
  }
  WebService service;
  std::shared_ptr<ServerCore> core;
};

WebServer::WebServer(Reactor& reactor, HttpLimits limits, Handler handler, AuditSink& audit,
                     const Clock& clock)
    : impl_(std::make_shared<Impl>(reactor, limits, std::move(handler), audit, clock)) {}

WebServer::~WebServer() { impl_->core->stop(); }

Result<std::uint16_t> WebServer::listen(ListenerOptions options) {
  const bool plain = options.kind == ListenerKind::plain;
  if (!plain && options.kind != ListenerKind::secure)
    return fail(ErrorCode::invalid_argument, "listener " + options.name + ": neither secure nor plain");
  if (plain && !is_loopback(options.address))
    return fail(ErrorCode::invalid_argument, "listener " + options.name + ": without TLS on loopback only");
  return impl_->core->listen(std::move(options), impl_->service);
}

void WebServer::recheck_sessions(std::function<Status(const tls::SecurityContext&)> still_valid) {
  impl_->core->recheck_sessions(std::move(still_valid));
}

}  // namespace latchkey::bind
