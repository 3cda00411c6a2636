#include "latchkey/bind/http_client.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <deque>
#include <list>
#include <utility>
#include <vector>

#include "client_connection.h"
#include "dialer.h"
#include "http_mapping.h"

namespace latchkey::bind {
namespace {

using codec::ResponsePrimitive;
using std::chrono::milliseconds;

/// An idle connection younger than this is used without a look at whether the peer has ended it.
constexpr milliseconds kTrustedIdleTime{500};

bool is_repeatable(codec::Operation op) noexcept {
  return op == codec::Operation::retrieve || op == codec::Operation::update || op == codec::Operation::del;
}

/// The Host without its port, unless that is an IP address: SNI names hosts only (RFC 6066 3).
std::string server_name_of(std::string_view host) {
  if (host.starts_with('[')) return {};
  const std::string name(host.substr(0, host.find(':')));
  boost::system::error_code no_ip;
  [[maybe_unused]] const auto ip = asio::ip::make_address(name, no_ip);
  return no_ip ? name : std::string();
}

}  // namespace

struct HttpClient::Impl final : ClientEvents, std::enable_shared_from_this<HttpClient::Impl> {
  using Connections = std::list<std::shared_ptr<ClientConnection>>;

  Impl(Reactor& the_reactor, PeerOptions peer, AuditSink& the_audit, const Clock& the_clock);

  void send(codec::RequestPrimitive request, milliseconds timeout, Done done);
  void connect(UniqueFunction<void(Status)> done);
  void disconnect();
  void renew();
  void stop();
  [[nodiscard]] std::shared_ptr<ClientConnection> established() const;

  void ready(ClientConnection& connection) override;
  void answered(ClientConnection& connection, const ClientRequestPtr& request,
                Result<ResponsePrimitive> answer) override;
  void lost(ClientConnection& connection, const ClientRequestPtr& request) override;

 private:
  void settle(const ClientRequestPtr& request, Result<ResponsePrimitive> answer);
  void settle_later(Done done, Error error);
  void expire(const std::weak_ptr<ClientRequest>& request);
  void pump();
  [[nodiscard]] std::shared_ptr<ClientConnection> idle_connection();
  void dial();
  void dialled(const std::shared_ptr<Dialer>& dialer, Result<Socket> socket);
  [[nodiscard]] Result<std::unique_ptr<tls::Session>> make_session();
  void watch_handshake(const std::shared_ptr<ClientConnection>& connection);
  void not_connected(const Error& error);
  void forget(const ClientConnection& connection);
  void close_idle();
  void schedule_idle_check();
  [[nodiscard]] std::size_t being_made() const;

  Reactor& reactor_;
  PeerOptions options_;
  AuditSink& audit_;
  const Clock& clock_;
  std::string host_;
  std::deque<ClientRequestPtr> queue_;
  std::vector<UniqueFunction<void(Status)>> waiting_;
  std::list<std::shared_ptr<Dialer>> dialers_;
  Connections connections_;
  Executor::TimerId idle_timer_ = Executor::TimerId::none;
  milliseconds handshake_time_{15'000};
  bool stopped_ = false;
};

HttpClient::Impl::Impl(Reactor& the_reactor, PeerOptions peer, AuditSink& the_audit, const Clock& the_clock)
    : reactor_(the_reactor),
      options_(std::move(peer)),
      audit_(the_audit),
      clock_(the_clock),
      host_(options_.host) {
  if (host_.empty()) host_ = options_.address.find('/') == std::string::npos ? options_.address : "localhost";
  while (options_.path_prefix.ends_with('/')) options_.path_prefix.pop_back();
  options_.connections = std::max<std::size_t>(options_.connections, 1);
}

// --- requests

void HttpClient::Impl::send(codec::RequestPrimitive request, milliseconds timeout, Done done) {
  auto pending = std::make_shared<ClientRequest>();
  const auto written =
      write_request(pending->wire, request, {.host = host_, .path_prefix = options_.path_prefix});
  if (!written) return settle_later(std::move(done), written.error());
  if (queue_.size() >= options_.queue) {
    return settle_later(std::move(done), {ErrorCode::unavailable, "too many requests wait for this peer"});
  }
  pending->confidential = request.confidential;
  if (request.confidential) codec::wipe(request.pc);
  pending->rqi = std::move(request.rqi);
  pending->repeatable = is_repeatable(request.op);
  pending->done = std::move(done);
  pending->timer = reactor_.after(timeout, [weak = weak_from_this(), late = std::weak_ptr(pending)] {
    if (const auto impl = weak.lock()) impl->expire(late);
  });
  queue_.push_back(std::move(pending));
  pump();
}

/// Never from within send(): its caller is not ready for the answer yet.
void HttpClient::Impl::settle_later(Done done, Error error) {
  reactor_.post(
      [done = std::move(done), error = std::move(error)]() mutable { done(fail(std::move(error))); });
}

void HttpClient::Impl::settle(const ClientRequestPtr& request, Result<ResponsePrimitive> answer) {
  if (!request || !request->done) return;
  reactor_.cancel(request->timer);
  if (request->confidential) wipe(request->wire.data(), request->wire.size());
  Done done = std::exchange(request->done, {});
  done(std::move(answer));
}

void HttpClient::Impl::expire(const std::weak_ptr<ClientRequest>& late) {
  const ClientRequestPtr request = late.lock();
  if (!request) return;
  std::erase(queue_, request);
  const auto busy =
      std::ranges::find_if(connections_, [&](const auto& c) { return c->request() == request; });
  if (busy != connections_.end()) {
    // Its late answer would be taken for that of the next request.
    const auto connection = *busy;
    connections_.erase(busy);
    connection->close();
  }
  settle(request, fail(ErrorCode::expired, "no answer in time"));
  pump();
}

std::shared_ptr<ClientConnection> HttpClient::Impl::idle_connection() {
  const auto now = std::chrono::steady_clock::now();
  for (auto at = connections_.begin(); at != connections_.end();) {
    const auto connection = *at++;
    if (!connection->is_idle()) continue;
    if (now - connection->idle_since() < kTrustedIdleTime || !connection->input_waiting()) return connection;
    connection->close();
    forget(*connection);
  }
  return nullptr;
}

void HttpClient::Impl::pump() {
  if (stopped_) return;
  while (!queue_.empty()) {
    const auto connection = idle_connection();
    if (!connection) break;
    const ClientRequestPtr request = queue_.front();
    queue_.pop_front();
    connection->carry(request);
  }
  const auto room = [this] { return connections_.size() + dialers_.size() < options_.connections; };
  while (being_made() < std::max<std::size_t>(queue_.size(), waiting_.empty() ? 0 : 1) && room()) dial();
}

std::size_t HttpClient::Impl::being_made() const {
  const auto handshaking =
      std::ranges::count_if(connections_, [](const auto& connection) { return !connection->is_ready(); });
  return dialers_.size() + static_cast<std::size_t>(handshaking);
}

// --- connections

void HttpClient::Impl::dial() {
  const auto dialer = std::make_shared<Dialer>(reactor_);
  dialers_.push_back(dialer);
  dialer->dial(options_.address, options_.port, options_.connect_time,
               [weak = weak_from_this(), made = std::weak_ptr(dialer)](Result<Socket> socket) {
                 const auto impl = weak.lock();
                 if (impl) impl->dialled(made.lock(), std::move(socket));
               });
}

void HttpClient::Impl::dialled(const std::shared_ptr<Dialer>& dialer, Result<Socket> socket) {
  std::erase(dialers_, dialer);
  if (!socket) return not_connected(socket.error());
  auto session = make_session();
  if (!session) return not_connected(session.error());
  const auto connection = std::make_shared<ClientConnection>(*std::move(socket), *std::move(session),
                                                             weak_from_this(), options_.limits);
  connections_.push_back(connection);
  if (connection->is_secure()) watch_handshake(connection);
  connection->start();
}

Result<std::unique_ptr<tls::Session>> HttpClient::Impl::make_session() {
  if (!options_.credentials) return std::unique_ptr<tls::Session>();
  auto credentials = options_.credentials();
  if (!credentials) return fail("credentials", credentials.error());
  if (credentials->server_name.empty()) credentials->server_name = server_name_of(host_);
  handshake_time_ = credentials->limits.handshake_time;
  return tls::connect(*std::move(credentials), audit_, clock_);
}

void HttpClient::Impl::watch_handshake(const std::shared_ptr<ClientConnection>& connection) {
  reactor_.after(handshake_time_, [weak = weak_from_this(), made = std::weak_ptr(connection)] {
    const auto impl = weak.lock();
    const auto late = made.lock();
    if (!impl || !late || late->is_ready() || !late->is_open()) return;
    late->abandon("the handshake took too long");
    late->close();
    impl->lost(*late, nullptr);
  });
}

void HttpClient::Impl::ready(ClientConnection&) {
  for (auto& done : std::exchange(waiting_, {})) done(Status());
  schedule_idle_check();
  pump();
}

void HttpClient::Impl::answered(ClientConnection& connection, const ClientRequestPtr& request,
                                Result<ResponsePrimitive> answer) {
  if (!connection.is_open()) forget(connection);
  settle(request, std::move(answer));
  pump();
}

void HttpClient::Impl::lost(ClientConnection& connection, const ClientRequestPtr& request) {
  forget(connection);
  if (stopped_) return;
  if (request && request->done) {
    if (connection.may_repeat(*request)) {
      request->repeated = true;
      queue_.push_front(request);
    } else {
      settle(request, fail(ErrorCode::unavailable, "the connection was lost: " + connection.failure()));
    }
  } else if (!connection.was_ready()) {
    const auto code = connection.failed_in_tls() ? ErrorCode::authentication : ErrorCode::unavailable;
    return not_connected({code, options_.address + ": " + connection.failure()});
  }
  pump();
}

/// Nobody waits for a peer that cannot be reached, unless another connection is up or on its way.
void HttpClient::Impl::not_connected(const Error& error) {
  if (!dialers_.empty() || !connections_.empty()) return;
  for (auto& done : std::exchange(waiting_, {})) done(fail(error));
  for (const auto& request : std::exchange(queue_, {})) settle(request, fail(error));
}

void HttpClient::Impl::forget(const ClientConnection& connection) {
  std::erase_if(connections_, [&](const auto& entry) { return entry.get() == &connection; });
}

std::shared_ptr<ClientConnection> HttpClient::Impl::established() const {
  const auto found = std::ranges::find_if(connections_, [](const auto& entry) { return entry->is_ready(); });
  return found == connections_.end() ? nullptr : *found;
}

void HttpClient::Impl::schedule_idle_check() {
  if (idle_timer_ != Executor::TimerId::none) return;
  idle_timer_ = reactor_.after(options_.idle_time, [weak = weak_from_this()] {
    if (const auto impl = weak.lock()) impl->close_idle();
  });
}

/// Looked at once in idle_time: a connection goes after one to two of it.
void HttpClient::Impl::close_idle() {
  idle_timer_ = Executor::TimerId::none;
  const auto now = std::chrono::steady_clock::now();
  const auto connections = connections_;
  for (const auto& connection : connections) {
    if (!connection->is_idle() || now - connection->idle_since() < options_.idle_time) continue;
    connection->end();
    forget(*connection);
  }
  if (!connections_.empty()) schedule_idle_check();
}

void HttpClient::Impl::connect(UniqueFunction<void(Status)> done) {
  if (established()) {
    reactor_.post([done = std::move(done)]() mutable { done(Status()); });
    return;
  }
  waiting_.push_back(std::move(done));
  pump();
}

void HttpClient::Impl::disconnect() {
  for (const auto& connection : std::exchange(connections_, {})) {
    const ClientRequestPtr request = connection->request();
    connection->end();
    if (request && request->done) {
      reactor_.cancel(request->timer);
      settle_later(std::exchange(request->done, {}), {ErrorCode::unavailable, "disconnected"});
    }
  }
  pump();
}

void HttpClient::Impl::renew() {
  const auto connections = connections_;
  for (const auto& connection : connections) {
    if (connection->request()) {
      connection->end_after_answer();
    } else {
      connection->end();
      forget(*connection);
    }
  }
  pump();
}

void HttpClient::Impl::stop() {
  stopped_ = true;
  reactor_.cancel(idle_timer_);
  for (const auto& dialer : std::exchange(dialers_, {})) dialer->cancel();
  disconnect();
  const Error gone{ErrorCode::unavailable, "the client was closed"};
  for (const auto& request : std::exchange(queue_, {})) {
    reactor_.cancel(request->timer);
    settle_later(std::exchange(request->done, {}), gone);
  }
  for (auto& done : std::exchange(waiting_, {})) {
    reactor_.post([done = std::move(done), gone]() mutable { done(fail(gone)); });
  }
}

// --- HttpClient

HttpClient::HttpClient(Reactor& reactor, PeerOptions options, AuditSink& audit, const Clock& clock)
    : impl_(std::make_shared<Impl>(reactor, std::move(options), audit, clock)) {}

HttpClient::~HttpClient() { impl_->stop(); }

void HttpClient::send(codec::RequestPrimitive request, milliseconds timeout, Done done) {
  impl_->send(std::move(request), timeout, std::move(done));
}

void HttpClient::connect(UniqueFunction<void(Status)> done) { impl_->connect(std::move(done)); }

Result<SecretBytes> HttpClient::export_key(std::string_view label, std::size_t size) const {
  const auto connection = impl_->established();
  if (!connection) return fail(ErrorCode::unavailable, "not connected");
  return connection->export_key(label, size);
}

tls::SecurityContextPtr HttpClient::context() const {
  const auto connection = impl_->established();
  return connection && connection->is_secure() ? connection->session()->context() : nullptr;
}

void HttpClient::disconnect() { impl_->disconnect(); }

void HttpClient::renew() { impl_->renew(); }

}  // namespace latchkey::bind
