#pragma once
/// The JOSE algorithms of TS-0003 tables 8.5.3.2-1 to 8.5.3.3-2, by the names of RFC 7518.
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "latchkey/crypto/keys.h"

namespace latchkey::jose {

/// The last two are of XML Signature only: JOSE has no name for them (table 8.5.3.3-2).
enum class SignatureAlg : std::uint8_t {
  hs256,
  hs384,
  hs512,
  rs256,
  rs384,
  rs512,
  es256,
  es384,
  es512,
  es256_brainpool_p256r1,
  es256_frp256v1,
};
enum class KeyAlg : std::uint8_t {
  dir,
  a128kw,
  a192kw,
  a256kw,
  rsa_oaep_256,
  ecdh_es_a128kw,
  ecdh_es_a192kw,
  ecdh_es_a256kw,
};
enum class Enc : std::uint8_t { a128gcm, a192gcm, a256gcm };

[[nodiscard]] constexpr bool in_jose(SignatureAlg alg) noexcept { return alg <= SignatureAlg::es512; }
[[nodiscard]] crypto::Hash hash_of(SignatureAlg alg) noexcept;

[[nodiscard]] std::string_view to_string(SignatureAlg alg) noexcept;
[[nodiscard]] std::string_view to_string(KeyAlg alg) noexcept;
[[nodiscard]] std::string_view to_string(Enc enc) noexcept;
/// The alg of a JOSE header.
[[nodiscard]] std::optional<SignatureAlg> signature_alg(std::string_view name) noexcept;
/// What people write for a key: also the two that JOSE does not have.
[[nodiscard]] std::optional<SignatureAlg> named_signature_alg(std::string_view name) noexcept;
[[nodiscard]] std::optional<KeyAlg> key_alg(std::string_view name) noexcept;
[[nodiscard]] std::optional<Enc> enc(std::string_view name) noexcept;

/// Octets of a content encryption key.
[[nodiscard]] std::size_t key_bytes(Enc enc) noexcept;

/// A set of values of one of the enumerations: what a key may be used with. Empty permits nothing.
template <class E>
class Permitted {
 public:
  constexpr Permitted() = default;
  constexpr Permitted(std::initializer_list<E> values) {
    for (const E value : values) bits_ |= bit(value);
  }
  constexpr void add(E value) { bits_ |= bit(value); }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  [[nodiscard]] constexpr bool has(E value) const noexcept { return (bits_ & bit(value)) != 0; }

 private:
  static constexpr std::uint32_t bit(E value) noexcept { return 1U << static_cast<unsigned>(value); }
  std::uint32_t bits_ = 0;
};

}  // namespace latchkey::jose
