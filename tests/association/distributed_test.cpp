/// A PEP and a PDP on two CSEs, over real associations (TS-0003 6.2.2, Annex G): what the PDP has
/// acknowledged holds for every request that comes to the PEP afterwards.
#include <algorithm>

#include "support/policy_race.h"

namespace latchkey::association {
namespace {

namespace json = boost::json;

constexpr std::size_t kReaders = 8;
constexpr const char* kReadersHere = "/mn-cse-123456/Creader*";

class Distributed : public Association {
 protected:
  static json::object only(const char* who, int operations) {
    return {{"acr", json::array{json::object{{"acor", json::array{who}}, {"acop", operations}}}}};
  }
  static void created(const Result<Response>& response) {
    ASSERT_TRUE(response) << response.error().detail;
    EXPECT_EQ(response->rsc, Rsc::created) << codec::to_text(response->pc.value());
  }
  void SetUp() override {
    auto pdp_options = with_certificates(in_cse());
    pdp_options.name = "PDP";
    pdp_options.configure = [](cse::CseOptions& options) {
      options.offers_pdp = true;
      options.foreign_targets = {{"/mn-cse-123456/*", {"cse/boxes"}}};
    };
    pdp_ = std::make_unique<EntityB>(ground, std::move(pdp_options));
    auto pep_options = with_certificates(mn_cse());
    pep_options.name = "PEP";
    pep_options.configure = [](cse::CseOptions& options) {
      options.pdps = {{"/in-cse/cse/pdp"}, true};
      options.consultation_timeout = std::chrono::seconds(5);
    };
    pep_ = std::make_unique<EntityB>(ground, std::move(pep_options));
    pep_->connect(*pdp_);
    make_pdp();
    make_box();
  }
  void make_pdp() {
    admin_ = pdp_->administrator();
    created(admin_->ae.create(
        "-", 1, "m2m:acp",
        {{"rn", "askers"}, {"pv", only("/mn-cse-123456", 4)}, {"pvs", only("/Sadmin", 63)}}));
    created(admin_->ae.create("-", 35, "m2m:auds", {{"rn", "pdp"}, {"acpi", json::array{"cse/askers"}}}));
    created(admin_->ae.create(
        "-", 1, "m2m:acp",
        {{"rn", "boxes"}, {"pv", race_rules(false, kReadersHere)}, {"pvs", only("/Sadmin", 63)}}));
  }
  void make_box() {
    owner_ = racer(*pep_, 0, "Cowner");
    created(owner_->ae.create(owner_->ae.resource(), 3, "m2m:cnt", {{"rn", "box"}}));
    box_ = owner_->ae.resource() + "/box";
    for (std::size_t n = 1; n <= kReaders; ++n)
      readers_.push_back(racer(*pep_, n, "Creader" + std::to_string(n)));
  }
  Rsc read_once(std::size_t reader) {
    codec::RequestPrimitive request;
    request.to = box_;
    auto response = readers_[reader]->ae.request(std::move(request));
    return response ? response->rsc : Rsc::internal_server_error;
  }
  void open(bool open) {
    codec::RequestPrimitive request;
    request.op = codec::Operation::update;
    request.to = "-/boxes";
    request.pc = json::object{{"m2m:acp", json::object{{"pv", race_rules(open, kReadersHere)}}}};
    const auto response = admin_->ae.request(std::move(request));
    ASSERT_TRUE(response && response->rsc == Rsc::updated);
  }
  [[nodiscard]] std::string last(const char* node, AuditEventId id) const {
    const auto events = ground.tape.events(node, id);
    return events.empty() ? "" : events.back().reason;
  }

  std::unique_ptr<EntityB> pdp_, pep_;
  std::unique_ptr<EntityA> admin_, owner_;
  std::vector<std::unique_ptr<EntityA>> readers_;
  std::string box_;
};

TEST_F(Distributed, AnotherCseDecidesAndBothLogsSayWhy) {
  EXPECT_EQ(read_once(0), Rsc::originator_has_no_privilege);
  open(true);
  EXPECT_EQ(read_once(0), Rsc::ok);
  EXPECT_EQ(last("PEP", AuditEventId::access_permitted), "permitted by the PDP /in-cse/cse/pdp");
  const auto decided = ground.tape.events("PDP", AuditEventId::access_permitted);
  ASSERT_FALSE(decided.empty());
  const auto found = std::ranges::find_if(decided, [](const AuditEvent& event) {
    return event.reason.starts_with("as PDP of another CSE: permitted by acp");
  });
  ASSERT_NE(found, decided.end());
  EXPECT_EQ(found->originator, "//my.m2mprovider.org/mn-cse-123456/Creader1");
  EXPECT_EQ(found->operation, "RETRIEVE");
}

TEST_F(Distributed, NoRequestIsJudgedByAPolicyOlderThanTheLastAcknowledged) {
  PolicyRace race(
      ground.reactor,
      {.writer = *admin_, .policy = "-/boxes", .target = box_, .readers = kReadersHere, .changes = 30});
  race.run(readers_);
}

TEST_F(Distributed, APdpThatIsGoneDeniesAndTheOwnerIsServed) {
  open(true);
  EXPECT_EQ(read_once(0), Rsc::ok);
  admin_.reset();
  pdp_.reset();
  EXPECT_EQ(read_once(0), Rsc::originator_has_no_privilege);
  EXPECT_NE(last("PEP", AuditEventId::access_denied).find("; the PDP /in-cse/cse/pdp: "), std::string::npos);
  codec::RequestPrimitive request;
  request.to = box_;
  const auto own = owner_->ae.request(std::move(request));
  ASSERT_TRUE(own);
  EXPECT_EQ(own->rsc, Rsc::ok);
}

}  // namespace
}  // namespace latchkey::association
