#include "location.h"

#include "function.h"
#include "latchkey/client/credential.h"

namespace latchkey::app {

namespace {

constexpr std::size_t kMessageOctets = 64U << 10U;
constexpr std::size_t kConnections = 8, kListenerConnections = 64;

}  // namespace

Result<tls::SecurityContext> CseLocation::OnlyServer::map(const pki::TrustStore::Verified& peer) {
  if (!pki::names_fqdn(peer.identity, name_))
    return fail(ErrorCode::authentication,
                "the certificate does not name the location server " + name_.text());
  tls::SecurityContext context;
  context.framework = tls::Framework::certificate;
  context.identity = name_;
  context.valid_until = peer.valid_until;
  return context;
}

Result<std::unique_ptr<CseLocation>> CseLocation::open(LocationConfig config, const SpId& home,
                                                       daemon::Daemon& daemon) {
  std::unique_ptr<CseLocation> out(new CseLocation(std::move(config), home, daemon));
  if (!out->config_.countries.empty()) {
    auto countries = cse::CountryDatabase::open(out->config_.countries);
    if (!countries) return fail("countries", countries.error());
    out->countries_ = std::move(*countries);
  }
  if (auto connected = out->connect(); !connected) return fail(connected.error());
  out->information_ = std::make_unique<cse::LocationInformation>(
      out->config_.options, out->server_.get(), out->countries_.get(), daemon.reactor(), system_clock());
  if (auto kept = out->information_->keep_in(daemon.store()); !kept) return fail(kept.error());
  if (auto listening = out->listen(); !listening) return fail("location callback", listening.error());
  return out;
}

Status CseLocation::connect() {
  if (config_.server.url.empty()) return {};
  bind::PeerOptions peer;
  peer.address = config_.address;
  peer.port = config_.port;
  peer.host = config_.host;
  peer.connections = kConnections;
  peer.limits.octets = kMessageOctets;
  if (config_.server_name) {
    if (!daemon_.own() || !daemon_.trust())
      return fail(ErrorCode::unsupported, "a location server with https needs tls.certificate and tls.trust");
    // Asked at each connection, so that renewed certificates and trust anchors count.
    peer.credentials = [this] {
      return client::certificate({.own = daemon_.own(),
                                  .trust = daemon_.trust(),
                                  .home = home_,
                                  .server = *config_.server_name})
          ->options();
    };
  }
  client_ =
      std::make_unique<bind::HttpClient>(daemon_.reactor(), std::move(peer), daemon_.audit(), system_clock());
  server_ = std::make_unique<cse::LocationServer>(config_.server, *client_);
  return {};
}

Status CseLocation::listen() {
  if (config_.notify_address.empty()) return {};
  bind::HttpLimits limits;
  limits.connections = limits.handshakes = limits.handshakes_per_source = kListenerConnections;
  limits.primitive.octets = kMessageOctets;
  listener_ = std::make_unique<bind::WebServer>(
      daemon_.reactor(), limits,
      [this](const bind::WebRequest& request, bind::WebServer::Respond respond) {
        respond(information_->on_notification(request));
      },
      daemon_.audit(), system_clock());
  bind::ListenerOptions options;
  options.name = "location";
  options.kind = config_.server_name ? bind::ListenerKind::secure : bind::ListenerKind::plain;
  options.address = config_.notify_address;
  options.port = config_.notify_port;
  if (config_.server_name) {
    mapper_ = std::make_unique<OnlyServer>(*config_.server_name);
    auto endpoint = tls::ServerEndpoint::make(daemon_.config().tls.server, daemon_.own(), daemon_.trust(),
                                              home_, mapper_.get(), nullptr, daemon_.audit(), system_clock());
    if (!endpoint) return fail(endpoint.error());
    endpoint_ = std::move(*endpoint);
    options.endpoint = endpoint_.get();
  }
  auto port = listener_->listen(std::move(options));
  return port ? Status() : Status(fail(port.error()));
}

Status CseLocation::reload() {
  Status result;
  if (countries_ != nullptr) result = countries_->reload();
  if (client_ != nullptr) client_->renew();
  if (endpoint_ != nullptr) {
    if (auto replaced = endpoint_->replace(daemon_.own(), daemon_.trust()); !replaced) result = replaced;
    listener_->recheck_sessions([](const tls::SecurityContext&) { return Status(); });
  }
  return result;
}

std::string CseLocation::metrics() const {
  const auto counters = information_->counters();
  return daemon::metric_lines("latchkey_cse_location_", {{"questions_total", counters.questions},
                                                         {"failures_total", counters.failures},
                                                         {"refused_total", counters.refused},
                                                         {"notifications_total", counters.notifications},
                                                         {"originators", counters.originators},
                                                         {"areas", counters.areas}});
}

}  // namespace latchkey::app
