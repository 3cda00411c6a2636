#include "latchkey/cse/location.h"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <utility>

#include "latchkey/base/bytes.h"
#include "latchkey/base/log.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::cse {
namespace {

constexpr std::size_t kSecretOctets = 16;
constexpr std::string_view kSpace = "loc";  // one record an originator, by absolute id

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
  return server_ != nullptr &&
         (demand.point || !demand.circles.empty() || (demand.country && !options_.countries.empty()));
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
  save(*found->second.first);
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
  if (terminal->fix && terminal->fix->time > taken.time) return;
  terminal->fix = taken;
  save(*terminal);
}

// Areas.

void LocationInformation::unwatch(Terminal& terminal, Watch& watch) {
  for (auto& direction : watch.directions) {
    watches_.erase(direction.secret);
    if (!direction.path.empty() && clock_.now() < watch.until) server_->unsubscribe(direction.path);
  }
  terminal.watches.remove_if([&](const Watch& one) { return &one == &watch; });
  save(terminal);
}

void LocationInformation::drop_ended(Terminal& terminal) {
  for (auto at = terminal.watches.begin(); at != terminal.watches.end();) {
    auto& watch = *at++;
    if (watch.ended || clock_.now() >= watch.until) unwatch(terminal, watch);
  }
}

void LocationInformation::drop(Terminal& terminal) {
  while (!terminal.watches.empty()) unwatch(terminal, terminal.watches.front());
  terminal.fix.reset();
  save(terminal);
  by_use_.erase(terminal.use);
  terminals_.erase(std::string(terminal.key));
}

void LocationInformation::forget(const EntityId& originator) {
  auto* const terminal = find(originator);
  if (terminal == nullptr) return;
  // Who waits is answered by what comes of the question under way.
  while (!terminal->watches.empty()) unwatch(*terminal, terminal->watches.front());
  terminal->fix.reset();
  save(*terminal);
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

// What is kept.

/// Subscriptions are worth something with this server and this address of ours.
std::string LocationInformation::served_by() const {
  return server_ == nullptr ? "" : server_->options().url + " " + server_->options().notify_url;
}

void LocationInformation::save(const Terminal& terminal) {
  if (store_ == nullptr) return;
  codec::json::array areas;
  for (const auto& watch : terminal.watches) {
    const auto& [entering, leaving] = watch.directions;
    if (watch.ended || entering.path.empty() || leaving.path.empty()) continue;
    codec::json::array directions;
    for (const auto& direction : watch.directions)
      directions.emplace_back(
          codec::json::array{codec::json::string(direction.secret), codec::json::string(direction.path)});
    areas.emplace_back(codec::json::object{
        {"circle", codec::json::array{watch.circle.latitude, watch.circle.longitude, watch.circle.radius}},
        {"until", format_timestamp(watch.until)},
        {"directions", std::move(directions)}});
  }
  store::Batch batch;
  if (areas.empty() && !terminal.fix) {
    batch.remove(kSpace, terminal.key);
  } else {
    codec::json::object record{{"server", codec::json::string(served_by())},
                               {"address", codec::json::string(terminal.address)},
                               {"areas", std::move(areas)}};
    if (terminal.fix) record["fix"] = codec::to_json(*terminal.fix);
    batch.put(kSpace, terminal.key, codec::json::serialize(record));
  }
  // A store that fails ends the daemon by way of the CSE; a place that is lost is asked for again.
  store_->commit(std::move(batch), [](const Status&) {});
}

Status LocationInformation::keep_in(store::Store& store) {
  std::vector<std::pair<std::string, std::string>> records;
  auto scanned = store.scan(kSpace, [&](std::string_view key, std::string_view value) {
    records.emplace_back(key, value);
    return true;
  });
  if (!scanned) return fail("places", scanned.error());
  store_ = &store;
  for (const auto& [id, record] : records) {
    auto restored = restore(id, record);
    if (restored) continue;
    log::warning("location", "what was kept of " + id + " is dropped: " + restored.error().detail);
    store::Batch batch;
    batch.remove(kSpace, id);
    store_->commit(std::move(batch), [](const Status&) {});
  }
  return {};
}

namespace {

struct KeptArea {
  authz::Circle circle;
  TimePoint until;
  std::array<std::pair<std::string, std::string>, 2> directions;  // callbackData and path
};

/// Throws where the form is another.
KeptArea read_area(const codec::json::value& value) {
  const auto& area = value.as_object();
  const auto& circle = area.at("circle").as_array();
  const auto until = parse_timestamp(std::string_view(area.at("until").as_string()));
  if (!until) throw std::out_of_range("until");
  KeptArea out{.circle = {circle.at(0).to_number<double>(), circle.at(1).to_number<double>(),
                          circle.at(2).to_number<double>()},
               .until = *until,
               .directions = {}};
  const auto& directions = area.at("directions").as_array();
  for (std::size_t i = 0; i < out.directions.size(); ++i) {
    const auto& direction = directions.at(i).as_array();
    out.directions[i] = {std::string(direction.at(0).as_string()), std::string(direction.at(1).as_string())};
  }
  return out;
}

struct KeptTerminal {
  std::string server, address;
  std::optional<codec::Fix> fix;
  std::vector<KeptArea> areas;
};

Result<KeptTerminal> read_terminal(std::string_view text) {
  const auto parsed = codec::parse_json(text, {});
  if (!parsed) return fail(ErrorCode::invalid_argument, parsed.error().detail);
  try {
    const auto& record = parsed->as_object();
    KeptTerminal out{.server = std::string(record.at("server").as_string()),
                     .address = std::string(record.at("address").as_string()),
                     .fix = {},
                     .areas = {}};
    if (const auto* const kept = record.if_contains("fix")) {
      auto fix = codec::read_fix(*kept);
      if (!fix) return fail(ErrorCode::invalid_argument, "fix" + fix.error().detail);
      out.fix = *fix;
    }
    for (const auto& area : record.at("areas").as_array()) out.areas.push_back(read_area(area));
    return out;
  } catch (const std::exception& error) {
    return fail(ErrorCode::invalid_argument, error.what());
  }
}

}  // namespace

Status LocationInformation::restore(const std::string& id, std::string_view record) {
  auto kept = read_terminal(record);
  if (!kept) return fail(kept.error());
  const auto slash = id.find('/', 2);
  const auto sp = SpId::parse(id.substr(0, slash));
  const auto originator = sp ? parse_entity_id(id, *sp) : Result<EntityId>(fail(sp.error()));
  if (!originator) return fail(originator.error());
  auto* const terminal = find_or_make(*originator);
  if (terminal == nullptr) return fail(ErrorCode::limit, "more originators than are kept");
  // Of another server, or of another terminal that stood for the originator, nothing holds.
  if (kept->server != served_by() || kept->address != terminal->address) {
    drop(*terminal);
    return fail(ErrorCode::not_found, "the configuration is another one now");
  }
  terminal->fix = kept->fix;
  for (auto& area : kept->areas) {
    auto& watch = terminal->watches.emplace_back();
    watch.circle = area.circle;
    watch.until = area.until;
    constexpr std::array kCrossings{codec::Crossing::entering, codec::Crossing::leaving};
    for (std::size_t i = 0; i < kCrossings.size(); ++i) {
      auto& [secret, path] = area.directions[i];
      watches_.emplace(secret, std::pair(terminal, &watch));
      watch.directions[i] = {kCrossings[i], std::move(secret), std::move(path)};
    }
  }
  drop_ended(*terminal);
  return {};
}

LocationInformation::Counters LocationInformation::counters() const {
  auto counters = counters_;
  counters.originators = terminals_.size();
  counters.areas = watches_.size() / 2;
  return counters;
}

}  // namespace latchkey::cse
