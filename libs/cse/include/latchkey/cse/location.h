#pragma once
/// The Policy Information Point for places (TS-0003 6.2.2, 7.1.2 rq_loc, Annex F): what is known now of where
/// an originator is, and how to get to know it.
#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "latchkey/authz/location_demand.h"
#include "latchkey/authz/pdp.h"
#include "latchkey/base/executor.h"
#include "latchkey/base/ids.h"
#include "latchkey/base/time.h"
#include "latchkey/bind/web_server.h"
#include "latchkey/cse/country_database.h"
#include "latchkey/cse/location_server.h"
#include "latchkey/store/store.h"

namespace latchkey::cse {

/// The <locationPolicy> resources of the CSE, as the PIP sees them.
class LocationRecords {
 public:
  LocationRecords() = default;
  LocationRecords(const LocationRecords&) = delete;
  LocationRecords& operator=(const LocationRecords&) = delete;
  virtual ~LocationRecords() = default;
  /// F.2.1 step 3: before the network is asked for the place of `originator`.
  virtual void needed(const EntityId& originator) = 0;
  /// What the network answered or reported.
  virtual void obtained(const EntityId& originator, const Result<codec::Fix>& fix) = 0;
};

struct LocationOptions {
  std::chrono::seconds age_max{60};      ///< coordinates that were measured earlier are not known
  std::chrono::seconds retry{10};        ///< after a question without an answer the originator is left alone
  std::size_t originators_max = 10'000;  ///< of whom something is kept; the one asked for least recently goes
  std::size_t questions_max = 64;        ///< under way at once
  std::size_t waiting_per_originator = 64;   ///< for its one question
  std::size_t areas_per_originator = 16;     ///< watched; further ones are decided by coordinates
  std::size_t policies_per_originator = 10;  ///< <locationPolicy> resources that one may create
  /// A circle that lies in the country, whole. Coordinates in circles of two countries are in neither.
  struct CountryArea {
    std::string country;  ///< ISO 3166-1 alpha-2
    authz::Circle circle;
  };
  std::vector<CountryArea> countries;
  /// What the location server calls an originator, by absolute id; others are called by that id (F.2.1:
  /// locationTargetID is the identifier of the Originator).
  std::map<std::string, std::string> terminals;
};

/// Nothing that a client says goes in: the address is that of the socket, the rest is the network's word.
/// Reactor's thread.
class LocationInformation {
 public:
  /// Either of `server` and `countries` may be null: then it is not asked. References outlive this object.
  LocationInformation(LocationOptions options, LocationServer* server, const CountryDatabase* countries,
                      Executor& executor, const Clock& clock);
  ~LocationInformation();
  LocationInformation(const LocationInformation&) = delete;
  LocationInformation& operator=(const LocationInformation&) = delete;

  /// What is known of `originator`, whose own socket has the address `address` (nullopt: not known, as of a
  /// request that another CSE forwards). nullptr: nothing. No I/O.
  [[nodiscard]] std::shared_ptr<const authz::Location> known(
      const EntityId& originator, const std::optional<authz::IpAddress>& address) const;
  /// Gets to know what `demand` lacks (F.2.1 steps 3 to 6, F.2.2), then runs `done`, once and later; whether
  /// it is known now, known() tells. One question for each originator is under way: who asks meanwhile waits
  /// for it. At once if nothing can be asked: no server, one of the limits, or a failure less than `retry`
  /// ago.
  void ask(const EntityId& originator, const authz::LocationDemand& demand, Task done);
  /// F.2.1 step 8: a call of the location server. 204 when it was taken, 404 for a subscription that is not
  /// ours, 400 with the member that is wrong, 405, 415.
  [[nodiscard]] bind::WebAnswer on_notification(const bind::WebRequest& request);
  /// Once, before anything else: from now on places and subscriptions are kept in `store`, and those that are
  /// there still hold. Whether an originator is inside a watched circle is not known before the next
  /// question: a crossing may have been missed meanwhile. A record that is not readable any more is dropped;
  /// fails if the store cannot be read.
  [[nodiscard]] Status keep_in(store::Store& store);

  // For the <locationPolicy> resources.
  /// nullptr: none is configured.
  [[nodiscard]] LocationServer* server() const noexcept { return server_; }
  [[nodiscard]] std::string address_of(const EntityId& originator) const;
  /// A place that the network has told otherwise than by ask().
  void learn(const EntityId& originator, const codec::Fix& fix);
  /// Ends the subscriptions for an originator and forgets where it is.
  void forget(const EntityId& originator);
  /// nullptr: nobody keeps records.
  void keep_records(LocationRecords* records) noexcept { records_ = records; }
  [[nodiscard]] LocationRecords* records() const noexcept { return records_; }
  [[nodiscard]] const LocationOptions& options() const noexcept { return options_; }

  struct Counters {
    std::uint64_t questions = 0, failures = 0, refused = 0, notifications = 0;
    std::size_t originators = 0, areas = 0;
  };
  [[nodiscard]] Counters counters() const;

 private:
  struct Watch;
  struct Terminal;
  using Terminals = std::unordered_map<std::string, std::unique_ptr<Terminal>>;

  [[nodiscard]] Terminal* find(const EntityId& originator) const;
  [[nodiscard]] Terminal* find_or_make(const EntityId& originator);
  [[nodiscard]] bool can_help(const authz::LocationDemand& demand) const noexcept;
  void begin(Terminal& terminal, const authz::LocationDemand& demand);
  void watch(Terminal& terminal, const authz::Circle& circle);
  void subscribed(const std::string& id, const std::string& secret, Result<std::string> path);
  void step_done(Terminal& terminal);
  void located(const std::string& id, const Result<codec::Fix>& fix);
  void settle_areas(Terminal& terminal, const Result<codec::Fix>& fix);
  void drop_ended(Terminal& terminal);
  void unwatch(Terminal& terminal, Watch& watch);
  void drop(Terminal& terminal);
  void take(Terminal& terminal, Watch& watch, const codec::AreaNotification& notification);
  void save(const Terminal& terminal);
  [[nodiscard]] Status restore(const std::string& id, std::string_view record);
  [[nodiscard]] std::string served_by() const;
  [[nodiscard]] std::optional<std::string> country_of(const authz::Location& place) const;
  [[nodiscard]] bool is_fresh(const codec::Fix& fix) const;

  const LocationOptions options_;
  LocationServer* const server_;
  const CountryDatabase* const countries_;
  Executor& executor_;
  const Clock& clock_;
  store::Store* store_ = nullptr;
  LocationRecords* records_ = nullptr;
  Terminals terminals_;                                                    // by absolute id
  std::list<Terminal*> by_use_;                                            // least recently asked for first
  std::unordered_map<std::string, std::pair<Terminal*, Watch*>> watches_;  // by callbackData
  std::size_t questions_ = 0;
  Counters counters_;
  std::shared_ptr<LocationInformation*> self_ = std::make_shared<LocationInformation*>(this);  // late answers
};

}  // namespace latchkey::cse
