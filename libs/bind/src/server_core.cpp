#include "server_core.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <utility>

#include "latchkey/base/log.h"

namespace latchkey::bind {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTickMin{5};
constexpr milliseconds kTickMax{500};

/// A quarter of the shortest limit: deadlines are looked at, not timed one by one.
milliseconds tick_of(const HttpLimits& limits) {
  const milliseconds shortest =
      std::min({limits.handshake_time, limits.header_time, limits.body_time, limits.idle_time});
  return std::clamp(shortest / 4, kTickMin, kTickMax);
}

std::array<std::uint8_t, 16> source_of(const PeerAddress& peer) {
  std::array<std::uint8_t, 16> source{};
  if (!peer.ip) return source;
  source = *peer.ip;
  const bool v4 =
      std::all_of(source.begin(), source.begin() + 10, [](std::uint8_t octet) { return octet == 0; });
  if (!v4) std::fill(source.begin() + 8, source.end(), std::uint8_t{0});
  return source;
}

tls::SecurityContextPtr context_without_tls(ListenerKind kind) {
  tls::SecurityContext context;
  const bool trusted = kind == ListenerKind::trusted_unix || kind == ListenerKind::trusted_tcp;
  context.framework = trusted ? tls::Framework::trusted_listener : tls::Framework::none;
  return std::make_shared<const tls::SecurityContext>(std::move(context));
}

/// "[::1]" has none, "[::1]:80" has.
bool has_port(const std::string& host) {
  const auto colon = host.rfind(':');
  return colon != std::string::npos && host.find(']', colon) == std::string::npos;
}

bool admits(const ListenerOptions& options, std::uint32_t uid) {
  if (options.uids.empty()) return uid == ::geteuid();
  return std::ranges::find(options.uids, uid) != options.uids.end();
}

}  // namespace

ServerCore::ServerCore(Reactor& reactor, HttpLimits limits, AuditSink& audit, const Clock& clock)
    : reactor_(reactor), limits_(limits), audit_(audit), clock_(clock) {}

Result<std::uint16_t> ServerCore::listen(ListenerOptions options, HttpService& service) {
  const bool secure = options.kind == ListenerKind::secure;
  if (secure != (options.endpoint != nullptr)) {
    return fail(ErrorCode::invalid_argument,
                "listener '" + options.name +
                    "': " + (secure ? "has no TLS endpoint" : "has a TLS endpoint it cannot use"));
  }
  if (options.kind == ListenerKind::trusted_tcp && options.hosts.empty()) {
    return fail(ErrorCode::invalid_argument, "listener '" + options.name + "': no Host values are listed");
  }
  auto listener = std::make_shared<Listener>();
  listener->options = std::move(options);
  listener->service = &service;
  if (!secure) listener->context = context_without_tls(listener->options.kind);
  const std::weak_ptr<ServerCore> weak = weak_from_this();
  auto acceptor = Acceptor::open(
      reactor_, listener->options,
      [weak, listener](Socket socket) {
        if (const auto core = weak.lock()) core->accepted(std::move(socket), listener);
      },
      [weak] {
        if (const auto core = weak.lock()) core->drop_oldest(core->half_open_, "no descriptor is left");
      });
  if (!acceptor) return fail(acceptor.error());
  acceptors_.push_back(*acceptor);
  const std::uint16_t port = (*acceptor)->port();
  const auto hosts = listener->options.hosts;
  for (const auto& host : hosts) {
    if (!has_port(host)) listener->options.hosts.push_back(host + ":" + std::to_string(port));
  }
  return port;
}

void ServerCore::accepted(Socket socket, const std::shared_ptr<const Listener>& listener) {
  if (draining_ || stopped_ || connections_.size() >= limits_.connections) return;  // closes the socket
  PeerAddress peer = peer_of(socket);
  if (peer.text.empty()) return;
  if (!peer.ip && !admits(listener->options, peer.uid)) return audit_uid(*listener, peer);
  boost::system::error_code ignored;
  if (peer.ip) socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  std::unique_ptr<tls::Session> session;
  if (listener->options.endpoint != nullptr) session = listener->options.endpoint->accept(peer.text);
  auto connection = std::make_shared<ServerConnection>(std::move(socket), std::move(session),
                                                       shared_from_this(), listener, std::move(peer));
  ++counters_.connections_total;
  connections_.push_back(connection);
  connection->places.all = std::prev(connections_.end());
  connection->places.checked_generation = generation_;
  if (connection->peer().ip) add_half_open(*connection);
  connection->begin();
  schedule_tick();
}

// --- half-open connections

void ServerCore::add_half_open(ServerConnection& connection) {
  auto& of_source = half_open_by_source_[source_of(connection.peer())];
  of_source.push_back(&connection);
  half_open_.push_back(&connection);
  connection.places.half_open = std::prev(half_open_.end());
  connection.places.half_open_of_source = std::prev(of_source.end());
  connection.places.is_half_open = true;
  if (of_source.size() > limits_.handshakes_per_source) {
    drop_oldest(of_source, "too many half-open connections from this source");
  } else if (half_open_.size() > limits_.handshakes) {
    drop_oldest(half_open_, "too many half-open connections");
  }
}

void ServerCore::drop_oldest(const std::list<ServerConnection*>& half_open, const char* why) {
  if (half_open.empty()) return;
  const auto oldest = half_open.front()->self();
  oldest->drop(why);
}

void ServerCore::no_longer_half_open(ServerConnection& connection) {
  if (!std::exchange(connection.places.is_half_open, false)) return;
  const auto source = half_open_by_source_.find(source_of(connection.peer()));
  source->second.erase(connection.places.half_open_of_source);
  if (source->second.empty()) half_open_by_source_.erase(source);
  half_open_.erase(connection.places.half_open);
}

void ServerCore::remove(ServerConnection& connection) {
  no_longer_half_open(connection);
  if (connection.places.all == connections_.end()) return;
  const auto place = std::exchange(connection.places.all, connections_.end());
  connections_.erase(place);
  maybe_drained();
}

// --- time

void ServerCore::schedule_tick() {
  if (tick_timer_ != Executor::TimerId::none) return;
  tick_timer_ = reactor_.after(tick_of(limits_), [weak = weak_from_this()] {
    if (const auto core = weak.lock()) core->tick();
  });
}

void ServerCore::tick() {
  tick_timer_ = Executor::TimerId::none;
  const SteadyTime now = std::chrono::steady_clock::now();
  for (auto at = connections_.begin(); at != connections_.end();) {
    const std::shared_ptr<ServerConnection> connection = *at++;  // which may remove itself
    connection->check_deadline(now);
  }
  if (!connections_.empty()) schedule_tick();
}

// --- policy

void ServerCore::recheck_sessions(std::function<Status(const tls::SecurityContext&)> still_valid) {
  ++generation_;
  still_valid_ = std::move(still_valid);
}

Status ServerCore::check_session(ServerConnection& connection) {
  const auto context = connection.context();
  Status valid;
  if (context->valid_until && *context->valid_until <= clock_.now()) {
    valid = fail(ErrorCode::expired, "the credential of this session has expired");
  } else if (connection.places.checked_generation != generation_) {
    if (connection.is_secure())
      valid = connection.listener().options.endpoint->recheck(*connection.session());
    if (valid && still_valid_) valid = still_valid_(*context);
    if (valid) connection.places.checked_generation = generation_;
  }
  if (!valid) audit_closed(connection, valid.error());
  return valid;
}

void ServerCore::audit_closed(const ServerConnection& connection, const Error& why) {
  const auto context = connection.context();
  AuditEvent event;
  event.id = AuditEventId::session_closed_by_policy;
  event.time = clock_.now();
  if (context->identity) event.originator = latchkey::to_string(*context->identity);
  event.peer = connection.peer().text;
  event.target = context->cipher_suite;
  event.credential_id = context->credential_id ? context->credential_id->text() : context->psk_identity;
  event.reason = why.detail;
  event.status = static_cast<int>(codec::Rsc::security_association_required);
  audit_.record(std::move(event));
}

void ServerCore::audit_uid(const Listener& listener, const PeerAddress& peer) {
  AuditEvent event;
  event.id = AuditEventId::handshake_refused;
  event.time = clock_.now();
  event.peer = peer.text;
  event.operation = "accept";
  event.target = listener.options.name;
  event.reason = "the listener does not admit this user";
  audit_.record(std::move(event));
}

// --- end

void ServerCore::drain(milliseconds limit, Task done) {
  draining_ = true;
  drained_ = std::move(done);
  for (const auto& acceptor : acceptors_) acceptor->close();
  acceptors_.clear();
  const auto connections = connections_;
  for (const auto& connection : connections) connection->finish_if_idle();
  drain_timer_ = reactor_.after(limit, [weak = weak_from_this()] {
    const auto core = weak.lock();
    if (!core) return;
    const auto left = core->connections_;
    if (!left.empty())
      log::warning("http", std::to_string(left.size()) + " connections were cut off by the shutdown");
    for (const auto& connection : left) connection->drop("the server is shutting down");
    core->maybe_drained();
  });
  maybe_drained();
}

void ServerCore::maybe_drained() {
  if (!draining_ || !drained_ || !connections_.empty()) return;
  reactor_.cancel(drain_timer_);
  reactor_.post(std::exchange(drained_, {}));
}

void ServerCore::stop() {
  stopped_ = true;
  drained_ = {};
  reactor_.cancel(tick_timer_);
  reactor_.cancel(drain_timer_);
  for (const auto& acceptor : acceptors_) acceptor->close();
  acceptors_.clear();
  const auto connections = connections_;
  for (const auto& connection : connections) connection->drop("the server is gone");
}

HttpServer::Counters ServerCore::counters() const {
  HttpServer::Counters counters = counters_;
  counters.connections_open = connections_.size();
  return counters;
}

}  // namespace latchkey::bind
