#pragma once
/// JWS compact serialization (RFC 7515 7.1; TS-0003 8.5.3.2, 7.3.2.6).
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "latchkey/jose/algorithms.h"
#include "latchkey/jose/header.h"

namespace latchkey::jose {

/// A parsed JWS, not yet verified. `signing_input` is a view into the text that was parsed.
struct Jws {
  Header header;
  std::string_view signing_input;
  Bytes payload;
  Bytes signature;
};

/// invalid_argument: not three parts, base64url that is not exact, an empty signature; limit: too long.
[[nodiscard]] Result<Jws> parse_jws(std::string_view text, const Limits& limits = {});

/// A key with the algorithms that it may verify. Cheap to copy, thread-safe.
class VerificationKey {
 public:
  VerificationKey(crypto::PublicKey key, Permitted<SignatureAlg> algs) : key_(std::move(key)), algs_(algs) {}
  /// For HMAC; shorter than the hash is refused at use (RFC 7518 3.2).
  VerificationKey(std::shared_ptr<const SecretBytes> key, Permitted<SignatureAlg> algs)
      : key_(std::move(key)), algs_(algs) {}

  /// unsupported: `alg` is unknown, not permitted for this key, or of another kind than the key (so an HMAC
  /// is never computed with a public key); authentication: the signature does not verify. HMACs compare in
  /// constant time.
  [[nodiscard]] Status verify(const Jws& jws) const {
    return verify(jws.header, jws.signing_input, jws.signature);
  }
  [[nodiscard]] Status verify(const Header& header, std::string_view signing_input, ByteView signature) const;
  /// The same where another serialization than JOSE names the algorithm.
  [[nodiscard]] Status verify(SignatureAlg alg, std::string_view signing_input, ByteView signature) const;
  /// Whether it is of the kind of the algorithm: for ECDSA, on its curve.
  [[nodiscard]] bool fits(SignatureAlg alg) const noexcept;
  /// An HMAC, which whoever can verify can also make.
  [[nodiscard]] bool symmetric() const noexcept { return key_.index() == 1; }

 private:
  std::variant<crypto::PublicKey, std::shared_ptr<const SecretBytes>> key_;
  Permitted<SignatureAlg> algs_;
};

class SigningKey {
 public:
  SigningKey(crypto::PrivateKey key, SignatureAlg alg) : key_(std::move(key)), alg_(alg) {}
  SigningKey(std::shared_ptr<const SecretBytes> key, SignatureAlg alg) : key_(std::move(key)), alg_(alg) {}

  /// `header` without `alg`, which is written first. unsupported: the algorithm does not fit the key.
  [[nodiscard]] Result<std::string> sign(boost::json::object header, ByteView payload) const;
  /// The signature alone, of what is signed: encoded header, dot, encoded payload; or the SignedInfo of XML.
  [[nodiscard]] Result<Bytes> signature(std::string_view signing_input) const;
  [[nodiscard]] SignatureAlg alg() const noexcept { return alg_; }
  [[nodiscard]] bool symmetric() const noexcept { return key_.index() == 1; }

 private:
  std::variant<crypto::PrivateKey, std::shared_ptr<const SecretBytes>> key_;
  SignatureAlg alg_;
};

}  // namespace latchkey::jose
