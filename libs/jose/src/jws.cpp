#include "latchkey/jose/jws.h"

#include "compact.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::jose {
namespace {

using crypto::KeyKind;

bool is_hmac(SignatureAlg alg) noexcept { return alg <= SignatureAlg::hs512; }

/// RFC 7518 3.4 ties each ES algorithm to one curve.
bool fits(KeyKind kind, SignatureAlg alg) noexcept {
  switch (alg) {
    case SignatureAlg::rs256:
    case SignatureAlg::rs384:
    case SignatureAlg::rs512:
      return kind == KeyKind::rsa;
    case SignatureAlg::es256:
      return kind == KeyKind::p256;
    case SignatureAlg::es384:
      return kind == KeyKind::p384;
    case SignatureAlg::es512:
      return kind == KeyKind::p521;
    case SignatureAlg::es256_brainpool_p256r1:
      return kind == KeyKind::brainpool_p256r1;
    case SignatureAlg::es256_frp256v1:
      return kind == KeyKind::frp256v1;
    default:
      return false;
  }
}

tl::unexpected<Error> unfit(SignatureAlg alg) {
  return fail(ErrorCode::unsupported, std::string(to_string(alg)) + " does not fit the key");
}

/// RFC 7518 3.2: a key of the size of the hash at least.
bool fits(const SecretBytes& key, SignatureAlg alg) noexcept {
  return is_hmac(alg) && key.size() >= crypto::hash_bytes(hash_of(alg));
}

Status verify_with(const crypto::PublicKey& key, SignatureAlg alg, ByteView input, ByteView signature) {
  if (!fits(key.kind(), alg)) return unfit(alg);
  return key.kind() == KeyKind::rsa ? crypto::rsa_verify(key, hash_of(alg), input, signature)
                                    : crypto::ecdsa_verify(key, hash_of(alg), input, signature);
}

Status verify_with(const SecretBytes& key, SignatureAlg alg, ByteView input, ByteView signature) {
  if (!fits(key, alg)) return unfit(alg);
  const Bytes mac = crypto::hmac(hash_of(alg), key, input);
  if (!constant_time_equal(mac, signature)) return fail(ErrorCode::authentication, "the MAC does not verify");
  return {};
}

Result<Bytes> sign_with(const crypto::PrivateKey& key, SignatureAlg alg, ByteView input) {
  if (!fits(key.kind(), alg)) return unfit(alg);
  return key.kind() == KeyKind::rsa ? crypto::rsa_sign(key, hash_of(alg), input)
                                    : crypto::ecdsa_sign(key, hash_of(alg), input);
}

Result<Bytes> sign_with(const SecretBytes& key, SignatureAlg alg, ByteView input) {
  if (!fits(key, alg)) return unfit(alg);
  return crypto::hmac(hash_of(alg), key, input);
}

}  // namespace

Result<Jws> parse_jws(std::string_view text, const Limits& limits) {
  const auto parts = split<3>(text, limits);
  if (!parts) return fail(parts.error());
  auto header = Header::parse((*parts)[0], limits);
  if (!header) return fail(std::move(header.error()));
  auto payload = from_base64url((*parts)[1]);
  if (!payload) return fail("JWS payload", std::move(payload.error()));
  auto signature = from_base64url((*parts)[2]);
  if (!signature) return fail("JWS signature", std::move(signature.error()));
  if (signature->empty()) return fail(ErrorCode::invalid_argument, "JWS without a signature");
  return Jws{.header = std::move(*header),
             .signing_input = text.substr(0, (*parts)[0].size() + 1 + (*parts)[1].size()),
             .payload = std::move(*payload),
             .signature = std::move(*signature)};
}

Status VerificationKey::verify(const Header& header, std::string_view signing_input,
                               ByteView signature) const {
  const std::optional<SignatureAlg> alg = signature_alg(header.alg);
  if (!alg) return fail(ErrorCode::unsupported, "alg is not permitted for this key");
  return verify(*alg, signing_input, signature);
}

Status VerificationKey::verify(SignatureAlg alg, std::string_view signing_input, ByteView signature) const {
  if (!algs_.has(alg)) return fail(ErrorCode::unsupported, "alg is not permitted for this key");
  const ByteView input = as_bytes(signing_input);
  if (const auto* key = std::get_if<crypto::PublicKey>(&key_))
    return verify_with(*key, alg, input, signature);
  return verify_with(*std::get<1>(key_), alg, input, signature);
}

bool VerificationKey::fits(SignatureAlg alg) const noexcept {
  const auto* const key = std::get_if<crypto::PublicKey>(&key_);
  return key != nullptr ? jose::fits(key->kind(), alg) : is_hmac(alg);
}

Result<Bytes> SigningKey::signature(std::string_view signing_input) const {
  const auto* const pair = std::get_if<crypto::PrivateKey>(&key_);
  return pair != nullptr ? sign_with(*pair, alg_, as_bytes(signing_input))
                         : sign_with(*std::get<1>(key_), alg_, as_bytes(signing_input));
}

Result<std::string> SigningKey::sign(boost::json::object header, ByteView payload) const {
  if (!in_jose(alg_)) return fail(ErrorCode::unsupported, std::string(to_string(alg_)) + " is not of JOSE");
  std::string text = encode_header(to_string(alg_), {}, std::move(header));
  text += '.';
  text += to_base64url(payload);
  const auto octets = signature(text);
  if (!octets) return fail(octets.error());
  text += '.';
  text += to_base64url(*octets);
  return text;
}

}  // namespace latchkey::jose
