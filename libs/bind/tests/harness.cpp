#include "support/harness.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

extern char** environ;  // NOLINT: POSIX

namespace latchkey::bind::test {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

bool drive(Reactor& reactor, const std::function<bool()>& done, milliseconds limit) {
  const auto until = steady_clock::now() + limit;
  while (!done()) {
    if (steady_clock::now() >= until) return false;
    reactor.run_until([] { return false; }, milliseconds(1));
  }
  return true;
}

void drive_for(Reactor& reactor, milliseconds time) {
  reactor.run_until([] { return false; }, time);
}

void TestHandler::handle(IncomingRequest request, Respond respond) {
  const std::string rqi = request.primitive.rqi;
  codec::ResponsePrimitive response;
  response.rsc = codec::Rsc::ok;
  response.rqi = rqi;
  response.rvi = request.primitive.rvi;
  if (answer) response = answer(request);
  requests.push_back(std::move(request));
  if (drop) return;
  if (hold) {
    waiting.emplace_back(rqi, std::move(respond));
  } else {
    respond(std::move(response));
  }
}

void TestHandler::release() {
  auto [rqi, respond] = std::move(waiting.front());
  waiting.pop_front();
  codec::ResponsePrimitive response;
  response.rsc = codec::Rsc::ok;
  response.rqi = rqi;
  respond(std::move(response));
}

RawPeer::RawPeer(Reactor& reactor, std::uint16_t port) : reactor_(reactor) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int result = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ended_ = result != 0 && errno != EINPROGRESS;  // refused
}

RawPeer::RawPeer(Reactor& reactor, const std::string& unix_path) : reactor_(reactor) {
  socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int result = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  EXPECT_EQ(result, 0) << std::strerror(errno);
}

RawPeer::RawPeer(RawPeer&& other) noexcept
    : reactor_(other.reactor_),
      socket_(std::exchange(other.socket_, -1)),
      ended_(other.ended_),
      received_(std::move(other.received_)) {}

RawPeer::~RawPeer() {
  if (socket_ >= 0) ::close(socket_);
}

RawPeer& RawPeer::send(std::string_view octets) {
  std::size_t sent = 0;
  drive(reactor_, [&] {
    while (sent < octets.size()) {
      const auto size = ::send(socket_, octets.data() + sent, octets.size() - sent, MSG_NOSIGNAL);
      if (size < 0) return errno != EAGAIN && errno != ENOTCONN;
      sent += static_cast<std::size_t>(size);
    }
    return true;
  });
  return *this;
}

void RawPeer::write(std::string_view octets) {
  const auto size = ::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL);
  EXPECT_EQ(size, static_cast<ssize_t>(octets.size()));
}

void RawPeer::poll() {
  std::array<char, 65536> buffer;  // NOLINT: written by recv before it is read
  while (!ended_) {
    const auto size = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (size > 0) {
      received_.append(buffer.data(), static_cast<std::size_t>(size));
    } else if (size < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
      return;
    } else {
      ended_ = true;
    }
  }
}

std::string RawPeer::answer() {
  std::size_t size = std::string::npos;
  drive(reactor_, [&] {
    poll();
    const auto end = received_.find("\r\n\r\n");
    if (end == std::string::npos) return ended_;
    const auto length = received_.find("Content-Length: ");
    const std::size_t body = length < end ? std::stoul(received_.substr(length + 16)) : 0;
    if (received_.size() >= end + 4 + body) size = end + 4 + body;
    return size != std::string::npos || ended_;
  });
  const std::string one = received_.substr(0, size);
  received_.erase(0, one.size());
  return one;
}

std::string RawPeer::until_end(milliseconds limit) {
  const bool ended = drive(
      reactor_,
      [&] {
        poll();
        return ended_;
      },
      limit);
  return std::exchange(received_, {}) + (ended ? "" : "<open>");
}

void RawPeer::end_sending() { ::shutdown(socket_, SHUT_WR); }

void RawPeer::vanish() {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  ::close(std::exchange(socket_, -1));
}

PlainServer::PlainServer(HttpLimits limits, ListenerKind kind)
    : server(std::make_unique<HttpServer>(reactor, limits, handler, audit, system_clock())) {
  ListenerOptions options;
  options.name = "test";
  options.kind = kind;
  options.address = "127.0.0.1";
  if (kind == ListenerKind::trusted_tcp) options.hosts = {"127.0.0.1"};
  const auto listening = server->listen(std::move(options));
  EXPECT_TRUE(listening) << listening.error().detail;
  if (listening) port = *listening;
}

std::string run_program(Reactor& reactor, const std::vector<std::string>& arguments) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0) return "pipe failed";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDERR_FILENO);
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const auto& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));  // NOLINT: POSIX
  argv.push_back(nullptr);
  pid_t child = -1;
  const int failed = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  std::string output;
  int status = -1;
  if (failed != 0) {
    ::close(pipe[0]);
    return std::string("spawn failed: ") + std::strerror(failed);
  }
  const auto read_all = [&] {
    std::array<char, 4096> buffer;  // NOLINT: written by read before it is read
    for (auto size = ::read(pipe[0], buffer.data(), buffer.size()); size > 0;
         size = ::read(pipe[0], buffer.data(), buffer.size())) {
      output.append(buffer.data(), static_cast<std::size_t>(size));
    }
  };
  const bool ended = drive(reactor, [&] {
    read_all();
    return ::waitpid(child, &status, WNOHANG) == child;
  });
  if (!ended) {
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
  read_all();
  ::close(pipe[0]);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    output = "exit " + std::to_string(WEXITSTATUS(status)) + ": " + output;
  return output;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "latchkey-bind-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "mkdtemp: " << std::strerror(errno);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, std::string_view text) const {
  std::ofstream(file(name)) << text;
  return file(name);
}

}  // namespace latchkey::bind::test
