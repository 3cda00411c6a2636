#include "server_connection.h"

#include <algorithm>
#include <utility>

#include "http_text.h"
#include "server_core.h"

namespace latchkey::bind {
namespace {

using std::chrono::milliseconds;

/// How long and how much of what the peer still sends is thrown away after the last answer.
constexpr milliseconds kEndingTime{2'000};
/// Pipelined octets that are kept while a request is being answered.
constexpr std::size_t kKeptOctetsMax = 64U << 10U;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

bool is_trusted(ListenerKind kind) noexcept {
  return kind == ListenerKind::trusted_unix || kind == ListenerKind::trusted_tcp;
}

/// A web page must not reach a trusted listener: browsers send Origin, and a name that was rebound to the
/// loopback address shows in Host.
std::optional<HttpError> check_trusted(const Listener& listener, const RequestHead& head) {
  if (!is_trusted(listener.options.kind)) return std::nullopt;
  if (head.fields.has(Field::web_origin)) return HttpError{403, "Origin: not accepted by this listener"};
  if (listener.options.kind == ListenerKind::trusted_unix) return std::nullopt;
  const auto& hosts = listener.options.hosts;
  const bool listed = std::ranges::find(hosts, head.fields[Field::host]) != hosts.end();
  if (listed && !head.fields.repeated()) return std::nullopt;
  return HttpError{403, "Host: " + shown(head.fields[Field::host]) + " is not a host of this listener"};
}

}  // namespace

ServerConnection::ServerConnection(Socket socket, std::unique_ptr<tls::Session> session,
                                   std::shared_ptr<ServerCore> core, std::shared_ptr<const Listener> listener,
                                   PeerAddress peer)
    : Stream(std::move(socket), std::move(session)),
      core_(std::move(core)),
      listener_(std::move(listener)),
      peer_(std::move(peer)) {}

std::shared_ptr<ServerConnection> ServerConnection::self() {
  return std::static_pointer_cast<ServerConnection>(shared_from_this());
}

void ServerConnection::begin() {
  // Whoever has not proven anything yet gets the time of a handshake, or of a header, and no more.
  const HttpLimits& limits = core_->limits();
  enter(is_secure() ? Phase::handshake : Phase::idle,
        is_secure() ? limits.handshake_time : limits.header_time);
  start();
}

tls::SecurityContextPtr ServerConnection::context() const {
  return is_secure() ? session()->context() : listener_->context;
}

void ServerConnection::enter(Phase phase, milliseconds limit) {
  phase_ = phase;
  deadline_ = std::chrono::steady_clock::now() + limit;
}

void ServerConnection::wait_for_request() { enter(Phase::idle, core_->limits().idle_time); }

// --- input

void ServerConnection::on_established() {
  if (!is_secure()) return;
  core_->no_longer_half_open(*this);
  wait_for_request();
}

void ServerConnection::on_plaintext(std::string_view octets) {
  if (kept_.empty()) {
    const std::size_t used = process(octets);
    kept_.assign(octets.substr(used));
    settle_input();
  } else {
    kept_ += octets;
    process_kept();
  }
}

void ServerConnection::process_kept() {
  const std::size_t used = process(kept_);
  wipe(kept_.data(), std::min(used, kept_.size()));  // it may have held a key
  kept_.erase(0, used);
  settle_input();
}

/// After every look at the input: what is kept decides whether more is read, and whether it can ever
/// continue.
void ServerConnection::settle_input() {
  if (!is_open() || is_finishing()) return;
  if (kept_.empty()) kept_ = std::string();  // an idle connection keeps no buffer
  if (input_ended_ && takes_input()) return end();
  if (takes_input() || kept_.size() < kKeptOctetsMax) {
    resume_reading();
  } else {
    pause_reading();
  }
}

bool ServerConnection::takes_input() const noexcept {
  return phase_ == Phase::idle || phase_ == Phase::head || phase_ == Phase::body;
}

/// As many whole requests as there are; returns how many octets were used.
std::size_t ServerConnection::process(std::string_view data) {
  if (processing_) return 0;
  processing_ = true;
  std::size_t used = 0;
  while (is_open() && takes_input() && used < data.size()) {
    const std::size_t step = process_message(data.substr(used));
    used += step;
    if (step == 0) break;
  }
  processing_ = false;
  return is_open() && !is_finishing() ? used : data.size();
}

std::size_t ServerConnection::process_message(std::string_view data) {
  if (phase_ == Phase::idle) {
    // RFC 9112 2.2: an empty line before a request line is ignored.
    if (data.starts_with("\r\n")) return 2;
    if (data == "\r") return 0;
    enter(Phase::head, core_->limits().header_time);
    const HttpLimits& limits = core_->limits();
    parser_ = std::make_unique<MessageParser>(MessageParser::Kind::request,
                                              ParserLimits{.header_octets = limits.header_octets,
                                                           .header_fields = limits.header_fields,
                                                           .body_octets = limits.primitive.octets});
  }
  const std::size_t used = parser_->put(data);
  if (parser_->error()) {
    refuse_message(*parser_->error(), &parser_->request());
    return data.size();
  }
  if (!parser_->head_done()) return 0;
  if (phase_ == Phase::head) begin_exchange(parser_->request(), used < data.size());
  if (phase_ == Phase::body && parser_->done()) run_exchange();
  return used;
}

void ServerConnection::begin_exchange(const RequestHead& head, bool body_arrives) {
  enter(Phase::body, core_->limits().body_time);
  core_->no_longer_half_open(*this);
  keep_alive_ = head.keep_alive;
  if (const auto refusal = check_trusted(*listener_, head)) return refuse_message(*refusal, &head);
  const std::string_view expect = head.fields[Field::expect];
  if (head.fields.has(Field::expect) && !equals_folded(expect, "100-continue")) {
    return refuse_message({417, "Expect: " + shown(expect) + " is not offered"}, &head);
  }
  exchange_ = listener_->service->begin(head, *this);
  const bool waits = head.fields.has(Field::expect) && head.has_body && !body_arrives;
  if (exchange_->refused()) {
    parser_->skip_body();
    // RFC 9110 10.1.1: the final answer comes instead of 100; what was to follow it is not known.
    if (waits) {
      keep_alive_ = false;
      run_exchange();
    }
  } else if (waits) {
    send(kContinue);
  }
}

void ServerConnection::run_exchange() {
  phase_ = Phase::busy;
  deadline_ = SteadyTime::max();
  const auto parser = std::move(parser_);
  const auto exchange = std::move(exchange_);
  core_->count_request();
  exchange->run(parser->take_body(), self());
}

void ServerConnection::refuse_message(const HttpError& error, const RequestHead* head) {
  core_->count_malformed();
  std::string answer;
  listener_->service->write_error(answer, error, head);
  send(answer);
  end();
}

// --- output

bool ServerConnection::closes_after_reply() const noexcept { return !keep_alive_ || core_->is_draining(); }

void ServerConnection::reply(std::string_view message, bool close) {
  slot_.release();
  if (!is_open() || phase_ != Phase::busy) return;
  const bool last = close || closes_after_reply();
  send(message);
  if (last) return end();
  if (output_pending()) {
    // A peer that does not read its answer gets no other one, and not for ever.
    enter(Phase::writing, core_->limits().body_time);
    return settle_input();
  }
  wait_for_request();
  if (processing_) return;
  if (kept_.empty()) return settle_input();
  // In a turn of its own: whoever answers may be in the middle of a change.
  core_->post([weak = weak_from_this()] {
    if (const auto stream = weak.lock()) static_cast<ServerConnection&>(*stream).process_kept();
  });
}

void ServerConnection::on_drained() {
  if (phase_ != Phase::writing) return;
  if (core_->is_draining()) return end();
  wait_for_request();
  process_kept();
}

// --- end

void ServerConnection::on_input_end() {
  input_ended_ = true;
  if (!takes_input()) return;  // a peer may end its side behind its last request and wait for the answer
  if (kept_.empty()) return end();
  process_kept();  // the last request may be kept here; without a whole one this ends the connection
}

void ServerConnection::on_lost() {
  // A peer that has gone takes no place of others, however long its request goes on.
  slot_.release();
  if (phase_ == Phase::handshake) core_->count_failed_handshake();
  core_->remove(*this);
}

void ServerConnection::end() {
  if (!is_open() || is_finishing()) return;
  core_->no_longer_half_open(*this);
  enter(Phase::ending, kEndingTime);
  exchange_.reset();
  kept_ = std::string();
  finish();
}

void ServerConnection::finish_if_idle() {
  if (phase_ == Phase::handshake) return drop("the server is shutting down");
  if (takes_input()) end();
}

void ServerConnection::drop(const std::string& reason) {
  abandon(reason);
  close();
  on_lost();
}

void ServerConnection::check_deadline(SteadyTime now) {
  if (now < deadline_) return;
  switch (phase_) {
    case Phase::handshake:
      return drop("the handshake took too long");
    case Phase::idle:
      return end();
    case Phase::head:
      return refuse_message({408, "header: took too long"}, nullptr);
    case Phase::body:
      return refuse_message({408, "content: took too long"}, nullptr);
    case Phase::busy:
      return;
    case Phase::writing:
    case Phase::ending:
      return drop("the peer does not read");
  }
}

}  // namespace latchkey::bind
