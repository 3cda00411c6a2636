#include "originator.h"

#include <algorithm>

#include "app_rules.h"
#include "pattern.h"

namespace latchkey::cse {

namespace {

using codec::refuse;

tl::unexpected<codec::Refusal> not_registered(std::string detail) {
  return refuse(Rsc::originator_has_not_registered, std::move(detail));
}
tl::unexpected<codec::Refusal> association_required(std::string detail) {
  return refuse(Rsc::security_association_required, std::move(detail));
}

bool is_cse_registration(const RequestPrimitive& primitive) noexcept {
  return primitive.op == codec::Operation::create &&
         primitive.ty == static_cast<std::uint32_t>(codec::Ty::csr);
}

/// An expired registration is none, also before the timer has removed it.
const Resource* registration(const Core& core, const Resource* resource) {
  if (resource == nullptr) return nullptr;
  return resource->expires && *resource->expires <= core.clock.now() ? nullptr : resource;
}
const Resource* registered(const Core& core, const AeId& ae) {
  return registration(core, core.tree.find_ae(ae));
}
/// Registrees, and the registrar, which needs no resource here to be known.
bool knows(const Core& core, const CseId& cse) {
  return core.options.registrar == cse || registration(core, core.tree.find_cse(cse)) != nullptr;
}

std::optional<CseId> cse_id_of(std::string_view from, const CseId& own) {
  if (!from.starts_with('/')) return std::nullopt;
  const auto id = parse_entity_id(from, own.sp());
  if (!id || !std::holds_alternative<CseId>(*id)) return std::nullopt;
  return std::get<CseId>(*id);
}

// Without an association (6.1.2.2.1, TS-0004 7.3.2.1).

Outcome<void> identify_plain_registration(const Core& core, Request& request) {
  const auto& from = request.primitive().from;
  if (!core.options.field_domain) {
    return association_required("AE registration needs a security association here");
  }
  if (is_open(from)) return {};
  const auto ae = ae_id_of(from, core.options.cse_id);
  if (!ae) return refuse(Rsc::bad_request, "fr: not an AE-ID-Stem");
  if (is_bound(core, *ae)) return association_required("fr: this AE-ID is bound to a credential");
  request.originator = *ae;
  return {};
}

Outcome<void> identify_plain(const Core& core, Request& request) {
  // 6.1.2.2.1: towards an IN-CSE an association is mandatory on every reference point.
  if (core.options.type == CseType::in)
    return association_required("the IN-CSE serves nobody without a security association");
  const auto& from = request.primitive().from;
  if (cse_id_of(from, core.options.cse_id))
    return association_required("fr: a CSE needs a security association");
  if (is_ae_registration(request.primitive())) return identify_plain_registration(core, request);
  const auto ae = ae_id_of(from, core.options.cse_id);
  if (!ae) return not_registered("fr: no AE-ID");
  const Resource* const resource = registered(core, *ae);
  if (resource == nullptr) return not_registered("fr: no AE registered here");
  if (!core.options.field_domain || resource->associated || is_bound(core, *ae)) {
    return association_required("fr: this AE needs a security association");
  }
  request.originator = *ae;
  return {};
}

// Trusted listener: AE and CSE on the same device (7.1.2).

Outcome<void> identify_trusted(const Core& core, Request& request) {
  const auto& options = core.options;
  const auto& from = request.primitive().from;
  if (cse_id_of(from, options.cse_id)) return association_required("fr: a CSE needs a security association");
  const auto listener = std::ranges::find(options.trusted_listeners, request.in.listener_name,
                                          &CseOptions::TrustedListener::name);
  if (listener == options.trusted_listeners.end()) return not_registered("this listener may carry nobody");
  request.trusted = &*listener;
  const bool registers = is_ae_registration(request.primitive());
  if (registers && is_open(from)) return {};
  const auto ae = ae_id_of(from, options.cse_id);
  if (!ae) return not_registered("fr: no AE-ID");
  const auto entry = listed(*listener, *ae, options.cse_id);
  if (entry == Listed::no) return not_registered("fr: not listed for this listener");
  if (entry != Listed::exactly && is_bound(core, *ae)) {
    return not_registered("fr: bound to a credential and not listed exactly for this listener");
  }
  request.administrator = entry == Listed::exactly && options.administrator == *ae;
  const bool is_registered = registered(core, *ae) != nullptr;
  if (!registers && !is_registered && !request.administrator)
    return not_registered("fr: no AE registered here");
  request.originator = *ae;
  request.rq_authn = is_registered || request.administrator;
  return {};
}

// Inside an association of an AE (7.2.1).

/// What the association proves: its identity, or the Credential-ID for which the application rules speak.
/// They are asked at each request, not at the handshake: a rule that was taken away ends with its sessions.
bool association_allows(const Core& core, const tls::SecurityContext& security, const AeId& ae) {
  if (security.identity) return *security.identity == EntityId(ae);
  if (!security.credential_id)
    return std::ranges::find(security.allowed_ae_ids, ae) != security.allowed_ae_ids.end();
  const bool ours =
      ae.sp_assigned() ? ae.sp() == core.options.cse_id.sp() : ae.registrar() == core.options.cse_id;
  return ours && app_rule_names(core.tree, *security.credential_id, ae.stem());
}

/// In an association: without one, anybody may have taken the AE-ID before its owner came.
bool registered_by_owner(const Core& core, const AeId& ae) {
  const Resource* const resource = registered(core, ae);
  return resource != nullptr && resource->associated;
}

std::vector<AeId> associated_ids(const Core& core, const tls::SecurityContext& security) {
  if (security.identity) {
    const auto* const ae = std::get_if<AeId>(&*security.identity);
    return ae != nullptr ? std::vector{*ae} : std::vector<AeId>{};
  }
  if (!security.credential_id) return security.allowed_ae_ids;
  return app_rule_ae_ids(core.tree, *security.credential_id);
}

/// From leaves the AE-ID open: the first associated one of the wanted type that is not in use.
std::optional<AeId> choose_associated(const Core& core, const tls::SecurityContext& security,
                                      std::string_view from) {
  const auto ids = associated_ids(core, security);
  const auto fits = [&](const AeId& ae) { return from.empty() || from.front() == ae.stem().front(); };
  std::optional<AeId> first;
  for (const auto& ae : ids) {
    if (!fits(ae)) continue;
    if (!registered_by_owner(core, ae)) return ae;
    if (!first) first = ae;
  }
  return first;
}

Outcome<void> identify_ae(const Core& core, Request& request) {
  const auto& security = *request.in.security;
  const auto& from = request.primitive().from;
  const bool registers = is_ae_registration(request.primitive());
  auto ae = registers && is_open(from) ? choose_associated(core, security, from)
                                       : ae_id_of(from, core.options.cse_id);
  // 7.2.1 steps 2 and 3.
  if (!ae || !association_allows(core, security, *ae)) {
    return not_registered("fr: not the identity of the security association");
  }
  request.administrator = core.options.administrator == *ae;
  const bool is_registered = registered_by_owner(core, *ae);
  if (!registers && !is_registered && !request.administrator)
    return not_registered("fr: no AE registered here");
  if (registers) request.associated = *ae;
  request.originator = *std::move(ae);
  request.rq_authn = is_registered || request.administrator;
  return {};
}

// Inside an association of a CSE (TS-0004 7.3.2.1): its own requests and those it forwards.

/// Between service providers each CSE speaks for its own, and from below come ours alone; what our registrar
/// sends may be from anywhere.
bool speaks_for(const Core& core, const CseId& sender, const SpId& sp) {
  const auto& own = core.options.cse_id.sp();
  if (sender.sp() != own) return sp == sender.sp();
  return sp == own || core.options.registrar == sender;
}

/// Who need not list whom it speaks for: our registrar, above which is everybody else, and the CSE of another
/// service provider, which tells us nothing of those behind it.
bool may_be_unlisted(const Core& core, const CseId& sender) {
  return core.options.unlisted_descendants || core.options.registrar == sender ||
         sender.sp() != core.options.cse_id.sp();
}

/// Whether requests of `cse` and its AEs may come by way of `sender`: whom we know directly comes by itself,
/// and a CSE below us by way of the registree that alone lists it as its descendant (decision 0033).
bool is_behind(const Core& core, const CseId& sender, const CseId& cse) {
  if (cse == core.options.cse_id || knows(core, cse) || !speaks_for(core, sender, cse.sp())) return false;
  const auto hops = core.tree.next_hops(cse);
  if (hops.empty()) return may_be_unlisted(core, sender);
  return hops.size() == 1 && hops.front() == core.tree.find_cse(sender);
}

/// An AE that `sender` may speak for.
bool may_forward(const Core& core, const CseId& sender, const AeId& ae) {
  const auto registrar = ae.registrar();
  if (registrar) return *registrar == sender || is_behind(core, sender, *registrar);
  // Policies may name the administrator: nobody speaks for it but itself.
  if (core.options.administrator == ae || !speaks_for(core, sender, ae.sp())) return false;
  return core.tree.find_ae(ae) == nullptr && !is_bound(core, ae);
}

Outcome<void> identify_forwarded(const Core& core, const CseId& sender, Request& request) {
  const auto& from = request.primitive().from;
  if (from.starts_with('C')) return not_registered("fr: a stem without its CSE-ID cannot be forwarded");
  if (const auto ae = ae_id_of(from, core.options.cse_id)) {
    if (!may_forward(core, sender, *ae)) return not_registered("fr: not an AE behind this CSE");
    request.originator = *ae;
    return {};
  }
  const auto cse = cse_id_of(from, core.options.cse_id);
  if (!cse || !is_behind(core, sender, *cse)) {
    return not_registered("fr: not the identity of the security association");
  }
  request.originator = *cse;
  return {};
}

Outcome<void> identify_cse(const Core& core, const CseId& sender, Request& request) {
  const auto& primitive = request.primitive();
  if (is_ae_registration(primitive))
    return association_required("an AE registers in an association of its own");
  const bool known = knows(core, sender);
  if (!known && !is_cse_registration(primitive)) return not_registered("this CSE has not registered here");
  if (cse_id_of(primitive.from, core.options.cse_id) != sender) {
    return known ? identify_forwarded(core, sender, request)
                 : not_registered("fr: not the identity of the security association");
  }
  request.originator = sender;
  request.rq_authn = known;
  return {};
}

}  // namespace

bool is_ae_registration(const RequestPrimitive& primitive) noexcept {
  return primitive.op == codec::Operation::create &&
         primitive.ty == static_cast<std::uint32_t>(codec::Ty::ae);
}

bool is_registration(const RequestPrimitive& primitive) noexcept {
  return is_ae_registration(primitive) || is_cse_registration(primitive);
}

bool is_open(std::string_view from) noexcept { return from.empty() || from == "C" || from == "S"; }

std::optional<AeId> ae_id_of(std::string_view from, const CseId& own) {
  const auto id = from.starts_with('/') ? AeId::parse(from, own.sp()) : AeId::from_stem(from, own);
  return id ? std::optional(*id) : std::nullopt;
}

Listed listed(const CseOptions::TrustedListener& listener, const AeId& ae, const CseId& own) {
  std::vector<std::string> forms{ae.sp_relative(), ae.absolute()};
  if (ae.sp_assigned() ? ae.sp() == own.sp() : ae.registrar() == own) forms.push_back(ae.stem());
  auto best = Listed::no;
  for (const auto& entry : listener.originators) {
    for (const auto& form : forms) {
      if (entry == form) return Listed::exactly;
      if (matches_pattern(entry, form)) best = Listed::by_pattern;
    }
  }
  return best;
}

bool is_bound(const Core& core, const AeId& ae) {
  const Resource* const resource = core.tree.find_ae(ae);
  return (resource != nullptr && resource->associated) ||
         (core.options.bound_to_credential && core.options.bound_to_credential(ae));
}

Outcome<void> identify(const Core& core, Request& request) {
  const auto& security = *request.in.security;
  const bool trusted = request.in.listener == bind::ListenerKind::trusted_unix ||
                       request.in.listener == bind::ListenerKind::trusted_tcp;
  if (trusted) return identify_trusted(core, request);
  const bool association = request.in.listener == bind::ListenerKind::secure &&
                           security.framework != tls::Framework::none &&
                           security.framework != tls::Framework::trusted_listener;
  if (!association) return identify_plain(core, request);
  if (security.valid_until && *security.valid_until <= core.clock.now()) {
    return association_required("the credential of the security association has expired");
  }
  if (security.identity && std::holds_alternative<CseId>(*security.identity)) {
    return identify_cse(core, std::get<CseId>(*security.identity), request);
  }
  return identify_ae(core, request);
}

}  // namespace latchkey::cse
