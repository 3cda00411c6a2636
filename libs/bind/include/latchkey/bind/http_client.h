#pragma once
/// HTTP binding, client side (TS-0009): keep-alive connections to one peer, made anew when lost.
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "latchkey/bind/reactor.h"
#include "latchkey/bind/request.h"
#include "latchkey/tls/endpoint.h"

namespace latchkey::bind {

struct PeerOptions {
  std::string address;  ///< IP address or host name to connect to; a path for a unix socket
  std::uint16_t port = 0;
  std::string host;  ///< Host header and SNI: the peer's identity as a name, apart from `address`
  std::string path_prefix;
  /// Called before each new connection, so that a renewed key or certificate is used; nullptr: plain HTTP.
  std::function<Result<tls::ClientOptions>()> credentials;
  std::size_t connections = 4;  ///< at most; 1 where the exporter of the session matters
  std::size_t queue = 1'000;    ///< requests waiting for a connection; above it: unavailable
  std::chrono::milliseconds connect_time{5'000};
  std::chrono::milliseconds idle_time{60'000};
  codec::PrimitiveLimits limits;
};

class HttpClient final : public RequestSender {
 public:
  HttpClient(Reactor& reactor, PeerOptions options, AuditSink& audit, const Clock& clock);
  ~HttpClient() override;

  void send(codec::RequestPrimitive request, std::chrono::milliseconds timeout, Done done) override;
  /// Makes sure that a connection is up; used with connections = 1 before export_key.
  void connect(UniqueFunction<void(Status)> done);
  /// Of the established connection (connections = 1); unavailable when there is none.
  [[nodiscard]] Result<SecretBytes> export_key(std::string_view label, std::size_t size) const;
  [[nodiscard]] tls::SecurityContextPtr context() const;
  /// Closes every connection; the next send opens a new one with fresh credentials.
  void disconnect();
  /// As disconnect(), but a connection that carries a request is closed only when that is answered.
  void renew();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace latchkey::bind
