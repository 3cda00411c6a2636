#include "support/policy_race.h"

namespace latchkey::association {

namespace json = boost::json;

namespace {

/// The policy after change n: every second one lets the readers in. Change 0 is its creation.
bool lets_in(std::uint64_t change) { return change % 2 == 1; }

}  // namespace

std::unique_ptr<EntityA> racer(EntityB& cse, std::size_t n, const std::string& stem) {
  const auto identity = "AE" + std::to_string(n) + "@in.provider.com";
  EXPECT_TRUE(cse.add_key(identity, EntityId(ae_id(cse.options.id.sp_relative() + "/" + stem)), kRacerKey));
  auto made = std::make_unique<EntityA>(cse, kpsa(identity, kRacerKey, cse.options.id), stem);
  EXPECT_EQ(made->register_ae(), "registered as " + stem);
  return made;
}

json::object race_rules(bool open, const char* readers) {
  json::array rules;
  if (open) rules.push_back({{"acor", json::array{readers}}, {"acop", 2}});
  return {{"acr", std::move(rules)}};
}

void PolicyRace::run(const std::vector<std::unique_ptr<EntityA>>& readers) {
  reading_ = readers.size();
  change();
  for (const auto& reader : readers) read(*reader);
  reactor_.run();
  EXPECT_EQ(acknowledged_, course_.changes);
  EXPECT_GT(certain_[true], readers.size()) << "too few answers that could have been wrong";
  EXPECT_GT(certain_[false], readers.size());
}

void PolicyRace::change() {
  if (sent_ == course_.changes) return;
  ++sent_;
  codec::RequestPrimitive request;
  request.op = codec::Operation::update;
  request.to = course_.policy;
  request.pc = json::object{{"m2m:acp", json::object{{"pv", race_rules(lets_in(sent_), course_.readers)}}}};
  course_.writer.ae.send(std::move(request), [this](auto response) {
    ASSERT_TRUE(response && response->rsc == Rsc::updated);
    ++acknowledged_;
    // Time for readers to see this policy alone.
    reactor_.after(std::chrono::milliseconds(20), [this] { change(); });
  });
}

void PolicyRace::read(EntityA& reader) {
  codec::RequestPrimitive request;
  request.to = course_.target;
  const auto from = acknowledged_;
  reader.ae.send(std::move(request), [this, from, &reader](auto response) {
    ASSERT_TRUE(response);
    const bool got_in = response->rsc == Rsc::ok;
    ASSERT_TRUE(got_in || response->rsc == Rsc::originator_has_no_privilege);
    // What it may hear: any policy from the last acknowledged before it asked to the last sent before it
    // heard.
    bool possible = false;
    for (auto change = from; change <= sent_; ++change) possible = possible || lets_in(change) == got_in;
    EXPECT_TRUE(possible) << "judged by a policy before change " << from;
    if (from == sent_) ++certain_[got_in];
    if (acknowledged_ < course_.changes) return read(reader);
    if (--reading_ == 0) reactor_.stop();
  });
}

}  // namespace latchkey::association
