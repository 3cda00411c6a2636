#include "latchkey/jose/json_serialization.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "compact.h"
#include "latchkey/codec/primitive.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::jose {
namespace {

namespace json = boost::json;

Result<json::object> parse_object(std::string_view text, const Limits& limits) {
  if (text.size() > limits.octets) return fail(ErrorCode::limit, "JOSE text of excessive length");
  codec::PrimitiveLimits json_limits;
  json_limits.octets = limits.octets;
  auto value = codec::parse_json(text, json_limits);
  if (!value) return fail(ErrorCode::invalid_argument, value.error().detail);
  if (!value->is_object()) return fail(ErrorCode::invalid_argument, "JOSE text is no object");
  return std::move(value->get_object());
}

/// Text, or empty where the member is absent.
Result<std::string_view> text_of(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr) return std::string_view();
  if (!value->is_string()) return fail(ErrorCode::invalid_argument, std::string(name) + " is no text");
  return std::string_view(value->get_string());
}

Result<std::string_view> required_text(const json::object& object, std::string_view name) {
  if (!object.contains(name)) return fail(ErrorCode::invalid_argument, std::string(name) + " is missing");
  return text_of(object, name);
}

Result<Bytes> octets_of(const json::object& object, std::string_view name) {
  const auto text = text_of(object, name);
  if (!text) return fail(text.error());
  auto octets = from_base64url(*text);
  if (!octets) return fail(std::string(name), std::move(octets.error()));
  return octets;
}

/// Adds the members of an unprotected part; a name that another part has is refused.
Status merge(json::object& into, const json::object& object, std::string_view name) {
  const json::value* const part = object.if_contains(name);
  if (part == nullptr) return {};
  if (!part->is_object()) return fail(ErrorCode::invalid_argument, std::string(name) + " is no object");
  for (const auto& [member, value] : part->get_object())
    if (!into.emplace(member, value).second)
      return fail(ErrorCode::invalid_argument, "a header member stands in two parts of the header");
  return {};
}

/// The protected part; absent: empty.
Result<json::object> protected_part(std::string_view encoded, const Limits& limits) {
  if (encoded.empty()) return json::object();
  auto members = header_members(encoded, limits);
  if (members && members->empty())
    return fail(ErrorCode::invalid_argument, "an empty protected header must be absent");
  return members;
}

/// The objects of the list of the general form, or the object itself in the flattened one.
Result<std::vector<const json::object*>> elements(const json::object& object, std::string_view list,
                                                  std::initializer_list<std::string_view> flattened,
                                                  std::size_t most) {
  const json::value* const value = object.if_contains(list);
  if (value == nullptr) return std::vector<const json::object*>{&object};
  for (const std::string_view member : flattened)
    if (object.contains(member))
      return fail(ErrorCode::invalid_argument, "general and flattened form at once");
  if (!value->is_array() || value->get_array().empty())
    return fail(ErrorCode::invalid_argument, std::string(list) + " is no list of objects");
  if (value->get_array().size() > most)
    return fail(ErrorCode::limit, "more than " + std::to_string(most) + " " + std::string(list));
  std::vector<const json::object*> out;
  for (const json::value& element : value->get_array()) {
    if (!element.is_object())
      return fail(ErrorCode::invalid_argument, std::string(list) + " is no list of objects");
    out.push_back(&element.get_object());
  }
  return out;
}

Result<JsonJws::Signature> read_signature(const json::object& element, std::string_view payload,
                                          const Limits& limits) {
  const auto encoded = text_of(element, "protected");
  if (!encoded) return fail(encoded.error());
  auto members = protected_part(*encoded, limits);
  if (!members) return fail(std::move(members.error()));
  const bool alg_protected = members->contains("alg");
  if (auto merged = merge(*members, element, "header"); !merged) return fail(std::move(merged.error()));
  if (members->contains("b64")) return fail(ErrorCode::unsupported, "JWS with a payload that is not encoded");
  auto header = Header::of(std::move(*members));
  if (!header) return fail(std::move(header.error()));
  if (!element.contains("signature")) return fail(ErrorCode::invalid_argument, "signature is missing");
  auto signature = octets_of(element, "signature");
  if (!signature) return fail(std::move(signature.error()));
  if (signature->empty()) return fail(ErrorCode::invalid_argument, "JWS without a signature");
  return JsonJws::Signature{.header = std::move(*header),
                            .alg_protected = alg_protected,
                            .signing_input = std::string(*encoded) + "." + std::string(payload),
                            .signature = std::move(*signature)};
}

Result<JsonJwe::Recipient> read_recipient(const json::object& element, const json::object& common) {
  json::object members = common;
  if (auto merged = merge(members, element, "header"); !merged) return fail(std::move(merged.error()));
  auto header = Header::of(std::move(members));
  if (!header) return fail(std::move(header.error()));
  if (!header->enc) return fail(ErrorCode::invalid_argument, "JWE header without enc");
  auto encrypted_key = octets_of(element, "encrypted_key");
  if (!encrypted_key) return fail(std::move(encrypted_key.error()));
  return JsonJwe::Recipient{.header = std::move(*header), .encrypted_key = std::move(*encrypted_key)};
}

/// IV, and ciphertext with tag.
Status read_ciphertext(JsonJwe& jwe, const json::object& object) {
  if (!object.contains("ciphertext")) return fail(ErrorCode::invalid_argument, "ciphertext is missing");
  auto iv = octets_of(object, "iv");
  if (!iv) return fail(std::move(iv.error()));
  auto sealed = octets_of(object, "ciphertext");
  if (!sealed) return fail(std::move(sealed.error()));
  const auto tag = octets_of(object, "tag");
  if (!tag) return fail(tag.error());
  if (iv->size() != crypto::kGcmNonceBytes)
    return fail(ErrorCode::invalid_argument, "JWE IV of wrong length");
  if (tag->size() != crypto::kGcmTagBytes)
    return fail(ErrorCode::invalid_argument, "JWE tag of wrong length");
  sealed->insert(sealed->end(), tag->begin(), tag->end());
  jwe.iv = std::move(*iv);
  jwe.sealed = std::move(*sealed);
  return {};
}

/// `"name":"value"` with a value that needs no escaping.
void append_member(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != '{') out += ',';
  out.append("\"").append(name).append("\":\"").append(value).append("\"");
}

}  // namespace

Result<JsonJws> parse_json_jws(std::string_view text, const Limits& limits) {
  const auto object = parse_object(text, limits);
  if (!object) return fail(object.error());
  const auto encoded = required_text(*object, "payload");
  if (!encoded) return fail(encoded.error());
  auto payload = from_base64url(*encoded);
  if (!payload) return fail("payload", std::move(payload.error()));
  const auto list = elements(*object, "signatures", {"signature", "protected", "header"}, kJsonSignaturesMax);
  if (!list) return fail(list.error());
  JsonJws jws{.payload = std::move(*payload), .signatures = {}};
  for (const json::object* element : *list) {
    auto signature = read_signature(*element, *encoded, limits);
    if (!signature) return fail(std::move(signature.error()));
    jws.signatures.push_back(std::move(*signature));
  }
  return jws;
}

Result<std::string> sign_json(std::span<const JsonSigner> signers, ByteView payload) {
  if (signers.empty() || signers.size() > kJsonSignaturesMax)
    return fail(ErrorCode::invalid_argument,
                "not 1 to " + std::to_string(kJsonSignaturesMax) + " signatures of one payload");
  const std::string encoded = to_base64url(payload);
  std::string text = "{";
  append_member(text, "payload", encoded);
  if (signers.size() > 1) text += ",\"signatures\":[{";
  for (const JsonSigner& signer : signers) {
    if (!in_jose(signer.key->alg()))
      return fail(ErrorCode::unsupported, std::string(to_string(signer.key->alg())) + " is not of JOSE");
    std::string input = encode_header(to_string(signer.key->alg()), {}, json::object(signer.header));
    const std::size_t header_size = input.size();
    input.append(".").append(encoded);
    const auto signature = signer.key->signature(input);
    if (!signature) return fail(signature.error());
    if (&signer != &signers.front()) text += "},{";
    append_member(text, "protected", std::string_view(input).substr(0, header_size));
    append_member(text, "signature", to_base64url(*signature));
  }
  return text + (signers.size() > 1 ? "}]}" : "}");
}

Result<JsonJwe> parse_json_jwe(std::string_view text, const Limits& limits) {
  const auto object = parse_object(text, limits);
  if (!object) return fail(object.error());
  const auto encoded = text_of(*object, "protected");
  if (!encoded) return fail(encoded.error());
  auto common = protected_part(*encoded, limits);
  if (!common) return fail(std::move(common.error()));
  const json::value* const cty = common->if_contains("cty");
  JsonJwe jwe{.enc_protected = common->contains("enc"),
              .protected_cty = cty != nullptr && cty->is_string()
                                   ? std::optional<std::string>(cty->get_string())
                                   : std::nullopt,
              .recipients = {},
              .aad = {},
              .iv = {},
              .sealed = {},
              .tag_input = std::string(*encoded)};
  if (auto merged = merge(*common, *object, "unprotected"); !merged) return fail(std::move(merged.error()));
  const auto list = elements(*object, "recipients", {"encrypted_key", "header"}, kJsonRecipientsMax);
  if (!list) return fail(list.error());
  for (const json::object* element : *list) {
    auto recipient = read_recipient(*element, *common);
    if (!recipient) return fail(std::move(recipient.error()));
    if (!jwe.recipients.empty() && recipient->header.enc != jwe.recipients.front().header.enc)
      return fail(ErrorCode::invalid_argument, "recipients of different enc");
    jwe.recipients.push_back(std::move(*recipient));
  }
  if (object->contains("aad")) {
    auto aad = octets_of(*object, "aad");
    if (!aad) return fail(std::move(aad.error()));
    jwe.tag_input.append(".").append(*text_of(*object, "aad"));
    jwe.aad = std::move(*aad);
  }
  if (auto read = read_ciphertext(jwe, *object); !read) return fail(std::move(read.error()));
  return jwe;
}

Result<ContentKey> ContentKey::make(std::vector<Recipient> recipients) {
  if (recipients.empty() || recipients.size() > kJsonRecipientsMax)
    return fail(ErrorCode::invalid_argument,
                "not 1 to " + std::to_string(kJsonRecipientsMax) + " recipients of one payload");
  const Enc enc = recipients.front().key.enc();
  for (const Recipient& recipient : recipients) {
    if (recipient.key.enc() != enc) return fail(ErrorCode::invalid_argument, "recipients of different enc");
    if (recipient.key.alg() == KeyAlg::dir && recipients.size() > 1)
      return fail(ErrorCode::invalid_argument, "dir is for a single key");
  }
  auto key = recipients.front().key.content_key();
  if (!key) return fail(std::move(key.error()));
  std::vector<Wrapped> wrapped;
  for (Recipient& recipient : recipients) {
    Wrapped one{.header = {{"alg", to_string(recipient.key.alg())}}, .encrypted_key = {}};
    for (auto& member : recipient.header) one.header.emplace(member.key(), std::move(member.value()));
    auto encrypted = recipient.key.wrap(*key, one.header);
    if (!encrypted) return fail(std::move(encrypted.error()));
    one.encrypted_key = std::move(*encrypted);
    wrapped.push_back(std::move(one));
  }
  return ContentKey(std::move(*key), enc, std::move(wrapped));
}

std::string ContentKey::single_header(const json::object& common) const {
  json::object members = wrapped_.front().header;
  const std::string alg(std::string_view(members.at("alg").get_string()));
  members.erase("alg");
  for (const auto& [name, value] : common) members.emplace(name, value);
  return encode_header(alg, to_string(enc_), std::move(members));
}

Result<std::string> ContentKey::seal_compact(const json::object& common, ByteView plaintext) const {
  if (wrapped_.size() != 1)
    return fail(ErrorCode::invalid_argument, "compact serialization is for a single recipient");
  std::string text = single_header(common);
  const Bytes iv = crypto::random_bytes(crypto::kGcmNonceBytes);
  const auto sealed = crypto::aes_gcm_seal(key_, iv, as_bytes(text), plaintext);
  if (!sealed) return fail(sealed.error());
  append_parts(text, wrapped_.front().encrypted_key, iv, *sealed);
  return text;
}

/// Each recipient's own header with its wrapped content key.
void ContentKey::append_recipients(std::string& text) const {
  char before = '[';
  text += ",\"recipients\":";
  for (const Wrapped& one : wrapped_) {
    (text += std::exchange(before, ',')).append("{\"header\":").append(json::serialize(one.header));
    append_member(text, "encrypted_key", to_base64url(one.encrypted_key));
    text += '}';
  }
  text += ']';
}

Result<std::string> ContentKey::seal_json(const json::object& common, ByteView plaintext,
                                          std::optional<ByteView> aad) const {
  const bool single = wrapped_.size() == 1;
  const std::string protected_text =
      single ? single_header(common) : encode_header({}, to_string(enc_), json::object(common));
  std::string tag_input = protected_text;
  if (aad) tag_input.append(".").append(to_base64url(*aad));
  const Bytes iv = crypto::random_bytes(crypto::kGcmNonceBytes);
  const auto sealed = crypto::aes_gcm_seal(key_, iv, as_bytes(tag_input), plaintext);
  if (!sealed) return fail(sealed.error());
  const ByteView octets(*sealed);
  std::string text = "{";
  text.reserve(octets.size() * 4 / 3 + 512 * (1 + wrapped_.size()));
  append_member(text, "protected", protected_text);
  if (!single) append_recipients(text);
  if (single && !wrapped_.front().encrypted_key.empty())
    append_member(text, "encrypted_key", to_base64url(wrapped_.front().encrypted_key));
  if (aad) append_member(text, "aad", to_base64url(*aad));
  append_member(text, "iv", to_base64url(iv));
  append_member(text, "ciphertext", to_base64url(octets.first(octets.size() - crypto::kGcmTagBytes)));
  append_member(text, "tag", to_base64url(octets.last(crypto::kGcmTagBytes)));
  return text + "}";
}

}  // namespace latchkey::jose
