#pragma once
/// JWE compact serialization (RFC 7516 7.1; TS-0003 8.4.3.2, 8.5.3.2, 7.3.2.6).
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "latchkey/jose/algorithms.h"
#include "latchkey/jose/header.h"

namespace latchkey::jose {

/// A parsed JWE, not yet opened. `aad` is a view into the text that was parsed.
struct Jwe {
  Header header;
  std::string_view aad;  ///< the encoded header, which the tag covers
  Bytes encrypted_key;   ///< empty for `dir`
  Bytes iv;              ///< 12 octets
  Bytes sealed;          ///< ciphertext, then the tag of 16 octets
};

/// invalid_argument: not five parts, base64url that is not exact, an IV or tag of wrong length, no `enc`;
/// limit: too long.
[[nodiscard]] Result<Jwe> parse_jwe(std::string_view text, const Limits& limits = {});

/// The five parts of a compact JWE as they stand in the text, of which nothing has been decoded.
struct JweParts {
  std::string_view header, encrypted_key, iv, ciphertext, tag;
};
/// invalid_argument: not five parts; limit: too long.
[[nodiscard]] Result<JweParts> split_jwe(std::string_view text, const Limits& limits = {});

/// The first part of a compact JWE with `dir`: alg and enc, then `members`. Written once for many JWEs.
[[nodiscard]] std::string direct_header(Enc enc, boost::json::object members);

/// Compact JWE with `dir` under a header that was written or read before: for sessions (TS-0003 8.4), which
/// use one key and one header often. The caller has checked alg and enc, and never gives an IV twice to one
/// key. `iv` of 12 octets, `key` of those of enc: else invalid_argument.
[[nodiscard]] Result<std::string> seal_direct(std::string_view encoded_header, const SecretBytes& key,
                                              ByteView iv, ByteView plaintext);
/// The plaintext and the IV. invalid_argument: an encrypted key, base64url that is not exact, a wrong length;
/// authentication: the tag does not verify.
struct DirectlyOpened {
  SecretBytes plaintext;
  Bytes iv;
};
[[nodiscard]] Result<DirectlyOpened> open_direct(const JweParts& parts, const SecretBytes& key);

/// A key with what it may open. Cheap to copy, thread-safe.
class DecryptionKey {
 public:
  DecryptionKey(crypto::PrivateKey key, Permitted<KeyAlg> algs, Permitted<Enc> encs)
      : key_(std::move(key)), algs_(algs), encs_(encs) {}
  /// For `dir` (then its length is that of `enc`) and the AES key wraps.
  DecryptionKey(std::shared_ptr<const SecretBytes> key, Permitted<KeyAlg> algs, Permitted<Enc> encs)
      : key_(std::move(key)), algs_(algs), encs_(encs) {}

  /// unsupported: `alg` or `enc` unknown, not permitted for this key, or of another kind than the key;
  /// authentication: anything else. A wrapped key that does not open is answered exactly as a tag that does
  /// not verify: the sender learns nothing from the difference (RFC 7516 11.5). No plaintext leaves before
  /// the tag is checked.
  [[nodiscard]] Result<SecretBytes> open(const Jwe& jwe) const {
    return open(jwe.header, jwe.aad, jwe.encrypted_key, jwe.iv, jwe.sealed);
  }
  /// `aad`: what the tag covers beside the ciphertext.
  [[nodiscard]] Result<SecretBytes> open(const Header& header, std::string_view aad, ByteView encrypted_key,
                                         ByteView iv, ByteView sealed) const;
  [[nodiscard]] bool symmetric() const noexcept { return key_.index() == 1; }

  /// For another serialization than JOSE: what open() asks, and the key of either kind or nullptr.
  [[nodiscard]] bool permits(KeyAlg alg, Enc enc) const noexcept { return algs_.has(alg) && encs_.has(enc); }
  [[nodiscard]] const crypto::PrivateKey* pair() const noexcept { return std::get_if<0>(&key_); }
  [[nodiscard]] const SecretBytes* secret() const noexcept {
    return symmetric() ? std::get<1>(key_).get() : nullptr;
  }

 private:
  std::variant<crypto::PrivateKey, std::shared_ptr<const SecretBytes>> key_;
  Permitted<KeyAlg> algs_;
  Permitted<Enc> encs_;
};

class EncryptionKey {
 public:
  EncryptionKey(crypto::PublicKey key, KeyAlg alg, Enc enc) : key_(std::move(key)), alg_(alg), enc_(enc) {}
  EncryptionKey(std::shared_ptr<const SecretBytes> key, KeyAlg alg, Enc enc)
      : key_(std::move(key)), alg_(alg), enc_(enc) {}

  /// `header` without `alg`, `enc` and `epk`, which are written here. A fresh content key and IV each time;
  /// with `dir` the caller bounds the number of calls for one key at 2^32 (RFC 7518 8.4).
  [[nodiscard]] Result<std::string> seal(boost::json::object header, ByteView plaintext) const;

  /// A content key on its way to this recipient: `epk` is added to `header` where the algorithm has one.
  /// Empty for `dir`, whose content key is content_key(). unsupported: the algorithm does not fit the key.
  [[nodiscard]] Result<Bytes> wrap(const SecretBytes& content_key, boost::json::object& header) const;
  /// The key itself for `dir`, else a fresh one.
  [[nodiscard]] Result<SecretBytes> content_key() const;
  [[nodiscard]] KeyAlg alg() const noexcept { return alg_; }
  [[nodiscard]] Enc enc() const noexcept { return enc_; }
  [[nodiscard]] bool symmetric() const noexcept { return key_.index() == 1; }

  /// For another serialization than JOSE: the key of either kind or nullptr.
  [[nodiscard]] const crypto::PublicKey* public_key() const noexcept { return std::get_if<0>(&key_); }
  [[nodiscard]] const SecretBytes* secret() const noexcept {
    return symmetric() ? std::get<1>(key_).get() : nullptr;
  }

 private:
  std::variant<crypto::PublicKey, std::shared_ptr<const SecretBytes>> key_;
  KeyAlg alg_;
  Enc enc_;
};

}  // namespace latchkey::jose
