#pragma once
/// xenc:AgreementMethod: ECDH-ES with ConcatKDF (XML Encryption 1.1 5.4.1, 5.6.4).
#include <string>

#include "document.h"
#include "latchkey/crypto/keys.h"
#include "latchkey/jose/algorithms.h"
#include "latchkey/xmlsec/encryption.h"

namespace latchkey::xmlsec {

/// Reads into `ephemeral`, `kdf_info` and `key_name`, which is that of RecipientKeyInfo.
[[nodiscard]] Status read_agreement(const Element& element, SealedXml::Recipient& out);

/// A fresh ephemeral key, the wrapping key agreed with it, and the element that tells the recipient.
struct Agreement {
  SecretBytes wrapping_key;
  std::string element;
};
/// unsupported: a key on none of the curves P-256, P-384 and P-521.
[[nodiscard]] Result<Agreement> agree(const crypto::PublicKey& recipient, jose::KeyAlg alg,
                                      std::string_view key_name);

/// Octets of the key of an AES key wrap, alone or after ECDH; 0 for other algorithms.
[[nodiscard]] std::size_t wrapping_key_bytes(jose::KeyAlg alg) noexcept;

}  // namespace latchkey::xmlsec
