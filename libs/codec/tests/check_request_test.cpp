/// Validity of request primitives (TS-0004 7.3.2.1; tables of parameters per operation 7.2.1, 7.3.3).
#include <gtest/gtest.h>

#include <set>

#include "support/matchers.h"

namespace latchkey::codec {
namespace {

using test::expect_accepted;
using test::expect_refused;

const TimePoint kNow = test::tr0038_time();

/// A request that is in order.
RequestPrimitive valid(Operation op) {
  RequestPrimitive request;
  request.op = op;
  request.to = "cse-in";
  request.from = "Slock";
  request.rqi = "1";
  request.rvi = "2a";
  if (op == Operation::create) request.ty = 3;
  if (op != Operation::retrieve && op != Operation::del)
    request.pc = json::object{{"m2m:cnt", json::object()}};
  return request;
}

constexpr std::array kOperations{Operation::create, Operation::retrieve, Operation::update, Operation::del,
                                 Operation::notify};

RequestPrimitive discovery() {
  auto request = valid(Operation::retrieve);
  request.fc = FilterCriteria{};
  request.fc->usage = FilterUsage::discovery;
  return request;
}

TEST(CheckRequest, accepts_each_operation) {
  for (const auto op : kOperations) expect_accepted(check_request(valid(op), kNow));
  expect_accepted(check_request(discovery(), kNow));
}

TEST(CheckRequest, releases) {
  auto request = valid(Operation::retrieve);
  for (const char* rvi : {"1", "2", "2a", "3"}) {
    request.rvi = rvi;
    expect_accepted(check_request(request, kNow));
  }
  request.rvi.reset();
  expect_accepted(check_request(request, kNow));  // release 1
  for (const char* rvi : {"4", "5", "0", "2A", "2b", "", "3 "}) {
    request.rvi = rvi;
    expect_refused(check_request(request, kNow), Rsc::release_version_not_supported, "rvi");
  }
}

TEST(CheckRequest, expiration_on_both_sides_of_now) {
  auto request = valid(Operation::retrieve);
  request.rqet = kNow + std::chrono::microseconds(1);
  expect_accepted(check_request(request, kNow));
  request.rqet = kNow;
  expect_refused(check_request(request, kNow), Rsc::request_timeout, "rqet: passed");
  request.rqet = kNow + std::chrono::seconds(2);
  request.rset = kNow + std::chrono::seconds(2);
  expect_accepted(check_request(request, kNow));
  request.rset = kNow + std::chrono::seconds(1);
  expect_refused(check_request(request, kNow), Rsc::bad_request, "rset: before rqet");
}

TEST(CheckRequest, result_contents_per_operation) {
  const std::map<Operation, std::set<int>> allowed{{Operation::create, {0, 1, 2, 3, 9}},
                                                   {Operation::retrieve, {1, 4, 5, 6, 7, 8}},
                                                   {Operation::update, {0, 1, 9}},
                                                   {Operation::del, {0, 1, 4, 5, 6, 8}},
                                                   {Operation::notify, {}}};
  for (const auto& [op, contents] : allowed) {
    for (int rcn = 0; rcn <= 9; ++rcn) {
      auto request = valid(op);
      request.rcn = static_cast<ResultContent>(rcn);
      const auto checked = check_request(request, kNow);
      EXPECT_EQ(checked.has_value(), contents.contains(rcn)) << to_string(op) << " rcn " << rcn;
      if (!checked) expect_refused(checked, Rsc::bad_request, "rcn: " + std::to_string(rcn));
    }
  }
}

TEST(CheckRequest, result_contents_of_discovery) {
  for (int rcn = 0; rcn <= 9; ++rcn) {
    auto request = discovery();
    request.rcn = static_cast<ResultContent>(rcn);
    EXPECT_EQ(check_request(request, kNow).has_value(), rcn == 6) << rcn;
  }
}

TEST(CheckRequest, resource_type_belongs_to_create_alone) {
  auto create = valid(Operation::create);
  create.ty.reset();
  expect_refused(check_request(create, kNow), Rsc::bad_request, "ty: missing");
  for (const auto op : kOperations) {
    if (op == Operation::create) continue;
    auto request = valid(op);
    request.ty = 3;
    expect_refused(check_request(request, kNow), Rsc::bad_request,
                   "ty: not permitted in " + std::string(to_string(op)));
  }
}

TEST(CheckRequest, filter_criteria_outside_create_and_notify) {
  for (const auto op : kOperations) {
    auto request = valid(op);
    request.fc = FilterCriteria{};
    const bool permitted = op != Operation::create && op != Operation::notify;
    EXPECT_EQ(check_request(request, kNow).has_value(), permitted) << to_string(op);
  }
  auto create = valid(Operation::create);
  create.fc = FilterCriteria{};
  expect_refused(check_request(create, kNow), Rsc::bad_request, "fc: not permitted in CREATE");
}

TEST(CheckRequest, only_a_retrieve_is_a_discovery) {
  // Else an UPDATE or DELETE would be judged by the privilege to discover.
  for (const auto op : {Operation::update, Operation::del}) {
    auto request = valid(op);
    request.fc = FilterCriteria{};
    for (const auto usage : {FilterUsage::discovery, FilterUsage::ipe_on_demand}) {
      request.fc->usage = usage;
      expect_refused(check_request(request, kNow), Rsc::bad_request,
                     "fc.fu: not permitted in " + std::string(to_string(op)));
    }
    request.fc->usage = FilterUsage::conditional;
    expect_accepted(check_request(request, kNow));
  }
}

TEST(CheckRequest, result_type_persistence_and_attribute_list_per_operation) {
  for (const auto op : kOperations) {
    auto with_drt = valid(op);
    with_drt.drt = 2;
    EXPECT_EQ(check_request(with_drt, kNow).has_value(), op == Operation::retrieve) << to_string(op);
    auto with_rp = valid(op);
    with_rp.rp = "1000";
    EXPECT_EQ(check_request(with_rp, kNow).has_value(), op != Operation::notify) << to_string(op);
    auto with_atrl = valid(op);
    with_atrl.atrl = {"rn"};
    EXPECT_EQ(check_request(with_atrl, kNow).has_value(), op == Operation::retrieve) << to_string(op);
  }
}

TEST(CheckRequest, content_per_operation) {
  for (const auto op : kOperations) {
    auto without = valid(op);
    without.pc = nullptr;
    auto with = valid(op);
    with.pc = json::object{{"m2m:cnt", json::object()}};
    const bool expected = op != Operation::retrieve && op != Operation::del;
    EXPECT_EQ(check_request(with, kNow).has_value(), expected) << to_string(op);
    EXPECT_EQ(check_request(without, kNow).has_value(), !expected) << to_string(op);
  }
  auto create = valid(Operation::create);
  create.pc = json::object{{"m2m:cnt", json::object()}, {"m2m:cin", json::object()}};
  expect_refused(check_request(create, kNow), Rsc::bad_request, "pc: not an object of one member");
  create.pc = json::array{};
  expect_refused(check_request(create, kNow), Rsc::bad_request, "pc: not an object of one member");
}

TEST(CheckRequest, from_may_be_missing_in_ae_registration_alone) {
  for (const auto op : kOperations) {
    auto request = valid(op);
    request.from.clear();
    expect_refused(check_request(request, kNow), Rsc::bad_request, "fr: missing");
  }
  auto registration = valid(Operation::create);
  registration.from.clear();
  registration.ty = 2;
  expect_accepted(check_request(registration, kNow));
  registration.ty = 16;
  expect_refused(check_request(registration, kNow), Rsc::bad_request, "fr: missing");
}

TEST(CheckRequest, target_and_request_identifier_are_needed) {
  auto request = valid(Operation::retrieve);
  request.to.clear();
  expect_refused(check_request(request, kNow), Rsc::bad_request, "to: missing");
  request = valid(Operation::retrieve);
  request.rqi.clear();
  expect_refused(check_request(request, kNow), Rsc::bad_request, "rqi: missing");
}

TEST(CheckRequest, of_several_defects_the_first_in_order_answers) {
  auto request = valid(Operation::create);
  request.from.clear();
  request.fc = FilterCriteria{};
  request.ty.reset();
  request.rcn = ResultContent::children;
  request.rqet = kNow;
  request.rvi = "9";
  expect_refused(check_request(request, kNow), Rsc::release_version_not_supported, "rvi");
  request.rvi = "3";
  expect_refused(check_request(request, kNow), Rsc::request_timeout, "rqet");
  request.rqet.reset();
  expect_refused(check_request(request, kNow), Rsc::bad_request, "rcn");
  request.rcn.reset();
  expect_refused(check_request(request, kNow), Rsc::bad_request, "ty");
  request.ty = 3;
  expect_refused(check_request(request, kNow), Rsc::bad_request, "fc");
  request.fc.reset();
  expect_refused(check_request(request, kNow), Rsc::bad_request, "fr");
}

}  // namespace
}  // namespace latchkey::codec
