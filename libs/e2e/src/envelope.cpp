#include "envelope.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "latchkey/codec/primitive.h"

namespace latchkey::e2e {
namespace {

constexpr jose::Limits kLimits{.octets = kEsDataOctetsMax, .header_octets = 16UL * 1024UL};

Result<Envelope> read_compact_jws(std::string_view text) {
  auto jws = jose::parse_jws(text, kLimits);
  if (!jws) return fail(std::move(jws.error()));
  SignedEnvelope out;
  out.jws.payload = std::move(jws->payload);
  out.jws.signatures.push_back({.header = std::move(jws->header),
                                .alg_protected = true,
                                .signing_input = std::string(jws->signing_input),
                                .signature = std::move(jws->signature)});
  return Envelope(std::move(out));
}

Result<Envelope> read_compact_jwe(std::string_view text) {
  auto jwe = jose::parse_jwe(text, kLimits);
  if (!jwe) return fail(std::move(jwe.error()));
  SealedEnvelope out;
  out.jwe.enc_protected = true;
  out.jwe.protected_cty = jwe->header.cty;
  out.jwe.iv = std::move(jwe->iv);
  out.jwe.sealed = std::move(jwe->sealed);
  out.jwe.tag_input = std::string(jwe->aad);
  out.jwe.recipients.push_back(
      {.header = std::move(jwe->header), .encrypted_key = std::move(jwe->encrypted_key)});
  return Envelope(std::move(out));
}

Result<Envelope> read_json(std::string_view text) {
  // A JWS has no such member; one that has is refused as the JWE that it is not.
  if (text.find("\"ciphertext\"") != std::string_view::npos) {
    auto jwe = jose::parse_json_jwe(text, kLimits);
    if (!jwe) return fail(std::move(jwe.error()));
    return Envelope(SealedEnvelope{std::move(*jwe)});
  }
  auto jws = jose::parse_json_jws(text, kLimits);
  if (!jws) return fail(std::move(jws.error()));
  return Envelope(SignedEnvelope{std::move(*jws)});
}

json::object headers(const jose::Header& header, bool is_protected, const char* name) {
  json::object out{{"header", header.members}};
  out[name] = is_protected;
  return out;
}

json::object describe(const SignedEnvelope& envelope) {
  json::array signatures;
  for (const auto& signature : envelope.jws.signatures) {
    auto one = headers(signature.header, signature.alg_protected, "algProtected");
    one["signatureOctets"] = signature.signature.size();
    signatures.push_back(std::move(one));
  }
  return {
      {"kind", "JWS"}, {"payloadOctets", envelope.jws.payload.size()}, {"signatures", std::move(signatures)}};
}

json::object describe(const SealedEnvelope& envelope) {
  json::array recipients;
  for (const auto& recipient : envelope.jwe.recipients) {
    auto one = headers(recipient.header, envelope.jwe.enc_protected, "encProtected");
    one["encryptedKeyOctets"] = recipient.encrypted_key.size();
    recipients.push_back(std::move(one));
  }
  return {{"kind", "JWE"},
          {"ciphertextOctets", envelope.jwe.sealed.size() - crypto::kGcmTagBytes},
          {"aadOctets", envelope.jwe.aad.size()},
          {"nested", nested_form(envelope.jwe.protected_cty).has_value()},
          {"recipients", std::move(recipients)}};
}

}  // namespace

Result<Envelope> read_envelope(EsDataForm form, std::string_view text) {
  switch (form) {
    case EsDataForm::compact:
      return std::ranges::count(text, '.') == 2 ? read_compact_jws(text) : read_compact_jwe(text);
    case EsDataForm::json:
      return read_json(text);
    case EsDataForm::json_base64:
      break;
  }
  if (text.size() > kEsDataOctetsMax) return fail(ErrorCode::limit, "ESData envelope of excessive length");
  const auto octets = from_base64(text);
  if (!octets) return fail(octets.error());
  return read_json(as_text(*octets));
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
  const auto dots = std::ranges::count(text, '.');
  if (dots == 2 || dots == 4) return EsDataForm::compact;
  if (const auto octets = from_base64(text); octets && as_text(*octets).starts_with('{'))
    return EsDataForm::json_base64;
  return {};
}

Result<json::object> inspect_esdata(EsDataForm form, std::string_view text) {
  const auto envelope = read_envelope(form, text);
  if (!envelope) return fail(envelope.error());
  return std::visit([](const auto& it) { return describe(it); }, *envelope);
}

}  // namespace latchkey::e2e
