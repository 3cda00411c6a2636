#pragma once
/// End-to-end credentials that a Trust Enabling Function provisions (TS-0003 8.6, 9.2.3, 10.3.6): what they
/// are made with, how they are made, and how they are used. Without I/O.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "latchkey/base/ids.h"
#include "latchkey/base/secret.h"
#include "latchkey/base/time.h"
#include "latchkey/e2e/esdata.h"
#include "latchkey/e2e/originator.h"
#include "latchkey/e2e/pairwise_key.h"
#include "latchkey/e2e/security_profile.h"

namespace latchkey::e2e {

inline constexpr std::size_t kSaltOctetsMax = 64;
/// Salt that we make ourselves: the length of the hash (RFC 5869 3.1).
inline constexpr std::size_t kSaltOctets = 32;
inline constexpr std::chrono::seconds kNonceLifetime{600};

/// What Ke2e_master was extracted from (10.3.6.1).
enum class MasterOrigin : std::uint8_t {
  master_credential,  ///< Km of the source and the TEF, or Kpsa where the TEF is a CSE
  exported,           ///< Kpsa of 10.3.3, from what both exported from their session
  source,             ///< a value that the source made (8.6.3)
};

/// What a target needs beside the key, and a source to derive the same (tables 9.2.3.1-1, 9.2.3.3-1). The
/// labels are those of 10.3.6.2; they travel, but others are refused.
struct EndToEndParameters {
  MasterOrigin origin = MasterOrigin::source;
  ProtectionChoice choice;
  Bytes salt;  ///< may be empty
  std::string scope;
  /// How long a random value that stands for freshness may be kept: with ESPrim, the life of rand objects.
  std::chrono::seconds nonce_lifetime = kNonceLifetime;
  friend bool operator==(const EndToEndParameters&, const EndToEndParameters&) = default;
};
[[nodiscard]] json::object to_json(const EndToEndParameters& parameters);
/// invalid_argument naming the member: missing, of another form, too long, unknown, or a label that is not
/// that of its key.
[[nodiscard]] Result<EndToEndParameters> read_end_to_end_parameters(const json::object& members);

/// Whether keys with these parameters are those of `suid`: invalid_argument.
[[nodiscard]] Status check_parameters(const EndToEndParameters& parameters, Suid suid);
/// The choice for `profile` with a fresh salt. As choose().
[[nodiscard]] Result<EndToEndParameters> make_parameters(const SecurityProfile& profile, Suid suid,
                                                         MasterOrigin origin,
                                                         std::span<const E2eSecInfo> targets = {});

/// 10.3.6.1 at a source and its TEF. `exported` is what the exporter gave, `source` the AE-ID or CSE-ID of
/// the Source ESF End-Point, which enters by way of Kpsa (10.3.3).
[[nodiscard]] SecretBytes extract_master(const EndToEndParameters& parameters, const SecretBytes& base);
[[nodiscard]] Result<SecretBytes> extract_master_from_exported(const EndToEndParameters& parameters,
                                                               SecretBytes&& exported,
                                                               const EntityId& source);
/// 8.6.3: of random octets, or of Ke and the id of the source.
[[nodiscard]] SecretBytes generate_master(const EndToEndParameters& parameters);
[[nodiscard]] Result<SecretBytes> generate_master(const EndToEndParameters& parameters, const Ke& ke,
                                                  const EntityId& source);

struct EndToEndAttributes {
  KeyId id;         ///< E2EKeyId, `kid` of envelopes
  EntityId source;  ///< AE-ID or CSE-ID
  std::vector<EntityId> targets;
  Suid suid;
  TimePoint end{};
  EndToEndParameters parameters;
};

class EndToEndDataSource;
class EndToEndDataTarget;

/// Ke2e_master with all that belongs to it. Only the keys that its SUID and parameters name come out of it.
/// Immutable.
class EndToEndCredential {
 public:
  /// invalid_argument: a master of another length than its hash, no target or several where the SUID is for
  /// one, keys that are not of its SUID, a source that is no AE or CSE.
  [[nodiscard]] static Result<EndToEndCredential> make(EndToEndAttributes attributes, SecretBytes&& master);

  [[nodiscard]] const EndToEndAttributes& attributes() const noexcept { return attributes_; }
  /// For handing the credential on to where it is kept, which must be as safe.
  [[nodiscard]] const SecretBytes& master() const noexcept { return master_; }

  /// Ke2e_msg_conf as pairwiseESPrimKey for `self`, the source or the target. denied: neither, or not for
  /// ESPrim; unsupported: separate keys, for which ESPrim has no format (8.4.3.2), or XML.
  [[nodiscard]] Result<PairwiseEsPrimKey::Shared> esprim_key(const EntityId& self) const;
  /// The same for a Receiver or Originator on its way: algorithms and lifetime of its rand objects.
  void apply(EsPrimOriginatorConfig& config) const;

  /// As the source. denied: another SUID; unsupported: XML.
  [[nodiscard]] Result<EndToEndDataSource> data_source(std::string media_type,
                                                       EsDataForm form = EsDataForm::compact) const;
  /// As target `self`. denied: not among the targets. `any_source`: a key of several targets does not prove
  /// who made an envelope (8.5.2.1); without it such envelopes are refused.
  [[nodiscard]] Result<EndToEndDataTarget> data_target(const EntityId& self, bool any_source) const;

 private:
  EndToEndCredential(EndToEndAttributes attributes, SecretBytes&& master)
      : attributes_(std::move(attributes)), master_(std::move(master)) {}
  [[nodiscard]] std::shared_ptr<const SecretBytes> key(crypto::EndToEndKey key) const;
  [[nodiscard]] Status check_data() const;
  EndToEndAttributes attributes_;
  SecretBytes master_;
};

/// Protects payloads with a TEF credential: with AEAD one envelope of one key; with separate keys the payload
/// is encrypted and a MIC is put over that envelope (decision 0035). A fresh IV for each. Thread-safe.
class EndToEndDataSource {
 public:
  [[nodiscard]] Result<std::string> protect(ByteView payload, TimePoint now);
  /// contentInfo of what protect() gives.
  [[nodiscard]] std::string content_info() const;

 private:
  friend class EndToEndCredential;
  EndToEndDataSource() = default;
  std::unique_ptr<EsDataSource> encryption_, mic_;
  std::string media_type_;
  EsDataForm form_ = EsDataForm::compact;
};

class EndToEndDataTarget {
 public:
  /// The payload, once everything has verified; `verified` is empty where the source is not proven.
  [[nodiscard]] EsDataResult<EsDataOpened> open(EsDataForm form, std::string_view text, TimePoint now) const;

 private:
  friend class EndToEndCredential;
  EndToEndDataTarget() = default;
  std::unique_ptr<EsDataTarget> encryption_, mic_;
  bool source_proven_ = true, any_source_ = false;
};

/// Key ids in the outermost envelope, of any issuer, as they stand there; none of what is no envelope.
[[nodiscard]] std::vector<KeyId> key_ids_of_esdata(std::string_view text);
/// `kid` of an ESPrim Object. not_found: none that is a KeyId.
[[nodiscard]] Result<KeyId> key_id_of_esprim(std::string_view object, TimePoint now);

}  // namespace latchkey::e2e
