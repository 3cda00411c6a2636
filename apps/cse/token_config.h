#pragma once
/// [[token_issuer]], [[token_key]], [[das]] and [[repository]]: whose tokens and roles count, and where they
/// are (TS-0003 7.3.2.6.3, 7.4.3).
#include <optional>
#include <string>
#include <vector>

#include "jose_keys.h"
#include "latchkey/authz/token_verifier.h"
#include "latchkey/base/config.h"
#include "latchkey/cse/cse.h"
#include "latchkey/secure_env/secure_env.h"

namespace latchkey::app {

using TokenKeyConfig = daemon::JoseKeyConfig;
struct TokenIssuerConfig {
  authz::Authority authority;
  jose::Permitted<authz::TokenClass> classes;
  std::vector<TokenKeyConfig> verification_keys, shared_keys;
};
/// [das.secured_requests]: how what an originator is to ask a DAS Server is secured for it.
struct SecuringConfig {
  e2e::EsDataClass protection = e2e::EsDataClass::sign_then_encrypt;
  std::chrono::seconds lifetime{300};
  std::string das_kid, das_file, das_handle;  ///< its public key in a file, or a key shared with it
  jose::KeyAlg alg = jose::KeyAlg::ecdh_es_a256kw;
  jose::Enc enc = jose::Enc::a256gcm;
  std::string sign_kid, sign_handle;  ///< own private key
  jose::SignatureAlg sign_alg = jose::SignatureAlg::es256;
};
/// [[das]]: the URL that resources name (dap), and where it is really reached.
struct DasConfig {
  cse::CseOptions::DasServer server;
  std::string address;  ///< empty: as the URL says
  std::uint16_t port = 0;
  std::optional<SecuringConfig> securing;
};
struct TokenConfig {
  std::vector<TokenIssuerConfig> issuers;
  std::vector<TokenKeyConfig> own_keys;
  std::vector<DasConfig> das;
};
/// Reads the sections; [[das]] and [[repository]] go into `options` too.
[[nodiscard]] TokenConfig read_token_config(ConfigReader& reader, const SpId& home, cse::CseOptions& options);

/// Reads the key files anew, and the keys from the environment. Errors name the file or handle.
[[nodiscard]] Result<authz::TokenTrust> load_token_trust(const TokenConfig& config,
                                                         const secure_env::SecureEnvironment& environment);

/// The same for what is secured for a DAS Server.
[[nodiscard]] Result<e2e::EsDataSourceConfig> load_securing(const SecuringConfig& config,
                                                            const secure_env::SecureEnvironment& environment);

}  // namespace latchkey::app
