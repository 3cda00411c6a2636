/// The two flows of dynamic authorization at the DAS Server (TS-0003 7.3.2.2, 7.3.2.3).
#include "latchkey/das/das.h"

#include <gmock/gmock.h>

#include <boost/json/parse.hpp>

#include "cover.h"
#include "latchkey/codec/dynamic_authorization.h"
#include "support/world.h"

namespace latchkey::das {
namespace {

using codec::DasRequest;
using codec::DasResponse;
using codec::Rsc;
using latchkey::test::cover;
using test::entity;
using testing::HasSubstr;
using testing::SizeIs;

const EntityId kPhone = entity("/in-cse/Cphone"), kStranger = entity("/in-cse/Cstranger");
const EntityId kIn = entity("/in-cse"), kMn = entity("/mn-cse"), kUnknown = entity("/other-cse");

constexpr const char* kPolicy = R"(
[[grant]]
name = "lock"
originators = ["/in-cse/Cphone"]
targets = ["/in-cse/base/lock"]
operations = ["retrieve"]
lifetime = "1h"
gives = "policy"

[[grant]]
name = "door"
originators = ["/in-cse/Cphone"]
targets = ["/*/base/door"]
operations = ["retrieve"]
lifetime = "2h"
live_max = 2
gives = "token"
granted_operations = ["retrieve", "notify"]
granted_roles = ["guest@das.sp.example"]
token_name = "door"

[[grant]]
name = "hidden"
originators = ["/in-cse/Cphone"]
targets = ["/in-cse/base/hidden"]
operations = ["retrieve"]
lifetime = "1h"
gives = "token"
granted_operations = ["retrieve"]
hand_out = false

[[grant]]
name = "home-network"
originators = ["all"]
targets = ["/*/base/garage"]
operations = ["retrieve"]
networks = ["192.0.2.0/24"]
lifetime = "1h"
gives = "token"
granted_operations = ["retrieve"]

[[grant]]
name = "for-guests"
originators = ["guest@das.sp.example"]
targets = ["/in-cse/base/hall"]
operations = ["retrieve"]
lifetime = "1h"
gives = "policy"

[[grant]]
name = "typed"
originators = ["all"]
targets = ["/*/base/typed"]
operations = ["retrieve"]
resource_types = ["3"]
lifetime = "1h"
gives = "token"
granted_operations = ["retrieve"]
)";

class DasFlows : public test::World {
 protected:
  DasFlows() { open(kPolicy); }

  static DasRequest ask(const std::string& target, const EntityId& originator = kPhone) {
    DasRequest out{.originator = originator};
    out.operation = codec::Operation::retrieve;
    out.target = target;
    out.target_type = 3;
    return out;
  }
  static DasRequest by_id_of(std::vector<std::string> ids) {
    DasRequest out{.originator = kPhone};
    out.token_ids = std::move(ids);
    return out;
  }
  codec::ResponsePrimitive from(const EntityId& who, const DasRequest& request) {
    return notify(who, codec::to_security_info(request));
  }
  DasResponse answer(const EntityId& who, const DasRequest& request) {
    const auto response = from(who, request);
    EXPECT_EQ(response.rsc, Rsc::ok);
    const auto read = codec::read_das_message(response.pc, clock.now());
    EXPECT_TRUE(read) << (read ? "" : read.error().detail);
    return read ? std::get<DasResponse>(*read) : DasResponse{};
  }
  codec::TokenGrant grant(const EntityId& who, const DasRequest& request) {
    const auto response = from(who, request);
    const auto read = codec::read_token_grant(response.pc);
    EXPECT_TRUE(read) << (read ? "" : read.error().detail);
    return read ? *read : codec::TokenGrant{};
  }
  /// A token for the phone at the IN-CSE.
  std::string token() { return answer(kIn, ask("/in-cse/base/door")).tokens.at(0); }
};

TEST_F(DasFlows, a_policy_goes_to_the_hosting_cse) {
  cover({"7.3.2.2-07", "7.3.2.2-08", "7.3.2.2-T04"});
  const auto response = answer(kIn, ask("/in-cse/base/lock"));
  EXPECT_TRUE(response.tokens.empty());
  ASSERT_TRUE(response.acp);
  EXPECT_EQ(response.acp->privileges,
            boost::json::parse(R"({"acr":[{"acor":["//sp.example/in-cse/Cphone"],"acop":2}]})"));
  EXPECT_EQ(response.acp->end, clock.now() + std::chrono::hours(1));
  EXPECT_EQ(last().id, AuditEventId::policy_granted);
  EXPECT_EQ(last().originator, "//sp.example/in-cse/Cphone");
  EXPECT_THAT(last().reason, HasSubstr("grant lock: policy-"));
}

TEST_F(DasFlows, a_token_for_the_originator_and_this_cse_alone) {
  cover({"7.3.2.2-02", "7.3.2.2-03", "7.3.2.2-04", "7.3.2.2-06", "7.3.2.4-01", "7.3.2.6.3-02"});
  const auto response = answer(kIn, ask("/in-cse/base/door"));
  EXPECT_FALSE(response.acp);
  ASSERT_THAT(response.tokens, SizeIs(1));
  const auto verified = verify(response.tokens[0], test::cse("/in-cse"), kPhone);
  ASSERT_TRUE(verified) << authz::to_string(verified.error(), "token");
  EXPECT_EQ((*verified)->issuer, entity("/Sdas"));
  EXPECT_EQ((*verified)->holder, kPhone);
  EXPECT_EQ((*verified)->not_after, clock.now() + std::chrono::hours(2));
  ASSERT_THAT((*verified)->permissions, SizeIs(1));
  EXPECT_THAT((*verified)->permissions[0].resources, testing::ElementsAre("/base/door"));
  EXPECT_THAT((*verified)->permissions[0].role_ids, testing::ElementsAre("guest@das.sp.example"));
  ASSERT_NE((*verified)->permissions[0].rules, nullptr);
  EXPECT_EQ(verify(response.tokens[0], test::cse("/in-cse"), kStranger).error().defect,
            authz::Defect::holder);
  EXPECT_EQ(verify(response.tokens[0], test::cse("/mn-cse"), kPhone).error().defect, authz::Defect::audience);
  EXPECT_EQ(last().id, AuditEventId::token_issued);
  EXPECT_EQ(last().reason.find(response.tokens[0]), std::string::npos) << "no token in a log";
}

TEST_F(DasFlows, a_token_is_encrypted_for_a_cse_with_a_key) {
  cover({"7.3.2.2-05", "7.3.2.6.2-15", "7.3.2.6.2-16"});
  const auto response = answer(kMn, ask("/mn-cse/base/door"));
  ASSERT_THAT(response.tokens, SizeIs(1));
  EXPECT_EQ(std::ranges::count(response.tokens[0], '.'), 4);
  EXPECT_TRUE(verify(response.tokens[0], test::cse("/mn-cse"), kPhone));
  EXPECT_FALSE(verify(answer(kIn, ask("/in-cse/base/door")).tokens.at(0), test::cse("/mn-cse"), kPhone));
}

TEST_F(DasFlows, addresses_in_every_form_name_the_same_target) {
  for (const auto* target :
       {"/in-cse/base/lock", "//sp.example/in-cse/base/lock", "base/lock", "-/lock", "/in-cse/-/lock"}) {
    open(kPolicy);
    clock.advance(std::chrono::hours(2));
    EXPECT_TRUE(answer(kIn, ask(target)).acp) << target;
  }
}

TEST_F(DasFlows, a_denial_says_nothing_and_is_logged_with_its_reason) {
  const auto response = from(kIn, ask("/in-cse/base/lock", kStranger));
  EXPECT_EQ(response.rsc, Rsc::ok);
  EXPECT_EQ(codec::to_text(response.pc), R"({"m2m:seci":{"sit":2,"dres":{}}})");
  EXPECT_EQ(last().id, AuditEventId::token_refused);
  EXPECT_THAT(last().reason, HasSubstr("grant lock: does not name the originator"));
  EXPECT_TRUE(das->issued().empty());
}

TEST_F(DasFlows, only_configured_cses_and_their_own_resources) {
  EXPECT_EQ(from(kUnknown, ask("/other-cse/base/door")).rsc, Rsc::originator_has_no_privilege);
  EXPECT_THAT(last().reason, HasSubstr("not one that the DAS Server answers"));
  for (const auto* target :
       {"/in-cse/base/lock", "//sp.example/in-cse/base/lock", "//other.example/mn-cse/base/door"}) {
    EXPECT_EQ(from(kMn, ask(target)).rsc, Rsc::originator_has_no_privilege) << target;
    EXPECT_THAT(last().reason, HasSubstr("not a resource of the CSE that asks"));
  }
  EXPECT_TRUE(das->issued().empty());
}

TEST_F(DasFlows, an_association_with_the_identity_of_from_is_needed) {
  auto request = incoming(kIn, codec::to_security_info(ask("/in-cse/base/lock")));
  request.listener = bind::ListenerKind::plain;
  EXPECT_EQ(send(std::move(request)).rsc, Rsc::security_association_required);

  request = incoming(kIn, codec::to_security_info(ask("/in-cse/base/lock")));
  request.security = std::make_shared<tls::SecurityContext>();
  EXPECT_EQ(send(std::move(request)).rsc, Rsc::security_association_required);

  request = incoming(kIn, codec::to_security_info(ask("/in-cse/base/lock")));
  request.primitive.from = "/mn-cse";
  EXPECT_EQ(send(std::move(request)).rsc, Rsc::originator_has_no_privilege);

  request = incoming(kIn, codec::to_security_info(ask("/in-cse/base/lock")));
  auto expired = std::make_shared<tls::SecurityContext>(*request.security);
  expired->valid_until = clock.now();
  request.security = std::move(expired);
  EXPECT_EQ(send(std::move(request)).rsc, Rsc::security_association_required);
  EXPECT_TRUE(das->issued().empty());
}

TEST_F(DasFlows, other_requests_are_refused_by_name) {
  auto request = incoming(kIn, nullptr);
  request.primitive.op = codec::Operation::retrieve;
  EXPECT_EQ(send(std::move(request)).rsc, Rsc::operation_not_allowed);

  request = incoming(kIn, codec::to_security_info(ask("/in-cse/base/lock")));
  request.primitive.to = "/in-cse/base";
  EXPECT_EQ(send(std::move(request)).rsc, Rsc::not_found);

  EXPECT_EQ(notify(kIn, codec::to_security_info(DasResponse{})).rsc, Rsc::bad_request);
  EXPECT_EQ(notify(kIn, boost::json::parse(R"({"m2m:seci":{"sit":1,"dreq":{"op":2}}})")).rsc,
            Rsc::bad_request);
  EXPECT_THAT(last().reason, HasSubstr("m2m:seci.dreq.or: missing"));
  EXPECT_EQ(notify(kPhone, boost::json::parse(R"({"m2m:seci":{"sit":1,"sdr":"a.b.c.d.e"}})")).rsc,
            Rsc::bad_request)
      << "m2m:securityInfo has no such member";
}

TEST_F(DasFlows, live_gifts_are_counted_until_they_end_or_are_revoked) {
  EXPECT_TRUE(answer(kIn, ask("/in-cse/base/lock")).acp);
  EXPECT_FALSE(answer(kIn, ask("/in-cse/base/lock")).acp);
  EXPECT_THAT(last().reason, HasSubstr("as many live gifts"));
  clock.advance(std::chrono::hours(1));
  EXPECT_TRUE(answer(kIn, ask("/in-cse/base/lock")).acp);

  const auto first = token();
  static_cast<void>(token());
  EXPECT_TRUE(answer(kIn, ask("/in-cse/base/door")).denies());
  for (const auto* one : das->issued())
    if (one->jwt == first) {
      EXPECT_TRUE(das->revoke(std::string(one->id)));
      break;
    }
  EXPECT_FALSE(answer(kIn, ask("/in-cse/base/door")).denies());
}

TEST_F(DasFlows, tokens_are_retrieved_by_id_while_valid_and_for_their_holder) {
  cover({"7.3.2.3-05"});
  const auto jwt = token();
  const auto id = das->issued().front()->id;
  const auto by_id = by_id_of({"unknown@das.sp.example", id});
  EXPECT_THAT(answer(kIn, by_id).tokens, testing::ElementsAre(jwt));
  EXPECT_EQ(last().id, AuditEventId::token_retrieved);
  EXPECT_THAT(last().reason, HasSubstr("withheld unknown@das.sp.example"));

  auto others = by_id;
  others.originator = kStranger;
  EXPECT_TRUE(answer(kIn, others).denies()) << "another originator";
  EXPECT_TRUE(answer(kMn, by_id).denies()) << "another CSE than its audience";

  EXPECT_THAT(das->issued(), SizeIs(1)) << "a retrieval issues nothing";
  clock.advance(std::chrono::hours(2));
  EXPECT_TRUE(answer(kIn, by_id).denies()) << "ended";
}

TEST_F(DasFlows, ids_beside_a_target_only_tell_what_the_originator_has) {
  auto asked = ask("/in-cse/base/lock");
  asked.token_ids = {"other@issuer.example"};
  EXPECT_TRUE(answer(kIn, asked).acp);
}

TEST_F(DasFlows, a_revoked_token_is_not_retrieved) {
  static_cast<void>(token());
  const auto id = das->issued().front()->id;
  ASSERT_TRUE(das->revoke(id));
  EXPECT_EQ(last().id, AuditEventId::token_revoked);
  const auto by_id = by_id_of({id});
  EXPECT_TRUE(answer(kIn, by_id).denies());
  open(kPolicy);
  EXPECT_TRUE(answer(kIn, by_id).denies()) << "also after a restart";
  EXPECT_EQ(das->revoke("unknown@das.sp.example").error().code, ErrorCode::not_found);
}

TEST_F(DasFlows, a_recalled_policy_is_not_given_again_before_its_end) {
  ASSERT_TRUE(answer(kIn, ask("/in-cse/base/lock")).acp);
  ASSERT_TRUE(das->revoke(das->issued().front()->id));
  EXPECT_TRUE(answer(kIn, ask("/in-cse/base/lock")).denies());
  EXPECT_THAT(last().reason, HasSubstr("recalled"));
  open(kPolicy);
  EXPECT_TRUE(answer(kIn, ask("/in-cse/base/lock")).denies()) << "also after a restart";
  EXPECT_FALSE(answer(kIn, ask("/in-cse/base/door")).denies()) << "of another grant";
  clock.advance(std::chrono::hours(1));
  EXPECT_TRUE(answer(kIn, ask("/in-cse/base/lock")).acp);
}

TEST_F(DasFlows, what_was_answered_is_known_after_a_restart) {
  const auto jwt = token();
  const auto id = das->issued().front()->id;
  open(kPolicy);
  ASSERT_THAT(das->issued(), SizeIs(1));
  const auto by_id = by_id_of({id});
  EXPECT_THAT(answer(kIn, by_id).tokens, testing::ElementsAre(jwt));
}

TEST_F(DasFlows, ended_records_are_removed) {
  static_cast<void>(token());
  clock.advance(std::chrono::hours(3));
  executor.advance(std::chrono::seconds(10));
  settle();
  EXPECT_EQ(das->counters().records, 0U);
  open(kPolicy);
  EXPECT_EQ(das->counters().records, 0U);
}

TEST_F(DasFlows, an_originator_gets_a_token_for_itself) {
  cover({"7.3.2.3-02"});
  const auto given = grant(kPhone, ask("//sp.example/in-cse/base/door"));
  ASSERT_THAT(given.summaries, SizeIs(1));
  ASSERT_THAT(given.tokens, SizeIs(1));
  EXPECT_EQ(given.summaries[0].name, "door");
  EXPECT_THAT(given.summaries[0].audience, testing::ElementsAre("//sp.example/in-cse"));
  EXPECT_EQ(given.summaries[0].not_after, clock.now() + std::chrono::hours(2));
  const auto verified = verify(given.tokens[0], test::cse("/in-cse"), kPhone);
  ASSERT_TRUE(verified);
  EXPECT_EQ((*verified)->token_id, given.summaries[0].token_id);
}

TEST_F(DasFlows, or_only_its_id_and_the_cse_fetches_the_token) {
  const auto given = grant(kPhone, ask("/in-cse/base/hidden"));
  EXPECT_TRUE(given.tokens.empty());
  const auto by_id = by_id_of({given.summaries.at(0).token_id});
  ASSERT_THAT(answer(kIn, by_id).tokens, SizeIs(1));
}

TEST_F(DasFlows, an_originator_asks_for_nobody_else) {
  EXPECT_EQ(from(kStranger, ask("/in-cse/base/door", kPhone)).rsc, Rsc::originator_has_no_privilege);
  EXPECT_THAT(last().reason, HasSubstr("or: not the originator"));
  EXPECT_EQ(from(kPhone, ask("/in-cse/base/lock")).rsc, Rsc::originator_has_no_privilege)
      << "a policy is not for it";
  EXPECT_EQ(from(kPhone, ask("base/door")).rsc, Rsc::bad_request) << "of which CSE?";
  EXPECT_EQ(from(kPhone, ask("/other-cse/base/door")).rsc, Rsc::originator_has_no_privilege);
  EXPECT_TRUE(das->issued().empty());
}

// ---- what the Hosting CSE secured (7.3.2.3 steps 2.2 and 3)

class Secured : public DasFlows {
 protected:
  codec::ResponsePrimitive bring(const codec::json::value& pc, const EntityId& who = kPhone) {
    return notify(who, pc);
  }
  void expect_refused(const codec::ResponsePrimitive& response, const char* why,
                      Rsc rsc = Rsc::originator_has_no_privilege) {
    EXPECT_EQ(response.rsc, rsc);
    EXPECT_THAT(last().reason, HasSubstr(why));
    EXPECT_EQ(last().id, AuditEventId::token_refused);
    EXPECT_EQ(codec::to_text(response.pc).find(why), std::string::npos) << "in the log alone";
  }
  const CseId mn = test::cse("/mn-cse");
};

TEST_F(Secured, a_request_is_opened_and_answered_with_a_token_that_its_holder_cannot_read) {
  cover({"7.3.2.3-02", "7.3.2.2-05"});
  auto asked = ask("/mn-cse/base/door");
  asked.roles_from_acps = {"guest@das.sp.example"};
  const auto given = codec::read_token_grant(bring(secured(asked, mn)).pc);
  ASSERT_TRUE(given) << given.error().detail;
  ASSERT_THAT(given->tokens, SizeIs(1));
  EXPECT_EQ(std::ranges::count(given->tokens[0], '.'), 4) << "encrypted for the Hosting CSE";
  EXPECT_TRUE(verify(given->tokens[0], mn, kPhone));
  EXPECT_THAT(last().reason, HasSubstr("secured by //sp.example/mn-cse: grant door"));
  EXPECT_EQ(last().id, AuditEventId::token_issued);
}

TEST_F(Secured, a_request_gets_one_token_also_after_a_restart) {
  const auto pc = secured(ask("/mn-cse/base/door"), mn);
  EXPECT_EQ(bring(pc).rsc, Rsc::ok);
  expect_refused(bring(pc), "before");
  open(kPolicy);
  expect_refused(bring(pc), "before");
  EXPECT_THAT(das->issued(), SizeIs(1));
  EXPECT_EQ(bring(secured(ask("/mn-cse/base/door"), mn)).rsc, Rsc::ok) << "another one";
  clock.advance(std::chrono::minutes(6));
  executor.advance(std::chrono::seconds(10));
  settle();
  expect_refused(bring(pc), "expired");
  open(kPolicy);
  expect_refused(bring(pc), "expired");
}

TEST_F(Secured, a_denied_request_may_be_brought_again) {
  const auto pc = secured(ask("/mn-cse/base/attic"), mn);
  expect_refused(bring(pc), "no grant");
  expect_refused(bring(pc), "no grant");
}

TEST_F(Secured, a_request_is_for_whom_it_was_made) {
  expect_refused(bring(secured(ask("/mn-cse/base/garage"), mn), kStranger), "not for who brings it");
  expect_refused(bring(secured(ask("/mn-cse/base/garage", kStranger), mn)), "not for who brings it");
  expect_refused(bring(secured(ask("/mn-cse/base/garage"), mn), kIn), "not for who brings it");
  expect_refused(bring(secured(ask("/mn-cse/base/garage"), mn, entity("/Sother"))), "aud");
  EXPECT_TRUE(das->issued().empty());
}

TEST_F(Secured, a_cse_speaks_for_itself_alone) {
  expect_refused(bring(secured(ask("/in-cse/base/door"), mn)), "not a resource of the CSE that secured");
  expect_refused(bring(secured(ask("/in-cse/base/door"), test::cse("/in-cse"))), "iss is not whose key");
  auto without = options(kPolicy);
  without.hosting_cses.pop_back();
  open(std::move(without));
  expect_refused(bring(secured(ask("/mn-cse/base/door"), mn)), "no CSE that the DAS Server answers");
}

TEST_F(Secured, what_the_cse_saw_is_believed) {
  const auto pc = secured(ask("/mn-cse/base/typed"), mn);
  EXPECT_EQ(bring(pc).rsc, Rsc::ok) << "the CSE knows the type";
  auto asked = ask("/mn-cse/base/garage");
  asked.originator_ip = std::array<std::uint8_t, 16>{0x20, 0x01};
  expect_refused(bring(secured(asked, mn)), "grant home-network");
  asked.originator_ip = std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 99};
  EXPECT_EQ(bring(secured(asked, mn)).rsc, Rsc::ok);
}

TEST_F(Secured, objects_that_are_none_are_refused_by_form) {
  const auto with = [](const std::string& text) { return boost::json::parse(R"({"lky:tkr":)" + text + "}"); };
  expect_refused(bring(with("{}")), "lky:tkr.sdr: missing", Rsc::bad_request);
  expect_refused(bring(with(R"({"sdr":1})")), "lky:tkr.sdr", Rsc::bad_request);
  expect_refused(bring(with(R"({"sdr":"a.b"})")), "lky:tkr.sdr", Rsc::bad_request);
  expect_refused(bring(with(R"({"sdr":"a.b.c","dreq":{}})")), "lky:tkr.dreq", Rsc::bad_request);
  expect_refused(bring(with(R"({"sdr":"a.b.c.d.e"})")), "sdr: form", Rsc::bad_request);
  // A token of ours, which is a JWT too.
  expect_refused(bring(with(R"({"sdr":")" + token() + R"("})")), "sdr: ");
}

TEST_F(Secured, requests_can_be_demanded_and_need_keys) {
  auto given = options(kPolicy);
  given.hosting_cses.back().only_secured_requests = true;
  open(std::move(given));
  expect_refused(from(kPhone, ask("/mn-cse/base/door")), "with what it secured");
  EXPECT_EQ(from(kPhone, ask("/in-cse/base/door")).rsc, Rsc::ok) << "of another CSE";
  EXPECT_EQ(bring(secured(ask("/mn-cse/base/door"), mn)).rsc, Rsc::ok);
  EXPECT_FALSE(answer(kMn, ask("/mn-cse/base/typed")).denies()) << "the CSE itself asks directly";

  given = options(kPolicy);
  given.secured_requests = nullptr;
  open(std::move(given));
  expect_refused(bring(secured(ask("/mn-cse/base/door"), mn)), "no keys", Rsc::not_implemented);
}

TEST_F(DasFlows, an_originator_is_not_believed_where_it_is_or_what_the_target_is) {
  auto asked = ask("/in-cse/base/garage");
  asked.originator_ip = std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 99};
  auto request = incoming(kPhone, codec::to_security_info(asked));
  request.peer_ip = std::array<std::uint8_t, 16>{0x20, 0x01};
  EXPECT_EQ(send(std::move(request)).rsc, Rsc::originator_has_no_privilege);
  EXPECT_THAT(grant(kPhone, ask("/in-cse/base/garage")).summaries, SizeIs(1))
      << "the address of its connection counts";
  EXPECT_EQ(from(kPhone, ask("/in-cse/base/typed")).rsc, Rsc::originator_has_no_privilege);
  EXPECT_FALSE(answer(kIn, ask("/in-cse/base/typed")).denies()) << "the CSE knows the type";
}

TEST_F(DasFlows, a_role_counts_when_we_gave_it) {
  auto asked = ask("/in-cse/base/hall");
  asked.originator_roles = {"guest@das.sp.example"};
  EXPECT_TRUE(answer(kIn, asked).denies()) << "a claim";
  static_cast<void>(token());  // carries the role
  EXPECT_TRUE(answer(kIn, asked).acp);
  asked.originator_roles.clear();
  clock.advance(std::chrono::minutes(61));
  EXPECT_TRUE(answer(kIn, asked).denies()) << "held, but not presented";
}

TEST_F(DasFlows, nothing_is_answered_before_it_is_kept) {
  store->holding = true;
  bool answered = false;
  das->handle(incoming(kIn, codec::to_security_info(ask("/in-cse/base/door"))),
              [&](codec::ResponsePrimitive) { answered = true; });
  settle();
  EXPECT_FALSE(answered);
  store->release();
  settle();
  EXPECT_TRUE(answered);
}

TEST_F(DasFlows, a_store_that_fails_ends_all_answers) {
  auto given = options(kPolicy);
  int told = 0;
  given.store_failed = [&](const Error&) { ++told; };
  open(std::move(given));
  store->failing = true;
  EXPECT_EQ(from(kIn, ask("/in-cse/base/door")).rsc, Rsc::internal_server_error);
  store->failing = false;
  EXPECT_EQ(from(kIn, ask("/in-cse/base/door")).rsc, Rsc::internal_server_error)
      << "memory is ahead of the disk";
  EXPECT_EQ(told, 1);
  EXPECT_EQ(count(AuditEventId::store_failure), 1U);
}

TEST_F(DasFlows, load_and_records_are_limited) {
  auto given = options(kPolicy);
  given.records_max = 1;
  given.store_queue_limit = 1;
  open(std::move(given));
  EXPECT_FALSE(answer(kIn, ask("/in-cse/base/door")).denies());
  EXPECT_TRUE(answer(kIn, ask("/in-cse/base/door")).denies());
  EXPECT_THAT(last().reason, HasSubstr("no room"));
  store->depth = 2;
  EXPECT_EQ(from(kIn, ask("/in-cse/base/door")).rsc, Rsc::internal_server_error);
}

TEST_F(DasFlows, new_policies_replace_the_old_and_bad_keys_replace_nothing) {
  EXPECT_TRUE(das->replace(options("")));
  EXPECT_TRUE(answer(kIn, ask("/in-cse/base/lock")).denies());
  auto bad = options(kPolicy);
  bad.signing_key = "missing";
  EXPECT_FALSE(das->replace(std::move(bad)));
  EXPECT_TRUE(answer(kIn, ask("/in-cse/base/lock")).denies()) << "everything stays as it was";
  EXPECT_TRUE(das->replace(options(kPolicy)));
  EXPECT_TRUE(answer(kIn, ask("/in-cse/base/lock")).acp);
  auto other = options(kPolicy);
  other.id = entity("/Sother");
  EXPECT_EQ(das->replace(std::move(other)).error().code, ErrorCode::conflict);
}

}  // namespace
}  // namespace latchkey::das
