#pragma once
/// Connections of a CSE to other CSEs, to notification targets and to MAFs.
#include <unordered_map>

#include "config.h"
#include "daemon.h"
#include "latchkey/bind/http_client.h"
#include "latchkey/client/maf_client.h"

namespace latchkey::app {

class CsePeers final : public cse::Peers {
 public:
  /// References outlive this object. Reactor's thread.
  CsePeers(const CseConfig& config, daemon::Daemon& daemon) : config_(config), daemon_(daemon) {}
  ~CsePeers() override;

  bind::RequestSender* cse(const CseId& id, const std::vector<std::string>& poa) override;
  bind::RequestSender* url(std::string_view url) override;
  [[nodiscard]] std::shared_ptr<client::MafClient> maf(const MafConfig& maf);

 private:
  /// TLS options towards a server that must prove to be `server`, with our own certificate.
  [[nodiscard]] Result<tls::ClientOptions> certificate_options(const EntityId& server) const;
  [[nodiscard]] Result<tls::ClientOptions> psk_options(const PeerConfig& peer) const;
  [[nodiscard]] bind::RequestSender* connect(const std::string& key, bind::PeerOptions options);

  const CseConfig& config_;
  daemon::Daemon& daemon_;
  std::unordered_map<std::string, std::unique_ptr<bind::RequestSender>> senders_;
};

}  // namespace latchkey::app
