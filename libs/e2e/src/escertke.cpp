#include "latchkey/e2e/escertke.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <list>
#include <unordered_map>
#include <utility>

#include "end_point.h"
#include "latchkey/codec/dynamic_authorization.h"
#include "latchkey/crypto/derivation.h"
#include "latchkey/tls/raw_key.h"

namespace latchkey::e2e {
namespace {

constexpr std::uint8_t kHandshakeRecord = 22, kAlertRecord = 21, kClientHello = 1;
constexpr std::size_t kRecordHeader = 5;

Result<tls::SecurityContext> judge(const pki::TrustStore::Verified& verified, const EsCertKePeer& peer,
                                   const EsCertKeCredentials& ours) {
  const bool device = peer.device && pki::names_device(verified.identity, *peer.device);
  if (!device && !names_end_point(verified.identity, peer.id, ours.in_cse, ours.annex_b))
    return fail(ErrorCode::authentication, "the certificate does not prove " + to_string(peer.id));
  tls::SecurityContext context;
  context.framework = tls::Framework::certificate;
  context.identity = peer.id;
  context.valid_until = verified.valid_until;
  return context;
}

/// 8.7.2.2 B, 10.1.2: the key that the configuration pins stands for the end-point that it names.
std::function<Result<tls::SecurityContext>(ByteView)> pinned(EsCertKePeer peer, TimePoint end) {
  return [peer = std::move(peer), end](ByteView spki) -> Result<tls::SecurityContext> {
    if (!peer.raw_key->matches(spki))
      return fail(ErrorCode::authentication, "the raw public key is not that of " + to_string(peer.id));
    tls::SecurityContext context;
    context.framework = tls::Framework::certificate;
    context.identity = peer.id;
    context.valid_until = end;
    return context;
  };
}

tls::RawKeyOptions raw_options(const EsCertKeCredentials& ours, EsCertKePeer peer,
                               const EsCertKeOptions& options, TimePoint now) {
  tls::RawKeyOptions raw{.suites = options.suites, .own = ours.own, .peer = to_string(peer.id)};
  raw.limits.handshake_octets = kEsCertKeOctetsMax;
  raw.judge = pinned(std::move(peer), now + options.raw_key_lifetime);
  return raw;
}

Result<std::unique_ptr<tls::Session>> connect(const EsCertKeCredentials& credentials, EsCertKePeer peer,
                                              AuditSink& audit, const Clock& clock,
                                              const EsCertKeOptions& options) {
  if (peer.raw_key)
    return tls::connect_raw(raw_options(credentials, std::move(peer), options, clock.now()), audit, clock);
  tls::ClientOptions client{.suites = options.suites, .home = credentials.home};
  client.limits.handshake_octets = kEsCertKeOctetsMax;
  client.credential = credentials.own;
  client.trust = credentials.trust;
  client.check_server = [ours = credentials, peer = std::move(peer)](
                            const pki::TrustStore::Verified& server) { return judge(server, peer, ours); };
  return tls::connect(std::move(client), audit, clock);
}

/// 10.3.1, once the handshake has ended well.
Result<PairwiseE2EKey> export_pairwise(const tls::Session& session) {
  const auto exported = session.export_key(crypto::kExporterEsCertKe, crypto::kExportedOctets);
  if (!exported) return fail(exported.error());
  auto split = crypto::split_exported(*exported);
  if (!split) return fail(std::move(split.error()));
  const auto context = session.context();
  return PairwiseE2EKey{to_hex(split->id), std::move(split->key), *context->identity, *context->valid_until};
}

Error failure_of(const tls::Session& session, std::string_view message) {
  if (session.state() == tls::Session::State::failed)
    return {ErrorCode::authentication, "ESCertKE: " + session.failure()};
  return {ErrorCode::invalid_argument, "ESCertKE: not a whole " + std::string(message)};
}

/// A message is one flight: nothing may follow the handshake.
bool ended_well(tls::Session& session) {
  std::uint8_t more = 0;
  return session.state() == tls::Session::State::established && session.read({&more, 1}) == 0;
}

}  // namespace

// ---- Initiating End-Point ----

struct EsCertKeInitiator::Impl {
  std::unique_ptr<tls::Session> session;
  const Clock* clock;
  TimePoint end;
  Bytes hello;
  Bytes alert;

  [[nodiscard]] Status in_time() const {
    if (clock->now() < end) return {};
    return fail(ErrorCode::expired, "ESCertKE: the time for the procedure is over");
  }
};

Result<EsCertKeInitiator> EsCertKeInitiator::start(const EsCertKeCredentials& credentials,
                                                   EsCertKePeer terminating, AuditSink& audit,
                                                   const Clock& clock, const EsCertKeOptions& options) {
  auto session = connect(credentials, std::move(terminating), audit, clock, options);
  if (!session) return fail(session.error());
  auto impl = std::make_unique<Impl>(std::move(*session), &clock, clock.now() + options.time);
  impl->session->start();
  impl->hello = impl->session->take_output();
  if (impl->hello.empty()) return fail(failure_of(*impl->session, "message 1"));
  return EsCertKeInitiator(std::move(impl));
}

EsCertKeInitiator::EsCertKeInitiator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EsCertKeInitiator::EsCertKeInitiator(EsCertKeInitiator&&) noexcept = default;
EsCertKeInitiator& EsCertKeInitiator::operator=(EsCertKeInitiator&&) noexcept = default;
EsCertKeInitiator::~EsCertKeInitiator() = default;

const Bytes& EsCertKeInitiator::message_1() const noexcept { return impl_->hello; }
const Bytes& EsCertKeInitiator::alert() const noexcept { return impl_->alert; }

Result<Bytes> EsCertKeInitiator::message_3(ByteView message_2) {
  if (auto in_time = impl_->in_time(); !in_time) return fail(std::move(in_time.error()));
  impl_->session->receive(message_2);
  Bytes out = impl_->session->take_output();
  if (impl_->session->state() == tls::Session::State::handshaking && !out.empty()) return out;
  impl_->alert = std::move(out);
  return fail(failure_of(*impl_->session, "message 2"));
}

Result<PairwiseE2EKey> EsCertKeInitiator::finish(ByteView message_4) {
  if (auto in_time = impl_->in_time(); !in_time) return fail(std::move(in_time.error()));
  impl_->session->receive(message_4);
  if (ended_well(*impl_->session)) return export_pairwise(*impl_->session);
  impl_->alert = impl_->session->take_output();
  return fail(failure_of(*impl_->session, "message 4"));
}

// ---- Terminating End-Point ----

struct EsCertKeTerminator::Impl final : tls::CertificateMapper {
  Impl(EsCertKeCredentials c, Authorized a, AuditSink& s, const Clock& k, EsCertKeOptions o)
      : credentials(std::move(c)), authorized(std::move(a)), audit(s), clock(k), options(std::move(o)) {}

  struct Open {
    std::string initiator;
    EsCertKePeer peer;
    std::unique_ptr<tls::Session> session;
    TimePoint end;
  };
  using Handshakes = std::list<Open>;

  Result<tls::SecurityContext> map(const pki::TrustStore::Verified& peer) override {
    return judge(peer, judging->peer, credentials);
  }

  void drop(Handshakes::iterator handshake) {
    by_initiator.erase(handshake->initiator);
    handshakes.erase(handshake);
  }

  /// All have the same time: the eldest stand in front.
  void drop_late() {
    while (!handshakes.empty() && handshakes.front().end <= clock.now()) drop(handshakes.begin());
  }

  Result<Handshakes::iterator> open_for(const EntityId& initiator, std::string name) {
    auto peer = authorized(initiator);
    if (!peer) return fail(ErrorCode::denied, "ESCertKE: no key is to be established with " + name);
    if (const auto before = by_initiator.find(name); before != by_initiator.end()) drop(before->second);
    if (handshakes.size() >= options.open_handshakes)
      return fail(ErrorCode::limit, "ESCertKE: too many open handshakes");
    auto session = accept(*peer, name);
    if (!session) return fail(std::move(session.error()));
    handshakes.push_back(
        {std::move(name), std::move(*peer), std::move(*session), clock.now() + options.time});
    const auto made = std::prev(handshakes.end());
    by_initiator.emplace(made->initiator, made);
    return made;
  }

  Result<std::unique_ptr<tls::Session>> accept(const EsCertKePeer& peer, const std::string& name) {
    if (peer.raw_key)
      return tls::accept_raw(raw_options(credentials, peer, options, clock.now()), audit, clock);
    if (endpoint == nullptr)
      return fail(ErrorCode::denied, "ESCertKE: no certificate of our own for " + name);
    return endpoint->accept(name);
  }

  Answer message_1(Handshakes::iterator handshake, ByteView message) {
    Bytes out = step(*handshake, message);
    if (handshake->session->state() == tls::Session::State::handshaking && !out.empty())
      return {.message = std::move(out)};
    return refuse(handshake, std::move(out), "message 1");
  }

  Answer message_3(Handshakes::iterator handshake, ByteView message) {
    Bytes out = step(*handshake, message);
    if (!ended_well(*handshake->session)) return refuse(handshake, std::move(out), "message 3");
    auto key = export_pairwise(*handshake->session);
    drop(handshake);
    if (!key) return {.failure = std::move(key.error())};
    return {.message = std::move(out), .key = std::move(*key)};
  }

  Bytes step(Open& handshake, ByteView message) {
    judging = &handshake;
    handshake.session->receive(message);
    judging = nullptr;
    return handshake.session->take_output();
  }

  Answer refuse(Handshakes::iterator handshake, Bytes alert, std::string_view message) {
    Error error = failure_of(*handshake->session, message);
    drop(handshake);
    return {.message = std::move(alert), .failure = std::move(error)};
  }

  EsCertKeCredentials credentials;
  Authorized authorized;
  AuditSink& audit;
  const Clock& clock;
  EsCertKeOptions options;
  std::unique_ptr<tls::ServerEndpoint> endpoint;  ///< nullptr: raw keys only
  Handshakes handshakes;
  std::unordered_map<std::string, Handshakes::iterator> by_initiator;
  const Open* judging = nullptr;  ///< whose certificate the endpoint is asking about
};

Result<EsCertKeTerminator> EsCertKeTerminator::make(const EsCertKeCredentials& credentials,
                                                    Authorized authorized, AuditSink& audit,
                                                    const Clock& clock, EsCertKeOptions options) {
  tls::ServerOptions server{.suites = options.suites};
  server.limits.handshake_octets = kEsCertKeOctetsMax;
  auto impl = std::make_unique<Impl>(credentials, std::move(authorized), audit, clock, std::move(options));
  if (credentials.own == nullptr) return fail(ErrorCode::invalid_argument, "ESCertKE: no key of our own");
  if (credentials.own->chain.empty()) return EsCertKeTerminator(std::move(impl));
  auto endpoint = tls::ServerEndpoint::make(std::move(server), credentials.own, credentials.trust,
                                            credentials.home, impl.get(), nullptr, audit, clock);
  if (!endpoint) return fail(endpoint.error());
  impl->endpoint = std::move(*endpoint);
  return EsCertKeTerminator(std::move(impl));
}

EsCertKeTerminator::EsCertKeTerminator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EsCertKeTerminator::EsCertKeTerminator(EsCertKeTerminator&&) noexcept = default;
EsCertKeTerminator& EsCertKeTerminator::operator=(EsCertKeTerminator&&) noexcept = default;
EsCertKeTerminator::~EsCertKeTerminator() = default;

std::size_t EsCertKeTerminator::open() const noexcept { return impl_->handshakes.size(); }

Status EsCertKeTerminator::replace(std::shared_ptr<const tls::OwnCertificate> own,
                                   std::shared_ptr<const pki::TrustStore> trust) {
  if (own == nullptr) return fail(ErrorCode::invalid_argument, "ESCertKE: no key of our own");
  if (impl_->endpoint != nullptr)
    if (auto replaced = impl_->endpoint->replace(own, trust); !replaced) return replaced;
  impl_->credentials.own = std::move(own);
  impl_->credentials.trust = std::move(trust);
  return {};
}

EsCertKeTerminator::Answer EsCertKeTerminator::receive(const EntityId& initiator, ByteView message) {
  impl_->drop_late();
  std::string name = to_string(initiator);
  if (message.size() <= kRecordHeader || message.size() > kEsCertKeOctetsMax)
    return {.failure = Error{ErrorCode::invalid_argument, "ESCertKE: no message of TLS"}};
  if (is_escertke_message_1(message)) {
    auto opened = impl_->open_for(initiator, std::move(name));
    if (!opened) return {.failure = std::move(opened.error())};
    return impl_->message_1(*opened, message);
  }
  const auto open = impl_->by_initiator.find(name);
  if (open == impl_->by_initiator.end())
    return {.failure = Error{ErrorCode::not_found, "ESCertKE: no open handshake with " + name}};
  if (message[0] == kAlertRecord)
    return impl_->refuse(open->second, impl_->step(*open->second, message), "message");
  return impl_->message_3(open->second, message);
}

// ---- Transport ----

bool is_escertke_message_1(ByteView message) noexcept {
  return message.size() > kRecordHeader && message[0] == kHandshakeRecord &&
         message[kRecordHeader] == kClientHello;
}

codec::Outcome<Bytes> read_escertke_message(const boost::json::value& pc) {
  const auto type = codec::security_info_type(pc);
  if (!type) return codec::refuse(type.error());
  const auto refuse = [](const std::string& why) { return codec::refuse(codec::Rsc::bad_request, why); };
  if (*type != codec::SecurityInfoType::escertke_message)
    return refuse("m2m:seci.sit: not a message of ESCertKE");
  const auto& info = pc.get_object().at(codec::kSecurityInfo).get_object();
  if (info.size() != 2) return refuse("m2m:seci: a member that does not go with its sit");
  const auto* const text = info.if_contains("eckm");
  if (text == nullptr || !text->is_string()) return refuse("m2m:seci.eckm: missing or no text");
  if (text->get_string().size() > kEsCertKeOctetsMax / 3 * 4 + 4) return refuse("m2m:seci.eckm: too long");
  auto octets = from_base64(std::string_view(text->get_string()));
  if (!octets) return refuse("m2m:seci.eckm: " + octets.error().detail);
  return std::move(*octets);
}

boost::json::value escertke_security_info(ByteView message) {
  boost::json::object pc;
  pc[codec::kSecurityInfo] = {{"sit", static_cast<std::uint8_t>(codec::SecurityInfoType::escertke_message)},
                              {"eckm", to_base64(message)}};
  return pc;
}

}  // namespace latchkey::e2e
