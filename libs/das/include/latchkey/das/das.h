#pragma once
/// The DAS Server and Authorization Authority without sockets (TS-0003 7.3.2.2, 7.3.2.3, 7.4.1, 7.4.2):
/// requests in, answers and durable records out.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "latchkey/base/audit.h"
#include "latchkey/base/executor.h"
#include "latchkey/base/ids.h"
#include "latchkey/bind/request.h"
#include "latchkey/crypto/keys.h"
#include "latchkey/das/policy.h"
#include "latchkey/e2e/secured_request.h"
#include "latchkey/secure_env/secure_env.h"
#include "latchkey/store/store.h"

namespace latchkey::das {

/// Sign-then-encrypt for one CSE: its public key, as the CSE has it under `kid` (docs/decisions/0011).
struct EncryptionTo {
  std::string kid;
  crypto::PublicKey key;
};

/// A CSE that is answered, and to which tokens may be issued.
struct HostingCse {
  CseId id;
  std::string base_name = "cse";  ///< resourceName of its CSEBase: "-" in an address means that
  std::optional<EncryptionTo> encryption;
  /// Originators must ask about its resources with what it secured for them (7.3.2.3 step 2.2).
  bool only_secured_requests = false;
};

/// Where the Authorization Authority keeps <role> and <token> resources (7.4.1: Role Repository and Token
/// Repository).
struct RepositoryOptions {
  std::string parent;             ///< address of the CSEBase below which they are created, "/in-cse/cse"
  std::vector<std::string> acpi;  ///< accessControlPolicyIDs of what is created
  bool notify_holder = false;     ///< 7.4.2.3 step 6a
};

struct DasOptions {
  EntityId id;  ///< identity as issuer: AE-ID, CSE-ID or FQDN
  SpId home;    ///< completes SP-relative ids
  std::vector<Fqdn>
      domains;      ///< behind '@' of the Token-IDs and Role-IDs it issues; the first is that of Token-IDs
  std::string kid;  ///< of the signature
  std::string signing_key;  ///< handle in the Secure Environment: a P-256 private key
  std::vector<HostingCse> hosting_cses;
  std::shared_ptr<const Policy> policy;
  std::optional<RepositoryOptions> repository;
  /// Opens what Hosting CSEs secured; nullptr: 5001.
  std::shared_ptr<const e2e::SecuredRequestTarget> secured_requests = nullptr;
  std::size_t records_max = 1'000'000;
  std::size_t store_queue_limit = 10'000;
  /// A commit failed: memory is ahead of the disk. Called once; the daemon stops (fail-stop). May be empty.
  std::function<void(const Error&)> store_failed;
};

/// What was given away. Kept until it ends; a revoked token too.
struct Issued {
  enum class Kind : std::uint8_t { policy, token, role };
  std::string id;  ///< Token-ID; "policy-..." or "role-..." for the others
  Kind kind = Kind::token;
  std::string grant;                ///< name in the policy; empty for roles and their tokens
  std::string holder;               ///< absolute AE-ID or CSE-ID
  std::string cse;                  ///< Hosting CSE it is for; empty: any
  std::string target;               ///< what was asked for
  TimePoint issued{}, not_after{};  ///< valid from `issued` on
  bool revoked = false;
  std::vector<std::string> roles;
  std::string name;  ///< tokenName
  std::string jwt;
};
[[nodiscard]] std::string_view to_string(Issued::Kind kind) noexcept;

/// A role assignment on its way into the repositories.
struct Assignment {
  /// In the order of 7.4.2.2 and 7.4.2.3; the last four end it, or undo it.
  enum class Step : std::uint8_t {
    create_role,
    create_token,
    link_token,
    notify,
    assigned,
    delete_token,
    delete_role,
    withdrawn,
    refused
  };
  std::string id;  ///< "role-...", also of its record among the Issued and resourceName of the <role>
  std::string role_id, holder, name;
  TimePoint not_before{}, not_after{};
  std::string token_id;  ///< empty: no token is wanted, or none is issued yet
  bool with_token = false;
  Step step = Step::create_role;
  std::string reason;  ///< of a refusal or the latest failure
  /// Nothing is under way any more.
  [[nodiscard]] bool settled() const noexcept {
    return step == Step::assigned || step == Step::withdrawn || step == Step::refused;
  }
};
[[nodiscard]] std::string_view to_string(Assignment::Step step) noexcept;

class Das final : public bind::RequestHandler {
 public:
  /// Loads the records and goes on with what was under way. References outlive the object; `repository` may
  /// be nullptr, and fills in From. The signing key must be in the environment.
  [[nodiscard]] static Result<std::unique_ptr<Das>> open(DasOptions options, store::Store& store,
                                                         const secure_env::SecureEnvironment& environment,
                                                         Executor& executor, const Clock& clock,
                                                         AuditSink& audit, bind::RequestSender* repository);
  ~Das() override;

  /// NOTIFY with m2m:seci of type 1. From a Hosting CSE: direct dynamic authorization, or retrieval of tokens
  /// by their ids (7.3.2.3 step 5). From an originator for itself: issuance of a token (step 3), also with
  /// lky:tkr: what its Hosting CSE secured (docs/decisions/0030). A denial is a `dres` with neither policy
  /// nor token to a CSE, 4103 to an originator; why stands in the decision log only.
  void handle(bind::IncomingRequest request, bind::Respond respond) override;
  /// SIGHUP: new policies, CSEs and keys; on an error everything stays as it was. Identity and domains do not
  /// change.
  [[nodiscard]] Status replace(DasOptions options);

  // For the administrator; reactor's thread. What these change is durable when they return.
  [[nodiscard]] std::vector<const Issued*> issued(std::string_view holder = {}) const;
  /// Of a token: it is no longer handed out by its id, which ends it at CSEs that check it again. Of a
  /// policy: it is not given to the same originator for the same target again before its end, which ends it
  /// at CSEs that keep policies for less than that (docs/decisions/0031). Of a role: it is withdrawn from the
  /// repository. not_found; conflict: the token of an assignment.
  [[nodiscard]] Status revoke(const std::string& id);

  struct Wish {
    std::string role_id;
    EntityId holder;
    std::optional<std::chrono::seconds> lifetime;
    bool with_token = false;
    std::string name;
  };
  /// 7.4.2.2, 7.4.2.3: checks the policy, records the assignment and starts; its id. The steps go on by
  /// themselves, also after a restart; an unreachable repository is tried again. denied; unavailable: no
  /// repository is configured.
  [[nodiscard]] Result<std::string> assign(const Wish& wish);
  [[nodiscard]] const Assignment* assignment(const std::string& id) const;
  [[nodiscard]] std::vector<const Assignment*> assignments() const;

  struct Counters {
    std::uint64_t requests = 0, granted = 0, denied = 0;
    std::size_t records = 0, assignments = 0;
  };
  [[nodiscard]] Counters counters() const;

  struct Impl;
  explicit Das(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::das
