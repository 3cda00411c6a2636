#include <algorithm>
#include <array>
#include <string_view>

#include "session.h"

namespace latchkey::tls {
namespace {

bool contains_any(std::string_view text, std::span<const std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != text.npos; });
}

/// "the peer sent alert 20 BAD_RECORD_MAC"
std::string received_alert(gnutls_session_t session) {
  constexpr std::string_view kPrefix = "GNUTLS_A_";
  const auto alert = gnutls_alert_get(session);
  const char* known = gnutls_alert_get_strname(alert);
  std::string_view name = known == nullptr ? std::string_view() : known;
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  return "the peer sent alert " + std::to_string(static_cast<int>(alert)) + " " + std::string(name);
}

/// What people read, where GnuTLS's own words do not say enough.
std::string_view plain_words(int error) {
  switch (error) {
    case GNUTLS_E_DECRYPTION_FAILED:
      return "the first encrypted record did not verify: the keys of the two sides differ";
    case GNUTLS_E_NO_CERTIFICATE_FOUND:
    case GNUTLS_E_CERTIFICATE_REQUIRED:
      return "the peer gave no certificate";
    case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
      return "the peer does not offer TLS 1.2";
    default:
      return {};
  }
}

}  // namespace

gnutls_alert_description_t alert_for_chain(const Error& error) noexcept {
  static constexpr std::array<std::string_view, 1> kRevoked = {"revoked"};
  static constexpr std::array<std::string_view, 3> kUntrusted = {"local issuer", "self-signed",
                                                                 "does not end in a trust anchor"};
  if (error.code == ErrorCode::expired) return GNUTLS_A_CERTIFICATE_EXPIRED;
  if (contains_any(error.detail, kRevoked)) return GNUTLS_A_CERTIFICATE_REVOKED;
  if (contains_any(error.detail, kUntrusted)) return GNUTLS_A_UNKNOWN_CA;
  return GNUTLS_A_BAD_CERTIFICATE;
}

std::optional<Refusal> refusal_for_use(const pki::TrustStore::Verified& peer, bool as_server) {
  if (as_server ? peer.identity.server_auth : peer.identity.client_auth) return std::nullopt;
  return Refusal{GNUTLS_A_UNSUPPORTED_CERTIFICATE,
                 "certificate '" + peer.leaf.subject() +
                     "': RFC 5280 4.2.1.12: extended key usage does not permit a TLS " +
                     (as_server ? "server" : "client")};
}

Refusal refusal_for(gnutls_session_t session, int error) {
  // A server that waits for a certificate is told of an alert as if no certificate had come.
  const bool alerted =
      error == GNUTLS_E_NO_CERTIFICATE_FOUND && gnutls_alert_get(session) != GNUTLS_A_CLOSE_NOTIFY;
  if (alerted || error == GNUTLS_E_FATAL_ALERT_RECEIVED || error == GNUTLS_E_WARNING_ALERT_RECEIVED) {
    return {std::nullopt, received_alert(session)};
  }
  int level = GNUTLS_AL_FATAL;
  const int alert = gnutls_error_to_alert(error, &level);
  const std::string_view words = plain_words(error);
  std::string reason = words.empty() ? std::string(gnutls_strerror(error)) : std::string(words);
  return {static_cast<gnutls_alert_description_t>(alert), std::move(reason)};
}

}  // namespace latchkey::tls
