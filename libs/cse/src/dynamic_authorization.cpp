#include "dynamic_authorization.h"

#include "access.h"
#include "latchkey/cse/location.h"
#include "originator.h"
#include "trail.h"

namespace latchkey::cse {

namespace {

/// That of the originator's own association: a CSE that forwards for it has another, and what ESPrim proves
/// needs none.
std::optional<CredentialId> own_credential(const Request& request) {
  const auto& security = *request.in.security;
  const bool forwarded = security.identity && std::holds_alternative<CseId>(*security.identity);
  return forwarded || request.end_to_end ? std::nullopt : security.credential_id;
}

/// Adds what only a denied originator is told: where it may ask for a token (7.3.2.3 step 2.3).
Respond with_token_request_information(json::value tqf, Respond respond) {
  return [tqf = std::move(tqf), respond = std::move(respond)](ResponsePrimitive response) mutable {
    if (response.rsc == Rsc::originator_has_no_privilege) {
      response.tqf = std::move(tqf);
      response.pc = nullptr;  // where it stands in the HTTP body, no debugging text can
    }
    respond(std::move(response));
  };
}

/// 7.3.2.3 step 7.1.
Respond with_local_token_ids(json::value assigned, Respond respond) {
  return [assigned = std::move(assigned), respond = std::move(respond)](ResponsePrimitive response) mutable {
    response.ati = std::move(assigned);
    respond(std::move(response));
  };
}

}  // namespace

bool DynamicAuthorization::defer(Request& request, const Target& target, Respond& respond) {
  const auto& primitive = request.primitive();
  if (!request.collected && information_.needed(primitive, request.originator)) {
    collect(std::move(request), target, std::move(respond));
    return true;
  }
  if (!request.originator || request.administrator || is_registration(primitive)) return false;
  request.evidence = information_.within_subscription(
      *request.originator, own_credential(request),
      information_.with_held(*request.originator, std::move(request.evidence)));
  if (locate(request, target, respond)) return true;
  const auto* const server = request.consulted ? nullptr : consultation_.server_for(request, target);
  const bool wants_token = primitive.tqi.value_or(false);
  const bool elsewhere = !request.asked_elsewhere && distributed_.concerns(request, target);
  const bool nobody = server == nullptr && !elsewhere && !wants_token;
  if (nobody || core_.access->would_permit(request, target)) return false;
  if (server != nullptr && server->wants_place && locate_for(request, respond)) return true;
  if (server != nullptr) {
    consult(std::move(request), target, *server, std::move(respond));
    return true;
  }
  if (elsewhere) {
    ask_elsewhere(std::move(request), target, std::move(respond));
    return true;
  }
  if (auto tqf = consultation_.token_request_information(request, target); !tqf.is_null())
    respond = with_token_request_information(std::move(tqf), std::move(respond));
  return false;
}

/// Annex F.2: what is known costs a lookup; the network is asked only if the decision hangs on it. True: the
/// request is taken and comes back.
bool DynamicAuthorization::locate(Request& request, const Target& target, Respond& respond) {
  auto* const places = core_.options.location;
  if (places == nullptr) return false;
  request.location = places->known(*request.originator, own_address(request));
  if (request.located) return false;
  const auto demand = core_.access->location_demand(request, target);
  if (demand.empty()) return false;
  ask_for_place(std::move(request), demand, std::move(respond));
  return true;
}

/// A DAS Server that decides by place is told one (7.3.2.2 step 3): where none is known it is asked for.
bool DynamicAuthorization::locate_for(Request& request, Respond& respond) {
  if (core_.options.location == nullptr || request.located || known_place(request)) return false;
  ask_for_place(std::move(request), {.country = false, .circles = {}, .point = true}, std::move(respond));
  return true;
}

void DynamicAuthorization::ask_for_place(Request request, const authz::LocationDemand& demand,
                                         Respond respond) {
  auto shared = std::make_shared<std::pair<Request, Respond>>(std::move(request), std::move(respond));
  shared->first.located = true;
  core_.options.location->ask(*shared->first.originator, demand, [this, shared] {
    core_.dispatch(std::move(shared->first), std::move(shared->second));
  });
}

void DynamicAuthorization::collect(Request request, const Target& target, Respond respond) {
  auto pips = core_.options.pips.addresses.empty()
                  ? std::vector<std::string>()
                  : points_for(core_.options, PointKind::pip, core_.access->policies(target));
  auto shared = std::make_shared<std::pair<Request, Respond>>(std::move(request), std::move(respond));
  information_.collect(shared->first, std::move(pips), [this, shared](auto collected) {
    auto& [original, answer] = *shared;
    if (!collected) {
      ++core_.counters.denied;
      record(core_, AuditEventId::access_denied, original, collected.error().reason,
             collected.error().answer.rsc);
      return core_.refuse(original, collected.error().answer, std::move(answer));
    }
    original.collected = true;
    original.evidence = *std::move(collected);
    auto back = std::move(answer);
    if (!original.evidence->assigned.is_null())
      back = with_local_token_ids(original.evidence->assigned, std::move(back));
    core_.dispatch(std::move(original), std::move(back));
  });
}

/// Without a grant the decision is repeated too, and logged as the denial that it is.
void DynamicAuthorization::consult(Request request, const Target& target, const DasClient::Server& server,
                                   Respond respond) {
  auto shared = std::make_shared<std::pair<Request, Respond>>(std::move(request), std::move(respond));
  shared->first.consulted = true;
  consultation_.consult(shared->first, target, server, [this, shared] {
    core_.dispatch(std::move(shared->first), std::move(shared->second));
  });
}

/// Whatever was said, the decision is repeated with it: the target may have changed meanwhile.
void DynamicAuthorization::ask_elsewhere(Request request, const Target& target, Respond respond) {
  auto shared = std::make_shared<std::pair<Request, Respond>>(std::move(request), std::move(respond));
  shared->first.asked_elsewhere = true;
  distributed_.ask(shared->first, target, [this, shared](std::shared_ptr<const Elsewhere> said) {
    shared->first.elsewhere = std::move(said);
    core_.dispatch(std::move(shared->first), std::move(shared->second));
  });
}

}  // namespace latchkey::cse
