#include "dialer.h"

#include <sys/un.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace latchkey::bind {

using boost::system::error_code;

Dialer::Dialer(Reactor& reactor)
    : reactor_(reactor),
      resolver_(reactor.impl().io.get_executor()),
      socket_(reactor.impl().io.get_executor()) {}

void Dialer::dial(const std::string& address, std::uint16_t port, std::chrono::milliseconds limit,
                  Done done) {
  done_ = std::move(done);
  name_ = address.find('/') != std::string::npos ? address : address + ":" + std::to_string(port);
  timer_ = reactor_.after(limit, [self = shared_from_this()] {
    self->finish(fail(ErrorCode::unavailable, self->name_ + ": no connection in time"));
  });
  if (address.find('/') != std::string::npos) {
    if (address.size() >= sizeof(sockaddr_un::sun_path)) {
      last_error_ = "the path is too long";
    } else {
      endpoints_.emplace_back(asio::local::stream_protocol::endpoint(address));
    }
  } else {
    error_code error;
    const auto ip = asio::ip::make_address(address, error);
    if (error) return resolve(address, port);
    endpoints_.emplace_back(asio::ip::tcp::endpoint(ip, port));
  }
  reactor_.post([self = shared_from_this()] { self->try_next(); });
}

void Dialer::resolve(const std::string& host, std::uint16_t port) {
  resolver_.async_resolve(
      host, std::to_string(port), asio::ip::resolver_base::numeric_service,
      [self = shared_from_this()](const error_code& error, const Resolver::results_type& found) {
        if (error) self->last_error_ = error.message();
        for (const auto& entry : found) self->endpoints_.emplace_back(entry.endpoint());
        self->try_next();
      });
}

void Dialer::try_next() {
  if (!done_) return;
  if (next_ == endpoints_.size()) return finish(fail(ErrorCode::unavailable, name_ + ": " + last_error_));
  const auto& endpoint = endpoints_[next_++];
  error_code ignored;
  socket_.close(ignored);
  // async_connect opens the socket with the endpoint's own family.
  socket_.async_connect(endpoint, [self = shared_from_this()](const error_code& error) {
    if (!self->done_) return;
    if (error) {
      self->last_error_ = error.message();
      return self->try_next();
    }
    error_code not_tcp;
    self->socket_.set_option(asio::ip::tcp::no_delay(true), not_tcp);
    self->finish(std::move(self->socket_));
  });
}

void Dialer::finish(Result<Socket> result) {
  if (!done_) return;
  const auto keep = shared_from_this();
  Done done = std::exchange(done_, {});
  cancel();
  done(std::move(result));
}

void Dialer::cancel() {
  done_ = {};
  reactor_.cancel(timer_);
  resolver_.cancel();
  error_code ignored;
  if (socket_.is_open()) socket_.close(ignored);
}

}  // namespace latchkey::bind
