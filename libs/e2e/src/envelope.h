#pragma once
/// An envelope of any form, read without keys. What serializations have in common is here; only opening knows
/// which one it is.
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "latchkey/crypto/crypto.h"
#include "latchkey/e2e/esdata.h"
#include "latchkey/xmlsec/encryption.h"
#include "latchkey/xmlsec/signature.h"

namespace latchkey::e2e {

struct SignedEnvelope {
  struct Signature {
    std::optional<std::string> kid, media_type;
    /// What its algorithm identifier may mean: several where the curve of the key decides, none where it is
    /// of no table.
    std::vector<jose::SignatureAlg> algs;
    bool alg_protected = false;  ///< the signature covers the identifier
    bool digests_hold = true;    ///< of XML: what SignedInfo says of the payload is so
    std::string signing_input;
    Bytes signature;
    json::object shown;  ///< for inspect
  };
  const char* kind = "JWS";
  Bytes payload;
  std::vector<Signature> signatures;
};

struct SealedEnvelope {
  struct Recipient {
    std::optional<std::string> kid;
    std::optional<jose::KeyAlg> alg;
    json::object shown;
  };
  std::variant<jose::JsonJwe, xmlsec::SealedXml> body;
  std::optional<jose::Enc> enc;
  /// Whoever changes the identifier is found out: by the tag, or in XML since the length of the content key
  /// is that of the algorithm.
  bool enc_protected = false;
  std::optional<EsDataForm> nested;       ///< form of the signature inside
  std::optional<std::string> media_type;  ///< if the tag covers it
  std::vector<Recipient> recipients;
  std::size_t ciphertext_octets = 0;

  [[nodiscard]] bool is_xml() const noexcept { return body.index() == 1; }
  [[nodiscard]] ByteView aad() const noexcept;
  [[nodiscard]] Result<SecretBytes> open(std::size_t recipient, const jose::DecryptionKey& key) const;
};
using Envelope = std::variant<SignedEnvelope, SealedEnvelope>;

/// unsupported: what the form has and is not offered; invalid_argument and limit for everything else.
/// `printed_identifiers`: see xmlsec::ReadOptions.
[[nodiscard]] Result<Envelope> read_envelope(EsDataForm form, std::string_view text,
                                             bool printed_identifiers);

/// The form of a JWS inside, by cty (RFC 7515 4.1.9, RFC 7516 4.1.12); nullopt: the plaintext is the payload.
[[nodiscard]] std::optional<EsDataForm> nested_form(const std::optional<std::string>& cty);
inline constexpr std::string_view kNestedCompact = "JOSE";
inline constexpr std::string_view kNestedJson = "JOSE+JSON";

[[nodiscard]] constexpr bool is_xml(EsDataForm form) noexcept { return form >= EsDataForm::xml; }
[[nodiscard]] constexpr bool is_base64(EsDataForm form) noexcept {
  return form == EsDataForm::json_base64 || form == EsDataForm::xml_base64;
}

}  // namespace latchkey::e2e
