#pragma once
/// Everything that the connections of one server share: listeners, caps, deadlines, drain. Reactor's thread
/// only.
#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "acceptor.h"
#include "latchkey/base/audit.h"
#include "latchkey/bind/http_server.h"
#include "reactor_impl.h"
#include "server_connection.h"

namespace latchkey::bind {

class ServerCore final : public std::enable_shared_from_this<ServerCore> {
 public:
  ServerCore(Reactor& reactor, HttpLimits limits, AuditSink& audit, const Clock& clock);

  [[nodiscard]] Result<std::uint16_t> listen(ListenerOptions options, HttpService& service);
  void recheck_sessions(std::function<Status(const tls::SecurityContext&)> still_valid);
  /// Whether the connection may carry one more request: expiry always, the rest once after each reload. A
  /// refusal is audited.
  [[nodiscard]] Status check_session(ServerConnection& connection);
  void drain(std::chrono::milliseconds limit, Task done);
  /// The server goes: nothing calls back any more.
  void stop();

  void no_longer_half_open(ServerConnection& connection);
  void remove(ServerConnection& connection);
  /// Runs `task` in a turn of its own.
  void post(Task task) { reactor_.post(std::move(task)); }
  void count_request() noexcept { ++counters_.requests; }
  void count_malformed() noexcept { ++counters_.malformed; }
  void count_failed_handshake() noexcept { ++counters_.handshakes_failed; }
  void count_shed() noexcept { ++counters_.shed; }
  [[nodiscard]] HttpServer::Counters counters() const;

  [[nodiscard]] const HttpLimits& limits() const noexcept { return limits_; }
  [[nodiscard]] bool is_draining() const noexcept { return draining_; }
  [[nodiscard]] const Clock& clock() const noexcept { return clock_; }

 private:
  /// An IPv4 address, or the /64 that one owner of IPv6 addresses can fill at will.
  using Source = std::array<std::uint8_t, 16>;

  void accepted(Socket socket, const std::shared_ptr<const Listener>& listener);
  void add_half_open(ServerConnection& connection);
  void drop_oldest(const std::list<ServerConnection*>& half_open, const char* why);
  void tick();
  void schedule_tick();
  void maybe_drained();
  void audit_closed(const ServerConnection& connection, const Error& why);
  void audit_uid(const Listener& listener, const PeerAddress& peer);

  Reactor& reactor_;
  const HttpLimits limits_;
  AuditSink& audit_;
  const Clock& clock_;
  std::vector<std::shared_ptr<Acceptor>> acceptors_;
  std::list<std::shared_ptr<ServerConnection>> connections_;
  std::list<ServerConnection*> half_open_;  ///< oldest first
  std::map<Source, std::list<ServerConnection*>> half_open_by_source_;
  std::uint64_t generation_ = 0;
  std::function<Status(const tls::SecurityContext&)> still_valid_;
  HttpServer::Counters counters_;
  Executor::TimerId tick_timer_ = Executor::TimerId::none;
  Executor::TimerId drain_timer_ = Executor::TimerId::none;
  Task drained_;
  bool draining_ = false;
  bool stopped_ = false;
};

}  // namespace latchkey::bind
