#pragma once
/// XML Signature 1.1 over a payload (TS-0003 8.5.3.3): enveloping signatures, one or several of one payload.
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/jose/jws.h"
#include "latchkey/xmlsec/options.h"

namespace latchkey::xmlsec {

/// A parsed signature document, of which nothing has been verified with a key yet.
struct SignedXml {
  struct Signature {
    std::string method, canonicalization, digest_method;  ///< identifiers as they stand
    std::vector<jose::SignatureAlg>
        algs;  ///< what `method` may mean: the key's curve decides; empty: unknown
    std::optional<std::string> key_name;
    /// Every digest of SignedInfo is that of its element. Those elements are the payload and, if the
    /// signature covers it, its own KeyInfo: there is no other.
    bool digests_hold = false;
    bool key_info_signed = false;
    std::string signing_input;  ///< SignedInfo in canonical form
    Bytes value;
  };
  /// What the one ds:Object holds that every signature covers.
  Bytes payload;
  std::optional<std::string> media_type;  ///< of that Object, so that the signatures cover it too
  std::vector<Signature> signatures;      ///< one at least
};

/// One root ds:Signature with the payload in its first Object, which all signatures refer to; further
/// signatures of the same payload stand in its second Object. The payload is taken from the very element
/// whose digest is computed; nothing is looked up by Id.
///
/// invalid_argument: anything else in the document, an Id twice, a Reference to anything but the payload and
/// the KeyInfo beside it, base64 that is not exact; unsupported: a transform other than one canonicalization
/// without comments, a canonicalization with parameters, an HMAC that is cut (HMACOutputLength), a digest
/// that is not SHA-2, RetrievalMethod and other references to keys; limit: too long, too deep, too many.
/// KeyValue and X509Data are not looked at: a document does not say which key is right.
[[nodiscard]] Result<SignedXml> parse_signed(std::string_view text, const ReadOptions& options = {});

struct Signer {
  const jose::SigningKey* key = nullptr;
  std::string key_name;
};
/// The document; each signature covers the payload and the name of its key. `media_type` may be empty.
/// invalid_argument: no signers or more than kXmlSignaturesMax, characters in a name or a media type that are
/// not printable ASCII; unsupported: an algorithm that does not fit its key.
[[nodiscard]] Result<std::string> sign(std::span<const Signer> signers, std::string_view media_type,
                                       ByteView payload);

/// Whether octets are an XML document whose root is ds:Signature: how a nested envelope is told from another
/// payload, since no attribute of EncryptedData is authenticated.
[[nodiscard]] bool holds_signature(ByteView octets);

}  // namespace latchkey::xmlsec
