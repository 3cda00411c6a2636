#pragma once
/// One connection to a server: requests strictly in order, one at a time, with a limit of time for every
/// phase.
#include <array>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "http_service.h"
#include "latchkey/bind/http_server.h"
#include "reactor_impl.h"
#include "stream.h"

namespace latchkey::bind {

class ServerCore;

/// What a listener's connections share.
struct Listener {
  ListenerOptions options;
  HttpService* service = nullptr;
  tls::SecurityContextPtr context;  ///< of connections without TLS
};

struct PeerAddress {
  std::string text;  ///< "address:port" or "unix:uid=..."
  std::optional<std::array<std::uint8_t, 16>> ip;
  std::uint32_t uid = 0;  ///< unix sockets
};

/// One of the requests that may be in flight, until it is answered or its connection is gone.
class RequestSlot {
 public:
  RequestSlot() = default;
  explicit RequestSlot(std::shared_ptr<std::size_t> taken) : taken_(std::move(taken)) { ++*taken_; }
  RequestSlot(RequestSlot&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)) {}
  RequestSlot& operator=(RequestSlot&& other) noexcept {
    release();
    taken_ = std::exchange(other.taken_, nullptr);
    return *this;
  }
  RequestSlot(const RequestSlot&) = delete;
  RequestSlot& operator=(const RequestSlot&) = delete;
  ~RequestSlot() { release(); }
  void release() noexcept {
    if (taken_) --*taken_;
    taken_ = nullptr;
  }

 private:
  std::shared_ptr<std::size_t> taken_;
};

class ServerConnection final : public Stream {
 public:
  ServerConnection(Socket socket, std::unique_ptr<tls::Session> session, std::shared_ptr<ServerCore> core,
                   std::shared_ptr<const Listener> listener, PeerAddress peer);

  void begin();
  /// Held by the request that is run, at most until its answer.
  void occupy(RequestSlot slot) { slot_ = std::move(slot); }
  /// Gives that place back early.
  void park() noexcept override { slot_.release(); }
  /// The one answer to the request that was run. Ignored when the connection is gone. What the peer has
  /// sent behind it is looked at in a turn of its own, never from within this call.
  void reply(std::string_view message, bool close);
  /// Whether an answer has to announce the end of the connection.
  [[nodiscard]] bool closes_after_reply() const noexcept;
  /// For drain: ends when nothing is being answered.
  void finish_if_idle();
  /// The server gives the connection up, with this reason if a handshake was under way.
  void drop(const std::string& reason);
  void check_deadline(SteadyTime now);

  [[nodiscard]] const Listener& listener() const noexcept { return *listener_; }
  [[nodiscard]] const PeerAddress& peer() const noexcept { return peer_; }
  [[nodiscard]] tls::SecurityContextPtr context() const;
  [[nodiscard]] std::shared_ptr<ServerConnection> self();

  /// Places in the lists of the core.
  struct Places {
    std::list<std::shared_ptr<ServerConnection>>::iterator all;
    std::list<ServerConnection*>::iterator half_open;
    std::list<ServerConnection*>::iterator half_open_of_source;
    bool is_half_open = false;
    std::uint64_t checked_generation = 0;  ///< of reload
  };
  Places places;

 private:
  enum class Phase : std::uint8_t { handshake, idle, head, body, busy, writing, ending };

  void on_established() override;
  void on_plaintext(std::string_view octets) override;
  void on_drained() override;
  void on_input_end() override;
  void on_lost() override;

  [[nodiscard]] std::size_t process(std::string_view data);
  [[nodiscard]] std::size_t process_message(std::string_view data);
  void process_kept();
  void settle_input();
  [[nodiscard]] bool takes_input() const noexcept;
  void begin_exchange(const RequestHead& head, bool body_arrives);
  void refuse_message(const HttpError& error, const RequestHead* head);
  void run_exchange();
  void end();
  void enter(Phase phase, std::chrono::milliseconds limit);
  void wait_for_request();

  std::shared_ptr<ServerCore> core_;
  std::shared_ptr<const Listener> listener_;
  PeerAddress peer_;
  SteadyTime deadline_ = SteadyTime::max();
  Phase phase_ = Phase::handshake;
  bool keep_alive_ = true;
  bool input_ended_ = false;
  bool processing_ = false;
  std::string kept_;  ///< octets that wait for their turn
  std::unique_ptr<MessageParser> parser_;
  std::unique_ptr<Exchange> exchange_;
  RequestSlot slot_;
};

}  // namespace latchkey::bind
