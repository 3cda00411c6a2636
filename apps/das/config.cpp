#include "config.h"

#include <algorithm>

#include "credentials.h"

namespace latchkey::app {

namespace {

constexpr std::size_t kPemOctetsMax = 64U << 10U;

std::vector<Fqdn> read_domains(ConfigReader& in) {
  std::vector<Fqdn> out;
  for (const auto& text : in.texts("domains")) {
    auto fqdn = Fqdn::parse(text);
    if (fqdn)
      out.push_back(std::move(*fqdn));
    else
      in.problem("domains", "'" + text + "': " + fqdn.error().detail);
  }
  if (out.empty()) in.problem("domains", "at least one is needed");
  return out;
}

std::optional<EntityId> read_issuer(ConfigReader& in, const SpId& home) {
  const auto text = in.required_text("id");
  if (text.empty()) return std::nullopt;
  auto id = parse_entity_id(text, home);
  if (id && !std::holds_alternative<M2mDeviceId>(*id)) return std::move(*id);
  in.problem("id", "must be an AE-ID, a CSE-ID or an FQDN");
  return std::nullopt;
}

std::optional<das::DasOptions> read_das(ConfigReader& in, std::optional<CseId>& in_cse,
                                        std::string& policy_file) {
  const auto home = daemon::read_sp_id(in, "sp_id");
  auto domains = read_domains(in);
  auto kid = in.required_text("kid"), key = in.required_text("signing_key");
  policy_file = in.path("policy", "");
  if (policy_file.empty()) in.problem("policy", "is missing");
  const auto records = in.integer("records_max", 1'000'000, 1, 100'000'000);
  if (!home) return std::nullopt;
  in_cse = daemon::read_cse_id(in, "in_cse", *home, true);
  auto id = read_issuer(in, *home);
  if (!id || domains.empty()) return std::nullopt;
  return das::DasOptions{.id = std::move(*id),
                         .home = *home,
                         .domains = std::move(domains),
                         .kid = std::move(kid),
                         .signing_key = std::move(key),
                         .hosting_cses = {},
                         .policy = {},
                         .repository = {},
                         .records_max = static_cast<std::size_t>(records),
                         .store_failed = {}};
}

std::optional<das::EncryptionTo> read_encryption(ConfigReader& in) {
  const auto file = in.path("encryption_key", "");
  auto kid = in.text("encryption_kid", "");
  if (file.empty() != kid.empty())
    in.problem("encryption_key", "encryption_key and encryption_kid go together");
  if (file.empty()) return std::nullopt;
  const auto pem = daemon::read_file(file, kPemOctetsMax);
  auto key = pem ? crypto::PublicKey::from_pem(*pem) : Result<crypto::PublicKey>(fail(pem.error()));
  if (!key) {
    in.problem("encryption_key", key.error().detail);
    return std::nullopt;
  }
  return das::EncryptionTo{std::move(kid), std::move(*key)};
}

void read_hosting_cse(ConfigReader& in, das::DasOptions& out) {
  auto id = daemon::read_cse_id(in, "cse_id", out.home, true);
  auto base = in.text("base_name", "cse");
  auto encryption = read_encryption(in);
  if (!id) return;
  if (std::ranges::find(out.hosting_cses, *id, &das::HostingCse::id) != out.hosting_cses.end())
    in.problem("cse_id", "stands twice");
  out.hosting_cses.push_back({std::move(*id), std::move(base), std::move(encryption)});
}

std::optional<RepositoryConfig> read_repository(ConfigReader& in, das::DasOptions& das) {
  auto cse = daemon::read_cse_id(in, "cse_id", das.home, true);
  auto base = in.text("base_name", "cse"), address = in.required_text("address"),
       stem = in.required_text("ae");
  const auto port = static_cast<std::uint16_t>(in.integer("port", 0, 1, 65535));
  if (port == 0) in.problem("port", "is missing");
  auto identity = in.text("psk_identity", ""), key = in.text("psk_key", "");
  if (identity.empty() != key.empty()) in.problem("psk_key", "psk_identity and psk_key go together");
  if (!identity.empty() && !KeyId::parse(identity))
    in.problem("psk_identity", "must be a KpsaID, relative@issuer-fqdn");
  das::RepositoryOptions options{
      .parent = {}, .acpi = in.texts("acpi"), .notify_holder = in.boolean("notify_holder", false)};
  if (!cse) return std::nullopt;
  const auto ae =
      stem.size() < 2 ? fail(ErrorCode::invalid_argument, "too short") : AeId::from_stem(stem, *cse);
  if (!stem.empty() && !ae) in.problem("ae", "must be a whole AE-ID-Stem, S... or C...");
  // 7.4.3 step 4: who creates the resource is who issues the role, as far as a CSE can see.
  if (ae && std::holds_alternative<AeId>(das.id) && EntityId(*ae) != das.id)
    in.problem("ae", "is not das.id");
  options.parent = cse->sp_relative() + "/" + base;
  das.repository = std::move(options);
  return RepositoryConfig{std::move(*cse),     std::move(base), std::move(address), std::move(stem), port,
                          std::move(identity), std::move(key)};
}

}  // namespace

DasConfig read_das_config(const std::string& file, std::vector<ConfigProblem>& problems) {
  auto reader = ConfigReader::from_file(file);
  DasConfig out;
  out.common = daemon::read_common(reader);
  std::string policy_file;
  if (auto section = reader.table("das"))
    out.das = read_das(*section, out.in_cse, policy_file);
  else
    reader.problem("das", "the section is missing");
  for (auto& table : reader.tables("hosting_cse"))
    if (out.das) read_hosting_cse(table, *out.das);
  if (out.das && out.das->hosting_cses.empty())
    reader.problem("hosting_cse", "at least one [[hosting_cse]] is needed");
  if (auto section = reader.table("repository"); section && out.das)
    out.repository = read_repository(*section, *out.das);
  problems = reader.finish();
  if (!out.das || policy_file.empty()) return out;
  std::vector<ConfigProblem> in_policy;
  out.das->policy = das::Policy::load(policy_file, {out.das->home, out.das->domains}, in_policy);
  problems.insert(problems.end(), in_policy.begin(), in_policy.end());
  return out;
}

}  // namespace latchkey::app
