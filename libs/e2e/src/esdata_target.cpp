#include <algorithm>
#include <array>
#include <set>

#include "envelope.h"
#include "esdata_credential.h"

namespace latchkey::e2e {
namespace {

tl::unexpected<EsDataRefusal> refuse(EsDataDefect defect, std::string detail) {
  return tl::unexpected<EsDataRefusal>(EsDataRefusal{defect, std::move(detail)});
}

EsDataDefect defect_of(const Error& error) {
  return error.code == ErrorCode::unsupported ? EsDataDefect::header : EsDataDefect::form;
}
/// What a key says about a header or an integrity value.
EsDataDefect defect_of_use(const Error& error) {
  return error.code == ErrorCode::unsupported ? EsDataDefect::algorithm : EsDataDefect::integrity;
}

template <class List>
const typename List::value_type* find(const List& list, const std::optional<std::string>& kid) {
  if (!kid) return nullptr;
  const auto found =
      std::ranges::find_if(list, [&](const auto& entry) { return entry.credential.kid == *kid; });
  return found != list.end() ? &*found : nullptr;
}

template <class List>
Status check_list(const List& list) {
  std::set<std::string_view> kids;
  for (const auto& entry : list) {
    if (auto valid = check_credential(entry.credential, entry.key.symmetric()); !valid) return valid;
    if (!kids.insert(entry.credential.kid).second)
      return fail(ErrorCode::invalid_argument, "kid " + entry.credential.kid + " twice");
  }
  return {};
}

}  // namespace

std::string_view to_string(EsDataDefect defect) noexcept {
  constexpr std::array<std::string_view, 10> names = {"form",
                                                      "header",
                                                      "security class",
                                                      "algorithm",
                                                      "unknown credential",
                                                      "wrong use",
                                                      "expired credential",
                                                      "direct mode",
                                                      "integrity",
                                                      "source not verified"};
  return names.at(static_cast<std::size_t>(defect));
}

/// One envelope on its way through the policy: first everything that needs no key, then the keys.
class EsDataTarget::Opening {
 public:
  Opening(const EsDataTarget& target, TimePoint now) : target_(target), policy_(target.policy_), now_(now) {}

  EsDataResult<Envelope> read(EsDataForm form, std::string_view text) const {
    if (!policy_.forms.has(form)) return refuse(EsDataDefect::form, "the policy does not have this form");
    auto envelope = read_envelope(form, text);
    if (!envelope) return refuse(defect_of(envelope.error()), envelope.error().detail);
    return std::move(*envelope);
  }

  EsDataResult<void> require_class(EsDataClass security_class) const {
    if (policy_.classes.has(security_class)) return {};
    return refuse(EsDataDefect::security_class,
                  std::string(to_string(security_class)) + " is not in the policy");
  }

  /// The signatures by keys of ours, all of them fit to be verified (8.5.2.3.1 C.2).
  struct Chosen {
    const jose::JsonJws::Signature* signature;
    const EsDataVerifier* verifier;
  };
  EsDataResult<std::vector<Chosen>> choose(const SignedEnvelope& envelope, bool nested) const {
    std::vector<Chosen> out;
    std::set<std::string_view> kids;
    for (const auto& signature : envelope.jws.signatures) {
      const auto* verifier = find(target_.verifiers_, signature.header.kid);
      if (verifier == nullptr) continue;
      const EsDataCredential& credential = verifier->credential;
      if (!signature.alg_protected) return refuse(EsDataDefect::header, "alg is not protected");
      if (!kids.insert(credential.kid).second)
        return refuse(EsDataDefect::header, "two signatures with one kid");
      const auto alg = jose::signature_alg(signature.header.alg);
      if (!alg || !policy_.signatures.has(*alg))
        return refuse(EsDataDefect::algorithm, "alg of " + credential.kid + " is not in the policy");
      if (auto use = check_signature_use(credential, nested); !use)
        return refuse(EsDataDefect::wrong_use, use.error().detail);
      if (expired(credential, now_))
        return refuse(EsDataDefect::expired_credential, "credential " + credential.kid + " has expired");
      out.push_back({&signature, verifier});
    }
    if (out.size() < std::max(policy_.signatures_needed, 1U))
      return refuse(EsDataDefect::unknown_credential, "too few signatures of known credentials");
    return out;
  }

  /// The recipient that is one of ours (8.5.2.2.1 D).
  struct Selected {
    std::size_t index;
    const EsDataOpener* opener;
    bool source_verified;
  };
  EsDataResult<Selected> choose(const SealedEnvelope& envelope) const {
    const jose::JsonJwe& jwe = envelope.jwe;
    if (!jwe.enc_protected) return refuse(EsDataDefect::header, "enc is not protected");
    const auto enc = jose::enc(jwe.recipients.front().header.enc.value_or(""));
    if (!enc || !policy_.encs.has(*enc)) return refuse(EsDataDefect::algorithm, "enc is not in the policy");
    for (const auto& recipient : jwe.recipients)
      if (recipient.header.alg == jose::to_string(jose::KeyAlg::dir) && jwe.recipients.size() > 1)
        return refuse(EsDataDefect::direct_mode, "direct mode with several recipients");
    for (std::size_t i = 0; i < jwe.recipients.size(); ++i) {
      const auto& header = jwe.recipients[i].header;
      const auto* opener = find(target_.openers_, header.kid);
      if (opener == nullptr) continue;
      const EsDataCredential& credential = opener->credential;
      const auto alg = jose::key_alg(header.alg);
      if (!alg || !policy_.key_algs.has(*alg))
        return refuse(EsDataDefect::algorithm, "alg of " + credential.kid + " is not in the policy");
      if (auto use = check_encryption_use(credential); !use)
        return refuse(EsDataDefect::wrong_use, use.error().detail);
      if (expired(credential, now_))
        return refuse(EsDataDefect::expired_credential, "credential " + credential.kid + " has expired");
      const bool alone = credential.option() != EsDataOption::certificate && jwe.recipients.size() == 1;
      return Selected{i, opener, alone};
    }
    return refuse(EsDataDefect::unknown_credential, "no recipient is one of ours");
  }

  EsDataResult<EsDataOpened> verify(SignedEnvelope&& envelope, bool nested) const {
    const auto chosen = choose(envelope, nested);
    if (!chosen) return tl::unexpected(chosen.error());
    EsDataOpened out;
    out.security_class = nested ? EsDataClass::sign_then_encrypt : EsDataClass::signature_only;
    for (const Chosen& one : *chosen) {
      const auto& signature = *one.signature;
      const auto verified =
          one.verifier->key.verify(signature.header, signature.signing_input, signature.signature);
      if (!verified) return refuse(defect_of_use(verified.error()), verified.error().detail);
      const EsDataCredential& credential = one.verifier->credential;
      out.verified.push_back(credential);
      out.non_repudiation |= credential.option() == EsDataOption::certificate;
    }
    out.media_type = chosen->front().signature->header.cty;
    out.payload = SecretBytes::take(std::move(envelope.jws.payload));
    return out;
  }

  EsDataResult<EsDataOpened> open(SealedEnvelope&& envelope) const {
    const auto inner_form = nested_form(envelope.jwe.protected_cty);
    const auto chosen = choose(envelope);
    if (!chosen) return tl::unexpected(chosen.error());
    if (!inner_form && policy_.source_verified && !chosen->source_verified)
      return refuse(EsDataDefect::source, "anybody, or any of the recipients, may have made this envelope");
    auto plaintext = jose::open_json(envelope.jwe, chosen->index, chosen->opener->key);
    if (!plaintext) return refuse(defect_of_use(plaintext.error()), plaintext.error().detail);
    EsDataOpened out;
    if (inner_form) {
      auto inner = read_envelope(*inner_form, as_text(plaintext->reveal()));
      if (!inner) return refuse(defect_of(inner.error()), "inside: " + inner.error().detail);
      auto* const signed_one = std::get_if<SignedEnvelope>(&*inner);
      if (signed_one == nullptr) return refuse(EsDataDefect::form, "no signature inside");
      auto verified = verify(std::move(*signed_one), true);
      if (!verified) return verified;
      out = std::move(*verified);
    } else {
      out.payload = std::move(*plaintext);
      out.media_type = envelope.jwe.protected_cty;
      if (chosen->source_verified) out.verified.push_back(chosen->opener->credential);
    }
    out.aad = std::move(envelope.jwe.aad);
    out.opened_with = chosen->opener->credential;
    return out;
  }

  static EsDataClass class_of(const Envelope& envelope) {
    const auto* const sealed = std::get_if<SealedEnvelope>(&envelope);
    if (sealed == nullptr) return EsDataClass::signature_only;
    return nested_form(sealed->jwe.protected_cty) ? EsDataClass::sign_then_encrypt
                                                  : EsDataClass::encryption_only;
  }

 private:
  const EsDataTarget& target_;
  const EsDataPolicy& policy_;
  TimePoint now_;
};

Result<std::unique_ptr<EsDataTarget>> EsDataTarget::make(EsDataPolicy policy,
                                                         std::vector<EsDataVerifier> verifiers,
                                                         std::vector<EsDataOpener> openers) {
  if (auto valid = check_list(verifiers); !valid) return fail(std::move(valid.error()));
  if (auto valid = check_list(openers); !valid) return fail(std::move(valid.error()));
  return std::unique_ptr<EsDataTarget>(new EsDataTarget(policy, std::move(verifiers), std::move(openers)));
}

EsDataResult<EsDataOpened> EsDataTarget::open(EsDataForm form, std::string_view text, TimePoint now) const {
  const Opening opening(*this, now);
  auto envelope = opening.read(form, text);
  if (!envelope) return tl::unexpected(envelope.error());
  if (auto permitted = opening.require_class(Opening::class_of(*envelope)); !permitted)
    return tl::unexpected(permitted.error());
  if (auto* const sealed = std::get_if<SealedEnvelope>(&*envelope)) return opening.open(std::move(*sealed));
  return opening.verify(std::move(std::get<SignedEnvelope>(*envelope)), false);
}

std::optional<EsDataRefusal> EsDataTarget::preview(EsDataForm form, std::string_view text,
                                                   TimePoint now) const {
  const Opening opening(*this, now);
  const auto envelope = opening.read(form, text);
  if (!envelope) return envelope.error();
  if (auto permitted = opening.require_class(Opening::class_of(*envelope)); !permitted)
    return permitted.error();
  if (const auto* const sealed = std::get_if<SealedEnvelope>(&*envelope)) {
    const auto chosen = opening.choose(*sealed);
    if (!chosen) return chosen.error();
    if (!nested_form(sealed->jwe.protected_cty) && policy_.source_verified && !chosen->source_verified)
      return EsDataRefusal{EsDataDefect::source,
                           "anybody, or any of the recipients, may have made this envelope"};
    return {};
  }
  const auto chosen = opening.choose(std::get<SignedEnvelope>(*envelope), false);
  if (!chosen) return chosen.error();
  return {};
}

}  // namespace latchkey::e2e
