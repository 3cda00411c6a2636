#pragma once
/// How ESPrim travels: m2m:securityInfo of types 3, 4 and 5, and the e2eSecInfo attribute
/// (TS-0003 8.4.3.1.3; TS-0004 6.3.5, 7.5.1.2.13). All functions are pure and thread-safe.
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "latchkey/base/ids.h"
#include "latchkey/e2e/rand_object.h"

namespace latchkey::e2e {

inline constexpr std::size_t kEndToEndFeaturesMax = 64;                      ///< esf
inline constexpr std::size_t kEndToEndCertificatesMax = 16;                  ///< escert
inline constexpr std::size_t kEndToEndCertificateOctetsMax = 16UL * 1024UL;  ///< one of them, DER

/// e2eSecInfo `esi` of <CSEBase>, <remoteCSE> and <AE>.
struct E2eSecInfo {
  std::vector<Suid> features;                ///< esf; values of later releases are left out
  std::vector<Bytes> certificates;           ///< escert, DER; never trusted for standing here (8.5.2.2.4.2)
  std::optional<ReceiverRandObject> shared;  ///< esro
  /// 8.4.2 B.2c: any of the SUIDs 13, 23, 33, 43.
  [[nodiscard]] bool supports_esprim() const noexcept;
};
/// bad_request naming the member.
[[nodiscard]] codec::Outcome<E2eSecInfo> read_sec_info(const json::value& esi, TimePoint now);
[[nodiscard]] json::object to_json(const E2eSecInfo& info);

struct RandObjectRequest {};  ///< sit 3
struct EsPrimObject {         ///< sit 5
  std::string text;           ///< epo: compact JWE, not looked into
};
using EsPrimMessage = std::variant<RandObjectRequest, ReceiverRandObject, EsPrimObject>;
/// pc of a Notify request or response with sit 3, 4 (ero) or 5 (epo), and nothing else beside. bad_request
/// naming the member; other types too.
[[nodiscard]] codec::Outcome<EsPrimMessage> read_esprim_message(const json::value& pc, TimePoint now);
[[nodiscard]] json::value to_security_info(const EsPrimMessage& message);

}  // namespace latchkey::e2e
