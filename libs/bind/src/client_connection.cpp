#include "client_connection.h"

#include <utility>

#include "http_mapping.h"

namespace latchkey::bind {
namespace {

constexpr std::size_t kHeaderOctetsMax = 16U << 10U;

}  // namespace

ClientConnection::ClientConnection(Socket socket, std::unique_ptr<tls::Session> session,
                                   std::weak_ptr<ClientEvents> events, const codec::PrimitiveLimits& limits)
    : Stream(std::move(socket), std::move(session)), events_(std::move(events)), limits_(limits) {}

void ClientConnection::on_established() {
  ready_ = true;
  if (const auto events = events_.lock()) events->ready(*this);
}

void ClientConnection::carry(ClientRequestPtr request) {
  request_ = std::move(request);
  parser_.reset();
  heard_ = false;
  sent_before_ = octets_sent();
  send(request_->wire);
}

bool ClientConnection::may_repeat(const ClientRequest& request) const noexcept {
  if (request.repeated || heard_) return false;
  if (octets_sent() == sent_before_) return true;
  return request.repeatable && answers_ > 0;
}

void ClientConnection::on_plaintext(std::string_view octets) {
  if (request_ == nullptr) {
    // Nothing was asked: whatever this is, it answers no request.
    close();
    return on_lost();
  }
  heard_ = true;
  kept_ += octets;
  parse();
}

void ClientConnection::parse() {
  while (request_ != nullptr && !kept_.empty()) {
    if (!parser_) {
      parser_ = std::make_unique<MessageParser>(
          MessageParser::Kind::response,
          ParserLimits{.header_octets = kHeaderOctetsMax, .body_octets = limits_.octets});
    }
    const bool head = !parser_->head_done();
    const std::size_t used = parser_->put(kept_);
    if (parser_->error())
      return give(fail(ErrorCode::invalid_argument, "answer: " + parser_->error()->detail), false);
    if (head && parser_->head_done()) {
      // The head is looked at when the body is there: its octets move along. No head is so short that a
      // string would hold it without a heap block, whose move leaves the views valid.
      head_octets_ = std::move(kept_);
      kept_ = head_octets_.substr(used);
    } else {
      wipe(kept_.data(), used);  // it may have held a key, as in the other places
      kept_.erase(0, used);
    }
    if (parser_->done()) {
      complete();
    } else if (used == 0) {
      return;
    }
  }
}

void ClientConnection::complete() {
  const auto parser = std::move(parser_);
  const ResponseHead& head = parser->response();
  if (head.status < 200) {
    if (head.status == 101)
      give(fail(ErrorCode::invalid_argument, "answer: an upgrade that was not asked for"), false);
    return;  // 100 Continue and its like precede the answer
  }
  const bool keep = parser->keep_alive() && kept_.empty() && !last_;
  std::string body = parser->take_body();
  auto mapped = map_response(head, body, request_->rqi, limits_);
  wipe(body.data(), body.size());
  if (!mapped) return give(fail(ErrorCode::invalid_argument, "answer: " + mapped.error().detail), false);
  give(*std::move(mapped), keep);
}

void ClientConnection::give(Result<codec::ResponsePrimitive> answer, bool keep) {
  const auto self = shared_from_this();
  const ClientRequestPtr request = std::exchange(request_, nullptr);
  ++answers_;
  idle_since_ = std::chrono::steady_clock::now();
  wipe(head_octets_.data(), head_octets_.size());
  head_octets_ = std::string();
  if (!keep) close();
  if (const auto events = events_.lock()) events->answered(*this, request, std::move(answer));
}

void ClientConnection::on_input_end() {
  // An answer without length ends with the connection.
  if (parser_ && parser_->head_done()) {
    parser_->put_eof();
    if (parser_->done()) return complete();
  }
  close();
  on_lost();
}

void ClientConnection::end() {
  finish();
  close();
}

void ClientConnection::on_lost() {
  const auto self = shared_from_this();
  // An answer without length over TLS is whole only behind a close_notify.
  const bool ended = is_secure() && session()->state() == tls::Session::State::closed;
  if (request_ && parser_ && parser_->head_done() && ended) {
    parser_->put_eof();
    if (parser_->done()) return complete();
  }
  const ClientRequestPtr request = std::exchange(request_, nullptr);
  if (const auto events = events_.lock()) events->lost(*this, request);
}

}  // namespace latchkey::bind
