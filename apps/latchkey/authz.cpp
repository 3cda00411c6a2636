/// latchkey authz explain: asks a running CSE, over its admin listener, how it would decide and why.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <map>

#include "cli.h"

namespace latchkey::cli {

namespace {

std::string encoded(std::string_view text) {
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

/// GET over the unix socket of the admin listener; the body of a 200 answer.
Result<std::string> admin_get(const std::string& socket_path, const std::string& target) {
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
  const std::string request = "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (::write(fd, request.data(), request.size()) != static_cast<ssize_t>(request.size()))
    return failure("admin listener");
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0 && answer.size() < (1U << 20U);)
    answer.append(buffer, static_cast<std::size_t>(got));
  ::close(fd);
  const auto body = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 200") || body == std::string::npos)
    return fail(ErrorCode::denied, "the admin listener answered: " + answer.substr(0, answer.find('\r')));
  return answer.substr(body + 4);
}

}  // namespace

void add_authz(CLI::App& app, int& status) {
  struct Options {
    std::string admin, token_file;
    std::map<std::string, std::string> query;  // as GET /explain has it
  };
  auto* authz = app.add_subcommand("authz", "access decisions");
  authz->require_subcommand(1);
  auto* explain = authz->add_subcommand(
      "explain", "which rule of which policy permits a request, or what each rule lacked");
  auto options = std::make_shared<Options>();
  explain->add_option("--admin", options->admin, "unix socket of the CSE's admin listener")->required();
  const auto field = [&](const char* name, const char* option, const char* what) {
    return explain->add_option(option, options->query[name], what);
  };
  field("originator", "--originator", "AE-ID or CSE-ID")->required();
  field("operation", "--operation", "create, retrieve, update, delete, notify or discover")->required();
  field("target", "--target", "address of the resource")->required();
  field("ty", "--ty", "type to be created");
  field("authenticated", "--authenticated", "true or false; else whether the originator is registered there")
      ->check(CLI::IsMember({"true", "false"}));
  field("time", "--time", "when the request is received, UTC, as 20261231T235959; else now");
  field("ip", "--ip", "source address; else not known");
  field("country", "--country", "where the originator is, two letters; else not known");
  field("at", "--at", "where the originator is: latitude,longitude in degrees; else not known");
  field("roles", "--roles", "Role-IDs taken as held, separated by commas");
  explain->add_option("--token", options->token_file,
                      "file with a token of the request; - is standard input");
  explain->callback([options, &status] {
    auto& query = options->query;
    if (!options->token_file.empty()) {
      auto token = read_text(options->token_file);
      if (!token) {
        status = failed(token.error());
        return;
      }
      while (!token->empty() && (token->back() == '\n' || token->back() == '\r')) token->pop_back();
      query["token"] = *std::move(token);
    }
    std::string target = "/explain";
    for (const auto& [name, value] : query)
      if (!value.empty()) target += (target.size() == 8 ? "?" : "&") + name + "=" + encoded(value);
    const auto text = admin_get(options->admin, target);
    if (!text) {
      status = failed(text.error());
      return;
    }
    print(codec::json::object{{"explanation", *text}}, *text);
  });
}

}  // namespace latchkey::cli
