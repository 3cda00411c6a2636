#pragma once
/// Response Status Codes (TS-0004 6.6) and the one table that maps them to HTTP and CoAP.
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace latchkey::codec {

enum class Rsc : std::uint16_t {
  accepted = 1000,
  accepted_nb_synch = 1001,
  accepted_nb_asynch = 1002,
  ok = 2000,
  created = 2001,
  deleted = 2002,
  updated = 2004,
  bad_request = 4000,
  release_version_not_supported = 4001,
  not_found = 4004,
  operation_not_allowed = 4005,
  request_timeout = 4008,
  unsupported_media_type = 4015,
  subscription_creator_has_no_privilege = 4101,
  contents_unacceptable = 4102,
  originator_has_no_privilege = 4103,
  group_request_identifier_exists = 4104,
  conflict = 4105,
  originator_has_not_registered = 4106,  ///< R3 name: ORIGINATOR_NOT_AUTHENTICATED
  security_association_required = 4107,
  invalid_child_resource_type = 4108,
  no_members = 4109,
  group_member_type_inconsistent = 4110,
  esprim_unsupported_option = 4111,
  esprim_unknown_key_id = 4112,
  esprim_unknown_orig_rand_id = 4113,
  esprim_unknown_recv_rand_id = 4114,
  esprim_bad_mac = 4115,
  esprim_impersonation_error = 4116,
  originator_has_already_registered = 4117,
  app_rule_validation_failed = 4126,
  service_subscription_not_established = 4128,
  internal_server_error = 5000,
  not_implemented = 5001,
  target_not_reachable = 5103,
  receiver_has_no_privilege = 5105,
  already_exists = 5106,
  target_not_subscribable = 5203,
  subscription_verification_initiation_failed = 5204,
  subscription_host_has_no_privilege = 5205,
  non_blocking_synch_request_not_supported = 5206,
  not_acceptable = 5207,
  group_members_not_responded = 5209,
  esprim_decryption_error = 5210,
  esprim_encryption_error = 5211,
  external_object_not_reachable = 6003,
  max_number_of_member_exceeded = 6010,
};
[[nodiscard]] std::string_view to_string(Rsc rsc) noexcept;
[[nodiscard]] constexpr bool is_success(Rsc rsc) noexcept { return static_cast<int>(rsc) < 3000; }
/// TS-0009 6.3.2. An unknown code maps like the x000 of its class.
[[nodiscard]] int http_status(Rsc rsc) noexcept;
/// The reverse for a peer that sends no X-M2M-RSC.
[[nodiscard]] Rsc rsc_from_http(int status) noexcept;

/// Why a procedure refuses: the code for the wire and a sentence for people, which names the offending
/// member.
struct Refusal {
  Rsc rsc = Rsc::internal_server_error;
  std::string detail;
};
template <class T>
class [[nodiscard]] Outcome : public tl::expected<T, Refusal> {
 public:
  using tl::expected<T, Refusal>::expected;
};
[[nodiscard]] inline tl::unexpected<Refusal> refuse(Rsc rsc, std::string detail) {
  return tl::unexpected<Refusal>(Refusal{rsc, std::move(detail)});
}
[[nodiscard]] inline tl::unexpected<Refusal> refuse(Refusal refusal) {
  return tl::unexpected<Refusal>(std::move(refusal));
}

}  // namespace latchkey::codec
