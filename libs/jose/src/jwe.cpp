#include "latchkey/jose/jwe.h"

#include "compact.h"
#include "key_agreement.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::jose {
namespace {

tl::unexpected<Error> unfit(KeyAlg alg) {
  return fail(ErrorCode::unsupported, std::string(to_string(alg)) + " does not fit the key");
}

/// The content key and how it travels.
struct ContentKey {
  SecretBytes cek;
  Bytes encrypted;
};

Result<ContentKey> make_content_key(const crypto::PublicKey& key, KeyAlg alg, Enc enc,
                                    boost::json::object& header) {
  ContentKey out{.cek = crypto::random_secret(key_bytes(enc)), .encrypted = {}};
  if (alg == KeyAlg::rsa_oaep_256) {
    auto encrypted = crypto::rsa_oaep_encrypt(key, out.cek);
    if (!encrypted) return fail(std::move(encrypted.error()));
    out.encrypted = std::move(*encrypted);
    return out;
  }
  if (!is_ecdh(alg)) return unfit(alg);
  auto agreement = agree_as_sender(key, alg);
  if (!agreement) return fail(std::move(agreement.error()));
  auto wrapped = crypto::aes_key_wrap(agreement->wrapping_key, out.cek);
  if (!wrapped) return fail(std::move(wrapped.error()));
  out.encrypted = std::move(*wrapped);
  header.insert_or_assign("epk", std::move(agreement->epk));
  return out;
}

Result<ContentKey> make_content_key(const SecretBytes& key, KeyAlg alg, Enc enc) {
  if (alg == KeyAlg::dir) {
    if (key.size() != key_bytes(enc)) return unfit(alg);
    return ContentKey{.cek = key.duplicate(), .encrypted = {}};
  }
  if (is_ecdh(alg) || wrapping_key_bytes(alg) != key.size()) return unfit(alg);
  ContentKey out{.cek = crypto::random_secret(key_bytes(enc)), .encrypted = {}};
  auto wrapped = crypto::aes_key_wrap(key, out.cek);
  if (!wrapped) return fail(std::move(wrapped.error()));
  out.encrypted = std::move(*wrapped);
  return out;
}

/// The content key of a JWE; the caller hides why it failed from the sender.
Result<SecretBytes> content_key(const crypto::PrivateKey& key, KeyAlg alg, const Jwe& jwe) {
  if (alg == KeyAlg::rsa_oaep_256) return crypto::rsa_oaep_decrypt(key, jwe.encrypted_key);
  const auto wrapping = agree_as_recipient(key, alg, jwe.header.members);
  if (!wrapping) return fail(wrapping.error());
  return crypto::aes_key_unwrap(*wrapping, jwe.encrypted_key);
}

Result<SecretBytes> content_key(const SecretBytes& key, KeyAlg alg, const Jwe& jwe) {
  if (alg != KeyAlg::dir) return crypto::aes_key_unwrap(key, jwe.encrypted_key);
  if (!jwe.encrypted_key.empty()) return fail(ErrorCode::authentication, "dir with an encrypted key");
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

/// A whole text of four parts behind its header.
void append_parts(std::string& text, ByteView encrypted_key, ByteView iv, ByteView sealed) {
  for (const ByteView part : {encrypted_key, iv, sealed.first(sealed.size() - crypto::kGcmTagBytes),
                              sealed.last(crypto::kGcmTagBytes)}) {
    text += '.';
    text += to_base64url(part);
  }
}

}  // namespace

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

Result<SecretBytes> DecryptionKey::open(const Jwe& jwe) const {
  const std::optional<KeyAlg> alg = key_alg(jwe.header.alg);
  const std::optional<Enc> content = enc(jwe.header.enc.value_or(""));
  if (!alg || !algs_.has(*alg)) return fail(ErrorCode::unsupported, "alg is not permitted for this key");
  if (!content || !encs_.has(*content))
    return fail(ErrorCode::unsupported, "enc is not permitted for this key");
  const auto* const pair = std::get_if<crypto::PrivateKey>(&key_);
  if (pair != nullptr ? !fits(*pair, *alg) : !fits(*std::get<1>(key_), *alg, *content)) return unfit(*alg);
  auto cek = pair != nullptr ? content_key(*pair, *alg, jwe) : content_key(*std::get<1>(key_), *alg, jwe);
  // A content key that is missing or of another length is replaced, so that the answer is that of a wrong
  // tag.
  if (!cek || cek->size() != key_bytes(*content)) cek = crypto::random_secret(key_bytes(*content));
  auto plaintext = crypto::aes_gcm_open(*cek, jwe.iv, as_bytes(jwe.aad), jwe.sealed);
  if (!plaintext) return fail(ErrorCode::authentication, "the JWE does not open");
  return plaintext;
}

Result<std::string> EncryptionKey::seal(boost::json::object header, ByteView plaintext) const {
  const auto* const peer = std::get_if<crypto::PublicKey>(&key_);
  auto key = peer != nullptr ? make_content_key(*peer, alg_, enc_, header)
                             : make_content_key(*std::get<1>(key_), alg_, enc_);
  if (!key) return fail(std::move(key.error()));
  std::string text = encode_header(to_string(alg_), to_string(enc_), std::move(header));
  const Bytes iv = crypto::random_bytes(crypto::kGcmNonceBytes);
  const auto sealed = crypto::aes_gcm_seal(key->cek, iv, as_bytes(text), plaintext);
  if (!sealed) return fail(sealed.error());
  append_parts(text, key->encrypted, iv, *sealed);
  return text;
}

}  // namespace latchkey::jose
