#pragma once
/// A listening socket, TCP or unix. Reactor's thread only.
#include <boost/asio/basic_socket_acceptor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "latchkey/bind/http_server.h"
#include "server_connection.h"
#include "stream.h"

namespace latchkey::bind {

class Acceptor final : public std::enable_shared_from_this<Acceptor> {
 public:
  using Accepted = std::function<void(Socket)>;
  /// `out_of_sockets` may free one: the process has no descriptor left for a peer that waits.
  [[nodiscard]] static Result<std::shared_ptr<Acceptor>> open(Reactor& reactor,
                                                              const ListenerOptions& options,
                                                              Accepted accepted,
                                                              std::function<void()> out_of_sockets);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  void close();

 private:
  using Raw = asio::basic_socket_acceptor<asio::generic::stream_protocol, asio::io_context::executor_type>;
  explicit Acceptor(Reactor& reactor);
  [[nodiscard]] Status open_tcp(const ListenerOptions& options);
  [[nodiscard]] Status open_unix(const std::string& path);
  [[nodiscard]] Status bind_and_listen(const Raw::endpoint_type& endpoint, const std::string& name);
  void accept_next();

  Reactor& reactor_;
  Raw raw_;
  Accepted accepted_;
  std::function<void()> out_of_sockets_;
  std::uint16_t port_ = 0;
  std::string unix_path_;  ///< ours to remove
  std::uint64_t unix_inode_ = 0;
};

/// Who is at the other end, from the kernel; without text when the peer has gone already.
[[nodiscard]] PeerAddress peer_of(Socket& socket);

}  // namespace latchkey::bind
