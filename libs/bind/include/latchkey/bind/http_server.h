#pragma once
/// HTTP binding, server side (TS-0009) over TLS, plain TCP or a unix socket.
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "latchkey/base/audit.h"
#include "latchkey/bind/reactor.h"
#include "latchkey/bind/request.h"
#include "latchkey/tls/endpoint.h"

namespace latchkey::bind {

struct HttpLimits {
  std::size_t header_octets = 16U << 10U;
  std::size_t header_fields = 64;
  std::size_t connections = 10'000;  ///< all listeners together; above it new ones are closed at once
  std::size_t handshakes = 2'000;    ///< half-open at once, the oldest are dropped first
  std::size_t handshakes_per_source = 200;
  std::size_t requests_in_flight = 2'000;            ///< above it: 503 with Retry-After, nothing is done
  std::chrono::milliseconds handshake_time{15'000};  ///< also while a key is fetched
  std::chrono::milliseconds header_time{
      10'000};  ///< from the first octet of a request to the end of its header
  std::chrono::milliseconds body_time{30'000};
  std::chrono::milliseconds idle_time{120'000};  ///< keep-alive
  codec::PrimitiveLimits primitive;
};

struct ListenerOptions {
  std::string name;
  ListenerKind kind = ListenerKind::secure;
  std::string address;              ///< IP address, or the path of a unix socket
  std::uint16_t port = 0;           ///< 0: any free one
  std::vector<std::string> hosts;   ///< trusted_tcp: exact Host values (without port: at the port of the
                                    ///< listener); a request with Origin is refused
  std::vector<std::uint32_t> uids;  ///< trusted_unix: admitted peer uids; empty: our own
  tls::ServerEndpoint* endpoint = nullptr;  ///< secure only; outlives the server
  std::string path_prefix;                  ///< of the pointOfAccess, removed before mapping
  std::string host_fqdn;                    ///< MAF: a path "/-/..." means "//<host_fqdn>/-/..."
};

class HttpServer {
 public:
  /// `handler`, `audit`, `clock` and `reactor` outlive the server.
  HttpServer(Reactor& reactor, HttpLimits limits, RequestHandler& handler, AuditSink& audit,
             const Clock& clock);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Returns the port (0 for a unix socket).
  [[nodiscard]] Result<std::uint16_t> listen(ListenerOptions options);
  /// After a reload: each session is checked before its next request, by ServerEndpoint::recheck for
  /// certificates and by `still_valid` for every kind; a refused one is answered 4107 once and closed. Expiry
  /// (valid_until) is checked on every request without this.
  void recheck_sessions(std::function<Status(const tls::SecurityContext&)> still_valid);
  /// SIGTERM: no new connections, requests in flight are answered, idle connections are closed; then `done`,
  /// at the latest after `limit`.
  void drain(std::chrono::milliseconds limit, Task done);

  struct Counters {
    std::uint64_t connections_open = 0, connections_total = 0, handshakes_failed = 0, requests = 0, shed = 0,
                  malformed = 0;
  };
  [[nodiscard]] Counters counters() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace latchkey::bind
