#include "explain.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "originator.h"

namespace latchkey::cse {

namespace {

constexpr std::array kOperations{authz::Op::create, authz::Op::retrieve, authz::Op::update,
                                 authz::Op::del,    authz::Op::notify,   authz::Op::discover};

std::optional<authz::Op> operation_named(std::string_view name) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (upper == "DISCOVERY") upper = "DISCOVER";
  for (const auto op : kOperations) {
    if (authz::to_string(op) == upper) return op;
  }
  return std::nullopt;
}

std::optional<EntityId> entity_named(std::string_view text, const CseId& own) {
  if (auto ae = ae_id_of(text, own)) return *ae;
  const auto id = parse_entity_id(text, own.sp());
  return id ? std::optional(*id) : std::nullopt;
}

bool is_registered(const Core& core, const EntityId& id) {
  if (const auto* const ae = std::get_if<AeId>(&id)) return core.tree.find_ae(*ae) != nullptr;
  const auto* const cse = std::get_if<CseId>(&id);
  return cse != nullptr && core.tree.find_cse(*cse) != nullptr;
}

}  // namespace

std::string explain_decision(const Core& core, const Hypothetical& question) {
  const auto op = operation_named(question.operation);
  if (!op) return "The operation is none of CREATE, RETRIEVE, UPDATE, DELETE, NOTIFY, DISCOVER.";
  const auto target = core.tree.resolve(question.target);
  if (target.resource == nullptr) return "The target does not exist on this CSE: 4004.";
  Request request;
  request.originator = entity_named(question.originator, core.options.cse_id);
  if (!request.originator) return "The originator is no AE-ID or CSE-ID: it matches nothing, DENY.";
  request.rq_authn = question.authenticated.value_or(is_registered(core, *request.originator));
  const auto* const ae = std::get_if<AeId>(&*request.originator);
  request.administrator = ae != nullptr && core.options.administrator == *ae;
  request.in.received = question.time.value_or(core.clock.now());
  request.in.peer_ip = question.ip;
  if (question.location) request.location = std::make_shared<const authz::Location>(*question.location);
  auto evidence = core.authorization->suppose(*request.originator, question);
  if (!evidence)
    return "A token does not count, so the request is refused as a whole: " + evidence.error() + ", DENY.";
  request.evidence = *std::move(evidence);
  return "Originator " + to_string(*request.originator) + ", operation " +
         std::string(authz::to_string(*op)) + ". " +
         core.access->explain(request, target, *op, question.child_type);
}

}  // namespace latchkey::cse
