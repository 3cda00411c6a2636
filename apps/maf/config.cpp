#include "config.h"

#include <charconv>
#include <map>

namespace latchkey::app {

namespace {

std::vector<std::string> read_admins(ConfigReader& in) {
  std::vector<std::string> out;
  for (const auto& text : in.texts("admin_fqdns")) {
    const auto fqdn = Fqdn::parse(text);
    if (fqdn)
      out.push_back(fqdn->folded());
    else
      in.problem("admin_fqdns", "'" + text + "': " + fqdn.error().detail);
  }
  return out;
}

/// [[profile]] `name`: what clients demand of end-to-end credentials (table 9.2.3.2-1).
using Profiles = std::map<std::string, e2e::SecurityProfile>;
void read_profile(ConfigReader& in, Profiles& profiles) {
  const auto name = in.required_text("name");
  if (!profiles.emplace(name, e2e::read_security_profile(in)).second)
    in.problem("name", "'" + name + "' stands twice");
}

void read_end_to_end(ConfigReader& in, const Profiles& profiles, maf::MafClientPolicy& client) {
  if (const auto name = in.text("profile", ""); !name.empty()) {
    const auto found = profiles.find(name);
    if (found == profiles.end()) return in.problem("profile", "there is no [[profile]] '" + name + "'");
    client.profile = found->second;
  }
  for (const auto& text : in.texts("end_to_end_suids")) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto suid = error == std::errc{} && end == text.data() + text.size()
                          ? Suid::from(number)
                          : Result<Suid>(fail(ErrorCode::invalid_argument, "no number"));
    if (suid)
      client.features.push_back(*suid);
    else
      in.problem("end_to_end_suids", "'" + text + "': " + suid.error().detail);
  }
}

void read_client(ConfigReader& in, const Profiles& profiles, maf::MafOptions& options) {
  const auto text = in.required_text("id");
  auto id = parse_entity_id(text, options.home);
  if (!id) return in.problem("id", id.error().detail);
  maf::MafClientPolicy client{
      .client = std::move(*id),
      .entity = {},
      .admin_fqdns = read_admins(in),
      .default_targets = daemon::read_entities(in, "default_targets", options.home),
      .permitted_targets = daemon::read_entities(in, "permitted_targets", options.home),
      .configuration = in.text("configuration", "")};
  if (const auto entity = in.text("entity", ""); !entity.empty()) {
    auto parsed = parse_entity_id(entity, options.home);
    if (parsed && (std::holds_alternative<AeId>(*parsed) || std::holds_alternative<CseId>(*parsed)))
      client.entity = std::move(*parsed);
    else
      in.problem("entity", "must be an AE-ID or a CSE-ID");
  }
  read_end_to_end(in, profiles, client);
  options.clients.push_back(std::move(client));
}

}  // namespace

MafConfig read_maf_config(const std::string& file, std::vector<ConfigProblem>& problems) {
  auto reader = ConfigReader::from_file(file);
  MafConfig out;
  out.common = daemon::read_common(reader);
  if (auto section = reader.table("maf")) {
    const auto fqdn = daemon::read_fqdn(*section, "fqdn");
    const auto home = daemon::read_sp_id(*section, "sp_id");
    if (home) out.in_cse = daemon::read_cse_id(*section, "in_cse", *home, true);
    if (fqdn && home) {
      out.maf = maf::MafOptions{.fqdn = *fqdn, .home = *home, .admin_fqdns = read_admins(*section)};
      if (out.maf->admin_fqdns.empty())
        section->problem("admin_fqdns", "at least one administrating stakeholder is needed");
      out.maf->unknown_clients = section->boolean("unknown_clients", false);
      out.maf->accept_suid_11_as_32 = section->boolean("accept_suid_11_as_32", false);
      out.maf->registration_max = std::chrono::duration_cast<std::chrono::seconds>(
          section->duration("registration_max", out.maf->registration_max));
      out.maf->key_max =
          std::chrono::duration_cast<std::chrono::seconds>(section->duration("key_max", out.maf->key_max));
      out.maf->keys_per_client =
          static_cast<std::size_t>(section->integer("keys_per_client", 1000, 1, 1'000'000));
    }
  } else {
    reader.problem("maf", "the section is missing");
  }
  Profiles profiles;
  for (auto& profile : reader.tables("profile")) read_profile(profile, profiles);
  for (auto& client : reader.tables("client"))
    if (out.maf) read_client(client, profiles, *out.maf);
  problems = reader.finish();
  return out;
}

}  // namespace latchkey::app
