#pragma once
/// The key derivations of TS-0003 10.3. Identifiers are normalised to NFKC UTF-8 first where the clause says
/// so. Pure and thread-safe; the only error is invalid UTF-8 in an identifier (invalid_argument) or a wrong
/// length.
#include <array>
#include <string_view>

#include "latchkey/base/ids.h"
#include "latchkey/base/secret.h"
#include "latchkey/crypto/crypto.h"
#include "latchkey/crypto/keys.h"

namespace latchkey::crypto {

/// RFC 5705 labels and length, 10.3.1.
inline constexpr std::string_view kExporterBootstrap = "EXPORTER-oneM2M-Bootstrap";
inline constexpr std::string_view kExporterConnection = "EXPORTER-oneM2M-Connection";
inline constexpr std::string_view kExporterEsCertKe = "EXPORTER-oneM2M-ESCertKE";
inline constexpr std::size_t kExportedOctets = 48;

/// 10.3.1: the 16 most significant octets are the identifier, the 32 least significant the key.
struct ExportedKey {
  std::array<std::uint8_t, 16> id{};
  SecretBytes key;
};
/// `exported` must hold exactly 48 octets.
[[nodiscard]] Result<ExportedKey> split_exported(const SecretBytes& exported);

/// 10.3.2 Km from Ke for a MAF.
[[nodiscard]] Result<Km> derive_km(const Ke& ke, std::string_view maf_id);
/// 10.3.3 Kpsa from Ke for Enrolee B.
[[nodiscard]] Result<Kpsa> derive_kpsa(const Ke& ke, std::string_view enrolee_b_id);
/// 10.3.6.1 Ke2e_master = HMAC-Hash(Salt, Kpsa); for Kpsa there may stand Km (8.6.2) or a value that the
/// source made (8.6.3). An empty salt is that of RFC 5869 2.2.
[[nodiscard]] SecretBytes derive_ke2e_master(ByteView salt, const SecretBytes& base,
                                             Hash hash = Hash::sha256);
[[nodiscard]] inline SecretBytes derive_ke2e_master(ByteView salt, const Kpsa& kpsa,
                                                    Hash hash = Hash::sha256) {
  return derive_ke2e_master(salt, kpsa.bytes(), hash);
}
/// The keys of table 10.3.6.2-1 in the order of their expansion, and their labels.
enum class EndToEndKey : std::uint8_t { msg_auth, msg_conf, att_auth, att_conf };
inline constexpr std::size_t kEndToEndKeys = 4;
[[nodiscard]] std::string_view label_of(EndToEndKey key) noexcept;
/// 10.3.6.2 expansion: T(1) to T(4).
struct EndToEndKeys {
  SecretBytes msg_auth, msg_conf, att_auth, att_conf;
};
[[nodiscard]] EndToEndKeys expand_ke2e(const SecretBytes& ke2e_master, Hash hash = Hash::sha256);
/// 10.3.7 usage-constrained key; SUID enters as decimal text, the target as FQDN.
[[nodiscard]] Result<SecretBytes> derive_usage_constrained(const Ke& ke, Suid suid,
                                                           std::string_view enrolment_target_fqdn);
/// The FQDN representation of an entity for 10.3.7: a CSE's public domain name; an AE's stem as first label
/// of its CSE part's name (decision 0003); an FQDN itself. `in_cse` as for CseId::public_domain_name.
[[nodiscard]] Result<std::string> enrolment_target_fqdn(const EntityId& target,
                                                        const std::optional<CseId>& in_cse);
/// 10.3.8.2 sessionESPrimKey over the two rand objects as they stand in the primitive.
[[nodiscard]] SecretBytes derive_session_esprim_key(const SecretBytes& pairwise_key, ByteView receiver_rand,
                                                    ByteView originator_rand);
/// What goes into that HMAC, for a pairwise key that stays in a Secure Environment.
[[nodiscard]] Bytes session_esprim_input(ByteView receiver_rand, ByteView originator_rand);
/// The "reserved string" of 8.4.2 A, which no text defines (docs/decisions/0021).
inline constexpr std::string_view kPairwiseEsPrimLabel = "oneM2M ESPrim pairwiseESPrimKey derivation";
/// 8.4.2 A, MAF ESPrim Framework: pairwiseESPrimKey from Kc.
[[nodiscard]] SecretBytes derive_pairwise_esprim_key(const Kc& kc);

}  // namespace latchkey::crypto
