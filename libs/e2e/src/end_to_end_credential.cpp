#include "latchkey/e2e/end_to_end_credential.h"

#include <algorithm>

#include "end_to_end_members.h"
#include "envelope.h"
#include "latchkey/crypto/crypto.h"
#include "latchkey/e2e/esprim.h"

namespace latchkey::e2e {
namespace {

using crypto::EndToEndKey;
using crypto::Hash;
namespace mmaf = codec::mmaf;

constexpr std::array<std::string_view, 3> kOrigins = {"km", "exported", "source"};
constexpr std::array kKeys = {EndToEndKey::msg_auth, EndToEndKey::msg_conf, EndToEndKey::att_auth,
                              EndToEndKey::att_conf};

tl::unexpected<Error> bad(std::string why) { return fail(ErrorCode::invalid_argument, std::move(why)); }

bool is_confidentiality(EndToEndKey key) {
  return key == EndToEndKey::msg_conf || key == EndToEndKey::att_conf;
}
std::string_view name_of(EndToEndKey key) {
  return mmaf::kEndToEndKeyNames.at(static_cast<std::size_t>(key));
}
std::string_view name_of(Hash hash) { return hash == Hash::sha512 ? mmaf::kHmacSha512 : mmaf::kHmacSha256; }
std::optional<Hash> hmac_of(std::string_view name) {
  if (name == mmaf::kHmacSha256) return Hash::sha256;
  if (name == mmaf::kHmacSha512) return Hash::sha512;
  return {};
}
std::optional<unsigned> aes_of(std::string_view name) {
  if (name == mmaf::kAes192) return 192;
  if (name == mmaf::kAes256) return 256;
  return {};
}

const std::optional<Hash>& hmac_of(const ProtectionChoice& choice, EndToEndKey key) {
  return key == EndToEndKey::msg_auth ? choice.message_authenticity : choice.attribute_authenticity;
}
const std::optional<unsigned>& aes_of(const ProtectionChoice& choice, EndToEndKey key) {
  return key == EndToEndKey::msg_conf ? choice.message_confidentiality : choice.attribute_confidentiality;
}

std::string_view algorithm_of(const ProtectionChoice& choice, EndToEndKey key) {
  if (!is_confidentiality(key)) return name_of(*hmac_of(choice, key));
  return *aes_of(choice, key) == 256 ? mmaf::kAes256 : mmaf::kAes192;
}

/// Table 9.2.3.3-1: attributes have HMAC-SHA-256 alone.
bool set_algorithm(ProtectionChoice& choice, EndToEndKey key, std::string_view name) {
  switch (key) {
    case EndToEndKey::msg_auth:
      return (choice.message_authenticity = hmac_of(name)).has_value();
    case EndToEndKey::msg_conf:
      return (choice.message_confidentiality = aes_of(name)).has_value();
    case EndToEndKey::att_auth:
      choice.attribute_authenticity = hmac_of(name);
      return choice.attribute_authenticity == Hash::sha256;
    case EndToEndKey::att_conf:
      return (choice.attribute_confidentiality = aes_of(name)).has_value();
  }
  return false;
}

Status read_key(std::string_view name, const json::value& value, ProtectionChoice& choice) {
  const auto key = end_to_end_key(name);
  const auto* const members = value.if_object();
  if (!key || members == nullptr || members->size() != 2) return bad("keys: not one of the four keys");
  const auto* const alg = members->if_contains(mmaf::kAlgorithm);
  const auto* const label = members->if_contains(mmaf::kLabel);
  if (alg == nullptr || !alg->is_string() || !set_algorithm(choice, *key, alg->get_string()))
    return bad("keys: an algorithm that table 9.2.3.3-1 does not have for its key");
  if (label == nullptr || !label->is_string() || label->get_string() != crypto::label_of(*key))
    return bad("keys: the label is not that of 10.3.6.2");
  return {};
}

/// What holds of any choice, whoever made it.
Status check_choice(const ProtectionChoice& choice) {
  const bool authentic = choice.message_authenticity || choice.attribute_authenticity;
  const bool confidential = choice.message_confidentiality || choice.attribute_confidentiality;
  if (!authentic && !confidential) return bad("keys: none is used");
  if (choice.protection == ProtectionClass::aead && (authentic || !confidential))
    return bad("keys: with AEAD there is a confidentiality key alone");
  if (choice.message_authenticity == Hash::sha512 && choice.hash != Hash::sha512)
    return bad("hash: HMAC-SHA-512 wants a key of its length");
  return {};
}

Status check_use(const ProtectionChoice& choice, Suid suid) {
  const bool messages = choice.message_authenticity || choice.message_confidentiality;
  const bool attributes = choice.attribute_authenticity || choice.attribute_confidentiality;
  const auto other = [&] { return bad("keys: not those of SUID " + std::to_string(suid.value())); };
  switch (suid.use()) {
    case Suid::Use::esprim:
      return messages && !attributes ? Status() : other();
    case Suid::Use::esdata_encryption:
      return choice.attribute_confidentiality && !messages ? Status() : other();
    case Suid::Use::esdata_signature:
      return choice.attribute_authenticity && !choice.attribute_confidentiality && !messages ? Status()
                                                                                             : other();
    default:
      return other();
  }
}

bool is_end_point(const EntityId& id) {
  return std::holds_alternative<CseId>(id) || std::holds_alternative<AeId>(id);
}

const jose::Enc& enc_of(unsigned bits) {
  static constexpr jose::Enc k192 = jose::Enc::a192gcm, k256 = jose::Enc::a256gcm;
  return bits == 256 ? k256 : k192;
}
jose::KeyAlg wrap_of(unsigned bits) { return bits == 256 ? jose::KeyAlg::a256kw : jose::KeyAlg::a192kw; }

}  // namespace

json::object to_json(const EndToEndParameters& parameters) {
  json::object keys;
  for (const auto key : kKeys)
    if (parameters.choice.uses(key)) {
      json::object one;
      one[mmaf::kAlgorithm] = algorithm_of(parameters.choice, key);
      one[mmaf::kLabel] = crypto::label_of(key);
      keys[name_of(key)] = std::move(one);
    }
  json::object out;
  out[mmaf::kOrigin] = kOrigins.at(static_cast<std::size_t>(parameters.origin));
  out[mmaf::kProtocol] = to_string(parameters.choice.protocol);
  out[mmaf::kClass] = to_string(parameters.choice.protection);
  out[mmaf::kHash] = name_of(parameters.choice.hash);
  out[mmaf::kSalt] = to_hex(parameters.salt);
  out[mmaf::kKeys] = std::move(keys);
  if (!parameters.scope.empty()) out[mmaf::kScope] = parameters.scope;
  out[mmaf::kNonceLifetime] = parameters.nonce_lifetime.count();
  return out;
}

Result<EndToEndParameters> read_end_to_end_parameters(const json::object& members) {
  MemberReader in(members);
  EndToEndParameters out;
  const auto origin = std::ranges::find(kOrigins, in.text(mmaf::kOrigin).value_or(""));
  if (origin == kOrigins.end())
    in.refuse(mmaf::kOrigin, "km, exported or source");
  else
    out.origin = static_cast<MasterOrigin>(origin - kOrigins.begin());
  const auto protocol = protection_protocol(in.text(mmaf::kProtocol).value_or(""));
  if (!protocol) in.refuse(mmaf::kProtocol, "jose or xml");
  out.choice.protocol = protocol.value_or(ProtectionProtocol::jose);
  const auto protection = protection_class(in.text(mmaf::kClass).value_or(""));
  if (!protection) in.refuse(mmaf::kClass, "aead or non-aead");
  out.choice.protection = protection.value_or(ProtectionClass::aead);
  const auto hash = hmac_of(in.text(mmaf::kHash).value_or(""));
  if (!hash) in.refuse(mmaf::kHash, "HMAC-SHA-256 or HMAC-SHA-512");
  out.choice.hash = hash.value_or(Hash::sha256);
  auto salt = from_hex(in.text(mmaf::kSalt).value_or(""));  // optional (table 9.2.3.1-1)
  if (!salt || salt->size() > kSaltOctetsMax)
    in.refuse(mmaf::kSalt, "not of at most 64 octets in hex");
  else
    out.salt = std::move(*salt);
  if (const auto scope = in.text(mmaf::kScope)) out.scope = in.scope(*scope);
  out.nonce_lifetime = in.nonce_lifetime();
  const auto* const keys = in.object(mmaf::kKeys);
  if (auto done = in.finish(); !done) return fail(std::move(done.error()));
  if (keys == nullptr) return bad("keys: missing");
  for (const auto& [name, value] : *keys)
    if (auto read = read_key(name, value, out.choice); !read) return fail(std::move(read.error()));
  if (auto valid = check_choice(out.choice); !valid) return fail(std::move(valid.error()));
  return out;
}

Status check_parameters(const EndToEndParameters& parameters, Suid suid) {
  if (auto valid = check_choice(parameters.choice); !valid) return valid;
  return check_use(parameters.choice, suid);
}

Result<EndToEndParameters> make_parameters(const SecurityProfile& profile, Suid suid, MasterOrigin origin,
                                           std::span<const E2eSecInfo> targets) {
  auto choice = choose(profile, suid, targets);
  if (!choice) return fail(std::move(choice.error()));
  return EndToEndParameters{.origin = origin,
                            .choice = *choice,
                            .salt = crypto::random_bytes(kSaltOctets),
                            .scope = profile.scope,
                            .nonce_lifetime = profile.nonce_lifetime.value_or(kNonceLifetime)};
}

SecretBytes extract_master(const EndToEndParameters& parameters, const SecretBytes& base) {
  return crypto::derive_ke2e_master(parameters.salt, base, parameters.choice.hash);
}

Result<SecretBytes> extract_master_from_exported(const EndToEndParameters& parameters, SecretBytes&& exported,
                                                 const EntityId& source) {
  return generate_master(parameters, Ke(std::move(exported)), source);
}

SecretBytes generate_master(const EndToEndParameters& parameters) {
  return extract_master(parameters, crypto::random_secret(crypto::hash_bytes(parameters.choice.hash)));
}

Result<SecretBytes> generate_master(const EndToEndParameters& parameters, const Ke& ke,
                                    const EntityId& source) {
  if (!is_end_point(source)) return bad("the Source ESF End-Point is no AE or CSE");
  const auto kpsa = crypto::derive_kpsa(ke, to_string(source));
  if (!kpsa) return fail(kpsa.error());
  return extract_master(parameters, kpsa->bytes());
}

Result<EndToEndCredential> EndToEndCredential::make(EndToEndAttributes attributes, SecretBytes&& master) {
  const auto& choice = attributes.parameters.choice;
  if (auto valid = check_parameters(attributes.parameters, attributes.suid); !valid)
    return fail(std::move(valid.error()));
  if (master.size() != crypto::hash_bytes(choice.hash))
    return bad("Ke2e_master is not of the length of its hash");
  if (!is_end_point(attributes.source)) return bad("the Source ESF End-Point is no AE or CSE");
  if (attributes.targets.empty() || !std::ranges::all_of(attributes.targets, is_end_point))
    return bad("a Target ESF End-Point is an AE or a CSE, and there is one");
  if (attributes.suid.use() == Suid::Use::esprim && attributes.targets.size() != 1)
    return bad("ESPrim has exactly one target (8.8.2.7)");
  return EndToEndCredential(std::move(attributes), std::move(master));
}

std::shared_ptr<const SecretBytes> EndToEndCredential::key(EndToEndKey key) const {
  const auto& choice = attributes_.parameters.choice;
  auto keys = crypto::expand_ke2e(master_, choice.hash);
  SecretBytes& whole = key == EndToEndKey::msg_auth   ? keys.msg_auth
                       : key == EndToEndKey::msg_conf ? keys.msg_conf
                       : key == EndToEndKey::att_auth ? keys.att_auth
                                                      : keys.att_conf;
  if (key == EndToEndKey::att_conf)
    return std::make_shared<const SecretBytes>(whole.first(*choice.attribute_confidentiality / 8));
  return std::make_shared<const SecretBytes>(std::move(whole));
}

Result<PairwiseEsPrimKey::Shared> EndToEndCredential::esprim_key(const EntityId& self) const {
  if (attributes_.suid.use() != Suid::Use::esprim)
    return fail(ErrorCode::denied, "SUID " + std::to_string(attributes_.suid.value()) + " is not for ESPrim");
  const auto& choice = attributes_.parameters.choice;
  if (choice.protection != ProtectionClass::aead || choice.protocol != ProtectionProtocol::jose)
    return fail(ErrorCode::unsupported, "ESPrim has JWE with AES-GCM alone (8.4.3.2)");
  const EntityId& target = attributes_.targets.front();
  if (self != target && self != attributes_.source)
    return fail(ErrorCode::denied, to_string(self) + " is neither source nor target of this key");
  return PairwiseEsPrimKey::from_secret({.id = attributes_.id.text(),
                                         .peer = self == target ? attributes_.source : target,
                                         .suid = attributes_.suid,
                                         .end = attributes_.end},
                                        key(EndToEndKey::msg_conf)->duplicate());
}

void EndToEndCredential::apply(EsPrimOriginatorConfig& config) const {
  const auto bits = attributes_.parameters.choice.message_confidentiality.value_or(256);
  config.encs = {jose::Enc::a256gcm};
  if (bits == 192) config.encs.push_back(jose::Enc::a192gcm);
  config.object_lifetime = std::min(config.object_lifetime, attributes_.parameters.nonce_lifetime);
}

Status EndToEndCredential::check_data() const {
  const auto use = attributes_.suid.use();
  if (use != Suid::Use::esdata_encryption && use != Suid::Use::esdata_signature)
    return fail(ErrorCode::denied, "SUID " + std::to_string(attributes_.suid.value()) + " is not for ESData");
  if (attributes_.parameters.choice.protocol != ProtectionProtocol::jose)
    return fail(ErrorCode::unsupported, "protocol xml");
  return {};
}

namespace {

/// 8.5.2.1: the MIC beside an encryption is no signature-only key, but it is used as one.
EsDataCredential credential_of(const EndToEndAttributes& attributes, Suid::Use use) {
  const auto value = static_cast<int>(attributes.suid.origin()) * 10 + static_cast<int>(use);
  return {.kid = attributes.id.text(),
          .suid = Suid::from(value).value(),
          .owner = attributes.source,
          .end = attributes.end};
}

}  // namespace

Result<EndToEndDataSource> EndToEndCredential::data_source(std::string media_type, EsDataForm form) const {
  if (auto valid = check_data(); !valid) return fail(std::move(valid.error()));
  const auto& choice = attributes_.parameters.choice;
  const bool both = choice.attribute_confidentiality && choice.attribute_authenticity;
  EndToEndDataSource out;
  out.form_ = form;
  out.media_type_ = both ? "application/jose" : media_type;
  if (choice.attribute_confidentiality) {
    const auto bits = *choice.attribute_confidentiality;
    auto made = EsDataSource::make(
        {.security_class = EsDataClass::encryption_only,
         .form = both ? EsDataForm::compact : form,
         .recipients = {{credential_of(attributes_, Suid::Use::esdata_encryption),
                         jose::EncryptionKey(key(EndToEndKey::att_conf), wrap_of(bits), enc_of(bits))}},
         .media_type = media_type});
    if (!made) return fail(std::move(made.error()));
    out.encryption_ = std::move(*made);
  }
  if (choice.attribute_authenticity) {
    auto made = EsDataSource::make(
        {.security_class = EsDataClass::signature_only,
         .form = form,
         .signers = {{credential_of(attributes_, Suid::Use::esdata_signature),
                      jose::SigningKey(key(EndToEndKey::att_auth), jose::SignatureAlg::hs256)}},
         .media_type = both ? std::string(kNestedCompact) : media_type});
    if (!made) return fail(std::move(made.error()));
    out.mic_ = std::move(*made);
  }
  return out;
}

Result<EndToEndDataTarget> EndToEndCredential::data_target(const EntityId& self, bool any_source) const {
  if (auto valid = check_data(); !valid) return fail(std::move(valid.error()));
  const auto& targets = attributes_.targets;
  if (std::ranges::find(targets, self) == targets.end())
    return fail(ErrorCode::denied, to_string(self) + " is not among the targets of this key");
  const auto& choice = attributes_.parameters.choice;
  EndToEndDataTarget out;
  out.source_proven_ = targets.size() == 1;
  out.any_source_ = any_source;
  if (choice.attribute_confidentiality) {
    const auto bits = *choice.attribute_confidentiality;
    const auto alg = wrap_of(bits);
    const auto enc = enc_of(bits);
    auto made =
        EsDataTarget::make({.classes = {EsDataClass::encryption_only}, .key_algs = {alg}, .encs = {enc}}, {},
                           {{credential_of(attributes_, Suid::Use::esdata_encryption),
                             jose::DecryptionKey(key(EndToEndKey::att_conf), {alg}, {enc})}});
    if (!made) return fail(std::move(made.error()));
    out.encryption_ = std::move(*made);
  }
  if (choice.attribute_authenticity) {
    auto made = EsDataTarget::make(
        {.classes = {EsDataClass::signature_only}, .signatures = {jose::SignatureAlg::hs256}},
        {{credential_of(attributes_, Suid::Use::esdata_signature),
          jose::VerificationKey(key(EndToEndKey::att_auth), {jose::SignatureAlg::hs256})}},
        {});
    if (!made) return fail(std::move(made.error()));
    out.mic_ = std::move(*made);
  }
  return out;
}

Result<std::string> EndToEndDataSource::protect(ByteView payload, TimePoint now) {
  if (encryption_ == nullptr) return mic_->protect(payload, now);
  auto sealed = encryption_->protect(payload, now);
  if (!sealed || mic_ == nullptr) return sealed;
  return mic_->protect(as_bytes(*sealed), now);
}

std::string EndToEndDataSource::content_info() const { return e2e::content_info(media_type_, 0, form_); }

EsDataResult<EsDataOpened> EndToEndDataTarget::open(EsDataForm form, std::string_view text,
                                                    TimePoint now) const {
  const auto refuse = [](EsDataDefect defect, const char* why) {
    return tl::unexpected<EsDataRefusal>(EsDataRefusal{defect, why});
  };
  if (!source_proven_ && !any_source_)
    return refuse(EsDataDefect::source, "each of the targets may have made this envelope");
  auto opened = mic_ != nullptr ? mic_->open(form, text, now) : encryption_->open(form, text, now);
  if (!opened) return opened;
  if (mic_ != nullptr && encryption_ != nullptr) {
    if (nested_form(opened->media_type) != EsDataForm::compact)
      return refuse(EsDataDefect::form, "no envelope under the MIC");
    const SecretBytes inner = std::move(opened->payload);
    opened = encryption_->open(EsDataForm::compact, as_text(inner.reveal()), now);
    if (!opened) return opened;
  }
  if (!source_proven_) opened->verified.clear();
  return opened;
}

std::vector<KeyId> key_ids_of_esdata(std::string_view text) {
  std::vector<KeyId> out;
  const auto form = guess_form(text);
  if (!form) return out;
  const auto envelope = read_envelope(*form, text, false);
  if (!envelope) return out;
  const auto add = [&](const std::optional<std::string>& kid) {
    if (!kid) return;
    if (auto id = KeyId::parse(*kid); id && std::ranges::find(out, *id) == out.end())
      out.push_back(std::move(*id));
  };
  if (const auto* sealed = std::get_if<SealedEnvelope>(&*envelope))
    for (const auto& recipient : sealed->recipients) add(recipient.kid);
  else
    for (const auto& signature : std::get<SignedEnvelope>(*envelope).signatures) add(signature.kid);
  return out;
}

Result<KeyId> key_id_of_esprim(std::string_view object, TimePoint now) {
  const auto parts = jose::split_jwe(object, {.octets = kEsPrimOctetsMax});
  if (!parts) return fail(parts.error());
  const auto header = EsPrimHeader::read(parts->header, now);
  if (!header) return fail(ErrorCode::invalid_argument, header.error().detail);
  return KeyId::parse(header->kid);
}

}  // namespace latchkey::e2e
