#include "suites.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace latchkey::tls {
namespace {

constexpr std::array<Suite, 4> kSuites = {{
    {kPskAes128CbcSha256, "TLS_PSK_WITH_AES_128_CBC_SHA256", KeyExchange::psk, "+AES-128-CBC:+SHA256",
     GNUTLS_CIPHER_AES_128_CBC},
    {kEcdheEcdsaAes128CbcSha256, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", KeyExchange::certificate,
     "+AES-128-CBC:+SHA256", GNUTLS_CIPHER_AES_128_CBC},
    {0x00a8, "TLS_PSK_WITH_AES_128_GCM_SHA256", KeyExchange::psk, "+AES-128-GCM:+AEAD",
     GNUTLS_CIPHER_AES_128_GCM},
    {0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", KeyExchange::certificate, "+AES-128-GCM:+AEAD",
     GNUTLS_CIPHER_AES_128_GCM},
}};

struct FreePriority {
  void operator()(gnutls_priority_t priority) const noexcept { gnutls_priority_deinit(priority); }
};
using PriorityPtr = std::unique_ptr<std::remove_pointer_t<gnutls_priority_t>, FreePriority>;

std::string priority_text(std::span<const Suite* const> suites) {
  // TS-0003 10.2.1: TLS 1.2 alone. 10.1.1.1: secp256r1 and ECDSA with SHA-256 alone.
  std::string text = "NONE:+COMP-NULL:+SIGN-ECDSA-SHA256:+GROUP-SECP256R1:+VERS-TLS1.2";
  text += suites.front()->key_exchange == KeyExchange::psk ? ":+PSK" : ":+ECDHE-ECDSA:+CTYPE-X509";
  for (const Suite* suite : suites) text.append(":").append(suite->cipher);
  return text;
}

}  // namespace

std::string_view suite_name(std::uint16_t suite) noexcept {
  const Suite* known = find_suite(suite);
  return known == nullptr ? std::string_view("unknown") : known->name;
}

const Suite* find_suite(std::uint16_t id) noexcept {
  const auto* found =
      std::find_if(kSuites.begin(), kSuites.end(), [id](const Suite& suite) { return suite.id == id; });
  return found == kSuites.end() ? nullptr : found;
}

const Suite* negotiated_suite(gnutls_session_t session) noexcept {
  // The priorities leave one MAC for each cipher, so key exchange and cipher name the suite.
  const auto kx = gnutls_kx_get(session);
  const auto cipher = gnutls_cipher_get(session);
  const auto* found = std::find_if(kSuites.begin(), kSuites.end(), [&](const Suite& suite) {
    return cipher == suite.algorithm &&
           kx == (suite.key_exchange == KeyExchange::psk ? GNUTLS_KX_PSK : GNUTLS_KX_ECDHE_ECDSA);
  });
  return found == kSuites.end() ? nullptr : found;
}

Result<std::vector<const Suite*>> usable_suites(const SuitePolicy& policy, bool with_psk,
                                                bool with_certificate) {
  std::vector<const Suite*> usable;
  for (auto at = policy.suites.begin(); at != policy.suites.end(); ++at) {
    const Suite* suite = find_suite(*at);
    if (suite == nullptr) {
      return fail(ErrorCode::invalid_argument, "unknown cipher suite " + std::to_string(*at));
    }
    if (std::find(policy.suites.begin(), at, *at) != at) {
      return fail(ErrorCode::invalid_argument, "cipher suite is named twice: " + std::string(suite->name));
    }
    if (suite->key_exchange == KeyExchange::psk ? with_psk : with_certificate) usable.push_back(suite);
  }
  if (usable.empty()) {
    return fail(ErrorCode::invalid_argument, "no cipher suite remains for the credentials that are there");
  }
  return usable;
}

Result<gnutls_priority_t> priority_for(std::span<const Suite* const> suites) {
  static std::mutex mutex;
  static std::map<std::vector<std::uint16_t>, PriorityPtr> cache;
  std::vector<std::uint16_t> ids(suites.size());
  std::ranges::transform(suites, ids.begin(), &Suite::id);
  const std::lock_guard lock(mutex);
  auto& entry = cache[std::move(ids)];
  if (!entry) {
    const std::string text = priority_text(suites);
    gnutls_priority_t made = nullptr;
    if (const int error = gnutls_priority_init(&made, text.c_str(), nullptr); error != 0) {
      return fail(ErrorCode::io, "GnuTLS refuses the priority " + text + ": " + gnutls_strerror(error));
    }
    entry.reset(made);
  }
  return entry.get();
}

}  // namespace latchkey::tls
