#pragma once
/// What a server connection hands its requests to: the oneM2M mapping, or the admin routes.
#include <memory>
#include <string>

#include "http_head.h"
#include "http_parser.h"

namespace latchkey::bind {

class ServerConnection;

/// One request, from the end of its head on.
class Exchange {
 public:
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  virtual ~Exchange() = default;
  /// The answer is certain already: the body is neither asked for nor kept.
  [[nodiscard]] virtual bool refused() const noexcept = 0;
  /// The body is there. Leads to exactly one ServerConnection::reply(), now or later.
  virtual void run(std::string body, const std::shared_ptr<ServerConnection>& connection) = 0;
};

class HttpService {
 public:
  HttpService() = default;
  HttpService(const HttpService&) = delete;
  HttpService& operator=(const HttpService&) = delete;
  virtual ~HttpService() = default;
  /// `head` is valid during the call only.
  [[nodiscard]] virtual std::unique_ptr<Exchange> begin(const RequestHead& head,
                                                        ServerConnection& connection) = 0;
  /// Appends the answer to what is no acceptable HTTP message; the connection ends behind it. `head` holds
  /// what was understood, if anything.
  virtual void write_error(std::string& out, const HttpError& error, const RequestHead* head) = 0;
};

}  // namespace latchkey::bind
