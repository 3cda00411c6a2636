#include "latchkey/crypto/derivation.h"

#include <algorithm>
#include <initializer_list>
#include <string>

namespace latchkey::crypto {
namespace {

constexpr std::string_view kKmLabel = "oneM2M Enrolment Key to Master Credential derivation";
constexpr std::string_view kKpsaLabel =
    "oneM2M Enrolment Key to Provisioned Secure Connection Key derivation";
constexpr std::string_view kUsageLabel = "oneM2M Enrolment Key to Usage-Constrained Symmetric Key derivation";
constexpr std::string_view kSessionLabel = "oneM2M HMAC-SHA256 sessionESPrimKey derivation algorithm";
constexpr std::size_t kExportedIdOctets = 16;

/// HMAC-SHA-256(ke, label || id), the id as UTF-8 in NFKC.
Result<SecretBytes> from_enrolment_key(const Ke& ke, std::string label, std::string_view id) {
  if (ke.bytes().empty()) return fail(ErrorCode::invalid_argument, "empty Enrolment Key");
  if (id.empty()) return fail(ErrorCode::invalid_argument, "empty identifier");
  const auto normal = nfkc(id);
  if (!normal) return fail("identifier", normal.error());
  label += *normal;
  return hmac_sha256(ke.bytes(), as_bytes(label));
}

/// T(n) = HMAC-Hash(master, T(n-1) || label || n), 10.3.6.2.
SecretBytes expand(Hash hash, const SecretBytes& master, const SecretBytes& previous, EndToEndKey key) {
  const auto text = as_bytes(label_of(key));
  SecretBytes input(previous.size() + text.size() + 1);
  const auto octets = input.reveal_writable();
  const auto before = previous.reveal();
  auto end = std::copy(before.begin(), before.end(), octets.begin());
  end = std::copy(text.begin(), text.end(), end);
  *end = static_cast<std::uint8_t>(static_cast<unsigned>(key) + 1);
  return SecretBytes::take(hmac(hash, master, input.reveal()));
}

Result<std::string> as_text_of(Result<Fqdn> name) {
  if (!name) return fail(std::move(name.error()));
  return name->text();
}

}  // namespace

Result<ExportedKey> split_exported(const SecretBytes& exported) {
  if (exported.size() != kExportedOctets)
    return fail(ErrorCode::invalid_argument, "exported keying material is not of 48 octets");
  const ByteView octets = exported.reveal();
  ExportedKey out;
  std::copy_n(octets.begin(), kExportedIdOctets, out.id.begin());
  out.key = SecretBytes::copy_of(octets.subspan(kExportedIdOctets));
  return out;
}

Result<Km> derive_km(const Ke& ke, std::string_view maf_id) {
  auto key = from_enrolment_key(ke, std::string(kKmLabel), maf_id);
  if (!key) return fail("Km", std::move(key.error()));
  return Km(std::move(*key));
}

Result<Kpsa> derive_kpsa(const Ke& ke, std::string_view enrolee_b_id) {
  auto key = from_enrolment_key(ke, std::string(kKpsaLabel), enrolee_b_id);
  if (!key) return fail("Kpsa", std::move(key.error()));
  return Kpsa(std::move(*key));
}

SecretBytes derive_ke2e_master(ByteView salt, const SecretBytes& base, Hash hash) {
  return SecretBytes::take(hmac(hash, SecretBytes::copy_of(salt), base.reveal()));
}

std::string_view label_of(EndToEndKey key) noexcept {
  constexpr std::array<std::string_view, kEndToEndKeys> labels = {
      "E2E Message Authentication Key", "E2E Message Confidentiality Key", "E2E Attribute Authenticity Key",
      "E2E Attribute Confidentiality Key"};
  return labels.at(static_cast<std::size_t>(key));
}

EndToEndKeys expand_ke2e(const SecretBytes& ke2e_master, Hash hash) {
  EndToEndKeys out;
  out.msg_auth = expand(hash, ke2e_master, SecretBytes(), EndToEndKey::msg_auth);
  out.msg_conf = expand(hash, ke2e_master, out.msg_auth, EndToEndKey::msg_conf);
  out.att_auth = expand(hash, ke2e_master, out.msg_conf, EndToEndKey::att_auth);
  out.att_conf = expand(hash, ke2e_master, out.att_auth, EndToEndKey::att_conf);
  return out;
}

Result<SecretBytes> derive_usage_constrained(const Ke& ke, Suid suid,
                                             std::string_view enrolment_target_fqdn) {
  auto key =
      from_enrolment_key(ke, std::string(kUsageLabel) + std::to_string(suid.value()), enrolment_target_fqdn);
  if (!key) return fail("usage-constrained key", std::move(key.error()));
  return key;
}

Result<std::string> enrolment_target_fqdn(const EntityId& target, const std::optional<CseId>& in_cse) {
  struct Name {
    const std::optional<CseId>& in_cse;
    Result<std::string> operator()(const CseId& cse) const {
      return as_text_of(cse.public_domain_name(in_cse));
    }
    Result<std::string> operator()(const AeId& ae) const {
      if (ae.stem().find('.') != std::string::npos)
        return fail(ErrorCode::invalid_argument, "AE-ID stem that is no DNS label has no FQDN");
      const auto registrar = ae.registrar();
      if (!registrar) return as_text_of(Fqdn::parse(ae.stem() + "." + ae.sp().fqdn().folded()));
      const auto parent = registrar->public_domain_name(in_cse);
      if (!parent) return fail("registrar CSE", parent.error());
      return as_text_of(Fqdn::parse(ae.stem() + "." + parent->text()));
    }
    Result<std::string> operator()(const M2mDeviceId&) const {
      return fail(ErrorCode::invalid_argument, "a device ID has no FQDN representation");
    }
    Result<std::string> operator()(const Fqdn& fqdn) const { return fqdn.text(); }
  };
  return std::visit(Name{in_cse}, target);
}

Bytes session_esprim_input(ByteView receiver_rand, ByteView originator_rand) {
  const auto label = as_bytes(kSessionLabel);
  Bytes input;
  input.reserve(receiver_rand.size() + originator_rand.size() + label.size());
  for (const ByteView part : {receiver_rand, originator_rand, label})
    input.insert(input.end(), part.begin(), part.end());
  return input;
}

SecretBytes derive_session_esprim_key(const SecretBytes& pairwise_key, ByteView receiver_rand,
                                      ByteView originator_rand) {
  return hmac_sha256(pairwise_key, session_esprim_input(receiver_rand, originator_rand));
}

SecretBytes derive_pairwise_esprim_key(const Kc& kc) {
  return hmac_sha256(kc.bytes(), as_bytes(kPairwiseEsPrimLabel));
}

}  // namespace latchkey::crypto
