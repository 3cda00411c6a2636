#include "registration.h"

#include "app_rules.h"
#include "originator.h"

namespace latchkey::cse {

namespace {

using codec::refuse;

bool expired(const Core& core, const Resource& resource) {
  return resource.expires && *resource.expires <= core.clock.now();
}

/// A registration whose time has passed makes way for the new one.
void drop_expired(Core& core, Resource* resource) {
  if (resource != nullptr && expired(core, *resource)) core.remove(*resource, std::nullopt);
}

/// A stem of our own: `kind` is 'C' or 'S'. The number never repeats, for policies may still name an AE that
/// is gone.
std::string new_stem(Core& core, char kind) {
  const auto sequence = core.begin();
  store::Batch batch;
  std::string stem;
  do {
    std::string number = std::to_string(core.tree.new_serial(batch));
    if (number.size() < 6) number.insert(0, 6 - number.size(), '0');
    stem = kind + number;
  } while (core.tree.find(stem) != nullptr);
  if (!batch.empty()) core.commit(sequence, std::move(batch));
  return stem;
}

Outcome<AeId> id_of_stem(const Core& core, std::string_view stem) {
  auto id = AeId::from_stem(stem, core.options.cse_id);
  if (!id) return refuse(Rsc::bad_request, "fr: not an AE-ID-Stem");
  return *std::move(id);
}

/// From leaves the stem to us (procedures 5.1).
Outcome<AeId> assign_stem(Core& core, const Request& request) {
  const bool by_provider = request.primitive().from == "S";
  if (by_provider && core.options.type != CseType::in) {
    return refuse(Rsc::not_implemented, "fr: stems of the service provider are assigned at the IN-CSE only");
  }
  auto id = id_of_stem(core, new_stem(core, by_provider ? 'S' : 'C'));
  if (id && request.trusted != nullptr && listed(*request.trusted, *id, core.options.cse_id) == Listed::no) {
    return refuse(Rsc::originator_has_not_registered,
                  "fr: this listener may not carry AE-IDs that the CSE assigns");
  }
  return id;
}

/// An AE-ID in full: ours to register, and if of the service provider, proved to be assigned by it.
Outcome<AeId> take_stem(const Core& core, const Request& request, const AeId& id) {
  const auto& own = core.options.cse_id;
  const bool here = id.sp_assigned() ? id.sp() == own.sp() : id.registrar() == own;
  if (!here) return refuse(Rsc::originator_has_not_registered, "fr: this AE-ID belongs to another registrar");
  if (!id.sp_assigned() || core.options.type == CseType::in || request.associated) return id;
  // Without AEAnnc towards the IN-CSE only a credential or the operator can tell that the provider assigned
  // this stem.
  if (request.trusted != nullptr && listed(*request.trusted, id, own) == Listed::exactly) return id;
  return refuse(Rsc::not_implemented,
                "fr: a stem of the service provider needs a credential bound to it here");
}

Outcome<AeId> choose_ae_id(Core& core, const Request& request) {
  if (request.associated) return take_stem(core, request, *request.associated);
  if (!request.originator) return assign_stem(core, request);
  const auto* const id = std::get_if<AeId>(&*request.originator);
  if (id == nullptr) return refuse(Rsc::security_association_required, "fr: only an AE can register as one");
  return take_stem(core, request, *id);
}

Outcome<void> check_app_rules(const Core& core, const Request& request, const AeId& id) {
  if (!core.options.registration_needs_app_rule) return {};
  const auto& security = *request.in.security;
  // An AE-ID certificate is itself the proof (TS-0001 10.2.2.2, step 1).
  const bool certified = security.framework == tls::Framework::certificate && security.identity &&
                         std::holds_alternative<AeId>(*security.identity);
  if (request.associated && certified) return {};
  if (!request.associated || !security.credential_id) {
    return refuse(Rsc::security_association_required,
                  "registration needs a credential that an application rule names");
  }
  if (!has_app_rules(core.tree)) {
    return refuse(Rsc::service_subscription_not_established, "no serviceSubscribedNode names this CSE");
  }
  const auto* const pc = request.primitive().pc.if_object();
  const auto* const ae = pc != nullptr ? pc->if_contains("m2m:ae") : nullptr;
  const auto* const api = ae != nullptr && ae->is_object() ? ae->get_object().if_contains("api") : nullptr;
  const std::string_view app_id =
      api != nullptr && api->is_string() ? std::string_view(api->get_string()) : std::string_view();
  if (app_rule_allows(core.tree, *security.credential_id, app_id, id.stem())) return {};
  return refuse(Rsc::app_rule_validation_failed,
                "no application rule allows this credential, App-ID and AE-ID");
}

}  // namespace

Outcome<AeId> admit_ae(Core& core, Request& request, const Resource& parent) {
  if (!parent.is(codec::Ty::cse_base)) {
    return refuse(Rsc::invalid_child_resource_type, "an AE registers below the CSEBase");
  }
  auto id = choose_ae_id(core, request);
  if (!id) return id;
  if (auto allowed = check_app_rules(core, request, *id); !allowed) return refuse(std::move(allowed).error());
  drop_expired(core, core.tree.find_ae(*id));
  // Whoever proves to be this AE takes its id back from one that could not.
  if (auto* const taken = core.tree.find_ae(*id);
      taken != nullptr && request.associated && !taken->associated)
    core.remove(*taken, std::nullopt);
  if (core.tree.find_ae(*id) != nullptr) {
    return refuse(Rsc::originator_has_already_registered, "fr: " + id->stem() + " is registered");
  }
  if (core.tree.find(id->stem()) != nullptr || core.options.cse_base_name == id->stem()) {
    return refuse(Rsc::conflict, "fr: " + id->stem() + " is the id of another resource");
  }
  request.originator = *id;
  return id;
}

Outcome<CseId> admit_cse(Core& core, const Request& request, const Resource& parent) {
  const auto* const cse = request.originator ? std::get_if<CseId>(&*request.originator) : nullptr;
  if (request.originator && cse == nullptr) {
    return refuse(Rsc::operation_not_allowed, "fr: only a CSE can register as one");
  }
  // 6.1.2.2.1: the association must be that of the CSE itself, not of one that forwards.
  if (cse == nullptr || request.in.security->identity != request.originator) {
    return refuse(Rsc::security_association_required, "a CSE registers in a security association of its own");
  }
  if (core.options.type == CseType::asn) {
    return refuse(Rsc::operation_not_allowed, "an ASN-CSE registers no CSE");
  }
  if (!parent.is(codec::Ty::cse_base)) {
    return refuse(Rsc::invalid_child_resource_type, "a CSE registers below the CSEBase");
  }
  drop_expired(core, core.tree.find_cse(*cse));
  if (core.tree.find_cse(*cse) != nullptr) {
    return refuse(Rsc::originator_has_already_registered, "fr: " + cse->sp_relative() + " is registered");
  }
  return *cse;
}

Outcome<void> check_cse_id(const CseId& cse, const CseId& own, json::object& attributes) {
  // Without its SP it would be one of ours.
  if (const auto* const csi = attributes.if_contains("csi")) {
    const auto named = CseId::parse(std::string_view(csi->get_string()), own.sp());
    if (!named || *named != cse) return refuse(Rsc::bad_request, "pc.m2m:csr.csi: not the originator");
  }
  attributes["csi"] = cse.sp() == own.sp() ? cse.sp_relative() : cse.absolute();
  return {};
}

}  // namespace latchkey::cse
