#pragma once
/// A server that answers a client under test with whatever octets the test wants.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "support/harness.h"

namespace latchkey::bind::test {

class FakePeer {
 public:
  explicit FakePeer(Reactor& reactor) : reactor_(reactor) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size);
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~FakePeer() {
    for (const int socket : sockets_) ::close(socket);
    ::close(listener_);
  }
  FakePeer(const FakePeer&) = delete;
  FakePeer& operator=(const FakePeer&) = delete;

  /// Waits until `count` connections have come in all.
  bool accept(std::size_t count) {
    return drive(reactor_, [&] {
      for (int socket = 0; socket >= 0;) {
        socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket >= 0) sockets_.push_back(socket);
      }
      return sockets_.size() >= count;
    });
  }
  /// One request head (and whatever came with it) on connection `index`; empty when the connection ended.
  std::string request(std::size_t index = 0) {
    if (!accept(index + 1)) return "<no connection>";
    std::string text;
    drive(reactor_, [&] {
      std::array<char, 65536> buffer;  // NOLINT: written by recv before it is read
      const auto size = ::recv(sockets_[index], buffer.data(), buffer.size(), 0);
      if (size > 0) text.append(buffer.data(), static_cast<std::size_t>(size));
      return size == 0 || (size < 0 && errno != EAGAIN) || text.find("\r\n\r\n") != std::string::npos;
    });
    return text;
  }
  void answer(std::string_view octets, std::size_t index = 0) {
    const auto sent = ::send(sockets_[index], octets.data(), octets.size(), MSG_NOSIGNAL);
    (void)sent;
  }
  void end(std::size_t index = 0) { ::shutdown(sockets_[index], SHUT_RDWR); }
  [[nodiscard]] std::size_t connections() const { return sockets_.size(); }

  std::uint16_t port = 0;

 private:
  Reactor& reactor_;
  int listener_ = -1;
  std::vector<int> sockets_;
};

}  // namespace latchkey::bind::test
