#pragma once
/// Certificates of TS-0003 10.1: flavours, names, profile rules, path validation with our own exact name and
/// constraint checks. OpenSSL types stay behind pimpl. Values are immutable and thread-safe.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/bytes.h"
#include "latchkey/base/ids.h"
#include "latchkey/base/secret.h"
#include "latchkey/base/time.h"

namespace latchkey::pki {

/// TS-0003 8.1.2.1. `raw` has no names of its own.
enum class Flavour { raw, device, node_id, cse_id, ae_id, fqdn, ca, unknown };
[[nodiscard]] std::string_view to_string(Flavour flavour) noexcept;

/// What a certificate says of its subject, from subjectAltName only (never from CN).
struct SubjectNames {
  std::vector<std::string> dns;         ///< dNSName entries as they stand
  std::vector<std::string> uris;        ///< uniformResourceIdentifier entries as they stand
  std::vector<M2mDeviceId> device_ids;  ///< otherName by OID arcs (10.1.1.4.1)
  std::vector<std::string> other;       ///< entries of any other form, printable, for inspection
};

class Certificate {
 public:
  [[nodiscard]] static Result<Certificate> from_der(ByteView der);  ///< at most 16 KiB
  [[nodiscard]] static Result<std::vector<Certificate>> chain_from_pem(
      std::string_view pem);  ///< at most 10, leaf first
  [[nodiscard]] const Bytes& der() const noexcept;
  [[nodiscard]] std::string to_pem() const;
  [[nodiscard]] const SubjectNames& names() const noexcept;
  [[nodiscard]] std::string subject() const;  ///< RFC 2253 text
  [[nodiscard]] std::string issuer() const;
  [[nodiscard]] std::string serial_hex() const;
  [[nodiscard]] TimePoint not_before() const;
  [[nodiscard]] TimePoint not_after() const;
  [[nodiscard]] bool is_ca() const noexcept;
  /// Key usage admits keys to be encrypted to it: keyEncipherment or keyAgreement, or no such extension
  /// (8.5.2.2.4.1: "Public keys for verifying signature cannot be used for this Protection Option").
  [[nodiscard]] bool may_encrypt() const noexcept;
  /// DER SubjectPublicKeyInfo.
  [[nodiscard]] const Bytes& spki() const noexcept;
  /// Which flavour the names make it (8.1.2.1): a `host/cse-id` dNSName counts as cse_id only in the Annex B
  /// form. A domain name alone does not tell a CSE from another function: it is `fqdn` when the extended key
  /// usage admits a server only or the name is a URI, else `cse_id`; names_fqdn() matches either. `unknown`
  /// without a name, or with names of more than one flavour.
  [[nodiscard]] Flavour flavour() const noexcept;
  /// Every rule of 10.1.1 that it breaks, each "clause: what", empty when it conforms.
  [[nodiscard]] std::vector<std::string> profile_violations() const;

  struct Impl;
  explicit Certificate(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  [[nodiscard]] const Impl& impl() const noexcept { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

/// The one identity that a verified leaf proves (8.2.2.2): public domain name for a CSE-ID, m2m URI for an
/// AE-ID, OID arcs for a device, dNSName for an FQDN certificate. Lists of names that are not of the flavour
/// are empty.
struct CertifiedIdentity {
  Flavour flavour = Flavour::unknown;
  /// Names that may stand for the subject. CSE-ID certificates carry a domain name: matching it to a CseId is
  /// exact equality with the public domain name (or, under annex_b, with "host/cse-id").
  std::vector<std::string> dns_names;
  std::optional<AeId> ae_id;
  std::optional<M2mDeviceId> device_id;  ///< the first of device_ids
  std::vector<M2mDeviceId> device_ids;   ///< "one or more" (10.1.1.4.1)
  std::vector<std::string> node_ids;     ///< Node-IDs that are no OID, as URIs (10.1.1.8)
  std::vector<std::string> uri_fqdns;    ///< URIs that are a bare FQDN (8.1.2.5, FQDN certificates)
  bool server_auth = true;               ///< extended key usage admits its use by a TLS server
  bool client_auth = true;               ///< ... by a TLS client
};

/// How strictly chains of one trust anchor are judged.
struct TrustOptions {
  bool annex_b_certificates =
      false;  ///< admit TR-0038 Annex B: `host/cse-id`, no keyUsage, unconstrained root
  bool require_name_constraints = true;  ///< 8.1.2.2, 10.1.1.5; may be waived per anchor
  bool require_crl = false;              ///< 8.1.2.2: a certificate whose issuer has no CRL here is refused
};

/// An immutable set of trust anchors and CRLs; thread-safe, shared as a snapshot and replaced on reload.
class TrustStore {
 public:
  struct Anchor {
    Certificate certificate;
    TrustOptions options;
  };
  /// `crls`: DER or PEM, each signed by an anchor or an intermediate; a CRL that does not parse is
  /// invalid_argument.
  [[nodiscard]] static Result<std::shared_ptr<const TrustStore>> make(std::vector<Anchor> anchors,
                                                                      std::vector<Bytes> crls);
  struct Impl;
  explicit TrustStore(std::unique_ptr<Impl> impl);
  ~TrustStore();
  TrustStore(const TrustStore&) = delete;
  TrustStore& operator=(const TrustStore&) = delete;

  struct Verified {
    Certificate leaf;
    CertifiedIdentity identity;
    TimePoint valid_until{};            ///< earliest notAfter of the path
    std::vector<std::string> warnings;  ///< e.g. admitted only by the Annex B switch
  };
  /// TS-0003 8.1.2.2, 8.1.2.5, 10.1.1: signatures, validity at `now`, CA flags, key usage, revocation where a
  /// CRL of the issuer is held, then our own profile, exact-name and name-constraint checks over the whole
  /// path, whatever the library said. `chain` is leaf first, at most 10. Names in certificates are absolute,
  /// so that `home` completes none. Errors: authentication (untrusted, bad signature, profile, revoked),
  /// expired (outside validity). The detail names the certificate and the rule.
  [[nodiscard]] Result<Verified> verify(const std::vector<Certificate>& chain, TimePoint now,
                                        const SpId& home) const;
  /// Changes with every make(); part of the key of a verified-chain cache.
  [[nodiscard]] std::uint64_t generation() const noexcept;
  /// The anchors' certificates, whose subjects a TLS server names in its CertificateRequest.
  [[nodiscard]] std::vector<Certificate> anchors() const;

 private:
  std::unique_ptr<Impl> impl_;
};

/// True if `name` of a CSE-ID certificate stands for `cse` (exact; letter case of a domain name is ignored).
/// `in_cse` as for CseId::public_domain_name; `annex_b` also accepts "sp-fqdn/stem".
[[nodiscard]] bool names_cse(const CertifiedIdentity& identity, const CseId& cse,
                             const std::optional<CseId>& in_cse, bool annex_b);
/// True if an FQDN certificate names exactly `fqdn` (8.1.2.5): a dNSName, or a URI that is the bare FQDN.
/// Letter case is ignored. Needs server_auth: the function is authenticated as TLS server.
[[nodiscard]] bool names_fqdn(const CertifiedIdentity& identity, const Fqdn& fqdn);
/// True if one of the hardware identifiers of a device certificate equals `device` (8.1.2.5).
[[nodiscard]] bool names_device(const CertifiedIdentity& identity, const M2mDeviceId& device);
/// Reads the CSE-ID out of a CSE-ID certificate: stem.<sp-fqdn>, stem.<in-stem>.<sp-fqdn>, or
/// "<sp-fqdn>/stem" under annex_b. nullopt when no name, or more than one CSE-ID, comes out.
[[nodiscard]] std::optional<CseId> certified_cse_id(const CertifiedIdentity& identity, const SpId& home,
                                                    const std::optional<CseId>& in_cse, bool annex_b);

/// An EC P-256 private key. Movable; wipes itself. Not thread-safe for signing.
class PrivateKey {
 public:
  [[nodiscard]] static Result<PrivateKey> generate();
  /// PKCS#8 or SEC1 PEM; encrypted PEM needs `passphrase`.
  [[nodiscard]] static Result<PrivateKey> from_pem(const SecretBytes& pem,
                                                   const SecretBytes* passphrase = nullptr);
  [[nodiscard]] SecretBytes to_pem() const;  ///< PKCS#8, unencrypted
  [[nodiscard]] Bytes public_spki() const;
  [[nodiscard]] bool matches(const Certificate& certificate) const;
  /// ECDSA with SHA-256 over `data`, DER signature.
  [[nodiscard]] Result<Bytes> sign(ByteView data) const;

  PrivateKey(PrivateKey&&) noexcept;
  PrivateKey& operator=(PrivateKey&&) noexcept;
  ~PrivateKey();
  struct Impl;
  explicit PrivateKey(std::unique_ptr<Impl> impl);
  [[nodiscard]] const Impl& impl() const noexcept { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::pki
