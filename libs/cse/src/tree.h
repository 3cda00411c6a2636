#pragma once
/// The resource tree in memory with its indexes; every change also goes into a store::Batch. Nothing on the
/// request path costs more as the number of resources grows.
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "latchkey/base/ids.h"
#include "latchkey/store/store.h"
#include "representations.h"
#include "resource.h"

namespace latchkey::cse {

/// Virtual children (TS-0001 9.6): addressed by name, without a record of their own.
enum class VirtualChild : std::uint8_t { none, latest, oldest, fan_out, polling_uri };

/// What a `to` points at on this CSE.
struct Target {
  Resource* resource = nullptr;  ///< null: no such resource; for a virtual child its parent
  VirtualChild child = VirtualChild::none;
  std::vector<std::string> suffix;  ///< fan_out: the path behind fopt
  std::uint64_t seen = 0;           ///< write sequence of the deepest resource on the way, for a durable 4004
};

class ResourceTree {
 public:
  explicit ResourceTree(CseId own) : own_(std::move(own)) {}

  /// Reads every record. An unreadable one is an error: a lost policy would go unnoticed.
  [[nodiscard]] Status load(const store::Store& store);

  /// Takes the resource in under its parent (null: as the CSEBase). ri and (parent, rn) must be free.
  Resource& insert(std::unique_ptr<Resource> resource, Resource* parent, std::uint64_t sequence,
                   store::Batch& batch);
  /// Merges `changes` into the attributes; null deletes one.
  void update(Resource& resource, const boost::json::object& changes, std::uint64_t sequence,
              store::Batch& batch);
  /// The same for the counters of a container, which many requests of one turn change: no index reads them,
  /// and the record is written by write_counted, once.
  void count(Resource& resource, const boost::json::object& changes, std::uint64_t sequence);
  void write_counted(store::Batch& batch);
  /// Takes one childless resource out; the caller removes descendants first (see for_each_descendant).
  void remove(Resource& resource, std::uint64_t sequence, store::Batch& batch);

  [[nodiscard]] Resource* base() const noexcept { return base_; }
  /// By unstructured id.
  [[nodiscard]] Resource* find(std::string_view ri) const noexcept;
  /// CSE-relative part of an address: structured ("cse/ae/cnt", "-/ae"), unstructured ("cnt0815") and hybrid
  /// with virtual children ("cnt0815/la"). No segments: the CSEBase.
  [[nodiscard]] Target resolve(const std::vector<std::string>& segments) const;
  /// An address that hosts() accepts; else an empty Target.
  [[nodiscard]] Target resolve(const ResourceAddress& address) const;
  /// `text` in any of the address forms when it names this CSE; an empty Target for another CSE or a
  /// malformed text.
  [[nodiscard]] Target resolve(std::string_view text) const;
  /// True if the address names a resource of this CSE: CSE-relative, our CSE-ID and SP, or the S-type AE-ID
  /// of a registree.
  [[nodiscard]] bool hosts(const ResourceAddress& address) const;
  [[nodiscard]] const CseId& own() const noexcept { return own_; }

  /// {"m2m:cnt": attributes} as text.
  [[nodiscard]] Representations::Text representation(const Resource& resource) const {
    return representations_.of(resource);
  }
  /// Another one after every creation, change and removal of an <accessControlPolicy>: what was found out by
  /// way of one holds no longer.
  [[nodiscard]] std::uint64_t policy_generation() const noexcept { return policy_generation_; }

  /// Structured CSE-relative path: "cse/ae/cnt".
  [[nodiscard]] std::string path(const Resource& resource) const;
  /// "/cse-id/" before the structured path.
  [[nodiscard]] std::string sp_relative_path(const Resource& resource) const;

  /// Registrees. AE: the <AE> resource of an AE registered here. CSE: the <remoteCSE> with this csi (also the
  /// registrar's).
  [[nodiscard]] Resource* find_ae(const AeId& id) const;
  [[nodiscard]] Resource* find_cse(const CseId& id) const;
  /// <remoteCSE> resources through which `id` is reached: csi equals it, else dcse lists it.
  [[nodiscard]] std::vector<Resource*> next_hops(const CseId& id) const;

  /// CSEs below this one: registrees but `above`, and their descendantCSEs. SP-relative within our SP,
  /// sorted.
  [[nodiscard]] std::vector<std::string> cses_below(const std::optional<CseId>& above) const;
  /// Called after every change of a <remoteCSE>, while it is made. May be empty.
  std::function<void()> remote_cses_changed;
  /// Called when a <token> goes, with its tokenID; also within a change of one, which comes back at once.
  /// May be empty.
  std::function<void(const std::string& token_id)> token_gone;

  /// <serviceSubscribedNode> resources whose csi is `id` (IN-CSE).
  [[nodiscard]] std::vector<Resource*> subscribed_nodes(const CseId& id) const;

  /// The policies that DAS Servers granted for this resource, expired ones too.
  [[nodiscard]] std::vector<Resource*> dynamic_policies(const Resource& target) const;
  /// <role> resources of this roleID and holder (an absolute id) that have not expired as resources.
  [[nodiscard]] std::vector<Resource*> roles(std::string_view role_id, std::string_view holder,
                                             TimePoint now) const;
  /// All <role> and <token> resources of a holder that have not expired as resources; looks at every one.
  [[nodiscard]] std::vector<Resource*> held_by(std::string_view holder, TimePoint now) const;
  /// Likewise a <token> of this tokenID; nullptr: none.
  [[nodiscard]] Resource* find_token(const std::string& token_id, TimePoint now) const;

  /// Youngest first within each parent, children before their parents; `resource` itself is not visited.
  static void for_each_descendant(Resource& resource, const std::function<void(Resource&)>& visit);

  /// Earliest expiration, and the resources whose time has passed at `now` (at most `limit`).
  [[nodiscard]] std::optional<TimePoint> next_expiry() const;
  [[nodiscard]] Resource* expired(TimePoint now) const;

  [[nodiscard]] std::size_t size() const noexcept { return by_id_.size(); }
  /// A resource id that was never in use: prefix by type and the serial number in base 36, which survives
  /// restarts.
  [[nodiscard]] std::string new_id(std::uint32_t ty, store::Batch& batch);
  /// A number that was never handed out, for ids and names; reserved in blocks, so that a restart does not
  /// repeat one.
  [[nodiscard]] std::uint64_t new_serial(store::Batch& batch);

  static constexpr std::string_view kSpace = "res";  ///< one record a resource, by ri
  static constexpr std::string_view kCounterSpace =
      "cse";  ///< the serial number that is safe after a restart

 private:
  struct DueOrder {
    bool operator()(const Resource* a, const Resource* b) const noexcept;
  };
  void link(Resource& resource, Resource* parent);
  void unlink(Resource& resource);
  void index(Resource& resource);
  void unindex(Resource& resource);
  void before_change(const Resource& resource) noexcept;
  void merge(Resource& resource, const boost::json::object& changes, std::uint64_t sequence);
  [[nodiscard]] Status take(std::string_view ri, std::string_view record);
  [[nodiscard]] Status link_all();
  [[nodiscard]] Resource* registree(const ResourceAddress& address) const;
  [[nodiscard]] Target walk(Resource* from, const std::vector<std::string>& segments,
                            std::size_t first) const;

  CseId own_;
  Resource* base_ = nullptr;
  std::unordered_map<std::string_view, std::unique_ptr<Resource>> by_id_;  // keys view the ri of the value
  std::unordered_map<std::string, Resource*> aes_, cses_;                  // absolute ids
  std::unordered_multimap<std::string, Resource*> descendants_;            // dcse entries, absolute
  std::unordered_multimap<std::string, Resource*> nodes_;                  // csi of svsn, absolute
  std::unordered_multimap<std::string, Resource*> roles_;                  // holder and roleID
  std::unordered_multimap<std::string, Resource*> tokens_;                 // tokenID
  std::unordered_multimap<const Resource*, Resource*> dynamic_;            // parent
  std::set<Resource*, DueOrder> due_;
  std::uint64_t next_serial_ = 1, reserved_ = 1;
  std::unordered_set<Resource*> counted_;  // whose records are to be written
  mutable Representations representations_;
  std::uint64_t policy_generation_ = 0;
};

}  // namespace latchkey::cse
