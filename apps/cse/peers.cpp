#include "peers.h"

#include <algorithm>
#include <charconv>

#include "latchkey/client/credential.h"

namespace latchkey::app {

namespace {

struct Url {
  std::string scheme, host, path;
  std::uint16_t port = 0;
};

std::optional<Url> parse_url(std::string_view text) {
  Url out;
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  out.scheme = std::string(text.substr(0, colon));
  if (out.scheme != "http" && out.scheme != "https") return std::nullopt;
  text.remove_prefix(colon + 3);
  const auto slash = text.find('/');
  auto authority = text.substr(0, slash);
  if (slash != std::string_view::npos) out.path = std::string(text.substr(slash + 1));
  if (const auto query = out.path.find('?'); query != std::string::npos)
    out.path.resize(query);  // "?ct=json" is for us
  if (authority.find('@') != std::string_view::npos || authority.empty()) return std::nullopt;
  out.port = out.scheme == "https" ? 443 : 80;
  if (const auto port = authority.rfind(':'); port != std::string_view::npos && authority.back() != ']') {
    const auto digits = authority.substr(port + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || out.port == 0) return std::nullopt;
    authority = authority.substr(0, port);
  }
  if (authority.size() > 2 && authority.front() == '[' && authority.back() == ']')
    authority = authority.substr(1, authority.size() - 2);
  out.host = std::string(authority);
  return out;
}

}  // namespace

CsePeers::~CsePeers() = default;

Result<tls::ClientOptions> CsePeers::certificate_options(const EntityId& server) const {
  if (!daemon_.own() || !daemon_.trust())
    return fail(ErrorCode::unsupported, "no certificate or no trust anchor is configured");
  const auto* cse = std::get_if<CseId>(&server);
  const bool is_in = cse != nullptr && *cse == *config_.in_cse;
  return client::certificate({.own = daemon_.own(),
                              .trust = daemon_.trust(),
                              .home = config_.cse->cse_id.sp(),
                              .server = server,
                              .server_in_cse = is_in ? std::nullopt : config_.in_cse,
                              .annex_b = config_.annex_b()})
      ->options();
}

std::string CsePeers::server_name(const CseId& id, const std::string& address) const {
  const auto name = id.public_domain_name(id == *config_.in_cse ? std::nullopt : config_.in_cse);
  return name ? name->text() : address;
}

Result<tls::ClientOptions> CsePeers::psk_options(const PeerConfig& peer) const {
  auto identity = KeyId::parse(peer.psk_identity);
  if (!identity) return fail(identity.error());
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(system_clock().now().time_since_epoch()).count();
  auto key = daemon_.environment().use_as_psk({peer.psk_key}, Suid::Use::saef, now);
  if (!key) return fail(key.error());
  return client::provisioned_key(std::move(*identity), Kpsa(std::move(*key)), peer.id,
                                 config_.cse->cse_id.sp())
      ->options();
}

std::unique_ptr<bind::RequestSender> CsePeers::connection(bind::PeerOptions options) const {
  return std::make_unique<bind::HttpClient>(daemon_.reactor(), std::move(options), daemon_.audit(),
                                            system_clock());
}

/// Its address and what proves it come from the configuration; both stay.
bind::RequestSender* CsePeers::configured(const PeerConfig& peer) {
  auto& sender = configured_[peer.id.absolute()];
  if (sender != nullptr) return sender.get();
  bind::PeerOptions options;
  options.address = peer.address;
  options.port = peer.port;
  options.host = server_name(peer.id, peer.address);
  options.credentials = [this, peer] {
    return peer.psk_identity.empty() ? certificate_options(peer.id) : psk_options(peer);
  };
  sender = connection(std::move(options));
  return sender.get();
}

bind::RequestSender* CsePeers::cse(const CseId& id, const std::vector<std::string>& poa) {
  if (const auto peer = std::ranges::find(config_.peers, id, &PeerConfig::id); peer != config_.peers.end())
    return configured(*peer);
  // A registree's own word for where it is; who it is, the handshake must prove.
  const auto is_secure = [](const std::string& text) {
    const auto url = parse_url(text);
    return url && url->scheme == "https";
  };
  const auto text = std::ranges::find_if(poa, is_secure);
  if (text == poa.end()) return nullptr;
  return pool_.get(id.absolute(), *text, [&] {
    const auto url = parse_url(*text);
    bind::PeerOptions options;
    options.address = url->host;
    options.port = url->port;
    options.path_prefix = url->path.empty() ? "" : "/" + url->path;
    options.host = server_name(id, url->host);
    options.credentials = [this, id] { return certificate_options(id); };
    return connection(std::move(options));
  });
}

bind::RequestSender* CsePeers::url(std::string_view text, const std::string& owner) {
  const auto url = parse_url(text);
  if (!url || url->path.empty()) return nullptr;
  if (url->scheme == "http" && !config_.plain_notifications) return nullptr;
  const auto server = url->scheme == "https" ? Fqdn::parse(url->host) : fail(ErrorCode::not_found, "");
  if (url->scheme == "https" && !server) return nullptr;
  const auto key = url->scheme + "://" + url->host + ":" + std::to_string(url->port);
  auto* const sender = pool_.get(owner, key, [&] {
    bind::PeerOptions options;
    const auto das = std::ranges::find_if(config_.tokens.das, [&](const DasConfig& one) {
      return one.port != 0 && one.server.point_of_access == text;
    });
    const bool placed = das != config_.tokens.das.end();
    options.address = placed ? das->address : url->host;
    options.port = placed ? das->port : url->port;
    options.host = url->host;
    if (server) options.credentials = [this, name = *server] { return certificate_options(name); };
    return connection(std::move(options));
  });
  if (sender == nullptr) return nullptr;
  url_.aim(sender, url->path);
  return &url_;
}

std::shared_ptr<client::MafClient> CsePeers::maf(const MafConfig& maf) {
  bind::PeerOptions peer;
  peer.address = maf.address;
  peer.port = maf.port;
  peer.host = maf.fqdn.text();
  peer.credentials = [this, fqdn = maf.fqdn] { return certificate_options(fqdn); };
  client::MafClientOptions options{.maf = maf.fqdn,
                                   .home = config_.cse->cse_id.sp(),
                                   .client_id = config_.cse->cse_id,
                                   .peer = std::move(peer)};
  return std::make_shared<client::MafClient>(daemon_.reactor(), std::move(options), daemon_.audit(),
                                             system_clock());
}

}  // namespace latchkey::app
