#include "agreement.h"

#include <algorithm>
#include <array>

#include "identifiers.h"

namespace latchkey::xmlsec {
namespace {

tl::unexpected<Error> bad(std::string why) { return fail(ErrorCode::invalid_argument, std::move(why)); }
tl::unexpected<Error> unsupported(std::string why) { return fail(ErrorCode::unsupported, std::move(why)); }

Status require_algorithm(const Element& element, std::string_view uri) {
  if (auto valid = element.only_attributes({"Algorithm"}); !valid) return valid;
  if (element.attribute("Algorithm") != uri)
    return unsupported(std::string(element.name()) + " is not " + std::string(uri));
  return {};
}

/// The only child of an element without attributes.
Result<Element> only_child(const Element& parent, std::string_view space, std::string_view name) {
  if (auto valid = parent.only_attributes({}); !valid) return fail(std::move(valid.error()));
  auto parts = Sequence::of(parent);
  if (!parts) return fail(std::move(parts.error()));
  auto child = parts->next(space, name);
  if (!child) return child;
  if (auto end = parts->end(); !end) return fail(std::move(end.error()));
  return child;
}

/// A bit string in hex, whose first octet counts the bits that are not there. Only whole octets are offered.
Status append_bits(Bytes& out, std::string_view hex) {
  if (hex.empty()) return {};
  const auto octets = from_hex(hex);
  if (!octets) return bad("ConcatKDFParams that are no hex");
  if (octets->front() != 0) return unsupported("ConcatKDFParams of broken octets");
  out.insert(out.end(), octets->begin() + 1, octets->end());
  return {};
}

/// Both cases are legal in hex. Mixed, one value would have many texts.
bool of_one_case(std::string_view hex) {
  const bool upper = std::ranges::any_of(hex, [](char c) { return c >= 'A' && c <= 'F'; });
  const bool lower = std::ranges::any_of(hex, [](char c) { return c >= 'a' && c <= 'f'; });
  return !(upper && lower);
}

Status read_derivation(const Element& element, Bytes& info) {
  if (auto valid = require_algorithm(element, kConcatKdf); !valid) return valid;
  auto parts = Sequence::of(element);
  if (!parts) return fail(std::move(parts.error()));
  const auto parameters = parts->next(kXenc11, "ConcatKDFParams");
  if (!parameters) return fail(parameters.error());
  if (auto end = parts->end(); !end) return end;
  if (auto valid = parameters->only_attributes({"AlgorithmID", "PartyUInfo", "PartyVInfo"}); !valid)
    return valid;
  std::string all;
  for (const auto* name : {"AlgorithmID", "PartyUInfo", "PartyVInfo"}) {
    const std::string hex = parameters->attribute(name).value_or("");
    if (auto added = append_bits(info, hex); !added) return added;
    all += hex;
  }
  if (!of_one_case(all)) return bad("ConcatKDFParams that are no hex of one case");
  auto inside = Sequence::of(*parameters);
  if (!inside) return fail(std::move(inside.error()));
  const auto method = inside->next(kDs, "DigestMethod");
  if (!method) return fail(method.error());
  if (auto end = inside->end(); !end) return end;
  return require_algorithm(*method, digest_uri(crypto::Hash::sha256));
}

/// ds:KeyValue with a named curve; an explicit one is never taken.
Result<crypto::PublicKey> read_ephemeral(const Element& originator) {
  const auto value = only_child(originator, kDs, "KeyValue");
  if (!value) return fail(value.error());
  const auto key = only_child(*value, kDs11, "ECKeyValue");
  if (!key) return fail(key.error());
  if (auto valid = key->only_attributes({}); !valid) return fail(std::move(valid.error()));
  auto parts = Sequence::of(*key);
  if (!parts) return fail(std::move(parts.error()));
  const auto named = parts->next(kDs11, "NamedCurve");
  if (!named) return fail(named.error());
  if (auto valid = named->only_attributes({"URI"}); !valid) return fail(std::move(valid.error()));
  const auto kind = curve(named->attribute("URI").value_or(""));
  if (!kind) return unsupported("an ephemeral key on another curve");
  const auto element = parts->next(kDs11, "PublicKey");
  if (!element) return fail(element.error());
  if (auto end = parts->end(); !end) return fail(std::move(end.error()));
  if (auto valid = element->only_attributes({}); !valid) return fail(std::move(valid.error()));
  const auto octets = element->base64();
  if (!octets) return fail(octets.error());
  const std::size_t half = crypto::coordinate_bytes(*kind);
  if (octets->size() != 1 + 2 * half || octets->front() != 4) return bad("an ephemeral key of wrong form");
  const ByteView point(*octets);
  return crypto::PublicKey::from_point(*kind, point.subspan(1, half), point.last(half));
}

std::string bits(std::string_view text) { return "00" + to_hex(as_bytes(text)); }

}  // namespace

std::size_t wrapping_key_bytes(jose::KeyAlg alg) noexcept {
  constexpr std::array<std::size_t, 8> octets = {0, 16, 24, 32, 0, 16, 24, 32};
  return octets.at(static_cast<std::size_t>(alg));
}

Status read_agreement(const Element& element, SealedXml::Recipient& out) {
  if (auto valid = require_algorithm(element, kEcdhEs); !valid) return valid;
  auto parts = Sequence::of(element);
  if (!parts) return fail(std::move(parts.error()));
  const auto derivation = parts->next(kXenc11, "KeyDerivationMethod");
  if (!derivation) return fail(derivation.error());
  if (auto read = read_derivation(*derivation, out.kdf_info); !read) return read;
  const auto originator = parts->next(kXenc, "OriginatorKeyInfo");
  if (!originator) return fail(originator.error());
  auto ephemeral = read_ephemeral(*originator);
  if (!ephemeral) return fail(std::move(ephemeral.error()));
  out.ephemeral = std::move(*ephemeral);
  const auto recipient = parts->next(kXenc, "RecipientKeyInfo");
  if (!recipient) return fail(recipient.error());
  if (auto end = parts->end(); !end) return end;
  const auto name = only_child(*recipient, kDs, "KeyName");
  if (!name) return fail(name.error());
  auto text = name->text();
  if (!text) return fail(std::move(text.error()));
  out.key_name = std::move(*text);
  return {};
}

Result<Agreement> agree(const crypto::PublicKey& recipient, jose::KeyAlg alg, std::string_view key_name) {
  const std::string_view named = curve_uri(recipient.kind());
  if (named.empty()) return unsupported("ECDH-ES with a key on none of its curves");
  const auto ephemeral = crypto::PrivateKey::generate(recipient.kind());
  const auto shared = crypto::ecdh(ephemeral, recipient);
  if (!shared) return fail(shared.error());
  // SP 800-56A: what the key is for and whose it is; the source says who it is elsewhere or not at all.
  const std::string_view purpose = wrap_uri(alg);
  std::string info(purpose);
  info += key_name;
  Bytes point = ephemeral.public_key().point();
  point.insert(point.begin(), 4);
  std::string text = "<xenc:AgreementMethod Algorithm=\"";
  text.append(kEcdhEs).append("\"><xenc11:KeyDerivationMethod Algorithm=\"").append(kConcatKdf);
  text.append("\"><xenc11:ConcatKDFParams AlgorithmID=\"").append(bits(purpose));
  text.append("\" PartyUInfo=\"00\" PartyVInfo=\"").append(bits(key_name));
  text.append("\"><ds:DigestMethod Algorithm=\"").append(digest_uri(crypto::Hash::sha256));
  text.append("\"/></xenc11:ConcatKDFParams></xenc11:KeyDerivationMethod><xenc:OriginatorKeyInfo>");
  text.append("<ds:KeyValue><dsig11:ECKeyValue><dsig11:NamedCurve URI=\"").append(named);
  text.append("\"/><dsig11:PublicKey>").append(to_base64(point));
  text.append("</dsig11:PublicKey></dsig11:ECKeyValue></ds:KeyValue></xenc:OriginatorKeyInfo>");
  text.append("<xenc:RecipientKeyInfo><ds:KeyName>").append(escaped_text(key_name));
  text.append("</ds:KeyName></xenc:RecipientKeyInfo></xenc:AgreementMethod>");
  return Agreement{.wrapping_key = crypto::concat_kdf(*shared, as_bytes(info), wrapping_key_bytes(alg)),
                   .element = std::move(text)};
}

}  // namespace latchkey::xmlsec
