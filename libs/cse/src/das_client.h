#pragma once
/// The Hosting CSE's side of the conversation with DAS Servers (TS-0003 7.3.2.2 steps 2.3 and 3,
/// TS-0004 7.5.1.2.10).
#include <string>
#include <string_view>

#include "core.h"
#include "latchkey/codec/dynamic_authorization.h"
#include "places.h"

namespace latchkey::cse {

/// Bounded by CseOptions: questions under way in all and for each originator. Above that, as when the server
/// does not answer in time or answers with an error, the answer is an error, which means denied.
class DasClient {
 public:
  explicit DasClient(Core& core)
      : core_(core), places_(core.options.consultations_max, core.options.consultations_per_originator) {}
  using Server = CseOptions::DasServer;
  /// nullptr: nobody that the operator configured.
  [[nodiscard]] const Server* at(std::string_view point_of_access) const;
  /// The one that issues in the domain of a Role-ID or Token-ID; nullptr: none.
  [[nodiscard]] const Server* of_domain(std::string_view scoped_id) const;

  using Done = UniqueFunction<void(Result<codec::DasResponse>)>;
  /// `done` is called once, now or later.
  void ask(const Server& server, const codec::DasRequest& question, Done done);

 private:
  Core& core_;
  Places places_;
};

}  // namespace latchkey::cse
