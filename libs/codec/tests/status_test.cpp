/// Response Status Codes (TS-0004 6.6) and their HTTP form (TS-0009 6.3.2).
#include "latchkey/codec/status.h"

#include <gtest/gtest.h>

namespace latchkey::codec {
namespace {

struct Case {
  Rsc rsc;
  int code, http;
  std::string name;
};

class Table_6_3_2 : public ::testing::TestWithParam<Case> {};

TEST_P(Table_6_3_2, code_name_and_http_status) {
  const Case& row = GetParam();
  EXPECT_EQ(static_cast<int>(row.rsc), row.code);
  EXPECT_EQ(to_string(row.rsc), row.name);
  EXPECT_EQ(http_status(row.rsc), row.http);
}

INSTANTIATE_TEST_SUITE_P(
    Status, Table_6_3_2,
    ::testing::ValuesIn(std::vector<Case>{
        Case{Rsc::accepted, 1000, 202, "ACCEPTED"},
        Case{Rsc::accepted_nb_synch, 1001, 202, "ACCEPTED_FOR_NON_BLOCKING_REQUEST_SYNCH"},
        Case{Rsc::accepted_nb_asynch, 1002, 202, "ACCEPTED_FOR_NON_BLOCKING_REQUEST_ASYNCH"},
        Case{Rsc::ok, 2000, 200, "OK"},
        Case{Rsc::created, 2001, 201, "CREATED"},
        Case{Rsc::deleted, 2002, 200, "DELETED"},
        Case{Rsc::updated, 2004, 200, "UPDATED"},
        Case{Rsc::bad_request, 4000, 400, "BAD_REQUEST"},
        Case{Rsc::release_version_not_supported, 4001, 501, "RELEASE_VERSION_NOT_SUPPORTED"},
        Case{Rsc::not_found, 4004, 404, "NOT_FOUND"},
        Case{Rsc::operation_not_allowed, 4005, 405, "OPERATION_NOT_ALLOWED"},
        Case{Rsc::request_timeout, 4008, 504, "REQUEST_TIMEOUT"},
        Case{Rsc::unsupported_media_type, 4015, 415, "UNSUPPORTED_MEDIA_TYPE"},
        Case{Rsc::subscription_creator_has_no_privilege, 4101, 403, "SUBSCRIPTION_CREATOR_HAS_NO_PRIVILEGE"},
        Case{Rsc::contents_unacceptable, 4102, 400, "CONTENTS_UNACCEPTABLE"},
        Case{Rsc::originator_has_no_privilege, 4103, 403, "ORIGINATOR_HAS_NO_PRIVILEGE"},
        Case{Rsc::group_request_identifier_exists, 4104, 409, "GROUP_REQUEST_IDENTIFIER_EXISTS"},
        Case{Rsc::conflict, 4105, 409, "CONFLICT"},
        Case{Rsc::originator_has_not_registered, 4106, 403, "ORIGINATOR_HAS_NOT_REGISTERED"},
        Case{Rsc::security_association_required, 4107, 403, "SECURITY_ASSOCIATION_REQUIRED"},
        Case{Rsc::invalid_child_resource_type, 4108, 403, "INVALID_CHILD_RESOURCE_TYPE"},
        Case{Rsc::no_members, 4109, 403, "NO_MEMBERS"},
        Case{Rsc::group_member_type_inconsistent, 4110, 400, "GROUP_MEMBER_TYPE_INCONSISTENT"},
        Case{Rsc::esprim_unsupported_option, 4111, 403, "ESPRIM_UNSUPPORTED_OPTION"},
        Case{Rsc::esprim_unknown_key_id, 4112, 403, "ESPRIM_UNKNOWN_KEY_ID"},
        Case{Rsc::esprim_unknown_orig_rand_id, 4113, 403, "ESPRIM_UNKNOWN_ORIG_RAND_ID"},
        Case{Rsc::esprim_unknown_recv_rand_id, 4114, 403, "ESPRIM_UNKNOWN_RECV_RAND_ID"},
        Case{Rsc::esprim_bad_mac, 4115, 403, "ESPRIM_BAD_MAC"},
        Case{Rsc::esprim_impersonation_error, 4116, 403, "ESPRIM_IMPERSONATION_ERROR"},
        Case{Rsc::originator_has_already_registered, 4117, 403, "ORIGINATOR_HAS_ALREADY_REGISTERED"},
        Case{Rsc::app_rule_validation_failed, 4126, 403, "APP_RULE_VALIDATION_FAILED"},
        Case{Rsc::service_subscription_not_established, 4128, 403, "SERVICE_SUBSCRIPTION_NOT_ESTABLISHED"},
        Case{Rsc::internal_server_error, 5000, 500, "INTERNAL_SERVER_ERROR"},
        Case{Rsc::not_implemented, 5001, 501, "NOT_IMPLEMENTED"},
        Case{Rsc::target_not_reachable, 5103, 404, "TARGET_NOT_REACHABLE"},
        Case{Rsc::receiver_has_no_privilege, 5105, 403, "RECEIVER_HAS_NO_PRIVILEGE"},
        Case{Rsc::already_exists, 5106, 409, "ALREADY_EXISTS"},
        Case{Rsc::target_not_subscribable, 5203, 403, "TARGET_NOT_SUBSCRIBABLE"},
        Case{Rsc::subscription_verification_initiation_failed, 5204, 500,
             "SUBSCRIPTION_VERIFICATION_INITIATION_FAILED"},
        Case{Rsc::subscription_host_has_no_privilege, 5205, 403, "SUBSCRIPTION_HOST_HAS_NO_PRIVILEGE"},
        Case{Rsc::non_blocking_synch_request_not_supported, 5206, 501,
             "NON_BLOCKING_SYNCH_REQUEST_NOT_SUPPORTED"},
        Case{Rsc::not_acceptable, 5207, 406, "NOT_ACCEPTABLE"},
        Case{Rsc::group_members_not_responded, 5209, 500, "GROUP_MEMBERS_NOT_RESPONDED"},
        Case{Rsc::esprim_decryption_error, 5210, 500, "ESPRIM_DECRYPTION_ERROR"},
        Case{Rsc::esprim_encryption_error, 5211, 500, "ESPRIM_ENCRYPTION_ERROR"},
        Case{Rsc::external_object_not_reachable, 6003, 404, "EXTERNAL_OBJECT_NOT_REACHABLE"},
        Case{Rsc::max_number_of_member_exceeded, 6010, 400, "MAX_NUMBER_OF_MEMBER_EXCEEDED"}}),
    [](const auto& row) { return std::to_string(row.param.code); });

TEST(HttpStatus, of_a_code_without_a_name_here_is_that_of_the_table) {
  EXPECT_EQ(http_status(static_cast<Rsc>(4124)), 409);  // BLOCKING_SUBSCRIPTION_ALREADY_EXISTS (R3)
  EXPECT_EQ(to_string(static_cast<Rsc>(4124)), "BLOCKING_SUBSCRIPTION_ALREADY_EXISTS");
}

TEST(HttpStatus, of_an_unknown_code_is_that_of_the_x000_of_its_class) {
  EXPECT_EQ(http_status(static_cast<Rsc>(1999)), 202);
  EXPECT_EQ(http_status(static_cast<Rsc>(2999)), 200);
  EXPECT_EQ(http_status(static_cast<Rsc>(4999)), 400);
  EXPECT_EQ(http_status(static_cast<Rsc>(5999)), 500);
  EXPECT_EQ(http_status(static_cast<Rsc>(6999)), 500);
  EXPECT_EQ(http_status(static_cast<Rsc>(0)), 500);
  EXPECT_EQ(to_string(static_cast<Rsc>(4999)), "UNKNOWN");
}

TEST(RscFromHttp, of_a_peer_without_the_header) {
  EXPECT_EQ(rsc_from_http(200), Rsc::ok);
  EXPECT_EQ(rsc_from_http(201), Rsc::created);
  EXPECT_EQ(rsc_from_http(202), Rsc::accepted);
  EXPECT_EQ(rsc_from_http(204), Rsc::ok);
  EXPECT_EQ(rsc_from_http(400), Rsc::bad_request);
  EXPECT_EQ(rsc_from_http(401), Rsc::originator_has_no_privilege);
  EXPECT_EQ(rsc_from_http(403), Rsc::originator_has_no_privilege);
  EXPECT_EQ(rsc_from_http(404), Rsc::not_found);
  EXPECT_EQ(rsc_from_http(405), Rsc::operation_not_allowed);
  EXPECT_EQ(rsc_from_http(406), Rsc::not_acceptable);
  EXPECT_EQ(rsc_from_http(409), Rsc::conflict);
  EXPECT_EQ(rsc_from_http(415), Rsc::unsupported_media_type);
  EXPECT_EQ(rsc_from_http(418), Rsc::bad_request);
  EXPECT_EQ(rsc_from_http(500), Rsc::internal_server_error);
  EXPECT_EQ(rsc_from_http(501), Rsc::not_implemented);
  EXPECT_EQ(rsc_from_http(503), Rsc::target_not_reachable);
  EXPECT_EQ(rsc_from_http(504), Rsc::request_timeout);
}

TEST(RscFromHttp, what_is_no_answer_is_no_success) {
  for (const int status : {0, -1, 100, 101, 199, 300, 302, 399, 600}) {
    EXPECT_FALSE(is_success(rsc_from_http(status))) << status;
  }
}

TEST(IsSuccess, is_one_thousand_and_two_thousand) {
  EXPECT_TRUE(is_success(Rsc::accepted));
  EXPECT_TRUE(is_success(Rsc::updated));
  EXPECT_FALSE(is_success(Rsc::bad_request));
  EXPECT_FALSE(is_success(Rsc::internal_server_error));
  EXPECT_FALSE(is_success(Rsc::external_object_not_reachable));
}

}  // namespace
}  // namespace latchkey::codec
