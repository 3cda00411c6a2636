#pragma once
/// The Policy Information Point for roles and tokens: from what a request names to what counts in its
/// decision (TS-0003 7.3.2.3 steps 5 and 6, 7.4.3 steps 2 to 4).
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "authorization_points.h"
#include "core.h"
#include "das_client.h"
#include "latchkey/authz/token_verifier.h"
#include "token_shelf.h"

namespace latchkey::cse {

/// What a request proved to have besides its originator. Immutable, shared by all that the request becomes.
struct Evidence {
  struct HeldRole {
    std::string role_id;
    std::string source;  ///< the <role> resource, for reasons
  };
  std::vector<std::shared_ptr<const authz::Token>> tokens;
  std::vector<HeldRole> roles;
  /// Of these and of the roles in tokens only those that are listed count, if the service subscription of the
  /// originator speaks of roles (ari).
  std::optional<std::vector<std::string>> permitted_roles;
  json::value assigned;  ///< m2m:dynAuthLocalTokenIdAssignments, null if nothing is new

  [[nodiscard]] bool empty() const noexcept { return tokens.empty() && roles.empty(); }
};

/// Why a request is refused as a whole (7.3.2.3 step 6.1.4). The originator hears less than the log.
struct EvidenceRefused {
  codec::Refusal answer;
  std::string reason;
  bool missing = false;  ///< nobody had it
};

class PolicyInformation final : private authz::ResourceNames {
 public:
  PolicyInformation(Core& core, DasClient& das, PointClient& points);
  ~PolicyInformation();
  PolicyInformation(const PolicyInformation&) = delete;
  PolicyInformation& operator=(const PolicyInformation&) = delete;

  /// It names something, or a token that a DAS Server gave for its originator must be confirmed again.
  [[nodiscard]] bool needed(const RequestPrimitive& request, const std::optional<EntityId>& originator) const;
  using Done = UniqueFunction<void(tl::expected<std::shared_ptr<const Evidence>, EvidenceRefused>)>;
  /// Everything that the request names, from here or from where its domain keeps it. `done` is called once,
  /// now or later. Every token must be valid; a role that nothing backs is left out. `pips`: PIPs on other
  /// CSEs, for what has no repository of its domain.
  void collect(const Request& request, std::vector<std::string> pips, Done done);

  /// Takes in a token that a DAS Server has just given for `originator`: from now on it belongs to every
  /// request of its holder (7.1.2, 7.3.2.2 step 4.1.1). Its issuer must be exactly `das`.
  [[nodiscard]] authz::Checked<std::shared_ptr<const authz::Token>> admit(std::string_view jwt,
                                                                          const EntityId& originator,
                                                                          const EntityId& das);
  /// Such tokens of this originator that are valid now, added to what its request brought itself; `known`
  /// unchanged if there is none. Cheap while no DAS Server has given any.
  [[nodiscard]] std::shared_ptr<const Evidence> with_held(const EntityId& originator,
                                                          std::shared_ptr<const Evidence> known);
  /// The same, limited to the roles that the application rules for an AE registered here permit (TS-0001
  /// 9.6.29; decision 0020). `credential`: that of its own association, if it came over one.
  [[nodiscard]] std::shared_ptr<const Evidence> within_subscription(
      const EntityId& originator, const std::optional<CredentialId>& credential,
      std::shared_ptr<const Evidence> known) const;
  /// See Authorization::suppose.
  [[nodiscard]] tl::expected<std::shared_ptr<const Evidence>, std::string> suppose(
      const EntityId& originator, const Hypothetical& question);
  /// Trust in issuers anew: every token is looked at again when it comes. invalid_argument changes nothing.
  [[nodiscard]] Status configure(authz::TokenTrust trust);
  /// The claims of a token that is to be stored, of whichever holder and CSE.
  [[nodiscard]] authz::Checked<authz::TokenClaimSet> authenticate(std::string_view jwt) const {
    return verifier_.authenticate(jwt);
  }

  /// One text for each name of a resource of this CSE (docs/decisions/0012).
  [[nodiscard]] std::optional<std::string> normalise(const ResourceAddress& address) const override;

 private:
  struct Gathering;
  using GatheringPtr = std::shared_ptr<Gathering>;
  /// An answer to a question that several requests may wait for; empty: not to be had.
  using Found = std::vector<json::object>;
  using Waiter = UniqueFunction<void(const Found&)>;

  using Token = TokenShelf::Token;
  void take_token(const GatheringPtr& gathering, std::string_view jwt);
  void accept(const GatheringPtr& gathering, const Token& token);
  void confirm_held(const GatheringPtr& gathering);
  void ask_whether_valid(const GatheringPtr& gathering, const Token& token, UniqueFunction<void(bool)> done);
  void confirm(const Token& token);
  void remember_gone(const std::string& token_id);
  /// A JWT from where tokens are kept is that very token, whole and of its issuer.
  [[nodiscard]] bool proves(std::string_view jwt, const authz::Token& token, const Gathering& gathering);
  [[nodiscard]] bool must_ask(const authz::Token& token, TimePoint now) const;
  [[nodiscard]] bool deleted(const authz::Token& token, TimePoint now) const;
  [[nodiscard]] std::vector<Token> unconfirmed(const EntityId& originator) const;
  void take_local_id(const GatheringPtr& gathering, const std::string& local_id);
  void take_token_id(const GatheringPtr& gathering, const std::string& token_id);
  void take_role_id(const GatheringPtr& gathering, const std::string& role_id);
  bool take_role(Gathering& gathering, const json::object& attributes, const std::string& source);
  void fetch(const GatheringPtr& gathering, codec::Ty type, const std::string& id, Waiter waiter);
  [[nodiscard]] const CseOptions::Repository* repository_of(const std::string& scoped_id) const;
  void ask_repository(const std::string& question, const CseOptions::Repository& repository, codec::Ty type,
                      const std::string& id, const std::string& holder);
  void ask_pips(const std::string& question, std::vector<std::string> pips, codec::Ty type,
                const std::string& id, const EntityId& originator);
  void ask_das(const std::string& question, const DasClient::Server& das, const EntityId& originator,
               const std::string& token_id);
  void answer(const std::string& question, const Found& found);
  static void finish(Gathering& gathering);

  Core& core_;
  DasClient& das_;
  PointClient& points_;
  authz::TokenVerifier verifier_;
  std::vector<authz::Authority> authorities_;
  TokenShelf shelf_;
  std::map<std::string, std::vector<Waiter>> asked_;
  std::uint64_t pip_questions_ = 0;
  std::unordered_map<std::string, std::vector<Token>> held_;  // by holder
  std::unordered_map<std::string, TimePoint> confirmed_;      // by Token-ID: when
  std::unordered_set<std::string> gone_;                      // Token-IDs that a <token> here had
  std::deque<std::string> gone_in_order_;                     // the oldest makes way
};

}  // namespace latchkey::cse
