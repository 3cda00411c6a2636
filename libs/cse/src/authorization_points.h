#pragma once
/// Asking PDPs, PRPs and PIPs on other CSEs (TS-0003 6.2.2 steps 003 to 009; Release 3: 7.5.2 to 7.5.4).
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core.h"
#include "latchkey/codec/distributed_authorization.h"
#include "places.h"

namespace latchkey::cse {

enum class PointKind : std::uint8_t { pdp, prp, pip };
[[nodiscard]] std::string_view to_string(PointKind kind) noexcept;  ///< "PDP" ...

/// Policies answer to their selfPrivileges, channels to their owner, and who may ask a point of authorization
/// is decided where it is (TS-0003 7.5.5 of Release 3): none of them may depend on another CSE, nor does this
/// one decide on its own for others.
[[nodiscard]] bool decided_here(const Resource& target) noexcept;

/// Whom to ask about a target that these policies govern, in this order: those that the policies name and the
/// operator configured, else the default ones.
[[nodiscard]] std::vector<std::string> points_for(const CseOptions& options, PointKind kind,
                                                  std::span<const Resource* const> policies);
/// adri, apri and airi of an <accessControlPolicy> as it would be stored: 4000 unless they go together, and
/// with an empty pv, and name points that this CSE is configured for (TS-0001 9.6.2).
[[nodiscard]] Outcome<void> check_points(const CseOptions& options, const json::object& attributes);

/// Asks one point after another, until one has something that applies. Nothing is kept: each request asks
/// anew, after it came, so that no answer is older than the request. Questions about requests are bounded as
/// those to DAS Servers; above that nobody is asked.
class PointClient {
 public:
  explicit PointClient(Core& core)
      : core_(core), places_(core.options.consultations_max, core.options.consultations_per_originator) {}

  /// An answer with status OK, and who gave it; else why there is none.
  template <class Response>
  struct Answer {
    std::string point;  ///< address of the last one asked
    Result<Response> response;
  };
  template <class Response>
  using Done = UniqueFunction<void(Answer<Response>)>;

  /// `done` is called once, now or later. `points` is not empty.
  void ask(std::vector<std::string> points, codec::DecisionRequest question,
           Done<codec::DecisionResponse> done);
  /// `requester`: whose request waits for it, by whom it is bounded.
  void ask(std::vector<std::string> points, codec::PolicyRequest question, std::string requester,
           Done<codec::PolicyResponse> done);
  /// Not among the bounded: the caller bounds what it collects.
  void ask(std::vector<std::string> points, codec::InformationRequest question,
           Done<codec::InformationResponse> done);

 private:
  template <class Request, class Response>
  struct Question;
  template <class Request, class Response>
  void next(std::shared_ptr<Question<Request, Response>> question);
  template <class Request, class Response>
  void bounded(std::vector<std::string> points, Request question, std::string originator,
               Done<Response> done);

  Core& core_;
  Places places_;
  std::uint64_t last_rqi_ = 0;
};

}  // namespace latchkey::cse
