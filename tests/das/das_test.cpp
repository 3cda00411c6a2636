/// A DAS Server behind its real TLS listener, asked by Hosting CSEs and originators, and acting as an AE at a
/// repository (TS-0003 7.3.2.2, 7.3.2.3, 7.4.2.2, 7.4.2.3). Real stores and Secure Environments.
#include "latchkey/das/das.h"

#include <gmock/gmock.h>

#include "../association/support/hierarchy.h"
#include "cover.h"
#include "latchkey/authz/token_verifier.h"
#include "latchkey/bind/http_client.h"
#include "latchkey/bind/http_server.h"
#include "latchkey/client/blocking.h"
#include "latchkey/das/association.h"
#include "latchkey/das/repository.h"
#include "state_folder.h"

namespace latchkey::das {
namespace {

using association::ae_id;
using association::Hierarchy;
using association::home;
using association::in_cse;
using association::mn_cse;
using codec::DasRequest;
using codec::DasResponse;
using codec::Rsc;
using latchkey::test::cover;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* kMnKeyId = "mn@my.m2mprovider.org";
constexpr const char* kPhoneKeyId = "phone@my.m2mprovider.org";
constexpr const char* kHex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const Fqdn kDasName = *Fqdn::parse("das.my.m2mprovider.org");

constexpr const char* kPolicy = R"(
[[grant]]
name = "door"
originators = ["/in-cse/Cphone"]
targets = ["/*/cse/door"]
operations = ["retrieve"]
lifetime = "1h"
live_max = 100
gives = "token"
granted_operations = ["retrieve"]

[[grant]]
name = "lock"
originators = ["/in-cse/Cphone"]
targets = ["/*/cse/lock"]
operations = ["retrieve"]
lifetime = "1h"
live_max = 100
gives = "policy"

[[role]]
id = "guest@das.my.m2mprovider.org"
holders = ["/in-cse/C*"]
lifetime = "1h"
)";

/// A CSE as a Role and Token Repository: keeps what is created, by address.
class Repository final : public bind::RequestHandler {
 public:
  void handle(bind::IncomingRequest request, bind::Respond respond) override {
    const auto& primitive = request.primitive;
    codec::ResponsePrimitive response;
    response.rqi = primitive.rqi;
    response.rsc = run(primitive, request.security->identity);
    respond(std::move(response));
  }
  std::map<std::string, codec::json::object> resources;
  std::vector<std::string> log;

 private:
  Rsc run(const codec::RequestPrimitive& request, const std::optional<EntityId>& who) {
    log.push_back(std::string(codec::to_string(request.op)) + " " + request.to + " by " +
                  (who ? to_string(*who) : "?"));
    if (request.op == codec::Operation::create && request.ty == 2U)
      return registered_++ == 0 ? Rsc::created : Rsc::originator_has_already_registered;
    if (registered_ == 0) return Rsc::originator_has_not_registered;
    if (request.op == codec::Operation::del)
      return resources.erase(request.to) == 1 ? Rsc::deleted : Rsc::not_found;
    const auto& attributes = request.pc.get_object().begin()->value().get_object();
    if (request.op == codec::Operation::create) {
      const auto address = request.to + "/" + std::string(attributes.at("rn").as_string());
      return resources.emplace(address, attributes).second ? Rsc::created : Rsc::conflict;
    }
    const auto found = resources.find(request.to);
    if (found == resources.end()) return Rsc::not_found;
    for (const auto& member : attributes) found->second[member.key()] = member.value();
    return Rsc::updated;
  }
  int registered_ = 0;
};

std::uint16_t listen(bind::HttpServer& server, tls::ServerEndpoint& endpoint) {
  bind::ListenerOptions options;
  options.name = "secure";
  options.address = "127.0.0.1";
  options.endpoint = &endpoint;
  return server.listen(std::move(options)).value();
}

class Names final : public authz::ResourceNames {
 public:
  [[nodiscard]] std::optional<std::string> normalise(const ResourceAddress& address) const override {
    return address.segments.empty() ? "" : address.segments.back();
  }
};

class DasOverTls : public testing::Test {
 protected:
  DasOverTls() {
    store = store::open_sqlite({.folder = folder_.state(), .application = "das", .migrations = {}, .vfs = {}})
                .value();
    EXPECT_TRUE(environment->store({"sign"}, {}, signing.pem()));
    add_key(kMnKeyId, mn_cse(), 12);
    add_key(kPhoneKeyId, ae_id("/in-cse/Cphone"), 12);
    start_repository();
    start_das();
  }

  void add_key(const char* identity, const EntityId& entity, int suid) {
    ASSERT_TRUE(secure_env::psk_add(*environment, table_file(), home(), entity, *KeyId::parse(identity),
                                    *Suid::from(suid), {}, *secret_from_hex(kHex), 64));
  }
  std::string table_file() const { return folder_.table_file(); }
  void load_keys() { keys->set_table(secure_env::PskTable::load(table_file(), home()).value()); }

  void start_repository() {
    repository_endpoint =
        tls::ServerEndpoint::make({}, Hierarchy::instance().cse(in_cse()), Hierarchy::instance().trust(),
                                  home(), &certificates, nullptr, audit, clock)
            .value();
    repository_server =
        std::make_unique<bind::HttpServer>(reactor, bind::HttpLimits{}, repository, audit, clock);
    client::AeOptions options{.registrar = in_cse()};
    options.peer.address = "127.0.0.1";
    options.peer.port = listen(*repository_server, *repository_endpoint);
    options.peer.host = in_cse().public_domain_name(std::nullopt)->text();
    options.credential = client::certificate({.own = Hierarchy::instance().ae(ae_id("/Sdas")),
                                              .trust = Hierarchy::instance().trust(),
                                              .home = home(),
                                              .server = in_cse(),
                                              .server_in_cse = {}});
    options.app_id = "Ndas";
    options.requested_stem = "Sdas";
    ae = std::make_unique<RepositoryAe>(reactor, std::move(options), audit, clock);
  }

  void start_das() {
    auto in = ConfigReader::from_text(kPolicy, "policy.toml");
    DasOptions options{
        .id = ae_id("/Sdas"),
        .home = home(),
        .domains = {kDasName},
        .kid = "das-1",
        .signing_key = "sign",
        .hosting_cses = {{.id = in_cse(), .base_name = "cse", .encryption = {}},
                         {.id = mn_cse(), .base_name = "cse", .encryption = {}}},
        .policy = Policy::read(in, {home(), {kDasName}}),
        .repository = RepositoryOptions{.parent = "/in-cse/cse", .acpi = {}, .notify_holder = false},
        .store_failed = {}};
    EXPECT_TRUE(in.finish().empty());
    das = Das::open(std::move(options), *store, *environment, reactor, clock, audit, ae.get()).value();
    keys = std::make_unique<tls::TableKeys>(kAdmission, *environment, clock);
    load_keys();
    endpoint =
        tls::ServerEndpoint::make({}, Hierarchy::instance().fqdn(kDasName), Hierarchy::instance().trust(),
                                  home(), &certificates, keys.get(), audit, clock)
            .value();
    server = std::make_unique<bind::HttpServer>(reactor, bind::HttpLimits{}, *das, audit, clock);
    port = listen(*server, *endpoint);
  }

  std::shared_ptr<client::SaeCredential> by_certificate(association::OwnPtr own) const {
    return client::certificate({.own = std::move(own),
                                .trust = Hierarchy::instance().trust(),
                                .home = home(),
                                .server = kDasName,
                                .server_in_cse = {}});
  }
  static std::shared_ptr<client::SaeCredential> by_psk(const char* identity, const std::string& hex = kHex) {
    return client::provisioned_key(*KeyId::parse(identity), Kpsa(*secret_from_hex(hex)), ae_id("/Sdas"),
                                   home());
  }
  std::unique_ptr<bind::HttpClient> connect(const std::shared_ptr<client::SaeCredential>& credential) {
    bind::PeerOptions peer;
    peer.address = "127.0.0.1";
    peer.port = port;
    peer.host = kDasName.text();
    peer.credentials = [credential] { return credential->options(); };
    peer.connections = 1;
    return std::make_unique<bind::HttpClient>(reactor, std::move(peer), audit, clock);
  }
  /// What `who` says it is need not be what the session proves.
  Result<codec::ResponsePrimitive> notify(bind::HttpClient& http, const EntityId& who,
                                          const DasRequest& asked) {
    codec::RequestPrimitive request;
    request.op = codec::Operation::notify;
    request.to = "/Sdas";
    request.from = to_string(who);
    request.rqi = "r" + std::to_string(++sent);
    request.rvi = "2a";
    request.pc = codec::to_security_info(asked);
    return client::blocking<codec::ResponsePrimitive>(reactor, std::chrono::seconds(30), [&](auto done) {
      http.send(std::move(request), std::chrono::seconds(20), std::move(done));
    });
  }
  DasResponse answer(bind::HttpClient& http, const EntityId& who, const DasRequest& asked) {
    const auto response = notify(http, who, asked);
    EXPECT_TRUE(response) << response.error().detail;
    const auto read =
        codec::read_das_message(response ? response->pc.value() : codec::json::value(), clock.now());
    EXPECT_TRUE(read) << (read ? "" : read.error().detail);
    return read ? std::get<DasResponse>(*read) : DasResponse{};
  }
  static DasRequest ask(const std::string& target, const EntityId& originator = ae_id("/in-cse/Cphone")) {
    DasRequest out{.originator = originator};
    out.target = target;
    out.target_type = 3;
    return out;
  }
  /// As a Hosting CSE does that has the DAS's public key.
  bool verifies(const std::string& jwt, const CseId& at) const {
    const Names names;
    authz::TokenVerifier verifier(at, names);
    authz::TokenTrust trust;
    authz::TrustedIssuer issuer{.authority = {ae_id("/Sdas"), {kDasName}},
                                .classes = {authz::TokenClass::signature_only},
                                .verification_keys = {},
                                .shared_keys = {}};
    issuer.verification_keys.emplace(
        "das-1", jose::VerificationKey(signing.public_key(), {jose::SignatureAlg::es256}));
    trust.issuers.push_back(std::move(issuer));
    EXPECT_TRUE(verifier.configure(std::move(trust)));
    return verifier.verify(jwt, ae_id("/in-cse/Cphone"), clock.now()).has_value();
  }
  const Assignment& settled(const std::string& id) {
    EXPECT_TRUE(reactor.run_until([&] { return das->assignment(id)->settled(); }, std::chrono::seconds(30)));
    return *das->assignment(id);
  }

  latchkey::test::StateFolder folder_;
  bind::Reactor reactor;
  ManualClock clock{system_clock().now() + std::chrono::seconds(5)};
  AuditRecorder audit;
  int sent = 0;
  crypto::PrivateKey signing = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  std::unique_ptr<secure_env::SecureEnvironment> environment = folder_.open_environment();
  std::unique_ptr<store::Store> store;
  tls::EntityCertificates certificates{kAdmission, home(), in_cse()};
  Repository repository;
  std::unique_ptr<tls::ServerEndpoint> repository_endpoint, endpoint;
  std::unique_ptr<bind::HttpServer> repository_server, server;
  std::unique_ptr<RepositoryAe> ae;
  std::unique_ptr<Das> das;
  std::unique_ptr<tls::TableKeys> keys;
  std::uint16_t port = 0;
};

TEST_F(DasOverTls, a_hosting_cse_with_a_certificate_gets_policies_and_tokens) {
  cover({"7.3.2.2-03", "7.3.2.2-04", "7.3.2.2-06", "7.3.2.2-08", "7.3.2.3-05"});
  const auto http = connect(by_certificate(Hierarchy::instance().cse(in_cse())));
  EXPECT_TRUE(answer(*http, in_cse(), ask("/in-cse/cse/lock")).acp);
  const auto token = answer(*http, in_cse(), ask("/in-cse/cse/door"));
  ASSERT_THAT(token.tokens, SizeIs(1));
  EXPECT_TRUE(verifies(token.tokens[0], in_cse()));
  EXPECT_FALSE(verifies(token.tokens[0], mn_cse())) << "for the CSE that asked alone";
  DasRequest by_id{.originator = ae_id("/in-cse/Cphone")};
  for (const auto* one : das->issued())
    if (one->kind == Issued::Kind::token) by_id.token_ids = {one->id};
  EXPECT_EQ(answer(*http, in_cse(), by_id).tokens, token.tokens);
  EXPECT_TRUE(answer(*http, in_cse(), ask("/in-cse/cse/door", ae_id("/in-cse/Cstranger"))).denies());
}

TEST_F(DasOverTls, a_hosting_cse_with_a_key_asks_for_its_own_resources_only) {
  const auto http = connect(by_psk(kMnKeyId));
  EXPECT_TRUE(answer(*http, mn_cse(), ask("/mn-cse-123456/cse/lock")).acp);
  EXPECT_EQ(notify(*http, mn_cse(), ask("/in-cse/cse/lock"))->rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(notify(*http, in_cse(), ask("/in-cse/cse/lock"))->rsc, Rsc::originator_has_no_privilege)
      << "From is not whom the session proved";
}

TEST_F(DasOverTls, an_originator_gets_a_token_for_itself_alone) {
  cover({"7.3.2.3-02"});
  for (const auto& credential :
       {by_psk(kPhoneKeyId), by_certificate(Hierarchy::instance().ae(ae_id("/in-cse/Cphone")))}) {
    const auto http = connect(credential);
    const auto response = notify(*http, ae_id("/in-cse/Cphone"), ask("/in-cse/cse/door"));
    ASSERT_TRUE(response);
    const auto grant = codec::read_token_grant(response->pc);
    ASSERT_TRUE(grant) << grant.error().detail;
    EXPECT_TRUE(verifies(grant->tokens.at(0), in_cse()));
    EXPECT_EQ(notify(*http, ae_id("/in-cse/Cphone"), ask("/in-cse/cse/door", ae_id("/in-cse/Cother")))->rsc,
              Rsc::originator_has_no_privilege);
  }
}

TEST_F(DasOverTls, who_proves_nothing_gets_nothing) {
  EXPECT_FALSE(
      notify(*connect(by_psk("nobody@my.m2mprovider.org")), mn_cse(), ask("/mn-cse-123456/cse/lock")));
  EXPECT_FALSE(
      notify(*connect(by_psk(kMnKeyId, std::string(64, '7'))), mn_cse(), ask("/mn-cse-123456/cse/lock")));
  EXPECT_FALSE(notify(*connect(by_certificate(Hierarchy::instance().stranger(in_cse()))), in_cse(),
                      ask("/in-cse/cse/lock")));
  EXPECT_FALSE(notify(*connect(by_certificate(Hierarchy::instance().device("0.2.481.1.100.3030.10011"))),
                      in_cse(), ask("/in-cse/cse/lock")))
      << "a device is neither AE nor CSE";
  add_key("km@my.m2mprovider.org", mn_cse(), 11);
  load_keys();
  EXPECT_FALSE(notify(*connect(by_psk("km@my.m2mprovider.org")), mn_cse(), ask("/mn-cse-123456/cse/lock")))
      << "a Master Credential is no Kpsa";
  EXPECT_TRUE(das->issued().empty());
}

TEST_F(DasOverTls, a_removed_key_ends_its_sessions) {
  const auto http = connect(by_psk(kMnKeyId));
  EXPECT_TRUE(answer(*http, mn_cse(), ask("/mn-cse-123456/cse/lock")).acp);
  ASSERT_TRUE(secure_env::psk_remove(*environment, table_file(), home(), *KeyId::parse(kMnKeyId)));
  load_keys();
  server->recheck_sessions([&](const tls::SecurityContext& context) { return keys->still_valid(context); });
  const auto response = notify(*http, mn_cse(), ask("/mn-cse-123456/cse/lock"));
  EXPECT_TRUE(!response || response->rsc == Rsc::security_association_required);
  EXPECT_THAT(das->issued(), SizeIs(1));
}

TEST_F(DasOverTls, a_role_and_its_token_are_kept_in_the_repository_until_revoked) {
  cover({"7.4.2.2-02", "7.4.2.3-01", "7.4.2.3-04"});
  const auto id = das->assign({.role_id = "guest@das.my.m2mprovider.org",
                               .holder = ae_id("/in-cse/Cphone"),
                               .lifetime = {},
                               .with_token = true,
                               .name = {}});
  ASSERT_TRUE(id) << id.error().detail;
  EXPECT_EQ(settled(*id).step, Assignment::Step::assigned) << settled(*id).reason;
  EXPECT_THAT(repository.log.front(), HasSubstr("CREATE /in-cse/cse by //my.m2mprovider.org/Sdas"));
  ASSERT_THAT(repository.resources, SizeIs(2));
  const auto& role = repository.resources.at("/in-cse/cse/" + *id);
  const auto link = std::string(role.at("rltl").as_string());
  ASSERT_TRUE(repository.resources.contains(link));
  EXPECT_TRUE(verifies(std::string(repository.resources.at(link).at("tkob").as_string()), in_cse()));
  ASSERT_TRUE(das->revoke(*id));
  EXPECT_EQ(settled(*id).step, Assignment::Step::withdrawn) << settled(*id).reason;
  EXPECT_TRUE(repository.resources.empty());
}

}  // namespace
}  // namespace latchkey::das
