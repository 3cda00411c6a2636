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
  if (nested && config.inner_form > EsDataForm::json) return bad("inner_form: neither compact nor json");
  const EsDataForm form = nested && !is_xml(config.form) ? config.inner_form : config.form;
  if (form == EsDataForm::compact && config.signers.size() > 1)
    return bad("compact serialization is for a single signature");
  for (const auto& signer : config.signers) {
    if (auto valid = check_signature_use(signer.credential, nested); !valid) return valid;
    if (!is_xml(form) && !jose::in_jose(signer.key.alg()))
      return fail(ErrorCode::unsupported, std::string(to_string(signer.key.alg())) + " is not of JOSE");
  }
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

/// The content key of either kind of serialization.
class EsDataSource::ContentKey {
 public:
  [[nodiscard]] static Result<std::shared_ptr<const ContentKey>> make(const EsDataSourceConfig& config) {
    return is_xml(config.form) ? make_xml(config) : make_jose(config);
  }
  /// What JOSE writes into the protected header: media type, or that there is a signature inside.
  [[nodiscard]] Result<std::string> seal(const EsDataSourceConfig& config, ByteView plaintext,
                                         std::optional<ByteView> aad) const {
    const bool nested = config.security_class == EsDataClass::sign_then_encrypt;
    if (const auto* const xml = std::get_if<xmlsec::ContentKey>(&key_)) return xml->seal(plaintext, nested);
    json::object common;
    if (nested)
      common["cty"] = config.inner_form == EsDataForm::compact ? kNestedCompact : kNestedJson;
    else if (!config.media_type.empty())
      common["cty"] = config.media_type;
    const auto& key = std::get<jose::ContentKey>(key_);
    return config.form == EsDataForm::compact ? key.seal_compact(common, plaintext)
                                              : key.seal_json(common, plaintext, aad);
  }
  explicit ContentKey(std::variant<jose::ContentKey, xmlsec::ContentKey> key) : key_(std::move(key)) {}

 private:
  template <class Key>
  static Result<std::shared_ptr<const ContentKey>> hold(Result<Key>&& key) {
    if (!key) return fail(std::move(key.error()));
    return std::make_shared<const ContentKey>(std::move(*key));
  }
  static Result<std::shared_ptr<const ContentKey>> make_jose(const EsDataSourceConfig& config) {
    std::vector<jose::ContentKey::Recipient> recipients;
    for (const auto& recipient : config.recipients)
      recipients.push_back({recipient.key, {{"kid", recipient.credential.kid}}});
    return hold(jose::ContentKey::make(std::move(recipients)));
  }
  static Result<std::shared_ptr<const ContentKey>> make_xml(const EsDataSourceConfig& config) {
    std::vector<xmlsec::ContentKey::Recipient> recipients;
    for (const auto& recipient : config.recipients)
      recipients.push_back({recipient.key, recipient.credential.kid});
    return hold(xmlsec::ContentKey::make(recipients));
  }
  std::variant<jose::ContentKey, xmlsec::ContentKey> key_;
};

struct EsDataSource::State {
  mutable std::mutex mutex;
  std::shared_ptr<const ContentKey> key;  ///< guarded by mutex
  std::uint64_t uses = 0;                 ///< of `key`, or of that of dir; guarded by mutex
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
  auto key = ContentKey::make(made->config_);
  if (!key) return fail(std::move(key.error()));
  made->state_->key = std::move(*key);
  return made;
}

Result<std::shared_ptr<const EsDataSource::ContentKey>> EsDataSource::content_key() {
  const std::lock_guard lock(state_->mutex);
  if (is_direct(config_)) {
    if (state_->uses >= kContentKeyUsesMax) return fail(ErrorCode::limit, "2^32 uses of the key of dir");
    ++state_->uses;
    return state_->key;
  }
  if (state_->uses >= config_.content_key_uses) {
    auto key = ContentKey::make(config_);
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
  if (is_xml(form)) {
    std::vector<xmlsec::Signer> signers;
    for (const auto& signer : config_.signers) signers.push_back({&signer.key, signer.credential.kid});
    return xmlsec::sign(signers, config_.media_type, payload);
  }
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

Result<std::string> EsDataSource::seal(ByteView plaintext, std::optional<ByteView> aad) {
  const auto key = content_key();
  if (!key) return fail(key.error());
  return (*key)->seal(config_, plaintext, aad);
}

Result<std::string> EsDataSource::protect(ByteView payload, TimePoint now, std::optional<ByteView> aad) {
  const bool in_json = config_.form == EsDataForm::json || config_.form == EsDataForm::json_base64;
  if (aad && (config_.recipients.empty() || !in_json))
    return bad("associated data goes with encryption in a JSON form only");
  if (auto valid = check_expiry(config_.signers, now); !valid) return fail(std::move(valid.error()));
  if (auto valid = check_expiry(config_.recipients, now); !valid) return fail(std::move(valid.error()));
  const bool nested = config_.security_class == EsDataClass::sign_then_encrypt;
  if (config_.signers.empty() && is_xml(config_.form) && xmlsec::holds_signature(payload))
    return bad("the payload is a ds:Signature: encrypted in XML it would be a nested envelope");
  Result<std::string> text;
  if (!config_.signers.empty()) {
    text = sign(payload, nested && !is_xml(config_.form) ? config_.inner_form : config_.form);
    if (!text) return text;
  }
  if (!config_.recipients.empty()) {
    auto sealed = seal(nested ? as_bytes(*text) : payload, aad);
    if (nested) wipe(text->data(), text->size());
    text = std::move(sealed);
    if (!text) return text;
  }
  if (is_base64(config_.form)) text = to_base64(as_bytes(*text));
  if (text->size() > kEsDataOctetsMax) return fail(ErrorCode::limit, "payload of excessive length");
  return text;
}

}  // namespace latchkey::e2e
