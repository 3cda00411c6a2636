#pragma once
/// Identifiers of TS-0001 7 and TS-0003 10.4-10.6. Parse, don't validate: past the codec there are no bare
/// strings. All types are immutable values, cheap to compare and hash by their canonical text; all functions
/// are thread-safe.
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "latchkey/base/error.h"

namespace latchkey {

/// Fully qualified domain name; letters are folded to lower case for comparison, the given spelling is kept
/// for output. RFC 1035 lengths; two labels or more of letters, digits and '-', the last no number (else an
/// IPv4 address or an OID would be a name). No '_', no '/', no trailing dot, no wildcard.
class Fqdn {
 public:
  [[nodiscard]] static Result<Fqdn> parse(std::string_view text);
  [[nodiscard]] const std::string& text() const noexcept { return text_; }      ///< as given
  [[nodiscard]] const std::string& folded() const noexcept { return folded_; }  ///< lower case
  /// True for the name itself and for names below it.
  [[nodiscard]] bool is_within(const Fqdn& domain) const noexcept;
  friend bool operator==(const Fqdn& a, const Fqdn& b) noexcept { return a.folded_ == b.folded_; }
  friend auto operator<=>(const Fqdn& a, const Fqdn& b) noexcept { return a.folded_ <=> b.folded_; }

 private:
  std::string text_, folded_;
};

/// M2M-SP-ID: "//" and the lower-case FQDN of the service provider (TS-0001 7.2).
class SpId {
 public:
  explicit SpId(Fqdn fqdn) : fqdn_(std::move(fqdn)) {}
  [[nodiscard]] static Result<SpId> parse(std::string_view text);  ///< "//m2m.sp.example"
  [[nodiscard]] const Fqdn& fqdn() const noexcept { return fqdn_; }
  [[nodiscard]] std::string text() const { return "//" + fqdn_.folded(); }
  friend bool operator==(const SpId&, const SpId&) noexcept = default;
  friend auto operator<=>(const SpId&, const SpId&) noexcept = default;

 private:
  Fqdn fqdn_;
};

/// CSE-ID, always kept with its SP: "//sp.example/in-cse" absolute, "/in-cse" SP-relative. Case-sensitive
/// stem of unreserved characters (RFC 3986), 1 to 255 octets; not "-", "." or "..", which mean something else
/// in an address, and not beginning with 'S', which is the mark of an AE-ID.
class CseId {
 public:
  /// Accepts the absolute and the SP-relative form; the latter is completed with `home`.
  [[nodiscard]] static Result<CseId> parse(std::string_view text, const SpId& home);
  [[nodiscard]] static Result<CseId> from_stem(const SpId& sp, std::string_view stem);
  [[nodiscard]] const SpId& sp() const noexcept { return sp_; }
  [[nodiscard]] const std::string& stem() const noexcept { return stem_; }
  [[nodiscard]] std::string sp_relative() const { return "/" + stem_; }
  [[nodiscard]] std::string absolute() const { return sp_.text() + "/" + stem_; }
  /// TS-0001 6.5.1.1: IN-CSE: stem.SP-FQDN; MN/ASN-CSE: stem before the public domain name of its IN-CSE.
  /// `in_cse` is nullopt, or this CSE itself, for an IN-CSE. Stems that are no DNS label, and an IN-CSE of
  /// another service provider, are invalid_argument.
  [[nodiscard]] Result<Fqdn> public_domain_name(const std::optional<CseId>& in_cse) const;
  friend bool operator==(const CseId&, const CseId&) noexcept = default;
  friend auto operator<=>(const CseId&, const CseId&) noexcept = default;

 private:
  CseId(SpId sp, std::string stem) : sp_(std::move(sp)), stem_(std::move(stem)) {}
  SpId sp_;
  std::string stem_;
};

/// AE-ID, always absolute inside: S-type "//sp/S..." (assigned by the SP) or C-type "//sp/cse/C..." (by the
/// registrar).
class AeId {
 public:
  /// Accepts absolute and SP-relative forms ("/Slock", "/cse/Clock"); a bare stem is not an AE-ID (see
  /// from_stem).
  [[nodiscard]] static Result<AeId> parse(std::string_view text, const SpId& home);
  /// A stem as a registree sends it in From; a C stem belongs to `registrar`, an S stem to the SP of
  /// `registrar`.
  [[nodiscard]] static Result<AeId> from_stem(std::string_view stem, const CseId& registrar);
  [[nodiscard]] const SpId& sp() const noexcept { return sp_; }
  [[nodiscard]] const std::string& stem() const noexcept { return stem_; }
  [[nodiscard]] bool sp_assigned() const noexcept { return stem_.front() == 'S'; }
  /// The CSE part of a C-type id; nullopt for an S-type.
  [[nodiscard]] std::optional<CseId> registrar() const;
  /// The stem of registrar() without a copy; empty for an S-type.
  [[nodiscard]] const std::string& registrar_stem() const noexcept { return cse_; }
  [[nodiscard]] std::string sp_relative() const;
  [[nodiscard]] std::string absolute() const { return sp_.text() + sp_relative(); }
  friend bool operator==(const AeId&, const AeId&) noexcept = default;
  friend auto operator<=>(const AeId&, const AeId&) noexcept = default;

 private:
  AeId(SpId sp, std::string cse, std::string stem)
      : sp_(std::move(sp)), cse_(std::move(cse)), stem_(std::move(stem)) {}
  SpId sp_;
  std::string cse_;  ///< empty for S-type
  std::string stem_;
};

/// OID-based M2M Device ID (TS-0001 Annex H): higher arc, manufacturer, model, serial, optional expanded arc.
/// Text forms: dots "0.2.481.1.100.3030.10011"; TR-0038 writes spaces. Both parse; equality ignores the
/// separator.
class M2mDeviceId {
 public:
  [[nodiscard]] static Result<M2mDeviceId> parse(std::string_view text);
  [[nodiscard]] const std::vector<std::uint32_t>& arcs() const noexcept { return arcs_; }
  [[nodiscard]] std::string dotted() const;
  [[nodiscard]] std::string spaced() const;
  /// The four arcs of the M2M Device Indication ID, otherName type-ID of TS-0003 10.1.1.4.1.
  [[nodiscard]] std::string higher_arc() const;
  /// The arcs behind it, otherName value.
  [[nodiscard]] std::string remainder() const;
  friend bool operator==(const M2mDeviceId&, const M2mDeviceId&) noexcept = default;
  friend auto operator<=>(const M2mDeviceId&, const M2mDeviceId&) noexcept = default;

 private:
  std::vector<std::uint32_t> arcs_;
};

/// Who an authenticated peer is, or who a From parameter claims to be.
using EntityId = std::variant<CseId, AeId, M2mDeviceId, Fqdn>;
/// Absolute form; device ids dotted; FQDN lower case.
[[nodiscard]] std::string to_string(const EntityId& id);
/// "//sp/x", "/x", "//sp/cse/Cx", dotted or spaced arcs, or an FQDN, in that order of attempts. In "//sp/x" a
/// stem beginning with 'S' is an AE-ID (TS-0001 7.2 forbids CSE-IDs that look like one), anything else a
/// CSE-ID.
[[nodiscard]] Result<EntityId> parse_entity_id(std::string_view text, const SpId& home);

/// RelativePart@FQDN, the common form of KpsaID (10.5), KmID (10.6), KeID (10.3.4) and the MAF Key Identifier
/// (10.3.5). Relative part: letters, digits, '.', '_', '-'; 1 to 127 octets; whole id at most 255 octets.
class KeyId {
 public:
  [[nodiscard]] static Result<KeyId> parse(std::string_view text);
  [[nodiscard]] static Result<KeyId> make(std::string_view relative, const Fqdn& issuer);
  /// 10.3.4, 10.3.5: hexBinary(id)@issuer with upper-case hex of the 16 octets; another size is
  /// invalid_argument.
  [[nodiscard]] static Result<KeyId> from_octets(std::span<const std::uint8_t> id, const Fqdn& issuer);
  [[nodiscard]] const std::string& relative() const noexcept { return relative_; }
  [[nodiscard]] const Fqdn& issuer() const noexcept { return issuer_; }
  [[nodiscard]] std::string text() const { return relative_ + "@" + issuer_.text(); }
  /// 32 hex digits: the RelativeKeyID of a MAF or MEF key (10.3.5); upper-cased octet form if so.
  [[nodiscard]] std::optional<std::string> relative_key_id() const;
  friend bool operator==(const KeyId&, const KeyId&) noexcept = default;
  friend auto operator<=>(const KeyId&, const KeyId&) noexcept = default;

 private:
  KeyId(std::string relative, Fqdn issuer) : relative_(std::move(relative)), issuer_(std::move(issuer)) {}
  std::string relative_;
  Fqdn issuer_;
};
/// 10.6: MAF_RELATIVE_KmID is not case sensitive.
[[nodiscard]] bool same_km_id(const KeyId& a, const KeyId& b);

/// sec:credIDTypeID (TS-0003 12.2, 10.4).
enum class CredentialType : std::uint8_t {
  kpm = 10,
  km = 11,
  kpsa_or_kc = 12,
  pairwise_esprim = 13,
  esdata_direct = 14,
  esdata_wrap = 15,
  esdata_hmac = 16,
  raw_public_key = 30,
  device_certificate = 31,
  cse_id_certificate = 32,
  ae_id_certificate = 33,
  esdata_encryption_raw_public_key = 41,
  esdata_encryption_device_certificate = 42,
  esdata_encryption_cse_id_certificate = 43,
  esdata_encryption_ae_id_certificate = 44,
  esdata_signature_raw_public_key = 51,
  esdata_signature_device_certificate = 52,
  esdata_signature_cse_id_certificate = 53,
  esdata_signature_ae_id_certificate = 54,
};

/// Credential-ID: "<type>-<value>"; value of letters, digits, '.', '_', '-', '@' (TS-0003 10.4).
class CredentialId {
 public:
  [[nodiscard]] static Result<CredentialId> parse(std::string_view text);
  [[nodiscard]] static Result<CredentialId> make(CredentialType type, std::string_view value);
  [[nodiscard]] CredentialType type() const noexcept { return type_; }
  [[nodiscard]] const std::string& value() const noexcept { return value_; }
  [[nodiscard]] std::string text() const;
  friend bool operator==(const CredentialId&, const CredentialId&) noexcept = default;

 private:
  CredentialId(CredentialType type, std::string value) : type_(type), value_(std::move(value)) {}
  CredentialType type_;
  std::string value_;
};

/// m2m:suid (TS-0004 6.3.4.2.39): tens = origin (1 pre-provisioned, 2 RSPF, 3 MAF, 4 certificate), units =
/// use.
class Suid {
 public:
  enum class Use : std::uint8_t {
    mef = 0,
    maf = 1,
    saef = 2,
    esprim = 3,
    esdata_encryption = 4,
    esdata_signature = 5
  };
  enum class Origin : std::uint8_t { pre_provisioned = 1, rspf = 2, maf = 3, certificate = 4 };
  [[nodiscard]] static Result<Suid> from(std::int64_t value);  ///< unassigned values are invalid_argument
  [[nodiscard]] std::uint8_t value() const noexcept { return value_; }
  [[nodiscard]] Use use() const noexcept { return static_cast<Use>(value_ % 10); }
  [[nodiscard]] Origin origin() const noexcept { return static_cast<Origin>(value_ / 10); }
  friend bool operator==(Suid, Suid) noexcept = default;

 private:
  explicit Suid(std::uint8_t value) : value_(value) {}
  std::uint8_t value_;
};

/// A parsed `to` (TS-0001 9.3.1, TS-0004 6.2): where it points and the CSE-relative rest.
struct ResourceAddress {
  enum class Scope : std::uint8_t { cse_relative, sp_relative, absolute };
  Scope scope = Scope::cse_relative;
  std::string sp;                     ///< FQDN of an absolute address, lower case; else empty
  std::string cse;                    ///< CSE stem; empty when CSE-relative
  std::vector<std::string> segments;  ///< CSE-relative path; empty for the bare CSE-ID
  std::string attribute;              ///< name behind '#', else empty
  /// Limits: 2048 octets, 64 segments; empty segments, ".", ".." and characters other than the pchar of RFC
  /// 3986, or percent-encoding, are invalid_argument. "//maf.example/-/" is read as "//maf.example/-"
  /// (TS-0032).
  [[nodiscard]] static Result<ResourceAddress> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
};

}  // namespace latchkey

template <>
struct std::hash<latchkey::CseId> {
  std::size_t operator()(const latchkey::CseId& id) const { return std::hash<std::string>{}(id.absolute()); }
};
template <>
struct std::hash<latchkey::AeId> {
  std::size_t operator()(const latchkey::AeId& id) const { return std::hash<std::string>{}(id.absolute()); }
};
