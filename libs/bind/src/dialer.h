#pragma once
/// From an address to a connected socket, within a time. Reactor's thread only.
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "latchkey/base/unique_function.h"
#include "reactor_impl.h"
#include "stream.h"

namespace latchkey::bind {

class Dialer final : public std::enable_shared_from_this<Dialer> {
 public:
  using Done = UniqueFunction<void(Result<Socket>)>;
  explicit Dialer(Reactor& reactor);

  /// An IP address, a host name (looked up without blocking; its addresses are tried in turn), or the path of
  /// a unix socket. `done` is called once and later, unless cancel() comes first. unavailable: not reached.
  void dial(const std::string& address, std::uint16_t port, std::chrono::milliseconds limit, Done done);
  void cancel();

 private:
  using Resolver = asio::ip::basic_resolver<asio::ip::tcp, asio::io_context::executor_type>;
  void resolve(const std::string& host, std::uint16_t port);
  void try_next();
  void finish(Result<Socket> result);

  Reactor& reactor_;
  Resolver resolver_;
  Socket socket_;
  std::vector<asio::generic::stream_protocol::endpoint> endpoints_;
  std::size_t next_ = 0;
  std::string last_error_ = "it has no address";
  std::string name_;
  Executor::TimerId timer_ = Executor::TimerId::none;
  Done done_;
};

}  // namespace latchkey::bind
