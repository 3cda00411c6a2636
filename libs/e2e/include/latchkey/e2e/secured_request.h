#pragma once
/// securedDasRequest `sdr` (TS-0003 7.3.2.3 steps 2.2 and 3): what a Hosting CSE tells one DAS Server by way
/// of an originator that must neither read nor change it. An ESData envelope (8.5) in compact form; what
/// stands in it is docs/decisions/0030. Without I/O.
#include "latchkey/codec/status.h"
#include "latchkey/e2e/esdata.h"

namespace latchkey::e2e {

inline constexpr std::chrono::minutes kSecuredRequestLifetimeMax{60};
inline constexpr std::chrono::seconds kSecuredRequestSkew{60};  ///< by which a CSE's clock may be ahead
inline constexpr std::size_t kSecuredRequestIdOctetsMax = 64;

/// The claims that ESData protects. Times are whole seconds.
struct SecuredRequest {
  CseId source;          ///< iss: the Hosting CSE
  EntityId target;       ///< aud: the DAS Server
  std::string id;        ///< jti: printable, unique for its source
  TimePoint made, end;   ///< iat; exp, which does not belong to it any more
  json::object request;  ///< dreq (m2m:dynAuthDasRequest), not looked at here
  friend bool operator==(const SecuredRequest&, const SecuredRequest&) = default;
};
/// Strict: a member that is missing, unknown, twice, of another type or not written exactly as below is
/// bad_request. Pure, thread-safe.
[[nodiscard]] codec::Outcome<SecuredRequest> read_secured_request(std::string_view text);
[[nodiscard]] std::string to_text(const SecuredRequest& request);

/// The Hosting CSE's side, for one DAS Server. Not thread-safe.
class SecuredRequestSource {
 public:
  struct Options {
    CseId self;
    EntityId das;
    std::chrono::seconds lifetime{300};  ///< up to kSecuredRequestLifetimeMax
  };
  /// invalid_argument: see EsDataSource::make; another form than compact, `dir` (its uses would have to be
  /// kept over restarts), a lifetime out of bounds.
  [[nodiscard]] static Result<std::shared_ptr<SecuredRequestSource>> make(Options options,
                                                                          EsDataSourceConfig config);
  /// Other keys; on an error the old ones stay.
  [[nodiscard]] Status configure(EsDataSourceConfig config);
  /// A fresh envelope around `dreq`. Errors as EsDataSource::protect.
  [[nodiscard]] Result<std::string> protect(json::object dreq, TimePoint now);

 private:
  explicit SecuredRequestSource(Options options) : options_(std::move(options)) {}
  Options options_;
  std::unique_ptr<EsDataSource> source_;
};

/// The DAS Server's side. Immutable, thread-safe.
class SecuredRequestTarget {
 public:
  struct Options {
    EntityId self;
    std::chrono::seconds lifetime_max{600};  ///< of what is accepted, up to kSecuredRequestLifetimeMax
  };
  /// As EsDataTarget::make; and invalid_argument: a policy that accepts what proves no source, a credential
  /// without a CSE as its owner, but for the keys to decrypt with that are our own.
  [[nodiscard]] static Result<std::shared_ptr<const SecuredRequestTarget>> make(
      Options options, EsDataPolicy policy, std::vector<EsDataVerifier> verifiers,
      std::vector<EsDataOpener> openers);

  /// bad_request: no envelope; originator_has_no_privilege: not authentic, not by the CSE that it names, not
  /// for this DAS Server, or not of this time. The detail is for the log. Whether it was used before is for
  /// the caller to know.
  [[nodiscard]] codec::Outcome<SecuredRequest> open(std::string_view text, TimePoint now) const;

 private:
  SecuredRequestTarget(Options options, std::unique_ptr<EsDataTarget> target)
      : options_(std::move(options)), target_(std::move(target)) {}
  Options options_;
  std::unique_ptr<EsDataTarget> target_;
};

}  // namespace latchkey::e2e
