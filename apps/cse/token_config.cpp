#include "token_config.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>

#include "daemon_config.h"
#include "latchkey/base/time.h"

namespace latchkey::app {

namespace {

constexpr std::size_t kKeyFileOctetsMax = 16UL * 1024UL;

template <class E, class Named>
jose::Permitted<E> read_names(ConfigReader& in, std::string_view key, Named named) {
  jose::Permitted<E> permitted;
  const auto names = in.texts(key);
  if (names.empty()) in.problem(key, "must name one or more");
  for (const auto& name : names) {
    if (const auto value = named(name)) {
      permitted.add(*value);
    } else {
      in.problem(key, "unknown: " + name);
    }
  }
  return permitted;
}

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

TokenKeyConfig read_verification_key(ConfigReader& in) {
  TokenKeyConfig key;
  key.kid = in.required_text("kid");
  key.file = in.path("file", "");
  key.handle = in.text("key", "");
  if (key.file.empty() == key.handle.empty())
    in.problem("file", "a public key in a file, or an HMAC key by its handle in `key`");
  key.signature_algs = read_names<jose::SignatureAlg>(in, "algorithms", jose::signature_alg);
  return key;
}

TokenKeyConfig read_encryption_key(ConfigReader& in) {
  TokenKeyConfig key;
  key.kid = in.required_text("kid");
  key.handle = in.required_text("key");
  key.key_algs = read_names<jose::KeyAlg>(in, "algorithms", jose::key_alg);
  key.encs = read_names<jose::Enc>(in, "encryptions", jose::enc);
  return key;
}

void read_issuer(ConfigReader& in, const SpId& home, TokenConfig& out) {
  auto id = read_id(in, home);
  auto domains = read_domains(in);
  const auto classes = read_names<authz::TokenClass>(in, "classes", class_named);
  std::vector<TokenKeyConfig> keys, shared;
  for (auto& key : in.tables("key")) keys.push_back(read_verification_key(key));
  for (auto& key : in.tables("shared_key")) shared.push_back(read_encryption_key(key));
  if (id)
    out.issuers.push_back(
        {{*std::move(id), std::move(domains)}, classes, std::move(keys), std::move(shared)});
}

void read_das(ConfigReader& in, const SpId& home, TokenConfig& out) {
  auto id = read_id(in, home);
  auto point_of_access = in.required_text("point_of_access");
  auto domains = read_domains(in);
  auto address = in.text("address", "");
  const auto port = static_cast<std::uint16_t>(in.integer("port", 0, 0, 65535));
  if (address.empty() != (port == 0)) in.problem("port", "address and port go together");
  const bool wants_place = in.boolean("wants_place", false);
  if (id)
    out.das.push_back({{*std::move(id), std::move(point_of_access), std::move(domains), wants_place},
                       std::move(address),
                       port});
}

void read_repository(ConfigReader& in, cse::CseOptions& options) {
  const auto domain = daemon::read_fqdn(in, "domain");
  const auto base = in.required_text("cse_base");
  if (!base.empty() && !ResourceAddress::parse(base))
    in.problem("cse_base", "must be the address of a CSEBase");
  if (domain) options.repositories.push_back({*domain, base});
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in || text.size() > kKeyFileOctetsMax)
    return fail(ErrorCode::io, path + ": cannot be read as a public key");
  return text;
}

std::int64_t now_unix() {
  return std::chrono::duration_cast<std::chrono::seconds>(system_clock().now().time_since_epoch()).count();
}

Result<std::shared_ptr<const SecretBytes>> secret(const secure_env::SecureEnvironment& environment,
                                                  const std::string& handle, Suid::Use use) {
  auto key = environment.use_as_psk({handle}, use, now_unix());
  if (!key) return fail("key " + handle, key.error());
  return std::make_shared<const SecretBytes>(std::move(*key));
}

Result<jose::VerificationKey> verification_key(const TokenKeyConfig& config,
                                               const secure_env::SecureEnvironment& environment) {
  if (config.file.empty()) {
    auto key = secret(environment, config.handle, Suid::Use::esdata_signature);
    if (!key) return fail(key.error());
    return jose::VerificationKey(std::move(*key), config.signature_algs);
  }
  const auto pem = read_file(config.file);
  if (!pem) return fail(pem.error());
  auto key = crypto::PublicKey::from_pem(*pem);
  if (!key) return fail(config.file, key.error());
  return jose::VerificationKey(std::move(*key), config.signature_algs);
}

Result<authz::TrustedIssuer> load_issuer(const TokenIssuerConfig& config,
                                         const secure_env::SecureEnvironment& environment) {
  authz::TrustedIssuer issuer{
      .authority = config.authority, .classes = config.classes, .verification_keys = {}, .shared_keys = {}};
  for (const auto& key : config.verification_keys) {
    auto loaded = verification_key(key, environment);
    if (!loaded) return fail(loaded.error());
    issuer.verification_keys.insert_or_assign(key.kid, *std::move(loaded));
  }
  for (const auto& key : config.shared_keys) {
    auto loaded = secret(environment, key.handle, Suid::Use::esdata_encryption);
    if (!loaded) return fail(loaded.error());
    issuer.shared_keys.insert_or_assign(key.kid,
                                        authz::SharedKey{*std::move(loaded), key.key_algs, key.encs});
  }
  return issuer;
}

}  // namespace

TokenConfig read_token_config(ConfigReader& reader, const SpId& home, cse::CseOptions& options) {
  TokenConfig out;
  for (auto& issuer : reader.tables("token_issuer")) read_issuer(issuer, home, out);
  for (auto& key : reader.tables("token_key")) out.own_keys.push_back(read_encryption_key(key));
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
    const auto pem = environment.use_as_private_key({key.handle});
    if (!pem) return fail("token_key " + key.kid, pem.error());
    auto loaded = crypto::PrivateKey::from_pem(*pem);
    if (!loaded) return fail("token_key " + key.kid, loaded.error());
    trust.own_keys.insert_or_assign(key.kid, jose::DecryptionKey(*std::move(loaded), key.key_algs, key.encs));
  }
  return trust;
}

}  // namespace latchkey::app
