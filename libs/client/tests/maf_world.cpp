#include "support/maf_world.h"

namespace latchkey::client::test {

TestPki& TestPki::instance() {
  static TestPki pki;
  return pki;
}

namespace {

pki::NameConstraints constraints() {
  return {.dns = {"my.m2mprovider.org", "provider.org"},
          .uri_hosts = {"my.m2mprovider.org"},
          .device_arcs = {"0.2.481.1"}};
}

}  // namespace

TestPki::TestPki()
    : root_(
          *pki::Authority::create_root(folder_.file("root"), "Root", constraints(), std::chrono::days(300))),
      stranger_(*pki::Authority::create_root(folder_.file("stranger"), "Stranger", constraints(),
                                             std::chrono::days(300))),
      trust_(*pki::TrustStore::make({{root_.certificate(), {}}}, {})),
      stranger_trust_(*pki::TrustStore::make({{stranger_.certificate(), {}}}, {})) {}

std::shared_ptr<const tls::OwnCertificate> TestPki::issue(const EntityId& id, bool stranger) {
  pki::SubjectRequest subject;
  subject.common_name = "test";
  if (const auto* cse = std::get_if<CseId>(&id)) {
    subject.flavour = pki::Flavour::cse_id;
    subject.domain_name = *cse->public_domain_name(*cse == in_cse() ? std::nullopt : std::optional(in_cse()));
  } else if (const auto* ae = std::get_if<AeId>(&id)) {
    subject.flavour = pki::Flavour::ae_id;
    subject.ae_id = *ae;
  } else if (const auto* device = std::get_if<M2mDeviceId>(&id)) {
    subject.flavour = pki::Flavour::device;
    subject.device_id = *device;
  } else {
    subject.flavour = pki::Flavour::fqdn;
    subject.domain_name = std::get<Fqdn>(id);
  }
  auto key = *pki::PrivateKey::generate();
  auto& authority = stranger ? stranger_ : root_;
  const auto issued = authority.issue(subject, key.public_spki(), std::chrono::days(200));
  if (!issued) {
    ADD_FAILURE() << issued.error().detail;
    std::abort();
  }
  return std::make_shared<const tls::OwnCertificate>(
      tls::OwnCertificate{*pki::Certificate::chain_from_pem(issued->chain_pem), std::move(key)});
}

void Observer::handle(bind::IncomingRequest request, bind::Respond respond) {
  requests.push_back(request);
  if (silent) return unheard.push_back(std::move(respond));
  if (instead)
    if (auto answer = instead(request)) {
      if (answer->rqi.empty()) answer->rqi = request.primitive.rqi;
      return respond(std::move(*answer));
    }
  inner->handle(std::move(request),
                [this, respond = std::move(respond)](codec::ResponsePrimitive response) mutable {
                  if (change) change(response);
                  answers.push_back(response);
                  respond(std::move(response));
                });
}

MafWorld::MafWorld(std::shared_ptr<const tls::OwnCertificate> server_certificate) {
  store = *store::open_sqlite({.folder = folder.state(), .application = "maf"});
  auto options = maf_options();
  options.master_key = [this](std::string_view km_id) -> Result<SecretBytes> {
    const auto* const entry = table->find(km_id);
    if (entry == nullptr) return fail(ErrorCode::not_found, "no such KmID");
    return environment->use_as_psk(entry->key, Suid::Use::maf, 0);
  };
  maf = *maf::Maf::open(std::move(options), *store, *environment, reactor, clock, audit);
  keys = std::make_unique<tls::TableKeys>(maf::kAdmission, *environment, clock);
  psk = std::make_unique<PskObserver>(*keys);
  add_km(kLock, kLockKmId, kLockKm);
  observer.inner = maf.get();
  if (!server_certificate) {
    static const auto usual = TestPki::instance().issue(maf_fqdn());
    server_certificate = usual;
  }
  endpoint = *tls::ServerEndpoint::make({}, std::move(server_certificate), TestPki::instance().trust(),
                                        home(), &mapper, psk.get(), audit, clock);
  server = std::make_unique<bind::HttpServer>(reactor, bind::HttpLimits(), observer, audit, clock);
  bind::ListenerOptions listener;
  listener.name = "secure";
  listener.address = "127.0.0.1";
  listener.endpoint = endpoint.get();
  listener.host_fqdn = kMafName;
  port = *server->listen(std::move(listener));
}

MafWorld::~MafWorld() {
  server.reset();
  observer.unheard.clear();
}

maf::MafOptions MafWorld::maf_options() {
  maf::MafOptions out{
      .fqdn = maf_fqdn(), .home = home(), .admin_fqdns = {kAdmin, "other.org"}, .clients = {}};
  out.clients.push_back({.client = id(kPhone),
                         .entity = id("//my.m2mprovider.org/in-cse/Cphone"),
                         .admin_fqdns = {},
                         .default_targets = {id(kInCse)},
                         .permitted_targets = {},
                         .configuration = R"({"mafKeyRegCfg":[{"adfq":"other.org","suid":32},)"
                                          R"({"adfq":"mytrustenabler.org","suid":32,"lbl":["by-maf"],)"
                                          R"("tgis":["//my.m2mprovider.org/in-cse"]}],"theme":"dark"})"});
  for (const auto* client : {kLock, kInCse, kMnCse}) out.clients.push_back({.client = id(client)});
  return out;
}

void MafWorld::add_km(const char* entity, const char* km_id, const char* km, int suid) {
  EXPECT_TRUE(secure_env::psk_add(*environment, folder.table_file(), home(), id(entity), *KeyId::parse(km_id),
                                  *Suid::from(suid), {}, *secret_from_hex(km), 128));
  table = *secure_env::PskTable::load(folder.table_file(), home());
  keys->set_table(table);
}

MafClientOptions MafWorld::client_options(const EntityId& client) const {
  bind::PeerOptions peer;
  peer.address = "127.0.0.1";
  peer.port = port;
  peer.host = kMafName;
  return {
      .maf = maf_fqdn(), .home = home(), .client_id = client, .peer = std::move(peer), .timeout = kPatience};
}

std::shared_ptr<MafClient> MafWorld::by_km(const char* client, const char* km_id, const char* km) {
  auto options = client_options(id(client));
  options.master = MasterCredential{*KeyId::parse(km_id), Km(*secret_from_hex(km))};
  return std::make_shared<MafClient>(reactor, std::move(options), client_audit, clock);
}

std::shared_ptr<MafClient> MafWorld::by_certificate(const char* client, CertificateChoice choice) {
  auto options = client_options(id(client));
  if (!choice.own) choice.own = TestPki::instance().issue(id(client));
  options.peer.credentials = [choice = std::move(choice)] {
    return certificate({.own = choice.own,
                        .trust = choice.trust,
                        .home = home(),
                        .server = choice.maf,
                        .server_in_cse = {}})
        ->options();
  };
  return std::make_shared<MafClient>(reactor, std::move(options), client_audit, clock);
}

Result<void> MafWorld::handshake(MafClient& client) {
  return ask<void>([&](auto done) { client.handshake(std::move(done)); });
}

Result<MafRegistration> MafWorld::register_client(MafClient& client, const std::string& admin,
                                                  std::chrono::seconds life,
                                                  std::vector<std::string> labels) {
  return ask<MafRegistration>(
      [&](auto done) { client.register_client(admin, in(life), std::move(labels), std::move(done)); });
}

Result<RegisteredKey> MafWorld::register_key(MafClient& client, KeyRegistrationRequest request) {
  return ask<RegisteredKey>([&](auto done) { client.register_key(std::move(request), std::move(done)); });
}

Result<RetrievedKey> MafWorld::retrieve_key(MafClient& client, const std::string& relative) {
  return ask<RetrievedKey>([&](auto done) { client.retrieve_key(relative, std::move(done)); });
}

KeyRegistrationRequest MafWorld::key_request(const std::string& registration, int suid,
                                             std::vector<const char*> targets) const {
  std::vector<EntityId> ids;
  for (const auto* target : targets) ids.push_back(id(target));
  return {.registration_id = registration,
          .admin_fqdn = kAdmin,
          .expires = in(std::chrono::hours(1)),
          .suid = *Suid::from(suid),
          .targets = std::move(ids),
          .labels = {},
          .value = std::nullopt};
}

}  // namespace latchkey::client::test
