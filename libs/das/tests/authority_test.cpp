/// Role assignments: every step of TS-0003 7.4.2.2 and 7.4.2.3 in order, with answers lost, refused and
/// repeated.
#include <gmock/gmock.h>

#include "cover.h"
#include "latchkey/authz/role.h"
#include "support/world.h"

namespace latchkey::das {
namespace {

using codec::Operation;
using codec::Rsc;
using latchkey::test::cover;
using test::entity;
using testing::HasSubstr;
using Step = Assignment::Step;

const EntityId kPhone = entity("/in-cse/Cphone");

constexpr const char* kPolicy = R"(
[[role]]
id = "guest@das.sp.example"
holders = ["/in-cse/C*"]
lifetime = "7d"
)";

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

class RoleAssignment : public test::World {
 protected:
  RoleAssignment() { open(kPolicy); }
  std::string assign(bool with_token) {
    auto id = das->assign({.role_id = "guest@das.sp.example",
                           .holder = kPhone,
                           .lifetime = {},
                           .with_token = with_token,
                           .name = "Guest"});
    EXPECT_TRUE(id) << (id ? "" : id.error().detail);
    settle();
    return id.value_or("");
  }
  codec::RequestPrimitive answer(Rsc rsc) {
    if (repository.sent.empty()) {
      ADD_FAILURE() << "nothing was sent";
      return {};
    }
    auto request = repository.answer(rsc);
    settle();
    return request;
  }
  Step step(const std::string& id) const { return das->assignment(id)->step; }
};

TEST_F(RoleAssignment, a_role_is_created_in_the_repository) {
  cover({"7.4.2.2-02", "7.4.1-01"});
  const auto id = assign(false);
  EXPECT_EQ(step(id), Step::create_role);
  const auto request = answer(Rsc::created);
  EXPECT_EQ(request.op, Operation::create);
  EXPECT_EQ(request.to, "/in-cse/base");
  EXPECT_EQ(request.ty, 31U);
  const auto& attributes = request.pc.at("m2m:rol").as_object();
  const auto role = authz::read_role(attributes);
  ASSERT_TRUE(role) << role.error().detail;
  EXPECT_EQ(role->role_id, "guest@das.sp.example");
  EXPECT_EQ(role->issuer, entity("/Sdas"));
  EXPECT_EQ(role->holder, kPhone);
  EXPECT_EQ(role->not_before, clock.now());
  EXPECT_EQ(role->not_after, clock.now() + std::chrono::days(7));
  EXPECT_EQ(role->role_name, "Guest");
  EXPECT_EQ(text(attributes.at("rn")), id);
  EXPECT_EQ(text(attributes.at("et")), "20290108T120000") << "the repository forgets it by itself";
  EXPECT_EQ(text(attributes.at("acpi").as_array().at(0)), "/in-cse/acp1");
  EXPECT_EQ(step(id), Step::assigned);
  EXPECT_EQ(last().id, AuditEventId::role_assigned);
  EXPECT_TRUE(repository.sent.empty());
}

TEST_F(RoleAssignment, a_role_token_is_issued_stored_and_linked) {
  cover({"7.4.2.3-01", "7.4.2.3-04"});
  const auto id = assign(true);
  answer(Rsc::created);
  const auto create = answer(Rsc::created);
  EXPECT_EQ(create.op, Operation::create);
  EXPECT_EQ(create.ty, 32U);
  const auto& token = create.pc.at("m2m:tk").as_object();
  const auto verified = verify(std::string(token.at("tkob").as_string()), test::cse("/in-cse"), kPhone);
  ASSERT_TRUE(verified) << authz::to_string(verified.error(), "token");
  EXPECT_EQ((*verified)->token_id, text(token.at("tkid")));
  EXPECT_TRUE((*verified)->permissions.at(0).everywhere);
  EXPECT_THAT((*verified)->permissions.at(0).role_ids, testing::ElementsAre("guest@das.sp.example"));
  const auto link = answer(Rsc::updated);
  EXPECT_EQ(link.op, Operation::update);
  EXPECT_EQ(link.to, "/in-cse/base/" + id);
  EXPECT_EQ(link.pc.at("m2m:rol").as_object(),
            (boost::json::object{{"rltl", "/in-cse/base/" + std::string(token.at("rn").as_string())}}));
  EXPECT_EQ(step(id), Step::assigned);
}

TEST_F(RoleAssignment, the_holder_is_told_if_so_configured) {
  cover({"7.4.2.3-05"});
  auto given = options(kPolicy);
  given.repository->notify_holder = true;
  open(std::move(given));
  const auto id = assign(true);
  for (int k = 0; k < 3; ++k) answer(Rsc::created);
  const auto told = answer(Rsc::ok);
  EXPECT_EQ(told.op, Operation::notify);
  EXPECT_EQ(told.to, "/in-cse/Cphone");
  EXPECT_EQ(text(told.pc.at("m2m:rol").at("rlid")), "guest@das.sp.example");
  EXPECT_THAT(text(told.pc.at("m2m:rol").at("rltl")), HasSubstr("/in-cse/base/token-"));
  EXPECT_EQ(step(id), Step::assigned);
  const auto deaf = assign(false);
  answer(Rsc::created);
  answer(Rsc::target_not_reachable);
  EXPECT_EQ(step(deaf), Step::assigned) << "whether it listens is its own affair";
  EXPECT_THAT(das->assignment(deaf)->reason, HasSubstr("not told"));
}

TEST_F(RoleAssignment, what_the_policy_does_not_allow_is_not_sent) {
  cover({"7.4.2.2-01"});
  const auto refused = das->assign({.role_id = "owner@das.sp.example", .holder = kPhone, .lifetime = {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::denied);
  EXPECT_EQ(last().id, AuditEventId::role_refused);
  EXPECT_TRUE(repository.sent.empty());
  EXPECT_TRUE(das->issued().empty());
}

TEST_F(RoleAssignment, an_unreachable_repository_is_tried_again) {
  const auto id = assign(false);
  repository.lose();
  settle();
  EXPECT_EQ(step(id), Step::create_role);
  EXPECT_TRUE(repository.sent.empty()) << "not at once";
  executor.advance(std::chrono::seconds(2));
  ASSERT_EQ(repository.sent.size(), 1U);
  answer(Rsc::target_not_reachable);
  executor.advance(std::chrono::seconds(3));
  EXPECT_TRUE(repository.sent.empty()) << "more and more slowly";
  executor.advance(std::chrono::seconds(1));
  answer(Rsc::created);
  EXPECT_EQ(step(id), Step::assigned);
}

TEST_F(RoleAssignment, a_refusal_of_the_repository_ends_it) {
  const auto id = assign(true);
  answer(Rsc::not_implemented);
  EXPECT_EQ(step(id), Step::refused);
  EXPECT_THAT(das->assignment(id)->reason, HasSubstr("create_role: 5001"));
  EXPECT_EQ(last().id, AuditEventId::role_refused);
  for (const auto* one : das->issued()) EXPECT_TRUE(one->revoked) << "a role that nobody keeps is not held";
}

TEST_F(RoleAssignment, each_step_survives_a_crash) {
  const auto id = assign(true);
  std::vector<std::string> tokens;
  for (const auto expected : {Step::create_role, Step::create_token, Step::link_token}) {
    repository.sent.clear();  // the answer never came
    open(kPolicy);
    settle();
    EXPECT_EQ(step(id), expected);
    ASSERT_EQ(repository.sent.size(), 1U) << to_string(expected);
    // What was created before the crash is there: 4105 tells so.
    const auto request = answer(expected == Step::link_token ? Rsc::updated : Rsc::conflict);
    if (expected == Step::create_token) tokens.emplace_back(request.pc.at("m2m:tk").at("tkid").as_string());
  }
  EXPECT_EQ(step(id), Step::assigned);
  EXPECT_EQ(das->assignment(id)->token_id, tokens.at(0));
  EXPECT_EQ(das->issued().size(), 2U) << "one role, one token: the token was issued once";
}

TEST_F(RoleAssignment, revoking_removes_token_and_role) {
  const auto id = assign(true);
  for (int k = 0; k < 3; ++k) answer(Rsc::created);
  const auto token = das->assignment(id)->token_id;
  EXPECT_EQ(das->revoke(token).error().code, ErrorCode::conflict) << "goes with its role";
  ASSERT_TRUE(das->revoke(id));
  for (const auto* one : das->issued()) EXPECT_TRUE(one->revoked) << one->id;
  settle();
  EXPECT_THAT(answer(Rsc::deleted).to, HasSubstr("/in-cse/base/token-"));
  const auto request = answer(Rsc::not_found);
  EXPECT_EQ(request.op, Operation::del);
  EXPECT_EQ(request.to, "/in-cse/base/" + id);
  EXPECT_EQ(step(id), Step::withdrawn);
  EXPECT_EQ(last().id, AuditEventId::role_revoked);
  EXPECT_TRUE(das->revoke(id)) << "again does nothing";
  EXPECT_TRUE(repository.sent.empty());
}

TEST_F(RoleAssignment, revoking_overtakes_a_creation_under_way) {
  const auto id = assign(false);
  ASSERT_TRUE(das->revoke(id));
  settle();
  ASSERT_EQ(repository.sent.size(), 1U) << "one request at a time";
  answer(Rsc::created);
  EXPECT_EQ(answer(Rsc::deleted).op, Operation::del);
  EXPECT_EQ(step(id), Step::withdrawn);
  EXPECT_EQ(count(AuditEventId::role_assigned), 0U);
}

TEST_F(RoleAssignment, without_a_repository_there_are_none) {
  auto given = options(kPolicy);
  given.repository.reset();
  open(std::move(given));
  EXPECT_EQ(das->assign({.role_id = "guest@das.sp.example", .holder = kPhone, .lifetime = {}}).error().code,
            ErrorCode::unavailable);
}

TEST_F(RoleAssignment, ended_assignments_are_forgotten) {
  assign(false);
  answer(Rsc::created);
  clock.advance(std::chrono::days(7));
  executor.advance(std::chrono::seconds(10));
  settle();
  EXPECT_TRUE(das->assignments().empty());
  EXPECT_EQ(das->counters().records, 0U);
}

}  // namespace
}  // namespace latchkey::das
