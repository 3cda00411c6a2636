#pragma once
/// The registrar CSE of an AE under test: answers like one, holds polls, and does what a test tells it to.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "latchkey/client/ae.h"
#include "support/maf_world.h"

namespace latchkey::client::test {

class Registrar final : public bind::RequestHandler {
 public:
  void handle(bind::IncomingRequest request, bind::Respond respond) override;
  /// A request for the AE over the poll that waits.
  void hand_out(const std::string& rqi, const std::string& to = "//my.m2mprovider.org/in-cse/Clock");
  /// Answers the poll that waits.
  void end_poll(codec::Rsc rsc, codec::json::value pc = nullptr);

  std::function<std::optional<codec::ResponsePrimitive>(const bind::IncomingRequest&)> instead;
  std::vector<bind::IncomingRequest> requests;    ///< but polls
  std::vector<bind::Respond> polls;               ///< that wait
  std::size_t polled = 0;                         ///< in all
  std::vector<codec::ResponsePrimitive> answers;  ///< of the AE
  bool hold = false;
  std::vector<std::pair<std::string, bind::Respond>> held;  ///< rqi, while `hold`
  void release();
};

/// PSKs that the registrar knows, until when each is good.
class Keys final : public tls::PskSource {
 public:
  void find(std::string_view identity, std::string_view source, Answer answer) override;
  struct Known {
    SecretBytes key;
    std::optional<TimePoint> valid_until;
  };
  std::map<std::string, Known, std::less<>> known;
  std::vector<std::string> presented;
};

/// A listener on loopback, plain or with TLS.
class RegistrarServer {
 public:
  explicit RegistrarServer(bind::Reactor& reactor, const Clock& clock, bool secure = false,
                           std::shared_ptr<const tls::OwnCertificate> own = nullptr);
  ~RegistrarServer() { stop(); }
  RegistrarServer(const RegistrarServer&) = delete;
  RegistrarServer& operator=(const RegistrarServer&) = delete;
  void start();  ///< again at the same port after stop()
  void stop();

  Registrar cse;
  Keys keys;
  std::uint16_t port = 0;
  std::unique_ptr<bind::HttpServer> server;

 private:
  bind::Reactor& reactor_;
  const Clock& clock_;
  AuditRecorder audit_;
  tls::EntityCertificates mapper_{maf::kAdmission, home(), in_cse()};
  std::unique_ptr<tls::ServerEndpoint> endpoint_;
};

/// Options of an AE at that registrar, without a credential.
[[nodiscard]] AeOptions ae_options(std::uint16_t port);

}  // namespace latchkey::client::test
