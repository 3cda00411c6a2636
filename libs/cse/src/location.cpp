#include "latchkey/cse/location.h"

#include <algorithm>
#include <array>
#include <utility>

#include "latchkey/base/bytes.h"
#include "latchkey/base/log.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::cse {
namespace {

constexpr std::size_t kSecretOctets = 16;

bind::WebAnswer refusal(int status, const std::string& why) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = why + "\n"};
}

authz::Location place_of(const codec::Fix& fix) {
  return {.country = {}, .coordinates = std::pair(fix.latitude, fix.longitude), .areas = {}};
}

}  // namespace

/// One circle of one originator, watched in both directions: each direction is a subscription of its own.
struct LocationInformation::Watch {
  authz::Circle circle;
  TimePoint until;             ///< the server's subscriptions end
  std::optional<bool> inside;  ///< nullopt: not known yet
  TimePoint changed;           ///< time of the fix that `inside` is from
  struct Direction {
    codec::Crossing crossing;
    std::string secret;  ///< callbackData: only who was told it can report
    std::string path;    ///< of the subscription; empty: not made
  };
  std::array<Direction, 2> directions;
  bool ended = false;
};

struct LocationInformation::Terminal {
  EntityId id;
  std::string key;      ///< absolute id
  std::string address;  ///< for the server
  std::optional<codec::Fix> fix;
  std::list<Watch> watches;
  bool asking = false;         ///< then it is not dropped
  std::size_t steps_open = 0;  ///< of the question, before the place itself is asked for
  std::vector<Task> waiting;
  TimePoint not_before;
  std::list<Terminal*>::iterator use;
};

LocationInformation::LocationInformation(LocationOptions options, LocationServer* server,
                                         const CountryDatabase* countries, Executor& executor,
                                         const Clock& clock)
    : options_(std::move(options)),
      server_(server),
      countries_(countries),
      executor_(executor),
      clock_(clock) {}

LocationInformation::~LocationInformation() { self_.reset(); }

std::string LocationInformation::address_of(const EntityId& originator) const {
  auto key = to_string(originator);
  const auto named = options_.terminals.find(key);
  return named != options_.terminals.end() ? named->second : key;
}

LocationInformation::Terminal* LocationInformation::find(const EntityId& originator) const {
  const auto found = terminals_.find(to_string(originator));
  return found == terminals_.end() ? nullptr : found->second.get();
}

// What is known.

bool LocationInformation::is_fresh(const codec::Fix& fix) const {
  return clock_.now() - fix.time <= options_.age_max;
}

std::optional<std::string> LocationInformation::country_of(const authz::Location& place) const {
  std::optional<std::string> found;
  for (const auto& area : options_.countries) {
    if (!authz::is_inside(place, area.circle).value_or(false)) continue;
    if (found && *found != area.country) return std::nullopt;
    found = area.country;
  }
  return found;
}

std::shared_ptr<const authz::Location> LocationInformation::known(
    const EntityId& originator, const std::optional<authz::IpAddress>& address) const {
  authz::Location place;
  if (countries_ != nullptr && address) place.country = countries_->country(*address);
  if (const auto* const terminal = find(originator)) {
    if (terminal->fix && is_fresh(*terminal->fix)) {
      place.coordinates = place_of(*terminal->fix).coordinates;
      if (!place.country) place.country = country_of(place);
    }
    for (const auto& watch : terminal->watches) {
      if (watch.inside && !watch.ended && clock_.now() < watch.until)
        place.areas.push_back({watch.circle, *watch.inside});
    }
  }
  if (!place.country && !place.coordinates && place.areas.empty()) return nullptr;
  return std::make_shared<const authz::Location>(std::move(place));
}

// Questions.

bool LocationInformation::can_help(const authz::LocationDemand& demand) const noexcept {
  return server_ != nullptr && (!demand.circles.empty() || (demand.country && !options_.countries.empty()));
}

LocationInformation::Terminal* LocationInformation::find_or_make(const EntityId& originator) {
  if (auto* const terminal = find(originator)) {
    by_use_.splice(by_use_.end(), by_use_, terminal->use);
    return terminal;
  }
  if (terminals_.size() >= options_.originators_max) {
    const auto idle = std::ranges::find(by_use_, false, &Terminal::asking);
    if (idle == by_use_.end()) return nullptr;
    drop(**idle);
  }
  auto made = std::make_unique<Terminal>(Terminal{.id = originator,
                                                  .key = to_string(originator),
                                                  .address = address_of(originator),
                                                  .fix = {},
                                                  .watches = {},
                                                  .waiting = {},
                                                  .not_before = {},
                                                  .use = {}});
  auto& terminal = *made;
  terminal.use = by_use_.insert(by_use_.end(), &terminal);
  terminals_.emplace(terminal.key, std::move(made));
  return &terminal;
}

void LocationInformation::ask(const EntityId& originator, const authz::LocationDemand& demand, Task done) {
  if (!can_help(demand)) return executor_.post(std::move(done));
  auto* const terminal = find(originator);
  if (terminal != nullptr && terminal->asking && terminal->waiting.size() < options_.waiting_per_originator) {
    terminal->waiting.push_back(std::move(done));
    return;
  }
  const bool too_soon = terminal != nullptr && clock_.now() < terminal->not_before;
  const bool busy = questions_ >= options_.questions_max || (terminal != nullptr && terminal->asking);
  auto* const asked = too_soon || busy ? nullptr : find_or_make(originator);
  if (asked == nullptr) {
    if (!too_soon) ++counters_.refused;
    return executor_.post(std::move(done));
  }
  asked->waiting.push_back(std::move(done));
  begin(*asked, demand);
}

void LocationInformation::begin(Terminal& terminal, const authz::LocationDemand& demand) {
  terminal.asking = true;
  ++questions_;
  ++counters_.questions;
  if (records_ != nullptr) records_->needed(terminal.id);
  drop_ended(terminal);
  // Step 4 before step 5: a crossing after the question is reported, one before it is in the answer.
  terminal.steps_open = 1;
  if (!server_->options().notify_url.empty()) {
    for (const auto& circle : demand.circles) {
      const bool watched =
          std::ranges::find(terminal.watches, circle, &Watch::circle) != terminal.watches.end();
      if (!watched && terminal.watches.size() < options_.areas_per_originator) watch(terminal, circle);
    }
  }
  step_done(terminal);
}

void LocationInformation::watch(Terminal& terminal, const authz::Circle& circle) {
  auto& watch = terminal.watches.emplace_back();
  watch.circle = circle;
  watch.until = clock_.now() + server_->options().watch_time;
  const auto secret = [] { return to_hex(crypto::random_bytes(kSecretOctets)); };
  watch.directions = {Watch::Direction{codec::Crossing::entering, secret(), {}},
                      Watch::Direction{codec::Crossing::leaving, secret(), {}}};
  for (const auto& direction : watch.directions) {
    watches_.emplace(direction.secret, std::pair(&terminal, &watch));
    ++terminal.steps_open;
    server_->subscribe(terminal.address, circle, direction.crossing, direction.secret,
                       [alive = std::weak_ptr(self_), id = terminal.key,
                        secret = direction.secret](Result<std::string> path) {
                         const auto self = alive.lock();
                         if (!self) return;
                         (*self)->subscribed(id, secret, std::move(path));
                         const auto asked = (*self)->terminals_.find(id);
                         if (asked != (*self)->terminals_.end()) (*self)->step_done(*asked->second);
                       });
  }
}

void LocationInformation::step_done(Terminal& terminal) {
  if (--terminal.steps_open > 0) return;
  server_->locate(terminal.address,
                  [alive = std::weak_ptr(self_), id = terminal.key](const Result<codec::Fix>& fix) {
                    if (const auto self = alive.lock()) (*self)->located(id, fix);
                  });
}

void LocationInformation::subscribed(const std::string& id, const std::string& secret,
                                     Result<std::string> path) {
  const auto found = watches_.find(secret);
  if (found == watches_.end()) {
    // Given up meanwhile.
    if (path) server_->unsubscribe(*path);
    return;
  }
  auto& watch = *found->second.second;
  if (!path) {
    // One direction without the other would leave the originator inside for ever.
    log::warning("location", "area subscription for " + id + ": " + path.error().detail);
    watch.ended = true;
    return;
  }
  std::ranges::find(watch.directions, secret, &Watch::Direction::secret)->path = *std::move(path);
}

void LocationInformation::located(const std::string& id, const Result<codec::Fix>& fix) {
  const auto found = terminals_.find(id);
  if (found == terminals_.end()) return;
  auto& terminal = *found->second;
  terminal.asking = false;
  --questions_;
  settle_areas(terminal, fix);
  if (fix) {
    learn(terminal.id, *fix);
  } else {
    ++counters_.failures;
    terminal.not_before = clock_.now() + options_.retry;
    log::warning("location", "the place of " + id + " is not known: " + fix.error().detail);
  }
  auto waiting = std::exchange(terminal.waiting, {});
  if (records_ != nullptr) records_->obtained(EntityId(terminal.id), fix);
  for (auto& task : waiting) executor_.post(std::move(task));
}

void LocationInformation::settle_areas(Terminal& terminal, const Result<codec::Fix>& fix) {
  drop_ended(terminal);
  if (!fix || !is_fresh(*fix)) return;
  for (auto& watch : terminal.watches) {
    if (watch.inside && watch.changed > fix->time) continue;
    watch.inside = authz::is_inside(place_of(*fix), watch.circle);
    watch.changed = fix->time;
  }
}

void LocationInformation::learn(const EntityId& originator, const codec::Fix& fix) {
  auto* const terminal = find_or_make(originator);
  if (terminal == nullptr) return;
  auto taken = fix;
  taken.time =
      std::min(taken.time, clock_.now());  // another clock's future makes nothing stay fresh for longer
  if (!terminal->fix || terminal->fix->time <= taken.time) terminal->fix = taken;
}

// Areas.

void LocationInformation::unwatch(Terminal& terminal, Watch& watch) {
  for (auto& direction : watch.directions) {
    watches_.erase(direction.secret);
    if (!direction.path.empty() && clock_.now() < watch.until) server_->unsubscribe(direction.path);
  }
  terminal.watches.remove_if([&](const Watch& one) { return &one == &watch; });
}

void LocationInformation::drop_ended(Terminal& terminal) {
  for (auto at = terminal.watches.begin(); at != terminal.watches.end();) {
    auto& watch = *at++;
    if (watch.ended || clock_.now() >= watch.until) unwatch(terminal, watch);
  }
}

void LocationInformation::drop(Terminal& terminal) {
  while (!terminal.watches.empty()) unwatch(terminal, terminal.watches.front());
  by_use_.erase(terminal.use);
  terminals_.erase(std::string(terminal.key));
}

void LocationInformation::forget(const EntityId& originator) {
  auto* const terminal = find(originator);
  if (terminal == nullptr) return;
  // Who waits is answered by what comes of the question under way.
  while (!terminal->watches.empty()) unwatch(*terminal, terminal->watches.front());
  terminal->fix.reset();
  if (!terminal->asking) drop(*terminal);
}

bind::WebAnswer LocationInformation::on_notification(const bind::WebRequest& request) {
  if (request.method != "POST") return refusal(405, "only POST is known here");
  if (!request.content_type.starts_with("application/json"))
    return refusal(415, "only application/json is read");
  const auto content = codec::parse_json(request.body, {});
  if (!content) return refusal(400, content.error().detail);
  const auto notification = codec::read_area_notification(*content);
  if (!notification) return refusal(400, notification.error().detail);
  // The secret has 128 random bits: how long its look-up takes tells nobody another one.
  const auto found = watches_.find(notification->callback_data);
  if (found == watches_.end()) return refusal(404, "callbackData: no such subscription");
  const auto [terminal, watch] = found->second;
  const auto direction =
      std::ranges::find(watch->directions, notification->callback_data, &Watch::Direction::secret);
  if (notification->crossing && *notification->crossing != direction->crossing)
    return refusal(400, "enteringLeavingCriteria: not that of the subscription");
  ++counters_.notifications;
  take(*terminal, *watch, *notification);
  return {};
}

void LocationInformation::take(Terminal& terminal, Watch& watch,
                               const codec::AreaNotification& notification) {
  const auto place =
      std::ranges::find(notification.terminals, terminal.address, &codec::TerminalLocation::address);
  const bool ours = place != notification.terminals.end();
  // Nothing follows, so nothing would correct what is known now.
  if (notification.final) watch.ended = true;
  if (!notification.crossing || !ours) return;
  const auto time = place->fix ? std::min(place->fix->time, clock_.now()) : clock_.now();
  if (!watch.inside || watch.changed <= time) {
    watch.inside = *notification.crossing == codec::Crossing::entering;
    watch.changed = time;
  }
  if (!place->fix || place->fix->accuracy > server_->options().accuracy) return;
  learn(terminal.id, *place->fix);
  if (records_ != nullptr) records_->obtained(EntityId(terminal.id), *place->fix);
}

LocationInformation::Counters LocationInformation::counters() const {
  auto counters = counters_;
  counters.originators = terminals_.size();
  counters.areas = watches_.size() / 2;
  return counters;
}

}  // namespace latchkey::cse
