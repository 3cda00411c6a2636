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

std::optional<e2e::EsDataClass> class_named(std::string_view name) {
  using enum e2e::EsDataClass;
  for (const auto value : {encryption_only, signature_only, sign_then_encrypt})
    if (name == e2e::to_string(value)) return value;
  return std::nullopt;
}

void read_hosting_cse(ConfigReader& in, das::DasOptions& out, SecuredRequestsConfig& secured) {
  auto id = daemon::read_cse_id(in, "cse_id", out.home, true);
  auto base = in.text("base_name", "cse");
  auto encryption = read_encryption(in);
  const bool only_secured = in.boolean("only_secured_requests", false);
  bool any_key = false;
  const auto add = [&](auto& list, daemon::JoseKeyConfig key) {
    any_key = true;
    if (id) list.push_back({*id, std::move(key)});
  };
  for (auto& key : in.tables("request_key"))
    add(secured.verification_keys, daemon::read_verification_key(key));
  for (auto& key : in.tables("request_shared_key"))
    add(secured.shared_keys, daemon::read_decryption_key(key));
  if (only_secured && !any_key)
    in.problem("only_secured_requests", "needs a request_key or a request_shared_key of this CSE");
  if (!id) return;
  if (std::ranges::find(out.hosting_cses, *id, &das::HostingCse::id) != out.hosting_cses.end())
    in.problem("cse_id", "stands twice");
  out.hosting_cses.push_back({std::move(*id), std::move(base), std::move(encryption), only_secured});
}

void read_secured_requests(ConfigReader& in, SecuredRequestsConfig& out) {
  out.classes = daemon::read_names<e2e::EsDataClass>(in, "classes", class_named);
  out.lifetime_max = std::chrono::floor<std::chrono::seconds>(in.duration("lifetime_max", out.lifetime_max));
  if (out.lifetime_max < std::chrono::seconds(1) || out.lifetime_max > e2e::kSecuredRequestLifetimeMax)
    in.problem("lifetime_max", "must be 1 s to 1 h");
  for (auto& key : in.tables("key")) out.own_keys.push_back(daemon::read_decryption_key(key));
  const bool verifies = !out.verification_keys.empty(),
             opens = !out.own_keys.empty() || !out.shared_keys.empty();
  using enum e2e::EsDataClass;
  if ((out.classes.has(signature_only) || out.classes.has(sign_then_encrypt)) && !verifies)
    in.problem("classes", "signatures need a [[hosting_cse.request_key]]");
  if (out.classes.has(sign_then_encrypt) && !opens)
    in.problem("classes",
               "sign-then-encrypt needs a [[secured_requests.key]] or a [[hosting_cse.request_shared_key]]");
  if (out.classes.has(encryption_only) && out.shared_keys.empty())
    in.problem("classes", "encryption-only needs a [[hosting_cse.request_shared_key]]");
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

/// What any key permits; each key says for itself which of it.
e2e::EsDataPolicy policy_of(const SecuredRequestsConfig& config) {
  e2e::EsDataPolicy policy{.classes = config.classes};
  for (const auto alg : {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512"})
    if (const auto known = jose::signature_alg(alg)) policy.signatures.add(*known);
  for (const auto alg :
       {"A128KW", "A192KW", "A256KW", "RSA-OAEP-256", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"})
    if (const auto known = jose::key_alg(alg)) policy.key_algs.add(*known);
  policy.encs = {jose::Enc::a128gcm, jose::Enc::a192gcm, jose::Enc::a256gcm};
  return policy;
}

}  // namespace

Result<std::shared_ptr<const e2e::SecuredRequestTarget>> load_secured_requests(
    const SecuredRequestsConfig& config, const EntityId& self,
    const secure_env::SecureEnvironment& environment) {
  if (config.classes.empty()) return std::shared_ptr<const e2e::SecuredRequestTarget>();
  std::vector<e2e::EsDataVerifier> verifiers;
  for (const auto& [cse, key] : config.verification_keys) {
    auto loaded = daemon::verification_key(key, environment);
    if (!loaded) return fail("request_key " + key.kid, loaded.error());
    verifiers.push_back({{.kid = key.kid, .suid = *Suid::from(key.file.empty() ? 15 : 45), .owner = cse},
                         *std::move(loaded)});
  }
  std::vector<e2e::EsDataOpener> openers;
  for (const auto& [cse, key] : config.shared_keys) {
    auto loaded = daemon::shared_secret(environment, key.handle, Suid::Use::esdata_encryption);
    if (!loaded) return fail("request_shared_key " + key.kid, loaded.error());
    openers.push_back({{.kid = key.kid, .suid = *Suid::from(14), .owner = cse},
                       jose::DecryptionKey(*std::move(loaded), key.key_algs, key.encs)});
  }
  for (const auto& key : config.own_keys) {
    auto loaded = daemon::private_key(environment, key.handle);
    if (!loaded) return fail("secured_requests.key " + key.kid, loaded.error());
    openers.push_back({{.kid = key.kid, .suid = *Suid::from(44)},
                       jose::DecryptionKey(*std::move(loaded), key.key_algs, key.encs)});
  }
  return e2e::SecuredRequestTarget::make({.self = self, .lifetime_max = config.lifetime_max},
                                         policy_of(config), std::move(verifiers), std::move(openers));
}

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
    if (out.das) read_hosting_cse(table, *out.das, out.secured_requests);
  if (auto section = reader.table("secured_requests"))
    read_secured_requests(*section, out.secured_requests);
  else if (!out.secured_requests.verification_keys.empty() || !out.secured_requests.shared_keys.empty())
    reader.problem("secured_requests", "keys of CSEs need the section with the classes that are accepted");
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
