#include "latchkey/xmlsec/signature.h"

#include <algorithm>
#include <map>

#include "document.h"
#include "identifiers.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::xmlsec {
namespace {

using crypto::Hash;

tl::unexpected<Error> bad(std::string why) { return fail(ErrorCode::invalid_argument, std::move(why)); }
tl::unexpected<Error> unsupported(std::string why) { return fail(ErrorCode::unsupported, std::move(why)); }

/// The Algorithm of an element that has nothing else.
Result<std::string> bare_algorithm(const Element& element) {
  if (auto valid = element.only_attributes({"Algorithm"}); !valid) return fail(std::move(valid.error()));
  auto algorithm = element.attribute("Algorithm");
  if (!algorithm) return bad(std::string(element.name()) + " without Algorithm");
  const auto inside = Sequence::of(element);
  if (!inside) return fail(inside.error());
  if (auto none = inside->end(); !none) return fail(std::move(none.error()));
  return std::move(*algorithm);
}

Result<Canonical> canonicalization_of(const Element& element) {
  const auto algorithm = bare_algorithm(element);
  if (!algorithm) return fail(algorithm.error());
  const auto mode = canonicalization(*algorithm);
  if (!mode) return unsupported(std::string(element.name()) + " is not one of the three canonical forms");
  return *mode;
}

/// One Reference: to what, in which form, with which digest.
struct Reference {
  std::string id;
  Canonical form = Canonical::inclusive_1_0;  ///< what stands for no transform at all
  std::string digest_method;
  Hash hash = Hash::sha256;
  Bytes digest;
};

Result<Canonical> form_of(const Element& transforms) {
  if (auto valid = transforms.only_attributes({}); !valid) return fail(std::move(valid.error()));
  auto list = Sequence::of(transforms);
  if (!list) return fail(std::move(list.error()));
  const auto transform = list->next(kDs, "Transform");
  if (!transform) return fail(transform.error());
  auto form = canonicalization_of(*transform);
  if (!form) return form;
  if (!list->done()) return unsupported("more than one Transform");
  return form;
}

Result<Reference> read_reference(const Element& element) {
  if (auto valid = element.only_attributes({"Id", "URI", "Type"}); !valid)
    return fail(std::move(valid.error()));
  const auto uri = element.attribute("URI");
  if (!uri || !uri->starts_with('#') || uri->size() < 2 || uri->find('(') != std::string::npos)
    return unsupported("a Reference that is not to an Id of this document");
  Reference out{.id = uri->substr(1), .digest_method = {}, .digest = {}};
  auto parts = Sequence::of(element);
  if (!parts) return fail(std::move(parts.error()));
  if (const auto transforms = parts->next_if(kDs, "Transforms")) {
    const auto form = form_of(*transforms);
    if (!form) return fail(form.error());
    out.form = *form;
  }
  const auto method = parts->next(kDs, "DigestMethod");
  if (!method) return fail(method.error());
  auto algorithm = bare_algorithm(*method);
  if (!algorithm) return fail(std::move(algorithm.error()));
  const auto hash = digest(*algorithm);
  if (!hash) return unsupported("DigestMethod is not SHA-256, SHA-384 or SHA-512");
  out.digest_method = std::move(*algorithm);
  out.hash = *hash;
  const auto value = parts->next(kDs, "DigestValue");
  if (!value) return fail(value.error());
  if (auto valid = value->only_attributes({}); !valid) return fail(std::move(valid.error()));
  auto octets = value->base64();
  if (!octets) return fail(std::move(octets.error()));
  out.digest = std::move(*octets);
  if (auto end = parts->end(); !end) return fail(std::move(end.error()));
  return out;
}

/// The payload's element, and what has been computed of it.
class Covered {
 public:
  Covered(const Document& document, Element object, std::string id)
      : document_(document), object_(object), id_(std::move(id)) {}
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] const Document& document() const noexcept { return document_; }

  /// Computed once for many signatures of one payload.
  Result<Bytes> digest_in(Canonical form, Hash hash) {
    const auto key = std::pair{form, hash};
    if (const auto found = digests_.find(key); found != digests_.end()) return found->second;
    const auto text = document_.canonical(object_, form);
    if (!text) return fail(text.error());
    return digests_.emplace(key, crypto::digest(hash, as_bytes(*text))).first->second;
  }

 private:
  const Document& document_;
  Element object_;
  std::string id_;
  std::map<std::pair<Canonical, Hash>, Bytes> digests_;
};

struct KeyInfo {
  std::optional<std::string> id, name;
};

Result<KeyInfo> read_key_info(const Element& element) {
  if (auto valid = element.only_attributes({"Id"}); !valid) return fail(std::move(valid.error()));
  KeyInfo out{.id = element.attribute("Id"), .name = {}};
  auto parts = Sequence::of(element);
  if (!parts) return fail(std::move(parts.error()));
  while (!parts->done()) {
    if (const auto name = parts->next_if(kDs, "KeyName")) {
      if (out.name) return bad("KeyInfo with two KeyNames");
      auto text = name->text();
      if (!text) return fail(std::move(text.error()));
      out.name = std::move(*text);
      continue;
    }
    if (parts->next_if(kDs, "KeyValue") || parts->next_if(kDs, "X509Data")) continue;
    return fail(parts->end().error());
  }
  return out;
}

/// One ds:Signature but for its Objects.
class SignatureReader {
 public:
  SignatureReader(Covered& covered, const ReadOptions& options) : covered_(covered), options_(options) {}

  /// The Objects are left in `rest`.
  Result<SignedXml::Signature> read(Sequence& rest) {
    const auto info = rest.next(kDs, "SignedInfo");
    if (!info) return fail(info.error());
    const auto value = rest.next(kDs, "SignatureValue");
    if (!value) return fail(value.error());
    if (auto valid = value->only_attributes({"Id"}); !valid) return fail(std::move(valid.error()));
    auto octets = value->base64();
    if (!octets) return fail(std::move(octets.error()));
    if (octets->empty()) return bad("an empty SignatureValue");
    const auto key_info_element = rest.next_if(kDs, "KeyInfo");
    KeyInfo key_info;
    if (key_info_element) {
      auto read = read_key_info(*key_info_element);
      if (!read) return fail(std::move(read.error()));
      key_info = std::move(*read);
    }
    SignedXml::Signature out;
    out.key_name = key_info.name;
    out.value = std::move(*octets);
    if (auto signed_info = read_info(*info, key_info_element, key_info.id, out); !signed_info)
      return fail(std::move(signed_info.error()));
    return out;
  }

 private:
  Status read_info(const Element& info, const std::optional<Element>& key_info,
                   const std::optional<std::string>& key_info_id, SignedXml::Signature& out) {
    if (auto valid = info.only_attributes({"Id"}); !valid) return valid;
    auto parts = Sequence::of(info);
    if (!parts) return fail(std::move(parts.error()));
    const auto canonical = parts->next(kDs, "CanonicalizationMethod");
    if (!canonical) return fail(canonical.error());
    const auto form = canonicalization_of(*canonical);
    if (!form) return fail(form.error());
    out.canonicalization = *canonical->attribute("Algorithm");
    const auto method = parts->next(kDs, "SignatureMethod");
    if (!method) return fail(method.error());
    auto algorithm = bare_algorithm(*method);
    if (!algorithm) return fail(std::move(algorithm.error()));
    out.method = std::move(*algorithm);
    out.algs = signature_algs(out.method, options_.printed_identifiers);
    out.digests_hold = true;
    bool payload_signed = false;
    while (!parts->done()) {
      const auto element = parts->next(kDs, "Reference");
      if (!element) return fail(element.error());
      auto reference = read_reference(*element);
      if (!reference) return fail(std::move(reference.error()));
      const bool to_key_info = key_info_id && reference->id == *key_info_id;
      if (!to_key_info && reference->id != covered_.id())
        return bad("a Reference to neither the payload nor the KeyInfo beside it");
      bool& seen = to_key_info ? out.key_info_signed : payload_signed;
      if (std::exchange(seen, true)) return bad("two References to one element");
      const auto computed = to_key_info ? digest_of(*key_info, *reference)
                                        : covered_.digest_in(reference->form, reference->hash);
      if (!computed) return fail(computed.error());
      out.digests_hold &= constant_time_equal(*computed, reference->digest);
      if (!to_key_info) out.digest_method = std::move(reference->digest_method);
    }
    if (!payload_signed) return bad("a signature that does not cover the payload");
    auto input = covered_.document().canonical(info, *form);
    if (!input) return fail(std::move(input.error()));
    out.signing_input = std::move(*input);
    return {};
  }

  Result<Bytes> digest_of(const Element& element, const Reference& reference) const {
    const auto text = covered_.document().canonical(element, reference.form);
    if (!text) return fail(text.error());
    return crypto::digest(reference.hash, as_bytes(*text));
  }

  Covered& covered_;
  const ReadOptions& options_;
};

/// Octets of the payload's Object, which are those of the element that is digested.
Status read_payload(const Element& object, SignedXml& out) {
  if (auto valid = object.only_attributes({"Id", "MimeType", "Encoding"}); !valid) return valid;
  out.media_type = object.attribute("MimeType");
  const auto encoding = object.attribute("Encoding");
  if (encoding && *encoding != kBase64) return unsupported("an Object in another encoding than base64");
  if (encoding) {
    auto octets = object.base64();
    if (!octets) return fail(std::move(octets.error()));
    out.payload = std::move(*octets);
    return {};
  }
  const auto text = object.text();
  if (!text) return fail(text.error());
  out.payload.assign(as_bytes(*text).begin(), as_bytes(*text).end());
  return {};
}

/// The first Object, which has an Id.
Result<Element> payload_object(const Element& root) {
  const auto parts = root.children();
  if (!parts) return fail(parts.error());
  const auto found = std::ranges::find_if(*parts, [](const Element& it) { return it.is(kDs, "Object"); });
  if (found == parts->end()) return bad("a Signature without an Object");
  if (found->attribute("Id").value_or("").empty()) return bad("an Object without an Id");
  return *found;
}

/// Further signatures of the same payload.
Status read_others(const Element& object, SignatureReader& reader, SignedXml& out) {
  if (auto valid = object.only_attributes({}); !valid) return valid;
  auto list = Sequence::of(object);
  if (!list) return fail(std::move(list.error()));
  do {
    const auto element = list->next(kDs, "Signature");
    if (!element) return fail(element.error());
    if (out.signatures.size() == kXmlSignaturesMax)
      return fail(ErrorCode::limit, "more than " + std::to_string(kXmlSignaturesMax) + " signatures");
    if (auto valid = element->only_attributes({"Id"}); !valid) return valid;
    auto parts = Sequence::of(*element);
    if (!parts) return fail(std::move(parts.error()));
    auto one = reader.read(*parts);
    if (!one) return fail(std::move(one.error()));
    if (auto end = parts->end(); !end) return end;
    out.signatures.push_back(std::move(*one));
  } while (!list->done());
  return {};
}

Result<SignedXml> read_document(const Document& document, const ReadOptions& options) {
  const Element root = document.root();
  if (!root.is(kDs, "Signature")) return bad("the root is no Signature");
  if (auto valid = root.only_attributes({"Id"}); !valid) return fail(std::move(valid.error()));
  const auto object = payload_object(root);
  if (!object) return fail(object.error());
  SignedXml out;
  if (auto read = read_payload(*object, out); !read) return fail(std::move(read.error()));
  Covered covered(document, *object, *object->attribute("Id"));
  SignatureReader reader(covered, options);
  auto parts = Sequence::of(root);
  if (!parts) return fail(std::move(parts.error()));
  auto first = reader.read(*parts);
  if (!first) return fail(std::move(first.error()));
  out.signatures.push_back(std::move(*first));
  if (const auto payload = parts->next(kDs, "Object"); !payload) return fail(payload.error());
  if (const auto others = parts->next_if(kDs, "Object"))
    if (auto read = read_others(*others, reader, out); !read) return fail(std::move(read.error()));
  if (auto end = parts->end(); !end) return fail(std::move(end.error()));
  return out;
}

// --- writing ---

constexpr std::string_view kPayloadId = "payload";

bool printable(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

std::string element(std::string_view name, std::string_view attributes, std::string_view content) {
  std::string out = "<ds:";
  out.append(name).append(attributes).append(">").append(content);
  return out.append("</ds:").append(name).append(">");
}
std::string with_algorithm(std::string_view name, std::string_view uri, std::string_view content = {}) {
  return element(name, " Algorithm=\"" + std::string(uri) + "\"", content);
}

/// An element as it stands alone: canonical, since its attributes are in order and nothing is left out.
Bytes digest_alone(std::string_view text, Hash hash) {
  std::string out(text);
  out.insert(out.find_first_of(" >"), " xmlns:ds=\"" + std::string(kDs) + "\"");
  return crypto::digest(hash, as_bytes(out));
}

std::string reference(std::string_view id, std::string_view covered, Hash hash) {
  return element("Reference", " URI=\"#" + std::string(id) + "\"",
                 element("Transforms", "", with_algorithm("Transform", kExclusive)) +
                     with_algorithm("DigestMethod", digest_uri(hash)) +
                     element("DigestValue", "", to_base64(digest_alone(covered, hash))));
}

/// The content of one ds:Signature up to its Objects.
Result<std::string> signature_content(const Signer& signer, std::size_t index, std::string_view object) {
  const jose::SignatureAlg alg = signer.key->alg();
  const Hash hash = jose::hash_of(alg);
  const std::string key_id = "key-" + std::to_string(index);
  const std::string key_info =
      element("KeyInfo", " Id=\"" + key_id + "\"", element("KeyName", "", escaped_text(signer.key_name)));
  const std::string info = with_algorithm("CanonicalizationMethod", kExclusive) +
                           with_algorithm("SignatureMethod", signature_uri(alg)) +
                           reference(kPayloadId, object, hash) + reference(key_id, key_info, hash);
  const auto value =
      signer.key->signature(element("SignedInfo", " xmlns:ds=\"" + std::string(kDs) + "\"", info));
  if (!value) return fail(value.error());
  return element("SignedInfo", "", info) + element("SignatureValue", "", to_base64(*value)) + key_info;
}

}  // namespace

Result<SignedXml> parse_signed(std::string_view text, const ReadOptions& options) {
  const auto document = Document::parse(text, options, kSignatureBounds);
  if (!document) return fail(document.error());
  return read_document(*document, options);
}

Result<std::string> sign(std::span<const Signer> signers, std::string_view media_type, ByteView payload) {
  if (signers.empty() || signers.size() > kXmlSignaturesMax)
    return bad("not 1 to " + std::to_string(kXmlSignaturesMax) + " signatures of one payload");
  if (!printable(media_type)) return bad("a media type that is not printable");
  std::string attributes =
      " Encoding=\"" + std::string(kBase64) + "\" Id=\"" + std::string(kPayloadId) + "\"";
  if (!media_type.empty()) attributes += " MimeType=\"" + escaped_attribute(media_type) + "\"";
  const std::string object = element("Object", attributes, to_base64(payload));
  std::string first, others;
  for (const Signer& signer : signers) {
    if (!printable(signer.key_name)) return bad("a key name that is not printable");
    const bool is_first = first.empty();
    auto content = signature_content(signer, static_cast<std::size_t>(&signer - signers.data()) + 1, object);
    if (!content) return content;
    if (is_first)
      first = std::move(*content);
    else
      others += element("Signature", "", *content);
  }
  if (!others.empty()) others = element("Object", "", others);
  return element("Signature", " xmlns:ds=\"" + std::string(kDs) + "\"", first + object + others);
}

bool holds_signature(ByteView octets) {
  const std::string_view text = as_text(octets);
  if (text.find(kDs) == std::string_view::npos) return false;
  const auto document = Document::parse(text, {}, kSignatureBounds);
  return document && document->root().is(kDs, "Signature");
}

}  // namespace latchkey::xmlsec
