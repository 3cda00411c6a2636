#pragma once
/// What every binding hands to a daemon, and how a daemon sends: primitives with the SecurityContext they
/// came under.
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "latchkey/base/error.h"
#include "latchkey/base/executor.h"
#include "latchkey/base/secret.h"
#include "latchkey/base/unique_function.h"
#include "latchkey/codec/primitive.h"
#include "latchkey/tls/security_context.h"

namespace latchkey::bind {

/// What a listener is for (design section 2).
enum class ListenerKind : std::uint8_t {
  secure,        ///< TLS
  plain,         ///< no TLS: loopback, or `insecure = true` in words
  trusted_unix,  ///< trusted listener on a unix socket (0600, peer uid checked)
  trusted_tcp,   ///< trusted listener on loopback TCP with an exact Host allow-list
};

/// How the peer left a connection.
enum class Departure : std::uint8_t {
  none,     ///< it is there, as far as we know
  orderly,  ///< it ended the connection in order, and had received all that was sent to it
  lost,     ///< it was cut off, or left before it had received everything
};

/// The connection a request came over, for those procedures that need it (RFC 5705 exporter, one key a
/// session; an answer that waits for an event). Reactor's thread.
class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;
  /// Unique in the process for the life of the connection.
  [[nodiscard]] virtual std::uint64_t id() const noexcept = 0;
  /// denied on a channel without TLS.
  [[nodiscard]] virtual Result<SecretBytes> export_key(std::string_view label, std::size_t size) const = 0;
  /// Without TLS also set when the peer has ended its side only: it may still read an answer, or not be
  /// there.
  [[nodiscard]] virtual Departure departure() const noexcept { return Departure::none; }
  /// `departed` is called once, in a turn of its own, when departure() changes from none. Takes the place of
  /// the watch before; forgotten when the connection is destroyed without that.
  virtual void watch(Task departed) { static_cast<void>(departed); }
  /// The request under way waits for an event, as a poll does, and not for this process: until its answer it
  /// counts no more among the requests in flight. Whoever parks requests bounds their number.
  virtual void park() noexcept {}
};

struct IncomingRequest {
  codec::RequestPrimitive primitive;
  tls::SecurityContextPtr security;  ///< never null; framework none without TLS
  ListenerKind listener = ListenerKind::secure;
  std::string listener_name;                            ///< from the configuration
  std::string peer;                                     ///< "address:port" of the socket, or "unix:uid=..."
  std::optional<std::array<std::uint8_t, 16>> peer_ip;  ///< rq_ip, IPv4 mapped
  std::weak_ptr<Channel> channel;
  TimePoint received{};
};

using Respond = UniqueFunction<void(codec::ResponsePrimitive)>;

class RequestHandler {
 public:
  RequestHandler() = default;
  RequestHandler(const RequestHandler&) = delete;
  RequestHandler& operator=(const RequestHandler&) = delete;
  virtual ~RequestHandler() = default;
  /// Reactor's thread. `respond` is called exactly once, now or later, on the reactor's thread; the
  /// connection may be gone by then.
  virtual void handle(IncomingRequest request, Respond respond) = 0;
};

/// The way out: one peer (a registrar, a registree, a MAF, a notification target).
class RequestSender {
 public:
  RequestSender() = default;
  RequestSender(const RequestSender&) = delete;
  RequestSender& operator=(const RequestSender&) = delete;
  virtual ~RequestSender() = default;
  /// `done` is called exactly once on the reactor's thread. unavailable: not connected or lost before an
  /// answer came (the request may have been executed); expired: no answer in time; authentication: the
  /// handshake failed.
  using Done = UniqueFunction<void(Result<codec::ResponsePrimitive>)>;
  virtual void send(codec::RequestPrimitive request, std::chrono::milliseconds timeout, Done done) = 0;
};

}  // namespace latchkey::bind
