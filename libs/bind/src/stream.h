#pragma once
/// One connection as octets: a TCP or unix socket, with TLS between it and us or not. Reactor's thread only.
#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "latchkey/bind/request.h"
#include "latchkey/tls/endpoint.h"

namespace latchkey::bind {

namespace asio = boost::asio;
using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, asio::io_context::executor_type>;

/// Base of a server's and a client's connection. What keeps it alive is the read that is under way, and
/// whoever holds it; an idle one owns a small read buffer and nothing else besides its TLS session.
class Stream : public Channel, public std::enable_shared_from_this<Stream> {
 public:
  /// `session` null: no TLS.
  Stream(Socket socket, std::unique_ptr<tls::Session> session);
  ~Stream() override;

  /// Begins to read; with TLS, the handshake too. on_established() follows, without TLS at once.
  void start();
  /// Any length; what the socket does not take now is kept until it does (see output_pending).
  void send(std::string_view plaintext);
  [[nodiscard]] bool output_pending() const noexcept { return !pending_.empty(); }
  /// Nothing more is read until resume; a peer that sends on is held back by its own socket.
  void pause_reading() noexcept { paused_ = true; }
  void resume_reading();
  /// Ends in order: close_notify, then the end of the octets once all are sent, then what still comes in is
  /// thrown away until the peer ends too (a reset would destroy the last answer on its way); then on_lost().
  void finish();
  /// Ends now. No callback follows.
  void close();
  [[nodiscard]] bool is_open() const noexcept { return open_; }
  [[nodiscard]] bool is_finishing() const noexcept { return finishing_; }

  [[nodiscard]] const tls::Session* session() const noexcept { return session_.get(); }
  [[nodiscard]] bool is_secure() const noexcept { return session_ != nullptr; }
  /// Whether something has arrived that the loop has not looked at: the end of an idle connection, mostly.
  [[nodiscard]] bool input_waiting();
  [[nodiscard]] std::uint64_t octets_sent() const noexcept { return octets_sent_; }
  /// Whether TLS itself refused, rather than the network.
  [[nodiscard]] bool failed_in_tls() const noexcept { return failed_in_tls_; }
  /// Why TLS or the socket failed; for log and audit.
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  /// The owner gives up on a handshake.
  void abandon(std::string reason);

  [[nodiscard]] std::uint64_t id() const noexcept override { return id_; }
  [[nodiscard]] Result<SecretBytes> export_key(std::string_view label, std::size_t size) const override;
  [[nodiscard]] Departure departure() const noexcept override { return departure_; }
  void watch(Task departed) override { watch_ = std::move(departed); }

 protected:
  virtual void on_established() = 0;
  virtual void on_plaintext(std::string_view octets) = 0;
  virtual void on_drained() {}      ///< all that was pending is with the socket
  virtual void on_input_end() = 0;  ///< without TLS: the peer sends no more, but may still read
  virtual void on_lost() = 0;  ///< no more is sent or received: the peer, the network or finish() ended it

 private:
  static constexpr std::size_t kReadOctets = 1024;

  void read_more();
  void take_input(const boost::system::error_code& error, std::size_t size);
  bool feed(ByteView octets);
  void step();
  void deliver_plaintext();
  void flush_session();
  void send_raw(ByteView octets);
  void write_more();
  void write_pending();
  void end_of_input();
  void lose(std::string reason);
  void lose_later(std::string reason);
  void shut_down_sending();
  [[nodiscard]] Departure departure_in_order();
  void depart(Departure how);
  [[nodiscard]] std::shared_ptr<Stream> keep() { return shared_from_this(); }

  Socket socket_;
  std::unique_ptr<tls::Session> session_;
  const std::uint64_t id_;
  std::string failure_;
  Bytes pending_;         ///< not yet taken by the socket
  std::size_t sent_ = 0;  ///< of pending_
  std::uint64_t octets_sent_ = 0;
  bool open_ = true;
  bool failed_in_tls_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool paused_ = false;
  bool input_ended_ = false;
  bool finishing_ = false;
  bool established_ = false;
  bool losing_ = false;
  bool sending_ended_ = false;
  Departure departure_ = Departure::none;
  Task watch_;
  std::array<std::uint8_t, kReadOctets> input_;  // NOLINT: written by the socket before it is read
};

}  // namespace latchkey::bind
