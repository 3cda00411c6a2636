#include <algorithm>
#include <array>
#include <mutex>

#include "envelope.h"
#include "esdata_credential.h"

namespace latchkey::e2e {
namespace {

tl::unexpected<Error> bad(std::string why) { return fail(ErrorCode::invalid_argument, std::move(why)); }

template <class List>
Status check_credentials(const List& list) {
  for (const auto& entry : list)
    if (auto valid = check_credential(entry.credential, entry.key.symmetric()); !valid) return valid;
  return {};
}

Status check_signers(const EsDataSourceConfig& config) {
  const bool signs = config.security_class != EsDataClass::encryption_only;
  const bool nested = config.security_class == EsDataClass::sign_then_encrypt;
  if (signs == config.signers.empty())
    return bad(signs ? "a signature without a signer" : "encryption only with a signer");
  if (nested && config.inner_form == EsDataForm::json_base64) return bad("inner_form: not base64");
  const EsDataForm form = nested ? config.inner_form : config.form;
  if (form == EsDataForm::compact && config.signers.size() > 1)
    return bad("compact serialization is for a single signature");
  for (const auto& signer : config.signers)
    if (auto valid = check_signature_use(signer.credential, nested); !valid) return valid;
  return check_credentials(config.signers);
}

Status check_recipients(const EsDataSourceConfig& config) {
  const bool encrypts = config.security_class != EsDataClass::signature_only;
  if (encrypts == config.recipients.empty())
    return bad(encrypts ? "encryption without a recipient" : "signature only with a recipient");
  if (config.form == EsDataForm::compact && config.recipients.size() > 1)
    return bad("compact serialization is for a single recipient");
  for (const auto& recipient : config.recipients) {
    if (auto valid = check_encryption_use(recipient.credential); !valid) return valid;
    if (recipient.key.alg() != jose::KeyAlg::dir) continue;
    if (config.recipients.size() > 1) return bad("direct mode is for a single symmetric key (8.5.2.2.1)");
    if (config.content_key_uses != 1) return bad("content_key_uses: the key of dir is the content key");
  }
  if (config.content_key_uses == 0 || config.content_key_uses > kContentKeyUsesMax)
    return bad("content_key_uses: not 1 to 2^32");
  return check_credentials(config.recipients);
}

template <class List>
Status check_expiry(const List& list, TimePoint now) {
  for (const auto& entry : list)
    if (expired(entry.credential, now))
      return fail(ErrorCode::expired, "credential " + entry.credential.kid + " has expired");
  return {};
}

bool is_direct(const EsDataSourceConfig& config) {
  return !config.recipients.empty() && config.recipients.front().key.alg() == jose::KeyAlg::dir;
}

}  // namespace

std::string_view to_string(EsDataClass security_class) noexcept {
  constexpr std::array<std::string_view, 3> names = {"encryption-only", "signature-only",
                                                     "sign-then-encrypt"};
  return names.at(static_cast<std::size_t>(security_class));
}
std::string_view to_string(EsDataOption option) noexcept {
  constexpr std::array<std::string_view, 3> names = {"provisioned symmetric key", "TEF", "certificate"};
  return names.at(static_cast<std::size_t>(option));
}

std::string content_info(std::string_view media_type, unsigned encoding, EsDataForm form) {
  return std::string(media_type) + ":" + std::to_string(encoding) + ":" +
         std::to_string(static_cast<unsigned>(form));
}

EsDataOption EsDataCredential::option() const noexcept {
  switch (suid.origin()) {
    case Suid::Origin::maf:
      return EsDataOption::tef;
    case Suid::Origin::certificate:
      return EsDataOption::certificate;
    default:
      return EsDataOption::provisioned_key;
  }
}

Status check_credential(const EsDataCredential& credential, bool symmetric) {
  if (credential.kid.empty() || credential.kid.size() > kEsDataKidOctetsMax ||
      !std::ranges::all_of(credential.kid, [](char c) { return c > ' ' && c < 0x7f; }))
    return bad("kid is not of 1 to 255 printable characters");
  if ((credential.option() == EsDataOption::certificate) == symmetric)
    return bad("credential " + credential.kid + ": SUID " + std::to_string(credential.suid.value()) +
               " does not fit the kind of its key");
  return {};
}

Status check_signature_use(const EsDataCredential& credential, bool nested) {
  const Suid::Use use = credential.suid.use();
  if (use != Suid::Use::esdata_signature && !(nested && use == Suid::Use::esdata_encryption))
    return bad("credential " + credential.kid + " is not for signatures");
  if (nested && credential.option() != EsDataOption::certificate)
    return bad("credential " + credential.kid + ": a nested envelope is signed with certificates (8.5.2.4)");
  return {};
}

Status check_encryption_use(const EsDataCredential& credential) {
  if (credential.suid.use() != Suid::Use::esdata_encryption)
    return bad("credential " + credential.kid + " is not for encryption");
  return {};
}

struct EsDataSource::State {
  mutable std::mutex mutex;
  std::shared_ptr<const jose::ContentKey> key;  ///< guarded by mutex
  std::uint64_t uses = 0;                       ///< of `key`, or of that of dir; guarded by mutex
};

EsDataSource::EsDataSource(EsDataSourceConfig config)
    : config_(std::move(config)), state_(std::make_unique<State>()) {
  if (is_direct(config_)) state_->uses = config_.uses_before;
}
EsDataSource::~EsDataSource() = default;

Result<std::unique_ptr<EsDataSource>> EsDataSource::make(EsDataSourceConfig config) {
  if (auto valid = check_signers(config); !valid) return fail(std::move(valid.error()));
  if (auto valid = check_recipients(config); !valid) return fail(std::move(valid.error()));
  std::unique_ptr<EsDataSource> made(new EsDataSource(std::move(config)));
  if (made->config_.recipients.empty()) return made;
  // What cannot be made is known now.
  auto key = made->make_content_key();
  if (!key) return fail(std::move(key.error()));
  made->state_->key = std::move(*key);
  return made;
}

Result<std::shared_ptr<const jose::ContentKey>> EsDataSource::make_content_key() const {
  std::vector<jose::ContentKey::Recipient> recipients;
  for (const auto& recipient : config_.recipients)
    recipients.push_back({recipient.key, {{"kid", recipient.credential.kid}}});
  auto key = jose::ContentKey::make(std::move(recipients));
  if (!key) return fail(std::move(key.error()));
  return std::make_shared<const jose::ContentKey>(std::move(*key));
}

Result<std::shared_ptr<const jose::ContentKey>> EsDataSource::content_key() {
  const std::lock_guard lock(state_->mutex);
  if (is_direct(config_)) {
    if (state_->uses >= kContentKeyUsesMax) return fail(ErrorCode::limit, "2^32 uses of the key of dir");
    ++state_->uses;
    return state_->key;
  }
  if (state_->uses >= config_.content_key_uses) {
    auto key = make_content_key();
    if (!key) return fail(std::move(key.error()));
    state_->key = std::move(*key);
    state_->uses = 0;
  }
  ++state_->uses;
  return state_->key;
}

std::uint64_t EsDataSource::uses() const {
  const std::lock_guard lock(state_->mutex);
  return is_direct(config_) ? state_->uses : 0;
}

Result<std::string> EsDataSource::sign(ByteView payload, EsDataForm form) const {
  const auto header = [&](const EsDataSigner& signer) {
    json::object out{{"kid", signer.credential.kid}};
    if (!config_.media_type.empty()) out["cty"] = config_.media_type;
    return out;
  };
  if (form == EsDataForm::compact)
    return config_.signers.front().key.sign(header(config_.signers.front()), payload);
  std::vector<jose::JsonSigner> signers;
  for (const auto& signer : config_.signers) signers.push_back({&signer.key, header(signer)});
  return jose::sign_json(signers, payload);
}

Result<std::string> EsDataSource::protect(ByteView payload, TimePoint now, std::optional<ByteView> aad) {
  if (aad && (config_.recipients.empty() || config_.form == EsDataForm::compact))
    return bad("associated data goes with encryption in a JSON form only");
  if (auto valid = check_expiry(config_.signers, now); !valid) return fail(std::move(valid.error()));
  if (auto valid = check_expiry(config_.recipients, now); !valid) return fail(std::move(valid.error()));
  const bool nested = config_.security_class == EsDataClass::sign_then_encrypt;
  Result<std::string> text;
  if (!config_.signers.empty()) {
    text = sign(payload, nested ? config_.inner_form : config_.form);
    if (!text) return text;
  }
  if (!config_.recipients.empty()) {
    const auto key = content_key();
    if (!key) return fail(key.error());
    json::object common;
    if (nested)
      common["cty"] = config_.inner_form == EsDataForm::compact ? kNestedCompact : kNestedJson;
    else if (!config_.media_type.empty())
      common["cty"] = config_.media_type;
    const ByteView plaintext = nested ? as_bytes(*text) : payload;
    auto sealed = config_.form == EsDataForm::compact ? (*key)->seal_compact(common, plaintext)
                                                      : (*key)->seal_json(common, plaintext, aad);
    if (nested) wipe(text->data(), text->size());
    text = std::move(sealed);
    if (!text) return text;
  }
  if (config_.form == EsDataForm::json_base64) text = to_base64(as_bytes(*text));
  if (text->size() > kEsDataOctetsMax) return fail(ErrorCode::limit, "payload of excessive length");
  return text;
}

}  // namespace latchkey::e2e
