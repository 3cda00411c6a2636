/// The primitives of TR-0038 7.1.4 as printed (data/tr-0038, steps by number), decoded, checked and encoded
/// again.
#include <gtest/gtest.h>

#include "cover.h"
#include "latchkey/codec/resource_types.h"
#include "support/matchers.h"

namespace latchkey::codec {
namespace {

using test::expect_accepted;
using test::expect_refused;

const TimePoint kNow = test::tr0038_time();

json::value printed(const std::string& step) {
  return test::parsed(test::data_file("tr-0038/" + step + ".json"));
}

RequestPrimitive request_of(const std::string& step) {
  auto request = request_from_json(printed(step), kNow, {});
  EXPECT_TRUE(request) << (request ? "" : request.error().detail);
  return request ? *request : RequestPrimitive{};
}
ResponsePrimitive response_of(const std::string& step) {
  auto response = response_from_json(printed(step), {});
  EXPECT_TRUE(response) << (response ? "" : response.error().detail);
  return response ? *response : ResponsePrimitive{};
}

TEST(Tr0038, every_primitive_is_encoded_again_as_printed) {
  for (const char* step :
       {"2-client-registration-request", "4-key-registration-request", "8-key-retrieval-request"}) {
    EXPECT_EQ(json::value(to_json(request_of(step))), printed(step).at("rqp")) << step;
  }
  for (const char* step :
       {"3-client-registration-response", "5-key-registration-response", "8-key-retrieval-response"}) {
    EXPECT_EQ(json::value(to_json(response_of(step))), printed(step).at("rsp")) << step;
  }
}

TEST(Tr0038, step_2_client_registration_request) {
  latchkey::test::cover({"TR-7.1.4-02"});
  const auto request = request_of("2-client-registration-request");
  EXPECT_EQ(request.op, Operation::create);
  EXPECT_EQ(request.to, "//myMAF.provider.org/-/");
  EXPECT_EQ(request.from, "0 2 481 1 100 3030 10011");
  EXPECT_EQ(request.rqi, "0001");
  EXPECT_EQ(request.ty, static_cast<std::uint32_t>(MafTy::maf_client_reg));
  EXPECT_EQ(request.rcn, ResultContent::original_resource);
  EXPECT_FALSE(request.rvi);
  const auto attributes = check_create(*maf_resource_type(*request.ty), request.pc, request.rvi);
  ASSERT_TRUE(attributes) << attributes.error().detail;
  EXPECT_EQ(attributes->size(), 2U);
  EXPECT_EQ(attributes->at("et"), "20181113T110000");
  EXPECT_EQ(attributes->at("adfq"), "mytrustenabler.org");
}

TEST(Tr0038, step_4_key_registration_request) {
  const auto request = request_of("4-key-registration-request");
  EXPECT_EQ(request.to, "//myMAF.provider.org/-/macr000001");
  EXPECT_EQ(request.ty, static_cast<std::uint32_t>(MafTy::symm_key_reg));
  const auto attributes = check_create(*maf_resource_type(*request.ty), request.pc, request.rvi);
  ASSERT_TRUE(attributes) << attributes.error().detail;
  EXPECT_EQ(attributes->at("suid"), 11);
  EXPECT_FALSE(attributes->contains("kv"));
}

TEST(Tr0038, step_8_key_retrieval) {
  const auto request = request_of("8-key-retrieval-request");
  EXPECT_EQ(request.op, Operation::retrieve);
  EXPECT_EQ(request.from, "//my.m2mprovider.org/in-cse");
  expect_accepted(check_request(request, kNow));
  const auto response = response_of("8-key-retrieval-response");
  EXPECT_EQ(response.rsc, Rsc::ok);
  EXPECT_EQ(response.rqi, request.rqi);
  EXPECT_EQ(response.pc.at("sec:mkr").at("kv"),
            "37F61D5A7FEA1E9CFD8DB76D2F8B6230130EF8A84F9F9F967DA385867984EED0");
}

TEST(Tr0038, original_resource_in_a_create_is_for_the_maf_to_interpret) {
  // TS-0001 knows rcn 7 for RETRIEVE alone; the MAF reads it as 1 before it checks the request.
  auto request = request_of("2-client-registration-request");
  expect_refused(check_request(request, kNow), Rsc::bad_request, "rcn: 7");
  request.rcn = ResultContent::attributes;
  expect_accepted(check_request(request, kNow));
}

TEST(Tr0038, step_3_and_5_responses) {
  const auto registration = response_of("3-client-registration-response");
  EXPECT_EQ(registration.rsc, Rsc::created);
  EXPECT_EQ(registration.pc.at("sec:macr").at("ri"), "macr000001");
  const auto key = response_of("5-key-registration-response");
  EXPECT_EQ(key.pc.at("sec:mkr").at("ri"), "FF15D84E3E38D6974B0EB3E5606C85FE");
  // Every member of the printed representations is an attribute of the tables.
  for (const auto& member : registration.pc.at("sec:macr").as_object())
    EXPECT_NE(attribute(*maf_resource_type(3), member.key()), nullptr) << member.key();
  for (const auto& member : key.pc.at("sec:mkr").as_object())
    EXPECT_NE(attribute(*maf_resource_type(5), member.key()), nullptr) << member.key();
}

}  // namespace
}  // namespace latchkey::codec
