#pragma once
/// The parts of [location]: database, client and callback listener around the PIP.
#include <memory>

#include "daemon.h"
#include "latchkey/bind/http_client.h"
#include "latchkey/bind/web_server.h"
#include "location_config.h"

namespace latchkey::app {

class CseLocation {
 public:
  /// Opens what the configuration names. `daemon` outlives this. Errors are fit to print.
  [[nodiscard]] static Result<std::unique_ptr<CseLocation>> open(LocationConfig config, const SpId& home,
                                                                 daemon::Daemon& daemon);
  [[nodiscard]] cse::LocationInformation& information() noexcept { return *information_; }
  /// SIGHUP: the database, and certificate and trust of the listener; what cannot be read stays as it was.
  [[nodiscard]] Status reload();
  [[nodiscard]] std::string metrics() const;  ///< Prometheus text

 private:
  /// Who may call back: the location server by its certificate.
  class OnlyServer final : public tls::CertificateMapper {
   public:
    explicit OnlyServer(Fqdn name) : name_(std::move(name)) {}
    [[nodiscard]] Result<tls::SecurityContext> map(const pki::TrustStore::Verified& peer) override;

   private:
    Fqdn name_;
  };

  CseLocation(LocationConfig config, SpId home, daemon::Daemon& daemon)
      : config_(std::move(config)), home_(std::move(home)), daemon_(daemon) {}
  [[nodiscard]] Status connect();
  [[nodiscard]] Status listen();

  const LocationConfig config_;
  const SpId home_;
  daemon::Daemon& daemon_;
  std::unique_ptr<cse::CountryDatabase> countries_;
  std::unique_ptr<bind::HttpClient> client_;
  std::unique_ptr<cse::LocationServer> server_;
  std::unique_ptr<cse::LocationInformation> information_;
  std::unique_ptr<OnlyServer> mapper_;
  std::unique_ptr<tls::ServerEndpoint> endpoint_;
  std::unique_ptr<bind::WebServer> listener_;
};

}  // namespace latchkey::app
