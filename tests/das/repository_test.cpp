/// The life of a role at a repository that is a CSE (TS-0003 7.4.2.2, 7.4.2.3, 7.4.3): a DAS Server as its
/// Authorization Authority, the IN-CSE as Role and Token Repository, a phone that learns of it, and an MN-CSE
/// that fetches what the phone names. Every hop is real TLS over loopback.
#include "latchkey/das/repository.h"

#include <gmock/gmock.h>

#include <deque>

#include "../association/support/world.h"
#include "latchkey/client/blocking.h"
#include "latchkey/das/das.h"

namespace latchkey::das {
namespace {

using association::ae_id;
using association::EntityA;
using association::EntityB;
using association::Hierarchy;
using association::home;
using association::in_cse;
using association::mn_cse;
using codec::Operation;
using codec::Rsc;
using codec::Ty;
using latchkey::test::cover;
using testing::Contains;
using testing::SizeIs;
namespace json = codec::json;

const Fqdn kDomain = *Fqdn::parse("das.my.m2mprovider.org");
constexpr const char* kRole = "guest@das.my.m2mprovider.org";
constexpr const char* kDoor = "/mn-cse-123456/cse/door";
constexpr std::chrono::seconds kPatience{30};

/// Holds back what it is told to, so that somebody can do something between two steps.
class Valve final : public bind::RequestSender {
 public:
  explicit Valve(bind::RequestSender& next) : next_(next) {}
  void send(codec::RequestPrimitive request, std::chrono::milliseconds timeout, Done done) override {
    if (!holds || !holds(request)) return next_.send(std::move(request), timeout, std::move(done));
    auto shared =
        std::make_shared<std::pair<codec::RequestPrimitive, Done>>(std::move(request), std::move(done));
    held.emplace_back([this, shared, timeout] {
      next_.send(std::move(shared->first), timeout, std::move(shared->second));
    });
  }
  void open() {
    holds = {};
    for (auto& task : std::exchange(held, {})) task();
  }
  std::function<bool(const codec::RequestPrimitive&)> holds;
  std::vector<Task> held;

 private:
  bind::RequestSender& next_;
};

class RoleRepository : public testing::Test {
 protected:
  RoleRepository() {
    mn.connect(in);
    let_the_das_and_the_mn_cse_at_the_repository();
    open_the_door_to_guests();
    EXPECT_EQ(phone.register_ae(), "registered as Cphone");
    let_the_das_notify_the_phone();
    EXPECT_TRUE(phone.ae.listen([&](const codec::RequestPrimitive& request) {
      heard.push_back(request.pc);
      codec::ResponsePrimitive answer;
      answer.rsc = Rsc::ok;
      return answer;
    }));
  }
  ~RoleRepository() override { phone.ae.stop_listening(); }

  // ---- who is there ----

  association::Ground ground;
  crypto::PrivateKey signing = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  EntityB in{ground, options("IN", in_cse())}, mn{ground, options("MN", mn_cse())};
  EntityA phone{in, association::certificate(Hierarchy::instance().ae(ae_id("/in-cse/Cphone"))), "Cphone"};
  std::vector<json::value> heard;

  EntityB::Options options(const char* name, const CseId& id) {
    EntityB::Options out{
        .name = name, .id = id, .own = Hierarchy::instance().cse(id), .trust = Hierarchy::instance().trust()};
    if (id == mn_cse())
      out.configure = [this](cse::CseOptions& configuration) {
        configuration.repositories = {{kDomain, "/in-cse/cse"}};
        authz::TrustedIssuer issuer{.authority = {ae_id("/Sdas"), {kDomain}},
                                    .classes = {authz::TokenClass::signature_only},
                                    .verification_keys = {},
                                    .shared_keys = {}};
        issuer.verification_keys.emplace(
            "das-1", jose::VerificationKey(signing.public_key(), {jose::SignatureAlg::es256}));
        configuration.token_trust.issuers.push_back(std::move(issuer));
      };
    return out;
  }

  // ---- what the operators say ----

  static json::value rules(std::initializer_list<std::pair<const char*, int>> rules) {
    json::array list;
    for (const auto& [originator, operations] : rules)
      list.emplace_back(json::object{{"acor", json::array{originator}}, {"acop", operations}});
    return json::object{{"acr", std::move(list)}};
  }
  static void must(const Result<codec::ResponsePrimitive>& response, Rsc rsc) {
    ASSERT_TRUE(response) << response.error().detail;
    EXPECT_EQ(response->rsc, rsc) << codec::to_text(response->pc);
  }
  void let_the_das_and_the_mn_cse_at_the_repository() {
    const auto admin = in.administrator();
    must(admin->ae.update("/in-cse/cse/cseBasePolicy", "m2m:acp",
                          {{"pv", rules({{"/Sdas", 3}, {"/mn-cse-123456", 2}, {"/in-cse/Cphone", 2}})}}),
         Rsc::updated);
    must(admin->ae.create("/in-cse/cse", 1, "m2m:acp",
                          {{"rn", "roles"},
                           {"pv", rules({{"/Sdas", 63}, {"/mn-cse-123456", 2}, {"/in-cse/Cphone", 3}})},
                           {"pvs", rules({{"/Sadmin", 63}})}}),
         Rsc::created);
  }
  void open_the_door_to_guests() {
    const auto admin = mn.administrator();
    must(admin->ae.create("/mn-cse-123456/cse", 1, "m2m:acp",
                          {{"rn", "guests"}, {"pv", rules({{kRole, 2}})}, {"pvs", rules({{"/Sadmin", 63}})}}),
         Rsc::created);
    must(admin->ae.create("/mn-cse-123456/cse", 3, "m2m:cnt",
                          {{"rn", "door"}, {"acpi", json::array{"cse/guests"}}}),
         Rsc::created);
  }
  void let_the_das_notify_the_phone() {
    const auto own = phone.ae.resource();
    must(phone.ae.create(own, 1, "m2m:acp",
                         {{"rn", "told"},
                          {"pv", rules({{"/Sdas", 16}, {"/in-cse/Cphone", 63}})},
                          {"pvs", rules({{"/in-cse/Cphone", 63}})}}),
         Rsc::created);
    must(phone.ae.update(own, "m2m:ae", {{"acpi", json::array{own + "/told"}}}), Rsc::updated);
  }

  // ---- the Authorization Authority ----

  void start_das(bool notify_holder) {
    client::AeOptions options{.registrar = in_cse()};
    options.peer.address = "127.0.0.1";
    options.peer.port = in.port;
    options.peer.host = in_cse().public_domain_name(std::nullopt)->text();
    options.credential = association::certificate(Hierarchy::instance().ae(ae_id("/Sdas")));
    options.app_id = "Ndas";
    options.requested_stem = "Sdas";
    ae = std::make_unique<RepositoryAe>(ground.reactor, std::move(options), audit, ground.clock);
    repository = std::make_unique<Valve>(*ae);
    EXPECT_TRUE(station.environment->store({"sign"}, {}, signing.pem()));
    auto policy = ConfigReader::from_text(
        std::string("[[role]]\nid = \"") + kRole + "\"\nholders = [\"/in-cse/C*\"]\nlifetime = \"1h\"\n",
        "policy.toml");
    DasOptions das_options{
        .id = ae_id("/Sdas"),
        .home = home(),
        .domains = {kDomain},
        .kid = "das-1",
        .signing_key = "sign",
        .hosting_cses = {{.id = mn_cse(), .base_name = "cse", .encryption = {}}},
        .policy = Policy::read(policy, {home(), {kDomain}}),
        .repository =
            RepositoryOptions{.parent = "/in-cse/cse", .acpi = {"cse/roles"}, .notify_holder = notify_holder},
        .store_failed = {}};
    EXPECT_TRUE(policy.finish().empty());
    auto opened = Das::open(std::move(das_options), *station.store, *station.environment, ground.reactor,
                            ground.clock, audit, repository.get());
    ASSERT_TRUE(opened) << opened.error().detail;
    das = std::move(*opened);
  }
  std::string assign(bool with_token) {
    auto id = das->assign({.role_id = kRole,
                           .holder = ae_id("/in-cse/Cphone"),
                           .lifetime = {},
                           .with_token = with_token,
                           .name = {}});
    EXPECT_TRUE(id) << id.error().detail;
    return id.value_or("");
  }
  void settle(const std::string& id, Assignment::Step step) {
    EXPECT_TRUE(until([&] { return das->assignment(id)->settled(); }));
    EXPECT_EQ(das->assignment(id)->step, step) << das->assignment(id)->reason;
  }
  bool until(const std::function<bool()>& done) { return ground.reactor.run_until(done, kPatience); }

  // ---- the phone ----

  /// At the MN-CSE, by way of its registrar.
  Rsc open_door(std::vector<std::string> roles, std::vector<std::string> tokens = {}) {
    codec::RequestPrimitive request;
    request.to = kDoor;
    request.rids = std::move(roles);
    request.tids = std::move(tokens);
    const auto response = phone.ae.request(std::move(request));
    EXPECT_TRUE(response) << response.error().detail;
    return response ? response->rsc : Rsc::internal_server_error;
  }
  /// The attribute of what is at the address.
  std::string read(const std::string& address, const char* element, const char* attribute) {
    const auto response = phone.ae.retrieve(address);
    EXPECT_TRUE(response) << response.error().detail;
    if (!response || response->rsc != Rsc::ok) return "";
    const auto& resource = response->pc.at(element).as_object();
    return resource.contains(attribute) ? std::string(resource.at(attribute).as_string()) : "";
  }

  AuditRecorder audit;
  association::Station station{"das"};
  std::unique_ptr<RepositoryAe> ae;
  std::unique_ptr<Valve> repository;
  std::unique_ptr<Das> das;
};

TEST_F(RoleRepository, the_holder_is_told_and_uses_the_role_where_it_is_fetched) {
  cover({"7.4.1-01", "7.4.2.2-01", "7.4.2.2-02", "7.4.2.2-03", "7.4.2.2-04", "7.4.2.2-05", "7.4.2.2-06",
         "7.4.3-01", "7.4.3-02", "7.4.3-03", "7.4.3-04", "7.4.3-05", "7.4.3-06", "7.4.3-07"});
  start_das(true);
  EXPECT_EQ(open_door({kRole}), Rsc::originator_has_no_privilege) << "a Role-ID that nothing backs";
  const auto id = assign(false);
  settle(id, Assignment::Step::assigned);
  EXPECT_EQ(das->assignment(id)->reason, "");
  ASSERT_THAT(heard, SizeIs(1));
  EXPECT_EQ(heard[0].at("m2m:rol").at("rlid").as_string(), kRole);
  EXPECT_EQ(read("/in-cse/cse/" + id, "m2m:rol", "rlid"), kRole);
  EXPECT_EQ(open_door({}), Rsc::originator_has_no_privilege) << "it is the originator who names it";
  EXPECT_EQ(open_door({kRole}), Rsc::ok);

  // Nobody else's, though he may name it.
  EntityA other(in, association::certificate(Hierarchy::instance().ae(ae_id("/in-cse/Cother"))), "Cother");
  ASSERT_EQ(other.register_ae(), "registered as Cother");
  codec::RequestPrimitive request;
  request.to = kDoor;
  request.rids = {kRole};
  must(other.ae.request(std::move(request)), Rsc::originator_has_no_privilege);

  ASSERT_TRUE(das->revoke(id));
  settle(id, Assignment::Step::withdrawn);
  EXPECT_EQ(open_door({kRole}), Rsc::originator_has_no_privilege) << "it is asked for anew";
}

TEST_F(RoleRepository, a_subscriber_to_the_role_learns_of_its_token_and_names_that) {
  cover({"7.4.2.3-01", "7.4.2.3-02", "7.4.2.3-03", "7.4.2.3-04", "7.4.2.3-05", "7.4.2.3-06", "7.4.3-01",
         "7.4.3-02", "7.4.3-03"});
  start_das(false);
  repository->holds = [](const codec::RequestPrimitive& request) {
    return request.op == Operation::create && request.ty == static_cast<std::uint32_t>(Ty::tk);
  };
  const auto id = assign(true);
  ASSERT_TRUE(until([&] { return !repository->held.empty(); }));
  must(phone.ae.create(
           "/in-cse/cse/" + id, 23, "m2m:sub",
           {{"rn", "tell"}, {"nu", json::array{"/in-cse/Cphone"}}, {"enc", {{"net", json::array{1}}}}}),
       Rsc::created);
  repository->open();
  settle(id, Assignment::Step::assigned);
  ASSERT_TRUE(until([&] { return !heard.empty(); }));
  const auto& changed = heard[0].at("m2m:sgn").at("nev").at("rep").at("m2m:rol").as_object();
  const auto address = std::string(changed.at("rltl").as_string());
  const auto token_id = read(address, "m2m:tk", "tkid");
  ASSERT_NE(token_id, "");
  EXPECT_EQ(open_door({}, {token_id}), Rsc::ok) << "its role permits";
  EXPECT_EQ(open_door({}, {"other@das.my.m2mprovider.org"}), Rsc::originator_has_no_privilege);
}

}  // namespace
}  // namespace latchkey::das
