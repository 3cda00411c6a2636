#include "latchkey/xmlsec/encryption.h"

#include <algorithm>

#include "agreement.h"
#include "document.h"
#include "identifiers.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::xmlsec {
namespace {

using jose::Enc;
using jose::KeyAlg;

tl::unexpected<Error> bad(std::string why) { return fail(ErrorCode::invalid_argument, std::move(why)); }
tl::unexpected<Error> unsupported(std::string why) { return fail(ErrorCode::unsupported, std::move(why)); }
tl::unexpected<Error> unfit(KeyAlg alg) {
  return unsupported(std::string(to_string(alg)) + " does not fit the key");
}

// --- reading ---

Result<std::string> algorithm_of(const Element& method) {
  if (auto valid = method.only_attributes({"Algorithm"}); !valid) return fail(std::move(valid.error()));
  auto algorithm = method.attribute("Algorithm");
  if (!algorithm) return bad(std::string(method.name()) + " without Algorithm");
  return std::move(*algorithm);
}

/// xenc:CipherData with the octets in it: nothing is fetched from elsewhere.
Result<Bytes> read_cipher_data(Sequence& parts) {
  const auto data = parts.next(kXenc, "CipherData");
  if (!data) return fail(data.error());
  if (auto valid = data->only_attributes({}); !valid) return fail(std::move(valid.error()));
  auto inside = Sequence::of(*data);
  if (!inside) return fail(std::move(inside.error()));
  const auto value = inside->next_if(kXenc, "CipherValue");
  if (!value) {
    if (auto end = inside->end(); !end) return fail(std::move(end.error()));
    return bad("CipherData without a CipherValue");
  }
  if (auto end = inside->end(); !end) return fail(std::move(end.error()));
  if (auto valid = value->only_attributes({}); !valid) return fail(std::move(valid.error()));
  return value->base64();
}

/// Table 8.5.3.2-1: SHA-256 both as digest and in MGF1. What a peer leaves out means SHA-1.
Result<bool> is_oaep_of_table(const Element& method) {
  auto parts = Sequence::of(method);
  if (!parts) return fail(std::move(parts.error()));
  if (parts->next_if(kXenc, "OAEPparams")) return unsupported("EncryptionMethod with OAEPparams");
  bool digest_fits = false, mask_fits = false;
  while (!parts->done()) {
    const auto digest_method = parts->next_if(kDs, "DigestMethod");
    const auto mask = digest_method ? std::nullopt : parts->next_if(kXenc11, "MGF");
    if (!digest_method && !mask) return fail(parts->end().error());
    const auto algorithm = algorithm_of(digest_method ? *digest_method : *mask);
    if (!algorithm) return fail(algorithm.error());
    bool& fits = digest_method ? digest_fits : mask_fits;
    if (fits) return bad("EncryptionMethod with a parameter twice");
    fits = *algorithm == (digest_method ? digest_uri(crypto::Hash::sha256) : kMgf1Sha256);
  }
  return digest_fits && mask_fits;
}

Result<std::string> read_key_name(const Element& element) {
  if (auto valid = element.only_attributes({}); !valid) return fail(std::move(valid.error()));
  return element.text();
}

/// KeyName or AgreementMethod; what else says how a key might be found is not looked at, or refused.
Status read_key_info(const Element& element, SealedXml::Recipient& out, bool& agreed) {
  if (auto valid = element.only_attributes({"Id"}); !valid) return valid;
  auto parts = Sequence::of(element);
  if (!parts) return fail(std::move(parts.error()));
  while (!parts->done()) {
    if (const auto name = parts->next_if(kDs, "KeyName")) {
      if (out.key_name) return bad("KeyInfo that names two keys");
      auto text = read_key_name(*name);
      if (!text) return fail(std::move(text.error()));
      out.key_name = std::move(*text);
    } else if (const auto agreement = parts->next_if(kXenc, "AgreementMethod")) {
      if (out.key_name) return bad("KeyInfo that names two keys");
      if (auto read = read_agreement(*agreement, out); !read) return read;
      agreed = true;
    } else if (!parts->next_if(kDs, "KeyValue") && !parts->next_if(kDs, "X509Data")) {
      return parts->end();
    }
  }
  return {};
}

Result<SealedXml::Recipient> read_encrypted_key(const Element& element, const ReadOptions& options) {
  if (auto valid = element.only_attributes({"Id", "Recipient"}); !valid)
    return fail(std::move(valid.error()));
  SealedXml::Recipient out;
  auto parts = Sequence::of(element);
  if (!parts) return fail(std::move(parts.error()));
  const auto method = parts->next(kXenc, "EncryptionMethod");
  if (!method) return fail(method.error());
  auto algorithm = algorithm_of(*method);
  if (!algorithm) return fail(std::move(algorithm.error()));
  out.method = std::move(*algorithm);
  bool agreed = false;
  if (const auto key_info = parts->next_if(kDs, "KeyInfo"))
    if (auto read = read_key_info(*key_info, out, agreed); !read) return fail(std::move(read.error()));
  if (out.method == kRsaOaep) {
    const auto fits = is_oaep_of_table(*method);
    if (!fits) return fail(fits.error());
    if (*fits && !agreed) out.alg = KeyAlg::rsa_oaep_256;
  } else if (const auto inside = method->children(); !inside) {
    return fail(inside.error());
  } else if (inside->empty()) {
    out.alg = wrap(out.method, agreed, options.printed_identifiers);
  }
  auto octets = read_cipher_data(*parts);
  if (!octets) return fail(std::move(octets.error()));
  if (octets->empty()) return bad("an empty EncryptedKey");
  out.encrypted_key = std::move(*octets);
  if (auto end = parts->end(); !end) return fail(std::move(end.error()));
  return out;
}

/// KeyInfo of EncryptedData: the name of a key that is used directly, or encrypted keys.
Status read_recipients(const Element& element, const ReadOptions& options, SealedXml& out) {
  if (auto valid = element.only_attributes({"Id"}); !valid) return valid;
  auto parts = Sequence::of(element);
  if (!parts) return fail(std::move(parts.error()));
  if (const auto name = parts->next_if(kDs, "KeyName")) {
    if (!parts->done()) return bad("direct mode beside other keys");
    auto text = read_key_name(*name);
    if (!text) return fail(std::move(text.error()));
    SealedXml::Recipient direct;
    direct.alg = KeyAlg::dir;
    direct.key_name = std::move(*text);
    out.recipients.push_back(std::move(direct));
    return {};
  }
  while (const auto key = parts->next_if(kXenc, "EncryptedKey")) {
    if (out.recipients.size() == kXmlRecipientsMax)
      return fail(ErrorCode::limit, "more than " + std::to_string(kXmlRecipientsMax) + " encrypted keys");
    auto recipient = read_encrypted_key(*key, options);
    if (!recipient) return fail(std::move(recipient.error()));
    out.recipients.push_back(std::move(*recipient));
  }
  if (!parts->done() && parts->next_if(kDs, "KeyName")) return bad("direct mode beside other keys");
  return parts->end();
}

Result<SealedXml> read_document(const Document& document, const ReadOptions& options) {
  const Element root = document.root();
  if (!root.is(kXenc, "EncryptedData")) return bad("the root is no EncryptedData");
  if (auto valid = root.only_attributes({"Id", "Type", "MimeType"}); !valid)
    return fail(std::move(valid.error()));
  SealedXml out;
  const auto type = root.attribute("Type");
  if (type && *type != kElementType) return unsupported("EncryptedData of another Type than Element");
  out.element = type.has_value();
  auto parts = Sequence::of(root);
  if (!parts) return fail(std::move(parts.error()));
  const auto method = parts->next(kXenc, "EncryptionMethod");
  if (!method) return fail(method.error());
  auto algorithm = algorithm_of(*method);
  if (!algorithm) return fail(std::move(algorithm.error()));
  out.method = std::move(*algorithm);
  const auto parameters = Sequence::of(*method);
  if (!parameters) return fail(parameters.error());
  if (auto none = parameters->end(); !none) return fail(std::move(none.error()));
  out.enc = content(out.method, options.printed_identifiers);
  const auto key_info = parts->next(kDs, "KeyInfo");
  if (!key_info) return fail(key_info.error());
  if (auto read = read_recipients(*key_info, options, out); !read) return fail(std::move(read.error()));
  if (out.recipients.empty()) return bad("EncryptedData without a key");
  auto octets = read_cipher_data(*parts);
  if (!octets) return fail(std::move(octets.error()));
  if (auto end = parts->end(); !end) return fail(std::move(end.error()));
  if (octets->size() < crypto::kGcmNonceBytes + crypto::kGcmTagBytes)
    return bad("a CipherValue of wrong length");
  const auto split = octets->begin() + crypto::kGcmNonceBytes;
  out.iv.assign(octets->begin(), split);
  out.sealed.assign(split, octets->end());
  return out;
}

// --- opening ---

bool fits(const crypto::PrivateKey& key, const SealedXml::Recipient& recipient) noexcept {
  if (*recipient.alg == KeyAlg::rsa_oaep_256) return key.kind() == crypto::KeyKind::rsa;
  return recipient.ephemeral && key.kind() == recipient.ephemeral->kind();
}
bool fits(const SecretBytes& key, const SealedXml::Recipient& recipient, Enc enc) noexcept {
  if (*recipient.alg == KeyAlg::dir) return key.size() == key_bytes(enc);
  return !recipient.ephemeral && wrapping_key_bytes(*recipient.alg) == key.size();
}

Result<SecretBytes> content_key(const crypto::PrivateKey& key, const SealedXml::Recipient& recipient) {
  if (*recipient.alg == KeyAlg::rsa_oaep_256) return crypto::rsa_oaep_decrypt(key, recipient.encrypted_key);
  const auto shared = crypto::ecdh(key, *recipient.ephemeral);
  if (!shared) return fail(shared.error());
  const auto wrapping = crypto::concat_kdf(*shared, recipient.kdf_info, wrapping_key_bytes(*recipient.alg));
  return crypto::aes_key_unwrap(wrapping, recipient.encrypted_key);
}
Result<SecretBytes> content_key(const SecretBytes& key, const SealedXml::Recipient& recipient) {
  if (*recipient.alg == KeyAlg::dir) return key.duplicate();
  return crypto::aes_key_unwrap(key, recipient.encrypted_key);
}

// --- writing ---

std::string method(std::string_view uri, std::string_view content = {}) {
  std::string out = "<xenc:EncryptionMethod Algorithm=\"";
  out.append(uri).append("\">").append(content);
  return out.append("</xenc:EncryptionMethod>");
}
std::string key_info(std::string_view content) {
  return "<ds:KeyInfo>" + std::string(content) + "</ds:KeyInfo>";
}
std::string key_name(std::string_view name) { return "<ds:KeyName>" + escaped_text(name) + "</ds:KeyName>"; }
std::string cipher_data(ByteView octets) {
  return "<xenc:CipherData><xenc:CipherValue>" + to_base64(octets) + "</xenc:CipherValue></xenc:CipherData>";
}

/// The content key on its way to one recipient: the content of an EncryptedKey.
Result<std::string> wrapped_for(const ContentKey::Recipient& recipient, const SecretBytes& content_key) {
  const KeyAlg alg = recipient.key.alg();
  if (const SecretBytes* const secret = recipient.key.secret(); secret != nullptr) {
    if (alg >= KeyAlg::rsa_oaep_256 || wrapping_key_bytes(alg) != secret->size()) return unfit(alg);
    const auto wrapped = crypto::aes_key_wrap(*secret, content_key);
    if (!wrapped) return fail(wrapped.error());
    return method(wrap_uri(alg)) + key_info(key_name(recipient.key_name)) + cipher_data(*wrapped);
  }
  const crypto::PublicKey& key = *recipient.key.public_key();
  if (alg == KeyAlg::rsa_oaep_256) {
    const auto wrapped = crypto::rsa_oaep_encrypt(key, content_key);
    if (!wrapped) return fail(wrapped.error());
    const std::string parameters =
        "<ds:DigestMethod Algorithm=\"" + std::string(digest_uri(crypto::Hash::sha256)) +
        "\"></ds:DigestMethod><xenc11:MGF Algorithm=\"" + std::string(kMgf1Sha256) + "\"></xenc11:MGF>";
    return method(kRsaOaep, parameters) + key_info(key_name(recipient.key_name)) + cipher_data(*wrapped);
  }
  if (alg < KeyAlg::ecdh_es_a128kw) return unfit(alg);
  const auto agreement = agree(key, alg, recipient.key_name);
  if (!agreement) return fail(agreement.error());
  const auto wrapped = crypto::aes_key_wrap(agreement->wrapping_key, content_key);
  if (!wrapped) return fail(wrapped.error());
  return method(wrap_uri(alg)) + key_info(agreement->element) + cipher_data(*wrapped);
}

bool printable(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

}  // namespace

Result<SealedXml> parse_sealed(std::string_view text, const ReadOptions& options) {
  const auto document = Document::parse(text, options, kEncryptionBounds);
  if (!document) return fail(document.error());
  return read_document(*document, options);
}

Result<SecretBytes> open(const SealedXml& sealed, std::size_t index, const jose::DecryptionKey& key) {
  const SealedXml::Recipient& recipient = sealed.recipients.at(index);
  if (!recipient.alg || !sealed.enc || !key.permits(*recipient.alg, *sealed.enc))
    return unsupported("an algorithm is not permitted for this key");
  const SecretBytes* const secret = key.secret();
  if (secret != nullptr ? !fits(*secret, recipient, *sealed.enc) : !fits(*key.pair(), recipient))
    return unfit(*recipient.alg);
  auto cek = secret != nullptr ? content_key(*secret, recipient) : content_key(*key.pair(), recipient);
  // A content key that is missing or of another length is replaced, so that the answer is that of a wrong
  // tag.
  if (!cek || cek->size() != key_bytes(*sealed.enc)) cek = crypto::random_secret(key_bytes(*sealed.enc));
  auto plaintext = crypto::aes_gcm_open(*cek, sealed.iv, {}, sealed.sealed);
  if (!plaintext) return fail(ErrorCode::authentication, "the EncryptedData does not open");
  return plaintext;
}

Result<ContentKey> ContentKey::make(const std::vector<Recipient>& recipients) {
  if (recipients.empty() || recipients.size() > kXmlRecipientsMax)
    return bad("not 1 to " + std::to_string(kXmlRecipientsMax) + " recipients");
  const jose::EncryptionKey& first = recipients.front().key;
  auto key = first.content_key();
  if (!key) return fail(std::move(key.error()));
  std::string keys;
  for (const Recipient& recipient : recipients) {
    if (recipient.key.enc() != first.enc()) return bad("recipients with different content encryption");
    if (!printable(recipient.key_name)) return bad("a key name that is not printable");
    if (recipient.key.alg() == KeyAlg::dir) {
      if (recipients.size() > 1) return bad("dir with several recipients");
      keys = key_name(recipient.key_name);
      continue;
    }
    auto wrapped = wrapped_for(recipient, *key);
    if (!wrapped) return fail(std::move(wrapped.error()));
    keys += "<xenc:EncryptedKey>" + *wrapped + "</xenc:EncryptedKey>";
  }
  return ContentKey(std::move(*key), first.enc(), key_info(keys));
}

Result<std::string> ContentKey::seal(ByteView plaintext, bool element) const {
  const Bytes iv = crypto::random_bytes(crypto::kGcmNonceBytes);
  const auto sealed = crypto::aes_gcm_seal(key_, iv, {}, plaintext);
  if (!sealed) return fail(sealed.error());
  Bytes value = iv;
  value.insert(value.end(), sealed->begin(), sealed->end());
  std::string text = "<xenc:EncryptedData";
  for (const auto& [prefix, space] : {std::pair{"ds", kDs}, std::pair{"dsig11", kDs11},
                                      std::pair{"xenc", kXenc}, std::pair{"xenc11", kXenc11}})
    if (std::string_view(prefix).size() == 2 || std::string_view(prefix) == "xenc" ||
        key_info_.find("<" + std::string(prefix) + ":") != std::string::npos)
      text.append(" xmlns:").append(prefix).append("=\"").append(space).append("\"");
  if (element) text.append(" Type=\"").append(kElementType).append("\"");
  text.append(">").append(method(content_uri(enc_))).append(key_info_).append(cipher_data(value));
  return text.append("</xenc:EncryptedData>");
}

}  // namespace latchkey::xmlsec
