#pragma once
/// What the parts of the CSE share: the request on its way, the write path, and the interfaces between the
/// resource procedures and the messaging parts (subscriptions, groups, polling, routing). Reactor's thread
/// only.
#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/authz/location_demand.h"
#include "latchkey/authz/pdp.h"
#include "latchkey/cse/cse.h"
#include "resource.h"
#include "tree.h"

namespace latchkey::cse {

namespace json = boost::json;
using bind::Respond;
using codec::Outcome;
using codec::RequestPrimitive;
using codec::ResponsePrimitive;
using codec::Rsc;

/// Groups within groups are followed to this depth, below the group that was named.
constexpr std::uint32_t kNestedGroupsMax = 8;

struct Elsewhere;
struct Evidence;
class EndToEnd;

/// A request whose originator has been identified (TS-0003 7.2.1). `in.primitive` is what the sender sent.
struct Request {
  bind::IncomingRequest in;
  std::optional<EntityId> originator;  ///< the identity that matched From; nullopt: matches nothing
  bool rq_authn = false;               ///< 7.1.2
  bool end_to_end = false;             ///< opened by ESPrim: proved by its key, whoever brought it
  bool administrator = false;          ///< the configured administrator, bound or listed exactly
  /// CREATE of an <AE>: the AE-ID that the association stands for; From may leave it open (8.2.1).
  std::optional<AeId> associated;
  /// Set on a trusted listener: whom it may carry. Points into CseOptions.
  const CseOptions::TrustedListener* trusted = nullptr;
  std::uint64_t seen = 0;  ///< highest write sequence that the answer depends on
  /// Of a request that a group passed on to its members: how many groups it went through.
  std::uint32_t groups_passed = 0;
  /// Members that the request of the sender may still reach, shared by all that it became; null before the
  /// first group.
  std::shared_ptr<std::size_t> members_left;
  /// Tokens and roles that count for it; null: none. See PolicyInformation.
  std::shared_ptr<const Evidence> evidence;
  /// Where the originator is, if that is known and a policy may ask for it; null: not known.
  std::shared_ptr<const authz::Location> location;
  /// What a PDP or PRP on another CSE said; null: none was asked.
  std::shared_ptr<const Elsewhere> elsewhere;
  bool located = false;          ///< the network has been asked for the place: not twice for one request
  bool collected = false;        ///< what the request names is in `evidence`
  bool asked_elsewhere = false;  ///< a PDP or PRP has been asked: not twice for one request
  bool consulted = false;  ///< a DAS Server has been asked: not twice for one request (TS-0004 7.3.3.15)

  [[nodiscard]] const RequestPrimitive& primitive() const noexcept { return in.primitive; }
  /// For a sub-request that we execute ourselves in the name of the same originator (a group member): copies
  /// everything but the primitive, and what was said elsewhere about this one.
  [[nodiscard]] Request with(RequestPrimitive primitive) const;
};

enum class EventKind : std::uint8_t {
  update,
  remove,
  create_child,
  remove_child,
  retrieve_empty,  ///< la or ol of a container without instances was asked for (notificationEventType 5)
};

/// A change that was just applied in memory, or a request that found nothing. Pointers are valid during the
/// call only: take what is needed at once, and send it with Core::when_durable(sequence, ...).
struct ResourceEvent {
  EventKind kind{};
  /// The resource whose subscribers hear of it: updated or removed itself, or the parent of `child`.
  const Resource* subject = nullptr;
  const Resource* child = nullptr;         ///< create_child, remove_child: still complete at removal
  const json::object* modified = nullptr;  ///< update: the attributes that changed, null for a deleted one
  codec::Operation operation{};            ///< of the request that caused it; del at expiration
  const std::optional<EntityId>* originator =
      nullptr;                 ///< never null; empty when the CSE itself acts (expiration)
  std::uint64_t sequence = 0;  ///< durable when Core::when_durable(sequence) fires
};

class EventSink {
 public:
  EventSink() = default;
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;
  virtual ~EventSink() = default;
  /// Called for every change but the eviction of old instances. A recursive DELETE is reported resource by
  /// resource, from the leaves up, each as `remove` of itself and then as `remove_child` of its parent,
  /// before any of them leaves the tree. The call must not change the tree: post to Core::executor what does.
  virtual void on_event(const ResourceEvent& event) = 0;
};

/// subscription (TS-0001 9.6.8, 10.2.10). The generic checks of attributes, policy and names are done before.
class Subscriptions : public EventSink {
 public:
  using Done = UniqueFunction<void(Outcome<void>)>;
  /// Before a CREATE (`subscription` null) or an UPDATE of more than common attributes: semantic checks, the
  /// right to read `subject`, the subscribed-to resource, and the verification request to each nu that is new
  /// and not the originator. `attributes`: as they would be stored. Resources are valid during the call only.
  virtual void verify(const Request& request, const Resource& subject, const Resource* subscription,
                      const json::object& attributes, Done done) = 0;
  virtual void attach(Resource& subscription) = 0;   ///< after CREATE and at start, once for each
  virtual void changed(Resource& subscription) = 0;  ///< after UPDATE
  /// Before it leaves the tree; sends sud to su when durable.
  virtual void detach(Resource& subscription, std::uint64_t sequence) = 0;
};

/// group (TS-0001 9.6.13, 10.2.7).
class GroupFanout {
 public:
  GroupFanout() = default;
  GroupFanout(const GroupFanout&) = delete;
  GroupFanout& operator=(const GroupFanout&) = delete;
  virtual ~GroupFanout() = default;
  using Done = UniqueFunction<void(Outcome<json::object>)>;
  /// Before a CREATE (`group` null) or UPDATE: the attributes that shall be stored: mid without duplicates,
  /// mt, cnm, mtv, csy set; or 6010, 4110, 5105. `group` is valid during the call only.
  virtual void validate(const Request& request, const Resource* group, json::object attributes,
                        Done done) = 0;
  /// Whether this group has passed the request on before (4104; TS-0004 7.4.14.2.2).
  [[nodiscard]] virtual bool passed_on(const RequestPrimitive& request, const Resource& group) const = 0;
  /// A request to fopt; macp or acpi has permitted it. `suffix`: path behind fopt.
  virtual void handle(Request&& request, Resource& group, std::vector<std::string> suffix,
                      Respond respond) = 0;
};

/// pollingChannel (TS-0001 9.6.21, 10.2.5.13-14).
class PollingChannels {
 public:
  PollingChannels() = default;
  PollingChannels(const PollingChannels&) = delete;
  PollingChannels& operator=(const PollingChannels&) = delete;
  virtual ~PollingChannels() = default;
  using Done = bind::RequestSender::Done;
  virtual void attach(Resource& channel) = 0;  ///< after CREATE and at start
  virtual void detach(Resource& channel) = 0;  ///< before it leaves the tree
  virtual void poll(Request&& request, Resource& channel,
                    Respond respond) = 0;  ///< RETRIEVE pcu by the owner
  virtual void notify_response(Request&& request, Resource& channel,
                               Respond respond) = 0;  ///< NOTIFY pcu by the owner
  /// Queues a request for the owner (AE or CSE) of a channel. False, and `done` untouched: it has none.
  [[nodiscard]] virtual bool deliver(const EntityId& target, RequestPrimitive& request,
                                     std::chrono::milliseconds timeout, Done& done) = 0;
};

/// Ways out (TS-0004 7.3.2.6, 7.3.2.8).
class Router {
 public:
  Router() = default;
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;
  virtual ~Router() = default;
  using Done = bind::RequestSender::Done;
  /// The address is hosted elsewhere: next hop by remoteCSE, dcse or the registrar.
  virtual void forward(Request&& request, ResourceAddress address, Respond respond) = 0;
  /// NOTIFY to an <AE> or <remoteCSE> of this CSE; NOTIFY privilege has been checked.
  virtual void notify(Request&& request, Resource& target, Respond respond) = 0;
  /// A request of this CSE itself to a resource id (AE, CSE, or below) in any form, or to a URL: poa, polling
  /// channel or next hop. `owner`: absolute id of who named the target (see Peers::url). `done` is called
  /// exactly once.
  virtual void send(std::string_view target, const std::string& owner, RequestPrimitive request,
                    std::chrono::milliseconds timeout, Done done) = 0;
};

/// Policy Enforcement Point (TS-0003 7.1): PRP cache, PIP and audit around authz::decide.
class Access {
 public:
  Access() = default;
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;
  virtual ~Access() = default;
  /// The decision of the policy that governs `target` (procedures 3.1); for a fan_out child that of macp or
  /// acpi. Audited; raises request.seen. `child_type`: Create only.
  [[nodiscard]] virtual bool permits(Request& request, const Target& target, authz::Op op,
                                     std::optional<std::uint32_t> child_type = std::nullopt) = 0;
  /// The same without audit and counters, for lists (discovery) and for checks in the name of somebody else.
  [[nodiscard]] virtual bool would_permit(const Request& request, const Resource& target, authz::Op op,
                                          std::optional<std::uint32_t> child_type = std::nullopt) = 0;
  /// The same for the request itself.
  [[nodiscard]] virtual bool would_permit(const Request& request, const Target& target) = 0;
  /// The places that the decision on the request itself lacks (Annex F); nothing if it does not depend on
  /// one.
  [[nodiscard]] virtual authz::LocationDemand location_demand(const Request& request,
                                                              const Target& target) = 0;
  /// Role-IDs with any of which the request itself would be permitted (TS-0003 7.3.2.2 step 2.2.1).
  [[nodiscard]] virtual std::vector<std::string> permitting_roles(const Request& request,
                                                                  const Target& target) = 0;
  /// UPDATE of acpi (TS-0001 9.6.1.3.2): the pvs of one referenced policy permits it, or nothing is
  /// referenced and the originator is the creator. Audited.
  [[nodiscard]] virtual bool permits_policy_change(Request& request, const Resource& target) = 0;
  /// The <accessControlPolicy> resources that govern the target; empty: creator or owner only.
  [[nodiscard]] virtual std::vector<const Resource*> policies(const Target& target) = 0;
  struct Judgement {
    bool permit = false;
    std::string reason;
  };
  /// As PDP for a request that another CSE enforces: on `target`, a resource of this CSE, or, if that is
  /// null, on something that these policies govern. Neither audited nor counted; raises request.seen.
  [[nodiscard]] virtual Judgement judge(Request& request, const Target& target,
                                        const std::vector<const Resource*>& policies) = 0;
  /// The decision and what governs it in sentences, without audit.
  [[nodiscard]] virtual std::string explain(const Request& request, const Target& target, authz::Op op,
                                            std::optional<std::uint32_t> child_type) = 0;
  /// An <accessControlPolicy> or <group> was changed or goes: what was compiled from it is dropped.
  virtual void forget(const Resource& resource) = 0;
};

/// What precedes the decision: tokens, roles, DAS Servers, other PDPs and PRPs (TS-0003 6.2.2, 7.3.2, 7.4.3).
class Authorization {
 public:
  Authorization() = default;
  Authorization(const Authorization&) = delete;
  Authorization& operator=(const Authorization&) = delete;
  virtual ~Authorization() = default;
  /// False: the decision on the target can be made now. True: request and respond are taken, and dispatched
  /// again when something has come of it, or refused.
  [[nodiscard]] virtual bool defer(Request& request, const Target& target, Respond& respond) = 0;
  /// For a request that nobody has sent: its tokens verified, its roles taken as held, and the tokens that a
  /// DAS Server has given the originator. The error says why a token does not count.
  [[nodiscard]] virtual tl::expected<std::shared_ptr<const Evidence>, std::string> suppose(
      const EntityId& originator, const Hypothetical& question) = 0;
  /// Answers a permitted UPDATE of an <authorizationDecision>, <authorizationPolicy> or
  /// <authorizationInformation> that asks something (TS-0003 6.2.2). `point` is valid during the call only.
  virtual void answer(Request&& request, const Resource& point, Respond respond) = 0;
  /// See Cse::trust.
  [[nodiscard]] virtual Status trust(authz::TokenTrust trust) = 0;
  /// The claims of a token that is to be stored, of whichever holder, CSE and time.
  [[nodiscard]] virtual authz::Checked<authz::TokenClaimSet> authenticate(std::string_view jwt) const = 0;
};

/// The response to `request` in its release, with its rqi.
[[nodiscard]] ResponsePrimitive response_to(const RequestPrimitive& request, Rsc rsc,
                                            codec::Content content = {});

struct Core {
  Core(CseOptions the_options, store::Store& the_store, Executor& the_executor, const Clock& the_clock,
       AuditSink& the_audit, Peers& the_peers);

  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core();

  CseOptions options;
  store::Store& store;
  Executor& executor;
  const Clock& clock;
  AuditSink& audit;
  Peers& peers;
  ResourceTree tree;
  Cse::Counters counters;

  std::unique_ptr<Access> access;
  std::unique_ptr<Subscriptions> subscriptions;
  std::unique_ptr<GroupFanout> groups;
  std::unique_ptr<PollingChannels> polling;
  std::unique_ptr<Router> router;
  std::unique_ptr<Authorization> authorization;
  std::unique_ptr<EndToEnd> end_to_end;  ///< null: not offered

  /// The way of a request from "route: here, or next hop" on. The originator is taken as identified: the
  /// entry for requests of the bindings is Cse::handle, this one is for sub-requests in the name of somebody
  /// already identified.
  void dispatch(Request&& request, Respond respond);

  // Write path. A change is: sequence = begin(); ResourceTree::...(…, sequence, batch); commit(sequence,
  // batch).

  [[nodiscard]] std::uint64_t begin() noexcept { return ++last_written_; }
  /// At start, after commit_and_wait: everything written so far is durable.
  void started() noexcept { durable_ = last_written_; }
  /// Queues the batch: all that one turn changes is written together, behind it. A failed commit is
  /// fail-stop: see CseOptions::store_failed.
  void commit(std::uint64_t sequence, store::Batch batch);
  using Settled = UniqueFunction<void(bool durable)>;
  /// Calls back when everything up to `sequence` is durable (at once if it is already), or with false when it
  /// never will be.
  void when_settled(std::uint64_t sequence, Settled settled);
  /// As above; the task is dropped when the store failed.
  void when_durable(std::uint64_t sequence, Task task);
  /// A change by the CSE itself (exc of a subscription, ...): attributes merged, lt set, durable, and no
  /// event. Returns the write sequence.
  std::uint64_t change(Resource& resource, json::object changes);
  /// Recursive DELETE by the CSE itself or by `originator`: events, counters of the parent, durable. The
  /// resource is gone when this returns.
  std::uint64_t remove(Resource& resource, const std::optional<EntityId>& originator);
  /// Changes that are not durable yet.
  [[nodiscard]] std::uint64_t writes_waiting() const noexcept { return last_written_ - durable_; }
  /// After a failed commit nothing may be written any more.
  [[nodiscard]] bool failed() const noexcept { return failed_; }

  /// Answers when `request.seen` is durable.
  void answer(const Request& request, ResponsePrimitive response, Respond respond);
  /// The same, when something written by this request is durable.
  void answer_written(const Request& request, std::uint64_t sequence, ResponsePrimitive response,
                      Respond respond);
  void refuse(const Request& request, const codec::Refusal& refusal, Respond respond);

  /// Called by Cse::open, and after each commit: sees that the timer is set to the earliest expiration.
  void schedule_expiry();

 private:
  void expire();
  void announce_removal(const Resource& resource, const std::optional<EntityId>& originator,
                        std::uint64_t sequence);
  void take_out(Resource& resource, std::uint64_t sequence, store::Batch& batch);
  void write_out();
  void committed(std::uint64_t sequence, const Status& status);

  store::Batch turn_;  ///< committed and not yet with the store
  std::uint64_t turn_sequence_ = 0;
  bool write_out_posted_ = false;
  std::uint64_t last_written_ = 0, durable_ = 0;
  bool failed_ = false;
  Executor::TimerId expiry_timer_{};
  std::optional<TimePoint> expiry_set_for_;
  std::multimap<std::uint64_t, Settled> waiting_;
  std::shared_ptr<Core*> self_ = std::make_shared<Core*>(this);  // expires with us: late commits find nobody
};

// The messaging parts; `core` outlives them.
[[nodiscard]] std::unique_ptr<Subscriptions> make_subscriptions(Core& core);
[[nodiscard]] std::unique_ptr<GroupFanout> make_groups(Core& core);
[[nodiscard]] std::unique_ptr<PollingChannels> make_polling_channels(Core& core);
[[nodiscard]] std::unique_ptr<Router> make_router(Core& core);

}  // namespace latchkey::cse
