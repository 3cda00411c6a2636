#include "bare_tls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <utility>

namespace latchkey::bench {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

/// What a GnuTLS session reads from and writes to in memory.
struct Pipe {
  std::string* in;
  std::string* out;
  static ssize_t push(gnutls_transport_ptr_t self, const void* data, std::size_t size) {
    static_cast<Pipe*>(self)->out->append(static_cast<const char*>(data), size);
    return static_cast<ssize_t>(size);
  }
  static ssize_t pull(gnutls_transport_ptr_t self, void* to, std::size_t size) {
    std::string& in = *static_cast<Pipe*>(self)->in;
    size = std::min(size, in.size());
    if (size == 0) {
      errno = EAGAIN;
      return -1;
    }
    std::memcpy(to, in.data(), size);
    in.erase(0, size);
    return static_cast<ssize_t>(size);
  }
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// Of the whole answer, once its head is there.
std::optional<std::size_t> size_of_answer(std::string_view answer) {
  constexpr std::string_view kLength = "Content-Length: ";
  const auto head = answer.find(kHeadEnd);
  if (head == std::string_view::npos) return std::nullopt;
  std::size_t body = 0;
  if (const auto at = answer.find(kLength); at < head) {
    const char* digits = answer.data() + at + kLength.size();
    std::from_chars(digits, answer.data() + head, body);
  }
  return head + kHeadEnd.size() + body;
}

}  // namespace

// --- credentials

PskEnds::PskEnds(Psk psk) : psk_(std::move(psk)) {
  gnutls_priority_init(&priority_, kPskPriority, nullptr);
  gnutls_psk_allocate_client_credentials(&client_);
  gnutls_psk_allocate_server_credentials(&server_);
  auto* octets = reinterpret_cast<unsigned char*>(const_cast<char*>(psk_.key.data()));  // NOLINT
  const gnutls_datum_t key{octets, static_cast<unsigned>(psk_.key.size())};
  if (gnutls_psk_set_client_credentials(client_, psk_.identity.c_str(), &key, GNUTLS_PSK_KEY_RAW) != 0)
    give_up("PSK");
  gnutls_psk_set_server_credentials_function(
      server_, [](gnutls_session_t session, const char*, gnutls_datum_t* to) {
        const auto& known = static_cast<const PskEnds*>(gnutls_session_get_ptr(session))->psk_.key;
        to->data = static_cast<unsigned char*>(gnutls_malloc(known.size()));
        std::memcpy(to->data, known.data(), known.size());
        to->size = static_cast<unsigned>(known.size());
        return 0;
      });
}

PskEnds::~PskEnds() {
  gnutls_psk_free_client_credentials(client_);
  gnutls_psk_free_server_credentials(server_);
  gnutls_priority_deinit(priority_);
}

SessionPtr PskEnds::session(unsigned role) const {
  gnutls_session_t made = nullptr;
  gnutls_init(&made, role | GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL);
  gnutls_priority_set(made, priority_);
  gnutls_session_set_ptr(made, const_cast<PskEnds*>(this));  // NOLINT: only read from
  const bool server = (role & GNUTLS_SERVER) != 0;
  gnutls_credentials_set(made, GNUTLS_CRD_PSK, server ? static_cast<void*>(server_) : client_);
  return SessionPtr(made);
}

CertificateEnd::CertificateEnd(std::string chain_pem, std::string key_pem) {
  gnutls_priority_init(&priority_, kCertificatePriority, nullptr);
  gnutls_certificate_allocate_credentials(&credentials_);
  const auto datum = [](std::string& text) {
    return gnutls_datum_t{reinterpret_cast<unsigned char*>(text.data()), static_cast<unsigned>(text.size())};
  };
  const auto chain = datum(chain_pem);
  const auto key = datum(key_pem);
  if (gnutls_certificate_set_x509_key_mem(credentials_, &chain, &key, GNUTLS_X509_FMT_PEM) < 0)
    give_up("certificate");
}

CertificateEnd::~CertificateEnd() {
  gnutls_certificate_free_credentials(credentials_);
  gnutls_priority_deinit(priority_);
}

SessionPtr CertificateEnd::session(unsigned role) const {
  gnutls_session_t made = nullptr;
  gnutls_init(&made, role | GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL);
  gnutls_priority_set(made, priority_);
  gnutls_credentials_set(made, GNUTLS_CRD_CERTIFICATE, credentials_);
  if ((role & GNUTLS_SERVER) != 0) gnutls_certificate_server_set_request(made, GNUTLS_CERT_REQUIRE);
  return SessionPtr(made);
}

void handshake_in_memory(gnutls_session_t client, gnutls_session_t server) {
  std::string to_server, to_client;
  Pipe at_client{&to_client, &to_server}, at_server{&to_server, &to_client};
  for (const auto& [session, pipe] : {std::pair(client, &at_client), std::pair(server, &at_server)}) {
    gnutls_transport_set_ptr(session, pipe);
    gnutls_transport_set_push_function(session, Pipe::push);
    gnutls_transport_set_pull_function(session, Pipe::pull);
  }
  int client_result = GNUTLS_E_AGAIN, server_result = GNUTLS_E_AGAIN;
  while (client_result == GNUTLS_E_AGAIN || server_result == GNUTLS_E_AGAIN) {
    if (client_result == GNUTLS_E_AGAIN) client_result = gnutls_handshake(client);
    if (server_result == GNUTLS_E_AGAIN) server_result = gnutls_handshake(server);
  }
  if (client_result != 0 || server_result != 0) give_up("handshake in memory");
}

void handshake_in_memory(gnutls_session_t client, const std::function<Bytes(ByteView)>& server) {
  std::string in, out;
  Pipe pipe{&in, &out};
  gnutls_transport_set_ptr(client, &pipe);
  gnutls_transport_set_push_function(client, Pipe::push);
  gnutls_transport_set_pull_function(client, Pipe::pull);
  int result = GNUTLS_E_AGAIN;
  while ((result = gnutls_handshake(client)) == GNUTLS_E_AGAIN) {
    const Bytes answer = server(as_bytes(out));
    out.clear();
    if (answer.empty()) give_up("handshake in memory: no answer");
    in += as_text(answer);
  }
  if (result != 0) give_up("handshake in memory");
}

// --- client

Connection::Connection(std::uint16_t port, const PskEnds* ends) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
  const auto address = loopback(port);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    give_up("cannot connect to port " + std::to_string(port));
  no_delay(fd_);
  if (ends == nullptr) return;
  session_ = ends->session(GNUTLS_CLIENT);
  gnutls_transport_set_int(session_.get(), fd_);
  int result = GNUTLS_E_AGAIN;
  do result = gnutls_handshake(session_.get());
  while (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED);
  if (result != 0) give_up(std::string("handshake: ") + gnutls_strerror(result));
}

Connection::~Connection() {
  if (session_) gnutls_bye(session_.get(), GNUTLS_SHUT_WR);
  ::close(fd_);
}

void Connection::not_waiting() { ::fcntl(fd_, F_SETFL, O_NONBLOCK); }

void Connection::send(std::string_view request) {
  while (!request.empty()) {
    const auto sent = session_ ? gnutls_record_send(session_.get(), request.data(), request.size())
                               : ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
    const bool again = session_ ? sent == GNUTLS_E_AGAIN : sent < 0 && errno == EAGAIN;
    if (sent < 0 && !again) give_up("cannot send a request");
    if (sent > 0) request.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::ptrdiff_t Connection::read(char* to, std::size_t size) {
  const auto got = session_ ? gnutls_record_recv(session_.get(), to, size) : ::recv(fd_, to, size, 0);
  const bool again = session_ ? got == GNUTLS_E_AGAIN : got < 0 && errno == EAGAIN;
  if (again) return 0;
  if (got <= 0) give_up("the server ended a connection");
  return got;
}

std::optional<std::string> Connection::receive() {
  std::array<char, 16384> buffer;  // NOLINT: written before it is read
  while (true) {
    const auto got = read(buffer.data(), buffer.size());
    if (got == 0) return std::nullopt;
    answer_.append(buffer.data(), static_cast<std::size_t>(got));
    const auto size = size_of_answer(answer_);
    if (size && answer_.size() >= *size) return std::exchange(answer_, {});
  }
}

std::string Connection::exchange(std::string_view request) {
  send(request);
  while (true) {
    if (auto answer = receive()) return *std::move(answer);
    pollfd ready{fd_, POLLIN, 0};
    ::poll(&ready, 1, -1);
  }
}

// --- servers of reference

BareServer::BareServer(const PskEnds& ends)
    : ends_(ends), listener_(::socket(AF_INET, SOCK_STREAM, 0)), stop_(::eventfd(0, 0)) {
  auto address = loopback(0);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 1024) != 0 ||
      ::getsockname(listener_, generic, &size) != 0)
    give_up("the server of reference cannot listen");
  port_ = ntohs(address.sin_port);
}

BareServer::~BareServer() {
  const std::uint64_t one = 1;
  if (::write(stop_, &one, sizeof one) != sizeof one) give_up("eventfd");
  thread_.join();
  ::close(listener_);
  ::close(stop_);
}

std::unique_ptr<BareServer> BareServer::answering(const PskEnds& ends, std::string answer) {
  std::unique_ptr<BareServer> server(new BareServer(ends));
  server->thread_ =
      std::thread([self = server.get(), answer = std::move(answer)] { self->answer_all(answer); });
  return server;
}

std::unique_ptr<BareServer> BareServer::handshaking(const PskEnds& ends) {
  std::unique_ptr<BareServer> server(new BareServer(ends));
  server->thread_ = std::thread([self = server.get()] { self->handshake_all(); });
  return server;
}

namespace {

/// One connection of the answering server.
struct Peer {
  SessionPtr session;
  bool established = false;
  std::string request;

  /// False when the peer is gone.
  bool serve(const std::string& answer) {
    if (!established) {
      const int result = gnutls_handshake(session.get());
      if (result == GNUTLS_E_AGAIN) return true;
      if (result != 0) return false;
      established = true;
    }
    std::array<char, 16384> buffer;  // NOLINT: written before it is read
    while (true) {
      const auto got = gnutls_record_recv(session.get(), buffer.data(), buffer.size());
      if (got == GNUTLS_E_AGAIN) return true;
      if (got <= 0) return false;
      request.append(buffer.data(), static_cast<std::size_t>(got));
      if (request.find(kHeadEnd) == std::string::npos) continue;
      request.clear();
      if (gnutls_record_send(session.get(), answer.data(), answer.size()) < 0) return false;
    }
  }
};

void watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) give_up("epoll_ctl");
}

}  // namespace

void BareServer::answer_all(const std::string& answer) {
  const int epoll = ::epoll_create1(0);
  watch(epoll, listener_);
  watch(epoll, stop_);
  std::map<int, Peer> peers;
  std::array<epoll_event, 128> events{};
  while (true) {
    const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == stop_) {
        for (const auto& [open, peer] : peers) ::close(open);
        ::close(epoll);
        return;
      }
      if (fd == listener_) {
        const int accepted = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
        if (accepted < 0) continue;
        no_delay(accepted);
        auto& peer = peers[accepted];
        peer.session = ends_.session(GNUTLS_SERVER | GNUTLS_NONBLOCK);
        gnutls_transport_set_int(peer.session.get(), accepted);
        watch(epoll, accepted);
      } else if (const auto peer = peers.find(fd); peer != peers.end() && !peer->second.serve(answer)) {
        peers.erase(peer);
        ::close(fd);
      }
    }
  }
}

void BareServer::handshake_all() {
  // The descriptor that ends the thread is looked at only when nobody waits, so that it costs nothing.
  ::fcntl(listener_, F_SETFL, O_NONBLOCK);
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, 0);
    if (fd < 0) {
      std::array<pollfd, 2> waiting{pollfd{listener_, POLLIN, 0}, pollfd{stop_, POLLIN, 0}};
      ::poll(waiting.data(), waiting.size(), -1);
      if (waiting[1].revents != 0) return;
      continue;
    }
    no_delay(fd);
    {
      const auto session = ends_.session(GNUTLS_SERVER);
      gnutls_transport_set_int(session.get(), fd);
      if (gnutls_handshake(session.get()) == 0) gnutls_bye(session.get(), GNUTLS_SHUT_WR);
    }
    ::close(fd);
  }
}

}  // namespace latchkey::bench
