#pragma once
/// A server in the test's own thread, and peers that speak to it by raw sockets.
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "latchkey/base/audit.h"
#include "latchkey/bind/http_server.h"
#include "latchkey/bind/reactor.h"

namespace latchkey::bind::test {

inline constexpr std::chrono::seconds kPatience{20};

/// Turns the loop until `done`, looking at it every millisecond; false after kPatience.
bool drive(Reactor& reactor, const std::function<bool()>& done, std::chrono::milliseconds limit = kPatience);
void drive_for(Reactor& reactor, std::chrono::milliseconds time);

/// Answers each request at once by `answer`, or keeps it in `waiting`.
class TestHandler final : public RequestHandler {
 public:
  void handle(IncomingRequest request, Respond respond) override;
  /// Of the oldest request that waits.
  void release();

  std::vector<IncomingRequest> requests;
  std::deque<std::pair<std::string, Respond>> waiting;
  bool hold = false;
  bool drop = false;  ///< lets go of a request without an answer
  std::function<codec::ResponsePrimitive(const IncomingRequest&)> answer;
};

/// A non-blocking socket.
class RawPeer {
 public:
  RawPeer(Reactor& reactor, std::uint16_t port);
  RawPeer(Reactor& reactor, const std::string& unix_path);
  ~RawPeer();
  RawPeer(RawPeer&& other) noexcept;
  RawPeer& operator=(RawPeer&&) = delete;
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  RawPeer& send(std::string_view octets);
  /// What the socket takes at once; must be little enough. Does not turn the loop.
  void write(std::string_view octets);
  /// Takes what is there without waiting.
  void poll();
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  [[nodiscard]] const std::string& received() const noexcept { return received_; }
  [[nodiscard]] std::string take() { return std::exchange(received_, {}); }
  /// One whole answer (by Content-Length), taken out of what was received; what there is at the end
  /// otherwise.
  std::string answer();
  /// Everything until the server ends the connection; appends "<open>" if it does not.
  std::string until_end(std::chrono::milliseconds limit = kPatience);
  void end_sending();
  void vanish();  ///< closes with a reset

 private:
  Reactor& reactor_;
  int socket_ = -1;
  bool ended_ = false;
  std::string received_;
};

/// HttpServer with one plain listener on loopback.
struct PlainServer {
  explicit PlainServer(HttpLimits limits = {}, ListenerKind kind = ListenerKind::plain);
  RawPeer peer() { return RawPeer(reactor, port); }
  /// Sends and returns the one answer.
  std::string ask(std::string_view octets) { return peer().send(octets).answer(); }

  Reactor reactor;
  AuditRecorder audit;
  TestHandler handler;
  std::unique_ptr<HttpServer> server;
  std::uint16_t port = 0;
};

/// The output of a program, while the loop turns; exit status in front of a failure.
std::string run_program(Reactor& reactor, const std::vector<std::string>& arguments);

/// A folder that goes with its owner.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, std::string_view text) const;

 private:
  std::string path_;
};

}  // namespace latchkey::bind::test
