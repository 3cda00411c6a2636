#pragma once
/// Other people's TLS programs as child processes, and a loopback socket between them and one of our
/// sessions.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "latchkey/tls/endpoint.h"

extern char** environ;

namespace latchkey::tls::test {

/// A file descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// A program with its input and its output (both kinds) on pipes. Ended with the object.
class Child {
 public:
  explicit Child(const std::vector<std::string>& command) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) std::abort();
    input_ = Fd(in[1]);
    output_ = Fd(out[0]);
    const Fd child_in(in[0]);
    const Fd child_out(out[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, child_in.get(), 0);
    posix_spawn_file_actions_adddup2(&actions, child_out.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, child_out.get(), 2);
    std::vector<std::string> copy = command;
    std::vector<char*> argv;
    for (auto& word : copy) argv.push_back(word.data());
    argv.push_back(nullptr);
    if (posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
    fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  }
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void type(std::string_view text) {
    if (::write(input_.get(), text.data(), text.size()) < 0) text_ += "(input closed)";
  }
  /// All that it has printed up to now.
  const std::string& output() {
    std::array<char, 4096> buffer{};
    for (ssize_t got = 0; (got = ::read(output_.get(), buffer.data(), buffer.size())) > 0;) {
      text_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text_;
  }
  [[nodiscard]] bool printed(std::string_view text) { return output().find(text) != std::string::npos; }

 private:
  pid_t pid_ = -1;
  Fd input_;
  Fd output_;
  std::string text_;
};

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}
inline Fd listen_on_loopback(std::uint16_t& port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd.get(), 8) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::abort();
  }
  port = ntohs(address.sin_port);
  return fd;
}
inline std::uint16_t free_port() {
  std::uint16_t port = 0;
  listen_on_loopback(port);
  return port;
}
inline Fd accept_within(const Fd& listener, int milliseconds) {
  pollfd waiting{listener.get(), POLLIN, 0};
  if (::poll(&waiting, 1, milliseconds) <= 0) return Fd();
  return Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
}
/// Tries until the other program listens.
inline Fd connect_within(std::uint16_t port, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  do {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  } while (std::chrono::steady_clock::now() < end);
  return Fd();
}

/// Moves octets between socket and session until `done`, the connection's end, or 10 s. True if `done` came
/// true.
inline bool pump_socket(const Fd& socket, Session& session, const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  bool open = true;
  while (std::chrono::steady_clock::now() < end) {
    const Bytes out = session.take_output();
    if (!out.empty() && ::send(socket.get(), out.data(), out.size(), MSG_NOSIGNAL) < 0) open = false;
    if (done()) return true;
    if (!open) return false;
    pollfd waiting{socket.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    std::array<std::uint8_t, 16384> buffer{};
    const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      open = false;
      session.abandon("connection ended");
    } else {
      session.receive(ByteView(buffer).first(static_cast<std::size_t>(got)));
    }
  }
  return false;
}

}  // namespace latchkey::tls::test
