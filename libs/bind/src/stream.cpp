#include "stream.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace latchkey::bind {
namespace {

using boost::system::error_code;

/// Read in one turn by one connection at most, so that the others get theirs.
constexpr std::size_t kTurnOctets = 256U << 10U;
constexpr std::size_t kLargeReadOctets = 16U << 10U;

std::uint64_t next_id() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

bool would_block(const error_code& error) noexcept {
  return error == asio::error::would_block || error == asio::error::try_again;
}

}  // namespace

Stream::Stream(Socket socket, std::unique_ptr<tls::Session> session)
    : socket_(std::move(socket)), session_(std::move(session)), id_(next_id()) {}

Stream::~Stream() = default;

void Stream::start() {
  const auto self = keep();
  error_code error;
  socket_.non_blocking(true, error);
  if (error) return lose_later(error.message());
  read_more();
  if (!session_) return on_established();
  // A key that arrives later must not destroy the session that reports it, hence the detour.
  session_->on_progress([weak = weak_from_this(), executor = socket_.get_executor()] {
    asio::post(executor, [weak] {
      if (const auto stream = weak.lock()) stream->step();
    });
  });
  session_->start();
  step();
}

// --- input

void Stream::read_more() {
  if (reading_ || paused_ || input_ended_ || !open_) return;
  reading_ = true;
  socket_.async_read_some(asio::buffer(input_), [self = keep()](const error_code& error, std::size_t size) {
    if (self->open_) self->take_input(error, size);
    self->reading_ = false;
    self->read_more();
  });
}

/// The small buffer holds a usual request. Behind a full one the rest is read through the stack, so that a
/// large body neither takes many turns of the loop nor leaves a large buffer behind. No other read may begin
/// meanwhile: it would overtake this one.
void Stream::take_input(const error_code& error, std::size_t size) {
  if (error == asio::error::eof) return end_of_input();
  if (error) return lose(error.message());
  bool more = feed({input_.data(), size}) && size == input_.size();
  for (std::size_t total = size; more && !paused_ && total < kTurnOctets;) {
    std::array<std::uint8_t, kLargeReadOctets> large;  // NOLINT: written by read_some before it is read
    error_code ended;
    size = socket_.read_some(asio::buffer(large), ended);
    if (would_block(ended)) return;
    if (ended == asio::error::eof) return end_of_input();
    if (ended) return lose(ended.message());
    total += size;
    more = feed({large.data(), size});
  }
}

/// False when the connection has ended.
bool Stream::feed(ByteView octets) {
  if (finishing_) return open_;
  if (session_) {
    session_->receive(octets);
    // Before our own close_notify goes out, which the peer may not wait for.
    if (session_->state() == tls::Session::State::closed) depart(departure_in_order());
    step();
  } else {
    on_plaintext(as_text(octets));
  }
  return open_;
}

/// What may have changed after the session was given something: output, state, plaintext.
void Stream::step() {
  if (!open_ || finishing_) return;
  flush_session();
  if (!open_) return;
  if (session_->state() == tls::Session::State::established && !established_) {
    established_ = true;
    on_established();
  }
  deliver_plaintext();
  if (!open_ || finishing_) return;
  using State = tls::Session::State;
  if (session_->state() == State::failed) {
    failed_in_tls_ = true;
    return lose(session_->failure());
  }
  if (session_->state() != State::closed) return;
  depart(departure_in_order());
  lose("closed by the peer");
}

void Stream::deliver_plaintext() {
  std::array<std::uint8_t, kLargeReadOctets> plain;  // NOLINT: written by read before it is read
  while (open_ && !finishing_) {
    const std::size_t size = session_->read(plain);
    if (size == 0) return;
    on_plaintext({reinterpret_cast<const char*>(plain.data()), size});
    wipe(plain.data(), size);  // it may have held a key
  }
}

void Stream::end_of_input() {
  input_ended_ = true;
  if (finishing_ || !session_) depart(departure_in_order());
  if (finishing_) return lose("closed");
  if (!session_) return on_input_end();
  session_->abandon("the connection ended without close_notify");
  lose(session_->failure());
}

bool Stream::input_waiting() {
  error_code error;
  std::array<std::uint8_t, 1> octet{};
  const std::size_t size = socket_.receive(asio::buffer(octet), asio::socket_base::message_peek, error);
  return size > 0 || (error && !would_block(error));
}

void Stream::resume_reading() {
  paused_ = false;
  read_more();
}

// --- output

void Stream::send(std::string_view plaintext) {
  if (!open_ || finishing_) return;
  if (!session_) return send_raw(as_bytes(plaintext));
  if (auto written = session_->write(as_bytes(plaintext)); !written)
    return lose_later(written.error().detail);
  flush_session();
}

void Stream::flush_session() {
  Bytes out = session_->take_output();
  if (!out.empty()) send_raw(out);
}

void Stream::send_raw(ByteView octets) {
  if (!open_) return;
  if (pending_.empty()) {
    while (!octets.empty()) {
      error_code error;
      const std::size_t size = socket_.write_some(asio::buffer(octets.data(), octets.size()), error);
      if (would_block(error)) break;
      if (error) return lose_later(error.message());
      octets_sent_ += size;
      octets = octets.subspan(size);
    }
    if (octets.empty()) return;
  }
  pending_.insert(pending_.end(), octets.begin(), octets.end());
  write_more();
}

/// Waits for room instead of handing the octets over, since more may be appended meanwhile.
void Stream::write_more() {
  if (writing_) return;
  writing_ = true;
  socket_.async_wait(asio::socket_base::wait_write, [self = keep()](const error_code& error) {
    self->writing_ = false;
    if (!self->open_) return;
    if (error) return self->lose(error.message());
    self->write_pending();
  });
}

void Stream::write_pending() {
  while (sent_ < pending_.size()) {
    error_code error;
    const auto rest = ByteView(pending_).subspan(sent_);
    const std::size_t size = socket_.write_some(asio::buffer(rest.data(), rest.size()), error);
    if (would_block(error)) return write_more();
    if (error) return lose(error.message());
    octets_sent_ += size;
    sent_ += size;
  }
  pending_ = {};
  sent_ = 0;
  if (finishing_) return shut_down_sending();
  on_drained();
}

// --- end

void Stream::finish() {
  if (!open_ || finishing_) return;
  if (session_) {
    session_->close();
    flush_session();
    if (!open_) return;
  }
  finishing_ = true;
  resume_reading();
  if (pending_.empty()) shut_down_sending();
}

void Stream::shut_down_sending() {
  sending_ended_ = true;
  error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

void Stream::close() {
  if (!std::exchange(open_, false)) return;
  depart(sending_ended_ ? departure_in_order() : Departure::lost);
  error_code ignored;
  socket_.close(ignored);
  pending_ = {};
}

void Stream::abandon(std::string reason) {
  if (session_) session_->abandon(reason);
  failure_ = std::move(reason);
}

void Stream::lose(std::string reason) {
  if (!open_) return;
  if (failure_.empty()) failure_ = std::move(reason);
  if (session_) session_->abandon(failure_);
  close();
  on_lost();
}

/// The end of a peer acknowledges what its kernel had received before: what is not acknowledged then was
/// still on its way, and met nobody.
Departure Stream::departure_in_order() {
  if (departure_ != Departure::none) return departure_;
  int waiting = 0;
  const bool known = ::ioctl(socket_.native_handle(), SIOCOUTQ, &waiting) == 0;
  // Our own end counts as one octet until it is acknowledged.
  const bool received = known && pending_.empty() && waiting <= (sending_ended_ ? 1 : 0);
  return received ? Departure::orderly : Departure::lost;
}

void Stream::depart(Departure how) {
  if (departure_ != Departure::none) return;
  departure_ = how;
  if (!watch_) return;
  // In a turn of its own: whoever ends a connection is in the middle of something.
  asio::post(socket_.get_executor(),
             [self = keep(), watch = std::exchange(watch_, {})]() mutable { watch(); });
}

/// A failed write is reported in a turn of its own: its caller is in the middle of something.
void Stream::lose_later(std::string reason) {
  if (std::exchange(losing_, true)) return;
  asio::post(socket_.get_executor(),
             [self = keep(), why = std::move(reason)]() mutable { self->lose(std::move(why)); });
}

Result<SecretBytes> Stream::export_key(std::string_view label, std::size_t size) const {
  if (!session_) return fail(ErrorCode::denied, "the channel has no TLS session to export a key from");
  if (!open_) return fail(ErrorCode::unavailable, "the connection is closed");
  return session_->export_key(label, size);
}

}  // namespace latchkey::bind
