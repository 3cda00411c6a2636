#pragma once
/// HTTP/1.1 messages out of octets: Beast's parser under our limits and our guards against request smuggling
/// (RFC 9112 11.2). No I/O. Not thread-safe.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http_head.h"

namespace latchkey::bind {

struct ParserLimits {
  std::size_t header_octets = 16U << 10U;
  std::size_t header_fields = 64;
  std::size_t body_octets = 1U << 20U;
};

/// What is wrong with a message, and the HTTP status that says so (400, 413, 417, 431, 505).
struct HttpError {
  int status = 400;
  std::string detail;
};

/// One message. put() is given the octets that it has not used yet, each time from the same place on; it
/// stops behind the message.
class MessageParser {
 public:
  enum class Kind : std::uint8_t { request, response };
  MessageParser(Kind kind, const ParserLimits& limits);
  ~MessageParser();
  MessageParser(const MessageParser&) = delete;
  MessageParser& operator=(const MessageParser&) = delete;

  /// How many octets were used. The head is taken at once or not at all; put() returns behind it, so that the
  /// caller can look at it while `data` lives. Nothing more is used after an error.
  [[nodiscard]] std::size_t put(std::string_view data);
  /// The connection ended: completes a response without length, is an error elsewhere.
  void put_eof();

  [[nodiscard]] const std::optional<HttpError>& error() const noexcept;
  [[nodiscard]] bool head_done() const noexcept;
  [[nodiscard]] bool done() const noexcept;
  /// Valid while the octets that held the head are.
  [[nodiscard]] const RequestHead& request() const noexcept;
  [[nodiscard]] const ResponseHead& response() const noexcept;
  [[nodiscard]] bool keep_alive() const noexcept;
  /// Drops the body instead of keeping it.
  void skip_body() noexcept;
  [[nodiscard]] std::string take_body() noexcept;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::bind
