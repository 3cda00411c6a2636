#include "latchkey/bind/http_server.h"

#include <utility>

#include "http_mapping.h"
#include "latchkey/base/log.h"
#include "server_core.h"

namespace latchkey::bind {
namespace {

using codec::Refusal;
using codec::ResponsePrimitive;
using codec::Rsc;

constexpr unsigned kRetryAfterSeconds = 1;

/// What an answer needs of its request once the primitive has been handed over.
struct AnswerForm {
  std::string rqi;
  std::optional<std::string> rvi;
  Media media = Media::json;
};

/// The way back to the connection. If the handler lets go of it, the peer is told so.
class Answer {
 public:
  Answer(std::shared_ptr<ServerConnection> connection, AnswerForm form)
      : connection_(std::move(connection)), form_(std::move(form)) {}
  Answer(Answer&&) noexcept = default;
  Answer& operator=(Answer&&) = delete;
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    if (!connection_) return;
    log::error("http", "a request was dropped without an answer");
    give_error("the request was dropped");
  }

  void give(ResponsePrimitive response) {
    if (!connection_) broken_invariant("a request was answered twice");
    if (response.rqi.empty()) response.rqi = form_.rqi;
    // The buffer of the answer before, since one thread writes all of them.
    static thread_local std::string out;
    out.clear();
    const bool close = connection_->closes_after_reply();
    const auto written = write_response(out, response, {.media = form_.media, .close = close});
    if (!written) {
      log::error("http", "an answer cannot be carried: " + written.error().detail);
      return give_error("the answer cannot be carried");
    }
    finish(out);
    if (!response.confidential) return;
    wipe(out.data(), out.size());
    codec::wipe(response.pc);
  }

 private:
  void give_error(std::string_view why) {
    ResponsePrimitive response;
    response.rsc = Rsc::internal_server_error;
    response.rqi = form_.rqi;
    response.rvi = form_.rvi;
    response.pc = codec::json::object{{"m2m:dbg", why}};
    std::string out;
    const bool close = connection_->closes_after_reply();
    // What is echoed has been read from a header, so it fits into one.
    if (!write_response(out, response, {.media = form_.media, .close = close}))
      broken_invariant("error answer");
    finish(out);
  }
  void finish(std::string_view message) {
    const auto connection = std::exchange(connection_, nullptr);
    connection->reply(message, false);
  }

  std::shared_ptr<ServerConnection> connection_;
  AnswerForm form_;
};

void write_refusal(std::string& out, const codec::RequestPrimitive& request, const Refusal& refusal,
                   const ResponseForm& form) {
  const ResponsePrimitive response = codec::refusal_response(request, refusal);
  if (!write_response(out, response, form)) broken_invariant("refusal that cannot be carried");
}

/// TS-0009: one HTTP request is one request primitive.
class PrimitiveService final : public HttpService {
 public:
  PrimitiveService(RequestHandler& handler, const HttpLimits& limits, std::weak_ptr<ServerCore> core)
      : handler_(handler), limits_(limits), core_(std::move(core)) {}

  [[nodiscard]] std::unique_ptr<Exchange> begin(const RequestHead& head,
                                                ServerConnection& connection) override;
  void write_error(std::string& out, const HttpError& error, const RequestHead* head) override;

  /// Takes the primitive out of `mapped`.
  void run(MappedRequest& mapped, std::string_view body, std::shared_ptr<ServerConnection> connection);
  void refuse(const MappedRequest& mapped, ServerConnection& connection, ResponseForm form, bool close);
  [[nodiscard]] std::shared_ptr<ServerCore> core() const { return core_.lock(); }

 private:
  RequestHandler& handler_;
  const HttpLimits& limits_;
  std::weak_ptr<ServerCore> core_;
  std::shared_ptr<std::size_t> in_flight_ = std::make_shared<std::size_t>(0);
};

class PrimitiveExchange final : public Exchange {
 public:
  PrimitiveExchange(PrimitiveService& service, MappedRequest mapped, bool head_only)
      : service_(service), mapped_(std::move(mapped)), head_only_(head_only) {}
  void close_after() noexcept { close_ = true; }

  [[nodiscard]] bool refused() const noexcept override { return mapped_.refusal.has_value(); }
  void run(std::string body, const std::shared_ptr<ServerConnection>& connection) override {
    if (mapped_.refusal) return service_.refuse(mapped_, *connection, {.without_body = head_only_}, close_);
    service_.run(mapped_, body, connection);
    wipe(body.data(), body.size());  // it may have held a key
  }

 private:
  PrimitiveService& service_;
  MappedRequest mapped_;
  bool head_only_;
  bool close_ = false;
};

std::unique_ptr<Exchange> PrimitiveService::begin(const RequestHead& head, ServerConnection& connection) {
  const ListenerOptions& listener = connection.listener().options;
  const auto core = core_.lock();
  MappedRequest mapped = map_request_head(head, {.path_prefix = listener.path_prefix,
                                                 .host_fqdn = listener.host_fqdn,
                                                 .now = core->clock().now(),
                                                 .limits = limits_.primitive});
  if (mapped.refusal) core->count_malformed();
  // Before anything else is said: whose credential has ended learns nothing more (design section 2).
  const Status session = core->check_session(connection);
  if (!session) mapped.refusal = Refusal{Rsc::security_association_required, session.error().detail};
  auto exchange = std::make_unique<PrimitiveExchange>(*this, std::move(mapped), head.method == "HEAD");
  if (!session) exchange->close_after();
  return exchange;
}

void PrimitiveService::refuse(const MappedRequest& mapped, ServerConnection& connection, ResponseForm form,
                              bool close) {
  form.media = mapped.answer_media;
  form.close = close || connection.closes_after_reply();
  std::string out;
  write_refusal(out, mapped.primitive, *mapped.refusal, form);
  connection.reply(out, close);
}

void PrimitiveService::run(MappedRequest& mapped, std::string_view body,
                           std::shared_ptr<ServerConnection> connection) {
  const auto core = core_.lock();
  if (*in_flight_ >= limits_.requests_in_flight) {
    core->count_shed();
    mapped.refusal = Refusal{Rsc::internal_server_error, "too many requests in flight: try again later"};
    return refuse(mapped, *connection, {.http_status = 503, .retry_after_seconds = kRetryAfterSeconds},
                  false);
  }
  if (auto read = map_request_body(mapped, body, limits_.primitive); !read) {
    core->count_malformed();
    mapped.refusal = std::move(read).error();
    return refuse(mapped, *connection, {}, false);
  }
  IncomingRequest request;
  request.security = connection->context();
  request.listener = connection->listener().options.kind;
  request.listener_name = connection->listener().options.name;
  request.peer = connection->peer().text;
  request.peer_ip = connection->peer().ip;
  request.channel = connection;
  request.received = core->clock().now();
  AnswerForm form{mapped.primitive.rqi, mapped.primitive.rvi, mapped.answer_media};
  request.primitive = std::move(mapped.primitive);
  connection->occupy(RequestSlot(in_flight_));
  Answer answer(std::move(connection), std::move(form));
  handler_.handle(std::move(request), [answer = std::move(answer)](ResponsePrimitive response) mutable {
    answer.give(std::move(response));
  });
}

Rsc rsc_of(int status) noexcept {
  switch (status) {
    case 403:
      return Rsc::originator_has_not_registered;
    case 408:
      return Rsc::request_timeout;
    default:
      return Rsc::bad_request;
  }
}

void PrimitiveService::write_error(std::string& out, const HttpError& error, const RequestHead* head) {
  codec::RequestPrimitive request;
  const auto echo = [&](Field field, std::size_t octets) -> std::string {
    if (head == nullptr || !head->fields.has(field)) return {};
    const std::string_view value = head->fields[field];
    return value.size() <= octets && is_field_text(value) ? std::string(value) : std::string();
  };
  request.rqi = echo(Field::m2m_ri, limits_.primitive.id_octets);
  if (auto rvi = echo(Field::m2m_rvi, 16); !rvi.empty()) request.rvi = std::move(rvi);
  const bool head_only = head != nullptr && head->method == "HEAD";
  write_refusal(out, request, {rsc_of(error.status), error.detail},
                {.close = true, .without_body = head_only, .http_status = error.status});
}

}  // namespace

struct HttpServer::Impl {
  Impl(Reactor& reactor, const HttpLimits& limits, RequestHandler& handler, AuditSink& audit,
       const Clock& clock)
      : core(std::make_shared<ServerCore>(reactor, limits, audit, clock)),
        service(handler, core->limits(), core) {}

  std::shared_ptr<ServerCore> core;
  PrimitiveService service;
};

HttpServer::HttpServer(Reactor& reactor, HttpLimits limits, RequestHandler& handler, AuditSink& audit,
                       const Clock& clock)
    : impl_(std::make_shared<Impl>(reactor, limits, handler, audit, clock)) {}

HttpServer::~HttpServer() { impl_->core->stop(); }

Result<std::uint16_t> HttpServer::listen(ListenerOptions options) {
  return impl_->core->listen(std::move(options), impl_->service);
}

void HttpServer::recheck_sessions(std::function<Status(const tls::SecurityContext&)> still_valid) {
  impl_->core->recheck_sessions(std::move(still_valid));
}

void HttpServer::drain(std::chrono::milliseconds limit, Task done) {
  impl_->core->drain(limit, std::move(done));
}

HttpServer::Counters HttpServer::counters() const { return impl_->core->counters(); }

}  // namespace latchkey::bind
