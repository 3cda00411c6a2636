/// A change of a policy holds for every request that comes after its answer (TS-0003 7.1.4): one writer
/// changes it back and forth, 32 readers ask meanwhile, each over TLS.
#include "support/policy_race.h"

namespace latchkey::association {
namespace {

namespace json = boost::json;

constexpr std::size_t kReaders = 32;

using PolicyRaceAtOneCse = Association;

TEST_F(PolicyRaceAtOneCse, NoReaderIsJudgedByAPolicyOlderThanTheLastAcknowledged) {
  cover({"7.1.4-02", "7.1.4-03"});
  EntityB cse(ground, EntityB::Options{.id = mn_cse()});
  const auto owner = racer(cse, 0, "Cowner");
  const json::object own{
      {"acr", json::array{json::object{{"acor", json::array{"/mn-cse-123456/Cowner"}}, {"acop", 63}}}}};
  const auto home = owner->ae.resource();
  const auto policy =
      owner->ae.create(home, 1, "m2m:acp", {{"rn", "p"}, {"pv", race_rules(false, "all")}, {"pvs", own}});
  ASSERT_TRUE(policy && policy->rsc == Rsc::created);
  const auto box = owner->ae.create(home, 3, "m2m:cnt", {{"rn", "box"}, {"acpi", json::array{home + "/p"}}});
  ASSERT_TRUE(box && box->rsc == Rsc::created);
  std::vector<std::unique_ptr<EntityA>> readers;
  for (std::size_t n = 1; n <= kReaders; ++n) readers.push_back(racer(cse, n, "Creader" + std::to_string(n)));

  PolicyRace race(
      ground.reactor,
      {.writer = *owner, .policy = home + "/p", .target = home + "/box", .readers = "all", .changes = 60});
  race.run(readers);
}

}  // namespace
}  // namespace latchkey::association
