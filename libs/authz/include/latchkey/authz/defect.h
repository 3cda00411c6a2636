#pragma once
/// Why a token or a role is not used (TS-0003 7.3.2.3 step 6.1.4, 7.3.2.5, 7.4.3 step 4).
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace latchkey::authz {

enum class Defect : std::uint8_t {
  too_large,      ///< longer than the limit
  malformed,      ///< no compact JWS or JWE, so no m2m:dynAuthJWT
  header,         ///< JOSE header against 7.3.2.6.2, or with an extension that is not known
  token_class,    ///< ESData security class not permitted for the issuer
  algorithm,      ///< not permitted for the key, or of another kind than the key
  unknown_key,    ///< no `kid`, or one that no issuer has
  signature,      ///< does not verify, or does not open
  claims,         ///< no m2m:tokenClaimSet by table 7.3.2.6.2-1, or no <role> attributes
  issuer,         ///< not a valid issuer, or not the one whose key was used
  domain,         ///< a token or Role-ID of a domain for which the issuer may not speak
  audience,       ///< not for this CSE
  holder,         ///< the originator is not the holder
  not_yet_valid,  ///< before notBefore
  expired,        ///< at notAfter or later
};
[[nodiscard]] std::string_view to_string(Defect defect) noexcept;

/// For the log; on the wire all of them are ORIGINATOR_HAS_NO_PRIVILEGE.
struct Rejection {
  Defect defect = Defect::malformed;
  std::string detail;  ///< names members and identifiers of keys, never repeats a value of the token
  std::string id;      ///< of the token or role; empty where it is not authentic
};
template <class T>
class [[nodiscard]] Checked : public tl::expected<T, Rejection> {
 public:
  using tl::expected<T, Rejection>::expected;
};
[[nodiscard]] inline tl::unexpected<Rejection> reject(Defect defect, std::string detail,
                                                      std::string id = {}) {
  return tl::unexpected<Rejection>(Rejection{defect, std::move(detail), std::move(id)});
}
[[nodiscard]] inline tl::unexpected<Rejection> reject(Rejection rejection) {
  return tl::unexpected<Rejection>(std::move(rejection));
}
/// One sentence for the decision log: "token 12@das.example: expired (...)".
[[nodiscard]] std::string to_string(const Rejection& rejection, std::string_view what);

}  // namespace latchkey::authz
