#include "token_config.h"

#include <algorithm>
#include <chrono>

#include "daemon_config.h"
#include "latchkey/base/time.h"

namespace latchkey::app {

namespace {

using daemon::read_decryption_key;
using daemon::read_names;
using daemon::read_verification_key;

std::optional<authz::TokenClass> class_named(std::string_view name) {
  using enum authz::TokenClass;
  if (name == "unsecured") return unsecured;
  if (name == "signature-only") return signature_only;
  if (name == "encryption-only") return encryption_only;
  if (name == "sign-then-encrypt") return sign_then_encrypt;
  return std::nullopt;
}

std::vector<Fqdn> read_domains(ConfigReader& in) {
  std::vector<Fqdn> domains;
  const auto texts = in.texts("domains");
  if (texts.empty()) in.problem("domains", "must name one or more");
  for (const auto& text : texts) {
    auto domain = Fqdn::parse(text);
    if (domain)
      domains.push_back(*std::move(domain));
    else
      in.problem("domains", domain.error().detail);
  }
  return domains;
}

std::optional<EntityId> read_id(ConfigReader& in, const SpId& home) {
  const auto text = in.required_text("id");
  auto id = parse_entity_id(text, home);
  if (id && !std::holds_alternative<M2mDeviceId>(*id)) return *std::move(id);
  if (!text.empty()) in.problem("id", "must be a CSE-ID, an AE-ID or an FQDN");
  return std::nullopt;
}

void read_issuer(ConfigReader& in, const SpId& home, TokenConfig& out, cse::CseOptions& options) {
  auto id = read_id(in, home);
  auto domains = read_domains(in);
  const auto classes = read_names<authz::TokenClass>(in, "classes", class_named);
  std::vector<TokenKeyConfig> keys, shared;
  for (auto& key : in.tables("key")) keys.push_back(read_verification_key(key));
  const auto recheck = std::chrono::floor<std::chrono::seconds>(in.duration("recheck", {}));
  if (in.has("recheck") && recheck.count() < 1) in.problem("recheck", "must be 1 s or more");
  if (id && recheck.count() > 0) options.token_checks.push_back({*id, recheck});
  for (auto& key : in.tables("shared_key")) shared.push_back(read_decryption_key(key));
  if (id)
    out.issuers.push_back(
        {{*std::move(id), std::move(domains)}, classes, std::move(keys), std::move(shared)});
}

std::optional<e2e::EsDataClass> esdata_class_named(std::string_view name) {
  using enum e2e::EsDataClass;
  for (const auto value : {encryption_only, signature_only, sign_then_encrypt})
    if (name == e2e::to_string(value)) return value;
  return std::nullopt;
}

/// A name under `key`, known to `named`.
template <class E, class Named>
void read_name(ConfigReader& in, std::string_view key, E& value, std::string_view fallback, Named named) {
  const auto name = in.text(key, std::string(fallback));
  const auto known = named(name);
  if (known)
    value = *known;
  else
    in.problem(key, "unknown: " + name);
}

/// Keys that the class has no use for are mistakes.
SecuringConfig read_securing(ConfigReader& in) {
  SecuringConfig out;
  read_name(in, "protection", out.protection, "sign-then-encrypt", esdata_class_named);
  out.lifetime = std::chrono::floor<std::chrono::seconds>(in.duration("lifetime", out.lifetime));
  if (out.lifetime < std::chrono::seconds(1) || out.lifetime > e2e::kSecuredRequestLifetimeMax)
    in.problem("lifetime", "must be 1 s to 1 h");
  if (out.protection != e2e::EsDataClass::signature_only) {
    out.das_kid = in.required_text("kid");
    out.das_file = in.path("file", "");
    out.das_handle = in.text("key", "");
    if (out.das_file.empty() == out.das_handle.empty())
      in.problem("file",
                 "the DAS Server's public key in a file, or a key shared with it by its handle in `key`");
    read_name(in, "algorithm", out.alg, out.das_file.empty() ? "A256KW" : "ECDH-ES+A256KW", jose::key_alg);
    read_name(in, "encryption", out.enc, "A256GCM", jose::enc);
  }
  if (out.protection != e2e::EsDataClass::encryption_only) {
    out.sign_kid = in.required_text("sign_kid");
    out.sign_handle = in.required_text("sign_key");
    read_name(in, "sign_algorithm", out.sign_alg, "ES256", jose::signature_alg);
  } else if (!out.das_file.empty()) {
    in.problem("file", "to a public key anybody can encrypt: a shared key, or protection sign-then-encrypt");
  }
  return out;
}

void read_das(ConfigReader& in, const SpId& home, TokenConfig& out) {
  auto id = read_id(in, home);
  auto point_of_access = in.required_text("point_of_access");
  auto domains = read_domains(in);
  auto address = in.text("address", "");
  const auto port = static_cast<std::uint16_t>(in.integer("port", 0, 0, 65535));
  if (address.empty() != (port == 0)) in.problem("port", "address and port go together");
  const bool wants_place = in.boolean("wants_place", false);
  std::optional<SecuringConfig> securing;
  if (auto section = in.table("secured_requests")) securing = read_securing(*section);
  constexpr std::chrono::hours kLongest{24 * 366};
  const auto policies =
      std::chrono::floor<std::chrono::seconds>(in.duration("policy_lifetime_max", kLongest));
  if (policies < std::chrono::seconds(1)) in.problem("policy_lifetime_max", "must be 1 s or more");
  if (!id) return;
  cse::CseOptions::DasServer server{.id = *std::move(id),
                                    .point_of_access = std::move(point_of_access),
                                    .domains = std::move(domains),
                                    .wants_place = wants_place,
                                    .policy_lifetime_max = policies};
  out.das.push_back({std::move(server), std::move(address), port, std::move(securing)});
}

void read_repository(ConfigReader& in, cse::CseOptions& options) {
  const auto domain = daemon::read_fqdn(in, "domain");
  const auto base = in.required_text("cse_base");
  if (!base.empty() && !ResourceAddress::parse(base))
    in.problem("cse_base", "must be the address of a CSEBase");
  if (domain) options.repositories.push_back({*domain, base});
}

Result<authz::TrustedIssuer> load_issuer(const TokenIssuerConfig& config,
                                         const secure_env::SecureEnvironment& environment) {
  authz::TrustedIssuer issuer{
      .authority = config.authority, .classes = config.classes, .verification_keys = {}, .shared_keys = {}};
  for (const auto& key : config.verification_keys) {
    auto loaded = daemon::verification_key(key, environment);
    if (!loaded) return fail(loaded.error());
    issuer.verification_keys.insert_or_assign(key.kid, *std::move(loaded));
  }
  for (const auto& key : config.shared_keys) {
    auto loaded = daemon::shared_secret(environment, key.handle, Suid::Use::esdata_encryption);
    if (!loaded) return fail(loaded.error());
    issuer.shared_keys.insert_or_assign(key.kid,
                                        authz::SharedKey{*std::move(loaded), key.key_algs, key.encs});
  }
  return issuer;
}

}  // namespace

TokenConfig read_token_config(ConfigReader& reader, const SpId& home, cse::CseOptions& options) {
  TokenConfig out;
  for (auto& issuer : reader.tables("token_issuer")) read_issuer(issuer, home, out, options);
  for (auto& key : reader.tables("token_key")) out.own_keys.push_back(read_decryption_key(key));
  for (auto& das : reader.tables("das")) read_das(das, home, out);
  for (auto& repository : reader.tables("repository")) read_repository(repository, options);
  for (const auto& das : out.das) options.das_servers.push_back(das.server);
  return out;
}

Result<authz::TokenTrust> load_token_trust(const TokenConfig& config,
                                           const secure_env::SecureEnvironment& environment) {
  authz::TokenTrust trust;
  for (const auto& issuer : config.issuers) {
    auto loaded = load_issuer(issuer, environment);
    if (!loaded) return fail("token_issuer " + to_string(issuer.authority.id), loaded.error());
    trust.issuers.push_back(*std::move(loaded));
  }
  for (const auto& key : config.own_keys) {
    auto loaded = daemon::private_key(environment, key.handle);
    if (!loaded) return fail("token_key " + key.kid, loaded.error());
    trust.own_keys.insert_or_assign(key.kid, jose::DecryptionKey(*std::move(loaded), key.key_algs, key.encs));
  }
  return trust;
}

Result<e2e::EsDataSourceConfig> load_securing(const SecuringConfig& config,
                                              const secure_env::SecureEnvironment& environment) {
  e2e::EsDataSourceConfig out{.security_class = config.protection};
  if (!config.sign_handle.empty()) {
    auto key = daemon::private_key(environment, config.sign_handle);
    if (!key) return fail(key.error());
    out.signers.push_back({{.kid = config.sign_kid, .suid = *Suid::from(45)},
                           jose::SigningKey(*std::move(key), config.sign_alg)});
  }
  if (!config.das_file.empty()) {
    auto key = daemon::public_key_in(config.das_file);
    if (!key) return fail(key.error());
    out.recipients.push_back({{.kid = config.das_kid, .suid = *Suid::from(44)},
                              jose::EncryptionKey(*std::move(key), config.alg, config.enc)});
  } else if (!config.das_handle.empty()) {
    auto key = daemon::shared_secret(environment, config.das_handle, Suid::Use::esdata_encryption);
    if (!key) return fail(key.error());
    out.recipients.push_back({{.kid = config.das_kid, .suid = *Suid::from(14)},
                              jose::EncryptionKey(*std::move(key), config.alg, config.enc)});
  }
  return out;
}

}  // namespace latchkey::app
