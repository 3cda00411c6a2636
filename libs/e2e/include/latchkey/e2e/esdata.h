#pragma once
/// End-to-End Security of Data (TS-0003 8.5) with JOSE or XML security: what a source makes of a payload, and
/// what a target accepts. Without I/O; keys come with the calls that make a source or a target.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "latchkey/base/ids.h"
#include "latchkey/base/time.h"
#include "latchkey/jose/json_serialization.h"

namespace latchkey::e2e {

namespace json = boost::json;

/// Security classes of table 8.5.2.1-1.
enum class EsDataClass : std::uint8_t { encryption_only, signature_only, sign_then_encrypt };
/// Protection options of the same table.
enum class EsDataOption : std::uint8_t { provisioned_key, tef, certificate };
/// m2m:contentSecurity (TS-0004 6.3.4.2): the serializations of 8.5.3.1.
enum class EsDataForm : std::uint8_t { compact = 1, json = 2, json_base64 = 3, xml = 4, xml_base64 = 5 };
[[nodiscard]] std::string_view to_string(EsDataClass security_class) noexcept;
[[nodiscard]] std::string_view to_string(EsDataOption option) noexcept;

inline constexpr std::size_t kEsDataKidOctetsMax = 255;
inline constexpr std::size_t kEsDataOctetsMax = 8UL * 1024UL * 1024UL;  ///< of an envelope
inline constexpr std::uint64_t kContentKeyUsesMax = 1ULL << 32U;        ///< RFC 7518 8.4

/// contentInfo of a <contentInstance>: media type and encoding (0 to 2) are those of the payload.
[[nodiscard]] std::string content_info(std::string_view media_type, unsigned encoding, EsDataForm form);

/// What is known of a key beside the key. An end-point associates it with its owner by configuration
/// (8.5.2.2.4.1, 8.5.2.3.2.1); a header never does.
struct EsDataCredential {
  std::string kid;  ///< printable ASCII without blanks
  Suid suid;        ///< x4 encryption, x5 signature; the origin tells the protection option
  std::optional<EntityId> owner = {};
  std::optional<TimePoint> end = {};  ///< lifetime; nullopt: none

  [[nodiscard]] EsDataOption option() const noexcept;
};

struct EsDataSigner {
  EsDataCredential credential;
  jose::SigningKey key;
};
struct EsDataRecipient {
  EsDataCredential credential;
  jose::EncryptionKey key;
};
struct EsDataSourceConfig {
  EsDataClass security_class = EsDataClass::sign_then_encrypt;
  EsDataForm form = EsDataForm::compact;
  /// Of the signed envelope inside one of JOSE: compact or json. Inside XML there is XML.
  EsDataForm inner_form = EsDataForm::compact;
  std::vector<EsDataSigner> signers = {};
  std::vector<EsDataRecipient> recipients = {};
  /// Of the payload, as `cty` or MimeType; empty: left out. XML encryption only has no place that would be
  /// authenticated: there contentInfo alone says it.
  std::string media_type = {};
  /// Payloads that one content key protects before another is made and wrapped. With `dir`, whose key is the
  /// content key, it must be left alone.
  std::uint64_t content_key_uses = 1;
  /// With `dir`: how often the key was used before. Whoever keeps such a key keeps uses() with it.
  std::uint64_t uses_before = 0;
};

/// Source End-Point. Thread-safe.
class EsDataSource {
 public:
  /// invalid_argument naming what the clause forbids: credentials that the class does not have, an SUID of
  /// another use, an option that does not fit the kind of key, a MIC in a nested envelope, `dir` beside other
  /// recipients (8.5.2.2.1), compact serialization of several. unsupported: an algorithm that does not fit
  /// its key, or that JOSE does not have.
  [[nodiscard]] static Result<std::unique_ptr<EsDataSource>> make(EsDataSourceConfig config);
  ~EsDataSource();
  EsDataSource(const EsDataSource&) = delete;
  EsDataSource& operator=(const EsDataSource&) = delete;

  /// The envelope. `aad` is authenticated and not encrypted: JSON forms with encryption only
  /// (invalid_argument; so is, with XML encryption only, a payload that is itself a ds:Signature, which a
  /// target would take for a nested envelope). expired: a credential is; limit: 2^32 uses of one key, or a
  /// payload whose envelope no target reads.
  [[nodiscard]] Result<std::string> protect(ByteView payload, TimePoint now,
                                            std::optional<ByteView> aad = {});
  /// Of the key of `dir`, those before included.
  [[nodiscard]] std::uint64_t uses() const;

 private:
  struct State;
  class ContentKey;
  explicit EsDataSource(EsDataSourceConfig config);
  [[nodiscard]] Result<std::string> sign(ByteView payload, EsDataForm form) const;
  [[nodiscard]] Result<std::string> seal(ByteView plaintext, std::optional<ByteView> aad);
  [[nodiscard]] Result<std::shared_ptr<const ContentKey>> content_key();
  EsDataSourceConfig config_;
  std::unique_ptr<State> state_;
};

/// What a target accepts at all. Each key says in addition which algorithms it is for; both must permit.
/// Nothing is accepted because a header says so.
struct EsDataPolicy {
  jose::Permitted<EsDataClass> classes;  ///< empty: nothing
  /// Those of JOSE; XML where somebody says so.
  jose::Permitted<EsDataForm> forms = {EsDataForm::compact, EsDataForm::json, EsDataForm::json_base64};
  jose::Permitted<jose::SignatureAlg> signatures;
  jose::Permitted<jose::KeyAlg> key_algs;
  jose::Permitted<jose::Enc> encs;
  /// Signatures by different known keys that must verify. One of a known key that does not verify always
  /// refuses the whole.
  unsigned signatures_needed = 1;
  /// Refuse what does not prove who made it: encryption to a certificate, or to several at once, where each
  /// recipient could have made it (table 8.5.2.1-1).
  bool source_verified = true;
  /// Accept identifiers of XML algorithms also as the tables of 8.5.3 print them, which have lost hyphens.
  bool printed_identifiers = false;
};

struct EsDataVerifier {
  EsDataCredential credential;
  jose::VerificationKey key;
};
struct EsDataOpener {
  EsDataCredential credential;
  jose::DecryptionKey key;
};

/// Why an envelope is refused: for the log and for inspect.
enum class EsDataDefect : std::uint8_t {
  form,                ///< not of the form it is said to be, or too long
  header,              ///< an option that is refused: crit, zip; alg or enc that nothing protects
  security_class,      ///< the policy does not have it
  algorithm,           ///< the policy or the key does not have it
  unknown_credential,  ///< no key of ours is named, or too few
  wrong_use,           ///< the key is for another use
  expired_credential,
  direct_mode,  ///< `dir` beside other recipients
  integrity,    ///< tag, MIC or signature does not verify, or the content key does not unwrap
  source,       ///< authentic for somebody, but the policy wants to know who made it
};
[[nodiscard]] std::string_view to_string(EsDataDefect defect) noexcept;
struct EsDataRefusal {
  EsDataDefect defect = EsDataDefect::form;
  std::string detail;  ///< never of payload or keys
};
template <class T>
class [[nodiscard]] EsDataResult : public tl::expected<T, EsDataRefusal> {
 public:
  using tl::expected<T, EsDataRefusal>::expected;
};

struct EsDataOpened {
  EsDataClass security_class = EsDataClass::encryption_only;
  SecretBytes payload;
  Bytes aad;
  std::optional<std::string> media_type;  ///< cty of the innermost envelope
  /// Credentials that verified the payload (C.3): signatures, or the one symmetric key.
  std::vector<EsDataCredential> verified;
  std::optional<EsDataCredential> opened_with;
  bool non_repudiation = false;  ///< signed with a certificate
};

/// Target End-Point. Immutable, thread-safe.
class EsDataTarget {
 public:
  /// invalid_argument: a kid twice among the verifiers or among the openers, and as EsDataSource::make.
  [[nodiscard]] static Result<std::unique_ptr<EsDataTarget>> make(EsDataPolicy policy,
                                                                  std::vector<EsDataVerifier> verifiers,
                                                                  std::vector<EsDataOpener> openers);

  /// The payload, once everything has verified.
  [[nodiscard]] EsDataResult<EsDataOpened> open(EsDataForm form, std::string_view text, TimePoint now) const;
  /// What the outermost envelope would be refused for before any key is used; nullopt: nothing.
  [[nodiscard]] std::optional<EsDataRefusal> preview(EsDataForm form, std::string_view text,
                                                     TimePoint now) const;

 private:
  class Opening;
  EsDataTarget(EsDataPolicy policy, std::vector<EsDataVerifier> verifiers, std::vector<EsDataOpener> openers)
      : policy_(policy), verifiers_(std::move(verifiers)), openers_(std::move(openers)) {}
  EsDataPolicy policy_;
  std::vector<EsDataVerifier> verifiers_;
  std::vector<EsDataOpener> openers_;
};

/// What anybody can see of an envelope without keys: kind, headers, key ids, sizes. For `latchkey esdata
/// inspect`. invalid_argument, limit as when opening.
[[nodiscard]] Result<json::object> inspect_esdata(EsDataForm form, std::string_view text);
/// The form by the look of it: an object, three or five parts, or base64 of an object.
[[nodiscard]] std::optional<EsDataForm> guess_form(std::string_view text);

}  // namespace latchkey::e2e
