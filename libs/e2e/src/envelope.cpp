#include "envelope.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "latchkey/codec/primitive.h"

namespace latchkey::e2e {
namespace {

constexpr jose::Limits kLimits{.octets = kEsDataOctetsMax, .header_octets = 16UL * 1024UL};

SignedEnvelope::Signature signature_of(jose::Header&& header, bool alg_protected, std::string&& signing_input,
                                       Bytes&& octets) {
  SignedEnvelope::Signature out{.kid = header.kid,
                                .media_type = header.cty,
                                .algs = {},
                                .alg_protected = alg_protected,
                                .signing_input = std::move(signing_input),
                                .signature = std::move(octets),
                                .shown = {{"header", header.members}, {"algProtected", alg_protected}}};
  if (const auto alg = jose::signature_alg(header.alg)) out.algs.push_back(*alg);
  return out;
}

Envelope sealed_of(jose::JsonJwe&& jwe) {
  SealedEnvelope out;
  out.enc = jose::enc(jwe.recipients.front().header.enc.value_or(""));
  out.enc_protected = jwe.enc_protected;
  out.nested = nested_form(jwe.protected_cty);
  out.media_type = jwe.protected_cty;
  out.ciphertext_octets = jwe.sealed.size() - crypto::kGcmTagBytes;
  for (const auto& recipient : jwe.recipients)
    out.recipients.push_back({.kid = recipient.header.kid,
                              .alg = jose::key_alg(recipient.header.alg),
                              .shown = {{"header", recipient.header.members},
                                        {"encProtected", jwe.enc_protected},
                                        {"encryptedKeyOctets", recipient.encrypted_key.size()}}});
  out.body = std::move(jwe);
  return Envelope(std::move(out));
}

Result<Envelope> read_compact_jws(std::string_view text) {
  auto jws = jose::parse_jws(text, kLimits);
  if (!jws) return fail(std::move(jws.error()));
  SignedEnvelope out;
  out.payload = std::move(jws->payload);
  out.signatures.push_back(
      signature_of(std::move(jws->header), true, std::string(jws->signing_input), std::move(jws->signature)));
  return Envelope(std::move(out));
}

Result<Envelope> read_compact_jwe(std::string_view text) {
  auto jwe = jose::parse_jwe(text, kLimits);
  if (!jwe) return fail(std::move(jwe.error()));
  jose::JsonJwe out;
  out.enc_protected = true;
  out.protected_cty = jwe->header.cty;
  out.iv = std::move(jwe->iv);
  out.sealed = std::move(jwe->sealed);
  out.tag_input = std::string(jwe->aad);
  out.recipients.push_back(
      {.header = std::move(jwe->header), .encrypted_key = std::move(jwe->encrypted_key)});
  return sealed_of(std::move(out));
}

Result<Envelope> read_json(std::string_view text) {
  // A JWS has no such member; one that has is refused as the JWE that it is not.
  if (text.find("\"ciphertext\"") != std::string_view::npos) {
    auto jwe = jose::parse_json_jwe(text, kLimits);
    if (!jwe) return fail(std::move(jwe.error()));
    return sealed_of(std::move(*jwe));
  }
  auto jws = jose::parse_json_jws(text, kLimits);
  if (!jws) return fail(std::move(jws.error()));
  SignedEnvelope out;
  out.payload = std::move(jws->payload);
  for (auto& it : jws->signatures)
    out.signatures.push_back(signature_of(std::move(it.header), it.alg_protected, std::move(it.signing_input),
                                          std::move(it.signature)));
  return Envelope(std::move(out));
}

/// The name that JOSE has for what stands in XML, for people who compare; the key may still say another
/// curve.
json::object shown_of(const xmlsec::SignedXml::Signature& signature) {
  json::object header{{"SignatureMethod", signature.method},
                      {"CanonicalizationMethod", signature.canonicalization},
                      {"DigestMethod", signature.digest_method}};
  if (!signature.algs.empty()) header["alg"] = jose::to_string(signature.algs.front());
  if (signature.key_name) header["kid"] = *signature.key_name;
  return {{"header", std::move(header)},
          {"algProtected", true},
          {"kidProtected", signature.key_info_signed},
          {"digestsHold", signature.digests_hold}};
}
json::object shown_of(const xmlsec::SealedXml& sealed, const xmlsec::SealedXml::Recipient& recipient) {
  json::object header{{"EncryptionMethod", sealed.method}};
  if (!recipient.method.empty()) header["KeyEncryptionMethod"] = recipient.method;
  if (recipient.alg) header["alg"] = jose::to_string(*recipient.alg);
  if (sealed.enc) header["enc"] = jose::to_string(*sealed.enc);
  if (recipient.key_name) header["kid"] = *recipient.key_name;
  return {{"header", std::move(header)},
          {"encProtected", false},
          {"encryptedKeyOctets", recipient.encrypted_key.size()}};
}

Envelope signed_of(xmlsec::SignedXml&& xml) {
  SignedEnvelope out{.kind = "XML-Signature", .payload = std::move(xml.payload), .signatures = {}};
  for (auto& it : xml.signatures) {
    auto shown = shown_of(it);
    out.signatures.push_back({.kid = std::move(it.key_name),
                              .media_type = xml.media_type,
                              .algs = std::move(it.algs),
                              .alg_protected = true,
                              .digests_hold = it.digests_hold,
                              .signing_input = std::move(it.signing_input),
                              .signature = std::move(it.value),
                              .shown = std::move(shown)});
  }
  return Envelope(std::move(out));
}

Envelope sealed_of(xmlsec::SealedXml&& xml) {
  SealedEnvelope out;
  out.enc = xml.enc;
  out.enc_protected = true;
  if (xml.element) out.nested = EsDataForm::xml;
  out.ciphertext_octets = xml.sealed.size() - crypto::kGcmTagBytes;
  for (const auto& recipient : xml.recipients)
    out.recipients.push_back(
        {.kid = recipient.key_name, .alg = recipient.alg, .shown = shown_of(xml, recipient)});
  out.body = std::move(xml);
  return Envelope(std::move(out));
}

Result<Envelope> read_xml(std::string_view text, bool printed_identifiers) {
  const xmlsec::ReadOptions options{.octets = kEsDataOctetsMax, .printed_identifiers = printed_identifiers};
  // A signature has no such element; a text that has the word is refused as what it is not.
  if (text.find("EncryptedData") != std::string_view::npos) {
    auto sealed = xmlsec::parse_sealed(text, options);
    if (!sealed) return fail(std::move(sealed.error()));
    return sealed_of(std::move(*sealed));
  }
  auto signatures = xmlsec::parse_signed(text, options);
  if (!signatures) return fail(std::move(signatures.error()));
  return signed_of(std::move(*signatures));
}

json::object describe(const SignedEnvelope& envelope) {
  json::array signatures;
  for (const auto& signature : envelope.signatures) {
    json::object one = signature.shown;
    one["signatureOctets"] = signature.signature.size();
    signatures.push_back(std::move(one));
  }
  return {{"kind", envelope.kind},
          {"payloadOctets", envelope.payload.size()},
          {"signatures", std::move(signatures)}};
}

json::object describe(const SealedEnvelope& envelope) {
  json::array recipients;
  for (const auto& recipient : envelope.recipients) recipients.push_back(recipient.shown);
  return {{"kind", std::holds_alternative<jose::JsonJwe>(envelope.body) ? "JWE" : "XML-Encryption"},
          {"ciphertextOctets", envelope.ciphertext_octets},
          {"aadOctets", envelope.aad().size()},
          {"nested", envelope.nested.has_value()},
          {"recipients", std::move(recipients)}};
}

}  // namespace

ByteView SealedEnvelope::aad() const noexcept {
  const auto* const jwe = std::get_if<jose::JsonJwe>(&body);
  return jwe != nullptr ? ByteView(jwe->aad) : ByteView();
}

Result<SecretBytes> SealedEnvelope::open(std::size_t recipient, const jose::DecryptionKey& key) const {
  if (const auto* const jwe = std::get_if<jose::JsonJwe>(&body)) return jose::open_json(*jwe, recipient, key);
  return xmlsec::open(std::get<xmlsec::SealedXml>(body), recipient, key);
}

Result<Envelope> read_envelope(EsDataForm form, std::string_view text, bool printed_identifiers) {
  if (text.size() > kEsDataOctetsMax) return fail(ErrorCode::limit, "ESData envelope of excessive length");
  if (form == EsDataForm::compact)
    return std::ranges::count(text, '.') == 2 ? read_compact_jws(text) : read_compact_jwe(text);
  Bytes octets;
  if (is_base64(form)) {
    auto decoded = from_base64(text);
    if (!decoded) return fail(std::move(decoded.error()));
    octets = std::move(*decoded);
    text = as_text(octets);
  }
  return is_xml(form) ? read_xml(text, printed_identifiers) : read_json(text);
}

std::optional<EsDataForm> nested_form(const std::optional<std::string>& cty) {
  if (!cty) return {};
  std::string type = *cty;
  std::ranges::transform(type, type.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  constexpr std::string_view kApplication = "APPLICATION/";
  if (type.starts_with(kApplication)) type.erase(0, kApplication.size());
  if (type == kNestedCompact || type == "JWT") return EsDataForm::compact;
  if (type == kNestedJson) return EsDataForm::json;
  return {};
}

std::optional<EsDataForm> guess_form(std::string_view text) {
  if (text.starts_with('{')) return EsDataForm::json;
  if (text.starts_with('<')) return EsDataForm::xml;
  const auto dots = std::ranges::count(text, '.');
  if (dots == 2 || dots == 4) return EsDataForm::compact;
  const auto octets = from_base64(text);
  if (octets && as_text(*octets).starts_with('{')) return EsDataForm::json_base64;
  if (octets && as_text(*octets).starts_with('<')) return EsDataForm::xml_base64;
  return {};
}

Result<json::object> inspect_esdata(EsDataForm form, std::string_view text) {
  const auto envelope = read_envelope(form, text, true);
  if (!envelope) return fail(envelope.error());
  return std::visit([](const auto& it) { return describe(it); }, *envelope);
}

}  // namespace latchkey::e2e
