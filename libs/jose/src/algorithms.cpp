#include "latchkey/jose/algorithms.h"

#include <array>

namespace latchkey::jose {
namespace {

constexpr std::array<std::string_view, 11> kSignature = {
    "HS256",         "HS384", "HS512", "RS256", "RS384",
    "RS512",         "ES256", "ES384", "ES512", "ES256-brainpoolP256r1",
    "ES256-FRP256v1"};
constexpr std::array<std::string_view, 8> kKey = {
    "dir",          "A128KW",         "A192KW",         "A256KW",
    "RSA-OAEP-256", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"};
constexpr std::array<std::string_view, 3> kEnc = {"A128GCM", "A192GCM", "A256GCM"};

template <class E, std::size_t N>
std::optional<E> find(const std::array<std::string_view, N>& names, std::string_view name) noexcept {
  for (std::size_t i = 0; i < N; ++i)
    if (names.at(i) == name) return static_cast<E>(i);
  return {};
}

}  // namespace

std::string_view to_string(SignatureAlg alg) noexcept { return kSignature.at(static_cast<std::size_t>(alg)); }
std::string_view to_string(KeyAlg alg) noexcept { return kKey.at(static_cast<std::size_t>(alg)); }
std::string_view to_string(Enc enc) noexcept { return kEnc.at(static_cast<std::size_t>(enc)); }

std::optional<SignatureAlg> named_signature_alg(std::string_view name) noexcept {
  return find<SignatureAlg>(kSignature, name);
}
std::optional<SignatureAlg> signature_alg(std::string_view name) noexcept {
  const auto alg = named_signature_alg(name);
  return alg && in_jose(*alg) ? alg : std::nullopt;
}
std::optional<KeyAlg> key_alg(std::string_view name) noexcept { return find<KeyAlg>(kKey, name); }
std::optional<Enc> enc(std::string_view name) noexcept { return find<Enc>(kEnc, name); }

crypto::Hash hash_of(SignatureAlg alg) noexcept {
  // HS, RS and ES come in three sizes each, in this order; the other curves have 256 bits.
  return in_jose(alg) ? static_cast<crypto::Hash>(static_cast<unsigned>(alg) % 3) : crypto::Hash::sha256;
}

std::size_t key_bytes(Enc enc) noexcept { return 16 + 8 * static_cast<std::size_t>(enc); }

}  // namespace latchkey::jose
