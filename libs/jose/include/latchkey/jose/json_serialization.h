#pragma once
/// The JSON serializations of JWS and JWE, general and flattened (RFC 7515 7.2, RFC 7516 7.2; TS-0003 8.5.3):
/// several signatures of one payload, several recipients of one ciphertext.
#include <boost/json/object.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/jose/jwe.h"
#include "latchkey/jose/jws.h"

namespace latchkey::jose {

inline constexpr std::size_t kJsonSignaturesMax = 16;
inline constexpr std::size_t kJsonRecipientsMax = 64;

/// A parsed JWS, not yet verified.
struct JsonJws {
  struct Signature {
    Header header;               ///< protected and unprotected members together
    bool alg_protected = false;  ///< alg is one that the signature covers
    std::string signing_input;
    Bytes signature;
  };
  Bytes payload;
  std::vector<Signature> signatures;  ///< one at least
};
/// invalid_argument: no JSON, a member missing, of a wrong type or standing twice (also once in each part of
/// a header), general and flattened form at once, base64url that is not exact, an empty signature;
/// unsupported: `crit`, `zip`, `b64`; limit: too long, too many. Unknown members beside are ignored, as the
/// RFC has it.
[[nodiscard]] Result<JsonJws> parse_json_jws(std::string_view text, const Limits& limits = {});

struct JsonSigner {
  const SigningKey* key = nullptr;
  boost::json::object header;  ///< all of it protected; without alg
};
/// Flattened for one, general for more. invalid_argument for none or more than kJsonSignaturesMax.
[[nodiscard]] Result<std::string> sign_json(std::span<const JsonSigner> signers, ByteView payload);

/// A parsed JWE, not yet opened.
struct JsonJwe {
  struct Recipient {
    Header header;  ///< protected, shared and its own members together
    Bytes encrypted_key;
  };
  bool enc_protected = false;                     ///< enc is one that the tag covers
  std::optional<std::string> protected_cty = {};  ///< cty if the tag covers it
  std::vector<Recipient> recipients;              ///< one at least
  Bytes aad;                                      ///< associated data of the sender, authenticated only
  Bytes iv, sealed;
  std::string tag_input;  ///< encoded protected header, and with associated data a dot and that
};
/// As parse_json_jws; and: recipients that name different `enc`s (invalid_argument).
[[nodiscard]] Result<JsonJwe> parse_json_jwe(std::string_view text, const Limits& limits = {});
[[nodiscard]] inline Result<SecretBytes> open_json(const JsonJwe& jwe, std::size_t recipient,
                                                   const DecryptionKey& key) {
  const auto& it = jwe.recipients.at(recipient);
  return key.open(it.header, jwe.tag_input, it.encrypted_key, jwe.iv, jwe.sealed);
}

/// A content key and how it reaches its recipients: wrapped once, for one or many payloads (TS-0003
/// 8.5.2.2.1 B). Immutable, thread-safe; the caller bounds the number of payloads at 2^32.
class ContentKey {
 public:
  struct Recipient {
    EncryptionKey key;
    boost::json::object header;  ///< without alg, enc, epk
  };
  /// All recipients have the same enc. `dir` for a single one only: invalid_argument, as for none, more than
  /// kJsonRecipientsMax and different encs. unsupported: an algorithm that does not fit its key.
  [[nodiscard]] static Result<ContentKey> make(std::vector<Recipient> recipients);

  /// For a single recipient: else invalid_argument. `common` is added to the header.
  [[nodiscard]] Result<std::string> seal_compact(const boost::json::object& common, ByteView plaintext) const;
  /// For one recipient flattened, all of its header protected. For more, enc and `common` are protected, the
  /// rest stands in each recipient's own header.
  [[nodiscard]] Result<std::string> seal_json(const boost::json::object& common, ByteView plaintext,
                                              std::optional<ByteView> aad = {}) const;
  [[nodiscard]] std::size_t recipients() const noexcept { return wrapped_.size(); }

 private:
  struct Wrapped {
    boost::json::object header;  ///< alg and what the caller gave, then epk
    Bytes encrypted_key;
  };
  ContentKey(SecretBytes key, Enc enc, std::vector<Wrapped> wrapped)
      : key_(std::move(key)), enc_(enc), wrapped_(std::move(wrapped)) {}
  [[nodiscard]] std::string single_header(const boost::json::object& common) const;
  void append_recipients(std::string& text) const;
  SecretBytes key_;
  Enc enc_;
  std::vector<Wrapped> wrapped_;
};

}  // namespace latchkey::jose
