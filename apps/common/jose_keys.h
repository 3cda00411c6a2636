#pragma once
/// Keys of tokens and of ESData in configurations: a public key in a file, or a key of the Secure Environment
/// by its handle, and what it may be used with (TS-0003 7.3.2.6.3, 8.5.3).
#include <memory>
#include <string>

#include "latchkey/base/config.h"
#include "latchkey/jose/jwe.h"
#include "latchkey/jose/jws.h"
#include "latchkey/secure_env/secure_env.h"

namespace latchkey::daemon {

/// A list of names under `key`, each known to `named`; problems are recorded.
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

/// A public key in a PEM file, or a key in the Secure Environment by its handle.
struct JoseKeyConfig {
  std::string kid, file, handle;
  jose::Permitted<jose::SignatureAlg> signature_algs;
  jose::Permitted<jose::KeyAlg> key_algs;
  jose::Permitted<jose::Enc> encs;
};
/// `kid`, `algorithms`, and `file` (a public key) or `key` (an HMAC key).
[[nodiscard]] JoseKeyConfig read_verification_key(ConfigReader& in);
/// `kid`, `key`, `algorithms`, `encryptions`.
[[nodiscard]] JoseKeyConfig read_decryption_key(ConfigReader& in);

// Errors name the file or handle.
[[nodiscard]] Result<crypto::PublicKey> public_key_in(const std::string& file);
[[nodiscard]] Result<crypto::PrivateKey> private_key(const secure_env::SecureEnvironment& environment,
                                                     const std::string& handle);
[[nodiscard]] Result<std::shared_ptr<const SecretBytes>> shared_secret(
    const secure_env::SecureEnvironment& environment, const std::string& handle, Suid::Use use);
[[nodiscard]] Result<jose::VerificationKey> verification_key(
    const JoseKeyConfig& config, const secure_env::SecureEnvironment& environment);

}  // namespace latchkey::daemon
