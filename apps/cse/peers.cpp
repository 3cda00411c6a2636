#include "peers.h"

#include <algorithm>
#include <charconv>

#include "latchkey/client/credential.h"

namespace latchkey::app {

namespace {

constexpr std::size_t kSendersMax = 10'000;  // distinct targets that stay connected

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

/// Notifications to a URL: `to` becomes the path of that URL.
class UrlSender final : public bind::RequestSender {
 public:
  UrlSender(bind::Reactor& reactor, bind::PeerOptions options, std::string path, AuditSink& audit)
      : http_(reactor, std::move(options), audit, system_clock()), path_(std::move(path)) {}
  void send(codec::RequestPrimitive request, std::chrono::milliseconds timeout, Done done) override {
    request.to = path_;
    http_.send(std::move(request), timeout, std::move(done));
  }

 private:
  bind::HttpClient http_;
  std::string path_;
};

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

bind::RequestSender* CsePeers::connect(const std::string& key, bind::PeerOptions options) {
  if (senders_.size() >= kSendersMax) return nullptr;
  auto sender = std::make_unique<bind::HttpClient>(daemon_.reactor(), std::move(options), daemon_.audit(),
                                                   system_clock());
  return senders_.emplace(key, std::move(sender)).first->second.get();
}

bind::RequestSender* CsePeers::cse(const CseId& id, const std::vector<std::string>& poa) {
  const auto key = id.absolute();
  if (const auto found = senders_.find(key); found != senders_.end()) return found->second.get();
  const auto configured = std::ranges::find(config_.peers, id, &PeerConfig::id);
  bind::PeerOptions options;
  if (configured != config_.peers.end()) {
    options.address = configured->address;
    options.port = configured->port;
    options.credentials = [this, peer = *configured] {
      return peer.psk_identity.empty() ? certificate_options(peer.id) : psk_options(peer);
    };
  } else {
    // A registree's own word for where it is; who it is, the handshake must prove.
    std::optional<Url> url;
    for (const auto& text : poa)
      if (auto candidate = parse_url(text); candidate && candidate->scheme == "https") {
        url = std::move(candidate);
        break;
      }
    if (!url) return nullptr;
    options.address = url->host;
    options.port = url->port;
    options.path_prefix = url->path.empty() ? "" : "/" + url->path;
    options.credentials = [this, id] { return certificate_options(id); };
  }
  const auto name = id.public_domain_name(id == *config_.in_cse ? std::nullopt : config_.in_cse);
  options.host = name ? name->text() : options.address;
  return connect(key, std::move(options));
}

bind::RequestSender* CsePeers::url(std::string_view text) {
  const std::string key(text);
  if (const auto found = senders_.find(key); found != senders_.end()) return found->second.get();
  const auto url = parse_url(text);
  if (!url || url->path.empty() || senders_.size() >= kSendersMax) return nullptr;
  bind::PeerOptions options;
  options.address = url->host;
  options.port = url->port;
  options.host = url->host;
  if (url->scheme == "https") {
    auto server = Fqdn::parse(url->host);
    if (!server) return nullptr;
    options.credentials = [this, server = *server] { return certificate_options(server); };
  } else if (!config_.plain_notifications) {
    return nullptr;
  }
  auto sender =
      std::make_unique<UrlSender>(daemon_.reactor(), std::move(options), url->path, daemon_.audit());
  return senders_.emplace(key, std::move(sender)).first->second.get();
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
