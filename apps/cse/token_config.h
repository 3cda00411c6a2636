#pragma once
/// [[token_issuer]], [[token_key]], [[das]] and [[repository]]: whose tokens and roles count, and where they
/// are (TS-0003 7.3.2.6.3, 7.4.3).
#include <optional>
#include <string>
#include <vector>

#include "latchkey/authz/token_verifier.h"
#include "latchkey/base/config.h"
#include "latchkey/cse/cse.h"
#include "latchkey/secure_env/secure_env.h"

namespace latchkey::app {

/// A public key in a PEM file, or a key in the Secure Environment by its handle.
struct TokenKeyConfig {
  std::string kid, file, handle;
  jose::Permitted<jose::SignatureAlg> signature_algs;
  jose::Permitted<jose::KeyAlg> key_algs;
  jose::Permitted<jose::Enc> encs;
};
struct TokenIssuerConfig {
  authz::Authority authority;
  jose::Permitted<authz::TokenClass> classes;
  std::vector<TokenKeyConfig> verification_keys, shared_keys;
};
/// [[das]]: the URL that resources name (dap), and where it is really reached.
struct DasConfig {
  cse::CseOptions::DasServer server;
  std::string address;  ///< empty: as the URL says
  std::uint16_t port = 0;
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

}  // namespace latchkey::app
