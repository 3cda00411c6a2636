#include "jose_keys.h"

#include <chrono>

#include "credentials.h"
#include "latchkey/base/time.h"

namespace latchkey::daemon {

namespace {

constexpr std::size_t kKeyFileOctetsMax = 16UL * 1024UL;

std::int64_t now_unix() {
  return std::chrono::duration_cast<std::chrono::seconds>(system_clock().now().time_since_epoch()).count();
}

}  // namespace

JoseKeyConfig read_verification_key(ConfigReader& in) {
  JoseKeyConfig key;
  key.kid = in.required_text("kid");
  key.file = in.path("file", "");
  key.handle = in.text("key", "");
  if (key.file.empty() == key.handle.empty())
    in.problem("file", "a public key in a file, or an HMAC key by its handle in `key`");
  key.signature_algs = read_names<jose::SignatureAlg>(in, "algorithms", jose::signature_alg);
  return key;
}

JoseKeyConfig read_decryption_key(ConfigReader& in) {
  JoseKeyConfig key;
  key.kid = in.required_text("kid");
  key.handle = in.required_text("key");
  key.key_algs = read_names<jose::KeyAlg>(in, "algorithms", jose::key_alg);
  key.encs = read_names<jose::Enc>(in, "encryptions", jose::enc);
  return key;
}

Result<crypto::PublicKey> public_key_in(const std::string& file) {
  const auto pem = read_file(file, kKeyFileOctetsMax);
  if (!pem) return fail(pem.error());
  auto key = crypto::PublicKey::from_pem(*pem);
  if (!key) return fail(file, key.error());
  return key;
}

Result<crypto::PrivateKey> private_key(const secure_env::SecureEnvironment& environment,
                                       const std::string& handle) {
  const auto pem = environment.use_as_private_key({handle});
  if (!pem) return fail("key " + handle, pem.error());
  auto key = crypto::PrivateKey::from_pem(*pem);
  if (!key) return fail("key " + handle, key.error());
  return key;
}

Result<std::shared_ptr<const SecretBytes>> shared_secret(const secure_env::SecureEnvironment& environment,
                                                         const std::string& handle, Suid::Use use) {
  auto key = environment.use_as_psk({handle}, use, now_unix());
  if (!key) return fail("key " + handle, key.error());
  return std::make_shared<const SecretBytes>(std::move(*key));
}

Result<jose::VerificationKey> verification_key(const JoseKeyConfig& config,
                                               const secure_env::SecureEnvironment& environment) {
  if (config.file.empty()) {
    auto key = shared_secret(environment, config.handle, Suid::Use::esdata_signature);
    if (!key) return fail(key.error());
    return jose::VerificationKey(std::move(*key), config.signature_algs);
  }
  auto key = public_key_in(config.file);
  if (!key) return fail(key.error());
  return jose::VerificationKey(*std::move(key), config.signature_algs);
}

}  // namespace latchkey::daemon
