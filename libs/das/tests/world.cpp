#include "support/world.h"

#include "latchkey/codec/dynamic_authorization.h"

namespace latchkey::das::test {

std::optional<std::string> Names::normalise(const ResourceAddress& address) const {
  std::string out;
  for (const auto& segment : address.segments) out += "/" + segment;
  return out;
}

codec::RequestPrimitive FakeRepository::answer(Rsc rsc) {
  auto first = std::move(sent.front());
  sent.pop_front();
  codec::ResponsePrimitive response;
  response.rsc = rsc;
  response.rqi = first.request.rqi;
  first.done(std::move(response));
  return std::move(first.request);
}

codec::RequestPrimitive FakeRepository::lose() {
  auto first = std::move(sent.front());
  sent.pop_front();
  first.done(fail(ErrorCode::unavailable, "connection lost"));
  return std::move(first.request);
}

World::World() { EXPECT_TRUE(environment->store({"sign"}, {}, key.pem())); }

World::~World() {
  das.reset();
  store.reset();
}

std::shared_ptr<const Policy> World::policy(const std::string& text) {
  auto reader = ConfigReader::from_text(text, "policy.toml");
  auto out = Policy::read(reader, {home(), {*Fqdn::parse("das.sp.example")}});
  for (const auto& problem : reader.finish()) ADD_FAILURE() << to_string(problem);
  return out;
}

DasOptions World::options(const std::string& text) const {
  return {.id = entity("/Sdas"),
          .home = home(),
          .domains = {*Fqdn::parse("das.sp.example")},
          .kid = "das-1",
          .signing_key = "sign",
          .hosting_cses = {{.id = cse("/in-cse"), .base_name = "base", .encryption = {}},
                           {.id = cse("/mn-cse"),
                            .base_name = "base",
                            .encryption = EncryptionTo{"mn-1", cse_key.public_key()}}},
          .policy = policy(text),
          .repository =
              RepositoryOptions{.parent = "/in-cse/base", .acpi = {"/in-cse/acp1"}, .notify_holder = false},
          .secured_requests = opening(),
          .store_failed = {}};
}

e2e::EsDataSourceConfig World::securing() const {
  return {.security_class = e2e::EsDataClass::sign_then_encrypt,
          .signers = {{{.kid = "mn-sign", .suid = *Suid::from(45)},
                       jose::SigningKey(cse_key, jose::SignatureAlg::es256)}},
          .recipients = {{{.kid = "das-open", .suid = *Suid::from(44)},
                          jose::EncryptionKey(request_key.public_key(), jose::KeyAlg::ecdh_es_a256kw,
                                              jose::Enc::a256gcm)}}};
}

std::shared_ptr<const e2e::SecuredRequestTarget> World::opening() const {
  std::vector<e2e::EsDataVerifier> verifiers;
  verifiers.push_back({{.kid = "mn-sign", .suid = *Suid::from(45), .owner = cse("/mn-cse")},
                       jose::VerificationKey(cse_key.public_key(), {jose::SignatureAlg::es256})});
  std::vector<e2e::EsDataOpener> openers;
  openers.push_back({{.kid = "das-open", .suid = *Suid::from(44)},
                     jose::DecryptionKey(request_key, {jose::KeyAlg::ecdh_es_a256kw}, {jose::Enc::a256gcm})});
  return e2e::SecuredRequestTarget::make({.self = entity("/Sdas")},
                                         {.classes = {e2e::EsDataClass::sign_then_encrypt},
                                          .signatures = {jose::SignatureAlg::es256},
                                          .key_algs = {jose::KeyAlg::ecdh_es_a256kw},
                                          .encs = {jose::Enc::a256gcm}},
                                         std::move(verifiers), std::move(openers))
      .value();
}

codec::json::value World::secured(const codec::DasRequest& asked, const CseId& by,
                                  const EntityId& das_id) const {
  auto source = e2e::SecuredRequestSource::make({.self = by, .das = das_id}, securing()).value();
  return codec::token_question(
      {.uri = "https://das.sp.example/-",
       .request = {},
       .secured_request = source->protect(codec::to_json(asked), clock.now()).value()});
}

void World::open(const std::string& text) { open(options(text)); }

void World::open(DasOptions given) {
  das.reset();
  store.reset();
  auto opened =
      store::open_sqlite({.folder = folder.state(), .application = "das", .migrations = {}, .vfs = {}});
  ASSERT_TRUE(opened) << opened.error().detail;
  store = std::make_unique<SwitchStore>(std::move(*opened));
  auto made = Das::open(std::move(given), *store, *environment, executor, clock, audit, &repository);
  ASSERT_TRUE(made) << made.error().detail;
  das = std::move(*made);
}

bind::IncomingRequest World::incoming(const EntityId& who, codec::json::value pc) const {
  auto security = std::make_shared<tls::SecurityContext>();
  security->framework = tls::Framework::certificate;
  security->identity = who;
  bind::IncomingRequest request;
  request.primitive.op = codec::Operation::notify;
  request.primitive.to = "/Sdas";
  request.primitive.from = to_string(who);
  request.primitive.rqi = "r1";
  request.primitive.rvi = "2a";
  request.primitive.pc = std::move(pc);
  request.security = std::move(security);
  request.listener = bind::ListenerKind::secure;
  request.peer = "192.0.2.7:4711";
  request.peer_ip = std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7};
  return request;
}

codec::ResponsePrimitive World::notify(const EntityId& who, const codec::json::value& pc) {
  return send(incoming(who, pc));
}

codec::ResponsePrimitive World::send(bind::IncomingRequest request) {
  std::optional<codec::ResponsePrimitive> answer;
  das->handle(std::move(request), [&](codec::ResponsePrimitive response) {
    EXPECT_FALSE(answer) << "answered twice";
    answer = std::move(response);
  });
  settle();
  EXPECT_TRUE(answer) << "not answered";
  return answer.value_or(codec::ResponsePrimitive{});
}

void World::settle() {
  // An empty batch is answered in its turn: all before it have been posted by then.
  for (std::size_t ran = 1; ran != 0;) {
    EXPECT_TRUE(store->commit_and_wait({}));
    ran = executor.run_posted();
  }
}

AuditEvent World::last() const {
  const auto events = audit.events();
  return events.empty() ? AuditEvent{} : events.back();
}

std::size_t World::count(AuditEventId id) const {
  const auto events = audit.events();
  return static_cast<std::size_t>(std::ranges::count(events, id, &AuditEvent::id));
}

authz::Checked<std::shared_ptr<const authz::Token>> World::verify(const std::string& jwt, const CseId& at,
                                                                  const EntityId& originator) const {
  static const Names names;
  authz::TokenVerifier verifier(at, names);
  authz::TokenTrust trust;
  authz::TrustedIssuer issuer{
      .authority = {entity("/Sdas"), {*Fqdn::parse("das.sp.example")}},
      .classes = {authz::TokenClass::signature_only, authz::TokenClass::sign_then_encrypt},
      .verification_keys = {},
      .shared_keys = {}};
  issuer.verification_keys.emplace("das-1",
                                   jose::VerificationKey(key.public_key(), {jose::SignatureAlg::es256}));
  trust.issuers.push_back(std::move(issuer));
  trust.own_keys.emplace("mn-1",
                         jose::DecryptionKey(cse_key, {jose::KeyAlg::ecdh_es_a256kw}, {jose::Enc::a256gcm}));
  EXPECT_TRUE(verifier.configure(std::move(trust)));
  return verifier.verify(jwt, originator, clock.now());
}

}  // namespace latchkey::das::test
