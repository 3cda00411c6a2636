// ESData envelopes from outside (TS-0003 8.5). Input: 'c' and a compact one, 'j' and one in JSON, 'b' and one
// in base64, 'x' and one in XML; 'p' and a payload, which goes through every class and must come back.
#include "latchkey/e2e/esdata.h"

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "latchkey/xmlsec/signature.h"

namespace {

using namespace latchkey;
using e2e::EsDataClass;
using e2e::EsDataForm;

const TimePoint kNow{std::chrono::seconds(1'795'867'200)};

void require(bool holds) {
  if (!holds) std::abort();
}

std::shared_ptr<const SecretBytes> secret(std::size_t size) {
  return std::make_shared<const SecretBytes>(SecretBytes::copy_of(Bytes(size, 7)));
}
const crypto::PrivateKey& pair() {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  return key;
}
e2e::EsDataCredential credential(const char* kid, int suid) {
  return {.kid = kid, .suid = Suid::from(suid).value()};
}

const e2e::EsDataTarget& target() {
  static const auto made =
      e2e::EsDataTarget::make(
          {.classes = {EsDataClass::encryption_only, EsDataClass::signature_only,
                       EsDataClass::sign_then_encrypt},
           .forms = {EsDataForm::compact, EsDataForm::json, EsDataForm::json_base64, EsDataForm::xml,
                     EsDataForm::xml_base64},
           .signatures = {jose::SignatureAlg::hs256, jose::SignatureAlg::es256},
           .key_algs = {jose::KeyAlg::dir, jose::KeyAlg::a128kw, jose::KeyAlg::ecdh_es_a128kw},
           .encs = {jose::Enc::a128gcm},
           .source_verified = false},
          {{credential("m", 15), jose::VerificationKey(secret(32), {jose::SignatureAlg::hs256})},
           {credential("s", 45), jose::VerificationKey(pair().public_key(), {jose::SignatureAlg::es256})}},
          {{credential("w", 14),
            jose::DecryptionKey(secret(16), {jose::KeyAlg::dir, jose::KeyAlg::a128kw}, {jose::Enc::a128gcm})},
           {credential("e", 44),
            jose::DecryptionKey(pair(), {jose::KeyAlg::ecdh_es_a128kw}, {jose::Enc::a128gcm})}})
          .value();
  return *made;
}

/// What is refused before keys are used is refused with them too; what opens was inspected without.
void envelope(EsDataForm form, std::string_view text) {
  const auto before = target().preview(form, text, kNow);
  const auto opened = target().open(form, text, kNow);
  require(!before || (!opened && opened.error().defect == before->defect));
  require(!opened || e2e::inspect_esdata(form, text));
  require(opened || !opened.error().detail.empty());
  static_cast<void>(e2e::guess_form(text));
}

void payload(std::string_view text) {
  const auto signer =
      e2e::EsDataSigner{credential("s", 45), jose::SigningKey(pair(), jose::SignatureAlg::es256)};
  const auto recipient = e2e::EsDataRecipient{
      credential("w", 14), jose::EncryptionKey(secret(16), jose::KeyAlg::a128kw, jose::Enc::a128gcm)};
  for (const auto form : {EsDataForm::compact, EsDataForm::json, EsDataForm::json_base64, EsDataForm::xml,
                          EsDataForm::xml_base64})
    for (const auto security_class :
         {EsDataClass::encryption_only, EsDataClass::signature_only, EsDataClass::sign_then_encrypt}) {
      e2e::EsDataSourceConfig config{.security_class = security_class, .form = form};
      if (security_class != EsDataClass::encryption_only) config.signers = {signer};
      if (security_class != EsDataClass::signature_only) config.recipients = {recipient};
      // Refused alone in XML: it would be taken for a nested envelope.
      if (security_class == EsDataClass::encryption_only && xmlsec::holds_signature(as_bytes(text))) continue;
      const auto made = e2e::EsDataSource::make(std::move(config)).value()->protect(as_bytes(text), kNow);
      const auto opened = target().open(form, made.value(), kNow);
      require(opened && as_text(opened->payload.reveal()) == text &&
              opened->security_class == security_class);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 80'000) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'c') envelope(EsDataForm::compact, text);
  if (data[0] == 'j') envelope(EsDataForm::json, text);
  if (data[0] == 'b') envelope(EsDataForm::json_base64, text);
  if (data[0] == 'x') envelope(EsDataForm::xml, text);
  if (data[0] == 'p') payload(text);
  return 0;
}
