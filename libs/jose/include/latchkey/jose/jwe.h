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
  [[nodiscard]] Result<SecretBytes> open(const Jwe& jwe) const;

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

 private:
  std::variant<crypto::PublicKey, std::shared_ptr<const SecretBytes>> key_;
  KeyAlg alg_;
  Enc enc_;
};

}  // namespace latchkey::jose
