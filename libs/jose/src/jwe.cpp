#include "latchkey/jose/jwe.h"

#include "compact.h"
#include "key_agreement.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::jose {
namespace {

tl::unexpected<Error> unfit(KeyAlg alg) {
  return fail(ErrorCode::unsupported, std::string(to_string(alg)) + " does not fit the key");
}

Result<Bytes> wrap_for(const crypto::PublicKey& key, KeyAlg alg, const SecretBytes& cek,
                       boost::json::object& header) {
  if (alg == KeyAlg::rsa_oaep_256) return crypto::rsa_oaep_encrypt(key, cek);
  if (!is_ecdh(alg)) return unfit(alg);
  auto agreement = agree_as_sender(key, alg);
  if (!agreement) return fail(std::move(agreement.error()));
  header.insert_or_assign("epk", std::move(agreement->epk));
  return crypto::aes_key_wrap(agreement->wrapping_key, cek);
}

Result<Bytes> wrap_for(const SecretBytes& key, KeyAlg alg, const SecretBytes& cek) {
  if (alg == KeyAlg::dir) return Bytes();
  if (is_ecdh(alg) || wrapping_key_bytes(alg) != key.size()) return unfit(alg);
  return crypto::aes_key_wrap(key, cek);
}

/// The content key of a JWE; the caller hides why it failed from the sender.
Result<SecretBytes> content_key(const crypto::PrivateKey& key, KeyAlg alg, const Header& header,
                                ByteView encrypted_key) {
  if (alg == KeyAlg::rsa_oaep_256) return crypto::rsa_oaep_decrypt(key, encrypted_key);
  const auto wrapping = agree_as_recipient(key, alg, header.members);
  if (!wrapping) return fail(wrapping.error());
  return crypto::aes_key_unwrap(*wrapping, encrypted_key);
}

Result<SecretBytes> content_key(const SecretBytes& key, KeyAlg alg, ByteView encrypted_key) {
  if (alg != KeyAlg::dir) return crypto::aes_key_unwrap(key, encrypted_key);
  if (!encrypted_key.empty()) return fail(ErrorCode::authentication, "dir with an encrypted key");
  return key.duplicate();
}

bool fits(const crypto::PrivateKey& key, KeyAlg alg) noexcept {
  return key.kind() == crypto::KeyKind::rsa ? alg == KeyAlg::rsa_oaep_256 : is_ecdh(alg);
}
bool fits(const SecretBytes& key, KeyAlg alg, Enc enc) noexcept {
  return alg == KeyAlg::dir ? key.size() == key_bytes(enc)
                            : !is_ecdh(alg) && wrapping_key_bytes(alg) == key.size();
}

}  // namespace

namespace {

/// Ciphertext, then tag.
Result<Bytes> sealed_octets(std::string_view ciphertext, std::string_view tag) {
  auto sealed = from_base64url(ciphertext);
  const auto mac = from_base64url(tag);
  if (!sealed || !mac) return fail(ErrorCode::invalid_argument, "JWE part that is no base64url");
  if (mac->size() != crypto::kGcmTagBytes)
    return fail(ErrorCode::invalid_argument, "JWE tag of wrong length");
  sealed->insert(sealed->end(), mac->begin(), mac->end());
  return sealed;
}

Result<Bytes> iv_octets(std::string_view text) {
  auto iv = from_base64url(text);
  if (!iv) return fail(ErrorCode::invalid_argument, "JWE part that is no base64url");
  if (iv->size() != crypto::kGcmNonceBytes)
    return fail(ErrorCode::invalid_argument, "JWE IV of wrong length");
  return iv;
}

}  // namespace

void append_parts(std::string& text, ByteView encrypted_key, ByteView iv, ByteView sealed) {
  for (const ByteView part : {encrypted_key, iv, sealed.first(sealed.size() - crypto::kGcmTagBytes),
                              sealed.last(crypto::kGcmTagBytes)}) {
    text += '.';
    text += to_base64url(part);
  }
}

Result<JweParts> split_jwe(std::string_view text, const Limits& limits) {
  const auto parts = split<5>(text, limits);
  if (!parts) return fail(parts.error());
  return JweParts{(*parts)[0], (*parts)[1], (*parts)[2], (*parts)[3], (*parts)[4]};
}

Result<Jwe> parse_jwe(std::string_view text, const Limits& limits) {
  const auto parts = split_jwe(text, limits);
  if (!parts) return fail(parts.error());
  auto header = Header::parse(parts->header, limits);
  if (!header) return fail(std::move(header.error()));
  if (!header->enc) return fail(ErrorCode::invalid_argument, "JWE header without enc");
  auto encrypted_key = from_base64url(parts->encrypted_key);
  if (!encrypted_key) return fail(ErrorCode::invalid_argument, "JWE part that is no base64url");
  auto iv = iv_octets(parts->iv);
  if (!iv) return fail(std::move(iv.error()));
  auto sealed = sealed_octets(parts->ciphertext, parts->tag);
  if (!sealed) return fail(std::move(sealed.error()));
  return Jwe{.header = std::move(*header),
             .aad = parts->header,
             .encrypted_key = std::move(*encrypted_key),
             .iv = std::move(*iv),
             .sealed = std::move(*sealed)};
}

std::string direct_header(Enc enc, boost::json::object members) {
  return encode_header(to_string(KeyAlg::dir), to_string(enc), std::move(members));
}

Result<std::string> seal_direct(std::string_view encoded_header, const SecretBytes& key, ByteView iv,
                                ByteView plaintext) {
  const auto sealed = crypto::aes_gcm_seal(key, iv, as_bytes(encoded_header), plaintext);
  if (!sealed) return fail(sealed.error());
  std::string text;
  text.reserve(encoded_header.size() + (sealed->size() + iv.size()) * 4 / 3 + 12);
  text = encoded_header;
  append_parts(text, {}, iv, *sealed);
  return text;
}

Result<DirectlyOpened> open_direct(const JweParts& parts, const SecretBytes& key) {
  if (!parts.encrypted_key.empty()) return fail(ErrorCode::invalid_argument, "dir with an encrypted key");
  auto iv = iv_octets(parts.iv);
  if (!iv) return fail(std::move(iv.error()));
  const auto sealed = sealed_octets(parts.ciphertext, parts.tag);
  if (!sealed) return fail(sealed.error());
  auto plaintext = crypto::aes_gcm_open(key, *iv, as_bytes(parts.header), *sealed);
  if (!plaintext) return fail(std::move(plaintext.error()));
  return DirectlyOpened{.plaintext = std::move(*plaintext), .iv = std::move(*iv)};
}

Result<SecretBytes> DecryptionKey::open(const Header& header, std::string_view aad, ByteView encrypted_key,
                                        ByteView iv, ByteView sealed) const {
  const std::optional<KeyAlg> alg = key_alg(header.alg);
  const std::optional<Enc> content = enc(header.enc.value_or(""));
  if (!alg || !algs_.has(*alg)) return fail(ErrorCode::unsupported, "alg is not permitted for this key");
  if (!content || !encs_.has(*content))
    return fail(ErrorCode::unsupported, "enc is not permitted for this key");
  const auto* const pair = std::get_if<crypto::PrivateKey>(&key_);
  if (pair != nullptr ? !fits(*pair, *alg) : !fits(*std::get<1>(key_), *alg, *content)) return unfit(*alg);
  auto cek = pair != nullptr ? content_key(*pair, *alg, header, encrypted_key)
                             : content_key(*std::get<1>(key_), *alg, encrypted_key);
  // A content key that is missing or of another length is replaced, so that the answer is that of a wrong
  // tag.
  if (!cek || cek->size() != key_bytes(*content)) cek = crypto::random_secret(key_bytes(*content));
  auto plaintext = crypto::aes_gcm_open(*cek, iv, as_bytes(aad), sealed);
  if (!plaintext) return fail(ErrorCode::authentication, "the JWE does not open");
  return plaintext;
}

Result<SecretBytes> EncryptionKey::content_key() const {
  if (alg_ != KeyAlg::dir) return crypto::random_secret(key_bytes(enc_));
  const auto* const key = std::get_if<1>(&key_);
  if (key == nullptr || (*key)->size() != key_bytes(enc_)) return unfit(alg_);
  return (*key)->duplicate();
}

Result<Bytes> EncryptionKey::wrap(const SecretBytes& content_key, boost::json::object& header) const {
  const auto* const peer = std::get_if<crypto::PublicKey>(&key_);
  return peer != nullptr ? wrap_for(*peer, alg_, content_key, header)
                         : wrap_for(*std::get<1>(key_), alg_, content_key);
}

Result<std::string> EncryptionKey::seal(boost::json::object header, ByteView plaintext) const {
  const auto key = content_key();
  if (!key) return fail(key.error());
  const auto encrypted_key = wrap(*key, header);
  if (!encrypted_key) return fail(encrypted_key.error());
  std::string text = encode_header(to_string(alg_), to_string(enc_), std::move(header));
  const Bytes iv = crypto::random_bytes(crypto::kGcmNonceBytes);
  const auto sealed = crypto::aes_gcm_seal(*key, iv, as_bytes(text), plaintext);
  if (!sealed) return fail(sealed.error());
  append_parts(text, *encrypted_key, iv, *sealed);
  return text;
}

}  // namespace latchkey::jose
