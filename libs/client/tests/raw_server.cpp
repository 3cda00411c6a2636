#include "support/raw_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace latchkey::client::test {

RawServer::RawServer(bind::Reactor& reactor) : reactor_(reactor) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size);
  ::listen(listener_, 16);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  turn();
}

RawServer::~RawServer() {
  reactor_.cancel(timer_);
  for (const auto& connection : open_)
    if (connection.socket >= 0) ::close(connection.socket);
  ::close(listener_);
}

void RawServer::turn() {
  for (int socket = 0; socket >= 0;) {
    socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) break;
    ++connections;
    open_.push_back({socket, {}});
  }
  for (auto& connection : open_) serve(connection);
  timer_ = reactor_.after(std::chrono::milliseconds(1), [this] { turn(); });
}

void RawServer::serve(Connection& connection) {
  if (connection.socket < 0) return;
  std::array<char, 65536> buffer;  // NOLINT: written by recv before it is read
  const auto size = ::recv(connection.socket, buffer.data(), buffer.size(), 0);
  if (size > 0) connection.received.append(buffer.data(), static_cast<std::size_t>(size));
  const bool ended = size == 0 || (size < 0 && errno != EAGAIN);
  const auto end = connection.received.find("\r\n\r\n");
  std::string octets = ended ? "" : kSilence;
  if (end != std::string::npos && answer) {
    heads.push_back(connection.received.substr(0, end + 4));
    connection.received.clear();
    octets = answer(heads.back());
  }
  if (octets == kSilence) return;
  if (!octets.empty()) {
    const auto sent = ::send(connection.socket, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(octets.size())) return;
  }
  ::close(connection.socket);
  connection.socket = -1;
}

std::string http_answer(const std::string& head, const std::string& status, const std::string& more,
                        const std::string& body) {
  const auto at = head.find("X-M2M-RI: ");
  const auto rqi =
      at == std::string::npos ? std::string() : head.substr(at + 10, head.find('\r', at) - at - 10);
  return "HTTP/1.1 " + status + "\r\nX-M2M-RI: " + rqi + "\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace latchkey::client::test
