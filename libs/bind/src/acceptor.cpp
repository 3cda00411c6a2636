#include "acceptor.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstring>
#include <utility>

#include "latchkey/base/log.h"

namespace latchkey::bind {
namespace {

using boost::system::error_code;

constexpr std::chrono::milliseconds kOutOfSocketsPause{50};

Error os_error(const std::string& what, const error_code& code) {
  return {ErrorCode::io, what + ": " + code.message()};
}

bool is_same_file(const std::string& path, std::uint64_t inode) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode) && info.st_ino == inode;
}

/// A socket file that nobody listens on any more is removed; anything else at that path is not ours.
Status clear_stale(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) return fail(ErrorCode::conflict, path + " exists and is no socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return fail(ErrorCode::io, std::string("socket: ") + std::strerror(errno));
  const int result = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = result == 0 ? 0 : errno;
  ::close(probe);
  if (error != ECONNREFUSED) return fail(ErrorCode::conflict, path + " is in use");
  if (::unlink(path.c_str()) != 0) return fail(ErrorCode::io, path + ": " + std::strerror(errno));
  return {};
}

std::array<std::uint8_t, 16> mapped(const in_addr& address) {
  std::array<std::uint8_t, 16> ip{};
  ip[10] = ip[11] = 0xff;
  std::memcpy(ip.data() + 12, &address, 4);
  return ip;
}

PeerAddress unix_peer(Socket& socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  PeerAddress peer;
  peer.uid = UINT32_MAX;  // nobody's, should the kernel not answer
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
    peer.uid = credentials.uid;
  }
  peer.text = "unix:uid=" + std::to_string(peer.uid);
  return peer;
}

PeerAddress ip_peer(const sockaddr* address) {
  PeerAddress peer;
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    peer.ip = mapped(v4.sin_addr);
    peer.text = std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  } else {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    peer.ip.emplace();
    std::memcpy(peer.ip->data(), &v6.sin6_addr, peer.ip->size());
    peer.text = "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  return peer;
}

}  // namespace

PeerAddress peer_of(Socket& socket) {
  error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return {};  // it has gone already
  const sockaddr* address = endpoint.data();
  const bool ip = address->sa_family == AF_INET || address->sa_family == AF_INET6;
  return ip ? ip_peer(address) : unix_peer(socket);
}

Acceptor::Acceptor(Reactor& reactor) : reactor_(reactor), raw_(reactor.impl().io.get_executor()) {}

Acceptor::~Acceptor() { close(); }

Result<std::shared_ptr<Acceptor>> Acceptor::open(Reactor& reactor, const ListenerOptions& options,
                                                 Accepted accepted, std::function<void()> out_of_sockets) {
  std::shared_ptr<Acceptor> acceptor(new Acceptor(reactor));
  acceptor->accepted_ = std::move(accepted);
  acceptor->out_of_sockets_ = std::move(out_of_sockets);
  const bool path = options.address.find('/') != std::string::npos;
  const Status opened = path ? acceptor->open_unix(options.address) : acceptor->open_tcp(options);
  if (!opened) return fail("listener '" + options.name + "'", opened.error());
  acceptor->accept_next();
  return acceptor;
}

Status Acceptor::open_tcp(const ListenerOptions& options) {
  error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) return fail(ErrorCode::invalid_argument, "'" + options.address + "' is no IP address");
  if (options.kind == ListenerKind::trusted_unix) {
    return fail(ErrorCode::invalid_argument, "a trusted unix listener needs the path of a socket");
  }
  if (options.kind == ListenerKind::trusted_tcp && !address.is_loopback()) {
    return fail(ErrorCode::invalid_argument, "'" + options.address + "' is no loopback address");
  }
  const asio::ip::tcp::endpoint endpoint(address, options.port);
  if (raw_.open(endpoint.protocol(), error); error) return fail(os_error("socket", error));
  raw_.set_option(asio::socket_base::reuse_address(true), error);
  if (auto bound = bind_and_listen(endpoint, options.address); !bound) return bound;
  asio::ip::tcp::endpoint local;
  const auto raw_local = raw_.local_endpoint(error);
  if (error || raw_local.size() > local.capacity()) return fail(os_error("local endpoint", error));
  std::memcpy(local.data(), raw_local.data(), raw_local.size());
  port_ = local.port();
  return {};
}

Status Acceptor::open_unix(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return fail(
        ErrorCode::invalid_argument,
        "path of the socket is longer than " + std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " octets");
  }
  if (auto cleared = clear_stale(path); !cleared) return cleared;
  const asio::local::stream_protocol::endpoint endpoint(path);
  error_code error;
  if (raw_.open(endpoint.protocol(), error); error) return fail(os_error("socket", error));
  // The mode of the socket becomes that of its file: nobody can connect between bind and a chmod.
  if (::fchmod(raw_.native_handle(), S_IRUSR | S_IWUSR) != 0) {
    return fail(ErrorCode::io, std::string("fchmod: ") + std::strerror(errno));
  }
  if (auto bound = bind_and_listen(endpoint, path); !bound) return bound;
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return fail(ErrorCode::io, path + ": " + std::strerror(errno));
  unix_path_ = path;
  unix_inode_ = info.st_ino;
  if ((info.st_mode & (S_IRWXG | S_IRWXO | S_IXUSR)) != 0)
    return fail(ErrorCode::io, path + ": mode is not 0600");
  return {};
}

Status Acceptor::bind_and_listen(const Raw::endpoint_type& endpoint, const std::string& name) {
  error_code error;
  if (raw_.bind(endpoint, error); error) return fail(os_error("bind " + name, error));
  if (raw_.listen(asio::socket_base::max_listen_connections, error); error)
    return fail(os_error("listen " + name, error));
  return {};
}

void Acceptor::accept_next() {
  raw_.async_accept([self = shared_from_this()](const error_code& error, Socket socket) {
    if (!self->raw_.is_open()) return;
    if (!error) {
      self->accepted_(std::move(socket));
      return self->accept_next();
    }
    const bool short_of = error == asio::error::no_descriptors || error == asio::error::no_buffer_space ||
                          error == asio::error::no_memory || error.value() == ENFILE;
    if (!short_of) return self->accept_next();  // the peer went before it was accepted
    log::warning("http", "no descriptor for a new connection: " + error.message());
    self->out_of_sockets_();
    self->reactor_.after(kOutOfSocketsPause, [self] {
      if (self->raw_.is_open()) self->accept_next();
    });
  });
}

void Acceptor::close() {
  error_code ignored;
  raw_.close(ignored);
  accepted_ = nullptr;
  out_of_sockets_ = nullptr;
  if (!unix_path_.empty() && is_same_file(unix_path_, unix_inode_)) ::unlink(unix_path_.c_str());
  unix_path_.clear();
}

}  // namespace latchkey::bind
