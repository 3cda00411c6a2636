#include "credentials.h"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace latchkey::daemon {

namespace {

constexpr std::size_t kPemOctetsMax = 1U << 20U;
constexpr std::size_t kCrlOctetsMax = 16U << 20U;  // as much as a TrustStore takes

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t most) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return fail(ErrorCode::io, path + ": " + std::strerror(errno));
  const std::streamoff size = in.tellg();
  if (size < 0 || size > static_cast<std::streamoff>(most))
    return fail(ErrorCode::limit, path + ": larger than " + std::to_string(most) + " octets");
  std::string out(static_cast<std::size_t>(size), '\0');
  in.seekg(0);
  if (!in.read(out.data(), size)) return fail(ErrorCode::io, path + ": " + std::strerror(errno));
  return out;
}

Result<std::shared_ptr<const tls::OwnCertificate>> load_own(
    const TlsConfig& config, const secure_env::SecureEnvironment& environment) {
  if (config.certificate.empty()) return std::shared_ptr<const tls::OwnCertificate>();
  const auto pem = read_file(config.certificate, kPemOctetsMax);
  if (!pem) return fail(pem.error());
  auto chain = pki::Certificate::chain_from_pem(*pem);
  if (!chain) return fail(config.certificate, chain.error());
  const auto key_pem = environment.use_as_private_key({config.private_key});
  if (!key_pem) return fail("private key " + config.private_key, key_pem.error());
  auto key = pki::PrivateKey::from_pem(*key_pem);
  if (!key) return fail("private key " + config.private_key, key.error());
  if (!key->matches(chain->front()))
    return fail(ErrorCode::invalid_argument,
                "private key " + config.private_key + " does not fit " + config.certificate);
  return std::make_shared<const tls::OwnCertificate>(tls::OwnCertificate{std::move(*chain), std::move(*key)});
}

Result<std::shared_ptr<const pki::TrustStore>> load_trust(const TlsConfig& config) {
  if (config.trust.empty()) return std::shared_ptr<const pki::TrustStore>();
  std::vector<pki::TrustStore::Anchor> anchors;
  for (const auto& trust : config.trust) {
    const auto pem = read_file(trust.file, kPemOctetsMax);
    if (!pem) return fail(pem.error());
    auto certificates = pki::Certificate::chain_from_pem(*pem);
    if (!certificates) return fail(trust.file, certificates.error());
    for (auto& certificate : *certificates) anchors.push_back({std::move(certificate), trust.options});
  }
  std::vector<Bytes> crls;
  for (const auto& file : config.crls) {
    const auto text = read_file(file, kCrlOctetsMax);
    if (!text) return fail(text.error());
    const auto bytes = as_bytes(*text);
    crls.emplace_back(bytes.begin(), bytes.end());
  }
  return pki::TrustStore::make(std::move(anchors), std::move(crls));
}

}  // namespace latchkey::daemon
