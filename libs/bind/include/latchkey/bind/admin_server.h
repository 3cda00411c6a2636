#pragma once
/// The admin listener: /healthz, /readyz, /metrics and what a daemon adds; unix socket by default, never a
/// public port.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "latchkey/base/error.h"
#include "latchkey/bind/reactor.h"

namespace latchkey::bind {

struct AdminRequest {
  std::string method, path;
  std::map<std::string, std::string> query;
  std::uint32_t peer_uid = 0;  ///< unix socket only
};
struct AdminResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};
struct AdminOptions {
  std::string unix_path;  ///< 0600; empty when TCP is used
  std::string address;    ///< loopback only, else invalid_argument
  std::uint16_t port = 0;
  std::vector<std::string> hosts;  ///< TCP: exact Host values; a request with Origin is refused
};

class AdminServer {
 public:
  explicit AdminServer(Reactor& reactor);
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;
  /// `path` exactly, e.g. "/healthz". Before listen().
  void route(std::string method, std::string path, std::function<AdminResponse(const AdminRequest&)> handler);
  [[nodiscard]] Result<std::uint16_t> listen(AdminOptions options);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace latchkey::bind
