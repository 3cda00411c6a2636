#pragma once
/// A server that says what a test wants, octet by octet, driven by the reactor under test.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "latchkey/bind/reactor.h"

namespace latchkey::client::test {

class RawServer {
 public:
  explicit RawServer(bind::Reactor& reactor);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  /// For each head of a request: what goes back. "" ends the connection, kSilence does nothing.
  std::function<std::string(const std::string& head)> answer;
  static constexpr const char* kSilence = "<silence>";

  std::uint16_t port = 0;
  std::vector<std::string> heads;  ///< of all requests
  std::size_t connections = 0;

 private:
  struct Connection {
    int socket = -1;
    std::string received;
  };
  void turn();
  void serve(Connection& connection);

  bind::Reactor& reactor_;
  Executor::TimerId timer_{};
  int listener_ = -1;
  std::vector<Connection> open_;
};

/// "HTTP/1.1 <status>" with the fields of an answer to `head`, and `more` lines that each end in CR LF.
[[nodiscard]] std::string http_answer(const std::string& head, const std::string& status,
                                      const std::string& more = {}, const std::string& body = {});

}  // namespace latchkey::client::test
