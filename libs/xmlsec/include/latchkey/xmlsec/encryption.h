#pragma once
/// XML Encryption 1.1 of a payload (TS-0003 8.5.3.2): AES-GCM content, its key used directly, wrapped, under
/// RSA-OAEP or by ECDH-ES. XML Encryption authenticates nothing but the ciphertext.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/jose/jwe.h"
#include "latchkey/xmlsec/options.h"

namespace latchkey::xmlsec {

/// A parsed xenc:EncryptedData, not yet opened.
struct SealedXml {
  struct Recipient {
    std::string method;               ///< identifier as it stands; empty for direct mode
    std::optional<jose::KeyAlg> alg;  ///< what it means, with what stands beside it; nullopt: not offered
    std::optional<std::string> key_name;
    Bytes encrypted_key;                         ///< empty for direct mode
    std::optional<crypto::PublicKey> ephemeral;  ///< of ECDH-ES
    Bytes kdf_info;                              ///< AlgorithmID, PartyUInfo, PartyVInfo of ConcatKDF
  };
  std::string method;  ///< of the content
  std::optional<jose::Enc> enc;
  bool element = false;  ///< Type says that an element was encrypted. Nothing protects it
  Bytes iv, sealed;      ///< sealed: ciphertext, then the tag of 16 octets
  std::vector<Recipient> recipients;
};

/// invalid_argument: not of this form, a wrong length, an encrypted key beside a direct one; unsupported:
/// CipherReference, RetrievalMethod and other references, EncryptionProperties, OAEPparams, a Type other than
/// Element, a curve or digest that is not offered; limit: too long, too deep, more than kXmlRecipientsMax
/// keys. Algorithms that are not of TS-0003 are kept as method without alg or enc.
[[nodiscard]] Result<SealedXml> parse_sealed(std::string_view text, const ReadOptions& options = {});

/// As jose::DecryptionKey::open. unsupported: not permitted for this key; authentication: anything else, the
/// same for every cause. No plaintext leaves before the tag is checked.
[[nodiscard]] Result<SecretBytes> open(const SealedXml& sealed, std::size_t recipient,
                                       const jose::DecryptionKey& key);

/// A content key and how it reaches its recipients: wrapped once, for one or many payloads (TS-0003
/// 8.5.2.2.1 B). Immutable, thread-safe; the caller bounds the number of payloads at 2^32.
class ContentKey {
 public:
  struct Recipient {
    jose::EncryptionKey key;
    std::string key_name;  ///< printable ASCII
  };
  /// All recipients have the same enc. `dir` for a single one only: invalid_argument, as for none, more than
  /// kXmlRecipientsMax and different encs. unsupported: an algorithm that does not fit its key.
  [[nodiscard]] static Result<ContentKey> make(const std::vector<Recipient>& recipients);

  /// `element`: the plaintext is an XML element.
  [[nodiscard]] Result<std::string> seal(ByteView plaintext, bool element) const;

 private:
  ContentKey(SecretBytes key, jose::Enc enc, std::string key_info)
      : key_(std::move(key)), enc_(enc), key_info_(std::move(key_info)) {}
  SecretBytes key_;
  jose::Enc enc_;
  std::string key_info_;
};

}  // namespace latchkey::xmlsec
