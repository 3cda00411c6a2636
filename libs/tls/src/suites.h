#pragma once
/// The cipher suites that Latchkey knows (TS-0003 10.2.2, 10.2.3) and their GnuTLS priorities.
#include <gnutls/gnutls.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "latchkey/base/error.h"
#include "latchkey/tls/endpoint.h"

namespace latchkey::tls {

enum class KeyExchange : std::uint8_t { psk, certificate };

struct Suite {
  std::uint16_t id = 0;
  std::string_view name;
  KeyExchange key_exchange = KeyExchange::psk;
  std::string_view cipher;  ///< "+AES-128-CBC:+SHA256"
  gnutls_cipher_algorithm_t algorithm = GNUTLS_CIPHER_UNKNOWN;
};

/// Null when the suite is not one of ours. Thread-safe.
[[nodiscard]] const Suite* find_suite(std::uint16_t id) noexcept;

/// The suite that a session has negotiated; null when it is none of ours.
[[nodiscard]] const Suite* negotiated_suite(gnutls_session_t session) noexcept;

/// The suites of `policy` that the available credentials can serve, in policy order. An unknown, repeated or
/// missing suite is invalid_argument, and so is a policy of which nothing remains.
[[nodiscard]] Result<std::vector<const Suite*>> usable_suites(const SuitePolicy& policy, bool with_psk,
                                                              bool with_certificate);

/// A priority of exactly these suites, which share one key exchange: then no combination arises that the
/// policy does not name. Made once per process; GnuTLS counts references to it. Thread-safe.
[[nodiscard]] Result<gnutls_priority_t> priority_for(std::span<const Suite* const> suites);

}  // namespace latchkey::tls
