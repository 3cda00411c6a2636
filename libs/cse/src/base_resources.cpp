#include "base_resources.h"

#include "authorization_service.h"
#include "latchkey/codec/resource_types.h"

namespace latchkey::cse {

namespace {

json::array texts(const std::vector<std::string>& list) {
  json::array array;
  for (const auto& text : list) array.push_back(json::string(text));
  return array;
}

/// What the configuration says of the CSEBase (TS-0004 7.4.3).
json::object configured(const CseOptions& options) {
  json::array types;
  for (const auto ty : codec::implemented_types())
    if (is_offered(options, ty)) types.push_back(ty);
  return {{"srt", std::move(types)},
          {"poa", texts(options.points_of_access)},
          {"srv", texts({"1", "2", "2a", "3"})},
          {"csz", texts({"application/json"})}};
}

Resource& insert(Core& core, Resource draft, Resource* parent, std::uint64_t sequence, store::Batch& batch) {
  auto resource = std::make_unique<Resource>(std::move(draft));
  const auto now = format_timestamp(core.clock.now());
  json::object attributes{
      {"ty", resource->ty}, {"ri", resource->ri}, {"pi", parent != nullptr ? parent->ri : std::string()},
      {"rn", resource->rn}, {"ct", now},          {"lt", now}};
  for (auto& member : resource->attributes) attributes[member.key()] = std::move(member.value());
  resource->attributes = std::move(attributes);
  return core.tree.insert(std::move(resource), parent, sequence, batch);
}

json::object rule(std::string_view originator, int operations, bool authenticated) {
  json::object result{{"acor", json::array{json::string(originator)}}, {"acop", operations}};
  if (authenticated) result["acaf"] = true;
  return result;
}

json::object rules(json::object only) { return {{"acr", json::array{std::move(only)}}}; }

Status create_base(Core& core) {
  constexpr int kRetrieve = 2, kAll = 63;
  const auto& options = core.options;
  const auto sequence = core.begin();
  store::Batch batch;
  Resource base;
  base.ty = static_cast<std::uint32_t>(codec::Ty::cse_base);
  base.ri = options.cse_id.stem();
  base.rn = options.cse_base_name;
  base.attributes = configured(options);
  base.attributes["cst"] = static_cast<std::uint32_t>(options.type);
  base.attributes["csi"] = options.cse_id.sp_relative();
  Resource& root = insert(core, std::move(base), nullptr, sequence, batch);

  Resource policy;
  policy.ty = static_cast<std::uint32_t>(codec::Ty::acp);
  policy.ri = core.tree.new_id(policy.ty, batch);
  policy.rn = "cseBasePolicy";
  const std::string owner =
      options.administrator ? options.administrator->absolute() : options.cse_id.absolute();
  // Registrees read the CSEBase of their registrar (TS-0001 10.2.2.3); everything else is for the
  // administrator to grant.
  policy.attributes["pv"] = rules(rule(options.cse_id.sp().text(), kRetrieve, true));
  policy.attributes["pvs"] = rules(rule(owner, kAll, true));
  const Resource& stored = insert(core, std::move(policy), &root, sequence, batch);
  core.tree.update(root, {{"acpi", json::array{json::string(core.tree.path(stored))}}}, sequence, batch);
  return core.store.commit_and_wait(std::move(batch));
}

Status update_base(Core& core) {
  Resource& base = *core.tree.base();
  const auto& options = core.options;
  if (base.text("csi") != options.cse_id.sp_relative() ||
      base.number("cst") != static_cast<std::uint64_t>(options.type) || base.rn != options.cse_base_name) {
    return fail(ErrorCode::conflict, "the state belongs to another CSE-ID, type of CSE or CSEBase name");
  }
  json::object changes;
  for (auto& member : configured(options)) {
    const auto* const stored = base.attributes.if_contains(member.key());
    if (stored == nullptr || *stored != member.value()) changes[member.key()] = std::move(member.value());
  }
  if (changes.empty()) return {};
  changes["lt"] = format_timestamp(core.clock.now());
  store::Batch batch;
  core.tree.update(base, changes, core.begin(), batch);
  return core.store.commit_and_wait(std::move(batch));
}

}  // namespace

Status prepare_base(Core& core) {
  auto prepared = core.tree.base() == nullptr ? create_base(core) : update_base(core);
  if (!prepared) return prepared;
  core.started();
  return {};
}

}  // namespace latchkey::cse
