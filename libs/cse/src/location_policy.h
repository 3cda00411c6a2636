#pragma once
/// <locationPolicy> (TS-0001 9.6.10, 10.2.9; TS-0004 7.4.10): its container, its updates, and those that the
/// CSE makes for originators whose place a policy asks for (TS-0003 F.2.1 step 3).
#include <map>
#include <unordered_map>

#include "core.h"
#include "latchkey/cse/location.h"

namespace latchkey::cse {

class LocationPolicies final : public LocationRecords {
 public:
  /// Both outlive this. Keeps the records of `information`.
  LocationPolicies(Core& core, LocationInformation& information);
  ~LocationPolicies() override;

  /// After the tree was loaded: attaches what is there, and removes containers whose policy went without
  /// them.
  void start();
  void attach(Resource& policy);   ///< after CREATE
  void changed(Resource& policy);  ///< after UPDATE
  /// Before it leaves the tree: ends what it caused at the location server; its container follows.
  void detach(const Resource& policy);
  /// How many there are that `creator`, an absolute id, made.
  [[nodiscard]] std::size_t count_of(const std::string& creator) const noexcept;

  using Done = UniqueFunction<void(Outcome<void>)>;
  /// TS-0004 7.4.27.2.2: the policy that a RETRIEVE of the latest instance of `container` obtains the place
  /// for; nullptr: none, or one with a period.
  [[nodiscard]] const Resource* positions_at_retrieval(const Resource& container) const;
  /// Asks the location server and stores the answer as an instance; who asks meanwhile waits for the same
  /// answer.
  void position(const Resource& policy, Done done);

  void needed(const EntityId& originator) override;
  void obtained(const EntityId& originator, const Result<codec::Fix>& fix) override;

 private:
  struct Entry {
    std::string creator;
    Executor::TimerId timer{};
    std::chrono::milliseconds period{0};
    bool asking = false;
    std::vector<Done> waiting;
  };
  void schedule(const std::string& ri, Entry& entry);
  void positioned(const std::string& ri, const Result<codec::Fix>& fix);
  void store(Resource& policy, const Result<codec::Fix>& fix);
  void send(RequestPrimitive request);
  [[nodiscard]] std::optional<EntityId> target_of(const Resource& policy) const;

  Core& core_;
  LocationInformation& information_;
  std::unordered_map<std::string, Entry> entries_;    // by ri
  std::unordered_map<std::string, std::string> own_;  // those of the CSE: absolute id of the originator to ri
  std::unordered_map<std::string, std::size_t> by_creator_;
  std::uint64_t requests_ = 0;
  std::shared_ptr<LocationPolicies*> self_ = std::make_shared<LocationPolicies*>(this);  // late answers
};

/// nullptr: no location server is configured.
[[nodiscard]] LocationPolicies* location_policies(const Core& core) noexcept;

/// Semantics of a CREATE, with the defaults that it leaves to the CSE: 5001 for what is not offered
/// (device-based, sharing-based and geofence), 4000 without a target or with another location server, 4103
/// for the place of somebody else, 4105 for a container name in use.
[[nodiscard]] Outcome<void> check_location_policy(const Core& core, const Request& request,
                                                  json::object& attributes);
/// The same for the changes of an UPDATE.
[[nodiscard]] Outcome<void> check_location_changes(const json::object& changes);
/// The <container> of a policy that was just inserted, with the references to each other.
void make_location_container(Core& core, Resource& policy, std::uint64_t sequence, store::Batch& batch);

}  // namespace latchkey::cse
