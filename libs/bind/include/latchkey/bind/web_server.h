#pragma once
/// HTTP that carries no primitives: what a server of the underlying network calls back with (Mcn).
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "latchkey/base/audit.h"
#include "latchkey/base/error.h"
#include "latchkey/bind/http_server.h"
#include "latchkey/bind/reactor.h"

namespace latchkey::bind {

struct WebRequest {
  std::string method, target;        ///< as they stand in the request line
  std::string content_type;          ///< empty: none
  std::string body;                  ///< at most HttpLimits::primitive.octets
  tls::SecurityContextPtr security;  ///< never null; framework none without TLS
  std::string peer;                  ///< "address:port"
};
struct WebAnswer {
  int status = 204;
  std::string content_type{};  ///< with a body only
  std::string body{};
};

class WebServer {
 public:
  /// `respond` is called exactly once, now or later, on the reactor's thread; an answer that cannot be
  /// carried becomes 500.
  using Respond = UniqueFunction<void(WebAnswer)>;
  using Handler = std::function<void(WebRequest, Respond)>;

  /// `audit`, `clock` and `reactor` outlive the server.
  WebServer(Reactor& reactor, HttpLimits limits, Handler handler, AuditSink& audit, const Clock& clock);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  /// Kinds `secure` and `plain`. Returns the port. invalid_argument: a plain listener beyond loopback.
  [[nodiscard]] Result<std::uint16_t> listen(ListenerOptions options);
  /// See HttpServer::recheck_sessions.
  void recheck_sessions(std::function<Status(const tls::SecurityContext&)> still_valid);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace latchkey::bind
