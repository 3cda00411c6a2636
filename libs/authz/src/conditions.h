#pragma once
/// The parts of a rule beyond originator and operation: accessControlContexts and accessControlObjectDetails
/// (7.1.3).
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ip_network.h"
#include "latchkey/authz/pdp.h"
#include "latchkey/codec/status.h"
#include "time_window.h"

namespace latchkey::authz {

/// Great-circle distance in metres on a sphere of the mean Earth radius.
[[nodiscard]] double great_circle_metres(double latitude_a, double longitude_a, double latitude_b,
                                         double longitude_b) noexcept;

/// One element of acco. An empty or absent component is TRUE (7.1.5).
struct Context {
  std::vector<TimeWindow> windows;     ///< actw
  std::vector<IpNetwork> networks;     ///< acip
  std::vector<std::string> countries;  ///< aclr.accc, upper case
  std::optional<Circle> circle;        ///< aclr.accr

  [[nodiscard]] bool res_time(TimePoint rq_time) const noexcept;
  /// An unknown address is in no network.
  [[nodiscard]] bool res_ip(const std::optional<IpAddress>& rq_ip) const noexcept;
  /// An unknown location, or one in the other of the two forms, is in no region.
  [[nodiscard]] bool res_loc(const std::optional<Location>& rq_loc) const noexcept;
  [[nodiscard]] bool asks_location() const noexcept { return circle.has_value() || !countries.empty(); }
};

/// One element of acod.
struct ObjectDetails {
  std::optional<std::uint32_t> type;          ///< ty
  std::optional<std::string> specialization;  ///< spid, or cnd or mgd of spty
  std::vector<std::uint32_t> child_types;     ///< chty

  /// 7.1.3 compares the definition with that of the target, 7.1.5 with the one in the Content of the Create
  /// request: both count (decision 0018).
  [[nodiscard]] bool res_specialization(const RequestContext& request) const noexcept {
    if (!specialization) return true;
    return *specialization == request.target_specialization &&
           (request.created_specialization.empty() || *specialization == request.created_specialization);
  }
};

/// What a rule asks beyond originator, operation and authentication. Shared by the rules that ask the same.
struct Conditions {
  std::vector<Context> contexts;
  std::vector<ObjectDetails> details;

  /// res_ctxts: TRUE without contexts, else one must fit.
  [[nodiscard]] bool res_ctxts(const RequestContext& request) const noexcept;
  /// res_objd: TRUE without details and for anything but Create, else one must fit.
  [[nodiscard]] bool res_objd(const RequestContext& request) const noexcept;
};

/// The lists acco and acod; `where` is their rule, for the refusal. Empty lists are refused: neither "no
/// condition" nor "never" is a safe reading of one.
[[nodiscard]] codec::Outcome<std::vector<Context>> read_contexts(const boost::json::value& acco,
                                                                 const std::string& where);
[[nodiscard]] codec::Outcome<std::vector<ObjectDetails>> read_object_details(const boost::json::value& acod,
                                                                             const std::string& where);

}  // namespace latchkey::authz
