#include "authorization_points.h"

#include <algorithm>
#include <array>

namespace latchkey::cse {

using codec::AuthorizationStatus;
using codec::refuse;

namespace {

constexpr std::size_t kPointsAskedMax = 4;  // one after another, for one request

struct Kind {
  PointKind kind;
  std::string_view name, attribute;
  CseOptions::AuthorizationPoints CseOptions::*configured;
};
constexpr std::array<Kind, 3> kKinds{{{PointKind::pdp, "PDP", "adri", &CseOptions::pdps},
                                      {PointKind::prp, "PRP", "apri", &CseOptions::prps},
                                      {PointKind::pip, "PIP", "airi", &CseOptions::pips}}};
const Kind& described(PointKind kind) noexcept { return kKinds[static_cast<std::size_t>(kind)]; }

bool is_configured(const CseOptions::AuthorizationPoints& points, std::string_view address) {
  return std::ranges::find(points.addresses, address) != points.addresses.end();
}

bool is_empty_set(const json::value* privileges) {
  if (privileges == nullptr || !privileges->is_object()) return true;
  const auto* const rules = privileges->get_object().if_contains("acr");
  return rules == nullptr || !rules->is_array() || rules->get_array().empty();
}

// The answer to each kind of question.

auto read(const json::value& pc, const codec::DecisionRequest& asked) {
  return codec::read_decision_response(pc, asked);
}
auto read(const json::value& pc, const codec::PolicyRequest& asked) {
  return codec::read_policy_response(pc, asked);
}
auto read(const json::value& pc, const codec::InformationRequest& asked) {
  return codec::read_information_response(pc, asked);
}

/// Everything but a whole answer to this question with status OK is none. not_found: nothing applies there,
/// somebody else may know.
template <class Response, class Asked>
Result<Response> read_answer(const Result<ResponsePrimitive>& response, const std::string& rqi,
                             const Asked& asked) {
  if (!response) return fail(response.error());
  if (response->rqi != rqi) return fail(ErrorCode::invalid_argument, "answered another request");
  if (response->rsc != Rsc::updated)
    return fail(ErrorCode::denied, "answered " + std::to_string(static_cast<int>(response->rsc)));
  auto answer = read(response->pc, asked);
  if (!answer)
    return fail(ErrorCode::invalid_argument, "an answer that cannot be read: " + answer.error().detail);
  if (answer->status == AuthorizationStatus::ok) return std::move(*answer);
  const auto code =
      answer->status == AuthorizationStatus::not_applicable ? ErrorCode::not_found : ErrorCode::denied;
  return fail(code, "status " + std::string(codec::to_string(answer->status)));
}

/// Whether the next one may know better: what has answered, and not that nothing applies, has decided.
bool asks_next(const Error& error) {
  return error.code == ErrorCode::not_found || error.code == ErrorCode::unavailable ||
         error.code == ErrorCode::expired || error.code == ErrorCode::authentication;
}

}  // namespace

std::string_view to_string(PointKind kind) noexcept { return described(kind).name; }

bool decided_here(const Resource& target) noexcept {
  using enum codec::Ty;
  constexpr std::array kTypes{acp, pch, auds, aupy, auif};
  return std::ranges::any_of(kTypes, [&](codec::Ty type) { return target.is(type); });
}

std::vector<std::string> points_for(const CseOptions& options, PointKind kind,
                                    std::span<const Resource* const> policies) {
  const auto& known = options.*described(kind).configured;
  std::vector<std::string> points;
  if (known.addresses.empty()) return points;
  for (const auto* const policy : policies) {
    const auto* const named = policy->list(described(kind).attribute);
    if (named == nullptr) continue;
    for (const auto& entry : *named) {
      std::string address(entry.get_string());
      if (is_configured(known, address) && std::ranges::find(points, address) == points.end())
        points.push_back(std::move(address));
    }
  }
  if (points.empty() && known.by_default) points = known.addresses;
  if (points.size() > kPointsAskedMax) points.resize(kPointsAskedMax);
  return points;
}

Outcome<void> check_points(const CseOptions& options, const json::object& attributes) {
  const auto bad = [](std::string_view name, std::string_view what) {
    return refuse(Rsc::bad_request, "pc.m2m:acp." + std::string(name) + ": " + std::string(what));
  };
  for (const auto& kind : kKinds) {
    const auto* const named = attributes.if_contains(kind.attribute);
    if (named == nullptr || !named->is_array()) continue;
    for (const auto& entry : named->get_array())
      if (!is_configured(options.*kind.configured, std::string_view(entry.get_string())))
        return bad(kind.attribute, "names no " + std::string(kind.name) + " that this CSE is configured for");
    if (kind.kind != PointKind::pip && !is_empty_set(attributes.if_contains("pv")))
      return bad(kind.attribute, "needs an empty pv");
    if (kind.kind != PointKind::pdp && attributes.contains("adri") && attributes.at("adri").is_array())
      return bad(kind.attribute, "does not go with adri");
  }
  return {};
}

template <class Request, class Response>
struct PointClient::Question {
  std::vector<std::string> points;
  std::size_t at = 0;
  Request asked;
  Done<Response> done;
};

template <class Request, class Response>
void PointClient::next(std::shared_ptr<Question<Request, Response>> question) {
  RequestPrimitive update;
  update.op = codec::Operation::update;
  update.pc = codec::to_content(question->asked);
  update.rqi = core_.options.cse_id.stem() + ".a" + std::to_string(++last_rqi_);
  const auto rqi = update.rqi;
  core_.router->send(question->points[question->at], core_.options.cse_id.absolute(), std::move(update),
                     core_.options.consultation_timeout,
                     [this, question, rqi](const Result<ResponsePrimitive>& response) {
                       auto answer = read_answer<Response>(response, rqi, question->asked);
                       const bool last = question->at + 1 == question->points.size();
                       if (!answer && !last && asks_next(answer.error())) {
                         ++question->at;
                         return next(question);
                       }
                       question->done({question->points[question->at], std::move(answer)});
                     });
}

template <class Request, class Response>
void PointClient::bounded(std::vector<std::string> points, Request question, std::string originator,
                          Done<Response> done) {
  if (auto place = places_.take(originator); !place) {
    auto first = points.front();
    return done({std::move(first), fail(place.error())});
  }
  Done<Response> give_back = [this, originator = std::move(originator),
                              done = std::move(done)](Answer<Response> answer) mutable {
    places_.give_back(originator);
    done(std::move(answer));
  };
  using Asked = Question<Request, Response>;
  next(std::make_shared<Asked>(Asked{
      .points = std::move(points), .at = 0, .asked = std::move(question), .done = std::move(give_back)}));
}

void PointClient::ask(std::vector<std::string> points, codec::DecisionRequest question,
                      Done<codec::DecisionResponse> done) {
  auto originator = to_string(question.originator);
  bounded<codec::DecisionRequest, codec::DecisionResponse>(std::move(points), std::move(question),
                                                           std::move(originator), std::move(done));
}

void PointClient::ask(std::vector<std::string> points, codec::PolicyRequest question, std::string requester,
                      Done<codec::PolicyResponse> done) {
  bounded<codec::PolicyRequest, codec::PolicyResponse>(std::move(points), std::move(question),
                                                       std::move(requester), std::move(done));
}

void PointClient::ask(std::vector<std::string> points, codec::InformationRequest question,
                      Done<codec::InformationResponse> done) {
  using Asked = Question<codec::InformationRequest, codec::InformationResponse>;
  next(std::make_shared<Asked>(
      Asked{.points = std::move(points), .at = 0, .asked = std::move(question), .done = std::move(done)}));
}

}  // namespace latchkey::cse
