#pragma once
/// Own certificate and trust anchors from the files and handles that a configuration names.
#include "daemon_config.h"
#include "latchkey/pki/certificate.h"

namespace latchkey::daemon {

/// At most `most` octets (`limit`); every error names the file.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t most);

/// nullptr when no certificate is configured. The private key comes out of the Secure Environment and must
/// fit.
[[nodiscard]] Result<std::shared_ptr<const tls::OwnCertificate>> load_own(
    const TlsConfig& config, const secure_env::SecureEnvironment& environment);

/// nullptr when no anchor is configured.
[[nodiscard]] Result<std::shared_ptr<const pki::TrustStore>> load_trust(const TlsConfig& config);

}  // namespace latchkey::daemon
