#pragma once
/// One connection of a client: at most one request at a time. Reactor's thread only.
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "http_parser.h"
#include "latchkey/base/executor.h"
#include "latchkey/bind/request.h"
#include "reactor_impl.h"
#include "stream.h"

namespace latchkey::bind {

/// A request from send() to its one answer.
struct ClientRequest {
  std::string wire;
  std::string rqi;
  bool repeatable = false;  ///< executed twice, it does what it does once (RFC 9110 9.2.2)
  bool repeated = false;
  bool confidential = false;  ///< `wire` holds a key
  Executor::TimerId timer = Executor::TimerId::none;
  RequestSender::Done done;
};
using ClientRequestPtr = std::shared_ptr<ClientRequest>;

class ClientConnection;
class ClientEvents {
 public:
  ClientEvents() = default;
  ClientEvents(const ClientEvents&) = delete;
  ClientEvents& operator=(const ClientEvents&) = delete;
  virtual ~ClientEvents() = default;
  virtual void ready(ClientConnection& connection) = 0;
  /// The connection is idle again, or closed if the peer or its answer demand that.
  virtual void answered(ClientConnection& connection, const ClientRequestPtr& request,
                        Result<codec::ResponsePrimitive> answer) = 0;
  /// With the request that was under way, if any.
  virtual void lost(ClientConnection& connection, const ClientRequestPtr& request) = 0;
};

class ClientConnection final : public Stream {
 public:
  ClientConnection(Socket socket, std::unique_ptr<tls::Session> session, std::weak_ptr<ClientEvents> events,
                   const codec::PrimitiveLimits& limits);

  [[nodiscard]] bool is_ready() const noexcept { return ready_ && is_open(); }
  [[nodiscard]] bool was_ready() const noexcept { return ready_; }
  [[nodiscard]] bool is_idle() const noexcept { return is_ready() && request_ == nullptr; }
  [[nodiscard]] const ClientRequestPtr& request() const noexcept { return request_; }
  [[nodiscard]] SteadyTime idle_since() const noexcept { return idle_since_; }
  void carry(ClientRequestPtr request);
  /// Whether a lost request may be sent once more: nothing of it went out, or it went out on a connection
  /// that had been kept, no octet came back, and it can be repeated without harm.
  [[nodiscard]] bool may_repeat(const ClientRequest& request) const noexcept;
  /// close_notify, then the end; nobody waits for the peer's. No event follows.
  void end();
  /// Carries no other request than the present one.
  void end_after_answer() noexcept { last_ = true; }

 private:
  void on_established() override;
  void on_plaintext(std::string_view octets) override;
  void on_input_end() override;
  void on_lost() override;
  void parse();
  void complete();
  void give(Result<codec::ResponsePrimitive> answer, bool keep);

  std::weak_ptr<ClientEvents> events_;
  const codec::PrimitiveLimits limits_;
  ClientRequestPtr request_;
  std::unique_ptr<MessageParser> parser_;
  std::string kept_;
  std::string head_octets_;  ///< what the fields of the head point into
  SteadyTime idle_since_ = std::chrono::steady_clock::now();
  std::uint64_t sent_before_ = 0;
  std::size_t answers_ = 0;
  bool ready_ = false;
  bool heard_ = false;
  bool last_ = false;
};

}  // namespace latchkey::bind
