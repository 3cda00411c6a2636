// XML Signature and XML Encryption from outside (TS-0003 8.5.3). Input: 's' and a signature document, 'e' and
// an encrypted one, whose originals in the corpus protect kPayload: whatever verifies or opens with the keys
// must say that and nothing else. 'p' and a payload, which must come back.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "latchkey/xmlsec/encryption.h"
#include "latchkey/xmlsec/signature.h"

namespace {

using namespace latchkey;

constexpr std::string_view kPayload = "21 degrees";

void require(bool holds) {
  if (!holds) std::abort();
}

std::shared_ptr<const SecretBytes> secret(std::size_t size) {
  return std::make_shared<const SecretBytes>(SecretBytes::copy_of(Bytes(size, 7)));
}

bool verifies(const xmlsec::SignedXml::Signature& it) {
  static const jose::VerificationKey key(secret(32), {jose::SignatureAlg::hs256});
  for (const auto alg : it.algs)
    if (key.fits(alg) && it.digests_hold && key.verify(alg, it.signing_input, it.value)) return true;
  return false;
}

const jose::DecryptionKey& opener() {
  static const jose::DecryptionKey key(secret(16), {jose::KeyAlg::dir, jose::KeyAlg::a128kw},
                                       {jose::Enc::a128gcm});
  return key;
}

void signature(std::string_view text) {
  for (const bool printed : {false, true}) {
    const auto read = xmlsec::parse_signed(text, {.printed_identifiers = printed});
    require(read || !read.error().detail.empty());
    if (!read) continue;
    require(!read->signatures.empty() && read->signatures.size() <= xmlsec::kXmlSignaturesMax);
    require(xmlsec::holds_signature(as_bytes(text)) || text.find("&#") != std::string_view::npos);
    for (const auto& it : read->signatures)
      if (verifies(it)) require(as_text(read->payload) == kPayload);
  }
}

void encryption(std::string_view text) {
  const auto read = xmlsec::parse_sealed(text, {.printed_identifiers = true});
  require(read || !read.error().detail.empty());
  if (!read) return;
  require(!read->recipients.empty() && read->recipients.size() <= xmlsec::kXmlRecipientsMax);
  for (std::size_t i = 0; i < read->recipients.size(); ++i)
    if (const auto plaintext = xmlsec::open(*read, i, opener()))
      require(as_text(plaintext->reveal()) == kPayload);
}

void payload(std::string_view text) {
  static const jose::SigningKey key(secret(32), jose::SignatureAlg::hs256);
  const auto made = xmlsec::sign(std::array{xmlsec::Signer{&key, "m"}}, {}, as_bytes(text)).value();
  const auto read = xmlsec::parse_signed(made);
  require(read && as_text(read->payload) == text && verifies(read->signatures.front()));
  static const auto content =
      xmlsec::ContentKey::make(
          {{jose::EncryptionKey(secret(16), jose::KeyAlg::a128kw, jose::Enc::a128gcm), "w"}})
          .value();
  const auto sealed = xmlsec::parse_sealed(content.seal(as_bytes(made), true).value());
  require(sealed && sealed->element);
  const auto opened = xmlsec::open(*sealed, 0, opener());
  require(opened && as_text(opened->reveal()) == made && xmlsec::holds_signature(opened->reveal()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 80'000) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 's') signature(text);
  if (data[0] == 'e') encryption(text);
  if (data[0] == 'p') payload(text);
  return 0;
}
