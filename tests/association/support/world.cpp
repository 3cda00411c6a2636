#include "support/world.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <stdexcept>

#include "latchkey/client/credential.h"

namespace latchkey::association {

namespace json = codec::json;

namespace {

constexpr const char* kAdminKeyId = "admin@in.provider.com";
constexpr const char* kAdminKey = "00112233445566778899aabbccddeeff";

/// The value, or the end of the test.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().detail);
  return std::move(*result);
}

std::string in_words(const Result<Response>& response) {
  if (!response) return std::string(to_string(response.error().code)) + ": " + response.error().detail;
  return std::to_string(static_cast<int>(response->rsc));
}

std::vector<std::string> refused_handshakes(const Tape& tape, std::string_view node) {
  std::vector<std::string> reasons;
  for (auto& event : tape.events(node, AuditEventId::handshake_refused)) reasons.push_back(event.reason);
  return reasons;
}

cse::CseOptions cse_options(const EntityB::Options& options, const cse::KeySource& keys) {
  cse::CseOptions out{.type = options.id == in_cse() ? cse::CseType::in : cse::CseType::mn,
                      .cse_id = options.id};
  out.administrator = ae_id("/Sadmin");
  out.bound_to_credential = [&keys](const AeId& id) { return keys.binds(id); };
  if (options.configure) options.configure(out);
  return out;
}

std::uint16_t serve(bind::HttpServer& server, tls::ServerEndpoint& endpoint, const std::string& host_fqdn) {
  bind::ListenerOptions listener;
  listener.name = "secure";
  listener.address = "127.0.0.1";
  listener.endpoint = &endpoint;
  listener.host_fqdn = host_fqdn;
  return must(server.listen(std::move(listener)));
}

}  // namespace

// --- Tape ---

void Tape::Sink::record(AuditEvent event) {
  const std::lock_guard lock(tape_.mutex_);
  tape_.entries_.push_back({node_, std::move(event)});
}

std::vector<Tape::Entry> Tape::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

std::vector<AuditEvent> Tape::events(std::string_view node, AuditEventId id) const {
  std::vector<AuditEvent> found;
  for (auto& entry : entries())
    if (entry.node == node && entry.event.id == id) found.push_back(std::move(entry.event));
  return found;
}

std::vector<std::string> Tape::order(std::initializer_list<AuditEventId> kinds) const {
  std::vector<std::string> found;
  for (const auto& entry : entries())
    if (std::ranges::find(kinds, entry.event.id) != kinds.end())
      found.push_back(entry.node + ": " + std::string(to_string(entry.event.id)));
  return found;
}

// --- Station ---

Station::Station(const std::string& application) {
  std::filesystem::create_directory(folder_.path("state"));
  std::filesystem::permissions(folder_.path("state"), std::filesystem::perms::owner_all);
  if (auto made = secure_env::create_kek_file(folder_.path("kek")); !made)
    throw std::runtime_error(made.error().detail);
  environment =
      must(secure_env::open_software({.folder = folder_.path("state"), .kek_file = folder_.path("kek")}));
  store = must(store::open_sqlite({.folder = folder_.path("state"), .application = application}));
}

Status Station::add_key(const std::string& identity, std::optional<EntityId> entity, int suid,
                        const std::string& hex, std::optional<TimePoint> expires) {
  std::optional<std::int64_t> until;
  if (expires) until = std::chrono::floor<std::chrono::seconds>(*expires).time_since_epoch().count();
  return secure_env::psk_add(*environment, table_file(), home(), std::move(entity), *KeyId::parse(identity),
                             *Suid::from(suid), until, *secret_from_hex(hex), 64);
}

std::shared_ptr<const secure_env::PskTable> Station::table() const {
  return must(secure_env::PskTable::load(table_file(), home()));
}

void Gate::handle(bind::IncomingRequest request, bind::Respond respond) {
  seen.push_back(request.security);
  next_.handle(std::move(request), std::move(respond));
}

// --- B ---

class EntityB::OtherCses final : public cse::Peers {
 public:
  bind::RequestSender* cse(const CseId& id, const std::vector<std::string>&) override {
    const auto found = ways.find(id.absolute());
    return found != ways.end() ? found->second.get() : nullptr;
  }
  bind::RequestSender* url(std::string_view, const std::string&) override { return nullptr; }
  std::map<std::string, std::unique_ptr<bind::HttpClient>> ways;
};

EntityB::~EntityB() = default;

void EntityB::connect(EntityB& other) {
  EntityA there(other, certificate(options.own, other.options.id)),
      here(*this, certificate(other.options.own, options.id));
  EXPECT_EQ(there.register_cse(options.id), "2001");
  EXPECT_EQ(here.register_cse(other.options.id), "2001");
  bind::PeerOptions peer;
  peer.address = "127.0.0.1";
  peer.port = other.port;
  peer.host = other.options.id.public_domain_name(std::nullopt)->text();
  peer.credentials = [credential = certificate(options.own, other.options.id)] {
    return credential->options();
  };
  peers_->ways[other.options.id.absolute()] =
      std::make_unique<bind::HttpClient>(ground.reactor, std::move(peer), audit, ground.clock);
}

std::unique_ptr<EntityA> EntityB::administrator() {
  EXPECT_TRUE(add_key(kAdminKeyId, EntityId(ae_id("/Sadmin")), kAdminKey));
  return std::make_unique<EntityA>(*this, kpsa(kAdminKeyId, kAdminKey, options.id), "Sadmin");
}

EntityB::EntityB(Ground& g, Options given)
    : ground(g),
      options(std::move(given)),
      audit(g.tape, options.name),
      station("cse"),
      keys({.self = options.id, .accept_suid_11_as_32 = options.accept_suid_11_as_32}, *station.environment,
           g.clock, audit),
      peers_(std::make_unique<OtherCses>()),
      certificates_(home(), in_cse(), false) {
  keys.set_table(station.table());
  cse_ = must(cse::Cse::open(cse_options(options, keys), *station.store, g.reactor, g.clock, audit, *peers_));
  auto rules = [this](const CredentialId& credential) { return cse_->allowed_ae_ids(credential); };
  keys.set_app_rules(rules);
  certificates_.set_app_rules(rules);
  gate_ = std::make_unique<Gate>(*cse_);
  endpoint_ = must(tls::ServerEndpoint::make({.suites = options.suites}, options.own, options.trust, home(),
                                             &certificates_, &keys, audit, g.clock));
  server_ = std::make_unique<bind::HttpServer>(g.reactor, bind::HttpLimits{}, *gate_, audit, g.clock);
  port = serve(*server_, *endpoint_, {});
}

Status EntityB::add_key(const std::string& identity, std::optional<EntityId> entity, const std::string& hex,
                        std::optional<TimePoint> expires) {
  auto added = station.add_key(identity, std::move(entity), 12, hex, expires);
  if (added) keys.set_table(station.table());
  return added;
}

void EntityB::add_rule(const std::string& credentials, const std::vector<std::string>& ae_stems) {
  const auto admin = administrator();
  json::array stems;
  for (const auto& stem : ae_stems) stems.emplace_back(stem);
  auto create = [&](const std::string& to, Ty ty, const std::string& element, json::object attributes) {
    auto response = admin->ae.create(to, static_cast<std::uint32_t>(ty), element, std::move(attributes));
    auto content = response ? std::move(response->pc.value()) : json::value();
    EXPECT_EQ(in_words(response), "2001") << codec::to_text(content);
    return content;
  };
  const auto rule = create("-", Ty::asar, "m2m:asar",
                           {{"apci", json::array{credentials}}, {"aai", json::array{"N*"}}, {"aae", stems}});
  create("-", Ty::mssp, "m2m:mssp", {{"rn", "profile"}});
  create("-/profile", Ty::svsn, "m2m:svsn",
         {{"ni", "node1"},
          {"csi", options.id.sp_relative()},
          {"rlk", json::array{rule.at("m2m:asar").at("ri").as_string()}}});
}

tls::SecurityContextPtr EntityB::latest() const { return gate_->seen.empty() ? nullptr : gate_->seen.back(); }

std::vector<std::string> EntityB::refusals() const { return refused_handshakes(ground.tape, options.name); }

// --- MAF ---

MafNode::MafNode(Ground& g, std::vector<maf::MafClientPolicy> clients, OwnPtr own, bool accept_suid_11_as_32)
    : ground(g),
      audit(g.tape, "MAF"),
      station("maf"),
      keys_(*station.environment, g.clock),
      certificates_(home(), in_cse()) {
  maf::MafOptions options{.fqdn = maf_fqdn(), .home = home(), .admin_fqdns = {"mytrustenabler.org"}};
  options.clients = std::move(clients);
  options.accept_suid_11_as_32 = accept_suid_11_as_32;
  maf_ = must(
      maf::Maf::open(std::move(options), *station.store, *station.environment, g.reactor, g.clock, audit));
  keys_.set_table(station.table());
  endpoint_ = must(tls::ServerEndpoint::make({}, std::move(own), Hierarchy::instance().trust(), home(),
                                             &certificates_, &keys_, audit, g.clock));
  server_ = std::make_unique<bind::HttpServer>(g.reactor, bind::HttpLimits{}, *maf_, audit, g.clock);
  port = serve(*server_, *endpoint_, maf_fqdn().text());
}

Status MafNode::add_km(const std::string& identity, std::optional<EntityId> client, const std::string& hex) {
  auto added = station.add_key(identity, std::move(client), 11, hex);
  if (added) keys_.set_table(station.table());
  return added;
}

std::vector<std::string> MafNode::refusals() const { return refused_handshakes(ground.tape, "MAF"); }

MafCredential by_certificate(OwnPtr own, TrustPtr trust, Fqdn maf) {
  return [=] {
    return client::certificate(
               {.own = own, .trust = trust, .home = home(), .server = maf, .server_in_cse = {}})
        ->options();
  };
}

MafCredential by_km(const std::string& identity, const std::string& hex) {
  return [=] {
    return client::provisioned_key(*KeyId::parse(identity), Kpsa(*secret_from_hex(hex)), maf_fqdn(), home())
        ->options();
  };
}

std::shared_ptr<client::MafClient> maf_client(Ground& ground, const MafNode& maf, EntityId self,
                                              MafCredential credential, AuditSink& audit) {
  bind::PeerOptions peer;
  peer.address = "127.0.0.1";
  peer.port = maf.port;
  peer.host = maf_fqdn().text();
  peer.credentials = std::move(credential);
  return std::make_shared<client::MafClient>(
      ground.reactor,
      client::MafClientOptions{
          .maf = maf_fqdn(), .home = home(), .client_id = std::move(self), .peer = std::move(peer)},
      audit, ground.clock);
}

// --- A ---

std::shared_ptr<client::SaeCredential> kpsa(const std::string& identity, const std::string& hex,
                                            const CseId& server) {
  return client::provisioned_key(*KeyId::parse(identity), Kpsa(*secret_from_hex(hex)), server, home());
}

std::shared_ptr<client::SaeCredential> certificate(OwnPtr own, const CseId& server, TrustPtr trust) {
  return client::certificate({.own = std::move(own),
                              .trust = std::move(trust),
                              .home = home(),
                              .server = server,
                              .server_in_cse = server == in_cse() ? std::nullopt : std::optional(in_cse())});
}

namespace {

client::AeOptions ae_options(const EntityB& b, std::shared_ptr<client::SaeCredential> credential,
                             const std::string& stem) {
  client::AeOptions options{.registrar = b.options.id};
  options.peer.address = "127.0.0.1";
  options.peer.port = b.port;
  options.peer.host = b.options.id.public_domain_name(std::nullopt)->text();
  options.peer.connections = 1;
  options.credential = std::move(credential);
  options.app_id = "Nlock";
  options.requested_stem = stem;
  return options;
}

}  // namespace

EntityA::EntityA(EntityB& b, std::shared_ptr<client::SaeCredential> credential, const std::string& stem)
    : audit(b.ground.tape, "A"),
      ae(b.ground.reactor, ae_options(b, std::move(credential), stem), audit, b.ground.clock) {}

std::string EntityA::register_ae() {
  const auto done = ae.register_ae();
  return done ? "registered as " + ae.stem()
              : std::string(to_string(done.error().code)) + ": " + done.error().detail;
}

std::string EntityA::retrieve(const std::string& from) {
  codec::RequestPrimitive request;
  request.to = "cse";
  request.from = from;
  return in_words(ae.request(std::move(request)));
}

std::string EntityA::register_cse(const CseId& self) {
  codec::RequestPrimitive request;
  request.op = codec::Operation::create;
  request.to = "-";
  request.from = self.sp_relative();
  request.ty = static_cast<std::uint32_t>(Ty::csr);
  json::object attributes{{"csi", self.sp_relative()},
                          {"cb", self.sp_relative() + "/cse"},
                          {"rr", true},
                          {"srv", json::array{"2a"}}};
  request.pc = json::object{{"m2m:csr", std::move(attributes)}};
  return in_words(ae.request(std::move(request)));
}

}  // namespace latchkey::association
