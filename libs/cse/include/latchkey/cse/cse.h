#pragma once
/// The CSE without sockets: every request passes identification, authentication and a policy decision (design
/// section 4).
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/authz/pdp.h"
#include "latchkey/authz/token_verifier.h"
#include "latchkey/base/audit.h"
#include "latchkey/base/executor.h"
#include "latchkey/base/ids.h"
#include "latchkey/bind/request.h"
#include "latchkey/cse/maf_keys.h"
#include "latchkey/e2e/notified_end_point.h"
#include "latchkey/e2e/secured_request.h"
#include "latchkey/secure_env/secure_env.h"
#include "latchkey/store/store.h"

namespace latchkey::cse {

class LocationInformation;

enum class CseType : std::uint8_t { in = 1, mn = 2, asn = 3 };

/// End-to-end security at this CSE (TS-0003 8.4, 8.7).
struct EndToEndOptions {
  e2e::NotifiedEndPointConfig end_point;  ///< `esprim.self` is this CSE
  /// Kc of MAFs, with SUID 33, whose FQDNs are in `end_point.esprim.mafs`; outlives the CSE. nullptr: none is
  /// asked.
  MafKeys* maf_keys = nullptr;
  /// What keys that were established are kept under, in the store, over restarts; outlives the CSE. nullptr:
  /// they end with the process.
  const secure_env::SecureEnvironment* environment = nullptr;
};

struct CseOptions {
  CseType type = CseType::in;
  CseId cse_id;                               ///< own CSE-ID
  std::string cse_base_name = "cse";          ///< resourceName of the CSEBase
  std::vector<std::string> points_of_access;  ///< poa of the CSEBase
  std::optional<CseId> registrar;             ///< MN, ASN: whom to register with
  /// Administrator: full access, but only in a session bound to this AE-ID or on a trusted listener that
  /// lists it exactly.
  std::optional<AeId> administrator;
  /// Trusted listeners by name: originators they may carry (patterns with '*'; CSE-IDs never).
  struct TrustedListener {
    std::string name;
    std::vector<std::string> originators;
  };
  std::vector<TrustedListener> trusted_listeners;
  /// AE-IDs that are bound to a credential (PSK table, MAF, certificates): on a trusted listener only if
  /// listed exactly.
  std::function<bool(const AeId&)> bound_to_credential;
  bool field_domain = false;  ///< MN/ASN: Mca inside the field domain may lack an association (6.1.2.2.1)
  /// Registrees of our service provider may speak for CSEs (and their AEs) that no descendantCSEs list
  /// (docs/decisions/0033).
  bool unlisted_descendants = false;
  bool registration_needs_app_rule =
      false;  ///< AE registration must match a serviceSubscribedAppRule or certificate (step 1)
  std::chrono::seconds default_lifetime{std::chrono::hours(24 * 365)};
  std::chrono::milliseconds forward_timeout{10'000};
  std::chrono::milliseconds polling_timeout{60'000};
  std::size_t store_queue_limit = 10'000;  ///< changes not yet durable: above it creates are shed with 5000
  std::size_t resources_max = 1'000'000;
  std::size_t pending_notifications_per_target = 1'000;
  std::size_t results_max = 1'000;   ///< of a discovery or a retrieve with children; more: partial content
  std::size_t fan_out_max = 10'000;  ///< members that one request reaches in all, by groups of groups too
  std::chrono::seconds registration_refresh{
      600};  ///< MN, ASN: the registration is renewed after this time at the latest
  /// Issuers of tokens and roles (TS-0003 7.3.2.6.3); see Cse::trust.
  authz::TokenTrust token_trust;
  /// DAS Servers that may grant anything here: a <dynamicAuthorizationConsultation> that names another one
  /// has no effect (docs/decisions/0014).
  struct DasServer {
    EntityId id;                  ///< issuer of its tokens
    std::string point_of_access;  ///< resource id or URL, as it stands in dap
    std::vector<Fqdn> domains;    ///< of the Role-IDs and Token-IDs that it issues
    /// It decides by place: the location server is asked before it, unless the place is known already.
    bool wants_place = false;
    /// An originator is told what to ask it secured for it alone (7.3.2.3 step 2.2); nullptr: in clear.
    std::shared_ptr<e2e::SecuredRequestSource> secured_requests = nullptr;
    /// A policy that it granted is kept for this time at most, then it is asked again.
    std::chrono::seconds policy_lifetime_max{std::chrono::hours(24 * 366)};
  };
  std::vector<DasServer> das_servers;
  /// A token of this issuer counts only if where its domain keeps tokens, or its DAS Server, has confirmed
  /// its id within this time (docs/decisions/0031). Issuers that are not listed: until it ends.
  struct TokenCheck {
    EntityId issuer;
    std::chrono::seconds age{0};
  };
  std::vector<TokenCheck> token_checks;
  /// Where an Authorization Authority keeps <role> and <token> on another CSE (7.4.3 step 2).
  struct Repository {
    Fqdn domain;           ///< behind the '@' of Role-IDs and Token-IDs
    std::string cse_base;  ///< address of the CSEBase
  };
  std::vector<Repository> repositories;
  /// <dynamicAuthorizationConsultation> for resources without one of their own or their parents; empty: none.
  std::string default_consultation;
  std::chrono::milliseconds consultation_timeout{3'000};  ///< of a DAS Server, repository, PDP, PRP or PIP
  std::size_t consultations_max = 256;                    ///< under way at once; above it: denied. Of DAS
                                                          ///< Servers, and apart of PDPs and PRPs
  std::size_t consultations_per_originator = 8;           ///< of these for one originator
  /// Points of authorization on other CSEs, by the address of their <authorizationDecision>,
  /// <authorizationPolicy> or <authorizationInformation> (TS-0003 6.2.2; docs/decisions/0019). Only these are
  /// asked: a policy that names another one is refused.
  struct AuthorizationPoints {
    std::vector<std::string> addresses;  ///< SP-relative or absolute
    bool by_default = false;             ///< also for targets whose policies name none: in this order
  };
  AuthorizationPoints pdps, prps, pips;
  /// What this CSE does for others, by resources of its own that the administrator creates.
  bool offers_pdp = false, offers_prp = false, offers_pip = false;
  /// PDP, PRP: policies of this CSE that decide on resources of others.
  struct ForeignTarget {
    std::string resources;              ///< address with the CSE-ID; '*' for any run of characters
    std::vector<std::string> policies;  ///< addresses of <accessControlPolicy> resources here
  };
  std::vector<ForeignTarget> foreign_targets;
  /// Places of originators (Annex F); outlives the CSE, which keeps its records. nullptr: none is ever known.
  LocationInformation* location = nullptr;
  /// nullopt: no protected primitive is opened here, and no key established.
  std::optional<EndToEndOptions> end_to_end;
  /// Called once after the store failed: nothing can be written any more, the daemon shall stop.
  std::function<void(const Error&)> store_failed;
};

/// Finds the way to another entity. Owned by the daemon; in tests a fake.
class Peers {
 public:
  Peers() = default;
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;
  virtual ~Peers() = default;
  /// A registrar or registree, by configuration (address apart from identity) or its poa; nullptr: no way
  /// known.
  [[nodiscard]] virtual bind::RequestSender* cse(const CseId& id, const std::vector<std::string>& poa) = 0;
  /// A notification target or an AE, by URL ("http://host:port/path"); nullptr: scheme not offered or not
  /// permitted, or `owner`, the absolute id of who named the URL, has too many in use. Use it at once: it is
  /// valid until the next call.
  [[nodiscard]] virtual bind::RequestSender* url(std::string_view url, const std::string& owner) = 0;
};

/// A request that nobody has sent, for Cse::explain.
struct Hypothetical {
  std::string originator;  ///< AE-ID-Stem or any id in SP-relative or absolute form
  std::string operation;   ///< CREATE, RETRIEVE, UPDATE, DELETE, NOTIFY, DISCOVER; any case
  std::string target;
  std::optional<std::uint32_t> child_type;  ///< CREATE
  std::optional<bool> authenticated;        ///< else whether the originator is registered here
  std::optional<TimePoint> time;            ///< else now
  std::optional<authz::IpAddress> ip;       ///< else not known
  std::optional<authz::Location> location;  ///< else not known
  std::vector<std::string> roles;           ///< taken as held, whatever backs them
  std::vector<std::string> tokens;          ///< verified as those of a request
};

class Cse final : public bind::RequestHandler {
 public:
  /// Loads the tree from the store and creates the CSEBase on first start. All references outlive the CSE.
  [[nodiscard]] static Result<std::unique_ptr<Cse>> open(CseOptions options, store::Store& store,
                                                         Executor& executor, const Clock& clock,
                                                         AuditSink& audit, Peers& peers);
  ~Cse() override;

  void handle(bind::IncomingRequest request, bind::Respond respond) override;
  /// MN, ASN: registers with the registrar and keeps it so (create or update the remoteCSE, both ways), again
  /// after loss.
  void start_registration();

  /// Replaces the trust in issuers of tokens and roles; every known token is forgotten, so that nothing
  /// outlives the trust that it was accepted under. invalid_argument, and nothing changes: see
  /// TokenVerifier::configure.
  [[nodiscard]] Status trust(authz::TokenTrust issuers);

  /// Replaces the provisioned pairwise keys of ESPrim; those that were established stay. unsupported: without
  /// EndToEndOptions. limit: what came before it counts.
  [[nodiscard]] Status provision(std::vector<e2e::PairwiseEsPrimKey::Shared> keys);

  /// SIGHUP: keys are established with these from now on (8.7), and e2eSecInfo shows them within a minute.
  /// invalid_argument, and nothing changes. Nothing without EndToEndOptions.
  [[nodiscard]] Status renew(std::shared_ptr<const tls::OwnCertificate> own,
                             std::shared_ptr<const pki::TrustStore> trust);

  /// The identity that serviceSubscribedAppRules give a credential (8.2.1, 8.2.2.1): allowed AE-IDs whose
  /// rule's applicableCredIDs match. Empty: none.
  [[nodiscard]] std::vector<AeId> allowed_ae_ids(const CredentialId& credential) const;
  /// For `latchkey authz explain` and the admin listener: the decision for a hypothetical request, in
  /// sentences. Nobody else is asked, nothing changes, and no audit event is left.
  [[nodiscard]] std::string explain(const Hypothetical& request) const;

  struct Counters {
    std::uint64_t requests = 0, permitted = 0, denied = 0, refused_originator = 0, notifications = 0,
                  notifications_failed = 0, forwarded = 0;
    std::size_t resources = 0;
  };
  [[nodiscard]] Counters counters() const;

  struct Impl;
  explicit Cse(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::cse
