#pragma once
/// TLS options of a client that proves itself with a symmetric key (TS-0003 10.2.2).
#include "latchkey/tls/endpoint.h"

namespace latchkey::client {

/// The session belongs to `server` after the handshake.
[[nodiscard]] inline tls::ClientOptions psk_options(const KeyId& identity, const SecretBytes& key,
                                                    EntityId server, const SpId& home) {
  return tls::ClientOptions{.suites = {{tls::kPskAes128CbcSha256}},
                            .limits = {},
                            .server_name = {},
                            .credential = tls::ClientPsk{identity.text(), key.duplicate()},
                            .trust = nullptr,
                            .home = home,
                            .check_server = {},
                            .expected = std::move(server)};
}

}  // namespace latchkey::client
