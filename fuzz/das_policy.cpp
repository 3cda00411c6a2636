// The policy file of a DAS Server (TS-0003 7.3.2.2 step 3): whatever the text, reading ends with named
// problems or with a policy, and what that grants is within its limits and can be compiled by a CSE.
#include <array>
#include <cstdlib>

#include "latchkey/base/bytes.h"
#include "latchkey/das/policy.h"

namespace {

using namespace latchkey;

const SpId& home() {
  static const auto sp = SpId::parse("//sp.example").value();
  return sp;
}

void require(bool holds) {
  if (!holds) std::abort();
}

void ask(const das::Policy& policy, const EntityId& originator, const char* target, bool tokens_only) {
  const das::Query query{.originator = &originator,
                         .operation = codec::Operation::retrieve,
                         .target = ResourceAddress::parse(target).value(),
                         .target_type = 3,
                         .ip = authz::IpAddress{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7},
                         .location = authz::Location{.country = "KR", .coordinates = {}},
                         .now = TimePoint(std::chrono::seconds(1'861'963'200)),
                         .tokens_only = tokens_only};
  const auto verdict = policy.decide(query, [](const std::string&) { return std::size_t{0}; });
  require(!verdict.reason.empty());
  if (verdict.grant == nullptr) return;
  require(verdict.end > query.now && verdict.end <= query.now + das::kLifetimeMax);
  require(!tokens_only || verdict.grant->gives == das::Gift::token);
  if (verdict.grant->granted_operations != 0)
    require(authz::RuleSet::compile(das::granted_privileges(*verdict.grant, originator), home()).has_value());
  // What is full gives nothing.
  require(policy.decide(query, [](const std::string&) { return std::size_t{1'000}; }).grant == nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto reader = ConfigReader::from_text(latchkey::as_text({data, size}), "policy.toml");
  const auto policy = das::Policy::read(reader, {home(), {Fqdn::parse("das.sp.example").value()}});
  const auto problems = reader.finish();
  for (const auto& problem : problems) require(!problem.what.empty());
  if (!problems.empty()) return 0;
  static const std::array<EntityId, 2> originators{parse_entity_id("/in-cse/Cphone", home()).value(),
                                                   parse_entity_id("/mn-cse", home()).value()};
  for (const auto& originator : originators) {
    for (const auto* target : {"//sp.example/in-cse/cse/lock", "//sp.example/mn-cse/cse/lock/commands"}) {
      ask(*policy, originator, target, false);
      ask(*policy, originator, target, true);
    }
    for (const auto& role : policy->roles())
      static_cast<void>(policy->assignable(role.role_id, originator, TimePoint{}, {}));
  }
  return 0;
}
