/// A daemon's admin listener as the command line asks it: one request over the unix socket.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli.h"

namespace latchkey::cli {

std::string url_encoded(std::string_view text) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos)
      out += c;
    else
      out += "%" + to_hex(as_bytes({&c, 1}));
  }
  return out;
}

Result<std::string> admin_request(const std::string& socket_path, const std::string& method,
                                  const std::string& target) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path)
    return fail(ErrorCode::invalid_argument, "--admin: path too long");
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string answer;
  auto failure = [&](const char* what) -> Result<std::string> {
    const auto cause = std::string(what) + ": " + std::strerror(errno);
    ::close(fd);
    return fail(ErrorCode::unavailable, cause);
  };
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failure("admin listener");
  const std::string request = method + " " + target +
                              " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
                              (method == "POST" ? "Content-Length: 0\r\n" : "") + "\r\n";
  if (::write(fd, request.data(), request.size()) != static_cast<ssize_t>(request.size()))
    return failure("admin listener");
  constexpr std::size_t kAnswerMax = 256U << 20U;  // a listing of a million records
  char buffer[16'384];
  for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0 && answer.size() < kAnswerMax;)
    answer.append(buffer, static_cast<std::size_t>(got));
  ::close(fd);
  const auto body = answer.find("\r\n\r\n");
  if (body == std::string::npos) return fail(ErrorCode::unavailable, "the admin listener did not answer");
  auto text = answer.substr(body + 4);
  if (answer.starts_with("HTTP/1.1 200")) return text;
  return fail(ErrorCode::denied, "the admin listener answered: " + answer.substr(0, answer.find('\r')) +
                                     ": " + text.substr(0, text.find('\n')));
}

}  // namespace latchkey::cli
