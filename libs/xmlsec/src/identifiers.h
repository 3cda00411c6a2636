#pragma once
/// Namespaces and algorithm identifiers of XML Signature 1.1 and XML Encryption 1.1, as the W3C writes them
/// (TS-0003 tables 8.5.3.2-1, 8.5.3.2-2 and 8.5.3.3-1 have lost hyphens).
#include <optional>
#include <string_view>
#include <vector>

#include "document.h"
#include "latchkey/crypto/keys.h"
#include "latchkey/jose/algorithms.h"

namespace latchkey::xmlsec {

inline constexpr std::string_view kDs = "http://www.w3.org/2000/09/xmldsig#";
inline constexpr std::string_view kDs11 = "http://www.w3.org/2009/xmldsig11#";
inline constexpr std::string_view kXenc = "http://www.w3.org/2001/04/xmlenc#";
inline constexpr std::string_view kXenc11 = "http://www.w3.org/2009/xmlenc11#";

inline constexpr std::string_view kBase64 = "http://www.w3.org/2000/09/xmldsig#base64";
inline constexpr std::string_view kElementType = "http://www.w3.org/2001/04/xmlenc#Element";
inline constexpr std::string_view kRsaOaep = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
inline constexpr std::string_view kMgf1Sha256 = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
inline constexpr std::string_view kEcdhEs = "http://www.w3.org/2009/xmlenc11#ECDH-ES";
inline constexpr std::string_view kConcatKdf = "http://www.w3.org/2009/xmlenc11#ConcatKDF";
inline constexpr std::string_view kExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";

[[nodiscard]] std::string_view signature_uri(jose::SignatureAlg alg) noexcept;
[[nodiscard]] std::string_view digest_uri(crypto::Hash hash) noexcept;
[[nodiscard]] std::string_view content_uri(jose::Enc enc) noexcept;
/// Of an AES key wrap, alone or after ECDH-ES.
[[nodiscard]] std::string_view wrap_uri(jose::KeyAlg alg) noexcept;
[[nodiscard]] std::string_view curve_uri(crypto::KeyKind curve) noexcept;

/// What a SignatureMethod may mean: that of ECDSA with SHA-256 stands for three curves, and the key decides.
[[nodiscard]] std::vector<jose::SignatureAlg> signature_algs(std::string_view uri, bool printed);
[[nodiscard]] std::optional<crypto::Hash> digest(std::string_view uri) noexcept;
[[nodiscard]] std::optional<jose::Enc> content(std::string_view uri, bool printed);
/// `agreed`: the key of the wrap comes from ECDH-ES.
[[nodiscard]] std::optional<jose::KeyAlg> wrap(std::string_view uri, bool agreed, bool printed);
[[nodiscard]] std::optional<crypto::KeyKind> curve(std::string_view uri) noexcept;
[[nodiscard]] std::optional<Canonical> canonicalization(std::string_view uri) noexcept;

}  // namespace latchkey::xmlsec
