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

/// The one meaning that the key has; the first where none fits, for which the key is then refused.
std::optional<jose::SignatureAlg> algorithm_of(const SignedEnvelope::Signature& signature,
                                               const jose::VerificationKey& key) {
  for (const auto alg : signature.algs)
    if (key.fits(alg)) return alg;
  return signature.algs.empty() ? std::nullopt : std::optional(signature.algs.front());
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
    auto envelope = read_envelope(form, text, policy_.printed_identifiers);
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
    const SignedEnvelope::Signature* signature;
    const EsDataVerifier* verifier;
    jose::SignatureAlg alg;
  };
  EsDataResult<std::vector<Chosen>> choose(const SignedEnvelope& envelope, bool nested) const {
    std::vector<Chosen> out;
    std::set<std::string_view> kids;
    for (const auto& signature : envelope.signatures) {
      const auto* verifier = find(target_.verifiers_, signature.kid);
      if (verifier == nullptr) continue;
      const EsDataCredential& credential = verifier->credential;
      if (!signature.alg_protected) return refuse(EsDataDefect::header, "alg is not protected");
      if (!kids.insert(credential.kid).second)
        return refuse(EsDataDefect::header, "two signatures with one kid");
      const auto alg = algorithm_of(signature, verifier->key);
      if (!alg || !policy_.signatures.has(*alg))
        return refuse(EsDataDefect::algorithm, "alg of " + credential.kid + " is not in the policy");
      if (auto use = check_signature_use(credential, nested); !use)
        return refuse(EsDataDefect::wrong_use, use.error().detail);
      if (expired(credential, now_))
        return refuse(EsDataDefect::expired_credential, "credential " + credential.kid + " has expired");
      if (!signature.digests_hold)
        return refuse(EsDataDefect::integrity, "the payload is not what " + credential.kid + " has signed");
      out.push_back({&signature, verifier, *alg});
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
    if (!envelope.enc_protected) return refuse(EsDataDefect::header, "enc is not protected");
    if (!envelope.enc || !policy_.encs.has(*envelope.enc))
      return refuse(EsDataDefect::algorithm, "enc is not in the policy");
    const auto& recipients = envelope.recipients;
    for (const auto& recipient : recipients)
      if (recipient.alg == jose::KeyAlg::dir && recipients.size() > 1)
        return refuse(EsDataDefect::direct_mode, "direct mode with several recipients");
    for (std::size_t i = 0; i < recipients.size(); ++i) {
      const auto* opener = find(target_.openers_, recipients[i].kid);
      if (opener == nullptr) continue;
      const EsDataCredential& credential = opener->credential;
      const auto& alg = recipients[i].alg;
      if (!alg || !policy_.key_algs.has(*alg))
        return refuse(EsDataDefect::algorithm, "alg of " + credential.kid + " is not in the policy");
      if (auto use = check_encryption_use(credential); !use)
        return refuse(EsDataDefect::wrong_use, use.error().detail);
      if (expired(credential, now_))
        return refuse(EsDataDefect::expired_credential, "credential " + credential.kid + " has expired");
      const bool alone = credential.option() != EsDataOption::certificate && recipients.size() == 1;
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
      const auto verified = one.verifier->key.verify(one.alg, signature.signing_input, signature.signature);
      if (!verified) return refuse(defect_of_use(verified.error()), verified.error().detail);
      const EsDataCredential& credential = one.verifier->credential;
      out.verified.push_back(credential);
      out.non_repudiation |= credential.option() == EsDataOption::certificate;
    }
    out.media_type = chosen->front().signature->media_type;
    out.payload = SecretBytes::take(std::move(envelope.payload));
    return out;
  }

  EsDataResult<EsDataOpened> open(SealedEnvelope&& envelope) const {
    const auto inner_form = envelope.nested;
    const auto chosen = choose(envelope);
    if (!chosen) return tl::unexpected(chosen.error());
    if (!inner_form && policy_.source_verified && !chosen->source_verified)
      return refuse(EsDataDefect::source, "anybody, or any of the recipients, may have made this envelope");
    auto plaintext = envelope.open(chosen->index, chosen->opener->key);
    if (!plaintext) return refuse(defect_of_use(plaintext.error()), plaintext.error().detail);
    if (envelope.is_xml() && xmlsec::holds_signature(plaintext->reveal()) != inner_form.has_value())
      return refuse(EsDataDefect::header, "Type, which nothing protects, does not say what is inside");
    EsDataOpened out;
    if (inner_form) {
      auto inner = read_envelope(*inner_form, as_text(plaintext->reveal()), policy_.printed_identifiers);
      if (!inner) return refuse(defect_of(inner.error()), "inside: " + inner.error().detail);
      auto* const signed_one = std::get_if<SignedEnvelope>(&*inner);
      if (signed_one == nullptr) return refuse(EsDataDefect::form, "no signature inside");
      auto verified = verify(std::move(*signed_one), true);
      if (!verified) return verified;
      out = std::move(*verified);
    } else {
      out.payload = std::move(*plaintext);
      out.media_type = envelope.media_type;
      if (chosen->source_verified) out.verified.push_back(chosen->opener->credential);
    }
    out.aad.assign(envelope.aad().begin(), envelope.aad().end());
    out.opened_with = chosen->opener->credential;
    return out;
  }

  static EsDataClass class_of(const Envelope& envelope) {
    const auto* const sealed = std::get_if<SealedEnvelope>(&envelope);
    if (sealed == nullptr) return EsDataClass::signature_only;
    return sealed->nested ? EsDataClass::sign_then_encrypt : EsDataClass::encryption_only;
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
    if (!sealed->nested && policy_.source_verified && !chosen->source_verified)
      return EsDataRefusal{EsDataDefect::source,
                           "anybody, or any of the recipients, may have made this envelope"};
    return {};
  }
  const auto chosen = opening.choose(std::get<SignedEnvelope>(*envelope), false);
  if (!chosen) return chosen.error();
  return {};
}

}  // namespace latchkey::e2e
