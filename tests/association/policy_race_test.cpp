/// A change of a policy holds for every request that comes after its answer (TS-0003 7.1.4): one writer
/// changes it back and forth, 32 readers ask meanwhile, each over TLS.
#include <map>

#include "support/world.h"

namespace latchkey::association {
namespace {

namespace json = boost::json;

constexpr std::size_t kReaders = 32;
constexpr std::uint64_t kChanges = 60;
constexpr const char* kOwnerKey = "1a2b3c4d5e6f7a8b";

/// The policy after change n: every second one lets the readers in. Change 0 is its creation.
bool lets_in(std::uint64_t change) { return change % 2 == 1; }

class PolicyRace : public Association {
 protected:
  static std::string identity(std::size_t n) { return "AE" + std::to_string(n) + "@in.provider.com"; }
  std::unique_ptr<EntityA> entity(std::size_t n, const std::string& stem) {
    EXPECT_TRUE(b_->add_key(identity(n), EntityId(ae_id("/mn-cse-123456/" + stem)), kOwnerKey));
    auto made = std::make_unique<EntityA>(*b_, kpsa(identity(n), kOwnerKey, mn_cse()), stem);
    EXPECT_EQ(made->register_ae(), "registered as " + stem);
    return made;
  }
  static json::object rules(bool open) {
    json::array readers;
    if (open) readers.push_back({{"acor", json::array{"all"}}, {"acop", 2}});
    return {{"acr", std::move(readers)}};
  }
  void SetUp() override {
    b_ = std::make_unique<EntityB>(ground, EntityB::Options{.id = mn_cse()});
    owner_ = entity(0, "Cowner");
    const json::object own{
        {"acr", json::array{json::object{{"acor", json::array{"/mn-cse-123456/Cowner"}}, {"acop", 63}}}}};
    auto policy = owner_->ae.create(owner_->ae.resource(), 1, "m2m:acp",
                                    {{"rn", "p"}, {"pv", rules(false)}, {"pvs", own}});
    ASSERT_TRUE(policy && policy->rsc == Rsc::created);
    policy_ = owner_->ae.resource() + "/p";
    auto box = owner_->ae.create(owner_->ae.resource(), 3, "m2m:cnt",
                                 {{"rn", "box"}, {"acpi", json::array{policy_}}});
    ASSERT_TRUE(box && box->rsc == Rsc::created);
    for (std::size_t n = 1; n <= kReaders; ++n) readers_.push_back(entity(n, "Creader" + std::to_string(n)));
  }

  void change() {
    if (sent_ == kChanges) return;
    ++sent_;
    codec::RequestPrimitive request;
    request.op = codec::Operation::update;
    request.to = policy_;
    request.pc = json::object{{"m2m:acp", json::object{{"pv", rules(lets_in(sent_))}}}};
    owner_->ae.send(std::move(request), [this](auto response) {
      ASSERT_TRUE(response && response->rsc == Rsc::updated);
      ++acknowledged_;
      // Time for readers to see this policy alone.
      ground.reactor.after(std::chrono::milliseconds(15), [this] { change(); });
    });
  }

  /// What the reader may hear: any policy from the last one acknowledged before it asked to the last one sent
  /// before it heard.
  void read(EntityA& reader) {
    codec::RequestPrimitive request;
    request.to = owner_->ae.resource() + "/box";
    const auto from = acknowledged_;
    reader.ae.send(std::move(request), [this, from, &reader](auto response) {
      ASSERT_TRUE(response);
      const bool got_in = response->rsc == Rsc::ok;
      ASSERT_TRUE(got_in || response->rsc == Rsc::originator_has_no_privilege);
      bool possible = false;
      for (auto change = from; change <= sent_; ++change) possible = possible || lets_in(change) == got_in;
      EXPECT_TRUE(possible) << "judged by a policy before change " << from;
      if (from == sent_) ++certain_[got_in];
      if (acknowledged_ < kChanges) return read(reader);
      if (--reading_ == 0) ground.reactor.stop();
    });
  }

  std::unique_ptr<EntityB> b_;
  std::unique_ptr<EntityA> owner_;
  std::vector<std::unique_ptr<EntityA>> readers_;
  std::string policy_;
  std::uint64_t sent_ = 0, acknowledged_ = 0;
  std::size_t reading_ = kReaders;
  std::map<bool, std::uint64_t> certain_;  ///< answers that only one policy explains
};

TEST_F(PolicyRace, NoReaderIsJudgedByAPolicyOlderThanTheLastAcknowledged) {
  cover({"7.1.4-02", "7.1.4-03"});
  change();
  for (auto& reader : readers_) read(*reader);
  ground.reactor.run();
  EXPECT_EQ(acknowledged_, kChanges);
  EXPECT_GT(certain_[true], kReaders) << "too few answers that could have been wrong";
  EXPECT_GT(certain_[false], kReaders);
}

}  // namespace
}  // namespace latchkey::association
