#include "server_session.h"

namespace latchkey::tls {
namespace {

Result<std::shared_ptr<const ServerCredentials>> compile(std::shared_ptr<const OwnCertificate> own,
                                                         std::shared_ptr<const pki::TrustStore> trust) {
  auto credentials = std::make_shared<ServerCredentials>();
  if (own) {
    std::vector<pki::Certificate> names;
    if (trust) names = trust->anchors();
    auto certificate = CertificateCredentials::make(own.get(), names);
    if (!certificate) return fail(std::move(certificate).error());
    credentials->certificate = *std::move(certificate);
  }
  credentials->own = std::move(own);
  credentials->trust = std::move(trust);
  return credentials;
}

Status check_client_authentication(const ServerOptions& options, const ServerCredentials& credentials,
                                   const CertificateMapper* mapper) {
  if (credentials.own && options.require_client_certificate && (!credentials.trust || mapper == nullptr)) {
    return fail(ErrorCode::invalid_argument,
                "client certificates are required but no trust store or mapper is there");
  }
  return {};
}

}  // namespace

struct ServerEndpoint::Impl {
  std::shared_ptr<ServerCore> core;
};

ServerEndpoint::ServerEndpoint(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ServerEndpoint::~ServerEndpoint() {
  // Sessions that live on hold the core; what the endpoint's owner lent it is out of reach from now on.
  impl_->core->mapper = nullptr;
  impl_->core->psk = nullptr;
}

Result<std::unique_ptr<ServerEndpoint>> ServerEndpoint::make(ServerOptions options,
                                                             std::shared_ptr<const OwnCertificate> own,
                                                             std::shared_ptr<const pki::TrustStore> trust,
                                                             SpId home, CertificateMapper* mapper,
                                                             PskSource* psk, AuditSink& audit,
                                                             const Clock& clock) {
  auto suites = usable_suites(options.suites, psk != nullptr, own != nullptr);
  if (!suites) return fail("tls", std::move(suites).error());
  auto credentials = compile(std::move(own), std::move(trust));
  if (!credentials) return fail("tls", std::move(credentials).error());
  if (auto checked = check_client_authentication(options, **credentials, mapper); !checked) {
    return fail("tls", checked.error());
  }
  const std::size_t cache_entries = options.chain_cache_entries;
  const std::shared_ptr<ServerCore> core(new ServerCore{std::move(options), *std::move(suites),
                                                        std::move(home), mapper, psk, audit, clock,
                                                        *std::move(credentials), ChainCache(cache_entries)});
  return std::make_unique<ServerEndpoint>(std::make_unique<Impl>(Impl{core}));
}

Status ServerEndpoint::replace(std::shared_ptr<const OwnCertificate> own,
                               std::shared_ptr<const pki::TrustStore> trust) {
  ServerCore& core = *impl_->core;
  auto suites = usable_suites(core.options.suites, core.psk != nullptr, own != nullptr);
  if (!suites) return fail("tls", std::move(suites).error());
  auto credentials = compile(std::move(own), std::move(trust));
  if (!credentials) return fail("tls", std::move(credentials).error());
  if (auto checked = check_client_authentication(core.options, **credentials, core.mapper); !checked) {
    return fail("tls", checked.error());
  }
  core.suites = *std::move(suites);
  core.credentials = *std::move(credentials);
  core.chains.clear();
  return {};
}

Status ServerEndpoint::recheck(const Session& session) {
  const SecurityContextPtr context = session.context();
  if (!context) return fail(ErrorCode::unavailable, "TLS session is not established");
  ServerCore& core = *impl_->core;
  const TimePoint now = core.clock.now();
  if (context->valid_until && *context->valid_until <= now) {
    return fail(ErrorCode::expired, "credential expired at " + format_timestamp(*context->valid_until));
  }
  const auto& chain = session.peer_chain();
  if (chain.empty()) return {};
  if (!core.credentials->trust || core.mapper == nullptr) {
    return fail(ErrorCode::authentication, "no trust anchors for client certificates");
  }
  std::vector<ByteView> presented;
  presented.reserve(chain.size());
  for (const pki::Certificate& certificate : chain) presented.emplace_back(certificate.der());
  const auto verified = core.chains.verify(presented, *core.credentials->trust, now, core.home);
  if (!verified) return fail(verified.error());
  return {};
}

std::unique_ptr<Session> ServerEndpoint::accept(std::string peer) {
  return std::make_unique<Session>(std::make_unique<ServerSession>(impl_->core, std::move(peer)));
}

}  // namespace latchkey::tls
