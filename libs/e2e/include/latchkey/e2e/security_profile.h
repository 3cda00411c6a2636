#pragma once
/// How well an entity wants its messages and its data protected, and by which means (TS-0003 8.6.1.2, 8.6.2,
/// 8.6.3; tables 9.2.3.2-1 and 9.2.3.3-1).
#include <array>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/config.h"
#include "latchkey/base/ids.h"
#include "latchkey/crypto/derivation.h"
#include "latchkey/e2e/security_info.h"

namespace latchkey::e2e {

/// "Low - High" of table 9.2.3.2-1; none: the protection is not required.
enum class Strength : std::uint8_t { none, low, medium, high };
/// Class of cryptographic algorithms, table 9.2.3.3-1: one key for both protections, or a key for each.
enum class ProtectionClass : std::uint8_t { aead, separate_keys };
/// Type of encoding, table 9.2.3.3-1.
enum class ProtectionProtocol : std::uint8_t { jose, xml };

[[nodiscard]] std::string_view to_string(Strength strength) noexcept;
[[nodiscard]] std::string_view to_string(ProtectionClass protection) noexcept;
[[nodiscard]] std::string_view to_string(ProtectionProtocol protocol) noexcept;

inline constexpr std::size_t kScopeOctetsMax = 256;
inline constexpr std::chrono::seconds kNonceLifetimeMax = std::chrono::hours(24);

/// What one entity demands, or what holds between several. The four strengths have the order of
/// crypto::EndToEndKey.
struct SecurityProfile {
  std::array<Strength, crypto::kEndToEndKeys> strengths{};
  std::optional<ProtectionClass> protection = {};   ///< nullopt: no demand; AEAD then
  std::optional<ProtectionProtocol> protocol = {};  ///< nullopt: no demand; JOSE then
  std::string scope = {};  ///< what the keys are for, in the words of the application
  std::optional<std::chrono::seconds> nonce_lifetime = {};  ///< nullopt: no demand; ten minutes then

  [[nodiscard]] Strength operator[](crypto::EndToEndKey key) const {
    return strengths.at(static_cast<std::size_t>(key));
  }
  [[nodiscard]] Strength& operator[](crypto::EndToEndKey key) {
    return strengths.at(static_cast<std::size_t>(key));
  }
  friend bool operator==(const SecurityProfile&, const SecurityProfile&) = default;
};

/// Keys `message_authentication`, `message_confidentiality`, `attribute_integrity`,
/// `attribute_confidentiality`: "none", "low", "medium", "high"; `class`: "aead", "non-aead"; `protocol`:
/// "jose", "xml"; `scope`; `nonce_lifetime`. Problems go to `in`.
[[nodiscard]] SecurityProfile read_security_profile(ConfigReader& in);

/// What satisfies both: the greater strengths, the shorter nonce lifetime; the scope of `a` if it has one.
/// invalid_argument where one wants AEAD and the other does not, or they want different protocols.
[[nodiscard]] Result<SecurityProfile> combine(const SecurityProfile& a, const SecurityProfile& b);

/// Uses of keys that satisfy a profile: ESPrim for messages; ESData encryption, which protects integrity too
/// (8.5.2.1), for attributes, or a MIC where they are not confidential. Empty: it demands nothing.
[[nodiscard]] std::vector<Suid::Use> uses_of(const SecurityProfile& profile);

/// Table 9.2.3.3-1: what is used for keys of one SUID, so far as it does not depend on the keys.
struct ProtectionChoice {
  ProtectionProtocol protocol = ProtectionProtocol::jose;
  ProtectionClass protection = ProtectionClass::aead;
  /// HMAC-Hash of extraction and expansion. SHA-512 where HMAC-SHA-512 needs a key of its length.
  crypto::Hash hash = crypto::Hash::sha256;
  /// The keys that are used, by their algorithm: of authenticity keys the hash of HMAC, of confidentiality
  /// keys the bits of AES (192, 256).
  std::optional<crypto::Hash> message_authenticity = {}, attribute_authenticity = {};
  std::optional<unsigned> message_confidentiality = {}, attribute_confidentiality = {};
  friend bool operator==(const ProtectionChoice&, const ProtectionChoice&) = default;

  [[nodiscard]] bool uses(crypto::EndToEndKey key) const noexcept;
};

/// The table of 8.6.3 c): low AES-192, else AES-256; HMAC-SHA-256, for messages at high with a key of their
/// own HMAC-SHA-512. With AEAD the greater of both strengths counts, and the confidentiality key is the one
/// that is used (10.3.6.2 note 1). `targets`: what is known of the targets' capabilities; where one offers
/// longer keys only, those are chosen. invalid_argument: the profile asks for nothing, or for more than keys
/// of this use give; unsupported naming what a target lacks.
[[nodiscard]] Result<ProtectionChoice> choose(const SecurityProfile& profile, Suid suid,
                                              std::span<const E2eSecInfo> targets = {});
/// Whether a choice made by somebody else is at least what `profile` demands: denied naming what is not.
[[nodiscard]] Status satisfies(const ProtectionChoice& choice, const SecurityProfile& profile, Suid suid);

/// As it travels to a TEF (codec/mmaf.h names the members): strengths, and what else is demanded.
[[nodiscard]] json::object to_json(const SecurityProfile& profile);
/// invalid_argument naming the member. Members other than those of a profile are refused.
[[nodiscard]] Result<SecurityProfile> read_security_profile(const json::object& members);

}  // namespace latchkey::e2e
