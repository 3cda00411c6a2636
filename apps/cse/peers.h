#pragma once
/// Connections of a CSE to other CSEs, to notification targets and to MAFs.
#include <unordered_map>

#include "config.h"
#include "daemon.h"
#include "latchkey/bind/http_client.h"
#include "latchkey/bind/sender_pool.h"
#include "latchkey/client/maf_client.h"

namespace latchkey::app {

class CsePeers final : public cse::Peers {
 public:
  /// References outlive this object. Reactor's thread.
  CsePeers(const CseConfig& config, daemon::Daemon& daemon) : config_(config), daemon_(daemon) {}
  ~CsePeers() override;

  bind::RequestSender* cse(const CseId& id, const std::vector<std::string>& poa) override;
  bind::RequestSender* url(std::string_view url, const std::string& owner) override;
  [[nodiscard]] std::shared_ptr<client::MafClient> maf(const MafConfig& maf);

 private:
  /// TLS options towards a server that must prove to be `server`, with our own certificate.
  [[nodiscard]] Result<tls::ClientOptions> certificate_options(const EntityId& server) const;
  [[nodiscard]] Result<tls::ClientOptions> psk_options(const PeerConfig& peer) const;
  /// Host and SNI of a CSE: its public domain name, else where it is.
  [[nodiscard]] std::string server_name(const CseId& id, const std::string& address) const;
  [[nodiscard]] std::unique_ptr<bind::RequestSender> connection(bind::PeerOptions options) const;
  [[nodiscard]] bind::RequestSender* configured(const PeerConfig& peer);

  /// One client serves every path of a server; this says which one the next request is for.
  class UrlSender final : public bind::RequestSender {
   public:
    void aim(bind::RequestSender* server, std::string path) {
      server_ = server;
      path_ = std::move(path);
    }
    void send(codec::RequestPrimitive request, std::chrono::milliseconds timeout, Done done) override {
      request.to = path_;
      server_->send(std::move(request), timeout, std::move(done));
    }

   private:
    bind::RequestSender* server_ = nullptr;
    std::string path_;
  };

  const CseConfig& config_;
  daemon::Daemon& daemon_;
  std::unordered_map<std::string, std::unique_ptr<bind::RequestSender>> configured_;  // by absolute CSE-ID
  bind::SenderPool pool_{bind::SenderPoolLimits{}};
  UrlSender url_;
};

}  // namespace latchkey::app
